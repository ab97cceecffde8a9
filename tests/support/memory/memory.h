/* memory.h - lc_log and lc_store in memory: a small model of what Kafka and Redis promise, and of what they don't.
 *
 * For tests and the simulator. Uses log.h and store.h only. One thread, and deterministic: time, chance and scheduling
 * come from the lc_memory_world it is given. What it models is what servers.md and commit-protocol.md rely on:
 * transactions with markers that take offsets and may come late, last stable offset and high watermark, producer epochs
 * and fencing, EndTxn that is lost, late or doubled, transaction time-outs, pending offsets, a group with generations
 * and static members, PARTITION_EOF, compaction; WATCH and MULTI, lost connections and replies, an emptied or rolled
 * back database. */
#pragma once

#include <leadclock/base.h>
#include <leadclock/log.h>
#include <leadclock/store.h>

/* ---- The world around: time, chance, other workers ---- */

/* What may go wrong in a call. */
typedef enum {
    LC_MEMORY_FAULT_FETCH,       /* nothing is fetched now */
    LC_MEMORY_FAULT_ENDS,        /* LC_ERROR_RETRY of ends, watermarks, committed, seek, replay_open */
    LC_MEMORY_FAULT_ENDS_OF_ONE, /* ends leaves a partition out */
    LC_MEMORY_FAULT_RENEW,       /* LC_ERROR_RETRY of renew_producer */
    LC_MEMORY_FAULT_FLUSH,       /* a message is not delivered */
    LC_MEMORY_FAULT_FLUSH_LATE,  /* the same, but it arrives later */
    LC_MEMORY_FAULT_SEND,        /* send_offsets fails before anything happened */
    LC_MEMORY_FAULT_SEND_REPLY,  /* send_offsets fails although it happened */
    LC_MEMORY_FAULT_SEND_LATE,   /* send_offsets fails, but the offsets arrive later */
    LC_MEMORY_FAULT_END_LOST,    /* EndTxn never arrives; unknown */
    LC_MEMORY_FAULT_END_LATE,    /* EndTxn arrives later; unknown */
    LC_MEMORY_FAULT_END_REPLY,   /* EndTxn arrives, its answer does not; unknown */
    LC_MEMORY_FAULT_END_TWICE,   /* EndTxn arrives now and later again; unknown */
    LC_MEMORY_FAULT_STORE,       /* the connection is lost before the command arrives */
    LC_MEMORY_FAULT_STORE_REPLY, /* the connection is lost after the command was done */
    LC_MEMORY_FAULT_STORE_EXEC,  /* a command inside a MULTI fails: written in part, the position removed */
    LC_MEMORY_FAULT_STORE_TORN,  /* the same, and then the position can't be removed: it stays as written */
    LC_MEMORY_FAULT_DENIED       /* LC_ERROR_DENIED of renew_producer, flush, send_offsets, and of what ENDS has */
} lc_memory_fault;

typedef enum {
    LC_MEMORY_DELAY_MARKER, /* from EndTxn to the marker of one partition */
    LC_MEMORY_DELAY_END     /* of an EndTxn that is late or doubled, and of other late requests */
} lc_memory_delay;

typedef struct lc_memory_decided lc_memory_decided;

/* Members but `now` and `wait` may be NULL: nothing happens, no fault, no delay, the first of n. */
typedef struct lc_memory_world lc_memory_world;
struct lc_memory_world {
    lc_instant (*now)(lc_memory_world *world);
    void (*wait)(lc_memory_world *world, int ms);
    /* Before and within each call of a port: others may run, time may pass; need not return. */
    void (*step)(lc_memory_world *world, const char *call);
    bool (*fault)(lc_memory_world *world, lc_memory_fault fault);
    lc_duration (*delay)(lc_memory_world *world, lc_memory_delay delay);
    uint32_t (*pick)(lc_memory_world *world, uint32_t n);
    /* One line of what happened, without its end. */
    void (*trace)(lc_memory_world *world, const char *line);
    /* A transaction was decided; its markers are not written yet. */
    void (*decided)(lc_memory_world *world, const lc_memory_decided *decided);
    /* Another's producer was fenced. */
    void (*fenced)(lc_memory_world *world, const char *transactional_id);
    /* A write to the store was done, with its position. */
    void (*applied)(lc_memory_world *world, int32_t partition);
};

