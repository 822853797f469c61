#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# DNS settings that a stock server pushes, applied without a script: through systemd-resolved (a stand-in on a private
# bus), resolvconf (a stand-in program) and /etc/resolv.conf (of the namespace, or of a mount namespace), and taken
# back after every end. The user's own programs come first.
#
#   [s] eth0 10.99.0.1 (openvpn) ------- 10.99.0.2 eth0 [c] (vpnd, resolv.conf of its own)
#       tun0 10.77.0.1 === tunnel === 10.77.0.x tun0
. "$(dirname "$0")/../tools/testlib.sh"

HOST_CONF() { echo "/etc/netns/$(ns c)/resolv.conf"; }

# prepare PUSH...: server with these pushed lines
prepare() {
    need openvpn
    server_and_client
    pki "$WORK/pki"
    cat >"$WORK/server.conf" <<-END
		dev tun0
		dev-type tun
		port 1194
		topology subnet
		server 10.77.0.0 255.255.255.0
		ca pki/ca.crt
		cert pki/server.crt
		key pki/server.key
		dh none
		verb 3
	END
    local line
    for line in "$@"; do echo "push \"$line\"" >>"$WORK/server.conf"; done
    cat >"$WORK/$TAG.conf" <<-END
		client
		dev tun0
		dev-type tun
		remote 10.99.0.1 1194 udp
		nobind
		ca pki/ca.crt
		cert pki/client1.crt
		key pki/client1.key
		remote-cert-tls server
		verb 3
	END
    start server ip netns exec "$(ns s)" "$OPENVPN" --cd "$WORK" --config server.conf
    expect_log "$WORK/server.log" 'Initialization Sequence Completed'
}

# Commands of $WORK/mounts, in a mount namespace of its own, come before vpnd.
connect() {
    [ -e "$WORK/mounts" ] || echo : >"$WORK/mounts"
    start client ip netns exec "$(ns c)" unshare -m sh -c ". '$WORK/mounts'; exec '$VPND' --cd '$WORK' --config '$TAG.conf'"
    wait_for 20 "connection ${1:-1}" connected_times "${1:-1}"
}
connected_times() { [ "$(grep -ac 'Initialization Sequence Completed' "$WORK/client.log")" -ge "$1" ]; }

helper_pid() { pgrep -P "$(pid_of client)" -x vpnd-dns; }
no_process() { [ -z "$(ip netns pids "$(ns c)")" ]; }
says() { [ "$(cat "$1")" = "$2" ] || fail "$1 says '$(tr '\n' '|' <"$1")' instead of '$(echo "$2" | tr '\n' '|')'"; }
in_mock() { expect_log "$WORK/mock.log" "^$1\$" 5; }

# ---------------------------------------------------------------- systemd-resolved

mock_bus() { # [refuse|forget]
    need dbus-daemon
    test_programs resolve1_mock
    cat >"$WORK/bus.conf" <<-END
		<busconfig>
		  <type>system</type>
		  <listen>unix:path=$WORK/bus</listen>
		  <auth>EXTERNAL</auth>
		  <policy context="default">
		    <allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/>
		  </policy>
		</busconfig>
	END
    export DBUS_SYSTEM_BUS_ADDRESS=unix:path=$WORK/bus
    start bus dbus-daemon --config-file="$WORK/bus.conf" --nofork
    wait_for 5 "the bus" test -S "$WORK/bus"
    start mock "$BUILD_DIR/tests/tools/resolve1_mock" "$@"
    sleep 0.1
    kill -0 "$(pid_of mock)" 2>/dev/null || skip "built without libsystemd"
    in_mock ready
    echo "nameserver 127.0.0.53" >"$(HOST_CONF)"
}

