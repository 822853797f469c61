#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Servers as generators make them (generators/*): each starts unchanged, in a mount namespace that has its files at the
# places that it names, and serves a stock client.
#
#   [s] eth0 10.99.0.1 ------------- 10.99.0.2 eth0 [c]
#        tun, 10.8.0.1 == tunnel == tun1
. "$(dirname "$0")/../tools/testlib.sh"
. "$(dirname "$0")/../tools/serverlib.sh"

GENERATORS=$TESTS_DIR/netns/generators

# Everything that any of them names. Runs in the server's mount namespace.
prepare() {
    local p=$WORK/pki d
    for d in /etc/openvpn /var/log /usr/local /usr/libexec; do
        mkdir -p $d
        mount -t tmpfs tmpfs $d
    done
    mount -t tmpfs tmpfs /run
    mkdir -p /var/etc
    mount -t tmpfs tmpfs /var/etc
    mkdir -p /var/log/openvpn /run/openvpn-server /etc/openvpn/ccd /var/etc/openvpn-csc/2 \
        /etc/openvpn/easy-rsa/pki/issued /etc/openvpn/easy-rsa/pki/private /etc/openvpn/pki/issued \
        /etc/openvpn/pki/private /var/etc/openvpn/server1/ca /var/etc/openvpn/server1/csc /usr/local/sbin \
        /usr/local/opnsense/scripts/openvpn
    cp "$p/ca.crt" "$p/server.crt" "$p/server.key" "$WORK/crl.pem" "$WORK/tls-crypt-v2.key" /etc/openvpn/
    cp "$WORK/dh" /etc/openvpn/dh.pem
    cp "$WORK/dh" /etc/openvpn/dh2048.pem
    cp "$WORK/dh" /etc/openvpn/pki/dh.pem
    : >/etc/dh-parameters.2048
    mount --bind "$WORK/dh" /etc/dh-parameters.2048
    for d in /etc/openvpn/ta.key /etc/openvpn/tc.key /etc/openvpn/easy-rsa/pki/ta.key /etc/openvpn/pki/ta.key \
        /var/etc/openvpn/server1/tls-auth /var/etc/openvpn/static; do cp "$p/static.key" $d; done
    for d in /etc/openvpn/easy-rsa/pki /etc/openvpn/pki; do cp "$p/ca.crt" $d/; done
    cp "$p/server.crt" /etc/openvpn/easy-rsa/pki/issued/raspberrypi_1.crt
    cp "$p/server.key" /etc/openvpn/easy-rsa/pki/private/raspberrypi_1.key
    cp "$p/server.crt" /etc/openvpn/pki/issued/vpn.example.com.crt
    cp "$p/server.key" /etc/openvpn/pki/private/vpn.example.com.key
    cp "$p/server.crt" /var/etc/openvpn/server1/cert
    cp "$p/server.key" /var/etc/openvpn/server1/key
    cp "$p/ca.crt" "/var/etc/openvpn/server1/ca/$(openssl x509 -hash -noout -in "$p/ca.crt").0"
    cp "$p/ca.crt" /var/etc/openvpn/ca
    cp "$p/server.crt" /var/etc/openvpn/cert
    cp "$p/server.key" /var/etc/openvpn/key
    cp "$WORK/crl.pem" /var/etc/openvpn/crl
    for d in sbin/ovpn-linkup sbin/ovpn-linkdown sbin/openvpn.attributes.sh sbin/openvpn.learn-address.sh \
        sbin/ovpn_auth_verify opnsense/scripts/openvpn/ovpn_event.py; do
        printf '#!/bin/sh\necho "$0 $* $script_type" >>%s/hooks\n[ "$1" != --defer ] || { printf 1 >"$auth_control_file"; exit 2; }\n' "$WORK" >/usr/local/$d
        chmod 755 /usr/local/$d
    done
    cp /usr/local/sbin/ovpn-linkup /usr/libexec/openvpn-hotplug
    getent passwd openvpn >/dev/null || { # for this namespace only
        { cat /etc/passwd; echo 'openvpn:x:65533:65533::/:/bin/false'; } >"$WORK/passwd"
        { cat /etc/group; echo 'openvpn:x:65533:'; } >"$WORK/group"
        mount --bind "$WORK/passwd" /etc/passwd
        mount --bind "$WORK/group" /etc/group
    }
}

