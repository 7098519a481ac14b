#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What hostile callers write, on the system bus with the real polkitd: nothing of it gets through, with a
right or without, nor into what polkit asks and rules see.

  test-polkit-hostile.py BUS-AGENT"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import hostile  # noqa: E402
from agent import ROOT, Failed, GLib  # noqa: E402
from rights import ALLOW_ALL, CONFIGURATION, INTERACTION, Case, main, rule, variants  # noqa: E402


class Details(Case):
    def test_details_are_clean(self):
        "no rule, and nobody who is asked, sees a control or bidi character in a detail, whatever a call says"
        path, operation = self.www_owned()
        issuer = self.root.agent("GetIssuer", "(s)", "default")
        # Denies what has one, so that a call that got so far is told from one that was refused before.
        self.restart_polkit(rule("var dirty = /[\\u0000-\\u001f\\u007f-\\u009f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069]/;"
                                 "var keys = %s;" % self.DETAILS
                                 + "return keys.some(function(key) { return dirty.test(action.lookup(key) || ''); })"
                                   " ? polkit.Result.NO : polkit.Result.YES;"))
        for evil in ("a\nb", "a\u202eb", "\u2066a", "a\x1b[31mb", "a\u0085b", "a\tb"):
            for call in self.evil_calls(evil, path, operation, issuer):
                with self.subTest(call=call):
                    try:
                        self.www.call(*call)
                    except Failed as failed:
                        self.assertNotEqual(failed.name, "NotAuthorized", failed.message)
                        self.assertNotEqual(failed.name, INTERACTION, failed.message)

    DETAILS = ["certificate", "identifiers", "owner", "caller-is-owner", "issuer", "targets", "readers", "patterns",
               "directory-url", "contact", "agree-terms", "trust", "polkit.message"]

    def www_owned(self):
        self.restart_polkit(ALLOW_ALL)
        return self.www.request("web", ["hold.example"], deliver=[])

    def evil_calls(self, evil, path, operation, issuer):
        """Every method that asks, with EVIL in every string that it takes."""
        spec = variants(identifiers=["hold.example"], deliver=[])
        settings = variants(directory_url="https://ca.test/dir")
        yield ROOT, "Agent1.RequestCertificate", "(sa{sv})", evil, spec
        yield ROOT, "Agent1.AddIssuer", "(sa{sv})", evil, settings
        for key, kind, _ in hostile.pairs():
            value = {key: GLib.Variant("as", [evil]) if kind == "as" else GLib.Variant("s", evil)}
            yield ROOT, "Agent1.RequestCertificate", "(sa{sv})", "new", {**spec, **value}
            yield path, "Certificate1.Modify", "(a{sv}as)", value, []
        yield path, "Certificate1.Modify", "(a{sv}as)", {}, [evil]
        yield path, "Certificate1.Renew", "(a{sv})", variants(reason=evil)
        for key in hostile.SETTINGS:
            for value in (GLib.Variant("s", evil), GLib.Variant("as", [evil])):
                yield ROOT, "Agent1.AddIssuer", "(sa{sv})", "new", {**settings, key: value}
        yield issuer, "Issuer1.Register", "(a{sv})", variants(agree_terms="https://ca.test/" + evil)
        yield issuer, "Issuer1.Register", "(a{sv})", variants(contacts=["mailto:" + evil + "@example.org"])
        for target in ("shared", evil):
            yield ROOT, "Agent1.Subscribe", "(asa{sv})", [evil], variants(target=target)
            yield ROOT, "Agent1.Subscribe", "(asa{sv})", ["*"], variants(target=target, server=evil)


