/* republish.c - facts once more, to the partitions where their keys belong now. */
#include "admin.h"

#define START_MS 5000
#define READ_MS 500
#define SILENCE_US (60 * G_USEC_PER_SEC)
#define TELL_EVERY 1000
#define MOST_BYTES "1000000000" /* the largest that librdkafka takes: brokers have had it already */
#define TIMED_BYTES 1000000     /* what is larger is no fact, and may leave no room for its time */

/* A partition that is read, by a queue of its own: nothing is fetched far ahead of the others. */
typedef struct {
    const lc_group_lag *range;
    rd_kafka_queue_t *queue;
    rd_kafka_message_t *head; /* the next record; NULL: none yet, or no more */
    bool done;
} source;

typedef struct {
    rd_kafka_t *client;
    lc_publisher *publisher;
    GArray *sources; /* source, of one topic */
    GArray *headers; /* lc_header */
    int32_t partitions;
    lc_tell_republish tell;
    void *data;
    uint64_t done, all; /* offsets */
} republication;

/* ---- Reading ---- */

static rd_kafka_t *
make_reader(const lc_kafka_options *options, GError **error)
{
    static const char *const defaults[] = {
        "fetch.wait.max.ms", "100", "queued.min.messages", "10000", "queued.max.messages.kbytes", "8192", NULL};
    const char *const fixed[] = {"group.id", options->group, LC_KAFKA_CONSUMER_SETTINGS, NULL};
    rd_kafka_conf_t *conf = lc_kafka_conf_new(options, defaults, fixed, error);

    return conf ? lc_kafka_client_new(RD_KAFKA_CONSUMER, conf, error) : NULL;
}

static void
source_clear(void *data)
{
    source *one = data;

    g_clear_pointer(&one->head, rd_kafka_message_destroy);
    g_clear_pointer(&one->queue, rd_kafka_queue_destroy);
}

/* The ranges of the topic that `ranges` has at `first`; where the next topic begins. */
static guint
list_sources(republication *r, const GArray *ranges, guint first)
{
    const char *topic = g_array_index(ranges, lc_group_lag, first).topic;
    guint i = first;

    g_array_set_size(r->sources, 0);
    for (; i < ranges->len && strcmp(g_array_index(ranges, lc_group_lag, i).topic, topic) == 0; i++) {
        source one = {.range = &g_array_index(ranges, lc_group_lag, i)};
        if (one.range->low < one.range->end)
            g_array_append_val(r->sources, one);
    }
    return i;
}

static bool
open_sources(republication *r, GError **error)
{
    g_autoptr(rd_kafka_topic_partition_list_t) list = rd_kafka_topic_partition_list_new((int)r->sources->len);

    for (guint i = 0; i < r->sources->len; i++) {
        source *one = &g_array_index(r->sources, source, i);
        rd_kafka_topic_partition_list_add(list, one->range->topic, one->range->partition)->offset = one->range->low;
        one->queue = rd_kafka_queue_get_partition(r->client, one->range->topic, one->range->partition);
        rd_kafka_queue_forward(one->queue, NULL);
    }
    rd_kafka_resp_err_t err = rd_kafka_assign(r->client, list);
    return !err || lc_kafka_fail(error, LC_ERROR_FATAL, err, "partitions can't be read");
}

/* False: it can't be read any further. */
static bool
take_event(rd_kafka_t *client, source *one, const rd_kafka_message_t *event, GError **error)
{
    if (event->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        one->done = event->offset >= one->range->end;
        return true;
    }
    if (lc_kafka_is_transport_error(event->err))
        return true;
    if (lc_kafka_is_denial(event->err))
        return lc_kafka_deny(client, "READ", "topic", one->range->topic, error);
    return lc_kafka_fail(error, LC_ERROR_FATAL, event->err,
                         "reading %s [%d], offsets %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT
                         " (retention may have deleted some meanwhile: begin again)",
                         one->range->topic, one->range->partition, one->range->low, one->range->end);
}

static bool
read_head(rd_kafka_t *client, source *one, GError **error)
{
    gint64 give_up = g_get_monotonic_time() + SILENCE_US;

    while (one->head == NULL && !one->done) {
        rd_kafka_message_t *message = rd_kafka_consume_queue(one->queue, READ_MS);
        if (message == NULL && g_get_monotonic_time() > give_up) {
            g_set_error(error, LC_ERROR, LC_ERROR_RETRY,
                        "Kafka does not give the records of %s [%d] up to %" G_GINT64_FORMAT, one->range->topic,
                        one->range->partition, one->range->end);
            return false;
        }
        if (message == NULL)
            continue;
        if (!message->err && message->offset < one->range->end) {
            one->head = message;
            return true;
        }
        bool ok = message->err ? take_event(client, one, message, error) : (one->done = true);
        rd_kafka_message_destroy(message);
        if (!ok)
            return false;
    }
    return true;
}

