#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Packets that no honest peer sends, inside an authenticated session (the installed openvpn carries whatever comes out
# of its device) and outside of one: each is dropped under its own reason, the counters are where they can be seen, the
# log stays short, and the tunnel goes on.
#
#   [s] eth0 10.99.0.1 ------------- 10.99.0.2 eth0 [c]
#        tun0 10.77.0.1 == tunnel == 10.77.0.x tun1      (or tap0, tap1)
. "$(dirname "$0")/../tools/testlib.sh"
. "$(dirname "$0")/../tools/serverlib.sh"
MALFORMED=$TESTS_DIR/tools/malformed.py

connect() { # lines for both ends; SERVER_LINE: for the server alone
    need openssl python3 curl jq
    server_and_client
    write_server 'topology subnet' 'server 10.77.0.0 255.255.255.0' 'keepalive 5 60' "metrics $WORK/metrics unix" "dev ${DEVICE:-tun}0" "${SERVER_LINE:-verb 3}" "$@"
    write_client a client1 "dev ${DEVICE:-tun}1" 'remote 10.99.0.1 1194 udp' "$@"
    server_up
    client_up a "$OPENVPN"
}

tunnel() { # lines for both ends
    connect "$@"
    alive
}

alive() { wait_for 10 "a ping" in_ns c ping -I "${DEVICE:-tun}1" -c 1 -W 1 10.77.0.1; }

# dropped REASON: as the metrics tell it
dropped() {
    curl -s --unix-socket "$WORK/metrics" http://x/metrics |
        sed -n "s/^vpnd_dropped_packets_total{reason=\"$1\"} //p"
}
dropped_at_least() { [ "$(dropped "$1")" -ge "$2" ]; }

await_drops() { # REASON COUNT
    local reason=$1 count=$2
    deadline=$((SECONDS + 10))
    until dropped_at_least "$reason" "$count"; do
        [ $SECONDS -lt $deadline ] || fail "of $count packets $(dropped "$reason") were counted as '$reason'"
        sleep 0.1
    done
}

# The dump of SIGUSR2 and the JSON status say the same as the metrics.
same_everywhere() { # REASON
    local count
    count=$(dropped "$1")
    kill -USR2 "$(pid_of server)"
    expect_log "$WORK/server.log" "dropped packets: $1 [0-9]+" 5
    [ "$(sed -nE "s/.*dropped packets: $1 ([0-9]+).*/\1/p" "$WORK/server.log" | tail -n 1)" -ge "$count" ] || fail "the dump tells less of '$1'"
    [ "$(curl -s --unix-socket "$WORK/metrics" http://x/status | jq "[.. | .dropped_packets? // empty][0][\"$1\"]")" -ge "$count" ] ||
        fail "the status tells less of '$1'"
}

sent_is_counted() { # COMMAND ARGUMENT...
    local lines kind count
    lines=$(wc -l <"$WORK/server.log")
    in_ns c python3 "$MALFORMED" "$@" >"$WORK/sent"
    while read -r kind count; do
        await_drops "$kind" "$count"
        same_everywhere "$kind"
    done <"$WORK/sent"
    [ $(($(wc -l <"$WORK/server.log") - lines)) -lt 40 ] || fail "the packets are logged one by one"
    alive
}

inner() {
    tunnel
    sent_is_counted inner tun1 "$(address_in c tun1)" 10.77.0.1
}

frames() {
    DEVICE=tap
    tunnel
    sent_is_counted frames tap1 "$(in_ns s cat /sys/class/net/tap0/address)"
}

# What is packed well may not become longer than the server's device takes.
bomb() {
    tunnel 'compress lz4' 'allow-compression yes'
    in_ns c ip link set tun1 mtu 9000
    in_ns c ping -I tun1 -c 5 -i 0.2 -W 1 -p 00 -s 8000 10.77.0.1 && fail "8000 bytes got through"
    await_drops decompress 5
    same_everywhere decompress
    alive
}

# One end cuts packets, the other does not: whatever comes looks like broken fragments.
fragments() {
    SERVER_LINE='fragment 1000'
    connect
    in_ns c ping -I tun1 -q -i 0.002 -c 500 -w 2 -s 101 10.77.0.1 >/dev/null && fail "it understands them"
    in_ns c ping -I tun1 -q -i 0.002 -c 500 -w 2 -s 103 10.77.0.1 >/dev/null && fail "it understands them"
    await_drops fragment 200
    same_everywhere fragment
    [ "$(awk '/VmRSS/ { print $2 }' "/proc/$(pid_of server)/status")" -lt 60000 ] || fail "fragments fill the memory"
}

outer() {
    tunnel
    start replay ip netns exec "$(ns c)" python3 "$MALFORMED" replay eth0 1194
    expect_log "$WORK/replay.log" listening
    in_ns c ping -I tun1 -c 1 -W 1 10.77.0.1
    await_drops replay 2
    in_ns c python3 "$MALFORMED" outer 10.99.0.1 1194
    await_drops short 60
    await_drops unknown-peer 3
    await_drops unknown-key 7
    await_drops auth 1
    local reason
    for reason in replay short unknown-peer unknown-key auth; do same_everywhere "$reason"; done
    alive
}

run_case inner inner
run_case frames frames
run_case bomb bomb
run_case fragments fragments
run_case outer outer
finish
