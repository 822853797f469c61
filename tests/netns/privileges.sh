#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What a started vpnd may still do: its user, capabilities of each thread, no new privileges, chroot; and that this is
# enough to reconnect, to set routes again and to clean up.
#
#   [s] eth0 10.99.0.1 ------- 10.99.0.2 eth0 [c]
#       tun0 10.77.0.1 === tunnel === 10.77.0.x tun0
. "$(dirname "$0")/../tools/testlib.sh"

NET_ADMIN=0000000000001000
NET_ADMIN_AND_PORTS=0000000000001400
NONE=0000000000000000

write_configs() { # ROLE LINE...: lines for that role's file
    local role=$1
    shift
    write_server "port ${PORT:-1194}" 'topology subnet' 'server 10.77.0.0 255.255.255.0' 'keepalive 1 4' \
        'push "route 172.20.0.0 255.255.0.0"'
    write_client client client1 "remote 10.99.0.1 ${PORT:-1194} udp" 'connect-retry 1 1'
    printf '%s\n' "$@" >>"$WORK/$role.conf"
}

launch() { start "$1" ip netns exec "$(ns "${1:0:1}")" "$2" --cd "$WORK" --config "$1.conf"; }
connected_times() { [ "$(grep -ac 'Initialization Sequence Completed' "$WORK/client.log")" -ge "$1" ]; }
# The data plane's threads begin before the user changes, the control thread is the process itself.
field() { awk -v f="$3:" '$1 == f { print $2 }' "/proc/$(pid_of "$1")/task/$2/status"; }
threads() { ls "/proc/$(pid_of "$1")/task"; }

expect_dropped() { # NAME UID CAPABILITIES NO_NEW_PRIVS
    local pid thread
    pid=$(pid_of "$1")
    [ "$(field "$1" "$pid" Uid)" = "$2" ] || fail "$1 runs as $(field "$1" "$pid" Uid)"
    [ "$(field "$1" "$pid" CapEff)" = "$3" ] || fail "$1 has $(field "$1" "$pid" CapEff) in effect"
    [ "$(field "$1" "$pid" CapPrm)" = "$3" ] || fail "$1 may have $(field "$1" "$pid" CapPrm)"
    [ "$(field "$1" "$pid" CapInh)" = $NONE ] || fail "$1 hands down capabilities"
    [ "$(field "$1" "$pid" CapAmb)" = $NONE ] || fail "$1 hands down ambient capabilities"
    [ "$(field "$1" "$pid" NoNewPrivs)" = "$4" ] || fail "no new privileges: $(field "$1" "$pid" NoNewPrivs)"
    [ "$(threads "$1" | wc -l)" -gt 1 ] || fail "$1 has no data plane thread"
    for thread in $(threads "$1"); do
        [ "$(field "$1" "$thread" Uid)" = "$2" ] || fail "a thread of $1 still is another user"
        [ "$thread" = "$pid" ] || [ "$(field "$1" "$thread" CapEff)" = $NONE ] || fail "a thread of $1 has capabilities"
        # Threads that handle packets have no use for most of the system.
        if [[ $(cat "/proc/$pid/task/$thread/comm") == vpnd-worker* ]] && confines; then
            [ "$(field "$1" "$thread" Seccomp)" = 2 ] || fail "a packet thread of $1 is not confined"
        fi
        [ -z "$(awk '/^Groups:/ { $1 = ""; print }' "/proc/$pid/task/$thread/status" | tr -d ' ' | sed 's/^65534$//')" ] ||
            fail "$1 keeps groups"
    done
}

# Built with seccomp, without sanitizers?
confines() { ldd "$VPND" | grep libseccomp >/dev/null && ! ldd "$VPND" | grep -E 'lib[at]san' >/dev/null; }

client_as_nobody() {
    need openvpn
    server_and_client
    write_configs client "user nobody" "group nogroup" persist-key "$@"
    launch server "$OPENVPN"
    expect_log "$WORK/server.log" 'Initialization Sequence Completed'
    launch client "$VPND"
    wait_for 20 "the connection" connected_times 1
    expect_dropped client 65534 $NET_ADMIN 1
    # A new device, new addresses and new routes, all as nobody.
    stop server KILL
    launch server "$OPENVPN"
    wait_for 30 "the second connection" connected_times 2
    in_ns c ping -c 1 -W 2 10.77.0.1 >/dev/null || fail "no ping"
    [[ $(in_ns c ip route) == *"172.20.0.0/16 via 10.77.0.1"* ]] || fail "the route did not come back"
    stop client
    [[ $(in_ns c ip route) != *172.20.0.0* ]] || fail "the route stays"
    [[ $(in_ns c ip -o link) != *tun0* ]] || fail "the device stays"
}

server_as_nobody() {
    need openvpn
    server_and_client
    PORT=443 write_configs server "user nobody" "group nogroup" "route 172.21.0.0 255.255.0.0" nat-masquerade
    launch server "$VPND"
    expect_log "$WORK/server.log" 'Initialization Sequence Completed'
    expect_dropped server 65534 $NET_ADMIN_AND_PORTS 1
    launch client "$OPENVPN"
    wait_for 20 "the connection" connected_times 1
    in_ns c ping -c 1 -W 2 10.77.0.1 >/dev/null || fail "no ping"
    stop server
    [[ $(in_ns s ip route) != *172.21.0.0* ]] || fail "the route stays"
    [ -z "$(in_ns s nft list ruleset)" ] || fail "the packet filter stays"
    [ "$(in_ns s cat /proc/sys/net/ipv4/ip_forward)" = 0 ] || fail "forwarding stays on"
}

