#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Every sample configuration, as it is in sample-config/, started with keys of easy-rsa-lite in its directory. Names in
# it are found through the namespaces' own hosts file; what else has to differ is said on the command line.
#
#   [s] 10.99.0.1 vpn.example.com, office-a.example.com, proxy.example.com --- veth --- 10.99.0.2 [c]
. "$(dirname "$0")/../tools/testlib.sh"
SAMPLES=$SOURCE_DIR/sample-config
PKI=$SOURCE_DIR/easy-rsa-lite/pki

# place: directories server/ and client/ with the sample files and everything they name
place() {
    server_and_client
    need openssl
    local host
    for host in s c; do
        mkdir -p "/etc/netns/$(ns $host)"
        printf '127.0.0.1 localhost\n10.99.0.1 vpn.example.com office-a.example.com proxy.example.com\n' >"/etc/netns/$(ns $host)/hosts"
    done
    trap 'rm -rf "/etc/netns/$(ns s)" "/etc/netns/$(ns c)"; case_cleanup' EXIT
    (
        cd "$WORK"
        sh "$PKI" --no-ca-pass init
        for host in server office-a; do sh "$PKI" server $host; done
        for host in client office-b; do sh "$PKI" client $host; done
        mkdir server client
        cp "$SAMPLES"/*.conf pki/ca.crt pki/crl.pem pki/issued/*.crt pki/private/server.key pki/private/office-a.key server
        cp "$SAMPLES"/*.conf pki/ca.crt pki/issued/*.crt pki/private/client.key pki/private/office-b.key client
        "$VPND" --genkey tls-crypt server/tls-crypt.key
        cp server/tls-crypt.key client
        "$VPND" --genkey tls-crypt-v2-server server/tls-crypt-v2-server.key
        "$VPND" --tls-crypt-v2 server/tls-crypt-v2-server.key --genkey tls-crypt-v2-client client/tls-crypt-v2-client.key
        printf 'anna\nsecret\n' >client/login.txt
        cp client/login.txt client/proxy-user.txt
        chmod 600 client/*.txt
    ) >"$WORK/place.log"
}

# server/client FILE OPTION...: started in its directory, and up
server() { up s server "$@"; }
client() { up c client "$@"; }
up() {
    local host=$1 folder=$2 name=$2-$3
    (cd "$WORK/$folder" && "$VPND" --config "$3" --check "${@:4}") >"$WORK/check.log" 2>&1 ||
        fail "$3 is not right: $(grep -v correct "$WORK/check.log" | head -n 1)"
    begin "$host" "$folder" "$VPND" "${@:3}"
    expect_log "$WORK/$name.log" 'Initialization Sequence Completed' 30
}
begin() { # HOST FOLDER PROGRAM FILE OPTION...
    rm -f "$WORK/$2-$4.log"
    cd "$WORK/$2"
    start "$2-$4" ip netns exec "$(ns "$1")" "$3" --config "$4" --verb 4 "${@:5}"
    cd "$WORK"
}
reaches() { wait_for 10 "an answer of $1" in_ns c ping -c 1 -W 1 "${@:2}" "$1"; }

road_warrior() {
    place
    server server.conf --status vpnd-status.log 1
    client client.conf
    reaches 10.8.0.1
    stop client-client.conf
    begin c client "$OPENVPN" client.conf
    expect_log "$WORK/client-client.conf.log" 'Initialization Sequence Completed' 30
    reaches 10.8.0.1
    wait_for 15 "the status file" grep -q '^CLIENT_LIST,client,10.99.0.2' "$WORK/server/vpnd-status.log"
    stop server-server.conf
    grep -q '^client,10.8.0.' "$WORK/server/ipp.txt" || fail "the address was not kept"
}

user_password() {
    place
    printf '#!/bin/sh\n[ "$(cat "$1")" = "anna\nsecret" ]\n' >"$WORK/server/login.sh"
    sed -i 's/\\n/\n/' "$WORK/server/login.sh"
    chmod 755 "$WORK/server/login.sh"
    server server.conf --script-security 2 --auth-user-pass-verify ./login.sh via-file --auth-gen-token
    client roadwarrior-userpass.conf --auth-user-pass login.txt
    reaches 10.8.0.1
    # Without the file it asks, and without a terminal it says so.
    local status=0
    (cd "$WORK/client" && in_ns c setsid "$VPND" --config roadwarrior-userpass.conf --dev tun9) >"$WORK/ask.log" 2>&1 </dev/null || status=$?
    [ $status = 1 ] || fail "asking without a terminal ended with $status"
}

#   [lan] 192.168.10.5 --- veth --- eth1+tap0 in br0 [s]      the client becomes part of the LAN
bridged() {
    place
    ns_new lan
    veth lan eth0 192.168.10.5/24 s eth1 192.168.10.2/24
    in_ns s "$SOURCE_DIR/contrib/bridge.sh" start br0 eth1 tap0
    [ "$(in_ns s ip -4 -o addr show dev br0 | grep -c 192.168.10.2/24)" = 1 ] || fail "the bridge did not take the card's address"
    server server-bridge.conf
    client client-bridge.conf
    reaches 192.168.10.5
    in_ns c ip -4 -o addr show | grep "192.168.10.2[0-9][0-9]/24" || fail "no address of the LAN"
    stop server-server-bridge.conf
    in_ns s "$SOURCE_DIR/contrib/bridge.sh" stop br0 eth1 tap0
    in_ns s ip -4 -o addr show dev eth1 | grep >/dev/null 192.168.10.2/24
}

# Through an HTTP proxy with a password to TCP port 443, where a web server goes on answering browsers.
tcp443() {
    place
    need python3 curl
    mkdir "$WORK/www" "$WORK/server/port-share"
    chmod 777 "$WORK/server/port-share"
    echo "a web page" >"$WORK/www/index.html"
    start web ip netns exec "$(ns s)" python3 -m http.server --bind 127.0.0.1 --directory "$WORK/www" 8443
    start proxy ip netns exec "$(ns s)" python3 "$TESTS_DIR/tools/connect_proxy.py" 10.99.0.1 3128 anna secret
    expect_log "$WORK/proxy.log" ready
    server server-tcp443.conf
    client client-proxy.conf
    reaches 10.9.0.1
    grep -q '^CONNECT vpn.example.com:443' "$WORK/proxy.log" || fail "the proxy was not used"
    wait_for 10 "the web page" sh -c "ip netns exec $(ns c) curl -s -m 2 http://vpn.example.com:443/ | grep >/dev/null 'a web page'"
    reaches 10.9.0.1
}

#   192.168.1.1 [s, office-a] === tunnel === [c, office-b] 192.168.2.1
offices() {
    place
    in_ns s ip addr add 192.168.1.1/24 dev lo
    in_ns c ip addr add 192.168.2.1/24 dev lo
    begin s server "$VPND" office-a.conf
    client office-b.conf
    reaches 192.168.1.1 -I 192.168.2.1
    expect_log "$WORK/server-office-a.conf.log" 'Initialization Sequence Completed'
}

dual() {
    place
    server server-dual.conf
    client client.conf
    reaches 10.8.0.1
    reaches fd00:10:8::1
    stop client-client.conf
    begin c client "$VPND" client.conf --remote vpn.example.com 443 tcp --proto-force tcp
    expect_log "$WORK/client-client.conf.log" 'TCP connection established'
    reaches 10.8.0.1
}

fingerprints() {
    place
    local ours theirs
    theirs=$(openssl x509 -in "$WORK/client/client.crt" -noout -fingerprint -sha256 | cut -d= -f2)
    ours=$(openssl x509 -in "$WORK/server/server.crt" -noout -fingerprint -sha256 | cut -d= -f2)
    server fingerprint-server.conf --peer-fingerprint "$theirs"
    client fingerprint-client.conf --peer-fingerprint "$ours"
    reaches 10.8.0.1
    # A certificate that is not listed stays outside.
    begin c client "$VPND" fingerprint-client.conf --cert office-b.crt --key office-b.key --dev tun5 --peer-fingerprint "$ours"
    expect_log "$WORK/server-fingerprint-server.conf.log" 'peer-fingerprint certificate hash verification failed'
}

loopback() {
    place
    begin s server "$VPND" loopback-server.conf
    cp "$WORK"/client/client.* "$WORK/server"
    up s server loopback-client.conf
    expect_log "$WORK/server-loopback-server.conf.log" 'Initialization Sequence Completed'
}

# What the tests above start is all that there is.
complete() {
    local file
    for file in "$SAMPLES"/*.conf; do
        grep -q "$(basename "$file")" "$0" || fail "$(basename "$file") is started by no test"
    done
}

run_case complete complete
run_case road-warrior road_warrior
run_case user-password user_password
run_case bridged bridged
run_case tcp443 tcp443
run_case offices offices
run_case dual dual
run_case fingerprints fingerprints
run_case loopback loopback
finish
