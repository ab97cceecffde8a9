/* counter_names.h - the whole names of counters (section 7), those of stages and reasons made once a document. Inside
 * the core only. */
#pragma once

#include "replay.h"

/* What a stage is counted as; LC_STAGE_COUNTED_AT_AGE + age: reached at that age. */
typedef enum {
    LC_STAGE_COUNTED_REACHED,
    LC_STAGE_COUNTED_AT_AGE,
    LC_STAGE_COUNTED_HELD_BACK = LC_STAGE_COUNTED_AT_AGE + LC_STAGE_AGES,
    LC_STAGE_COUNTED_MET,      /* as a milestone */
    LC_STAGE_COUNTED_BREACHED, /* as a milestone */
    LC_STAGE_COUNTERS
} lc_stage_counter;

typedef struct lc_counter_names lc_counter_names;

/* `book` is borrowed. */
lc_counter_names *lc_counter_names_new(const lc_policy_book *book);
void lc_counter_names_free(lc_counter_names *names);

/* The texts live as long as the names. */
lc_text lc_counter_name_of_stage(const lc_counter_names *names, const lc_policy *policy, unsigned stage,
                                 lc_stage_counter counter);
lc_text lc_counter_name_of_reason(const lc_counter_names *names, const lc_policy *policy, unsigned reason);

extern const lc_text lc_metric_names[LC_METRICS];
