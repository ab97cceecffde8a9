#!/usr/bin/env python3
"""ingest.py FOLDER LEADCLOCK FACTS - the measuring part of ingest.sh; with_servers.sh starts the servers and names them in
the environment."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def is_ready(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def measure(door, port, program, facts, each, connections):
    """False: not all were taken."""
    servers = {"leadclock ingest": door.pid, "Kafka": int(os.environ["KAFKA_PID"])}
    before = {name: cpu_seconds(pid) for name, pid in servers.items()}
    done = subprocess.run([program, str(port), str(connections), str(facts), str(each)], capture_output=True, text=True,
                          check=False)  # fmt: skip
    seconds, requests, rate, facts_rate, longest, errors = done.stdout.split()
    n = int(requests) * each
    print(f"{n} facts, {each} a request, {connections} connections: {seconds} s, {rate} requests/s, {facts_rate} facts/s, "
          f"longest answer {longest} ms, {errors} errors")  # fmt: skip
    for name, pid in servers.items():
        print(f"  {name}: {(cpu_seconds(pid) - before[name]) * 1e6 / n:.1f} CPU seconds for a million facts")
    return done.returncode == 0


def main():
    folder, leadclock, facts = sys.argv[1], sys.argv[2], int(sys.argv[3])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = os.path.join(folder, "ingest.yaml")
    with open(config, "w", encoding="utf-8") as file:
        file.write(
            f"""name: bench
kafka: {{brokers: {os.environ["KAFKA_BROKERS"]}}}
registry: {{url: "{os.environ["REGISTRY_URL"]}"}}
topics: {{prefix: "bench."}}
ingest: {{listen: "127.0.0.1:{port}"}}
"""
        )
    subprocess.run([leadclock, "topics", "--config", config, "--create", "--partitions", "4"], check=True,
                   stdout=subprocess.DEVNULL)  # fmt: skip
    program = os.path.join(os.path.dirname(leadclock), "tests", "bench", "send-facts")
    with open(os.path.join(folder, "ingest.log"), "wb") as log:
        door = subprocess.Popen([leadclock, "ingest", "--config", config], stdout=log, stderr=log)
    try:
        while not is_ready(port):
            time.sleep(0.1)
        measure(door, port, program, facts // 10, 100, 16)  # the broker warms up
        ok = measure(door, port, program, facts, 100, 16)
        ok = measure(door, port, program, facts // 10, 1, 64) and ok
    finally:
        door.terminate()
        door.wait()
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
