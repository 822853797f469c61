#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs a command on a terminal of its own and types an answer whenever it asks: answer_in_order.py ANSWERS COMMAND...

ANSWERS has one answer a line. A question is output that ends with ": " and then pauses. All answers have to be used.
"""
import os
import pty
import select
import sys
import time

PATIENCE = 60


def main():
    answers = open(sys.argv[1]).read().split("\n")[:-1]
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(sys.argv[2], sys.argv[2:])
    end = time.monotonic() + PATIENCE
    seen = b""
    while time.monotonic() < end:
        ready = select.select([terminal], [], [], 0.3)[0]
        if ready:
            try:
                data = os.read(terminal, 4096)
            except OSError:
                break
            if not data:
                break
            seen += data
            sys.stdout.write(data.decode(errors="replace"))
            sys.stdout.flush()
        elif seen.endswith(b": "):
            if not answers:
                sys.exit("asked more than expected")
            os.write(terminal, answers.pop(0).encode() + b"\n")
            seen = b""
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if answers and status == 0:
        sys.exit(f"{len(answers)} questions were not asked")
    sys.exit(status)


main()
