/* producer.c - the transactional producer: its client, and what goes into one transaction. */
#include "enqueue.h"
#include "trouble.h"

#include <errno.h>
#include <stdlib.h>

#define DESTROY_MS 300
#define SERVE_EVERY 1024
#define MAX_MESSAGE_BYTES "2097152"
#define END_TXN 26 /* ApiKey */

/* Brokers refuse a batch of messages as a whole, for the size that it has when compressed. Each time that one of
 * several messages was refused they are made smaller, to an eighth, down to messages that go alone: what is refused
 * then is too large itself. */
#define BATCH_BYTES "1000000"
#define ALONE_FROM 3 /* times */

/* Who waits for the delivery report of a message. */
typedef struct {
    int64_t *offset; /* or NULL */
    uint32_t tag;
} slot;

/* ---- What librdkafka reports ---- */

static void
take_delivered(lc_producer *producer, const rd_kafka_message_t *message, int64_t *offset)
{
    rd_kafka_timestamp_type_t type;
    int64_t timestamp = rd_kafka_message_timestamp(message, &type);

    *offset = message->offset;
    if (type == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME)
        producer->appended_at = MAX(producer->appended_at, timestamp);
}

static const char *
output_name(const lc_producer *producer, const rd_kafka_topic_t *topic)
{
    for (int i = 0; i < LC_OUTPUTS; i++)
        if (producer->topics[i] == topic)
            return producer->options->outputs[i];
    return rd_kafka_topic_name(topic);
}

