/* admin.c - what the command line asks of a broker: topics, the group, offsets; orders.c has what it orders. */
#include "admin.h"

#include "trouble.h"

#include <stdlib.h>

#define LONGEST_MS 3600000 /* the largest that librdkafka takes */
#define MARGIN_MS 1000     /* what librdkafka gives up is told by it */
#define DESTROY_MS 200

static const char *const reading_nothing[] = {
    "enable.auto.commit", "false", "allow.auto.create.topics", "false", NULL,
};

rd_kafka_t *
lc_admin_client_new(const lc_kafka_options *options, const char *isolation, GError **error)
{
    const char *fixed[] = {"group.id",
                           options->group,
                           "enable.auto.commit",
                           "false",
                           "isolation.level",
                           isolation,
                           "allow.auto.create.topics",
                           "false",
                           NULL};
    rd_kafka_conf_t *conf = lc_kafka_conf_new(options, NULL, options->group ? fixed : reading_nothing, error);
    return conf ? lc_kafka_client_new(RD_KAFKA_CONSUMER, conf, error) : NULL;
}

bool
lc_admin_fail(const lc_kafka_options *options, rd_kafka_resp_err_t err, const char *what, GError **error)
{
    g_autofree char *trouble = lc_kafka_is_transport_error(err) ? lc_trouble_text() : NULL;
    if (trouble)
        g_set_error(error, LC_ERROR, LC_ERROR_RETRY, "no connection to Kafka: %s", trouble);
    else if (lc_kafka_is_transport_error(err))
        lc_kafka_fail(error, LC_ERROR_RETRY, err,
                      "Kafka at %s does not answer; look whether it runs and kafka.brokers is right", options->brokers);
    else
        lc_kafka_fail(error, lc_kafka_code_of(err), err, "%s", what);
    return false;
}

int64_t
lc_admin_deadline(int timeout_ms)
{
    return g_get_monotonic_time() + (int64_t)timeout_ms * 1000;
}

int
lc_admin_ms_until(int64_t deadline)
{
    return (int)CLAMP((deadline - g_get_monotonic_time()) / 1000, 1, G_MAXINT);
}

/* ---- Requests of the admin API: one event on a queue of its own ---- */

static bool
is_for_coordinator(rd_kafka_admin_op_t operation)
{
    return operation == RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS ||
           operation == RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS || operation == RD_KAFKA_ADMIN_OP_DELETEGROUPS;
}

/* What librdkafka gave up while it looked for the coordinator kills the process once there is one (an assertion of
 * rd_kafka_enq_once_del_source_return). So it gives nothing up: who waits no longer destroys the client. */
rd_kafka_AdminOptions_t *
lc_admin_options_new(rd_kafka_t *client, rd_kafka_admin_op_t operation, int timeout_ms)
{
    char reason[256];
    rd_kafka_AdminOptions_t *admin = rd_kafka_AdminOptions_new(client, operation);
    rd_kafka_AdminOptions_set_request_timeout(admin, is_for_coordinator(operation) ? LONGEST_MS : timeout_ms, reason,
                                              sizeof reason);
    return admin;
}

/* The answer, or NULL. Destroys the queue. */
rd_kafka_event_t *
lc_admin_await(const lc_kafka_options *options, rd_kafka_queue_t *queue, int64_t deadline, const char *what,
               GError **error)
{
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, lc_admin_ms_until(deadline) + MARGIN_MS);
    rd_kafka_queue_destroy(queue);
    rd_kafka_resp_err_t err = event ? rd_kafka_event_error(event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
        return event;
    if (event)
        rd_kafka_event_destroy(event);
    lc_admin_fail(options, err, what, error);
    return NULL;
}

/* ---- The group ---- */

void
lc_group_question_clear(lc_group_question *question)
{
    if (question->queue)
        rd_kafka_queue_destroy(question->queue);
    if (question->client)
        lc_kafka_destroy(question->client, DESTROY_MS);
    *question = (lc_group_question){0};
}

