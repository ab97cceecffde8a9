#!/usr/bin/env python3
"""rebuild.py FOLDER LEADCLOCK LEADS WORKERS - the measuring part of rebuild.sh; with_servers.sh starts the servers and names
them in the environment."""

import os
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

from drain import PARTITIONS, Bench, cpu_seconds, say, stop, until_ready, until_zero

ROUNDS = 3


def redis_cli(*words, **options):
    command = ["redis-cli", "-p", os.environ["REDIS_PORT"], *words]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, **options).stdout.decode()


def read_ready(bench):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{bench.port}/readyz", timeout=2) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.read().decode()
    except OSError:
        return ""


class Measured:
    """The CPU seconds of Redis and the broker, from now on."""

    def __init__(self, bench):
        self.bench, self.began = bench, time.monotonic()
        self.before = {name: cpu_seconds(pid) for name, pid in bench.servers.items()}

    def spent(self):
        return {name: cpu_seconds(pid) - self.before[name] for name, pid in self.bench.servers.items()}


def say_row(what, leads, seconds, cpu):
    costs = "".join(f"{cpu[name] * 1e6 / leads:10.2f}" if name in cpu else f"{'':10}" for name in ("leadclock", "redis", "kafka"))
    print(f"{what:46}{leads / seconds:12,.0f}{seconds:10.2f}{costs}", flush=True)


def rebuild(bench, workers):
    """`leadclock rebuild` of a Redis that is empty."""
    redis_cli("flushall", "sync")
    measured = Measured(bench)
    process = subprocess.Popen(
        [bench.leadclock, "rebuild", "--config", bench.config, "--set", f"workers={workers}"], stderr=subprocess.PIPE
    )
    said = process.stderr.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise SystemExit(f"rebuild failed: {said}")
    records, seconds = re.search(r"from (\d+) changelog records in ([\d.]+) s", said).groups()
    require_whole(bench)
    cpu = {"leadclock": usage.ru_utime + usage.ru_stime, **measured.spent()}
    say_row(f"leadclock rebuild, {workers} worker{'s' * (workers > 1)}", bench.facts, float(seconds), cpu)
    return int(records)


def run_after_flush(bench):
    """`leadclock run` from the start of the process to ready, Redis being empty; what /readyz says meanwhile."""
    redis_cli("flushall", "sync")
    measured, texts = Measured(bench), []
    service = bench.start()

    def look():
        while service.poll() is None and (text := read_ready(bench)) != "ok\n":
            texts.append(text)
            time.sleep(0.05)

    looking = threading.Thread(target=look)
    looking.start()
    seconds = until_ready(bench)
    looking.join()
    cpu = {"leadclock": cpu_seconds(service.pid), **measured.spent()}
    stop(service)
    require_whole(bench)
    say_row("leadclock run after FLUSHALL, start to ready", bench.facts, seconds, cpu)
    return next((line for text in texts for line in text.splitlines() if "making Redis" in line), None)


def require_whole(bench):
    hashes = redis_cli("--scan", "--pattern", "*:leads:*").split()
    leads = sum(int(redis_cli("hlen", key)) for key in hashes)
    if leads < bench.facts:
        raise SystemExit(f"{leads} leads in Redis, at least {bench.facts} wanted")


def words(*command):
    encoded = [word if isinstance(word, bytes) else str(word).encode() for word in command]
    return b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded)


def one_reply(file):
    line = file.readline()
    if line[:1] == b"$":
        return file.read(int(line[1:]) + 2)[:-2] if line[1:2] != b"-" else None
    if line[:1] == b"*":
        return [one_reply(file) for _ in range(int(line[1:]))]
    return line[1:-2]


def redis_alone(bench):
    """The same writes from a file: MULTI, ten HSETs or RPUSHes of 1,000 leads, SET, EXEC; the next ones are sent without
    waiting for answers. The states are those that are there."""
    connection = socket.create_connection(("127.0.0.1", int(os.environ["REDIS_PORT"])))
    file = connection.makefile("rb", 1 << 20)

    def ask(*command):
        connection.sendall(words(*command))
        return one_reply(file)

    pieces, size = [], 0
    for key in sorted(ask("KEYS", "*:wakeups")):
        prefix, writes = key[: -len(b"wakeups")], []
        for leads in sorted(ask("KEYS", prefix + b"leads:*")):
            held = ask("HGETALL", leads)
            size += sum(map(len, held[1::2]))
            writes += [words("HSET", leads, *held[at : at + 2000]) for at in range(0, len(held), 2000)]
        for list in sorted(ask("KEYS", key + b":*")):
            woken = ask("LRANGE", list, 0, -1)
            writes += [words("RPUSH", list, *woken[at : at + 1000]) for at in range(0, len(woken), 1000)]
        for first in range(0, len(writes), 10):
            piece = [words("WATCH", prefix + b"applied"), words("GET", prefix + b"applied"), words("MULTI")]
            piece += writes[first : first + 10]
            pieces.append(b"".join(piece + [words("SET", prefix + b"applied", "rec:0:0:n"), words("EXEC")]))
    redis_cli("flushall", "sync")
    measured = Measured(bench)
    redis_cli("--pipe", stdin=as_file(bench, pieces))
    seconds = time.monotonic() - measured.began
    require_whole(bench)
    say_row("Redis alone, the same writes by redis-cli --pipe", bench.facts, seconds, measured.spent())
    return size / bench.facts


def as_file(bench, pieces):
    path = os.path.join(bench.folder, "writes")
    with open(path, "wb") as file:
        file.writelines(pieces)
    return open(path, "rb")


def main():
    folder, leadclock, leads, workers = sys.argv[1], os.path.abspath(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    bench = Bench(folder, leadclock, leads, workers, f"rebuild-{os.getpid()}")
    bench.command("topics", "--create", "--partitions", str(PARTITIONS), stdout=subprocess.DEVNULL)
    bench.preload(1, "--mix", "1")
    service = bench.start()
    until_zero(bench, service)
    stop(service)

    print(f"\n{leads} leads of one fact, {PARTITIONS} partitions, {os.cpu_count()} cores shared with the servers")
    print(f"{'':46}{'leads/s':>12}{'seconds':>10}   CPU s a million leads: leadclock, Redis, broker")
    for _ in range(ROUNDS):
        for n in sorted({1, workers}):
            records = rebuild(bench, n)
        told = run_after_flush(bench)
    bytes_a_lead = redis_alone(bench)
    print(f"{records} changelog records, {bytes_a_lead:.0f} bytes a state")
    print(f"/readyz said: {told}")
    with open(os.path.join(folder, "run.log"), encoding="utf-8") as log:
        told = next((line.strip() for line in log if "making Redis" in line), "nothing, no partition took 2 s")
    print(f"the log said: {told}")


if __name__ == "__main__":
    main()
