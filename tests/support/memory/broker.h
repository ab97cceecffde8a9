/* broker.h - the inside of the memory broker: partitions, transactions, the group. */
#pragma once

#include "memory.h"

/* A transaction without a marker in a partition. */
typedef struct {
    uint64_t transaction;
    int64_t first_offset;
} lc_memory_open;

typedef struct {
    GPtrArray *records; /* lc_memory_record*, by offset */
    GArray *open;       /* lc_memory_open */
    int64_t low, end;
} lc_memory_partition;

typedef struct {
    int topic;
    int32_t partition;
    int64_t offset;
    char *metadata; /* owned */
} lc_memory_offset;

typedef enum {
    LC_MEMORY_TXN_EMPTY,
    LC_MEMORY_TXN_ONGOING,
    LC_MEMORY_TXN_COMMITTING, /* decided, some markers are not written */
    LC_MEMORY_TXN_ABORTING
} lc_memory_txn_state;

/* `partition` NULL: the offsets. */
typedef struct {
    lc_memory_partition *partition;
    lc_instant due;
} lc_memory_pending_marker;

/* The transaction coordinator's view of one transactional id. */
typedef struct {
    char *id;
    int64_t epoch; /* of the only producer that is heard */
    lc_memory_txn_state state;
    uint64_t transaction; /* its number while not EMPTY */
    lc_instant started_at;
    GPtrArray *partitions; /* lc_memory_partition* that take part */
    GArray *offsets;       /* lc_memory_offset, pending */
    GArray *markers;       /* lc_memory_pending_marker */
} lc_memory_coordinator;

/* An EndTxn on its way. */
typedef struct {
    lc_memory_coordinator *coordinator;
    int64_t epoch;
    bool commit;
    lc_instant due;
} lc_memory_late_end;

/* A produce request, or one offset to commit, that its producer has given up, and that is on its way. */
typedef struct {
    lc_memory_coordinator *coordinator;
    int64_t epoch;
    uint64_t transaction; /* that it was sent for */
    bool awaits_next;     /* it comes within the next one of this producer, if there is one before it is due */
    lc_memory_partition *partition; /* NULL: an offset */
    lc_memory_record *record;       /* owned */
    lc_memory_offset offset;
    lc_instant due;
} lc_memory_late_request;

typedef struct lc_memory_log lc_memory_log;

typedef struct {
    char *instance, *transactional_id;
    uint64_t id;
    lc_memory_log *client; /* NULL: gone */
    lc_instant seen_at;
    bool joined;        /* in the rebalance that is under way */
    GArray *assignment; /* int32_t */
} lc_memory_member;

typedef struct {
    int64_t generation;
    bool rebalancing;
    lc_instant rebalance_began;
    GPtrArray *members; /* lc_memory_member*, by instance */
    uint64_t last_member_id;
} lc_memory_group;

struct lc_memory_broker {
    lc_memory_world *world;
    int n_inputs;
    int32_t n_partitions;
    lc_memory_partition *partitions; /* by topic, inputs first */
    lc_memory_offset *committed;     /* by input and partition */
    GPtrArray *coordinators;         /* lc_memory_coordinator* */
    GArray *late_ends;               /* lc_memory_late_end */
    GArray *late_requests;           /* lc_memory_late_request */
    uint64_t last_transaction;
    lc_memory_group group;
    lc_memory_limits limits;
    unsigned weakened;
    bool grown; /* an input has partitions that are not modelled */
};

/* ---- The world, with its defaults ---- */

