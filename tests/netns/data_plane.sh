#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What the data plane does besides carrying packets: path MTU, marks and TOS of outer packets, devices and addresses to
# send from, rates, inactivity, slow peers, and the counters of what it dropped.
#
#   [s] eth0 10.99.0.1 ------------- 10.99.0.2 eth0 [c]         (server_and_client)
#   [s] eth0 10.99.0.1 --- 10.99.0.9 [r] 10.98.0.9 --- 10.98.0.2 eth0 [c]   (over_a_router; the right cable is narrow)
#        tun0 10.77.0.1 == tunnel == 10.77.0.x tun1, tun2
. "$(dirname "$0")/../tools/testlib.sh"
. "$(dirname "$0")/../tools/serverlib.sh"

over_a_router() { # MTU
    need_net
    local n
    for n in s r c; do ns_new $n; done
    veth s eth0 10.99.0.1/24 r left 10.99.0.9/24
    veth r right 10.98.0.9/24 c eth0 10.98.0.2/24
    ip -n "$(ns r)" link set right mtu "$1"
    ip -n "$(ns c)" link set eth0 mtu "$1"
    in_ns r sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
    ip -n "$(ns s)" route add default via 10.99.0.9
    ip -n "$(ns c)" route add default via 10.98.0.9
}

begin() { # server lines
    need openssl
    write_server 'topology subnet' 'server 10.77.0.0 255.255.255.0' 'keepalive 5 30' "$@"
}

reach() { wait_for 10 "a ping from $1" in_ns c ping -I "$1" -c 1 -W 1 10.77.0.1; }

# transfer FROM TO ADDRESS BYTES
transfer() {
    head -c "$4" /dev/urandom >"$WORK/payload"
    start sink ip netns exec "$(ns "$2")" socat -u TCP-LISTEN:5001,reuseaddr CREATE:"$WORK/got"
    wait_for 5 "the receiver" in_ns "$2" sh -c "ss -ltn | grep -q :5001"
    in_ns "$1" timeout 30 socat -u OPEN:"$WORK/payload" "TCP:$3:5001" || fail "the transfer broke off"
    wait_for 10 "the end of the transfer" sh -c "! kill -0 $(pid_of sink)"
    cmp "$WORK/payload" "$WORK/got" || fail "the file arrived changed"
}

# ---------------------------------------------------------------- sizes

path_mtu() {
    need socat
    over_a_router 1400
    begin
    write_client a client1 'dev tun1' 'remote 10.99.0.1 1194 udp'
    server_up
    client_up a "$VPND"
    reach tun1
    local address
    address=$(address_in c tun1)
    transfer s c "$address" 3000000
    expect_log "$WORK/server.log" 'client1/.*path MTU 1400, inner 1344' 5
    transfer c s 10.77.0.1 3000000
    [ "$(grep -ac 'path MTU' "$WORK/server.log")" = 1 ] || fail "said more than once"
    # What cannot be cut is answered.
    ! in_ns s ping -M 'do' -c 1 -W 2 -s 1400 "$address" >"$WORK/ping.log" || fail "1428 bytes went through"
    grep -qE 'mtu ?= ?1344' "$WORK/ping.log" || fail "no 'fragmentation needed' with 1344"
    in_ns s ping -M 'do' -c 1 -W 2 -s 1316 "$address" || fail "1344 bytes do not go through"
    # The path gets wider again.
    ip -n "$(ns r)" link set right mtu 1500
    ip -n "$(ns c)" link set eth0 mtu 1500
    in_ns s ip route flush cache
    in_ns s ping -c 2 -W 2 -s 1400 "$address" || fail "a fragmented ping gets lost"
}

path_mtu_never_fragments() {
    over_a_router 1300
    begin 'mtu-disc yes'
    write_client a client1 'dev tun1' 'remote 10.99.0.1 1194 udp' 'mtu-disc yes'
    server_up
    client_up a "$VPND"
    reach tun1
    local address
    address=$(address_in c tun1)
    wait_for 10 "the path MTU" sh -c "ip netns exec $(ns s) ping -M do -c 1 -W 1 -s 1400 $address; grep -aq 'path MTU 1300, inner 1244' '$WORK/server.log'"
    in_ns s ping -M 'do' -c 1 -W 2 -s 1216 "$address" || fail "1244 bytes do not go through"
}

# ---------------------------------------------------------------- outer packets

# counted NAMESPACE HOOK RULE: count packets that match
count_packets() {
    need nft
    in_ns "$1" nft -f - <<-END || skip "nft cannot count here"
		table inet counting { chain c { type filter hook $2 priority 0; $3 counter; }; }
	END
}