/* Time that passes only when someone waits. */
typedef struct {
    lc_memory_world world;
    lc_instant now;
} lc_memory_manual;
void lc_memory_manual_init(lc_memory_manual *manual, lc_instant now);

/* ---- Kafka ---- */

typedef struct lc_memory_broker lc_memory_broker;

/* A topic is the index of an input, or this. */
#define LC_MEMORY_OUTPUT(output) (-1 - (int)(output))

typedef enum {
    LC_MEMORY_OPEN, /* in a transaction without a marker here */
    LC_MEMORY_COMMITTED,
    LC_MEMORY_ABORTED,
    LC_MEMORY_MARKER
} lc_memory_status;

typedef struct {
    int64_t offset;
    lc_instant timestamp;
    bool is_append_time;
    lc_memory_status status;
    uint64_t transaction; /* 0: none */
    lc_text key, value;
    const lc_header *headers;
    size_t n_headers;
} lc_memory_record;

typedef struct {
    int topic;
    int32_t partition;
    const lc_memory_record *record;
} lc_memory_placed;

typedef struct {
    int topic;
    int32_t partition;
    int64_t offset;
    const char *metadata;
} lc_memory_sent_offset;

/* All of it good during the call only. */
struct lc_memory_decided {
    const char *transactional_id;
    bool commit;
    const lc_memory_placed *records; /* of one partition of a topic: in order */
    size_t n_records;
    const lc_memory_sent_offset *offsets;
    size_t n_offsets;
};

/* `world` is borrowed. */
lc_memory_broker *lc_memory_broker_new(lc_memory_world *world, int n_inputs, int32_t partitions);
/* After every log on it. */
void lc_memory_broker_free(lc_memory_broker *broker);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_memory_broker, lc_memory_broker_free)

typedef struct {
    lc_duration transaction_timeout;     /* default 60 s */
    lc_duration session_timeout;         /* default 15 s */
    lc_duration rebalance_timeout;       /* default 300 s: max.poll.interval.ms */
    bool outputs_have_create_time;       /* default: LogAppendTime */
    bool may_not_fence;                  /* nobody is authorized to use another's transactional id */
    size_t max_record_bytes[LC_OUTPUTS]; /* default 2 MiB; a larger key and value is refused for its size */
} lc_memory_limits;
lc_memory_limits *lc_memory_broker_limits(lc_memory_broker *broker);

/* Appends a record without a transaction. Copies. `timestamp` LC_ABSENT: the broker's now (LogAppendTime). The offset.
 */
int64_t lc_memory_append(lc_memory_broker *broker, int topic, int32_t partition, lc_text key, lc_text value,
                         lc_instant timestamp);
int64_t lc_memory_append_with_headers(lc_memory_broker *broker, int topic, int32_t partition, lc_text key,
                                      lc_text value, const lc_header *headers, size_t n_headers);
/* The same within an open transaction of some publisher, and its end. */
int64_t lc_memory_append_open(lc_memory_broker *broker, const char *transactional_id, int topic, int32_t partition,
                              lc_text key, lc_text value);
/* An offset of the group within it. */
void lc_memory_send_open(lc_memory_broker *broker, const char *transactional_id, int topic, int32_t partition,
                         int64_t offset);
void lc_memory_end_open(lc_memory_broker *broker, const char *transactional_id, bool commit);

/* All records that are left, by offset; good until the next change. */
const lc_memory_record *const *lc_memory_records(lc_memory_broker *broker, int topic, int32_t partition, size_t *n);
int64_t lc_memory_end(lc_memory_broker *broker, int topic, int32_t partition);
int64_t lc_memory_stable_end(lc_memory_broker *broker, int topic, int32_t partition);

/* What the group committed; -1: nothing. `*metadata` (may be NULL) is borrowed. */
int64_t lc_memory_committed(lc_memory_broker *broker, int topic, int32_t partition, const char **metadata);

