/* growth.h - the number of partitions: topics that have got more of them since are refused. */
#pragma once

#include "position.h"
#include "worker.h"

/* Whether all facts that were published by now lie in partitions that are read: asks for the topics and, once an
 * assignment, for what the group gave out. LC_ERROR_CONFIG: topics have grown. */
bool lc_worker_confirm_partitions(lc_worker *worker, GError **error);
/* LC_ERROR_CONFIG: this was committed when the topics had another number of partitions. */
bool lc_worker_compare_count(const lc_worker *worker, const lc_metadata *metadata, GError **error);
/* The same of all that the group has committed: an lc_worker_call (patience.h). */
bool lc_worker_check_former_count(lc_worker *worker, void *argument, GError **error);
/* LC_ERROR_CONFIG, false: there are so many now. Keys lie elsewhere, and there is no place for these partitions in the
 * store. */
bool lc_worker_refuse_growth(const lc_worker *worker, int32_t partitions, GError **error);
