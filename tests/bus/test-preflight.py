#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Preflight: what it may be asked, and what becomes of its findings. What it finds out is tested where there
are a CA, a DNS and a responder: tests/integration/test-preflight.py.

  test-preflight.py BUS-AGENT"""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import hostile  # noqa: E402
import tap  # noqa: E402
from agent import Agent, Client, Failed, GLib  # noqa: E402

PROGRAM = [sys.argv.pop(1)]
CONFIGURATION = "".join(f"[issuer {name}]\ndirectory-url = https://{name}.test/dir\n"
                        for name in ("default", "hold", "mute", "behind", "ahead", "bound"))
HOLD = {"issuer": GLib.Variant("as", ["hold"])}


def wish(*identifiers, **more):
    """Addresses of this machine need no DNS."""
    return {"identifiers": GLib.Variant("as", identifiers), **more} if identifiers else more


class Preflight(unittest.TestCase):
    def setUp(self):
        self.agent = Agent(PROGRAM, CONFIGURATION)
        self.client = Client(self.agent.bus)

    def tearDown(self):
        self.client.close()
        self.agent.clean()

    def preflight(self, spec):
        return self.client.agent("Preflight", "(a{sv})", spec)

    def refused(self, spec, error="InvalidArgument"):
        with self.assertRaises(Failed) as caught:
            self.preflight(spec)
        self.assertEqual(caught.exception.name, error, caught.exception.message)
        return caught.exception.message

    def named(self, name):
        return {"certificate": GLib.Variant("s", name)}

    def findings(self, state):
        found = state["Result"]["findings"]
        for finding in found:
            self.assertEqual(sorted(finding.keys() - {"issuer"}), ["check", "identifier", "message", "severity"])
            if finding["check"] in ("issuer", "account", "limits"):
                self.assertTrue(finding["issuer"])
            self.assertIn(finding["severity"], ("ok", "notice", "warning", "error"))
        return found

    def test_names(self):
        "names that there is no certificate for: about the issuer, and what is found is the result"
        operation = self.preflight(wish("127.0.0.1"))
        state = self.client.finished(operation)
        self.assertEqual((state["Kind"], state["State"], state["Error"]), ("preflight", "done", ""))
        self.assertEqual(state["Object"], self.client.agent("GetIssuer", "(s)", "default"))
        self.assertEqual([step["name"] for step in state["Steps"]], ["directory", "names", "present", "look", "withdraw"])
        found = {(f["check"], f["identifier"]): f for f in self.findings(state)}
        self.assertEqual(found["issuer", ""]["severity"], "ok")
        self.assertEqual(found["clock", ""]["severity"], "ok")
        self.assertEqual(found["account", ""]["severity"], "notice")
        self.assertIn("private", "".join(f["message"] for f in self.findings(state)))
        self.assertEqual(self.client.agent("ListCertificates", "(a{sv}su)", {}, "", 10), ([], ""))

    def test_issuer(self):
        "the clock, compared with the CA's, and what is wrong with the account"
        for name, check, severity, words in (
                ("mute", "clock", "notice", "was not compared"), ("behind", "clock", "warning", "1000 seconds ahead of"),
                ("ahead", "clock", "error", "100000 seconds behind"), ("behind", "account", "error", "is deactivated"),
                ("ahead", "account", "error", "nobody knows it"), ("bound", "account", "error", "external account binding"),
                ("mute", "account", "notice", "the first attempt makes one")):
            with self.subTest(name + check):
                issuer = {"issuer": GLib.Variant("as", [name])}
                state = self.client.finished(self.preflight(wish("127.0.0.1", **issuer)))
                found = [f for f in self.findings(state) if f["check"] == check]
                self.assertEqual([f["severity"] for f in found], [severity])
                self.assertIn(words, found[0]["message"])

    def test_issuers(self):
        "all issuers of the list are looked at, each for itself; what is no issuer's is said once"
        names = ["mute", "ahead", "default", "bound"]
        state = self.client.finished(self.preflight(wish("127.0.0.1", issuer=GLib.Variant("as", names))))
        self.assertEqual(state["Object"], self.client.agent("GetIssuer", "(s)", "mute"))
        rows = self.findings(state)
        for check, severities in (("issuer", ["ok", "ok", "ok", "ok"]), ("clock", ["notice", "error", "ok", "ok"]),
                                  ("account", ["notice", "error", "notice", "error"]), ("limits", ["ok", "ok", "ok", "ok"])):
            found = [(row["issuer"], row["severity"]) for row in rows if row["check"] == check]
            self.assertEqual(found, list(zip(names, severities)), check)
        rest = [row for row in rows if row["check"] not in ("issuer", "clock", "account", "limits")]
        self.assertEqual({row.get("issuer") for row in rest}, {None})
        self.assertEqual(len([row for row in rest if row["check"] == "address" and row["severity"] == "ok"]), 1)

    def test_issuers_of_certificate(self):
        "of a certificate all issuers of its wish, also after a restart; one whose section is gone is passed over"
        names = ["default", "hold", "mute"]
        self.client.request("web", ["www.example", "127.0.0.1"], issuer=names, deliver=[])
        operation = self.preflight({**self.named("web"), **wish("127.0.0.1")})
        self.assertEqual(self.client.get(operation, "Operation1")["Step"], "directory")
        self.agent.stop(9)
        self.client.close()
        self.agent.configure(CONFIGURATION.replace("[issuer hold]\ndirectory-url = https://hold.test/dir\n", ""))
        self.agent.start()
        self.client = Client(self.agent.bus)
        rows = self.findings(self.client.finished(operation))
        self.assertEqual([row["issuer"] for row in rows if row["check"] == "issuer"], ["default", "mute"])

    def test_binding(self):
        "an external account binding has two halves, and its file must be there; with both all is well"
        file = os.path.join(self.agent.config, "mac")
        with open(file, "w") as stream:
            stream.write("c2VjcmV0")
        for settings, severity, words in (
                ("eab-kid = kid", "error", "eab-kid is set, and eab-hmac-file is not"),
                (f"eab-hmac-file = {file}", "error", "eab-hmac-file is set, and eab-kid is not"),
                (f"eab-kid = kid\neab-hmac-file = {file}.gone", "error", "mac.gone"),
                (f"eab-kid = kid\neab-hmac-file = {file}", "notice", "the first attempt makes one")):
            with self.subTest(settings):
                self.agent.configure(CONFIGURATION + settings + "\n")  # of "bound", the last one
                self.assertEqual(self.client.agent("Reload"), [])
                state = self.client.finished(self.preflight(wish("127.0.0.1", issuer=GLib.Variant("as", ["bound"]))))
                found, = [f for f in self.findings(state) if f["check"] == "account"]
                self.assertEqual(found["severity"], severity)
                self.assertIn(words, found["message"])
                self.assertNotIn("c2VjcmV0", str(state))

    def test_restart(self):
        "what was found survives a restart of the agent"
        operation = self.preflight(wish("127.0.0.1"))
        state = self.client.finished(operation)
        self.assertEqual(self.agent.stop(), 0)
        self.client.close()
        self.agent.start()
        self.client = Client(self.agent.bus)
        self.assertEqual(self.client.get(operation, "Operation1")["Result"], state["Result"])

    def test_under_way(self):
        "one that is under way goes on after a restart, and can be cancelled"
        operation = self.preflight(wish("127.0.0.1", **HOLD))
        self.assertEqual(self.client.get(operation, "Operation1")["Step"], "directory")
        self.agent.stop(9)
        self.client.close()
        self.agent.start()
        self.client = Client(self.agent.bus)
        self.client.wait(lambda: self.client.get(operation, "Operation1")["Step"] == "directory", "its step")
        self.client.call(operation, "Operation1.Cancel")
        state = self.client.finished(operation)
        self.assertEqual((state["State"], state["Error"]), ("cancelled", "org.certherd.Error.Cancelled"))
        self.assertEqual(([s["name"] for s in state["Steps"]][-1], state["Result"]), ("withdraw", {}))

    def test_words_of_ca(self):
        "what a CA says of a name is a finding of the issuance, also after a restart"
        path, operation = self.client.request("web", ["refuse.example"], deliver=[])
        said = [{"identifier": "refuse.example", "check": "ca", "severity": "error", "type": "rejectedIdentifier",
                 "message": "the double will not (rejectedIdentifier)"}]
        self.assertEqual(self.client.finished(operation)["Result"], {"findings": said})
        self.assertEqual(self.agent.stop(), 0)
        self.client.close()
        self.agent.start()
        self.client = Client(self.agent.bus)
        self.assertEqual(self.client.get(operation, "Operation1")["Result"], {"findings": said})

    def test_later_failure(self):
        "an issuance that fails shows what the last preflight of its certificate had warned of"
        path, operation = self.client.request("web", ["hold.example", "127.0.0.1"], deliver=[])
        state = self.client.finished(self.preflight({**self.named("web"), **wish("127.0.0.1")}))
        self.assertEqual(state["Object"], path)
        bad = [f for f in self.findings(state) if f["severity"] in ("warning", "error")]
        self.assertTrue(bad)
        self.client.call(operation, "Operation1.Cancel")
        self.assertEqual(self.client.finished(operation)["Result"], {})
        modified = self.client.call(path, "Certificate1.Modify", "(a{sv}as)", wish("down.example", "127.0.0.1"), [])
        failed = self.client.finished(modified)
        self.assertEqual((failed["State"], failed["Result"]), ("failed", {"findings": bad}))

    def test_success(self):
        "an issuance that succeeds shows nothing of it"
        path, operation = self.client.request("web", ["www.example", "127.0.0.1"], deliver=[])
        self.client.finished(operation)
        self.client.finished(self.preflight({**self.named("web"), **wish("127.0.0.1")}))
        renewal = self.client.finished(self.client.call(path, "Certificate1.Renew", "(a{sv})", {}))
        self.assertEqual(renewal["Result"], {"generation": 2})

    def test_removed(self):
        "it ends with its certificate"
        path, _ = self.client.request("web", ["www.example", "127.0.0.1"], deliver=[])
        operation = self.preflight({**self.named("web"), **wish("127.0.0.1", **HOLD)})
        self.client.call(path, "Certificate1.Remove", "(a{sv})", {})
        self.client.wait(lambda: any(s[0] == operation and s[2] == "Finished" for s in self.client.signals), "its end")
        self.assertEqual(self.client.finished(self.preflight(wish("127.0.0.1")))["State"], "done")

    def test_refused(self):
        "what there is not, and what is wrong, is named"
        self.assertIn("identifiers", self.refused({}))
        self.assertIn("nobody", self.refused(self.named("nobody"), "NotFound"))
        self.assertIn("“”", self.refused(self.named(""), "NotFound"))
        self.assertIn("certificate", self.refused({"certificate": GLib.Variant("as", ["web"])}))
        self.assertIn("colour", self.refused(wish("127.0.0.1", colour=GLib.Variant("s", "red"))))
        for key, value in (("issuer", ["nobody"]), ("challenge", ["magic-01"])):
            self.assertIn(value[0], self.refused(wish("127.0.0.1", **{key: GLib.Variant("as", value)}), "NotFound"))

    def test_hostile(self):
        "paths, commands, hosts, newlines in every key"
        for name in hostile.NAMES:
            message = self.refused(self.named(name), "NotFound")
            self.assertNotIn("\n", message)
            self.assertNotIn("\u202e", message)
        for key, kind, value in hostile.pairs():
            with self.assertRaises(Failed) as caught:
                self.preflight({**wish("127.0.0.1"), key: GLib.Variant(kind, value)})
            self.assertIn(caught.exception.name, ("InvalidArgument", "NotFound"))
            self.assertIn(key, caught.exception.message)


tap.main()
