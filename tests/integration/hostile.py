#!/usr/bin/env python3
"""hostile.py [TEST...] - records that are no facts end in the dead letters with their reason, and nothing stops; facts
written under other versions of our schemas are read."""

import collections
import copy
import functools
import os
import random
import re
import subprocess
import sys

from world import BROKERS, PARTITIONS, World, avro, framed, main, murmur2_partition, net_outcomes, now_ms, our_schema, policy_of
from world import register_schema, require, require_equal, say, wait_for

HOUR = 3600 * 1000
START = now_ms() - 100 * 24 * HOUR


class Writer:
    """Writes facts under a schema of ours, as another producer would."""

    def __init__(self, name, subject=None, schema=None):
        self.schema = schema or our_schema(name)
        self.id = register_schema(subject or f"other-producer-{name}", self.schema)

    def write(self, **fields):
        return framed(self.id, avro(self.schema, fields))


def created(writer, lead, number=1, **fields):
    fields = {"event_id": f"c{number}", "lead_id": lead, "occurred_at": START, "channel": "webinar", "attributes": {}} | fields
    return writer.write(**fields)


def require_letters(world, expected):
    """`expected` is a list of (reason, key): these and no others."""
    found = sorted(world.dead_letters(), key=str)
    require(found == sorted(expected, key=str), f"dead letters: {found}\n  expected: {sorted(expected, key=str)}")


def dead_letters():
    """Each reason, beside good facts that flow on."""
    world = World("dead-letters", policy_of("card/feed"))
    try:
        world.create_topics()
        world.start()
        writer = Writer("LeadCreated")
        stranger = Writer("Invoice", schema={"type": "record", "name": "Invoice", "fields": [{"name": "n", "type": "long"}]})

        world.produce("leads.created", "random", [b"this is no Avro"])
        world.produce("leads.created", "short", [b"\0\0\0"])
        world.produce("leads.created", "cut", [created(writer, "cut")[:-4]])
        world.produce("leads.created", "invoice", [stranger.write(n=7)])
        world.produce("leads.created", "no-id", [created(writer, "no-id", event_id="")])
        world.produce("leads.created", "long-ago", [created(writer, "long-ago", occurred_at=-5)])
        world.produce("leads.created", "ahead", [created(writer, "ahead", occurred_at=now_ms() + 48 * HOUR)])
        world.produce("leads.created", "wide", [created(writer, "wide", channel="c" * 300)])
        world.produce("leads.created", "key", [created(writer, "another")])
        world.produce("leads.created", "unheard-of", [framed(0x7FFFFF00, b"\0\0\0\0")])
        wrong = (murmur2_partition(b"astray") + 1) % 4
        world.produce("leads.created", "astray", [created(writer, "astray")], partition=wrong)
        world.produce("leads.created", "good", [created(writer, "good")])
        world.settle()
        require_letters(
            world,
            [("UNREADABLE", "random"), ("UNREADABLE", "short"), ("UNREADABLE", "cut"), ("UNKNOWN_TYPE", "invoice"), ("UNKNOWN_SCHEMA", "unheard-of"),
             ("KEY_MISMATCH", "key"), ("WRONG_PARTITION", "astray")]
            + [("BAD_FACT", key) for key in ("no-id", "long-ago", "ahead", "wide")],
        )  # fmt: skip
        leads = {record["lead_id"] for record in world.outcomes()}
        require(leads == {"good"}, f"outcomes of {leads}, only the good lead has any")
        world.services[0].stop()
    finally:
        world.close()


