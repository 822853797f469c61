#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A client that changes address and network, loses its link, or stands still for longer than the server waits.
#
#                         .-- 10.99.1.1 ---- 10.99.1.2 eth0 --.
#   [s] 10.99.0.1 -- [r] -                                    - [c]
#        tun7 10.77.0.1   '-- 10.99.2.1 ---- 10.99.2.2 eth1 --'  tun0 10.77.0.x
. "$(dirname "$0")/../tools/testlib.sh"
. "$(dirname "$0")/../tools/clientlib.sh"

two_ways() {
    need_net
    ns_new s
    ns_new r
    ns_new c
    veth s eth0 10.99.0.1/24 r up 10.99.0.254/24
    veth r one 10.99.1.1/24 c eth0 10.99.1.2/24
    veth r two 10.99.2.1/24 c eth1 10.99.2.2/24
    in_ns r sysctl -qw net.ipv4.ip_forward=1
    ip -n "$(ns s)" route add default via 10.99.0.254
    ip -n "$(ns s)" addr add 10.76.0.1/32 dev lo
    ip -n "$(ns c)" route add default via 10.99.1.1
    pki "$WORK/pki"
    chmod 755 "$WORK/pki"
}

# watch_pings: from now on, one every 50 ms with its time
watch_pings() { start ping ip netns exec "$(ns c)" ping -D -i 0.05 -W 1 10.77.0.1; }

# longest_gap: the longest time without an answer so far, in ms
longest_gap() {
    sed -n 's/^\[\([0-9.]*\)\] 64 bytes.*/\1/p' "$WORK/ping.log" |
        awk 'NR > 1 && $1 - last > gap { gap = $1 - last } { last = $1 } END { printf "%d\n", gap * 1000 }'
}
answered() { [ "$(grep -c '64 bytes' "$WORK/ping.log")" -gt "$1" ]; }
back_again() {
    local n
    n=$(grep -c '64 bytes' "$WORK/ping.log" || true)
    wait_for 10 "pings to be answered again" answered $((n + 3))
    echo "longest gap: $(longest_gap) ms"
}

connect() { # PROTO [LINE...]
    local proto=$1
    shift
    two_ways
    server_start server 7 "$proto" 1194 'push "route 10.76.0.0 255.255.255.0"' "${SERVER_LINES:-}"
    client_conf "remote 10.99.0.1 1194 ${proto/server/client}" "persist-tun" "$@"
    client_start
    client_up
    client_pings
    watch_pings
    wait_for 5 "pings" answered 5
    log_mark
}

# The wire to the left is pulled, the one to the right takes over.
other_network() {
    connect udp4
    ip -n "$(ns c)" route replace default via 10.99.2.1
    ip -n "$(ns c)" link set eth0 down
    expect_since 'The way to the server changed: eth1 from 10.99.2.2'
    expect_since 'The server still answers: the session goes on'
    back_again
    seen_since 'Initialization Sequence Completed' && fail "a new session was made although the old one works"
    return 0
}

other_address() {
    connect udp4 "redirect-gateway def1"
    ip -n "$(ns c)" addr add 10.99.1.77/24 dev eth0
    ip -n "$(ns c)" addr del 10.99.1.2/24 dev eth0
    ip -n "$(ns c)" addr add 10.99.1.77/24 dev eth0 2>/dev/null || true
    ip -n "$(ns c)" route replace default via 10.99.1.1
    expect_since 'The way to the server (changed|is back): eth0 from 10.99.1.77'
    expect_since 'The server still answers: the session goes on'
    back_again
    in_ns c ip route show 10.99.0.1 | grep -q 'via 10.99.1.1' || fail "the route to the server is missing"
    in_ns c ip route get 10.99.0.1 | grep -q tun0 && fail "the tunnel's packets go into the tunnel"
    return 0
}

# No network at all for a while, then another one.
link_lost() {
    connect udp4 "redirect-gateway def1"
    ip -n "$(ns c)" link set eth0 down
    ip -n "$(ns c)" link set eth1 down
    expect_since 'No way to the server: waiting for a network'
    ip -n "$(ns c)" link set eth1 up
    ip -n "$(ns c)" route replace default via 10.99.2.1
    expect_since 'The way to the server is back: eth1 from 10.99.2.2'
    expect_since 'The server still answers: the session goes on'
    back_again
    in_ns c ip route show 10.99.0.1 | grep -q 'via 10.99.2.1' || fail "the route to the server did not follow"
    stop client
    in_ns c ip route show | grep -qE 'tun0|10.99.0.1 ' && fail "routes are left behind"
    return 0
}

# TCP cannot move: a second connection takes over.
tcp_moves() {
    connect tcp4-server
    ip -n "$(ns c)" route replace default via 10.99.2.1
    ip -n "$(ns c)" addr del 10.99.1.2/24 dev eth0
    expect_since 'The server does not answer: making a new connection'
    expect_since 'The server answers on a new connection'
    back_again
    expect_since 'Initialization Sequence Completed'
}

# It stands still for longer than the server waits for it: the server has forgotten the session.
sleeps() {
    SERVER_LINES="keepalive 1 2" connect udp4
    kill -STOP "$(pid_of client)"
    expect_log "$WORK/server.log" 'Inactivity timeout' 20
    local n
    kill -CONT "$(pid_of client)"
    n=$(date +%s%N)
    expect_since 'Initialization Sequence Completed'
    client_pings
    echo "answers $((($(date +%s%N) - n) / 1000000)) ms after it woke up"
}

# A short sleep: the session is still there.
naps() {
    connect udp4
    kill -STOP "$(pid_of client)"
    sleep 4.5
    kill -CONT "$(pid_of client)"
    expect_since 'stood still for . s: asking the server'
    expect_since 'still answers: the session goes on|Initialization Sequence Completed'
    back_again
}

# The server loses the session while the client moves: nobody answers, a second connection is made.
forgotten() {
    connect udp4 "redirect-gateway def1"
    stop server KILL
    server_again server
    ip -n "$(ns c)" route replace default via 10.99.2.1
    ip -n "$(ns c)" link set eth0 down
    expect_since 'The server does not answer: making a new connection'
    expect_since 'The server answers on a new connection'
    expect_since 'Initialization Sequence Completed'
    back_again
}

# Without a network an attempt opens a device and closes it again: that does not cut the pauses short, which a network
# does.
no_network() {
    two_ways
    ip -n "$(ns c)" link set eth0 down
    ip -n "$(ns c)" link set eth1 down
    printf '%s\n' "dev tun0" "ifconfig 10.77.0.2 10.77.0.1" "remote 10.99.0.1 1194 udp4" tls-client "ca pki/ca.crt" \
        "cert pki/client1.crt" "key pki/client1.key" "connect-retry 2" "verb 3" >"$WORK/client.conf"
    client_start
    expect_log "$WORK/client.log" 'Restart pause, 2 second'
    sleep 1
    [ "$(grep -c 'TUN/TAP device tun0 opened' "$WORK/client.log")" = 1 ] || fail "the pause is cut short by its own device"
    stop client
    server_start server 7 udp4 1194
    client_conf "remote 10.99.0.1 1194 udp4" "connect-retry 100"
    client_start
    expect_log "$WORK/client.log" 'Restart pause, 100 second'
    ip -n "$(ns c)" link set eth1 up
    ip -n "$(ns c)" route replace default via 10.99.2.1
    client_up
    client_pings
}

run_case no-network no_network
run_case other-network other_network
run_case other-address other_address
run_case link-lost link_lost
run_case tcp-moves tcp_moves
run_case sleeps sleeps
run_case naps naps
run_case forgotten forgotten
finish
