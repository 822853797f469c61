#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The MSS of TCP connections in the tunnel under each way to set sizes. The numbers are those of openvpn 2.6.14: with
# VPND=openvpn this very test passes as well. The other end, an openvpn, clamps nothing.
#
#   [s] eth0 10.99.0.1 ------------- 10.99.0.2 eth0 [c]
#        tun0 10.77.0.1 == tunnel == 10.77.0.2 tun1
. "$(dirname "$0")/../tools/testlib.sh"
. "$(dirname "$0")/../tools/serverlib.sh"

# watch NAMESPACE DEVICE FILTER: the next packet's options in $WORK/NAMESPACE.syn.log
watch() {
    start "$1.syn" ip netns exec "$(ns "$1")" tcpdump -l -n -c 1 -i "$2" "$3"
    expect_log "$WORK/$1.syn.log" 'listening on' 5
}

seen() { sed -nE 's/.*mss ([0-9]+).*/\1/p' "$WORK/$1.syn.log"; }

# connection DESTINATION: one TCP connection from the client
connection() {
    start listener ip netns exec "$(ns s)" socat -u "TCP${2:-4}-LISTEN:5001,reuseaddr" OPEN:/dev/null
    wait_for 5 "the listener" in_ns s sh -c "ss -ltn | grep -q :5001"
    in_ns c timeout 5 socat -u OPEN:/dev/null "TCP${2:-4}:$1:5001" || fail "no connection"
}

# clamps ROLE MSS LINE...: the program under test is server or client; the lines are for both ends
clamps() {
    local role=$1 mss=$2 remote=${REMOTE:-10.99.0.1} server=$OPENVPN client=$OPENVPN
    shift 2
    need openssl openvpn tcpdump socat
    server_and_client
    local at_server=('topology subnet' 'server 10.77.0.0 255.255.255.0' 'server-ipv6 fd77::/64' "proto ${PROTO:-udp}${SERVER_SUFFIX:-}" "$@")
    local at_client=("dev ${DEVICE:-tun}1" "remote $remote 1194" "proto ${PROTO:-udp}${CLIENT_SUFFIX:-}" "$@")
    if [ "$role" = server ]; then server=$VPND at_client+=('mssfix 0'); else client=$VPND at_server+=('mssfix 0'); fi
    write_server "dev ${DEVICE:-tun}0" "${at_server[@]}"
    write_client a client1 "${at_client[@]}"
    SERVER=$server server_up
    client_up a "$client"
    wait_for 10 "a ping" in_ns c ping -c 1 -W 1 10.77.0.1
    local at=s other=c
    watch "$at" "${DEVICE:-tun}0" 'ip and tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn'
    watch "$other" "${DEVICE:-tun}1" 'ip and tcp[tcpflags] & (tcp-syn|tcp-ack) == (tcp-syn|tcp-ack)'
    connection 10.77.0.1
    wait_for 5 "both packets" sh -c "grep -q mss '$WORK/s.syn.log' && grep -q mss '$WORK/c.syn.log'"
    [ "$(seen s),$(seen c)" = "$mss,$mss" ] || fail "MSS $(seen s) to the server and $(seen c) to the client instead of $mss"
    # 20 less for IPv6, where it is clamped at all
    rm -f "$WORK"/?.syn.log
    watch s "${DEVICE:-tun}0" 'ip6 and tcp'
    wait_for 10 "IPv6" in_ns c ping -6 -c 1 -W 1 fd77::1
    connection "[fd77::1]" 6
    wait_for 5 "IPv6's packet" grep -q mss "$WORK/s.syn.log"
    [ "$(seen s)" = $((mss - 20)) ] || fail "MSS $(seen s) in IPv6 instead of $((mss - 20))"
}

# The device's MTU, that is. OpenVPN pushes 1500 nevertheless; vpnd pushes what it has.
link_mtu() {
    need openssl
    server_and_client
    write_server 'topology subnet' 'server 10.77.0.0 255.255.255.0' 'link-mtu 1400'
    SERVER=$VPND server_up
    ip -n "$(ns s)" link show tun0 | grep -q ' mtu 1375 ' || fail "$(ip -n "$(ns s)" link show tun0 | head -n 1)"
}

run_case default clamps server 1400
run_case default-client clamps client 1400
run_case off clamps server 1460 'mssfix 0'
run_case packet clamps server 1236 'mssfix 1300'
run_case mtu clamps server 1208 'mssfix 1300 mtu'
run_case fixed clamps client 1260 'mssfix 1300 fixed'
run_case no-value clamps server 1400 'mssfix'
run_case tun-mtu clamps server 1360 'tun-mtu 1400'
run_case link-mtu link_mtu
run_case fragment clamps server 1204 'fragment 1300'
run_case fragment-mtu clamps client 1204 'fragment 1300 mtu'
run_case fragment-and-mssfix clamps server 1132 'fragment 1300' 'mssfix 1200'
run_case max-packet-size clamps client 1108 'max-packet-size 1200'
run_case cbc clamps server 1363 'data-ciphers AES-256-CBC' 'auth SHA256'
run_case comp-lzo clamps server 1399 'comp-lzo no'
DEVICE=tap run_case tap clamps server 1368
PROTO=udp6 REMOTE=fd99::1 run_case ipv6 clamps client 1380
PROTO=tcp SERVER_SUFFIX=-server CLIENT_SUFFIX=-client run_case tcp clamps server 1386
finish
