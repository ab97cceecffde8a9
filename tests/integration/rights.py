#!/usr/bin/env python3
"""rights.py [TEST...] - what a service does that Kafka denies a right: it says who may not do what to which resource, waits
without a storm of producers and recoveries, and goes on when the right is given."""

import concurrent.futures
import json
import os
import re
import subprocess
import sys
import time

import one_less
from acls import SideBySide, printed
from commands import attempt, expect
from ingest import door, fact
from secured import secured
from world import BINARY, INPUT_TOPICS, OUTCOMES, PARTITIONS, TABLES, Failure, Redis, free_port, get, load_feed, main, multiply
from world import named, policy_of, require, require_equal, say, slices, wait_for

# Whether each right is taken away, and not one of each kind alone.
WHOLE = os.environ.get("LC_RIGHTS") == "whole"
AT_ONCE = 3  # tests, side by side: most of their time they wait

ROLES = {
    "leadclock": "service", "publisher": "publisher", "watcher": "tools", "auditor": "tools", "filler": "tools",
    "mover": "admin", "republisher": "admin",
}  # fmt: skip

# What their commands were seen to need, of what is printed for their roles: operation, kind, names after the world's name.
READ_BY_RUN = INPUT_TOPICS + ["leads.state", "leads.counters"]
ROWS = [f"leads.tables.{table}" for table in TABLES]
MADE_ANEW = ["leads.state", "leads.counters"] + ROWS
WRITTEN_BY_RUN = OUTCOMES + ["leads.dead-letters", "leads.state", "leads.counters"] + ROWS
NEEDED = {
    "leadclock": [
        ("READ", "TOPIC", READ_BY_RUN), ("WRITE", "TOPIC", WRITTEN_BY_RUN), ("READ", "GROUP", [""]),
        ("WRITE", "TRANSACTIONAL_ID", ["PREFIXED"]),
    ],
    "publisher": [("WRITE", "TOPIC", INPUT_TOPICS)],
    "watcher": [("READ", "TOPIC", OUTCOMES + ROWS)],
    "auditor": [
        ("DESCRIBE", "TOPIC", INPUT_TOPICS + OUTCOMES + ["leads.dead-letters"] + ROWS),
        ("READ", "TOPIC", ["leads.state", "leads.counters"]), ("DESCRIBE", "GROUP", [""]),
    ],
    "filler": [
        ("DESCRIBE", "TOPIC", OUTCOMES + ["leads.dead-letters"]), ("READ", "TOPIC", READ_BY_RUN), ("READ", "GROUP", [""]),
        ("WRITE", "TOPIC", ROWS), ("WRITE", "TRANSACTIONAL_ID", ["PREFIXED"]),
    ],
    "mover": [
        ("ALTER", "TOPIC", ["leads.state", "leads.counters"]), ("READ", "TOPIC", INPUT_TOPICS + ["leads.state"]),
        ("WRITE", "TOPIC", INPUT_TOPICS + ["leads.state"]), ("DESCRIBE_CONFIGS", "TOPIC", ROWS),
        ("DELETE", "TOPIC", ROWS), ("CREATE", "TOPIC", ROWS), ("READ", "GROUP", [""]),
    ],
    "republisher": [
        ("READ", "TOPIC", INPUT_TOPICS), ("WRITE", "TOPIC", INPUT_TOPICS),
        ("DESCRIBE", "TOPIC", OUTCOMES + ["leads.dead-letters"]), ("DESCRIBE_CONFIGS", "TOPIC", MADE_ANEW),
        ("DELETE", "TOPIC", MADE_ANEW), ("CREATE", "TOPIC", MADE_ANEW), ("READ", "GROUP", [""]),
    ],
}  # fmt: skip


def resource_of(world, name):
    return world.name + "-" if name == "PREFIXED" else (world.prefix if name else world.name) + name


