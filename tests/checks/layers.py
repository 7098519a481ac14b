#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The layers: who includes whom, whose symbols are linked, and which library each layer may use. The
table is the one in HACKING.md."""

import os
import re

import tree

# A library's headers → the layers or files, below src/, where alone they may be included. PKCS#12 is the
# business of the user's program, and there is no other maintained source of it.
OWNERS = {
    "gnutls/": {"crypto", "responder", "ctl/formats.c"},
    "libsoup/": {"net"},
    "ares.h": {"net"},
    "json-glib/": {"acme", "ctl"},
    "sqlite3.h": {"state"},
    "libsecret/": {"state", "main.c"},
    "polkit/": {"bus"},
    "idn2.h": {"config"},
    "libpsl.h": {"core"},
}


def read_table(text):
    """{layer: layers it may include} from HACKING.md. Words that are no layer (GLib, nothing) fall away."""
    rows = re.findall(r"([\w./*]+) ←((?: (?!\S+ ←)\S+)*)", text)
    layers = {layer for layer, _ in rows}
    table = {layer: set(words.split()) & layers for layer, words in rows}
    table["main.c"] = layers - {"responder", "deliver", "ctl", "plugins/*"}
    table["plugins/*"] = {"plugin"}
    return table


def allowed(table, layer):
    return table["plugins/*" if layer.startswith("plugins/") else layer]


def is_test(path):
    return path.startswith("plugins/") and os.path.basename(path).startswith("test")


def includes(root, path):
    text = tree.strip_c(tree.read(root, path), strings=False)
    return re.findall(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', text, flags=re.M)


def check_own(table, root, path, header):
    """What is wrong with including HEADER, one of ours, in PATH; "" if nothing is. Two are generated."""
    layer = tree.layer_of(path)
    folder = header.partition("/")[0]
    if header == "herd-config.h":
        return "plugins must not see the build's paths" if layer.startswith("plugins/") else ""
    if header == "herd-interfaces.h":
        return "" if layer == "bus" else "only bus may"
    if folder == layer or folder in allowed(table, layer):
        return ""
    if layer.startswith("plugins/"):
        places = (os.path.dirname(path), "plugins/common")
        return "" if any(os.path.exists(os.path.join(root, place, header)) for place in places) else "not its own"
    if folder in table:
        return f"{layer} may include: {' '.join(sorted(allowed(table, layer))) or 'nothing of ours'}"
    return 'headers of ours are included as "folder/name.h"'


def find_includes(root):
    table = read_table(tree.read(root, "HACKING.md"))
    findings = []
    for path in tree.files(root, ".c", ".h", under="src") + tree.files(root, ".c", ".h", under="plugins"):
        if is_test(path):
            continue
        layer = tree.layer_of(path)
        if not layer.startswith("plugins/") and layer not in table:
            findings.append(f"{path}: HACKING.md's table has no layer {layer}")
            continue
        for kind, header in includes(root, path):
            wrong = check_own(table, root, path, header) if kind == '"' else ""
            for prefix, owners in OWNERS.items():
                if header.startswith(prefix) and layer not in owners and path.removeprefix("src/") not in owners:
                    wrong = f"only {' and '.join(sorted(owners))} may"
            if wrong:
                findings.append(f"{path}: includes {header}: {wrong}")
    return findings


def in_family(layer):
    """What a layer may link: itself, and for a plugin what plugins share."""
    return {layer, "plugins/common"} if layer.startswith("plugins/") else {layer}


def find_symbols(table, objects):
    """OBJECTS: path of an object → its source. Undefined symbols that only a forbidden layer defines."""
    defined, wanted = {}, []
    for path, source in objects.items():
        layer = tree.layer_of(source)
        for symbol in tree.symbols(path):
            if symbol.exported:
                defined.setdefault(symbol.name, set()).add(layer)
            elif symbol.undefined and not is_test(source):
                wanted.append((layer, source, symbol.name))
    findings = []
    for layer, source, name in sorted(wanted):
        homes = defined.get(name, set())
        if homes and not homes & (allowed(table, layer) | in_family(layer)):
            findings.append(f"{source}: links {name} of {' '.join(sorted(homes))}")
    return findings


TABLE = "```\nutil ← GLib        plugin ← GLib   net ← util plugin\nctl ← nothing of ours  plugins/* ← src/plugin only\n```\n"


class Layers(tree.Case):
    def test_includes(self):
        """includes follow HACKING.md's table"""
        self.assertNothing(find_includes(tree.SOURCE))

    def test_symbols(self):
        """linked symbols follow HACKING.md's table"""
        objects = tree.objects(tree.BUILD)
        self.assertGreater(len(objects), 10)
        self.assertNothing(find_symbols(read_table(tree.read(tree.SOURCE, "HACKING.md")), objects))


class Itself(tree.Case):
    def find(self, path, text, **more):
        return find_includes(self.make_tree({"HACKING.md": TABLE, path: text, **more}))

    def test_table(self):
        """the table is read whole"""
        table = read_table(tree.read(tree.SOURCE, "HACKING.md"))
        self.assertEqual(len(table), 15)
        self.assertEqual(table["core"], {"config", "state", "model", "crypto", "net", "util", "plugin"})
        self.assertEqual((table["util"], table["ctl"]), (set(), set()))

    def test_allowed(self):
        """what is allowed is let pass, and comments and system headers are"""
        self.assertNothing(self.find("src/net/a.c", '#include "net/a.h"\n#include "util/b.h"\n#include <libsoup/soup.h>\n'
                                     '// #include "core/x.h"\n/*\n#include "core/x.h"\n*/\n#include <stdio.h>\n'))

    def test_upward(self):
        """an upward include is found"""
        self.assertFinds(self.find("src/util/a.h", '#  include "net/b.h"\n'), "src/util/a.h", "net/b.h")

    def test_bare(self):
        """an include without its folder is found"""
        self.assertFinds(self.find("src/util/a.c", '#include "b.h"\n'), "folder/name.h")

    def test_unknown(self):
        """a folder without a row in the table is found"""
        self.assertFinds(self.find("src/extra/a.c", "\n"), "extra")

    def test_library(self):
        """a library outside its layer is found"""
        self.assertFinds(self.find("src/util/a.c", "#include <gnutls/gnutls.h>\n"), "only crypto and ctl/formats.c and responder may")

    def test_plugin(self):
        """a plugin that reaches into the agent is found, its own header is not"""
        self.assertFinds(self.find("plugins/adapter-x/x.c", '#include "util/b.h"\n#include "plugin/adapter.h"\n#include "own.h"\n#include "base.h"\n',
                                   **{"plugins/adapter-x/own.h": "", "plugins/common/base.h": ""}), "util/b.h")

    def test_symbol(self):
        """a symbol of a forbidden layer is found, even where no header is included"""
        objects = {self.make_object("void herd_up (void); void herd_low (void) { herd_up (); }"): "src/util/low.c",
                   self.make_object("void herd_up (void) {}"): "src/net/up.c",
                   self.make_object("void herd_low (void); void herd_else (void) { herd_low (); }"): "src/net/else.c"}
        self.assertFinds(find_symbols(read_table(TABLE), objects), "src/util/low.c", "herd_up", "net")


tree.main()
