#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Several issuers for one certificate: in order, each with its own back-off; rehearsals with a staging sibling;
what is known of it on the bus; and a restart in between.

  test-issuers.py BUS-AGENT"""

import os
import signal
import sqlite3
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap  # noqa: E402
from agent import ROOT, Agent, Client, Failed, GLib  # noqa: E402

PROGRAM = [sys.argv.pop(1)]
CONFIGURATION = """
[issuer a]
directory-url = https://a.test/dir
staging = s
[issuer b]
directory-url = https://b.test/dir
[issuer s]
directory-url = https://s.test/dir
"""
FORCE = {"force": GLib.Variant("b", True)}


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="certherd-test-")
        self.agent = Agent(PROGRAM, CONFIGURATION, {"TEST_ISSUERS": self.folder.name})
        self.client = Client(self.agent.bus)
        self.names = {self.client.agent("GetIssuer", "(s)", name): name for name in ("a", "b", "s")}

    def tearDown(self):
        self.client.close()
        self.agent.clean()
        self.folder.cleanup()

    def trouble(self, **words):
        """How issuers fail from now on; None: they do not."""
        for name, word in words.items():
            path = os.path.join(self.folder.name, name)
            if word is None:
                os.unlink(path)
                continue
            with open(path + ".new", "w") as file:
                file.write(word)
            os.rename(path + ".new", path)

    def see_asked(self):
        """Who was asked since asked() was, in order."""
        path = os.path.join(self.folder.name, "asked")
        if not os.path.exists(path):
            return []
        with open(path) as file:
            return file.read().split()

    def asked(self):
        names = self.see_asked()
        if names:
            os.unlink(os.path.join(self.folder.name, "asked"))
        return names

    def await_asked(self, names):
        def seen():
            GLib.timeout_add(50, lambda: False)  # a file tells nobody that it has changed
            return self.see_asked() == names

        self.client.wait(seen, f"{names} to be asked")

    def request(self, issuers, name="web", host="www.example"):
        return self.client.request(name, [host], issuer=issuers, deliver=[])

    def end(self, operation, state="done"):
        values = self.client.finished(operation)
        self.assertEqual(values["State"], state, values["ErrorMessage"] + self.agent.read_log())
        return values

    def renew(self, path, options=None, state="done"):
        return self.end(self.client.call(path, "Certificate1.Renew", "(a{sv})", options or {}), state)

    def certificate(self, path):
        return self.client.get(path, "Certificate1")

    def backoffs(self, path):
        return {self.names[row["issuer"]]: row for row in self.certificate(path)["Backoffs"]}

    def attentions(self):
        return {row["code"]: row["message"] for row in self.client.get(ROOT, "Agent1")["Attentions"]}

    def await_generation(self, path, generation):
        self.client.wait(lambda: self.certificate(path)["Generation"] >= generation, f"generation {generation}")

    def restart(self, number=signal.SIGKILL):
        self.agent.stop(number)
        self.client.close()
        self.agent.start()
        self.client = Client(self.agent.bus)


class Fallback(Case):
    def test_next(self):
        "What the first issuer does not do the second one does, in the same operation; then the first one's turn comes again"
        for word in ("down", "limit", "refuse", "act"):
            with self.subTest(word):
                self.trouble(a=word)
                path, operation = self.request(["a", "b"], word)
                self.end(operation)
                self.assertEqual(self.asked(), ["a", "b"])
                values = self.certificate(path)
                self.assertEqual([self.names[issuer] for issuer in values["Issuers"]], ["a", "b"])
                self.assertEqual(self.names[values["Generations"][-1]["issuer"]], "b")
                self.assertEqual((values["LastError"], values["NextAction"]), ("", "renew"))
                self.assertEqual(list(self.backoffs(path)), ["a"])
                self.assertIn("issuer a: ", self.attentions()["issuer-not-first"])
                self.trouble(a=None)
                self.renew(path, FORCE)
                self.assertEqual(self.asked(), ["a"])
                self.assertEqual(self.names[self.certificate(path)["Generations"][-1]["issuer"]], "a")
                self.assertEqual(self.backoffs(path), {})
                self.assertNotIn("issuer-not-first", self.attentions())

    def test_back_off(self):
        "An issuer that has failed is not asked before its time, whoever has issued since; its failures count on"
        self.trouble(a="down")
        path, operation = self.request(["a", "b"])
        self.end(operation)
        self.renew(path)
        self.assertEqual(self.asked(), ["a", "b", "b"])
        first = self.backoffs(path)["a"]
        self.assertEqual((first["failures"], first["error"], first["rehearse"]), (1, "org.certherd.Error.Unreachable", False))
        self.renew(path, FORCE)
        self.assertEqual(self.asked(), ["a", "b"])
        second = self.backoffs(path)["a"]
        self.assertEqual(second["failures"], 2)
        self.assertGreater(second["retry-at"], first["retry-at"] + 300)

    def test_all(self):
        "When all have failed the certificate waits for the earliest, and says who failed, how, and who is next"
        self.trouble(a="refuse", b="down")
        path, operation = self.request(["a", "b"])
        state = self.end(operation, "failed")
        self.assertEqual(self.asked(), ["a", "b"])
        self.assertEqual(state["Error"], "org.certherd.Error.Unreachable")
        self.assertTrue(state["ErrorMessage"].startswith("issuer a: newOrder"), state["ErrorMessage"])
        self.assertIn("; issuer b: the double is down", state["ErrorMessage"])
        values = self.certificate(path)
        waiting = self.backoffs(path)
        self.assertEqual(values["NextAction"], "retry")
        self.assertEqual(values["NextActionTime"], waiting["b"]["retry-at"])
        self.assertLess(waiting["b"]["retry-at"], waiting["a"]["retry-at"])
        self.assertTrue(values["NextActionReason"].endswith("; next issuer: b"), values["NextActionReason"])
        with self.assertRaises(Failed) as refused:
            self.client.call(path, "Certificate1.Renew", "(a{sv})", {})
        self.assertIn("RateLimited", refused.exception.name)
        self.renew(path, FORCE, "failed")
        self.assertEqual(self.asked(), ["a", "b"])
        self.trouble(a=None)
        self.renew(path, FORCE)
        self.assertEqual(self.asked(), ["a"])

    def test_earliest(self):
        "The one whose back-off ends first is asked then, by itself, and the other one is left alone"
        self.trouble(a="down", b="limit")
        path, operation = self.request(["a", "b"])
        self.end(operation, "failed")
        self.trouble(b=None)
        self.await_generation(path, 1)
        self.assertEqual(self.asked(), ["a", "b", "b"])

    def test_restart(self):
        "A killed agent goes on with the issuer that it had come to, and remembers the other one's back-off"
        self.trouble(a="down")
        path, operation = self.request(["a", "b"], host="wait.example")
        self.await_asked(["a", "b"])
        self.trouble(a=None)
        self.restart()
        self.await_asked(["a", "b", "b"])
        self.assertEqual(self.backoffs(path)["a"]["failures"], 1)
        self.agent.process.send_signal(signal.SIGUSR2)
        self.end(operation)
        self.assertEqual(self.names[self.certificate(path)["Generations"][-1]["issuer"]], "b")
        self.restart(signal.SIGTERM)
        self.assertEqual(list(self.backoffs(path)), ["a"])

    def test_clock(self):
        "A back-off that began while the clock was years ahead ends with that: what is due is tried at once"
        self.trouble(a="down", b="refuse")
        path, operation = self.request(["a", "b"])
        self.end(operation, "failed")
        self.agent.stop()
        with sqlite3.connect(os.path.join(self.agent.state, "state.db")) as rows:
            rows.execute("UPDATE certificates SET retry_at = retry_at + 10 * 365 * 86400")
            rows.execute("UPDATE backoffs SET retry_at = retry_at + 10 * 365 * 86400")
        rows.close()
        self.trouble(a=None)
        self.asked()
        self.client.close()
        self.agent.start()
        self.client = Client(self.agent.bus)
        self.await_generation(path, 1)
        self.assertEqual(self.asked(), ["a"])

    def test_modify(self):
        "Another issuer behind the others needs no new certificate; another one before them does, and forgets the back-offs"
        self.trouble(a="down")
        path, operation = self.request(["b"])
        self.end(operation)
        change = lambda *names: self.client.call(path, "Certificate1.Modify", "(a{sv}as)",
                                                 {"issuer": GLib.Variant("as", names)}, [])
        self.assertEqual(change("b", "a"), "/")
        self.end(change("a", "b"))
        self.assertEqual(list(self.backoffs(path)), ["a"])
        self.trouble(a=None, b="down")
        self.end(change("b", "a"))
        self.assertEqual(list(self.backoffs(path)), ["b"])
        self.assertEqual(self.asked(), ["b", "a", "b", "b", "a"])

    def test_names(self):
        "Every name in the list has to be there; one that any certificate names, or rehearses with, is not removed"
        for names in (["a", "nobody"], ["nobody", "a"]):
            with self.assertRaises(Failed) as refused:
                self.request(names)
            self.assertIn("no issuer nobody", str(refused.exception))
        add = lambda name, **settings: self.client.agent(
            "AddIssuer", "(sa{sv})", name,
            {key: GLib.Variant("s", value) for key, value in {"directory-url": "https://x.test/dir", **settings}.items()})
        with self.assertRaises(Failed):
            add("two", staging="two")
        with self.assertRaises(Failed):
            add("two", staging="nobody")
        one = add("one")
        two = add("two", staging="one")
        path, operation = self.request(["a", "two"])
        self.end(operation)
        for issuer, words in ((one, "issuer two rehearses"), (two, "certificate web")):
            with self.assertRaises(Failed) as refused:
                self.client.call(issuer, "Issuer1.Remove")
            self.assertIn(words, str(refused.exception))
        self.client.call(path, "Certificate1.Remove", "(a{sv})", {})
        self.client.call(two, "Issuer1.Remove")
        self.client.call(one, "Issuer1.Remove")

    def test_filter(self):
        "ListCertificates finds a certificate by each of its issuers"
        self.end(self.request(["a", "b"])[1])
        for issuer, count in (("a", 1), ("b", 1), ("s", 0), ("nobody", 0)):
            rows, _ = self.client.agent("ListCertificates", "(a{sv}su)", {"issuer": GLib.Variant("s", issuer)}, "", 10)
            self.assertEqual(len(rows), count, issuer)


class Rehearsal(Case):
    def test_whole(self):
        "After a failed validation the staging sibling is asked until it issues, then at once the real one"
        self.trouble(a="challenge", s="challenge-soon")
        path, operation = self.request(["a"])
        self.end(operation, "failed")
        self.assertEqual(self.asked(), ["a"])
        self.assertTrue(self.backoffs(path)["a"]["rehearse"])
        self.assertTrue(self.certificate(path)["NextActionReason"].endswith("; next: a rehearsal with issuer s"))
        state = self.renew(path, FORCE, "failed")
        self.assertTrue(state["ErrorMessage"].startswith("rehearsal with issuer s: "))
        self.assertGreaterEqual(self.backoffs(path)["a"]["failures"], 2)
        self.trouble(a=None, s=None)
        self.await_generation(path, 1)
        asked = self.asked()
        self.assertEqual(asked[:1] + asked[-2:], ["s", "s", "a"])
        self.assertEqual(set(asked[:-1]), {"s"})
        values = self.certificate(path)
        self.assertEqual((values["Generation"], len(values["Generations"])), (1, 1))
        self.assertEqual(self.names[values["Generations"][0]["issuer"]], "a")
        self.assertEqual(self.backoffs(path), {})

    def test_steps(self):
        "A rehearsal is a step of the operation, and its issuer's steps are none; the generation counts once"
        self.trouble(a="challenge")
        path, operation = self.request(["a"])
        self.end(operation, "failed")
        self.trouble(a=None)
        state = self.renew(path, FORCE)
        steps = [step["name"] for step in state["Steps"]]
        for step in ("choose", "rehearse", "new-order", "save"):
            self.assertIn(step, steps)
        self.assertEqual(steps.count("new-order"), 1)
        self.assertLess(steps.index("rehearse"), steps.index("new-order"))
        self.assertEqual(state["Result"], {"generation": 1})
        self.assertEqual(self.asked(), ["a", "s", "a"])

    def test_again(self):
        "The real one fails once more after a rehearsal that succeeded: back to rehearsals, after the back-off, no loop"
        self.trouble(a="challenge")
        path, operation = self.request(["a"])
        self.end(operation, "failed")
        self.assertEqual(self.asked(), ["a"])
        self.renew(path, FORCE, "failed")
        self.assertEqual(self.asked(), ["s", "a"])
        waiting = self.backoffs(path)["a"]
        self.assertEqual((waiting["rehearse"], waiting["failures"]), (True, 2))
        self.assertGreater(waiting["retry-at"], self.certificate(path)["LastErrorTime"] + 300)

    def test_impossible(self):
        "A rehearsal that cannot take place keeps nobody from asking the real one"
        for word in ("down", "act", "refuse"):
            with self.subTest(word):
                self.trouble(a="challenge", s=word)
                path, operation = self.request(["a"], word)
                self.end(operation, "failed")
                self.trouble(a=None)
                self.renew(path, FORCE)
                self.assertEqual(self.asked(), ["a", "s", "a"])
                self.assertEqual(self.names[self.certificate(path)["Generations"][0]["issuer"]], "a")

    def test_other(self):
        "Beside a rehearsal that waits, the next issuer of the list is asked at once"
        self.trouble(a="challenge")
        path, operation = self.request(["a", "b"])
        self.end(operation)
        self.assertEqual(self.asked(), ["a", "b"])
        self.assertTrue(self.backoffs(path)["a"]["rehearse"])

    def test_restart(self):
        "A killed agent goes on rehearsing, and still rehearses in the next attempt"
        self.trouble(a="challenge")
        path, operation = self.request(["a"], host="hold.example")
        self.end(operation, "failed")
        operation = self.client.call(path, "Certificate1.Renew", "(a{sv})", FORCE)
        self.await_asked(["a", "s"])
        self.assertEqual(self.client.get(operation, "Operation1")["Step"], "rehearse")
        self.restart()
        self.await_asked(["a", "s", "s"])
        self.trouble(s="challenge")
        self.client.call(operation, "Operation1.Cancel")
        self.end(operation, "cancelled")
        self.assertTrue(self.backoffs(path)["a"]["rehearse"])
        self.asked()
        self.renew(path, FORCE, "failed")
        self.assertEqual(self.asked(), ["s"])


class Reload(Case):
    def test_staging(self):
        "A staging sibling that is not there, or leads back, is a mistake with its file and line; all stays as it was"
        for bad, words in (("staging = nobody", "no [issuer nobody]"), ("staging = a", "leads back")):
            self.agent.configure(CONFIGURATION.replace("staging = s", bad))
            problem, = self.client.agent("Reload")
            self.assertTrue(problem["file"].endswith("certherd.conf"))
            self.assertEqual(problem["line"], 2)
            self.assertIn(words, problem["message"])
        self.trouble(a="challenge")
        path, operation = self.request(["a"])
        self.end(operation, "failed")
        self.assertIn("rehearsal with issuer s", self.certificate(path)["NextActionReason"])

    def test_retired(self):
        "An issuer whose section is gone is passed over for the next one"
        self.end(self.request(["b", "a"])[1])
        self.agent.configure(CONFIGURATION.replace("[issuer b]\ndirectory-url = https://b.test/dir\n", ""))
        self.assertEqual(self.client.agent("Reload"), [])
        path = self.client.agent("GetCertificate", "(s)", "web")
        self.renew(path)
        self.assertEqual(self.asked(), ["b", "a"])
        self.assertEqual([self.names[issuer] for issuer in self.certificate(path)["Issuers"]], ["a"])


tap.main()
