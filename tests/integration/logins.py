#!/usr/bin/env python3
"""logins.py [TEST...] - a Kafka that does not let us in: each command says why, and what to do; what was said is forgotten
once it does."""

import os
import signal
import socket
import subprocess
import sys
import threading

from commands import attempt, expect
from secured import secured
from world import BINARY, World, free_port, get, main, policy_of, require, say, wait_for

NOWHERE = "127.0.0.1:1"


def ways(kafka):
    """(why we are not let in, options, what is to be said)"""
    root, stranger = kafka.certificates.root, kafka.certificates.stranger
    known = {"ssl_ca_location": root}
    return [
        ("a wrong password", kafka.login(sasl_password="wrong"), "Invalid username or password; look at sasl.username"),
        ("an unknown CA", kafka.options("TLS", ssl_ca_location=stranger), "signed by a CA that is not known here; name"),
        ("no CA", kafka.options("TLS"), "signed by a CA that is not known here; name the CA's certificate"),
        ("an expired certificate", kafka.options("EXPIRED", **known), "the broker's certificate has expired; "),
        ("no intermediate", kafka.options("BARE", **known), "the broker does not send the intermediate certificates"),
        ("another host's certificate", kafka.options("STRANGE", **known), "certificate is for another address; "),
        ("no certificate of ours", kafka.options("MUTUAL", **known), "look at ssl.certificate.location"),
        ("no TLS where TLS is spoken", kafka.options("TLS", security_protocol="PLAINTEXT"), "set security.protocol to SSL"),
        ("TLS where none is spoken", kafka.options("OPEN", security_protocol="SSL"), "the listener speaks no TLS: set"),
        ("no login where one is wanted", kafka.options("LOGIN", security_protocol="PLAINTEXT"), "wants a login: set"),
        ("nobody there", ["--set", f"kafka.brokers={NOWHERE}"], "Connection refused; nothing listens there"),
    ]


def each_reason():
    """`topics` names each, and where."""
    world = World("logins", policy_of("card/feed"))
    kafka = secured()
    running = [
        (why, words, subprocess.Popen([BINARY, "topics", "--config", world.config, *options], stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE))
        for why, options, words in ways(kafka)
    ]  # fmt: skip
    for why, words, process in running:
        said = process.communicate(timeout=60)[1].decode()
        require(words in said and "127.0.0.1:" in said, f"{why}: it does not say {words!r}: {said}")
        require(process.returncode == 3, f"{why}: it ended with {process.returncode}: {said}")
    for options in (kafka.login(listener="SAFE", ssl_ca_location=kafka.certificates.root),
                    kafka.options("MUTUAL", ssl_ca_location=kafka.certificates.root,
                                  ssl_certificate_location=kafka.certificates.client,
                                  ssl_key_location=kafka.certificates.path("leadclock.key"))):  # fmt: skip
        expect(world, 2, "may not DESCRIBE", "topics", *options)
    unchecked = kafka.options("EXPIRED", enable_ssl_certificate_verification="false")
    expect(world, 1, "topics are missing", "topics", *unchecked)


def each_command():
    """The other commands say it too; `run` waits, and says it in its log and in /readyz."""
    world = World("logins", policy_of("card/feed"))
    kafka = secured()
    wrong = kafka.login(sasl_password="wrong")
    port = free_port()
    try:
        service = world.start("a", f"http.listen=127.0.0.1:{port}", *[text for text in wrong if text != "--set"])
        why = "SASL authentication error: Authentication failed: Invalid username or password; look at sasl.username"
        for command in (("publish", "-"), ("watch",), ("reset", "--yes")):
            expect(world, 3, why, *command, *wrong)
        wait_for("/readyz to say it", lambda: why in get(port, "/readyz")[1], 30)
        require(why in service.read_log(), f"its log does not say it: {service.read_log()}")
        require(service.read_log().count("level=warning") <= 3, f"it says too much: {service.read_log()}")
        service.stop()
    finally:
        world.close()


