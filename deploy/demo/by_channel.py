#!/usr/bin/env python3
"""by_channel.py - what was counted, as a table: reads `leadclock watch --from-beginning --until-caught-up
leads.counters` on standard input. Absolute values: the last of each (channel, cohort, partition) stands."""

import json
import sys

COLUMNS = [
    ("handed off", "handed_off"),
    ("contacted", "contacted"),
    ("in time", "first_contact_met"),
    ("late", "first_contact_breached"),
    ("escalated", "escalated"),
    ("asked again", "duplicate"),
    ("paused", "paused"),
    ("rejected", "rejected"),
    ("silent", "unresponsive"),
    ("clawed back", "clawed_back"),
    ("opportunity", "reached:OPPORTUNITY"),
    ("won", "reached:WON"),
]

latest = {}
for line in sys.stdin:
    record = json.loads(line)["value"]
    latest[record["channel"], record["cohort"], record["partition"]] = record["counts"]

channels = {}
for (channel, _, _), counts in latest.items():
    sums = channels.setdefault(channel, dict.fromkeys((metric for _, metric in COLUMNS), 0))
    for metric in sums:
        sums[metric] += counts.get(metric, 0)

rows = [["channel", *(title for title, _ in COLUMNS)]]
rows += [[channel, *map(str, sums.values())] for channel, sums in sorted(channels.items())]
rows.append(["all", *(str(sum(sums[metric] for sums in channels.values())) for _, metric in COLUMNS)])
widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
for row in rows:
    print(row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:])), sep="  ")
