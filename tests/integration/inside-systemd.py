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
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap  # noqa: E402
from booted import NGINX, Pebble, ctl, journal, run, show, write  # noqa: E402

KEK = "/etc/credstore.encrypted/certherd.kek"
STATE = "/var/lib/certherd"
TLS = "/srv/tls"
# Has the agent's name until its standard input ends.
HOLDER = """
import sys
from gi.repository import Gio, GLib
bus = Gio.bus_get_sync(Gio.BusType.SYSTEM, None)
bus.call_sync("org.freedesktop.DBus", "/", "org.freedesktop.DBus", "RequestName",
              GLib.Variant("(su)", ("org.certherd.Agent1", 4)), None, 0, -1, None)
print("owned", flush=True)
sys.stdin.read()
"""


def at_rest():
    said = run("busctl", "get-property", "org.certherd.Agent1", "/org/certherd/Agent1", "org.certherd.Agent1", "AtRest")
    return said.split('"')[1]


def unit(name, key):
    return run("systemctl", "show", "--value", "-p", key, name).strip()


def pid_of(name):
    return unit(name, "MainPID")


def wait_until(condition, what):
    """Looks every tenth of a second, and fails after twenty."""
    for _ in range(200):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError(f"still waiting for {what}\n{journal()}")


def served():
    """The serial of what nginx shows."""
    said = subprocess.run(["openssl", "s_client", "-connect", "127.0.0.1:443"], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL).stdout
    return subprocess.run(["openssl", "x509", "-noout", "-serial"], input=said, check=True, capture_output=True,
                          text=True).stdout.strip().partition("=")[2]


def set_up():
    pebble = Pebble()
    write("/etc/certherd/issuers.d/pebble.conf", f"[issuer pebble]\ndirectory-url = {pebble['DIRECTORY_URL']}\n"
                                                 f"trust = {pebble['TLS_CA']}\nagree-terms = yes\n")
    write("/etc/certherd/targets.d/web.conf",
          f"[target web]\nadapter = unit\nunit = nginx.service\naction = reload-or-restart\npath = {TLS}\n"
          "owner = www-data\ngroup = www-data\nmode = 0400\nprobe = tls:127.0.0.1:443?sni=www.example.org\n")
    os.makedirs(TLS, exist_ok=True)
    write("/etc/nginx/nginx.conf", NGINX % (TLS, TLS))
    run("systemctl", "daemon-reload")
    return pebble


