#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every method as somebody new would get it wrong: wrong types, wrong values, names and objects that are not there.
Each error has the right name, and says what it is about and what to do next.

  test-errors.py BUS-AGENT"""

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
from agent import PROPERTIES, ROOT, Agent, Client, Failed, GLib  # noqa: E402

PROGRAM = [sys.argv.pop(1)]
CONFIGURATION = """
[issuer default]
directory-url = https://ca.test/dir

[certificate declared]
identifiers = declared.example
deliver =

[target files]
adapter = files
path = /nonexistent
"""
LONG = "n" * 65
URL = "https://two.test/dir"
# What the next step is said with: another thing to do, what there is, or what it should be.
NEXT = re.compile(r"; |\(.+\)|should be|allowed|there are|at least")


def variant(value):
    """Words and lists of them as the vocabulary has them; numbers and truths as a client would send them."""
    kind = {str: "s", list: "as", bool: "b", int: "t"}[type(value)]
    return GLib.Variant(kind, value)


def wish(**keys):
    return {key.replace("_", "-"): variant(value) for key, value in keys.items()}


def request(name, **keys):
    return (name, wish(**{"identifiers": ["a.example"], **keys}))


def methods():
    """"Interface.Method" → the signature of its arguments, of all that there are."""
    found = {}
    for file in glob.glob(os.path.join(SOURCE, "data", "dbus", "org.certherd.*1.xml")):
        for interface in ElementTree.parse(file).iter("interface"):
            for method in interface.iter("method"):
                types = [arg.get("type") for arg in method.iter("arg") if arg.get("direction") == "in"]
                found[f"{interface.get('name').rsplit('.', 1)[1]}.{method.get('name')}"] = f"({''.join(types)})"
    return found


class Errors(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.agent = Agent(PROGRAM, CONFIGURATION)
        cls.client = Client(cls.agent.bus)
        cls.methods = methods()
        cls.web = cls.issue("web")
        cls.held, cls.holding = cls.client.request("held", ["hold.example"], deliver=[])
        cls.issuer = cls.client.agent("GetIssuer", "(s)", "default")
        cls.target = cls.client.agent("Subscribe", "(asa{sv})", ["web", "held"], wish(target="server"))
        cls.observer = cls.client.agent("Subscribe", "(asa{sv})", ["*"], {})
        cls.objects = {"Agent1": ROOT, "Certificate1": cls.web, "Issuer1": cls.issuer, "Operation1": cls.holding,
                       "Subscription1": cls.target}

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        cls.agent.clean()

    @classmethod
    def issue(cls, name):
        path, operation = cls.client.request(name, [name + ".example"], deliver=[])
        cls.client.finished(operation)
        return path

    def fails(self, error, things, path, member, arguments=(), signature=None):
        """The call fails so; all of THINGS, and what to do, are in its message."""
        with self.subTest(f"{member} {arguments}"):
            with self.assertRaises(Failed) as caught:
                self.client.call(path, member, signature or self.methods[member], *arguments)
            said = caught.exception
            self.assertEqual(said.name, error, said.message)
            for thing in things:
                self.assertIn(thing, said.message)
            if not error.startswith("org.freedesktop."):
                self.assertRegex(said.message, NEXT)
            self.assertLess(len(said.message), 600)
            self.assertTrue(said.message.isprintable(), said.message)

    def refused(self, member, *cases, path=None):
        """CASES: what is named, and the arguments; all are InvalidArgument."""
        for thing, *arguments in cases:
            self.fails("InvalidArgument", [thing], path or self.objects[member.split(".")[0]], member, arguments)

    def test_types(self):
        "arguments of other types: InvalidArgs, with the types that were given and that are wanted"
        for member, signature in self.methods.items():
            wrong, given = (("(s)", ("x",)) if signature == "()" else ("(u)", (1,)))
            self.fails("org.freedesktop.DBus.Error.InvalidArgs", [wrong, signature],
                       self.objects[member.split(".")[0]], member, given, wrong)

    def test_missing(self):
        "every method, and every property, of an object that was removed or never was: NotFound, with its path"
        removed = self.issue("removed")
        self.client.call(removed, "Certificate1.Remove", "(a{sv})", {})
        issuer = self.client.agent("AddIssuer", "(sa{sv})", "removed", wish(directory_url=URL))
        self.client.call(issuer, "Issuer1.Remove")
        subscription = self.client.agent("Subscribe", "(asa{sv})", ["*"], {})
        self.client.call(subscription, "Subscription1.Close")
        some = {"Certificate1": "Name", "Issuer1": "Name", "Operation1": "State", "Subscription1": "Patterns"}
        empty = {"(a{sv})": ({},), "(a{sv}as)": ({}, []), "(otbs)": (self.web, 1, True, ""), "()": (), "(as)": ([],),
                 "(ha{sv})": (0, {})}
        for noun, gone in (("Certificate1", removed), ("Issuer1", issuer), ("Operation1", None), ("Subscription1", subscription)):
            folder = f"{ROOT}/{noun[:-1].lower()}"
            for path in [p for p in (gone, *(f"{folder}/{last}" for last in ("0", "x", "999999", "18446744073709551616"))) if p]:
                for member, signature in self.methods.items():
                    if member.startswith(noun):
                        self.fails("NotFound", [path, noun[:-1].lower()], path, member, empty[signature])
                for member, arguments in (("GetAll", ("org.certherd." + noun,)), ("Get", ("org.certherd." + noun, some[noun]))):
                    with self.assertRaises(Failed) as caught:
                        self.client.call_raw(path, PROPERTIES, member, GLib.Variant(f"({'s' * len(arguments)})", arguments))
                    self.assertIn(path, caught.exception.message)
                reply = self.client.call_raw(path, "org.freedesktop.DBus.Introspectable", "Introspect")
                self.assertNotIn("org.certherd", reply[0].unpack()[0])

    def test_names(self):
        "names that nobody has, or could have"
        for member in ("Agent1.GetCertificate", "Agent1.GetIssuer"):
            self.fails("NotFound", ["“nobody”", "list"], ROOT, member, ("nobody",))
            self.fails("NotFound", ["“a\\nb”"], ROOT, member, ("a\nb",))
        for name in ("", "../x", "A", "a b", LONG, "a.", "a\nb"):
            shown = name.replace("\n", "\\n")
            self.refused("Agent1.RequestCertificate", (f'certificate\'s name "{shown}"', *request(name)))
            self.refused("Agent1.AddIssuer", (f'issuer\'s name "{shown}"', name, wish(directory_url=URL)))
            self.refused("Agent1.Subscribe", (f'target\'s name "{shown}"', ["*"], wish(target=name)))

    def test_request(self):
        "RequestCertificate: each key with a value that it cannot have"
        self.refused(
            "Agent1.RequestCertificate",
            ("identifiers", "new", {}), ("identifiers", *request("new", identifiers=[])),
            ("identifiers", *request("new", identifiers="a.example")), ('"bad id"', *request("new", identifiers=["bad id"])),
            ('"color"', *request("new", color="red")), ('"dsa"', *request("new", key_type="dsa")),
            ('renew: "soon"', *request("new", renew="soon")), ('"b.example"', *request("new", common_name="b.example")),
            ('readers: "a b"', *request("new", readers=["a b"])), ("country", *request("new", country="AUT")))
        for key, noun in (("issuer", "issuer"), ("challenge", "solver"), ("deliver", "target")):
            self.fails("NotFound", [f"no {noun} nobody"], ROOT, "Agent1.RequestCertificate", request("new", **{key: ["nobody"]}))
        self.fails("Exists", ["certificate declared", "configuration"], ROOT, "Agent1.RequestCertificate", request("declared"))
        self.fails("Exists", ["certificate web", "deliver, identifiers", "Modify"], ROOT, "Agent1.RequestCertificate",
                   request("web"))
        with self.assertRaises(Failed):
            self.client.agent("GetCertificate", "(s)", "new")

    def test_issuers(self):
        "AddIssuer, Register, Remove: each setting with a value that it cannot have"
        self.refused(
            "Agent1.AddIssuer", ("issuer two: it has neither preset nor directory-url", "two", {}),
            ('"http://two.test/dir"', "two", wish(directory_url="http://two.test/dir")),
            ("directory-url", "two", wish(directory_url=["a"])), ('"color"', "two", wish(directory_url=URL, color="red")),
            ("trust", "two", wish(directory_url=URL, trust="/etc/ssl/ca.pem")),
            ('contact: "nobody"', "two", wish(directory_url=URL, contact=["nobody"])),
            ('kind: "local"', "two", wish(directory_url=URL, kind="local")))
        self.fails("Exists", ["issuer default"], ROOT, "Agent1.AddIssuer", ("default", wish(directory_url=URL)))
        self.refused(
            "Issuer1.Register", ("Register: there is no option “color”", wish(color="red")), ("“contacts” of type s", wish(contacts="a")),
            ('contact: "a b"', wish(contacts=["a b"])), ('agree-terms: "maybe"', wish(agree_terms="maybe")))
        self.fails("Refused", ["issuer default", "configuration"], self.issuer, "Issuer1.Remove")

    def test_lists(self):
        "ListCertificates: filters and limits that there are not"
        self.refused(
            "Agent1.ListCertificates",
            ("limit 0", {}, "", 0), ("limit 501", {}, "", 501), ("“color”", wish(color="red"), "", 1),
            ("“a\\nb”", wish(**{"a\nb": "red"}), "", 1), ("filter owner", wish(owner="root"), "", 1),
            ("filter state: there is no “vald”; there are none, valid, expired", wish(state="vald"), "", 1),
            ("filter activity: there is no “busy”; there are idle", wish(activity="busy"), "", 1), ("filter state", wish(state=["a"]), "", 1))

    def test_subscriptions(self):
        "Subscribe, Acknowledge, Close: what cannot be subscribed to or acknowledged"
        self.refused(
            "Agent1.Subscribe",
            ("patterns", [], {}), ("patterns", ["*"] * 65, {}), ('"A b"', ["A b"], {}), ("“color”", ["*"], wish(color="red")),
            ("“target” of type b", ["*"], wish(target=True)), ("target files", ["web*"], wish(target="files")))
        self.fails("Busy", [":server"], ROOT, "Agent1.Subscribe", (["*"], wish(target="server")))
        member = "Subscription1.Acknowledge"
        self.fails("InvalidArgument", [self.observer.rsplit("/", 1)[1], "target"], self.observer, member, (self.web, 1, True, ""))
        self.refused(member, ("/ is no certificate", "/", 1, True, ""), (self.issuer, self.issuer, 1, True, ""))
        for thing, path, generation in (("certificate 999999", ROOT + "/certificate/999999", 1), ("certificate held", self.held, 1),
                                        ("generation 9 of certificate web", self.web, 9)):
            self.fails("NotFound", [thing, ":server"], self.target, member, (path, generation, True, ""))
        self.client.call(self.target, member, self.methods[member], self.web, 1, True, "")
        self.fails("Refused", ["certificate web", "applied"], self.target, member, (self.web, 1, False, ""))
        other = Client(self.agent.bus)
        self.addCleanup(other.close)
        with self.assertRaisesRegex(Failed, f"subscription {self.target.rsplit('/', 1)[1]} belongs to another"):
            other.call(self.target, "Subscription1.Close")

    def test_certificates(self):
        "Renew, Modify, Remove, OpenChain, OpenBundle: options and keys that there are not"
        for member in ("Renew", "Remove", "OpenChain", "OpenBundle"):
            self.refused("Certificate1." + member, (f"{member}: there is no option “color”", wish(color="red")))
        self.refused("Certificate1.Renew", ("“force” of type s", wish(force="yes")))
        for member in ("Certificate1.OpenChain", "Certificate1.OpenBundle"):
            self.fails("NotFound", ["certificate web", "generation 7"], self.web, member, (wish(generation=7),))
            self.fails("NotFound", ["certificate held"], self.held, member, ({},))
        self.refused(
            "Certificate1.Modify",
            ('"color"', wish(color="red"), []), ('"color"', {}, ["color"]), ("identifiers", {}, ["identifiers"]),
            ("deliver", wish(deliver="live"), []), ("key-type: is both", wish(key_type="ed25519"), ["key-type"]))
        self.fails("NotFound", ["target nobody"], self.web, "Certificate1.Modify", (wish(deliver=["nobody"]), []))
        declared = self.client.agent("GetCertificate", "(s)", "declared")
        for member, arguments in (("Modify", ({}, ["key-type"])), ("Remove", ({},))):
            self.fails("Refused", ["certificate declared", "certherd.conf, line 5"], declared, "Certificate1." + member, arguments)

    def test_waiting(self):
        "Renew before a back-off has ended, Cancel after the end"
        limited, operation = self.client.request("limited", ["limit.example"], deliver=[])
        self.client.finished(operation)
        self.fails("RateLimited", ["certificate limited", "force"], limited, "Certificate1.Renew", ({},))
        self.fails("NotFound", ["operation " + operation.rsplit("/", 1)[1]], operation, "Operation1.Cancel")


class Configuration(unittest.TestCase):
    ISSUERS = "[issuer first]\ndirectory-url = https://one.test/\n[issuer second]\ndirectory-url = https://two.test/\n"

    def test_issuer(self):
        "a declared certificate that leaves open which issuer is reported at each reload, until it is said or issued"
        agent = Agent(PROGRAM, "")
        self.addCleanup(agent.clean)
        client = Client(agent.bus)
        self.addCleanup(client.close)
        section = "[certificate web]\nidentifiers = web.example\ndeliver =\n"
        agent.configure(self.ISSUERS + section)
        for _ in range(2):
            problem, = client.agent("Reload")
            self.assertEqual((problem["file"], problem["line"]), (os.path.join(agent.config, "certherd.conf"), 5))
            for thing in ("[certificate web]", "issuer", "first, second", "default", "name one"):
                self.assertIn(thing, problem["message"])
            with self.assertRaises(Failed):
                client.agent("GetCertificate", "(s)", "web")
        agent.configure(self.ISSUERS + section + "issuer = second\n")
        self.assertEqual(client.agent("Reload"), [])
        path = client.agent("GetCertificate", "(s)", "web")
        client.wait(lambda: any(s[2] == "CertificateUpdated" and s[3][0] == path for s in client.signals), "the certificate")
        # Its issuer is known from now on.
        agent.configure(self.ISSUERS + section)
        self.assertEqual(client.agent("Reload"), [])


tap.main()
