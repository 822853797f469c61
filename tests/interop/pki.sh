#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# easy-rsa-lite/pki under every shell that is here, judged by openssl, by easy-rsa 3 and by what imports its profiles.
. "$(dirname "$0")/../tools/testlib.sh"
PKI=$SOURCE_DIR/easy-rsa-lite/pki

pki_run() { (cd "$WORK" && VPND=$VPND $SHELL_UNDER_TEST "$PKI" "$@"); }
pki_state() { (find "$WORK/pki" -type f ! -name .lock ! -name .types -exec sha256sum {} + 2>/dev/null || true) | sort; }
status_of() { # ARGS: exit status of pki
    local status=0
    pki_run "$@" >"$WORK/out" 2>"$WORK/err" </dev/null || status=$?
    echo $status
}
# refused STATUS ARGS: one line on standard error and that status, and nothing changed
refused() {
    local want=$1 before status
    shift
    before=$(pki_state)
    status=$(status_of "$@")
    [ "$status" = "$want" ] || fail "pki $* ended with $status, not $want: $(cat "$WORK/err")"
    [ "$(wc -l <"$WORK/err")" = 1 ] || fail "pki $*: not one line: $(cat "$WORK/err")"
    [ "$before" = "$(pki_state)" ] || fail "pki $* changed something"
}
verify() { openssl verify -CAfile "$WORK/pki/ca.crt" "$@"; }
verify_crl() { verify -crl_check -CRLfile "$WORK/pki/crl.pem" "$@"; }
refuse_crl() { ! verify_crl "$@" 2>/dev/null || fail "$* is still good"; }
public_of_key() { openssl pkey -in "$1" -pubout; }
public_of_certificate() { openssl x509 -in "$1" -noout -pubkey; }

