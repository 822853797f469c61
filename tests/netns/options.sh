#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Options that no other test is about: what each of them is for, seen from outside.
#
#   [s] 10.99.0.1, fd99::1 --- veth --- 10.99.0.2, fd99::2 [c]
. "$(dirname "$0")/../tools/testlib.sh"

SERVER=(--dev tun0 --topology subnet --server 10.8.0.0 255.255.255.0 --ca pki/ca.crt --cert pki/server.crt --key pki/server.key
    --dh none --verb 4)
CLIENT=(--client --dev tun0 --remote 10.99.0.1 --nobind --ca pki/ca.crt --cert pki/client1.crt --key pki/client1.key
    --remote-cert-tls server --verb 4)

place() {
    server_and_client
    cd "$WORK"
    pki pki
}
server() {
    start server ip netns exec "$(ns s)" "$VPND" "${SERVER[@]}" "$@"
    expect_log server.log 'Initialization Sequence Completed'
}
client() {
    start client ip netns exec "$(ns c)" "$VPND" "${CLIENT[@]}" "$@"
    expect_log client.log 'Initialization Sequence Completed'
}

lists() {
    "$VPND" --show-ciphers | grep >/dev/null '^AES-256-GCM'
    "$VPND" --show-digests | grep >/dev/null '^SHA256'
    "$VPND" --show-tls | grep >/dev/null '^TLS_AES_256_GCM_SHA384'
    "$VPND" --show-tls --tls-cipher ECDHE-RSA-AES256-GCM-SHA384 | grep -c ECDHE | grep >/dev/null '^1$'
}

lasting_devices() {
    need_net
    ns_new s
    in_ns s "$VPND" --mktun --dev tun7
    in_ns s ip link show tun7
    in_ns s "$VPND" --mktun --dev tap8
    in_ns s ip -d link show tap8 | grep >/dev/null 'tap.*persist on'
    in_ns s "$VPND" --rmtun --dev tun7
    ! in_ns s ip link show tun7 2>/dev/null || fail "tun7 is still there"
}

# The log without times, memory that stays, old words that change nothing.
process() {
    place
    server --suppress-timestamps --mlock --comp-noadapt
    client --suppress-timestamps
    ! grep -E '^20[0-9][0-9]-' server.log client.log || fail "a time in the log"
    sanitized || [ "$(sed -n 's/^VmLck:\s*\([0-9]*\) kB/\1/p' "/proc/$(pid_of server)/status")" -gt 1000 ] || fail "the memory is not locked"
}

# A pool of its own for IPv6, a fixed address, and a network behind the client.
ipv6() {
    place
    mkdir ccd
    printf '%s\n' 'ifconfig-ipv6-push fd08::77/64' 'iroute-ipv6 fd44::/64' >ccd/client1
    server --ifconfig-ipv6 fd08::1/64 fd08::2 --ifconfig-ipv6-pool fd08::1000/64 --push tun-ipv6 --client-config-dir ccd \
        --route-ipv6 fd44::/64
    client
    in_ns c ip -6 addr show dev tun0 | grep >/dev/null fd08::77/64
    in_ns c ip -6 addr add fd44::1/64 dev lo
    wait_for 10 "the client over IPv6" in_ns s ping -c 1 -W 1 fd08::77
    in_ns s ping -c 1 -W 5 fd44::1
    start other ip netns exec "$(ns c)" "$VPND" "${CLIENT[@]}" --dev tun1 --cert pki/client2.crt --key pki/client2.key
    expect_log other.log 'Initialization Sequence Completed'
    in_ns c ip -6 addr show dev tun1 >addresses
    grep "fd08::100[01]/64" addresses || fail "$(cat addresses)"
}

# What a certificate has to be good for, and which field of it is the name.
certificates() {
    place
    local serial
    serial=$(openssl x509 -in pki/client1.crt -noout -serial | cut -d= -f2)
    server --remote-cert-ku 80 a8 --remote-cert-eku 'TLS Web Client Authentication' --x509-username-field serialNumber
    client
    grep -qi "0x$serial/10.99.0.2" server.log || fail "the serial number is not the name"
    stop client
    stop server
    rm -f server.log client.log
    server --remote-cert-eku 'TLS Web Server Authentication'
    start client ip netns exec "$(ns c)" "$VPND" "${CLIENT[@]}"
    expect_log server.log 'VERIFY EKU ERROR'
    stop server
    rm -f server.log
    server --remote-cert-ku 06
    expect_log server.log 'VERIFY KU ERROR'
}

