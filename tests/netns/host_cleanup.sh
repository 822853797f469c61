#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The client's host is the same after vpnd as it was before: addresses, routes, rules, packet filter, switches, DNS,
# files and processes; after every way to end it, kill -9 and the next start included, and with a user change.
#
#   [s] eth0 10.99.0.1, fd99::1 ------- 10.99.0.2, fd99::2 eth0 [c] (other routes of its own)
#       tun0 10.77.0.1, fd77::1 == tunnel == 10.77.0.x tun0
. "$(dirname "$0")/../tools/testlib.sh"

FLAGS=${FLAGS-def1 ipv6 block-local}

write_configs() {
    write_server 'port 1194' 'topology subnet' 'server 10.77.0.0 255.255.255.0' 'server-ipv6 fd77::/64' \
        'keepalive 1 4' "push \"redirect-gateway $FLAGS\"" 'push "route 172.20.0.0 255.255.0.0"' \
        'push "route 172.21.0.0 255.255.0.0"' 'push "route 172.22.1.1 255.255.255.255 net_gateway"' \
        'push "route-ipv6 fd55::/48"' 'push "dhcp-option DNS 10.77.0.1"' 'push "dhcp-option DOMAIN corp.example"'
    write_client "$TAG" client1 'remote 10.99.0.1 1194 udp' 'connect-retry 1 1' 'hand-window 5'
    # Lines of a case, such as: user nobody
    printf '%s\n' "$@" >>"$WORK/$TAG.conf"
}

# Everything that vpnd could have changed.
snapshot() { # NAMESPACE
    ip netns pids "$(ns "$1")" | wc -l
    in_ns "$1" sh -c 'ip -o addr; ip route show table all; ip -6 route show table all; ip rule; ip -6 rule; ip -o link;
        nft list ruleset; cat /etc/resolv.conf; stat -c '"'"'%A %U %G %s %N'"'"' /etc/resolv.conf*
        grep -rH . /proc/sys/net/ipv4/conf /proc/sys/net/ipv6/conf /proc/sys/net/ipv4/ip_forward; true' 2>/dev/null |
        sed -E 's/ expires [0-9]+sec//; s/valid_lft [0-9]+sec//'
    # Another user cannot remove the journal, only empty it.
    find /run/vpnd -name "$TAG-*" -size +0 2>/dev/null || true
}

prepare() {
    need nft openvpn
    server_and_client
    in_ns c ip route add default via 10.99.0.1 metric 50
    in_ns c ip -6 route add default via fd99::1 metric 50
    in_ns c ip route add 172.21.0.0/16 via 10.99.0.1
    in_ns c ip route add 192.0.2.0/24 via 10.99.0.1
    in_ns c nft add table inet theirs
    write_configs "$@"
    wait_for 5 "address detection to end" sh -c "[ -z \"\$(ip -n $(ns c) -6 addr show tentative)\" ]"
    snapshot c >"$WORK/before"
    start server ip netns exec "$(ns s)" "${SERVER:-$OPENVPN}" --cd "$WORK" --config server.conf
    expect_log "$WORK/server.log" 'Initialization Sequence Completed'
}

launch_client() { start client ip netns exec "$(ns c)" "$VPND" --cd "$WORK" --config "$TAG.conf"; }
connected_times() { [ "$(grep -ac 'Initialization Sequence Completed' "$WORK/client.log")" -ge "$1" ]; }
connect() {
    launch_client
    wait_for 20 "connection ${1:-1}" connected_times "${1:-1}"
    in_ns c ping -c 1 -W 2 10.77.0.1 >/dev/null || fail "no ping through the tunnel"
}

is_unchanged() { snapshot "$1" >"$WORK/after"; cmp -s "$WORK/before" "$WORK/after"; }
expect_unchanged() { # AFTER-WHAT [NAMESPACE]
    local deadline=$((SECONDS + 5))
    until is_unchanged "${2:-c}"; do
        [ $SECONDS -lt $deadline ] || fail "$1 left: $(diff "$WORK/before" "$WORK/after" | grep '^[<>]' | head -n 3 | tr '\n' ';')"
        sleep 0.1
    done
}

