/* kafka.h - lc_log on librdkafka, and what else is needed of Kafka: topics, readers, publishers.
 *
 * Uses librdkafka and log.h. servers.md has the measured facts behind the settings. */
#pragma once

#include <leadclock/base.h>
#include <leadclock/log.h>

typedef struct {
    const char *brokers;
    const char *const *properties; /* name, value, ..., NULL: any property of librdkafka, all clients; or NULL */
    /* Hold sasl.password (read again at each new connection) and ssl.key.password (at each new client); or NULL. */
    const char *password_file, *key_password_file;
    const char *group;               /* the consumer group */
    const char *instance;            /* of this worker: group.instance.id; lc_kafka_transactional_id makes the other */
    bool is_guest;                   /* in the group for a while: no static member, so that it is gone when it ends */
    const char *const *inputs;       /* topics, NULL-terminated, in the order of the indexes */
    const char *outputs[LC_OUTPUTS]; /* topics; NULL: nothing goes there */
    unsigned read_ahead;             /* with fewer facts lying ready more are fetched; 0: librdkafka's default */
} lc_kafka_options;

/* Of librdkafka: "2.0.2"; static. */
const char *lc_kafka_library_version(void);
/* What this librdkafka can: SCRAM as Kafka wants it from 4.0 on (2.6.1); logging in again on an open connection, so
 * that a broker that ends sessions (connections.max.reauth.ms) need not close it (2.2). */
bool lc_kafka_has_scram(void);
bool lc_kafka_renews_sessions(void);

/* On SIGHUP, and when a connection has ended: clients that log in by a password_file log in by what it holds now from
 * their next connection on. Takes no time. Any thread. */
void lc_kafka_read_secrets_again(void);

/* What is to be said of these properties at the start (SCRAM that this librdkafka can't do); NULL: nothing. */
const char *lc_kafka_warning(const lc_kafka_options *options);

/* The transactional id of a worker: "GROUP-@INSTANCE". Groups and instances have no '@', so no two workers share one,
 * and what may be done with those that begin with "GROUP-" may be done with it. Caller frees. */
char *lc_kafka_transactional_id(const char *group, const char *instance);

/* All options are copied. LC_ERROR_CONFIG: a wrong property, named. Connects to nothing yet. */
lc_log *lc_kafka_log_new(const lc_kafka_options *options, GError **error);

/* What is wrong with a property and its value, and what to do (caller frees); NULL: nothing. */
char *lc_kafka_check_property(const char *name, const char *value);

/* ---- For the command line. Each makes its own client; `timeout_ms` bounds the whole call. LC_ERROR_RETRY: the
 *      broker does not answer, or does not let us in (exit code 3); LC_ERROR_DENIED: a right is missing (2). ---- */

typedef struct {
    char *name;              /* owned */
    int32_t partitions;      /* 0: it does not exist */
    int replication;         /* replicas of its first partition */
    GHashTable *own_configs; /* of `configs`, those that the topic itself sets */
    GHashTable *configs;     /* char* -> char*, the topic's settings; NULL where not asked */
} lc_topic_description;

/* NULL-terminated `names`; an array of lc_topic_description in their order (g_array_unref frees all). */
GArray *lc_kafka_describe_topics(const lc_kafka_options *options, const char *const *names, bool with_configs,
                                 int timeout_ms, GError **error);

/* Makes one topic. `configs`: name, value, ..., NULL. Existing: true. */
bool lc_kafka_create_topic(const lc_kafka_options *options, const char *name, int32_t partitions, int replication,
                           const char *const *configs, int timeout_ms, GError **error);

/* Whether a topic of this name could be made, as far as rights go; it may exist. Makes nothing. */
bool lc_kafka_may_create(const lc_kafka_options *options, const char *name, int timeout_ms, GError **error);

typedef struct {
    char *topic; /* owned */
    int32_t partition;
    int64_t committed; /* -1: none */
    char *metadata;    /* owned; NULL: none */
    int64_t low, end;  /* log start offset; last stable offset */
} lc_group_lag;

/* Committed offsets and ends of the group on every partition of the inputs (g_array_unref frees all). */
GArray *lc_kafka_group_lag(const lc_kafka_options *options, int timeout_ms, GError **error);

/* ---- For reset ---- */

/* Who is in the group, "INSTANCE at HOST" each, NULL-terminated (g_strfreev); none: an empty list. One that has ended
 * stays in it for its session time-out. `*runs_here`: the process of one of them runs on this host. */
