#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A bridged LAN: the server's tap device and its LAN card are in one Linux bridge; clients are part of the LAN.
#
#  [h] 192.168.10.5 --- lan [s] br0 192.168.10.1 (tap0 + lan), eth0 10.99.0.1 --- 10.99.0.2 [c] tap0
#      dnsmasq (DHCP)                                           eth1 10.99.3.1 --- 10.99.3.2 [d] tap0
. "$(dirname "$0")/../tools/testlib.sh"
. "$(dirname "$0")/../tools/serverlib.sh"

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
    pki "$WORK/pki"
}

# A tap device made by hand, as contrib/bridge.sh does it
prepared_tap() {
    ip -n "$(ns s)" tuntap add dev tap0 mode tap
    ip -n "$(ns s)" link set tap0 master br0 up
}

configs() { # server-bridge arguments, further server line
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
		status status 1
		status-version 2
		verb 3
		${2:-}
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
    prepared_tap
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
    in_ns c ping -c 2 -i 0.2 -W 2 -M "do" -s 1472 192.168.10.5 || fail "full frames get lost"
    # The status knows the addresses behind the clients.
    wait_for 5 "the MAC addresses in the status" grep -qE '^ROUTING_TABLE,([0-9a-f]{2}:){5}[0-9a-f]{2}@0,client1,' "$WORK/status"
}

# The script that puts card and device into a bridge and takes them out again.
helper_script() {
    topology
    ip -n "$(ns s)" link del br0
    ip -n "$(ns s)" addr add 192.168.10.1/24 dev lan
    ip -n "$(ns s)" route add 192.168.99.0/24 via 192.168.10.5 dev lan
    in_ns s "$SOURCE_DIR/contrib/bridge.sh" start br0 lan tap0
    configs '192.168.10.1 255.255.255.0 192.168.10.200 192.168.10.220'
    begin "$VPND" "$OPENVPN"
    wait_for 10 "a ping from client to LAN" in_ns c ping -c 1 -W 1 192.168.10.5
    in_ns c ping -c 1 -W 2 192.168.10.1 || fail "the bridge has no address"
    in_ns s ip route show 192.168.99.0/24 | grep -q br0 || fail "the route did not move to the bridge"
    stop server
    in_ns s "$SOURCE_DIR/contrib/bridge.sh" stop br0 lan tap0
    ip -n "$(ns s)" -4 -o addr show lan | grep -q 192.168.10.1/24 || fail "the card did not get its address back"
    in_ns s ip route show 192.168.99.0/24 | grep -q lan || fail "the route did not come back"
    [ -z "$(ip -n "$(ns s)" link show tap0 2>/dev/null)$(ip -n "$(ns s)" link show br0 2>/dev/null)" ] || fail "a device stayed"
    in_ns s ping -c 1 -W 2 192.168.10.5 || fail "the LAN cannot be reached any more"
}

dhcp() {
    need dnsmasq busybox
    topology
    configs '' 'bridge br0'
    start dnsmasq ip netns exec "$(ns h)" dnsmasq --no-daemon --conf-file=/dev/null --port=0 --interface=eth0 \
        --dhcp-range=192.168.10.100,192.168.10.120,1h --dhcp-leasefile="$WORK/leases" --log-dhcp
    begin "$VPND" "$OPENVPN"
    in_ns s ip -d link show tap0 | grep -q 'master br0' || fail "the option bridge did not put the device into br0"
    local n
    for n in c d; do
        ip -n "$(ns $n)" link set tap0 up
        printf '#!/bin/sh\n[ "$1" = bound ] && ip addr add $ip/24 dev $interface\nexit 0\n' >"$WORK/udhcpc-script"
        chmod 755 "$WORK/udhcpc-script"
        in_ns $n busybox udhcpc -i tap0 -n -q -t 8 -T 1 -s "$WORK/udhcpc-script" || fail "no DHCP lease through the bridge for $n"
        in_ns $n ping -c 2 -i 0.2 -W 2 192.168.10.5 || fail "no ping with the leased address of $n"
    done
}

# Frames of 9000 bytes on the whole way.
jumbo() {
    topology
    configs '192.168.10.1 255.255.255.0 192.168.10.200 192.168.10.220' 'tun-mtu 9000'
    printf 'bridge br0\n' >>"$WORK/server.conf"
    local n
    for n in c d; do echo 'tun-mtu 9000' >>"$WORK/$n.conf"; done
    ip -n "$(ns s)" link set lan mtu 9000
    ip -n "$(ns h)" link set eth0 mtu 9000
    begin "$VPND" "$OPENVPN"
    wait_for 10 "a ping from client to LAN" in_ns c ping -c 1 -W 1 192.168.10.5
    in_ns c ping -c 2 -i 0.2 -W 2 -M "do" -s 8972 192.168.10.5 || fail "jumbo frames get lost"
    in_ns d ping -c 2 -i 0.2 -W 2 -M "do" -s 8972 192.168.10.5 || fail "jumbo frames of the stock client get lost"
}

