#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each function that a header declares has a comment right before it; each file names its licence."""
import re
import sys

import source


def undocumented(text):
    """Line numbers and names of prototypes without a comment in front (a blank line parts two declarations)."""
    comment_before = re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", "\x01", m.group(0)), text, flags=re.S)
    code = source.blank(text)
    depth = 0
    lines = code.split("\n")
    marked = comment_before.split("\n")
    covered = False
    for number, line in enumerate(lines):
        if "\x01" in marked[number]:
            covered = True
        opens, closes = line.count("{"), line.count("}")
        if depth == 0 and not line.startswith((" ", "\t", "#", "}", "static ", "_Static", "typedef ")):
            match = re.match(r"[\w\s\*]*?\b(\w+)\s*\(", line)
            if match and not covered and match.group(1) not in ("__attribute__", "_Alignas"):
                yield number + 1, match.group(1)
        depth += opens - closes
        if not line.strip() and "\x01" not in marked[number]:
            covered = False


def main():
    errors = []
    for path in source.files("src", ".h"):
        for line, name in undocumented(source.read(path)):
            errors.append(f"{path}:{line}: {name}() is declared without a comment")
    for folder in ("src", "tests", "doc", "contrib", "easy-rsa-lite"):
        for path in source.files(folder, ".c", ".h", ".py", ".sh", ".def", ".mk"):
            if "SPDX-License-Identifier: MIT" not in source.read(path)[:300] and not path.endswith(".mk"):
                errors.append(f"{path}: no SPDX-License-Identifier in the first lines")
    return source.finish("headers", errors)


sys.exit(main())
