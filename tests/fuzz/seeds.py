#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Seeds for the fuzz targets: every packet and text of tests/vectors and tests/fuzz/seeds.

usage: seeds.py            lines of hexadecimal digits to standard output
       seeds.py FOLDER     one file a seed, for libFuzzer
"""
import hashlib
import json
import os
import re
import sys

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)


def seeds():
    found = {b""}
    for name in sorted(os.listdir(os.path.join(TESTS, "vectors"))):
        with open(os.path.join(TESTS, "vectors", name), encoding="utf-8") as f:
            for text in strings(json.load(f)):
                if re.fullmatch(r"(?:[0-9a-fA-F]{2})+", text):
                    found.add(bytes.fromhex(text)[:4096])
                else:
                    found.add(text.encode()[:4096])
    with open(os.path.join(TESTS, "fuzz", "texts"), encoding="utf-8") as f:
        for line in f:
            found.add(line.rstrip("\n").encode().decode("unicode_escape").encode("latin-1"))
    return sorted(found)


def main():
    for seed in seeds():
        if len(sys.argv) > 1:
            with open(os.path.join(sys.argv[1], hashlib.sha1(seed).hexdigest()), "wb") as f:
                f.write(seed)
        else:
            print(seed.hex())


main()
