/* partition.h - what is held of one partition. */
#pragma once

#include "counters.h"
#include "safe_time.h"

#include <leadclock/engine.h>

typedef struct {
    int32_t number;
    bool must_recover;
    lc_recovery_cause recovery_cause; /* why, where it must */
    bool must_claim;                  /* newly ours: the next transaction says so, even if nothing else is in it */
    int64_t *offsets;                 /* O as committed, by input topic */
    int64_t *read;                    /* one past the last record polled, or the end seen, by input topic */
    lc_instant *read_append_at;       /* LogAppendTime of the last record polled, or LC_ABSENT */
    int64_t ends[LC_CHANGELOGS];      /* C as committed */
    char *expected;                   /* the position applied that we last wrote or verified */
    uint32_t term;                    /* of the cache of leads, since it was recovered */
    bool is_unsure;                   /* it was written before the answer to its write was looked at: B is below C */
    lc_instant next_wakeup;           /* no wake-up is earlier; LC_NEVER: none */
    size_t n_wakeups;                 /* in the store, as last read */
    int64_t looked_ms;                /* monotonic: when the position was last compared */
    int64_t moved_ms;                 /* monotonic: when O was last committed as far as was read */
    lc_safe_time safe;
    lc_partition_counters *counters;
    bool policy_checked;
    char *policy_hash;            /* as last committed; NULL: never */
    struct lc_recovery *recovery; /* under way; NULL: none */
    bool waits;                   /* its recovery, for something that was told */
    int64_t resume_ms;            /* monotonic: its recovery goes on, not before */
    int64_t *seen_ends;           /* ends last asked for, by input topic; -1: never */
    unsigned n_unanswered;        /* questions for them, one after the other */
    uint64_t wrong_partition;     /* dead letters that another partitioner made */
    int64_t rebuild_left_ms;      /* an estimate */
    int64_t rebuilt, rebuild_end; /* offsets of the changelog being replayed; both 0: none */
} lc_partition;

lc_partition *lc_partition_new(const lc_worker *worker, int32_t number);
/* The recovery under way is given up before. */
void lc_partition_free(lc_partition *partition);
/* It is dropped from memory and recovered before anything else is done. */
void lc_partition_lose(lc_partition *partition, lc_recovery_cause cause);

lc_partition *lc_worker_partition(const lc_worker *worker, int32_t number);
/* When the next recovery that was put off goes on; INT64_MAX: there is none. */
int64_t lc_worker_resumes_in_ms(const lc_worker *worker);
