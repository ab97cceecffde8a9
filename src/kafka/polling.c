/* polling.c - records, ends and errors from the group consumer. */
#include "lanes.h"

#include "trouble.h"

#define SLICE_MS 20
#define ASK_RIGHT_EVERY_US (5 * G_USEC_PER_SEC)

/* ---- Reading ---- */

/* librdkafka tells once that a topic may not be read, and nothing when it may again where nothing is to be read: from
 * its beginning a fetch tells of an end. */
static void
ask_for_rights(lc_group *group)
{
    gint64 now = g_get_monotonic_time();

    if (now < group->ask_right_us)
        return;
    group->ask_right_us = now + ASK_RIGHT_EVERY_US;
    group->any_denied = false;
    for (guint i = 0; i < group->lanes->len; i++) {
        lc_lane *one = &g_array_index(group->lanes, lc_lane, i);
        group->any_denied |= one->denied;
        if (one->denied && one->flow == LC_LANE_RUNNING) {
            one->end = -1;
            lc_lane_run(group, one);
        }
    }
}

static void
take_denial(lc_group *group, const rd_kafka_message_t *message)
{
    int input = message->rkt ? lc_group_input_of(group, message->rkt) : -1;
    lc_lane *one = input < 0 ? NULL : lc_lane_at(group, input, message->partition);

    if (one == NULL) {
        group->group_denied |= message->err == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED;
        return;
    }
    one->denied = group->any_denied = true;
    group->ask_right_us = g_get_monotonic_time() + ASK_RIGHT_EVERY_US;
}

/* The inputs that may not be read; empty: none. */
static GString *
list_denied(lc_group *group)
{
    GString *names = g_string_new(NULL);

    for (int input = 0; input < group->n_inputs; input++) {
        bool denied = false;
        for (guint i = (guint)input; group->any_denied && i < group->lanes->len; i += (guint)group->n_inputs)
            denied |= g_array_index(group->lanes, lc_lane, i).denied;
        if (denied)
            g_string_append_printf(names, "%s%s", names->len ? ", " : "", group->inputs[input]);
    }
    return names;
}

GError *
lc_group_trouble(lc_group *group)
{
    GError *error = NULL;
    g_autoptr(GString) denied = list_denied(group);

    if (group->group_denied && group->assigned == NULL)
        lc_kafka_deny(group->client, "READ", "group", group->options->group, &error);
    else if (denied->len)
        lc_kafka_deny(group->client, "READ", "topic", denied->str, &error);
    g_autofree char *trouble = error || group->assigned ? NULL : lc_trouble_text();
    return trouble ? g_error_new_literal(LC_ERROR, LC_ERROR_RETRY, trouble) : error;
}

static bool
is_delivered(const lc_lane *one, int64_t offset)
{
    return one && one->flow == LC_LANE_RUNNING && !one->unsettled && offset >= one->next;
}

static bool
take_record(lc_group *group, rd_kafka_message_t *message, lc_log_event *event)
{
    int input = lc_group_input_of(group, message->rkt);
    lc_lane *one = input < 0 ? NULL : lc_lane_at(group, input, message->partition);

    if (!is_delivered(one, message->offset))
        return false;
    rd_kafka_timestamp_type_t type;
    rd_kafka_message_timestamp(message, &type);
    one->next = message->offset + 1;
    one->denied = false;
    *event = (lc_log_event){
        .type = LC_LOG_RECORD,
        .topic = input,
        .partition = message->partition,
        .offset = message->offset,
        .timestamp = lc_kafka_published_at(message),
        .is_append_time = type == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME,
        .key = lc_arena_text(&group->copies, (lc_text){message->key, message->key_len}),
        .value = lc_arena_text(&group->copies, (lc_text){message->payload, message->len}),
    };
    return true;
}

/* What a message takes beside its bytes is more than they are, and it holds all that the broker sent with it: its bytes
 * are copied, and it is given back at once, unless it has headers. */
static void
give_back(lc_group *group, rd_kafka_message_t *message, lc_log_event *event)
{
    rd_kafka_headers_t *headers;

    if (rd_kafka_message_headers(message, &headers)) {
        rd_kafka_message_destroy(message);
        return;
    }
    event->handle = message;
    g_ptr_array_add(group->held, message);
}

static void
take_end(lc_group *group, const rd_kafka_message_t *message, lc_log_event *event)
{
    int input = lc_group_input_of(group, message->rkt);
    lc_lane *one = input < 0 ? NULL : lc_lane_at(group, input, message->partition);

    if (!is_delivered(one, message->offset))
        return;
    one->next = one->end = message->offset;
    one->denied = false;
    *event =
        (lc_log_event){.type = LC_LOG_END, .topic = input, .partition = message->partition, .offset = message->offset};
}

static void
take_lost_offset(lc_group *group, const rd_kafka_message_t *message, lc_log_event *event)
{
    int input = lc_group_input_of(group, message->rkt);
    lc_lane *one = input < 0 ? NULL : lc_lane_at(group, input, message->partition);

    if (one == NULL || one->flow == LC_LANE_NONE)
        return;
    one->stopped = true;
    if (one->flow != LC_LANE_RUNNING || one->unsettled)
        return;
    one->flow = LC_LANE_WAITING;
    *event = (lc_log_event){
        .type = LC_LOG_OFFSET_LOST, .topic = input, .partition = message->partition, .offset = one->next};
}

