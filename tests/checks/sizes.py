#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The shape of files: at most 600 lines, functions of at most 80, the licence and a comment at the head,
#pragma once in headers."""

import re

import tree

FILE_LINES = 600
FUNCTION_LINES = 80
HEAD_LINES = 10  # of a .c; a header is where a contract is explained
SPDX = "SPDX-License-Identifier: LGPL-2.1-or-later"


def functions(text):
    """(name, lines) of every function that text, in the project's format, defines."""
    lines = text.splitlines()
    start = None
    for number, line in enumerate(lines):
        # The name stands at the beginning of the line after its return type; "{" and "}" stand alone.
        match = re.match(r"(\w+) \(", line)
        if match and number > 0 and re.match(r"[A-Za-z_]", lines[number - 1]):
            start = (number, match[1])
        elif line == "}" and start is not None:
            yield start[1], number - start[0] + 1
            start = None


def find_c(root, path):
    text = tree.read(root, path)
    lines = text.splitlines()
    if lines[:1] != ["// " + SPDX]:
        yield f"{path}: does not begin with // {SPDX}"
    head = re.match(r"[^\n]*\n/\*(.*?)\*/", text, flags=re.S)
    if head is None:
        yield f"{path}: has no comment at its head that says what it is, who owns it, which thread"
    elif path.endswith(".c") and not 2 <= head[1].count("\n") <= HEAD_LINES + 1:
        yield f"{path}: its head comment has {head[1].count(chr(10)) - 1} lines, more than {HEAD_LINES}"
    if path.endswith(".h") and "#pragma once" not in lines:
        yield f"{path}: has no #pragma once"
    for name, length in functions(text):
        if length > FUNCTION_LINES:
            yield f"{path}: {name}() has {length} lines, more than {FUNCTION_LINES}"


def find(root):
    findings = []
    for path in tree.files(root):
        if path == "COPYING" or not re.search(r"(\.(c|h|py|sh|build|xml|in)|/[^./]+)$", "/" + path):
            continue
        text = tree.read(root, path)
        if text.count("\n") > FILE_LINES:
            findings.append(f"{path}: {text.count(chr(10))} lines, more than {FILE_LINES}")
        if path.endswith((".c", ".h")):
            findings += find_c(root, path)
        elif path.endswith((".py", ".sh", "meson.build")) and SPDX not in text[:300]:
            findings.append(f"{path}: {SPDX} is missing")
    return findings


HEAD = f"// {SPDX}\n/*\n * What.\n * Who.\n */\n"


class Sizes(tree.Case):
    def test_tree(self):
        """every file has its shape"""
        self.assertNothing(find(tree.SOURCE))


class Itself(tree.Case):
    def test_good(self):
        """a good file is let pass"""
        self.assertNothing(find(self.make_tree({"src/a.h": HEAD + "#pragma once\n"})))

    def test_long_file(self):
        """a long file is found"""
        self.assertFinds(find(self.make_tree({"src/a.c": HEAD + "\n" * FILE_LINES})), "605 lines")

    def test_long_function(self):
        """a long function is found, one at the limit is not"""
        make = lambda name, body: f"static void\n{name} (void)\n{{\n" + "  x ();\n" * body + "}\n"
        text = HEAD + make("good", FUNCTION_LINES - 3) + make("bad", FUNCTION_LINES - 2)
        self.assertFinds(find(self.make_tree({"src/a.c": text})), "bad()", "81 lines")

    def test_heads(self):
        """a missing licence, comment or #pragma once is found"""
        self.assertFinds(find(self.make_tree({"src/a.c": "\n" + HEAD[HEAD.index("/*"):]})), "does not begin")
        self.assertFinds(find(self.make_tree({"src/a.c": f"// {SPDX}\nint x;\n"})), "no comment")
        self.assertFinds(find(self.make_tree({"src/a.h": HEAD})), "#pragma once")
        self.assertFinds(find(self.make_tree({"tools/a.sh": "true\n"})), "tools/a.sh")


tree.main()
