#include "takeover.h"

#include "admin.h"

#define CALL_MS 1000

static rd_kafka_t *
make_reader(const lc_kafka_options *options, GError **error)
{
    const char *const fixed[] = {
        "group.id", options->group, "isolation.level", "read_uncommitted", "enable.auto.commit", "false", NULL};
    rd_kafka_conf_t *conf = lc_kafka_conf_new(options, NULL, fixed, error);

    return conf ? lc_kafka_client_new(RD_KAFKA_CONSUMER, conf, error) : NULL;
}

static void
drop(rd_kafka_t **client)
{
    if (*client)
        lc_kafka_destroy(*client, 200);
    *client = NULL;
}

bool
lc_takeover_committed_before(lc_takeover *takeover, int n_inputs, int32_t partition, lc_log_committed *committed,
                             lc_arena *arena, GError **error)
{
    if (takeover->reader == NULL)
        takeover->reader = make_reader(takeover->options, error);
    if (takeover->reader == NULL)
        return false;
    if (!lc_kafka_committed(takeover->reader, takeover->options->inputs, n_inputs, partition, committed, arena, error))
        return false;
    drop(&takeover->reader);
    return true;
}

static rd_kafka_topic_partition_list_t *
list_all(const lc_takeover *takeover, int n_inputs, int32_t partitions)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(n_inputs * partitions);

    for (int i = 0; i < n_inputs; i++)
        for (int32_t p = 0; p < partitions; p++)
            rd_kafka_topic_partition_list_add(list, takeover->options->inputs[i], p);
    return list;
}

bool
lc_takeover_all_metadata(lc_takeover *takeover, int n_inputs, int32_t partitions, lc_text *metadata, lc_arena *arena,
                         GError **error)
{
    if (takeover->reader == NULL)
        takeover->reader = make_reader(takeover->options, error);
    if (takeover->reader == NULL)
        return false;
    g_autoptr(rd_kafka_topic_partition_list_t) list = list_all(takeover, n_inputs, partitions);
    rd_kafka_resp_err_t err = rd_kafka_committed(takeover->reader, list, CALL_MS);
    for (int i = 0; !err && i < list->cnt; i++)
        err = list->elems[i].err;
    if (err)
        return lc_kafka_fail_of(takeover->reader, list, err, "DESCRIBE", "committed offsets", error);
    drop(&takeover->reader);
    for (int i = 0; i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *one = &list->elems[i];
        if (one->offset >= 0 && one->metadata_size)
            metadata[one->partition] = lc_arena_text(arena, (lc_text){one->metadata, one->metadata_size});
    }
    return true;
}

bool
lc_takeover_high_watermarks(lc_takeover *takeover, const char *const *topics, int n_topics, int32_t partition,
                            int64_t *highs, GError **error)
{
    if (takeover->reader == NULL)
        takeover->reader = make_reader(takeover->options, error);
    return takeover->reader && lc_kafka_ends(takeover->reader, topics, n_topics, partition, highs, error);
}

/* Whether the answer names it. */
static bool
find_member(rd_kafka_event_t *event, const char *instance, bool *member, GError **error)
{
    size_t n;
    const rd_kafka_ConsumerGroupDescription_t **groups =
        rd_kafka_DescribeConsumerGroups_result_groups(rd_kafka_event_DescribeConsumerGroups_result(event), &n);

    *member = false;
    for (size_t i = 0; i < n; i++) {
        const rd_kafka_error_t *wrong = rd_kafka_ConsumerGroupDescription_error(groups[i]);
        if (wrong)
            return lc_kafka_fail(error, LC_ERROR_RETRY, rd_kafka_error_code(wrong), "describing the group");
        for (size_t k = 0; k < rd_kafka_ConsumerGroupDescription_member_count(groups[i]); k++) {
            const rd_kafka_MemberDescription_t *one = rd_kafka_ConsumerGroupDescription_member(groups[i], k);
            *member |= g_strcmp0(rd_kafka_MemberDescription_group_instance_id(one), instance) == 0;
        }
    }
    return true;
}

bool
lc_takeover_is_member(const lc_takeover *takeover, rd_kafka_t *client, const char *instance, bool *member,
                      GError **error)
{
    const char *groups[] = {takeover->options->group};
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_AdminOptions_t *admin = lc_admin_options_new(client, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS, CALL_MS);

    rd_kafka_DescribeConsumerGroups(client, groups, G_N_ELEMENTS(groups), admin, queue);
    rd_kafka_event_t *event = lc_admin_await(takeover->options, queue, lc_admin_deadline(CALL_MS),
                                             "Kafka refuses to describe the group", error);
    rd_kafka_AdminOptions_destroy(admin);
    bool ok = event && find_member(event, instance, member, error);
    if (event)
        rd_kafka_event_destroy(event);
    return ok;
}

static rd_kafka_t *
make_fencer(const lc_kafka_options *options, const char *transactional_id, GError **error)
{
    const char *const defaults[] = {"retry.backoff.ms", "5", NULL};
    const char *const fixed[] = {"transactional.id", transactional_id, "enable.idempotence", "true", NULL};
    rd_kafka_conf_t *conf = lc_kafka_conf_new(options, defaults, fixed, error);

    return conf ? lc_kafka_client_new(RD_KAFKA_PRODUCER, conf, error) : NULL;
}

bool
lc_takeover_fence(lc_takeover *takeover, const char *transactional_id, GError **error)
{
    if (g_strcmp0(takeover->fenced_id, transactional_id) != 0)
        drop(&takeover->fencer);
    if (takeover->fencer == NULL)
        takeover->fencer = make_fencer(takeover->options, transactional_id, error);
    if (takeover->fencer == NULL)
        return false;
    g_free(takeover->fenced_id);
    takeover->fenced_id = g_strdup(transactional_id);
    rd_kafka_error_t *cause = rd_kafka_init_transactions(takeover->fencer, CALL_MS);
    if (cause == NULL) {
        drop(&takeover->fencer);
        return true;
    }
    if (!rd_kafka_error_is_retriable(cause))
        drop(&takeover->fencer);
    return lc_kafka_fail_with(error, LC_ERROR_RETRY, cause, "ending the transaction of %s", transactional_id);
}

void
lc_takeover_clear(lc_takeover *takeover)
{
    drop(&takeover->reader);
    drop(&takeover->fencer);
    g_clear_pointer(&takeover->fenced_id, g_free);
}
