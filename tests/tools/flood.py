#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""flood.py SERVER DEVICE INNER SECONDS: a client that sends as fast as it can through its tunnel (to INNER and its
neighbours), and strangers that send resets, data and noise to the server's port."""
import os
import random
import socket
import sys
import time

server, device, inner, seconds = sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4])
network = inner.rsplit(".", 1)[0]
inside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
inside.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode() + b"\0")
outside = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(50)]
print("flooding", flush=True)
end = time.monotonic() + seconds
while time.monotonic() < end:
    try:
        for _ in range(20):
            inside.sendto(b"x" * 1000, (inner, 9))
            inside.sendto(b"x" * 10, (f"{network}.{random.randrange(2, 250)}", 9))
    except OSError:
        pass  # the queue is full
    s = random.choice(outside)
    s.sendto(bytes([0x38]) + os.urandom(13), (server, 1194))
    s.sendto(bytes([0x48]) + os.urandom(60), (server, 1194))
    s.sendto(os.urandom(random.randrange(1, 1400)), (server, 1194))
    time.sleep(0.0005)
