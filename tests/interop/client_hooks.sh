#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The programs of a client, in the same order, with the same arguments and environment as openvpn calls them: openvpn and
# vpnd take turns in one namespace, from the start over a restart to the end.
#
#   [s] eth0 10.99.0.1 ------------- 10.99.0.2 eth0 [c]
#        tun7 10.77.0.1 == tunnel == 10.77.0.2 tun0
. "$(dirname "$0")/../tools/testlib.sh"
. "$(dirname "$0")/../tools/clientlib.sh"

# Differs from run to run, or belongs to the shell.
VOLATILE='^(PWD|SHLVL|_|OLDPWD|PATH|HOME|LANG|TERM|daemon_pid|daemon_start_time|daemon_log_redirect|trusted_port|tmpdir|TMPDIR)='

# hook: writes its arguments and environment as one more file
write_hook() {
    cat >"$WORK/hook" <<-END
		#!/bin/sh
		until mkdir "$WORK/lock" 2>/dev/null; do sleep 0.01; done
		n=\$(ls "$WORK/calls" | wc -l)
		{
		    echo "args: \$*"
		    env | grep -vE '$VOLATILE' | sort
		} >"$WORK/calls/\$(printf %02d "\$n")-\${script_type:-none}"
		rmdir "$WORK/lock"
	END
    chmod 755 "$WORK/hook"
}

# What one program calls, from start to end, into $WORK/NAME.calls
calls_of() { # NAME BINARY
    rm -rf "$WORK/calls"
    mkdir -p "$WORK/calls"
    : >"$WORK/client.log"
    start client ip netns exec "$(ns c)" "$2" --cd "$WORK" --config "$WORK/client.conf"
    client_up
    client_pings
    log_mark
    kill -USR1 "$(pid_of client)"
    expect_since 'Initialization Sequence Completed'
    client_pings
    stop client
    wait_for 5 "the last call" sh -c "sleep 0.2; ls $WORK/calls | grep -q down"
    mv "$WORK/calls" "$WORK/$1.calls"
}

same_calls() { # LINE...
    reference
    network
    mkdir -p "$WORK/ccd"
    echo 'ifconfig-push 10.77.0.2 255.255.255.0' >"$WORK/ccd/client1"
    server_start server 7 udp4 1194 "keepalive 10 60" "server-ipv6 fd77::/64" "client-config-dir ccd" \
        'push "route 10.55.0.0 255.255.0.0"' 'push "route 10.56.0.0 255.255.0.0 10.77.0.1 7"' \
        'push "route-ipv6 fd55::/64"' 'push "dhcp-option DNS 10.77.0.1"' 'push "dhcp-option DOMAIN corp.example"' \
        'push "setenv-safe COLOUR blue"'
    write_hook
    client_conf "remote 10.99.0.1 1194 udp4" "script-security 2" "setenv MY_OWN value" "up $WORK/hook" "down $WORK/hook" \
        "route-up $WORK/hook" "route-pre-down $WORK/hook" "ipchange $WORK/hook" "explicit-exit-notify 1" "$@"
    calls_of openvpn "$OPENVPN"
    calls_of vpnd "$VPND"
    local theirs ours
    theirs=$(ls "$WORK/openvpn.calls" | tr '\n' ' ')
    ours=$(ls "$WORK/vpnd.calls" | tr '\n' ' ')
    [ "$theirs" = "$ours" ] || fail "order of calls: $ours instead of $theirs"
    # vpnd may tell more, but nothing less or else.
    local call missing
    for call in $theirs; do
        missing=$(comm -23 <(sort "$WORK/openvpn.calls/$call") <(sort "$WORK/vpnd.calls/$call"))
        [ -z "$missing" ] || fail "$call lacks: $(tr '\n' ' ' <<<"$missing")"
    done
}

run_case restart same_calls
run_case persist-tun same_calls "persist-tun"
run_case up-restart same_calls "persist-tun" "up-restart"
run_case down-pre same_calls "down-pre"
finish
