/* rows.h - section 10: how things stand, and what of that is new. Inside the core only. */
#pragma once

#include "row_maker.h"

void lc_rows_init(lc_rows *rows);
void lc_rows_clear(lc_rows *rows);

/* How the rows of these types (bits by lc_row_type) change from `before` to `after`. `outcomes` are what is published:
 * routes are told by them. */
void lc_rows_make(lc_rows *rows, unsigned types, lc_namer *namer, lc_replay *before, lc_replay *after, lc_shared shared,
                  const GArray *outcomes);
/* All that `before` has is deleted: the lead is forgotten (4.8). */
void
lc_rows_delete(lc_rows *rows, unsigned types, lc_namer *namer, lc_replay *before, lc_replay *after, lc_shared shared);

/* Rule 10.2. Without its id. */
void lc_cycle_row_make(const lc_row_side *side, lc_text lead_id, uint32_t n_breaches, lc_cycle_row *row);
