#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs each fuzz target over the seeds and a fixed number of mutations (FUZZ_RUNS).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=${BUILD_DIR:-.}/tests/fuzz
seeds=$(mktemp)
trap 'rm -f "$seeds"' EXIT
"${PYTHON3:-python3}" "$here/seeds.py" >"$seeds"
targets=0
for target in "$build"/fuzz_*; do
    name=$(basename "$target")
    case $name in *.*) continue ;; esac # not the build's folder, which may have a dot in its name
    [ -x "$target" ] || continue
    printf '%s: ' "$name"
    "$target" "${FUZZ_RUNS:-20000}" <"$seeds"
    targets=$((targets + 1))
done
[ "$targets" -gt 0 ] || { echo "no fuzz target in $build" >&2 && exit 1; }
