#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The life of a server process: signals, reload under traffic, unprivileged user, background, chroot, service manager.
#
#   [s] eth0 10.99.0.1 ------------- 10.99.0.2 eth0 [c]
#        tun0 10.77.0.1 == tunnel == 10.77.0.x tun1, tun2
. "$(dirname "$0")/../tools/testlib.sh"
. "$(dirname "$0")/../tools/serverlib.sh"

begin() { # server lines
    need openvpn openssl
    server_and_client
    write_server 'topology subnet' 'server 10.77.0.0 255.255.255.0' 'keepalive 2 10' "$@"
    write_client a client1 'dev tun1' 'remote 10.99.0.1 1194 udp'
    write_client b client2 'dev tun2' 'remote 10.99.0.1 1194 udp'
}

reach() { wait_for 10 "a ping from $1" in_ns c ping -I "$1" -c 1 -W 1 10.77.0.1; }

# Clients move on at once when the server stops.
restart_notice() { # CLIENT-PROGRAM
    begin 'explicit-exit-notify 2'
    sed -i 's/^remote.*//' "$WORK/a.conf"
    write_client a client1 'dev tun1' 'remote 10.99.0.1 1194 udp' 'connect-retry 1' 'remote 10.99.0.1 1195 udp'
    server_up
    client_up a "$1"
    reach tun1
    sed 's/^dev tun0/dev tun9/; $aport 1195' "$WORK/server.conf" >"$WORK/second.conf"
    start second ip netns exec "$(ns s)" "$VPND" --cd "$WORK" --config second.conf
    expect_log "$WORK/second.log" 'Initialization Sequence Completed'
    : >"$WORK/a.log"
    stop server
    logged server "SENT CONTROL \[client1\]: 'RESTART,\[N\]'" || fail "the client was not told"
    expect_log "$WORK/a.log" '10.99.0.1:1195' 5
    expect_log "$WORK/a.log" 'Initialization Sequence Completed'
}

signals() {
    begin 'status status 1'
    server_up
    client_up a "$VPND"
    client_up b "$OPENVPN"
    reach tun1
    reach tun2
    kill -USR2 "$(pid_of server)"
    expect_log "$WORK/server.log" 'OpenVPN CLIENT LIST'
    expect_log "$WORK/server.log" 'client2,10.99.0.2:'
    # SIGUSR1: everybody connects anew, the process stays.
    : >"$WORK/a.log"
    : >"$WORK/b.log"
    kill -USR1 "$(pid_of server)"
    expect_log "$WORK/server.log" 'SIGUSR1\[hard,\] received, process restarting'
    expect_log "$WORK/a.log" 'Initialization Sequence Completed' 40
    expect_log "$WORK/b.log" 'Initialization Sequence Completed' 40
    reach tun1
    stop server INT
    expect_log "$WORK/server.log" 'SIGINT\[hard,\] received, process exiting'
    [ -z "$(ip -n "$(ns s)" link show tun0 2>/dev/null)" ] || fail "the device stayed"
}

revoke() { # CLIENT: a list that revokes it
    openssl ca -config <(printf '[ca]\ndefault_ca=d\n[d]\ndatabase=%s\ncrlnumber=%s\ndefault_md=sha256\ndefault_crl_days=30\n' \
        "$WORK/index" "$WORK/crlnumber") -keyfile "$WORK/pki/ca.key" -cert "$WORK/pki/ca.crt" "$@" 2>/dev/null
}

