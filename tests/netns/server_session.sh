#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What a server does with a client that is connected: limits of time, another address, a new start from the same port,
# silence, old compression.
#
#   [s] eth0 10.99.0.1 --- 10.99.0.254 [n] NAT 10.98.0.254 --- 10.98.0.2 eth0 [c]
#        tun0 10.77.0.1 ==================== tunnel ==================== tun1
. "$(dirname "$0")/../tools/testlib.sh"
. "$(dirname "$0")/../tools/serverlib.sh"

begin() { # server lines
    need openvpn openssl nft
    need_net
    local n
    for n in s n c; do ns_new $n; done
    veth s eth0 10.99.0.1/24 n out 10.99.0.254/24,10.99.0.253/24
    veth n in 10.98.0.254/24 c eth0 10.98.0.2/24
    ip -n "$(ns c)" route add default via 10.98.0.254
    in_ns n sysctl -qw net.ipv4.ip_forward=1
    translate 10.99.0.254:20000-20099
    write_server 'topology subnet' 'server 10.77.0.0 255.255.255.0' 'status status 1' 'status-version 2' \
        'client-config-dir ccd' "$@"
    mkdir -p "$WORK/ccd"
    write_client a client1 'dev tun1' 'remote 10.99.0.1 1194 udp'
}

# translate ADDRESS:PORTS: clients appear from there, from now on (NAT that forgets what it knew)
translate() {
    in_ns n nft "flush ruleset; table ip n { chain p { type nat hook postrouting priority 100; oifname out ip protocol udp snat to $1; }; }"
    in_ns n sh -c 'command -v conntrack >/dev/null && conntrack -F' >/dev/null 2>&1 || true
}

reach() { wait_for 10 "a ping" in_ns c ping -I tun1 -c 1 -W 1 10.77.0.1; }
seen_at() { grep -q "^CLIENT_LIST,client1,$1:" "$WORK/status"; }

time_limits() {
    begin 'keepalive 5 30'
    echo "$1" >"$WORK/ccd/client1"
    server_up
    client_up a "$OPENVPN"
    reach
    expect_log "$WORK/server.log" "client1/.*$2" 15
    expect_log "$WORK/server.log" "client1/.*SIGTERM\[soft,${1%% *}\] received, client-instance exiting"
}

silence() {
    begin 'keepalive 1 2' "client-disconnect $WORK/gone" 'script-security 2'
    printf '#!/bin/sh\necho "$common_name $time_duration" >>%s/gone.log\n' "$WORK" >"$WORK/gone"
    chmod 755 "$WORK/gone"
    server_up
    client_up a "$OPENVPN"
    reach
    stop a KILL
    expect_log "$WORK/server.log" 'client1/.*\[client1\] Inactivity timeout \(--ping-restart\), restarting' 15
    expect_log "$WORK/server.log" 'client1/.*SIGUSR1\[soft,ping-restart\] received, client-instance restarting'
    wait_for 5 "client-disconnect" grep -q '^client1 ' "$WORK/gone.log"
    wait_for 5 "the status without it" sh -c "! grep -q client1 '$WORK/status'"
}

floating() { # CLIENT-PROGRAM
    need conntrack
    begin 'keepalive 1 10'
    server_up
    client_up a "$1"
    reach
    wait_for 5 "the first address" seen_at 10.99.0.254
    : >"$WORK/a.log"
    translate 10.99.0.253:30000-30099
    reach
    wait_for 10 "the second address" seen_at 10.99.0.253
    expect_log "$WORK/server.log" 'floated from \[AF_INET\]10.99.0.254:20[0-9]{3} to \[AF_INET\]10.99.0.253:30[0-9]{3}'
    ! logged a 'Initialization Sequence Completed' || fail "the client had to connect anew"
}

