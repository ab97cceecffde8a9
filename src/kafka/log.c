/* lc_log on librdkafka: a group consumer, a transactional producer and, while recovering, a replaying consumer. */
#include "brokers.h"
#include "client.h"
#include "group.h"
#include "producer.h"
#include "replay.h"
#include "takeover.h"

#define CALL_MS 1000

typedef struct {
    lc_log log;
    lc_kafka_options options; /* copies */
    lc_group *group;
    lc_producer *producer;
    lc_kafka_replay *replay; /* or NULL */
    lc_takeover takeover;
} kafka_log;

static kafka_log *
kafka_log_of(lc_log *log)
{
    return (kafka_log *)(void *)log;
}

/* ---- Start ---- */

static int32_t
partitions_of(const struct rd_kafka_metadata *metadata, const char *topic)
{
    for (int i = 0; i < metadata->topic_cnt; i++)
        if (strcmp(metadata->topics[i].topic, topic) == 0 && !metadata->topics[i].err)
            return metadata->topics[i].partition_cnt;
    return 0;
}

static bool
check_existence(const kafka_log *log, const struct rd_kafka_metadata *metadata, GError **error)
{
    g_autoptr(GPtrArray) missing = g_ptr_array_new();

    for (int i = 0; i < log->log.n_inputs; i++)
        if (partitions_of(metadata, log->options.inputs[i]) == 0)
            g_ptr_array_add(missing, (char *)log->options.inputs[i]);
    for (int i = 0; i < LC_OUTPUTS; i++)
        if (log->options.outputs[i] && partitions_of(metadata, log->options.outputs[i]) == 0)
            g_ptr_array_add(missing, (char *)log->options.outputs[i]);
    if (missing->len == 0)
        return true;
    if (!lc_kafka_may_describe(lc_group_client(log->group), missing, CALL_MS, error))
        return false;
    g_ptr_array_add(missing, NULL);
    g_autofree char *names = g_strjoinv(" ", (char **)missing->pdata);
    g_set_error(error, LC_ERROR, LC_ERROR_RETRY, "topics that don't exist: %s; 'leadclock topics --create' makes them",
                names);
    return false;
}

/* Inputs, changelogs and tables are one machine per partition number: they must have the same numbers. */
static bool
check_counts(const kafka_log *log, const struct rd_kafka_metadata *metadata, int32_t *partitions, GError **error)
{
    g_autoptr(GPtrArray) topics = g_ptr_array_new();
    g_autoptr(GString) counts = g_string_new(NULL);
    bool differ = false;

    for (int i = 0; i < log->log.n_inputs; i++)
        g_ptr_array_add(topics, (void *)log->options.inputs[i]);
    for (int i = LC_OUTPUT_STATE; i < LC_OUTPUTS; i++)
        if (log->options.outputs[i])
            g_ptr_array_add(topics, (void *)log->options.outputs[i]);
    int32_t first = partitions_of(metadata, topics->pdata[0]);
    for (guint i = 0; i < topics->len; i++) {
        int32_t count = partitions_of(metadata, topics->pdata[i]);
        differ |= count != first;
        g_string_append_printf(counts, "%s %s %d", i ? "," : "", (const char *)topics->pdata[i], count);
    }
    if (differ) {
        g_set_error(
            error, LC_ERROR, LC_ERROR_CONFIG,
            "inputs, changelogs and tables must have the same number of partitions, and have:%s; " LC_AFTER_GROWTH,
            counts->str);
        return false;
    }
    *partitions = first;
    return true;
}

static bool
log_check_topics(lc_log *base, int32_t *partitions, GError **error)
{
    kafka_log *log = kafka_log_of(base);
    const struct rd_kafka_metadata *metadata;
    /* The client knows no topics but ours. */
    rd_kafka_resp_err_t err = rd_kafka_metadata(lc_group_client(log->group), 0, NULL, &metadata, CALL_MS);

    if (err)
        return lc_kafka_fail(error, lc_kafka_code_of(err), err, "asking %s for its topics", log->options.brokers);
    bool ok = check_existence(log, metadata, error) && check_counts(log, metadata, partitions, error);
    if (ok)
        lc_kafka_warn_of_brokers(lc_group_client(log->group), metadata);
    rd_kafka_metadata_destroy(metadata);
    return ok;
}

