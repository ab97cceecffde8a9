/* store.h - the port to the store: what the engine needs of Redis, and nothing more.
 *
 * Implemented by the rooms redis (hiredis) and memory (tests, simulator). One lc_store belongs to one worker and one
 * thread. All of a partition lies in one hash slot. Every read and every write of a partition compares the position
 * applied, as a whole text, in the same atomic step (commit-protocol.md, 3d, 4, 9). No call blocks for longer than
 * about 1 s (opening a cluster: for each node that hangs). LC_ERROR_RETRY: the connection is lost or the server is away
 * (the next call reconnects): recover. LC_ERROR_CONFIG: a server that must not be used (maxmemory-policy, another
 * layout): stop. */
#pragma once

#include <leadclock/base.h>

#define LC_DUE_GRAIN_MS 16 /* wake-ups this near each other may come together: a timer is late by as much */

/* One field of a counters hash. */
typedef struct {
    lc_text metric;
    int64_t count;
} lc_stored_count;

/* A read of one partition (step 4): the position, how many wake-ups there are, those due, leads, counters; what takes
 * more than one MULTI is of one position too. Wake-ups are only added: one that no longer holds, because its lead wants
 * to wake at another time by now, is still there until that time comes. So they may be of any lead, and twice. */
typedef struct {
    int32_t partition;

    /* in */
    lc_instant due_before; /* wake-ups with at < due_before, but those of its last LC_DUE_GRAIN_MS may come later;
                              LC_ABSENT: they are not asked for */
    unsigned max_due;      /* at most so many; 0: only when the next one is */
    const lc_text *lead_ids;
    size_t n_leads;
    size_t most_bytes;          /* it is left out where the leads of the reads before it took more; 0: no bound */
    const lc_text *populations; /* "channel|cohort" */
    size_t n_populations;
    bool count_wakeups;         /* also how many wake-ups there are */
    const lc_instant *wake_ats; /* by lead_ids: also whether the lead has a wake-up just then (LC_NEVER: not asked
                                   for); NULL: of none. For verify */
    bool all_populations;       /* also the names of all populations of the partition: after an assignment */

    /* out; good until the next read_begin */
    lc_text applied;  /* the position applied; absent: none. The caller compares it */
    size_t n_wakeups; /* of the partition, if they were to be counted; those that no longer hold too */
    lc_text *due;     /* lead ids */
    size_t n_due;
    bool is_untidy;           /* a write that takes these (takes_due) is wanted even where there are none */
    lc_instant next_wakeup;   /* none that is left after those in `due` is earlier; LC_NEVER: none */
    bool is_left_out;         /* nothing below is set, nor `applied` */
    lc_text *leads;           /* the states, by lead_ids; absent: not there */
    bool *has_wakeup;         /* by lead_ids, if that was asked for */
    lc_stored_count **counts; /* by populations */
    size_t *n_counts;
    lc_text *population_names;
    size_t n_population_names;
} lc_store_read;

typedef struct {
    lc_text lead_id;
    lc_text state;      /* absent: the lead is deleted */
    lc_instant wake_at; /* LC_NEVER: none */
    bool wake_changed;  /* false: there is a wake-up at that time already; true: one is added */
} lc_lead_change;

/* Absolute values of one population; replaces what is there. None: the population is deleted. */
typedef struct {
    lc_text population; /* "channel|cohort" */
    const lc_stored_count *counts;
    size_t n_counts;
} lc_counters_change;

/* A guarded write of one partition: nothing happens unless the position is `expected` as a whole. */
typedef struct {
    int32_t partition;
    lc_text expected; /* absent: there must be none */
    lc_text next;     /* the new position */
    const lc_lead_change *leads;
    size_t n_leads;
    const lc_counters_change *counters;
    size_t n_counters;
    const lc_text *unlink_keys; /* keys found by scan, to be removed (3b) */
    size_t n_unlink_keys;
    lc_instant now; /* about: what is near it is kept in finer order */
    bool takes_due; /* of the due wake-ups that were last read the first n_taken are removed, and what is untidy is put
                       in order: once a read */
    size_t n_taken;

    bool written; /* out; false: the position was another, or changed meanwhile; nothing was written */
} lc_store_write;

typedef struct lc_store lc_store;

typedef struct {
    /* Connects, checks the server and that the layout there is ours for so many partitions; notes it where there is
     * none yet. That of an earlier version is as good as nothing: no position is read, and the first write takes all of
     * them away, so that it is made anew. Before all else, and again after LC_ERROR_RETRY. LC_ERROR_CONFIG names what
     * is wrong and what to do. */
    bool (*open)(lc_store *store, int32_t partitions, GError **error);

    /* Several partitions at once: begin sends, end waits for all. The reads must live between. LC_ERROR_RETRY too where
     * keys were evicted before they were done: the positions from before are gone then. */
    bool (*read_begin)(lc_store *store, lc_store_read *reads, size_t n, GError **error);
    bool (*read_end)(lc_store *store, GError **error);

    /* Guarded writes. One of a partition at a time; two round trips each. After an error what was written is not
     * known: recover. A write that was done only in part (a wrong type) has moved the position all the same, which is
     * then removed (step 9: a lost view), if that can be done, and is LC_ERROR_RETRY; so is one that was refused as a
     * whole (out of memory), which changes nothing. */
    bool (*write_begin)(lc_store *store, lc_store_write *writes, size_t n, GError **error);
    bool (*write_end)(lc_store *store, GError **error);

    /* The keys of the partition but the position, a few thousand a call: `*cursor` starts at 0 and ends at 0. Keys may
     * come twice. Texts good until the next call. */
    bool (*scan)(lc_store *store, int32_t partition, uint64_t *cursor, lc_text **keys, size_t *n, GError **error);

    /* The leads of the partition, in the same way: for verify. */
    bool (*scan_leads)(lc_store *store, int32_t partition, uint64_t *cursor, lc_text **ids, size_t *n, GError **error);

    void (*free)(lc_store *store);
} lc_store_ops;

struct lc_store {
    const lc_store_ops *ops;
};

/* ---- How they are called ---- */

static inline bool
lc_store_open(lc_store *store, int32_t partitions, GError **error)
{
    return store->ops->open(store, partitions, error);
}

static inline bool
lc_store_read_begin(lc_store *store, lc_store_read *reads, size_t n, GError **error)
{
    return store->ops->read_begin(store, reads, n, error);
}

static inline bool
lc_store_read_end(lc_store *store, GError **error)
{
    return store->ops->read_end(store, error);
}

static inline bool
lc_store_write_begin(lc_store *store, lc_store_write *writes, size_t n, GError **error)
{
    return store->ops->write_begin(store, writes, n, error);
}

static inline bool
lc_store_write_end(lc_store *store, GError **error)
{
    return store->ops->write_end(store, error);
}

static inline bool
lc_store_scan(lc_store *store, int32_t partition, uint64_t *cursor, lc_text **keys, size_t *n, GError **error)
{
    return store->ops->scan(store, partition, cursor, keys, n, error);
}

static inline bool
lc_store_scan_leads(lc_store *store, int32_t partition, uint64_t *cursor, lc_text **ids, size_t *n, GError **error)
{
    return store->ops->scan_leads(store, partition, cursor, ids, n, error);
}

static inline void
lc_store_free(lc_store *store)
{
    store->ops->free(store);
}
