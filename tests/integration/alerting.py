"""alerting.py - what alert.py's tests share: facts, the programs that are killed and started again, and what must hold of
alerts and of deliveries."""

import base64
import collections
import ctypes
import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request

from receiver import refusal_of
from world import BINARY, OUTCOMES, free_port, require, require_equal, say, wait_for

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


def bcrypt(password):
    """As Alertmanager's file keeps it."""
    crypt = ctypes.CDLL("libcrypt.so.1").crypt
    crypt.restype = ctypes.c_char_p
    return crypt(password.encode(), b"$2b$04$abcdefghijklmnopqrstuu").decode()


class Alertmanager(Program):
    """Debian's; it notifies `receiver` of all. `login`: (user, password) of who may come in; None: anybody."""

    def __init__(self, world, receiver=None, name="alertmanager", login=None):
        super().__init__(world, name)
        self.web, self.login = os.path.join(world.folder, f"{name}-web.yaml"), None
        self.let_in(login)
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
                f"--web.config.file={self.web}", f"--web.listen-address=127.0.0.1:{self.port}",
                "--cluster.listen-address="]  # fmt: skip

    def let_in(self, login):
        """Nobody else from now on: its file is read for each request."""
        self.login = login
        users = {login[0]: bcrypt(login[1])} if login else {}
        with open(self.web + ".new", "w", encoding="utf-8") as file:
            json.dump({"basic_auth_users": users}, file)
        os.rename(self.web + ".new", self.web)

    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def alerts(self):
        """Those that are active; None: it does not answer."""
        request = urllib.request.Request(self.url() + "/api/v2/alerts?active=true")
        if self.login:
            request.add_header("Authorization", "Basic " + base64.b64encode(":".join(self.login).encode()).decode())
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return json.load(answer)
        except OSError:
            return None

    def active(self):
        """(labels) -> how many leads its annotation says; None: it does not answer."""
        alerts = self.alerts()
        return alerts if alerts is None else {tuple(sorted(alert["labels"].items())): int(alert["annotations"]["leads"]) for alert in alerts}


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


def require_signed(taken, secret=SECRET):
    headers = taken["headers"]
    key = base64.b64decode(secret[len("whsec_") :]) if secret.startswith("whsec_") else secret.encode()
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


def wait_for_all(world, receiver, timeout=150):
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
