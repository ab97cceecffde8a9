#!/usr/bin/env python3
"""alert.py [TEST...] - `leadclock alert` with Debian's Alertmanager, and a receiver of webhooks that fails in every way:
what is active in Alertmanager is what a backtest says is open, and no outcome that a webhook wants is lost.

LC_BREACHES: how many are open at once in ten_thousand (default 10,000)."""

import base64
import collections
import hashlib
import hmac
import json
import os
import random
import signal
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request

from receiver import refusal_of
from world import BINARY, OUTCOMES, World, free_port, main, now_ms, require, require_equal, say, wait_for

BREACHES = int(os.environ.get("LC_BREACHES", "10000"))
SECRET = "whsec_" + base64.b64encode(b"a key for tests that is long").decode()
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
LABELS = ("policy", "rule", "clock", "channel", "severity")
POLICY = """
name: doors
stages: [SAL, {name: WON, closes: won}, {name: LOST, closes: lost}]
reasons: {other: {route: NURTURE, track: general}}
retain: 9000d
rules:
  - name: quick
    when: {channel: [demo, quote]}
    first_contact: {within: 10m, escalate: [5m]}
    clawback: {after: 14d, until: WON, route: NURTURE, track: general}
  - name: standard
    when: any
    first_contact: {within: 12m, escalate: [2h]}
    clawback: {after: 14d, until: WON, route: NURTURE, track: general}
"""


# ---- Facts ----


def created(lead, at, channel="demo", owner="ann"):
    return {"type": "LeadCreated", "event_id": f"c-{lead}", "lead_id": lead, "occurred_at": at, "channel": channel,
            "owner": owner, "attributes": {}}  # fmt: skip


def contacted(lead, at):
    return {"type": "LeadContacted", "event_id": f"t-{lead}", "lead_id": lead, "occurred_at": at, "method": "CALL",
            "automated": False, "outcome": "CONNECTED"}  # fmt: skip


# ---- Programs ----


class Program:
    """A process that is killed and started again."""

    def __init__(self, world, name):
        self.log_path = os.path.join(world.folder, f"{name}.log")
        self.name, self.process = name, None

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log)
        return self

    def kill(self):
        self.process.kill()
        self.process.wait()

    def close(self):
        if self.process and self.process.poll() is None:
            self.kill()

    def read_log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()


class Receiver(Program):
    def __init__(self, world, mode="calm", name="receiver", certificate=None):
        super().__init__(world, name)
        self.port, self.mode, self.certificate = free_port(), mode, certificate
        self.path = os.path.join(world.folder, f"{name}.jsonl")

    def command(self):
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "receiver.py")
        return [sys.executable, "-B", script, str(self.port), self.path, self.mode,
                *([self.certificate] if self.certificate else [])]  # fmt: skip

    def url(self, path="/hook?token=t"):
        return f"http{'s' if self.certificate else ''}://127.0.0.1:{self.port}{path}"

    def taken(self):
        """What it took, whole lines only: it may have been killed in the middle of one."""
        if not os.path.exists(self.path):
            return []
        with open(self.path, encoding="utf-8") as file:
            return [json.loads(line) for line in file.read().splitlines() if line.endswith("}")]


class Alertmanager(Program):
    """Debian's; it notifies `receiver` of all."""

    def __init__(self, world, receiver=None, name="alertmanager"):
        super().__init__(world, name)
        self.port, self.storage = free_port(), os.path.join(world.folder, name)
        self.config = os.path.join(world.folder, f"{name}.yaml")
        hook = f"webhook_configs: [{{url: '{receiver.url('/notify')}', send_resolved: true}}]" if receiver else ""
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(
                "route: {receiver: all, group_by: ['...'], group_wait: 100ms, group_interval: 1s, repeat_interval: 1h}\n"
                f"receivers:\n  - name: all\n    {hook}\n"
            )

    def command(self):
        return ["prometheus-alertmanager", f"--config.file={self.config}", f"--storage.path={self.storage}",
                f"--web.listen-address=127.0.0.1:{self.port}", "--cluster.listen-address="]  # fmt: skip

    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def active(self):
        """(labels) -> how many leads its annotation says; None: it does not answer."""
        try:
            with urllib.request.urlopen(self.url() + "/api/v2/alerts?active=true", timeout=5) as answer:
                alerts = json.load(answer)
        except OSError:
            return None
        return {tuple(sorted(alert["labels"].items())): int(alert["annotations"]["leads"]) for alert in alerts}