static bool
log_renew_producer(lc_log *base, GError **error)
{
    return lc_producer_renew(kafka_log_of(base)->producer, error);
}

static bool
log_subscribe(lc_log *base, GError **error)
{
    return lc_group_subscribe(kafka_log_of(base)->group, error);
}

/* ---- The group, and reading ---- */

static bool
log_poll(lc_log *base, int timeout_ms, lc_log_event *event, GError **error)
{
    return lc_group_poll(kafka_log_of(base)->group, timeout_ms, event, error);
}

static GError *
log_trouble(lc_log *base)
{
    return lc_group_trouble(kafka_log_of(base)->group);
}

static bool
log_header(lc_log *base, const lc_log_event *record, const char *name, lc_text *value)
{
    rd_kafka_headers_t *headers;
    const void *data;
    size_t size;

    (void)base;
    if (record->handle == NULL || rd_kafka_message_headers(record->handle, &headers) ||
        rd_kafka_header_get_last(headers, name, &data, &size))
        return false;
    *value = data ? (lc_text){data, size} : LC_NO_TEXT;
    return true;
}

static void
log_release_records(lc_log *base)
{
    lc_group_release_records(kafka_log_of(base)->group);
}

static const int32_t *
log_assignment(lc_log *base, size_t *n)
{
    return lc_group_assignment(kafka_log_of(base)->group, n);
}

static bool
log_check_group(lc_log *base, int32_t partitions, GError **error)
{
    return lc_group_check(kafka_log_of(base)->group, partitions, error);
}

static void
log_release_assignment(lc_log *base)
{
    lc_group_release_assignment(kafka_log_of(base)->group);
}

static void
log_pause(lc_log *base, int32_t partition)
{
    lc_group_pause(kafka_log_of(base)->group, partition);
}

static void
log_resume(lc_log *base, int32_t partition)
{
    lc_group_resume(kafka_log_of(base)->group, partition);
}

static bool
log_seek(lc_log *base, int32_t partition, const int64_t *offsets, GError **error)
{
    return lc_group_seek(kafka_log_of(base)->group, partition, offsets, error);
}

static bool
log_committed(lc_log *base, int32_t partition, lc_log_committed *committed, lc_arena *arena, GError **error)
{
    return lc_group_committed(kafka_log_of(base)->group, partition, committed, arena, error);
}

static bool
log_committed_before(lc_log *base, int32_t partition, lc_log_committed *committed, lc_arena *arena, GError **error)
{
    return lc_takeover_committed_before(&kafka_log_of(base)->takeover, base->n_inputs, partition, committed, arena,
                                        error);
}

static bool
log_committed_metadata(lc_log *base, int32_t partitions, lc_text *metadata, lc_arena *arena, GError **error)
{
    kafka_log *log = kafka_log_of(base);

    return lc_takeover_all_metadata(&log->takeover, base->n_inputs, partitions, metadata, arena, error);
}

static bool
log_changelog_ends(lc_log *base, int32_t partition, bool high, int64_t *ends, GError **error)
{
    kafka_log *log = kafka_log_of(base);
    const char *const changelogs[] = {log->options.outputs[LC_OUTPUT_STATE], log->options.outputs[LC_OUTPUT_COUNTERS]};

    if (high)
        return lc_takeover_high_watermarks(&log->takeover, changelogs, LC_CHANGELOGS, partition, ends, error);
    return lc_kafka_ends(lc_group_client(log->group), changelogs, LC_CHANGELOGS, partition, ends, error);
}

static bool
log_is_unfinished(lc_log *base, int32_t partition, bool *unfinished, GError **error)
{
    int64_t highs[LC_CHANGELOGS], stable_ends[LC_CHANGELOGS];

    if (!log_changelog_ends(base, partition, true, highs, error) ||
        !log_changelog_ends(base, partition, false, stable_ends, error))
        return false;
    *unfinished = false;
    for (int i = 0; i < LC_CHANGELOGS; i++)
        *unfinished |= stable_ends[i] < highs[i];
    return true;
}

