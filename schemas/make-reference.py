#!/usr/bin/env python3
"""make-reference.py [--check]: writes docs/events.md from schemas/*.avsc and schemas/tables/*.avsc.

With --check it writes nothing, and fails with a difference where docs/events.md is out of date.
"""
import difflib
import json
import pathlib
import sys

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
instants only, and all but the key may be null. `leadclock backtest --tables FOLDER` writes those that stand at the end,
as JSON Lines, CSV or Avro files."""

INTRODUCTION = """# Event reference

<!-- Made from schemas/ by schemas/make-reference.py: change those, then run it. -->

Values are Avro in the Confluent wire format: a zero byte, the schema's id in the registry as 4 bytes big-endian, the
body. Subjects are named TOPIC-RECORD (TopicRecordNameStrategy), as `leads.breaches-leadclock.SlaBreached`. Instants are
`timestamp-millis`: Unix milliseconds in UTC. Rules and sections are those of the lead policy. Facts may be written by
older or newer schemas than these: fields are matched by name, those that are missing get the default, others are passed
over, timestamps may be in microseconds, and an unknown symbol of an enum becomes the enum's default.
"""


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
    yield f"{schema['doc']} Table: {name}. Key: {key} ({record_name}Key)."
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


def main():
    told = {name for _, _, records in PARTS for name, _ in records}
    told |= {f"tables/{name}{kind}" for _, name in TABLES for kind in ("Key", "Row")}
    there = {str(path.relative_to(SCHEMAS).with_suffix("")) for path in SCHEMAS.glob("**/*.avsc")}
    if told != there:
        sys.exit(f"make-reference.py: PARTS and schemas/ differ in {', '.join(sorted(told ^ there))}")
    text = "\n".join(reference()) + "\n"
    if "--check" not in sys.argv[1:]:
        REFERENCE.parent.mkdir(exist_ok=True)
        REFERENCE.write_text(text, encoding="utf-8")
        return
    present = REFERENCE.read_text(encoding="utf-8") if REFERENCE.exists() else ""
    if present != text:
        sys.stdout.writelines(difflib.unified_diff(present.splitlines(True), text.splitlines(True),
                                                   "docs/events.md", "made from schemas/"))
        sys.exit("docs/events.md is out of date: run schemas/make-reference.py")


if __name__ == "__main__":
    main()
