#!/usr/bin/env python3
"""promises.py LEADCLOCK [--seed N] [--leads N] [--self-test]: a promise is kept where open time is at most its target.

Random policies and lives of leads are judged by `leadclock backtest --tables`, and once more here, by another path:
calendars are lists of open spans, a pause takes its time out of them, and a clock is broken once the spans between its
start and a fact add up to more than its target. Every row of breaches, what became of every cycle and the counters of
what was kept and broken must be the same. --self-test: a leadclock that has one clock a second too long is found out,
each clock in turn."""
import argparse
import collections
import datetime
import json
import os
import random
import subprocess
import sys
import tempfile
import zoneinfo

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
NEVER = 10**14
LEADS_A_POLICY = 200
# Days shortly before clocks are changed in New York or Stockholm, at 09:00 UTC, and one far from that.
BEGINNINGS = ["2026-03-05", "2026-03-26", "2026-06-01", "2026-10-23", "2026-10-29"]
# Hours after midnight of the day, from Monday, on which a window begins.
WEEKS = {
    "office": ("Europe/Stockholm", {0: [(8, 12), (13, 17)], 1: [(8, 17)], 2: [(8, 17)], 3: [(8, 17)], 4: [(8, 16)]}),
    "night": ("America/New_York", {0: [(20, 28)], 2: [(22, 30)], 4: [(18, 32)], 5: [(20, 24)], 6: [(1.5, 2.5)]}),
}  # fmt: skip
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
# As 1.3 has them at one instant.
TYPES = ["LeadCreated", "LeadResumed", "LeadAssigned", "LeadContacted", "LeadProgressed", "LeadPaused", "LeadRejected"]
STAGES = ["SAL", "SQL"]
# As they expire at one instant.
CLOCKS = ["first_contact", "first_contact:2", "first_contact:3", "renewed", "requested", "milestone:SAL",
          "milestone:SQL", "follow_up", "next_contact", "clawback"]  # fmt: skip
KEYS = ["first_contact", "reassign", "requested_time", "milestone:SAL", "milestone:SQL", "follow_up", "next_contact",
        "clawback", "pause", "cutoff"]  # fmt: skip


def instant(text):
    return int(datetime.datetime.fromisoformat(text + "T09:00:00+00:00").timestamp() * 1000)


