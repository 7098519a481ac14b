# SPDX-License-Identifier: LGPL-2.1-or-later
"""For tests inside a systemd that tests/lib/systemd.sh has booted: commands whose failure shows the
journal, and Pebble, which validates on port 80."""

import json
import shutil
import subprocess

import ca

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


class Pebble(ca.Pebble):
    def __init__(self):
        # The network is the test's own, with nothing but this.
        run("ip", "link", "set", "lo", "up")
        super().__init__("--http-port", "80")
        # The agent has a /tmp of its own.
        self.values["TLS_CA"] = shutil.copy(self["TLS_CA"], "/etc/certherd/pebble.pem")


def write(path, text):
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
