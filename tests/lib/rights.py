# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of rights share: an agent on the system bus with the real polkitd and rules of the test's
own, and its callers. A test's file ends with main()."""

import os
import sys
import unittest

import tap
from agent import Failed, GLib
from system import Dialogs, Polkit, SystemAgent, User

SOURCE = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
INSIDE = "CERTHERD_TEST_SYSTEM_BUS"
CONFIGURATION = """
[issuer default]
directory-url = https://ca.test/dir
[target shared]
adapter = files
path = /nowhere
allow-users = other
identifiers = *.example
[target closed]
adapter = files
path = /elsewhere
"""
INTERACTION = "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"


def rule(body):
    return "polkit.addRule(function(action, subject) { %s });" % body


ALLOW_ALL = rule('return polkit.Result.YES;')
DENY_ALL = rule('return polkit.Result.NO;')


def variants(**spec):
    return {key.replace("_", "-"): GLib.Variant("as" if isinstance(value, list) else "s", value)
            for key, value in spec.items()}


class Case(unittest.TestCase):
    RULES = ""
    program = None  # the agent

    def setUp(self):
        if INSIDE not in os.environ:
            self.skipTest("a bus and polkitd in namespaces of their own need root")
        self.polkit = Polkit(self.RULES)
        self.addCleanup(lambda: self.polkit.stop())
        self.agent = SystemAgent([Case.program], CONFIGURATION)
        self.addCleanup(self.agent.clean)
        self.root, self.www = self.client("root"), self.client("www")

    def tearDown(self):
        if INSIDE in os.environ and self.agent is not None:
            self.assertIsNone(self.agent.process.poll(), "the agent has ended")

    def client(self, user):
        client = User(user)
        self.addCleanup(client.close)
        return client

    def dialogs(self):
        dialogs = Dialogs("www")
        self.addCleanup(dialogs.close)
        return dialogs

    def restart_polkit(self, rules):
        self.polkit.stop()
        self.polkit = Polkit(rules)

    def fails(self, name, function, *arguments, **more):
        with self.assertRaises(Failed) as caught:
            function(*arguments, **more)
        self.assertEqual(caught.exception.name, name, caught.exception.message)
        return caught.exception.message

    def finished(self, client, answer):
        client.wait(lambda: answer, "the answer")
        return answer

    def names(self):
        return [row[1] for row in self.root.agent("ListCertificates", "(a{sv}su)", {}, "", 500)[0]]


def main(script):
    """Runs the tests of SCRIPT, whose argument is the agent; as root, in namespaces with a bus of their own."""
    if INSIDE not in os.environ and os.geteuid() == 0:
        os.environ[INSIDE] = "1"
        os.execvp("unshare", ["unshare", "-n", "-m", "-p", "-f", "--mount-proc", "--kill-child",
                              os.path.join(SOURCE, "tests", "integration", "system-bus.sh"), SOURCE, sys.executable,
                              os.path.abspath(script), sys.argv[1]])
    Case.program = sys.argv.pop(1)
    tap.main()