counted() { in_ns "$1" nft list table inet counting | sed -nE 's/.*counter packets ([0-9]+).*/\1/p'; }

passtos() {
    server_and_client
    begin 'passtos'
    write_client a client1 'dev tun1' 'remote 10.99.0.1 1194 udp' 'passtos'
    server_up
    client_up a "$VPND"
    reach tun1
    count_packets s input 'udp dport 1194 ip dscp ef'
    in_ns c ping -q -c 3 -i 0.1 10.77.0.1
    [ "$(counted s)" = 0 ] || fail "ordinary packets were marked"
    in_ns c ping -q -c 3 -i 0.1 -Q 0xb8 10.77.0.1 || fail "marked pings get lost"
    [ "$(counted s)" = 3 ] || fail "of 3 packets $(counted s) were marked outside"
}

mark() {
    server_and_client
    begin 'mark 66'
    write_client a client1 'dev tun1' 'remote 10.99.0.1 1194 udp' 'mark 77'
    count_packets c output 'udp dport 1194 meta mark 77'
    count_packets s output 'udp sport 1194 meta mark 66'
    server_up
    client_up a "$VPND"
    reach tun1
    [ "$(counted c)" -gt 3 ] || fail "the client's packets have no mark"
    [ "$(counted s)" -gt 3 ] || fail "the server's packets have no mark"
}

bind_dev() {
    server_and_client
    begin 'bind-dev eth0'
    write_client a client1 'dev tun1' 'remote 10.99.0.1 1194 udp' 'bind-dev eth0'
    server_up
    client_up a "$VPND"
    reach tun1
    in_ns s ss -Huan | grep -q '%eth0:1194' || fail "the server's socket is not bound to the device"
    in_ns c ss -Huan | grep -q '%eth0:' || fail "the client's socket is not bound to the device"
}

multihome() { # CLIENT-PROGRAM
    server_and_client
    ip -n "$(ns s)" addr add 10.99.0.11/24 dev eth0
    begin 'multihome'
    write_client a client1 'dev tun1' 'remote 10.99.0.11 1194 udp'
    count_packets c input 'ip saddr 10.99.0.1 udp sport 1194'
    server_up
    client_up a "$1"
    reach tun1
    [ "$(counted c)" = 0 ] || fail "an answer came from the other address"
}

# Outer packets with and without "don't fragment", as openvpn of the same setting sends them.
mtu_disc() { # CLIENT-PROGRAM
    local setting
    server_and_client
    begin
    server_up
    for setting in no maybe yes; do
        write_client "$setting" client1 'dev tun1' 'remote 10.99.0.1 1194 udp' "mtu-disc $setting"
        client_up "$setting" "$1"
        reach tun1
        count_packets c output "udp dport 1194 ip frag-off & 0x4000 == 0x$([ $setting = no ] && echo 4000 || echo 0)"
        in_ns c ping -q -c 3 -i 0.1 -s 1300 10.77.0.1 || fail "pings get lost with mtu-disc $setting"
        [ "$(counted c)" = 0 ] || fail "with mtu-disc $setting $(counted c) packets are of the other kind"
        in_ns c nft delete table inet counting
        stop "$setting"
    done
}

# The kernel doubles what it is asked for.
socket_buffers() { # CLIENT-PROGRAM
    server_and_client
    begin 'sndbuf 100000' 'rcvbuf 90000' 'txqueuelen 250'
    write_client a client1 'dev tun1' 'remote 10.99.0.1 1194 udp' 'sndbuf 80000' 'rcvbuf 70000' 'txqueuelen 300'
    server_up
    client_up a "$1"
    in_ns s ss -Huanm | grep -q 'rb180000,t0,tb200000' || fail "the server's: $(in_ns s ss -Huanm)"
    in_ns c ss -Huanm | grep -q 'rb140000,t0,tb160000' || fail "the client's: $(in_ns c ss -Huanm)"
    ip -n "$(ns s)" link show tun0 | grep -q 'qlen 250' || fail "the server's: $(ip -n "$(ns s)" link show tun0)"
    ip -n "$(ns c)" link show tun1 | grep -q 'qlen 300' || fail "the client's: $(ip -n "$(ns c)" link show tun1)"
}

# A client with several addresses keeps using the one that it was written to. The other one is what routes would choose.
multihome_client() { # CLIENT-PROGRAM
    server_and_client
    ip -n "$(ns c)" addr add 10.99.0.22/24 dev eth0
    begin
    write_client a client1 'dev tun1' 'remote 10.99.0.1 1194 udp' 'multihome' 'local 10.99.0.22'
    sed -i /nobind/d "$WORK/a.conf"
    count_packets s input 'ip saddr 10.99.0.2 udp dport 1194'
    server_up
    client_up a "$1"
    reach tun1
    [ "$(counted s)" = 0 ] || fail "$(counted s) packets came from the other address"
}

