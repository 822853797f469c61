#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Two ends without a server's pushes (tls-server, tls-client), vpnd and the installed openvpn in either role: what they
# negotiate, which peer id their packets carry, renegotiations by both ends.
#
#   [s] eth0 10.99.0.1 ------------------------ 10.99.0.2 eth0 [c]
#        tun0 10.77.0.1 ======= tunnel ======= 10.77.0.2 tun0
. "$(dirname "$0")/../tools/testlib.sh"

PKI_CACHE=$(mktemp -d "${TMPDIR:-/tmp}/vpnd-test-pki.XXXXXX")
trap 'rm -rf "$PKI_CACHE"' EXIT

end_lines() { # CERTIFICATE OWN-ADDRESS OTHER-ADDRESS LINE...
    printf '%s\n' 'dev tun0' 'dev-type tun' 'ca pki/ca.crt' "cert pki/$1.crt" "key pki/$1.key" "ifconfig $2 $3" \
        'ping 2' 'ping-restart 20' 'verb 4' "${@:4}"
}

# connect SERVER CLIENT LINE...: both up, a packet went through
connect() {
    local server=$VPND client=$VPND
    need "$OPENVPN" openssl
    server_and_client
    [ "$1" = vpnd ] || server=$OPENVPN
    [ "$2" = vpnd ] || client=$OPENVPN
    ln -s "$PKI_CACHE/ec" "$WORK/pki"
    end_lines server 10.77.0.1 10.77.0.2 tls-server 'dh none' "${@:3}" >"$WORK/server.conf"
    end_lines client1 10.77.0.2 10.77.0.1 tls-client 'remote 10.99.0.1 1194 udp' nobind "${@:3}" >"$WORK/client.conf"
    start server ip netns exec "$(ns s)" "$server" --cd "$WORK" --config server.conf
    start client ip netns exec "$(ns c)" "$client" --cd "$WORK" --config client.conf
    expect_log "$WORK/client.log" 'Initialization Sequence Completed'
    expect_log "$WORK/server.log" 'Initialization Sequence Completed'
    wait_for 10 "a ping through the tunnel" in_ns c ping -c 1 -W 1 10.77.0.1
}

result_of() { grep -ao 'P2P mode NCP negotiation result: .*' "$WORK/$1.log" | head -n 1 | sed 's/, epoch=0//'; }

negotiated() { # SERVER CLIENT
    connect "$1" "$2"
    [ -n "$(result_of server)" ] || fail "no result in the log of the server"
    [ "$(result_of server)" = "$(result_of client)" ] ||
        fail "the ends differ: $(result_of server) -- $(result_of client)"
    local id
    id=$(result_of server | sed 's/.*peer-id \([0-9]*\).*/\1/')
    need nft
    in_ns s nft -f - <<-END || skip "no nftables with payload matches here"
		table inet ids {
			counter odd { }
			counter right { }
			chain in {
				type filter hook input priority 0
				udp dport 1194 @th,64,5 9 @th,72,24 != $id counter name odd
				udp dport 1194 @th,64,5 9 @th,72,24 $id counter name right
			}
			chain out {
				type filter hook output priority 0
				udp sport 1194 @th,64,5 9 @th,72,24 != $id counter name odd
				udp sport 1194 @th,64,5 9 @th,72,24 $id counter name right
			}
		}
	END
    in_ns c ping -c 5 -i 0.1 -W 2 10.77.0.1 || fail "pings get lost"
    ! in_ns s nft list counter inet ids right | grep 'packets 0 ' || fail "no packet carries the peer id $id"
    in_ns s nft list counter inet ids odd | grep 'packets 0 ' >/dev/null || fail "packets carry another peer id than $id"
}

other_cipher() { # SERVER CLIENT
    connect "$1" "$2" 'data-ciphers AES-256-CBC:CHACHA20-POLY1305' 'auth SHA256'
    result_of server | grep -q 'cipher=AES-256-CBC' || fail "another cipher: $(result_of server)"
    in_ns c ping -c 3 -i 0.1 -s 1400 -W 2 10.77.0.1 || fail "pings get lost"
}

renegotiated() { # SERVER CLIENT
    connect "$1" "$2" 'reneg-sec 2' 'hand-window 20'
    keys() { [ "$(grep -ac 'Control Channel: TLS' "$WORK/server.log")" -ge 4 ]; }
    wait_for 30 "three renegotiations" keys
    in_ns c ping -c 5 -i 0.2 -W 2 10.77.0.1 || fail "pings get lost"
    [ "$(grep -ac 'Initialization Sequence Completed' "$WORK/client.log")" = 1 ] || fail "the client had to begin anew"
}

pki "$PKI_CACHE/ec" ec
for pair in vpnd,openvpn openvpn,vpnd vpnd,vpnd; do
    run_case "negotiated,$pair" negotiated "${pair%,*}" "${pair#*,}"
    run_case "cipher,$pair" other_cipher "${pair%,*}" "${pair#*,}"
    run_case "renegotiated,$pair" renegotiated "${pair%,*}" "${pair#*,}"
done
finish
