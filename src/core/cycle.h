/* cycle.h - section 4: cycles, their owners and settlements. Inside the core only. */
#pragma once

#include "replay.h"

/* Fires the clock instants before `until` that have taken effect (1.6, 8.1). */
void lc_cycle_fire(lc_replay *replay, lc_instant until);

static inline void
lc_cycle_advance(lc_replay *replay, lc_instant until)
{
    if (replay->open && replay->quiet_until < until)
        lc_cycle_fire(replay, until);
}

/* Takes a fact, inside or outside a cycle. */
void lc_cycle_take(lc_replay *replay, const lc_moment *moment);
/* After the last fact: the rejections that no hand-off has taken have their effect (4.9). */
void lc_cycle_end(lc_replay *replay);
