/* worker.h - what the files of the engine share. Private to this room.
 *
 * worker.c    the loop, rebalances, waiting for servers
 * verify.c    the store against the changelogs
 * recover.c   step 3: from what was committed to a store that shows it
 * batch*.c    steps 4 to 9: one batch, from poll to apply (batch.h)
 * facts.c     records -> facts, or dead letters
 * outbox.c    outcomes, states, counters and dead letters on their way into one transaction
 * counters.c  absolute counters from changes
 * safe_time.c how far time is known to have passed in the input
 * wall_clock.c whether the wall clock is believed
 * refusal.c   what a publisher is told of a record that is no fact
 * told.c      what is told to the log once, or as a number
 * position.c  (O, C) as text: committed metadata, and the position applied in the store
 * schemas.c   schema ids: ours for writing, plans for reading */
#pragma once

#include <leadclock/codec.h>
#include <leadclock/engine.h>
#include <leadclock/text.h>

#include <stdatomic.h>

#ifndef LC_PIECE_LEADS      /* the simulator has smaller ones */
#define LC_PIECE_LEADS 5000 /* leads of one guarded write (servers.md: an EXEC of 10,000 blocks readers 40 ms) */
#endif

#define LC_BATCH_BYTES ((size_t)64 * 1024 * 1024) /* of a batch's records, and of the states it loads */

#ifndef LC_READ_LEADS     /* the simulator reads fewer */
#define LC_READ_LEADS 128 /* leads of one read: whether it is taken is decided by what those before it took */
#endif

/* Checks that the simulator takes away, one at a time, to see that it finds the loss (tests/sim). */
typedef enum {
    LC_CHECK_CUT = 1 << 0,            /* nothing of a changelog at or above C is replayed (3c) */
    LC_CHECK_PIECES = 1 << 1,         /* the position moves with each piece (3d) */
    LC_CHECK_LOOK = 1 << 2,           /* an idle partition is looked at once a second (4) */
    LC_CHECK_WAIT = 1 << 3,           /* an open transaction of the last owner is waited for (3a) */
    LC_CHECK_FENCE = 1 << 4,          /* it is ended (3a) */
    LC_CHECK_CLAIM = 1 << 5,          /* the first transaction of an assignment is an empty one (3a) */
    LC_CHECK_EMPTYING = 1 << 6,       /* rec:0/0 is emptied again (3b) */
    LC_CHECK_LOST_TAIL = 1 << 7,      /* a changelog that ends below C has lost records (3a) */
    LC_CHECK_LOST_REWRITTEN = 1 << 8, /* so has one that gives an offset below C again (5) */
    LC_CHECK_LOST_OFFSETS = 1 << 9,   /* a changelog with records above C: the group has lost offsets (3c) */
    LC_CHECK_BROKER_CLOCK = 1 << 10,  /* a wall clock ahead of the broker's is not believed */
    LC_CHECK_SECOND_NO = 1 << 11,     /* a registry must say twice that it has no such schema */
    LC_CHECK_SURE = 1 << 12,          /* a position tells what no answer of the store was looked at for (9) */
    LC_CHECK_GROWTH = 1 << 13,        /* timers fire as of when the topics' partitions were counted */
    LC_CHECK_APART = 1 << 14          /* a partition that waits holds up no other */
} lc_check;
#ifdef LC_WEAKEN
extern unsigned lc_weakened;
#define LC_CHECKS(check) (!(lc_weakened & (check)))
#else
#define LC_CHECKS(check) true
#endif

/* ---- position.c ---- */

/* The position applied in the store, taken apart. */
typedef enum { LC_APPLIED_NONE, LC_APPLIED_RECOVERING, LC_APPLIED_WHOLE } lc_applied_kind;

typedef struct {
    lc_applied_kind kind;
    int64_t *offsets;            /* O by input topic, -1 where it names none; of WHOLE only */
    int64_t sure[LC_CHANGELOGS]; /* B: all below is there; at or above there may be holes */
    int64_t ends[LC_CHANGELOGS]; /* C: nothing at or above is there */
} lc_applied;

