/* publisher.c - an idempotent producer of facts. */
#include "client.h"

struct lc_publisher {
    rd_kafka_t *client;
    GHashTable *topics; /* char* -> rd_kafka_topic_t* */
    size_t not_delivered;
    rd_kafka_resp_err_t first_reason;
    char *first_topic; /* of the first that was not delivered; or NULL */
    unsigned sent_since_poll;
};

/* Reported are only those that were not delivered. */
static void
on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque)
{
    lc_publisher *publisher = opaque;
    (void)client;
    if (!message->err)
        return;
    if (publisher->not_delivered++ > 0)
        return;
    publisher->first_reason = message->err;
    publisher->first_topic = g_strdup(rd_kafka_topic_name(message->rkt));
}

static void
destroy_topic(void *topic)
{
    rd_kafka_topic_destroy(topic);
}

lc_publisher *
lc_publisher_new(const lc_kafka_options *options, GError **error)
{
    static const char *const defaults[] = {"linger.ms", "20", "compression.type", "lz4", "batch.size", "500000", NULL};
    static const char *const fixed[] = {
        "enable.idempotence",           "true",   "partitioner", "murmur2_random", "delivery.report.only.error", "true",
        "queue.buffering.max.messages", "500000", NULL};
    rd_kafka_conf_t *conf = lc_kafka_conf_new(options, defaults, fixed, error);
    if (conf == NULL)
        return NULL;
    lc_publisher *publisher = g_new0(lc_publisher, 1);
    publisher->topics = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, destroy_topic);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_conf_set_opaque(conf, publisher);
    publisher->client = lc_kafka_client_new(RD_KAFKA_PRODUCER, conf, error);
    if (publisher->client)
        return publisher;
    lc_publisher_free(publisher);
    return NULL;
}

static rd_kafka_topic_t *
find_topic(lc_publisher *publisher, const char *name)
{
    rd_kafka_topic_t *topic = g_hash_table_lookup(publisher->topics, name);
    if (topic == NULL) {
        topic = rd_kafka_topic_new(publisher->client, name, NULL);
        if (topic)
            g_hash_table_insert(publisher->topics, g_strdup(name), topic);
    }
    return topic;
}

static rd_kafka_headers_t *
copy_headers(const lc_header *headers, size_t n)
{
    rd_kafka_headers_t *copy = n ? rd_kafka_headers_new(n) : NULL;
    for (size_t i = 0; i < n; i++)
        rd_kafka_header_add(copy, headers[i].name.data, (ssize_t)headers[i].name.size, headers[i].value.data,
                            (ssize_t)headers[i].value.size);
    return copy;
}

static rd_kafka_resp_err_t
produce(lc_publisher *publisher, rd_kafka_topic_t *topic, int32_t partition, lc_text key, lc_text value,
        const lc_header *headers, size_t n_headers)
{
    if (n_headers == 0) {
        int refused = rd_kafka_produce(topic, partition, RD_KAFKA_MSG_F_COPY, (void *)value.data, value.size, key.data,
                                       key.size, NULL);
        return refused ? rd_kafka_last_error() : RD_KAFKA_RESP_ERR_NO_ERROR;
    }
    rd_kafka_headers_t *copy = copy_headers(headers, n_headers);
    rd_kafka_resp_err_t err =
        rd_kafka_producev(publisher->client, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(partition),
                          RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key.data, key.size),
                          RD_KAFKA_V_VALUE((void *)value.data, value.size), RD_KAFKA_V_HEADERS(copy), RD_KAFKA_V_END);
    if (err)
        rd_kafka_headers_destroy(copy);
    return err;
}

bool
lc_publisher_send(lc_publisher *publisher, const char *topic, lc_text key, lc_text value, const lc_header *headers,
                  size_t n_headers, GError **error)
{
    return lc_publisher_send_to(publisher, topic, RD_KAFKA_PARTITION_UA, key, value, headers, n_headers, error);
}

bool
lc_publisher_send_to(lc_publisher *publisher, const char *topic, int32_t partition, lc_text key, lc_text value,
                     const lc_header *headers, size_t n_headers, GError **error)
{
    rd_kafka_topic_t *handle = find_topic(publisher, topic);
    if (handle == NULL)
        return lc_kafka_fail(error, LC_ERROR_CONFIG, rd_kafka_last_error(), "topic %s can't be used", topic);
    rd_kafka_resp_err_t err;
    while ((err = produce(publisher, handle, partition, key, value, headers, n_headers)) ==
           RD_KAFKA_RESP_ERR__QUEUE_FULL)
        rd_kafka_poll(publisher->client, 50);
    /* Once it was refused, librdkafka says so at once. */
    if (lc_kafka_is_denial(err))
        return lc_kafka_deny(publisher->client, "WRITE", "topic", topic, error);
    if (err)
        return lc_kafka_fail(error, LC_ERROR_RECORD, err, "a record can't be sent to topic %s", topic);
    if (++publisher->sent_since_poll >= 1000) {
        publisher->sent_since_poll = 0;
        rd_kafka_poll(publisher->client, 0);
    }
    return true;
}

static void
say_why(lc_publisher *publisher, GError **error)
{
    rd_kafka_resp_err_t err = publisher->first_reason;
    /* Who may write to no topic at all is refused as a producer. */
    if (lc_kafka_is_denial(rd_kafka_fatal_error(publisher->client, NULL, 0)))
        lc_kafka_deny(publisher->client, "WRITE", "topic", publisher->first_topic, error);
    else if (err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
        lc_kafka_deny(publisher->client, "WRITE", "topic", publisher->first_topic, error);
    else
        lc_kafka_fail(error, lc_kafka_is_transport_error(err) ? LC_ERROR_RETRY : LC_ERROR_CONFIG, err,
                      "%zu records were not delivered", publisher->not_delivered);
}

bool
lc_publisher_wait(lc_publisher *publisher, int timeout_ms, GError **error)
{
    bool is_done = rd_kafka_flush(publisher->client, timeout_ms) == RD_KAFKA_RESP_ERR_NO_ERROR;
    if (publisher->not_delivered) {
        g_autoptr(GError) why = NULL;
        say_why(publisher, &why);
        g_set_error_literal(error, LC_ERROR, why->code == LC_ERROR_RETRY ? LC_ERROR_FATAL : why->code, why->message);
    } else if (!is_done) {
        g_set_error(error, LC_ERROR, LC_ERROR_RETRY, "Kafka has not taken what was sent yet");
    }
    return is_done && publisher->not_delivered == 0;
}

size_t
lc_publisher_flush(lc_publisher *publisher, GError **error)
{
    while (rd_kafka_flush(publisher->client, 1000) == RD_KAFKA_RESP_ERR__TIMED_OUT)
        continue;
    if (publisher->not_delivered)
        say_why(publisher, error);
    return publisher->not_delivered;
}

void
lc_publisher_free(lc_publisher *publisher)
{
    if (publisher == NULL)
        return;
    g_hash_table_destroy(publisher->topics);
    if (publisher->client)
        rd_kafka_destroy(publisher->client);
    g_free(publisher->first_topic);
    g_free(publisher);
}