class Alerter(Program):
    def __init__(self, world, name="alert", *settings):
        super().__init__(world, name)
        self.world, self.port, self.settings = world, free_port(), settings

    def command(self):
        command = [BINARY, "alert", "--config", self.world.config, "--set", f"alert.listen=127.0.0.1:{self.port}"]
        for setting in self.settings:
            command += ["--set", setting]
        return command

    def get(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def figure(self, name):
        lines = self.get("/metrics")[1].splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.partition("{")[0].partition(" ")[0] == name)

    def is_ready(self):
        return self.get("/readyz") == (200, "ok\n")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(40)
        require(code == 0, f"{self.name} ended with {code} after SIGTERM; see {self.log_path}")

    def close(self):
        super().close()
        log = self.read_log() if os.path.exists(self.log_path) else ""
        require("Sanitizer" not in log and "runtime error:" not in log, f"the sanitizers complain: {self.log_path}")
        require("token=t" not in log, f"a webhook's URL is in the log: {self.log_path}")


def configure(world, alertmanager=None, receiver=None, **keys):
    """Adds `alert` to the world's configuration, and makes the topics."""
    lines = ["alert:", "  listen: ''", "  timeout: 1s"]
    lines += [f"  {key}: {value}" for key, value in keys.items() if key not in ("events", "max_age")]
    if alertmanager:
        lines.append(f"  alertmanager: {{urls: ['{alertmanager.url()}'], every: 1s, labels: {{team: inside}}}}")
    if receiver:
        events, max_age = keys.get("events", "[]"), keys.get("max_age", "1h")
        lines.append(f"  webhooks: [{{url: '{receiver.url()}', secret: '{SECRET}', events: {events}, max_age: {max_age}}}]")
    with open(world.config, "a", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    world.create_topics()


# ---- What must hold ----


def open_breaches(world):
    world.backtest()
    rows = [row for (table, _), row in world.rows_of_backtest().items() if table == "breaches"]
    return [row for row in rows if row["ended_at"] is None]


def expected_alerts(world):
    """By the backtest of what was published, until now."""
    leads = collections.defaultdict(set)
    for row in open_breaches(world):
        labels = {name: row[name] for name in LABELS[:4] if row[name]}
        labels["severity"] = "critical" if row["level"] else "warning"
        labels.update(alertname="LeadSlaBreached", team="inside")
        leads[tuple(sorted(labels.items()))].add(row["lead_id"])
    return {labels: len(some) for labels, some in leads.items()}


def require_alerts(world, alertmanager, timeout=60):
    """What is active becomes what is open. Both move: what is escalated meanwhile is so in both."""
    last = {}

    def are_the_same():
        last["active"], last["expected"] = alertmanager.active(), expected_alerts(world)
        return last["active"] == last["expected"]

    try:
        wait_for("alerts as in the backtest", are_the_same, timeout)
    except Exception:
        require_equal("active alerts", last["active"] or {}, last["expected"])
        raise
    return last["expected"]


def published(world):
    """What lies on the outcome topics: webhook-id -> (topic, partition), outcome; in the order of each partition."""
    events = {}
    for line in world.run("watch", "--from-beginning", "--until-caught-up", "--headers", *OUTCOMES).splitlines():
        record = json.loads(line)
        events[record["headers"]["ce_id"]] = (record["topic"], record["partition"]), record["value"]
    return events


def require_signed(taken):
    headers = taken["headers"]
    key = base64.b64decode(SECRET[len("whsec_") :])
    text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{taken['body']}"
    signature = base64.b64encode(hmac.new(key, text.encode(), hashlib.sha256).digest()).decode()
    require(headers["webhook-signature"] == "v1," + signature, f"not signed: {headers}")
    require(abs(int(headers["webhook-timestamp"]) - taken["at"]) < 60, "signed at another time")
    require(headers["content-type"].startswith("application/cloudevents+json"), f"it is called {headers}")


def require_event(taken, outcome):
    event = json.loads(taken["body"])
    require(event["data"] == outcome, f"data {event['data']} instead of {outcome}")
    expected = {"specversion": "1.0", "id": taken["headers"]["webhook-id"], "type": f"leadclock.{outcome['type']}",
                "subject": outcome["lead_id"], "time": outcome["occurred_at"], "datacontenttype": "application/json"}  # fmt: skip
    require({name: event[name] for name in expected} == expected and event["source"], f"the event is {event}")


def require_in_order(ids, wanted):
    """Each of them came, in this order, and again only where that goes on from an earlier one."""
    at = {event_id: index for index, event_id in enumerate(wanted)}
    require(set(ids) <= set(at), f"not wanted, but delivered: {sorted(set(ids) - set(at))[:3]}")
    require(set(ids) == set(at), f"lost: {[one for one in wanted if one not in set(ids)][:3]}")
    next_new = 0
    for event_id in ids:
        require(at[event_id] <= next_new, f"{event_id} came before {wanted[next_new]}")
        next_new = max(next_new, at[event_id] + 1)


def refusals(receiver, events):
    """Of these events: webhook-id -> the status that it gets for good."""
    return {one: refusal_of(one) for one in events if receiver.mode == "hostile" and refusal_of(one)}


def wait_for_all(world, receiver, timeout=90):
    """What was taken, and what was published by then, once nothing of that is missing."""

    def have_all():
        taken = receiver.taken()
        events = published(world)
        refused = refusals(receiver, events)
        ids = {one["headers"]["webhook-id"] for one in taken}
        return (taken, events) if ids >= set(events) - set(refused) and undelivered(world) == refused else None

    return wait_for("the webhook to have all", have_all, timeout)


def require_delivered(receiver, all_taken, events):
    """At least once, in order for each partition, as they were published; but for those that were refused."""
    lanes, came, refused = collections.defaultdict(list), collections.defaultdict(list), refusals(receiver, events)
    for event_id, (place, _) in events.items():
        if event_id not in refused:
            lanes[place].append(event_id)
    for taken in all_taken:
        event_id = taken["headers"]["webhook-id"]
        require(event_id in events, f"{event_id} was never published")
        require_signed(taken)
        require_event(taken, events[event_id][1])
        came[events[event_id][0]].append(event_id)
    for place in set(lanes) | set(came):
        require_in_order(came[place], lanes[place])
    say(f"{len(events)} events, {len(all_taken)} deliveries taken, {len(refused)} put aside")


def undelivered(world):
    """webhook-id -> status."""
    lines = world.run("watch", "--from-beginning", "--until-caught-up", "--headers", "leads.undelivered").splitlines()
    headers = [json.loads(line)["headers"] for line in lines]
    return {one["ce_id"]: int(one["leadclock.status"]) for one in headers}


def close(world, *programs):
    for program in programs:
        if program:
            program.close()
    world.close()


# ---- Tests ----


def round_of_facts(n, before):
    """Breaches that come; those of the round before end, are retracted, or are escalated in a moment."""
    now, facts = now_ms(), []
    for i in range(8):
        channel = random.choice(("demo", "quote", "webinar", "fair"))
        facts.append(created(f"r{n}-{i}", now - random.choice((14, 40)) * MINUTE, channel, random.choice(("ann", "bo"))))
    facts.append(created(f"r{n}-soon", now - 15 * MINUTE + 4000, "demo"))
    for fact in before[:-1]:
        fate = random.choice(("ends", "was in time", "goes on"))
        if fate == "ends":
            facts.append(contacted(fact["lead_id"], now - 1000))
        elif fate == "was in time":
            facts.append(contacted(fact["lead_id"], fact["occurred_at"] + MINUTE))
    return facts


def killed_in_turn():
    """The alerter, Alertmanager and the receiver are killed while breaches come, end, are escalated and retracted; the
    receiver fails in every way besides."""
    world = World("alert", POLICY, properties="{session.timeout.ms: 6000}")
    receiver = Receiver(world, "hostile")
    alertmanager = Alertmanager(world)
    alerter = Alerter(world)
    try:
        configure(world, alertmanager, receiver)
        world.start()
        programs = [alertmanager.start(), alerter.start(), receiver.start()]
        before = []
        for n, victim in enumerate([alerter, alertmanager, receiver] * 2):
            facts = round_of_facts(n, before)
            world.publish(facts[: len(facts) // 2])
            victim.kill()
            world.publish(facts[len(facts) // 2 :])
            victim.start()
            before = [fact for fact in facts if fact["type"] == "LeadCreated"]
            expected = require_alerts(world, alertmanager)
            say(f"{victim.name} killed: {len(expected)} alerts of {sum(expected.values())} leads, as in the backtest")
        world.settle()
        taken, events = wait_for_all(world, receiver)
        require_delivered(receiver, taken, events)
        require({"Retracted", "SlaEscalated", "SlaBreachEnded"} <= {o["type"] for _, o in events.values()},
                "nothing was retracted, escalated or ended")  # fmt: skip
        require(all(one.process.poll() is None for one in programs), "one has ended by itself")
        alerter.stop()
        world.services[0].stop()
    finally:
        close(world, alerter, alertmanager, receiver)


def first_start():
    """Over a year of history: nobody is told anything old."""
    world = World("alert-first", POLICY)
    receiver, notified = Receiver(world), Receiver(world, name="notified")
    alertmanager = Alertmanager(world, notified)
    alerter = Alerter(world)
    try:
        configure(world, alertmanager, receiver, events="[SlaBreached, SlaBreachEnded]")
        now = now_ms()
        facts = [created(f"old-{i}", now - (i % 365 + 1) * DAY, random.choice(("demo", "fair"))) for i in range(400)]
        facts += [contacted(f"old-{i}", now - (i % 365 + 1) * DAY + 2 * HOUR) for i in range(400) if i % 100]
        facts.append(created("new", now - 20 * MINUTE, "fair"))
        world.publish(facts)
        world.start()
        world.settle()
        for program in (receiver, notified, alertmanager, alerter):
            program.start()
        expected = require_alerts(world, alertmanager)
        wait_for("readiness", alerter.is_ready, 30)
        outcomes = [o for _, o in published(world).values() if o["type"] in ("SlaBreached", "SlaBreachEnded")]
        wait_for("all to be passed over or delivered", lambda: alerter.figure("leadclock_alert_passed_over_total")
                 + alerter.figure("leadclock_alert_delivered_total") >= len(outcomes), 60)  # fmt: skip
        called = [json.loads(taken["body"])["data"]["lead_id"] for taken in receiver.taken()]
        require(called == ["new"], f"the webhook was called for {called}")
        require(len(outcomes) > 790, f"so few outcomes prove nothing: {len(outcomes)}")
        told = lambda: [alert for taken in notified.taken() for alert in json.loads(taken["body"])["alerts"]]
        wait_for("Alertmanager to notify of all", lambda: len(told()) >= len(expected), 30)
        require({alert["status"] for alert in told()} == {"firing"} and len(told()) == len(expected),
                f"Alertmanager was told of {told()}")  # fmt: skip
        world.publish([contacted("new", now_ms() - 1000)])
        world.settle()
        require_alerts(world, alertmanager)
        wait_for("the end of an alert", lambda: any(alert["status"] == "resolved" for alert in told()), 30)
        alerter.stop()
        world.services[0].stop()
    finally:
        close(world, alerter, alertmanager, receiver, notified)


def gone():
    """After 410 nobody is called any more, /readyz says so; another webhook goes on, and so does this one after a restart."""
    world = World("alert-gone", POLICY)
    receiver, other = Receiver(world, "gone"), Receiver(world, name="other")
    alerter = Alerter(world)
    try:
        hooks = [f"{{name: {name}, url: '{one.url()}', secret: plain}}" for name, one in (("a", receiver), ("b", other))]
        configure(world, webhooks=f"[{', '.join(hooks)}]")
        world.start()
        for program in (receiver, other, alerter):
            program.start()
        world.publish([created("first", now_ms() - 20 * MINUTE)])
        wait_for("/readyz to say that it is gone", lambda: "webhook a: answers HTTP 410" in alerter.get("/readyz")[1], 60)
        require(alerter.get("/readyz")[0] == 503 and alerter.get("/livez")[0] == 200, "it is ready, or not alive")
        wait_for("the other to be called", lambda: len(other.taken()) >= 2, 60)
        receiver.kill()
        receiver.mode = "calm"
        receiver.start()
        alerter.stop()
        require(not receiver.taken(), "it was called after 410")
        alerter.start()
        wait_for("the first to be called", lambda: len(receiver.taken()) >= 2, 60)
        wait_for("readiness", alerter.is_ready, 30)
        alerter.stop()
        world.services[0].stop()
    finally:
        close(world, alerter, receiver, other)


def ten_thousand():
    """So many open breaches are told within one interval after a restart; by lead, 500 of them and how many more."""
    world = World("alert-many", POLICY)
    alertmanager, alerter = Alertmanager(world), Alerter(world)
    by_lead = Alerter(world, "by-lead", "alert.group_by=lead_id,rule,severity")
    try:
        configure(world, alertmanager)
        now = now_ms()
        world.publish([created(f"lead-{i}", now - HOUR - i, "demo") for i in range(BREACHES)])
        world.start()
        world.settle()
        alertmanager.start()
        alerter.start()
        wait_for("all in one alert", lambda: list((alertmanager.active() or {}).values()) == [BREACHES], 60)
        require(alerter.figure("leadclock_alert_requests_total") <= 3, "that took more than an interval")
        require(alerter.figure("leadclock_alert_open_breaches") == BREACHES, "the metric says otherwise")
        alerter.stop()
        by_lead.start()
        own = lambda: {dict(labels).get("lead_id"): n for labels, n in (alertmanager.active() or {}).items()}
        wait_for("an alert a lead", lambda: len([one for one in own() if one]) == 501, 60)
        require(own()["(more)"] == BREACHES - 500, f"how many more: {own()['(more)']}")
        longest = {f"lead-{BREACHES - 1 - i}" for i in range(500)}
        require({one for one in own() if one} - {"(more)"} == longest, "not those that are broken longest")
        by_lead.stop()
        world.services[0].stop()
    finally:
        close(world, alerter, by_lead, alertmanager)


def tables_made_anew():
    """A reset empties the table under a running alerter: what was open before is told no more."""
    world = World("alert-reset", POLICY, properties="{session.timeout.ms: 6000}")
    alertmanager, alerter = Alertmanager(world), Alerter(world)
    try:
        configure(world, alertmanager)
        world.publish([created(f"lead-{i}", now_ms() - HOUR) for i in range(20)])
        world.start()
        alertmanager.start()
        alerter.start()
        require_alerts(world, alertmanager)
        world.services[0].stop()
        world.services.clear()
        world.run("reset", "--yes")
        wait_for("no alert", lambda: alertmanager.active() == {}, 60)
        world.start("b")
        require_alerts(world, alertmanager)
        alerter.stop()
        world.services[0].stop()
    finally:
        close(world, alerter, alertmanager)


def certificates():
    """A webhook is called only if its certificate can be verified."""
    world = World("alert-tls", POLICY)
    certificate = os.path.join(world.folder, "receiver.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", certificate, "-out",
                    certificate + ".crt", "-days", "2", "-subj", "/CN=receiver", "-addext", "subjectAltName=IP:127.0.0.1"],
                   check=True, capture_output=True)  # fmt: skip
    with open(certificate, "a", encoding="utf-8") as file, open(certificate + ".crt", encoding="utf-8") as own:
        file.write(own.read())
    receiver = Receiver(world, certificate=certificate)
    alerter, trusting = Alerter(world), Alerter(world, "trusting", f"alert.ca_file={certificate}.crt")
    try:
        configure(world, None, receiver)
        world.start()
        receiver.start()
        alerter.start()
        world.publish([created("first", now_ms() - 20 * MINUTE)])
        wait_for("it to be refused", lambda: "certificate" in alerter.get("/readyz")[1], 60)
        require(not receiver.taken(), "it was called all the same")
        alerter.stop()
        trusting.start()
        wait_for("it to be called", receiver.taken, 60)
        trusting.stop()
        world.services[0].stop()
    finally:
        close(world, alerter, trusting, receiver)


TESTS = {
    test.__name__: test for test in (killed_in_turn, first_start, gone, ten_thousand, tables_made_anew, certificates)
}

if __name__ == "__main__":
    sys.exit(main(TESTS))
