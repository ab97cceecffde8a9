/* questions.c - what any client asks the broker of a partition: its ends, and what a group has committed. */
#include "client.h"

#define COMMITTED_MS 700
#define ENDS_MS 1000

rd_kafka_topic_partition_list_t *
lc_kafka_list_of(const char *const *topics, int n_topics, int32_t partition)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(n_topics);

    for (int i = 0; i < n_topics; i++)
        rd_kafka_topic_partition_list_add(list, topics[i], partition);
    return list;
}

rd_kafka_resp_err_t
lc_kafka_ask_offsets(rd_kafka_t *client, rd_kafka_topic_partition_list_t *list, int64_t which, int timeout_ms)
{
    if (list->cnt == 0)
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    for (int i = 0; i < list->cnt; i++)
        list->elems[i].offset = which;
    rd_kafka_resp_err_t err = rd_kafka_offsets_for_times(client, list, timeout_ms);
    for (int i = 0; !err && i < list->cnt; i++)
        err = list->elems[i].err;
    return err;
}

bool
lc_kafka_ends(rd_kafka_t *client, const char *const *topics, int n_topics, int32_t partition, int64_t *ends,
              GError **error)
{
    g_autoptr(rd_kafka_topic_partition_list_t) list = lc_kafka_list_of(topics, n_topics, partition);

    rd_kafka_resp_err_t err = lc_kafka_ask_offsets(client, list, RD_KAFKA_OFFSET_END, ENDS_MS);
    for (int i = 0; !err && i < list->cnt; i++)
        ends[i] = list->elems[i].offset;
    if (!err)
        return true;
    g_autofree char *what = g_strdup_printf("the ends of partition %d", partition);
    return lc_kafka_fail_of(client, list, err, "DESCRIBE", what, error);
}

bool
lc_kafka_committed(rd_kafka_t *client, const char *const *topics, int n_topics, int32_t partition,
                   lc_log_committed *committed, lc_arena *arena, GError **error)
{
    g_autoptr(rd_kafka_topic_partition_list_t) list = lc_kafka_list_of(topics, n_topics, partition);
    rd_kafka_resp_err_t err = rd_kafka_committed(client, list, COMMITTED_MS);

    for (int i = 0; !err && i < list->cnt; i++)
        err = list->elems[i].err;
    if (err == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED) {
        g_autofree char *group = lc_kafka_property_of(client, "group.id");
        return lc_kafka_deny(client, "READ", "group", group, error);
    }
    g_autofree char *what = g_strdup_printf("committed offsets of partition %d", partition);
    if (err)
        return lc_kafka_fail_of(client, list, err, "DESCRIBE", what, error);
    for (int i = 0; i < n_topics; i++) {
        const rd_kafka_topic_partition_t *one = &list->elems[i];
        lc_text metadata = {one->metadata_size ? one->metadata : NULL, one->metadata_size};
        committed[i].offset = one->offset >= 0 ? one->offset : -1;
        committed[i].metadata = lc_arena_text(arena, metadata);
    }
    return true;
}
