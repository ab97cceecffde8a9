#!/usr/bin/env python3
"""tools.py [TEST...] - the tools to see and mend: verify finds every kind of harm, and none beside a busy service;
rebuild and reset mend; what `run` refuses it names, with the command that mends it."""

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter

from commands import attempt, expect
from world import BINARY, BROKERS, DAY_MS, PARTITIONS, SHORT_SESSION, Redis, World, Failure, free_port, iso, load_feed, main, multiply, murmur2_partition, named
from world import get, net_outcomes, now_ms, policy_of, require, require_equal, slices, wait_for


def settled_world(test, copies=1, **settings):
    """The card feed, judged; the service is stopped."""
    world = World(test, policy_of("card/feed"), properties=SHORT_SESSION, **settings)
    world.create_topics()
    world.publish(multiply(load_feed("card/feed"), copies))
    service = world.start()
    world.settle()
    return world, service


def stop(world, service):
    """A clean end; it is not missed afterwards."""
    service.stop()
    world.services.remove(service)


def require_same_net(world):
    """As a backtest, though outcomes were published twice, before and after a reset; counters began anew."""
    outcomes, counters = world.backtest()
    require_equal("net outcomes", net_outcomes(world.outcomes()), net_outcomes(outcomes))
    require_equal("counters", named(world.counters()), named(counters))


class Again:
    """Whether all that stands now is published once more. How many messages that takes depends on how the topics are
    read side by side, so each outcome is looked for by itself."""

    def __init__(self, world):
        self.world = world
        self.standing = net_outcomes(world.outcomes())
        self.before = self.times()
        require(self.standing, "nothing was published yet")

    def times(self):
        return Counter(record["event_id"] for record in self.world.outcomes())

    def is_published(self):
        times = self.times()
        return all(times[event_id] > self.before[event_id] for event_id in self.standing)


def ends_with(service, code, *texts):
    """The service ends by itself with `code`, and its log says all of `texts`."""
    try:
        found = service.process.wait(40)
    except Exception as late:
        raise Failure(f"it does not end; its log: {service.read_log()[-2000:]}") from late
    service.world.services.remove(service)
    require(found == code, f"it ended with {found}, not {code}: {service.read_log()[-2000:]}")
    for text in texts:
        require(text in service.read_log(), f"its log does not say {text!r}: {service.read_log()[-2000:]}")


def recoveries(service):
    return service.read_log().count("msg=recovered")


def start_again(world, service):
    """What has ended begins anew, and has recovered all partitions."""
    before = recoveries(service)
    again = world.start(service.instance, *service.settings)
    wait_for("all to be recovered", lambda: recoveries(again) >= before + PARTITIONS, 30)


def one_key(world, redis, pattern):
    keys = world.redis_keys(redis, pattern)
    require(keys, f"no key {pattern}")
    return keys[0]


def verify_finds():
    """Each kind of harm is found, named and counted; rebuild mends all of it."""
    world, service = settled_world("verify")
    redis = Redis()
    try:
        stop(world, service)
        expect(world, 0, r" leads and .* compared: 0 differences", "verify")
        (bucket, field), (other_bucket, other) = list(world.stored_leads(redis)[0].values())[:2]
        prefix = bucket[: bucket.index(b":leads:")]
        state = redis.command("HGET", bucket, field)
        counters = one_key(world, redis, "{*}:counters:*")
        position = one_key(world, redis, "{*}:applied")
        wakeups = lambda: world.redis_keys(redis, "{*}:wakeups:*")
        require(wakeups(), "no wake-up to change")
        harms = [
            (r"lead\tdifferent\t", lambda: redis.command("HSET", bucket, field, state + b"x")),
            (r"lead\tmissing\t", lambda: redis.command("HDEL", other_bucket, other)),
            (r"lead\textra\tstranger", lambda: [redis.command("HSET", prefix + b":leads:%d" % i, "stranger", "x") for i in range(32)]),
            (r"wake-up\tmissing\t", lambda: redis.command("DEL", *wakeups())),
            (r"wake-up\tmissing\t", lambda: [redis.command("LSET", key, 0, b"\0\0\0another") for key in wakeups()]),
            (r"counters\tdifferent\t", lambda: redis.command("HINCRBY", counters, "handed_off", 1)),
            (r"counters\textra\tstranger\|2026-01",
             lambda: redis.command("HSET", prefix + b":counters:stranger|2026-01", "handed_off", 1)),
            (r"counters\tmissing\t", lambda: redis.command("DEL", counters)),
            (r"position\tmissing\t", lambda: redis.command("DEL", position)),
        ]
        for pattern, harm in harms:
            harm()
            expect(world, 1, pattern, "verify")
            expect(world, 0, r"made anew from \d+ changelog records", "rebuild")
            expect(world, 0, r": 0 differences", "verify")
        world.start("b")
        world.settle()
        world.require_same_as_backtest()
    finally:
        world.close()


