#!/usr/bin/env python3
"""compare.py FOLDER LEADCLOCK FACTS ROUNDS WORKERS SIDE... - the measuring part of side-by-side.sh; with_servers.sh starts the
servers and names them in the environment."""

import os
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import drain  # noqa: E402

JARS = os.path.join(HERE, *[".."] * 3, "build", "side-by-side")
HEAP = "-Xmx2g"

# Chosen by hand for two cores; they were not searched, and others may be faster. Compression and the wait for a fetch are
# Leadclock's.
STREAMS = {
    "num.stream.threads": 2,
    "commit.interval.ms": 500,
    "statestore.cache.max.bytes": 16 << 20,
    "producer.linger.ms": 100,
    "producer.batch.size": 500000,
    "producer.compression.type": "lz4",
    "main.consumer.max.poll.records": 10000,
    "main.consumer.fetch.max.wait.ms": 20,
    "metrics.recording.level": "INFO",
    "topology.optimization": "all",
    "enable.metrics.push": "false",
    "replication.factor": 1,
}
SIDES = {
    "leadclock": None,
    "streams-rocksdb": {"store": "rocksdb", "enable.transactional.statestores": "true"},
    "streams-memory": {"store": "memory", "enable.transactional.statestores": "true"},
    "streams-rocksdb-plain": {"store": "rocksdb"},
    "streams-memory-plain": {"store": "memory"},
}
FIGURES = [
    ("facts/s, process start to zero lag", "whole", "{:,.0f}"),
    ("CPU s a million facts: the program", "cpu", "{:.2f}"),
    ("                       Redis", "redis", "{:.2f}"),
    ("                       broker", "kafka", "{:.2f}"),
    ("                       all", "sum", "{:.2f}"),
    ("peak memory, MiB (without Redis)", "peak", "{:,.0f}"),
]


class Streams:
    """Its group is named like Leadclock's, so `leadclock topics --lag` tells how far it is."""

    def __init__(self, bench, name, settings):
        self.bench, self.name = bench, name
        self.output = os.path.join(bench.folder, f"{name}.out")
        given = {
            **STREAMS,
            **settings,
            "bootstrap.servers": os.environ["KAFKA_BROKERS"],
            "application.id": name,
            "state.dir": os.path.join(bench.folder, f"{name}-state"),
            "registry": os.environ["REGISTRY_URL"],
            "inputs": f"{name}.",
            "outputs": f"{name}.leads.",
            "expect": bench.facts,
        }
        self.command = ["java", HEAP, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{JARS}/classes:{JARS}/libs/*", "Main"]
        self.command += [f"{key}={value}" for key, value in given.items()]

    def start(self):
        output = open(self.output, "wb")
        return subprocess.Popen(self.command, stdout=output, stderr=subprocess.STDOUT)

    def said(self, word):
        with open(self.output, encoding="utf-8") as file:
            return next((int(line.split()[1]) / 1000 for line in file if line.startswith(word + " ")), None)

    def until_zero(self, service, limit_s=1800):
        began = time.monotonic()
        while self.said("read") is None or self.bench.lag():
            if service.poll() is not None or time.monotonic() - began > limit_s:
                raise SystemExit(f"Kafka Streams did not get to the end; see {self.output}")
            time.sleep(drain.POLL_S)
        return time.monotonic() - began


def run(folder, leadclock, facts, workers, side, name):
    bench = drain.Bench(folder, leadclock, facts, workers, name, "none")
    bench.command("topics", "--create", "--partitions", str(drain.PARTITIONS), stdout=subprocess.DEVNULL)
    bench.preload(1)
    runner = Streams(bench, name, SIDES[side]) if SIDES[side] else None
    before = {name: drain.cpu_seconds(pid) for name, pid in bench.servers.items()}
    service = runner.start() if runner else bench.start()
    elapsed = runner.until_zero(service) if runner else drain.until_zero(bench, service)[1]
    row = {name: (drain.cpu_seconds(pid) - before[name]) * 1e6 / facts for name, pid in bench.servers.items()}
    row["redis"] = 0 if runner else row["redis"]
    row["cpu"] = drain.cpu_seconds(service.pid) * 1e6 / facts
    row["sum"] = row["cpu"] + row["redis"] + row["kafka"]
    row["peak"] = drain.peak_bytes(service.pid) / 2**20
    row["whole"] = facts / elapsed
    service.terminate()
    service.wait(60)
    drain.say(f"{side}: " + ", ".join(f"{key} {value:,.1f}" for key, value in row.items()))
    return row


def print_table(rows):
    sides = list(rows)
    print("\n" + " " * 40 + "".join(f"{side:>22}" for side in sides))
    for title, key, form in FIGURES:
        medians = {side: statistics.median(row[key] for row in rows[side]) for side in sides}
        cells = []
        for side in sides:
            ratio = f" ({medians[side] / medians[sides[0]]:.2f})" if side != sides[0] and medians[sides[0]] else ""
            cells.append(f"{form.format(medians[side]) + ratio:>22}")
        print(f"{title:40}" + "".join(cells))


def main():
    folder, leadclock, facts, rounds, workers = sys.argv[1], os.path.abspath(sys.argv[2]), *map(int, sys.argv[3:6])
    sides = sys.argv[6:]
    rows = {side: [] for side in sides}
    drain.warm_up(folder, leadclock, workers)
    for number in range(rounds):
        # Every other round the other way round: who comes first has the busier broker.
        for side in sides if number % 2 == 0 else reversed(sides):
            rows[side].append(run(folder, leadclock, facts, workers, side, f"{side}-{number}"))
    print(f"\n{facts} facts, {rounds} rounds by turns, {workers} workers, medians; in brackets: times the first column")
    print_table(rows)


if __name__ == "__main__":
    main()
