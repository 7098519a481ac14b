# SPDX-License-Identifier: LGPL-2.1-or-later
"""Debian's Pebble for a Python test: starts with the object, ends with stop() or with this process."""

import collections
import os
import subprocess
import sys
import tempfile

LIB = os.path.dirname(os.path.abspath(__file__))


class Pebble:
    def __init__(self, *knobs):
        self.folder = tempfile.TemporaryDirectory(prefix="certherd-pebble-")
        self.process = subprocess.Popen(
            [sys.executable, os.path.join(LIB, "pebble.py"), "run", self.folder.name, *knobs],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.values = {}
        for line in self.process.stdout:
            if line == "\n":
                break
            key, value = line.strip().split("=", 1)
            self.values[key] = value

    def __getitem__(self, key):
        return self.values[key]

    def sequence(self):
        """[("POST", "/order-plz"), …] since the start, in the order in which they came."""
        output = subprocess.run([sys.executable, os.path.join(LIB, "pebble.py"), "requests", self.folder.name],
                                capture_output=True, text=True, check=True).stdout
        return [tuple(line.split()) for line in output.splitlines()]

    def requests(self):
        """{"/order-plz": 2, …} since the start."""
        return collections.Counter(endpoint for _, endpoint in self.sequence())

    def stop(self):
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()
        self.folder.cleanup()