resolved_all_names() {
    prepare "dhcp-option DNS 10.77.0.1" "dhcp-option DNS6 fd77::53" "dhcp-option DOMAIN corp.example" \
        "dhcp-option DOMAIN-SEARCH lab.example" "dhcp-option DOMAIN a;reboot" "dhcp-option DNS 10.0.0.1x"
    mock_bus
    connect
    in_mock 'servers 10.77.0.1 fd77::53'
    in_mock 'domains corp.example lab.example ~\.'
    in_mock 'default-route 1'
    expect_log "$WORK/client.log" 'DNS: systemd-resolved now has 10.77.0.1, fd77::53 for all names, search corp.example, lab.example for tun0'
    expect_log "$WORK/client.log" "dhcp-option: 'a;reboot' is not valid"
    says "$(HOST_CONF)" "nameserver 127.0.0.53"
    stop client
    in_mock reverted
}

resolved_split() {
    prepare "dns server 5 address 10.77.0.9" "dns server 1 address 10.77.0.1:5353 10.77.0.2" \
        "dns server 1 resolve-domains corp.example lab.example" "dns server 1 transport DoT" "dns server 1 dnssec optional" \
        "dns server 1 sni dns.corp.example" "dns search-domains corp.example" "dns server 0 address 10.77.0.8" \
        "dns server 0 transport DoH"
    mock_bus
    connect
    in_mock 'servers 10.77.0.1:5353:dns.corp.example 10.77.0.2:0:dns.corp.example'
    in_mock 'domains corp.example ~lab.example' # resolved takes the last word on a name
    in_mock 'default-route 0'
    in_mock 'SetLinkDNSOverTLS yes'
    in_mock 'SetLinkDNSSEC allow-downgrade'
    expect_log "$WORK/client.log" 'DNS: systemd-resolved now has .* for corp.example, lab.example over TLS'
}

# What resolved does not take goes into resolv.conf, and its half of it is taken back.
resolved_fails() { # refuse|forget TEXT
    prepare "dhcp-option DNS 10.77.0.1"
    mock_bus "$1"
    connect
    expect_log "$WORK/client.log" "DNS: systemd-resolved $2.*; /etc/resolv.conf now says 10.77.0.1"
    in_mock reverted
    stop client
    says "$(HOST_CONF)" "nameserver 127.0.0.53"
}

# ---------------------------------------------------------------- resolvconf

resolvconf_program() { # [openresolv]
    prepare "dhcp-option DNS 10.77.0.1" "dhcp-option DOMAIN corp.example"
    mkdir "$WORK/sbin"
    cat >"$WORK/sbin/resolvconf" <<-END
		#!/bin/sh
		echo "called \$*" >>"$WORK/calls"
		[ "\$1" != -x ] || [ "${1-}" = openresolv ] || exit 1
		case \$* in
		*-a*) { echo "# Generated by resolvconf"; cat; } >/etc/resolv.conf ;;
		*-d*) printf '# Generated by resolvconf\nnameserver 192.0.2.53\n' >/etc/resolv.conf ;;
		esac
	END
    chmod +x "$WORK/sbin/resolvconf"
    printf '# Generated by resolvconf\nnameserver 192.0.2.53\n' >"$(HOST_CONF)"
    cp "$(HOST_CONF)" "$WORK/before"
    echo "mount --bind '$WORK/sbin' /usr/local/sbin" >"$WORK/mounts"
    connect
    expect_log "$WORK/client.log" 'DNS: resolvconf now has 10.77.0.1 for all names, search corp.example for tun0'
    says "$(HOST_CONF)" $'# Generated by resolvconf\nnameserver 10.77.0.1\nsearch corp.example'
    stop client
    cmp "$WORK/before" "$(HOST_CONF)" || fail "not taken back"
    grep -qx 'called -x -a tun0.vpnd' "$WORK/calls" || fail "openresolv's form was not tried"
    grep -qx 'called -d tun0.vpnd' "$WORK/calls" || fail "it was not called to remove the record"
}

# ---------------------------------------------------------------- resolv.conf

