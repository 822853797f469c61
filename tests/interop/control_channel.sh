#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The control channel alone, without the daemon around it: tests/tools/handshakes as client and as server of the
# installed openvpn, up to the push reply and through renegotiations, with every wrapping.
. "$(dirname "$0")/../tools/testlib.sh"
HANDSHAKES=$BUILD_DIR/tests/tools/handshakes

prepare() {
    need "$OPENVPN" openssl
    test_programs handshakes
    pki "$WORK/pki" ec
    cd "$WORK/pki"
    "$OPENVPN" --genkey tls-crypt-v2-server v2s.key
    "$OPENVPN" --tls-crypt-v2 v2s.key --genkey tls-crypt-v2-client v2c.key
    need_net
    ns_new x
}

# We are the client: three handshakes, each with three renegotiations.
as_client() { # SERVER-OPTIONS CLIENT-OPTIONS
    prepare
    # shellcheck disable=SC2086 # options are words
    start server ip netns exec "$(ns x)" "$OPENVPN" --dev tun0 --dev-type tun --mode server --tls-server \
        --server 10.8.0.0 255.255.255.0 --topology subnet --local 127.0.0.1 --port 1194 --proto udp --ca ca.crt \
        --cert server.crt --key server.key --dh none --reneg-sec 0 --keepalive 10 60 --verb 4 $1
    expect_log "$WORK/server.log" 'Initialization Sequence Completed'
    # shellcheck disable=SC2086
    in_ns x "$HANDSHAKES" --ca ca.crt --cert client1.crt --key client1.key --timeout 40 --count 3 --renegotiate 3 $2 ||
        fail "not all handshakes completed"
    local keys
    keys=$(grep -ac 'Control Channel: TLS' "$WORK/server.log")
    [ "$keys" = 12 ] || fail "the server saw $keys TLS connections, not 12"
}

# We are the server: one client that stays for some renegotiations which we start (and it may, too).
as_server() { # SERVER-OPTIONS CLIENT-OPTIONS
    prepare
    # shellcheck disable=SC2086
    start server ip netns exec "$(ns x)" "$HANDSHAKES" --server --ca ca.crt --cert server.crt --key server.key \
        --timeout 40 --count 1 --hold 30 --reneg-sec 2 --verbose $1
    # shellcheck disable=SC2086
    start client ip netns exec "$(ns x)" "$OPENVPN" --dev null --ifconfig-noexec --client --remote 127.0.0.1 1194 udp \
        --nobind --ca ca.crt --cert client1.crt --key client1.key --verb 4 $2
    expect_log "$WORK/client.log" 'Initialization Sequence Completed'
    keys_ready() { [ "$(grep -ac KEYS_READY "$WORK/server.log")" -ge 4 ]; }
    wait_for 25 "three renegotiations" keys_ready
    ! grep -aE 'TLS Error|FAILED' "$WORK/client.log" "$WORK/server.log" || fail "an error in the logs"
}

both() { # NAME SERVER-OPTIONS-OPENVPN CLIENT-OPTIONS-OURS SERVER-OPTIONS-OURS CLIENT-OPTIONS-OPENVPN
    run_case "$1-client" as_client "$2" "$3"
    run_case "$1-server" as_server "$4" "$5"
}

both none "" "" "" ""
both none-tls12 "--tls-version-max 1.2" "" "" "--tls-version-max 1.2"
both tls-auth "--tls-auth static.key 0 --auth SHA256" "--tls-auth static.key --key-direction 1 --auth SHA256" \
    "--tls-auth static.key --key-direction 0 --auth SHA512" "--tls-auth static.key 1 --auth SHA512"
both tls-auth-bidirectional "--tls-auth static.key" "--tls-auth static.key" "--tls-auth static.key" \
    "--tls-auth static.key --reneg-sec 3"
both tls-crypt "--tls-crypt static.key" "--tls-crypt static.key" "--tls-crypt static.key" "--tls-crypt static.key"
both tls-crypt-v2 "--tls-crypt-v2 v2s.key force-cookie" "--tls-crypt-v2 v2c.key" "--tls-crypt-v2 v2s.key" \
    "--tls-crypt-v2 v2c.key"
run_case no-key-export-client as_client "" "--no-export"
finish
