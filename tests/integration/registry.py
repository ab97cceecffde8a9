#!/usr/bin/env python3
"""registry.py [TEST...] - a registry that is slow, fails, refuses, or says no: the real one, behind a proxy that does so
where a test says. What is about an id is of that id alone; what is about the registry makes no dead letter."""

import http.server
import json
import sys
import threading
import time
import urllib.error
import urllib.request

from hostile import Writer, created, require_letters
from timing import Watched
from world import REGISTRY_URL, Redis, World, framed, main, our_schema, policy_of, register_schema, require
from world import require_equal, say, wait_for

import registry_guard  # world has said where it is

REFUSED = (403, b'{"error_code": 40301, "message": "User is denied operation Write on this server."}')
NO_SUCH_ID = (404, b'{"error_code": 40403, "message": "Schema not found"}')


class Proxy:
    """Passes everything on to the registry. `rule` is asked first, with the method and the path after the API's own:
    it may wait, and may answer itself with (status, body)."""

    def __init__(self):
        proxy = self
        self.rule = lambda method, path: None
        self.seen = []

        class Handler(registry_guard.Passing):
            def answer(self, body):
                proxy.seen.append((self.command, self.path))
                return proxy.rule(self.command, self.path) or registry_guard.ask(REGISTRY_URL + self.path, body)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # a client that went away
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def asked_for(self, schema_id):
        return sum(path == f"/schemas/ids/{schema_id}" for _, path in self.seen)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class ProxiedWorld(World):
    def __init__(self, test):
        super().__init__(test, policy_of("card/feed"))
        self.proxy = Proxy()
        self.create_topics()

    def watched(self, *settings):
        return Watched(self, "a", f"registry.url={self.proxy.url}", *settings)

    def close(self):
        super().close()
        self.proxy.close()

    def send(self, lead, writer):
        self.produce("leads.created", lead, [created(writer, lead)])

    def leads(self):
        return {record["lead_id"] for record in self.outcomes()}


def new_writer(world, name):
    """Under a schema that no other has: its id is not known yet."""
    schema = our_schema("LeadCreated")
    schema["doc"] = f"{world.name} {name}"
    return Writer("LeadCreated", f"{world.prefix}{name}", schema)


def readiness(service):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{service.port}/readyz", timeout=5) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.read().decode()
    except OSError:
        return ""  # not started yet


def ids_that_fail():
    """One id each is refused, gone, too large, or fails for ever: their records are dead letters, all else flows on. A
    registry that fails for all makes none."""
    world = ProxiedWorld("ids-that-fail")
    try:
        bad = {
            4294967295: (400, b"<html>not a number of ours</html>"),
            4294967294: (410, b"gone"),
            4294967293: (422, b'{"error_code": 42202, "message": "The specified id is not valid"}'),
            4294967292: (200, b'{"schema": "' + b"x" * (5 << 20) + b'"}'),
            4294967291: (500, b'{"error_code": 50001, "message": "Error in the backend data store"}'),
            4294967290: (403, b"denied"),
        }
        service = world.watched("registry.timeout=5s")
        service.until_ready()

        say("the registry fails for all")
        world.proxy.rule = lambda method, path: (500, b"") if path.startswith("/schemas/ids/") else None
        good, later = new_writer(world, "good"), new_writer(world, "later")
        world.send("first", good)
        wait_for("it is waited for", lambda: "HTTP 500" in readiness(service), 20)
        time.sleep(7)
        require(not world.dead_letters(), f"a registry that fails for all has made dead letters: {world.dead_letters()}")

        say("the registry fails for some ids")
        world.proxy.rule = lambda method, path: bad.get(int(path.rpartition("/")[2])) if "/ids/" in path else None
        for schema_id in bad:
            world.produce("leads.created", f"bad-{schema_id}", [framed(schema_id, b"\0\0\0\0")])
        world.send("good", later)
        world.settle(40)
        require_letters(world, [("UNKNOWN_SCHEMA", f"bad-{schema_id}") for schema_id in bad])
        require_equal("leads", dict.fromkeys(world.leads()), dict.fromkeys(["first", "good"]))
        text = world.headers_of_dead_letters()
        for said in ("HTTP 400", "HTTP 410", "HTTP 500: Error in the backend data store", "longer than"):
            require(said in text, f"the dead letters do not say {said}: {text}")
        require(service.figure("leadclock_recoveries_total", 'cause="aborted"') == 0, "it was recovered meanwhile")
        service.service.stop()
    finally:
        world.close()


