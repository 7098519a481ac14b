#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A real ACME server for tests and the demo: Pebble with pebble-challtestsrv (a DNS server in which
every name resolves to one address), on free ports below the ephemeral range, behind a TLS identity
of a private CA, so that clients really verify it.

  pebble.py start DIR [KNOB…]   start both, print KEY=VALUE lines (kept in DIR/pebble.env too)
  pebble.py stop DIR            end both, by their process ids
  pebble.py run DIR [KNOB…]     start, print the lines and an empty one, stop when stdin ends: for a
                                caller whose death must not leave servers behind
  pebble.py env DIR             print the lines again
  pebble.py requests DIR        requests so far, one line each: "METHOD ENDPOINT"

DIR is the caller's, who removes it. `pebble.py start --help` lists the knobs.
"""

import argparse
import json
import os
import random
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request

ATTEMPTS = 3  # another program may take a port between our look and the server's bind
START_TIMEOUT = 90  # Pebble makes RSA keys first: 0.3 s idle, 16 s seen on a loaded machine


def parse_arguments():
    parser = argparse.ArgumentParser(description="Pebble with a private TLS CA, for tests")
    parser.add_argument("command", choices=["start", "stop", "run", "env", "requests"])
    parser.add_argument("directory")
    parser.add_argument("--address", default="127.0.0.1", help="where to listen")
    parser.add_argument("--validate", default="127.0.0.1", help="what every name resolves to, IPv4 or IPv6")
    parser.add_argument("--dns", help="the DNS server that Pebble asks, instead of challtestsrv")
    parser.add_argument("--http-port", type=int, default=0, help="validate http-01 there (0: a free port)")
    parser.add_argument("--tls-port", type=int, default=0, help="validate tls-alpn-01 there")
    parser.add_argument("--respond", action="store_true", help="let challtestsrv answer the challenges")
    parser.add_argument("--sleep", type=int, default=0, help="seconds that a validation may dawdle")
    parser.add_argument("--always-valid", action="store_true", help="validate nothing")
    parser.add_argument("--nonce-reject", type=int, default=0, help="percent of good nonces refused")
    parser.add_argument("--authz-reuse", type=int, default=0, help="percent of authorizations reused")
    parser.add_argument("--strict", action="store_true")
    parser.add_argument("--validity", type=int, default=90 * 86400, help="of certificates, seconds")
    parser.add_argument("--chain-length", type=int)
    parser.add_argument("--alternate-roots", type=int)
    parser.add_argument("--orders-per-page", type=int)
    parser.add_argument("--blocked", default="blocked.example", help="domains refused, comma between")
    parser.add_argument("--programs", default="", help="the folder of other programs than the PATH's")
    parser.add_argument("--eab", action="store_true", help="require an external account binding")
    return parser.parse_args()


class Ports:
    """Free ports below the ephemeral range (32768 and up), each given once: free at all ADDRESSES."""

    def __init__(self, *addresses):
        self.addresses = addresses
        self.given = set()

    def take(self):
        for port in random.sample(range(20000, 32000), 2000):
            if port not in self.given and self.is_free(port):
                self.given.add(port)
                return port
        raise SystemExit("pebble.py: no free port below 32768")

    def is_free(self, port):
        for address in self.addresses:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                with socket.socket(family, kind) as sock:
                    try:
                        sock.bind((address, port))
                    except OSError:
                        return False
        return True


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def make_tls_identity(directory, address):
    """tls-ca.pem, which clients have to trust, and the server's tls.pem and tls.key."""
    path = lambda name: os.path.join(directory, name)
    if os.path.exists(path("tls.pem")):
        return
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *curve, "-keyout", path("tls-ca.key"), "-out", path("tls-ca.pem"), "-days", "30",
            "-subj", "/CN=certherd test TLS CA", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    openssl("req", *curve, "-keyout", path("tls.key"), "-out", path("tls.csr"), "-subj", "/CN=localhost")
    with open(path("tls.ext"), "w") as extensions:
        extensions.write(f"subjectAltName=DNS:localhost,IP:127.0.0.1,IP:{address}\n"
                         "extendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n")
    openssl("x509", "-req", "-in", path("tls.csr"), "-CA", path("tls-ca.pem"), "-CAkey", path("tls-ca.key"),
            "-CAcreateserial", "-days", "30", "-extfile", path("tls.ext"), "-out", path("tls.pem"))


