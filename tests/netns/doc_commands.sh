#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The commands of the guides, as they stand there, in order. Each host has a network namespace, a mount namespace with
# an /etc and a /run of its own, and a home directory; sudo, systemctl and scp are replaced by what they come to here.
#
#   [server] 10.99.0.1 vpn.example.com --- veth --- 10.99.0.2 [client] laptop.example.com
. "$(dirname "$0")/../tools/testlib.sh"

BIN_SYSTEMCTL='case "$*" in
daemon-reload) ;;
"enable --now vpnd" | "restart vpnd")
    if [ -f /run/vpnd.pid ]; then
        kill "$(cat /run/vpnd.pid)"
        while kill -0 "$(cat /run/vpnd.pid)" 2>/dev/null; do sleep 0.05; done
    fi
    mkdir -p /run/vpnd
    command=$(sed -n "s/^ExecStart=//p" /etc/systemd/system/vpnd.service)
    : >"$WORK/vpnd.log"
    $command >>"$WORK/vpnd.log" 2>&1 </dev/null &
    echo $! >/run/vpnd.pid
    for _ in $(seq 200); do grep -q "Initialization Sequence Completed" "$WORK/vpnd.log" && exit 0; sleep 0.05; done
    cat "$WORK/vpnd.log" && exit 1 ;;
"reload vpnd") kill -HUP "$(cat /run/vpnd.pid)" ;;
*) echo "systemctl $*?" && exit 1 ;;
esac'
BIN_SCP='local_path() { case $1 in *@laptop*:*) echo "$WORK/home/client/${1#*:}" ;; *@vpn*:*) echo "$WORK/home/server/${1#*:}" ;; *) echo "$1" ;; esac; }
for last; do :; done
for file; do [ "$file" = "$last" ] || cp "$(local_path "$file")" "$(local_path "$last")"; done'

# host NAME NAMESPACE
host() {
    mkdir -p "$WORK/home/$1" "$WORK/mnt-$1"
    ln -s "$SOURCE_DIR/contrib" "$WORK/home/$1/contrib"
    start "host-$1" ip netns exec "$(ns "$2")" unshare -m bash -c "
        set -e
        mount -t tmpfs tmpfs '$WORK/mnt-$1'
        cd '$WORK/mnt-$1'
        mkdir upper work
        mount -t overlay overlay -o lowerdir=/etc,upperdir=\$PWD/upper,workdir=\$PWD/work /etc
        printf '127.0.0.1 localhost\n10.99.0.1 vpn.example.com\n10.99.0.2 laptop.example.com\n' >/etc/hosts
        rm -rf /etc/vpnd
        mkdir -p /etc/systemd/system
        mount -t tmpfs tmpfs /run
        echo ready
        exec sleep 300"
    wait_for 10 "host $1" sh -c "grep -q ready '$WORK/host-$1.log' || ! kill -0 $(pid_of "host-$1")"
    grep -q ready "$WORK/host-$1.log" || skip "no overlay file system: $(tail -n 1 "$WORK/host-$1.log")"
}

hosts() {
    server_and_client
    need python3 nsenter
    mkdir "$WORK/bin"
    ln -s "$VPND" "$WORK/bin/vpnd"
    ln -s "$SOURCE_DIR/easy-rsa-lite/pki" "$WORK/bin/vpnd-pki"
    local tool
    for tool in sudo systemctl scp; do
        case $tool in
        sudo) echo 'exec "$@"' ;;
        systemctl) echo "$BIN_SYSTEMCTL" ;;
        scp) echo "$BIN_SCP" ;;
        esac | sed '1i #!/bin/bash' >"$WORK/bin/$tool"
        chmod 755 "$WORK/bin/$tool"
    done
    host server s
    host client c
}

# on HOST COMMAND...: there
on() {
    local name=$1
    shift
    nsenter -t "$(pid_of "host-$name")" -n -m env WORK="$WORK" HOME="$WORK/home/$name" PATH="$WORK/bin:$PATH" \
        PKI_LIBRARY="$SOURCE_DIR/easy-rsa-lite" SAMPLES="$SOURCE_DIR/sample-config" RUNTIME_DIRECTORY= \
        bash -c 'cd "$HOME" && exec "$@"' bash "$@"
}

