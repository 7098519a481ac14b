#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Two real CAs for one certificate: the second one issues while the first is away, and rehearses what the first
one could not validate.

  test-several-issuers.py CERTHERD"""

import os
import re
import sqlite3
import subprocess
import sys

LIB = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib")
sys.path.insert(0, LIB)
import tap  # noqa: E402
from agent import Client, GLib  # noqa: E402
from ca import Front, Pebble  # noqa: E402
from issuing import Case  # noqa: E402

Case.program = [sys.argv.pop(1)]
FORCE = {"force": GLib.Variant("b", True)}
NOBODY = "127.0.0.9"  # where no responder listens


class Two(Case):
    """Issuer "default" and issuer "other" validate at the same port."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = Pebble("--http-port", cls.pebble["HTTP01_PORT"])

    @classmethod
    def tearDownClass(cls):
        cls.other.stop()
        super().tearDownClass()

    def configuration(self, more="", terms=None):
        return super().configuration(f"""
[issuer other]
directory-url = {self.other['DIRECTORY_URL']}
trust = {self.other['TLS_CA']}
agree-terms = yes
""" + more, terms)

    def start(self, *arguments, **words):
        super().start(*arguments, **words)
        self.issuers = {self.client.agent("GetIssuer", "(s)", name): name for name in ("default", "other")}
        self.begun = [ca.requests()["/order-plz"] for ca in (self.pebble, self.other)]

    def orders(self):
        """That the two have been asked for since the start."""
        return [ca.requests()["/order-plz"] - begun for ca, begun in zip((self.pebble, self.other), self.begun)]

    def renew(self, path, options=None):
        operation = self.client.call(path, "Certificate1.Renew", "(a{sv})", options or {})
        return self.client.finished(operation)

    def certificate(self, path):
        return self.client.get(path, "Certificate1")

    def issued_by(self, path):
        """The issuer of every generation."""
        return [self.issuers[row["issuer"]] for row in self.certificate(path)["Generations"]]

    def backoffs(self, path):
        return {self.issuers[row["issuer"]]: row for row in self.certificate(path)["Backoffs"]}

    def check_files(self, name, ca):
        """What is delivered leads to CA's root."""
        live = os.path.join(self.agent.state, "live", name)
        subprocess.run(["openssl", "verify", "-CAfile", ca["ISSUING_ROOT"], "-untrusted", os.path.join(live, "chain.pem"),
                        os.path.join(live, "cert.pem")], check=True, stdout=subprocess.DEVNULL)


class Fallback(Two):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.front = Front(cls.pebble)

    @classmethod
    def tearDownClass(cls):
        cls.front.stop()
        super().tearDownClass()

    def configuration(self, more="", terms=None):
        return super().configuration(more, terms).replace(self.pebble["DIRECTORY_URL"], self.front["URL"] + "/dir")

    def test_away(self):
        "The first CA is away: the second one issues in the same operation; the next renewal begins with the first again"
        self.start()
        path = self.issue("web", ["www.example.org"], issuer=["default", "other"])
        self.assertEqual(self.orders(), [1, 0])
        self.check_files("web", self.pebble)
        self.front.tell("down")
        state = self.renew(path)
        self.assertEqual(state["State"], "done", state["ErrorMessage"])
        self.assertEqual(self.orders(), [1, 1])
        self.assertEqual(self.issued_by(path), ["default", "other"])
        self.check_files("web", self.other)
        self.assertEqual(list(self.backoffs(path)), ["default"])
        # Until its back-off is over it is left alone.
        self.front.tell("up")
        self.assertEqual(self.renew(path)["State"], "done")
        self.assertEqual(self.orders(), [1, 2])
        self.change_state("UPDATE backoffs SET retry_at = 1")
        self.assertEqual(self.renew(path)["State"], "done")
        self.assertEqual(self.orders(), [2, 2])
        self.assertEqual(self.issued_by(path)[-1], "default")
        self.check_files("web", self.pebble)
        self.assertEqual(self.backoffs(path), {})