def tools_tell_where_they_are():
    """A line every 10 s where there is no terminal: of tools that wait for Redis, and are stopped meanwhile."""
    world, service = settled_world("told-where")
    try:
        stop(world, service)
        for tool in ("verify", "rebuild"):
            Redis().command("CLIENT", "PAUSE", 4500)
            command = [BINARY, tool, "--config", world.config]
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            time.sleep(3.5)
            process.send_signal(signal.SIGSTOP)
            time.sleep(10.5)
            process.send_signal(signal.SIGCONT)
            said = process.communicate(timeout=60)[1]
            require(process.returncode == 0 and re.search(r"(?m)^partition \d+: \d+ %$", said), f"{tool} said {said}")
    finally:
        world.close()


def verify_beside_the_service():
    """While the service is busy nothing differs; and a rebuild beside it loses nothing."""
    world = World("beside", policy_of("card/feed"), workers=2, batch=50)
    try:
        world.create_topics()
        world.start()
        for part, facts in enumerate(slices(multiply(load_feed("card/feed"), 4), 6)):
            world.publish(facts)
            if part == 3:
                expect(world, 0, r"made anew", "rebuild")
            else:
                expect(world, 0, r": 0 differences", "verify")
        world.settle(180)
        world.require_same_as_backtest()
        expect(world, 0, r": 0 differences", "verify")
    finally:
        world.close()


def reset_to_the_beginning():
    """Refused beside the living, at once; who has ended is waited for; a dry run does nothing; then all is judged anew,
    with the same ids."""
    world, service = settled_world("reset")
    try:
        began = time.monotonic()
        expect(world, 1, r"the group has members, and one of them runs on this host", "reset", "--yes")
        require(time.monotonic() - began < 10, "it waited for one that runs")
        stop(world, service)
        expect(world, 0, r"waiting for the group to forget who has ended, for up to \d+ s", "reset", "--dry-run")
        again = Again(world)
        expect(world, 0, r"Downstream will see", "reset", "--dry-run")
        expect(world, 2, r"--yes", "reset")
        require(world.lag() == 0, "a dry run or an unconfirmed reset moved the group")
        expect(world, 0, r"begins anew", "reset", "--yes")
        require(world.lag() == len(world.published), "the group is not at the beginning")
        world.start("b")
        world.settle()
        require_equal("outcomes after reset", net_outcomes(world.outcomes()), again.standing)
        require(again.is_published(), "not all was published again")
        require_same_net(world)
        expect(world, 0, r": 0 differences", "verify")
    finally:
        world.close()


def reset_to_a_time():
    """Only what was published from then on is judged."""
    world = World("reset-time", policy_of("card/feed"))
    try:
        world.create_topics()
        world.publish(multiply(load_feed("card/feed"), 1))
        time.sleep(1.5)
        later = now_ms()
        new = [fact | {"lead_id": "late-" + fact["lead_id"], "event_id": "late-" + fact["event_id"]}
               for fact in load_feed("card/feed")]  # fmt: skip
        world.publish(new)
        expect(world, 0, r"begins anew", "reset", "--yes", "--to-time", iso(later))
        require(world.lag() == len(new), f"{world.lag()} to be read, not {len(new)}")
        service = world.start()
        world.settle()
        require("last owner" not in service.read_log(), "somebody was fenced, or was to be")
        leads = {outcome["lead_id"] for outcome in world.outcomes()}
        require(leads and all(lead.startswith("late-") for lead in leads), "a lead from before was judged")
        expect(world, 2, r"is no time", "reset", "--to-time", "yesterday")
    finally:
        world.close()


