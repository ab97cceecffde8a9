/* offsets.c - what the group consumer asks of the broker: committed offsets, watermarks, ends. */
#include "lanes.h"

#define ALONE_MS 200 /* for a partition that is asked by itself, because those together got no answer */

/* ---- Questions to the broker ---- */

static bool
wait_for_stable(int32_t partition, GError **error)
{
    g_set_error(error, LC_ERROR, LC_ERROR_RETRY,
                "committed offsets of partition %d: a transaction that is still open has some", partition);
    return false;
}

/* As long as a transaction has offsets pending, rd_kafka_committed takes all of its time-out: once is enough. */
bool
lc_group_committed(lc_group *group, int32_t partition, lc_log_committed *committed, lc_arena *arena, GError **error)
{
    g_autoptr(GError) problem = NULL;
    lc_pending_state state = lc_pending_look(group->pending, partition);

    if (state == LC_PENDING_NOT_ASKED && lc_pending_any(group->pending)) {
        lc_pending_ask(group->pending, partition);
        state = LC_PENDING_OPEN;
    }
    if (state == LC_PENDING_OPEN)
        return wait_for_stable(partition, error);
    if (lc_kafka_committed(group->client, group->inputs, group->n_inputs, partition, committed, arena, &problem))
        return true;
    if (g_error_matches(problem, LC_ERROR, LC_ERROR_RETRY))
        lc_pending_ask(group->pending, partition);
    g_propagate_error(error, g_steal_pointer(&problem));
    return false;
}

void
lc_group_offsets_moved(lc_group *group)
{
    lc_pending_clear(group->pending);
}

/* One request for all inputs; rd_kafka_query_watermark_offsets takes up to a second for each. */
static bool
ask_offsets(lc_group *group, int32_t partition, int64_t what, int64_t *found, GError **error)
{
    g_autoptr(rd_kafka_topic_partition_list_t) list = lc_kafka_list_of(group->inputs, group->n_inputs, partition);

    rd_kafka_resp_err_t err = lc_kafka_ask_offsets(group->client, list, what, LC_GROUP_CALL_MS);
    g_autofree char *what_for = g_strdup_printf("watermarks in partition %d", partition);
    if (err)
        return lc_kafka_fail_of(group->client, list, err, "DESCRIBE", what_for, error);
    for (int i = 0; i < list->cnt; i++)
        found[i] = list->elems[i].offset;
    return true;
}

bool
lc_group_watermarks(lc_group *group, int32_t partition, int64_t *lows, int64_t *ends, GError **error)
{
    g_autofree int64_t *found = g_new(int64_t, group->n_inputs);

    if (!ask_offsets(group, partition, RD_KAFKA_OFFSET_BEGINNING, found, error) ||
        !ask_offsets(group, partition, RD_KAFKA_OFFSET_END, ends, error))
        return false;
    memcpy(lows, found, sizeof(int64_t) * (size_t)group->n_inputs);
    return true;
}

static void
list_ends_of(const lc_group *group, rd_kafka_topic_partition_list_t *list, int32_t partition)
{
    for (int input = 0; input < group->n_inputs; input++)
        rd_kafka_topic_partition_list_add(list, group->inputs[input], partition);
}

static void
take_ends(lc_group *group, const rd_kafka_topic_partition_list_t *list)
{
    for (int i = 0; i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *one = &list->elems[i];
        lc_log_end end = {.topic = i % group->n_inputs, .partition = one->partition, .stable_end = one->offset};
        int64_t low = -1;
        end.high_watermark = -1;
        rd_kafka_get_watermark_offsets(group->client, one->topic, one->partition, &low, &end.high_watermark);
        end.high_watermark = MAX(end.high_watermark, -1);
        g_array_append_val(group->ends, end);
    }
}

static rd_kafka_resp_err_t
ask_ends_of(lc_group *group, rd_kafka_topic_partition_list_t *list, int timeout_ms)
{
    rd_kafka_resp_err_t err = lc_kafka_ask_offsets(group->client, list, RD_KAFKA_OFFSET_END, timeout_ms);

    if (!err)
        take_ends(group, list);
    return err;
}

static rd_kafka_resp_err_t
ask_alone(lc_group *group, int32_t partition)
{
    g_autoptr(rd_kafka_topic_partition_list_t) list = rd_kafka_topic_partition_list_new(group->n_inputs);

    list_ends_of(group, list, partition);
    return ask_ends_of(group, list, ALONE_MS);
}

static bool
is_silent(const lc_group *group, int32_t partition)
{
    for (guint i = 0; i < group->silent->len; i++)
        if (g_array_index(group->silent, int32_t, i) == partition)
            return true;
    return false;
}

/* One answer is for all, or none: those without one are found by asking each by itself, as long as time allows. */
static void
find_silent(lc_group *group)
{
    gint64 until = g_get_monotonic_time() + 3 * ALONE_MS * 1000;

    for (guint i = 0; i < group->partitions->len; i++) {
        int32_t partition = g_array_index(group->partitions, int32_t, i);
        if (is_silent(group, partition) || (g_get_monotonic_time() < until && !ask_alone(group, partition)))
            continue;
        g_array_append_val(group->silent, partition);
    }
}

/* One of those that were silent, by turns, and now and then: the others wait for it. Where it answers, all are asked
 * together again. */
static rd_kafka_resp_err_t
ask_one_silent(lc_group *group)
{
    gint64 now = g_get_monotonic_time();

    if (group->silent->len == 0 || now < group->silent_us)
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    group->silent_us = now + LC_GROUP_CALL_MS * 1000;
    int32_t partition = g_array_index(group->silent, int32_t, 0);
    g_array_remove_index(group->silent, 0);
    rd_kafka_resp_err_t err = ask_alone(group, partition);
    if (err)
        g_array_append_val(group->silent, partition);
    else
        g_array_set_size(group->silent, 0);
    return err;
}

bool
lc_group_ends(lc_group *group, const lc_log_end **ends, size_t *n, GError **error)
{
    g_autoptr(rd_kafka_topic_partition_list_t) list =
        rd_kafka_topic_partition_list_new((int)group->partitions->len * group->n_inputs);

    g_array_set_size(group->ends, 0);
    for (guint i = 0; i < group->partitions->len; i++)
        if (!is_silent(group, g_array_index(group->partitions, int32_t, i)))
            list_ends_of(group, list, g_array_index(group->partitions, int32_t, i));
    rd_kafka_resp_err_t alone = ask_one_silent(group), together = ask_ends_of(group, list, LC_GROUP_CALL_MS);
    if (together)
        find_silent(group);
    if (group->ends->len == 0 && (together || alone))
        return lc_kafka_fail_of(group->client, list, together ? together : alone, "DESCRIBE",
                                "end offsets of the inputs", error);
    *ends = (const lc_log_end *)(void *)group->ends->data;
    *n = group->ends->len;
    return true;
}
