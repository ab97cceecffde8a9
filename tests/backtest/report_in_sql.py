#!/usr/bin/env python3
"""report_in_sql.py LEADCLOCK EXAMPLES [--leads N] - holds every figure of `backtest --report` against SQL over the rows of
the same backtest, for each folder of examples and a generated year of N leads (200,000 by itself). DuckDB makes the
figures; without it in this Python, with_duckdb.sh brings it. What each figure means is written down here a second time,
from lead-policy.md and people.md, and not from the program."""

import argparse
import datetime
import glob
import json
import math
import os
import random
import re
import subprocess
import sys
import tempfile
import zoneinfo

import duckdb

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TABLES = {"cycles": "Cycle", "breaches": "Breach", "stages": "Stage", "routes": "Route", "counters": "Counter"}
DAY = 24 * 3600 * 1000
PERIOD = 30 * DAY
HELD_BACK = "('NOT_QUALIFIED', 'OPEN_DIALOGUE', 'COOLDOWN')"


# ---- Rows ----


def columns_of(table):
    """Name -> (type as it is read, expression)."""
    with open(os.path.join(ROOT, "schemas", "tables", TABLES[table] + "Row.avsc"), encoding="utf-8") as file:
        fields = json.load(file)["fields"]
    columns = {}
    for field in fields:
        kind = field["type"][1] if isinstance(field["type"], list) else field["type"]
        name = field["name"]
        if isinstance(kind, dict):
            columns[name] = ("VARCHAR", f"epoch_ms(cast({name} as timestamp)) as {name}")
        else:
            columns[name] = ({"string": "VARCHAR", "int": "BIGINT", "long": "BIGINT", "boolean": "BOOLEAN"}[kind], name)
    return {name: kind for name, kind in columns.items() if name != "deleted"}


def load(database, folder):
    for table in TABLES:
        columns = columns_of(table)
        path = os.path.join(folder, table + ".jsonl")
        types = ", ".join(f"{name}: '{kind}'" for name, (kind, _) in columns.items())
        what = ", ".join(expression for _, expression in columns.values())
        database.execute(
            f"create or replace table {table} as select {what} from read_json('{path}', format='newline_delimited', "
            f"columns={{{types}}})"
        )
    database.execute(f"create or replace table opened as select * from cycles where cause is null or cause not in {HELD_BACK}")


# ---- Figures ----


def percentile(value, percent):
    return f"list_sort(list({value}))[cast((count({value}) * {percent} + 99) // 100 as bigint)]"


def by_channel(select, tables="opened", more=""):
    """The same of all, and of each channel."""
    return (
        f"select '(all)' as channel, {select} from {tables} {more} union all "
        f"select channel, {select} from {tables} {more} group by channel"
    )


def response(member):
    minutes = {"within_5m": 5, "within_15m": 15, "within_1h": 60, "within_24h": 1440}
    shares = ", ".join(
        f"count(*) filter ({member} <= {most * 60000}) / nullif(count(*), 0) as {name}" for name, most in minutes.items()
    )
    return by_channel(
        f"count(*) as opened, count({member}) as contacted, count({member}) / nullif(count(*), 0) as contacted_share, "
        f"{percentile(member, 50)} as median_ms, {percentile(member, 90)} as p90_ms, {percentile(member, 95)} as p95_ms, "
        + shares
    )


def delay(whose, value, where):
    return (
        f"select channel, '{whose}' as delay, leads, median_ms, p90_ms, p95_ms from ("
        + by_channel(
            f"count(*) as leads, {percentile(value, 50)} as median_ms, {percentile(value, 90)} as p90_ms, "
            f"{percentile(value, 95)} as p95_ms",
            more=f"where {where}",
        )
        + ") where leads > 0"
    )


