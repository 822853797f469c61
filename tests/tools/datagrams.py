#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Numbered datagrams, to find out which ones got lost.

datagrams.py send ADDRESS PORT COUNT PER-SECOND
datagrams.py receive ADDRESS PORT COUNT SECONDS    ends when all are there or no more come; prints what is missing
"""
import socket
import sys
import time

SIZE = 400


def send(address, port, count, rate):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.connect((address, port))
    begin = time.monotonic()
    for i in range(count):
        wait = begin + i / rate - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        s.send(i.to_bytes(8, "big") + bytes(SIZE - 8))


def receive(address, port, count, seconds):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    s.bind((address, port))
    missing = set(range(count))
    twice = 0
    end = time.monotonic() + seconds
    print("ready", flush=True)
    while missing:
        s.settimeout(max(0.01, end - time.monotonic()))
        try:
            number = int.from_bytes(s.recv(2048)[:8], "big")
        except TimeoutError:
            break
        if number in missing:
            missing.remove(number)
        else:
            twice += 1
    print(f"missing {len(missing)} of {count}, twice {twice}", *sorted(missing)[:20], flush=True)
    sys.exit(1 if missing or twice else 0)


address, port, count, last = sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5])
if sys.argv[1] == "send":
    send(address, port, count, last)
else:
    receive(address, port, count, last)
