#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A person at a terminal: terminal.py LOG [PROMPT=ANSWER...] -- COMMAND...

Runs COMMAND on a terminal of its own, writes what it shows to LOG, and types ANSWER whenever the text ends with
PROMPT; each answer once, in any order. Passes SIGTERM on. Exit status: the command's.
"""
import os
import pty
import select
import signal
import sys


def main():
    split = sys.argv.index("--")
    answers = [pair.split("=", 1) for pair in sys.argv[2:split]]
    command = sys.argv[split + 1:]
    pid, fd = pty.fork()
    if pid == 0:
        os.execvp(command[0], command)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(pid, signal.SIGTERM))
    seen = b""
    with open(sys.argv[1], "wb", buffering=0) as log:
        while True:
            if not select.select([fd], [], [], 0.5)[0]:
                continue
            try:
                data = os.read(fd, 4096)
            except OSError:
                data = b""
            if not data:
                break
            log.write(data.replace(b"\r", b""))
            seen += data
            for pair in answers:
                if seen.rstrip().endswith(pair[0].encode()):
                    os.write(fd, pair[1].encode() + b"\n")
                    answers.remove(pair)
                    seen = b""
                    break
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


sys.exit(main())
