#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Send and show Ethernet frames of an experimental type, with or without an 802.1Q tag.

frames.py send DEVICE [--payload TEXT] [--vlan ID] [--to MAC] [--count N] [--source MAC | --random-source]
frames.py listen DEVICE [--for SECONDS]   until it is killed, or for so long (120)
"""
import argparse
import os
import socket
import struct
import time

ETH_P_ALL = 3
ETH_P_8021Q = 0x8100
EXPERIMENT = 0x88B5
SOL_PACKET = 263
PACKET_AUXDATA = 8
TP_STATUS_VLAN_VALID = 0x10


def mac_bytes(text):
    return bytes(int(x, 16) for x in text.split(":"))


def send(args):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    s.bind((args.device, 0))
    with open(f"/sys/class/net/{args.device}/address", encoding="ascii") as f:
        own = mac_bytes(f.read().strip())
    for _ in range(args.count):
        source = b"\x02" + os.urandom(5) if args.random_source else mac_bytes(args.source) if args.source else own
        tag = b"" if args.vlan is None else struct.pack("!HH", ETH_P_8021Q, args.vlan)
        frame = mac_bytes(args.to) + source + tag + struct.pack("!H", EXPERIMENT) + args.payload.encode() + b"\0"
        s.send(frame.ljust(60, b"\0"))
        if args.count > 1:
            time.sleep(0.001)


def listen(args):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    s.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    s.bind((args.device, ETH_P_ALL))
    print("listening", flush=True)
    end = time.monotonic() + args.seconds
    while (left := end - time.monotonic()) > 0:
        s.settimeout(left)
        try:
            frame, ancillary, _, address = s.recvmsg(65535, 256)
        except TimeoutError:
            break
        if address[2] == socket.PACKET_OUTGOING and not args.outgoing:
            continue
        vlan = "-"
        for level, kind, data in ancillary:
            if level == SOL_PACKET and kind == PACKET_AUXDATA:
                status, _, _, _, _, tci, _ = struct.unpack("IIIHHHH", data[:20])
                if status & TP_STATUS_VLAN_VALID:
                    vlan = tci & 0xFFF
        ethertype = struct.unpack("!H", frame[12:14])[0]
        rest = frame[14:]
        if ethertype == ETH_P_8021Q:
            tci, ethertype = struct.unpack("!HH", frame[14:18])
            vlan, rest = tci & 0xFFF, frame[18:]
        if ethertype == EXPERIMENT:
            text = rest.split(b"\0")[0].decode(errors="replace")
            print(f"vlan={vlan} from={frame[6:12].hex(':')} payload={text}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(required=True)
    p = commands.add_parser("send")
    p.add_argument("device")
    p.add_argument("--payload", default="hello")
    p.add_argument("--vlan", type=int)
    p.add_argument("--to", default="ff:ff:ff:ff:ff:ff")
    p.add_argument("--count", type=int, default=1)
    p.add_argument("--source")
    p.add_argument("--random-source", action="store_true")
    p.set_defaults(run=send)
    p = commands.add_parser("listen")
    p.add_argument("device")
    p.add_argument("--for", dest="seconds", type=float, default=120)
    p.add_argument("--outgoing", action="store_true")
    p.set_defaults(run=listen)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
