/* breach_rows.h - rule 10.3: the breaches of a cycle and their rows. Inside the core only. */
#pragma once

#include "row_maker.h"

/* A breach and what has become of it. */
typedef struct {
    const lc_finding *finding, *ended; /* ended NULL: not */
    uint32_t level;
} lc_row_breach;

/* Those of a cycle, in the order of its findings. `breaches` (lc_row_breach) is emptied first. */
void lc_row_breaches(const lc_row_side *side, GArray *breaches);
/* Publishes how breaches_then differ from breaches_now, and empties breaches_then of what is still so. */
void lc_breach_rows_compare(const lc_row_maker *m, lc_row_side *was, lc_row_side *is);
