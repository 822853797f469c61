#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares vpnd with the installed openvpn (and wireguard-go where it is installed) in one run.

For each candidate two network namespaces joined by a veth pair; the load generator shares the machine with both ends.
All tunnels of a case are up at the same time and are measured in turns, so that what disturbs the machine disturbs
everybody; medians and ratios to openvpn are printed and written as JSON. TCP uses cubic.
Without options: UDP, TUN, AES-256-GCM, three runs, a few minutes. Needs root, iperf3, ping, ip, ethtool, openssl.
WIREGUARD_GO=PATH names a wireguard-go that is not on the search path.

  compare.py --mixed                    also vpnd at one end and openvpn at the other
  compare.py --proto tcp --device tap --cipher AES-256-CBC --measure tcp,ping --runs 1
  compare.py --wire                     packets as on a wire: no segmentation offload between the ends
  compare.py --extra 'tun-mtu 48000;mssfix 0'
  compare.py --full --json all.json     every transport, device and cipher, with and without offload (23 minutes)

Measurements: tcp (one stream up, CPU seconds per gigabyte), reverse (down), streams (four), small (64-byte UDP
packets), ping (idle and during a transfer).
"""
import argparse
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

TICK = os.sysconf("SC_CLK_TCK")


def run(*command, check=True, timeout=60):
    return subprocess.run(command, check=check, timeout=timeout, capture_output=True, text=True)


class Network:
    """[s] 10.99.0.1 --- veth --- 10.99.0.2 [c]"""

    made = 0 # in this run; each has names of its own

    def __init__(self, offload):
        Network.made += 1
        self.tag = f"vb{os.getpid():x}x{Network.made:x}"
        self.names = {end: f"{self.tag}-{end}" for end in "sc"}
        for name in self.names.values():
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        run("ip", "link", "add", "e0", "netns", self.names["s"], "type", "veth", "peer", "name", "e0", "netns",
            self.names["c"])
        for end, address in (("s", "10.99.0.1/24"), ("c", "10.99.0.2/24")):
            run("ip", "-n", self.names[end], "addr", "add", address, "dev", "e0")
            run("ip", "-n", self.names[end], "link", "set", "e0", "up")
            self.start_without_pacing(end)
            if not offload:
                # tx-udp-segmentation is none of those that "gso" stands for
                for feature in ("gso", "tso", "gro", "tx-udp-segmentation"):
                    self.inside(end, "ethtool", "-K", "e0", feature, "off")

    def start_without_pacing(self, end):
        """A socket that is born with bbr, the default of some hosts, keeps bbr's pacing after it was told to use cubic.
        What a namespace may choose for itself is up to its host: reno, and mostly cubic."""
        for name in ("cubic", "reno"):
            if self.inside(end, "sysctl", "-qw", f"net.ipv4.tcp_congestion_control={name}", check=False).returncode == 0:
                return

    def inside(self, end, *command, **options):
        return run("ip", "netns", "exec", self.names[end], *command, **options)

    def spawn(self, end, log, *command):
        with open(log, "ab") as out:
            return subprocess.Popen(("ip", "netns", "exec", self.names[end], *command), stdout=out, stderr=out,
                                    stdin=subprocess.DEVNULL)

    def close(self):
        for name in self.names.values():
            run("ip", "netns", "del", name, check=False)


def make_pki(folder):
    def openssl(*args):
        subprocess.run(("openssl",) + args, cwd=folder, check=True, capture_output=True)

    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl("req", "-x509", *curve, "-days", "30", "-subj", "/CN=bench CA", "-keyout", "ca.key", "-out", "ca.crt")
    for name, usage in (("server", "serverAuth"), ("client", "clientAuth")):
        with open(f"{folder}/{name}.ext", "w") as ext:
            ext.write(f"basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage={usage}\n")
        openssl("req", *curve, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days",
                "30", "-extfile", f"{name}.ext", "-out", f"{name}.crt")


def configurations(folder, case):
    """The same two files for every program: defaults, but for what the case varies."""
    tap = case["device"] == "tap"
    cipher = case["cipher"]
    shared = f"dev {case['device']}0\nca ca.crt\ndh none\nverb 3\nauth SHA1\n" + case.get("extra", "")
    shared += f"data-ciphers {cipher}\n"
    if "GCM" not in cipher and "POLY" not in cipher:
        shared += f"data-ciphers-fallback {cipher}\n"
    topology = "" if tap else "topology subnet\n"
    server = (shared + topology + f"server 10.77.0.0 255.255.255.0\nproto {case['proto']}"
              f"{'-server' if case['proto'] == 'tcp' else ''}\ncert server.crt\nkey server.key\nkeepalive 10 60\n")
    client = (shared.replace("dh none\n", "") + f"client\nremote 10.99.0.1 1194 {case['proto']}"
              f"{'-client' if case['proto'] == 'tcp' else ''}\nnobind\ncert client.crt\nkey client.key\n")
    for name, text in (("server", server), ("client", client)):
        with open(f"{folder}/{name}.conf", "w") as out:
            out.write(text)


def children(pid):
    found = [pid]
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            for child in f.read().split():
                found += children(int(child))
    except FileNotFoundError:
        pass
    return found


def cpu_seconds(pids):
    total = 0
    for root in pids:
        for pid in children(root):
            try:
                fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
                total += int(fields[11]) + int(fields[12])
            except FileNotFoundError:
                pass
    return total / TICK


def peak_kib(pid):
    best = 0
    for p in children(pid):
        for line in open(f"/proc/{p}/status"):
            if line.startswith("VmHWM"):
                best = max(best, int(line.split()[1]))
    return best


def stop(processes):
    for process in processes:
        for pid in reversed(children(process.pid)):
            try:
                os.kill(pid, signal.SIGTERM)
            except ProcessLookupError:
                pass
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def await_ping(net):
    for _ in range(50):
        if net.inside("c", "ping", "-c", "1", "-W", "1", "10.77.0.1", check=False).returncode == 0:
            return True
    return False


class WireGuard:
    """The same network with wireguard-go: its own way to be configured, no transports, devices or ciphers."""

    def __init__(self, net, folder, program):
        self.net = net
        self.names = {end: f"{net.tag}{end}" for end in "sc"} # its control sockets share one folder
        keys = {end: run("wg", "genkey").stdout.strip() for end in "sc"}
        public = {end: subprocess.run(("wg", "pubkey"), input=keys[end], capture_output=True, text=True,
                                      check=True).stdout.strip() for end in "sc"}
        self.server, self.client = (
            net.spawn(end, f"{folder}/wireguard.log", program, "-f", self.names[end]) for end in "sc")
        for end, other in ("sc", "cs"):
            name, key_file = self.names[end], f"{folder}/wg-{end}.key"
            with open(key_file, "w") as out:
                out.write(keys[end])
            for _ in range(100):
                if net.inside(end, "ip", "link", "show", name, check=False).returncode == 0:
                    break
                time.sleep(0.05)
            peer = ["peer", public[other], "allowed-ips", "10.77.0.0/24"]
            if end == "c":
                peer += ["endpoint", "10.99.0.1:1194"]
            net.inside(end, "wg", "set", name, "private-key", key_file, "listen-port", "1194", *peer)
            net.inside(end, "ip", "addr", "add", f"10.77.0.{1 if end == 's' else 2}/24", "dev", name)
            net.inside(end, "ip", "link", "set", name, "up")
        if not await_ping(net):
            self.close()
            raise RuntimeError("no ping through wireguard-go")

    @property
    def pids(self):
        return [self.server.pid, self.client.pid]

    def close(self):
        stop((self.client, self.server))


class Tunnel:
    """One server and one client process, up and answering pings."""

    def __init__(self, net, folder, programs, case):
        self.net = net
        self.logs = {end: f"{folder}/{net.tag}-{end}.log" for end in ("server", "client")}
        configurations(folder, case)
        self.server = net.spawn("s", self.logs["server"], programs[0], "--cd", folder, "--config", "server.conf")
        self.await_line("server", "Initialization Sequence Completed")
        self.client = net.spawn("c", self.logs["client"], programs[1], "--cd", folder, "--config", "client.conf")
        self.await_line("client", "Initialization Sequence Completed")
        if not await_ping(net):
            self.close()
            raise RuntimeError(f"no ping through {programs}")

    def await_line(self, end, text):
        deadline = time.time() + 30
        while time.time() < deadline:
            if text in open(self.logs[end], errors="replace").read():
                return
            time.sleep(0.05)
        self.close()
        raise RuntimeError(f"{end}: no '{text}'; log:\n" + open(self.logs[end], errors="replace").read()[-2000:])

    @property
    def pids(self):
        return [self.server.pid, self.client.pid]

    def close(self):
        stop([p for p in (getattr(self, "client", None), getattr(self, "server", None)) if p])


def congestion_control():
    """Linux's own default, whatever this host's is: a namespace may not choose it for itself."""
    with open("/proc/sys/net/ipv4/tcp_available_congestion_control") as f:
        return ("-C", "cubic") if "cubic" in f.read().split() else ()


def iperf(tunnel, seconds, *options):
    """One iperf3 run. Returns (result, CPU seconds of the server and of the client)."""
    net = tunnel.net
    listener = net.spawn("s", "/dev/null", "iperf3", "-s", "-1", "-B", "10.77.0.1")
    for _ in range(100):
        if ":5201" in net.inside("s", "ss", "-ltn").stdout:
            break
        time.sleep(0.05)
    if "-u" not in options:
        options += congestion_control()
    before = [cpu_seconds([pid]) for pid in tunnel.pids]
    out = net.inside("c", "iperf3", "-c", "10.77.0.1", "-J", "-t", str(seconds), *options, check=False,
                     timeout=seconds + 30)
    spent = [cpu_seconds([pid]) - was for pid, was in zip(tunnel.pids, before)]
    try:
        listener.wait(5)
    except subprocess.TimeoutExpired:
        stop([listener])
    result = json.loads(out.stdout)
    if "error" in result:
        raise RuntimeError(result["error"])
    return result["end"], spent


def ping_median(tunnel, count, interval):
    out = tunnel.net.inside("c", "ping", "-c", str(count), "-i", str(interval), "10.77.0.1").stdout
    return statistics.median(float(t) for t in re.findall(r"time=([0-9.]+)", out))


def ping_loaded(tunnel, seconds):
    """Median of the pings during a transfer."""
    listener = tunnel.net.spawn("s", "/dev/null", "iperf3", "-s", "-1", "-B", "10.77.0.1")
    time.sleep(0.3)
    source = tunnel.net.spawn("c", "/dev/null", "iperf3", "-c", "10.77.0.1", "-t", str(seconds + 1),
                              *congestion_control())
    time.sleep(0.5)
    median = ping_median(tunnel, seconds * 20, 0.05)
    source.wait(30)
    listener.wait(10)
    return median


def measure(tunnel, seconds, wanted):
    row = {}
    if "tcp" in wanted:
        end, cpu = iperf(tunnel, seconds)
        row["tcp_gbit"] = end["sum_received"]["bits_per_second"] / 1e9
        gigabytes = end["sum_received"]["bytes"] / 1e9
        row["cpu_s_per_gb"] = sum(cpu) / gigabytes
        row["server_cpu"], row["client_cpu"] = (end_cpu / gigabytes for end_cpu in cpu)
    if "reverse" in wanted:
        end, _ = iperf(tunnel, seconds, "-R")
        row["tcp_down_gbit"] = end["sum_received"]["bits_per_second"] / 1e9
    if "streams" in wanted:
        end, _ = iperf(tunnel, seconds, "-P", "4")
        row["tcp4_gbit"] = end["sum_received"]["bits_per_second"] / 1e9
    if "small" in wanted:
        end, _ = iperf(tunnel, seconds, "-u", "-b", "0", "-l", "64")
        s = end["sum"]
        row["small_kpps"] = (s["packets"] - s["lost_packets"]) / s["seconds"] / 1e3
    if "ping" in wanted:
        row["ping_ms"] = ping_median(tunnel, 50, 0.01)
        row["ping_loaded_ms"] = ping_loaded(tunnel, seconds)
    row["server_peak_mib"] = peak_kib(tunnel.server.pid) / 1024
    return row


def medians(rows):
    return {key: statistics.median(r[key] for r in rows) for key in (rows[0] if rows else ())}


LESS_IS_BETTER = {"cpu_s_per_gb", "server_cpu", "client_cpu", "ping_ms", "ping_loaded_ms", "server_peak_mib"}


def ratio(key, row, base):
    if not row.get(key) or not base.get(key):
        return "-"
    return f"{base[key] / row[key] if key in LESS_IS_BETTER else row[key] / base[key]:.2f}x"


def report(title, table, base):
    print(f"\n{title}")
    keys = list(dict.fromkeys(key for row in table.values() for key in row))
    print("  " + "".ljust(22) + "".join(k.rjust(16) for k in keys))
    for name, row in table.items():
        print("  " + name.ljust(22) + "".join((f"{row[k]:.3f}" if k in row else "failed").rjust(16) for k in keys))
    for name, row in table.items():
        if name != base and base in table:
            print("  " + f"{name}: better by".ljust(22) +
                  "".join(ratio(k, row, table[base]).rjust(16) for k in keys))
    sys.stdout.flush()


def cases(args):
    if not args.full:
        yield {"proto": args.proto, "device": args.device, "cipher": args.cipher, "wire": args.wire}
        return
    for proto in ("udp", "tcp"):
        for device in ("tun", "tap"):
            for cipher in ("AES-256-GCM", "CHACHA20-POLY1305", "AES-256-CBC"):
                for wire in (False, True):
                    yield {"proto": proto, "device": device, "cipher": cipher, "wire": wire}


def open_tunnel(net, folder, programs, case):
    return Tunnel(net, folder, programs, case) if len(programs) == 2 else WireGuard(net, folder, *programs)


def measure_case(case, wanted, pairs, folder, args):
    """All candidates in turns. Returns the rows of each; a candidate that fails has fewer, and the reason is shown."""
    rows = {name: [] for name in pairs}
    nets, tunnels = [], {}

    def attempt(name, action, *arguments):
        try:
            return action(*arguments)
        except (RuntimeError, ValueError, subprocess.SubprocessError, statistics.StatisticsError) as e:
            print(f"{name}: {e}", file=sys.stderr)
            return None

    try:
        for name, programs in pairs.items():
            nets.append(Network(offload=not case["wire"]))
            tunnel = attempt(name, open_tunnel, nets[-1], folder, programs, case)
            if tunnel:
                tunnels[name] = tunnel
        for _ in range(args.runs):
            for name, tunnel in tunnels.items():
                row = attempt(name, measure, tunnel, args.seconds, wanted)
                if row:
                    rows[name].append(row)
    finally:
        for tunnel in tunnels.values():
            tunnel.close()
        for net in nets:
            net.close()
    return rows


def main():
    top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--vpnd", default=f"{top}/build/src/vpnd")
    p.add_argument("--openvpn", default=shutil.which("openvpn") or "/usr/sbin/openvpn")
    p.add_argument("--proto", default="udp")
    p.add_argument("--device", default="tun")
    p.add_argument("--cipher", default="AES-256-GCM")
    p.add_argument("--extra", default="", help="further configuration lines, separated by ';', for both ends")
    p.add_argument("--measure", default="tcp,reverse,streams,small,ping")
    p.add_argument("--runs", type=int, default=3)
    p.add_argument("--seconds", type=int, help="length of each measurement: 4, with --full 1")
    p.add_argument("--wire", action="store_true", help="veth without gso, tso and gro: packets as on a wire")
    p.add_argument("--mixed", action="store_true", help="also vpnd at one end and openvpn at the other")
    p.add_argument("--full", action="store_true", help="every transport, device and cipher")
    p.add_argument("--only", help="comma list of candidates, e.g. vpnd")
    p.add_argument("--json", help="also write everything to this file")
    args = p.parse_args()

    pairs = {"openvpn": (args.openvpn, args.openvpn), "vpnd": (args.vpnd, args.vpnd)}
    if args.mixed:
        pairs["vpnd server"] = (args.vpnd, args.openvpn)
        pairs["vpnd client"] = (args.openvpn, args.vpnd)
    args.seconds = args.seconds or (1 if args.full else 4)
    wireguard = os.environ.get("WIREGUARD_GO") or shutil.which("wireguard-go")
    if wireguard and shutil.which("wg"):
        pairs["wireguard-go"] = (wireguard,)
    if args.only:
        pairs = {k: v for k, v in pairs.items() if k in args.only.split(",")}
    for programs in pairs.values():
        for program in programs:
            if not os.access(shutil.which(program) or program, os.X_OK):
                sys.exit(f"{program}: not there; build first, or see --vpnd and --openvpn")

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1)) # cleans up, too
    written = []
    began = time.monotonic()
    folder = tempfile.mkdtemp(prefix="vpnd-bench-")
    make_pki(folder)
    try:
        for case in cases(args):
            case["extra"] = "".join(line.strip() + "\n" for line in args.extra.split(";") if line.strip())
            ours = case["proto"], case["device"], case["cipher"], case["extra"]
            plain = ours == ("udp", "tun", "AES-256-GCM", "") # what can be compared with wireguard-go
            taking_part = {n: p for n, p in pairs.items() if n != "wireguard-go" or plain}
            rows = measure_case(case, args.measure.split(","), taking_part, folder, args)
            table = {name: medians(r) for name, r in rows.items()}
            title = f"{case['proto']} {case['device']} {case['cipher']}" + (" (wire)" if case["wire"] else "")
            report(title, table, "openvpn")
            written.append({"case": case, "medians": table, "runs": rows})
            if args.json: # after each case, so that what was measured is not lost
                with open(args.json, "w") as out:
                    json.dump(written, out, indent=1)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"\n{time.monotonic() - began:.0f} seconds")


if __name__ == "__main__":
    main()
