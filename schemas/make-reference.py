#!/usr/bin/env python3
"""make-reference.py [--check]: writes docs/events.md and schemas/json from schemas/*.avsc and schemas/tables/*.avsc.

With --check it writes nothing, and fails with a difference where one of them is out of date.
"""
import difflib
import json
import pathlib
import sys

import json_schemas

SCHEMAS = pathlib.Path(__file__).resolve().parent
REFERENCE = SCHEMAS.parent / "docs" / "events.md"

# What belongs together, in the order of the lead policy: the record and the topic it is on (with no prefix).
PARTS = [
    ("Facts", "What happened to a lead, as the systems of marketing and sales publish it. The key is the lead_id; "
     "the record's name says what it is, so one topic may carry several.", [
         ("LeadCreated", "leads.created"), ("LeadAssigned", "leads.assigned"), ("LeadContacted", "leads.contacted"),
         ("LeadProgressed", "leads.progressed"), ("LeadRejected", "leads.rejected"), ("LeadPaused", "leads.paused"),
         ("LeadResumed", "leads.paused"), ("LeadMerged", "leads.merged"), ("LeadErased", "leads.erased")]),
    ("Outcomes", "What follows from the facts by the policy. The key is the lead_id. An outcome is identified by its "
     "event_id: keep the latest of each, and drop it when a Retracted names it.", [
         ("SlaWarning", "leads.warnings"), ("SlaBreached", "leads.breaches"), ("SlaEscalated", "leads.breaches"),
         ("SlaBreachEnded", "leads.breaches"), ("LeadClawedBack", "leads.clawbacks"), ("LeadRouted", "leads.routed"),
         ("LeadSettled", "leads.settled"), ("Retracted", "where the retracted one is")]),
    ("Changelogs", "Compacted topics: the latest value of each key stands. ChannelCounters is for dashboards and data "
     "teams; LeadState is Leadclock's own and may change with any version.", [
         ("ChannelCounters", "leads.counters"), ("LeadState", "leads.state")]),
]

# Rows (section 10): the table, and the name that its two records have in common.
TABLES = [("cycles", "Cycle"), ("breaches", "Breach"), ("stages", "Stage"), ("tenures", "Tenure"), ("routes", "Route"),
          ("counters", "Counter")]
ROWS = """
## Rows

How things stand, for databases, dashboards and reports: the latest row of a key stands. Flat: numbers, texts, flags and
instants only, and all but the key may be null. Keys are Avro records too, subjects `TOPIC-key` and `TOPIC-value`
(TopicNameStrategy). A row that is no more is said twice: by a value with `deleted: true`, and by a tombstone after it
(`tables.deletes`). Topics are compacted, and written in transactions: each line of configuration below makes a reader of
Java or Kafka Connect read what is committed, which it does not by default (the table above has other clients; Redpanda
Connect needs `isolation_level: read_committed`). `leadclock backtest --tables FOLDER` writes the rows that stand at the
end, as JSON Lines, CSV or Avro files. `deploy/examples/duckdb` reads all tables into a database and makes the counters anew
from the other rows, in SQL; `deploy/examples/connect` is Kafka Connect with all the lines that it needs."""

