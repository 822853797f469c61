#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Attacks on what surrounds the tunnel: a plugin with a hole against the daemon, other programs at the management port,
# verdicts that contradict each other, texts of peers on their way to logs, programs and files.
#
#   [s] eth0 10.99.0.1 vpnd ------------- 10.99.0.2 eth0 [c] openvpn, vpnd
. "$(dirname "$0")/../tools/testlib.sh"

PROBE=$BUILD_DIR/tests/tools/probe_v

probes() { test_programs probe_v1.so probe_v2.so probe_v3.so; }

# script NAME LINE...: an executable in $WORK
script() {
    local name=$1
    shift
    printf '%s\n' '#!/bin/sh' "$@" >"$WORK/$name"
    chmod 755 "$WORK/$name"
}

server() { # LINE...
    need openvpn
    server_and_client
    pki "$WORK/pki"
    printf '%s\n' "dev tun0" "dev-type tun" "proto udp" "topology subnet" "server 10.77.0.0 255.255.255.0" "ca pki/ca.crt" \
        "cert pki/server.crt" "key pki/server.key" "dh none" "duplicate-cn" "keepalive 2 8" "script-security 2" "verb 3" \
        "tmp-dir $WORK" "status $WORK/status 1" "status-version 2" "$@" >"$WORK/server.conf"
    start server ip netns exec "$(ns s)" "$VPND" --cd "$WORK" --config server.conf
    expect_log "$WORK/server.log" 'Initialization Sequence Completed'
}

client() { # NAME USER PASSWORD
    printf '%s\n%s\n' "$2" "$3" >"$WORK/$1.pass"
    printf '%s\n' client "dev null" "dev-type tun" "remote 10.99.0.1 1194 udp" nobind "ca pki/ca.crt" "cert pki/client1.crt" \
        "key pki/client1.key" "auth-user-pass $1.pass" "verb 3" >"$WORK/$1.conf"
    start "$1" ip netns exec "$(ns c)" "$OPENVPN" --cd "$WORK" --config "$1.conf"
}

accepted() { expect_log "$WORK/$1.log" 'Initialization Sequence Completed'; }
refused() {
    expect_log "$WORK/$1.log" 'AUTH: Received control message: AUTH_FAILED'
    ! grep -aq 'Initialization Sequence Completed' "$WORK/$1.log" || fail "$1 was let in"
}
alive() { kill -0 "$(pid_of server)" 2>/dev/null || fail "the server is gone"; }

# ---------------------------------------------------------------- plugins

# Whatever the plugin's process does, its caller is not let in by it, and the next one is.
misbehaving() { # HOW TYPE MASK IS-LET-IN
    probes
    server "plugin ${PROBE}3.so $WORK/calls $2=misbehave-$1 mask=$3" "plugin ${PROBE}1.so $WORK/calls1 mask=0x20"
    client bad mallory secret
    if [ "$4" = yes ]; then
        accepted bad
        stop bad
    else
        refused bad
    fi
    client good alice secret
    accepted good
    alive
    ! grep -aq '^forged line' "$WORK/server.log" || fail "a line of the log was forged"
}

supervisor_alone() {
    local status=0
    timeout 5 "$VPND" --plugin-supervisor </dev/null 3<&- || status=$?
    [ $status = 1 ] || fail "without a socket it ends with $status"
    status=0
    timeout 5 "$VPND" --plugin-supervisor </dev/null 3</dev/null || status=$?
    [ $status = 1 ] || fail "with a file it ends with $status"
}

# The keys of the daemon are not in the memory of a plugin's process.
no_secrets() {
    probes
    server "plugin ${PROBE}3.so $WORK/calls mask=0x20"
    client good alice secret
    accepted good
    local pid found=0
    for pid in $(ip netns pids "$(ns s)"); do
        [ "$pid" != "$(pid_of server)" ] || continue
        found=$((found + 1))
        python3 - "$pid" "$WORK/pki/server.key" <<-'END' || fail "the key is in the memory of process $pid: $(tr "\0" " " <"/proc/$pid/cmdline")"
			import base64, re, sys
			key = base64.b64decode("".join(l for l in open(sys.argv[2]) if "-" not in l))
			secret = re.search(rb"\x04\x20(.{32})", key, re.S).group(1)
			with open(f"/proc/{sys.argv[1]}/maps") as maps, open(f"/proc/{sys.argv[1]}/mem", "rb", 0) as mem:
			    for line in maps:
			        span, rights = line.split()[:2]
			        if "r" not in rights or "[v" in line:
			            continue
			        start, end = (int(x, 16) for x in span.split("-"))
			        if end - start > 1 << 28:
			            continue # reserved by a sanitizer
			        try:
			            mem.seek(start)
			            if secret in mem.read(end - start):
			                sys.exit(1)
			        except OSError:
			            pass
		END
    done
    [ $found -ge 2 ] || fail "only $found processes besides the daemon"
}