static int64_t
time_of(const rd_kafka_message_t *message)
{
    rd_kafka_timestamp_type_t type;

    return rd_kafka_message_timestamp(message, &type);
}

/* The one whose next record is the earliest; NULL: all are read, or an error. */
static source *
find_next(republication *r, GError **error)
{
    source *next = NULL;

    for (guint i = 0; i < r->sources->len; i++) {
        source *one = &g_array_index(r->sources, source, i);
        if (!read_head(r->client, one, error))
            return NULL;
        if (one->head && (next == NULL || time_of(one->head) < time_of(next->head)))
            next = one;
    }
    return next;
}

/* ---- Sending ---- */

/* Those that it has; and its time, unless it was published again before. */
static void
gather_headers(republication *r, const rd_kafka_message_t *message, lc_text published_at)
{
    rd_kafka_headers_t *headers;
    const char *name;
    const void *value;
    size_t size;
    bool has_time = false;

    g_array_set_size(r->headers, 0);
    bool has_headers = !rd_kafka_message_headers(message, &headers);
    for (size_t i = 0; has_headers && !rd_kafka_header_get_all(headers, i, &name, &value, &size); i++) {
        lc_header header = {lc_text_of(name), {value, value ? size : 0}};
        g_array_append_val(r->headers, header);
        has_time |= strcmp(name, LC_KAFKA_PUBLISHED_AT) == 0;
    }
    const lc_header time = {LC_TEXT(LC_KAFKA_PUBLISHED_AT), published_at};
    if (!has_time && message->len < TIMED_BYTES)
        g_array_append_val(r->headers, time);
}

static bool
send_again(republication *r, const rd_kafka_message_t *message, GError **error)
{
    char published_at[24];

    g_snprintf(published_at, sizeof published_at, "%" G_GINT64_FORMAT, time_of(message));
    gather_headers(r, message, lc_text_of(published_at));
    lc_text key = {message->key, message->key ? message->key_len : 0};
    lc_text value = {message->payload, message->payload ? message->len : 0};
    /* Without a key it is no fact, wherever it lies. */
    int32_t partition = key.data ? lc_log_partition_of(key, r->partitions) : RD_KAFKA_PARTITION_UA;
    return lc_publisher_send_to(r->publisher, rd_kafka_topic_name(message->rkt), partition, key, value,
                                (const lc_header *)(const void *)r->headers->data, r->headers->len, error);
}

static bool
republish_topic(republication *r, GError **error)
{
    g_autoptr(GError) problem = NULL;
    source *next;

    if (!open_sources(r, error))
        return false;
    while ((next = find_next(r, &problem))) {
        bool sent = send_again(r, next->head, &problem);
        g_clear_pointer(&next->head, rd_kafka_message_destroy);
        if (!sent)
            break;
        if (++r->done % TELL_EVERY == 0)
            r->tell(r->done, r->all, r->data);
    }
    rd_kafka_assign(r->client, NULL);
    if (problem == NULL)
        return true;
    g_propagate_error(error, g_steal_pointer(&problem));
    return false;
}

static bool
republish_all(republication *r, const GArray *ranges, GError **error)
{
    for (guint i = 0; i < ranges->len; i++) {
        const lc_group_lag *one = &g_array_index(ranges, lc_group_lag, i);
        r->all += (uint64_t)(one->end - one->low);
    }
    for (guint first = 0; first < ranges->len;) {
        first = list_sources(r, ranges, first);
        if (r->sources->len && !republish_topic(r, error))
            return false;
    }
    return lc_publisher_flush(r->publisher, error) == 0;
}

/* The operator's properties count. */
static lc_publisher *
make_publisher(const lc_kafka_options *options, GError **error)
{
    g_autoptr(GStrvBuilder) properties = g_strv_builder_new();
    lc_kafka_options larger = *options;

    g_strv_builder_add_many(properties, "message.max.bytes", MOST_BYTES, NULL);
    for (const char *const *one = options->properties; one && *one; one++)
        g_strv_builder_add(properties, *one);
    g_auto(GStrv) all = g_strv_builder_end(properties);
    larger.properties = (const char *const *)all;
    return lc_publisher_new(&larger, error);
}

bool
lc_kafka_republish(const lc_kafka_options *options, const GArray *ranges, int32_t partitions, lc_tell_republish tell,
                   void *data, GError **error)
{
    republication r = {.partitions = partitions, .tell = tell, .data = data};

    r.sources = g_array_new(FALSE, TRUE, sizeof(source));
    g_array_set_clear_func(r.sources, source_clear);
    r.headers = g_array_new(FALSE, FALSE, sizeof(lc_header));
    r.client = make_reader(options, error);
    r.publisher = r.client ? make_publisher(options, error) : NULL;
    bool done = r.publisher && republish_all(&r, ranges, error);
    lc_publisher_free(r.publisher);
    g_array_unref(r.sources);
    g_array_unref(r.headers);
    if (r.client)
        lc_kafka_destroy(r.client, START_MS);
    return done;
}
