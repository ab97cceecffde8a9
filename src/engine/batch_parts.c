/* batch_parts.c - what a batch holds, and how it is found there. */
#include "batch_parts.h"

#include <leadclock/text.h>

static void
share_free(void *data)
{
    lc_share *share = data;

    g_hash_table_unref(share->by_id);
    g_ptr_array_unref(share->leads);
    g_free(share->policy_hash);
    g_free(share->metadata);
    g_free(share->lost);
    g_free(share);
}

lc_batch *
lc_batch_new(lc_worker *worker)
{
    lc_batch *batch = g_new0(lc_batch, 1);

    batch->worker = worker;
    batch->records = g_array_sized_new(FALSE, FALSE, sizeof(lc_batch_record), worker->options.batch_facts);
    batch->shares = g_ptr_array_new_with_free_func(share_free);
    batch->outbox = lc_outbox_new(&worker->options, worker->schemas);
    return batch;
}

void
lc_batch_free(lc_batch *batch)
{
    g_array_unref(batch->records);
    g_ptr_array_unref(batch->shares);
    lc_outbox_free(batch->outbox);
    lc_arena_clear(&batch->arena);
    g_free(batch);
}

void
lc_batch_clear(lc_batch *batch)
{
    lc_log_release_records(batch->worker->log);
    g_array_set_size(batch->records, 0);
    batch->record_bytes = batch->state_bytes = 0;
    g_ptr_array_set_size(batch->shares, 0);
    lc_outbox_clear(batch->outbox);
    batch->tally = (lc_worker_tally){0};
    lc_arena_reset(&batch->arena);
}

lc_batch_record *
lc_batch_record_at(const lc_batch *batch, guint index)
{
    return &g_array_index(batch->records, lc_batch_record, index);
}

lc_share *
lc_batch_share_at(const lc_batch *batch, guint index)
{
    return batch->shares->pdata[index];
}

lc_share *
lc_batch_share_of(lc_batch *batch, lc_partition *partition)
{
    for (guint i = 0; i < batch->shares->len; i++)
        if (lc_batch_share_at(batch, i)->partition == partition)
            return lc_batch_share_at(batch, i);

    lc_share *share = g_new0(lc_share, 1);
    int n_inputs = batch->worker->n_inputs;
    share->partition = partition;
    share->now = partition->safe.now;
    share->by_id = g_hash_table_new(lc_text_key_hash, lc_text_key_equal);
    share->leads = g_ptr_array_new();
    share->next = lc_arena_new(&batch->arena, int64_t, (size_t)n_inputs);
    memcpy(share->next, partition->offsets, sizeof(int64_t) * (size_t)n_inputs);
    memcpy(share->ends, partition->ends, sizeof share->ends);
    share->next_wakeup = partition->next_wakeup;
    g_ptr_array_add(batch->shares, share);
    return share;
}

lc_batch_lead *
lc_batch_lead_of(lc_batch *batch, lc_share *share, lc_text id)
{
    lc_batch_lead *lead = g_hash_table_lookup(share->by_id, &id);

    if (lead == NULL) {
        lead = lc_arena_new(&batch->arena, lc_batch_lead, 1);
        *lead = (lc_batch_lead){.stored_wake_at = LC_NEVER, .offset = -1};
        lc_lead_init(&lead->lead, id);
        g_hash_table_insert(share->by_id, &lead->lead.id, lead);
        g_ptr_array_add(share->leads, lead);
    }
    return lead;
}
