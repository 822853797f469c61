#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs what the tests need, builds vpnd and runs its tests. Ends with one line: N passed, N failed, N skipped.
set -u

usage() {
    cat <<'END'
usage: sudo tests/run.sh [OPTION...] [PART...]

PARTs (default: all): unit     unit tests, simulations, lints (make check)
                      netns    vpnd in network namespaces
                      interop  vpnd with the installed openvpn
                      systemd  the units under a real systemd in a container; not part of the default: it installs a
                               small Debian in SYSTEMD_ROOT (/var/tmp/vpnd-systemd-root), once
                      fuzz     libFuzzer on each parser, FUZZ_SECONDS each (10); not part of the default
                      threads  the data plane under ThreadSanitizer, THREADS_SECONDS (15); not part of the default
OPTIONs:
  --build DIR           build directory (default: build)
  --configure "FLAGS"   further flags for configure, e.g. --configure "--enable-sanitize=address,undefined CC=clang"
  --only TEXT           system tests whose name contains TEXT
  --jobs N              cases of system tests at once (default: 4 a processor; most of their time is waiting)
  --keep                keep the files of failed cases
  --times               show what took longest
  --no-install          do not look for missing packages
ENVIRONMENT:
  OPENVPN=PROGRAM       the openvpn at the other end, instead of the installed one
  OTHER_OPENVPN=DIR     where tests/tools/other-openvpn.sh put other versions (build/other-openvpn): interop/versions.sh
                        runs a few tests with each, and skips those that are not there
END
}

top=$(cd "$(dirname "$0")/.." && pwd)
build=$top/build
flags=
jobs=$((4 * $(nproc)))
times=
install=yes
parts=
while [ $# -gt 0 ]; do
    case $1 in
    --build) build=$(realpath -m "$2"); shift ;;
    --configure) flags=$2; shift ;;
    --only) export ONLY=$2; shift ;;
    --jobs) jobs=$2; shift ;;
    --keep) export KEEP=1 ;;
    --times) times=yes ;;
    --no-install) install=no ;;
    -h | --help) usage; exit 0 ;;
    unit | netns | interop | systemd | fuzz | threads) parts="$parts $1" ;;
    *) usage >&2; exit 2 ;;
    esac
    shift
done
parts=${parts:-unit netns interop}

# What system tests share: see tests/tools/testlib.sh.
STORE=$(mktemp -d "${TMPDIR:-/tmp}/vpnd-test-store.XXXXXX")
export STORE
trap 'rm -rf "$STORE"' EXIT
passed=0 failed=0 skipped=0

say() { printf '\n== %s\n' "$*"; }

# A failure of the preparation counts as one failed test.
give_up() {
    echo "FAIL $1"
    echo "$passed passed, $((failed + 1)) failed, $skipped skipped"
    exit 1
}

prepare() {
    if [ $install = yes ] && command -v apt-get >/dev/null; then
        say "Installing what is missing"
        "$top/contrib/install-packages.sh" test || give_up "packages"
    fi
    say "Building in $build"
    if [ ! -x "$top/configure" ]; then (cd "$top" && autoreconf -fi >/dev/null 2>&1) || give_up "autoreconf"; fi
    mkdir -p "$build" && cd "$build" || give_up "build directory"
    # shellcheck disable=SC2086 # flags are words
    if [ ! -f Makefile ] || [ -n "$flags" ]; then eval "'$top/configure' -q $flags" || give_up "configure"; fi
    # Configured before Criterion was there (by contrib/demo.sh, say), it has no unit tests.
    if grep -q 'HAVE_CRITERION_TRUE"\]="#"' config.status && pkg-config --exists criterion; then
        { ./config.status -q --recheck && ./config.status -q; } >/dev/null || give_up "configure"
    fi
    make -s -j"$(nproc)" all || give_up "build"
    [[ $parts != *netns* && $parts != *interop* ]] || make -s -j"$(nproc)" test-programs || give_up "test programs"
}