material() {
    pki "$WORK/pki"
    cat >"$WORK/dh" <<-'END'
		-----BEGIN DH PARAMETERS-----
		MIIBCAKCAQEA//////////+t+FRYortKmq/cViAnPTzx2LnFg84tNpWp4TZBFGQz
		+8yTnc4kmz75fS/jY2MMddj2gbICrsRhetPfHtXV/WVhJDP1H18GbtCFY2VVPe0a
		87VXE15/V8k1mE8McODmi3fipona8+/och3xWKE2rec1MKzKT0g6eXq8CrGCsyT7
		YdEIqUuyyOP7uWrat2DX9GgdT0Kj3jlN9K5W7edjcrsZCwenyO4KbXCeAvzhzffi
		7MA0BM0oNC9hkXL+nOmFg/+OTxIy7vKBg8P+OxtMb61zO7X8vC7CIAXFjvGDfRaD
		ssbzSibBsu/6iGtCOGEoXJf//////////wIBAg==
		-----END DH PARAMETERS-----
	END
    : >"$WORK/index"
    openssl ca -config <(printf '[ca]\ndefault_ca=d\n[d]\ndatabase=%s\ndefault_md=sha256\ndefault_crl_days=30\n' "$WORK/index") \
        -keyfile "$WORK/pki/ca.key" -cert "$WORK/pki/ca.crt" -gencrl -out "$WORK/crl.pem" 2>/dev/null
    "$OPENVPN" --genkey tls-crypt-v2-server "$WORK/tls-crypt-v2.key" >/dev/null
    "$OPENVPN" --tls-crypt-v2 "$WORK/tls-crypt-v2.key" --genkey tls-crypt-v2-client "$WORK/v2-client.key" >/dev/null
    printf 'anna\nsecret\n' >"$WORK/credentials"
    chmod 600 "$WORK/credentials"
}

in_its_place() { # COMMAND...
    prepare
    cd /etc/openvpn
    exec "$@"
}

# generator NAME ADDRESS CLIENT-LINE... -- SERVER-ARGUMENTS...
generator() {
    need openvpn openssl unshare
    server_and_client
    material
    local address=$1 lines=()
    shift
    while [ "$1" != -- ]; do lines+=("$1"); shift; done
    shift
    export WORK TESTS_DIR
    export -f prepare in_its_place
    unset RUNTIME_DIRECTORY
    start server ip netns exec "$(ns s)" unshare -m --propagation private bash -ec 'in_its_place "$@"' - \
        "$VPND" "$@" --log "$WORK/its.log"
    expect_log "$WORK/its.log" 'Initialization Sequence Completed'
    write_client a client1 'dev tun1' 'remote 10.99.0.1 1194 udp' "${lines[@]}" 'pull-filter ignore redirect-gateway'
    client_up a "$OPENVPN"
    wait_for 10 "a ping" in_ns c ping -c 1 -W 1 "$address"
    stop a
    local pid
    pid=$(in_ns s sh -c "ss -lunp | sed -n 's/.*:1194 .*pid=\([0-9]*\).*/\1/p'" | head -n 1)
    kill "$pid"
    wait_for 10 "the end" sh -c "! kill -0 $pid"
    grep -aq 'process exiting' "$WORK/its.log" || fail "it did not end in order"
}

run_case sample generator 10.8.0.1 'tls-auth pki/static.key 1' 'cipher AES-256-CBC' -- --config "$GENERATORS/sample.conf"
run_case angristan generator 10.8.0.1 'tls-crypt-v2 v2-client.key' 'auth SHA256' -- --config "$GENERATORS/angristan.conf"
run_case nyr generator 10.8.0.1 'tls-crypt pki/static.key' 'auth SHA512' -- --config "$GENERATORS/nyr.conf"
run_case pivpn generator 10.8.0.1 'tls-crypt pki/static.key' 'auth SHA256' -- --config "$GENERATORS/pivpn.conf"
run_case kylemanna generator 192.168.255.1 'tls-auth pki/static.key 1' 'comp-lzo no' -- \
    --config "$GENERATORS/kylemanna.conf" --client-config-dir /etc/openvpn/ccd --crl-verify /etc/openvpn/crl.pem
run_case pfsense generator 10.8.0.1 'tls-auth pki/static.key 1' 'auth SHA256' -- --config "$GENERATORS/pfsense.conf"
run_case opnsense generator 10.8.0.1 'tls-crypt pki/static.key' 'auth SHA256' 'auth-user-pass credentials' -- \
    --config "$GENERATORS/opnsense.conf"
eval "ARGS=($(cat "$GENERATORS/openwrt.args"))" # words as a shell reads them
run_case openwrt generator 10.8.0.1 'tls-crypt pki/static.key' -- "${ARGS[@]}"
finish
