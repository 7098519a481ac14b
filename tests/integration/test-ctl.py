#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""certherdctl against a double of the agent: what it sends, what it prints, how it exits.

  test-ctl.py CERTHERDCTL"""

import json
import os
import pty
import signal
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap  # noqa: E402
from ctl import AGENT, CA, CERTIFICATE, FAR, OPERATION, ROOT, RUN, WWW, Case, GLib, Refusal, steps  # noqa: E402


class Listing(Case):
    ROW = (WWW, "www", "valid", "idle", ["a.test", "b.test"], FAR, FAR - 86400, "renew", 3)

    def serve(self, *pages):
        def answer(path, filters, after, limit):
            self.assertLessEqual(limit, 500)
            page = pages[int(after[1:]) if after else 0]
            number = pages.index(page) + 1
            return GLib.Variant("(a(osssasxxst)s)", (page, f"p{number}" if number < len(pages) else ""))
        self.agent.methods["ListCertificates"] = answer

    def test_pages(self):
        """list fetches all pages"""
        self.serve([self.ROW], [(*self.ROW[:1], "zzz", *self.ROW[2:])])
        ended = self.ctl("list")
        self.assertEqual(ended.status, 0)
        lines = ended.out.splitlines()
        self.assertEqual(len(lines), 3)
        self.assertTrue(lines[0].startswith("NAME  STATE"))
        self.assertRegex(lines[1], r"^www   valid  idle      3           in \d+ years  renew in \d+ years  a.test b.test$")
        self.assertTrue(lines[2].startswith("zzz"))

    def test_stuck(self):
        """an agent whose pages do not move on is not asked for ever"""
        self.agent.methods["ListCertificates"] = \
            lambda path, filters, after, limit: GLib.Variant("(a(osssasxxst)s)", ([self.ROW], "same"))
        self.assertEqual(self.ctl("list").status, 0)
        self.assertEqual(len(self.calls("ListCertificates")), 2)

    def test_filters(self):
        """list sends its filters"""
        self.serve([])
        ended = self.ctl("list", "--state", "valid", "--issuer=ca", "--identifier", "*.test")
        self.assertEqual(self.calls("ListCertificates")[0][0], {"state": "valid", "issuer": "ca", "identifier": "*.test"})
        self.assertIn("No certificates", ended.out)

    def test_json(self):
        """list --json: the documented keys"""
        self.serve([self.ROW])
        self.assertEqual(self.ctl("list", "--json").json(),
                         [{"path": WWW, "name": "www", "state": "valid", "activity": "idle",
                           "identifiers": ["a.test", "b.test"], "not-after": FAR, "next-action-time": FAR - 86400,
                           "next-action": "renew", "generation": 3}])

    def test_clean(self):
        """what comes from the bus cannot steer a terminal"""
        self.serve([(WWW, "w\x1b[2Jw", "valid", "idle", ["a\u202eb"], 0, 0, "none", 0)])
        ended = self.ctl("list")
        self.assertIn("w\\u001b[2Jw", ended.out)
        self.assertIn("a\\u202eb", ended.out)
        self.assertNotIn("\x1b", ended.out)

    def read_terminal(self):
        ours, theirs = pty.openpty()
        self.start("list", stdout=theirs)
        os.close(theirs)
        status = self.finish().status
        text = b""
        try:
            while chunk := os.read(ours, 65536):
                text += chunk
        except OSError:  # how Linux says that nobody has the other end any more
            pass
        os.close(ours)
        self.assertEqual(status, 0)
        return text.decode()

    def test_colour(self):
        """colour on a terminal only, and not with NO_COLOR"""
        self.serve([self.ROW])
        self.environment.update(TERM="xterm", NO_COLOR="")
        self.assertIn("\x1b[32mvalid\x1b[0m", self.read_terminal())
        self.environment["NO_COLOR"] = "1"
        self.assertNotIn("\x1b", self.read_terminal())


class Showing(Case):
    def test_text(self):
        """show says what there is to know"""
        ended = self.ctl("show", "www")
        self.assertEqual((ended.status, ended.err), (0, ""))
        for said in ("www.example.org", "ecdsa-p256", "renew 2099-12-31", "two thirds of its life", "3, proved", "fine", "01ab"):
            self.assertIn(said, ended.out)
        self.assertRegex(ended.out, r"\nIssuer +ca\n")

    def test_running(self):
        """show says how far the operation is"""
        self.agent.put(WWW, CERTIFICATE, Operation=RUN, Activity="issuing")
        self.assertRegex(self.ctl("show", "www").out, r"\nNow +new-order: ordering from the CA\n")

    def test_backoffs(self):
        """show says which issuers are not asked before when, and why"""
        self.assertNotIn("Back-off", self.ctl("show", "www").out)
        row = {"message": GLib.Variant("s", "issuer a: \x1b[2J down"), "retry-at": GLib.Variant("x", FAR)}
        self.agent.put(WWW, CERTIFICATE, Backoffs=[row])
        self.assertRegex(self.ctl("show", "www").out, r"\nBack-off +2\d\d\d.*: issuer a: \\u001b\[2J down\n")

    def test_json(self):
        """show --json: the properties in the words of the configuration"""
        shown = self.ctl("show", "--json", "www").json()
        for key, value in (("path", WWW), ("not-after", FAR), ("issuers", ["ca"]), ("generation", 3),
                           ("next-action-reason", "two thirds of its life"), ("identifiers", ["www.example.org"])):
            self.assertEqual(shown[key], value)
        self.assertEqual(shown["deliveries"][0]["target"], "live")

    def explain(self, **reasons):
        values = {key.replace("_", "-"): GLib.Variant("s" if isinstance(value, str) else "x", value)
                  for key, value in reasons.items()}
        self.agent.methods["Explain"] = lambda path: GLib.Variant("(a{sv})", (values,))

    def test_why(self):
        """why says what led to the next action, and leaves out what there is not"""
        self.explain(action="renew", time=FAR - 500, reason="the CA suggests it", rule="14d", rule_reason="a rule",
                     rule_time=FAR - 400, not_after=FAR, window_start=FAR - 900, window_end=FAR - 300, pick=FAR - 500,
                     explanation_url="https://ca.test/\x1b[2J", asked_at=5, ask_at=FAR - 800)
        ended = self.ctl("why", "www")
        self.assertEqual((ended.status, ended.err), (0, ""))
        self.assertRegex(ended.out, r"^Next +renew 2099-12-31")
        for said in ("the CA suggests it", "14d: a rule, 2099", "The CA suggests", "Picked in that", "https://ca.test/\\u001b[2J"):
            self.assertIn(said, ended.out)
        for unsaid in ("Failed", "Last error", "No suggestion"):
            self.assertNotIn(unsaid, ended.out)
        self.explain(action="retry", time=FAR, error_message="no", error_time=6, retry_at=FAR, suggestion_problem="silent")
        ended = self.ctl("why", "www")
        self.assertRegex(ended.out, r"\nLast error +no\n")
        self.assertRegex(ended.out, r"\nNo suggestion +silent\n")
        self.assertNotIn("Rule", ended.out)
        self.assertEqual(self.ctl("why", "www", "--json").json()["retry-at"], FAR)

    def test_missing(self):
        """an unknown name: 5"""
        ended = self.ctl("show", "nobody")
        self.assertEqual((ended.status, ended.out), (5, ""))
        self.assertIn("nobody", ended.err)

    def test_version(self):
        """version says both"""
        ended = self.ctl("version")
        self.assertRegex(ended.out, r"^certherdctl \d+\.\d+\.\d+\ncertherd 9\.9 \(session\), keys at rest: credential\n$")
        shown = self.ctl("version", "--json").json()
        self.assertEqual((shown["version"], shown["at-rest"]), ("9.9", "credential"))
        self.assertRegex(shown["certherdctl"], r"^\d")


class Requesting(Case):
    def setUp(self):
        super().setUp()
        self.agent.methods["RequestCertificate"] = lambda path, name, spec: GLib.Variant("(oo)", (WWW, RUN))
        self.agent.methods["Renew"] = lambda path, options: GLib.Variant("(o)", (RUN,))
        self.agent.methods["Modify"] = lambda path, values, unset: GLib.Variant("(o)", ("/",))

    def test_steps(self):
        """request waits, and prints the steps and what came of it"""
        self.when_read(self.end_run)
        ended = self.ctl("request", "www", "-d", "www.example.org")
        self.assertEqual((ended.status, ended.err), (0, ""))
        lines = ended.out.splitlines()
        self.assertEqual(lines[:3], ["  key         making the private key, 500 ms",
                                     "  new-order   ordering from the CA, 500 ms",
                                     "  save        storing key and certificate, sealed, 500 ms"])
        self.assertTrue(lines[3].startswith("www is valid: generation 3, until 2100-01-01"))
        self.assertTrue(lines[4].startswith("Next: renew "))
        self.assertEqual(self.calls("RequestCertificate"), [("www", {"identifiers": ["www.example.org"]})])

    def test_spec(self):
        """every option arrives as its key, with the key's type"""
        self.ctl("request", "www", "-d", "a.test", "-d", "b.test", "--issuer", "x", "--issuer=y", "--key-type", "ed25519",
                 "--challenge", "http-01", "--deliver", "nginx", "--reader", "www-data", "--renew", "14d", "--country=AT",
                 "--state", "W", "--locality", "V", "--organization", "O", "--common-name", "a.test", "--no-wait")
        self.assertEqual(self.calls("RequestCertificate")[0][1],
                         {"identifiers": ["a.test", "b.test"], "issuer": ["x", "y"], "key-type": "ed25519",
                          "challenge": ["http-01"], "deliver": ["nginx"], "readers": ["www-data"], "renew": "14d",
                          "country": "AT", "state": "W", "locality": "V", "organization": "O", "common-name": "a.test"})

    def test_no_wait(self):
        """--no-wait returns at once"""
        ended = self.ctl("request", "www", "-d", "a.test", "--no-wait")
        self.assertEqual(ended.status, 0)
        self.assertIn("certherdctl show www", ended.out)

    def test_json(self):
        """request --json: one object with the certificate and the operation"""
        self.when_read(self.end_run)
        said = self.ctl("--json", "request", "www", "-d", "a.test").json()
        self.assertEqual((said["name"], said["state"], said["operation"]["state"]), ("www", "valid", "done"))
        self.assertEqual([step["name"] for step in said["operation"]["steps"]], ["key", "new-order", "save"])

    def test_failure(self):
        """an operation that fails: 6, with its message"""
        self.when_read(lambda: self.end_run("failed", Error="org.certherd.Error.ChallengeFailed",
                                            ErrorMessage="a.test: connection refused"))
        ended = self.ctl("request", "www", "-d", "a.test")
        self.assertEqual(ended.status, 6)
        self.assertIn("certherdctl: www: a.test: connection refused\n", ended.err)
        self.assertNotIn("www is valid", ended.out)
        said = self.ctl("--json", "request", "www", "-d", "a.test")
        self.assertEqual((said.status, said.json()["operation"]["error"]), (6, "org.certherd.Error.ChallengeFailed"))

    def test_cancelled(self):
        """an operation that somebody cancels: 7"""
        self.when_read(lambda: self.end_run("cancelled"))
        ended = self.ctl("renew", "www")
        self.assertEqual(ended.status, 7)
        self.assertIn("cancelled", ended.err)

    def test_interrupt(self):
        """Ctrl-C stops the waiting, not the operation, and says so: 7"""
        self.when_read(lambda: self.process.send_signal(signal.SIGINT))
        ended = self.ctl("request", "www", "-d", "a.test")
        self.assertEqual(ended.status, 7)
        self.assertIn("the operation goes on", ended.err)
        self.assertEqual(self.calls("Cancel"), [])

    def test_interrupt_json(self):
        """Ctrl-C with --json: the object says that the certificate is not there yet, and what runs"""
        self.when_read(lambda: self.process.send_signal(signal.SIGINT))
        ended = self.ctl("--json", "renew", "www")
        self.assertEqual((ended.status, ended.json()["operation-path"]), (7, RUN))
        self.assertEqual(ended.json()["operation"]["state"], "running")

    def test_none_yet(self):
        """a certificate that has no generation is not described as one that has"""
        self.agent.put(WWW, CERTIFICATE, Generation=0, State="none", NotAfter=0)
        ended = self.ctl("modify", "www", "--renew", "14d")
        self.assertEqual((ended.status, ended.out.splitlines()[0]), (0, "www: there is no certificate yet"))

    def test_restart(self):
        """an agent that restarts meanwhile is waited for"""
        def restart():
            self.agent.release_name()
            self.agent.put(RUN, OPERATION, State="done", Steps=steps("key", "new-order"))
            self.agent.own_name()
        self.when_read(restart)
        ended = self.ctl("request", "www", "-d", "a.test")
        self.assertEqual((ended.status, ended.err), (0, ""))
        self.assertIn("www is valid", ended.out)

    def test_forgotten(self):
        """an operation that cannot be read is an error, not a wait"""
        self.agent.methods["Renew"] = lambda path, options: GLib.Variant("(o)", (ROOT + "/operation/99",))
        ended = self.ctl("renew", "www")
        self.assertEqual((ended.status, ended.out), (1, ""))
        self.assertIn("operation/99", ended.err)

    def test_nothing_to_do(self):
        """no operation: nothing to wait for"""
        self.agent.methods["RequestCertificate"] = lambda path, name, spec: GLib.Variant("(oo)", (WWW, "/"))
        ended = self.ctl("request", "www", "-d", "a.test")
        self.assertEqual(ended.status, 0)
        self.assertIn("www is valid", ended.out)

    def test_modify(self):
        """modify sends what is set and what is unset; an empty word is the empty list"""
        ended = self.ctl("modify", "www", "-d", "c.test", "--deliver=", "--unset", "key-type", "--unset", "renew")
        self.assertEqual(ended.status, 0)
        self.assertEqual(self.calls("Modify"), [({"identifiers": ["c.test"], "deliver": []}, ["key-type", "renew"])])

    def test_renew(self):
        """renew sends its options"""
        self.ctl("renew", "www", "--force", "--reason", "key lost", "--no-wait")
        self.ctl("renew", "www", "--no-wait")
        self.assertEqual(self.calls("Renew"), [({"force": True, "reason": "key lost"},), ({},)])

    def test_revoke(self):
        """revoke sends its options, and shows the steps and what became of the certificate"""
        self.agent.methods["Revoke"] = lambda path, options: GLib.Variant("(o)", (RUN,))
        self.ctl("revoke", "www", "--reason", "key-compromise", "--generation", "2", "--with", "key", "--at-once", "--no-wait")
        self.when_read(lambda: self.end_run())
        ended = self.ctl("revoke", "www")
        self.assertEqual((ended.status, ended.err), (0, ""))
        self.assertIn("www is valid", ended.out)
        self.assertEqual(self.calls("Revoke"), [({"reason": "key-compromise", "generation": 2, "with": "key", "at-once": True},), ({},)])

    def test_revoke_none(self):
        """a generation that cannot be is not the current one: nothing is asked"""
        for number in ("0", "-1", "2x", ""):
            ended = self.ctl("revoke", "www", "--generation=" + number)
            self.assertEqual(ended.status, 2)
            self.assertIn(f"“{number}”", ended.err)
        self.assertEqual(self.agent.calls, [])

    def finding(self, severity, check, identifier, message, **more):
        words = {"severity": severity, "check": check, "identifier": identifier, "message": message, **more}
        return {key: GLib.Variant("s", value) for key, value in words.items()}

    def prepare_check(self, *findings):
        self.agent.methods["Preflight"] = lambda path, spec: GLib.Variant("(o)", (RUN,))
        self.agent.put(RUN, OPERATION, Kind="preflight", State="done", Steps=steps("directory", "names"),
                       Result={"findings": GLib.Variant("aa{sv}", findings)})

    def test_check(self):
        """check: a table, and a status of its own where there is something to be said"""
        fine = self.finding("ok", "clock", "", "as the CA's")
        bad = self.finding("warning", "caa", "a.test", "because \x1b[31mof that")
        self.prepare_check(fine)
        ended = self.ctl("check", "www")
        self.assertEqual((ended.status, ended.err), (0, ""))
        self.assertRegex(ended.out, r"\nok +clock +- +as the CA's\n$")
        self.prepare_check(fine, bad)
        ended = self.ctl("check", "-d", "a.test", "-d", "b.test", "-i", "ca", "-c", "http-01")
        self.assertEqual(ended.status, 8)
        self.assertRegex(ended.out, r"\nwarning +caa +a.test +because \\u001b\[31mof that\n$")
        self.prepare_check(fine, self.finding("ok", "account", "", "valid", issuer="ca"),
                           self.finding("error", "caa", "a.test", "forbidden", issuer="ca"))
        ended = self.ctl("--json", "check", "www", "-d", "a.test")
        self.assertEqual(ended.status, 8)
        self.assertEqual(ended.json()[0], {"severity": "ok", "check": "clock", "identifier": "", "message": "as the CA's"})
        self.assertEqual(self.calls("Preflight"), [({"certificate": "www"},),
                                                   ({"identifiers": ["a.test", "b.test"], "issuer": ["ca"], "challenge": ["http-01"]},),
                                                   ({"certificate": "www", "identifiers": ["a.test"]},)])
        self.assertRegex(self.ctl("check", "www").out, r"\nok +account +ca +valid\nerror +caa +a.test, ca +forbidden\n$")

    def test_check_fails(self):
        """check: without a name, with two, refused, cancelled"""
        self.assertEqual(self.ctl("check").status, 2)
        self.assertIn("one word too many", self.ctl("check", "a", "b").err)
        self.assertEqual(self.ctl("check", "www").status, 5)
        self.prepare_check()
        self.agent.put(RUN, OPERATION, State="cancelled", Error="org.certherd.Error.Cancelled", ErrorMessage="it was cancelled")
        ended = self.ctl("check", "www")
        self.assertEqual((ended.status, ended.err), (7, "certherdctl: www: it was cancelled\n"))

    def test_failure_after_check(self):
        """a failure shows what the last check had warned of"""
        self.agent.methods["Renew"] = lambda path, options: GLib.Variant("(o)", (RUN,))
        self.agent.put(RUN, OPERATION, State="failed", Error="org.certherd.Error.Refused", ErrorMessage="no",
                       Result={"findings": GLib.Variant("aa{sv}", [self.finding("error", "caa", "a.test", "forbidden", issuer="ca"),
                                                                   self.finding("error", "limits", "", "no room", issuer="ca")])})
        ended = self.ctl("renew", "www")
        self.assertEqual(ended.status, 6)
        self.assertIn("certherdctl: www: no\nThe last check had warned:\n  a.test, ca: forbidden\n  ca: no room\n", ended.err)
        said = [self.finding("error", "ca", name, "blocked\x1b (rejectedIdentifier)") for name in ("a.test", "b.test")]
        for shown in (said, said[:1]):
            self.agent.put(RUN, OPERATION, Result={"findings": GLib.Variant("aa{sv}", shown + [self.finding("error", "caa", "a.test", "forbidden")])})
            ended = self.ctl("renew", "www")
            # One is in the message already.
            words = "The CA says:\n  a.test: blocked\\u001b (rejectedIdentifier)\n  b.test: " if len(shown) == 2 else "The last check"
            self.assertIn("certherdctl: www: no\n" + words, ended.err)
            self.assertIn("The last check had warned:\n  a.test: forbidden\n", ended.err)

    def test_retry_and_remove(self):
        """retry and remove"""
        self.agent.methods["Retry"] = lambda path: None
        self.agent.methods["Remove"] = lambda path, options: None
        self.assertEqual(self.ctl("retry", "www").status, 0)
        self.assertEqual(self.ctl("remove", "www").out, "www: removed\n")
        self.assertEqual([name for name, path, _ in self.agent.calls if path == WWW], ["Retry", "Remove"])
        self.assertEqual(self.ctl("remove", "nobody").status, 5)
        self.assertEqual(self.ctl("--json", "retry", "www").json(), {"name": "www", "path": WWW})


