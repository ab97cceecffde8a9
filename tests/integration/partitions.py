#!/usr/bin/env python3
"""partitions.py [TEST...] - topics whose partitions change, and members that read different topics: no timer fires that
does not know of all facts, and it is said what is wrong.

LC_LEADS: how many leads republish moves (default 2,000; 100,000 were tried)."""

import os
import subprocess
import sys
import urllib.error
import urllib.request

from commands import attempt, expect
from timing import POLICY
from tools import ends_with, harm_topic, stop
from world import BINARY, DAY_MS, INPUTS, PARTITIONS, Failure, Redis, World, main, named, net_outcomes, now_ms, require
from world import require_equal, say, wait_for

LEADS = int(os.environ.get("LC_LEADS", "2000"))


def created(lead, at):
    return {"type": "LeadCreated", "lead_id": lead, "event_id": f"c-{lead}", "occurred_at": at, "channel": "web"}


def contacted(lead, at):
    return {"type": "LeadContacted", "lead_id": lead, "event_id": f"k-{lead}", "occurred_at": at, "method": "CALL"}


def breached(world):
    """The leads that any SlaBreached, also one taken back later, ever named."""
    return {record["lead_id"] for record in world.watch("leads.breaches") if record["type"] == "SlaBreached"}


def grow_all(world, partitions):
    for topic in INPUTS.values():
        harm_topic(world, "grow", topic, partitions)


