#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Real DNS servers for tests: two that are authoritative, BIND on 127.0.0.1 and Knot on 127.0.0.13, on the
same port, and a caching resolver (BIND) on another. Both of the former take updates that are signed with the
key "herd-test".

  dns.py run DIR [--standard]   start them, print KEY=VALUE lines and an empty one, end them and remove what
                                they wrote when stdin ends. --standard: on port 53, the resolver on
                                127.0.0.11, which must be an address of the machine (named wants that)

DIR is the caller's. The zones are below; `both.test` has a primary on each server, which know nothing of
each other; nobody listens on 127.0.0.14."""

import argparse
import base64
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time

BIND, KNOT, NOBODY = "127.0.0.1", "127.0.0.13", "127.0.0.14"
STANDARD_RESOLVER = "127.0.0.11"
ATTEMPTS = 3  # another program may take a port between our look and the server's bind
START_TIMEOUT = 30
KEY = "herd-test"

HEAD = "$TTL 60\n@ SOA ns1 admin 1 3600 600 86400 {minimum}\n"
BIG = "".join(f'big TXT "{number:04}-{"x" * 60}"\n' for number in range(100))
ZONES = {
    # The name → (servers, who of them takes updates, records).
    "example.test": ((BIND,), (BIND,), f"""@ NS ns1
ns1 A {BIND}
www A 192.0.2.1
www AAAA 2001:db8::1
alias CNAME www
four A 192.0.2.1
elsewhere A 192.0.2.4
nobody A 192.0.2.9
private A 127.0.0.1
away CNAME www.auth.test.
_acme-challenge.cname CNAME token.auth.test.
_acme-challenge.two CNAME _acme-challenge.cname
_acme-challenge.circle CNAME _acme-challenge.circle2
_acme-challenge.circle2 CNAME _acme-challenge.circle
child NS ns.child
ns.child A {KNOT}
strings TXT "one " "two"
strings TXT "three"
pinned CAA 0 issue "other.example"
pinned CAA 0 issue " CA.example ; accounturi = https://ca.example/acct/1; validationmethods=dns-01,tls-alpn-01; policy=x;"
pinned CAA 0 iodef "mailto:admin@example.test"
host.pinned A 192.0.2.3
alias-of-pinned CNAME pinned
wild CAA 0 issue ";"
wild CAA 0 issuewild "ca.example"
twice CAA 0 issue "ca.example; accounturi=https://ca.example/acct/1; accounturi=https://ca.example/acct/1"
malformed CAA 0 issue "ca.example; %%%"
report CAA 0 iodef "mailto:admin@example.test"
hostile CAA 0 issue "\\027[31m"
round CNAME round2
round2 CNAME round
{BIG}"""),
    "child.example.test": ((KNOT,), (KNOT,), f"@ NS ns\nns A {KNOT}\n"),
    "auth.test": ((KNOT,), (KNOT,), f"@ NS ns1\nns1 A {KNOT}\nwww A 192.0.2.2\n"),
    "both.test": ((BIND, KNOT), (BIND, KNOT), f"@ NS ns1\n@ NS ns2\nns1 A {BIND}\nns2 A {KNOT}\n"),
    "half.test": ((BIND,), (BIND,), f"@ NS ns1\n@ NS ns2\nns1 A {BIND}\nns2 A {NOBODY}\n"),
    # Known to the resolver, not to its servers.
    "dead.test": ((BIND,), (), f"@ NS ns1\nns1 A {NOBODY}\n"),
    "lame.test": ((BIND,), (), f"@ NS ns1\nns1 A {KNOT}\n"),
    "locked.test": ((BIND, KNOT), (), f"@ NS ns1\n@ NS ns2\nns1 A {BIND}\nns2 A {KNOT}\n"),
    "caa.test": ((BIND, KNOT), (), f"""@ NS ns1
