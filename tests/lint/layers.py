#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Folders are layers: an include goes to the same folder or down, and no files include each other in a circle."""
import re
import sys

import source

# What each folder may include besides itself. Everything below counts, so lists name the direct neighbours.
BELOW = {
    "base": [],
    "crypto": ["base"],
    "sys": ["base"],
    "wire": ["crypto"],
    "session": ["wire"],
    "dp": ["wire", "sys"],
    "config": ["wire", "sys"],
    "hooks": ["config"],
    "auth": ["hooks", "session"],
    "mgmt": ["hooks"],
    "node": ["auth", "mgmt", "dp"],
    "client": ["node"],
    "server": ["node"],
    "": ["client", "server"],
}
# Libraries, and where alone their headers may appear.
LIBRARIES = {
    r"uv\.h": ["client", "server", "hooks", "auth", "mgmt", "node"],
    r"openssl/.*": ["crypto", "session/tls", "auth", "standalone"],
    r"urcu.*": ["dp/user"],
    r"libmnl/.*": ["sys"],
    r"microhttpd\.h": ["mgmt"],
    r"systemd/.*": ["sys", "node"],
    r"nftables/.*": ["sys", "node"],
    r"security/.*": ["auth"],
}
PRIVATE = {"dp/user/": "dp/", "dp/fake/": "dp/"}


def reach(folder):
    seen, todo = set(), [folder]
    while todo:
        for below in BELOW[todo.pop()]:
            if below not in seen:
                seen.add(below)
                todo.append(below)
    return seen | {folder}


def layer_of(name):
    return name.split("/")[0] if "/" in name else ""


def circle(graph):
    """One circle of the include graph, or None (depth-first search)."""
    state, path = {}, []

    def visit(node):
        state[node] = "open"
        path.append(node)
        for other in graph[node]:
            if state.get(other) == "open":
                return path[path.index(other):] + [other]
            if other not in state:
                found = visit(other)
                if found:
                    return found
        path.pop()
        state[node] = "done"
        return None

    for node in graph:
        if node not in state:
            found = visit(node)
            if found:
                return found
    return None


def check_include(name, inner, errors):
    layer = layer_of(name)
    if inner:
        other = layer_of(inner)
        if other not in BELOW:
            errors.append(f"src/{name}: {inner} belongs to no known layer")
        elif other not in reach(layer):
            errors.append(f"src/{name}: includes {inner}, which lies above it or beside it")
        for prefix, home in PRIVATE.items():
            if inner.startswith(prefix) and not name.startswith(home):
                errors.append(f"src/{name}: {inner} is private to src/{home}")


def main():
    sys.setrecursionlimit(10000)
    errors, graph = [], {}
    names = [path[len("src/"):] for path in source.files("src", ".c", ".h")]
    known = set(names)
    for name in names:
        text = source.read("src/" + name)
        inner = re.findall(r'^\s*#\s*include\s+"([^"]+)"', text, flags=re.M)
        graph[name] = [i for i in inner if i in known]
        for i in inner:
            if i not in known and not i.endswith(".def") and i != "config.h":
                errors.append(f"src/{name}: {i} does not exist")
            elif i in known:
                check_include(name, i, errors)
        for outer in re.findall(r"^\s*#\s*include\s+<([^>]+)>", text, flags=re.M):
            for pattern, places in LIBRARIES.items():
                if re.fullmatch(pattern, outer) and not any(name.startswith(place) for place in places):
                    errors.append(f"src/{name}: <{outer}> may be included only below {', '.join(places)}")
    found = circle(graph)
    if found:
        errors.append("files include each other in a circle: " + " -> ".join(found))
    return source.finish("layers", errors)


sys.exit(main())
