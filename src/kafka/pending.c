/* pending.c - whether offsets of a partition are pending, asked without standing still. */
#include "pending.h"

#include "admin.h"

#define DESTROY_MS 200

struct lc_pending {
    const lc_kafka_options *options; /* borrowed */
    rd_kafka_t *client;              /* as long as something is asked; or NULL */
    GHashTable *questions;           /* partition -> question * */
};

typedef struct {
    rd_kafka_queue_t *queue; /* of the answer */
    gint64 asked_us;
} question;

static void
free_question(void *data)
{
    question *asked = data;

    rd_kafka_queue_destroy(asked->queue);
    g_free(asked);
}

lc_pending *
lc_pending_new(const lc_kafka_options *options)
{
    lc_pending *pending = g_new0(lc_pending, 1);

    pending->options = options;
    pending->questions = g_hash_table_new_full(NULL, NULL, NULL, free_question);
    return pending;
}

void
lc_pending_clear(lc_pending *pending)
{
    g_hash_table_remove_all(pending->questions);
    if (pending->client)
        lc_kafka_destroy(pending->client, DESTROY_MS);
    pending->client = NULL;
}

void
lc_pending_free(lc_pending *pending)
{
    lc_pending_clear(pending);
    g_hash_table_unref(pending->questions);
    g_free(pending);
}

static rd_kafka_queue_t *
ask(const lc_pending *pending, int32_t partition)
{
    const char *const *inputs = pending->options->inputs;
    g_autoptr(rd_kafka_topic_partition_list_t) list =
        lc_kafka_list_of(inputs, (int)g_strv_length((char **)inputs), partition);
    rd_kafka_ListConsumerGroupOffsets_t *asked = rd_kafka_ListConsumerGroupOffsets_new(pending->options->group, list);
    rd_kafka_AdminOptions_t *admin =
        lc_admin_options_new(pending->client, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS, 0);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(pending->client);

    rd_kafka_error_t *refused = rd_kafka_AdminOptions_set_require_stable_offsets(admin, 1);
    if (refused)
        rd_kafka_error_destroy(refused);
    rd_kafka_ListConsumerGroupOffsets(pending->client, &asked, 1, admin, queue);
    rd_kafka_AdminOptions_destroy(admin);
    rd_kafka_ListConsumerGroupOffsets_destroy(asked);
    return queue;
}

void
lc_pending_ask(lc_pending *pending, int32_t partition)
{
    if (pending->client == NULL)
        pending->client = lc_admin_client_new(pending->options, "read_committed", NULL);
    if (pending->client == NULL)
        return;
    question *asked = g_new0(question, 1);
    asked->queue = ask(pending, partition);
    asked->asked_us = g_get_monotonic_time();
    g_hash_table_replace(pending->questions, GINT_TO_POINTER(partition), asked);
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

/* What nobody answers is asked no more, of no partition: the offsets themselves are. */
static lc_pending_state
await_answer(lc_pending *pending, const question *asked)
{
    if (g_get_monotonic_time() - asked->asked_us < LC_ADMIN_PATIENCE_MS * (gint64)1000)
        return LC_PENDING_OPEN;
    lc_pending_clear(pending);
    return LC_PENDING_STABLE;
}

lc_pending_state
lc_pending_look(lc_pending *pending, int32_t partition)
{
    const question *asked = g_hash_table_lookup(pending->questions, GINT_TO_POINTER(partition));
    if (asked == NULL)
        return LC_PENDING_NOT_ASKED;
    rd_kafka_event_t *event = rd_kafka_queue_poll(asked->queue, 0);
    if (event == NULL)
        return await_answer(pending, asked);
    bool unstable = is_unstable(event);
    rd_kafka_event_destroy(event);
    if (unstable)
        lc_pending_ask(pending, partition);
    else
        g_hash_table_remove(pending->questions, GINT_TO_POINTER(partition));
    if (!lc_pending_any(pending))
        lc_pending_clear(pending);
    return unstable ? LC_PENDING_OPEN : LC_PENDING_STABLE;
}

bool
lc_pending_any(const lc_pending *pending)
{
    return g_hash_table_size(pending->questions) > 0;
}
