"""json_schemas.py - a JSON Schema (draft 2020-12) of each fact, for who writes facts in JSON: made from its .avsc, limits
from what the .avsc says of its fields. make-reference.py writes them to schemas/json."""
import json
import re

# Milliseconds since 1970, from 1990 to before 2200 (rule 1.7); or RFC 3339.
INSTANT = {"oneOf": [
    {"type": "integer", "minimum": 631152000000, "exclusiveMaximum": 7258118400000,
     "description": "Milliseconds since 1970, UTC."},
    {"type": "string", "format": "date-time",
     "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$",
     "description": "ISO 8601 with a zone."},
]}  # fmt: skip


def number(text):
    return int(text.replace(",", ""))


def limits_of_text(doc):
    """A text of so many bytes has no more characters; lc_fact_check counts bytes."""
    found = re.search(r"(?:(1) to|At most) ([\d,]+) (bytes|KiB)", doc)
    least, most, unit = found.groups()
    limits = {"maxLength": number(most) * (1024 if unit == "KiB" else 1)}
    return {"minLength": 1, **limits} if least else limits


def attributes(doc):
    entries, key, value = map(number, re.search(r"At most (\d+), keys of at most ([\d,]+) bytes, values of at most ([\d,]+)",
                                                doc).groups())
    return {"type": ["object", "null"], "maxProperties": entries, "propertyNames": {"maxLength": key},
            "additionalProperties": {"type": ["string", "number", "boolean", "null"], "maxLength": value}}


def is_instant(avro_type):
    return isinstance(avro_type, dict) and avro_type.get("logicalType") == "timestamp-millis"


def property_of(field):
    """What a field may be; null is as good as no field, so one that has a default may be null. A symbol that is not known
    is the default of its enum (rule 1.8)."""
    kinds = field["type"] if isinstance(field["type"], list) else [field["type"]]
    kind, may_be_null = kinds[-1], "default" in field
    null = ["null"] if may_be_null else []
    if is_instant(kind):
        wanted = {"oneOf": [*INSTANT["oneOf"], *({"type": "null"} for _ in null)]}
    elif kind == "string":
        wanted = {"type": ["string", *null] if null else "string", **limits_of_text(field["doc"])}
    elif kind == "boolean":
        wanted = {"type": ["boolean", *null]}
    elif kind["type"] == "map":
        wanted = attributes(field["doc"])
    else:
        wanted = {"type": ["string", *null], "examples": kind["symbols"]}
    default = {"default": field["default"]} if field.get("default") is not None else {}
    return {"description": field["doc"], **wanted, **default}


def json_schema(avro):
    name = avro["name"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:leadclock:{name}",
        "title": name,
        "description": avro["doc"],
        "type": "object",
        "properties": {
            "type": {"description": "Which fact it is. May be left out where a header or the topic says it.",
                     "enum": [name, f"leadclock.{name}"]},
            **{field["name"]: property_of(field) for field in avro["fields"]},
        },
        "required": [field["name"] for field in avro["fields"] if "default" not in field],
    }  # fmt: skip


def text_of(avro):
    return json.dumps(json_schema(avro), indent=2, ensure_ascii=False) + "\n"
