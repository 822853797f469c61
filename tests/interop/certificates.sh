#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Handshakes that have to fail, between vpnd and the installed openvpn: certificates of every wrong kind, keys of the
# control channel that differ, and what both ends say about it.
#
#   [s] eth0 10.99.0.1 ------------- 10.99.0.2 eth0 [c]
. "$(dirname "$0")/../tools/testlib.sh"

# setting SERVER CLIENT
setting() {
    need openvpn openssl
    server_and_client
    SERVER=$VPND CLIENT=$VPND
    [ "$1" = vpnd ] || SERVER=$OPENVPN
    [ "$2" = vpnd ] || CLIENT=$OPENVPN
    write_server 'topology subnet' 'server 10.77.0.0 255.255.255.0' 'keepalive 5 30' 'script-security 2' \
        'hand-window 10'
    cat >"$WORK/client.conf" <<-END
		client
		dev null
		ifconfig-noexec
		remote 10.99.0.1 1194 udp
		nobind
		ca pki/ca.crt
		cert pki/client1.crt
		key pki/client1.key
		script-security 2
		connect-retry 1 2
		hand-window 4
		verb 3
	END
}

server_lines() { printf '%s\n' "$@" >>"$WORK/server.conf"; }
client_lines() { printf '%s\n' "$@" >>"$WORK/client.conf"; }
replace() { # server|client OLD NEW
    sed -i "s#^$2.*#$3#" "$WORK/$1.conf"
}

start_both() {
    start server ip netns exec "$(ns s)" "$SERVER" --cd "$WORK" --config server.conf
    expect_log "$WORK/server.log" 'Initialization Sequence Completed'
    start_client
}

start_client() { start client ip netns exec "$(ns c)" "$CLIENT" --cd "$WORK" --config client.conf; }

connected() { expect_log "$WORK/client.log" 'Initialization Sequence Completed'; }

not_connected() {
    ! grep -aq 'Initialization Sequence Completed' "$WORK/client.log" || fail "the client came in"
}

# certificate NAME SUBJECT EXTENSIONS [DAYS]: signed by the test authority
certificate() {
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "$2" -keyout "$WORK/pki/$1.key" \
        -out "$WORK/pki/$1.csr" 2>/dev/null
    openssl x509 -req -in "$WORK/pki/$1.csr" -CA "$WORK/pki/ca.crt" -CAkey "$WORK/pki/ca.key" -CAcreateserial \
        -days "${4:-10}" -out "$WORK/pki/$1.crt" -extfile <(printf '%b' "$3") 2>/dev/null
}

# refuses WHO REGEX: that end says why
refuses() {
    expect_log "$WORK/$1.log" "$2"
    expect_log "$WORK/$1.log" 'TLS Error: TLS handshake failed'
    not_connected
}

# The end that is refused gets a TLS alert and says so. openvpn 2.6 as the refusing end sends none.
told() {
    local word=$2
    # A client before 2.6 does not look at what comes once its own part of the handshake is done.
    if [ "$1" = client ] && [ "$CLIENT" = "$OPENVPN" ] && openvpn_before 2.6; then word='TLS Error: TLS handshake failed'; fi
    expect_log "$WORK/$1.log" "$word"
}

# ---------------------------------------------------------------- the client's certificate, refused by vpnd's server

other_authority() { # CLIENT
    setting vpnd "$1"
    pki "$WORK/other"
    cp "$WORK/other/client1."* "$WORK/pki/"
    start_both
    refuses server '10.99.0.2:[0-9]+ VERIFY ERROR: depth=0, error=.*: O=Test, CN=client1, serial='
    expect_log "$WORK/server.log" 'Hint: .* certificate or TLS offer was refused here'
    told client '[Aa]lert:? unknown (ca|CA)'
}

