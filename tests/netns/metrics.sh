#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The metrics endpoint and --show-status on a server with a client: Prometheus' own checker, the dashboard's names,
# numbers that move, HTTP clients that mean no good.
#
#   [s] eth0 10.99.0.1 ------------- 10.99.0.2 eth0 [c]
#        tun0 10.77.0.1 == tunnel == 10.77.0.x tun0
. "$(dirname "$0")/../tools/testlib.sh"

get() { curl -s --max-time 10 --unix-socket "$WORK/metrics.sock" "http://vpnd$1"; }
value() { get /metrics | awk -v name="$1" '$1 == name { print $2 }'; }

pair() { # SERVER-OPTION...
    need curl openssl jq
    server_and_client
    pki "$WORK/pki"
    start server ip netns exec "$(ns s)" "$VPND" --cd "$WORK" --dev tun0 --dev-type tun --topology subnet \
        --server 10.77.0.0 255.255.255.0 --ca pki/ca.crt --cert pki/server.crt --key pki/server.key --dh none \
        --keepalive 1 5 --metrics metrics.sock unix --management management.sock unix "$@"
    expect_log "$WORK/server.log" 'Initialization Sequence Completed'
    start client ip netns exec "$(ns c)" "$VPND" --cd "$WORK" --client --dev tun0 --dev-type tun --nobind \
        --remote 10.99.0.1 1194 udp --ca pki/ca.crt --cert pki/client1.crt --key pki/client1.key \
        --remote-cert-tls server --metrics client.sock unix
    expect_log "$WORK/client.log" 'Initialization Sequence Completed'
}

numbers() {
    pair
    local before page
    before=$(value vpnd_device_written_packets_total)
    in_ns c ping -c 5 -i 0.05 -q 10.77.0.1 >/dev/null
    wait_for 5 "the counters" sh -c "[ \"\$(curl -s --unix-socket '$WORK/metrics.sock' http://x/metrics |
        awk '\$1 == \"vpnd_device_written_packets_total\" { print \$2 }')\" -ge $((before + 5)) ]"
    page=$(get /status)
    [ "$(jq -r '.clients[0].common_name' <<<"$page")" = client1 ] || fail "the client is missing: $page"
    [ "$(jq -r '.clients[0].virtual_address' <<<"$page")" = 10.77.0.2 ] || fail "its address is wrong: $page"
    [ "$(jq -r '.handshakes.completed' <<<"$page")" = 1 ] || fail "its handshake was not counted: $page"
    [ "$(jq -r '.certificate.days_left > 800' <<<"$page")" = true ] || fail "the certificate's end is wrong: $page"
    [ "$(curl -s --unix-socket "$WORK/client.sock" http://x/status | jq -r .state)" = CONNECTED ] ||
        fail "the client does not say that it is connected"
    [ "$(get '/metrics?clients' | grep -c '^vpnd_client_receive_bytes_total{common_name="client1"')" = 1 ] ||
        fail "the client has no series of its own"
}

prometheus_accepts() {
    need promtool
    pair
    get '/metrics?clients' >"$WORK/page"
    promtool check metrics <"$WORK/page" || fail "promtool finds fault"
    curl -s --unix-socket "$WORK/client.sock" http://x/metrics | promtool check metrics || fail "promtool finds fault"
}

# Every name in the dashboard is one that is served.
dashboard() {
    pair
    # a hook's time is served once a hook has run
    get '/metrics?clients' >"$WORK/page"
    local name missing=
    for name in $(jq -r '.. | .expr? // empty' "$SOURCE_DIR/contrib/grafana/vpnd.json" | grep -o 'vpnd_[a-z_]*' | sort -u); do
        case $name in vpnd_hook_* | vpnd_crl_*) continue ;; esac
        grep -q "^$name[{ ]" "$WORK/page" || missing="$missing $name"
    done
    [ -z "$missing" ] || fail "the dashboard asks for what nobody serves:$missing"
    need promtool
    {
        printf 'groups:\n- name: dashboard\n  rules:\n'
        # shellcheck disable=SC2016 # Grafana's variables
        jq -r '[.. | .expr? // empty][]' "$SOURCE_DIR/contrib/grafana/vpnd.json" |
            sed -e 's/\$__rate_interval/5m/g; s/\$__range/1h/g; s/\$instance/.*/g' | awk '{ printf "  - record: q%d\n    expr: |\n      %s\n", NR, $0 }'
    } >"$WORK/rules.yml"
    promtool check rules "$WORK/rules.yml" || fail "the dashboard has a query that does not parse"
}

