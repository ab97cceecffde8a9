#!/usr/bin/env python3
"""make-facts.py FACTS [SEED] - facts of the last two minutes as JSON Lines, in order of time: 60 % created, 35 %
contacted, 5 % rejected, of every 20 in this order."""

import random
import sys
import time

count, seed = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1
rng = random.Random(seed)
start = int(time.time() * 1000) - 120_000
channels = ["webinar"] * 4 + ["fair"] * 2 + ["ads"] * 3 + ["demo"]
segments = ["smb", "mid", "enterprise"]
owners = ["ana", "bo", "cy", "dee", "eve"]
reasons = ["not_ready", "student", "wrong_territory", "bad_contact_data", "other"]
pick = rng.choice
bits = rng.getrandbits
write = sys.stdout.write


def uuid():
    h = f"{bits(128):032x}"
    return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:]}"


leads = []
for i in range(count):
    at, part = start + 120_000 * i // count, i % 20
    if part < 12 or not leads:
        lead = uuid()
        leads.append(lead)
        write(
            f'{{"type":"LeadCreated","event_id":"{uuid()}","lead_id":"{lead}","occurred_at":{at},"channel":"{pick(channels)}",'
            f'"attributes":{{"segment":"{pick(segments)}","employees":"{bits(10)}"}},"owner":"{pick(owners)}"}}\n'
        )
    elif part < 19:
        write(
            f'{{"type":"LeadContacted","event_id":"{uuid()}","lead_id":"{pick(leads)}","occurred_at":{at},"method":"CALL",'
            f'"outcome":"CONNECTED","owner":"{pick(owners)}"}}\n'
        )
    else:
        write(
            f'{{"type":"LeadRejected","event_id":"{uuid()}","lead_id":"{pick(leads)}","occurred_at":{at},'
            f'"reason":"{pick(reasons)}","owner":"{pick(owners)}"}}\n'
        )
