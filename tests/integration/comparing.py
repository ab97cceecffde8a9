#!/usr/bin/env python3
"""comparing.py - what the live tests compare can fail: each kind of wrong stream is found. Needs no server."""

import sys

from world import Failure, avro, framed, murmur2_partition, net_outcomes, require_equal, require_nothing_doubled


def breach(id_, restated=False, **fields):
    return {"type": "SlaBreached", "event_id": id_, "restated": restated, "attempts": 0} | fields


def retracted(id_):
    return {"type": "Retracted", "event_id": "r" + id_, "retracts": id_}


# Streams in which something is doubled, or corrects what is not there.
WRONG = [
    [breach("a"), breach("a")],
    [breach("a", True)],
    [retracted("a")],
    [breach("a"), retracted("a"), retracted("a")],
    [breach("a"), retracted("a"), breach("a", True)],
    [breach("a"), breach("b"), breach("a", True), breach("b")],
]
RIGHT = [
    [],
    [breach("a"), breach("b")],
    [breach("a"), breach("a", True, attempts=1), breach("a", True)],
    [breach("a"), retracted("a"), breach("a")],
]
# Net outcomes that differ.
DIFFERENT = [
    ([breach("a")], []),
    ([], [breach("a")]),
    ([breach("a"), retracted("a")], [breach("a")]),
    ([breach("a"), breach("a", True, attempts=1)], [breach("a")]),
]
SAME = [
    ([breach("a"), breach("a", True, attempts=1)], [breach("a", attempts=1)]),
    ([breach("a"), {"type": "SlaWarning", "event_id": "w", "restated": False}], [breach("a")]),
    ([breach("a"), retracted("a")], []),
]


def fails(check, *arguments):
    try:
        check(*arguments)
    except Failure:
        return True
    return False


def compare(one, other):
    require_equal("net outcomes", net_outcomes(one), net_outcomes(other))


checks = [
    *((f"doubled: {stream}", fails(require_nothing_doubled, stream)) for stream in WRONG),
    *((f"not doubled: {stream}", not fails(require_nothing_doubled, stream)) for stream in RIGHT),
    *((f"different: {pair}", fails(compare, *pair)) for pair in DIFFERENT),
    *((f"the same: {pair}", not fails(compare, *pair)) for pair in SAME),
    # From the tests of the Java client of Kafka.
    ("murmur2 of 21", murmur2_partition(b"21", 1 << 31) == -973932308 & 0x7FFFFFFF),
    ("murmur2 of foobar", murmur2_partition(b"foobar", 1 << 31) == -790332482 & 0x7FFFFFFF),
    # The example of the Avro specification: {"a": 27, "b": "foo"} is 36 06 66 6f 6f.
    ("the specification's record", avro({"type": "record", "name": "test", "fields": [
        {"name": "a", "type": "long"}, {"name": "b", "type": "string"}]}, {"a": 27, "b": "foo"}) == b"\x36\x06foo"),
    ("negative numbers", avro("long", -64) == b"\x7f" and avro("long", -65) == b"\x81\x01"),
    ("framing", framed(258, b"x") == b"\0\0\0\1\2x"),
]  # fmt: skip
wrong = [name for name, holds in checks if not holds]
for name in wrong:
    print("does not hold:", name)
print(f"{len(checks)} checks, {len(wrong)} do not hold")
sys.exit(bool(wrong))
