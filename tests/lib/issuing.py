# SPDX-License-Identifier: LGPL-2.1-or-later
"""A test case with a Pebble for the class, and for each test an installed agent that issues from it."""

import os
import sqlite3
import unittest

from agent import Agent, Client, GLib
from ca import Pebble


class Case(unittest.TestCase):
    program = None  # the agent's command line; set by the script
    knobs = ()  # of pebble.py
    terms = "agree-terms = yes"

    @classmethod
    def setUpClass(cls):
        cls.pebble = Pebble(*cls.knobs)

    @classmethod
    def tearDownClass(cls):
        cls.pebble.stop()

    def configuration(self, more="", terms=None):
        return f"""
[agent]
keystore = file
[issuer default]
directory-url = {self.pebble['DIRECTORY_URL']}
trust = {self.pebble['TLS_CA']}
{self.terms if terms is None else terms}
[solver http-01]
listen = 127.0.0.1:{self.pebble['HTTP01_PORT']}
{more}
"""

    def start(self, more="", terms=None, environment=None):
        self.agent = Agent(self.program, self.configuration(more, terms), environment)
        self.client = Client(self.agent.bus)

    def setUp(self):
        self.agent = None

    def tearDown(self):
        if self.agent:
            self.client.close()
            self.agent.clean()

    def issue(self, name, identifiers, **spec):
        certificate, operation = self.client.request(name, identifiers, **spec)
        state = self.client.finished(operation)
        self.assertEqual(state["State"], "done", state["ErrorMessage"] + self.agent.read_log())
        return certificate

    def change_state(self, *statements):
        """While the agent is down: stands for time that has passed."""
        self.client.close()
        self.assertEqual(self.agent.stop(), 0)
        connection = sqlite3.connect(os.path.join(self.agent.state, "state.db"))
        for statement in statements:
            self.assertGreater(connection.execute(statement).rowcount, 0, statement)
        connection.commit()
        connection.close()
        self.agent.start()
        self.client = Client(self.agent.bus)

    def live(self, name, file):
        with open(os.path.join(self.agent.state, "live", name, file)) as stream:
            return stream.read()

    def poll(self):
        """Something else than a signal is waited for: looks again ten times a second."""
        GLib.timeout_add(100, lambda: False)
        return False

    def applied(self, path):
        return {row["target"]: row for row in self.client.get(path, "Certificate1")["Deliveries"]}
