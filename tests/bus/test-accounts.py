#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is done to the account of an issuer: operations, what they leave, and what they refuse.

  test-accounts.py BUS-AGENT"""

import fcntl
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap  # noqa: E402
from agent import Agent, Client, Failed, Gio, GLib  # noqa: E402

PROGRAM = [sys.argv.pop(1)]
ISSUERS = "".join(f"[issuer {name}]\ndirectory-url = https://{name}.test/dir\n" for name in ("default", "hold", "eab"))
F_ADD_SEALS, ALL_SEALS = 1033, 0xF


def memory(text, seals=ALL_SEALS):
    fd = os.memfd_create("test", os.MFD_ALLOW_SEALING)
    os.write(fd, text)
    if seals:
        fcntl.fcntl(fd, F_ADD_SEALS, seals)
    return fd


class Accounts(unittest.TestCase):
    def setUp(self):
        self.agent = Agent(PROGRAM, ISSUERS)
        self.client = Client(self.agent.bus)

    def tearDown(self):
        self.client.close()
        self.agent.clean()

    def restart(self, signal=15):
        self.agent.stop(signal)
        self.client.close()
        self.agent.start()
        self.client = Client(self.agent.bus)

    def issuer(self, name="default"):
        return self.client.agent("GetIssuer", "(s)", name)

    def begin(self, path, member, signature="()", arguments=(), fd=None):
        fds = Gio.UnixFDList.new_from_array([fd]) if fd is not None else None
        reply = self.client.call_raw(path, "org.certherd.Issuer1", member, GLib.Variant(signature, arguments), fds)
        return reply[0].unpack()[0]

    def run_to_end(self, path, member, *arguments, **more):
        """The operation's properties, and the issuer's after it."""
        state = self.client.finished(self.begin(path, member, *arguments, **more))
        return state, self.client.get(path, "Issuer1")

    def done(self, path, member, *arguments, **more):
        state, values = self.run_to_end(path, member, *arguments, **more)
        self.assertEqual(state["State"], "done", state["ErrorMessage"])
        self.assertEqual(state["Object"], path)
        return state, values

    def fails(self, name, function, *arguments, **more):
        with self.assertRaises(Failed) as caught:
            function(*arguments, **more)
        self.assertEqual(caught.exception.name, name, caught.exception.message)
        return caught.exception.message

    def test_verbs(self):
        "Register, SetContacts, RollKey, Deactivate: kinds, and what the issuer looks like after them"
        path = self.issuer()
        contacts = {"contacts": GLib.Variant("as", ["a@ca.test"])}
        state, values = self.done(path, "Register", "(a{sv})", (contacts,))
        self.assertEqual((state["Kind"], values["Status"], values["Contacts"]), ("register", "valid", ["mailto:a@ca.test"]))
        state, values = self.done(path, "SetContacts", "(as)", (["mailto:b@ca.test", "c@ca.test"],))
        self.assertEqual(state["Kind"], "set-contacts")
        self.assertEqual(values["Contacts"], ["mailto:b@ca.test", "mailto:c@ca.test"])
        self.assertEqual(self.done(path, "SetContacts", "(as)", ([],))[1]["Contacts"], [])
        state, values = self.done(path, "RollKey")
        self.assertEqual((state["Kind"], values["Status"]), ("roll-key", "valid"))
        state, values = self.done(path, "Deactivate")
        self.assertEqual((state["Kind"], values["Status"]), ("deactivate", "deactivated"))
        self.assertEqual(self.client.agent("ListIssuers")[0]["status"], "deactivated")

    def test_bad_contacts(self):
        "SetContacts: what is no address is refused, and nothing begins"
        for bad in ("nobody", "a\nb", "mailto:", "/etc/passwd"):
            self.fails("InvalidArgument", self.begin, self.issuer(), "SetContacts", "(as)", ([bad],))

    def test_one_at_a_time(self):
        "The same operation is joined, another one is Busy; Cancel ends it"
        path = self.issuer("hold")
        first = self.begin(path, "RollKey")
        self.assertEqual(self.begin(path, "RollKey"), first)
        self.assertIn("roll-key", self.fails("Busy", self.begin, path, "Deactivate"))
        self.client.call(first, "Operation1.Cancel")
        self.assertEqual(self.client.finished(first)["State"], "cancelled")
        self.done(path, "Deactivate")

    def test_resumed(self):
        "An operation that was killed goes on with what it had written"
        path = self.issuer("hold")
        operation = self.begin(path, "RollKey")
        self.client.wait(lambda: self.checkpointed(operation), "the first step")
        self.restart(9)
        state = self.client.finished(operation)
        self.assertIn(state["State"], ("done", "running"))
        self.assertEqual(self.client.get(self.issuer("hold"), "Issuer1")["Contacts"], ["mailto:resumed@ca.test"])

    def checkpointed(self, operation):
        GLib.timeout_add(20, lambda: False)
        with open(os.path.join(self.agent.state, "state.db-wal"), "rb") as file:
            return b"begun" in file.read()

    def test_binding(self):
        "Register with a binding: by descriptor, whole or not at all, and never in a property"
        path = self.issuer("eab")
        state, values = self.run_to_end(path, "Register", "(a{sv})", ({},))
        self.assertEqual((state["State"], state["Error"]), ("failed", "org.certherd.Error.ActionRequired"))
        self.assertEqual(values["LastError"], "org.certherd.Error.ActionRequired")
        options = {"eab-kid": GLib.Variant("s", "kid"), "eab-algorithm": GLib.Variant("s", "HS384"),
                   "eab-hmac": GLib.Variant("h", 0)}
        self.fails("InvalidArgument", self.begin, path, "Register", "(a{sv})", (options,))
        for fd in (memory(b"right", 0), memory(b"x" * 2000), os.open("/dev/null", os.O_RDONLY)):
            self.fails("InvalidArgument", self.begin, path, "Register", "(a{sv})", (options,), fd)
        half = {"eab-kid": GLib.Variant("s", "kid")}
        self.fails("InvalidArgument", self.begin, path, "Register", "(a{sv})", (half,))
        state, values = self.run_to_end(path, "Register", "(a{sv})", (options,), fd=memory(b"wrong"))
        self.assertEqual(state["State"], "failed")
        state, values = self.done(path, "Register", "(a{sv})", (options,), fd=memory(b"right"))
        self.assertEqual(values["Status"], "valid")
        self.assertNotIn("right", str(state) + str(values))

    def test_binding_from_file(self):
        "A binding from the configuration: the file is read when the account is registered"
        with tempfile.NamedTemporaryFile("w", dir=self.agent.folder) as file:
            self.agent.configure(ISSUERS + f"eab-kid = kid\neab-algorithm = HS384\neab-hmac-file = {file.name}\n")
            self.client.agent("Reload")
            state, _ = self.run_to_end(self.issuer("eab"), "Register", "(a{sv})", ({},))
            self.assertEqual(state["State"], "failed")
            file.write("right")
            file.flush()
            _, values = self.done(self.issuer("eab"), "Register", "(a{sv})", ({},))
            self.assertEqual(values["Status"], "valid")
            with open(os.path.join(self.agent.state, "state.db-wal"), "rb") as database:
                self.assertNotIn(b"right", database.read())
        # The file is not needed any more.
        self.done(self.issuer("eab"), "Register", "(a{sv})", ({},))

    def test_import(self):
        "ImportAccount: a sealed memfd, and nothing else"
        path = self.issuer()
        for fd in (memory(b"a key", 0), memory(b"x" * 70000), os.open("/dev/null", os.O_RDONLY)):
            self.fails("InvalidArgument", self.begin, path, "ImportAccount", "(ha{sv})", (0, {}), fd)
        self.fails("InvalidArgument", self.begin, path, "ImportAccount", "(ha{sv})", (0, {}))
        self.fails("InvalidArgument", self.begin, path, "ImportAccount", "(ha{sv})", (1, {}), memory(b"a key"))
        more = {"path": GLib.Variant("s", "/etc/key")}
        self.fails("InvalidArgument", self.begin, path, "ImportAccount", "(ha{sv})", (0, more), memory(b"a key"))
        state, _ = self.run_to_end(path, "ImportAccount", "(ha{sv})", (0, {}), fd=memory(b"no key"))
        self.assertEqual((state["State"], state["Error"]), ("failed", "org.certherd.Error.InvalidArgument"))
        state, values = self.done(path, "ImportAccount", "(ha{sv})", (0, {}), fd=memory(b"a key"))
        self.assertEqual((state["Kind"], values["Status"]), ("import", "valid"))


tap.main()
