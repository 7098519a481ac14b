# SPDX-License-Identifier: LGPL-2.1-or-later
"""The agent on a system bus of its own with the real polkitd, inside the namespaces of
tests/integration/system-bus.sh; and whom polkit would ask: an authentication agent that a test answers for."""

import os
import pwd
import shutil
import subprocess
import tempfile

from agent import LIMIT, NAME, Client, Failed, Gio, GLib
from double import ends_with_us

SOCKET = "unix:path=/run/dbus/system_bus_socket"
RULES = "/etc/polkit-1/rules.d/50-test.rules"
AUTHORITY = ("org.freedesktop.PolicyKit1", "/org/freedesktop/PolicyKit1/Authority",
             "org.freedesktop.PolicyKit1.Authority")
AGENT_INTERFACE = """<node><interface name='org.freedesktop.PolicyKit1.AuthenticationAgent'>
<method name='BeginAuthentication'><arg type='s'/><arg type='s'/><arg type='s'/><arg type='a{ss}'/><arg type='s'/>
<arg type='a(sa{sv})'/></method><method name='CancelAuthentication'><arg type='s'/></method></interface></node>"""


def uid_of(user):
    return pwd.getpwnam(user).pw_uid


def wait_for_name(name):
    subprocess.run(["gdbus", "wait", "--system", "--timeout", str(LIMIT), name], check=True)


class Bus:
    """The system bus as USER sees it: the kernel tells the bus who connects."""

    def __init__(self, user="root"):
        self.uid = uid_of(user)

    def connect(self):
        flags = (Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT
                 | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION)
        os.seteuid(self.uid)
        try:
            return Gio.DBusConnection.new_for_address_sync(SOCKET, flags, None, None)
        finally:
            os.seteuid(0)


class User(Client):
    """A client that runs as USER."""

    def __init__(self, user):
        super().__init__(Bus(user))
        self.uid = uid_of(user)

    def start(self, path, member, signature=None, *arguments, interactive=False, then=None):
        """A call that goes on while others are made: a dictionary that gets "value" or "error"; THEN is called."""
        interface, method = member.split(".")
        flags = (Gio.DBusCallFlags.ALLOW_INTERACTIVE_AUTHORIZATION if interactive
                 else Gio.DBusCallFlags.NONE)
        answer = {}

        def done(connection, result):
            try:
                answer["value"] = connection.call_finish(result).unpack()
            except GLib.Error as error:
                answer["error"] = Failed(error)
            if then is not None:
                then()

        self.connection.call(NAME, path, "org.certherd." + interface, method,
                             GLib.Variant(signature, arguments) if signature else None, None, flags, -1, None, done)
        return answer


class Polkit:
    """The real polkitd with RULES only."""

    def __init__(self, rules=""):
        with open(RULES, "w") as file:
            file.write(rules)
        os.chmod(RULES, 0o644)
        self.process = subprocess.Popen(["/usr/lib/polkit-1/polkitd", "--no-debug"], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, preexec_fn=ends_with_us)
        wait_for_name(AUTHORITY[0])

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Dialogs:
    """The authentication agent of USER's calls from this process. What polkit asks is in `open`: (action,
    message, cookie, identities, invocation); a test answers with allow() or leaves it."""

    def __init__(self, user):
        self.connection = Bus().connect()
        self.open = []
        self.cancelled = []
        info = Gio.DBusNodeInfo.new_for_xml(AGENT_INTERFACE).interfaces[0]
        self.connection.register_object("/test", info, self.on_call, None, None)
        with open("/proc/self/stat") as file:
            start = int(file.read().rsplit(")", 1)[1].split()[19])
        subject = ("unix-process", {"pid": GLib.Variant("u", os.getpid()), "start-time": GLib.Variant("t", start),
                                    "uid": GLib.Variant("i", uid_of(user))})
        self.connection.call_sync(*AUTHORITY, "RegisterAuthenticationAgent",
                                  GLib.Variant("((sa{sv})ss)", (subject, "C", "/test")), None,
                                  Gio.DBusCallFlags.NONE, -1, None)

    def on_call(self, connection, sender, path, interface, member, parameters, invocation):
        values = parameters.unpack()
        if member == "CancelAuthentication":
            self.cancelled.append(values[0])
            invocation.return_value(None)
        else:
            self.open.append((values[0], values[1], values[4], parameters.get_child_value(5), invocation))

    def allow(self):
        """Somebody types the right password into the oldest dialog."""
        _, _, cookie, identities, invocation = self.open.pop(0)
        arguments = GLib.Variant.new_tuple(GLib.Variant("u", 0), GLib.Variant("s", cookie), identities.get_child_value(0))
        self.connection.call(*AUTHORITY, "AuthenticationAgentResponse2", arguments, None, Gio.DBusCallFlags.NONE, -1,
                             None, lambda connection, result: invocation.return_value(None))

    def close(self):
        self.connection.close_sync(None)


class SystemAgent:
    """PROGRAM --system, as the user certherd."""

    def __init__(self, program, configuration):
        user = pwd.getpwnam("certherd")
        self.folder = tempfile.mkdtemp(prefix="certherd-test-")
        os.makedirs(os.path.join(self.folder, "config"))
        self.configure(configuration)
        os.chmod(self.folder, 0o755)
        os.mkdir(os.path.join(self.folder, "state"))
        os.chown(os.path.join(self.folder, "state"), user.pw_uid, user.pw_gid)
        self.log = open(os.path.join(self.folder, "log"), "w+")
        self.program = program
        self.start()

    def restart(self):
        self.process.terminate()
        self.process.wait(LIMIT)
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            self.program + ["--system", "--config", os.path.join(self.folder, "config"), "--state",
                       os.path.join(self.folder, "state")],
            user="certherd", group="certherd", extra_groups=[], env=dict(os.environ, G_DEBUG="fatal-criticals"),
            stdout=self.log, stderr=self.log, preexec_fn=ends_with_us)
        try:
            wait_for_name(NAME)
        except subprocess.CalledProcessError:
            self.clean()
            raise

    def configure(self, text):
        with open(os.path.join(self.folder, "config", "certherd.conf"), "w") as file:
            file.write(text)

    def clean(self):
        """Ends it; its status."""
        if self.process.poll() is None:
            self.process.terminate()
        status = self.process.wait(LIMIT)
        self.log.close()
        shutil.rmtree(self.folder)
        return status
