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
    lc_instant (*wall)(lc_time *time); /* Unix milliseconds */
    int64_t (*monotonic_ms)(lc_time *time);
    void (*sleep_ms)(lc_time *time, int ms);
};

/* The machine's clocks. */
extern lc_time lc_system_time;

/* What the workers of a process have told the log, so that they say a thing once. For any thread. */
typedef struct lc_told lc_told;

lc_told *lc_told_new(void);
void lc_told_free(lc_told *told); /* or NULL */
/* False: another than `teller` (NULL: anybody) has said `what` less than `within_ms` ago. True: it is to be said now.
 */
bool lc_told_may_say(lc_told *told, const void *teller, const char *what, int64_t now_ms, int64_t within_ms);

/* How it is said that a row is no more. */
typedef enum {
    LC_DELETION_BOTH,     /* a value that is marked as deleted, then a tombstone */
    LC_DELETION_MARK,     /* the value alone */
    LC_DELETION_TOMBSTONE /* the tombstone alone */
} lc_deletion;

typedef struct {
    const char *transactional_id; /* of `log`'s producer; names this worker in logs and in committed metadata */
    const char *source;           /* CloudEvents ce_source: the consumer group */
    lc_log *log;                  /* handed over */
    lc_store *store;              /* handed over */
    lc_registry *registry;        /* handed over */
    lc_duration registry_timeout; /* an id that it fails for so long, while it gives others, is as good as unknown */
    lc_time *time;                /* borrowed, as is all that follows; must outlive the worker */
    lc_told *told;                /* shared by the workers of a process; NULL: the worker's own */
    const lc_policy_book *book;
    const char *const *input_names;       /* topics, by index, NULL-terminated */
    const char *output_names[LC_OUTPUTS]; /* NULL of a table: it is not published */
    unsigned batch_facts, batch_wakeups;
    size_t batch_bytes; /* of the states that a batch loads, and half of what it publishes; 0: 64 MiB */
    size_t cache_bytes; /* of leads that are kept as they were last committed; less than 1 KiB: none */
    lc_duration linger, lateness, patience, max_future;
    bool cloud_events;         /* headers on outcomes */
    lc_deletion deletion;      /* of rows */
    bool accept_policy_change; /* go on although leads were judged by other documents than those in effect now */
} lc_worker_options;

/* Why a record is a dead letter (architecture.md, Topics). */
typedef enum {
    LC_DEAD_UNREADABLE,
    LC_DEAD_UNKNOWN_TYPE,
    LC_DEAD_BAD_FACT,
    LC_DEAD_KEY_MISMATCH,
    LC_DEAD_WRONG_PARTITION,
    LC_DEAD_TOO_MANY_FACTS,
    LC_DEAD_LEAD_TOO_LARGE,
    LC_DEAD_UNKNOWN_SCHEMA
} lc_dead_reason;
#define LC_DEAD_REASONS 8

const char *lc_dead_reason_name(lc_dead_reason reason); /* "UNREADABLE" */

/* Why a partition was recovered. */
typedef enum {
    LC_RECOVERY_ASSIGNED,       /* the group gave it to us */
    LC_RECOVERY_STORE,          /* the store was elsewhere, or out of reach */
    LC_RECOVERY_ABORTED,        /* a transaction could not be finished */
    LC_RECOVERY_UNKNOWN_COMMIT, /* a commit whose result is not known for certain */
    LC_RECOVERY_OFFSET_LOST     /* an input's position is out of range */
} lc_recovery_cause;
#define LC_RECOVERY_CAUSES 5

const char *lc_recovery_cause_name(lc_recovery_cause cause); /* "assigned" */

/* Milliseconds, in buckets of at most 1, 2, 5, 10, ... (lc_histogram_bounds); the last one has no bound. */
#define LC_HISTOGRAM_BUCKETS 15
extern const int64_t lc_histogram_bounds[LC_HISTOGRAM_BUCKETS - 1];

typedef struct {
    uint64_t counts[LC_HISTOGRAM_BUCKETS];
    uint64_t sum_ms;
} lc_histogram;

typedef struct {
    int32_t number;
    bool ready;                   /* recovered, and its facts flow */
    lc_instant safe_time;         /* LC_ABSENT: unknown */
    lc_instant next_wakeup;       /* LC_NEVER: none */
    size_t n_wakeups;             /* in the store, as of the last read; those that no longer hold too */
    int64_t lag;                  /* records up to the ends last asked for, all inputs together; -1: not known */
    uint64_t wrong_partition;     /* dead letters that another partitioner made */
    int64_t rebuild_left_ms;      /* an estimate */
    int64_t rebuilt, rebuild_end; /* offsets of the changelog being replayed; both 0: none */
} lc_partition_report;

/* What was committed. */
typedef struct {
    uint64_t facts[LC_FACT_TYPES];                      /* taken */
    uint64_t repeated, automated, forgotten;            /* facts that changed nothing: see lc_verdict */
    uint64_t outcomes[LC_OUTCOME_TYPES][LC_CLOCKS + 1]; /* by clock; the last: no clock */
    uint64_t dead_letters[LC_DEAD_REASONS];
    uint64_t without_channel; /* hand-offs taken whose channel is empty */
    uint64_t wakeups;         /* that fired */
} lc_worker_tally;

void lc_tally_add(lc_worker_tally *sum, const lc_worker_tally *tally);

