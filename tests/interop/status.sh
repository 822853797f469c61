#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Status files and log lines that monitors and fail2ban read: the same clients connect to openvpn and to vpnd, and what
# both write is compared.
#
#   [s] eth0 10.99.0.1, fd99::1 ------------- 10.99.0.2, fd99::2 eth0 [c]
#        tun0 10.77.0.1, fd77::1 == tunnels ==   tun1, tun2
. "$(dirname "$0")/../tools/testlib.sh"
. "$(dirname "$0")/../tools/serverlib.sh"

# What differs between two runs by nature: ports, counters, times, the title.
normalise() {
    sed -E -e 's/^(TITLE.)[^ ]+ [^ ]+ ([^ ]+ \[SSL \(OpenSSL\)\]).*/\1PROGRAM VERSION \2/' \
        -e 's/[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}/DATE/g' \
        -e 's/\b[0-9]{10}\b/TIME/g' -e 's/(10\.99\.0\.2|\[?fd99::2\]?):[0-9]+/\1:PORT/g' \
        -e 's/([,\t])[0-9]{4}([,\t])[0-9]{4}([,\t])DATE/\1RX\2TX\3DATE/' \
        -e 's/([0-9a-f]{2}:){5}[0-9a-f]{2}@/MAC@/' -e 's/(queue length.)[0-9]+/\1N/' "$1"
}

# Those that every status has, in their order.
fixed_lines() { normalise "$1" | grep -vE '10\.99|fd99'; }

record() { # NAME PROGRAM VERSION
    SERVER=$2
    rm -f "$WORK/status"
    sed -i "s/^status-version.*/status-version $3/" "$WORK/server.conf"
    start server ip netns exec "$(ns s)" "$2" --cd "$WORK" --config server.conf
    expect_log "$WORK/server.log" 'Initialization Sequence Completed'
    client_up a "$OPENVPN"
    client_up b "$OPENVPN"
    wait_for 10 "a ping" in_ns c ping -I "$DEVICE_A" -c 1 -W 1 10.77.0.1
    wait_for 10 "the other's ping" in_ns c ping -I "$DEVICE_B" -c 1 -W 1 10.77.0.1
    wait_for 10 "both in the status" sh -c "grep -q 'client1.10.99' '$WORK/status' && grep -q 'client2.*fd99' '$WORK/status' && grep -qE '$READY' '$WORK/status' && grep -qE '$READY_B' '$WORK/status'"
    sleep 1.2 # one more writing, complete
    cp "$WORK/status" "$WORK/$1.v$3"
    kill -USR2 "$(pid_of server)"
    stop a
    stop b
    stop server
    local n
    for n in server a b; do
        mv "$WORK/$n.log" "$WORK/$n-$1.v$3.log"
        : >"$WORK/$n.log"
    done
}

compare() { # DEVICE-TYPE
    need openvpn openssl
    reference
    server_and_client
    mkdir "$WORK/ccd"
    DEVICE_A=${1}1 DEVICE_B=${1}2
    write_server "dev ${1}0" 'proto udp6' 'topology subnet' 'server 10.77.0.0 255.255.255.0' 'server-ipv6 fd77::/64' \
        'keepalive 5 30' 'client-config-dir ccd' 'status status 1' 'status-version 1' 'username-as-common-name' \
        'script-security 2' 'auth-user-pass-verify /bin/true via-file' 'auth-user-pass-optional'
    sed -i '/username-as-common-name/d' "$WORK/server.conf"
    printf 'anna\nsecret\n' >"$WORK/credentials"
    chmod 600 "$WORK/credentials"
    [ "$1" = tap ] || printf 'iroute 192.168.7.0 255.255.255.0\niroute-ipv6 fd07::/64\n' >"$WORK/ccd/client1"
    READY='10\.77\.0\.2' READY_B='10\.77\.0\.3'
    [ "$1" != tap ] || READY='..:..:..:..:..:..@0.client1' READY_B='..:..:..:..:..:..@0.client2'
    write_client a client1 "dev ${1}1" 'remote 10.99.0.1 1194 udp4' 'auth-user-pass credentials'
    write_client b client2 "dev ${1}2" 'remote fd99::1 1194 udp6'
    local v differences=
    for v in 1 2 3; do
        record openvpn "$OPENVPN" $v
        record vpnd "$VPND" $v
        # Routes have no order of their own.
        diff <(normalise "$WORK/openvpn.v$v" | sort) <(normalise "$WORK/vpnd.v$v" | sort) || differences="$differences $v"
        diff <(fixed_lines "$WORK/openvpn.v$v") <(fixed_lines "$WORK/vpnd.v$v") ||
            differences="$differences order-of-$v"
    done
    [ -z "$differences" ] || fail "the status differs in version:$differences"
}

