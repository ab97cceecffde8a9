#!/usr/bin/env python3
"""outage.py [TEST...] - the broker is away for longer than the session lasts: the service goes on by itself, and still
tells another that takes its name from a coordinator that has forgotten it; and SIGTERM is obeyed meanwhile."""

import os
import signal
import subprocess
import sys
import time

from commands import attempt
from timing import POLICY, Facts, Feeder, Stranger, Tail, Watched, preloaded
from tools import ends_with
from world import BINARY, PARTITIONS, World, free_port, get, load_feed, main, multiply, policy_of, require, say, slices, stack
from world import wait_for

SESSION_S = 6
STOP_S = 25  # run's own 20 s, and the end of its clients


def start_held(world, instance, *settings):
    """A service whose workers are held up, out of reach of the group, while the file exists that is returned too."""
    file = os.path.join(world.folder, "hold")
    with preloaded("held-poll", LC_HOLD_FILE=file):
        return world.start(instance, *settings), file


def held_up_is_not_ready():
    """A worker that hangs in a call can't say so: /readyz does, long before /livez calls it hung."""
    world, port = World("held-up", policy_of("card/feed")), free_port()
    try:
        world.create_topics()
        service, hold = start_held(world, "a", f"http.listen=127.0.0.1:{port}")
        wait_for("readiness", lambda: get(port, "/readyz") == (200, "ok\n"), 60)
        open(hold, "w", encoding="utf-8").close()
        wait_for("it to say that it is held up", lambda: "worker 1 is held up" in get(port, "/readyz")[1], 50)
        require(get(port, "/readyz")[0] == 503 and get(port, "/livez")[0] == 200, "it is said in the wrong place")
        os.remove(hold)
        wait_for("readiness", lambda: get(port, "/readyz") == (200, "ok\n"), 60)
        service.stop()
        world.services.clear()
    finally:
        world.close()


def forgotten_by_the_coordinator():
    """The session ends while the broker is away and the worker waits for something else. Then librdkafka says FENCED,
    though nobody else is there: the service joins anew. When somebody else is there, it ends."""
    properties = f"{{session.timeout.ms: {SESSION_S}000}}"
    world = World("forgotten", policy_of("card/feed"), properties=properties)
    try:
        world.create_topics()
        first, hold = start_held(world, "a")
        feed = slices(load_feed("card/feed"), 2)
        world.publish(feed[0])
        world.settle()
        open(hold, "w", encoding="utf-8").close()
        stack("kill", "kafka")
        time.sleep(SESSION_S + 2)
        stack("start", "kafka")
        wait_for("the coordinator", lambda: attempt(world, "topics", "--lag")[0] != 3, 120)
        time.sleep(3)
        os.remove(hold)
        world.publish(feed[1])
        world.settle(120)
        require(first.is_running(), f"it ended: {first.read_log()[-2000:]}")
        world.require_same_as_backtest()
        require("the group coordinator forgot us while it was away" in first.read_log(), "it was not called fenced")

        stranger = Stranger(world, "a-1")
        try:
            ends_with(first, 2, "another process runs as the same instance")
        finally:
            stranger.kill()
    finally:
        stack("up")
        world.close()


def stop_in_an_outage():
    """In the middle of a feed the broker is gone: SIGTERM ends the process all the same, and nothing is lost."""
    world, facts = World("stop-outage", POLICY % 3600, workers=2), Facts()
    try:
        world.create_topics()
        service = Watched(world, "a")
        service.until_ready()
        tail = Tail(world, "leads.state")
        feeder = Feeder(
            world, 2000, lambda n, at: [(0, "leads.created", f"lead-{n}", facts.created(f"lead-{n}", at))]
        )
        feeder.start()
        wait_for("some leads", lambda: len(tail.seen) > 5000, 60)
        stack("kill", "kafka")
        began = time.monotonic()
        service.service.stop()
        took = time.monotonic() - began
        say(f"ended {took:.1f} s after SIGTERM")
        require(took <= STOP_S, f"{took:.1f} s, {STOP_S} allowed")
        stack("start", "kafka")
        service.again()
        service.until_ready(90)
        feeder.stop()
        wait_for("all leads", lambda: len({one.key for one in tail.seen}) == feeder.n, 120)
        require(len(tail.seen) == feeder.n, "a lead was committed twice")
        tail.close()
        service.service.stop()
    finally:
        stack("up")
        world.close()


def recovered(fill):
    """Reads what a process says until it has recovered all partitions."""
    seen = []
    while sum(b"recovered" in line for line in seen) < PARTITIONS:
        seen.append(fill.stderr.readline())
        require(seen[-1], f"it has ended: {seen}")


def fill_in_an_outage():
    """The broker goes away while tables are filled: it ends by itself, with a code and words that say why; done again,
    all rows are there."""
    world = World("fill-outage", policy_of("card/feed"), tables="[]")
    try:
        world.create_topics()
        world.publish(multiply(load_feed("card/feed"), 20))
        world.start()
        world.settle()
        world.services.pop().stop()
        world.write_config({})
        world.create_topics()
        fill = subprocess.Popen([BINARY, "tables", "--config", world.config, "--fill"], stderr=subprocess.PIPE)
        recovered(fill)
        fill.send_signal(signal.SIGSTOP)
        require(fill.poll() is None, "it was done before anything could happen")
        stack("kill", "kafka")
        fill.send_signal(signal.SIGCONT)
        began = time.monotonic()
        said = fill.communicate(timeout=150)[1].decode()
        say(f"ended {time.monotonic() - began:.1f} s later: {said.splitlines()[-1]}")
        require(fill.returncode == 3, f"it ended with {fill.returncode}: {said}")
        require("leadclock tables: " in said.splitlines()[-1], f"it does not say why: {said}")
        stack("start", "kafka")
        wait_for("the coordinator", lambda: attempt(world, "topics", "--lag")[0] != 3, 120)
        world.run("tables", "--fill")
        world.backtest()
        world.require_same_rows()
    finally:
        stack("up")
        world.close()


TESTS = {test.__name__: test for test in (held_up_is_not_ready, forgotten_by_the_coordinator, stop_in_an_outage, fill_in_an_outage)}

if __name__ == "__main__":
    sys.exit(main(TESTS))