INTRODUCTION = '''# Event reference

<!-- Made from schemas/ by schemas/make-reference.py: change those, then run it. -->

Values are Avro in the Confluent wire format: a zero byte, the schema's id in the registry as 4 bytes big-endian, the
body; facts may be JSON instead (see below). Subjects are named TOPIC-RECORD (TopicRecordNameStrategy), as `leads.breaches-leadclock.SlaBreached`. Records are in
the namespace `leadclock`; `schemas/NAME.avsc` in Leadclock's source are the schemas. Names of topics here are without the
prefix that `topics.prefix` of the configuration gives to all. Instants are
`timestamp-millis`: Unix milliseconds in UTC. Rules and sections are those of the lead policy. Facts may be written by
older or newer schemas than these: fields are matched by name, those that are missing get the default, others are passed
over, timestamps may be in microseconds, and an unknown symbol of an enum becomes the enum's default.

`schemas/asyncapi.json` is all topics and what is on them as an AsyncAPI 3 document; `leadclock topics --asyncapi` makes it
with the names of a configuration.

## Publishing facts

| of a record | must be |
|---|---|
| topic | one of the inputs; which one does not matter, because the record's name says what it is. By default each type has its own, named with the type below |
| key | the `lead_id`, as its bytes in UTF-8: a plain string, neither Avro nor JSON (no quotes) |
| partition | the one that Java's default partitioner takes: murmur2 of the key. Other clients have to be told, see below |
| value | the fact in Avro, framed as above, by a serializer of Confluent's kind (magic byte and id of 4 bytes); or in JSON, see below. At most 64 KiB. A null value erases the lead that is its key, as LeadErased does |
| headers, timestamp | anything (with JSON some headers count, see below); the topic's own clock counts (LogAppendTime) |

Publish with `acks=all` and idempotence. The order of facts does not matter: facts that come late are put where they belong.
To publish a fact twice does no harm as long as it has the same `event_id`, so publish again when in doubt, and make the id
from what happened (the activity's id in the CRM, say), not anew each time.

**Partitioner.** A lead whose facts lie in different partitions would be two leads, so a record in the wrong one is not
taken.

| client | line |
|---|---|
| Java, Kafka Connect, Spring, ksqlDB | none: it is the default. Set neither `partitioner.class` nor `partitioner.ignore.keys` |
| librdkafka, and what is built on it: confluent-kafka-python, -go, @confluentinc/kafka-javascript, rust-rdkafka, kcat | `partitioner=murmur2_random` among the producer's properties (the default is `consistent_random`, which is another) |
| Confluent.Kafka (.NET) | `new ProducerConfig { Partitioner = Partitioner.Murmur2Random }` |
| node-rdkafka | `new Kafka.Producer({...}, {partitioner: "murmur2_random"})`: it belongs to the properties of the topic |
| kafkajs | 2.0 and later: none. Before: `kafka.producer({createPartitioner: Partitioners.JavaCompatiblePartitioner})` |
| franz-go | none: it is the default (`kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil))`) |
| segmentio/kafka-go | `Balancer: &kafka.Murmur2Balancer{}` |
| sarama | `config.Producer.Partitioner = sarama.NewCustomPartitioner(sarama.WithAbsFirst(), sarama.WithCustomHashFunction(murmur2))`, with a murmur2 of Java's kind (seed 0x9747b28c) as a `hash.Hash32`: sarama has FNV-1a only |
| kafka-python, aiokafka | none: it is the default |

**Subjects.** Leadclock reads a fact by its schema's id alone, so any subject will do. Take TopicRecordNameStrategy all the
same, as Leadclock does: the serializers' default, TOPIC-value, lets one topic have one type only. In Java:
`value.subject.name.strategy=io.confluent.kafka.serializers.subject.TopicRecordNameStrategy`.

**JSON.** A value that begins with `{` (space before it is allowed), or is framed and has a schema that the registry calls
`JSON`, is one fact in JSON. Forms and topics may be mixed at will, and the same `event_id` is the same fact in any form.

| form | what it looks like |
|---|---|
| a plain fact | an object with the fields below: `{"type": "LeadCreated", "event_id": "crm-4711", "lead_id": "lead-1", ...}` |
| CloudEvent, structured | an object with `"specversion": "1.0"`, and the fact as an object in `data` (`data_base64` is refused) |
| CloudEvent, binary | the fact as value, the attributes as headers `ce_type`, `ce_id`, `ce_time`, `ce_subject` |

What a fact says itself counts. What it does not say, or says is null, is taken from the attributes of the structured
CloudEvent around it, and then from the headers:

| field | or else | or else |
|---|---|---|
| `type` | `type` of the CloudEvent, header `ce_type`; in all of them with `leadclock.` before it or without | the topic, where it is not the only input and its name ends with `created`, `assigned`, `contacted`, `progressed`, `rejected`, `merged` or `erased`: all default ones but `leads.paused`, which carries LeadResumed too |
| `event_id` | `id`, `ce_id` | |
| `occurred_at` | `time`, `ce_time` | |
| `lead_id` | `subject`, `ce_subject` | nothing: the record's key does not stand in, it must be equal to it |

A `type` of the CloudEvent that is none of the facts (`com.acme.lead`) does no harm where the fact says its own, and is a
dead letter where it does not. Instants are texts in ISO 8601 with a zone (`2026-02-02T09:00:00Z`), or whole milliseconds
since 1970. Other fields, attributes and headers are passed over; null is as good as no field; of a name that comes twice
the last counts. `schemas/json/NAME.schema.json` is the JSON Schema (draft 2020-12) of each plain fact: for the registry,
for validation where facts are made, or to generate code. With kcat alone:

```sh
echo '{"event_id": "crm-4711", "lead_id": "lead-1", "occurred_at": "2026-02-02T09:00:00Z", "channel": "webinar"}' |
    kcat -P -b 127.0.0.1:9092 -t leads.created -k lead-1 -X partitioner=murmur2_random
```

`leadclock backtest` and `publish` read the same lines, structured CloudEvents too, so what a feed leads to can be seen
before it is published.

**Schemas.** Take those of `schemas/`, or write your own: a record with the name, the fields that have no default, and what
you have of the others, under the names and types below. The registry must be the one that Leadclock is configured with.

`deploy/examples/publish-java` and `publish-python` are whole publishers. In Python and Avro, the heart of it
(confluent-kafka with its extras `avro` and `schemaregistry`):

```python
import time
from confluent_kafka import Producer
from confluent_kafka.schema_registry import SchemaRegistryClient, topic_record_subject_name_strategy
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

SCHEMA = """{"type": "record", "name": "LeadCreated", "namespace": "leadclock", "fields": [
  {"name": "event_id", "type": "string"}, {"name": "lead_id", "type": "string"},
  {"name": "occurred_at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
  {"name": "channel", "type": "string"}]}"""

registry = SchemaRegistryClient({"url": "http://127.0.0.1:8081"})
serializer = AvroSerializer(registry, SCHEMA, conf={"subject.name.strategy": topic_record_subject_name_strategy})
producer = Producer({"bootstrap.servers": "127.0.0.1:9092", "enable.idempotence": True, "partitioner": "murmur2_random"})

fact = {"event_id": "crm-4711", "lead_id": "lead-1", "occurred_at": int(time.time() * 1000), "channel": "webinar"}
value = serializer(fact, SerializationContext("leads.created", MessageField.VALUE))
producer.produce("leads.created", key=fact["lead_id"].encode(), value=value)
producer.flush()
```

A record that can't be taken is in `leads.dead-letters` within a moment, with the reason in its headers
(`leadclock watch leads.dead-letters` shows them, `operations.md` says what to do about each); what became of the others
`leadclock inspect LEAD_ID` shows. Where Kafka has an authorizer a publisher needs WRITE on the input topics.

## Reading outcomes

Topics carry several types: a breach and its end are both on `leads.breaches`, and a Retracted is wherever the outcome was
that it takes back. The header `ce_type` has the record's name with its namespace (`leadclock.SlaBreached`), so that a
consumer can choose before it decodes; `ce_id` is unique for each message, `ce_time` is `occurred_at`. States and counters
have no headers, and `topics.headers: none` leaves them out everywhere; the schema's id tells the type, too.

Outcomes are published in transactions: a consumer that reads uncommitted sees some that were taken back, and some twice.

| client | reads what is committed |
|---|---|
| Java, and what is built on it | `isolation.level=read_committed` (the default reads all) |
| librdkafka, and what is built on it | by default |
| kafkajs | by default (`readUncommitted: false`) |
| franz-go | `kgo.FetchIsolationLevel(kgo.ReadCommitted())` |
| segmentio/kafka-go | `IsolationLevel: kafka.ReadCommitted` in the reader's configuration |
| sarama | `config.Consumer.IsolationLevel = sarama.ReadCommitted` |
| aiokafka | `isolation_level="read_committed"` |
'''


