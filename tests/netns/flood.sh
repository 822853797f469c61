#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What strangers can do to a server: floods of first packets, invented and stolen cookies, more clients than allowed.
#
#   [s] eth0 10.99.0.1 ------------- 10.99.0.2 eth0 [c]  and 10.98.0.0/16 for people who are nobody
. "$(dirname "$0")/../tools/testlib.sh"

STRANGERS=$TESTS_DIR/tools/strangers.py
HANDSHAKES=$BUILD_DIR/tests/tools/handshakes

setting() { # OPTION...
    need openssl python3 jq
    test_programs handshakes
    server_and_client
    in_ns c ip route add local 10.98.0.0/16 dev lo
    in_ns s ip route add 10.98.0.0/16 via 10.99.0.2
    pki "$WORK/pki"
    cat >"$WORK/server.conf" <<-END
		dev tun0
		dev-type tun
		proto udp4
		topology subnet
		server 10.77.0.0 255.255.255.0
		ca pki/ca.crt
		cert pki/server.crt
		key pki/server.key
		dh none
		keepalive 2 20
		duplicate-cn
		status server.status 1
		verb 3
	END
    printf '%s\n' "$@" >>"$WORK/server.conf"
    start server ip netns exec "$(ns s)" "$VPND" --cd "$WORK" --config server.conf
    expect_log "$WORK/server.log" 'Initialization Sequence Completed'
}

client() { # [OPTION...]: one that stays
    in_ns c "$HANDSHAKES" --host 10.99.0.1 --ca "$WORK/pki/ca.crt" --cert "$WORK/pki/client1.crt" \
        --key "$WORK/pki/client1.key" "$@"
}

rss() { awk '/^VmRSS/ { print $2 }' "/proc/$(pid_of server)/status"; }
strangers() { in_ns c "$STRANGERS" "$1" 10.99.0.1 1194 10.98.0.0 "$2" >"$WORK/$1.json"; }
number() { jq ".$2" "$WORK/$1.json"; }

nobody_is_known() {
    : >"$WORK/server.status"
    wait_for 5 "a fresh status" grep -q END "$WORK/server.status"
    ! grep -E ',10\.9[89]\.|^UNDEF' "$WORK/server.status" || fail "a stranger has an entry"
}

resets() {
    setting
    strangers resets 4000
    local before after
    before=$(rss)
    strangers resets 20000
    after=$(rss)
    [ "$(number resets back)" -le 300 ] || fail "$(number resets back) answers"
    [ "$(number resets back_bytes)" -le "$(number resets sent_bytes)" ] || fail "more came back than was sent"
    sanitized || [ $((after - before)) -lt 1024 ] || fail "$((after - before)) kB grew"
    nobody_is_known
    expect_log "$WORK/server.log" 'connect-freq-initial 100 10 rate limit exceeded'
    [ "$(wc -l <"$WORK/server.log")" -lt 100 ] || fail "the log was flooded"
    client --timeout 30 >"$WORK/honest.log" || fail "an honest client cannot come in any more: $(cat "$WORK/honest.log")"
}

cookies() {
    setting
    local before after
    strangers thirds 4000
    before=$(rss)
    strangers thirds 10000
    strangers replay 1000
    after=$(rss)
    [ "$(number thirds back)" = 0 ] || fail "$(number thirds back) answers to invented cookies"
    [ "$(number replay back)" = 0 ] || fail "$(number replay back) answers to a cookie of somebody else"
    sanitized || [ $((after - before)) -lt 1024 ] || fail "$((after - before)) kB grew"
    nobody_is_known
    [ "$(wc -l <"$WORK/server.log")" -lt 100 ] || fail "the log was flooded"
}

too_many_clients() {
    setting 'max-clients 2'
    start clients client --count 2 --parallel 2 --hold 60
    wait_for 10 "two clients" sh -c "[ \$(grep -c '^client1,' '$WORK/server.status') = 2 ]"
    ! client --timeout 3 >"$WORK/third.log" || fail "a third client came in"
    expect_log "$WORK/server.log" 'new incoming connection would exceed maximum number of clients \(2\)'
}

too_often() {
    setting 'connect-freq 2 60'
    client --count 2 --timeout 10 >"$WORK/two.log" || fail "two clients cannot come in"
    ! client --timeout 3 >"$WORK/third.log" || fail "a third client came in"
}

# idle COUNT: connections that say nothing
idle() {
    start idle ip netns exec "$(ns c)" python3 -c "
import socket, time
held = [socket.create_connection(('10.99.0.1', 1194)) for _ in range($1)]
print('connected', flush=True)
time.sleep(300)"
    expect_log "$WORK/idle.log" connected
}

tcp_client() {
    printf '%s\n' client 'dev tun1' 'remote 10.99.0.1 1194 tcp-client' nobind 'ca pki/ca.crt' 'cert pki/client1.crt' \
        'key pki/client1.key' 'connect-retry 1 1' 'verb 3' >"$WORK/tcp.conf"
    start tcp ip netns exec "$(ns c)" "$VPND" --cd "$WORK" --config tcp.conf
    expect_log "$WORK/tcp.log" 'Initialization Sequence Completed' 30
}

# They hold every place; a client that proves itself gets one all the same.
silent_connections() {
    setting 'proto tcp4-server' 'max-clients 4'
    idle 4
    tcp_client
    expect_log "$WORK/server.log" 'the server is full: it makes room'
}

# They take file descriptors; the server waits without a fuss, keeps some for its other work, and serves whoever comes
# after them.
no_descriptors() {
    printf '#!/bin/sh\nexec 3>"$1"\n' >"$WORK/hook"
    chmod +x "$WORK/hook"
    setting 'local 10.99.0.1 1194 tcp4' 'local 10.99.0.1 1195 udp4' 'script-security 2' "client-connect $WORK/hook"
    local pid
    pid=$(pid_of server)
    prlimit --pid "$pid" --nofile=120:4096
    idle 200
    expect_log "$WORK/server.log" 'accept failed: .*; trying again'
    [ "$(find "/proc/$pid/fd" -type l | wc -l)" -le 91 ] || fail "connections took the last descriptors"
    client --port 1195 --timeout 20 >"$WORK/udp.log" || fail "no descriptors for a client: $(cat "$WORK/udp.log")"
    stop idle
    prlimit --pid "$pid" --nofile=4096:4096
    tcp_client
    [ "$(grep -ac 'accept failed' "$WORK/server.log")" -lt 20 ] || fail "the log was flooded"
}

run_case resets resets
run_case cookies cookies
run_case max-clients too_many_clients
run_case connect-freq too_often
run_case silent-connections silent_connections
run_case no-descriptors no_descriptors
finish
