#!/usr/bin/env python3
"""json_facts.py [TEST...] - facts in JSON and in CloudEvents, beside those in Avro: the service comes to what a backtest
of the same facts does, and what is none of them is a dead letter that says where."""

import json
import os
import random
import sys
import urllib.parse
import urllib.request

from hostile import Writer
from timing import Producer
from world import INPUTS, REGISTRY_URL, ROOT, World, framed, iso, load_feed, main, murmur2_partition, now_ms
from world import policy_of, require, require_equal, say, slices

METHODS = ("CALL", "EMAIL", "MEETING", "MESSAGE", "OTHER")
TIMES = ("occurred_at", "recorded_at", "follow_up_at", "until")


def register_json_schema(name):
    """The id that the registry gives to the JSON Schema of a fact."""
    with open(os.path.join(ROOT, "schemas", "json", f"{name}.schema.json"), encoding="utf-8") as file:
        schema = file.read()
    request = urllib.request.Request(
        f"{REGISTRY_URL}/subjects/{urllib.parse.quote(f'json-producer-{name}', safe='')}/versions",
        data=json.dumps({"schemaType": "JSON", "schema": schema}).encode(),
        headers={"Content-Type": "application/vnd.schemaregistry.v1+json"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)["id"]


class Mixer:
    """A fact as the value and the headers of a record, in one of many forms."""

    def __init__(self):
        self.avro, self.json_ids = {name: Writer(name) for name in INPUTS}, {}
        self.counts = {}

    def record(self, fact):
        """(topic, value, headers) of a fact, and the same as a line for the backtest."""
        form = random.choice([self.in_avro, self.plain, self.plain, self.framed, self.structured, self.binary])
        name = form.__name__
        self.counts[name] = self.counts.get(name, 0) + 1
        return form({key: value for key, value in fact.items() if key != "arrived_at"})

    def topic_of(self, fact):
        return INPUTS[fact["type"]]

    def any_topic(self):
        """Where it does not say the type."""
        return random.choice(list(INPUTS.values()))

    def written(self, fact):
        """JSON as one or the other writes it: spaces, fields in any order, times as numbers or texts, nulls."""
        fields = [(key, iso(value) if key in TIMES and value is not None and random.random() < 0.5 else value)
                  for key, value in fact.items()]  # fmt: skip
        fields += random.sample([("owner", None), ("note", None), ("x-unknown", {"a": [1, "\u00e9"]})], random.randrange(3))
        random.shuffle(fields)
        # Of a name that comes twice the last would count.
        fields = {**dict(fields), **{key: value for key, value in fields if value is not None}}
        return random.choice(["", " ", "\r\n\t "]) + json.dumps(
            fields, indent=random.choice([None, None, 2]), ensure_ascii=random.random() < 0.5
        )

    def in_avro(self, fact):
        fields = {key: value for key, value in fact.items() if key != "type"}
        if fact["type"] == "LeadContacted":
            fields["outcome"] = "CONNECTED" if fact.get("outcome") == "CONNECTED" else "ATTEMPTED"
            fields["method"] = fact["method"] if fact.get("method") in METHODS else "OTHER"
        if fact["type"] == "LeadCreated":
            fields["attributes"] = {key: as_text(value) for key, value in (fact.get("attributes") or {}).items() if value is not None}
        return self.topic_of(fact), self.avro[fact["type"]].write(**fields), {}, fact

    def plain(self, fact):
        """Named by itself, by a header or by the topic."""
        if random.random() < 0.4:
            prefix = random.choice(["", "leadclock."])
            return self.any_topic(), self.written({**fact, "type": prefix + fact["type"]}).encode(), {}, fact
        untyped = {key: value for key, value in fact.items() if key != "type"}
        if INPUTS[fact["type"]] == "leads.paused" or random.random() < 0.5:
            return self.any_topic(), self.written(untyped).encode(), {"ce_type": fact["type"]}, fact
        return self.topic_of(fact), self.written(untyped).encode(), {}, fact

    def framed(self, fact):
        if fact["type"] not in self.json_ids:
            self.json_ids[fact["type"]] = register_json_schema(fact["type"])
        return self.any_topic(), framed(self.json_ids[fact["type"]], self.written(fact).encode()), {}, fact

    def split(self, fact):
        """What the attributes of a CloudEvent say, and what the data."""
        names = {"event_id": "id", "occurred_at": "time", "lead_id": "subject"}
        attributes = {"type": random.choice(["", "leadclock."]) + fact["type"], "id": f"{random.randrange(10**12)}"}
        data = {key: value for key, value in fact.items() if key != "type"}
        for key, name in names.items():
            if random.random() < 0.6:
                value = data.pop(key)
                attributes[name] = iso(value) if name == "time" else value
        return {"specversion": "1.0", "source": "/crm", **attributes}, data

    def structured(self, fact):
        attributes, data = self.split(fact)
        members = [*attributes.items(), ("data", data), ("datacontenttype", "application/json")]
        random.shuffle(members)
        value = json.dumps(dict(members))
        if random.random() < 0.3:
            value = json.dumps(dict(members), indent=1)
        return self.any_topic(), value.encode(), {"content-type": "application/cloudevents+json"}, json.loads(value)

    def binary(self, fact):
        attributes, data = self.split(fact)
        headers = {f"ce_{name}": value for name, value in attributes.items()}
        return self.any_topic(), self.written(data).encode(), headers | {"content-type": "application/json"}, fact


def as_text(value):
    return value if isinstance(value, str) else json.dumps(value)


def mixed_feed():
    """Avro, JSON framed and plain, CloudEvents structured and binary, at random, from topics at random; and published
    again in another form: nothing changes by that."""
    world = World("mixed-feed", policy_of("people/feed"), batch=300)
    try:
        world.create_topics()
        world.start()
        mixer, producer = Mixer(), Producer(world)
        facts = load_feed("people/feed")
        lines = []
        for part in slices(facts, 4):
            for fact in part:
                for again in range(1 + (random.random() < 0.1)):
                    topic, value, headers, line = mixer.record(fact)
                    producer.send(topic, fact["lead_id"].encode(), value, headers=headers)
                    if not again:
                        lines.append(line)
            producer.command("flush")
        producer.close()
        say(f"published: {mixer.counts}")
        world.settle()
        require(not world.dead_letters(), f"dead letters: {world.headers_of_dead_letters()[:2000]}")
        require_equal("forms", dict.fromkeys(mixer.counts), dict.fromkeys(
            ["in_avro", "plain", "framed", "structured", "binary"]))  # fmt: skip
        # The structured ones are read by the backtest as they are.
        world.require_same_as_backtest(lines)
        world.services[0].stop()
    finally:
        world.close()


def hostile_json():
    """What is no fact is a dead letter with the reason, and the message names the place; the rest flows on."""
    world = World("hostile-json", policy_of("card/feed"))
    fact = {"lead_id": "?", "event_id": "e", "occurred_at": now_ms() - 1000, "channel": "webinar"}
    event = {"specversion": "1.0", "source": "/crm", "type": "LeadCreated", "id": "e", "time": iso(now_ms() - 1000)}
    cases = [
        ("UNREADABLE", "cut", '{"type": "LeadCreated", "lead', {}, "column 30: not JSON: a string without its closing quote"),
        ("UNREADABLE", "lines", '{"type": "LeadCreated",\n "lead_id" 5}', {}, "line 2, column 12: not JSON"),
        ("UNREADABLE", "deep", '{"a": ' + "[" * 60000, {}, "nested deeper than 32"),
        ("UNREADABLE", "latin", b'{"channel": "\xe9"}', {}, "bytes that are no UTF-8"),
        ("UNREADABLE", "list", "[]", {}, "byte 1: it looks like a list of JSON"),
        ("UNREADABLE", "text", "hello", {}, "byte 1: neither Avro in the Confluent wire format"),
        ("UNREADABLE", "two", "{}{}", {}, "column 3: not JSON: something follows"),
        ("UNKNOWN_TYPE", "outcome", {"type": "SlaBreached"}, {}, 'type: "SlaBreached" is no fact'),
        ("UNKNOWN_TYPE", "strange", fact, {"ce_type": "com.crm.lead"}, 'ce_type: "com.crm.lead" is no fact'),
        ("BAD_FACT", "no-lead", {k: v for k, v in fact.items() if k != "lead_id"}, {}, "lead_id is missing"),
        ("BAD_FACT", "wide", fact | {"channel": "c" * 256}, {}, "channel has 256 bytes; at most 255 are allowed"),
        ("BAD_FACT", "large", fact | {"x": "x" * 65536}, {}, "a record of "),
        ("BAD_FACT", "ahead", fact | {"occurred_at": now_ms() + 10**8}, {}, "ahead of the record's timestamp"),
        ("BAD_FACT", "seconds", fact | {"occurred_at": 1770022800}, {}, "it looks like seconds"),
        ("BAD_FACT", "base64", event | {"data_base64": "e30="}, {}, "data_base64: a fact in base64 is not read"),
        ("BAD_FACT", "no-data", event | {"subject": "no-data"}, {}, "data: missing"),
        ("BAD_FACT", "old", event | {"specversion": "0.3", "data": {}}, {}, "specversion: "),
        ("BAD_FACT", "noon", {"channel": "c"}, {"ce_type": "LeadCreated", "ce_time": "noon"}, 'ce_time: "noon" is no time'),
        ("KEY_MISMATCH", "key", fact | {"lead_id": "another"}, {}, "is not its lead_id"),
        ("KEY_MISMATCH", "subject", event | {"subject": "else", "data": {"channel": "c"}}, {}, "is not its lead_id"),
    ]  # fmt: skip
    try:
        world.create_topics()
        world.start()
        producer = Producer(world)
        for _, key, value, headers, _ in cases:
            if isinstance(value, dict):
                value = {name: key if item == "?" else item for name, item in value.items()}
            value = json.dumps(value) if isinstance(value, dict) else value
            producer.send("leads.created", key.encode(), value.encode() if isinstance(value, str) else value, headers=headers)
        good = json.dumps(fact | {"lead_id": "astray"}).encode()
        producer.send("leads.created", b"astray", good, partition=(murmur2_partition(b"astray") + 1) % 4)
        producer.send("leads.created", b"good", json.dumps(fact | {"lead_id": "good"}).encode())
        value = json.dumps(fact | {"lead_id": "framed"}).encode()
        producer.send("leads.created", b"framed", framed(register_json_schema("LeadCreated"), value))
        producer.command("flush")
        producer.close()
        world.settle()
        letters = sorted(world.dead_letters())
        expected = sorted([(reason, key) for reason, key, *_ in cases] + [("WRONG_PARTITION", "astray")])
        require(letters == expected, f"dead letters: {letters}\n  expected: {expected}")
        said = world.headers_of_dead_letters()
        for _, key, _, _, message in cases:
            require(message in said, f"{key}: the dead letters do not say '{message}': {said}")
        shown = [record for record in world.records("leads.created") if record["key"] in ("good", "framed", "two")]
        for key in ("good", "framed"):
            values = [record.get("value") for record in shown if record["key"] == key]
            require(values == [fact | {"lead_id": key}], f"watch shows {shown}")
        require(all("error" in record for record in shown if record["key"] == "two"), f"watch shows {shown}")
        counts = {key: count for key, count in world.counters().items() if key[2] == "handed_off"}
        require(sum(counts.values()) == 2, f"hand-offs: {counts}")
        world.services[0].stop()
    finally:
        world.close()


TESTS = {test.__name__: test for test in (mixed_feed, hostile_json)}

if __name__ == "__main__":
    sys.exit(main(TESTS))
