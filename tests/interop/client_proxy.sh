#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A client whose only way to the server is a proxy: squid, dante, and ones that lie.
#
#   [s] 10.99.0.1 --- 10.99.0.254 [p] 10.99.1.1 --- 10.99.1.2 eth0 [c]
#        udp 1194, tcp 1194        squid 3128, danted 1080, no forwarding
. "$(dirname "$0")/../tools/testlib.sh"
. "$(dirname "$0")/../tools/clientlib.sh"

behind_proxy() { # PROTO...
    need_net
    ns_new s
    ns_new p
    ns_new c
    veth s eth0 10.99.0.1/24 p up 10.99.0.254/24
    veth p down 10.99.1.1/24 c eth0 10.99.1.2/24
    pki "$WORK/pki"
    chmod 755 "$WORK/pki"
    local proto
    for proto in "$@"; do
        case $proto in
        tcp) server_start tcp 7 tcp4-server 1194 ;;
        udp) server_start udp 7 udp4 1194 ;;
        esac
    done
    printf 'anna\nsecret word\n' >"$WORK/login"
    printf 'anna\nwrong\n' >"$WORK/bad-login"
    chmod 600 "$WORK/login" "$WORK/bad-login"
}

# ---------------------------------------------------------------- HTTP

squid_start() { # none|basic|digest|both
    need squid
    local helpers=/usr/lib/squid auth=$1
    printf 'anna:%s\n' "$(openssl passwd -apr1 'secret word')" >"$WORK/basic.passwd"
    printf 'anna:realm:%s\n' "$(printf 'anna:realm:secret word' | md5sum | cut -d' ' -f1)" >"$WORK/digest.passwd"
    {
        case $auth in basic | both)
            echo "auth_param basic program $helpers/basic_ncsa_auth $WORK/basic.passwd"
            echo "auth_param basic children 1"
            ;;
        esac
        case $auth in digest | both)
            echo "auth_param digest program $helpers/digest_file_auth -c $WORK/digest.passwd"
            echo "auth_param digest realm realm"
            echo "auth_param digest children 1"
            ;;
        esac
        [ "$auth" = none ] || printf 'acl users proxy_auth REQUIRED\nhttp_access deny !users\n'
        cat <<-END
			http_access allow all
			http_port 10.99.1.1:3128
			pid_filename none
			cache deny all
			shutdown_lifetime 0 seconds
			cache_log $WORK/squid-cache.log
			logformat vpn %rm %ru %rv %un %>Hs agent=%{User-Agent}>h x=%{X-Test}>h
			access_log stdio:$WORK/access vpn
			netdb_filename none
			workers 1
		END
    } >"$WORK/squid.conf"
    chmod 777 "$WORK"
    chmod 644 "$WORK"/*.passwd
    start squid ip netns exec "$(ns p)" squid -N -f "$WORK/squid.conf"
    wait_for 15 "squid" in_ns p sh -c "ss -ltn | grep -q :3128"
}

through() { # LINE...: connect with these options, ping, end
    client_conf "remote 10.99.0.1 1194 tcp-client" "$@"
    client_start
    client_up
    client_pings
    stop client
}

http_none() {
    behind_proxy tcp
    squid_start none
    through "http-proxy 10.99.1.1 3128" "http-proxy-option VERSION 1.1" "http-proxy-option AGENT Mozilla/9" \
        'http-proxy-option CUSTOM-HEADER "X-Test" "one two"'
    wait_for 5 "squid's log" grep -qF 'CONNECT 10.99.0.1:1194 1.1 - 200 agent=Mozilla/9 x=one%20two' "$WORK/access"
}

http_basic() {
    behind_proxy tcp
    squid_start basic
    through "http-proxy 10.99.1.1 3128 login basic"
    through "http-proxy 10.99.1.1 3128 auto" "http-proxy-user-pass login"
    through "http-proxy 10.99.1.1 3128 auto" "<http-proxy-user-pass>" "anna" "secret word" "</http-proxy-user-pass>"
    client_conf "remote 10.99.0.1 1194 tcp-client" "http-proxy 10.99.1.1 3128 auto-nct" "http-proxy-user-pass login" "connect-retry-max 1" \
        "connect-retry 0 1"
    client_start
    client_ends 1
    expect_log "$WORK/client.log" 'offers only the Basic method, which "auto-nct" forbids'
    client_conf "remote 10.99.0.1 1194 tcp-client" "http-proxy 10.99.1.1 3128 bad-login basic" "connect-retry-max 1" \
        "connect-retry 0 1"
    client_start
    client_ends 1
    expect_log "$WORK/client.log" 'user name or password is wrong'
    expect_log "$WORK/client.log" 'SIGUSR1\[soft,HTTP proxy error\] received'
    client_conf "remote 10.99.0.1 1194 tcp-client" "http-proxy 10.99.1.1 3128" "connect-retry-max 1" "connect-retry 0 1"
    client_start
    client_ends 1
    expect_log "$WORK/client.log" 'HTTP proxy asks for a login'
}

http_digest() {
    behind_proxy tcp
    squid_start digest
    through "http-proxy 10.99.1.1 3128 auto" "http-proxy-user-pass login"
    through "http-proxy 10.99.1.1 3128 auto-nct" "http-proxy-user-pass login"
}

http_both() {
    behind_proxy tcp
    squid_start both
    through "http-proxy 10.99.1.1 3128 auto-nct" "http-proxy-user-pass login"
    wait_for 5 "a 407 first and then success with the digest" \
        sh -c "grep -q ' - 407 ' '$WORK/access' && grep -q ' anna 200 ' '$WORK/access'"
}

# typed RULE... : the client on a terminal, where these answers are typed
typed() {
    : >"$WORK/client.log"
    start client ip netns exec "$(ns c)" python3 "$TESTS_DIR/tools/typist.py" "$@" -- \
        "$VPND" --cd "$WORK" --config "$WORK/client.conf"
}

# Nothing is asked before the proxy wants a login; a wrong one is asked for again, a right one is remembered.
http_terminal() {
    need python3
    behind_proxy tcp
    squid_start basic
    client_conf "remote 10.99.0.1 1194 tcp-client" "http-proxy 10.99.1.1 3128 auto" "connect-retry 0 1"
    typed --once 'HTTP Proxy Password:=wrong' 'HTTP Proxy Username:=anna' 'HTTP Proxy Password:=secret word'
    client_up
    client_pings
    head -n 1 "$WORK/access" | grep -q ' - 407 ' || fail "a login went to the proxy before it asked for one"
    expect_log "$WORK/client.log" 'user name or password is wrong'
    expect_log "$WORK/client.log" 'SIGUSR1\[soft,HTTP proxy error\] received'
    [ "$(grep -c 'Enter HTTP Proxy Password:' "$WORK/client.log")" = 2 ] || fail "the password was not asked for twice"
    grep -qE 'secret word|wrong$' <(grep -v 'is wrong$' "$WORK/client.log" | grep -v 'Enter HTTP Proxy') &&
        fail "the log has a password"
    log_mark
    kill -USR1 "$(pid_of client)"
    expect_since 'Initialization Sequence Completed'
    seen_since 'Enter HTTP Proxy' && fail "a login that works is asked for again"
    stop client
}

http_management() {
    need python3
    behind_proxy tcp
    squid_start basic
    client_conf "remote 10.99.0.1 1194 tcp-client" "http-proxy 10.99.1.1 3128 auto basic" "connect-retry 0 1" \
        "management client.sock unix" "management-query-passwords"
    client_start
    cat >"$WORK/dialogue" <<-'END'
		@expect ^>PASSWORD:Need 'HTTP Proxy' username/password$
		username "HTTP Proxy" "anna"
		@raw password "HTTP Proxy" "wrong"\n
		@expect ^>PASSWORD:Verification Failed: 'HTTP Proxy'$
		@expect ^>PASSWORD:Need 'HTTP Proxy' username/password$
		username "HTTP Proxy" "anna"
		@raw password "HTTP Proxy" "secret word"\n
		@expect ^SUCCESS: 'HTTP Proxy' password entered
	END
    timeout 60 python3 "$TESTS_DIR/tools/management.py" "$WORK/client.sock" "$WORK/dialogue" >"$WORK/said" ||
        fail "the dialogue broke off: $(tail -n 1 "$WORK/said")"
    client_up
    client_pings
    head -n 1 "$WORK/access" | grep -q ' - 407 ' || fail "a login went to the proxy before it asked for one"
    stop client
    grep -q 'secret word' "$WORK/client.log" && fail "the log has the password"
    # a signal ends the question
    client_start
    printf '%s\n' "@expect >PASSWORD:Need 'HTTP Proxy'" '@raw signal SIGTERM\n' @eof >"$WORK/dialogue"
    timeout 60 python3 "$TESTS_DIR/tools/management.py" "$WORK/client.sock" "$WORK/dialogue" >"$WORK/said"
    client_ends 1
}

# All traffic goes into the tunnel: the route that is kept outside is the proxy's.
http_redirected() {
    behind_proxy tcp
    squid_start none
    ip -n "$(ns c)" route add default via 10.99.1.1
    client_conf "remote 10.99.0.1 1194 tcp-client" "http-proxy 10.99.1.1 3128" "redirect-gateway def1"
    client_start
    client_up
    client_pings
    in_ns c ip route get 10.99.1.1 | grep -q eth0 || fail "the proxy is looked for inside the tunnel"
    in_ns c ip route get 10.99.0.1 | grep -q tun0 || fail "the server's address is not in the tunnel"
}

# ---------------------------------------------------------------- SOCKS

dante_start() { # none|username
    need danted
    cat >"$WORK/danted.conf" <<-END
		logoutput: $WORK/danted.log
		internal: 10.99.1.1 port = 1080
		external: 10.99.0.254
		socksmethod: $1
		user.privileged: root
		user.unprivileged: nobody
		client pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }
		socks pass { from: 0.0.0.0/0 to: 0.0.0.0/0 command: bind connect udpassociate bindreply udpreply }
	END
    # It asks the system about users: one more, in its own mount namespace only.
    { cat /etc/passwd; echo 'vpndtest:x:65533:65534::/:/usr/sbin/nologin'; } >"$WORK/passwd"
    { cat /etc/shadow; echo "vpndtest:$(openssl passwd -6 'secret word'):20000:0:99999:7:::"; } >"$WORK/shadow"
    chmod 600 "$WORK/shadow"
    start danted ip netns exec "$(ns p)" sh -c "mount --bind '$WORK/passwd' /etc/passwd
        mount --bind '$WORK/shadow' /etc/shadow
        exec danted -f '$WORK/danted.conf' -p '$WORK/danted.pidfile'"
    wait_for 10 "danted" in_ns p sh -c "ss -ltn | grep -q :1080"
}

socks() { # none|username PROTO
    behind_proxy "$2"
    dante_start "$1"
    local login=
    [ "$1" = none ] || login=socks-login
    printf 'vpndtest\nsecret word\n' >"$WORK/socks-login"
    client_conf "remote 10.99.0.1 1194 ${2/tcp/tcp-client}" "socks-proxy 10.99.1.1 1080 $login"
    client_start
    client_up
    client_pings
    in_ns c ping -c 20 -i 0.01 -s 1300 -q -W 1 10.77.0.1 | grep -E ' [0-9]% packet loss' || fail "packets are lost"
    stop client
    [ "$1" = none ] && return 0
    printf 'vpndtest\nwrong\n' >"$WORK/socks-login"
    client_conf "remote 10.99.0.1 1194 ${2/tcp/tcp-client}" "socks-proxy 10.99.1.1 1080 $login" "connect-retry-max 1" \
        "connect-retry 0 1"
    client_start
    client_ends 1
    expect_log "$WORK/client.log" 'SOCKS proxy: user name or password is wrong'
    expect_log "$WORK/client.log" 'SIGUSR1\[soft,socks-error\] received'
}

socks_terminal() {
    need python3
    behind_proxy udp
    dante_start username
    client_conf "remote 10.99.0.1 1194 udp" "socks-proxy 10.99.1.1 1080 stdin" "connect-retry 0 1"
    typed --once 'SOCKS Proxy Password:=wrong' 'SOCKS Proxy Username:=vpndtest' 'SOCKS Proxy Password:=secret word'
    client_up
    client_pings
    expect_log "$WORK/client.log" 'SIGUSR1\[soft,socks-error\] received'
    stop client
}

# ---------------------------------------------------------------- ones that lie

hostile() {
    need python3
    behind_proxy
    local kind option port=4000 expect
    while read -r kind option expect; do
        port=$((port + 1))
        start "proxy-$kind-$port" ip netns exec "$(ns p)" python3 "$TESTS_DIR/tools/hostile_proxy.py" 10.99.1.1 $port "$kind"
        expect_log "$WORK/proxy-$kind-$port.log" READY
        client_conf "remote 10.99.0.1 1194 tcp-client" "connect-retry-max 1" "connect-retry 0 1" "connect-timeout 1" \
            "hand-window 2" "$option 10.99.1.1 $port$([ "$option" != http-proxy ] || printf " auto\nhttp-proxy-user-pass login")"
        client_start
        client_ends 1 20
        grep -qE -- "$expect" "$WORK/client.log" || fail "$kind: no line that says '$expect'"
        [ "$(wc -l <"$WORK/client.log")" -lt 40 ] || fail "$kind floods the log"
        grep -q $'\x1b' "$WORK/client.log" && fail "$kind: its control characters reach the log"
        stop "proxy-$kind-$port" KILL
    done <<-'END'
		endless-headers http-proxy The proxy's answer is longer than .* bytes: giving this connection up|headers never end
		endless-line http-proxy The proxy's answer is longer than .* bytes|the answer is not HTTP
		stall http-proxy Server poll timeout, restarting
		not-http http-proxy HTTP proxy: the answer is not HTTP
		forbidden http-proxy HTTP proxy returned bad status: 403 Forbidden
		unknown-method http-proxy offers no method of authentication that this program knows
		digest-without-nonce http-proxy cannot answer its challenge
		close http-proxy the proxy closed the connection
		lie http-proxy Hint for .*: what takes connections there does not answer this client: a web server, the sign-in page
		socks-version socks-proxy this is not SOCKS version 5
		socks-method socks-proxy SOCKS proxy: it wants a user name and password|SOCKS proxy:
		socks-refused socks-proxy SOCKS proxy refused: .*
		socks-address-type socks-proxy SOCKS proxy: its answer is not SOCKS version 5
		socks-short socks-proxy the proxy closed the connection|Server poll timeout
		stall socks-proxy Server poll timeout, restarting
	END
}

# ---------------------------------------------------------------- one port for the tunnel and for a web site

web_site() { # in [s], on a port that only the server reaches
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=www \
        -keyout "$WORK/www.key" -out "$WORK/www.crt" 2>/dev/null
    start site ip netns exec "$(ns s)" openssl s_server -accept 127.0.0.1:8443 -cert "$WORK/www.crt" -key "$WORK/www.key" \
        -www -quiet
    wait_for 5 "the web site" in_ns s sh -c "ss -ltn | grep -q 127.0.0.1:8443"
}

site_answers() { in_ns c curl -skf -m 5 "$@" https://10.99.0.1/ | grep -q 'New, TLS'; }

connects() { # PROGRAM LINE...
    local program=$1
    shift
    client_conf "remote 10.99.0.1 443 tcp-client" "$@"
    : >"$WORK/client.log"
    start client ip netns exec "$(ns c)" "$program" --cd "$WORK" --config "$WORK/client.conf"
    client_up
    client_pings
    wait_for 5 "the web site beside the tunnel" site_answers "${site_way[@]}"
    stop client
}

port_share() { # SERVER
    need squid curl
    behind_proxy
    SERVER=$1
    web_site
    server_start tcp 7 tcp4-server 443 "port-share 127.0.0.1 8443"
    squid_start none
    local program site_way
    for program in "$VPND" "$OPENVPN"; do
        site_way=(--proxy http://10.99.1.1:3128)
        connects "$program" "http-proxy 10.99.1.1 3128"
        # and without a proxy
        in_ns p sysctl -qw net.ipv4.ip_forward=1
        ip -n "$(ns c)" route replace 10.99.0.0/24 via 10.99.1.1
        ip -n "$(ns s)" route replace 10.99.1.0/24 via 10.99.0.254
        site_way=()
        connects "$program"
        ip -n "$(ns c)" route del 10.99.0.0/24
    done
}

run_case http-none http_none
run_case http-basic http_basic
run_case http-digest http_digest
run_case http-digest-and-basic http_both
run_case http-login-on-terminal http_terminal
run_case http-login-by-management http_management
run_case http-redirect-gateway http_redirected
run_case socks-tcp socks none tcp
run_case socks-tcp-password socks username tcp
run_case socks-udp socks none udp
run_case socks-udp-password socks username udp
run_case socks-login-on-terminal socks_terminal
run_case port-share-openvpn port_share openvpn
run_case port-share-vpnd port_share vpnd
run_case hostile hostile
finish
