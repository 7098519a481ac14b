#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The command line of certherdctl: help, what is wrong with it, exit statuses, completion.

  test-ctl-words.py CERTHERDCTL"""

import os
import re
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap  # noqa: E402
from ctl import CA, COMMANDS, CTL, FAR, SOURCE, WWW, Case, GLib, Refusal  # noqa: E402


class Help(Case):
    def test_status(self):
        """--help documents every exit status and names every command"""
        ended = self.ctl("--help")
        self.assertEqual(ended.status, 0)
        for status in range(9):
            self.assertIn(f"\n  {status}  ", ended.out)
        for command in COMMANDS:
            self.assertIn(f"\n  {command} ", ended.out)

    def test_commands(self):
        """every command has a --help of its own"""
        for command in COMMANDS:
            ended = self.ctl(*command.split(), "--help")
            self.assertEqual((ended.status, ended.err), (0, ""))
            self.assertIn(f"certherdctl [OPTION…] {command}", ended.out)

    def test_documented(self):
        """the man page and README.md have the exit statuses of --help"""
        said = dict(re.findall(r"^  (\d)  (.+)$", self.ctl("--help").out, re.M))
        self.assertEqual(sorted(said), [str(status) for status in range(9)])
        with open(os.path.join(SOURCE, "data", "man", "certherdctl.1")) as file:
            section = file.read().split(".SH EXIT STATUS", 1)[1].split(".SH", 1)[0]
        manual = {status: text[0].lower() + text[1:].replace("\n", " ")
                  for status, text in re.findall(r"^\.B (\d)\n(.+)$", section, re.M)}
        with open(os.path.join(SOURCE, "README.md")) as file:
            readme = dict(re.findall(r"^\| (\d) \| (.+) \|$", file.read(), re.M))
        self.assertEqual(sorted(manual), sorted(said))
        for status, text in said.items():
            self.assertTrue(manual[status].startswith(text), (text, manual[status]))
            self.assertEqual(readme[status], text)

    def test_words(self):
        """every command: a word too many, one too few, and an option that there is not, exit with 2 and say which"""
        for command in COMMANDS:
            words = command.split()
            named = "NAME" in self.ctl(*words, "--help").out.split("\n")[1]
            names = ["www"] if named else []
            cases = [(names + ["more"], "“more”"), (names + ["--colour"], "--colour")] + ([([], "name is missing")] if named else [])
            for more, said in cases:
                ended = self.ctl(*words, *more)
                self.assertEqual((ended.status, ended.out), (2, ""), (command, more))
                self.assertIn(said, ended.err)
                self.assertIn("\"--help\" says", ended.err)
            self.assertEqual(self.agent.calls, [])

    def test_usage(self):
        """a wrong command line exits with 2, and says what is wrong"""
        for words, said in ((["frobnicate"], "frobnicate"), ([], "command"), (["show"], "name is missing"),
                            (["show", "a", "b"], "“b”"), (["list", "--colour"], "--colour"), (["issuer"], "one more"),
                            (["issuer", "frob"], "“issuer frob”"),
                            (["modify", "www"], "nothing is given"), (["issuer", "add", "x"], "--directory-url"), (["request", "x", "-d"], "-d"),
                            (["show", b"\xff"], "UTF-8")):
            ended = self.ctl(*words)
            self.assertEqual(ended.status, 2, words)
            self.assertIn(said, ended.err)
            self.assertEqual(self.agent.calls, [])


class Errors(Case):
    def test_statuses(self):
        """an error's name decides the exit status"""
        for name, status in (("Failed", 1), ("InvalidArgument", 2), ("Exists", 1), ("NotAuthorized", 4), ("Busy", 1),
                             ("RateLimited", 1), ("Locked", 1), ("NotFound", 5), ("Cancelled", 7),
                             ("org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", 4),
                             ("org.freedesktop.DBus.Error.AccessDenied", 4),
                             ("org.freedesktop.DBus.Error.UnknownObject", 5),
                             ("org.freedesktop.DBus.Error.ServiceUnknown", 3),
                             ("org.freedesktop.DBus.Error.NoReply", 7), ("org.else.Where", 1)):
            def refuse(path, options, name=name):
                raise Refusal(name, "because \x1b[31mof that")
            self.agent.methods["Renew"] = refuse
            ended = self.ctl("renew", "www")
            self.assertEqual((name, ended.status), (name, status))
            self.assertIn("certherdctl: because \\u001b[31mof that\n", ended.err)
            self.assertNotIn("GDBus", ended.err)
            self.assertEqual("as root" in ended.err, status == 4)

    def test_json(self):
        """with --json an error is one object on standard output"""
        ended = self.ctl("--json", "show", "nobody")
        self.assertEqual((ended.status, ended.err), (5, ""))
        self.assertEqual(ended.json(), {"error": "org.certherd.Error.NotFound", "message": "there is no “nobody”"})
        ended = self.ctl("show", "--json")
        self.assertEqual((ended.status, ended.err), (2, ""))
        self.assertEqual(sorted(ended.json()), ["error", "message"])

    def test_no_agent(self):
        """without an agent: 3, and how to start one"""
        self.agent.release_name()
        for command in (["list"], ["version"], ["request", "www", "-d", "a.test"]):
            ended = self.ctl(*command)
            self.assertEqual(ended.status, 3)
            self.assertIn("\"certherd --session\"", ended.err)

    def test_no_bus(self):
        """without a bus: 3"""
        self.environment["DBUS_SESSION_BUS_ADDRESS"] = "unix:path=/nonexistent/bus"
        ended = self.ctl("list")
        self.assertEqual(ended.status, 3)
        self.assertIn("session bus cannot be reached", ended.err)