class System(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pebble = set_up()

    @classmethod
    def tearDownClass(cls):
        cls.pebble.stop()

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

    def test_2_activation(self):
        """a call on the bus starts the agent, and a connection to port 80 the responder"""
        run("systemctl", "stop", "certherd.service")
        for name in ("certherd.service", "certherd-responder.service"):
            self.assertEqual(unit(name, "ActiveState"), "inactive")
        self.assertEqual(at_rest(), "credential")
        self.assertEqual(unit("certherd.service", "ActiveState"), "active")
        said = run("curl", "-s", "-w", "%{http_code}", "-o", "/dev/null", "http://127.0.0.1/.well-known/acme-challenge/none")
        self.assertEqual(said, "404")
        self.assertEqual(unit("certherd-responder.service", "ActiveState"), "active")

    def test_2_ready(self):
        """started means that the name is owned; where somebody else has it, the start fails"""
        owner = ("busctl", "call", "--auto-start=no", "org.freedesktop.DBus", "/", "org.freedesktop.DBus", "NameHasOwner",
                 "s", "org.certherd.Agent1")
        run("systemctl", "restart", "certherd.service")
        self.assertEqual(run(*owner).strip(), "b true")
        run("systemctl", "stop", "certherd.service")
        self.assertEqual(run(*owner).strip(), "b false")
        with subprocess.Popen(["runuser", "-u", "certherd", "--", "python3", "-c", HOLDER], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True) as holder:
            self.assertEqual(holder.stdout.readline(), "owned\n")
            run("systemctl", "start", "certherd.service", status=1)
            run("systemctl", "stop", "certherd.service")
            holder.stdin.close()
        run("systemctl", "reset-failed")  # and what counts as starting too often
        run("systemctl", "start", "certherd.service")

    def test_2_failure(self):
        """an agent and a responder that crash are started again"""
        for name in ("certherd.service", "certherd-responder.service"):
            before = pid_of(name)
            run("systemctl", "kill", "--signal=SEGV", "--kill-who=main", name)
            wait_until(lambda: pid_of(name) not in (before, "0") and unit(name, "ActiveState") == "active", name)
        self.assertEqual(at_rest(), "credential")

    def test_2_no_capability(self):
        """the agent has another user's id, and no capability"""
        with open(f"/proc/{unit('certherd.service', 'MainPID')}/status") as file:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        self.assertEqual(set(status["Uid"].split()), {str(pwd.getpwnam("certherd").pw_uid)})
        for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            self.assertEqual(int(status[kind], 16), 0, kind)
        self.assertEqual(status["NoNewPrivs"], "1")

    def test_2_may_write(self):
        """the agent writes its state and no other place, and no other user any of these"""
        places = ("/etc/certherd", "/etc/certherd/targets.d", "/run/certherd", "/var/lib", "/usr/lib/certherd", TLS, STATE)
        look = 'for place; do if [ -w "$place" ]; then echo "$place"; fi; done'
        said = run("nsenter", "--target", pid_of("certherd.service"), "--mount", "runuser", "-u", "certherd", "--",
                   "sh", "-c", look, "look", *places)
        self.assertEqual(said, STATE + "\n")
        for user in ("nobody", "www-data"):
            self.assertEqual(run("runuser", "-u", user, "--", "sh", "-c", look, "look", *places), "")

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

    def test_5_rejected(self):
        """a unit that cannot be reloaded: the delivery is rejected, and the old certificate is back"""
        serial, files = served(), self.read_files()
        with open("/etc/nginx/nginx.conf", "a") as file:
            file.write("no_such_directive;\n")
        self.assertRegex(ctl("renew", "www", "--reason", "a test", status=6), "(?m)^  deliver ")
        web, = [row for row in show()["deliveries"] if row["target"] == "web"]
        self.assertEqual((web["state"], web["applied"]), ("rejected", 2), web)
        self.assertIn("nginx.service", web["message"])
        self.assertEqual((served(), self.read_files()), (serial, files))
        write("/etc/nginx/nginx.conf", NGINX % (TLS, TLS))
        ctl("retry", "www")
        wait_until(lambda: all(row["applied"] == 3 for row in show()["deliveries"]), "the delivery")
        self.assertNotEqual(served(), serial)

    def read_files(self):
        texts = []
        for leaf in ("fullchain.pem", "privkey.pem"):
            with open(f"{TLS}/www/{leaf}") as file:
                texts.append(file.read())
        return texts

    def test_4_others(self):
        """what was delivered below the state is root's, and nobody else can write there"""
        for user in ("nobody", "www-data"):
            self.assertEqual(run("runuser", "-u", user, "--", "find", STATE + "/live", STATE + "/archive", "-writable",
                                 "!", "-type", "l"), "")
        for folder, _, leaves in os.walk(STATE + "/archive"):
            for leaf in leaves:
                status = os.stat(os.path.join(folder, leaf))
                self.assertEqual(status.st_uid, 0)
                self.assertEqual(status.st_mode & 0o777, 0o600 if leaf in ("privkey.pem", "combined.pem") else 0o644, leaf)

    def test_5_reload(self):
        """a reload is over when the configuration is read; a mistake in it fails the reload, with file and line"""
        issuer = "/etc/certherd/issuers.d/other.conf"
        write(issuer, "[issuer other]\ndirectory-url = https://other.example/dir\n")
        run("systemctl", "reload", "certherd.service")
        ctl("issuer", "show", "other")
        write(issuer, "[issuer other]\ndirectory-url = http://other.example/dir\n")
        run("systemctl", "reload", "certherd.service", status=1)
        self.assertRegex(journal(), r"other\.conf:2: .*https")
        self.assertEqual(json.loads(ctl("--json", "issuer", "show", "other"))["directory-url"], "https://other.example/dir")
        self.assertEqual(unit("certherd.service", "ActiveState"), "active")
        os.unlink(issuer)
        run("systemctl", "reload", "certherd.service")
        ctl("issuer", "remove", "other")

    def test_5_restart(self):
        """restarted, it knows all of it, and the key is the same"""
        with open(KEK, "rb") as file:
            before = file.read()
        run("systemctl", "restart", "certherd.service")
        self.assertEqual((at_rest(), show()["generation"]), ("credential", 3))
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

    def test_6_tls(self):
        """the socket for tls-alpn-01, enabled later: the responder answers on it too"""
        folder = "/etc/systemd/system/certherd-responder-tls.socket.d"
        os.makedirs(folder)
        write(f"{folder}/port.conf",
              f"[Socket]\nListenStream=\nListenStream=127.0.0.1:{self.pebble['TLSALPN01_PORT']}\n")
        write("/etc/certherd/certherd.conf", "[solver tls-alpn-01]\n")
        run("systemctl", "daemon-reload")
        run("systemctl", "stop", "certherd-responder.service")
        run("systemctl", "enable", "--now", "--quiet", "certherd-responder-tls.socket")
        run("systemctl", "restart", "certherd.service")
        ctl("request", "tls", "-d", "tls.example.org", "--challenge", "tls-alpn-01")
        self.assertEqual(show("tls")["generation"], 1)
        ctl("request", "http", "-d", "http.example.org", "--challenge", "http-01")

    def test_7_locked(self):
        """without the credential it is locked: nothing is signed, no new key is made"""
        run("systemctl", "stop", "certherd.service")
        os.rename(KEK, KEK + ".away")
        run("systemctl", "start", "certherd.service")
        self.assertFalse(os.path.exists(KEK))
        self.assertEqual(at_rest(), "locked")
        self.assertEqual(show()["generation"], 3)
        ctl("renew", "www", "--no-wait")
        run("systemctl", "reload", "certherd.service")
        self.assertEqual(at_rest(), "locked")
        self.assertFalse(os.path.exists(KEK))
        self.assertEqual(show()["generation"], 3)

    def test_8_unlocked(self):
        """with the credential again, what waited goes on; asked for again, it is joined if it has not ended yet"""
        run("systemctl", "stop", "certherd.service")
        os.rename(KEK + ".away", KEK)
        run("systemctl", "start", "certherd.service")
        self.assertEqual(at_rest(), "credential")
        ctl("renew", "www", "--force")
        self.assertIn(show()["generation"], (4, 5))
        self.delivered(show()["generation"])

    def test_9_quiet(self):
        """no unit has failed, and the sandbox was in nobody's way"""
        self.assertEqual(run("systemctl", "list-units", "--failed", "--plain", "--no-legend", "certherd*").strip(), "")
        self.assertNotRegex(journal(), "(?i)SIGSYS|core.dump|CRITICAL|read-only file system|not permitted")


tap.main()
