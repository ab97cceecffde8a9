/* ends.h - time goes on: the ends of the inputs are asked for, and safe times follow. */
#pragma once

#include "worker.h"

/* Asks where it is time to, and advances the safe times. False: LC_ERROR_CONFIG, topics have grown. */
bool lc_worker_advance_time(lc_worker *worker, GError **error);

/* Once is nothing; from then on it is said. */
static inline bool
lc_is_unanswered(unsigned n_questions)
{
    return n_questions >= 2;
}
