#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The marked commands of a guide, one file a block: doc_blocks.py GUIDE DIRECTORY

A block is marked by the line before its fence:
  <!-- run on HOST[ in background][; answers: A,B,...][; ignore errors][; needs PATH] -->
Prints a line for each: NUMBER HOST KIND SCRIPT, KIND being run, background, ignore or a list of answers' file.
"""
import pathlib
import re
import sys

MARK = re.compile(r"^\s*<!-- run on (\w+)( in background)?((?:; [^;]+?)*) -->\s*$")


def main():
    guide, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    lines = guide.read_text().splitlines()
    number = 0
    for i, line in enumerate(lines):
        mark = MARK.match(line)
        if not mark:
            if "run on" in line and "<!--" in line:
                sys.exit(f"{guide}:{i + 1}: a mark that cannot be read: {line}")
            continue
        if not re.match(r"^\s*```sh\s*$", lines[i + 1]):
            sys.exit(f"{guide}:{i + 2}: no ```sh after the mark")
        indent = len(lines[i + 1]) - len(lines[i + 1].lstrip())
        end = next(j for j in range(i + 2, len(lines)) if lines[j].strip() == "```")
        number += 1
        script = folder / f"{number:02}.sh"
        script.write_text("\n".join(text[indent:] for text in lines[i + 2:end]) + "\n")
        kind = "background" if mark.group(2) else "run"
        for extra in filter(None, (part.strip() for part in (mark.group(3) or "").split(";"))):
            if extra == "ignore errors":
                kind = "ignore"
            elif extra.startswith("answers: "):
                kind = "answers"
                (folder / f"{number:02}.answers").write_text("\n".join(extra[9:].split(",")) + "\n")
            elif extra.startswith("needs ") and not pathlib.Path(extra[6:]).exists():
                kind = "skip"
        print(number, mark.group(1), kind, script)


main()
