/* batch_publish.h - one transaction (steps 5 to 8). */
#pragma once

#include "batch_parts.h"

/* False: an error, or to give up (see lc_worker_tend). */
/* Rows of counts; only where they are published. */
void lc_batch_add_counter_rows(lc_batch *batch, const lc_share *share, lc_text channel, int32_t cohort,
                               const lc_stored_count *counts, size_t n);
bool lc_batch_publish(lc_batch *batch, GError **error);
/* So that whoever recovers the partition stops too. After an abort. */
void lc_batch_tell_lost(lc_batch *batch, lc_share *share);
