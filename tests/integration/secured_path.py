#!/usr/bin/env python3
"""secured_path.py [TEST...] - the whole path on servers as a careful company has them (deploy/stack.sh up --secure): each
program under its own principal, with just the ACLs that `topics --acls` prints, and its sessions at Kafka end every 5 s."""

import atexit
import contextlib
import json
import os
import shutil
import subprocess
import sys

from alerting import SECRET, Alerter, Alertmanager, Receiver, require_alerts
from commands import created, expect
from dashboard import Dashboard
from ingest import LINES, door
from world import BINARY, PARTITIONS, ROOT, STACK_DIR, Redis, World, can, load_feed, main, multiply, policy_of, require
from world import require_equal, say, slices, wait_for

ROLES = ("service", "publisher", "ingest", "alert", "dashboard", "tools", "admin")
# Kafka ends them so soon, and says so.
SESSIONS = {
    "server": "connections.max.reauth.ms=5000",
    "log4j": "log4j.logger.org.apache.kafka.common.security.authenticator.SaslServerAuthenticator=DEBUG\n"
             "log4j.logger.kafka.network.Processor=DEBUG",
}  # fmt: skip
CLOSED = "Disconnecting expired channel"
RENEWED = "Beginning re-authentication"
ROLE_OF = {"run": "service", "publish": "publisher", "reset": "admin", "repartition": "admin"}


class Stack:
    """Secured servers of this test's own, which end with it."""

    def __init__(self):
        self.folder = os.path.join(STACK_DIR, f"secured-stack-{os.getpid()}")
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(os.path.join(self.folder, "kafka"))
        for name, lines in SESSIONS.items():
            with open(os.path.join(self.folder, "kafka", f"more.{name}.properties"), "w", encoding="utf-8") as file:
                file.write(lines + "\n")
        atexit.register(self.call, "down")
        self.call("up", "--secure")

    def call(self, *arguments):
        subprocess.run([os.path.join(ROOT, "deploy", "stack.sh"), *arguments, "--dir", self.folder], check=True, timeout=400,
                       env=os.environ | {"LC_BINARY": BINARY})  # fmt: skip

    def read(self, *names):
        with open(os.path.join(self.folder, *names), encoding="utf-8") as file:
            return file.read()

    def sessions(self):
        """How many have ended: their connection was closed, or they were renewed on it."""
        log = self.read("kafka", "kafka.log")
        return log.count(CLOSED), log.count(RENEWED)

    def environment(self, role):
        """The secrets of a role, as its programs find them."""
        lines = self.read("roles", f"{role}.env").splitlines()
        return dict(line.partition("=")[::2] for line in lines if not line.startswith("LC_CONFIG="))

    def redis(self):
        """As the operator."""
        url = dict(line.partition("=")[::2] for line in self.read("stack.env").splitlines())["REDIS_URL"]
        password = self.read("secrets", "operator").strip()
        return Redis(url.replace("redis://", f"redis://operator:{password}@"))


class SecuredWorld(World):
    """The one world of a secured stack: every command is done in its role, with its role's configuration and secrets."""

    def __init__(self, test, policy, stack, alert):
        super().__init__(test, policy)
        self.stack, self.name, self.prefix, self.redis = stack, "leadclock", "", stack.redis
        self.configs = {}
        for role in ROLES:
            # Some come in by a client certificate, the others by a password.
            kind = f"{role}-certificate" if role in ("publisher", "dashboard", "tools") else role
            self.configs[role] = os.path.join(self.folder, f"{role}.yaml")
            lines = [line for line in stack.read("roles", f"{kind}.yaml").splitlines()
                     if not line.startswith(("policy:", "alert:"))]  # fmt: skip
            lines = [line + "\n    session.timeout.ms: 6000" if line == "  properties:" else line for line in lines]
            lines += ["policy: policy.yaml", "lateness: 0s", f"alert: {json.dumps(alert)}"]
            with open(self.configs[role], "w", encoding="utf-8") as file:
                os.chmod(self.configs[role], 0o600)
                file.write("\n".join(lines) + "\n")
        stack.call("acls", self.configs["admin"])

    @contextlib.contextmanager
    def acting(self, role):
        """What is started meanwhile is in this role."""
        before, outer = dict(os.environ), self.config
        os.environ.update(self.stack.environment(role))
        self.config = self.configs[role]
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)
            self.config = outer

    def run(self, *arguments, **options):
        role = "admin" if "--create" in arguments else ROLE_OF.get(arguments[0], "tools")
        with self.acting(role):
            return super().run(*arguments, **options)

    def start(self, instance="a", *settings):
        with self.acting("service"):
            return super().start(instance, *settings)

    def expect_as(self, role, code, pattern, *arguments, **options):
        with self.acting(role):
            return expect(self, code, pattern, *arguments, **options)


def lines_of(facts):
    return "".join(json.dumps({k: v for k, v in fact.items() if k != "arrived_at"}) + "\n" for fact in facts).encode()


