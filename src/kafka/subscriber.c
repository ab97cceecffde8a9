/* subscriber.c - a member of a consumer group: each partition is read at its own pace, and committed by itself. */
#include "client.h"

#include "lend.h"

#define LOOK_MS 1000
#define LEFT_WITHIN_MS 5000
#define SUBSCRIBE_SESSION_MS "10000" /* one that was killed is missed after so long; the operator's property counts */

/* One partition of ours. Its records don't go through the consumer's queue, where one that is held up would hold up
 * all: what slipped in there before it was taken out is kept in `early`. */
typedef struct {
    int topic;
    int32_t partition;
    rd_kafka_queue_t *queue;
    GQueue early; /* rd_kafka_message_t */
    int64_t next; /* behind the last that was read */
} lane;

struct lc_subscriber {
    rd_kafka_t *client;
    char *group;
    char **topics;
    GArray *lanes; /* lane */
    unsigned assignment;
    rd_kafka_message_t *message; /* the one lent out */
    GArray *headers;             /* lc_header */
};

/* ---- Partitions that come and go; inside of a poll ---- */

static void
destroy_message(void *message)
{
    rd_kafka_message_destroy(message);
}

static void
clear_lane(void *data)
{
    lane *one = data;
    g_queue_clear_full(&one->early, destroy_message);
    rd_kafka_queue_destroy(one->queue);
}

static int
topic_named(const lc_subscriber *subscriber, const char *name)
{
    for (int i = 0; subscriber->topics[i]; i++)
        if (strcmp(subscriber->topics[i], name) == 0)
            return i;
    return -1;
}

static void
take_lanes(lc_subscriber *subscriber, const rd_kafka_topic_partition_list_t *partitions)
{
    for (int i = 0; i < partitions->cnt; i++) {
        const rd_kafka_topic_partition_t *at = &partitions->elems[i];
        lane one = {.topic = topic_named(subscriber, at->topic), .partition = at->partition};
        one.queue = rd_kafka_queue_get_partition(subscriber->client, at->topic, at->partition);
        if (one.topic < 0 || one.queue == NULL)
            continue;
        rd_kafka_queue_forward(one.queue, NULL);
        g_array_append_val(subscriber->lanes, one);
    }
}

static void
on_rebalance(rd_kafka_t *client, rd_kafka_resp_err_t err, rd_kafka_topic_partition_list_t *partitions, void *opaque)
{
    lc_subscriber *subscriber = opaque;
    bool is_given = err == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
    g_array_set_size(subscriber->lanes, 0);
    subscriber->assignment++;
    if (is_given)
        take_lanes(subscriber, partitions);
    rd_kafka_assign(client, is_given ? partitions : NULL);
}

/* ---- Start ---- */

static rd_kafka_conf_t *
new_conf(const lc_kafka_options *options, GError **error)
{
    static const char *const defaults[] = {"fetch.wait.max.ms",
                                           "100",
                                           "session.timeout.ms",
                                           SUBSCRIBE_SESSION_MS,
                                           "heartbeat.interval.ms",
                                           "2000",
                                           "queued.min.messages",
                                           "100",
                                           "queued.max.messages.kbytes",
                                           "2048",
                                           NULL};
    const char *fixed[] = {"group.id",
                           options->group,
                           "enable.auto.commit",
                           "false",
                           "enable.auto.offset.store",
                           "false",
                           "isolation.level",
                           "read_committed",
                           "auto.offset.reset",
                           "earliest",
                           "partition.assignment.strategy",
                           "range",
                           "allow.auto.create.topics",
                           "false",
                           NULL};
    return lc_kafka_conf_new(options, defaults, fixed, error);
}

