#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Time from start to the first ping through the tunnel on a path with a round trip of RTT ms (default 50), openvpn and
# vpnd as clients of openvpn and of vpnd as the server, medians of RUNS runs (default 5).
#
#   [s] 10.99.0.1:1194, relay :1195 that waits RTT/2 each way ------------- 10.99.0.2 [c]
. "$(dirname "$0")/../tools/testlib.sh"
. "$(dirname "$0")/../tools/clientlib.sh"

RTT=${RTT:-50}
RUNS=${RUNS:-5}
DELAY=${BUILD_DIR:-$SOURCE_DIR/build}/tests/tools/udp_delay

median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

measure() { # PROGRAM
    local i
    for i in $(seq "$RUNS"); do
        in_ns c python3 "$TESTS_DIR/bench/first_ping.py" 10.77.0.1 "$1" --cd "$WORK" --config client.conf ||
            fail "no ping through $1"
    done | median
}

compare() { # SERVER [LINE_OF_THE_CLIENT...]
    SERVER=$1
    shift
    network
    server_start server 7 udp4 1194 "duplicate-cn" "keepalive 10 60"
    start relay ip netns exec "$(ns s)" "$DELAY" 1195 10.99.0.1 1194 "$RTT"
    expect_log "$WORK/relay.log" READY
    client_conf "remote 10.99.0.1 1195 udp4" "$@"
    local theirs ours
    theirs=$(measure "$OPENVPN")
    ours=$(measure "$VPND")
    echo "$server, ${*:-TLS 1.3}, RTT $RTT ms: openvpn $theirs ms, vpnd $ours ms" >&3
}

[ -x "$DELAY" ] || { echo "build $DELAY first (make check_PROGRAMS)"; exit 1; }
exec 3>&1
for server in openvpn vpnd; do
    run_case "$server-tls-1.3" compare "$server"
    run_case "$server-tls-1.2" compare "$server" "tls-version-max 1.2"
done
finish
