#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Routes and addresses that a configuration leads to: openvpn and vpnd, one after the other in the same namespace, have
# to make the same of it, and both leave what was there before. Several namespaces at a time.
#
#   [s] 203.0.113.5, 2001:db8::5 -- 10.99.0.1  10.99.0.254 [r] br0 10.99.1.1, fd99:1::1 --+-- 10.99.1.11 eth0 [c1]
#        tun7 10.77.0.1, fd77::1                                                      +-- 10.99.1.1N eth0 [cN]
. "$(dirname "$0")/../tools/testlib.sh"
. "$(dirname "$0")/../tools/clientlib.sh"

AT_ONCE=${AT_ONCE:-10}

# NAME|REMOTE|LINE;LINE... (4: by IPv4, 6: by IPv6, n: a server on the same link)
plans() {
    cat <<-'END'
		def1|4|redirect-gateway def1
		whole|4|redirect-gateway
		def1-local|4|redirect-gateway def1 local
		autolocal-far|4|redirect-gateway def1 autolocal
		autolocal-near|n|redirect-gateway def1 autolocal
		block-local|4|redirect-gateway def1 block-local
		bypass|4|redirect-gateway def1 bypass-dhcp bypass-dns
		six|4|redirect-gateway def1 ipv6
		six-only|4|redirect-gateway ipv6 !ipv4
		six-outside|6|redirect-gateway def1 ipv6
		private|4|redirect-private def1
		private-block-local|4|redirect-private def1 block-local ipv6
		two-lines|4|redirect-gateway def1;redirect-gateway ipv6
		net-gateway|4|route 10.41.0.0 255.255.0.0 net_gateway
		vpn-gateway-metric|4|route 10.42.0.0 255.255.0.0 vpn_gateway 77
		host-by-gateway|4|route 10.43.1.1 255.255.255.255 10.99.1.1 5
		remote-host|4|route remote_host 255.255.255.255 net_gateway
		route-metric|4|route 10.44.0.0 255.255.0.0;route-metric 9;route-ipv6 fd44::/64
		route-gateway|4|route-gateway 10.77.0.9;route 10.46.0.0 255.255.0.0
		route-nopull|4|route-nopull
		route-noexec|4|route-noexec;route 10.45.0.0 255.255.0.0;redirect-gateway def1
		route-delay|4|route-delay 1;route 10.47.0.0 255.255.0.0
		ifconfig-noexec|4|ifconfig-noexec;route-noexec
		filtered|4|pull-filter ignore "route 10.55";route 10.48.0.0 255.255.0.0
		exists|4|route 10.50.0.0 255.255.0.0;route 10.51.0.0 255.255.0.0
		six-line|4|route-ipv6 fd48::/48;route-ipv6 2001:db8:5::/48 fd77::9 7
	END
}

routed_network() {
    need openvpn openssl
    need_net
    ns_new s
    ns_new r
    veth s eth0 10.99.0.1/24,fd99::1/64 r up 10.99.0.254/24,fd99::254/64
    ip -n "$(ns s)" addr add 203.0.113.5/32 dev lo
    ip -n "$(ns s)" addr add 2001:db8::5/128 dev lo nodad
    ip -n "$(ns s)" route add default via 10.99.0.254
    ip -n "$(ns s)" -6 route add default via fd99::254
    ip -n "$(ns r)" route add 203.0.113.5 via 10.99.0.1
    ip -n "$(ns r)" -6 route add 2001:db8::5 via fd99::1
    in_ns r sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
    ip -n "$(ns r)" link add br0 address 02:00:00:00:00:01 type bridge
    ip -n "$(ns r)" link set br0 up
    ip -n "$(ns r)" addr add 10.99.1.1/24 dev br0
    ip -n "$(ns r)" addr add fd99:1::1/64 dev br0 nodad
    # A second server of the same machine, on the clients' own network.
    ip link add "$TAG.n" netns "$(ns s)" type veth peer name near netns "$(ns r)"
    ip -n "$(ns s)" link set "$TAG.n" name near up
    ip -n "$(ns r)" link set near master br0 up
    ip -n "$(ns s)" addr add 10.99.1.5/24 dev near
    pki "$WORK/pki"
    chmod 755 "$WORK/pki"
    server_start server 7 udp6 1194 "server-ipv6 fd77::/64" "duplicate-cn" "keepalive 10 60" "multihome" \
        'push "route 10.55.0.0 255.255.0.0"'
}