# A link in a directory that can be renamed in: the link itself comes back.
file_by_rename() {
    prepare "dhcp-option DNS 10.77.0.1" "dhcp-option DOMAIN corp.example"
    mkdir "$WORK/etc" "$WORK/etc/elsewhere"
    cp /etc/passwd /etc/group "$WORK/etc/"
    printf 'nameserver 192.0.2.53\noptions edns0\n' >"$WORK/etc/elsewhere/resolv.conf"
    ln -s elsewhere/resolv.conf "$WORK/etc/resolv.conf"
    local before
    before=$(ls -lAR --time-style=+ "$WORK/etc")
    echo "mount --bind '$WORK/etc' /etc" >"$WORK/mounts"
    local n=1 way
    for way in TERM KILL both; do
        connect $n
        [ ! -L "$WORK/etc/resolv.conf" ] || fail "the link was written through"
        says "$WORK/etc/resolv.conf" "# made by vpnd; the original is kept as /etc/resolv.conf.vpnd-tun0-$(helper_pid)
# of the boot $(cat /proc/sys/kernel/random/boot_id)
nameserver 10.77.0.1
search corp.example
options edns0"
        [ "$(stat -c %a "$WORK/etc/resolv.conf")" = 644 ] || fail "not everybody may read resolv.conf"
        if [ $way = both ]; then
            kill -KILL "$(helper_pid)"
            stop client KILL
            n=$((n + 1))
            connect $n
            expect_log "$WORK/client.log" 'DNS: the settings of an earlier run were taken back'
            stop client
        else
            stop client $way
        fi
        wait_for 5 "the helper to end" no_process
        [ "$(ls -lAR --time-style=+ "$WORK/etc")" = "$before" ] || fail "SIG$way left $(ls -A "$WORK/etc")"
        says "$WORK/etc/elsewhere/resolv.conf" $'nameserver 192.0.2.53\noptions edns0'
        n=$((n + 1))
    done
}

# /run is empty after a power cut, and /etc is as it was.
file_power_cut() {
    prepare "dhcp-option DNS 10.77.0.1"
    mkdir "$WORK/etc" "$WORK/volatile"
    cp /etc/passwd /etc/group "$WORK/etc/"
    ln -s elsewhere "$WORK/etc/resolv.conf"
    printf '%s\n' "mount --bind '$WORK/etc' /etc" "export RUNTIME_DIRECTORY='$WORK/volatile'" >"$WORK/mounts"
    connect
    kill -KILL "$(helper_pid)"
    stop client KILL
    rm -r "$WORK/volatile"/*
    sed -i 's/^# of the boot .*/# of the boot 00000000-0000-0000-0000-000000000000/' "$WORK/etc/resolv.conf"
    connect 2
    expect_log "$WORK/client.log" 'DNS: the settings of a run before the last boot were taken back'
    stop client
    [ "$(readlink "$WORK/etc/resolv.conf")" = elsewhere ] || fail "not taken back: $(cat "$WORK/etc/resolv.conf")"
    [ "$(ls -A "$WORK/etc" | tr '\n' ' ')" = "group passwd resolv.conf " ] || fail "left $(ls -A "$WORK/etc")"
}

# What NetworkManager and DHCP clients do while the tunnel is up.
file_overwritten() {
    prepare "dhcp-option DNS 10.77.0.1"
    mkdir "$WORK/etc"
    cp /etc/passwd /etc/group "$WORK/etc/"
    echo "nameserver 192.0.2.53" >"$WORK/etc/resolv.conf"
    echo "mount --bind '$WORK/etc' /etc" >"$WORK/mounts"
    connect
    local n
    for n in 71 72; do
        echo "nameserver 192.0.2.$n" >"$WORK/etc/.resolv.conf.XY"
        mv "$WORK/etc/.resolv.conf.XY" "$WORK/etc/resolv.conf"
        wait_for 5 "the settings to be set again" grep -qx 'nameserver 10.77.0.1' "$WORK/etc/resolv.conf"
    done
    stop client
    says "$WORK/etc/resolv.conf" "nameserver 192.0.2.72"
    [ "$(ls -A "$WORK/etc" | tr '\n' ' ')" = "group passwd resolv.conf " ] || fail "left $(ls -A "$WORK/etc")"
}

