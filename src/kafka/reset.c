/* reset.c - what `leadclock reset` does to Kafka: the group's offsets, and changelogs that begin anew. */
#include "admin.h"
#include "process.h"

#include <stdlib.h>

/* ---- The group ---- */

static char *
member_name(const rd_kafka_MemberDescription_t *member)
{
    const char *instance = rd_kafka_MemberDescription_group_instance_id(member);

    return g_strdup_printf("%s at %s", instance ? instance : rd_kafka_MemberDescription_consumer_id(member),
                           rd_kafka_MemberDescription_host(member));
}

typedef struct {
    const lc_kafka_options *options;
    GPtrArray *names;
    bool *runs_here;
} members;

static bool
take_members(rd_kafka_t *client, rd_kafka_event_t *event, void *data, GError **error)
{
    const members *found = data;
    size_t n;
    const rd_kafka_ConsumerGroupDescription_t **groups =
        rd_kafka_DescribeConsumerGroups_result_groups(rd_kafka_event_DescribeConsumerGroups_result(event), &n);

    for (size_t i = 0; i < n; i++) {
        const rd_kafka_error_t *wrong = rd_kafka_ConsumerGroupDescription_error(groups[i]);
        if (wrong && lc_kafka_is_denial(rd_kafka_error_code(wrong)))
            return lc_kafka_deny(client, "DESCRIBE", "group", found->options->group, error);
        if (wrong && rd_kafka_error_code(wrong) != RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND)
            return lc_kafka_fail(error, LC_ERROR_RETRY, rd_kafka_error_code(wrong), "describing the group");
        size_t n_members = wrong ? 0 : rd_kafka_ConsumerGroupDescription_member_count(groups[i]);
        for (size_t k = 0; k < n_members; k++) {
            const rd_kafka_MemberDescription_t *member = rd_kafka_ConsumerGroupDescription_member(groups[i], k);
            *found->runs_here |= lc_process_find(rd_kafka_MemberDescription_client_id(member)) == LC_PROCESS_RUNS;
            g_ptr_array_add(found->names, member_name(member));
        }
    }
    return true;
}

char **
lc_kafka_group_members(const lc_kafka_options *options, int timeout_ms, bool *runs_here, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    members found = {options, names, runs_here};
    lc_group_question question = {0};

    *runs_here = false;
    bool ok = lc_admin_describe_group(options, &question, timeout_ms, take_members, &found, error);
    lc_group_question_clear(&question);
    if (!ok)
        return NULL;
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&names), FALSE);
}

static bool
check_deleted_group(const lc_kafka_options *options, rd_kafka_t *client, rd_kafka_event_t *event, GError **error)
{
    size_t n;
    const rd_kafka_group_result_t **results =
        rd_kafka_DeleteGroups_result_groups(rd_kafka_event_DeleteGroups_result(event), &n);

    for (size_t i = 0; i < n; i++) {
        const rd_kafka_error_t *wrong = rd_kafka_group_result_error(results[i]);
        if (wrong && lc_kafka_is_denial(rd_kafka_error_code(wrong)))
            return lc_kafka_deny(client, "DELETE", "group", options->group, error);
        if (wrong && rd_kafka_error_code(wrong) != RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND)
            return lc_kafka_fail(error, LC_ERROR_RETRY, rd_kafka_error_code(wrong),
                                 "the offsets of the group can't be deleted");
    }
    return true;
}

bool
lc_kafka_forget_group(const lc_kafka_options *options, int timeout_ms, GError **error)
{
    int64_t deadline = lc_admin_deadline(timeout_ms);
    rd_kafka_t *client = lc_admin_client_new(options, "read_committed", error);
    if (client == NULL)
        return false;

    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_AdminOptions_t *admin = lc_admin_options_new(client, RD_KAFKA_ADMIN_OP_DELETEGROUPS, timeout_ms);
    rd_kafka_DeleteGroup_t *group = rd_kafka_DeleteGroup_new(options->group);
    rd_kafka_DeleteGroups(client, &group, 1, admin, queue);
    rd_kafka_event_t *event = lc_admin_await(options, queue, deadline, "Kafka refuses to delete the offsets", error);
    bool ok = event && check_deleted_group(options, client, event, error);
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_DeleteGroup_destroy(group);
    rd_kafka_AdminOptions_destroy(admin);
    rd_kafka_destroy(client);
    return ok;
}

/* ---- Offsets by time ---- */

static rd_kafka_topic_partition_list_t *
list_of(const GArray *offsets)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)offsets->len);

    for (guint i = 0; i < offsets->len; i++) {
        const lc_group_lag *one = &g_array_index(offsets, lc_group_lag, i);
        rd_kafka_topic_partition_list_add(list, one->topic, one->partition)->offset = one->committed;
    }
    return list;
}

bool
lc_kafka_offsets_at(const lc_kafka_options *options, GArray *offsets, lc_instant at, int timeout_ms, GError **error)
{
    rd_kafka_t *client = lc_admin_client_new(options, "read_committed", error);
    if (client == NULL)
        return false;

    g_autoptr(rd_kafka_topic_partition_list_t) list = list_of(offsets);
    for (int i = 0; i < list->cnt; i++)
        list->elems[i].offset = at;
    rd_kafka_resp_err_t err = rd_kafka_offsets_for_times(client, list, timeout_ms);
    for (int i = 0; i < list->cnt && !err; i++)
        err = list->elems[i].err;
    for (int i = 0; i < list->cnt && !err; i++) {
        lc_group_lag *one = &g_array_index(offsets, lc_group_lag, (guint)i);
        /* Nothing so late: the end. */
        one->committed = list->elems[i].offset >= 0 ? list->elems[i].offset : one->end;
    }
    rd_kafka_destroy(client);
    return !err || lc_admin_fail(options, err, "Kafka refuses to tell the offsets at a time", error);
}

