#!/usr/bin/env python3
"""counters_in_sql.py LEADCLOCK EXAMPLES - the SQL of deploy/examples/duckdb makes every counter of every folder of examples
anew, from rows, facts and the policy; and what the README says of counters that rows and outcomes do not determine is so:
two feeds with the same rows and the same outcomes that differ in such a counter only."""

import glob
import json
import os
import re
import subprocess
import sys
import tempfile

import duckdb

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EXAMPLE = os.path.join(ROOT, "deploy", "examples", "duckdb")
sys.path.insert(0, EXAMPLE)
import facts as example  # noqa: E402

TABLES = {"cycles": "Cycle", "breaches": "Breach", "stages": "Stage", "counters": "Counter"}
TYPES = {"string": "VARCHAR", "int": "INTEGER", "long": "BIGINT", "boolean": "BOOLEAN"}
HOUR = 3600 * 1000
START = 1767600000000


def backtest(program, policies, events, until, folder):
    """(outcomes, numbers of lines that are no facts); rows in `folder`."""
    options = [word for policy in policies for word in ("--policy", policy)]
    done = subprocess.run([program, "backtest", *options, "--until", until, "--tables", folder, events],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)  # fmt: skip
    if done.returncode not in (0, 1):
        raise SystemExit(f"{events}: {done.stderr}")
    skipped = {int(number) for number in re.findall(r"^\S*?:(\d+)", done.stderr, re.M)}
    return done.stdout, skipped


def load_rows(database, folder):
    for table, record in TABLES.items():
        with open(os.path.join(ROOT, "schemas", "tables", record + "Row.avsc"), encoding="utf-8") as file:
            fields = json.load(file)["fields"]
        kinds = {field["name"]: field["type"][1] if isinstance(field["type"], list) else field["type"] for field in fields}
        columns = {name: "TIMESTAMP" if isinstance(kind, dict) else TYPES[kind] for name, kind in kinds.items() if name != "deleted"}
        path = os.path.join(folder, table + ".jsonl")
        database.execute(f"create table {table} as from read_json('{path}', format='newline_delimited', columns={columns})")


def lines_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read().splitlines()


def facts_in(lines, skipped):
    return [json.loads(line) for number, line in enumerate(lines, 1) if line.strip() and number not in skipped]


# ---- Each feed ----


def without_the_erased(lines):
    """Rows of erased leads are gone, their counts are not: check.py's --erased is for these."""
    lead_of = lambda line: (re.search(r'"lead_id": *"([^"]*)"', line) or [None, None])[1]
    erased = {lead_of(line) for line in lines if '"LeadErased"' in line}
    return [line for line in lines if lead_of(line) not in erased]