# sound: the directory makes sense: every certificate of the index is there, keys belong to their certificates, the
# CRL lists what is revoked
sound() {
    local row serial name state file
    pki_run list >/dev/null
    [ ! -e "$WORK/pki/.commit" ] || fail "an unfinished change was left"
    openssl crl -in "$WORK/pki/crl.pem" -CAfile "$WORK/pki/ca.crt" -noout 2>/dev/null
    while read -r state serial; do
        file=$WORK/pki/certs_by_serial/$serial.pem
        [ -f "$file" ] || [ "$state" != R ] || file=$WORK/pki/revoked/certs_by_serial/$serial.crt
        [ -f "$file" ] || fail "no certificate for serial $serial"
        if [ "$state" = R ]; then refuse_crl "$file"; else verify_crl "$file" >/dev/null; fi
    done < <(cut -f 1,4 "$WORK/pki/index.txt")
    for row in "$WORK"/pki/private/*.key; do
        name=$(basename "$row" .key)
        [ "$name" != ca ] || continue
        [ "$(public_of_key "$row")" = "$(public_of_certificate "$WORK/pki/issued/$name.crt")" ] || fail "the key of $name is not that of its certificate"
    done
}

life() { # SHELL: a whole life of an authority
    SHELL_UNDER_TEST=$1
    need openssl jq
    pki_run --no-ca-pass init
    pki_run server vpn.example
    pki_run client anna
    pki_run --key rsa2048 client bob
    pki_run --key ed25519 client carl
    pki_run server 192.0.2.7
    pki_run client dora@example.com
    local name
    for name in vpn.example anna bob carl; do verify "$WORK/pki/issued/$name.crt"; done
    verify -purpose sslserver "$WORK/pki/issued/vpn.example.crt"
    verify -purpose sslclient "$WORK/pki/issued/anna.crt"
    openssl x509 -in "$WORK/pki/issued/vpn.example.crt" -noout -ext subjectAltName | grep >/dev/null DNS:vpn.example
    openssl x509 -in "$WORK/pki/issued/192.0.2.7.crt" -noout -ext subjectAltName | grep >/dev/null 'IP Address:192.0.2.7'
    openssl x509 -in "$WORK/pki/issued/dora@example.com.crt" -noout -ext subjectAltName | grep >/dev/null email:dora@example.com
    openssl x509 -in "$WORK/pki/issued/bob.crt" -noout -text | grep >/dev/null 'Public-Key: (2048 bit)'
    openssl x509 -in "$WORK/pki/issued/carl.crt" -noout -text | grep >/dev/null ED25519
    ! verify -purpose sslserver "$WORK/pki/issued/anna.crt" || fail "a client may act as server"
    ! verify -purpose sslclient "$WORK/pki/issued/vpn.example.crt" || fail "a server may act as client"
    [ "$(stat -c %a "$WORK/pki/private/anna.key")" = 600 ] || fail "the key of anna is readable by others"
    sound

    pki_run revoke bob
    refuse_crl "$WORK"/pki/revoked/certs_by_serial/*.crt
    pki_run client bob
    pki_run renew anna
    verify_crl "$WORK/pki/issued/anna.crt" "$WORK"/pki/renewed/certs_by_serial/*.crt
    pki_run --json list | jq -e 'length == 8 and ([.[] | select(.state == "revoked")] | length) == 1
        and ([.[] | select(.state == "replaced" and .name == "anna")] | length) == 1'
    pki_run renew bob --revoke-old
    pki_run --key rsa3072 renew carl
    openssl x509 -in "$WORK/pki/issued/carl.crt" -noout -text | grep >/dev/null 'Public-Key: (3072 bit)'
    pki_run revoke anna
    pki_run --json show anna | jq -e 'all(.state == "revoked") and length == 2'
    pki_run --json show carl | jq -e '.[1].name == "carl" and .[1].days_left > 800 and .[1].type == "client"'
    pki_run --json show ca | jq -e '.[0].type == "ca" and .[0].days_left > 3640'
    sound
    pki_run expiring 30
    [ "$(status_of --json expiring 900)" = 5 ] || fail "expiring 900 found nothing"
    jq -e '[.[].name] | sort == ["192.0.2.7", "bob", "carl", "dora@example.com", "vpn.example"]' "$WORK/out"
    pki_run --days 5 renew dora@example.com
    [ "$(status_of expiring 6)" = 5 ] || fail "expiring 6 found nothing"
    grep -q dora@example.com "$WORK/out"
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
    refused 2 client /
    refused 2 client "$(printf 'a\nb')"
    refused 2 client "$(printf 'a\tb')"
    refused 2 client '$(id)'
    refused 2 client 'müller'
    refused 2 client "$(printf '%0200d' 1)"
    refused 2 client ''
    refused 2 client ca
    refused 2 client -
    refused 2 client -- --force
    refused 2 client -- -x
    refused 1 --key dsa client x
    refused 1 --days 0 client x
    refused 1 --days 1e3 client x
    refused 1 --days
    refused 1 frobnicate
    refused 1 --frobnicate list
    refused 1 client x y
    refused 2 revoke nobody
    refused 2 renew nobody
    refused 2 show nobody
    refused 1 show
    refused 1 export anna
    refused 2 --remote 'x; id' export anna
    refused 2 --remote x --out /nonexistent/x export anna
    refused 2 --remote x --out / export anna
    refused 2 --dir 'a b' list
    refused 2 --dir "$(printf 'a\nb')" list
    refused 2 --dir /etc --no-ca-pass init
    refused 2 --ca-pass-file none --dir new init
    refused 1 sign eve
    refused 2 --request none.csr sign eve
    echo garbage >"$WORK/garbage.csr"
    refused 2 --request garbage.csr sign eve
    openssl req -newkey rsa:1024 -nodes -subj /CN=x -keyout "$WORK/weak.key" -out "$WORK/weak.csr" 2>/dev/null
    refused 2 --request weak.csr sign eve
    refused 2 import /etc
    mkdir "$WORK/full"
    touch "$WORK/full/file"
    refused 2 --dir full --no-ca-pass init
    sound
}

# Directories that are broken or half-written: one line that says what, nothing lost.
damaged() { # SHELL
    SHELL_UNDER_TEST=$1
    pki_run --no-ca-pass init
    pki_run client anna
    cp -R "$WORK/pki" "$WORK/good"
    again() { rm -rf "$WORK/pki" && cp -R "$WORK/good" "$WORK/pki"; }
    rm "$WORK/pki/private/ca.key"
    refused 2 client bob
    pki_run list >/dev/null
    again
    : >"$WORK/pki/private/ca.key"
    refused 4 client bob
    again
    : >"$WORK/pki/ca.crt"
    refused 2 client bob
    again
    echo nonsense >>"$WORK/pki/index.txt"
    refused 2 client bob
    refused 2 list
    again
    rm "$WORK/pki/index.txt"
    refused 2 list
    again
    rm "$WORK"/pki/certs_by_serial/* "$WORK"/pki/issued/anna.crt
    refused 2 revoke anna
    refused 2 renew anna
    again
    if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
        chmod 711 "$WORK/pki"
        SHELL_UNDER_TEST="setpriv --reuid=65534 --regid=65534 --clear-groups $1"
        refused 2 list
        refused 2 client bob
        SHELL_UNDER_TEST=$1
    fi
    again
    rm "$WORK/pki/private/anna.key" "$WORK/pki/reqs/anna.req"
    refused 2 renew anna
    refused 2 --remote x export anna
}

# Commands that are killed at any point leave a directory that works, with or without the change.
interrupted() { # SHELL
    SHELL_UNDER_TEST=$1
    need openssl setsid
    pki_run --no-ca-pass init
    local i name pid
    for i in $(seq 8); do
        name=n$i
        case $((i % 4)) in
        0) set -- client $name ;;
        1) set -- renew "n$((i - 1))" ;;
        2) set -- revoke "n$((i - 2))" ;;
        3) set -- --revoke-old renew "n$((i - 3))" ;;
        esac
        [ -f "$WORK/pki/issued/${!#}.crt" ] || [ "$1" = client ] || pki_run client "${!#}" >/dev/null 2>&1 || true
        (cd "$WORK" && exec setsid $SHELL_UNDER_TEST "$PKI" "$@") >"$WORK/killed.log" 2>&1 &
        pid=$!
        sleep "0.$(printf '%03d' $((RANDOM % 90)))"
        kill -KILL -- -$pid 2>/dev/null || true
        wait $pid 2>/dev/null || true
        pki_run list >/dev/null
        [ ! -e "$WORK/pki/.commit" ] || fail "an unfinished change was left"
        [ $((i % 4)) != 0 ] || sound
    done
    # A journal that was left between its renames is finished by the next command.
    local step
    for step in 1 2 3; do
        pki_run client "x$step" >/dev/null
        mkdir -p "$WORK/pki/.commit/new/issued" "$WORK/pki/.stage.1"
        printf 'issued/x%s.crt revoked/certs_by_serial/AB.crt\n' $step >"$WORK/pki/.commit/retire"
        cp "$WORK/pki/issued/x$step.crt" "$WORK/pki/.commit/new/issued/x$step.crt"
        [ $step != 2 ] || rm "$WORK/pki/issued/x2.crt"
        [ $step != 3 ] || rm "$WORK/pki/.commit/retire"
        sound
        pki_run crl >/dev/null
        [ ! -e "$WORK/pki/.stage.1" ] || fail "leftovers stayed"
    done
}

# Two at a time wait for each other; one that waits too long says so.
together() { # SHELL
    SHELL_UNDER_TEST=$1
    pki_run --no-ca-pass init
    local i pids=
    for i in 1 2 3 4 5; do
        pki_run client c$i >/dev/null 2>&1 &
        pids="$pids $!"
    done
    for i in $pids; do wait "$i"; done
    [ "$(pki_run --json list | jq length)" = 5 ] || fail "a certificate was lost"
    sound
    exec 8>>"$WORK/pki/.lock"
    flock 8
    PKI_LOCK_SECONDS=0 refused 3 client d
    exec 8>&-
    pki_run client d
}

signing() { # SHELL: a client that keeps its key, a CA key with a password
    SHELL_UNDER_TEST=$1
    need openssl
    echo secret >"$WORK/pass"
    pki_run --ca-pass-file pass init
    grep -q ENCRYPTED "$WORK/pki/private/ca.key" || fail "the CA key has no password"
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=someone else" \
        -keyout "$WORK/own.key" -out "$WORK/own.csr" 2>/dev/null
    pki_run --ca-pass-file pass --request own.csr sign dora
    openssl x509 -in "$WORK/pki/issued/dora.crt" -noout -subject | grep >/dev/null 'CN = dora$' || fail "the name of the request was taken"
    [ "$(public_of_key "$WORK/own.key")" = "$(public_of_certificate "$WORK/pki/issued/dora.crt")" ]
    pki_run --ca-pass-file pass --request - --type server sign gate <"$WORK/own.csr"
    verify -purpose sslserver "$WORK/pki/issued/gate.crt"
    refused 2 --remote x export dora
    pki_run --ca-pass-file pass renew dora
    [ "$(public_of_key "$WORK/own.key")" = "$(public_of_certificate "$WORK/pki/issued/dora.crt")" ]
    echo wrong >"$WORK/pass2"
    refused 2 --ca-pass-file pass2 client eve
    refused 2 client eve
    refused 2 revoke dora
    echo abc >"$WORK/pass3"
    refused 2 --dir other --ca-pass-file pass3 init
    pki_run --ca-pass-file pass revoke dora
    for type in rsa3072 ed25519; do
        pki_run --dir $type --no-ca-pass --key $type init
        pki_run --dir $type client x
        openssl verify -CAfile "$WORK/$type/ca.crt" "$WORK/$type/issued/x.crt"
        pki_run --dir $type revoke x
    done
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
        $easyrsa build-client-full bob nopass
        $easyrsa revoke bob
        $easyrsa gen-crl
    ) >"$WORK/easyrsa.log" 2>&1
    pki_run import old
    pki_run --json list | jq -e 'length == 3 and ([.[] | select(.state == "revoked")] | length) == 1'
    pki_run --json show vpn | jq -e '.[0].type == "server"'
    pki_run renew vpn
    pki_run revoke anna
    pki_run client anna
    verify_crl "$WORK/pki/issued/anna.crt"
    refused 2 import old
    pki_run --force import old
    [ -d "$WORK"/pki.before-import.*/private ] || fail "the old authority was not kept"
    pki_run client zed
    # And back: easy-rsa goes on with our directory.
    (cd "$WORK" && export EASYRSA_BATCH=1 EASYRSA_PKI=$WORK/pki && $easyrsa build-client-full zoe nopass &&
        $easyrsa revoke zed && $easyrsa gen-crl) >"$WORK/easyrsa.log" 2>&1
    pki_run show zoe
    pki_run --json show zed | jq -e '.[0].state == "revoked"'
    sound
}

