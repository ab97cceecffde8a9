#!/usr/bin/env python3
"""leads.py SECONDS - the lives of some leads as JSON Lines of facts, each written when it happens: a few a second.

Some leads are called in time, some late, some never, or only by the next owner; some ask again, some ask to wait, some
never answer, some are refused, some are won, some turn out to be one person, and one is forgotten on request."""

import heapq
import json
import random
import sys
import time
import uuid

CHANNELS = ["demo", "quote", "webinar", "fair", "ads"]
OWNERS = ["ana", "bo", "cy", "dee"]
REASONS = ["not_ready", "student", "wrong_territory", "bad_contact_data", "no budget, said so twice"]
LIVES = {
    "won": 4, "in time": 4, "late": 3, "forgotten by sales": 3, "never answers": 3, "refused": 4, "erased": 1,
    "asks again": 3, "asks to wait": 3, "given to another": 3, "twice there": 1,
}  # fmt: skip
# The first leads, so that what takes long is seen within the minute.
FIRST = ["asks again", "asks to wait", "given to another", "forgotten by sales", "twice there"]


def life(kind, owner):
    """[(seconds after the hand-off, type, fields)]"""
    call = {"method": "CALL", "owner": owner}
    soon, late = random.uniform(1, 4), random.uniform(11, 16)
    if kind == "won":
        return [
            (soon, "LeadContacted", call | {"outcome": "CONNECTED"}),
            (soon + 4, "LeadProgressed", {"stage": "SAL"}),
            (soon + 10, "LeadProgressed", {"stage": "OPPORTUNITY"}),
            (soon + 18, "LeadProgressed", {"stage": random.choice(["WON", "WON", "LOST"])}),
        ]
    if kind == "in time":
        return [(soon, "LeadContacted", call | {"outcome": "CONNECTED"})]
    if kind == "late":
        return [(late, "LeadContacted", call | {"outcome": "CONNECTED"}), (late + 5, "LeadProgressed", {"stage": "SAL"})]
    if kind == "never answers":
        return [(soon + 3 * n, "LeadContacted", call) for n in range(3)]
    if kind == "refused":
        return [(random.uniform(2, 12), "LeadRejected", {"reason": random.choice(REASONS), "owner": owner})]
    if kind == "asks again":
        # The slow promise of a webinar runs; the demo asked for now has its own.
        demo = {"channel": "demo", "attributes": {}}
        return [(3, "LeadCreated", demo), (6 if soon < 2 else 14, "LeadContacted", call | {"outcome": "CONNECTED"})]
    if kind == "asks to wait":
        wait = {"reason": "asked for after the holidays", "owner": owner}
        return [
            (1.5, "LeadPaused", wait),
            (10, "LeadResumed", {}),
            (12, "LeadContacted", call | {"outcome": "CONNECTED"}),
        ]
    if kind == "given to another":
        other = random.choice([name for name in OWNERS if name != owner])
        return [
            (6, "LeadAssigned", {"owner": other}),
            (9, "LeadContacted", call | {"owner": other, "outcome": "CONNECTED"}),
        ]
    if kind == "twice there":
        return [(5, "LeadMerged", {"into": "lead-001"})]
    if kind == "erased":
        return [(8, "LeadErased", {})]
    return []


def channel_of(kind):
    if kind == "asks again":
        return "webinar"
    return random.choice(["demo", "quote"] if kind in ("asks to wait", "given to another") else CHANNELS)


def main():
    seconds = float(sys.argv[1])
    began = time.time()
    # Those that take long come early, so that all is seen.
    facts, number, at = [], 0, 0.0
    while at < seconds - 5:
        number += 1
        lead, owner = f"lead-{number:03}", random.choice(OWNERS)
        kind = FIRST[number - 1] if number <= len(FIRST) else random.choices(list(LIVES), list(LIVES.values()))[0]
        created = {"channel": channel_of(kind), "attributes": {}} | ({"owner": owner} if number % 4 else {})
        for after, type_, fields in [(0, "LeadCreated", created), *life(kind, owner)]:
            if at + after < seconds:
                heapq.heappush(facts, (at + after, number, type_, lead, fields))
        at += random.uniform(0.3, 1.1)
    while facts:
        at, _, type_, lead, fields = heapq.heappop(facts)
        time.sleep(max(0, began + at - time.time()))
        fact = {"type": type_, "event_id": str(uuid.uuid4()), "lead_id": lead, "occurred_at": int((began + at) * 1000)}
        print(json.dumps(fact | fields), flush=True)


try:
    main()
except (BrokenPipeError, KeyboardInterrupt):
    pass
