/* batch_cut.h - what of a batch is left to the next one. */
#pragma once

#include "batch_parts.h"

/* Leaves to the next batch what was not loaded, and facts from the `n_records`th on. False: an error. */
bool lc_batch_cut(lc_batch *batch, guint n_records, GError **error);
