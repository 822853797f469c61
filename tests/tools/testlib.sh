# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What every system test shares: uniquely named namespaces, a test PKI, processes that are always cleaned up, and
# cases that print one line each (PASS, FAIL or SKIP and a name), which tests/run.sh counts.
#
# A test file sources this, defines functions, calls `run_case NAME FUNCTION [ARGS]` for each, and ends with `finish`.
# A case runs in a subshell with `set -e`; everything it started or made is gone when it ends. Under tests/run.sh cases
# run beside each other, those of one file too, so a case relies on nothing but what it made itself.

set -u
TESTS_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
SOURCE_DIR=$(dirname "$TESTS_DIR")
VPND=${VPND:-$SOURCE_DIR/build/src/vpnd}
BUILD_DIR=${BUILD_DIR:-$(dirname "$(dirname "$VPND")")}
OPENVPN=${OPENVPN:-$(command -v openvpn || echo /usr/sbin/openvpn)}
SUITE=$(basename "$0" .sh)
FAILED=0
CASES=() # that run in the background

# What is made once and copied by cases (see pki). tests/run.sh shares one store among all files.
if [ -z "${STORE:-}" ]; then
    STORE=$(mktemp -d "${TMPDIR:-/tmp}/vpnd-test-store.XXXXXX")
    trap 'rm -rf "$STORE"' EXIT
fi

# ---------------------------------------------------------------- cases

case_cleanup() {
    trap - ERR
    local pid
    for pid in $(cat "$WORK/pids" 2>/dev/null); do kill -KILL "$pid" 2>/dev/null || true; done
    local ns
    for ns in $(cat "$WORK/namespaces" 2>/dev/null); do
        for pid in $(ip netns pids "$ns" 2>/dev/null); do kill -KILL "$pid" 2>/dev/null || true; done
        ip netns del "$ns" 2>/dev/null || true
        rm -rf "/etc/netns/$ns"
    done
}

# try_case COMMAND...: run it in $work; its status is that of the case
try_case() {
    (
        trap 'exit 130' INT # which background shells ignore
        WORK=$work
        mkdir "$WORK/run"
        export RUNTIME_DIRECTORY=$WORK/run # of vpnd, instead of the host's
        # Short and unique: an interface name has 15 characters.
        TAG=v$(printf '%x' $BASHPID)$(printf '%02x' $((RANDOM % 256)))
        trap case_cleanup EXIT
        # A command that fails without a word of its own is named; the innermost one.
        ERR_SAID=
        trap '[ -n "$ERR_SAID" ] || { ERR_SAID=1; echo "because: line $LINENO: $BASH_COMMAND" >&2; }' ERR
        set -e -E -o pipefail
        "$@"
    ) >"$work/case.log" 2>&1
}

