/* clock.h - section 5: what every clock does, and the table of the clocks. Inside the core only.
 *
 * A clock is one file with one lc_clock_kind: what a contact, a progress and its due time do to it. */
#pragma once

#include "cycle.h"

struct lc_clock_kind {
    lc_clock clock;
    void (*contacted)(lc_replay *replay, lc_clock_run *run, const lc_moment *contact); /* or NULL */
    void (*progressed)(lc_replay *replay, lc_clock_run *run, unsigned stage, lc_instant at);
    void (*due)(lc_replay *replay, lc_clock_run *run);
    /* Counts a clock met or breached. */
    void (*count)(lc_replay *replay, lc_clock_run *run, bool met);
};

/* In a cycle's runs the milestones lie between requested and follow_up. */
extern const struct lc_clock_kind lc_first_contact_kind, lc_requested_kind, lc_milestone_kind, lc_follow_up_kind,
    lc_clawback_kind;

lc_clock_run *lc_clock_first_contact(const lc_replay *replay);
lc_clock_run *lc_clock_requested(const lc_replay *replay);
lc_clock_run *lc_clock_follow_up(const lc_replay *replay);
lc_clock_run *lc_clock_clawback(const lc_replay *replay);

/* The clocks of the cycle just opened; those that start at the hand-off run. `follow_up_at` is LeadCreated's (5.2). */
void lc_clocks_open(lc_replay *replay, lc_instant follow_up_at);
void lc_clocks_contacted(lc_replay *replay, const lc_moment *contact);
void lc_clocks_progressed(lc_replay *replay, unsigned stage, lc_instant at);
void lc_clocks_settled(lc_replay *replay, lc_instant at);

/* Fires the instants before `until` that have taken effect at the replay's now; of the others the earliest is when to
 * look again (1.6, 8.1). */
void lc_clocks_advance(lc_replay *replay, lc_instant until);

/* ---- For the clocks ---- */

void lc_clock_start(lc_clock_run *run, lc_instant from);
/* For good, or until it starts anew. */
void lc_clock_stop(lc_clock_run *run, lc_run_state state);
/* A fact that the clock waits for: in time it is met, after a breach the breach ends. After a due time that has not
 * taken effect yet neither (1.6). */
void lc_clock_serve(lc_replay *replay, lc_clock_run *run, lc_instant at, lc_ended_by by);
/* The breach at due (LATE). */
void lc_clock_breach(lc_replay *replay, lc_clock_run *run);

/* 5.2: a contact that names a time after itself sets the requested clock. */
void lc_requested_set(lc_replay *replay, lc_instant at, lc_instant follow_up_at);
/* 5.4: whether this contact, once the others have had it, starts the clock. */
void lc_follow_up_consider(lc_replay *replay, const lc_moment *contact);
/* 5.5: the clock starts at its base; it starts anew where its base has moved. */
void lc_clawback_open(lc_replay *replay);
void lc_clawback_rebase(lc_replay *replay);
