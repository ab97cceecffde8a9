#include "group.h"

#include "fetch.h"
#include "peers.h"
#include "pending.h"
#include "process.h"
#include "trouble.h"

#define SLICE_MS 20
#define CALL_MS 1000
#define FREE_MS 5000
#define SETTLE_EVERY_US 5000
#define ASK_RIGHT_EVERY_US (5 * G_USEC_PER_SEC)
#define ALONE_MS 200 /* for a partition that is asked by itself, because those together got no answer */

typedef enum {
    LANE_NONE,    /* not ours, or given up */
    LANE_WAITING, /* assigned, not yet sought */
    LANE_PAUSED,
    LANE_RUNNING
} lane_flow;

typedef struct {
    lane_flow flow;
    bool unsettled; /* running as far as our caller knows; librdkafka is still to be sent to `next` */
    bool stopped;   /* librdkafka gave the lane up: only another assign starts it again */
    bool denied;    /* the topic may not be read */
    int64_t next;   /* the first offset that was not delivered */
    int64_t end;    /* the last one said to be the end; -1: none */
} lane;

struct lc_group {
    const lc_kafka_options *options; /* borrowed */
    const char *const *inputs;       /* borrowed */
    int n_inputs;
    rd_kafka_t *client;
    rd_kafka_topic_t **topics;             /* by input: their addresses tell records apart without comparing names */
    rd_kafka_topic_t *outputs[LC_OUTPUTS]; /* so that metadata can be asked for our topics alone */
    lc_fetch_waker waker;

    GArray *lanes;      /* lane: partition * n_inputs + input */
    GArray *partitions; /* int32_t, sorted: those of which we have every input */
    GArray *silent;     /* int32_t, of them: those that got no answer when last asked for their ends */
    lc_pending *pending;
    lc_group_question question; /* what the other members have */
    gint64 silent_us;           /* one of which is asked again, not before */
    rd_kafka_topic_partition_list_t *assigned;
    rd_kafka_consumer_group_metadata_t *metadata;
    bool any_unsettled, any_denied;
    gint64 settle_us;    /* not before */
    gint64 ask_right_us; /* nor are lanes that may not be read tried again */
    bool group_denied;   /* we may not be a member */
    bool is_subscribed;
    bool was_lost;   /* the last assignment was not taken from us but lost, the coordinator having been away */
    bool must_renew; /* the client is of no use any more */
    int64_t session_ms;

    GQueue events;   /* lc_log_event_type: what the rebalance callback saw */
    GPtrArray *held; /* messages whose bytes the caller may still read */
    GArray *ends;    /* lc_log_end */
};

static lane *
lane_at(lc_group *group, int input, int32_t partition)
{
    guint index = (guint)partition * (guint)group->n_inputs + (guint)input;

    return partition >= 0 && index < group->lanes->len ? &g_array_index(group->lanes, lane, index) : NULL;
}

static int
input_named(const lc_group *group, const char *name)
{
    for (int i = 0; i < group->n_inputs; i++)
        if (strcmp(group->inputs[i], name) == 0)
            return i;
    return -1;
}

static int
input_of(const lc_group *group, rd_kafka_topic_t *topic)
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
        *lane_at(group, input, one->partition) = (lane){.flow = LANE_WAITING, .end = -1};
    }
}

/* A partition counts as ours only with all of its inputs: a lead's facts must not be judged in two places. */
static void
list_partitions(lc_group *group)
{
    int32_t n_partitions = (int32_t)group->lanes->len / group->n_inputs;

    g_array_set_size(group->partitions, 0);
    for (int32_t p = 0; p < n_partitions; p++) {
        int ours = 0;
        for (int i = 0; i < group->n_inputs; i++)
            ours += lane_at(group, i, p)->flow != LANE_NONE;
        if (ours == group->n_inputs)
            g_array_append_val(group->partitions, p);
    }
}

static void
forget_assignment(lc_group *group)
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
    forget_assignment(group);
    group->was_lost = group->group_denied = false;
    group->assigned = rd_kafka_topic_partition_list_copy(partitions);
    assign_paused(group);
    group->metadata = rd_kafka_consumer_group_metadata(group->client);
    make_lanes(group);
    list_partitions(group);
    queue_event(group, LC_LOG_ASSIGNED);
}