def dead_letters_are_told():
    """The publisher is told what is wrong by a message that says what to do; the log how many there were, of which
    reasons, in few lines for both workers. A hand-off with an empty channel is one, and is told too."""
    world = World("dead-letters-told", policy_of("card/feed"), workers=2)

    def produce(key, payload, *headers):
        path = os.path.join(world.folder, "payload")
        with open(path, "wb") as file:
            file.write(payload)
        options = ["-k", key] if key is not None else []
        for header in headers:
            options += ["-H", header]
        subprocess.run(
            ["kcat", "-P", "-b", BROKERS, "-t", world.prefix + "leads.created", "-X", "partitioner=murmur2_random",
             *options, path], check=True, timeout=60,
        )  # fmt: skip

    try:
        world.create_topics()
        service = world.start()
        writer = Writer("LeadCreated")
        body = created(writer, "lead")[5:]
        produce("in-header", body, "apicurio.value.contentId=00000007")
        produce("in-guid", body, "__value_schema_id=0123456789abcdef0")
        produce("long-id", b"\0" + writer.id.to_bytes(8, "big") + body)
        produce(None, created(writer, "lead"))
        produce('"lead"', created(writer, "lead"))
        produce("no-lead", created(writer, ""))
        produce("odd", created(writer, "odd", channel=""))
        world.settle()
        said = world.headers_of_dead_letters()
        for text in (
            "is in the header apicurio.value.contentId", "apicurio.registry.headers.enabled=false",
            "is in the header __value_schema_id", f"seems to have 8 bytes ({writer.id})", "has no key",
            "it is quoted", "lead_id is empty",
        ):  # fmt: skip
            require(text in said, f"the dead letters do not say '{text}': {said}")
        require({record["lead_id"] for record in world.outcomes()} == {"odd"}, "an empty channel is refused")
        world.produce("leads.created", "random", [b"this is no Avro"] * 200)
        world.settle()
        service.stop()
        told = re.findall(r"dead_letters=(\d+) reasons=\"?([^\"\n]*)", service.read_log())
        require(sum(int(count) for count, _ in told) == 206, f"of 206 dead letters are told: {told}")
        require(len(told) < 6, f"told in {len(told)} lines")
        reasons = collections.Counter()
        for reason, count in re.findall(r"(\w+) (\d+)", " ".join(of_which for _, of_which in told)):
            reasons[reason] += int(count)
        wanted = {"UNREADABLE": 202, "UNKNOWN_SCHEMA": 1, "KEY_MISMATCH": 2, "BAD_FACT": 1}
        require(reasons == wanted, f"reasons: {told}")
        require(service.read_log().count("empty channel") == 1, "an empty channel is not told once")
    finally:
        world.close()


def limits_of_a_lead():
    """The 4,097th fact of a lead (rule 8.4), and a lead whose state grows too large."""
    import timing  # which imports us

    world = World("limits", policy_of("card/feed"))
    try:
        world.create_topics()
        world.start()
        contacted, producer = Writer("LeadContacted"), timing.Producer(world)
        for n in range(4098):
            call = contacted.write(event_id=f"k{n}", lead_id="busy", occurred_at=START + n, method="CALL", automated=False,
                                   outcome="ATTEMPTED")  # fmt: skip
            producer.send("leads.contacted", b"busy", call)
        producer.command("flush")
        producer.close()
        writer = Writer("LeadCreated")
        huge = [
            created(writer, "huge", n, occurred_at=START + n * HOUR,
                    attributes={f"a{n}-{i}": f"{n}-{i} ".ljust(1000, "x") for i in range(60)})
            for n in range(12)
        ]  # fmt: skip
        world.produce("leads.created", "huge", huge)
        world.produce("leads.created", "good", [created(writer, "good")])
        world.settle()
        letters = world.dead_letters()
        say(f"dead letters: {sorted(set(letters), key=str)}")
        require(letters.count(("TOO_MANY_FACTS", "busy")) == 2, f"4,097th and 4,098th contact: {letters}")
        log = world.services[0].read_log()
        require(log.count("too many facts of lead busy") == 1, "it is said once, not once a fact")
        too_large = letters.count(("LEAD_TOO_LARGE", "huge"))
        require(1 <= too_large <= 4, f"12 facts of 60 KiB, 512 KiB allowed: {too_large} refused")
        require(len(letters) == 2 + too_large, f"others: {letters}")
        require("good" in {record["lead_id"] for record in world.outcomes()}, "the good lead does not flow on")
        world.services[0].stop()
    finally:
        world.close()


def older_and_newer(schema):
    """Versions of LeadCreated that other producers may write: reordered with more fields, and without the optional
    ones; in a namespace of their own."""
    newer = copy.deepcopy(schema)
    newer["fields"].reverse()
    newer["fields"].insert(1, {"name": "score_card", "type": {"type": "map", "values": "double"}, "default": {}})
    newer["fields"].append(
        {"name": "origin", "type": ["null", {"type": "record", "name": "Origin", "fields": [
            {"name": "page", "type": "string"}, {"name": "visits", "type": {"type": "array", "items": "long"}}]}],
         "default": None}
    )  # fmt: skip
    newer["namespace"] = "somebody.else.v2"
    older = copy.deepcopy(schema)
    needed = ("event_id", "lead_id", "occurred_at", "channel", "attributes")
    older["fields"] = [field for field in older["fields"] if field["name"] in needed]
    return older, newer


def evolution():
    """Facts under an older and a newer schema are as good as ours."""
    world = World("evolution", policy_of("card/feed"))
    try:
        world.create_topics()
        world.start()
        older_schema, newer_schema = older_and_newer(our_schema("LeadCreated"))
        older = Writer("LeadCreated", "other-producer-older", older_schema)
        newer = Writer("LeadCreated", "other-producer-newer", newer_schema)
        require(older.id != newer.id, "the registry takes them for one schema")
        world.produce("leads.created", "older", [created(older, "older", 1)])
        world.produce("leads.created", "newer", [
            created(newer, "newer", 2, owner="bo", score_card={}, origin={"page": "/demo", "visits": [1, 2]}, channel="demo")
        ])  # fmt: skip
        world.settle()
        same = {"type": "LeadCreated", "occurred_at": START, "attributes": {}}
        world.require_same_as_backtest(
            [
                same | {"event_id": "c1", "lead_id": "older", "channel": "webinar"},
                same | {"event_id": "c2", "lead_id": "newer", "channel": "demo", "owner": "bo"},
            ]
        )
        require_letters(world, [])
        world.services[0].stop()
    finally:
        world.close()


