/* log.h - the port to the log: what the engine needs of Kafka, and nothing more.
 *
 * Implemented by the rooms kafka (librdkafka) and memory (tests, simulator). One lc_log belongs to one worker: one
 * consumer in the group, one transactional producer, one thread. The steps named here are those of
 * commit-protocol.md. No call blocks for longer than about 1 s; what takes longer answers LC_ERROR_RETRY and is
 * called again. Error codes: LC_ERROR_RETRY the same call again; LC_ERROR_DENIED too, but within a transaction: there
 * it is as LC_ERROR_ABORT, abort, renew, recover; LC_ERROR_CONFIG and LC_ERROR_FATAL stop. */
#pragma once

#include <leadclock/base.h>

/* The partition of a key among `partitions`: murmur2 as Java's default partitioner computes it
 * (org.apache.kafka.common.utils.Utils.murmur2, then the sign bit cleared). */
static inline int32_t
lc_log_partition_of(lc_text key, int32_t partitions)
{
    const uint32_t m = 0x5bd1e995;
    const unsigned char *data = (const unsigned char *)key.data;
    size_t left = key.size;
    uint32_t h = 0x9747b28cu ^ (uint32_t)key.size;

    for (; left >= 4; data += 4, left -= 4) {
        uint32_t k = (uint32_t)data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16 | (uint32_t)data[3] << 24;
        k *= m;
        k ^= k >> 24;
        k *= m;
        h *= m;
        h ^= k;
    }
    if (left >= 3)
        h ^= (uint32_t)data[2] << 16;
    if (left >= 2)
        h ^= (uint32_t)data[1] << 8;
    if (left >= 1) {
        h ^= data[0];
        h *= m;
    }
    h ^= h >> 13;
    h *= m;
    h ^= h >> 15;
    return (int32_t)((h & 0x7fffffff) % (uint32_t)partitions);
}

/* Where outcomes, changelogs and rows go. */
typedef enum {
    LC_OUTPUT_BREACHES,
    LC_OUTPUT_WARNINGS,
    LC_OUTPUT_CLAWBACKS,
    LC_OUTPUT_ROUTED,
    LC_OUTPUT_SETTLED,
    LC_OUTPUT_DEAD_LETTERS,
    LC_OUTPUT_STATE,       /* changelog: partition of the input */
    LC_OUTPUT_COUNTERS,    /* changelog: partition of the input */
    LC_OUTPUT_TABLE_CYCLES /* the first of the tables, which are in the order of codec.h: partition of the input */
} lc_output;
#define LC_OUTPUT_TABLES 6
#define LC_OUTPUTS (LC_OUTPUT_TABLE_CYCLES + LC_OUTPUT_TABLES)

/* A changelog, for replay and for C. */
typedef enum { LC_CHANGELOG_STATE, LC_CHANGELOG_COUNTERS } lc_changelog;
#define LC_CHANGELOGS 2

typedef enum {
    LC_LOG_NOTHING,         /* the time-out passed */
    LC_LOG_RECORD,          /* a record of an input topic */
    LC_LOG_END,             /* an input was read to its end: `offset` (PARTITION_EOF) */
    LC_LOG_ASSIGNED,        /* new partitions: lc_log.assignment names all. Nothing of them is delivered before seek */
    LC_LOG_REVOKED,         /* partitions are to be given up, or were lost: call release_assignment */
    LC_LOG_INSTANCE_FENCED, /* another process runs with our group.instance.id: exit */
    LC_LOG_OFFSET_LOST      /* an input's position is out of range: recover it (which will say what was lost) */
} lc_log_event_type;

typedef struct {
    lc_log_event_type type;
    int topic; /* index in the list of inputs */
    int32_t partition;
    int64_t offset;
    lc_instant timestamp; /* the record's, or LC_ABSENT */
    bool is_append_time;  /* the timestamp is the broker's (LogAppendTime) */
    lc_text key, value;   /* absent: null. Good until `release_records` */
    void *handle;         /* the log's own */
} lc_log_event;

