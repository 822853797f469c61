#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The log lines that doc/troubleshooting.md explains are those that the source writes.

Of each text in backticks in the first column of its tables, the pieces between "..." have to be in a string of the
source; conversions such as %s stand for anything.
"""
import os
import pathlib
import re
import sys

TOP = pathlib.Path(os.environ.get("SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
# What OpenSSL says.
LIBRARY = ("certificate revoked", "certificate has expired", "CRL has expired")


def strings():
    for path in sorted((TOP / "src").rglob("*.[ch]")):
        text = re.sub(r'"\s*\n\s*"', "", path.read_text(errors="replace"))
        yield from re.findall(r'"((?:[^"\\\n]|\\.)*)"', text)


def main():
    pieces = []
    for row in re.findall(r"^\| (.*?) \|", (TOP / "doc/troubleshooting.md").read_text(), re.M):
        for text in re.findall(r"`([^`]+)`", row):
            pieces += [piece.strip() for piece in re.split(r"\.\.\.|ADDRESS|FILE:LINE:", text)]
    known = "\n".join(re.sub(r"%[-+0-9.*]*(?:ll|l|z)?[a-zA-Z]", "\0", s) for s in strings())
    problems = 0
    for piece in filter(None, pieces):
        words = re.sub(r"\(--[a-z-]+\)", "\0", piece)  # an option that a message names with %s
        if piece in known or piece in LIBRARY or words in known:
            continue
        print(f"doc/troubleshooting.md: no string of the source has '{piece}'")
        problems += 1
    print(f"{len(pieces)} pieces, {problems} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
