#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""No variable that can change lives longer than its owner: data symbols of the objects against a short list."""
import os
import re
import subprocess
import sys

import source

# object file -> why it may
ALLOWED = {
    "main.o": "the program",
    "log.o": "one log a process",
}
ALLOWED_SYMBOLS = {}


def main():
    build = os.environ.get("BUILD_DIR", os.getcwd())
    objects = []
    for place, _, names in os.walk(os.path.join(build, "src")):
        objects += [os.path.join(place, name) for name in names if name.endswith(".o")]
    errors = []
    if not objects:
        errors.append("no object files: build first")
    output = subprocess.run(["objdump", "-t"] + objects, capture_output=True, text=True, check=True).stdout
    name = ""
    for line in output.splitlines():
        if ".o: " in line:
            name = os.path.basename(line.split(":")[0])
        match = re.match(r"[0-9a-f]+ .{7} (\.(?:data|bss|tdata|tbss)(?!\.rel\.ro)\S*)\s+[0-9a-f]+\s+(\S+)$", line)
        if not match:
            continue
        symbol = re.sub(r"\.\d+$", "", match.group(2))
        # Section symbols, and what sanitizers add.
        if symbol.startswith((".", "__asan", "__odr_asan", "__tsan", "__sancov", "__ub", "___asan", "_ub")):
            continue
        if name not in ALLOWED and (name, symbol) not in ALLOWED_SYMBOLS:
            errors.append(f"{name}: {symbol} is a variable of the whole process")
    return source.finish("globals", errors)


sys.exit(main())
