/* lanes.c - what the group assigns, and where each lane of it goes on. */
#include "lanes.h"

#include "peers.h"

#define SETTLE_EVERY_US 5000

lc_lane *
lc_lane_at(lc_group *group, int input, int32_t partition)
{
    guint index = (guint)partition * (guint)group->n_inputs + (guint)input;

    return partition >= 0 && index < group->lanes->len ? &g_array_index(group->lanes, lc_lane, index) : NULL;
}

static int
input_named(const lc_group *group, const char *name)
{
    return lc_input_named(group->inputs, group->n_inputs, name);
}

int
lc_group_input_of(const lc_group *group, rd_kafka_topic_t *topic)
{
    for (int i = 0; i < group->n_inputs; i++)
        if (group->topics[i] == topic)
            return i;
    return topic ? input_named(group, rd_kafka_topic_name(topic)) : -1;
}

static void
queue_event(lc_group *group, lc_log_event_type type)
{
    g_queue_push_tail(&group->events, GINT_TO_POINTER((int)type));
}

/* ---- Rebalances: everything here runs inside of a poll. ---- */

/* Offsets are explicit, and the lanes paused before they start: a logical offset would be looked up, and an answer that
 * comes late would move the lane after our seek; an unknown one would be fetched from the group, or reset. */
static void
assign_paused(lc_group *group)
{
    for (int i = 0; i < group->assigned->cnt; i++)
        group->assigned->elems[i].offset = 0;
    rd_kafka_pause_partitions(group->client, group->assigned);
    rd_kafka_resp_err_t err = rd_kafka_assign(group->client, group->assigned);
    if (err)
        g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE", "kafka: assigning partitions: %s",
                         rd_kafka_err2str(err));
    rd_kafka_pause_partitions(group->client, group->assigned);
}

static void
make_lanes(lc_group *group)
{
    for (int i = 0; i < group->assigned->cnt; i++) {
        const rd_kafka_topic_partition_t *one = &group->assigned->elems[i];
        int input = input_named(group, one->topic);
        guint needed = (guint)(one->partition + 1) * (guint)group->n_inputs;

        if (input < 0)
            continue;
        if (group->lanes->len < needed)
            g_array_set_size(group->lanes, needed);
        *lc_lane_at(group, input, one->partition) = (lc_lane){.flow = LC_LANE_WAITING, .end = -1};
    }
}

/* The inputs of a partition that are ours. */
static int
count_ours(lc_group *group, int32_t partition)
{
    int n = 0;

    for (int i = 0; i < group->n_inputs; i++)
        n += lc_lane_at(group, i, partition)->flow != LC_LANE_NONE;
    return n;
}

/* A partition counts as ours only with all of its inputs: a lead's facts must not be judged in two places. */
static void
list_partitions(lc_group *group)
{
    int32_t n_partitions = (int32_t)group->lanes->len / group->n_inputs;

    g_array_set_size(group->partitions, 0);
    for (int32_t p = 0; p < n_partitions; p++)
        if (count_ours(group, p) == group->n_inputs)
            g_array_append_val(group->partitions, p);
}

void
lc_group_forget_assignment(lc_group *group)
{
    g_array_set_size(group->lanes, 0);
    g_array_set_size(group->partitions, 0);
    g_array_set_size(group->silent, 0);
    lc_pending_clear(group->pending);
    lc_group_question_clear(&group->question);
    group->any_unsettled = group->any_denied = false;
    g_clear_pointer(&group->assigned, rd_kafka_topic_partition_list_destroy);
    g_clear_pointer(&group->metadata, rd_kafka_consumer_group_metadata_destroy);
}

static void
on_assigned(lc_group *group, const rd_kafka_topic_partition_list_t *partitions)
{
    lc_group_forget_assignment(group);
    group->was_lost = group->group_denied = false;
    group->assigned = rd_kafka_topic_partition_list_copy(partitions);
    assign_paused(group);
    group->metadata = rd_kafka_consumer_group_metadata(group->client);
    make_lanes(group);
    list_partitions(group);
    queue_event(group, LC_LOG_ASSIGNED);
}

void
lc_group_on_rebalance(rd_kafka_t *client, rd_kafka_resp_err_t err, rd_kafka_topic_partition_list_t *partitions,
                      void *opaque)
{
    lc_group *group = opaque;

    if (err == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        on_assigned(group, partitions);
        return;
    }
    group->was_lost = rd_kafka_assignment_lost(client);
    if (err != RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS)
        g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE", "kafka: rebalance failed: %s",
                         rd_kafka_err2str(err));
    if (group->assigned == NULL) {
        rd_kafka_assign(client, NULL);
        return;
    }
    for (guint i = 0; i < group->lanes->len; i++)
        g_array_index(group->lanes, lc_lane, i).flow = LC_LANE_NONE;
    group->any_unsettled = false;
    queue_event(group, LC_LOG_REVOKED);
}

void
lc_group_release_assignment(lc_group *group)
{
    lc_group_forget_assignment(group);
    rd_kafka_assign(group->client, NULL);
}

const int32_t *
lc_group_assignment(lc_group *group, size_t *n)
{
    *n = group->partitions->len;
    return (const int32_t *)(void *)group->partitions->data;
}

