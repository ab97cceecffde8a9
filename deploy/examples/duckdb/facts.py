#!/usr/bin/env python3
"""facts.py --policy FILE... FILE - beside what load.py made: the facts (read from the input topics to their end) and what
the policy promises, as tables. promises.sql makes of these what rows don't say."""

import argparse
import datetime
import json
import os
import re
import tempfile

import duckdb
import yaml

INPUTS = ["created", "contacted", "rejected", "progressed", "assigned", "paused", "merged", "erased"]
UNITS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
# Of the facts of one instant (rule 1.3).
ORDER = ["LeadCreated", "LeadResumed", "LeadAssigned", "LeadContacted", "LeadProgressed", "LeadPaused", "LeadRejected",
         "LeadMerged", "LeadErased"]  # fmt: skip

TABLES = """
create or replace table facts (arrived bigint, lead_id varchar, event_id varchar, type varchar, rank int,
    occurred_at timestamp, recorded_at timestamp, owner varchar, follow_up_at timestamp, connected boolean, stage varchar,
    channel varchar, attributes map(varchar, varchar));
create or replace table policies (policy varchar, effective_from timestamp, clock_skew interval, logged boolean);
create or replace table policy_stages (policy varchar, position int, stage varchar, closes varchar);
create or replace table policy_rules (policy varchar, position int, rule varchar, early interval, requested boolean,
    next_contact boolean, next_until varchar, follow_up boolean, again_times int, renew boolean, within interval,
    calendar varchar);
create or replace table policy_milestones (policy varchar, rule varchar, stage varchar);
create or replace table policy_conditions (policy varchar, position int, what varchar, among varchar[], at_least double);
"""
COLUMNS = """{arrived: 'BIGINT', lead_id: 'VARCHAR', event_id: 'VARCHAR', type: 'VARCHAR', rank: 'INT',
    occurred_at: 'TIMESTAMP', recorded_at: 'TIMESTAMP', owner: 'VARCHAR', follow_up_at: 'TIMESTAMP', connected: 'BOOLEAN',
    stage: 'VARCHAR', channel: 'VARCHAR', attributes: 'MAP(VARCHAR, VARCHAR)'}"""


# ---- The policy ----


def interval(text):
    ms = sum(int(n) * UNITS[unit] for n, unit in re.findall(r"(\d+)([smhdw])", str(text)))
    return datetime.timedelta(milliseconds=ms)


def instant(value):
    """UTC, as DuckDB's TIMESTAMP is. None stays None."""
    if isinstance(value, int) or re.fullmatch(r"-?\d+", str(value)):
        value = datetime.datetime.fromtimestamp(int(value) / 1000, datetime.timezone.utc)
    elif isinstance(value, str):
        value = datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
    if value is not None and value.tzinfo:
        value = value.astimezone(datetime.timezone.utc).replace(tzinfo=None)
    return value


def conditions_of(when):
    if not isinstance(when, dict):
        return []
    found = [("channel", when["channel"], None)] if "channel" in when else []
    found += [("=" + name, values, None) for name, values in when.get("attributes", {}).items()]
    return found + [(">" + name, None, float(bound)) for name, bound in when.get("at_least", {}).items()]


def is_true(text):
    return str(text).lower() == "true"


def rule_row(rule):
    """As policy_rules has it, after `policy` and `position`."""
    contact, again = rule.get("first_contact") or {}, (rule.get("first_contact") or {}).get("reassign")
    times = int(again.get("times", 1)) if isinstance(again, dict) else int(is_true(again))
    asked, after, within = rule.get("requested_time"), rule.get("next_contact"), contact.get("within")
    plain = isinstance(within, str)
    return [rule["name"], interval((asked or {}).get("early", "0s")), asked is not None, after is not None,
            (after or {}).get("until"), "follow_up" in rule, times, is_true(contact.get("renew")),
            interval(within) if plain else None, contact.get("calendar", "always") if plain else "days"]  # fmt: skip