# Half requests, huge headers, many connections, other methods: bounded, and the tunnel does not notice.
hostile() {
    need socat
    pair
    local i
    for i in $(seq 40); do
        start "slow$i" socat -u SYSTEM:'printf "GET /metrics HTTP/1.1\r\nX: "; sleep 30' \
            "UNIX-CONNECT:$WORK/metrics.sock"
    done
    head -c 100000 /dev/zero | tr '\0' a >"$WORK/long"
    curl -s --max-time 10 -o /dev/null -H "X: $(cut -c1-60000 "$WORK/long")" --unix-socket "$WORK/metrics.sock" http://x/ || true
    in_ns c ping -c 3 -i 0.1 -W 1 -q 10.77.0.1 >/dev/null || fail "the tunnel stopped"
    # Whoever dawdles is sent away; then everybody else is served again.
    wait_for 30 "an answer after the dawdlers" sh -c "curl -s --max-time 2 --unix-socket '$WORK/metrics.sock' http://x/status | grep -q client1"
    [ "$(curl -s -o /dev/null -w '%{http_code}' -X DELETE --unix-socket "$WORK/metrics.sock" http://x/status)" = 405 ] ||
        fail "another method was not refused"
    kill -0 "$(pid_of server)" || fail "the server is gone"
}

# The socket: alive means refused, stale means replaced, gone at the end.
socket() {
    pair
    "$VPND" --cd "$WORK" --dev null --client --remote 192.0.2.1 --ca pki/ca.crt --cert pki/client1.crt \
        --key pki/client1.key --metrics metrics.sock unix >"$WORK/second.log" 2>&1 && fail "a second one took the socket"
    grep -q 'metrics: cannot listen on metrics.sock: another process serves it' "$WORK/second.log" ||
        fail "it did not say why: $(tail -n 1 "$WORK/second.log")"
    stop server KILL
    [ -S "$WORK/metrics.sock" ] || fail "a killed process cannot have removed its socket"
    pair_again
    get /status | jq -e .mode >/dev/null || fail "the stale socket was not replaced"
    stop server
    [ ! -e "$WORK/metrics.sock" ] || fail "the socket was left behind"
}

pair_again() {
    : >"$WORK/server.log"
    start server ip netns exec "$(ns s)" "$VPND" --cd "$WORK" --dev tun0 --dev-type tun --topology subnet \
        --server 10.77.0.0 255.255.255.0 --ca pki/ca.crt --cert pki/server.crt --key pki/server.key --dh none \
        --metrics metrics.sock unix
    expect_log "$WORK/server.log" 'Initialization Sequence Completed'
}

shown() {
    pair
    local socket
    for socket in metrics.sock management.sock; do
        "$VPND" --show-status "$WORK/$socket" >"$WORK/shown" </dev/null || fail "--show-status failed on $socket"
        grep -q '^client1 .*10\.77\.0\.2 .*AES-256-GCM$' "$WORK/shown" || fail "no row for the client: $(cat "$WORK/shown")"
        ! grep -q "$(printf '\033')" "$WORK/shown" || fail "escape sequences in a pipe"
    done
    "$VPND" --show-status "$WORK/client.sock" </dev/null | grep -q 'CONNECTED to 10.99.0.1:1194 as 10.77.0.2' ||
        fail "the client's state is not shown"
    ! "$VPND" --show-status "$WORK/nowhere" >"$WORK/shown" 2>&1 || fail "no error without a socket"
    [ "$(wc -l <"$WORK/shown")" = 1 ] || fail "not one line: $(cat "$WORK/shown")"
}

run_case numbers numbers
run_case prometheus-accepts prometheus_accepts
run_case dashboard-names dashboard
run_case hostile-http hostile
run_case socket-alive-or-stale socket
run_case show-status shown
finish