/* The range assignor gives a topic that has more partitions than the others to other members, too. */
static bool
refuse_lane(const lc_group *group, int32_t partition, int32_t partitions, int ours, GError **error)
{
    if (ours && partition >= partitions)
        g_set_error(error, LC_ERROR, LC_ERROR_CONFIG,
                    "the group gives out partition %d, and the topics had %d when this started: " LC_AFTER_GROWTH,
                    partition, partitions);
    else if (ours && ours < group->n_inputs)
        g_set_error(error, LC_ERROR, LC_ERROR_RETRY,
                    "the group gave us %d of the %d inputs of partition %d, so it is not read: members read different "
                    "topics, or did until a moment ago; give all the same topics.inputs, stop all for longer than "
                    "session.timeout.ms (15 s), and start them",
                    ours, group->n_inputs, partition);
    else
        return true;
    return false;
}

bool
lc_group_check(lc_group *group, int32_t partitions, GError **error)
{
    int32_t n = (int32_t)group->lanes->len / group->n_inputs;

    for (int32_t p = n - 1; p >= 0; p--)
        if (!refuse_lane(group, p, partitions, count_ours(group, p), error))
            return false;
    return lc_peers_check(group->options, &group->question, group->inputs, group->n_inputs, error);
}

const rd_kafka_consumer_group_metadata_t *
lc_group_metadata(const lc_group *group)
{
    return group->metadata;
}

/* ---- Where lanes go on ---- */

static rd_kafka_topic_partition_list_t *
list_unsettled(lc_group *group, bool *stopped)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(group->n_inputs);

    for (guint i = 0; i < group->lanes->len; i++) {
        const lc_lane *one = &g_array_index(group->lanes, lc_lane, i);
        if (one->flow != LC_LANE_RUNNING || !one->unsettled)
            continue;
        *stopped |= one->stopped;
        rd_kafka_topic_partition_list_add(list, group->inputs[i % (guint)group->n_inputs],
                                          (int32_t)(i / (guint)group->n_inputs))
            ->offset = one->next;
    }
    return list;
}

/* A lane that librdkafka gave up starts again by a new assign, which stops and starts all. */
static void
restart_lanes(lc_group *group)
{
    assign_paused(group);
    for (guint i = 0; i < group->lanes->len; i++) {
        lc_lane *one = &g_array_index(group->lanes, lc_lane, i);
        one->stopped = false;
        one->unsettled = one->flow == LC_LANE_RUNNING;
    }
}

static void
resume_sought(lc_group *group, const rd_kafka_topic_partition_list_t *sought)
{
    g_autoptr(rd_kafka_topic_partition_list_t) resumed = rd_kafka_topic_partition_list_new(sought->cnt);

    group->any_unsettled = false;
    for (int i = 0; i < sought->cnt; i++) {
        const rd_kafka_topic_partition_t *one = &sought->elems[i];
        if (one->err) { /* the fetcher of a fresh assignment is still starting */
            group->any_unsettled = true;
            continue;
        }
        lc_lane_at(group, input_named(group, one->topic), one->partition)->unsettled = false;
        rd_kafka_topic_partition_list_add(resumed, one->topic, one->partition);
    }
    if (resumed->cnt)
        rd_kafka_resume_partitions(group->client, resumed);
}

void
lc_lanes_settle(lc_group *group)
{
    gint64 now = g_get_monotonic_time();
    bool stopped = false;

    if (now < group->settle_us)
        return;
    g_autoptr(rd_kafka_topic_partition_list_t) list = list_unsettled(group, &stopped);
    if (stopped) {
        restart_lanes(group);
        g_clear_pointer(&list, rd_kafka_topic_partition_list_destroy);
        list = list_unsettled(group, &stopped);
    }
    if (list->cnt == 0) {
        group->any_unsettled = false;
        return;
    }
    rd_kafka_error_t *error = rd_kafka_seek_partitions(group->client, list, LC_GROUP_CALL_MS);
    if (error)
        rd_kafka_error_destroy(error);
    else
        resume_sought(group, list);
    group->settle_us = now + SETTLE_EVERY_US;
}

void
lc_lane_run(lc_group *group, lc_lane *one)
{
    one->flow = LC_LANE_RUNNING;
    one->unsettled = true;
    group->any_unsettled = true;
    group->settle_us = 0;
}

bool
lc_group_seek(lc_group *group, int32_t partition, const int64_t *offsets, GError **error)
{
    for (int i = 0; i < group->n_inputs; i++) {
        lc_lane *one = lc_lane_at(group, i, partition);
        if (one == NULL || one->flow == LC_LANE_NONE) {
            g_set_error(error, LC_ERROR, LC_ERROR_RETRY, "partition %d is not assigned to us", partition);
            return false;
        }
        one->next = offsets[i];
        one->end = -1;
        lc_lane_run(group, one);
    }
    lc_lanes_settle(group);
    return true;
}

void
lc_group_pause(lc_group *group, int32_t partition)
{
    g_autoptr(rd_kafka_topic_partition_list_t) list = lc_kafka_list_of(group->inputs, group->n_inputs, partition);

    for (int i = 0; i < group->n_inputs; i++) {
        lc_lane *one = lc_lane_at(group, i, partition);
        if (one && one->flow == LC_LANE_RUNNING)
            one->flow = LC_LANE_PAUSED;
    }
    rd_kafka_pause_partitions(group->client, list);
}

void
lc_group_resume(lc_group *group, int32_t partition)
{
    for (int i = 0; i < group->n_inputs; i++) {
        lc_lane *one = lc_lane_at(group, i, partition);
        if (one && one->flow == LC_LANE_PAUSED)
            lc_lane_run(group, one);
    }
}