def slow():
    """A registry that takes 1.5 s for each answer is as good as a quick one; one that takes 5 s for a schema holds up its
    facts, and not the group."""
    world = ProxiedWorld("slow")
    try:
        delays = {"seconds": 0}
        world.proxy.rule = lambda *_: time.sleep(delays["seconds"])
        # Without a poll for so long the group would take its partitions away.
        limits = ("kafka.properties.session.timeout.ms=3000", "kafka.properties.max.poll.interval.ms=3000")
        service = world.watched(*limits)
        service.until_ready()
        service.service.stop()
        delays["seconds"] = 1.5
        service.again()
        say(f"ready after {service.until_ready():.1f} s")
        world.send("first", new_writer(world, "first"))
        world.settle(30)
        recoveries = service.figure("leadclock_recoveries_total")
        delays["seconds"] = 5
        world.send("second", new_writer(world, "second"))
        wait_for("it says that the registry is slow", lambda: "is slow" in readiness(service), 20)
        require(service.get("livez") is not None, "it does not live")
        world.settle(30)
        require_equal("leads", dict.fromkeys(world.leads()), dict.fromkeys(["first", "second"]))
        require_letters(world, [])
        require(service.figure("leadclock_recoveries_total") == recoveries, "it lost its partitions meanwhile")
        world.send("third", new_writer(world, "third"))
        wait_for("it waits again", lambda: "is slow" in readiness(service), 20)
        began = time.monotonic()
        service.service.stop()
        say(f"stopped within {time.monotonic() - began:.1f} s of SIGTERM")
        require(time.monotonic() - began < 5, "a slow registry held it up")
        delays["seconds"] = 1.5
        say("commands wait too")
        world.run("verify", "--set", f"registry.url={world.proxy.url}")
        world.run("publish", "-", "--set", f"registry.url={world.proxy.url}", stdin=b"")
    finally:
        world.close()


def without_write_rights():
    """Who may only read schemas needs no more where all are registered. Where they are not, it is waited for that they
    are, or may be."""
    world = ProxiedWorld("read-only")
    try:
        world.proxy.rule = lambda method, path: REFUSED if path.endswith("/versions") else None
        service = world.watched()
        wait_for("it says what it may not", lambda: "does not let us register" in readiness(service), 30)
        require("HTTP 403" in readiness(service), readiness(service))
        world.proxy.rule = lambda method, path: None
        service.until_ready()
        service.service.stop()
        say("all are registered, and nothing may be written any more")
        world.proxy.rule = lambda method, path: REFUSED if path.endswith("/versions") else None
        service.again()
        service.until_ready()
        service.service.stop()
    finally:
        world.close()


def one_no():
    """A registry that once says no to a schema of the changelogs, which it has, stops nothing; one that keeps saying so
    does, and is named."""
    world = ProxiedWorld("one-no")
    try:
        schema = our_schema("LeadState") | {"doc": world.name}
        other = register_schema(f"{world.prefix}other-LeadState", schema)
        subject = f"/subjects/{world.prefix}leads.state-leadclock.LeadState"
        # States are written under an id that the next start does not learn by registering.
        world.proxy.rule = lambda method, path: (
            (200, json.dumps({"id": other}).encode()) if path.startswith(subject) else None
        )
        service = world.watched()
        service.until_ready()
        world.send("lead", new_writer(world, "plain"))
        world.settle(30)
        service.service.stop()

        def rebuilt_where(denials):
            left = [denials]

            def rule(method, path):
                if path == f"/schemas/ids/{other}" and left[0] > 0:
                    left[0] -= 1
                    return NO_SUCH_ID
                return None

            Redis().command("FLUSHALL")
            world.proxy.rule = rule
            service.again()

        say("no, once")
        rebuilt_where(1)
        service.until_ready()
        require(world.proxy.asked_for(other) == 2, f"it was asked {world.proxy.asked_for(other)} times")
        service.service.stop()
        say("no, always")
        rebuilt_where(1 << 30)
        require(service.service.process.wait(30) == 2, "it goes on without a schema of the changelog, or ends otherwise")
        require(f"has no schema {other}" in service.service.read_log(), "the log does not say which")
        require("changelog damaged" not in service.service.read_log(), "the changelog is blamed")
    finally:
        world.close()


TESTS = {test.__name__: test for test in (ids_that_fail, slow, without_write_rights, one_no)}

if __name__ == "__main__":
    sys.exit(main(TESTS))
