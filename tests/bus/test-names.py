#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Bad input on the bus: each is refused with the thing, the cause and the next step, and changes nothing.

  test-names.py BUS-AGENT"""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import hostile  # noqa: E402
import tap  # noqa: E402
from agent import Agent, Client, Failed, GLib  # noqa: E402

PROGRAM = [sys.argv.pop(1)]
CONFIGURATION = """
[issuer default]
directory-url = https://ca.test/dir
"""


class Names(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.agent = Agent(PROGRAM, CONFIGURATION)
        cls.client = Client(cls.agent.bus)

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        cls.agent.clean()

    def refused(self, name, spec, error="InvalidArgument"):
        with self.assertRaises(Failed) as caught:
            self.client.agent("RequestCertificate", "(sa{sv})", name, spec)
        self.assertEqual(caught.exception.name, error, caught.exception.message)
        self.assertEqual(self.client.agent("ListCertificates", "(a{sv}su)", {}, "", 10), ([], ""))
        return caught.exception.message

    def identifiers(self, *names):
        return {"identifiers": GLib.Variant("as", names), "deliver": GLib.Variant("as", [])}

    def test_certificate_names(self):
        "names of certificates"
        for name in hostile.NAMES:
            self.refused(name, self.identifiers("www.example"))

    def test_identifiers(self):
        "identifiers"
        for name in hostile.IDENTIFIERS:
            message = self.refused("web", self.identifiers(name))
            self.assertNotIn("\n", message)
            self.assertNotIn("\u202e", message)
        self.refused("web", {"deliver": GLib.Variant("as", [])})
        self.refused("web", self.identifiers())
        self.refused("web", self.identifiers(*[f"h{number}.example" for number in range(101)]))

    def test_keys(self):
        "unknown keys are named with those that there are; wrong types with the right one"
        spec = self.identifiers("www.example")
        message = self.refused("web", dict(spec, colour=GLib.Variant("s", "red")))
        self.assertIn("colour", message)
        self.assertIn("key-type", message)
        for key, value in (("identifiers", GLib.Variant("s", "www.example")), ("key-type", GLib.Variant("u", 1)),
                           ("deliver", GLib.Variant("s", "live")), ("renew", GLib.Variant("x", 14))):
            self.assertIn(key, self.refused("web", dict(spec, **{key: value})))

    def test_references(self):
        "issuers, solvers, targets that there are not"
        spec = self.identifiers("www.example")
        for key, value in (("issuer", ["nobody"]), ("challenge", ["magic-01"]), ("deliver", ["nowhere"])):
            message = self.refused("web", dict(spec, **{key: GLib.Variant("as", value)}), "NotFound")
            self.assertIn(value[0], message)

    def test_hostile_values(self):
        "paths, commands, hosts, newlines in every key"
        spec = self.identifiers("www.example")
        for key, kind, value in hostile.pairs():
            with self.assertRaises(Failed) as caught:
                self.client.agent("RequestCertificate", "(sa{sv})", "web", dict(spec, **{key: GLib.Variant(kind, value)}))
            self.assertIn(caught.exception.name, ("InvalidArgument", "NotFound"))
            self.assertIn(key, caught.exception.message)
        self.assertEqual(self.client.agent("ListCertificates", "(a{sv}su)", {}, "", 10), ([], ""))


tap.main()
