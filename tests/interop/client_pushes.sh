#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A server that pushes nonsense: each is refused or bounded with a clear line, and the rest of the client's network
# stays as it was.
#
#   [s] eth0 10.99.0.1 ------------- 10.99.0.2 eth0 [c]
#        tun7 10.77.0.1 == tunnel == 10.77.0.x tun0
. "$(dirname "$0")/../tools/testlib.sh"
. "$(dirname "$0")/../tools/clientlib.sh"

# outside: what of the client's namespace must not change
outside() {
    in_ns c ip route show dev eth0
    in_ns c ip -o addr show dev eth0 | sed 's/valid_lft.*//'
    in_ns c cat /etc/resolv.conf
    in_ns c hostname
    in_ns c ip -o link show | grep -vE 'tun0' | sed 's/qlen.*//'
}

begin() { # LINE...: a server with these lines, a client about to start
    network
    server_start server 7 udp4 1194 "$@"
    client_conf "remote 10.99.0.1 1194 udp4" "connect-retry 0 1" "connect-retry-max 1"
    BEFORE=$(outside)
}

end() {
    [ "$BEFORE" = "$(outside)" ] || fail "the host changed: $(diff <(echo "$BEFORE") <(outside))"
    [ "$(wc -l <"$WORK/client.log")" -lt "${1:-150}" ] || fail "the log is flooded"
    grep -q $'\x1b' "$WORK/client.log" && fail "control characters reach the log"
    stop client
    [ "$BEFORE" = "$(outside)" ] || fail "the host changed at the end"
}

# Lines that are no use: the rest of the reply works.
useless_lines() {
    begin 'push "route 999.1.1.1 255.255.0.0"' 'push "route 10.1.0.0 255.0.255.0"' 'push "route-ipv6 fd00::/200"' \
        'push "route 10.60.0.0 255.255.0.0 nonsense"' 'push "up /bin/evil"' 'push "no-such-option 1"' \
        'push "ping -5"' 'push "dhcp-option DNS not-an-address"' 'push "verb 99999999999"' 'push "route 10.61.0.0 255.255.0.0"'
    client_start
    client_up
    client_pings
    grep -q "option 'up' cannot be used in this context" "$WORK/client.log" || fail "no word about up"
    grep -q 'no-such-option' "$WORK/client.log" || fail "no word about the unknown option"
    in_ns c ip route show 10.61.0.0/16 | grep -q tun0 || fail "the good route is missing"
    end
}

many_options() {
    local lines=() i
    for i in $(seq 1000); do lines+=("push \"route 10.$((100 + i / 250)).$((i % 250)).0 255.255.255.0\""); done
    begin "${lines[@]}"
    client_start
    client_up
    client_pings
    [ "$(in_ns c ip route show dev tun0 | wc -l)" -ge 1000 ] || fail "not every route is there"
    end 4000
    [ -z "$(in_ns c ip route show 10.100.0.0/16)" ] || fail "routes are left"
}

# What a shell would run, and what a resolver's file would take for another line.
shell_characters() {
    printf '#!/bin/sh\nenv >"%s/up.env"\n' "$WORK" >"$WORK/up"
    begin "push \"dhcp-option DOMAIN x;touch\${IFS}$WORK/owned\"" "push \"dhcp-option DNS \$(touch\${IFS}$WORK/owned)\"" \
        "push \"dhcp-option DOMAIN-SEARCH \`touch\${IFS}$WORK/owned\`\"" "push \"setenv-safe X \$(touch\${IFS}$WORK/owned)\""
    chmod 755 "$WORK/up"
    client_start --script-security 2 --up "$WORK/up"
    client_up
    client_pings
    [ -e "$WORK/up.env" ] || fail "up did not run"
    stop client
    [ ! -e "$WORK/owned" ] || fail "the server's text was run by a shell"
    : >"$WORK/client.log"
    client_start
    client_up
    end
    [ ! -e "$WORK/owned" ] || fail "the server's text was run by a shell"
}

