#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The installed agent, responder, deliver and adapters against Debian's Pebble, on a private bus.

  test-issue.py CERTHERD"""

import os
import socket
import ssl
import subprocess
import sys
import tempfile
import unittest

LIB = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib")
sys.path.insert(0, LIB)
import tap  # noqa: E402
from agent import Agent, Client, Failed, GLib  # noqa: E402
from issuing import Case  # noqa: E402

PROGRAM = Case.program = [sys.argv.pop(1)]


def free_port():
    for port in range(21000 + os.getpid() % 5000, 32000):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise AssertionError("no free port")


class Directory(Case):
    def account(self):
        return next(row for row in self.client.agent("ListIssuers"))["account-url"]

    def other_configuration(self):
        """The same CA by another name, which is another one for the agent."""
        url = self.pebble["DIRECTORY_URL"]
        other = url.replace("127.0.0.1", "localhost")
        self.assertNotEqual(other, url)
        return self.configuration().replace(url, other)

    def test_changed_under_way(self):
        "Another directory-url for an issuance that was killed: it makes an order there, and asks for no other"
        self.start(environment={"CERTHERD_CRASH_AT": "run:issue/authorize:entered"})
        path, operation = self.client.request("one", ["one.example.org"], deliver=[])
        self.assertEqual(self.agent.process.wait(30), -9)
        self.client.close()
        self.agent.log.close()
        self.agent.environment = {}
        self.agent.configure(self.other_configuration())
        self.agent.start()
        self.client = Client(self.agent.bus)
        state = self.client.finished(operation)
        self.assertEqual(state["State"], "done", state["ErrorMessage"] + self.agent.read_log())
        self.assertEqual(self.client.get(path, "Certificate1")["Generation"], 1)

    def test_changed(self):
        "Another directory-url: another account, with a key of its own; the first one is found again"
        self.start()
        self.issue("one", ["one.example.org"], deliver=[])
        first = self.account()
        self.assertTrue(first)
        self.agent.configure(self.other_configuration())
        self.assertEqual(self.client.agent("Reload"), [])
        self.assertEqual(self.account(), "")
        self.issue("two", ["two.example.org"], deliver=[])
        second = self.account()
        self.assertNotIn(second, ("", first))
        # The key is another one too, or the CA would have known the account.
        self.assertNotEqual(second.rsplit("/", 1)[1], first.rsplit("/", 1)[1])
        self.agent.configure(self.configuration())
        self.assertEqual(self.client.agent("Reload"), [])
        self.issue("three", ["three.example.org"], deliver=[])
        self.assertEqual(self.account(), first)


class Issue(Case):
    def test_whole(self):
        "One certificate: requested, issued, sealed, delivered as files, renewed, removed"
        self.start()
        path = self.issue("web", ["www.example.org", "mail.example.org"])
        values = self.client.get(path, "Certificate1")
        leaf = self.live("web", "cert.pem")
        with tempfile.NamedTemporaryFile("w") as combined:
            combined.write(self.live("web", "combined.pem"))
            combined.flush()
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(combined.name)
        chain = ssl.create_default_context(cafile=self.pebble["ISSUING_ROOT"])
        self.assertTrue(chain.get_ca_certs())
        for file, mode in (("privkey.pem", 0o600), ("combined.pem", 0o600), ("fullchain.pem", 0o644)):
            status = os.stat(os.path.join(self.agent.state, "live", "web", file))
            self.assertEqual(status.st_mode & 0o777, mode, file)
        self.assertEqual(self.applied(path)["live"]["state"], "applied")
        steps = [step["name"] for step in self.client.get(
            next(s[0] for s in self.client.signals if s[2] == "Finished"), "Operation1")["Steps"]]
        for step in ("key", "new-order", "authorize", "present", "respond", "ready", "finalize", "download",
                     "cleanup", "save", "deliver"):
            self.assertIn(step, steps)
        operation = self.client.call(path, "Certificate1.Renew", "(a{sv})", {})
        self.assertEqual(self.client.finished(operation)["State"], "done")
        self.assertNotEqual(self.live("web", "cert.pem"), leaf)
        self.assertNotEqual(self.client.get(path, "Certificate1")["Serial"], values["Serial"])
        with open(os.path.join(self.agent.state, "state.db"), "rb") as database:
            self.assertNotIn(b"PRIVATE KEY", database.read())
        self.client.call(path, "Certificate1.Remove", "(a{sv})", {})
        gone = os.path.join(self.agent.state, "live", "web")
        self.client.wait(lambda: not os.path.lexists(gone) or self.poll(), f"{gone} to go")

    def test_budget(self):
        "Requests: a known account and a new name cost what the protocol needs and nothing else"
        self.start()
        self.issue("first", ["first.example.org"])
        before = self.pebble.requests()
        self.issue("second", ["second.example.org"])
        after = self.pebble.requests()
        spent = {key: after[key] - before.get(key, 0) for key in after if after[key] != before.get(key, 0)}
        self.assertLessEqual(sum(spent.values()), 9, spent)
        for endpoint in spent:
            self.assertFalse(any(word in endpoint.lower() for word in ("nonce", "dir", "account", "acct")), spent)

    def test_key_types(self):
        "Every key type that this CA takes"
        self.start()
        for kind in ("ecdsa-p256", "ecdsa-p384", "rsa-2048"):
            path = self.issue("key-" + kind, [kind + ".example.org"], key_type=kind)
            self.assertEqual(self.client.get(path, "Certificate1")["KeyType"], kind)

    def test_wildcard(self):
        "A wildcard without a solver for it is refused with the way out"
        self.start()
        path, operation = self.client.request("wild", ["*.example.org"])
        state = self.client.finished(operation)
        self.assertEqual(state["State"], "failed")
        self.assertIn("*.example.org", state["ErrorMessage"])
        self.assertIn("dns-01", state["ErrorMessage"])

    def test_blocked(self):
        "A name that the CA rejects: its words, its class, no tight loop"
        self.start()
        path, operation = self.client.request("blocked", ["blocked.example"])
        state = self.client.finished(operation)
        self.assertEqual((state["State"], state["Error"]), ("failed", "org.certherd.Error.Refused"))
        self.assertIn("blocked.example", state["ErrorMessage"])
        values = self.client.get(path, "Certificate1")
        self.assertGreater(values["NextActionTime"], values["LastErrorTime"] + 3600)

    def test_targets(self):
        "Targets: files elsewhere and a command, in one issuance; the command's failure is a rejection"
        with tempfile.TemporaryDirectory() as folder:
            good, bad = os.path.join(folder, "good"), os.path.join(folder, "bad")
            for script, status in ((good, 0), (bad, 1)):
                with open(script, "w") as file:
                    file.write(f"#!/bin/sh\necho \"$CERTHERD_NAME\" >> {folder}/ran\nexit {status}\n")
                os.chmod(script, 0o755)
            os.mkdir(os.path.join(folder, "out"))
            self.start(f"""