# Programs get no descriptor of the daemon: no device, socket, key file or log.
nothing_inherited() {
    probes
    need socat
    # what the daemons themselves were given by whoever started the tests, pipes above all, is not theirs to withhold
    { readlink "/proc/$BASHPID/fd/"* || true; printf '%s\n' /dev/null "$WORK/look"; } >"$WORK/own" 2>/dev/null
    script look "for f in /proc/\$\$/fd/*; do" \
        "    [ \${f##*/} -le 2 ] || readlink \$f | grep -v ^pipe: | grep -vxFf $WORK/own >>$WORK/leaked" done \
        "[ \"\$(readlink /proc/\$\$/fd/0)\" = /dev/null ] || echo stdin >>$WORK/leaked" "echo \$script_type >>$WORK/ran"
    server "plugin ${PROBE}3.so $WORK/calls mask=0x20" "up $WORK/look" "tls-verify $WORK/look" \
        "auth-user-pass-verify $WORK/look via-file" "client-connect $WORK/look" "client-disconnect $WORK/look" \
        "learn-address $WORK/look" "management $WORK/m.sock unix" "metrics $WORK/metrics.sock unix" \
        "ifconfig-pool-persist $WORK/pool 1" "local 10.99.0.1 1194 udp" "local 10.99.0.1 1194 tcp"
    start operator socat -u "UNIX-CONNECT:$WORK/m.sock" OPEN:"$WORK/operator",creat
    client first alice secret
    accepted first
    : >"$WORK/client.log"
    printf 'alice\nsecret\n' >"$WORK/pass"
    chmod 600 "$WORK/pass"
    printf '%s\n' client "dev tun1" "remote 10.99.0.1 1194 tcp" nobind "ca pki/ca.crt" "cert pki/client1.crt" \
        "key pki/client1.key" "auth-user-pass pass" "verb 3" "script-security 2" "up $WORK/look" "route-up $WORK/look" \
        "ipchange $WORK/look" "management $WORK/c.sock unix" >"$WORK/client.conf"
    start client ip netns exec "$(ns c)" "$VPND" --cd "$WORK" --config client.conf
    accepted client
    stop client
    wait_for 5 "all programs" sh -c "[ \$(sort -u $WORK/ran | wc -l) = 8 ]"
    [ ! -s "$WORK/leaked" ] || fail "programs had more than they should: $(sort -u "$WORK/leaked" | tr '\n' ' ')"
}

# ---------------------------------------------------------------- management

# A browser, or any other program that can be made to connect: nothing of what it says is a command.
management_http() {
    need curl socat
    server "management 127.0.0.1 7505"
    in_ns s timeout 5 curl -s -o /dev/null --data-binary $'signal SIGTERM\r\nkill client1\r\n' http://127.0.0.1:7505/signal || true
    printf 'POST / HTTP/1.1\r\nHost: x\r\n\r\nsignal SIGTERM\r\nsignal SIGTERM\r\n' | in_ns s timeout 3 socat - TCP:127.0.0.1:7505 || true
    printf '\r\nGET /\r\nsignal SIGTERM\r\n' | in_ns s timeout 3 socat - TCP:127.0.0.1:7505 || true
    sleep 0.5
    alive
    # It still serves its own.
    printf 'version\r\nquit\r\n' | in_ns s timeout 20 socat -t 15 - TCP:127.0.0.1:7505 | grep 'Management' || fail "no answer"
}

management_password() {
    need socat
    printf 'right\n' >"$WORK/password"
    chmod 600 "$WORK/password"
    # written before the server starts: its directory is the case's
    server "management 127.0.0.1 7505 $WORK/password"
    printf 'signal SIGTERM\r\nwrong\r\nsignal SIGTERM\r\n' | in_ns s timeout 20 socat -t 15 - TCP:127.0.0.1:7505 || true
    sleep 0.5
    alive
    { printf 'right\r\n'; sleep 0.3; printf 'pid\r\nquit\r\n'; } | in_ns s timeout 20 socat -t 15 - TCP:127.0.0.1:7505 |
        grep 'SUCCESS: pid=' || fail "the right password is of no use"
}

# ---------------------------------------------------------------- verdicts

# Everybody who checks logins has to agree, at once or later, in any order.
verdicts() { # SCRIPT PLUGIN RESULT
    probes
    case $1 in
    yes) script check "exit 0" ;;
    no) script check "exit 1" ;;
    later-yes) script check '(sleep 0.3; echo 1 >$auth_control_file) & exit 2' ;;
    later-no) script check '(sleep 0.3; echo 0 >$auth_control_file) & exit 2' ;;
    esac
    server "plugin ${PROBE}2.so $WORK/calls mask=0x20 $2" "auth-user-pass-verify $WORK/check via-file"
    client c alice secret
    "$3" c
}

verdict_table() {
    local row
    while read -r -a row; do
        (verdicts "${row[0]}" "${row[1]}" "${row[2]}") || fail "script ${row[0]}, plugin ${row[1]}: not ${row[2]}"
        case_cleanup
        : >"$WORK/pids"
        : >"$WORK/namespaces"
        rm -f "$WORK"/server.log "$WORK"/c.log
    done <<-END
		yes 5=fail refused
		no 5=ok refused
		yes 5=ok accepted
		later-yes 5=refuse-later refused
		later-no 5=accept-later refused
		later-yes 5=accept-later accepted
		later-yes 5=fail refused
	END
}

