#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The installed agent's solvers against Debian's Pebble: hooks that were written for certbot and for
dehydrated put TXT records into pebble-challtestsrv's DNS, and nginx serves a web root.

  test-solvers.py CERTHERD"""

import os
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap  # noqa: E402
from agent import Client  # noqa: E402
from double import ends_with_us  # noqa: E402
from issuing import Case  # noqa: E402

Case.program = [sys.argv.pop(1)]

# pebble-challtestsrv's names are delegated to nobody.
EXEC = "[solver hooks]\nplugin = exec\ntype = dns-01\npropagation-check = no\n"
SET = """curl -sSf -d '{"host":"_acme-challenge.'"$1"'.","value":"'"$2"'"}' %s/set-txt >/dev/null"""
CLEAR = """curl -sSf -d '{"host":"_acme-challenge.'"$1"'."}' %s/clear-txt >/dev/null"""


class Hooks(Case):
    def setUp(self):
        super().setUp()
        self.folder = tempfile.TemporaryDirectory(prefix="certherd-hooks-")
        self.log = os.path.join(self.folder.name, "log")

    def tearDown(self):
        super().tearDown()
        self.folder.cleanup()

    def write(self, name, script):
        """A hook with two functions, set IDENTIFIER VALUE and clear IDENTIFIER; every call is in the log."""
        path = os.path.join(self.folder.name, name)
        server = self.pebble["CHALLTESTSRV_URL"]
        with open(path, "w") as file:
            file.write(f"#!/bin/bash\nset -eu\n"
                       f"put() {{ echo put $1 >>{self.log}; {SET % server}; }}\n"
                       f"clear() {{ echo clear $1 >>{self.log}; {CLEAR % server}; }}\n{script}\n")
        os.chmod(path, 0o755)
        return path

    def read_log(self):
        with open(self.log) as file:
            return sorted(file.read().split("\n"))[1:]

    def issue_both(self, name):
        """A wildcard and its base, whose values stand at one name, and another one."""
        path = self.issue("wild", [name, "*." + name, "www." + name], challenge=["hooks"])
        self.assertEqual(sorted(self.client.get(path, "Certificate1")["Identifiers"]),
                         ["*." + name, name, "www." + name])

    def test_certherd(self):
        "certherd's own convention: a wildcard, its base and a name, in one call each way"
        hook = self.write("hook", 'while read -r identifier token value; do\n'
                          'case $CERTHERD_ACTION in present) put $identifier $value;; cleanup) clear $identifier;; esac\n'
                          f'done; echo $CERTHERD_ACTION $CERTHERD_CHALLENGES >>{self.log}')
        self.start(EXEC + f"command = {hook}\n")
        self.issue_both("a.example.org")
        self.assertEqual(self.read_log(), ["cleanup 3", "clear a.example.org", "clear a.example.org",
                                           "clear www.a.example.org", "present 3", "put a.example.org",
                                           "put a.example.org", "put www.a.example.org"])

    def test_certbot(self):
        "certbot's manual hooks"
        auth = self.write("auth", "put $CERTBOT_DOMAIN $CERTBOT_VALIDATION; echo record of $CERTBOT_DOMAIN")
        cleanup = self.write("cleanup", '[ "$CERTBOT_AUTH_OUTPUT" = "record of $CERTBOT_DOMAIN" ]; clear $CERTBOT_DOMAIN')
        self.start(EXEC + f"convention = certbot\ncommand = {auth}\n"
                   f"cleanup-command = {cleanup}\n")
        self.issue_both("b.example.org")
        self.assertEqual(self.read_log(), ["clear b.example.org", "clear b.example.org", "clear www.b.example.org",
                                           "put b.example.org", "put b.example.org", "put www.b.example.org"])

    def test_dehydrated(self):
        "a dehydrated hook, each challenge by itself, and two names in a chain"
        hook = self.write("hook", 'deploy_challenge() { while [ $# -ge 3 ]; do put $1 $3; shift 3; done; }\n'
                          'clean_challenge() { while [ $# -ge 3 ]; do clear $1; shift 3; done; }\n'
                          f'echo $1 $# >>{self.log}; "$@"')
        self.start(EXEC + f"convention = dehydrated\nhook-chain = yes\n"
                   f"command = {hook}\n")
        self.issue_both("c.example.org")
        self.assertEqual(self.read_log().count("deploy_challenge 4"), 3)
        self.issue("pair", ["d.example.org", "e.example.org"], challenge=["hooks"])
        log = self.read_log()
        self.assertEqual((log.count("deploy_challenge 7"), log.count("clean_challenge 7")), (1, 1))

    def test_failing(self):
        "A hook that fails: its words in the error, the clean-up all the same"
        auth = self.write("auth", "echo 'the zone is frozen' >&2; exit 75")
        cleanup = self.write("cleanup", "clear $CERTBOT_DOMAIN")
        self.start(EXEC + f"convention = certbot\ncommand = {auth}\n"
                   f"cleanup-command = {cleanup}\n")
        path, operation = self.client.request("web", ["f.example.org"], challenge=["hooks"])
        state = self.client.finished(operation)
        self.assertEqual(state["Error"], "org.certherd.Error.Busy", state["ErrorMessage"])
        self.assertIn("the zone is frozen", state["ErrorMessage"])
        self.assertEqual(self.read_log(), ["clear f.example.org"])
        self.assertEqual(self.client.get(path, "Certificate1")["NextAction"], "retry")

    def test_killed(self):
        "Killed while it cleans up: another solver of the same kind is not asked to go on"
        once = os.path.join(self.folder.name, "once")
        hook = lambda name: self.write(name, f"echo {name} $CERTHERD_ACTION >>{self.log}\nread -r identifier token value\n"
                                       "case $CERTHERD_ACTION in present) put $identifier $value;; "
                                       f"cleanup) [ -e {once} ] || {{ touch {once}; kill -KILL $PPID; }};; esac")
        self.start("".join(f"[solver {name}]\nplugin = exec\ntype = dns-01\npropagation-check = no\ncommand = {hook(name)}\n"
                           for name in ("one", "two")))
        self.client.request("web", ["h.example.org"], challenge=["one", "two"])
        self.assertEqual(self.agent.process.wait(30), -9)
        self.client.close()
        self.agent.log.close()
        self.agent.start()
        self.client = Client(self.agent.bus)
        path = self.client.agent("GetCertificate", "(s)", "web")
        self.client.wait(lambda: self.client.get(path, "Certificate1")["Generation"] or self.poll(), "the certificate")
        self.assertEqual(self.read_log(), ["one cleanup", "one cleanup", "one present", "put h.example.org"])

    def test_wrong_settings(self):
        "A solver whose settings are wrong is shown with the reason, and the others work"
        self.start("[solver hooks]\nplugin = exec\ntype = dns-01\n")
        plugins = {row["name"]: row for row in self.client.get("/org/certherd/Agent1", "Agent1")["Plugins"]}
        self.assertEqual(plugins["hooks"]["state"], "disabled")
        self.assertIn("solver hooks: command", plugins["hooks"]["message"])
        self.issue("web", ["g.example.org"])


    def plugin(self, name):
        plugins = {row["name"]: row for row in self.client.get("/org/certherd/Agent1", "Agent1")["Plugins"]}
        return plugins.get(name)

    def reload(self, more):
        self.agent.configure(self.configuration(more))
        return self.client.agent("Reload")

    def test_reload(self):
        "Changed settings take effect with a Reload; an order under way ends with what it began with"
        gate = os.path.join(self.folder.name, "gate")
        os.mkfifo(gate)
        script = "read -r identifier token value\ncase $CERTHERD_ACTION in present) put $identifier $value;; *) clear $identifier;; esac\n"
        old = self.write("old", script + f"echo old $CERTHERD_ACTION >>{self.log}\n"
                         f"[ $CERTHERD_ACTION = cleanup ] || read -r line <{gate}")
        new = self.write("new", script + f"echo new $CERTHERD_ACTION >>{self.log}")
        self.start(EXEC + f"command = {old}\n")
        operation = self.client.request("slow", ["i.example.org"], challenge=["hooks"])[1]
        self.client.wait(lambda: os.path.exists(self.log) and "old present" in self.read_log() or self.poll(), "the hook")
        self.assertEqual(self.reload(EXEC + f"command = {new}\n"), [])
        self.issue("quick", ["j.example.org"], challenge=["hooks"])
        with open(gate, "w") as file:
            file.write("on\n")
        state = self.client.finished(operation)
        self.assertEqual(state["State"], "done", state["ErrorMessage"])
        self.assertEqual([line for line in self.read_log() if line.startswith(("old", "new"))],
                         ["new cleanup", "new present", "old cleanup", "old present"])

    def test_reload_sections(self):
        "A Reload adds, mends and removes solvers; what cannot be read stays; other addresses need a restart"
        hook = self.write("hook", "exit 0")
        self.start(EXEC)
        self.assertEqual(self.plugin("hooks")["state"], "disabled")
        codes = lambda: [row["code"] for row in self.client.get("/org/certherd/Agent1", "Agent1")["Attentions"]]
        self.assertEqual(codes(), ["plugin-disabled"])
        good = EXEC + f"command = {hook}\n"
        self.assertEqual(self.reload(good), [])
        self.assertEqual(self.plugin("hooks")["state"], "loaded")
        self.assertEqual(codes(), [])
        problems = self.reload(good.replace("dns-01", "dns-99"))
        self.assertIn("type", problems[0]["message"])
        self.assertEqual(self.plugin("hooks")["state"], "loaded")
        more = good.replace("[solver hooks]", "[solver more]")
        # In the same file as the solver that it names.
        self.assertEqual(self.reload(more + "[certificate web]\nidentifiers = k.example.org\nchallenge = more\n"), [])
        self.assertIsNone(self.plugin("hooks"))
        self.assertEqual(self.plugin("more")["state"], "loaded")
        self.agent.configure(self.configuration(more).replace("listen = 127.0.0.1:", "listen = 127.0.0.2:"))
        problems = self.client.agent("Reload")
        self.assertIn("takes effect when certherd is started again", problems[0]["message"])
        self.assertGreater(problems[0]["line"], 0)


class Nginx:
    """nginx, its worker as nobody, serving FOLDER/www on a socket that is bound before it starts: nobody has to
    wait for it."""

    def __init__(self, folder, port):
        path = os.path.join(folder, "nginx.conf")
        os.chmod(folder, 0o755)
        with open(path, "w") as file:
            file.write(f"daemon off;\nworker_processes 1;\npid {folder}/nginx.pid;\nerror_log {folder}/error.log;\n"
                       f"events {{}}\nhttp {{\n  access_log {folder}/access.log;\n"
                       + "".join(f"  {kind}_temp_path {folder}/{kind};\n"
                                 for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
                       + f"  server {{ listen 127.0.0.1:{port}; root {folder}/www; }}\n}}\n")
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", int(port)))
            listener.listen()
            self.process = subprocess.Popen(["/usr/sbin/nginx", "-p", folder, "-c", path, "-e", f"{folder}/error.log"],
                                            pass_fds=[listener.fileno()],
                                            env={"NGINX": f"{listener.fileno()};"}, preexec_fn=ends_with_us)

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Webroot(Case):
    def setUp(self):
        super().setUp()
        self.folder = tempfile.TemporaryDirectory(prefix="certherd-www-")
        self.root = os.path.join(self.folder.name, "www")
        os.mkdir(self.root)
        self.nginx = Nginx(self.folder.name, self.pebble["HTTP01_PORT"])

    def tearDown(self):
        super().tearDown()
        self.nginx.stop()
        self.folder.cleanup()

    def configuration(self, more="", terms=None):
        """One site's solver, and none that listens."""
        listen = f"[solver http-01]\nlisten = 127.0.0.1:{self.pebble['HTTP01_PORT']}\n"
        text = super().configuration(more, terms)
        self.assertIn(listen, text)
        return text.replace(listen, f"[solver site]\nplugin = http-01\nwebroot = {self.root}\n")

    def test_nginx(self):
        "A web root that nginx serves: names and an address; nothing is left there"
        self.start()
        self.issue("web", ["a.example.org", "b.example.org", "127.0.0.1"], challenge=["site"])
        with open(os.path.join(self.folder.name, "access.log")) as file:
            lines = [line for line in file if "/.well-known/acme-challenge/" in line]
        self.assertGreaterEqual(len(lines), 3)
        self.assertTrue(all('" 200 87 ' in line for line in lines), lines)
        self.assertEqual(os.listdir(self.root), [])

    def test_no_root(self):
        "A web root that is not there: the path and the way out"
        os.rmdir(self.root)
        self.start()
        path, operation = self.client.request("web", ["c.example.org"], challenge=["site"])
        state = self.client.finished(operation)
        self.assertEqual(state["State"], "failed")
        self.assertIn(f"solver site: cannot open {self.root}", state["ErrorMessage"])

    def kill_presenting(self, identifier, **spec):
        """Killed when a challenge stands in the web root; the operation that is left."""
        self.start(environment={"CERTHERD_CRASH_AT": "run:issue/present:answered"})
        operation = self.client.request("web", [identifier], challenge=["site"], **spec)[1]
        self.assertEqual(self.agent.process.wait(30), -9)
        self.client.close()
        self.agent.log.close()
        self.agent.environment = {}
        self.assertEqual(os.listdir(self.root), [".well-known"])
        return operation

    def start_again(self):
        self.agent.start()
        self.client = Client(self.agent.bus)

    def test_other_directory(self):
        "Killed with a challenge in the web root, started again with another directory: the challenge is taken away"
        operation = self.kill_presenting("d.example.org")
        url = self.pebble["DIRECTORY_URL"]
        self.agent.configure(self.configuration().replace(url, url + "?other"))
        self.start_again()
        state = self.client.finished(operation)
        self.assertEqual(state["State"], "done", state["ErrorMessage"] + self.agent.read_log())
        self.assertEqual(os.listdir(self.root), [], self.agent.read_log())

    def test_no_issuer(self):
        "Killed with a challenge in the web root, started again without its issuer: the challenge is taken away"
        operation = self.kill_presenting("f.example.org", issuer=["default"])
        self.agent.configure(self.configuration().replace("[issuer default]", "[issuer other]"))
        self.start_again()
        state = self.client.finished(operation)
        self.assertEqual(state["State"], "failed")
        self.assertEqual(os.listdir(self.root), [], state["ErrorMessage"] + self.agent.read_log())

    def test_cancelled_locked(self):
        "Cancelled while nothing of it can run, for the keys are gone: its challenge is taken away all the same"
        operation = self.kill_presenting("e.example.org")
        kek = os.path.join(self.agent.state, "kek")
        os.rename(kek, kek + ".away")
        self.start_again()
        self.assertEqual(self.client.get(operation, "Operation1")["Step"], "unlock")
        self.assertEqual(os.listdir(self.root), [".well-known"])
        self.client.call(operation, "Operation1.Cancel")
        self.assertEqual(self.client.finished(operation)["State"], "cancelled")
        self.assertEqual(os.listdir(self.root), [], self.agent.read_log())


tap.main()
