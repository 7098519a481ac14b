# SPDX-License-Identifier: LGPL-2.1-or-later
"""An agent on a private bus, and a client's view of it: calls, properties, signals, waiting for them.
Nothing here sleeps: a wait ends with the signal that it waits for, or fails after a time limit."""

import os
import shutil
import subprocess
import tempfile

import gi

gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # noqa: E402

from double import PrivateBus, ends_with_us  # noqa: E402

NAME = "org.certherd.Agent1"
ROOT = "/org/certherd/Agent1"
PROPERTIES = "org.freedesktop.DBus.Properties"
LIMIT = 30  # seconds until a wait fails


class Failed(Exception):
    """A D-Bus error: `name` without org.certherd.Error., and `message`."""

    def __init__(self, error):
        self.name = (Gio.DBusError.get_remote_error(error) or "").replace("org.certherd.Error.", "")
        self.message = error.message.split(": ", 1)[-1] if error.message.startswith("GDBus.Error:") else error.message
        super().__init__(f"{self.name}: {self.message}")


class Client:
    """One connection."""

    def __init__(self, bus):
        self.connection = bus.connect()
        self.signals = []
        self.connection.signal_subscribe(NAME, None, None, None, None, Gio.DBusSignalFlags.NONE, self.keep)

    def keep(self, connection, sender, path, interface, signal, parameters, *data):
        self.signals.append((path, interface.rsplit(".", 1)[1], signal, parameters.unpack()))

    def call_raw(self, path, interface, method, arguments=None, fds=None):
        try:
            return self.connection.call_with_unix_fd_list_sync(
                NAME, path, interface, method, arguments, None, Gio.DBusCallFlags.NONE, 20000, fds, None)
        except GLib.Error as error:
            raise Failed(error) from None

    def call(self, path, member, signature=None, *arguments):
        """member: "Agent1.Reload"; the reply unpacked: one value, or a tuple of several."""
        interface, method = member.split(".")
        parameters = GLib.Variant(signature, arguments) if signature else None
        reply = self.call_raw(path, "org.certherd." + interface, method, parameters)[0].unpack()
        return reply[0] if len(reply) == 1 else reply

    def agent(self, method, signature=None, *arguments):
        return self.call(ROOT, "Agent1." + method, signature, *arguments)

    def get(self, path, interface):
        reply = self.call_raw(path, PROPERTIES, "GetAll", GLib.Variant("(s)", ("org.certherd." + interface,)))
        return reply[0].unpack()[0]

    def request(self, name, identifiers, **spec):
        values = {"identifiers": GLib.Variant("as", identifiers)}
        for key, value in spec.items():
            kind = "as" if isinstance(value, list) else "s"
            values[key.replace("_", "-")] = GLib.Variant(kind, value)
        return self.agent("RequestCertificate", "(sa{sv})", name, values)

    def wait(self, condition, what):
        """Runs the loop until condition() is true; its value."""
        context = GLib.MainContext.default()
        over = []
        timer = GLib.timeout_add_seconds(LIMIT, lambda: over.append(True))
        while not (value := condition()):
            if over:
                raise AssertionError(f"after {LIMIT} s still waiting for {what}")
            context.iteration(True)
        GLib.source_remove(timer)
        return value

    def wait_for_agent(self):
        """Until the agent owns its name."""
        def owned():
            reply = self.connection.call_sync("org.freedesktop.DBus", "/", "org.freedesktop.DBus", "NameHasOwner",
                                              GLib.Variant("(s)", (NAME,)), None, Gio.DBusCallFlags.NONE, -1, None)
            GLib.timeout_add(50, lambda: False)
            return reply.unpack()[0]

        self.wait(owned, "the agent's name")

    def drain(self):
        """Handles what has arrived; a round trip makes sure that what was sent before has."""
        self.connection.call_sync("org.freedesktop.DBus", "/", "org.freedesktop.DBus", "GetId", None, None,
                                  Gio.DBusCallFlags.NONE, -1, None)
        while GLib.MainContext.default().iteration(False):
            pass

    def finished(self, operation):
        """Waits for an operation's end; its properties."""
        def ended():
            state = self.get(operation, "Operation1")
            return state if state["State"] != "running" else None

        if (state := ended()) is not None:
            return state
        self.wait(lambda: any(s[0] == operation and s[2] == "Finished" for s in self.signals),
                  f"the end of {operation}")
        return self.get(operation, "Operation1")

    def close(self):
        if not self.connection.is_closed():
            self.connection.close_sync(None)


class Agent:
    """Runs PROGRAM --session --config … --state … on a bus of its own."""

    def __init__(self, program, configuration="", environment=None):
        self.program = program
        self.environment = environment or {}
        self.folder = tempfile.mkdtemp(prefix="certherd-test-")
        self.config = os.path.join(self.folder, "config")
        self.state = os.path.join(self.folder, "state")
        os.makedirs(self.config)
        self.configure(configuration)
        self.bus = PrivateBus()
        self.process = None
        self.start()

    def configure(self, text):
        with open(os.path.join(self.config, "certherd.conf"), "w") as file:
            file.write(text)

    def start(self):
        environment = dict(os.environ, DBUS_SESSION_BUS_ADDRESS=self.bus.address, G_DEBUG="fatal-criticals",
                           **self.environment)
        self.log = open(os.path.join(self.folder, "log"), "a+")
        watcher = self.bus.connect()
        owned = []
        watcher.signal_subscribe(
            "org.freedesktop.DBus", "org.freedesktop.DBus", "NameOwnerChanged", "/org/freedesktop/DBus", NAME,
            Gio.DBusSignalFlags.NONE, lambda *a: owned.append(a[5].unpack()[2]))
        self.process = subprocess.Popen(
            self.program + ["--session", "--config", self.config, "--state", self.state],
            env=environment, stdout=self.log, stderr=self.log, preexec_fn=ends_with_us)
        over = []
        timer = GLib.timeout_add_seconds(LIMIT, lambda: over.append(True))
        poll = GLib.timeout_add(100, lambda: True)  # only to notice that the process has ended
        while not (owned and owned[-1]) and self.process.poll() is None and not over:
            GLib.MainContext.default().iteration(True)
        GLib.source_remove(poll)
        if not over:
            GLib.source_remove(timer)
        watcher.close_sync(None)
        if not (owned and owned[-1]):
            self.process.kill()
            raise AssertionError("the agent did not start:\n" + self.read_log())

    def read_log(self):
        self.log.flush()
        with open(self.log.name) as file:
            return file.read()

    def stop(self, signal=15):
        """Ends the process; its status."""
        if self.process.poll() is None:
            self.process.send_signal(signal)
        status = self.process.wait(LIMIT)
        self.log.close()
        return status

    def clean(self):
        if self.process.poll() is None:
            self.stop()
        self.bus.stop()
        shutil.rmtree(self.folder)
