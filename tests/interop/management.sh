#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The management interface of vpnd beside that of the installed openvpn: the same dialogue with both, line by line.
#
#   [s] eth0 10.99.0.1 ------------- 10.99.0.2 eth0 [c]
#        tun0 10.77.0.1 == tunnel == 10.77.0.x tun0
#   management over $WORK/server.sock and $WORK/client.sock
. "$(dirname "$0")/../tools/testlib.sh"
DIALOGUES=$TESTS_DIR/tools/dialogues

write_configs() {
    write_server 'proto udp4' 'topology subnet' 'server 10.77.0.0 255.255.255.0' 'keepalive 1 4' 'hand-window 10' \
        'management server.sock unix'
    write_client client client1 'remote 10.99.0.1 1194 udp' 'hand-window 10' 'explicit-exit-notify 1' \
        'management client.sock unix'
}

program() {
    case $1 in
    vpnd) echo "$VPND" ;;
    openvpn) echo "$OPENVPN" ;;
    esac
}

is_27() { "$OPENVPN" --version | grep -q '^OpenVPN 2\.7'; }

# launch server|client PROGRAM [OPTION...]; with OPENVPN=... of 2.7, vpnd speaks as that does
launch() {
    local role=$1 prog=$2
    shift 2
    [ "$prog" != vpnd ] || ! is_27 || set -- "$@" --management-version 6
    [ "$prog$role" != vpndserver ] || ! is_27 || set -- "$@" --status-real-address 2.7
    start "$role" ip netns exec "$(ns "${role:0:1}")" "$(program "$prog")" --cd "$WORK" --config "$WORK/$role.conf" "$@"
}

# talk server|client DIALOGUE OUT: hold a dialogue from a file with a daemon that runs
talk() { timeout 60 python3 "$TESTS_DIR/tools/management.py" "$WORK/$1.sock" "$2" >"$WORK/$3" || fail "the dialogue broke off: $(tail -n 1 "$WORK/$3")"; }

same() { # what openvpn said, what vpnd said; 2.7 takes no notice of connect-retry
    ! is_27 || sed -i 's/\(hold release:\)[1-9]/\1N/' "$WORK/$1" "$WORK/$2"
    diff -u "$WORK/$1" "$WORK/$2" || fail "vpnd answers differently from openvpn"
}

# What only version 6 has, against answers of OpenVPN 2.7.8 that were kept, and against 2.7 itself where OPENVPN is one.
version_6() { # server|client DIALOGUE EXPECTED [OPTION...]
    need openssl python3
    local role=$1 dialogue=$2 expected=$3
    shift 3
    server_and_client
    write_configs
    launch "$role" vpnd --management-version 6 "$@"
    talk "$role" "$DIALOGUES/$dialogue.txt" vpnd.out
    ! kill -0 "$(pid_of "$role")" 2>/dev/null || stop "$role"
    diff -u "$DIALOGUES/$expected.expected" "$WORK/vpnd.out" || fail "vpnd answers differently from OpenVPN 2.7"
    is_27 || return 0
    launch "$role" openvpn "$@"
    talk "$role" "$DIALOGUES/$dialogue.txt" openvpn.out
    same openvpn.out vpnd.out
}

# Every command, right and wrong, on a daemon without a peer.
commands() { # server|client
    need openvpn openssl python3
    reference
    server_and_client
    write_configs
    local prog
    for prog in openvpn vpnd; do
        launch "$1" $prog
        talk "$1" "$DIALOGUES/common.txt" $prog.out
        stop "$1"
    done
    same openvpn.out vpnd.out
}

# The user bob has the password "secret". With a second argument the server asks for a PIN as well.
write_login() {
    cat >"$WORK/verify.sh" <<-'END'
		#!/bin/sh
		{ read -r user; read -r password; } <"$1"
		case $password in
		secret) [ ! -e pin ] || { echo "CRV1:R,E:s1:Ym9i:Your PIN" >"$auth_failed_reason_file"; exit 1; } ;;
		CRV1::s1::4711) ;;
		*) exit 1 ;;
		esac
	END
    chmod +x "$WORK/verify.sh"
    printf '%s\n' 'script-security 2' 'auth-user-pass-verify ./verify.sh via-file' 'push "echo hello"' \
        'push "route 10.55.0.0 255.255.0.0"' >>"$WORK/server.conf"
}

# A client that asks its management for everything; the server is openvpn.
asking() { # DIALOGUE CLIENT-OPTION...
    need openvpn openssl python3
    reference
    local dialogue=$1 prog
    shift
    server_and_client
    write_configs
    write_login
    [ "$dialogue" != client_challenge ] || {
        : >"$WORK/pin"
        openssl pkey -in "$WORK/pki/client1.key" -aes256 -passout pass:geheim -out "$WORK/pki/locked.key"
        sed -i 's/client1.key/locked.key/' "$WORK/client.conf"
    }
    launch server openvpn
    for prog in openvpn vpnd; do
        launch client $prog --connect-retry 1 --auth-user-pass --auth-retry interact --management-query-passwords "$@"
        talk client "$DIALOGUES/$dialogue.txt" $prog.out
        wait_for 10 "the client to end" sh -c "! kill -0 $(pid_of client)"
    done
    same openvpn.out vpnd.out
}