# The client ends when nothing comes any more.
silence() {
    place
    server --ping 1
    client --ping 1 --ping-exit 3
    kill -STOP "$(pid_of server)"
    expect_log client.log 'ping-exit' 15
    wait_for 5 "the client to end" sh -c "! kill -0 $(pid_of client)"
    kill -CONT "$(pid_of server)"
}

# Datagrams with and without "don't fragment"; a TCP server's hint to its clients.
transport() {
    place
    need tcpdump
    server
    local mode
    for mode in yes no; do
        rm -f client.log
        client --mtu-disc $mode
        start dump-$mode ip netns exec "$(ns c)" tcpdump -lnvi eth0 -c 3 src 10.99.0.2 and udp port 1194
        expect_log dump-$mode.log 'listening on'
        in_ns c ping -c 4 -i 0.2 -W 1 10.8.0.1
        wait_for 5 "the dump" sh -c "! kill -0 $(pid_of dump-$mode)"
        if [ $mode = yes ]; then grep -q 'flags \[DF\]' dump-yes.log; else ! grep -q 'flags \[DF\]' dump-no.log; fi ||
            fail "mtu-disc $mode: $(grep -c DF dump-$mode.log) packets with DF"
        stop client
    done
    stop server
    rm -f server.log client.log
    server --proto tcp-server --tcp-nodelay
    client --proto tcp-client
    grep -q 'PUSH_REPLY.*socket-flags TCP_NODELAY' client.log
}

# Only one new client in the time of connect-freq.
admission() {
    place
    server --connect-freq 1 300
    client
    start other ip netns exec "$(ns c)" "$VPND" "${CLIENT[@]}" --dev tun1 --cert pki/client2.crt --key pki/client2.key
    expect_log server.log 'MULTI: Connection from .* would exceed new connection frequency limit as controlled by --connect-freq'
    ! grep -q 'Initialization Sequence Completed' other.log || fail "the second client got in"
}

# Packets for the server's own outer address do not go through the tunnel, unless that is wanted.
recursion() {
    place
    need tcpdump socat
    server
    in_ns c ip route add table 100 default dev lo
    in_ns c ip rule add from 10.8.0.2 lookup 100
    local option
    for option in "" --allow-recursive-routing; do
        rm -f client.log
        # shellcheck disable=SC2086 # may be empty
        client $option
        in_ns c ip route replace table 100 10.99.0.1/32 dev tun0
        start "dump$option" ip netns exec "$(ns s)" tcpdump -lnqi tun0 udp
        expect_log "dump$option.log" 'listening on'
        echo round | in_ns c socat -u - UDP4:10.99.0.1:1194,bind=10.8.0.2
        echo straight | in_ns c socat -u - UDP4:10.99.0.1:1195,bind=10.8.0.2
        expect_log "dump$option.log" '10.99.0.1.1195: UDP'
        [ "$(grep -c '10.99.0.1.1194: UDP' "dump$option.log")" = "$([ -z "$option" ] && echo 0 || echo 1)" ] ||
            fail "'$option': $(grep -c '1194: UDP' "dump$option.log") packets came through"
        stop client
    done
}

# The program at the other end of the management interface may be the one that listens.
management_connects() {
    place
    need socat
    start manager socat -u UNIX-LISTEN:"$WORK/manager" STDOUT
    wait_for 5 "the manager" test -S manager
    start server ip netns exec "$(ns s)" "$VPND" "${SERVER[@]}" --management "$WORK/manager" unix --management-client
    expect_log manager.log '^>INFO:OpenVPN Management Interface Version'
    expect_log server.log 'Initialization Sequence Completed'
}

run_case lists lists
run_case management-connects management_connects
run_case lasting-devices lasting_devices
run_case process process
run_case ipv6 ipv6
run_case certificates certificates
run_case silence silence
run_case transport transport
run_case admission admission
run_case recursion recursion
finish
