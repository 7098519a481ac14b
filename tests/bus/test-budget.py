#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The rate ledger on the bus: what Issuer1.Budget shows, what waits and why, what a renewal may, and a CA that
asks to be left alone.

  test-budget.py BUS-AGENT"""

import os
import shutil
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap  # noqa: E402
from agent import ROOT, Agent, Client, Failed, GLib  # noqa: E402

PROGRAM = [sys.argv.pop(1)]
CONFIGURATION = """
[issuer default]
preset = house
[issuer same]
preset = house
[issuer lasts]
preset = house
[issuer other]
directory-url = https://other.test/dir
"""
PRESET = """[preset]
description = The house's
directory-url = https://ca.test/dir
eab = none
"""
ORDERS = """[limit orders]
scope = orders
count = {count}
refill = {refill}
"""
SAME = """[limit same]
scope = identifiers
count = 2
refill = 34h
exempt = renewal-info
"""
ACCOUNTS = """[limit accounts]
scope = accounts
count = 1
refill = 1h
"""
DOMAIN = """[limit domain]
scope = domain
count = 4
refill = 1h
exempt = renewals
"""


class Budget(unittest.TestCase):
    def start(self, *limits):
        self.presets = tempfile.mkdtemp(prefix="certherd-presets-")
        with open(os.path.join(self.presets, "house.conf"), "w") as file:
            file.write(PRESET + "".join(limits))
        self.agent = Agent(PROGRAM, CONFIGURATION, {"TEST_PRESETS": self.presets})
        self.client = Client(self.agent.bus)

    def tearDown(self):
        self.client.close()
        self.agent.clean()
        shutil.rmtree(self.presets)

    def restart(self):
        self.agent.stop()
        self.client.close()
        self.agent.start()
        self.client = Client(self.agent.bus)

    def issuer(self, name="default"):
        return self.client.get(self.client.agent("GetIssuer", "(s)", name), "Issuer1")

    def budget(self, name="default"):
        """{(limit, subject): line}"""
        return {(line["limit"], line["subject"]): line for line in self.issuer(name)["Budget"]}

    def end(self, name, identifiers, **spec):
        """Requests, and waits for the end: the certificate's path, and the operation's properties."""
        path, operation = self.client.request(name, identifiers, deliver=[], **spec)
        return path, self.client.finished(operation)

    def issue(self, name, identifiers, **spec):
        path, state = self.end(name, identifiers, **spec)
        self.assertEqual(state["State"], "done", state["ErrorMessage"])
        return path

    def refused(self, name, identifiers, *words, **spec):
        path, state = self.end(name, identifiers, **spec)
        self.assertEqual((state["State"], state["Error"].rpartition(".")[2]), ("failed", "RateLimited"))
        for word in words:
            self.assertIn(word, state["ErrorMessage"])
        return path

    def renew(self, path, **options):
        operation = self.client.call(path, "Certificate1.Renew", "(a{sv})", options)
        return self.client.finished(operation)

    def issued_by(self, path):
        """The issuers of its generations."""
        names = {self.client.agent("GetIssuer", "(s)", name): name for name in ("default", "same", "other")}
        return [names[row["issuer"]] for row in self.client.get(path, "Certificate1")["Generations"]]

    def detour(self, path):
        """What the Attention says that another issuer than the first has issued; None: there is none."""
        rows = self.client.get(ROOT, "Agent1")["Attentions"]
        return next((row["message"] for row in rows if (row["object"], row["code"]) == (path, "issuer-not-first")), None)

    def test_next_issuer(self):
        "An issuer without room is passed over for the next one, asked for nothing and not blamed; then for the one after it"
        self.start(ORDERS.format(count=2, refill="1h"))
        three = ["default", "same", "other"]
        self.assertEqual(self.issued_by(self.issue("one", ["one.example"], issuer=three)), ["default"])
        for name, issuer, spent in (("two", "same", [1, 1]), ("three", "other", [1, 1])):
            path = self.issue(name, [name + ".example"], issuer=three)
            self.assertEqual(self.issued_by(path), [issuer])
            self.assertEqual(self.client.get(path, "Certificate1")["Backoffs"], [])
            self.assertEqual([self.budget(one)["orders", ""]["spent"] for one in ("default", "same")], spent)
            self.assertIn(f"issuer {issuer} has issued", self.detour(path))
            self.assertIn("limit orders", self.detour(path))
        # What was kept for renewals is the first one's too.
        self.assertEqual(self.renew(path)["State"], "done")
        self.assertEqual(self.issued_by(path), ["other", "default"])
        self.assertIsNone(self.detour(path))

    def test_no_issuer(self):
        "When none of the list has room, the certificate waits for the first that will have, and says why"
        self.start(ORDERS.format(count=2, refill="1h"))
        two = ["same", "default"]
        for name in ("one", "two"):
            self.issue(name, [name + ".example"], issuer=two)
        path = self.refused("three", ["three.example"], "limit orders", issuer=two)
        state = self.client.get(path, "Certificate1")
        self.assertEqual((state["NextAction"], state["Generation"]), ("retry", 0))
        room = [self.budget(name)["orders", ""]["room-at"] for name in two]
        self.assertLessEqual(abs(state["NextActionTime"] - min(room)), 1)

    def test_half(self):
        "A first issuance has half of a limit, what is beyond it waits for its time; a renewal has all of it"
        self.start(ORDERS.format(count=2, refill="1h"))
        line, = self.budget().values()
        self.assertEqual(line, {"limit": "orders", "scope": "orders", "subject": "", "spent": 0, "allowed": 2, "kept": 1,
                                "room-at": 0, "renewal-room-at": 0})
        one = self.issue("one", ["one.example"])
        line, = self.budget().values()
        self.assertEqual((line["spent"], line["renewal-room-at"]), (1, 0))
        self.assertAlmostEqual(line["room-at"], time.time() + 3600, delta=30)
        self.assertTrue(any("Budget" in changed for changed in self.changes()))
        two = self.refused("two", ["two.example"], "issuer default", "limit orders", "https://ca.test/dir", "1 of 2",
                           "1 of them kept for renewals")
        state = self.client.get(two, "Certificate1")
        self.assertEqual((state["Activity"], state["NextAction"], state["Generation"]), ("waiting", "retry", 0))
        self.assertEqual(state["NextActionTime"], line["room-at"])
        self.assertIn("limit orders", state["NextActionReason"])
        self.assertEqual(self.renew(one)["State"], "done")
        line, = self.budget().values()
        self.assertEqual(line["spent"], 2)
        self.assertAlmostEqual(line["renewal-room-at"], time.time() + 3600, delta=30)
        state = self.renew(one)
        self.assertEqual((state["State"], state["Error"]), ("failed", "org.certherd.Error.RateLimited"))
        self.assertIn("2 of 2 are spent; there is room at", state["ErrorMessage"])

    def changes(self):
        issuer = self.client.agent("GetIssuer", "(s)", "default")
        self.client.drain()
        return [arguments[1] for path, _, name, arguments in self.client.signals
                if path == issuer and name == "PropertiesChanged"]

    def test_restart(self):
        "What was spent survives a restart; what is due and has no room waits without an operation"
        self.start(ORDERS.format(count=2, refill="1h"))
        self.issue("one", ["one.example"])
        two = self.refused("two", ["two.example"])
        before = self.budget()
        self.restart()
        after = self.budget()
        self.assertEqual(after, before)
        state = self.client.get(two, "Certificate1")
        self.assertEqual(state["Operation"], "/")
        self.assertEqual(state["NextActionTime"], before["orders", ""]["room-at"])

    def test_declared(self):
        "What is due by itself waits for room without an operation, and then has one"
        self.start(ORDERS.format(count=2, refill="4s"))
        self.issue("one", ["one.example"], issuer=["default"])
        self.agent.configure(CONFIGURATION + "[certificate two]\nidentifiers = two.example\nissuer = default\n"
                                             "deliver =\n")
        self.assertEqual(self.client.agent("Reload"), [])
        two = self.client.agent("GetCertificate", "(s)", "two")
        self.client.wait(lambda: "limit orders" in self.client.get(two, "Certificate1")["NextActionReason"], "the wait")
        state = self.client.get(two, "Certificate1")
        self.assertEqual((state["Activity"], state["Operation"], state["LastError"]), ("waiting", "/", ""))
        self.assertEqual(state["NextActionTime"], self.budget()["orders", ""]["room-at"])
        self.client.wait(lambda: self.client.get(two, "Certificate1")["Generation"] == 1, "two is issued")

    def test_room(self):
        "What waits for room is issued as soon as there is some"
        self.start(ORDERS.format(count=2, refill="3s"))
        self.issue("one", ["one.example"])
        two = self.refused("two", ["two.example"])
        self.client.wait(lambda: self.client.get(two, "Certificate1")["Generation"] == 1, "two is issued")

    def test_subjects(self):
        "What counts for names counts for every account at the CA; what failed is not spent; renewals are exempt"
        self.start(DOMAIN)
        one = self.issue("one", ["a.one.example"])
        path, state = self.end("not", ["refuse.one.example"], issuer=["same"])
        self.assertEqual(state["State"], "failed")
        self.issue("two", ["b.one.example"], issuer=["same"])
        self.assertEqual(self.renew(one)["State"], "done")
        self.assertEqual(self.budget("same")["domain", "one.example"]["spent"], 2)
        self.refused("three", ["c.one.example"], "limit domain for one.example", "2 of 4", issuer=["default"])
        self.assertEqual(self.renew(one)["State"], "done")
        self.issue("elsewhere", ["d.one.example"], issuer=["other"])
        self.assertEqual(self.budget("other"), {})

    def test_window(self):
        "A renewal in the CA's window that says what it replaces is exempt; outside of one it is not"
        self.start(SAME)
        plain = self.issue("plain", ["plain.example"], issuer=["default"])
        lasting = self.issue("lasting", ["lasting.example"], issuer=["lasts"])

        def asked():
            GLib.timeout_add(50, lambda: False)
            return "window-start" in self.client.call(lasting, "Certificate1.Explain")
        for _ in range(3):
            self.client.wait(asked, "the CA's suggestion")
            self.assertEqual(self.renew(lasting)["State"], "done")
        self.assertEqual(self.budget()["same", "lasting.example"]["spent"], 1)
        self.assertEqual(self.renew(plain)["State"], "done")
        self.assertIn("limit same for plain.example", self.renew(plain)["ErrorMessage"])

    def register(self, name):
        path = self.client.agent("GetIssuer", "(s)", name)
        return self.client.finished(self.client.call(path, "Issuer1.Register", "(a{sv})", {}))

    def test_accounts(self):
        "A new account counts, for all issuers at the CA; one that is there may always be looked at"
        self.start(ACCOUNTS)
        self.assertEqual(self.register("default")["State"], "done")
        self.assertEqual(self.budget("same")["accounts", ""]["spent"], 1)
        state = self.register("same")
        self.assertEqual(state["Error"], "org.certherd.Error.RateLimited")
        self.assertIn("limit accounts of the CA", state["ErrorMessage"])
        self.assertEqual(self.register("default")["State"], "done")
        self.issue("web", ["web.example"], issuer=["default"])
        self.refused("one", ["one.example"], "limit accounts", issuer=["same"])

    def test_left_alone(self):
        "A CA that answers with 429 and a time is left alone by all until then, after a restart too"
        self.start()
        web = self.issue("web", ["web.example"])
        limited, state = self.end("limited", ["limit.example"])
        self.assertEqual(state["Error"], "org.certherd.Error.RateLimited")
        until = self.issuer()["RetryAt"]
        self.assertAlmostEqual(until, time.time() + 3600, delta=30)
        self.assertEqual(self.issuer("same")["RetryAt"], until)
        self.assertEqual(self.issuer("other")["RetryAt"], 0)
        another = self.refused("another", ["another.example"], "asked to be left alone until", issuer=["same"])
        self.assertEqual(self.client.get(another, "Certificate1")["NextActionTime"], until)
        self.assertEqual(self.renew(web)["Error"], "org.certherd.Error.RateLimited")
        self.issue("elsewhere", ["elsewhere.example"], issuer=["other"])
        self.restart()
        self.assertEqual(self.issuer()["RetryAt"], until)
        self.refused("third", ["third.example"], "left alone", issuer=["default"])

    def test_of_names(self):
        "A time that only a limit of names explains holds no other names back"
        self.start(ORDERS.format(count=300, refill="36s"), DOMAIN)
        limited, state = self.end("limited", ["limit.example"])
        self.assertEqual(state["Error"], "org.certherd.Error.RateLimited")
        self.assertEqual(self.issuer()["RetryAt"], 0)
        self.issue("web", ["web.example"])

    def test_preflight(self):
        "A preflight says what an attempt would spend, and whether there is room"
        self.start(ORDERS.format(count=2, refill="1h"))
        wish = {"identifiers": GLib.Variant("as", ["127.0.0.1"]), "issuer": GLib.Variant("as", ["default"])}
        other = {**wish, "issuer": GLib.Variant("as", ["other"])}

        def find(wish):
            state = self.client.finished(self.client.agent("Preflight", "(a{sv})", wish))
            finding, = [f for f in state["Result"]["findings"] if f["check"] == "limits"]
            return finding["severity"], finding["message"]
        severity, message = find(wish)
        self.assertEqual(severity, "ok")
        self.assertIn("orders: 0 of 2 spent", message)
        self.assertEqual(find(other), ("ok", "no limit of the CA that is known here counts this"))
        self.issue("one", ["one.example"], issuer=["default"])
        severity, message = find(wish)
        self.assertEqual(severity, "error")
        self.assertIn("there is room at", message)
        both = {**wish, "issuer": GLib.Variant("as", ["default", "other"])}
        state = self.client.finished(self.client.agent("Preflight", "(a{sv})", both))
        found = [(f["issuer"], f["severity"]) for f in state["Result"]["findings"] if f["check"] == "limits"]
        self.assertEqual(found, [("default", "error"), ("other", "ok")])


if __name__ == "__main__":
    tap.main()
