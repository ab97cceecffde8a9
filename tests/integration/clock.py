#!/usr/bin/env python3
"""clock.py [TEST...] - a wall clock that is wrong, on real servers: no timer fires by it, facts flow on, the log and
/readyz name both clocks and the difference; and when it is right again, timers go on by themselves."""

import os
import re
import sys
import time
import urllib.error
import urllib.request

from timing import POLICY, Facts, Producer, Tail, Watched, lead_in, preloaded
from world import PARTITIONS, World, iso, main, require, say, wait_for

DUE_S = 8
HOUR_MS = 3600 * 1000


class ShiftedClock:
    """A service whose wall clock is wrong by as much as a file says."""

    def __init__(self, test, wrong_ms):
        self.world, self.facts = World(test, POLICY % DUE_S), Facts()
        self.world.create_topics()
        self.tail = Tail(self.world, "leads.breaches")
        self.producer = Producer(self.world)
        self.file = os.path.join(self.world.folder, "clock")
        self.set(wrong_ms)
        with preloaded("shifted-clock", LC_CLOCK_FILE=self.file):
            self.service = Watched(self.world, "a")

    def set(self, wrong_ms):
        with open(self.file + "~", "w", encoding="utf-8") as file:
            file.write(str(wrong_ms))
        os.rename(self.file + "~", self.file)

    def hand_off(self, name):
        """A lead in each partition, now; when it is due."""
        now = time.time()
        for partition in range(PARTITIONS):
            lead = lead_in(partition, name)
            self.producer.send("leads.created", lead.encode(), self.facts.created(lead, int(now * 1000)))
        self.producer.command("flush")
        return now + DUE_S

    def taken(self):
        return self.service.figure("leadclock_facts_total", 'type="LeadCreated"')

    def readiness(self):
        """(status, text)"""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.service.port}/readyz", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()

    def until_doubted(self, ahead):
        """/readyz and the log say what both clocks say; the difference is as it is."""
        pattern = r"the wall clock says (\S+)Z and the broker's (\S+)Z: " + ahead + r".* ahead"
        wait_for("doubt", lambda: re.search(pattern, self.readiness()[1]), 30)
        status, text = self.readiness()
        say(f"/readyz: {text.strip()}")
        require(status == 503, f"/readyz answers {status}")
        require(re.search(pattern, self.service.service.read_log()), "the log does not say so")

    def require_breaches_after(self, due, n, until):
        """`n` breaches, none before it is due."""
        wait_for(f"{n} breaches", lambda: len(self.tail.seen) >= n, until)
        require(len(self.tail.seen) == n, f"{len(self.tail.seen)} breaches, not {n}")
        early = [one for one in self.tail.seen if one.at < due]
        require(not early, f"published before it was due: {early}")

    def close(self):
        self.producer.close()
        self.tail.close()
        self.world.close()


def ahead_from_the_start():
    """Two hours ahead; nothing else shows it, and the first timers are what is tried to be sent."""
    world = ShiftedClock("ahead", 2 * HOUR_MS)
    try:
        world.service.until_ready()
        due = world.hand_off("first")
        wait_for("facts to be taken", lambda: world.taken() == PARTITIONS, 20)
        world.until_doubted("2h|1h 59m")
        time.sleep(max(0, due + 3 - time.time()))
        require(not world.tail.seen, f"published by a wrong clock: {world.tail.seen}")
        due = world.hand_off("second")
        wait_for("facts to flow on", lambda: world.taken() == 2 * PARTITIONS, 20)
        require(not world.tail.seen, f"published by a wrong clock: {world.tail.seen}")
        world.set(0)
        right = time.time()
        wait_for("timers to go on", lambda: len(world.tail.seen) >= PARTITIONS, 15)
        say(f"the first timers fired {time.time() - right:.1f} s after the clock was right")
        wait_for("all timers", lambda: len(world.tail.seen) == 2 * PARTITIONS, 20)
        require(all(one.at >= due for one in world.tail.seen if "second" in one.key), "published before it was due")
        world.service.until_ready()
        require("the wall clock is right again" in world.service.service.read_log(), "the log does not say so")
        world.service.service.stop()
    finally:
        world.close()


def jumps_ahead():
    """It is right, and then an hour ahead, while nothing comes in."""
    world = ShiftedClock("jumps", 0)
    try:
        world.service.until_ready()
        due = world.hand_off("lead")
        wait_for("facts to be taken", lambda: world.taken() == PARTITIONS, 20)
        world.set(HOUR_MS)
        world.until_doubted("1h|59m")
        time.sleep(max(0, due + 3 - time.time()))
        require(not world.tail.seen, f"published by a wrong clock: {world.tail.seen}")
        world.set(0)
        world.require_breaches_after(due, PARTITIONS, 15)
        world.service.until_ready()
        world.service.service.stop()
    finally:
        world.close()


def behind_and_put_right():
    """An hour behind from the start; when it is put right it looks as if it jumped ahead, but the broker agrees."""
    world = ShiftedClock("behind", -HOUR_MS)
    try:
        world.service.until_ready()
        due = world.hand_off("lead")
        wait_for("facts to be taken", lambda: world.taken() == PARTITIONS, 20)
        time.sleep(max(0, due + 1 - time.time()))
        require(not world.tail.seen, f"published by a clock that is behind: {world.tail.seen}")
        world.set(0)
        world.require_breaches_after(due, PARTITIONS, 15)
        require("the wall clock says" not in world.service.service.read_log(), "it was doubted")
        world.service.service.stop()
    finally:
        world.close()


def policy_of_soon():
    """Five minutes ahead, which is believed: a document that begins in four is not in effect yet. The next owner, whose
    clock is right, goes on, also where that document was changed meanwhile."""
    world = ShiftedClock("policy", 5 * 60 * 1000)
    try:
        world.service.service.kill()
        folder = os.path.join(world.world.folder, "policies")
        soon = iso(int(time.time() + 240) * 1000)
        os.mkdir(folder)

        def write(name, text):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(text)

        def later(due_s):
            return (POLICY % due_s).replace("name: timing", f"name: later\neffective_from: {soon}")

        def start(wrong_ms):
            world.set(wrong_ms)
            with preloaded("shifted-clock", LC_CLOCK_FILE=world.file):
                world.service = Watched(world.world, "a", f"policy={folder}")
            world.service.until_ready()

        write("first.yaml", POLICY % DUE_S)
        write("later.yaml", later(DUE_S))
        start(5 * 60 * 1000)
        world.hand_off("lead")
        wait_for("facts to be taken", lambda: world.taken() == PARTITIONS, 20)
        world.service.service.stop()
        write("later.yaml", later(2 * DUE_S))
        start(0)
        world.hand_off("other")
        wait_for("facts to be taken", lambda: world.taken() == PARTITIONS, 20)
        world.service.service.stop()
    finally:
        world.close()


TESTS = {test.__name__: test for test in (ahead_from_the_start, jumps_ahead, behind_and_put_right, policy_of_soon)}

if __name__ == "__main__":
    sys.exit(main(TESTS))
