#!/usr/bin/env python3
"""year.py [LEADS] - the lives of LEADS (default 3000) leads of the fourteen months up to now, as JSON Lines of facts in the
order of their times: something to look at. The policy is year.yaml; the same number gives the same lives."""

import json
import random
import sys
import time

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
MONTHS = 14
# Channel, how often, how likely it is that one is won.
CHANNELS = [("demo", 5, 0.30), ("quote", 4, 0.24), ("partner portal (Nordics)", 2, 0.2), ("webinar", 5, 0.14), ("ads", 6, 0.03)]
OWNERS = ["Ana Kovač", "Bo Lindqvist", "Cy Okafor", "Dee Marston", "Maximiliane von Reichenbach-Hohenfels"]
REASONS = ["not_ready", "student", "no_budget"]


def fact(kind, lead, number, at, **fields):
    return {"type": kind, "lead_id": lead, "event_id": f"{lead}-{number}", "occurred_at": int(at), **fields}


def life(chance, number, now):
    """The facts of one lead; those that are still to come are left out by who calls."""
    channel, _, wins = chance.choices(CHANNELS, [weight for _, weight, _ in CHANNELS])[0]
    recent = number % 20 == 0
    age = chance.uniform(0, 5 * HOUR) if recent else chance.uniform(0, MONTHS * 30.4 * DAY)
    at, lead, owner = now - age, f"L-{10000 + number}", chance.choice(OWNERS)
    facts = [fact("LeadCreated", lead, 0, at, channel=channel, owner=owner, attributes={"country": "SE"})]
    if chance.random() < 0.06:
        return facts
    called = at + chance.expovariate(1 / (35 * MINUTE))
    outcome = "CONNECTED" if chance.random() < 0.8 else "NO_ANSWER"
    facts.append(fact("LeadContacted", lead, 1, called, method="CALL", automated=False, owner=owner, outcome=outcome))
    if chance.random() < 0.25:
        reason = chance.choice(REASONS)
        facts.append(fact("LeadRejected", lead, 2, called + chance.uniform(HOUR, 5 * DAY), reason=reason, owner=owner))
        return facts
    reached = called + chance.uniform(HOUR, 9 * DAY)
    if chance.random() < 0.7:
        facts.append(fact("LeadProgressed", lead, 3, reached, stage="SAL"))
        if chance.random() < wins / 0.5:
            facts.append(fact("LeadProgressed", lead, 4, reached + chance.uniform(3 * DAY, 70 * DAY), stage="WON"))
    return facts


def main():
    leads, now = int(sys.argv[1]) if len(sys.argv) > 1 else 3000, time.time() * 1000
    chance = random.Random(leads)
    facts = [one for number in range(leads) for one in life(chance, number, now) if one["occurred_at"] <= now]
    for one in sorted(facts, key=lambda one: one["occurred_at"]):
        print(json.dumps(one))


if __name__ == "__main__":
    main()
