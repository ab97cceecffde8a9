/* orders.c - what brokers are told to do with one topic: to make it, to give it more partitions. */
#include "admin.h"

/* What it is called where it is refused, and what is no refusal. */
typedef struct {
    const char *refusal, *done, *right;
    rd_kafka_resp_err_t harmless;
} order;

static bool
refuse(const order *given, const char *name, const char *reason, GError **error)
{
    g_set_error(error, LC_ERROR, LC_ERROR_CONFIG, "topic %s can't be %s: %s", name, given->done, reason);
    return false;
}

static bool
check_results(const order *given, rd_kafka_t *client, const rd_kafka_topic_result_t **results, size_t n, GError **error)
{
    for (size_t i = 0; i < n; i++) {
        rd_kafka_resp_err_t err = rd_kafka_topic_result_error(results[i]);
        const char *name = rd_kafka_topic_result_name(results[i]);
        const char *text = rd_kafka_topic_result_error_string(results[i]);
        if (err == RD_KAFKA_RESP_ERR_NO_ERROR || err == given->harmless)
            continue;
        if (lc_kafka_is_denial(err))
            return lc_kafka_deny(client, given->right, "topic", name, error);
        return refuse(given, name, text ? text : rd_kafka_err2str(err), error);
    }
    return true;
}

static bool
check_event(const order *given, rd_kafka_t *client, rd_kafka_event_t *event, GError **error)
{
    size_t n;
    const rd_kafka_topic_result_t **results =
        rd_kafka_event_type(event) == RD_KAFKA_EVENT_CREATETOPICS_RESULT
            ? rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &n)
            : rd_kafka_CreatePartitions_result_topics(rd_kafka_event_CreatePartitions_result(event), &n);

    return check_results(given, client, results, n, error);
}

/* Destroys the queue, on which the answer comes, and the options. */
static bool
await(const order *given, const lc_kafka_options *options, rd_kafka_t *client, rd_kafka_queue_t *queue,
      rd_kafka_AdminOptions_t *admin, int64_t deadline, GError **error)
{
    rd_kafka_event_t *event = lc_admin_await(options, queue, deadline, given->refusal, error);
    bool ok = event && check_event(given, client, event, error);

    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_AdminOptions_destroy(admin);
    return ok;
}

/* ---- Making one ---- */

static const order making = {"Kafka refuses to make a topic", "made", "CREATE", RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS};

static bool
create(const lc_kafka_options *options, rd_kafka_t *client, rd_kafka_NewTopic_t *topic, bool validate_only,
       int64_t deadline, GError **error)
{
    char reason[256];
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_AdminOptions_t *admin =
        lc_admin_options_new(client, RD_KAFKA_ADMIN_OP_CREATETOPICS, lc_admin_ms_until(deadline));

    rd_kafka_AdminOptions_set_validate_only(admin, validate_only, reason, sizeof reason);
    rd_kafka_CreateTopics(client, &topic, 1, admin, queue);
    return await(&making, options, client, queue, admin, deadline, error);
}

static bool
create_topic(const lc_kafka_options *options, const char *name, int32_t partitions, int replication,
             const char *const *configs, bool validate_only, int timeout_ms, GError **error)
{
    char reason[256];
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(name, partitions, replication, reason, sizeof reason);

    if (topic == NULL)
        return refuse(&making, name, reason, error);
    for (; configs && *configs; configs += 2)
        rd_kafka_NewTopic_set_config(topic, configs[0], configs[1]);
    rd_kafka_t *client = lc_admin_client_new(options, "read_committed", error);
    bool ok = client && create(options, client, topic, validate_only, lc_admin_deadline(timeout_ms), error);
    rd_kafka_NewTopic_destroy(topic);
    if (client)
        rd_kafka_destroy(client);
    return ok;
}

bool
lc_kafka_create_topic(const lc_kafka_options *options, const char *name, int32_t partitions, int replication,
                      const char *const *configs, int timeout_ms, GError **error)
{
    return create_topic(options, name, partitions, replication, configs, false, timeout_ms, error);
}

bool
lc_kafka_may_create(const lc_kafka_options *options, const char *name, int timeout_ms, GError **error)
{
    g_autoptr(GError) problem = NULL;

    /* What else is wrong with this topic is no matter: it is not the one that will be made. */
    if (create_topic(options, name, 1, -1, NULL, true, timeout_ms, &problem) ||
        g_error_matches(problem, LC_ERROR, LC_ERROR_CONFIG))
        return true;
    g_propagate_error(error, g_steal_pointer(&problem));
    return false;
}

/* ---- Giving it more partitions ---- */

static const order growing = {"Kafka refuses to give a topic more partitions", "given more partitions", "ALTER",
                              RD_KAFKA_RESP_ERR_NO_ERROR};

static bool
grow(const lc_kafka_options *options, rd_kafka_t *client, rd_kafka_NewPartitions_t *more, int timeout_ms,
     GError **error)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_AdminOptions_t *admin = lc_admin_options_new(client, RD_KAFKA_ADMIN_OP_CREATEPARTITIONS, timeout_ms);

    rd_kafka_CreatePartitions(client, &more, 1, admin, queue);
    return await(&growing, options, client, queue, admin, lc_admin_deadline(timeout_ms), error);
}

bool
lc_kafka_grow_topic(const lc_kafka_options *options, const char *name, int32_t partitions, int timeout_ms,
                    GError **error)
{
    char reason[256];
    rd_kafka_NewPartitions_t *more = rd_kafka_NewPartitions_new(name, (size_t)partitions, reason, sizeof reason);

    if (more == NULL)
        return refuse(&growing, name, reason, error);
    rd_kafka_t *client = lc_admin_client_new(options, "read_committed", error);
    bool ok = client && grow(options, client, more, timeout_ms, error);
    rd_kafka_NewPartitions_destroy(more);
    if (client)
        rd_kafka_destroy(client);
    return ok;
}
