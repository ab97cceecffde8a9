#!/usr/bin/env python3
"""guarded.py [TEST...] - the registry behind TLS and a login: every command that asks it comes in, and each says why where
it is not let in."""

import json
import os
import subprocess
import sys

from commands import attempt, created, expect
from guard import PASSWORD, USER, Guard
from secured import Certificates
from world import BINARY, World, free_port, get, main, policy_of, require, require_equal, wait_for

LINE = (json.dumps(created("lead")) + "\n").encode()


class HangingUp(Guard):
    """TLS comes about, and then it goes away, without an answer."""

    def knows(self, authorization):
        self.sent_away += 1
        raise ConnectionError


def settings(guard, certificates, **changes):
    """--set options by which one is let in, but for the changes; None: left out."""
    keys = {"url": guard.url, "user": USER, "password": PASSWORD, "ca": certificates.root} | changes
    options = []
    for key, value in keys.items():
        options += ["--set", f"registry.{key}={value}"] if value is not None else []
    return options


def own(certificates):
    return {"certificate": certificates.client, "key": certificates.path("leadclock.key")}


def with_certificates(test):
    world = World(test, policy_of("card/feed"))
    return world, Certificates(world.folder)


def every_command():
    """Each that asks the registry asks it by TLS, with a login and a certificate; what comes out is what the backtest says."""
    world, certificates = with_certificates("guarded-commands")
    guard = Guard(certificates.path("broker.store"), client_ca=certificates.root)
    keys = {"url": guard.url, "user": USER, "password": PASSWORD, "ca": "root.pem", "certificate": "leadclock.pem",
            "key": "leadclock.key"}  # fmt: skip
    world.write_config({"registry": json.dumps(keys)})  # paths relative to the configuration

    def asks(what, command):
        before = guard.let_in
        command()
        require(guard.let_in > before, f"{what} asked the registry nothing")

    def started(command, *options):
        before = guard.let_in
        process = subprocess.Popen(
            [BINARY, command, "--config", world.config, "--set", f"{command}.listen=127.0.0.1:{free_port()}", *options],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            wait_for(f"{command} to ask the registry", lambda: guard.let_in > before, 60)
        finally:
            process.terminate()
        require(process.wait(60) == 0, f"{command} ended with {process.returncode}")

    try:
        world.create_topics()
        asks("publish", lambda: world.publish([created("lead")]))
        asks("run", lambda: (world.start(), world.settle()))
        asks("watch", lambda: require(world.watch("leads.created"), "it saw nothing"))
        asks("inspect", lambda: world.run("inspect", "lead"))
        for command in ("report", "worklist"):
            asks(command, lambda: world.run(command))
        started("ingest")
        started("dashboard")
        started("alert", "--set", "alert.alertmanager.urls=http://127.0.0.1:1")
        world.services.pop().stop()
        require_equal("those that were sent away", guard.sent_away, 0)
    finally:
        world.close()
        guard.close()


def refusals():
    """`publish` says why it is not let in, and what to do, and ends with 3; with 2 where waiting mends nothing."""
    world, certificates = with_certificates("guarded-refusals")
    stores = {name: Guard(certificates.path(f"{name}.store")) for name in ("broker", "expired", "bare", "strange")}
    stores["mutual"] = Guard(certificates.path("broker.store"), client_ca=certificates.root)
    stores["hangs up"] = HangingUp(certificates.path("broker.store"))
    broker = stores["broker"]
    try:
        world.create_topics()
        ways = [
            ("a wrong password", broker, {"password": "wrong-pa55"}, "(HTTP 401): who are you?; look at registry.user and"),
            ("no login", broker, {"user": None, "password": None}, "(HTTP 401): who are you?; look at registry.user and"),
            ("no CA", broker, {"ca": None}, "signed by a CA that is not known here; name the CA's certificate in registry.ca"),
            ("an unknown CA", broker, {"ca": certificates.stranger}, "signed by a CA that is not known here; name the CA's"),
            ("no intermediate", stores["bare"], {}, "the server does not send the intermediate certificates"),
            ("an expired certificate", stores["expired"], {}, "its certificate has expired, or is not valid yet: it needs"),
            ("another's certificate", stores["strange"], {}, "its certificate is for another host; name the registry in"),
            ("no certificate of ours", stores["mutual"], {}, "look at registry.certificate and registry.key"),
            ("it hangs up", stores["hangs up"], {}, "does not answer: it ends the connection after TLS came about ("),
            ("no PEM", broker, {"ca": world.policy}, "whether they are PEM"),
            ("TLS where none is spoken", broker, {"url": os.environ["LC_TEST_REGISTRY_URL"].replace("http:", "https:")},
             "it speaks no TLS there; write http:// in registry.url"),
        ]  # fmt: skip
        running = [
            (why, words, subprocess.Popen(
                [BINARY, "publish", "--config", world.config, *settings(guard, certificates, **changes), "-"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE))
            for why, guard, changes, words in ways
        ]  # fmt: skip
        for _, _, process in running:  # side by side: each asks again for 10 s
            process.stdin.write(LINE)
            process.stdin.flush()
        for why, words, process in running:
            said = process.communicate(timeout=120)[1].decode()
            require(words in said, f"{why}: it does not say {words!r}: {said}")
            require("no TLS" not in said or "TLS came about" not in words, f"{why}: TLS was well, and it says: {said}")
            require(process.returncode == 3, f"{why}: it ended with {process.returncode}: {said}")
            require("pa55" not in said, f"{why}: it tells the password: {said}")
        require(broker.let_in == 0 and broker.sent_away > 0, "the guard let somebody in")
        require(stores["hangs up"].sent_away > 0, "it hung up on nobody")
        for words, changes in (
            ("registry.ca: /nowhere/ca.pem: No such file", {"ca": "/nowhere/ca.pem"}),
            ("registry.certificate needs its key; set registry.key too", {"certificate": certificates.client}),
            ("registry.ca is given, but registry.url speaks no TLS; write https://", {"url": "http://127.0.0.1:1"}),
            ("must hold no user or password", {"url": broker.url.replace("//", "//u:in-the-url-pa55@")}),
        ):  # fmt: skip
            code, _, said = attempt(world, "publish", *settings(broker, certificates, **changes), "-", stdin=LINE)
            require(code == 2 and words in said, f"it ended with {code} and does not say {words!r}: {said}")
            require("pa55" not in said, f"it tells the password: {said}")
        expect(world, 0, "", "publish", *settings(stores["mutual"], certificates, **own(certificates)), "-", stdin=LINE)
    finally:
        for guard in stores.values():
            guard.close()
        world.close()


def waits():
    """`run` waits where it is not let in, says so, and goes on as soon as it is."""
    world, certificates = with_certificates("guarded-waits")
    guard = Guard(certificates.path("broker.store"), login=(USER, "another"))
    port = free_port()
    try:
        world.create_topics()
        options = [option for option in settings(guard, certificates) if option != "--set"]
        service = world.start("a", f"http.listen=127.0.0.1:{port}", *options)
        wait_for("/readyz to say it", lambda: "does not let us in (HTTP 401)" in get(port, "/readyz")[1], 60)
        require("does not let us in (HTTP 401)" in service.read_log(), f"its log does not say it: {service.read_log()}")
        guard.login = (USER, PASSWORD)
        wait_for("readiness", lambda: get(port, "/readyz") == (200, "ok\n"), 60)
        service.stop()
        require(PASSWORD not in service.read_log(), "its log has the password")
        world.services.clear()
    finally:
        world.close()
        guard.close()


TESTS = {test.__name__: test for test in (every_command, refusals, waits)}

if __name__ == "__main__":
    sys.exit(main(TESTS))
