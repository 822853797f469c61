#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs each fuzz target over the seeds and a fixed number of mutations (FUZZ_RUNS).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=${BUILD_DIR:-.}/tests/fuzz
seeds=$(mktemp)
trap 'rm -f "$seeds"' EXIT
"${PYTHON3:-python3}" "$here/seeds.py" >"$seeds"
for target in "$build"/fuzz_*; do
    case $target in *.*) continue ;; esac
    [ -x "$target" ] || continue
    printf '%s: ' "$(basename "$target")"
    "$target" "${FUZZ_RUNS:-20000}" <"$seeds"
done