# While the verdict is open the client is told nothing, however often it asks, and its packets go nowhere.
nothing_before_the_verdict() {
    script check '(sleep 3; echo 1 >$auth_control_file) & exit 2'
    server "auth-user-pass-verify $WORK/check via-file" "push \"route 10.66.0.0 255.255.0.0\""
    client c alice secret
    expect_log "$WORK/server.log" 'Peer Connection Initiated'
    sleep 1.5
    ! grep -aq 'PUSH_REPLY' "$WORK/c.log" "$WORK/server.log" || fail "a push reply before the verdict"
    accepted c
}

# ---------------------------------------------------------------- texts

# Names with escapes, commas, newlines (in the key exchange they can be), quotes: the log has one line for each of the
# daemon's, the status file keeps its columns, and a reason that a program gives reaches the client as one line.
names_of_peers() {
    script check 'printf "no\033[31m way,\nPUSH_REPLY,route 6.6.6.6\n" >$auth_failed_reason_file; [ "$(head -n 1 $1)" != bad ]'
    mkdir -p "$WORK/ccd"
    server "auth-user-pass-verify $WORK/check via-file" "username-as-common-name" "client-config-dir $WORK/ccd"
    client odd $'ann\e[2J,CLIENT_LIST,x/../..\ttab' secret
    accepted odd
    wait_for 5 "the status" grep -q '^CLIENT_LIST,' "$WORK/status"
    ! grep -aq $'\e' "$WORK/server.log" || fail "an escape sequence in the log"
    ! grep -aq $'\e' "$WORK/status" || fail "an escape sequence in the status"
    local width
    width=$(grep '^HEADER,CLIENT_LIST' "$WORK/status" | head -n 1 | tr -cd , | wc -c)
    grep '^CLIENT_LIST,' "$WORK/status" | grep -c . | grep -qx 1 || fail "more than one line for one client"
    echo "columns: $width, and $(grep '^CLIENT_LIST,' "$WORK/status" | tr -cd , | wc -c)"
    stop odd
    client bad bad secret
    refused bad
    ! grep -aq $'\e' "$WORK/bad.log" || fail "an escape sequence was sent to the client"
    ! grep -aq 'route 6.6.6.6' "$WORK/bad.log" || fail "a second line of the reason was sent"
}

# What a server pushes: text for the client's programs, never more.
pushed_texts() {
    need openvpn
    server_and_client
    pki "$WORK/pki"
    script note "tr '\\0' '\\n' </proc/\$\$/environ >$WORK/environment"
    printf '%s\n' "dev tun0" "dev-type tun" "topology subnet" "server 10.77.0.0 255.255.255.0" "ca pki/ca.crt" \
        "cert pki/server.crt" "key pki/server.key" "dh none" "verb 3" \
        "push \"dhcp-option DOMAIN ';touch\$IFS\$9$WORK/hacked;'\"" "push \"dhcp-option DNS \$(touch\\ $WORK/hacked)\"" \
        "push \"setenv-safe PATH /tmp/evil\"" "push \"setenv LD_PRELOAD /tmp/evil.so\"" "push \"up $WORK/evil\"" \
        "push \"script-security 3\"" "push \"plugin /tmp/evil.so\"" >"$WORK/server.conf"
    start server ip netns exec "$(ns s)" "$OPENVPN" --cd "$WORK" --config server.conf
    expect_log "$WORK/server.log" 'Initialization Sequence Completed'
    printf '%s\n' client "dev tun0" "dev-type tun" "remote 10.99.0.1 1194 udp" nobind "ca pki/ca.crt" "cert pki/client1.crt" \
        "key pki/client1.key" "verb 3" "script-security 2" "up $WORK/note" >"$WORK/client.conf"
    start client ip netns exec "$(ns c)" sh -c "touch $WORK/resolv.conf; mount --bind $WORK/resolv.conf /etc/resolv.conf; exec $VPND --cd $WORK --config client.conf"
    expect_log "$WORK/client.log" 'Initialization Sequence Completed'
    [ ! -e "$WORK/hacked" ] || fail "a shell ran pushed text"
    ! grep -E '^(PATH|LD_PRELOAD)=' "$WORK/environment" || fail "the server set such a variable"
    ! grep -q 'evil' "$WORK/resolv.conf" || fail "resolv.conf"
}

run_case plugin-garbage misbehaving garbage 5 0x20 no
run_case plugin-exit misbehaving exit 5 0x20 no
run_case plugin-closes misbehaving close 5 0x20 no
run_case plugin-huge-answer misbehaving huge 9 0x200 no
run_case plugin-log-flood misbehaving flood 5 0x20 yes
run_case supervisor-alone supervisor_alone
run_case no-secrets-in-plugins no_secrets
run_case nothing-inherited nothing_inherited
run_case management-http management_http
run_case management-password management_password
run_case verdicts verdict_table
run_case nothing-before-the-verdict nothing_before_the_verdict
run_case names-of-peers names_of_peers
run_case pushed-texts pushed_texts
finish
