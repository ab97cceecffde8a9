#!/usr/bin/env python3
"""one_less.py [TEST...] - each role may do exactly what `topics --acls` prints for it, less one ACL: a command of the role is refused,
and says who lacks which right on what; given back, it goes on. So no ACL is printed that nothing needs: the short form takes away
the first of each kind, and says which it leaves. Part of rights.py."""

import contextlib
import json
import os
import re
import subprocess
import sys

from acls import SideBySide, printed
from alerting import SECRET, Alerter, Receiver
from commands import attempt, expect
from dashboard import Dashboard
from ingest import door
from secured import secured
from world import BINARY, INPUTS, Redis, free_port, get, load_feed, main, now_ms, policy_of, require, say, slices
from world import wait_for

# Whether each right is taken away, and not the first of each kind alone.
WHOLE = os.environ.get("LC_RIGHTS") == "whole"
HARM = os.path.join(os.path.dirname(BINARY), "tests", "integration", "harm-topic")
DAY = 24 * 3600 * 1000
FIELDS = {
    "LeadCreated": {"channel": "demo", "attributes": {"segment": "smb"}}, "LeadRejected": {"reason": "student"},
    "LeadProgressed": {"stage": "SAL"}, "LeadAssigned": {"owner": "ann"}, "LeadMerged": {"into": "another"},
}  # fmt: skip


def facts_of(lead, age=DAY):
    """One of each type, of leads of their own."""
    return [
        {"type": name, "lead_id": f"{lead}-{name}", "event_id": f"{lead}-{n}", "occurred_at": now_ms() - age} | FIELDS.get(name, {})
        for n, name in enumerate(INPUTS)
    ]  # fmt: skip


def lines_of(facts):
    return "".join(json.dumps({k: v for k, v in fact.items() if k != "arrived_at"}) + "\n" for fact in facts).encode()


class Role:
    """A world, and a user who may do there what is printed for his role. As a context it ends all that runs in it."""

    def __init__(self, role, configuration=""):
        self.kafka, self.user = secured(), f"less-{role}"
        self.world = SideBySide(f"less-{role}", policy_of("people/feed"), brokers=self.kafka.at("OPEN"))
        self.running = contextlib.ExitStack()
        self.running.callback(self.world.close)
        with open(self.world.config, "a", encoding="utf-8") as file:
            file.write(configuration)
        self.chosen, self.left, self.taken = [], [], []

    def __enter__(self):
        with contextlib.ExitStack() as begun:
            begun.push(self.running)
            self.world.create_topics()
            self.rights = printed(self.world, self.user.removeprefix("less-"), self.user)
            for operation, kind, name, pattern in self.rights:
                self.kafka.may(operation, kind, name, pattern, self.user)
            begun.pop_all()
        return self

    def __exit__(self, *problem):
        return self.running.__exit__(*problem)

    def ending(self, program):
        """It is killed at the end, if it runs still."""
        self.running.callback(program.close)
        return program

    def login(self):
        return self.kafka.login(self.user)

    def settings(self):
        return [option for option in self.login() if option != "--set"]

    def each(self, *operations, kind="TOPIC", of=lambda name: True):
        """Those of some operations; in the short form the first of them, and the others are left."""
        found = [right for right in self.rights if right[0] in operations and right[1] == kind and of(right[2])]
        require(found, f"none of {operations} {kind} is printed for {self.user}")
        chosen = found if WHOLE else found[:1]
        self.chosen += chosen
        self.left += found[len(chosen):]
        return chosen

    @contextlib.contextmanager
    def without(self, right):
        """What is said then: where it was the only one on its resource, that this may not be seen."""
        operation, kind, name, pattern = right
        say(f"{self.user} without {operation} {kind} {name}")
        self.kafka.take(operation, kind, name, pattern, self.user)
        words = kind.lower().replace("_", " ")
        try:
            yield rf"User:{self.user} may not ({operation}|DESCRIBE) {words} ([^:]*, )?{re.escape(name)}"
            self.taken.append(right)
        finally:
            self.kafka.may(operation, kind, name, pattern, self.user)

    def is_refused(self, right, *command, stdin=b""):
        with self.without(right) as pattern:
            expect(self.world, 2, pattern, *command, *self.login(), stdin=stdin)

    def require_all_tried(self, but=()):
        """Nothing is printed that no test takes away; `but` are those of which rights.py does so. Says what was, and what is left."""
        elsewhere = [right for right in self.rights if right[:2] in but and right not in self.taken]
        nowhere = set(self.rights) - set(self.taken) - set(self.left) - set(elsewhere)
        require(not nowhere, f"{self.user}: nobody tried to do without {sorted(nowhere)}")
        require(set(self.chosen) == set(self.taken), f"{self.user}: not tried: {set(self.chosen) - set(self.taken)}")
        left = [right for right in self.left if right not in self.taken and right not in elsewhere]
        require(not WHOLE or not left, f"{self.user}: left although all were asked for: {left}")
        for what, some in ("tried without", self.taken), ("left to LC_RIGHTS=whole", left), ("left to rights.py", elsewhere):
            if some:
                say(f"{self.user}, {len(set(some))} of {len(self.rights)} rights {what}: {self.words_of(some)}")

    def words_of(self, rights):
        names = {}
        for operation, kind, name, _ in dict.fromkeys(rights):
            names.setdefault(f"{operation} {kind.lower()}", []).append(name.removeprefix(self.world.prefix))
        return "; ".join(f"{what} {' '.join(some)}" for what, some in names.items())


