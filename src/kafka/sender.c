/* sender.c - an idempotent producer for many threads, which tells what has become of each record. */
#include "client.h"

#define POLL_MS 100
#define DESTROY_MS 2000
#define RENEW_EVERY_US G_USEC_PER_SEC
#define MAKE_EVERY_US (60 * G_USEC_PER_SEC) /* each try that fails keeps some memory (client.c) */

struct lc_sender {
    lc_kafka_options options;
    const char *const *topic_names;
    lc_duration timeout;
    lc_sender_tell tell;
    GRWLock lock;              /* writing: the client is made anew */
    rd_kafka_t *client;        /* NULL: none could be made, which is tried again */
    rd_kafka_topic_t **topics; /* of the client, by index; NULL at the end */
    int n_topics;
    gint64 renewed_us;
    int stopping; /* atomic */
    GThread *thread;
};

/* ---- What has become of a record ---- */

static void
tell_failure(rd_kafka_t *client, const rd_kafka_message_t *message, const lc_sender *sender)
{
    g_autoptr(GError) why = NULL;
    const char *topic = rd_kafka_topic_name(message->rkt);
    bool is_too_large =
        message->err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE || message->err == RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE;
    if (lc_kafka_is_denial(message->err) || lc_kafka_is_denial(rd_kafka_fatal_error(client, NULL, 0)))
        lc_kafka_deny(client, "WRITE", "topic", topic, &why);
    else
        lc_kafka_fail(&why, is_too_large ? LC_ERROR_CONFIG : LC_ERROR_RETRY, message->err, "topic %s took no record",
                      topic);
    sender->tell(message->_private, why);
}

static void
on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque)
{
    const lc_sender *sender = opaque;
    if (message->err)
        tell_failure(client, message, sender);
    else
        sender->tell(message->_private, NULL);
}

/* ---- The client ---- */

static rd_kafka_t *
new_client(lc_sender *sender, GError **error)
{
    static const char *const defaults[] = {"linger.ms", "5", "compression.type", "lz4", "batch.size", "500000", NULL};
    g_autofree char *timeout = g_strdup_printf("%" G_GINT64_FORMAT, sender->timeout);
    /* The queue is never full: who sends bounds what is under way. */
    const char *const fixed[] = {"enable.idempotence",
                                 "true",
                                 "acks",
                                 "all",
                                 "partitioner",
                                 "murmur2_random",
                                 "delivery.report.only.error",
                                 "false",
                                 "message.timeout.ms",
                                 timeout,
                                 "queue.buffering.max.messages",
                                 "10000000",
                                 "queue.buffering.max.kbytes",
                                 "2097151",
                                 NULL};
    rd_kafka_conf_t *conf = lc_kafka_conf_new(&sender->options, defaults, fixed, error);
    if (conf == NULL)
        return NULL;
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_conf_set_opaque(conf, sender);
    return lc_kafka_client_new(RD_KAFKA_PRODUCER, conf, error);
}

static bool
open_client(lc_sender *sender, GError **error)
{
    sender->renewed_us = g_get_monotonic_time();
    sender->client = new_client(sender, error);
    for (int i = 0; sender->client && i < sender->n_topics; i++)
        sender->topics[i] = rd_kafka_topic_new(sender->client, sender->topic_names[i], NULL);
    return sender->client != NULL;
}

/* The ends of all that was sent are told first. */
static void
close_client(lc_sender *sender)
{
    for (int i = 0; sender->client && i < sender->n_topics; i++)
        rd_kafka_topic_destroy(sender->topics[i]);
    if (sender->client)
        lc_kafka_destroy(g_steal_pointer(&sender->client), DESTROY_MS);
}

/* What it holds has failed. */
static void
drop_client(lc_sender *sender)
{
    char reason[512] = "";
    rd_kafka_fatal_error(sender->client, reason, sizeof reason);
    g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE", "kafka: the producer is made anew: %s", reason);
    rd_kafka_purge(sender->client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    while (rd_kafka_outq_len(sender->client))
        rd_kafka_poll(sender->client, POLL_MS);
    close_client(sender);
}

/* Nothing more is sent by a client with a fatal error: another takes its place. One that can't be made (a certificate's
 * file is missing, perhaps) is tried again. */
static void
renew_client(lc_sender *sender)
{
    g_autoptr(GError) error = NULL;
    g_rw_lock_writer_lock(&sender->lock);
    if (sender->client)
        drop_client(sender);
    if (!open_client(sender, &error))
        g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE", "kafka: no producer can be made: %s",
                         error->message);
    g_rw_lock_writer_unlock(&sender->lock);
}

static bool
is_at_its_end(const lc_sender *sender)
{
    return g_atomic_int_get(&sender->stopping) && (sender->client == NULL || rd_kafka_outq_len(sender->client) == 0);
}

