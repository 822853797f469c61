#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Renegotiations under traffic: started by both ends at once, with control packets getting lost, by bytes and by
# packets, with every wrapping. No packet of the tunnel may get lost.
#
#   [s] eth0 10.99.0.1 --- 5% of the control packets vanish --- 10.99.0.2 eth0 [c]
#        tun0 10.77.0.1 ============== tunnel ============== 10.77.0.2 tun0
. "$(dirname "$0")/../tools/testlib.sh"

DATAGRAMS=$TESTS_DIR/tools/datagrams.py

# setting SERVER CLIENT
setting() {
    need openvpn openssl python3
    server_and_client
    SERVER=$VPND CLIENT=$VPND
    [ "$1" = vpnd ] || SERVER=$OPENVPN
    [ "$2" = vpnd ] || CLIENT=$OPENVPN
    pki "$WORK/pki"
    "$OPENVPN" --genkey tls-crypt-v2-server "$WORK/pki/v2s.key" >/dev/null
    "$OPENVPN" --tls-crypt-v2 "$WORK/pki/v2s.key" --genkey tls-crypt-v2-client "$WORK/pki/v2c.key" >/dev/null
    write_server 'topology subnet' 'server 10.77.0.0 255.255.255.0' 'keepalive 2 20' 'hand-window 20' \
        'tls-timeout 1' 'verb 4'
    write_client client client1 'remote 10.99.0.1 1194 udp' 'hand-window 20' 'tls-timeout 1' 'verb 4'
}

server_lines() { printf '%s\n' "$@" >>"$WORK/server.conf"; }
client_lines() { printf '%s\n' "$@" >>"$WORK/client.conf"; }

start_both() {
    start server ip netns exec "$(ns s)" "$SERVER" --cd "$WORK" --config server.conf
    expect_log "$WORK/server.log" 'Initialization Sequence Completed'
    start client ip netns exec "$(ns c)" "$CLIENT" --cd "$WORK" --config client.conf
    expect_log "$WORK/client.log" 'Initialization Sequence Completed'
    wait_for 10 "a ping through the tunnel" in_ns c ping -c 1 -W 1 10.77.0.1
}

# Control packets are those whose opcode is not that of DATA_V2 (9).
lose_control_packets() { # PERCENT
    need nft
    in_ns s nft -f - <<-END || skip "no nftables with numgen and payload matches here"
		table inet loss {
			chain in { type filter hook input priority 0; udp dport 1194 @th,64,5 != 9 numgen random mod 100 < $1 counter drop; }
			chain out { type filter hook output priority 0; udp sport 1194 @th,64,5 != 9 numgen random mod 100 < $1 counter drop; }
		}
	END
}

# Both directions at once.
traffic() { # COUNT PER-SECOND
    local seconds=$(($1 / $2 + 10))
    start up ip netns exec "$(ns s)" "$DATAGRAMS" receive 10.77.0.1 7001 "$1" "$seconds"
    start down ip netns exec "$(ns c)" "$DATAGRAMS" receive 10.77.0.2 7001 "$1" "$seconds"
    expect_log "$WORK/up.log" ready
    expect_log "$WORK/down.log" ready
    start sender ip netns exec "$(ns c)" "$DATAGRAMS" send 10.77.0.1 7001 "$1" "$2"
    in_ns s "$DATAGRAMS" send 10.77.0.2 7001 "$1" "$2"
    wait_for "$seconds" "the end of the traffic" grep -q missing "$WORK/up.log"
    wait_for "$seconds" "the end of the traffic" grep -q missing "$WORK/down.log"
    grep -qx "missing 0 of $1, twice 0" "$WORK/up.log" || fail "to the server: $(tail -n 1 "$WORK/up.log")"
    grep -qx "missing 0 of $1, twice 0" "$WORK/down.log" || fail "to the client: $(tail -n 1 "$WORK/down.log")"
}

handshakes() { grep -ac 'Control Channel: TLS' "$WORK/server.log" || true; }

expect_handshakes() { # LEAST
    local n
    n=$(handshakes)
    [ "$n" -ge "$1" ] || fail "only $n handshakes, not $1"
    [ "$(grep -ac 'Initialization Sequence Completed' "$WORK/client.log")" = 1 ] || fail "the client had to begin anew"
}

both_at_once() { # SERVER CLIENT WRAP-SERVER WRAP-CLIENT
    since 2.6 openvpn # two 2.5 lose packets here between themselves
    setting "$1" "$2"
    # openvpn's server draws from the last tenth, so that the two ends meet again and again.
    server_lines 'reneg-sec 2' "$3"
    client_lines 'reneg-sec 2' "$4"
    start_both
    lose_control_packets 5
    traffic 3500 500
    expect_handshakes 3
}

by_amount() { # SERVER CLIENT OPTION: only vpnd's end starts
    setting "$1" "$2"
    if [ "$1" = vpnd ]; then server_lines "$3"; else client_lines "$3"; fi
    start_both
    traffic 5000 2000
    expect_handshakes 3
}

run_case both-at-once,none,vpnd,openvpn both_at_once vpnd openvpn "" ""
run_case both-at-once,none,openvpn,vpnd both_at_once openvpn vpnd "" ""
run_case both-at-once,tls-auth,vpnd,openvpn both_at_once vpnd openvpn "tls-auth pki/static.key 0" "tls-auth pki/static.key 1"
run_case both-at-once,tls-auth,openvpn,vpnd both_at_once openvpn vpnd "tls-auth pki/static.key 0" "tls-auth pki/static.key 1"
run_case both-at-once,tls-crypt-v2,vpnd,openvpn both_at_once vpnd openvpn "tls-crypt-v2 pki/v2s.key" "tls-crypt-v2 pki/v2c.key"
run_case both-at-once,tls-crypt-v2,openvpn,vpnd both_at_once openvpn vpnd "tls-crypt-v2 pki/v2s.key" "tls-crypt-v2 pki/v2c.key"
run_case both-at-once,tls-crypt,vpnd,vpnd both_at_once vpnd vpnd "tls-crypt pki/static.key" "tls-crypt pki/static.key"
for pair in vpnd,openvpn openvpn,vpnd; do
    run_case "reneg-bytes,$pair" by_amount "${pair%,*}" "${pair#*,}" "reneg-bytes 1000000"
    run_case "reneg-pkts,$pair" by_amount "${pair%,*}" "${pair#*,}" "reneg-pkts 2500"
done
finish
