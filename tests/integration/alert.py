#!/usr/bin/env python3
"""alert.py [TEST...] - `leadclock alert` with Debian's Alertmanager, and a receiver of webhooks that fails in every way:
what is active in Alertmanager is what a backtest says is open, and no outcome that a webhook wants is lost.

LC_BREACHES: how many are open at once in ten_thousand (default 10,000)."""

import json
import os
import random
import subprocess
import sys
from datetime import datetime, timedelta, timezone

from alerting import DAY, HOUR, MINUTE, POLICY, Alerter, Alertmanager, Receiver
from alerting import close, configure, contacted, created, published, require_alerts, require_delivered, wait_for_all
from receiver import BUSY_S
from tools import harm_topic
from world import World, main, murmur2_partition, now_ms, require, say, wait_for

BREACHES = int(os.environ.get("LC_BREACHES", "10000"))


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
    alerter, second = Alerter(world), Alerter(world, "second")
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
            if n == 3:  # two at once are harmless
                second.start()
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
        second.stop()
        world.services[0].stop()
    finally:
        close(world, alerter, second, alertmanager, receiver)


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


def undelivered_is_full():
    """What is refused and can't be put aside holds up its own partition: it is not posted again, others go on; and it is
    put aside once that can be done."""
    world = World("alert-full", POLICY)
    receiver, alerter = Receiver(world, "picky"), Alerter(world)
    try:
        configure(world, webhooks=f"[{{url: '{receiver.url()}', secret: plain, events: [SlaBreached]}}]")
        harm_topic(world, "set", "leads.undelivered", "max.message.bytes", 200)
        world.start()
        for program in (receiver, alerter):
            program.start()
        world.publish([created("refused", now_ms() - 20 * MINUTE)])
        wait_for("/readyz to say why", lambda: "leads.undelivered" in alerter.get("/readyz")[1], 60)
        place = murmur2_partition(b"refused")
        apart = [lead for lead in (f"lead-{n}" for n in range(20)) if murmur2_partition(lead.encode()) != place]
        world.publish([created(lead, now_ms() - 20 * MINUTE) for lead in apart])
        wait_for("the others to be told", lambda: len(receiver.taken()) == len(apart), 60)
        harm_topic(world, "set", "leads.undelivered", "max.message.bytes", 1048588)
        wait_for("it is put aside", lambda: world.watch("leads.undelivered"), 60)
        wait_for("readiness", alerter.is_ready, 30)
        with open(receiver.path + ".refused", encoding="utf-8") as file:
            posted = file.read().split()
        require(len(posted) == 1, f"it was posted {len(posted)} times")
        alerter.stop()
        world.services[0].stop()
    finally:
        close(world, alerter, receiver)


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
        wait_for("Alertmanager", lambda: alertmanager.active() is not None, 60)
        alerter.start()
        first = wait_for("an alert", alertmanager.active, 60)
        require(list(first.values()) == [BREACHES], f"the first request did not tell all: {first}")
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


def table_is_gone():
    """Silence would end the alerts after four intervals: while the table can't be read, what was known is told on."""
    world = World("alert-table", POLICY)
    alertmanager, alerter = Alertmanager(world), Alerter(world)
    try:
        configure(world, alertmanager)
        world.publish([created(f"lead-{i}", now_ms() - HOUR) for i in range(5)])
        world.start()
        alertmanager.start()
        alerter.start()
        require_alerts(world, alertmanager)
        world.services[0].stop()
        world.services.clear()
        before = alertmanager.active()
        harm_topic(world, "delete", "leads.tables.breaches")
        wait_for("it to be noticed", lambda: not alerter.is_ready(), 60)
        noticed = datetime.now(timezone.utc)
        ends = lambda: [datetime.fromisoformat(alert["endsAt"].replace("Z", "+00:00")) for alert in alertmanager.alerts()]
        wait_for("it to be told since", lambda: ends() and min(ends()) > noticed + timedelta(seconds=10), 60)
        require(alertmanager.active() == before, "not the alerts from before")
        alerter.stop()
    finally:
        close(world, alerter, alertmanager)


def certificates():
    """A webhook is called only if its certificate can be verified; and again not before it says."""
    world = World("alert-tls", POLICY)
    certificate = os.path.join(world.folder, "receiver.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", certificate, "-out",
                    certificate + ".crt", "-days", "2", "-subj", "/CN=receiver", "-addext", "subjectAltName=IP:127.0.0.1"],
                   check=True, capture_output=True)  # fmt: skip
    with open(certificate, "a", encoding="utf-8") as file, open(certificate + ".crt", encoding="utf-8") as own:
        file.write(own.read())
    receiver = Receiver(world, "busy", certificate=certificate)
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
        taken = wait_for("it to be called", receiver.taken, 60)
        require(all(BUSY_S <= one["after"] < 3600 for one in taken), f"Retry-After was not obeyed: {taken}")
        trusting.stop()
        world.services[0].stop()
    finally:
        close(world, alerter, trusting, receiver)


TESTS = {
    test.__name__: test for test in (
        killed_in_turn, first_start, gone, undelivered_is_full, ten_thousand, tables_made_anew, table_is_gone, certificates)
}

if __name__ == "__main__":
    sys.exit(main(TESTS))