static bool
log_is_peer(const lc_log *base, const char *transactional_id)
{
    return lc_takeover_is_peer(&((const kafka_log *)(const void *)base)->options, transactional_id, NULL);
}

static bool
log_is_member(lc_log *base, const char *transactional_id, bool *member, GError **error)
{
    kafka_log *log = kafka_log_of(base);
    const char *instance = NULL;

    *member = false;
    /* Who had our name under another transactional id, a version before, has given it to us. */
    if (!lc_takeover_is_peer(&log->options, transactional_id, &instance) ||
        strcmp(instance, log->options.instance) == 0)
        return true;
    lc_takeover_member found;
    bool ok = lc_takeover_find_member(&log->takeover, instance, &found, error);
    *member = ok && found.is_there;
    return ok;
}

static bool
log_check_instance(lc_log *base, GError **error)
{
    kafka_log *log = kafka_log_of(base);

    return lc_takeover_check_instance(&log->takeover, lc_group_session_ms(log->group), error);
}

static bool
log_fence(lc_log *base, const char *transactional_id, GError **error)
{
    if (!lc_takeover_fence(&kafka_log_of(base)->takeover, transactional_id, error))
        return false;
    lc_group_offsets_moved(kafka_log_of(base)->group);
    return true;
}

static bool
log_watermarks(lc_log *base, int32_t partition, int64_t *lows, int64_t *ends, GError **error)
{
    return lc_group_watermarks(kafka_log_of(base)->group, partition, lows, ends, error);
}

static bool
log_ends(lc_log *base, const lc_log_end **ends, size_t *n, GError **error)
{
    return lc_group_ends(kafka_log_of(base)->group, ends, n, error);
}

/* ---- Replay ---- */

static void
log_replay_close(lc_log *base)
{
    g_clear_pointer(&kafka_log_of(base)->replay, lc_kafka_replay_close);
}

static bool
log_replay_open(lc_log *base, lc_changelog changelog, int32_t partition, int64_t offset, GError **error)
{
    kafka_log *log = kafka_log_of(base);
    lc_output output = changelog == LC_CHANGELOG_STATE ? LC_OUTPUT_STATE : LC_OUTPUT_COUNTERS;

    const char *topic = log->options.outputs[output];
    if (log->replay == NULL || !lc_kafka_replay_is_starting(log->replay, topic, partition, offset)) {
        log_replay_close(base);
        log->replay = lc_kafka_replay_new(&log->options, topic, partition, offset, error);
    }
    return log->replay && lc_kafka_replay_start(log->replay, error);
}

static lc_replay_result
log_replay_read(lc_log *base, int timeout_ms, lc_replayed *replayed, GError **error)
{
    return lc_kafka_replay_read(kafka_log_of(base)->replay, timeout_ms, replayed, error);
}

static void
log_replay_release(lc_log *base)
{
    if (kafka_log_of(base)->replay)
        lc_kafka_replay_release(kafka_log_of(base)->replay);
}

/* ---- One transaction ---- */

static bool
log_begin(lc_log *base, GError **error)
{
    return lc_producer_begin(kafka_log_of(base)->producer, error);
}

static bool
log_produce(lc_log *base, const lc_outgoing *outgoing, GError **error)
{
    return lc_producer_produce(kafka_log_of(base)->producer, outgoing, error);
}

static bool
log_flush(lc_log *base, GError **error)
{
    return lc_producer_flush(kafka_log_of(base)->producer, error);
}

static int64_t
log_refused(lc_log *base)
{
    return lc_producer_refused(kafka_log_of(base)->producer);
}

static lc_instant
log_appended_at(lc_log *base)
{
    return lc_producer_appended_at(kafka_log_of(base)->producer);
}

static bool
log_send_offsets(lc_log *base, const lc_log_commit *commits, size_t n, GError **error)
{
    kafka_log *log = kafka_log_of(base);

    return lc_producer_send_offsets(log->producer, log->options.inputs, base->n_inputs, commits, n,
                                    lc_group_metadata(log->group), error);
}

