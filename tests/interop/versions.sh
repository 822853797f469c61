#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# vpnd with the other versions of OpenVPN that tests/tools/other-openvpn.sh brought to $OTHER_OPENVPN: first light, a
# renegotiation from each end, exit, with each data format, wrap and transport that the version has.
#
#   [s] eth0 10.99.0.1, fd99::1 ------------- 10.99.0.2, fd99::2 eth0 [c]
#        tun0 10.77.0.1, fd77::1 == tunnel == 10.77.0.x, fd77::x tun0
. "$(dirname "$0")/../tools/testlib.sh"

OTHER=${OTHER_OPENVPN:-${BUILD_DIR:-$SOURCE_DIR/build}/other-openvpn}

# need_other NAME: sets PROGRAM, or ends the case
need_other() {
    PROGRAM=$OTHER/$1
    [ -x "$PROGRAM" ] || skip "no $1 there: tests/tools/other-openvpn.sh brings it"
}

# setting WRAP PROTO: files of both ends, without the data format
setting() {
    local wrap_server='' wrap_client=''
    pki "$WORK/pki"
    case $1 in
    none) ;;
    tls-auth) wrap_server="tls-auth pki/static.key 0" wrap_client="tls-auth pki/static.key 1" ;;
    tls-crypt) wrap_server="tls-crypt pki/static.key" wrap_client=$wrap_server ;;
    tls-crypt-v2)
        "$VPND" --genkey tls-crypt-v2-server "$WORK/pki/v2s.key"
        "$VPND" --tls-crypt-v2 "$WORK/pki/v2s.key" --genkey tls-crypt-v2-client "$WORK/pki/v2c.key"
        wrap_server="tls-crypt-v2 pki/v2s.key" wrap_client="tls-crypt-v2 pki/v2c.key"
        ;;
    esac
    write_server "proto ${2/tcp/tcp-server}" 'topology subnet' 'server 10.77.0.0 255.255.255.0' \
        'server-ipv6 fd77::/64' "$wrap_server" 'keepalive 1 5' 'push "route 10.55.0.0 255.255.0.0"' \
        'script-security 2' "auth-user-pass-verify $WORK/login via-file" 'auth-user-pass-optional' \
        'status server.status 1' 'hand-window 10'
    write_client client client1 "remote 10.99.0.1 1194 ${2/tcp/tcp-client}" "$wrap_client" 'hand-window 10' \
        'explicit-exit-notify 1'
    [ "$2" = udp ] || sed -i /explicit-exit-notify/d "$WORK/client.conf"
    # Without a login everybody may in; who gives one has to be right.
    cat >"$WORK/login" <<-'END'
		#!/bin/sh
		[ ! -s "$1" ] || [ -z "$(head -n 1 "$1")" ] || [ "$(tr '\n' : <"$1")" = anna:secret: ]
	END
    chmod 755 "$WORK/login"
    printf '%s\n' anna secret >"$WORK/answers"
}

server_lines() { printf '%s\n' "$@" >>"$WORK/server.conf"; }
client_lines() { printf '%s\n' "$@" >>"$WORK/client.conf"; }

# launch server|client PROGRAM
launch() { start "$1" ip netns exec "$(ns "${1:0:1}")" "$2" --cd "$WORK" --config "$1.conf"; }

# pings NUMBER: through the tunnel, small and larger than a datagram of the path, none lost
pings() {
    in_ns c ping -q -i 0.02 -c "$1" -W 2 10.77.0.1 >/dev/null || fail "pings were lost"
    in_ns c ping -q -i 0.02 -c 5 -s 4000 -W 2 10.77.0.1 >/dev/null || fail "large pings were lost"
    in_ns s ping -q -c 1 -W 2 "$(in_ns c ip -4 -o addr show tun0 | sed -n 's/.*inet \([0-9.]*\).*/\1/p')" >/dev/null ||
        fail "no ping from the server"
    in_ns c ping -q -c 1 -W 2 fd77::1 >/dev/null || fail "no ping over IPv6"
}

handshakes() { grep -ac 'Control Channel: TLS' "$WORK/$1.log" || true; }
more_handshakes() { [ "$(handshakes "$1")" -gt "$2" ]; }