prepare_systemd() {
    export SYSTEMD_ROOT=${SYSTEMD_ROOT:-/var/tmp/vpnd-systemd-root}
    say "A root with systemd in $SYSTEMD_ROOT"
    "$top/tests/tools/systemd-root.sh" "$SYSTEMD_ROOT" || return 0 # the cases say that they cannot run
    make -s -C "$build" install DESTDIR="$SYSTEMD_ROOT" >/dev/null || give_up "make install"
}

# Criterion binaries count by their tests, everything else that make check runs counts as one.
count_unit() {
    local log trs line n
    while read -r trs; do
        log=${trs%.trs}.log
        line=$(grep -a 'Synthesis: Tested:' "$log" 2>/dev/null | tail -n 1 | sed 's/\x1b\[[0-9;]*m//g')
        if [ -n "$line" ]; then
            n=$(sed -E 's/.*Passing: ([0-9]+).*/\1/' <<<"$line")
            passed=$((passed + n))
            n=$(sed -E 's/.*Failing: ([0-9]+).*/\1/' <<<"$line")
            failed=$((failed + n))
            n=$(sed -E 's/.*Crashing: ([0-9]+).*/\1/' <<<"$line")
            failed=$((failed + n))
            grep -q ':test-result: FAIL' "$trs" && ! grep -qE '(Failing|Crashing): [1-9]' <<<"$line" && failed=$((failed + 1))
        elif grep -q ':test-result: PASS' "$trs"; then
            passed=$((passed + 1))
        elif grep -q ':test-result: SKIP' "$trs"; then
            skipped=$((skipped + 1))
        else
            failed=$((failed + 1))
        fi
    done < <(find "$build/tests" -name '*.trs')
}

run_unit() {
    say "Unit tests, simulations, lints"
    if grep -q 'HAVE_CRITERION_TRUE"\]="#"' "$build/config.status"; then
        echo "SKIP unit tests: Criterion is not installed"
        skipped=$((skipped + 1))
    fi
    find "$build/tests" -name '*.trs' -delete 2>/dev/null
    local status=0
    make -s -j"$(nproc)" check >"$build/check.out" 2>&1 || status=1
    grep -aE '^(PASS|FAIL|SKIP|ERROR|XFAIL|XPASS): |error:|Error ' "$build/check.out"
    if [ $status != 0 ]; then
        find "$build/tests" -name '*.trs' -exec grep -lE ':test-result: (FAIL|ERROR)' {} + |
            while read -r trs; do echo "---- ${trs%.trs}.log"; tail -n 40 "${trs%.trs}.log"; done
    fi
    local before=$((passed + failed))
    count_unit
    # A build failure inside make check leaves no results.
    if [ $status != 0 ] && [ $failed = 0 ]; then failed=$((failed + 1)); fi
    [ $((passed + failed)) -gt $before ] || failed=$((failed + 1))
    # A unit test that a sanitizer stops has failed by that; what tests themselves leave behind is no matter.
    rm -f "$build"/sanitizer.*
}

# One file of system tests. Its own status tells failed cases from a file that broke off.
run_file() {
    local status=0
    bash "$1" 2>&1 || status=$?
    [ $status = 0 ] || [ $status = 3 ] || echo "FAIL $(basename "$1" .sh): broke off with status $status"
}

# All files begin at once; their cases wait for a free slot.
run_system() { # FOLDER...
    say "$*"
    local file results=$STORE/results
    VPND=$build/src/vpnd BUILD_DIR=$build CASE_SLOTS=$STORE/slots
    export VPND BUILD_DIR CASE_SLOTS
    mkfifo "$CASE_SLOTS" && exec 9<>"$CASE_SLOTS" || give_up "a pipe"
    printf "%${jobs}s" '' >&9
    { for file in $(printf "$top/tests/%s/*.sh " "$@"); do run_file "$file" 9>&- & done; wait; } | tee "$results"
    exec 9>&-
    passed=$((passed + $(grep -ac '^PASS ' "$results")))
    failed=$((failed + $(grep -ac '^FAIL ' "$results")))
    skipped=$((skipped + $(grep -ac '^SKIP ' "$results")))
    [ -z "$times" ] || slowest "$results"
}

