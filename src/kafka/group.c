/* group.c - the client of the group consumer, and its life. */
#include "lanes.h"

#include "process.h"

#define FREE_MS 5000
#define READ_AHEAD 100000 /* librdkafka's default */

/* ---- The client ---- */

/* `*queued`: what lc_fetch_waker_init is to be given. */
static rd_kafka_conf_t *
group_conf(const lc_kafka_options *options, long *queued, GError **error)
{
    g_autofree char *client_id = lc_process_client_id();
    g_autofree char *read_ahead = g_strdup_printf("%u", options->read_ahead ? options->read_ahead : READ_AHEAD);
    /* Half a batch lies ready, and an answer of each broker: more takes memory, and is no faster (servers.md).
     * A heartbeat is how a member learns of a rebalance: at librdkafka's 3 s, a dead one's partitions wait so much
     * longer. */
    const char *const defaults[] = {"fetch.wait.max.ms",
                                    "20",
                                    "session.timeout.ms",
                                    "15000",
                                    "heartbeat.interval.ms",
                                    "500",
                                    "check.crcs",
                                    "true",
                                    "queued.min.messages",
                                    read_ahead,
                                    "fetch.message.max.bytes",
                                    "262144",
                                    NULL};
    const char *const fixed[] = {"group.id",
                                 options->group,
                                 "client.id",
                                 client_id,
                                 "partition.assignment.strategy",
                                 "range",
                                 LC_KAFKA_CONSUMER_SETTINGS,
                                 options->is_guest ? NULL : "group.instance.id",
                                 options->instance,
                                 NULL};
    rd_kafka_conf_t *conf = lc_kafka_conf_new(options, defaults, fixed, error);

    if (conf)
        *queued = lc_fetch_prepare(conf, options->properties);
    return conf;
}

static int64_t
number_of(const rd_kafka_conf_t *conf, const char *name)
{
    char value[32] = "";
    size_t size = sizeof value;

    rd_kafka_conf_res_t result = rd_kafka_conf_get(conf, name, value, &size);
    return result == RD_KAFKA_CONF_OK ? g_ascii_strtoll(value, NULL, 10) : -1;
}

int64_t
lc_kafka_member_number(const lc_kafka_options *options, const char *name)
{
    lc_kafka_options named = *options;
    long queued;
    named.instance = "any-1";
    rd_kafka_conf_t *conf = group_conf(&named, &queued, NULL);
    int64_t number = conf ? number_of(conf, name) : -1;

    if (conf)
        rd_kafka_conf_destroy(conf);
    return number;
}

/* Takes `conf`. */
static bool
make_client(lc_group *group, rd_kafka_conf_t *conf, long queued, GError **error)
{
    group->session_ms = number_of(conf, "session.timeout.ms");
    rd_kafka_conf_set_opaque(conf, group);
    rd_kafka_conf_set_rebalance_cb(conf, lc_group_on_rebalance);
    group->client = lc_kafka_client_new(RD_KAFKA_CONSUMER, conf, error);
    if (group->client == NULL)
        return false;
    rd_kafka_poll_set_consumer(group->client);
    lc_fetch_waker_init(&group->waker, group->client, queued);
    for (int i = 0; i < group->n_inputs; i++)
        group->topics[i] = rd_kafka_topic_new(group->client, group->inputs[i], NULL);
    for (int i = 0; i < LC_OUTPUTS; i++)
        if (group->options->outputs[i])
            group->outputs[i] = rd_kafka_topic_new(group->client, group->options->outputs[i], NULL);
    return true;
}

static void
drop_client(lc_group *group, int wait_ms)
{
    if (group->client == NULL)
        return;
    lc_group_forget_assignment(group);
    for (int i = 0; i < group->n_inputs; i++)
        g_clear_pointer(&group->topics[i], rd_kafka_topic_destroy);
    for (int i = 0; i < LC_OUTPUTS; i++)
        g_clear_pointer(&group->outputs[i], rd_kafka_topic_destroy);
    lc_fetch_waker_clear(&group->waker);
    lc_kafka_destroy(group->client, wait_ms);
    group->client = NULL;
}

/* The old one stays until another can be made: it is asked all the while. */
bool
lc_group_renew_client(lc_group *group, GError **error)
{
    long queued;
    rd_kafka_conf_t *conf = group_conf(group->options, &queued, error);
    if (conf == NULL)
        return false;
    drop_client(group, LC_GROUP_CALL_MS);
    if (!make_client(group, conf, queued, error))
        return false;
    group->must_renew = group->was_lost = false;
    return !group->is_subscribed || lc_group_subscribe(group, error);
}

/* ---- Life ---- */

lc_group *
lc_group_new(const lc_kafka_options *options, const char *const *inputs, int n_inputs, GError **error)
{
    long queued;
    rd_kafka_conf_t *conf = group_conf(options, &queued, error);
    if (conf == NULL)
        return NULL;
    lc_group *group = g_new0(lc_group, 1);

    group->options = options;
    group->inputs = inputs;
    group->n_inputs = n_inputs;
    group->topics = g_new0(rd_kafka_topic_t *, (gsize)n_inputs);
    group->lanes = g_array_new(FALSE, TRUE, sizeof(lc_lane));
    group->partitions = g_array_new(FALSE, FALSE, sizeof(int32_t));
    group->silent = g_array_new(FALSE, FALSE, sizeof(int32_t));
    group->pending = lc_pending_new(options);
    group->ends = g_array_new(FALSE, FALSE, sizeof(lc_log_end));
    group->held = g_ptr_array_new_with_free_func((GDestroyNotify)rd_kafka_message_destroy);
    g_queue_init(&group->events);
    if (make_client(group, conf, queued, error))
        return group;
    lc_group_free(group);
    return NULL;
}

void
lc_group_free(lc_group *group)
{
    g_ptr_array_unref(group->held);
    lc_arena_clear(&group->copies);
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
