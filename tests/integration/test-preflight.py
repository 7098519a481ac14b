#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""certherdctl check with the installed agent, Pebble, and a DNS, as in the world: the zones' servers and a
resolver are on port 53, the responder is on port 80. All in a network and a mount namespace of its own.

  test-preflight.py PREFIX"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
INSIDE = "HERD_TEST_NAMESPACE"

if INSIDE not in os.environ:
    os.environ[INSIDE] = "1"
    whose = [] if os.geteuid() == 0 else ["--map-root-user"]
    os.execvp("unshare", ["unshare", "--net", "--mount", *whose, sys.executable, *sys.argv])

import dns  # noqa: E402
import tap  # noqa: E402
from rig import Rig  # noqa: E402

PREFIX = sys.argv.pop(1)
OURS, ELSEWHERE = "192.0.2.1", "192.0.2.4"


def set_up_network(folder):
    with open(os.path.join(folder, "resolv.conf"), "w") as file:
        file.write(f"nameserver {dns.STANDARD_RESOLVER}\n")
    for command in ("ip link set lo up", f"ip address add {dns.STANDARD_RESOLVER}/8 dev lo",
                    f"ip address add {OURS}/32 dev lo", f"ip address add {ELSEWHERE}/32 dev lo",
                    f"mount --bind {file.name} {os.path.realpath('/etc/resolv.conf')}"):
        subprocess.run(command.split(), check=True)


