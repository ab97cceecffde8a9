#!/usr/bin/env python3
"""denied.py [TEST...] - an owner dies, and who takes over has no right to end its transaction."""

import sys
import time

from secured import secured
from timing import POLICY, Producer, Watched, lead_in
from world import INPUT_TOPICS, OUTCOMES, PARTITIONS, TABLES, World, main, now_ms, require, wait_for

SESSION_S, HELD = 6, 0
WITHIN_S = 3  # a lead is to be contacted


def give_rights(kafka, world, instance):
    """All that a service needs, but of transactional ids its own only."""
    tables = [f"leads.tables.{table}" for table in TABLES]
    for topic in INPUT_TOPICS + OUTCOMES + ["leads.dead-letters", "leads.state", "leads.counters"] + tables:
        for operation in ("READ", "WRITE"):
            kafka.may(operation, "TOPIC", world.prefix + topic)
    kafka.may("READ", "GROUP", world.name)
    kafka.may("WRITE", "TRANSACTIONAL_ID", f"{world.name}-@{instance}-1")


def hand_off(world, name):
    """One lead in each partition, handed off now; by partition."""
    leads = [lead_in(partition, name) for partition in range(PARTITIONS)]
    facts = [
        {"type": "LeadCreated", "event_id": lead, "lead_id": lead, "occurred_at": now_ms(), "channel": "demo"}
        for lead in leads
    ]
    world.publish(facts)
    return leads


def breached(world):
    return {record["lead_id"] for record in world.watch("leads.breaches") if record["type"] == "SlaBreached"}


def an_owner_that_may_not_be_ended():
    """Its partition waits for its transaction, and says so; on the others facts are taken and timers fire, in time."""
    kafka = secured()
    world = World("denied", POLICY % WITHIN_S, brokers=kafka.at("OPEN"), properties=f"{{session.timeout.ms: {SESSION_S}000}}")
    try:
        world.create_topics()
        first = world.start("dead")
        hand_off(world, "before")
        wait_for("the first breaches", lambda: len(breached(world)) == PARTITIONS, 60)
        first.kill()
        open_one = Producer(world, "@dead-1", kafka.at("OPEN"))
        open_one.command("begin")
        open_one.send("leads.state", b"x", b"y", HELD)
        open_one.command("flush")

        give_rights(kafka, world, "heir")
        login = [option for option in kafka.login() if option != "--set"]
        heir = Watched(world, "heir", *login)
        others = [lead for partition, lead in enumerate(hand_off(world, "meanwhile")) if partition != HELD]
        wait_for("the other partitions' breaches", lambda: breached(world) >= set(others), SESSION_S + 30)
        began = time.monotonic()
        again = [lead for partition, lead in enumerate(hand_off(world, "again")) if partition != HELD]
        wait_for("their next breaches", lambda: breached(world) >= set(again), WITHIN_S + 10)
        require(time.monotonic() - began < WITHIN_S + 5, "timers were late while one partition waited")
        text = heir.service.read_log()
        require(text.count("can't be ended") == 1, f"that it waits, and why, is not said once: {text[-3000:]}")
        for lead in breached(world):
            require(lead in others + again or lead.startswith("before"), f"{lead} was judged, whose partition waits")
        require(heir.figure("leadclock_partition_ready") == PARTITIONS - 1, "not just one partition waits")

        open_one.command("abort")
        open_one.close()
        wait_for("readiness", lambda: heir.get("readyz"), 30)
        wait_for("all breaches", lambda: len(breached(world)) == 3 * PARTITIONS, 30)
        world.services.remove(first)
        world.settle()
        world.require_same_as_backtest()
        heir.service.stop()
    finally:
        world.close()


TESTS = {test.__name__: test for test in (an_owner_that_may_not_be_ended,)}

if __name__ == "__main__":
    sys.exit(main(TESTS))