char **lc_kafka_group_members(const lc_kafka_options *options, int timeout_ms, bool *runs_here, GError **error);
/* What members with these properties have for a property of librdkafka that is a number; -1: what is wrong with them,
 * or no such property. */
int64_t lc_kafka_member_number(const lc_kafka_options *options, const char *name);

/* Deletes the group, which must have no member, and what it has committed. */
bool lc_kafka_forget_group(const lc_kafka_options *options, int timeout_ms, GError **error);

/* Sets `committed` of each (lc_group_lag) to the first offset at or after `at`, or the end. */
bool
lc_kafka_offsets_at(const lc_kafka_options *options, GArray *offsets, lc_instant at, int timeout_ms, GError **error);

/* Whether the group's offsets of these inputs (lc_group_lag) may be committed: what is committed is, once more. */
bool lc_kafka_may_commit(const lc_kafka_options *options, const GArray *offsets, int timeout_ms, GError **error);

/* Commits `committed` of each (lc_group_lag) for the group, with `metadata`; NULL: with its own. */
bool lc_kafka_commit_offsets(const lc_kafka_options *options, const GArray *offsets, const char *metadata,
                             int timeout_ms, GError **error);

/* How far a republication is: of the inputs' records together. */
typedef void (*lc_tell_republish)(uint64_t done, uint64_t all, void *data);

/* Publishes again what lies between `low` and `end` of each (lc_group_lag, in the order of topics): key, value and
 * headers as they are, in the order of a topic's records, each to the partition where its key belongs now; when it was
 * first published is in a header. Returns when the brokers have all of it. */
bool lc_kafka_republish(const lc_kafka_options *options, const GArray *ranges, int32_t partitions,
                        lc_tell_republish tell, void *data, GError **error);

/* ---- For repartition ---- */

/* Gives a topic more partitions; has it so many: true. Brokers may not tell of it for a moment. */
bool lc_kafka_grow_topic(const lc_kafka_options *options, const char *name, int32_t partitions, int timeout_ms,
                         GError **error);

/* Waits, for as long as a transaction may stay open, until no transaction holds offsets of the group on these
 * (lc_group_lag). */
bool lc_kafka_wait_for_offsets(const lc_kafka_options *options, const GArray *offsets, GError **error);

/* Moves states: what lies in each of `former` partitions of the changelog below its `ends` and belongs elsewhere among
 * `partitions` is copied there; when the brokers have all of it, it is deleted where it was. Cut off anywhere, it may
 * be done again with the same `ends`. */
bool lc_kafka_move_states(const lc_kafka_options *options, const int64_t *ends, int32_t former, int32_t partitions,
                          lc_tell_republish tell, void *data, GError **error);

/* Where the partitions of a topic end: high watermarks. `ends` has room for `partitions`. */
bool lc_kafka_topic_ends(const lc_kafka_options *options, const char *topic, int32_t partitions, int64_t *ends,
                         int timeout_ms, GError **error);

/* Deletes one topic; missing: true. Brokers may tell of it for a moment still. */
bool lc_kafka_delete_topic(const lc_kafka_options *options, const char *name, int timeout_ms, GError **error);

/* ---- An idempotent producer, for `publish`. ---- */

typedef struct lc_publisher lc_publisher;
lc_publisher *lc_publisher_new(const lc_kafka_options *options, GError **error);
/* Copies. Waits where the queue is full. `value` absent: null. */
bool lc_publisher_send(lc_publisher *publisher, const char *topic, lc_text key, lc_text value, const lc_header *headers,
                       size_t n_headers, GError **error);
/* The same to one partition; LC_ERROR_RECORD: there is none. */
bool lc_publisher_send_to(lc_publisher *publisher, const char *topic, int32_t partition, lc_text key, lc_text value,
                          const lc_header *headers, size_t n_headers, GError **error);
/* Whether all is delivered, within `timeout_ms`. LC_ERROR_RETRY: not yet; otherwise the publisher is of no use any
 * more. */
bool lc_publisher_wait(lc_publisher *publisher, int timeout_ms, GError **error);
/* Waits for all; the number not delivered, with the first reason in `error`. */
size_t lc_publisher_flush(lc_publisher *publisher, GError **error);
void lc_publisher_free(lc_publisher *publisher);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_publisher, lc_publisher_free)

