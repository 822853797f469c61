#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Where a server listens: UDP and TCP, IPv4 and IPv6 in one process; a web server that shares its port; two addresses.
#
#   [s] eth0 10.99.0.1, 10.99.0.7, fd99::1 ------------- 10.99.0.2, fd99::2 eth0 [c]
#       nginx 127.0.0.1:8080, [::1]:8080     == tunnels ==    tun1, tun2 ...
. "$(dirname "$0")/../tools/testlib.sh"
. "$(dirname "$0")/../tools/serverlib.sh"

begin() { # server lines
    need openvpn openssl
    server_and_client
    write_server 'topology subnet' 'server 10.77.0.0 255.255.255.0' 'keepalive 1 4' 'status status 1' \
        'status-version 2' "$@"
}

reach() { wait_for 10 "a ping from $1" in_ns c ping -I "$1" -c 1 -W 1 10.77.0.1; }

several() {
    begin 'local 10.99.0.1 1194 udp' 'local fd99::1 1195 udp' 'local 10.99.0.1 443 tcp' 'local * 8443 tcp6'
    more_certificates "$WORK/pki" 4 4
    write_client a client1 'dev tun1' 'remote 10.99.0.1 1194 udp'
    write_client b client2 'dev tun2' 'remote fd99::1 1195 udp6'
    write_client d client3 'dev tun3' 'remote 10.99.0.1 443 tcp'
    write_client e client4 'dev tun4' 'remote fd99::1 8443 tcp6'
    server_up
    client_up a "$OPENVPN"
    client_up b "$VPND"
    client_up d "$OPENVPN"
    client_up e "$VPND"
    local n
    for n in 1 2 3 4; do reach tun$n; done
    # From one transport to the other, through the server.
    in_ns c ping -I tun1 -c 1 -W 1 "$(address_in c tun3)" || true
    wait_for 5 "the status" grep -q '^CLIENT_LIST,client4,fd99::2,' "$WORK/status"
    grep -q '^CLIENT_LIST,client3,10.99.0.2:[0-9]*,' "$WORK/status" || fail "the TCP client is not in the status"
    # A stranger on TCP disturbs nobody.
    printf 'GET / HTTP/1.0\r\n\r\n' | in_ns c socat -t 2 - TCP:10.99.0.1:443 || true
    reach tun3
    # The form that 2.7 writes
    echo 'status-real-address 2.7' >>"$WORK/server.conf"
    stop server
    stop e
    server_up
    local line
    for line in client1,udp4:10.99.0.2: client2,udp6:'\[fd99::2\]:' client3,tcp4-server:10.99.0.2:; do
        wait_for 30 "$line in the status" grep -q "^CLIENT_LIST,$line[0-9]" "$WORK/status"
    done
    stop d
    wait_for 10 "the server to forget the TCP client" sh -c "! grep -q client3 '$WORK/status'"
}

# Without `local` one socket serves both families.
dual_stack() { # PROTO
    begin "proto $1"
    write_client a client1 'dev tun1' "remote 10.99.0.1 1194 ${1}4"
    write_client b client2 'dev tun2' "remote fd99::1 1194 ${1}6"
    server_up
    client_up a "$VPND"
    client_up b "$OPENVPN"
    reach tun1
    reach tun2
    wait_for 5 "the IPv4 client as IPv4" grep -q '^CLIENT_LIST,client1,10.99.0.2:' "$WORK/status"
}

multihome() {
    begin 'multihome'
    ip -n "$(ns s)" addr add 10.99.0.7/24 dev eth0
    write_client a client1 'dev tun1' 'remote 10.99.0.7 1194 udp'
    write_client b client2 'dev tun2' 'remote 10.99.0.1 1194 udp'
    server_up
    client_up a "$OPENVPN"
    client_up b "$VPND"
    reach tun1
    reach tun2
}

web_server() {
    need nginx curl
    mkdir -p "$WORK/www" "$WORK/nginx" "$WORK/share"
    chmod 777 "$WORK/nginx"
    echo 'the shared page' >"$WORK/www/index.html"
    head -c 3000000 /dev/urandom >"$WORK/www/big"
    cat >"$WORK/nginx.conf" <<-END
		daemon off;
		master_process off;
		pid $WORK/nginx/pid;
		error_log $WORK/nginx/error;
		events {}
		http {
		    access_log $WORK/nginx/access;
		    client_body_temp_path $WORK/nginx/a; proxy_temp_path $WORK/nginx/b; fastcgi_temp_path $WORK/nginx/c;
		    uwsgi_temp_path $WORK/nginx/d; scgi_temp_path $WORK/nginx/e;
		    server { listen 127.0.0.1:8080; listen [::1]:8080; root $WORK/www; }
		}
	END
    start nginx ip netns exec "$(ns s)" nginx -c "$WORK/nginx.conf" -e "$WORK/nginx/error"
    wait_for 5 "nginx" in_ns s sh -c 'ss -ltn | grep -q :8080'
}

port_share() { # WEB-ADDRESS
    begin 'proto tcp' 'local * 443 tcp' "port-share $1 8080 $WORK/share"
    web_server
    server_up
    write_client a client1 'dev tun1' 'remote 10.99.0.1 443 tcp'
    write_client b client2 'dev tun2' 'remote fd99::1 443 tcp6'
    client_up a "$OPENVPN"
    client_up b "$VPND"
    local address
    for address in 10.99.0.1 '[fd99::1]'; do
        [ "$(in_ns c curl -s --max-time 5 "http://$address:443/")" = 'the shared page' ] || fail "no page at $address"
        in_ns c curl -s --max-time 10 -o "$WORK/got" "http://$address:443/big"
        cmp "$WORK/got" "$WORK/www/big" || fail "a large file came changed"
    done
    # While a connection lasts, a file named after the relay's address tells the visitor's.
    mkfifo "$WORK/wait"
    start visitor ip netns exec "$(ns c)" socat -u "OPEN:$WORK/wait" TCP6:[fd99::1]:443
    exec 9>"$WORK/wait"
    printf 'GET / HTTP/1.1\r\nHost: x\r\n' >&9
    wait_for 5 "the visitor's file" sh -c "ls '$WORK/share' | grep -q AF_INET"
    local note
    note=$(ls "$WORK/share")
    case $1 in
    127.0.0.1) [[ $note == \[AF_INET\]127.0.0.1:* ]] || fail "the file is called $note" ;;
    *) [[ $note == \[AF_INET6\]::1:* ]] || fail "the file is called $note" ;;
    esac
    grep -q '^\[AF_INET6\]fd99::2:[0-9]' "$WORK/share/$note" || fail "the file says $(cat "$WORK/share/$note")"
    exec 9>&-
    wait_for 5 "the file to go" sh -c "[ -z \"\$(ls '$WORK/share')\" ]"
    reach tun1
    reach tun2
    # One byte, then silence: nobody is kept waiting.
    start slow ip netns exec "$(ns c)" sh -c 'printf G; sleep 20' 
    [ "$(in_ns c curl -s --max-time 5 http://10.99.0.1:443/)" = 'the shared page' ] || fail "no page behind a slow visitor"
    stop server
}

run_case udp-and-tcp-together several
run_case dual-stack-udp dual_stack udp
run_case dual-stack-tcp dual_stack tcp
run_case multihome multihome
run_case port-share-ipv4 port_share 127.0.0.1
run_case port-share-ipv6 port_share ::1
finish