class Completing(Case):
    """The completion for bash, as bash would ask it."""

    SCRIPT = os.path.join(SOURCE, "data", "completions", "certherdctl")
    ASK = ("source \"$1\"; shift; COMP_WORDS=(certherdctl \"$@\"); COMP_CWORD=$#; _certherdctl; "
           "printf '%s\\n' \"${COMPREPLY[@]}\"")

    def complete(self, *words):
        self.environment["PATH"] = os.path.dirname(os.path.abspath(CTL)) + ":" + os.environ["PATH"]
        self.start(self.SCRIPT, *words, program=("bash", "-c", self.ASK, "bash"))
        ended = self.finish()
        self.assertEqual((ended.status, ended.err), (0, ""))
        return ended.out.split()

    def test_commands(self):
        """the commands, and those of issuer"""
        self.assertEqual(set(self.complete("")) - {"issuer"}, {command for command in COMMANDS if " " not in command})
        self.assertIn("issuer", self.complete(""))
        self.assertEqual(self.complete("re"), ["request", "renew", "retry", "revoke", "remove"])
        self.assertEqual(set(self.complete("issuer", "")), {
            "list", "show", "presets", "add", "register", "set-contacts", "roll-key", "import", "deactivate", "remove"})
        self.assertEqual(self.complete("--session", "issuer", "re"), ["register", "remove"])

    def test_options(self):
        """the options of the command, of one word or two"""
        self.assertEqual(self.complete("--js"), ["--json"])
        self.assertEqual(self.complete("request", "www", "--d"), ["--deliver"])
        self.assertEqual(self.complete("--session", "list", "--is"), ["--issuer"])
        self.assertEqual(self.complete("issuer", "add", "ca", "--d"), ["--directory-url"])
        self.assertEqual(self.complete("list", "--force"), [])
        self.assertEqual(self.complete("revoke", "www", "--reason", ""), [
            "unspecified", "key-compromise", "affiliation-changed", "superseded", "cessation-of-operation"])
        self.assertEqual(self.complete("revoke", "--reason", "k"), ["key-compromise"])

    def test_names(self):
        """the names that the agent has: of certificates, of issuers"""
        certificate = (WWW, "www", "valid", "idle", ["a.test"], FAR, FAR - 86400, "renew", 3)
        self.agent.methods["ListCertificates"] = \
            lambda path, filters, after, limit: GLib.Variant("(a(osssasxxst)s)", ([certificate], ""))
        row = {"path": GLib.Variant("o", CA), "name": GLib.Variant("s", "ca"), "status": GLib.Variant("s", "valid")}
        self.agent.methods["ListIssuers"] = lambda path: GLib.Variant("(aa{sv})", ([row],))
        self.agent.methods["ListPresets"] = lambda path: GLib.Variant("(aa{sv})", ([{"name": GLib.Variant("s", "ours")}],))
        self.assertEqual(self.complete("--session", "issuer", "add", "x", "--preset", ""), ["ours"])
        self.assertEqual(self.complete("--session", "show", ""), ["www"])
        self.assertEqual(self.complete("--session", "show", "x"), [])
        self.assertEqual(self.complete("--session", "issuer", "register", "c"), ["ca"])
        self.assertEqual(self.complete("--session", "issuer", "add", "x", "--staging", ""), ["ca"])
        self.assertEqual(self.complete("--session", "request", "x", "--issuer", ""), ["ca"])

    def test_no_agent(self):
        """without an agent nothing is completed, and nothing is printed into the command line"""
        self.agent.release_name()
        self.assertEqual(self.complete("--session", "show", ""), [])


