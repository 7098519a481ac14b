#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The shipped units, in a systemd that tests/lib/systemd.sh has booted: the agent without a capability
gets a certificate, and has it written for another user and shown by a real nginx."""

import json
import os
import pwd
import re
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
PEBBLE = os.path.join(HERE, "..", "lib", "pebble.py")
KEK = "/etc/credstore.encrypted/certherd.kek"
STATE = "/var/lib/certherd"
TLS = "/srv/tls"
POLICY = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <policy user="certherd"><allow own="org.certherd.Agent1"/></policy>
  <policy context="default"><allow send_destination="org.certherd.Agent1"/></policy>
</busconfig>
"""
NGINX = """pid /run/nginx.pid;
error_log stderr;
events {}
http {
  access_log off;
  server {
    listen 127.0.0.1:443 ssl;
    ssl_certificate %s/www/fullchain.pem;
    ssl_certificate_key %s/www/privkey.pem;
  }
}
"""


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


def run(*words, status=0):
    ended = subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=90)
    if ended.returncode != status:
        raise AssertionError(f"{words} ended with {ended.returncode}\n{ended.stdout}{ended.stderr}\n{journal()}")
    return ended.stdout


def journal():
    return subprocess.run(["journalctl", "--no-pager", "-q", "-b", "-o", "short-monotonic", "-u", "certherd*", "-u", "nginx"],
                          capture_output=True, text=True).stdout[-8000:]


def ctl(*words, status=0):
    return run("certherdctl", *words, status=status)


def show(name="www"):
    return json.loads(ctl("--json", "show", name))


def at_rest():
    said = run("busctl", "get-property", "org.certherd.Agent1", "/org/certherd/Agent1", "org.certherd.Agent1", "AtRest")
    return said.split('"')[1]


def unit(name, key):
    return run("systemctl", "show", "--value", "-p", key, name).strip()


def served():
    """The serial of what nginx shows."""
    said = subprocess.run(["openssl", "s_client", "-connect", "127.0.0.1:443"], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL).stdout
    return subprocess.run(["openssl", "x509", "-noout", "-serial"], input=said, check=True, capture_output=True,
                          text=True).stdout.strip().partition("=")[2]


