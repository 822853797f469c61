#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The table of options against the list of OpenVPN's directives (openvpn-options.tsv: name, priority).

A and B have to work and be named in at least one test; C and X work, or are accepted with a warning, or are refused
with a reason. An option that is parsed has to be used: its field is read somewhere outside src/config, or the list
below says why that is not needed. What a reload (SIGHUP) does with an option is in its row, too: LIVE, KEYS, NETWORK or
none of them (options.h); here it is compared with who reads the option.
"""
import os
import pathlib
import re
import subprocess
import sys

TOP = pathlib.Path(os.environ.get("SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
BUILD = pathlib.Path(os.environ.get("BUILD_DIR", TOP / "build"))

# Fields that end in src/config: expanded there into other options, or decided there.
INSIDE = {
    "compat_mode": "changes defaults in compat.c",
    "providers": "loaded in compat.c before ciphers are looked up",
    "keepalive": "helper: ping and ping-restart",
    "server_ipv6": "helper: ifconfig-ipv6, pool and pushes",
    "server_bridge": "helper: pool and pushes",
    "tcp_nodelay": "helper: a push",
    "push_remove": "removes pushes when it is read",
    "tls_client": "the negation of tls_server",
    "disable_occ": "tells peers nothing: validate refuses it outside of p2p",
    "route_nopull": "filters in push.c",
    "route_table": "goes into each route that follows",
    "allow_pull_fqdn": "judged in push.c",
    "http_proxy_override": "replaces the proxies in connections.c",
    "setenv_safe": "goes into setenv",
    "data_ciphers_given": "compat.c",
    "ping_restart_given": "helper.c",
    "lport_given": "connections.c",
    "ignore_unknown_option": "parse.c",
    "socket_flags": "TCP_NODELAY is always on",
    "tun_mtu_extra": "has no effect on the wire in OpenVPN either",
    "hash_size": "says that it is accepted",
    "bcast_buffers": "says that it is accepted",
    "secret": "ends in an error or names the file of genkey",
    "disable_dco": "says that it is accepted",
    "ping_timer_rem": "the timers run only while there is a peer, always",
}


# Read from the configuration of the start although LIVE.
AT_START = {
    "duplicate_cn": "whether the pool that is made at the start keeps names",
    "push": "a warning of the start",
}

# Read with certificates and keys although not KEYS.
WITH_KEYS = {
    "mode": "server or client cannot change",
    "tls_server": "server or client cannot change",
    "plugin": "plug-ins stay until a restart",
}


def table():
    text = subprocess.run([BUILD / "doc/reference", "table"], check=True, capture_output=True, text=True).stdout
    rows = {}
    for line in text.splitlines():
        name, kind, state, target = line.split("\t")
        rows[name] = (kind, state, target)
    return rows


def read_all(*folders):
    text = []
    for folder in folders:
        for path in sorted((TOP / folder).rglob("*")):
            if path.is_file() and path.suffix in {".c", ".h", ".sh", ".py", ".conf", ".md", ".json", ""}:
                text.append(path.read_text(errors="replace"))
    return "\n".join(text)


def named(name, text):
    return re.search(r"(?:^|[^\w-]|--)" + re.escape(name) + r"(?![\w-])", text, re.M)


def fields():
    for path in sorted((TOP / "src/config").glob("options_*.def")):
        text = path.read_text()
        for row in re.finditer(r'^OPTION\((\w+), "([^"]+)"(.*?)\)$(?=\n[A-Z/]|\s*\Z)', text, re.M | re.S):
            yield row.group(1), row.group(2), bool(re.search(r"\bLATER\b", row.group(3)))
        for row in re.finditer(r"^MEMBER\(.+?, (\w+), \"", text, re.M):
            yield row.group(1), row.group(1), False


def reload_words():
    for path in sorted((TOP / "src/config").glob("options_*.def")):
        for row in re.finditer(r"^OPTION\((\w+), .*?, \d+, \d+,\s*([A-Z|]*FILES[A-Z|]*),", path.read_text(), re.M | re.S):
            yield row.group(1), row.group(2).split("|")


def functions(text):
    return text.split("\n}\n")


def reload_problems():
    where = dict(reload_words())
    for path in sorted((TOP / "src/server").glob("*.c")):
        for body in functions(path.read_text()):
            names = r"(?:server->config|\bconfig)" if re.search(r"= (?:\w+->)*server->config;", body) else "server->config"
            for field in re.findall(names + r"->(?:top\.|client\.)?(\w+)", body):
                words = where.get(field, [])
                if ("LIVE" in words or "KEYS" in words) and field not in AT_START:
                    yield f"{path.name} reads {field} of the configuration of the start, which a reload may change"
    for name in ("src/auth/verify.c", "src/auth/tls_setup.c", "src/auth/tls_files.c", "src/node/settings_keys.c"):
        for field in re.findall(r"(?:config|connection)->(\w+)", (TOP / name).read_text()):
            if field in where and "KEYS" not in where[field] and field not in WITH_KEYS:
                yield f"{name} reads {field}: its row has to say KEYS"


def main():
    if not (TOP / "tests/netns").is_dir():
        print("the system tests are not here")
        return 77
    problems = []
    rows = table()
    tests = read_all("tests")
    tests = tests.replace((TOP / "tests/lint/options.py").read_text(), "")
    for line in (TOP / "tests/lint/openvpn-options.tsv").read_text().splitlines():
        name, priority = line.split("\t")
        if name not in rows:
            problems.append(f"{name} ({priority}): not in the table")
            continue
        kind, state, _ = rows[name]
        if priority in "AB":
            if state != "works" or kind in ("refused", "harmless"):
                problems.append(f"{name} ({priority}): has to work, is {state}, {kind}")
            elif not named(name, tests):
                problems.append(f"{name} ({priority}): named in no test")
    outside = "\n".join(path.read_text(errors="replace") for path in sorted((TOP / "src").rglob("*.[ch]"))
                        if "config" not in path.parts)
    for field, name, later in fields():
        used = re.search(r"(?:->|\.|\b(?:config|config_client|config_connection), )" + field + r"\b", outside)
        if later:
            if re.search(r"config->" + field + r"\b", outside):
                problems.append(f"{name}: refused, but code outside src/config reads {field}")
            continue
        if not used:
            used = field in INSIDE or re.search(r'"' + re.escape(name) + r'"', outside)
        if not used:
            problems.append(f"{name}: parsed, but no code outside src/config reads {field}")
    problems += sorted(set(reload_problems()))
    for problem in problems:
        print(problem)
    print(f"{len(rows)} options, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
