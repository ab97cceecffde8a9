#!/usr/bin/env python3
"""secret_files.py [TEST...] - passwords, tokens and secrets in files: what is wrong with one is told, a renewed one is taken, and
none is ever told to anybody."""

import base64
import contextlib
import hashlib
import hmac
import json
import multiprocessing
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request

from alerting import POLICY as ALERTING
from alerting import Alerter, Alertmanager, Receiver, require_signed
from alerting import created as created_at
from commands import attempt, created
from guard import USER, Guard
from secured import PASSWORD as KAFKA_PASSWORD
from secured import Certificates, secured
from sentinel import InTheClear, Server
from world import BINARY, REDIS_URL, SKIPPED, Redis, World, free_port, get, main, now_ms, policy_of, require
from world import require_equal, say, wait_for

MINUTE = 60000
REDIS_SECRET, REGISTRY_SECRET, KEY_SECRET, SENTINEL_SECRET = (f"s3cr3t-of-{what}" for what in ("redis", "registry", "key", "sentinel"))
HOOK_SECRET, MANAGER_SECRET, VIEWER_SECRET = (f"s3cr3t-of-the-{what}-itself" for what in ("webhook", "manager", "viewer"))
TOKEN, SIGNER_SECRET = "s3cr3t-of-a-sender-that-says-it", "s3cr3t-of-a-sender-that-signs"
WRONG = "s3cr3t-wrong"


def write(world, name, text, mode=0o600):
    path = os.path.join(world.folder, "secrets", name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path + ".new", mode)
    os.rename(path + ".new", path)  # as a mounted secret is renewed
    return path


def files():
    """What is wrong with a file is told with its path and what to do; `check` looks at all, or at those of a command."""
    world = World("secret-files", policy_of("card/feed"))

    def check(code, words, *options):
        found, out, err = attempt(world, "check", *options)
        require(found == code and words in out + err, f"{options}: {found}, and no {words!r}: {out}{err}")
        require(code == 2 or "configuration ok" in out, f"{options}: it does not say that all is well: {out}{err}")
        require(code != 2 or "configuration ok" not in out, f"{options}: it says that all is well: {out}{err}")
        require("s3cr3t" not in out + err, f"it tells the secret: {out}{err}")

    def named(path, key="redis.password_file"):
        return "--set", f"{key}={path}"

    good = write(world, "good", "s3cr3t-0123456789abcdef\n")
    for path, words in (
        ("/nowhere/password", "redis.password_file: /nowhere/password: No such file or directory; mount the secret there"),
        (world.folder, "is a folder; name the file in it that holds the secret"),
        (write(world, "empty", ""), "empty: is empty; write the secret into it"),
        (write(world, "line", "\n"), "line: is empty; write the secret into it"),
        (write(world, "large", "s3cr3t-" * 1000), "large: has more than 4096 bytes; name the file that holds the secret"),
        (write(world, "lines", "s3cr3t-1\ns3cr3t-2\n"), "lines: has more than one line, or a byte that is 0; write"),
        ("/dev/null", "/dev/null: is no file; it is read again later, so it must be one"),
    ):  # fmt: skip
        check(2, words, *named(path))
        code, _, said = attempt(world, "verify", *named(path))
        require(code == 2 and words in said, f"verify ended with {code}: {said}")
    check(2, "ingest.tokens.crm: what", *named(write(world, "short", "s3cr3t-\n"), "ingest.token_files.crm"))
    check(2, "redis.password and redis.password_file are both given", *named(good), *named("s3cr3t-x", "redis.password"))
    check(2, "needs who has it; set kafka.properties.sasl.username too", *named(good, "kafka.password_file"))
    check(2, "dashboard.user_files.ann and dashboard.users.ann are both given", *named(good, "dashboard.user_files.ann"),
          *named("s3cr3t-0123456789", "dashboard.users.ann"))  # fmt: skip
    hooks = write(world, "hooks.yaml", "alert: {webhooks: [{url: 'http://127.0.0.1:1', secret_file: hook}]}\n")
    hook = write(world, "hook", "whsec_!!s3cr3t\n")
    for options in (("--for", "alert"), ()):
        check(2, f"alert.webhooks.secret_file: what {hook} holds begins with whsec_", *options, "--config", hooks)
    code, _, said = attempt(world, "alert", "--config", hooks, *named("", "alert.listen"))
    require(code == 2 and f"alert.webhooks.secret_file: what {hook} holds begins with whsec_" in said, f"{code}: {said}")
    check(2, "registry.password_file needs who has it; set registry.user too", *named(good, "registry.password_file"))
    check(0, "configuration ok", *named(good), *named(good, "ingest.token_files.crm"))
    for command, key in (("ingest", "ingest.token_files.crm"), ("dashboard", "dashboard.user_files.ann")):
        beyond = ("--for", command, *named("*:1", f"{command}.listen"))
        check(2, f'{command}.listen: "*:1" can be reached from elsewhere, and anybody could', *beyond)
        check(0, "configuration ok", *beyond, *named(good, key))
        check(0, "configuration ok", "--for", "run", *named("*:1", f"{command}.listen"))
    check(0, "configuration ok", "--for", "run", *named("/nowhere", "ingest.token_files.crm"))
    check(2, "--for store: no command that has secrets; run, ingest", "--for", "store", *named(good))
    public = write(world, "public", "s3cr3t-0123456789abcdef\n", 0o644)
    check(1, f"everybody on this machine may read {public}: chmod o-r", "--strict", *named(public))
    for words, options in (
        (f"redis.password_file: everybody on this machine may read {public}", named(public)),
        ("--set redis.password: everybody on this machine may see it (ps)", named("s3cr3t-x", "redis.password")),
        ("--set kafka.properties.sasl.password: everybody", named("s3cr3t-x", "kafka.properties.sasl.password")),
        ("--set ingest.tokens.crm: everybody", named("s3cr3t-0123456789", "ingest.tokens.crm")),
        ("--set redis.url: everybody", named("redis://:s3cr3t-x@127.0.0.1:1", "redis.url")),
    ):  # fmt: skip
        said = attempt(world, "topics", *options)[2]
        require(words in said and "s3cr3t" not in said, f"it does not say {words!r}, or too much: {said}")
    contradiction = named("SASL_PLAINTEXT", "kafka.properties.security.protocol") + named("PLAIN", "kafka.properties.sasl.mechanisms")
    code, _, said = attempt(world, "topics", *contradiction)
    require(code == 2 and "sasl.username and sasl.password must be set" in said, f"it ended with {code}: {said}")
    require("may see it" not in attempt(world, "topics", *named(good))[2], "it warns of a path")
    rights_script(world)
    world.close()


