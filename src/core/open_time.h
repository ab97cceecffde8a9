/* open_time.h - open time of a cycle: that of a calendar, pauses aside (3, 4.12). Inside the core only.
 *
 * A pause that runs has no end yet: its end is LC_NEVER, and so is what lies behind its beginning. */
#pragma once

#include "replay.h"

/* The pauses that a clock waits in; none of them overlap, and they are in order. */
typedef struct {
    const lc_pause *items;
    guint n;
} lc_pauses;

static inline lc_pauses
lc_pauses_of(const lc_replay *replay, const lc_cycle *cycle)
{
    return (lc_pauses){&g_array_index(replay->pauses, lc_pause, cycle->pauses), cycle->n_pauses};
}

/* When an amount of open time runs out: at closing time, or at the beginning of a pause, where it runs out then. */
lc_instant lc_open_due(const lc_calendar *calendar, lc_pauses pauses, lc_instant from, lc_duration amount);
/* The last instant at which no more has passed: then the next opening, or the end of the pause. */
lc_instant lc_open_last(const lc_calendar *calendar, lc_pauses pauses, lc_instant from, lc_duration amount);
/* When a warning or an escalation takes place: as lc_open_due, but what falls on the beginning of a pause comes at its
 * end. */
lc_instant lc_open_moment(const lc_calendar *calendar, lc_pauses pauses, lc_instant from, lc_duration amount);

/* `calendar` NULL: plain time. */
lc_duration lc_open_between(const lc_calendar *calendar, lc_pauses pauses, lc_instant from, lc_instant to);
/* Plain time in pauses before `until`. */
lc_duration lc_paused_ms(lc_pauses pauses, lc_instant until);
