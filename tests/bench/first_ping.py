#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Time from the start of a VPN client to the first answer through its tunnel.

first_ping.py ADDRESS COMMAND...   prints milliseconds; exit status 1 when nothing comes back within 20 s
"""
import os
import select
import socket
import struct
import subprocess
import sys
import time


def echo(identifier, sequence):
    head = struct.pack("!BBHHH", 8, 0, 0, identifier, sequence)
    total = sum(struct.unpack("!4H", head))
    total = (total >> 16) + (total & 0xFFFF)
    return struct.pack("!BBHHH", 8, 0, ~total & 0xFFFF, identifier, sequence)


def first_answer(raw, address, identifier, until):
    sequence = 0
    while time.monotonic() < until:
        sequence += 1
        try:
            raw.sendto(echo(identifier, sequence & 0xFFFF), (address, 0))
        except OSError:
            pass
        end = time.monotonic() + 0.002
        while select.select([raw], [], [], max(0, end - time.monotonic()))[0]:
            packet = raw.recv(2048)
            kind, _, _, ours, _ = struct.unpack("!BBHHH", packet[20:28])
            if kind == 0 and ours == identifier and socket.inet_ntoa(packet[12:16]) == address:
                return time.monotonic()
    return None


def main():
    address, command = sys.argv[1], sys.argv[2:]
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    began = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL) as client:
        answered = first_answer(raw, address, os.getpid() & 0xFFFF, began + 20)
        client.terminate()
    if answered is None:
        return 1
    print(round((answered - began) * 1000))
    return 0


sys.exit(main())
