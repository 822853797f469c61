#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Client profiles of the kinds that providers, appliances and install scripts publish, with test keys.

profiles.py list             one line for each profile: NUMBER NAME
profiles.py write DIR KEYS   write them to DIR/NUMBER/client.ovpn; KEYS holds the test PKI

Each kind is a server (see tests/interop/client_profiles.sh) and the directives that such files have, in their order and
spelling. Each kind comes in several packings: everything inline, files beside it, Windows line ends, another order of
lines, a long list of remotes.
"""
import os
import random
import sys

# server: protocol, port, how the control channel is wrapped, what the client shows
SERVERS = {
    "auth-udp": ("udp", 1194, "tls-auth", "password"),
    "crypt-udp": ("udp", 1195, "tls-crypt", "password"),
    "auth-tcp": ("tcp", 443, "tls-auth", "password"),
    "plain-net30": ("udp", 1197, None, "certificate"),
    "fragment": ("udp", 1198, "tls-auth", "both"),
    "crypt-v2": ("udp", 1199, "tls-crypt-v2", "certificate"),
    "plain-tcp": ("tcp", 1443, None, "both"),
    "crypt-cert": ("udp", 1200, "tls-crypt", "certificate"),
    "dual": ("udp", 1201, "tls-crypt", "certificate"),
}

COMMON = ["client", "dev tun", "nobind", "persist-key", "persist-tun", "remote-cert-tls server", "resolv-retry infinite"]

# name, server, lines; "@remote" stands for the remote lines
KINDS = [
    ("many-servers", "auth-udp", """client|dev tun|proto udp|@remote|resolv-retry infinite|remote-random|nobind|tun-mtu 1500
        |tun-mtu-extra 32|mssfix 1450|persist-key|persist-tun|ping 15|ping-restart 0|ping-timer-rem|reneg-sec 0|comp-lzo no
        |verify-x509-name server name|remote-cert-tls server|auth-user-pass login|verb 3|pull|fast-io
        |cipher AES-256-CBC|auth SHA512|key-direction 1"""),
    ("app-export", "crypt-udp", """client|dev tun|proto udp|@remote|remote-random|resolv-retry infinite|nobind
        |cipher AES-256-GCM|setenv CLIENT_CERT 0|tun-mtu 1500|mssfix 0|persist-key|persist-tun|reneg-sec 0
        |remote-cert-tls server|auth-user-pass login|script-security 2"""),
    ("strong", "crypt-udp", """client|dev tun|resolv-retry infinite|nobind|persist-key|persist-tun|verb 3
        |remote-cert-tls server|ping 10|ping-restart 60|sndbuf 524288|rcvbuf 524288|cipher AES-256-GCM|tls-version-min 1.2
        |tls-cipher TLS-ECDHE-ECDSA-WITH-AES-256-GCM-SHA384:TLS-DHE-RSA-WITH-AES-256-GCM-SHA384|tun-ipv6|@remote|proto udp
        |auth-user-pass login|script-security 2"""),
    ("fragmenting", "fragment", """dev tun|fast-io|persist-key|persist-tun|nobind|@remote|remote-random|pull|comp-lzo no
        |tls-client|verify-x509-name server name-prefix|remote-cert-tls server|key-direction 1|route-method exe|route-delay 1
        |tun-mtu 1500|fragment 1300|mssfix 1200|verb 3|cipher AES-256-CBC|keysize 256|auth SHA512|sndbuf 524288|rcvbuf 524288
        |auth-user-pass login"""),
    ("minimal-old", "plain-net30", """client|dev tun|proto udp|@remote|resolv-retry infinite|nobind|persist-key|persist-tun
        |cipher aes-128-cbc|auth sha1|tls-client|remote-cert-tls server|verb 1|reneg-sec 0|disable-occ"""),
    ("http-port", "auth-tcp", """client|dev tun|proto tcp|@remote|resolv-retry infinite|nobind|persist-key|persist-tun
        |remote-cert-tls server|auth-user-pass login|comp-lzo no|verb 3|cipher AES-256-CBC|auth SHA512|key-direction 1
        |mute 10|auth-nocache|tls-exit|route-metric 1|mute-replay-warnings"""),
    ("install-script", "crypt-cert", """client|dev tun|proto udp|@remote|resolv-retry infinite|nobind|persist-key|persist-tun
        |remote-cert-tls server|auth SHA512|ignore-unknown-option block-outside-dns block-ipv6|verb 3"""),
    ("install-script-2", "crypt-v2", """client|proto udp|explicit-exit-notify|@remote|dev tun|resolv-retry infinite|nobind
        |persist-key|persist-tun|remote-cert-tls server|verify-x509-name server name|auth SHA256|auth-nocache|cipher AES-128-GCM
        |ignore-unknown-option data-ciphers|data-ciphers AES-128-GCM:AES-256-GCM|ncp-ciphers AES-128-GCM|tls-client
        |tls-version-min 1.2|tls-cipher TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256
        |tls-ciphersuites TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256
        |ignore-unknown-option block-outside-dns|setenv opt block-outside-dns|verb 3"""),
    ("container", "plain-net30", """client|nobind|dev tun|remote-cert-tls server|@remote|key-direction 1|cipher AES-128-CBC
        |auth SHA1|redirect-gateway def1"""),
    ("firewall-appliance", "plain-tcp", """dev tun|persist-tun|persist-key|data-ciphers AES-256-GCM:AES-128-GCM:CHACHA20-POLY1305:AES-256-CBC
        |data-ciphers-fallback AES-256-CBC|auth SHA1|tls-client|client|resolv-retry infinite|@remote|nobind
        |verify-x509-name "server" name|auth-user-pass login|remote-cert-tls server|explicit-exit-notify"""),
    ("router", "plain-tcp", """client|dev tun|proto tcp-client|@remote|nobind|persist-key|persist-tun|tls-client
        |remote-cert-tls server|verb 4|mute 10|cipher AES-256-CBC|auth SHA1|auth-user-pass login|auth-nocache
        |redirect-gateway def1 bypass-dhcp|ping 15|ping-restart 45"""),
    ("access-server", "crypt-cert", """setenv FORWARD_COMPATIBLE 1|client|server-poll-timeout 4|nobind|@remote|dev tun
        |dev-type tun|ns-cert-type server|setenv opt tls-version-min 1.0 or-highest|reneg-sec 604800|sndbuf 100000
        |rcvbuf 100000|verb 3|setenv PUSH_PEER_INFO|setenv UV_ASCLI_VER 1|setenv opt data-ciphers-fallbacks AES-256-CBC"""),
    ("windows", "auth-udp", """client|dev tun|proto udp|@remote|resolv-retry infinite|nobind|persist-key|persist-tun
        |persist-remote-ip|auth-user-pass login|comp-lzo no|verb 3|route-method exe|route-delay 0|ip-win32 dynamic|fast-io
        |register-dns|dhcp-option DNS 10.71.0.1|setenv opt block-outside-dns|tap-sleep 2|remote-cert-tls server
        |cipher AES-256-CBC|auth SHA512|key-direction 1|keysize 256"""),
    ("filters", "crypt-udp", """client|dev tun|proto udp4|@remote|nobind|auth-user-pass login|pull-filter ignore "dhcp-option DNS"
        |pull-filter ignore "route-ipv6"|pull-filter ignore "ifconfig-ipv6"|pull-filter accept "route"|auth-retry nointeract
        |remote-cert-tls server|compress|inactive 3600|connect-retry 1 5|connect-retry-max 5|connect-timeout 20|passtos
        |explicit-exit-notify 2"""),
    ("blocks", "dual", """client|dev tun|nobind|persist-tun|remote-cert-tls server|verb 3|@connection|data-ciphers
        AES-256-GCM:CHACHA20-POLY1305|auth-nocache|float|hand-window 30|tran-window 1200|reneg-bytes 0"""),
    ("six", "dual", """client|dev tun|proto udp6|@remote6|nobind|remote-cert-tls server|verb 2|redirect-gateway def1 ipv6
        |block-ipv6|route-ipv6 fd55::/64|mssfix"""),
    ("company", "crypt-cert", """client|dev tun|proto udp|@remote|nobind|remote-cert-tls server|verify-x509-name server name
        |route-nopull|route 10.55.0.0 255.255.0.0|route 10.56.1.1|route 10.57.0.0 255.255.0.0 vpn_gateway 50
        |route-ipv6 fd56::/64|dhcp-option DOMAIN corp.example|dhcp-option DNS 10.55.0.53|max-routes 200|reneg-sec 0|mute 20
        |tls-version-max 1.3|allow-compression no|user nobody|group nogroup"""),
]
PACKINGS = ["inline", "files", "windows", "shuffled", "long-list", "files-long-list"]
# Lines whose place matters to others or that only make sense once.
FIXED = ("client", "dev ", "proto ", "@", "setenv FORWARD", "ignore-unknown")


def profiles():
    """(number, name, kind, packing) of about a hundred."""
    found = []
    for kind in KINDS:
        for packing in PACKINGS:
            if packing.endswith("long-list") and any(mark in kind[2] for mark in ("@connection", "@remote6")):
                continue
            found.append((len(found) + 1, f"{kind[0]}-{packing}", kind, packing))
    return found


def remote_lines(server, packing, text):
    proto, port, _, _ = SERVERS[server]
    if packing.endswith("long-list"):
        return [f"remote 10.98.{i // 200}.{i % 200 + 1} {port} {proto}" for i in range(63)]
    return [f"remote 10.99.0.1 {port}" + ("" if "|proto" in text else f" {proto}4")]


def connection_lines(server):
    proto, port, _, _ = SERVERS[server]
    return [line for address in ("10.99.0.1", "fd99::1")
            for line in ("<connection>", f"remote {address} {port} {proto}", "connect-timeout 5", "</connection>")]


def key_options(server, text):
    _, _, wrap, shows = SERVERS[server]
    options = [("ca", "ca.crt")]
    if shows in ("certificate", "both"):
        options += [("cert", "client1.crt"), ("key", "client1.key")]
    if wrap:
        name = {"tls-auth": "static.key", "tls-crypt": "static.key", "tls-crypt-v2": "v2-client.key"}[wrap]
        options.append((wrap, name))
    return options


def inline(keys, option, name):
    with open(os.path.join(keys, name), encoding="utf-8") as f:
        return [f"<{option}>"] + f.read().rstrip("\n").split("\n") + [f"</{option}>"]


def compose(kind, packing, keys):
    """Lines of the file, and the names of key files that have to lie beside it."""
    _, server, text = kind
    lines = [" ".join(line.split()) for line in text.split("|")]
    if packing == "shuffled":
        free = [line for line in lines if not line.startswith(FIXED)]
        random.Random(kind[0]).shuffle(free)
        lines = [line if line.startswith(FIXED) else free.pop() for line in lines]
    out = []
    for line in lines:
        if line == "@remote":
            out += remote_lines(server, packing, text)
        elif line == "@remote6":
            out.append(f"remote fd99::1 {SERVERS[server][1]}")
        elif line == "@connection":
            out += connection_lines(server)
        else:
            out.append(line)
    beside = ["login"]
    for option, name in key_options(server, text):
        if packing.startswith("files"):
            one = " 1" if option == "tls-auth" and "key-direction" not in text else ""
            out.append(f"{option} {name}{one}")
            beside.append(name)
        else:
            out += inline(keys, option, name)
    if SERVERS[server][2] == "tls-auth" and "key-direction" not in text and not packing.startswith("files"):
        out.append("key-direction 1")
    return out, beside


def write(directory, keys):
    for number, _, kind, packing in profiles():
        here = os.path.join(directory, str(number))
        os.makedirs(here)
        lines, beside = compose(kind, packing, keys)
        end = "\r\n" if packing == "windows" else "\n"
        with open(os.path.join(here, "client.ovpn"), "w", encoding="utf-8", newline="") as f:
            f.write(("\ufeff# a comment\r\n" if packing == "windows" else "") + end.join(lines) + end)
        for name in beside:
            os.symlink(os.path.join(keys, name), os.path.join(here, name))


if sys.argv[1] == "list":
    for number, name, kind, _ in profiles():
        print(number, name, kind[1])
else:
    write(sys.argv[2], sys.argv[3])