class Issuers(Case):
    def test_list(self):
        """issuer list"""
        row = {"path": GLib.Variant("o", CA), "name": GLib.Variant("s", "ca"), "status": GLib.Variant("s", "valid"),
               "directory-url": GLib.Variant("s", "https://ca.test/dir")}
        self.agent.methods["ListIssuers"] = lambda path: GLib.Variant("(aa{sv})", ([row],))
        self.assertRegex(self.ctl("issuer", "list").out, r"\nca +valid +https://ca.test/dir\n$")
        self.assertEqual(self.ctl("issuer", "list", "--json").json(),
                         [{"path": CA, "name": "ca", "status": "valid", "directory-url": "https://ca.test/dir"}])

    def test_presets(self):
        """issuer presets: with a directory, or with what it looks like; issuer add --preset"""
        rows = [{key: GLib.Variant("s", value) for key, value in row.items()} for row in (
            {"name": "ours", "description": "Our CA", "eab": "required", "directory-url": "https://ca.test/dir"},
            {"name": "step", "description": "step-ca", "eab": "none", "directory-hint": "https://HOST/dir"})]
        self.agent.methods["ListPresets"] = lambda path: GLib.Variant("(aa{sv})", (rows,))
        self.agent.methods["AddIssuer"] = lambda path, name, settings: GLib.Variant("(o)", (CA,))
        self.assertRegex(self.ctl("issuer", "presets").out,
                         r"\nours +Our CA +required +https://ca.test/dir\nstep +step-ca +none +https://HOST/dir\n$")
        self.assertEqual(self.ctl("issuer", "presets", "--json").json()[1]["directory-hint"], "https://HOST/dir")
        self.assertEqual(self.ctl("issuer", "add", "ca", "--preset", "ours").status, 0)
        self.assertEqual(self.calls("AddIssuer"), [("ca", {"preset": "ours"})])

    def test_show(self):
        """issuer show"""
        self.assertRegex(self.ctl("issuer", "show", "ca").out, r"\nTerms +https://ca.test/terms\?a=b&c\n")
        self.assertEqual(self.ctl("issuer", "show", "ca", "--json").json()["status"], "valid")

    def test_add(self):
        """issuer add sends the contents of the trust file, not its path"""
        self.agent.methods["AddIssuer"] = lambda path, name, settings: GLib.Variant("(o)", (CA,))
        with tempfile.NamedTemporaryFile("w") as file:
            file.write("-----BEGIN CERTIFICATE-----\nAA==\n")
            file.flush()
            ended = self.ctl("issuer", "add", "ca", "--directory-url", "https://ca.test/dir", "--trust", file.name,
                             "--contact", "a@b.test", "--contact", "mailto:c@d.test", "--agree-terms", "yes",
                             "--staging", "trial")
        self.assertEqual(ended.status, 0)
        self.assertEqual(self.calls("AddIssuer"),
                         [("ca", {"directory-url": "https://ca.test/dir", "agree-terms": "yes", "staging": "trial",
                                  "trust": "-----BEGIN CERTIFICATE-----\nAA==\n",
                                  "contact": ["mailto:a@b.test", "mailto:c@d.test"]})])

    def test_attention(self):
        """issuer add and show: what the agent has to say of that issuer, and of no other"""
        self.agent.methods["AddIssuer"] = lambda path, name, settings: GLib.Variant("(o)", (CA,))
        rows = [{"object": GLib.Variant("o", path), "severity": GLib.Variant("s", "warning"),
                 "code": GLib.Variant("s", code), "message": GLib.Variant("s", message), "since": GLib.Variant("x", 5)}
                for path, code, message in ((CA, "directory-ended", "issuer ca: the directory ended\x1b"),
                                            (WWW, "soon", "www expires soon"))]
        self.agent.put(ROOT, AGENT, Attentions=rows)
        for words in (("add", "ca", "--directory-url", "https://ca.test/dir"), ("show", "ca")):
            ended = self.ctl("issuer", *words)
            self.assertEqual((ended.status, ended.err), (0, ""))
            self.assertRegex(ended.out, r"\nAttention +warning: issuer ca: the directory ended\\u001b\n")
            self.assertNotIn("soon", ended.out)
            self.assertEqual([row["code"] for row in self.ctl("issuer", *words, "--json").json()["attentions"]],
                             ["directory-ended"])
        self.agent.put(ROOT, AGENT, Attentions=[])
        self.assertNotIn("Attention", self.ctl("issuer", "show", "ca").out)

    def test_bad_trust(self):
        """a trust file that is missing or is none is named, and nothing is sent"""
        for file, status in (("/nonexistent.pem", 1), ("/dev/null", 2)):
            ended = self.ctl("issuer", "add", "ca", "--directory-url", "https://ca.test/dir", "--trust", file)
            self.assertEqual(ended.status, status)
            self.assertIn(file, ended.err)
        self.assertEqual(self.agent.calls, [])

    def test_register(self):
        """issuer register waits for the account"""
        self.agent.methods["Register"] = lambda path, options: GLib.Variant("(o)", (RUN,))
        self.when_read(self.end_run)
        ended = self.ctl("issuer", "register", "ca", "--agree-terms", "https://ca.test/terms", "--contact", "a@b.test")
        self.assertEqual(ended.status, 0)
        self.assertEqual(self.calls("Register"),
                         [({"agree-terms": "https://ca.test/terms", "contacts": ["mailto:a@b.test"]},)])

    def test_terms(self):
        """terms that nobody agreed to: their URL, and the command that agrees"""
        command = "  certherdctl --session issuer register ca --agree-terms 'https://ca.test/terms?a=b&c'\n"

        def refuse(path, options):
            raise Refusal("ActionRequired", "agree to the terms first")
        self.agent.methods["Register"] = refuse
        ended = self.ctl("issuer", "register", "ca")
        self.assertEqual(ended.status, 1)
        self.assertIn(command, ended.err)
        self.agent.methods["Register"] = lambda path, options: GLib.Variant("(o)", (RUN,))
        self.when_read(lambda: self.end_run("failed", Error="org.certherd.Error.ActionRequired", ErrorMessage="issuer ca: terms"))
        ended = self.ctl("issuer", "register", "ca")
        self.assertEqual(ended.status, 6)
        self.assertIn("certherdctl: issuer ca: terms\n", ended.err)
        self.assertIn(command, ended.err)

    def test_account(self):
        """issuer set-contacts, roll-key, deactivate: what is sent, and what has to be said"""
        for member in ("SetContacts", "RollKey", "Deactivate"):
            self.agent.methods[member] = lambda path, *arguments: GLib.Variant("(o)", (RUN,))
        self.end_run()
        cases = ((["set-contacts", "--contact", "a@b.test", "--contact", "mailto:c@d.test"], "SetContacts",
                  (["mailto:a@b.test", "mailto:c@d.test"],)),
                 (["set-contacts", "--none"], "SetContacts", ([],)), (["roll-key"], "RollKey", ()),
                 (["deactivate", "--yes"], "Deactivate", ()))
        for (verb, *options), member, arguments in cases:
            ended = self.ctl("issuer", verb, "ca", *options)
            self.assertEqual(ended.status, 0, ended.err)
            self.assertEqual(self.calls(member)[-1], arguments)
            self.assertEqual(self.ctl("issuer", verb, "ca", *options, "--json").json()["status"], "valid")
        self.agent.calls.clear()
        for words, said in ((["deactivate", "ca"], "for ever"), (["set-contacts", "ca"], "--contact"),
                            (["set-contacts", "ca", "--none", "--contact", "a@b"], "--none"), (["import", "ca"], "--key")):
            ended = self.ctl("issuer", *words)
            self.assertEqual(ended.status, 2)
            self.assertIn(said, ended.err)
        self.assertEqual(self.agent.calls, [])

    def test_account_fails(self):
        """issuer roll-key: a failure is told, without advice about terms"""
        self.agent.methods["RollKey"] = lambda path: GLib.Variant("(o)", (RUN,))
        self.when_read(lambda: self.end_run("failed", Error="org.certherd.Error.ActionRequired",
                                            ErrorMessage="the account is deactivated"))
        ended = self.ctl("issuer", "roll-key", "ca")
        self.assertEqual(ended.status, 6)
        self.assertIn("deactivated", ended.err)
        self.assertNotIn("agree", ended.err)

    def test_secrets(self):
        """issuer import, register: secrets go in sealed memory, from a file or standard input, and are bounded"""
        self.agent.methods["ImportAccount"] = lambda path, *arguments: GLib.Variant("(o)", (RUN,))
        self.agent.methods["Register"] = lambda path, options: GLib.Variant("(o)", (RUN,))
        self.end_run()
        with tempfile.NamedTemporaryFile("w") as file:
            file.write("top secret\n")
            file.flush()
            ended = self.ctl("issuer", "import", "ca", "--key", file.name)
            self.assertEqual(ended.status, 0, ended.err)
            ended = self.ctl("issuer", "register", "ca", "--eab-kid", "kid", "--eab-hmac-file", file.name,
                             "--eab-algorithm", "HS512")
            self.assertEqual(ended.status, 0, ended.err)
            self.assertEqual(self.agent.contents, [(b"top secret\n", True)] * 2)
            self.assertEqual(self.calls("ImportAccount"), [(0, {})])
            self.assertEqual(self.calls("Register"), [({"eab-kid": "kid", "eab-hmac": 0, "eab-algorithm": "HS512"},)])
            self.agent.calls.clear()
            file.write("x" * 70000)
            file.flush()
            for words in (["import", "ca", "--key", file.name], ["import", "ca", "--key", "/nonexistent"],
                          ["register", "ca", "--eab-hmac-file", file.name]):
                ended = self.ctl("issuer", *words)
                self.assertEqual(ended.status, 2)
                self.assertIn("cannot be read", ended.err)
        self.assertEqual(self.ctl("issuer", "import", "ca", "--key", "-").status, 0)
        self.assertEqual(self.agent.contents[-1], (b"", True))

    def test_remove(self):
        """issuer remove"""
        self.agent.methods["Remove"] = lambda path: None
        self.assertEqual(self.ctl("issuer", "remove", "ca").out, "ca: removed\n")


