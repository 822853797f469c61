#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# About a hundred profiles of the kinds that providers, appliances and install scripts publish (tests/tools/profiles.py)
# each have to connect to a stock server and carry a ping. Several at a time, each in a namespace of its own.
#
#   [s] br0 10.99.0.1, fd99::1, 10.98.x.y --+-- 10.99.1.1  eth0 [c1]
#        tun1.. 10.71.0.1 .. 10.79.0.1      +-- 10.99.1.N  eth0 [cN]
. "$(dirname "$0")/../tools/testlib.sh"
. "$(dirname "$0")/../tools/clientlib.sh"

AT_ONCE=${AT_ONCE:-8}
PROGRAM=${PROGRAM:-$VPND}
REMOTES=63

profile_server() { # NAME NUMBER [LINE...]
    local name=$1 number=$2
    shift 2
    cat >"$WORK/$name.conf" <<-END
		dev tun$number
		server 10.7$number.0.0 255.255.255.0
		ca pki/ca.crt
		cert pki/server.crt
		key pki/server.key
		dh none
		keepalive 10 60
		duplicate-cn
		script-security 2
		push "route 10.5$number.1.0 255.255.255.0"
		verb 3
	END
    printf '%s\n' "$@" >>"$WORK/$name.conf"
    start "$name" ip netns exec "$(ns s)" "$OPENVPN" --cd "$WORK" --config "$WORK/$name.conf"
}

passwords='auth-user-pass-verify ./verify via-file'
only_passwords="verify-client-cert none
username-as-common-name
$passwords"

servers() {
    printf '#!/bin/sh\n[ "$(cat "$1")" = "anna\nsecret word" ]\n' >"$WORK/verify"
    chmod 755 "$WORK/verify"
    openvpn --genkey tls-crypt-v2-server "$WORK/pki/v2-server.key"
    openvpn --tls-crypt-v2 "$WORK/pki/v2-server.key" --genkey tls-crypt-v2-client "$WORK/pki/v2-client.key"
    local cbc='data-ciphers AES-256-GCM:AES-128-GCM:AES-256-CBC' both='topology subnet' nolzo='comp-lzo no
push "comp-lzo no"'
    profile_server auth-udp 1 "proto udp" "multihome" "port 1194" "tls-auth pki/static.key 0" "auth SHA512" "$cbc" "$both" "$nolzo" \
        "$only_passwords" 'push "dhcp-option DNS 10.71.0.1"' 'push "redirect-gateway def1"' 'push "block-outside-dns"'
    profile_server crypt-udp 2 "proto udp" "multihome" "port 1195" "tls-crypt pki/static.key" "$cbc" "$both" "$only_passwords" \
        'push "route 10.61.0.0 255.255.0.0"' 'push "route-ipv6 2000::/3"' 'push "dhcp-option DNS 10.72.0.1"' \
        'push "socket-flags TCP_NODELAY"' 'push "explicit-exit-notify"' 'push "rcvbuf 524288"' 'compress migrate'
    profile_server auth-tcp 3 "proto tcp" "port 443" "tls-auth pki/static.key 0" "auth SHA512" "$cbc" "$both" "$nolzo" \
        "$only_passwords" 'push "redirect-gateway def1 bypass-dhcp"'
    profile_server plain-net30 4 "proto udp" "multihome" "port 1197" "auth SHA1" "data-ciphers AES-128-GCM:AES-128-CBC" "topology net30"
    profile_server fragment 5 "proto udp" "multihome" "port 1198" "tls-auth pki/static.key 0" "auth SHA512" "data-ciphers AES-256-GCM:AES-256-CBC" \
        "$both" "$nolzo" "$passwords" "fragment 1300" "mssfix 1200" 'push "ping 10"'
    profile_server crypt-v2 6 "proto udp" "multihome" "port 1199" "tls-crypt-v2 pki/v2-server.key" "auth SHA256" \
        "data-ciphers AES-128-GCM" "$both" 'push "tun-ipv6"' "server-ipv6 fd76::/64" "tls-version-min 1.2" \
        'push "redirect-gateway def1 bypass-dhcp ipv6"'
    profile_server plain-tcp 7 "proto tcp" "port 1443" "auth SHA1" "$cbc" "$both" "$passwords"
    profile_server crypt-cert 8 "proto udp" "multihome" "port 1200" "tls-crypt pki/static.key" "auth SHA512" "$both" \
        'push "redirect-gateway def1 bypass-dhcp"' 'push "dhcp-option DNS 94.140.14.14"' 'push "block-outside-dns"'
    profile_server dual 9 "proto udp6" "multihome" "port 1201" "tls-crypt pki/static.key" "$both" "server-ipv6 fd79::/64"
    local name
    for name in auth-udp crypt-udp auth-tcp plain-net30 fragment crypt-v2 plain-tcp crypt-cert dual; do
        expect_log "$WORK/$name.log" 'Initialization Sequence Completed'
    done
}