# A mounted file (containers, ip netns exec) is written in place.
file_in_place() {
    prepare "dhcp-option DNS 10.77.0.1"
    cp "$(HOST_CONF)" "$WORK/before"
    connect
    grep -qx 'nameserver 10.77.0.1' "$(HOST_CONF)" || fail "not applied"
    kill -KILL "$(helper_pid)"
    stop client KILL
    grep -qx 'nameserver 10.77.0.1' "$(HOST_CONF)" || fail "who took it back?"
    connect 2
    # Somebody else's change is overwritten while the tunnel is up, and comes back at the end.
    echo "nameserver 192.0.2.99" >"$(HOST_CONF)"
    wait_for 5 "the settings to be set again" grep -qx 'nameserver 10.77.0.1' "$(HOST_CONF)"
    expect_log "$WORK/client.log" 'DNS: somebody else wrote /etc/resolv.conf; /etc/resolv.conf now says 10.77.0.1'
    stop client
    says "$(HOST_CONF)" "nameserver 192.0.2.99"
    cp "$WORK/before" "$(HOST_CONF)"
    connect 3
    stop client INT
    cmp "$WORK/before" "$(HOST_CONF)" || fail "not taken back"
}

# Two clients of one host: whoever came last is on top, and whatever order they end in, the original comes back.
two_clients() { # rename|place FIRST SECOND
    prepare "dhcp-option DNS 10.77.0.1"
    local conf
    conf=$(HOST_CONF)
    if [ "$1" = rename ]; then
        mkdir "$WORK/etc"
        cp /etc/passwd /etc/group "$WORK/etc/"
        echo "nameserver 192.0.2.53" >"$WORK/etc/resolv.conf"
        echo "mount --bind '$WORK/etc' /etc" >"$WORK/mounts"
        conf=$WORK/etc/resolv.conf
    fi
    connect
    sed 's/tun0/tun1/; s/client1/client2/' "$WORK/$TAG.conf" >"$WORK/$TAG-2.conf"
    printf '%s\n' 'pull-filter ignore "dhcp-option DNS"' 'dhcp-option DNS 10.77.0.9' >>"$WORK/$TAG-2.conf"
    start second ip netns exec "$(ns c)" unshare -m sh -c ". '$WORK/mounts'; exec '$VPND' --cd '$WORK' --config '$TAG-2.conf'"
    expect_log "$WORK/second.log" 'Initialization Sequence Completed'
    sleep 0.8 # longer than it takes to answer somebody else's change
    ! grep -h 'somebody else' "$WORK/client.log" "$WORK/second.log" || fail "they fight"
    grep -qx 'nameserver 10.77.0.9' "$conf" || fail "the second one is not on top"
    stop "$2"
    local left=9
    [ "$2" = client ] || left=1
    grep -qx "nameserver 10.77.0.$left" "$conf" || fail "not the other one's: $(cat "$conf")"
    stop "$3"
    says "$conf" "nameserver 192.0.2.53"
    ! ls "$(dirname "$conf")"/resolv.conf.vpnd-* /etc/resolv.conf.vpnd-tun[01]-* 2>/dev/null || fail "a file stayed"
}

# In the background: whoever waits for the starter's output is not kept waiting by the helper, and Ctrl-C of that
# terminal does not reach it.
in_background() {
    prepare "dhcp-option DNS 10.77.0.1"
    printf '%s\n' "daemon" "log $WORK/client.log" "writepid $WORK/client.pid" "user nobody" "group nogroup" >>"$WORK/$TAG.conf"
    local said
    said=$(timeout 10 ip netns exec "$(ns c)" "$VPND" --cd "$WORK" --config "$TAG.conf") || fail "the start hangs: $said"
    wait_for 20 "the connection" connected_times 1
    cat "$WORK/client.pid" >>"$WORK/pids"
    grep -qx 'nameserver 10.77.0.1' "$(HOST_CONF)" || fail "not applied"
    kill "$(pid_of client)"
    wait_for 5 "everybody to end" no_process
    says "$(HOST_CONF)" "nameserver 192.0.2.53"
}