/* `rec:B>C:nonce`, or `O:B>C:nonce`, with a fresh nonce; without `B>` where B is C. Caller frees. */
char *lc_applied_format_recovering(const int64_t *sure, const int64_t *ends);
char *
lc_applied_format(const char *const *input_names, const int64_t *offsets, const int64_t *sure, const int64_t *ends);
/* `text` absent: NONE. False: not one of ours. `offsets` from `arena`. */
bool lc_applied_parse(lc_text text, const char *const *input_names, int n_inputs, lc_arena *arena, lc_applied *applied);

/* What travels with committed offsets. */
typedef struct {
    int32_t partitions; /* of the inputs; 0: not known, of an older version */
    bool republished;   /* facts from before lie in the inputs again, and not all were seen to be read */
    int64_t ends[LC_CHANGELOGS];
    lc_text policy_hash, transactional_id;
} lc_metadata;

/* Instead of it: what Kafka has lost, said by an owner that stopped for it. */
#define LC_METADATA_LOST "lost: "

char *lc_metadata_format(const lc_metadata *metadata);
bool lc_metadata_parse(lc_text text, lc_metadata *metadata);

/* ---- schemas.c ---- */

typedef struct lc_schemas lc_schemas;

typedef enum { LC_PLAN_READY, LC_PLAN_UNREADABLE, LC_PLAN_NO_SUCH_ID, LC_PLAN_NOT_ASKED } lc_plan_state;

/* The registry is handed over. `timeout`: an id that it fails for so long, while it gives others, is taken for a no. */
lc_schemas *lc_schemas_new(lc_registry *registry, lc_duration timeout, lc_time *time, lc_told *told);
void lc_schemas_free(lc_schemas *schemas);
/* Registers what we write: every outcome for its topic, both changelogs. Repeat while LC_ERROR_RETRY. */
bool lc_schemas_register(lc_schemas *schemas, const char *const *output_names, GError **error);
uint32_t lc_schemas_id(const lc_schemas *schemas, lc_output output, lc_schema schema);
/* The plan of a writer's schema; `*plan` is set for READY only. */
lc_plan_state lc_schemas_plan(lc_schemas *schemas, uint32_t id, const lc_plan **plan);
/* What the registry said where there is NO_SUCH_ID; NULL: no more than that. */
const char *lc_schemas_why_not(const lc_schemas *schemas, uint32_t id);
/* The registry is slow: what was asked of it is under way. */
bool lc_schemas_is_asking(const lc_schemas *schemas);
/* Asks the registry for these ids (uint32_t, taken out of `ids`) until it is known of each what it is: a registry that
 * does not answer is waited for; a no is believed when it was said twice; and where it fails for an id alone, after
 * its time-out. A no is remembered for a minute. False: give up (see lc_worker_tend), or an error. */
bool lc_schemas_learn(lc_worker *worker, GArray *ids, GError **error);
/* The plan that a framed value of ours needs, as far as it is known at once. NULL: LC_ERROR_RETRY: the registry does
 * not answer, fails for this id, or has denied it once; it is to be tried again. LC_ERROR_FATAL: the value is not ours,
 * or its schema can't be read. LC_ERROR_CONFIG: the registry has no such schema. */
const lc_plan *lc_schemas_try(lc_worker *worker, lc_text value, GError **error);
/* The same; what is to be tried again is waited for. NULL: give up too (see lc_worker_tend). */
const lc_plan *lc_schemas_need(lc_worker *worker, lc_text value, GError **error);

/* ---- facts.c ---- */

typedef struct lc_batch_lead lc_batch_lead;

