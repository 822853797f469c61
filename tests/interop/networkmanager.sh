#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# NetworkManager with its OpenVPN service, unchanged, on a bus of its own: with a vpnd server, and with vpnd under the
# name openvpn as its client.
#
#   [s] eth0 10.99.0.1 ------------- 10.99.0.2 eth0 [c] dbus-daemon, NetworkManager, nm-openvpn-service, openvpn
#        tun0 10.77.0.1 == tunnel == 10.77.0.x tun0
. "$(dirname "$0")/../tools/testlib.sh"

write_server() {
    cat >"$WORK/server.conf" <<-END
		dev tun0
		dev-type tun
		proto ${1:-udp}
		topology subnet
		server 10.77.0.0 255.255.255.0
		server-ipv6 fd77::/64
		ca pki/ca.crt
		cert pki/server.crt
		key pki/server.key
		dh none
		tls-crypt pki/static.key
		keepalive 1 5
		script-security 2
		auth-user-pass-verify $WORK/login via-file
		push "route 10.66.0.0 255.255.0.0"
		push "dhcp-option DNS 10.77.0.1"
		verb 3
	END
    # Both have what NetworkManager has to quote towards the management interface.
    printf '%s\n' 'al ice\"' 'se cr\"et' >"$WORK/expected-login"
    printf '%s\n' '#!/bin/sh' "exec cmp -s \$1 $WORK/expected-login" >"$WORK/login"
    chmod 755 "$WORK/login"
}

