#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Time: in the agent only src/util/clock.c reads it or arms timers, so that a test can replace both."""

import re

import tree

FORBIDDEN = re.compile(
    r"g_get_real_time|g_get_monotonic_time|g_get_current_time|g_date_time_new_now\w*|g_timeout_\w+|g_timer_\w+|"
    r"g_usleep|g_cond_wait_until|g_async_queue_timeout_\w+|g_source_set_ready_time|g_source_get_time|"
    r"time|gettimeofday|clock_gettime|clock_nanosleep|nanosleep|u?sleep|alarm|setitimer|timerfd_\w+|timer_create")
CLOCK = "src/util/clock.c"


def in_agent(path):
    return tree.layer_of(path) in tree.AGENT and path != CLOCK


def find_calls(root):
    findings = []
    for path in tree.files(root, ".c", ".h", under="src"):
        if not in_agent(path):
            continue
        for number, line in enumerate(tree.strip_c(tree.read(root, path)).splitlines(), 1):
            for match in re.finditer(r"\b(" + FORBIDDEN.pattern + r")[ \t]*\(", line):
                # A member or a pointer that is called "time" is not the function.
                if not re.search(r"(\.|->|\*)\s*$", line[:match.start()]):
                    findings.append(f"{path}:{number}: {match[1]}")
    return findings


def find_symbols(objects):
    return [f"{source}: links {symbol.name}" for path, source in sorted(objects.items()) if in_agent(source)
            for symbol in tree.symbols(path) if symbol.undefined and FORBIDDEN.fullmatch(symbol.name)]


class Clock(tree.Case):
    def test_source(self):
        """no call for the time in the agent's sources"""
        self.assertNothing(find_calls(tree.SOURCE))

    def test_symbols(self):
        """no symbol for the time in the agent's objects"""
        objects = tree.objects(tree.BUILD)
        self.assertIn(CLOCK, objects.values())
        self.assertNothing(find_symbols(objects))


class Itself(tree.Case):
    def test_finds(self):
        """calls are found, with their line"""
        root = self.make_tree({"src/net/a.c": "int x;\n/* sleep (1) */ x = time (NULL);\n",
                               CLOCK: "g_get_real_time ();\n", "src/ctl/b.c": "g_get_real_time ();\n",
                               "src/main.c": 'puts ("sleep (1)"); g_timeout_add (1);\n',
                               "src/core/c.c": "set->time (1); x = lifetime (1);\n"})
        self.assertEqual(find_calls(root), ["src/main.c:1: g_timeout_add", "src/net/a.c:2: time"])

    def test_symbol(self):
        """a linked symbol is found, even behind a macro"""
        text = "unsigned sleep (unsigned); unsigned f (void) { return sleep (1); }"
        self.assertFinds(find_symbols({self.make_object(text): "src/core/a.c"}), "src/core/a.c", "sleep")
        self.assertNothing(find_symbols({self.make_object(text): "src/deliver/a.c"}))


tree.main()
