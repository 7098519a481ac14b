#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""README's "Use it for real", every line as printed, in a systemd that tests/lib/systemd.sh has booted.
Pebble stands for both of Let's Encrypt's servers, and its terms' URL for the word URL."""

import os
import re
import subprocess
import sys
import unittest

LIB = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib")
sys.path.insert(0, LIB)
import tap  # noqa: E402
from booted import NGINX, Pebble, journal, show, write  # noqa: E402

TERMS = "data:text/plain,Do%20what%20thou%20wilt"
TLS = "/etc/nginx/tls"


def read_blocks(heading):
    """The indented blocks of a section of README."""
    with open(os.path.join(LIB, "..", "..", "README.md")) as file:
        section = file.read().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return [re.sub("(?m)^    ", "", block) for block in re.findall(r"(?m)(?:^    .*\n)+", section)]


class Readme(unittest.TestCase):
    def test_lines(self):
        """every line of README works as printed, down to the issuer of the real ones"""
        pebble = Pebble()
        self.addCleanup(pebble.stop)
        write("/etc/nginx/nginx.conf", NGINX % (TLS, TLS))
        blocks = read_blocks("Use it for real")
        self.assertEqual(len(blocks), 4)
        said = [self.follow(block, pebble) for block in blocks]
        self.assertIn(f"certherdctl issuer register letsencrypt-staging --agree-terms '{TERMS}'", said[1])
        shown = show()
        self.assertEqual((shown["state"], shown["issuers"], shown["generation"]), ("valid", ["letsencrypt"], 2))
        rows = {row["target"]: row for row in shown["deliveries"]}
        self.assertEqual({name: row["applied"] for name, row in rows.items()}, {"live": 2, "nginx": 2})
        self.assertEqual(rows["nginx"]["proved"], 2)
        for leaf in ("fullchain", "privkey", "cert", "chain", "combined"):
            self.assertTrue(os.path.exists(f"/var/lib/certherd/live/www/{leaf}.pem"), leaf)

    def follow(self, block, pebble):
        """Runs a block line by line as a person would, and fails where one fails; what they said."""
        text, places = re.subn(r"(?m)^preset = letsencrypt(-staging)?$",
                               f"directory-url = {pebble['DIRECTORY_URL']}\ntrust = {pebble['TLS_CA']}", block)
        text = re.sub(r"--agree-terms URL\b", f"--agree-terms '{TERMS}'", text)
        # The one that shows the terms cannot succeed before somebody has agreed to them.
        text = re.sub(r"(?m)^(certherdctl issuer register \S+)( +#.*)?$", r"! \1", text)
        self.assertEqual(places, block.count("preset"))
        ended = subprocess.run(["bash", "-xec", text], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, timeout=90)
        self.assertEqual(ended.returncode, 0, f"{ended.stdout}\n{journal()}")
        return ended.stdout

    def test_no_section(self):
        """a section that is not there has no lines"""
        self.assertEqual(read_blocks("No such heading"), [])


tap.main()
