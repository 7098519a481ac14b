#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Revocations: who is asked, in which order, what becomes of the certificate, and what is refused. What a CA
makes of it is tested where there is one: tests/integration/test-revoke.py.

  test-revocations.py BUS-AGENT"""

import os
import signal
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap  # noqa: E402
from agent import Agent, Client, Failed, GLib  # noqa: E402

PROGRAM = [sys.argv.pop(1)]
CONFIGURATION = "".join(f"[issuer {name}]\ndirectory-url = https://{name}.test/dir\n"
                        for name in ("default", "hold", "lost", "foreign", "down", "deaf", "picky"))
WORDS = ("unspecified", "key-compromise", "affiliation-changed", "superseded", "cessation-of-operation")


def options(**values):
    kinds = {"reason": "s", "with": "s", "generation": "t", "at_once": "b"}
    return {key.rstrip("_").replace("_", "-"): GLib.Variant(kinds[key.rstrip("_")], value)
            for key, value in values.items()}


class Revocations(unittest.TestCase):
    def setUp(self):
        self.agent = Agent(PROGRAM, CONFIGURATION)
        self.client = Client(self.agent.bus)

    def tearDown(self):
        self.client.close()
        self.agent.clean()

    def restart(self, how=9):
        self.agent.stop(how)
        self.client.close()
        self.agent.start()
        self.client = Client(self.agent.bus)

    def certificate(self, name="web", identifier="www.example", issuer="default", **more):
        path, operation = self.client.request(name, [identifier], issuer=[issuer], deliver=[], **more)
        if not identifier.startswith("wait."):
            self.assertEqual(self.client.finished(operation)["State"], "done")
        return path

    def start(self, path, **values):
        return self.client.call(path, "Certificate1.Revoke", "(a{sv})", options(**values))

    def revoke(self, path, **values):
        return self.client.finished(self.start(path, **values))

    def refused(self, error, path, given):
        with self.assertRaises(Failed) as caught:
            self.client.call(path, "Certificate1.Revoke", "(a{sv})", given)
        self.assertEqual(caught.exception.name, error, caught.exception.message)
        return caught.exception.message

    def asked(self):
        return [line.removeprefix("revoke: ") for line in self.agent.read_log().splitlines() if line.startswith("revoke: ")]

    def get(self, path):
        return self.client.get(path, "Certificate1")

    def ordering(self, path):
        """Waits until the certificate's order is with the issuer, who waits for SIGUSR2."""
        def ordered():
            operation = self.get(path)["Operation"]
            return operation != "/" and self.client.get(operation, "Operation1")["Step"] == "download"

        self.client.wait(ordered, "the order")

    def go_on(self, path, generation):
        self.ordering(path)
        self.agent.process.send_signal(signal.SIGUSR2)
        self.client.wait(lambda: self.get(path)["Generation"] == generation, f"generation {generation}")

    def replaced(self, path, number):
        return self.client.wait(lambda: (p := self.get(path))["Generation"] > number and p, "a replacement")

    def test_superseded(self):
        "the current one: revoked as the account, for its reason, and replaced at once"
        path = self.certificate()
        state = self.revoke(path, reason="superseded")
        self.assertEqual((state["Kind"], state["State"], state["Object"]), ("revoke", "done", path))
        self.assertEqual(state["Result"], {"generation": 1})
        self.assertEqual([step["name"] for step in state["Steps"]], ["load", "revoke"])
        self.assertEqual(self.asked(), ["default, reason 4, as account"])
        properties = self.replaced(path, 1)
        self.assertEqual([g["revoked"] for g in properties["Generations"]], ["superseded", ""])
        self.assertEqual(properties["State"], "valid")
        # It is known, and nobody is asked again.
        self.assertEqual(self.revoke(path, generation=1)["State"], "done")
        self.assertEqual(self.asked(), ["default, reason 4, as account"])

    def test_state(self):
        "until it is replaced it is revoked: State, ByState, the filter, the next action and why"
        path = self.certificate(identifier="wait.example")
        self.go_on(path, 1)
        self.assertEqual(self.revoke(path)["State"], "done")
        self.ordering(path)
        properties = self.get(path)
        self.assertEqual((properties["State"], properties["NextAction"]), ("revoked", "renew"))
        self.assertEqual(self.client.get("/org/certherd/Agent1", "Agent1")["ByState"]["revoked"], 1)
        rows, _ = self.client.agent("ListCertificates", "(a{sv}su)", {"state": GLib.Variant("s", "revoked")}, "", 10)
        self.assertEqual([(row[1], row[2]) for row in rows], [("web", "revoked")])
        self.restart()
        self.assertEqual(self.get(path)["State"], "revoked")
        self.go_on(path, 2)
        self.assertEqual(self.get(path)["State"], "valid")
        self.assertEqual(self.client.get("/org/certherd/Agent1", "Agent1")["ByState"], {"valid": 1})

    def test_cessation(self):
        "where nobody wants it any more there is no other one, until somebody does"
        path = self.certificate()
        self.assertEqual(self.revoke(path, reason="cessation-of-operation")["State"], "done")
        self.restart()
        properties = self.get(path)
        self.assertEqual((properties["State"], properties["NextAction"], properties["NextActionTime"]),
                         ("revoked", "none", 0))
        self.assertEqual(properties["NextActionReason"], "generation 1 was revoked: cessation-of-operation")
        # Another renew is no reason for another one.
        self.client.call(path, "Certificate1.Modify", "(a{sv}as)", {"renew": GLib.Variant("s", "50%")}, [])
        self.assertEqual(self.get(path)["NextAction"], "none")
        self.client.finished(self.client.call(path, "Certificate1.Renew", "(a{sv})", {}))
        self.assertEqual((self.get(path)["State"], self.get(path)["Generation"]), ("valid", 2))

    def test_older(self):
        "an older one: the current one stays, and the old one's key is not handed out any more"
        path = self.certificate()
        self.client.finished(self.client.call(path, "Certificate1.Renew", "(a{sv})", {}))
        self.assertEqual(self.revoke(path, generation=1, reason="affiliation-changed")["State"], "done")
        self.assertEqual(self.asked(), ["default, reason 3, as account"])
        properties = self.get(path)
        self.assertEqual((properties["State"], properties["Generation"]), ("valid", 2))
        self.assertEqual([g["revoked"] for g in properties["Generations"]], ["affiliation-changed", ""])
        with self.assertRaises(Failed) as caught:
            self.client.call(path, "Certificate1.OpenBundle", "(a{sv})", options(generation=1))
        self.assertEqual(caught.exception.name, "Refused")
        self.assertIn("was revoked (affiliation-changed)", caught.exception.message)
        self.client.call(path, "Certificate1.OpenChain", "(a{sv})", options(generation=1))
        self.client.call(path, "Certificate1.OpenBundle", "(a{sv})", {})

    def test_key_compromise(self):
        "a new key first, then the revocation; a kill on the way changes nothing of that"
        path = self.certificate(identifier="wait.example")
        self.go_on(path, 1)
        operation = self.start(path, reason="key-compromise")
        self.assertEqual(self.start(path, reason="key-compromise"), operation)
        self.refused("Busy", path, options(reason="superseded"))
        self.client.wait(lambda: self.get(path)["Operation"] != "/", "the replacement")
        self.restart()
        self.client.wait(lambda: self.client.get(operation, "Operation1")["Step"] == "replace", "its step")
        self.ordering(path)
        self.assertEqual((self.asked(), self.get(path)["State"]), ([], "valid"))
        self.agent.process.send_signal(signal.SIGUSR2)
        self.assertEqual(self.client.finished(operation)["State"], "done")
        self.assertEqual(self.asked(), ["default, reason 1, as account"])
        properties = self.get(path)
        self.assertEqual([(g["generation"], g["revoked"]) for g in properties["Generations"]], [(1, "key-compromise"), (2, "")])
        self.assertEqual((properties["State"], properties["Generation"]), ("valid", 2))

    def test_key_compromise_fails(self):
        "what cannot be replaced is not revoked, unless somebody says at-once"
        path = self.certificate(identifier="predecessorless.example")
        state = self.revoke(path, reason="key-compromise")
        self.assertEqual((state["State"], state["Error"]), ("failed", "org.certherd.Error.Failed"))
        self.assertIn("at-once", state["ErrorMessage"])
        self.assertIn("the double was told what it replaces", state["ErrorMessage"])
        self.assertEqual((self.asked(), self.get(path)["State"]), ([], "valid"))
        # While it waits for its next attempt there is none for this either.
        state = self.revoke(path, reason="key-compromise")
        self.assertEqual(state["Error"], "org.certherd.Error.RateLimited")
        self.assertEqual(self.revoke(path, reason="key-compromise", at_once=True)["State"], "done")
        self.assertEqual((self.asked(), self.get(path)["State"]), (["default, reason 1, as account"], "revoked"))

    def test_with(self):
        "as the account, with the key where that is of no use, or as is said"
        for issuer, given, calls, state, words in (
                ("default", {"with_": "key"}, ["key"], "done", ""), ("lost", {}, ["account", "key"], "done", ""),
                ("foreign", {}, ["account", "key"], "done", ""), ("lost", {"with_": "account"}, ["account"], "failed", "no account"),
                ("down", {}, ["account"], "failed", "is down"), ("down", {"with_": "key"}, ["key"], "failed", "is down"),
                ("picky", {"reason": "superseded"}, ["account"], "failed", "choose another reason"),
                ("deaf", {}, ["account", "key"], "failed", "as the account: revokeCert: not yours")):
            with self.subTest(issuer + str(given)):
                before = len(self.asked())
                name = f"{issuer}{before}"
                path = self.certificate(name, issuer=issuer)
                found = self.revoke(path, **given)
                self.assertEqual((found["State"], [line.rsplit(" ", 1)[1] for line in self.asked()[before:]]), (state, calls))
                self.assertIn(words, found["ErrorMessage"])
                self.assertEqual([g["revoked"] for g in self.get(path)["Generations"]][0] != "", state == "done")

    def test_under_way(self):
        "a kill in the middle: it is asked again; it can be cancelled, and removed with its certificate"
        path = self.certificate(issuer="hold")
        operation = self.start(path)
        self.client.wait(lambda: len(self.asked()) == 1, "the CA")
        self.restart()
        self.client.wait(lambda: len(self.asked()) == 2, "the CA, again")
        self.client.call(operation, "Operation1.Cancel")
        state = self.client.finished(operation)
        self.assertEqual((state["State"], state["Error"]), ("cancelled", "org.certherd.Error.Cancelled"))
        self.assertEqual(self.get(path)["State"], "valid")
        operation = self.start(path)
        self.client.wait(lambda: len(self.asked()) == 3, "the CA, for the last time")
        self.client.call(path, "Certificate1.Remove", "(a{sv})", {})
        with self.assertRaises(Failed):
            self.client.get(operation, "Operation1")
        # Removing revokes nothing.
        self.certificate("other")
        self.client.call(self.client.agent("GetCertificate", "(s)", "other"), "Certificate1.Remove", "(a{sv})", {})
        self.assertEqual(len(self.asked()), 3)

    def test_locked(self):
        "without the keys it waits, and the account is not asked"
        path = self.certificate()
        self.agent.stop()
        self.client.close()
        self.agent.environment = {"TEST_LOCKED": "1"}
        self.agent.start()
        self.client = Client(self.agent.bus)
        operation = self.start(path)
        self.client.wait(lambda: self.client.get(operation, "Operation1")["Step"] == "unlock", "its step")
        self.agent.environment = {}
        self.restart()
        self.assertEqual(self.client.finished(operation)["State"], "done")
        self.assertEqual(len(self.asked()), 1)

    def test_refused(self):
        "options that are none, of another type, or hostile; generations that are not there"
        path = self.certificate()
        for word in ("", "keyCompromise", "Superseded", "superseded ", "caCompromise", "\x1b[31m", "a" * 5000, "\u202e"):
            message = self.refused("InvalidArgument", path, options(reason=word))
            self.assertTrue(all(known in message for known in WORDS), message)
            self.assertTrue(message.isprintable() and len(message) < 1000, message)
            message = self.refused("InvalidArgument", path, options(with_=word))
            self.assertIn("account, key", message)
        for key, value in (("reason", GLib.Variant("u", 1)), ("generation", GLib.Variant("x", 1)),
                           ("with", GLib.Variant("b", True)), ("at-once", GLib.Variant("s", "yes")),
                           ("force", GLib.Variant("b", True))):
            self.assertIn(key, self.refused("InvalidArgument", path, {key: value}))
        for number in (2, 2 ** 63, 2 ** 64 - 1):
            self.assertIn(str(number), self.refused("NotFound", path, options(generation=number)))
        path, _ = self.client.request("none", ["hold.example"], deliver=[])
        self.assertIn("no generation yet", self.refused("NotFound", path, {}))
        self.assertEqual(self.asked(), [])


tap.main()
