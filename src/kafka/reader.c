/* reader.c - a read-committed reader without a group. */
#include "client.h"

#include "fetch.h"
#include "lend.h"

/* A call of librdkafka for each message would take as long as all else that is done with a row. */
#define AT_ONCE 256

/* One partition, and how far it must be read to have caught up. */
typedef struct {
    int64_t start, position, end;
    bool caught_up;
} progress;

struct lc_reader {
    rd_kafka_t *client;
    char *brokers;
    char **topics;
    progress **partitions; /* by topic and partition */
    int32_t *n_partitions; /* by topic */
    unsigned behind;       /* partitions that have not caught up */
    lc_fetch_waker waker;
    size_t most_queued; /* messages that were seen in the queue at once */

    rd_kafka_queue_t *queue;               /* the client's */
    rd_kafka_message_t *messages[AT_ONCE]; /* taken out of it; those from `next` on are not lent yet */
    size_t n_messages, next;
    rd_kafka_message_t *message; /* the one lent out */
    rd_kafka_topic_t *last_topic;
    int last_index;
    GArray *headers; /* lc_header; NULL: they are not wanted */
};

#define GONE_WITHIN_MS 5000
#define WAKE_AGAIN_MS 20
#define START_TIMEOUT_MS 5000

/* ---- Start ---- */

/* What waits in librdkafka's queue takes half a KiB a record: 100,000 of them, its default, are no faster. By bytes it
 * holds what is read in a third of a second: each time that it is full fetching stands still for a moment. */
static rd_kafka_t *
new_client(const lc_kafka_options *options, long *queued, GError **error)
{
    static const char *const defaults[] = {"fetch.wait.max.ms",
                                           "100",
                                           "queued.min.messages",
                                           "20000",
                                           "queued.max.messages.kbytes",
                                           "32768",
                                           "fetch.message.max.bytes",
                                           "131072",
                                           NULL};
    const char *fixed[] = {"group.id",
                           options->group, /* needed by the library; nothing is subscribed or committed */
                           "enable.auto.commit",
                           "false",
                           "enable.auto.offset.store",
                           "false",
                           "enable.partition.eof",
                           "true",
                           "isolation.level",
                           "read_committed",
                           "auto.offset.reset",
                           "earliest",
                           "allow.auto.create.topics",
                           "false",
                           NULL};
    rd_kafka_conf_t *conf = lc_kafka_conf_new(options, defaults, fixed, error);
    *queued = conf ? lc_fetch_prepare(conf, options->properties) : 0;
    rd_kafka_t *client = conf ? lc_kafka_client_new(RD_KAFKA_CONSUMER, conf, error) : NULL;
    if (client)
        rd_kafka_poll_set_consumer(client);
    return client;
}

/* Every partition of the topics; NULL where one does not exist. */
static rd_kafka_topic_partition_list_t *
list_partitions(lc_reader *reader, const lc_kafka_options *options, GError **error)
{
    g_autoptr(GArray) topics =
        lc_kafka_describe_topics(options, (const char *const *)reader->topics, false, START_TIMEOUT_MS, error);
    if (topics == NULL)
        return NULL;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(16);
    for (guint i = 0; i < topics->len; i++) {
        const lc_topic_description *topic = &g_array_index(topics, lc_topic_description, i);
        if (topic->partitions == 0) {
            g_set_error(error, LC_ERROR, LC_ERROR_CONFIG,
                        "topic %s does not exist; 'leadclock topics --create' makes those that are missing",
                        topic->name);
            rd_kafka_topic_partition_list_destroy(list);
            return NULL;
        }
        reader->n_partitions[i] = topic->partitions;
        reader->partitions[i] = g_new0(progress, topic->partitions);
        for (int32_t p = 0; p < topic->partitions; p++)
            rd_kafka_topic_partition_list_add(list, topic->name, p);
    }
    return list;
}

static int
find_index(lc_reader *reader, const char *name)
{
    int index = 0;
    while (strcmp(reader->topics[index], name) != 0)
        index++;
    return index;
}

