#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Hold a scripted dialogue over a management socket and print it, so that two programs can be compared.

usage: management.py SOCKET [SCRIPT]       SOCKET: a path or ADDRESS:PORT; SCRIPT: a file, default standard input

Script lines:
  TEXT          send TEXT and a line end, print what comes back up to the answer of a `mute` sent after it
  \\TEXT         the same, TEXT with Python escapes and no line end of its own
  @raw TEXT     send TEXT (Python escapes) and nothing after it, print nothing
  @expect RE    wait until a line matches, print what came
  @until RE     the same, but print only the line that matches
  @sync         print what came up to the answer of a `mute`
  @drain        what came is not printed, as @sync would
  @open         another connection becomes the current one
  @use N        the current connection is the N-th, from 1
  @shut         no more from our side (half-close)
  @eof          wait until the other side closes, print what came
  @hide RE      lines that match are not printed from here on
  @sign KEY     wait for >PK_SIGN or >RSA_SIGN and answer with a signature by the key in this file
  @certificate FILE  answer >NEED-CERTIFICATE with this file
  @wait S       wait S seconds (only where nothing can be awaited)
  # ...         comment
Numbers that differ from run to run are printed as words (TIME, PID, ...); --raw leaves them.
"""
import base64
import os
import re
import socket
import subprocess
import sys
import time

LIMIT_S = 20

RULES = [
    (re.compile(r"\b1[6-9]\d{8}\b"), "TIME"),
    (re.compile(r"pid=\d+"), "pid=PID"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"), "DATE"),
    (re.compile(r"(OpenVPN Version: |Management Interface for ).*"), r"\1TITLE"),
    (re.compile(r"^TITLE([,\t]).*"), r"TITLE\1TITLE"),
    (re.compile(r"bytesin=\d+,bytesout=\d+"), "bytesin=N,bytesout=N"),
    (re.compile(r"(BYTECOUNT(_CLI:\d+|)[:,])\d+,\d+"), r"\1N,N"),
    (re.compile(r"(10\.99\.0\.2[:,])\d{4,5}\b"), r"\1PORT"),
    (re.compile(r"^((?:CLIENT_LIST[,\t])?client\d[,\t](?:udp4:)?10\.99\.0\.2:PORT[,\t](?:10[^,\t]*[,\t][^,\t]*[,\t])?)\d+([,\t])\d+"),
     r"\1N\2N"),
    (re.compile(r"(bcast/mcast queue length[,\t])\d+"), r"\1N"),
    (re.compile(r"^>(PK|RSA)_SIGN:[^,]*"), r">\1_SIGN:DATA"),
    (re.compile(r"(read|write|compress|decompress) bytes,\d+"), r"\1 bytes,N"),
]


class Peer:
    def __init__(self, where):
        if ":" in where and "/" not in where:
            host, port = where.rsplit(":", 1)
            self.sock = socket.create_connection((host, int(port)), LIMIT_S)
        else:
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(LIMIT_S)
            deadline = time.time() + LIMIT_S
            while True:
                try:
                    self.sock.connect(where)
                    break
                except (FileNotFoundError, ConnectionRefusedError):
                    if time.time() > deadline:
                        raise
                    time.sleep(0.05)
        self.data = b""

    def send(self, data):
        self.sock.sendall(data)

    def line(self, deadline):
        """Next line with its end; what there is when the other side closed; None at the very end."""
        while b"\n" not in self.data:
            self.sock.settimeout(max(0.01, deadline - time.time()))
            try:
                more = self.sock.recv(65536)
            except socket.timeout:
                raise TimeoutError("nothing more within the limit; pending: %r" % self.data)
            except ConnectionResetError:
                more = b""
            if not more:
                rest, self.data = self.data, b""
                return rest or None
            self.data += more
        one, self.data = self.data.split(b"\n", 1)
        return one + b"\n"


def show(line, raw):
    text = line.decode("utf-8", "backslashreplace")
    end = ""
    if text.endswith("\r\n"):
        text = text[:-2]
    elif text.endswith("\n"):
        text, end = text[:-1], " [LF only]"
    else:
        end = " [no line end]"
    if not raw:
        for pattern, word in RULES:
            text = pattern.sub(word, text)
    print("< " + text + end)


def named(text):
    """$NAME is a variable of the environment, so that a dialogue can name files."""
    return os.path.expandvars(text)


def unescape(text):
    return text.encode("latin-1", "backslashreplace").decode("unicode_escape").encode("latin-1")


def signature(key, data, algorithm):
    """What a management client of the given key answers to >PK_SIGN:DATA,ALGORITHM."""
    words = algorithm.split(",")
    options = dict(w.split("=", 1) for w in words[1:])
    digest = options.get("hashalg", "SHA256").lower()
    pss = words[0] == "RSA_PKCS1_PSS_PADDING"
    if options.get("data") == "message":
        extra = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"] if pss else []
        command = ["openssl", "dgst", "-" + digest, "-sign", key] + extra
    else:
        mode = {"RSA_PKCS1_PADDING": ["rsa_padding_mode:pkcs1"], "RSA_NO_PADDING": ["rsa_padding_mode:none"],
                "RSA_PKCS1_PSS_PADDING": ["rsa_padding_mode:pss", "rsa_pss_saltlen:digest", "digest:" + digest],
                "ECDSA": []}[words[0]]
        raw = words[0] == "RSA_NO_PADDING"
        command = ["openssl", "pkeyutl", "-decrypt" if raw else "-sign", "-inkey", key]
        for option in mode:
            command += ["-pkeyopt", option]
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout


class Dialogue:
    def __init__(self, where, raw):
        self.where = where
        self.raw = raw
        self.peers = [Peer(where)]
        self.peer = self.peers[0]
        self.hidden = None

    def collect(self, matches, printing=True):
        deadline = time.time() + LIMIT_S
        while True:
            line = self.peer.line(deadline)
            if line is None:
                print("< [closed]")
                return
            found = matches(line.rstrip(b"\r\n").decode("utf-8", "replace"))
            if self.hidden and self.hidden.search(line.decode("utf-8", "replace")):
                continue
            if printing is True and found != "silent" or printing == "match" and found is True:
                show(line, self.raw)
            if found:
                return

    def sync(self, printing=True):
        self.peer.send(b"mute\n")
        self.collect(lambda t: "silent" if t.startswith("SUCCESS: mute=") else False, printing)

    def sign(self, key):
        asked = []
        self.collect(lambda t: re.match(r">(PK|RSA)_SIGN:", t) and (asked.append(t) or True))
        data, _, algorithm = asked[0].split(":", 1)[1].partition(",")
        made = base64.b64encode(signature(key, base64.b64decode(data), algorithm or "RSA_PKCS1_PADDING")).decode()
        lines = [made[i:i + 64] for i in range(0, len(made), 64)]
        self.peer.send(("pk-sig\n" + "\n".join(lines) + "\nEND\n").encode())

    def special(self, word, rest):
        if word == "raw":
            self.peer.send(unescape(rest))
        elif word in ("expect", "until"):
            self.collect(lambda t: bool(re.search(rest, t)), True if word == "expect" else "match")
        elif word in ("sync", "drain"):
            self.sync(word == "sync")
        elif word == "open":
            self.peer = Peer(self.where)
            self.peers.append(self.peer)
        elif word == "use":
            self.peer = self.peers[int(rest) - 1]
        elif word == "shut":
            self.peer.sock.shutdown(socket.SHUT_WR)
        elif word == "eof":
            self.collect(lambda t: False)
        elif word == "sign":
            self.sign(named(rest))
        elif word == "certificate":
            self.collect(lambda t: t.startswith(">NEED-CERTIFICATE:"))
            with open(named(rest)) as pem:
                self.peer.send(("certificate\n" + pem.read() + "END\n").encode())
        elif word == "hide":
            self.hidden = re.compile(rest)
        elif word == "wait":
            time.sleep(float(rest))
        else:
            sys.exit("unknown directive @" + word)

    def run(self, lines):
        for line in lines:
            line = line.rstrip("\n")
            if not line or line.startswith("# "):
                continue
            print("> " + line)
            if line.startswith("@"):
                word, _, rest = line[1:].partition(" ")
                self.special(word, rest)
            else:
                self.peer.send(unescape(line[1:]) if line.startswith("\\") else line.encode() + b"\n")
                self.sync()
            sys.stdout.flush()


def main():
    arguments = [a for a in sys.argv[1:] if a != "--raw"]
    with open(arguments[1]) if len(arguments) > 1 else sys.stdin as script:
        lines = script.readlines()
    try:
        Dialogue(arguments[0], "--raw" in sys.argv).run(lines)
    except (TimeoutError, OSError) as error:
        print("< [%s]" % error)
        sys.exit(1)


if __name__ == "__main__":
    main()
