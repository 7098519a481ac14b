#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The solvers that the responder answers for, against Debian's Pebble, which really validates: names
and addresses, over IPv4 and IPv6.

  test-challenges.py CERTHERD"""

import os
import subprocess
import sys
import unittest

LIB = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib")
sys.path.insert(0, LIB)
import tap  # noqa: E402
from agent import Agent, Client, GLib  # noqa: E402
from ca import Pebble  # noqa: E402

PROGRAM = [sys.argv.pop(1)]


class Case(unittest.TestCase):
    knobs = ()

    @classmethod
    def setUpClass(cls):
        cls.pebble = Pebble(*cls.knobs)

    @classmethod
    def tearDownClass(cls):
        cls.pebble.stop()

    def setUp(self):
        self.agent = None

    def tearDown(self):
        if self.agent:
            self.client.close()
            self.agent.clean()

    def listen(self, key):
        return f"127.0.0.1:{self.pebble[key]} [::1]:{self.pebble[key]}"

    def start(self, *solvers):
        self.agent = Agent(PROGRAM, f"[agent]\nkeystore = file\n[issuer default]\nagree-terms = yes\n"
                                    f"directory-url = {self.pebble['DIRECTORY_URL']}\ntrust = {self.pebble['TLS_CA']}\n"
                                    + "".join(solvers), None)
        self.client = Client(self.agent.bus)

    def http(self):
        return f"[solver http-01]\nlisten = {self.listen('HTTP01_PORT')}\n"

    def tls(self):
        return f"[solver tls-alpn-01]\nlisten = {self.listen('TLSALPN01_PORT')}\n"

    def request(self, name, *identifiers, **spec):
        certificate, operation = self.client.request(name, list(identifiers), **spec)
        return certificate, self.client.finished(operation)

    def issue(self, name, *identifiers, **spec):
        """A certificate for exactly IDENTIFIERS."""
        certificate, state = self.request(name, *identifiers, **spec)
        self.assertEqual(state["State"], "done", state["ErrorMessage"] + self.agent.read_log())
        path = os.path.join(self.agent.state, "live", name, "cert.pem")
        said = subprocess.run(["openssl", "x509", "-noout", "-ext", "subjectAltName", "-in", path], check=True,
                              capture_output=True, text=True).stdout
        names = [one.strip().partition(":")[2] for one in said.splitlines()[1].split(",")]
        self.assertEqual(sorted(names), sorted("0:0:0:0:0:0:0:1" if one == "::1" else one for one in identifiers))
        return certificate


class Http(Case):
    def test_all(self):
        "http-01: a name, an IPv4 and an IPv6 address in one certificate, and each alone"
        self.start(self.http())
        self.issue("all", "www.example.org", "127.0.0.1", "::1")
        self.issue("name", "name.example.org")
        self.issue("four", "127.0.0.1")
        self.issue("six", "::1")


class Tls(Case):
    def test_all(self):
        "tls-alpn-01: a name, an IPv4 and an IPv6 address in one certificate, and each alone"
        self.start(self.tls())
        self.issue("all", "www.example.org", "127.0.0.1", "::1", challenge=["tls-alpn-01"])
        self.issue("name", "name.example.org", challenge=["tls-alpn-01"])
        self.issue("four", "127.0.0.1", challenge=["tls-alpn-01"])
        self.issue("six", "::1", challenge=["tls-alpn-01"])

    def test_no_socket(self):
        "A solver that the responder has no socket for: the error says which section it needs"
        self.start(self.http(), "[solver tls-alpn-01]\n")
        _, state = self.request("web", "www.example.org", challenge=["tls-alpn-01"])
        self.assertEqual(state["State"], "failed")
        self.assertIn("[solver tls-alpn-01] listen", state["ErrorMessage"])
        self.assertIn("certherd-responder-tls.socket", state["ErrorMessage"])

    def test_wildcard(self):
        "A wildcard is refused before any request leaves, naming what it needs"
        self.start(self.tls())
        before = self.pebble.requests()
        _, state = self.request("wild", "*.example.org", challenge=["tls-alpn-01"])
        self.assertIn("dns-01", state["ErrorMessage"])
        self.assertEqual(self.pebble.requests().get("/order-plz"), before.get("/order-plz"))


class Both(Case):
    def test_next(self):
        "The type that failed is passed over by the next attempt, each identifier for itself"
        elsewhere = f"127.0.0.2:{self.pebble['HTTP01_PORT']}"  # where Pebble does not look
        self.start(f"[solver http-01]\nlisten = {elsewhere}\n", self.tls())
        path, state = self.request("web", "www.example.org", "127.0.0.1", challenge=["http-01", "tls-alpn-01"])
        self.assertEqual(state["Error"], "org.certherd.Error.ChallengeFailed")
        self.assertIn("http-01", state["ErrorMessage"])
        operation = self.client.call(path, "Certificate1.Renew", "(a{sv})", {"force": GLib.Variant("b", True)})
        state = self.client.finished(operation)
        self.assertEqual(state["State"], "done", state["ErrorMessage"] + self.agent.read_log())
        self.issue("again", "www.example.org", "127.0.0.1", challenge=["http-01", "tls-alpn-01"])
        _, state = self.request("new", "other.example.org", challenge=["http-01", "tls-alpn-01"])
        self.assertIn("http-01", state["ErrorMessage"])


class Six(Case):
    knobs = ("--validate", "::1")

    def test_names(self):
        "Names that have an IPv6 address only, by http-01 and by tls-alpn-01"
        self.start(self.http(), self.tls())
        self.issue("http", "http.example.org", challenge=["http-01"])
        self.issue("tls", "tls.example.org", challenge=["tls-alpn-01"])


tap.main()
