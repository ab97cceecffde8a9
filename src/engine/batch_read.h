/* batch_read.h - facts from the log; due wake-ups, leads and counters from the store (step 4). */
#pragma once

#include "batch_parts.h"

/* Each: false for an error, or to give up (see lc_worker_tend). */
bool lc_batch_read_due(lc_batch *batch, GError **error);
bool lc_batch_read_facts(lc_batch *batch, lc_duration linger, GError **error);
/* The leads that the batch needs; judges those that are due. */
bool lc_batch_load_leads(lc_batch *batch, GError **error);
bool lc_batch_load_counters(lc_batch *batch, GError **error);
/* Counts as the store has them, and its position compared. */
bool lc_batch_read_counts(lc_batch *batch, lc_partition *partition, lc_store_read *read, GError **error);
