/* clock.h - section 5: what every clock does, and what a kind of clock is. Inside the core only.
 *
 * A clock is one file with one lc_clock_kind, and one row in the table of clocks.c. */
#pragma once

#include "replay.h"

/* A kind of clock: what its runs are made from, and what happens to each. A hook that a kind has no use for is NULL.
 * Runs are asked in the order of section 5; those that neither run nor are breached only where the hook may start them.
 */
struct lc_clock_kind {
    lc_clock clock;
    bool runs_in_pauses; /* time in a pause is open time for it (4.12) */

    /* How many runs a cycle under this rule has. */
    unsigned (*count)(const lc_policy *policy, const lc_rule *rule);
    /* Gives run number `index` of this kind its rule and name, and what else it is about. */
    void (*set_up)(lc_clock_run *run, const lc_rule *rule, unsigned index);

    /* The cycle has just been opened; `follow_up_at` is LeadCreated's. May start it. */
    void (*opened)(lc_replay *replay, lc_clock_run *run, lc_instant follow_up_at);
    /* A human contact. */
    void (*contacted)(lc_replay *replay, lc_clock_run *run, const lc_moment *contact);
    /* A human contact that all clocks have had. May start it. */
    void (*after_contact)(lc_replay *replay, lc_clock_run *run, const lc_moment *contact);
    /* A progress, and one that all clocks have had. The latter may start it. */
    void (*progressed)(lc_replay *replay, lc_clock_run *run, unsigned stage, lc_instant at);
    void (*after_progress)(lc_replay *replay, lc_clock_run *run, unsigned stage, lc_instant at);
    /* A requested clock was set (5.2). */
    void (*outranked)(lc_replay *replay, lc_clock_run *run);
    /* A duplicate (4.2) for which `rule` is the first that holds. May start it. */
    void (*duplicated)(lc_replay *replay, lc_clock_run *run, lc_instant at, const lc_rule *rule);
    /* The cycle gets another owner. May start it. */
    void (*assigned)(lc_replay *replay, lc_clock_run *run, lc_instant at);

    /* It has expired, at `run->next`: whether that settles the cycle; then `*settlement` says how. */
    bool (*expired)(lc_replay *replay, lc_clock_run *run, lc_settlement *settlement);
    /* Counts the run as met or as breached. */
    void (*counted)(lc_replay *replay, lc_clock_run *run, bool met);
};

/* ---- For the kinds ---- */

/* The first run of a kind; NULL: the cycle has none. */
lc_clock_run *lc_clock_find(const lc_replay *replay, lc_clock clock);
/* Of one that the cycle may not have. */
static inline bool
lc_clock_is_running(const lc_clock_run *run)
{
    return run && run->state == LC_RUN_RUNNING;
}
/* Rule 5.2: whether a fact at that instant sets a requested clock. */
bool lc_clock_is_asked_for(const lc_replay *replay, lc_instant at, lc_instant follow_up_at);

/* The clock that it is from now on. */
void lc_clock_set_rule(lc_clock_run *run, const lc_clock_rule *rule);
void lc_clock_start(lc_replay *replay, lc_clock_run *run, lc_instant from);
/* For good, or until it starts anew. */
void lc_clock_stop(lc_replay *replay, lc_clock_run *run, lc_run_state state);
/* A fact that the clock waits for: in time it is met, after a breach the breach ends. After it has expired,
 * which has not taken effect yet, neither (1.6). */
void lc_clock_serve(lc_replay *replay, lc_clock_run *run, lc_instant at, lc_ended_by by);

/* When a run is due, as far as is known now; LC_NEVER: not while a pause runs, or beyond 2100. */
lc_instant lc_clock_due(const lc_replay *replay, lc_clock_run *run);
/* When a run would be due if a pause that runs ended at that instant. */
lc_instant lc_clock_due_after_pause(const lc_replay *replay, const lc_clock_run *run, lc_instant at);

/* Hooks of several kinds. Every contact, every progress serves it: */
void lc_clock_contacted(lc_replay *replay, lc_clock_run *run, const lc_moment *contact);
void lc_clock_progressed(lc_replay *replay, lc_clock_run *run, unsigned stage, lc_instant at);
/* It is breached (LATE), and settles nothing; where the rule says so the lead is also routed (5.1). */
bool lc_clock_breach(lc_replay *replay, lc_clock_run *run, lc_settlement *settlement);
bool lc_clock_breach_and_reassign(lc_replay *replay, lc_clock_run *run, lc_settlement *settlement);

/* ---- For all clocks of a cycle ---- */

/* `run->next` is exact from now on, until something happens to the run. */
void lc_clock_look(const lc_replay *replay, lc_clock_run *run);
/* What takes place at `run->next`; as of `expired`. */
bool lc_clock_fire(lc_replay *replay, lc_clock_run *run, lc_settlement *settlement);
/* A pause has begun or ended: its instants are other ones. */
void lc_clock_move(lc_replay *replay, lc_clock_run *run);
/* The cycle is settled: a breach ends, and for good it stops (5.6, 5.7). */
void lc_clock_settle(lc_replay *replay, lc_clock_run *run, lc_instant at);
