#!/usr/bin/env python3
"""partitions.py [TEST...] - topics whose partitions change, and members that read different topics: no timer fires that
does not know of all facts, and it is said what is wrong.

LC_LEADS: how many leads are moved, or published again (default 2,000; 100,000 were tried)."""

import os
import subprocess
import sys
import urllib.error
import urllib.request

from commands import attempt, expect
from timing import POLICY
from tools import ends_with, harm_topic, stop
from world import BINARY, BROKERS, DAY_MS, INPUT_TOPICS, PARTITIONS, SHORT_SESSION, TABLES, Failure, Redis, World
from world import free_port, main, named
from world import net_outcomes, now_ms, require, require_equal, require_nothing_doubled, say, wait_for

LEADS = int(os.environ.get("LC_LEADS", "2000"))


def created(lead, at):
    return {"type": "LeadCreated", "lead_id": lead, "event_id": f"c-{lead}", "occurred_at": at, "channel": "web"}


def contacted(lead, at):
    return {"type": "LeadContacted", "lead_id": lead, "event_id": f"k-{lead}", "occurred_at": at, "method": "CALL"}


def rejected(lead, at):
    return {"type": "LeadRejected", "lead_id": lead, "event_id": f"r-{lead}", "occurred_at": at, "reason": "other"}


def breached(world):
    """The leads that any SlaBreached, also one taken back later, ever named."""
    return {record["lead_id"] for record in world.watch("leads.breaches") if record["type"] == "SlaBreached"}


def grow_all(world, partitions):
    for topic in INPUT_TOPICS:
        harm_topic(world, "grow", topic, partitions)


class Readiness:
    """What a service answers at /readyz."""

    def __init__(self):
        self.port = free_port()
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
    world = World(test, POLICY % within, properties=SHORT_SESSION)
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
        ends_with(service, 2, "contacted 8", "leadclock repartition")
        wait_for("all to be due", lambda: now_ms() > at + within * 1000 + 500, 30)
        # Who starts it again changes nothing.
        ends_with(world.start("a", *settings), 2, "contacted 8")
        require(not breached(world), f"false breaches: {sorted(breached(world))[:5]}")
        require(not world.dead_letters(), "facts went to the dead letters")
        for topic in set(INPUT_TOPICS) - {"leads.contacted"}:
            harm_topic(world, "grow", topic, 2 * PARTITIONS)
        wait_for("the group to be empty", lambda: attempt(world, "repartition", "--dry-run")[0] == 0, 40)
        expect(world, 0, r"goes on with 8 partitions", "repartition", "--yes")
        world.start("mended", *settings)
        require_as_backtest(world)
        require_nothing_doubled(world.outcomes())
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
        fewer = [topic for topic in INPUT_TOPICS if topic != "leads.contacted"]
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
    world = World(test, POLICY % 600, properties=SHORT_SESSION)
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


def erase(world, lead):
    """By a null value: as of when it was published, also where it is published again later."""
    world.produce("leads.erased", lead, [None])
    read = ["kcat", "-C", "-q", "-e", "-b", BROKERS, "-t", world.prefix + "leads.erased", "-o", "beginning", "-f", "%T"]
    at = int(subprocess.run(read, capture_output=True, timeout=60, check=True).stdout)
    world.published.append({"type": "LeadErased", "lead_id": lead, "event_id": "e", "occurred_at": at})


def require_as_backtest(world):
    """Net outcomes and counters; nothing is a dead letter, and Redis is as the changelogs."""
    wait_for("all to be read", lambda: world.lag() == 0, 600)
    outcomes, counters = world.backtest()
    expected = net_outcomes(outcomes)
    wait_for("all outcomes", lambda: len(net_outcomes(world.outcomes())) >= len(expected), 120)
    require_equal("net outcomes", net_outcomes(world.outcomes()), expected)
    require_equal("counters", named(world.counters()), named(counters))
    require(not world.dead_letters(), f"dead letters: {world.dead_letters()[:3]}")
    wait_for("no difference", lambda: attempt(world, "verify")[0] == 0, 120)


