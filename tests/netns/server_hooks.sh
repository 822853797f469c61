#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# When a server runs its hooks, and what their answers do: refusals, deferral, configuration, a hook that hangs.
#
#   [s] eth0 10.99.0.1 ------------- 10.99.0.2 eth0 [c]
#        tun0 10.77.0.1 == tunnel == 10.77.0.x tun1, tun2
. "$(dirname "$0")/../tools/testlib.sh"
. "$(dirname "$0")/../tools/serverlib.sh"

begin() { # server lines
    need openvpn openssl
    server_and_client
    write_server 'topology subnet' 'server 10.77.0.0 255.255.255.0' 'keepalive 5 30' 'script-security 2' "$@"
    write_client a client1 'dev tun1' 'remote 10.99.0.1 1194 udp' 'explicit-exit-notify 1'
    write_client b client2 'dev tun2' 'remote 10.99.0.1 1194 udp' 'explicit-exit-notify 1'
}

# hook NAME: the script comes from standard input; it finds its way by $W
hook() {
    { printf '#!/bin/sh\nW=%s\necho "%s $* cn=$common_name" >>$W/calls\n' "$WORK" "$1"; cat; } >"$WORK/$1"
    chmod 755 "$WORK/$1"
}

reach() { wait_for 10 "a ping from $1" in_ns c ping -I "$1" -c 1 -W 1 10.77.0.1; }
called() { wait_for 10 "the call '$1'" grep -qE -- "$1" "$WORK/calls"; }

# Each hook in turn hangs for client1; client2 gets in meanwhile.
hangs() { # OPTION
    begin 'verify-client-cert require'
    hook slow <<-'END'
		case "$common_name$X509_0_CN" in *client1*) while [ ! -e $W/go ]; do sleep 0.1; done ;; esac
		exit 0
	END
    printf '%s\n' "$1" >>"$WORK/server.conf"
    sed -i "s,HOOK,$WORK/slow," "$WORK/server.conf"
    printf 'x\ny\n' >"$WORK/credentials"
    chmod 600 "$WORK/credentials"
    local n
    for n in a b; do echo 'auth-user-pass credentials' >>"$WORK/$n.conf"; done
    server_up
    client_start a "$VPND"
    called 'slow .*cn=client1'
    local before=$SECONDS
    client_up b "$OPENVPN"
    reach tun2
    [ $((SECONDS - before)) -le 6 ] || fail "the other client waited $((SECONDS - before)) s"
    ! logged a 'Initialization Sequence Completed' || [[ $1 == learn-address* ]] || fail "the first one did not wait"
    : >"$WORK/go"
    expect_log "$WORK/a.log" 'Initialization Sequence Completed'
    reach tun1
}

connect_config() {
    begin "client-connect $WORK/connect" "client-disconnect $WORK/disconnect" 'push "route 10.50.0.0 255.255.0.0"' 'status status 1'
    hook connect <<-'END'
		env >$W/connect.env
		[ "$common_name" != client2 ] || exit 1
		printf 'push "route 10.51.0.0 255.255.0.0"\npush-remove "route 10.50"\nifconfig-push 10.77.0.50 255.255.255.0\n' >"$1"
	END
    hook disconnect <<-'END'
		env >$W/disconnect.env
	END
    server_up
    client_up a "$OPENVPN"
    reach tun1
    [ "$(address_in c tun1)" = 10.77.0.50 ] || fail "ifconfig-push of the script was not followed"
    in_ns c ip route show 10.51.0.0/16 | grep -q tun1 || fail "push of the script was not followed"
    [ -z "$(in_ns c ip route show 10.50.0.0/16)" ] || fail "push-remove of the script was not followed"
    grep -q '^trusted_ip=10.99.0.2$' "$WORK/connect.env" || fail "trusted_ip is missing"
    grep -q '^ifconfig_pool_remote_ip=10.77.0.2$' "$WORK/connect.env" || fail "the pool address is missing"
    # A refusal: AUTH_FAILED, and no client-disconnect, for there was no connection.
    client_start b "$VPND"
    expect_log "$WORK/b.log" 'AUTH_FAILED'
    expect_log "$WORK/server.log" 'client2/.*Delayed exit'
    expect_log "$WORK/server.log" 'client2/.*client-instance exiting'
    ! grep -q '^disconnect.*client2' "$WORK/calls" || fail "client-disconnect for a client that never was"
    stop a
    called '^disconnect .*cn=client1'
    local name
    for name in bytes_received bytes_sent time_duration; do
        grep -qE "^$name=[0-9]+$" "$WORK/disconnect.env" || fail "$name is missing"
    done
    [ "$(sed -n 's/^bytes_received=//p' "$WORK/disconnect.env")" -gt 1500 ] || fail "bytes_received is too small"
    grep -q '^ifconfig_pool_remote_ip=10.77.0.50$' "$WORK/disconnect.env" || fail "the address is missing at disconnect"
}

