#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What the user's programs are given: each hook's arguments and environment under vpnd must be those under openvpn in
# the same situation. openvpn with itself gives what is expected; then one side is vpnd.
#
#   [s] eth0 10.99.0.1 ------------- 10.99.0.2 eth0 [c]
#        tun0 10.77.0.1 == tunnel == 10.77.0.x tun0
. "$(dirname "$0")/../tools/testlib.sh"

program() {
    case $1 in
    vpnd) echo "$VPND" ;;
    openvpn) echo "$OPENVPN" ;;
    esac
}

# The program that is every hook: dump LABEL ARGUMENT... writes what it was given to $WORK/dump/SIDE/LABEL.
write_dump() {
    cat >"$WORK/dump.sh" <<-END
		#!/bin/sh
		side=\$1 label=\$2
		shift 2
		# Those of several addresses run side by side: one file for each.
		[ \$label != learn-address ] || label="\$label-\$1-\$(echo \$2 | tr / _)"
		dir=$WORK/dump/\$side
		{
		    for a; do echo "arg \$a"; done
		    tr '\\0' '\\n' </proc/\$\$/environ | sed 's/^/env /' | LC_ALL=C sort
		    echo
		} >>\$dir/\$label
		case \$label in
		auth-user-pass-verify) [ ! -e $WORK/challenge ] || exit 2 ;;
		client-crresponse) echo 1 >\$auth_control_file ;;
		client-connect) echo 'push "route 10.55.0.0 255.255.0.0"' >\$1 ;;
		esac
		exit 0
	END
    chmod 755 "$WORK/dump.sh"
}

# hooks SIDE NAME...: configuration lines
hooks() {
    local side=$1 h
    shift
    echo "script-security ${LEVEL:-2}"
    echo "setenv own_value from_the_configuration"
    echo "setenv-safe harmless yes"
    for h; do
        case $h in
        auth-user-pass-verify) echo "$h \"$WORK/dump.sh $side $h\" ${VIA:-via-file}" ;;
        *) echo "$h \"$WORK/dump.sh $side $h\"" ;;
        esac
    done
}

write_configs() { # VARIANT
    local proto=udp lines=() client_lines=()
    case $1 in
    subnet) lines=("topology subnet" "server 10.77.0.0 255.255.255.0" "server-ipv6 fd77::/64" "push \"route-ipv6 fd55::/32\"" "push \"dhcp-option DNS 10.77.0.1\"" "push \"dhcp-option DOMAIN vpn.test\"") ;;
    net30) lines=("topology net30" "server 10.77.0.0 255.255.255.0") proto=tcp ;;
    tap) lines=("server 10.77.0.0 255.255.255.0" "lladdr 02:00:00:00:00:01") client_lines=("lladdr 02:00:00:00:00:02") ;;
    bridge) lines=("server-bridge 10.77.0.1 255.255.255.0 10.77.0.10 10.77.0.20" "lladdr 02:00:00:00:00:01") client_lines=("lladdr 02:00:00:00:00:02") ;;
    inet6) lines=("topology subnet" "server 10.77.0.0 255.255.255.0") proto=udp6 ;;
    challenge) lines=("topology subnet" "server 10.77.0.0 255.255.255.0") client_lines=("management $WORK/socket unix") ;;
    udp4) lines=("topology p2p" "server 10.77.0.0 255.255.255.0") proto=udp4 ;;
    esac
    local type=tun remote=10.99.0.1
    [[ $1 != tap && $1 != bridge ]] || type=tap
    [ "$1" != inet6 ] || remote=fd99::1
    {
        printf '%s\n' "dev ${type}0" "dev-type $type" "proto ${proto/tcp/tcp-server}" port\ 1194 "${lines[@]}" "ca pki/ca.crt" \
            "cert pki/server.crt" "key pki/server.key" "dh none" "keepalive 1 5" "verb 3" "tmp-dir $WORK/tmp" \
            "push \"route 10.66.0.0 255.255.0.0\"" "route 10.88.0.0 255.255.0.0"
        hooks server up down route-up route-pre-down tls-verify auth-user-pass-verify client-connect client-disconnect \
            learn-address client-crresponse
    } >"$WORK/server.conf"
    {
        printf '%s\n' client "dev ${type}0" "dev-type $type" "remote $remote 1194 ${proto/tcp/tcp-client}" nobind "ca pki/ca.crt" \
            "cert pki/client1.crt" "key pki/client1.key" "auth-user-pass login" "verb 3" "${client_lines[@]}"
        hooks client up down route-up route-pre-down tls-verify ipchange
    } >"$WORK/client.conf"
    printf 'alice\nsecret\n' >"$WORK/login"
    [ "$1" != challenge ] || : >"$WORK/challenge"
}