slowest() { # RESULTS
    say "Seconds of the slowest cases, and of all cases of a file"
    sed -nE 's/^(PASS|FAIL) ([^ ]+).* \(([0-9]+) s.*/\3 \2/p' "$1" | sort -rn >"$STORE/times"
    head -n 20 "$STORE/times"
    echo
    awk '{ sub("/.*", "", $2); sum[$2] += $1 } END { for (f in sum) print sum[f], f }' "$STORE/times" | sort -rn | head -n 20
}

# A build of its own with clang, libFuzzer and sanitizers.
run_fuzz() {
    say "Fuzzing"
    local folder=$top/build-fuzz
    mkdir -p "$folder/seeds" && cd "$folder" || give_up "fuzz build directory"
    [ -f Makefile ] ||
        "$top/configure" -q --enable-fuzz --enable-sanitize=address,undefined CC=clang || give_up "configure for fuzzing"
    make -s -j"$(nproc)" fuzz-targets || give_up "fuzz build"
    python3 "$top/tests/fuzz/seeds.py" seeds
    export -f fuzz_one
    find tests/fuzz -maxdepth 1 -type f -name 'fuzz_*[a-z]' -perm -100 -print0 |
        xargs -0 -P "$(nproc)" -n 1 bash -c 'fuzz_one "$0"' | tee "$STORE/fuzz"
    passed=$((passed + $(grep -ac '^PASS ' "$STORE/fuzz")))
    failed=$((failed + $(grep -ac '^FAIL ' "$STORE/fuzz")))
    cd "$build" || return
}

fuzz_one() { # TARGET
    local name log=$PWD/${1##*/}.out
    name=$(basename "$1")
    mkdir -p "corpus-$name"
    if "$1" -max_total_time="${FUZZ_SECONDS:-10}" -max_len=4096 -artifact_prefix="$PWD/$name-" "corpus-$name" seeds \
        >"$log" 2>&1; then
        echo "PASS fuzz/$name ($(grep -ao 'Done [0-9]* runs' "$log"))"
    else
        echo "FAIL fuzz/$name: $(grep -a 'SUMMARY' "$log" | head -n 1), see $log"
    fi
}

# What sanitizers found in programs whose exit status nobody looked at.
count_reports() {
    local report
    for report in "$build"/sanitizer.*; do
        # Not of interest: that the leak check could not look at a thread that was just ending.
        grep -aqvE 'Unable to get registers from thread' "$report" 2>/dev/null || continue
        echo "FAIL sanitizer report $report"
        head -n 30 "$report"
        failed=$((failed + 1))
    done
}

# A build of its own with ThreadSanitizer.
run_threads() {
    say "Threads"
    local folder=$top/build-threads log=$top/build-threads/stress.out
    mkdir -p "$folder" && cd "$folder" || give_up "threads build directory"
    [ -f Makefile ] || "$top/configure" -q --enable-werror --enable-sanitize=thread || give_up "configure for ThreadSanitizer"
    make -s -j"$(nproc)" tests/dp/stress || give_up "threads build"
    if tests/dp/stress "${THREADS_SECONDS:-15}" >"$log" 2>&1; then
        echo "PASS threads/stress ($(tail -n 1 "$log"))"
        passed=$((passed + 1))
    else
        echo "FAIL threads/stress: $(grep -a 'SUMMARY' "$log" | head -n 1), see $log"
        failed=$((failed + 1))
    fi
    cd "$build" || return
}

prepare
rm -f "$build"/sanitizer.*
export ASAN_OPTIONS="log_path=$build/sanitizer:${ASAN_OPTIONS:-}" UBSAN_OPTIONS="log_path=$build/sanitizer:print_stacktrace=1"
export TSAN_OPTIONS="log_path=$build/sanitizer"
system=
for part in $parts; do
    started=$SECONDS
    case $part in
    unit) run_unit ;;
    netns | interop) system="$system $part" ;;
    systemd) prepare_systemd && system="$system $part" ;;
    fuzz) run_fuzz ;;
    threads) run_threads ;;
    esac
    [ -z "$times" ] || [ $SECONDS = "$started" ] || echo "($((SECONDS - started)) s for $part)"
done
# shellcheck disable=SC2086 # folders are words
[ -z "$system" ] || run_system $system
count_reports
echo
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