class Forwarder:
    """A port behind which Kafka is, from `open` on."""

    def __init__(self, target):
        self.target = target
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def open(self):
        self.listener.listen(20)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            near = self.listener.accept()[0]
            host, port = self.target.split(":")
            far = socket.create_connection((host, int(port)))
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self.copy, args=(source, sink), daemon=True).start()

    @staticmethod
    def copy(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        sink.close()


def forgotten():
    """A reason is not told any more once Kafka has let us in; nor is one broker's, of several."""
    kafka = secured()
    world = World("forgotten", policy_of("card/feed"), brokers=kafka.at("OPEN"))
    port = free_port()
    try:
        world.create_topics()
        forwarder = Forwarder(kafka.at("OPEN"))
        service = world.start("a", f"http.listen=127.0.0.1:{port}", f"kafka.brokers=127.0.0.1:{forwarder.port}")
        refused = f"127.0.0.1:{forwarder.port}: Connect to ipv4#127.0.0.1:{forwarder.port} failed: Connection refused"
        wait_for("it to say that it is refused", lambda: refused in get(port, "/readyz")[1], 30)
        forwarder.open()
        wait_for("readiness", lambda: get(port, "/readyz") == (200, "ok\n"), 40)
        kafka.process.send_signal(signal.SIGSTOP)
        try:
            wait_for("it to miss the broker", lambda: get(port, "/readyz")[0] == 503, 40)
            require("refused" not in get(port, "/readyz")[1], f"it still says {get(port, '/readyz')}")
        finally:
            kafka.process.send_signal(signal.SIGCONT)
        wait_for("readiness", lambda: get(port, "/readyz") == (200, "ok\n"), 60)
        service.stop()
        world.services.clear()
        service = world.start("b", f"http.listen=127.0.0.1:{port}", f"kafka.brokers={NOWHERE},{kafka.at('OPEN')}")
        wait_for("readiness", lambda: get(port, "/readyz") == (200, "ok\n"), 60)
        service.stop()
    finally:
        world.close()


def scram():
    """A librdkafka that can't do it says so before anything else, and where it fails; another logs in."""
    kafka = secured()
    world = World("scram", policy_of("card/feed"))
    options = kafka.login(sasl_mechanisms="SCRAM-SHA-256")
    code, _, said = attempt(world, "topics", *options)
    cure = "librdkafka before 2.6.1 can't log in by SCRAM"
    if cure not in said:
        require(code == 2 and "may not DESCRIBE" in said, f"it does not log in by SCRAM: {said}")
        say("this librdkafka logs in by SCRAM")
        return
    require(code == 3 and said.count(cure) == 2, f"it ended with {code}: {said}")
    require("level=warning" in said and "Debian 13" in said and "SASL_SSL" in said, f"it names no cure: {said}")


def configurations():
    """Which configuration it is, where none was given; what a file is missing or tells everybody."""
    world = World("configurations", policy_of("card/feed"))
    missing = ["--set", "kafka.properties.ssl.ca.location=/nowhere/ca.pem"]
    expect(world, 2, r"kafka.properties: ssl.ca.location: /nowhere/ca.pem: No such file or directory", "topics", *missing)
    secret = "sasl.password: Pa55"
    for mode, text, warned in (
        (0o644, secret, True), (0o640, secret, False), (0o644, "sasl.password: ${SECRET}", False),
        (0o644, "# ask somebody@example.com", False),
    ):  # fmt: skip
        with open(world.config, encoding="utf-8") as file:
            lines = file.read()
        path = os.path.join(world.folder, "secrets.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(lines.replace("properties: {}", "properties:\n    " + text))
        os.chmod(path, mode)
        done = subprocess.run([BINARY, "topics", "--config", path, "--set", f"kafka.brokers={NOWHERE}"], timeout=60,
                              capture_output=True, check=False, env=os.environ | {"SECRET": "Pa55"})  # fmt: skip
        said = done.stderr.decode()
        require(done.returncode == 3, f"it ended with {done.returncode}: {said}")
        require(("secrets.yaml has passwords" in said) == warned, f"{mode:o}, {text}: {said}")
        require("Pa55" not in said, f"it tells the secret: {said}")
    log = os.path.join(world.folder, "defaults.log")
    with open(log, "wb") as file:
        process = subprocess.Popen([BINARY, "run", "--set", f"kafka.brokers={NOWHERE}", "--set",
                                    f"policy={world.policy}"], stdout=file, stderr=file)  # fmt: skip

    def said(text):
        with open(log, encoding="utf-8") as file:
            return text in file.read()

    try:
        wait_for("it to say so", lambda: said("no configuration was given") and said("Connection refused"), 20)
        require(said(f"brokers={NOWHERE}"), "it does not say whom it asks")
    finally:
        process.terminate()
        require(process.wait(30) == 0, "it does not end")
    service = world.start("a", f"kafka.brokers={NOWHERE}")
    try:
        wait_for("it to name its file", lambda: f"config={world.config}" in service.read_log(), 20)
    finally:
        service.stop()
        world.close()


TESTS = {test.__name__: test for test in (each_reason, each_command, forgotten, scram, configurations)}

if __name__ == "__main__":
    sys.exit(main(TESTS))
