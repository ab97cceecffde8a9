#!/usr/bin/env python3
"""instances.py [TEST...] - who has which name in the group: two processes of one instance, and a process of which one
worker loses its name."""

import os
import sys
import time

from timing import Stranger, preloaded
from world import PARTITIONS, World, load_feed, main, policy_of, require, say, wait_for


def a_worker_that_fails_stops_all():
    """Somebody takes the name of one worker: the process ends, with a message, all of its workers with it."""
    world = World("fenced", policy_of("card/feed"), workers=2)
    try:
        world.create_topics()
        service = world.start("a")
        wait_for("a start", lambda: service.read_log().count("msg=recovered") >= PARTITIONS, 60)
        stranger = Stranger(world, "a-1")
        try:
            wait_for("its end", lambda: not service.is_running(), 60)
        finally:
            stranger.kill()
        require(service.process.returncode == 2, f"it ended with {service.process.returncode}")
        require("another process runs as the same instance" in service.read_log(), "it does not say why")
    finally:
        world.close()


def a_second_process_of_the_same_instance_ends():
    """It sees the first, which goes on as if nothing had happened; one that died is no hindrance."""
    world = World("second", policy_of("card/feed"), workers=2)
    try:
        world.create_topics()
        first = world.start("a")
        wait_for("a start", lambda: first.read_log().count("msg=recovered") >= PARTITIONS, 60)
        assigned = first.read_log().count("partitions assigned")
        second = world.start("a")
        wait_for("its end", lambda: not second.is_running(), 60)
        require(second.process.returncode == 2, f"it ended with {second.process.returncode}")
        require("another process runs as the same instance" in second.read_log(), "it does not say why")
        world.publish(load_feed("card/feed"))
        world.services.remove(second)
        world.settle()
        log = first.read_log()
        require(log.count("partitions assigned") == assigned, f"the first was disturbed: {log[-2000:]}")
        require("fenced" not in log.lower(), f"the first was fenced: {log[-2000:]}")
        first.kill()
        world.services.remove(first)
        began = time.monotonic()
        third = world.start("a")
        wait_for("a start", lambda: third.read_log().count("msg=started") > log.count("msg=started"), 30)
        wait_for("it to go on", lambda: third.read_log().count("msg=recovered") >= 2 * PARTITIONS, 60)
        took = time.monotonic() - began
        require(took < 15, f"after kill -9 the next one went on after {took:.1f} s only")
        # In the group it has the place of the one that died, and that one's client.id.
        for _ in range(4):
            said = third.read_log().count("another process runs as the same instance")
            other = world.start("a")
            wait_for("the other's end", lambda: not other.is_running() or not third.is_running(), 60)
            require(third.is_running(), f"the one that came in its place was disturbed: {third.read_log()[-2000:]}")
            require(other.process.returncode == 2, f"it ended with {other.process.returncode}")
            require(third.read_log().count("another process runs as the same instance") > said, "it does not say why")
            world.services.remove(other)
        world.end_as_if_nothing_happened()
    finally:
        world.close()


def an_instance_that_moves_from_another_host():
    """Whether one of the same name on another host lives can't be seen: as long as the group keeps it, it is waited for."""
    world = World("moves", policy_of("card/feed"), properties="{session.timeout.ms: 6000}")
    elsewhere = "leadclock.pid-1.start-1.ns-1.boot-00000000.host-elsewhere"
    try:
        world.create_topics()
        member = Stranger(world, "a-1", elsewhere)
        time.sleep(3)
        service = world.start("a")
        wait_for("its end", lambda: not service.is_running(), 60)
        require(service.process.returncode == 2, f"it ended with {service.process.returncode}")
        require("is a member of the group from another host" in service.read_log(), "it does not say what it waits for")
        require("another process runs as the same instance" in service.read_log(), "it does not say why")
        require(member.process.poll() is None, "the member ended")
        member.kill()
        service = world.start("a")
        wait_for("a start", lambda: "msg=recovered" in service.read_log(), 60)
        service.stop()
    finally:
        member.kill()
        world.close()


def a_worker_that_hangs_when_another_fails():
    """Why is said at once, and the process ends in bounded time, with the code of what failed."""
    world = World("hangs", policy_of("card/feed"), workers=2)
    hold = os.path.join(world.folder, "hold")
    try:
        world.create_topics()
        with preloaded("held-poll", LC_HOLD_FILE=hold, LC_HOLD_CLIENT="#consumer-2"):
            service = world.start("a")
        wait_for("a start", lambda: service.read_log().count("msg=recovered") >= PARTITIONS, 60)
        open(hold, "w", encoding="utf-8").close()
        stranger = Stranger(world, "a-1")
        try:
            says = lambda: "another process runs as the same instance" in service.read_log()
            wait_for("it to say why", says, 15)
            require(service.is_running(), "no worker was held up: this proves nothing")
            began = time.monotonic()
            wait_for("its end", lambda: not service.is_running(), 60)
            say(f"ended {time.monotonic() - began:.1f} s after it said why")
            require(time.monotonic() - began < 25, "it took longer than is promised")
            require(service.process.returncode == 2, f"it ended with {service.process.returncode}")
        finally:
            stranger.kill()
    finally:
        world.close()


TESTS = {
    test.__name__: test
    for test in (
        a_worker_that_fails_stops_all, a_second_process_of_the_same_instance_ends,
        an_instance_that_moves_from_another_host, a_worker_that_hangs_when_another_fails,
    )
}  # fmt: skip

if __name__ == "__main__":
    sys.exit(main(TESTS))