def differences_of(program, folder, rows):
    """(counters compared, differences, renewals that take a calendar)"""
    policies = sorted(glob.glob(os.path.join(folder, "policy*.yaml")))
    lines = without_the_erased(lines_of(os.path.join(folder, "events.jsonl")))
    events = os.path.join(rows, "events.jsonl")
    with open(events, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    _, skipped = backtest(program, policies, events, lines_of(os.path.join(folder, "until"))[0], rows)
    with duckdb.connect() as database:
        load_rows(database, rows)
        database.execute(example.TABLES)
        example.load_policy(database, policies)
        example.load_facts(database, facts_in(lines, skipped))
        for name in ("counters.sql", "promises.sql"):
            with open(os.path.join(EXAMPLE, name), encoding="utf-8") as file:
                database.execute(file.read())
        number = lambda query: database.execute(query).fetchone()[0]
        return (number("select count(*) from published where is_recomputed(metric)"),
                database.execute("select * from differences").fetchall(),
                number("select count(*) from renewals where not is_known"))  # fmt: skip


# ---- What only facts tell ----

PAIR_POLICY = """
name: pairs
stages: [SAL, {name: WON, closes: won}, {name: LOST, closes: lost}]
reasons: {other: {route: NURTURE}}
rules:
  - {name: asked, when: {channel: [asked]}, requested_time: {late: 1d}, clawback: {after: 30d}}
  - {name: tried, when: {channel: [tried]}, follow_up: {attempts: 1, within: 7d}, clawback: {after: 30d}}
  - {name: kept, when: {channel: [kept]}, next_contact: {within: 5d}, clawback: {after: 30d}}
  - {name: passed, when: {channel: [passed]}, first_contact: {within: 1h, reassign: true}, clawback: {after: 30d}}
  - {name: hot, when: {channel: [hot]}, first_contact: {within: 5m, renew: true}, clawback: {after: 30d}}
  - {name: due, when: {channel: [due]}, milestones: [{stage: SAL, within: 48h}], clawback: {after: 30d}}
  - {name: standard, when: any, first_contact: {within: 1h}, clawback: {after: 30d}}
"""


def fact(kind, hours, number, **fields):
    return {"type": "Lead" + kind, "event_id": f"e{number}", "lead_id": "one", "occurred_at": int(START + hours * HOUR), **fields}


def created(channel, hours=0, number=0, **fields):
    return fact("Created", hours, number, channel=channel, owner="ann", attributes={}, **fields)


def call(hours, number, outcome="CONNECTED", **fields):
    return fact("Contacted", hours, number, method="CALL", outcome=outcome, **fields)


WON = fact("Progressed", 9, 9, stage="WON")
LOST = fact("Progressed", 9, 5, stage="LOST")
# Counter: facts that the feeds share, those that only one of them has, those that the other has instead.
PAIRS = {
    "rejected_late": ([created("ads"), WON], [fact("Rejected", 10, 2, reason="other")], []),
    "requested_met": ([created("asked"), call(2, 2), WON], [call(1, 1, follow_up_at=START + 2 * HOUR)], [call(1, 1)]),
    "follow_up_met": ([created("tried"), call(2, 2), WON], [call(1, 1, "ATTEMPTED")], [call(1, 1)]),
    "next_contact_met": ([created("kept"), fact("Progressed", 1, 1, stage="SAL"), fact("Rejected", 9, 9, reason="other")],
                         [fact("Progressed", 2, 2, stage="SAL")], []),
    "again_met": ([created("passed"), call(3, 3), WON],
                  [fact("Assigned", 2, 1, owner="bo"), fact("Assigned", 2, 2, owner="ann")], []),
    "renewed_met": ([created("ads"), call(0.5, 1), call(1.01, 3), WON], [created("hot", 1, 2)], [created("ads", 1, 2)]),
    "milestone_met:SAL": ([created("due"), LOST], [fact("Progressed", 9, 1, stage="SAL")], [fact("Progressed", 9, 7, stage="SAL")]),
}  # fmt: skip


def told_by(program, folder, facts):
    """What rows and outcomes tell, and the counters."""
    events, policy = os.path.join(folder, "events.jsonl"), os.path.join(folder, "policy.yaml")
    with open(policy, "w", encoding="utf-8") as file:
        file.write(PAIR_POLICY)
    with open(events, "w", encoding="utf-8") as file:
        for one in sorted(facts, key=lambda one: one["occurred_at"]):
            file.write(json.dumps(one) + "\n")
    outcomes, skipped = backtest(program, [policy], events, "2026-03-01T00:00:00Z", folder)
    if skipped:
        raise SystemExit(f"not all are facts: {facts}")
    rows = {name: lines_of(os.path.join(folder, name + ".jsonl")) for name in ("cycles", "breaches", "stages", "tenures", "routes")}
    counts = {json.loads(line)["metric"]: json.loads(line)["value"] for line in lines_of(os.path.join(folder, "counters.jsonl"))}
    return (outcomes, rows), counts


def pair_differs_in(program, folder, pair):
    shared, one, other = pair
    told, counts = told_by(program, folder, shared + one)
    told_otherwise, other_counts = told_by(program, folder, shared + other)
    if told != told_otherwise:
        return "rows or outcomes"
    return sorted(name for name in counts.keys() | other_counts.keys() if counts.get(name) != other_counts.get(name))


def main():
    program, examples = sys.argv[1:]
    compared = failures = 0
    with tempfile.TemporaryDirectory() as folder:
        for until in sorted(glob.glob(os.path.join(examples, "*", "*", "until"))):
            n, differences, unsure = differences_of(program, os.path.dirname(until), folder)
            compared += n
            failures += bool(differences or unsure)
            if differences or unsure:
                print(f"{os.path.dirname(until)}: {differences[:10]}, {unsure} renewals take a calendar")
        for metric, pair in PAIRS.items():
            found = pair_differs_in(program, folder, pair)
            failures += found != [metric]
            if found != [metric]:
                print(f"the two feeds of {metric} differ in {found}")
    print(f"{compared} counters of examples recomputed, {len(PAIRS)} that only facts tell, {failures} failures")
    return 1 if failures or compared < 2000 else 0


if __name__ == "__main__":
    sys.exit(main())
