#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""certherdctl and the real agent, in session mode, with Pebble: the way of a certificate as a user goes
it.

  test-session.py PREFIX"""

import json
import os
import signal
import socket
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap  # noqa: E402
from rig import Rig  # noqa: E402

PREFIX = sys.argv.pop(1)


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not os.path.exists(os.path.join(PREFIX, "bin", "certherd")):
            raise unittest.SkipTest(f"certherd is not installed in {PREFIX}; tools/test installs it")
        cls.rig = Rig(PREFIX)
        cls.addClassCleanup(cls.rig.stop)
        cls.configure()
        cls.rig.start()

    @classmethod
    def configure(cls):
        cls.rig.configure_issuer()

    def ctl(self, *words, status=0):
        ended = self.rig.ctl(*words)
        self.assertEqual(ended.returncode, status, f"{words}\n{ended.stdout}{ended.stderr}\n{self.rig.log()}")
        return ended

    def json(self, *words, status=0):
        return json.loads(self.ctl("--json", *words, status=status).stdout)

    def leaf(self, name):
        """What openssl says of the chain that the target live has: serial and names; that its key fits."""
        folder = self.rig.file("state", "live", name)
        run = lambda *words: subprocess.run(["openssl", *words], check=True, capture_output=True, text=True).stdout
        said = run("x509", "-in", f"{folder}/fullchain.pem", "-noout", "-serial", "-ext", "subjectAltName")
        self.assertEqual(run("x509", "-in", f"{folder}/fullchain.pem", "-noout", "-pubkey"),
                         run("pkey", "-in", f"{folder}/privkey.pem", "-pubout"))
        return said


class Life(Case):
    def test_1_request(self):
        """request: the steps, a certificate in live, listed and shown"""
        ended = self.ctl("request", "www", "-d", "WWW.example.org.", "-d", "example.org")
        for step in ("key", "new-order", "finalize", "save", "deliver"):
            self.assertRegex(ended.stdout, rf"(?m)^  {step} ")
        self.assertRegex(ended.stdout, r"(?m)^www is valid: generation 1, until \d{4}-\d\d-\d\d")
        self.assertRegex(ended.stdout, r"(?m)^Next: renew \d{4}-\d\d-\d\d .*\(in \d+ days\)")
        said = self.leaf("www")
        for name in ("DNS:www.example.org", "DNS:example.org"):
            self.assertIn(name, said)

    def test_2_list(self):
        """list and its filters"""
        row, = self.json("list")
        self.assertEqual((row["name"], row["state"], row["activity"], row["generation"]), ("www", "valid", "idle", 1))
        self.assertEqual(len(self.json("list", "--issuer", "pebble", "--identifier", "*.example.org")), 1)
        self.assertEqual(self.json("list", "--state", "expired"), [])

    def test_3_show(self):
        """show agrees with the certificate that was delivered"""
        shown = self.json("show", "www")
        self.assertEqual((shown["issuers"], shown["origin"], shown["last-error"]), (["pebble"], "bus", ""))
        self.assertIn(shown["serial"].lower().lstrip("0"), self.leaf("www").lower())
        delivery, = shown["deliveries"]
        self.assertEqual((delivery["target"], delivery["state"], delivery["applied"]), ("live", "applied", 1))

    def test_4_again(self):
        """the same wish again joins; another one is refused, and says what to do"""
        self.ctl("request", "www", "-d", "example.org", "-d", "www.example.org")
        self.assertEqual(self.json("show", "www")["generation"], 1)
        self.assertIn("modify", self.ctl("request", "www", "-d", "other.example.org", status=1).stderr.lower())

    def test_5_renew(self):
        """renew: a new generation in live, with another serial"""
        before = self.leaf("www")
        self.assertEqual(self.json("renew", "www", "--reason", "a test")["generation"], 2)
        self.assertNotEqual(self.leaf("www"), before)

    def test_6_modify(self):
        """modify: other names are a new certificate, another target is not"""
        self.assertEqual(self.json("modify", "www", "-d", "new.example.org")["generation"], 3)
        self.assertIn("DNS:new.example.org", self.leaf("www"))
        self.assertEqual(self.json("modify", "www", "--renew", "14d")["generation"], 3)

    def test_6_second_issuer(self):
        """another issuer beside the only one: what names none stays with its own; a new wish has to say which"""
        self.ctl("issuer", "add", "second", "--directory-url", "https://second.example/dir")
        self.assertEqual(self.json("show", "www")["issuers"], ["pebble"])
        self.assertEqual(self.json("renew", "www")["generation"], 4)
        self.ctl("request", "www", "-d", "new.example.org", "--renew", "14d")
        self.assertIn("issuer", self.ctl("request", "more", "-d", "more.example.org", status=2).stderr)
        self.ctl("issuer", "remove", "second")

    def test_7_restart(self):
        """the agent restarted knows all of it"""
        self.assertEqual(self.rig.stop_agent(), 0)
        self.ctl("list", status=3)
        self.rig.start()
        self.assertEqual(self.json("show", "www")["generation"], 4)

    def test_8_remove(self):
        """remove: the name and its files are gone"""
        self.ctl("remove", "www")
        self.ctl("show", "www", status=5)
        self.assertEqual(self.json("list"), [])


class Mistakes(Case):
    def test_bad_words(self):
        """values that are wrong: 2, and the value is named"""
        for words, named in ((["-d", ""], "identifiers"), (["-d", "a..example.org"], "a..example.org"),
                             (["-d", "a.example.org", "--key-type", "dsa"], "dsa"),
                             (["-d", "a.example.org", "--deliver", "../x"], "../x"),
                             (["-d", "a.example.org", "--renew", "soon"], "soon")):
            self.assertIn(named, self.ctl("request", "bad", *words, status=2).stderr)
        self.ctl("request", "../bad", "-d", "a.example.org", status=2)
        self.assertEqual(self.json("list"), [])

    def test_unknown(self):
        """names that nobody has: 5; names that nobody can have: 2; each is named"""
        request = ["request", "bad", "-d", "a.example.org"]
        for words, named, status in ((request + ["--deliver", "nginx"], "target nginx", 5),
                                     (request + ["--issuer", "letsencrypt"], "issuer letsencrypt", 5),
                                     (request + ["--challenge", "dns-01"], "solver dns-01", 5),
                                     (["request", "n" * 65, "-d", "a.example.org"], "n" * 65, 2),
                                     (["request", "a b", "-d", "a.example.org"], "a b", 2),
                                     (["issuer", "add", "A", "--directory-url", "https://ca.test/"], "issuer's name", 2),
                                     (["list", "--state", "vald"], "vald", 2),
                                     *(([command, "nobody", *more], "nobody", 5) for command, *more in
                                       (("show",), ("renew",), ("retry",), ("remove",), ("modify", "--renew", "14d"))),
                                     *((["issuer", command, "nobody"], "nobody", 5) for command in ("show", "register", "remove"))):
            ended = self.ctl(*words, status=status)
            self.assertEqual(ended.stdout, "")
            self.assertIn(named, ended.stderr)
            error = self.json(*words, status=status)
            self.assertEqual(ended.stderr.splitlines()[0], "certherdctl: " + error["message"])
        self.assertNotIn("bad", [row["name"] for row in self.json("list")])

    def test_refused(self):
        """a name that the CA refuses: 6, with the CA's words"""
        ended = self.ctl("request", "refused", "-d", "blocked.example", status=6)
        self.assertIn("blocked.example", ended.stderr)
        self.assertEqual(self.json("show", "refused")["state"], "none")

    def test_wildcard(self):
        """a wildcard says that no solver can prove it"""
        ended = self.rig.ctl("request", "wild", "-d", "*.example.org")
        self.assertIn(ended.returncode, (1, 2, 6))
        self.assertIn("*.example.org", ended.stderr)


