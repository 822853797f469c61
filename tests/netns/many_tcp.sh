#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Many clients over TCP: some of them read nothing, and in the end all of them reset their connections at once. A client
# that behaves notices nothing of them.
#
#   [s] eth0 10.99.0.1 ------------- 10.99.0.2 eth0 [c]
#        tun0 10.77.0.1 == TCP === 10.77.0.2 tun1, and 10.77.0.x of tests/tools/handshakes
. "$(dirname "$0")/../tools/testlib.sh"

CLIENTS=200
DEAF=40

rss() { awk '/^VmRSS/ { print $2 }' "/proc/$(pid_of server)/status"; }
connected() { [ "$(grep -c '^client1,10.99' "$WORK/status")" = "$1" ]; }

setting() {
    need openssl python3
    test_programs handshakes
    server_and_client
    pki "$WORK/pki"
    printf '%s\n' 'dev tun0' 'dev-type tun' 'proto tcp4-server' 'topology subnet' 'server 10.77.0.0 255.255.0.0' \
        'ca pki/ca.crt' 'cert pki/server.crt' 'key pki/server.key' 'dh none' 'keepalive 2 60' duplicate-cn \
        'connect-freq-initial 1000 1' 'status status 1' 'verb 1' >"$WORK/server.conf"
    start server ip netns exec "$(ns s)" "$VPND" --cd "$WORK" --config server.conf
    expect_log "$WORK/server.log" 'Initialization Sequence Completed'
    printf '%s\n' client 'dev tun1' 'dev-type tun' 'remote 10.99.0.1 1194 tcp4-client' nobind 'ca pki/ca.crt' \
        'cert pki/client1.crt' 'key pki/client1.key' 'verb 1' >"$WORK/client.conf"
    start client ip netns exec "$(ns c)" "$VPND" --cd "$WORK" --config client.conf
    expect_log "$WORK/client.log" 'Initialization Sequence Completed' 30
}

# Packets for those who do not read: 40,000 in two seconds.
for_the_deaf() {
    in_ns s python3 -c "
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setblocking(False)
for i in range(40000):
    try:
        s.sendto(bytes(1350), ('10.77.0.%d' % (3 + i % $DEAF), 9))
    except OSError:
        pass
    if i % 20 == 0:
        time.sleep(0.001)"
}

many_tcp() {
    setting
    start many ip netns exec "$(ns c)" "$BUILD_DIR/tests/tools/handshakes" --host 10.99.0.1 --tcp --deaf $DEAF \
        --reset --ca "$WORK/pki/ca.crt" --cert "$WORK/pki/client1.crt" --key "$WORK/pki/client1.key" \
        --count $CLIENTS --parallel $CLIENTS --hold 100 --ping 2 --timeout 110
    expect_log "$WORK/many.log" "$CLIENTS completed, 0 failed" 60
    wait_for 10 "all in the status" connected $((CLIENTS + 1))
    local before
    before=$(rss)
    for_the_deaf &
    in_ns c ping -q -I tun1 -c 100 -i 0.02 -W 3 10.77.0.1 >"$WORK/ping.log" || fail "the client lost its tunnel"
    wait $!
    grep -q ' 0% packet loss' "$WORK/ping.log" || fail "the client lost packets: $(cat "$WORK/ping.log")"
    sanitized || [ $(($(rss) - before)) -lt 32768 ] || fail "$(($(rss) - before)) kB grew"
    kill -USR2 "$(pid_of server)"
    expect_log "$WORK/server.log" 'dropped packets: queue'
    # The deaf ones are still there: they are heard. Then everybody goes, without a word.
    wait_for 5 "all to be there" connected $((CLIENTS + 1))
    stop many
    wait_for 10 "the server to forget them" connected 1
    in_ns c ping -q -I tun1 -c 3 -i 0.2 -W 2 10.77.0.1 >/dev/null || fail "the client lost its tunnel with the others"
    [ "$(find "/proc/$(pid_of server)/fd" | wc -l)" -lt 100 ] || fail "connections are still open"
}

run_case many-tcp many_tcp
finish