# show_failure: the ends of the logs of a failed case
show_failure() {
    local log
    sed 's/^/    | /' "$work/case.log" | tail -n 25
    for log in "$work"/*.log; do
        [ "$log" = "$work/case.log" ] || { echo "    == $(basename "$log")"; tail -n 25 "$log" | sed 's/^/    | /'; }
    done
}

# judge_case NAME COMMAND...: run one test case and print how it ended; 1 if it failed. With SECOND_TRY=1 one that
# failed is shown and run once more: for machines whose load nobody controls; the line then says so.
judge_case() {
    local name=$1 started=$SECONDS work status reason note=
    shift
    while :; do
        work=$(mktemp -d "${TMPDIR:-/tmp}/vpnd-test.XXXXXX")
        chmod 755 "$work"
        try_case "$@"
        status=$?
        reason=$(grep -a '^because: ' "$work/case.log" | tail -n 1 | cut -c10-)
        if [ $status = 0 ] || [ $status = 77 ] || [ -z "${SECOND_TRY:-}" ] || [ -n "$note" ]; then break; fi
        note=", second try"
        echo "AGAIN $name: $reason"
        show_failure
        rm -rf "$work"
    done
    case $status in
    0) echo "PASS $name ($((SECONDS - started)) s$note)" ;;
    77) echo "SKIP $name: $(grep -av 'Killed' "$work/case.log" | tail -n 1)" ;;
    *)
        echo "FAIL $name: $reason"
        if [ -n "${KEEP:-}" ]; then
            echo "     kept: $work"
            return 1
        fi
        show_failure
        ;;
    esac
    rm -rf "$work"
    [ $status = 0 ] || [ $status = 77 ]
}

# run_case NAME COMMAND...: one test case. CASE_SLOTS is a pipe that holds one byte for each case that may run now.
run_case() {
    local name=$SUITE/$1 slot
    shift
    if [ -n "${ONLY:-}" ] && [[ $name != *"$ONLY"* ]]; then return 0; fi
    if [ -z "${CASE_SLOTS:-}" ]; then
        judge_case "$name" "$@" || FAILED=1
        return 0
    fi
    read -r -N 1 slot <"$CASE_SLOTS"
    (
        trap 'printf "%s" "$slot" 1<>"$CASE_SLOTS"' EXIT
        shown=$(mktemp "$STORE/case.XXXXXX")
        judge_case "$name" "$@" >"$shown"
        status=$?
        flock "$STORE" cat "$shown"
        rm -f "$shown"
        exit $status
    ) &
    CASES+=($!)
}

# finish: end of the file; 3 if a case failed
finish() {
    local pid
    for pid in ${CASES[@]+"${CASES[@]}"}; do wait "$pid" || FAILED=1; done
    [ "$FAILED" = 0 ] || exit 3
    exit 0
}

# fail TEXT: end the case
fail() {
    echo "because: $*"
    exit 1
}

# skip TEXT: end the case as not possible here
skip() {
    echo "$*"
    exit 77
}

# sanitized: the program under test was built with a sanitizer, whose own memory and leak check get in the way
sanitized() { grep -aq __asan_init "$VPND"; }

# no_leak_check: for programs that end where a sanitizer's leak check cannot work (no /proc, another user)
no_leak_check() { export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0"; }

# need COMMAND...: skip unless they are installed
need() {
    local c
    for c in "$@"; do command -v "$c" >/dev/null 2>&1 || skip "$c is not installed"; done
}

# openvpn_version: of $OPENVPN, as 2.6
openvpn_version() { "$OPENVPN" --version | sed -nE '1s/^OpenVPN ([0-9]+\.[0-9]+).*/\1/p'; }

# openvpn_before VERSION: $OPENVPN is older
openvpn_before() { [ "$(printf '%s\n' "$1" "$(openvpn_version)" | sort -V | head -n 1)" != "$1" ]; }

# since VERSION END...: skip when an end (vpnd or openvpn, or the program's path) is an older openvpn than what is tested needs
since() {
    local version=$1
    shift
    [[ " $* " != *" openvpn "* && " $* " != *" $OPENVPN "* ]] || ! openvpn_before "$version" ||
        skip "needs openvpn $version, this is $(openvpn_version)"
}

# reference: what openvpn says is compared word by word with vpnd, which speaks as 2.6 does
reference() { [ "$(openvpn_version)" = 2.6 ] || skip "compares with the words of openvpn 2.6, this is $(openvpn_version)"; }

need_net() {
    [ "$(id -u)" = 0 ] || skip "needs root"
    [ -c /dev/net/tun ] || skip "no /dev/net/tun"
    need ip
}

# test_programs NAME...: see that these of tests/tools are built
test_programs() {
    local name
    for name in "$@"; do
        [ -e "$BUILD_DIR/tests/tools/$name" ] ||
            flock "$BUILD_DIR" make -s -C "$BUILD_DIR" "tests/tools/$name" || skip "no compiler for $name"
    done
}

# wait_for SECONDS WHAT COMMAND...: poll until the command succeeds; fails the case after SECONDS
wait_for() {
    local limit=$1 what=$2 deadline
    shift 2
    deadline=$(($(date +%s%N) + limit * 1000000000))
    until "$@" >/dev/null 2>&1; do
        [ "$(date +%s%N)" -lt "$deadline" ] || fail "waited $limit s for $what"
        sleep 0.1
    done
}

# expect_log FILE REGEX [SECONDS]: wait for a line
expect_log() { wait_for "${3:-20}" "'$2' in $(basename "$1")" grep -aqE -- "$2" "$1"; }

# ---------------------------------------------------------------- processes and namespaces

# start NAME COMMAND...: in the background, output in $WORK/NAME.log, pid in $WORK/NAME.pid
start() {
    local name=$1
    shift
    "$@" >>"$WORK/$name.log" 2>&1 </dev/null &
    echo $! >"$WORK/$name.pid"
    echo $! >>"$WORK/pids"
}

pid_of() { cat "$WORK/$1.pid"; }

# stop NAME [SIGNAL]: signal and wait for the end
stop() {
    local pid
    pid=$(pid_of "$1")
    kill "-${2:-TERM}" "$pid" 2>/dev/null || true
    wait_for 15 "$1 to end" sh -c "! kill -0 $pid"
    wait "$pid" 2>/dev/null || true
}

# ns_new NAME: a namespace; its real name is $(ns NAME)
ns() { echo "$TAG-$1"; }
ns_new() {
    ip netns add "$(ns "$1")"
    # A resolv.conf of its own (ip-netns(8)): what a case does to it must not reach the machine.
    mkdir -p "/etc/netns/$(ns "$1")"
    [ -e "/etc/netns/$(ns "$1")/resolv.conf" ] || echo "nameserver 192.0.2.53" >"/etc/netns/$(ns "$1")/resolv.conf"
    ns "$1" >>"$WORK/namespaces"
    # Addresses are usable at once: a snapshot of the host taken early and one taken late are the same.
    ip netns exec "$(ns "$1")" sh -c 'echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad' 2>/dev/null || true
    ip -n "$(ns "$1")" link set lo up
}

# in_ns NAME COMMAND...
in_ns() {
    local name=$1
    shift
    ip netns exec "$(ns "$name")" "$@"
}

# veth A DEV_A ADDRESS_A B DEV_B ADDRESS_B: a cable between two namespaces; addresses as a/b, several with commas
veth() {
    ip link add "$TAG.a" netns "$(ns "$1")" type veth peer name "$TAG.b" netns "$(ns "$4")"
    ip -n "$(ns "$1")" link set "$TAG.a" name "$2" up
    ip -n "$(ns "$4")" link set "$TAG.b" name "$5" up
    local address
    for address in ${3//,/ }; do ip -n "$(ns "$1")" addr add "$address" dev "$2" nodad 2>/dev/null || ip -n "$(ns "$1")" addr add "$address" dev "$2"; done
    for address in ${6//,/ }; do ip -n "$(ns "$4")" addr add "$address" dev "$5" nodad 2>/dev/null || ip -n "$(ns "$4")" addr add "$address" dev "$5"; done
}

# The usual pair:   [s] 10.99.0.1, fd99::1 --- veth --- 10.99.0.2, fd99::2 [c]
server_and_client() {
    need_net
    ns_new s
    ns_new c
    veth s eth0 10.99.0.1/24,fd99::1/64 c eth0 10.99.0.2/24,fd99::2/64
}

# ---------------------------------------------------------------- PKI

# pki DIR [ec|rsa|ed25519]: a copy of a CA's files: ca, server, client1..client3, static.key. They are made once:
# directories of one name and type have the same.
pki() {
    local dir=$1 type=${2:-ec} made
    [ ! -e "$dir/done" ] || return 0
    made=$STORE/$type-$(basename "$dir")
    (
        flock 8
        [ -e "$made/done" ] || make_pki "$made" "$type"
    ) 8>"$made.lock"
    mkdir -p "$dir"
    cp -r "$made/." "$dir"
}

make_pki() { # DIR TYPE
    local dir=$1 new name usage
    mkdir -p "$dir"
    case $2 in
    ec) new="-newkey ec -pkeyopt ec_paramgen_curve:P-256" ;;
    rsa) new="-newkey rsa:2048" ;;
    ed25519) new="-newkey ed25519" ;;
    esac
    # shellcheck disable=SC2086
    openssl req -x509 $new -nodes -days 3650 -subj "/CN=test CA" -keyout "$dir/ca.key" -out "$dir/ca.crt" \
        -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign,cRLSign" 2>/dev/null
    for name in server client1 client2 client3; do
        usage=clientAuth
        [ $name != server ] || usage=serverAuth
        pki_certificate "$dir" "$name" "$new" $usage
    done
    openssl rand -hex 256 | fold -w 32 | {
        echo "-----BEGIN OpenVPN Static key V1-----"
        cat
        echo "-----END OpenVPN Static key V1-----"
    } >"$dir/static.key"
    chmod 600 "$dir"/*.key
    : >"$dir/done"
}

# pki_certificate DIR NAME NEW-KEY-OPTIONS USAGE: NAME.key and NAME.crt, signed by DIR's CA
pki_certificate() {
    local dir=$1 name=$2
    # shellcheck disable=SC2086
    openssl req $3 -nodes -subj "/O=Test/CN=$name" -keyout "$dir/$name.key" -out "$dir/$name.csr" 2>/dev/null
    openssl x509 -req -in "$dir/$name.csr" -CA "$dir/ca.crt" -CAkey "$dir/ca.key" -CAcreateserial -days 825 \
        -out "$dir/$name.crt" -extfile <(printf 'keyUsage=critical,digitalSignature,keyAgreement,keyEncipherment\nextendedKeyUsage=%s\nbasicConstraints=CA:FALSE\n' "$4") 2>/dev/null
}

# ---------------------------------------------------------------- configurations

# write_server LINE...: server.conf of a plain TUN server, then the lines, which may override
write_server() {
    pki "$WORK/pki"
    {
        printf 'dev tun0\nproto udp\nca pki/ca.crt\ncert pki/server.crt\nkey pki/server.key\ndh none\nverb 3\n'
        printf '%s\n' "$@"
    } >"$WORK/server.conf"
}

# write_client NAME CERTIFICATE LINE...: NAME.conf
write_client() {
    local name=$1 certificate=$2
    shift 2
    {
        printf 'client\ndev tun0\nnobind\nca pki/ca.crt\ncert pki/%s.crt\nkey pki/%s.key\n' "$certificate" "$certificate"
        printf 'remote-cert-tls server\nverb 3\n'
        printf '%s\n' "$@"
    } >"$WORK/$name.conf"
}
