/* producing.h - the inside of the transactional producer. */
#pragma once

#include "producer.h"

#define LC_PRODUCER_CALL_MS 1000

/* Shared with the threads of the client, which may outlive us. */
typedef struct {
    int end_txns; /* EndTxn requests sent since the commit began */
} lc_sent_requests;

/* Messages that go to one partition: each call of librdkafka takes locks and reads clocks, for one as for many. */
#define LC_BUNDLE_MESSAGES 128
typedef struct {
    int32_t partition;
    size_t n;
    rd_kafka_message_t messages[LC_BUNDLE_MESSAGES];
} lc_bundle;

struct lc_producer {
    const lc_kafka_options *options;
    char *transactional_id;
    rd_kafka_t *client;
    rd_kafka_topic_t *topics[LC_OUTPUTS];
    lc_sent_requests *sent;
    bool is_initializing, has_metadata;
    int64_t uncertain_us; /* a quarter of socket.timeout.ms */

    unsigned caution; /* how many times batches were made smaller */

    /* since begin */
    GArray *slots;                 /* who waits for the delivery report of each message */
    lc_bundle bundles[LC_OUTPUTS]; /* not handed over yet */
    guint n_delivered;
    guint n_refused; /* for their size, by brokers */
    int64_t refused;
    size_t refused_size;
    lc_instant appended_at; /* LogAppendTime, the latest of a record whose offset is wanted */
    rd_kafka_resp_err_t first_failure;
    const char *refused_topic; /* may not be written to; NULL: none. Of the options */

    /* since commit_begin */
    gint64 commit_us;
    unsigned n_transport_errors;
};

/* LC_ERROR_ABORT: it must be renewed first. */
bool lc_producer_is_ready(const lc_producer *producer, GError **error);
