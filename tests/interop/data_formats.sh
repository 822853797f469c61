#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Every form that a tunnelled packet can take on the wire, vpnd at one end and the installed openvpn at the other, in
# both roles: pings of many sizes, and files in both directions at once, through IPv4 and IPv6.
#
#   [s] eth0 10.99.0.1, fd99::1 ------------- 10.99.0.2, fd99::2 eth0 [c]
#        tun0 10.77.0.1, fd77::1 == tunnel == 10.77.0.2, fd77::1000 tun0
. "$(dirname "$0")/../tools/testlib.sh"

# SHARED, SERVER_LINES, CLIENT_LINES: further lines, separated by ';'
configure() { # PROTO DEVICE
    local server_proto=$1 client_proto=$1
    [ "$1" = udp ] || server_proto=tcp-server client_proto=tcp-client
    pki "$WORK/pki"
    {
        echo "dev $2"0
        echo "proto $server_proto"
        [ "$2" = tap ] || echo "topology subnet"
        printf 'server 10.77.0.0 255.255.255.0\nserver-ipv6 fd77::/64\n'
        printf 'ca pki/ca.crt\ncert pki/server.crt\nkey pki/server.key\ndh none\nkeepalive 5 30\nverb 4\n'
        tr ';' '\n' <<<"${SHARED:-};${SERVER_LINES:-}"
    } >"$WORK/server.conf"
    {
        printf 'client\nnobind\nverb 4\nremote-cert-tls server\n'
        echo "dev $2"0
        echo "remote 10.99.0.1 1194 $client_proto"
        printf 'ca pki/ca.crt\ncert pki/client1.crt\nkey pki/client1.key\n'
        tr ';' '\n' <<<"${SHARED:-};${CLIENT_LINES:-}"
    } >"$WORK/client.conf"
}

# What 2.5 needs: it computes sizes from `cipher`, finds the ciphers of the past without further words, and lacks options.
for_old_openvpn() { # SERVER CLIENT
    local cipher file=server
    [ "$2" != "$OPENVPN" ] || file=client
    sed -i -e '/^providers /d' -e '/^tun-mtu-max /d' -e 's/^\(mssfix .*\) mtu$/\1/' "$WORK/$file.conf"
    cipher=$(sed -n 's/^data-ciphers //p' "$WORK/$file.conf")
    [ -z "$cipher" ] || echo "cipher $cipher" >>"$WORK/$file.conf"
}

up() { # SERVER CLIENT PROTO DEVICE
    need openvpn socat openssl
    server_and_client
    configure "$3" "$4"
    ! openvpn_before 2.6 || for_old_openvpn "$1" "$2"
    start server ip netns exec "$(ns s)" "$1" --cd "$WORK" --config server.conf
    expect_log "$WORK/server.log" 'Initialization Sequence Completed'
    start client ip netns exec "$(ns c)" "$2" --cd "$WORK" --config client.conf
    expect_log "$WORK/client.log" 'Initialization Sequence Completed'
    wait_for 10 "a ping through the tunnel" in_ns c ping -c 1 -W 1 10.77.0.1
    wait_for 10 "a ping with IPv6" in_ns c ping -c 1 -W 1 fd77::1
}

client_address() { in_ns c ip -o "-$1" addr show "$2" scope global | sed -nE 's/.*inet6? ([0-9a-f.:]+).*/\1/p' | head -n 1; }

send() { # FROM ADDRESS PORT
    in_ns "$1" timeout 30 socat -u OPEN:"$WORK/payload" "TCP:$2:$3"
}

# Half text and half noise, so that there is something to compress.
make_payload() {
    seq 1 150000 >"$WORK/payload"
    head -c 1000000 /dev/urandom >>"$WORK/payload"
}

carries() { # DEVICE
    local size address4 address6
    for size in 1 30 100 500 ${SIZES:-1000 1371 1372 1400 1472 4000}; do
        in_ns c ping -q -c 1 -W 2 -s "$size" 10.77.0.1 || fail "a ping of $size bytes gets lost"
    done
    in_ns c ping -q -c 1 -W 2 -s "${SIZE6:-1400}" fd77::1 || fail "a large ping with IPv6 gets lost"
    make_payload
    address4=$(client_address 4 "$1"0)
    address6=$(client_address 6 "$1"0)
    start sink-s4 ip netns exec "$(ns s)" socat -u TCP-LISTEN:5001,reuseaddr CREATE:"$WORK/got-s4"
    start sink-s6 ip netns exec "$(ns s)" socat -u TCP6-LISTEN:5002,reuseaddr CREATE:"$WORK/got-s6"
    start sink-c4 ip netns exec "$(ns c)" socat -u TCP-LISTEN:5001,reuseaddr CREATE:"$WORK/got-c4"
    start sink-c6 ip netns exec "$(ns c)" socat -u TCP6-LISTEN:5002,reuseaddr CREATE:"$WORK/got-c6"
    for size in s c; do wait_for 5 "the receivers" in_ns $size sh -c "ss -ltn | grep -q :5001 && ss -ltn | grep -q :5002"; done
    send c 10.77.0.1 5001 & local a=$!
    send s "$address4" 5001 & local b=$!
    send c '[fd77::1]' 5002 & local d=$!
    send s "[$address6]" 5002 & local e=$!
    wait $a && wait $b && wait $d && wait $e || fail "a transfer broke off"
    local end
    for end in s4 s6 c4 c6; do
        wait_for 10 "the end of a transfer" sh -c "! kill -0 $(pid_of sink-$end)"
        cmp "$WORK/payload" "$WORK/got-$end" || fail "what $end got is not what was sent"
    done
}

