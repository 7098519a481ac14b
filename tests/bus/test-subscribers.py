#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Subscribers: observers, targets of their own, answers, vanishing.

  test-subscribers.py BUS-AGENT"""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap  # noqa: E402
from agent import ROOT, Agent, Client, Failed, GLib  # noqa: E402
from double import BrokenBus  # noqa: E402

PROGRAM = [sys.argv.pop(1)]
CONFIGURATION = """
[issuer default]
directory-url = https://ca.test/dir
"""
MINE = f"{os.getuid()}:server"


class Subscribers(unittest.TestCase):
    def setUp(self):
        self.agent = Agent(PROGRAM, CONFIGURATION)
        self.client = Client(self.agent.bus)

    def tearDown(self):
        self.client.close()
        self.agent.clean()

    def issue(self, name):
        certificate, operation = self.client.request(name, [name + ".example"], deliver=[])
        self.assertEqual(self.client.finished(operation)["State"], "done")
        return certificate

    def subscribe(self, client, patterns, target=None):
        options = {"target": GLib.Variant("s", target)} if target else {}
        return client.agent("Subscribe", "(asa{sv})", patterns, options)

    def updates(self, client, subscription):
        return [s[3] for s in client.signals if s[0] == subscription and s[2] == "Updated"]

    def first_batch(self, client, subscription):
        client.wait(lambda: ("/", "", 0) in self.updates(client, subscription), "the end mark")
        return self.updates(client, subscription)[:-1]

    def delivery(self, path):
        rows = self.client.get(path, "Certificate1")["Deliveries"]
        return rows[0] if rows else None

    def renew(self, path):
        return self.client.call(path, "Certificate1.Renew", "(a{sv})", {})

    def test_observer(self):
        "An observer is told of what is there, then of every later generation; it has no vote"
        path = self.issue("web")
        self.issue("other")
        subscription = self.subscribe(self.client, ["we*"])
        self.assertEqual(self.first_batch(self.client, subscription), [(path, "web", 1)])
        self.client.finished(self.renew(path))
        self.client.wait(lambda: (path, "web", 2) in self.updates(self.client, subscription), "generation 2")
        self.assertIsNone(self.delivery(path))
        with self.assertRaises(Failed) as caught:
            self.client.call(subscription, "Subscription1.Acknowledge", "(otbs)", path, 2, True, "")
        self.assertEqual(caught.exception.name, "InvalidArgument")

    def test_target(self):
        "A target installs, acknowledges, and the operation waits for it"
        path = self.issue("web")
        server = Client(self.agent.bus)
        subscription = self.subscribe(server, ["web"], "server")
        self.assertEqual(self.first_batch(server, subscription), [(path, "web", 1)])
        self.assertEqual(self.delivery(path)["state"], "installing")
        server.call(subscription, "Subscription1.Acknowledge", "(otbs)", path, 1, True, "proved: loaded")
        row = self.delivery(path)
        self.assertEqual((row["target"], row["state"], row["applied"], row["proved"]), (MINE, "applied", 1, 1))
        operation = self.renew(path)
        server.wait(lambda: (path, "web", 2) in self.updates(server, subscription), "generation 2")
        state = self.client.get(operation, "Operation1")
        self.assertEqual((state["State"], state["Step"]), ("running", "deliver"))
        server.call(subscription, "Subscription1.Acknowledge", "(otbs)", path, 2, True, "")
        self.assertEqual(self.client.finished(operation)["State"], "done")
        self.assertEqual((self.delivery(path)["applied"], self.delivery(path)["proved"]), (2, 1))
        server.close()

    def test_reject(self):
        "A rejection fails the operation, is shown, and Retry delivers again"
        path = self.issue("web")
        subscription = self.subscribe(self.client, ["web"], "server")
        self.first_batch(self.client, subscription)
        self.client.call(subscription, "Subscription1.Acknowledge", "(otbs)", path, 1, True, "")
        operation = self.renew(path)
        self.client.wait(lambda: (path, "web", 2) in self.updates(self.client, subscription), "generation 2")
        self.client.call(subscription, "Subscription1.Acknowledge", "(otbs)", path, 2, False, "no\x1b[31m good")
        state = self.client.finished(operation)
        self.assertEqual((state["State"], state["Result"]), ("failed", {"generation": 2}))
        row = self.delivery(path)
        self.assertEqual((row["state"], row["applied"]), ("rejected", 1))
        self.assertNotIn("\x1b", row["message"])
        codes = [a["code"] for a in self.client.get(ROOT, "Agent1")["Attentions"]]
        self.assertEqual(codes, ["rejected"])
        self.assertEqual(self.client.get(path, "Certificate1")["NextAction"], "renew")
        self.client.close()
        self.agent.stop(9)
        self.agent.start()
        self.client = Client(self.agent.bus)
        rejected = [g["rejected"] for g in self.client.get(path, "Certificate1")["Generations"]]
        self.assertEqual(rejected, [False, True])  # it is still known after a kill
        subscription = self.subscribe(self.client, ["web"], "server")
        self.first_batch(self.client, subscription)
        self.client.call(subscription, "Subscription1.Acknowledge", "(otbs)", path, 2, False, "no good")
        before = len(self.updates(self.client, subscription))
        self.client.call(path, "Certificate1.Retry")
        self.client.wait(lambda: len(self.updates(self.client, subscription)) > before, "generation 2 again")
        self.client.call(subscription, "Subscription1.Acknowledge", "(otbs)", path, 2, True, "")
        self.assertEqual(self.delivery(path)["state"], "applied")
        self.assertEqual(self.client.get(ROOT, "Agent1")["Attentions"], [])

    def test_vanish(self):
        "A target that goes is “gone”, is not waited for, and catches up when it comes back"
        path = self.issue("web")
        server = Client(self.agent.bus)
        subscription = self.subscribe(server, ["web"], "server")
        self.first_batch(server, subscription)
        server.close()
        self.client.wait(lambda: self.delivery(path)["state"] == "gone", "gone")
        self.assertEqual(self.client.finished(self.renew(path))["State"], "done")
        server = Client(self.agent.bus)
        subscription = self.subscribe(server, ["web"], "server")
        self.assertEqual(self.first_batch(server, subscription), [(path, "web", 2)])
        server.call(subscription, "Subscription1.Acknowledge", "(otbs)", path, 2, True, "")
        self.assertEqual(self.delivery(path)["applied"], 2)
        server.call(subscription, "Subscription1.Close")
        with self.assertRaises(Failed):
            server.call(subscription, "Subscription1.Close")
        server.close()

    def test_later(self):
        "“retry:” leaves it pending, with a time to try again, and the certificate renews all the same"
        path = self.issue("web")
        subscription = self.subscribe(self.client, ["web"], "server")
        self.first_batch(self.client, subscription)
        self.client.call(subscription, "Subscription1.Acknowledge", "(otbs)", path, 1, False, "retry: full")
        self.assertEqual((self.delivery(path)["state"], self.delivery(path)["applied"]), ("pending", 0))
        values = self.client.get(path, "Certificate1")
        self.assertEqual((values["NextAction"], values["Activity"]), ("deliver", "delivering"))
        self.assertGreater(values["NextActionTime"], 0)
        operation = self.renew(path)
        self.client.wait(lambda: (path, "web", 2) in self.updates(self.client, subscription), "generation 2")
        self.client.call(subscription, "Subscription1.Acknowledge", "(otbs)", path, 2, False, "retry: full")
        self.assertEqual(self.client.get(path, "Certificate1")["NextAction"], "deliver")
        another = self.renew(path)
        self.assertNotEqual(another, operation)
        self.client.wait(lambda: (path, "web", 3) in self.updates(self.client, subscription), "generation 3")
        self.client.call(subscription, "Subscription1.Acknowledge", "(otbs)", path, 3, True, "")
        self.assertEqual(self.client.finished(operation)["State"], "done")
        self.assertEqual(self.client.finished(another)["State"], "done")

    def test_removed(self):
        "Removing a certificate ends the operation that waits for a target"
        path = self.issue("web")
        subscription = self.subscribe(self.client, ["web"], "server")
        self.first_batch(self.client, subscription)
        operation = self.renew(path)
        self.client.wait(lambda: (path, "web", 2) in self.updates(self.client, subscription), "generation 2")
        self.client.call(path, "Certificate1.Remove", "(a{sv})", {})
        self.client.wait(lambda: any(s[0] == operation and s[2] == "Finished" for s in self.client.signals), "its end")

    def test_bus_lost(self):
        "The bus goes while calls are under way: the agent comes back, subscriptions are gone with it"
        path = self.issue("web")
        subscription = self.subscribe(self.client, ["web"], "server")
        self.first_batch(self.client, subscription)
        wish = {"identifiers": GLib.Variant("as", ["lost.example"]), "deliver": GLib.Variant("as", [])}
        for number in range(100):
            self.client.connection.call(
                "org.certherd.Agent1", ROOT, "org.certherd.Agent1", "RequestCertificate",
                GLib.Variant("(sa{sv})", (f"lost-{number}", wish)),
                None, 0, 20000, None, None)
        self.client.connection.flush_sync(None)
        self.agent.bus.restart()
        self.client = Client(self.agent.bus)
        self.client.wait_for_agent()
        self.assertEqual(self.client.get(path, "Certificate1")["Generation"], 1)
        self.assertEqual(self.delivery(path)["state"], "gone")
        with self.assertRaises(Failed):
            self.client.call(subscription, "Subscription1.Close")
        again = self.subscribe(self.client, ["web"], "server")
        self.assertEqual(self.first_batch(self.client, again), [(path, "web", 1)])

    def test_bus_lost_twice(self):
        "The bus goes again, before it has given the name: the agent tries again"
        path = self.issue("web")
        seen = []
        self.agent.bus.kill()
        self.client.close()
        double = BrokenBus(self.agent.bus.address, lambda: seen.append(True))
        self.client.wait(lambda: len(seen) >= 2, "two calls of RequestName")
        double.stop()
        self.agent.bus.start()
        self.client = Client(self.agent.bus)
        self.client.wait_for_agent()
        self.assertIsNone(self.agent.process.poll())
        self.assertEqual(self.client.get(path, "Certificate1")["Generation"], 1)

    def test_one_holder(self):
        "Two connections cannot be the same target; the second may when the first has gone"
        self.issue("web")
        first, second = Client(self.agent.bus), Client(self.agent.bus)
        subscription = self.subscribe(first, ["web"], "server")
        with self.assertRaises(Failed) as caught:
            self.subscribe(second, ["web"], "server")
        self.assertEqual(caught.exception.name, "Busy")
        first.call(subscription, "Subscription1.Close")
        self.subscribe(second, ["web"], "server")
        first.close()
        second.close()

    def test_foreign(self):
        "Only the connection that subscribed may use a subscription"
        path = self.issue("web")
        server = Client(self.agent.bus)
        subscription = self.subscribe(server, ["web"], "server")
        for member, signature, arguments in (("Close", None, ()), ("Acknowledge", "(otbs)", (path, 1, True, ""))):
            with self.assertRaises(Failed) as caught:
                self.client.call(subscription, "Subscription1." + member, signature, *arguments)
            self.assertEqual(caught.exception.name, "NotAuthorized")
        self.assertEqual(server.get(subscription, "Subscription1"), {"Patterns": ["web"]})
        server.close()

    def test_lies(self):
        "Answers about what there is not are refused"
        path = self.issue("web")
        other = self.issue("other")
        subscription = self.subscribe(self.client, ["web"], "server")
        self.first_batch(self.client, subscription)
        for certificate, generation, error in ((path, 9, "NotFound"), (path, 0, "NotFound"), (other, 1, "NotFound"),
                                               (ROOT + "/certificate/99999", 1, "NotFound"),
                                               ("/", 1, "InvalidArgument"), (subscription, 1, "InvalidArgument")):
            with self.assertRaises(Failed) as caught:
                self.client.call(subscription, "Subscription1.Acknowledge", "(otbs)", certificate, generation, True, "")
            self.assertEqual(caught.exception.name, error, caught.exception.message)
        self.assertEqual(self.delivery(path)["state"], "installing")

    def test_bad_options(self):
        "Subscribe: no patterns, too many, unknown options, names that are none"
        for patterns, options in (([], {}), (["x"] * 65, {}), (["web foo"], {}), (["web", "a\nb"], {}), ([""], {}),
                                  (["x" * 65], {}), (["\u202e"], {}), (["Web"], {}), (["*"], {"colour": GLib.Variant("s", "red")}),
                                  (["*"], {"target": GLib.Variant("u", 1)}),
                                  (["*"], {"target": GLib.Variant("s", "../x")})):
            with self.assertRaises(Failed) as caught:
                self.client.agent("Subscribe", "(asa{sv})", patterns, options)
            self.assertEqual(caught.exception.name, "InvalidArgument")


tap.main()