class Stranger:
    """A web server at ELSEWHERE that is not ours: every request gets the same ANSWER."""

    def __init__(self, answer):
        self.socket = socket.create_server((ELSEWHERE, 80))
        self.answer = answer
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        while True:
            try:
                connection = self.socket.accept()[0]
            except OSError:
                return
            with connection:
                connection.recv(4096)
                connection.sendall(self.answer)

    def stop(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.socket.close()


class Check(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not os.path.exists(os.path.join(PREFIX, "bin", "certherd")):
            raise unittest.SkipTest(f"certherd is not installed in {PREFIX}; tools/test installs it")
        holder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(holder.cleanup)
        set_up_network(holder.name)
        cls.servers = dns.start(holder.name, standard=True)
        cls.addClassCleanup(cls.servers.stop)
        cls.rig = Rig(PREFIX, "--dns", f"{dns.STANDARD_RESOLVER}:53")
        cls.addClassCleanup(cls.rig.stop)
        cls.rig.configure_issuer("pebble")
        cls.rig.configure_issuer("fresh")
        cls.rig.configure_issuer("silent", more="")
        cls.rig.configure("issuers.d/gone.conf", "[issuer gone]\ndirectory-url = https://127.0.0.1:9/dir\n")
        cls.rig.configure("certherd.conf", f"""[agent]
keystore = file

[solver http-01]
listen = {OURS}:80

[solver tls-alpn-01]
listen = {OURS}:443

[solver dns-rfc2136]
server = {dns.BIND}:53
key-file = {cls.servers.key}
""")
        cls.rig.start()

    def rows(self, *words, status=0):
        ended = self.rig.ctl("--json", "check", *words)
        self.assertEqual(ended.returncode, status, f"{ended.stdout}{ended.stderr}\n{self.rig.log()}")
        return json.loads(ended.stdout)

    def check(self, *words, status=0, issuer="pebble"):
        """What is found: {(check, identifier): [(severity, message), …]}."""
        found = {}
        for row in self.rows("--issuer", issuer, *words, status=status):
            found.setdefault((row["check"], row["identifier"]), []).append((row["severity"], row["message"]))
        return found

    def only(self, found, check, identifier, severity):
        self.assertEqual([s for s, _ in found[check, identifier]], [severity], found)
        return found[check, identifier][0][1]

    def test_good(self):
        """all is well: the proof is seen at the name's address, and taken away again"""
        found = self.check("-d", "four.example.test", "--challenge", "http-01")
        self.assertIn(f"{OURS} port 80", self.only(found, "answer", "four.example.test", "ok"))
        self.assertEqual(self.only(found, "address", "four.example.test", "ok"), OURS)
        self.only(found, "caa", "four.example.test", "ok")
        self.only(found, "clock", "", "ok")
        self.only(found, "issuer", "", "ok")
        with socket.create_connection((OURS, 80)) as connection:
            connection.sendall(b"GET /.well-known/acme-challenge/x HTTP/1.0\r\n\r\n")
            self.assertIn(b" 404 ", connection.recv(4096))

    def test_tls(self):
        """tls-alpn-01: the port accepts connections, and no more is said"""
        found = self.check("-d", "four.example.test", "--challenge", "tls-alpn-01")
        self.assertIn("not looked at", self.only(found, "answer", "four.example.test", "ok"))

    def test_dns(self):
        """dns-01: where the record would be; no address is needed, and nothing is written"""
        found = self.check("-d", "*.cname.example.test", "-d", "away.example.test", "--challenge", "dns-rfc2136")
        self.assertIn("token.auth.test in the zone auth.test", self.only(found, "dns", "*.cname.example.test", "ok"))
        self.assertNotIn(("address", "away.example.test"), found)
        found = self.check("-d", "circle.example.test", "--challenge", "dns-rfc2136", status=8)
        self.assertIn("circle", self.only(found, "dns", "circle.example.test", "error"))

    def test_addresses(self):
        """no address, a private one, one where nobody answers, a name whose servers are down"""
        found = self.check("-d", "pinned.example.test", "-d", "private.example.test", "-d", "nobody.example.test", "-d",
                           "www.broken", "--challenge", "http-01", status=8)
        self.assertIn("neither an A nor an AAAA", self.only(found, "address", "pinned.example.test", "error"))
        self.assertEqual(found["address", "private.example.test"][0][0], "notice")  # the CA has a root of its own
        self.assertIn("seen from here", self.only(found, "answer", "nobody.example.test", "warning"))
        self.assertEqual([s for s, _ in found["address", "www.broken"]], ["warning", "warning"])
        self.assertIn("refuse", self.only(found, "caa", "www.broken", "warning"))
        found = self.check("-d", "private.example.test", "--challenge", "http-01", status=8, issuer="gone")
        self.assertEqual(found["address", "private.example.test"][0][0], "warning")

    def test_caa(self):
        """CAA records that forbid it, and some that cannot be judged since the CA has no name"""
        found = self.check("-d", "wild.example.test", "-d", "host.pinned.example.test", "--challenge", "dns-rfc2136",
                           status=8)
        self.assertIn("lets no CA issue", self.only(found, "caa", "wild.example.test", "error"))
        self.assertIn("pinned.example.test", self.only(found, "caa", "host.pinned.example.test", "notice"))

    def test_stranger(self):
        """port 80 belongs to somebody else: an answer that is not ours, a redirect, no HTTP at all"""
        for answer, severity, words in ((b"HTTP/1.1 404 Not Found\r\n\r\nno", "error", "status 404"),
                                        (b"HTTP/1.1 200 OK\r\n\r\n\x1b[31m", "error", "status 200"),
                                        (b"HTTP/1.1 301 Moved\r\nLocation: https://x/\r\n\r\n", "notice", "redirects"),
                                        (b"SSH-2.0-x\r\n" * 1000, "error", "does not speak HTTP")):
            stranger = Stranger(answer)
            try:
                found = self.check("-d", "elsewhere.example.test", "--challenge", "http-01",
                                   status=0 if severity == "notice" else 8)
            finally:
                stranger.stop()
            self.assertIn(words, self.only(found, "answer", "elsewhere.example.test", severity))

    def test_solver(self):
        """a wildcard that no solver can prove"""
        found = self.check("-d", "*.example.test", "--challenge", "http-01", status=8)
        self.assertIn("by DNS", self.only(found, "solver", "*.example.test", "error"))

    def test_issuer(self):
        """a CA that does not answer; one whose terms nobody has agreed to"""
        found = self.check("-d", "four.example.test", status=8, issuer="gone")
        self.assertIn("issuer gone: ", self.only(found, "issuer", "", "error"))
        self.only(found, "answer", "four.example.test", "ok")
        found = self.check("-d", "four.example.test", status=8, issuer="silent")
        self.assertIn("issuer register silent", self.only(found, "account", "", "error"))

    def test_issuers(self):
        """several issuers: each CA is asked, and the CAA records judged for each; addresses are looked at once"""
        rows = self.rows("--issuer", "gone", "--issuer", "silent", "-d", "wild.example.test", "-d", "pinned.example.test",
                         "-d", "private.example.test", "--challenge", "http-01", status=8)
        of = lambda check, identifier: [(row.get("issuer"), row["severity"]) for row in rows
                                        if (row["check"], row["identifier"]) == (check, identifier)]
        self.assertEqual(of("issuer", ""), [("gone", "error"), ("silent", "ok")])
        self.assertEqual(of("account", ""), [("silent", "error")])
        self.assertEqual(of("caa", "wild.example.test"), [("gone", "error"), ("silent", "error")])
        self.assertEqual(of("caa", "pinned.example.test"), [("gone", "notice"), ("silent", "notice")])
        self.assertEqual(of("caa", "private.example.test"), [(None, "ok")])
        # One of them is public.
        self.assertEqual(of("address", "private.example.test"), [(None, "warning"), (None, "ok")])
        self.assertEqual([row["check"] for row in rows].count("answer"), 1)

    def test_account(self):
        """the account is asked about, at the CA"""
        found = self.check("-d", "four.example.test", issuer="fresh")
        self.assertIn("yet", self.only(found, "account", "", "notice"))
        ended = self.rig.ctl("issuer", "register", "pebble")
        self.assertEqual(ended.returncode, 0, ended.stderr)
        found = self.check("-d", "four.example.test")
        self.assertIn("is valid", self.only(found, "account", "", "ok"))

    def test_later(self):
        """a certificate by its name; a failure later shows what was warned of"""
        ended = self.rig.ctl("request", "later", "-d", "nobody.example.test", "-c", "http-01", "--issuer", "pebble",
                             "--deliver=", "--no-wait")
        self.assertEqual(ended.returncode, 0, ended.stderr)
        ended = self.rig.ctl("check", "later")
        self.assertEqual(ended.returncode, 8)
        self.assertRegex(ended.stdout, r"RESULT +CHECK +FOR +WHAT IS KNOWN")
        self.assertRegex(ended.stdout, r"warning +answer +nobody.example.test +192.0.2.9 port 80: ")
        ended = self.rig.ctl("renew", "later", "--force")
        self.assertEqual(ended.returncode, 6)
        self.assertIn("The last check had warned:\n  nobody.example.test: 192.0.2.9 port 80: ", ended.stderr)


tap.main()
