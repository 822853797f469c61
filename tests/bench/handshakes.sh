#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Full handshakes per second (reset to push reply) of a server, next to the installed openvpn: RSA-2048 and ECDSA P-256,
# vpnd with one and two handshake threads. Load comes from tests/tools/handshakes on the same machine (its clients have
# ECDSA certificates, which cost it least). Where cores are few it takes half of them, so the server's own limit comes
# from the CPU time that a handshake takes in each kind of its threads. Then: what a connected client still gets through
# its tunnel meanwhile.
#
#   handshakes.sh [COUNT]         handshakes a run, default 2000
#
#   [s] lo 127.0.0.1: server and load;  eth0 10.99.0.1 --- 10.99.0.2 eth0 [c]: one client with a stream
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
vpnd=${VPND:-$top/build/src/vpnd}
generator=${BUILD_DIR:-$top/build}/tests/tools/handshakes
count=${1:-2000}
parallel=${PARALLEL:-40}

work=$(mktemp -d)
s=vbs$$ c=vbc$$
trap 'kill $(jobs -p) 2>/dev/null; ip netns del $s 2>/dev/null; ip netns del $c 2>/dev/null; rm -rf "$work"' EXIT
cd "$work" || exit 1
ip netns add $s && ip netns add $c && ip -n $s link set lo up && ip -n $c link set lo up || exit 1
ip link add veth$$ netns $s type veth peer name veth$$ netns $c || exit 1
for end in $s:10.99.0.1 $c:10.99.0.2; do
    ip -n ${end%:*} link set veth$$ name eth0 up && ip -n ${end%:*} addr add ${end#*:}/24 dev eth0 || exit 1
done

make_pki() { # rsa|ec
    local new='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes' name
    [ "$1" = ec ] || new='-newkey rsa:2048 -nodes'
    mkdir "$1"
    # shellcheck disable=SC2086
    openssl req -x509 $new -days 30 -subj '/CN=bench CA' -keyout "$1/ca.key" -out "$1/ca.crt" 2>/dev/null
    for name in server client; do
        [ $name = server ] || new='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
        # shellcheck disable=SC2086
        openssl req $new -subj "/CN=$name" -keyout "$1/$name.key" -out "$1/$name.csr" 2>/dev/null
        openssl x509 -req -in "$1/$name.csr" -CA "$1/ca.crt" -CAkey "$1/ca.key" -CAcreateserial -days 30 \
            -out "$1/$name.crt" -extfile <(printf 'keyUsage=digitalSignature\nextendedKeyUsage=%sAuth\n' "$name") 2>/dev/null
    done
}

# Milliseconds of CPU so far: control thread, handshake threads, data-plane workers.
cpu_ms() {
    awk -v pid="$1" '{ n = split($0, f, /[()] */); split(f[n], t, " "); ms = (t[12] + t[13]) * 10
        if ($1 == pid) control += ms; else if ($2 ~ /worker/) worker += ms; else pool += ms }
        END { print control + 0, pool + 0, worker + 0 }' /proc/"$1"/task/*/stat
}

start_server() { # rsa|ec PROGRAM [OPTION...]
    local key=$1
    shift
    : >server.log
    ip netns exec $s "$@" --dev tun0 --dev-type tun --proto udp4 --mode server --tls-server --topology subnet \
        --server 10.64.0.0 255.255.0.0 --ca "$key/ca.crt" --cert "$key/server.crt" --key "$key/server.key" --dh none \
        --keepalive 10 60 --duplicate-cn --max-clients 20000 --connect-freq-initial 100000 1 --verb 1 >server.log 2>&1 &
    server=$!
    for _ in $(seq 100); do grep -q 'Initialization Sequence' server.log && return; sleep 0.1; done
    cat server.log
    exit 1
}

load() { # rsa|ec COUNT
    ip netns exec $s "$generator" --ca "$1/ca.crt" --cert "$1/client.crt" --key "$1/client.key" --count "$2" \
        --parallel "$parallel" --timeout 60
}

rate() { # NAME rsa|ec COUNT THREADS PROGRAM [OPTION...]
    local name=$1 key=$2 n=$3 threads=$4 before after result
    shift 4
    start_server "$key" "$@"
    before=$(cpu_ms $server)
    result=$(load "$key" "$n")
    after=$(cpu_ms $server)
    kill $server
    wait $server 2>/dev/null
    awk -v name="$name" -v k="$key" -v n="$n" -v threads="$threads" -v cpu="$before $after" '{
        match($0, /[0-9.]+ per second/); rate = substr($0, RSTART, RLENGTH); split(cpu, c, " ")
        control = (c[4] - c[1]) / n; pool = (c[5] - c[2]) / n; worker = (c[6] - c[3]) / n
        limit = control > 0 ? 1000 / control : 0
        if (pool > 0 && 1000 * threads / pool < limit) limit = 1000 * threads / pool
        printf "%-16s %-3s %7.1f/s seen, server alone %5.0f/s; ms CPU each: control %.2f, handshake threads %.2f, " \
               "workers %.2f; %s\n", name, k, rate, limit, control, pool, worker, substr($0, index($0, "latency")) }' \
        <<<"$result"
}

# Megabits per second that arrive of a stream of 300.
stream() {
    ip netns exec $c iperf3 -c 10.64.0.1 -u -b 300M -l 1200 -t 5 -J 2>/dev/null |
        jq '.end.sum.bits_per_second / 1e6 * (100 - .end.sum.lost_percent) / 100 | floor'
}

meanwhile() { # NAME PROGRAM [OPTION...]: with vpnd as the client each time
    local name=$1 client alone during
    shift
    start_server ec "$@"
    ip netns exec $c "$vpnd" --client --dev tun0 --dev-type tun --remote 10.99.0.1 1194 udp4 --nobind --ca ec/ca.crt \
        --cert ec/client.crt --key ec/client.key --verb 1 >client.log 2>&1 &
    client=$!
    ip netns exec $s iperf3 -s -D >/dev/null
    for _ in $(seq 100); do ip netns exec $c ping -c 1 -W 1 10.64.0.1 >/dev/null 2>&1 && break; done
    alone=$(stream)
    load ec 100000 >/dev/null 2>&1 &
    during=$(stream)
    echo "$name: a stream gets $alone Mbit/s alone, $during Mbit/s while clients shake hands"
    kill $! $client $server
    wait 2>/dev/null
    # shellcheck disable=SC2046
    kill $(ip netns pids $s) 2>/dev/null
}

make_pki rsa
make_pki ec
what=${ONLY:-rate meanwhile}
case $what in *rate*)
    for key in rsa ec; do
        rate 'vpnd, 1 thread' $key "$count" 1 "$vpnd" --handshake-threads 1
        rate 'vpnd, 2 threads' $key "$count" 2 "$vpnd" --handshake-threads 2
        rate openvpn $key "$count" 1 "${OPENVPN:-openvpn}"
    done
    ;;
esac
case $what in *meanwhile*)
    meanwhile vpnd "$vpnd"
    meanwhile openvpn "${OPENVPN:-openvpn}"
    ;;
esac
