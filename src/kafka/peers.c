/* peers.c - what the group gave to each of its members. */
#include "peers.h"

#define CALL_MS 1000

typedef struct {
    const char *const *inputs;
    int n_inputs;
} expected;

int
lc_input_named(const char *const *inputs, int n_inputs, const char *name)
{
    for (int i = 0; i < n_inputs; i++)
        if (strcmp(inputs[i], name) == 0)
            return i;
    return -1;
}

static bool
refuse(const rd_kafka_MemberDescription_t *member, const char *topic, int32_t partition, const char *how,
       GError **error)
{
    const char *instance = rd_kafka_MemberDescription_group_instance_id(member);

    g_set_error(
        error, LC_ERROR, LC_ERROR_RETRY,
        "member %s of the group reads partition %d of %s %s: members read different topics, and no timer can be "
        "trusted; give all the same topics.inputs, stop all for longer than session.timeout.ms (15 s), and "
        "start them",
        instance ? instance : rd_kafka_MemberDescription_consumer_id(member), partition, topic, how);
    return false;
}

/* Each partition that the member has, of all inputs. */
static bool
check_member(const expected *expected, const rd_kafka_MemberDescription_t *member, GError **error)
{
    const rd_kafka_MemberAssignment_t *assignment = rd_kafka_MemberDescription_assignment(member);
    const rd_kafka_topic_partition_list_t *list = assignment ? rd_kafka_MemberAssignment_partitions(assignment) : NULL;

    for (int i = 0; list && i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *one = &list->elems[i];
        if (lc_input_named(expected->inputs, expected->n_inputs, one->topic) < 0)
            return refuse(member, one->topic, one->partition, "which is none of our inputs", error);
        for (int k = 0; k < expected->n_inputs; k++)
            if (!rd_kafka_topic_partition_list_find((rd_kafka_topic_partition_list_t *)list, expected->inputs[k],
                                                    one->partition)) {
                g_autofree char *how = g_strdup_printf("but not of %s", expected->inputs[k]);
                return refuse(member, one->topic, one->partition, how, error);
            }
    }
    return true;
}

static bool
check_groups(rd_kafka_t *client, rd_kafka_event_t *event, void *data, GError **error)
{
    const expected *expected = data;
    size_t n;
    (void)client;
    const rd_kafka_ConsumerGroupDescription_t **groups =
        rd_kafka_DescribeConsumerGroups_result_groups(rd_kafka_event_DescribeConsumerGroups_result(event), &n);

    for (size_t i = 0; i < n; i++) {
        const rd_kafka_error_t *wrong = rd_kafka_ConsumerGroupDescription_error(groups[i]);
        if (wrong)
            return lc_kafka_fail(error, LC_ERROR_RETRY, rd_kafka_error_code(wrong), "describing the group");
        if (rd_kafka_ConsumerGroupDescription_state(groups[i]) != RD_KAFKA_CONSUMER_GROUP_STATE_STABLE) {
            g_set_error(error, LC_ERROR, LC_ERROR_RETRY, "the group gives its partitions out anew");
            return false;
        }
        for (size_t k = 0; k < rd_kafka_ConsumerGroupDescription_member_count(groups[i]); k++)
            if (!check_member(expected, rd_kafka_ConsumerGroupDescription_member(groups[i], k), error))
                return false;
    }
    return true;
}

bool
lc_peers_check(const lc_kafka_options *options, lc_group_question *question, const char *const *inputs, int n_inputs,
               GError **error)
{
    expected expected = {inputs, n_inputs};

    return lc_admin_describe_group(options, question, CALL_MS, check_groups, &expected, error);
}
