#!/usr/bin/env python3
"""commands.py [TEST...] - what the commands print and how they end: topics, publish, watch, inspect, run."""

import base64
import collections
import json
import os
import re
import signal
import subprocess
import sys
import urllib.request

from examples import PYTHON, call, fetch
from timing import Facts, Producer, preloaded
from world import BINARY, BROKERS, PARTITIONS, ROOT, World, free_port, get, main, murmur2_partition, now_ms, policy_of
from world import require, wait_for

DAY = 24 * 3600 * 1000
START = now_ms() - 10 * DAY
NOWHERE = "127.0.0.1:1"


def attempt(world, *arguments, stdin=b""):
    """(exit code, standard output, standard error) of a command, whatever comes."""
    done = subprocess.run(
        [BINARY, arguments[0], "--config", world.config, *arguments[1:]], input=stdin, capture_output=True, timeout=120,
        check=False,
    )  # fmt: skip
    require(b"Sanitizer" not in done.stderr and b"runtime error:" not in done.stderr, done.stderr.decode()[-3000:])
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def expect(world, code, pattern, *arguments, stdin=b""):
    """The command ends with `code` and says `pattern` somewhere; what it printed."""
    found, out, err = attempt(world, *arguments, stdin=stdin)
    require(found == code, f"{' '.join(arguments)} ended with {found}, not {code}: {err[-2000:]}")
    require(re.search(pattern, out + err), f"{' '.join(arguments)} does not say {pattern}: {out + err}")
    return out


def created(lead, number=1, **fields):
    return {
        "type": "LeadCreated", "lead_id": lead, "event_id": f"c{number}", "occurred_at": START, "channel": "webinar",
        "attributes": {"segment": "smb"},
    } | fields  # fmt: skip


def contacted(lead, number=1, **fields):
    return {
        "type": "LeadContacted", "lead_id": lead, "event_id": f"k{number}", "occurred_at": START + 60000, "method": "CALL",
    } | fields  # fmt: skip


def watched(world, *arguments):
    lines = world.run("watch", "--from-beginning", "--until-caught-up", *arguments).splitlines()
    return [json.loads(line) for line in lines]


def topics():
    """What is missing is said and made; what is different is said; what is right is left alone."""
    world = World("topics", policy_of("card/feed"))
    expect(world, 1, r"leads.created +- +missing", "topics")
    expect(world, 0, r"leads.state +3 +ok", "topics", "--create", "--partitions", "3")
    expect(world, 0, r"leads.created +3 +ok", "topics", "--create", "--partitions", "3")
    swapped = ["--set", "topics.state=leads.breaches", "--set", "topics.breaches=leads.state"]
    expect(world, 1, r"leads.breaches +3 +cleanup.policy is delete, must be compact; delete.retention", "topics", *swapped)
    more = ["--set", "topics.inputs=leads.created,leads.more"]
    expect(world, 1, r"leads.more +2 +ok.*\n", "topics", *more, "--create", "--partitions", "2")
    expect(world, 1, r"leads.more +2 +has 2 partitions, must have 3", "topics", *more)
    expect(world, 0, r"leads.erased +2 +- +0 +0\n\nGroup \S+: 0 behind", "topics", "--lag")


def topics_in_the_docs():
    """The table of docs/operations.md: topic -> {setting: value}."""
    with open(os.path.join(ROOT, "docs", "operations.md"), encoding="utf-8") as file:
        section = file.read().split("\n## Topics\n")[1].split("\n## ")[0]
    rows = [line.strip("| ").split("|") for line in section.splitlines() if line.startswith("|")]
    names = [name.strip(" `") for name in rows[0][2:]]
    told = {}
    for listed, _, *values in rows[2:]:
        for topic in re.findall(r"`([^`]+)`", listed):
            told[topic] = {name: value.split("`")[1] for name, value in zip(names, values) if "`" in value}
    return told


def topics_as_a_broker_has_them():
    """What is made is what the docs say, as the broker tells another client; and nothing else is made."""
    fetch("python")
    world = World("made", policy_of("card/feed"))
    with open(world.config, "a", encoding="utf-8") as file:
        file.write('alert: {webhooks: [{name: crm, url: "http://127.0.0.1:1/", secret: c2VjcmV0}]}\n')
    out = expect(world, 0, "leads.state +3 +ok", "topics", "--create", "--partitions", "3")
    made = [line.split()[0].removeprefix(world.prefix) for line in out.splitlines()[1:]]
    told = topics_in_the_docs()
    require(sorted(made) == sorted(told), f"made are {sorted(made)}, told of {sorted(told)}")
    ask = os.path.join(os.path.dirname(__file__), "broker.py")
    there = json.loads(call([PYTHON, "-B", ask, BROKERS, *(world.prefix + topic for topic in told)]))
    for topic, values in told.items():
        found = there[world.prefix + topic]
        require(found["partitions"] == 3, f"{topic} has {found['partitions']} partitions")
        for name, value in ({"cleanup.policy": "delete"} | values).items():
            require(found[name] == value, f"{topic}: {name} is {found[name]}, must be {value}")


