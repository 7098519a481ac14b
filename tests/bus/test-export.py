#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""certherdctl export, from the real agent: what openssl reads of what was written, and what is not written.

  test-export.py BUS-AGENT CERTHERDCTL"""

import json
import os
import pty
import re
import stat
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap  # noqa: E402
from agent import Agent, Client  # noqa: E402

PROGRAM, CTL = [os.path.abspath(sys.argv.pop(1))], os.path.abspath(sys.argv.pop(1))
CONFIGURATION = """
[issuer default]
directory-url = https://ca.test/dir
"""
PASSWORD = "pass wörd"


class Export(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.agent = Agent(PROGRAM, CONFIGURATION)
        cls.client = Client(cls.agent.bus)
        for name, key_type in (("www", "ecdsa-p256"), ("rsa", "rsa-2048"), ("edwards", "ed25519")):
            _, operation = cls.client.request(name, [name + ".example"], deliver=[], key_type=key_type)
            cls.client.finished(operation)
        cls.environment = {**os.environ, "DBUS_SESSION_BUS_ADDRESS": cls.agent.bus.address, "LC_ALL": "C.UTF-8"}

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        cls.agent.clean()

    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = holder.name
        with open(self.file("password"), "w") as file:
            file.write(PASSWORD + "\nno part of it\n")

    def file(self, name):
        return os.path.join(self.folder, name)

    def read(self, name):
        with open(self.file(name), "rb") as file:
            return file.read()

    def mode(self, name):
        return stat.S_IMODE(os.lstat(self.file(name)).st_mode)

    def ctl(self, *words, status=0, stdin=b""):
        ended = subprocess.run([CTL, "--session", "export", *words], input=stdin, capture_output=True, cwd=self.folder,
                               env=self.environment, preexec_fn=os.setsid)
        self.assertEqual(ended.returncode, status, ended.stderr)
        return ended

    def refused(self, said, *words, status=2):
        before = sorted(os.listdir(self.folder))
        ended = self.ctl(*words, status=status)
        self.assertIn(said, ended.stderr.decode())
        self.assertEqual(ended.stdout, b"")
        self.assertEqual(sorted(os.listdir(self.folder)), before)

    def openssl(self, *words, stdin=None):
        ended = subprocess.run(["openssl", *words], input=stdin, capture_output=True, cwd=self.folder)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        return ended.stdout

    def test_chain(self):
        """without options, the chain on standard output, and no key was asked for"""
        self.assertEqual(self.openssl("x509", "-noout", "-ext", "subjectAltName", stdin=self.ctl("www").stdout).split()[-1],
                         b"DNS:www.example")
        self.assertNotIn(b"PRIVATE", self.ctl("www", "--format=pem").stdout)

    def test_pem(self):
        """PEM: chain, key and both, of one generation, the key's files for nobody else"""
        os.umask(0o027)
        said = self.ctl("www", "--chain", "chain.pem", "--key", self.file("key.pem"), "--output=both.pem").stdout.decode()
        os.umask(0o022)
        self.assertIn("www: generation 1 is in chain.pem.\n", said)
        self.assertEqual(self.read("both.pem"), self.read("key.pem") + self.read("chain.pem"))
        self.assertEqual([self.mode(name) for name in ("chain.pem", "key.pem", "both.pem")], [0o640, 0o600, 0o600])
        self.assertEqual(self.openssl("pkey", "-in", "key.pem", "-pubout"),
                         self.openssl("x509", "-in", "chain.pem", "-noout", "-pubkey"))
        self.assertEqual(sorted(os.listdir(self.folder)), ["both.pem", "chain.pem", "key.pem", "password"])

    def test_der(self):
        """DER: the certificate, and the key"""
        self.ctl("rsa", "--format", "der", "--chain", "leaf.der", "--key", "key.der")
        self.assertEqual(self.openssl("pkey", "-inform", "DER", "-in", "key.der", "-pubout"),
                         self.openssl("x509", "-inform", "DER", "-in", "leaf.der", "-noout", "-pubkey"))
        self.assertEqual(self.ctl("rsa", "--format", "der").stdout, self.read("leaf.der"))
        self.assertEqual(self.mode("key.der"), 0o600)

    def read_pkcs12(self, name, *options):
        return self.openssl("pkcs12", "-in", name, "-passin", "pass:" + PASSWORD, "-nodes", "-info", *options).decode()

    def test_pkcs12(self):
        """PKCS#12 with each kind of key: openssl reads it, and what protects it is of today"""
        for name in ("www", "rsa", "edwards"):
            self.ctl(name, "--format=pkcs12", "--output", name + ".p12", "--password-file", "password")
            self.assertEqual(self.mode(name + ".p12"), 0o600)
            text = self.read_pkcs12(name + ".p12")
            self.assertEqual(text.count("BEGIN PRIVATE KEY"), 1)
            self.assertGreaterEqual(text.count("BEGIN CERTIFICATE"), 1)
            self.assertIn(f"friendlyName: {name}\n", text)
            key = self.openssl("pkey", "-pubout", stdin=text.encode())
            self.assertEqual(key, self.openssl("x509", "-noout", "-pubkey", stdin=text.encode()))
            about = subprocess.run(["openssl", "pkcs12", "-in", name + ".p12", "-passin", "pass:" + PASSWORD, "-noout",
                                    "-info"], capture_output=True, text=True, cwd=self.folder).stderr
            self.assertIn("MAC: sha256", about)
            self.assertEqual(len(re.findall(r"PBES2, PBKDF2, AES-256-CBC", about)), 2, about)
            self.assertNotIn(PASSWORD.encode(), self.read(name + ".p12"))

    def test_legacy(self):
        """PKCS#12 for old devices"""
        self.ctl("rsa", "--format=pkcs12", "--legacy", "-o", "old.p12", "--password-file", "-", stdin=PASSWORD.encode())
        about = subprocess.run(["openssl", "pkcs12", "-legacy", "-in", "old.p12", "-passin", "pass:" + PASSWORD, "-noout",
                                "-info"], capture_output=True, text=True, cwd=self.folder)
        self.assertEqual(about.returncode, 0, about.stderr)
        self.assertIn("MAC: sha1", about.stderr)
        self.assertEqual(about.stderr.count("pbeWithSHA1And3-KeyTripleDES-CBC"), 2, about.stderr)

    def test_json(self):
        """--json: what was written"""
        said = json.loads(self.ctl("www", "--json", "--chain=a.pem", "--key=b.pem").stdout)
        self.assertEqual(said, {"name": "www", "generation": 1, "files": ["a.pem", "b.pem"]})

    def test_standard_output(self):
        """the key goes to standard output where that is named, and nothing else does"""
        said = self.ctl("www", "--key", "-", "--chain", "c.pem").stdout
        self.assertTrue(said.startswith(b"-----BEGIN PRIVATE KEY-----\n"))
        self.assertTrue(said.rstrip().endswith(b"is in c.pem."), said)
        self.refused("one thing only", "www", "--key=-", "--chain=-")

    def test_existing(self):
        """what is there stays, unless --force; what is no file stays in any case"""
        for name in ("key.pem", "other"):
            with open(self.file(name), "w") as file:
                file.write("mine")
        os.chmod(self.file("key.pem"), 0o644)
        os.symlink("other", self.file("link"))
        os.mkfifo(self.file("pipe"))
        self.refused("--force", "www", "--chain=chain.pem", "--key=key.pem")
        for name in ("link", "pipe", "."):
            self.refused("no file", "www", "--force", "--key=" + name)
        self.assertEqual(self.read("key.pem"), b"mine")
        self.ctl("www", "--key=key.pem", "--force")
        self.assertIn(b"PRIVATE", self.read("key.pem"))
        self.assertEqual((self.mode("key.pem"), self.read("other")), (0o600, b"mine"))

    def test_unwritable(self):
        """a folder that is not there: which, and nothing is left"""
        self.refused("nowhere/key.pem cannot be written: No such file", "www", "--chain=chain.pem", "--key=nowhere/key.pem",
                     status=1)

    def test_refusals(self):
        """what does not fit together is refused with what to do, before the agent is asked for a key"""
        for said, *words in (
                ("no format", "--format=jks"), ("--output", "--format=pkcs12"), ("--output", "--format=pkcs12", "--key=a"),
                ("--chain", "--format=der", "--output=a"), ("pkcs12", "--legacy"), ("pkcs12", "--password-file=password"),
                ("numbered from 1", "--generation=-1"), ("numbered from 1", "--generation", "0"),
                ("“1x”", "--generation=1x"), ("“”", "--generation="), ("two files", "--chain=a", "--key=a"), ("--json", "--json"),
                ("cannot be read", "--format=pkcs12", "--output=a", "--password-file=missing"),
                ("the first line", "--format=pkcs12", "--output=a", "--password-file=/dev/null"),
                ("no terminal", "--format=pkcs12", "--output=a")):
            if words == ["--json"]:
                self.assertIn("--json", json.loads(self.ctl("www", *words, status=2).stdout)["message"])
            else:
                self.refused(said, "www", *words)

    def test_missing(self):
        """a certificate or a generation that there is not: 5"""
        self.refused("nobody", "nobody", status=5)
        self.refused("generation", "www", "--generation", "7", "--key=a", status=5)
        self.ctl("www", "--generation", "1", "--key=a")

    def type(self, *lines):
        """Runs export on a terminal of its own and types LINES; its exit status and what was shown."""
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(self.folder)
            os.execve(CTL, [CTL, "--session", "export", "www", "--format=pkcs12", "-o", "a.p12"], self.environment)
        shown = b""
        for count, line in enumerate(lines, 1):
            # The question comes when nothing is shown any more.
            while shown.count(b": ") < count:
                shown += os.read(terminal, 1024)
            os.write(terminal, line)
        try:
            while more := os.read(terminal, 1024):
                shown += more
        except OSError:  # how Linux says that nobody has the other end any more
            pass
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        os.close(terminal)
        return status, shown.decode()

    def test_prompt(self):
        """the password is asked for twice, and not shown"""
        status, shown = self.type(PASSWORD.encode() + b"\n", PASSWORD.encode() + b"\n")
        self.assertEqual(status, 0, shown)
        self.assertNotIn(PASSWORD, shown)
        self.assertIn("BEGIN PRIVATE KEY", self.read_pkcs12("a.p12"))

    def test_prompt_trouble(self):
        """two passwords, none, and a signal while it is asked for: nothing is written"""
        for lines, expected, said in (((b"a\n", b"b\n"), 2, "not the same"), ((b"\n",), 2, "not empty"),
                                      ((b"\x03",), 7, "no password"), ((b"\x04",), 7, "no password")):
            status, shown = self.type(*lines)
            self.assertEqual(status, expected, shown)
            self.assertIn(said, shown)
            self.assertEqual(os.listdir(self.folder), ["password"])


tap.main()
