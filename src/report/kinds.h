/* kinds.h - kinds of leads that a number counts, by the names that links have for them. Private to this room. */
#pragma once

#include "ledger.h"

/* Is it of this kind: open, opened, held_back, contacted, assigned (and opened), answered (contacted by an owner),
 * duplicate, paused, escalated or reason_unknown? Absent: it is; none of these: it is not. */
bool lc_cycle_is(const lc_ledger_cycle *cycle, lc_text kind);
/* "first_contact:again" is each of those that follow a first contact that was broken. */
bool lc_clock_is(lc_text clock, lc_text wanted);