/* What a worker has done since its start, and how it stands. */
typedef struct {
    lc_worker_tally tally;
    uint64_t recoveries[LC_RECOVERY_CAUSES];
    uint64_t unclean_commits;
    lc_histogram transaction_ms, apply_ms;
    uint64_t leads_known, leads_read; /* of those that batches needed: kept from before, or read from the store */
    size_t cache_bytes;               /* of those kept */
    int64_t turned_ms;                /* monotonic: when the loop last went round */
    char waiting_for[512];            /* what it waits for; empty: nothing */
    char clock_problem[256];          /* why the wall clock is not believed: timers wait; empty: it is */
    lc_duration ahead_of_broker;      /* the wall clock, at least; LC_ABSENT: not known */
    bool joined;                      /* the group has given it an assignment, if an empty one */
    GArray *partitions;               /* lc_partition_report; NULL: none yet */
} lc_worker_report;

typedef struct lc_worker lc_worker;

lc_worker *lc_worker_new(const lc_worker_options *options);
void lc_worker_free(lc_worker *worker);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_worker, lc_worker_free)

/* Runs until lc_worker_stop (true) or until it must stop (LC_ERROR_CONFIG: exit code 2, LC_ERROR_FATAL: 1). Waits for
 * servers that are away. */
bool lc_worker_run(lc_worker *worker, GError **error);

/* From any thread or a signal handler: finish the batch and return. */
void lc_worker_stop(lc_worker *worker);

/* From any thread: judges by `book` from the next batch on. It must outlive the worker, as the one before must. The
 * caller has checked that the documents in effect are the same. */
void lc_worker_use_book(lc_worker *worker, const lc_policy_book *book);

/* From any thread: a copy of the report as of the worker's last round. Give it back with lc_worker_report_clear. */
void lc_worker_get_report(lc_worker *worker, lc_worker_report *report);
void lc_worker_report_clear(lc_worker_report *report);

/* ---- Instead of lc_worker_run: tools on a worker that joins no group (but for filling). They may run beside the live
 * service.
 *      ---- */

/* What differs between the store and the changelogs. */
typedef enum {
    LC_DIFFERS_POSITION,  /* the store has no position, or one that is not that of whole batches */
    LC_DIFFERS_LEAD,      /* a state is missing, not the one of the changelog, or should not be there */
    LC_DIFFERS_WAKEUP,    /* there is no wake-up at the time that the lead wants; more of them do no harm */
    LC_DIFFERS_POPULATION /* counters */
} lc_difference_kind;

typedef struct {
    int32_t partition;
    lc_difference_kind kind;
    lc_text key;      /* the lead, or the population; absent: of the whole partition */
    const char *what; /* "missing", "different", "extra", ... */
} lc_store_difference;

typedef struct {
    uint64_t leads, populations; /* compared */
    uint64_t differences;
} lc_verified;

typedef void (*lc_tell_difference)(const lc_store_difference *difference, void *data);

/* From now on a server that does not answer for so long is LC_ERROR_RETRY, and is not waited for. */
void lc_worker_give_up_after(lc_worker *worker, lc_duration patience);

/* How far the work on a partition is: `at` of `end`, offsets of the changelog for one. */
typedef void (*lc_tell_progress)(int32_t partition, int64_t at, int64_t end, void *data);

/* Compares every partition: states, wake-ups, counters, at the position that the store says of itself in the same
 * step. Waits for servers. False: an error, or stopped. `data`: of both. */
bool lc_worker_verify(lc_worker *worker, lc_tell_difference tell, lc_tell_progress tell_progress, void *data,
                      lc_verified *verified, GError **error);

/* Empties the store and makes it anew from the changelogs, one partition after the other: every `step`th, from `first`
 * on, so that several workers can share the work. A live service sees it and helps: each write is guarded. `tell` is
 * called from the thread that calls. `*n_records`: replayed. */
bool lc_worker_rebuild(lc_worker *worker, int32_t first, int32_t step, lc_tell_progress tell, void *data,
                       uint64_t *n_records, GError **error);

/* Publishes every row of every lead that is kept to the tables of `output_names`, partition by partition, as the only
 * member of the group; LC_ERROR_FATAL: there is another. Judges nothing. `*n_leads`: of how many rows were
 * published. */
bool lc_worker_fill(lc_worker *worker, lc_tell_progress tell, void *data, uint64_t *n_leads, GError **error);

/* Empties the store, partition by partition, and fills it with nothing: for reset. */
bool lc_worker_empty(lc_worker *worker, GError **error);

/* The metadata of offsets that are committed by hand where both changelogs are empty: it names no owner.
 * `republished`: facts from before lie behind them. Caller frees. */
char *lc_reset_metadata(const char *policy_hash, int32_t partitions, bool republished);

/* Instead of it, where a reset is under way: `run` refuses it, in these words. */
extern const char lc_reset_under_way[];

/* C, as this metadata says. False: it is none of ours, or tells of a loss. */
bool lc_metadata_ends(const char *metadata, int64_t ends[LC_CHANGELOGS]);

/* The same metadata where states were moved: for so many partitions, with another C. Caller frees. */
char *lc_moved_metadata(const char *metadata, int32_t partitions, const int64_t ends[LC_CHANGELOGS]);

/* How many partitions the inputs had when this metadata (or NULL) was committed; 0: it does not say. */
int32_t lc_metadata_partitions(const char *metadata);
