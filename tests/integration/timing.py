"""timing.py - what the tests that measure share: a producer whose transactions can stay open, a look at the moment at
which outputs become visible, and a service with figures."""

import collections
import contextlib
import os
import subprocess
import threading
import time
import urllib.request

from hostile import Writer, created
from world import BINARY, BROKERS, INPUT_TOPICS, STACK_DIR, free_port, murmur2_partition, require, say

# Built beside the leadclock that is tried.
BUILT = os.path.join(os.path.dirname(BINARY), "tests")
RAW_PRODUCER = os.path.join(BUILT, "integration", "raw-producer")
MAKE_FACTS = os.path.join(BUILT, "bench", "make-facts")
TICKS = os.sysconf("SC_CLK_TCK")

# `seconds`: within which a lead must be contacted.
POLICY = """name: timing
stages: [SAL, {name: WON, closes: won}]
reasons: {other: {route: NURTURE}}
retain: 9000d
rules:
  - name: fast
    when: any
    first_contact: {within: %ds}
    clawback: {after: 30d}
"""


@contextlib.contextmanager
def preloaded(library, **environment):
    """What is started meanwhile has one of our libraries before all others."""
    environment["LD_PRELOAD"] = os.path.join(BUILT, "integration", f"lib{library}.so")
    require(os.path.exists(environment["LD_PRELOAD"]), f"{environment['LD_PRELOAD']} is not built")
    os.environ.update(environment)
    try:
        yield
    finally:
        for name in environment:
            del os.environ[name]


def quantile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def say_load():
    say("machine load %.1f %.1f %.1f on %d cores" % (*os.getloadavg(), os.cpu_count()))


def lead_in(partition, name):
    """A lead whose key belongs to a partition."""
    return next(
        lead for lead in (f"{name}-{n}" for n in range(1000)) if murmur2_partition(lead.encode()) == partition
    )


def publish_hand_offs(world, leads, start_ms, seconds):
    """One hand-off a lead, evenly over some seconds; the lead's id is a UUID."""
    span = ["--start", str(start_ms), "--days", str(seconds / 86400)]
    with subprocess.Popen([MAKE_FACTS, "--count", str(leads), "--mix", "1", *span], stdout=subprocess.PIPE) as made:
        world.run("publish", "-", source=made.stdout, timeout=300)
    require(made.returncode == 0, "make-facts failed")


def stack_pid(server):
    with open(os.path.join(STACK_DIR, f"{server}.pid"), encoding="utf-8") as file:
        return int(file.read().split()[0])


