/* worker.h - a worker: what the files of the engine share of it. Private to this room. */
#pragma once

#include "checks.h"
#include "lead_cache.h"
#include "partition.h"
#include "wall_clock.h"

#include <leadclock/engine.h>

#include <stdatomic.h>

#ifndef LC_PIECE_LEADS      /* the simulator has smaller ones */
#define LC_PIECE_LEADS 5000 /* leads of one guarded write (servers.md: an EXEC of 10,000 blocks readers 40 ms) */
#endif

#define LC_BATCH_BYTES ((size_t)64 * 1024 * 1024) /* of a batch's records, and of the states it loads */

struct lc_worker {
    lc_worker_options options;
    lc_log *log;
    lc_store *store;
    lc_time *time;
    struct lc_schemas *schemas;
    lc_told *told, *own_told; /* the latter is freed with the worker */
    lc_judge *judge;
    int n_inputs;
    int32_t partition_count;      /* of every input and changelog */
    GPtrArray *partitions;        /* lc_partition *, those assigned, by number */
    GHashTable *members, *fenced; /* char*: of last owners, who is in the group, and whose transaction was ended; of
                                     this assignment */
    GHashTable *unfenceable;      /* char*: whose transaction can't be ended, for want of rights; of this assignment */
    unsigned assignments;         /* counts rebalances: who waited sees that the ground has moved */
    bool producer_ready, store_ready, paused;
    bool denied; /* a right that a transaction needs was refused, and none was committed since */
    bool is_replaying, replay_is_wanted; /* the log, for one partition; and for another one */
    guint turn;                          /* of the partitions to recover */
    int64_t tended_ms;                   /* monotonic: when the group was last polled */
    int64_t differ_ms;                   /* monotonic: since when topics' partitions differ; LC_ABSENT: not */
    int64_t give_up_ms;                  /* a server is waited for so long; 0: for ever */
    int64_t got_on_ms;                   /* monotonic: when a tool last had a success */
    int64_t left_ms;                     /* monotonic: since when it has no assignment */
    int64_t trouble_ms;     /* monotonic: the first of the last rounds that ended badly, and how many they were */
    int64_t stuck_until_ms; /* monotonic: they were many, and it is not ready till then */
    unsigned n_troubles;
    unsigned n_unanswered; /* questions for partitions, one after the other */
    bool group_checked;    /* what the group gave out, in this assignment */
    lc_wall_clock wall_clock;
    bool clock_doubted;
    int64_t probed_ms; /* monotonic: when the broker was last asked for its clock */
    char *policy_hash;
    lc_instant policy_hash_from, policy_hash_until; /* it is that of any time between */
    GHashTable *poison; /* a set: where facts are whose outcomes Kafka refused for their size */
    lc_lead_cache *leads;
    struct lc_batch *batch;
    struct lc_fill *fill;     /* it only fills tables; NULL: it does its work */
    bool transaction_is_open; /* of the batch */
    unsigned leads_at_once;   /* a batch is to have no more facts, or due wake-ups of a partition */
    size_t lead_bytes;        /* the mean of the states last read */
    int64_t asked_ms;         /* monotonic: when ends were last asked for */
    lc_worker_report report;  /* the worker's own, without partitions */
    GMutex shared_lock;
    lc_worker_report shared;                   /* a copy of it for others */
    _Atomic(const lc_policy_book *) next_book; /* to be judged by from the next batch on; NULL: none */
    lc_tell_progress tell_rebuild;             /* or NULL */
    void *rebuild_data;
    atomic_bool stopping;
};

static inline int64_t
lc_worker_now_ms(const lc_worker *worker)
{
    return worker->time->monotonic_ms(worker->time);
}

static inline bool
lc_worker_is_stopping(const lc_worker *worker)
{
    return atomic_load_explicit(&worker->stopping, memory_order_relaxed);
}
