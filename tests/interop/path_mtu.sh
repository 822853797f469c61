#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A path that swallows long datagrams without a word is found and adapted to, with every combination of programs that
# has a vpnd in it.
#
#   [s] eth0 10.99.0.1 --- 10.99.0.9 left [r] right 10.98.0.9 --- 10.98.0.2 eth0 [c]
#        tun0 10.77.0.1 ============== tunnel =============== 10.77.0.x tun1
#   r loses fragments and what is longer than a number, from one side or from both, and sends no ICMP
. "$(dirname "$0")/../tools/testlib.sh"
. "$(dirname "$0")/../tools/serverlib.sh"

router() {
    need_net
    need nft openssl socat ethtool
    local n
    for n in s r c; do ns_new $n; done
    veth s eth0 10.99.0.1/24 r left 10.99.0.9/24
    veth r right 10.98.0.9/24 c eth0 10.98.0.2/24
    # The filter has to see what a wire would carry, no bundles of packets.
    in_ns s ethtool -K eth0 gso off tso off tx-udp-segmentation off >/dev/null
    in_ns c ethtool -K eth0 gso off tso off tx-udp-segmentation off >/dev/null
    in_ns r sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
    ip -n "$(ns s)" route add default via 10.99.0.9
    ip -n "$(ns c)" route add default via 10.98.0.9
}

# black_hole LONGEST [FROM]: the router loses longer packets and all fragments, those from one side or from both
black_hole() {
    in_ns r nft -f - <<-END || skip "nft cannot filter here"
		table ip hole {
		    chain before { type filter hook prerouting priority -450; ${2:+iifname "$2"} meta length > $1 drop; ip frag-off & 0x3fff != 0 drop; }
		}
	END
}

# tunnel SERVER-PROGRAM CLIENT-PROGRAM [LINE...]: lines for both ends
tunnel() {
    local server=$1 client=$2
    shift 2
    write_server 'topology subnet' 'server 10.77.0.0 255.255.255.0' 'keepalive 1 60' "$@"
    write_client a client1 'dev tun1' 'remote 10.99.0.1 1194 udp' "$@"
    SERVER=$server server_up
    client_up a "$client"
    wait_for 10 "a ping" in_ns c ping -I tun1 -c 1 -W 1 10.77.0.1
}

# transfer FROM TO ADDRESS BYTES
transfer() {
    head -c "$4" /dev/urandom >"$WORK/payload"
    start sink ip netns exec "$(ns "$2")" socat -u TCP-LISTEN:5001,reuseaddr CREATE:"$WORK/got"
    wait_for 5 "the receiver" in_ns "$2" sh -c "ss -ltn | grep -q :5001"
    in_ns "$1" timeout 20 socat -u OPEN:"$WORK/payload" "TCP:$3:5001" || fail "the transfer broke off"
    wait_for 10 "the end of the transfer" sh -c "! kill -0 $(pid_of sink)"
    cmp "$WORK/payload" "$WORK/got" || fail "the file arrived changed"
}

both_directions() {
    transfer s c "$(address_in c tun1)" 1000000
    transfer c s 10.77.0.1 1000000
}

# Data flows at once: what is on its way when the hole is found is cut smaller.
adapts() { # SERVER-PROGRAM CLIENT-PROGRAM LOG SAID HOLE... -- [LINE...]
    local server=$1 client=$2 log=$3 said=$4 hole=()
    shift 4
    while [ "$1" != -- ]; do hole+=("$1") && shift; done
    shift
    router
    black_hole "${hole[@]}"
    tunnel "$server" "$client" "$@"
    expect_log "$WORK/$log.log" "$said" 30
    both_directions
    if [ "$server$client" = "$VPND$VPND" ]; then
        in_ns c ping -M dont -c 1 -W 2 -s 1472 10.77.0.1 || fail "what may be fragmented is lost"
    fi
    [ "$(grep -ac 'path MTU' "$WORK/$log.log")" = 1 ] || fail "said more than once"
}

# Whole packets get through, fragments do not: what has to be cut outside is refused inside.
fragments_get_lost() { # SERVER-PROGRAM
    router
    black_hole 1500
    tunnel "$1" "$VPND"
    expect_log "$WORK/a.log" 'path MTU 1500, inner 14[0-9]+$' 30
    ! in_ns c ping -M 'do' -c 1 -W 2 -s 1472 10.77.0.1 >"$WORK/ping.log" || fail "1500 bytes went through"
    grep -qE 'mtu ?= ?14' "$WORK/ping.log" || fail "no 'fragmentation needed'"
    both_directions
}

run_case vpnd-pair adapts "$VPND" "$VPND" server 'path MTU 1400, inner 1344' 1400 --
run_case stock-server adapts "$OPENVPN" "$VPND" a 'path MTU 1380, inner 132[48]' 1380 left --
run_case stock-client adapts "$VPND" "$OPENVPN" server 'path MTU 1452, inner 1(400|396)' 1452 right --
run_case cbc adapts "$OPENVPN" "$VPND" a 'path MTU 1350, inner 1259' 1350 -- 'data-ciphers AES-256-CBC' 'auth SHA256'
run_case fragment adapts "$VPND" "$OPENVPN" server 'path MTU 1400, inner' 1400 -- 'fragment 1472' 'mssfix 1472'
run_case fragments-get-lost fragments_get_lost "$OPENVPN"
finish
