#!/usr/bin/env python3
"""redis_rights.py [TEST...] - a Redis whose users may do just what `topics --acls` prints: each command does its work, and
one right less is refused in words that name it; of `info`, which is not insisted on, its lack is warned of."""

import contextlib
import itertools
import os
import re
import subprocess
import sys

from commands import attempt, expect
from world import PARTITIONS, Redis, World, free_port, load_feed, main, multiply, murmur2_partition, now_ms, policy_of, require, say
from world import slices, wait_for

PASSWORD = "redis-pa55"
WHOLE = os.environ.get("LC_RIGHTS") == "whole"
# In the short form one of each kind is taken away.
SOME = {"service": ("hmget",), "tools": ("get", "hset", "scan", "multi"), "admin": ("get", "scan", "unlink")}
# Used only where timers fire, or leads and populations are forgotten: what needs them follows in `seldom`.
SELDOM = {"service": ("lrange", "zrem", "ltrim", "hdel", "srem"), "tools": ("hdel", "srem"), "admin": ()}
SOME_SELDOM = {"service": ("ltrim", "hdel"), "tools": ("srem",)}
# Only where a partition is emptied first, or Redis is empty.
WITH_KEYS, WITHOUT_KEYS = ("unlink", "scan"), ("setnx",)
BLIND = r"does not let us see its maxmemory-policy \(NOPERM.*'info'.*topics --acls"
SECONDS = """name: seconds
retain: 1s
reasons: {other: {route: NURTURE, track: general}}
rules:
  - name: all
    when: any
    first_contact: {within: 2s}
    clawback: {after: 30d}
"""


class Server:
    """A Redis, or a sentinel, that lets nobody in but the operator, and whom he makes."""

    def __init__(self, folder, *lines, name="redis", database=""):
        self.port, self.database = free_port(), database
        settings = os.path.join(folder, f"{name}.conf")
        with open(settings, "w", encoding="utf-8") as file:
            file.write("\n".join(["bind 127.0.0.1", f"port {self.port}", f"dir {folder}", "user default off",
                                  f"user operator on >{PASSWORD} ~* &* +@all", *lines, ""]))  # fmt: skip
        kind = ["--sentinel"] if name == "sentinel" else ["--save", "", "--maxmemory-policy", "noeviction"]
        with open(os.path.join(folder, f"{name}.log"), "ab") as log:
            self.process = subprocess.Popen(["redis-server", settings, *kind], stdout=log, stderr=log)
        wait_for("Redis to answer", self.answers, 30)

    def url(self, user=""):
        return f"redis://{user}127.0.0.1:{self.port}/{self.database}"

    def operator(self):
        return Redis(self.url(f"operator:{PASSWORD}@"))

    def answers(self):
        try:
            return self.operator().command("PING") == "PONG"
        except OSError:
            return False

    def close(self):
        self.process.kill()
        self.process.wait()


class Place(World):
    has_sentinel = False


def apply(world, server, sentinel=None):
    """What is printed, as it is printed; then passwords. The commands of Redis by role."""
    script = world.run("topics", "--acls")
    client = f"redis-cli -e -p {server.port} --user operator --no-auth-warning"
    clients = {"REDIS_CLI": client} | ({"SENTINEL_CLI": client.replace(str(server.port), str(sentinel.port))} if sentinel else {})
    subprocess.run(["sh", "-eu"], input=script, check=True, timeout=60, stdout=subprocess.DEVNULL,
                   env=os.environ | {"KAFKA_ACLS": "true", "REDISCLI_AUTH": PASSWORD} | clients)  # fmt: skip
    found = re.findall(r"(?m)^.*REDIS_CLI.* ACL SETUSER '(\S+)-(\w+)' (.*)", script.decode())
    require([(name, role) for name, role, _ in found] == [(world.name, role) for role in ("service", "tools", "admin")],
            f"not for these: {found}")  # fmt: skip
    for name, role, _ in found:
        for one in (server, sentinel) if sentinel else (server,):
            one.operator().command("ACL", "SETUSER", f"{name}-{role}", f">{PASSWORD}")
    return {role: re.findall(r"\+([\w|]+)", words) for _, role, words in found}


def login(world, role):
    users = ("user", "sentinel_user") if world.has_sentinel else ("user",)
    return [f"redis.{user}={world.name}-{role}" for user in users] + [f"redis.password={PASSWORD}"]


def sets(settings):
    return [word for setting in settings for word in ("--set", setting)]


def start(world, *settings):
    return world.start("a", *login(world, "service"), *settings)


def stop(world):
    world.services.pop().stop()


def tried(rights, role):
    """Those that are taken away, of all that are; says which the short form leaves."""
    often = [right for right in rights[role] if right not in SELDOM[role]]
    require(set(SOME[role]) <= set(often) and set(SELDOM[role]) <= set(rights[role]), f"the rights of {role} are {rights[role]}")
    taken = [right for right in often if WHOLE or right in SOME[role]]
    left = sorted(set(often) - set(taken))
    say(f"{role}: {len(taken)} of {len(often)} rights are taken away, one at a time" +
        (f"; left to LC_RIGHTS=whole: {' '.join(left)}" if left else ""))  # fmt: skip
    return taken


