#!/usr/bin/env python3
"""compare.py FOLDER LEADCLOCK OPTION... - the measuring part of side-by-side.sh, whose options it knows; with_servers.sh
starts the servers and names them in the environment. compare.py --only-options OPTION... only says what is wrong in them."""

import argparse
import glob
import os
import re
import signal
import statistics
import sys
import time

import outcomes
from sides import JARS, SIDES, Running, drain, make

README = os.path.join(os.path.dirname(__file__), *[".."] * 3, "README.md")
BEGIN = "<!-- tests/bench/side-by-side.sh --write-readme writes this -->"
END = "<!-- and ends here -->"
DEFAULT_SIDES = ["leadclock", "streams-rocksdb", "streams-memory"]
NAMES = {
    "leadclock": "Leadclock",
    "streams-rocksdb": "Streams, RocksDB",
    "streams-memory": "Streams, in memory",
    "streams-rocksdb-plain": "RocksDB, not transactional",
    "streams-memory-plain": "in memory, not transactional",
}
# What, its key, how it is written, and whether more is better.
FIGURES = [
    ("facts/s, from the start of the process to zero lag", "whole", "{:,.0f}", True),
    ("facts/s, since the first were done", "flow", "{:,.0f}", True),
    ("CPU s a million facts: the program", "cpu", "{:.1f}", False),
    ("the same, second half of the backlog", "warm", "{:.1f}", False),
    ("CPU s a million facts: Redis", "redis", "{:.1f}", False),
    ("CPU s a million facts: broker", "kafka", "{:.1f}", False),
    ("CPU s a million facts: all three", "sum", "{:.1f}", False),
    ("peak memory of the program, MiB", "peak", "{:,.0f}", False),
    ("the same and what Redis grew by, MiB", "memory", "{:,.0f}", False),
    ("restart with everything in place, until ready, s", "restart", "{:.2f}", False),
]


def work_off(running, facts):
    """Seconds to zero lag, CPU seconds of the program, facts/s since the first were done, CPU s a million since half of
    them were."""
    side, first, half, told = running.side, None, None, 0
    while True:
        done, elapsed = side.done(), running.elapsed()
        first = first or ((done, elapsed) if done else None)
        half = half or ((done, drain.cpu_seconds(running.process.pid)) if done >= facts / 2 else None)
        if done >= facts and side.bench.lag() == 0:
            break
        running.must_live(f"{done} of {facts} facts were done")
        if elapsed - told >= 5:
            told = elapsed
            drain.say(f"  {done} of {facts} ({100 * done // facts} %)")
        time.sleep(drain.POLL_S)
    elapsed, cpu = running.elapsed(), drain.cpu_seconds(running.process.pid)
    flow = (facts - first[0]) / max(elapsed - first[1], drain.POLL_S)
    return elapsed, cpu, flow, (cpu - half[1]) * 1e6 / max(facts - half[0], 1)


def measure(options, side_name, name):
    facts = options.facts
    side = make(options.folder, options.leadclock, facts, options.workers, side_name, name, **options.set)
    bench = side.bench
    bench.preload(1)
    used = bench.redis_used()
    before = {server: drain.cpu_seconds(pid) for server, pid in bench.servers.items()}
    with Running(side, 300 + facts / 200) as running:
        elapsed, cpu, flow, warm = work_off(running, facts)
        row = {server: (drain.cpu_seconds(pid) - before[server]) * 1e6 / facts for server, pid in bench.servers.items()}
        row["peak"] = drain.peak_bytes(running.process.pid) / 2**20
        row["memory"] = row["peak"] + max(bench.redis_used() - used, 0) / 2**20
    with Running(side, 300) as running:
        row["restart"] = running.wait_until(side.is_ready, "it restarted")
    row["redis"] = row["redis"] if side_name == "leadclock" else 0
    row.update(cpu=cpu * 1e6 / facts, warm=warm, whole=facts / elapsed, flow=flow)
    row["sum"] = row["cpu"] + row["redis"] + row["kafka"]
    drain.say(f"{side_name}: " + ", ".join(f"{key} {value:,.1f}" for key, value in row.items()))
    return row


