/* start.h - before the loop: topics, schemas and the store are looked for. */
#pragma once

#include "worker.h"

/* Looks for the topics, registers the schemas and opens the store; waits for servers. */
bool lc_worker_prepare(lc_worker *worker, GError **error);
/* Also the group and the producer, for the loop. False: an error, or it is to stop (`error` unset). */
bool lc_worker_start(lc_worker *worker, GError **error);
/* Looks for the topics and opens the store: for who empties it. */
bool lc_worker_prepare_to_empty(lc_worker *worker, GError **error);
/* Each an lc_worker_call (patience.h). */
bool lc_worker_open_store(lc_worker *worker, void *argument, GError **error);
bool lc_worker_renew_producer(lc_worker *worker, void *argument, GError **error);
