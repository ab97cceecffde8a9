#!/usr/bin/env python3
"""drain.py FOLDER LEADCLOCK FACTS WORKERS all|none [cold] - the measuring part of drain.sh; with_servers.sh starts the servers and
names them in the environment."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
PARTITIONS = 4
TICKS = os.sysconf("SC_CLK_TCK")
POLL_S = 0.1
WARM_UP_FACTS = 400000
WARM_UP_ROUNDS = 8  # at most
COMPILES_LESS_THAN = 0.15  # of what the broker takes: it is warm


def say(text):
    print(time.strftime("%H:%M:%S"), text, file=sys.stderr, flush=True)


class Bench:
    def __init__(self, folder, leadclock, facts, workers, name, tables="all"):
        self.folder, self.leadclock, self.facts = folder, leadclock, facts
        self.make_facts = os.path.join(os.path.dirname(leadclock), "tests", "bench", "make-facts")
        self.config = os.path.join(folder, f"{name}.yaml")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.servers = {name: int(os.environ[name.upper() + "_PID"]) for name in ("kafka", "redis")}
        with open(os.path.join(HERE, "policy.yaml"), encoding="utf-8") as source:
            with open(os.path.join(folder, "policy.yaml"), "w", encoding="utf-8") as target:
                target.write(source.read())
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(
                f"""name: {name}
workers: {workers}
kafka:
  brokers: {os.environ["KAFKA_BROKERS"]}
registry: {{url: "{os.environ["REGISTRY_URL"]}"}}
redis: {{url: "{os.environ["REDIS_URL"]}"}}
policy: policy.yaml
topics: {{prefix: "{name}."}}
{"tables: {publish: []}" if tables == "none" else ""}
http: {{listen: "127.0.0.1:{self.port}"}}
"""
            )

    def command(self, *arguments, **options):
        return subprocess.run(
            [self.leadclock, arguments[0], "--config", self.config, *arguments[1:]], check=True, **options
        )

    def preload(self, seed, *mix):
        """Facts of the last two minutes."""
        began = time.monotonic()
        start = int(time.time() * 1000) - 120_000
        maker = subprocess.Popen(
            [self.make_facts, "--count", str(self.facts), "--start", str(start), "--days", str(120 / 86400), "--any-lead",
             "--seed", str(seed), *mix],
            stdout=subprocess.PIPE,
        )  # fmt: skip
        self.command("publish", "-", stdin=maker.stdout, stderr=subprocess.DEVNULL)
        if maker.wait() != 0:
            raise SystemExit("make-facts failed")
        say(f"{self.facts} facts published in {time.monotonic() - began:.1f} s")

    def lag(self):
        said = self.command("topics", "--lag", stdout=subprocess.PIPE).stdout
        return int(re.search(rb"(\d+) behind", said)[1])

    def committed(self):
        """Facts that were committed, as the service says: asking it costs nothing that is measured."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=5) as answer:
                text = answer.read().decode()
        except OSError:
            return 0
        return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("leadclock_facts_total{"))

    def redis_used(self):
        said = subprocess.run(
            ["redis-cli", "-p", os.environ["REDIS_PORT"], "info", "memory"], check=True, stdout=subprocess.PIPE
        ).stdout.decode()
        return next(int(line.split(":")[1]) for line in said.splitlines() if line.startswith("used_memory:"))

    def is_ready(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False

    def start(self):
        log = open(os.path.join(self.folder, "run.log"), "ab")
        return subprocess.Popen([self.leadclock, "run", "--config", self.config], stdout=log, stderr=log)


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        fields = file.read().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def peak_bytes(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))


def until_ready(bench, limit_s=120):
    began = time.monotonic()
    while not bench.is_ready():
        if time.monotonic() - began > limit_s:
            raise SystemExit(f"not ready after {limit_s} s; see {bench.folder}/run.log")
        time.sleep(0.01)
    return time.monotonic() - began


