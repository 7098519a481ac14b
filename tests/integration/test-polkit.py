#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Rights on the system bus: the real dbus-daemon and polkitd, certherd's policies, an agent that runs as
its own user, and callers who are nobody in particular.

  test-polkit.py BUS-AGENT"""

import os
import signal
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
from agent import NAME, ROOT, Gio, GLib  # noqa: E402
from rights import ALLOW_ALL, CONFIGURATION, DENY_ALL, INTERACTION, SOURCE, Case, main, rule, variants  # noqa: E402
from system import Polkit, User  # noqa: E402


class Rules(Case):
    def test_denied(self):
        "without a rule: whoever may not be asked is told so, and nothing changes"
        message = self.fails(INTERACTION, self.www.request, "web", ["www.example.com"], deliver=[])
        self.assertIn("org.certherd.request", message)
        self.assertEqual(self.names(), [])

    def test_nobody_to_ask(self):
        "without a rule and without an authentication agent: not authorized"
        answer = self.www.start(ROOT, "Agent1.Reload", interactive=True)
        error = self.finished(self.www, answer)["error"]
        self.assertEqual(error.name, "NotAuthorized")
        self.assertIn("org.certherd.reload", error.message)

    def test_rule_denies(self):
        "a rule that denies: not authorized; status is for all, and root is not asked about"
        self.restart_polkit(DENY_ALL)
        message = self.fails("NotAuthorized", self.www.request, "web", ["www.example.com"], deliver=[])
        self.assertIn("org.certherd.request", message)
        self.assertIn("rule", message)
        path, _ = self.root.request("web", ["www.example.com"], deliver=[])
        self.assertEqual(self.www.get(path, "Certificate1")["Owner"], 0)
        self.assertEqual(self.www.agent("GetCertificate", "(s)", "web"), path)

    def test_example(self):
        "the shipped example allows its user its domain, and is not fooled"
        with open(os.path.join(SOURCE, "data", "polkit", "50-certherd-example.rules")) as file:
            self.restart_polkit(file.read())
        for number, names in enumerate((["evil.org", "www.example.com"], ["www.example.com", "evil.org"],
                                        ["notexample.com"], ["example.com.evil.org"],
                                        ["www.example.com.evil.org", "www.example.com"], ["example.org"],
                                        ["192.0.2.1"], ["xn--example-com-1ib.com"])):
            self.fails(INTERACTION, self.www.request, f"bad{number}", names, deliver=[])
        other = self.client("other")
        self.fails(INTERACTION, other.request, "web", ["www.example.com"], deliver=[])
        self.assertEqual(self.names(), [])
        for number, names in enumerate((["example.com"], ["www.example.com"], ["A.B.EXAMPLE.COM", "example.com."],
                                        ["*.example.com"])):
            path, operation = self.www.request(f"good{number}", names, deliver=[])
            self.assertEqual(self.www.finished(operation)["State"], "done")
            self.www.finished(self.www.call(path, "Certificate1.Renew", "(a{sv})", {}))
        self.fails(INTERACTION, self.www.request, "reader", ["www.example.com"], deliver=[], readers=["other"])
        self.fails(INTERACTION, self.www.request, "target", ["www.example.com"], deliver=["shared"])
        self.fails(INTERACTION, self.www.call, path, "Certificate1.Modify", "(a{sv}as)", variants(readers=["other"]), [])
        # What was allowed for one name is not a way to another.
        self.fails(INTERACTION, self.www.call, path, "Certificate1.Modify", "(a{sv}as)",
                   variants(identifiers=["evil.org"]), [])
        self.www.call(path, "Certificate1.Modify", "(a{sv}as)", variants(identifiers=["new.example.com"]), [])
        self.www.call(path, "Certificate1.Modify", "(a{sv}as)", variants(renew="50%"), [])
        self.www.call(path, "Certificate1.Remove", "(a{sv})", {})

    def test_bus_policy(self):
        "nobody but the agent's user may own the name"
        for user in ("www", "other"):
            with self.assertRaises(GLib.Error) as caught:
                self.client(user).connection.call_sync(
                    "org.freedesktop.DBus", "/", "org.freedesktop.DBus", "RequestName",
                    GLib.Variant("(su)", (NAME, 0)), None, Gio.DBusCallFlags.NONE, -1, None)
            self.assertIn("AccessDenied", caught.exception.message)


class Questions(Case):
    def ask(self, path, member, signature=None, *arguments):
        return self.www.start(path, member, signature, *arguments, interactive=True)

    def wait_open(self, dialogs, number=1):
        self.www.wait(lambda: len(dialogs.open) >= number, "polkit's question")

    def test_allowed(self):
        "with an authentication agent: somebody is asked, with the details, and says yes"
        dialogs = self.dialogs()
        answer = self.ask(ROOT, "Agent1.RequestCertificate", "(sa{sv})", "web",
                          variants(identifiers=["www.example"], deliver=[]))
        self.wait_open(dialogs)
        action, message = dialogs.open[0][:2]
        self.assertEqual(action, "org.certherd.request")
        self.assertIn("certificate web for www.example.", message)
        self.assertEqual(self.names(), [])
        dialogs.allow()
        self.assertIn("value", self.finished(self.www, answer))
        self.assertEqual(self.names(), ["web"])
        self.fails(INTERACTION, self.www.request, "web2", ["www.example"], deliver=[])

    def test_change_between(self):
        "what changes between question and answer is asked about again"
        path, _ = self.root.request("web", ["old.example"], deliver=[])
        dialogs = self.dialogs()
        answer = self.ask(path, "Certificate1.Modify", "(a{sv}as)", variants(renew="50%"), [])
        self.wait_open(dialogs)
        self.assertEqual(dialogs.open[0][0], "org.certherd.manage")
        self.assertIn("for old.example, which belongs to user 0", dialogs.open[0][1])
        self.root.call(path, "Certificate1.Modify", "(a{sv}as)", variants(identifiers=["new.example"]), [])
        dialogs.allow()
        self.wait_open(dialogs)
        self.assertEqual(answer, {})
        self.assertIn("for new.example, ", dialogs.open[0][1])
        self.assertNotIn("renew", self.root.call(path, "Certificate1.GetSpec"))
        dialogs.allow()
        self.assertIn("value", self.finished(self.www, answer))
        self.assertEqual(self.root.call(path, "Certificate1.GetSpec")["renew"], "50%")

    def test_removed_between(self):
        "what is removed between question and answer is gone"
        path, _ = self.root.request("web", ["old.example"], deliver=[])
        dialogs = self.dialogs()
        answer = self.ask(path, "Certificate1.Remove", "(a{sv})", {})
        self.wait_open(dialogs)
        self.root.call(path, "Certificate1.Remove", "(a{sv})", {})
        dialogs.allow()
        self.assertEqual(self.finished(self.www, answer)["error"].name, "NotFound")

    def test_vanish(self):
        "a caller that goes takes its question away"
        dialogs = self.dialogs()
        for _ in range(3):
            caller = User("www")
            caller.start(ROOT, "Agent1.Reload", interactive=True)
            self.wait_open(dialogs)
            cookie = dialogs.open.pop()[2]
            caller.close()
            self.www.wait(lambda: cookie in dialogs.cancelled, "the question's end")

    def test_agent_ends(self):
        "an agent that ends with questions open ends well"
        dialogs = self.dialogs()
        answer = self.ask(ROOT, "Agent1.Reload")
        self.wait_open(dialogs)
        self.agent.process.terminate()
        self.assertEqual(self.agent.process.wait(30), 0)
        self.assertIn("error", self.finished(self.www, answer))
        self.agent = None

    def test_calls(self):
        "32 calls under way for each user"
        dialogs = self.dialogs()
        answers = [self.ask(ROOT, "Agent1.Reload") for _ in range(32)]
        self.wait_open(dialogs, 32)
        second = self.client("www")
        self.fails("LimitExceeded", second.agent, "GetCertificate", "(s)", "web")
        self.fails("NotFound", self.client("other").agent, "GetCertificate", "(s)", "web")
        dialogs.allow()
        self.www.wait(lambda: any(answers), "one answer")
        self.fails("NotFound", second.agent, "GetCertificate", "(s)", "web")


class Quotas(Case):
    RULES = ALLOW_ALL

    def test_operations(self):
        "ten unfinished operations for each user, not for root"
        operations = []
        for number in range(10):
            path, operation = self.www.request(f"www{number}", [f"hold.www{number}.example"], deliver=[])
            operations.append(operation)
        message = self.fails("LimitExceeded", self.www.request, "more", ["hold.more.example"], deliver=[])
        self.assertIn("cancel", message)
        self.fails("NotFound", self.www.agent, "GetCertificate", "(s)", "more")
        # What runs already is joined; what needs no operation is done; others have quotas of their own.
        self.assertEqual(self.www.request("www9", ["hold.www9.example"], deliver=[]), (path, operation))
        self.www.call(path, "Certificate1.Modify", "(a{sv}as)", variants(renew="50%"), [])
        self.fails("LimitExceeded", self.www.call, path, "Certificate1.Modify", "(a{sv}as)",
                   variants(identifiers=["new.example"]), [])
        self.assertEqual(self.root.get(path, "Certificate1")["Identifiers"], ["hold.www9.example"])
        issuer = self.root.agent("GetIssuer", "(s)", "default")
        self.fails("LimitExceeded", self.www.call, issuer, "Issuer1.Register", "(a{sv})", {})
        for number in range(11):
            self.root.request(f"root{number}", [f"hold.root{number}.example"], deliver=[])
        done, renewal = self.client("other").request("done", ["done.example"], deliver=[])
        self.www.finished(renewal)
        self.fails("LimitExceeded", self.www.call, done, "Certificate1.Renew", "(a{sv})", {})
        self.www.call(operations[0], "Operation1.Cancel")
        self.www.finished(operations[0])
        self.www.finished(self.www.call(done, "Certificate1.Renew", "(a{sv})", {}))

    def test_subscriptions(self):
        "twenty subscriptions for each user, over all its connections"
        for _ in range(20):
            last = self.www.agent("Subscribe", "(asa{sv})", ["*"], {})
        second = self.client("www")
        self.fails("LimitExceeded", second.agent, "Subscribe", "(asa{sv})", ["*"], {})
        self.client("other").agent("Subscribe", "(asa{sv})", ["*"], {})
        self.www.call(last, "Subscription1.Close")
        second.agent("Subscribe", "(asa{sv})", ["*"], {})

    def test_configured(self):
        "both quotas are what [agent] says, from the next reload on"
        self.agent.configure(CONFIGURATION + "[agent]\noperations-per-user = 2\nsubscriptions-per-user = 3\n")
        self.assertEqual(self.root.agent("Reload"), [])
        for number in range(2):
            _, operation = self.www.request(f"www{number}", [f"hold.www{number}.example"], deliver=[])
        self.assertIn("2 unfinished", self.fails("LimitExceeded", self.www.request, "more", ["hold.more.example"], deliver=[]))
        for number in range(3):
            self.www.agent("Subscribe", "(asa{sv})", ["*"], {})
        self.assertIn("3 subscriptions", self.fails("LimitExceeded", self.www.agent, "Subscribe", "(asa{sv})", ["*"], {}))
        # Who has more than a new quota keeps them, and gets no other.
        self.agent.configure(CONFIGURATION + "[agent]\noperations-per-user = 1\nsubscriptions-per-user = 4\n")
        self.assertEqual(self.root.agent("Reload"), [])
        self.www.agent("Subscribe", "(asa{sv})", ["*"], {})
        self.www.call(operation, "Operation1.Cancel")
        self.www.finished(operation)
        self.fails("LimitExceeded", self.www.request, "more", ["hold.more.example"], deliver=[])


class Turns(Case):
    def setUp(self):
        os.environ["TEST_CERTIFICATES"] = "5000"
        self.addCleanup(os.environ.pop, "TEST_CERTIFICATES")
        super().setUp()

    def test_turns(self):
        "a user's long replies wait for each other, not another user's for them"
        other = self.client("other")
        for client in (self.www, other):
            client.agent("GetCertificate", "(s)", "fill-000001")  # everybody is known
        search = ("ListCertificates", "(a{sv}su)", {"identifier": GLib.Variant("s", "nothing*")}, "", 500)
        calls = [(self.www, *search)] * 20 + [(self.www, "ListIssuers"), (other, "ListIssuers")]
        order = []
        for client, member, *arguments in calls:
            client.start(ROOT, "Agent1." + member, *arguments, then=lambda c=client, m=member: order.append((c, m)))
        self.www.wait(lambda: len(order) == len(calls), "all answers")
        self.assertEqual([member for client, member in order if client is self.www], [search[0]] * 20 + ["ListIssuers"])
        self.assertIs(order[-1][0], self.www)


class Memory(Case):
    def setUp(self):
        os.environ.update(TEST_CERTIFICATES="980", TEST_IDENTIFIERS="10")
        self.addCleanup(os.environ.pop, "TEST_CERTIFICATES")
        self.addCleanup(os.environ.pop, "TEST_IDENTIFIERS")
        super().setUp()

    def get_peak(self):
        with open(f"/proc/{self.agent.process.pid}/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmHWM:"))

    def test_pipelined(self):
        "a user's long replies take the room of one, however many are asked for at once"
        def ask(number):
            answers, done = [], lambda connection, result: answers.append(connection.call_finish(result).get_size())
            for _ in range(number):
                self.www.connection.call(NAME, ROOT, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", None, None,
                                         Gio.DBusCallFlags.NONE, -1, None, done)
            self.www.wait(lambda: len(answers) == number, "all answers")
            return answers[0]

        size = ask(1)
        ask(1)
        peak = self.get_peak()
        self.assertGreater(size, 2000000)
        ask(31)
        # Not a quota's worth of them: freed memory may come back in other pieces, so some more than one.
        self.assertLess(self.get_peak() - peak, 8 * size // 1024)
        self.www.agent("GetCertificate", "(s)", "fill-000001")


class Owners(Case):
    def test_names(self):
        "another owner's name cannot be claimed or joined, whatever rules say"
        self.restart_polkit(ALLOW_ALL)
        path, operation = self.root.request("web", ["hold.example"], deliver=[])
        before = self.root.get(path, "Certificate1")
        message = self.fails("Exists", self.www.request, "web", ["hold.example"], deliver=[])
        self.assertIn("another name", message)
        self.assertEqual(self.root.get(path, "Certificate1"), before)

    def test_objects(self):
        "another owner's certificate, operation and key are left alone; its status and chain are not secret"
        path, operation = self.root.request("web", ["www.example"], deliver=[])
        self.root.finished(operation)
        held, operation = self.root.request("held", ["hold.example"], deliver=[])
        issuer = self.root.agent("GetIssuer", "(s)", "default")
        calls = ((path, "Certificate1.Renew", "(a{sv})", {}), (path, "Certificate1.Remove", "(a{sv})", {}),
                 (path, "Certificate1.Renew", "(a{sv})", {"force": GLib.Variant("b", True)}),
                 (path, "Certificate1.Modify", "(a{sv}as)", {}, []), (path, "Certificate1.Retry"),
                 (path, "Certificate1.GetSpec"), (path, "Certificate1.OpenBundle", "(a{sv})", {}),
                 (operation, "Operation1.Cancel"), (issuer, "Issuer1.Remove"), (issuer, "Issuer1.Register", "(a{sv})", {}),
                 (issuer, "Issuer1.SetContacts", "(as)", []), (issuer, "Issuer1.RollKey"), (issuer, "Issuer1.Deactivate"),
                 (ROOT, "Agent1.AddIssuer", "(sa{sv})", "mine", variants(directory_url="https://evil.test/")),
                 (ROOT, "Agent1.Subscribe", "(asa{sv})", ["*"], {"target": GLib.Variant("s", "shared")}),
                 (ROOT, "Agent1.Reload"))
        before = [self.root.get(object, "Certificate1") for object in (path, held)]
        for call in calls:
            with self.subTest(call[1]):
                self.fails(INTERACTION, self.www.call, *call)
        self.restart_polkit(DENY_ALL)
        for call in calls:
            with self.subTest(call[1]):
                self.fails("NotAuthorized", self.www.call, *call)
        self.assertEqual([self.root.get(object, "Certificate1") for object in (path, held)], before)
        self.assertEqual(self.root.get(operation, "Operation1")["State"], "running")
        self.assertEqual(self.www.call(path, "Certificate1.OpenChain", "(a{sv})", {})[0], 1)

    def test_owner(self):
        "an owner manages what is its own without being asked, and cancels what it started"
        self.restart_polkit(rule('if (action.id == "org.certherd.request") return polkit.Result.YES;'))
        path, operation = self.www.request("web", ["hold.example"], deliver=[])
        self.www.call(path, "Certificate1.Modify", "(a{sv}as)", variants(renew="auto"), [])
        self.assertEqual(self.www.call(path, "Certificate1.GetSpec")["renew"], "auto")
        self.www.call(operation, "Operation1.Cancel")
        self.assertEqual(self.www.finished(operation)["State"], "cancelled")
        self.www.call(path, "Certificate1.Remove", "(a{sv})", {})
        self.assertEqual(self.names(), [])

    def test_owner_renews(self):
        "an owner comes to no other certificate, and no sooner, than request and renew are allowed for"
        self.restart_polkit(ALLOW_ALL)
        path, operation = self.www.request("web", ["a.example", "b.example"], deliver=[], renew="20%")
        self.www.finished(operation)
        held, _ = self.www.request("held", ["hold.example"], deliver=[])
        self.restart_polkit("")
        before = self.root.get(path, "Certificate1")
        for change, unset in ((variants(key_type="ecdsa-p384"), []), (variants(organization="Org"), []),
                              (variants(identifiers=["a.example"]), []), (variants(issuer=["default"]), []),
                              (variants(common_name="a.example", renew="10%"), [])):
            self.assertIn("org.certherd.request", self.fails(INTERACTION, self.www.call, path, "Certificate1.Modify",
                                                             "(a{sv}as)", change, unset))
        for object, change, unset in ((path, variants(renew="99%"), []), (path, variants(renew="3650d"), []),
                                      (path, {}, ["renew"]), (held, variants(renew="99%"), [])):
            self.assertIn("org.certherd.renew", self.fails(INTERACTION, self.www.call, object, "Certificate1.Modify",
                                                           "(a{sv}as)", change, unset))
        self.assertEqual(self.root.get(path, "Certificate1"), before)
        self.www.call(path, "Certificate1.Modify", "(a{sv}as)", variants(renew="10%"), [])
        self.assertGreater(self.root.get(path, "Certificate1")["NextActionTime"], before["NextActionTime"])
        self.restart_polkit(rule('if (action.id == "org.certherd.renew") return polkit.Result.YES;'))
        self.www.call(path, "Certificate1.Modify", "(a{sv}as)", variants(renew="30%"), [])
        self.assertIn("org.certherd.request", self.fails(INTERACTION, self.www.call, path, "Certificate1.Modify",
                                                         "(a{sv}as)", variants(key_type="rsa-2048"), []))
        self.assertEqual(self.root.get(path, "Certificate1")["Generation"], before["Generation"])


class Targets(Case):
    RULES = ALLOW_ALL

    def refused(self, *words_of):
        """What is refused leaves everything as it was."""
        words, call = words_of[:-1], words_of[-1]
        before = self.names(), [self.root.get(path, "Certificate1") for path in self.kept]
        message = self.fails("NotAuthorized", *call)
        for word in words:
            self.assertIn(word, message)
        self.assertEqual((self.names(), [self.root.get(path, "Certificate1") for path in self.kept]), before)

    def test_users(self):
        "a target is for root and its allow-users, whatever rules say"
        self.kept = []
        spec = variants(identifiers=["hold.example"], deliver=["shared"])
        for target in ("shared", "closed"):
            self.refused("user %d" % self.www.uid, target, "allow-users",
                         (self.www.agent, "RequestCertificate", "(sa{sv})", "web",
                          {**spec, **variants(deliver=["live", target])}))
        path, _ = self.www.request("web", ["hold.example"], deliver=[])
        self.kept.append(path)
        self.refused("shared", (self.www.call, path, "Certificate1.Modify", "(a{sv}as)", variants(deliver=["shared"]), []))
        self.client("other").agent("RequestCertificate", "(sa{sv})", "other", spec)
        self.root.request("root", ["hold.example"], deliver=["shared", "closed"])
        # What root gave stays; nobody takes more.
        self.root.call(path, "Certificate1.Modify", "(a{sv}as)", variants(deliver=["shared"]), [])
        self.www.call(path, "Certificate1.Modify", "(a{sv}as)", variants(renew="50%"), [])
        self.refused("closed", (self.www.call, path, "Certificate1.Modify", "(a{sv}as)",
                                variants(deliver=["shared", "closed"]), []))

    def test_unreadable(self):
        "a mistake in [target live] opens it to nobody: not at a reload, nor at a start"
        limits = CONFIGURATION + "[target live]\nadapter = files\nallow-users = other\n"
        self.agent.configure(limits)
        self.assertEqual(self.root.agent("Reload"), [])
        self.kept = []
        call = (self.www.agent, "RequestCertificate", "(sa{sv})", "web", variants(identifiers=["hold.example"]))
        self.refused("allow-users", call)
        self.agent.configure(limits + "mode = 9999\n")
        self.assertTrue(self.root.agent("Reload"))
        self.refused("allow-users", call)
        self.agent.restart()
        self.refused("mode", "certherd.conf, line", call)
        self.root.request("web", ["hold.example"])

    def test_live(self):
        "[target live] without allow-users is for all to deliver to, for nobody to be; with an empty list for nobody"
        section = CONFIGURATION + "[target live]\nmode = 0640\n"
        self.agent.configure(section)
        self.assertEqual(self.root.agent("Reload"), [])
        self.www.request("web", ["hold.example"])
        self.restart_polkit(DENY_ALL)
        target = {"target": GLib.Variant("s", "live")}
        self.fails("NotAuthorized", self.www.agent, "Subscribe", "(asa{sv})", ["*"], target)
        self.restart_polkit(ALLOW_ALL)
        self.agent.configure(section + "allow-users =\n")
        self.assertEqual(self.root.agent("Reload"), [])
        self.kept = []
        self.refused("allow-users", (self.www.agent, "RequestCertificate", "(sa{sv})", "more",
                                     variants(identifiers=["hold.example"])))

    def test_children(self):
        "without systemd the agent's own user is a target: certherd-deliver is its child"
        self.restart_polkit(DENY_ALL)
        self.client("certherd").agent("Subscribe", "(asa{sv})", ["*"], {"target": GLib.Variant("s", "live")})

    def test_identifiers(self):
        "a target takes the identifiers of its section only; root may deliver anything"
        other = self.client("other")
        self.kept = []
        for names in (["hold.example", "hold.test"], ["192.0.2.1"], ["example.org"], ["hold.example.test"]):
            self.refused(names[-1], "shared", "*.example", (other.agent, "RequestCertificate", "(sa{sv})", "web",
                                                            variants(identifiers=names, deliver=["shared"])))
        path, _ = other.request("web", ["HOLD.example"], deliver=["shared"])
        self.kept.append(path)
        self.refused("hold.test", (other.call, path, "Certificate1.Modify", "(a{sv}as)",
                                   variants(identifiers=["hold.example", "hold.test"]), []))
        self.root.call(path, "Certificate1.Modify", "(a{sv}as)", variants(identifiers=["hold.test"]), [])
        # Their owner keeps them, and moves them to no other target.
        other.call(path, "Certificate1.Modify", "(a{sv}as)", variants(renew="50%"), [])
        other.call(path, "Certificate1.Modify", "(a{sv}as)", variants(deliver=[]), [])
        self.refused("hold.test", (other.call, path, "Certificate1.Modify", "(a{sv}as)", variants(deliver=["shared"]), []))

    def test_subscribe(self):
        "allow-users subscribe as the target without being asked about; root does"
        self.restart_polkit(DENY_ALL)
        target = {"target": GLib.Variant("s", "shared")}
        self.fails("NotAuthorized", self.www.agent, "Subscribe", "(asa{sv})", ["*"], target)
        other = self.client("other")
        other.call(other.agent("Subscribe", "(asa{sv})", ["*"], target), "Subscription1.Close")
        self.root.agent("Subscribe", "(asa{sv})", ["*"], target)

    def test_subscribe_no_more(self):
        "whoever is no longer among allow-users is the target no longer, and gets no key; whom a rule let in stays, and a mistake ends nothing"
        self.restart_polkit(rule('if (action.id == "org.certherd.deliver") return polkit.Result.YES;'
                                 'return polkit.Result.NO;'))
        other = self.client("other")
        subscribe = lambda client, target: client.agent("Subscribe", "(asa{sv})", ["*"], {"target": GLib.Variant("s", target)})
        listed, asked = subscribe(other, "shared"), subscribe(self.www, "closed")
        path, _ = self.root.request("web", ["web.example"], deliver=["shared", "closed"])
        for client in (other, self.www):
            client.wait(lambda: [s for s in client.signals if s[2] == "Updated" and s[3][1] == "web"], "Updated")
            self.assertEqual(client.call(path, "Certificate1.OpenBundle", "(a{sv})", {})[0], 1)
        self.agent.configure(CONFIGURATION.replace("allow-users = other\n", "colour = red\n"))
        self.assertTrue(self.root.agent("Reload"))
        self.assertEqual(other.call(path, "Certificate1.OpenBundle", "(a{sv})", {})[0], 1)
        self.agent.configure(CONFIGURATION.replace("allow-users = other\n", ""))
        self.assertEqual(self.root.agent("Reload"), [])
        self.fails("NotAuthorized", other.call, path, "Certificate1.OpenBundle", "(a{sv})", {})
        self.fails("NotFound", other.call, listed, "Subscription1.Acknowledge", "(otbs)", path, 1, True, "")
        self.www.call(asked, "Subscription1.Acknowledge", "(otbs)", path, 1, True, "")
        self.assertEqual(self.www.call(path, "Certificate1.OpenBundle", "(a{sv})", {})[0], 1)
        subscribe(self.root, "shared")

    def test_many_connections(self):
        "connections that came, however many, cost no watch once they hold nothing; those that go are missed by none"
        live = {"target": GLib.Variant("s", "live")}
        for user in ("www", "other"):
            for _ in range(253):
                client = self.client(user)
                client.call(client.agent("Subscribe", "(asa{sv})", ["*"], {}), "Subscription1.Close")
        observers = [self.client("root") for _ in range(100)]
        for client in observers:
            client.agent("Subscribe", "(asa{sv})", ["*"], {})
        for _ in range(2):
            holder = self.client("root")
            holder.agent("Subscribe", "(asa{sv})", ["*"], live)
            holder.close()


class Absent(Case):
    RULES = ALLOW_ALL

    def refused(self):
        message = self.fails("NotAuthorized", self.www.request, "web", ["www.example.com"], deliver=[])
        self.assertIn("org.certherd.request", message)
        self.assertEqual(self.root.agent("Reload"), [])
        self.assertEqual(self.names(), [])
        return message

    def test_absent(self):
        "without polkit: denied, saying so; root is served; when polkit is back, it is asked"
        self.polkit.stop()
        self.assertIn("polkit cannot be asked", self.refused())
        self.polkit = Polkit(ALLOW_ALL)
        self.www.request("web", ["www.example.com"], deliver=[])

    def test_silent(self):
        "a polkit that does not answer: denied in time"
        self.polkit.process.send_signal(signal.SIGSTOP)
        answer = self.www.start(ROOT, "Agent1.Reload")
        error = self.finished(self.www, answer)["error"]
        self.assertEqual(error.name, "NotAuthorized")
        self.assertIn("in time", error.message)


main(__file__)
