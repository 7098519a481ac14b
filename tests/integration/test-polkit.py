#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Rights on the system bus: the real dbus-daemon and polkitd, certherd's policies, an agent that runs as
its own user, and callers who are nobody in particular.

  test-polkit.py BUS-AGENT"""

import os
import signal
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.normpath(os.path.join(HERE, "..", ".."))
sys.path.insert(0, os.path.join(SOURCE, "tests", "lib"))
import tap  # noqa: E402
from agent import NAME, ROOT, Failed, Gio, GLib  # noqa: E402
from system import Bus, Dialogs, Polkit, SystemAgent, User  # noqa: E402

INSIDE = "CERTHERD_TEST_SYSTEM_BUS"
CONFIGURATION = """
[issuer default]
directory-url = https://ca.test/dir
[target shared]
adapter = files
path = /nowhere
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

    def setUp(self):
        if INSIDE not in os.environ:
            self.skipTest("a bus and polkitd in namespaces of their own need root")
        self.polkit = Polkit(self.RULES)
        self.addCleanup(lambda: self.polkit.stop())
        self.agent = SystemAgent([PROGRAM], CONFIGURATION)
        self.addCleanup(self.agent.clean)
        self.root, self.www = self.client("root"), self.client("www")

    def tearDown(self):
        if INSIDE in os.environ:
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


class Rules(Case):
    def test_denied(self):
        "without a rule: whoever may not be asked is told so, and nothing changes"
        message = self.fails(INTERACTION, self.www.request, "web", ["www.example.com"], deliver=[])
        self.assertIn("org.certherd.request", message)
        self.assertEqual(self.names(), [])

    def test_nobody_to_ask(self):
        "without a rule and without an authentication agent: not authorized"
        answer = self.www.start(ROOT, "Agent1.Reload", interactive=True)
        error = self.finished(self.www, answer)["error"]
        self.assertEqual(error.name, "NotAuthorized")
        self.assertIn("org.certherd.reload", error.message)

    def test_rule_denies(self):
        "a rule that denies: not authorized; status is for all, and root is not asked about"
        self.restart_polkit(DENY_ALL)
        message = self.fails("NotAuthorized", self.www.request, "web", ["www.example.com"], deliver=[])
        self.assertIn("org.certherd.request", message)
        self.assertIn("rule", message)
        path, _ = self.root.request("web", ["www.example.com"], deliver=[])
        self.assertEqual(self.www.get(path, "Certificate1")["Owner"], 0)
        self.assertEqual(self.www.agent("GetCertificate", "(s)", "web"), path)

    def test_details(self):
        "a rule sees every detail"
        wanted = {"certificate": "web", "identifiers": "a.example b.example", "owner": str(self.www.uid),
                  "caller-is-owner": "true", "issuer": "default", "targets": "shared"}
        checks = " && ".join(f'action.lookup("{key}") == "{value}"' for key, value in wanted.items())
        self.restart_polkit(rule(f'if (action.id == "org.certherd.request" && {checks}) return polkit.Result.YES;'
                                 'return polkit.Result.NO;'))
        spec = {"issuer": ["default"], "deliver": ["shared"]}
        self.fails("NotAuthorized", self.www.request, "web", ["a.example"], **spec)
        self.fails("NotAuthorized", self.www.request, "other", ["a.example", "b.example"], **spec)
        self.fails("NotAuthorized", self.www.request, "web", ["a.example", "b.example"], issuer=["default"], deliver=[])
        path, _ = self.www.request("web", ["a.example", "b.example"], **spec)
        self.assertEqual(self.root.get(path, "Certificate1")["Owner"], self.www.uid)

    def test_example(self):
        "the shipped example allows its user its domain, and is not fooled"
        with open(os.path.join(SOURCE, "data", "polkit", "50-certherd-example.rules")) as file:
            self.restart_polkit(file.read())
        for number, names in enumerate((["evil.org", "www.example.com"], ["www.example.com", "evil.org"],
                                        ["notexample.com"], ["example.com.evil.org"],
                                        ["www.example.com.evil.org", "www.example.com"], ["example.org"],
                                        ["192.0.2.1"], ["xn--example-com-1ib.com"])):
            self.fails(INTERACTION, self.www.request, f"bad{number}", names, deliver=[])
        other = self.client("other")
        self.fails(INTERACTION, other.request, "web", ["www.example.com"], deliver=[])
        self.assertEqual(self.names(), [])
        for number, names in enumerate((["example.com"], ["www.example.com"], ["A.B.EXAMPLE.COM", "example.com."],
                                        ["*.example.com"])):
            path, operation = self.www.request(f"good{number}", names, deliver=[])
            self.assertEqual(self.www.finished(operation)["State"], "done")
            self.www.finished(self.www.call(path, "Certificate1.Renew", "(a{sv})", {}))
        # What was allowed for one name is not a way to another.
        self.fails(INTERACTION, self.www.call, path, "Certificate1.Modify", "(a{sv}as)",
                   variants(identifiers=["evil.org"]), [])
        self.www.call(path, "Certificate1.Modify", "(a{sv}as)", variants(identifiers=["new.example.com"]), [])
        self.www.call(path, "Certificate1.Modify", "(a{sv}as)", variants(renew="50%"), [])
        self.www.call(path, "Certificate1.Remove", "(a{sv})", {})

    def test_bus_policy(self):
        "nobody but the agent's user may own the name"
        for user in ("www", "other"):
            with self.assertRaises(GLib.Error) as caught:
                self.client(user).connection.call_sync(
                    "org.freedesktop.DBus", "/", "org.freedesktop.DBus", "RequestName",
                    GLib.Variant("(su)", (NAME, 0)), None, Gio.DBusCallFlags.NONE, -1, None)
            self.assertIn("AccessDenied", caught.exception.message)


if INSIDE not in os.environ and os.geteuid() == 0:
    os.environ[INSIDE] = "1"
    os.execvp("unshare", ["unshare", "-n", "-m", "-p", "-f", "--mount-proc", "--kill-child",
                          os.path.join(HERE, "system-bus.sh"), SOURCE, sys.executable, os.path.abspath(__file__), sys.argv[1]])
PROGRAM = sys.argv.pop(1)
tap.main()
