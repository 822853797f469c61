#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs a program on a terminal of its own and types answers: typist.py [--once] PROMPT=ANSWER... -- COMMAND...

A PROMPT is a regular expression. The rule after --once is used for the first match only, the others whenever they
match, in the order given. What the program prints goes to standard output.
"""
import os
import pty
import re
import signal
import sys
import termios
import time


def wait_for_silence(terminal):
    """A program that turns the echo off for a password throws away what was typed before."""
    end = time.monotonic() + 2
    while termios.tcgetattr(terminal)[3] & termios.ECHO and time.monotonic() < end:
        time.sleep(0.01)


def main():
    cut = sys.argv.index("--")
    words = sys.argv[1:cut]
    rules = []
    for i, word in enumerate(words):
        if word != "--once":
            rules.append((*word.split("=", 1), i > 0 and words[i - 1] == "--once"))
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(sys.argv[cut + 1], sys.argv[cut + 1:])
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGHUP):
        signal.signal(number, lambda n, _: os.kill(pid, n))
    seen = ""
    while True:
        try:
            data = os.read(terminal, 4096)
        except OSError:
            break
        if not data:
            break
        os.write(1, data.replace(b"\r", b""))
        seen += data.decode(errors="replace")
        for rule in rules:
            prompt, answer, once = rule
            match = re.search(prompt, seen)
            if match:
                if "assword" in prompt:
                    wait_for_silence(terminal)
                os.write(terminal, answer.encode() + b"\n")
                seen = seen[match.end():]
                if once:
                    rules.remove(rule)
                break
        seen = seen[-4096:]
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


main()
