#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What one issuance costs, against Debian's Pebble (which validates at once), with the installed programs.

  issuance.py PREFIX [N]        N issuances, 50 by default; `tools/test` installs into build/prefix

Prints, for a known account, a warm connection and new names: requests to the CA, commits, the agent's CPU, the
time from RequestCertificate to CertificateUpdated; for renewals of a certificate that a TLS server serves from a
file: the time to the delivery that a probe has proved; and the anonymous memory when idle with ten
certificates. Commits are counted at the crash points that a test build names."""

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
        self.server = Server(os.path.join(self.folder.name, "served.pem"))
        self.server.start()
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
[target server]
adapter = files
path = {self.server.file}
layout = single
probe = tls:127.0.0.1:{self.server.port}
""")
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
        return {
            "requests per issuance": (sum(self.pebble.requests().values()) - requests) / number,
            "agent CPU per issuance, ms": (cpu(self.agent.process.pid) - used) / number * 1000,
            "RequestCertificate to CertificateUpdated, ms (median)": statistics.median(times),
        }

    def measure_commits(self, number):
        self.restart({"CERTHERD_CRASH_LOG": self.log})
        self.request("warm-up-again", [])
        os.truncate(self.log, 0)
        for n in range(number):
            self.request(f"committed-{n}", [])
        with open(self.log) as file:
            commits = sum("state:committed" in line for line in file)
        self.restart({})
        return {"commits per issuance (0: the build names no crash points)": commits / number}

    def measure_deliveries(self, number):
        self.request("served", ["server"])
        path = self.client.agent("GetCertificate", "(s)", "served")
        times = [self.renew(path)[1] for _ in range(number)]
        rows = self.client.get(path, "Certificate1")["Deliveries"]
        assert rows[0]["proved"] == number + 1, rows
        return {"Renew to the proved delivery, ms (median)": statistics.median(times)}

    def measure_idle(self):
        self.restart({})
        self.client.agent("ListIssuers")
        return {f"anonymous memory, idle, {self.client.get('/org/certherd/Agent1', 'Agent1')['Certificates']} "
                "certificates, MiB": anonymous(self.agent.process.pid)}


def main():
    prefix, number = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 50
    bench = Bench(prefix)
    try:
        figures = bench.measure_issuances(number)
        figures.update(bench.measure_commits(min(number, 10)))
        figures.update(bench.measure_deliveries(min(number, 10)))
        figures.update(bench.measure_idle())
    finally:
        bench.stop()
    for name, value in figures.items():
        print(f"{value:10.2f}  {name}")


main()