static progress *
progress_of(lc_reader *reader, const rd_kafka_topic_partition_t *at)
{
    return &reader->partitions[find_index(reader, at->topic)][at->partition];
}

/* Log start offsets (BEGINNING) or last stable offsets (END), into the list. */
static bool
ask_offsets(lc_reader *reader, rd_kafka_topic_partition_list_t *list, int64_t which, GError **error)
{
    rd_kafka_resp_err_t err = lc_kafka_ask_offsets(reader->client, list, which, START_TIMEOUT_MS);
    if (!err)
        return true;
    g_autofree char *what = g_strdup_printf("Kafka at %s does not tell the ends of partitions", reader->brokers);
    return lc_kafka_fail_of(reader->client, list, err, "DESCRIBE", what, error);
}

static bool
find_start(lc_reader *reader, rd_kafka_topic_partition_list_t *list, bool from_beginning, GError **error)
{
    if (!ask_offsets(reader, list, RD_KAFKA_OFFSET_END, error))
        return false;
    for (int i = 0; i < list->cnt; i++)
        progress_of(reader, &list->elems[i])->end = list->elems[i].offset;
    if (from_beginning && !ask_offsets(reader, list, RD_KAFKA_OFFSET_BEGINNING, error))
        return false;
    for (int i = 0; i < list->cnt; i++) {
        progress *partition = progress_of(reader, &list->elems[i]);
        partition->start = partition->position = list->elems[i].offset;
        partition->caught_up = partition->start >= partition->end;
        reader->behind += !partition->caught_up;
    }
    return true;
}

static bool
start(lc_reader *reader, const lc_kafka_options *options, bool from_beginning, GError **error)
{
    rd_kafka_topic_partition_list_t *list = list_partitions(reader, options, error);
    if (list == NULL)
        return false;
    bool ok = find_start(reader, list, from_beginning, error);
    rd_kafka_resp_err_t err = ok ? rd_kafka_assign(reader->client, list) : RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_topic_partition_list_destroy(list);
    return ok && (!err || lc_kafka_fail(error, LC_ERROR_FATAL, err, "partitions can't be read"));
}

lc_reader *
lc_reader_new(const lc_kafka_options *options, const char *const *topics, bool from_beginning, GError **error)
{
    long queued;
    rd_kafka_t *client = new_client(options, &queued, error);
    if (client == NULL)
        return NULL;
    g_autoptr(lc_reader) reader = g_new0(lc_reader, 1);
    reader->client = client;
    reader->queue = rd_kafka_queue_get_consumer(client);
    lc_fetch_waker_init(&reader->waker, client, queued);
    reader->brokers = g_strdup(options->brokers);
    reader->topics = g_strdupv((char **)topics);
    reader->partitions = g_new0(progress *, g_strv_length(reader->topics));
    reader->n_partitions = g_new0(int32_t, g_strv_length(reader->topics));
    reader->headers = g_array_new(FALSE, FALSE, sizeof(lc_header));
    return start(reader, options, from_beginning, error) ? g_steal_pointer(&reader) : NULL;
}

void
lc_reader_pass_headers(lc_reader *reader)
{
    g_clear_pointer(&reader->headers, g_array_unref);
}

/* ---- Reading ---- */

static int
index_of(lc_reader *reader, rd_kafka_topic_t *topic)
{
    if (topic != reader->last_topic) {
        reader->last_topic = topic;
        reader->last_index = find_index(reader, rd_kafka_topic_name(topic));
    }
    return reader->last_index;
}

static void
note_position(lc_reader *reader, const rd_kafka_message_t *message, int64_t position)
{
    progress *partition = &reader->partitions[index_of(reader, message->rkt)][message->partition];
    partition->position = position;
    if (partition->caught_up || position < partition->end)
        return;
    partition->caught_up = true;
    reader->behind--;
}

static int
lend_record(lc_reader *reader, rd_kafka_message_t *message, lc_read_record *record)
{
    reader->message = message;
    note_position(reader, message, message->offset + 1);
    *record = lc_kafka_lend(message, index_of(reader, message->rkt), reader->headers);
    return 1;
}

