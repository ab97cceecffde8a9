#!/usr/bin/env python3
"""sentinel.py [TEST...] - Redis under three sentinels, with passwords: masters die, hang, come back as replicas, and are
replaced by replicas that lack their last writes, while facts flow. What comes out is what the backtest says. All of it by
TLS, with certificates of both sides, where this leadclock can."""

import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
from urllib.parse import quote

from flowing import Flow
from secured import Certificates
from timing import Watched, preloaded
from world import BINARY, Failure, Redis, World, can, free_port, get, load_feed, main, multiply, policy_of, require, slices
from world import wait_for

PASSWORD, SENTINEL_PASSWORD = "of the data", "of the sentinels"
MASTER = "leads"


class InTheClear:
    """How all speak to each other: servers among themselves, leadclock (`settings`), redis-cli, and we."""

    scheme, settings, cli, context = "redis", "", (), None
    refused = {}  # settings instead of these, and what is said of them

    def __init__(self, folder):
        """Nothing is needed of `folder`."""

    def lines(self, port):
        return [f"port {port}"]


class ByTls:
    """The same, and who shows no certificate is not let in anywhere."""

    scheme = "rediss"

    def __init__(self, folder):
        made = Certificates(folder)
        ours, key, self.servers, self.ca = made.client, made.path("leadclock.key"), made.path("broker.store"), made.root
        self.settings = f", ca: {self.ca}, certificate: {ours}, key: {key}"
        self.refused = {f", ca: {self.ca}": "set redis.certificate and redis.key",
                        f", ca: {made.stranger}, certificate: {ours}, key: {key}": "name the CA that signed it in redis.ca"}  # fmt: skip
        self.cli = ("--tls", "--cacert", self.ca, "--cert", ours, "--key", key)
        self.context = ssl.create_default_context(cafile=self.ca)
        self.context.load_cert_chain(ours, key)

    def lines(self, port):
        return ["port 0", f"tls-port {port}", f"tls-cert-file {self.servers}", f"tls-key-file {self.servers}",
                f"tls-ca-cert-file {self.ca}", "tls-auth-clients yes", "tls-replication yes", "tls-cluster yes"]  # fmt: skip


def way_to_speak(folder):
    return ByTls(folder) if can("redis-tls") else InTheClear(folder)


