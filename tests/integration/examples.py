#!/usr/bin/env python3
"""examples.py [TEST...] - deploy/examples, each as its README says, on real servers: what comes out is right, and what
looks for what is wrong finds it."""

import contextlib
import http.server
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import urllib.request
from datetime import datetime

from timing import preloaded
from world import BROKERS, REGISTRY_URL, ROOT, TABLES, World, free_port, load_feed, main, now_ms
from world import SKIPPED, our_schema, policy_of, require, require_equal, say, slices, wait_for

EXAMPLES = os.path.join(ROOT, "deploy", "examples")
CACHE = os.environ.get("LC_CACHE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "leadclock"
)
PYTHON = os.path.join(CACHE, "examples", "python", "bin", "python")
HOUR_MS = 3600 * 1000


def of(*path):
    return os.path.join(EXAMPLES, *path)


def fetch(what):
    """Where what an example needs can't be fetched, the test is skipped, not failed."""
    if subprocess.run([of("fetch.sh"), what], check=False, timeout=280).returncode:
        say(f"skipped: fetch.sh {what} could not fetch it")
        sys.exit(SKIPPED)


def environment(world):
    return dict(os.environ, KAFKA_BROKERS=BROKERS, REGISTRY_URL=REGISTRY_URL, TOPIC_PREFIX=world.prefix)


def call(command, codes=(0,), **options):
    """Its standard output."""
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False, **options
    )
    require(done.returncode in codes, f"{' '.join(command)} ended with {done.returncode}: {done.stdout[-3000:]}")
    return done.stdout


# ---- DuckDB ----


def erase(world, facts, leads):
    """Once all else of theirs was judged: topics have no order between them."""
    last = {fact["lead_id"]: fact["occurred_at"] for fact in sorted(facts, key=lambda fact: fact["occurred_at"])}
    world.publish([
        {"type": "LeadErased", "event_id": f"erase-{lead}", "lead_id": lead, "occurred_at": last[lead] + HOUR_MS,
         "arrived_at": now_ms()}
        for lead in sorted(leads)
    ])  # fmt: skip
    world.settle()


def some_leads(facts, share):
    """Of all kinds: some with one cycle, some with several, some that a gate holds back."""
    return sorted({fact["lead_id"] for fact in facts if fact["type"] == "LeadCreated"})[::share]


