#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Plugins as unchanged binaries: Debian's auth-pam, auth-ldap (with slapd) and radiusplugin (with freeradius), and our
# own probes for each version of the interface, under vpnd and under openvpn, with clients that are openvpn.
# Then what only vpnd promises: a plugin that crashes or hangs costs one login.
#
#   [s] eth0 10.99.0.1 ------------- 10.99.0.2 eth0 [c]
#       server with plugins                openvpn clients, one after the other, with `dev null`
. "$(dirname "$0")/../tools/testlib.sh"

PROBE=$BUILD_DIR/tests/tools/probe_v

probes() {
    need openvpn make
    test_programs probe_v1.so probe_v2.so probe_v3.so
}

program() {
    case $1 in
    vpnd) echo "$VPND" ;;
    openvpn) echo "$OPENVPN" ;;
    esac
}

# server PROGRAM LINE...: start it with these further lines
server() {
    local program=$1
    shift
    server_and_client
    pki "$WORK/pki"
    {
        cat <<-END
			dev tun0
			dev-type tun
			proto udp
			topology subnet
			server 10.77.0.0 255.255.255.0
			ca pki/ca.crt
			cert pki/server.crt
			key pki/server.key
			dh none
			duplicate-cn
			keepalive 2 6
			tmp-dir $WORK/tmp
			verb 4
		END
        printf '%s\n' "$@"
    } >"$WORK/server.conf"
    mkdir -p "$WORK/tmp" "$WORK/pam.d"
    chmod 1777 "$WORK/tmp" "$WORK"
    # The namespace's own mounts: PAM looks nowhere but in /etc/pam.d.
    start server ip netns exec "$(ns s)" sh -c "mount --bind '$WORK/pam.d' /etc/pam.d && exec $(program "$program") --cd '$WORK' --config server.conf"
}

# start_over: everything that the case has started so far is gone
start_over() {
    case_cleanup
    : >"$WORK/pids"
    : >"$WORK/namespaces"
}

server_up() { expect_log "$WORK/server.log" 'Initialization Sequence Completed'; }

# client NAME USER PASSWORD [LINE...]: in the background; the log is $WORK/NAME.log
client() {
    local name=$1
    printf '%s\n%s\n' "$2" "$3" >"$WORK/$name.pass"
    shift 3
    {
        cat <<-END
			client
			dev null
			dev-type tun
			remote 10.99.0.1 1194 udp
			nobind
			ca pki/ca.crt
			cert pki/client1.crt
			key pki/client1.key
			auth-user-pass $name.pass
			verb 3
		END
        printf '%s\n' "$@"
    } >"$WORK/$name.conf"
    start "$name" ip netns exec "$(ns c)" "$OPENVPN" --cd "$WORK" --config "$name.conf"
}

accepted() { expect_log "$WORK/$1.log" 'Initialization Sequence Completed' "${2:-20}"; }
refused() {
    expect_log "$WORK/$1.log" 'AUTH: Received control message: AUTH_FAILED' "${2:-20}"
    ! grep -aq 'Initialization Sequence Completed' "$WORK/$1.log" || fail "$1 was let in"
}

# ---------------------------------------------------------------- the same calls

# What the probes of one server saw: without file names, ports and the order between them (each has its own file).
calls() {
    local v
    for v in 1 2 3; do
        grep -v '^env ' "$WORK/calls.$v" | sed -E "s|/[^] ]*openvpn_[a-z]+_[0-9a-f]+\\.tmp|FILE|; s|$WORK|WORK|g; s/(10\\.99\\.0\\.2) [0-9]+/\\1 PORT/; s/^/v$v /"
    done
}

record_calls() { # PROGRAM
    local v lines=()
    for v in 1 2 3; do lines+=("plugin $PROBE$v.so \"$WORK/calls.$v a\\\\ b 'c d'\""); done
    server "$1" "${lines[@]}"
    server_up
    client one alice secret
    accepted one
    stop server # with the client still there
    wait_for 10 "the close" grep -q '^close' "$WORK/calls.1"
    calls
}

