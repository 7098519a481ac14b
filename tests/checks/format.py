#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The format: .clang-format decides it."""

import os
import shutil
import subprocess

import tree


def find(root):
    paths = tree.files(root, ".c", ".h")
    ended = subprocess.run(["clang-format", "--dry-run", "-Werror", *paths], cwd=root, capture_output=True, text=True)
    findings = sorted({line.partition(": error")[0] for line in ended.stderr.splitlines() if ": error" in line})
    return findings or ([ended.stderr] if ended.returncode else [])


class Format(tree.Case):
    def test_tree(self):
        """every file is as clang-format would write it"""
        self.assertNothing(find(tree.SOURCE))

    def test_itself(self):
        """a file that is not is found"""
        root = self.make_tree({"a.c": "int  x;\n", "b.c": "int x;\n"})
        shutil.copy(os.path.join(tree.SOURCE, ".clang-format"), root)
        self.assertFinds(find(root), "a.c:1")


tree.main()
