# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the unittest cases of a script and prints TAP, one line for each test, with what it does as its
name. Used by the tests that are written in Python: `tap.main()` at the end of the script."""

import sys
import traceback
import unittest


class TapResult(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.count = 0

    def say(self, word, test, directive=""):
        self.count += 1
        name = test.shortDescription() or test.id().replace("__main__.", "")
        print(f"{word} {self.count} - {name.replace('#', '')}{directive}", flush=True)

    def explain(self, error):
        # The last frame is the test's, or the one that it called: unittest's own say nothing.
        for line in "".join(traceback.format_exception(*error, limit=-1)).splitlines():
            print("# " + line, flush=True)

    def addSuccess(self, test):
        self.say("ok", test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.explain(err)
        self.say("not ok", test)

    def addError(self, test, err):
        super().addError(test, err)
        self.explain(err)
        self.say("not ok", test)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.say("ok", test, f" # SKIP {reason}")

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.explain(err)
            print(f"# in {subtest}", flush=True)
            self.say("not ok", subtest)


def main():
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])
    result = TapResult()
    suite.run(result)
    print(f"1..{result.count}", flush=True)
    sys.exit(0 if result.wasSuccessful() and result.count > 0 else 1)
