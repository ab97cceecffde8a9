/* batch.h - one batch of the partitions that need no recovery: steps 4 to 9 of the commit protocol. */
#pragma once

#include "batch_parts.h"

/* False: give up (see lc_worker_tend), or an error; its partitions are marked to recover. */
bool lc_batch_process(lc_batch *batch, GError **error);
