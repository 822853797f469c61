#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# easy-rsa-lite/pki under every shell that is here, judged by openssl and by an easy-rsa 3 directory.
. "$(dirname "$0")/../tools/testlib.sh"
PKI=$SOURCE_DIR/easy-rsa-lite/pki

pki_run() { (cd "$WORK" && VPND=$VPND $SHELL_UNDER_TEST "$PKI" "$@"); }
pki_state() { (find "$WORK/pki" -type f -exec sha256sum {} + 2>/dev/null || true) | sort; }
# refused STATUS ARGS: one line on standard error and that status, and nothing changed
refused() {
    local want=$1 before after status=0
    shift
    before=$(pki_state)
    pki_run "$@" >"$WORK/out" 2>"$WORK/err" </dev/null || status=$?
    after=$(pki_state)
    [ "$status" = "$want" ] || fail "pki $* ended with $status, not $want"
    [ "$(wc -l <"$WORK/err")" = 1 ] || fail "pki $*: not one line: $(cat "$WORK/err")"
    [ "$before" = "$after" ] || fail "pki $* changed something"
}

life() { # SHELL: a whole life of an authority
    SHELL_UNDER_TEST=$1
    need openssl jq
    pki_run --no-ca-pass init
    pki_run server vpn.example
    pki_run client anna
    pki_run --key rsa2048 client bob
    pki_run --key ed25519 client carl
    local name
    for name in vpn.example anna bob carl; do
        openssl verify -CAfile "$WORK/pki/ca.crt" "$WORK/pki/issued/$name.crt"
    done
    openssl verify -purpose sslserver -CAfile "$WORK/pki/ca.crt" "$WORK/pki/issued/vpn.example.crt"
    openssl x509 -in "$WORK/pki/issued/vpn.example.crt" -noout -ext subjectAltName | grep -q DNS:vpn.example
    ! openssl verify -purpose sslserver -CAfile "$WORK/pki/ca.crt" "$WORK/pki/issued/anna.crt" || fail "a client may act as server"
    [ "$(stat -c %a "$WORK/pki/private/anna.key")" = 600 ] || fail "the key of anna is readable by others"

    pki_run revoke bob
    openssl crl -in "$WORK/pki/crl.pem" -CAfile "$WORK/pki/ca.crt" -noout
    ! openssl verify -crl_check -CRLfile "$WORK/pki/crl.pem" -CAfile "$WORK/pki/ca.crt" "$WORK"/pki/revoked/*.crt ||
        fail "the revoked certificate still verifies"
    pki_run renew anna
    openssl verify -crl_check -CRLfile "$WORK/pki/crl.pem" -CAfile "$WORK/pki/ca.crt" "$WORK/pki/issued/anna.crt"
    pki_run --json list | jq -e 'length == 5 and ([.[] | select(.state == "revoked")] | length) == 2'
    pki_run --json show carl | jq -e '.[0].name == "carl" and .[0].days_left > 800'
    pki_run expiring 30
    local status=0
    pki_run expiring 900 >/dev/null || status=$?
    [ $status = 2 ] || fail "expiring 900 ended with $status"
}

bad_input() { # SHELL
    SHELL_UNDER_TEST=$1
    need openssl
    refused 2 client anna
    pki_run --no-ca-pass init
    pki_run client anna
    refused 2 --no-ca-pass init
    refused 2 client anna
    refused 2 client 'an na'
    refused 2 client "o'hara"
    refused 2 client 'a"b'
    refused 2 client ../../etc/passwd
    refused 2 client "$(printf 'a\nb')"
    refused 2 client "$(printf '%0200d' 1)"
    refused 2 client ''
    refused 2 client ca
    refused 2 client -
    refused 1 --key dsa client x
    refused 1 --days 0 client x
    refused 1 --days 1e3 client x
    refused 1 frobnicate
    refused 2 revoke nobody
    refused 2 renew nobody
    refused 2 show nobody
    refused 1 export anna
    refused 2 --remote 'x; id' export anna
    refused 2 --dir 'a b' list
    echo garbage >"$WORK/garbage.csr"
    refused 2 --request garbage.csr sign anna2
}

interrupted() { # SHELL: a lock and staging left by a command that was killed do not stand in the way
    SHELL_UNDER_TEST=$1
    need openssl
    pki_run --no-ca-pass init
    mkdir -p "$WORK/pki/.lock" "$WORK/pki/.stage.999999"
    echo 4194300 >"$WORK/pki/.lock/pid"
    pki_run client anna
    [ ! -e "$WORK/pki/.lock" ] && [ ! -e "$WORK/pki/.stage.999999" ] || fail "leftovers stayed"
}

signing() { # SHELL: a client that keeps its key
    SHELL_UNDER_TEST=$1
    need openssl
    echo secret >"$WORK/pass"
    pki_run --ca-pass-file pass init
    grep -q ENCRYPTED "$WORK/pki/private/ca.key" || fail "the CA key has no password"
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=someone else" \
        -keyout "$WORK/own.key" -out "$WORK/own.csr" 2>/dev/null
    pki_run --ca-pass-file pass --request own.csr sign dora
    openssl x509 -in "$WORK/pki/issued/dora.crt" -noout -subject | grep -q 'CN = dora$' || fail "the name of the request was taken"
    echo wrong >"$WORK/pass2"
    local status=0
    pki_run --ca-pass-file pass2 client eve 2>/dev/null || status=$?
    [ $status = 4 ] || fail "a wrong CA password gave status $status"
    [ ! -e "$WORK/pki/issued/eve.crt" ] || fail "something was made with a wrong password"
}

from_easy_rsa() { # SHELL
    SHELL_UNDER_TEST=$1
    local easyrsa=/usr/share/easy-rsa/easyrsa
    [ -x $easyrsa ] || skip "easy-rsa is not installed"
    (
        cd "$WORK"
        export EASYRSA_BATCH=1 EASYRSA_PKI=$WORK/old
        $easyrsa init-pki
        EASYRSA_REQ_CN="old CA" $easyrsa build-ca nopass
        $easyrsa build-client-full anna nopass
        $easyrsa build-server-full vpn nopass
        $easyrsa gen-crl
    ) >/dev/null 2>&1
    pki_run import old
    pki_run --json list | jq -e 'length == 2'
    pki_run revoke anna
    pki_run client anna
    openssl verify -crl_check -CRLfile "$WORK/pki/crl.pem" -CAfile "$WORK/pki/ca.crt" "$WORK/pki/issued/anna.crt"
    refused 2 import old
    # And back: easy-rsa goes on with our directory.
    (cd "$WORK" && EASYRSA_BATCH=1 EASYRSA_PKI=$WORK/pki $easyrsa build-client-full zoe nopass) >/dev/null 2>&1
    pki_run show zoe
}

shells="dash"
command -v busybox >/dev/null && shells="$shells busybox-sh"
for shell in $shells; do
    run_case "life-$shell" life "${shell/-/ }"
    run_case "bad-input-$shell" bad_input "${shell/-/ }"
    run_case "interrupted-$shell" interrupted "${shell/-/ }"
    run_case "signing-$shell" signing "${shell/-/ }"
    run_case "from-easy-rsa-$shell" from_easy_rsa "${shell/-/ }"
done
finish
