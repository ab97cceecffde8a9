#!/usr/bin/env python3
"""sizing.py [--write|--check] - the table of docs/operations.md that says how many of what a load needs, and for what load a pod
of deploy/kubernetes asks: computed from what was measured, which is here and nowhere else. --write puts it there; --check fails
where it is out of date. A pod that asks for less memory than was measured is refused."""

import math
import os
import re
import sys

# Measured by tests/bench/drain.sh (a million facts, 600,000 leads, four partitions, two workers; all servers on the same two cores)
# and rebuild.sh (a million leads, two workers). After a change of what a fact costs: put the new medians here, and --write.
MEASURED = {
    "of": "November 2026",
    # CPU seconds a million facts: without tables of rows (medians, README), and with all six (the most of three runs, README).
    "leadclock": (4.1, 6.0),
    "redis": (1.9, 1.8),
    "broker": (2.0, 3.0),
    "bytes a lead": 245,
    "leads a second, made anew, two workers": 625_000,
    # MiB at the height: a drain with all tables; a dashboard of a million cycles (tests/bench/dashboard.sh), every page made.
    "MiB of two workers": 235,
    "MiB of a dashboard": 488,
}

# Chosen, not measured.
BUSY = 0.5  # of a core, at most, at the peak: the other half catches up after a standstill, and takes timers that are due together
LARGEST = 16  # GiB of a master of Redis: a larger one takes minutes to copy to a replica
ROOM = 1.5  # memory of Redis, of what the leads take: counters, buffers, what an allocator wastes
LOADS = [(1_000, 1_000_000), (10_000, 10_000_000), (50_000, 50_000_000), (100_000, 100_000_000), (300_000, 300_000_000)]
PARTITIONS = (12, 24, 48, 96, 192)

HERE = os.path.dirname(os.path.abspath(__file__))
OPERATIONS = os.path.join(HERE, "operations.md")
BEGIN, END = "<!-- made by docs/sizing.py --write -->\n", "<!-- end of what is made -->\n"


def cores(facts, part):
    """Busy at so many facts a second, with all tables."""
    return facts * MEASURED[part][1] / 1e6


def brief(number):
    """Two digits, if it has so few."""
    return f"{number:.2g}" if number < 10 else f"{number:.0f}"


def row(facts, leads):
    workers = max(2, math.ceil(cores(facts, "leadclock") / BUSY))
    memory = leads * MEASURED["bytes a lead"] * ROOM / 2**30
    masters = max(math.ceil(cores(facts, "redis") / BUSY), math.ceil(memory / LARGEST))
    processes = max(2, math.ceil(workers / 4))
    per_process = math.ceil(workers / processes)
    wanted = max(4 * masters, 2 * processes * per_process)
    partitions = next((n for n in PARTITIONS if n >= wanted), wanted)
    servers = "one master" if masters == 1 else f"a cluster of {max(3, masters)} masters"
    anew = leads / (MEASURED["leads a second, made anew, two workers"] / 2 * processes * per_process)
    return [
        f"{facts:,}", f"{leads // 1_000_000} million", *(brief(cores(facts, part)) for part in ("leadclock", "redis", "broker")),
        f"{partitions}", f"{processes} of {per_process}", servers, f"{brief(memory)} GiB",
        f"{max(1, round(anew))} s",
    ]  # fmt: skip


def asked(manifest, measured):
    """Cores and MiB that a pod is given at least."""
    with open(os.path.join(HERE, "..", "deploy", "kubernetes", "base", manifest), encoding="utf-8") as file:
        (cpu, memory), = re.findall(r"requests: \{cpu: (\d+)m, memory: (\d+)Mi\}", file.read())
    if int(memory) < MEASURED[measured]:
        sys.exit(f"{manifest} asks for {memory} MiB, and {MEASURED[measured]} were measured")
    return int(cpu) / 1000, int(memory)


def pods():
    cpu, memory = asked("statefulset.yaml", "MiB of two workers")
    pages_cpu, pages_memory = asked("dashboard.yaml", "MiB of a dashboard")
    return (
        f"So a pod of `deploy/kubernetes/base`, which has two workers, asks for {cpu} cores, which are busy for half of the time at "
        f"{round(cpu * BUSY * 1e6 / MEASURED['leadclock'][1], -3):,.0f} facts/s with all tables, and for {memory} MiB, where they took {MEASURED['MiB of two workers']} "
        f"at the height (`cache.leads` comes on top); the dashboard's for {pages_cpu} cores and {pages_memory} MiB, where a million "
        f"cycles took {MEASURED['MiB of a dashboard']}. Neither has a limit of CPU, so that Redis is made anew, and tables are read, "
        "as fast as the machine can."
    )


def table():
    measured = [f"| {part} | {MEASURED[part][0]} | {MEASURED[part][1]} |" for part in ("leadclock", "redis", "broker")]
    head = ["facts/s at the peak", "leads kept", "leadclock", "Redis", "broker", "partitions", "processes of workers", "Redis' masters",
            "memory of Redis", "made anew in"]  # fmt: skip
    lines = [
        f"**Measured** ({MEASURED['of']}; `tests/bench/drain.sh`, one broker without replicas, two workers, all on the same two cores): "
        f"{MEASURED['bytes a lead']} bytes a lead in Redis, which `rebuild.sh` makes anew at "
        f"{MEASURED['leads a second, made anew, two workers']:,} leads a second with two workers; and CPU seconds a million facts (without tables the medians, with all the most of three runs):", "",
        "| | no tables | all six |", "|---|---|---|", *measured, "",
        "**Computed** from that, with all tables, for a load; the third to fifth columns are cores that are busy at the peak:", "",
        "| " + " | ".join(head) + " |", "|" + "---|" * len(head), *("| " + " | ".join(row(*load)) + " |" for load in LOADS), "", pods(), "",
    ]  # fmt: skip
    return "\n".join(lines)


def main():
    with open(OPERATIONS, encoding="utf-8") as file:
        text = file.read()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        sys.exit(f"{OPERATIONS} has no place for it")
    wanted = before + BEGIN + table() + END + after
    if "--write" in sys.argv[1:]:
        with open(OPERATIONS, "w", encoding="utf-8") as file:
            file.write(wanted)
    elif "--check" in sys.argv[1:]:
        if wanted != text:
            sys.exit("the table of sizes in docs/operations.md is out of date: docs/sizing.py --write")
    else:
        print(table())


if __name__ == "__main__":
    main()