/* A record of the batch, and what became of it: a fact, or a dead letter. */
typedef struct {
    lc_log_event event;
    lc_fact fact;
    lc_text lead_id; /* equal to the key */
    bool refused;    /* a dead letter, for this reason; otherwise a fact */
    lc_dead_reason reason;
    const char *detail;
    lc_batch_lead *lead;
} lc_batch_record;

/* Decodes the records; asks the registry for schemas not seen yet, and waits for it. Details come from `arena`.
 * False: give up (see lc_worker_tend), or an error. */
bool lc_facts_decode(lc_worker *worker, lc_batch_record *records, size_t n, lc_arena *arena, GError **error);
void lc_fact_refuse(lc_batch_record *record, lc_dead_reason reason, lc_arena *arena, const char *format, ...)
    G_GNUC_PRINTF(4, 5);

/* ---- refusal.c: a record that is no fact, with a message that says what is wrong with it, and what to do ---- */

/* It is not framed, or its schema is not known. */
void lc_refuse_frame(const lc_worker *worker, lc_batch_record *record, lc_arena *arena);
void lc_refuse_schema(const lc_worker *worker, lc_batch_record *record, uint32_t id, lc_arena *arena);
/* Its key is not its lead_id. */
void lc_refuse_key(lc_batch_record *record, lc_arena *arena);

/* A fact whose outcomes Kafka refused for their size goes to the dead letters when it comes again. */
void lc_facts_poison(lc_worker *worker, const lc_log_event *record);
bool lc_facts_is_poison(const lc_worker *worker, const lc_log_event *record);

/* ---- counters.c ---- */

