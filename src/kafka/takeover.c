/* takeover.c - what the last owner of a partition left open, and its end. */
#include "takeover.h"

#include "admin.h"
#include "process.h"

#include <unistd.h>

#define CALL_MS 1000
#define SESSION_MARGIN_MS 3000 /* until a coordinator that is busy has seen to it */
#define MARK '@'               /* in no group's name, and in no instance's */

char *
lc_kafka_transactional_id(const char *group, const char *instance)
{
    return g_strdup_printf("%s-%c%s", group, MARK, instance);
}

/* "NAME-3": of a process, and one of its workers. */
static bool
names_worker(const char *instance)
{
    const char *dash = strrchr(instance, '-');

    return dash && dash > instance && dash[1] != '\0' && strspn(dash + 1, "0123456789") == strlen(dash + 1);
}

bool
lc_takeover_is_peer(const lc_kafka_options *options, const char *transactional_id, const char **instance)
{
    size_t size = strlen(options->group);

    if (!g_str_has_prefix(transactional_id, options->group) || transactional_id[size] != '-')
        return false;
    const char *rest = transactional_id + size + 1;
    if (*rest == MARK)
        rest++;
    if (instance)
        *instance = rest;
    return names_worker(rest);
}

static rd_kafka_t *
make_reader(const lc_kafka_options *options, GError **error)
{
    const char *const fixed[] = {
        "group.id", options->group, "isolation.level", "read_uncommitted", "enable.auto.commit", "false", NULL};
    rd_kafka_conf_t *conf = lc_kafka_conf_new(options, NULL, fixed, error);

    return conf ? lc_kafka_client_new(RD_KAFKA_CONSUMER, conf, error) : NULL;
}

/* Unless there is one. */
static bool
open_reader(lc_takeover *takeover, GError **error)
{
    if (takeover->reader == NULL)
        takeover->reader = make_reader(takeover->options, error);
    return takeover->reader != NULL;
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
    if (!open_reader(takeover, error))
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
    if (!open_reader(takeover, error))
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
    return open_reader(takeover, error) && lc_kafka_ends(takeover->reader, topics, n_topics, partition, highs, error);
}

typedef struct {
    const char *instance;
    lc_takeover_member *member;
} search;

/* The member of this name in the answer, if there is one. */
static bool
find_member(rd_kafka_t *client, rd_kafka_event_t *event, void *data, GError **error)
{
    const search *wanted = data;
    lc_takeover_member *member = wanted->member;
    size_t n;
    char *cluster = rd_kafka_clusterid(client, CALL_MS);

    g_strlcpy(member->cluster, cluster ? cluster : "", sizeof member->cluster);
    if (cluster)
        rd_kafka_mem_free(client, cluster);
    const rd_kafka_ConsumerGroupDescription_t **groups =
        rd_kafka_DescribeConsumerGroups_result_groups(rd_kafka_event_DescribeConsumerGroups_result(event), &n);

    for (size_t i = 0; i < n; i++) {
        const rd_kafka_error_t *wrong = rd_kafka_ConsumerGroupDescription_error(groups[i]);
        if (wrong && rd_kafka_error_code(wrong) == RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND)
            continue;
        if (wrong)
            return lc_kafka_fail(error, LC_ERROR_RETRY, rd_kafka_error_code(wrong), "describing the group");
        for (size_t k = 0; k < rd_kafka_ConsumerGroupDescription_member_count(groups[i]); k++) {
            const rd_kafka_MemberDescription_t *one = rd_kafka_ConsumerGroupDescription_member(groups[i], k);
            if (g_strcmp0(rd_kafka_MemberDescription_group_instance_id(one), wanted->instance) != 0)
                continue;
            member->is_there = true;
            g_strlcpy(member->client_id, rd_kafka_MemberDescription_client_id(one), sizeof member->client_id);
            g_strlcpy(member->address, rd_kafka_MemberDescription_host(one), sizeof member->address);
        }
    }
    return true;
}

