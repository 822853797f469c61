#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Functions, files and structs stay small: over the first limit a warning, over the second an error."""
import re
import sys

import source

FUNCTION = (60, 100)
FILE = (600, 900)
FIELDS = (20, 40)
# A configuration has as many fields as there are options; they come from the options table.
WIDE_STRUCTS = {"config", "config_connection", "config_client"}
# The root of each role has one pointer for each of its parts.
ROOTS = {"client", "server", "mgmt"}
ROOT_FIELDS = (45, 55)


def functions(text):
    """(name, first line, lines) of each function definition; a body starts with { in the first column."""
    lines = text.split("\n")
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line == "}" and start:
            head = " ".join(lines[max(0, start - 8):start - 1])
            names = re.findall(r"(\w+)\s*\([^;{}]*\)\s*$", head) or re.findall(r"(\w+)\s*\(", head) or ["?"]
            yield names[-1], start, number - start + 1
            start = None


def structs(text):
    """(name, data fields) of each struct at file level; nested ones count with their owner."""
    for match in re.finditer(r"^struct (\w+)[^;{()]*\{(.*?)^\}", text, flags=re.M | re.S):
        yield match.group(1), match.group(2).count(";") - match.group(2).count("(*")


def main():
    errors, warnings = [], []

    def judge(limits, value, text):
        if value > limits[1]:
            errors.append(f"{text} (limit {limits[1]})")
        elif value > limits[0]:
            warnings.append(f"{text} (wanted: {limits[0]})")

    for path in source.files("src", ".c", ".h") + source.files("tests", ".c", ".h"):
        text = source.blank(source.read(path))
        judge(FILE, text.count("\n"), f"{path}: {text.count(chr(10))} lines")
        for name, line, length in functions(text):
            judge(FUNCTION, length, f"{path}:{line}: {name}() has {length} lines")
        for name, fields in structs(text):
            if name not in WIDE_STRUCTS:
                judge(ROOT_FIELDS if name in ROOTS else FIELDS, fields, f"{path}: struct {name} has {fields} fields")
    return source.finish("size", errors, warnings)


sys.exit(main())
