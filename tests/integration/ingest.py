#!/usr/bin/env python3
"""ingest.py [TEST...] - facts by HTTP: every answer there is, senders of every kind, and Kafka killed under their hands.
What was answered 202 is in the topics, what was answered 4xx is not, and the service comes to what the backtest says."""

import base64
import hashlib
import hmac
import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time

from secured import Certificates
from world import BINARY, INPUT_TOPICS, STACK_DIR, Failure, World, free_port, iso, load_feed, main, multiply, now_ms, policy_of
from world import require, require_equal, say, slices, stack, wait_for

TOKEN = "0123456789abcdef-crm"
KEY = b"one of twenty-four bytes"
SECRET = "whsec_" + base64.b64encode(KEY).decode()
HUB_SECRET = "sixteen-letters-or-more"
JSON, LINES = "application/json", "application/x-ndjson"
EVENT, EVENTS = "application/cloudevents+json", "application/cloudevents-batch+json"
MIB = 1024 * 1024


class Door:
    """One `leadclock ingest`."""

    instance = "ingest"

    def __init__(self, world, *settings):
        self.port = free_port()
        self.log_path = os.path.join(world.folder, f"ingest-{self.port}.log")
        self.log = open(self.log_path, "ab")
        command = [BINARY, "ingest", "--config", world.config]
        for setting in (f"ingest.listen=127.0.0.1:{self.port}", *settings):
            command += ["--set", setting]
        # What is freed is kept for a while by the sanitizers: little of it, where memory is measured.
        environment = dict(os.environ, ASAN_OPTIONS="quarantine_size_mb=1")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, env=environment)
        world.services.append(self)

    def is_running(self):
        return self.process.poll() is None

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        require(code == 0, f"ended with {code} after SIGTERM; see {self.log_path}")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def read_log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def until_ready(self, timeout=60):
        def is_ready():
            require(self.is_running(), f"it ended: {self.read_log()[-2000:]}")
            try:
                return self.ask("GET", "/readyz")[0] == 200
            except OSError:
                return False

        wait_for("the door is ready", is_ready, timeout)
        return self

    def ask(self, method, path, body=None, timeout=60, **headers):
        """(status, body, headers) of one request on a connection of its own. Underscores stand for dashes."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.headers
        finally:
            connection.close()

    def send(self, body, kind=JSON, **headers):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {TOKEN}", "Content_Type": kind, **headers}
        return self.ask("POST", "/facts", body, **{name: value for name, value in headers.items() if value is not None})

    def metric(self, name):
        text = self.ask("GET", "/metrics")[1].decode()
        found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
        return float(found[1]) if found else 0.0

    def memory(self):
        """The most that it has taken, in bytes."""
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as file:
            return int(re.search(r"VmHWM:\s+(\d+) kB", file.read())[1]) * 1024


def door(world, *settings):
    return Door(world, f"ingest.tokens.crm={TOKEN}", *settings)


def fact(lead, event=None, **fields):
    return {"type": "LeadCreated", "lead_id": lead, "event_id": event or f"{lead}-1", "occurred_at": iso(now_ms()),
            "channel": "web", **fields}  # fmt: skip


def events_in(world):
    """The event_id of every record of the inputs."""
    return [value["event_id"] for value in world.watch(*INPUT_TOPICS)]


def events_once_it_is_back(world):
    """A broker that was away for longer than its session tells clients of partitions only after a moment."""

    def ask():
        try:
            return set(events_in(world))
        except Failure as failure:
            say(f"not yet: {failure}")
            return None

    return wait_for("the broker tells what is there", ask, 60)


def require_status(answer, status, what, says=""):
    require(answer[0] == status, f"{what}: {answer[0]}, not {status}: {answer[1][:500]}")
    require(says in answer[1].decode(), f"{what}: no \"{says}\" in {answer[1][:500]}")


# ---- Every answer ----


def facts_in_every_form():
    """Each is taken, and lies in its topic as `publish` would have put it."""
    world = World("forms", policy_of("card/feed"))
    try:
        world.create_topics()
        one = door(world).until_ready()
        sent = []

        def accept(what, body, n, kind=JSON, **headers):
            answer = one.send(body, kind, **headers)
            require_status(answer, 202, what)
            require(json.loads(answer[1]) == {"accepted": n}, f"{what}: {answer[1]}")

        def made(name):
            sent.append(name)
            return fact("lead-" + name, name)

        accept("one fact", made("one"), 1)
        accept("an array", [made("two"), made("three")], 2)
        accept("an empty array", [], 0)
        lines = "".join(json.dumps(made(name)) + "\r\n" for name in ("four", "five"))
        accept("lines", lines.encode(), 2, LINES)
        event = {"specversion": "1.0", "id": "six", "source": "/crm", "type": "LeadCreated", "subject": "lead-six",
                 "time": iso(now_ms()), "data": {"channel": "web"}}  # fmt: skip
        sent.append("six")
        accept("a CloudEvent", event, 1, EVENT)
        sent.append("seven")
        accept("a batch of CloudEvents", [dict(event, id="seven", type="leadclock.LeadCreated")], 1, EVENTS + "; charset=utf-8")
        sent.append("eight")
        accept("a binary CloudEvent", {"channel": "web"}, 1, JSON, ce_specversion="1.0", ce_id="eight", ce_source="/crm",
               ce_type="LeadCreated", ce_subject="lead-%C3%A9ight", ce_time=iso(now_ms()))  # fmt: skip
        kinds = [json.loads(line) for line in open(os.path.join(os.path.dirname(__file__), "..", "examples", "full",
                                                                "feed", "events.jsonl"), encoding="utf-8")]  # fmt: skip
        by_type = {}
        for other in kinds:
            by_type.setdefault(other["type"], {k: v for k, v in other.items() if k != "arrived_at"})
        for index, other in enumerate(by_type.values()):
            sent.append(f"type-{index}")
            other.update(event_id=f"type-{index}", occurred_at=now_ms())
        accept("a fact of each type", list(by_type.values()), len(by_type))
        require_equal("event ids", {e: e for e in events_in(world)}, {e: e for e in sent})
        leads = {value["lead_id"] for value in world.watch("leads.created")}
        require({"lead-six", "lead-éight"} <= leads, f"the subject is not the lead: {leads}")
        require(one.metric('leadclock_ingest_requests_total{status="202"}') == 8, "202 is not counted eight times")
        facts = sum(one.metric(f'leadclock_ingest_facts_total{{type="{kind}"}}') for kind in by_type | {"LeadCreated": 0})
        require(facts == len(sent), f"{facts} facts are counted, {len(sent)} were sent")
        one.stop()
    finally:
        world.close()


def refusals():
    """Each says why, and nothing of what is refused is published."""
    world = World("refusals", policy_of("card/feed"))
    try:
        world.create_topics()
        one = door(world, f"ingest.secrets.site={SECRET}", f"ingest.secrets.hub={HUB_SECRET}").until_ready()
        good, body = fact("lead"), json.dumps(fact("lead")).encode()

        # 401: no token, a wrong one, a wrong signature
        now = str(int(time.time()))

        def webhook(content, key=KEY, name="msg_1", at=now):
            made = base64.b64encode(hmac.digest(key, f"{name}.{at}.".encode() + content, hashlib.sha256)).decode()
            return {"webhook_id": name, "webhook_timestamp": at, "webhook_signature": f"v1,{made}"}

        def hub(content, key=HUB_SECRET.encode()):
            return {"X_Hub_Signature_256": "sha256=" + hmac.digest(key, content, hashlib.sha256).hex()}

        for what, headers in {
            "no token": {},
            "a wrong token": {"Authorization": "Bearer 0123456789abcdef-cr"},
            "another scheme": {"Authorization": f"Basic {TOKEN}"},
            "a signature by another key": webhook(body, b"x" * 24),
            "a signature of another body": webhook(b"{}"),
            "an old signature": webhook(body, at=str(int(now) - 600)),
            "another hub signature": hub(body, b"x"),
        }.items():
            answer = one.send(body, **{"Authorization": None, **headers})
            require_status(answer, 401, what)
            require(answer[2]["WWW-Authenticate"] == "Bearer", f"{what}: no WWW-Authenticate")

        # 404, 405, 413, 415
        require_status(one.ask("GET", "/other"), 404, "another page")
        for method in ("GET", "PUT", "DELETE"):
            answer = one.ask(method, "/facts", body if method == "PUT" else None, Authorization=f"Bearer {TOKEN}")
            require_status(answer, 405, method)
            require(answer[2]["Allow"] == "POST", f"{method}: no Allow")
        require_status(one.ask("POST", "/metrics", body), 405, "POST to /metrics")
        padded = body[:-1] + b" " * (MIB - len(body)) + b"}"
        require_status(one.send(padded + b" "), 413, "a byte too much")
        chunked = one.ask("POST", "/facts", iter([padded, b" "]), Content_Type=JSON, Authorization=f"Bearer {TOKEN}")
        require_status(chunked, 413, "a byte too much, in chunks")
        for kind in ("text/plain", "application/xml", "application/json; charset=latin1", None):
            require_status(one.send(body, kind), 415, str(kind))
        require_status(one.send(body, Content_Encoding="gzip"), 415, "compressed")

        # 400: what is wrong, where
        future = fact("lead", occurred_at=iso(now_ms() + 3600 * 1000))
        wrong = [good, fact("lead", type="LeadCreate"), fact("", "e"), fact("lead", channel=7), future, {}]
        answer = one.send(wrong)
        require_status(answer, 400, "wrong facts")
        problems = json.loads(answer[1])["problems"]
        fields = [(problem["index"], problem["field"]) for problem in problems]
        require(fields == [(1, "type"), (2, "lead_id"), (3, "channel"), (4, "occurred_at"), (5, "type")],
                f"not these problems: {problems}")  # fmt: skip
        require(all(len(problem["message"]) > 10 for problem in problems), f"they say too little: {problems}")
        require_status(one.send([{}] * 1000), 400, "a thousand wrong facts")
        require(len(json.loads(one.send([{}] * 1000)[1])["problems"]) == 100, "not a hundred problems")
        for broken in (b"", b"{", b"[" + body, b"\xff\xfe", b"[" + body + b"," + body, body[:-1] + b',"a":"\xff"}'):
            require_status(one.send(broken), 400, repr(broken)[:60])

        # the right ones
        for index, headers in enumerate((webhook, hub)):
            content = json.dumps(fact(f"signed-{index}")).encode()
            require_status(one.send(content, **{"Authorization": None, **headers(content)}), 202, f"signature {index}")
            # What is signed is the body; the headers of binary mode are not.
            binary = {"ce_specversion": "1.0", "ce_type": "LeadCreated", "ce_id": "again", **headers(content)}
            require_status(one.send(content, **{"Authorization": None, **binary}), 401, f"signature {index} in binary mode")
        require_status(one.send(json.dumps(fact("padded")).encode().ljust(MIB)), 202, "a body of 1 MiB")
        require(sorted(events_in(world)) == ["padded-1", "signed-0-1", "signed-1-1"], f"published: {events_in(world)}")
        one.stop()
    finally:
        world.close()


def starts_that_are_refused():
    """Exit code 2, and what to do."""
    world = World("starts", policy_of("card/feed"))
    certificates = Certificates(world.folder)
    try:
        for settings, says in (
            (["ingest.listen=0.0.0.0:19466"], "set ingest.tokens or ingest.secrets"),
            (["ingest.listen=nonsense"], "must be HOST:PORT"),
            (["ingest.tokens.crm=short"], "shorter than 16 letters"),
            (["ingest.secrets.crm=whsec_0123456789abcdef"], "ingest.secrets.crm: begins with whsec_"),
            ([f"ingest.certificate={certificates.root}"], "set ingest.key too"),
            ([f"ingest.certificate={certificates.root}", f"ingest.key={certificates.path('stranger.key')}"],
             "ingest.certificate: "),
        ):  # fmt: skip
            command = [BINARY, "ingest", "--config", world.config]
            for setting in settings:
                command += ["--set", setting]
            done = subprocess.run(command, capture_output=True, timeout=60, check=False, text=True)
            require(done.returncode == 2 and says in done.stderr, f"{settings}: {done.returncode}, {done.stderr}")
            require("short" not in done.stderr.replace("shorter", ""), f"a token is shown: {done.stderr}")

        # TLS, on an address for all, with a token
        world.create_topics()
        pem = certificates.path("chain.pem")
        with open(pem, "w", encoding="utf-8") as file:
            for part in ("broker.pem", "intermediate.pem"):
                with open(certificates.path(part), encoding="utf-8") as certificate:
                    file.write(certificate.read())
        one = door(world, f"ingest.certificate={pem}", f"ingest.key={certificates.path('broker.key')}")
        trust = ssl.create_default_context(cafile=certificates.root)

        def ask_safely(method, path, body=None):
            connection = http.client.HTTPSConnection("127.0.0.1", one.port, timeout=60, context=trust)
            headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": JSON}
            connection.request(method, path, body, headers)
            return connection.getresponse().status

        def is_ready():
            require(one.is_running(), one.read_log())
            try:
                return ask_safely("GET", "/readyz") == 200
            except OSError:
                return False

        wait_for("the door is ready", is_ready, 60)
        require(ask_safely("POST", "/facts", json.dumps(fact("safe"))) == 202, "not taken by TLS")
        require(events_in(world) == ["safe-1"], "it is not in the topic")
        one.stop()
    finally:
        world.close()


# ---- Senders of every kind ----


def dial(one):
    connection = socket.create_connection(("127.0.0.1", one.port), timeout=60)
    return connection


def head(size, *more):
    lines = ["POST /facts HTTP/1.1", "Host: x", f"Authorization: Bearer {TOKEN}", f"Content-Type: {JSON}", *more]
    lines += [f"Content-Length: {size}"] if size is not None else ["Transfer-Encoding: chunked"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def status_of(connection):
    """Of what comes next; 0: the connection is closed."""
    line = connection.makefile("rb").readline()
    return int(line.split()[1]) if line else 0


def bad_senders():
    """Some send slowly, or half, or nothing, or nonsense, and more than may be there at once. Meanwhile a good one is
    served, and in the end only its facts are published."""
    world = World("senders", policy_of("card/feed"))
    try:
        world.create_topics()
        one = door(world, "ingest.patience=2s", "ingest.connections=32", "ingest.threads=2").until_ready()
        body = json.dumps(fact("bad")).encode()
        silent = [dial(one) for _ in range(60)]
        for connection in silent[12:24]:
            connection.sendall(head(len(body))[:60])
        for connection in silent[24:36]:
            connection.sendall(head(len(body)) + body[:-1])
        broken = []
        for chunks in (b"zz\r\n" + body + b"\r\n0\r\n\r\n", b"5\r\n" + body + b"\r\n0\r\n\r\n", b"%x\r\n" % len(body) + body[:9]):
            broken.append(dial(one))
            broken[-1].sendall(head(None) + chunks)
        long = dial(one)
        stop = threading.Event()
        answers = []

        def send_good():
            while not stop.is_set():
                name = f"good-{len(answers)}"
                answers.append((name, one.send(fact(name, name))[0]))

        good = threading.Thread(target=send_good)
        good.start()
        try:
            try:
                long.sendall(head(5)[:-2] + b"X-Long: " + b"x" * 1000000)
            except OSError:
                pass  # it is not listened to so long
            for connection in broken:
                require(status_of(connection) in (0, 400), "broken chunks were taken")
            for connection in silent:
                require(connection.recv(1) == b"", "a sender that sends nothing was answered")
            wait_for("a good one is served", lambda: len(answers) > 3, 60)
        finally:
            stop.set()
            good.join()
        require(all(status == 202 for _, status in answers), f"a good sender was not served: {answers}")
        require(sorted(events_in(world)) == sorted(name for name, _ in answers), "something else was published")
        one.stop()
    finally:
        world.close()


def too_much_at_once():
    """What is not answered yet has its limit, and so has memory; who comes beyond is told to come later."""
    world = World("too-much", policy_of("card/feed"))
    limit = 8 * MIB
    try:
        world.create_topics()
        one = door(world, f"ingest.in_flight_bytes={limit}", "ingest.patience=60s").until_ready()
        before = one.memory()
        held = []
        for index in range(limit // MIB):
            held.append(dial(one))
            held[-1].sendall(head(MIB) + json.dumps(fact(f"held-{index}")).encode().ljust(MIB - 1))
        full = json.dumps(fact("more")).encode().ljust(MIB)
        held_bytes = len(held) * (MIB - 1)
        wait_for("they are held", lambda: one.metric("leadclock_ingest_in_flight_bytes") == held_bytes, 60)
        refused = [0]

        def send_more():
            for _ in range(10):
                answer = one.send(full)
                require_status(answer, 429, "more than fits")
                require(int(answer[2]["Retry-After"]) > 0, "no Retry-After")
                refused[0] += 1

        many = [threading.Thread(target=send_more) for _ in range(10)]
        for thread in many:
            thread.start()
        for thread in many:
            thread.join()
        require(refused[0] == 100, f"only {refused[0]} of 100 were told to come later")
        for connection in held:
            connection.sendall(b" ")
        require([status_of(connection) for connection in held] == [202] * len(held), "those held are not taken")
        grown = one.memory() - before
        say(f"{grown // MIB} MiB more memory for {limit // MIB} MiB in flight and 100 MiB refused")
        require(grown < 5 * limit, f"memory grew by {grown // MIB} MiB")
        require_status(one.send(full), 202, "after those")
        ids = events_in(world)
        require(sorted(set(ids)) == sorted([f"held-{i}-1" for i in range(len(held))] + ["more-1"]), f"published: {ids}")
        one.stop()
    finally:
        world.close()


def load():
    """Many at once, alone and in batches, without an error; all of it is published. tests/bench/ingest.sh measures."""
    world = World("load", policy_of("card/feed"))
    program = os.path.join(os.path.dirname(BINARY), "tests", "bench", "send-facts")
    try:
        world.create_topics()
        one = door(world).until_ready()
        wanted = 0
        for facts, each, connections in ((40000, 100, 8), (6400, 1, 64)):
            done = subprocess.run([program, str(one.port), str(connections), str(facts), str(each), TOKEN],
                                  capture_output=True, timeout=120, check=False, text=True)  # fmt: skip
            require(done.returncode == 0, f"not all were answered 202: {done.stdout} {done.stderr}")
            say(f"seconds, requests, requests/s, facts/s, longest ms, errors: {done.stdout.strip()}")
            wanted += int(done.stdout.split()[1]) * each
        published = len(world.watch("leads.created"))
        require(published == wanted, f"{published} are published, {wanted} were sent")
        one.stop()
    finally:
        world.close()


# ---- Kafka goes away ----


class Sender(threading.Thread):
    """Sends its facts, some at a time and some alone, again and again until each is answered 202; and between them
    requests that must be refused."""

    def __init__(self, one, facts, name):
        super().__init__()
        self.one, self.facts, self.prefix = one, facts, name
        self.statuses, self.failure = {}, None

    def run(self):
        try:
            for index, some in enumerate(slices(self.facts, max(1, len(self.facts) // 25))):
                for part in [some] if index % 2 else [[each] for each in some[:5]] + [some[5:]]:
                    self.send(part)
                wrong = [fact(f"bad-{self.prefix}-{index}"), fact("bad", type="Nothing")]
                self.send(wrong, 400)
        except Exception as error:
            self.failure = error

    def send(self, facts, wanted=202):
        while True:
            try:
                status, body, headers = self.one.send(facts)
            except OSError:
                status = 0
            self.statuses[status] = self.statuses.get(status, 0) + 1
            if status == wanted:
                return
            require(status in (0, 429, 503), f"answered {status}: {body}")
            require(status == 0 or int(headers["Retry-After"]) > 0, "no Retry-After")
            time.sleep(0.3)


def kafka_is_killed():
    """In the middle of a feed, by kill -9. Nothing is lost that was answered 202, nothing is there that was
    answered 400, and what follows is what the backtest says."""
    world = World("killed", policy_of("card/feed"))
    try:
        world.create_topics()
        one = door(world, "ingest.timeout=5s").until_ready()
        world.start()
        facts = [{k: v for k, v in each.items() if k != "arrived_at"} for each in multiply(load_feed("card/feed"), 3)]
        senders = [Sender(one, some, str(index)) for index, some in enumerate(slices(facts, 6))]
        for sender in senders:
            sender.start()
        taken = 'leadclock_ingest_requests_total{status="202"}'
        wait_for("some are taken", lambda: one.metric(taken) > 20, 60)
        stack("kill", "kafka")
        wait_for("it is said that Kafka is away", lambda: one.ask("GET", "/readyz")[0] == 503, 60)
        stack("start", "kafka")
        for sender in senders:
            sender.join()
            require(sender.failure is None, f"a sender: {sender.failure}")
        statuses = {}
        for sender in senders:
            for status, n in sender.statuses.items():
                statuses[status] = statuses.get(status, 0) + n
        say(f"answers: {statuses}")
        require(statuses.get(503, 0) > 0, "Kafka was away, and nobody was told")
        require(statuses.get(0, 0) == 0, "somebody was not answered")
        ids = events_once_it_is_back(world)
        require(ids == {each["event_id"] for each in facts}, "what is in the topics is not what was answered 202")
        world.published = facts
        world.end_as_if_nothing_happened()
    finally:
        stack("up")
        world.close()


def kafka_hangs():
    """A broker that does not answer holds nobody for long; SIGTERM answers those who wait, and ends."""
    world = World("hangs", policy_of("card/feed"))
    with open(os.path.join(STACK_DIR, "kafka.pid"), encoding="utf-8") as file:
        pid = int(file.read().split()[0])
    try:
        world.create_topics()
        one = door(world, "ingest.timeout=3s").until_ready()
        require_status(one.send(fact("before")), 202, "before")
        answers = {}

        def send(name):
            answers[name] = one.send(fact(name))[0]

        os.kill(pid, signal.SIGSTOP)
        first = threading.Thread(target=send, args=["meanwhile"])
        first.start()
        first.join(60)
        require(answers.get("meanwhile") == 503, f"not 503 but {answers}")
        wait_for("it is said that Kafka is away", lambda: one.ask("GET", "/readyz")[0] == 503, 60)
        require_status(one.send(fact("away")), 503, "it is known to be away")
        os.kill(pid, signal.SIGCONT)
        wait_for("facts are taken again", lambda: one.send(fact("after"))[0] == 202, 60)
        in_flight = "leadclock_ingest_in_flight_requests"
        require(one.metric(in_flight) == 0, "something is still in flight")

        os.kill(pid, signal.SIGSTOP)
        last = threading.Thread(target=send, args=["last"])
        last.start()
        wait_for("it is on its way", lambda: one.metric(in_flight) == 1 or "last" in answers, 60)
        one.process.send_signal(signal.SIGTERM)
        os.kill(pid, signal.SIGCONT)
        last.join(60)
        require(one.process.wait(60) == 0, "it did not end with 0")
        require(answers.get("last") in (202, 503), f"who waited was not answered: {answers}")
        ids = events_once_it_is_back(world)
        require({"before-1", "after-1"} <= ids, f"lost: {ids}")
        require(answers["last"] != 202 or "last-1" in ids, "answered 202, and lost")
    finally:
        os.kill(pid, signal.SIGCONT)
        world.close()


def servers_come_late():
    """It starts without Kafka, says so, and takes facts when it is there."""
    world = World("late-door", policy_of("card/feed"))
    try:
        one = door(world)
        wait_for("it says that topics are missing", lambda: "does not exist" in one.read_log(), 60)
        answer = one.send(fact("early"))
        require_status(answer, 503, "no topics yet")
        require(int(answer[2]["Retry-After"]) > 0, "no Retry-After")
        require(one.ask("GET", "/livez")[0] == 200, "it does not live")
        require("does not exist" in one.ask("GET", "/readyz")[1].decode(), "it does not say what it waits for")
        world.create_topics()
        one.until_ready()
        require_status(one.send(fact("late")), 202, "topics are there")
        require(events_in(world) == ["late-1"], "something else was published")
        one.stop()
    finally:
        world.close()


TESTS = {
    test.__name__: test
    for test in (facts_in_every_form, refusals, starts_that_are_refused, bad_senders, too_much_at_once, load, kafka_is_killed,
                 kafka_hangs, servers_come_late)
}  # fmt: skip

if __name__ == "__main__":
    sys.exit(main(TESTS))