class Hostile(Case):
    SPEC = variants(identifiers=["hold.example"], deliver=[])

    def refuse_all(self, path, *errors):
        """Every key with every value, as a new wish and as a change of one's own."""
        before = self.root.call(path, "Certificate1.GetSpec"), self.root.get(path, "Certificate1")
        for key, kind, value in hostile.pairs():
            change = {key: GLib.Variant(kind, value)}
            for call in ((ROOT, "Agent1.RequestCertificate", "(sa{sv})", "new", {**self.SPEC, **change}),
                         (path, "Certificate1.Modify", "(a{sv}as)", change, [])):
                with self.assertRaises(Failed, msg=f"{call[1]} {change}") as caught:
                    self.www.call(*call)
                self.assertIn(caught.exception.name, errors, f"{call[1]} {change}")
        for name in hostile.NAMES:
            with self.assertRaises(Failed) as caught:
                self.www.agent("RequestCertificate", "(sa{sv})", name, self.SPEC)
            self.assertIn(caught.exception.name, errors)
        self.assertEqual((self.root.call(path, "Certificate1.GetSpec"), self.root.get(path, "Certificate1")), before)
        self.assertEqual(self.names(), ["web"])

    def test_complete(self):
        "the hostile values are of every key that there is"
        self.restart_polkit(ALLOW_ALL)
        for call, keys in ((("RequestCertificate", "(sa{sv})", "new"), hostile.SPEC_KEYS),
                           (("AddIssuer", "(sa{sv})", "new"), set(hostile.SETTINGS))):
            message = self.fails("InvalidArgument", self.www.agent, *call, {"colour": GLib.Variant("s", "red")})
            self.assertEqual(hostile.known_keys(message), keys)

    def refuse_others(self, *errors):
        """Every setting of an issuer, every option, every pattern."""
        path, operation = self.root.agent("RequestCertificate", "(sa{sv})", "other", self.SPEC)
        issuer = self.root.agent("GetIssuer", "(s)", "default")
        calls = [(ROOT, "Agent1.AddIssuer", "(sa{sv})", "new", {**variants(directory_url="https://ca.test/dir"), key: value})
                 for key, value in hostile.settings()]
        calls += [(ROOT, "Agent1.AddIssuer", "(sa{sv})", name, variants(directory_url="https://ca.test/dir"))
                  for name in hostile.NAMES]
        calls += [(issuer if member.startswith("Issuer1") else path, member, "(a{sv})", options)
                  for member, wrong in hostile.WRONG_OPTIONS.items() for options in wrong + hostile.UNKNOWN]
        calls += [(ROOT, "Agent1.Subscribe", "(asa{sv})", *arguments) for arguments in hostile.WRONG_SUBSCRIPTIONS]
        calls += [(ROOT, "Agent1.Subscribe", "(asa{sv})", ["*"], options) for options in hostile.UNKNOWN]
        before = [self.root.get(path, "Certificate1"), self.root.get(issuer, "Issuer1"), self.root.agent("ListIssuers")]
        for call in calls:
            with self.assertRaises(Failed, msg=call) as caught:
                self.www.call(*call)
            self.assertIn(caught.exception.name, errors, call)
            self.assertNotIn("\n", caught.exception.message)
            self.assertNotIn("\u202e", caught.exception.message)
        self.assertEqual([self.root.get(path, "Certificate1"), self.root.get(issuer, "Issuer1"),
                          self.root.agent("ListIssuers")], before)

    def test_others_without_right(self):
        "every setting and option with hostile values, from a caller without a right"
        self.refuse_others("InvalidArgument", INTERACTION)

    def test_others_with_right(self):
        "every setting and option with hostile values, from a caller whom rules allow everything"
        self.restart_polkit(ALLOW_ALL)
        self.refuse_others("InvalidArgument")

    def test_without_right(self):
        "every key with hostile values, from a caller without a right"
        path, _ = self.root.agent("RequestCertificate", "(sa{sv})", "web", self.SPEC)
        self.refuse_all(path, "InvalidArgument", "NotFound", INTERACTION)

    def test_with_right(self):
        "every key with hostile values, from a caller whom rules allow everything"
        self.restart_polkit(ALLOW_ALL)
        path, _ = self.www.agent("RequestCertificate", "(sa{sv})", "web", self.SPEC)
        self.refuse_all(path, "InvalidArgument", "NotFound")


class Sooner(Case):
    def test_owner_renews_before_ca(self):
        "an owner comes to no sooner renewal than the CA suggests without the right to renew"
        self.restart_polkit(rule('if (action.id == "org.certherd.request") return polkit.Result.YES;'))
        self.agent.configure(CONFIGURATION + "[issuer lingers]\ndirectory-url = https://lingers.test/dir\n")
        self.root.agent("Reload")
        path, operation = self.www.request("web", ["a.example"], deliver=[], issuer=["lingers"])
        self.www.finished(operation)
        self.www.wait(lambda: GLib.timeout_add(50, lambda: False) and "pick" in self.www.call(path, "Certificate1.Explain"),
                      "the CA's suggestion")
        # Later than the rule says, and sooner than the CA: 6 hours before the end of a day.
        self.assertIn("org.certherd.renew", self.fails(INTERACTION, self.www.call, path, "Certificate1.Modify",
                                                       "(a{sv}as)", variants(renew="6h"), []))
        self.www.call(path, "Certificate1.Modify", "(a{sv}as)", variants(renew="1h"), [])


main(__file__)
