/* batch_apply.h - what was committed, to the store (step 9). */
#pragma once

#include "batch_parts.h"

/* False: an error. */
bool lc_batch_apply(lc_batch *batch, GError **error);
/* Writes the positions of partitions whose last apply was looked at since, so that who comes next replays nothing.
 * False: an error; what could not be written is marked to recover. */
bool lc_batch_make_sure(lc_batch *batch, GError **error);
/* Due wake-ups of which none holds any more, and nothing else: they are taken away. */
bool lc_batch_take_stale(lc_batch *batch, GError **error);
/* What comes near is put in order before it is due, where the store wants that, and nothing is due. False: an error. */
bool lc_batch_tidy(lc_batch *batch, lc_partition **looked, const lc_store_read *reads, size_t n, GError **error);