def publisher():
    with Role("publisher") as role:
        for right in role.each("WRITE"):
            role.is_refused(right, "publish", "-", stdin=lines_of(facts_of(right[2])))
        expect(role.world, 0, "facts published", "publish", "-", *role.login(), stdin=lines_of(facts_of("all")))
        role.require_all_tried()


def ingest():
    with Role("ingest") as role:
        one = door(role.world, *role.settings()).until_ready()
        for right in role.each("WRITE"):
            facts = [fact for fact in facts_of(right[2]) if role.world.prefix + INPUTS[fact["type"]] == right[2]]
            with role.without(right) as pattern:
                wait_for("it is refused", lambda facts=facts: one.send(facts[0])[0] == 503, 30)
                wait_for("the log says why", lambda pattern=pattern: re.search(pattern, one.read_log()), 30)
            wait_for("it is taken", lambda facts=facts: one.send(facts[0])[0] == 202, 60)
        one.stop()
        role.require_all_tried()


def dashboard():
    with Role("dashboard") as role:
        for number, right in enumerate(role.each("READ")):
            pages = role.ending(Dashboard(role.world, f"dashboard-{number}", *role.settings()))
            with role.without(right) as pattern:
                pages.start()
                wait_for("it says so", lambda pattern=pattern, pages=pages: re.search(pattern, (pages.ask("/readyz") or [0, 0, ""])[2]), 60)
            wait_for("readiness", lambda pages=pages: (pages.ask("/readyz") or [0])[0] == 200, 60)
            pages.stop()
        role.require_all_tried()


def alert():
    """Also that of what a webhook refuses for good, and is put aside."""
    with contextlib.ExitStack() as receiving:
        place = SideBySide("less-receiver", "")
        receiving.callback(place.close)
        receiver = Receiver(place, "picky")
        receiving.callback(receiver.close)
        hook = {"name": "crm", "url": receiver.start().url(), "secret": SECRET, "max_age": "3650d",
                "events": ["SlaWarning", "SlaBreached", "LeadClawedBack", "LeadRouted", "LeadSettled"]}  # fmt: skip
        configuration = {"webhooks": [hook], "alertmanager": {"urls": ["http://127.0.0.1:1"]}}
        role = receiving.enter_context(Role("alert", f"alert: {json.dumps(configuration)}\n"))
        world = role.world
        world.start("a")
        world.publish([fact | {"lead_id": "refused", "occurred_at": now_ms() - 30 * DAY}
                       for fact in facts_of("refused") if fact["type"] == "LeadCreated"])  # fmt: skip
        world.settle()
        wait_for("a promise to be broken", lambda: world.watch("leads.breaches"), 60)
        for number, right in enumerate(role.each("WRITE") + role.each("READ") + role.each("READ", kind="GROUP")):
            teller = role.ending(Alerter(world, f"alert-{number}", *role.settings()))
            with role.without(right) as pattern:
                teller.start()
                wait_for("it says so", lambda pattern=pattern, teller=teller: re.search(pattern, teller.get("/readyz")[1]), 60)
            wait_for("it goes on", lambda teller=teller: "may not" not in teller.get("/readyz")[1], 60)
            teller.stop()
        world.services.pop().stop()
        role.require_all_tried()


