"""outcomes.py - what the sides publish of one feed is the same, and what a backtest says: side-by-side.sh --check."""

import collections
import json
import os
import subprocess
import sys
import time

from sides import Running, drain, make

sys.path.insert(0, os.path.join(os.path.dirname(__file__), *[".."] * 2, "integration"))
from world import DAY_MS, iso, net_outcomes  # noqa: E402

FACTS = 20000
INPUTS = f"check-{os.getpid()}"  # all read the same
LIMIT_S = 300
STEADY_S = 20  # what differs and has not changed for so long is wrong
COMMON = ["lead_id", "handoff_at", "occurred_at", "channel", "owner"]
# The fields that both have.
FIELDS = {
    "SlaBreached": [*COMMON, "clock", "due_at"],
    "LeadClawedBack": [*COMMON, "due_at"],
    "LeadRouted": [*COMMON, "route", "cause", "reason"],
}
COUNTED = ["handed_off", "contacted", "first_contact_met", "first_contact_breached", "rejected", "rejected_late"]
COUNTED += ["clawed_back"]


def comparable(record):
    values = [record[field] for field in FIELDS[record["type"]]]
    return (record["type"], *(iso(value) if isinstance(value, int) else value for value in values))


def as_outcomes(records):
    """How often each was published."""
    return collections.Counter(comparable(record) for record in records if record["type"] in FIELDS)


def as_counters(counts):
    """(channel, cohort, name) and how many, of (channel, cohort, {name: how many}) of each partition."""
    total = collections.Counter()
    for channel, cohort, named in counts:
        total.update({(channel, cohort, name): named.get(name, 0) for name in COUNTED})
    return +total


def differences(expected, found):
    return [f"missing: {key}, {n} times" for key, n in (expected - found).items()] + [
        f"too much: {key}, {n} times" for key, n in (found - expected).items()
    ]


# ---- What is published ----


def watch(bench, *topics):
    said = bench.command("watch", "--from-beginning", "--until-caught-up", *topics, stdout=subprocess.PIPE).stdout
    return [json.loads(line) for line in said.splitlines()]


def outcomes_of(bench, is_streams):
    lines = watch(bench, "leads.breaches", "leads.clawbacks", "leads.routed")
    records = [line["value"] for line in lines]
    return as_outcomes(records if is_streams else net_outcomes(records).values())


def counters_of(bench, name, is_streams):
    lines = watch(bench, f"{name}-counters-changelog" if is_streams else "leads.counters")
    last = {(line["partition"], line["key"]): line for line in lines}.values()
    return as_counters((*line["key"].split("|")[:2], line["value"]["counts"]) for line in last)


def published(side, name, is_streams):
    return outcomes_of(side.bench, is_streams) + counters_of(side.bench, name, is_streams)


# ---- What must be ----


def write_feed(bench, path):
    """Two months of facts that ended so long ago that every lead's last clock has run out. No fact comes out of order,
    no lead is handed off again, none is assigned: what the job on Streams does not know does not occur."""
    start = int(time.time() * 1000) - 95 * DAY_MS
    with open(path, "wb") as file:
        span = ["--count", str(bench.facts), "--start", str(start), "--days", "60"]
        subprocess.run([bench.make_facts, *span], stdout=file, check=True)


def backtest(bench, feed):
    counters = os.path.join(bench.folder, "counters.jsonl")
    now = iso(int(time.time() * 1000))
    policy = os.path.join(bench.folder, "policy.yaml")
    said = subprocess.run(
        [bench.leadclock, "backtest", "--policy", policy, "--until", now, "--counters", counters, feed],
        check=True, stdout=subprocess.PIPE,
    ).stdout  # fmt: skip
    with open(counters, encoding="utf-8") as file:
        counts = [json.loads(line) for line in file]
    return as_outcomes(net_outcomes([json.loads(line) for line in said.splitlines()]).values()) + as_counters(
        (count["channel"], count["cohort"], {count["metric"]: count["count"]}) for count in counts
    )


def must_have_everything(expected):
    """Else what is compared would say little."""
    kinds = {(key[0], key[-2] if key[0] == "LeadRouted" else None) for key in expected if key[0] in FIELDS}
    routes = {("LeadRouted", cause) for cause in ("REJECTED", "BREACHED", "CLAWED_BACK")}
    wanted = {("SlaBreached", None), ("LeadClawedBack", None), *routes}
    if kinds != wanted or not set(COUNTED) <= {key[2] for key in expected}:
        raise SystemExit(f"the feed has not everything that is compared: {kinds}")


def compare(options, side_name, expected):
    """True where it publishes what is expected before long."""
    name = INPUTS if side_name == "leadclock" else f"{INPUTS}-{side_name}"
    side = make(
        options.folder, options.leadclock, options.facts, options.workers, side_name, name, INPUTS, **options.set
    )
    with Running(side, LIMIT_S) as running:
        running.wait_until(side.is_ready, "it started")
        differs, changed = None, time.monotonic()
        while differs != [] and time.monotonic() - changed < STEADY_S:
            running.must_live("outcomes were compared")
            before, differs = differs, differences(expected, published(side, name, side_name != "leadclock"))
            changed = changed if differs == before else time.monotonic()
    drain.say(f"{side_name}: {len(differs)} of {len(expected)} outcomes and counters differ")
    for line in differs[:6]:
        print("  " + line)
    return not differs


def check(options):
    options.facts = options.facts or FACTS
    bench = make(options.folder, options.leadclock, options.facts, options.workers, "leadclock", INPUTS).bench
    feed = os.path.join(options.folder, "feed.jsonl")
    write_feed(bench, feed)
    bench.command("publish", feed, stderr=subprocess.DEVNULL)
    expected = backtest(bench, feed)
    must_have_everything(expected)
    if not all([compare(options, side, expected) for side in options.sides]):
        raise SystemExit("they do not publish the same")