static bool
subscribe(lc_subscriber *subscriber, GError **error)
{
    int n = (int)g_strv_length(subscriber->topics);
    g_autoptr(rd_kafka_topic_partition_list_t) list = rd_kafka_topic_partition_list_new(n);
    for (int i = 0; i < n; i++)
        rd_kafka_topic_partition_list_add(list, subscriber->topics[i], RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t err = rd_kafka_subscribe(subscriber->client, list);
    return !err || lc_kafka_fail(error, LC_ERROR_RETRY, err, "topics can't be subscribed to");
}

lc_subscriber *
lc_subscriber_new(const lc_kafka_options *options, const char *const *topics, GError **error)
{
    rd_kafka_conf_t *conf = new_conf(options, error);
    if (conf == NULL)
        return NULL;
    g_autoptr(lc_subscriber) subscriber = g_new0(lc_subscriber, 1);
    subscriber->group = g_strdup(options->group);
    subscriber->topics = g_strdupv((char **)topics);
    subscriber->lanes = g_array_new(FALSE, FALSE, sizeof(lane));
    g_array_set_clear_func(subscriber->lanes, clear_lane);
    subscriber->headers = g_array_new(FALSE, FALSE, sizeof(lc_header));
    rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
    rd_kafka_conf_set_opaque(conf, subscriber);
    subscriber->client = lc_kafka_client_new(RD_KAFKA_CONSUMER, conf, error);
    if (subscriber->client == NULL)
        return NULL;
    rd_kafka_poll_set_consumer(subscriber->client);
    return subscribe(subscriber, error) ? g_steal_pointer(&subscriber) : NULL;
}

/* ---- Reading ---- */

/* What is no record: nothing, or an error. */
static bool
take_event(lc_subscriber *subscriber, const rd_kafka_message_t *message, GError **error)
{
    rd_kafka_resp_err_t err = message->err;
    const char *topic = message->rkt ? rd_kafka_topic_name(message->rkt) : "?";
    if (err == RD_KAFKA_RESP_ERR__PARTITION_EOF || err == RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED ||
        lc_kafka_is_transport_error(err))
        return true;
    if (err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
        return lc_kafka_deny(subscriber->client, "READ", "topic", topic, error);
    if (err == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED)
        return lc_kafka_deny(subscriber->client, "READ", "group", subscriber->group, error);
    return lc_kafka_fail(error, LC_ERROR_ABORT, err, "reading from Kafka: %s", rd_kafka_message_errstr(message));
}

static lane *
lane_of(lc_subscriber *subscriber, const rd_kafka_message_t *message)
{
    int topic = topic_named(subscriber, rd_kafka_topic_name(message->rkt));
    for (guint i = 0; i < subscriber->lanes->len; i++) {
        lane *one = &g_array_index(subscriber->lanes, lane, i);
        if (one->topic == topic && one->partition == message->partition)
            return one;
    }
    return NULL;
}

bool
lc_subscriber_poll(lc_subscriber *subscriber, int timeout_ms, GError **error)
{
    for (rd_kafka_message_t *message; (message = rd_kafka_consumer_poll(subscriber->client, timeout_ms));) {
        lane *one = message->err ? NULL : lane_of(subscriber, message);
        bool ok = !message->err || take_event(subscriber, message, error);
        timeout_ms = 0;
        if (one)
            g_queue_push_tail(&one->early, message);
        else
            rd_kafka_message_destroy(message);
        if (!ok)
            return false;
    }
    return true;
}

bool
lc_subscriber_look(lc_subscriber *subscriber, GError **error)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(subscriber->client, subscriber->topics[0], NULL);
    rd_kafka_resp_err_t err = rd_kafka_metadata(subscriber->client, 0, topic, &metadata, LOOK_MS);
    rd_kafka_topic_destroy(topic);
    if (!err)
        rd_kafka_metadata_destroy(metadata);
    return !err || lc_kafka_fail(error, LC_ERROR_RETRY, err, "Kafka does not answer");
}

size_t
lc_subscriber_lanes(const lc_subscriber *subscriber, unsigned *assignment)
{
    *assignment = subscriber->assignment;
    return subscriber->lanes->len;
}

int
lc_subscriber_read(lc_subscriber *subscriber, size_t lane_index, lc_read_record *record, GError **error)
{
    lane *one = &g_array_index(subscriber->lanes, lane, lane_index);
    g_clear_pointer(&subscriber->message, rd_kafka_message_destroy);
    rd_kafka_message_t *message = g_queue_pop_head(&one->early);
    if (message == NULL)
        message = rd_kafka_consume_queue(one->queue, 0);
    if (message == NULL)
        return 0;
    subscriber->message = message;
    if (message->err)
        return take_event(subscriber, message, error) ? 0 : -1;
    if (message->offset < one->next)
        return 0;
    one->next = message->offset + 1;
    *record = lc_kafka_lend(message, one->topic, subscriber->headers);
    return 1;
}

void
lc_subscriber_commit(lc_subscriber *subscriber, size_t lane_index, int64_t next)
{
    const lane *one = &g_array_index(subscriber->lanes, lane, lane_index);
    g_autoptr(rd_kafka_topic_partition_list_t) list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, subscriber->topics[one->topic], one->partition)->offset = next;
    rd_kafka_commit(subscriber->client, list, 1);
}

/* Not longer than this: to close a consumer may take for ever where a topic was deleted. */
static void
leave_group(lc_subscriber *subscriber)
{
    gint64 until_us = g_get_monotonic_time() + LEFT_WITHIN_MS * (gint64)1000;
    rd_kafka_queue_t *queue = rd_kafka_queue_new(subscriber->client);
    rd_kafka_error_t *refused = rd_kafka_consumer_close_queue(subscriber->client, queue);
    while (!refused && !rd_kafka_consumer_closed(subscriber->client) && g_get_monotonic_time() < until_us)
        rd_kafka_queue_poll_callback(queue, 50);
    if (refused)
        rd_kafka_error_destroy(refused);
    rd_kafka_queue_destroy(queue);
}

void
lc_subscriber_free(lc_subscriber *subscriber)
{
    if (subscriber == NULL)
        return;
    g_clear_pointer(&subscriber->message, rd_kafka_message_destroy);
    g_array_set_size(subscriber->lanes, 0);
    if (subscriber->client) {
        leave_group(subscriber);
        lc_kafka_destroy(subscriber->client, LEFT_WITHIN_MS);
    }
    g_array_unref(subscriber->lanes);
    g_array_unref(subscriber->headers);
    g_strfreev(subscriber->topics);
    g_free(subscriber->group);
    g_free(subscriber);
}