static int
take_event(lc_reader *reader, rd_kafka_message_t *message, GError **error)
{
    rd_kafka_resp_err_t err = message->err;
    if (err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
        note_position(reader, message, message->offset);
    /* Of the group, which the library asks for, nothing is wanted. */
    if (err == RD_KAFKA_RESP_ERR__PARTITION_EOF || err == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED ||
        lc_kafka_is_transport_error(err))
        return 0;
    if (err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED && message->rkt)
        lc_kafka_deny(reader->client, "READ", "topic", rd_kafka_topic_name(message->rkt), error);
    else
        lc_kafka_fail(error, lc_kafka_code_of(err) == LC_ERROR_CONFIG ? LC_ERROR_CONFIG : LC_ERROR_FATAL, err,
                      "reading from Kafka: %s", rd_kafka_message_errstr(message));
    return -1;
}

/* All partitions, or only those that have not caught up. */
static rd_kafka_topic_partition_list_t *
list_all(const lc_reader *reader, bool behind)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(16);
    for (guint i = 0; reader->topics[i]; i++)
        for (int32_t p = 0; p < reader->n_partitions[i]; p++)
            if (!behind || !reader->partitions[i][p].caught_up)
                rd_kafka_topic_partition_list_add(list, reader->topics[i], p);
    return list;
}

/* Of those that have caught up nobody waits for what comes. */
static void
wake(lc_reader *reader)
{
    /* The queue is full by its bytes as a rule, and by how many messages that is shows. Woken when half of them are
     * left, fetching goes on while these are read. */
    reader->most_queued = MAX(reader->most_queued, rd_kafka_queue_length(reader->queue));
    if (reader->waker.low > 0)
        reader->waker.low = MAX(reader->waker.low, reader->most_queued / 2);
    /* A call for many is as good as idle: it comes once for many messages. */
    if (reader->behind == 0 || !lc_fetch_waker_is_due(&reader->waker, true))
        return;
    g_autoptr(rd_kafka_topic_partition_list_t) list = list_all(reader, true);
    lc_fetch_waker_wake(&reader->waker, list, WAKE_AGAIN_MS);
}

/* What is there; the call for many would wait until there are as many, so where nothing is, the call for one waits. It
 * loses messages around a rebalance (librdkafka 2.0.2), and without a group there is none. */
static void
take_messages(lc_reader *reader, int timeout_ms)
{
    ssize_t n = rd_kafka_consume_batch_queue(reader->queue, 0, reader->messages, AT_ONCE);
    reader->next = 0;
    reader->n_messages = n > 0 ? (size_t)n : 0;
    if (reader->n_messages == 0 && (reader->messages[0] = rd_kafka_consumer_poll(reader->client, timeout_ms)))
        reader->n_messages = 1;
}

static rd_kafka_message_t *
next_message(lc_reader *reader, int timeout_ms)
{
    if (reader->next == reader->n_messages) {
        wake(reader);
        take_messages(reader, timeout_ms);
    }
    return reader->next < reader->n_messages ? reader->messages[reader->next++] : NULL;
}

int
lc_reader_read(lc_reader *reader, int timeout_ms, lc_read_record *record, GError **error)
{
    g_clear_pointer(&reader->message, rd_kafka_message_destroy);
    rd_kafka_message_t *message = next_message(reader, timeout_ms);
    if (message == NULL)
        return 0;
    if (!message->err)
        return lend_record(reader, message, record);
    int result = take_event(reader, message, error);
    rd_kafka_message_destroy(message);
    return result;
}

bool
lc_reader_is_caught_up(const lc_reader *reader)
{
    return reader->behind == 0;
}

