/* recover.h - step 3 of the commit protocol: from what was committed to a store that shows it. */
#pragma once

#include "worker.h"

typedef struct lc_recovery lc_recovery;

/* As far as it goes at once: where the partition must still recover, `resume_ms` says when to call again. False: an
 * error. */
bool lc_recover(lc_worker *worker, lc_partition *partition, GError **error);
/* Gives up a recovery under way; NULL: none. */
void lc_recovery_free(lc_recovery *recovery);