# frames NAMESPACE DEVICE send|listen ...: tests/tools/frames.py
frames() {
    local n=$1
    shift
    in_ns "$n" python3 "$TESTS_DIR/tools/frames.py" "$@"
}

tap_mac() { in_ns "$1" cat /sys/class/net/tap0/address; }

# A client may not take over the MAC address of the bridge, and cannot fill the table.
mac_limits() {
    need python3
    topology
    configs '192.168.10.1 255.255.255.0 192.168.10.200 192.168.10.220' 'max-routes-per-client 20'
    printf 'bridge br0\n' >>"$WORK/server.conf"
    begin "$VPND" "$VPND"
    wait_for 10 "a ping from client to LAN" in_ns c ping -c 1 -W 1 192.168.10.5
    wait_for 10 "a ping from the other client to LAN" in_ns d ping -c 1 -W 1 192.168.10.5
    # While the other one uses its address it cannot be taken over; once it is silent the address may move.
    start pings ip netns exec "$(ns d)" ping -q -i 0.1 -c 20 -W 2 192.168.10.5
    frames c send tap0 --count 200 --source "$(tap_mac d)"
    wait_for 10 "the pings to end" sh -c "! kill -0 $(pid_of pings)"
    grep -q ' 0% packet loss' "$WORK/pings.log" || fail "a client took over the address of another"
    grep -q "^ROUTING_TABLE,$(tap_mac d)@0,client2," "$WORK/status" || fail "the status says that the address moved"
    frames c send tap0 --count 500 --random-source
    wait_for 5 "the status" sh -c "[ \$(grep -c '^ROUTING_TABLE,.*,client1,' '$WORK/status') -ge 15 ]"
    [ "$(grep -c '^ROUTING_TABLE,.*,client1,' "$WORK/status")" -le 20 ] || fail "the table grew to $(grep -c '^ROUTING_TABLE,.*,client1,' "$WORK/status")"
    in_ns d ping -c 1 -W 2 192.168.10.5 || fail "the other client suffers"
    in_ns c ping -c 1 -W 2 192.168.10.5 || fail "the client itself lost its address"
    [ "$(grep -ac 'route quota' "$WORK/server.log")" -lt 60 ] || fail "the log is flooded"
}

# Addresses that nobody uses any more are forgotten, and learn-address hears of both.
stale_routes() {
    need python3
    topology
    printf '#!/bin/sh\necho "$*" >>%s/learnt\n[ "$2" != 02:00:00:00:00:66@0 ]\n' "$WORK" >"$WORK/learn"
    chmod 755 "$WORK/learn"
    configs '192.168.10.1 255.255.255.0 192.168.10.200 192.168.10.220' 'stale-routes-check 2 1'
    printf 'bridge br0\nscript-security 2\nlearn-address %s/learn\n' "$WORK" >>"$WORK/server.conf"
    begin "$VPND" "$VPND"
    frames c send tap0 --source 02:00:00:00:00:55
    wait_for 5 "learn-address add" grep -q '^add 02:00:00:00:00:55@0 client1$' "$WORK/learnt"
    grep -q 'ROUTING_TABLE,02:00:00:00:00:55@0,client1' "$WORK/status" ||
        wait_for 3 "it in the status" grep -q 'ROUTING_TABLE,02:00:00:00:00:55@0,client1' "$WORK/status"
    wait_for 10 "learn-address delete" grep -q '^delete 02:00:00:00:00:55@0$' "$WORK/learnt"
    wait_for 3 "it to go from the status" sh -c "! grep -q '02:00:00:00:00:55' '$WORK/status'"
    # One that learn-address refuses does not stay.
    frames c send tap0 --source 02:00:00:00:00:66
    wait_for 5 "learn-address add" grep -q '^add 02:00:00:00:00:66@0 client1$' "$WORK/learnt"
    expect_log "$WORK/server.log" 'learn-address refused 02:00:00:00:00:66@0'
    sleep 1.5
    ! grep -q '02:00:00:00:00:66' "$WORK/status" || fail "a refused address stayed"
}

