#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What long replies cost the loop and the caller.

  bus.py BUS-AGENT [N]        N certificates, 20,000 by default; `tools/test bus` builds build/test/tests/bus/bus-agent

Prints how long each call takes, and the longest turn of the agent's loop meanwhile."""

import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from agent import ROOT, Agent, Client, GLib  # noqa: E402

MANAGER = "org.freedesktop.DBus.ObjectManager"


def longest_turn(agent, client):
    """Milliseconds, since the last time."""
    before = agent.read_log().count("longest turn")
    agent.process.send_signal(signal.SIGUSR1)

    def printed():
        GLib.timeout_add(10, lambda: False)
        return agent.read_log().count("longest turn") > before

    client.wait(printed, "the figure")
    return int(agent.read_log().rsplit("longest turn: ", 1)[1]) / 1000


def measure(number, calls):
    agent = Agent([sys.argv[1]], "[issuer default]\ndirectory-url = https://ca.test/dir\n",
                  {"TEST_CERTIFICATES": str(number)})
    client = Client(agent.bus)
    try:
        client.drain()
        print(f"{'':10}     {longest_turn(agent, client):10.2f} ms longest turn  the start with {number} certificates")
        for what, interface, member, arguments in calls:
            longest_turn(agent, client)
            begin = time.perf_counter()
            client.call_raw(ROOT, interface, member, arguments)
            took = (time.perf_counter() - begin) * 1000
            print(f"{took:10.2f} ms  {longest_turn(agent, client):10.2f} ms longest turn  {what}")
    finally:
        client.close()
        agent.clean()


number = int(sys.argv[2]) if len(sys.argv) > 2 else 20000
everything = GLib.Variant("(a{sv}su)", ({}, "", 500))
nothing = GLib.Variant("(a{sv}su)", ({"identifier": GLib.Variant("s", "nothing*")}, "", 500))
measure(number, [(f"a page of 500 of {number}", "org.certherd.Agent1", "ListCertificates", everything),
                 (f"a search through {number}", "org.certherd.Agent1", "ListCertificates", nothing)])
measure(990, [("GetManagedObjects of 990", MANAGER, "GetManagedObjects", None)])