def duckdb():
    """Every counter is made anew by SQL, also after corrections and erasures: those that follow from rows, then with the
    facts all; a row or a fact that is wrong or is not there is found."""
    fetch("python")
    world = World("duckdb", policy_of("people/feed"))
    file = os.path.join(world.folder, "leads.duckdb")

    def load():
        return call([PYTHON, of("duckdb", "load.py"), "--prefix", world.prefix, file], env=environment(world))

    def check(erased, code=0):
        said = call([PYTHON, of("duckdb", "check.py"), "--erased", str(erased), file], (code,))
        counted = re.search(r"(\d+) counters of (\d+) metrics recomputed, (\d+) differ, (\d+) cycles", said)
        return said, tuple(map(int, counted.groups()))

    def spoil(statement):
        copy = file + ".copy"
        shutil.copy(file, copy)
        call([PYTHON, "-c", f"import duckdb; duckdb.connect({file!r}).execute({statement!r})"])
        said, _ = check(0, 1)
        os.replace(copy, file)
        return said

    try:
        world.create_topics()
        # What comes late corrects what was published: the second half is judged after the first, in a mixed order.
        facts = load_feed("people/feed")
        world.start()
        for half in (facts[1::2], facts[::2]):
            world.publish(half)
            world.settle()
        types = {record["type"] for record in world.outcomes()}
        require("Retracted" in types, "nothing was retracted, so this proves less")
        require(any(record.get("restated") for record in world.outcomes()), "nothing was restated")
        say(load().replace("\n", "; "))
        said, (compared, metrics, differ, erased) = check(0)
        say(said.replace("\n", "; "))
        require(compared > 800 and metrics > 60 and differ == erased == 0, said)
        require("rejected_late" in said.split("not recomputed: ")[1], said)
        policy = os.path.join(world.folder, "policy.yaml")
        say(call([PYTHON, of("duckdb", "facts.py"), "--prefix", world.prefix, "--policy", policy, file], env=environment(world)))
        said, (with_facts, _, differ, erased) = check(0)
        require(with_facts > compared + 50 and differ == erased == 0 and "not recomputed: nothing" in said, said)
        world.backtest()
        standing = call([PYTHON, "-c", f"import duckdb\nfor t in {TABLES!r}: print(*duckdb.connect({file!r}, read_only="
                                       "True).execute('select count(*) from ' + t).fetchone())"])  # fmt: skip
        expected = [sum(key[0] == table for key in world.rows_of_backtest()) for table in TABLES[:-1]]
        require(list(map(int, standing.split()))[:-1] == expected, f"DuckDB has {standing.split()}, not {expected}")

        # Each kind of wrong row.
        for statement, metric in (
            ("update cycles set channel = 'sms' where cycle_id = (select min(cycle_id) from cycles)", "sms .* handed_off"),
            ("update stages set age = age + 1 where cycle_id = (select min(cycle_id) from stages)", "reached:"),
            ("delete from breaches where event_id = (select min(event_id) from breaches where cycle_id in "
             "(select cycle_id from breaches group by all having count(*) = 1))", "breached"),
            ("update counters set value = value + 1 where metric = 'contacted'", "contacted"),
            ("delete from cycles where cycle_id = (select min(cycle_id) from cycles)", "rows are missing"),
            ("delete from facts where type = 'LeadRejected'", "rejected_late"),
            ("update facts set connected = false where type = 'LeadContacted'", "follow_up_met"),
            ("update policy_rules set early = interval 1 day", "requested_met"),
        ):  # fmt: skip
            said = spoil(statement)
            require(re.search(metric, said), f"{statement}: not found, but: {said}")

        # Counters are sums over leads: what the erased ones have counted is what rows no longer have.
        gone = set(some_leads(facts, 25))
        erase(world, facts, gone)
        load()
        there = call([PYTHON, "-c", f"import duckdb; print(duckdb.connect({file!r}).execute(\"select count(*) from cycles "
                                    f"where lead_id in ('\" + \"','\".join({sorted(gone)!r}) + \"')\").fetchone()[0])"])  # fmt: skip
        require(there.strip() == "0", "rows of erased leads are left")
        of_the_gone = world.backtest([fact for fact in world.published if fact["lead_id"] in gone])[1]
        n_gone = sum(count for (_, _, metric), count in of_the_gone.items() if metric == "handed_off")
        require(n_gone >= len(gone), "nothing was erased, so this proves nothing")
        said, (_, _, differ, erased) = check(n_gone)
        require(differ == 0 and erased == n_gone, said)
        check(0, 1)

        shown = call([PYTHON, of("duckdb", "show.py"), file])
        require(all(word in shown for word in ("Conversion", "p95", "per_cent")), f"the queries show {shown}")
        world.services[0].stop()
    finally:
        world.close()


# ---- Publishers ----


def as_the_schema_says(fact):
    """What `leadclock publish` takes besides, and a serializer refuses: an unknown symbol is the default of its enum, an
    attribute that is a number its text."""
    for field in our_schema(fact["type"])["fields"]:
        kinds = field["type"] if isinstance(field["type"], list) else [field["type"]]
        for kind in kinds:
            if isinstance(kind, dict) and kind["type"] == "enum" and fact.get(field["name"]) is not None:
                known = fact[field["name"]] in kind["symbols"]
                fact = fact if known else fact | {field["name"]: kind["default"]}
    if fact.get("attributes"):
        texts = {k: v if isinstance(v, str) else json.dumps(v) for k, v in fact["attributes"].items()}
        fact = fact | {"attributes": texts}
    return fact