connect_deferred() {
    begin "client-connect $WORK/connect"
    hook connect <<-'END'
		printf 2 >"$client_connect_deferred_file"
		( while [ ! -e $W/go-$common_name ]; do sleep 0.1; done
		  echo 'push "route 10.51.0.0 255.255.0.0"' >"$1"
		  cat $W/go-$common_name >"$client_connect_deferred_file" ) >/dev/null 2>&1 &
	END
    server_up
    client_start a "$OPENVPN"
    called '^connect .*cn=client1'
    client_start b "$VPND"
    called '^connect .*cn=client2'
    ! logged a 'PUSH_REPLY' || fail "a reply before the verdict"
    printf 1 >"$WORK/go-client1"
    expect_log "$WORK/a.log" 'Initialization Sequence Completed'
    in_ns c ip route show 10.51.0.0/16 | grep -q tun1 || fail "the configuration was not read"
    printf 0 >"$WORK/go-client2"
    expect_log "$WORK/b.log" 'AUTH_FAILED'
}

users() {
    begin "auth-user-pass-verify $WORK/verify via-file" 'verify-client-cert none' 'username-as-common-name' \
        'hand-window 4'
    hook verify <<-'END'
		user=$(head -n 1 "$1")
		case $user in
		anna) exit 0 ;;
		never) exit 2 ;;
		late) (sleep 1; printf 1 >"$auth_control_file") & exit 2 ;;
		lateno) (sleep 1; echo 'your account is closed' >"$auth_failed_reason_file"; printf 0 >"$auth_control_file") & exit 2 ;;
		esac
		exit 1
	END
    local user
    for user in anna late lateno eve never; do
        printf '%s\npass\n' $user >"$WORK/$user.pass"
        chmod 600 "$WORK/$user.pass"
    done
    for n in a b; do sed -i '/^cert\|^key/d' "$WORK/$n.conf"; done
    server_up
    { cat "$WORK/a.conf"; echo 'auth-user-pass anna.pass'; } >"$WORK/anna.conf"
    { cat "$WORK/b.conf"; echo 'auth-user-pass late.pass'; } >"$WORK/late.conf"
    { cat "$WORK/b.conf"; echo 'auth-user-pass lateno.pass'; } >"$WORK/lateno.conf"
    { cat "$WORK/b.conf"; echo 'auth-user-pass eve.pass'; } >"$WORK/eve.conf"
    { sed 's/tun2/tun3/' "$WORK/b.conf"; echo 'auth-user-pass never.pass'; } >"$WORK/never.conf"
    client_start never "$OPENVPN"
    client_up anna "$OPENVPN"
    reach tun1
    client_up late "$VPND"
    reach tun2
    expect_log "$WORK/server.log" 'late/10.99.0.2:'
    stop late
    client_start lateno "$OPENVPN"
    expect_log "$WORK/lateno.log" 'AUTH_FAILED,your account is closed'
    client_start eve "$VPND"
    expect_log "$WORK/eve.log" 'AUTH_FAILED'
    expect_log "$WORK/server.log" 'TLS Auth Error: Auth Username/Password verification failed for peer'
    # An answer that never comes is a refusal in the end.
    expect_log "$WORK/never.log" 'AUTH_FAILED'
}

