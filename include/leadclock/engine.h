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

typedef struct {
    const char *transactional_id; /* of `log`'s producer; names this worker in logs and in committed metadata */
    const char *source;           /* CloudEvents ce_source: the consumer group */
    lc_log *log;                  /* handed over */
    lc_store *store;              /* handed over */
    lc_registry *registry;        /* handed over */
    lc_time *time;                /* borrowed, as is all that follows; must outlive the worker */
    const lc_policy_book *book;
    const char *const *input_names; /* topics, by index, NULL-terminated */
    const char *output_names[LC_OUTPUTS];
    unsigned batch_facts, batch_wakeups;
    lc_duration linger, lateness, patience, max_future;
    bool cloud_events;         /* headers on outcomes */
    bool accept_policy_change; /* go on although leads were judged by other documents than those in effect now */
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