def a_topic_that_is_told_late():
    """What was made and is not told of yet is waited for, which is said."""
    world = World("late-topic", policy_of("card/feed"))
    late = world.policy + ".late"
    with open(late, "w", encoding="utf-8"):
        pass
    with preloaded("late-topic", LC_LATE_FILE=late, LC_LATE_TOPIC="created"):
        command = [BINARY, "topics", "--config", world.config, "--create", "--partitions", "2"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        said = process.stderr.readline()
        require("topics: waiting until the brokers tell of what they made" in said, said)
        require(process.poll() is None, "it did not wait")
        os.remove(late)
        out, err = process.communicate(timeout=60)
    require(process.returncode == 0 and err == "", f"ended with {process.returncode}: {err}")
    require(re.search(r"leads.created +2 +ok", out), out)


def publish_and_watch():
    """What was published is watched again, key by key; tombstones and strange bytes have their own shape."""
    world = World("publish", policy_of("card/feed"))
    world.create_topics()
    facts = [created("one", owner="ann"), contacted("one"), created("zwei-\u00fc", 2)]
    world.publish(facts)
    seen = watched(world, "leads.created", world.prefix + "leads.contacted")
    require(len(seen) == 3, f"{seen}")
    for fact in facts:
        record = next(r for r in seen if r["value"]["event_id"] == fact["event_id"])
        require(record["key"] == fact["lead_id"], f"{record}")
        require(record["topic"].endswith("created" if fact["type"] == "LeadCreated" else "contacted"), f"{record}")
        require(set(record) == {"topic", "partition", "offset", "key", "timestamp", "value"}, f"{record}")
        require(list(record["value"])[0] == "type" and record["value"]["type"] == fact["type"], f"{record}")
    require(expect(world, 0, "", "watch", "--until-caught-up", "leads.created") == "", "old records without being asked")

    world.produce("leads.assigned", "gone", [None])
    world.produce("leads.assigned", "odd", [b"\0\xff odd"])
    gone, odd = sorted(watched(world, "leads.assigned"), key=lambda record: record["key"])
    require(gone["value"] is None and gone["key"] == "gone", f"{gone}")
    require("value" not in odd and odd["error"] and base64.b64decode(odd["bytes"]) == b"\0\xff odd", f"{odd}")
    expect(world, 0, r"one +LeadCreated +channel webinar, owner ann", "watch", "--from-beginning", "--until-caught-up",
           "--pretty", "leads.created")  # fmt: skip


def publish_elsewhere():
    """Topics that are not named after types: one for all, or named by --topic; a type without one is a bad line."""
    world = World("elsewhere", policy_of("card/feed"))
    only = ["--set", "topics.inputs=crm"]
    two = ["--set", "topics.inputs=crm,other"]
    expect(world, 0, "", "topics", *two, "--create")
    lines = "".join(json.dumps(fact) + "\n" for fact in (created("one"), contacted("one"))).encode()
    expect(world, 0, "2 facts published", "publish", *only, "-", stdin=lines)
    expect(world, 1, r"standard input:2: no input topic is named after LeadContacted; say --topic LeadContacted=NAME",
           "publish", *two, "--topic", "LeadCreated=other", "-", stdin=lines)  # fmt: skip
    require(len(watched(world, *two, "crm")) == 2 and len(watched(world, *two, "other")) == 1, "they went elsewhere")
    late = json.dumps(created("late", 2, occurred_at="2150-01-01T00:00:00Z")).encode()
    expect(world, 1, r"standard input:1: occurred_at is \d+\S+ .*ahead of this machine's clock", "publish", *only, "-",
           stdin=late)  # fmt: skip
    require(len(watched(world, *only, "crm")) == 2, "a fact from the future was published")
    expect(world, 2, "write TYPE=NAME", "publish", *two, "--topic", "LeadSold=other", "-")
    meant = rf'topic breechs does not exist; did you mean "{re.escape(world.prefix)}leads.breaches"\?'
    expect(world, 2, meant, "watch", "breechs")
    expect(world, 2, meant.replace("breechs", r"crm\.breaches"), "watch", "crm.breaches")
    expect(world, 2, r"topic nonsense does not exist; 'leadclock topics' lists", "watch", "nonsense")
    expect(world, 2, r"topic \S+nowhere does not exist", "publish", *two, "--topic", "LeadCreated=nowhere", "-")
    expect(world, 2, r"^leadclock publish: standard input looks like CSV; deploy/examples/csv makes facts of it.*\n\Z",
           "publish", *only, "-", stdin=b"lead_id,channel\n7,ads\n")  # fmt: skip
    expect(world, 0, r"there is no fact in standard input\n0 facts published", "publish", *only, "-")
    expect(world, 2, "no such file|No such file", "publish", *only, "/nowhere.jsonl")


def one_lead():
    """inspect shows facts in order of time, outcomes, and what runs."""
    world = World("inspect", policy_of("card/feed"))
    try:
        world.create_topics()
        facts = [contacted("one"), created("one", channel="demo", owner="ann")]
        world.publish(facts)
        world.start()
        world.settle()
        lead = json.loads(expect(world, 0, "", "inspect", "--format", "json", "one"))
        require([fact["event_id"] for fact in lead["facts"]] == ["c1", "k1"], f"{lead['facts']}")
        require({clock["clock"] for clock in lead["running"]} == {"clawback"}, f"{lead['running']}")
        require(lead["lead_id"] == "one" and lead["wake_at"] is not None, f"{lead}")
        text = expect(world, 0, r"clawback +\d{4}-\d\d-\d\d \S+ +\d{4}-\d\d-\d\d \S+ +in \d+d", "inspect", "one")
        require(text.index("LeadCreated") < text.index("LeadContacted"), text)
        expect(world, 1, 'nothing is kept of lead "nobody"', "inspect", "nobody")
        world.services[0].stop()
    finally:
        world.close()


def a_lead_of_no_time():
    """While a transaction is open since before the service began, no time of its partition is known: inspect says so."""
    world = World("no-time", policy_of("card/feed"))
    upstream = Producer(world, "upstream")
    try:
        world.create_topics()
        upstream.command("begin")
        upstream.send("leads.contacted", b"one", Facts().contacted("one", now_ms()))
        upstream.command("flush")
        world.publish([created("one", channel="demo", owner="ann")])
        world.start()
        wait_for("the lead to be kept", lambda: attempt(world, "inspect", "one")[0] == 0, 60)
        expect(world, 0, r"Judged by its facts alone so far, because the partition's time was not known yet when they came; "
               r"to be judged again after \d{4}-", "inspect", "one")  # fmt: skip
        lead = json.loads(expect(world, 0, "", "inspect", "--format", "json", "one"))
        require(lead["judged_at"] is None and len(lead["facts"]) == 1, f"{lead}")
        upstream.command("abort")
        wait_for("time to be known", lambda: "Judged up to 20" in attempt(world, "inspect", "one")[1], 60)
        lead = json.loads(expect(world, 0, "", "inspect", "--format", "json", "one"))
        require(lead["judged_at"] is not None, f"{lead}")
        world.services[0].stop()
    finally:
        upstream.close()
        world.close()


def how_it_stands():
    """A lead of everything: inspect says its pause, rounds, broken promises and priority, watch what was escalated;
    each new fact has its topic."""
    world = World("stands", policy_of("people/feed"))
    minute, now, number = 60000, now_ms(), 0

    def fact(type_, lead, minutes_ago, **fields):
        nonlocal number
        number += 1
        return {"type": type_, "lead_id": lead, "event_id": f"e{number}", "occurred_at": now - minutes_ago * minute} | fields

    hot = {"channel": "demo", "attributes": {"segment": "smb"}}
    try:
        world.create_topics()
        world.publish([
            fact("LeadCreated", "busy", 180, owner="ann", campaign="spring", **hot),
            fact("LeadAssigned", "busy", 170, owner="bo"),
            fact("LeadCreated", "busy", 40, **hot),
            fact("LeadPaused", "busy", 35, reason="on holiday", until=now + 7 * DAY),
            fact("LeadResumed", "busy", 33),
            fact("LeadPaused", "busy", 20, reason="asked for August"),
            fact("LeadCreated", "twin", 60, **hot),
            fact("LeadContacted", "twin", 59, method="CALL", outcome="CONNECTED"),
            fact("LeadMerged", "twin", 30, into="busy"),
        ])  # fmt: skip
        for topic, types in ("paused", ["LeadPaused", "LeadResumed", "LeadPaused"]), ("merged", ["LeadMerged"]):
            require([record["value"]["type"] for record in watched(world, "leads." + topic)] == types, topic)
        pretty = lambda *topics: expect(world, 0, "", "watch", "--from-beginning", "--until-caught-up", "--pretty", *topics)
        require(re.search(r"busy +LeadPaused +reason on holiday, until 20", pretty("leads.paused")), pretty("leads.paused"))
        require(re.search(r"twin +LeadMerged +into busy", pretty("leads.merged")), pretty("leads.merged"))
        port = 20000 + os.getpid() % 20000
        world.start("a", f"http.listen=127.0.0.1:{port}")
        world.settle()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            metrics = answer.read().decode()
        for sample in (
            'facts_total{type="LeadPaused"} 2', 'facts_total{type="LeadResumed"} 1', 'facts_total{type="LeadMerged"} 1',
            'outcomes_total{type="SlaEscalated",clock="first_contact"} 2',
            'outcomes_total{type="SlaBreached",clock="first_contact:again"} 1',
        ):  # fmt: skip
            require(f"leadclock_{sample}\n" in metrics, f"{sample} is not in\n{metrics}")

        text = expect(world, 0, "", "inspect", "busy")
        for pattern in (
            r"Cycle 1, handed off \S+ \S+ from \"demo\", campaign spring, by policy \S+, rule hot: open, owner bo\.\n",
            r"\nPriority as of \S+ \S+ \(it was handed off again meanwhile\): the latest come first\.\n",
            r"\nPaused since \S+ \S+; before that paused for 2m\.\n",
            r"\nBroken: first_contact, due \S+ \S+, escalated to level 2\.\n",
            r"\nBroken: first_contact:2, due \S+ \S+, escalated to level 2\.\n",
            r"\nclawback +\S+ \S+ +after the pause",
            r"LeadPaused +reason asked for August\n",
        ):
            require(re.search(pattern, text), f"{pattern} is not in\n{text}")
        lead = json.loads(expect(world, 0, "", "inspect", "--format", "json", "busy"))
        [cycle] = lead["cycles"]
        require(cycle["paused_ms"] == 2 * minute and cycle["paused_since"] and cycle["escalation"] == 2, f"{cycle}")
        require({breach["clock"] for breach in lead["breaches"]} == {"first_contact", "first_contact:2"}, f"{lead}")
        expect(world, 0, r"MERGED into busy, ", "inspect", "twin")
        require(re.search(r"busy +ESCALATED +first_contact: level 2, 1h after it was due at \S.*, owner bo", pretty()), pretty())
        require(re.search(r"twin +SETTLED +MERGED into busy, 1 attempt", pretty()), pretty())
        world.services[0].stop()
    finally:
        world.close()


def servers_away():
    """Who is away is named, with exit code 3; what is wrong with a configuration, with 2."""
    world = World("away", policy_of("card/feed"))
    kafka, redis = ["--set", f"kafka.brokers={NOWHERE}"], ["--set", f"redis.url=redis://{NOWHERE}"]
    registry = ["--set", f"registry.url=http://{NOWHERE}"]
    expect(world, 3, NOWHERE, "topics", *kafka)
    expect(world, 3, NOWHERE, "publish", *kafka, "-")
    expect(world, 3, NOWHERE, "watch", *kafka)
    expect(world, 3, NOWHERE, "inspect", *kafka, "one")
    world.create_topics()
    world.publish([created("one")])
    expect(world, 3, NOWHERE, "inspect", *redis, "one")
    expect(world, 3, NOWHERE, "publish", *registry, "-", stdin=json.dumps(created("two")).encode())
    expect(world, 3, NOWHERE, "watch", *registry, "--from-beginning", "--until-caught-up", "leads.created")
    for command in ("topics", "watch", "run"):
        expect(world, 2, r'unknown key "kafka.broker"; did you mean "kafka.brokers"', command, "--set", "kafka.broker=x")
        expect(world, 2, r"group.protocol: must be classic", command, "--set", "kafka.properties.group.protocol=consumer")
    expect(world, 2, "no property of librdkafka", "topics", "--set", "kafka.properties.nonsense=1")
    expect(world, 2, "policy", "run", "--set", "policy=/nowhere.yaml")


def policies_by_signal():
    """SIGHUP takes a later document, and neither a wrong one nor a change of what is in effect, by which nothing is judged; a
    second SIGINT ends."""
    policy = policy_of("card/feed")
    world = World("sighup", policy)
    try:
        world.create_topics()
        os.remove(world.policy)
        folder = world.policy[: -len(".yaml")]
        os.makedirs(folder)
        now = os.path.join(folder, "now.yaml")
        later = os.path.join(folder, "later.yaml")

        def write(path, text):
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)

        def hang_up(pattern, count):
            service.process.send_signal(signal.SIGHUP)
            wait_for(pattern, lambda: len(re.findall(pattern, service.read_log())) == count, 20)

        write(now, policy)
        service = world.start("a", f"policy={folder}", "http.listen=127.0.0.1:0")
        require(service.process.wait(30) == 2, "http.listen=127.0.0.1:0 is taken")
        world.services.clear()
        service = world.start("a", f"policy={folder}")
        wait_for("a start", lambda: "msg=recovered" in service.read_log(), 60)
        write(later, re.sub(r"(?m)^name:.*$", "name: later\neffective_from: 2099-01-01T00:00:00Z", policy))
        hang_up("policies taken", 1)
        write(later, "name: [\n")
        hang_up("the policies are wrong, the ones from before are kept", 1)
        os.remove(later)
        write(now, policy.replace("first_contact: {within: 24h", "first_contact: {within: 20d"))
        hang_up("a policy document that is in effect was changed", 1)
        require(service.is_running(), "it did not go on")
        world.publish([created("late")])
        wait_for("a breach by the policy from before", lambda: world.watch("leads.breaches"), 20)
        service.stop()
        require("msg=stopped" in service.read_log(), "it did not say that it stopped")
    finally:
        world.close()


