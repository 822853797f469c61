#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The life of a client's connection: transports, the list of remotes, timeouts, signals, what stays over a restart.
#
#   [s] eth0 10.99.0.1, fd99::1 ------------- 10.99.0.2, fd99::2 eth0 [c]
#        tun7 10.77.0.1 ====== tunnel ======= 10.77.0.x tun0
. "$(dirname "$0")/../tools/testlib.sh"
. "$(dirname "$0")/../tools/clientlib.sh"

transport() { # PROTO ADDRESS
    network
    server_start server 7 "$1" 1194
    client_conf "remote $2 1194" "proto ${1/server/client}" "explicit-exit-notify 1"
    local before after
    before=$(host_state c)
    client_start
    client_up
    client_pings
    stop client
    after=$(host_state c)
    [ "$before" = "$after" ] || fail "the host is not as before: $(diff <(echo "$before") <(echo "$after"))"
}

signals() {
    network
    server_start server 7 udp 1194 'push "route 10.55.0.0 255.255.0.0"'
    client_conf "remote 10.99.0.1" "explicit-exit-notify 1"
    client_start
    client_up
    local client
    client=$(pid_of client)
    log_mark
    kill -USR2 "$client"
    expect_since 'TUN/TAP write bytes,'
    log_mark
    kill -USR1 "$client"
    expect_since 'SIGUSR1\[hard,\] received, process restarting'
    expect_since 'Closing TUN/TAP interface'
    expect_since 'Restart pause, 1 second'
    expect_since 'Initialization Sequence Completed'
    client_pings
    log_mark
    kill -HUP "$client"
    expect_since 'SIGHUP\[hard,\] received, process restarting'
    expect_since 'Initialization Sequence Completed'
    client_pings
    log_mark
    kill -INT "$client"
    expect_since 'SIGINT received, sending exit notification to peer'
    client_ends 0
    seen_since 'SIGTERM\[soft,exit-with-notification\] received, process exiting' || fail "no word at the end"
    expect_log "$WORK/server.log" 'client-instance exiting|EXIT message|Delayed exit|CC-EEN' 5
}

# A program that runs when the configuration is read again comes to its end, and is buried.
hangup_spares_programs() {
    network
    server_start server 7 udp 1194
    printf '%s\n' '#!/bin/sh' 'echo begun >>'"$WORK/ran" 'until [ -e '"$WORK/go"' ]; do sleep 0.1; done' \
        'echo done >>'"$WORK/ran" >"$WORK/program"
    chmod 755 "$WORK/program"
    client_conf "remote 10.99.0.1" "script-security 2" "ipchange $WORK/program"
    client_start
    wait_for 10 "the program" grep -q begun "$WORK/ran"
    log_mark
    kill -HUP "$(pid_of client)"
    expect_since 'SIGHUP\[hard,\] received, process restarting'
    wait_for 10 "the next program" sh -c "[ \$(grep -c begun $WORK/ran) = 2 ]"
    : >"$WORK/go"
    wait_for 5 "both to end" sh -c "[ \$(grep -c done $WORK/ran) = 2 ]"
    wait_for 5 "no zombies" sh -c "! ps --ppid $(pid_of client) -o stat= | grep -q Z"
    client_up
}

remapped() {
    network
    server_start server 7 udp 1194
    client_conf "remote 10.99.0.1" "remap-usr1 SIGTERM"
    client_start
    client_up
    kill -USR1 "$(pid_of client)"
    client_ends 0
}

# The same options again: device, addresses and routes stay; other ones: they change.
persistent() {
    network
    server_start server 7 udp 1194 'push "route 10.55.0.0 255.255.0.0"'
    client_conf "remote 10.99.0.1" "persist-tun"
    client_start
    client_up
    local index
    index=$(in_ns c cat /sys/class/net/tun0/ifindex)
    log_mark
    kill -USR1 "$(pid_of client)"
    expect_since 'Restart pause'
    in_ns c ip route show 10.55.0.0/16 | grep -q tun0 || fail "the route went away while reconnecting"
    expect_since 'Preserving previous TUN/TAP instance: tun0'
    expect_since 'Initialization Sequence Completed'
    client_pings
    [ "$index" = "$(in_ns c cat /sys/class/net/tun0/ifindex)" ] || fail "the device was made anew"
    stop server
    sed -i 's/10.55.0.0/10.56.0.0/' "$WORK/server.conf"
    log_mark
    server_again server
    expect_since 'Pulled options changed on restart, will need to close and reopen TUN/TAP device' 25
    expect_since 'Initialization Sequence Completed'
    client_pings
    in_ns c ip route show 10.56.0.0/16 | grep -q tun0 || fail "the new route is missing"
    [ -z "$(in_ns c ip route show 10.55.0.0/16)" ] || fail "the old route is still there"
}

