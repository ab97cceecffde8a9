/* client.h - how every Kafka client of this room is configured, and how its errors become ours. */
#pragma once

#include <leadclock/kafka.h>

#include <librdkafka/rdkafka.h>

/* A configuration: `defaults` (name, value, ..., NULL; or NULL), over them the operator's properties, over them
 * `fixed`, which the operator can't change. Logs go to GLib's. LC_ERROR_CONFIG names a wrong property. The caller
 * hands it to lc_kafka_client_new, or destroys it. */
rd_kafka_conf_t *lc_kafka_conf_new(const lc_kafka_options *options, const char *const *defaults,
                                   const char *const *fixed, GError **error);

/* Among the `fixed` of the consumers behind lc_log: they read what is committed, are told of ends, and never move
 * their offsets by themselves. */
#define LC_KAFKA_CONSUMER_SETTINGS                                                                                     \
    "isolation.level", "read_committed", "enable.auto.commit", "false", "enable.auto.offset.store", "false",           \
        "auto.offset.reset", "error", "enable.partition.eof", "true", "allow.auto.create.topics", "false"

/* When a fact that was published again was published first (Unix milliseconds, as text): a header. */
#define LC_KAFKA_PUBLISHED_AT "leadclock.published_at"

/* A record's time: the broker's, or, where it was published again, that of the first time. */
lc_instant lc_kafka_published_at(const rd_kafka_message_t *message);

/* A client; `conf` is taken in any case. LC_ERROR_CONFIG: the properties contradict each other, or a file is no good.
 * LC_ERROR_RETRY: such a client was made before, so it is a file's fault, and may pass; it is tried at most once in 0.2
 * s, and ever more seldom, as each refusal costs some KB for good. */
rd_kafka_t *lc_kafka_client_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, GError **error);
/* Of a file that can't be opened: LC_ERROR_CONFIG until a client was made, LC_ERROR_RETRY from then on. */
lc_error lc_kafka_code_of_file(void);

/* Fills `error`: CODE, "FORMAT...: what librdkafka says about `err`"; where no broker lets us in, why, and what to do.
 * Always false. */
bool lc_kafka_fail(GError **error, lc_error code, rd_kafka_resp_err_t err, const char *format, ...) G_GNUC_PRINTF(4, 5);

/* The same of an error object, which is destroyed. */
bool
lc_kafka_fail_with(GError **error, lc_error code, rd_kafka_error_t *cause, const char *format, ...) G_GNUC_PRINTF(4, 5);

/* For an error_cb: logs. */
void lc_kafka_report(rd_kafka_t *client, int err, const char *reason);

/* A right is refused. */
bool lc_kafka_is_denial(rd_kafka_resp_err_t err);

/* LC_ERROR_DENIED: "User:NAME may not OPERATION (WRITE, say) KIND (topic, ...) NAMES", and what to do. Always false. */
bool lc_kafka_deny(rd_kafka_t *client, const char *operation, const char *kind, const char *names, GError **error);

/* Who is to do something about `err`: LC_ERROR_DENIED, LC_ERROR_CONFIG (a feature the broker lacks), LC_ERROR_RETRY. */
lc_error lc_kafka_code_of(rd_kafka_resp_err_t err);

/* What went wrong with one of a list, in the same words as lc_kafka_fail; its topic is named where `operation` is
 * refused.
 */
bool lc_kafka_fail_of(rd_kafka_t *client, const rd_kafka_topic_partition_list_t *list, rd_kafka_resp_err_t err,
                      const char *operation, const char *what, GError **error);

/* Topics that seem not to exist: LC_ERROR_DENIED where that is because we may not DESCRIBE them. */
bool lc_kafka_may_describe(rd_kafka_t *client, const GPtrArray *topics, int timeout_ms, GError **error);

/* A broker is away: librdkafka goes on by itself. */
bool lc_kafka_is_transport_error(rd_kafka_resp_err_t err);

/* Destroys a client, in a thread of its own: rd_kafka_destroy may take long. Waits for it at most `wait_ms`; false: it
 * is still at it, and its threads may still use what the client was given. */
bool lc_kafka_destroy(rd_kafka_t *client, int wait_ms);
/* The same; `data` (or NULL), which its threads use, is freed once they are gone. */
bool lc_kafka_destroy_with(rd_kafka_t *client, void *data, int wait_ms);

/* Of its configuration; empty: not set. Caller frees. */
char *lc_kafka_property_of(rd_kafka_t *client, const char *name);

/* ---- Questions to the broker (questions.c) ---- */

/* Every input of one partition, offsets RD_KAFKA_OFFSET_INVALID. */
rd_kafka_topic_partition_list_t *lc_kafka_list_of(const char *const *topics, int n_topics, int32_t partition);

/* Puts the offset of each into the list, in one request: RD_KAFKA_OFFSET_BEGINNING, or RD_KAFKA_OFFSET_END (which is
 * the last stable one if the client reads committed, otherwise the high watermark). The first error of any. */
rd_kafka_resp_err_t
lc_kafka_ask_offsets(rd_kafka_t *client, rd_kafka_topic_partition_list_t *list, int64_t which, int timeout_ms);

/* The ends of one partition of the topics, in one request: last stable offsets if the client reads committed, otherwise
 * high watermarks. */
bool lc_kafka_ends(rd_kafka_t *client, const char *const *topics, int n_topics, int32_t partition, int64_t *ends,
                   GError **error);

/* What the group of the client committed for one partition of the topics; stable if the client reads committed, and
 * LC_ERROR_RETRY while a transaction is pending. Texts from `arena`. */
bool lc_kafka_committed(rd_kafka_t *client, const char *const *topics, int n_topics, int32_t partition,
                        lc_log_committed *committed, lc_arena *arena, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(rd_kafka_topic_partition_list_t, rd_kafka_topic_partition_list_destroy)