/* What was committed for one input topic of a partition. */
typedef struct {
    int64_t offset;   /* -1: none */
    lc_text metadata; /* absent: none */
} lc_log_committed;

/* The end of an input, as of when it was asked for. */
typedef struct {
    int topic;
    int32_t partition;
    int64_t stable_end;     /* last stable offset */
    int64_t high_watermark; /* as cached by the consumer; -1: not known. Above stable_end: an open transaction */
} lc_log_end;

typedef struct {
    lc_text name, value;
} lc_header;

typedef struct {
    lc_output output;
    int32_t partition; /* -1: by key, as Java does (murmur2) */
    lc_text key;
    lc_text value; /* with its frame; absent: a tombstone */
    const lc_header *headers;
    size_t n_headers;
    int64_t *offset; /* filled in by flush; NULL: not wanted. Must live until flush or abort */
    uint32_t tag;    /* which fact of the batch caused it: see `refused` */
} lc_outgoing;       /* key and value are borrowed until flush or abort, too; the headers for the call only */

/* One record of a changelog, while replaying. */
typedef struct {
    int64_t offset;
    lc_text key, value; /* value absent: a tombstone. Good until `replay_release` */
} lc_replayed;

typedef enum { LC_REPLAY_NOTHING, LC_REPLAY_RECORD, LC_REPLAY_END } lc_replay_result;

typedef struct {
    int32_t partition;
    const int64_t *offsets; /* O: by input topic */
    const char *metadata;   /* the same on every input topic of the partition */
} lc_log_commit;

typedef enum {
    LC_COMMIT_CLEAN,
    LC_COMMIT_UNKNOWN /* anything else, even success that was not certain (step 7) */
} lc_commit_result;

typedef struct lc_log lc_log;

