#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# kill-switch: while applications of the client send all the time, nothing but packets to the server appears on the
# outer link: before the server is there, over the tunnel's life, while it is rebuilt, and after kill -9.
#
#   [s] eth0 10.99.0.1, fd99::1 (server, router, capture) ------- 10.99.0.2, fd99::2 eth0 [c]
#       tun0 10.77.0.1, fd77::1 ============= tunnel ============ 10.77.0.x, fd77::x tun0
. "$(dirname "$0")/../tools/testlib.sh"

write_configs() {
    write_server 'port 1194' 'topology subnet' 'server 10.77.0.0 255.255.255.0' 'server-ipv6 fd77::/64' \
        'keepalive 1 4' 'push "redirect-gateway def1 ipv6"'
    write_client client client1 'remote 10.99.0.1 1194 udp' 'connect-retry 1 1' 'connect-timeout 2' 'hand-window 5' \
        'kill-switch'
}

# What applications do, several times a second: ICMP, UDP, name lookups, TCP; to the world, to the LAN, to the server's
# own address on other ports, over both families.
applications() {
    in_ns c python3 - <<-'END'
		import socket, time
		targets = ["198.51.100.7", "10.99.0.77", "10.99.0.1", "2001:db8::7", "fd99::1"]
		while True:
		    for t in targets:
		        f = socket.AF_INET6 if ":" in t else socket.AF_INET
		        for port in (53, 443, 7777):
		            for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
		                s = socket.socket(f, kind)
		                s.setblocking(False)
		                try:
		                    s.connect((t, port))
		                    s.send(b"leak")
		                except OSError:
		                    pass
		                s.close()
		    time.sleep(0.1)
	END
}

# Everything on the outer link that is not the tunnel, nor keeps the link itself alive. Later fragments have no ports:
# what they belong to is seen by the first.
leaks() {
    tcpdump -nr "$WORK/outer.pcap" "src host 10.99.0.2 or src host fd99::2 or src net fe80::/10" 2>/dev/null |
        grep -vE 'IP 10\.99\.0\.2\.[0-9]+ > 10\.99\.0\.1\.1194: UDP|IP 10\.99\.0\.2 > 10\.99\.0\.1: ip-proto-17' |
        grep -vE 'ICMP6, (neighbor (solicitation|advertisement)|router solicitation|destination unreachable)|multicast listener report| ARP, '
}

closed() { [[ $(in_ns c nft list tables) == *"inet vpnd-"* ]]; }

capture() {
    start capture ip netns exec "$(ns s)" tcpdump -i eth0 -U --immediate-mode -w "$WORK/outer.pcap"
    expect_log "$WORK/capture.log" 'listening on'
}

launch_client() { start client ip netns exec "$(ns c)" "$VPND" --cd "$WORK" --config client.conf; }
launch_server() { start server ip netns exec "$(ns s)" "$1" --cd "$WORK" --config server.conf; }

connections() { grep -ac 'Initialization Sequence Completed' "$WORK/client.log"; }
connected_times() { [ "$(connections)" -ge "$1" ]; }

# Packets of the applications that reached the server through the tunnel, as opposed to being dropped.
through_tunnel() {
    in_ns s timeout 5 tcpdump -c 3 -ni tun0 udp port 7777 >/dev/null 2>&1
}

nothing_leaks() { # SERVER PROGRAM
    need nft tcpdump python3 openvpn
    server_and_client
    in_ns c ip route add default via 10.99.0.1
    in_ns c ip -6 route add default via fd99::1
    write_configs
    launch_client
    expect_log "$WORK/client.log" 'UDPv4 link remote'
    capture
    start applications applications
    # No server yet: attempts go out, nothing else does.
    expect_log "$WORK/client.log" 'Server poll timeout'
    launch_server "$1"
    wait_for 20 "the first connection" connected_times 1
    through_tunnel || fail "applications do not get through the tunnel"
    # The server dies and comes back.
    stop server KILL
    expect_log "$WORK/client.log" 'SIGUSR1\[soft,ping-restart\]'
    launch_server "$1"
    wait_for 20 "the second connection" connected_times 2
    # So does the client; what it leaves behind stays closed, and the next one replaces it.
    stop client KILL
    closed || fail "kill -9 opened the switch"
    launch_client
    wait_for 20 "the third connection" connected_times 3
    through_tunnel || fail "applications do not get through the tunnel after the restart"
    stop capture INT
    local seen
    seen=$(leaks | head -n 5) || true # no line: grep fails
    [ -z "$seen" ] || fail "these left outside the tunnel: $seen"
    grep -q 'UDP' <(tcpdump -nr "$WORK/outer.pcap" udp port 1194 2>/dev/null) || fail "the capture saw no tunnel"
    # The end opens up again, which shows too that the applications were trying.
    stop client
    ! closed || fail "the packet filter stays after the end"
    rm "$WORK/outer.pcap" "$WORK/capture.log"
    capture
    wait_for 5 "open traffic" leaks
}

# Servers by name: all names are looked up once at the start, and nobody is asked any more afterwards.
names() {
    need nft tcpdump openvpn dnsmasq
    server_and_client
    in_ns c ip route add default via 10.99.0.1
    write_configs
    sed -i '/^remote /d' "$WORK/client.conf"
    printf '%s\n' "remote dead.example 1194 udp" "remote vpn.example 1194 udp" >>"$WORK/client.conf"
    echo "nameserver 10.99.0.1" >"/etc/netns/$(ns c)/resolv.conf"
    start dns ip netns exec "$(ns s)" dnsmasq -k --conf-file=/dev/null --no-hosts --no-resolv --listen-address=10.99.0.1 \
        --bind-interfaces --pid-file= --user=root --address=/vpn.example/10.99.0.1 --address=/dead.example/10.99.0.9
    capture
    launch_server "$OPENVPN"
    launch_client
    wait_for 20 "the first connection" connected_times 1
    questions() { tcpdump -nr "$WORK/outer.pcap" "src host 10.99.0.2 and port 53" 2>/dev/null | wc -l; }
    local before
    before=$(questions)
    [ "$before" -ge 2 ] || fail "$before questions were seen"
    stop server KILL
    expect_log "$WORK/client.log" 'SIGUSR1\[soft,ping-restart\]'
    launch_server "$OPENVPN"
    wait_for 30 "the second connection" connected_times 2
    stop capture INT
    [ "$(questions)" = "$before" ] || fail "name servers were asked again"
}

# One line that says what to do, and nothing is started in the open.
without_rights() {
    need setpriv
    server_and_client
    pki "$WORK/pki"
    ! in_ns c setpriv --bounding-set -net_admin --inh-caps -net_admin "$VPND" --cd "$WORK" --client --dev tun0 \
        --remote 10.99.0.1 --ca pki/ca.crt --cert pki/client1.crt --key pki/client1.key --remote-cert-tls server --suppress-timestamps \
        --kill-switch >"$WORK/said.log" 2>&1 || fail "it goes on"
    grep -vE '^(vpnd|library versions|WARNING|NOTE)' "$WORK/said.log" >"$WORK/rest" || true
    grep -qx 'kill-switch: the packet filter cannot be used: .*; start as root or with CAP_NET_ADMIN.*' "$WORK/rest" &&
        [ "$(wc -l <"$WORK/rest")" = 1 ] || fail "it says $(cat "$WORK/rest")"
}

run_case names names
run_case without-rights without_rights
run_case openvpn-server nothing_leaks "$OPENVPN"
run_case vpnd-server nothing_leaks "$VPND"
finish
