#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What `meson install` puts where, with DESTDIR: compared with tests/checks/installed.txt, which has the
places of a distribution (prefix /usr). A build with another prefix is compared as if it had that one.

  install.py BUILD          the test
  install.py BUILD --list   what BUILD installs, in the form of the list"""

import json
import os
import subprocess
import sys
import tempfile

import tree

LIST = "tests/checks/installed.txt"


def read_options(build):
    said = subprocess.run(["meson", "introspect", "--buildoptions", build], check=True, capture_output=True, text=True)
    return {option["name"]: option["value"] for option in json.loads(said.stdout)}


def to_distribution(path, options):
    """PATH, which was installed with OPTIONS, as a distribution has it."""
    prefix = options["prefix"].rstrip("/")
    for name, place in (("sysconfdir", "/etc"), ("localstatedir", "/var"), ("libdir", "/usr/lib")):
        folder = os.path.join(prefix, options[name])
        if path.startswith(folder + "/"):
            return place + path[len(folder):]
    return "/usr" + path[len(prefix):] if path.startswith(prefix + "/") else path


def find_installed(build):
    options = read_options(build)
    with tempfile.TemporaryDirectory() as holder:
        # --destdir knows of no rebuild: the tests run on what was built.
        subprocess.run(["meson", "install", "-C", build, "--no-rebuild", "--quiet", "--destdir", holder],
                       check=True, stdout=subprocess.DEVNULL)
        found = []
        for folder, folders, leaves in os.walk(holder):
            if not folders and not leaves:
                path = "/" + os.path.relpath(folder, holder)
                found.append(f"{os.lstat(folder).st_mode & 0o7777:04o} {to_distribution(path, options)}/")
            for leaf in leaves:
                path = "/" + os.path.relpath(os.path.join(folder, leaf), holder)
                mode = os.lstat(os.path.join(folder, leaf)).st_mode
                kind = "link" if os.path.islink(os.path.join(folder, leaf)) else f"{mode & 0o7777:04o}"
                found.append(f"{kind} {to_distribution(path, options)}")
    return found


def compare(found, listed):
    return ([f"is installed, but not in {LIST}: {line}" for line in sorted(set(found) - set(listed))]
            + [f"is in {LIST}, but not installed: {line}" for line in sorted(set(listed) - set(found))])


class Install(tree.Case):
    def test_list(self):
        """every file is where distributions want it, with its mode"""
        lines = [line for line in tree.read(tree.SOURCE, LIST).splitlines() if line and not line.startswith("#")]
        self.assertNothing(compare(find_installed(tree.BUILD), lines))

    def test_itself(self):
        """a file too many or too few is found, and places are translated"""
        self.assertFinds(compare(["0755 /usr/bin/a", "0644 /b"], ["0755 /usr/bin/a"]), "not in", "/b")
        self.assertFinds(compare([], ["0755 /usr/bin/a"]), "not installed", "/usr/bin/a")
        options = {"prefix": "/x/y", "sysconfdir": "etc", "localstatedir": "var", "libdir": "lib/some-linux-gnu"}
        for path, place in (("/x/y/etc/certherd/a", "/etc/certherd/a"), ("/x/y/bin/b", "/usr/bin/b"),
                            ("/x/y/lib/some-linux-gnu/c.so", "/usr/lib/c.so"), ("/x/y/lib/systemd/d", "/usr/lib/systemd/d"),
                            ("/lib/e", "/lib/e")):
            self.assertEqual(to_distribution(path, options), place)


if "--list" in sys.argv:
    print(*sorted(find_installed(tree.BUILD), key=lambda line: line.split()[1]), sep="\n")
else:
    tree.main()
