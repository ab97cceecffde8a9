"""world.py - what the integration tests share: a world of topics, keys and processes of its own for each test, on the
real servers named by LC_TEST_BROKERS, LC_TEST_REDIS_URL and LC_TEST_REGISTRY_URL; and what is compared: net outcomes
and counters of the live service against those of a backtest over the same facts.

Python's standard library, the leadclock binary and kcat; nothing else."""

import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
# What the secured stack is made by.
sys.path.insert(0, os.path.join(ROOT, "deploy", "secure"))
EXAMPLES = os.path.join(ROOT, "tests", "examples")
BROKERS = os.environ.get("LC_TEST_BROKERS", "")
REDIS_URL = os.environ.get("LC_TEST_REDIS_URL", "")
REGISTRY_URL = os.environ.get("LC_TEST_REGISTRY_URL", "")
STACK_DIR = os.environ.get("LC_STACK_DIR", "")
BINARY = os.environ.get("LC_BINARY", os.path.join(ROOT, "build", "dev", "leadclock"))
SKIPPED = 77
PARTITIONS = 4
DAY_MS = 24 * 3600 * 1000
# For tests that wait for the group to forget who has ended.
SHORT_SESSION = "{session.timeout.ms: 6000}"

INPUTS = {
    "LeadCreated": "leads.created",
    "LeadContacted": "leads.contacted",
    "LeadRejected": "leads.rejected",
    "LeadProgressed": "leads.progressed",
    "LeadAssigned": "leads.assigned",
    "LeadPaused": "leads.paused",
    "LeadResumed": "leads.paused",
    "LeadMerged": "leads.merged",
    "LeadErased": "leads.erased",
}
INPUT_TOPICS = list(dict.fromkeys(INPUTS.values()))
OUTCOMES = ["leads.breaches", "leads.warnings", "leads.clawbacks", "leads.routed", "leads.settled"]
TABLES = ["cycles", "breaches", "stages", "tenures", "routes", "counters"]


class Failure(Exception):
    """What does not hold."""


def say(text):
    print(time.strftime("%H:%M:%S"), text, flush=True)


def require(holds, text):
    if not holds:
        raise Failure(text)


def now_ms():
    return int(time.time() * 1000)


def iso(ms):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ms // 1000)) + ".%03dZ" % (ms % 1000)


def wait_for(text, condition, timeout):
    """Repeats `condition` until it is true (its value is returned)."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        require(time.monotonic() < end, f"gave up after {timeout} s: {text}")
        time.sleep(0.1)


def free_port():
    """Below the range that outgoing connections take theirs from."""
    while True:
        with socket.socket() as one:
            try:
                one.bind(("127.0.0.1", random.SystemRandom().randrange(20000, 32000)))
                return one.getsockname()[1]
            except OSError:
                pass


def get(port, path):
    """What a program at a port of ours answers: (status, text); status 0: nothing."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


# ---- Facts ----


