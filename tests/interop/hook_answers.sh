#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What the answers of the user's programs do, at both ends, with openvpn as the other one: a certificate that tls-verify
# does not like gets no password; up-restart and down-pre; a failing up; what a peer says cannot reach a program's
# environment but as text.
#
#   [s] eth0 10.99.0.1 ------------- 10.99.0.2 eth0 [c]
. "$(dirname "$0")/../tools/testlib.sh"

program() {
    case $1 in
    vpnd) echo "$VPND" ;;
    openvpn) echo "$OPENVPN" ;;
    esac
}

# script NAME LINE...: an executable in $WORK
script() {
    local name=$1
    shift
    printf '%s\n' '#!/bin/sh' "$@" >"$WORK/$name"
    chmod 755 "$WORK/$name"
}

server() { # PROGRAM LINE...
    local program=$1
    shift
    printf '%s\n' "dev tun0" "dev-type tun" "proto udp" "topology subnet" "server 10.77.0.0 255.255.255.0" "ca pki/ca.crt" \
        "cert pki/server.crt" "key pki/server.key" "dh none" "keepalive 1 5" "script-security 2" "verb 3" "tmp-dir $WORK" "$@" \
        >"$WORK/server.conf"
    start server ip netns exec "$(ns s)" "$(program "$program")" --cd "$WORK" --config server.conf
}

client() { # PROGRAM LINE...
    local program=$1
    shift
    printf '%s\n' client "dev tun0" "dev-type tun" "remote 10.99.0.1 1194 udp" nobind "ca pki/ca.crt" "cert pki/client1.crt" \
        "key pki/client1.key" "script-security 2" "verb 3" "$@" >"$WORK/client.conf"
    start client ip netns exec "$(ns c)" "$(program "$program")" --cd "$WORK" --config client.conf
}

up() { expect_log "$WORK/$1.log" 'Initialization Sequence Completed'; }

prepare() {
    need openvpn
    server_and_client
    pki "$WORK/pki"
    printf 'alice\nsecret\n' >"$WORK/login"
}

# The server writes down every password that it is sent; the client's tls-verify refuses its certificate.
no_password() { # CLIENT
    prepare
    script password "cat \$1 >>$WORK/passwords"
    script judge "[ \$1 != 0 ]"
    server openvpn "auth-user-pass-verify $WORK/password via-file"
    up server
    client "$1" "auth-user-pass login" "tls-verify $WORK/judge"
    expect_log "$WORK/client.log" 'TLS Error: TLS handshake failed'
    expect_log "$WORK/client.log" 'Restart pause|process restarting'
    [ ! -e "$WORK/passwords" ] || fail "the server was sent a password"
    stop client
    client "$1" "auth-user-pass login"
    expect_log "$WORK/client.log" 'Initialization Sequence Completed'
    grep -q secret "$WORK/passwords" || fail "the test sees no passwords at all"
}

# Arguments and context of up and down over a restart of the connection, and when down runs.
restart() { # CLIENT LINE...: prints a line for each call
    local program=$1
    shift
    script note "echo \"\$1 \$7 \$script_context \$(ip link show tun0 >/dev/null 2>&1 && echo device || echo none)\" >>$WORK/notes"
    server openvpn
    up server
    client "$program" "persist-tun" "up \"$WORK/note up\"" "down \"$WORK/note down\"" "connect-retry 1 1" "$@"
    up client
    : >"$WORK/client.log"
    kill -USR1 "$(pid_of client)"
    up client
    stop client
    cat "$WORK/notes"
}

same_restarts() { # LINE...
    reference
    prepare
    (restart openvpn "$@") >"$WORK/expected" || fail "openvpn: $(cat "$WORK/expected")"
    case_cleanup
    : >"$WORK/pids"
    : >"$WORK/namespaces"
    rm -f "$WORK/notes" "$WORK/server.log" "$WORK/client.log"
    server_and_client
    (restart vpnd "$@") >"$WORK/seen" || fail "vpnd: $(cat "$WORK/seen")"
    diff "$WORK/expected" "$WORK/seen" || fail "up and down differ"
}

failing_up() { # SIDE
    prepare
    script no "exit 3"
    if [ "$1" = server ]; then
        server vpnd "up $WORK/no"
    else
        server openvpn
        up server
        client vpnd "up $WORK/no"
    fi
    wait_for 15 "the end" sh -c "! kill -0 $(pid_of "$1")"
    wait "$(pid_of "$1")" && fail "status 0"
    grep -aq 'external program exited with error status: 3' "$WORK/$1.log" || fail "the status is not named"
    [ -z "$(in_ns "${1:0:1}" ip link show tun0 2>/dev/null)" ] || fail "the device stays"
}

# Peer info, user name, options and addresses with shell syntax, escapes and newlines: the programs see text, no line of
# the log is forged, no variable is made but IV_ and UV_.
hostile_text() {
    prepare
    script note "tr '\\0' '\\n' </proc/\$\$/environ >>$WORK/environment"
    server vpnd "auth-user-pass-verify $WORK/note via-env" "client-connect $WORK/note" "username-as-common-name" "verify-client-cert none"
    up server
    printf '%s\n%s\n' "\$(touch $WORK/hacked);\`id\`'\"|& \$PATH" 'x' >"$WORK/login"
    client openvpn "auth-user-pass login" "setenv UV_EVIL \$(touch\\ $WORK/hacked)" "setenv UV_LD_PRELOAD /tmp/x.so" push-peer-info
    up client
    grep -q '^client_connect_config_file=' "$WORK/environment" || fail "client-connect did not run"
    grep -qF "username=\$(touch $WORK/hacked);\`id\`'\"|& \$PATH" "$WORK/environment" || fail "the name is not what was sent"
    [ ! -e "$WORK/hacked" ] || fail "a shell ran it"
    ! grep -E '^(PATH|LD_|BASH|IFS|HOME)' "$WORK/environment" || fail "such a variable"
    grep -q '^UV_LD_PRELOAD=/tmp/x.so$' "$WORK/environment" || fail "a peer's variable is missing"
}

# A directory listing of what programs left: nothing, neither files nor processes.
nothing_left() {
    prepare
    script later '(sleep 0.3; echo 1 >$auth_control_file) & exit 2'
    script connect 'echo 2 >$client_connect_deferred_file; (sleep 0.3; echo 1 >$client_connect_deferred_file) & exit 0'
    mkdir "$WORK/files"
    server vpnd "auth-user-pass-verify $WORK/later via-file" "client-connect $WORK/connect" "client-disconnect $WORK/connect" "tmp-dir $WORK/files"
    up server
    client openvpn "auth-user-pass login"
    up client
    stop client
    stop server
    [ -z "$(ls "$WORK/files")" ] || fail "files are left: $(ls "$WORK/files")"
}

for p in vpnd openvpn; do run_case "refused-server-gets-no-password-$p" no_password "$p"; done
run_case up-and-down same_restarts
run_case up-restart same_restarts up-restart
run_case down-pre same_restarts up-restart down-pre
run_case failing-up-server failing_up server
run_case failing-up-client failing_up client
run_case hostile-text hostile_text
run_case nothing-left nothing_left
finish