def first_contact(column, none):
    return f"""
        select *, kept / nullif(kept + broken, 0) as kept_share from (
            select coalesce(c.{column}, '{none}') as {column}, count(*) filter (first_contact_state = 'MET') as kept,
                count(*) filter (first_contact_state in ('BREACHED', 'ENDED')) as broken,
                count(*) filter (first_contact_state = 'RUNNING') as running,
                count(*) filter (first_contact_state = 'CANCELLED') as stopped
            from cycles c where first_contact_state is not null group by c.{column})"""


PROMISES = """
    with counted as (
        select case when grouping(channel) = 1 then '(all)' else channel end as channel,
            case when name like 'again%' then 'first_contact:again' when label is not null then 'milestone:' || label
                else regexp_replace(name, '_(met|breached|early)$', '') end as clock,
            coalesce(sum(value) filter (name like '%!_met' escape '!'), 0) as kept,
            coalesce(sum(value) filter (name like '%!_breached' escape '!'), 0) as broken,
            coalesce(sum(value) filter (name like '%!_early' escape '!'), 0) as early
        from counters where regexp_matches(name, '_(met|breached|early)$') group by grouping sets ((channel, clock), (clock))
    ), next as (
        select case when grouping(channel) = 1 then '(all)' else channel end as channel,
            case when next_clock like 'first!_contact:%' escape '!' then 'first_contact:again' else next_clock end as clock,
            count(*) as due_next
        from cycles where status = 'OPEN' and next_clock is not null group by grouping sets ((channel, clock), (clock))
    )
    select channel, clock, coalesce(kept, 0) as kept, coalesce(broken, 0) as broken, coalesce(early, 0) as early,
        coalesce(due_next, 0) as due_next, kept / nullif(kept + broken, 0) as kept_share
    from counted full join next using (channel, clock)"""

BROKEN = f"""
    select coalesce(b.owner, '(nobody)') as owner, clock, count(*) as broken, count(*) - count(ended_at) as not_ended,
        {percentile('late_ms', 50)} as late_median_ms, {percentile('late_ms', 90)} as late_p90_ms
    from breaches b where kind = 'LATE' group by b.owner, clock"""

LATE = f"""
    select case when grouping(b.owner) = 1 then '(all)' else coalesce(b.owner, '(nobody)') end as owner,
        count(*) as ended, {percentile('late_ms', 50)} as late_median_ms, {percentile('late_ms', 90)} as late_p90_ms
    from breaches b where kind = 'LATE' and late_ms is not null group by grouping sets ((b.owner), ())
    having count(*) > 0"""

STAGE_TIMES = f"""
    with named as (
        select s.*, c.settled_at from stages s join cycles c using (cycle_id) where s.named
    ), times as (
        select a.stage, a.reached_at, a.settled_at,
            (select min(b.reached_at) from named b where b.cycle_id = a.cycle_id and b.reached_at > a.reached_at) as next_at
        from named a where a.settled_at is null or a.settled_at > a.reached_at
    ), lasted as (
        select stage, least(coalesce(next_at, settled_at), coalesce(settled_at, next_at)) - reached_at as stayed,
            $at - reached_at as so_far
        from times
    )
    select stage, count(stayed) as left, {percentile('stayed', 50)} as median_ms, {percentile('stayed', 90)} as p90_ms,
        count(*) - count(stayed) as still,
        list_sort(list(so_far) filter (stayed is null))[cast((count(*) filter (stayed is null) + 1) // 2 as bigint)]
            as still_median_ms
    from lasted group by stage"""

ROUTES = """select coalesce(track, '(no track)') as track, route, cause, count(*) as count from routes
    group by track, route, cause"""
CLAWBACKS = "select channel, rule, count(*) as count from cycles where cause = 'CLAWED_BACK' group by channel, rule"
REJECTIONS = """
    select case when grouping(channel) = 1 then '(all)' else channel end as channel, label as reason, sum(value) as count,
        sum(value) / (select sum(value) from counters r where r.name = 'rejected' and r.label is null
            and (grouping(counters.channel) = 1 or r.channel = counters.channel)) as share_of_rejected
    from counters where name = 'rejected' and label is not null group by grouping sets ((channel, label), (label))"""

