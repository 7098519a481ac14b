#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""tools/test and tools/demo on a machine without the packages: who may not install them is told which
they are, and nothing else happens."""

import os
import shutil
import subprocess

import tree


class Packages(tree.Case):
    def run_tool(self, tool, packages):
        root = self.make_tree({"tools/packages": packages})
        for name in (tool, "setup.sh"):
            shutil.copy(os.path.join(tree.SOURCE, "tools", name), os.path.join(root, "tools", name))
        os.chmod(root, 0o755)
        nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
        ended = subprocess.run([*nobody, "bash", os.path.join(root, "tools", tool)], capture_output=True, text=True)
        self.assertEqual(sorted(os.listdir(root)), ["tools"])
        return ended

    def test_missing(self):
        """without root, the missing packages are named, and only they: exit 1"""
        for tool in ("test", "demo"):
            ended = self.run_tool(tool, "# why\nno-such-package-a # and\n\nbash\nno-such-package-b\n")
            self.assertEqual((ended.returncode, ended.stdout), (1, ""))
            self.assertIn("apt-get install --no-install-recommends no-such-package-a no-such-package-b\n", ended.stderr)

    def test_list(self):
        """the list is of package names, each once"""
        lines = [line.partition("#")[0].strip() for line in tree.read(tree.SOURCE, "tools/packages").splitlines()]
        names = [line for line in lines if line]
        self.assertEqual(sorted(set(names)), sorted(names))
        for name in names:
            self.assertRegex(name, r"^[a-z0-9][a-z0-9.+-]+$")


tree.main()
