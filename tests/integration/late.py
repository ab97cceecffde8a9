#!/usr/bin/env python3
"""late.py - the service waits for servers and topics that are not there yet, and then does its work."""

import sys
import time

from world import World, load_feed, main, policy_of, require, say, stack, wait_for


def waits(world, text, seconds=3):
    """It runs on, and says at least once what it waits for."""
    time.sleep(seconds)
    service = world.services[0]
    require(service.is_running(), f"it ended while {text}: {service.read_log()[-2000:]}")
    say(f"it waits while {text}")


def servers_come_late():
    """First no server is there, then one after the other."""
    world = World("late", policy_of("card/feed"))
    try:
        world.create_topics()
        world.publish(load_feed("card/feed")[:300])
        for server in ("kafka", "redis", "registry"):
            stack("stop", server)
        try:
            world.start()
            waits(world, "no server answers")
            stack("start", "kafka")
            waits(world, "only Kafka answers")
            stack("start", "redis")
            waits(world, "there is no registry")
        finally:
            stack("up")
        world.end_as_if_nothing_happened()
    finally:
        world.close()


def topics_come_late():
    """The service is there before its topics."""
    world = World("topics-late", policy_of("card/feed"))
    try:
        world.start()
        waits(world, "there are no topics")
        world.create_topics()
        world.publish(load_feed("card/feed")[:100])
        world.end_as_if_nothing_happened()
    finally:
        world.close()


def workers_say_a_thing_once():
    """Four workers of a process wait for the same topics, and then refuse the same change of policy: it is said once."""
    world = World("once", policy_of("card/feed"), workers=4)
    try:
        service = world.start()
        wait_for("the wait is told", lambda: "waiting for Kafka's topics" in service.read_log(), 20)
        waits(world, "there are no topics")
        require(service.read_log().count("waiting for Kafka's topics") == 1, f"said more than once; see {service.log_path}")
        world.create_topics()
        world.publish(load_feed("card/feed")[:100])
        world.end_as_if_nothing_happened()
        world.services.clear()
        with open(world.policy, "a", encoding="utf-8") as file:
            file.write("# changed\n")
        service = world.start("b")
        require(service.process.wait(60) == 2, "a changed policy is taken")
        told = service.read_log().count("the policy has changed")
        require(told == 1, f"the change is told {told} times; see {service.log_path}")
    finally:
        world.close()


def the_group_can_not_be_asked():
    """Kafka goes away before it was asked for our name in the group: that goes on once it is back."""
    world = World("ask", policy_of("card/feed"))
    try:
        world.create_topics()
        stack("stop", "redis")
        service = world.start()
        wait_for("it to miss Redis", lambda: "waiting for Redis" in service.read_log(), 30)
        stack("kill", "kafka")
        stack("start", "redis")
        wait_for("it to ask", lambda: "waiting for its name in the group" in service.read_log(), 30)
        stack("start", "kafka")
        world.publish(load_feed("card/feed")[:100])
        world.end_as_if_nothing_happened()
    finally:
        stack("up")
        world.close()


def servers_go_away():
    """Each server restarts (Redis comes back empty) while facts flow."""
    world = World("away", policy_of("card/feed"), workers=2, batch=40)
    try:
        world.create_topics()
        world.start()
        facts = load_feed("card/feed")
        world.publish(facts[:300])
        stack("kill", "redis")
        world.publish(facts[300:500])
        stack("start", "redis")
        stack("kill", "kafka")
        time.sleep(1)
        stack("start", "kafka")
        stack("stop", "registry")
        time.sleep(1)
        stack("start", "registry")
        world.publish(facts[500:])
        world.end_as_if_nothing_happened()
    finally:
        stack("up")
        world.close()


TESTS = {
    test.__name__: test
    for test in (servers_come_late, topics_come_late, workers_say_a_thing_once, the_group_can_not_be_asked, servers_go_away)
}

if __name__ == "__main__":
    sys.exit(main(TESTS))