static bool
log_commit_begin(lc_log *base, GError **error)
{
    return lc_producer_commit_begin(kafka_log_of(base)->producer, error);
}

static lc_commit_result
log_commit_end(lc_log *base, GError **error)
{
    return lc_producer_commit_end(kafka_log_of(base)->producer, error);
}

static void
log_abort(lc_log *base)
{
    lc_producer_abort(kafka_log_of(base)->producer);
}

/* ---- Life ---- */

static void
copy_options(lc_kafka_options *copy, const lc_kafka_options *options)
{
    *copy = (lc_kafka_options){
        .brokers = g_strdup(options->brokers),
        .properties = (const char *const *)g_strdupv((char **)options->properties),
        .password_file = g_strdup(options->password_file),
        .key_password_file = g_strdup(options->key_password_file),
        .group = g_strdup(options->group),
        .instance = g_strdup(options->instance),
        .is_guest = options->is_guest,
        .read_ahead = options->read_ahead,
        .inputs = (const char *const *)g_strdupv((char **)options->inputs),
    };
    for (int i = 0; i < LC_OUTPUTS; i++)
        copy->outputs[i] = g_strdup(options->outputs[i]);
}

static void
free_options(lc_kafka_options *options)
{
    g_free((char *)options->brokers);
    g_strfreev((char **)options->properties);
    g_free((char *)options->password_file);
    g_free((char *)options->key_password_file);
    g_free((char *)options->group);
    g_free((char *)options->instance);
    g_strfreev((char **)options->inputs);
    for (int i = 0; i < LC_OUTPUTS; i++)
        g_free((char *)options->outputs[i]);
}

static void
log_free(lc_log *base)
{
    kafka_log *log = kafka_log_of(base);

    log_replay_close(base);
    g_clear_pointer(&log->producer, lc_producer_free);
    g_clear_pointer(&log->group, lc_group_free);
    lc_takeover_clear(&log->takeover);
    free_options(&log->options);
    g_free(log);
}

static const lc_log_ops ops = {
    .check_topics = log_check_topics,
    .check_instance = log_check_instance,
    .renew_producer = log_renew_producer,
    .subscribe = log_subscribe,
    .poll = log_poll,
    .trouble = log_trouble,
    .header = log_header,
    .release_records = log_release_records,
    .assignment = log_assignment,
    .check_group = log_check_group,
    .release_assignment = log_release_assignment,
    .pause = log_pause,
    .resume = log_resume,
    .seek = log_seek,
    .committed = log_committed,
    .committed_before = log_committed_before,
    .committed_metadata = log_committed_metadata,
    .is_unfinished = log_is_unfinished,
    .changelog_ends = log_changelog_ends,
    .is_peer = log_is_peer,
    .is_member = log_is_member,
    .fence = log_fence,
    .watermarks = log_watermarks,
    .ends = log_ends,
    .replay_open = log_replay_open,
    .replay_read = log_replay_read,
    .replay_release = log_replay_release,
    .replay_close = log_replay_close,
    .begin = log_begin,
    .produce = log_produce,
    .flush = log_flush,
    .appended_at = log_appended_at,
    .refused = log_refused,
    .send_offsets = log_send_offsets,
    .commit_begin = log_commit_begin,
    .commit_end = log_commit_end,
    .abort = log_abort,
    .free = log_free,
};

lc_log *
lc_kafka_log_new(const lc_kafka_options *options, GError **error)
{
    kafka_log *log = g_new0(kafka_log, 1);

    log->log.ops = &ops;
    log->log.n_inputs = (int)g_strv_length((char **)options->inputs);
    copy_options(&log->options, options);
    log->takeover.options = &log->options;
    log->producer = lc_producer_new(&log->options, error);
    log->group = log->producer ? lc_group_new(&log->options, log->options.inputs, log->log.n_inputs, error) : NULL;
    if (log->group)
        return &log->log;
    log_free(&log->log);
    return NULL;
}
