#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Revocations by the installed agent at Debian's Pebble, which is asked afterwards what it knows.

  test-revoke.py CERTHERD"""

import json
import os
import ssl
import sys
import urllib.request

LIB = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib")
sys.path.insert(0, LIB)
import tap  # noqa: E402
from agent import Client, Failed, GLib  # noqa: E402
from issuing import Case  # noqa: E402

Case.program = [sys.argv.pop(1)]


class Revoke(Case):
    def status(self, serial):
        """What the CA says of a serial: ("Valid", None), ("Revoked", 4)."""
        context = ssl.create_default_context(cafile=self.pebble["TLS_CA"])
        url = f"{self.pebble['MANAGEMENT_URL']}/cert-status-by-serial/{serial}"
        with urllib.request.urlopen(url, context=context) as reply:
            found = json.load(reply)
        return found["Status"], found.get("Reason")

    def begin(self, path, **values):
        options = {key: GLib.Variant("t" if key == "generation" else "s", value) for key, value in values.items()}
        return self.client.call(path, "Certificate1.Revoke", "(a{sv})", options)

    def revoke(self, path, **values):
        state = self.client.finished(self.begin(path, **values))
        self.assertEqual(state["State"], "done", state["ErrorMessage"] + self.agent.read_log())
        return state

    def begin_and_die(self, path, **values):
        """The agent may be gone before it has answered."""
        try:
            self.begin(path, **values)
        except Failed as failed:
            self.assertIn("NoReply", failed.name)
        self.assertEqual(self.agent.process.wait(30), -9)

    def restart(self):
        self.client.close()
        self.agent.log.close()
        self.agent.environment = {}
        self.agent.start()
        self.client = Client(self.agent.bus)

    def generations(self, path):
        return self.client.get(path, "Certificate1")["Generations"]

    def requests(self):
        return self.pebble.requests().get("/revoke-cert", 0)

    def test_account(self):
        "as the account: the CA has it revoked for the reason, and the targets have another one at once"
        self.start()
        path = self.issue("web", ["web.example.org"])
        serial = self.client.get(path, "Certificate1")["Serial"]
        self.assertEqual(self.status(serial)[0], "Valid")
        before = self.requests()
        self.revoke(path, reason="superseded")
        self.assertEqual((self.status(serial), self.requests() - before), (("Revoked", 4), 1))
        self.client.wait(lambda: self.applied(path)["live"]["applied"] == 2, "the replacement")
        second = self.client.get(path, "Certificate1")["Serial"]
        self.assertEqual(self.status(second)[0], "Valid")
        self.assertEqual([g["revoked"] for g in self.generations(path)], ["superseded", ""])

    def test_key(self):
        "with the certificate's own key: because it is said, and because the account was closed"
        self.start()
        path = self.issue("web", ["web.example.org"], deliver=[])
        other = self.issue("other", ["other.example.org"], deliver=[])
        serials = [self.client.get(one, "Certificate1")["Serial"] for one in (path, other)]
        self.revoke(path, **{"with": "key", "reason": "cessation-of-operation"})
        self.assertEqual(self.status(serials[0]), ("Revoked", 5))
        issuer = self.client.agent("GetIssuer", "(s)", "default")
        self.client.finished(self.client.call(issuer, "Issuer1.Deactivate", ""))
        self.assertEqual(self.client.get(issuer, "Issuer1")["Status"], "deactivated")
        state = self.client.finished(self.begin(other, **{"with": "account"}))
        self.assertEqual((state["State"], state["Error"]), ("failed", "org.certherd.Error.ActionRequired"))
        self.assertEqual(self.status(serials[1])[0], "Valid")
        self.revoke(other, reason="cessation-of-operation")
        self.assertEqual(self.status(serials[1]), ("Revoked", 5))

    def test_key_compromise(self):
        "a compromised key: another certificate with another key is in its place before it is revoked"
        self.start()
        path = self.issue("web", ["web.example.org"])
        serial, key = self.client.get(path, "Certificate1")["Serial"], self.live("web", "privkey.pem")
        state = self.revoke(path, reason="key-compromise")
        steps = [step["name"] for step in state["Steps"]]
        self.assertEqual([step for step in steps if step in ("replace", "deliver", "revoke")], ["replace", "deliver", "revoke"])
        self.assertEqual(self.status(serial), ("Revoked", 1))
        properties = self.client.get(path, "Certificate1")
        self.assertEqual((properties["State"], properties["Generation"]), ("valid", 2))
        self.assertNotEqual(self.live("web", "privkey.pem"), key)

    def test_one_generation(self):
        "a compromised key, where one generation is kept: its own key revokes it, and is gone with the next one"
        self.configuration = lambda *more: Case.configuration(self, *more).replace("[agent]", "[agent]\ngenerations = 1")
        self.start()
        path = self.issue("web", ["web.example.org"], deliver=[])
        serial = self.client.get(path, "Certificate1")["Serial"]
        self.revoke(path, **{"reason": "key-compromise", "with": "key"})
        self.assertEqual(self.status(serial), ("Revoked", 1))
        self.assertEqual([g["revoked"] for g in self.generations(path)], ["key-compromise", ""])
        self.client.finished(self.client.call(path, "Certificate1.Renew", "(a{sv})", {}))
        self.assertEqual([g["generation"] for g in self.generations(path)], [3])

    def test_killed(self):
        "killed at each point on the way: it goes on, and ends as it would have"
        for point in ("run:revocation/load:answered", "run:revocation/replace:entered", "run:revocation/deliver:entered",
                      "run:revocation/account:entered", "run:revoke/revoke:entered", "run:revoke/revoke:answered",
                      "run:revocation/account:answered", "run:revocation/account:left"):
            with self.subTest(point):
                self.start(environment={"CERTHERD_CRASH_AT": point})
                path = self.issue("web", ["web.example.org"])
                serial = self.client.get(path, "Certificate1")["Serial"]
                self.begin_and_die(path, reason="key-compromise")
                self.restart()
                # It is on disk, and is joined; or has just ended, and nothing is left to be done.
                state = self.client.finished(self.begin(path, generation=1, reason="key-compromise"))
                self.assertEqual(state["State"], "done", state["ErrorMessage"] + self.agent.read_log())
                self.assertEqual(self.status(serial), ("Revoked", 1))
                self.assertEqual([g["revoked"] for g in self.generations(path)], ["key-compromise", ""])
                self.tearDown()
                self.setUp()

    def test_revoked_already(self):
        "the CA has done it, and nobody here knows: it says so when it is asked again, and that is a success"
        self.start(environment={"CERTHERD_CRASH_AT": "run:revocation/account:answered"})
        path = self.issue("web", ["web.example.org"], deliver=[])
        serial = self.client.get(path, "Certificate1")["Serial"]
        self.begin_and_die(path)
        self.assertEqual(self.status(serial)[0], "Revoked")
        before = self.requests()
        self.restart()
        self.client.wait(lambda: self.generations(path)[0]["revoked"], "the revocation")
        self.assertEqual(self.requests() - before, 1)


tap.main()
