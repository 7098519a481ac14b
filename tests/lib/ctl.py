# SPDX-License-Identifier: LGPL-2.1-or-later
"""certherdctl, the first argument of the program, against a double of the agent that has a certificate, an issuer
and an operation."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

from double import ROOT, Double, GLib, PrivateBus, Refusal

CTL = sys.argv.pop(1)
SOURCE = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
WWW = ROOT + "/certificate/1"
CA = ROOT + "/issuer/1"
RUN = ROOT + "/operation/7"
CERTIFICATE = "org.certherd.Certificate1"
ISSUER = "org.certherd.Issuer1"
OPERATION = "org.certherd.Operation1"
AGENT = "org.certherd.Agent1"
FAR = 4102444800  # 2100
COMMANDS = ["request", "list", "show", "why", "renew", "modify", "check", "export", "retry", "revoke", "remove", "watch", "issuer list",
            "issuer show", "issuer add", "issuer register", "issuer set-contacts",
            "issuer roll-key", "issuer import", "issuer deactivate", "issuer remove", "version"]


def steps(*names, running=None):
    done = [{"name": GLib.Variant("s", name), "entered": GLib.Variant("x", 1000000),
             "left": GLib.Variant("x", 1500000)} for name in names]
    if running:
        done.append({"name": GLib.Variant("s", running), "entered": GLib.Variant("x", 2), "left": GLib.Variant("x", 0)})
    return done


class Ended:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    def json(self):
        return json.loads(self.out)


class Case(unittest.TestCase):
    def setUp(self):
        self.bus = PrivateBus()
        self.addCleanup(self.bus.stop)
        self.agent = Double(self.bus)
        self.agent.own_name()
        self.agent.put(ROOT, AGENT, Version="9.9", AtRest="credential", Features=["session"])
        self.agent.put(CA, ISSUER, Name="ca", Status="valid", Kind="acme", TermsUrl="https://ca.test/terms?a=b&c")
        self.agent.put(WWW, CERTIFICATE, Name="www", State="valid", Activity="idle", Generation=3, NotAfter=FAR,
                       Identifiers=["www.example.org"], Issuers=[CA], NextAction="renew", NextActionTime=FAR - 86400,
                       NextActionReason="two thirds of its life", KeyType="ecdsa-p256", Serial="01ab",
                       Deliveries=[{"target": GLib.Variant("s", "live"), "state": GLib.Variant("s", "applied"),
                                    "wanted": GLib.Variant("t", 3), "applied": GLib.Variant("t", 3),
                                    "proved": GLib.Variant("t", 3), "since": GLib.Variant("x", 5),
                                    "message": GLib.Variant("s", "fine")}])
        self.agent.put(RUN, OPERATION, Kind="issue", Object=WWW, State="running", Step="new-order",
                       Steps=steps("key", running="new-order"))
        self.agent.methods["GetCertificate"] = lambda path, name: self.find({"www": WWW}, name)
        self.agent.methods["GetIssuer"] = lambda path, name: self.find({"ca": CA}, name)
        self.environment = {**os.environ, "DBUS_SESSION_BUS_ADDRESS": self.bus.address, "LC_ALL": "C.UTF-8"}

    def find(self, known, name):
        if name not in known:
            raise Refusal("NotFound", f"there is no “{name}”")
        return GLib.Variant("(o)", (known[name],))

    def start(self, *words, stdout=None, program=(CTL, "--session"), **options):
        self.out, self.err = tempfile.TemporaryFile(), tempfile.TemporaryFile()
        self.process = subprocess.Popen([*program, *words], stdin=subprocess.DEVNULL, env=self.environment,
                                        stdout=stdout or self.out, stderr=self.err, **options)
        return self.process

    def finish(self):
        """Serves the bus until the command ends; one that hangs is ended by meson's timeout."""
        loop = GLib.MainLoop()
        statuses = []
        GLib.child_watch_add(GLib.PRIORITY_LOW, self.process.pid, lambda pid, status: (statuses.append(status), loop.quit()))
        loop.run()
        self.process.returncode = os.waitstatus_to_exitcode(statuses[0])
        texts = []
        for file in (self.out, self.err):
            file.seek(0)
            texts.append(file.read().decode())
            file.close()
        return Ended(self.process.returncode, *texts)

    def ctl(self, *words):
        self.start(*words)
        return self.finish()

    def calls(self, member):
        return [arguments for name, _, arguments in self.agent.calls if name == member]

    def when_read(self, action):
        """Does ACTION once, when the operation's state was read."""
        done = []

        def on_read(path, name):
            if (path, name) == (RUN, "State") and not done:
                done.append(True)
                action()
        self.agent.on_read = on_read

    def end_run(self, state="done", **more):
        self.agent.put(RUN, OPERATION, State=state, Steps=steps("key", "new-order", "save"), **more)
        self.agent.emit(RUN, OPERATION, "Finished", GLib.Variant("(bss)", (state == "done", "", "")))
