/* move.c - states to the partitions of the changelog where their leads belong now. */
#include "admin.h"
#include "replay.h"

#include <inttypes.h>

#define READ_MS 200
#define SILENCE_US (90 * G_USEC_PER_SEC) /* longer than a transaction may stay open */
#define TELL_EVERY 1000

typedef struct {
    const lc_kafka_options *options;
    const char *topic;
    lc_publisher *publisher;
    const int64_t *ends;
    int32_t former, partitions;
    bool deletes; /* the second time round */
    lc_tell_republish tell;
    void *data;
    uint64_t done, all;
} move;

/* What lies in a partition and belongs elsewhere by the former number too was left there by an earlier move. */
static bool
is_to_move(const move *m, int32_t partition, lc_text key)
{
    return key.data && lc_log_partition_of(key, m->former) == partition &&
           lc_log_partition_of(key, m->partitions) != partition;
}

static bool
move_record(move *m, int32_t partition, const lc_replayed *record, GError **error)
{
    if (++m->done % TELL_EVERY == 0)
        m->tell(m->done, MAX(m->all, m->done), m->data);
    if (!is_to_move(m, partition, record->key))
        return true;
    if (m->deletes)
        return lc_publisher_send_to(m->publisher, m->topic, partition, record->key, LC_NO_TEXT, NULL, 0, error);
    return lc_publisher_send_to(m->publisher, m->topic, lc_log_partition_of(record->key, m->partitions), record->key,
                                record->value, NULL, 0, error);
}

/* Whether the changelog is read up to what was committed; what lies above is none of that. */
static bool
is_end(lc_replay_result result, const lc_replayed *record, int64_t end)
{
    return (result == LC_REPLAY_END && record->offset >= end) || (result == LC_REPLAY_RECORD && record->offset >= end);
}

static bool
move_all(move *m, lc_kafka_replay *replay, int32_t partition, GError **error)
{
    gint64 came = g_get_monotonic_time();

    for (;;) {
        lc_replayed record = {0};
        g_autoptr(GError) problem = NULL;
        lc_replay_result result = lc_kafka_replay_read(replay, READ_MS, &record, &problem);
        if (problem) {
            g_propagate_error(error, g_steal_pointer(&problem));
            return false;
        }
        if (is_end(result, &record, m->ends[partition]))
            return true;
        if (result == LC_REPLAY_RECORD) {
            came = g_get_monotonic_time();
            if (!move_record(m, partition, &record, error))
                return false;
            lc_kafka_replay_release(replay);
        } else if (g_get_monotonic_time() - came > SILENCE_US) {
            g_set_error(error, LC_ERROR, LC_ERROR_RETRY, "%s [%" PRId32 "] can't be read to %" PRId64 ", its end",
                        m->topic, partition, m->ends[partition]);
            return false;
        }
    }
}

static bool
start(lc_kafka_replay *replay, GError **error)
{
    for (int tries = 0;; tries++) {
        g_autoptr(GError) problem = NULL;
        if (lc_kafka_replay_start(replay, &problem))
            return true;
        if (tries < 10 && g_error_matches(problem, LC_ERROR, LC_ERROR_RETRY))
            continue;
        g_propagate_error(error, g_steal_pointer(&problem));
        return false;
    }
}

static bool
move_partition(move *m, int32_t partition, GError **error)
{
    if (m->ends[partition] == 0)
        return true;
    lc_kafka_replay *replay = lc_kafka_replay_new(m->options, m->topic, partition, 0, error);
    bool done = replay && start(replay, error) && move_all(m, replay, partition, error);
    if (replay)
        lc_kafka_replay_close(replay);
    return done;
}

static bool
go_round(move *m, GError **error)
{
    for (int32_t partition = 0; partition < m->former; partition++)
        if (!move_partition(m, partition, error))
            return false;
    return lc_publisher_flush(m->publisher, error) == 0;
}

bool
lc_kafka_move_states(const lc_kafka_options *options, const int64_t *ends, int32_t former, int32_t partitions,
                     lc_tell_republish tell, void *data, GError **error)
{
    move m = {.options = options,
              .topic = options->outputs[LC_OUTPUT_STATE],
              .ends = ends,
              .former = former,
              .partitions = partitions,
              .tell = tell,
              .data = data};

    for (int32_t partition = 0; partition < former; partition++)
        m.all += 2 * (uint64_t)ends[partition];
    m.publisher = lc_publisher_new(options, error);
    bool done = m.publisher && go_round(&m, error);
    /* Only what the brokers have elsewhere may go: compaction is quick. */
    m.deletes = true;
    done = done && go_round(&m, error);
    lc_publisher_free(m.publisher);
    return done;
}

/* ---- Around it ---- */

static rd_kafka_topic_partition_list_t *
list_offsets(const GArray *offsets)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)offsets->len);

    for (guint i = 0; i < offsets->len; i++) {
        const lc_group_lag *one = &g_array_index(offsets, lc_group_lag, i);
        rd_kafka_topic_partition_list_add(list, one->topic, one->partition);
    }
    return list;
}

/* A read_committed client is not told of offsets that a transaction may still change. */
bool
lc_kafka_wait_for_offsets(const lc_kafka_options *options, const GArray *offsets, GError **error)
{
    gint64 give_up = g_get_monotonic_time() + SILENCE_US;
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR__TIMED_OUT;
    rd_kafka_t *client = lc_admin_client_new(options, "read_committed", error);
    if (client == NULL)
        return false;

    g_autoptr(rd_kafka_topic_partition_list_t) list = list_offsets(offsets);
    while (err && g_get_monotonic_time() < give_up) {
        err = rd_kafka_committed(client, list, 1000);
        for (int i = 0; !err && i < list->cnt; i++)
            err = list->elems[i].err;
    }
    rd_kafka_destroy(client);
    return !err || lc_admin_fail(options, err, "a transaction of the group that stays open", error);
}

bool
lc_kafka_topic_ends(const lc_kafka_options *options, const char *topic, int32_t partitions, int64_t *ends,
                    int timeout_ms, GError **error)
{
    rd_kafka_t *client = lc_admin_client_new(options, "read_uncommitted", error);
    if (client == NULL)
        return false;

    g_autoptr(rd_kafka_topic_partition_list_t) list = rd_kafka_topic_partition_list_new(partitions);
    for (int32_t p = 0; p < partitions; p++)
        rd_kafka_topic_partition_list_add(list, topic, p);
    rd_kafka_resp_err_t err = lc_kafka_ask_offsets(client, list, RD_KAFKA_OFFSET_END, timeout_ms);
    for (int i = 0; !err && i < list->cnt; i++)
        ends[i] = list->elems[i].offset;
    rd_kafka_destroy(client);
    return !err || lc_admin_fail(options, err, "Kafka refuses to tell the ends of a changelog", error);
}