def give_rights(kafka, world, user):
    """Exactly what is printed for the user's role, of which its commands need what is listed here."""
    rights = printed(world, ROLES[user], user)
    contained = {(kind, name) for operation, kind, name, _ in rights if operation in ("READ", "WRITE", "ALTER", "DELETE")}
    for operation, kind, names in NEEDED[user]:
        for name in names:
            is_printed = any(right[:3] == (operation, kind, resource_of(world, name)) for right in rights)
            is_contained = operation == "DESCRIBE" and (kind, resource_of(world, name)) in contained
            require(is_printed or is_contained, f"{ROLES[user]} lacks {operation} {kind} {name}")
    for operation, kind, name, pattern in rights:
        kafka.may(operation, kind, name, pattern, user)


class Place:
    """A world on the secured Kafka, whose service has what it needs and nothing else."""

    def __init__(self, test, **settings):
        self.kafka = secured()
        self.world = SideBySide(test, policy_of("card/feed"), brokers=self.kafka.at("OPEN"), **settings)
        self.port = free_port()
        self.parts = slices(multiply(load_feed("card/feed"), 2), 9)
        self.world.create_topics()
        give_rights(self.kafka, self.world, "leadclock")

    def start(self):
        self.service = self.world.start("a", f"http.listen=127.0.0.1:{self.port}", *self.login())
        return self.service

    def login(self):
        return [option for option in self.kafka.login() if option != "--set"]

    def ready(self):
        return get(self.port, "/readyz")

    def is_ready(self):
        return self.ready() == (200, "ok\n")

    def publish_part(self):
        self.world.publish(self.parts.pop(0))

    def stop(self):
        self.service.stop()
        self.world.services.remove(self.service)

    def count(self, text):
        return self.service.read_log().count(text)


def denied(place, operation, kind, name, words):
    """While the right is missing it is named, in the log and in /readyz; then all goes on."""
    place.kafka.deny(operation, kind, name)
    what = f"User:leadclock may not {operation} {words} {name}:"
    service = place.start()
    place.publish_part()
    wait_for(f"/readyz to say {what}", lambda: what in place.ready()[1], 30)
    require(place.ready()[0] == 503, "it is ready")
    require(what in service.read_log(), f"its log does not say {what}: {service.read_log()[-2000:]}")
    place.kafka.allow_again(kind, name)
    place.world.settle(40)
    wait_for("readiness", place.is_ready, 20)
    place.stop()


def each_right():
    """One right after the other is missing at the start; the last time Redis is empty, too."""
    place = Place("rights")
    world = place.world
    try:
        place.start()
        place.publish_part()
        wait_for("readiness", place.is_ready, 30)
        world.settle()
        place.stop()
        denied(place, "DESCRIBE", "TOPIC", world.prefix + "leads.settled", "topic")
        denied(place, "READ", "TOPIC", world.prefix + "leads.created", "topic")
        denied(place, "READ", "GROUP", world.name, "group")
        denied(place, "WRITE", "TRANSACTIONAL_ID", world.name + "-@a-1", "transactional id")
        for key in world.redis_keys(Redis(), "*"):
            Redis().command("UNLINK", key)
        denied(place, "READ", "TOPIC", world.prefix + "leads.state", "topic")
        world.require_same_as_backtest()
    finally:
        world.close()


def recoveries(place):
    return sum(int(n) for n in re.findall(r"(?m)^leadclock_recoveries_total\{.*\} (\d+)$", get(place.port, "/metrics")[1]))


def an_outcome_topic():
    """No fact is lost and nothing else is said while an outcome can't be published; each try costs one recovery."""
    place = Place("outcome")
    world, topic = place.world, place.world.prefix + "leads.breaches"
    try:
        service = place.start()
        wait_for("readiness", place.is_ready, 30)
        place.kafka.deny("WRITE", "TOPIC", topic)
        for part in place.parts:
            world.publish(part)
        what = f"User:leadclock may not WRITE topic {topic}:"
        wait_for(f"/readyz to say {what}", lambda: what in place.ready()[1], 30)
        lines, before = len(service.read_log().splitlines()), recoveries(place)
        told = service.read_log().count(what)
        wait_for("it to say so again", lambda: service.read_log().count(what) == told + 2, 40)
        more, after = service.read_log().splitlines()[lines:], recoveries(place)
        require(len(more) <= 3, f"it says too much: {more}")
        require(after - before <= 6 * PARTITIONS, f"{after - before} recoveries in about 20 s")
        require(not re.search("(?i)purged|invalid_txn|fatal", service.read_log()), "it says what follows from that")
        require(place.ready()[0] == 503, "it is ready")
        place.kafka.allow_again("TOPIC", topic)
        world.settle(40)
        wait_for("readiness", place.is_ready, 20)
        world.require_same_as_backtest()
        place.stop()
    finally:
        world.close()