# Refused TCP connections one after the other; the file has more entries than any provider's.
many_remotes() {
    network
    server_start server 7 tcp-server 1194
    local i lines=()
    for i in $(seq 70); do lines+=("remote 10.99.0.1 $((2000 + i)) tcp-client"); done
    client_conf "${lines[@]}" "remote 10.99.0.1 1194 tcp-client" "connect-retry 0 1"
    client_start
    client_up
    client_pings
    [ "$(grep -c 'TCP: connect to .* failed' "$WORK/client.log")" = 70 ] || fail "not every remote was tried once"
}

connections() {
    network
    server_start server 7 udp 1195
    client_conf "remote 10.99.0.1 1999 udp" "connect-timeout 1" \
        "<connection>" "remote 10.99.0.1 1998 udp" "</connection>" \
        "<connection>" "remote 10.99.0.1 1195 udp" "explicit-exit-notify 2" "</connection>"
    client_start
    client_up
    client_pings
    grep -q ':1999' "$WORK/client.log" && fail "a bare remote was used although there are connection blocks"
    grep -q 'Server poll timeout, restarting' "$WORK/client.log" || fail "the silent remote did not time out"
    grep -q 'Restart pause' "$WORK/client.log" && fail "there was a pause after a poll timeout"
    log_mark
    kill -TERM "$(pid_of client)"
    client_ends 0
}

retry_max() {
    network
    client_conf "remote 10.99.0.1 1194 tcp-client" "connect-retry 0 1" "connect-retry-max 3"
    client_start
    client_ends 1
    grep -q 'All connections have been connect-retry-max (3) times unsuccessful, exiting' "$WORK/client.log" ||
        fail "it does not say why it ends"
    [ "$(grep -c 'TCP: connect to .* failed' "$WORK/client.log")" = 4 ] ||
        fail "$(grep -c 'TCP: connect to .* failed' "$WORK/client.log") attempts"
}

# A name with an IPv6 address that does not answer and an IPv4 address that does.
names() {
    network
    server_start server 7 udp4 1194
    mkdir -p "/etc/netns/$(ns c)"
    printf 'fd99::1 vpn.example\n10.99.0.1 vpn.example\n' >"/etc/netns/$(ns c)/hosts"
    client_conf "remote vpn.example 1194 udp" "connect-timeout 1" "resolv-retry 2"
    client_start
    client_up
    client_pings
    stop client
    client_conf "remote fd99::1 1999 udp" "remote vpn.example 1194 udp" "connect-timeout 1" "preresolve"
    client_start
    client_up
    stop client
    client_conf "remote nobody.example 1194 udp" "remote-random-hostname" "resolv-retry 0"
    client_start
    client_ends 1
    rm -rf "/etc/netns/$(ns c)"
    grep -qE 'RESOLVE: Cannot resolve host address: [0-9a-f]{12}\.nobody\.example:1194 \(' "$WORK/client.log" ||
        fail "the name that was looked up has no random part"
}

local_port() {
    network
    server_start server 7 udp 1194
    client_conf "remote 10.99.0.1" "local 10.99.0.2" "lport 4711"
    sed -i '/^nobind/d' "$WORK/client.conf"
    client_start
    client_up
    client_pings
    grep -q '10.99.0.2:4711' "$WORK/server.log" || fail "the server saw another port"
}

