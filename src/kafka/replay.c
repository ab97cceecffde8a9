/* replay.c - the consumer that reads a changelog while recovering. */
#include "replay.h"

#include "fetch.h"

#define CALL_MS 1000
#define SLICE_MS 20

struct lc_kafka_replay {
    rd_kafka_t *client;
    char *topic;
    int32_t partition;
    int64_t from, next;
    bool is_started;
    bool at_end; /* nothing came since the last PARTITION_EOF */
    lc_fetch_waker waker;
    GPtrArray *held;
};

static rd_kafka_t *
make_client(const lc_kafka_options *options, long *queued, GError **error)
{
    const char *const defaults[] = {"fetch.wait.max.ms", "20", "check.crcs", "true", NULL};
    const char *const fixed[] = {"group.id", options->group, LC_KAFKA_CONSUMER_SETTINGS, NULL};
    rd_kafka_conf_t *conf = lc_kafka_conf_new(options, defaults, fixed, error);

    if (conf == NULL)
        return NULL;
    *queued = lc_fetch_prepare(conf, options->properties);
    return lc_kafka_client_new(RD_KAFKA_CONSUMER, conf, error);
}

/* Where to begin: compaction leaves gaps, but never moves the beginning, and `reset` makes topics that begin at 0. A
 * beginning past `offset` means that records which are needed were deleted. */
static bool
find_start(lc_kafka_replay *replay, GError **error)
{
    int64_t offset = replay->from;
    g_autoptr(rd_kafka_topic_partition_list_t) list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *one = rd_kafka_topic_partition_list_add(list, replay->topic, replay->partition);

    /* rd_kafka_query_watermark_offsets would take up to a second. */
    one->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_resp_err_t err = rd_kafka_offsets_for_times(replay->client, list, CALL_MS);
    g_autofree char *what = g_strdup_printf("the beginning of %s [%d]", replay->topic, replay->partition);
    if (err || one->err)
        return lc_kafka_fail_of(replay->client, list, err ? err : one->err, "DESCRIBE", what, error);
    int64_t low = one->offset;
    if (offset < low) {
        g_set_error(error, LC_ERROR, LC_ERROR_FATAL,
                    "changelog damaged: of %s [%d] the records from offset %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT
                    " are needed, and were deleted: leads that changed there last are lost; put back a newer copy of "
                    "Redis, or start anew from the facts that are left by 'leadclock reset'; the topic must have "
                    "cleanup.policy=compact ('leadclock topics' shows it), and nobody may delete its records",
                    replay->topic, replay->partition, offset, low - 1);
        return false;
    }
    replay->next = offset;
    return true;
}

static bool
start(lc_kafka_replay *replay, GError **error)
{
    g_autoptr(rd_kafka_topic_partition_list_t) list = rd_kafka_topic_partition_list_new(1);

    rd_kafka_topic_partition_list_add(list, replay->topic, replay->partition)->offset = replay->next;
    rd_kafka_resp_err_t err = rd_kafka_assign(replay->client, list);
    return !err || lc_kafka_fail(error, LC_ERROR_RETRY, err, "reading %s [%d]", replay->topic, replay->partition);
}

lc_kafka_replay *
lc_kafka_replay_new(const lc_kafka_options *options, const char *topic, int32_t partition, int64_t offset,
                    GError **error)
{
    long queued = 0;
    rd_kafka_t *client = make_client(options, &queued, error);
    if (client == NULL)
        return NULL;
    lc_kafka_replay *replay = g_new0(lc_kafka_replay, 1);
    replay->client = client;
    replay->topic = g_strdup(topic);
    replay->partition = partition;
    replay->from = offset;
    replay->held = g_ptr_array_new_with_free_func((GDestroyNotify)rd_kafka_message_destroy);
    rd_kafka_poll_set_consumer(client);
    lc_fetch_waker_init(&replay->waker, client, queued);
    return replay;
}

