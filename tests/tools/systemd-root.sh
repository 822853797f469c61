#!/bin/sh
# SPDX-License-Identifier: MIT
# systemd-root.sh DIR: a small Debian with systemd, systemd-resolved and what vpnd needs to run, for tests/systemd. It
# takes one or two minutes and 400 MB, once; the mirror is the first one of this machine's apt.
set -eu

root=$1
[ ! -e "$root/ready" ] || exit 0
for program in debootstrap systemd-nspawn; do
    command -v $program >/dev/null || {
        echo "$program is not installed: apt-get install debootstrap systemd-container" >&2
        exit 77
    }
done
# shellcheck disable=SC2016 # apt's own variables
mirror=$(apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' | sed -nE 's/^(Debian|Ubuntu) //p' | sed -n 1p)
# shellcheck disable=SC1091
release=$(. /etc/os-release && echo "$VERSION_CODENAME")
packages=systemd,systemd-sysv,dbus,libpam-systemd,systemd-resolved,libnss-resolve,iproute2,iputils-ping,openssl
packages=$packages,libuv1,liburcu8,libmnl0,libnftables1,libjansson4,libcap-ng0,libssl3,liblz4-1,liblzo2-2
packages=$packages,libsystemd0,libseccomp2,libmicrohttpd12,libpam0g
[ "$(uname -m)" != x86_64 ] || packages=$packages,libipsec-mb1
rm -rf "$root"
debootstrap --variant=minbase --include="$packages" "$release" "$root" "$mirror" >"$root.log" 2>&1 || {
    tail -n 3 "$root.log" >&2
    rm -rf "$root"
    exit 77
}
: >"$root/ready"
