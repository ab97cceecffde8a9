/* batch_cut.h - what of a batch is left to the next one. */
#pragma once

#include "batch_parts.h"

/* Leaves to the next batch what was not loaded. False: an error. */
bool lc_batch_cut(lc_batch *batch, GError **error);