def rights_script(world):
    """What `topics --acls` prints ends where Redis refuses, and has no line that nobody meant; what contradicts is refused."""
    script = attempt(world, "topics", "--acls", "service", "--set", "redis.url=redis+sentinel://127.0.0.1:1/master")[1]
    for words in ("{REDIS_CLI:-redis-cli -e}", "{SENTINEL_CLI:-redis-cli -e -p 26379}", "REDIS_CLI, and SENTINEL_CLI,\n"):
        require(words in script, f"no {words!r} in {script}")
    nothing = "# Nothing: this configuration gives it nothing to do.\n"
    for table, has_nothing in (("cycles", False), ("[]", True)):
        script = attempt(world, "topics", "--acls", "dashboard", "--set", f"tables.publish={table}")[1]
        require((nothing in script) == has_nothing == ("--add" not in script), f"with {table}: {script}")
    for words, options in (
        ("--redis-user must be a name without spaces", ("--acls", "service", "--redis-user", "a\nid")),
        ("--redis-user must be a name without spaces", ("--acls", "service", "--redis-user", "")),
        ("--principal must be TYPE:NAME", ("--acls", "service", "--principal", "User:a\nid")),
        ("--acls, --asyncapi, and --create or --lag: one of them", ("--acls", "--asyncapi")),
        ("--acls, --asyncapi, and --create or --lag: one of them", ("--asyncapi", "--create")),
        ("--acls, --asyncapi, and --create or --lag: one of them", ("--acls", "--lag")),
    ):  # fmt: skip
        code, out, said = attempt(world, "topics", *options)
        require(code == 2 and words in said and out == "", f"{options}: {code}: {out}{said}")