typedef struct {
    /* ---- Start ---- */

    /* Looks for every topic, as of now. `*partitions`: of the inputs and both changelogs. LC_ERROR_RETRY: the broker is
     * away or a topic does not exist (the message names it); LC_ERROR_CONFIG: their partition counts differ. Also asked
     * while it runs. */
    bool (*check_topics)(lc_log *log, int32_t *partitions, GError **error);

    /* Before renew_producer, once: whether another process runs under our name, which we would fence. LC_ERROR_CONFIG:
     * one does; LC_ERROR_RETRY: there is no telling yet. One that died under it is no hindrance. */
    bool (*check_instance)(lc_log *log, GError **error);

    /* A producer with our transactional id, the former one destroyed; asks for the metadata of the output topics, then
     * init_transactions. Call until it does not say LC_ERROR_RETRY. Step 1, 7, 8. */
    bool (*renew_producer)(lc_log *log, GError **error);

    /* Joins the group. After renew_producer, once. */
    bool (*subscribe)(lc_log *log, GError **error);

    /* ---- The group, and reading ---- */

    /* One event. False only for LC_ERROR_FATAL and LC_ERROR_CONFIG: transport errors and rights that are refused are no
     * errors here. A consumer whose fetches sleep is woken inside (servers.md, fetch stall). */
    bool (*poll)(lc_log *log, int timeout_ms, lc_log_event *event, GError **error);

    /* Why polling brings no partitions, or not all records: a right that is refused (LC_ERROR_DENIED), or no broker
     * that lets us in (LC_ERROR_RETRY). NULL: nothing is known of that. Caller frees. */
    GError *(*trouble)(lc_log *log);

    /* Whether a record polled before has a header of this name, and the value of the last one: absent where it is null,
     * good until `release_records`. */
    bool (*header)(lc_log *log, const lc_log_event *record, const char *name, lc_text *value);

    /* Gives back the records polled so far. */
    void (*release_records)(lc_log *log);

    /* The partitions assigned now, sorted. Good until the next poll. */
    const int32_t *(*assignment)(lc_log *log, size_t *n);

    /* Whether what the group has given out is what all inputs with so many partitions make: to us, and to others. Once
     * for an assignment. LC_ERROR_CONFIG: there are more partitions. LC_ERROR_RETRY: some inputs of a partition go to
     * one member and some to another or to nobody, because members read different topics; or nobody answers. */
    bool (*check_group)(lc_log *log, int32_t partitions, GError **error);

    /* After LC_LOG_REVOKED, when all of the partitions is forgotten. */
    void (*release_assignment)(lc_log *log);

    /* Stops and goes on delivering every input of a partition. What was fetched and not polled is not lost. */
    void (*pause)(lc_log *log, int32_t partition);
    void (*resume)(lc_log *log, int32_t partition);

    /* Delivers every input of the partition from `offsets` (by topic) on, nothing polled before it again, and resumes.
     */
    bool (*seek)(lc_log *log, int32_t partition, const int64_t *offsets, GError **error);

    /* What the group committed, stable (3a): LC_ERROR_RETRY while a transaction is pending. `committed` has room for
     * every input; texts from `arena`. */
    bool (*committed)(lc_log *log, int32_t partition, lc_log_committed *committed, lc_arena *arena, GError **error);

    /* The same at once, as of the last commit, while a transaction is pending: whose it may be. */
    bool (*committed_before)(lc_log *log, int32_t partition, lc_log_committed *committed, lc_arena *arena,
                             GError **error);

    /* The metadata of what the group last committed for each of so many partitions, at once too. What was absent stays
     * so where nothing was committed, on no input. Texts from `arena`. */
    bool (*committed_metadata)(lc_log *log, int32_t partitions, lc_text *metadata, lc_arena *arena, GError **error);

    /* Whether a changelog of the partition has records of a transaction that is still open. Nobody of ours may write
     * there meanwhile. */
    bool (*is_unfinished)(lc_log *log, int32_t partition, bool *unfinished, GError **error);

    /* Where both changelogs of the partition end, by lc_changelog: last stable offsets, or high watermarks. */
    bool (*changelog_ends)(lc_log *log, int32_t partition, bool high, int64_t *ends, GError **error);

    /* Whether this is the transactional id of a worker of our group: nobody else's is ever fenced. */
    bool (*is_peer)(const lc_log *log, const char *transactional_id);

    /* Whether that worker is a member of the group, as far as the coordinator knows now. One that had our own name is
     * none: we have taken its place. `*member` says nothing where it fails. */
    bool (*is_member)(lc_log *log, const char *transactional_id, bool *member, GError **error);

    /* Ends the open transaction of another producer, and fences it: init_transactions with its id. For the dead.
     * LC_ERROR_DENIED: it is not allowed to. */
    bool (*fence)(lc_log *log, const char *transactional_id, GError **error);

    /* Low watermarks (log start offsets) and last stable offsets of every input of the partition. */
    bool (*watermarks)(lc_log *log, int32_t partition, int64_t *lows, int64_t *ends, GError **error);

    /* The ends of every input of every assigned partition, asked for now; a partition that got no answer is left out.
     * Who wants to know since when they hold reads the clock before the call. `*ends` is owned by the log, good until
     * the next call. */
    bool (*ends)(lc_log *log, const lc_log_end **ends, size_t *n, GError **error);

    /* ---- Replay of a changelog (3c), read committed ---- */

    /* From `offset` (0: the beginning, whatever compaction left). One at a time. LC_ERROR_FATAL: records
     * from there on were deleted. */
    bool (*replay_open)(lc_log *log, lc_changelog changelog, int32_t partition, int64_t offset, GError **error);
    /* LC_REPLAY_END: all up to `replayed->offset`, the next offset, is read (a PARTITION_EOF); it may be said again.
     * With LC_REPLAY_NOTHING `error` may be set: the changelog can't be read. */
    lc_replay_result (*replay_read)(lc_log *log, int timeout_ms, lc_replayed *replayed, GError **error);
    void (*replay_release)(lc_log *log); /* the records read so far */
    void (*replay_close)(lc_log *log);

    /* ---- One transaction ---- */

    bool (*begin)(lc_log *log, GError **error);
    /* LC_ERROR_ABORT too where it can never be sent. Where the queue is full it waits up to 1 s: LC_ERROR_RETRY. */
    bool (*produce)(lc_log *log, const lc_outgoing *outgoing, GError **error);
    /* Waits until all is delivered; fills the offsets. LC_ERROR_ABORT: at least one was not. LC_ERROR_RETRY: not yet.
     */
    bool (*flush)(lc_log *log, GError **error);
    /* When the brokers appended the last changelog record delivered since begin, by their clock (LogAppendTime);
     * LC_ABSENT: none was delivered, or the topic has another kind of time. */
    lc_instant (*appended_at)(lc_log *log);
    /* The tag of a message that Kafka refused for its own size since begin; -1: none, or it is not known which. Then
     * renew_producer makes one that finds out: batches are refused as a whole, and its are smaller. */
    int64_t (*refused)(lc_log *log);
    /* Sends the offsets with the group metadata kept from the assignment (step 6). Retries inside. May take as long as
     * an outage: librdkafka 2.0.2 does not keep its time-out. */
    bool (*send_offsets)(lc_log *log, const lc_log_commit *commits, size_t n, GError **error);
    /* The end of the transaction, in two halves. The second takes up to a quarter of socket.timeout.ms: as long as the
     * answer may still be a clean one. */
    bool (*commit_begin)(lc_log *log, GError **error);
    lc_commit_result (*commit_end)(lc_log *log, GError **error);
    /* Aborts; call renew_producer next, whatever comes of it. */
    void (*abort)(lc_log *log);

    void (*free)(lc_log *log);
} lc_log_ops;