reload() {
    : >"$WORK/index"
    echo 01 >"$WORK/crlnumber"
    begin 'client-config-dir ccd' 'crl-verify crl.pem'
    mkdir "$WORK/ccd"
    revoke -gencrl -out "$WORK/crl.pem"
    server_up
    client_up a "$OPENVPN"
    reach tun1
    start pings ip netns exec "$(ns c)" ping -I tun1 -q -i 0.02 -c 150 -W 2 10.77.0.1
    # Server certificate, revocation list, push list, client file and log level change under traffic.
    cp "$WORK/pki/server.crt" "$WORK/old.crt"
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/O=Test/CN=server-new" \
        -keyout "$WORK/pki/server.key" -out "$WORK/new.csr" 2>/dev/null
    openssl x509 -req -in "$WORK/new.csr" -CA "$WORK/pki/ca.crt" -CAkey "$WORK/pki/ca.key" -CAcreateserial -days 9 \
        -out "$WORK/pki/server.crt" -extfile <(printf 'keyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n') 2>/dev/null
    revoke -revoke "$WORK/pki/client3.crt"
    revoke -gencrl -out "$WORK/crl.pem"
    echo 'push "route 10.59.0.0 255.255.0.0"' >"$WORK/ccd/client2"
    printf 'push "route 10.60.0.0 255.255.0.0"\nport 4444\n' >>"$WORK/server.conf"
    printf 'tls-version-min 1.3\ndata-ciphers AES-128-GCM\nreneg-pkts 1000000\n' >>"$WORK/server.conf"
    sed -i 's/^verb 3/verb 4/' "$WORK/server.conf"
    kill -HUP "$(pid_of server)"
    expect_log "$WORK/server.log" 'need a restart: .*port'
    expect_log "$WORK/server.log" 'changed options in force: .*verb'
    local option
    for option in tls-version-min data-ciphers reneg-pkts; do
        logged server "changed options in force: .*$option" || fail "$option waits for a restart"
    done
    client_up b "$VPND"
    logged b "Data Channel: cipher 'AES-128-GCM'" || fail "the new ciphers are not offered"
    expect_log "$WORK/b.log" 'CN=server-new'
    in_ns c ip route show 10.59.0.0/16 | grep -q via || fail "the new client file was not followed"
    in_ns c ip route show 10.60.0.0/16 | grep -q via || fail "the new push was not sent"
    write_client d client3 'dev tun3' 'remote 10.99.0.1 1194 udp' 'connect-retry 1'
    client_start d "$OPENVPN"
    expect_log "$WORK/server.log" 'VERIFY ERROR: depth=0, error=certificate revoked'
    wait_for 15 "the pings to end" sh -c "! kill -0 $(pid_of pings)"
    grep -q ' 0% packet loss' "$WORK/pings.log" || fail "the reload lost pings: $(grep loss "$WORK/pings.log")"
    # A mistake keeps everything as it was.
    echo 'no-such-option' >>"$WORK/server.conf"
    kill -HUP "$(pid_of server)"
    expect_log "$WORK/server.log" 'server.conf:[0-9]+.*no-such-option'
    expect_log "$WORK/server.log" 'the configuration stays as it was'
    reach tun1
    sed -i '/no-such-option/d; s/^server 10.77.0.0/server 10.78.0.0/' "$WORK/server.conf"
    kill -HUP "$(pid_of server)"
    expect_log "$WORK/server.log" "the VPN's network changed, so everything stays as it was"
    reach tun2
}

unprivileged() {
    begin 'user nobody' 'group nogroup' 'persist-tun' 'persist-key' 'route 10.66.0.0 255.255.0.0' \
        'ifconfig-pool-persist addresses 1' 'status status 1' 'route-ipv6 fd66::/64' 'server-ipv6 fd77::/64'
    server_up
    local pid
    pid=$(pid_of server)
    [ "$(stat -c %U "/proc/$pid")" = nobody ] || grep -q "^Uid:.*$(id -u nobody)" "/proc/$pid/status" || fail "still root"
    [ "$(sed -n 's/^CapEff:\t0*//p' "/proc/$pid/status")" = 1000 ] || fail "capabilities: $(grep CapEff "/proc/$pid/status")"
    client_up a "$OPENVPN"
    reach tun1
    in_ns s ip route show 10.66.0.0/16 | grep -q tun0 || fail "no route"
    # The key cannot be read any more: what needs no key is taken over.
    printf 'push "route 10.60.0.0 255.255.0.0"\n' >>"$WORK/server.conf"
    for i in 1 2; do
        sed -i "s/^verb .*/verb $((i + 3))/" "$WORK/server.conf"
        kill -HUP "$pid"
        expect_log "$WORK/server.log" "'pki/server.key' cannot be read as user nobody: certificates and keys stay"
        wait_for 5 "reload $i" sh -c "[ \$(grep -c 'reload: options were read again.*verb' '$WORK/server.log') = $i ]"
    done
    reach tun1
    client_up b "$VPND"
    in_ns c ip route show 10.60.0.0/16 | grep -q via || fail "the new push was not sent"
    stop b
    sed -i 's/^cert .*/cert pki\/client1.crt/' "$WORK/server.conf"
    kill -HUP "$pid"
    expect_log "$WORK/server.log" "reload: cert changed, but 'pki/server.key' cannot be read as user nobody"
    reach tun1
    stop server
    [ -z "$(in_ns s ip route show 10.66.0.0/16)$(in_ns s ip -6 route show fd66::/64)" ] || fail "a route stayed"
    [ -z "$(ip -n "$(ns s)" link show tun0 2>/dev/null)" ] || fail "the device stayed"
}

