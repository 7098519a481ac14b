#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Bad input on the bus: each is refused with the thing, the cause and the next step, and changes nothing.

  test-names.py BUS-AGENT"""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
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
        for name in ("", ".", "..", "../x", "a/b", "A", "-a", "a b", "a\nb", "ä", "x" * 65):
            self.refused(name, self.identifiers("www.example"))

    def test_identifiers(self):
        "identifiers"
        long = ".".join(["a" * 60] * 5)
        for name in ("", ".", "a..b", "-a.example", "a-.example", "a_b.example", "*", "foo.*.example", "*.*.example",
                     "a b.example", "a\n.example", "x" * 64 + ".example", long, "fe80::1%eth0", "a.example/x",
                     "http://a.example", "\u202eelpmaxe.a"):
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
        values = ("/etc/passwd", "../x", "a\nb", "$(reboot)", "host:80", "\u202e", "x" * 100000, "")
        for key in ("key-type", "country", "state", "locality", "organization", "common-name", "renew"):
            for value in values:
                if (key in ("state", "locality", "organization") and value in ("/etc/passwd", "../x", "$(reboot)",
                                                                              "host:80")):
                    continue  # words of a subject, and nothing else is made of them
                self.assertIn(key, self.refused("web", dict(spec, **{key: GLib.Variant("s", value)})))
        for key in ("issuer", "challenge", "deliver", "readers"):
            for value in values:
                with self.assertRaises(Failed):
                    self.client.agent("RequestCertificate", "(sa{sv})", "web",
                                      dict(spec, **{key: GLib.Variant("as", [value])}))
        self.assertEqual(self.client.agent("ListCertificates", "(a{sv}su)", {}, "", 10), ([], ""))


tap.main()