class Place:
    """Kafka, Redis, its sentinel and the registry each want a password, and so does our key; they are in files, or in the
    environment."""

    def __init__(self, test, is_by_file=True):
        self.is_by_file, self.secrets = is_by_file, {}
        self.kafka = secured()
        self.world = World(test, policy_of("card/feed"))
        self.certificates = Certificates(self.world.folder)
        self.guard = Guard(self.certificates.path("broker.store"), login=(USER, REGISTRY_SECRET))
        self.redis = Redis()
        port = urllib.parse.urlparse(REDIS_URL).port
        self.sentinel = Server(self.world.folder, InTheClear(""), f"sentinel monitor leads 127.0.0.1 {port} 1",
                               f"requirepass {SENTINEL_SECRET}", is_sentinel=True, password=SENTINEL_SECRET)  # fmt: skip
        self.user = f"user-{self.world.name}"
        self.set_redis_password(REDIS_SECRET)
        for operation in ("READ", "WRITE", "CREATE", "DESCRIBE_CONFIGS", "DELETE"):
            self.kafka.may(operation, "TOPIC", self.world.prefix, "PREFIXED")
        for kind in ("GROUP", "TRANSACTIONAL_ID"):
            for operation in ("READ", "DESCRIBE", "DELETE") if kind == "GROUP" else ("WRITE", "DESCRIBE"):
                self.kafka.may(operation, kind, self.world.name, "PREFIXED")
        key, certificates = os.path.join(self.world.folder, "locked.key"), self.kafka.certificates
        certificates.run("pkey", "-in", certificates.path("leadclock.key"), "-aes256", "-passout", f"pass:{KEY_SECRET}", "-out", key)
        properties = {"security.protocol": "SASL_SSL", "sasl.mechanisms": "PLAIN", "sasl.username": "leadclock",
                      "ssl.ca.location": certificates.root, "ssl.certificate.location": certificates.client,
                      "ssl.key.location": key}  # fmt: skip
        names = ("password_file", "key_password_file") if is_by_file else ("sasl.password", "ssl.key.password")
        kafka = self.gives(names[0], "kafka", KAFKA_PASSWORD) | self.gives(names[1], "key", KEY_SECRET)
        if not is_by_file:
            properties, kafka = properties | kafka, {}
        self.world.write_config(
            {
                "brokers": self.kafka.at("SAFE") + "".join(f"\n  {name}: {value}" for name, value in kafka.items()),
                "properties": json.dumps(properties),
                "registry": json.dumps({"url": self.guard.url, "user": USER, "ca": self.certificates.root}
                                       | self.gives("password", "registry", REGISTRY_SECRET)),
                "redis": json.dumps({"url": f"redis+sentinel://127.0.0.1:{self.sentinel.port}/leads", "user": self.user}
                                    | self.gives("password", "redis", REDIS_SECRET)
                                    | self.gives("sentinel_password", "sentinel", SENTINEL_SECRET)),
            }
        )  # fmt: skip
        # The tests' own eyes need no password.
        self.world.create_topics()

    def gives(self, key, name, secret):
        """What the configuration says of one."""
        self.secrets[name] = secret
        self.set(name, secret)
        if not self.is_by_file:
            return {key: f"${{{self.variable(name)}}}"}
        return {key if key.endswith("_file") else key + "_file": f"secrets/{name}"}

    def gives_of(self, whose, key, name, secret):
        """The same of what several may have."""
        return {one + "s": {whose: value} for one, value in self.gives(key, name, secret).items()}

    @staticmethod
    def variable(name):
        return f"LC_SECRET_OF_{name.upper()}"

    def path(self, name):
        return os.path.join(self.world.folder, "secrets", name)

    def set(self, name, secret):
        if self.is_by_file:
            write(self.world, name, secret + ("\r\n" if name == "registry" else "\n"))
        else:
            os.environ[self.variable(name)] = secret

    def set_right(self, name):
        self.set(name, self.secrets[name])

    def set_redis_password(self, password):
        self.redis.command("ACL", "SETUSER", self.user, "reset", "on", f">{password}", f"~{self.world.name}*", "+@all")

    def start(self, *settings):
        self.port = free_port()
        service = self.world.start("a", f"http.listen=127.0.0.1:{self.port}", *settings)
        return service

    def says(self, words):
        return wait_for(f"/readyz to say {words!r}", lambda: words in get(self.port, "/readyz")[1], 60)

    def is_ready(self):
        wait_for("readiness", lambda: get(self.port, "/readyz") == (200, "ok\n"), 60)

    def close(self):
        self.world.close()
        self.guard.close()
        self.sentinel.kill()
        self.redis.command("ACL", "DELUSER", self.user)


