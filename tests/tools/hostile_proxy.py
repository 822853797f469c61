#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A proxy that misbehaves in one way: hostile_proxy.py ADDRESS PORT KIND. Says READY, serves until killed."""
import socket
import sys
import threading
import time

SOCKS_OK = b"\x05\x00"


def endless(conn, first):
    """Send @first, then header lines for ever."""
    conn.sendall(first)
    try:
        while True:
            conn.sendall(b"X-Filler: " + b"a" * 1000 + b"\r\n")
    except OSError:
        pass


def http(text):
    def answer(conn):
        conn.recv(4096)
        conn.sendall(text)
        time.sleep(0.2)
    return answer


def http_endless(conn):
    conn.recv(4096)
    endless(conn, b"HTTP/1.0 200 OK\r\n")


def http_line(conn):
    conn.recv(4096)
    try:
        while True:
            conn.sendall(b"H" * 4096)
    except OSError:
        pass


def stall(conn):
    conn.recv(4096)
    time.sleep(30)


def socks(greeting, *replies):
    def answer(conn):
        conn.recv(4096)
        conn.sendall(greeting)
        for reply in replies:
            conn.recv(4096)
            conn.sendall(reply)
        time.sleep(0.2)
    return answer


KINDS = {
    "endless-headers": http_endless,
    "endless-line": http_line,
    "stall": stall,
    "not-http": http(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "forbidden": http(b"HTTP/1.1 403 Forbidden\x1b[31m\r\n\r\n"),
    "unknown-method": http(b"HTTP/1.1 407 Login\r\nProxy-Authenticate: Negotiate\r\n\r\n"),
    "digest-without-nonce": http(b"HTTP/1.1 407 Login\r\nProxy-Authenticate: Digest realm=\"x\"\r\n\r\n"),
    "close": lambda conn: None,
    # it says yes, and then talks like no VPN server
    "lie": http(b"HTTP/1.0 200 OK\r\n\r\n" + b"\xff" * 2000),
    "socks-version": socks(b"\x04\x5a"),
    "socks-method": socks(b"\x05\x7f"),
    "socks-refused": socks(SOCKS_OK, b"\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00"),
    "socks-address-type": socks(SOCKS_OK, b"\x05\x00\x00\x09\x00\x00\x00\x00\x00\x00"),
    "socks-short": socks(SOCKS_OK, b"\x05\x00"),
}


def serve(conn, kind):
    with conn:
        try:
            KINDS[kind](conn)
        except OSError:
            pass


def main():
    listener = socket.create_server((sys.argv[1], int(sys.argv[2])))
    print("READY", flush=True)
    while True:
        conn, _ = listener.accept()
        threading.Thread(target=serve, args=(conn, sys.argv[3]), daemon=True).start()


main()
