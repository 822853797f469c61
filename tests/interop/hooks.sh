#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What the user's programs see: the same configuration runs under openvpn and under vpnd, each hook writes down its
# arguments and its environment, and the two records are compared.
. "$(dirname "$0")/../tools/testlib.sh"

# Values that differ between two runs by nature, and file names.
normalise() {
    sed -E -e 's/^(untrusted_port|trusted_port|daemon_pid|daemon_start_time|time_unix|time_ascii|time_duration|bytes_sent|bytes_received|local_port_1)=.*/\1=*/' \
        -e 's,^(auth_control_file|auth_pending_file|auth_failed_reason_file|client_connect_config_file|client_connect_deferred_file|config)=.*,\1=*,' \
        -e 's,^(args=.*)/[^ ]*openvpn_[^ ]*tmp,\1FILE,' -e 's/(AF_INET\][0-9.]+) [0-9]+/\1 PORT/' |
        grep -vE '^(IV_|PWD=|SHLVL=|_=|session_id=|X509_1_CN|tls_(serial|digest|serial_hex|digest_sha256)_)' | sort
}

record() { # PROGRAM OUT: one server and one client of PROGRAM, connected once
    local dir=$WORK/$2
    mkdir "$dir"
    local end
    for end in server client; do
        cat >"$WORK/$end-hook" <<-END
			#!/bin/sh
			{ echo "args=\$*"; env; } >"$dir/new.\$\$"
			mv "$dir/new.\$\$" "$dir/$end-\$script_type"
		END
        chmod 755 "$WORK/$end-hook"
    done
    start "server-$2" ip netns exec "$(ns s)" "$1" --cd "$WORK" --config server.conf
    expect_log "$WORK/server-$2.log" 'Initialization Sequence Completed'
    start "client-$2" ip netns exec "$(ns c)" "$1" --cd "$WORK" --config client.conf
    expect_log "$WORK/client-$2.log" 'Initialization Sequence Completed'
    wait_for 10 "a ping" in_ns c ping -c 1 -W 1 10.77.0.1
    stop "client-$2"
    wait_for 15 "client-disconnect" test -e "$dir/server-client-disconnect"
    stop "server-$2"
}

compare() {
    need openvpn openssl
    server_and_client
    pki "$WORK/pki"
    printf 'anna\nsecret\n' >"$WORK/credentials"
    chmod 600 "$WORK/credentials"
    cat >"$WORK/server.conf" <<-END
		dev tun0
		proto udp4
		topology $1
		server 10.77.0.0 255.255.255.0
		server-ipv6 fd77::/64
		ca pki/ca.crt
		cert pki/server.crt
		key pki/server.key
		dh none
		keepalive 2 8
		route 10.66.0.0 255.255.0.0
		push "route 10.55.0.0 255.255.0.0"
		push "dhcp-option DNS 10.77.0.1"
		setenv FROM_CONFIG "a value"
		script-security 2
		up server-hook
		down server-hook
		route-up server-hook
		route-pre-down server-hook
		tls-verify server-hook
		auth-user-pass-verify server-hook via-file
		client-connect server-hook
		client-disconnect server-hook
		learn-address server-hook
		verb 3
	END
    cat >"$WORK/client.conf" <<-END
		client
		dev tun0
		remote 10.99.0.1 1194 udp4
		nobind
		ca pki/ca.crt
		cert pki/client1.crt
		key pki/client1.key
		auth-user-pass credentials
		explicit-exit-notify 1
		script-security 2
		up client-hook
		down client-hook
		route-up client-hook
		route-pre-down client-hook
		tls-verify client-hook
		ipchange client-hook
		verb 3
	END
    sed -i "s, \(server\|client\)-hook, $WORK/\1-hook," "$WORK/server.conf" "$WORK/client.conf"
    record "$OPENVPN" openvpn
    record "$VPND" vpnd
    local hook differences=
    for hook in "$WORK"/openvpn/*; do
        hook=$(basename "$hook")
        if [ ! -e "$WORK/vpnd/$hook" ]; then
            differences="$differences $hook:not-run"
            continue
        fi
        diff <(normalise <"$WORK/openvpn/$hook") <(normalise <"$WORK/vpnd/$hook") >"$WORK/diff" ||
            { echo "== $hook (< openvpn, > vpnd)"; cat "$WORK/diff"; differences="$differences $hook"; }
    done
    [ -z "$differences" ] || fail "different:$differences"
}

run_case environment-subnet compare subnet
run_case environment-net30 compare net30
finish