class OtherShell(Case):
    """The completion for another shell, which asks the one for bash."""

    BASH = os.path.join(SOURCE, "data", "completions", "certherdctl")

    def complete(self, template, program, *words):
        with open(os.path.join(SOURCE, "data", "completions", template)) as file:
            script = os.path.join(self.folder.name, template)
            with open(script, "w") as made:
                made.write(file.read().replace("@bash@", self.BASH))
        self.environment["PATH"] = os.path.dirname(os.path.abspath(CTL)) + ":" + os.environ["PATH"]
        self.environment["HOME"] = self.folder.name
        self.start(program=[word.replace("SCRIPT", script) for word in program] + list(words), cwd=self.folder.name)
        ended = self.finish()
        self.assertEqual((ended.status, ended.err), (0, ""))
        return ended.out.split()

    def setUp(self):
        super().setUp()
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        open(os.path.join(self.folder.name, "key.pem"), "w").close()

    def check_shell(self, complete):
        self.assertEqual(sorted(complete("re")), ["remove", "renew", "request", "retry", "revoke"])
        self.assertEqual(sorted(complete("--session", "issuer", "re")), ["register", "remove"])
        self.assertEqual(complete("issuer", "add", "ca", "--dir"), ["--directory-url"])
        self.assertEqual(complete("list", "--force"), [])
        self.assertEqual(complete("export", "www", "--key", "ke"), ["key.pem"])
        self.agent.release_name()
        self.assertEqual(complete("--session", "show", ""), [])

    def test_fish(self):
        """fish: what it would offer"""
        def complete(*words):
            # fish takes what begins with a hyphen for its own option, wherever it stands.
            self.environment["LINE"] = " ".join(["certherdctl", *words])
            return self.complete("certherdctl.fish.in", ["fish", "-c", 'source SCRIPT; complete -C "$LINE" | cut -f1'])
        self.check_shell(complete)

    def test_zsh(self):
        """zsh: what it is told to offer, with doubles of its builtins, which work in its line editor only"""
        ask = ["zsh", "-fc", "compadd () { shift; print -rl -- ${(M)@:#${words[CURRENT]}*} }; _files () { print -l ${words[CURRENT]}*(N) }; "
                             "words=(certherdctl \"$@\"); CURRENT=$#words; f () { source SCRIPT }; f", "zsh"]
        self.check_shell(lambda *words: self.complete("_certherdctl.in", ask, *words))


tap.main()
