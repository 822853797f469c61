#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The management interface as programs in the field use it, and its doors: passwords, users, sockets, dead clients.
#
#   [s] eth0 10.99.0.1 ------------- 10.99.0.2 eth0 [c]
#        tun0 10.77.0.1 == tunnel == 10.77.0.x tun0
. "$(dirname "$0")/../tools/testlib.sh"

server() { # OPTION...
    need openssl socat python3
    [ -n "${PAIR_MADE:-}" ] || { server_and_client; PAIR_MADE=1; }
    pki "$WORK/pki"
    start server ip netns exec "$(ns s)" "$VPND" --cd "$WORK" --dev tun0 --dev-type tun --topology subnet \
        --server 10.77.0.0 255.255.255.0 --ca pki/ca.crt --cert pki/server.crt --key pki/server.key --dh none \
        --keepalive 1 5 --verb 3 "$@"
}

client() { # OPTION...
    start client ip netns exec "$(ns c)" "$VPND" --cd "$WORK" --client --dev tun0 --dev-type tun --nobind \
        --remote 10.99.0.1 1194 udp --ca pki/ca.crt --cert pki/client1.crt --key pki/client1.key \
        --remote-cert-tls server --connect-retry 1 --verb 3 "$@"
}

ready() { expect_log "$WORK/server.log" 'Initialization Sequence Completed'; }
up() { expect_log "$WORK/client.log" 'Initialization Sequence Completed'; }
say() { socat -t 2 - "UNIX-CONNECT:$WORK/${1:-m}.sock" | tr -d '\r'; }

# Install scripts revoke with `echo kill NAME | socat`: the client half-closes right after writing.
half_close() {
    server --management m.sock unix
    ready
    client
    up
    echo 'kill client1' | socat - "UNIX-CONNECT:$WORK/m.sock" >"$WORK/answer"
    grep -q "^SUCCESS: common name 'client1' found, 1 client(s) killed" "$WORK/answer" || fail "$(cat "$WORK/answer")"
    expect_log "$WORK/client.log" 'restarting' 15
}

# What firewalls' web pages send and how they read the answers.
web_pages() {
    server --management m.sock unix
    ready
    client --management c.sock unix
    up
    local address
    say <<<'status 2' >"$WORK/status2"
    awk -F, '$1 == "CLIENT_LIST" && $2 == "client1" && $4 == "10.77.0.2" && NF == 13 { found = 1 } END { exit !found }' \
        "$WORK/status2" || fail "no such row: $(cat "$WORK/status2")"
    grep -qx END "$WORK/status2" || fail "status 2 does not end with END"
    say <<<'status 3' | grep -q "$(printf '^CLIENT_LIST\tclient1\t10.99.0.2:')" || fail "status 3 has no tabs"
    [ "$(say c <<<'state 1' | grep -c '^[0-9]*,CONNECTED,SUCCESS,10.77.0.2,10.99.0.1,1194,,$')" = 1 ] ||
        fail "the client's state: $(say c <<<'state 1')"
    say c <<<'status 3' | grep -q '^TCP/UDP read bytes,[0-9]*$' || fail "the client's status has another format"
    # by number with a message, then by address
    printf 'client-kill 0 HALT\n' | say | grep -q '^SUCCESS: client-kill command succeeded' || fail "client-kill"
    expect_log "$WORK/client.log" "Halt command was pushed by server" 10
    wait_for 10 "the client to end" sh -c "! kill -0 $(pid_of client)"
    : >"$WORK/client.log"
    client
    up
    address=$(say <<<'status 2' | awk -F, '$1 == "CLIENT_LIST" { print $3 }' | tail -n 1)
    echo "kill $address" | say | grep -q "^SUCCESS: 1 client(s) at address $address killed" || fail "kill $address"
}

