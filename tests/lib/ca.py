# SPDX-License-Identifier: LGPL-2.1-or-later
"""Debian's Pebble for a Python test, and a server before it: each starts with its object, and ends with stop() or
with this process."""

import collections
import json
import os
import ssl
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

LIB = os.path.dirname(os.path.abspath(__file__))


class Server:
    """SCRIPT run DIR …: what it prints are its values."""

    def __init__(self, script, *words):
        self.folder = tempfile.TemporaryDirectory(prefix="certherd-test-")
        self.process = subprocess.Popen(
            [sys.executable, os.path.join(LIB, script), "run", self.folder.name, *words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.values = {}
        for line in self.process.stdout:
            if line == "\n":
                break
            key, value = line.strip().split("=", 1)
            self.values[key] = value

    def __getitem__(self, key):
        return self.values[key]

    def stop(self):
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()
        self.folder.cleanup()


class Pebble(Server):
    def __init__(self, *knobs):
        super().__init__("pebble.py", *knobs)

    def sequence(self):
        """[("POST", "/order-plz"), …] since the start, in the order in which they came."""
        output = subprocess.run([sys.executable, os.path.join(LIB, "pebble.py"), "requests", self.folder.name],
                                capture_output=True, text=True, check=True).stdout
        return [tuple(line.split()) for line in output.splitlines()]

    def requests(self):
        """{"/order-plz": 2, …} since the start."""
        return collections.Counter(endpoint for _, endpoint in self.sequence())

    def resolve(self, address):
        """Every name has this IPv4 address for the CA from now on."""
        request = urllib.request.Request(self["CHALLTESTSRV_URL"] + "/set-default-ipv4",
                                         json.dumps({"ip": address}).encode(), method="POST")
        urllib.request.urlopen(request, timeout=10).close()

    def is_stuck(self, seconds=5):
        """Has it locked itself up? Pebble (2.4, and later ones) takes an authorization's lock before its store's to
        show the one, and the other way round for a new order: a client that has many orders at once can hit both."""
        trust = ssl.create_default_context(cafile=self["TLS_CA"])
        try:
            urllib.request.urlopen(self["MANAGEMENT_URL"] + "/cert-status-by-serial/1", timeout=seconds, context=trust)
        except urllib.error.HTTPError:
            return False  # it has looked into its store
        except OSError:
            return True
        return False


class Front(Server):
    """HTTP/2 before a Pebble, which can be away and come back with all that it knows."""

    def __init__(self, pebble):
        super().__init__("front.py", "--upstream", pebble["DIRECTORY_URL"].split("/")[2],
                         "--identity", os.path.dirname(pebble["TLS_CA"]), "--requests", "10000")

    def tell(self, word):
        """WORD: down or up. Returns when it is."""
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        self.process.stdout.readline()