typedef struct {
    rd_kafka_resp_err_t err;
    rd_kafka_topic_partition_list_t *list; /* what was answered of each */
} commit_answer;

static void
on_commit(rd_kafka_t *client, rd_kafka_resp_err_t err, rd_kafka_topic_partition_list_t *list, void *data)
{
    commit_answer *answer = data;
    (void)client;
    answer->err = err;
    if (list)
        answer->list = rd_kafka_topic_partition_list_copy(list);
    for (int i = 0; list && i < list->cnt && !answer->err; i++)
        answer->err = list->elems[i].err;
}

static bool
commit_list(rd_kafka_t *client, const lc_kafka_options *options, const rd_kafka_topic_partition_list_t *list,
            GError **error)
{
    static const char what[] = "Kafka refuses to commit the offsets";
    commit_answer answer = {0};
    rd_kafka_resp_err_t err = rd_kafka_commit_queue(client, list, NULL, on_commit, &answer);
    err = answer.err ? answer.err : err;
    if (err == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED)
        lc_kafka_deny(client, "READ", "group", options->group, error);
    else if (lc_kafka_is_denial(err))
        lc_kafka_fail_of(client, answer.list ? answer.list : list, err, "READ", what, error);
    else if (err)
        lc_admin_fail(options, err, what, error);
    if (answer.list)
        rd_kafka_topic_partition_list_destroy(answer.list);
    return !err;
}

/* Kafka commits the offsets of those topics that may be read also where others may not, and half a commit is what
 * nobody finishes. So what is committed is first committed once more, as it is. */
static bool
commit_as_it_is(rd_kafka_t *client, const lc_kafka_options *options, const GArray *offsets, int timeout_ms,
                GError **error)
{
    g_autoptr(rd_kafka_topic_partition_list_t) list = list_of(offsets);
    rd_kafka_resp_err_t err = rd_kafka_committed(client, list, timeout_ms);
    if (err == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED)
        return lc_kafka_deny(client, "READ", "group", options->group, error);
    if (err)
        return lc_admin_fail(options, err, "Kafka refuses to tell the offsets", error);
    for (int i = list->cnt; i-- > 0;)
        if (list->elems[i].err || list->elems[i].offset < 0)
            rd_kafka_topic_partition_list_del_by_idx(list, i);
    return list->cnt == 0 || commit_list(client, options, list, error);
}

bool
lc_kafka_may_commit(const lc_kafka_options *options, const GArray *offsets, int timeout_ms, GError **error)
{
    rd_kafka_t *client = lc_admin_client_new(options, "read_committed", error);
    bool may = client && commit_as_it_is(client, options, offsets, timeout_ms, error);
    if (client)
        rd_kafka_destroy(client);
    return may;
}

bool
lc_kafka_commit_offsets(const lc_kafka_options *options, const GArray *offsets, const char *metadata, int timeout_ms,
                        GError **error)
{
    rd_kafka_t *client = lc_admin_client_new(options, "read_committed", error);
    if (client == NULL)
        return false;

    g_autoptr(rd_kafka_topic_partition_list_t) list = list_of(offsets);
    for (int i = 0; i < list->cnt; i++) {
        const char *text = metadata ? metadata : g_array_index(offsets, lc_group_lag, (guint)i).metadata;
        list->elems[i].metadata = strdup(text); /* librdkafka frees it */
        list->elems[i].metadata_size = strlen(text);
    }
    bool ok = commit_as_it_is(client, options, offsets, timeout_ms, error) && commit_list(client, options, list, error);
    rd_kafka_destroy(client);
    return ok;
}

/* ---- Topics that begin anew ---- */

static bool
check_deleted_topic(rd_kafka_t *client, rd_kafka_event_t *event, GError **error)
{
    size_t n;
    const rd_kafka_topic_result_t **results =
        rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event), &n);

    for (size_t i = 0; i < n; i++) {
        rd_kafka_resp_err_t err = rd_kafka_topic_result_error(results[i]);
        if (lc_kafka_is_denial(err))
            return lc_kafka_deny(client, "DELETE", "topic", rd_kafka_topic_result_name(results[i]), error);
        if (err && err != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
            return lc_kafka_fail(error, LC_ERROR_CONFIG, err, "topic %s can't be deleted",
                                 rd_kafka_topic_result_name(results[i]));
    }
    return true;
}

bool
lc_kafka_delete_topic(const lc_kafka_options *options, const char *name, int timeout_ms, GError **error)
{
    int64_t deadline = lc_admin_deadline(timeout_ms);
    rd_kafka_t *client = lc_admin_client_new(options, "read_committed", error);
    if (client == NULL)
        return false;

    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_AdminOptions_t *admin = lc_admin_options_new(client, RD_KAFKA_ADMIN_OP_DELETETOPICS, timeout_ms);
    rd_kafka_DeleteTopic_t *topic = rd_kafka_DeleteTopic_new(name);
    rd_kafka_DeleteTopics(client, &topic, 1, admin, queue);
    rd_kafka_event_t *event = lc_admin_await(options, queue, deadline, "Kafka refuses to delete a topic", error);
    bool ok = event && check_deleted_topic(client, event, error);
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_DeleteTopic_destroy(topic);
    rd_kafka_AdminOptions_destroy(admin);
    rd_kafka_destroy(client);
    return ok;
}