static bool
ask_about_group(const lc_kafka_options *options, lc_group_question *question, GError **error)
{
    const char *groups[] = {options->group};
    question->client = lc_admin_client_new(options, "read_committed", error);
    if (question->client == NULL)
        return false;
    rd_kafka_AdminOptions_t *admin =
        lc_admin_options_new(question->client, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS, 0);
    question->queue = rd_kafka_queue_new(question->client);
    question->asked_us = g_get_monotonic_time();
    rd_kafka_DescribeConsumerGroups(question->client, groups, G_N_ELEMENTS(groups), admin, question->queue);
    rd_kafka_AdminOptions_destroy(admin);
    return true;
}

bool
lc_admin_describe_group(const lc_kafka_options *options, lc_group_question *question, int timeout_ms,
                        lc_group_taker *take, void *data, GError **error)
{
    if (question->client == NULL && !ask_about_group(options, question, error))
        return false;
    rd_kafka_event_t *event = rd_kafka_queue_poll(question->queue, timeout_ms);
    rd_kafka_resp_err_t err = event ? rd_kafka_event_error(event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
    bool ok = err ? lc_admin_fail(options, err, "Kafka refuses to describe the group", error)
                  : take(question->client, event, data, error);
    if (event)
        rd_kafka_event_destroy(event);
    if (event || g_get_monotonic_time() - question->asked_us > LC_ADMIN_PATIENCE_MS * (int64_t)1000)
        lc_group_question_clear(question);
    return ok;
}

/* ---- Describing ---- */

static void
clear_description(void *data)
{
    lc_topic_description *description = data;
    g_free(description->name);
    g_clear_pointer(&description->configs, g_hash_table_unref);
    g_clear_pointer(&description->own_configs, g_hash_table_unref);
}

/* A name may be asked for twice. */
static void
note_partitions(GArray *descriptions, const struct rd_kafka_metadata_topic *topic)
{
    for (guint i = 0; i < descriptions->len; i++) {
        lc_topic_description *description = &g_array_index(descriptions, lc_topic_description, i);
        if (strcmp(description->name, topic->topic) == 0)
            *description = (lc_topic_description){
                .name = description->name,
                .partitions = topic->partition_cnt,
                .replication = topic->partition_cnt ? topic->partitions[0].replica_cnt : 0,
            };
    }
}

static void
note_configs(GArray *descriptions, const char *name, GHashTable *configs, GHashTable *own)
{
    for (guint i = 0; i < descriptions->len; i++) {
        lc_topic_description *description = &g_array_index(descriptions, lc_topic_description, i);
        if (strcmp(description->name, name) != 0)
            continue;
        g_clear_pointer(&description->configs, g_hash_table_unref);
        description->configs = g_hash_table_ref(configs);
        g_clear_pointer(&description->own_configs, g_hash_table_unref);
        description->own_configs = g_hash_table_ref(own);
    }
}

/* Asks for all topics: asking for one by name would make brokers create it. */
static bool
describe_partitions(const lc_kafka_options *options, rd_kafka_t *client, GArray *descriptions, int64_t deadline,
                    GError **error)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t err = rd_kafka_metadata(client, 1, NULL, &metadata, lc_admin_ms_until(deadline));
    if (err)
        return lc_admin_fail(options, err, "Kafka refuses to say which topics there are", error);
    for (int i = 0; i < metadata->topic_cnt; i++)
        note_partitions(descriptions, &metadata->topics[i]);
    rd_kafka_metadata_destroy(metadata);
    g_autoptr(GPtrArray) missing = g_ptr_array_new();
    for (guint i = 0; i < descriptions->len; i++)
        if (g_array_index(descriptions, lc_topic_description, i).partitions == 0)
            g_ptr_array_add(missing, g_array_index(descriptions, lc_topic_description, i).name);
    return lc_kafka_may_describe(client, missing, lc_admin_ms_until(deadline), error);
}