same_calls() {
    reference
    probes
    (record_calls openvpn) >"$WORK/expected" || fail "openvpn: $(cat "$WORK/expected")"
    start_over
    rm -f "$WORK"/calls.* "$WORK/server.log" "$WORK/one.log"
    (record_calls vpnd) >"$WORK/seen" || fail "vpnd: $(cat "$WORK/seen")"
    diff "$WORK/expected" "$WORK/seen" || fail "the calls differ"
    grep -q 'PLUGIN probe: base64 8 dnBuAGQ= 5 same wiped=1' "$WORK/server.log" || fail "services for plugins"
    grep -q 'PLUGIN probe: an error with errno: No such file or directory (errno=2)' "$WORK/server.log" || fail "error text"
}

# The same at a client, which has no logins to check (5).
record_client_calls() { # PROGRAM
    local v lines=()
    for v in 1 2 3; do lines+=("plugin $PROBE$v.so $WORK/calls.$v mask=0xf7df"); done
    server openvpn
    server_up
    OPENVPN=$(program "$1") client one alice secret "dev tun0" "${lines[@]}"
    accepted one
    stop one
    wait_for 10 "the close" grep -q '^close' "$WORK/calls.1"
    calls
}

same_client_calls() {
    reference
    probes
    (record_client_calls openvpn) >"$WORK/expected" || fail "openvpn: $(cat "$WORK/expected")"
    start_over
    rm -f "$WORK"/calls.* "$WORK/server.log" "$WORK/one.log"
    (record_client_calls vpnd) >"$WORK/seen" || fail "vpnd: $(cat "$WORK/seen")"
    diff "$WORK/expected" "$WORK/seen" || fail "the calls differ"
    # A refusal by the last word, too.
    start_over
    rm -f "$WORK"/server.log "$WORK"/one.log
    server openvpn
    server_up
    OPENVPN=$VPND client one alice secret "plugin ${PROBE}3.so $WORK/calls mask=0x400 10=fail" "connect-retry-max 1"
    expect_log "$WORK/one.log" 'TLS Error: TLS handshake failed'
    ! grep -aq 'Initialization Sequence Completed' "$WORK/one.log" || fail "connected"
}

# ---------------------------------------------------------------- real plugins

pam() { # PROGRAM ARGUMENTS
    need openvpn
    local plugin
    plugin=$(find /usr/lib -name openvpn-plugin-auth-pam.so | head -n 1)
    [ -n "$plugin" ] || skip "openvpn's auth-pam plugin is not installed"
    mkdir -p "$WORK/pam.d"
    cat >"$WORK/check" <<-END
		#!/bin/sh
		read -r password
		[ "\$PAM_USER:\$password" = alice:secret ]
	END
    chmod 755 "$WORK/check"
    cat >"$WORK/pam.d/vpn-test" <<-END
		auth required pam_exec.so expose_authtok quiet $WORK/check
		account required pam_permit.so
	END
    # A name alone is looked for in the plugin directory.
    server "$1" "plugin openvpn-plugin-auth-pam.so $2" "verify-client-cert none" "username-as-common-name" "user nobody" "group nogroup"
    server_up
    client good alice secret
    accepted good
    client bad alice wrong
    refused bad
    stop good
}

