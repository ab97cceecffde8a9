/* batch_cut.c - what of a batch is left to the next one. */
#include "batch_cut.h"

/* A batch whose leads, or what follows from its facts, take too much memory is cut short: what was not loaded or judged
 * is left to the next one. Wake-ups are still in the store; facts are delivered once more. */

/* Leads are loaded from the first one on. */
static guint
count_loaded(const lc_share *share)
{
    guint n = 0;

    while (n < share->leads->len && ((const lc_batch_lead *)share->leads->pdata[n])->is_loaded)
        n++;
    return n;
}

/* Of one partition: its facts up to the first whose lead was not loaded. Of those after it, O must reach none. */
static bool
keeps(lc_share *share, const lc_batch_record *record, bool is_judged)
{
    int topic = record->event.topic;

    share->is_cut = share->is_cut || !is_judged || !share->is_read || (record->lead && !record->lead->is_loaded);
    if (share->is_cut)
        share->next[topic] = MIN(share->next[topic], record->event.offset);
    else if (record->event.is_append_time)
        share->partition->read_append_at[topic] = record->event.timestamp;
    return !share->is_cut;
}

static void
cut_records(lc_batch *batch, guint n_records)
{
    guint n = 0;

    for (guint i = 0; i < batch->shares->len; i++) {
        lc_share *share = lc_batch_share_at(batch, i);
        share->has_facts = share->is_cut = false; /* what an earlier cut left is gone already */
        for (int topic = 0; topic < batch->worker->n_inputs; topic++)
            share->partition->read_append_at[topic] = LC_ABSENT;
    }
    for (guint i = 0; i < batch->records->len; i++) {
        const lc_batch_record *record = lc_batch_record_at(batch, i);
        lc_share *share = lc_batch_share_of(batch, lc_worker_partition(batch->worker, record->event.partition));
        if (!keeps(share, record, i < n_records))
            continue;
        share->has_facts = true;
        *lc_batch_record_at(batch, n++) = *record;
    }
    g_array_set_size(batch->records, n);
}

static void
cut_leads(lc_share *share)
{
    guint n = count_loaded(share);

    for (guint i = n; i < share->leads->len; i++)
        g_hash_table_remove(share->by_id, &((lc_batch_lead *)share->leads->pdata[i])->lead.id);
    g_ptr_array_set_size(share->leads, (gint)n);
    if (n < share->n_due) {
        share->n_due = n;
        share->next_wakeup = share->partition->next_wakeup = share->due_from;
    }
}

/* What is left of it is delivered again. */
static bool
rewind(lc_worker *worker, lc_share *share, GError **error)
{
    lc_partition *partition = share->partition;

    if (!share->is_cut)
        return true;
    for (int topic = 0; topic < worker->n_inputs; topic++)
        partition->read[topic] = share->next[topic];
    if (!lc_log_seek(worker->log, partition->number, partition->read, error))
        return false;
    if (worker->paused)
        lc_log_pause(worker->log, partition->number);
    return true;
}

bool
lc_batch_cut(lc_batch *batch, guint n_records, GError **error)
{
    lc_worker *worker = batch->worker;
    guint n_leads = 0, n_before = batch->records->len;

    cut_records(batch, n_records);
    for (guint i = 0; i < batch->shares->len; i++) {
        lc_share *share = lc_batch_share_at(batch, i);
        cut_leads(share);
        n_leads += share->leads->len;
        if (!rewind(worker, share, error))
            return false;
    }
    for (guint i = batch->shares->len; i-- > 0;)
        if (!lc_batch_share_at(batch, i)->is_read)
            g_ptr_array_remove_index(batch->shares, i);
    worker->leads_at_once = MAX(n_records < n_before ? batch->records->len : n_leads, 1);
    g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_DEBUG, "WORKER", worker->options.transactional_id, "MESSAGE",
                     "a batch was cut to %u leads and %u facts: states take %zu bytes, what follows from them %zu",
                     n_leads, batch->records->len, batch->state_bytes, lc_outbox_bytes(batch->outbox));
    return true;
}
