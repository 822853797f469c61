#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# vpnd --config FILE --check: every error and warning with its line, the reason and what to do; status 0 or 1.
. "$(dirname "$0")/../tools/testlib.sh"
PKI=$SOURCE_DIR/easy-rsa-lite/pki

place() {
    need openssl
    cd "$WORK"
    sh "$PKI" --no-ca-pass init >/dev/null
    sh "$PKI" server server >/dev/null
    sh "$PKI" client client >/dev/null
    "$VPND" --genkey tls-crypt tls-crypt.key
    server=$'port 1194\ndev tun\ntopology subnet\nserver 10.8.0.0 255.255.255.0\nca pki/ca.crt\ncert pki/issued/server.crt\nkey pki/private/server.key\ndh none\ncrl-verify pki/crl.pem\ntls-crypt tls-crypt.key\nremote-cert-tls client\nkeepalive 10 60\nuser nobody\ngroup nogroup'
    client=$'client\ndev tun\nremote 192.0.2.1\nca pki/ca.crt\ncert pki/issued/client.crt\nkey pki/private/client.key\ntls-crypt tls-crypt.key\nremote-cert-tls server'
}

# check STATUS TEXT [LINE...]: the configuration ends with STATUS and says exactly these lines (parts of them)
check() {
    local want=$1 status=0 line said
    printf '%s\n' "$2" >t.conf
    "$VPND" --config t.conf --check >out 2>&1 || status=$?
    [ $status = "$want" ] || fail "status $status instead of $want: $(head -n 1 out)"
    shift 2
    [ $status = 1 ] || set -- "$@" "The configuration is correct."
    for line in "$@"; do
        grep -qF -- "$line" out || fail "'$line' is missing in: $(cat out)"
    done
    said=$(wc -l <out)
    [ "$said" = $# ] || fail "$said lines instead of $#: $(cat out)"
    ! grep -q '^20[0-9][0-9]-' out || fail "a time stamp in: $(cat out)"
}

right() {
    place
    check 0 "$server"
    check 0 "$client"
}

errors() {
    place
    check 1 "$server"$'\nveb 3\nverb\nport 70000\ndata-ciphers-fallbacks AES-256-GCM\nccd-exclusive\nsecret x\nno-replay' \
        "t.conf:15: veb (0.1.0); did you mean 'verb'?" \
        't.conf:16: verb (0.1.0); usage: verb LEVEL' \
        't.conf:17: port: '\''70000'\'' is not valid; expected a number from 0 to 65535' \
        "t.conf:18: data-ciphers-fallbacks (0.1.0); did you mean 'data-ciphers-fallback'?" \
        "t.conf:21: option 'no-replay' is not supported: it switches off the replay protection; remove it" \
        'must be used with --client-config-dir (t.conf:19)' \
        "option 'secret' is not supported"
    check 1 "$server"$'\nca none.crt\nclient-config-dir none' \
        "--ca fails with 'none.crt': No such file or directory (errno=2); it was looked for in $WORK (option cd) (t.conf:15)" \
        "--client-config-dir fails with 'none': No such file or directory (errno=2); it was looked for in $WORK (option cd) (t.conf:16)" \
        'Please correct these errors.'
    check 1 "${client/client.key/server.key}" 'pki/private/server.key'
    check 1 "${client/pki\/ca.crt/tls-crypt.key}" 'tls-crypt.key'
    cp pki/ca.crt no.key && chmod 600 no.key
    check 1 "${client/tls-crypt tls-crypt.key/tls-crypt no.key}" "tls-crypt: 'no.key' is not a valid key file; make one with"
    check 1 "$server"$'\nuser no-such-user' 'failed to find UID for user no-such-user'
    check 1 "$client"$'\n<connection>\nnobind\n</connection>' "must contain exactly one 'remote'"
    check 1 $'client\ndev tun\nremote a\n' 'No client-side authentication method' 'You must define CA file' 'No server certificate verification method' 'no tls-crypt'
}

# What cannot be read at all is one line, without errors about what would have been inside.
unread() {
    place
    printf '%s\n' "$client" >t.conf
    local arguments
    for arguments in '--config none.conf --check' 'none.conf' 't.conf --check'; do
        # shellcheck disable=SC2086 # a list of words
        ! "$VPND" $arguments >out 2>&1 || fail "$arguments succeeds"
        [ "$(grep -vc '^Use --help' out)" = 1 ] || fail "$arguments: $(cat out)"
        case $arguments in
        *none.conf*) grep -qF 'Error opening configuration file: none.conf (No such file or directory)' out ;;
        *) grep -qF 'a file is named with --config FILE, when other options follow' out ;;
        esac || fail "$arguments: $(cat out)"
    done
    need setpriv
    chmod 755 . && chmod a+rX -R pki && chmod 600 tls-crypt.key
    setpriv --reuid nobody --clear-groups "$VPND" --config t.conf --check >out 2>&1 || true
    grep -qF -- "--tls-crypt fails with 'tls-crypt.key': Permission denied (errno=13); start vpnd as root (t.conf:7)" out || fail "$(cat out)"
}

