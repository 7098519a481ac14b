#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What polkit's rules see of a call, and decide by: the real dbus-daemon and polkitd, rules of the test's own that
allow one set of details, and callers who ask for others.

  test-polkit-details.py BUS-AGENT"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
from agent import GLib  # noqa: E402
from rights import ALLOW_ALL, INTERACTION, Case, main, rule, variants  # noqa: E402


class Details(Case):
    def test_details(self):
        "a rule sees every detail"
        wanted = {"certificate": "web", "identifiers": "a.example b.example", "owner": str(self.www.uid),
                  "caller-is-owner": "true", "issuer": "default", "targets": "live", "readers": "www"}
        self.allow_details("request", wanted)
        self.fails("NotAuthorized", self.www.request, "web", ["a.example"], readers=["www"])
        self.fails("NotAuthorized", self.www.request, "other", ["a.example", "b.example"], readers=["www"])
        self.fails("NotAuthorized", self.www.request, "web", ["a.example", "b.example"], readers=["www"], deliver=[])
        self.fails("NotAuthorized", self.www.request, "web", ["a.example", "b.example"])
        # The issuer and the target are what they will be, said or not.
        path, _ = self.www.request("web", ["a.example", "b.example"], readers=["www"])
        self.assertEqual(self.root.get(path, "Certificate1")["Owner"], self.www.uid)

    def allow_details(self, action, wanted):
        """Rules that allow ACTION with these details, and nothing else."""
        checks = "".join(f' && action.lookup("{key}") == "{value}"' for key, value in wanted.items())
        self.restart_polkit(rule(f'if (action.id == "org.certherd.{action}"{checks}) return polkit.Result.YES;'
                                 'return polkit.Result.NO;'))

    def test_details_of_change(self):
        "a rule sees what a certificate is and what Modify would make of it"
        path, _ = self.root.request("web", ["hold.example"], deliver=["closed"], readers=["other"])
        wanted = {"certificate": "web", "identifiers": "hold.example new.example", "owner": "0", "targets": "closed live",
                  "caller-is-owner": "false", "issuer": "default", "readers": "other www"}
        self.allow_details("manage", wanted)
        change = variants(identifiers=["new.example"], readers=["www"])
        self.fails("NotAuthorized", self.www.call, path, "Certificate1.Modify", "(a{sv}as)", change, [])
        self.www.call(path, "Certificate1.Modify", "(a{sv}as)", change, ["deliver"])
        self.assertNotIn("deliver", self.root.call(path, "Certificate1.GetSpec"))

    def test_details_of_revoke(self):
        "a rule sees what is to be revoked; an owner needs the right as well, and another right is not enough"
        path, operation = self.www_owns("web", ["a.example", "b.example"])
        self.www.finished(operation)
        self.restart_polkit("")
        self.fails(INTERACTION, self.www.call, path, "Certificate1.Revoke", "(a{sv})", {})
        for action in ("renew", "manage", "manage-own", "request"):
            self.allow_details(action, {})
            self.fails("NotAuthorized", self.www.call, path, "Certificate1.Revoke", "(a{sv})", {})
        wanted = {"certificate": "web", "identifiers": "a.example b.example", "owner": str(self.www.uid),
                  "caller-is-owner": "true", "issuer": "default", "targets": "live"}
        self.allow_details("revoke", {**wanted, "identifiers": "a.example"})
        self.fails("NotAuthorized", self.www.call, path, "Certificate1.Revoke", "(a{sv})", {})
        self.allow_details("revoke", wanted)
        self.fails("NotAuthorized", self.client("other").call, path, "Certificate1.Revoke", "(a{sv})", {})
        self.assertEqual(self.www.get(path, "Certificate1")["State"], "valid")
        operation = self.www.call(path, "Certificate1.Revoke", "(a{sv})", {})
        self.assertEqual(self.www.finished(operation)["State"], "done")

    def www_owns(self, name, identifiers):
        self.restart_polkit(ALLOW_ALL)
        return self.www.request(name, identifiers)

    def test_details_of_subscribe(self):
        "a rule sees the target and the patterns of a subscription"
        self.allow_details("deliver", {"targets": "shared", "patterns": "*"})
        self.fails("NotAuthorized", self.www.agent, "Subscribe", "(asa{sv})", ["web"], {"target": GLib.Variant("s", "shared")})
        self.fails("NotAuthorized", self.www.agent, "Subscribe", "(asa{sv})", ["*"], {"target": GLib.Variant("s", "closed")})
        self.www.agent("Subscribe", "(asa{sv})", ["*"], {"target": GLib.Variant("s", "shared")})

    def test_details_of_issuers(self):
        "a rule sees where an issuer is, who is its contact, which terms are agreed to, whom it trusts"
        settings = variants(directory_url="https://two.test/dir", contact=["mailto:a@example.org"],
                            agree_terms="https://two.test/terms")
        wanted = {"issuer": "two", "directory-url": "https://two.test/dir", "contact": "mailto:a@example.org",
                  "agree-terms": "https://two.test/terms", "trust": "system"}
        self.allow_details("manage-issuers", wanted)
        self.fails("NotAuthorized", self.www.agent, "AddIssuer", "(sa{sv})", "three", settings)
        self.fails("NotAuthorized", self.www.agent, "AddIssuer", "(sa{sv})", "two",
                   {**settings, **variants(directory_url="https://three.test/dir")})
        path = self.www.agent("AddIssuer", "(sa{sv})", "two", settings)
        self.allow_details("manage-issuers", {**wanted, "contact": "mailto:b@example.org"})
        self.fails("NotAuthorized", self.www.call, path, "Issuer1.Register", "(a{sv})", {})
        self.www.call(path, "Issuer1.Register", "(a{sv})", variants(contacts=["mailto:b@example.org"]))

    def test_details_of_preflight(self):
        "a rule sees which names are to be looked at; those of a certificate need only the right to renew it"
        self.root.request("web", ["hold.example", "127.0.0.1"], deliver=[])
        names = {"identifiers": GLib.Variant("as", ["127.0.0.1"])}
        named = {"certificate": GLib.Variant("s", "web")}
        self.allow_details("renew", {"certificate": "web", "identifiers": "hold.example 127.0.0.1", "owner": "0"})
        self.fails("NotAuthorized", self.www.agent, "Preflight", "(a{sv})", names)
        self.fails("NotAuthorized", self.www.agent, "Preflight", "(a{sv})", {**named, **names})
        self.www.agent("Preflight", "(a{sv})", named)
        self.allow_details("manage-issuers", {"identifiers": "127.0.0.1", "issuer": "default"})
        self.fails("NotAuthorized", self.www.agent, "Preflight", "(a{sv})", named)
        self.www.finished(self.www.agent("Preflight", "(a{sv})", names))

    def test_several_issuers(self):
        "a rule sees all issuers of a certificate, in their order: those that it has, and those that it would have"
        for name in ("two", "three", "four"):
            self.root.agent("AddIssuer", "(sa{sv})", name, variants(directory_url=f"https://{name}.test/dir"))
        request = lambda *issuers: self.www.request("web", ["a.example"], deliver=[], issuer=list(issuers))
        self.allow_details("request", {"issuer": "default two"})
        for issuers in (["default"], ["two"], ["two", "default"], ["default", "two", "three"]):
            self.fails("NotAuthorized", request, *issuers)
        path, operation = request("default", "two")
        self.www.finished(operation)
        # Another issuer is a new request, also by the owner.
        self.allow_details("request", {"issuer": "default two three"})
        modify = lambda *issuers: self.www.call(path, "Certificate1.Modify", "(a{sv}as)", variants(issuer=list(issuers)), [])
        for issuers in (["two"], ["four"]):
            self.fails("NotAuthorized", modify, *issuers)
        modify("default", "two", "three")
        self.allow_details("renew", {"issuer": "default two"})
        other = self.client("other")
        self.fails("NotAuthorized", other.call, path, "Certificate1.Renew", "(a{sv})", {})
        self.allow_details("renew", {"issuer": "default two three"})
        other.call(path, "Certificate1.Renew", "(a{sv})", {})

    def test_issuers_of_preflight(self):
        "a rule sees all issuers that a preflight would ask"
        self.root.agent("AddIssuer", "(sa{sv})", "two", variants(directory_url="https://two.test/dir"))
        wish = lambda *issuers: variants(identifiers=["127.0.0.1"], issuer=list(issuers))
        self.allow_details("manage-issuers", {"identifiers": "127.0.0.1", "issuer": "two default"})
        self.fails("NotAuthorized", self.www.agent, "Preflight", "(a{sv})", wish("two"))
        self.www.finished(self.www.agent("Preflight", "(a{sv})", wish("two", "default")))


main(__file__)
