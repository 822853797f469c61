#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Packets of strangers to a server without tls-auth or tls-crypt; prints what came back as JSON.

strangers.py resets SERVER PORT NETWORK COUNT    hard resets, each from another address of NETWORK (a.b.0.0)
strangers.py thirds SERVER PORT NETWORK COUNT    third packets with invented cookies
strangers.py replay SERVER PORT NETWORK COUNT    one honest cookie, used from other addresses and for other clients
"""
import json
import os
import random
import select
import socket
import sys

IP_FREEBIND = 15
RESET, CONTROL, ACK = 7, 4, 5


def packet(opcode, client, acks, server, message_id):
    body = bytes([opcode << 3]) + client + bytes([len(acks)])
    body += b"".join(a.to_bytes(4, "big") for a in acks)
    if acks:
        body += server
    return body + (b"" if opcode == ACK else message_id.to_bytes(4, "big"))


class Strangers:
    def __init__(self, server, port, network):
        self.to = (server, port)
        self.prefix = ".".join(network.split(".")[:2])
        self.sent_bytes = self.sent = self.back_bytes = self.back = 0
        self.sockets = []
        self.poll = select.poll()

    def socket(self):
        if len(self.sockets) >= 200:
            self.collect(0)
            for s in self.sockets:
                self.poll.unregister(s)
                s.close()
            self.sockets.clear()
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)
        s.bind((f"{self.prefix}.{random.randrange(1, 250)}.{random.randrange(1, 250)}", 0))
        s.setblocking(False)
        self.sockets.append(s)
        self.poll.register(s, select.POLLIN)
        return s

    def send(self, s, data):
        s.sendto(data, self.to)
        self.sent += 1
        self.sent_bytes += len(data)

    def collect(self, ms):
        while True:
            ready = self.poll.poll(ms)
            if not ready:
                return
            for fd, _ in ready:
                for s in self.sockets:
                    if s.fileno() == fd:
                        data = s.recv(2048)
                        self.back += 1
                        self.back_bytes += len(data)

    def report(self):
        self.collect(500)
        print(json.dumps({"sent": self.sent, "sent_bytes": self.sent_bytes, "back": self.back,
                          "back_bytes": self.back_bytes}))


def main():
    what, server, port, network, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], int(sys.argv[5])
    w = Strangers(server, port, network)
    if what == "replay":
        client = os.urandom(8)
        s = w.socket()
        s.setblocking(True)
        s.settimeout(5)
        s.sendto(packet(RESET, client, [], b"", 0), w.to)
        cookie = s.recv(2048)[1:9]
        s.setblocking(False)
    for i in range(count):
        if what == "resets":
            w.send(w.socket(), packet(RESET, os.urandom(8), [], b"", 0))
        elif what == "thirds":
            w.send(w.socket(), packet(random.choice([CONTROL, ACK]), os.urandom(8), [0], os.urandom(8), 1))
        else:
            # From elsewhere, for somebody else from here, late packets of the same conversation.
            w.send(w.socket(), packet(CONTROL, client, [0], cookie, 1))
            w.send(s if s in w.sockets else w.socket(), packet(CONTROL, os.urandom(8), [0], cookie, 1))
            w.send(s if s in w.sockets else w.socket(), packet(CONTROL, client, [2], cookie, 2))
            w.send(s if s in w.sockets else w.socket(), packet(CONTROL, client, [], b"", 1))
    w.report()


main()
