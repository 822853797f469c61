# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the tests of the client share: a stock server and vpnd as its client, each in a namespace of its own.
#
#   [s] eth0 10.99.0.1, fd99::1 ------------- 10.99.0.2, fd99::2 eth0 [c]
#        tun0 10.77.0.1 ====== tunnel ======= 10.77.0.x tun0
#
# Source it after testlib.sh. SERVER=vpnd in the environment puts vpnd at the other end as well.

SERVER=${SERVER:-openvpn}
[ "$SERVER" = openvpn ] || SUITE=$SUITE-$SERVER

server_program() { if [ "$SERVER" = vpnd ]; then echo "$VPND"; else echo "$OPENVPN"; fi; }

# network: the two namespaces and the keys
network() {
    need "$(server_program)" openssl
    server_and_client
    pki "$WORK/pki"
    chmod 755 "$WORK/pki"
}

# server_start NAME NUMBER PROTO PORT [LINE...]: a server on tunNUMBER with addresses 10.7NUMBER.0.0/24
server_start() {
    local name=$1 number=$2 proto=$3 port=$4
    shift 4
    cat >"$WORK/$name.conf" <<-END
		dev tun$number
		proto $proto
		port $port
		topology subnet
		server 10.7$number.0.0 255.255.255.0
		ca pki/ca.crt
		cert pki/server.crt
		key pki/server.key
		dh none
		keepalive 1 4

		verb 3
	END
    printf '%s\n' "$@" >>"$WORK/$name.conf"
    server_again "$name"
}

# server_again NAME: start it (once more)
server_again() {
    : >"$WORK/$1.log"
    start "$1" ip netns exec "$(ns s)" "$(server_program)" --cd "$WORK" --config "$WORK/$1.conf"
    expect_log "$WORK/$1.log" 'Initialization Sequence Completed' 10
}

# client_conf [LINE...]: a configuration without remotes
client_conf() {
    cat >"$WORK/client.conf" <<-END
		client
		dev tun0
		nobind
		ca pki/ca.crt
		cert pki/client1.crt
		key pki/client1.key
		remote-cert-tls server
		verb 3
	END
    printf '%s\n' "$@" >>"$WORK/client.conf"
}

# client_start [OPTION...]: begin, with further options on the command line
client_start() {
    : >"$WORK/client.log"
    start client ip netns exec "$(ns c)" "$VPND" --cd "$WORK" --config "$WORK/client.conf" "$@"
}

# client_up [SECONDS]: wait until it is connected, and forget the log so far
client_up() { expect_log "$WORK/client.log" 'Initialization Sequence Completed' "${1:-15}"; }

# client_again: the same after a reconnect
log_mark() { wc -l <"$WORK/client.log" >"$WORK/client.mark"; }
log_since() { tail -n +"$(($(cat "$WORK/client.mark") + 1))" "$WORK/client.log"; }
seen_since() { log_since | grep -aqE -- "$1"; }
expect_since() { wait_for "${2:-15}" "'$1' in the client's log" seen_since "$1"; }

pings() { in_ns c ping -c 1 -W 1 "${1:-10.77.0.1}"; }
client_pings() { wait_for 10 "a ping through the tunnel" pings "${1:-10.77.0.1}"; }

# client_ends STATUS: it ends by itself with this exit status
client_ends() {
    local pid status=0
    pid=$(pid_of client)
    wait_for "${2:-15}" "the client to end" sh -c "! kill -0 $pid"
    wait "$pid" 2>/dev/null || status=$?
    [ "$status" = "$1" ] || fail "the client ended with status $status instead of $1"
}

# host_state NS: everything that a client may change there
host_state() {
    in_ns "$1" ip -4 route show table all | sort
    in_ns "$1" ip -6 route show table all | grep -v ' proto kernel ' | sort
    in_ns "$1" ip -o addr show | sed 's/ tentative//; s/valid_lft.*//' | sort
    in_ns "$1" nft list ruleset 2>/dev/null || true
}