static void
on_rebalance(rd_kafka_t *client, rd_kafka_resp_err_t err, rd_kafka_topic_partition_list_t *partitions, void *opaque)
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
        g_array_index(group->lanes, lane, i).flow = LANE_NONE;
    group->any_unsettled = false;
    queue_event(group, LC_LOG_REVOKED);
}

void
lc_group_release_assignment(lc_group *group)
{
    forget_assignment(group);
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

    for (int32_t p = n - 1; p >= 0; p--) {
        int ours = 0;
        for (int i = 0; i < group->n_inputs; i++)
            ours += lane_at(group, i, p)->flow != LANE_NONE;
        if (!refuse_lane(group, p, partitions, ours, error))
            return false;
    }
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
        const lane *one = &g_array_index(group->lanes, lane, i);
        if (one->flow != LANE_RUNNING || !one->unsettled)
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
        lane *one = &g_array_index(group->lanes, lane, i);
        one->stopped = false;
        one->unsettled = one->flow == LANE_RUNNING;
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
        lane_at(group, input_named(group, one->topic), one->partition)->unsettled = false;
        rd_kafka_topic_partition_list_add(resumed, one->topic, one->partition);
    }
    if (resumed->cnt)
        rd_kafka_resume_partitions(group->client, resumed);
}

static void
settle(lc_group *group)
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
    rd_kafka_error_t *error = rd_kafka_seek_partitions(group->client, list, CALL_MS);
    if (error)
        rd_kafka_error_destroy(error);
    else
        resume_sought(group, list);
    group->settle_us = now + SETTLE_EVERY_US;
}

static void
run_lane(lc_group *group, lane *one)
{
    one->flow = LANE_RUNNING;
    one->unsettled = true;
    group->any_unsettled = true;
    group->settle_us = 0;
}

bool
lc_group_seek(lc_group *group, int32_t partition, const int64_t *offsets, GError **error)
{
    for (int i = 0; i < group->n_inputs; i++) {
        lane *one = lane_at(group, i, partition);
        if (one == NULL || one->flow == LANE_NONE) {
            g_set_error(error, LC_ERROR, LC_ERROR_RETRY, "partition %d is not assigned to us", partition);
            return false;
        }
        one->next = offsets[i];
        one->end = -1;
        run_lane(group, one);
    }
    settle(group);
    return true;
}

void
lc_group_pause(lc_group *group, int32_t partition)
{
    g_autoptr(rd_kafka_topic_partition_list_t) list = lc_kafka_list_of(group->inputs, group->n_inputs, partition);

    for (int i = 0; i < group->n_inputs; i++) {
        lane *one = lane_at(group, i, partition);
        if (one && one->flow == LANE_RUNNING)
            one->flow = LANE_PAUSED;
    }
    rd_kafka_pause_partitions(group->client, list);
}

void
lc_group_resume(lc_group *group, int32_t partition)
{
    for (int i = 0; i < group->n_inputs; i++) {
        lane *one = lane_at(group, i, partition);
        if (one && one->flow == LANE_PAUSED)
            run_lane(group, one);
    }
}

/* ---- The client ---- */

static rd_kafka_conf_t *
group_conf(const lc_kafka_options *options, GError **error)
{
    g_autofree char *client_id = lc_process_client_id();
    /* A heartbeat is how a member learns of a rebalance: at librdkafka's 3 s, a dead one's partitions wait so much
     * longer. */
    const char *const defaults[] = {"fetch.wait.max.ms",
                                    "20",
                                    "session.timeout.ms",
                                    "15000",
                                    "heartbeat.interval.ms",
                                    "500",
                                    "check.crcs",
                                    "true",
                                    NULL};
    const char *const fixed[] = {"group.id",
                                 options->group,
                                 "group.instance.id",
                                 options->instance,
                                 "client.id",
                                 client_id,
                                 "partition.assignment.strategy",
                                 "range",
                                 LC_KAFKA_CONSUMER_SETTINGS,
                                 NULL};
    return lc_kafka_conf_new(options, defaults, fixed, error);
}

