#!/usr/bin/env python3
"""dashboard.py FOLDER LEADCLOCK CYCLES - the measuring part of dashboard.sh; with_servers.sh starts the servers and names them in
the environment."""

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

from drain import PARTITIONS, Bench, cpu_seconds, peak_bytes, say, stop, until_zero

DAYS = 80
FACTS_A_CYCLE = 2
MIX = ("--mix", "50,35,5,8,2")
MOST_MIB = 500  # of a million cycles
FIXED_MIB = 60  # of these, however few there are: what waits to be read, and the program
PAGES = ("/", "/worklist", "/leads", "/routes", "/promises", "/channels", "/service")
CALM_S = 5


def load(bench, cycles):
    """Half of the facts are hand-offs."""
    maker = subprocess.Popen(
        [bench.make_facts, "--count", str(bench.facts), "--leads", str(cycles), "--start",
         str(int((time.time() - DAYS * 86400) * 1000)), "--days", str(DAYS), "--seed", "14", *MIX],
        stdout=subprocess.PIPE,
    )  # fmt: skip
    bench.command("publish", "-", stdin=maker.stdout, stderr=subprocess.DEVNULL)
    if maker.wait() != 0:
        raise SystemExit("make-facts failed")
    say(f"{bench.facts} facts are published")
    service = bench.start()
    until_zero(bench, service)
    until_calm(bench)
    stop(service)


def outcomes(bench):
    with urllib.request.urlopen(f"http://127.0.0.1:{bench.port}/metrics", timeout=30) as answer:
        return [line for line in answer.read().decode().splitlines() if line.startswith("leadclock_outcomes_total{")]


def until_calm(bench):
    """Timers that were due long ago are worked off, too."""
    say("the facts are judged; their timers are worked off")
    last, since = None, time.monotonic()
    while time.monotonic() - since < CALM_S:
        if (now := outcomes(bench)) != last:
            last, since = now, time.monotonic()
        time.sleep(0.5)


class Dashboard:
    def __init__(self, bench):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        log = open(os.path.join(bench.folder, "dashboard.log"), "ab")
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [bench.leadclock, "dashboard", "--config", bench.config, "--set", f"dashboard.listen=127.0.0.1:{self.port}"],
            stdout=log, stderr=log,
        )  # fmt: skip

    def ask(self, path):
        """(status, text); None: it does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return None

    def since(self):
        return time.monotonic() - self.began

    def spent(self):
        return cpu_seconds(self.process.pid)

    def peak_mib(self):
        return peak_bytes(self.process.pid) / 2**20

    def until(self, condition, limit_s=1800):
        while not (found := condition()):
            if self.process.poll() is not None or self.since() > limit_s:
                raise SystemExit(f"the dashboard does not get ready: {self.ask('/readyz')}")
            time.sleep(0.05)
        return found

    def count(self, what):
        rows = json.loads(self.ask("/api/service")[1])["dashboard"]
        return next(row["count"] for row in rows if row["what"] == what)


def how_far(dashboard):
    """What the first page that is made while rows come says of it; "all" where it has read them all by then."""
    answer = dashboard.ask("/")
    if answer is None or answer[0] != 200:
        return None
    found = re.search(r"still being read, ([1-9]\d* of \d+) records", answer[1])
    return found[1] if found else "all" if "Live:" in answer[1] else None


def measure(bench, cycles):
    dashboard = Dashboard(bench)
    try:
        so_far = dashboard.until(lambda: how_far(dashboard))
        first_s = dashboard.since()
        dashboard.until(lambda: (dashboard.ask("/readyz") or (0,))[0] == 200)
        read_s, read_cpu, read_mib = dashboard.since(), dashboard.spent(), dashboard.peak_mib()
        kept, rows = dashboard.count("cycles in memory"), dashboard.count("rows and deletions read")
        costs = []
        for path in PAGES:
            before = dashboard.spent()
            if dashboard.ask(path)[0] != 200:
                raise SystemExit(f"{path} is no page")
            costs.append(f"{path} {dashboard.spent() - before:.2f}")
        all_mib = dashboard.peak_mib()
    finally:
        dashboard.process.terminate()
        dashboard.process.wait(60)
    print(
        f"""
{kept} cycles in memory, of {rows} rows and deletions, {PARTITIONS} partitions, {os.cpu_count()} cores shared with Kafka
first page, s after the start             {first_s:10.2f}   (it says: {so_far} records)
read to the end, s after the start        {read_s:10.2f}
CPU seconds until then                    {read_cpu:10.2f}
peak memory until then, MiB               {read_mib:10.0f}
peak memory with every page made, MiB     {all_mib:10.0f}
CPU seconds of pages                      {", ".join(costs)}"""
    )
    if kept < cycles * 0.9:
        raise SystemExit(f"{kept} cycles are too few to prove anything of {cycles}")
    most_mib = FIXED_MIB + (MOST_MIB - FIXED_MIB) * cycles / 1e6
    if all_mib > most_mib:
        raise SystemExit(f"{all_mib:.0f} MiB are more than {most_mib:.0f}")


def main():
    folder, leadclock, cycles = sys.argv[1], os.path.abspath(sys.argv[2]), int(sys.argv[3])
    bench = Bench(folder, leadclock, cycles * FACTS_A_CYCLE, 2, "dashboard")
    if sys.argv[4:] != ["loaded"]:
        bench.command("topics", "--create", "--partitions", str(PARTITIONS), stdout=subprocess.DEVNULL)
        load(bench, cycles)
    measure(bench, cycles)


if __name__ == "__main__":
    main()
