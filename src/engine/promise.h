/* promise.h - the policy that leads were judged by, and whether that is the one of now. */
#pragma once

#include "worker.h"

/* The hash of the documents in effect now, by a clock that is not ahead of the broker's as far as that is known. */
const char *lc_worker_policy_hash(lc_worker *worker);
/* Whether `hash` is that of the first documents of our book, however many. */
bool lc_worker_knows_policy_hash(const lc_worker *worker, lc_text hash);
/* Whether it may go on from what was judged by another (`hash`). False: LC_ERROR_CONFIG. */
bool lc_worker_accepts_policy_change(lc_worker *worker, lc_text hash, GError **error);
/* The same, from what was judged by another edition of the rules (8.5). */
bool lc_worker_accepts_edition(lc_worker *worker, int edition, GError **error);