# As a client openvpn tells what it compressed: it must have sent less than it got from its device.
sent_compressed() {
    local log=$WORK/client.log before after
    kill -USR2 "$(pid_of client)"
    expect_log "$log" 'post-compress bytes,'
    before=$(sed -nE 's/.*pre-compress bytes,([0-9]+).*/\1/p' "$log" | tail -n 1)
    after=$(sed -nE 's/.*post-compress bytes,([0-9]+).*/\1/p' "$log" | tail -n 1)
    [ "$after" -lt "$before" ] || fail "openvpn sent nothing compressed: $before, $after"
}

# PACKED: openvpn must have compressed what it sent. REGEX: what the client's log must say.
tunnel() { # SERVER CLIENT PROTO DEVICE [REGEX]
    # OpenSSL keeps what a provider is made of to the end of the process.
    [[ ${SHARED:-} != *providers* ]] || no_leak_check
    up "$1" "$2" "$3" "$4"
    carries "$4"
    [ -z "${5:-}" ] || grep -aqE "$5" "$WORK/client.log" || fail "no '$5' in the client's log"
    ! grep -aqE 'Authenticate/Decrypt packet error|bad packet ID|Bad (LZO|compression)|FRAG_IN error' \
        "$WORK/server.log" "$WORK/client.log" || fail "one end complained about packets"
    # From 2.7 on it sends nothing compressed any more.
    if [ -n "${PACKED:-}" ] && [ "$2" = "$OPENVPN" ] && openvpn_before 2.7; then sent_compressed; fi
    stop client
    stop server
}

both_roles() { # NAME PROTO DEVICE [REGEX]
    local name=$1
    shift
    run_case "$name-server" tunnel "$VPND" "$OPENVPN" "$@"
    run_case "$name-client" tunnel "$OPENVPN" "$VPND" "$@"
}

for cipher in AES-128-GCM AES-192-GCM AES-256-GCM CHACHA20-POLY1305; do
    SHARED="data-ciphers $cipher" both_roles "$cipher" udp tun "'$cipher'"
done
for pair in AES-128-CBC,SHA1 AES-256-CBC,SHA512 AES-256-CFB,SHA256 AES-128-OFB,SHA1 CAMELLIA-256-CBC,SHA256; do
    cipher=${pair%,*}
    SHARED="data-ciphers $cipher;auth ${pair#*,}" both_roles "$pair" udp tun "'$cipher'"
done
SHARED="data-ciphers AES-256-CBC;auth none" both_roles auth-none udp tun "'AES-256-CBC'"
SHARED="data-ciphers none;auth SHA256" both_roles cipher-none udp tun
SHARED="data-ciphers BF-CBC;providers legacy default" both_roles BF-CBC udp tun "'BF-CBC'"

SHARED="comp-lzo no" both_roles comp-lzo-no udp tun
SHARED="compress stub" both_roles stub udp tun
SHARED="compress stub-v2" both_roles stub-v2 udp tun
SHARED="comp-lzo yes;allow-compression yes" PACKED=1 both_roles lzo udp tun
SHARED="compress lz4;allow-compression yes" PACKED=1 both_roles lz4 udp tun
SHARED="compress lz4-v2;allow-compression yes" PACKED=1 both_roles lz4-v2 tcp tun

SHARED="fragment 600;mssfix 600" both_roles fragment udp tun
SHARED="fragment 1000;mssfix 0;data-ciphers AES-256-CBC" both_roles fragment-cbc udp tun
SHARED="fragment 500;comp-lzo yes;allow-compression yes" PACKED=1 both_roles fragment-lzo udp tun

# The epoch format of 2.7 has no packets without a peer id.
if openvpn_before 2.7; then CLIENT_LINES='pull-filter ignore peer-id' both_roles data-v1 udp tun; fi
SHARED="data-ciphers AES-256-CBC" CLIENT_LINES='pull-filter ignore peer-id' both_roles data-v1-cbc udp tun
SHARED="replay-window 8 5" both_roles small-replay-window udp tun
SIZES="548 1400" SHARED="tun-mtu 1280;tun-mtu-max 1600" both_roles small-mtu udp tun
SIZES="1400 4000 8900" SHARED="tun-mtu 9000;tun-mtu-max 9000" both_roles large-mtu udp tun
SHARED="mssfix 1200 mtu" both_roles mssfix udp tun

both_roles tcp tcp tun
SHARED="data-ciphers AES-256-CBC" both_roles tcp-cbc tcp tun
both_roles tap udp tap
SHARED="data-ciphers CHACHA20-POLY1305" both_roles tap-tcp tcp tap
finish
