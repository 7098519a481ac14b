#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every member of every interface, on the real agent: what it gives, and what it refuses.

  test-members.py BUS-AGENT"""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap  # noqa: E402
from agent import ROOT, Agent, Client, Failed, Gio, GLib  # noqa: E402

PROGRAM = [sys.argv.pop(1)]
CONFIGURATION = """
[issuer default]
directory-url = https://ca.test/dir
"""
F_GET_SEALS, ALL_SEALS = 1034, 0xF


class Members(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.agent = Agent(PROGRAM, CONFIGURATION)
        cls.client = Client(cls.agent.bus)

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        cls.agent.clean()

    def issue(self, name, identifiers=None, **spec):
        certificate, operation = self.client.request(name, identifiers or [name + ".example"], deliver=[], **spec)
        state = self.client.finished(operation)
        self.assertEqual(state["State"], "done", state["ErrorMessage"])
        return certificate

    def fails(self, name, function, *arguments):
        with self.assertRaises(Failed) as caught:
            function(*arguments)
        self.assertEqual(caught.exception.name, name, caught.exception.message)
        return caught.exception.message

    def test_agent_properties(self):
        "Agent1: every property has its type and a value"
        values = self.client.get(ROOT, "Agent1")
        self.assertEqual(set(values), {
            "Version", "Features", "AtRest", "Plugins", "Certificates", "ByState", "NextActionTime", "NextAction",
            "NextActionObject", "Attentions"})
        self.assertIn("session", values["Features"])
        self.assertEqual(values["AtRest"], "none")
        self.assertEqual([p["name"] for p in values["Plugins"]], ["http-01"])

    def test_certificate_properties(self):
        "Certificate1: the properties after an issuance"
        path = self.issue("properties", ["b.properties.example", "a.properties.example"])
        values = self.client.get(path, "Certificate1")
        self.assertEqual(len(values), 25)
        self.assertEqual(values["Name"], "properties")
        self.assertEqual(values["Owner"], os.getuid())
        self.assertEqual(values["Origin"], "bus")
        self.assertEqual(sorted(values["Identifiers"]), ["a.properties.example", "b.properties.example"])
        self.assertEqual(values["State"], "valid")
        self.assertEqual(values["Activity"], "idle")
        self.assertEqual(values["Operation"], "/")
        self.assertEqual(values["Generation"], 1)
        self.assertEqual(values["Generations"][0]["fingerprint"], values["Fingerprint"])
        self.assertEqual(len(values["Fingerprint"]), 64)
        self.assertLess(values["NotBefore"], values["NotAfter"])
        self.assertEqual(values["NextAction"], "renew")
        self.assertGreater(values["NextActionTime"], values["NotBefore"])
        self.assertNotEqual(values["NextActionReason"], "")
        self.assertEqual(values["LastError"], "")
        self.assertEqual(self.client.agent("GetCertificate", "(s)", "properties"), path)
        issuers = values["Issuers"]
        self.assertEqual(issuers, [self.client.agent("GetIssuer", "(s)", "default")])

    def test_names_not_found(self):
        "GetCertificate, GetIssuer: an unknown name is NotFound"
        for member in ("GetCertificate", "GetIssuer"):
            with self.assertRaises(Failed) as caught:
                self.client.agent(member, "(s)", "not\nhing")
            self.assertEqual(caught.exception.name, "NotFound")
            self.assertIn("“not\\nhing”", caught.exception.message)
            self.assertIn("list", caught.exception.message)

    def test_objects_not_there(self):
        "Objects that are not there have no members"
        for noun, member in (("certificate", "Certificate1.Retry"), ("operation", "Operation1.Cancel"),
                             ("issuer", "Issuer1.Remove"), ("subscription", "Subscription1.Close")):
            for last in ("999999", "0", "-1", "x", "18446744073709551616"):
                if last == "-1":
                    continue  # not a valid object path
                with self.assertRaises(Failed):
                    self.client.call(f"{ROOT}/{noun}/{last}", member)

    def test_open_chain(self):
        "OpenChain: a sealed memfd that cannot be written, and the facts"
        path = self.issue("chain")
        reply, fds = self.client.call_raw(path, "org.certherd.Certificate1", "OpenChain",
                                          GLib.Variant("(a{sv})", ({},)))
        generation, handle, facts = reply.unpack()
        self.assertEqual(generation, 1)
        self.assertEqual(facts["fingerprint"], self.client.get(path, "Certificate1")["Fingerprint"])
        fd = fds.steal_fds()[handle]
        self.check_sealed(fd)
        self.assertTrue(os.pread(fd, 100, 0).startswith(b"-----BEGIN CERTIFICATE-----\n"))
        os.close(fd)

    def check_sealed(self, fd):
        import fcntl
        self.assertEqual(fcntl.fcntl(fd, F_GET_SEALS), ALL_SEALS)
        with self.assertRaises(OSError):
            os.write(fd, b"x")

    def test_open_bundle(self):
        "OpenBundle: chain and key fit together, and the key is in no property"
        import ssl
        import tempfile
        path = self.issue("bundle")
        reply, fds = self.client.call_raw(path, "org.certherd.Certificate1", "OpenBundle",
                                          GLib.Variant("(a{sv})", ({},)))
        chain, key = fds.steal_fds()
        self.check_sealed(key)
        with tempfile.NamedTemporaryFile() as pem:
            pem.write(os.pread(key, 65536, 0) + os.pread(chain, 65536, 0))
            pem.flush()
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(pem.name)
        self.assertNotIn("PRIVATE", str(self.client.get(path, "Certificate1")))
        os.close(chain)
        os.close(key)

    def test_open_missing(self):
        "OpenBundle: no generation, another generation, unknown options"
        certificate, _ = self.client.request("held", ["hold.example"], deliver=[])
        self.fails("NotFound", self.client.call, certificate, "Certificate1.OpenChain", "(a{sv})", {})
        path = self.issue("opened")
        other = {"generation": GLib.Variant("t", 7)}
        self.fails("NotFound", self.client.call, path, "Certificate1.OpenChain", "(a{sv})", other)
        for options in ({"generation": GLib.Variant("s", "1")}, {"path": GLib.Variant("s", "/etc")}):
            self.fails("InvalidArgument", self.client.call, path, "Certificate1.OpenBundle", "(a{sv})", options)
        self.client.call(certificate, "Certificate1.Remove", "(a{sv})", {})

    def test_get_spec(self):
        "GetSpec: the explicit keys, in normal form"
        path = self.issue("spec", ["MÜNCHEN.Example."], key_type="ecdsa-p384")
        spec = self.client.call(path, "Certificate1.GetSpec")
        self.assertEqual(spec, {"identifiers": ["xn--mnchen-3ya.example"], "key-type": "ecdsa-p384",
                                "deliver": []})

    def test_list(self):
        "ListCertificates: pages in order of names, filters, limits"
        for number in range(5):
            self.issue(f"list-{number}")
        kept = {"identifier": GLib.Variant("s", "list-*.example")}
        rows, after = self.client.agent("ListCertificates", "(a{sv}su)", kept, "", 2)
        names = [row[1] for row in rows]
        while after:
            rows, after = self.client.agent("ListCertificates", "(a{sv}su)", kept, after, 2)
            names += [row[1] for row in rows]
        self.assertEqual(names, [f"list-{number}" for number in range(5)])
        row = self.client.agent("ListCertificates", "(a{sv}su)", kept, "list-3", 500)[0][0]
        self.assertEqual(row[1:5], ("list-4", "valid", "idle", ["list-4.example"]))
        self.assertEqual(row[7:], ("renew", 1))
        for limit in (0, 501):
            self.fails("InvalidArgument", self.client.agent, "ListCertificates", "(a{sv}su)", {}, "", limit)
        for bad in ({"color": GLib.Variant("s", "red")}, {"owner": GLib.Variant("s", "me")}):
            message = self.fails("InvalidArgument", self.client.agent, "ListCertificates", "(a{sv}su)", bad, "", 1)
            self.assertIn("owner", message)
        nothing = {"state": GLib.Variant("s", "expired")}
        self.assertEqual(self.client.agent("ListCertificates", "(a{sv}su)", nothing, "", 10), ([], ""))

    def test_issuers(self):
        "AddIssuer, ListIssuers, Issuer1: add, show, refuse, remove"
        settings = {"directory-url": GLib.Variant("s", "https://two.test/dir")}
        path = self.client.agent("AddIssuer", "(sa{sv})", "two", settings)
        values = self.client.get(path, "Issuer1")
        self.assertEqual(len(values), 14)
        self.assertEqual(values["DirectoryUrl"], "https://two.test/dir")
        self.assertEqual({i["name"]: i["origin"] for i in self.client.agent("ListIssuers")},
                         {"default": "file", "two": "bus"})
        self.fails("Exists", self.client.agent, "AddIssuer", "(sa{sv})", "two", settings)
        bad = {"directory-url": GLib.Variant("s", "http://two.test/dir")}
        self.assertIn("https", self.fails("InvalidArgument", self.client.agent, "AddIssuer", "(sa{sv})", "x", bad))
        used = self.issue("uses-two", issuer=["two"])
        self.assertIn("uses-two", self.fails("Busy", self.client.call, path, "Issuer1.Remove"))
        self.client.call(used, "Certificate1.Remove", "(a{sv})", {})
        self.client.call(path, "Issuer1.Remove")
        self.fails("NotFound", self.client.agent, "GetIssuer", "(s)", "two")
        declared = self.client.agent("GetIssuer", "(s)", "default")
        self.fails("Refused", self.client.call, declared, "Issuer1.Remove")

    def test_object_manager(self):
        "ObjectManager: GetManagedObjects has every object, signals come and go"
        before = len(self.client.signals)
        path = self.issue("managed")
        reply = self.client.call_raw(ROOT, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects")
        self.assertIn(path, reply[0].unpack()[0])
        self.client.call(path, "Certificate1.Remove", "(a{sv})", {})
        self.client.drain()
        seen = [(s[2], s[3][0]) for s in self.client.signals[before:] if s[1] == "ObjectManager"]
        self.assertIn(("InterfacesAdded", path), seen)
        self.assertIn(("InterfacesRemoved", path), seen)

    def test_property_changes(self):
        "A GDBusProxy sees every property change over a renewal"
        path = self.issue("proxy")
        proxy = Gio.DBusProxy.new_sync(self.client.connection, Gio.DBusProxyFlags.NONE, None, "org.certherd.Agent1",
                                       path, "org.certherd.Certificate1", None)
        changed = set()
        proxy.connect("g-properties-changed", lambda p, values, gone: changed.update(values.unpack()))
        old = proxy.get_cached_property("Serial").unpack()
        operation = self.client.call(path, "Certificate1.Renew", "(a{sv})", {})
        self.client.finished(operation)
        self.client.drain()
        current = self.client.get(path, "Certificate1")
        self.assertNotEqual(current["Serial"], old)
        for name, value in current.items():
            self.assertEqual(proxy.get_cached_property(name).unpack(), value, name)
        self.assertLessEqual({"Generation", "Serial", "Fingerprint", "Generations", "NextActionTime"}, changed)
        self.assertNotIn("Name", changed)

    def test_updated_signal(self):
        "CertificateUpdated: after the properties say so"
        before = len(self.client.signals)
        path = self.issue("updated")
        self.client.drain()
        mine = [s for s in self.client.signals[before:] if s[2] == "CertificateUpdated" and s[3][0] == path]
        self.assertEqual([s[3][1:3] for s in mine], [("updated", 1)])
        self.assertEqual(mine[0][3][3], self.client.get(path, "Certificate1")["Fingerprint"])

    def test_introspection(self):
        "Introspection: busctl and gdbus find the objects' interfaces"
        path = self.issue("introspected")
        for where, interface in ((ROOT, "Agent1"), (path, "Certificate1")):
            reply = self.client.call_raw(where, "org.freedesktop.DBus.Introspectable", "Introspect")
            self.assertIn(f"org.certherd.{interface}", reply[0].unpack()[0])


tap.main()