/* Whether somebody else runs under our name. After a session that timed out, librdkafka 2.0.2 heartbeats without its
 * member id until the revocation is served, and a coordinator that is back calls that fenced too. We then join anew:
 * were there really another, it would now be fenced, and say so. */
static void
take_fence(lc_group *group, lc_log_event *event)
{
    if (!group->was_lost) {
        event->type = LC_LOG_INSTANCE_FENCED;
        return;
    }
    if (!group->must_renew)
        g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE",
                         "the group coordinator forgot us while it was away: joining the group anew");
    group->must_renew = true;
}

static bool
take_fatal(lc_group *group, lc_log_event *event, GError **error)
{
    char reason[512] = "";
    rd_kafka_resp_err_t err = rd_kafka_fatal_error(group->client, reason, sizeof reason);

    if (err == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID) {
        take_fence(group, event);
        return true;
    }
    g_set_error(error, LC_ERROR, LC_ERROR_FATAL, "the group consumer stopped: %s", reason);
    return false;
}

static bool
take_error(lc_group *group, const rd_kafka_message_t *message, lc_log_event *event, GError **error)
{
    switch (message->err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
        take_end(group, message, event);
        return true;
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
        take_lost_offset(group, message, event);
        return true;
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
        take_fence(group, event);
        return true;
    case RD_KAFKA_RESP_ERR__FATAL:
        return take_fatal(group, event, error);
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
        take_denial(group, message);
        return true;
    default:
        if (lc_kafka_code_of(message->err) == LC_ERROR_CONFIG) {
            g_set_error(error, LC_ERROR, LC_ERROR_CONFIG, "kafka: %s", rd_kafka_message_errstr(message));
            return false;
        }
        g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_DEBUG, "MESSAGE", "kafka: consumer: %s: %s",
                         rd_kafka_err2name(message->err), rd_kafka_message_errstr(message));
        return true;
    }
}

static bool
take(lc_group *group, rd_kafka_message_t *message, lc_log_event *event, GError **error)
{
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR && take_record(group, message, event)) {
        give_back(group, message, event);
        return true;
    }
    bool ok = message->err == RD_KAFKA_RESP_ERR_NO_ERROR || take_error(group, message, event, error);
    rd_kafka_message_destroy(message);
    return ok;
}

typedef enum { BEHIND_NOT, BEHIND_PERHAPS, BEHIND_SURELY } behind;

static behind
lane_behind(lc_group *group, int input, int32_t partition)
{
    const lc_lane *one = lc_lane_at(group, input, partition);
    int64_t low = -1, high = -1;

    if (one->flow != LC_LANE_RUNNING || one->unsettled || one->end == one->next)
        return BEHIND_NOT;
    rd_kafka_get_watermark_offsets(group->client, group->inputs[input], partition, &low, &high);
    return high > one->next ? BEHIND_SURELY : BEHIND_PERHAPS;
}

/* What was not seen to be read to its end may have a fetch that sleeps. */
static void
wake_fetches(lc_group *group)
{
    g_autoptr(rd_kafka_topic_partition_list_t) list = rd_kafka_topic_partition_list_new(group->n_inputs);
    behind most = BEHIND_NOT;

    for (guint i = 0; i < group->partitions->len; i++) {
        int32_t partition = g_array_index(group->partitions, int32_t, i);
        for (int input = 0; input < group->n_inputs; input++) {
            behind how = lane_behind(group, input, partition);
            most = MAX(most, how);
            if (how)
                rd_kafka_topic_partition_list_add(list, group->inputs[input], partition);
        }
    }
    if (most)
        lc_fetch_waker_wake(&group->waker, list, most == BEHIND_SURELY ? 20 : 200);
}

static rd_kafka_message_t *
next_message(lc_group *group, int wait_ms)
{
    if (group->must_renew) { /* once all of the old client is given back */
        g_usleep((gulong)wait_ms * 1000);
        return NULL;
    }
    if (group->any_denied)
        ask_for_rights(group);
    if (group->any_unsettled)
        lc_lanes_settle(group);
    if (lc_fetch_waker_is_due(&group->waker, wait_ms > 0))
        wake_fetches(group);
    return rd_kafka_consumer_poll(group->client, group->any_unsettled ? MIN(wait_ms, 5) : wait_ms);
}

bool
lc_group_poll(lc_group *group, int timeout_ms, lc_log_event *event, GError **error)
{
    gint64 until = 0;
    int wait_ms = 0;

    *event = (lc_log_event){.type = LC_LOG_NOTHING};
    if (group->must_renew && group->assigned == NULL && group->held->len == 0 && !lc_group_renew_client(group, error))
        return false;
    for (;;) {
        if (!g_queue_is_empty(&group->events)) {
            event->type = (lc_log_event_type)GPOINTER_TO_INT(g_queue_pop_head(&group->events));
            return true;
        }
        rd_kafka_message_t *message = next_message(group, wait_ms);
        if (message && !take(group, message, event, error))
            return false;
        if (event->type != LC_LOG_NOTHING)
            return true;
        if (message)
            continue;
        gint64 now = g_get_monotonic_time();
        if (until == 0)
            until = now + timeout_ms * (gint64)1000;
        if (now >= until)
            return g_queue_is_empty(&group->events) || lc_group_poll(group, 0, event, error);
        wait_ms = (int)MIN((until - now + 999) / 1000, SLICE_MS);
    }
}

void
lc_group_release_records(lc_group *group)
{
    g_ptr_array_set_size(group->held, 0);
    lc_arena_reset(&group->copies);
}
