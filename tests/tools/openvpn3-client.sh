#!/bin/bash
# SPDX-License-Identifier: MIT
# The OpenVPN 3 client for Linux in the foreground, without anything of it installed: its services on a bus of their
# own, in a mount namespace of their own. other-openvpn.sh puts a copy of this next to openvpn3 and openvpn3.d.
set -u

if [ $# -lt 1 ] || [ $# -gt 2 ]; then
    cat >&2 <<'END'
usage: openvpn3-client CONFIG [ANSWERS]

Connects with the profile CONFIG (which has everything inline) and stays until SIGTERM. "Connected to" in
a line is its last word before that. SIGUSR1 reconnects, SIGUSR2 prints statistics and its resolv.conf. ANSWERS is a
file with what it asks for, one a line (user, password). Runs as root in the current network namespace; everything is
logged to the standard output.
END
    exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
if [ -z "${OPENVPN3_INNER:-}" ]; then
    OPENVPN3_INNER=$(mktemp -d) || exit 1
    export OPENVPN3_INNER
    exec unshare --mount --propagation private "$here/${0##*/}" "$@"
fi
config=$1 answers=${2:-/dev/null} work=$OPENVPN3_INNER user=_openvpn
socket=/run/dbus/system_bus_socket
chmod 755 "$work"

write_bus() {
    # Their environment is emptied on the way: the bus has to be where the system's is.
    mount -t tmpfs run /run || exit 1
    mkdir -p /run/dbus "$work/services" "$work/state/configs" "$work/dns"
    cp /etc/resolv.conf "$work/dns"
    cp /etc/passwd /etc/group "$work"
    getent passwd $user >/dev/null || {
        echo "$user:x:64999:64999::/:/bin/false" >>"$work/passwd"
        echo "$user:x:64999:" >>"$work/group"
        mount --bind "$work/passwd" /etc/passwd && mount --bind "$work/group" /etc/group || exit 1
    }
    # The services start each other by these names.
    mount --bind "$here/openvpn3.d" /usr/libexec || exit 1
    chown -R $user: "$work/state" "$work/dns"
    local service name run options
    for name in log configuration sessions backends netcfg; do
        run="$(command -v setpriv) --reuid=$user --regid=$user --clear-groups" options=
        case $name in
        log) service=log options="--log-level 6" ;;
        configuration) service=configmgr options="--state-dir $work/state/configs" ;;
        sessions) service=sessionmgr ;;
        backends) service=backendstart options="--client-log-level 6" ;;
        netcfg) service=netcfg run=$(command -v env) options="--state-dir $work/state --resolv-conf $work/dns/resolv.conf" ;;
        esac
        cat >"$work/services/net.openvpn.v3.$name.service" <<-END
			[D-BUS Service]
			Name=net.openvpn.v3.$name
			User=root
			Exec=$run /usr/libexec/openvpn3-linux/openvpn3-service-$service $options
		END
    done
    cat >"$work/bus.conf" <<-END
		<busconfig>
		 <listen>unix:path=$socket</listen>
		 <servicedir>$work/services</servicedir>
		 <policy context="default">
		  <allow user="*"/><allow own="*"/><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/>
		 </policy>
		</busconfig>
	END
}

# manage COMMAND [OPTION]: on the session
manage() { "$here/openvpn3" "$1" --path "$path" ${2:+"$2"} </dev/null; }

end() { # STATUS
    kill "$bus"
    umount /usr/libexec
    rm -rf "$work"
    exit "$1"
}

write_bus
dbus-daemon --config-file="$work/bus.conf" --nofork --nopidfile 2>/dev/null &
bus=$!
wanted=
trap 'wanted=end' TERM INT
trap 'wanted=restart' USR1
trap 'wanted=tell' USR2
until [ -S $socket ]; do sleep 0.05; done
"$here/openvpn3" session-start --config "$config" <"$answers" >"$work/start" 2>&1 || { cat "$work/start"; end 1; }
cat "$work/start"
path=$(sed -n 's/^Session path: //p' "$work/start")
while kill -0 $bus 2>/dev/null; do
    case $wanted in
    end) manage session-manage --disconnect; break ;;
    restart) manage session-manage --restart ;;
    tell) manage session-stats; cat "$work/dns/resolv.conf" ;;
    esac
    wanted=
    wait $bus
done
end 0