profile() { # SHELL: what server-setup and client give is right for vpnd and for openvpn
    SHELL_UNDER_TEST=$1
    [ -x "$VPND" ] || skip "vpnd is not built"
    need openvpn
    refused 2 server-setup --yes --no-ca-pass --etc "$WORK/etc" --units none --remote vpn.example.com --network 10.8.0.1/24
    refused 2 server-setup --yes --no-ca-pass --etc "$WORK/etc" --units none --remote "a b"
    refused 2 server-setup --yes --no-ca-pass --etc "$WORK/etc" --units "$WORK/none" --remote a
    refused 1 server-setup --no-ca-pass --etc "$WORK/etc" --units none
    mkdir "$WORK/units"
    pki_run server-setup --yes --no-ca-pass --etc "$WORK/etc" --units "$WORK/units" --remote vpn.example.com
    "$VPND" --config "$WORK/etc/server.conf" --check >"$WORK/check.log" || fail "the configuration is wrong: $(cat "$WORK/check.log")"
    ! grep -q WARNING "$WORK/check.log" || fail "the configuration is weak: $(cat "$WORK/check.log")"
    if command -v systemd-analyze >/dev/null; then
        ! systemd-analyze verify "$WORK/units/vpnd.service" 2>&1 | grep "$WORK" || fail "the unit is wrong"
    fi
    pki_run --dir etc/pki client anna
    [ "$(stat -c %a "$WORK/anna.ovpn")" = 600 ] || fail "the profile is readable by others"
    "$VPND" --config "$WORK/anna.ovpn" --check >"$WORK/check.log" || fail "the profile is wrong: $(cat "$WORK/check.log")"
    grep -q '^remote vpn.example.com 1194 udp$' "$WORK/anna.ovpn"
    pki_run --dir etc/pki --remote other.example.com --port 443 --proto tcp --out - export anna | grep >/dev/null '^remote other.example.com 443 tcp$'
    # Called again with other settings: keys and certificates stay.
    local before
    before=$(sha256sum "$WORK/etc/pki/private/tls-crypt-v2-server.key" "$WORK/etc/pki/issued/server.crt")
    pki_run server-setup --yes --etc "$WORK/etc" --units none --remote vpn.example.com --proto tcp --redirect no
    [ "$before" = "$(sha256sum "$WORK/etc/pki/private/tls-crypt-v2-server.key" "$WORK/etc/pki/issued/server.crt")" ] || fail "keys changed"
    grep -q '^port 443$' "$WORK/etc/server.conf" && grep -q '^port 1194$' "$WORK/etc/server.conf.before"
    # openvpn reads the profile as far as it can without a server.
    pki_run --dir etc/pki --remote 127.0.0.1 --out local.ovpn export anna
    (cd "$WORK" && openvpn --config local.ovpn --dev null --connect-retry-max 1 --connect-timeout 1) >"$WORK/openvpn.log" 2>&1 || true
    grep -q 'Attempting to establish\|UDPv4 link remote' "$WORK/openvpn.log" || fail "openvpn does not take the profile"
    # PKCS #12, with and without a password.
    pki_run --dir etc/pki --p12 export anna
    openssl pkcs12 -in "$WORK/anna.p12" -passin pass: -nodes 2>/dev/null | grep >/dev/null 'friendlyName: anna'
    echo apple >"$WORK/p12pass"
    pki_run --dir etc/pki --p12 --p12-pass-file p12pass --out b.p12 export anna
    openssl pkcs12 -in "$WORK/b.p12" -passin pass:apple -nodes 2>/dev/null | openssl x509 -noout -subject | grep >/dev/null anna
}

