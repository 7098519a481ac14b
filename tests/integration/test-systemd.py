#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Boots a real systemd over an installation, and runs a script of this folder in it, whose TAP this prints.

  test-systemd.py DISTRIBUTION SCRIPT"""

import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
DISTRIBUTION, SCRIPT = sys.argv[1:]


def find_hindrance():
    if os.geteuid() != 0:
        return "not root"
    # Root of a container may have to do without.
    probe = subprocess.run(["unshare", "--mount", "mount", "-t", "tmpfs", "certherd-test", "/mnt"], capture_output=True)
    if probe.returncode != 0:
        return "may not mount"
    return None


hindrance = find_hindrance()
if not os.path.isdir(DISTRIBUTION):
    print(f"ok 1 - an installation # SKIP there is no {DISTRIBUTION}; tools/test makes it\n1..1")
elif hindrance is not None:
    print(f"ok 1 - the shipped units under a real systemd # SKIP {hindrance}\n1..1")
else:
    boot = os.path.join(HERE, "..", "lib", "systemd.sh")
    os.execv(boot, [boot, DISTRIBUTION, "python3", "/source/tests/integration/" + SCRIPT])