def publish_while_sessions_end(world, facts):
    """Three of them between any two parts: a librdkafka that can renews them, with another Kafka closes the connection."""
    renews = can("session-renewal")
    before = world.stack.sessions()
    for count, some in enumerate(slices(facts, 6)):
        world.publish(some)
        wait_for("sessions to end", lambda: world.stack.sessions()[renews] - before[renews] >= 3 * count, 60)
    closed, renewed = (now - then for now, then in zip(world.stack.sessions(), before))
    say(f"{closed} connections were closed, {renewed} sessions renewed")
    require(renewed >= 15 if renews else closed >= 15, f"closed {closed}, renewed {renewed}: that is not what --version says")


def require_closed(world):
    """What a role is not for it may not."""
    refused = r"certificate \S+/leadclock-publisher.pem may not DESCRIBE topic leads.breaches:"
    world.expect_as("publisher", 2, refused, "watch", "--until-caught-up", "leads.breaches")
    world.expect_as("dashboard", 2, r"/leadclock-dashboard.pem may not DESCRIBE topic leads\.", "publish", "-",
                    stdin=lines_of(world.published[:1]))  # fmt: skip
    users = {user.decode() for user in world.stack.redis().command("ACL", "USERS")}
    known = {"default", "operator", "leadclock-service", "leadclock-tools", "leadclock-admin"}
    require(users == known, f"these come into Redis: {sorted(users)}")


def whole_path():
    """`ingest`, `publish`, `run`, `alert`, `dashboard`, `watch`, `verify`, `rebuild`, `reset`: as in the backtest."""
    stack = Stack()
    first = World("secured-others", "")
    programs, world = [Receiver(first), Alertmanager(first)], None
    receiver, manager = programs
    try:
        hook = {"name": "crm", "url": "", "secret": SECRET, "events": ["SlaBreached", "LeadRouted"], "max_age": "3650d"}
        for program in programs:
            program.start()
        hook["url"] = receiver.url("/hook")
        alert = {"webhooks": [hook], "alertmanager": {"urls": [manager.url()], "every": "1s", "labels": {"team": "inside"}}}
        world = SecuredWorld("secured", policy_of("card/feed"), stack, alert)
        world.run("topics", "--create", "--partitions", str(PARTITIONS))
        world.start("a", "workers=2")
        with world.acting("ingest"):
            entrance = door(world).until_ready()
        with world.acting("dashboard"):
            pages = Dashboard(world).start()
            programs.append(pages)
        with world.acting("alert"):
            teller = Alerter(world).start()
            programs.append(teller)

        by_http, by_publish = slices(multiply(load_feed("card/feed"), 2), 2)
        by_http += [created("broken"), created("broken, too", channel="demo"), created("broken as well")]
        answer = entrance.send(lines_of(by_http), LINES)
        require(answer[0] == 202, f"the facts are not taken: {answer}")
        world.published += by_http
        publish_while_sessions_end(world, by_publish)
        world.settle()
        world.require_same_as_backtest()
        say("judged")

        require(len(require_alerts(world, manager)) == 2, "Alertmanager is told of other alerts")
        wait_for("alert to be ready", teller.is_ready, 30)
        delivered = "leadclock_alert_delivered_total"
        wait_for("the webhook to be called", lambda: 0 < len(receiver.taken()) == teller.figure(delivered), 60)
        require(teller.figure("leadclock_alert_open_breaches") == 3, "/metrics says otherwise")
        wait_for("the dashboard to be ready", lambda: (pages.ask("/readyz") or [0])[0] == 200, 30)
        world.expect_as("tools", 0, ": 0 differences", "verify")
        world.expect_as("tools", 0, "made anew", "rebuild")
        world.expect_as("tools", 0, ": 0 differences", "verify")
        world.expect_as("tools", 0, "", "worklist")
        world.expect_as("tools", 0, by_http[0]["lead_id"], "inspect", by_http[0]["lead_id"])
        world.expect_as("tools", 0, r"leads.state +4 +ok[\s\S]*: 0 behind", "topics", "--lag")
        require_closed(world)
        say("looked at")

        entrance.stop()
        pages.stop()
        teller.stop()
        for service in [one for one in world.services if one.instance == "a"]:
            service.stop()
        world.services.clear()
        world.expect_as("tools", 0, "filled cycles", "tables", "--fill")
        world.expect_as("tools", 2, r"/leadclock-tools.pem may not \w+ topic ", "reset", "--yes")
        world.expect_as("admin", 0, "", "reset", "--yes")
        world.start("a")
        world.settle()
        require_equal("rows after the reset", *rows_of(world))
        for service in world.services:
            service.stop()
    finally:
        for program in programs:
            program.close()
        if world:
            world.close()


def rows_of(world):
    """What stands of all tables, and what should."""
    world.backtest()
    return world.tables(), world.rows_of_backtest()


TESTS = {test.__name__: test for test in (whole_path,)}

if __name__ == "__main__":
    sys.exit(main(TESTS))