def refusals_are_named():
    """What `run` must not go on from: it says what, and the command that it names mends it."""
    world, service = settled_world("refusals")
    redis = Redis()
    try:
        stop(world, service)
        position = one_key(world, redis, "{*}:applied")
        kept = redis.command("GET", position)
        ends = kept.split(b":")
        redis.command("SET", position, b":".join([ends[0], b"999999/999999", ends[2]]))
        ends_with(world.start("ahead"), 1, "ahead of Kafka", "leadclock rebuild", "leadclock reset")
        expect(world, 0, r"made anew", "rebuild")
        expect(world, 0, r": 0 differences", "verify")

        redis.command("SET", position, "nonsense#3")
        ends_with(world.start("unreadable"), 1, "can't be read", "leadclock rebuild")
        expect(world, 0, r"made anew", "rebuild")

        layout = one_key(world, redis, "layout")
        redis.command("SET", layout, "3:7")
        ends_with(world.start("partitions"), 2, "7", "partitions")
        redis.command("SET", layout, "4:4")
        ends_with(world.start("later"), 2, "4:4")
        redis.command("SET", layout, "1:4")
        for key in world.redis_keys(redis, "{*}:applied"):
            redis.command("SET", key, redis.command("GET", key).removesuffix(b"#3"))
        old = position.rpartition(b":")[0] + b":lead:of-layout-1"
        redis.command("SET", old, "x")
        expect(world, 1, "position\tmissing", "verify")
        require_equal("verify changes nothing", redis.command("GET", layout), b"1:4")
        service = world.start("earlier")
        world.settle()
        require("an earlier version's" in service.read_log(), "it does not say that it is made anew")
        require_equal("the layout", redis.command("GET", layout), b"3:4")
        require(not redis.command("EXISTS", old), "something of layout 1 is left")
        stop(world, service)
        expect(world, 0, r": 0 differences", "verify")

        redis.command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        try:
            ends_with(world.start("evicting"), 2, "maxmemory-policy", "noeviction")
        finally:
            redis.command("CONFIG", "SET", "maxmemory-policy", "noeviction")
        world.start("well")
        world.settle()
        world.require_same_as_backtest()
    finally:
        redis.command("CONFIG", "SET", "maxmemory-policy", "noeviction")
        world.close()


def offsets_that_are_gone():
    """No offsets, but changelogs that are not empty: `run` refuses, reset mends. A group of another name is in that
    place."""
    world, service = settled_world("gone")
    try:
        stop(world, service)
        other = f"name={world.name}x"
        ends_with(world.start("refused", other), 1, "no committed offsets", "leadclock reset")
        wait_for("the group to be empty", lambda: attempt(world, "reset", "--dry-run", "--set", other)[0] == 0, 40)
        expect(world, 0, r"begins anew", "reset", "--yes", "--set", other)
        again = Again(world)
        world.start("mended", other)
        wait_for("all to be published again", again.is_published, 60)
        wait_for("the end", lambda: attempt(world, "verify", "--set", other)[0] == 0, 60)
        require_same_net(world)
    finally:
        world.close()


# ---- Changelogs that are not what was committed ----


def harm(*words):
    program = os.path.join(os.path.dirname(BINARY), "tests", "integration", "harm-topic")
    subprocess.run([program, BROKERS, *map(str, words)], check=True, timeout=60)


def harm_topic(world, what, topic, *rest):
    """What an operator may do by mistake: delete-records TOPIC PARTITION OFFSET, delete TOPIC, set TOPIC NAME VALUE ..."""
    harm(what, world.prefix + topic, *rest)


def partition_with_states(world):
    """The number of a partition that has leads."""
    return murmur2_partition(world.published[0]["lead_id"].encode())


def reset_mends(world):
    """What the refusal names: all is judged anew."""
    wait_for("the group to be empty", lambda: attempt(world, "reset", "--dry-run")[0] == 0, 40)
    expect(world, 0, r"begins anew", "reset", "--yes")
    world.start("mended")
    world.settle()
    require_same_net(world)
    expect(world, 0, r": 0 differences", "verify")


def beginning_that_was_deleted():
    """Records of a changelog were deleted (by hand; retention does the same; Kafka refuses both as long as it is
    compacted). With Redis whole it goes on, and rebuild does not empty it; once Redis is empty, what is gone is
    named."""
    world, service = settled_world("beginning")
    redis = Redis()
    try:
        stop(world, service)
        partition = partition_with_states(world)
        others = ["delete.retention.ms", 30 * DAY_MS, "max.message.bytes", 2 << 20, "message.timestamp.type", "LogAppendTime"]
        harm_topic(world, "set", "leads.state", "cleanup.policy", "delete", *others)
        harm_topic(world, "delete-records", "leads.state", partition, 1)
        expect(world, 1, r"cleanup.policy is delete, must be compact", "topics")
        what = f"{world.prefix}leads.state [{partition}] the records from offset 0 to 0 are needed, and were deleted"
        found = attempt(world, "rebuild")
        require(found[0] != 0 and what in found[2], f"rebuild says {found}")
        harm_topic(world, "set", "leads.state", "cleanup.policy", "compact", *others)
        service = world.start("whole")
        world.settle()
        world.require_same_as_backtest()
        stop(world, service)
        redis.command("FLUSHDB")
        ends_with(world.start("emptied"), 1, what, "leadclock reset", "cleanup.policy=compact")
        reset_mends(world)
    finally:
        world.close()