# The cohorts of the last 18 months, of all channels (null) and of each, by age.
COHORTS = """
    create or replace table cohorts as
    with recent as (
        select * from counters join months using (cohort) where month > $month - 18 and month <= $month and value <> 0
    ), ages as (select unnest(range(24)) as age)
    select c.channel, c.cohort, c.month, c.leads, age, c.complete > age as is_known,
        coalesce((select sum(value) from recent r where r.name = 'reached' and r.label = $stage and r.age <= ages.age
            and r.cohort = c.cohort and (c.channel is null or r.channel = c.channel)), 0) as reached
    from (
        select channel, cohort, month, any_value(complete) as complete,
            coalesce(sum(value) filter (name = 'handed_off'), 0) as leads
        from recent where name = 'handed_off' or (name = 'reached' and label = $stage and age is not null)
        group by grouping sets ((channel, cohort, month), (cohort, month))
    ) c, ages"""

AGE = """
    select max(age) from (select age from cohorts where channel is null and is_known and leads > 0 group by age
        having count(*) >= 6)"""


def wilson(part, whole):
    if not whole:
        return 0.0, 1.0
    z, p = 1.959964, part / whole
    centre = p + z * z / (2 * whole)
    half = z * math.sqrt(p * (1 - p) / whole + z * z / (4 * whole * whole))
    return max(0, (centre - half) / (1 + z * z / whole)), min(1, (centre + half) / (1 + z * z / whole))


def weak_channels(rows):
    all_leads, all_reached = sum(row[1] for row in rows), sum(row[2] for row in rows)
    found = []
    for channel, leads, reached in rows:
        others, others_reached = all_leads - leads, all_reached - reached
        low, high = wilson(reached, leads)
        weak = leads >= 50 and others > 0 and high < others_reached / others / 2
        verdict = "candidate for nurture" if weak else "too few leads to say" if leads < 50 else None
        found.append({"channel": channel, "leads": leads, "reached": reached, "share": reached / leads if leads else None,
                      "low": low, "high": high, "others": others_reached / others if others else None,
                      "verdict": verdict})  # fmt: skip
    return found


# ---- Comparing ----


class Difference(Exception):
    pass


def same(given, expected):
    if isinstance(given, (int, float)) and isinstance(expected, (int, float)):
        return math.isclose(given, expected, rel_tol=1e-5, abs_tol=1e-9)
    return given == expected


def compare(name, given, expected, keys):
    order = lambda row: [str(row[key]) for key in keys]
    given, expected = sorted(given, key=order), sorted(expected, key=order)
    if [order(row) for row in given] != [order(row) for row in expected]:
        raise Difference(f"{name}: rows {[order(row) for row in given]}, by SQL {[order(row) for row in expected]}")
    for one, other in zip(given, expected):
        for column in one:
            if not same(one[column], other[column]):
                raise Difference(f"{name}: {order(one)}: {column} is {one[column]}, by SQL {other[column]}")
    return sum(len(row) for row in given)