def cpu_seconds_of(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        fields = file.read().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class Stranger:
    """A member of a world's group that is none of ours: kcat, as a static one."""

    def __init__(self, world, instance, client_id="kcat", session_s=6):
        command = ["kcat", "-q", "-b", BROKERS, "-G", world.name]
        for name, value in (
            ("group.instance.id", instance), ("client.id", client_id), ("partition.assignment.strategy", "range"),
            ("session.timeout.ms", session_s * 1000), ("enable.auto.commit", "false"),
        ):  # fmt: skip
            command += ["-X", f"{name}={value}"]
        command += [world.prefix + topic for topic in INPUT_TOPICS]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill(self):
        self.process.kill()
        self.process.wait()


class Producer:
    """raw-producer: sends any bytes at once, in a transaction if it has an id."""

    def __init__(self, world, transactional_id=None, brokers=BROKERS):
        self.prefix = world.prefix
        command = [RAW_PRODUCER, brokers] + ([f"{world.name}-{transactional_id}"] if transactional_id else [])
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def send(self, topic, key, value, partition=-1, headers=None):
        fields = [self.prefix + topic, str(partition)] + ["-" if x is None else x.hex() for x in (key, value)]
        fields += [f"{name}={text.encode().hex()}" for name, text in (headers or {}).items()]
        self.process.stdin.write("\t".join(fields).encode() + b"\n")

    def push(self):
        """What was sent so far goes on its way."""
        self.process.stdin.flush()

    def command(self, word):
        """flush, begin, commit or abort."""
        self.process.stdin.write(f"!{word}\n".encode())
        self.process.stdin.flush()
        require(self.process.stdout.readline() == b"ok\n", f"raw-producer could not {word}")

    def close(self):
        self.process.stdin.close()
        require(self.process.wait(60) == 0, "raw-producer failed")


class Facts:
    """Facts as bytes, cheaply."""

    def __init__(self):
        self.created_writer, self.contacted_writer = Writer("LeadCreated"), Writer("LeadContacted")

    def created(self, lead, at):
        return created(self.created_writer, lead, occurred_at=at)

    def contacted(self, lead, at):
        return self.contacted_writer.write(
            event_id="k", lead_id=lead, occurred_at=at, method="CALL", automated=False, outcome="CONNECTED"
        )


Seen = collections.namedtuple("Seen", "at topic partition timestamp type key")


class Tail:
    """Whatever is committed to some topics, and when it could be seen (so a little late, never early). A broker that
    goes away is waited for."""

    def __init__(self, world, *topics):
        self.prefix, self.partitions, self.seen = world.prefix, world.partitions, []
        self.children = [self.follow(topic) for topic in topics]

    def follow(self, topic):
        command = ["kcat", "-C", "-q", "-u", "-E", "-b", BROKERS, "-t", self.prefix + topic, "-o", "beginning",
                   "-X", "isolation.level=read_committed", "-X", "fetch.wait.max.ms=10",
                   "-X", "reconnect.backoff.max.ms=100",
                   "-f", "%t\\t%p\\t%T\\t%h\\t%k\\n"]  # fmt: skip
        child = subprocess.Popen(command, stdout=subprocess.PIPE)
        threading.Thread(target=self.read, args=(child,), daemon=True).start()
        return child

    def read(self, child):
        for line in child.stdout:
            at = time.time()
            topic, partition, timestamp, headers, key = line.decode(errors="replace").rstrip("\n").split("\t")
            topic, timestamp = topic[len(self.prefix) :], int(timestamp) / 1000
            named = dict(header.partition("=")[::2] for header in headers.split(","))
            type_ = named.get("ce_type", "").rpartition(".")[2]
            self.seen.append(Seen(at, topic, int(partition), timestamp, type_, key))

    def of_type(self, type_):
        return [one for one in self.seen if one.type == type_]

    def keys(self, type_):
        return {one.key for one in self.seen if one.type == type_}

    def longest_silence(self, since, until):
        """By partition: the longest time in which nothing came, of those in between."""
        longest = {}
        for partition in range(self.partitions):
            times = [since] + [s.at for s in self.seen if s.partition == partition and since <= s.at <= until] + [until]
            longest[partition] = max(b - a for a, b in zip(times, times[1:]))
        return longest

    def close(self):
        for child in self.children:
            child.kill()
            child.wait()


class Watched:
    """A service whose figures can be asked for."""

    def __init__(self, world, instance, *settings):
        self.port = free_port()
        self.world, self.instance = world, instance
        self.settings = (f"http.listen=127.0.0.1:{self.port}", *settings)
        self.start()

    def start(self):
        self.began = time.monotonic()
        self.service = self.world.start(self.instance, *self.settings)

    def again(self):
        """In place of the one that ended."""
        self.world.services.remove(self.service)
        self.start()

    def get(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{path}", timeout=5) as answer:
                return answer.read().decode()
        except OSError:
            return None

    def until_ready(self, limit=60):
        """Seconds from the start of the process to /readyz 200."""
        while self.get("readyz") is None:
            require(self.service.is_running(), f"{self.instance} ended; see {self.service.log_path}")
            require(time.monotonic() - self.began < limit, f"{self.instance} is not ready within {limit} s")
            time.sleep(0.01)
        return time.monotonic() - self.began

    def figure(self, name, *labels):
        """A metric, summed over its labels but those given as they stand in the text."""
        lines = (self.get("metrics") or "").splitlines()
        return sum(
            float(line.rpartition(" ")[2])
            for line in lines
            if line.partition("{")[0].partition(" ")[0] == name and all(label in line for label in labels)
        )

    def cpu_seconds(self):
        """Of all that work for it, so far, by name: itself, and the servers."""
        pids = {"leadclock": self.service.process.pid, "Redis": stack_pid("redis"), "the broker": stack_pid("kafka")}
        return {name: cpu_seconds_of(pid) for name, pid in pids.items()}

    def peak_mib(self):
        with open(f"/proc/{self.service.process.pid}/status", encoding="utf-8") as file:
            return next(int(line.split()[1]) / 1024 for line in file if line.startswith("VmHWM"))


class Feeder(threading.Thread):
    """A steady feed, lead after lead. `facts_of(n, at)` gives [(delay in s, topic, lead, value)] of the n-th."""

    def __init__(self, world, rate, facts_of):
        super().__init__(daemon=True)
        self.producer, self.rate, self.facts_of = Producer(world), rate, facts_of
        self.stopped, self.n = threading.Event(), 0

    def run(self):
        waiting, began = [], time.monotonic()
        while waiting or not self.stopped.is_set():
            now = time.monotonic()
            while self.n < (now - began) * self.rate and not self.stopped.is_set():
                facts = self.facts_of(self.n, int(time.time() * 1000))
                waiting += [(now + delay, topic, lead, value) for delay, topic, lead, value in facts]
                self.n += 1
            for _, topic, lead, value in (one for one in waiting if one[0] <= now):
                self.producer.send(topic, lead.encode(), value)
            waiting = [one for one in waiting if one[0] > now]
            self.producer.push()
            time.sleep(0.005)

    def stop(self):
        """What was begun is sent to its end."""
        self.stopped.set()
        self.join()
        self.producer.command("flush")
        self.producer.close()
