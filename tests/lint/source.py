# SPDX-License-Identifier: MIT
"""What the lints share: the project's C files, and C text without comments and strings."""
import os
import re

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def files(folder, *endings):
    """Paths below TOP/folder with one of the endings, relative to TOP, sorted."""
    found = []
    for place, _, names in os.walk(os.path.join(TOP, folder)):
        for name in names:
            if name.endswith(endings):
                found.append(os.path.relpath(os.path.join(place, name), TOP))
    return sorted(found)


def read(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as f:
        return f.read()


def blank(text):
    """C text with comments, strings and characters blanked out; lines and columns stay."""
    def keep_lines(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', keep_lines, text, flags=re.S)


def finish(name, errors, warnings=()):
    """Print what was found and return the exit status."""
    for line in warnings:
        print("warning: " + line)
    for line in errors:
        print("error: " + line)
    print(f"{name}: {len(errors)} errors, {len(warnings)} warnings")
    return 1 if errors else 0