def published_by(name, command):
    """Facts of all types, published by a stranger: taken as our own are."""
    world = World(name, policy_of("people/feed"))
    try:
        world.create_topics()
        world.start()
        facts = [as_the_schema_says(fact) for fact in load_feed("people/feed")]
        lines = "".join(json.dumps(fact) + "\n" for fact in facts)
        call(command, input=lines, env=environment(world))
        world.published += facts
        require(len({fact["type"] for fact in facts}) > 6, "so few types prove less")
        world.end_as_if_nothing_happened()
    finally:
        world.close()


def publish_python():
    fetch("python")
    published_by("publish-python", [PYTHON, of("publish-python", "publish.py")])


def publish_java():
    fetch("publish-java")
    published_by("publish-java", [of("publish-java", "publish.sh")])


# ---- Kafka Connect ----


class Connect:
    """One worker with two sinks of the same table: as the example has it, and with Java's own default."""

    def __init__(self, world):
        self.world, self.process = world, None
        self.files = {which: os.path.join(world.folder, f"{which}.jsonl") for which in ("committed", "uncommitted")}
        worker = self.write("worker.properties", {
            "listeners": f"http://127.0.0.1:{free_port()}",
            "offset.storage.file.filename": os.path.join(world.folder, "connect.offsets"),
            "consumer.isolation.level": None,
        })  # fmt: skip
        common = {"topics": f"{world.prefix}leads.tables.cycles"}
        self.arguments = [worker] + [
            self.write("cycles.properties", common | {"name": f"{world.name}-{which}", "file": path} | extra, which)
            for (which, path), extra in zip(
                self.files.items(), ({}, {"consumer.override.isolation.level": "read_uncommitted"})
            )
        ]

    def write(self, name, changes, which=""):
        """The example's own file, with what is another here (None: left out)."""
        with open(of("connect", name), encoding="utf-8") as file:
            lines = file.read().splitlines()
        found = {line.partition("=")[0] for line in lines}
        require(set(changes) <= found, f"{name} lacks {set(changes) - found}")
        path = os.path.join(self.world.folder, which + name)
        with open(path, "w", encoding="utf-8") as file:
            for line in lines:
                key = line.partition("=")[0]
                if changes.get(key, line) is not None:
                    print(f"{key}={changes[key]}" if key in changes else line, file=file)
        return path

    def start(self):
        with open(os.path.join(self.world.folder, "connect.log"), "ab") as log:
            self.process = subprocess.Popen(
                [of("connect", "connect.sh"), *self.arguments],
                stdout=log, stderr=log, env=environment(self.world), start_new_session=True,
            )  # fmt: skip

    def kill(self):
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def lines(self, which):
        require(self.process.poll() is None, f"Connect has ended; see {self.world.folder}/connect.log")
        try:
            with open(self.files[which], encoding="utf-8") as file:
                return [line for line in file.read().split("\n")[:-1] if line]
        except FileNotFoundError:
            return []

    def rows(self, which):
        """What stands: the latest of a key, without those that are marked."""
        latest = {row["cycle_id"]: row for row in map(json.loads, self.lines(which))}
        return {key: row for key, row in latest.items() if not row["deleted"]}


def plain(row):
    """A row as the sink has it, from one as `watch` has it: instants in milliseconds."""
    return {name: value for name, value in row.items() if name not in ("type", "deleted")}


def in_milliseconds(row):
    def one(name, value):
        if value is None or not name.endswith(("_at", "_since")):
            return value
        at = datetime.fromisoformat(value.replace("Z", "+00:00"))
        return round(at.timestamp() * 1000)

    return {name: one(name, value) for name, value in plain(row).items()}


def progress_in(row):
    """A minute after the hand-off."""
    at, of_it = row["handoff_at"] + 60000, f"later-{row['cycle_id']}"
    return {"type": "LeadProgressed", "event_id": of_it, "lead_id": row["lead_id"], "occurred_at": at, "stage": "SAL"}