ldap() { # PROGRAM
    need openvpn slapd
    local plugin
    plugin=$(find /usr/lib -name openvpn-auth-ldap.so | head -n 1)
    [ -n "$plugin" ] || skip "openvpn-auth-ldap is not installed"
    mkdir -p "$WORK/ldap"
    cat >"$WORK/slapd.conf" <<-END
		include /etc/ldap/schema/core.schema
		include /etc/ldap/schema/cosine.schema
		include /etc/ldap/schema/inetorgperson.schema
		pidfile $WORK/slapd.pidfile
		modulepath /usr/lib/ldap
		moduleload back_mdb
		database mdb
		maxsize 10485760
		suffix "dc=test"
		rootdn "cn=admin,dc=test"
		rootpw admin
		directory $WORK/ldap
	END
    cat >"$WORK/people.ldif" <<-END
		dn: dc=test
		objectClass: organization
		objectClass: dcObject
		o: test
		dc: test

		dn: ou=people,dc=test
		objectClass: organizationalUnit
		ou: people

		dn: uid=alice,ou=people,dc=test
		objectClass: inetOrgPerson
		uid: alice
		cn: Alice
		sn: Test
		userPassword: secret

		dn: cn=vpn,dc=test
		objectClass: groupOfNames
		cn: vpn
		member: uid=alice,ou=people,dc=test
	END
    cat >"$WORK/auth-ldap.conf" <<-END
		<LDAP>
		    URL ldap://127.0.0.1:3890
		    BindDN cn=admin,dc=test
		    Password admin
		    Timeout 5
		    TLSEnable no
		    FollowReferrals no
		</LDAP>
		<Authorization>
		    BaseDN "ou=people,dc=test"
		    SearchFilter "(uid=%u)"
		    RequireGroup true
		    <Group>
		        BaseDN "dc=test"
		        SearchFilter "(cn=vpn)"
		        MemberAttribute member
		    </Group>
		</Authorization>
	END
    slapadd -f "$WORK/slapd.conf" -l "$WORK/people.ldif" || fail "slapadd"
    server "$1" "plugin $plugin $WORK/auth-ldap.conf" "username-as-common-name" "user nobody" "group nogroup"
    start slapd ip netns exec "$(ns s)" slapd -d 0 -f "$WORK/slapd.conf" -h ldap://127.0.0.1:3890
    wait_for 10 "slapd" in_ns s sh -c "ss -ltn | grep -q 127.0.0.1:3890"
    server_up
    client good alice secret
    accepted good
    client bad alice wrong
    refused bad
    client other bob secret
    refused other
    stop good
    # The directory is gone: nobody gets in, the server stays.
    stop slapd
    client later alice secret
    refused later 30
    kill -0 "$(pid_of server)" || fail "the server is gone"
}

radius() { # PROGRAM
    need openvpn freeradius
    local plugin
    plugin=$(find /usr/lib -name radiusplugin.so | head -n 1)
    [ -n "$plugin" ] || skip "openvpn-auth-radius is not installed"
    mkdir -p "$WORK/raddb" "$WORK/radlog"
    cat >"$WORK/raddb/radiusd.conf" <<-END
		prefix = /usr
		libdir = /usr/lib/freeradius
		raddbdir = $WORK/raddb
		logdir = $WORK/radlog
		run_dir = $WORK/radlog
		log {
		    destination = stdout
		}
		client vpn {
		    ipaddr = 127.0.0.1
		    secret = shared
		}
		modules {
		    pap {
		    }
		    files {
		        filename = $WORK/raddb/users
		    }
		    always ok {
		        rcode = ok
		    }
		}
		server default {
		    listen {
		        type = auth
		        ipaddr = 127.0.0.1
		        port = 1812
		    }
		    listen {
		        type = acct
		        ipaddr = 127.0.0.1
		        port = 1813
		    }
		    authorize {
		        files
		        pap
		    }
		    authenticate {
		        Auth-Type PAP {
		            pap
		        }
		    }
		    accounting {
		        ok
		    }
		}
	END
    printf 'alice Cleartext-Password := "secret"\n\tFramed-IP-Address = 10.77.0.77\n' >"$WORK/raddb/users"
    cat >"$WORK/radiusplugin.cnf" <<-END
		NAS-Identifier=vpnd
		Service-Type=5
		Framed-Protocol=1
		NAS-Port-Type=5
		NAS-IP-Address=127.0.0.1
		OpenVPNConfig=$WORK/server.conf
		overwriteccfiles=true
		server
		{
		    acctport=1813
		    authport=1812
		    name=127.0.0.1
		    retry=1
		    wait=2
		    sharedsecret=shared
		}
	END
    mkdir -p "$WORK/ccd"
    server "$1" "plugin $plugin $WORK/radiusplugin.cnf" "username-as-common-name" "client-config-dir $WORK/ccd" \
        "status $WORK/status 1" "verify-client-cert none"
    start freeradius ip netns exec "$(ns s)" freeradius -f -l stdout -x -d "$WORK/raddb" -D /usr/share/freeradius
    wait_for 10 "freeradius" in_ns s sh -c "ss -lun | grep -q 127.0.0.1:1812"
    server_up
    client good alice secret ifconfig-noexec # the plugin thinks in /30 networks
    accepted good
    grep -aq "ifconfig 10.77.0.77 " "$WORK/good.log" || fail "the address of the RADIUS server was not pushed"
    client bad alice wrong
    refused bad
    stop good
}

