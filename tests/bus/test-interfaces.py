#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The interfaces as the agent exports them: these members and no other, each documented where it is
defined, and every change of a property told.

  test-interfaces.py BUS-AGENT"""

import glob
import os
import re
import sys
import unittest
import xml.etree.ElementTree as ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.normpath(os.path.join(HERE, "..", ".."))
sys.path.insert(0, os.path.join(SOURCE, "tests", "lib"))
import tap  # noqa: E402
from agent import ROOT, Agent, Client, Gio, GLib  # noqa: E402

PROGRAM = [sys.argv.pop(1)]
CONFIGURATION = """
[issuer default]
directory-url = https://ca.test/dir
"""
# interface: methods with their types, properties with theirs, signals with theirs.
MEMBERS = {
    "Agent1": (
        {"RequestCertificate": "sa{sv} oo", "GetCertificate": "s o", "GetIssuer": "s o", "ListIssuers": " aa{sv}",
         "ListPresets": " aa{sv}", "AddIssuer": "sa{sv} o", "ListCertificates": "a{sv}su a(osssasxxst)s", "Subscribe": "asa{sv} o",
         "Preflight": "a{sv} o", "Reload": " aa{sv}"},
        {"Version": "s", "Features": "as", "AtRest": "s", "Plugins": "aa{sv}", "Certificates": "u", "ByState": "a{su}",
         "NextActionTime": "x", "NextAction": "s", "NextActionObject": "o", "Attentions": "aa{sv}"},
        {"CertificateUpdated": "osts", "Attention": "osss"}),
    "Certificate1": (
        {"Renew": "a{sv} o", "Modify": "a{sv}as o", "Revoke": "a{sv} o", "Remove": "a{sv} ", "Retry": " ", "OpenChain": "a{sv} tha{sv}",
         "OpenBundle": "a{sv} thha{sv}", "GetSpec": " a{sv}", "Explain": " a{sv}"},
        {"Name": "s", "Owner": "u", "Origin": "s", "Identifiers": "as", "Issuers": "ao", "Backoffs": "aa{sv}",
         "KeyType": "s", "Profile": "s",
         "State": "s", "Activity": "s", "Operation": "o", "Generation": "t", "Generations": "aa{sv}", "Serial": "s",
         "Fingerprint": "s", "NotBefore": "x", "NotAfter": "x", "IssuedBy": "s", "NextAction": "s", "NextActionTime": "x",
         "NextActionReason": "s", "LastError": "s", "LastErrorTime": "x", "LastErrorMessage": "s", "Deliveries": "aa{sv}"},
        {}),
    "Operation1": (
        {"Cancel": " "},
        {"Kind": "s", "Object": "o", "State": "s", "Step": "s", "Progress": "d", "Steps": "aa{sv}", "Error": "s",
         "ErrorMessage": "s", "Result": "a{sv}"},
        {"Finished": "bss"}),
    "Issuer1": (
        {"Register": "a{sv} o", "SetContacts": "as o", "RollKey": " o", "Deactivate": " o", "ImportAccount": "ha{sv} o",
         "Remove": " "},
        {"Name": "s", "Kind": "s", "Status": "s", "DirectoryUrl": "s", "AccountUrl": "s", "TermsUrl": "s", "Contacts": "as",
         "Profiles": "a{ss}", "Capabilities": "as", "CaaRecord": "s", "LastError": "s", "LastErrorMessage": "s", "RetryAt": "x",
         "Budget": "aa{sv}"},
        {}),
    "Subscription1": (
        {"Acknowledge": "otbs ", "Close": " "}, {"Patterns": "as"}, {"Updated": "ost"}),
}
STANDARD = {"org.freedesktop.DBus.Properties", "org.freedesktop.DBus.Introspectable", "org.freedesktop.DBus.Peer"}


def signature(member, direction):
    return "".join(arg.get("type") for arg in member.findall("arg") if arg.get("direction", "out") == direction)


def describe(interface):
    return ({m.get("name"): signature(m, "in") + " " + signature(m, "out") for m in interface.findall("method")},
            {p.get("name"): p.get("type") for p in interface.findall("property")},
            {s.get("name"): signature(s, "out") for s in interface.findall("signal")})


class Case(unittest.TestCase):
    def setUp(self):
        self.agent = Agent(PROGRAM, CONFIGURATION)
        self.client = Client(self.agent.bus)

    def tearDown(self):
        self.client.close()
        self.agent.clean()


class Members(Case):
    def test_members(self):
        "every interface has its members, with their types, and no other"
        path, operation = self.client.request("web", ["www.example"], deliver=[])
        subscription = self.client.agent("Subscribe", "(asa{sv})", ["*"], {})
        issuer = self.client.agent("GetIssuer", "(s)", "default")
        objects = {"Agent1": ROOT, "Certificate1": path, "Operation1": operation, "Issuer1": issuer,
                   "Subscription1": subscription}
        for name, where in objects.items():
            with self.subTest(name):
                reply = self.client.call_raw(where, "org.freedesktop.DBus.Introspectable", "Introspect")
                node = ElementTree.fromstring(reply[0].unpack()[0])
                found = {i.get("name"): i for i in node.findall("interface") if i.get("name") not in STANDARD}
                manager = {"org.freedesktop.DBus.ObjectManager"} if name == "Agent1" else set()
                self.assertEqual(set(found), {"org.certherd." + name} | manager)
                self.assertEqual(describe(found["org.certherd." + name]), MEMBERS[name])
                self.assertEqual(set(self.client.get(where, name)), set(MEMBERS[name][1]))
        self.assertEqual({os.path.basename(file) for file in glob.glob(os.path.join(SOURCE, "data", "dbus", "*.xml"))},
                         {f"org.certherd.{name}.xml" for name in MEMBERS})

    def test_documentation(self):
        "every member is documented right before it is defined; times and fields say their units"
        for name, (methods, properties, signals) in MEMBERS.items():
            with open(os.path.join(SOURCE, "data", "dbus", f"org.certherd.{name}.xml")) as file:
                text = file.read()
            for kind, members in (("method", methods), ("property", properties), ("signal", signals)):
                for member, types in members.items():
                    with self.subTest(f"{name}.{member}"):
                        match = re.search(rf'<!--((?:(?!-->).)*)-->\s*<{kind} name="{member}"', text, flags=re.S)
                        self.assertIsNotNone(match, "no comment before it")
                        comment = match[1]
                        if kind == "property" and types == "x":
                            self.assertIn("econds since the epoch", comment)
                            self.assertIn("0 =", comment)
                        if "a{sv}" in types and kind != "method":
                            self.assertRegex(comment, r"[a-z-]+ [a-z]+[,;. (]")  # its fields, with types


class Changes(Case):
    def proxy(self, path, interface, seen):
        """A proxy of an object; every change is kept, by property, in order."""
        def changed(proxy, values, invalidated):
            self.assertEqual(invalidated, [])
            for name, value in values.unpack().items():
                seen.setdefault(name, []).append(value)

        proxy = Gio.DBusProxy.new_sync(self.client.connection, Gio.DBusProxyFlags.NONE, None, "org.certherd.Agent1",
                                       path, "org.certherd." + interface, None)
        proxy.connect("g-properties-changed", changed)
        return proxy

    def check(self, proxy, path, interface):
        """What a proxy has heard is what there is."""
        self.client.drain()
        for name, value in self.client.get(path, interface).items():
            self.assertEqual(proxy.get_cached_property(name).unpack(), value, f"{interface}.{name}")

    def test_renewal(self):
        "proxies see every property change over a renewal that a target acknowledges"
        path, operation = self.client.request("web", ["www.example"], deliver=[])
        self.client.finished(operation)
        subscription = self.client.agent("Subscribe", "(asa{sv})", ["*"], {"target": GLib.Variant("s", "server")})
        self.client.call(subscription, "Subscription1.Acknowledge", "(otbs)", path, 1, True, "")
        certificate_seen, operation_seen, agent_seen = {}, {}, {}
        certificate = self.proxy(path, "Certificate1", certificate_seen)
        root = self.proxy(ROOT, "Agent1", agent_seen)
        before = self.client.get(path, "Certificate1")
        renewal = self.client.call(path, "Certificate1.Renew", "(a{sv})", {})
        run = self.proxy(renewal, "Operation1", operation_seen)
        self.client.wait(lambda: any(s[2] == "Updated" and s[3] == (path, "web", 2) for s in self.client.signals), "Updated")
        self.check(certificate, path, "Certificate1")
        self.client.wait(lambda: run.get_cached_property("Step").unpack() == "deliver", "the last step")
        self.check(run, renewal, "Operation1")
        self.client.call(subscription, "Subscription1.Acknowledge", "(otbs)", path, 2, True, "proved: yes")
        self.assertEqual(self.client.finished(renewal)["State"], "done")
        for proxy, where, interface in ((certificate, path, "Certificate1"), (run, renewal, "Operation1"), (root, ROOT, "Agent1")):
            self.check(proxy, where, interface)
        after = self.client.get(path, "Certificate1")
        different = {name for name in after if after[name] != before[name]}
        self.assertLessEqual({"Generation", "Generations", "Serial", "Fingerprint", "Deliveries"}, different)
        self.assertLessEqual(different, set(certificate_seen))
        # What came and went: the operation, the work, the way of the delivery, to its proof.
        self.assertEqual(certificate_seen["Operation"], [renewal, "/"])
        self.assertEqual(certificate_seen["Activity"][0], "issuing")
        self.assertEqual(certificate_seen["Activity"][-1], "idle")
        self.assertEqual([(d["state"], d["wanted"], d["proved"]) for (d,) in certificate_seen["Deliveries"]][-1], ("applied", 2, 2))
        self.assertIn("installing", [d["state"] for (d,) in certificate_seen["Deliveries"]])
        # It may have been read before it was told to be there, and had changed by then: then all of it is told once.
        self.assertIn(operation_seen["State"], (["done"], ["running", "done"]))
        self.assertEqual(operation_seen["Result"], [{"generation": 2}])
        self.assertEqual(operation_seen["Progress"], sorted(operation_seen["Progress"]))
        # What cannot change is not told of.
        for name in ("Name", "Owner", "Origin", "Identifiers", "KeyType", "State"):
            self.assertNotIn(name, certificate_seen)

    def test_steps(self):
        "the steps of a quick operation are not told one by one, and its end is told at once"
        _, operation = self.client.request("web", ["www.example"], deliver=[])
        state = self.client.finished(operation)
        self.client.drain()
        told = [s for s in self.client.signals if s[0] == operation]
        self.assertEqual([s[2] for s in told[-2:]], ["PropertiesChanged", "Finished"])
        self.assertEqual(told[-2][3][1]["Steps"], state["Steps"])
        self.assertLess(len(told), len(state["Steps"]))

    def test_issuer(self):
        "a proxy sees an issuer change when its file does, even one that was there before it was told to be"
        seen = {}
        path = self.client.agent("GetIssuer", "(s)", "default")
        issuer = self.proxy(path, "Issuer1", seen)
        self.agent.configure(CONFIGURATION.replace("/dir", "/other"))
        self.assertEqual(self.client.agent("Reload"), [])
        self.client.wait(lambda: "DirectoryUrl" in seen, "the change")  # it may come after the reply
        self.check(issuer, path, "Issuer1")
        self.assertEqual(seen["DirectoryUrl"], ["https://ca.test/other"])


tap.main()
