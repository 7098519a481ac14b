#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Wishes: joining, changing, renewing, failing, cancelling, removing; and a restart in between.

  test-requests.py BUS-AGENT"""

import os
import signal
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap  # noqa: E402
from agent import ROOT, Agent, Client, Failed, GLib  # noqa: E402

PROGRAM = [sys.argv.pop(1)]
CONFIGURATION = """
[issuer default]
directory-url = https://ca.test/dir
"""


class Case(unittest.TestCase):
    def setUp(self):
        self.agent = Agent(PROGRAM, CONFIGURATION)
        self.client = Client(self.agent.bus)

    def tearDown(self):
        self.client.close()
        self.agent.clean()

    def restart(self, signal=15):
        status = self.agent.stop(signal)
        self.client.close()
        self.agent.start()
        self.client = Client(self.agent.bus)
        return status

    def fails(self, name, function, *arguments, **more):
        with self.assertRaises(Failed) as caught:
            function(*arguments, **more)
        self.assertEqual(caught.exception.name, name, caught.exception.message)
        return caught.exception.message


class Requests(Case):
    def test_join(self):
        "RequestCertificate: the same wish joins, another one is Exists"
        first, operation = self.client.request("web", ["hold.example", "two.example"], deliver=[])
        again = self.client.request("web", ["TWO.example", "hold.example."], deliver=[])
        self.assertEqual(again, (first, operation))
        self.assertIn("Modify", self.fails("Exists", self.client.request, "web", ["hold.example"], deliver=[]))

    def test_nothing_due(self):
        "RequestCertificate: nothing runs and nothing is due: the operation is “/”"
        path, operation = self.client.request("web", ["www.example"], deliver=[])
        self.assertEqual(self.client.finished(operation)["State"], "done")
        self.assertEqual(self.client.request("web", ["www.example"], deliver=[]), (path, "/"))
        self.assertEqual(self.client.get(path, "Certificate1")["Generation"], 1)

    def test_backoff(self):
        "A failure backs off: a request and a renewal wait, force does not"
        path, operation = self.client.request("web", ["limit.example"], deliver=[])
        state = self.client.finished(operation)
        self.assertEqual((state["State"], state["Error"]), ("failed", "org.certherd.Error.RateLimited"))
        values = self.client.get(path, "Certificate1")
        self.assertEqual((values["Activity"], values["NextAction"]), ("waiting", "retry"))
        self.assertIn("rateLimited", values["LastErrorMessage"])
        self.assertEqual(self.client.request("web", ["limit.example"], deliver=[]), (path, "/"))
        self.assertIn("force", self.fails("RateLimited", self.client.call, path, "Certificate1.Renew", "(a{sv})", {}))
        forced = self.client.call(path, "Certificate1.Renew", "(a{sv})", {"force": GLib.Variant("b", True)})
        self.assertEqual(self.client.finished(forced)["State"], "failed")
        attentions = self.client.get(ROOT, "Agent1")["Attentions"]
        self.assertEqual([(a["object"], a["code"]) for a in attentions], [(path, "issuance-failed")])

    def test_errors(self):
        "What an issuer says comes out with its name, the cause and a time to try again"
        for first, error in (("refuse", "Refused"), ("down", "Unreachable"), ("otherkey", "Refused")):
            path, operation = self.client.request(first, [first + ".example"], deliver=[])
            state = self.client.finished(operation)
            if first == "otherkey":
                continue  # the issuer's own check is tested with the engine
            self.assertEqual((state["State"], state["Error"]), ("failed", "org.certherd.Error." + error))
            self.assertGreater(self.client.get(path, "Certificate1")["NextActionTime"], 0)

    def test_renew(self):
        "Renew: a new generation, a running one is joined, generations count on"
        path, operation = self.client.request("web", ["www.example"], deliver=[])
        self.client.finished(operation)
        for generation in range(2, 6):
            renewal = self.client.call(path, "Certificate1.Renew", "(a{sv})", {"reason": GLib.Variant("s", "why\nnot\x1b")})
            state = self.client.finished(renewal)
            self.assertEqual(state["Result"], {"generation": generation})
        values = self.client.get(path, "Certificate1")
        self.assertEqual([g["generation"] for g in values["Generations"]], [3, 4, 5])
        self.assertEqual(len({g["serial"] for g in values["Generations"]}), 3)
        self.assertIn("why\\", self.agent.read_log())  # in one line, whatever the caller says

    def test_kept(self):
        "Reload: another number of generations to keep holds from the next one on"
        path, operation = self.client.request("web", ["www.example"], deliver=[])
        self.client.finished(operation)
        for said, kept in (("", [1, 2]), ("generations = 1", [3]), ("generations = 2", [3, 4]), ("", [3, 4, 5])):
            self.agent.configure(f"[agent]\n{said}\n{CONFIGURATION}")
            self.assertEqual(self.client.agent("Reload"), [])
            self.client.finished(self.client.call(path, "Certificate1.Renew", "(a{sv})", {}))
            self.assertEqual([g["generation"] for g in self.client.get(path, "Certificate1")["Generations"]], kept)

    def test_slots(self):
        "Reload: with more operations at the same time, those that wait go on; with less, none is ended"
        def limit(number):
            self.agent.configure(f"[agent]\noperations = {number}\n{CONFIGURATION}")
            self.assertEqual(self.client.agent("Reload"), [])

        def begin(name):
            return self.client.request(name, ["hold.example"], deliver=[])[1]

        def step(operation):
            return self.client.get(operation, "Operation1")["Step"]

        limit(1)
        first, second, third = begin("first"), begin("second"), begin("third")
        self.client.wait(lambda: step(first) == "download", "the first")
        limit(1)  # meanwhile the others would have got on
        self.assertEqual([step(second), step(third)], ["queue", "queue"])
        limit(2)
        self.client.wait(lambda: step(second) == "download", "the second")
        self.assertEqual([step(first), step(third)], ["download", "queue"])
        limit(1)
        self.client.call(first, "Operation1.Cancel")
        self.client.finished(first)
        limit(1)
        self.assertEqual([step(second), step(third)], ["download", "queue"])
        self.client.call(second, "Operation1.Cancel")
        self.client.wait(lambda: step(third) == "download", "the third")

    def test_modify(self):
        "Modify: names need a new certificate, targets and rules do not"
        path, operation = self.client.request("web", ["www.example"], deliver=[])
        self.client.finished(operation)
        set_ = {"renew": GLib.Variant("s", "50%")}
        self.assertEqual(self.client.call(path, "Certificate1.Modify", "(a{sv}as)", set_, []), "/")
        values = self.client.get(path, "Certificate1")
        middle = (values["NotBefore"] + values["NotAfter"]) // 2
        self.assertLessEqual(abs(values["NextActionTime"] - middle), 1)
        names = {"identifiers": GLib.Variant("as", ["www.example", "mail.example"])}
        operation = self.client.call(path, "Certificate1.Modify", "(a{sv}as)", names, ["renew"])
        self.assertEqual(self.client.finished(operation)["State"], "done")
        values = self.client.get(path, "Certificate1")
        self.assertEqual((values["Generation"], sorted(values["Identifiers"])), (2, ["mail.example", "www.example"]))
        self.assertNotIn("renew", self.client.call(path, "Certificate1.GetSpec"))
        for bad in (["identifiers"], ["colour"]):
            self.fails("InvalidArgument", self.client.call, path, "Certificate1.Modify", "(a{sv}as)", {}, bad)

    def test_wishes(self):
        "what a CA does not do of a wish needs somebody to look at it, until it is done"
        path, operation = self.client.request("web", ["www.example"], deliver=[], profile="shortlived",
                                              preferred_chain="Another Root")
        self.assertEqual(self.client.finished(operation)["State"], "done")
        codes = {a["code"]: a["message"] for a in self.client.get(ROOT, "Agent1")["Attentions"] if a["object"] == path}
        self.assertEqual(sorted(codes), ["chain-not-preferred", "profile-dropped"])
        self.assertIn("shortlived", codes["profile-dropped"])
        self.assertEqual(self.client.get(path, "Certificate1")["Profile"], "shortlived")
        operation = self.client.call(path, "Certificate1.Modify", "(a{sv}as)", {"must-staple": GLib.Variant("b", True)},
                                     ["profile", "preferred-chain"])
        self.assertEqual(self.client.finished(operation)["State"], "done")
        self.assertEqual([a for a in self.client.get(ROOT, "Agent1")["Attentions"] if a["object"] == path], [])
        self.assertIs(self.client.call(path, "Certificate1.GetSpec")["must-staple"], True)

    def test_replaces(self):
        "an issuer is told what a renewal replaces, if it comes from there"
        path, operation = self.client.request("web", ["predecessorless.example"], deliver=[])
        self.assertEqual(self.client.finished(operation)["State"], "done")
        operation = self.client.call(path, "Certificate1.Renew", "(a{sv})", {"force": GLib.Variant("b", True)})
        self.assertIn("what it replaces", self.client.finished(operation)["ErrorMessage"])

    def test_modify_running(self):
        "Modify before the point of no return cancels the run and starts another"
        path, first = self.client.request("web", ["hold.example"], deliver=[])
        names = {"identifiers": GLib.Variant("as", ["www.example"])}
        second = self.client.call(path, "Certificate1.Modify", "(a{sv}as)", names, [])
        self.assertNotEqual(first, second)
        self.assertEqual(self.client.finished(first)["State"], "cancelled")
        self.assertEqual(self.client.finished(second)["State"], "done")
        self.assertEqual(self.client.get(path, "Certificate1")["Generation"], 1)

    def test_modify_twice(self):
        "Two changes in a row: the first one's operation ends, the last one is issued"
        path, first = self.client.request("web", ["hold.example"], deliver=[])
        names = [{"identifiers": GLib.Variant("as", [name])} for name in ("one.example", "two.example")]
        operations = [self.client.call(path, "Certificate1.Modify", "(a{sv}as)", name, []) for name in names]
        self.assertEqual(self.client.finished(first)["State"], "cancelled")
        self.assertEqual(self.client.finished(operations[1])["State"], "done")
        self.assertIn(self.client.finished(operations[0])["State"], ("cancelled", "done"))
        self.assertEqual(self.client.get(path, "Certificate1")["Identifiers"], ["two.example"])

    def test_modify_fails(self):
        "A change whose issuance fails stays due: it is not put off until the old renewal"
        path, operation = self.client.request("web", ["www.example"], deliver=[])
        self.client.finished(operation)
        down = {"identifiers": GLib.Variant("as", ["down.example"])}
        operation = self.client.call(path, "Certificate1.Modify", "(a{sv}as)", down, [])
        self.assertEqual(self.client.finished(operation)["State"], "failed")
        values = self.client.get(path, "Certificate1")
        self.assertEqual(values["NextAction"], "retry")
        self.assertLess(values["NextActionTime"] - values["LastErrorTime"], 120)

    def test_cancel(self):
        "Cancel: the operation ends as cancelled, the wish stays"
        path, operation = self.client.request("web", ["hold.example"], deliver=[])
        self.client.wait(lambda: self.client.get(operation, "Operation1")["Step"] == "download", "the download")
        self.client.call(operation, "Operation1.Cancel")
        self.assertEqual(self.client.finished(operation)["State"], "cancelled")
        self.fails("NotFound", self.client.call, operation, "Operation1.Cancel")
        values = self.client.get(path, "Certificate1")
        self.assertEqual((values["Operation"], values["NextAction"]), ("/", "retry"))  # not at once
        self.assertGreater(values["NextActionTime"], values["LastErrorTime"] + 3600)
        self.assertEqual(self.client.agent("GetCertificate", "(s)", "web"), path)

    def test_remove(self):
        "Remove: also while it runs; numbers never restart for a name"
        path, operation = self.client.request("web", ["www.example"], deliver=[])
        self.client.finished(operation)
        self.client.call(path, "Certificate1.Remove", "(a{sv})", {})
        self.fails("NotFound", self.client.agent, "GetCertificate", "(s)", "web")
        path, operation = self.client.request("web", ["www.example"], deliver=[])
        self.assertEqual(self.client.finished(operation)["Result"], {"generation": 2})
        held, operation = self.client.request("held", ["hold.example"], deliver=[])
        self.client.call(held, "Certificate1.Remove", "(a{sv})", {})
        self.client.wait(lambda: any(s[0] == operation and s[2] == "Finished" for s in self.client.signals),
                         "the end of the removed one's operation")
        self.restart()
        self.fails("NotFound", self.client.agent, "GetCertificate", "(s)", "held")
        self.assertEqual(self.client.get(self.client.agent("GetCertificate", "(s)", "web"), "Certificate1")["Generation"], 2)

    def start_race(self, kind):
        self.agent.stop()
        self.client.close()
        self.agent.environment["TEST_RACE"] = kind
        self.agent.start()
        self.client = Client(self.agent.bus)

    def test_replace_race(self):
        "Other names just behind a save: issued for once more, and once only"
        self.start_race("replace")
        path, operation = self.client.request("web", ["www.example"], deliver=[])
        self.assertEqual(self.client.finished(operation)["Result"], {"generation": 1})
        self.client.wait(lambda: self.client.get(path, "Certificate1")["Generation"] > 1, "generation 2")
        self.client.wait(lambda: self.client.get(path, "Certificate1")["Operation"] == "/", "the end")
        self.client.drain()
        operations = [s[3][0] for s in self.client.signals if s[2] == "InterfacesAdded" and "operation" in s[3][0]]
        self.assertEqual(len(operations), 2)
        for other in operations:
            self.assertEqual(self.client.finished(other)["State"], "done")
        values = self.client.get(path, "Certificate1")
        self.assertEqual((values["Generation"], values["Activity"]), (2, "idle"))

    def test_race(self):
        "A change just behind a save, and a kill: the new generation stays the current one"
        self.start_race("kill")
        self.client.request("web", ["www.example"], deliver=[])
        self.assertEqual(self.agent.process.wait(30), -9)
        del self.agent.environment["TEST_RACE"]
        self.restart()
        path = self.client.agent("GetCertificate", "(s)", "web")
        self.assertEqual(self.client.get(path, "Certificate1")["Generation"], 1)
        self.assertEqual(self.client.call(path, "Certificate1.GetSpec")["renew"], "50%")

    def test_locked(self):
        "Started while the keys are locked: what was under way stays so, and goes on after an unlocked start"
        path, operation = self.client.request("web", ["wait.example"], deliver=[])
        self.client.wait(lambda: self.client.get(operation, "Operation1")["Step"] == "download", "the download")
        self.agent.environment["TEST_LOCKED"] = "1"
        self.restart(9)
        del self.agent.environment["TEST_LOCKED"]
        codes = [a["code"] for a in self.client.get(ROOT, "Agent1")["Attentions"]]
        self.assertIn("locked", codes)
        self.assertEqual(self.client.get(operation, "Operation1")["State"], "running")
        values = self.client.get(path, "Certificate1")
        self.assertEqual((values["Operation"], values["LastError"]), (operation, ""))
        self.assertEqual(self.client.request("web", ["wait.example"], deliver=[]), (path, operation))
        self.restart(9)
        self.client.wait(lambda: self.client.get(operation, "Operation1")["Step"] == "download", "the download")
        os.kill(self.agent.process.pid, signal.SIGUSR2)
        self.assertEqual(self.client.finished(operation)["Result"], {"generation": 1})

    def test_restart(self):
        "A restart keeps paths, generations, keys, operations; SIGKILL too"
        path, operation = self.client.request("web", ["www.example"], deliver=[])
        self.client.finished(operation)
        before = self.client.get(path, "Certificate1")
        running, held = self.client.request("held", ["hold.example"], deliver=[])
        self.assertEqual(self.restart(), 0)
        self.assertEqual(self.client.get(path, "Certificate1"), before)
        self.assertEqual(self.client.get(operation, "Operation1")["State"], "done")
        self.assertEqual(self.client.get(held, "Operation1")["State"], "running")
        self.assertEqual(self.client.get(running, "Certificate1")["Operation"], held)
        self.restart(9)
        self.assertEqual(self.client.get(path, "Certificate1"), before)
        reply, fds = self.client.call_raw(path, "org.certherd.Certificate1", "OpenBundle",
                                          GLib.Variant("(a{sv})", ({},)))
        self.assertEqual(fds.get_length(), 2)
        third, operation = self.client.request("third", ["third.example"], deliver=[])
        self.assertNotIn(third, (path, running))


class Declared(Case):
    def test_declared(self):
        "Certificates in files: issued by themselves, changed in the file only, retired when they vanish"
        self.agent.configure(CONFIGURATION + "[certificate web]\nidentifiers = www.example\ndeliver =\n")
        self.assertEqual(self.client.agent("Reload"), [])
        path = self.client.agent("GetCertificate", "(s)", "web")
        self.client.wait(lambda: self.client.get(path, "Certificate1")["Generation"] == 1, "generation 1")
        self.assertEqual(self.client.get(path, "Certificate1")["Origin"], "file")
        message = self.fails("Refused", self.client.call, path, "Certificate1.Modify", "(a{sv}as)",
                             {"renew": GLib.Variant("s", "14d")}, [])
        self.assertIn("certherd.conf, line 4", message.replace(":", ", line "))
        self.fails("Refused", self.client.call, path, "Certificate1.Remove", "(a{sv})", {})
        self.fails("Exists", self.client.request, "web", ["www.example"], deliver=[])
        self.agent.configure(CONFIGURATION + "[certificate web]\nidentifiers = www.example two.example\ndeliver =\n")
        self.client.agent("Reload")
        self.client.wait(lambda: self.client.get(path, "Certificate1")["Generation"] == 2, "generation 2")
        self.agent.configure(CONFIGURATION)
        self.client.agent("Reload")
        self.assertEqual(self.client.get(path, "Certificate1")["NextAction"], "none")
        self.client.call(path, "Certificate1.Remove", "(a{sv})", {})

    def test_wrong_file(self):
        "A wrong file is reported with file and line, and changes nothing"
        self.agent.configure(CONFIGURATION + "[certificate web]\nidentifiers = www.example\ndeliver =\n")
        self.client.agent("Reload")
        path = self.client.agent("GetCertificate", "(s)", "web")
        self.client.wait(lambda: self.client.get(path, "Certificate1")["Generation"] == 1, "generation 1")
        self.agent.configure(CONFIGURATION + "[certificate web]\nidentifiers = www..example\ncolour = red\n")
        problems = self.client.agent("Reload")
        self.assertTrue(problems)
        for problem in problems:
            self.assertTrue(problem["file"].endswith("certherd.conf"))
            self.assertIn(problem["line"], (5, 6))
        values = self.client.get(path, "Certificate1")
        self.assertEqual((values["Identifiers"], values["NextAction"]), (["www.example"], "renew"))

    def test_name_taken(self):
        "A name that the bus holds is a file error"
        path, operation = self.client.request("web", ["www.example"], deliver=[])
        self.client.finished(operation)
        self.agent.configure(CONFIGURATION + "[certificate web]\nidentifiers = other.example\ndeliver =\n")
        problems = self.client.agent("Reload")
        self.assertEqual(len(problems), 1)
        self.assertIn("bus", problems[0]["message"])
        self.assertEqual(self.client.get(path, "Certificate1")["Identifiers"], ["www.example"])


tap.main()
