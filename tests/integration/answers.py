#!/usr/bin/env python3
"""answers.py [TEST...] - reports and work lists from the tables on Kafka: the figures of a backtest; what they say where
they can't be made."""

import csv
import io
import json
import os
import subprocess
import sys
import time

from world import BINARY, World, free_port, iso, load_feed, main, now_ms, policy_of, require, require_equal

HOUR = 3600 * 1000


def fresh_leads():
    """Leads that are open now: broken, newer, with a head start, nobody's."""
    now = now_ms()
    for number, (channel, age, owner) in enumerate(
        [("demo", 0.5, "ann"), ("quote", 0.6, None), ("webinar", 0.2, "ann"), ("webinar", 30, "bo"), ("webinar", 2, None)]
    ):
        fact = {"type": "LeadCreated", "lead_id": f"fresh-{number}", "event_id": f"f{number}", "channel": channel,
                "occurred_at": now - round(age * HOUR), "attributes": {"segment": "smb"}}  # fmt: skip
        yield {**fact, "owner": owner} if owner else fact


def report_of_backtest(world, at, *options):
    events = os.path.join(world.folder, "events.jsonl")
    command = [BINARY, "backtest", "--policy", world.policy, "--until", iso(at), "--quiet", "--report", *options, events]
    done = subprocess.run(command, capture_output=True, timeout=300, check=False)
    require(done.returncode == 0, f"backtest --report ended with {done.returncode}: {done.stderr.decode()[-2000:]}")
    return done.stdout


def without_facts(report):
    """Only a backtest knows how many facts there were."""
    tables = json.loads(report)
    return {**tables, "totals": [row for row in tables["totals"] if not row["what"].startswith("facts")]}


def order_of_work(cycles):
    """Rule 10.2, and broken promises first."""
    still = [cycle for cycle in cycles if cycle["status"] == "OPEN"]
    still.sort(key=lambda cycle: cycle["lead_id"])
    still.sort(key=lambda cycle: cycle["priority_at"], reverse=True)
    still.sort(key=lambda cycle: cycle["broken"] == 0)
    return [cycle["lead_id"] for cycle in still], still


def require_work(world, cycles, at):
    expected, _ = order_of_work(cycles)
    require(len(expected) >= 5, "so few open leads prove nothing")
    given = json.loads(world.run("worklist", "--format", "json", "--at", iso(at)))["worklist"]
    require_equal("the work list", [row["lead_id"] for row in given], expected)
    of_ann, _ = order_of_work([cycle for cycle in cycles if cycle["owner"] == "ann"])
    lines = world.run("worklist", "--owner", "ann", "--limit", "2", "--format", "csv", "--at", iso(at)).decode()
    rows = list(csv.DictReader(io.StringIO(lines)))
    require_equal("ann's work", [row["lead_id"] for row in rows], of_ann[:2])
    nobodys, _ = order_of_work([cycle for cycle in cycles if cycle["owner"] is None])
    text = world.run("worklist", "--unowned", "--at", iso(at)).decode()
    places = [text.find(f" {lead} ") for lead in nobodys]
    require(places == sorted(places) and -1 not in places, f"what nobody has is not listed in its order:\n{text}")
    broken = next(row for row in given if row["lead_id"] == "fresh-0")
    require("A promise has been broken" in broken["why"] or "promises are broken" in broken["why"], broken["why"])


def figures_are_those_of_a_backtest():
    world = World("answers", policy_of("people/feed"), workers=2)
    try:
        world.create_topics()
        world.publish(load_feed("people/feed") + list(fresh_leads()))
        world.start()
        world.settle()
        at = now_ms()
        world.backtest(until=iso(at))
        world.require_same_rows()
        expected = without_facts(report_of_backtest(world, at, "--format", "json"))
        require(len(expected["findings"]) > 5 and len(expected["promises"]) > 20, "so short a report proves nothing")
        live = without_facts(world.run("report", "--format", "json", "--at", iso(at)))
        for table in expected:
            require_equal(f"the report's {table}", live[table], expected[table])
        ranged = ("--from", iso(at - 400 * 24 * HOUR + 77), "--stage", "SAL", "--months", "7", "--format", "json")
        require_equal("a report of a time", without_facts(world.run("report", "--at", iso(at), *ranged)),
                      without_facts(report_of_backtest(world, at, *ranged)))  # fmt: skip
        page = world.run("report", "--format", "html", "--at", iso(at)).decode()
        require(page.startswith("<!DOCTYPE html>") and page.endswith("</html>\n"), "no page")
        require_work(world, [row for (table, _), row in world.rows_of_backtest().items() if table == "cycles"], at)
        world.services[0].stop()
    finally:
        world.close()


def what_is_missing_is_said():
    world = World("answers-missing", policy_of("card/feed"), tables="[cycles]")
    try:
        said = subprocess.run([BINARY, "worklist", "--config", world.config], capture_output=True, check=False)
        require(said.returncode == 2 and b"leads.tables.cycles does not exist" in said.stderr, said.stderr)
        world.create_topics()
        require(b"0 open leads" in world.run("worklist"), "no leads is no error")
        said = subprocess.run([BINARY, "report", "--config", world.config], capture_output=True, check=False)
        require(said.returncode == 2 and b"tables.publish" in said.stderr and b"--fill breaches" in said.stderr, said.stderr)
        world.write_config({"brokers": f"127.0.0.1:{free_port()}"})
        began = time.monotonic()
        said = subprocess.run([BINARY, "worklist", "--config", world.config], capture_output=True, check=False)
        require(said.returncode == 3 and b"no connection to Kafka" in said.stderr, said.stderr)
        require(time.monotonic() - began < 60, "a broker that is away is waited for without end")
    finally:
        world.close()


TESTS = {test.__name__: test for test in (figures_are_those_of_a_backtest, what_is_missing_is_said)}

if __name__ == "__main__":
    sys.exit(main(TESTS))