def renewed():
    """A password that is wrong, or renewed at the other end, is waited for where it is in a file, and taken from there."""
    place = Place("secret-renewed")
    world = place.world
    try:
        write(world, "kafka", "s3cr3t-wrong")
        service = place.start()
        place.says("Invalid username or password")
        write(world, "kafka", KAFKA_PASSWORD)
        place.is_ready()
        require("kafka.password_file: a new password was read" in service.read_log(), service.read_log())
        place.set_redis_password("s3cr3t-renewed")
        place.redis.command("CLIENT", "KILL", "USER", place.user)
        world.publish([created("one")])  # it needs Redis again
        place.says("the password is that of")
        write(world, "redis", "s3cr3t-renewed")
        place.is_ready()
        os.remove(place.path("redis"))
        place.redis.command("CLIENT", "KILL", "USER", place.user)
        world.publish([created("two")])
        place.says("redis: No such file or directory; mount the secret there")
        write(world, "redis", "s3cr3t-renewed\n")
        place.is_ready()
        service.stop()
        world.services.clear()
        place.guard.login = (USER, "s3cr3t-renewed")
        service = place.start()
        place.says("does not let us in (HTTP 401)")
        write(world, "registry", "s3cr3t-renewed")
        place.is_ready()
        service.stop()
        world.services.clear()
        require("s3cr3t" not in service.read_log(), "its log has a secret")
    finally:
        place.close()


def renewed_on_hangup():
    """What Kafka's file holds when SIGHUP comes is what `run` and `ingest` come in by later, though it is away by then."""
    place = Place("secret-hangup")
    world, password, port = place.world, "s3cr3t-renewed-of-kafka", free_port()
    fact = json.dumps(created("later")).encode()
    log_path = os.path.join(world.folder, "ingest.log")
    with open(log_path, "wb") as log:
        ingest = subprocess.Popen([BINARY, "ingest", "--config", world.config, "--set", f"ingest.listen=127.0.0.1:{port}"],
                                  stdout=log, stderr=log)  # fmt: skip

    def read_ingest():
        with open(log_path, encoding="utf-8") as file:
            return file.read()

    try:
        service = place.start()
        place.is_ready()
        wait_for("ingest to be ready", lambda: get(port, "/readyz")[0] == 200, 60)
        write(world, "kafka", password)
        taken = "kafka.password_file: a new password was read"
        for process, read_log in ((service.process, service.read_log), (ingest, read_ingest)):
            require(taken not in read_log(), "it was read before SIGHUP, so this proves nothing")
            process.send_signal(signal.SIGHUP)
            # No later: a connection that fails has the file read, too, some seconds after the signal.
            wait_for("the new one to be read", lambda read=read_log: taken in read(), 3)
        os.remove(place.path("kafka"))
        place.kafka.restart(password)
        wait_for("ingest to come in", lambda: status_of(port, "/facts", "", fact) == 202, 90)
        wait_for("the service to come in", lambda: "later" in world.stored_leads(Redis())[0], 90)
        place.is_ready()
        service.stop()
        world.services.clear()
        ingest.terminate()
        require(ingest.wait(60) == 0, f"ingest ended with {ingest.returncode}")
        require("s3cr3t" not in service.read_log() + read_ingest(), "a log has a secret")
    finally:
        ingest.kill()
        place.kafka.stop()  # the next test gets one with the password that all know
        place.close()


