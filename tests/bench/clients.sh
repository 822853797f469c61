#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# How a server copes with many clients, next to the installed openvpn: time until all are connected, memory for each,
# CPU while they only send keepalives, time to end. The clients are made by tests/tools/handshakes on the same machine.
#
#   clients.sh [COUNT...]         default: 1000 10000; openvpn takes part up to 1000
#   PROTO=tcp4-server clients.sh  the same over TCP
#
#   [s] lo 127.0.0.1: server and all clients
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
vpnd=${VPND:-$top/build/src/vpnd}
generator=${BUILD_DIR:-$top/build}/tests/tools/handshakes
idle=${IDLE:-10} # seconds that are measured
openvpn_limit=1000
proto=${PROTO:-udp4}
case $proto in tcp*) transport=--tcp ;; *) transport= ;; esac
[ $# -gt 0 ] || set -- 1000 10000

work=$(mktemp -d)
ns=vb$$
trap 'kill $(jobs -p) 2>/dev/null; ip netns del $ns 2>/dev/null; rm -rf "$work"' EXIT
cd "$work" || exit 1
ip netns add $ns && ip -n $ns link set lo up || exit 1

make_pki() {
    local new='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes' name usage
    # shellcheck disable=SC2086
    openssl req -x509 $new -days 30 -subj '/CN=bench CA' -keyout ca.key -out ca.crt 2>/dev/null
    for name in server client; do
        usage=${name}Auth
        # shellcheck disable=SC2086
        openssl req $new -subj "/CN=$name" -keyout $name.key -out $name.csr 2>/dev/null
        openssl x509 -req -in $name.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -out $name.crt \
            -extfile <(printf 'keyUsage=digitalSignature\nextendedKeyUsage=%s\n' "$usage") 2>/dev/null
    done
    cat >server.conf <<-END
		dev tun0
		proto $proto
		topology subnet
		server 10.64.0.0 255.255.0.0
		ca ca.crt
		cert server.crt
		key server.key
		dh none
		keepalive 10 60
		duplicate-cn
		max-clients 20000
		connect-freq-initial 100000 1
		verb 1
	END
}

cpu_ms() { awk '{ print ($14 + $15) * 10 }' "/proc/$1/stat"; }
rss_kb() { awk '/^VmRSS/ { print $2 }' "/proc/$1/status"; }

# measure NAME PROGRAM COUNT
measure() {
    local server load rss cpu began
    : >server.log
    ip netns exec $ns "$2" --config server.conf >server.log 2>&1 &
    server=$!
    for _ in $(seq 100); do grep -q 'Initialization Sequence' server.log && break; sleep 0.1; done
    rss=$(rss_kb $server)
    cpu=$(cpu_ms $server)
    # shellcheck disable=SC2086
    ip netns exec $ns "$generator" $transport --ca ca.crt --cert client.crt --key client.key --count "$3" --parallel "$3" \
        --hold 60 --ping 10 --timeout 90 >load.log 2>&1 &
    load=$!
    for _ in $(seq 900); do grep -q completed load.log && break; sleep 0.1; done
    local connect cpu_connect memory
    connect=$(sed -n 's/.* failed, \([0-9.]*\) s,.*/\1/p' load.log)
    cpu_connect=$(($(cpu_ms $server) - cpu))
    memory=$((($(rss_kb $server) - rss) * 1024 / $3))
    sleep 2
    cpu=$(cpu_ms $server)
    sleep "$idle"
    local idle_cpu=$(($(cpu_ms $server) - cpu))
    began=$(date +%s%N)
    kill $server
    wait $server
    printf '%-8s %6d clients: all connected in %s s (server CPU %d ms), %d bytes each, idle CPU %d.%d %% of a core, end in %d ms\n' \
        "$1" "$3" "$connect" "$cpu_connect" "$memory" $((idle_cpu / idle / 10)) $((idle_cpu / idle % 10)) \
        $((($(date +%s%N) - began) / 1000000))
    kill $load 2>/dev/null
    wait $load 2>/dev/null
}

make_pki
for count; do
    measure vpnd "$vpnd" "$count"
    if [ "$count" -le $openvpn_limit ] && command -v openvpn >/dev/null; then
        measure openvpn "$(command -v openvpn)" "$count"
    fi
done
