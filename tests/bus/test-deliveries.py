#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Deliveries as subscribers meet them: rows that come and go, withdrawals, targets that go from the
configuration, answers that are wrong, late, missing or too many.

  test-deliveries.py BUS-AGENT"""

import os
import signal
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap  # noqa: E402
from agent import NAME, ROOT, Agent, Client, Failed, Gio, GLib  # noqa: E402

PROGRAM = [sys.argv.pop(1)]
ISSUER = """
[issuer default]
directory-url = https://ca.test/dir
"""
TARGET = """
[target web]
adapter = files
path = /nonexistent/certherd-test
"""
LABELS = 16


class Deliveries(unittest.TestCase):
    def setUp(self):
        self.agent = Agent(PROGRAM, ISSUER + TARGET)
        self.client = Client(self.agent.bus)
        self.others = []

    def tearDown(self):
        for other in self.others:
            other.close()
        self.client.close()
        self.agent.clean()

    def connect(self):
        self.others.append(Client(self.agent.bus))
        return self.others[-1]

    def issue(self, name, deliver=()):
        certificate, operation = self.client.request(name, [name + ".example"], deliver=list(deliver))
        if not deliver:
            self.assertEqual(self.client.finished(operation)["State"], "done")
        return certificate

    def subscribe(self, client, patterns, target=None):
        """Its path, when its first batch is whole."""
        options = {"target": GLib.Variant("s", target)} if target else {}
        path = client.agent("Subscribe", "(asa{sv})", patterns, options)
        client.wait(lambda: ("/", "", 0) in self.updates(client, path), "the end mark")
        return path

    def updates(self, client, subscription):
        return [s[3] for s in client.signals if s[0] == subscription and s[2] == "Updated"]

    def await_update(self, client, subscription, update, times=1):
        client.wait(lambda: self.updates(client, subscription).count(update) >= times, f"{update}")

    def acknowledge(self, client, subscription, path, generation, applied=True, message=""):
        client.call(subscription, "Subscription1.Acknowledge", "(otbs)", path, generation, applied, message)

    def refused(self, name, function, *arguments):
        with self.assertRaises(Failed) as caught:
            function(*arguments)
        self.assertEqual(caught.exception.name, name, caught.exception.message)
        return caught.exception.message

    def rows(self, path):
        return {row["target"].split(":", 1)[-1]: row for row in self.client.get(path, "Certificate1")["Deliveries"]}

    def await_state(self, path, target, state):
        self.client.wait(lambda: self.rows(path)[target]["state"] == state, f"{target} {state}")
        return self.rows(path)[target]

    def modify(self, path, deliver):
        return self.client.call(path, "Certificate1.Modify", "(a{sv}as)", {"deliver": GLib.Variant("as", deliver)}, [])

    def renew(self, path):
        return self.client.call(path, "Certificate1.Renew", "(a{sv})", {})

    def issue_to(self, subscription, name):
        """Issues NAME, which whoever is the target "web" takes."""
        path = self.issue(name, ["web"])
        self.await_update(self.client, subscription, (path, name, 1))
        self.acknowledge(self.client, subscription, path, 1)
        return path

    def attentions(self):
        return [a["code"] for a in self.client.get(ROOT, "Agent1")["Attentions"]]

    # --- what is replaced ---

    def test_replaces_no_rejected(self):
        "A generation that a target rejected is replaced by none; the next one is"
        name = "predecessorless"
        subscription = self.subscribe(self.client, ["*"], "web")
        path = self.issue(name, ["web"])
        self.await_update(self.client, subscription, (path, name, 1))
        self.acknowledge(self.client, subscription, path, 1, False, "no")
        operation = self.renew(path)
        self.await_update(self.client, subscription, (path, name, 2))
        self.acknowledge(self.client, subscription, path, 2)
        self.assertEqual(self.client.finished(operation)["State"], "done")
        state = self.client.finished(self.renew(path))
        self.assertEqual(state["State"], "failed")
        self.assertIn("what it replaces", state["ErrorMessage"])

    # --- readers' rows ---

    def test_pending_reader_goes(self):
        "A reader that wants a generation later, and goes, is “gone”; nothing waits for it"
        path = self.issue("www")
        server = self.connect()
        subscription = self.subscribe(server, ["www"], "server")
        operation = self.renew(path)
        self.await_update(server, subscription, (path, "www", 2))
        self.acknowledge(server, subscription, path, 2, False, "retry: later")
        self.assertEqual(self.rows(path)["server"]["state"], "pending")
        server.close()
        row = self.await_state(path, "server", "gone")
        self.assertIn("went", row["message"])
        self.assertEqual(self.client.finished(operation)["State"], "done")

    def test_retry_alone(self):
        "Retry where nobody is subscribed is “gone”, not pending for ever"
        path = self.issue("www")
        server = self.connect()
        subscription = self.subscribe(server, ["www"], "server")
        self.acknowledge(server, subscription, path, 1, False, "no good")
        server.close()
        self.client.drain()
        self.client.call(path, "Certificate1.Retry")
        row = self.await_state(path, "server", "gone")
        self.assertIn("nobody is subscribed", row["message"])
        self.assertNotIn("rejected", self.attentions())

    def test_subscribed_before(self):
        "A reader that is there before its certificate is told of the first generation, and waited for"
        subscription = self.subscribe(self.client, ["ne*"], "server")
        path, operation = self.client.request("new", ["new.example"], deliver=[])
        self.await_update(self.client, subscription, (path, "new", 1))
        self.assertEqual(self.rows(path)["server"]["state"], "installing")
        self.acknowledge(self.client, subscription, path, 1)
        self.assertEqual(self.client.finished(operation)["State"], "done")
        other = self.issue("other")
        self.assertEqual(self.rows(other), {})

    def test_unsubscribes(self):
        "Close between Updated and the answer: gone, and there is nobody to answer any more"
        path = self.issue("www")
        subscription = self.subscribe(self.client, ["www"], "server")
        operation = self.renew(path)
        self.await_update(self.client, subscription, (path, "www", 2))
        self.client.call(subscription, "Subscription1.Close")
        self.assertEqual(self.rows(path)["server"]["state"], "gone")
        self.assertEqual(self.client.finished(operation)["State"], "done")
        with self.assertRaises(Failed):
            self.acknowledge(self.client, subscription, path, 2)

    # --- answers ---

    def test_answers(self):
        "The same answer again does no harm; the opposite one, and one about what was never sent, are refused"
        path = self.issue("www")
        self.client.finished(self.renew(path))
        subscription = self.subscribe(self.client, ["www"], "server")
        words = self.refused("NotFound", self.acknowledge, self.client, subscription, path, 1)
        self.assertIn("was sent no generation 1", words)
        for message in ("", "proved: seen"):
            self.acknowledge(self.client, subscription, path, 2, True, message)
        self.assertEqual(self.rows(path)["server"]["proved"], 2)
        words = self.refused("Refused", self.acknowledge, self.client, subscription, path, 2, False, "no")
        self.assertIn("has answered already", words)
        self.assertEqual(self.rows(path)["server"]["state"], "applied")
        self.assertNotIn("rejected", self.attentions())
        self.refused("NotFound", self.acknowledge, self.client, subscription, path, 3)

    def test_late(self):
        "An answer about a generation that another has followed is noted, and changes nothing of that one"
        path = self.issue("www")
        subscription = self.subscribe(self.client, ["www"], "server")
        self.renew(path)
        self.await_update(self.client, subscription, (path, "www", 2))
        for applied in (True, False):
            self.acknowledge(self.client, subscription, path, 1, applied)
            row = self.rows(path)["server"]
            self.assertEqual((row["state"], row["wanted"], row["applied"]), ("installing", 2, 1))
        self.acknowledge(self.client, subscription, path, 2)
        self.assertEqual(self.rows(path)["server"]["state"], "applied")

    # --- withdrawals ---

    def test_patterns(self):
        "Whoever is a configured target takes all of it; some patterns would starve the others"
        for patterns in (["www"], ["w*", "*.example"]):
            words = self.refused("InvalidArgument", self.subscribe, self.client, patterns, "web")
            self.assertIn('"*"', words)
        self.subscribe(self.client, ["www", "*"], "web")

    def test_told_of_withdrawals(self):
        "A subscriber that is a configured target is told of a later withdrawal, and answers it"
        subscription = self.subscribe(self.client, ["*"], "web")
        path = self.issue_to(subscription, "www")
        self.modify(path, [])
        self.await_update(self.client, subscription, (path, "www", 0))
        self.acknowledge(self.client, subscription, path, 0, False, "retry: busy")
        self.assertIn("withdrawal", self.attentions())
        self.acknowledge(self.client, subscription, path, 0)
        self.assertNotIn("withdrawal", self.attentions())
        self.refused("NotFound", self.acknowledge, self.client, subscription, path, 0)

    def test_back_again(self):
        "What a target gets back is not withdrawn there: not of the same certificate, nor of one of its name"
        subscription = self.subscribe(self.client, ["*"], "web")
        path = self.issue_to(subscription, "www")
        self.modify(path, [])
        self.await_update(self.client, subscription, (path, "www", 0))
        self.modify(path, ["web"])
        self.await_update(self.client, subscription, (path, "www", 1), 2)
        self.refused("NotFound", self.acknowledge, self.client, subscription, path, 0)
        self.acknowledge(self.client, subscription, path, 1)
        self.client.call(path, "Certificate1.Remove", "(a{sv})", {})
        self.await_update(self.client, subscription, (path, "www", 0), 2)
        again = self.issue("www", ["web"])
        self.await_update(self.client, subscription, (again, "www", 2))
        self.refused("NotFound", self.acknowledge, self.client, subscription, path, 0)
        self.acknowledge(self.client, subscription, again, 2)
        self.client.close()
        self.agent.stop()
        self.agent.start()
        self.client = Client(self.agent.bus)
        subscription = self.subscribe(self.client, ["*"], "web")
        self.assertEqual(self.updates(self.client, subscription), [("/", "", 0)])

    def test_target_removed(self):
        "A target that goes from the configuration is waited for no more, with words about what is left there"
        subscription = self.subscribe(self.client, ["*"], "web")
        first, second = self.issue("first", ["web"]), self.issue("second", ["web"])
        for path, name in ((first, "first"), (second, "second")):
            self.await_update(self.client, subscription, (path, name, 1))
        self.acknowledge(self.client, subscription, first, 1)
        self.modify(first, [])
        self.await_update(self.client, subscription, (first, "first", 0))
        self.agent.configure(ISSUER)
        self.assertEqual(self.client.agent("Reload"), [])
        row = self.rows(second)["web"]
        self.assertEqual(row["state"], "gone")
        self.assertIn("no [target web]", row["message"])
        self.assertIn("target-missing", self.attentions())
        self.assertIn("what it has of the certificate first", self.agent.read_log())
        self.refused("NotFound", self.client.call, subscription, "Subscription1.Close")
        self.client.finished(self.renew(second))
        self.assertIn("target-missing", self.attentions())
        self.agent.configure(ISSUER + TARGET)
        self.assertEqual(self.client.agent("Reload"), [])
        self.assertNotIn("target-missing", self.attentions())
        self.assertIn("/nonexistent", self.await_state(second, "web", "rejected")["message"])

    BROKEN = TARGET.replace("path =", "colour = red\npath =")

    def test_target_broken(self):
        "A mistake in a target's section changes nothing at a reload; whoever is the target stays it"
        subscription = self.subscribe(self.client, ["*"], "web")
        path = self.issue_to(subscription, "www")
        for text in (self.BROKEN, "[targt web]\n" + TARGET.split("]", 1)[1]):
            self.agent.configure(ISSUER + text)
            self.assertIn("certherd.conf", self.client.agent("Reload")[0]["file"])
            self.assertIn("configuration", self.attentions())
            self.assertEqual(self.rows(path)["web"]["state"], "applied")
        severities = {a["severity"] for a in self.client.get(ROOT, "Agent1")["Attentions"]}
        self.assertEqual(severities - {"notice", "warning", "critical"}, set())
        self.client.call(path, "Certificate1.Renew", "(a{sv})", {})
        self.await_update(self.client, subscription, (path, "www", 2))
        self.acknowledge(self.client, subscription, path, 2)
        self.modify(path, [])
        self.await_update(self.client, subscription, (path, "www", 0))
        self.agent.configure(ISSUER + TARGET)
        self.assertEqual(self.client.agent("Reload"), [])
        self.assertNotIn("configuration", self.attentions())

    def test_target_broken_at_start(self):
        "With a mistake in it from the start, a target is waited for, with the file's words, and nothing is dropped"
        subscription = self.subscribe(self.client, ["*"], "web")
        first, second = self.issue("first", ["web"]), self.issue("second", ["web"])
        for path, name in ((first, "first"), (second, "second")):
            self.await_update(self.client, subscription, (path, name, 1))
            self.acknowledge(self.client, subscription, path, 1)
        self.agent.stop()
        self.client.close()
        self.agent.configure(ISSUER + self.BROKEN)
        self.agent.start()
        self.client = Client(self.agent.bus)
        self.assertIn("configuration", self.attentions())
        self.client.call(first, "Certificate1.Renew", "(a{sv})", {})
        self.client.wait(lambda: "colour" in self.rows(first)["web"]["message"], "the file's words")
        self.assertEqual(self.rows(first)["web"]["state"], "pending")
        self.modify(second, [])
        self.agent.configure(ISSUER + TARGET)
        self.assertEqual(self.client.agent("Reload"), [])
        subscription = self.subscribe(self.client, ["*"], "web")
        self.await_update(self.client, subscription, (first, "first", 2))
        self.await_update(self.client, subscription, (second, "second", 0))

    # --- too many, too fast ---

    def test_labels(self):
        "One user is 16 targets at a time, and a certificate keeps as many rows of his"
        path = self.issue("www")
        held = [self.subscribe(self.client, ["www"], f"label-{n}") for n in range(LABELS)]
        self.refused("LimitExceeded", self.subscribe, self.client, ["www"], "one-more")
        for n in range(LABELS, 2 * LABELS):
            self.client.call(held[n - LABELS], "Subscription1.Close")
            held.append(self.subscribe(self.client, ["www"], f"label-{n}"))
        self.assertEqual(sorted(self.rows(path)), sorted(f"label-{n}" for n in range(LABELS, 2 * LABELS)))

    def test_thousand(self):
        "A thousand subscriptions are a nuisance to nobody, and go with their connection"
        path = self.issue("www")
        crowd = self.connect()
        held = [crowd.agent("Subscribe", "(asa{sv})", ["*"], {}) for _ in range(1000)]
        self.assertEqual(len(set(held)), 1000)
        self.client.finished(self.renew(path))
        self.await_update(crowd, held[-1], (path, "www", 2))
        self.assertEqual(crowd.get(held[-1], "Subscription1"), {"Patterns": ["*"]})
        crowd.close()

        def gone():
            try:
                self.client.get(held[-1], "Subscription1")
            except Failed:
                return True
            return False

        self.client.wait(gone, "the end of the last subscription")

    def test_vanished_before(self):
        "A connection that is gone when the agent reads its Subscribe holds no target"
        ghost = self.connect()
        os.kill(self.agent.process.pid, signal.SIGSTOP)
        ghost.connection.call(
            NAME, ROOT, "org.certherd.Agent1", "Subscribe",
            GLib.Variant("(asa{sv})", (["*"], {"target": GLib.Variant("s", "web")})),
            None, Gio.DBusCallFlags.NONE, 20000, None, None)
        ghost.connection.flush_sync(None)
        ghost.close()
        self.client.drain()
        os.kill(self.agent.process.pid, signal.SIGCONT)

        def free():
            try:
                return self.subscribe(self.client, ["*"], "web")
            except Failed as error:
                self.assertEqual(error.name, "Busy")
            return None

        self.client.wait(free, "the target to be free")


tap.main()