def bad_lines():
    """publish names a bad line, goes on, and ends with 1."""
    world = World("bad-lines", policy_of("card/feed"))
    try:
        world.create_topics()
        good = '{"type": "LeadCreated", "lead_id": "%s", "event_id": "1", "occurred_at": %d, "channel": "web", "attributes": {}}'
        lines = [good % ("one", START), "{", '{"type": "LeadSold"}', good % ("two", START)]
        world.run("publish", "-", stdin="\n".join(lines).encode(), codes=(1,))
        world.start()
        world.settle()
        leads = {outcome["lead_id"] for outcome in net_outcomes(world.outcomes()).values()}
        require_equal("leads", dict.fromkeys(leads), dict.fromkeys(["one", "two"]))
        world.services[0].stop()
    finally:
        world.close()


def hostile_record(n, writer, stranger):
    """(reason, key, value, partition) of one that is no fact; of eight kinds. A reason of None: it is one after all."""
    lead = f"bad-{n}"
    wrong = (murmur2_partition(lead.encode()) + 1) % PARTITIONS
    good = functools.partial(created, writer, lead)
    return [
        lambda: ("UNREADABLE", lead, b"\xff" + random.randbytes(random.randrange(300)), -1),
        lambda: ("UNREADABLE", lead, framed(writer.id, random.randbytes(3) + b"\xff" * 12), -1),
        lambda: ("BAD_FACT", lead, good(channel="c" * random.randrange(256, 50_000)), -1),
        lambda: ("BAD_FACT", lead, good(occurred_at=random.choice([-(2**62), -1, 2**62, now_ms() + 48 * HOUR])), -1),
        lambda: ("UNKNOWN_SCHEMA", lead, framed(0x7FFFFF00 + n % 3, b"\0\0\0\0"), -1),
        lambda: ("UNKNOWN_TYPE", lead, stranger.write(n=n), -1),
        lambda: ("KEY_MISMATCH", None, good(), -1),
        lambda: ("KEY_MISMATCH", lead, created(writer, f"other-{n}"), -1),
        lambda: ("WRONG_PARTITION", lead, good(), wrong),
        lambda: (None, lead, None, -1),
    ][n % 10]()


def one_in_ten():
    """A feed with one hostile record in ten flows on: each is in the dead letters, once, with its reason; memory is
    flat. LC_RECORDS: how many (default 40,000)."""
    records = int(os.environ.get("LC_RECORDS", "40000"))
    import timing  # which imports us

    world = World("one-in-ten", policy_of("card/feed"), batch=2000)
    try:
        world.create_topics()
        service, producer = timing.Watched(world, "a", "batch.wakeups=2000"), timing.Producer(world)
        service.until_ready()
        writer = Writer("LeadCreated")
        stranger = Writer("Invoice", schema={"type": "record", "name": "Invoice", "fields": [{"name": "n", "type": "long"}]})
        expected, peaks = [], []
        for half in range(2):
            for n in range(half * records // 2, (half + 1) * records // 2):
                if n % 10:
                    producer.send("leads.created", f"lead-{n}".encode(), created(writer, f"lead-{n}"))
                    continue
                reason, key, value, partition = hostile_record(n // 10, writer, stranger)
                producer.send("leads.created", key.encode() if key else None, value, partition)
                if reason:
                    expected.append((reason, key or ""))
            producer.command("flush")
            # All leads are overdue as they come, and their timers fire in one storm, which takes memory too: in each half.
            world.settle()
            peaks.append(service.peak_mib())
        producer.close()
        world.settle()
        require_letters(world, expected)
        facts = service.figure("leadclock_facts_total", 'LeadCreated"')
        require(facts == records - records // 10, f"{facts:.0f} good facts were taken of {records - records // 10}")
        say(f"{len(expected)} dead letters, {facts:.0f} facts")
        say(f"peak {peaks[0]:.0f} MiB after the first half, {peaks[1]:.0f} at the end")
        require(peaks[1] < peaks[0] * 1.15 + 8, f"memory grows: {peaks}")
        service.service.stop()
    finally:
        world.close()


TESTS = {test.__name__: test for test in (dead_letters, dead_letters_are_told, limits_of_a_lead, evolution, bad_lines, one_in_ten)}

if __name__ == "__main__":
    sys.exit(main(TESTS))