expired() { # CLIENT
    setting vpnd "$1"
    certificate client1 /CN=old 'extendedKeyUsage=clientAuth\n' -1
    start_both
    refuses server 'VERIFY ERROR: depth=0, error=certificate has expired: CN=old, serial='
    expect_log "$WORK/server.log" 'Hint: .*clocks'
    told client '[Aa]lert:? certificate expired'
}

revoked() { # CLIENT: the list changes under the running server
    setting vpnd "$1"
    printf 'default_ca=c\n[c]\ndatabase=index\ndefault_md=sha256\ndefault_crl_days=5\n' >"$WORK/ca.cnf"
    : >"$WORK/index"
    (cd "$WORK" && openssl ca -config ca.cnf -gencrl -keyfile pki/ca.key -cert pki/ca.crt -out crl.pem) 2>/dev/null
    server_lines 'crl-verify crl.pem'
    start_both
    connected
    expect_log "$WORK/server.log" 'WARNING: the CRL crl.pem expires in [45] days'
    stop client
    (cd "$WORK" && openssl ca -config ca.cnf -revoke pki/client1.crt -keyfile pki/ca.key -cert pki/ca.crt &&
        openssl ca -config ca.cnf -gencrl -keyfile pki/ca.key -cert pki/ca.crt -out crl.new && mv crl.new crl.pem) 2>/dev/null
    : >"$WORK/client.log"
    start_client
    refuses server 'VERIFY ERROR: depth=0, error=certificate revoked: O=Test, CN=client1, serial='
    told client '[Aa]lert:? certificate revoked'
}

wrong_name() { # CLIENT
    setting vpnd "$1"
    server_lines 'verify-x509-name somebody-else name'
    start_both
    refuses server 'VERIFY X509NAME ERROR: O=Test, CN=client1, must be somebody-else'
}

wrong_purpose() { # CLIENT: a server's certificate in a client's hands
    setting vpnd "$1"
    replace client cert 'cert pki/server.crt'
    replace client key 'key pki/server.key'
    server_lines 'remote-cert-tls client'
    start_both
    refuses server 'VERIFY (EKU )?ERROR'
}

wrong_fingerprint() { # CLIENT
    setting vpnd "$1"
    server_lines "peer-fingerprint $(openssl x509 -in "$WORK/pki/client2.crt" -noout -fingerprint -sha256 | cut -d= -f2)"
    start_both
    refuses server 'TLS Error: --tls-verify/--peer-fingerprint certificate hash verification failed'
}

by_script() { # CLIENT: asked root first, with the certificate in a file
    setting vpnd "$1"
    printf '#!/bin/sh\necho "$1|$2|$X509_0_CN|$(head -n 1 "$peer_cert")" >>%s/seen\n[ "$1" = 1 ] || exit 1\n' "$WORK" >"$WORK/verify"
    chmod 755 "$WORK/verify"
    mkdir "$WORK/export"
    server_lines "tls-verify $WORK/verify" 'tls-export-cert export'
    start_both
    expect_log "$WORK/server.log" 'VERIFY SCRIPT ERROR: depth=0, O=Test, CN=client1'
    expect_log "$WORK/client.log" AUTH_FAILED
    [ "$(head -n 2 "$WORK/seen" | tr '\n' '/')" = "1|CN=test CA||-----BEGIN CERTIFICATE-----/0|O=Test, CN=client1|client1|-----BEGIN CERTIFICATE-----/" ] ||
        fail "the script saw: $(cat "$WORK/seen")"
    [ -z "$(ls "$WORK/export")" ] || fail "certificates were left behind"
    not_connected
}

no_version_in_common() { # CLIENT
    setting vpnd "$1"
    server_lines 'tls-version-min 1.3'
    client_lines 'tls-version-max 1.2'
    start_both
    refuses server 'OpenSSL: .*(unsupported protocol|version)'
    told client '[Aa]lert:? protocol version'
}

# ---------------------------------------------------------------- the server's certificate, refused by vpnd's client