[target files]
adapter = files
path = {folder}/out
mode = 0640
[target good]
adapter = exec
command = {good}
[target bad]
adapter = exec
command = {bad}
""")
            path = self.issue("web", ["web.example.org"], deliver=["files", "good"])
            with open(os.path.join(folder, "out", "web", "combined.pem")) as file:
                self.assertIn("PRIVATE KEY", file.read())
            self.assertEqual({row["state"] for row in self.applied(path).values()}, {"applied"})
            other, operation = self.client.request("other", ["other.example.org"], deliver=["bad"])
            state = self.client.finished(operation)
            self.assertEqual((state["State"], state["Result"]), ("failed", {"generation": 1}))
            self.assertEqual(self.applied(other)["bad"]["state"], "rejected")

    def test_batch(self):
        "Certificates that come together are one activation of their target"
        with tempfile.TemporaryDirectory() as folder:
            script = os.path.join(folder, "reload")
            with open(script, "w") as file:
                file.write(f"#!/bin/sh\necho run >> {folder}/runs\n")
            os.chmod(script, 0o755)
            self.start(f"[target server]\nadapter = exec\ncommand = {script}\n")
            first = self.issue("first", ["first.example.org"], deliver=[])
            second = self.issue("second", ["second.example.org"], deliver=[])
            deliver = {"deliver": GLib.Variant("as", ["server"])}
            for path in (first, second):
                self.client.call(path, "Certificate1.Modify", "(a{sv}as)", deliver, [])
            for path in (first, second):
                self.client.wait(lambda: self.applied(path)["server"]["state"] == "applied", "applied")
            with open(os.path.join(folder, "runs")) as file:
                self.assertLessEqual(len(file.readlines()), 2)


class Register(Case):
    terms = ""

    def test_terms(self):
        "Without agreement: ActionRequired names the terms; naming them registers; the account is found again"
        self.start()
        path, operation = self.client.request("web", ["web.example.org"])
        state = self.client.finished(operation)
        self.assertEqual(state["Error"], "org.certherd.Error.ActionRequired", state["ErrorMessage"])
        issuer = self.client.agent("GetIssuer", "(s)", "default")
        terms = self.client.get(issuer, "Issuer1")["TermsUrl"]
        self.assertIn(terms[:40], state["ErrorMessage"])
        agree = {"agree-terms": GLib.Variant("s", terms), "contacts": GLib.Variant("as", ["mailto:a@example.org"])}
        operation = self.client.call(issuer, "Issuer1.Register", "(a{sv})", agree)
        self.assertEqual(self.client.finished(operation)["State"], "done")
        values = self.client.get(issuer, "Issuer1")
        self.assertEqual((values["Status"], values["Contacts"]), ("valid", ["mailto:a@example.org"]))
        account = values["AccountUrl"]
        self.assertTrue(account.startswith("https://"))
        again = self.client.call(issuer, "Issuer1.Register", "(a{sv})", agree)
        self.assertEqual(self.client.finished(again)["State"], "done")
        self.assertEqual(self.client.get(issuer, "Issuer1")["AccountUrl"], account)
        # What had waited for the registration is issued by itself.
        self.client.wait(lambda: self.client.get(path, "Certificate1")["Generation"] == 1 or self.poll(), "generation 1")

    def test_wrong_terms(self):
        "Agreeing to other terms than the CA's is refused"
        self.start()
        issuer = self.client.agent("GetIssuer", "(s)", "default")
        operation = self.client.call(issuer, "Issuer1.Register", "(a{sv})",
                                     {"agree-terms": GLib.Variant("s", "https://other.example/terms")})
        self.assertEqual(self.client.finished(operation)["Error"], "org.certherd.Error.ActionRequired")


class BadDays(Case):
    def test_port_in_use(self):
        "The responder's port is taken: the error says so, and the way out; nothing is lost"
        with socket.socket() as holder:
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            holder.bind(("127.0.0.1", int(self.pebble["HTTP01_PORT"])))
            holder.listen()
            self.start()
            path, operation = self.client.request("web", ["web.example.org"])
            state = self.client.finished(operation)
            self.assertEqual(state["Error"], "org.certherd.Error.Unreachable", state["ErrorMessage"])
            self.assertIn(self.pebble["HTTP01_PORT"], self.agent.read_log())
        self.assertEqual(self.client.get(path, "Certificate1")["NextAction"], "retry")

    def run_agent(self, configuration=None, state=None, config=None, **more):
        """Runs the agent until it ends by itself: its status and its words."""
        with tempfile.TemporaryDirectory() as folder:
            config = config or folder
            if configuration is not None:
                with open(os.path.join(config, "certherd.conf"), "w") as file:
                    file.write(configuration)
            # Without its capabilities root, too, may do no more than a directory's mode says.
            user = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.getuid() == 0 else []
            ended = subprocess.run(user + PROGRAM + ["--session", "--config", config, "--state", state or folder + "/state"],
                                   capture_output=True, text=True, timeout=60, **more)
            return ended.returncode, ended.stderr

    def test_second_agent(self):
        "A second agent on the same state is refused"
        self.start()
        environment = dict(os.environ, DBUS_SESSION_BUS_ADDRESS=self.agent.bus.address)
        status, words = self.run_agent(self.configuration(), self.agent.state, env=environment)
        self.assertEqual(status, 1)
        self.assertIn(self.agent.state, words)
        status, words = self.run_agent(self.configuration(), env=environment)
        self.assertEqual(status, 1)
        self.assertIn("org.certherd.Agent1", words)
        self.issue("web", ["web.example.org"])

    def test_state_not_writable(self):
        "A state directory that cannot be written: the path and the cause"
        with tempfile.TemporaryDirectory() as folder:
            config, state = os.path.join(folder, "config"), os.path.join(folder, "state")
            os.makedirs(config)
            os.mkdir(state, 0o555)
            status, words = self.run_agent("", state, config)
            self.assertEqual(status, 1)
            self.assertIn(state, words)
            self.assertIn("ermission denied", words)

    def test_check_config(self):
        "--check-config: file, line and cause; status 1; and 0 when all is well"
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "certherd.conf"), "w") as file:
                file.write("[issuer x]\ndirectory-url = http://ca.example/dir\n[certificate web]\ncolour = red\n"
                           "[issuer y]\npreset = nowhere\n")
            ended = subprocess.run(PROGRAM + ["--check-config", "--config", folder], capture_output=True, text=True)
            self.assertEqual(ended.returncode, 1)
            self.assertRegex(ended.stderr, r"certherd\.conf:2: .*https")
            self.assertRegex(ended.stderr, r"certherd\.conf:4: .*colour")
            self.assertRegex(ended.stderr, r"certherd\.conf:5: .*there is no preset “nowhere”; known are .*letsencrypt")
            with open(os.path.join(folder, "certherd.conf"), "w") as file:
                file.write(self.configuration())
            ended = subprocess.run(PROGRAM + ["--check-config", "--config", folder], capture_output=True, text=True)
            self.assertEqual((ended.returncode, ended.stderr), (0, ""))

    def test_ca_goes_away(self):
        "A CA that cannot be reached: Unreachable with host and cause, a retry is scheduled"
        self.start()
        settings = {"directory-url": GLib.Variant("s", f"https://127.0.0.1:{free_port()}/dir")}
        self.client.agent("AddIssuer", "(sa{sv})", "gone", settings)
        path, operation = self.client.request("web", ["web.example.org"], issuer=["gone"])
        state = self.client.finished(operation)
        self.assertEqual(state["Error"], "org.certherd.Error.Unreachable")
        self.assertIn("127.0.0.1", state["ErrorMessage"])
        values = self.client.get(path, "Certificate1")
        self.assertLess(values["NextActionTime"] - values["LastErrorTime"], 120)


class Crash(Case):
    def points(self, folder):
        with open(os.path.join(folder, "points")) as file:
            return file.read().splitlines()

    def test_kill_everywhere(self):
        "Killed at every named point of an issuance, it resumes: one account, no order lost"
        with tempfile.TemporaryDirectory() as folder:
            log = {"CERTHERD_CRASH_LOG": os.path.join(folder, "points")}
            self.start(environment=log)
            self.issue("first", ["first.example.org"])
            os.truncate(log["CERTHERD_CRASH_LOG"], 0)
            self.issue("second", ["second.example.org"])
            points = list(dict.fromkeys(self.points(folder)))
            self.client.close()
            self.agent.clean()
        self.assertGreater(len(points), 20, points)
        for point in points:
            with self.subTest(point):
                try:
                    self.kill_at(point)
                finally:
                    if self.agent:
                        self.client.close()
                        self.agent.clean()
                        self.agent = None

    def kill_at(self, point):
        name = "kill" + str(abs(hash(point)))
        self.start()
        self.issue("account", ["account.example.org"])
        accounts = self.client.agent("ListIssuers")[0]["account-url"]
        self.client.close()
        self.assertEqual(self.agent.stop(), 0)
        self.agent.environment = {"CERTHERD_CRASH_AT": point}
        before = self.pebble.requests()
        try:
            self.agent.start()
            self.client = Client(self.agent.bus)
            try:
                self.client.request(name, [name + ".example.org"])
            except Failed:
                pass  # it died before the answer
            self.agent.process.wait(30)
        except AssertionError:
            self.agent.process.wait(30)  # it died while it started
        self.assertEqual(self.agent.process.returncode, -9, f"{point} was not hit")
        self.agent.log.close()
        self.client.close()
        self.agent.environment = {}
        self.agent.start()
        self.client = Client(self.agent.bus)
        try:
            path = self.client.agent("GetCertificate", "(s)", name)
        except Failed:  # killed before the wish was written down: the caller was never answered
            path = self.client.request(name, [name + ".example.org"])[0]
        self.client.wait(lambda: self.is_over(path) or self.poll(), "delivery")
        # Pebble validates at once: while nobody was there to answer. That order is lost, and said so.
        if self.client.get(path, "Certificate1")["LastError"]:
            self.assertRegex(point, "respond|challenge|ready|finalize|authorization|order|state:", point)
            self.assertIn("challenge", self.client.get(path, "Certificate1")["LastErrorMessage"])
            forced = self.client.call(path, "Certificate1.Renew", "(a{sv})", {"force": GLib.Variant("b", True)})
            state = self.client.finished(forced)
            self.assertEqual(state["State"], "done", state["ErrorMessage"])
            before["/order-plz"] = before.get("/order-plz", 0) + 1
        after = self.pebble.requests()
        orders = sum(after[key] - before.get(key, 0) for key in after if "order-plz" in key or "newOrder" in key)
        self.assertLessEqual(orders, 2, point)
        if "newOrder" not in point and "new-order" not in point:
            self.assertLessEqual(orders, 1, point)
        self.assertEqual(self.client.agent("ListIssuers")[0]["account-url"], accounts)

    def is_over(self, path):
        row = self.applied(path).get("live", {})
        return row.get("applied", 0) > 0 or self.client.get(path, "Certificate1")["LastError"]


tap.main()