# The tunnel carries, both ends renegotiate twice without a loss, and the exit is orderly.
tunnel() { # CIPHER PROTO
    expect_log "$WORK/client.log" 'Initialization Sequence Completed'
    wait_for 10 "a ping through the tunnel" in_ns c ping -c 1 -W 1 10.77.0.1
    in_ns c ip route show 10.55.0.0/16 | grep -q tun0 || fail "the pushed route is missing"
    grep -aqE "Data Channel:.* cipher '$1'" "$WORK/client.log" "$WORK/server.log" || fail "another cipher than $1"
    local before
    before=$(handshakes server)
    start pinger ip netns exec "$(ns c)" ping -q -i 0.05 -c 100 10.77.0.1
    wait_for 15 "two renegotiations" more_handshakes server $((before + 1))
    pings 20
    wait_for 10 "the pings" sh -c "! kill -0 $(pid_of pinger)"
    grep -q ' 0% packet loss' "$WORK/pinger.log" || fail "a renegotiation lost packets: $(grep loss "$WORK/pinger.log")"
    stop client
    ! in_ns c ip link show tun0 2>/dev/null || fail "the client left its device behind"
    wait_for 15 "the server to forget the client" sh -c "! grep -q ^client1, '$WORK/server.status'"
    stop server
}

# pair VERSION ROLE WRAP PROTO CIPHER [OPTION...]: the other version in the role of server or client, with vpnd
pair() {
    local version=$1 role=$2 wrap=$3 proto=$4 cipher=$5 server=$VPND client=$VPND line
    need openssl
    need_other "$version"
    shift 5
    server_and_client
    setting "$wrap" "$proto"
    [ "$role" = client ] && client=$PROGRAM || server=$PROGRAM
    for line; do server_lines "$line" && client_lines "$line"; done
    # The one asks for new keys every two seconds, the other at odd times.
    server_lines 'reneg-sec 3'
    client_lines 'reneg-sec 2'
    launch server "$server"
    expect_log "$WORK/server.log" 'Initialization Sequence Completed'
    launch client "$client"
    tunnel "$cipher"
}

# What a 2.4 peer has or does, as far as 2.5 can be told to be like it: no negotiation of ciphers, old ciphers, LZO, the
# old key derivation (which 2.5 always has), TLS 1.2. THEIRS and OURS are further options of the old end and of vpnd.
old_peer() { # ROLE CIPHER THEIRS OURS
    local line theirs=client ours=server
    need openssl
    # OpenSSL keeps what a provider is made of to the end of the process.
    [[ $4 != *providers* ]] || no_leak_check
    need_other openvpn-2.5
    server_and_client
    setting tls-auth udp
    [ "$1" = client ] || theirs=server ours=client
    local IFS=';'
    for line in $3; do "${theirs}_lines" "$line"; done
    for line in $4; do "${ours}_lines" "$line"; done
    unset IFS
    # A client sends with a new key after its hand-window, or once the key before it is as new: a program that checks the
    # login could still be at it then. Nobody renegotiates that often.
    sed -i /auth-user-pass/d "$WORK/server.conf"
    server_lines 'reneg-sec 3'
    if [ "$1" = client ]; then launch server "$VPND"; else launch server "$PROGRAM"; fi
    expect_log "$WORK/server.log" 'Initialization Sequence Completed'
    if [ "$1" = client ]; then launch client "$PROGRAM"; else launch client "$VPND"; fi
    tunnel "$2"
}

# update OPTIONS: what the server's management pushes to all; its answer comes late or never, the effect is awaited
update() { printf 'push-update-broad "%s"\n' "$1" | timeout 5 socat -t 1 - "UNIX-CONNECT:$WORK/management" >>"$WORK/answer" || true; }

route_of_client() { in_ns c ip route show "$1" | grep -q tun0; }
no_route_of_client() { ! route_of_client "$1"; }

# Options of a running connection: new routes take the place of the old ones, then all go. OpenVPN opens its device
# anew for that.
updates() {
    wait_for 10 "the pushed route" route_of_client 10.55.0.0/16
    update 'route 10.88.0.0 255.255.0.0'
    wait_for 10 "the new route" route_of_client 10.88.0.0/16
    wait_for 10 "the old route to go" no_route_of_client 10.55.0.0/16
    update '-route'
    wait_for 10 "all routes to go" no_route_of_client 10.88.0.0/16
    wait_for 10 "a ping after that" in_ns c ping -c 1 -W 1 10.77.0.1
}

push_update() { # VERSION ROLE
    local server=$VPND client=$VPND
    need openssl socat
    need_other "$1"
    server_and_client
    setting none udp
    [ "$2" = client ] && client=$PROGRAM || server=$PROGRAM
    server_lines "management $WORK/management unix"
    launch server "$server"
    expect_log "$WORK/server.log" 'Initialization Sequence Completed'
    launch client "$client"
    expect_log "$WORK/client.log" 'Initialization Sequence Completed'
    updates
}

# ---------------------------------------------------------------- OpenVPN 3, which is a client only