# It keeps a process with the privileges of the start, which runs a program when the device goes.
down_root() { # PROGRAM
    need openvpn
    [ -n "$(find /usr/lib -name openvpn-plugin-down-root.so)" ] || skip "openvpn's down-root plugin is not installed"
    printf '%s\n' '#!/bin/sh' "id -u >$WORK/who" "echo \"\$# \$dev \$script_context \$signal\" >>$WORK/who" >"$WORK/last"
    chmod 755 "$WORK/last"
    server "$1" "plugin openvpn-plugin-down-root.so $WORK/last" "user nobody" "group nogroup"
    server_up
    stop server
    wait_for 5 "the program" test -s "$WORK/who"
    head -n 1 "$WORK/who" | grep -qx 0 || fail "it ran as user $(head -n 1 "$WORK/who")"
    cat "$WORK/who"
    grep -q 'tun0 init' "$WORK/who" || fail "with: $(tail -n 1 "$WORK/who")"
}

# ---------------------------------------------------------------- answers

deferred() { # PROGRAM VERSION
    probes
    server "$1" "plugin $PROBE$2.so $WORK/calls 5=accept-later 6=push=10.55.0.0 mask=0x60"
    server_up
    client good alice secret
    accepted good
    stop good
    stop server
    start_over
    server "$1" "plugin $PROBE$2.so $WORK/calls 5=refuse-later mask=0x20" "plugin ${PROBE}1.so $WORK/calls mask=0x20"
    server_up
    client bad alice secret
    refused bad
}

# The login waits; the answer to a challenge decides it.
challenge() { # PROGRAM
    probes
    need socat
    server "$1" "plugin ${PROBE}3.so $WORK/calls mask=0x8020 5=defer 15=accept-now"
    server_up
    client good alice secret "management $WORK/socket unix"
    expect_log "$WORK/good.log" 'Peer Connection Initiated'
    wait_for 10 "the login" grep -q '^call 5 ' "$WORK/calls"
    (
        sleep 0.5 # so that the server has seen the end of the key exchange
        echo "cr-response SGVsbG8="
        sleep 1
    ) | socat - UNIX-CONNECT:"$WORK/socket"
    accepted good
}

# Two plugins defer, one of them refuses: no.
both_must_agree() {
    probes
    server vpnd "plugin ${PROBE}3.so $WORK/calls 5=accept-later mask=0x20" \
        "plugin ${PROBE}2.so $WORK/calls 5=refuse-later mask=0x20"
    server_up
    client bad alice secret
    refused bad
    stop server
    start_over
    server vpnd "plugin ${PROBE}3.so $WORK/calls 5=accept-later mask=0x20" \
        "plugin ${PROBE}2.so $WORK/calls 5=accept-later mask=0x20"
    server_up
    client good alice secret
    accepted good
}

