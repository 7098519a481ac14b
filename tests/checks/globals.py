#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""No mutable state at file scope in what the agent is made of: no singletons, so that a test can make two
of everything. What GObject itself keeps there for each type is let pass."""

import re

import tree

MUTABLE = re.compile(r"\.(data|bss|tdata|tbss)(?!\.rel\.ro)(\.|$)|\*?COM\*?")
# Type ids, quarks and once-flags; what G_DEFINE_TYPE keeps; signals and properties of a class; the tables
# of sources, which GLib takes without const.
KNOWN = re.compile(r"(\w*type_id\w*|static_g_define_type_id|g_define_type_id\w*|\w*quark\w*|q|\w*_parent_class|\w*_private_offset|"
                   r"initialized|registered|once|\w+_funcs|signals|properties|interface_type_id)(\.\d+)?(\.\w+)?")


def find(objects):
    findings = []
    for path, source in sorted(objects.items()):
        if tree.layer_of(source) not in tree.AGENT:
            continue
        for symbol in tree.symbols(path):
            if MUTABLE.match(symbol.section) and not KNOWN.fullmatch(symbol.name) and not symbol.name.startswith("."):
                findings.append(f"{source}: {symbol.name} in {symbol.section}")
    return findings


class Globals(tree.Case):
    def test_tree(self):
        """no mutable state at file scope"""
        objects = tree.objects(tree.BUILD)
        self.assertGreater(len(objects), 10)
        self.assertNothing(find(objects))


class Itself(tree.Case):
    def find(self, text, source="src/core/a.c"):
        return find({self.make_object(text): source})

    def test_finds(self):
        """data, zeroed data, thread-local data and statics of functions are found"""
        for text in ("int x = 1;", "static int x; int *f (void) { return &x; }", "__thread int x;",
                     "int f (void) { static int x = 3; return x++; }"):
            self.assertFinds(self.find(text), "src/core/a.c", "x")

    def test_passes(self):
        """constants, tables of pointers and GObject's own are let pass"""
        self.assertNothing(self.find("const int x = 1; int f (void); int (*const table[]) (void) = { f };"))
        self.assertNothing(self.find("unsigned long *f (void) { static unsigned long g_define_type_id__static; return &g_define_type_id__static; }"))
        self.assertNothing(self.find("int x = 1;", "src/ctl/a.c"))


tree.main()
