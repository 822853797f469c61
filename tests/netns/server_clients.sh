#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What a server gives single clients: addresses by topology and pool, client-config-dir, the address file.
#
#   [s] eth0 10.99.0.1 ------------- 10.99.0.2 eth0 [c]
#        tun0 10.77.0.1 == tunnel == 10.77.0.x tun1, tun2
. "$(dirname "$0")/../tools/testlib.sh"
. "$(dirname "$0")/../tools/serverlib.sh"

begin() { # server lines
    need openvpn openssl
    server_and_client
    write_server 'server 10.77.0.0 255.255.255.0' 'keepalive 5 30' 'client-config-dir ccd' 'status status 1' \
        'status-version 2' "$@"
    mkdir -p "$WORK/ccd"
    write_client a client1 'dev tun1' 'remote 10.99.0.1 1194 udp' 'explicit-exit-notify 1'
    write_client b client2 'dev tun2' 'remote 10.99.0.1 1194 udp' 'explicit-exit-notify 1'
}

reach() { wait_for 10 "a ping from $1" in_ns c ping -I "$1" -c 1 -W 1 10.77.0.1; }

topology() { # TOPOLOGY ADDRESS-OF-A
    begin "topology $1" 'server-ipv6 fd77::/64'
    server_up
    client_up a "$OPENVPN"
    reach tun1
    in_ns s ping -c 1 -W 2 "$2" || fail "the server cannot reach its first client at $2"
    client_up b "$VPND"
    reach tun2
    in_ns c ping -6 -I tun1 -c 1 -W 2 fd77::1
    in_ns c ping -6 -I tun2 -c 1 -W 2 fd77::1
    ip -n "$(ns c)" -4 -o addr show tun1 | grep -q "$2" || fail "the first client does not have $2"
}

static_and_push() {
    begin 'topology subnet' 'route 192.168.7.0 255.255.255.0' 'push "route 10.55.0.0 255.255.0.0"' \
        'push "route 10.56.0.0 255.255.0.0"' 'push "route 192.168.7.0 255.255.255.0"'
    cat >"$WORK/ccd/client1" <<-END
		ifconfig-push 10.77.0.99 255.255.255.0
		iroute 192.168.7.0 255.255.255.0
		push-remove "route 10.55"
		push "route 10.57.0.0 255.255.0.0"
		config $WORK/ccd/common
		up /bin/true
	END
    echo 'push "route 10.58.0.0 255.255.0.0"' >"$WORK/ccd/common"
    printf 'push-reset\npush "topology subnet"\nping 3\n' >"$WORK/ccd/DEFAULT"
    server_up
    client_up a "$VPND"
    client_up b "$OPENVPN"
    reach tun1
    [ "$(address_in c tun1)" = 10.77.0.99 ] || fail "ifconfig-push was not followed"
    local net
    for net in 10.56 10.57 10.58; do
        in_ns c ip route show $net.0.0/16 | grep -q tun1 || fail "route $net is missing"
    done
    [ -z "$(in_ns c ip route show 10.55.0.0/16)" ] || fail "push-remove did not remove"
    [ -z "$(in_ns c ip route show 192.168.7.0/24)" ] || fail "the client got a route to its own network"
    expect_log "$WORK/server.log" "option 'up' cannot be used in this context"
    # What lies behind the client is reached through it.
    ip -n "$(ns c)" addr add 192.168.7.1/32 dev lo
    wait_for 5 "a ping behind the client" in_ns s ping -c 1 -W 1 192.168.7.1
    # DEFAULT took all pushes away from the other one.
    ! logged b "PUSH_REPLY.*ping-restart" || fail "push-reset left something"
    ! logged b "route-gateway" || fail "push-reset left route-gateway"
    reach tun2
}

# Names in ifconfig-push are looked up when the client comes.
static_names() {
    need unshare
    begin 'topology subnet'
    echo 'ifconfig-push desk.example 255.255.255.0' >"$WORK/ccd/client1"
    echo 'ifconfig-push gone.example.invalid 255.255.255.0' >"$WORK/ccd/client2"
    printf '127.0.0.1 localhost\n10.77.0.88 desk.example\n' >"$WORK/hosts"
    : >"$WORK/resolv.conf"
    start server ip netns exec "$(ns s)" unshare -m sh -ec 'mount --bind "$1/hosts" /etc/hosts
        mount --bind "$1/resolv.conf" /etc/resolv.conf; cd "$1"; exec "$2" --config server.conf' - "$WORK" "$VPND"
    expect_log "$WORK/server.log" 'Initialization Sequence Completed'
    client_up a "$OPENVPN"
    reach tun1
    [ "$(address_in c tun1)" = 10.77.0.88 ] || fail "the client has $(address_in c tun1)"
    client_start b "$VPND"
    expect_log "$WORK/b.log" 'AUTH_FAILED'
    expect_log "$WORK/server.log" "the name 'gone.example.invalid' has no IPv4 address; the client is refused"
}