network_of_many() {
    need openvpn openssl python3
    since 2.6 openvpn
    need_net
    ns_new s
    ip -n "$(ns s)" link add br0 address 02:00:00:00:00:01 type bridge
    ip -n "$(ns s)" link set br0 up
    ip -n "$(ns s)" addr add 10.99.0.1/16 dev br0
    ip -n "$(ns s)" addr add fd99::1/64 dev br0 nodad
    local i
    for i in $(seq $REMOTES); do echo "addr add 10.98.0.$i/16 dev br0"; done | ip -n "$(ns s)" -batch -
    pki "$WORK/pki"
    printf 'anna\nsecret word\n' >"$WORK/pki/login"
    chmod 600 "$WORK/pki/login"
    chmod -R go+rX "$WORK/pki"
}

# profile NUMBER NAME SERVER: in a subshell; its result is a line in $WORK/results
profile() {
    local number=$1 name=$2 server=$3 gateway
    gateway=10.7$(sed -n 's/^dev tun//p' "$WORK/$server.conf").0.1
    ns_new "c$number"
    ip link add "$TAG.x$number" netns "$(ns "c$number")" type veth peer name "x$number" netns "$(ns s)"
    ip -n "$(ns s)" link set "x$number" master br0 up
    ip -n "$(ns "c$number")" link set "$TAG.x$number" name eth0 up
    ip -n "$(ns "c$number")" addr add "10.99.1.$number/16" dev eth0
    ip -n "$(ns "c$number")" addr add "fd99::1:$number/64" dev eth0 nodad
    ip -n "$(ns "c$number")" route add default via 10.99.0.1
    local log=$WORK/client$number.log pid
    ip netns exec "$(ns "c$number")" "$PROGRAM" --cd "$WORK/profiles/$number" --config client.ovpn >"$log" 2>&1 </dev/null &
    pid=$!
    echo $pid >>"$WORK/pids"
    local deadline=$((SECONDS + 20))
    until grep -q 'Initialization Sequence Completed' "$log"; do
        if [ $SECONDS -ge $deadline ] || ! kill -0 $pid 2>/dev/null; then
            echo "FAIL $name: $(grep -aE 'rror|failed' "$log" | tail -n 1)" >>"$WORK/results"
            kill $pid 2>/dev/null
            return
        fi
        sleep 0.1
    done
    local tries=0
    until ip netns exec "$(ns "c$number")" ping -q -c 1 -W 1 "$gateway" >/dev/null 2>&1 || [ $tries -ge 8 ]; do
        tries=$((tries + 1))
    done
    if [ $tries -lt 8 ]; then
        echo "PASS $name" >>"$WORK/results"
    else
        echo "FAIL $name: connected, but no ping comes back" >>"$WORK/results"
    fi
    kill $pid
    wait $pid || true
    ip netns del "$(ns "c$number")"
}

all_profiles() {
    network_of_many
    servers
    python3 "$TESTS_DIR/tools/profiles.py" write "$WORK/profiles" "$WORK/pki"
    local number name server running=0 wanted=0
    while read -r number name server; do
        [ -z "${PROFILE:-}" ] || [[ $name == *"$PROFILE"* ]] || continue
        (set +e; profile "$number" "$name" "$server") &
        wanted=$((wanted + 1)) running=$((running + 1))
        if [ $running -ge "$AT_ONCE" ]; then
            wait -n || true
            running=$((running - 1))
        fi
    done < <(python3 "$TESTS_DIR/tools/profiles.py" list)
    wait_for 60 "all profiles" sh -c "[ \$(wc -l <'$WORK/results') -ge $wanted ]"
    grep '^FAIL' "$WORK/results" && fail "$(grep -c '^FAIL' "$WORK/results") of $wanted profiles do not work"
    [ "$(grep -c '^PASS' "$WORK/results")" = $wanted ] || fail "some profiles have no result"
}

run_case all all_profiles
finish