def health():
    """/readyz, /livez and /metrics answer; ready only once partitions are recovered. The leads that wait for a wake-up
    are counted, by partition, also right after a restart. A lead that was committed before is not read again."""
    world = World("health", policy_of("card/feed"), workers=2)

    def pending():
        found = re.findall(r'(?m)^leadclock_wakeups_pending\{partition="(\d+)"\} (\d+)$', get(port, "/metrics")[1])
        return {int(partition): int(count) for partition, count in found}

    def kept():
        """Leads that batches found in memory, those that were read from Redis, and what is in memory."""
        found = re.findall(r'(?m)^leadclock_lead_cache_(?:total\{result="\w+"\}|bytes) (\d+)$', get(port, "/metrics")[1])
        return tuple(map(int, found))

    try:
        world.create_topics()
        port = free_port()
        service = world.start("a", f"http.listen=127.0.0.1:{port}", "cache.leads=16")
        wait_for("readiness", lambda: get(port, "/readyz") == (200, "ok\n"), 60)
        require(get(port, "/livez") == (200, "ok\n"), f"{get(port, '/livez')}")
        require(re.search(r'(?m)^leadclock_build_info\{version="[\d.]+",time_zone_data="20\d\d[a-z]+"\} 1$',
                          get(port, "/metrics")[1]), f"{get(port, '/metrics')}")
        require(re.search(r" msg=started .*time_zone_data=20\d\d[a-z]+ ", service.read_log()), "it did not say by which "
                "time zone data it runs")
        require(get(port, "/nothing")[0] == 404, f"{get(port, '/nothing')}")
        require(pending() == dict.fromkeys(range(PARTITIONS), 0), f"without a lead {pending()} wait")
        leads = [f"lead-{n}" for n in range(50)]
        world.publish([created(lead, occurred_at=now_ms()) for lead in leads])
        world.publish([created("lead-0", number=2, occurred_at=now_ms())])
        waiting = collections.Counter(murmur2_partition(lead.encode()) for lead in leads)
        wait_for(f"{waiting} to wait for a wake-up", lambda: pending() == waiting, 20)
        wait_for("all to be committed", lambda: world.lag() == 0, 20)
        hits, misses, size = kept()
        require(misses == 50 and 50 * 40 < size < 2**20, f"50 leads are new, and the cache says {kept()}")
        world.publish([created(lead, number=3, occurred_at=now_ms()) for lead in leads])
        wait_for("each to be found in memory", lambda: kept()[:2] == (hits + 50, 50), 20)
        service.stop()
        service = world.start("a", f"http.listen=127.0.0.1:{port}", "cache.leads=16")
        wait_for("readiness", lambda: get(port, "/readyz") == (200, "ok\n"), 60)
        require(pending() == waiting, f"after a restart {pending()} wait, not {waiting}")
        require(kept() == (0, 0, 0), f"after a restart the cache says {kept()}")
        service.stop()
    finally:
        world.close()


TESTS = {
    test.__name__: test
    for test in (
        topics, topics_as_a_broker_has_them, a_topic_that_is_told_late, publish_and_watch, publish_elsewhere, one_lead, a_lead_of_no_time,
        how_it_stands, servers_away, policies_by_signal, health,
    )
}  # fmt: skip

if __name__ == "__main__":
    sys.exit(main(TESTS))
