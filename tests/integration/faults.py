#!/usr/bin/env python3
"""faults.py [storm] - a publisher sends a long feed while, in random order, processes and servers die, pause, lose what
they had and come back. Then everything must be as if nothing had happened. Each recovery is timed: from the harm (so the
time that a server is away counts) to the next commit, to one on every partition, and to (nearly) zero lag.

LC_FAULTS_SECONDS: how long (default 180). LC_SEED: which order."""

import os
import random
import signal
import sys
import threading
import time

from world import STACK_DIR, Failure, Redis, World, load_feed, main, multiply, policy_of, require, say, slices, stack

SECONDS = int(os.environ.get("LC_FAULTS_SECONDS", "180"))
SESSION_S, SOCKET_S, TRANSACTION_S = 6, 10, 12
DUMP = os.path.join(STACK_DIR, "redis", "dump.rdb")


class Publisher(threading.Thread):
    """Sends the feed bit by bit. What could not be sent is sent again: a fact that comes twice changes nothing."""

    def __init__(self, world):
        super().__init__(daemon=True)
        self.world, self.stopped, self.failure = world, False, None
        facts = multiply(load_feed("card/feed"), max(4, SECONDS // 5))
        self.rest = slices(facts, len(facts) // 50)

    def run(self):
        while self.rest and not self.stopped:
            try:
                self.world.publish(self.rest[0])
                self.rest.pop(0)
            except Failure as failure:
                self.failure = failure
                time.sleep(0.5)
            time.sleep(0.1)


def replace(world, index):
    world.services[index] = world.start(world.services[index].instance)
    world.services.pop()


def kill_a_process(world):
    index = random.randrange(len(world.services))
    world.services[index].kill()
    time.sleep(random.uniform(0, 3))
    replace(world, index)


def stop_a_process(world):
    index = random.randrange(len(world.services))
    world.services[index].stop()
    replace(world, index)


def pause_a_process(world):
    """For longer than the session and the transaction may take: a zombie that comes back."""
    service = random.choice(world.services)
    service.process.send_signal(signal.SIGSTOP)
    time.sleep(TRANSACTION_S + random.uniform(1, 3))
    service.process.send_signal(signal.SIGCONT)


def kill_the_broker(_):
    stack("kill", "kafka")
    time.sleep(random.uniform(0, 2))
    stack("start", "kafka")


def empty_redis(_):
    stack("kill", "redis")
    stack("start", "redis")


def roll_redis_back(_):
    """It comes back with what it had some seconds ago."""
    Redis().command("SAVE")
    time.sleep(3)
    stack("kill", "redis")
    stack("start", "redis")
    os.remove(DUMP)


def starve_redis(_):
    redis = Redis()
    redis.command("CONFIG", "SET", "maxmemory", 1)
    time.sleep(2)
    redis.command("CONFIG", "SET", "maxmemory", 0)


def cut_connections(_):
    for _ in range(5):
        Redis().command("CLIENT", "KILL", "TYPE", "normal")
        time.sleep(random.uniform(0, 0.5))


def take_the_registry_away(_):
    stack("stop", "registry")
    time.sleep(2)
    stack("start", "registry")


FAULTS = [
    kill_a_process, stop_a_process, pause_a_process, kill_the_broker, empty_redis, roll_redis_back, starve_redis,
    cut_connections, take_the_registry_away,
]  # fmt: skip


def look(ask):
    """None where Kafka does not answer just now."""
    try:
        return ask()
    except Failure:
        return None


def time_recovery(world, fault, began, before):
    """Seconds from the harm until something was committed, until all partitions committed something, and until the
    group is at most a few records behind the publisher."""
    first = all_partitions = None
    while True:
        committed, elapsed = look(world.committed) or before, time.monotonic() - began
        moved = sum(committed[partition] > before[partition] for partition in before)
        first = first or (elapsed if moved else None)
        all_partitions = all_partitions or (elapsed if moved == len(before) else None)
        lag = look(world.lag) if all_partitions else None
        if lag is not None and lag < 200:
            say(
                f"{fault.__name__}: next commit after {first:.1f} s, on all partitions after {all_partitions:.1f} s, "
                f"caught up after {time.monotonic() - began:.1f} s"
            )
            return
        world.supervise()
        require(elapsed < 180, f"no recovery within 180 s of {fault.__name__}; see {world.folder}")
        time.sleep(0.1)


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
        publisher.start()
        end, left = time.monotonic() + SECONDS, []
        while time.monotonic() < end and publisher.is_alive():
            left = left or random.sample(FAULTS, len(FAULTS))
            fault = left.pop()
            time.sleep(random.uniform(0.5, 2))
            before, began = world.committed(), time.monotonic()
            fault(world)
            time_recovery(world, fault, began, before)
        publisher.stopped = True
        publisher.join(60)
        require(world.published, f"nothing could be published: {publisher.failure}")
        say(f"{len(world.published)} facts published")
        world.settle(180)
        world.require_same_as_backtest()
        require(not world.dead_letters(), "there are dead letters")
        for service in world.services:
            service.stop()
    finally:
        stack("up")
        world.close()


if __name__ == "__main__":
    sys.exit(main({"storm": storm}))
