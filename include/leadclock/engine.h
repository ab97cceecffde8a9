/* engine.h - the partition machine: batches, recovery, safe time, wake-ups. Exactly once, by commit-protocol.md.
 *
 * Sees Kafka and Redis only as lc_log and lc_store, and time only as lc_time, so that the simulator runs this very
 * code. Uses core, codec and registry. */
#pragma once

#include <leadclock/base.h>
#include <leadclock/core.h>
#include <leadclock/log.h>
#include <leadclock/registry.h>
#include <leadclock/store.h>

/* Where time comes from. */
typedef struct lc_time lc_time;
struct lc_time {
    lc_instant (*wall)(lc_time *time);     /* Unix milliseconds */
    int64_t (*monotonic_ms)(lc_time *time);
    void (*sleep_ms)(lc_time *time, int ms);
};

/* The machine's clocks. */
extern lc_time lc_system_time;

/* What a worker has done so far and how it stands; written by the worker, read by any thread. */
typedef struct lc_worker_stats lc_worker_stats;

typedef struct {
    const char *name;           /* for logs and metadata: the transactional id */
    lc_log *log;                /* handed over */
    lc_store *store;            /* handed over */
    lc_registry *registry;      /* handed over */
    lc_time *time;              /* borrowed */
    const lc_policy_book *book; /* borrowed */
    const char *const *input_names; /* topics, by index; borrowed */
    const char *subjects_prefix[LC_OUTPUTS]; /* output topic names, by lc_output; borrowed */
    unsigned batch_facts, batch_wakeups;
    int linger_ms;
    lc_duration lateness, patience, max_future;
    bool cloud_events;          /* headers on outcomes */
} lc_worker_options;

typedef struct lc_worker lc_worker;

lc_worker *lc_worker_new(const lc_worker_options *options);
void lc_worker_free(lc_worker *worker);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_worker, lc_worker_free)

/* Runs until lc_worker_stop (true) or until it must stop (LC_ERROR_CONFIG: exit code 2, LC_ERROR_FATAL: 1). Waits for
 * servers that are away. */
bool lc_worker_run(lc_worker *worker, GError **error);

/* From any thread or a signal handler: finish the batch and return. */
void lc_worker_stop(lc_worker *worker);