# Configuration lines of client-connect, at once and later, through the file and through the list.
connect_lines() { # PROGRAM
    probes
    server "$1" "plugin ${PROBE}3.so $WORK/calls mask=0x6240 6=push=10.55.0.0 9=defer 14=push=10.56.0.0"
    server_up
    client good alice secret
    accepted good 30
    grep -aq 'PUSH_REPLY.*route 10.55.0.0 255.255.0.0' "$WORK/good.log" || fail "no line from the file of CLIENT_CONNECT"
    grep -aq 'PUSH_REPLY.*route 10.56.0.0 255.255.0.0' "$WORK/good.log" || fail "no line from CLIENT_CONNECT_DEFER_V2"
    grep -q '^call 14 ' "$WORK/calls" || fail "CLIENT_CONNECT_DEFER_V2 was not called"
    stop good
    stop server
    start_over
    server "$1" "plugin ${PROBE}3.so $WORK/calls mask=0x240 9=fail"
    server_up
    client bad alice secret
    refused bad
}

# A refusal in each place that can refuse.
refusals() { # PROGRAM TYPE MASK
    probes
    server "$1" "plugin ${PROBE}3.so $WORK/calls $2=fail mask=$3"
    server_up
    client bad alice secret
    wait_for 20 "the call" grep -q "^call $2 " "$WORK/calls"
    wait_for 20 "the refusal" grep -aqE 'TLS Error: TLS handshake failed|AUTH_FAILED|failed with status 1' "$WORK/server.log" "$WORK/bad.log"
    ! grep -aq 'Initialization Sequence Completed' "$WORK/bad.log" || fail "let in"
}

# ---------------------------------------------------------------- bad plugins

bad_at_start() {
    probes
    local line text
    while IFS='|' read -r line text; do
        server vpnd "plugin $line"
        wait_for 10 "the end of the server" sh -c "! kill -0 $(pid_of server)"
        wait "$(pid_of server)" && fail "status 0 with: $line"
        grep -aqE "$text" "$WORK/server.log" || fail "no '$text' with: $line"
        [ -z "$(in_ns s ip link show tun0 2>/dev/null)" ] || fail "a device was made"
        start_over
        rm -f "$WORK/server.log"
    done <<-END
		nosuch.so|could not load plugin shared object .*/nosuch.so
		./server.conf|could not load plugin shared object ./server.conf
		${PROBE}3.so $WORK/calls open=fail|plugin initialization function failed: .*probe_v3.so
		${PROBE}1.so $WORK/calls open=fail|plugin initialization function failed: .*probe_v1.so
		${PROBE}2.so $WORK/calls open=crash|process of plugin .*probe_v2.so was ended by signal 6 while it was being opened
		${PROBE}2.so $WORK/calls mask=0x10000|expressed interest in unsupported plugin types: .want=0x00010000
		/lib/x86_64-linux-gnu/libz.so.1|(symbol openvpn_plugin_open_vX is undefined|could not load)
	END
}

# crash and hang: only that login fails, clients that are in stay in, the next login works.
one_login() { # ACTION PATTERN
    probes
    server vpnd "plugin ${PROBE}3.so $WORK/calls 5=$1-as=mallory mask=0x1e0" "hand-window 4" "user nobody" "group nogroup"
    server_up
    client stays alice secret "dev tun0" "ping 1"
    accepted stays
    wait_for 5 "a ping" in_ns c ping -c 1 -W 1 10.77.0.1
    client bad mallory secret "hand-window 20"
    expect_log "$WORK/server.log" "$2"
    in_ns c ping -c 2 -i 0.2 -W 1 10.77.0.1 || fail "the other client lost its connection"
    client again bob secret
    accepted again
    ! grep -aq 'Initialization Sequence Completed' "$WORK/bad.log" || fail "let in"
    grep -q '^open' <(tail -n +2 "$WORK/calls") || fail "the plugin was not opened again"
    # Opened as root, asked as the user of the server: the one that was started again, too.
    [ "$(grep '^open' "$WORK/calls" | grep -c 'uid=0 ')" -ge 2 ] || fail "not opened with the privileges of the start"
    ! grep '^call 5' "$WORK/calls" | grep -q 'uid=0 ' || fail "asked with privileges"
    stop stays
    stop server
    # Nothing is left behind.
    wait_for 8 "the end of the processes" sh -c "[ -z \"\$(ip netns pids $(ns s))\" ]"
}