changed() { [ -n "$(in_ns c ip route show dev tun0)" ]; }

ends_by() { # SIGNAL [LINES]
    local signal=$1
    shift
    prepare "$@"
    connect
    changed || fail "nothing was changed"
    stop client "$signal"
    expect_unchanged "SIG$signal"
}

# A soft restart closes the device unless persist-tun says otherwise; the routes come back with the connection.
restarts() {
    prepare "$@"
    connect
    kill -USR1 "$(pid_of client)"
    wait_for 20 "the second connection" connected_times 2
    in_ns c ping -c 1 -W 2 10.77.0.1 >/dev/null || fail "no ping after the restart"
    # As another user the key cannot be read again.
    if [ $# = 0 ]; then
        kill -HUP "$(pid_of client)"
        wait_for 20 "the third connection" connected_times 3
    fi
    stop client
    expect_unchanged "SIGUSR1 and SIGHUP"
}

# The server gives both addresses; IPv4 has to work.
ipv6_turned_off() {
    prepare
    in_ns c sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
    snapshot c >"$WORK/before"
    connect
    expect_log "$WORK/client.log" 'IPv6 is turned off on this host .*: tun0 goes on with IPv4 only'
    stop client
    expect_unchanged "the end"
}

killed() { # LINES
    prepare "$@"
    connect
    stop client "${KILL_SIGNAL:-KILL}"
    # What the next start finds is taken back before it changes anything itself.
    connect 2
    stop client
    expect_unchanged "kill -9 and the next start"
}

crashed() { KILL_SIGNAL=ABRT killed "$@"; }

# The host of a server, with everything that it may change there.
server_host() { # SIGNAL: it ends by this; after KILL comes another run
    need nft
    server_and_client
    write_configs
    printf '%s\n' nat-masquerade "route 172.23.0.0 255.255.0.0" "route-ipv6 fd66::/48" "user nobody" "group nogroup" \
        >>"$WORK/server.conf"
    mv "$WORK/server.conf" "$WORK/$TAG-s.conf"
    wait_for 5 "address detection to end" sh -c "[ -z \"\$(ip -n $(ns s) -6 addr show tentative)\" ]"
    snapshot s >"$WORK/before"
    start server ip netns exec "$(ns s)" "$VPND" --cd "$WORK" --config "$TAG-s.conf"
    expect_log "$WORK/server.log" 'Initialization Sequence Completed'
    [ -n "$(in_ns s nft list tables)" ] || fail "no packet filter"
    stop server "$1"
    if [ "$1" = KILL ]; then
        [ -n "$(in_ns s nft list tables)" ] || fail "who cleaned up?"
        : >"$WORK/server.log"
        start server ip netns exec "$(ns s)" "$VPND" --cd "$WORK" --config "$TAG-s.conf"
        expect_log "$WORK/server.log" 'Initialization Sequence Completed'
        stop server
    fi
    expect_unchanged "the server after SIG$1" s
}

with_flags() { # FLAGS
    FLAGS=$1
    ends_by TERM
}

run_case sigterm ends_by TERM
run_case ipv6-turned-off ipv6_turned_off
run_case sigint ends_by INT
run_case sigterm-as-nobody ends_by TERM "user nobody" "group nogroup"
run_case restarts restarts
run_case restarts-persist-tun-as-nobody restarts persist-tun "user nobody" "group nogroup"
run_case kill-9 killed
run_case kill-9-kill-switch killed kill-switch
run_case crash crashed
FLAGS="" run_case kill-9-default-route-replaced killed "user nobody" "group nogroup"
run_case default-route-replaced with_flags ""
run_case default-route-replaced-local with_flags "local ipv6"
SERVER=$VPND run_case vpnd-server ends_by TERM
run_case server-host-sigterm server_host TERM
run_case server-host-kill-9 server_host KILL
run_case autolocal-bypass with_flags "def1 autolocal bypass-dhcp bypass-dns !ipv4 ipv6"
finish
