/* pending.c - whether offsets of a partition are pending, asked without standing still. */
#include "pending.h"

#include "admin.h"

#define ANSWER_MS 5000

struct lc_pending {
    const lc_kafka_options *options; /* borrowed */
    GHashTable *questions;           /* partition -> rd_kafka_queue_t *, of the answer */
};

static void
free_queue(void *queue)
{
    rd_kafka_queue_destroy(queue);
}

lc_pending *
lc_pending_new(const lc_kafka_options *options)
{
    lc_pending *pending = g_new0(lc_pending, 1);

    pending->options = options;
    pending->questions = g_hash_table_new_full(NULL, NULL, NULL, free_queue);
    return pending;
}

void
lc_pending_clear(lc_pending *pending)
{
    g_hash_table_remove_all(pending->questions);
}

void
lc_pending_free(lc_pending *pending)
{
    g_hash_table_unref(pending->questions);
    g_free(pending);
}

void
lc_pending_ask(lc_pending *pending, rd_kafka_t *client, int32_t partition)
{
    const char *const *inputs = pending->options->inputs;
    g_autoptr(rd_kafka_topic_partition_list_t) list =
        lc_kafka_list_of(inputs, (int)g_strv_length((char **)inputs), partition);
    rd_kafka_ListConsumerGroupOffsets_t *asked = rd_kafka_ListConsumerGroupOffsets_new(pending->options->group, list);
    rd_kafka_AdminOptions_t *admin =
        lc_admin_options_new(client, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS, ANSWER_MS);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);

    rd_kafka_error_t *refused = rd_kafka_AdminOptions_set_require_stable_offsets(admin, 1);
    if (refused)
        rd_kafka_error_destroy(refused);
    rd_kafka_ListConsumerGroupOffsets(client, &asked, 1, admin, queue);
    g_hash_table_replace(pending->questions, GINT_TO_POINTER(partition), queue);
    rd_kafka_AdminOptions_destroy(admin);
    rd_kafka_ListConsumerGroupOffsets_destroy(asked);
}

static bool
is_unstable(rd_kafka_event_t *event)
{
    const rd_kafka_ListConsumerGroupOffsets_result_t *result =
        rd_kafka_event_error(event) ? NULL : rd_kafka_event_ListConsumerGroupOffsets_result(event);
    size_t n = 0;
    const rd_kafka_group_result_t **groups =
        result ? rd_kafka_ListConsumerGroupOffsets_result_groups(result, &n) : NULL;

    for (size_t g = 0; g < n; g++) {
        const rd_kafka_topic_partition_list_t *list = rd_kafka_group_result_partitions(groups[g]);
        for (int i = 0; list && i < list->cnt; i++)
            if (list->elems[i].err == RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT)
                return true;
    }
    return false;
}

lc_pending_state
lc_pending_look(lc_pending *pending, rd_kafka_t *client, int32_t partition)
{
    rd_kafka_queue_t *queue = g_hash_table_lookup(pending->questions, GINT_TO_POINTER(partition));
    rd_kafka_event_t *event = queue ? rd_kafka_queue_poll(queue, 0) : NULL;

    if (event == NULL)
        return queue ? LC_PENDING_OPEN : LC_PENDING_NOT_ASKED;
    bool unstable = is_unstable(event);
    rd_kafka_event_destroy(event);
    if (unstable)
        lc_pending_ask(pending, client, partition);
    else
        g_hash_table_remove(pending->questions, GINT_TO_POINTER(partition));
    return unstable ? LC_PENDING_OPEN : LC_PENDING_STABLE;
}

bool
lc_pending_any(const lc_pending *pending)
{
    return g_hash_table_size(pending->questions) > 0;
}