/* ---- The same, but it tells what has become of each record and gives up in time, for `ingest`. ---- */

typedef struct lc_sender lc_sender;

/* What has become of a record: `why` NULL, all replicas have it; otherwise they may or may not have it. LC_ERROR_RETRY,
 * LC_ERROR_DENIED, or LC_ERROR_CONFIG: no broker would take it. From a thread of the sender. */
typedef void (*lc_sender_tell)(void *ticket, const GError *why);

/* `topics`, NULL-terminated, are sent to by their index. `timeout`: of a record, until its end is told (a second more
 * where a broker does not answer). The options' texts are borrowed until it is freed: clients are made anew from them.
 */
lc_sender *lc_sender_new(const lc_kafka_options *options, const char *const *topics, lc_duration timeout,
                         lc_sender_tell tell, GError **error);
/* From any thread. `value` is borrowed until its end is told, `key` is copied. False: it is not sent, and nothing will
 * be told of it. */
bool lc_sender_send(lc_sender *sender, int topic, lc_text key, lc_text value, void *ticket, GError **error);
/* Whether the brokers say that all topics are there and have leaders. LC_ERROR_RETRY, LC_ERROR_DENIED, or
 * LC_ERROR_CONFIG: there is no such topic. */
bool lc_sender_look(lc_sender *sender, int timeout_ms, GError **error);
/* Waits for the ends of all that was sent. */
void lc_sender_free(lc_sender *sender);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_sender, lc_sender_free)

/* ---- A read-committed reader without a group. ---- */

typedef struct lc_reader lc_reader;
typedef struct {
    int topic; /* index in topics */
    int32_t partition;
    int64_t offset;
    lc_instant timestamp;
    lc_text key, value;
    const lc_header *headers;
    size_t n_headers;
} lc_read_record; /* good until the next read */
lc_reader *
lc_reader_new(const lc_kafka_options *options, const char *const *topics, bool from_beginning, GError **error);
/* From now on records come without their headers, which take a third of the time that it takes to read one. */
void lc_reader_pass_headers(lc_reader *reader);
/* 1: a record; 0: nothing within the time-out; -1: error. */
int lc_reader_read(lc_reader *reader, int timeout_ms, lc_read_record *record, GError **error);
/* All that was stable when the reader was made, or has looked again, has been read. */
bool lc_reader_is_caught_up(const lc_reader *reader);
/* How many offsets of those. */
void lc_reader_progress(const lc_reader *reader, uint64_t *done, uint64_t *all);
/* Asks where the topics end now, for at most 15 s. LC_ERROR_RETRY: the brokers don't answer; LC_ERROR_ABORT: a topic
 * (compacted, and read from its beginning) was emptied or made anew, or has another number of partitions, so that what
 * was read of it is not what it says now: only another reader tells. */
bool lc_reader_look(lc_reader *reader, GError **error);
void lc_reader_free(lc_reader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_reader, lc_reader_free)

/* ---- A member of a consumer group that reads committed, each partition at its own pace, for `alert`. ---- */

typedef struct lc_subscriber lc_subscriber;

/* The group is that of the options; one that has committed nothing begins with the first record. */
lc_subscriber *lc_subscriber_new(const lc_kafka_options *options, const char *const *topics, GError **error);
/* Tends to the group, waiting for it at most `timeout_ms`. After an error only another subscriber goes on. */
bool lc_subscriber_poll(lc_subscriber *subscriber, int timeout_ms, GError **error);
/* Do the brokers answer? Asks, for at most 1 s. LC_ERROR_RETRY: they don't; the subscriber goes on when they do. */
bool lc_subscriber_look(lc_subscriber *subscriber, GError **error);
/* How many partitions are ours, from 0 on. `*assignment` is another number after each time that they were given anew:
 * nothing is left of those from before. */
size_t lc_subscriber_lanes(const lc_subscriber *subscriber, unsigned *assignment);
/* The next record of one of them: 1; 0: there is none (yet); -1: error. Good until the next read. */
int lc_subscriber_read(lc_subscriber *subscriber, size_t lane, lc_read_record *record, GError **error);
/* All below `next` is done; said to the group in the background. */
void lc_subscriber_commit(lc_subscriber *subscriber, size_t lane, int64_t next);
/* Leaves the group, which has then all that was committed. */
void lc_subscriber_free(lc_subscriber *subscriber);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_subscriber, lc_subscriber_free)
