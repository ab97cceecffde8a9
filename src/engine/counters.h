/* counters.h - absolute counters of a partition, from the changes that judging gives. */
#pragma once

#include <leadclock/core.h>
#include <leadclock/store.h>

typedef struct {
    lc_text name;    /* "channel|cohort"; owned */
    lc_text channel; /* part of it */
    int32_t cohort;
    bool loaded;        /* the counts are those of the store, and changes since */
    bool changed;       /* in this batch */
    GHashTable *counts; /* lc_text * -> its count, side by side in one allocation */
    int64_t offset;     /* in the changelog, of this batch's record */
} lc_population;

typedef struct {
    GHashTable *populations; /* lc_text * -> lc_population * */
    GHashTable *channels;    /* lc_text * known to the partition: at most LC_MAX_CHANNELS, the rest is "(other)" */
    GPtrArray *changed;      /* lc_population * of this batch */
    lc_population *last;     /* most changes go where the last one went */
} lc_partition_counters;

lc_partition_counters *lc_partition_counters_new(void);
void lc_partition_counters_free(lc_partition_counters *counters);
/* Names of populations that the store has: makes their channels known. */
void lc_partition_counters_know(lc_partition_counters *counters, lc_text population);
void lc_partition_counters_add(lc_partition_counters *counters, const lc_count *count);
/* Fills a population that was not loaded: stored counts are added to the changes made since. */
void lc_partition_counters_load(lc_population *population, const lc_stored_count *counts, size_t n);
/* The counts as they stand, without zeros; from `arena`. */
lc_stored_count *lc_population_counts(const lc_population *population, lc_arena *arena, size_t *n);
/* Those that this batch has changed, zeros too; from `arena`. */
lc_stored_count *lc_population_changes(const lc_population *population, lc_arena *arena, size_t *n);
/* The batch is applied. */
void lc_partition_counters_settle(lc_partition_counters *counters);