struct lc_log {
    const lc_log_ops *ops;
    int n_inputs; /* topics */
};

/* ---- How they are called ---- */

static inline bool
lc_log_check_topics(lc_log *log, int32_t *partitions, GError **error)
{
    return log->ops->check_topics(log, partitions, error);
}

static inline bool
lc_log_check_instance(lc_log *log, GError **error)
{
    return log->ops->check_instance(log, error);
}

static inline bool
lc_log_renew_producer(lc_log *log, GError **error)
{
    return log->ops->renew_producer(log, error);
}

static inline bool
lc_log_subscribe(lc_log *log, GError **error)
{
    return log->ops->subscribe(log, error);
}

static inline bool
lc_log_poll(lc_log *log, int timeout_ms, lc_log_event *event, GError **error)
{
    return log->ops->poll(log, timeout_ms, event, error);
}

static inline GError *
lc_log_trouble(lc_log *log)
{
    return log->ops->trouble(log);
}

static inline bool
lc_log_header(lc_log *log, const lc_log_event *record, const char *name, lc_text *value)
{
    return log->ops->header(log, record, name, value);
}

static inline void
lc_log_release_records(lc_log *log)
{
    log->ops->release_records(log);
}

static inline const int32_t *
lc_log_assignment(lc_log *log, size_t *n)
{
    return log->ops->assignment(log, n);
}

static inline bool
lc_log_check_group(lc_log *log, int32_t partitions, GError **error)
{
    return log->ops->check_group(log, partitions, error);
}

static inline void
lc_log_release_assignment(lc_log *log)
{
    log->ops->release_assignment(log);
}

static inline void
lc_log_pause(lc_log *log, int32_t partition)
{
    log->ops->pause(log, partition);
}

static inline void
lc_log_resume(lc_log *log, int32_t partition)
{
    log->ops->resume(log, partition);
}