def written(ms):
    if ms is None:
        return None
    return datetime.datetime.fromtimestamp(ms // 1000, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03}Z"


# ---- Open time ----


def wall_clock(zone, date, hours, is_end):
    """The instant of a wall-clock time (3.3): repeated, a window opens at the first and closes at the second; a time
    that does not exist is the instant of the change."""
    local = datetime.datetime.combine(date, datetime.time()) + datetime.timedelta(hours=hours)
    times = [int(local.replace(tzinfo=zone, fold=fold).timestamp()) * 1000 for fold in (0, 1)]
    if datetime.datetime.fromtimestamp(times[0] // 1000, zone).replace(tzinfo=None) == local:
        return times[is_end]
    before = datetime.datetime.fromtimestamp(times[1] // 1000, zone).utcoffset()
    return next(t for t in range(times[1], times[0] + 1, 1000)
                if datetime.datetime.fromtimestamp(t // 1000, zone).utcoffset() != before)  # fmt: skip


class Calendar:
    """Its open spans, and the end of each date that has windows."""

    def __init__(self, name, begins):
        self.zone, week = WEEKS[name]
        self.zone = zoneinfo.ZoneInfo(self.zone)
        today = datetime.datetime.fromtimestamp(begins // 1000, datetime.UTC).date()
        self.spans, self.closes = [], {}
        for date in (today + datetime.timedelta(days=n) for n in range(-3, 60)):
            for opens, ends in week.get(date.weekday(), []):
                span = wall_clock(self.zone, date, opens, False), wall_clock(self.zone, date, ends, True)
                self.spans.append(span)
                self.closes[date] = span[1]

    def working_days(self, start, days, cutoff):
        """2.7: the last closing time of so many days with windows after day 0."""
        first = datetime.datetime.fromtimestamp(start / 1000, self.zone).date()
        dates = [date for date in sorted(self.closes) if date >= first]
        if dates[0] == first:
            cut = self.closes[first] if cutoff is None else wall_clock(self.zone, first, cutoff, True)
            if start >= min(self.closes[first], cut):
                dates.pop(0)
        return self.closes[dates[days]]


def without(spans, pauses):
    for begins, ends in pauses:
        spans = [part for a, b in spans for part in ((a, min(b, begins)), (max(a, ends), b)) if part[0] < part[1]]
    return spans


def open_time(spans, start, end):
    return sum(max(0, min(end, b) - max(start, a)) for a, b in spans)


def passed(spans, start, amount, is_last):
    """When `amount` has passed; of the instants at which it has, at closing time, the first or the last. None: never."""
    for a, b in spans:
        left = b - max(a, start)
        if left > amount or left == amount and not is_last:
            return max(a, start) + amount
        amount -= max(0, left)
    return None


# ---- Policies ----


def random_clock(rng, **more):
    calendar = rng.choice(["always", *WEEKS])
    clock = {"calendar": calendar, "escalate": rng.sample([10 * MINUTE, HOUR, 5 * HOUR], rng.randint(0, 2)), **more}
    if calendar != "always" and rng.random() < 0.3:
        return clock | {"days": rng.randint(0, 3), "cutoff": rng.choice([None, 10, 15, 24])}
    return clock | {"target": rng.choice([30 * MINUTE, HOUR, 3 * HOUR, 9 * HOUR, 20 * HOUR])}


def random_rule(rng, renews):
    first = random_clock(rng, renew=renews)
    if rng.random() < 0.6:
        again = rng.choice([None, HOUR, 9 * HOUR])
        first["times"], first["reassign"] = rng.choice([1, 2]), again and {
            "calendar": first["calendar"], "escalate": first["escalate"], "target": again}  # fmt: skip
    claws = {"calendar": rng.choice(["always", *WEEKS]), "target": rng.choice([20, 60, 120]) * HOUR, "escalate": []}
    return {
        "first_contact": first,
        "requested_time": random_clock(rng, early=rng.choice([0, 15 * MINUTE, 2 * HOUR])),
        "milestone:SAL": random_clock(rng),
        "milestone:SQL": random_clock(rng),
        "follow_up": random_clock(rng, attempts=rng.choice([1, 2, 50])),
        "next_contact": random_clock(rng, until=rng.choice([None, "SQL"])),
        "clawback": claws | {"from": rng.choice(["handoff", "last_activity"]), "until": rng.choice([None, "SQL"])},
        "pause": {"target": rng.choice([None, 2 * HOUR, 30 * HOUR])},
    }


def seconds(ms):
    return f"{ms // 1000}s"


def clock_text(clock, more_ms, within="within", cuts=True):
    """As YAML; `more_ms`: so much too long."""
    if "days" in clock:
        cutoff = "" if clock["cutoff"] is None or not cuts else f', cutoff: "{clock["cutoff"]:02}:00"'
        target = f"{{working_days: {clock['days'] + (more_ms > 0)}{cutoff}}}"
    else:
        target = seconds(clock["target"] + more_ms)
    escalate = f", escalate: [{', '.join(map(seconds, clock['escalate']))}]" if clock["escalate"] else ""
    return f"{within}: {target}, calendar: {clock['calendar']}{escalate}"


def rule_text(name, when, rule, wrong):
    def text(key, **more):
        return clock_text(rule[key], 1000 * (wrong == key), cuts=wrong != "cutoff", **more)

    first, requested, follow_up, claws = (rule[k] for k in ("first_contact", "requested_time", "follow_up", "clawback"))
    again = first.get("reassign")
    within = f", within: {seconds(again['target'] + 1000 * (wrong == 'reassign'))}" if again else ""
    reassign = f", reassign: {{times: {first['times']}{within}}}" if "times" in first else ""
    until = lambda clock: f", until: {clock['until']}" if clock["until"] else ""
    at_most = rule["pause"]["target"]
    return f"""  - name: {name}
    when: {when}
    first_contact: {{{text("first_contact")}{", renew: true" if first["renew"] else ""}{reassign}}}
    requested_time: {{early: {seconds(requested["early"])}, {text("requested_time", within="late")}}}
    milestones: [{{stage: SAL, {text("milestone:SAL")}}}, {{stage: SQL, {text("milestone:SQL")}}}]
    follow_up: {{attempts: {follow_up["attempts"]}, {text("follow_up")}}}
    next_contact: {{{text("next_contact")}{until(rule["next_contact"])}}}
    pause: {{{f"at_most: {seconds(at_most + 1000 * (wrong == 'pause'))}" if at_most else ""}}}
    clawback: {{{text("clawback", within="after")}, from: {claws["from"]}{until(claws)}}}
"""


def calendar_text(name):
    hour = lambda hours: f"{int(hours) % 24 if hours != 24 else 24:02}:{int(hours * 60) % 60:02}"
    windows = lambda spans: ", ".join(f"{hour(opens)}-{hour(ends)}" for opens, ends in spans)
    zone, week = WEEKS[name]
    days = ", ".join(f"{DAYS[day]}: [{windows(spans)}]" for day, spans in week.items())
    return f"  {name}: {{time_zone: {zone}, week: {{{days}}}}}\n"


def policy_text(rules, wrong):
    calendars = "".join(map(calendar_text, WEEKS))
    return (f"name: promises\nclock_skew: 0s\ncalendars:\n{calendars}stages: [SAL, SQL]\n"
            "reasons: {other: {route: NURTURE}}\nrules:\n"
            + rule_text("demo", "{channel: [demo]}", rules["demo"], wrong)
            + rule_text("web", "any", rules["web"], wrong))  # fmt: skip


# ---- Lives ----


def random_fact(rng, number, pick):
    weighted = [*TYPES, "LeadContacted", "LeadContacted", "LeadProgressed", "LeadAssigned", "LeadPaused"]
    type_ = "LeadCreated" if number == 0 else rng.choice(weighted)
    if type_ == "LeadRejected" and rng.random() < 0.7:
        type_ = "LeadContacted"
    fact = {"type": type_, "event_id": f"{number:02}", "occurred_at": pick()}
    if type_ == "LeadCreated":
        fact |= {"channel": rng.choice(["demo", "web"]), "owner": rng.choice([None, "ann", "bo"])}
    elif type_ == "LeadContacted":
        fact |= {"owner": rng.choice([None, "ann", "cy"]), "method": "CALL"}
        fact["outcome"] = rng.choice(["ATTEMPTED", "ATTEMPTED", "ATTEMPTED", "CONNECTED"])
    elif type_ == "LeadProgressed":
        fact["stage"] = rng.choice(["SAL", "SAL", "SQL", "of no policy"])
    elif type_ == "LeadAssigned":
        fact["owner"] = rng.choice(["ann", "bo", "cy"])
    elif type_ == "LeadRejected":
        fact["reason"] = "other"
    if type_ in ("LeadCreated", "LeadContacted") and rng.random() < 0.2:
        fact["follow_up_at"] = pick()
    if type_ == "LeadPaused" and rng.random() < 0.5:
        fact["until"] = pick()
    return fact


def random_life(rng, begins):
    """Facts in the order of 1.3: often at one instant, at opening and closing times, and a millisecond beside them."""

    def pick():
        beside = rng.choice([-1, 1, 30 * MINUTE]) if rng.random() < 0.3 else 0
        return max(begins, begins + rng.randint(0, 100) * HOUR + beside)

    facts = [random_fact(rng, number, pick) for number in range(rng.randint(2, 11))]
    facts[0]["occurred_at"] = begins
    return sorted(facts, key=lambda fact: (fact["occurred_at"], TYPES.index(fact["type"]), fact["event_id"]))


# ---- What must come of it ----


class Clock:
    def __init__(self, cycle, name, spec, start):
        spans = cycle.lead.spans[spec["calendar"]]
        self.name, self.spec, self.start = name, spec, start
        self.pauses = [] if name == "requested" else cycle.pauses
        self.spans = without(spans, self.pauses)
        self.target = cycle.lead.target(spec, start)
        self.due, self.expires = (passed(self.spans, start, self.target, is_last) for is_last in (False, True))
        self.state, self.ended, self.ended_by, self.attempts = "RUNNING", None, None, 0
        self.was_early = False

    def is_kept(self, until):
        return open_time(self.spans, self.start, until) <= self.target

    def is_broken(self):
        return self.state == "BREACHED"

    def serve(self, at, by):
        if self.state == "RUNNING":
            self.state = "MET"
        elif self.state == "BREACHED":
            self.state, self.ended, self.ended_by = "ENDED", at, by

    def level(self, end):
        """5.11: a step that falls on the beginning of a pause comes at its end."""
        level = 0
        for after in self.spec["escalate"]:
            at = passed(self.spans, self.due, after, False)
            at = dict(self.pauses).get(at, at)
            level += at is not None and at < (end if self.ended is None else self.ended)
        return level


class Cycle:
    """From its hand-off, the first of `facts`, to its settlement or the end."""

    def __init__(self, lead, facts):
        self.lead, self.facts = lead, facts
        self.begins, self.channel, self.owner = facts[0]["occurred_at"], facts[0]["channel"], facts[0]["owner"]
        self.rule = lead.rules[self.channel]
        self.pauses = list(self.tell_pauses())
        self.clocks, self.early = [], {}
        self.settled_at, self.cause = None, None
        self.asked, self.active, self.is_connected, self.reached = None, None, False, set()
        self.n_taken = 1
        self.hand_off(facts[0])
        for fact in facts[1:]:
            self.expire(fact["occurred_at"])
            if self.cause:
                break
            self.n_taken += 1
            self.take(fact)
            if self.cause:
                break
        self.expire(lead.end)

    # Pauses (4.12), as if the cycle were never settled.

    def tell_pauses(self):
        left, pause = self.rule["pause"]["target"], None
        for fact in self.facts:
            at = fact["occurred_at"]
            if pause and pause[1] < at:
                yield pause[:2]
                left, pause = left and left - (pause[1] - pause[0]), None
            until = fact.get("until", 0)
            if fact["type"] == "LeadPaused" and (pause or left is None or left > 0):
                begins, _, limit = pause or (at, None, NEVER if left is None else at + left)
                pause = begins, min(limit, until) if until > at else limit, limit
            elif fact["type"] == "LeadResumed" and pause:
                yield pause[0], at
                left, pause = left and left - (at - pause[0]), None
        if pause:
            yield pause[:2]

    def is_paused(self):
        return any(begins < self.lead.end <= ends for begins, ends in self.pauses)

    # Clocks

    def start(self, name, spec, at):
        self.clocks.append(Clock(self, name, spec, at))
        return self.clocks[-1]

    def latest(self, *names):
        return next((clock for clock in reversed(self.clocks) if clock.name in names), None)

    def runs(self, name):
        clock = self.latest(name)
        return clock if clock and clock.state == "RUNNING" else None

    def replace(self, name):
        if self.runs(name):
            self.runs(name).state = "REPLACED"

    def first_contacts(self):
        return [clock for clock in self.clocks if clock.name.startswith("first_contact")]

    def hand_off(self, fact):
        for stage in STAGES:
            self.start(f"milestone:{stage}", self.rule[f"milestone:{stage}"], self.begins)
        if fact.get("follow_up_at", 0) > self.begins:
            self.ask(fact["follow_up_at"])
        else:
            self.start("first_contact", self.rule["first_contact"], self.begins)
        self.move_base()

    def ask(self, at):
        self.replace("requested")
        self.start("requested", self.rule["requested_time"], at)
        self.asked = max(at, self.asked or at)
        if self.runs("follow_up"):
            self.clocks.remove(self.runs("follow_up"))

    def move_base(self):
        spec, running = self.rule["clawback"], self.latest("clawback")
        base = max(self.begins, self.asked or 0, (self.active or 0) if spec["from"] == "last_activity" else 0)
        if spec["until"] in self.reached:
            self.replace("clawback")
        elif not running or running.start < base:
            self.replace("clawback")
            self.start("clawback", spec, base)

    def expire(self, now):
        while not self.cause:
            expired = [clock for clock in self.clocks if clock.state == "RUNNING" and not clock.is_kept(now)]
            if not expired:
                return
            clock = min(expired, key=lambda clock: (clock.expires, CLOCKS.index(clock.name)))
            if clock.name == "clawback":
                self.settle(clock.expires, "CLAWED_BACK")
            elif clock.name == "follow_up" and clock.attempts >= clock.spec["attempts"]:
                clock.state = "MET"
                self.settle(clock.expires, "UNRESPONSIVE")
            else:
                clock.state = "BREACHED"

    def settle(self, at, cause):
        self.settled_at, self.cause = at, cause
        for clock in self.clocks:
            if clock.is_broken():
                clock.serve(at, "SETTLED")
            elif clock.state == "RUNNING":
                clock.state = "CANCELLED"

    # Facts

    def take(self, fact):
        at = fact["occurred_at"]
        if fact["type"] == "LeadCreated":
            self.renew(fact["channel"], at)
        elif fact["type"] == "LeadAssigned" and fact["owner"] != self.owner:
            self.owner = fact["owner"]
            self.give_next_owner(at)
        elif fact["type"] == "LeadContacted":
            self.owner = self.owner or fact["owner"]
            self.contact(fact, at)
        elif fact["type"] == "LeadProgressed" and fact["stage"] in STAGES:
            self.progress(fact["stage"], at)
        elif fact["type"] == "LeadRejected":
            self.settle(at, "REJECTED")

    def renew(self, channel, at):
        """5.10"""
        spec = self.lead.rules[channel]["first_contact"]
        past = [(begins, min(ends, at)) for begins, ends in self.pauses if begins <= at]
        due = lambda spec, start: passed(without(self.lead.spans[spec["calendar"]], past), start,
                                         self.lead.target(spec, start), False)  # fmt: skip
        others = [*self.first_contacts(), *filter(None, [self.latest("renewed")])]
        if spec["renew"] and not any(
            other.is_broken() or other.state == "RUNNING" and due(other.spec, other.start) <= due(spec, at)
            for other in others):  # fmt: skip
            self.replace("renewed")
            self.start("renewed", spec, at)

    def give_next_owner(self, at):
        """5.9"""
        spec, before = self.rule["first_contact"], self.first_contacts()
        if before and before[-1].is_broken() and len(before) <= spec.get("times", 0):
            self.start(f"first_contact:{len(before) + 1}", spec["reassign"] or spec, at)

    def contact(self, fact, at):
        is_connected = fact["outcome"] == "CONNECTED"
        self.serve_all(at, "CONTACTED", is_connected)
        follow_up = self.latest("follow_up")
        if follow_up and not is_connected:
            follow_up.attempts += 1
        self.is_connected = self.is_connected or is_connected
        if fact.get("follow_up_at", 0) > at:
            self.ask(fact["follow_up_at"])
        if (not is_connected and not self.is_connected and not self.reached and not self.latest("follow_up")
                and not self.runs("requested")):  # fmt: skip
            self.start("follow_up", self.rule["follow_up"], at)
        self.acted(at)

    def progress(self, stage, at):
        stages = STAGES[: STAGES.index(stage) + 1]
        self.reached |= set(stages)
        if self.rule["next_contact"]["until"] in self.reached:
            self.replace("next_contact")
        self.serve_all(at, "PROGRESSED", True)
        for reached in stages:
            self.latest(f"milestone:{reached}").serve(at, "PROGRESSED")
        self.acted(at)

    def serve_all(self, at, by, ends_follow_up):
        for clock in self.clocks:
            if clock.name.startswith("first_contact") or clock.name in ("renewed", "next_contact"):
                clock.serve(at, by)
            elif clock.name == "follow_up" and ends_follow_up:
                clock.serve(at, by)
            elif clock.name == "requested":
                self.serve_requested(clock, at, by)

    def serve_requested(self, clock, at, by):
        opens = clock.start - clock.spec["early"]
        if at >= opens:
            clock.serve(at, by)
        elif by == "CONTACTED" and clock.state == "RUNNING" and not clock.was_early:
            clock.was_early = True
            # 6.1: of two with one id the later stands.
            self.early[at] = ("requested", "EARLY", written(opens), written(at), clock.target, None, None, None, 0)

    def acted(self, at):
        self.active = at
        last = self.latest("next_contact")
        is_over = self.rule["next_contact"]["until"] in self.reached
        if not is_over and not (last and last.state in ("RUNNING", "BREACHED")) and not self.runs("requested"):
            self.start("next_contact", self.rule["next_contact"], at)
        self.move_base()

    # What is told

    def breaches(self):
        """As the columns of BREACH."""
        rows = set(self.early.values())
        for clock in self.clocks:
            if clock.state in ("BREACHED", "ENDED"):
                late = None if clock.ended is None else open_time(clock.spans, clock.start, clock.ended) - clock.target
                rows.add((clock.name, "LATE", written(clock.due), written(clock.expires), clock.target,
                          written(clock.ended), clock.ended_by, late, clock.level(self.lead.end)))  # fmt: skip
        return rows

    def standing(self):
        first = self.latest("first_contact")
        running = [clock for clock in self.clocks if clock.state == "RUNNING"]
        if self.is_paused():
            running = [clock for clock in running if clock.name == "requested"]
        claws = [clock for clock in running if clock.name == "clawback"]
        next_ = min((clock for clock in running if clock.name != "clawback"), default=None,
                    key=lambda clock: (clock.due, CLOCKS.index(clock.name)))  # fmt: skip
        return {
            "handoff_at": written(self.begins), "cause": self.cause, "settled_at": written(self.settled_at),
            "owner": self.owner, "first_contact_state": first and first.state,
            "next_clock": next_ and next_.name, "next_due_at": next_ and written(next_.due),
            "clawback_due_at": written(claws[0].due) if claws else None,
        }  # fmt: skip

    def counters(self):
        names = {"requested_early"} if self.early else set()
        for clock in self.clocks:
            name, _, which = clock.name.partition(":")
            name = "again" if name == "first_contact" and which else name
            stage = f":{which}" if name == "milestone" else ""
            if clock.state == "MET":
                names.add(f"{name}_met{stage}")
            elif clock.state in ("BREACHED", "ENDED"):
                names.add(f"{name}_breached{stage}")
                names |= {"escalated"} if clock.level(self.lead.end) else set()
        return names | ({self.cause.lower()} if self.cause else set())


BREACH = ["clock", "kind", "due_at", "breached_at", "target_ms", "ended_at", "ended_by", "late_ms", "level"]
COUNTED = ["_met", "_breached", "requested_early", "escalated", "rejected", "clawed_back", "unresponsive"]


class Lead:
    """Its cycles: the next begins with the first hand-off after the settlement of the one before."""

    def __init__(self, book, facts):
        self.rules, self.calendars, self.spans, self.end = book.rules, book.calendars, book.spans, book.end
        self.cycles = []
        while facts:
            self.cycles.append(Cycle(self, facts))
            facts = facts[self.cycles[-1].n_taken :]
            while facts and facts[0]["type"] != "LeadCreated":
                facts = facts[1:]

    def target(self, spec, start):
        if "target" in spec:
            return spec["target"]
        calendar = self.calendars[spec["calendar"]]
        return open_time(calendar.spans, start, calendar.working_days(start, spec["days"], spec["cutoff"]))


# ---- Side by side ----


class Book:
    """A policy and some leads under it, judged both ways."""

    def __init__(self, rng, n_leads):
        begins = instant(rng.choice(BEGINNINGS))
        self.rules = {name: random_rule(rng, name == "demo") for name in ("demo", "web")}
        self.calendars = {name: Calendar(name, begins) for name in WEEKS}
        self.spans = {"always": [(0, NEVER)]} | {name: calendar.spans for name, calendar in self.calendars.items()}
        self.end = begins + rng.randint(102, 260) * HOUR + rng.choice([0, 0, 1, -1])
        self.lives = {f"lead-{number}": random_life(rng, begins) for number in range(n_leads)}
        lines = [fact | {"lead_id": lead} for lead, facts in self.lives.items() for fact in facts]
        self.lines = sorted(lines, key=lambda fact: fact["occurred_at"])
        if rng.random() < 0.5:
            rng.shuffle(self.lines)

    def judge(self, leadclock, folder, wrong):
        policy, feed = os.path.join(folder, "policy.yaml"), os.path.join(folder, "feed.jsonl")
        with open(policy, "w", encoding="utf-8") as file:
            file.write(policy_text(self.rules, wrong))
        with open(feed, "w", encoding="utf-8") as file:
            for fact in self.lines:
                print(json.dumps({name: value for name, value in fact.items() if value is not None}), file=file)
        done = subprocess.run([leadclock, "backtest", "--quiet", "--policy", policy, "--until", written(self.end),
                               "--tables", folder, feed], check=False, capture_output=True, text=True)  # fmt: skip
        if done.returncode:
            raise AssertionError(f"leadclock ended with {done.returncode}: {done.stderr}")
        read = lambda name: map(json.loads, open(os.path.join(folder, name), encoding="utf-8").read().splitlines())
        breaches, cycles, counts = collections.defaultdict(set), {}, collections.Counter()
        for row in read("breaches.jsonl"):
            breaches[row["lead_id"], row["cycle"]].add(tuple(row[column] for column in BREACH))
        for row in read("cycles.jsonl"):
            cycles[row["lead_id"], row["cycle"]] = row
        for line in read("counters.jsonl"):
            counts[line["channel"], line["metric"]] += line["value"]
        return breaches, cycles, counts

    def differences(self, leadclock, wrong=None):
        """A text a difference."""
        with tempfile.TemporaryDirectory() as folder:
            breaches, cycles, counts = self.judge(leadclock, folder, wrong)
        told, n_cycles = collections.Counter(), 0
        for lead_id, facts in self.lives.items():
            for number, cycle in enumerate(Lead(self, facts).cycles, 1):
                n_cycles += 1
                told.update((cycle.channel, name) for name in cycle.counters())
                yield from self.compare(lead_id, number, cycle, breaches[lead_id, number], cycles.get((lead_id, number)))
        if len(cycles) != n_cycles:
            yield f"{len(cycles)} cycles, must be {n_cycles}"
        for key in sorted({*told, *counts}):
            if any(key[1] == name or name[0] == "_" and name in key[1] for name in COUNTED) and told[key] != counts[key]:
                yield f"{key}: counted {counts[key]}, must be {told[key]}"

    def compare(self, lead_id, number, cycle, breaches, row):
        expected, wrong = cycle.breaches(), []
        for breach in sorted(breaches ^ expected, key=str):
            wrong.append(f"{'must be' if breach in expected else 'is not '} {dict(zip(BREACH, breach))}")
        for column, value in cycle.standing().items():
            if row is None or row[column] != value:
                wrong.append(f"{column} is {row and row[column]}, must be {value}")
        if wrong:
            facts = [f"    {written(f['occurred_at'])} {f}" for f in self.lives[lead_id]]
            pauses = [f"{written(a)} to {written(min(b, self.end))}" for a, b in cycle.pauses]
            yield "\n".join([f"{lead_id}, cycle {number}:", *wrong, *facts, f"    paused {pauses}"])


def books(seed, n_leads):
    rng = random.Random(seed)
    for first in range(0, n_leads, LEADS_A_POLICY):
        yield Book(rng, min(LEADS_A_POLICY, n_leads - first))


def prove(leadclock, seed, n_leads):
    wrong = []
    for book in books(seed, n_leads):
        found = list(book.differences(leadclock))
        if found and not wrong:
            print(policy_text(book.rules, None), f"until {written(book.end)}", *found[:3], sep="\n")
        wrong += found
    if wrong:
        sys.exit(f"{len(wrong)} differences (seed {seed})")


def prove_that_it_finds(leadclock, seed, n_leads):
    blind = [key for key in KEYS if not any(any(book.differences(leadclock, key)) for book in books(seed, n_leads))]
    if blind:
        sys.exit(f"a second more is not seen in: {', '.join(blind)} (seed {seed})")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("leadclock")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    parser.add_argument("--leads", type=int, default=4000)
    parser.add_argument("--self-test", action="store_true")
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    (prove_that_it_finds if given.self_test else prove)(given.leadclock, given.seed, given.leads)


main()