# A status page of one tool and the rules by which an exporter accepts a status file.
monitors() {
    server --management m.sock unix --status status.log 1 --status-version 2
    ready
    client
    up
    wait_for 5 "the client in the file" grep -q '^CLIENT_LIST,client1' "$WORK/status.log"
    python3 - "$WORK/status.log" "$WORK/m.sock" <<-'END' || fail "a monitor would not understand this"
		import re, socket, sys
		# exporter: known first words only, rows as wide as their header, columns by name
		known = {"END", "GLOBAL_STATS", "HEADER", "TIME", "TITLE", "CLIENT_LIST", "ROUTING_TABLE"}
		headers = {}
		for line in open(sys.argv[1]).read().splitlines():
		    fields = line.split(",")
		    assert fields[0] in known, line
		    if fields[0] == "HEADER":
		        headers[fields[1]] = fields[2:]
		    elif fields[0] in headers:
		        assert len(fields) - 1 == len(headers[fields[0]]), line
		        row = dict(zip(headers[fields[0]], fields[1:]))
		        if fields[0] == "CLIENT_LIST":
		            assert row["Common Name"] == "client1" and row["Virtual Address"] == "10.77.0.2", row
		            assert float(row["Bytes Received"]) >= 0 and float(row["Connected Since (time_t)"]) > 1e9
		            assert row["Username"] == "UNDEF"
		        else:
		            assert float(row["Last Ref (time_t)"]) > 1e9
		# monitor: greeting, version as the second word, replies up to END
		s = socket.socket(socket.AF_UNIX)
		s.settimeout(5)
		s.connect(sys.argv[2])
		def until(end):
		    data = ""
		    while not data.endswith(end):
		        more = s.recv(1024).decode()
		        assert more, data
		        data += more
		    return data
		assert until("\r\n").startswith(">INFO:")
		s.sendall(b"version\n")
		version = until("\nEND\r\n")
		assert re.match(r"OpenVPN Version: \S+ \d+\.\d+\.\d+ ", version), version
		s.sendall(b"load-stats\n")
		assert re.match(r"SUCCESS: nclients=1,bytesin=\d+,bytesout=\d+\r\n$", until("\r\n"))
		s.sendall(b"state\n")
		assert re.match(r"\d+,CONNECTED,SUCCESS,10\.77\.0\.1,,,,\r\nEND\r\n$", until("\nEND\r\n"))
		s.sendall(b"status 3\n")
		rows = [l.split("\t") for l in until("\nEND\r\n").split("\r\n") if l.startswith("CLIENT_LIST")]
		assert rows[0][3] == "10.77.0.2" and rows[0][8].isdigit(), rows
		s.sendall(b"quit\n")
		assert s.recv(1) == b""
	END
}

# The dialogue of a single sign-on helper: password, hold, version, a pending login, then configuration and acceptance.
sso_helper() {
    echo sesame >"$WORK/password"
    chmod 600 "$WORK/password"
    printf 'bob\nsecret\n' >"$WORK/login"
    chmod 600 "$WORK/login"
    server --management 127.0.0.1 7505 password --management-hold --management-client-auth
    client --auth-user-pass login
    in_ns s python3 - >"$WORK/helper.log" 2>&1 <<-'END' || fail "the helper: $(tail -n 3 "$WORK/helper.log")"
		import re, socket, time
		for _ in range(100):
		    try:
		        s = socket.create_connection(("127.0.0.1", 7505), 20)
		        break
		    except OSError:
		        time.sleep(0.1)
		data = b""
		def exactly(n):
		    global data
		    while len(data) < n:
		        data += s.recv(4096)
		    out, data = data[:n], data[n:]
		    return out.decode()
		def line():
		    global data
		    while b"\r\n" not in data:
		        more = s.recv(4096)
		        assert more, data
		        data += more
		    out, data = data.split(b"\r\n", 1)
		    print(out.decode())
		    return out.decode()
		def message():
		    """Ends at a line that starts SU, ER, EN, >H, >I, >N or >CLIENT:ENV,END."""
		    out = []
		    while True:
		        out.append(line())
		        if out[-1][:2] in ("SU", "ER", "EN", ">H", ">I", ">N") or out[-1] == ">CLIENT:ENV,END":
		            return out
		assert exactly(15) == "ENTER PASSWORD:"
		s.sendall(b"wrong\n")
		assert exactly(15) == "ENTER PASSWORD:"
		s.sendall(b"sesame\n")
		assert message() == ["SUCCESS: password is correct"]
		assert message()[0].startswith(">INFO:OpenVPN Management Interface Version 5 -- type 'help' for more info")
		assert message() == [">HOLD:Waiting for hold release:0"]
		s.sendall(b"hold release\n")
		assert message()[0][9:13] == "hold"
		s.sendall(b"version\n")
		version = message()
		assert version[0].startswith("OpenVPN Version: ") and version[1][-1] >= "5" and version[2] == "END", version
		first = message()
		kind, cid, kid = re.match(r">CLIENT:(\w+),(\d+),(\d+)", first[0]).groups()
		env = dict(l[len(">CLIENT:ENV,"):].split("=", 1) for l in first[1:-1])
		assert kind == "CONNECT" and env["username"] == "bob" and env["password"] == "secret", first
		assert env["untrusted_ip"] == "10.99.0.2" and env["common_name"] == "client1" and "untrusted_port" in env
		assert "webauth" in env["IV_SSO"].split(",")
		s.sendall(('client-pending-auth %s %s "WEB_AUTH::https://sso.example/?%s" 60\n' % (cid, kid, "s" * 150)).encode())
		assert message() == ["SUCCESS: client-pending-auth command succeeded"]
		s.sendall(('client-auth %s %s\npush "route 10.66.0.0 255.255.0.0"\nEND\n' % (cid, kid)).encode())
		assert message() == ["SUCCESS: client-auth command succeeded"]
		assert line() == ">CLIENT:ADDRESS,%s,10.77.0.2,1" % cid
		assert message()[0] == ">CLIENT:ESTABLISHED,%s" % cid
		s.sendall(b"status 3\n")
		assert [l.split("\t")[9] for l in message() if l.startswith("CLIENT_LIST")] == ["bob"]
		s.sendall(('client-kill %s HALT\n' % cid).encode())
		assert message() == ["SUCCESS: client-kill command succeeded"]
		assert message()[0] == ">CLIENT:DISCONNECT,%s" % cid
	END
    expect_log "$WORK/client.log" 'open https://sso.example/'
    expect_log "$WORK/client.log" 'route 10.66.0.0 255.255.0.0'
}

