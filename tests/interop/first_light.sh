#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# TUN over UDP with certificates, each pair of vpnd and the installed openvpn:
# ping, 100 MB with a checksum and a renegotiation in the middle, a peer that vanishes and comes back, exit.
#
#   [s] eth0 10.99.0.1 ------------- 10.99.0.2 eth0 [c]
#        tun0 10.77.0.1 == tunnel == 10.77.0.x tun0
. "$(dirname "$0")/../tools/testlib.sh"

write_configs() {
    write_server 'port 1194' 'topology subnet' 'server 10.77.0.0 255.255.255.0' 'keepalive 1 4' \
        'push "route 10.55.0.0 255.255.0.0"' 'data-ciphers AES-256-GCM:AES-128-GCM:CHACHA20-POLY1305' \
        'reneg-bytes 30000000' 'hand-window 10' 'status server.status 1'
    write_client client client1 'remote 10.99.0.1 1194 udp' 'hand-window 10' 'explicit-exit-notify 1'
}

program() {
    case $1 in
    vpnd) echo "$VPND" ;;
    openvpn) echo "$OPENVPN" ;;
    esac
}

# launch server|client PROGRAM
launch() {
    local ns=${1:0:1}
    start "$1" ip netns exec "$(ns "$ns")" "$(program "$2")" --cd "$WORK" --config "$WORK/$1.conf"
}

ping_through() { in_ns c ping -c 1 -W 1 10.77.0.1; }

transfer() { # FROM TO ADDRESS
    rm -f "$WORK/received"
    start "receiver$1" ip netns exec "$(ns "$2")" socat -u TCP-LISTEN:5001,reuseaddr OPEN:"$WORK/received",creat
    wait_for 5 "the receiver" in_ns "$2" sh -c "ss -ltn | grep -q :5001"
    in_ns "$1" timeout 90 socat -u OPEN:"$WORK/payload" TCP:"$3":5001
    wait_for 10 "the end of the transfer from $1" sh -c "! kill -0 $(pid_of "receiver$1")"
    cmp "$WORK/payload" "$WORK/received" || fail "the file sent by $1 arrived changed"
}

# Each TLS handshake, the first one included, leaves one such line.
handshakes() { grep -ac 'Control Channel: TLS' "$WORK/server.log" || true; }

pair() { # SERVER CLIENT
    need openvpn socat openssl
    server_and_client
    write_configs
    launch server "$1"
    expect_log "$WORK/server.log" 'Initialization Sequence Completed'
    launch client "$2"
    expect_log "$WORK/client.log" 'Initialization Sequence Completed'
    wait_for 10 "a ping through the tunnel" ping_through
    in_ns c ip route show 10.55.0.0/16 | grep -q tun0 || fail "the pushed route is missing"

    openssl rand -out "$WORK/payload" 104857600
    local before after
    before=$(handshakes)
    transfer c s 10.77.0.1
    transfer s c "$(in_ns c ip -4 -o addr show tun0 | sed -n 's/.*inet \([0-9.]*\).*/\1/p')"
    after=$(handshakes)
    # A server of 2.5 looks at the amount too seldom for so fast a transfer.
    [ "$after" -gt "$before" ] || { [ "$1" = openvpn ] && openvpn_before 2.6; } ||
        fail "no renegotiation happened during 200 MB ($before, then $after)"

    # The client vanishes without a word and a new one comes.
    stop client KILL
    wait_for 5 "the device to go" sh -c "! ip -n $(ns c) link show tun0"
    : >"$WORK/client.log"
    launch client "$2"
    expect_log "$WORK/client.log" 'Initialization Sequence Completed'
    wait_for 10 "a ping after the client came back" ping_through

    # The server vanishes and comes back: the client finds it again by itself.
    stop server KILL
    : >"$WORK/client.log"
    launch server "$1"
    expect_log "$WORK/client.log" 'Initialization Sequence Completed' 40
    wait_for 10 "a ping after the server came back" ping_through

    # Orderly exit leaves nothing behind.
    stop client TERM
    grep -aq 'process exiting' "$WORK/client.log" || fail "the client did not say that it exits"
    ! in_ns c ip link show tun0 2>/dev/null || fail "the client left its device behind"
    [ -z "$(in_ns c ip route show 10.55.0.0/16)" ] || fail "the client left a route behind"
    wait_for 15 "the server to forget the client" sh -c "! grep -q ^client1, '$WORK/server.status'"
    stop server TERM
    ! in_ns s ip link show tun0 2>/dev/null || fail "the server left its device behind"
}

# The first pair holds the test itself to account: what openvpn does with itself is what the others must match.
run_case openvpn-server-openvpn-client pair openvpn openvpn
run_case vpnd-server-openvpn-client pair vpnd openvpn
run_case openvpn-server-vpnd-client pair openvpn vpnd
run_case vpnd-server-vpnd-client pair vpnd vpnd
finish