tables() { # NS
    {
        in_ns "$1" ip -4 route show table all
        in_ns "$1" ip -6 route show table all | grep -v -e 'fe80' -e 'ff00'
        in_ns "$1" ip -o addr show | sed 's/^[0-9]*: //; s/valid_lft.*//; s/ tentative//; s/ dynamic//; s/ nodad//' | grep -v fe80
    } | sed -E 's/ (proto [a-z]+|pref medium|linkdown)//g; s/10\.77\.0\.([02-9]|[1-9][0-9]+)\b/10.77.0.x/g;
                s/fd77::1[0-9a-f]{3}/fd77::x/g; s/ +/ /g; s/ $//' | sort -u
}

one_plan() { # NUMBER NAME REMOTE LINES
    local c=c$1 remote=203.0.113.5 proto=udp4 program before
    case $3 in 6) remote=2001:db8::5 proto=udp6 ;; n) remote=10.99.1.5 ;; esac
    ns_new "$c"
    ip link add "$TAG.x$1" netns "$(ns "$c")" type veth peer name "x$1" netns "$(ns r)"
    ip -n "$(ns r)" link set "x$1" master br0 up
    ip -n "$(ns "$c")" link set "$TAG.x$1" name eth0 up
    ip -n "$(ns "$c")" addr add "10.99.1.$((10 + $1))/24" dev eth0
    ip -n "$(ns "$c")" addr add "fd99:1::c$1/64" dev eth0 nodad
    ip -n "$(ns "$c")" route add default via 10.99.1.1
    ip -n "$(ns "$c")" route add 10.50.0.0/16 via 10.99.1.1
    wait_for 5 "the way out by IPv6" ip -n "$(ns "$c")" -6 route replace default via fd99:1::1
    {
        cat <<-END
			client
			dev tun0
			nobind
			proto $proto
			remote $remote 1194
			ca pki/ca.crt
			cert pki/client1.crt
			key pki/client1.key
			verb 3
		END
        echo "${4//;/$'\n'}"
    } >"$WORK/$c.conf"
    before=$(tables "$c")
    for program in openvpn vpnd; do
        local binary=$OPENVPN log=$WORK/$c-$program.log pid
        [ $program = openvpn ] || binary=$VPND
        ip netns exec "$(ns "$c")" "$binary" --cd "$WORK" --config "$WORK/$c.conf" >"$log" 2>&1 </dev/null &
        pid=$!
        echo $pid >>"$WORK/pids"
        local n=0
        until grep -q 'Initialization Sequence Completed' "$log" || [ $n -gt 150 ]; do
            sleep 0.1
            n=$((n + 1))
        done
        if [ $n -gt 150 ]; then
            echo "FAIL $2: $program does not connect" >>"$WORK/results"
            return
        fi
        tables "$c" >"$WORK/$c-$program.tables"
        kill $pid
        wait $pid || true
        if [ "$(tables "$c")" != "$before" ]; then
            echo "FAIL $2: $program leaves $(diff <(echo "$before") <(tables "$c") | grep '^[<>]' | tr '\n' ' ')" >>"$WORK/results"
            return
        fi
    done
    if ! diff "$WORK/$c-openvpn.tables" "$WORK/$c-vpnd.tables" >"$WORK/$c.diff"; then
        echo "FAIL $2: other than openvpn: $(grep '^[<>]' "$WORK/$c.diff" | tr '\n' ' ')" >>"$WORK/results"
    else
        echo "PASS $2" >>"$WORK/results"
    fi
}

same_as_openvpn() {
    reference
    routed_network
    local name remote lines number=0 running=0 wanted=0
    while IFS='|' read -r name remote lines; do
        [ -z "${PLAN:-}" ] || [[ $name == *"$PLAN"* ]] || continue
        number=$((number + 1))
        (set +e; one_plan "$number" "$name" "$remote" "$lines") &
        wanted=$((wanted + 1)) running=$((running + 1))
        if [ $running -ge "$AT_ONCE" ]; then
            wait -n || true
            running=$((running - 1))
        fi
    done < <(plans)
    wait_for 60 "all plans" sh -c "[ \$(wc -l <'$WORK/results') -ge $wanted ]"
    grep '^FAIL' "$WORK/results" && fail "$(grep -c '^FAIL' "$WORK/results") of $wanted plans differ"
    return 0
}