def renewed_for_alert():
    """`alert` signs by what a webhook's file holds at each call, and comes in at Alertmanager by what its file holds; while one
    is away, it signs by what was there, and comes in by nothing."""
    world = World("secret-alert", ALERTING)
    keys = ("s3cr3t-of-the-first-webhook", "whsec_" + base64.b64encode(b"s3cr3t-of-the-second-webhook").decode())
    receiver, manager = Receiver(world), Alertmanager(world, login=("ann", "s3cr3t-of-the-first-manager"))
    alerter = Alerter(world)
    write(world, "hook", keys[0])
    write(world, "manager", manager.login[1] + "\n")
    with open(world.config, "a", encoding="utf-8") as file:
        file.write(f"""alert:
  timeout: 1s
  alertmanager: {{urls: ["{manager.url()}"], user: ann, password_file: secrets/manager, every: 1s}}
  webhooks: [{{url: "{receiver.url()}", secret_file: secrets/hook, events: [SlaBreached], max_age: 3650d}}]
""")
    signed_by = {}

    def breaks(lead, key):
        signed_by[lead] = key
        world.publish([created_at(lead, now_ms() - 20 * MINUTE, owner=lead)])
        wait_for(f"the webhook to be called for {lead}", lambda: len(receiver.taken()) == len(signed_by), 60)

    def are_told(*leads):
        wait_for(f"alerts for {leads}", lambda: sum((manager.active() or {}).values()) == len(leads), 60)

    try:
        world.create_topics()
        for program in (receiver, manager, alerter):
            program.start()
        world.start("a")
        breaks("one", keys[0])
        are_told("one")
        write(world, "hook", keys[1])
        breaks("two", keys[1])
        os.remove(os.path.join(world.folder, "secrets", "hook"))
        breaks("three", keys[1])
        require("the secret from before is kept" in alerter.read_log(), "that a file is away is not said")
        write(world, "hook", keys[0])
        manager.let_in(("ann", "s3cr3t-of-the-second-manager"))
        wait_for("it to be refused", lambda: "answers HTTP 401" in alerter.get("/readyz")[1], 30)
        os.remove(os.path.join(world.folder, "secrets", "manager"))
        wait_for("it to miss the file", lambda: "manager: No such file or directory" in alerter.get("/readyz")[1], 30)
        breaks("four", keys[0])
        write(world, "manager", manager.login[1])
        wait_for("it to come in", alerter.is_ready, 30)
        are_told(*signed_by)
        for taken in receiver.taken():
            require_signed(taken, signed_by.pop(json.loads(taken["body"])["data"]["lead_id"]))
        require_equal("calls", signed_by, {})
        alerter.stop()
        require("s3cr3t" not in alerter.read_log(), "its log has a secret")
    finally:
        for program in (receiver, manager, alerter):
            program.close()
        world.close()


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


# As they are, and as logins by HTTP carry them.
LOGINS = [(USER, REGISTRY_SECRET), (USER, WRONG), ("ann", MANAGER_SECRET), ("ann", VIEWER_SECRET), ("ann", "s3cr3t-of-nobody")]
SECRETS = [KAFKA_PASSWORD, "s3cr3t-", *(basic(*login).removeprefix("Basic ") for login in LOGINS)]