class Rehearsal(Two):
    def configuration(self, more="", terms=None):
        return super().configuration(more, "agree-terms = yes\nstaging = other")

    def setUp(self):
        super().setUp()
        self.addCleanup(self.pebble.resolve, "127.0.0.1")
        self.addCleanup(self.other.resolve, "127.0.0.1")

    def fail(self, name):
        """A first attempt, in which the real CA does not find the responder."""
        self.pebble.resolve(NOBODY)
        path, operation = self.client.request(name, [name + ".example.org"])
        state = self.client.finished(operation)
        self.assertEqual((state["State"], state["Error"]), ("failed", "org.certherd.Error.ChallengeFailed"), state["ErrorMessage"])
        self.assertTrue(self.backoffs(path)["default"]["rehearse"])
        return path

    def find_files(self, ca):
        """The files of the state that hold something of the chain that CA issues."""
        with open(ca["ISSUING_INTERMEDIATE"], "rb") as file:
            line = file.read().split(b"\n")[5]  # well inside
        found = []
        for folder, _, files in os.walk(self.agent.state):
            for file in files:
                with open(os.path.join(folder, file), "rb") as stream:
                    found += [file] if line in stream.read() else []
        return found

    def check_nothing_kept(self, path, name):
        """One generation, from the real CA; and nowhere anything that the sibling has issued."""
        self.assertEqual(self.issued_by(path), ["default"])
        self.assertEqual(self.certificate(path)["Generation"], 1)
        self.assertEqual(os.listdir(os.path.join(self.agent.state, "archive", name)), ["1"])
        self.check_files(name, self.pebble)
        self.assertIn("fullchain.pem", self.find_files(self.pebble))
        self.assertEqual(self.find_files(self.other), [])
        self.client.close()
        self.agent.stop()  # who alone may read its state
        connection = sqlite3.connect(os.path.join(self.agent.state, "state.db"))
        self.assertEqual(connection.execute("SELECT number FROM materials").fetchall(), [(1,)])
        connection.close()

    def test_whole(self):
        "After a failed validation the staging sibling is asked, and nobody else until it issues; then the real one, at once"
        self.start()
        path = self.fail("web")
        self.assertEqual(self.orders(), [1, 0])
        self.other.resolve(NOBODY)
        state = self.renew(path, FORCE)
        self.assertEqual(state["Error"], "org.certherd.Error.ChallengeFailed")
        self.assertTrue(state["ErrorMessage"].startswith("rehearsal with issuer other: "), state["ErrorMessage"])
        self.assertEqual(self.orders(), [1, 1])
        self.pebble.resolve("127.0.0.1")
        self.other.resolve("127.0.0.1")
        state = self.renew(path, FORCE)
        self.assertEqual(state["State"], "done", state["ErrorMessage"])
        self.assertEqual(self.orders(), [2, 2])
        self.assertEqual(self.backoffs(path), {})
        self.check_nothing_kept(path, "web")

    def test_killed(self):
        "Killed in a rehearsal, the agent goes on with it, at the order that it has, and issues from the real one then"
        for point in ("new-order:committed", "authorize:entered", "finalize:committed", "download:answered", "cleanup:entered"):
            with self.subTest(point):
                self.start()
                try:
                    self.rehearse_killed(re.sub("[^a-z]", "-", point), "run:issue/" + point)
                finally:
                    self.client.close()
                    self.agent.clean()
                    self.agent = None

    def rehearse_killed(self, name, point):
        path = self.fail(name)
        self.pebble.resolve("127.0.0.1")
        self.restart({"CERTHERD_CRASH_AT": point})
        operation = self.client.call(path, "Certificate1.Renew", "(a{sv})", FORCE)
        self.assertEqual(self.agent.process.wait(30), -9)
        orders = self.orders()
        self.restart({})
        state = self.client.finished(operation)
        self.assertEqual(state["State"], "done", state["ErrorMessage"] + self.agent.read_log())
        self.assertLessEqual(orders[1], 1)
        self.assertEqual(orders[0], 1)
        self.assertEqual(self.orders(), [2, 1])
        self.check_nothing_kept(path, name)

    def restart(self, environment):
        self.client.close()
        self.agent.stop()
        self.agent.environment = environment
        self.agent.start()
        self.client = Client(self.agent.bus)


tap.main()