def load(name):
    return json.loads((SCHEMAS / f"{name}.avsc").read_text(encoding="utf-8"))


def type_text(avro_type, named):
    """The type as readers say it; named types that stand in it are added to `named`."""
    if isinstance(avro_type, str):
        return avro_type
    if isinstance(avro_type, list):
        return " or ".join(type_text(branch, named) for branch in avro_type)
    kind = avro_type["type"]
    if kind == "array":
        return f"list of {type_text(avro_type['items'], named)}"
    if kind == "map":
        return f"map of {type_text(avro_type['values'], named)}"
    if kind in ("record", "enum"):
        named.append(avro_type)
        return avro_type["name"]
    if kind == "fixed":
        return avro_type.get("logicalType", f"fixed({avro_type['size']})")
    return avro_type.get("logicalType", kind)


def default_text(field):
    return f"`{json.dumps(field['default'])}`" if "default" in field else ""


def field_table(fields, named):
    yield "| field | type | default | meaning |"
    yield "|---|---|---|---|"
    for field in fields:
        doc = field["doc"].replace("|", "\\|")
        yield f"| `{field['name']}` | {type_text(field['type'], named)} | {default_text(field)} | {doc} |"


def named_type(schema, named):
    yield ""
    if schema["type"] == "enum":
        symbols = ", ".join(f"`{symbol}`" for symbol in schema["symbols"])
        default = f"; default `{schema['default']}`" if "default" in schema else ""
        yield f"**{schema['name']}**: {schema['doc']} {symbols}{default}."
        return
    yield f"**{schema['name']}**: {schema['doc']}"
    yield ""
    yield from field_table(schema["fields"], named)