# A client with the profile that pki wrote; revoking it ends its session within 10 s, without a restart, and keeps it out.
#
#   [s] 10.99.0.1 server.conf of server-setup  --- veth ---  10.99.0.2 [c] anna.ovpn, bob.ovpn of pki client
revoked() { # PROGRAM of the clients
    SHELL_UNDER_TEST=sh
    [ -x "$VPND" ] || skip "vpnd is not built"
    server_and_client
    pki_run server-setup --yes --no-ca-pass --etc "$WORK/etc" --units none --remote 10.99.0.1 --redirect no
    pki_run --dir etc/pki client anna
    pki_run --dir etc/pki client bob
    start server ip netns exec "$(ns s)" "$VPND" --config "$WORK/etc/server.conf" --verb 4
    expect_log "$WORK/server.log" 'Initialization Sequence Completed'
    start anna ip netns exec "$(ns c)" "$1" --config "$WORK/anna.ovpn" --dev tun1
    start bob ip netns exec "$(ns c)" "$1" --config "$WORK/bob.ovpn" --dev tun2
    expect_log "$WORK/anna.log" 'Initialization Sequence Completed'
    expect_log "$WORK/bob.log" 'Initialization Sequence Completed'
    in_ns c ping -c 1 -W 5 -I tun1 10.8.0.1
    in_ns c ping -c 1 -W 5 -I tun2 10.8.0.1
    pki_run --dir etc/pki revoke anna
    expect_log "$WORK/server.log" 'anna/.* client-instance exiting' 10
    expect_log "$WORK/anna.log" 'AUTH_FAILED,certificate revoked'
    wait_for 5 "the revoked client to end" sh -c "! kill -0 $(pid_of anna)"
    start again ip netns exec "$(ns c)" "$1" --config "$WORK/anna.ovpn" --dev tun1
    expect_log "$WORK/server.log" 'VERIFY ERROR.*certificate revoked.*CN=anna'
    in_ns c ping -c 1 -W 5 -I tun2 10.8.0.1
}