# A slow plugin delays its own login; data and other clients go on.
slow() {
    probes
    server vpnd "plugin ${PROBE}3.so $WORK/calls 5=sleep-as=carol mask=0x20"
    server_up
    client stays alice secret "dev tun0" "ping 1"
    accepted stays
    client slow carol secret
    wait_for 10 "the call" sh -c "[ \$(grep -c '^call 5' $WORK/calls) = 2 ]"
    in_ns c ping -c 3 -i 0.2 -W 1 10.77.0.1 || fail "the other client was delayed"
    accepted slow
}

# A client that goes into the background before it has a connection: whoever started it is not kept waiting by the
# plugin's processes holding its output.
background() {
    probes
    server_and_client
    pki "$WORK/pki"
    printf '%s\n' client "dev tun0" "remote 10.99.0.1 1194" nobind "ca pki/ca.crt" "cert pki/client1.crt" \
        "key pki/client1.key" "plugin ${PROBE}3.so $WORK/calls mask=0x1" "daemon" "log $WORK/daemon.log" "writepid $WORK/daemon.pid" >"$WORK/client.conf"
    timeout 10 ip netns exec "$(ns c)" "$VPND" --cd "$WORK" --config client.conf | cat || fail "its output stays open"
    cat "$WORK/daemon.pid" >>"$WORK/pids"
    grep -q '^open' "$WORK/calls" || fail "the plugin was not opened"
    kill "$(cat "$WORK/daemon.pid")"
    wait_for 8 "the end of the processes" sh -c "[ -z \"\$(ip netns pids $(ns c))\" ]"
}

killed_server() {
    probes
    server vpnd "plugin ${PROBE}3.so $WORK/calls"
    server_up
    stop server KILL
    wait_for 8 "the plugins' processes to end" sh -c "[ -z \"\$(ip netns pids $(ns s))\" ]"
}

run_case same-calls same_calls
run_case same-client-calls same_client_calls
# openvpn itself holds the cases to account, where it is the version that the installed plugins belong to.
programs="vpnd openvpn"
[ "$(openvpn_version)" = 2.6 ] || programs=vpnd
for p in $programs; do
    run_case "pam-$p" pam "$p" vpn-test
    run_case "pam-dialogue-$p" pam "$p" '"vpn-test login USERNAME password PASSWORD"'
    run_case "down-root-$p" down_root "$p"
    run_case "ldap-$p" ldap "$p"
    run_case "radius-$p" radius "$p"
    run_case "deferred-v3-$p" deferred "$p" 3
    run_case "challenge-$p" challenge "$p"
    run_case "connect-lines-$p" connect_lines "$p"
    run_case "refused-by-tls-verify-$p" refusals "$p" 4 0x10
    run_case "refused-by-tls-final-$p" refusals "$p" 10 0x400
    run_case "refused-by-client-connect-$p" refusals "$p" 6 0x40
done
run_case deferred-v1 deferred vpnd 1
run_case deferred-v2 deferred vpnd 2
run_case both-must-agree both_must_agree
run_case bad-at-start bad_at_start
run_case crash one_login crash 'process of plugin .* was ended by signal 6 during PLUGIN_AUTH_USER_PASS_VERIFY'
run_case hang one_login hang 'process of plugin .* did not answer in time during PLUGIN_AUTH_USER_PASS_VERIFY'
run_case slow slow
run_case background background
run_case killed-server killed_server
finish