static int64_t
session_of(const rd_kafka_conf_t *conf)
{
    char value[32] = "";
    size_t size = sizeof value;

    rd_kafka_conf_get(conf, "session.timeout.ms", value, &size);
    return g_ascii_strtoll(value, NULL, 10);
}

int64_t
lc_kafka_session_ms(const lc_kafka_options *options)
{
    lc_kafka_options named = *options;
    named.instance = "any-1";
    rd_kafka_conf_t *conf = group_conf(&named, NULL);
    int64_t session_ms = conf ? session_of(conf) : 0;

    if (conf)
        rd_kafka_conf_destroy(conf);
    return session_ms;
}

static bool
make_client(lc_group *group, GError **error)
{
    rd_kafka_conf_t *conf = group_conf(group->options, error);
    if (conf == NULL)
        return false;
    long queued = lc_fetch_queued_min_messages(conf);
    group->session_ms = session_of(conf);
    rd_kafka_conf_set_opaque(conf, group);
    rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
    group->client = lc_kafka_client_new(RD_KAFKA_CONSUMER, conf, error);
    if (group->client == NULL)
        return false;
    rd_kafka_poll_set_consumer(group->client);
    lc_fetch_waker_init(&group->waker, group->client, queued);
    for (int i = 0; i < group->n_inputs; i++)
        group->topics[i] = rd_kafka_topic_new(group->client, group->inputs[i], NULL);
    for (int i = 0; i < LC_OUTPUTS; i++)
        group->outputs[i] = rd_kafka_topic_new(group->client, group->options->outputs[i], NULL);
    return true;
}

static void
drop_client(lc_group *group, int wait_ms)
{
    if (group->client == NULL)
        return;
    forget_assignment(group);
    for (int i = 0; i < group->n_inputs; i++)
        g_clear_pointer(&group->topics[i], rd_kafka_topic_destroy);
    for (int i = 0; i < LC_OUTPUTS; i++)
        g_clear_pointer(&group->outputs[i], rd_kafka_topic_destroy);
    lc_fetch_waker_clear(&group->waker);
    lc_kafka_destroy(group->client, wait_ms);
    group->client = NULL;
}

static bool
renew_client(lc_group *group, GError **error)
{
    drop_client(group, CALL_MS);
    if (!make_client(group, error))
        return false;
    group->must_renew = group->was_lost = false;
    return !group->is_subscribed || lc_group_subscribe(group, error);
}

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
        lane *one = &g_array_index(group->lanes, lane, i);
        group->any_denied |= one->denied;
        if (one->denied && one->flow == LANE_RUNNING) {
            one->end = -1;
            run_lane(group, one);
        }
    }
}

static void
take_denial(lc_group *group, const rd_kafka_message_t *message)
{
    int input = message->rkt ? input_of(group, message->rkt) : -1;
    lane *one = input < 0 ? NULL : lane_at(group, input, message->partition);

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
            denied |= g_array_index(group->lanes, lane, i).denied;
        if (denied)
            g_string_append_printf(names, "%s%s", names->len ? ", " : "", group->inputs[input]);
    }
    return names;
}

char *
lc_group_trouble(lc_group *group)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) denied = list_denied(group);

    if (group->group_denied && group->assigned == NULL)
        lc_kafka_deny(group->client, "READ", "group", group->options->group, &error);
    else if (denied->len)
        lc_kafka_deny(group->client, "READ", "topic", denied->str, &error);
    if (error)
        return g_strdup(error->message);
    return group->assigned ? NULL : lc_trouble_text();
}

static bool
is_delivered(const lane *one, int64_t offset)
{
    return one && one->flow == LANE_RUNNING && !one->unsettled && offset >= one->next;
}

static bool
take_record(lc_group *group, rd_kafka_message_t *message, lc_log_event *event)
{
    int input = input_of(group, message->rkt);
    lane *one = input < 0 ? NULL : lane_at(group, input, message->partition);

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
        .key = {message->key, message->key_len},
        .value = {message->payload, message->len},
        .handle = message,
    };
    return true;
}