background() {
    no_leak_check
    begin "cd $WORK" 'daemon vpnd-test' 'writepid pid' 'log-append log' 'chroot jail' 'status status 1' 'user nobody' \
        'client-config-dir ccd' 'tmp-dir /' 'ifconfig-pool-persist addresses 1'
    mkdir -p "$WORK/jail/ccd"
    mkdir "$WORK/ccd"
    echo 'push "route 10.59.0.0 255.255.0.0"' >"$WORK/jail/ccd/client1"
    (cd / && in_ns s "$VPND" --config "$WORK/server.conf") || fail "it did not go into the background"
    wait_for 5 "the pid file" test -s "$WORK/pid"
    cp "$WORK/pid" "$WORK/pids"
    expect_log "$WORK/log" 'Initialization Sequence Completed'
    [ "$(readlink "/proc/$(cat "$WORK/pid")/root")" = "$WORK/jail" ] || fail "the root is not the jail"
    client_up a "$OPENVPN"
    reach tun1
    in_ns c ip route show 10.59.0.0/16 | grep -q tun1 || fail "the client file in the jail was not read"
    wait_for 5 "the status" grep -q client1 "$WORK/status"
    wait_for 5 "the addresses" grep -q '^client1,10.77.0.2,' "$WORK/addresses"
    # The configuration is outside of the jail: a reload says so and harms nobody.
    kill -HUP "$(cat "$WORK/pid")"
    expect_log "$WORK/log" 'reload: the configuration stays as it was'
    reach tun1
    [ "$(readlink "/proc/$(cat "$WORK/pid")/cwd")" = "$WORK/jail" ] || fail "the reload left the jail"
    [ -z "$(find -L "/proc/$(cat "$WORK/pid")/fd" -mindepth 1 -maxdepth 1 -type d)" ] || fail "a descriptor leads out of the jail"
    # With all its files inside it is read as ever.
    cp -r "$WORK/pki" "$WORK/jail/"
    chmod 644 "$WORK/jail/pki/server.key"
    mkdir -p "$WORK/jail$WORK"
    { cat "$WORK/server.conf"; echo 'push "route 10.61.0.0 255.255.0.0"'; } >"$WORK/jail$WORK/server.conf"
    kill -HUP "$(cat "$WORK/pid")"
    expect_log "$WORK/log" 'reload: certificates, keys and revocation lists were read again'
    reach tun1
    client_up b "$VPND"
    in_ns c ip route show 10.61.0.0/16 | grep -q via || fail "the new push was not sent"
    stop b
    # The log can be rotated by copy and truncate.
    cp "$WORK/log" "$WORK/log.1"
    : >"$WORK/log"
    kill -USR2 "$(cat "$WORK/pid")"
    expect_log "$WORK/log" 'CLIENT LIST'
    [ "$(head -c 1 "$WORK/log" | od -An -c | tr -d ' ')" != '\0' ] || fail "the log has a hole"
    local pid
    pid=$(cat "$WORK/pid")
    kill "$pid"
    wait_for 10 "the end" sh -c "! kill -0 $pid"
    [ -z "$(ip -n "$(ns s)" link show tun0 2>/dev/null)" ] || fail "the device stayed"
}

service_manager() {
    need socat
    begin
    start notify socat -u "UNIX-RECVFROM:$WORK/notify,fork" OPEN:"$WORK/said",creat,append
    wait_for 5 "the socket" test -S "$WORK/notify"
    export NOTIFY_SOCKET=$WORK/notify WATCHDOG_USEC=200000
    server_up
    unset NOTIFY_SOCKET WATCHDOG_USEC
    wait_for 5 "the last word" grep -aq 'STATUS=Initialization Sequence Completed' "$WORK/said"
    grep -aq 'READY=1' "$WORK/said" || fail "READY is missing"
    grep -aq 'STATUS=Pre-connection initialization successful' "$WORK/said" || fail "the first STATUS is missing"
    grep -aq "MAINPID=$(pid_of server)" "$WORK/said" || fail "MAINPID is missing"
    wait_for 5 "the watchdog's food" sh -c "[ \$(grep -ao WATCHDOG=1 $WORK/said | wc -l) -ge 3 ]"
    ! grep -aq 'STOPPING=1' "$WORK/said" || fail "STOPPING came early"
    stop server
    wait_for 5 "STOPPING" grep -aq 'STOPPING=1' "$WORK/said"
}

# SIGTERM while a hook of the start runs: it comes to its end, and only what was set up is undone.
stopped_early() { # HOOK LINE-EXPECTED...
    local slow=$1
    shift
    begin 'script-security 2' "up $WORK/hook" "route-up $WORK/hook" "route-pre-down $WORK/hook" "down $WORK/hook" \
        'nat-masquerade'
    cat >"$WORK/hook" <<-END
		#!/bin/sh
		echo \$script_type >>$WORK/hooks
		[ \$script_type != $slow ] || while [ ! -e $WORK/go ]; do sleep 0.1; done
	END
    chmod 755 "$WORK/hook"
    start server ip netns exec "$(ns s)" "$VPND" --cd "$WORK" --config server.conf
    wait_for 10 "the hook $slow" grep -qx "$slow" "$WORK/hooks"
    kill -TERM "$(pid_of server)"
    expect_log "$WORK/server.log" 'SIGTERM waits for a script'
    : >"$WORK/go"
    local status=0
    wait "$(pid_of server)" || status=$?
    [ $status = 0 ] || fail "exit status $status"
    [ "$(tr '\n' ' ' <"$WORK/hooks")" = "$* " ] || fail "hooks: $(tr '\n' ' ' <"$WORK/hooks")"
    ! logged server 'Initialization Sequence Completed' || fail "it went on"
    [ -z "$(in_ns s nft list tables 2>/dev/null)" ] || fail "NAT rules are left"
}

run_case restart-notice-stock restart_notice "$OPENVPN"
run_case restart-notice-vpnd restart_notice "$VPND"
run_case signals signals
run_case reload-under-traffic reload
run_case unprivileged-user unprivileged
run_case background-chroot background
run_case service-manager service_manager
run_case stopped-in-up stopped_early up up down
run_case stopped-in-route-up stopped_early route-up up route-up route-pre-down down
finish