class Readiness:
    """What a service answers at /readyz."""

    last_port = 20000 + os.getpid() % 20000

    def __init__(self):
        Readiness.last_port += 1
        self.port = Readiness.last_port
        self.setting = f"http.listen=127.0.0.1:{self.port}"

    def get(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def wait(self):
        wait_for("readiness", lambda: self.get() == (200, "ok\n"), 60)

    def refuses(self, *texts):
        code, text = self.get()
        return code == 503 and all(one in text for one in texts)


# ---- While it runs ----


def grows_while_running(test, *settings, within=4):
    """One input gets more partitions; the leads' contacts go there at once. Nobody who was contacted in time is
    breached, and the service ends and says why."""
    world = World(test, POLICY % within)
    try:
        world.create_topics()
        ready = Readiness()
        service = world.start("a", ready.setting, *settings)
        ready.wait()
        harm_topic(world, "grow", "leads.contacted", 2 * PARTITIONS)
        leads = [f"lead-{n}" for n in range(60)]
        at = now_ms()
        # `publish` knows the new number.
        world.publish([created(lead, at) for lead in leads])
        world.publish([contacted(lead, at + 1) for lead in leads])
        ends_with(service, 2, "contacted 8", "reset --republish")
        wait_for("all to be due", lambda: now_ms() > at + within * 1000 + 500, 30)
        # Who starts it again changes nothing.
        ends_with(world.start("a", *settings), 2, "contacted 8")
        require(not breached(world), f"false breaches: {sorted(breached(world))[:5]}")
        require(not world.dead_letters(), "facts went to the dead letters")
    finally:
        world.close()


def one_input_grows():
    """With one worker, which has all partitions."""
    grows_while_running("one-input-grows")


def one_input_grows_with_more_workers():
    """With more workers than partitions: also those that have none notice, and where the range assignor gives a
    partition's inputs to different workers nothing is judged."""
    grows_while_running("workers-grow", "workers=5")


def input_deleted():
    """An input is deleted: not ready, and said, in the log and by /readyz; no timer fires."""
    world = World("deleted", POLICY % 4)
    try:
        world.create_topics()
        ready = Readiness()
        service = world.start("a", ready.setting)
        ready.wait()
        at = now_ms()
        world.publish([created(f"lead-{n}", at) for n in range(20)])
        harm_topic(world, "delete", "leads.contacted")
        wait_for("it to be said", lambda: ready.refuses("don't exist", "leads.contacted"), 30)
        wait_for("all to be due", lambda: now_ms() > at + 6000, 30)
        require("don't exist" in service.read_log(), "the log does not say it")
        require(ready.refuses("leads.contacted"), f"it is ready again: {ready.get()}")
        require(not breached(world), "a timer fired without an input")
        service.stop()
    finally:
        world.close()


def members_differ():
    """Two members, one of which reads an input more: both say so and are not ready; no timer fires."""
    world = World("differ", POLICY % 4)
    try:
        world.create_topics()
        fewer = [topic for topic in INPUTS.values() if topic != "leads.contacted"]
        ready, other_ready = Readiness(), Readiness()
        service = world.start("a", ready.setting)
        other = world.start("b", other_ready.setting, f"topics.inputs={','.join(fewer)}")
        wait_for("both to say it", lambda: ready.refuses("topics.inputs") and other_ready.refuses("topics.inputs"), 60)
        at = now_ms()
        world.publish([created(f"lead-{n}", at) for n in range(20)])
        wait_for("all to be due", lambda: now_ms() > at + 6000, 30)
        require(ready.refuses("topics.inputs") and other_ready.refuses("topics.inputs"), "one is ready again")
        require(not breached(world), "a timer fired")
        for one in (service, other):
            require("topics.inputs" in one.read_log(), "the log does not say it")
            stop(world, one)
    finally:
        world.close()


# ---- While it is stopped ----


def settled(test, leads):
    """Leads that were handed over and contacted, most of them in time; judged, and the service stopped."""
    world = World(test, POLICY % 600)
    world.create_topics()
    publish_leads(world, [f"lead-{n}" for n in range(leads)])
    service = world.start("a")
    world.settle(600)
    stop(world, service)
    wait_for("the group to be empty", lambda: attempt(world, "reset", "--dry-run")[0] == 0, 40)
    return world


def publish_leads(world, leads):
    at = now_ms() - DAY_MS
    facts = [created(lead, at) for lead in leads]
    facts += [contacted(lead, at + (900_000 if n % 10 == 0 else 60_000)) for n, lead in enumerate(leads)]
    world.publish(facts)


def require_as_backtest(world, partitions):
    """Net outcomes and counters, though outcomes were published once more."""
    wait_for("all to be read", lambda: world.lag() == 0, 600)
    wait_for("no difference", lambda: attempt(world, "verify")[0] == 0, 120)
    outcomes, counters = world.backtest()
    require_equal("net outcomes", net_outcomes(world.outcomes()), net_outcomes(outcomes))
    require_equal("counters", named(world.counters()), named(counters))
    require(not world.dead_letters(), f"dead letters: {world.dead_letters()[:3]}")


def all_grow_while_stopped():
    """The number of partitions is told at the start, whatever Redis holds; what it names mends it, with all facts
    published before, and those published since."""
    world = settled("stopped", LEADS)
    try:
        grow_all(world, 3 * PARTITIONS)
        publish_leads(world, [f"new-{n}" for n in range(100)])
        ends_with(world.start("counts"), 2, "changelogs must have the same number", "reset --republish")
        for topic in ("leads.state", "leads.counters"):
            harm_topic(world, "grow", topic, 3 * PARTITIONS)
        ends_with(world.start("redis"), 2, "had 4 partitions", "they have 12", "reset --republish")
        Redis().command("FLUSHALL")
        ends_with(world.start("emptied"), 2, "had 4 partitions", "they have 12", "reset --republish")
        expect(world, 2, "had 4 partitions", "rebuild")

        before = len(world.outcomes())
        expect(world, 2, r"nothing was done: .* had 4 partitions, and have 12.*--republish", "reset", "--yes")
        ends_with(world.start("still"), 2, "had 4 partitions")
        require(len(world.outcomes()) == before, "a refused reset published something")
        expect(world, 0, r"to the one of 12 partitions", "reset", "--republish", "--dry-run")
        begin = now_ms()
        expect(world, 0, r"begins anew", "reset", "--republish", "--yes")
        say(f"{2 * LEADS} facts republished in {now_ms() - begin} ms")
        world.start("mended")
        require_as_backtest(world, 3 * PARTITIONS)
        world.publish([contacted("lead-0", now_ms())])
        require_as_backtest(world, 3 * PARTITIONS)
    finally:
        world.close()


def republish_is_cut_off():
    """Killed at any moment, `run` refuses what is half done, and another republication finishes it: facts that were
    published twice count once."""
    world = settled("cut-off", LEADS)
    try:
        for topic in (*INPUTS.values(), "leads.state", "leads.counters"):
            harm_topic(world, "grow", topic, 3 * PARTITIONS)
        for words in ("publishing the facts again", "making", "emptying Redis"):
            cut_off(world, words)
            service = world.start(f"refused-{words.split()[0]}")
            ends_with(service, 1 if words != "publishing the facts again" else 2, "reset --republish")
        expect(world, 2, r"--republish finishes it", "reset", "--yes")
        expect(world, 0, r"begins anew", "reset", "--republish", "--yes")
        world.start("mended")
        require_as_backtest(world, 3 * PARTITIONS)
    finally:
        world.close()


def cut_off(world, words):
    """Kills a republication as soon as it says these words."""
    command = [BINARY, "reset", "--config", world.config, "--republish", "--yes"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        for line in process.stderr:
            if line.startswith(words.encode()):
                process.kill()
                return
    raise Failure(f"it did not say {words!r}")


TESTS = {
    test.__name__: test
    for test in (
        one_input_grows,
        one_input_grows_with_more_workers,
        input_deleted,
        members_differ,
        all_grow_while_stopped,
        republish_is_cut_off,
    )
}

if __name__ == "__main__":
    sys.exit(main(TESTS))
