#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The manuals: certherd.conf(5) has the keys of the vocabulary and no others, the other pages the options and
commands that their programs say in --help and no others, each plugin's README the settings that its code
reads; and groff has nothing to say against a page."""

import glob
import os
import re
import subprocess

import tree

VOCABULARY = "src/config/vocabulary.c"
PROGRAMS = {"certherd.8": "src/certherd", "certherd-responder.8": "src/responder/certherd-responder",
            "certherd-deliver.8": "src/deliver/certherd-deliver"}
OPTION = re.compile(r"--[a-z][a-z-]*[a-z]")


def read_page(name):
    return tree.read(tree.SOURCE, "data/man/" + name).replace("\\-", "-")


def read_vocabulary(text):
    """(section, key) of every key."""
    return {(section.lower(), key) for section, key in re.findall(r'\{ HERD_SECTION_(\w+), "([\w-]+)"', text)}


def read_keys(page):
    """The same of the manual: a key is a bold term of its own below "[SECTION …]"."""
    found = set()
    for section, text in re.findall(r"^\.SS \[(\w+)[^\n]*\n(.*?)(?=^\.S[SH])", page, re.M | re.S):
        found |= {(section, key) for key in re.findall(r"^\.TP\n\.B ([\w-]+)$", text, re.M)}
    return found


def compare(what, wanted, found):
    return ([f"{what}: {item} is missing" for item in sorted(wanted - found)]
            + [f"{what}: there is no {item}" for item in sorted(found - wanted)])


def ask(program, *words):
    return subprocess.run([os.path.join(tree.BUILD, program), *words, "--help"], capture_output=True, text=True,
                          env={**os.environ, "LC_ALL": "C.UTF-8"}, check=True).stdout


def read_commands(text):
    """The commands in certherdctl's --help: the words before the arguments."""
    lines = re.search(r"^Commands:\n(.*?)\n\n", text, re.M | re.S)[1].splitlines()
    return {re.match(r"  ([a-z]+(?: [a-z-]+)?)(?=  | [A-Z-])", line)[1] for line in lines}


def read_described(page):
    """The commands in certherdctl(1): the terms of its section COMMANDS."""
    section = re.search(r"^\.SH COMMANDS\n(.*?)^\.SH", page, re.M | re.S)[1]
    terms = re.findall(r"^\.T[PQ]\n\.B[IR]? (.*)$", section, re.M)
    words = [re.sub(r'\\f[A-Z].*|[".].*', "", re.sub(r'^"([^"]*)"', r"\1", term)).strip() for term in terms]
    return {word for word in words if re.fullmatch(r"[a-z]+( [a-z-]+)?", word)}


def read_settings(text, keys):
    """Which of KEYS the code of a plugin reads."""
    return {key for key in keys if f'"{key}"' in tree.strip_c(text, strings=False)}


class Manuals(tree.Case):
    def test_keys(self):
        """certherd.conf(5) has every key of every section"""
        words = read_vocabulary(tree.read(tree.SOURCE, VOCABULARY))
        self.assertGreater(len(words), 50)
        self.assertNothing(compare("certherd.conf.5", words, read_keys(read_page("certherd.conf.5"))))

    def test_options(self):
        """the pages of the programs have every option"""
        for page, program in PROGRAMS.items():
            said = set(OPTION.findall(ask(program))) - {"--help-all"}
            self.assertIn("--version", said)
            self.assertNothing(compare(page, said, set(OPTION.findall(read_page(page)))))

    def test_commands(self):
        """certherdctl(1) has every command and every option"""
        general = ask("src/ctl/certherdctl")
        commands = read_commands(general)
        self.assertGreater(len(commands), 15)
        said = set(OPTION.findall(general)).union(
            *(OPTION.findall(ask("src/ctl/certherdctl", *command.split())) for command in commands))
        page = read_page("certherdctl.1")
        self.assertNothing(compare("certherdctl.1", commands, read_described(page)))
        self.assertNothing(compare("certherdctl.1", said - {"--help-all"}, set(OPTION.findall(page))))

    def test_plugins(self):
        """each solver's README has the settings that its code reads, and an example"""
        keys = {key for section, key in read_vocabulary(tree.read(tree.SOURCE, VOCABULARY)) if section == "solver"}
        findings, seen = [], {"plugin"}
        for folder in sorted(glob.glob(os.path.join(tree.SOURCE, "plugins", "solver-*"))):
            inside = os.path.relpath(folder, tree.SOURCE)
            readme = tree.read(tree.SOURCE, inside + "/README.md")
            code = "".join(tree.read(tree.SOURCE, path) for path in tree.files(tree.SOURCE, ".c", under=inside)
                           if not os.path.basename(path).startswith("test"))
            named = {key for key in keys if f"`{key}`" in readme}
            findings += [f"{inside}/README.md: {key} is missing" for key in sorted(read_settings(code, keys) - named - {"type"})]
            if "[solver " not in readme:
                findings.append(f"{inside}/README.md: has no example")
            seen |= named
        findings += [f"plugins/solver-*/README.md: none has {key}" for key in sorted(keys - seen)]
        self.assertNothing(findings)

    def test_format(self):
        """groff warns of nothing"""
        for path in glob.glob(os.path.join(tree.SOURCE, "data", "man", "*.[158]")):
            ended = subprocess.run(["groff", "-man", "-ww", "-Kutf8", "-Tutf8", "-z", path], capture_output=True, text=True)
            self.assertEqual((ended.returncode, ended.stderr), (0, ""))


class Itself(tree.Case):
    PAGE = '.SS [agent]\n.TP\n.B one\nx\n.TP\n.B two\ny\n.SS [solver NAME]\n.TP\n.B three\n.SH END\n'

    def test_read(self):
        """keys, commands and terms are found"""
        self.assertEqual(read_keys(self.PAGE), {("agent", "one"), ("agent", "two"), ("solver", "three")})
        self.assertEqual(read_vocabulary('{ HERD_SECTION_AGENT, "a-b", 0,\n { HERD_SECTION_SOLVER, "c"'), {("agent", "a-b"), ("solver", "c")})
        self.assertEqual(read_commands("Commands:\n  list   List\n  show NAME  x\n  issuer roll-key NAME  x\n\n"),
                         {"list", "show", "issuer roll-key"})
        self.assertEqual(read_described('.SH COMMANDS\n.TP\n.BI show " NAME"\n.TP\n.B issuer list\n.TQ\n.BI "issuer roll-key" " NAME \\fBx"\n'
                                        '.TP\n.BR list " [" --x "]"\n.TP\n.BR --no =\\fIx\\fR\n.SH X\n'),
                         {"show", "issuer list", "issuer roll-key", "list"})

    def test_compare(self):
        """what is missing and what is too much is found"""
        self.assertEqual(compare("p", {"a", "b"}, {"b", "c"}), ["p: a is missing", "p: there is no c"])
        self.assertEqual(read_settings('get ("ttl"); // "zone"\n', {"ttl", "zone"}), {"ttl"})


tree.main()
