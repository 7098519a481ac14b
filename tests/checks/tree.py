# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the checks share: the files of a source tree, C without its comments and strings, the symbols of
object files, and small trees and objects made up for the checks' own tests."""

import os
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap  # noqa: E402

SOURCE = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
# Where the build is: the only argument of a check.
BUILD = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else None

SKIPPED = {".git", "__pycache__", ".mirror"}


# The layers that are the agent's process.
AGENT = {"util", "plugin", "config", "crypto", "model", "net", "state", "acme", "core", "bus", "main.c"}


def layer_of(path):
    """The layer of a source file: "util", "main.c", "plugins/adapter-files"."""
    parts = path.split("/")
    return parts[1] if parts[0] == "src" else "/".join(parts[:2])


def files(root, *endings, under=""):
    """Paths below ROOT/UNDER, relative to ROOT, that end so; not those of builds."""
    found = []
    for folder, names, leaves in os.walk(os.path.join(root, under)):
        inside = os.path.relpath(folder, root)
        names[:] = sorted(name for name in names if name not in SKIPPED
                          and not (inside == "." and name.startswith("build"))
                          and not os.path.exists(os.path.join(folder, name, "build.ninja")))
        found += [os.path.normpath(os.path.join(inside, leaf)) for leaf in sorted(leaves)
                  if not endings or leaf.endswith(endings)]
    return found


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


def strip_c(text, strings=True):
    """C without comments, and with STRINGS without the contents of strings; lines stay where they are."""
    def blank(match):
        token = match[0]
        if token.startswith("/"):
            return " " + "\n" * token.count("\n")
        return '""' if strings and token[0] == '"' else token
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


class Symbol:
    def __init__(self, name, kind, section):
        self.name, self.kind, self.section = name, kind, section

    @property
    def undefined(self):
        return self.kind == "U" or self.section == "*UND*"

    @property
    def exported(self):
        return not self.undefined and self.kind.isupper()


def symbols(path):
    """The symbols of an object file."""
    said = subprocess.run(["nm", "-f", "sysv", path], check=True, capture_output=True, text=True).stdout
    found = []
    for line in said.splitlines():
        columns = [column.strip() for column in line.split("|")]
        if len(columns) == 7 and columns[0] != "Name":
            found.append(Symbol(columns[0], columns[2], columns[6]))
    return found


def objects(build):
    """path of an object file → the path of its source, relative to the source tree; for src/ and plugins/.
    Meson names the object of FOLDER/a.c FOLDER/TARGET.p/a.c.o."""
    found = {}
    for folder, _, leaves in os.walk(build):
        inside = os.path.relpath(folder, build)
        match = re.fullmatch(r"((?:src|plugins)(?:/.*)?)/[^/]+\.p", inside)
        for leaf in leaves if match else []:
            if leaf.endswith(".c.o"):
                # Targets of one folder may take files of another: meson writes their "/" as "_".
                name = leaf[:-2]
                found[os.path.join(folder, leaf)] = resolve(match[1], name)
    return found


def resolve(folder, name):
    if os.path.exists(os.path.join(SOURCE, folder, name)):
        return os.path.join(folder, name)
    for path in files(SOURCE, ".c", under="src") + files(SOURCE, ".c", under="plugins"):
        if name.endswith(path.replace("/", "_")):
            return path
    return os.path.join(folder, name)


class Case(unittest.TestCase):
    """With make_tree() and make_object() for trees and objects that a check must object to."""

    def make_tree(self, contents):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        for path, text in contents.items():
            full = os.path.join(holder.name, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w") as file:
                file.write(text)
        return holder.name

    def make_object(self, text):
        root = self.make_tree({"a.c": text})
        path = os.path.join(root, "a.o")
        subprocess.run(["cc", "-fPIC", "-c", "-o", path, os.path.join(root, "a.c")], check=True)
        return path

    def assertNothing(self, findings):
        if findings:
            self.fail("\n" + "\n".join(findings))

    def assertFinds(self, findings, *parts):
        """Exactly one finding, with these parts."""
        self.assertEqual(len(findings), 1, findings)
        for part in parts:
            self.assertIn(part, findings[0])


main = tap.main