def connect():
    """A sink and the service are killed in the middle of a transaction. What arrives where what is committed is read is
    what was committed; elsewhere there are rows that were never to be."""
    fetch("connect")
    world = World("connect", policy_of("card/feed"))
    hold = os.path.join(world.folder, "hold")
    sinks = Connect(world)
    try:
        world.create_topics()
        first, second, third = slices(load_feed("card/feed"), 3)
        with preloaded("held-commit", LC_HOLD_FILE=hold):
            service = world.start("a")
        sinks.start()
        world.publish(first)
        world.settle()
        before = world.watch("leads.tables.cycles")
        wait_for("both sinks have the first rows", lambda: all(
            len(sinks.lines(which)) >= len(before) for which in sinks.files), 120)  # fmt: skip

        with open(hold, "w", encoding="utf-8"):
            pass
        world.publish(second)
        wait_for("rows of an open transaction", lambda: len(sinks.lines("uncommitted")) > len(before), 60)
        require(len(world.watch("leads.tables.cycles")) == len(before), "the transaction is not open")
        never_committed = [json.loads(line) for line in sinks.lines("uncommitted")[len(before) :]]
        never_committed = [row for row in never_committed if not row["deleted"]]
        sinks.kill()
        service.kill()
        world.services.clear()
        os.remove(hold)
        # More is known of these leads when it is done again, so its rows are others.
        world.publish(third + [progress_in(row) for row in never_committed])
        world.start("a")
        sinks.start()
        world.settle()

        world.backtest()
        rows = world.rows_of_backtest()
        expected = {key[0]: in_milliseconds(row) for (table, key), row in rows.items() if table == "cycles"}
        require(len(expected) > 100, "so few rows prove nothing")

        def arrived(which):
            return {key: plain(row) for key, row in sinks.rows(which).items()}

        def differs(which):
            live = arrived(which)
            return [key for key in expected.keys() | live.keys() if live.get(key) != expected.get(key)]

        with contextlib.suppress(Exception):
            wait_for("all rows have arrived", lambda: not differs("committed"), 120)
        require_equal("rows in the file", arrived("committed"), expected)
        wait_for("all have come there too", lambda: not differs("uncommitted"), 60)

        committed = {json.dumps(in_milliseconds(row)) for row in world.watch("leads.tables.cycles") if not row["deleted"]}
        strange = {
            which: sum(
                json.dumps(plain(row)) not in committed
                for row in map(json.loads, sinks.lines(which)) if not row["deleted"]
            )
            for which in sinks.files
        }  # fmt: skip
        say(f"{len(expected)} rows as in the backtest; lines that were never committed: {strange}")
        require(strange["committed"] == 0, "the sink that reads committed has rows that were never committed")
        require(strange["uncommitted"] > 0, "without read committed nothing strange has come: this proves nothing")
        world.services[0].stop()
    finally:
        sinks.kill()
        world.close()


# ---- Prometheus and Alertmanager ----


class Receiver(http.server.BaseHTTPRequestHandler):
    """Whoever is told: keeps (path, alert name, status)."""

    told = []

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.told += [(self.path, alert["labels"]["alertname"], alert["status"]) for alert in body["alerts"]]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


def adapted(world, name, *changes):
    """The example's own file, with addresses and times of the test."""
    with open(of("prometheus", name), encoding="utf-8") as file:
        text = file.read()
    for pattern, replacement in changes:
        text, found = re.subn(pattern, replacement, text)
        require(found, f"{name} has no {pattern}")
    with open(os.path.join(world.folder, name), "w", encoding="utf-8") as file:
        file.write(text)