@ NS ns2
ns1 A {BIND}
ns2 A {KNOT}
@ CAA 0 issue "ca.example"
@ CAA 0 IssueWild ";"
@ CAA 128 unknown "x"
"""),
}


def bind_zone(name, address):
    servers, updated, _ = ZONES[name]
    policy = f'update-policy {{ grant {KEY}. zonesub TXT; }};' if address in updated else ""
    return f'zone "{name}" {{ type primary; file "{name}.zone"; {policy} }};'


def bind_options(address, port, more):
    return f"""options {{ directory "."; listen-on port {port} {{ {address}; }}; listen-on-v6 {{ none; }};
pid-file none; session-keyfile none; dnssec-validation no; empty-zones-enable no; max-cache-size 4M;
minimal-responses no; notify no; {more} }}; controls {{ }};
"""


def write(directory, name, text):
    with open(os.path.join(directory, name), "w") as file:
        file.write(text)


def make_zones(directory, address):
    os.makedirs(directory)
    for name, (servers, _, records) in ZONES.items():
        if address in servers:
            write(directory, name + ".zone", HEAD.format(minimum=60) + records)


def prepare_bind(directory, port, secret):
    make_zones(directory, BIND)
    zones = "\n".join(bind_zone(name, BIND) for name, zone in ZONES.items() if BIND in zone[0])
    write(directory, "named.conf",
          f'key "{KEY}." {{ algorithm hmac-sha256; secret "{secret}"; }};\n'
          + bind_options(BIND, port, "recursion no;") + zones)


def prepare_resolver(directory, address, own_port, port):
    os.makedirs(directory)
    forward = lambda name, address: (f'zone "{name}" {{ type forward; forward only; '
                                     f'forwarders {{ {address} port {port}; }}; }};')
    zones = "\n".join(forward(name, zone[0][0]) for name, zone in ZONES.items())
    delegations = "".join(f"{name} NS ns1.\n" for name in ZONES if name.count(".") == 1)
    write(directory, "empty", HEAD.format(minimum=60) + f"@ NS ns1.\nns1. A {BIND}\n{delegations}broken NS ns2.\nns2. A {NOBODY}\n")
    write(directory, "named.conf", bind_options(address, own_port, "recursion yes; qname-minimization off; querylog yes;")
          + 'zone "." { type primary; file "empty"; };\n' + zones)


def prepare_knot(directory, port, secret):
    make_zones(directory, KNOT)
    rows = "\n".join(f"  - domain: {name}\n    file: {name}.zone\n" + ("    acl: update\n" if KNOT in zone[1] else "")
                     for name, zone in ZONES.items() if KNOT in zone[0])
    write(directory, "knot.conf", f"""server:
    rundir: {directory}
    listen: {KNOT}@{port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: {directory}
key:
  - id: {KEY}
    algorithm: hmac-sha256
    secret: {secret}
acl:
  - id: update
    key: {KEY}
    action: update
    update-type: [TXT]
template:
  - id: default
    storage: {directory}
    zonefile-sync: -1
    journal-content: none
zone:
{rows}
""")


def answers(address, zone):
    question = b"\0\1\1\0\0\1\0\0\0\0\0\0" + b"".join(
        bytes([len(label)]) + label.encode() for label in zone.split(".")) + b"\0\0\6\0\1"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.2)
        sock.connect(address)
        try:
            sock.send(question)
            answer = sock.recv(4096)
            return answer[3] & 15 == 0 and answer[7] > 0
        except OSError:
            time.sleep(0.05)
            return False


class Servers:
    def __init__(self, directory, standard):
        self.port = 53 if standard else take_port()
        self.resolver = (STANDARD_RESOLVER, 53) if standard else (BIND, take_port())
        self.processes = []
        secret = base64.b64encode(os.urandom(32)).decode()
        self.key = os.path.join(directory, "key")
        write(directory, "key", f'key "{KEY}" {{\n\talgorithm hmac-sha256;\n\tsecret "{secret}";\n}};\n')
        os.chmod(self.key, 0o600)
        self.path = lambda *names: os.path.join(directory, *names)
        for name in ("resolver", "bind", "knot"):
            shutil.rmtree(self.path(name), ignore_errors=True)
        prepare_resolver(self.path("resolver"), *self.resolver, self.port)
        prepare_bind(self.path("bind"), self.port, secret)
        prepare_knot(self.path("knot"), self.port, secret)

    def spawn(self, name, *command):
        with open(self.path(name, "log"), "wb") as log:
            self.processes.append(subprocess.Popen(command, cwd=self.path(name), stdin=subprocess.DEVNULL,
                                                   stdout=log, stderr=log))

    def start(self):
        # A distribution's AppArmor profile knows named by its path, and lets it read its own places only.
        named = self.path("named")
        shutil.copy("/usr/sbin/named", named)
        self.spawn("bind", named, "-g", "-n", "1", "-c", "named.conf")
        self.spawn("resolver", named, "-g", "-n", "1", "-c", "named.conf")
        self.spawn("knot", "/usr/sbin/knotd", "-c", self.path("knot", "knot.conf"))
        return self.wait()

    def wait(self):
        """True when all answer, False when one has ended (its port was taken, most likely)."""
        end = time.monotonic() + START_TIMEOUT
        waiting = {self.resolver: "example.test", (BIND, self.port): "caa.test", (KNOT, self.port): "caa.test"}
        while waiting and time.monotonic() < end:
            if any(process.poll() is not None for process in self.processes):
                return False
            waiting = {address: zone for address, zone in waiting.items() if not answers(address, zone)}
        return not waiting

    def stop(self):
        for process in self.processes:
            process.kill()
            process.wait()
        self.processes = []


def take_port():
    for port in random.sample(range(20000, 32000), 2000):
        try:
            for address in (BIND, KNOT, NOBODY):
                for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                    with socket.socket(socket.AF_INET, kind) as sock:
                        sock.bind((address, port))
            return port
        except OSError:
            continue
    raise SystemExit("dns.py: no free port below 32768")


def start(directory, standard=False):
    """Running Servers. For those who import this."""
    for _ in range(ATTEMPTS):
        servers = Servers(directory, standard)
        if servers.start():
            return servers
        servers.stop()
    for name in ("resolver", "bind", "knot"):
        with open(servers.path(name, "log"), errors="replace") as log:
            print(f"dns.py: {name}:", *log.readlines()[-8:], sep="\n", file=sys.stderr)
    raise SystemExit("dns.py: a DNS server did not start")


def main():
    parser = argparse.ArgumentParser(description="DNS servers for tests")
    parser.add_argument("command", choices=["run"])
    parser.add_argument("directory")
    parser.add_argument("--standard", action="store_true")
    options = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(0))
    directory = os.path.realpath(options.directory)
    os.makedirs(directory, exist_ok=True)
    servers = None
    try:
        servers = start(directory, options.standard)
        lines = {"PORT": servers.port, "RESOLVER": "%s:%d" % servers.resolver, "BIND": f"{BIND}:{servers.port}",
                 "KNOT": f"{KNOT}:{servers.port}", "NOBODY": f"{NOBODY}:{servers.port}", "KEY_FILE": servers.key, "DIRECTORY": directory}
        print(*(f"{key}={value}" for key, value in lines.items()), "", sep="\n", flush=True)
        sys.stdin.read()
    finally:
        if servers is not None:
            servers.stop()
        for name in ("resolver", "bind", "knot"):
            shutil.rmtree(os.path.join(directory, name), ignore_errors=True)
        for name in ("named", "key"):
            if os.path.exists(os.path.join(directory, name)):
                os.unlink(os.path.join(directory, name))


if __name__ == "__main__":
    main()
