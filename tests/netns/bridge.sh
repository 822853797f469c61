#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A bridged LAN: the server's tap device and its LAN card are in one Linux bridge; clients are part of the LAN.
#
#  [h] 192.168.10.5 --- lan [s] br0 192.168.10.1 (tap0 + lan), eth0 10.99.0.1 --- 10.99.0.2 [c] tap0
#      dnsmasq (DHCP)                                                    \--- 10.99.3.2 [d] tap0
. "$(dirname "$0")/../tools/testlib.sh"

topology() {
    need_net
    local n
    for n in s c d h; do ns_new $n; done
    veth s eth0 10.99.0.1/24 c eth0 10.99.0.2/24
    veth s eth1 10.99.3.1/24 d eth0 10.99.3.2/24
    ip link add lan netns "$(ns s)" type veth peer name eth0 netns "$(ns h)"
    ip -n "$(ns h)" addr add 192.168.10.5/24 dev eth0
    ip -n "$(ns h)" addr add fd00:10::5/64 dev eth0 nodad
    ip -n "$(ns h)" link set eth0 up
    ip -n "$(ns s)" link add br0 type bridge
    ip -n "$(ns s)" link set br0 up
    ip -n "$(ns s)" addr add 192.168.10.1/24 dev br0
    ip -n "$(ns s)" link set lan master br0 up
    ip -n "$(ns s)" tuntap add dev tap0 mode tap
    ip -n "$(ns s)" link set tap0 master br0 up
    pki "$WORK/pki"
}

configs() { # server-bridge arguments
    cat >"$WORK/server.conf" <<-END
		dev tap0
		proto udp
		server-bridge $1
		ca pki/ca.crt
		cert pki/server.crt
		key pki/server.key
		dh none
		client-to-client
		keepalive 2 10
		verb 3
	END
    local n name=client1 server=10.99.0.1
    for n in c d; do
        cat >"$WORK/$n.conf" <<-END
			client
			dev tap0
			remote $server 1194 udp
			nobind
			ca pki/ca.crt
			cert pki/$name.crt
			key pki/$name.key
			remote-cert-tls server
			verb 3
		END
        name=client2 server=10.99.3.1
    done
}

begin() { # CLIENT-PROGRAM-C CLIENT-PROGRAM-D
    start server ip netns exec "$(ns s)" "$VPND" --cd "$WORK" --config server.conf
    expect_log "$WORK/server.log" 'Initialization Sequence Completed'
    start c ip netns exec "$(ns c)" "$1" --cd "$WORK" --config c.conf
    start d ip netns exec "$(ns d)" "$2" --cd "$WORK" --config d.conf
    expect_log "$WORK/c.log" 'Initialization Sequence Completed'
    expect_log "$WORK/d.log" 'Initialization Sequence Completed'
}

static_addresses() {
    topology
    configs '192.168.10.1 255.255.255.0 192.168.10.200 192.168.10.220'
    begin "$VPND" "$OPENVPN"
    wait_for 10 "a ping from client to LAN" in_ns c ping -c 1 -W 1 192.168.10.5
    wait_for 10 "a ping from the other client to LAN" in_ns d ping -c 1 -W 1 192.168.10.5
    local d
    d=$(in_ns d ip -4 -o addr show tap0 | sed -n 's/.*inet \([0-9.]*\).*/\1/p')
    in_ns c ping -c 2 -i 0.2 -W 2 "$d" || fail "client cannot reach client"
    in_ns h ping -c 2 -i 0.2 -W 2 "$d" || fail "the LAN cannot reach a client"
    in_ns c ping -c 2 -i 0.2 -W 2 192.168.10.1 || fail "a client cannot reach the bridge itself"
    # IPv6 neighbour discovery and multicast go through.
    ip -n "$(ns c)" addr add fd00:10::77/64 dev tap0 nodad
    wait_for 10 "IPv6 to the LAN" in_ns c ping -6 -c 1 -W 1 fd00:10::5
    start listen ip netns exec "$(ns h)" socat -u UDP4-RECVFROM:5353,ip-add-membership=224.0.0.251:eth0 OPEN:"$WORK/mdns",creat
    in_ns c ip route add 224.0.0.0/4 dev tap0
    wait_for 10 "multicast to reach the LAN" sh -c "echo hello | ip netns exec $(ns c) socat -u - UDP4-DATAGRAM:224.0.0.251:5353; grep -q hello '$WORK/mdns'"
    # A full frame, and a client that moves a MAC address of its own.
    in_ns c ping -c 2 -i 0.2 -W 2 -M do -s 1472 192.168.10.5 || fail "full frames get lost"
}

dhcp() {
    need dnsmasq busybox
    topology
    configs ''
    start dnsmasq ip netns exec "$(ns h)" dnsmasq --no-daemon --conf-file=/dev/null --port=0 --interface=eth0 \
        --dhcp-range=192.168.10.100,192.168.10.120,1h --dhcp-leasefile="$WORK/leases" --log-dhcp
    begin "$VPND" "$OPENVPN"
    local n
    for n in c d; do
        ip -n "$(ns $n)" link set tap0 up
        printf '#!/bin/sh\n[ "$1" = bound ] && ip addr add $ip/24 dev $interface\nexit 0\n' >"$WORK/udhcpc-script"
        chmod 755 "$WORK/udhcpc-script"
        in_ns $n busybox udhcpc -i tap0 -n -q -t 8 -T 1 -s "$WORK/udhcpc-script" || fail "no DHCP lease through the bridge for $n"
        in_ns $n ping -c 2 -i 0.2 -W 2 192.168.10.5 || fail "no ping with the leased address of $n"
    done
}

run_case static-addresses static_addresses
run_case dhcp-from-the-lan dhcp
finish
