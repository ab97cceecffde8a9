/* assignment.h - the partitions that the group gives the worker, and takes. */
#pragma once

#include "worker.h"

/* False: LC_ERROR_CONFIG, one is among them that was not there at the start. */
bool lc_worker_take_assignment(lc_worker *worker, GError **error);
/* All of them are forgotten, after what is under way was aborted. */
void lc_worker_give_up_assignment(lc_worker *worker);
/* Aborts the transaction of the batch if one is open. */
void lc_worker_abort(lc_worker *worker);