def tools():
    """What `tables --fill` writes, the group and its transactional ids: tables_are_filled of rights.py."""
    with Role("tools") as role:
        world = role.world
        world.start("a")
        world.publish(slices(load_feed("people/feed"), 4)[0])
        world.settle()
        world.services.pop().stop()
        for right in role.each("READ"):
            role.is_refused(right, "watch", "--from-beginning", "--until-caught-up", right[2].removeprefix(world.prefix))
        for right in role.each("DESCRIBE_CONFIGS"):
            role.is_refused(right, "topics")
        expect(world, 0, r"leads.state +4 +ok", "topics", *role.login())
        role.require_all_tried(but=(("WRITE", "TOPIC"), ("WRITE", "TRANSACTIONAL_ID"), ("READ", "GROUP")))


def admin():
    """What `reset --republish` and `repartition` read, write and grow: of rights.py."""
    with Role("admin") as role:
        world = role.world
        for right in role.each("DESCRIBE_CONFIGS"):
            role.is_refused(right, "topics")
        for right in role.each("CREATE"):
            subprocess.run([HARM, role.kafka.at("OPEN"), "delete", right[2]], check=True, timeout=60)
            wait_for("it to be gone", lambda: attempt(world, "topics")[0] == 1, 30)
            role.is_refused(right, "topics", "--create")
        expect(world, 0, r"leads.state +4 +ok", "topics", "--create", *role.login())
        world.start("a")
        world.publish(facts_of("one"))
        world.settle()
        world.services.pop().stop()
        wait_for("the group to be empty", lambda: attempt(world, "reset", "--dry-run")[0] == 0, 40)
        inputs = [world.prefix + name for name in INPUTS.values()]
        for right in role.each("READ", of=lambda name: name in inputs) + role.each("READ", kind="GROUP"):
            role.is_refused(right, "reset", "--to-time", "2020-01-01T00:00:00Z", "--yes")
        for right in role.each("DELETE", kind="GROUP"):
            role.is_refused(right, "reset", "--yes")
        require(world.watch("leads.state") and world.lag() == 0, "something is gone although it was refused")
        for right in role.each("DELETE"):
            role.is_refused(right, "reset", "--yes")
        expect(world, 0, "", "reset", "--yes", *role.login())
        role.require_all_tried(but=[(operation, "TOPIC") for operation in ("READ", "WRITE", "ALTER", "DESCRIBE")])


def service():
    """Each right is taken while facts flow that need it; those of the changelogs where Redis is empty."""
    with Role("service") as role:
        take_from_service(role)


def take_from_service(role):
    world, port = role.world, free_port()
    parts = slices(load_feed("people/feed"), 3)
    number = 0

    def says(pattern):
        return lambda: re.search(pattern, get(port, "/readyz")[1])

    def publish_again():
        nonlocal number
        number += 1
        world.publish([fact | {"lead_id": f"{fact['lead_id']}+{number}"} for fact in parts[number % 3]])
        subprocess.run(["kcat", "-P", "-b", role.kafka.at("OPEN"), "-t", world.prefix + "leads.created", "-k", f"no-{number}", "-X",
                        "partitioner=murmur2_random"], input=b"no fact\n", check=True, timeout=60)  # fmt: skip

    def is_ready():
        return get(port, "/readyz") == (200, "ok\n")

    def starts():
        return world.start("a", f"http.listen=127.0.0.1:{port}", *role.settings())

    changelogs = [world.prefix + name for name in ("leads.state", "leads.counters")]
    one = starts()
    wait_for("readiness", is_ready, 60)
    running = role.each("READ", of=lambda name: name not in changelogs) + role.each("WRITE") + role.each("READ", kind="GROUP")
    for right in running:
        with role.without(right) as pattern:
            publish_again()
            wait_for("it says so", says(pattern), 90)
        wait_for("readiness", is_ready, 90)
        wait_for("all to be read", lambda: world.lag() == 0, 60)
    for right in role.each("READ", of=lambda name: name in changelogs) + role.each("WRITE", kind="TRANSACTIONAL_ID"):
        one.stop()
        world.services.clear()
        for key in world.redis_keys(Redis(), "*"):
            Redis().command("UNLINK", key)
        with role.without(right) as pattern:
            one = starts()
            wait_for("it says so", says(pattern.replace(re.escape(world.name) + "-", re.escape(world.name))), 90)
        wait_for("readiness", is_ready, 90)
    world.settle()
    one.stop()
    world.services.clear()
    role.require_all_tried()


TESTS = {f"less_{test.__name__}": test for test in (publisher, ingest, dashboard, alert, tools, admin, service)}

if __name__ == "__main__":
    sys.exit(main(TESTS))
