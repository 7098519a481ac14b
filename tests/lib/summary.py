#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Counts the test points of a run: what each test program said in TAP, or the program as one point
where it says nothing. Prints why points failed or were skipped, and last
"N passed, N failed, N skipped".

  summary.py TESTLOG.json SKIPS.allow [NAME=passed|failed …]

The NAMEs are points that the caller knows of itself.

A line of SKIPS.allow is "TEST: POINT -- REASON": TEST as in meson, POINT a glob. A skip that no line
allows is a failure, and so is a run without a single point."""

import fnmatch
import json
import re
import sys

TAP_LINE = re.compile(r"^(?P<not>not )?ok\b\s*\d*\s*(?:- )?(?P<name>[^#]*?)\s*(?:#\s*(?P<directive>\w+)\s*(?P<reason>.*))?$")
LOG_LINES = 60  # of a failed program's output


def read_allowed(path):
    allowed = []
    with open(path) as file:
        for line in file:
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            match = re.fullmatch(r"([\w-]+): (.+?) -- (\S.*)", line)
            if match is None:
                raise SystemExit(f"{path}: not “TEST: POINT -- REASON”: {line}")
            allowed.append(match.groups())
    return allowed


def read_points(test):
    """(name, "passed" | "failed" | "skipped", reason) of every point of one test program."""
    points = []
    for line in (test.get("stdout") or "").splitlines():
        match = TAP_LINE.match(line)
        if match is None:
            continue
        directive = (match["directive"] or "").lower()
        word = "failed" if match["not"] else "passed"
        if directive == "skip":
            word = "skipped"
        elif directive == "todo":
            word = "passed"
        points.append((match["name"], word, match["reason"] or ""))
    if test["result"] in ("OK", "SKIP", "EXPECTEDFAIL"):
        return points or [("", "skipped" if test["result"] == "SKIP" else "passed", "")]
    # It crashed, hung, or said less than it had announced: no failed point tells of that.
    if not any(word == "failed" for _, word, _ in points):
        points.append((f"({test['result'].lower()}, exit status {test['returncode']})", "failed", ""))
    return points


def is_allowed(allowed, test, point):
    return any(name == test and fnmatch.fnmatchcase(point, glob) for name, glob, _ in allowed)


def print_log(test):
    for stream in ("stdout", "stderr"):
        lines = (test.get(stream) or "").splitlines()
        shown = [line for line in lines if not re.match(r"ok\b", line)][-LOG_LINES:]
        for line in shown:
            print("  | " + line)


def summarize(tests, allowed):
    """Prints what is to be said, and returns (passed, failed, skipped)."""
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for test in tests:
        name = test["name"].rpartition(" / ")[2]
        points = read_points(test)
        for point, word, reason in points:
            if word == "skipped" and not is_allowed(allowed, name, point):
                print(f"SKIPPED, NOT ALLOWED  {name}: {point}: {reason or 'no reason given'}")
                word = "failed"
            elif word == "skipped":
                print(f"skipped  {name}: {point}: {reason or 'no reason given'}")
            elif word == "failed":
                print(f"FAILED  {name}: {point}")
            counts[word] += 1
        if any(word == "failed" for _, word, _ in points):
            print_log(test)
    return counts["passed"], counts["failed"], counts["skipped"]


def main():
    try:
        with open(sys.argv[1]) as file:
            tests = [json.loads(line) for line in file if line.strip()]
    except OSError as error:
        print(f"No test ran: {error}")
        tests = []
    for point in sys.argv[3:]:
        name, _, word = point.rpartition("=")
        mark = "not ok" if word == "failed" else "ok"
        tests.append({"name": name, "result": "OK", "stdout": f"{mark} 1\n", "stderr": "", "returncode": 0})
    passed, failed, skipped = summarize(tests, read_allowed(sys.argv[2]))
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
