/* cycle.h - section 4: cycles, their gates, owners and settlements. Inside the core only. */
#pragma once

#include "replay.h"

/* Takes a fact, inside or outside a cycle. */
void lc_cycle_take(lc_replay *replay, const lc_moment *moment);
/* After the last fact: the rejections that no hand-off has taken have their effect (4.9). */
void lc_cycle_end(lc_replay *replay);

/* How a cycle ends. */
typedef struct {
    lc_cause cause;
    lc_instant at;
    const lc_destination *destination; /* NULL: no route */
    lc_text reason, stage;             /* or absent */
    lc_text to_owner, rejected_by;     /* or absent */
    lc_instant resume_at;              /* or LC_ABSENT */
} lc_settlement;

/* Settles the open cycle: its breaches end, every clock stops (5.6, 5.7). */
void lc_cycle_settle(lc_replay *replay, const lc_settlement *settlement);

/* A route that settles nothing: reassign after a breach (5.1). */
void lc_cycle_route(lc_replay *replay, const lc_settlement *settlement);

/* Rule 4.10: whether reaching the stage `reached` shows that `stage` was reached. */
bool lc_stage_shows(const lc_policy *policy, unsigned reached, unsigned stage);

/* Rule 4.3. Whether a gate holds the latest cycle back, which has just been opened; then `*settlement` says how it
 * ends. */
bool lc_gates_hold_back(lc_replay *replay, lc_settlement *settlement);