# Everything of a host that NetworkManager touches is the namespace's own: the file systems below and the bus.
write_host() { # PROGRAM
    cat >"$WORK/host.sh" <<-END
		set -e
		mount -t tmpfs run /run
		mkdir -p /run/dbus /run/NetworkManager $WORK/nm/system-connections $WORK/nm-state
		mount --bind $WORK/nm /etc/NetworkManager
		mkdir -p /var/lib/NetworkManager
		mount --bind $WORK/nm-state /var/lib/NetworkManager
		touch $WORK/resolv.conf
		mount --bind $WORK/resolv.conf /etc/resolv.conf
		mount --bind $1 /usr/sbin/openvpn
		mount -o remount,ro /sys # a container: no udev is waited for
		dbus-daemon --system --nofork --nopidfile &
		while [ ! -S /run/dbus/system_bus_socket ]; do sleep 0.05; done
		exec NetworkManager --no-daemon --log-level=DEBUG --log-domains=VPN,CORE,DEVICE
	END
    mkdir -p "$WORK/nm/system-connections"
    cat >"$WORK/nm/NetworkManager.conf" <<-END
		[main]
		plugins=keyfile
		auth-polkit=false
		dns=none
		no-auto-default=*
	END
    cat >"$WORK/nm/system-connections/wire.nmconnection" <<-END
		[connection]
		id=wire
		uuid=11111111-1111-1111-1111-111111111111
		type=ethernet
		interface-name=eth0
		[ipv4]
		method=manual
		address1=10.99.0.2/24,10.99.0.1
		[ipv6]
		method=disabled
	END
    cat >"$WORK/nm/system-connections/tunnel.nmconnection" <<-END
		[connection]
		id=tunnel
		uuid=22222222-2222-2222-2222-222222222222
		type=vpn
		autoconnect=false
		[vpn]
		service-type=org.freedesktop.NetworkManager.openvpn
		connection-type=password-tls
		remote=10.99.0.1:1194${2:+:$2}
		username=al ice\\\\"
		password-flags=0
		cert-pass-flags=0
		ca=$WORK/pki/ca.crt
		cert=$WORK/pki/client1.crt
		key=$WORK/pki/client1.key
		tls-crypt=$WORK/pki/static.key
		remote-cert-tls=server
		verify-x509-name=name:server
		data-ciphers=AES-256-GCM:AES-128-GCM
		tls-version-min=1.2
		ping=1
		ping-restart=6
		connect-timeout=20
		mssfix=1400
		tunnel-mtu=1500
		push-peer-info=yes
		reneg-seconds=3600
		dev=tun0
		dev-type=tun
		${PROXY_LINES:-}
		[vpn-secrets]
		password=se cr\\\\"et
		${PROXY_SECRET:-}
		[ipv4]
		method=auto
		never-default=true
		[ipv6]
		method=auto
	END
    chmod 600 "$WORK/nm/system-connections"/*
}

nm() { nsenter --target "$(pgrep -P "$(pid_of host)" -x dbus-daemon || pid_of host)" --mount --net nmcli "$@"; }
nm_state() { [ "$(nm -t -g GENERAL.STATE connection show "$1" 2>/dev/null)" = activated ]; }

# same_program FILE: the process behind the service runs it
same_program() {
    local pid
    for pid in $(ip netns pids "$(ns c)"); do
        [ "$(stat -L -c %d:%i "/proc/$pid/exe" 2>/dev/null)" != "$(stat -L -c %d:%i "$1")" ] || return 0
    done
    return 1
}

networkmanager() { # SERVER CLIENT [PROTO]
    need openvpn NetworkManager nmcli dbus-daemon nsenter
    [ -x /usr/lib/NetworkManager/nm-openvpn-service ] || skip "network-manager-openvpn is not installed"
    server_and_client
    pki "$WORK/pki"
    chmod -R a+rX "$WORK/pki"
    chmod a+r "$WORK"/pki/*.key
    write_server "${3:+tcp-server}"
    write_host "$2" "${3:-}"
    start server ip netns exec "$(ns s)" "$1" --cd "$WORK" --config server.conf
    expect_log "$WORK/server.log" 'Initialization Sequence Completed'
    in_ns c ip addr flush dev eth0
    if [ -n "${PROXY_LINES:-}" ]; then
        start proxy ip netns exec "$(ns s)" python3 -u "$TESTS_DIR/tools/connect_proxy.py" 10.99.0.1 3128 anna secret
        expect_log "$WORK/proxy.log" ready
    fi
    start host ip netns exec "$(ns c)" sh "$WORK/host.sh"
    wait_for 20 "NetworkManager" nm general
    nm device set eth0 managed yes || true
    nm connection up wire || fail "NetworkManager does not manage the cable here"
    nm --wait 40 connection up tunnel || fail "the connection does not come up"
    nm_state tunnel || fail "not activated"
    same_program "$2" || fail "another program made the connection"
    wait_for 10 "a ping through the tunnel" in_ns c ping -c 1 -W 1 10.77.0.1
    in_ns c ip route show 10.66.0.0/16 | grep -q tun0 || fail "the pushed route is missing"
    wait_for 10 "an IPv6 address" sh -c "ip -n $(ns c) -6 addr show dev tun0 | grep -q fd77::"
    nm -t -g IP4.DNS connection show tunnel | grep -q 10.77.0.1 || fail "the pushed DNS server did not arrive"
    nm --wait 20 connection down tunnel
    wait_for 10 "the device to go" sh -c "! ip -n $(ns c) link show tun0"
    # A wrong password is reported as such and asked for again, not retried forever.
    sed -i 's/^password=.*/password=wrong/' "$WORK/nm/system-connections/tunnel.nmconnection"
    nm connection reload
    ! nm --wait 30 connection up tunnel || fail "a wrong password was accepted"
    wait_for 10 "the client to end" sh -c "! ip -n $(ns c) link show tun0"
}

# An HTTP proxy in the profile that wants a login: NetworkManager gives it over the management interface.
through_proxy() { # SERVER CLIENT
    need python3
    PROXY_LINES="proxy-type=http
proxy-server=10.99.0.1
proxy-port=3128
http-proxy-username=anna
http-proxy-password-flags=0"
    PROXY_SECRET="http-proxy-password=secret"
    networkmanager "$1" "$2" tcp
    grep -q 'CONNECT 10.99.0.1:1194' "$WORK/proxy.log" || fail "the connection went past the proxy"
}