# A push list of several messages reaches either client whole.
long_push_list() {
    begin 'topology subnet'
    seq -f 'push "route 10.100.%.0f.0 255.255.255.0 vpn_gateway 7"' 1 80 >>"$WORK/server.conf"
    server_up
    client_up a "$OPENVPN"
    client_up b "$VPND"
    [ "$(grep -ac "SENT CONTROL \[client1\]: 'PUSH_REPLY" "$WORK/server.log")" -ge 4 ] || fail "it was one message"
    local n
    for n in a b; do
        wait_for 5 "80 routes of $n" sh -c "[ \$(grep -aoE 'net_route_v4_add: 10.100.[0-9]+.0/24' '$WORK/$n.log' | sort -u | wc -l) = 80 ]"
    done
    reach tun1
    reach tun2
}

refusals() {
    begin 'topology subnet' 'ccd-exclusive'
    echo disable >"$WORK/ccd/client1"
    server_up
    client_start a "$OPENVPN"
    expect_log "$WORK/a.log" 'AUTH_FAILED'
    expect_log "$WORK/server.log" "client has been rejected due to 'disable'"
    client_start b "$VPND"
    expect_log "$WORK/b.log" 'AUTH_FAILED'
    expect_log "$WORK/server.log" "--client-config-dir authentication failed for common name 'client2'"
    rm "$WORK/ccd/client1"
    : >"$WORK/ccd/client3"
    write_client d client3 'dev tun3' 'remote 10.99.0.1 1194 udp'
    client_up d "$VPND"
}

# Wrong lines of a client's file are named and skipped, by openvpn as well; the others count.
wrong_lines() { # SERVER
    SERVER=$1
    begin 'topology subnet'
    printf '%s\n' 'no-such-option' 'push "route 10.9.0.0 255.255.0.0"' 'iroute 10.300.0.0 255.255.0.0' \
        'ifconfig-push 10.77.0.77 255.255.255.0' >"$WORK/ccd/client1"
    server_up
    client_up a "$OPENVPN"
    reach tun1
    [ "$(address_in c tun1)" = 10.77.0.77 ] || fail "a line behind the wrong one does not count"
    in_ns c ip route show 10.9.0.0/16 | grep -q tun1 || fail "a line between wrong ones does not count"
    expect_log "$WORK/server.log" 'no-such-option'
    expect_log "$WORK/server.log" 'iroute.*10.300.0.0|10.300.0.0'
}

pool_exhausted() {
    begin 'topology subnet'
    sed -i 's/^server .*/mode server\ntls-server\nifconfig 10.77.0.1 255.255.255.0\nifconfig-pool 10.77.0.4 10.77.0.5 255.255.255.0\npush "topology subnet"\npush "route-gateway 10.77.0.1"/' "$WORK/server.conf"
    write_client d client3 'dev tun3' 'remote 10.99.0.1 1194 udp'
    server_up
    client_up a "$VPND"
    client_up b "$OPENVPN"
    client_start d "$OPENVPN"
    expect_log "$WORK/server.log" 'no free --ifconfig-pool addresses are available'
    expect_log "$WORK/d.log" 'PUSH_REPLY'
    expect_log "$WORK/server.log" 'MULTI: no dynamic or static remote --ifconfig address is available for client3/'
    ! logged d 'PUSH_REPLY.*ifconfig' || fail "an address from nowhere"
    reach tun1
    # An address that is free again goes to the next one.
    stop a
    stop d
    expect_log "$WORK/server.log" 'client1/.*client-instance exiting'
    : >"$WORK/d.log"
    client_up d "$OPENVPN"
    [ "$(address_in c tun3)" = 10.77.0.4 ] || fail "the free address was not given"
}

address_file() {
    begin 'topology subnet' 'server-ipv6 fd77::/64' 'ifconfig-pool-persist addresses 1'
    printf '# comment\nclient2,10.77.0.40,fd77::1026\nnobody,10.99.1.1\n' >"$WORK/addresses"
    server_up
    expect_log "$WORK/server.log" 'outside the pool'
    client_up a "$VPND"
    client_up b "$OPENVPN"
    [ "$(address_in c tun2)" = 10.77.0.40 ] || fail "the remembered address was not given: $(address_in c tun2)"
    [ "$(address_in c tun1)" = 10.77.0.2 ] || fail "the first client has $(address_in c tun1)"
    wait_for 10 "the file to be written" grep -q '^client1,10.77.0.2,fd77::1000$' "$WORK/addresses"
    # Killed, it starts again and everybody has what he had.
    stop server KILL
    stop a KILL
    stop b KILL
    : >"$WORK/server.log"
    : >"$WORK/a.log"
    : >"$WORK/b.log"
    server_up
    client_up b "$OPENVPN"
    client_up a "$OPENVPN"
    [ "$(address_in c tun2)" = 10.77.0.40 ] || fail "after the restart client2 has $(address_in c tun2)"
    [ "$(address_in c tun1)" = 10.77.0.2 ] || fail "after the restart client1 has $(address_in c tun1)"
    stop server
    [ "$(cat "$WORK/addresses")" = "client1,10.77.0.2,fd77::1000
client2,10.77.0.40,fd77::1026" ] || fail "the file is not as expected: $(cat "$WORK/addresses")"
    # The stock server reads it.
    SERVER=$OPENVPN
    : >"$WORK/server.log"
    server_up
    expect_log "$WORK/server.log" 'succeeded -> ifconfig_pool_set'
    stop server
    # A corrupt one is kept aside.
    # shellcheck disable=SC2034 # server_up reads it
    SERVER=$VPND
    head -c 300 /dev/urandom >"$WORK/addresses"
    : >"$WORK/server.log"
    server_up
    expect_log "$WORK/server.log" 'addresses is corrupt; it was kept as .*addresses.corrupt'
    [ -s "$WORK/addresses.corrupt" ] || fail "the corrupt file is gone"
}

# A source address that is not the client's does not get through; its own does, and so does what lies behind it.
source_checks() { # server line
    begin 'topology subnet' "$1"
    echo 'iroute 192.168.7.0 255.255.255.0' >"$WORK/ccd/client1"
    sed -i '$aroute 192.168.7.0 255.255.255.0' "$WORK/server.conf"
    server_up
    client_up a "$VPND"
    client_up b "$VPND"
    reach tun1
    reach tun2
    ip -n "$(ns c)" addr add 192.168.7.9/32 dev lo
    ip -n "$(ns c)" addr add 172.16.9.9/32 dev lo
    ip -n "$(ns s)" route add 172.16.9.9/32 dev tun0
    in_ns c ping -c 1 -W 2 -I tun1 -I 192.168.7.9 10.77.0.1 || fail "a source behind the client was dropped"
    ! in_ns c ping -c 1 -W 1 -I tun1 -I 172.16.9.9 10.77.0.1 || fail "a foreign source got through"
    local other
    other=$(address_in c tun2)
    start sniff ip netns exec "$(ns s)" timeout 5 tcpdump -l -n -i tun0 icmp
    expect_log "$WORK/sniff.log" 'listening on'
    in_ns c ping -c 2 -i 0.2 -W 1 -I tun1 -I "$other" 10.77.0.1 || true
    in_ns c ping -c 1 -W 2 -I tun1 10.77.0.1
    expect_log "$WORK/sniff.log" "$(address_in c tun1) > 10.77.0.1: ICMP echo request"
    ! logged sniff "$other > 10.77.0.1" || fail "a client took the address of another"
    kill -USR2 "$(pid_of server)"
    expect_log "$WORK/server.log" 'dropped packets: .*source'
}

run_case topology-subnet topology subnet 10.77.0.2
run_case topology-net30 topology net30 10.77.0.6
run_case topology-p2p topology p2p 10.77.0.4
run_case client-config-dir static_and_push
run_case long-push-list long_push_list
run_case static-names static_names
run_case refused-clients refusals
run_case wrong-lines-openvpn wrong_lines "$OPENVPN"
run_case wrong-lines-vpnd wrong_lines "$VPND"
run_case pool-exhausted pool_exhausted
run_case address-file address_file
run_case source-checks source_checks ''
run_case source-checks-client-to-client source_checks client-to-client
finish
