#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Long replies: made in slices, one at a time for each user, within the bus's limits; others are answered
in between.

  test-long.py BUS-AGENT"""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap  # noqa: E402
from agent import NAME, ROOT, Agent, Client, Failed, Gio, GLib  # noqa: E402

PROGRAM = [sys.argv.pop(1)]
CONFIGURATION = """
[issuer default]
directory-url = https://ca.test/dir
"""
AGENT = "org.certherd.Agent1"
MANAGER = "org.freedesktop.DBus.ObjectManager"
# Looks at every certificate, and finds none.
SEARCH = ("ListCertificates", GLib.Variant("(a{sv}su)", ({"identifier": GLib.Variant("s", "nothing*")}, "", 500)))
MANAGED = ("GetManagedObjects", None)
ISSUERS = ("ListIssuers", None)
CHEAP = ("GetCertificate", GLib.Variant("(s)", ("fill-000001",)))


class Case(unittest.TestCase):
    NUMBER, IDENTIFIERS = 0, 0

    @classmethod
    def setUpClass(cls):
        cls.agent = Agent(PROGRAM, CONFIGURATION, {"TEST_CERTIFICATES": str(cls.NUMBER),
                                                   "TEST_IDENTIFIERS": str(cls.IDENTIFIERS)})
        cls.client = Client(cls.agent.bus)

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        cls.agent.clean()

    def start(self, calls, answers):
        """Starts all CALLS at once; their members are put into ANSWERS as they are answered."""
        def done(connection, result, member):
            try:
                connection.call_finish(result)
                answers.append(member)
            except GLib.Error as error:
                answers.append(error)

        for member, arguments in calls:
            self.client.connection.call(NAME, ROOT, MANAGER if member == MANAGED[0] else AGENT, member, arguments, None,
                                        Gio.DBusCallFlags.NONE, 20000, None, done, member)

    def order(self, *calls):
        """The members in the order of their answers."""
        answers = []
        self.start(calls, answers)
        self.client.wait(lambda: len(answers) == len(calls), "all answers")
        return answers

    def between(self, call):
        """A cheap call that comes after long ones is not answered after them."""
        self.assertNotEqual(self.order(*[call] * 10, CHEAP)[-1], CHEAP[0])

    def pages(self, limit=500):
        after = ""
        while True:
            rows, after = self.client.agent("ListCertificates", "(a{sv}su)", {}, after, limit)
            yield [row[1] for row in rows]
            if after == "":
                return

    def names(self):
        return [f"fill-{number:06}" for number in range(self.NUMBER)]


class Many(Case):
    NUMBER = 20000

    def test_between(self):
        "20,000 certificates: a cheap call is answered while a long reply is made"
        self.between(SEARCH)

    def test_turns(self):
        "one long reply of a user at a time, in the order of the calls"
        answers = self.order(*[SEARCH] * 10, ISSUERS, CHEAP)
        self.assertEqual([member for member in answers if member != CHEAP[0]], [SEARCH[0]] * 10 + [ISSUERS[0]])
        self.assertNotEqual(answers[-1], CHEAP[0])

    def test_pages(self):
        "pages go through all of them, in order, none twice"
        self.assertEqual([name for page in self.pages() for name in page], self.names())

    def test_managed(self):
        "GetManagedObjects: too many objects are refused, naming what to use"
        with self.assertRaises(Failed) as caught:
            self.client.call_raw(ROOT, MANAGER, "GetManagedObjects")
        self.assertEqual(caught.exception.name, "LimitExceeded")
        self.assertIn("ListCertificates", caught.exception.message)

    def test_lost(self):
        "the bus goes while long replies are made and wait: the agent comes back"
        self.start([SEARCH] * 20 + [CHEAP], answers := [])
        self.client.wait(lambda: answers, "the first answer")
        self.agent.bus.restart()
        type(self).client = Client(self.agent.bus)
        self.client.wait_for_agent()
        self.between(SEARCH)


class Managed(Case):
    NUMBER = 990

    def test_managed(self):
        "GetManagedObjects gives up to 1,000 objects, and others are answered meanwhile"
        self.between(MANAGED)
        objects = self.client.call_raw(ROOT, MANAGER, "GetManagedObjects")[0].unpack()[0]
        found = [values["org.certherd.Certificate1"]["Name"] for values in objects.values()
                 if "org.certherd.Certificate1" in values]
        self.assertEqual(sorted(found), self.names())
        path = self.client.agent("GetCertificate", "(s)", "fill-000007")
        self.assertEqual(objects[path], {"org.certherd.Certificate1": self.client.get(path, "Certificate1")})

    def test_no_reply(self):
        "a long reply that nobody wants is not sent"
        message = Gio.DBusMessage.new_method_call(NAME, ROOT, MANAGER, "GetManagedObjects")
        message.set_flags(Gio.DBusMessageFlags.NO_REPLY_EXPECTED)
        self.client.connection.send_message(message, Gio.DBusSendMessageFlags.NONE)
        self.assertEqual(self.order(CHEAP, ISSUERS), [CHEAP[0], ISSUERS[0]])


class Large(Case):
    NUMBER, IDENTIFIERS = 600, 99

    def test_pages(self):
        "a page ends before the bus's largest message does, and goes on at the next"
        pages = list(self.pages())
        self.assertLess(len(pages[0]), 500)
        self.assertEqual([name for page in pages for name in page], self.names())

    def test_managed(self):
        "GetManagedObjects: too many bytes are refused, naming what to use"
        with self.assertRaises(Failed) as caught:
            self.client.call_raw(ROOT, MANAGER, "GetManagedObjects")
        self.assertEqual(caught.exception.name, "LimitExceeded")
        self.assertIn("bytes; use ListCertificates", caught.exception.message)


tap.main()
