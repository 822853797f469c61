#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""An HTTP proxy for CONNECT that wants a user name and a password: connect_proxy.py ADDRESS PORT USER PASSWORD."""
import base64
import select
import socket
import sys
import threading


def header(conn):
    text = b""
    while b"\r\n\r\n" not in text and len(text) < 65536:
        more = conn.recv(4096)
        if not more:
            return ""
        text += more
    return text.decode("latin1")


def copy(a, b):
    while True:
        for ready in select.select([a, b], [], [])[0]:
            data = ready.recv(65536)
            if not data:
                return
            (b if ready is a else a).sendall(data)


def serve(conn, wanted):
    with conn:
        request = header(conn)
        while request and f"Proxy-Authorization: Basic {wanted}\r\n" not in request:
            conn.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n"
                         b"Proxy-Authenticate: Basic realm=\"proxy\"\r\nContent-Length: 0\r\n\r\n")
            request = header(conn)
        if not request:
            return
        print(request.splitlines()[0], flush=True)
        host, port = request.split()[1].rsplit(":", 1)
        with socket.create_connection((host, int(port)), 10) as out:
            conn.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            copy(conn, out)


def main():
    address, port, user, password = sys.argv[1:5]
    wanted = base64.b64encode(f"{user}:{password}".encode()).decode()
    with socket.create_server((address, int(port))) as listener:
        print("ready", flush=True)
        while True:
            conn, _ = listener.accept()
            threading.Thread(target=serve, args=(conn, wanted), daemon=True).start()


main()