# A server whose management client decides on logins; the client is openvpn.
deciding() {
    need openvpn openssl python3
    reference
    server_and_client
    write_configs
    printf 'bob\nsecret\n' >"$WORK/login"
    local prog
    for prog in openvpn vpnd; do
        launch server $prog --management-client-auth --management-hold
        launch client openvpn --connect-retry 1 --auth-user-pass login --auth-retry nointeract
        talk server "$DIALOGUES/server_auth.txt" $prog.out
        wait_for 10 "the server to end" sh -c "! kill -0 $(pid_of server)"
        stop client
    done
    same openvpn.out vpnd.out
}

# The client ends by itself, with a word.
good_bye() {
    need openvpn openssl python3
    reference
    server_and_client
    write_configs
    printf 'bob\nsecret\n' >"$WORK/login"
    local prog
    for prog in openvpn vpnd; do
        : >"$WORK/client.log"
        launch server $prog --management-client-auth --management-hold
        launch client openvpn --connect-retry 1 --auth-user-pass login --explicit-exit-notify 1
        (
            wait_for 20 "the client to be up" grep -aq 'Initialization Sequence Completed' "$WORK/client.log"
            kill "$(pid_of client)"
        ) &
        talk server "$DIALOGUES/server_leave.txt" $prog.out
        stop server
        wait_for 10 "the client to end" sh -c "! kill -0 $(pid_of client)"
    done
    same openvpn.out vpnd.out
}

# A client whose management client signs; the server is openvpn.
signing() { # KEY-TYPE PROGRAM FLAG...
    no_leak_check # OpenSSL keeps what a provider is made of to the end of the process
    need openvpn openssl python3
    reference
    local type=$1 programs=$2 prog
    shift 2
    server_and_client
    write_configs
    rm -r "$WORK/pki"
    pki "$WORK/pki" "$type"
    sed -i '/^key /d' "$WORK/client.conf"
    mv "$WORK/pki/client1.key" "$WORK/elsewhere.key"
    export KEY=$WORK/elsewhere.key
    launch server openvpn
    for prog in $programs; do
        launch client $prog --connect-retry 1 --management-hold --management-external-key "$@"
        talk client "$DIALOGUES/client_key.txt" $prog.out
        wait_for 10 "the client to end" sh -c "! kill -0 $(pid_of client)"
    done
    [ "$programs" = vpnd ] || same openvpn.out vpnd.out
}

# Certificate and key are elsewhere; the first signature is no base64, so that attempt fails and the next one works.
certificate_elsewhere() {
    no_leak_check
    need openvpn openssl python3
    server_and_client
    write_configs
    sed -i '/^key /d; /^cert /d' "$WORK/client.conf"
    export KEY=$WORK/pki/client1.key CERTIFICATE=$WORK/pki/client1.crt
    launch server openvpn
    launch client vpnd --connect-retry 1 --management-hold --management-external-key --management-external-cert mine
    talk client "$DIALOGUES/client_certificate.txt" vpnd.out
    grep -q '^< >NEED-CERTIFICATE:mine$' "$WORK/vpnd.out" || fail "nobody asked for the certificate"
    expect_log "$WORK/client.log" 'Initialization Sequence Completed'
}

run_case commands-of-a-server commands server
run_case commands-of-a-client commands client
run_case version-6-of-a-server version_6 server version_6 version_6_server
run_case version-6-of-a-client version_6 client version_6 version_6_client
run_case version-6-password-lines version_6 client password_lines password_lines --auth-user-pass \
    --management-query-passwords --auth-retry interact --management-query-remote
run_case version-6-username-only version_6 client username_only username_only --auth-user-pass username-only \
    --management-query-passwords --management-query-remote --management-hold
run_case client-asks-for-hold-login-remote asking client_login --management-hold --management-query-remote
run_case client-asks-for-key-challenge-proxy asking client_challenge --persist-key --management-query-proxy \
    --static-challenge Token 1 --management-up-down
run_case client-ends-at-a-password asking client_unanswered --management-hold
run_case server-asks-about-logins deciding
run_case client-says-good-bye good_bye
run_case management-signs-ecdsa signing ec "openvpn vpnd"
run_case management-signs-rsa-pss signing rsa "openvpn vpnd" pss
run_case management-signs-messages signing rsa "openvpn vpnd" pss digest
# openvpn fails with these: it offers the server what it cannot sign.
run_case management-signs-rsa-pkcs1 signing rsa vpnd
run_case management-signs-rsa-raw signing rsa vpnd nopadding
run_case management-has-the-certificate certificate_elsewhere
finish
