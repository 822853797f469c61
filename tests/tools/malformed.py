#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Send what no honest peer sends.

malformed.py inner DEVICE SOURCE DESTINATION   broken IP packets out of a TUN device; prints how many of each kind
malformed.py outer ADDRESS PORT                broken datagrams of strangers
malformed.py frames DEVICE MAC                 broken and forged Ethernet frames out of a TAP device to the server's MAC
malformed.py replay DEVICE PORT                the next outgoing datagram of that port on an Ethernet device, twice more
"""
import socket
import struct
import sys

ETH_P_ALL = 3
ETH_P_IP = 0x0800
UDP = 17


def ip4(source, destination, payload=b"x" * 20, ihl=5, total=None, proto=UDP):
    total = 20 + len(payload) if total is None else total
    head = struct.pack("!BBHHHBBH4s4s", 0x40 | ihl, 0, total, 1, 0, 64, proto, 0, socket.inet_aton(source), socket.inet_aton(destination))
    check = sum(struct.unpack("!10H", head))
    check = (check & 0xFFFF) + (check >> 16)
    return head[:10] + struct.pack("!H", ~check & 0xFFFF) + head[12:] + payload


def ip6(payload, following, length=None):
    length = len(payload) if length is None else length
    return struct.pack("!IHBB", 6 << 28, length, following, 64) + bytes(15) + b"\1" + bytes(15) + b"\2" + payload


def inner_packets(source, destination):
    """Kind, as the counter is called, and packet."""
    for version in (0, 1, 2, 3, 5, 7, 9, 15):
        yield "inner", bytes([version << 4]) + b"v" * 39
    whole = ip4(source, destination)
    for length in (1, 4, 10, 19):
        yield "inner", whole[:length]
    yield "inner", whole[:30]                                # shorter than it says
    yield "inner", ip4(source, destination, total=0)
    yield "inner", ip4(source, destination, total=19)
    yield "inner", ip4(source, destination, ihl=4)
    yield "inner", ip4(source, destination, ihl=15)
    yield "inner", ip6(b"", 59)[:39]
    yield "inner", ip6(b"x" * 8, 59, 9)
    for chain in range(1, 9):                                # extension headers without an end, and with one
        options = b"".join(struct.pack("!BB6x", 60, 0) for _ in range(chain * 8))
        yield "source", ip6(options, 0)
    yield "source", ip6(struct.pack("!BBHI", 44, 0, 1, 7) * 20, 44)
    for foreign in ("10.1.2.3", "127.0.0.1", "0.0.0.0", "255.255.255.255", "224.0.0.1", destination):
        yield "source", ip4(foreign, destination)


def send_inner(device, source, destination):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_IP))
    s.bind((device, ETH_P_IP))
    send_all(s, inner_packets(source, destination))


def send_all(s, packets):
    sent = {}
    for kind, packet in packets:
        s.send(packet)
        if kind:
            sent[kind] = sent.get(kind, 0) + 1
    for kind, count in sent.items():
        print(kind, count)


def frames(own, server):
    whole = server + own + b"\x08\x00" + b"\x45" * 50
    for tag in (0x8100, 0x88A8):
        for length in (14, 15, 17):                          # the tag is cut off
            yield "inner", (server + own + struct.pack("!HHH", tag, 5, 0x0800))[:length]
        stack = struct.pack("!HH", tag, 5)
        yield "inner", server + own + stack + struct.pack("!HB", tag, 0)
        for depth in range(1, 12):
            yield "", server + own + stack * depth + b"\x08\x00" + b"x" * 46
    for source in (b"\xff" * 6, b"\x01\x00\x5e\x00\x00\x01", bytes(6), server):
        yield "mac-limit", whole[:6] + source + whole[12:]
    yield "", whole[:14]                                     # nothing inside
    yield "", whole + b"x" * 1400


def send_frames(device, mac):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    s.bind((device, 0))
    with open(f"/sys/class/net/{device}/address", encoding="ascii") as f:
        own = bytes.fromhex(f.read().strip().replace(":", ""))
    send_all(s, frames(own, bytes.fromhex(mac.replace(":", ""))))


def send_outer(address, port):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for opcode in range(32):
        for length in (1, 2, 4, 8):
            s.sendto(bytes([opcode << 3]) + b"o" * (length - 1), (address, port))
    s.sendto(b"", (address, port))
    for peer in (7, 0xFFFFFE, 0xFFFFFF):                     # nobody
        s.sendto(bytes([9 << 3]) + peer.to_bytes(3, "big") + b"p" * 60, (address, port))
    for key in range(8):                                     # the first client, with keys that it has and has not
        s.sendto(bytes([9 << 3 | key, 0, 0, 0]) + b"k" * 60, (address, port))


def replay(device, port):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    s.bind((device, ETH_P_ALL))
    print("listening", flush=True)
    while True:
        frame, where = s.recvfrom(65535)
        is_udp = len(frame) > 42 and frame[12:14] == b"\x08\x00" and frame[23] == UDP
        if where[2] == socket.PACKET_OUTGOING and is_udp and struct.unpack("!H", frame[36:38])[0] == port and frame[42] >> 3 == 9:
            break
    for _ in range(2):
        s.send(frame[:40] + bytes(2) + frame[42:])           # its UDP checksum may not be finished


def main():
    command, *rest = sys.argv[1:]
    if command == "inner":
        send_inner(*rest)
    elif command == "frames":
        send_frames(*rest)
    elif command == "outer":
        send_outer(rest[0], int(rest[1]))
    else:
        replay(rest[0], int(rest[1]))


main()
