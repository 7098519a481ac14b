#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A state that cannot be written, seen from the bus: what was asked for did not happen, and says why; what
has happened is kept until it can be written. Once with a full file system, a small one of our own, and
once with a limit on the agent's files, whose writes then fail with EFBIG, an I/O error for SQLite.

  test-disk.py BUS-AGENT"""

import ctypes
import os
import resource
import signal
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap  # noqa: E402
from agent import ROOT, Agent, Client, Failed, GLib  # noqa: E402

PROGRAM = [sys.argv.pop(1)]
CONFIGURATION = """
[issuer default]
directory-url = https://ca.test/dir
[target box]
adapter = files
path = /nowhere
"""
DECLARED = """
[certificate declared]
identifiers = hold.declared.example
deliver =
"""
LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS = 0x20000
MS_PRIVATE = 0x44000  # and MS_REC


def may_mount():
    """In a namespace of this process's own, from now on."""
    return os.geteuid() == 0 and LIBC.unshare(CLONE_NEWNS) == 0 and LIBC.mount(b"none", b"/", None, MS_PRIVATE, None) == 0


class Limited(Agent):
    """Its files can be kept from growing, by a limit that does not end it."""
    cause = "disk I/O error"

    def __init__(self, program, configuration):
        super().__init__(["env", "--ignore-signal=XFSZ"] + program, configuration)

    def set_limit(self, size):
        if self.process.poll() is None:
            resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def fill(self):
        self.set_limit(0)

    def make_room(self):
        self.set_limit(resource.RLIM_INFINITY)


class Full(Agent):
    """Its state is on a file system of 2 MiB."""
    cause = "full"

    def start(self):
        if not os.path.isdir(self.state):
            os.mkdir(self.state)
            if LIBC.mount(b"none", self.state.encode(), b"tmpfs", 0, b"size=2m") != 0:
                raise OSError(ctypes.get_errno(), "mount")
        super().start()

    def fill(self):
        with open(os.path.join(self.state, "filler"), "wb", buffering=0) as file:
            try:
                while file.write(bytes(4096)) == 4096:
                    pass
            except OSError:
                pass

    def make_room(self):
        os.unlink(os.path.join(self.state, "filler"))

    def clean(self):
        self.stop()
        LIBC.umount2(self.state.encode(), 2)
        super().clean()


