#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A first look at vpnd: installs what is missing, builds, makes a CA, a server and a client, runs both in two network
# namespaces of their own, and shows that it works. The host's network is not touched; everything is removed again.
set -eu

[ "$(id -u)" = 0 ] || { echo "Please run it as root: sudo $0"; exit 1; }
[ "$(uname -s)" = Linux ] || { echo "vpnd runs on Linux only."; exit 1; }
[ -c /dev/net/tun ] || { echo "There is no /dev/net/tun: load the kernel module with: modprobe tun"; exit 1; }
top=$(cd "$(dirname "$0")/.." && pwd)
place=$(mktemp -d /tmp/vpnd-demo.XXXXXX)
server_ns=vpnd-demo-s$$ client_ns=vpnd-demo-c$$
iperf_pid= server_pid= client_pid=

cleanup() {
    local pid
    for pid in $client_pid $server_pid $iperf_pid; do kill "$pid" 2>/dev/null || true; done
    for pid in $client_pid $server_pid $iperf_pid; do wait "$pid" 2>/dev/null || true; done
    ip netns del $client_ns 2>/dev/null || true
    ip netns del $server_ns 2>/dev/null || true
}
trap cleanup EXIT
trap 'exit 130' INT TERM

step() { printf '\n\033[1m%s\033[0m\n' "$*"; }
trouble() {
    echo "$1. The end of the log $2:"
    tail -n 15 "$2"
    exit 1
}
await() { # SECONDS FILE TEXT
    local i
    for i in $(seq $(($1 * 10))); do
        grep -q "$3" "$2" 2>/dev/null && return 0
        sleep 0.1
    done
    trouble "\"$3\" did not come within $1 s" "$2"
}

step "1. Packages"
"$top/contrib/install-packages.sh" demo
echo "All there."

step "2. Build (in $top/build)"
[ -x "$top/configure" ] || (cd "$top" && autoreconf -fi >"$place/autoreconf.log" 2>&1) || trouble "autoreconf failed" "$place/autoreconf.log"
mkdir -p "$top/build" && cd "$top/build"
[ -f Makefile ] || "$top/configure" -q >"$place/configure.log" 2>&1 || trouble "configure failed" "$place/configure.log"
make -s -j"$(nproc)" >"$place/make.log" 2>&1 || trouble "the build failed" "$place/make.log"
vpnd=$top/build/src/vpnd
"$vpnd" --version | head -n 1

step "3. A certificate authority, a server and a client certificate"
cd "$place"
umask 077
# certificate NAME USAGE: an ECDSA key and a certificate signed by our CA
certificate() {
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -keyout "$1.key" -out "$1.csr" 2>/dev/null
    printf 'basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=%s\n' "$2" >"$1.ext"
    openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 825 -extfile "$1.ext" -out "$1.crt" 2>/dev/null
    rm "$1.csr" "$1.ext"
}
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=Demo CA" \
    -addext "keyUsage=critical,keyCertSign,cRLSign" -keyout ca.key -out ca.crt 2>/dev/null
certificate server serverAuth
certificate client clientAuth
cat >server.conf <<END
dev tun0
proto udp
topology subnet
server 10.8.0.0 255.255.255.0
ca ca.crt
cert server.crt
key server.key
dh none
keepalive 10 60
verb 3
END
cat >client.conf <<END
client
dev tun0
remote 192.0.2.1 1194 udp
nobind
ca ca.crt
cert client.crt
key client.key
remote-cert-tls server
explicit-exit-notify 1
verb 3
END
ls -1 ca.crt server.crt client.crt server.conf client.conf | sed "s,^,  $place/,"

step "4. Two hosts (network namespaces) with a cable between them; vpnd on both"
ip netns add $server_ns
ip netns add $client_ns
ip -n $server_ns link set lo up
ip link add vd0 netns $server_ns type veth peer name vd0 netns $client_ns
ip -n $server_ns addr add 192.0.2.1/24 dev vd0
ip -n $client_ns addr add 192.0.2.2/24 dev vd0
ip -n $server_ns link set vd0 up
ip -n $client_ns link set vd0 up
ip netns exec $server_ns "$vpnd" --config server.conf >server.log 2>&1 &
server_pid=$!
await 20 server.log "Initialization Sequence Completed"
ip netns exec $client_ns "$vpnd" --config client.conf >client.log 2>&1 &
client_pid=$!
await 20 client.log "Initialization Sequence Completed"
grep -hE "Peer Connection Initiated|Data Channel|Control Channel: TLS|data plane:|Initialization Sequence Completed" client.log |
    sed 's/^/  client: /'

step "5. Ping through the tunnel (10.8.0.1 is the server's address inside)"
ip netns exec $client_ns ping -c 3 -i 0.3 10.8.0.1

step "6. Throughput of one TCP connection for 3 seconds"
ip netns exec $server_ns iperf3 -s -1 -B 10.8.0.1 >/dev/null 2>&1 &
iperf_pid=$!
for _ in $(seq 50); do ip netns exec $server_ns ss -ltn | grep -q :5201 && break || sleep 0.1; done
ip netns exec $client_ns iperf3 -c 10.8.0.1 -t 3 -f g | grep -E 'sender|receiver'
wait $iperf_pid || true
iperf_pid=

step "7. Done"
cat <<END
vpnd works on this machine. Configurations, certificates and logs of this run are in $place
(delete it when you have looked at it). For real use:
  cd build && sudo make install
  sudo vpnd --config server.conf       on the server (UDP port 1194 open in its firewall)
  sudo vpnd --config client.conf       on the client, with "remote" set to the server's address
END