# VLANs: client c belongs to VLAN 10, d to VLAN 20; the LAN side sees tags.
vlans() { # PROGRAM-C PROGRAM-D
    need python3
    topology
    mkdir "$WORK/ccd"
    echo 'vlan-pvid 10' >"$WORK/ccd/client1"
    echo 'vlan-pvid 20' >"$WORK/ccd/client2"
    configs nogw 'vlan-tagging'
    printf 'vlan-accept tagged\nclient-config-dir ccd\n' >>"$WORK/server.conf"
    begin "$1" "$2"
    local n
    for n in c d; do ip -n "$(ns $n)" link set tap0 up; done
    # From the clients: untagged frames come out with the tag of their client.
    start device ip netns exec "$(ns s)" python3 "$TESTS_DIR/tools/frames.py" listen tap0
    expect_log "$WORK/device.log" listening
    frames c send tap0 --payload from-c
    frames d send tap0 --payload from-d
    frames c send tap0 --payload tagged-c --vlan 20
    expect_log "$WORK/device.log" 'vlan=10 .*payload=from-c'
    expect_log "$WORK/device.log" 'vlan=20 .*payload=from-d'
    # From the device: a tagged frame reaches its VLAN only, without the tag; others nobody.
    for n in c d; do
        start "at-$n" ip netns exec "$(ns $n)" python3 "$TESTS_DIR/tools/frames.py" listen tap0
        expect_log "$WORK/at-$n.log" listening
    done
    frames s send tap0 --payload to-10 --vlan 10
    frames s send tap0 --payload to-20 --vlan 20
    frames s send tap0 --payload to-30 --vlan 30
    frames s send tap0 --payload to-none
    frames s send tap0 --payload last --vlan 10
    frames s send tap0 --payload last --vlan 20
    expect_log "$WORK/at-c.log" 'vlan=- .*payload=last'
    expect_log "$WORK/at-d.log" 'vlan=- .*payload=last'
    logged at-c 'payload=to-10' || fail "VLAN 10 did not reach its client"
    logged at-d 'payload=to-20' || fail "VLAN 20 did not reach its client"
    ! logged at-c 'payload=to-(20|30|none)' || fail "frames of another VLAN reached VLAN 10"
    ! logged at-d 'payload=to-(10|30|none)' || fail "frames of another VLAN reached VLAN 20"
    ! logged device 'payload=tagged-c' || fail "a client chose its VLAN itself"
    # client-to-client stays within the VLAN.
    frames c send tap0 --payload c-broadcast
    frames s send tap0 --payload end --vlan 20
    expect_log "$WORK/at-d.log" 'payload=end'
    ! logged at-d 'payload=c-broadcast' || fail "a broadcast went to another VLAN"
}

run_case static-addresses static_addresses
run_case bridge-script helper_script
run_case dhcp-from-the-lan dhcp
run_case jumbo-frames jumbo
run_case mac-limits mac_limits
run_case stale-routes stale_routes
# What the device side gets and gives with the other two values of vlan-accept; client c is in the global VLAN 10.
vlan_accept() { # all|untagged
    need python3
    topology
    mkdir "$WORK/ccd"
    echo 'vlan-pvid 20' >"$WORK/ccd/client2"
    configs nogw 'vlan-tagging'
    printf 'vlan-accept %s\nvlan-pvid 10\nclient-config-dir ccd\n' "$1" >>"$WORK/server.conf"
    begin "$OPENVPN" "$VPND"
    local n
    for n in c d; do
        ip -n "$(ns $n)" link set tap0 up
        start "at-$n" ip netns exec "$(ns $n)" python3 "$TESTS_DIR/tools/frames.py" listen tap0
        expect_log "$WORK/at-$n.log" listening
    done
    start device ip netns exec "$(ns s)" python3 "$TESTS_DIR/tools/frames.py" listen tap0
    expect_log "$WORK/device.log" listening
    frames s send tap0 --payload untagged
    frames s send tap0 --payload to-20 --vlan 20
    frames s send tap0 --payload last
    expect_log "$WORK/at-c.log" 'vlan=- .*payload=last'
    logged at-c 'payload=untagged' || fail "untagged frames do not reach the global VLAN"
    ! logged at-c 'payload=to-20' || fail "VLAN 20 reached the global VLAN"
    frames d send tap0 --payload from-d
    frames c send tap0 --payload from-c
    expect_log "$WORK/device.log" 'vlan=- .*payload=from-c'
    case $1 in
    all)
        expect_log "$WORK/at-d.log" 'payload=to-20'
        logged device 'vlan=20 .*payload=from-d' || fail "the frame of VLAN 20 came out without its tag"
        ;;
    untagged)
        ! logged at-d 'payload=(to-20|untagged)' || fail "a frame reached VLAN 20"
        ! logged device 'payload=from-d' || fail "a frame of VLAN 20 came out"
        ;;
    esac
}

run_case vlans vlans "$VPND" "$OPENVPN"
run_case vlan-accept-all vlan_accept all
run_case vlan-accept-untagged vlan_accept untagged
finish