static bool
must_be_renewed(const lc_sender *sender)
{
    gint64 since_us = g_get_monotonic_time() - sender->renewed_us;
    if (sender->client == NULL)
        return since_us >= MAKE_EVERY_US;
    return rd_kafka_fatal_error(sender->client, NULL, 0) && since_us >= RENEW_EVERY_US;
}

static void *
poll_client(void *data)
{
    lc_sender *sender = data;
    while (!is_at_its_end(sender)) {
        if (sender->client)
            rd_kafka_poll(sender->client, POLL_MS);
        else
            g_usleep(POLL_MS * 1000);
        if (must_be_renewed(sender))
            renew_client(sender);
    }
    return NULL;
}

/* ---- The door ---- */

lc_sender *
lc_sender_new(const lc_kafka_options *options, const char *const *topics, lc_duration timeout, lc_sender_tell tell,
              GError **error)
{
    lc_sender *sender = g_new0(lc_sender, 1);
    sender->options = *options;
    sender->n_topics = (int)g_strv_length((char **)topics);
    sender->topic_names = (const char *const *)g_strdupv((char **)topics);
    sender->topics = g_new0(rd_kafka_topic_t *, (size_t)sender->n_topics + 1);
    sender->timeout = timeout;
    sender->tell = tell;
    g_rw_lock_init(&sender->lock);
    if (open_client(sender, error))
        sender->thread = g_thread_new("sender", poll_client, sender);
    if (sender->client)
        return sender;
    lc_sender_free(sender);
    return NULL;
}

bool
lc_sender_send(lc_sender *sender, int topic, lc_text key, lc_text value, void *ticket, GError **error)
{
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR__DESTROY;
    g_rw_lock_reader_lock(&sender->lock);
    if (sender->client)
        err = rd_kafka_produce(sender->topics[topic], RD_KAFKA_PARTITION_UA, 0, (void *)value.data, value.size,
                               key.data, key.size, ticket)
                  ? rd_kafka_last_error()
                  : RD_KAFKA_RESP_ERR_NO_ERROR;
    g_rw_lock_reader_unlock(&sender->lock);
    return err == RD_KAFKA_RESP_ERR_NO_ERROR ||
           lc_kafka_fail(error, LC_ERROR_RETRY, err, "a record can't be sent to topic %s", sender->topic_names[topic]);
}

/* What the brokers say of one topic. */
static bool
check_topic(rd_kafka_t *client, const rd_kafka_metadata_topic_t *topic, GError **error)
{
    if (lc_kafka_is_denial(topic->err))
        return lc_kafka_deny(client, "DESCRIBE", "topic", topic->topic, error);
    if (topic->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || (topic->err == 0 && topic->partition_cnt == 0)) {
        g_set_error(error, LC_ERROR, LC_ERROR_CONFIG,
                    "topic %s does not exist; 'leadclock topics --create' makes those that are missing", topic->topic);
        return false;
    }
    if (topic->err)
        return lc_kafka_fail(error, LC_ERROR_RETRY, topic->err, "topic %s", topic->topic);
    for (int i = 0; i < topic->partition_cnt; i++)
        if (topic->partitions[i].err && topic->partitions[i].leader < 0)
            return lc_kafka_fail(error, LC_ERROR_RETRY, topic->partitions[i].err, "topic %s, partition %d",
                                 topic->topic, topic->partitions[i].id);
    return true;
}

bool
lc_sender_look(lc_sender *sender, int timeout_ms, GError **error)
{
    const struct rd_kafka_metadata *metadata = NULL;
    bool ok = false;
    g_rw_lock_reader_lock(&sender->lock);
    rd_kafka_resp_err_t err =
        sender->client ? rd_kafka_metadata(sender->client, 0, NULL, &metadata, timeout_ms) : RD_KAFKA_RESP_ERR__DESTROY;
    if (err) {
        lc_kafka_fail(error, lc_kafka_code_of(err), err, "the brokers don't answer");
    } else {
        ok = true;
        for (int i = 0; ok && i < metadata->topic_cnt; i++)
            ok = check_topic(sender->client, &metadata->topics[i], error);
        rd_kafka_metadata_destroy(metadata);
    }
    g_rw_lock_reader_unlock(&sender->lock);
    return ok;
}

void
lc_sender_free(lc_sender *sender)
{
    if (sender == NULL)
        return;
    g_atomic_int_set(&sender->stopping, 1);
    if (sender->thread)
        g_thread_join(sender->thread);
    close_client(sender);
    g_rw_lock_clear(&sender->lock);
    g_strfreev((char **)sender->topic_names);
    g_free(sender->topics);
    g_free(sender);
}
