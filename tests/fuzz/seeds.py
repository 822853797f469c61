#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Seeds for the fuzz targets: every packet and text of tests/vectors and tests/fuzz, and what is made of them here.

usage: seeds.py            lines of hexadecimal digits to standard output
       seeds.py FOLDER     one file a seed, for libFuzzer
"""
import hashlib
import json
import os
import re
import struct
import sys

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def with_checksum(pseudo, header, payload, at):
    value = checksum(pseudo + header[:at] + b"\0\0" + header[at + 2 :] + payload)
    return header[:at] + struct.pack("!H", value) + header[at + 2 :] + payload


def inner(version, proto, number, payload):
    """Packet @number of a TCP or UDP flow, as a sender would cut it from a stream."""
    if proto == 6:
        l4, at = struct.pack("!HHIIBBHHH", 4000, 80, 1 + number * len(payload), 7, 0x50, 0x10, 500, 0, 0), 16
    else:
        l4, at = struct.pack("!HHHH", 4000, 53, 8 + len(payload), 0), 6
    length = len(l4) + len(payload)
    if version == 4:
        ends = b"\x0a\x4d\0\x02\x0a\x4d\0\x01"
        start = struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, 100 + number, 0x4000, 64, proto, 0)
        ip = with_checksum(b"", start + ends, b"", 10)
        pseudo = ends + struct.pack("!BBH", 0, proto, length)
    else:
        ends = b"\xfd" + b"\0" * 14 + b"\x02\xfd" + b"\0" * 14 + b"\x01"
        ip = struct.pack("!IHBB", 0x60000000, length, proto, 64) + ends
        pseudo = ends + struct.pack("!II", length, proto)
    return ip + with_checksum(pseudo, l4, payload, at)


def offload():
    """Super-packets behind the header of a device, and packets that can be merged, each behind its length / 8."""
    ethernet = b"\2\0\0\0\0\1\2\0\0\0\0\2"
    for version, proto in ((4, 6), (6, 6), (4, 17), (6, 17)):
        kind = 5 if proto == 17 else 1 if version == 4 else 4
        header = struct.pack("=BBHHHH", 1, kind, 0, 100, 20 if version == 4 else 40, 16 if proto == 6 else 6)
        frame = ethernet + (b"\x08\0" if version == 4 else b"\x86\xdd")
        for start in (b"", frame):
            packet = start + inner(version, proto, 0, bytes(range(250)))
            yield header + packet
            yield header[:1] + b"\0" + header[2:] + packet
            pad = -len(start + inner(version, proto, 0, b"")) % 8 + 64
            parts = [start + inner(version, proto, n, bytes([n] * pad)) for n in range(5)]
            yield b"".join(bytes([len(part) // 8]) + part for part in parts)


def sessions(packets):
    """The packets of a handshake for each wrapping and role of fuzz_session."""
    for choice in (0, 1, 2, 3, 0x23, 0x33, 0x40, 0x41, 0x42, 0x83, 0xC0, 0xC1):
        for order in (packets, packets[::-1], packets[:1] + packets[3:]):
            yield bytes([choice]) + b"".join(struct.pack("!H", len(p)) + p for p in order)


def peers(messages):
    """A key exchange and texts behind it, whole and in two records, for fuzz_peer."""
    client = bytes.fromhex(messages["client_with_credentials"])
    server = bytes.fromhex(messages["server"])
    texts = (b"PUSH_REQUEST\0", b"EXIT\0PUSH_REQUEST\r\n\0", b"AUTH_FAILED,\x01\n\xff\0half")
    for choice, message in ((0, server), (1, client), (2, server), (3, client)):
        for records in ((message,) + texts, (message[:70], message[70:]) + texts, (message + texts[0],)):
            yield bytes([choice]) + b"".join(struct.pack("!H", len(r)) + r for r in records)


def options():
    """Each option with some arguments, as a server would push it and as a file has it."""
    arguments = ("", " 1", " 10.1.0.0 255.255.0.0", " fd00::2/64 fd00::1", " a b c")
    names = []
    config = os.path.join(os.path.dirname(TESTS), "src", "config")
    for name in sorted(os.listdir(config)):
        if name.endswith(".def"):
            with open(os.path.join(config, name), encoding="utf-8") as f:
                names += re.findall(r'^[A-Z_]+\([^"\n]*"([a-z0-9-]+)"', f.read(), re.MULTILINE)
    for first in range(0, len(names), 8):
        lines = [n + a for n in names[first : first + 8] for a in arguments]
        yield ",".join(lines).encode()
        yield "\n".join(lines).encode()


def certificates():
    with open(os.path.join(TESTS, "fuzz", "certificates"), encoding="utf-8") as f:
        yield from (bytes.fromhex(line) for line in f)


def seeds():
    found = {b""}
    for name in sorted(os.listdir(os.path.join(TESTS, "vectors"))):
        with open(os.path.join(TESTS, "vectors", name), encoding="utf-8") as f:
            for text in strings(json.load(f)):
                if re.fullmatch(r"(?:[0-9a-fA-F]{2})+", text):
                    found.add(bytes.fromhex(text)[:4096])
                else:
                    found.add(text.encode()[:4096])
    with open(os.path.join(TESTS, "fuzz", "texts"), encoding="utf-8") as f:
        for line in f:
            found.add(line.rstrip("\n").encode().decode("unicode_escape").encode("latin-1"))
    with open(os.path.join(TESTS, "vectors", "control_packets_plain.json"), encoding="utf-8") as f:
        packets = [bytes.fromhex(p["packet"]) for p in json.load(f)["packets"]]
    packets += [bytes([first]) + packets[0][1:] for first in (0x50, 0x58)]  # with a client's key behind them
    packets += [bytes([0x58]) + packets[3][1:]]
    with open(os.path.join(TESTS, "vectors", "control_key_method_2.json"), encoding="utf-8") as f:
        messages = json.load(f)
    for made in (offload(), sessions(packets), peers(messages), options(), certificates()):
        found.update(made)
    return sorted(found)


def main():
    for seed in seeds():
        if len(sys.argv) > 1:
            with open(os.path.join(sys.argv[1], hashlib.sha1(seed).hexdigest()), "wb") as f:
                f.write(seed)
        else:
            print(seed.hex())


main()