bool
lc_kafka_replay_is_starting(const lc_kafka_replay *replay, const char *topic, int32_t partition, int64_t offset)
{
    return !replay->is_started && replay->partition == partition && replay->from == offset &&
           strcmp(replay->topic, topic) == 0;
}

bool
lc_kafka_replay_start(lc_kafka_replay *replay, GError **error)
{
    replay->is_started = find_start(replay, error) && start(replay, error);
    return replay->is_started;
}

static void
wake_fetch(lc_kafka_replay *replay)
{
    g_autoptr(rd_kafka_topic_partition_list_t) list = rd_kafka_topic_partition_list_new(1);
    int64_t low = -1, high = -1;

    if (replay->at_end)
        return;
    rd_kafka_get_watermark_offsets(replay->client, replay->topic, replay->partition, &low, &high);
    rd_kafka_topic_partition_list_add(list, replay->topic, replay->partition);
    lc_fetch_waker_wake(&replay->waker, list, high > replay->next ? 20 : 200);
}

static lc_replay_result
take_error(lc_kafka_replay *replay, const rd_kafka_message_t *message, lc_replayed *replayed, GError **error)
{
    switch (message->err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
        replay->next = MAX(replay->next, message->offset);
        replay->at_end = true;
        *replayed = (lc_replayed){.offset = replay->next};
        return LC_REPLAY_END;
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
        g_set_error(error, LC_ERROR, LC_ERROR_FATAL,
                    "changelog damaged: offset %" G_GINT64_FORMAT
                    " of %s [%d] was committed and is not there; 'leadclock reset' starts anew",
                    replay->next, replay->topic, replay->partition);
        return LC_REPLAY_NOTHING;
    default:
        if (message->err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
            lc_kafka_deny(replay->client, "READ", "topic", replay->topic, error);
        else if (lc_kafka_code_of(message->err) == LC_ERROR_CONFIG)
            g_set_error(error, LC_ERROR, LC_ERROR_CONFIG, "kafka: %s", rd_kafka_message_errstr(message));
        g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_DEBUG, "MESSAGE", "kafka: replay: %s: %s",
                         rd_kafka_err2name(message->err), rd_kafka_message_errstr(message));
        return LC_REPLAY_NOTHING;
    }
}

static lc_replay_result
take(lc_kafka_replay *replay, rd_kafka_message_t *message, lc_replayed *replayed, GError **error)
{
    if (message->err) {
        lc_replay_result result = take_error(replay, message, replayed, error);
        rd_kafka_message_destroy(message);
        return result;
    }
    g_ptr_array_add(replay->held, message);
    replay->next = message->offset + 1;
    replay->at_end = false;
    *replayed = (lc_replayed){
        .offset = message->offset, .key = {message->key, message->key_len}, .value = {message->payload, message->len}};
    return LC_REPLAY_RECORD;
}

lc_replay_result
lc_kafka_replay_read(lc_kafka_replay *replay, int timeout_ms, lc_replayed *replayed, GError **error)
{
    for (int waited = 0, wait_ms = 0;; wait_ms = MIN(timeout_ms - waited, SLICE_MS)) {
        GError *failure = NULL;
        if (lc_fetch_waker_is_due(&replay->waker, wait_ms > 0))
            wake_fetch(replay);
        rd_kafka_message_t *message = rd_kafka_consumer_poll(replay->client, wait_ms);
        lc_replay_result result = message ? take(replay, message, replayed, &failure) : LC_REPLAY_NOTHING;
        waited += wait_ms;
        if (failure)
            g_propagate_error(error, failure);
        if (failure || result != LC_REPLAY_NOTHING || waited >= timeout_ms)
            return result;
    }
}

void
lc_kafka_replay_release(lc_kafka_replay *replay)
{
    g_ptr_array_set_size(replay->held, 0);
}

void
lc_kafka_replay_close(lc_kafka_replay *replay)
{
    g_ptr_array_unref(replay->held);
    lc_fetch_waker_clear(&replay->waker);
    lc_kafka_destroy(replay->client, 200);
    g_free(replay->topic);
    g_free(replay);
}