# The login waits for an answer to a challenge; a management client gives it.
answer_challenge() {
    wait_for 10 "the client to wait" grep -aq 'Peer Connection Initiated' "$WORK/client.log"
    (
        sleep 0.5 # so that the server has seen the end of the key exchange
        echo "cr-response SGVsbG8gd29ybGQ="
        sleep 1
    ) | socat - UNIX-CONNECT:"$WORK/socket" >/dev/null
}

launch() { # server|client PROGRAM
    local ns=${1:0:1}
    start "$1" ip netns exec "$(ns "$ns")" "$(program "$2")" --cd "$WORK" --config "$1.conf"
    if [ -e "$WORK/challenge" ] && [ "$1" = client ]; then answer_challenge; fi
    expect_log "$WORK/$1.log" 'Initialization Sequence Completed'
}

# What cannot be the same twice: process, times, ports, file names. Left out: names that mean nothing to a program
# because openvpn merely leaves them there from an earlier hook; and dns_*, which openvpn has from 2.7 on.
normalise() {
    sed -E \
        -e 's/^(env (daemon_pid|daemon_start_time|time_unix|bytes_received|bytes_sent|time_duration|trusted_port|untrusted_port))=[0-9]+$/\1=NUMBER/' \
        -e 's/^(env time_ascii)=[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}$/\1=TIME/' \
        -e 's#openvpn_([a-z]+)_[0-9a-f]+\.tmp#openvpn_\1_RANDOM.tmp#' \
        -e '/^env dns_(server|search)/d' \
        -e 's/^(arg \[AF_INET6?\][^ ]*10\.99\.0\.2) [0-9]+$/\1 PORT/' \
        -e 's/^(arg \[AF_INET6?\][^ ]*fd99::2) [0-9]+$/\1 PORT/' \
        "$1" | if [[ $1 =~ /(auth-user-pass-verify|client-crresponse)$ ]]; then cat; else sed -E '/^env auth_(control|pending|failed_reason)_file=/d'; fi
}

run_pair() { # SERVER CLIENT: dumps in $WORK/dump
    server_and_client
    rm -rf "$WORK/dump"
    mkdir -p "$WORK/dump/server" "$WORK/dump/client" "$WORK/tmp"
    rm -f "$WORK/server.log" "$WORK/client.log"
    launch server "$1"
    launch client "$2"
    wait_for 10 "the client's hooks" test -s "$WORK/dump/client/route-up"
    wait_for 10 "the server's hooks" sh -c "ls $WORK/dump/server/learn-address-add-*"
    stop client
    wait_for 5 "the client's last hook" test -s "$WORK/dump/client/down"
    stop server
    wait_for 5 "the server's last hook" test -s "$WORK/dump/server/down"
    case_cleanup
    : >"$WORK/pids"
    : >"$WORK/namespaces"
}

compare() { # SIDE
    local f failed=
    for f in "$WORK/expected/$1"/*; do
        f=$(basename "$f")
        if ! diff <(normalise "$WORK/expected/$1/$f") <(normalise "$WORK/dump/$1/$f" 2>/dev/null) >"$WORK/differences"; then
            echo "--- $1: $f"
            cat "$WORK/differences"
            failed="$failed $f"
        fi
    done
    [ -z "$failed" ] || fail "these hooks of the $1 differ:$failed"
}

same_environment() { # VARIANT SIDE...
    need openvpn socat
    reference
    need_net
    pki "$WORK/pki"
    write_dump
    write_configs "$1"
    run_pair openvpn openvpn
    mv "$WORK/dump" "$WORK/expected"
    run_pair vpnd openvpn
    compare server
    run_pair openvpn vpnd
    compare client
}

run_case subnet same_environment subnet
run_case net30-tcp same_environment net30
run_case inet6 same_environment inet6
run_case udp4 same_environment udp4
run_case challenge same_environment challenge
run_case tap same_environment tap
run_case bridge same_environment bridge
LEVEL=3 VIA=via-env run_case via-env same_environment subnet
finish