bad_server() { # SERVER: a client's certificate
    setting "$1" vpnd
    replace server cert 'cert pki/client2.crt'
    replace server key 'key pki/client2.key'
    client_lines 'remote-cert-tls server'
    start_both
    refuses client 'VERIFY (EKU )?ERROR'
    expect_log "$WORK/client.log" 'Hint for .*remote-cert-tls'
}

bad_server_name() { # SERVER
    setting "$1" vpnd
    client_lines 'verify-x509-name "O=Test, CN=other"'
    start_both
    refuses client 'VERIFY X509NAME ERROR: O=Test, CN=server, must be O=Test, CN=other'
}

bad_server_time() { # SERVER
    setting "$1" vpnd
    certificate server /CN=server 'extendedKeyUsage=serverAuth\n' -1
    start_both
    refuses client 'VERIFY ERROR: depth=0, error=certificate has expired: CN=server'
    expect_log "$WORK/client.log" 'Hint for .*clocks'
    told server '[Aa]lert:? certificate expired'
}

bad_server_by_script() { # SERVER
    setting "$1" vpnd
    printf '#!/bin/sh\necho "$1 $2" >>%s/seen\n[ "$1" = 1 ]\n' "$WORK" >"$WORK/verify"
    chmod 755 "$WORK/verify"
    client_lines "tls-verify $WORK/verify"
    start_both
    expect_log "$WORK/client.log" 'VERIFY SCRIPT ERROR: depth=0, O=Test, CN=server'
    grep -qx '1 CN=test CA' "$WORK/seen" || fail "the script saw: $(cat "$WORK/seen")"
    not_connected
}

# ---------------------------------------------------------------- wrapping that differs

new_key() { "$OPENVPN" --genkey secret "$1" >/dev/null; }

wrong_key() { # SERVER CLIENT tls-auth|tls-crypt
    setting "$1" "$2"
    new_key "$WORK/one.key"
    new_key "$WORK/two.key"
    server_lines "$3 one.key"
    client_lines "$3 two.key"
    start_both
    if [ "$1" = vpnd ]; then
        expect_log "$WORK/server.log" 'TLS Error: (cannot locate HMAC in incoming packet|tls-crypt unwrapping failed) from \[AF_INET\]10.99.0.2:[0-9]+'
    fi
    if [ "$2" = vpnd ]; then
        refuses client 'TLS key negotiation failed to occur within 4 seconds'
        expect_log "$WORK/client.log" "Hint for .*(tls-auth|tls-crypt)"
    fi
    not_connected
}

wrong_direction() { # SERVER CLIENT
    setting "$1" "$2"
    new_key "$WORK/one.key"
    server_lines 'tls-auth one.key 0'
    client_lines 'tls-auth one.key 0'
    start_both
    [ "$2" != vpnd ] || refuses client 'TLS key negotiation failed to occur within 4 seconds'
    [ "$1" != vpnd ] || expect_log "$WORK/server.log" 'TLS Error: cannot locate HMAC in incoming packet'
    not_connected
}

# A key at the client only: what comes is no packet for the server, which says what it looks like.
key_at_one_end() { # CLIENT LINE...
    setting vpnd "$1"
    new_key "$WORK/one.key"
    "$OPENVPN" --genkey tls-crypt-v2-server "$WORK/v2s.key" >/dev/null
    "$OPENVPN" --tls-crypt-v2 "$WORK/v2s.key" --genkey tls-crypt-v2-client "$WORK/v2c.key" >/dev/null
    client_lines "$2"
    start_both
    expect_log "$WORK/server.log" 'TLS Error: .*10.99.0.2:[0-9]+ seems to use tls-auth, tls-crypt or tls-crypt-v2, and this server does not'
    not_connected
}