def cells(rows):
    """A line a figure: what, and of each side the median; of the others also how many times better the first is."""
    sides = list(rows)
    for title, key, form, more in FIGURES:
        medians = [statistics.median(row[key] for row in rows[side]) for side in sides]
        line = [title, form.format(medians[0])]
        for median in medians[1:]:
            above, below = (medians[0], median) if more else (median, medians[0])
            line.append(form.format(median) + (f" ({above / below:.1f})" if above and below else ""))
        yield line


def print_table(rows):
    print("\n" + f"{'':50}" + "".join(f"{side:>24}" for side in rows))
    for title, *values in cells(rows):
        print(f"{title:50}" + "".join(f"{value:>24}" for value in values))


def paragraph(options, rows):
    """What the README says: the table, and whence it is."""
    version = re.search(r"kafka-streams-([0-9.]+)\.jar", " ".join(glob.glob(f"{JARS}/libs/*")))[1]
    command = f"tests/bench/side-by-side.sh {options.facts} --rounds {options.rounds} --workers {options.workers}"
    lines = [
        f"The same job on Kafka Streams {version}, exactly once (`tests/bench/side-by-side`), with state in RocksDB or in "
        f"memory: `{command} --sides {','.join(rows)} --write-readme` lets both work off the same facts by turns, on the "
        f"same servers and {os.cpu_count()} cores, and wrote this table: medians, and in brackets how many times better "
        f"Leadclock is. The job on Kafka Streams is the smaller one: no corrections of what was said before, no settlements, no ends of "
        f"breaches. What both publish of breaches, clawbacks, routes and counters `--check` compares. The "
        f"first line and the third have Java start and compile itself, the second and the fourth less of it.",
        "",
        f"| {options.facts:,} facts, median of {options.rounds} | " + " | ".join(NAMES[side] for side in rows) + " |",
        "|---" * (len(rows) + 1) + "|",
        *("| " + " | ".join(line) + " |" for line in cells(rows)),
    ]
    return "\n".join(lines)


def with_paragraph(readme, text):
    begin, end = readme.index(BEGIN) + len(BEGIN), readme.index(END)
    return f"{readme[:begin]}\n\n{text}\n\n{readme[end:]}"


def write_readme(text):
    with open(README, encoding="utf-8") as file:
        readme = file.read()
    with open(README, "w", encoding="utf-8") as file:
        file.write(with_paragraph(readme, text))


def setting(text):
    key, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError("KEY=VALUE is wanted")
    return key, value


def read_options():
    parser = argparse.ArgumentParser(prog="side-by-side.sh")
    parser.add_argument("facts", type=int, nargs="?")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--sides", type=lambda text: text.split(","), default=DEFAULT_SIDES, help=", ".join(SIDES))
    parser.add_argument("--set", type=setting, action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--write-readme", action="store_true")
    arguments = sys.argv[1:]
    only_options = arguments[:1] == ["--only-options"]
    options = parser.parse_args(arguments[1 if only_options else 2 :])
    if wrong := [side for side in options.sides if side not in SIDES]:
        parser.error(f"{wrong[0]} is none of {', '.join(SIDES)}")
    if options.write_readme and (options.sides[0] != "leadclock" or options.set):
        parser.error("the README's table begins with leadclock, and is without --set")
    if only_options:
        sys.exit()
    options.folder, options.leadclock, options.set = arguments[0], os.path.abspath(arguments[1]), dict(options.set)
    return options


def main():
    options = read_options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what it started ends with it
    if options.check:
        outcomes.check(options)
        return
    options.facts = options.facts or 1000000
    rows = {side: [] for side in options.sides}
    drain.warm_up(options.folder, options.leadclock, options.workers)
    for number in range(options.rounds):
        # Every other round the other way round: who comes first has the busier broker.
        for side in options.sides if number % 2 == 0 else reversed(options.sides):
            drain.say(f"round {number + 1} of {options.rounds}: {side}")
            rows[side].append(measure(options, side, f"{side}-{number}"))
    print(f"\n{options.facts} facts, {options.rounds} rounds by turns, medians; (N): the first is N times better")
    print_table(rows)
    if options.write_readme:
        write_readme(paragraph(options, rows))


if __name__ == "__main__":
    main()
