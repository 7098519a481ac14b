#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The installed agent proves names by DNS, as in the world: /etc/resolv.conf leads to a resolver, the zones'
servers are on port 53. All in a network and a mount namespace of its own.

  test-dns.py PREFIX"""

import os
import subprocess
import sys
import tempfile
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


def set_up_network(folder):
    with open(os.path.join(folder, "resolv.conf"), "w") as file:
        file.write(f"nameserver {dns.STANDARD_RESOLVER}\n")
    for command in ("ip link set lo up", f"ip address add {dns.STANDARD_RESOLVER}/8 dev lo",
                    f"mount --bind {file.name} {os.path.realpath('/etc/resolv.conf')}"):
        subprocess.run(command.split(), check=True)


class Dns(unittest.TestCase):
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
        cls.rig.configure_issuer()
        cls.rig.configure("certherd.conf", f"""[agent]
keystore = file

[solver dns-rfc2136]
server = {dns.BIND}:53
key-file = {cls.servers.key}
propagation-timeout = 2s

[solver second]
plugin = dns-rfc2136
server = {dns.KNOT}:53
key-file = {cls.servers.key}
""")
        cls.rig.start()

    def request(self, name, solver, *identifiers, status=0):
        words = [word for identifier in identifiers for word in ("-d", identifier)]
        ended = self.rig.ctl("request", name, "--challenge", solver, *words)
        self.assertEqual(ended.returncode, status, f"{ended.stdout}{ended.stderr}\n{self.rig.log()}")
        return ended.stdout + ended.stderr

    def names(self, name):
        return subprocess.run(["openssl", "x509", "-in", self.rig.file("state", "live", name, "cert.pem"), "-noout",
                               "-ext", "subjectAltName"], check=True, capture_output=True, text=True).stdout

    def texts(self, server, name):
        return subprocess.run(["dig", "+short", f"@{server}", name, "TXT"], check=True, capture_output=True,
                              text=True).stdout

    def test_wildcard(self):
        """a wildcard and its apex: issued, and nothing is left in the zone"""
        self.request("wild", "dns-rfc2136", "example.test", "*.example.test")
        self.assertIn("DNS:*.example.test", self.names("wild"))
        self.assertIn("DNS:example.test", self.names("wild"))
        self.assertEqual(self.texts(dns.BIND, "_acme-challenge.example.test"), "")

    def test_delegated(self):
        """a CNAME into a zone on another server, by a second solver of the same kind"""
        self.request("cname", "second", "*.cname.example.test")
        self.assertIn("DNS:*.cname.example.test", self.names("cname"))
        self.assertEqual(self.texts(dns.KNOT, "token.auth.test"), "")

    def test_not_everywhere(self):
        """a server that never shows the record is named, before the CA is asked to look"""
        said = self.request("both", "dns-rfc2136", "both.test", status=6)
        self.assertIn(f"ns2.both.test ({dns.KNOT}:53) does not show it (NXDOMAIN)", said)
        self.assertEqual(self.texts(dns.BIND, "_acme-challenge.both.test"), "")

    def test_secret(self):
        """the key is in no message of the agent"""
        with open(self.servers.key) as file:
            secret = file.read().split('secret "')[1].split('"')[0]
        self.request("locked", "second", "locked.test", status=6)
        self.assertNotIn(secret, self.rig.log())


tap.main()