def prometheus():
    """The rules are right, and fire: a service that stops is told to the pager, and that it is back."""
    call(["promtool", "check", "config", of("prometheus", "prometheus.yml")])
    call(["promtool", "test", "rules", of("prometheus", "rules_test.yml")])
    call(["amtool", "check-config", of("prometheus", "alertmanager.yml")])

    world = World("prometheus", policy_of("card/feed"))
    ours, prometheus_at, alertmanager_at = (f"127.0.0.1:{free_port()}" for _ in range(3))
    receiver = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    processes = []

    def start(*command):
        with open(os.path.join(world.folder, os.path.basename(command[0]) + ".log"), "wb") as log:
            processes.append(subprocess.Popen(command, stdout=log, stderr=log, cwd=world.folder))

    def ask(url):
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return json.load(answer)
        except OSError:
            return None

    def firing():
        """As Alertmanager has them: name -> its receivers; None: it does not answer."""
        alerts = ask(f"http://{alertmanager_at}/api/v2/alerts?active=true")
        return alerts if alerts is None else {each["labels"]["alertname"]: [r["name"] for r in each["receivers"]] for each in alerts}

    def is_scraped():
        targets = ask(f"http://{prometheus_at}/api/v1/targets")
        return targets and [t["health"] for t in targets["data"]["activeTargets"]] == ["up"]

    def are_evaluated():
        rules = ask(f"http://{prometheus_at}/api/v1/rules")
        return rules and all(not group["lastEvaluation"].startswith("0001") for group in rules["data"]["groups"])

    try:
        world.create_topics()
        adapted(world, "prometheus.yml", ("15s", "1s"), ("127.0.0.1:9464", ours), ("127.0.0.1:9093", alertmanager_at))
        adapted(world, "rules.yml", (r"for: \d+m", "for: 2s"))
        adapted(world, "alertmanager.yml", ("127.0.0.1:9099", f"127.0.0.1:{receiver.server_port}"),
                (r"group_wait: \d+s", "group_wait: 1s"), ("group_interval: 5m", "group_interval: 1s"))  # fmt: skip
        start("prometheus-alertmanager", "--config.file=alertmanager.yml", f"--web.listen-address={alertmanager_at}",
              "--storage.path=alertmanager", "--cluster.listen-address=")  # fmt: skip
        start("prometheus", "--config.file=prometheus.yml", f"--web.listen-address={prometheus_at}",
              "--storage.tsdb.path=prometheus")  # fmt: skip
        service = world.start("a", f"http.listen={ours}")
        wait_for("the first scrape", is_scraped, 60)
        wait_for("the rules to be looked at", are_evaluated, 60)
        wait_for("nothing is wrong", lambda: firing() == {}, 60)

        world.produce("leads.created", "lead", [b"no fact"])
        wait_for("a dead letter is a ticket", lambda: (firing() or {}).get("LeadclockDeadLetters") == ["tickets"], 60)
        with open(world.policy, "w", encoding="utf-8") as file:
            file.write("name: [\n")
        service.process.send_signal(signal.SIGHUP)
        wait_for("so is a policy that is refused", lambda: (firing() or {}).get("LeadclockPolicyRefused") == ["tickets"], 60)
        with open(world.policy, "w", encoding="utf-8") as file:
            file.write(policy_of("card/feed"))
        service.process.send_signal(signal.SIGHUP)
        wait_for("it is taken again", lambda: (now := firing()) is not None and "LeadclockPolicyRefused" not in now, 60)

        service.stop()
        world.services.clear()
        wait_for("one that is stopped is a page", lambda: (firing() or {}).get("LeadclockNotReady") == ["pager"], 60)
        wait_for("its partitions are too", lambda: (firing() or {}).get("LeadclockPartitionUnowned") == ["pager"], 60)
        wait_for("the pager rings", lambda: ("/pager", "LeadclockNotReady", "firing") in Receiver.told, 60)
        world.start("a", f"http.listen={ours}")
        wait_for("the pager is told the end", lambda: ("/pager", "LeadclockNotReady", "resolved") in Receiver.told, 90)
        require(all(path == "/tickets" for path, name, _ in Receiver.told if name == "LeadclockDeadLetters"),
                f"a ticket rang: {Receiver.told}")  # fmt: skip
        world.services[0].stop()
    finally:
        for process in processes:
            process.terminate()
            process.wait(30)
        receiver.shutdown()
        world.close()


TESTS = {test.__name__: test for test in (duckdb, publish_python, publish_java, connect, prometheus)}

if __name__ == "__main__":
    sys.exit(main(TESTS))
