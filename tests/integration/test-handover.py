#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""An issuance that failed because the line to the CA was cut, and the next one: the installed agent against
Debian's Pebble.

  test-handover.py CERTHERD"""

import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap  # noqa: E402
from agent import Client, GLib  # noqa: E402
from issuing import Case  # noqa: E402
from relay import Relay  # noqa: E402

Case.program = [sys.argv.pop(1)]

# While there is "hold", it says that it is at work, and waits until somebody lets it go on.
HOOK = """#!/bin/bash
if [ "$CERTHERD_ACTION" = present ] && [ -e {folder}/hold ]; then
  rm {folder}/hold
  read -r line <{folder}/gate
fi
"""


class Handover(Case):
    knobs = ("--always-valid",)

    def setUp(self):
        super().setUp()
        self.folder = tempfile.TemporaryDirectory(prefix="certherd-handover-")
        self.relay = Relay(self.pebble["DIRECTORY_URL"].rsplit(":", 1)[1].split("/")[0])
        hook = self.path("hook")
        with open(hook, "w") as file:
            file.write(HOOK.format(folder=self.folder.name))
        os.chmod(hook, 0o755)
        os.mkfifo(self.path("gate"))
        self.start(f"[solver hooks]\nplugin = exec\ntype = dns-01\npropagation-check = no\ncommand = {hook}\n")
        self.orders = self.count("/order-plz")

    def tearDown(self):
        super().tearDown()
        self.relay.stop()
        self.folder.cleanup()

    def configuration(self, *arguments):
        text = super().configuration(*arguments)
        port = self.pebble["DIRECTORY_URL"].rsplit(":", 1)[1].split("/")[0]
        return text.replace(f":{port}/", f":{self.relay.port}/")

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def count(self, endpoint):
        return self.pebble.requests()[endpoint]

    def new_orders(self):
        return self.count("/order-plz") - self.orders

    def fail(self, name):
        """An issuance whose line is cut when the CA has made an order, and the challenge is being presented."""
        with open(self.path("hold"), "w"):
            pass
        path, operation = self.client.request("web", [name], challenge=["hooks"])
        self.client.wait(lambda: not os.path.exists(self.path("hold")) or self.poll(), "the hook")
        self.relay.cut()
        with open(self.path("gate"), "w") as gate:
            gate.write("go on\n")
        state = self.client.finished(operation)
        self.assertEqual(state["Error"], "org.certherd.Error.Unreachable", state["ErrorMessage"])
        self.assertEqual(self.new_orders(), 1)
        self.relay.mend()
        return path

    def renew(self, path):
        operation = self.client.call(path, "Certificate1.Renew", "(a{sv})", {"force": GLib.Variant("b", True)})
        self.succeed(operation)

    def succeed(self, operation):
        state = self.client.finished(operation)
        self.assertEqual(state["State"], "done", state["ErrorMessage"] + self.agent.read_log())

    def test_next(self):
        "The next attempt goes on with the order of the one that failed, and a renewal has one of its own"
        path = self.fail("next.example.org")
        self.renew(path)
        self.assertEqual(self.new_orders(), 1)
        self.renew(path)
        self.assertEqual(self.new_orders(), 2)

    def test_restart(self):
        "So it does after a restart"
        path = self.fail("restart.example.org")
        self.client.close()
        self.agent.stop()
        self.agent.start()
        self.client = Client(self.agent.bus)
        self.renew(path)
        self.assertEqual(self.new_orders(), 1)

    def test_again(self):
        "And after two that failed"
        path = self.fail("again.example.org")
        self.relay.cut()
        operation = self.client.call(path, "Certificate1.Renew", "(a{sv})", {"force": GLib.Variant("b", True)})
        self.assertEqual(self.client.finished(operation)["State"], "failed")
        self.relay.mend()
        self.renew(path)
        self.assertEqual(self.new_orders(), 1)

    def test_modified(self):
        "Of another wish the order is not"
        path = self.fail("modified.example.org")
        names = {"identifiers": GLib.Variant("as", ["modified.example.org", "more.example.org"])}
        self.succeed(self.client.call(path, "Certificate1.Modify", "(a{sv}as)", names, []))
        self.assertEqual(self.new_orders(), 2)
        self.assertEqual(self.client.get(path, "Certificate1")["Generation"], 1)


tap.main()
