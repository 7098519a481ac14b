#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Issuers by preset: what is meant, what is refused with words, and what an ended directory, or a preset that
a later version has not any more, comes to.

  test-presets.py BUS-AGENT"""

import os
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap  # noqa: E402
from agent import ROOT, Agent, Client, Failed, GLib  # noqa: E402

PROGRAM = [sys.argv.pop(1)]
SHIPPED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "data", "issuers")
LETSENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"
ENDED = "https://acme-v01.api.letsencrypt.org/directory"


def settings(**values):
    return {key.replace("_", "-"): GLib.Variant("s", value) for key, value in values.items()}


class Presets(unittest.TestCase):
    def setUp(self):
        self.presets = tempfile.mkdtemp(prefix="certherd-presets-")
        for name in os.listdir(SHIPPED):
            if name.endswith(".conf"):
                shutil.copy(os.path.join(SHIPPED, name), self.presets)
        self.write_preset("house", "https://ca.house.test/directory")
        self.agent = Agent(PROGRAM, "[issuer default]\npreset = letsencrypt\n", {"TEST_PRESETS": self.presets})
        self.client = Client(self.agent.bus)

    def tearDown(self):
        self.client.close()
        self.agent.clean()
        shutil.rmtree(self.presets)

    def write_preset(self, name, url, more=""):
        with open(os.path.join(self.presets, name + ".conf"), "w") as file:
            file.write(f"[preset]\ndescription = {name}\ndirectory-url = {url}\neab = none\n{more}")

    def restart(self):
        self.agent.stop()
        self.client.close()
        self.agent.start()
        self.client = Client(self.agent.bus)

    def add(self, name, **values):
        return self.client.agent("AddIssuer", "(sa{sv})", name, settings(**values))

    def refused(self, *words, **values):
        with self.assertRaises(Failed) as caught:
            self.add("refused", **values)
        self.assertEqual(caught.exception.name, "InvalidArgument")
        for word in words:
            self.assertIn(word, caught.exception.message)
        self.assertNotIn("refused", [row["name"] for row in self.client.agent("ListIssuers")])

    def url(self, name):
        listed = {row["name"]: row["directory-url"] for row in self.client.agent("ListIssuers")}
        path = self.client.agent("GetIssuer", "(s)", name)
        self.assertEqual(self.client.get(path, "Issuer1")["DirectoryUrl"], listed[name])
        return listed[name]

    def attentions(self):
        return {(a["object"], a["code"]): a for a in self.client.get(ROOT, "Agent1")["Attentions"]}

    def test_list(self):
        "ListPresets: what there is to choose from"
        listed = {row["name"]: row for row in self.client.agent("ListPresets")}
        self.assertEqual(sorted(listed), sorted(name[:-5] for name in os.listdir(self.presets)))
        self.assertEqual(listed["letsencrypt"],
                         {"name": "letsencrypt", "description": "Let's Encrypt", "directory-url": LETSENCRYPT,
                          "staging": "letsencrypt-staging", "eab": "none",
                          "profiles": ["classic", "tlsserver", "shortlived"]})
        self.assertEqual(listed["zerossl"]["eab"], "required")
        self.assertIn("zerossl", listed["zerossl"]["eab-hint"])
        self.assertIn("HOST", listed["step-ca"]["directory-hint"])
        self.assertNotIn("directory-url", listed["step-ca"])

    def test_meaning(self):
        "preset is a directory; one that has no URL of its own is told it"
        self.assertEqual(self.url("default"), LETSENCRYPT)
        self.add("house", preset="house")
        self.assertEqual(self.url("house"), "https://ca.house.test/directory")
        self.add("step", preset="step-ca", directory_url="https://ca.test/acme/acme/directory")
        self.assertEqual(self.url("step"), "https://ca.test/acme/acme/directory")
        self.assertEqual(self.attentions(), {})

    def test_refused(self):
        "an unknown preset, preset beside directory-url, neither: InvalidArgument, with what to write"
        self.refused("there is no preset “nowhere”", "actalis, digicert", "zerossl", preset="nowhere")
        self.refused("letsencrypt means " + LETSENCRYPT, "leave one", preset="letsencrypt", directory_url=LETSENCRYPT)
        self.refused("https://HOST/acme/PROVISIONER/directory", preset="step-ca")
        self.refused("neither preset nor directory-url")
        self.refused("preset", preset="../x")

    def test_file(self):
        "the same mistakes in a file: file and line, and nothing is changed"
        for text, words in (("preset = nowhere\n", "there is no preset “nowhere”"),
                            ("preset = house\ndirectory-url = https://ca.test/\n", "leave one"),
                            ("kind = acme\n", "neither preset nor directory-url"),
                            ("preset = vault\n", "https://HOST:8200/v1/pki/acme/directory")):
            with self.subTest(text):
                self.agent.configure("[issuer default]\npreset = house\n\n[issuer other]\n" + text)
                problem, = self.client.agent("Reload")
                self.assertTrue(problem["file"].endswith("certherd.conf"))
                self.assertEqual(problem["line"], 4)
                self.assertIn("[issuer other]: ", problem["message"])
                self.assertIn(words, problem["message"])
                self.assertEqual(self.url("default"), LETSENCRYPT)
        self.agent.configure("[issuer default]\npreset = house\n")
        self.assertEqual(self.client.agent("Reload"), [])
        self.assertEqual(self.url("default"), "https://ca.house.test/directory")

    def test_ended_in_file(self):
        "a directory that ended: its successor is used, and the journal, Reload and an Attention say so"
        self.agent.configure(f"# ours\n[issuer default]\ndirectory-url = {ENDED}\n")
        problem, = self.client.agent("Reload")
        self.assertEqual(problem["line"], 2)
        self.assertIn(f"{ENDED} ended", problem["message"])
        self.assertIn("preset = letsencrypt", problem["message"])
        self.assertEqual(self.url("default"), LETSENCRYPT)
        path = self.client.agent("GetIssuer", "(s)", "default")
        raised = self.attentions()
        self.assertEqual(list(raised), [(path, "directory-ended")])
        self.assertEqual(raised[path, "directory-ended"]["severity"], "warning")
        self.assertIn(f"issuer default: the directory {ENDED} ended", self.agent.read_log())
        self.restart()
        self.assertEqual(self.url("default"), LETSENCRYPT)
        self.assertIn("directory-ended", [code for _, code in self.attentions()])
        self.agent.configure("[issuer default]\npreset = letsencrypt\n")
        self.assertEqual(self.client.agent("Reload"), [])
        self.assertEqual(self.attentions(), {})

    def test_ended_on_bus(self):
        "a directory that ended, added over the bus: the Attention goes with the issuer"
        path = self.add("old", directory_url="https://acme-staging.api.letsencrypt.org/directory")
        self.assertEqual(self.url("old"), "https://acme-staging-v02.api.letsencrypt.org/directory")
        self.assertIn((path, "directory-ended"), self.attentions())
        self.client.finished(self.client.call(path, "Issuer1.Register", "(a{sv})", {}))
        self.assertIn((path, "directory-ended"), self.attentions())
        self.client.call(path, "Issuer1.Remove")
        self.assertEqual(self.attentions(), {})

    def test_later_data(self):
        "the name is what is kept: a later version's URL counts, and a preset that is gone is an Attention"
        path = self.add("house", preset="house")
        self.write_preset("house", "https://ca2.house.test/directory")
        self.restart()
        self.assertEqual(self.url("house"), "https://ca2.house.test/directory")
        os.unlink(os.path.join(self.presets, "house.conf"))
        self.restart()
        self.assertEqual(self.url("house"), "")
        raised = self.attentions()[path, "preset-missing"]
        self.assertEqual(raised["severity"], "critical")
        self.assertIn("there is no preset “house”; known are actalis", raised["message"])
        state = self.client.finished(self.client.call(path, "Issuer1.Register", "(a{sv})", {}))
        self.assertEqual(state["State"], "failed")
        self.assertIn("there is no preset “house”", state["ErrorMessage"])
        self.write_preset("house", "https://ca.house.test/directory")
        self.restart()
        self.assertEqual(self.attentions(), {})
        state = self.client.finished(self.client.call(path, "Issuer1.Register", "(a{sv})", {}))
        self.assertEqual(state["State"], "done")

    def test_broken(self):
        "a preset with a mistake: the journal and an Attention have file and line, the others are there"
        self.write_preset("house", "https://ca.house.test/directory", "command = /bin/true\n")
        self.restart()
        raised = self.attentions()[ROOT, "presets"]
        self.assertIn('house.conf, line 5: "command": no such key of [preset]', raised["message"])
        self.assertIn(raised["message"], self.agent.read_log())
        self.refused("there is no preset “house”", preset="house")
        self.assertEqual(self.url("default"), LETSENCRYPT)


tap.main()
