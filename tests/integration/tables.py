#!/usr/bin/env python3
"""tables.py [TEST...] - rows on Kafka: tables that were switched on later are filled, and emptied by reset; deletions are
said as configured; files of rows."""

import json
import os
import re
import subprocess
import sys
import time

from commands import expect
from timing import preloaded
from world import BINARY, TABLES, World, load_feed, main, murmur2_partition, now_ms, policy_of, require, require_equal
from world import slices


def settings(world, **changed):
    world.write_config(changed)


def rows_are_filled():
    """Nothing was published while the service ran; then all rows of all leads are, twice over, and it goes on."""
    first, second = slices(load_feed("card/feed"), 2)
    world = World("fill", policy_of("card/feed"), tables="[]", workers=2)
    try:
        world.create_topics()
        world.publish(first)
        world.start()
        world.settle()
        require(not world.run("topics").count(b"tables"), "a table that is not published is asked for")
        settings(world, workers=2)
        world.create_topics()
        refusal = world.run("tables", "--fill", codes=(1,))
        require(refusal == b"", "a fill says something on standard output")
        world.services[0].stop()
        world.services.clear()

        world.run("tables", "--fill")
        world.backtest()
        world.require_same_rows()
        require(len(world.tables()) > 100, "so few rows prove nothing")
        before = world.tables()
        world.run("tables", "--fill", "cycles", "counters")
        require_equal("rows after a second fill", world.tables(), before)

        world.publish(second)
        world.start("b")
        world.end_as_if_nothing_happened()
    finally:
        world.close()


def judge_without_tables(world):
    """All of card/feed; then there are tables to be filled."""
    world.create_topics()
    world.publish(load_feed("card/feed"))
    world.start()
    world.settle()
    world.services[0].stop()
    world.services.clear()
    settings(world)
    world.create_topics()


def a_killed_fill_is_done_again():
    """It leaves nothing in the way: neither a member nor a transaction."""
    world = World("fill-killed", policy_of("card/feed"), tables="[]")
    try:
        judge_without_tables(world)
        fill = subprocess.Popen([BINARY, "tables", "--config", world.config, "--fill"], stderr=subprocess.DEVNULL)
        while fill.poll() is None and not any(world.rows(table) for table in ("cycles", "counters")):
            time.sleep(0.02)
        fill.kill()
        fill.wait()
        world.run("tables", "--fill")
        world.backtest()
        world.require_same_rows()
        world.start("b")
        world.end_as_if_nothing_happened()
    finally:
        world.close()


def a_fill_tells_where_it_is():
    """A line every 10 s where there is no terminal: here after a first transaction that is held up for longer."""
    world = World("fill-told", policy_of("card/feed"), tables="[]")
    hold = os.path.join(world.folder, "hold")
    try:
        judge_without_tables(world)
        with open(hold, "w", encoding="utf-8"), preloaded("held-commit", LC_HOLD_FILE=hold):
            fill = subprocess.Popen([BINARY, "tables", "--config", world.config, "--fill"], stderr=subprocess.PIPE, text=True)
        while "msg=recovered" not in fill.stderr.readline():
            require(fill.poll() is None, f"the fill ended with {fill.returncode}")
        time.sleep(11)
        os.remove(hold)
        said = fill.communicate(timeout=120)[1]
        require(fill.returncode == 0 and re.search(r"(?m)^partition \d+: \d+ %$", said), said)
        world.backtest()
        world.require_same_rows()
    finally:
        world.close()


def each_lead_is_filled_once():
    """However often it has changed, and however many there are: so it is counted, too."""
    at = now_ms() - 24 * 3600 * 1000
    leads = [lead for lead in (f"lead-{n}" for n in range(22000)) if murmur2_partition(lead.encode()) == 0]
    require(len(leads) > 5000, "so few go into one transaction")
    facts = [{"type": "LeadCreated", "lead_id": lead, "event_id": f"c-{lead}", "occurred_at": at, "channel": "webinar"}
             for lead in leads]  # fmt: skip
    facts += [{"type": "LeadContacted", "lead_id": lead, "event_id": f"k-{lead}", "occurred_at": at + 60000,
               "method": "CALL"} for lead in leads]  # fmt: skip
    world = World("filled-once", policy_of("card/feed"), tables="[]")
    try:
        world.create_topics()
        world.publish(facts)
        world.start("a", "batch.facts=1000")
        world.settle()
        world.services[0].stop()
        world.services.clear()
        settings(world)
        world.create_topics()
        expect(world, 0, rf"with the rows of {len(leads)} leads", "tables", "--fill")
        lines = world.run("watch", "--from-beginning", "--until-caught-up", "leads.tables.cycles").splitlines()
        require_equal("published rows of cycles", len(lines), len(leads))
    finally:
        world.close()