class Feed:
    """One backtest: its report, and its rows in DuckDB."""

    def __init__(self, program, policy, events, until, tables):
        arguments = [program, "backtest", "--policy", policy, "--until", until, "--quiet", "--report", "--format", "json",
                     "--tables", tables, events]  # fmt: skip
        # --format is the report's; the rows are JSON Lines whatever it says
        done = subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if done.returncode not in (0, 1) or not done.stdout:
            raise Difference(done.stderr.decode())
        self.report = json.loads(done.stdout)
        with open(policy, encoding="utf-8") as file:
            text = file.read()
        zone = re.search(r"^reporting_time_zone: *(\S+)", text, re.M)
        self.zone = zoneinfo.ZoneInfo(zone.group(1) if zone else "UTC")
        won = re.search(r"name: (\w+), closes: won", text)
        stages = re.search(r"^stages: *\[(.*)\]", text, re.M)
        self.stage = won.group(1) if won else re.findall(r"\w+", stages.group(1))[-1] if stages else None
        self.at = max(to_ms(until), last_arrival(events))
        self.database = duckdb.connect()
        load(self.database, tables)
        self.figures = 0

    def rows(self, query, **parameters):
        result = self.database.execute(query, parameters or None)
        names = [column[0] for column in result.description]
        return [dict(zip(names, row)) for row in result.fetchall()]

    def check(self, name, query, keys, **parameters):
        self.figures += compare(name, self.report[name], self.rows(query, **parameters), keys)

    # What is told by channel as the sum of counters.
    def check_sums(self, name, special):
        sums = {(row["channel"], row["metric"]): row["n"] for row in self.rows(
            "select case when grouping(channel) = 1 then '(all)' else channel end as channel, metric, sum(value) as n "
            "from counters group by grouping sets ((channel, metric), (metric))")}  # fmt: skip
        wanted = {"(all)"} | {channel for (channel, _), n in sums.items() if n}
        given = {row["channel"] for row in self.report[name]}
        if name in ("channels", "endings") and given != wanted:
            raise Difference(f"{name}: of the channels {sorted(given)}, by SQL {sorted(wanted)}")
        for row in self.report[name]:
            for column, given in row.items():
                if column in ("channel", "stage"):
                    continue
                expected = special(sums, row, column)
                if not same(given, expected):
                    raise Difference(f"{name}: {row['channel']}: {column} is {given}, by SQL {expected}")
                self.figures += 1

    def months(self):
        found = []
        for (cohort,) in self.database.execute("select distinct cohort from counters").fetchall():
            year, month = map(int, cohort.split("-"))
            following = datetime.datetime(year + month // 12, month % 12 + 1, 1, tzinfo=self.zone)
            complete = (self.at - round(following.timestamp() * 1000)) // PERIOD
            found.append((cohort, 12 * year + month - 1, complete))
        return found

    def check_conversion(self):
        now = datetime.datetime.fromtimestamp(self.at / 1000, self.zone)
        self.database.execute("create or replace table months (cohort varchar, month bigint, complete bigint)")
        for row in self.months():
            self.database.execute("insert into months values (?, ?, ?)", row)
        self.database.execute(COHORTS, {"month": 12 * now.year + now.month - 1, "stage": self.stage or ""})
        self.check_triangle()
        [(age,)] = self.database.execute(AGE).fetchall()
        self.check("trend", "select coalesce(channel, '(all)') as channel, cohort as month, leads, reached, "
                   "reached / nullif(leads, 0) as share from cohorts where is_known and age = $age",
                   ["channel", "month"], age=age or 0)  # fmt: skip
        channels = self.database.execute("select channel, sum(leads), sum(reached) from cohorts where channel is not null "
                                         "and is_known and age = $age group by channel",
                                         {"age": -1 if age is None else age}).fetchall()  # fmt: skip
        weak = weak_channels(channels)
        self.figures += compare("weak_channels", self.report["weak_channels"], weak, ["channel"])
        self.check_gate(age, weak)

    def check_triangle(self):
        cells = {(row["channel"], row["cohort"], row["age"]): row for row in self.rows(
            "select coalesce(channel, '(all)') as channel, cohort, age, leads, is_known, reached from cohorts")}
        given = self.report["conversion"]
        if {(row["channel"], row["month"]) for row in given} != {key[:2] for key in cells}:
            raise Difference("conversion: other months and channels than by SQL")
        for row in given:
            for age in range(24):
                cell = cells[row["channel"], row["month"], age]
                expected = cell["reached"] / cell["leads"] if cell["is_known"] and cell["leads"] else None
                if row["leads"] != cell["leads"] or not same(row.get(f"age_{age}"), expected):
                    raise Difference(f"conversion: {row}: at age {age} by SQL {expected}")
                self.figures += 1

    def check_gate(self, age, weak):
        rows = self.database.execute(
            "select cause = 'NOT_QUALIFIED', count(*), count(s.stage) from cycles c left join stages s on "
            "c.cycle_id = s.cycle_id and s.stage = $stage and s.age <= $age where c.cohort in "
            "(select cohort from cohorts where channel is null and is_known and age = $age) and "
            "(cause is null or cause not in ('OPEN_DIALOGUE', 'COOLDOWN')) group by 1",
            {"stage": self.stage or "", "age": -1 if age is None else age}).fetchall()  # fmt: skip
        found = {"held back as not qualified": [0, 0], "opened": [0, 0]}
        for held_back, leads, reached in rows:
            line = found["held back as not qualified" if held_back else "opened"]
            line[0] += leads
            line[1] += reached
        lines = []
        for what, (leads, reached) in found.items():
            low, high = wilson(reached, leads)
            lines.append({"what": what, "leads": leads, "reached": reached, "share": reached / leads if leads else None,
                          "low": low, "high": high})  # fmt: skip
        held_back = found["held back as not qualified"][0]
        self.figures += compare("gate", self.report["gate"], lines if held_back else [], ["what"])
        self.check_verdict(lines[0], weak, held_back)

    def check_verdict(self, held_back, weak, leads):
        fit = [row["share"] for row in weak if row["verdict"] is None]
        strict = bool(leads) and bool(fit) and held_back["low"] > min(fit)
        said = any("gate may be too strict" in row["says"] for row in self.report["findings"])
        if said != strict:
            raise Difference(f"gate: the report {'says' if said else 'does not say'} that it may be too strict")
        named = sum("is a candidate for nurture" in row["says"] for row in self.report["findings"])
        if named != sum(row["verdict"] == "candidate for nurture" for row in weak):
            raise Difference("weak_channels: another number of sentences than of weak channels")

    def check_all(self):
        self.check("first_contact_by_rule", first_contact("rule", "(none)"), ["rule"])
        self.check("first_contact_by_owner", first_contact("owner", "(nobody)"), ["owner"])
        self.check("promises", PROMISES, ["channel", "clock"])
        self.check("broken_by_owner", BROKEN, ["owner", "clock"])
        self.check("late_by_owner", LATE, ["owner"])
        if self.report["response"][0]["opened"] or len(self.report["response"]) > 1:
            self.check("response", response("response_ms"), ["channel"])
            self.check("response_open", response("response_open_ms"), ["channel"])
        owner, answer = "assigned_at - handoff_at", "greatest(0, first_contact_at - assigned_at)"
        self.check("delay", delay("system: hand-off to first owner", owner, "assigned_at is not null") + " union all " +
                   delay("people: owner to first contact", answer, "assigned_at is not null and first_contact_at is not "
                         "null"), ["channel", "delay"])  # fmt: skip
        self.check("routes", ROUTES, ["track", "route", "cause"])
        self.check("clawbacks", CLAWBACKS, ["channel", "rule"])
        self.check("rejections", REJECTIONS, ["channel", "reason"])
        self.check("stage_times", STAGE_TIMES, ["stage"], at=self.at)
        self.check_sums("endings", lambda sums, row, column: sums.get((row["channel"], column), 0))
        self.check_sums("channels", self.channel_sum)
        self.check_sums("held_back", lambda sums, row, column: sums[row["channel"], "handed_off"] -
                        sums.get((row["channel"], "opened"), 0) if column == "held_back"
                        else sums.get((row["channel"], column), 0))  # fmt: skip
        self.check_sums("ages", lambda sums, row, column: sums.get(
            (row["channel"], "reached:" + row["stage"] + ("@" + column[4:] if column != "reached" else "")), 0))  # fmt: skip
        self.check_conversion()
        return self.figures

    def channel_sum(self, sums, row, column):
        if column != "conversion":
            return sums.get((row["channel"], column), 0)
        whole = sums.get((row["channel"], "handed_off"), 0)
        won = "reached:" + self.stage if self.stage in ("WON",) else None
        return sums.get((row["channel"], won), 0) / whole if whole else None


# ---- Feeds ----


def to_ms(time):
    if isinstance(time, int) or re.fullmatch(r"-?\d+", str(time)):
        return int(time)
    return round(datetime.datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp() * 1000)


def last_arrival(path):
    latest = 0
    with open(path, encoding="utf-8") as file:
        for line in file:
            fact = json.loads(line)
            latest = max(latest, to_ms(fact.get("arrived_at") or fact["occurred_at"]))
    return latest


def lead_facts(chance, number, start):
    """What may happen to one lead: channels convert as differently as they do in life."""
    channel, rate = chance.choice([("demo", 0.2), ("quote", 0.15), ("webinar", 0.06), ("fair", 0.05), ("ads", 0.015),
                                   ("list", 0.002)])  # fmt: skip
    at = start + chance.randrange(365 * DAY)
    lead = {"lead_id": f"lead-{number}"}
    yield dict(lead, type="LeadCreated", occurred_at=at, channel=channel,
               attributes={"segment": chance.choice(["smb", "mid", "unknown"]), "employees": str(chance.randrange(400))},
               **({"owner": chance.choice(["ann", "bo", "cy"])} if chance.random() < 0.7 else {}))  # fmt: skip
    if chance.random() < 0.2:
        yield dict(lead, type="LeadAssigned", occurred_at=at + chance.randrange(DAY), owner=chance.choice(["ann", "dee"]))
    for _ in range(chance.choice([0, 1, 1, 2, 3])):
        at += round(chance.expovariate(1 / (9 * 3600 * 1000)))
        yield dict(lead, type="LeadContacted", occurred_at=at, method="CALL",
                   outcome=chance.choice(["ATTEMPTED", "CONNECTED"]), owner="bo")  # fmt: skip
    if chance.random() < 0.25:
        yield dict(lead, type="LeadRejected", occurred_at=at + chance.randrange(3 * DAY),
                   reason=chance.choice(["not_ready", "student", "other", "nonsense"]))  # fmt: skip
    if chance.random() < 2.5 * rate:
        for stage in ("SAL", "OPPORTUNITY", "WON")[: 1 + (chance.random() < 0.7) + (chance.random() < 0.7)]:
            at += round(chance.expovariate(1 / (12 * DAY)))
            yield dict(lead, type="LeadProgressed", occurred_at=at, stage=stage)
    if chance.random() < 0.002:
        yield dict(lead, type="LeadErased", occurred_at=at + DAY)


def generate(path, leads):
    chance, start = random.Random(14), to_ms("2025-01-01T00:00:00Z")
    facts = sorted((fact for number in range(leads) for fact in lead_facts(chance, number, start)),
                   key=lambda fact: fact["occurred_at"])  # fmt: skip
    with open(path, "w", encoding="utf-8") as file:
        for number, fact in enumerate(facts):
            file.write(json.dumps({**fact, "event_id": f"e{number}"}) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("examples")
    parser.add_argument("--leads", type=int, default=200000)
    options = parser.parse_args()
    failures = figures = feeds = 0
    with tempfile.TemporaryDirectory() as folder:
        generated = os.path.join(folder, "generated.jsonl")
        generate(generated, options.leads)
        policy = os.path.join(options.examples, "people", "feed", "policy.yaml")
        cases = [(policy, generated, "2026-06-15T12:00:00Z")]
        for tables in sorted(glob.glob(os.path.join(options.examples, "*", "*", "tables"))):
            example = os.path.dirname(tables)
            with open(os.path.join(example, "until"), encoding="utf-8") as file:
                until = file.read().strip()
            if not os.path.exists(os.path.join(example, "policy-2.yaml")):
                cases.append((os.path.join(example, "policy.yaml"), os.path.join(example, "events.jsonl"), until))
        for policy, events, until in cases:
            feeds += 1
            try:
                figures += Feed(options.program, policy, events, until, os.path.join(folder, "rows")).check_all()
            except Difference as difference:
                failures += 1
                print(f"{events}: {difference}")
    print(f"{figures} figures of {feeds} reports, {failures} reports differ")
    return 1 if failures or figures < 5000 else 0


if __name__ == "__main__":
    sys.exit(main())
