#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""How many requests and connections issuances cost, of the installed programs with a real Pebble.

  test-economy.py CERTHERD"""

import functools
import http.server
import os
import re
import sys
import tempfile
import threading

LIB = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib")
sys.path.insert(0, LIB)
import tap  # noqa: E402
from ca import Front  # noqa: E402
from issuing import Case  # noqa: E402

Case.program = [sys.argv.pop(1)]

# One letter a request; newAccount and the like have none, and are not wanted.
LETTERS = {"/order-plz": "O", "/authZ/": "A", "/chalZ/": "C", "/my-order/": "p", "/finalize-order/": "F",
           "/certZ/": "D"}


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class Economy(Case):
    """Known account, warm connection."""

    def prepare(self, more=""):
        self.start(more)
        self.issue("warm-up", ["warm-up.example.org"], deliver=[])

    def spell(self, begin):
        return "".join(LETTERS.get(endpoint, f"<{method} {endpoint}>".lower())
                       for method, endpoint in self.pebble.sequence()[begin:])

    def take_nonces(self, spent):
        """What is left, and how many nonces were asked for: parallel requests need one each, the first time."""
        rest = spent.replace("<head /nonce-plz>", "")
        return rest, spent.count("<head /nonce-plz>")

    def spent(self, name, identifiers):
        begin = len(self.pebble.sequence())
        self.issue(name, identifiers, deliver=[])
        return self.spell(begin)


class NewNames(Economy):
    def test_new_name(self):
        "A new name costs seven requests: newOrder, authorization, challenge, a poll, finalize, a poll, download"
        self.prepare()
        spent = [self.spent(f"new-{n}", [f"new-{n}.example.org"]) for n in range(10)]
        for one in spent:
            self.assertRegex(one, "^OACp{1,2}Fp?D$")
        # The responder sees the validators, so that the first poll is in time.
        self.assertGreaterEqual(sum("OACpF" in one for one in spent), 7, spent)

    def test_new_names(self):
        "Of an order with several names, each authorization and challenge once"
        self.prepare()
        rest, nonces = self.take_nonces(self.spent("several", [f"several-{n}.example.org" for n in range(5)]))
        self.assertRegex(rest, "^OA{5}C{5}p{1,2}Fp?D$")
        self.assertLessEqual(nonces, 4)
        rest, nonces = self.take_nonces(self.spent("again", [f"again-{n}.example.org" for n in range(5)]))
        self.assertRegex(rest, "^OA{5}C{5}p{1,2}Fp?D$")
        self.assertEqual(nonces, 0)

    def test_renewal(self):
        "A renewal asks for nothing more than a first issuance"
        self.prepare()
        path = self.issue("renewed", ["renewed.example.org"], deliver=[])
        begin = len(self.pebble.sequence())
        state = self.client.finished(self.client.call(path, "Certificate1.Renew", "(a{sv})", {}))
        self.assertEqual(state["State"], "done", state["ErrorMessage"])
        self.assertRegex(self.spell(begin), "^OACp{1,2}Fp?D$")


class WebRoot(Economy):
    def configuration(self, more="", terms=None):
        return re.sub("listen = .*", f"webroot = {self.root.name}", super().configuration(more, terms))

    def setUp(self):
        super().setUp()
        self.root = tempfile.TemporaryDirectory()
        os.makedirs(os.path.join(self.root.name, ".well-known", "acme-challenge"))
        handler = functools.partial(Quiet, directory=self.root.name)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", int(self.pebble["HTTP01_PORT"])), handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def tearDown(self):
        super().tearDown()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
        self.root.cleanup()

    def test_web_root(self):
        "A web server of somebody else, which tells of no validators, costs no more than another poll"
        self.prepare()
        for n in range(3):
            self.assertRegex(self.spent(f"root-{n}", [f"root-{n}.example.org"]), "^OACp{1,2}Fp?D$")


class KnownNames(Economy):
    knobs = ["--authz-reuse", "100"]

    def test_valid_authorization(self):
        "With a valid authorization: newOrder, finalize, a poll, download, and no look at the authorization twice"
        self.prepare()
        self.spent("known", ["known.example.org"])
        for n in range(3):
            self.assertRegex(self.spent(f"known-{n}", ["known.example.org"]), "^OA?Fp?D$")


class Connections(Economy):
    def test_twenty(self):
        "20 certificates in one go: all over one HTTP/2 connection, none with more requests than one alone"
        front = Front(self.pebble)
        self.addCleanup(front.stop)
        upstream = self.pebble["DIRECTORY_URL"]
        self.start()
        self.agent.stop()
        self.agent.configure(self.configuration().replace(upstream, front["URL"] + "/dir"))
        self.client.close()
        self.agent.start()
        self.client = type(self.client)(self.agent.bus)
        begin = len(self.pebble.sequence())
        asked = [self.client.request(f"n{n}", [f"n{n}.example.org"], deliver=[])[1] for n in range(20)]
        for operation in asked:
            state = self.client.finished(operation)
            self.assertEqual(state["State"], "done", state["ErrorMessage"])
        with open(front["ACCESS_LOG"]) as log:
            seen = {tuple(line.split()[:2]) for line in log}
        self.assertEqual({protocol for protocol, _ in seen}, {"HTTP/2.0"})
        self.assertEqual(len(seen), 1, seen)
        spent, nonces = self.take_nonces(self.spell(begin))
        for letter in "OACFD":
            self.assertEqual(spent.count(letter), 20, spent)
        self.assertLessEqual(spent.count("p"), 20 * 3)
        self.assertLessEqual(nonces, 20)


tap.main()