class Watching(Case):
    def watch(self, *words):
        """Starts watch, lets things happen once it listens (it says first that the agent is there), and
        stops it with SIGINT when it has said all."""
        read, write = os.pipe()
        self.start("watch", *words, stdout=write)
        os.close(write)
        text = bytearray()

        def on_text(source, condition):
            chunk = os.read(read, 65536)
            first = not text
            text.extend(chunk)
            if first and chunk:
                self.happen()
            if b"expires" in chunk:
                self.process.send_signal(signal.SIGINT)
            return bool(chunk)
        GLib.io_add_watch(read, GLib.IO_IN | GLib.IO_HUP, on_text)
        status = self.finish().status
        os.close(read)
        self.assertEqual(status, 0)
        return text.decode()

    def happen(self):
        self.agent.put(RUN, OPERATION, Steps=steps("key", "new-order", running="ready"))
        self.end_run("failed", Error="org.certherd.Error.Refused", ErrorMessage="no\nno")
        self.agent.emit(ROOT, AGENT, "CertificateUpdated", GLib.Variant("(osts)", (WWW, "www", 4, "beef")))
        self.agent.emit(ROOT, AGENT, "Attention", GLib.Variant("(osss)", (WWW, "warning", "soon", "www expires soon")))

    def test_text(self):
        """watch prints steps, ends, new generations and attentions, until Ctrl-C: 0"""
        lines = [line[10:] for line in self.watch().splitlines()]
        self.assertEqual(lines[0], "the agent is there")
        self.assertIn("www: new-order: ordering from the CA", lines)
        self.assertEqual(len([line for line in lines if line.startswith("www: key")]), 1)
        self.assertEqual(lines[-3:], ["www: issue failed: no\\u000ano", "www: generation 4 is current",
                                      "warning: www expires soon"])

    def test_json(self):
        """watch --json: one object for each line"""
        events = [json.loads(line) for line in self.watch("--json").splitlines()]
        self.assertEqual([event["event"] for event in events if event["event"] != "step"],
                         ["agent-there", "finished", "updated", "attention"])
        self.assertTrue(all(event["time"] > 0 for event in events))
        self.assertEqual(events[-2]["generation"], 4)
        self.assertEqual([event["name"] for event in events if event["event"] == "finished"], ["www"])


tap.main()