# Each option that the service can pass, as it passes it, next to those that it always passes.
every_option() {
    need openssl
    pki "$WORK/pki"
    ln -s "$VPND" "$WORK/openvpn"
    "$WORK/openvpn" --version >"$WORK/version" || fail "--version ends with $?"
    head -n 1 "$WORK/version" | grep -qE '^OpenVPN 2\.6\.[0-9]+ ' || fail "--version begins with: $(head -n 1 "$WORK/version")"
    printf '#!/bin/sh\n' >"$WORK/helper"
    chmod 755 "$WORK/helper"
    mkdir -p "$WORK/jail/tmp"
    local base=(--remote 10.99.0.1 1194 --nobind --dev tun --verb 3 --syslog nm-openvpn --script-security 2
        --up "$WORK/helper --debug 0 1 --bus-name org.test --tun --" --up-restart --persist-key --persist-tun
        --management "$WORK/socket" unix --management-client-user root --management-client-group root
        --management-query-passwords --auth-retry interact --route-noexec --ifconfig-noexec
        --client --ca "$WORK/pki/ca.crt" --cert "$WORK/pki/client1.crt" --key "$WORK/pki/client1.key" --auth-user-pass)
    local line failed=
    while read -r line; do
        # shellcheck disable=SC2086 # words
        if ! "$WORK/openvpn" "${base[@]}" ${line//WORK/$WORK} --check >"$WORK/out" 2>&1; then
            echo "$line: $(tail -n 2 "$WORK/out" | head -n 1)"
            failed="$failed; $line"
        fi
    done <<-END
		--remote 10.99.0.2 1194 udp --reneg-sec 0
		--proto tcp-client
		--explicit-exit-notify
		--remote-random
		--remote-random-hostname
		--allow-pull-fqdn
		--tun-ipv6
		--proto tcp-client --http-proxy 10.0.0.1 8080 auto --http-proxy-retry
		--proto tcp-client --http-proxy 10.0.0.1 8080 auto basic
		--socks-proxy 10.0.0.1 1080 --socks-proxy-retry
		--allow-compression no
		--allow-compression asym
		--comp-lzo yes
		--comp-lzo no
		--comp-lzo adaptive
		--compress
		--compress lz4
		--compress lz4-v2
		--compress lzo
		--float
		--ncp-disable
		--ping 10 --ping-exit 60
		--ping 10 --ping-restart 60
		--connect-timeout 120
		--max-routes 200
		--dev tap --dev-type tap
		--cipher AES-256-CBC
		--data-ciphers AES-256-GCM:AES-128-GCM --data-ciphers-fallback AES-256-CBC
		--tls-cipher TLS-ECDHE-ECDSA-WITH-AES-256-GCM-SHA384
		--auth SHA256
		--auth-nocache
		--tls-auth WORK/pki/static.key 1
		--tls-crypt WORK/pki/static.key
		--tls-version-min 1.2 or-highest
		--tls-version-max 1.3
		--extra-certs WORK/pki/ca.crt
		--verify-x509-name server name
		--verify-x509-name server name-prefix
		--remote-cert-tls server
		--ns-cert-type server
		--tun-mtu 1400
		--fragment 1300
		--mssfix
		--mssfix 1300
		--mtu-disc yes
		--crl-verify WORK/pki/ca.crt
		--push-peer-info
		--user nobody --group nogroup --chroot WORK/jail
		--topology subnet
	END
    [ -z "$failed" ] || fail "these options are refused${failed}"
}

run_case every-option every_option
run_case vpnd-server-stock-client networkmanager "$VPND" "$OPENVPN"
run_case stock-server-vpnd-client networkmanager "$OPENVPN" "$VPND"
run_case vpnd-vpnd-tcp networkmanager "$VPND" "$VPND" tcp
run_case through-http-proxy through_proxy "$OPENVPN" "$VPND"
finish
