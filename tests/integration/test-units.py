#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The installed units as systemd's own tools see them, and what the generator adds to them. (How they
run is for test-systemd.py.)

  test-units.py PREFIX"""

import os
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap  # noqa: E402

PREFIX = sys.argv.pop(1)
FOLDER = os.path.join(PREFIX, "lib", "systemd", "system")
GENERATOR = os.path.join(PREFIX, "lib", "systemd", "system-generators", "certherd-generator")
# systemd's exposure level, times ten.
LIMITS = {"certherd.service": 15, "certherd-responder.service": 20, "certherd-deliver@.service": 30}


def verify(*paths):
    """What systemd finds wrong. Its exit status is 0 even for keys that it does not know."""
    ended = subprocess.run(["systemd-analyze", "verify", "--man=no", *paths], capture_output=True, text=True)
    return ended.stderr


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not os.path.isdir(FOLDER):
            raise unittest.SkipTest(f"certherd is not installed in {PREFIX}; tools/test installs it")

    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = holder.name

    def write(self, path, text):
        path = os.path.join(self.folder, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)
        return path


class Units(Case):
    def test_verify(self):
        """systemd finds nothing wrong with the units"""
        names = sorted(os.listdir(FOLDER))
        self.assertEqual(len(names), 7)
        self.assertEqual(verify(*(os.path.join(FOLDER, name.replace("@.", "@live.")) for name in names)), "")

    def test_verify_itself(self):
        """a key that systemd does not know is found"""
        path = self.write("x.service", "[Service]\nExecStart=/bin/true\nNoSuchKey=yes\n")
        self.assertIn("NoSuchKey", verify(path))

    def test_security(self):
        """systemd's exposure levels stay below their limits"""
        for name, limit in LIMITS.items():
            ended = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={limit}",
                                    os.path.join(FOLDER, name)], capture_output=True, text=True)
            self.assertEqual(ended.returncode, 0, ended.stdout.strip().rpartition("\n")[2])

    def test_security_itself(self):
        """a unit that is not confined is found"""
        path = self.write("x.service", "[Service]\nExecStart=/bin/true\nUser=nobody\n")
        ended = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=30", path],
                               capture_output=True, text=True)
        self.assertNotEqual(ended.returncode, 0, ended.stdout)

    def test_preset(self):
        """the responder is off until it is enabled"""
        with open(os.path.join(FOLDER, "..", "system-preset", "80-certherd.preset")) as file:
            lines = file.read().splitlines()
        for name in os.listdir(FOLDER):
            if name.endswith(".socket"):
                self.assertIn(f"disable {name}", lines)


class Generator(Case):
    def generate(self, **targets):
        """{unit: its settings} for targets with these lines."""
        for name, lines in targets.items():
            self.write(f"config/targets.d/{name}.conf", f"[target {name}]\n{lines}")
        units = os.path.join(self.folder, "units")
        os.mkdir(units)
        ended = subprocess.run([GENERATOR, "--config", os.path.join(self.folder, "config"), units, units, units],
                               capture_output=True, text=True)
        self.said = ended.stderr
        self.assertEqual(ended.returncode, 0, ended.stderr)
        found = {}
        for folder in os.listdir(units):
            leaf, = os.listdir(os.path.join(units, folder))
            with open(os.path.join(units, folder, leaf)) as file:
                found[folder] = file.read().partition("[Service]\n")[2]
        return found

    def test_live(self):
        """without any configuration, the target live has its directories"""
        settings = self.generate()
        self.assertEqual(list(settings), ["certherd-deliver@live.service.d"])
        self.assertIn("StateDirectory=certherd/live certherd/archive\n", settings["certherd-deliver@live.service.d"])

    def test_targets(self):
        """a target may write its path, or the directory of its file, and nothing else"""
        settings = self.generate(named="adapter = files\npath = /srv/tls\n",
                                 single="adapter = files\npath = /srv/tls/one.pem\nlayout = single\n",
                                 reload="adapter = unit\nunit = nginx.service\n")
        self.assertEqual(settings["certherd-deliver@named.service.d"], 'ReadWritePaths="-/srv/tls"\n')
        self.assertEqual(settings["certherd-deliver@single.service.d"], 'ReadWritePaths="-/srv/tls"\n')
        self.assertEqual(len(settings), 3)

    def test_quoting(self):
        """a path's characters mean nothing to systemd"""
        settings = self.generate(odd='adapter = files\npath = /srv/a "b" \\x %i $HOME\n')
        self.assertEqual(settings["certherd-deliver@odd.service.d"],
                         'ReadWritePaths="-/srv/a \\"b\\" \\\\x %%i $HOME"\n')
        unit = self.write("odd.service", "[Service]\nType=oneshot\nExecStart=/bin/true\n"
                          + settings["certherd-deliver@odd.service.d"])
        self.assertEqual(verify(unit), "")

    def test_webroots(self):
        """the agent may write the solvers' web roots"""
        self.write("config/certherd.conf", "[solver http-01]\nwebroot = /srv/a\n"
                   "[solver b]\nplugin = http-01\nwebroot = /srv/b %i\n[solver c]\nplugin = http-01\n")
        self.assertEqual(self.generate()["certherd.service.d"],
                         'ReadWritePaths="-/srv/a"\nReadWritePaths="-/srv/b %%i"\n')

    def test_mistakes(self):
        """what is wrong is said, with file and line, and the others are done"""
        settings = self.generate(good="adapter = files\npath = /srv/tls\n", bad="path = relative\n")
        self.assertEqual(sorted(settings), ["certherd-deliver@good.service.d", "certherd-deliver@live.service.d"])
        self.assertRegex(self.said, r"bad\.conf:\d+: .*relative")

    def test_no_folder(self):
        """without a directory to write to, it says so"""
        ended = subprocess.run([GENERATOR], capture_output=True, text=True)
        self.assertEqual(ended.returncode, 1)
        self.assertIn("--help", ended.stderr)


class Rule(Case):
    def test_rule(self):
        """the rule of polkit: this unit pattern and this verb for this user, nothing else"""
        with open(os.path.join(PREFIX, "share", "polkit-1", "rules.d", "10-certherd-deliver.rules")) as file:
            text = file.read()
        pattern = re.search(r"/(\^.*\$)/\.test", text)[1].replace("\\/", "/")
        for unit, may in (("certherd-deliver@live.service", True), ("certherd-deliver@web-1.example.service", True),
                          ("certherd-deliver@.service", False), ("certherd-deliver@a.service x", False),
                          ("certherd-deliver@../x.service", False), ("ssh.service", False),
                          ("xcertherd-deliver@a.service", False), ("certherd.service", False)):
            self.assertEqual(re.search(pattern, unit) is not None, may, unit)


tap.main()
