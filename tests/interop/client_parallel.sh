#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# remote-parallel: remotes race each other, UDP is preferred, TCP helps where UDP is blocked, and the way back to UDP
# is quiet. The firewall in between is nftables in the server's namespace.
#
#   [s] eth0 10.99.0.1 --- nft: udp dropped or not --- 10.99.0.2 eth0 [c]
#        tun7 10.77.0.1, udp 1194       tun8 10.78.0.1, tcp 443       10.76.0.1 on lo, pushed as a route
. "$(dirname "$0")/../tools/testlib.sh"
. "$(dirname "$0")/../tools/clientlib.sh"

both_servers() {
    need nft
    network
    mkdir -p "/etc/netns/$(ns c)"
    printf '10.99.0.1 vpn.example\n10.99.0.9 dead.example\n' >"/etc/netns/$(ns c)/hosts"
    trap 'rm -rf "/etc/netns/$(ns c)"; case_cleanup' EXIT
    ip -n "$(ns s)" addr add 10.76.0.1/32 dev lo
    in_ns s nft -f - <<-END
		table inet wall {
			set blocked { type inet_proto . inet_service; }
			chain in { type filter hook input priority 0; meta l4proto . th dport @blocked drop; }
		}
	END
    server_start udp 7 udp4 1194 'push "route 10.76.0.0 255.255.255.0"'
    server_start tcp 8 tcp4-server 443 'push "route 10.76.0.0 255.255.255.0"'
}
block() { in_ns s nft add element inet wall blocked "{ $1 . $2 }"; }
unblock() { in_ns s nft delete element inet wall blocked "{ $1 . $2 }"; }

udp_works() {
    both_servers
    client_conf "remote dead.example 1194 udp" "remote vpn.example 443 tcp-client" "remote vpn.example 1194 udp" \
        "remote-parallel"
    client_start
    client_up 5
    client_pings 10.76.0.1
    grep -q 'UDP to vpn.example:1194 works: using UDP' "$WORK/client.log" || fail "it does not say what it found"
    grep -q 'Peer Connection Initiated' "$WORK/tcp.log" && fail "TCP was used although UDP works"
    stop client
}

# Blocked, then not any more: a ping that runs meanwhile misses one second at most.
there_and_back() {
    both_servers
    block udp 1194
    client_conf "remote vpn.example 1194 udp" "remote vpn.example 443 tcp-client" "remote-parallel 2" "$@"
    client_start
    expect_log "$WORK/client.log" \
        'UDP to vpn.example:1194 gets no answer, TCP 443 works: using TCP, trying UDP again every 2 s' 10
    client_up
    client_pings 10.76.0.1
    start ping ip netns exec "$(ns c)" ping -i 0.1 -w 12 10.76.0.1
    # One look at UDP while it is still blocked, and nothing is said about it.
    sleep 2.5
    [ "$(grep -c 'link remote' "$WORK/client.log")" = 0 ] || fail "the second connection is not quiet"
    unblock udp 1194
    expect_log "$WORK/client.log" 'UDP to vpn.example:1194 works again: moving from TCP to UDP' 10
    expect_log "$WORK/udp.log" 'Peer Connection Initiated'
    client_pings 10.77.0.1
    expect_log "$WORK/tcp.log" 'Connection reset|client-instance|SIGTERM' 10
    sleep 1
    kill -INT "$(pid_of ping)"
    expect_log "$WORK/ping.log" 'packets transmitted'
    local sent received
    sent=$(sed -n 's/^\([0-9]*\) packets transmitted.*/\1/p' "$WORK/ping.log")
    received=$(sed -n 's/.* \([0-9]*\) received.*/\1/p' "$WORK/ping.log")
    [ $((sent - received)) -le 10 ] || fail "$((sent - received)) of $sent pings were lost"
    [ "$(in_ns c ip -o link | grep -c tun)" = 1 ] || fail "more than one device is left"
    stop client
    [ -z "$(in_ns c ip route show 10.76.0.0/24)" ] || fail "a route was left behind"
}

all_dead() {
    both_servers
    block udp 1194
    block tcp 443
    client_conf "remote vpn.example 1194 udp" "remote vpn.example 444 tcp-client" "remote-parallel" "connect-timeout 1" \
        "connect-retry 0 1" "connect-retry-max 1"
    client_start
    client_ends 1
    grep -q 'UDP vpn.example:1194: no answer' "$WORK/client.log" || fail "no word about UDP"
    grep -q 'TCP vpn.example:444: connection-failed' "$WORK/client.log" || fail "no word about TCP"
}

# Signals while remotes race and nobody answers.
interrupted() {
    both_servers
    block udp 1194
    block tcp 443
    client_conf "remote vpn.example 1194 udp" "remote vpn.example 443 tcp-client" "remote-parallel"
    client_start
    local caught="sed -n 's/^SigCgt:[^0-9a-f]*//p' /proc/$(pid_of client)/status"
    wait_for 5 "signals to be caught" sh -c "[ \$((0x\$($caught) & 0x800)) != 0 ]"
    kill -USR2 "$(pid_of client)"
    expect_log "$WORK/client.log" 'TCP/UDP write bytes'
    kill -USR1 "$(pid_of client)"
    expect_log "$WORK/client.log" 'SIGHUP\[hard,\] received, process restarting'
    unblock udp 1194
    client_up
    client_pings
    stop client
}

run_case udp-works udp_works
run_case there-and-back there_and_back
run_case there-and-back-persistent there_and_back persist-tun
run_case there-and-back-unprivileged there_and_back "user nobody" "group nogroup"
run_case interrupted interrupted
run_case all-dead all_dead
finish
