#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Known ways to lead a client's traffic around its tunnel (TunnelCrack, TunnelVision), by a hostile network that the
# client is in: what redirect-gateway, block-local and kill-switch each keep inside.
#
#   [s] eth0 10.99.0.1, fd99::1 (openvpn, and the "router" of the hostile network) --- 10.99.0.2, fd99::2 eth0 [c]
#       tun0 10.77.0.1 ======================== tunnel ========================= 10.77.0.x tun0
. "$(dirname "$0")/../tools/testlib.sh"

prepare() { # LINE... for the client
    need openvpn tcpdump python3 nft
    server_and_client
    in_ns c ip route add default via 10.99.0.1
    in_ns c ip -6 route add default via fd99::1
    # The hostile network plays everybody.
    in_ns s ip addr add 198.51.100.1/24 dev eth0
    in_ns s ip addr add 203.0.113.9/32 dev lo
    in_ns s ip addr add 203.0.113.10/32 dev lo
    write_server "local ${REMOTE:=10.99.0.1}" 'port 1194' 'topology subnet' 'server 10.77.0.0 255.255.255.0' \
        'keepalive 1 4'
    write_client client client1 "remote ${REMOTE:=10.99.0.1} 1194 udp"
    printf '%s\n' "$@" >>"$WORK/client.conf"
    start server ip netns exec "$(ns s)" "$OPENVPN" --cd "$WORK" --config server.conf
    expect_log "$WORK/server.log" 'Initialization Sequence Completed'
    start client ip netns exec "$(ns c)" "$VPND" --cd "$WORK" --config client.conf
    expect_log "$WORK/client.log" 'Initialization Sequence Completed'
    for device in eth0 tun0; do
        start $device ip netns exec "$(ns s)" tcpdump -l -n -i $device "udp port 7777 or tcp port 7777 or icmp"
        expect_log "$WORK/$device.log" 'listening on'
    done
}

# say WHERE: one datagram with a number that only this call has
say() {
    SAID=$((${SAID:-100} + 1))
    in_ns c python3 - "$1" $SAID <<-'END' || true
		import socket, sys
		family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
		s = socket.socket(family, socket.SOCK_DGRAM)
		s.sendto(b"x" * int(sys.argv[2]), (sys.argv[1], 7777))
	END
}
on_wire() { grep -q "length $SAID\$" "$WORK/$1.log"; }
# Inside it is seen on the server's tun; outside it would have been seen before that, on the same host.
goes_inside() { say "$1"; wait_for 5 "the datagram to $1 in the tunnel" on_wire tun0; ! on_wire eth0 || fail "$2: $1 leaves outside"; }
goes_nowhere() {
    say "$1"
    local probe=$SAID
    # Something later that must arrive shows that the capture is not just slow.
    say 10.77.0.1
    wait_for 5 "the probe" on_wire tun0
    SAID=$probe
    ! on_wire eth0 || fail "$2: $1 leaves outside"
    ! on_wire tun0 || fail "$2: $1 went into the tunnel after all"
    SAID=$((SAID + 1))
}
goes_outside() { say "$1"; wait_for 5 "the datagram to $1 outside" on_wire eth0; }

# TunnelCrack, LocalNet: the network claims public addresses as its own subnet.
local_net_with_block_local() {
    REMOTE=203.0.113.10 prepare "redirect-gateway def1 block-local"
    goes_inside 192.0.2.7 "redirect-gateway"
    # The subnet as it is at connection time: all but the gateway goes inside.
    goes_inside 10.99.0.77 "block-local"
}

local_net_claimed() {
    need openvpn
    prepare "redirect-gateway def1" kill-switch
    in_ns c ip addr add 198.51.100.2/24 dev eth0
    goes_inside 192.0.2.7 "redirect-gateway"
    goes_nowhere 198.51.100.1 "kill-switch"
    goes_nowhere 10.99.0.77 "kill-switch"
}

# TunnelCrack, ServerIP: the server's name led to an address that the victim wants to talk to.
server_address() {
    prepare "redirect-gateway def1" kill-switch
    goes_nowhere 10.99.0.1 "kill-switch"
}

# TunnelVision: DHCP option 121 brings routes that are more specific than the tunnel's.
more_specific_route() {
    prepare "redirect-gateway def1" kill-switch
    goes_inside 203.0.113.9 "redirect-gateway"
    in_ns c ip route add 203.0.113.0/24 via 10.99.0.1
    goes_nowhere 203.0.113.9 "kill-switch"
    in_ns c ip route add 0.0.0.0/2 via 10.99.0.1
    goes_nowhere 1.1.1.1 "kill-switch"
    # The tunnel itself is not led astray.
    in_ns c ping -c 1 -W 2 10.77.0.1 >/dev/null || fail "the tunnel broke"
}

# An IPv6 network around an IPv4 tunnel.
ipv6_around() {
    prepare "redirect-gateway def1" kill-switch
    goes_nowhere 2001:db8::7 "kill-switch"
    goes_nowhere fd99::1 "kill-switch"
}

# What there is without the switch, so that the cases above do not pass for another reason.
without_switch() {
    prepare "redirect-gateway def1"
    in_ns c ip route add 203.0.113.0/24 via 10.99.0.1
    goes_outside 203.0.113.9
    goes_outside 10.99.0.1
}

# The tunnel's own packets never go into the tunnel, whatever routes say.
recursive() {
    prepare "redirect-gateway def1"
    in_ns c ip route replace 10.99.0.1/32 dev tun0
    # Packets that come back into the tunnel are dropped until the route around it has been put back.
    wait_for 10 "the route around the tunnel" around
    wait_for 10 "a ping afterwards" in_ns c ping -c 1 -W 1 10.77.0.1
    [ "$(grep -ac 'Initialization Sequence Completed' "$WORK/client.log")" = 1 ] || fail "the session was lost"
}
around() { in_ns c ip route get 10.99.0.1 | grep -q 'dev eth0'; }

run_case localnet-block-local local_net_with_block_local
run_case localnet-kill-switch local_net_claimed
run_case server-address-kill-switch server_address
run_case tunnelvision-kill-switch more_specific_route
run_case ipv6-around-kill-switch ipv6_around
run_case without-switch without_switch
run_case recursive-routing recursive
finish