# An address without a way there does not hold up the next one; none at all ends in a pause, not in silence.
unreachable() {
    network
    server_start server 7 udp4 1194
    client_conf "remote fd55::1 1194 udp6" "remote 10.99.0.1 1194 udp4" "connect-retry 0 1"
    client_start
    client_up 5
    grep -q 'SIGUSR1\[soft,network-unreachable\] received, process restarting' "$WORK/client.log" || fail "no word"
    stop client
    client_conf "remote 192.0.2.1 1194 udp4" "connect-retry 300"
    client_start
    expect_log "$WORK/client.log" 'Restart pause, 300 second'
    # The network comes: the pause ends at once.
    ip -n "$(ns s)" addr add 192.0.2.1/32 dev lo
    ip -n "$(ns c)" route add default via 10.99.0.1
    stop server
    echo multihome >>"$WORK/server.conf"
    server_again server
    client_up 5
}

# The server answers from another address than the one that was asked.
floating() {
    network
    ip -n "$(ns s)" addr add 10.99.0.9/24 dev eth0
    server_start server 7 udp4 1194
    client_conf "remote 10.99.0.9 1194 udp4" "connect-timeout 2" "connect-retry 0 1" "connect-retry-max 1"
    client_start
    expect_log "$WORK/client.log" \
        'Incoming packet rejected from \[AF_INET\]10.99.0.1:1194\[2\], expected peer address: \[AF_INET\]10.99.0.9:1194'
    client_ends 1
    client_start --float
    client_up
    client_pings
}

# A server that goes away without a word, and comes back.
server_lost() {
    network
    server_start server 7 "$1" 1194
    client_conf "remote 10.99.0.1" "proto ${1/server/client}" "persist-tun"
    client_start
    client_up
    log_mark
    stop server KILL
    if [ "$1" = udp ]; then
        expect_since 'SIGUSR1\[soft,ping-restart\] received, process restarting'
    else
        expect_since 'SIGUSR1\[soft,connection-reset\] received, process restarting'
    fi
    log_mark
    server_again server
    expect_since 'Initialization Sequence Completed' 25
    client_pings
}

# Other ends of a session: the server's word, inactivity, the session's time.
ends() {
    network
    server_start server 7 udp 1194
    client_conf "remote 10.99.0.1" "session-timeout 2"
    client_start
    client_ends 0
    grep -q 'SIGTERM\[soft,session-timeout\] received, process exiting' "$WORK/client.log" || fail "session-timeout"
    client_conf "remote 10.99.0.1" "inactive 2"
    client_start
    client_ends 0
    grep -q 'SIGTERM\[soft,inactive\] received, process exiting' "$WORK/client.log" || fail "inactive"
    client_conf "remote 10.99.0.1" "single-session"
    client_start
    client_up
    stop client
}

# A host without a server on this port says so long before the handshake's time is over, and servers do not mind the
# empty datagrams that ask.
port_refused() {
    network
    client_conf "remote 10.99.0.1 1194 udp4" "hand-window 30"
    client_start
    expect_log "$WORK/client.log" 'read UDPv4 \[ECONNREFUSED\]: Connection refused' 5
    expect_log "$WORK/client.log" 'Hint for .*10.99.0.1:1194: the host there says that nothing listens on this port for UDP'
    server_start server 7 udp4 1194
    client_up 15
    [ "$(grep -c ECONNREFUSED "$WORK/client.log")" = 1 ] || fail "it says so again and again"
    stop client
    local lines
    lines=$(wc -l <"$WORK/server.log")
    in_ns c python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("10.99.0.1", 1194))
for i in range(3): s.send(b"")
s.settimeout(0.5)
try: s.recv(100); raise SystemExit("it answers")
except TimeoutError: pass'
    ! tail -n +"$((lines + 1))" "$WORK/server.log" | grep 10.99.0.2 | grep -v '^.* client1/' || fail "the server minds"
    client_start
    client_up
}

run_case udp4 transport udp4 10.99.0.1
run_case udp6 transport udp6 fd99::1
run_case tcp4 transport tcp4-server 10.99.0.1
run_case tcp6 transport tcp6-server fd99::1
run_case signals signals
run_case hangup-spares-programs hangup_spares_programs
run_case remap-usr1 remapped
run_case persist-tun persistent
run_case many-remotes many_remotes
run_case connection-blocks connections
run_case connect-retry-max retry_max
run_case names names
run_case local-port local_port
run_case unreachable unreachable
run_case port-refused port_refused
run_case float floating
run_case server-lost-udp server_lost udp
run_case server-lost-tcp server_lost tcp-server
run_case ends ends
finish
