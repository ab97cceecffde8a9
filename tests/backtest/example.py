#!/usr/bin/env python3
"""example.py LEADCLOCK FOLDER: the backtest says what a worked example says, outcomes, counters and tables, line by
line."""
import glob
import itertools
import json
import os
import subprocess
import sys
import tempfile


def read_lines(text):
    return [json.loads(line) for line in text.splitlines()]


def read_file(path):
    with open(path, encoding="utf-8") as file:
        return read_lines(file.read())


def differences(what, expected, got):
    for number, (wanted, found) in enumerate(itertools.zip_longest(expected, got), 1):
        if wanted != found:
            yield f"{what}, line {number}:\n  expected {json.dumps(wanted)}\n  got      {json.dumps(found, sort_keys=True)}"


def backtest(leadclock, folder, counters, tables):
    policies = sorted(glob.glob(os.path.join(folder, "policy*.yaml")))
    with open(os.path.join(folder, "until"), encoding="utf-8") as file:
        until = file.read().strip()
    command = [leadclock, "backtest", *(f"--policy={policy}" for policy in policies), "--until", until,
               "--counters", counters, "--tables", tables, os.path.join(folder, "events.jsonl")]
    return subprocess.run(command, stdout=subprocess.PIPE, check=False, encoding="utf-8")


def main():
    leadclock, folder = sys.argv[1:]
    with tempfile.TemporaryDirectory() as scratch:
        counters = os.path.join(scratch, "counters.jsonl")
        tables = os.path.join(scratch, "tables")
        done = backtest(leadclock, folder, counters, tables)
        if done.returncode != 0:
            sys.exit(f"exit code {done.returncode}")
        wrong = [*differences("outcomes", read_file(os.path.join(folder, "expected.jsonl")), read_lines(done.stdout)),
                 *differences("counters", read_file(os.path.join(folder, "counters.jsonl")), read_file(counters))]
        for table in sorted(os.listdir(os.path.join(folder, "tables"))):
            wrong += differences(table, read_file(os.path.join(folder, "tables", table)),
                                 read_file(os.path.join(tables, table)))
    if wrong:
        print("\n".join(wrong[:3]))
        sys.exit(f"{len(wrong)} lines differ")


main()