def end_that_was_lost():
    """A changelog was deleted and made anew, and is empty: it ends below what was committed. The leads are still in
    Redis, but nothing could be added to such a changelog."""
    lost_changelog("leads.counters", "end")


def topic_made_anew():
    """The same, of the states."""
    lost_changelog("leads.state", "anew")


def lost_changelog(topic, test):
    world, service = settled_world(test)
    try:
        stop(world, service)
        harm_topic(world, "delete", topic)
        wait_for("the topic to be gone", lambda: attempt(world, "topics")[0] == 1, 20)
        # A broker may know the name a little longer than it says.
        create = ("topics", "--create", "--partitions", str(PARTITIONS))
        wait_for("it to be made anew", lambda: attempt(world, *create)[0] == 0, 20)
        ends_with(world.start("refused"), 1, "Kafka has lost records of a changelog", world.prefix + topic,
                  "leadclock reset")  # fmt: skip
        reset_mends(world)
    finally:
        world.close()


def evict(redis, stranger):
    """Redis evicts some keys, for the sake of a strange one, and is not to evict any more. How many it was is told."""
    before = int(re.search(rb"evicted_keys:(\d+)", redis.command("INFO", "stats"))[1])
    redis.command("CONFIG", "SET", "maxmemory-policy", "allkeys-random")
    used = int(re.search(rb"used_memory:(\d+)", redis.command("INFO", "memory"))[1])
    redis.command("CONFIG", "SET", "maxmemory", used - 20000)
    redis.command("SET", stranger, "x" * 20000)
    redis.command("CONFIG", "SET", "maxmemory", 0)
    redis.command("CONFIG", "SET", "maxmemory-policy", "noeviction")
    require(int(re.search(rb"evicted_keys:(\d+)", redis.command("INFO", "stats"))[1]) > before, "nothing was evicted")


def put_right(redis):
    redis.command("CONFIG", "SET", "maxmemory-policy", "noeviction")
    redis.command("CONFIG", "SET", "maxmemory", 0)
    redis.command("CONFIG", "RESETSTAT")


def redis_that_evicts():
    """A maxmemory-policy that is changed while the service runs: it stops, and says so. Once it is right again, all is
    made anew."""
    world, service = settled_world("evicts")
    redis = Redis()
    try:
        redis.command("CONFIG", "SET", "maxmemory-policy", "allkeys-random")
        ends_with(service, 2, "maxmemory-policy is allkeys-random", "noeviction", "made anew")
        evict(redis, f"{world.name}:stranger")
        world.start("mended")
        world.settle()
        world.require_same_as_backtest()
        expect(world, 0, r": 0 differences", "verify")
    finally:
        put_right(redis)
        world.close()


def keys_that_were_evicted():
    """Nobody saw the maxmemory-policy while it was wrong. The service makes anew what may be missing, be it that it ran,
    or that it was away."""
    world, service = settled_world("evicted")
    redis = Redis()
    try:
        evict(redis, f"{world.name}:stranger")
        wait_for("it to notice", lambda: "Redis has evicted keys" in service.read_log(), 20)
        world.settle()
        expect(world, 0, r": 0 differences", "verify")
        stop(world, service)
        evict(redis, f"{world.name}:stranger")
        start_again(world, service)
        world.settle()
        expect(world, 0, r": 0 differences", "verify")
        world.require_same_as_backtest()
    finally:
        put_right(redis)
        world.close()


