#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# mtu-test: each of vpnd and the installed openvpn measures, the other answers. The whole takes 3 minutes; the first
# steps tell whether it runs, the unit test of the client covers the result.
#
#   [s] eth0 10.99.0.1 ------------- 10.99.0.2 eth0 [c]
#        tun0 10.77.0.1 == tunnel == 10.77.0.x tun0
. "$(dirname "$0")/../tools/testlib.sh"

write_configs() {
    write_server 'topology subnet' 'server 10.77.0.0 255.255.255.0' 'verb 6'
    write_client client client1 'remote 10.99.0.1 1194 udp' 'mtu-test' 'verb 6'
}

launch() { # server|client PROGRAM
    start "$1" ip netns exec "$(ns "${1:0:1}")" "$2" --cd "$WORK" --config "$1.conf"
}

connect() { # SERVER CLIENT
    need openvpn openssl
    since 2.6 openvpn
    server_and_client
    write_configs
    launch server "$1"
    expect_log "$WORK/server.log" 'Initialization Sequence Completed'
    launch client "$2"
    expect_log "$WORK/client.log" 'NOTE: Beginning empirical MTU test -- results should be available in 3 to 4 minutes\.'
}

# Datagrams of the data channel have 24 bytes around the payload, 28 in the epoch format of 2.7: a request has 19, the
# first load 500, from which 2.7 takes off the four.
vpnd_asks() {
    connect "$OPENVPN" "$VPND"
    expect_log "$WORK/server.log" 'UDPv4 READ \[4[37]\] from .* P_DATA_V2'
    expect_log "$WORK/server.log" 'UDPv4 WRITE \[52[48]\] to .* P_DATA_V2'
    expect_log "$WORK/server.log" 'UDPv4 READ \[52[48]\] from .* P_DATA_V2'
}

openvpn_asks() {
    connect "$VPND" "$OPENVPN"
    expect_log "$WORK/client.log" 'UDPv4 WRITE \[4[37]\] to .* P_DATA_V2'
    expect_log "$WORK/client.log" 'UDPv4 READ \[15(24|28|32)\] from .* P_DATA_V2'
}

# Nothing may be fragmented, and the path takes less than the peer asks for: the load is lost, nothing else is.
load_too_long() {
    need openvpn openssl
    since 2.6 openvpn
    server_and_client
    write_configs
    echo 'mtu-disc yes' >>"$WORK/server.conf"
    ip -n "$(ns s)" link set eth0 mtu 1400
    launch server "$VPND"
    expect_log "$WORK/server.log" 'Initialization Sequence Completed'
    launch client "$OPENVPN"
    expect_log "$WORK/client.log" 'UDPv4 WRITE \[15(24|28|32)\] to .* P_DATA_V2'
    if grep -q 'UDPv4 READ \[15' "$WORK/client.log"; then fail "the path takes everything"; fi
    in_ns c ping -c 1 -W 2 10.77.0.1 || fail "the server is silent since it was asked for a long packet"
}

only_udp() {
    pki "$WORK/pki"
    local conf="$WORK/tcp.conf"
    printf '%s\n' client 'dev tun' 'remote 10.99.0.1 1194 tcp' mtu-test 'ca pki/ca.crt' 'cert pki/client1.crt' \
        'key pki/client1.key' >"$conf"
    if "$VPND" --check --cd "$WORK" --config "$conf" >"$WORK/check.log" 2>&1; then fail "mtu-test with TCP is accepted"; fi
    grep -q -- '--mtu-test only makes sense with --proto udp' "$WORK/check.log" || fail "no reason: $(cat "$WORK/check.log")"
}

run_case only_udp only_udp
run_case vpnd_asks vpnd_asks
run_case openvpn_asks openvpn_asks
run_case load_too_long load_too_long
finish