# The address of the client's own network, given to the tunnel.
address_conflict() {
    network
    mkdir -p "$WORK/ccd"
    echo 'ifconfig-push 10.99.0.2 255.255.255.0' >"$WORK/ccd/client1"
    server_start server 7 udp4 1194 "client-config-dir ccd"
    client_conf "remote 10.99.0.1 1194 udp4" "connect-retry 0 1" "connect-retry-max 1"
    BEFORE=$(outside)
    client_start
    expect_log "$WORK/client.log" 'Initialization Sequence Completed|conflict|in use|Exiting'
    expect_log "$WORK/client.log" '10\.99\.0\.2.*(conflict|already|overlap|same)|(conflict|already|overlap|same).*10\.99\.0\.'
    in_ns c ping -c 1 -W 2 10.99.0.1 >/dev/null || fail "the local network does not work any more"
    end
}

tiny_mtu() {
    begin 'push "tun-mtu 3"'
    client_start
    expect_log "$WORK/client.log" 'tun-mtu|Exiting'
    client_up
    client_pings
    [ "$(in_ns c cat /sys/class/net/tun0/mtu)" -ge 576 ] || fail "the interface has an MTU of $(in_ns c cat /sys/class/net/tun0/mtu)"
    end
}

huge_mtu() {
    begin 'push "tun-mtu 60000"'
    client_start
    client_up
    client_pings
    grep -q 'Server-pushed tun-mtu is too large, please add tun-mtu-max' "$WORK/client.log" || fail "no word about tun-mtu"
    [ "$(in_ns c cat /sys/class/net/tun0/mtu)" -le 1600 ] || fail "the MTU was not bounded"
    end
}

rejected() {
    begin 'push "route 10.61.0.0 255.255.0.0"'
    client_start --pull-filter reject "route 10.61"
    client_ends 1
    grep -q "Pushed option rejected by filter: 'route 10.61.0.0 255.255.0.0'" "$WORK/client.log" || fail "no word"
    grep -q 'SIGUSR1\[soft,Offending option received from server\] received' "$WORK/client.log" || fail "no restart"
    [ "$BEFORE" = "$(outside)" ] || fail "the host changed"
}

# Variables of an earlier session, pushed or from the server's certificate, are not those of the next.
stale_variables() {
    network
    openssl req -new -key "$WORK/pki/server.key" -subj "/OU=first/CN=server" 2>/dev/null |
        openssl x509 -req -CA "$WORK/pki/ca.crt" -CAkey "$WORK/pki/ca.key" -days 3 -out "$WORK/pki/first.crt" \
            -extfile <(printf 'keyUsage=digitalSignature\nextendedKeyUsage=serverAuth\n') 2>/dev/null
    cp "$WORK/pki/server.crt" "$WORK/pki/second.crt"
    cp "$WORK/pki/first.crt" "$WORK/pki/server.crt"
    server_start server 7 udp4 1194 'push "setenv-safe OLD 1"' 'push "setenv-safe BOTH 1"'
    printf '%s\n' '#!/bin/sh' "env >>$WORK/env" "echo end >>$WORK/env" >"$WORK/program"
    chmod 755 "$WORK/program"
    client_conf "remote 10.99.0.1 1194 udp4" "script-security 2" "setenv-safe OWN 1" "route-up $WORK/program" \
        "connect-retry 1" "route 10.66.0.0 255.255.0.0"
    client_start
    client_up
    wait_for 5 "the program" grep -q end "$WORK/env"
    grep -qx OPENVPN_OLD=1 "$WORK/env" || fail "the first server's variable is missing"
    grep -qx X509_0_OU=first "$WORK/env" || fail "the first server's certificate is missing"
    stop server
    cp "$WORK/pki/second.crt" "$WORK/pki/server.crt"
    rm "$WORK/env"
    server_start server 7 udp4 1194 'push "setenv-safe NEW 1"' 'push "setenv-safe BOTH 2"'
    wait_for 20 "the program once more" grep -q end "$WORK/env"
    [ "$(grep ^OPENVPN_ "$WORK/env" | sort | tr '\n' ' ')" = 'OPENVPN_BOTH=2 OPENVPN_NEW=1 OPENVPN_OWN=1 ' ] ||
        fail "variables: $(grep ^OPENVPN_ "$WORK/env" | tr '\n' ' ')"
    grep -qx X509_0_O=Test "$WORK/env" || fail "the second server's certificate is missing"
    ! grep -q ^X509_0_OU= "$WORK/env" || fail "the first server's certificate is still there"
}

run_case stale-variables stale_variables
run_case useless-lines useless_lines
run_case a-thousand-options many_options
run_case shell-characters shell_characters
run_case address-conflict address_conflict
run_case tiny-mtu tiny_mtu
run_case huge-mtu huge_mtu
run_case rejected rejected
finish