lc_instant lc_memory_now(lc_memory_world *world);
void lc_memory_step(lc_memory_world *world, const char *call);
void lc_memory_wait(lc_memory_world *world, int ms);
bool lc_memory_has_fault(lc_memory_world *world, lc_memory_fault fault);
lc_duration lc_memory_delay_of(lc_memory_world *world, lc_memory_delay delay);
uint32_t lc_memory_pick(lc_memory_world *world, uint32_t n);
void lc_memory_trace(lc_memory_world *world, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* ---- Partitions ---- */

lc_memory_partition *lc_memory_partition_at(lc_memory_broker *broker, int topic, int32_t partition);
int64_t lc_memory_partition_stable_end(const lc_memory_partition *partition);
/* The index of the first record at `offset` or later. */
size_t lc_memory_partition_find(const lc_memory_partition *partition, int64_t offset);
lc_memory_record *
lc_memory_partition_append(lc_memory_broker *broker, lc_memory_partition *partition, const lc_memory_record *record);

/* ---- Transactions ---- */

typedef enum {
    LC_MEMORY_DONE,
    LC_MEMORY_CONCURRENT, /* the former transaction has markers to write: try again */
    LC_MEMORY_FENCED,     /* another producer has the transactional id, or the group does not know the member */
    LC_MEMORY_INVALID     /* there is no such transaction */
} lc_memory_answer;

lc_memory_coordinator *lc_memory_coordinator_of(lc_memory_broker *broker, const char *transactional_id);
lc_memory_answer lc_memory_init_producer(lc_memory_broker *broker, lc_memory_coordinator *coordinator, int64_t *epoch);
/* Fills in offset, status and transaction. */
lc_memory_answer lc_memory_txn_append(lc_memory_broker *broker, lc_memory_coordinator *coordinator, int64_t epoch,
                                      lc_memory_partition *partition, lc_memory_record *record);
lc_memory_answer lc_memory_txn_offset(lc_memory_broker *broker, lc_memory_coordinator *coordinator, int64_t epoch,
                                      int topic, int32_t partition, int64_t offset, const char *metadata);
lc_memory_answer
lc_memory_txn_end(lc_memory_broker *broker, lc_memory_coordinator *coordinator, int64_t epoch, bool commit);
void lc_memory_txn_end_later(lc_memory_broker *broker, lc_memory_coordinator *coordinator, int64_t epoch, bool commit);
/* Arrive later: a copy of `record`, or an offset. */
void lc_memory_txn_append_later(lc_memory_broker *broker, lc_memory_coordinator *coordinator, int64_t epoch,
                                lc_memory_partition *partition, const lc_memory_record *record);
void lc_memory_txn_offset_later(lc_memory_broker *broker, lc_memory_coordinator *coordinator, int64_t epoch, int topic,
                                int32_t partition, int64_t offset, const char *metadata);
void lc_memory_late_request_clear(lc_memory_late_request *request);
void lc_memory_transactions_tick(lc_memory_broker *broker);
/* An offset of the partition is in a transaction without a marker. */
bool lc_memory_offsets_pending(lc_memory_broker *broker, int32_t partition);

/* ---- The group ---- */

/* Joins, or takes the place of the member of that instance. */
void lc_memory_group_join(lc_memory_broker *broker, lc_memory_log *client);
/* The client is no more; its membership runs out with the session. */
void lc_memory_group_forget(lc_memory_broker *broker, lc_memory_log *client);
lc_memory_member *lc_memory_group_member(lc_memory_broker *broker, uint64_t id);
lc_memory_member *lc_memory_group_instance(lc_memory_broker *broker, const char *instance);
void lc_memory_group_tick(lc_memory_broker *broker);

/* ---- A client of both ---- */

/* Where a consumer stands in one input of one partition. */
typedef struct {
    int topic;
    int32_t partition;
    bool sought, paused;
    int64_t position;
    int64_t stable_end, high_watermark; /* as of the last fetch; -1: none yet */
    int64_t told_end;                   /* PARTITION_EOF was emitted here; -1: not since seek */
} lc_memory_cursor;

typedef struct {
    lc_memory_partition *partition;
    lc_memory_record record; /* key, value, headers owned */
    int64_t *offset;
    uint32_t tag;
    size_t max_bytes;
} lc_memory_queued;

typedef enum {
    LC_MEMORY_UNSUBSCRIBED,
    LC_MEMORY_JOINING,
    LC_MEMORY_ASSIGNED,
    LC_MEMORY_RELEASING /* told to release, not done yet */
} lc_memory_membership;

struct lc_memory_log {
    lc_log log; /* first */
    lc_memory_broker *broker;
    lc_memory_world *world;
    char *instance;
    bool suspended;

    lc_memory_membership membership;
    uint64_t member_id;
    int64_t generation; /* both kept from the assignment */
    GArray *assignment; /* int32_t */
    GArray *cursors;    /* lc_memory_cursor: assignment x inputs */
    unsigned turn;      /* the cursor to look at first */
    GPtrArray *polled;  /* lc_memory_record* copies, until release_records */
    GArray *ends;       /* lc_log_end */

    lc_memory_partition *replaying;
    lc_memory_cursor replay;
    GPtrArray *replayed; /* copies, until replay_release */

    lc_memory_coordinator *coordinator;
    int64_t epoch; /* -1: no producer */
    bool in_transaction, must_abort, is_ending;
    lc_commit_result result;
    GArray *queue; /* lc_memory_queued */
    guint sent;    /* of queue */
    int64_t refused;
    lc_instant appended_at; /* the last record with an offset that is wanted; LC_ABSENT: none */
};

void lc_memory_producer_clear(lc_memory_log *log);
bool lc_memory_renew_producer(lc_log *log, GError **error);
bool lc_memory_begin(lc_log *log, GError **error);
bool lc_memory_produce(lc_log *log, const lc_outgoing *outgoing, GError **error);
bool lc_memory_flush(lc_log *log, GError **error);
lc_instant lc_memory_appended_at(lc_log *log);
int64_t lc_memory_refused(lc_log *log);
bool lc_memory_send_offsets(lc_log *log, const lc_log_commit *commits, size_t n, GError **error);
bool lc_memory_commit_begin(lc_log *log, GError **error);
lc_commit_result lc_memory_commit_end(lc_log *log, GError **error);
void lc_memory_abort(lc_log *log);

/* A copy in one piece of memory (g_free). */
lc_memory_record *lc_memory_record_copy(const lc_memory_record *record);
