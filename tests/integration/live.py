#!/usr/bin/env python3
"""live.py [TEST...] - the service on real servers comes to the same net outcomes and counters as a backtest over the
same facts, whatever happens to it meanwhile; and publishes nothing twice."""

import random
import sys
import time

from world import Redis, World, load_feed, main, multiply, net_outcomes, now_ms, policy_of, require, require_equal
from world import say, slices


def feed_flows(example):
    """Published at once, read at once."""
    world = World(f"feed-{example.split('/')[0]}", policy_of(example))
    try:
        world.create_topics()
        world.publish(load_feed(example))
        world.start()
        world.end_as_if_nothing_happened()
    finally:
        world.close()


def card_feed():
    feed_flows("card/feed")


def full_feed():
    feed_flows("full/feed")


def people_feed():
    """Pauses, later owners, prospects who ask again, next contacts, escalations, merges."""
    feed_flows("people/feed")


def disturbed(test, disturb, copies=3, parts=8, batch=40, workers=2, processes=1):
    """Publishes the feed in parts; after each, `disturb(world, part)` does its worst. Then all must be as if nothing had
    happened."""
    world = World(test, policy_of("card/feed"), workers=workers, batch=batch)
    try:
        world.create_topics()
        for process in range(processes):
            world.start(f"p{process}")
        for part, facts in enumerate(slices(multiply(load_feed("card/feed"), copies), parts)):
            world.publish(facts)
            disturb(world, part)
        world.end_as_if_nothing_happened(180)
    finally:
        world.close()


def restart(world, index, how):
    """Stops or kills a process after a moment, and starts it anew under its name."""
    time.sleep(random.uniform(0, 0.6))
    service = world.services[index]
    say(f"{how} {service.instance}")
    service.stop() if how == "stop" else service.kill()
    world.services[index] = world.start(service.instance)
    world.services.pop()


def feed_with_stops():
    """SIGTERM and start, in the middle."""
    disturbed("stops", lambda world, part: restart(world, 0, "stop") if part in (1, 3, 5) else None)


def feed_with_kills():
    """kill -9, several times, two workers."""

    def disturb(world, part):
        if part < 6:
            restart(world, 0, "kill")

    disturbed("kills", disturb)


def feed_with_two_processes():
    """Two processes of two workers each; one or the other is killed or stopped."""

    def disturb(world, part):
        if part in (1, 2, 4, 6):
            restart(world, random.randrange(2), random.choice(["kill", "stop"]))

    disturbed("two-processes", disturb, processes=2)


def feed_with_redis_emptied():
    """FLUSHALL in the middle, once: it is built anew from the changelogs."""

    def disturb(world, part):
        if part == 4:
            time.sleep(random.uniform(0, 0.5))
            say("FLUSHALL")
            Redis().command("FLUSHALL")

    disturbed("redis-emptied", disturb)


def erasures():
    """A lead is forgotten, by an event and by a null value; what comes late and is older than that is dropped."""
    world = World("erasures", policy_of("card/feed"))
    start = now_ms() - 100 * 24 * 3600 * 1000
    counter = [0]

    def fact(type_, lead, at_hours, **fields):
        counter[0] += 1
        fact = {"type": type_, "event_id": f"e{counter[0]}", "lead_id": lead, "occurred_at": start + at_hours * 3600000}
        if type_ == "LeadCreated":
            fact |= {"channel": "webinar", "attributes": {}}
        return fact | fields

    steps = [
        [
            fact("LeadCreated", "open", 0),
            fact("LeadCreated", "settled", 0),
            fact("LeadRejected", "settled", 2, reason="student"),
            fact("LeadCreated", "stays", 0),
        ],
        [fact("LeadErased", "open", 3), fact("LeadErased", "settled", 4)],
        # Not after the erasure: dropped. After it: a new lead.
        [fact("LeadContacted", "open", 1, method="CALL"), fact("LeadCreated", "settled", 5)],
    ]
    try:
        world.create_topics()
        world.start()
        for step in steps:
            world.publish(step)
            world.settle()
        # What a backtest must be told: each step came when all before it had been judged to the end.
        base = start + 99 * 24 * 3600 * 1000
        facts = [dict(f, arrived_at=base + 1000 * i) for i, step in enumerate(steps) for f in step]
        world.require_same_as_backtest(facts)

        world.produce("leads.erased", "stays", [None])
        world.settle()
        leads = world.stored_leads(Redis())[1]
        require("stays" in leads, f"the instant of an erasure is kept: {leads}")
        require(b"webinar" not in leads["stays"], "something of an erased lead is left in Redis")
        before = net_outcomes(world.outcomes())
        world.publish([fact("LeadCreated", "stays", 1)])
        world.settle()
        require_equal("a fact before the erasure changes nothing", net_outcomes(world.outcomes()), before)
        require(not world.dead_letters(), "there are dead letters")
        world.services[0].stop()
    finally:
        world.close()


TESTS = {
    test.__name__: test
    for test in (
        card_feed,
        full_feed,
        people_feed,
        feed_with_stops,
        feed_with_kills,
        feed_with_two_processes,
        feed_with_redis_emptied,
        erasures,
    )
}

if __name__ == "__main__":
    sys.exit(main(TESTS))