def reset_empties_tables():
    world = World("reset-tables", policy_of("card/feed"))
    try:
        world.create_topics()
        world.publish(load_feed("card/feed"))
        world.start()
        world.settle()
        world.services[0].stop()
        world.services.clear()
        require(len(world.tables()) > 100, "so few rows prove nothing")
        plan = world.run("reset", "--dry-run")
        for table in TABLES:
            require(f"leads.tables.{table}".encode() in plan, f"reset does not say that it empties {table}")
        world.run("reset", "--yes")
        require_equal("rows after a reset", world.tables(), {})
        world.run("topics")
        world.start("b")
        world.settle()
        world.backtest()
        world.require_same_rows()
        world.services[0].stop()
    finally:
        world.close()


def facts_of_an_erasure():
    start = now_ms() - 100 * 24 * 3600 * 1000
    lead = {"lead_id": "gone", "event_id": "e1", "occurred_at": start, "channel": "webinar", "attributes": {}}
    created = dict(lead, type="LeadCreated", owner="ann")
    return [created], [{"type": "LeadErased", "event_id": "e2", "lead_id": "gone", "occurred_at": start + 3600000}]


def deletions_are_said(deletes, marks, tombstones):
    created, erased = facts_of_an_erasure()
    world = World(f"deletes-{deletes}", policy_of("card/feed"), deletes=deletes)
    try:
        world.create_topics()
        world.start()
        for facts in (created, erased):
            world.publish(facts)
            world.settle()
        lines = world.run("watch", "--from-beginning", "--until-caught-up", "leads.tables.cycles").splitlines()
        records = [json.loads(line) for line in lines]
        require(len({json.dumps(record["key"]) for record in records}) == 1, "one cycle has one key")
        last = [record["value"] for record in records[-(marks + tombstones) :]]
        says = [value is None or (value["deleted"] and value["lead_id"] is None) for value in last]
        require(all(says) and [value is None for value in last] == [False] * marks + [True] * tombstones,
                f"a deletion is said as {last}")  # fmt: skip
        require(not records[0]["value"]["deleted"], "the cycle was never there")
        world.services[0].stop()
    finally:
        world.close()


def deletions_by_mark():
    deletions_are_said("mark", 1, 0)


def deletions_by_tombstone():
    deletions_are_said("tombstone", 0, 1)


def files_of_rows():
    """What stands on Kafka, as an Avro file: the service's own reader finds every row in it."""
    world = World("files", policy_of("card/feed"))
    try:
        world.create_topics()
        world.publish(load_feed("card/feed")[:200])
        world.start()
        world.settle()
        path = os.path.join(world.folder, "cycles.avro")
        topic = "leads.tables.cycles"
        world.run("watch", "--from-beginning", "--until-caught-up", "--avro", path, "leads.dead-letters")
        require(not os.path.exists(path), "of an empty topic a file is written that is no Avro file")
        out = world.run("watch", "--from-beginning", "--until-caught-up", "--avro", path, topic)
        require(out == b"", "watch --avro prints something")
        with open(path, "rb") as file:
            content = file.read()
        require(content.startswith(b"Obj\1") and b"CycleRow" in content, "no Avro file of cycles")
        ids = {record["cycle_id"] for record in world.watch(topic)}
        require(all(cycle_id.encode() in content for cycle_id in ids), "a row is missing in the file")
        several = ["leads.tables.cycles", "leads.tables.stages"]
        world.run("watch", "--from-beginning", "--until-caught-up", "--avro", path, *several, codes=(2,))
        world.services[0].stop()
    finally:
        world.close()


TESTS = {
    test.__name__: test
    for test in (
        rows_are_filled,
        a_killed_fill_is_done_again,
        a_fill_tells_where_it_is,
        each_lead_is_filled_once,
        reset_empties_tables,
        deletions_by_mark,
        deletions_by_tombstone,
        files_of_rows,
    )
}

if __name__ == "__main__":
    sys.exit(main(TESTS))
