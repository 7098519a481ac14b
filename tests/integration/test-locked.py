#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The real agent, started without its key-encryption key, with Pebble: what waits for it goes on when it
is there, without a restart.

  test-locked.py PREFIX"""

import os
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap  # noqa: E402
from agent import Client, Gio, GLib, ROOT  # noqa: E402
from rig import Rig  # noqa: E402

PREFIX = sys.argv.pop(1)
SECRETS = "/org/freedesktop/secrets"
SERVICE = "org.freedesktop.Secret.Service"


class Case(unittest.TestCase):
    keystore = None

    def setUp(self):
        if not os.path.exists(os.path.join(PREFIX, "bin", "certherd")):
            raise unittest.SkipTest(f"certherd is not installed in {PREFIX}; tools/test installs it")
        self.rig = Rig(PREFIX)
        self.addCleanup(self.rig.stop)
        self.rig.configure_issuer()
        port = self.rig.ca["HTTP01_PORT"]
        self.rig.configure("certherd.conf", f"[agent]\nkeystore = {self.keystore}\n\n[solver http-01]\nlisten = 127.0.0.1:{port}\n")

    def start(self, **environment):
        self.rig.start(**environment)
        self.client = Client(self.rig)
        self.addCleanup(self.client.close)

    def attentions(self):
        return {a["code"]: a["message"] for a in self.client.get(ROOT, "Agent1")["Attentions"]}

    def at_rest(self):
        return self.client.get(ROOT, "Agent1")["AtRest"]

    def issue(self):
        path, operation = self.client.request("web", ["www.example"], deliver=[])
        self.assertEqual(self.client.finished(operation)["State"], "done")
        return path

    def leave_running(self, path):
        """What was under way when the agent was killed."""
        operation = self.client.call(path, "Certificate1.Renew", "(a{sv})", {"force": GLib.Variant("b", True)})
        self.assertEqual(self.rig.agent.wait(30), -9)
        self.rig.agent = None
        return operation

    def assert_waits(self, operation):
        state = self.client.get(operation, "Operation1")
        self.assertEqual((state["State"], state["Step"], state["Error"]), ("running", "unlock", ""))

    def wait_unlocked(self, at_rest):
        self.client.wait(lambda: any(s[0] == ROOT and s[2] == "PropertiesChanged" and s[3][1].get("AtRest") == at_rest
                                     for s in self.client.signals), "AtRest")
        self.assertNotIn("locked", self.attentions())


class Keyring(Case):
    keystore = "secret-service"

    def call(self, interface, method, arguments):
        return self.connection.call_sync("org.freedesktop.secrets", SECRETS, interface, method, arguments, None,
                                         Gio.DBusCallFlags.NONE, -1, None).unpack()

    def start_keyring(self):
        self.connection = self.rig.connect()
        keyring = subprocess.Popen(["gnome-keyring-daemon", "--foreground", "--components=secrets", "--unlock"],
                                        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        env={**self.rig.environment, "XDG_DATA_HOME": self.rig.path})
        self.addCleanup(self.stop_keyring, keyring)
        keyring.stdin.write(b"password")
        keyring.stdin.close()
        subprocess.run(["gdbus", "wait", "--session", "--timeout", "30", "org.freedesktop.secrets"], check=True,
                       env=self.rig.environment)

    def stop_keyring(self, keyring):
        keyring.terminate()
        keyring.wait(30)

    def collection(self):
        return self.call(SERVICE, "ReadAlias", GLib.Variant("(s)", ("default",)))[0]

    def lock(self):
        locked, _ = self.call(SERVICE, "Lock", GLib.Variant("(ao)", ([self.collection()],)))
        self.assertEqual(len(locked), 1)

    def unlock(self):
        """As a prompt does, without anybody who types."""
        _, session = self.call(SERVICE, "OpenSession", GLib.Variant("(sv)", ("plain", GLib.Variant("s", ""))))
        self.call("org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface", "UnlockWithMasterPassword",
                  GLib.Variant("(o(oayays))", (self.collection(), (session, b"", b"password", "text/plain"))))

    def count_items(self):
        return sum(map(len, self.call(SERVICE, "SearchItems", GLib.Variant("(a{ss})", ({"xdg:schema": "org.certherd.Kek"},)))))

    def test_unlock(self):
        "The keyring is unlocked: what was left running, what was modified and what was asked for meanwhile is issued"
        self.start_keyring()
        self.start()
        path = self.issue()
        self.rig.stop_agent()
        self.start(CERTHERD_CRASH_AT="run:issue/authorize:entered")
        left = self.leave_running(path)
        self.lock()
        self.start()
        self.assertEqual(self.at_rest(), "locked")
        self.assertIn("goes on by itself", self.attentions()["locked"])
        self.assert_waits(left)
        other, asked = self.client.request("other", ["other.example"], deliver=[])
        self.assert_waits(asked)
        names = GLib.Variant("as", ["www.example", "two.example"])
        modified = self.client.call(path, "Certificate1.Modify", "(a{sv}as)", {"identifiers": names}, [])
        self.assert_waits(modified)
        self.assertEqual(self.client.get(path, "Certificate1")["Operation"], modified)
        self.unlock()
        self.wait_unlocked("secret-service")
        self.assertEqual(self.client.finished(modified)["Result"], {"generation": 2})
        self.assertEqual(self.client.finished(asked)["State"], "done")
        self.assertEqual(self.client.finished(left)["State"], "cancelled")
        self.assertEqual(self.client.get(path, "Certificate1")["Identifiers"], ["www.example", "two.example"])
        self.assertEqual(self.client.get(path, "Certificate1")["LastError"], "")
        self.assertEqual(self.client.get(self.client.agent("GetIssuer", "(s)", "pebble"), "Issuer1")["LastError"], "")
        self.assertEqual(self.count_items(), 1)

    def test_cancel(self):
        "What was left running goes on; what was cancelled meanwhile does not"
        self.start_keyring()
        self.start(CERTHERD_CRASH_AT="run:issue/authorize:entered")
        path, left = self.client.request("web", ["www.example"], deliver=[])
        self.assertEqual(self.rig.agent.wait(30), -9)
        self.lock()
        self.start()
        self.assertEqual(self.at_rest(), "locked")
        self.assert_waits(left)
        other, asked = self.client.request("other", ["other.example"], deliver=[])
        self.client.call(asked, "Operation1.Cancel")
        self.assertEqual(self.client.finished(asked)["State"], "cancelled")
        self.assertEqual(self.client.get(other, "Certificate1")["Operation"], "/")
        self.unlock()
        self.wait_unlocked("secret-service")
        self.assertEqual(self.client.finished(left)["Result"], {"generation": 1})
        self.assertEqual(self.client.get(other, "Certificate1")["Generation"], 0)


class File(Case):
    keystore = "file"

    def reload(self):
        self.client.agent("Reload")

    def test_file(self):
        "The file is put back: a Reload finds it, and makes none before"
        self.start()
        path = self.issue()
        self.rig.stop_agent()
        kek = self.rig.file("state", "kek")
        os.rename(kek, kek + ".away")
        self.start()
        self.assertEqual(self.at_rest(), "locked")
        renewal = self.client.call(path, "Certificate1.Renew", "(a{sv})", {"force": GLib.Variant("b", True)})
        self.assert_waits(renewal)
        self.reload()
        self.client.wait(lambda: kek in self.attentions()["locked"], "the cause")
        self.assertEqual(self.at_rest(), "locked")
        self.assertFalse(os.path.exists(kek))
        os.rename(kek + ".away", kek)
        self.rig.agent.send_signal(signal.SIGHUP)
        self.wait_unlocked("none")
        self.assertEqual(self.client.finished(renewal)["Result"], {"generation": 2})


tap.main()