def load_feed(name):
    """The facts of an example, moved by whole weeks into the past where the machine's clock wants it, so that every
    clock has ended by now. Without erasures: topics have no order between them."""
    with open(os.path.join(EXAMPLES, name, "events.jsonl"), encoding="utf-8") as file:
        facts = [json.loads(line) for line in file]
    facts = [fact for fact in facts if fact["type"] != "LeadErased"]
    latest = max(fact["occurred_at"] for fact in facts)
    late_by = latest + 75 * DAY_MS - now_ms()
    weeks = max(0, -(-late_by // (7 * DAY_MS)))
    for fact in facts:
        for field in ("occurred_at", "recorded_at", "follow_up_at", "until", "arrived_at"):
            if fact.get(field) is not None:
                fact[field] -= weeks * 7 * DAY_MS
    return facts


def multiply(facts, copies):
    """The same histories for `copies` times as many leads, side by side."""

    def of_copy(fact, copy):
        return dict(fact, **{field: f"{fact[field]}~{copy}" for field in ("lead_id", "into") if fact.get(field)})

    return [of_copy(fact, copy) if copy else fact for fact in facts for copy in range(copies)]


def slices(items, n):
    return [items[len(items) * i // n : len(items) * (i + 1) // n] for i in range(n)]


# ---- Outcomes ----


def net_outcomes(records):
    """The latest of each event_id that is not retracted, without SlaWarning and without `restated` (6.2)."""
    net = {}
    for record in records:
        if record["type"] == "Retracted":
            net.pop(record["retracts"], None)
        elif record["type"] != "SlaWarning":
            net[record["event_id"]] = {k: v for k, v in record.items() if k != "restated"}
    return net


def require_nothing_doubled(records):
    """New only where it does not stand, restated and retracted only where it does."""
    standing = set()
    for record in records:
        if record["type"] == "Retracted":
            require(record["retracts"] in standing, f"retracted, but it did not stand: {record}")
            standing.remove(record["retracts"])
        elif record["restated"]:
            require(record["event_id"] in standing, f"restated, but it did not stand: {record}")
        else:
            require(record["event_id"] not in standing, f"published twice: {record}")
            standing.add(record["event_id"])


def require_equal(what, live, expected):
    """Both are dicts; shows the first differences."""
    if live == expected:
        return
    lines = []
    for key in expected:
        if key not in live:
            lines.append(f"missing: {expected[key]}")
        elif live[key] != expected[key]:
            lines.append(f"differs: live {live[key]}\n   expected {expected[key]}")
    lines += [f"too much: {live[key]}" for key in live if key not in expected]
    raise Failure(f"{what}: {len(lines)} of {len(expected)} differ\n  " + "\n  ".join(lines[:6]))


# ---- Servers ----


class Redis:
    """As much of RESP as is needed here. `tls`: an SSLContext, for a server that wants it."""

    def __init__(self, url=REDIS_URL, tls=None):
        url = urllib.parse.urlparse(url)
        self.socket = socket.create_connection((url.hostname, url.port or 6379), timeout=10)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname=url.hostname)
        self.file = self.socket.makefile("rb")
        if url.password:
            user = [url.username] if url.username else []
            self.command("AUTH", *user, urllib.parse.unquote(url.password))
        if url.path.strip("/"):
            self.command("SELECT", url.path.strip("/"))

    def command(self, *words):
        words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        self.socket.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
        return self.reply()

    def reply(self):
        line = self.file.readline()
        require(line.endswith(b"\r\n"), "Redis closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            raise Failure(f"Redis: {rest.decode()}")
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self.file.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return None if rest == b"-1" else [self.reply() for _ in range(int(rest))]
        return rest.decode()


def register_schema(subject, schema):
    """The id that the registry gives to a schema (a dict)."""
    request = urllib.request.Request(
        f"{REGISTRY_URL}/subjects/{urllib.parse.quote(subject, safe='')}/versions",
        data=json.dumps({"schema": json.dumps(schema)}).encode(),
        headers={"Content-Type": "application/vnd.schemaregistry.v1+json"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)["id"]


def can(what):
    """Whether the libraries that leadclock was built with can do what its --version calls so."""
    told = subprocess.run([BINARY, "--version"], capture_output=True, check=True, text=True, timeout=60)
    return f"{what} yes" in told.stdout


def stack(*arguments):
    subprocess.run([os.path.join(ROOT, "deploy", "stack.sh"), *arguments, "--dir", STACK_DIR], check=True, timeout=300)


# ---- Avro by hand: records as other producers would write them ----


def zigzag(number):
    number = (number << 1) ^ (number >> 63)
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def avro(schema, value, names=None):
    """The body of `value` under `schema` (as parsed from JSON). A union takes the first branch that fits."""
    names = {} if names is None else names
    kind = schema
    if isinstance(schema, list):
        fits = {"null": value is None, "string": isinstance(value, str), "long": isinstance(value, int)}
        for index, branch in enumerate(schema):
            name = branch["type"] if isinstance(branch, dict) else branch
            if fits.get(name, value is not None):
                return zigzag(index) + avro(branch, value, names)
    if isinstance(schema, dict):
        kind = schema["type"]
        if "name" in schema:
            names[schema["name"]] = schema
    if not isinstance(schema, dict) and kind in names:
        return avro(names[kind], value, names)
    if kind == "null":
        return b""
    if kind == "boolean":
        return b"\1" if value else b"\0"
    if kind in ("int", "long"):
        return zigzag(value)
    if kind == "string":
        return zigzag(len(value.encode())) + value.encode()
    if kind == "bytes":
        return zigzag(len(value)) + value
    if kind == "enum":
        return zigzag(schema["symbols"].index(value))
    if kind == "array":
        body = b"".join(avro(schema["items"], item, names) for item in value)
        return (zigzag(len(value)) + body if value else b"") + b"\0"
    if kind == "map":
        body = b"".join(avro("string", k) + avro(schema["values"], v, names) for k, v in value.items())
        return (zigzag(len(value)) + body if value else b"") + b"\0"
    if kind == "record":
        return b"".join(
            avro(field["type"], value.get(field["name"], field.get("default")), names) for field in schema["fields"]
        )
    if isinstance(kind, (dict, list)):
        return avro(kind, value, names)
    raise Failure(f"no Avro for {schema}")


def framed(schema_id, body):
    return b"\0" + schema_id.to_bytes(4, "big") + body


def our_schema(name):
    with open(os.path.join(ROOT, "schemas", name + ".avsc"), encoding="utf-8") as file:
        return json.load(file)


def murmur2_partition(key, partitions=PARTITIONS):
    """Where Java's default partitioner puts a key."""
    m, mask, length = 0x5BD1E995, 0xFFFFFFFF, len(key)
    h = 0x9747B28C ^ length
    for i in range(0, length - length % 4, 4):
        k = int.from_bytes(key[i : i + 4], "little") * m & mask
        k = (k ^ k >> 24) * m & mask
        h = (h * m & mask) ^ k
    tail = key[length - length % 4 :]
    if tail:
        h = (h ^ int.from_bytes(tail, "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return ((h ^ h >> 15) & 0x7FFFFFFF) % partitions


# ---- A world of its own for each test ----


class Service:
    """One `leadclock run`."""

    def __init__(self, world, instance, settings):
        self.world, self.instance, self.settings = world, instance, settings
        self.log_path = os.path.join(world.folder, f"{instance}.log")
        self.log = open(self.log_path, "ab")
        command = [BINARY, "run", "--config", world.config, "--set", f"instance={instance}"]
        for setting in settings:
            command += ["--set", setting]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)

    def is_running(self):
        return self.process.poll() is None

    def stop(self):
        """SIGTERM; a clean end is wanted."""
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failure(f"{self.instance} did not end within 30 s of SIGTERM; see {self.log_path}") from None
        require(code == 0, f"{self.instance} ended with {code} after SIGTERM; see {self.log_path}")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def read_log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()


class World:
    """Topics, consumer group and Redis keys under a name that no other test has."""

    empties_redis = True  # at its end; not beside others

    def __init__(self, test, policy, **settings):
        self.name = f"t{random.SystemRandom().randrange(16**6):06x}"
        self.prefix = self.name + "-"
        self.folder = os.path.join(STACK_DIR, "tests", f"{test}-{self.name}")
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        self.policy = os.path.join(self.folder, "policy.yaml")
        self.config = os.path.join(self.folder, "leadclock.yaml")
        self.services, self.published, self.fenced = [], [], 0
        self.redis = Redis  # a connection to where its keys are
        self.partitions = settings.get("partitions", PARTITIONS)
        with open(self.policy, "w", encoding="utf-8") as file:
            file.write(policy)
        self.write_config(settings)

    def write_config(self, settings):
        lateness = settings.get("lateness", "0s")
        batch = settings.get("batch", 20000)
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(
                f"""name: {self.name}
workers: {settings.get("workers", 1)}
kafka:
  brokers: {settings.get("brokers", BROKERS)}
  properties: {settings.get("properties", "{}")}
registry: {settings.get("registry", '{url: "' + REGISTRY_URL + '"}')}
redis: {settings.get("redis", '{url: "' + REDIS_URL + '"}')}
policy: policy.yaml
topics:
  prefix: {self.prefix}
tables: {{publish: {settings.get("tables", "[" + ", ".join(TABLES) + "]")}, deletes: {settings.get("deletes", "both")}}}
batch: {{facts: {batch}}}
lateness: {lateness}
log: {{level: info}}
"""
            )

    # Commands

    def run(self, *arguments, stdin=None, source=None, timeout=120, codes=(0,)):
        """One leadclock command; its standard output. Its standard input: bytes, or an open file as its source."""
        command = [BINARY, arguments[0], "--config", self.config, *arguments[1:]]
        done = subprocess.run(command, input=stdin, stdin=source, capture_output=True, timeout=timeout, check=False)
        with open(os.path.join(self.folder, "commands.log"), "ab") as log:
            log.write(b"$ %s -> %d\n%s" % (" ".join(command).encode(), done.returncode, done.stderr))
        require(
            done.returncode in codes,
            f"leadclock {' '.join(arguments)} ended with {done.returncode}: {done.stderr.decode(errors='replace')[-2000:]}",
        )
        return done.stdout

    def create_topics(self):
        self.run("topics", "--create", "--partitions", str(self.partitions))

    def publish(self, facts):
        lines = "".join(json.dumps({k: v for k, v in fact.items() if k != "arrived_at"}) + "\n" for fact in facts)
        self.run("publish", "-", stdin=lines.encode())
        self.published += facts

    def start(self, instance="a", *settings):
        service = Service(self, instance, settings)
        self.services.append(service)
        return service

    # What can be seen

    def lag(self):
        """How many records the group has still to read, in all."""
        found = re.search(rb"(\d+) behind", self.run("topics", "--lag", codes=(0, 1)))
        require(found, "topics --lag does not say how far the group is behind")
        return int(found[1])

    def committed(self):
        """How many records the group has read and committed, by partition."""
        rows = re.findall(rb"^\S+ +(\d+) +(\d+) +\d+ +\d+$", self.run("topics", "--lag"), re.MULTILINE)
        read = dict.fromkeys(range(self.partitions), 0)
        for partition, offset in rows:
            read[int(partition)] += int(offset)
        return read

    def redis_keys(self, redis, pattern):
        keys, cursor = [], "0"
        while True:
            cursor, found = redis.command("SCAN", cursor, "MATCH", f"{self.name}:{pattern}", "COUNT", 10000)
            keys += found
            if cursor == b"0":
                return sorted(set(keys))

    def stored_leads(self, redis):
        """Of Redis: (hash, field) of each lead by its id, and the values by it."""
        fields, values = {}, {}
        for key in self.redis_keys(redis, "{*}:leads:*"):
            found = redis.command("HGETALL", key)
            for field, value in zip(found[::2], found[1::2]):
                lead = str(uuid.UUID(bytes=field)) if len(field) == 16 else field.removeprefix(b"=").decode()
                fields[lead], values[lead] = (key, field), value
        return fields, values

    def is_settled(self):
        """All was read, Redis has it, and no timer is due."""
        redis = self.redis()
        positions = [redis.command("GET", key) or b"rec" for key in self.redis_keys(redis, "{*}:applied")]
        if len(positions) != self.partitions or any(position.startswith(b"rec") for position in positions):
            return False
        return self.due(redis, now_ms()) == 0 and self.lag() == 0

    def due(self, redis, now):
        """How many wake-ups of Redis are due."""
        due = 0
        for key in self.redis_keys(redis, "{*}:wakeups:*:*"):
            level, number = map(int, key.split(b":")[-2:])
            bits, offset = ((4, 1), (13, 2), (20, 3))[level]
            if number << bits < now:
                found = redis.command("LRANGE", key, 0, -1)
                due += sum((number << bits) + int.from_bytes(one[:offset], "big") < now for one in found)
        return due

    def settle(self, timeout=120):
        """Waits until nothing more happens: settled, three times in a row."""
        end, calm = time.monotonic() + timeout, 0
        while calm < 3:
            self.supervise()
            try:
                calm = calm + 1 if self.is_settled() else 0
            except (OSError, Failure) as error:
                say(f"not settled: {error}")
                calm = 0
            require(time.monotonic() < end, f"not settled after {timeout} s; see {self.folder}")
            time.sleep(0.3)

    def supervise(self):
        """None may have ended by itself. But for one thing: a broker that dies in the wrong moment can fence a living
        member (its static id has a new member id, and the answer that says so is lost). Such a process ends, and is
        started again by whatever looks after it: here."""
        for index, service in enumerate(self.services):
            if not service.is_running():
                fenced = "as the same instance" in service.read_log()[-1500:]
                require(
                    fenced and self.fenced < 3,
                    f"{service.instance} ended by itself with {service.process.returncode}: {service.read_log()[-3000:]}",
                )
                say(f"{service.instance} was fenced and ended with {service.process.returncode}; started again")
                self.fenced += 1
                self.services[index] = Service(self, service.instance, service.settings)

    def records(self, *topics):
        """In the order of each partition."""
        lines = self.run("watch", "--from-beginning", "--until-caught-up", *topics).splitlines()
        return [json.loads(line) for line in lines]

    def watch(self, *topics):
        """The values, in the order of each partition; tombstones left out."""
        values = [record["value"] for record in self.records(*topics)]
        return [value for value in values if value is not None]

    def outcomes(self):
        return self.watch(*OUTCOMES)

    def counters(self):
        """(channel, cohort, metric) -> count, the partitions added up."""
        latest = {}
        for record in self.watch("leads.counters"):
            latest[record["channel"], record["cohort"], record["partition"]] = record["counts"]
        return total(
            (channel, cohort, metric, count)
            for (channel, cohort, _), counts in latest.items()
            for metric, count in counts.items()
        )

    def rows(self, table):
        """What stands of a table, read committed: key -> row. Each deletion is said twice."""
        lines = self.run("watch", "--from-beginning", "--until-caught-up", f"leads.tables.{table}").splitlines()
        standing, places, marked = {}, {}, {}
        for record in map(json.loads, lines):
            key = tuple(value for name, value in record["key"].items() if name != "type")
            place = (record["topic"], record["partition"])
            require(places.setdefault(key, place) == place, f"{table}: {key} lies in two partitions")
            row = record["value"]
            if row is None:
                require(marked.pop(key, False), f"{table}: a tombstone of {key} without a mark before it")
                continue
            require(not marked.get(key), f"{table}: a mark of {key} without a tombstone after it")
            require(row.pop("type").endswith("Row"), f"{table}: a value that is no row: {row}")
            if row.pop("deleted"):
                marked[key] = True
                standing.pop(key, None)
            else:
                standing[key] = row
        require(not any(marked.values()), f"{table}: marks without tombstones after them: {marked}")
        return standing

    def tables(self):
        """What stands of all tables: (table, key) -> row; of counters the partitions added up, without zeros."""
        standing = {}
        for table in TABLES:
            for key, row in self.rows(table).items():
                if table == "counters":
                    row["partition"], key = 0, (*key[:3], 0)
                    row["value"] += standing.get((table, key), {"value": 0})["value"]
                standing[table, key] = row
        return {key: row for key, row in standing.items() if row.get("value") != 0}

    def dead_letters(self):
        """[(reason, key)], read by kcat, so by nothing of ours."""
        done = subprocess.run(
            ["kcat", "-C", "-q", "-e", "-b", BROKERS, "-t", self.prefix + "leads.dead-letters", "-o", "beginning",
             "-X", "isolation.level=read_committed", "-f", "%k\\t%h\\n"],
            capture_output=True, timeout=60, check=True,
        )  # fmt: skip
        letters = []
        for line in done.stdout.decode(errors="replace").splitlines():
            key, _, headers = line.partition("\t")
            named = dict(header.partition("=")[::2] for header in headers.split(","))
            letters.append((named.get("__connect.errors.exception.class.name"), key))
        return letters

    def headers_of_dead_letters(self):
        """All headers of all dead letters, as kcat prints them: a line each."""
        return subprocess.run(
            ["kcat", "-C", "-q", "-e", "-b", BROKERS, "-t", self.prefix + "leads.dead-letters", "-o", "beginning",
             "-X", "isolation.level=read_committed", "-f", "%h\\n"],
            capture_output=True, timeout=60, check=True,
        ).stdout.decode(errors="replace")  # fmt: skip

    def produce(self, topic, key, payloads, partition=None):
        """Raw records, as a stranger would send them. A payload of None is a null value."""
        base = ["kcat", "-P", "-b", BROKERS, "-t", self.prefix + topic, "-X", "partitioner=murmur2_random",
                "-X", "message.max.bytes=2097152"]  # fmt: skip
        if partition is not None:
            base += ["-p", str(partition)]
        if payloads == [None]:
            subprocess.run(base + ["-Z", "-K", "\t"], input=f"{key}\t\n".encode(), check=True, timeout=60)
            return
        files = []
        for index, payload in enumerate(payloads):
            files.append(os.path.join(self.folder, f"payload-{index}"))
            with open(files[-1], "wb") as file:
                file.write(payload)
        for some in slices(files, -(-len(files) // 200)):
            subprocess.run(base + (["-k", key] if key is not None else []) + some, check=True, timeout=60)
        for name in files:
            os.remove(name)

    # What must hold

    def backtest(self, facts=None, until=None):
        """Outcomes and counters of a backtest over what was published."""
        events, tables = os.path.join(self.folder, "events.jsonl"), os.path.join(self.folder, "tables")
        counters = os.path.join(self.folder, "counters.jsonl")
        with open(events, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(fact) + "\n" for fact in (facts or self.published))
        done = subprocess.run(
            [BINARY, "backtest", "--policy", self.policy, "--until", until or iso(now_ms()), "--counters", counters,
             "--tables", tables, events],
            capture_output=True, timeout=300, check=False,
        )  # fmt: skip
        require(done.returncode == 0, f"backtest ended with {done.returncode}: {done.stderr.decode()[-2000:]}")
        with open(counters, encoding="utf-8") as file:
            counts = [json.loads(line) for line in file]
        return (
            [json.loads(line) for line in done.stdout.splitlines()],
            total((c["channel"], c["cohort"], c["metric"], c["count"]) for c in counts),
        )

    def rows_of_backtest(self):
        """Those of the last one, as `tables` has them."""
        standing = {}
        for table in TABLES:
            n_keys = {"stages": 2, "tenures": 2, "counters": 4}.get(table, 1)
            with open(os.path.join(self.folder, "tables", f"{table}.jsonl"), encoding="utf-8") as file:
                for row in map(json.loads, file):
                    standing[table, tuple(row.values())[:n_keys]] = row
        return standing

    def require_same_rows(self):
        """As those of the last backtest."""
        live, expected = self.tables(), self.rows_of_backtest()
        for table in TABLES:
            require_equal(
                f"rows of {table}",
                {key: row for key, row in live.items() if key[0] == table},
                {key: row for key, row in expected.items() if key[0] == table},
            )
        return len(live)

    def require_same_as_backtest(self, facts=None):
        outcomes, counters = self.backtest(facts)
        live = self.outcomes()
        require_nothing_doubled(live)
        expected = net_outcomes(outcomes)
        require(len(expected) > 0, "the backtest says nothing, so this proves nothing")
        require_equal("net outcomes", net_outcomes(live), expected)
        require_equal("counters", named(self.counters()), named(counters))
        rows = self.require_same_rows()
        say(f"{len(expected)} net outcomes, {len(counters)} counters and {rows} rows as in the backtest, {len(live)} "
            "outcomes published")  # fmt: skip

    def end_as_if_nothing_happened(self, timeout=120):
        """All settles, is as in a backtest, and nothing was refused; every service ends cleanly."""
        self.settle(timeout)
        self.require_same_as_backtest()
        require(not self.dead_letters(), "there are dead letters")
        for service in self.services:
            service.stop()

    def close(self):
        """Stops what still runs, makes room for the next; looks for what the sanitizers said."""
        for service in self.services:
            if service.is_running():
                service.kill()
        for service in self.services:
            require(
                "Sanitizer" not in service.read_log() and "runtime error:" not in service.read_log(),
                f"the sanitizers complain: {service.log_path}",
            )
        try:
            if self.empties_redis:
                Redis().command("FLUSHALL", "ASYNC")
        except OSError as error:
            say(f"Redis was not emptied: {error}")


def total(counts):
    sums = {}
    for channel, cohort, metric, count in counts:
        key = (channel, cohort, metric)
        sums[key] = sums.get(key, 0) + count
    return {key: count for key, count in sums.items() if count}


def named(counters):
    return {key: (*key, count) for key, count in counters.items()}


def policy_of(example):
    """The policy of an example, with a retain so long that nothing is forgotten meanwhile."""
    with open(os.path.join(EXAMPLES, example, "policy.yaml"), encoding="utf-8") as file:
        lines = [line for line in file.read().splitlines() if not line.startswith("retain:")]
    return "\n".join(lines + ["retain: 9000d", ""])


def end_by_signal(number, _):
    """What the test has started ends with it."""
    raise SystemExit(128 + number)


def main(tests):
    """Runs the tests named (all: none named)."""
    signal.signal(signal.SIGTERM, end_by_signal)
    if not BROKERS or not REDIS_URL or not REGISTRY_URL or not STACK_DIR:
        print("skipped: no servers (tests/run.sh starts them)")
        return SKIPPED
    names = sys.argv[1:] or list(tests)
    seed = int(os.environ.get("LC_SEED", random.SystemRandom().randrange(2**32)))
    for name in names:
        random.seed(seed)
        say(f"{name} (LC_SEED={seed})")
        try:
            tests[name]()
        except Failure as failure:
            say(f"{name} FAILED (LC_SEED={seed}): {failure}")
            return 1
        say(f"{name}: holds")
    return 0
