#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Two offices joined through a server by iroute, IPv4 and IPv6; and two offices directly, point-to-point.
#
#  [la] 192.168.1.2 --- [a] 10.99.1.2 --- [s] 10.99.1.1, 10.99.2.1 --- 10.99.2.2 [b] --- 192.168.2.2 [lb]
#       fd00:1::2                          tun0 10.77.0.1                               fd00:2::2
. "$(dirname "$0")/../tools/testlib.sh"

topology() {
    need_net
    local n
    for n in s a b la lb; do ns_new $n; done
    veth s va 10.99.1.1/24 a eth0 10.99.1.2/24
    veth s vb 10.99.2.1/24 b eth0 10.99.2.2/24
    veth a lan 192.168.1.1/24,fd00:1::1/64 la eth0 192.168.1.2/24,fd00:1::2/64
    veth b lan 192.168.2.1/24,fd00:2::1/64 lb eth0 192.168.2.2/24,fd00:2::2/64
    for n in s a b; do in_ns $n sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1; done
    ip -n "$(ns la)" route add default via 192.168.1.1
    ip -n "$(ns la)" -6 route add default via fd00:1::1
    ip -n "$(ns lb)" route add default via 192.168.2.1
    ip -n "$(ns lb)" -6 route add default via fd00:2::1
    pki "$WORK/pki"
}

office() { # NAME CERTIFICATE SERVER-ADDRESS
    cat >"$WORK/$1.conf" <<-END
		client
		dev tun0
		remote $3 1194 udp
		nobind
		ca pki/ca.crt
		cert pki/$2.crt
		key pki/$2.key
		remote-cert-tls server
		verb 3
	END
}

through_a_server() { # extra server line
    topology
    mkdir "$WORK/ccd"
    printf 'iroute 192.168.1.0 255.255.255.0\niroute-ipv6 fd00:1::/64\n' >"$WORK/ccd/client1"
    printf 'iroute 192.168.2.0 255.255.255.0\niroute-ipv6 fd00:2::/64\n' >"$WORK/ccd/client2"
    write_server 'topology subnet' 'server 10.77.0.0 255.255.255.0' 'server-ipv6 fd77::/64' 'client-config-dir ccd' \
        'route 192.168.1.0 255.255.255.0' 'route 192.168.2.0 255.255.255.0' 'route-ipv6 fd00:1::/64' \
        'route-ipv6 fd00:2::/64' 'push "route 192.168.1.0 255.255.255.0"' 'push "route 192.168.2.0 255.255.255.0"' \
        'push "route-ipv6 fd00:1::/64"' 'push "route-ipv6 fd00:2::/64"' 'keepalive 5 30' "$1"
    office a client1 10.99.1.1
    office b client2 10.99.2.1
    start server ip netns exec "$(ns s)" "$VPND" --cd "$WORK" --config server.conf
    expect_log "$WORK/server.log" 'Initialization Sequence Completed'
    # A stock client in one office, vpnd in the other.
    start a ip netns exec "$(ns a)" "$VPND" --cd "$WORK" --config a.conf
    start b ip netns exec "$(ns b)" "$OPENVPN" --cd "$WORK" --config b.conf
    expect_log "$WORK/a.log" 'Initialization Sequence Completed'
    expect_log "$WORK/b.log" 'Initialization Sequence Completed'
    wait_for 10 "a ping from office to office" in_ns la ping -c 1 -W 1 192.168.2.2
    in_ns lb ping -c 2 -i 0.2 -W 2 192.168.1.2
    in_ns la ping -6 -c 2 -i 0.2 -W 2 fd00:2::2
    in_ns lb ping -6 -c 2 -i 0.2 -W 2 fd00:1::2
    in_ns s ping -c 1 -W 2 192.168.1.2
    # Its own network is not pushed to an office.
    ! in_ns a ip route show 192.168.1.0/24 | grep -q tun0 || fail "office a got a route to its own network"
    # A source that belongs to nobody is dropped.
    ip -n "$(ns a)" addr add 172.16.5.5/32 dev lo
    ! in_ns a ping -c 1 -W 1 -I 172.16.5.5 10.77.0.1 || fail "a packet with a foreign source got through"
    stop a
    stop b
    stop server
    [ -z "$(in_ns s ip route show 192.168.1.0/24)" ] || fail "the server left a route behind"
}

point_to_point() { # PROGRAM-A PROGRAM-B
    topology
    # The server namespace is the Internet between them.
    ip -n "$(ns a)" route add 10.99.2.0/24 via 10.99.1.1
    ip -n "$(ns b)" route add 10.99.1.0/24 via 10.99.2.1
    local common='dev tun1
proto udp
ca pki/ca.crt
dh none
cipher AES-256-GCM
data-ciphers AES-256-GCM
keepalive 5 30
verb 3'
    printf '%s\n' "$common" 'tls-server' 'cert pki/server.crt' 'key pki/server.key' 'ifconfig 10.10.0.1 10.10.0.2' \
        'route 192.168.2.0 255.255.255.0' 'ifconfig-ipv6 fd10::1/64 fd10::2' 'route-ipv6 fd00:2::/64' >"$WORK/a.conf"
    printf '%s\n' "$common" 'tls-client' 'remote 10.99.1.2 1194' 'nobind' 'cert pki/client1.crt' 'key pki/client1.key' \
        'remote-cert-tls server' 'ifconfig 10.10.0.2 10.10.0.1' 'route 192.168.1.0 255.255.255.0' \
        'ifconfig-ipv6 fd10::2/64 fd10::1' 'route-ipv6 fd00:1::/64' >"$WORK/b.conf"
    start a ip netns exec "$(ns a)" "$1" --cd "$WORK" --config a.conf
    start b ip netns exec "$(ns b)" "$2" --cd "$WORK" --config b.conf
    expect_log "$WORK/b.log" 'Initialization Sequence Completed'
    expect_log "$WORK/a.log" 'Initialization Sequence Completed'
    wait_for 10 "a ping from office to office" in_ns la ping -c 1 -W 1 192.168.2.2
    in_ns lb ping -c 2 -i 0.2 -W 2 192.168.1.2
    in_ns la ping -6 -c 2 -i 0.2 -W 2 fd00:2::2
    stop b
    stop a
}

run_case through-server-kernel through_a_server ''
run_case through-server-client-to-client through_a_server client-to-client
run_case point-to-point-vpnd point_to_point "$VPND" "$VPND"
run_case point-to-point-vpnd-openvpn point_to_point "$VPND" "$OPENVPN"
run_case point-to-point-openvpn-vpnd point_to_point "$OPENVPN" "$VPND"
finish