class Disk:
    make = None

    def setUp(self):
        self.agent = self.make(PROGRAM, CONFIGURATION)
        self.client = Client(self.agent.bus)

    def tearDown(self):
        self.client.close()
        self.agent.clean()

    def refuses(self, function, *arguments, **more):
        """The call fails, saying where, why and what to do; nothing is told of what did not happen."""
        self.client.drain()
        before = len(self.client.signals)
        with self.assertRaises(Failed) as caught:
            function(*arguments, **more)
        self.assertEqual(caught.exception.name, "Failed")
        for words in (self.agent.state, self.agent.cause, "file system"):
            self.assertIn(words, caught.exception.message)
        self.client.drain()
        told = [s for s in self.client.signals[before:]
                if s[2] != "PropertiesChanged" or set(s[3][1]) - {"Attentions"}]
        self.assertEqual(told, [])

    def get_all(self):
        """Everything that the bus shows."""
        shown = {"agent": self.client.get(ROOT, "Agent1"), "issuers": self.client.agent("ListIssuers")}
        shown["agent"].pop("Attentions")
        for row in self.client.agent("ListCertificates", "(a{sv}su)", {}, "", 100)[0]:
            shown[row[0]] = self.client.get(row[0], "Certificate1"), self.client.call(row[0], "Certificate1.GetSpec")
            if shown[row[0]][0]["Operation"] != "/":
                operation = shown[row[0]][0]["Operation"]
                shown[operation] = self.client.get(operation, "Operation1")
        return shown

    def issued(self, name="web", identifier="www.example", deliver=()):
        path, operation = self.client.request(name, [identifier], deliver=list(deliver))
        if not deliver:
            self.assertEqual(self.client.finished(operation)["State"], "done")
        return path, operation

    def test_verbs(self):
        "What is asked for with no room does not happen: each verb"
        path, _ = self.issued()
        held, operation = self.client.request("held", ["hold.example"], deliver=[])
        # Quick steps are told together, somewhat later.
        self.client.wait(lambda: any(s[0] == operation and s[2] == "PropertiesChanged" and s[3][1].get("Step") == "download"
                                     for s in self.client.signals), "being told of the download")
        issuer = self.client.agent("AddIssuer", "(sa{sv})", "spare", {"directory-url": GLib.Variant("s", "https://ca.test/2")})
        self.client.drain()
        before = self.get_all()
        self.agent.fill()
        call = self.client.call
        names = {"identifiers": GLib.Variant("as", ["other.example"])}
        self.refuses(self.client.request, "new", ["www.example"], deliver=[])
        self.refuses(self.client.agent, "AddIssuer", "(sa{sv})", "more", {"directory-url": GLib.Variant("s", "https://ca.test/3")})
        self.refuses(call, issuer, "Issuer1.Register", "(a{sv})", {})
        self.refuses(call, issuer, "Issuer1.Remove")
        self.refuses(call, path, "Certificate1.Renew", "(a{sv})", {})
        self.refuses(call, path, "Certificate1.Modify", "(a{sv}as)", {"renew": GLib.Variant("s", "50%")}, [])
        self.refuses(call, path, "Certificate1.Modify", "(a{sv}as)", names, [])
        self.refuses(call, held, "Certificate1.Modify", "(a{sv}as)", names, [])
        # There is nothing to deliver again: nothing changes, and needs no room.
        call(path, "Certificate1.Retry")
        self.refuses(call, path, "Certificate1.Remove", "(a{sv})", {})
        self.refuses(call, held, "Certificate1.Remove", "(a{sv})", {})
        self.agent.configure(CONFIGURATION + DECLARED)
        self.refuses(self.client.agent, "Reload")
        self.assertEqual(self.get_all(), before)
        self.agent.make_room()
        self.assertEqual(self.get_all(), before)
        # What was refused works now, and what is shown is what the disk has.
        self.assertEqual(self.client.agent("Reload"), [])
        call(held, "Certificate1.Remove", "(a{sv})", {})
        self.agent.stop(signal.SIGKILL)
        self.client.close()
        self.agent.start()
        self.client = Client(self.agent.bus)
        names = [row[1] for row in self.client.agent("ListCertificates", "(a{sv}su)", {}, "", 100)[0]]
        self.assertEqual(names, ["declared", "web"])

    def test_withdrawal(self):
        "Remove with no room: nothing is withdrawn"
        # Before there is anything to deliver, or the agent would start certherd-deliver for it.
        target = self.client.agent("Subscribe", "(asa{sv})", ["*"], {"target": GLib.Variant("s", "box")})
        path, operation = self.issued("box", "www.example", ["box"])
        self.client.wait(lambda: any(s[2] == "Updated" and s[3][2] == 1 for s in self.client.signals), "generation 1")
        self.client.call(target, "Subscription1.Acknowledge", "(otbs)", path, 1, True, "")
        self.client.finished(operation)
        self.agent.fill()
        self.refuses(self.client.call, path, "Certificate1.Remove", "(a{sv})", {})
        self.refuses(self.client.call, path, "Certificate1.Modify", "(a{sv}as)", {"deliver": GLib.Variant("as", [])}, [])
        self.agent.make_room()
        self.client.call(target, "Subscription1.Close")
        self.client.signals.clear()
        target = self.client.agent("Subscribe", "(asa{sv})", ["*"], {"target": GLib.Variant("s", "box")})
        self.client.wait(lambda: any(s[2] == "Updated" and s[3][0] == "/" for s in self.client.signals), "the end mark")
        self.assertEqual([s for s in self.client.signals if s[2] == "Updated" and s[3][0] != "/"], [])

    def is_not_saved(self):
        return "not-saved" in [a["code"] for a in self.client.get(ROOT, "Agent1")["Attentions"]]

    def save(self, name):
        """Begins an issuance that stands before its save, for which there is no room."""
        path, operation = self.client.request("web", [name], deliver=[])
        self.client.wait(lambda: self.client.get(operation, "Operation1")["Step"] == "download", "the download")
        self.agent.fill()
        os.kill(self.agent.process.pid, signal.SIGUSR2)  # the double goes on
        self.client.wait(self.is_not_saved, "the attention")
        values = self.client.get(path, "Certificate1")
        self.assertEqual((values["Generation"], values["State"], values["Operation"]), (0, "none", operation))
        self.assertEqual(self.client.get(operation, "Operation1")["State"], "running")
        self.assertFalse(any(s[2] == "CertificateUpdated" for s in self.client.signals))
        return path, operation

    def test_save(self):
        "An issuance whose save finds no room keeps what it has, and saves it when there is room"
        path, operation = self.save("wait.example")
        self.agent.make_room()
        state = self.client.finished(operation)
        self.assertEqual((state["State"], state["Result"]), ("done", {"generation": 1}))
        self.assertEqual(self.client.get(path, "Certificate1")["Generation"], 1)
        self.assertFalse(self.is_not_saved())

    def test_save_killed(self):
        "Killed while it waits for room: the operation is there, runs again, with the key that it had"
        path, operation = self.save("wait.example")
        self.agent.stop(signal.SIGKILL)
        self.agent.make_room()
        self.client.close()
        self.agent.start()
        self.client = Client(self.agent.bus)
        self.client.wait(lambda: self.client.get(operation, "Operation1")["Step"] == "download", "the download")
        os.kill(self.agent.process.pid, signal.SIGUSR2)
        self.assertEqual(self.client.finished(operation)["Result"], {"generation": 1})

    def test_facts(self):
        "What has happened stays so in memory, and is written when there is room"
        path, operation = self.client.request("web", ["hold.example"], deliver=[])
        self.client.wait(lambda: self.client.get(operation, "Operation1")["Step"] == "download", "the download")
        self.agent.fill()
        self.client.call(operation, "Operation1.Cancel")
        self.assertEqual(self.client.finished(operation)["State"], "cancelled")
        self.client.wait(self.is_not_saved, "the attention")
        self.agent.make_room()
        self.client.wait(lambda: not self.is_not_saved(), "its end")
        self.agent.stop(signal.SIGKILL)
        self.client.close()
        self.agent.start()
        self.client = Client(self.agent.bus)
        self.assertEqual(self.client.get(operation, "Operation1")["State"], "cancelled")
        self.assertEqual(self.client.get(path, "Certificate1")["LastError"], "org.certherd.Error.Cancelled")


class Write(Disk, unittest.TestCase):
    make = Limited


@unittest.skipUnless(may_mount(), "a small file system is mounted in a namespace of its own, which needs root")
class Space(Disk, unittest.TestCase):
    make = Full


tap.main()
