#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The rate ledger of the installed agent, with a preset of its own for a real Pebble: no request leaves that a
limit would not let pass, a renewal goes on, and what was spent is on disk before the request.

  test-budget.py CERTHERD PRESETS   the folder of the presets of this installation"""

import os
import re
import sys
import tempfile
import time
import unittest

LIB = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib")
sys.path.insert(0, LIB)
import tap  # noqa: E402
from agent import Client  # noqa: E402
from issuing import Case  # noqa: E402

Case.program = [sys.argv.pop(1)]
PRESETS = sys.argv.pop(1)
PRESET = """[preset]
description = A test's
directory-url = {url}
eab = none
[limit orders]
scope = orders
count = {orders}
refill = 1h
[limit failures]
scope = failures
count = {failures}
refill = 1h
"""


class Budget(Case):
    served = True  # the responder listens where Pebble asks

    def setUp(self):
        super().setUp()
        self.root = tempfile.TemporaryDirectory()
        os.makedirs(os.path.join(self.root.name, ".well-known", "acme-challenge"))

    def start_with(self, orders, failures, **more):
        """The preset is known by its URL: other agents that see it have another one."""
        self.preset = os.path.join(PRESETS, f"test-budget-{os.getpid()}.conf")
        with open(self.preset + ".new", "w") as file:
            file.write(PRESET.format(url=self.pebble["DIRECTORY_URL"], orders=orders, failures=failures))
        os.rename(self.preset + ".new", self.preset)
        self.start(**more)

    def tearDown(self):
        super().tearDown()
        os.unlink(self.preset)
        self.root.cleanup()

    def budget(self):
        issuer = self.client.get(self.client.agent("GetIssuer", "(s)", "default"), "Issuer1")
        return {line["limit"]: line for line in issuer["Budget"]}

    def end(self, name, identifiers):
        path, operation = self.client.request(name, identifiers, deliver=[])
        return path, self.client.finished(operation)

    def orders(self):
        return self.pebble.requests()["/order-plz"]

    def test_half(self):
        "A second first issuance waits, and its order does not leave; a renewal is issued"
        self.start_with(orders=2, failures=5)
        begin = self.orders()
        one = self.issue("one", ["one.example.org"], deliver=[])
        two, state = self.end("two", ["two.example.org"])
        self.assertEqual((state["State"], state["Error"]), ("failed", "org.certherd.Error.RateLimited"))
        self.assertIn(f"the limit orders of the CA at {self.pebble['DIRECTORY_URL']}", state["ErrorMessage"])
        self.assertEqual(self.orders() - begin, 1)
        waiting = self.client.get(two, "Certificate1")
        self.assertAlmostEqual(waiting["NextActionTime"], time.time() + 3600, delta=60)
        state = self.client.finished(self.client.call(one, "Certificate1.Renew", "(a{sv})", {}))
        self.assertEqual(state["State"], "done", state["ErrorMessage"])
        self.assertEqual(self.orders() - begin, 2)
        self.assertEqual(self.budget()["orders"]["spent"], 2)

    def configuration(self, more="", terms=None):
        text = super().configuration(more, terms)
        return text if self.served else re.sub("listen = .*", f"webroot = {self.root.name}", text)

    def test_failures(self):
        "A failed proof is counted for its name: the next attempt is not made, one for another name is"
        self.served = False  # nobody is at the port
        self.start_with(orders=100, failures=1)
        state = self.end("broken", ["broken.example.org"])[1]
        self.assertEqual(state["Error"], "org.certherd.Error.ChallengeFailed", state["ErrorMessage"])
        line = self.budget()["failures"]
        self.assertEqual((line["subject"], line["spent"]), ("broken.example.org", 1))
        begin = self.orders()
        state = self.end("again", ["broken.example.org"])[1]
        self.assertEqual(state["Error"], "org.certherd.Error.RateLimited", state["ErrorMessage"])
        self.assertIn("failures for broken.example.org", state["ErrorMessage"])
        self.assertEqual(self.orders(), begin)
        self.assertEqual(self.end("other", ["other.example.org"])[1]["Error"], "org.certherd.Error.ChallengeFailed")

    def test_killed(self):
        "Killed just before the order leaves: it was charged, goes on, and is charged again"
        self.start_with(orders=2, failures=5, environment={"CERTHERD_CRASH_AT": "run:issue/new-order:committed"})
        path, operation = self.client.request("one", ["one.example.org"], deliver=[])
        self.assertEqual(self.agent.process.wait(30), -9)
        self.client.close()
        self.agent.log.close()
        self.agent.environment = {}
        self.agent.start()
        self.client = Client(self.agent.bus)
        state = self.client.finished(operation)
        self.assertEqual(state["State"], "done", state["ErrorMessage"] + self.agent.read_log())
        self.assertEqual(self.client.get(path, "Certificate1")["Generation"], 1)
        self.assertEqual(self.budget()["orders"]["spent"], 2)


if __name__ == "__main__":
    tap.main()
