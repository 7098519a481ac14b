#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What issuances cost, beside Debian's other ACME clients, of the same Pebble by the same challenge (http-01).

  issue.py PREFIX [--sizes 1,20,100,1000] [--round-trips 0,80] [--peers …] [--runs 5] [--patience 60]

PREFIX is where certherd is installed (`tools/test` installs into build/prefix). SIZES: so many certificates in one
go, for new names, with a known account and, where the program stays, on a warm connection: programs that do not stay
run for one after another. A round trip (ms) other than 0 is a double's, delay.py: between client and CA, and between
CA and responder too.

Each figure is the median of RUNS, for which the programs take turns; a turn in which Pebble locks itself up (ca.py
says how) is taken again, with another one. Whoever would need more than PATIENCE seconds
for a size, by what a smaller one took him, is left out, and so is whoever is not installed and cannot be."""

import argparse
import collections
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
sys.path.insert(0, HERE)
import peers  # noqa: E402
from ca import Pebble  # noqa: E402

TRIES = 5  # of a turn

Figures = collections.namedtuple("Figures", "wall own everything memory requests")
HEADINGS = ("wall ms", "CPU ms", "all CPU ms", "peak MiB", "requests")


def parse_arguments():
    numbers = lambda text: [int(word) for word in text.split(",")]
    words = lambda text: text.split(",")
    parser = argparse.ArgumentParser(description="What issuances cost, beside other ACME clients")
    parser.add_argument("prefix")
    parser.add_argument("--sizes", type=numbers, default=[1, 20, 100, 1000])
    parser.add_argument("--round-trips", type=numbers, default=[0, 80])
    parser.add_argument("--peers", type=words, default=list(peers.PEERS))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--patience", type=float, default=60)
    return parser.parse_args()


def free_ports():
    """Each call another one, below the ephemeral range."""
    for port in random.sample(range(20000, 32000), 12000):
        with socket.socket() as sock:
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
        yield port


def install(names):
    """Those of NAMES that can be measured."""
    missing = [peers.PEERS[name][1] for name in names if peers.PEERS[name][1] and not shutil.which(peers.PEERS[name][1])]
    missing += [package for package, path in (("time", "/usr/bin/time"), ("nginx-light", "/usr/sbin/nginx"))
                if not os.path.exists(path)]
    if missing and os.getuid() == 0:
        subprocess.run(["apt-get", "install", "-y", "--no-install-recommends", *missing], stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, env=dict(os.environ, DEBIAN_FRONTEND="noninteractive"))
    for name in names:
        package = peers.PEERS[name][1]
        if package and not shutil.which(package):
            print(f"{name} is left out: it is not installed")
        elif name == "uacme" and os.getuid() != 0:
            print(f"{name} is left out: to trust a private CA, it has to be run by root")
        else:
            yield name


class Setting:
    """A Pebble, perhaps far away, and where to find and to be found by it."""

    def __init__(self, options, round_trip):
        ports = free_ports()
        self.ports = lambda: next(ports)
        self.prefix, self.patience = options.prefix, options.patience
        self.temporary = tempfile.TemporaryDirectory(prefix="certherd-bench-")
        self.folder = self.temporary.name
        os.chmod(self.folder, 0o755)
        self.pebble = Pebble()
        self.trust, self.directory_url = self.pebble["TLS_CA"], self.pebble["DIRECTORY_URL"]
        self.port = int(self.pebble["HTTP01_PORT"])
        self.delay = None
        if round_trip:
            self.go_far(round_trip)

    def go_far(self, round_trip):
        validated, answering, near = self.port, self.ports(), self.ports()
        far = int(self.directory_url.split(":")[2].split("/")[0])
        self.port = answering
        self.directory_url = self.directory_url.replace(f":{far}/", f":{near}/")
        self.delay = subprocess.Popen(
            [sys.executable, os.path.join(HERE, "delay.py"), str(round_trip), f"{near}:{far}", f"{validated}:{answering}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.delay.stdout.readline()

    def count_requests(self):
        with open(self.pebble["PEBBLE_LOG"], errors="replace") as log:
            return sum("-> calling handler()" in line for line in log)

    def stop(self):
        if self.delay:
            self.delay.stdin.close()
            self.delay.wait()
            self.delay.stdout.close()
        self.pebble.stop()
        self.temporary.cleanup()


class Bench:
    def __init__(self, options, round_trip):
        self.options = options
        self.round_trip = round_trip
        self.setting = Setting(options, round_trip)
        self.figures = collections.defaultdict(list)  # (peer, size) → Figures
        self.failures = {}  # (peer, size) → why
        self.serial = 0

    def name(self):
        self.serial += 1
        return f"n{self.serial}.example.org"

    def takes_too_long(self, name, size, measured):
        """By the largest size that was measured, not larger than this one."""
        known = {other: figures[-1].wall for (peer, other), figures in self.figures.items()
                 if peer == name and other <= size}
        known.update((other, figures.wall) for other, figures in measured.items())
        return bool(known) and known[max(known)] / 1000 * size / max(known) > self.options.patience

    def measure(self, peer, size):
        names = [self.name() for _ in range(size)]
        requests = self.setting.count_requests()
        begin = time.perf_counter()
        peer.issue(names)
        wall = time.perf_counter() - begin
        own, everything, memory = peer.usage()
        requests = self.setting.count_requests() - requests
        return Figures(wall * 1000, own * 1000 / size, everything * 1000 / size, memory, requests / size)

    def take_turn(self, name, measured):
        peer = peers.PEERS[name][0](self.setting)
        size = 1
        try:
            peer.issue([self.name()])  # the account, and a connection
            for size in sorted(self.options.sizes):
                if (name, size) in self.failures:
                    break
                if not self.takes_too_long(name, size, measured):
                    measured[size] = self.measure(peer, size)
        except AssertionError as error:
            self.failures[name, size] = str(error).strip().splitlines()[-1]
        finally:
            peer.stop()

    def turn(self, name):
        for _ in range(TRIES):
            measured = {}
            try:
                self.take_turn(name, measured)
            except peers.Stuck:
                print(f"{name}: Pebble has locked itself up; once more", file=sys.stderr)
                self.setting.stop()
                self.setting = Setting(self.options, self.round_trip)
                continue
            for size, figures in measured.items():
                self.figures[name, size].append(figures)
            return
        self.failures[name, max(self.options.sizes)] = f"Pebble has locked itself up {TRIES} times"

    def run(self, names):
        try:
            for number in range(self.options.runs):
                for name in names:
                    print(f"run {number + 1} of {self.options.runs}: {name}        ", end="\r", file=sys.stderr)
                    self.turn(name)
        finally:
            self.setting.stop()


def show(bench, size, names):
    print(f"{'':14}" + "".join(f"{heading:>18}" for heading in HEADINGS))
    first = None
    for name in names:
        runs = bench.figures.get((name, size))
        if (name, size) in bench.failures:
            print(f"{name:14}  (failed: {bench.failures[name, size]})")
            continue
        if not runs:
            print(f"{name:14}  (would take more than {bench.options.patience:.0f} s)")
            continue
        median = Figures(*(statistics.median(values) for values in zip(*runs)))
        first = first or median
        ratios = (f"{value:10.1f} {'×' + format(value / base, '.2f') if base else '':>7}"
                  for value, base in zip(median, first))
        print(f"{name:14}" + "".join(ratios))


def main():
    options = parse_arguments()
    names = list(install(options.peers))
    for round_trip in options.round_trips:
        bench = Bench(options, round_trip)
        bench.run(names)
        where = f", {round_trip} ms round trip (a double)" if round_trip else ""
        for size in sorted(options.sizes):
            print(f"\n{size} certificate{'s' if size > 1 else ''} in one go{where}: medians of {options.runs}, ratios to "
                  f"{names[0]}; CPU and requests for each certificate")
            show(bench, size, names)


main()
