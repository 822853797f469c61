#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A password agent as systemd.io/PASSWORD_AGENTS describes: answers questions of systemd-ask-password.

password_agent.py LOG MESSAGE=ANSWER...   each answer is given once, in this order; then it ends
"""
import configparser
import glob
import socket
import sys
import time

DIRECTORY = "/run/systemd/ask-password"


def questions(known):
    for path in sorted(glob.glob(DIRECTORY + "/ask.*")):
        if path in known:
            continue
        ask = configparser.ConfigParser(interpolation=None, strict=False)
        ask.read(path)
        known.add(path)
        yield ask["Ask"]


def main():
    log = open(sys.argv[1], "w", buffering=1, encoding="utf-8")
    answers = [word.partition("=") for word in sys.argv[2:]]
    agent = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    known = set()
    while answers:
        for ask in questions(known):
            log.write(f"{ask['Message']} echo={ask.get('Echo', '0')} icon={ask.get('Icon', '')}\n")
            message, _, answer = answers[0]
            if ask["Message"] != message:
                log.write(f"expected {message}\n")
                return 1
            agent.sendto(b"+" + answer.encode(), ask["Socket"])
            answers.pop(0)
        time.sleep(0.05)
    return 0


sys.exit(main())
