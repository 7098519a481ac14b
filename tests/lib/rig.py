# SPDX-License-Identifier: LGPL-2.1-or-later
"""A whole certherd of one's own for a test: a private bus, Pebble, and the installed agent in session
mode, on free ports, below one temporary folder. What it started it ends, by process id."""

import os
import subprocess
import sys
import tempfile

import gi

gi.require_version("Gio", "2.0")
from gi.repository import Gio  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
TIMEOUT = 30  # seconds, for what takes a fraction of one


class Rig:
    """PREFIX: where certherd is installed. KNOBS are pebble.py's options."""

    def __init__(self, prefix, *knobs):
        self.prefix = prefix
        self.holder = tempfile.TemporaryDirectory()
        self.path = self.holder.name
        self.agent = None
        self.bus = subprocess.Popen(["dbus-daemon", "--session", "--nofork", "--nopidfile", "--print-address=1"],
                                    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.address = self.bus.stdout.readline().strip()
        # It stops with us: its standard input ends.
        self.pebble = subprocess.Popen([sys.executable, os.path.join(HERE, "pebble.py"), "run", self.file("pebble"), *knobs],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ca = dict(line.rstrip("\n").split("=", 1) for line in iter(self.pebble.stdout.readline, "\n") if line)
        self.environment = {**os.environ, "DBUS_SESSION_BUS_ADDRESS": self.address, "LC_ALL": "C.UTF-8",
                            "HOME": self.path, "XDG_RUNTIME_DIR": self.path}
        self.configure("certherd.conf", f"[agent]\nkeystore = file\n\n[solver http-01]\nlisten = 127.0.0.1:{self.ca['HTTP01_PORT']}\n")

    def file(self, *parts):
        return os.path.join(self.path, *parts)

    def program(self, name):
        return os.path.join(self.prefix, "bin", name)

    def configure(self, path, text):
        """Writes a file of the configuration; what runs already is not told."""
        full = self.file("config", path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w") as file:
            file.write(text)

    def configure_issuer(self, name="pebble", more="agree-terms = yes\n"):
        self.configure(f"issuers.d/{name}.conf", f"[issuer {name}]\ndirectory-url = {self.ca['DIRECTORY_URL']}\n"
                                                  f"trust = {self.ca['TLS_CA']}\n{more}")

    def start(self, **environment):
        """Starts the agent, and returns when its name is owned: its state is loaded then."""
        log = open(self.file("agent.log"), "ab")
        self.agent = subprocess.Popen([self.program("certherd"), "--session", "--config", self.file("config"),
                                       "--state", self.file("state")], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                      env={**self.environment, **environment})
        log.close()
        subprocess.run(["gdbus", "wait", "--session", "--timeout", str(TIMEOUT), "org.certherd.Agent1"],
                       check=True, env=self.environment)

    def stop_agent(self, number=15):
        """Ends the agent with a signal, and returns its exit status."""
        self.agent.send_signal(number)
        status = self.agent.wait(TIMEOUT)
        self.agent = None
        return status

    def connect(self):
        flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
        return Gio.DBusConnection.new_for_address_sync(self.address, flags, None, None)

    def ctl(self, *words, timeout=120):
        return subprocess.run([self.program("certherdctl"), "--session", *words], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, env=self.environment, timeout=timeout)

    def log(self):
        with open(self.file("agent.log"), errors="replace") as file:
            return file.read()

    def stop(self):
        if self.agent is not None:
            self.stop_agent()
        self.pebble.stdin.close()
        self.pebble.wait()
        self.pebble.stdout.close()
        self.bus.terminate()
        self.bus.wait()
        self.bus.stdout.close()
        self.holder.cleanup()