# Who was refused holds no place of a full server, although it is told so for five seconds.
refused_make_room() {
    begin "auth-user-pass-verify $WORK/verify via-file" 'verify-client-cert none' 'max-clients 1'
    hook verify <<-'END'
		[ "$(head -n 1 "$1")" = anna ]
	END
    server_up
    local user
    for user in eve anna; do
        printf '%s\npass\n' $user >"$WORK/$user.pass"
        chmod 600 "$WORK/$user.pass"
        { sed '/^cert\|^key/d' "$WORK/a.conf"; echo "auth-user-pass $user.pass"; } >"$WORK/$user.conf"
    done
    client_start eve "$VPND"
    expect_log "$WORK/eve.log" 'AUTH_FAILED'
    client_up anna "$VPND"
    ! logged server 'would exceed maximum number of clients' || fail "it had to wait for the refused one"
}

# A refused update leaves the address where it was, until that client goes.
keeps_address() {
    begin "learn-address $WORK/learn" 'client-config-dir ccd'
    mkdir "$WORK/ccd"
    for n in 1 2; do echo 'ifconfig-push 10.77.0.50 255.255.255.0' >"$WORK/ccd/client$n"; done
    hook learn <<-'END'
		[ "$1" != update ]
	END
    server_up
    client_up a "$VPND"
    reach tun1
    sed -i 's/^dev tun2/dev null/' "$WORK/b.conf"
    echo ifconfig-noexec >>"$WORK/b.conf"
    client_up b "$VPND"
    called '^learn update 10.77.0.50 client2 '
    expect_log "$WORK/server.log" 'learn-address refused 10.77.0.50'
    stop b
    in_ns s ping -c 1 -W 2 10.77.0.50 || fail "the first client does not have its address any more"
    ! grep -q '^learn delete' "$WORK/calls" || fail "the address of a connected client was forgotten"
    stop a
    called '^learn delete 10.77.0.50 cn=$'
}

# ccd-exclusive is about the name that the client gets, here that of the user.
users_with_files() {
    begin "auth-user-pass-verify $WORK/verify via-file" 'verify-client-cert none' 'username-as-common-name' \
        'client-config-dir ccd' 'ccd-exclusive'
    hook verify </dev/null
    mkdir "$WORK/ccd"
    : >"$WORK/ccd/anna"
    server_up
    local user
    for user in anna eve; do
        printf '%s\npass\n' $user >"$WORK/$user.pass"
        chmod 600 "$WORK/$user.pass"
        { sed '/^cert\|^key/d' "$WORK/a.conf"; echo "auth-user-pass $user.pass"; } >"$WORK/$user.conf"
    done
    client_up anna "$VPND"
    reach tun1
    client_start eve "$OPENVPN"
    expect_log "$WORK/eve.log" 'AUTH_FAILED'
    expect_log "$WORK/server.log" "--client-config-dir authentication failed for common name 'eve' file='ccd/eve'"
}