def until_zero(bench, service, limit_s=1800):
    """Seconds to the first commit and to zero lag."""
    began, first, said = time.monotonic(), None, 0
    while True:
        done = bench.committed()
        elapsed = time.monotonic() - began
        if first is None and done:
            first = elapsed
        if done >= bench.facts:
            break
        if service.poll() is not None:
            raise SystemExit(f"leadclock ended with {service.returncode}; see {bench.folder}/run.log")
        if elapsed > limit_s:
            raise SystemExit(f"{done} of {bench.facts} after {limit_s} s; see {bench.folder}/run.log")
        if elapsed - said >= 5:
            said = elapsed
            say(f"  {done} of {bench.facts} ({100 * done // bench.facts} %)")
        time.sleep(POLL_S)
    if bench.lag():
        raise SystemExit(f"all facts are committed, and yet {bench.lag()} are to be read")
    return first, elapsed


def stop(service):
    service.terminate()
    if service.wait(60) != 0:
        raise SystemExit(f"leadclock ended with {service.returncode} after SIGTERM")


def compiling_seconds(pid):
    """CPU that the compilers of a JVM have taken."""
    seconds = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/stat", encoding="utf-8") as file:
                name, _, rest = file.read().rpartition(") ")
        except FileNotFoundError:
            continue  # it has ended
        if "CompilerThre" in name:
            seconds += sum(int(field) for field in rest.split()[11:13]) / TICKS
    return seconds


def drain_once(folder, leadclock, workers, name):
    bench = Bench(folder, leadclock, WARM_UP_FACTS, workers, name)
    bench.command("topics", "--create", "--partitions", str(PARTITIONS), stdout=subprocess.DEVNULL)
    bench.preload(2)
    service = bench.start()
    until_zero(bench, service)
    stop(service)


def warm_up(folder, leadclock, workers):
    """A broker that was just started runs interpreted code, and compiles what it runs: it is measured as one that has
    been up for a while, once its compilers have nearly nothing left to do."""
    broker = int(os.environ["KAFKA_PID"])
    for round_ in range(WARM_UP_ROUNDS):
        say("warming the broker up")
        before, compiling_before = cpu_seconds(broker), compiling_seconds(broker)
        drain_once(folder, leadclock, workers, f"warm-up-{round_}")
        if compiling_seconds(broker) - compiling_before < COMPILES_LESS_THAN * (cpu_seconds(broker) - before):
            break


def main():
    folder, leadclock, facts, workers = sys.argv[1], os.path.abspath(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    tables, cold = sys.argv[5], sys.argv[6:] == ["cold"]
    if tables not in ("all", "none"):
        raise SystemExit("drain.py: --tables is all or none")
    if not cold:
        warm_up(folder, leadclock, workers)
    bench = Bench(folder, leadclock, facts, workers, "drain", tables)
    bench.command("topics", "--create", "--partitions", str(PARTITIONS), stdout=subprocess.DEVNULL)
    bench.preload(1)
    used_before = bench.redis_used()

    before = {name: cpu_seconds(pid) for name, pid in bench.servers.items()}
    service = bench.start()
    first, elapsed = until_zero(bench, service)
    cpu = {name: cpu_seconds(pid) - before[name] for name, pid in bench.servers.items()}
    cpu["leadclock"] = cpu_seconds(service.pid)
    peak = peak_bytes(service.pid)
    leads = facts * 60 // 100
    time.sleep(1)
    bytes_a_lead = (bench.redis_used() - used_before) / leads

    stop(service)
    service = bench.start()
    restart = until_ready(bench)
    stop(service)

    per_million = 1e6 / facts
    print(
        f"""
{facts} facts (60 % created, 35 % contacted, 5 % rejected), {leads} leads, {PARTITIONS} partitions, {workers} workers, {os.cpu_count()} cores shared with the servers, rows of {tables}
facts/s, process start to zero lag        {facts / elapsed:12,.0f}
facts/s, first commit to zero lag, about  {facts / max(elapsed - first, POLL_S):12,.0f}
CPU seconds per million facts: leadclock  {cpu["leadclock"] * per_million:12.2f}
                               Redis      {cpu["redis"] * per_million:12.2f}
                               broker     {cpu["kafka"] * per_million:12.2f}   ({"just started" if cold else "warm"})
peak memory of leadclock, MiB             {peak / 2**20:12.0f}
Redis, bytes a lead                       {bytes_a_lead:12.0f}
process start to first commit, s          {first:12.2f}
restart with all in place, to ready, s     {restart:12.2f}"""
    )


if __name__ == "__main__":
    main()