# The tunnel comes up but nothing passes: both logs say it.
tun_against_tap() {
    setting vpnd vpnd
    replace client dev 'dev tap'
    replace server dev 'dev tun'
    start_both
    connected
    expect_log "$WORK/client.log" "Hint: nothing passes between tun and tap: 'dev' has to be of the same kind"
    expect_log "$WORK/server.log" "Hint: nothing passes between tun and tap: 'dev' has to be of the same kind"
}

# A client's own key of tls-crypt-v2, judged by a program from the metadata inside; then a key that is too old.
client_key() { # CLIENT
    setting vpnd "$1"
    local file
    for file in good bad; do
        [ -e "$WORK/v2s.key" ] || "$OPENVPN" --genkey tls-crypt-v2-server "$WORK/v2s.key" >/dev/null
        "$OPENVPN" --tls-crypt-v2 "$WORK/v2s.key" --genkey tls-crypt-v2-client "$WORK/$file.key" \
            "$(printf '%s' $file | base64)" >/dev/null
    done
    "$OPENVPN" --tls-crypt-v2 "$WORK/v2s.key" --genkey tls-crypt-v2-client "$WORK/dated.key" >/dev/null
    printf '#!/bin/sh\n[ "$metadata_type" = 1 ] || [ "$metadata_type/$(cat "$metadata_file")" = 0/good ]\n' >"$WORK/verify"
    chmod 755 "$WORK/verify"
    server_lines 'tls-crypt-v2 v2s.key' "tls-crypt-v2-verify $WORK/verify"
    client_lines 'tls-crypt-v2 good.key'
    start_both
    connected
    stop client
    : >"$WORK/client.log"
    replace client tls-crypt-v2 'tls-crypt-v2 bad.key'
    start_client
    expect_log "$WORK/server.log" 'TLS CRYPT V2 VERIFY SCRIPT ERROR'
    stop client
    not_connected
    replace client tls-crypt-v2 'tls-crypt-v2 dated.key'
    start_client
    connected
}

nobody_there() {
    setting vpnd vpnd
    start_client
    refuses client 'TLS key negotiation failed to occur within 4 seconds|Connection refused'
    expect_log "$WORK/client.log" 'Hint for .*nothing listens on this port'
    ! grep -q 'nothing came back' "$WORK/client.log" || fail "a second hint that knows less"
}

tcp_against_udp() {
    setting vpnd vpnd
    client_lines 'connect-timeout 4'
    replace client remote 'remote 10.99.0.1 1194 tcp'
    start_both
    expect_log "$WORK/client.log" 'TCP: connect to \[AF_INET\]10.99.0.1:1194 failed'
    expect_log "$WORK/client.log" 'Hint for .*UDP'
}

for peer in openvpn vpnd; do
    for case in other_authority expired revoked wrong_name wrong_purpose wrong_fingerprint by_script no_version_in_common \
        bad_server bad_server_name bad_server_time bad_server_by_script; do
        run_case "${case//_/-},$peer" "$case" "$peer"
    done
done
for wrap in tls-auth tls-crypt; do
    run_case "wrong-key,$wrap,vpnd,openvpn" wrong_key vpnd openvpn $wrap
    run_case "wrong-key,$wrap,openvpn,vpnd" wrong_key openvpn vpnd $wrap
done
run_case wrong-direction,vpnd,openvpn wrong_direction vpnd openvpn
run_case wrong-direction,openvpn,vpnd wrong_direction openvpn vpnd
run_case client-key,openvpn client_key openvpn
run_case client-key,vpnd client_key vpnd
for wrap in 'tls-auth one.key' 'tls-crypt one.key' 'tls-crypt-v2 v2c.key'; do
    run_case "key-at-one-end,${wrap%% *},openvpn" key_at_one_end openvpn "$wrap"
    run_case "key-at-one-end,${wrap%% *},vpnd" key_at_one_end vpnd "$wrap"
done
run_case nobody-there nobody_there
run_case tun-against-tap tun_against_tap
run_case tcp-against-udp tcp_against_udp
finish
