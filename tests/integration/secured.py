"""secured.py - a Kafka of its own that lets nobody in unknown, for tests of logins and rights: PLAIN and SCRAM, TLS, client
certificates, and an authorizer that allows nothing it was not told to. It begins with the first use, is shared by the tests
of one script, and ends with it.

An operator comes in at OPEN without a name and may do anything; `may` gives rights, `deny` takes one away, `allow_again`
gives it back."""

import atexit
import base64
import ctypes
import glob
import os
import shutil
import signal
import socket
import struct
import subprocess
import uuid

from world import STACK_DIR, require, say, wait_for
from certificates import Certificates  # world has said where it is

CACHE = os.environ.get("LC_CACHE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "leadclock"
)
PASSWORD = "right-pass"
USERS = ("leadclock", "publisher", "watcher", "auditor", "mover", "republisher", "filler",
         "less-service", "less-publisher", "less-ingest", "less-alert", "less-dashboard", "less-tools", "less-admin")  # fmt: skip

# Numbers of Kafka's protocol.
DESCRIBE_ACLS, CREATE_ACLS, DELETE_ACLS = 29, 30, 31
ANY, DENY, ALLOW = 1, 2, 3
KINDS = {"TOPIC": 2, "GROUP": 3, "CLUSTER": 4, "TRANSACTIONAL_ID": 5}
PATTERNS = {"LITERAL": 3, "PREFIXED": 4}
OPERATIONS = {"ALL": 2, "READ": 3, "WRITE": 4, "CREATE": 5, "DELETE": 6, "ALTER": 7, "DESCRIBE": 8, "DESCRIBE_CONFIGS": 10}

LISTENERS = {
    "OPEN": "PLAINTEXT",
    "CONTROLLER": "PLAINTEXT",
    "LOGIN": "SASL_PLAINTEXT",  # PLAIN and SCRAM-SHA-256
    "SAFE": "SASL_SSL",
    "TLS": "SSL",
    "MUTUAL": "SSL",  # asks for the client's certificate
    "EXPIRED": "SSL",
    "BARE": "SSL",  # sends its certificate without the one that signed it
    "STRANGE": "SSL",  # its certificate is another host's
}