def withdrawn():
    """A right that is withdrawn while all runs, and is given again: on an input while nothing happens, on the group."""
    place = Place("withdrawn")
    world, topic = place.world, place.world.prefix + "leads.contacted"
    try:
        place.start()
        place.publish_part()
        wait_for("readiness", place.is_ready, 30)
        world.settle()
        place.kafka.deny("READ", "TOPIC", topic)
        what = f"User:leadclock may not READ topic {topic}:"
        wait_for(f"/readyz to say {what}", lambda: what in place.ready()[1], 30)
        place.kafka.allow_again("TOPIC", topic)
        wait_for("readiness", place.is_ready, 30)
        place.kafka.deny("READ", "GROUP", world.name)
        place.publish_part()
        what = f"User:leadclock may not READ group {world.name}:"
        wait_for(f"/readyz to say {what}", lambda: what in place.ready()[1], 30)
        place.kafka.allow_again("GROUP", world.name)
        wait_for("readiness", place.is_ready, 60)
        world.settle()
        world.require_same_as_backtest()
        place.stop()
    finally:
        world.close()


def commands():
    """Each command does its work with the rights that are listed for it."""
    place = Place("users")
    world, kafka = place.world, place.kafka
    try:
        for user in ("publisher", "watcher", "auditor"):
            give_rights(kafka, world, user)
        place.start()
        facts = place.parts.pop(0)
        lines = "".join(json.dumps({k: v for k, v in fact.items() if k != "arrived_at"}) + "\n" for fact in facts)
        expect(world, 0, "facts published", "publish", "-", *kafka.login("publisher"), stdin=lines.encode())
        world.published += facts
        world.settle()
        place.stop()
        seen = expect(world, 0, "", "watch", "--from-beginning", "--until-caught-up", *OUTCOMES, *kafka.login("watcher"))
        require(len(seen.splitlines()) == len(world.outcomes()), f"the watcher saw {len(seen.splitlines())} outcomes")
        expect(world, 0, ": 0 differences", "verify", *kafka.login("auditor"))
        expect(world, 0, "made anew", "rebuild", *kafka.login("auditor"))
        expect(world, 0, ": 0 differences", "verify", *kafka.login("auditor"))
        expect(world, 0, "filled cycles", "tables", "--fill", *kafka.login("auditor"))
        seen = expect(world, 0, "", "watch", "--from-beginning", "--until-caught-up", *ROWS, *kafka.login("watcher"))
        require(seen.splitlines(), "the watcher saw no rows")
        expect(world, 0, "", "worklist", *kafka.login("watcher"))
        expect(world, 0, "", "report", *kafka.login("watcher"))
        expect(world, 2, rf"User:publisher may not DESCRIBE topics? .*{world.prefix}leads\.tables\.cycles", "worklist",
               *kafka.login("publisher"))  # fmt: skip
        expect(world, 2, f"User:publisher may not DESCRIBE topic {world.prefix}leads.breaches:", "watch", "leads.breaches",
               *kafka.login("publisher"))  # fmt: skip
        for topic in INPUT_TOPICS:
            kafka.may("DESCRIBE", "TOPIC", world.prefix + topic, user="watcher")
        expect(world, 2, rf"User:watcher may not WRITE topic {world.prefix}leads\.\w+:", "publish", "-",
               *kafka.login("watcher"), stdin=lines.encode())  # fmt: skip
        kafka.may("WRITE", "TOPIC", world.prefix + "leads.created", user="watcher")
        expect(world, 2, rf"User:watcher may not WRITE topic {world.prefix}leads\.(?!created)\w+:", "publish", "-",
               *kafka.login("watcher"), stdin=lines.encode())  # fmt: skip
    finally:
        world.close()