class Notify(Case):
    def test_words(self):
        """what the service manager is told: ready with the name owned, reloading, stopping"""
        path = self.rig.file("notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(path)
            manager.settimeout(30)
            self.rig.stop_agent()
            self.rig.start(NOTIFY_SOCKET=path)
            self.assertEqual(manager.recv(512), b"READY=1")
            self.rig.agent.send_signal(signal.SIGHUP)
            self.assertEqual([manager.recv(512), manager.recv(512)], [b"RELOADING=1", b"READY=1"])
            self.assertEqual(self.rig.stop_agent(), 0)
            self.assertEqual(manager.recv(512), b"STOPPING=1")
            self.rig.start()

    def test_not_ready(self):
        """an agent that cannot have the name does not say that it is ready: 1"""
        path = self.rig.file("notify-second")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(path)
            ended = subprocess.run([self.rig.program("certherd"), "--session", "--config", self.rig.file("config"), "--state",
                                    self.rig.file("second")], capture_output=True, text=True, timeout=60,
                                   env={**self.rig.environment, "NOTIFY_SOCKET": path})
            self.assertEqual(ended.returncode, 1)
            self.assertIn("org.certherd.Agent1", ended.stderr)
            manager.setblocking(False)
            self.assertRaises(BlockingIOError, manager.recv, 512)


class Terms(Case):
    @classmethod
    def configure(cls):
        pass

    def test_issuer(self):
        """an issuer over the bus: added, its terms agreed to by their URL, registered, removed"""
        self.ctl("issuer", "add", "lab", "--directory-url", self.rig.ca["DIRECTORY_URL"], "--trust", self.rig.ca["TLS_CA"])
        self.assertEqual(self.json("issuer", "show", "lab")["status"], "unregistered")
        ended = self.rig.ctl("issuer", "register", "lab")
        self.assertEqual((ended.returncode, ended.stderr.splitlines()[0].count("lab")), (6, 1))
        command = next(line for line in ended.stderr.splitlines() if line.startswith("  certherdctl "))
        agreed = subprocess.run(["sh", "-c", command.replace("certherdctl", self.rig.program("certherdctl"), 1)],
                                capture_output=True, text=True, env=self.rig.environment)
        self.assertEqual(agreed.returncode, 0, agreed.stderr)
        shown = self.json("issuer", "show", "lab")
        self.assertEqual(shown["status"], "valid")
        self.assertTrue(shown["account-url"].startswith("https://"))
        self.assertEqual([row["name"] for row in self.json("issuer", "list")], ["lab"])
        self.ctl("issuer", "remove", "lab")
        self.assertEqual(self.json("issuer", "list"), [])


tap.main()