def ask(port, path, authorization, body=None, **headers):
    """(status, text); status 0: nothing."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=body)
    request.add_header("Authorization", authorization)
    request.add_header("Content-Type", "application/json")
    for name, value in headers.items():
        request.add_header(name.replace("_", "-"), value)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


def status_of(*request):
    return ask(*request)[0]


def doors():
    """Tokens and passwords in files, renewed on SIGHUP; a file that is none then changes nothing."""
    world = World("secret-doors", policy_of("card/feed"))
    fact = json.dumps(created("lead")).encode()

    def is_let_in(port, command, secret):
        if command == "ingest":
            return status_of(port, "/facts", f"Bearer {secret}", fact) == 202
        return status_of(port, "/", basic("ann", secret)) == 200

    try:
        world.create_topics()
        for command, key in (("ingest", "ingest.token_files.crm"), ("dashboard", "dashboard.user_files.ann")):
            first, second = f"s3cr3t-0123456789-{command}", f"s3cr3t-9876543210-{command}"
            path, port = write(world, command, first + "\n"), free_port()
            log_path = os.path.join(world.folder, f"{command}.log")
            with open(log_path, "wb") as log:
                process = subprocess.Popen(
                    [BINARY, command, "--config", world.config, "--set", f"{command}.listen=0.0.0.0:{port}", "--set",
                     f"{key}={path}"], stdout=log, stderr=log,
                )  # fmt: skip
            try:
                wait_for(f"{command} to let us in", lambda: is_let_in(port, command, first), 60)
                require(not is_let_in(port, command, second), f"{command} lets in whom it does not know")
                write(world, command, "short")
                process.send_signal(signal.SIGHUP)
                wait_for("it to refuse that", lambda: b"the secrets from before are kept" in open(log_path, "rb").read(), 20)
                require(is_let_in(port, command, first), f"{command} forgot what it knew")
                write(world, command, second)
                process.send_signal(signal.SIGHUP)
                wait_for(f"{command} to let in the other", lambda: is_let_in(port, command, second), 20)
                require(not is_let_in(port, command, first), f"{command} lets in who was known before")
            finally:
                process.terminate()
            require(process.wait(60) == 0, f"{command} ended with {process.returncode}")
            require("s3cr3t" not in open(log_path, encoding="utf-8").read(), f"{command}'s log has a secret")
    finally:
        world.close()


def seen_by_ps(process):
    """Its command line, and the names of its threads."""
    said = subprocess.run(["ps", "-L", "-ww", "-o", "args=,comm=", "-p", str(process.pid)], capture_output=True, text=True,
                          check=True).stdout  # fmt: skip
    require("leadclock" in said, f"ps does not see {process.pid}: {said}")
    return said


def commands_that_end(place, run):
    """Each; then, with one secret after the other that is wrong, the first of these fails."""
    read = (("check",), ("check", "--explain"), ("topics", "--lag"), ("topics", "--acls"), ("topics", "--asyncapi"), ("publish", "-"),
            ("watch", "--from-beginning", "--until-caught-up"), ("inspect", "one"), ("report",), ("worklist",), ("verify",),
            ("tables",))  # fmt: skip
    for command in read:
        require(run(*command) in (0, 1), f"{command} fails")
    for wrong, commands in (("kafka", (("publish", "-"), ("watch",), ("topics",), ("report",), ("reset", "--yes"))),
                            ("key", (("publish", "-"), ("check",))),
                            ("registry", (("publish", "-"), ("worklist",), ("inspect", "one"))),
                            ("redis", (("verify",), ("inspect", "one"))),
                            ("sentinel", (("verify",), ("inspect", "one")))):  # fmt: skip
        place.set(wrong, WRONG)
        codes = [run(*command) for command in commands]
        require(codes[0] in (2, 3), f"{commands[0]} ended with {codes[0]}, though the secret of {wrong} is wrong")
        place.set_right(wrong)


def as_loud_programs(world, service, loud):
    """(process, port) of each that stays: at its port it says how it is."""
    programs = [(service.process, int(service.settings[0].rpartition(":")[2]))]
    for command in ("ingest", "alert", "dashboard"):
        port = free_port()
        options = [word for one in (*loud, f"{command}.listen=127.0.0.1:{port}") for word in ("--set", one)]
        with open(os.path.join(world.folder, f"{command}.log"), "wb") as log:
            process = subprocess.Popen([BINARY, command, "--config", world.config, *options], stdout=log, stderr=log)
        programs.append((process, port))
        wait_for(f"{command} to be ready", lambda port=port: get(port, "/livez")[0] == 200, 60)
    return programs


def senders_and_viewers(ingest, dashboard):
    """Who knows a secret comes in, and is told none; nor is who does not."""
    fact = json.dumps(created("one")).encode()
    said = []

    def expect(code, *request, **headers):
        wait_for(f"{code} of {request[1]}", lambda: said.append(ask(*request, **headers)) or said[-1][0] == code, 60)

    def signed(secret):
        return {"X_Hub_Signature_256": "sha256=" + hmac.new(secret.encode(), fact, hashlib.sha256).hexdigest()}

    expect(202, ingest, "/facts", f"Bearer {TOKEN}", fact)
    expect(401, ingest, "/facts", "Bearer s3cr3t-of-nobody-at-all", fact)
    expect(202, ingest, "/facts", "", fact, **signed(SIGNER_SECRET))
    expect(401, ingest, "/facts", "", fact, **signed("s3cr3t-of-nobody-at-all"))
    for path in ("/", "/service", "/leads", "/api/promises"):
        expect(200, dashboard, path, basic("ann", VIEWER_SECRET))
    expect(401, dashboard, "/", basic("ann", "s3cr3t-of-nobody"))
    return [text for _, text in said]


def leaves_no_secret(test, is_by_file):
    place = Place(test, is_by_file)
    world, said = place.world, []
    receiver = Receiver(world)
    hook = {"url": f"http://127.0.0.1:{receiver.port}/hook?token=s3cr3t-in-the-url", "max_age": "3650d"}
    manager = {"urls": ["http://127.0.0.1:1"], "user": "ann"}
    more = {
        "alert": {"alertmanager": manager | place.gives("password", "manager", MANAGER_SECRET),
                  "webhooks": [hook | place.gives("secret", "hook", HOOK_SECRET)]},
        "ingest": place.gives_of("ann", "token", "token", TOKEN) | place.gives_of("eve", "secret", "signer", SIGNER_SECRET),
        "dashboard": place.gives_of("ann", "user", "viewer", VIEWER_SECRET),
    }  # fmt: skip
    with open(world.config, "a", encoding="utf-8") as file:
        file.write("".join(f"{key}: {json.dumps(value)}\n" for key, value in more.items()))
    loud = ("log.level=debug", "kafka.properties.debug=all")

    def run(*command):
        code, out, err = attempt(world, *command, *[word for one in loud for word in ("--set", one)],
                                 stdin=json.dumps(created("one")).encode() + b"\n")  # fmt: skip
        said.append(out + err)
        require_none(out + err, f"what {command} says")
        return code

    programs = []
    try:
        receiver.start()
        commands_that_end(place, run)
        service = place.start(*loud)
        programs += as_loud_programs(world, service, loud)
        place.is_ready()
        said += senders_and_viewers(programs[1][1], programs[3][1])
        wait_for("the webhook to be called", receiver.taken, 60)
        require(run("inspect", "one") == 0, "there is no lead")
        for process, port in programs:
            status, figures = get(port, "/metrics")
            require(status == 200 and "leadclock_build_info" in figures, f"{process.args[1]} has no /metrics: {status}")
            said += [figures, get(port, "/readyz")[1], seen_by_ps(process)]
        for process, _ in programs[1:]:
            process.terminate()
            require(process.wait(60) == 0, f"{process.args[1]} ended with {process.returncode}")
        service.stop()
        world.services.clear()
        for command in (("rebuild",), ("tables", "--fill"), ("reset", "--yes")):
            require(run(*command) == 0, f"{command} fails: {said[-1][-1500:]}")
        require_none("".join(said), "what was said")
        require_none_in_files(world)
    finally:
        for process, _ in programs:
            process.kill()
        receiver.close()
        place.close()


def require_none_in_files(world):
    """But in those that hold them: of the configuration, of the servers and of who is called."""
    for folder, _, names in os.walk(world.folder):
        for name in names:
            path = os.path.join(folder, name)
            if not folder.endswith("/secrets") and path != world.config and not name.startswith(("receiver", "redis.conf")):
                with open(path, encoding="utf-8", errors="replace") as file:
                    require_none(file.read(), path)


def nowhere():
    """Whatever a run leaves, none of its secrets is in it, right or wrong: logs of all levels, messages of all commands,
    /metrics and pages, what ps tells. All are in files. Core files: no_core and core_file."""
    leaves_no_secret("secret-nowhere", True)


def nowhere_by_name():
    """The same of secrets that are in the environment, and that the configuration names."""
    leaves_no_secret("secret-by-name", False)


def no_core():
    """The kernel writes no core file of a process that has secrets, unless LEADCLOCK_CORE says so: then what is of it in
    /proc belongs to root."""
    if os.geteuid() != 0:
        say("skipped: only root can start it as somebody else")
        raise SystemExit(SKIPPED)
    world = World("secret-no-core", policy_of("card/feed"))
    nobody = 65534

    def require_owner(owner, environment, is_there, *command):
        process = subprocess.Popen([BINARY, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, user=nobody,
                                   env=os.environ | environment, cwd="/")  # fmt: skip
        try:
            wait_for("it to be there", lambda: is_there(process), 60)
            found = os.stat(f"/proc/{process.pid}/environ").st_uid
            require(found == owner, f"{command} with {environment}: its memory is for {found}, not {owner}")
        finally:
            process.terminate()
            process.wait(60)

    ends = []

    def reads(_):
        """It has opened the configuration, which is a pipe that nobody writes to."""
        try:
            ends.append(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
        except OSError:
            return False
        return True

    pipe = f"/tmp/{world.name}-pipe"
    os.mkfifo(pipe, 0o644)
    try:
        for environment, owner in ({}, 0), ({"LEADCLOCK_CORE": "1"}, nobody):
            port = free_port()
            require_owner(owner, environment, lambda _, port=port: get(port, "/livez")[0] == 200, "ingest", "--set",
                          f"ingest.listen=127.0.0.1:{port}", "--set", "kafka.brokers=127.0.0.1:1")  # fmt: skip
            require_owner(owner, environment, reads, "check", "--config", pipe)
    finally:
        for end in ends:
            os.close(end)
        os.remove(pipe)
        world.close()


def ends_with_core(folder, command, environment, is_there):
    """Whether the kernel writes a core file of what is ended by a signal that has one; what is in the folder then."""
    os.makedirs(folder)

    def allow():
        resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder, preexec_fn=allow,
                               env=os.environ | {"ASAN_OPTIONS": "disable_coredump=0"} | environment)  # fmt: skip
    try:
        wait_for(f"{command[0]} to be there", is_there, 60)
    except BaseException:
        process.kill()
        raise
    process.send_signal(signal.SIGQUIT)
    status = os.waitpid(process.pid, 0)[1]
    require(os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGQUIT, f"it ended with {status}")
    found = b""
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), "rb") as file:
            found += file.read()
    return os.WCOREDUMP(status), found


def search(process, secret):
    """Whether it is in the memory of a process, as a core file would have it."""
    found = False
    try:
        with open(f"/proc/{process}/maps", encoding="utf-8") as maps, open(f"/proc/{process}/mem", "rb", 0) as memory:
            for line in maps:
                place, rights, *_ = line.split()
                begin, end = (int(text, 16) for text in place.split("-"))
                if not rights.startswith("rw") or end - begin > 1 << 30:
                    continue  # not the shadow of the sanitizers
                with contextlib.suppress(OSError):
                    memory.seek(begin)
                    found = found or secret.encode() in memory.read(end - begin)
    except PermissionError:
        return "denied"
    return "found" if found else "missing"


def start_and_search(pipe, other_end, command, secret, environment):
    """As a user who is not root, who may look into what he has started if anybody may."""
    other_end.close()
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ | environment, cwd="/")
    try:
        pipe.recv()
        pipe.send(search(process.pid, secret))
    finally:
        process.kill()
        process.wait()


def look_into(command, secret, environment, is_there):
    """What its own user finds in a program's memory: found, missing, denied."""
    forks = multiprocessing.get_context("fork")
    ours, theirs = forks.Pipe()
    looker = forks.Process(target=start_and_search, args=(theirs, ours, command, secret, environment))
    looker.start()
    theirs.close()
    try:
        wait_for(f"{command[0]} to be there", is_there, 60)
        ours.send("look")
        require(ours.poll(60), "nobody says what is in its memory")
        return ours.recv()
    finally:
        ours.close()  # where it waits still, it ends
        looker.join()


