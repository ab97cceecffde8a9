#!/usr/bin/env python3
"""csv_example.py LEADCLOCK FOLDER - deploy/examples/csv: exports become the facts that they tell of, and a backtest takes
them; what the mapping does not know is told."""

import json
import os
import shutil
import subprocess
import sys
import tempfile

LEADCLOCK, FOLDER = sys.argv[1], os.path.join(sys.argv[2], "deploy", "examples", "csv")


def call(*command, given=None):
    done = subprocess.run(command, input=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", check=False)
    return done.returncode, done.stdout, done.stderr


def make_facts(folder):
    return call(sys.executable, os.path.join(FOLDER, "facts.py"), os.path.join(FOLDER, "mapping.json"), folder)


def brief(line):
    fact = json.loads(line)
    return (fact["lead_id"], fact["type"], fact["occurred_at"], fact.get("channel") or fact.get("outcome") or
            fact.get("reason") or fact.get("stage"))  # fmt: skip


def require(holds, message):
    if not holds:
        raise SystemExit(message)


code, text, said = make_facts(FOLDER)
require((code, said) == (0, ""), said)
found = [brief(line) for line in text.splitlines()]
wanted = [
    ("L-1", "LeadCreated", "2026-02-02T09:00:00.000+01:00", "demo"),
    ("L-1", "LeadContacted", "2026-02-02T09:04:00.000+01:00", "CONNECTED"),
    ("L-2", "LeadCreated", "2026-02-02T09:10:00.000+01:00", "fair"),
    ("L-2", "LeadContacted", "2026-02-03T14:20:00.000+01:00", "ATTEMPTED"),
    ("L-2", "LeadRejected", "2026-02-04T10:00:00.000+01:00", "not_ready"),
    ("L-1", "LeadProgressed", "2026-03-12T15:30:00.000+01:00", "WON"),
    ("L-3", "LeadCreated", "2026-03-27T16:45:00.000+01:00", "webinar"),
    ("L-4", "LeadCreated", "2026-03-30T09:05:00.000+02:00", "demo"),
    ("L-4", "LeadContacted", "2026-03-30T09:25:00.000+02:00", "ATTEMPTED"),
]
require(found == wanted, f"found {found}")
sizes = {fact["lead_id"]: fact.get("attributes") for fact in map(json.loads, text.splitlines()) if "attributes" in fact}
require(sizes["L-1"] == {"country": "DE", "employees": "1234567"} and sizes["L-4"]["employees"] == "80.5", sizes)
require(len({json.loads(line)["event_id"] for line in text.splitlines()}) == len(wanted), "ids repeat")
require(make_facts(FOLDER)[1] == text, "a second time they are others")

policy = os.path.join(sys.argv[2], "deploy", "demo", "policy.yaml")
code, _, said = call(LEADCLOCK, "backtest", "--policy", policy, "--quiet", "--report", "-", given=text)
require((code, said) == (0, ""), said)

with tempfile.TemporaryDirectory() as folder:
    # Two calls within a minute are two facts.
    for name in ("leads.csv", "activities.csv"):
        shutil.copy(os.path.join(FOLDER, name), folder)
    with open(os.path.join(folder, "activities.csv"), "a", encoding="utf-8") as file:
        file.write("L-3;28.03.2026 10:00;Brief;cy;erreicht\nL-3;2026-03-28;Telefon;cy;erreicht\n")
        file.write("L-4;30.03.2026 09:25;Telefon;anna;erreicht\n")
    code, text, said = make_facts(folder)
    require(code == 1 and len(text.splitlines()) == len(wanted) + 1, "rows that are not clear are facts, or no trouble")
    require(len({json.loads(line)["event_id"] for line in text.splitlines()}) == len(wanted) + 1, "ids repeat")
    require('activities.csv:5: LeadContacted: "Brief" in Art is none of Telefon, E-Mail, Termin; passed over' in said and
            "activities.csv:6: LeadContacted: time data '2026-03-28'" in said, said)  # fmt: skip