typedef struct {
    lc_text name;    /* "channel|cohort"; owned */
    lc_text channel; /* part of it */
    int32_t cohort;
    bool loaded;        /* the counts are those of the store, and changes since */
    bool changed;       /* in this batch */
    GHashTable *counts; /* lc_text * -> int64_t *, side by side in one allocation */
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
/* The batch is applied. */
void lc_partition_counters_settle(lc_partition_counters *counters);

/* ---- outbox.c ---- */

/* Where a message comes from: ce_id says so, and a refusal for its size is traced to it. */
typedef struct {
    int topic; /* index of the input; -1: a wake-up */
    int32_t partition;
    int64_t offset; /* of the fact */
    lc_instant now; /* of the wake-up */
    uint32_t tag;   /* the record's index in the batch; LC_TAG_NONE: none */
} lc_cause_of;
#define LC_TAG_NONE UINT32_MAX

/* All that one transaction will produce, encoded, in order. */
typedef struct lc_outbox lc_outbox;

lc_outbox *lc_outbox_new(const lc_worker_options *options, const lc_schemas *schemas);
void lc_outbox_free(lc_outbox *outbox);
void lc_outbox_clear(lc_outbox *outbox);
/* Keys, reasons and record bytes are borrowed until the next clear; outcomes are encoded at once. */
void lc_outbox_add_outcome(lc_outbox *outbox, lc_text lead_id, const lc_outcome *outcome, lc_cause_of cause);
/* `*offset` is filled in by produce and flush. Returns what finds the encoded value again. */
size_t lc_outbox_add_state(lc_outbox *outbox, int32_t partition, const lc_lead *lead, int64_t *offset);
void lc_outbox_add_counters(lc_outbox *outbox, int32_t partition, const lc_population *population,
                            const lc_stored_count *counts, size_t n, lc_arena *arena, int64_t *offset);
/* At most `most_bytes` of the value. */
void lc_outbox_add_dead_letter(lc_outbox *outbox, const lc_log_event *record, lc_dead_reason reason, const char *detail,
                               size_t most_bytes, lc_cause_of cause);
/* The value of a message, with its frame; absent: a tombstone. Good until something is added. */
lc_text lc_outbox_value(const lc_outbox *outbox, size_t message);
size_t lc_outbox_size(const lc_outbox *outbox);
bool lc_outbox_produce(const lc_outbox *outbox, lc_log *log, GError **error);

/* ---- safe_time.c ---- */

typedef struct {
    int64_t done;                   /* every record before it is judged and applied */
    lc_instant append_at;           /* LogAppendTime of the last record judged, or LC_ABSENT */
    lc_instant confirmed_append_at; /* the same, as of when all facts were last known to lie where they are read */
    lc_instant seen_at;             /* the last wall time at which it was seen consumed to its end, or LC_ABSENT */
    int64_t asked_end;              /* an end not reached yet, asked for after `asked_at`; -1: none */
    lc_instant asked_at;
    int64_t behind_since_ms; /* monotonic; -1: not behind */
} lc_input_time;

typedef struct {
    lc_input_time *inputs;
    int n_inputs;
    lc_instant now;   /* safe time; LC_ABSENT: unknown. Never goes back */
    bool republished; /* records may tell of facts from long before: no record's time is trusted until every input was
                         seen at its end */
} lc_safe_time;

void lc_safe_time_init(lc_safe_time *safe, int n_inputs, const int64_t *offsets);
void lc_safe_time_clear(lc_safe_time *safe);
/* An end that was asked for at wall time `at`: all that was published to the input by then is before it. */
void lc_safe_time_asked(lc_safe_time *safe, int input, int64_t end, lc_instant at, int64_t monotonic_ms);
void lc_safe_time_done(lc_safe_time *safe, int input, int64_t done, lc_instant append_at);
/* All that was published by now lies in partitions that are read. Without it time does not go on. */
void lc_safe_time_confirm(lc_safe_time *safe);
void lc_safe_time_advance(lc_safe_time *safe, int64_t monotonic_ms, lc_duration lateness, lc_duration patience);
/* Unknown again, as after an assignment: what was seen was timed by a wrong clock. */
void lc_safe_time_forget(lc_safe_time *safe);

/* ---- wall_clock.c ---- */

typedef struct {
    lc_duration max_future;
    lc_duration believed_ahead; /* the furthest that the wall clock was believed ahead of the monotonic one */
    lc_instant append_at;       /* what the broker's clock said; LC_ABSENT: not known */
    int64_t sent_ms, told_ms;   /* monotonic: it said so between these */
} lc_wall_clock;

typedef enum {
    LC_WALL_BELIEVED,
    LC_WALL_JUMPED,         /* ahead of the monotonic clock, and the broker does not agree with it */
    LC_WALL_AHEAD_OF_BROKER /* by more than max_future */
} lc_wall_belief;

void lc_wall_clock_init(lc_wall_clock *clock, lc_duration max_future);
/* The broker appended a record of ours, by its own clock at `append_at`, between these two monotonic moments. */
void lc_wall_clock_broker_said(lc_wall_clock *clock, lc_instant append_at, int64_t sent_ms, int64_t told_ms);
lc_wall_belief lc_wall_clock_judge(lc_wall_clock *clock, lc_instant wall, int64_t now_ms);
/* What the time is at most: the wall clock's, or the broker's where that is earlier; a jump ahead is not believed. */
lc_instant lc_wall_clock_checked(const lc_wall_clock *clock, lc_instant wall, int64_t now_ms);
/* By how much at least; LC_ABSENT: not known. */
lc_duration lc_wall_clock_ahead_of_broker(const lc_wall_clock *clock, lc_instant wall, int64_t now_ms);

/* ---- worker.c ---- */

typedef struct lc_recovery lc_recovery;

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
    bool is_unsure;                   /* it was written before the answer to its write was looked at: B is below C */
    lc_instant next_wakeup;           /* no wake-up is earlier; LC_NEVER: none */
    size_t n_wakeups;                 /* in the store, as last read */
    int64_t looked_ms;                /* monotonic: when the position was last compared */
    int64_t moved_ms;                 /* monotonic: when O was last committed as far as was read */
    lc_safe_time safe;
    lc_partition_counters *counters;
    bool policy_checked;
    char *policy_hash;            /* as last committed; NULL: never */
    lc_recovery *recovery;        /* under way; NULL: none */
    bool waits;                   /* its recovery, for something that was told */
    int64_t resume_ms;            /* monotonic: its recovery goes on, not before */
    int64_t *seen_ends;           /* ends last asked for, by input topic; -1: never */
    unsigned n_unanswered;        /* questions for them, one after the other */
    uint64_t wrong_partition;     /* dead letters that another partitioner made */
    int64_t rebuild_left_ms;      /* an estimate */
    int64_t rebuilt, rebuild_end; /* offsets of the changelog being replayed; both 0: none */
} lc_partition;

