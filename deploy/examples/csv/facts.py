#!/usr/bin/env python3
"""facts.py MAPPING [FOLDER] - a CRM's CSV exports (in FOLDER, default here) as facts, JSON Lines in order of time, on
standard output, for `leadclock backtest` or `publish`. MAPPING (mapping.json) says which column is what. What a row
lacks, or a value that the mapping does not know, is told on standard error, and the row passed over: exit code 1."""

import csv
import datetime
import json
import os
import sys
import uuid
import zoneinfo


class Unclear(Exception):
    pass


def instant(text, mapping):
    """Local times of the export's zone, with what offset was in force then."""
    try:
        at = datetime.datetime.strptime(text.strip(), mapping["time_format"])
    except ValueError as error:
        raise Unclear(str(error)) from None
    if at.tzinfo is None:
        at = at.replace(tzinfo=zoneinfo.ZoneInfo(mapping["zone"]))
    return at.isoformat(timespec="milliseconds")


def number(text):
    """"1.250,5" as 1250.5."""
    return float(text.strip().replace(".", "").replace(",", "."))


def value_of(rule, row, mapping):
    """None: the cell is empty. A rule is a column's name, or {"column", "values" | "number"}."""
    rule = {"column": rule} if isinstance(rule, str) else rule
    if rule["column"] not in row:
        raise Unclear(f"there is no column \"{rule['column']}\": {', '.join(row)}")
    text = (row[rule["column"]] or "").strip()
    if not text:
        return None
    if "values" in rule:
        if text not in rule["values"]:
            raise Unclear(f"\"{text}\" in {rule['column']} is none of {', '.join(rule['values'])}")
        return rule["values"][text]
    if "number" in rule:
        try:
            read = number(text)
            return str(int(read) if read == int(read) else read)
        except (ValueError, OverflowError):
            raise Unclear(f"\"{text}\" in {rule['column']} is no number") from None
    return text


def fact_of(kind, row, mapping):
    """None: a row without a time is none (a lead that nobody has called yet)."""
    occurred_at = value_of(kind["occurred_at"], row, mapping)
    if occurred_at is None:
        return None
    fact = {"type": kind["type"], "lead_id": value_of(kind["lead_id"], row, mapping),
            "occurred_at": instant(occurred_at, mapping)}  # fmt: skip
    if fact["lead_id"] is None:
        raise Unclear("the lead's id is empty")
    for field, rule in kind.get("fields", {}).items():
        fact[field] = value_of(rule, row, mapping)
    attributes = {name: value_of(rule, row, mapping) for name, rule in kind.get("attributes", {}).items()}
    if attributes:
        fact["attributes"] = {name: value for name, value in attributes.items() if value is not None}
    fact = {field: value for field, value in fact.items() if value is not None}
    # The same row makes the same id each time, so a second export changes nothing. Of contacts there may be two a minute.
    telling = ["stage"] if fact["type"] != "LeadContacted" else ["method", "outcome", "owner"]
    named = "\n".join([fact["type"], fact["lead_id"], fact["occurred_at"], *(fact.get(field, "") for field in telling)])
    return {**fact, "event_id": str(uuid.uuid5(uuid.NAMESPACE_URL, named))}


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        mapping = json.load(file)
    folder = sys.argv[2] if len(sys.argv) > 2 else os.path.dirname(os.path.abspath(sys.argv[1]))
    facts, unclear = [], 0
    for kind in mapping["facts"]:
        with open(os.path.join(folder, kind["file"]), encoding=mapping.get("encoding", "utf-8-sig"), newline="") as file:
            rows = csv.DictReader(file, delimiter=mapping.get("delimiter", ","))
            for row in rows:
                if any(row.get(column) != value for column, value in kind.get("only", {}).items()):
                    continue
                try:
                    facts.append(fact_of(kind, row, mapping))
                except Unclear as problem:
                    unclear += 1
                    print(f"{kind['file']}:{rows.line_num}: {kind['type']}: {problem}; passed over", file=sys.stderr)
    facts = [fact for fact in facts if fact]
    # In order of time, a hand-off before what follows it in the same instant.
    facts.sort(key=lambda fact: (datetime.datetime.fromisoformat(fact["occurred_at"]), fact["type"] != "LeadCreated"))
    for fact in facts:
        print(json.dumps(fact, ensure_ascii=False))
    return 1 if unclear else 0


if __name__ == "__main__":
    sys.exit(main())