# Nobody gets in with a wrong password, and nothing that was sent before it is run.
password() {
    echo sesame >"$WORK/password"
    chmod 600 "$WORK/password"
    server --management m.sock unix password
    ready
    [ "$(printf 'signal SIGTERM\nkill client1\nsignal SIGTERM\npid\n' | say | tr -d '\n')" = \
        'ENTER PASSWORD:ENTER PASSWORD:ENTER PASSWORD:' ] || fail "something else was said before the login"
    printf 'sesame\npid\n' | say | grep -q '^SUCCESS: pid=' || fail "the right password does not open"
    ! grep -q 'SIGTERM' "$WORK/server.log" || fail "a command before the password was run"
}

users() {
    server --management m.sock unix --management-client-user nobody
    ready
    [ -z "$(say <<<pid)" ] || fail "another user was let in"
    setpriv --reuid=nobody --clear-groups socat -t 2 - "UNIX-CONNECT:$WORK/m.sock" <<<pid | grep 'pid=' ||
        fail "the user who may was not let in"
}

# management-client: vpnd calls; it ends when the one it called does.
calls_out() {
    need_net
    printf '%s\n' 'read -r line' "echo \"\$line\" >$WORK/greeting" 'sleep 1' >"$WORK/listener.sh"
    start listener timeout 20 socat "UNIX-LISTEN:$WORK/m.sock" "EXEC:sh $WORK/listener.sh"
    wait_for 5 "the listener" test -S "$WORK/m.sock"
    server --management m.sock unix --management-client
    wait_for 10 "the greeting" grep -q '^>INFO:' "$WORK/greeting"
    wait_for 10 "the server to end" sh -c "! kill -0 $(pid_of server)"
    server --management m.sock unix --management-client
    wait_for 10 "the server to end" sh -c "! kill -0 $(pid_of server)"
    expect_log "$WORK/server.log" 'MANAGEMENT: connect to .*m.sock failed'
}

# When the one in charge leaves: passwords are forgotten, the connection starts again.
leaves() {
    printf 'bob\nsecret\n' >"$WORK/login"
    chmod 600 "$WORK/login"
    server
    ready
    client --management c.sock unix --management-signal --management-forget-disconnect
    up
    say c <<<pid | grep -q 'pid=' || fail "no answer"
    expect_log "$WORK/client.log" 'SIGUSR1\[.*,management-disconnect\] received, process restarting'
}