static void
take_end(lc_group *group, const rd_kafka_message_t *message, lc_log_event *event)
{
    int input = input_of(group, message->rkt);
    lane *one = input < 0 ? NULL : lane_at(group, input, message->partition);

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
    int input = input_of(group, message->rkt);
    lane *one = input < 0 ? NULL : lane_at(group, input, message->partition);

    if (one == NULL || one->flow == LANE_NONE)
        return;
    one->stopped = true;
    if (one->flow != LANE_RUNNING || one->unsettled)
        return;
    one->flow = LANE_WAITING;
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
        g_ptr_array_add(group->held, message);
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
    const lane *one = lane_at(group, input, partition);
    int64_t low = -1, high = -1;

    if (one->flow != LANE_RUNNING || one->unsettled || one->end == one->next)
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
        settle(group);
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
    if (group->must_renew && group->assigned == NULL && group->held->len == 0 && !renew_client(group, error))
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
}

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

    for (int i = 0; i < list->cnt; i++)
        list->elems[i].offset = what;
    rd_kafka_resp_err_t err = rd_kafka_offsets_for_times(group->client, list, CALL_MS);
    for (int i = 0; !err && i < list->cnt; i++)
        err = list->elems[i].err;
    g_autofree char *what_for = g_strdup_printf("watermarks of partition %d", partition);
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
        rd_kafka_topic_partition_list_add(list, group->inputs[input], partition)->offset = RD_KAFKA_OFFSET_END;
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
    rd_kafka_resp_err_t err = list->cnt ? rd_kafka_offsets_for_times(group->client, list, timeout_ms) : 0;

    for (int i = 0; !err && i < list->cnt; i++)
        err = list->elems[i].err;
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
    group->silent_us = now + CALL_MS * 1000;
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
    rd_kafka_resp_err_t alone = ask_one_silent(group), together = ask_ends_of(group, list, CALL_MS);
    if (together)
        find_silent(group);
    if (group->ends->len == 0 && (together || alone))
        return lc_kafka_fail_of(group->client, list, together ? together : alone, "DESCRIBE",
                                "end offsets of the inputs", error);
    *ends = (const lc_log_end *)(void *)group->ends->data;
    *n = group->ends->len;
    return true;
}

/* ---- Life ---- */

lc_group *
lc_group_new(const lc_kafka_options *options, const char *const *inputs, int n_inputs, GError **error)
{
    lc_group *group = g_new0(lc_group, 1);

    group->options = options;
    group->inputs = inputs;
    group->n_inputs = n_inputs;
    group->topics = g_new0(rd_kafka_topic_t *, (gsize)n_inputs);
    group->lanes = g_array_new(FALSE, TRUE, sizeof(lane));
    group->partitions = g_array_new(FALSE, FALSE, sizeof(int32_t));
    group->silent = g_array_new(FALSE, FALSE, sizeof(int32_t));
    group->pending = lc_pending_new(options);
    group->ends = g_array_new(FALSE, FALSE, sizeof(lc_log_end));
    group->held = g_ptr_array_new_with_free_func((GDestroyNotify)rd_kafka_message_destroy);
    g_queue_init(&group->events);
    if (make_client(group, error))
        return group;
    lc_group_free(group);
    return NULL;
}

void
lc_group_free(lc_group *group)
{
    g_ptr_array_unref(group->held);
    drop_client(group, FREE_MS);
    g_free(group->topics);
    g_array_unref(group->lanes);
    g_array_unref(group->partitions);
    g_array_unref(group->silent);
    lc_pending_free(group->pending);
    lc_group_question_clear(&group->question);
    g_array_unref(group->ends);
    g_queue_clear(&group->events);
    g_free(group);
}

int64_t
lc_group_session_ms(const lc_group *group)
{
    return group->session_ms;
}

rd_kafka_t *
lc_group_client(lc_group *group)
{
    return group->client;
}

bool
lc_group_subscribe(lc_group *group, GError **error)
{
    g_autoptr(rd_kafka_topic_partition_list_t) list =
        lc_kafka_list_of(group->inputs, group->n_inputs, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t err = rd_kafka_subscribe(group->client, list);

    group->is_subscribed = !err;
    return !err || lc_kafka_fail(error, LC_ERROR_RETRY, err, "subscribing");
}
