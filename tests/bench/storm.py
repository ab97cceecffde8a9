#!/usr/bin/env python3
"""storm.py FOLDER LEADCLOCK TIMERS ROUNDS WORKERS all|none [AGAINST] - the measuring part of storm.sh; with_servers.sh starts
the servers and names them in the environment."""

import os
import re
import statistics
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TIMELY = os.path.join(ROOT, "tests", "integration", "timely.py")
# A million hand-offs are published and read in 10 s on quiet cores.
SECONDS_BEFORE = 20
SECONDS_BEFORE_A_MILLION = 15
SAID = re.compile(r"published ([\d.]+) s after .*?leadclock ([\d.]+), Redis ([\d.]+), the broker ([\d.]+)", re.DOTALL)
COLUMNS = ("s until the last", "CPU s a million: leadclock", "Redis", "broker")


def environment(folder, program, timers, workers, tables):
    """As timely.py wants it; the programs that feed it are in `tests` beside the one that is tried."""
    return os.environ | {
        "LC_TEST_BROKERS": os.environ["KAFKA_BROKERS"],
        "LC_TEST_REDIS_URL": os.environ["REDIS_URL"],
        "LC_TEST_REGISTRY_URL": os.environ["REGISTRY_URL"],
        "LC_STACK_DIR": os.path.join(folder, "stack"),
        "LC_BINARY": program,
        "LC_TIMERS": str(timers),
        "LC_TIMERS_BEFORE": str(SECONDS_BEFORE + SECONDS_BEFORE_A_MILLION * timers // 1000000),
        "LC_STORM_SETTINGS": f"workers={workers}" + (" tables.publish=[]" if tables == "none" else ""),
    }


def storm(env):
    done = subprocess.run([sys.executable, "-B", TIMELY, "storm"], env=env, capture_output=True, text=True)
    found = SAID.search(done.stdout + done.stderr)
    if found is None:
        raise SystemExit(f"timely.py storm ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return [float(figure) for figure in found.groups()]


def say_row(name, figures):
    print(f"{name:24}" + "".join(f"{figure:{len(column) + 4}.2f}" for column, figure in zip(COLUMNS, figures)), flush=True)


def main():
    folder, built, timers, rounds, workers, tables = sys.argv[1:7]
    programs = {"leadclock": os.path.abspath(built)} | ({"against": sys.argv[7]} if sys.argv[7:] else {})
    envs = {name: environment(folder, program, int(timers), workers, tables) for name, program in programs.items()}
    storm(envs["leadclock"])
    print(f"{'':24}" + "".join(f"{column:>{len(column) + 4}}" for column in COLUMNS))
    found = {name: [] for name in programs}
    for turn in range(int(rounds)):
        for name in list(programs)[:: 1 if turn % 2 == 0 else -1]:
            found[name].append(storm(envs[name]))
            say_row(f"{turn + 1}: {name}", found[name][-1])
    for name, rows in found.items():
        say_row(f"median: {name}", [statistics.median(column) for column in zip(*rows)])


main()
