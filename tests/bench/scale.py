#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What many certificates cost: the installed agent over a state with N of them, on a bus of its own.

  scale.py PREFIX FILL-STATE [N …]      1000, 10000 and 100000 by default; FILL-STATE is tests/bench/fill-state

Two situations for each N. "quiet": all are valid and delivered. "due": all are due at the start, and the CA cannot
be reached. Prints the time until the name is owned, how long GetCertificate takes during the two seconds after it,
a page of 500 rows, memory, and for the quiet agent: the time from Renew to PropertiesChanged, and how often its
threads wake up in a minute without anything to do."""

import os
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from agent import NAME, PROPERTIES, ROOT, Agent, Client, Gio, GLib  # noqa: E402

CONFIGURATION = """
[agent]
keystore = file
[issuer default]
directory-url = https://127.0.0.1:1/directory
agree-terms = yes
"""
BUSY = 2.0  # seconds after the start in which answers are timed
SETTLE = 20.0  # seconds until threads that GLib keeps for a while have gone
QUIET = 20.0  # seconds in which wake-ups are counted


def memory(pid):
    """MiB: anonymous, resident, and the most that was ever resident."""
    with open(f"/proc/{pid}/status") as file:
        values = dict(line.split(":", 1) for line in file)
    return [int(values[name].split()[0]) / 1024 for name in ("RssAnon", "VmRSS", "VmHWM")]


def wakeups(pid):
    """How often each of the process's threads has waited for something."""
    found = {}
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/status") as file:
            found[thread] = next(int(line.split()[1]) for line in file if line.startswith("voluntary_ctxt_switches"))
    return found


class Caller:
    """A connection that listens to no signal: what it measures is the answer."""

    def __init__(self, bus):
        self.connection = bus.connect()

    def call(self, path, interface, method, arguments):
        """The reply, and the milliseconds until it came."""
        begin = time.perf_counter()
        reply = self.connection.call_sync(NAME, path, interface, method, arguments, None, Gio.DBusCallFlags.NONE,
                                          120000, None)
        return reply, (time.perf_counter() - begin) * 1000

    def agent(self, method, signature, *arguments):
        return self.call(ROOT, NAME, method, GLib.Variant(signature, arguments))


def percentile(times, part):
    return sorted(times)[min(len(times) - 1, int(len(times) * part))]


class Scale:
    def __init__(self, prefix, fill, number, due):
        self.agent = Agent([os.path.join(prefix, "bin", "certherd")], CONFIGURATION)
        self.agent.stop()
        subprocess.run([fill, self.agent.state, str(number), str(number if due else 0)], check=True)
        self.number = number
        self.figures = {}
        begin = time.perf_counter()
        self.agent.start()
        self.figures["start to the name, ms"] = (time.perf_counter() - begin) * 1000
        self.pid = self.agent.process.pid
        self.caller = Caller(self.agent.bus)

    def measure_start(self):
        times, end = [], time.perf_counter() + BUSY
        while time.perf_counter() < end:
            times.append(self.caller.agent("GetCertificate", "(s)", f"host{len(times) % self.number + 1}")[1])
        self.figures["first answer, ms"] = times[0]
        self.figures["GetCertificate after the start, ms (median)"] = statistics.median(times)
        self.figures["GetCertificate after the start, ms (99 %)"] = percentile(times, 0.99)
        self.figures["GetCertificate after the start, ms (longest)"] = max(times)

    def measure_pages(self):
        times, after = [], ""
        while True:
            reply, milliseconds = self.caller.agent("ListCertificates", "(a{sv}su)", {}, after, 500)
            times.append(milliseconds)
            after = reply.unpack()[1]
            if not after:
                break
        self.figures["a page of 500 rows, ms (median)"] = statistics.median(times)
        self.figures["a page of 500 rows, ms (longest)"] = max(times)
        self.figures["all properties of the agent, ms"] = self.caller.call(
            ROOT, PROPERTIES, "GetAll", GLib.Variant("(s)", (NAME,)))[1]

    def measure_memory(self):
        names = ("anonymous memory, MiB", "resident memory, MiB", "resident memory at most, MiB")
        self.figures.update(zip(names, memory(self.pid)))

    def measure_renewal(self):
        client = Client(self.agent.bus)
        path = client.agent("GetCertificate", "(s)", "host1")
        begin = time.perf_counter()
        client.call(path, "Certificate1.Renew", "(a{sv})", {})
        client.wait(lambda: any(s[0] == path and s[2] == "PropertiesChanged" for s in client.signals), "a change")
        self.figures["Renew to PropertiesChanged, ms"] = (time.perf_counter() - begin) * 1000
        client.close()

    def measure_wakeups(self):
        time.sleep(SETTLE)
        before = wakeups(self.pid)
        time.sleep(QUIET)
        number = sum(count - before.get(thread, 0) for thread, count in wakeups(self.pid).items())
        self.figures["wake-ups in a minute"] = number * 60 / QUIET

    def stop(self):
        self.caller.connection.close_sync(None)
        self.agent.clean()


def measure(prefix, fill, number, due):
    scale = Scale(prefix, fill, number, due)
    try:
        scale.measure_start()
        scale.measure_pages()
        scale.measure_memory()
        if not due:
            scale.measure_wakeups()
            scale.measure_renewal()
    finally:
        scale.stop()
    print(f"{number} certificates, {'all of them due' if due else 'quiet'}")
    for name, value in scale.figures.items():
        print(f"{value:12.2f}  {name}", flush=True)


def main():
    prefix, fill = sys.argv[1:3]
    for number in [int(word) for word in sys.argv[3:]] or [1000, 10000, 100000]:
        measure(prefix, fill, number, False)
        measure(prefix, fill, number, True)


main()
