#!/bin/sh
# SPDX-License-Identifier: MIT
# Puts a persistent tap device and a network card into one bridge, for server-bridge.conf, and takes it apart again.
# The addresses and routes of the card move to the bridge and back.
set -eu

usage() {
    echo "usage: $0 start|stop BRIDGE CARD TAP   e.g. $0 start br0 eth0 tap0" >&2
    exit 2
}
[ $# -eq 4 ] || usage
action=$1 bridge=$2 card=$3 tap=$4
[ "$(id -u)" = 0 ] || { echo "$0: must be run as root" >&2; exit 1; }

# move FROM TO: addresses and the routes that name the device
move() {
    routes=$(ip -4 route show dev "$1" proto static; ip -4 route show dev "$1" proto boot; ip -4 route show dev "$1" proto dhcp)
    ip -4 -o addr show dev "$1" scope global | while read -r _ _ _ address _; do
        ip addr del "$address" dev "$1"
        ip addr add "$address" dev "$2"
    done
    echo "$routes" | while read -r route; do
        # shellcheck disable=SC2046 # a route is many words; what it is at the moment is no part of it
        [ -z "$route" ] || ip route replace $(printf '%s' "$route" | sed 's/ \(linkdown\|dead\|offload\)//g') dev "$2"
    done
}

case $action in
start)
    ip link show "$card" >/dev/null || exit 1
    ip tuntap add dev "$tap" mode tap
    ip link add name "$bridge" type bridge
    # The bridge keeps the card's address, so that neighbours notice nothing.
    ip link set "$bridge" address "$(cat "/sys/class/net/$card/address")"
    ip link set "$tap" master "$bridge" up
    ip link set "$bridge" up
    ip link set "$card" master "$bridge"
    move "$card" "$bridge"
    ;;
stop)
    ip link set "$card" nomaster
    move "$bridge" "$card"
    ip link del "$bridge"
    ip tuntap del dev "$tap" mode tap
    ;;
*) usage ;;
esac
