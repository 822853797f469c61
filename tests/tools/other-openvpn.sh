#!/bin/bash
# SPDX-License-Identifier: MIT
# Brings other versions of OpenVPN for the tests: packages of other suites of this machine's own Debian mirror,
# unpacked below DIR with the libraries they were built for. Nothing is installed, and the machine's apt never
# hears of those suites.
set -u

usage() {
    cat <<'END'
usage: other-openvpn.sh DIR [NAME...]

Makes DIR/NAME, programs that take the usual arguments, for each NAME (default: openvpn-2.5 openvpn-2.7 openvpn3):
  openvpn-2.5     OpenVPN of the suite bullseye
  openvpn-2.7     OpenVPN of the suite sid
  openvpn3        the OpenVPN 3 client of the suite sid; DIR/openvpn3-client runs it in the foreground
  wireguard-go    WireGuard in user space of the suite sid
Then:  OPENVPN=DIR/openvpn-2.7 tests/run.sh interop               the whole suite with that version
       OTHER_OPENVPN=DIR tests/run.sh --only versions/ interop    the short tests of all that are there
A suite that the mirror no longer has is named, and left out; the exit status is then 1.
END
}

case ${1:-} in
"" | -h | --help) usage; exit 2 ;;
esac
mkdir -p "$1" || exit 1
dir=$(cd "$1" && pwd)
shift
[ $# -gt 0 ] || set -- openvpn-2.5 openvpn-2.7 openvpn3

# The first Debian archive that the system's own apt uses, in either format of its sources.
mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
    sed -nE 's/^(deb( +\[[^]]*\])? +|URIs: *)(http[^ ]*\/debian)\/?( .*)?$/\3/p' | head -n 1)
[ -n "$mirror" ] || { echo "no Debian mirror in /etc/apt" >&2; exit 1; }
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
triplet=$(gcc -print-multiarch 2>/dev/null || echo "$(uname -m)-linux-gnu")

# apt TOOL ARGUMENTS...: on lists of $suite alone
apt() {
    local tool=$1 root=$dir/apt/$suite
    shift
    "$tool" -q=2 -o Dir::Etc::sourcelist="$root/sources.list" -o Dir::Etc::sourceparts=- -o Dir::State="$root" \
        -o Dir::State::lists="$root/lists" -o Dir::State::status="$root/status" -o Dir::Cache="$root/cache" \
        -o Acquire::Languages=none -o APT::Sandbox::User=root -o Acquire::Retries=2 -o Acquire::http::Timeout=20 "$@"
}

# fetch_lists: of $suite, once
fetch_lists() {
    local root=$dir/apt/$suite
    [ ! -e "$root/done" ] || return 0
    mkdir -p "$root/lists/partial" "$root/cache/archives/partial"
    : >"$root/status"
    echo "deb [signed-by=$keyring] $mirror $suite main" >"$root/sources.list"
    apt apt-get update -o APT::Update::Error-Mode=any >"$root/log" 2>&1 || return 1
    : >"$root/done"
}

# libraries PACKAGE...: the packages, and all the libraries that they need, one a line
libraries() {
    local todo="$*" seen=" " package
    while [ -n "$todo" ]; do
        for package in $todo; do
            seen="$seen$package "
            echo "$package"
        done
        # shellcheck disable=SC2086 # words
        todo=$(apt apt-cache show --no-all-versions $todo 2>/dev/null | sed -nE 's/^(Pre-)?Depends: //p' | tr , '\n' |
            sed -E 's/^ *([a-z0-9.+-]+).*/\1/' | grep '^lib' | sort -u |
            while read -r package; do [[ $seen == *" $package "* ]] || echo "$package"; done)
    done
}

# unpack SUITE PACKAGE...: into $dir/root-SUITE
unpack() {
    suite=$1
    shift
    fetch_lists || { echo "no suite $suite on the mirror" >&2; return 1; }
    local wanted deb
    wanted=$(libraries "$@")
    mkdir -p "$dir/debs/$suite"
    # shellcheck disable=SC2086 # words
    (cd "$dir/debs/$suite" && apt apt-get download $wanted) >>"$dir/apt/$suite/log" 2>&1 || {
        echo "suite $suite has not all of: $*" >&2
        return 1
    }
    for deb in "$dir/debs/$suite"/*.deb; do dpkg-deb -x "$deb" "$dir/root-$suite" || return 1; done
}

# wrap NAME SUITE PROGRAM: $dir/NAME runs it with the libraries of its own suite
wrap() {
    local root=$dir/root-$2 loader
    # Its links are absolute in old suites.
    loader=$(find "$root/lib/$triplet" "$root/usr/lib/$triplet" -type f -name 'ld-*.so*' 2>/dev/null | head -n 1)
    { [ -n "$loader" ] && [ -e "$root$3" ]; } || { echo "$1: no loader or no $3 in suite $2" >&2; return 1; }
    cat >"$dir/$1.new" <<END
#!/bin/sh
export OPENSSL_MODULES=$root/usr/lib/$triplet/ossl-modules OPENSSL_CONF=/dev/null
exec $loader --library-path $root/lib/$triplet:$root/usr/lib/$triplet:$root/usr/lib/$triplet/systemd $root$3 "\$@"
END
    chmod +x "$dir/$1.new" && mv "$dir/$1.new" "$dir/$1"
}

# wrap_openvpn3: the command line, the services below openvpn3.d, and what runs them
wrap_openvpn3() {
    local service
    wrap openvpn3 sid /usr/bin/openvpn3 || return 1
    mkdir -p "$dir/openvpn3.d/openvpn3-linux"
    for service in log configmgr sessionmgr backendstart netcfg client; do
        service=openvpn3-linux/openvpn3-service-$service
        wrap "openvpn3.d/$service" sid "/usr/libexec/$service" || return 1
    done
    cp "$(dirname "$0")/openvpn3-client.sh" "$dir/openvpn3-client"
}

failed=0
for name; do
    case $name in
    openvpn-2.5) unpack bullseye openvpn && wrap "$name" bullseye /usr/sbin/openvpn ;;
    openvpn-2.7) unpack sid openvpn openssl-provider-legacy && wrap "$name" sid /usr/sbin/openvpn ;;
    openvpn3) unpack sid openvpn3-client && wrap_openvpn3 ;;
    wireguard-go) unpack sid wireguard-go && wrap "$name" sid /usr/bin/wireguard-go ;;
    *) usage >&2; exit 2 ;;
    esac || { failed=1; continue; }
    echo "$dir/$name"
done
exit $failed