# Killed without a chance to clean up: the next start takes the old routes back, whatever it is configured to do.
killed() {
    routed_network
    ns_new c
    ip link add "$TAG.x" netns "$(ns c)" type veth peer name x netns "$(ns r)"
    ip -n "$(ns r)" link set x master br0 up
    ip -n "$(ns c)" link set "$TAG.x" name eth0 up
    ip -n "$(ns c)" addr add 10.99.1.9/24 dev eth0
    ip -n "$(ns c)" route add default via 10.99.1.1
    client_conf "remote 203.0.113.5 1194 udp4" "redirect-gateway" "route 10.41.0.0 255.255.0.0 net_gateway"
    local before
    before=$(tables c)
    client_start
    client_up
    client_pings
    kill -KILL "$(pid_of client)"
    wait_for 5 "the device to go" sh -c "! ip -n $(ns c) link show tun0"
    [ "$(tables c)" != "$before" ] || fail "the kernel took everything back: this case tests nothing"
    client_start
    client_up
    client_pings
    stop client
    [ "$(tables c)" = "$before" ] || fail "left: $(diff <(echo "$before") <(tables c) | grep '^[<>]' | tr '\n' ' ')"
}

# Packets that are changed on their way: the same with openvpn, so that the case holds itself to account.
changed_packets() {
    routed_network
    ns_new c
    ip link add "$TAG.x" netns "$(ns c)" type veth peer name x netns "$(ns r)"
    ip -n "$(ns r)" link set x master br0 up
    ip -n "$(ns c)" link set "$TAG.x" name eth0 up
    ip -n "$(ns c)" addr add 10.99.1.9/24 dev eth0
    ip -n "$(ns c)" route add default via 10.99.1.1
    client_conf "remote 203.0.113.5 1194 udp4" "client-nat dnat 10.200.0.0 255.255.255.0 10.77.0.0" \
        "route 10.200.0.0 255.255.255.0" "redirect-gateway ipv6 !ipv4" "block-ipv6"
    local program
    for program in "$OPENVPN" "$VPND"; do
        : >"$WORK/client.log"
        start client ip netns exec "$(ns c)" "$program" --cd "$WORK" --config "$WORK/client.conf"
        client_up
        wait_for 5 "a ping to the translated address ($program)" in_ns c ping -c 1 -W 1 10.200.0.1
        in_ns c ping -6 -c 1 -W 2 2001:db8:9::9 >"$WORK/six" 2>&1 || true
        grep -q 'Destination unreachable' "$WORK/six" || fail "IPv6 is not refused by $program: $(cat "$WORK/six")"
        stop client
    done
}

# What the kernel would send into the tunnel although it is the tunnel's own packet.
recursion() {
    routed_network
    ns_new c
    ip link add "$TAG.x" netns "$(ns c)" type veth peer name x netns "$(ns r)"
    ip -n "$(ns r)" link set x master br0 up
    ip -n "$(ns c)" link set "$TAG.x" name eth0 up
    ip -n "$(ns c)" addr add 10.99.1.9/24 dev eth0
    ip -n "$(ns c)" route add default via 10.99.1.1
    client_conf "remote 203.0.113.5 1194 udp4" "route 203.0.113.5 255.255.255.255" "ping 1" "ping-restart 30"
    client_start
    client_up
    expect_log "$WORK/client.log" 'Recursive routing detected, packet dropped' 10
    kill -0 "$(pid_of client)" || fail "it ended"
}

# A server on the same link is reached directly, not through the gateway as openvpn does it.
near() {
    routed_network
    ns_new c
    ip link add "$TAG.x" netns "$(ns c)" type veth peer name x netns "$(ns r)"
    ip -n "$(ns r)" link set x master br0 up
    ip -n "$(ns c)" link set "$TAG.x" name eth0 up
    ip -n "$(ns c)" addr add 10.99.1.9/24 dev eth0
    ip -n "$(ns c)" route add default via 10.99.1.1
    client_conf "remote 10.99.1.5 1194 udp4" "redirect-gateway def1"
    client_start
    client_up
    client_pings
    in_ns c ip route show 10.99.1.5 | grep -q 'dev eth0 scope link' || fail "no route to the server on the link itself"
}

run_case same-as-openvpn same_as_openvpn
run_case near near
run_case killed killed
run_case changed-packets changed_packets
run_case recursion recursion
finish
