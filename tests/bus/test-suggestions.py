#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a CA suggests about renewals, as the agent follows and shows it.

  test-suggestions.py BUS-AGENT"""

import os
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap  # noqa: E402
from agent import Agent, Client, GLib  # noqa: E402

PROGRAM = [sys.argv.pop(1)]
CONFIGURATION = "".join(f"[issuer {name}]\ndirectory-url = https://{name}.test/dir\n"
                        for name in ("default", "suggests", "hurries", "absurd", "silent"))


class Suggestions(unittest.TestCase):
    def setUp(self):
        self.agent = Agent(PROGRAM, CONFIGURATION)
        self.client = Client(self.agent.bus)

    def tearDown(self):
        self.client.close()
        self.agent.clean()

    def issue(self, issuer, **more):
        path, operation = self.client.request("www", ["www.example.org"], issuer=[issuer], deliver=[], **more)
        self.assertEqual(self.client.finished(operation)["State"], "done")
        return path

    def explain(self, path):
        return self.client.call(path, "Certificate1.Explain")

    def explained(self, path, key, generation=1):
        """Until the reasons have KEY, for GENERATION: nothing is signalled that is not shown elsewhere."""
        def look():
            GLib.timeout_add(50, lambda: False)
            reasons = self.explain(path)
            return reasons if key in reasons and reasons["generation"] == generation else None
        return self.client.wait(look, key)

    def attentions(self):
        return [row for row in self.client.get("/org/certherd/Agent1", "Agent1")["Attentions"]
                if row["code"] == "renewal-suggested"]

    def test_rule(self):
        "a CA that says nothing: the rule, and nothing about the CA"
        path = self.issue("default")
        reasons = self.explain(path)
        shown = self.client.get(path, "Certificate1")
        self.assertEqual((reasons["action"], reasons["time"], reasons["reason"]),
                         ("renew", shown["NextActionTime"], shown["NextActionReason"]))
        self.assertEqual((reasons["rule"], reasons["rule-reason"]), ("auto", shown["NextActionReason"]))
        self.assertEqual((reasons["generation"], reasons["not-after"]), (1, shown["NotAfter"]))
        for key in ("window-start", "pick", "asked-at", "failures", "error"):
            self.assertNotIn(key, reasons)

    def test_none_yet(self):
        "nothing issued yet: what failed, and until when that holds it up"
        path, operation = self.client.request("www", ["down.example.org"], issuer=["suggests"], deliver=[])
        self.assertEqual(self.client.finished(operation)["State"], "failed")
        reasons = self.explain(path)
        self.assertEqual((reasons["action"], reasons["failures"]), ("retry", 1))
        self.assertEqual(reasons["error"], "org.certherd.Error.Unreachable")
        self.assertIn("the double is down", reasons["error-message"])
        self.assertGreater(reasons["retry-at"], reasons["error-time"])
        self.assertNotIn("rule", reasons)

    def test_followed(self):
        "a window: a moment in it is the next action's, and is the same after a restart, which asks nothing"
        path = self.issue("suggests")
        reasons = self.explained(path, "pick")
        self.assertGreaterEqual(reasons["pick"], reasons["window-start"])
        self.assertLess(reasons["pick"], reasons["window-end"])
        self.assertEqual(reasons["explanation-url"], "https://ca.test/why")
        self.assertGreaterEqual(reasons["ask-at"], reasons["asked-at"] + 3590)
        shown = self.client.get(path, "Certificate1")
        self.assertEqual((shown["NextAction"], shown["NextActionTime"]), ("renew", reasons["pick"]))
        self.assertIn("the CA suggests", shown["NextActionReason"])
        self.assertIn("https://ca.test/why", shown["NextActionReason"])
        self.client.close()
        self.agent.stop()
        self.agent.start()
        self.client = Client(self.agent.bus)
        self.client.drain()
        self.assertEqual(self.explain(path), reasons)

    def test_configured(self):
        "a renew of somebody's own stands, unless the CA wants it sooner"
        path = self.issue("suggests", renew="1h")
        reasons = self.explained(path, "pick")
        self.assertEqual((reasons["rule"], reasons["renew-at"]), ("1h", reasons["pick"]))
        path = self.client.call(path, "Certificate1.Modify", "(a{sv}as)", {"renew": GLib.Variant("s", "99%")}, []) and path
        later = self.explain(path)
        self.assertEqual((later["rule"], later["renew-at"]), ("99%", later["rule-time"]))
        self.assertLess(later["renew-at"], later["pick"])

    def test_past(self):
        "a window that is always past: renewed once, then not before a quarter of the lifetime, and people are told"
        path = self.issue("hurries")
        reasons = self.explained(path, "not-sooner-than", 2)
        reasons = self.explained(path, "pick", 2)
        self.assertGreater(reasons["renew-at"], time.time() + 60)
        self.assertEqual(reasons["renew-at"], reasons["not-sooner-than"])
        self.assertIn("once in a quarter", reasons["reason"])
        row, = self.attentions()
        self.assertEqual((row["object"], row["severity"]), (path, "warning"))
        self.assertIn("https://ca.test/why", row["message"])
        self.assertEqual(self.client.get(path, "Certificate1")["Generation"], 2)

    def test_absurd(self):
        "a window behind the end: the rule, and why"
        path = self.issue("absurd")
        reasons = self.explained(path, "suggestion-problem")
        self.assertIn("expires at", reasons["suggestion-problem"])
        self.assertNotIn("pick", reasons)
        self.assertEqual(reasons["reason"], reasons["rule-reason"])
        self.assertIn("renewed by the rule", self.agent.read_log())

    def test_silent(self):
        "no answer: the rule, why, and another question in a minute or so"
        path = self.issue("silent")
        reasons = self.explained(path, "suggestion-problem")
        self.assertIn("the double is down", reasons["suggestion-problem"])
        self.assertLess(reasons["ask-at"], reasons["asked-at"] + 200)
        self.assertEqual(reasons["reason"], reasons["rule-reason"])


tap.main()
