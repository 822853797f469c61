#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The service units and systemd-resolved under a real systemd, booted in a container on a throwaway copy of the root
# that tests/tools/systemd-root.sh made. Not part of the default tests: tests/run.sh systemd
#
#   [s] eth0 10.99.0.1 (openvpn, two name servers) ------- 10.99.0.2 eth0 [c] (the container)
#       tun0 10.77.0.1 ============== tunnel ============= 10.77.0.x tun0
. "$(dirname "$0")/../tools/testlib.sh"

ROOT=${SYSTEMD_ROOT:-/var/tmp/vpnd-systemd-root}

# boot: with vpnd as installed in $ROOT; $WORK is /case inside
boot() {
    need systemd-nspawn nsenter
    [ -e "$ROOT/ready" ] || skip "no root in $ROOT: tests/tools/systemd-root.sh $ROOT"
    server_and_client
    in_ns c ip route add default via 10.99.0.1
    export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 SYSTEMD_NSPAWN_API_VFS_WRITABLE=network
    start box systemd-nspawn -q -D "$ROOT" --volatile=overlay --boot --keep-unit --register=no --resolv-conf=off \
        --network-namespace-path="/run/netns/$(ns c)" --bind=/dev/net/tun --capability=CAP_NET_ADMIN --console=pipe \
        --machine="$TAG" --bind-ro="$WORK:/case"
    wait_for 20 "the boot" booted
}
booted() { [ "$(box systemctl is-system-running)" = running ]; }

# box COMMAND...: in the container
box() {
    local init
    init=$(pgrep -P "$(pid_of box)") || return 1
    nsenter -t "$init" -m -u -i -n -p -C -r -w env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        HOME=/root LANG=C.UTF-8 SYSTEMD_PAGER= "$@"
}

journal() { box journalctl -q -o cat -u "$1" "${@:2}"; }
expect_journal() { wait_for 10 "'$2' in the journal of $1" sh_journal "$@"; }
sh_journal() { journal "$1" | grep -qE -- "$2"; }
tun_gone() { ! box ip link show tun0 2>/dev/null; }

# ---------------------------------------------------------------- server

server_changed() { [ "$(box cat /proc/sys/net/ipv4/ip_forward)" = 1 ] && box ip link show tun0; }
server_unchanged() { [ "$(box cat /proc/sys/net/ipv4/ip_forward)" = 0 ] && tun_gone; }

server_unit() {
    boot
    echo "correct horse" >"$WORK/password"
    box vpnd-pki server-setup --ca-pass-file /case/password --yes --remote vpn.example.com >"$WORK/setup.log"
    box systemctl daemon-reload
    box systemctl enable --now vpnd
    server_changed || fail "not running"
    [ "$(box systemctl show -P StatusText vpnd)" = "Initialization Sequence Completed" ] || fail "no status"
    # The daemon is another user by now, whom root may signal only with a capability.
    box sh -c 'echo "push \"route 10.60.0.0 255.255.0.0\"" >>/etc/vpnd/server.conf'
    box systemctl reload vpnd
    expect_journal vpnd 'reload: options were read again; changed options in force: push'
    journal vpnd -p warning | grep -q 'certificates and keys stay as they are until a restart' || fail "no priorities"
    ! journal vpnd -p warning | grep -q 'Initialization Sequence' || fail "everything is a warning"
    box systemctl restart vpnd
    server_changed || fail "not restarted"
    box systemctl stop vpnd
    server_unchanged || fail "the stop left something"
    box systemctl start vpnd
    local signal
    for signal in KILL ABRT; do
        box systemctl kill -s $signal vpnd
        wait_for 5 "the end by SIG$signal" tun_gone
        wait_for 15 "the restart after SIG$signal" server_changed
    done
    box systemctl kill -s KILL vpnd
    box systemctl stop vpnd
    box rm -r /run/vpnd
    box systemctl start vpnd
    box systemctl stop vpnd
    server_unchanged || fail "without the notes in /run something was left"
}

# ---------------------------------------------------------------- client

name_server() { # NAME ADDRESS LINE...
    local name=$1 address=$2
    shift 2
    printf '%s\n' no-resolv no-hosts bind-dynamic "listen-address=$address" "$@" >"$WORK/$name.conf"
    start "$name" in_ns s dnsmasq -k -C "$WORK/$name.conf" -x "$WORK/$name.dnsmasq"
}

