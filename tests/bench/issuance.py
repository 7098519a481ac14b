#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What one issuance costs, against Debian's Pebble (which validates at once), with the installed programs.

  issuance.py PREFIX [N]        N issuances, 50 by default; `tools/test` installs into build/prefix

Prints a table. For a known account, a warm connection and new names: requests to the CA, commits, the agent's CPU,
the time from RequestCertificate to CertificateUpdated, and, where a TLS server serves the certificate from a file,
to the delivery that a probe has proved; the same from Renew; and the anonymous memory when idle. Commits are
counted at the crash points that a test build names."""

import os
import socket
import ssl
import statistics
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from agent import Agent, Client  # noqa: E402
from ca import Pebble  # noqa: E402

SERVERS = 10


def cpu(pid):
    """Seconds of CPU that a process has used."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat") as file:
            total += int(file.read().split()[0])
    return total / 1e9


def anonymous(pid):
    """MiB of anonymous memory."""
    with open(f"/proc/{pid}/status") as file:
        values = dict(line.split(":", 1) for line in file)
    return int(values["RssAnon"].split()[0]) / 1024


class Server(threading.Thread):
    """Serves what is in FILE, read anew for every connection."""

    def __init__(self, file):
        super().__init__(daemon=True)
        self.file = file
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]

    def run(self):
        while True:
            connection, _ = self.socket.accept()
            try:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(self.file)
                context.wrap_socket(connection, server_side=True).close()
            except OSError:
                connection.close()


class Bench:
    def __init__(self, prefix):
        self.pebble = Pebble()
        self.folder = tempfile.TemporaryDirectory()
        self.servers = [Server(os.path.join(self.folder.name, f"served-{n}.pem")) for n in range(SERVERS)]
        for server in self.servers:
            server.start()
        self.log = os.path.join(self.folder.name, "points")
        open(self.log, "w").close()
        self.agent = Agent([os.path.join(prefix, "bin", "certherd")], f"""
[agent]
keystore = file
[issuer default]
directory-url = {self.pebble['DIRECTORY_URL']}
trust = {self.pebble['TLS_CA']}
agree-terms = yes
[solver http-01]
listen = 127.0.0.1:{self.pebble['HTTP01_PORT']}
""" + "".join(f"""
[target server-{n}]
adapter = files
path = {server.file}
layout = single
probe = tls:127.0.0.1:{server.port}
""" for n, server in enumerate(self.servers)))
        self.client = Client(self.agent.bus)

    def restart(self, environment):
        self.client.close()
        self.agent.stop()
        self.agent.environment = environment
        self.agent.start()
        self.client = Client(self.agent.bus)

    def stop(self):
        self.client.close()
        self.agent.clean()
        self.pebble.stop()
        self.folder.cleanup()

    def until(self, path, begin, operation):
        """Milliseconds to CertificateUpdated, and to the end of the operation."""
        self.client.wait(lambda: any(s[2] == "CertificateUpdated" and s[3][0] == path for s in self.client.signals),
                         "CertificateUpdated")
        updated = time.perf_counter() - begin
        state = self.client.finished(operation)
        assert state["State"] == "done", state["ErrorMessage"]
        self.client.signals.clear()
        return updated * 1000, (time.perf_counter() - begin) * 1000

    def request(self, name, deliver):
        begin = time.perf_counter()
        return self.until(*self.ordered(begin, self.client.request(name, [name + ".example.org"], deliver=deliver)))

    def ordered(self, begin, answer):
        return answer[0], begin, answer[1]

    def renew(self, path):
        begin = time.perf_counter()
        return self.until(path, begin, self.client.call(path, "Certificate1.Renew", "(a{sv})", {}))

    def measure_issuances(self, number):
        self.request("warm-up", [])
        requests, used = sum(self.pebble.requests().values()), cpu(self.agent.process.pid)
        times = [self.request(f"name-{n}", [])[0] for n in range(number)]
        return [
            ("requests per issuance", (sum(self.pebble.requests().values()) - requests) / number, "requests"),
            ("agent's CPU per issuance", (cpu(self.agent.process.pid) - used) / number * 1000, "ms"),
            ("RequestCertificate to CertificateUpdated, median", statistics.median(times), "ms"),
        ]

    def measure_commits(self, number):
        self.restart({"CERTHERD_CRASH_LOG": self.log})
        self.request("warm-up-again", [])
        os.truncate(self.log, 0)
        for n in range(number):
            self.request(f"committed-{n}", [])
        with open(self.log) as file:
            commits = sum("state:committed" in line for line in file)
        self.restart({})
        return [("commits per issuance (0: the build names no crash points)", commits / number, "commits")]

    def measure_deliveries(self):
        """The end of an operation comes when its delivery is proved, and not before."""
        requested, renewed = [], []
        for n in range(SERVERS):
            requested.append(self.request(f"served-{n}", [f"server-{n}"])[1])
            path = self.client.agent("GetCertificate", "(s)", f"served-{n}")
            renewed.append(self.renew(path)[1])
            rows = self.client.get(path, "Certificate1")["Deliveries"]
            assert rows[0]["proved"] == 2, rows
        return [("RequestCertificate to the proved delivery, median", statistics.median(requested), "ms"),
                ("Renew to the proved delivery, median", statistics.median(renewed), "ms")]

    def measure_idle(self):
        self.restart({})
        self.client.agent("ListIssuers")
        number = self.client.get("/org/certherd/Agent1", "Agent1")["Certificates"]
        return [(f"anonymous memory when idle, {number} certificates", anonymous(self.agent.process.pid), "MiB")]


def main():
    prefix, number = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 50
    bench = Bench(prefix)
    try:
        figures = bench.measure_issuances(number)
        figures += bench.measure_commits(min(number, 10))
        figures += bench.measure_deliveries()
        figures += bench.measure_idle()
    finally:
        bench.stop()
    for name, value, unit in figures:
        print(f"{name:60} {value:8.2f} {unit}")


main()