/* `own_only`: those that the topic itself sets, not the broker's defaults. */
static GHashTable *
read_configs(const rd_kafka_ConfigResource_t *resource, bool own_only)
{
    GHashTable *configs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    size_t n;
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resource, &n);
    for (size_t i = 0; i < n; i++) {
        const char *value = rd_kafka_ConfigEntry_value(entries[i]);
        if (own_only && rd_kafka_ConfigEntry_source(entries[i]) != RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG)
            continue;
        g_hash_table_insert(configs, g_strdup(rd_kafka_ConfigEntry_name(entries[i])), g_strdup(value ? value : ""));
    }
    return configs;
}

static bool
take_configs(rd_kafka_t *client, GArray *descriptions, rd_kafka_event_t *event, GError **error)
{
    size_t n;
    const rd_kafka_ConfigResource_t **resources =
        rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event), &n);
    for (size_t i = 0; i < n; i++) {
        const char *name = rd_kafka_ConfigResource_name(resources[i]);
        rd_kafka_resp_err_t err = rd_kafka_ConfigResource_error(resources[i]);
        if (lc_kafka_is_denial(err))
            return lc_kafka_deny(client, "DESCRIBE_CONFIGS", "topic", name, error);
        if (err)
            return lc_kafka_fail(error, LC_ERROR_CONFIG, err, "Kafka refuses to tell the settings of topic %s", name);
        g_autoptr(GHashTable) configs = read_configs(resources[i], false);
        g_autoptr(GHashTable) own = read_configs(resources[i], true);
        note_configs(descriptions, name, configs, own);
    }
    return true;
}

static bool
describe_configs(const lc_kafka_options *options, rd_kafka_t *client, GArray *descriptions, int64_t deadline,
                 GError **error)
{
    g_autofree rd_kafka_ConfigResource_t **resources = g_new0(rd_kafka_ConfigResource_t *, descriptions->len);
    size_t n = 0;
    for (guint i = 0; i < descriptions->len; i++) {
        lc_topic_description *description = &g_array_index(descriptions, lc_topic_description, i);
        if (description->partitions)
            resources[n++] = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, description->name);
    }
    if (n == 0)
        return true;
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_AdminOptions_t *admin =
        lc_admin_options_new(client, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, lc_admin_ms_until(deadline));
    rd_kafka_DescribeConfigs(client, resources, n, admin, queue);
    rd_kafka_event_t *event =
        lc_admin_await(options, queue, deadline, "Kafka refuses to tell the settings of topics", error);
    bool ok = event && take_configs(client, descriptions, event, error);
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_AdminOptions_destroy(admin);
    rd_kafka_ConfigResource_destroy_array(resources, n);
    return ok;
}

GArray *
lc_kafka_describe_topics(const lc_kafka_options *options, const char *const *names, bool with_configs, int timeout_ms,
                         GError **error)
{
    int64_t deadline = lc_admin_deadline(timeout_ms);
    rd_kafka_t *client = lc_admin_client_new(options, "read_committed", error);
    if (client == NULL)
        return NULL;
    g_autoptr(GArray) descriptions = g_array_new(FALSE, TRUE, sizeof(lc_topic_description));
    g_array_set_clear_func(descriptions, clear_description);
    for (; *names; names++) {
        lc_topic_description description = {.name = g_strdup(*names)};
        g_array_append_val(descriptions, description);
    }
    bool ok = describe_partitions(options, client, descriptions, deadline, error) &&
              (!with_configs || describe_configs(options, client, descriptions, deadline, error));
    rd_kafka_destroy(client);
    return ok ? g_steal_pointer(&descriptions) : NULL;
}

/* ---- Lag ---- */

static void
clear_lag(void *data)
{
    lc_group_lag *lag = data;
    g_free(lag->topic);
    g_free(lag->metadata);
}

