#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What vpnd says of its own inside the tunnel (doc/wire-extensions.md) does not disturb the installed openvpn: it gets
# the message, ignores it, and stays connected. With disable-occ nothing of the kind is said.
#
#   [s] eth0 10.99.0.1 ------------- 10.99.0.2 eth0 [c]
#        tun0 10.77.0.1 == tunnel == 10.77.0.x tun1
. "$(dirname "$0")/../tools/testlib.sh"
. "$(dirname "$0")/../tools/serverlib.sh"

window_is_ignored() { # SERVER-PROGRAM CLIENT-PROGRAM, LOG of openvpn
    need openssl
    server_and_client
    write_server 'topology subnet' 'server 10.77.0.0 255.255.255.0' 'keepalive 1 10' 'verb 6'
    write_client a client1 'dev tun1' 'remote 10.99.0.1 1194 udp' 'verb 6'
    SERVER=$1 server_up
    client_up a "$2"
    wait_for 10 "a ping" in_ns c ping -I tun1 -c 1 -W 1 10.77.0.1
    # 24 or 28 bytes around the 16 of every OCC message, the type, and the window's 4.
    wait_for 10 "three messages" sh -c "[ \$(grep -acE 'UDP(v4)? READ \[4[59]\] .*P_DATA_V2' '$WORK/$3.log') -ge 3 ]"
    in_ns c ping -I tun1 -q -c 5 -i 0.3 -W 1 10.77.0.1 >"$WORK/ping.log" || fail "no ping gets through"
    grep -q ' 0% packet loss' "$WORK/ping.log" || fail "pings got lost"
    if grep -aqE 'write to TUN|SIGUSR1|packet error|Bad ' "$WORK/$3.log"; then
        fail "it does not like that: $(grep -aE 'write to TUN|SIGUSR1|packet error|Bad ' "$WORK/$3.log" | head -n 1)"
    fi
    [ "$(grep -acE 'Initialization Sequence Completed' "$WORK/a.log")" = 1 ] || fail "it connected again"
}

occ_is_off() {
    need openssl
    server_and_client
    write_server 'topology subnet' 'server 10.77.0.0 255.255.255.0' 'keepalive 1 10' 'verb 6'
    write_client a client1 'dev tun1' 'remote 10.99.0.1 1194 udp' 'disable-occ'
    SERVER=$OPENVPN server_up
    client_up a "$VPND"
    wait_for 10 "a ping" in_ns c ping -I tun1 -c 1 -W 1 10.77.0.1
    in_ns c ping -I tun1 -q -c 9 -i 0.5 -W 1 10.77.0.1 >"$WORK/ping.log" || fail "no ping gets through"
    # 24 bytes around an ICMP echo make 108, around the host's own solicitations 72; the window's message has 45, and
    # the path's MTU is asked for with packets longer than any of them.
    local more
    more=$(grep -aE 'UDP(v4)? READ \[[0-9]+\] .*P_DATA_V2' "$WORK/server.log" | grep -cE 'READ \[(45|49|1[2-9].|[2-9]..|....)\]' || true)
    [ "$more" = 0 ] || fail "$more packets are neither pings nor what was sent through the tunnel"
}

run_case window-openvpn-server window_is_ignored "$OPENVPN" "$VPND" server
run_case window-openvpn-client window_is_ignored "$VPND" "$OPENVPN" a
run_case disable-occ occ_is_off
finish