def write_done_in_part():
    """A command within an EXEC fails, and the position can't be taken back: it does not hide what was not written."""
    world = World("in-part", policy_of("card/feed"))
    redis = Redis()
    user = world.name
    try:
        redis.command("ACL", "SETUSER", user, "on", ">secret", "~*", "+@all", "-del")
        login = (f"redis.user={user}", "redis.password=secret")
        world.create_topics()
        service = world.start("a", *login)
        wait_for("all to be recovered", lambda: recoveries(service) == PARTITIONS, 30)
        tags = [key.rsplit(b":", 1)[0] + b":" for key in world.redis_keys(redis, "{*}:applied")]
        for tag in tags:
            redis.command("SET", tag + b"populations", "no set")
        world.publish(load_feed("card/feed"))
        wait_for("the write to fail", lambda: "only a part of a write" in service.read_log(), 30)
        service.kill()
        world.services.remove(service)
        for tag in tags:
            redis.command("DEL", tag + b"populations")
        one_key(world, redis, "*leads:*")
        start_again(world, service)
        world.settle()
        for tag in tags:
            place = tag.decode().split(":", 1)[1]
            counted = [key.split(b":counters:")[1] for key in world.redis_keys(redis, place + "counters:*")]
            known = redis.command("SMEMBERS", tag + b"populations")
            require_equal(f"populations of {place}", dict.fromkeys(known), dict.fromkeys(counted))
        expect(world, 0, r": 0 differences", "verify")
        world.require_same_as_backtest()
    finally:
        redis.command("ACL", "DELUSER", user)
        world.close()


def redis_that_takes_no_writes():
    """Redis answers questions and has memory for a few words, but for no piece of leads: rebuild ends and says what Redis
    said and what to do, `run` says so and waits, and goes on once there is memory."""
    world, service = settled_world("no-writes", copies=20)
    redis, port = Redis(), free_port()
    try:
        stop(world, service)
        redis.command("FLUSHDB")
        used = int(re.search(rb"used_memory:(\d+)", redis.command("INFO", "memory"))[1])
        redis.command("CONFIG", "SET", "maxmemory", used + 200000)
        expect(world, 3, "Redis says: OOM .*; give it more memory", "rebuild")
        service = world.start("waits", f"http.listen=127.0.0.1:{port}")
        wait_for("/readyz to say why", lambda: "Redis says: OOM" in get(port, "/readyz")[1], 30)
        require(get(port, "/readyz")[0] == 503, "it is ready")
        wait_for("its log to say why", lambda: re.search("waiting for Redis: .*OOM", service.read_log()), 30)
        put_right(redis)
        wait_for("readiness", lambda: get(port, "/readyz") == (200, "ok\n"), 60)
        expect(world, 0, r": 0 differences", "verify")
        stop(world, service)
    finally:
        put_right(redis)
        world.close()


def outcomes_that_are_too_large_together():
    """A topic that takes small batches only: no fact is a dead letter for it, and it costs a few recoveries at most."""
    world = World("together", policy_of("card/feed"))
    try:
        world.create_topics()
        harm_topic(world, "set", "leads.routed", "message.timestamp.type", "LogAppendTime", "max.message.bytes", 3000)
        world.publish(multiply(load_feed("card/feed"), 20))
        service = world.start()
        world.settle()
        require(world.dead_letters() == [], f"dead letters: {world.dead_letters()[:5]}")
        world.require_same_as_backtest()
        refused = service.read_log().count("Kafka refused a batch of messages")
        expect(world, 1, r"leads.routed +4 +max.message.bytes is 3000, must be 1048588 or more", "topics")
        require(1 <= refused <= 3, f"{refused} batches were refused: {service.read_log()[-3000:]}")
    finally:
        world.close()


def broker_that_verifies_nothing():
    """It is told of, once; a broker as it comes is not."""
    setting = "transaction.partition.verification.enable"
    world = World("unverified", policy_of("card/feed"))
    try:
        world.create_topics()
        service = world.start()
        wait_for("all to be recovered", lambda: recoveries(service) == PARTITIONS, 30)
        stop(world, service)
        require("does not verify" not in service.read_log(), f"a broker at its defaults is told of: {service.read_log()}")
        harm("set-broker", 1, setting, "false")
        service = world.start("a", "workers=2")
        wait_for("all to be recovered", lambda: recoveries(service) >= 2 * PARTITIONS, 30)
        stop(world, service)
        told = service.read_log().count(f"broker 1 does not verify transactions ({setting} is false)")
        require(told == 1, f"told {told} times: {service.read_log()}")
    finally:
        harm("set-broker", 1)
        world.close()


TESTS = {
    test.__name__: test
    for test in (
        verify_finds,
        tools_tell_where_they_are,
        verify_beside_the_service,
        reset_to_the_beginning,
        reset_to_a_time,
        refusals_are_named,
        offsets_that_are_gone,
        beginning_that_was_deleted,
        end_that_was_lost,
        topic_made_anew,
        redis_that_evicts,
        keys_that_were_evicted,
        write_done_in_part,
        redis_that_takes_no_writes,
        outcomes_that_are_too_large_together,
        broker_that_verifies_nothing,
    )
}

if __name__ == "__main__":
    sys.exit(main(TESTS))
