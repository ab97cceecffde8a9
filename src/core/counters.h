/* counters.h - section 7: what a lead counts, and how that changes. Inside the core only. */
#pragma once

#include "counter_names.h"

typedef struct {
    lc_counter_names *names;
    GArray *changes; /* of one counter each, maybe several */
    GArray *counts;  /* lc_count */
} lc_counters;

/* `book` is borrowed. */
void lc_counters_init(lc_counters *counters, const lc_policy_book *book);
void lc_counters_clear(lc_counters *counters);

/* How the counters change from `before` (which has no cycle before its first) to `after`: in counters->counts, each
 * counter once. */
void lc_counters_make(lc_counters *counters, const lc_replay *before, const lc_replay *after);