# client_unit_files PUSH...: a server that pushes this, the unit's files, and a resolver with the provider's name server
client_unit_files() {
    need openvpn dnsmasq
    boot
    pki "$WORK/pki"
    printf '%s\n' "dev tun0" "port 1194" "topology subnet" "server 10.77.0.0 255.255.255.0" "ca pki/ca.crt" "dh none" \
        "cert pki/server.crt" "key pki/server.key" "keepalive 5 20" "verb 3" >"$WORK/server.conf"
    printf 'push "%s"\n' "$@" >>"$WORK/server.conf"
    start server in_ns s "$OPENVPN" --cd "$WORK" --config server.conf
    expect_log "$WORK/server.log" 'Initialization Sequence Completed'
    name_server provider 10.99.0.1 address=/vpn.example.com/10.99.0.1 address=/public.example/203.0.113.2 \
        address=/corp.example/203.0.113.1
    name_server inside 10.77.0.1 address=/corp.example/192.0.2.77
    printf '%s\n' client "dev tun0" "remote vpn.example.com 1194" nobind "ca ca.crt" "cert client1.crt" "key client1.key" \
        "remote-cert-tls server" "user nobody" "group nogroup" persist-tun "verb 3" >"$WORK/work.conf"
    box mkdir -p /etc/vpnd/client
    box cp /case/work.conf /case/pki/ca.crt /case/pki/client1.crt /case/pki/client1.key /etc/vpnd/client/
    box resolvectl dns eth0 10.99.0.1
    wait_for 5 "the provider's names" resolves public.example 203.0.113.2
}
resolves() { box getent ahostsv4 "$1" | grep -q "^$2 "; }

client_unit() {
    client_unit_files "dns server 1 address 10.77.0.1" "dns server 1 resolve-domains corp.example" \
        "dns search-domains corp.example"
    box systemctl start vpnd-client@work
    expect_journal vpnd-client@work 'DNS: systemd-resolved now has 10.77.0.1 for corp.example, search corp.example for tun0'
    wait_for 5 "names of the VPN" resolves www.corp.example 192.0.2.77
    resolves www 192.0.2.77 || fail "the search domain does not work"
    resolves public.example 203.0.113.2 || fail "other names went through the tunnel"
    box systemctl stop vpnd-client@work
    wait_for 5 "the provider's names" resolves www.corp.example 203.0.113.1
    box systemctl start vpnd-client@work
    wait_for 10 "names of the VPN" resolves www.corp.example 192.0.2.77
    box systemctl kill -s KILL vpnd-client@work
    wait_for 15 "the restart" sh_journal vpnd-client@work 'settings of an earlier run were taken back'
    wait_for 10 "names of the VPN" resolves www.corp.example 192.0.2.77
    box systemctl stop vpnd-client@work
    [ -z "$(box find /run/vpnd-client -type f -size +0)" ] || fail "left $(box find /run/vpnd-client -type f -size +0)"
}

asks() { box systemd-tty-ask-password-agent --list | grep -q 'Enter Private Key Password'; }

pass_phrase() {
    client_unit_files
    openssl pkcs8 -topk8 -in "$WORK/pki/client1.key" -passout pass:sesame -out "$WORK/locked.key"
    chmod 600 "$WORK/locked.key"
    box cp /case/locked.key /etc/vpnd/client/client1.key
    box systemctl start --no-block vpnd-client@work
    wait_for 10 "the question" asks
    box systemctl stop vpnd-client@work
    wait_for 5 "the question to be gone" sh -c "! ps -eo args | grep -q '^/usr/bin/systemd-ask-password.*Private Key'"
    box systemctl start --no-block vpnd-client@work
    wait_for 10 "the question" asks
    # shellcheck disable=SC2016 # for the shell in the container
    box sh -c 'echo sesame | /lib/systemd/systemd-reply-password 1 "$(sed -n s/^Socket=//p /run/systemd/ask-password/ask.*)"'
    expect_journal vpnd-client@work 'Initialization Sequence Completed'
}

CASE_SLOTS= # one after the other: several at once do not come up on one root
run_case server-unit server_unit
run_case client-unit client_unit
run_case pass-phrase pass_phrase
finish
