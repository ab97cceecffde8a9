#!/usr/bin/env python3
"""demo.py LEADCLOCK ROOT: whatever the demo's dice say, its minute shows what deploy/demo.sh promises. Its leads live
through that minute at once, and a backtest tells what is published in it."""
import contextlib
import datetime
import io
import json
import os
import random
import runpy
import subprocess
import sys
import tempfile
import time

LEADCLOCK, ROOT = sys.argv[1:3]
SECONDS = 60  # SECONDS_SHOWN of deploy/demo.sh
BEGAN = 1_767_571_200
SIGHTS = {
    "a pause that comes in": lambda it: it["type"] == "LeadPaused",
    "a pause that has ended": lambda it: it["type"] == "row" and it["paused_ms"] > 0 and not it["paused_since"],
    "somebody who asks again": lambda it: it.get("clock") == "renewed",
    "a clock for the next owner": lambda it: it.get("clock") == "first_contact:2",
    "a breach": lambda it: it["type"] == "SlaBreached",
    "an escalation": lambda it: it["type"] == "SlaEscalated",
    "a breach that ends with a call": lambda it: it["type"] == "SlaBreachEnded" and it["ended_by"] == "CONTACTED",
    "a clawback": lambda it: it["type"] == "LeadClawedBack",
    "a route": lambda it: it["type"] == "LeadRouted",
    "one person under two ids": lambda it: it["type"] == "LeadSettled" and it["cause"] == "MERGED",
}


def facts(seed):
    """What leads.py prints in the minute, with no time lost."""
    random.seed(seed)
    printed, argv, sleep, clock = io.StringIO(), sys.argv, time.sleep, time.time
    sys.argv, time.sleep, time.time = ["leads.py", str(SECONDS)], lambda seconds: None, lambda: BEGAN
    try:
        with contextlib.redirect_stdout(printed):
            runpy.run_path(os.path.join(ROOT, "deploy", "demo", "leads.py"), run_name="__main__")
    finally:
        sys.argv, time.sleep, time.time = argv, sleep, clock
    return printed.getvalue()


def shown(lines):
    """Pauses, as they come in, outcomes, and how cycles stand at the end."""
    until = datetime.datetime.fromtimestamp(BEGAN + SECONDS, datetime.UTC).isoformat()
    with tempfile.TemporaryDirectory() as tables:
        done = subprocess.run([LEADCLOCK, "backtest", "--policy", os.path.join(ROOT, "deploy", "demo", "policy.yaml"),
                               "--until", until, "--tables", tables, "-"], input=lines, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False, encoding="utf-8")  # fmt: skip
        if done.returncode != 0:
            sys.exit(f"exit code {done.returncode}: {done.stderr}")
        with open(os.path.join(tables, "cycles.jsonl"), encoding="utf-8") as file:
            rows = [json.loads(line) | {"type": "row"} for line in file]
    return [*map(json.loads, lines.splitlines()), *map(json.loads, done.stdout.splitlines()), *rows]


def main():
    with open(os.path.join(ROOT, "deploy", "demo.sh"), encoding="utf-8") as script:
        if f"SECONDS_SHOWN={SECONDS}\n" not in script.read():
            sys.exit(f"deploy/demo.sh does not show {SECONDS} s")
    for seed in range(20):
        seen = shown(facts(seed))
        missing = [sight for sight, is_it in SIGHTS.items() if not any(map(is_it, seen))]
        if missing:
            sys.exit(f"seed {seed} does not show {', '.join(missing)}")


main()
