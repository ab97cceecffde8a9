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
SOME = ("get", "hset", "scan", "multi")
# Used only where something has gone wrong, leads are forgotten, or timers fire; info, whose lack is warned of; exec, whose lack a server
# says as that of a transaction that was broken off.
SELDOM = ("del", "unwatch", "srem", "zrem", "zrangebyscore", "ltrim", "info", "exec")


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


def without(server, world, role, right, *commands):
    """Some command is refused, and says so by the right's name."""
    server.operator().command("ACL", "SETUSER", f"{world.name}-{role}", f"-{right}")
    said = [attempt(world, *command, *login(world, role)) for command in commands]
    server.operator().command("ACL", "SETUSER", f"{world.name}-{role}", f"+{right}")
    say(f"{role} without {right}: {[code for code, _, _ in said]}")
    return any(code == 2 and re.search(rf"NOPERM.*'{right}", err) and "topics --acls" in err for code, _, err in said)


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
        facts = slices(multiply(load_feed("card/feed"), 2), 3)[0]
        world.publish(facts)
        service = world.start("a", *[text for text in login(world, "service") if text != "--set"])
        world.settle()
        world.require_same_as_backtest()
        service.stop()
        world.services.clear()
        tools = (("verify",), ("rebuild",), ("inspect", facts[0]["lead_id"]))
        for command in tools:
            expect(world, 0, "", *command, *login(world, "tools"))
        require_no_more(world, server)
        require(set(SOME) <= set(rights["tools"]), f"the tools' rights are {rights['tools']}")
        for right in rights["tools"]:
            if right not in SELDOM and (WHOLE or right in SOME):
                require(without(server, world, "tools", right, *tools), f"without {right} nothing is refused and told")
                expect(world, 0, "made anew", "rebuild", *login(world, "tools"))
        expect(world, 0, ": 0 differences", "verify", *login(world, "tools"))
        wait_for("the group to be empty", lambda: attempt(world, "reset", "--dry-run", *login(world, "admin"))[0] == 0, 40)
        for right in ("get", "scan", "unlink"):
            require(without(server, world, "admin", right, ("reset", "--yes")), f"without {right} reset goes on")
        expect(world, 0, "", "reset", "--yes", *login(world, "admin"))
        require(not world.redis_keys(server.operator(), "{*}:lead*"), f"leads are left; {PARTITIONS} partitions")
    finally:
        world.close()
        server.close()


TESTS = {test.__name__: test for test in (each_role,)}

if __name__ == "__main__":
    sys.exit(main(TESTS))