class Secured:
    def __init__(self):
        self.password = PASSWORD
        self.folder = os.path.join(STACK_DIR, f"secured-{os.getpid()}")
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        self.certificates = Certificates(self.folder)
        self.ports = dict(zip(LISTENERS, free_ports(len(LISTENERS))))
        self.settings = os.path.join(self.folder, "server.properties")
        self.log = open(os.path.join(self.folder, "kafka.log"), "ab")
        found = sorted(glob.glob(os.path.join(CACHE, "kafka-[0-9]*", "complete")))
        require(found, f"no Kafka in {CACHE}; deploy/stack.sh download fetches it")
        self.java = ["java", "-Xms128m", "-Xmx512m", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true",
                     f"-Dlog4j.configuration=file:{STACK_DIR}/kafka/log4j.properties",
                     "-cp", os.path.join(os.path.dirname(found[-1]), "libs", "*")]  # fmt: skip
        self.write_settings()
        self.format()
        self.start()

    def write_settings(self):
        def listeners(at):
            return ",".join(f"{name}://127.0.0.1:{self.ports[name]}" for name in LISTENERS if at(name))

        plain = "org.apache.kafka.common.security.plain.PlainLoginModule required"
        users = " ".join(f'user_{user}="{self.password}"' for user in USERS)
        lines = [
            "process.roles=broker,controller", "node.id=1",
            f"controller.quorum.voters=1@127.0.0.1:{self.ports['CONTROLLER']}",
            f"listeners={listeners(lambda name: True)}",
            f"advertised.listeners={listeners(lambda name: name != 'CONTROLLER')}",
            "listener.security.protocol.map=" + ",".join(f"{name}:{kind}" for name, kind in LISTENERS.items()),
            "controller.listener.names=CONTROLLER", "inter.broker.listener.name=OPEN",
            "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users=User:ANONYMOUS", f"log.dirs={self.folder}/data", "auto.create.topics.enable=false",
            "offsets.topic.num.partitions=1", "offsets.topic.replication.factor=1",
            "transaction.state.log.num.partitions=1", "transaction.state.log.replication.factor=1",
            "transaction.state.log.min.isr=1", "group.initial.rebalance.delay.ms=0",
            "group.min.session.timeout.ms=1000", "controlled.shutdown.enable=false", "log.segment.bytes=134217728",
            "log.cleaner.enable=false", "num.network.threads=2", "num.io.threads=4",
            "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256",
            f"listener.name.login.plain.sasl.jaas.config={plain} {users};",
            f"listener.name.safe.plain.sasl.jaas.config={plain} {users};",
            "listener.name.login.scram-sha-256.sasl.jaas.config="
            "org.apache.kafka.common.security.scram.ScramLoginModule required;",
            "listener.name.safe.sasl.enabled.mechanisms=PLAIN",
            "listener.name.mutual.ssl.client.auth=required",
            "listener.name.mutual.ssl.principal.mapping.rules=RULE:^CN=(.*)$/$1/",
        ]  # fmt: skip
        for name, kind in LISTENERS.items():
            if "SSL" not in kind:
                continue
            store = {"EXPIRED": "expired", "BARE": "bare", "STRANGE": "strange"}.get(name, "broker")
            prefix = f"listener.name.{name.lower()}.ssl"
            lines += [
                f"{prefix}.keystore.type=PEM", f"{prefix}.keystore.location={self.folder}/{store}.store",
                f"{prefix}.truststore.type=PEM", f"{prefix}.truststore.location={self.certificates.root}",
            ]  # fmt: skip
        with open(self.settings, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")

    def format(self):
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "A")
        user = f"SCRAM-SHA-256=[name=leadclock,password={PASSWORD}]"
        subprocess.run(
            [*self.java, "kafka.tools.StorageTool", "format", "-t", cluster, "-c", self.settings, "--add-scram", user],
            stdout=self.log, stderr=self.log, timeout=120, check=True,
        )  # fmt: skip

    def start(self):
        # It must not outlive a script that is killed.
        die_with_us = ctypes.CDLL(None).prctl
        self.process = subprocess.Popen(
            [*self.java, "kafka.Kafka", self.settings], stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL,
            preexec_fn=lambda: die_with_us(1, signal.SIGKILL),
        )  # fmt: skip
        atexit.register(self.stop)
        wait_for("the secured Kafka to answer", self.answers, 180)
        say(f"a secured Kafka runs in {self.folder}")

    def answers(self):
        require(self.process.poll() is None, f"the secured Kafka ended; see {self.folder}/kafka.log")
        return subprocess.run(["kcat", "-b", self.at("OPEN"), "-L", "-m", "2"], capture_output=True, timeout=10,
                              check=False).returncode == 0  # fmt: skip

    def stop(self):
        self.process.kill()
        self.process.wait()

    def restart(self, password):
        """All come in by this one from then on, who come in by PLAIN."""
        self.stop()
        self.password = password
        self.write_settings()
        self.start()

    # ---- Who comes in where ----

    def at(self, listener):
        return f"127.0.0.1:{self.ports[listener]}"

    def options(self, listener, **properties):
        """Of leadclock: where, and how. Underscores stand for dots."""
        properties = {"security_protocol": LISTENERS[listener], **properties}
        options = ["--set", f"kafka.brokers={self.at(listener)}"]
        for name, value in properties.items():
            options += ["--set", f"kafka.properties.{name.replace('_', '.')}={value}"]
        return options

    def login(self, user="leadclock", listener="LOGIN", **properties):
        """The options of a user with a password."""
        return self.options(listener, **{"sasl_mechanisms": "PLAIN", "sasl_username": user, "sasl_password": PASSWORD}
                            | properties)  # fmt: skip

    # ---- Rights ----

    def may(self, operation, kind, name, pattern="LITERAL", user="leadclock"):
        """Gives a right: operation as READ, kind as TOPIC."""
        self.create_acl(operation, kind, name, pattern, user, ALLOW)

    def deny(self, operation, kind, name, pattern="LITERAL", user="leadclock"):
        """Takes one away, whatever was given."""
        self.create_acl(operation, kind, name, pattern, user, DENY)

    def create_acl(self, operation, kind, name, pattern, user, permission):
        body = struct.pack(">ib", 1, KINDS[kind]) + text(name) + struct.pack(">b", PATTERNS[pattern])
        body += text(f"User:{user}") + text("*") + struct.pack(">bb", OPERATIONS[operation], permission)
        answer = self.ask(CREATE_ACLS, body)
        require(struct.unpack(">iih", answer[:10])[1:] == (1, 0), f"the right is not given: {answer}")
        self.wait_for_acls(True, kind, name, pattern, user, OPERATIONS[operation], permission)

    def allow_again(self, kind, name, pattern="LITERAL", user="leadclock"):
        """Takes back what was denied of one resource."""
        body = struct.pack(">ib", 1, KINDS[kind]) + text(name) + struct.pack(">b", PATTERNS[pattern])
        body += text(f"User:{user}") + text(None) + struct.pack(">bb", ANY, DENY)
        answer = self.ask(DELETE_ACLS, body)
        require(struct.unpack(">iih", answer[:10])[1:] == (1, 0), f"the right is not given back: {answer}")
        self.wait_for_acls(False, kind, name, pattern, user, ANY, DENY)

    def take(self, operation, kind, name, pattern, user):
        """Takes back one that was given, which must be there."""
        body = struct.pack(">ib", 1, KINDS[kind]) + text(name) + struct.pack(">b", PATTERNS[pattern])
        body += text(f"User:{user}") + text(None) + struct.pack(">bb", OPERATIONS[operation], ALLOW)
        answer = self.ask(DELETE_ACLS, body)
        require(struct.unpack(">iihhi", answer[:16])[1:] == (1, 0, -1, 1), f"not one right is taken: {answer}")
        self.wait_for_acls(False, kind, name, pattern, user, OPERATIONS[operation], ALLOW)

    def wait_for_acls(self, are_there, kind, name, pattern, user, operation, permission):
        """The controller has answered: the broker's authorizer hears of it a moment later."""
        body = struct.pack(">b", KINDS[kind]) + text(name) + struct.pack(">b", PATTERNS[pattern])
        body += text(f"User:{user}") + text(None) + struct.pack(">bb", operation, permission)

        def is_known():
            answer = self.ask(DESCRIBE_ACLS, body)
            error, message = struct.unpack(">hh", answer[4:8])
            require(error == 0, f"the rights are not told: {answer}")
            return (struct.unpack_from(">i", answer, 8 + max(message, 0))[0] > 0) == are_there

        wait_for("the broker to know of a right", is_known, 30)

    def ask(self, request, body):
        """librdkafka 2.0.2 knows no rights of transactional ids, and Kafka's own tools take seconds a call. All requests
        are of version 1."""
        message = struct.pack(">hhi", request, 1, 1) + text("secured") + body
        with socket.create_connection(("127.0.0.1", self.ports["OPEN"]), timeout=20) as connection:
            connection.sendall(struct.pack(">i", len(message)) + message)
            file = connection.makefile("rb")
            return file.read(struct.unpack(">i", file.read(4))[0])[4:]


def text(value):
    """A string of Kafka's protocol; None: null."""
    return struct.pack(">h", -1) if value is None else struct.pack(">h", len(value)) + value.encode()


def free_ports(wanted):
    held = []
    port = 20000 + os.getpid() * 7 % 11000
    while len(held) < wanted:
        port += 1
        one = socket.socket()
        try:
            one.bind(("127.0.0.1", port))
            held.append(one)
        except OSError:
            one.close()
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


_secured = []


def secured():
    """The one of this script; another, where a test has stopped it."""
    if not _secured or _secured[0].process.poll() is not None:
        _secured[:] = [Secured()]
    return _secured[0]
