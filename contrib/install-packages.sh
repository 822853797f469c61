#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs, with apt, what vpnd needs: "build" (default), "test" (build and test tools) or "demo".
set -eu

what=${1:-build}
build="gcc make autoconf automake pkg-config libssl-dev liblz4-dev liblzo2-dev libcap-ng-dev libuv1-dev liburcu-dev
 libmnl-dev libnftables-dev libjansson-dev libpam0g-dev libsystemd-dev libseccomp-dev libmicrohttpd-dev python3"
demo="openssl iproute2 iputils-ping iperf3 procps"
tests="$demo libcriterion-dev openvpn nftables socat tcpdump ethtool jq clang llvm shellcheck
 curl nginx-light dnsmasq-base busybox squid dante-server fail2ban easy-rsa mandoc zsh fish conntrack
  slapd openvpn-auth-ldap freeradius openvpn-auth-radius network-manager network-manager-openvpn dbus prometheus"

# Sanitizers and libFuzzer of clang are a package of their own, but for Ubuntu 22.04.
grep -q jammy /etc/os-release || tests="$tests libclang-rt-dev"

case $what in
build) wanted=$build ;;
demo) wanted="$build $demo" ;;
test) wanted="$build $tests" ;;
*)
    echo "usage: $0 [build|demo|test]" >&2
    exit 2
    ;;
esac
# Only x86-64 has the fast AES-GCM library; vpnd does without it elsewhere.
[ "$(uname -m)" != x86_64 ] || wanted="$wanted libipsec-mb-dev"

command -v apt-get >/dev/null 2>&1 || {
    echo "This script knows apt only. Please install the equivalents of: $wanted" >&2
    exit 1
}
missing=
for package in $wanted; do
    dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q '^install ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
[ "$(id -u)" = 0 ] || {
    echo "These packages are missing; run this as root, or: sudo apt-get install$missing" >&2
    exit 1
}
echo "Installing:$missing"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # a list of words
{ apt-get update -q && apt-get install -y -q --no-install-recommends $missing; } >/tmp/vpnd-apt.$$ 2>&1 || {
    tail -n 20 /tmp/vpnd-apt.$$ >&2
    rm -f /tmp/vpnd-apt.$$
    exit 1
}
rm -f /tmp/vpnd-apt.$$