bool
lc_takeover_find_member(lc_takeover *takeover, const char *instance, lc_takeover_member *member, GError **error)
{
    search wanted = {instance, member};

    *member = (lc_takeover_member){0};
    return lc_admin_describe_group(takeover->options, &takeover->question, CALL_MS, find_member, &wanted, error);
}

static bool
refuse_instance(const lc_takeover *takeover, const lc_takeover_member *member, GError **error)
{
    g_set_error(error, LC_ERROR, LC_ERROR_CONFIG,
                "another process runs as the same instance (%s of group %s: %s, at %s): stop it, or give each process "
                "its own `instance`",
                takeover->options->instance, takeover->options->group, member->client_id, member->address);
    return false;
}

/* Of a process on another host nothing tells whether it lives, but that the group keeps it: one that is dead is out of
 * it after its session time-out. */
static bool
wait_for_absence(lc_takeover *takeover, int64_t session_ms, const lc_takeover_member *member, GError **error)
{
    int64_t now_ms = g_get_monotonic_time() / 1000;

    if (takeover->met_ms == 0)
        takeover->met_ms = now_ms;
    int64_t left_ms = takeover->met_ms + session_ms + SESSION_MARGIN_MS - now_ms;
    if (left_ms <= 0)
        return refuse_instance(takeover, member, error);
    g_set_error(error, LC_ERROR, LC_ERROR_RETRY,
                "instance %s is a member of the group from another host (%s, at %s); it has been stopped if it is gone "
                "within %" G_GINT64_FORMAT " s",
                takeover->options->instance, member->client_id, member->address, (left_ms + 999) / 1000);
    return false;
}

/* Where a member takes the place of one that died the group keeps the dead one's client.id: of two on this machine only
 * this tells. */
static bool
take_name(lc_takeover *takeover, const lc_takeover_member *member, GError **error)
{
    const lc_kafka_options *options = takeover->options;
    g_autofree char *name = g_strdup_printf("%s\n%s\n%s", member->cluster, options->group, options->instance);
    int other = 0;

    if (takeover->has_name)
        return true;
    if (!lc_process_take_name(name, &takeover->name, &other)) {
        g_autofree char *which = other ? g_strdup_printf("process %d", other) : g_strdup("one");
        g_set_error(error, LC_ERROR, LC_ERROR_CONFIG,
                    "another process runs as the same instance (%s of group %s: %s of this machine): stop it, or give "
                    "each process its own `instance`",
                    options->instance, options->group, which);
        return false;
    }
    takeover->has_name = takeover->name >= 0;
    return true;
}

bool
lc_takeover_check_instance(lc_takeover *takeover, int64_t session_ms, GError **error)
{
    lc_takeover_member member;

    if (!lc_takeover_find_member(takeover, takeover->options->instance, &member, error) ||
        !take_name(takeover, &member, error))
        return false;
    lc_process_state state = member.is_there ? lc_process_find(member.client_id) : LC_PROCESS_DEAD;
    if (state == LC_PROCESS_RUNS)
        return refuse_instance(takeover, &member, error);
    return state != LC_PROCESS_ELSEWHERE || wait_for_absence(takeover, session_ms, &member, error);
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
    bool is_denied = lc_kafka_is_denial(rd_kafka_error_code(cause));
    if (!rd_kafka_error_is_retriable(cause))
        drop(&takeover->fencer);
    return lc_kafka_fail_with(error, is_denied ? LC_ERROR_DENIED : LC_ERROR_RETRY, cause,
                              "ending the transaction of %s", transactional_id);
}

void
lc_takeover_clear(lc_takeover *takeover)
{
    drop(&takeover->reader);
    drop(&takeover->fencer);
    lc_group_question_clear(&takeover->question);
    g_clear_pointer(&takeover->fenced_id, g_free);
    if (takeover->has_name)
        close(takeover->name);
    takeover->has_name = false;
}
