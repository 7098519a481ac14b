#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Renewal information (RFC 9773), end to end: the installed agent with a Pebble that says when it would like a
certificate to be renewed, and with Debian's, which does not.

  test-renewal-info.py CERTHERD NEWER-PEBBLE"""

import json
import os
import ssl
import sys
import time
import unittest
import urllib.request

LIB = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib")
sys.path.insert(0, LIB)
import tap  # noqa: E402
from issuing import Case  # noqa: E402

Case.program = [sys.argv.pop(1)]
NEWER = sys.argv.pop(1)
HAS_NEWER = os.path.exists(os.path.join(NEWER, "pebble"))
DAY = 86400


class Asking(Case):
    def explain(self, path):
        return self.client.call(path, "Certificate1.Explain")

    def explained(self, path, condition):
        return self.client.wait(lambda: self.poll() or (condition(self.explain(path)) and self.explain(path)),
                                "the CA's suggestion")

    def count(self, endpoint):
        return sum(number for path, number in self.pebble.requests().items() if endpoint in path)

    def renew(self, path):
        operation = self.client.call(path, "Certificate1.Renew", "(a{sv})", {})
        self.assertEqual(self.client.finished(operation)["State"], "done")


@unittest.skipUnless(HAS_NEWER, "no newer Pebble could be fetched")
class Newer(Asking):
    knobs = ("--programs", NEWER)

    def suggest(self, name, start, end, url="https://ca.test/incident"):
        """What Pebble says of NAME's certificate from now on."""
        form = lambda when: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(when))
        window = {"suggestedWindow": {"start": form(start), "end": form(end)}, "explanationURL": url}
        body = {"certificate": self.live(name, "cert.pem"), "ariResponse": json.dumps(window)}
        trust = ssl.create_default_context(cafile=self.pebble["TLS_CA"])
        urllib.request.urlopen(urllib.request.Request(
            self.pebble["MANAGEMENT_URL"] + "/set-renewal-info/", json.dumps(body).encode(), method="POST"),
            timeout=10, context=trust).close()

    def test_asked(self):
        "A newer Pebble is asked once after the issuance, outside of it; the moment stays over a restart, which asks nothing"
        self.start()
        asked = self.count("renewalInfo")
        path = self.issue("one", ["one.example.org"], profile="default")
        reasons = self.explained(path, lambda r: "pick" in r)
        self.assertEqual(self.count("renewalInfo"), asked + 1)
        self.assertLess(reasons["window-start"], reasons["window-end"])
        self.assertTrue(reasons["window-start"] <= reasons["pick"] < reasons["window-end"])
        self.assertEqual((reasons["time"], reasons["renew-at"]), (reasons["pick"], reasons["pick"]))
        self.assertGreater(reasons["pick"], time.time() + 30 * DAY)
        self.assertEqual(reasons["reason"], "the CA suggests it")
        self.change_state()
        self.client.drain()
        self.assertEqual(self.explain(path), reasons)
        self.assertEqual(self.count("renewalInfo"), asked + 1)

    def test_moved(self):
        "A newer Pebble moves the window into the past: renewed at once, as a replacement of what it replaces"
        self.start()
        path = self.issue("moved", ["moved.example.org"], profile="default")
        self.explained(path, lambda r: "pick" in r)
        self.suggest("moved", time.time() - 3600, time.time() - 1800)
        asked, ordered = self.count("renewalInfo"), self.count("order-plz")
        self.change_state("UPDATE renewal_info SET ask_at = 1")
        self.client.wait(lambda: self.poll() or self.client.get(path, "Certificate1")["Generation"] == 2, "a renewal")
        reasons = self.explained(path, lambda r: r["generation"] == 2 and "pick" in r)
        self.assertEqual(self.count("renewalInfo"), asked + 2)
        self.assertEqual(self.count("order-plz"), ordered + 1)
        self.assertIn("https://ca.test/incident", self.agent.read_log())
        # What Pebble says of the second is its own window again.
        self.assertGreater(reasons["renew-at"], time.time() + DAY)
        self.assertGreater(reasons["not-sooner-than"], time.time() + 20 * DAY)
        # Had it not been told what was replaced, it would take the first one as replaced now.
        self.assertNotIn("does not take it as a replacement", self.agent.read_log())
        self.change_state("UPDATE materials SET chain = (SELECT chain FROM materials WHERE number = 1) WHERE number = 2")
        ordered = self.count("order-plz")
        self.renew(path)
        self.assertIn("does not take it as a replacement", self.agent.read_log())
        self.assertEqual(self.count("order-plz"), ordered + 2)

    def test_other_account(self):
        "A newer Pebble is not told to replace what another account has"
        self.start()
        path = self.issue("other", ["other.example.org"], profile="default")
        url = self.pebble["DIRECTORY_URL"]
        self.agent.configure(self.configuration().replace(url, url.replace("127.0.0.1", "localhost")))
        self.assertEqual(self.client.agent("Reload"), [])
        ordered = self.count("order-plz")
        self.renew(path)
        self.assertEqual(self.count("order-plz"), ordered + 1)
        self.assertNotIn("does not take it as a replacement", self.agent.read_log())

    def test_absurd(self):
        "A newer Pebble names a window years behind the end: the rule, and why"
        self.start()
        path = self.issue("absurd", ["absurd.example.org"], profile="default")
        self.explained(path, lambda r: "pick" in r)
        self.suggest("absurd", time.time() + 3650 * DAY, time.time() + 3651 * DAY)
        self.change_state("UPDATE renewal_info SET ask_at = 1")
        reasons = self.explained(path, lambda r: "suggestion-problem" in r)
        self.assertIn("it expires at", reasons["suggestion-problem"])
        self.assertEqual(reasons["reason"], reasons["rule-reason"])
        self.assertLess(abs(reasons["renew-at"] - reasons["rule-time"]), 3 * DAY)

    def test_ends_before(self):
        "A newer Pebble names a window that ends before it begins: the rule, and why"
        self.start()
        path = self.issue("turned", ["turned.example.org"], profile="default")
        self.explained(path, lambda r: "pick" in r)
        self.suggest("turned", time.time() + 2000, time.time() + 1000)
        self.change_state("UPDATE renewal_info SET ask_at = 1")
        reasons = self.explained(path, lambda r: "suggestion-problem" in r)
        self.assertIn("ends before it begins", reasons["suggestion-problem"])
        self.assertEqual(reasons["reason"], reasons["rule-reason"])


class Debians(Asking):
    def test_none(self):
        "A CA that says no such things is not asked, and nothing is said of it"
        self.start()
        path = self.issue("one", ["one.example.org"])
        self.renew(path)
        self.change_state("UPDATE certificates SET failures = 0")
        reasons = self.explain(path)
        self.assertEqual(reasons["generation"], 2)
        self.assertEqual(reasons["reason"], reasons["rule-reason"])
        self.assertNotIn("asked-at", reasons)
        self.assertNotIn("suggestion-problem", reasons)
        self.assertEqual(self.count("renewalInfo"), 0)


tap.main()