/* What is due by now: markers, late EndTxn, time-outs, the group. Every call of a log does it too. */
void lc_memory_broker_tick(lc_memory_broker *broker);
/* Nothing is open, pending or late, and the group is stable. */
bool lc_memory_broker_is_settled(lc_memory_broker *broker);

/* Keeps the latest committed record of each key below the last stable offset, but no tombstone below
 * `tombstones_before`. Aborted records and markers go. */
void lc_memory_compact(lc_memory_broker *broker, int topic, int32_t partition, int64_t tombstones_before);
/* Records below `offset` are gone. */
void lc_memory_truncate(lc_memory_broker *broker, int topic, int32_t partition, int64_t offset);
/* The broker loses records at `offset` and above, as an unclean election does; of an open transaction all or nothing is
 * to be lost. The next record takes this offset. */
void lc_memory_lose_tail(lc_memory_broker *broker, int topic, int32_t partition, int64_t offset);
/* An input has got more partitions, which check_topics tells from now on. They are out of reach: the caller holds what
 * is published there. */
void lc_memory_grow(lc_memory_broker *broker);
/* The group's offset is as it was once. */
void
lc_memory_set_committed(lc_memory_broker *broker, int topic, int32_t partition, int64_t offset, const char *metadata);
/* Whether the producer's transaction has not ended, or lacks markers. */
bool lc_memory_is_open(lc_memory_broker *broker, const char *transactional_id);
/* Whether some transaction that has not ended has offsets of this partition, or records in a changelog of it. */
bool lc_memory_is_held(lc_memory_broker *broker, int32_t partition);
/* Forgets the group's offsets, as Kafka does when they expire. */
void lc_memory_forget_group(lc_memory_broker *broker);

/* A member of the group with a transactional producer. Strings are copied. */
lc_log *lc_memory_log_new(lc_memory_broker *broker, const char *instance, const char *transactional_id);
/* While suspended its heartbeats stop, as when the process does. */
void lc_memory_log_suspend(lc_log *log, bool suspended);

/* ---- Redis ---- */

typedef struct lc_memory_redis lc_memory_redis;

lc_memory_redis *lc_memory_redis_new(lc_memory_world *world, int32_t partitions);
/* After every store on it. */
void lc_memory_redis_free(lc_memory_redis *redis);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_memory_redis, lc_memory_redis_free)

lc_store *lc_memory_store_new(lc_memory_redis *redis);

/* FLUSHALL: connections stay. */
void lc_memory_redis_empty(lc_memory_redis *redis);
/* A copy of all data, free of its origin. */
typedef struct lc_memory_snapshot lc_memory_snapshot;
lc_memory_snapshot *lc_memory_redis_snapshot(const lc_memory_redis *redis);
void lc_memory_snapshot_free(lc_memory_snapshot *snapshot);
/* The position applied in it; NULL: none. Borrowed. */
GBytes *lc_memory_snapshot_applied(const lc_memory_snapshot *snapshot, int32_t partition);
/* As if the database was restarted from an old dump. `snapshot` is borrowed. */
void lc_memory_redis_restore(lc_memory_redis *redis, const lc_memory_snapshot *snapshot, bool cut_connections);
/* While down every call is LC_ERROR_RETRY. */
void lc_memory_redis_set_down(lc_memory_redis *redis, bool down);

/* Another is master now, with what `replica` has (borrowed). Who is connected to the old one goes on with that one,
 * until it comes back as a replica: what was written to it since is gone then, and so are the connections to it. */
void lc_memory_redis_promote(lc_memory_redis *redis, const lc_memory_snapshot *replica);
void lc_memory_redis_rejoin(lc_memory_redis *redis);
bool lc_memory_redis_has_old(const lc_memory_redis *redis);
GBytes *lc_memory_redis_old_applied(const lc_memory_redis *redis, int32_t partition);
/* A master that sleeps answers nothing in time. Where another was promoted meanwhile, the old one wakes. What was sent
 * to it by those who gave up waiting is done then, or a little later. */
