#!/usr/bin/env python3
"""redis_rights.py [TEST...] - a Redis whose users may do just what `topics --acls` prints: each command does its work, and
one right less is refused in words that name it."""

import os
import re
import subprocess
import sys

from commands import attempt, expect
from world import PARTITIONS, Redis, World, free_port, load_feed, main, multiply, policy_of, require, say, slices, wait_for

PASSWORD = "redis-pa55"
WHOLE = os.environ.get("LC_RIGHTS") == "whole"
# In the short form one of each kind is taken away.
SOME = {"service": ("hmget",), "tools": ("get", "hset", "scan", "multi"), "admin": ("get", "scan", "unlink")}
# Used only where something has gone wrong, leads are forgotten, or timers fire; info, whose lack is warned of; exec, whose lack a server
# says as that of a transaction that was broken off.
SELDOM = ("del", "unwatch", "hdel", "srem", "zrem", "lrange", "ltrim", "info", "exec")
# Only where a partition is emptied first, or Redis is empty.
WITH_KEYS, WITHOUT_KEYS = ("unlink", "scan"), ("setnx",)


class Server:
    """A Redis that lets nobody in but the operator, and whom he makes."""

    def __init__(self, folder):
        self.port = free_port()
        settings = os.path.join(folder, "redis.conf")
        with open(settings, "w", encoding="utf-8") as file:
            file.write(f"bind 127.0.0.1\nport {self.port}\nsave ''\nmaxmemory-policy noeviction\n"
                       f"user default off\nuser operator on >{PASSWORD} ~* &* +@all\n")  # fmt: skip
        with open(os.path.join(folder, "redis.log"), "ab") as log:
            self.process = subprocess.Popen(["redis-server", settings], stdout=log, stderr=log)
        wait_for("Redis to answer", self.answers, 30)

    def url(self, user=""):
        return f"redis://{user}127.0.0.1:{self.port}/0"

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


def apply(world, server):
    """What is printed, as it is printed; then passwords. The commands of Redis by role."""
    script = world.run("topics", "--acls")
    client = f"redis-cli -e -p {server.port} --user operator --no-auth-warning"
    subprocess.run(["sh", "-eu"], input=script, check=True, timeout=60,
                   env=os.environ | {"KAFKA_ACLS": "true", "REDIS_CLI": client, "REDISCLI_AUTH": PASSWORD})  # fmt: skip
    found = re.findall(r"ACL SETUSER '(\S+)-(\w+)' (.*)", script.decode())
    require([(name, role) for name, role, _ in found] == [(world.name, role) for role in ("service", "tools", "admin")],
            f"not for these: {found}")  # fmt: skip
    for name, role, _ in found:
        server.operator().command("ACL", "SETUSER", f"{name}-{role}", f">{PASSWORD}")
    return {role: re.findall(r"\+(\S+)", words) for _, role, words in found}


def login(world, role):
    return ["--set", f"redis.user={world.name}-{role}", "--set", f"redis.password={PASSWORD}"]


def tried(rights, role):
    return [right for right in rights[role] if right not in SELDOM and (WHOLE or right in SOME[role])]


def without(server, world, role, right, *commands):
    """Some command is refused, and says so by the right's name."""
    if right in WITHOUT_KEYS:
        server.operator().command("FLUSHALL")
    server.operator().command("ACL", "SETUSER", f"{world.name}-{role}", f"-{right}")
    for command in commands:
        code, _, err = attempt(world, *command, *login(world, role))
        say(f"{role} without {right}: {command[0]} ends with {code}")
        is_refused = code == 2 and re.search(rf"NOPERM.*'{right}", err) and "topics --acls" in err
        if is_refused:
            break
    server.operator().command("ACL", "SETUSER", f"{world.name}-{role}", f"+{right}")
    return is_refused


def require_run_ends(server, world, right, facts):
    """A service that makes Redis anew and takes facts is refused, says so by the right's name, and ends."""
    if right not in WITH_KEYS:
        server.operator().command("FLUSHALL")
    else:
        for key in world.redis_keys(server.operator(), "{*}:applied"):
            server.operator().command("DEL", key)
    server.operator().command("ACL", "SETUSER", f"{world.name}-service", f"-{right}")
    say(f"service without {right}")
    world.publish(facts)
    service = world.start("a", *[text for text in login(world, "service") if text != "--set"])
    wait_for("it to end", lambda: not service.is_running(), 60)
    world.services.remove(service)
    said = service.read_log()
    require(service.process.returncode == 2, f"without {right} it ended with {service.process.returncode}: {said[-2000:]}")
    require(re.search(rf"NOPERM.*'{right}", said), f"without {right} it does not say so: {said[-2000:]}")
    server.operator().command("ACL", "SETUSER", f"{world.name}-service", f"+{right}")


def require_no_more(world, server):
    """No role may do what none is for, nor touch keys that are not of this name."""
    for role in ("service", "tools", "admin"):
        for command in (("FLUSHALL",), ("CONFIG", "SET", "save", ""), ("GET", "another:key")):
            answer = server.operator().command("ACL", "DRYRUN", f"{world.name}-{role}", *command)
            answer = answer.decode() if isinstance(answer, bytes) else answer
            require(re.search("no permissions", answer), f"{role} may do {' '.join(command)}: {answer}")


def each_role():
    world = World("redis-rights", policy_of("card/feed"))
    server = Server(world.folder)
    try:
        world.write_config({"redis": f'{{url: "{server.url()}"}}'})
        world.redis = server.operator
        world.create_topics()
        rights = apply(world, server)
        first, *others = slices(multiply(load_feed("card/feed"), 2), 30)
        facts = [fact for part in others[20:] for fact in part] + first
        for right, part in zip(tried(rights, "service"), others[:20]):
            require_run_ends(server, world, right, part)
        world.publish(facts)
        service = world.start("a", *[text for text in login(world, "service") if text != "--set"])
        world.settle()
        world.require_same_as_backtest()
        service.stop()
        world.services.clear()
        tools = (("verify",), ("rebuild",), ("inspect", facts[0]["lead_id"]), ("tables", "--fill"))
        wait_for("the group to be empty", lambda: attempt(world, "reset", "--dry-run", *login(world, "admin"))[0] == 0, 40)
        for command in tools:
            expect(world, 0, "", *command, *login(world, "tools"))
        require_no_more(world, server)
        for role, some in SOME.items():
            require(set(some) <= set(rights[role]), f"the rights of {role} are {rights[role]}")
        for right in tried(rights, "tools"):
            require(without(server, world, "tools", right, *tools), f"without {right} nothing is refused and told")
            expect(world, 0, "made anew", "rebuild", *login(world, "tools"))
        expect(world, 0, ": 0 differences", "verify", *login(world, "tools"))
        for right in tried(rights, "admin"):
            require(without(server, world, "admin", right, ("reset", "--yes")), f"without {right} reset goes on")
        expect(world, 0, "", "reset", "--yes", *login(world, "admin"))
        require(not world.redis_keys(server.operator(), "{*}:lead*"), f"leads are left; {PARTITIONS} partitions")
    finally:
        world.close()
        server.close()


TESTS = {test.__name__: test for test in (each_role,)}

if __name__ == "__main__":
    sys.exit(main(TESTS))