def grow_and_move(test, partitions):
    """Told at the start, whatever Redis holds; what it names moves the leads, though retention has taken what they were
    told of by, and nothing is published twice."""
    world = settled(test, LEADS)
    try:
        for topic in ("leads.created", "leads.contacted"):
            for partition in range(PARTITIONS):
                harm_topic(world, "delete-records", topic, partition, -1)
        # Some that nobody has read, where they belonged before, and some where they belong then.
        publish_leads(world, [f"unread-{n}" for n in range(100)])
        erase(world, "lead-7")
        grow_all(world, partitions)
        publish_leads(world, [f"new-{n}" for n in range(100)])
        ends_with(world.start("counts"), 2, "tables must have the same number", "leadclock repartition")
        expect(world, 2, rf"had 4 partitions, and have {partitions}.*--republish", "reset", "--yes")
        expect(world, 0, r"no outcome is published again", "repartition", "--dry-run")
        expect(world, 2, r"--yes", "repartition")
        cut_off(world, "moving states", "repartition")
        what = ("had 4 partitions", f"they have {partitions}", "leadclock repartition")
        ends_with(world.start("cut-off"), 2, *what)
        Redis().command("FLUSHALL")
        ends_with(world.start("emptied"), 2, *what)
        expect(world, 2, "had 4 partitions", "rebuild")
        cut_off(world, "emptying Redis", "repartition")
        ends_with(world.start("cut-off-again"), 2, *what)

        begin = now_ms()
        expect(world, 0, rf"goes on with {partitions} partitions", "repartition", "--yes")
        say(f"{LEADS} leads moved in {now_ms() - begin} ms")
        expect(world, 0, r"nothing is to be moved", "repartition", "--yes")
        expect(world, 0, r"filled cycles", "tables", "--fill")
        world.start("mended")
        require_as_backtest(world)
        world.require_same_rows()
        require_nothing_doubled(world.outcomes())
        # They are judged on, where they are now.
        world.publish([rejected(f"lead-{n}", now_ms()) for n in range(50)])
        require_as_backtest(world)
        world.require_same_rows()
        require_nothing_doubled(world.outcomes())
    finally:
        world.close()


def all_grow_while_stopped():
    """To three times as many: leads go from old partitions to new ones."""
    grow_and_move("stopped", 3 * PARTITIONS)


