#!/usr/bin/env python3
"""leads.py SECONDS - the lives of some leads as JSON Lines of facts, each written when it happens: a few a second.

Some leads are called in time, some late, some never; some never answer, some are refused, some are won, and one is
forgotten on request."""

import heapq
import json
import random
import sys
import time
import uuid

CHANNELS = ["demo", "quote", "webinar", "fair", "ads"]
OWNERS = ["ana", "bo", "cy", "dee"]
REASONS = ["not_ready", "student", "wrong_territory", "bad_contact_data", "no budget, said so twice"]
LIVES = {"won": 4, "in time": 4, "late": 3, "forgotten by sales": 3, "never answers": 3, "refused": 4, "erased": 1}


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
    if kind == "erased":
        return [(8, "LeadErased", {})]
    return []


def main():
    seconds = float(sys.argv[1])
    began = time.time()
    # Those that take long come early, so that all is seen.
    facts, number, at = [], 0, 0.0
    while at < seconds - 5:
        number += 1
        lead, owner = f"lead-{number:03}", random.choice(OWNERS)
        kind = random.choices(list(LIVES), list(LIVES.values()))[0]
        created = {"channel": random.choice(CHANNELS), "attributes": {}} | ({"owner": owner} if number % 4 else {})
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