static void
on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque)
{
    lc_producer *producer = opaque;
    gsize number = GPOINTER_TO_SIZE(message->_private);

    (void)client;
    if (number == 0 || number > producer->slots->len)
        return;
    const slot *one = &g_array_index(producer->slots, slot, number - 1);
    producer->n_delivered++;
    if (!message->err && message->offset >= 0) {
        if (one->offset)
            take_delivered(producer, message, one->offset);
        return;
    }
    if (message->err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
        producer->refused_topic = output_name(producer, message->rkt);
    if (!producer->first_failure)
        producer->first_failure = message->err ? message->err : RD_KAFKA_RESP_ERR__BAD_MSG;
    if (message->err != RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
        return;
    size_t size = message->len + message->key_len;
    producer->n_refused++;
    if (size >= producer->refused_size) {
        producer->refused_size = size;
        producer->refused = one->tag;
    }
}

static void
on_error(rd_kafka_t *client, int err, const char *reason, void *opaque)
{
    lc_producer *producer = opaque;

    if (lc_kafka_is_transport_error((rd_kafka_resp_err_t)err))
        producer->n_transport_errors++;
    lc_kafka_report(client, err, reason);
}

/* error_cb hides a transport error like the one before it for 30 s, so what was sent is counted too. */
static rd_kafka_resp_err_t
on_request_sent(rd_kafka_t *client, int socket, const char *broker, int32_t broker_id, int16_t api_key,
                int16_t api_version, int32_t correlation_id, size_t size, void *opaque)
{
    lc_sent_requests *sent = opaque;

    (void)client, (void)socket, (void)broker, (void)broker_id, (void)api_version, (void)correlation_id, (void)size;
    if (api_key == END_TXN)
        g_atomic_int_inc(&sent->end_txns);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t
on_new_client(rd_kafka_t *client, const rd_kafka_conf_t *conf, void *opaque, char *reason, size_t size)
{
    (void)conf, (void)reason, (void)size;
    return rd_kafka_interceptor_add_on_request_sent(client, "leadclock", on_request_sent, opaque);
}

/* ---- Life ---- */

static rd_kafka_conf_t *
producer_conf(const lc_producer *producer, GError **error)
{
    /* Batches go when they are full, or flushed: each costs the broker as much as some thousand messages. */
    const char *const defaults[] = {"linger.ms",
                                    "500",
                                    "batch.num.messages",
                                    "100000",
                                    "retry.backoff.ms",
                                    "5",
                                    "compression.type",
                                    "lz4",
                                    "queue.buffering.max.messages",
                                    "1000000",
                                    "transaction.timeout.ms",
                                    "60000",
                                    "socket.timeout.ms",
                                    "20000",
                                    "batch.size",
                                    BATCH_BYTES,
                                    "message.max.bytes",
                                    MAX_MESSAGE_BYTES,
                                    NULL};
    const char *const fixed[] = {"transactional.id",
                                 producer->transactional_id,
                                 "enable.idempotence",
                                 "true",
                                 "partitioner",
                                 "murmur2_random",
                                 NULL};
    return lc_kafka_conf_new(producer->options, defaults, fixed, error);
}

static void
make_batches_smaller(const lc_producer *producer, rd_kafka_conf_t *conf)
{
    char value[32] = BATCH_BYTES;
    size_t size = sizeof value;

    rd_kafka_conf_get(conf, "batch.size", value, &size);
    g_autofree char *smaller = g_strdup_printf("%lld", MAX(strtoll(value, NULL, 10) >> (3 * producer->caution), 1));
    rd_kafka_conf_set(conf, "batch.size", smaller, NULL, 0);
    if (producer->caution >= ALONE_FROM)
        rd_kafka_conf_set(conf, "batch.num.messages", "1", NULL, 0);
}

static bool
make_client(lc_producer *producer, GError **error)
{
    rd_kafka_conf_t *conf = producer_conf(producer, error);
    char value[32] = "20000";
    size_t size = sizeof value;

    if (conf == NULL)
        return false;
    rd_kafka_conf_get(conf, "socket.timeout.ms", value, &size);
    producer->uncertain_us = strtoll(value, NULL, 10) * 1000 / 4;
    make_batches_smaller(producer, conf);
    rd_kafka_conf_set_opaque(conf, producer);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_conf_set_error_cb(conf, on_error);
    producer->sent = g_new0(lc_sent_requests, 1);
    rd_kafka_conf_interceptor_add_on_new(conf, "leadclock", on_new_client, producer->sent);
    producer->client = lc_kafka_client_new(RD_KAFKA_PRODUCER, conf, error);
    if (producer->client == NULL) {
        g_clear_pointer(&producer->sent, g_free);
        return false;
    }
    for (int i = 0; i < LC_OUTPUTS; i++)
        if (producer->options->outputs[i])
            producer->topics[i] = rd_kafka_topic_new(producer->client, producer->options->outputs[i], NULL);
    return true;
}

static void
drop_client(lc_producer *producer)
{
    if (producer->client == NULL)
        return;
    for (int i = 0; i < LC_OUTPUTS; i++)
        g_clear_pointer(&producer->topics[i], rd_kafka_topic_destroy);
    g_free(lc_trouble_refused_topics(producer->client));
    rd_kafka_purge(producer->client,
                   RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
    lc_kafka_destroy_with(producer->client, producer->sent, DESTROY_MS); /* till then its threads may still count */
    producer->client = NULL;
    producer->sent = NULL;
    producer->is_initializing = producer->has_metadata = false;
}

lc_producer *
lc_producer_new(const lc_kafka_options *options, GError **error)
{
    lc_producer *producer = g_new0(lc_producer, 1);

    producer->options = options;
    producer->transactional_id = lc_kafka_transactional_id(options->group, options->instance);
    producer->slots = g_array_new(FALSE, FALSE, sizeof(slot));
    producer->refused = -1;
    rd_kafka_conf_t *conf = producer_conf(producer, error);
    if (conf) {
        rd_kafka_conf_destroy(conf);
        return producer;
    }
    lc_producer_free(producer);
    return NULL;
}

void
lc_producer_free(lc_producer *producer)
{
    drop_client(producer);
    g_array_unref(producer->slots);
    g_free(producer->transactional_id);
    g_free(producer);
}

/* Without it the first transaction waits 1 s for look-ups, topic by topic. */
static bool
learn_metadata(lc_producer *producer, GError **error)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t err;

    if (producer->has_metadata)
        return true;
    err = rd_kafka_metadata(producer->client, 0, NULL, &metadata, LC_PRODUCER_CALL_MS);
    if (err)
        return lc_kafka_fail(error, LC_ERROR_RETRY, err, "metadata of the output topics");
    rd_kafka_metadata_destroy(metadata);
    producer->has_metadata = true;
    return true;
}

static bool
initialize(lc_producer *producer, GError **error)
{
    rd_kafka_error_t *cause = rd_kafka_init_transactions(producer->client, LC_PRODUCER_CALL_MS);

    if (cause == NULL)
        return true;
    rd_kafka_resp_err_t err = rd_kafka_error_code(cause);
    bool is_denied = lc_kafka_is_denial(err);
    if (is_denied)
        lc_kafka_deny(producer->client, "WRITE", "transactional id", producer->transactional_id, error);
    if (!rd_kafka_error_is_retriable(cause))
        drop_client(producer);
    if (!is_denied)
        return lc_kafka_fail_with(error, lc_kafka_code_of(err), cause, "init_transactions of %s",
                                  producer->transactional_id);
    rd_kafka_error_destroy(cause);
    return false;
}

bool
lc_producer_renew(lc_producer *producer, GError **error)
{
    if (!producer->is_initializing) {
        drop_client(producer);
        if (!make_client(producer, error))
            return false;
        producer->is_initializing = true;
    }
    if (!learn_metadata(producer, error) || !initialize(producer, error))
        return false;
    producer->is_initializing = false;
    return true;
}

/* ---- One transaction ---- */

bool
lc_producer_is_ready(const lc_producer *producer, GError **error)
{
    if (producer->client && !producer->is_initializing)
        return true;
    g_set_error(error, LC_ERROR, LC_ERROR_ABORT, "there is no producer: it must be renewed first");
    return false;
}

bool
lc_producer_begin(lc_producer *producer, GError **error)
{
    if (!lc_producer_is_ready(producer, error))
        return false;
    g_array_set_size(producer->slots, 0);
    for (int i = 0; i < LC_OUTPUTS; i++)
        producer->bundles[i].n = 0;
    producer->n_delivered = 0;
    producer->n_refused = 0;
    producer->refused = -1;
    producer->refused_size = 0;
    producer->appended_at = LC_ABSENT;
    producer->first_failure = RD_KAFKA_RESP_ERR_NO_ERROR;
    producer->refused_topic = NULL;
    rd_kafka_error_t *cause = rd_kafka_begin_transaction(producer->client);
    return !cause || lc_kafka_fail_with(error, LC_ERROR_ABORT, cause, "begin_transaction");
}

/* Whether the transaction failed because a topic may not be written to; what follows from that is no news. */
static bool
is_refused(lc_producer *producer, GError **error)
{
    g_autofree char *topics = lc_trouble_refused_topics(producer->client);

    if (topics == NULL && producer->refused_topic)
        topics = g_strdup(producer->refused_topic);
    if (topics)
        lc_kafka_deny(producer->client, "WRITE", "topic", topics, error);
    return topics != NULL;
}

/* Several messages were refused: it may be only that they went together. */
static void
take_refusal(lc_producer *producer)
{
    if (producer->n_refused < 2 || producer->caution >= ALONE_FROM)
        return;
    producer->refused = -1;
    producer->n_refused = 0;
    producer->caution++;
    g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "PRODUCER", producer->transactional_id, "MESSAGE",
                     "Kafka refused a batch of messages for its size; they are tried again in smaller ones, which cost "
                     "more time: give max.message.bytes of all topics its default or more ('leadclock topics' shows "
                     "which differ), and start anew");
}

/* The transaction has failed already, maybe by a refusal that nobody has heard of. */
static void
hear_all(lc_producer *producer)
{
    rd_kafka_purge(producer->client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_flush(producer->client, LC_PRODUCER_CALL_MS);
    take_refusal(producer);
}

static bool
fail_to_produce(lc_producer *producer, lc_output output, lc_message_number number, rd_kafka_resp_err_t err,
                GError **error)
{
    if (err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
        producer->refused = g_array_index(producer->slots, slot, number - 1).tag;
    else if (err != RD_KAFKA_RESP_ERR__QUEUE_FULL)
        hear_all(producer);
    if (is_refused(producer, error))
        return false;
    return lc_kafka_fail(error, err == RD_KAFKA_RESP_ERR__QUEUE_FULL ? LC_ERROR_RETRY : LC_ERROR_ABORT, err,
                         "producing to %s", producer->options->outputs[output]);
}

bool
lc_producer_produce(lc_producer *producer, const lc_outgoing *outgoing, GError **error)
{
    slot one = {outgoing->offset, outgoing->tag};

    if (!lc_producer_is_ready(producer, error))
        return false;
    g_array_append_val(producer->slots, one);
    lc_message_number number = producer->slots->len;
    rd_kafka_resp_err_t err = lc_enqueue(producer, outgoing, &number);
    if (err)
        return fail_to_produce(producer, outgoing->output, number, err, error);
    if (producer->slots->len % SERVE_EVERY == 0)
        rd_kafka_poll(producer->client, 0);
    return true;
}

static bool
hand_over_all(lc_producer *producer, GError **error)
{
    for (int output = 0; output < LC_OUTPUTS; output++) {
        lc_message_number failed = 0;
        rd_kafka_resp_err_t err = lc_enqueue_rest(producer, (lc_output)output, &failed);
        if (err)
            return fail_to_produce(producer, (lc_output)output, failed, err, error);
    }
    return true;
}

bool
lc_producer_flush(lc_producer *producer, GError **error)
{
    if (!lc_producer_is_ready(producer, error) || !hand_over_all(producer, error))
        return false;
    rd_kafka_resp_err_t err = rd_kafka_flush(producer->client, LC_PRODUCER_CALL_MS);
    if (err == RD_KAFKA_RESP_ERR__TIMED_OUT)
        return lc_kafka_fail(error, LC_ERROR_RETRY, err, "delivery of %u of %u messages",
                             producer->slots->len - producer->n_delivered, producer->slots->len);
    take_refusal(producer);
    if (!err)
        err = producer->first_failure;
    if (err)
        return !is_refused(producer, error) && lc_kafka_fail(error, LC_ERROR_ABORT, err, "a message was not delivered");
    if (producer->n_delivered == producer->slots->len)
        return true;
    g_set_error(error, LC_ERROR, LC_ERROR_ABORT, "only %u of %u messages were reported as delivered",
                producer->n_delivered, producer->slots->len);
    return false;
}

int64_t
lc_producer_refused(const lc_producer *producer)
{
    return producer->refused;
}

lc_instant
lc_producer_appended_at(const lc_producer *producer)
{
    return producer->appended_at;
}