def facts_by_http():
    """`ingest` needs WRITE on the inputs alone. While that is denied senders are told to come again, and why is logged;
    when it is given facts are taken, also by a producer that was refused altogether."""
    place = Place("door")
    world, kafka = place.world, place.kafka
    created = world.prefix + "leads.created"
    try:
        give_rights(kafka, world, "publisher")
        settings = [option for option in kafka.login("publisher") if option != "--set"]
        one = door(world, *settings).until_ready()
        require(one.send(fact("a"))[0] == 202, "not taken with the rights that are listed")
        kafka.deny("WRITE", "TOPIC", created, user="publisher")
        wait_for("it is refused", lambda: one.send(fact("b"))[0] == 503, 30)
        said = f"User:publisher may not WRITE topic {created}"
        wait_for("the log says why", lambda: said in one.read_log(), 30)
        kafka.allow_again("TOPIC", created, user="publisher")
        wait_for("it is taken again", lambda: one.send(fact("b"))[0] == 202, 30)
        one.stop()

        for topic in INPUT_TOPICS:
            kafka.may("DESCRIBE", "TOPIC", world.prefix + topic, user="watcher")
        settings = [option for option in kafka.login("watcher") if option != "--set"]
        one = door(world, *settings).until_ready()
        answer = one.send(fact("c"))
        require(answer[0] == 503, f"not 503 but {answer}")
        kafka.may("WRITE", "TOPIC", created, user="watcher")
        wait_for("it is taken when the right is given", lambda: one.send(fact("c"))[0] == 202, 60)
        require({value["event_id"] for value in world.watch("leads.created")} == {"a-1", "b-1", "c-1"}, "not these facts")
        one.stop()
    finally:
        world.close()


def reset_is_finished():
    """Nothing is deleted where it could not be made again; and a reset that was cut off in the middle is finished by
    another."""
    place = Place("reset")
    world, kafka, login = place.world, place.kafka, place.kafka.login()
    state = world.prefix + "leads.state"
    try:
        place.start()
        place.publish_part()
        world.settle()
        place.stop()
        wait_for("the group to be empty", lambda: attempt(world, "reset", "--dry-run")[0] == 0, 40)
        expect(world, 2, f"User:leadclock may not DESCRIBE_CONFIGS topic {state}:", "reset", "--yes", *login)
        kafka.may("DESCRIBE_CONFIGS", "TOPIC", world.prefix + "leads.", "PREFIXED")
        kafka.may("DELETE", "TOPIC", world.prefix + "leads.", "PREFIXED")
        kafka.may("DELETE", "GROUP", world.name)
        expect(world, 2, f"User:leadclock may not CREATE topic {state}:", "reset", "--yes", *login)
        require(world.lag() == 0 and world.watch("leads.state"), "it has deleted something all the same")
        kafka.may("CREATE", "TOPIC", world.prefix + "leads.", "PREFIXED")
        harm = os.path.join(os.path.dirname(BINARY), "tests", "integration", "harm-topic")
        subprocess.run([harm, kafka.at("OPEN"), "delete", state], check=True, timeout=60)
        expect(world, 0, f"making {state}, which is missing", "reset", "--yes", *login)
        expect(world, 0, rf"{state} +{PARTITIONS} +ok", "topics", *login)
        place.start()
        world.settle()
        require_equal("counters", named(world.counters()), named(world.backtest()[1]))
        place.stop()
    finally:
        world.close()


OF_EACH_KIND = ("", "leads.created", "leads.state", "leads.counters", "leads.tables.cycles", "leads.settled", "PREFIXED")


def without_each(place, user, *command):
    """One right less than what is listed, of each operation on each kind of topic: refused in words that say so. What was
    done by then another call finishes."""
    world, kafka = place.world, place.kafka
    for operation, kind, names in NEEDED[user]:
        for name in (name for name in names if WHOLE or name in OF_EACH_KIND):
            resource = (world.prefix if name else world.name) + name
            words = kind.lower().replace("_", " ")
            if name == "PREFIXED":
                resource = world.name + "-@"
                kafka.deny(operation, kind, resource, name, user)
            else:
                kafka.deny(operation, kind, resource, "LITERAL", user)
            say(f"without {operation} {words} {resource}")
            pattern = f"User:{user} may not {operation} {words} ([^:]*, )?{resource}"
            expect(world, 2, pattern, *command, *kafka.login(user))
            kafka.allow_again(kind, resource, name if name == "PREFIXED" else "LITERAL", user)