# ---------------------------------------------------------------- rates and time

shaper() { # udp|tcp
    need socat
    server_and_client
    begin "proto ${1/tcp/tcp-server}"
    write_client a client1 'dev tun1' "remote 10.99.0.1 1194 ${1/tcp/tcp-client}" 'shaper 200000'
    server_up
    client_up a "$VPND"
    reach tun1
    local before after
    before=$(date +%s%N)
    transfer c s 10.77.0.1 500000
    after=$(date +%s%N)
    [ $((after - before)) -gt 2000000000 ] || fail "500 kB left in $(((after - before) / 1000000)) ms at 200 kB/s"
}

inactive() {
    server_and_client
    begin
    write_client a client1 'dev tun1' 'remote 10.99.0.1 1194 udp' 'inactive 2 1000' 'ping 1'
    server_up
    client_up a "$VPND"
    expect_log "$WORK/a.log" 'Inactivity timeout \(--inactive\), exiting' 10
    wait_for 5 "the client to end" sh -c "! kill -0 $(pid_of a)"
}

# ---------------------------------------------------------------- TCP

flood() { # DEVICE-ADDRESS
    in_ns s timeout 3 iperf3 -u -b 500M -l 1200 -t 2 -c "$1" >/dev/null 2>&1 || true
    in_ns s timeout 5 python3 - "$1" <<-'END'
		import socket, sys
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.setblocking(False)
		for i in range(20000):
		    try:
		        s.sendto(b"x" * 1200, (sys.argv[1], 9))
		    except BlockingIOError:
		        pass
	END
}

# A client that reads nothing loses its own packets and delays nobody else's.
slow_tcp_client() {
    server_and_client
    begin 'proto tcp-server' 'tcp-queue-limit 100'
    write_client a client1 'dev tun1' 'remote 10.99.0.1 1194 tcp-client'
    write_client b client2 'dev tun2' 'remote 10.99.0.1 1194 tcp-client'
    server_up
    client_up a "$VPND"
    client_up b "$VPND"
    reach tun1
    reach tun2
    local stuck
    stuck=$(address_in c tun1)
    kill -STOP "$(pid_of a)"
    flood "$stuck"
    in_ns c ping -I tun2 -q -c 10 -i 0.05 -W 1 10.77.0.1 >"$WORK/ping.log" || fail "the other client is cut off"
    grep -q ' 0% packet loss' "$WORK/ping.log" || fail "the other client lost packets"
    kill -USR2 "$(pid_of server)"
    expect_log "$WORK/server.log" 'dropped packets: queue [0-9]+' 5
    kill -CONT "$(pid_of a)"
    reach tun1
}

# ---------------------------------------------------------------- counters

drops_are_shown() {
    server_and_client
    begin
    write_client a client1 'dev tun1' 'remote 10.99.0.1 1194 udp'
    server_up
    client_up a "$VPND"
    reach tun1
    ip -n "$(ns c)" addr add 10.77.0.200/32 dev lo
    in_ns c ping -I 10.77.0.200 -c 2 -i 0.2 -W 1 10.77.0.1 && fail "a foreign source was let through"
    in_ns c python3 -c "import socket; s=socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(3): s.sendto(bytes([0x48, 0, 0, 9]) + b'x' * 60, ('10.99.0.1', 1194))"
    kill -USR2 "$(pid_of server)"
    expect_log "$WORK/server.log" 'dropped packets: source [2-9]' 5
    expect_log "$WORK/server.log" 'dropped packets: unknown-peer 3' 5
}

run_case path-mtu path_mtu
run_case path-mtu-disc-yes path_mtu_never_fragments
run_case passtos passtos
run_case mark mark
run_case bind-dev bind_dev
run_case multihome multihome "$VPND"
run_case multihome-openvpn multihome "$OPENVPN"
run_case multihome-client multihome_client "$VPND"
run_case mtu-disc mtu_disc "$VPND"
run_case mtu-disc-openvpn mtu_disc "$OPENVPN"
run_case socket-buffers socket_buffers "$VPND"
run_case socket-buffers-openvpn socket_buffers "$OPENVPN"
run_case shaper shaper udp
run_case shaper-tcp shaper tcp
run_case inactive inactive
run_case slow-tcp-client slow_tcp_client
run_case drops-are-shown drops_are_shown
finish