# What fail2ban's filter for OpenVPN has to find, however it went wrong.
fail2ban() {
    need fail2ban-regex openvpn openssl
    server_and_client
    write_server 'topology subnet' 'server 10.77.0.0 255.255.255.0' 'tls-auth pki/static.key 0' 'hand-window 10'
    sed -i 's/^proto udp/proto udp4/' "$WORK/server.conf"
    pki "$WORK/other"
    server_up
    # no HMAC; certificate of another authority; nothing wrong
    write_client a client1 'dev tun1' 'remote 10.99.0.1 1194 udp' 'connect-retry-max 1'
    write_client b client2 'dev tun2' 'remote 10.99.0.1 1194 udp' 'tls-auth pki/static.key 1' 'connect-retry-max 1'
    write_client d client3 'dev tun3' 'remote 10.99.0.1 1194 udp' 'tls-auth pki/static.key 1'
    sed -i 's/^\(cert\|key\) pki/\1 other/' "$WORK/b.conf"
    client_start a "$OPENVPN"
    client_start b "$OPENVPN"
    client_up d "$OPENVPN"
    expect_log "$WORK/server.log" 'cannot locate HMAC in incoming packet from \[AF_INET\]10.99.0.2:'
    expect_log "$WORK/server.log" '10.99.0.2:[0-9]+ VERIFY ERROR: depth=0'
    expect_log "$WORK/server.log" '10.99.0.2:[0-9]+ TLS Error: TLS handshake failed'
    # The lines as syslog and as a log file have them.
    sed -E 's/^[-0-9]+ [0-9:]+ /Nov 25 10:00:00 host ovpn-server[123]: /' "$WORK/server.log" >"$WORK/syslog"
    cat >"$WORK/filter.conf" <<-'END'
		[INCLUDES]
		before = common.conf
		[Definition]
		_daemon = ovpn-server
		failregex = ^%(__prefix_line)s<HOST>:[0-9]{4,5} TLS Auth Error:.*
		            ^%(__prefix_line)s<HOST>:[0-9]{4,5} VERIFY ERROR:.*
		            ^%(__prefix_line)s<HOST>:[0-9]{4,5} TLS Error: TLS handshake failed.*
		            ^%(__prefix_line)sTLS Error: cannot locate HMAC in incoming packet from \[AF_INET\]<HOST>:[0-9]{4,5}
	END
    cp /etc/fail2ban/filter.d/common.conf "$WORK/" || skip "fail2ban's common.conf is missing"
    fail2ban-regex "$WORK/syslog" "$WORK/filter.conf" --print-all-matched | tee "$WORK/found"
    grep -q 'VERIFY ERROR' "$WORK/found" || fail "fail2ban does not see the wrong certificate"
    grep -q 'TLS handshake failed' "$WORK/found" || fail "fail2ban does not see the failed handshake"
    grep -q 'cannot locate HMAC' "$WORK/found" || fail "fail2ban does not see the wrong HMAC"
    ! grep -q client3 "$WORK/found" || fail "fail2ban would ban the good client"
}

run_case status-tun compare tun
run_case status-tap compare tap
run_case fail2ban fail2ban
finish