learn() {
    begin "learn-address $WORK/learn" 'client-config-dir ccd' 'server-ipv6 fd77::/64'
    mkdir "$WORK/ccd"
    printf 'iroute 192.168.7.0 255.255.255.0\niroute 192.168.8.0 255.255.255.0\n' >"$WORK/ccd/client1"
    printf 'route 192.168.7.0 255.255.255.0\nroute 192.168.8.0 255.255.255.0\n' >>"$WORK/server.conf"
    hook learn <<-'END'
		[ "$2" != 192.168.8.0/24 ] || [ "$1" = delete ]
	END
    server_up
    client_up a "$OPENVPN"
    reach tun1
    called '^learn add 10.77.0.2 client1 cn=client1'
    called '^learn add fd77::1000 client1 '
    called '^learn add 192.168.7.0/24 client1 '
    ip -n "$(ns c)" addr add 192.168.7.1/32 dev lo
    ip -n "$(ns c)" addr add 192.168.8.1/32 dev lo
    wait_for 5 "a ping behind the client" in_ns s ping -c 1 -W 1 192.168.7.1
    ! in_ns s ping -c 1 -W 1 192.168.8.1 || fail "a refused network is reachable"
    stop a
    called '^learn delete 10.77.0.2 cn=$'
    called '^learn delete 192.168.7.0/24 cn=$'
    ! grep -q 'delete 192.168.8' "$WORK/calls" || fail "what was never learnt was forgotten"
}

device() {
    begin "up $WORK/up" "down $WORK/down" "route-up $WORK/route-up" "route-pre-down $WORK/route-pre-down" \
        'route 10.66.0.0 255.255.0.0'
    hook up <<-'END'
		[ ! -e $W/refuse ]
	END
    for n in down route-up route-pre-down; do
        hook $n <<-'END'
			echo "state $script_type signal=$signal route=$(ip route show 10.66.0.0/16 | wc -l) dev=$(ip link show $dev 2>/dev/null | wc -l)" >>$W/calls
		END
    done
    server_up
    called '^up tun0 1500 0 10.77.0.1 255.255.255.0 init'
    called '^state route-up signal= route=1 dev=2'
    stop server
    called '^state route-pre-down signal=sigterm route=1 dev=2'
    called '^down tun0 1500 0 10.77.0.1 255.255.255.0 init'
    called '^state down signal=sigterm route=0 dev=0'
    # A script that hangs at the end holds up the first signal, not the second.
    : >"$WORK/server.log"
    printf '#!/bin/sh\nsleep 60\n' >"$WORK/route-pre-down"
    server_up
    kill "$(pid_of server)"
    wait_for 5 "the script" sh -c "ip netns pids $(ns s) | xargs -r -n 1 -I PID cat /proc/PID/comm | grep -q sleep"
    stop server
    logged server 'a second signal' || fail "no word about the second signal"
    [ -z "$(in_ns s ip route show 10.66.0.0/16)$(ip -n "$(ns s)" link show tun0 2>/dev/null)" ] || fail "the hurried end left something"
    : >"$WORK/refuse"
    : >"$WORK/server.log"
    start server ip netns exec "$(ns s)" "$VPND" --cd "$WORK" --config server.conf
    wait_for 10 "the end" sh -c "! kill -0 $(pid_of server)"
    ! wait "$(pid_of server)" || fail "exit status 0 although up failed"
    logged server 'the up script failed' || fail "it did not say why"
}

security_level() {
    begin "client-connect $WORK/connect"
    hook connect </dev/null
    sed -i 's/^script-security.*/script-security 1/' "$WORK/server.conf"
    server_up
    client_start a "$OPENVPN"
    expect_log "$WORK/a.log" 'AUTH_FAILED'
    logged server "WARNING: External program may not be called unless '--script-security 2'" ||
        fail "no word about script-security"
}

run_case client-connect-hangs hangs 'client-connect HOOK'
run_case login-hangs hangs 'auth-user-pass-verify HOOK via-file'
run_case tls-verify-hangs hangs 'tls-verify HOOK'
run_case learn-address-hangs hangs 'learn-address HOOK'
run_case client-connect-configures connect_config
run_case client-connect-deferred connect_deferred
run_case users users
run_case users-with-files users_with_files
run_case refused-make-room refused_make_room
run_case learn-address learn
run_case learn-address-keeps keeps_address
run_case device device
run_case script-security security_level
finish