# contrib/portal.sh lives on the scripting contract.
portal() {
    SHELL_UNDER_TEST=sh
    need jq
    pki_run server-setup --yes --no-ca-pass --etc "$WORK/etc" --units none --remote vpn.example.com
    ask() { # METHOD QUERY USER
        REQUEST_METHOD=$1 QUERY_STRING=$2 REMOTE_USER=$3 PKI=$PKI PKI_DIR=$WORK/etc/pki VPND=$VPND \
            sh "$SOURCE_DIR/contrib/portal.sh" | tr -d '\r' >"$WORK/answer"
    }
    ask GET profile anna
    grep -q '^Status: 200' "$WORK/answer" && grep -q '^<tls-crypt-v2>' "$WORK/answer"
    ask GET status anna
    sed '1,/^$/d' "$WORK/answer" | jq -e '.[0].name == "anna"'
    ask POST revoke anna
    grep -q '^Status: 200' "$WORK/answer"
    [ "$(PKI_DIR=$WORK/etc/pki pki_run --json list | jq -r '.[] | select(.name == "anna").state')" = revoked ]
    ask GET profile anna
    grep -q '^Status: 200' "$WORK/answer"
    local user
    for user in 'a b' --force ../x "$(printf 'a\nb')"; do
        ask GET profile "$user"
        grep -q '^Status: 409' "$WORK/answer" || fail "user '$user' got: $(head -n 1 "$WORK/answer")"
    done
    ask GET profile ''
    grep -q '^Status: 403' "$WORK/answer"
    ask GET nonsense anna
    grep -q '^Status: 404' "$WORK/answer"
}