# profile PROTO WRAP [OPTION...]: everything inline, as it wants it
profile() {
    local tag option
    cat <<-END
		client
		dev tun
		remote 10.99.0.1 1194 $1
		remote-cert-tls server
		auth-user-pass
	END
    for tag in ca:ca.crt cert:client1.crt key:client1.key "$2"; do
        [ "$tag" != none ] || continue
        option=${tag%%:*}
        printf '<%s>\n%s\n</%s>\n' "$option" "$(cat "$WORK/pki/${tag#*:}")" "$option"
    done
    [ "${2%%:*}" != tls-auth ] || echo 'key-direction 1'
    shift 2
    printf '%s\n' "$@"
}

connections3() { grep -ac 'Client INFO: Connected: ' "$WORK/client.log" || true; }
more_connections3() { [ "$(connections3)" -gt "$1" ]; }

version3() { # WRAP PROTO CIPHER [OPTION...]
    local wrap=$1 proto=$2 cipher=$3 file=none before
    need openssl dbus-daemon unshare setpriv
    need_other openvpn3-client
    shift 3
    server_and_client
    setting "$wrap" "$proto"
    case $wrap in
    tls-auth | tls-crypt) file=$wrap:static.key ;;
    tls-crypt-v2) file=$wrap:v2c.key ;;
    esac
    # It takes a new key into use half its own reneg-sec after the handshake (a minute by default).
    profile "$proto" "$file" 'reneg-sec 8' "$@" >"$WORK/profile.ovpn"
    server_lines 'reneg-sec 6' 'push "dhcp-option DNS 10.77.0.1"' 'push "dhcp-option DOMAIN example.test"' 'mssfix 1300' \
        'push "mssfix 1300"' 'tun-mtu 1420' 'push "tun-mtu 1420"'
    launch server "$VPND"
    expect_log "$WORK/server.log" 'Initialization Sequence Completed'
    start client ip netns exec "$(ns c)" env TMPDIR="$WORK" "$PROGRAM" "$WORK/profile.ovpn" "$WORK/answers"
    expect_log "$WORK/client.log" 'Connected to '
    grep -aqE "Data Channel:.* cipher '$cipher'" "$WORK/server.log" || fail "another cipher than $cipher"
    wait_for 10 "a ping through the tunnel" in_ns c ping -c 1 -W 1 10.77.0.1
    in_ns c ip route show 10.55.0.0/16 | grep -q tun0 || fail "the pushed route is missing"
    in_ns c ip link show tun0 | grep -q 'mtu 1420' || fail "the pushed tun-mtu was not taken"
    before=$(handshakes server)
    start pinger ip netns exec "$(ns c)" ping -q -i 0.05 -c 250 10.77.0.1
    pings 20
    wait_for 15 "a renegotiation" more_handshakes server "$before"
    pings 20
    wait_for 20 "the pings" sh -c "! kill -0 $(pid_of pinger)"
    grep -q ' 0% packet loss' "$WORK/pinger.log" || fail "a renegotiation lost packets: $(grep loss "$WORK/pinger.log")"
    # It connects again when told to, and by itself when the server was away.
    before=$(connections3)
    kill -USR1 "$(pid_of client)"
    wait_for 20 "it to reconnect" more_connections3 "$before"
    wait_for 10 "a ping after that" in_ns c ping -c 1 -W 1 10.77.0.1
    before=$(connections3)
    stop server KILL
    launch server "$VPND"
    wait_for 40 "it to come back" more_connections3 "$before"
    wait_for 10 "a ping after the server was away" in_ns c ping -c 1 -W 1 10.77.0.1
    kill -USR2 "$(pid_of client)"
    expect_log "$WORK/client.log" '^nameserver 10.77.0.1'
    expect_log "$WORK/client.log" 'TUN_PACKETS_IN'
    ! grep -a TUN_WRITE_ERROR "$WORK/client.log" || fail "it was sent what is no packet"
    stop client
    wait_for 15 "the server to forget the client" sh -c "! grep -q ^client1, '$WORK/server.status'"
}

version3_refused() {
    need openssl dbus-daemon unshare setpriv
    need_other openvpn3-client
    server_and_client
    setting tls-crypt udp
    profile udp tls-crypt:static.key >"$WORK/profile.ovpn"
    printf '%s\n' anna wrong >"$WORK/answers"
    launch server "$VPND"
    expect_log "$WORK/server.log" 'Initialization Sequence Completed'
    start client ip netns exec "$(ns c)" env TMPDIR="$WORK" "$PROGRAM" "$WORK/profile.ovpn" "$WORK/answers"
    expect_log "$WORK/client.log" '[Aa]uthentication failed'
    wait_for 10 "it to end" sh -c "! kill -0 $(pid_of client)"
}

