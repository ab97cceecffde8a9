#!/usr/bin/env python3
"""faults.py [storm] - a publisher sends a long feed, while in random order processes and servers die, pause, lose what
they had and come back. Then everything must be as if nothing had happened. Each recovery is timed, from the moment of
the harm: until whoever it befell is back, to the next committed outcome of what was published after it, to one on every
partition, and to zero lag, for which the publisher pauses. In the end a table says it for each kind of fault.

LC_FAULTS_SECONDS: how long (default 180). LC_SEED: which order."""

import itertools
import os
import random
import signal
import statistics
import subprocess
import sys
import threading
import time

from timing import Tail, lead_in, say_load
from world import PARTITIONS, STACK_DIR, Failure, Redis, World, load_feed, main, multiply, now_ms, policy_of, require
from world import say, slices, stack

SECONDS = int(os.environ.get("LC_FAULTS_SECONDS", "180"))
SESSION_S, SOCKET_S, TRANSACTION_S = 6, 10, 12
DUMP = os.path.join(STACK_DIR, "redis", "dump.rdb")


class Publisher(threading.Thread):
    """Sends feeds bit by bit, for ever, each bit with a mark for each partition: a lead that is clawed back at once, and
    whose id says when. What could not be sent is sent again: a fact that comes twice changes nothing."""

    def __init__(self, world):
        super().__init__(daemon=True)
        self.world, self.stopped, self.failure = world, False, None
        self.may_send = threading.Lock()

    def parts(self):
        feed = load_feed("card/feed")
        handed_off = {"type": "LeadCreated", "event_id": "c", "channel": "webinar", "attributes": {}}
        handed_off["occurred_at"] = min(fact["occurred_at"] for fact in feed)
        for number in itertools.count():
            facts = [dict(fact, lead_id=f"{fact['lead_id']}/{number}") for fact in multiply(feed, 8)]
            for part in slices(facts, len(facts) // 50):
                marks = [lead_in(partition, f"mark-{now_ms()}") for partition in range(PARTITIONS)]
                yield part + [dict(handed_off, lead_id=mark) for mark in marks]

    def run(self):
        for part in self.parts():
            while not self.stopped and not self.sent(part):
                time.sleep(0.5)
            if self.stopped:
                return
            time.sleep(0.1)

    def sent(self, part):
        with self.may_send:
            try:
                self.world.publish(part)
                return True
            except (Failure, subprocess.TimeoutExpired) as failure:
                self.failure = failure
                return False


# Each fault returns the moment of its harm, once whoever died is on its way back.


def replace(world, index):
    world.services[index] = world.start(world.services[index].instance)
    world.services.pop()


def kill_a_process(world):
    index, harm = random.randrange(len(world.services)), time.time()
    world.services[index].kill()
    time.sleep(random.uniform(0, 3))
    replace(world, index)
    return harm


def stop_a_process(world):
    index, harm = random.randrange(len(world.services)), time.time()
    world.services[index].stop()
    replace(world, index)
    return harm


def pause_a_process(world):
    """For longer than the session and the transaction may take: a zombie that comes back."""
    service, harm = random.choice(world.services), time.time()
    service.process.send_signal(signal.SIGSTOP)
    time.sleep(TRANSACTION_S + random.uniform(1, 3))
    service.process.send_signal(signal.SIGCONT)
    return harm


def come_back(server, how, away):
    with open(os.path.join(STACK_DIR, f"{server}.pid"), encoding="utf-8") as file:
        process = int(file.read().split()[0])
    harm = time.time()
    os.kill(process, how)
    stack("stop", server)
    time.sleep(away)
    stack("start", server)
    return harm


def kill_the_broker(_):
    return come_back("kafka", signal.SIGKILL, random.uniform(0, 2))


def kill_redis(_):
    return come_back("redis", signal.SIGKILL, random.uniform(0, 4))


def restart_redis_empty(_):
    return come_back("redis", signal.SIGTERM, 0)


def roll_redis_back(_):
    """It comes back with what it had some seconds ago."""
    Redis().command("SAVE")
    time.sleep(3)
    harm = come_back("redis", signal.SIGKILL, 0)
    os.remove(DUMP)
    return harm


def starve_redis(_):
    redis, harm = Redis(), time.time()
    redis.command("CONFIG", "SET", "maxmemory", 1)
    time.sleep(2)
    redis.command("CONFIG", "SET", "maxmemory", 0)
    return harm


def cut_connections(_):
    harm = time.time()
    for _ in range(5):
        Redis().command("CLIENT", "KILL", "TYPE", "normal")
        time.sleep(random.uniform(0, 0.5))
    return harm


def take_the_registry_away(_):
    return come_back("registry", signal.SIGTERM, 2)


FAULTS = [
    kill_a_process, stop_a_process, pause_a_process, kill_the_broker, kill_redis, restart_redis_empty, roll_redis_back,
    starve_redis, cut_connections, take_the_registry_away,
]  # fmt: skip


class Recoveries:
    """How long each took, by fault: [(back, next outcome, on all partitions, zero lag)]."""

    def __init__(self, world, publisher):
        self.world, self.publisher, self.times = world, publisher, {fault: [] for fault in FAULTS}
        self.tail = Tail(world, "leads.settled")

    def outcomes_after(self, harm):
        """When the first of what was published after the harm could be read, by partition."""
        first = {}
        for one in self.tail.seen:
            if one.key.startswith("mark-") and int(one.key.split("-")[1]) > harm * 1000:
                first.setdefault(one.partition, one.at)
        return first

    def wait(self, fault, condition, harm):
        while not condition():
            self.world.supervise()
            require(time.time() < harm + 180, f"no recovery within 180 s of {fault.__name__}; see {self.world.folder}")
            time.sleep(0.05)

    def has_zero_lag(self):
        """False, too, where Kafka does not answer just now."""
        try:
            return self.world.lag() == 0
        except Failure:
            return False

    def measure(self, fault):
        harm = fault(self.world)
        back = time.time()
        self.wait(fault, lambda: len(self.outcomes_after(harm)) == PARTITIONS, harm)
        with self.publisher.may_send:
            self.wait(fault, self.has_zero_lag, harm)
            zero_lag = time.time()
        first = self.outcomes_after(harm).values()
        took = [at - harm for at in (back, min(first), max(first), zero_lag)]
        self.times[fault].append(took)
        self.tail.seen.clear()
        say("%s: back after %.1f s, next outcome after %.1f s, on all partitions after %.1f s, zero lag after %.1f s"
            % (fault.__name__, *took))  # fmt: skip

    def table(self):
        heads = ("back", "next outcome", "on all partitions", "zero lag")
        say(f"{'seconds, median and worst':<26}{'times':>6}" + "".join(f"{head:>20}" for head in heads))
        for fault, times in self.times.items():
            columns = [f"{statistics.median(column):.1f} {max(column):6.1f}" for column in zip(*times)]
            say(f"{fault.__name__.replace('_', ' '):<26}{len(times):>6}" + "".join(f"{each:>20}" for each in columns))


def storm():
    properties = (
        f"{{session.timeout.ms: {SESSION_S}000, socket.timeout.ms: {SOCKET_S}000, "
        f"transaction.timeout.ms: {TRANSACTION_S}000}}"
    )
    world = World("faults", policy_of("card/feed"), workers=2, batch=200, properties=properties)
    try:
        world.create_topics()
        world.start("p0")
        world.start("p1")
        publisher = Publisher(world)
        recoveries = Recoveries(world, publisher)
        publisher.start()
        end, left = time.monotonic() + SECONDS, []
        while time.monotonic() < end:
            left = left or random.sample(FAULTS, len(FAULTS))
            time.sleep(random.uniform(0.5, 2))
            recoveries.measure(left.pop())
        publisher.stopped = True
        publisher.join(60)
        recoveries.tail.close()
        require(world.published, f"nothing could be published: {publisher.failure}")
        say(f"{len(world.published)} facts published")
        world.end_as_if_nothing_happened(180)
        recoveries.table()
        say_load()
    finally:
        stack("up")
        world.close()


if __name__ == "__main__":
    sys.exit(main({"storm": storm}))