# Options of a client that is connected change; what cannot change is refused.
push_update() {
    server --management m.sock unix
    ready
    client
    up
    printf 'push-update-broad "route 10.88.0.0 255.255.0.0"\n' | say >"$WORK/answer"
    grep -q '^SUCCESS: 1 client(s) updated' "$WORK/answer" || fail "$(cat "$WORK/answer")"
    grep -q '^SUCCESS: push-update command succeeded' "$WORK/answer" || fail "$(cat "$WORK/answer")"
    wait_for 10 "the new route" sh -c "ip -n $(ns c) route show 10.88.0.0/16 | grep -q tun0"
    printf 'push-update-cid 0 "-route"\n' | say | grep -q '^SUCCESS: push-update command succeeded' || fail "by number"
    wait_for 10 "the route to go" sh -c "! ip -n $(ns c) route show 10.88.0.0/16 | grep -q tun0"
    wait_for 10 "a ping" in_ns c ping -c 1 -W 1 10.77.0.1
    # another address: the server routes it, and takes the old one back
    printf 'push-update-cid 0 "ifconfig 10.77.0.99 255.255.255.0"\n' | say >"$WORK/answer"
    grep -q '^SUCCESS: 1 client(s) updated' "$WORK/answer" || fail "$(cat "$WORK/answer")"
    wait_for 10 "the new address" sh -c "ip -n $(ns c) -4 addr show tun0 | grep -q 'inet 10.77.0.99/24'"
    wait_for 10 "a ping from the new address" in_ns c ping -c 1 -W 1 10.77.0.1
    in_ns s ping -c 1 -W 2 10.77.0.99 >/dev/null || fail "the server does not reach the new address"
    say <<<'status 2' | grep -q '^ROUTING_TABLE,10.77.0.99,client1,' || fail "not in the routing table"
    ! say <<<'status 2' | grep -q '^ROUTING_TABLE,10.77.0.2,' || fail "the old address still leads to it"
    printf 'push-update-cid 0 "ifconfig 10.77.0.1 255.255.255.0"\n' | say | grep -q '^ERROR: no client updated' ||
        fail "the server's own address was given away"
    kill -USR1 "$(pid_of client)"
    wait_for 10 "the client to come back" sh -c "[ \$(grep -c 'Initialization Sequence Completed' $WORK/client.log) = 2 ]"
    printf 'push-update-cid 7 "route 10.88.0.0 255.255.0.0"\npush-update-broad "cipher none"\npush-update-cid x y\n' | say >"$WORK/answer"
    [ "$(grep -c '^ERROR: no client updated' "$WORK/answer")" = 2 ] || fail "$(cat "$WORK/answer")"
    grep -q '^ERROR: push-update-cid fail during cid parsing' "$WORK/answer" || fail "$(cat "$WORK/answer")"
}

# A server that never stops talking loses its client, which goes on when it has calmed down.
chatty_server() {
    server --management m.sock unix
    ready
    client --connect-retry 1 1
    up
    local n
    for n in 1 2 3 4 5 6; do # a hundred at once: a server of ours queues no more than 128
        for _ in $(seq 100); do echo 'push-update-broad "route 10.88.0.0 255.255.0.0"'; done | say >/dev/null
        wait_for 5 "message $((n * 100))" sh -c "[ \$(grep -c 'PUSH: Received' $WORK/client.log) -gt $((n * 95)) ]"
    done
    for _ in $(seq 50); do echo 'push-update-broad "route 10.88.0.0 255.255.0.0"'; done | say >/dev/null
    expect_log "$WORK/client.log" 'The server sends more than 600 control messages in 10 s: giving this connection up'
    expect_log "$WORK/client.log" 'SIGUSR1\[soft,process-push-msg-failed\] received, process restarting'
    wait_for 20 "the client to come back" sh -c "[ \$(grep -c 'Initialization Sequence Completed' $WORK/client.log) = 2 ]"
    [ "$(grep -c 'giving this connection up' "$WORK/client.log")" -le 2 ] || fail "it says so again and again"
}

answers_inside() { echo pid | in_ns c socat -t 1 - TCP:10.77.0.2:7506 2>/dev/null | grep -q pid=; }

# On the tunnel's own address, once it is there.
inside() {
    server --management tunnel 7506
    ready
    expect_log "$WORK/server.log" 'management on a TCP port WITHOUT passwords is STRONGLY discouraged'
    client
    up
    wait_for 10 "an answer through the tunnel" sh -c "echo pid | ip netns exec $(ns c) socat -t 2 - TCP:10.77.0.1:7506 | grep -q pid="
    # With the device the address goes: connections end, and the next address is listened on.
    stop client
    client --management tunnel 7506
    wait_for 10 "an answer on the client's address" answers_inside
    start reader ip netns exec "$(ns c)" socat -u TCP:10.77.0.2:7506 -
    expect_log "$WORK/reader.log" '^>INFO:'
    kill -USR1 "$(pid_of client)"
    wait_for 5 "the end of the connection" sh -c "! kill -0 $(pid_of reader) 2>/dev/null"
    wait_for 10 "another answer on the client's address" answers_inside
}

run_case half-close-runs half_close
run_case web-pages web_pages
run_case monitors monitors
run_case sso-helper sso_helper
run_case password password
run_case client-user users
run_case calls-out calls_out
run_case client-leaves leaves
run_case push-update push_update
run_case chatty-server chatty_server
run_case inside-the-tunnel inside
finish