void lc_memory_redis_sleep(lc_memory_redis *redis);
void lc_memory_redis_wake(lc_memory_redis *redis);
void lc_memory_redis_do_late(lc_memory_redis *redis);
/* While the slot of a partition is being moved every command on it is LC_ERROR_RETRY. */
void lc_memory_redis_set_moving(lc_memory_redis *redis, int32_t partition, bool is_moving);

/* How often. */
typedef struct {
    unsigned written_to_old; /* a master that was cut off was written to */
    unsigned late_done, late_refused;
    unsigned between;    /* an EXEC was to be sent, and another had become master since its WATCH was answered */
    uint32_t met_moving; /* slots, by partition, that were asked for while they were moved, the last time each was */
} lc_memory_seen;
const lc_memory_seen *lc_memory_redis_seen(const lc_memory_redis *redis);

/* What is stored. NULL: not there. Borrowed until the next write. */
GBytes *lc_memory_redis_applied(const lc_memory_redis *redis, int32_t partition);
GBytes *lc_memory_redis_lead(const lc_memory_redis *redis, int32_t partition, lc_text lead_id);
/* The wake-up that was added last; LC_NEVER: there is none. */
lc_instant lc_memory_redis_wakeup(const lc_memory_redis *redis, int32_t partition, lc_text lead_id);
bool lc_memory_redis_has_wakeup(const lc_memory_redis *redis, int32_t partition, lc_text lead_id, lc_instant at);

typedef struct {
    lc_instant at;
    bool is_far; /* it is not due before it was put in order */
} lc_memory_wakeup;
/* GBytes (lead id) -> GBytes (state); GBytes (lead id) -> GArray of lc_memory_wakeup; char* (population) -> GHashTable
 * of char* (metric) -> int64_t*. Borrowed. */
GHashTable *lc_memory_redis_leads(const lc_memory_redis *redis, int32_t partition);
GHashTable *lc_memory_redis_wakeups(const lc_memory_redis *redis, int32_t partition);
GHashTable *lc_memory_redis_counters(const lc_memory_redis *redis, int32_t partition);

/* ---- Broken on purpose: what a check is there for (the table at the end of commit-protocol.md) ---- */

typedef enum {
    LC_MEMORY_WEAKEN_STABLE_OFFSETS = 1 << 0,    /* committed does not wait for pending commits (3a) */
    LC_MEMORY_WEAKEN_EARLY_EOF = 1 << 1,         /* a changelog's END tells the high watermark (3c) */
    LC_MEMORY_WEAKEN_RECOVERY_GUARD = 1 << 2,    /* recovery's writes don't compare (3d) */
    LC_MEMORY_WEAKEN_READ_GUARD = 1 << 3,        /* reads of leads and wake-ups answer the position known before (4) */
    LC_MEMORY_WEAKEN_EARLY_OFFSETS = 1 << 4,     /* flush tells offsets before it has sent (5) */
    LC_MEMORY_WEAKEN_UNCHANGED_OFFSETS = 1 << 5, /* offsets that did not change are taken from anybody (6) */
    LC_MEMORY_WEAKEN_GROUP_METADATA = 1 << 6,    /* send_offsets takes the group metadata of now (2, 6) */
    LC_MEMORY_WEAKEN_FAILED_SEND = 1 << 7,       /* a failed send_offsets is taken for a success (6) */
    LC_MEMORY_WEAKEN_KEEP_PRODUCER = 1 << 8,     /* renew_producer keeps a producer that is not fenced (7, 8) */
    LC_MEMORY_WEAKEN_APPLY_GUARD = 1 << 9,       /* apply does not compare (9) */
    LC_MEMORY_WEAKEN_LATE_REQUESTS = 1 << 10,    /* late requests join the transaction of now, whatever their epoch */
    LC_MEMORY_WEAKEN_ONE_CONNECTION = 1 << 11    /* an EXEC goes by another connection than its WATCH (9) */
} lc_memory_weaken;
void lc_memory_broker_weaken(lc_memory_broker *broker, unsigned mask);
void lc_memory_redis_weaken(lc_memory_redis *redis, unsigned mask);