void
lc_reader_progress(const lc_reader *reader, uint64_t *done, uint64_t *all)
{
    *done = *all = 0;
    for (guint i = 0; reader->topics[i]; i++)
        for (int32_t p = 0; p < reader->n_partitions[i]; p++) {
            const progress *partition = &reader->partitions[i][p];
            int64_t end = MAX(partition->end, partition->start);
            *done += (uint64_t)(MIN(partition->position, end) - partition->start);
            *all += (uint64_t)(end - partition->start);
        }
}

/* ---- Looking again ---- */

static int
partitions_of(const rd_kafka_metadata_t *metadata, const char *topic)
{
    for (int i = 0; i < metadata->topic_cnt; i++)
        if (strcmp(metadata->topics[i].topic, topic) == 0)
            return metadata->topics[i].partition_cnt;
    return 0;
}

static bool
is_as_it_was(const lc_reader *reader, GError **error)
{
    const rd_kafka_metadata_t *metadata;
    rd_kafka_resp_err_t err = rd_kafka_metadata(reader->client, 0, NULL, &metadata, START_TIMEOUT_MS);
    bool ok = true;
    if (err)
        return lc_kafka_fail(error, lc_kafka_code_of(err), err, "Kafka at %s does not answer", reader->brokers);
    for (guint i = 0; ok && reader->topics[i]; i++) {
        int n = partitions_of(metadata, reader->topics[i]);
        ok = n == reader->n_partitions[i];
        if (!ok)
            g_set_error(error, LC_ERROR, LC_ERROR_ABORT, "topic %s had %d partitions and has %d now", reader->topics[i],
                        reader->n_partitions[i], n);
    }
    rd_kafka_metadata_destroy(metadata);
    return ok;
}

/* Nobody but who empties a compacted topic moves its start; made anew it ends before what was read. */
static bool
was_emptied(lc_reader *reader, const rd_kafka_topic_partition_list_t *list, bool of_starts, GError **error)
{
    for (int i = 0; i < list->cnt; i++) {
        const progress *partition = progress_of(reader, &list->elems[i]);
        int64_t offset = list->elems[i].offset;
        if (of_starts ? offset <= partition->start : offset >= partition->position)
            continue;
        g_set_error(error, LC_ERROR, LC_ERROR_ABORT, "topic %s was emptied, or made anew, since it was read",
                    list->elems[i].topic);
        return true;
    }
    return false;
}

static void
take_ends(lc_reader *reader, const rd_kafka_topic_partition_list_t *list)
{
    reader->behind = 0;
    for (int i = 0; i < list->cnt; i++) {
        progress *partition = progress_of(reader, &list->elems[i]);
        partition->end = list->elems[i].offset;
        partition->caught_up = partition->position >= partition->end;
        reader->behind += !partition->caught_up;
    }
}

bool
lc_reader_look(lc_reader *reader, GError **error)
{
    g_autoptr(rd_kafka_topic_partition_list_t) list = list_all(reader, false);
    if (!is_as_it_was(reader, error) || !ask_offsets(reader, list, RD_KAFKA_OFFSET_BEGINNING, error) ||
        was_emptied(reader, list, true, error) || !ask_offsets(reader, list, RD_KAFKA_OFFSET_END, error) ||
        was_emptied(reader, list, false, error))
        return false;
    take_ends(reader, list);
    return true;
}

void
lc_reader_free(lc_reader *reader)
{
    if (reader == NULL)
        return;
    g_clear_pointer(&reader->message, rd_kafka_message_destroy);
    while (reader->next < reader->n_messages)
        rd_kafka_message_destroy(reader->messages[reader->next++]);
    lc_fetch_waker_clear(&reader->waker);
    rd_kafka_queue_destroy(reader->queue);
    /* To close a consumer may take for ever where a topic was deleted; there is no group to leave. */
    lc_kafka_destroy(reader->client, GONE_WITHIN_MS);
    for (guint i = 0; i < g_strv_length(reader->topics); i++)
        g_free(reader->partitions[i]);
    g_free(reader->partitions);
    g_free(reader->n_partitions);
    g_strfreev(reader->topics);
    g_free(reader->brokers);
    g_clear_pointer(&reader->headers, g_array_unref);
    g_free(reader);
}
