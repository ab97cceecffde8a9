"""sides.py - what is compared: Leadclock, and the job on Kafka Streams with its settings."""

import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import drain  # noqa: E402

JARS = os.path.join(HERE, *[".."] * 3, "build", "side-by-side")
# What takes the least CPU on two cores: the parallel collector, and Avro's generated coders.
JAVA = [
    "java", "-Xms1g", "-Xmx1g", "-XX:+UseParallelGC", "-Dorg.apache.avro.specific.use_custom_coders=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{JARS}/classes:{JARS}/libs/*", "Main",
]  # fmt: skip
# Compression and the wait for a fetch are Leadclock's. On two cores one thread is the faster in memory, two with RocksDB.
STREAMS = {
    "commit.interval.ms": 500,
    "statestore.cache.max.bytes": 16 << 20,
    "producer.linger.ms": 100,
    "producer.batch.size": 500000,
    "producer.compression.type": "lz4",
    "main.consumer.max.poll.records": 10000,
    "main.consumer.fetch.max.wait.ms": 20,
    "enable.metrics.push": "false",
    "replication.factor": 1,
}
TRANSACTIONAL = {"enable.transactional.statestores": "true"}
ROCKSDB = {"store": "rocksdb", "num.stream.threads": 2}
MEMORY = {"store": "memory", "num.stream.threads": 1}
SIDES = {
    "leadclock": None,
    "streams-rocksdb": {**ROCKSDB, **TRANSACTIONAL},
    "streams-memory": {**MEMORY, **TRANSACTIONAL},
    "streams-rocksdb-plain": ROCKSDB,
    "streams-memory-plain": MEMORY,
}


class Leadclock:
    def __init__(self, bench):
        self.bench, self.name = bench, "leadclock"
        self.output = os.path.join(bench.folder, "run.log")

    def start(self):
        return self.bench.start()

    def done(self):
        return self.bench.committed()

    def is_ready(self):
        return self.bench.is_ready()


class Streams:
    """Its group is named like Leadclock's, so `leadclock topics --lag` tells how far it is."""

    def __init__(self, bench, name, settings, inputs=None):
        self.bench, self.name = bench, name
        self.output = os.path.join(bench.folder, f"{name}.out")
        given = {
            **STREAMS,
            **settings,
            "bootstrap.servers": os.environ["KAFKA_BROKERS"],
            "application.id": name,
            "state.dir": os.path.join(bench.folder, f"{name}-state"),
            "registry": os.environ["REGISTRY_URL"],
            "inputs": f"{inputs or name}.",
            "outputs": f"{name}.leads.",
        }
        self.command = JAVA + [f"{key}={value}" for key, value in given.items()]

    def start(self):
        with open(self.output, "wb") as output:
            return subprocess.Popen(self.command, stdout=output, stderr=subprocess.STDOUT)

    def said(self, word):
        with open(self.output, encoding="utf-8") as file:
            numbers = [int(line.split()[1]) for line in file if line.startswith(word + " ") and line.endswith("\n")]
        return numbers[-1] if numbers else 0

    def done(self):
        return self.said("read")

    def is_ready(self):
        return self.said("running") > 0


def make(folder, leadclock, facts, workers, side, name, inputs=None, **settings):
    bench = drain.Bench(folder, leadclock, facts, workers, name, "none")
    bench.command("topics", "--create", "--partitions", str(drain.PARTITIONS), stdout=subprocess.DEVNULL)
    if SIDES[side] is None:
        return Leadclock(bench)
    return Streams(bench, name, {**SIDES[side], **settings}, inputs)


class Running:
    """A side's process, which ends with the block. What waits asks it whether all still live."""

    def __init__(self, side, limit_s):
        self.side, self.limit_s = side, limit_s

    def __enter__(self):
        self.began = time.monotonic()
        self.process = self.side.start()
        return self

    def __exit__(self, *failure):
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def elapsed(self):
        return time.monotonic() - self.began

    def must_live(self, what):
        for server, pid in self.side.bench.servers.items():
            if not os.path.exists(f"/proc/{pid}"):
                raise SystemExit(f"{server} has ended")
        if self.process.poll() is not None:
            raise SystemExit(f"{self.side.name} ended with {self.process.returncode} while {what}; see {self.side.output}")
        if self.elapsed() > self.limit_s:
            raise SystemExit(f"{self.side.name}: gave up after {self.limit_s:.0f} s: {what}; see {self.side.output}")

    def wait_until(self, holds, what):
        while not holds():
            self.must_live(what)
            time.sleep(0.02)
        return self.elapsed()