static rd_kafka_topic_partition_list_t *
list_inputs(const lc_kafka_options *options, int timeout_ms, GError **error)
{
    g_autoptr(GArray) topics = lc_kafka_describe_topics(options, options->inputs, false, timeout_ms, error);
    if (topics == NULL)
        return NULL;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(16);
    for (guint i = 0; i < topics->len; i++) {
        const lc_topic_description *topic = &g_array_index(topics, lc_topic_description, i);
        for (int32_t p = 0; p < topic->partitions; p++)
            rd_kafka_topic_partition_list_add(list, topic->name, p);
    }
    return list;
}

static bool
ask_offsets(const lc_kafka_options *options, rd_kafka_t *client, rd_kafka_topic_partition_list_t *list, int64_t which,
            int64_t deadline, GError **error)
{
    rd_kafka_resp_err_t err = lc_kafka_ask_offsets(client, list, which, lc_admin_ms_until(deadline));
    if (err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
        return lc_kafka_fail_of(client, list, err, "DESCRIBE", "the ends of partitions", error);
    return err == RD_KAFKA_RESP_ERR_NO_ERROR ||
           lc_admin_fail(options, err, "Kafka refuses to tell the ends of partitions", error);
}

/* Reads uncommitted: what a transaction that is still open will commit must not make it wait. */
static bool
ask_committed(const lc_kafka_options *options, rd_kafka_topic_partition_list_t *list, int64_t deadline, GError **error)
{
    rd_kafka_t *client = lc_admin_client_new(options, "read_uncommitted", error);
    if (client == NULL)
        return false;
    rd_kafka_resp_err_t err = rd_kafka_committed(client, list, lc_admin_ms_until(deadline));
    if (err == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED)
        lc_kafka_deny(client, "DESCRIBE", "group", options->group, error);
    else if (err)
        lc_admin_fail(options, err, "Kafka refuses to tell what the group has committed", error);
    rd_kafka_destroy(client);
    return err == RD_KAFKA_RESP_ERR_NO_ERROR;
}

static bool
ask_lag(const lc_kafka_options *options, rd_kafka_t *client, rd_kafka_topic_partition_list_t *list, GArray *lags,
        int64_t deadline, GError **error)
{
    if (!ask_committed(options, list, deadline, error))
        return false;
    for (int i = 0; i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *at = &list->elems[i];
        lc_group_lag lag = {.topic = g_strdup(at->topic), .partition = at->partition, .committed = MAX(at->offset, -1)};
        if (at->metadata_size)
            lag.metadata = g_strndup(at->metadata, at->metadata_size);
        g_array_append_val(lags, lag);
    }
    if (!ask_offsets(options, client, list, RD_KAFKA_OFFSET_BEGINNING, deadline, error))
        return false;
    for (int i = 0; i < list->cnt; i++)
        g_array_index(lags, lc_group_lag, i).low = list->elems[i].offset;
    if (!ask_offsets(options, client, list, RD_KAFKA_OFFSET_END, deadline, error))
        return false;
    for (int i = 0; i < list->cnt; i++)
        g_array_index(lags, lc_group_lag, i).end = list->elems[i].offset;
    return true;
}

GArray *
lc_kafka_group_lag(const lc_kafka_options *options, int timeout_ms, GError **error)
{
    int64_t deadline = lc_admin_deadline(timeout_ms);
    g_autoptr(GArray) lags = g_array_new(FALSE, TRUE, sizeof(lc_group_lag));
    g_array_set_clear_func(lags, clear_lag);
    rd_kafka_topic_partition_list_t *list = list_inputs(options, timeout_ms, error);
    if (list == NULL)
        return NULL;
    rd_kafka_t *client = lc_admin_client_new(options, "read_committed", error);
    bool ok = client && (list->cnt == 0 || ask_lag(options, client, list, lags, deadline, error));
    rd_kafka_topic_partition_list_destroy(list);
    if (client)
        rd_kafka_destroy(client);
    return ok ? g_steal_pointer(&lags) : NULL;
}