def load_policy(database, paths):
    files = [os.path.join(path, name) for path in paths if os.path.isdir(path) for name in sorted(os.listdir(path))]
    for path in files + [path for path in paths if not os.path.isdir(path)]:
        with open(path, encoding="utf-8") as file:
            policy = yaml.load(file, yaml.BaseLoader)  # all as text: what a name, an attribute or a number is, we know
        name = policy["name"]
        database.execute("insert into policies values (?, ?, ?, ?)",
                         [name, instant(policy.get("effective_from", "1970-01-01T00:00:00Z")),
                          interval(policy.get("clock_skew", "2m")), policy.get("contact_time") == "logged"])  # fmt: skip
        for position, stage in enumerate(policy.get("stages", [])):
            stage = stage if isinstance(stage, dict) else {"name": stage}
            database.execute("insert into policy_stages values (?, ?, ?, ?)", [name, position, stage["name"], stage.get("closes")])
        for position, rule in enumerate(policy["rules"]):
            database.execute("insert into policy_rules values (" + ", ".join("?" * 12) + ")", [name, position] + rule_row(rule))
            for milestone in rule.get("milestones", []):
                database.execute("insert into policy_milestones values (?, ?, ?)", [name, rule["name"], milestone["stage"]])
            for what, among, at_least in conditions_of(rule["when"]):
                database.execute("insert into policy_conditions values (?, ?, ?, ?, ?)",
                                 [name, position, what, among, at_least])  # fmt: skip


# ---- Facts ----


def load_facts(database, facts):
    """In order of arrival, each as section 9 of the lead policy has it."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
        for arrived, fact in enumerate(facts):
            if fact.get("automated"):
                continue
            attributes = {name: value if isinstance(value, str) else json.dumps(value)
                          for name, value in (fact.get("attributes") or {}).items() if value is not None}  # fmt: skip
            times = {name: str(instant(fact.get(name))) for name in ("occurred_at", "recorded_at", "follow_up_at")
                     if fact.get(name) is not None}  # fmt: skip
            row = {name: fact.get(name) for name in ("lead_id", "event_id", "type", "owner", "stage", "channel")}
            more = {"arrived": arrived, "rank": ORDER.index(fact["type"]), "connected": fact.get("outcome") == "CONNECTED"}
            print(json.dumps({**row, **times, **more, "attributes": attributes}), file=file)
        file.flush()
        database.execute("insert into facts by name from read_json(?, format='newline_delimited', columns=" + COLUMNS + ")",
                         [file.name])  # fmt: skip


def facts_of(brokers, registry_url, prefix):
    """In the order in which they came to the topics, as Avro, or as JSON that says its type. CloudEvents are not read, and
    what the service put aside (dead letters) counts as a fact here."""
    from confluent_kafka.schema_registry import SchemaRegistryClient
    from confluent_kafka.schema_registry.avro import AvroDeserializer
    from confluent_kafka.serialization import MessageField, SerializationContext
    from load import records_of

    registry, names, found = SchemaRegistryClient({"url": registry_url}), {}, []
    decode = AvroDeserializer(registry)

    def type_of(value):
        """Of the schema that it is framed with; a topic may carry several types."""
        number = int.from_bytes(value[1:5], "big")
        names[number] = names.get(number) or json.loads(registry.get_schema(number).schema_str)["name"]
        return names[number]

    for topic in (f"{prefix}leads.{name}" for name in INPUTS):
        for record in records_of(brokers, topic):
            if record.value() is None:
                continue
            if record.value().lstrip()[:1] == b"{":
                fact = json.loads(record.value())
                if fact.get("type") not in ORDER:
                    raise SystemExit(f"{topic}, offset {record.offset()}: neither Avro nor JSON that says its type: not read here")
            else:
                fact = decode(record.value(), SerializationContext(topic, MessageField.VALUE))
                fact["type"] = type_of(record.value())
            found.append((record.timestamp()[1], record.offset(), fact))
    return [fact for _, _, fact in sorted(found, key=lambda one: one[:2])]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--brokers", default=os.environ.get("KAFKA_BROKERS", "127.0.0.1:9092"))
    parser.add_argument("--registry", default=os.environ.get("REGISTRY_URL", "http://127.0.0.1:8081"))
    parser.add_argument("--prefix", default="", help="topics.prefix of the configuration")
    parser.add_argument("--policy", action="append", required=True, help="a document, or a folder of them")
    parser.add_argument("file", help="the DuckDB file")
    options = parser.parse_args()
    with duckdb.connect(options.file) as database:
        database.execute(TABLES)
        load_policy(database, options.policy)
        load_facts(database, facts_of(options.brokers, options.registry, options.prefix))
        print("facts: %d" % database.execute("select count(*) from facts").fetchone())


if __name__ == "__main__":
    main()
