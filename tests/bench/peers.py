# SPDX-License-Identifier: LGPL-2.1-or-later
"""certherd and Debian's other ACME clients, each as something that gets certificates from one CA, by http-01, with an
account and, where the program stays, with a connection. Each has

  issue(names)   gets a certificate for each of NAMES, in one go: as near to at once as the program can
  usage()        what that cost: CPU seconds of the program, of all its processes, and its peak memory in MiB
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from agent import NAME, ROOT, Agent, Client, Gio, GLib  # noqa: E402
from double import ends_with_us  # noqa: E402


def cpu(pid):
    """Seconds of CPU that the process has used itself."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat") as file:
            total += int(file.read().split()[0])
    return total / 1e9


def cpu_of_ended_children(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def children(pid):
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children") as file:
            found += [int(word) for word in file.read().split()]
    return found


def forget_peak(pid):
    with open(f"/proc/{pid}/clear_refs", "w") as file:
        file.write("5")


def peak(pid):
    with open(f"/proc/{pid}/status") as file:
        return int(dict(line.split(":", 1) for line in file)["VmHWM"].split()[0]) / 1024


class Stuck(Exception):
    """The CA answers nobody any more, which is nobody's failure but its own."""


class Progress:
    """Looks after what is waited for: raises Stuck if nothing comes, and that because of Pebble."""
    QUIET = 10  # seconds

    def __init__(self, pebble, seconds):
        self.pebble = pebble
        self.begin = self.last = time.monotonic()
        self.seconds = seconds
        self.seen = None

    def check(self, number, what):
        """So many have come: NUMBER."""
        now = time.monotonic()
        if number != self.seen:
            self.seen, self.last = number, now
        elif now - self.last > self.QUIET:
            self.last = now
            if self.pebble.is_stuck():
                raise Stuck()
        assert now - self.begin < self.seconds, f"{what()} in {self.seconds:.0f} s"


class Daemon:
    """The bookkeeping of a process that stays: self.pid."""

    def begin(self):
        forget_peak(self.pid)
        self.before = self.measure()

    def measure(self):
        """Children that end in between are counted with those that have ended."""
        while True:
            try:
                own = cpu(self.pid)
                return own, own + sum(cpu(child) for child in children(self.pid)) + cpu_of_ended_children(self.pid)
            except FileNotFoundError:
                continue

    def usage(self):
        own, all_processes = self.measure()
        return own - self.before[0], all_processes - self.before[1], peak(self.pid)


class CertherdClient(Client):
    def __init__(self, bus):
        super().__init__(bus)
        self.ended = {}
        self.refused = []

    def keep(self, connection, sender, path, interface, signal, parameters, *data):
        if signal == "Finished":
            self.ended[path] = parameters.unpack()


    def request_all(self, names, spec):
        """Nobody waits for an answer before the next is asked for. Their operations' ends may come before."""
        for name in names:
            values = {"identifiers": GLib.Variant("as", [name])}
            values.update((key, GLib.Variant("as", value)) for key, value in spec.items())
            self.connection.call(NAME, ROOT, "org.certherd.Agent1", "RequestCertificate",
                                 GLib.Variant("(sa{sv})", (name.replace(".", "-"), values)), None,
                                 Gio.DBusCallFlags.NONE, GLib.MAXINT, None, self.answered)

    def answered(self, connection, result):
        try:
            connection.call_finish(result)
        except GLib.Error as error:
            self.refused.append(error.message)

    def wait_for_ends(self, number, progress):
        tick = GLib.timeout_add_seconds(1, lambda: True)
        try:
            while len(self.ended) < number:
                assert not self.refused, self.refused[0]
                progress.check(len(self.ended), lambda: f"{len(self.ended)} of {number} operations have ended")
                GLib.MainContext.default().iteration(True)
        finally:
            GLib.source_remove(tick)
        failed = [end for end in self.ended.values() if not end[0]]
        assert not failed, failed[0]


class Certherd(Daemon):
    """With the files that the built-in target writes, as the others write theirs."""
    spec = {}

    def __init__(self, setting):
        self.agent = Agent([os.path.join(setting.prefix, "bin", "certherd")], f"""
[agent]
keystore = file
[issuer default]
directory-url = {setting.directory_url}
trust = {setting.trust}
agree-terms = yes
[solver http-01]
listen = 127.0.0.1:{setting.port}
""")
        self.client = CertherdClient(self.agent.bus)
        self.setting = setting
        self.pid = self.agent.process.pid

    def issue(self, names):
        self.begin()
        self.client.ended.clear()
        self.client.request_all(names, self.spec)
        self.client.wait_for_ends(len(names), Progress(self.setting.pebble, self.setting.patience * 2 + 30))

    def stop(self):
        self.client.close()
        self.agent.clean()


class CertherdBus(Certherd):
    """For a server that takes key and chain over the bus: nothing is written to files."""
    spec = {"deliver": []}


class OneShot:
    """A program that runs for each certificate, or for all."""

    def __init__(self, setting):
        self.setting = setting
        self.folder = os.path.join(setting.folder, type(self).__name__.lower())
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        self.peak = os.path.join(self.folder, "peak")
        self.environment = dict(os.environ, HOME=self.folder, LEGO_CA_CERTIFICATES=setting.trust,
                                REQUESTS_CA_BUNDLE=setting.trust, CURL_CA_BUNDLE=setting.trust,
                                SSL_CERT_FILE=setting.trust)
        self.prepare()

    def prepare(self):
        pass

    def run(self, *command):
        """time(1) is small: a child's peak is at least what its parent had when it was made."""
        result = subprocess.run(["/usr/bin/time", "-a", "-f", "%M", "-o", self.peak, *command], env=self.environment,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                cwd=self.folder)
        assert result.returncode == 0, result.stdout

    def begin(self):
        open(self.peak, "w").close()
        self.before = self.measure()

    def measure(self):
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    def issue(self, names):
        self.begin()
        for name in names:
            self.issue_one(name)

    def usage(self):
        used = self.measure() - self.before
        with open(self.peak) as file:
            return used, used, max(int(line) for line in file if line.strip().isdigit()) / 1024

    def stop(self):
        shutil.rmtree(self.folder)


class Lego(OneShot):
    def issue_one(self, name):
        self.run("lego", "--path", self.folder, "--server", self.setting.directory_url, "--email", "root@example.org",
                 "--accept-tos", "--key-type", "ec256", "--http", "--http.port", f"127.0.0.1:{self.setting.port}",
                 "--domains", name, "run")


class Certbot(OneShot):
    def issue_one(self, name):
        self.run("certbot", "certonly", "--non-interactive", "--agree-tos", "--register-unsafely-without-email",
                 "--config-dir", self.folder, "--work-dir", self.folder, "--logs-dir", self.folder,
                 "--server", self.setting.directory_url, "--standalone", "--http-01-port", str(self.setting.port),
                 "--http-01-address", "127.0.0.1", "--key-type", "ecdsa", "--domain", name)


class WithWebRoot(OneShot):
    """One that has no responder: nginx answers, which is not counted."""

    def prepare(self):
        self.root = os.path.join(self.folder, "root")
        self.challenges = os.path.join(self.root, ".well-known", "acme-challenge")
        os.makedirs(self.challenges)
        os.chmod(self.folder, 0o755)
        path = os.path.join(self.folder, "nginx.conf")
        with open(path, "w") as file:
            file.write(f"""daemon off; {"user root;" if os.getuid() == 0 else ""} pid {self.folder}/nginx.pid;
error_log {self.folder}/error.log; events {{}}
http {{ access_log off; server {{ listen 127.0.0.1:{self.setting.port}; root {self.root}; }} }}""")
        self.nginx = subprocess.Popen(["nginx", "-c", path, "-e", os.path.join(self.folder, "error.log")],
                                      stdin=subprocess.DEVNULL, preexec_fn=ends_with_us)

    def stop(self):
        self.nginx.terminate()
        self.nginx.wait()
        super().stop()


class Uacme(WithWebRoot):
    """It has no option for a private CA: the system's file of CAs is another one for it."""

    def prepare(self):
        super().prepare()
        self.environment["UACME_CHALLENGE_PATH"] = self.challenges
        self.call("new")

    def call(self, *command):
        self.run("unshare", "-m", "sh", "-c",
                 'mount --bind "$0" /etc/ssl/certs/ca-certificates.crt && exec "$@"', self.setting.trust,
                 "uacme", "-c", self.folder, "-a", self.setting.directory_url, "-t", "EC", "-y",
                 "-h", "/usr/share/uacme/uacme.sh", *command)

    def issue_one(self, name):
        self.call("issue", name)


class Dehydrated(WithWebRoot):
    def prepare(self):
        super().prepare()
        with open(os.path.join(self.folder, "config"), "w") as file:
            file.write(f'CA="{self.setting.directory_url}"\nCHALLENGETYPE="http-01"\nBASEDIR="{self.folder}"\n'
                       f'WELLKNOWN="{self.challenges}"\nKEY_ALGO=prime256v1\nDOMAINS_TXT="{self.folder}/domains.txt"\n')
        self.call("--register", "--accept-terms")

    def call(self, *command):
        self.run("dehydrated", "--config", os.path.join(self.folder, "config"), *command)

    def issue(self, names):
        with open(os.path.join(self.folder, "domains.txt"), "w") as file:
            file.writelines(name + "\n" for name in names)
        self.begin()
        self.call("--cron")


class Caddy(Daemon):
    def __init__(self, setting):
        self.setting = setting
        self.folder = os.path.join(setting.folder, "caddy")
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        self.admin = setting.ports()
        self.names = []
        path = os.path.join(self.folder, "caddy.json")
        with open(path, "w") as file:
            json.dump(self.configuration(), file)
        with open(os.path.join(self.folder, "log"), "w") as log:
            self.process = subprocess.Popen(["caddy", "run", "--config", path], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, preexec_fn=ends_with_us,
                                            env=dict(os.environ, HOME=self.folder, XDG_DATA_HOME=self.folder))
        self.pid = self.process.pid
        self.wait(lambda: "serving initial configuration" in open(os.path.join(self.folder, "log")).read())

    def configuration(self):
        issuer = {"module": "acme", "ca": self.setting.directory_url, "email": "root@example.org",
                  "trusted_roots_pem_files": [self.setting.trust],
                  "challenges": {"http": {"alternate_port": self.setting.port}, "tls-alpn": {"disabled": True}}}
        tls = {"certificates": {"automate": self.names}, "automation": {"policies": [{"issuers": [issuer]}]}}
        return {"admin": {"listen": f"127.0.0.1:{self.admin}"}, "apps": {"tls": tls}}

    def wait(self, condition):
        progress = Progress(self.setting.pebble, self.setting.patience * 2 + 30)
        while not condition():
            assert self.process.poll() is None, open(os.path.join(self.folder, "log")).read()
            progress.check(self.count(), lambda: f"{self.count()} certificates")
            time.sleep(0.005)

    def count(self):
        top = os.path.join(self.folder, "caddy", "certificates")
        return sum(file.endswith(".json") for _, _, files in os.walk(top) for file in files)

    def issue(self, names):
        self.begin()
        self.names = self.names + names
        request = urllib.request.Request(f"http://127.0.0.1:{self.admin}/load", method="POST",
                                         data=json.dumps(self.configuration()).encode(),
                                         headers={"Content-Type": "application/json"})
        urllib.request.urlopen(request).close()
        self.wait(lambda: self.count() >= len(self.names))

    def stop(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder)


# Names as in the table → class, Debian's package.
PEERS = {
    "certherd": (Certherd, None),
    "certherd-bus": (CertherdBus, None),
    "lego": (Lego, "lego"),
    "certbot": (Certbot, "certbot"),
    "uacme": (Uacme, "uacme"),
    "dehydrated": (Dehydrated, "dehydrated"),
    "caddy": (Caddy, "caddy"),
}