# guide NAME: run its blocks
guide() {
    local number host kind script
    mkdir "$WORK/blocks"
    python3 "$TESTS_DIR/tools/doc_blocks.py" "$SOURCE_DIR/doc/$1.md" "$WORK/blocks" >"$WORK/list" || fail "$(cat "$WORK/list")"
    while read -r number host kind script <&7; do
        echo "== $1: block $number on $host ($kind)"
        cat "$script"
        case $kind in
        run) on "$host" bash -e "$script" </dev/null || fail "block $number of $1.md: $(tail -n 1 "$script")" ;;
        ignore) on "$host" bash "$script" </dev/null || true ;;
        answers)
            on "$host" python3 "$TESTS_DIR/tools/answer_in_order.py" "${script%.sh}.answers" bash -e "$script" ||
                fail "block $number of $1.md: $(tail -n 1 "$script")"
            ;;
        background)
            start "block$number" nsenter -t "$(pid_of "host-$host")" -n -m env HOME="$WORK/home/$host" \
                PATH="$WORK/bin:$PATH" bash -c 'cd "$HOME" && . "$1"' bash "$script"
            wait_for 30 "block $number of $1.md to come up" grep -q 'Initialization Sequence Completed\|TLS: Initial packet\|link remote' "$WORK/block$number.log"
            ;;
        esac
    done 7<"$WORK/list"
}

quick_start() {
    hosts
    guide quick-start
    expect_log "$WORK/vpnd.log" 'laptop/.* client-instance exiting' 10
    on server vpnd-pki --json list | grep >/dev/null '"name":"laptop","type":"client","serial":"[0-9A-F]*","state":"revoked"'
    on client vpnd --config phone.ovpn --check
}

remote_access() {
    hosts
    on server vpnd-pki server-setup --yes --no-ca-pass --remote vpn.example.com --redirect no
    on server systemctl enable --now vpnd
    on server vpnd-pki client laptop
    guide remote-access
    on server systemctl restart vpnd
    cp "$WORK/home/server/laptop.ovpn" "$WORK/home/client"
    start client nsenter -t "$(pid_of host-client)" -n -m "$VPND" --config "$WORK/home/client/laptop.ovpn"
    expect_log "$WORK/client.log" 'Initialization Sequence Completed'
    on client ip -4 -o addr show dev tun0 | grep >/dev/null '10.8.0.50/24'
    on client ip -4 route get 192.168.10.9 | grep >/dev/null 'dev tun0'
    on client ip -6 -o addr show dev tun0 | grep >/dev/null fd12:3456:789a::50/64
    on client ping -c 1 -W 5 10.8.0.1
}

bridged() {
    hosts
    ns_new lan
    veth lan eth0 192.168.10.5/24 s eth1 192.168.10.2/24
    guide bridged-lan
}

site_to_site() {
    hosts
    guide site-to-site
}

tcp443() {
    hosts
    guide tcp443-and-proxies
    wait_for 20 "an answer through TCP" in_ns c ping -c 1 -W 1 10.8.0.1
}

others() { # GUIDE...
    hosts
    local name
    for name in "$@"; do
        rm -rf "$WORK/blocks" "$WORK"/home/*/pki "$WORK"/home/*/etc
        guide "$name"
    done
}

# Every guide is in a case above or below, and no link between the documents is dead.
complete() {
    local file link
    for file in "$SOURCE_DIR"/doc/*.md; do
        ! grep -q '<!-- run on' "$file" || grep >/dev/null "$(basename "$file" .md)" "$0" || fail "nobody runs $(basename "$file")"
        grep -oE '\]\([^)#]+' "$file" | cut -c3- >"$WORK/links" || true
        while read -r link; do
            [[ $link == http* ]] || [ -e "$SOURCE_DIR/doc/$link" ] || fail "$(basename "$file") leads to $link, which is not there"
        done <"$WORK/links"
        grep -q "doc/$(basename "$file")" "$SOURCE_DIR/README" || fail "$(basename "$file") is not in the README"
    done
    [ "$(wc -l <"$SOURCE_DIR/README")" -lt 150 ] || fail "the README is too long"
}

run_case complete complete
run_case quick-start quick_start
run_case remote-access remote_access
run_case bridged-lan bridged
run_case site-to-site site_to_site
run_case tcp443-and-proxies tcp443
run_case others others certificates moving-from-openvpn troubleshooting performance security
finish
