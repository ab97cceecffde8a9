#!/usr/bin/env python3
"""cluster.py [TEST...] - a Redis Cluster of three masters and three replicas, with a password: masters die, hang, and
hand slots over, while facts flow. What comes out is what the backtest says. All of it by TLS where this leadclock can."""

import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from flowing import Flow
from sentinel import PASSWORD, Server, way_to_speak
from timing import Watched
from tools import ends_with, evict
from world import BINARY, REDIS_URL, SHORT_SESSION, Failure, Service, World, free_port, get, load_feed, main, multiply, policy_of
from world import require, say, slices, wait_for


class Cluster:
    """Three masters and a replica of each; a node is given up after 2 s."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="leadclock-cluster-")
        self.way = way_to_speak(self.folder)
        self.nodes = []
        for _ in range(6):
            self.add_node()
        addresses = [f"127.0.0.1:{node.port}" for node in self.nodes]
        self.cli("--cluster", "create", *addresses, "--cluster-replicas", "1", "--cluster-yes")
        wait_for("the cluster is whole", self.is_whole, 60)

    def add_node(self):
        self.nodes.append(
            Server(self.folder, self.way, "cluster-enabled yes", "cluster-node-timeout 2000", "cluster-replica-validity-factor 0",
                   "cluster-allow-replica-migration no", f'requirepass "{PASSWORD}"', f'masterauth "{PASSWORD}"', 'save ""',
                   "maxmemory-policy noeviction", "repl-diskless-sync-delay 0", f"cluster-port {free_port()}")
        )  # fmt: skip
        return self.nodes[-1]

    def close(self):
        for node in self.nodes:
            node.process.send_signal(signal.SIGCONT)
            node.kill()
        shutil.rmtree(self.folder)

    def cli(self, *arguments):
        done = subprocess.run(["redis-cli", *self.way.cli, "-a", PASSWORD, "--no-auth-warning", *arguments], capture_output=True,
                              timeout=90, check=False)  # fmt: skip
        require(done.returncode == 0, f"redis-cli {' '.join(arguments)}: {done.stdout.decode()[-2000:]}")
        return done.stdout.decode()

    def settings(self, kind="+cluster", nodes=2):
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes[:nodes])
        return f'{{url: "{self.way.scheme}{kind}://{hosts}", password: "{PASSWORD}"{self.way.settings}}}'

    def up(self):
        return [node for node in self.nodes if node.process.poll() is None and not node.is_stopped()]

    def masters(self):
        return [node for node in self.up() if node.command("ROLE")[0] == b"master"]

    def is_whole(self):
        """All slots are served, and everybody who is there has a replica that has all."""
        infos = [node.command("CLUSTER", "INFO").decode() for node in self.up()]
        online = sum(
            len(re.findall(rb"state=online", node.command("INFO", "replication"))) for node in self.masters()
        )
        return all("cluster_state:ok" in info and "cluster_slots_ok:16384" in info for info in infos) and online >= 3

    def are_served(self):
        return all("cluster_state:ok" in node.command("CLUSTER", "INFO").decode() for node in self.up())

    def command(self, *words):
        """Of the keys of all nodes; or of one key, wherever it is."""
        if words[0] == "SCAN":
            return b"0", [key for node in self.masters() for key in scan(node, words[3])]
        for node in self.masters():
            try:
                return node.command(*words)
            except Failure as error:
                if "MOVED" not in str(error):
                    raise
        raise Failure(f"nobody has it: {words}")

    def until_taken_over(self, slot, old):
        wait_for("a replica took over", lambda: self.are_served() and self.owner(slot) is not old, 60)

    def replica_of(self, master):
        port = int(re.search(rb"slave0:.*port=(\d+)", master.command("INFO", "replication"))[1])
        return next(node for node in self.nodes if node.port == port)

    def take_away(self, node):
        self.cli("--cluster", "del-node", f"127.0.0.1:{self.nodes[0].port}", node.command("CLUSTER", "MYID").decode())
        self.nodes.remove(node)
        node.kill()

    def know_each_other(self):
        infos = [node.command("CLUSTER", "INFO").decode() for node in self.up()]
        return all("cluster_state:ok" in info and f"cluster_known_nodes:{len(self.nodes)}" in info for info in infos)

    def owner(self, slot):
        for first, last, master, *_ in self.up()[0].command("CLUSTER", "SLOTS"):
            if first <= slot <= last:
                return next(node for node in self.nodes if node.port == master[1])
        raise Failure(f"nobody has slot {slot}")

    def move(self, slot, source, target, torn=None):
        """As redis-cli does it, key by key, so that the slot is torn for a while: `torn` is done when a key or none is left."""
        source_id, target_id = source.command("CLUSTER", "MYID").decode(), target.command("CLUSTER", "MYID").decode()
        target.command("CLUSTER", "SETSLOT", slot, "IMPORTING", source_id)
        source.command("CLUSTER", "SETSLOT", slot, "MIGRATING", target_id)
        moved = 0
        while keys := source.command("CLUSTER", "GETKEYSINSLOT", slot, 20):
            is_last = len(keys) < 20
            keys = keys[:-1] if torn and is_last and len(keys) > 1 else keys
            source.command("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "AUTH", PASSWORD, "KEYS", *keys)
            moved += len(keys)
            time.sleep(0.02)  # torn for longer
            if torn and is_last:
                torn()
                torn = None
        for node in (target, source, *self.masters()):
            node.command("CLUSTER", "SETSLOT", slot, "NODE", target_id)
        return moved


def scan(node, pattern):
    keys, cursor = [], b"0"
    while True:
        cursor, found = node.command("SCAN", cursor, "MATCH", pattern, "COUNT", 10000)
        keys += found
        if cursor == b"0":
            return keys


def nodes_come_and_go():
    """Facts flow while a master is killed, one hangs for longer than the node time-out, one hands over by command, one comes
    back with nothing, a partition's slot moves to another master, which is said meanwhile, a slot is nobody's, and a node is
    added, and taken away. What it costs is said; `verify` finds nothing at the end, and `reset` empties all nodes."""
    cluster = Cluster()
    world = World("cluster", policy_of("people/feed"), redis=cluster.settings())
    world.redis = lambda: cluster
    try:
        world.create_topics()
        service = Watched(world, "a")
        service.until_ready()
        flow = Flow(world, multiply(load_feed("people/feed"), 8))
        with flow.during("nothing happens"):
            time.sleep(3)
        slots = slots_of(world, cluster)
        require(len({cluster.owner(slot).port for slot in slots}) > 1, "all partitions lie on one master")

        old = cluster.owner(slots[0])
        with flow.during("a master is killed, and given up after 2 s"):
            old.kill()
            cluster.until_taken_over(slots[0], old)
        old.start()
        wait_for("it is back as a replica", cluster.is_whole, 60)

        old = cluster.owner(slots[1])
        with flow.during("a master hangs, and is given up after 2 s"):
            old.hang()
            cluster.until_taken_over(slots[1], old)
        old.process.send_signal(signal.SIGCONT)
        wait_for("it is back as a replica", cluster.is_whole, 60)

        old = cluster.owner(slots[2])
        with flow.during("a failover by command"):
            cluster.replica_of(old).command("CLUSTER", "FAILOVER")
            cluster.until_taken_over(slots[2], old)
        wait_for("it is back as a replica", cluster.is_whole, 60)

        old = cluster.owner(slots[3])
        with flow.during("a master is killed, and comes back at once with nothing"):
            old.kill()
            old.start()
            wait_for("the cluster is well", cluster.are_served, 60)
        wait_for("all have their replicas", cluster.is_whole, 60)

        slot = slots[2]
        source = cluster.owner(slot)
        target = next(node for node in cluster.masters() if node is not source)
        said = rf"a slot of Redis is being moved, .*: (ASK {slot} |TRYAGAIN)"
        with flow.during("a slot is moved"):
            moved = cluster.move(slot, source, target, lambda: until_said(service, said))
        say(f"slot {slot} with {moved} keys moved")

        with flow.during("a slot is nobody's"):
            began = time.monotonic()
            for node in cluster.up():
                node.command("CLUSTER", "DELSLOTS", slot)
            until_said(service, r"the cluster is down \(it serves 16383 of 16384 slots\); `redis-cli --cluster check` ")
            target.command("CLUSTER", "ADDSLOTS", slot)
            wait_for("the cluster is well", cluster.are_served, 60)
            say(f"slot {slot} was nobody's for {time.monotonic() - began:.1f} s")

        with flow.during("a node is added, and a slot is moved to it"):
            newcomer = cluster.add_node()
            cluster.cli("--cluster", "add-node", f"127.0.0.1:{newcomer.port}", f"127.0.0.1:{source.port}")
            wait_for("all know the new one", cluster.know_each_other, 30)
            cluster.move(slot, target, newcomer)
        with flow.during("its slot is moved back, and a node taken away"):
            cluster.move(slot, newcomer, target)
            cluster.take_away(newcomer)
        flow.finish()

        world.run("verify")
        world.require_same_as_backtest()
        require(service.service.is_running(), "the service ended")
        service.service.stop()
        world.run("reset", "--yes", "--to-beginning")
        left = [key for node in cluster.masters() for key in scan(node, f"{world.name}:*") if b"leads:" in key]
        require(not left, f"reset left {left[:5]}")
    finally:
        world.close()
        cluster.close()


def until_said(service, words):
    """In /readyz, and in the log."""
    wait_for(f"/readyz says {words}", lambda: re.search(words, get(service.port, "/readyz")[1]), 60)
    wait_for(f"the log says {words}", lambda: re.search(words, service.service.read_log()), 20)


def keys_are_evicted():
    """On one node after the other: by a maxmemory-policy that was wrong for a moment, which costs what that node has, and
    by one that stays wrong, which ends the service."""
    cluster = Cluster()
    world = World("cluster-evicts", policy_of("card/feed"), redis=cluster.settings(), partitions=12)
    world.redis = lambda: cluster
    try:
        world.create_topics()
        world.publish(multiply(load_feed("card/feed"), 20))
        service = world.start()
        world.settle()
        tags = {}  # of a partition of each master
        for key in world.redis_keys(cluster, "{*}:applied"):
            tags[cluster.owner(cluster.nodes[0].command("CLUSTER", "KEYSLOT", key))] = key.rpartition(b":")[0].decode()
        require(len(tags) == 3, f"the partitions lie on {len(tags)} masters")
        for node, tag in tags.items():
            told = service.read_log().count("Redis has evicted keys")
            evict(node.connect(), f"{tag}:stranger")
            wait_for("it to notice", lambda: service.read_log().count("Redis has evicted keys") > told, 40)
            world.settle()
            world.run("verify")
        for node in tags:
            node.command("CONFIG", "SET", "maxmemory-policy", "allkeys-random")
            ends_with(service, 2, "maxmemory-policy is allkeys-random", "noeviction", "made anew")
            node.command("CONFIG", "SET", "maxmemory-policy", "noeviction")
            service = world.start()
            world.settle()
        world.run("verify")
        world.require_same_as_backtest()
    finally:
        world.close()
        cluster.close()


def spread_out():
    """Four processes with two workers each share 24 partitions, which lie on all three masters. One process is killed and
    comes back, one leaves and stays away, and a master dies, while facts flow."""
    cluster = Cluster()
    world = World("spread", policy_of("people/feed"), redis=cluster.settings(), workers=2, partitions=24,
                  properties=SHORT_SESSION)  # fmt: skip
    world.redis = lambda: cluster
    try:
        world.create_topics()
        services = [world.start(instance) for instance in "abcd"]
        feed = slices(load_feed("people/feed"), 4)
        world.publish(feed[0])
        world.settle()
        wait_for("everybody to have a partition", lambda: all("msg=recovered " in one.read_log() for one in services), 60)
        masters = {cluster.owner(slot).port for slot in slots_of(world, cluster)}
        require(len(masters) == 3, f"the partitions lie on {len(masters)} masters")
        wait_for("a connection a node and worker", lambda: all(0 < connections_of(one) <= 8 for one in cluster.masters()), 30)

        services[1].kill()
        world.publish(feed[1])
        world.services[1] = Service(world, "b", ())
        world.settle()

        world.services.pop().stop()
        old = cluster.owner(slots_of(world, cluster)[0])
        old.kill()
        world.publish(feed[2])
        wait_for("a replica took over", cluster.are_served, 60)
        world.settle()
        world.publish(feed[3])
        world.settle()
        world.run("verify")
        world.require_same_as_backtest()
    finally:
        world.close()
        cluster.close()


def connections_of(node):
    """Of others than who asks."""
    return sum(b"cmd=client|list" not in line for line in node.command("CLIENT", "LIST", "TYPE", "normal").splitlines())


def slots_of(world, cluster):
    """Of the partitions, in the order of their keys."""
    keys = world.redis_keys(cluster, "{*}:applied")
    require(len(keys) == world.partitions, f"{len(keys)} positions")
    return [cluster.nodes[-1].command("CLUSTER", "KEYSLOT", key) for key in keys]


def what_is_refused():
    """A cluster that is called a server, a server that is called a cluster, each node that may evict keys, nodes that are not
    there."""
    cluster = Cluster()
    world = World("cluster-refuses", policy_of("card/feed"), redis=cluster.settings("", 1))
    try:
        world.create_topics()

        def refused(code, *words):
            done = subprocess.run([BINARY, "verify", "--config", world.config], capture_output=True, timeout=60, check=False)
            said = done.stderr.decode()
            roles = [node.command("ROLE")[0] for node in cluster.up()]
            require(done.returncode == code, f"ended with {done.returncode}, not {code} (wanted {words}): {said}; {roles}")
            for word in words:
                require(word in said, f"{word!r} is not in: {said}")

        refused(2, f"this Redis is a cluster's; write {cluster.way.scheme}+cluster:// in redis.url")
        world.write_config({"redis": '{url: "' + re.sub(r"^redis://(.*?)/\d*$", r"redis+cluster://\1", REDIS_URL) + '"}'})
        refused(2, "asked for its slots", "write redis:// in redis.url")
        world.write_config({"redis": cluster.settings()})
        for node in cluster.nodes:
            node.command("CONFIG", "SET", "cluster-node-timeout", "60000")  # nobody takes another's place meanwhile
        masters = cluster.masters()
        require(len(masters) == 3, f"{len(masters)} masters")
        # Where no partition is nobody looks: of four none is in the middle third of the slots.
        for node in (masters[0], masters[2]):
            node.command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
            refused(2, "its maxmemory-policy is allkeys-lru")
            node.command("CONFIG", "SET", "maxmemory-policy", "noeviction")
        for node in cluster.nodes:
            node.kill()
        refused(3, "Redis at 127.0.0.1", "Connection refused")
    finally:
        world.close()
        cluster.close()


TESTS = {test.__name__: test for test in (nodes_come_and_go, keys_are_evicted, spread_out, what_is_refused)}

if __name__ == "__main__":
    sys.exit(main(TESTS))
