#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# vpnd against the installed openvpn, each in both roles, over what real installations combine: wrapping of the control
# channel, TLS version, certificate type, way to authenticate, transport, device and cipher. By default every pair of
# values meets at least once. MATRIX=full runs the whole product of the first four, in which transport, device and
# cipher change from one to the next. An OPENVPN of 2.5 makes it a matrix of data keys by PRF instead of the exporter.
#
#   [s] eth0 10.99.0.1, fd99::1 ------------- 10.99.0.2, fd99::2 eth0 [c]
. "$(dirname "$0")/../tools/testlib.sh"

combinations() {
    python3 - "${MATRIX:-pairs}" <<'END'
import itertools, sys
axes = [
    ("none", "tls-auth", "tls-auth-bidir", "tls-crypt", "tls-crypt-v2"),
    ("1.2", "1.3"),
    ("rsa", "ec", "ed25519"),
    ("cert", "password", "both", "fingerprint"),
    ("udp", "tcp", "udp6"),
    ("tun", "tap"),
    ("AES-256-GCM", "CHACHA20-POLY1305", "AES-128-GCM", "AES-256-CBC"),
]
product = list(itertools.product(*axes))
if sys.argv[1] == "full":
    rest = list(itertools.product(*axes[4:]))
    chosen = [c + rest[(i * 7 + i // 4) % len(rest)] for i, c in enumerate(itertools.product(*axes[:4]))]
else:
    def pairs(c):
        return {(i, c[i], j, c[j]) for i, j in itertools.combinations(range(len(c)), 2)}
    left = set().union(*(pairs(c) for c in product))
    chosen = []
    while left:
        best = max(product, key=lambda c: len(pairs(c) & left))
        chosen.append(best)
        left -= pairs(best)
for c in chosen:
    print(*c)
END
}

fingerprint() { openssl x509 -in "$1" -noout -fingerprint -sha256 | cut -d= -f2; }

wrap_lines() { # WRAP server|client
    case $1 in
    none) ;;
    tls-auth) echo "tls-auth pki/static.key $([ "$2" = server ] && echo 0 || echo 1)" ;;
    tls-auth-bidir) echo "tls-auth pki/static.key" ;;
    tls-crypt) echo "tls-crypt pki/static.key" ;;
    tls-crypt-v2) echo "tls-crypt-v2 v2-$2.key" ;;
    esac
}

auth_lines() { # AUTH server|client
    local other=client1
    [ "$2" = server ] || other=server
    if [ "$1" = fingerprint ]; then
        echo "peer-fingerprint $(fingerprint "$WORK/pki/$other.crt")"
    else
        echo "ca pki/ca.crt"
        [ "$2" = server ] || echo "remote-cert-tls server"
    fi
    case $1-$2 in
    password-client | both-client) echo "auth-user-pass credentials" ;;
    password-server) printf 'verify-client-cert none\nusername-as-common-name\n' ;;
    esac
    case $1-$2 in password-server | both-server) echo 'script-security 2'; echo "auth-user-pass-verify $WORK/verify via-file" ;; esac
    case $1-$2 in password-client) ;; *-server) printf 'cert pki/server.crt\nkey pki/server.key\n' ;; *) printf 'cert pki/client1.crt\nkey pki/client1.key\n' ;; esac
}

configure() { # WRAP TLS KEY AUTH PROTO DEVICE CIPHER
    pki "$WORK/pki" "$3"
    printf '#!/bin/sh\n[ "$(cat "$1")" = "anna\nsecret word" ]\n' >"$WORK/verify"
    chmod 755 "$WORK/verify"
    printf 'anna\nsecret word\n' >"$WORK/credentials"
    chmod 600 "$WORK/credentials"
    if [ "$1" = tls-crypt-v2 ]; then
        "$OPENVPN" --genkey tls-crypt-v2-server "$WORK/v2-server.key" >/dev/null
        "$OPENVPN" --tls-crypt-v2 "$WORK/v2-server.key" --genkey tls-crypt-v2-client "$WORK/v2-client.key" >/dev/null
    fi
    local server_proto=$5 client_proto=$5 remote=10.99.0.1
    case $5 in
    tcp) server_proto=tcp-server client_proto=tcp-client ;;
    udp6) remote=fd99::1 ;;
    esac
    {
        echo "dev $6"
        echo "proto $server_proto"
        [ "$6" = tap ] || echo "topology subnet"
        echo "server 10.77.0.0 255.255.255.0"
        printf 'dh none\nkeepalive 5 30\nverb 4\n'
        wrap_lines "$1" server
        auth_lines "$4" server
    } >"$WORK/server.conf"
    {
        echo "client"
        echo "dev $6"
        echo "remote $remote 1194 $client_proto"
        printf 'nobind\nverb 4\n'
        wrap_lines "$1" client
        auth_lines "$4" client
    } >"$WORK/client.conf"
    local end
    for end in server client; do
        printf 'tls-version-min %s\ntls-version-max %s\nauth SHA256\ndata-ciphers %s\n' "$2" "$2" "$7" >>"$WORK/$end.conf"
    done
}

combination() { # SERVER CLIENT WRAP TLS KEY AUTH PROTO DEVICE CIPHER
    need "$OPENVPN" openssl
    case $6/$("$OPENVPN" --version) in
    "fingerprint/OpenVPN 2."[45]*) skip "this openvpn has no peer-fingerprint" ;;
    esac
    server_and_client
    local server=$1 client=$2
    shift 2
    configure "$@"
    start server ip netns exec "$(ns s)" "$server" --cd "$WORK" --config server.conf
    expect_log "$WORK/server.log" 'Initialization Sequence Completed'
    start client ip netns exec "$(ns c)" "$client" --cd "$WORK" --config client.conf
    expect_log "$WORK/client.log" 'Initialization Sequence Completed'
    wait_for 10 "a ping through the tunnel" in_ns c ping -c 1 -W 1 10.77.0.1
    in_ns c ping -c 3 -i 0.1 -s 1400 -W 2 10.77.0.1 || fail "large pings get lost"
    grep -aq "$7" "$WORK/client.log" || fail "the cipher is not $7"
    grep -aqE "Control Channel: TLSv$2" "$WORK/client.log" || fail "TLS is not $2"
    stop client
    stop server
}

while read -r -a c; do
    name=$(IFS=,; echo "${c[*]}")
    run_case "server,$name" combination "$VPND" "$OPENVPN" "${c[@]}"
    run_case "client,$name" combination "$OPENVPN" "$VPND" "${c[@]}"
done < <(combinations)
finish