static inline bool
lc_log_seek(lc_log *log, int32_t partition, const int64_t *offsets, GError **error)
{
    return log->ops->seek(log, partition, offsets, error);
}

static inline bool
lc_log_get_committed(lc_log *log, int32_t partition, lc_log_committed *committed, lc_arena *arena, GError **error)
{
    return log->ops->committed(log, partition, committed, arena, error);
}

static inline bool
lc_log_committed_before(lc_log *log, int32_t partition, lc_log_committed *committed, lc_arena *arena, GError **error)
{
    return log->ops->committed_before(log, partition, committed, arena, error);
}

static inline bool
lc_log_committed_metadata(lc_log *log, int32_t partitions, lc_text *metadata, lc_arena *arena, GError **error)
{
    return log->ops->committed_metadata(log, partitions, metadata, arena, error);
}

static inline bool
lc_log_is_unfinished(lc_log *log, int32_t partition, bool *unfinished, GError **error)
{
    return log->ops->is_unfinished(log, partition, unfinished, error);
}

static inline bool
lc_log_changelog_ends(lc_log *log, int32_t partition, bool high, int64_t *ends, GError **error)
{
    return log->ops->changelog_ends(log, partition, high, ends, error);
}

static inline bool
lc_log_is_peer(const lc_log *log, const char *transactional_id)
{
    return log->ops->is_peer(log, transactional_id);
}

static inline bool
lc_log_is_member(lc_log *log, const char *transactional_id, bool *member, GError **error)
{
    return log->ops->is_member(log, transactional_id, member, error);
}

static inline bool
lc_log_fence(lc_log *log, const char *transactional_id, GError **error)
{
    return log->ops->fence(log, transactional_id, error);
}

static inline bool
lc_log_watermarks(lc_log *log, int32_t partition, int64_t *lows, int64_t *ends, GError **error)
{
    return log->ops->watermarks(log, partition, lows, ends, error);
}

static inline bool
lc_log_ends(lc_log *log, const lc_log_end **ends, size_t *n, GError **error)
{
    return log->ops->ends(log, ends, n, error);
}

static inline bool
lc_log_replay_open(lc_log *log, lc_changelog changelog, int32_t partition, int64_t offset, GError **error)
{
    return log->ops->replay_open(log, changelog, partition, offset, error);
}

static inline lc_replay_result
lc_log_replay_read(lc_log *log, int timeout_ms, lc_replayed *replayed, GError **error)
{
    return log->ops->replay_read(log, timeout_ms, replayed, error);
}

static inline void
lc_log_replay_release(lc_log *log)
{
    log->ops->replay_release(log);
}

static inline void
lc_log_replay_close(lc_log *log)
{
    log->ops->replay_close(log);
}

static inline bool
lc_log_begin(lc_log *log, GError **error)
{
    return log->ops->begin(log, error);
}

static inline bool
lc_log_produce(lc_log *log, const lc_outgoing *outgoing, GError **error)
{
    return log->ops->produce(log, outgoing, error);
}

static inline bool
lc_log_flush(lc_log *log, GError **error)
{
    return log->ops->flush(log, error);
}

static inline lc_instant
lc_log_appended_at(lc_log *log)
{
    return log->ops->appended_at(log);
}

static inline int64_t
lc_log_refused(lc_log *log)
{
    return log->ops->refused(log);
}

static inline bool
lc_log_send_offsets(lc_log *log, const lc_log_commit *commits, size_t n, GError **error)
{
    return log->ops->send_offsets(log, commits, n, error);
}

static inline bool
lc_log_commit_begin(lc_log *log, GError **error)
{
    return log->ops->commit_begin(log, error);
}

static inline lc_commit_result
lc_log_commit_end(lc_log *log, GError **error)
{
    return log->ops->commit_end(log, error);
}

static inline void
lc_log_abort(lc_log *log)
{
    log->ops->abort(log);
}

static inline void
lc_log_free(lc_log *log)
{
    log->ops->free(log);
}