def memory_is_shut(command, secret, is_there):
    """False: on this machine nobody may look into any other's memory, which proves nothing."""
    shut = look_into(command, secret, {}, is_there)
    require(shut == "denied", f"its user looks into the memory of a process with secrets: {shut}")
    opened = look_into(command, secret, {"LEADCLOCK_CORE": "1"}, is_there)
    require(opened != "missing", "whoever looks for the secret in its memory does not find it")
    return opened == "found"


def core_is_shut(folder, command, secret, is_there):
    """False: the kernel of this machine writes no core file of anything, which proves nothing."""
    has_core, found = ends_with_core(os.path.join(folder, "shut"), command, {}, is_there)
    require(not has_core and secret.encode() not in found, "it leaves a core file")
    if not ends_with_core(os.path.join(folder, "other"), ["sleep", "60"], {}, lambda: True)[0]:
        return False
    has_core, found = ends_with_core(os.path.join(folder, "open"), command, {"LEADCLOCK_CORE": "1"}, is_there)
    require(has_core, "it leaves no core file although LEADCLOCK_CORE says so")
    require(not found or secret.encode() in found, "whoever looks for the secret in a core file does not find it")
    return True


def core_file():
    """A process that has secrets leaves no core file, where another does, nor may its user look into its memory; with
    LEADCLOCK_CORE both go, and the secrets are there."""
    folder, port, secret = tempfile.mkdtemp(prefix="leadclock-core-"), free_port(), "s3cr3t-0123456789-core"
    path = os.path.join(folder, "token")
    with open(path, "w", encoding="utf-8") as file:
        file.write(secret)
    if os.geteuid() == 0:
        os.chown(path, 65534, 65534)
        os.chmod(folder, 0o711)
    os.chmod(path, 0o600)
    command = [BINARY, "ingest", "--set", f"ingest.listen=127.0.0.1:{port}", "--set", "kafka.brokers=127.0.0.1:1", "--set",
               f"ingest.token_files.crm={path}"]  # fmt: skip

    def lives():
        return get(port, "/livez")[0] == 200

    try:
        proofs = {"core files": core_is_shut(folder, command, secret, lives), "memory": memory_is_shut(command, secret, lives)}
        for what, is_proven in proofs.items():
            say(f"{what}: " + ("without secrets, unless LEADCLOCK_CORE says so" if is_proven else "this machine shows none of anything"))
        if not any(proofs.values()):
            say("skipped: nothing was proven")
            raise SystemExit(SKIPPED)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def require_none(text, where):
    for secret in SECRETS:
        at = text.find(secret)
        require(at < 0, f"{where} has a secret: {text[max(at - 200, 0):at + 100]}")


TESTS = {
    test.__name__: test
    for test in (files, renewed, renewed_on_hangup, renewed_for_alert, doors, nowhere, nowhere_by_name, no_core, core_file)
}

if __name__ == "__main__":
    sys.exit(main(TESTS))