def set_up():
    run("ip", "link", "set", "lo", "up")
    pebble = subprocess.Popen([sys.executable, PEBBLE, "run", "/run/pebble", "--http-port", "80"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
    ca = dict(line.rstrip("\n").split("=", 1) for line in iter(pebble.stdout.readline, "\n") if line)
    write("/etc/certherd/issuers.d/pebble.conf", f"[issuer pebble]\ndirectory-url = {ca['DIRECTORY_URL']}\n"
                                                 f"trust = {ca['TLS_CA']}\nagree-terms = yes\n")
    write("/etc/certherd/targets.d/web.conf",
          f"[target web]\nadapter = unit\nunit = nginx.service\naction = reload-or-restart\npath = {TLS}\n"
          "owner = www-data\ngroup = www-data\nmode = 0400\nprobe = tls:127.0.0.1:443?sni=www.example.org\n")
    os.makedirs(TLS, exist_ok=True)
    write("/etc/nginx/nginx.conf", NGINX % (TLS, TLS))
    if not os.path.exists("/usr/share/dbus-1/system.d/org.certherd.Agent1.conf"):
        write("/etc/dbus-1/system.d/org.certherd.Agent1.conf", POLICY)
        run("busctl", "call", "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "ReloadConfig")
    run("systemctl", "daemon-reload")
    return pebble


class System(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pebble = set_up()

    @classmethod
    def tearDownClass(cls):
        cls.pebble.stdin.close()
        cls.pebble.wait()
        cls.pebble.stdout.close()

    def delivered(self, generation):
        for delivery in show()["deliveries"]:
            self.assertEqual((delivery["state"], delivery["applied"]), ("applied", generation),
                             f"{delivery}\n{journal()}")

    def test_1_keygen(self):
        """starting the agent makes the credential first, for root only"""
        self.assertFalse(os.path.exists(KEK))
        run("systemctl", "enable", "--now", "--quiet", "certherd-responder.socket")
        run("systemctl", "start", "certherd.service")
        self.assertEqual(unit("certherd.service", "ActiveState"), "active")
        self.assertEqual(os.stat(KEK).st_mode & 0o077, 0)
        self.assertEqual(at_rest(), "credential")
        self.assertEqual(os.stat(STATE).st_mode & 0o777, 0o711)

    def test_2_no_capability(self):
        """the agent has another user's id, and no capability"""
        with open(f"/proc/{unit('certherd.service', 'MainPID')}/status") as file:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        self.assertEqual(set(status["Uid"].split()), {str(pwd.getpwnam("certherd").pw_uid)})
        for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            self.assertEqual(int(status[kind], 16), 0, kind)
        self.assertEqual(status["NoNewPrivs"], "1")

    def test_3_request(self):
        """request: proved on port 80, written for www-data, shown by nginx"""
        ctl("request", "www", "-d", "www.example.org", "--deliver", "live", "--deliver", "web")
        self.delivered(1)
        key = os.stat(f"{TLS}/www/privkey.pem")
        self.assertEqual((pwd.getpwuid(key.st_uid).pw_name, key.st_mode & 0o777), ("www-data", 0o400))
        self.assertTrue(os.path.exists(f"{STATE}/live/www/fullchain.pem"))
        self.assertEqual(int(served(), 16), int(show()["serial"].replace(":", ""), 16))
        web, = [row for row in show()["deliveries"] if row["target"] == "web"]
        self.assertTrue(web["proved"])

    def test_4_renew(self):
        """renew: nginx shows the new serial"""
        before = served()
        ctl("renew", "www")
        self.delivered(2)
        self.assertNotEqual(served(), before)

    def test_5_restart(self):
        """reloaded and restarted, it knows all of it, and the key is the same"""
        run("systemctl", "reload", "certherd.service")
        with open(KEK, "rb") as file:
            before = file.read()
        run("systemctl", "restart", "certherd.service")
        self.assertEqual((at_rest(), show()["generation"]), ("credential", 2))
        with open(KEK, "rb") as file:
            self.assertEqual(file.read(), before)

    def test_6_polkit(self):
        """polkit lets the agent start deliveries, and no other unit"""
        for name, verb in (("nginx.service", "start"), ("certherd-deliver@live.service", "stop")):
            ended = subprocess.run(["runuser", "-u", "certherd", "--", "systemctl", "--no-ask-password", verb, name],
                                   capture_output=True, text=True)
            self.assertNotEqual(ended.returncode, 0)
            self.assertRegex(ended.stderr, "(?i)authentication|denied")
        run("runuser", "-u", "certherd", "--", "systemctl", "--no-ask-password", "start", "certherd-deliver@live.service")

    def test_7_locked(self):
        """without the credential it is locked: nothing is signed, no new key is made"""
        run("systemctl", "stop", "certherd.service")
        os.rename(KEK, KEK + ".away")
        run("systemctl", "start", "certherd.service")
        self.assertFalse(os.path.exists(KEK))
        self.assertEqual(at_rest(), "locked")
        self.assertEqual(show()["generation"], 2)
        ended = subprocess.run(["certherdctl", "renew", "www"], capture_output=True, text=True, timeout=90)
        self.assertNotEqual(ended.returncode, 0)
        self.assertIn("locked", ended.stderr.lower())
        self.assertEqual(show()["generation"], 2)

    def test_8_unlocked(self):
        """with the credential again, it goes on"""
        run("systemctl", "stop", "certherd.service")
        os.rename(KEK + ".away", KEK)
        run("systemctl", "start", "certherd.service")
        self.assertEqual(at_rest(), "credential")
        ctl("renew", "www", "--force")
        self.delivered(3)

    def test_9_quiet(self):
        """no unit has failed, and the sandbox was in nobody's way"""
        self.assertEqual(run("systemctl", "list-units", "--failed", "--plain", "--no-legend", "certherd*").strip(), "")
        self.assertNotRegex(journal(), "(?i)SIGSYS|core.dump|CRITICAL|read-only file system|not permitted")


tap.main()
