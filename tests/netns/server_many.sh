#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Many clients on one server, of both programs; limits; a client that floods.
#
#   [s] eth0 10.99.0.1 ------------- 10.99.0.2 eth0 [c]
#     eth1 10.98.0.1 ------------- 10.98.0.2 eth0 [d]   (two hosts with one name)
#        tun0 10.77.0.1 == tunnels == 10.77.0.x tun1 ... tun40
. "$(dirname "$0")/../tools/testlib.sh"
. "$(dirname "$0")/../tools/serverlib.sh"

# client_n NUMBER PROGRAM: client NUMBER on device tunNUMBER
client_n() {
    write_client "c$1" "client$1" "dev tun$1" 'remote 10.99.0.1 1194 udp' 'explicit-exit-notify 1' 'verb 1'
    client_start "c$1" "$2"
}

connected() { [ "$(grep -ac '^CLIENT_LIST,client' "$WORK/status")" = "$1" ]; }
all_up() { [ "$(ip -n "$(ns c)" -4 -o addr show | grep -c 'inet 10\.77\.')" = "$1" ]; }

forty() {
    need openvpn openssl
    server_and_client
    write_server 'topology subnet' 'server 10.77.0.0 255.255.255.0' 'server-ipv6 fd77::/64' 'keepalive 5 30' \
        'status status 1' 'status-version 2' 'client-to-client' 'verb 1'
    more_certificates "$WORK/pki" 4 40
    server_up
    local i
    for i in $(seq 1 20); do client_n "$i" "$OPENVPN"; done
    for i in $(seq 21 40); do client_n "$i" "$VPND"; done
    wait_for 60 "forty clients to be connected" connected 40
    wait_for 20 "forty addresses" all_up 40
    local pids=
    for i in $(seq 1 40); do
        in_ns c ping -q -I "tun$i" -c 2 -i 0.2 -W 3 10.77.0.1 >/dev/null &
        pids="$pids $!"
    done
    i=0
    for pid in $pids; do
        i=$((i + 1))
        wait "$pid" || fail "client $i cannot reach the server"
    done
    # Each has its own address, in both families.
    [ "$(ip -n "$(ns c)" -4 -o addr show | sed -n 's/.*inet \(10\.77[0-9.]*\).*/\1/p' | sort -u | wc -l)" = 40 ] ||
        fail "two clients have one address"
    [ "$(ip -n "$(ns c)" -6 -o addr show | grep -o 'fd77::[0-9a-f]*' | sort -u | wc -l)" = 40 ] ||
        fail "two clients have one IPv6 address"
    # They leave together, and the server forgets them all.
    for i in $(seq 1 40); do kill "$(pid_of "c$i")"; done
    wait_for 30 "the server to forget them" connected 0
    stop server
}

limit_of_clients() {
    server_and_client
    write_server 'topology subnet' 'server 10.77.0.0 255.255.255.0' 'max-clients 2' 'keepalive 1 3' 'status status 1' \
        'status-version 2'
    server_up
    client_n 1 "$VPND"
    client_n 2 "$OPENVPN"
    wait_for 20 "two clients" connected 2
    client_n 3 "$VPND"
    expect_log "$WORK/server.log" 'would exceed maximum number of clients \(2\)'
    in_ns c ping -I tun1 -c 1 -W 2 10.77.0.1
    # One goes, the third gets in with its next attempt.
    stop c1
    wait_for 30 "the third client" grep -q '^CLIENT_LIST,client3,' "$WORK/status"
}

same_name() { # duplicate-cn or nothing
    server_and_client
    ns_new d
    veth s eth1 10.98.0.1/24 d eth0 10.98.0.2/24
    write_server 'topology subnet' 'server 10.77.0.0 255.255.255.0' 'keepalive 2 10' 'status status 1' \
        'status-version 2' $1
    server_up
    write_client a client1 'dev tun1' 'remote 10.99.0.1 1194 udp'
    write_client b client1 'dev tun2' 'remote 10.98.0.1 1194 udp'
    client_up a "$OPENVPN"
    client_up b "$VPND" d
    in_ns d ping -I tun2 -c 1 -W 2 10.77.0.1
    if [ -n "$1" ]; then
        wait_for 5 "both in the status" connected 2
        in_ns c ping -I tun1 -c 1 -W 2 10.77.0.1
        [ "$(address_in c tun1)" != "$(address_in d tun2)" ] || fail "one address for two clients"
    else
        wait_for 5 "one in the status" connected 1
        expect_log "$WORK/server.log" "new connection by client 'client1' will cause previous active sessions"
        [ "$(address_in c tun1)" = "$(address_in d tun2)" ] || fail "the client did not keep its address"
    fi
}

# One client sends as fast as it can and so do strangers; another still gets its answers.
flood() {
    need python3
    server_and_client
    write_server 'topology subnet' 'server 10.77.0.0 255.255.255.0' 'keepalive 5 30'
    server_up
    write_client a client1 'dev tun1' 'remote 10.99.0.1 1194 udp'
    write_client b client2 'dev tun2' 'remote 10.99.0.1 1194 udp'
    client_up a "$VPND"
    start flooder ip netns exec "$(ns c)" python3 "$TESTS_DIR/tools/flood.py" 10.99.0.1 tun1 10.77.0.1 6
    expect_log "$WORK/flooder.log" 'flooding'
    client_up b "$OPENVPN"
    in_ns c ping -I tun2 -c 5 -i 0.2 -W 3 10.77.0.1 | tee "$WORK/ping"
    grep -q ' 0% packet loss' "$WORK/ping" || fail "the other client lost pings"
    [ "$(wc -l <"$WORK/server.log")" -lt 400 ] || fail "the flood fills the log: $(wc -l <"$WORK/server.log") lines"
    wait_for 15 "the flood to end" sh -c "! kill -0 $(pid_of flooder)"
    in_ns c ping -I tun1 -c 1 -W 2 10.77.0.1
}

run_case forty-clients forty
run_case max-clients limit_of_clients
run_case same-name-replaces same_name ''
run_case duplicate-cn same_name duplicate-cn
run_case flood flood
finish