# Scripts may use sudo: then the door has to stay open, but capabilities go all the same.
with_scripts() {
    need openvpn
    server_and_client
    write_configs client "user nobody" "group nogroup" "script-security 2" "up /bin/true"
    launch server "$OPENVPN"
    expect_log "$WORK/server.log" 'Initialization Sequence Completed'
    launch client "$VPND"
    wait_for 20 "the connection" connected_times 1
    expect_dropped client 65534 $NET_ADMIN 0
}

in_chroot() {
    no_leak_check
    need openvpn
    server_and_client
    mkdir "$WORK/jail" "$WORK/jail/tmp"
    write_configs server "user nobody" "group nogroup" "chroot $WORK/jail" "nat-masquerade" "route 172.21.0.0 255.255.0.0"
    launch server "$VPND"
    expect_log "$WORK/server.log" 'Initialization Sequence Completed'
    expect_log "$WORK/server.log" 'chroot to .* succeeded'
    [ "$(readlink "/proc/$(pid_of server)/root")" = "$WORK/jail" ] || fail "not in the jail"
    launch client "$OPENVPN"
    wait_for 20 "the connection" connected_times 1
    in_ns c ping -c 1 -W 2 10.77.0.1 >/dev/null || fail "no ping"
    stop server
    [[ $(in_ns s ip route) != *172.21.0.0* ]] || fail "the route stays"
    [ -z "$(in_ns s nft list ruleset)" ] || fail "the packet filter stays"
    [ "$(in_ns s cat /proc/sys/net/ipv4/ip_forward)" = 0 ] || fail "forwarding stays on"
}

# The units of contrib/systemd, and what a service manager that waits is told, from within a chroot too.
units() {
    need systemd-analyze
    local unit dir=${BUILD_DIR:-$SOURCE_DIR/build}/contrib/systemd
    for unit in client server; do
        [ -e "$dir/vpnd-$unit@.service" ] || skip "the units are not built"
        sed "s|^ExecStart=[^ ]*|ExecStart=$VPND|; /^Documentation/d" "$dir/vpnd-$unit@.service" >"$WORK/vpnd-$unit@.service"
        local said
        said=$(systemd-analyze verify "$WORK/vpnd-$unit@.service" 2>&1 | grep vpnd-) || true
        [ -z "$said" ] || fail "$said"
    done
}

client_of_manager() {
    no_leak_check
    need openvpn socat
    server_and_client
    mkdir "$WORK/jail" "$WORK/jail/tmp"
    write_configs client "user nobody" "group nogroup" "chroot $WORK/jail" "daemon vpnd-test" "log $WORK/client.log"
    launch server "$OPENVPN"
    expect_log "$WORK/server.log" 'Initialization Sequence Completed'
    start notify socat -u "UNIX-RECVFROM:$WORK/notify,fork" OPEN:"$WORK/said",creat,append
    wait_for 5 "the socket" test -S "$WORK/notify"
    NOTIFY_SOCKET=$WORK/notify WATCHDOG_USEC=200000 launch client "$VPND"
    wait_for 20 "the connection" connected_times 1
    wait_for 5 "the last word" grep -aq 'STATUS=Initialization Sequence Completed' "$WORK/said"
    grep -aq 'READY=1' "$WORK/said" || fail "READY is missing"
    grep -aq "MAINPID=$(pid_of client)" "$WORK/said" || fail "it forked, or says a wrong MAINPID"
    wait_for 5 "the watchdog's food" sh -c "[ \$(grep -ao WATCHDOG=1 $WORK/said | wc -l) -ge 3 ]"
    ! grep -aq 'STOPPING=1' "$WORK/said" || fail "STOPPING came early"
    stop client
    wait_for 5 "STOPPING" grep -aq 'STOPPING=1' "$WORK/said"
}

# Started as somebody who only has what systemd may give: no root at all.
without_root() {
    need openvpn setpriv
    server_and_client
    write_configs client
    chmod 644 "$WORK/pki/client1.key"
    launch server "$OPENVPN"
    expect_log "$WORK/server.log" 'Initialization Sequence Completed'
    start client ip netns exec "$(ns c)" setpriv --reuid 65534 --regid 65534 --clear-groups \
        --inh-caps +net_admin --ambient-caps +net_admin "$VPND" --cd "$WORK" --config client.conf
    wait_for 20 "the connection" connected_times 1
    in_ns c ping -c 1 -W 2 10.77.0.1 >/dev/null || fail "no ping"
    stop client
    [[ $(in_ns c ip route) != *172.20.0.0* ]] || fail "the route stays"
}

run_case client-as-nobody client_as_nobody
run_case client-as-nobody-kill-switch client_as_nobody kill-switch
run_case server-as-nobody server_as_nobody
run_case with-scripts with_scripts
run_case chroot in_chroot
run_case units units
run_case service-manager client_of_manager
run_case without-root without_root
finish