# Users without certificates: one whose packets come from the address of another does not push that one out.
float_conflict() {
    need conntrack
    begin 'keepalive 10 60' 'verify-client-cert none' "auth-user-pass-verify $WORK/verify via-file" 'script-security 2'
    printf '#!/bin/sh\nexit 0\n' >"$WORK/verify"
    chmod 755 "$WORK/verify"
    local n
    for n in 1 2; do
        printf 'user%s\npass\n' $n >"$WORK/login$n"
        chmod 600 "$WORK/login$n"
        write_client u$n client1 "dev tun$n" 'remote 10.99.0.1 1194 udp' "auth-user-pass login$n"
        sed -i '/^cert\|^key/d' "$WORK/u$n.conf"
    done
    server_up
    translate 10.99.0.254:20000
    client_up u2 "$VPND"
    stop u2 KILL
    translate 10.99.0.253:30000
    client_up u1 "$VPND"
    reach
    translate 10.99.0.254:20000
    in_ns c ping -I tun1 -c 1 -W 1 10.77.0.1 || true
    expect_log "$WORK/server.log" 'Disallow float to an address taken by another client \[AF_INET\]10.99.0.254:20000'
    ! logged server 'float collision' || fail "the other user was pushed out"
}

# A client that was killed comes back from its old port: its new session replaces the old one, address and all.
same_port() { # CLIENT-PROGRAM
    begin 'keepalive 10 60' 'data-ciphers AES-256-GCM:AES-128-CBC'
    sed -i 's/^nobind/lport 5000/' "$WORK/a.conf"
    server_up
    client_up a "$1"
    reach
    stop a KILL
    wait_for 5 "the device to go" sh -c "! ip -n $(ns c) link show tun1"
    : >"$WORK/a.log"
    client_up a "$1"
    reach
    expect_log "$WORK/server.log" 'a new session of the same client replaces the old one'
    wait_for 5 "the status" grep -q '^CLIENT_LIST,client1,' "$WORK/status"
    [ "$(grep -c '^CLIENT_LIST,client1,' "$WORK/status")" = 1 ] || fail "the client is there twice"
    # It may be another version then, or configured otherwise.
    stop a KILL
    wait_for 5 "the device to go" sh -c "! ip -n $(ns c) link show tun1"
    : >"$WORK/a.log"
    echo 'data-ciphers AES-128-CBC' >>"$WORK/a.conf"
    client_up a "$1"
    reach
    logged a "cipher 'AES-128-CBC'" || fail "its ciphers were not asked for"
}

migrate() {
    begin 'keepalive 5 30' 'compress migrate'
    printf 'comp-lzo no\nallow-compression yes\n' >>"$WORK/a.conf"
    server_up
    client_up a "$OPENVPN"
    logged a 'PUSH_REPLY.*compress stub-v2' || fail "the client was not pushed away from comp-lzo"
    reach
    in_ns c ping -I tun1 -c 2 -i 0.2 -W 2 -s 1400 10.77.0.1
    stop a
    : >"$WORK/a.log"
    sed -i '/comp-lzo/d; /allow-compression/d' "$WORK/a.conf"
    client_up a "$OPENVPN"
    ! logged a 'PUSH_REPLY.*(compress|comp-lzo)' || fail "a client without compression was pushed some"
    reach
}

route_limit() {
    begin 'keepalive 5 30' 'max-routes-per-client 3'
    { echo 'max-routes-per-client 5'; seq -f 'iroute 192.168.%.0f.0 255.255.255.0' 1 10; } >"$WORK/ccd/client1"
    server_up
    client_up a "$VPND"
    reach
    expect_log "$WORK/server.log" 'route quota \(5\) exceeded'
    wait_for 5 "the status" grep -q '^ROUTING_TABLE' "$WORK/status"
    [ "$(grep -c '^ROUTING_TABLE,.*,client1,' "$WORK/status")" = 5 ] || fail "more than five routes"
}

run_case session-timeout time_limits 'session-timeout 2' 'Session timeout, exiting'
run_case inactive time_limits 'inactive 2 100000' 'Inactivity timeout \(--inactive\), exiting'
run_case silence silence
run_case float-stock floating "$OPENVPN"
run_case float-vpnd floating "$VPND"
run_case float-conflict float_conflict
run_case same-port-stock same_port "$OPENVPN"
run_case same-port-vpnd same_port "$VPND"
run_case compress-migrate migrate
run_case max-routes-per-client route_limit
finish
