/* difference.h - rules 6.2 and 6.3: what is published when a lead is judged. Inside the core only. */
#pragma once

#include "derive.h"
#include "outcome.h"

typedef struct {
    GArray *published; /* lc_entry */
    GArray *retracted; /* lc_entry */
    GArray *outcomes;  /* lc_outcome: both, spelled out, in the order of 6.2 */
    lc_arena arena;    /* the lists of the outcomes */
    lc_namer namer;
} lc_difference;

void lc_difference_init(lc_difference *difference);
void lc_difference_clear(lc_difference *difference);

/* The outcomes to publish for the lead of this id, from what held `before` to what holds `after`. Where `before` was
 * not forked it has nothing. Warnings whose clock was due before `warn_from` are left out. Findings are marked as
 * matched. */
void lc_difference_make(lc_difference *difference, lc_text lead_id, lc_replay *before, lc_replay *after,
                        lc_shared shared, lc_instant warn_from);