# NetworkManager's plug-in imports the profile (a NetworkManager of its own, with a bus and directories of its own).
network_manager() {
    SHELL_UNDER_TEST=sh
    need nmcli NetworkManager dbus-daemon unshare
    [ "$(id -u)" = 0 ] || skip "needs root"
    [ -e /usr/lib/NetworkManager/VPN/nm-openvpn-service.name ] || skip "network-manager-openvpn is not installed"
    pki_run server-setup --yes --no-ca-pass --etc "$WORK/etc" --units none --remote vpn.example.com
    pki_run --dir etc/pki client anna
    mkdir -p "$WORK/etc-nm" "$WORK/run" "$WORK/var"
    cat >"$WORK/nm.sh" <<'END'
set -e
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/lib/NetworkManager 2>/dev/null || { mkdir -p /var/lib/NetworkManager; mount -t tmpfs tmpfs /var/lib/NetworkManager; }
mount --bind "$WORK/etc-nm" /etc/NetworkManager
printf '[main]\nplugins=keyfile\n[keyfile]\nunmanaged-devices=*\n' >/etc/NetworkManager/NetworkManager.conf
mkdir -p /run/dbus /etc/NetworkManager/system-connections
dbus-daemon --system --fork --nopidfile
NetworkManager --no-daemon >"$WORK/nm.log" 2>&1 &
for _ in $(seq 100); do nmcli -t general >/dev/null 2>&1 && break || sleep 0.1; done
HOME=$WORK nmcli connection import type openvpn file "$WORK/anna.ovpn"
nmcli -t -f vpn.data connection show anna >"$WORK/imported"
END
    WORK=$WORK timeout 60 unshare -m -n -p -f --mount-proc bash "$WORK/nm.sh" || fail "the import failed: $(tail -n 3 "$WORK/nm.log")"
    grep -q 'remote = vpn.example.com:1194:udp' "$WORK/imported"
    grep -q 'tls-crypt-v2 = ' "$WORK/imported"
    grep -q 'remote-cert-tls = server' "$WORK/imported"
}

lint() {
    need shellcheck
    # from here, so that the sourced file is found
    cd "$SOURCE_DIR"
    shellcheck -x -s sh "$PKI"
    shellcheck "$SOURCE_DIR/contrib/portal.sh"
    # No bashism: a shell without extensions parses it, and so does this one.
    dash -n "$PKI"
}

run_case lint lint
for shell in dash busybox-sh; do
    command -v ${shell%-sh} >/dev/null || continue
    run_case "life-$shell" life "${shell/-/ }"
    run_case "bad-input-$shell" bad_input "${shell/-/ }"
    run_case "signing-$shell" signing "${shell/-/ }"
    run_case "interrupted-$shell" interrupted "${shell/-/ }"
done
run_case damaged damaged dash
run_case together together dash
run_case from-easy-rsa from_easy_rsa dash
run_case profile profile dash
run_case portal portal
run_case "revoked-openvpn" revoked "$OPENVPN"
run_case "revoked-vpnd" revoked "$VPND"
run_case network-manager network_manager
finish