class Server:
    """A redis-server, or a sentinel, with a configuration file that it may rewrite."""

    def __init__(self, folder, way, *lines, is_sentinel=False, password=None):
        self.port, self.password = free_port(), password or (SENTINEL_PASSWORD if is_sentinel else PASSWORD)
        self.way = way
        self.folder = tempfile.mkdtemp(dir=folder)
        self.file = os.path.join(self.folder, "redis.conf")
        self.options = ["--sentinel"] if is_sentinel else []
        with open(self.file, "w", encoding="utf-8") as file:
            file.write("\n".join([*way.lines(self.port), "bind 127.0.0.1", f"dir {self.folder}", "logfile log", *lines, ""]))
        self.start()

    def start(self):
        self.process = subprocess.Popen(["redis-server", self.file, *self.options], stdout=subprocess.DEVNULL)
        wait_for("Redis", lambda: self.answers(), 20)

    def answers(self):
        try:
            return self.command("PING") == "PONG"
        except (OSError, Failure):
            return False

    def command(self, *words):
        return self.connect().command(*words)

    def connect(self):
        return Redis(f"redis://:{quote(self.password)}@127.0.0.1:{self.port}", self.way.context)

    def keep_on_disk(self):
        """From now on what it has outlives it."""
        self.command("CONFIG", "SET", "appendonly", "yes")
        self.command("CONFIG", "SET", "appendfsync", "always")
        self.command("CONFIG", "REWRITE")
        wait_for("all is on disk", lambda: b"aof_rewrite_in_progress:0" in self.command("INFO", "persistence"), 20)

    def was_loaded(self):
        with open(os.path.join(self.folder, "log"), encoding="utf-8", errors="replace") as log:
            return "DB loaded from append only file" in log.read().rpartition("oO0OoO0OoO0Oo")[2]

    def hang(self):
        self.process.send_signal(signal.SIGSTOP)
        wait_for("it hangs", self.is_stopped, 10)

    def is_stopped(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[0] in "TZ"

    def kill(self):
        self.process.kill()
        self.process.wait()


class Sentinels:
    """A master, a replica, and three sentinels, two of which suffice; a master is given up after 1.5 s."""

    def __init__(self, way=way_to_speak):
        self.folder = tempfile.mkdtemp(prefix="leadclock-sentinel-")
        self.way = way(self.folder)
        common = [f'requirepass "{PASSWORD}"', f'masterauth "{PASSWORD}"', 'save ""', "maxmemory-policy noeviction",
                  "repl-diskless-sync-delay 0", "repl-ping-replica-period 1"]  # fmt: skip
        self.servers = [Server(self.folder, self.way, *common)]
        self.servers.append(Server(self.folder, self.way, *common, f"replicaof 127.0.0.1 {self.servers[0].port}"))
        watched = [
            f"sentinel monitor {MASTER} 127.0.0.1 {self.servers[0].port} 2",
            f'sentinel auth-pass {MASTER} "{PASSWORD}"',
            f"sentinel down-after-milliseconds {MASTER} 1500",
            f"sentinel failover-timeout {MASTER} 4000",
            f'requirepass "{SENTINEL_PASSWORD}"',
            f'sentinel sentinel-pass "{SENTINEL_PASSWORD}"',
        ]
        self.sentinels = [Server(self.folder, self.way, *watched, is_sentinel=True) for _ in range(3)]
        wait_for("the sentinels know each other and the replica", self.are_complete, 30)

    def close(self):
        for server in self.sentinels + self.servers:
            server.process.send_signal(signal.SIGCONT)
            server.kill()
        shutil.rmtree(self.folder)

    def are_complete(self):
        return all(
            "slaves=1,sentinels=3" in sentinel.command("INFO", "sentinel").decode() for sentinel in self.sentinels
        ) and self.has_replica()

    def has_replica(self):
        """Whether the master's replica is connected, and has all."""
        return re.search(rb"slave0:.*state=online", self.master().command("INFO", "replication")) is not None

    def master(self):
        _, port = self.sentinels[0].command("SENTINEL", "get-master-addr-by-name", MASTER)
        return next(server for server in self.servers if server.port == int(port))

    def replica(self):
        return next(server for server in self.servers if server is not self.master())

    def redis(self):
        return self.master().connect()

    def cut_off(self, replica):
        """From its master, until it is told the right password."""
        replica.command("CONFIG", "SET", "masterauth", "wrong")
        replica.command("CLIENT", "KILL", "TYPE", "master")

    def set_password(self, password):
        """Who comes to a sentinel from now on says this one."""
        for sentinel in self.sentinels:
            sentinel.command("ACL", "SETUSER", "default", "resetpass", f">{password}")
            sentinel.password = password

    def settings(self, password=SENTINEL_PASSWORD):
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        return (f'{{url: "{self.way.scheme}+sentinel://{hosts}/{MASTER}", password: "{PASSWORD}", '
                f'sentinel_password: "{password}"{self.way.settings}}}')  # fmt: skip

    def name(self, master, server):
        """Makes all sentinels call `server` the master of that name, whatever it is."""
        for sentinel in self.sentinels:
            if master in sentinel.command("INFO", "sentinel").decode():
                sentinel.command("SENTINEL", "REMOVE", master)
            sentinel.command("SENTINEL", "MONITOR", master, "127.0.0.1", server.port, 2)
            sentinel.command("SENTINEL", "SET", master, "auth-pass", PASSWORD)

    def hand_over(self):
        """False: the sentinel has not seen yet that the replica is well."""
        try:
            return self.sentinels[0].command("SENTINEL", "FAILOVER", MASTER) == "OK"
        except Failure:
            return False

    def until_another_leads(self, old):
        wait_for("another master", lambda: self.master() is not old and self.says_master(self.master()), 40)

    @staticmethod
    def says_master(server):
        return b"role:master" in server.command("INFO", "replication")


def positions(world, server):
    return {key: server.command("GET", key) for key in world.redis_keys(server, "{*}:applied")}


def masters_come_and_go():
    """Facts flow while the master is killed; hangs; hands over by command; comes back with nothing; and is killed when its
    replica lacks what it was told last, and comes back with that. Each old master becomes a replica. What it costs is said,
    and `verify` finds nothing at the end."""
    servers = Sentinels()
    world = World("sentinel", policy_of("people/feed"), redis=servers.settings())
    world.redis = servers.redis
    try:
        world.create_topics()
        service = Watched(world, "a")
        service.until_ready()
        flow = Flow(world, multiply(load_feed("people/feed"), 4))

        old = servers.master()
        with flow.during("a master is killed, and given up after 1.5 s"):
            old.kill()
            servers.until_another_leads(old)
        old.start()
        wait_for("it is back as a replica", servers.has_replica, 40)

        old = servers.master()
        with flow.during("a master hangs, and is given up after 1.5 s"):
            old.hang()
            servers.until_another_leads(old)
        old.process.send_signal(signal.SIGCONT)
        wait_for("it is back as a replica", servers.has_replica, 40)

        old = servers.master()
        with flow.during("a failover by command"):
            wait_for("a sentinel does it", servers.hand_over, 40)
            servers.until_another_leads(old)
        wait_for("it is back as a replica", servers.has_replica, 40)

        with flow.during("a master is killed, and comes back at once with nothing"):
            old = servers.master()
            old.kill()
            old.start()
            wait_for("it is a master", lambda: servers.says_master(servers.master()), 40)
        wait_for("there is a replica", servers.has_replica, 40)

        # What is written while the replica does not get it is on no other server when the master dies.
        old, replica = servers.master(), servers.replica()
        old.keep_on_disk()
        with flow.during("a master is killed whose replica lacks its last writes"):
            servers.cut_off(replica)
            before = positions(world, replica)
            wait_for("it is applied", lambda: all(positions(world, old)[key] != before[key] for key in before), 12)
            require(positions(world, replica) == before, "the replica was not cut off")
            old.kill()
            replica.command("CONFIG", "SET", "masterauth", PASSWORD)
            servers.until_another_leads(old)
        old.start()
        require(old.was_loaded(), "it does not come back with what it had")
        wait_for("it is back as a replica", servers.has_replica, 40)
        wait_for("what it wrote alone is gone", lambda: positions(world, old) == positions(world, replica), 10)
        flow.finish()

        world.run("verify")
        world.require_same_as_backtest()
        require(service.service.is_running(), "the service ended")
        service.service.stop()
    finally:
        world.close()
        servers.close()


def between_watch_and_exec():
    """The master dies when a worker has its answer to WATCH, and the one that takes over is older than that answer: nothing
    of the write gets there before what is missing."""
    servers = Sentinels(InTheClear)
    world = World("sentinel-exec", policy_of("people/feed"), redis=servers.settings())
    world.redis = servers.redis
    hold = os.path.join(world.folder, "hold")
    try:
        world.create_topics()
        with preloaded("held-exec", LC_HOLD_FILE=hold):
            service = Watched(world, "a")
        service.until_ready()
        feed = slices(load_feed("people/feed"), 4)
        world.publish(feed[0])
        world.settle()
        old, replica = servers.master(), servers.replica()
        servers.cut_off(replica)
        before = positions(world, replica)
        world.publish(feed[1])
        # Not for long: a replica that was cut off for 15 s is not chosen.
        wait_for("it is applied", lambda: all(positions(world, old)[key] != before[key] for key in before), 10)
        with open(hold, "w", encoding="utf-8"):
            world.publish(feed[2])
        wait_for("it is before its EXEC", lambda: os.path.exists(hold + ".held"), 30)
        old.kill()
        require(positions(world, replica) == before, "the replica was not cut off")
        replica.command("CONFIG", "SET", "masterauth", PASSWORD)
        servers.until_another_leads(old)
        os.remove(hold)
        world.publish(feed[3])
        world.settle()
        world.run("verify")
        world.require_same_as_backtest()
        service.service.stop()
    finally:
        world.close()
        servers.close()


def another_master_is_named():
    """A master that the sentinels don't name any more is left, though it lives and takes writes."""
    servers = Sentinels()
    world = World("sentinel-names", policy_of("card/feed"), redis=servers.settings())
    world.redis = servers.redis
    try:
        world.create_topics()
        service = Watched(world, "a")
        service.until_ready()
        feed = slices(load_feed("card/feed"), 2)
        world.publish(feed[0])
        world.settle()
        old, other = servers.master(), servers.replica()
        other.command("REPLICAOF", "NO", "ONE")
        servers.name(MASTER, other)
        left = "the sentinels name another master"
        wait_for("it is left", lambda: left in service.service.read_log(), 60)
        before = positions(world, old)
        world.publish(feed[1])
        world.settle()
        require(positions(world, old) == before, "the old one was written to")
        world.run("verify")
        world.require_same_as_backtest()
        service.service.stop()
    finally:
        world.close()
        servers.close()


def a_password_is_renewed():
    """The sentinels' is in a file, which is read for each connection: a new one is waited for, and taken from there."""
    servers = Sentinels()
    world = World("sentinel-renewed", policy_of("card/feed"))
    world.redis = servers.redis
    path = os.path.join(world.folder, "sentinels")

    def write(password):
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(password + "\n")
        os.rename(path + ".new", path)

    try:
        write(SENTINEL_PASSWORD)
        settings = servers.settings().replace(f'sentinel_password: "{SENTINEL_PASSWORD}"', "sentinel_password_file: sentinels")
        world.write_config({"redis": settings})
        world.create_topics()
        service = Watched(world, "a")
        service.until_ready()
        feed = slices(load_feed("card/feed"), 2)
        world.publish(feed[0])
        world.settle()
        servers.set_password("renewed")
        servers.redis().command("CLIENT", "KILL", "TYPE", "normal")
        world.publish(feed[1])
        wait_for("it to be refused", lambda: f"the password is that of {path}, which is read again" in service.service.read_log(), 40)
        require(service.get("readyz") is None, "it is ready, and knows of no master")
        write("renewed")
        wait_for("readiness", lambda: service.get("readyz"), 40)
        world.settle()
        world.run("verify")
        world.require_same_as_backtest()
        service.service.stop()
    finally:
        world.close()
        servers.close()


def what_sentinels_refuse():
    """A wrong password, a master that they don't know, no sentinel at all, and by TLS a CA that is not theirs and no
    certificate of ours: each is told with what to do, and what waiting can mend is waited for."""
    servers = Sentinels()
    world = World("sentinel-refuses", policy_of("card/feed"), redis=servers.settings("wrong"))
    try:
        world.create_topics()

        def refused(code, *words):
            done = subprocess.run([BINARY, "verify", "--config", world.config], capture_output=True, timeout=60, check=False)
            said = done.stderr.decode()
            require(done.returncode == code, f"ended with {done.returncode}, not {code}: {said}")
            for word in words:
                require(word in said, f"{word!r} is not in: {said}")

        refused(2, "of the sentinels", "WRONGPASS")
        world.write_config({"redis": servers.settings().replace(f"/{MASTER}", "/others")})
        refused(3, "knows no master \"others\"")
        world.write_config({"redis": servers.settings()})
        servers.name("odd", servers.replica())
        world.write_config({"redis": servers.settings().replace(f"/{MASTER}", "/odd")})
        refused(3, "the sentinels name it, and it is not (yet) the master")
        for settings, words in servers.way.refused.items():
            world.write_config({"redis": servers.settings().replace(servers.way.settings, settings)})
            refused(3, "of the sentinels", words)
            service = Watched(world, "a")
            wait_for(f"/readyz says {words}", lambda: words in get(service.port, "/readyz")[1], 30)
            service.service.stop()
        world.write_config({"redis": servers.settings()})
        for sentinel in servers.sentinels:
            sentinel.kill()
        refused(3, "the sentinel at", "Connection refused")
    finally:
        world.close()
        servers.close()


TESTS = {
    test.__name__: test
    for test in (masters_come_and_go, between_watch_and_exec, another_master_is_named, a_password_is_renewed,
                 what_sentinels_refuse)
}  # fmt: skip

if __name__ == "__main__":
    sys.exit(main(TESTS))
