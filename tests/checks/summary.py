#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The last line of tools/test tells the truth: its counting (tests/lib/summary.py) on made-up runs."""

import json
import os
import subprocess
import sys

import tree


class Summary(tree.Case):
    def run_summary(self, *tests, allow="", points=()):
        log = "".join(json.dumps({"stderr": "", "returncode": 0, **test}) + "\n" for test in tests)
        root = self.make_tree({"log": log, "allow": allow})
        ended = subprocess.run([sys.executable, os.path.join(tree.SOURCE, "tests", "lib", "summary.py"), root + "/log", root + "/allow", *points],
                               capture_output=True, text=True)
        return ended.returncode, (ended.stdout.splitlines() or [""])[-1], ended.stdout

    def test_points(self):
        """every point counts, of GLib's TAP and of others"""
        status, last, _ = self.run_summary({"name": "certherd:unit / a", "result": "OK", "stdout": "TAP version 13\nok 1 /a/b\nok 2 - c d\n1..2\n"},
                                           {"name": "certherd:unit / plain", "result": "OK", "stdout": "hello\nokay\n"})
        self.assertEqual((status, last), (0, "3 passed, 0 failed, 0 skipped"))

    def test_failure(self):
        """a failed point fails the run, and its log is shown"""
        status, last, text = self.run_summary({"name": "s / a", "result": "FAIL", "stdout": "ok 1 x\n# why\nnot ok 2 /y\n"})
        self.assertEqual((status, last), (1, "1 passed, 1 failed, 0 skipped"))
        self.assertIn("FAILED  a: /y", text)
        self.assertIn("  | # why", text)

    def test_crash(self):
        """a program that crashes, hangs or stops early is a failure, whatever it said before"""
        for result in ("FAIL", "TIMEOUT", "ERROR", "INTERRUPT", "UNEXPECTEDPASS"):
            status, last, _ = self.run_summary({"name": "s / a", "result": result, "stdout": "ok 1 x\n", "returncode": -11})
            self.assertEqual((status, last), (1, "1 passed, 1 failed, 0 skipped"))

    def test_skip(self):
        """a skip is a failure unless it is listed with its reason"""
        test = {"name": "s / a", "result": "OK", "stdout": "ok 1 x\nok 2 /y/z # SKIP no keyring here\n"}
        status, last, text = self.run_summary(test)
        self.assertEqual((status, last), (1, "1 passed, 1 failed, 0 skipped"))
        self.assertIn("no keyring here", text)
        status, last, text = self.run_summary(test, allow="# c\na: /y/* -- because\n")
        self.assertEqual((status, last), (0, "1 passed, 0 failed, 1 skipped"))
        self.assertIn("no keyring here", text)
        self.assertEqual(self.run_summary(test, allow="a: /y/*\n")[0], 1)

    def test_nothing(self):
        """a run without a test is a failure"""
        self.assertEqual(self.run_summary()[:2], (1, "0 passed, 0 failed, 0 skipped"))

    def test_compiled(self):
        """a compiler's failure counts"""
        test = {"name": "s / a", "result": "OK", "stdout": "ok 1 x\n"}
        self.assertEqual(self.run_summary(test, points=["clang=passed"])[:2], (0, "2 passed, 0 failed, 0 skipped"))
        status, last, text = self.run_summary(test, points=["clang=failed"])
        self.assertEqual((status, last), (1, "1 passed, 1 failed, 0 skipped"))
        self.assertIn("FAILED  clang", text)


tree.main()
