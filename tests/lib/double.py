# SPDX-License-Identifier: LGPL-2.1-or-later
"""A double of the agent on a private bus: it answers by the documented interfaces (data/dbus), with
what a test tells it to. For tests of clients; what a client does with the real agent is tested too."""

import ctypes
import fcntl
import os
import signal
import subprocess
import tempfile

import gi

gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # noqa: E402

ROOT = "/org/certherd/Agent1"
SOURCE = os.path.normpath(os.path.join(os.path.dirname(__file__), "..", ".."))


class Refusal(Exception):
    """Raised by a method of a double: a D-Bus error."""

    def __init__(self, name, message):
        super().__init__(message)
        self.name = name if "." in name else "org.certherd.Error." + name
        self.message = message


def ends_with_us():
    """For Popen's preexec_fn: a test that is killed leaves nothing behind."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


class PrivateBus:
    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="certherd-bus-")
        # Without the guid that the daemon prints: one that was started again has another.
        self.address = f"unix:path={self.folder.name}/bus"
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            ["dbus-daemon", "--session", "--nofork", "--nopidfile", "--print-address=1", "--address=" + self.address],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, preexec_fn=ends_with_us)
        self.process.stdout.readline()

    def kill(self):
        """As in a crash: every connection is cut."""
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        os.unlink(os.path.join(self.folder.name, "bus"))

    def restart(self):
        self.kill()
        self.start()

    def connect(self):
        flags = (Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT
                 | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION)
        return Gio.DBusConnection.new_for_address_sync(self.address, flags, None, None)

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()
        self.folder.cleanup()


class BrokenBus:
    """A double of a bus that lets everybody in, and cuts the connection of who asks for a name."""

    INTERFACE = """<node><interface name='org.freedesktop.DBus'><method name='Hello'><arg type='s' direction='out'/></method>
<method name='RequestName'><arg type='s' direction='in'/><arg type='u' direction='in'/><arg type='u' direction='out'/>
</method></interface></node>"""

    def __init__(self, address, asked):
        self.asked = asked
        self.connections = []
        self.server = Gio.DBusServer.new_sync(address, Gio.DBusServerFlags.NONE, Gio.dbus_generate_guid(), None, None)
        self.server.connect("new-connection", self.on_connection)
        self.server.start()

    def on_connection(self, server, connection):
        info = Gio.DBusNodeInfo.new_for_xml(self.INTERFACE).interfaces[0]
        connection.register_object("/org/freedesktop/DBus", info, self.on_call, None, None)
        self.connections.append(connection)
        return True

    def on_call(self, connection, sender, path, interface, member, parameters, invocation):
        if member == "Hello":
            invocation.return_value(GLib.Variant("(s)", (":1.1",)))
        else:
            connection.close_sync(None)
            self.asked()

    def stop(self):
        self.server.stop()


class Double:
    """Objects are set with put(); methods with the dictionary `methods`: member → a function of (path,
    arguments…) that returns a GLib.Variant or None, or raises Refusal. `calls` is what came, `contents` what
    was in the descriptors: (bytes, sealed)."""

    def __init__(self, bus):
        self.connection = bus.connect()
        self.methods = {}
        self.calls = []
        self.contents = []  # of descriptors that came
        self.on_read = lambda path, name: None  # called after a property was read
        self.objects = {}
        self.registrations = {}
        self.interfaces = {}
        for noun in ("Agent", "Certificate", "Issuer", "Operation", "Subscription"):
            name = f"org.certherd.{noun}1"
            with open(os.path.join(SOURCE, "data", "dbus", name + ".xml")) as file:
                self.interfaces[name] = Gio.DBusNodeInfo.new_for_xml(file.read()).lookup_interface(name)

    def own_name(self):
        self.call_bus("RequestName", GLib.Variant("(su)", ("org.certherd.Agent1", 0)))

    def release_name(self):
        self.call_bus("ReleaseName", GLib.Variant("(s)", ("org.certherd.Agent1",)))

    def call_bus(self, member, arguments):
        return self.connection.call_sync("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                         member, arguments, None, Gio.DBusCallFlags.NONE, -1, None)

    def put(self, path, interface, **properties):
        """Adds the object, or changes properties of it, and says so on the bus."""
        known = self.objects.setdefault((path, interface), {})
        changed = {}
        for name, value in properties.items():
            signature = self.interfaces[interface].lookup_property(name).signature
            known[name] = changed[name] = GLib.Variant(signature, value)
        if (path, interface) not in self.registrations:
            self.registrations[path, interface] = self.connection.register_object(
                path, self.interfaces[interface], self.on_call, self.on_get, None)
        elif changed:
            self.emit(path, "org.freedesktop.DBus.Properties", "PropertiesChanged",
                      GLib.Variant("(sa{sv}as)", (interface, changed, [])))

    def emit(self, path, interface, signal, parameters):
        self.connection.emit_signal(None, path, interface, signal, parameters)
        self.connection.flush_sync(None)

    def on_call(self, connection, sender, path, interface, member, parameters, invocation):
        self.calls.append((member, path, parameters.unpack()))
        fds = invocation.get_message().get_unix_fd_list()
        self.contents += [self.read(fd) for fd in fds.peek_fds()] if fds is not None else []
        try:
            method = self.methods.get(member)
            if method is None:
                raise Refusal("NotFound", f"the double has no {member} of {path}")
            invocation.return_value(method(path, *parameters.unpack()))
        except Refusal as refusal:
            invocation.return_dbus_error(refusal.name, refusal.message)
        except Exception as error:  # a mistake in a test must not look like an agent that hangs
            invocation.return_dbus_error("org.certherd.Error.Failed", f"double: {error!r}")

    def read(self, fd):
        """What is in a descriptor, and whether nobody can change it any more."""
        return os.pread(fd, 65536, 0), fcntl.fcntl(fd, 1034) == 0xF  # F_GET_SEALS

    def on_get(self, connection, sender, path, interface, name):
        known = self.objects[path, interface]
        GLib.idle_add(lambda: self.on_read(path, name))
        if name in known:
            return known[name]
        signature = self.interfaces[interface].lookup_property(name).signature
        empty = {"s": "", "o": "/", "b": False, "d": 0.0}.get(signature)
        if empty is None:
            empty = [] if signature in ("as", "ao", "aa{sv}") else {} if signature[:2] == "a{" else 0
        return GLib.Variant(signature, empty)