def spawn(directory, name, command, environment):
    with open(os.path.join(directory, name + ".log"), "wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                   env={**os.environ, **environment}, start_new_session=True)
    with open(os.path.join(directory, name + ".pid"), "w") as file:
        # The start time tells the process from a later one with the same id.
        file.write(f"{process.pid} {start_time(process.pid)}\n")
    return process


def start_time(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[19]
    except OSError:
        return None


def stop(directory):
    for name in ("pebble", "challtestsrv"):
        path = os.path.join(directory, name + ".pid")
        try:
            with open(path) as file:
                pid, started = file.read().split()
        except OSError:
            continue
        os.unlink(path)
        for number in (signal.SIGTERM, signal.SIGKILL):
            end = time.monotonic() + 3
            if start_time(pid) != started:
                break
            os.kill(int(pid), number)
            while start_time(pid) == started and time.monotonic() < end and not reap(int(pid)):
                time.sleep(0.02)


def reap(pid):
    """True if PID was our child and has ended."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return False


def challtestsrv_command(options, address):
    program = os.path.join(options.programs, "pebble-challtestsrv")
    known = subprocess.run([program, "-h"], capture_output=True, text=True).stderr
    dns = "-dnsserver" if "-dnsserver" in known else "-dns01"  # renamed in 2.5
    six = ":" in options.validate
    command = [program, "-defaultIPv4", "" if six else options.validate,
               "-defaultIPv6", options.validate if six else "",
               "-management", address["challtestsrv"], dns, address["dns"]]
    if "-doh" in known:
        command += ["-doh", ""]
    if options.respond:
        return command + ["-http01", address["http"], "-https01", address["https"], "-tlsalpn01", address["tls"]]
    return command + ["-http01", "", "-https01", "", "-tlsalpn01", ""]


def pebble_configuration(options, directory, address):
    port = lambda name: int(address[name].rpartition(":")[2])
    return {"pebble": {
        "listenAddress": address["acme"], "managementListenAddress": address["management"],
        "certificate": os.path.join(directory, "tls.pem"), "privateKey": os.path.join(directory, "tls.key"),
        "httpPort": port("http"), "tlsPort": port("tls"), "ocspResponderURL": "",
        "externalAccountBindingRequired": options.eab,
        "externalAccountMACKeys": {"kid-1": "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"},
        "domainBlocklist": [name for name in options.blocked.split(",") if name],
        "certificateValidityPeriod": options.validity,
        # What newer ones have in its place, and older ones pass over.
        "profiles": {name: {"description": f"valid for {validity} s", "validityPeriod": validity}
                     for name, validity in (("default", options.validity), ("shortlived", 160 * 3600))}}}


def pebble_environment(options):
    environment = {"PEBBLE_WFE_NONCEREJECT": str(options.nonce_reject), "PEBBLE_AUTHZREUSE": str(options.authz_reuse)}
    if options.sleep:
        environment["PEBBLE_VA_SLEEPTIME"] = str(options.sleep)
    else:
        environment["PEBBLE_VA_NOSLEEP"] = "1"
    if options.always_valid:
        environment["PEBBLE_VA_ALWAYS_VALID"] = "1"
    for name, value in (("PEBBLE_CHAIN_LENGTH", options.chain_length),
                        ("PEBBLE_ALTERNATE_ROOTS", options.alternate_roots),
                        ("PEBBLE_WFE_ORDERS_PER_PAGE", options.orders_per_page)):
        if value is not None:
            environment[name] = str(value)
    return environment


def fetch(directory, url):
    trust = ssl.create_default_context(cafile=os.path.join(directory, "tls-ca.pem"))
    with urllib.request.urlopen(url, timeout=5, context=trust) as answer:
        return answer.read()


def wait_for(directory, address, processes):
    """True when both answer, False when one has ended (its port was taken, most likely)."""
    end = time.monotonic() + START_TIMEOUT
    host, port = address["challtestsrv"].split(":")
    while time.monotonic() < end:
        if any(process.poll() is not None for process in processes):
            return False
        try:
            fetch(directory, f"https://{address['acme']}/dir")
            socket.create_connection((host, int(port)), timeout=5).close()
            return True
        except OSError:
            time.sleep(0.05)
    return False


def start_once(options, directory):
    ports = Ports(*{options.address, options.validate, "127.0.0.1", "::1"})
    host = f"[{options.validate}]" if ":" in options.validate else options.validate
    address = {name: f"{options.address}:{ports.take()}"
               for name in ("acme", "management", "dns", "challtestsrv", "https")}
    address["http"] = f"{host}:{options.http_port or ports.take()}"
    address["tls"] = f"{host}:{options.tls_port or ports.take()}"
    configuration = os.path.join(directory, "pebble.json")
    with open(configuration, "w") as file:
        json.dump(pebble_configuration(options, directory, address), file, indent=1)
    pebble = [os.path.join(options.programs, "pebble"), "-config", configuration, "-dnsserver", options.dns or address["dns"]]
    if options.strict:
        pebble.append("-strict")
    processes = [spawn(directory, "challtestsrv", challtestsrv_command(options, address), {}),
                 spawn(directory, "pebble", pebble, pebble_environment(options))]
    if wait_for(directory, address, processes):
        return address
    stop(directory)
    return None


def start(options):
    directory = os.path.realpath(options.directory)
    os.makedirs(directory, exist_ok=True)
    make_tls_identity(directory, options.address)
    for _ in range(ATTEMPTS):
        address = start_once(options, directory)
        if address is not None:
            break
    else:
        for name in ("pebble", "challtestsrv"):
            with open(os.path.join(directory, name + ".log")) as log:
                print(f"pebble.py: {name} did not start:", *log.readlines()[-5:], sep="\n", file=sys.stderr)
        raise SystemExit(1)
    # The last chain is the one that nobody gets without asking for it.
    files = {"issuing-root": "roots/0", "issuing-intermediate": "intermediates/0",
             "last-root": f"roots/{options.alternate_roots or 0}",
             "last-intermediate": f"intermediates/{options.alternate_roots or 0}"}
    for name, url in files.items():
        with open(os.path.join(directory, name + ".pem"), "wb") as file:
            file.write(fetch(directory, f"https://{address['management']}/{url}"))
    lines = {"DIRECTORY_URL": f"https://{address['acme']}/dir",
             "TLS_CA": os.path.join(directory, "tls-ca.pem"),
             "ISSUING_ROOT": os.path.join(directory, "issuing-root.pem"),
             "ISSUING_INTERMEDIATE": os.path.join(directory, "issuing-intermediate.pem"),
             "LAST_ROOT": os.path.join(directory, "last-root.pem"),
             "LAST_INTERMEDIATE": os.path.join(directory, "last-intermediate.pem"),
             "MANAGEMENT_URL": f"https://{address['management']}",
             "CHALLTESTSRV_URL": f"http://{address['challtestsrv']}",
             "HTTP01_PORT": address["http"].rpartition(":")[2],
             "TLSALPN01_PORT": address["tls"].rpartition(":")[2],
             "DNS": address["dns"],
             "PEBBLE_LOG": os.path.join(directory, "pebble.log")}
    with open(os.path.join(directory, "pebble.env"), "w") as file:
        file.writelines(f"{key}={value}\n" for key, value in lines.items())
    print_environment(directory)


def print_environment(directory):
    with open(os.path.join(directory, "pebble.env")) as file:
        sys.stdout.write(file.read())
    sys.stdout.flush()


def print_requests(directory):
    with open(os.path.join(directory, "pebble.log"), errors="replace") as log:
        for line in log:
            match = re.search(r" (GET|HEAD|POST) (\S+) -> calling handler\(\)", line)
            if match:
                print(*match.groups())


def run(options):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        start(options)
        print(flush=True)
        sys.stdin.read()
    finally:
        stop(os.path.realpath(options.directory))


def main():
    options = parse_arguments()
    directory = os.path.realpath(options.directory)
    if options.command == "start":
        start(options)
    elif options.command == "run":
        run(options)
    elif options.command == "stop":
        stop(directory)
    elif options.command == "env":
        print_environment(directory)
    else:
        print_requests(directory)


main()
