#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Texts: nothing in the tree names the machine that it was written on or where its packages came from,
and every file with texts for people is in po/POTFILES.in."""

import os
import re

import tree

# Package registries and their mirrors: what is needed is named in tools/packages, where it comes from
# is the machine's affair.
REGISTRIES = re.compile(r"\b([\w-]+\.)*(docker\.io|ghcr\.io|quay\.io|gcr\.io|pkg\.dev|pypi\.org|pythonhosted\.org|npmjs\.(org|com)|"
                        r"crates\.io|rubygems\.org|(deb|snapshot|security|ftp[\w.]*)\.debian\.org|artifactory[\w.-]*|nexus\.[\w.-]+)\b",
                        re.I)
# Somebody's home, and the scratch folders of a workplace. "/tmp" itself is a place like any other.
PATHS = re.compile(r"(?<![\w.$}])/(home|root|work|Users|builds?|tmp/(?!certherd))/[\w.-]+")
ITSELF = "tests/checks/text.py"
BYTES = "tests/fuzz/corpus/"  # inputs, which may be anything


def find_places(root):
    findings = []
    for path in tree.files(root):
        if path in (ITSELF, "COPYING"):
            continue
        try:
            lines = tree.read(root, path).splitlines()
        except UnicodeDecodeError:
            if not path.startswith(BYTES):
                findings.append(f"{path}: is not text")
            continue
        for number, line in enumerate(lines, 1):
            for match in (REGISTRIES.search(line), PATHS.search(line)):
                if match:
                    findings.append(f"{path}:{number}: {match[0]}")
            if root == tree.SOURCE and root.count("/") > 2 and root in line:
                findings.append(f"{path}:{number}: {root}")
    return findings


def find_untranslated(root):
    marked = {path for path in tree.files(root, ".c", under="src")
              if re.search(r"\b(_|N_|ngettext) \(", tree.strip_c(tree.read(root, path)))}
    listed = [line for line in tree.read(root, "po/POTFILES.in").splitlines() if line and not line.startswith("#")]
    findings = [f"po/POTFILES.in: {path} is missing" for path in sorted(marked - set(listed))]
    findings += [f"po/POTFILES.in: {path} has no texts" for path in listed if path not in marked]
    if listed != sorted(listed):
        findings.append("po/POTFILES.in: not in alphabetical order")
    return findings


def find_languages(root):
    languages = [line for line in tree.read(root, "po/LINGUAS").split("\n") if line and not line.startswith("#")]
    return [f"po/LINGUAS: there is no po/{name}.po" for name in languages
            if not os.path.exists(os.path.join(root, "po", name + ".po"))]


class Text(tree.Case):
    def test_places(self):
        """no registries, no paths of a developer's machine"""
        self.assertNothing(find_places(tree.SOURCE))

    def test_texts(self):
        """po/POTFILES.in and po/LINGUAS are complete"""
        self.assertNothing(find_untranslated(tree.SOURCE) + find_languages(tree.SOURCE))


class Itself(tree.Case):
    def test_places_found(self):
        """a registry and a path are found"""
        for text in ("FROM registry.docker.io/debian", "cd /home/jane/certherd", "see https://pypi.org/simple", "/root/.cache"):
            self.assertFinds(find_places(self.make_tree({"a.md": text})), "a.md:1")
        self.assertNothing(find_places(self.make_tree({"a.md": "/var/lib/certherd /run/certherd $HOME/x example.org"})))

    def test_texts_found(self):
        """a file that is missing from POTFILES.in, or too many, is found"""
        self.assertFinds(find_untranslated(self.make_tree({"src/ctl/a.c": 'x (_ ("a"));', "po/POTFILES.in": "# x\n"})), "a.c is missing")
        self.assertFinds(find_untranslated(self.make_tree({"src/ctl/a.c": "// _ (x)\n", "po/POTFILES.in": "src/ctl/a.c\n"})), "no texts")


tree.main()