weak() {
    place
    check 0 "$server"$'\nauth none\nreneg-sec 0\ntls-version-min 1.0\ntls-cert-profile insecure\ntls-version-max 1.2\ndata-ciphers AES-256-GCM:DES-EDE3-CBC:none\ncomp-lzo no\nscript-security 3\nduplicate-cn\ntopology net30' \
        'WARNING: t.conf:15: auth none protects nothing; remove the line or use auth SHA256' \
        'WARNING: t.conf:16: reneg-sec 0: one key protects the whole session' \
        'WARNING: t.conf:17: tls-version-min below 1.2 allows broken versions; remove the line' \
        'WARNING: t.conf:18: tls-cert-profile insecure accepts forgeable certificates; renew them' \
        'WARNING: t.conf:19: tls-version-max forbids TLS 1.3; remove the line' \
        'WARNING: t.conf:20: data-ciphers has DES-EDE3-CBC, which has 64-bit blocks' \
        'WARNING: t.conf:20: data-ciphers has none: what passes the tunnel can be read and changed; remove it' \
        'WARNING: t.conf:21: compression framing is outdated; remove comp-lzo and compress' \
        'WARNING: t.conf:22: script-security 3 puts passwords into the environment' \
        'WARNING: t.conf:24: topology net30 uses four addresses a client'
    check 0 "$server"$'\nup /bin/true\nclient-connect /bin/true' \
        'WARNING: t.conf:15: up: no program is run without script-security 2; add that line' \
        'WARNING: t.conf:16: client-connect: no program is run without script-security 2; add that line'
    check 0 $'dev tun\ntopology subnet\nserver 10.8.0.0 255.255.255.0\nca pki/ca.crt\ncert pki/issued/server.crt\nkey pki/private/server.key\ndh none' \
        'WARNING: no tls-crypt, tls-crypt-v2 or tls-auth' 'WARNING: no crl-verify' 'WARNING: no remote-cert-tls' \
        'WARNING: no keepalive' 'WARNING: no user and group'
    check 0 "${client/remote-cert-tls server/ns-cert-type server}"$'\nkeysize 256' \
        "t.conf:9: option 'keysize' is ignored: the cipher's name says the size of its key" \
        'WARNING: t.conf:8: ns-cert-type is outdated; use remote-cert-tls server'
    printf 'anna\nsecret\n' >login
    chmod 644 login
    check 0 "$client"$'\nauth-user-pass login' \
        'WARNING: t.conf:9: auth-user-pass: the file holds the password as plain text' \
        "WARNING: t.conf:9: auth-user-pass: others may read 'login'; chmod 600 it" 'auth-nocache'
    chmod 644 pki/private/client.key
    check 0 "$client" "WARNING: t.conf:6: key: others may read 'pki/private/client.key'; chmod 600 it"
}

# made WHEN WHEN: a client certificate that is valid between the two, and its authority's list
made() {
    cat >ca.cnf <<-END
		[ca]
		default_ca = a
		[a]
		database = index
		new_certs_dir = .
		rand_serial = yes
		default_md = sha256
		policy = p
		[p]
		commonName = supplied
	END
    : >index
    openssl ca -batch -config ca.cnf -cert pki/ca.crt -keyfile pki/private/ca.key -in pki/reqs/client.req -subj /CN=client \
        -startdate "$(date -u -d "$1" +%Y%m%d%H%M%SZ)" -enddate "$(date -u -d "$2" +%Y%m%d%H%M%SZ)" -out pki/issued/client.crt \
        -notext 2>/dev/null
}

expiry() {
    place
    made '-5 days' '+10 days 1 hour'
    check 0 "$client" "WARNING: t.conf:5: cert: the certificate of 'CN=client' expires in 10 days, on $(date -u -d '+10 days 1 hour' +%Y-%m-%d); renew it"
    made '-5 days' '-1 days'
    check 1 "$client" "Options error: t.conf:5: cert: the certificate of 'CN=client' has expired on $(date -u -d '-1 days' +%Y-%m-%d); renew it"
    made '+2 days' '+90 days'
    check 1 "$client" "is valid only from $(date -u -d '+2 days' +%Y-%m-%d); check this machine's clock"
    openssl ca -config ca.cnf -cert pki/ca.crt -keyfile pki/private/ca.key -gencrl -crlhours 71 -out pki/crl.pem 2>/dev/null
    check 0 "$server" 'WARNING: t.conf:9: crl-verify: the revocation list expires in 2 days'
    openssl req -x509 -newkey rsa:1024 -nodes -days 100 -subj /CN=weak -keyout weak.key -out weak.crt 2>/dev/null
    chmod 600 weak.key
    check 0 "$server"$'\ncert weak.crt\nkey weak.key\ntls-cert-profile insecure' 'tls-cert-profile insecure' \
        'revocation list' "WARNING: t.conf:15: cert: the RSA key of 'CN=weak' has 1024 bits only"
    openssl pkey -in pki/private/server.key -aes256 -passout pass:secret -out locked.key
    check 0 "$server"$'\nkey locked.key' 'WARNING: t.conf:15: the private key has a pass phrase' 'revocation list'
}

run_case right right
run_case errors errors
run_case unread unread
run_case weak weak
run_case expiry expiry
finish