lc_partition *lc_partition_new(const lc_worker *worker, int32_t number);
void lc_partition_free(void *partition);
/* It is dropped from memory and recovered before anything else is done. */
void lc_partition_lose(lc_partition *partition, lc_recovery_cause cause);

typedef struct lc_batch lc_batch;

struct lc_worker {
    lc_worker_options options;
    lc_log *log;
    lc_store *store;
    lc_time *time;
    lc_schemas *schemas;
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
    int64_t give_up_ms;                  /* a server is waited for so long; 0: for ever */
    int64_t complained_ms;               /* monotonic: when a wait was last logged */
    int64_t left_ms;                     /* monotonic: since when it has no assignment */
    int64_t trouble_ms; /* monotonic: the first of the last rounds that ended badly, and how many they were */
    unsigned n_troubles;
    unsigned n_unanswered; /* questions for partitions, one after the other */
    bool group_checked;    /* what the group gave out, in this assignment */
    lc_wall_clock wall_clock;
    bool clock_doubted;
    int64_t probed_ms; /* monotonic: when the broker was last asked for its clock */
    char *policy_hash;
    lc_instant policy_hash_from, policy_hash_until; /* it is that of any time between */
    GHashTable *poison; /* "topic/partition/offset" of facts whose outcomes Kafka refused for their size */
    lc_batch *batch;
    unsigned leads_at_once;  /* a batch is to have no more facts, or due wake-ups of a partition */
    size_t lead_bytes;       /* the mean of the states last read */
    int64_t asked_ms;        /* monotonic: when ends were last asked for */
    lc_worker_report report; /* the worker's own, without partitions */
    GMutex shared_lock;
    lc_worker_report shared;                   /* a copy of it for others */
    _Atomic(const lc_policy_book *) next_book; /* to be judged by from the next batch on; NULL: none */
    lc_tell_rebuild tell_rebuild;              /* or NULL */
    void *rebuild_data;
    atomic_bool stopping;
};

/* ---- told.c ---- */

/* What a batch has committed: those refused, and those without a channel. Takes the texts over (where such a record
 * lies and what is wrong with it; NULL: there is none). */
void lc_told_add(lc_told *told, const lc_worker_tally *tally, char *last_refused, char *last_without_channel);
/* Tells how many there were, unless `at_once` at most once in 10 s; `dead_letters` is their topic. */
void lc_told_tell(lc_told *told, const char *dead_letters, int64_t now_ms, bool at_once);

/* ---- report.c ---- */

void lc_histogram_add(lc_histogram *histogram, int64_t ms);
/* `fact` NULL: a wake-up. */
void lc_tally_judgement(lc_worker_tally *tally, const lc_fact *fact, const lc_judgement *judgement);
/* Lets others see how the worker stands. */
void lc_worker_publish_report(lc_worker *worker);

int64_t lc_worker_now_ms(const lc_worker *worker);
bool lc_worker_is_stopping(const lc_worker *worker);
lc_partition *lc_worker_partition(const lc_worker *worker, int32_t number);

/* When the next recovery that was put off goes on; INT64_MAX: there is none. */
int64_t lc_worker_resumes_in_ms(const lc_worker *worker);

