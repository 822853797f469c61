#!/bin/sh
# SPDX-License-Identifier: MIT
# What of the code the fuzz targets reach: with the seeds, and with what "tests/run.sh fuzz" has collected since.
# A build of its own (build-fuzz-coverage) with clang's source-based coverage; nothing is fuzzed here.
# usage: tests/fuzz/coverage.sh [FILE...]   a table of all files; of these files, their lines with counts
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
folder=${COVERAGE_DIR:-$top/build-fuzz-coverage}
corpora=${CORPUS_DIR:-$top/build-fuzz}
mkdir -p "$folder/seeds" "$folder/profiles"
cd "$folder"
[ -f Makefile ] || "$top/configure" -q --enable-fuzz CC=clang CFLAGS='-O1 -g -fprofile-instr-generate -fcoverage-mapping'
make -s -j"$(nproc)" fuzz-targets >&2
rm -f seeds/* profiles/*
"${PYTHON3:-python3}" "$top/tests/fuzz/seeds.py" seeds
objects=
for target in tests/fuzz/fuzz_*; do
    name=$(basename "$target")
    case $name in *.*) continue ;; esac
    corpus=$corpora/corpus-$name
    [ -d "$corpus" ] || corpus=
    # shellcheck disable=SC2086 # no corpus, no word
    LLVM_PROFILE_FILE=profiles/$name.profraw "$target" -runs=0 -max_len=4096 seeds $corpus >"$name.out" 2>&1 ||
        echo "$name failed, see $folder/$name.out" >&2
    objects="$objects -object $target"
done
llvm-profdata merge -sparse profiles/*.profraw -o all.profdata
what=report
[ $# = 0 ] || what='show -show-line-counts-or-regions'
# shellcheck disable=SC2086 # lists of words
llvm-cov $what $objects -instr-profile=all.profdata "$@"