def tables_are_filled():
    place = Place("filled")
    world, kafka = place.world, place.kafka
    try:
        place.start()
        world.publish(place.parts.pop(0))
        world.settle()
        place.stop()
        give_rights(kafka, world, "filler")
        without_each(place, "filler", "tables", "--fill")
        expect(world, 0, "filled cycles", "tables", "--fill", *kafka.login("filler"))
    finally:
        world.close()


def after_growth(user, *command):
    """More partitions, with facts that were not read yet: each right that is listed is needed, and no other."""
    place = Place(user)
    world, kafka = place.world, place.kafka
    harm = os.path.join(os.path.dirname(BINARY), "tests", "integration", "harm-topic")
    try:
        place.start()
        world.publish(place.parts.pop(0))
        world.settle()
        place.stop()
        for topic in INPUT_TOPICS:
            subprocess.run([harm, kafka.at("OPEN"), "grow", world.prefix + topic, "6"], check=True, timeout=60)
        # Of each input there is something that was not read yet. What is refused in the middle has published some of it again.
        world.publish(place.parts[0] + one_less.facts_of("each", 200 * one_less.DAY))
        wait_for("the group to be empty", lambda: attempt(world, *command[:-1], "--dry-run")[0] == 0, 40)
        give_rights(kafka, world, user)
        without_each(place, user, *command)
        expect(world, 0, "done: `leadclock run`", *command, *kafka.login(user))
        place.start()
        wait_for("all to be read", lambda: world.lag() == 0, 120)
        expected = named(world.backtest()[1])
        wait_for("counters as in a backtest", lambda: named(world.counters()) == expected, 60)
        place.stop()
    finally:
        world.close()


def repartition():
    after_growth("mover", "repartition", "--yes")


def reset_republish():
    after_growth("republisher", "reset", "--republish", "--yes")


def topics_are_made():
    """CREATE without DESCRIBE: what can't be seen is not waited for; then the other way round; then both."""
    kafka = secured()
    world = SideBySide("made", policy_of("card/feed"), brokers=kafka.at("OPEN"))
    login = kafka.login()
    kafka.may("CREATE", "TOPIC", world.prefix, "PREFIXED")
    began = time.monotonic()
    expect(world, 2, f"User:leadclock may not DESCRIBE topic {world.prefix}leads.created, ", "topics", "--create", *login)
    require(time.monotonic() - began < 20, "it took too long to say so")
    kafka.may("DESCRIBE", "TOPIC", world.prefix, "PREFIXED")
    kafka.may("DESCRIBE_CONFIGS", "TOPIC", world.prefix, "PREFIXED")
    kafka.deny("CREATE", "TOPIC", world.prefix + "leads.routed")
    expect(world, 2, f"User:leadclock may not CREATE topic {world.prefix}leads.routed:", "topics", "--create", *login)
    kafka.allow_again("TOPIC", world.prefix + "leads.routed")
    wait_for("the right to be known", lambda: attempt(world, "topics", "--create", *login)[0] == 0, 30)
    expect(world, 0, r"leads.routed +4 +ok", "topics", *login)


TESTS = {test.__name__: test for test in (each_right, an_outcome_topic, withdrawn, commands, facts_by_http, reset_is_finished,
                                                tables_are_filled, repartition, reset_republish, topics_are_made)}  # fmt: skip
TESTS |= one_less.TESTS

def side_by_side():
    """All of them, some at a time, on one Kafka."""
    secured()
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        running = {pool.submit(test): name for name, test in TESTS.items()}
        wrong = []
        for done in concurrent.futures.as_completed(running):
            say(f"{running[done]}: {done.exception() or 'holds'}")
            wrong += [f"{running[done]}: {done.exception()}"] if done.exception() else []
    if wrong:
        raise Failure("\n".join(wrong))


if __name__ == "__main__":
    sys.exit(main(TESTS if sys.argv[1:] else {"side_by_side": side_by_side}))