/* Looks for the topics, registers the schemas and opens the store; waits for servers. */
bool lc_worker_prepare(lc_worker *worker, GError **error);
/* While something is waited for: polls the group for up to `wait_ms`, all inputs paused. False: give up, because the
 * assignment is gone or the worker is to stop (`error` unset), or for an error. */
bool lc_worker_tend(lc_worker *worker, int wait_ms, GError **error);
/* Acts on what is no record. False as above. */
bool lc_worker_handle(lc_worker *worker, const lc_log_event *event, GError **error);
/* Tells why the worker waits, once in 10 s (all workers together); takes the error. */
void lc_worker_complain(lc_worker *worker, const char *what, GError **error);
/* Calls `call` until it no longer says LC_ERROR_RETRY, tending the group and complaining meanwhile. */
typedef bool (*lc_worker_call)(lc_worker *worker, void *argument, GError **error);
bool lc_worker_insist(lc_worker *worker, const char *what, lc_worker_call call, void *argument, GError **error);
/* Whether no worker has said it yet. */
bool lc_worker_may_say_once(lc_worker *worker, const char *what);

/* Whether the wall clock is to be believed; tells each change, and asks the broker for its clock where it may be wrong.
 */
bool lc_worker_believes(lc_worker *worker, lc_instant wall, int64_t now_ms);
/* After a flush: when the broker appended what was sent since `sent_ms`. `is_expected`: some of it went to a changelog.
 */
void lc_worker_take_append_time(lc_worker *worker, int64_t sent_ms, bool is_expected);
/* Before a commit, after a flush: what was judged as of `now` is not ahead of the broker's clock, as far as that is
 * known. LC_ERROR_ABORT. */
bool lc_worker_proves(lc_worker *worker, lc_instant now, GError **error);
/* Safe times are unknown again. */
void lc_worker_forget_time(lc_worker *worker);

/* Whether all facts that were published by now lie in partitions that are read: asks for the topics and, once an
 * assignment, for what the group gave out. LC_ERROR_CONFIG: topics have grown. */
bool lc_worker_confirm_partitions(lc_worker *worker, GError **error);

/* LC_ERROR_CONFIG: this was committed when the topics had another number of partitions. */
bool lc_worker_compare_count(const lc_worker *worker, const lc_metadata *metadata, GError **error);

/* The hash of the documents in effect now, by a clock that is not ahead of the broker's as far as that is known. */
const char *lc_worker_policy_hash(lc_worker *worker);
/* Whether `hash` is that of the first documents of our book, however many. */
bool lc_worker_knows_policy_hash(const lc_worker *worker, lc_text hash);

/* ---- recover.c ---- */

/* Step 3, as far as it goes at once: where the partition must still recover, `resume_ms` says when to call again.
 * False: an error. */
bool lc_recover(lc_worker *worker, lc_partition *partition, GError **error);
/* Gives up a recovery under way; NULL: none. */
void lc_recovery_free(lc_recovery *recovery);
/* Removes all of a partition from the store, but a position that says that nothing is applied. */
bool lc_empty(lc_worker *worker, lc_partition *partition, GError **error);
/* Steps a to d on a store that is emptied first. `*n_records` grows by those replayed. */
bool lc_rebuild(lc_worker *worker, lc_partition *partition, uint64_t *n_records, GError **error);

/* ---- batch.c ---- */

lc_batch *lc_batch_new(lc_worker *worker);
void lc_batch_free(lc_batch *batch);
/* Aborts the transaction of the batch if one is open: before its partitions are given up. */
void lc_batch_abort(lc_batch *batch);
/* One batch of the partitions that need no recovery, steps 4 to 9. False: give up, or an error; its partitions are
 * marked to recover. */
bool lc_batch_process(lc_batch *batch, GError **error);
/* Writes the positions of partitions whose last apply was looked at since (step 9), so that who comes next replays
 * nothing. False: an error; what could not be written is marked to recover. */
bool lc_batch_make_sure(lc_batch *batch, GError **error);