def all_grow_a_little():
    """To half as many again: leads also go from one old partition to another."""
    grow_and_move("a-little", 3 * PARTITIONS // 2)


def is_alone(world):
    """Each lead's state is kept in the partition where it belongs, and nowhere else."""
    kept = {}
    read = ["kcat", "-C", "-q", "-e", "-Z", "-b", BROKERS, "-t", world.prefix + "leads.state", "-o", "beginning"]
    lines = subprocess.run([*read, "-f", "%p %k %S\\n"], capture_output=True, timeout=60, check=True, text=True).stdout
    for line in lines.splitlines():
        partition, key, size = line.split()
        kept[key, partition] = int(size) > 0
    places = [key for (key, _), stands in kept.items() if stands]
    return len(places) == len(set(places))


def grows_again_before_it_is_moved():
    """Cut off, and then the inputs grow once more: what was moved to where it would have belonged does not stay there,
    where its timers would fire once more."""
    world = settled("again", LEADS // 4)
    try:
        grow_all(world, 3 * PARTITIONS // 2)
        wait_for("the brokers to tell", lambda: attempt(world, "repartition", "--dry-run")[0] == 0, 60)
        cut_off(world, "publishing unread facts again", "repartition")
        grow_all(world, 3 * PARTITIONS)
        wait_for("the brokers to tell", lambda: attempt(world, "repartition", "--dry-run")[0] == 0, 60)
        expect(world, 0, r"goes on with 12 partitions", "repartition", "--yes")
        require(is_alone(world), "states of leads are kept in two partitions")
        expect(world, 0, r"filled cycles", "tables", "--fill")
        world.start("mended")
        require_as_backtest(world)
        world.require_same_rows()
        require_nothing_doubled(world.outcomes())
    finally:
        world.close()


def largest_record_is_moved():
    """A record as large as brokers take by default, which can be no fact, holds nothing up: it becomes a dead letter."""
    world = settled("largest", 20)
    try:
        world.produce("leads.contacted", "lead-7", [os.urandom(1_048_490)])
        grow_all(world, 3 * PARTITIONS)
        wait_for("the brokers to tell", lambda: attempt(world, "repartition", "--dry-run")[0] == 0, 60)
        expect(world, 0, r"goes on with 12 partitions", "repartition", "--yes")
        world.start("mended")
        wait_for("the dead letter", lambda: len(world.dead_letters()) == 1, 60)
    finally:
        world.close()


# ---- Beginning anew after growth ----


def reset_after_growth():
    """Refused from the beginning, before anything is destroyed; with --republish all facts, those from before and those
    published since, are judged anew where they belong now."""
    world = settled("anew", LEADS)
    try:
        grow_all(world, 3 * PARTITIONS)
        publish_leads(world, [f"new-{n}" for n in range(100)])
        before = len(world.outcomes())
        expect(world, 2, r"nothing was done: .* had 4 partitions, and have 12.*--republish", "reset", "--yes")
        require(len(world.outcomes()) == before, "a refused reset published something")
        expect(world, 1, r": 200 behind", "topics", "--lag")
        expect(world, 0, r"to the one of 12 partitions", "reset", "--republish", "--dry-run")
        begin = now_ms()
        expect(world, 0, r"begins anew", "reset", "--republish", "--yes")
        say(f"{2 * LEADS + 200} facts published again in {now_ms() - begin} ms")
        world.start("mended")
        require_as_backtest(world)
        world.publish([rejected("lead-0", now_ms())])
        require_as_backtest(world)
    finally:
        world.close()


def republish_is_cut_off():
    """Killed at any moment, `run` refuses what is half done, and another republication finishes it: facts that were
    published twice count once."""
    world = settled("cut-off", LEADS)
    try:
        tables = [f"leads.tables.{table}" for table in TABLES]
        for topic in (*INPUT_TOPICS, "leads.state", "leads.counters", *tables):
            harm_topic(world, "grow", topic, 3 * PARTITIONS)
        cut_off(world, "publishing the facts again", "reset", "--republish")
        ends_with(world.start("first"), 2, "had 4 partitions")
        for words in ("making", "emptying Redis"):
            cut_off(world, words, "reset", "--republish")
            ends_with(world.start(words.split()[0]), 1, "reset --republish")
        expect(world, 2, r"--republish finishes it", "reset", "--yes")
        expect(world, 0, r"begins anew", "reset", "--republish", "--yes")
        world.start("mended")
        require_as_backtest(world)
    finally:
        world.close()


def cut_off(world, words, *command):
    """Kills a command as soon as it says these words."""
    arguments = [BINARY, command[0], "--config", world.config, *command[1:], "--yes"]
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        for line in process.stderr:
            if line.startswith(words.encode()):
                process.kill()
                return
    raise Failure(f"{' '.join(command)} did not say {words!r}")


TESTS = {
    test.__name__: test
    for test in (
        one_input_grows,
        one_input_grows_with_more_workers,
        input_deleted,
        members_differ,
        all_grow_while_stopped,
        all_grow_a_little,
        grows_again_before_it_is_moved,
        largest_record_is_moved,
        reset_after_growth,
        republish_is_cut_off,
    )
}

if __name__ == "__main__":
    sys.exit(main(TESTS))