@contextlib.contextmanager
def less(server, world, role, right):
    server.operator().command("ACL", "SETUSER", f"{world.name}-{role}", f"-{right}")
    try:
        yield
    finally:
        server.operator().command("ACL", "SETUSER", f"{world.name}-{role}", f"+{right}")


def require_told(server, world, role, right, *commands):
    """Some command is refused, and says so by the right's name; all warn that they lack `info`."""
    if right in WITHOUT_KEYS:
        server.operator().command("FLUSHALL")
    with less(server, world, role, right):
        for command in commands:
            code, _, err = attempt(world, *command, *sets(login(world, role)))
            say(f"{role} without {right}: {command[0]} ends with {code}")
            if right == "info":
                require(code == 0 and re.search(BLIND, err), f"without info {command[0]} ended with {code}: {err[-2000:]}")
            elif code == 2 and re.search(rf"NOPERM.*'{re.escape(right)}'.*topics --acls", err):
                return
    require(right == "info", f"without {right} nothing that {role} does is refused and told")


def require_run_ends(server, world, right, facts):
    """A service that makes Redis anew and takes facts is refused, says so by the right's name, and ends."""
    if right not in WITH_KEYS:
        server.operator().command("FLUSHALL")
    else:
        for key in world.redis_keys(server.operator(), "{*}:applied"):
            server.operator().command("DEL", key)
    world.publish(facts)
    if right == "info":
        require_run_warns(server, world)
    else:
        require_run_is_refused(server, world, right)


def require_run_is_refused(server, world, right, *settings, do=lambda: None):
    say(f"service without {right}")
    with less(server, world, "service", right):
        service = start(world, *settings)
        said_before = len(service.read_log())
        do()
        wait_for("it to end", lambda: not service.is_running(), 60)
        world.services.remove(service)
        said = service.read_log()[said_before:]
        require(service.process.returncode == 2, f"without {right} it ended with {service.process.returncode}: {said[-2000:]}")
        require(re.search(rf"NOPERM.*'{re.escape(right)}'.*topics --acls", said), f"without {right} it says: {said[-2000:]}")


def require_run_warns(server, world):
    """It goes on as ever."""
    say("service without info")
    with less(server, world, "service", "info"):
        service = start(world)
        world.settle()
        require(re.search(BLIND, service.read_log()), f"without info it says nothing: {service.read_log()[-2000:]}")
        stop(world)


def require_no_more(world, server):
    """No role may do what none is for, nor touch keys that are not of this name."""
    for role in ("service", "tools", "admin"):
        for command in (("FLUSHALL",), ("CONFIG", "SET", "save", ""), ("GET", "another:key")):
            answer = server.operator().command("ACL", "DRYRUN", f"{world.name}-{role}", *command)
            answer = answer.decode() if isinstance(answer, bytes) else answer
            require(re.search("no permissions", answer), f"{role} may do {' '.join(command)}: {answer}")


def each_role():
    world = Place("redis-rights", policy_of("card/feed"))
    server = Server(world.folder, database="1")
    try:
        world.write_config({"redis": f'{{url: "{server.url()}"}}'})
        world.redis = server.operator
        world.create_topics()
        rights = apply(world, server)
        first, *others = slices(multiply(load_feed("card/feed"), 2), 30)
        facts = [fact for part in others[20:] for fact in part] + first
        taken = tried(rights, "service")
        require(len(taken) <= 20, f"there are no facts for {taken[20:]}")
        for right, part in zip(taken, others):
            require_run_ends(server, world, right, part)
        world.publish(facts)
        start(world)
        world.settle()
        world.require_same_as_backtest()
        stop(world)
        tools = (("verify",), ("rebuild",), ("inspect", facts[0]["lead_id"]), ("tables", "--fill"))
        wait_for("the group to be empty", lambda: attempt(world, "reset", "--dry-run", *sets(login(world, "admin")))[0] == 0, 40)
        for command in tools:
            expect(world, 0, "", *command, *sets(login(world, "tools")))
        require_no_more(world, server)
        for right in tried(rights, "tools"):
            require_told(server, world, "tools", right, *tools)
            expect(world, 0, "made anew", "rebuild", *sets(login(world, "tools")))
        expect(world, 0, ": 0 differences", "verify", *sets(login(world, "tools")))
        for right in tried(rights, "admin"):
            require_told(server, world, "admin", right, ("reset", "--yes"))
        expect(world, 0, "", "reset", "--yes", *sets(login(world, "admin")))
        require(not world.redis_keys(server.operator(), "{*}:lead*"), f"leads are left; {PARTITIONS} partitions")
    finally:
        world.close()
        server.close()


def in_one_partition(what, n):
    """Names of leads."""
    names = (f"{what}-{i}" for i in itertools.count())
    return list(itertools.islice((name for name in names if murmur2_partition(name.encode()) == 0), n))


