#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The way from the VPN to the world without a script: forwarding and NAT that vpnd sets and takes back.
#
#   [w] 203.0.113.9 --- 203.0.113.1 wan [s] eth0 10.99.0.1 --- 10.99.0.2 eth0 [c]
#       2001:db8::9     2001:db8::1         tun0 10.77.0.1, fd77::1 == tunnel ==
. "$(dirname "$0")/../tools/testlib.sh"
. "$(dirname "$0")/../tools/serverlib.sh"

begin() { # server lines
    server_and_client
    ns_new w
    veth s wan 203.0.113.1/24,2001:db8::1/64 w eth0 203.0.113.9/24,2001:db8::9/64
    write_server 'topology subnet' 'server 10.77.0.0 255.255.255.0' 'server-ipv6 fd77::/64' 'keepalive 5 30' \
        'push "redirect-gateway def1 ipv6"' "$@"
    write_client a client1 'remote 10.99.0.1 1194 udp'
}

forwarding() { in_ns s sysctl -n "$1"; }

warning() {
    begin
    server_up
    expect_log "$WORK/server.log" 'WARNING: redirect-gateway is pushed, but this host does not forward IPv4 .*forward IPv6 .*no NAT rule.*nat-masquerade'
    stop server
    # With both done by hand it is silent.
    need nft
    in_ns s sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
    in_ns s nft 'table ip n { chain p { type nat hook postrouting priority 100; oifname "wan" masquerade; }; }'
    : >"$WORK/server.log"
    server_up
    ! logged server 'redirect-gateway is pushed' || fail "a warning without a reason"
}

masquerade() {
    need nft openvpn
    begin 'nat-masquerade' "$@"
    server_up
    ! logged server 'WARNING: redirect-gateway' || fail "a warning although everything is done"
    client_up a "$OPENVPN"
    wait_for 10 "a ping to the world" in_ns c ping -c 1 -W 1 203.0.113.9
    wait_for 10 "a ping to the IPv6 world" in_ns c ping -6 -c 1 -W 1 2001:db8::9
    [ "$(forwarding net.ipv4.ip_forward)" = 1 ] || fail "no forwarding"
    # What does not belong to the VPN is left alone.
    start sniff ip netns exec "$(ns w)" timeout 5 tcpdump -l -n -i eth0 icmp
    expect_log "$WORK/sniff.log" 'listening on'
    in_ns c ping -c 1 -W 1 203.0.113.9
    expect_log "$WORK/sniff.log" '203.0.113.1 > 203.0.113.9: ICMP echo request'
    stop a
    stop server
    [ -z "$(in_ns s nft list tables)" ] || fail "a table stayed: $(in_ns s nft list tables)"
    [ "$(forwarding net.ipv4.ip_forward)" = 0 ] || fail "forwarding stayed on"
    [ "$(forwarding net.ipv6.conf.all.forwarding)" = 0 ] || fail "IPv6 forwarding stayed on"
    # What a killed run left is gone with the next start.
    : >"$WORK/server.log"
    server_up
    [ -n "$(in_ns s nft list tables)" ] || fail "the table is missing"
    stop server KILL
    [ -n "$(in_ns s nft list tables)" ] || fail "the kernel removed the table by itself?"
    sed -i '/nat-masquerade/d' "$WORK/server.conf"
    : >"$WORK/server.log"
    server_up
    [ -z "$(in_ns s nft list tables)" ] || fail "the table of the killed run stayed"
    [ "$(forwarding net.ipv4.ip_forward)" = 0 ] || fail "forwarding of the killed run stayed on"
}

# A client that sends from the server's own port must not get the replies of those who talk to the server (Port Shadow).
port_shadow() {
    need nft openvpn python3
    begin 'nat-masquerade'
    server_up
    client_up a "$OPENVPN"
    wait_for 10 "a ping to the world" in_ns c ping -c 1 -W 1 203.0.113.9
    start sniff ip netns exec "$(ns w)" timeout 10 tcpdump -l -n -i eth0 udp
    expect_log "$WORK/sniff.log" 'listening on'
    local port
    for port in 1194 40000; do
        in_ns c python3 -c "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('', $port)); s.sendto(b'x', ('203.0.113.9', 7000))"
    done
    expect_log "$WORK/sniff.log" '203.0.113.1.40000 > 203.0.113.9.7000'
    ! logged sniff '203.0.113.1.1194 > ' || fail "a client sends from the server's port"
    [ "$(grep -c '203.0.113.1.* > 203.0.113.9.7000' "$WORK/sniff.log")" = 2 ] || fail "a datagram was lost"
}

run_case port-shadow port_shadow
run_case warning warning
run_case masquerade masquerade
run_case masquerade-unprivileged masquerade 'user nobody' 'group nogroup'
finish