# A second factor, an answer that takes its time, and a token that spares the question when it connects again.
version3_login() {
    local before
    need openssl dbus-daemon unshare setpriv
    need_other openvpn3-client
    server_and_client
    setting none udp
    cat >"$WORK/login" <<-END
		#!/bin/sh
		tail -n 1 "\$1" >>"$WORK/asked"
		[ "\$(cat "\$1")" = "\$(printf 'anna\nSCRV1:%s:%s' \$(printf secret | base64) \$(printf 4711 | base64))" ] || exit 1
		{ sleep 1; echo 1 >"\$auth_control_file"; } >/dev/null 2>&1 &
		exit 2
	END
    server_lines auth-gen-token
    printf '%s\n' anna secret 4711 >"$WORK/answers"
    profile udp none 'static-challenge "The number" 1' >"$WORK/profile.ovpn"
    launch server "$VPND"
    expect_log "$WORK/server.log" 'Initialization Sequence Completed'
    start client ip netns exec "$(ns c)" env TMPDIR="$WORK" "$PROGRAM" "$WORK/profile.ovpn" "$WORK/answers"
    expect_log "$WORK/client.log" 'Connected to '
    wait_for 10 "a ping through the tunnel" in_ns c ping -c 1 -W 1 10.77.0.1
    before=$(connections3)
    kill -USR1 "$(pid_of client)"
    wait_for 20 "it to reconnect" more_connections3 "$before"
    wait_for 10 "a ping after that" in_ns c ping -c 1 -W 1 10.77.0.1
    [ "$(wc -l <"$WORK/asked")" = 1 ] || fail "the token was not used: $(cat "$WORK/asked")"
}

version3_push_update() {
    need openssl socat dbus-daemon unshare setpriv
    need_other openvpn3-client
    server_and_client
    setting none udp
    profile udp none >"$WORK/profile.ovpn"
    server_lines "management $WORK/management unix"
    launch server "$VPND"
    expect_log "$WORK/server.log" 'Initialization Sequence Completed'
    start client ip netns exec "$(ns c)" env TMPDIR="$WORK" "$PROGRAM" "$WORK/profile.ovpn" "$WORK/answers"
    expect_log "$WORK/client.log" 'Connected to '
    updates
}

for role in server client; do
    run_case "openvpn-2.5,$role,none,udp" pair openvpn-2.5 $role none udp AES-256-GCM
    run_case "openvpn-2.5,$role,tls-crypt-v2,tcp,cbc" pair openvpn-2.5 $role tls-crypt-v2 tcp AES-128-CBC "data-ciphers AES-128-CBC" "cipher AES-128-CBC"
    run_case "openvpn-2.7,$role,none,udp" pair openvpn-2.7 $role none udp AES-256-GCM
    run_case "openvpn-2.7,$role,tls-crypt-v2,tcp,chacha" pair openvpn-2.7 $role tls-crypt-v2 tcp CHACHA20-POLY1305 "data-ciphers CHACHA20-POLY1305"
    run_case "openvpn-2.7,$role,tls-auth,udp,cbc" pair openvpn-2.7 $role tls-auth udp AES-256-CBC "data-ciphers AES-256-CBC"
    run_case "openvpn-2.5,$role,no-ncp" old_peer $role AES-256-CBC 'ncp-disable;cipher AES-256-CBC;auth SHA256;tls-version-max 1.2' \
        'data-ciphers AES-256-GCM:AES-256-CBC;data-ciphers-fallback AES-256-CBC;auth SHA256'
    run_case "openvpn-2.5,$role,no-ncp,bf-cbc" old_peer $role BF-CBC 'ncp-disable;cipher BF-CBC;comp-lzo no' \
        'data-ciphers AES-256-GCM:BF-CBC;data-ciphers-fallback BF-CBC;providers legacy default;comp-lzo no'
    run_case "openvpn-2.5,$role,old-ncp,lzo" old_peer $role AES-256-GCM 'ncp-ciphers AES-256-GCM:AES-128-GCM;comp-lzo yes' \
        'compat-mode 2.4.0;comp-lzo yes;allow-compression asym'
    run_case "openvpn-2.7,$role,push-update" push_update openvpn-2.7 $role
done
run_case openvpn-3,push-update version3_push_update
run_case openvpn-3,tls-crypt-v2,udp version3 tls-crypt-v2 udp AES-256-GCM
run_case openvpn-3,tls-auth,tcp version3 tls-auth tcp AES-256-GCM
run_case openvpn-3,login version3_login
run_case openvpn-3,refused version3_refused
finish