def created(lead, number, occurred_at, **fields):
    return {"type": "LeadCreated", "lead_id": lead, "event_id": f"{lead}-{number}", "occurred_at": occurred_at, "channel": "web"} | fields


def of_timers(number):
    """Due together, in a moment."""
    at = now_ms()
    return [[created(lead, 1, at) for lead in in_one_partition(number, 5)]]


def of_the_erased(number):
    """Longer ago than anything of it is kept."""
    at = now_ms() - 3600 * 1000
    erased = {"type": "LeadErased", "lead_id": f"erased-{number}", "event_id": f"erased-{number}-2", "occurred_at": at + 1000}
    return [[created(f"erased-{number}", 1, at)], [erased]]


def of_a_channel(number):
    """Of which nothing is left once an earlier hand-off comes, which is of another."""
    at = now_ms() - 3600 * 1000
    return [[created(f"moved-{number}", 1, at, channel=f"late-{number}")], [created(f"moved-{number}", 2, at - 60000)]]


def publish_in_turn(world, parts):
    for facts in parts:
        world.publish(facts)
        wait_for("them to be read", lambda: world.lag() == 0 or not world.services[-1].is_running(), 60)


def seldom():
    """Rights that only timers need, and what is forgotten. Timers come one at a time, so that some of a list are left."""
    world = Place("redis-seldom", SECONDS)
    server = Server(world.folder)
    needs = {"lrange": of_timers, "zrem": of_timers, "ltrim": of_timers, "hdel": of_the_erased, "srem": of_a_channel}
    require(tuple(needs) == SELDOM["service"], f"not these are seldom: {SELDOM}")
    try:
        world.write_config({"redis": f'{{url: "{server.url()}"}}'})
        world.redis = server.operator
        world.create_topics()
        apply(world, server)
        for number, (right, facts) in enumerate(needs.items()):
            if WHOLE or right in SOME_SELDOM["service"]:
                require_run_is_refused(server, world, right, "batch.wakeups=1",
                                       do=lambda facts=facts, number=number: publish_in_turn(world, facts(number)))  # fmt: skip
        start(world)
        for facts in (of_the_erased, of_a_channel):
            publish_in_turn(world, facts("last"))
        world.settle()
        stop(world)
        for right in SELDOM["tools"]:
            if WHOLE or right in SOME_SELDOM["tools"]:
                require_told(server, world, "tools", right, ("rebuild",))
        expect(world, 0, "made anew", "rebuild", *sets(login(world, "tools")))
        expect(world, 0, ": 0 differences", "verify", *sets(login(world, "tools")))
    finally:
        world.close()
        server.close()


def reached_otherwise(world, server, sentinel, more):
    """What a role needs only because of how Redis is reached: all of it is printed, and each is needed."""
    try:
        world.redis = server.operator
        world.create_topics()
        rights = apply(world, server, sentinel)
        commands = {"tools": ("verify",), "admin": ("reset", "--yes")}
        for role, printed in rights.items():
            require(set(more) <= set(printed), f"not printed for {role}: {more}")
            for right in more:
                if role == "service":
                    require_run_is_refused(server, world, right)
                else:
                    require_told(server, world, role, right, commands[role])
        start(world)
        world.publish(load_feed("card/feed")[:40])
        world.settle()
        stop(world)
        expect(world, 0, ": 0 differences", "verify", *sets(login(world, "tools")))
    finally:
        world.close()


def in_a_cluster():
    """Of one node, which has all slots, and does not say where it is: so it is where it was asked."""
    world = Place("redis-rights-cluster", policy_of("card/feed"))
    server = Server(world.folder, "cluster-enabled yes", f"cluster-port {free_port()}", "cluster-preferred-endpoint-type unknown-endpoint")
    try:
        server.operator().command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        wait_for("the cluster is up", lambda: b"cluster_state:ok" in server.operator().command("CLUSTER", "INFO"), 30)
        require(server.operator().command("CLUSTER", "SLOTS")[0][2][0] is None, "it says where it is")
        world.write_config({"redis": f'{{url: "redis+cluster://127.0.0.1:{server.port}"}}'})
        reached_otherwise(world, server, None, ("cluster|slots", "cluster|info"))
    finally:
        server.close()


def under_a_sentinel():
    """Whose own user may do what is printed for it."""
    world = Place("redis-rights-sentinel", policy_of("card/feed"))
    server = Server(world.folder)
    watch = (f"sentinel monitor leads 127.0.0.1 {server.port} 1", "sentinel auth-user leads operator", f"sentinel auth-pass leads {PASSWORD}")
    sentinel = Server(world.folder, *watch, name="sentinel")
    world.has_sentinel = True
    try:
        url = f"redis+sentinel://127.0.0.1:{sentinel.port}/leads/0"
        world.write_config({"redis": f'{{url: "{url}", sentinel_password: {PASSWORD}}}'})
        reached_otherwise(world, server, sentinel, ("role",))
    finally:
        sentinel.close()
        server.close()


TESTS = {test.__name__: test for test in (each_role, seldom, in_a_cluster, under_a_sentinel)}

if __name__ == "__main__":
    sys.exit(main(TESTS))