# Without systemd-resolved a server for some domains must not get all questions.
file_cannot_split() {
    prepare "dns server 1 address 10.77.0.1" "dns server 1 resolve-domains corp.example"
    connect
    expect_log "$WORK/client.log" 'DNS: none of the servers can be used through resolv.conf'
    says "$(HOST_CONF)" "nameserver 192.0.2.53"
}

# While the tunnel is down its servers must not be asked.
reconnect() { # [LINE]
    prepare "dhcp-option DNS 10.77.0.1" "ping 1" "ping-restart 3"
    printf '%s\n' "connect-retry 1 1" "$@" >>"$WORK/$TAG.conf"
    connect
    grep -qx 'nameserver 10.77.0.1' "$(HOST_CONF)" || fail "not applied"
    stop server KILL
    expect_log "$WORK/client.log" 'SIGUSR1\[soft,ping-restart\]'
    wait_for 5 "the settings to be taken back" grep -qx 'nameserver 192.0.2.53' "$(HOST_CONF)"
    start server ip netns exec "$(ns s)" "$OPENVPN" --cd "$WORK" --config server.conf
    wait_for 20 "the second connection" connected_times 2
    grep -qx 'nameserver 10.77.0.1' "$(HOST_CONF)" || fail "not applied again"
}

# ---------------------------------------------------------------- the user's programs

own_program() { # LINE... : with an up script, is resolv.conf changed?
    local expected=$1
    shift
    prepare "dhcp-option DNS 10.77.0.1" "dhcp-option DOMAIN corp.example" "dhcp-option NTP 10.77.0.4"
    cat >"$WORK/program" <<-END
		#!/bin/sh
		env >"$WORK/env.\$script_type"
	END
    chmod +x "$WORK/program"
    printf '%s\n' "script-security 2" "$@" | sed "s#PROGRAM#$WORK/program#" >>"$WORK/$TAG.conf"
    connect
    local now=192.0.2.53
    [ "$expected" = program ] || now=10.77.0.1
    grep -qx "nameserver $now" "$(HOST_CONF)" || fail "resolv.conf says $(cat "$(HOST_CONF)")"
}

up_program() { # program|vpnd LINE...
    own_program "$@"
    local line
    for line in 'foreign_option_1=dhcp-option DNS 10.77.0.1' 'foreign_option_2=dhcp-option DOMAIN corp.example' \
        'foreign_option_3=dhcp-option NTP 10.77.0.4' 'dns_server_1_address_1=10.77.0.1' 'dns_search_domain_1=corp.example'; do
        grep -qxF "$line" "$WORK/env.up" || fail "up got no $line"
    done
}

updown_program() {
    own_program program "dns-updown PROGRAM"
    grep -qx 'dns_server_1_address_1=10.77.0.1' "$WORK/env.dns-up" || fail "dns-updown got no server"
    stop client
    [ -e "$WORK/env.dns-down" ] || fail "dns-updown was not called at the end"
}

run_case resolved-all-names resolved_all_names
run_case resolved-split resolved_split
run_case resolved-refuses resolved_fails refuse 'refused: refused for the test'
run_case resolved-forgets resolved_fails forget 'did not keep the servers'
run_case resolvconf resolvconf_program
run_case openresolv resolvconf_program openresolv
run_case file-by-rename file_by_rename
run_case file-power-cut file_power_cut
run_case file-overwritten file_overwritten
run_case file-in-place file_in_place
run_case two-clients-rename two_clients rename second client
run_case two-clients-rename-first-ends two_clients rename client second
run_case two-clients-place two_clients place second client
run_case two-clients-place-first-ends two_clients place client second
run_case background in_background
run_case file-cannot-split file_cannot_split
run_case reconnect reconnect
run_case reconnect-persist-tun reconnect persist-tun
run_case up-program up_program program "up PROGRAM"
run_case up-program-forced up_program vpnd "up PROGRAM" "dns-updown force"
run_case dns-updown updown_program
run_case dns-updown-disable own_program program "dns-updown disable"
finish