def record(name, topic):
    schema = load(name)
    named = []
    yield ""
    yield f"### {name}"
    yield ""
    yield f"{schema['doc']} Topic: {topic if ' ' in topic else '`' + topic + '`'}."
    yield ""
    yield from field_table(schema["fields"], named)
    while named:
        yield from named_type(named.pop(0), named)


def table(name, record_name):
    schema, named = load(f"tables/{record_name}Row"), []
    key = " and ".join(f"`{field['name']}`" for field in load(f"tables/{record_name}Key")["fields"])
    yield ""
    yield f"### {schema['name']}"
    yield ""
    yield f"{schema['doc']} Topic: `leads.tables.{name}`. Key: {key} ({record_name}Key)."
    yield ""
    yield "Read what is committed: `isolation.level=read_committed`; in a connector `consumer.override.isolation.level=read_committed`."
    yield ""
    yield from field_table(schema["fields"], named)


def reference():
    yield INTRODUCTION.rstrip()
    for title, text, records in PARTS:
        yield f"\n## {title}\n\n{text}"
        for name, topic in records:
            yield from record(name, topic)
    yield ROWS
    for name, record_name in TABLES:
        yield from table(name, record_name)


def check(made):
    """Each file must be there as it would be written, and no other schema in JSON."""
    stale = []
    for path in sorted({*made, *(SCHEMAS / "json").glob("*")}):
        name, text = str(path.relative_to(SCHEMAS.parent)), made.get(path, "")
        present = path.read_text(encoding="utf-8") if path.exists() else ""
        if present != text:
            sys.stdout.writelines(difflib.unified_diff(present.splitlines(True), text.splitlines(True), name,
                                                       "made from schemas/"))
            stale.append(name)
    if stale:
        sys.exit(f"{', '.join(stale)} out of date: run schemas/make-reference.py")


def main():
    told = {name for _, _, records in PARTS for name, _ in records}
    told |= {f"tables/{name}{kind}" for _, name in TABLES for kind in ("Key", "Row")}
    there = {str(path.relative_to(SCHEMAS).with_suffix("")) for path in SCHEMAS.glob("**/*.avsc")}
    if told != there:
        sys.exit(f"make-reference.py: PARTS and schemas/ differ in {', '.join(sorted(told ^ there))}")
    made = {REFERENCE: "\n".join(reference()) + "\n"}
    for name, _ in PARTS[0][2]:
        made[SCHEMAS / "json" / f"{name}.schema.json"] = json_schemas.text_of(load(name))
    if "--check" in sys.argv[1:]:
        check(made)
        return
    for path, text in made.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
