#include "batch.h"

/* What was read but holds no facts (the markers of publishers' transactions) is committed so long after the last
 * commit: deleted before, it would look like facts that were never read. */
#define COMMIT_READ_AFTER_MS 60000

#define IDLE_MS 5 /* without facts it waits so long, even where none are to be waited for */

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

static void
clear(lc_batch *batch)
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

/* Such a share commits O unchanged (step 6). */
static bool
is_wakeups_alone(const lc_share *share)
{
    return share->n_due > 0 && !share->has_facts;
}

/* The batch is committed and applied: the partition stands where it ends. */
static void
settle(lc_batch *batch)
{
    for (guint i = 0; i < batch->shares->len; i++) {
        lc_share *share = lc_batch_share_at(batch, i);
        lc_partition *partition = share->partition;
        memcpy(partition->offsets, share->next, sizeof(int64_t) * (size_t)batch->worker->n_inputs);
        memcpy(partition->ends, share->ends, sizeof share->ends);
        partition->next_wakeup = share->next_wakeup;
        partition->must_claim = false;
        g_free(partition->policy_hash);
        partition->policy_hash = g_steal_pointer(&share->policy_hash);
        partition->wrong_partition += share->n_wrong_partition;
        partition->looked_ms = lc_worker_now_ms(batch->worker);
        if (!is_wakeups_alone(share))
            partition->moved_ms = partition->looked_ms;
        lc_partition_counters_settle(partition->counters);
    }
}

/* All that was polled is judged. */
static void
tell_safe_time(lc_batch *batch)
{
    lc_worker *worker = batch->worker;

    for (guint i = 0; i < worker->partitions->len; i++) {
        lc_partition *partition = worker->partitions->pdata[i];
        /* Assigned, or lost, while facts were read. */
        if (partition->must_recover)
            continue;
        for (int topic = 0; topic < worker->n_inputs; topic++)
            lc_safe_time_done(&partition->safe, topic, partition->read[topic], partition->read_append_at[topic]);
    }
}

void
lc_batch_abort(lc_batch *batch)
{
    lc_worker *worker = batch->worker;

    if (!batch->transaction_is_open)
        return;
    lc_log_abort(worker->log);
    worker->producer_ready = false;
    batch->transaction_is_open = false;
}

/* What is held of the batch's partitions may be ahead of what was committed, or behind what was applied. */
static void
drop(lc_batch *batch, unsigned assignments)
{
    lc_worker *worker = batch->worker;

    lc_batch_abort(batch);
    for (guint i = 0; i < batch->shares->len && worker->assignments == assignments; i++)
        if (lc_batch_share_at(batch, i)->lost)
            lc_batch_tell_lost(batch, lc_batch_share_at(batch, i));
    if (worker->assignments != assignments)
        return;
    for (guint i = 0; i < batch->records->len; i++)
        lc_partition_lose(lc_worker_partition(worker, lc_batch_record_at(batch, i)->event.partition), batch->loss);
    for (guint i = 0; i < batch->shares->len; i++)
        lc_partition_lose(lc_batch_share_at(batch, i)->partition, batch->loss);
}

static bool
has_read_on(const lc_worker *worker, const lc_partition *partition)
{
    if (partition->must_recover || lc_worker_now_ms(worker) - partition->moved_ms < COMMIT_READ_AFTER_MS)
        return false;
    for (int topic = 0; topic < worker->n_inputs; topic++)
        if (partition->read[topic] > partition->offsets[topic])
            return true;
    return false;
}

/* Partitions that are new to us: their first transaction is an empty one, so that committed metadata names the owner
 * before it can leave anything open. */
static bool
claim(lc_batch *batch)
{
    for (guint i = 0; LC_CHECKS(LC_CHECK_CLAIM) && i < batch->worker->partitions->len; i++) {
        lc_partition *partition = batch->worker->partitions->pdata[i];
        if ((partition->must_claim && !partition->must_recover) || has_read_on(batch->worker, partition))
            lc_batch_share_of(batch, partition);
    }
    return batch->shares->len > 0;
}

static bool
timers_are_due(const lc_worker *worker)
{
    for (guint i = 0; i < worker->partitions->len; i++) {
        const lc_partition *partition = worker->partitions->pdata[i];
        if (!partition->must_recover && partition->safe.now != LC_ABSENT &&
            partition->next_wakeup < partition->safe.now)
            return true;
    }
    return false;
}

/* For facts no longer than for what else there is to be done. */
static lc_duration
linger_of(const lc_worker *worker)
{
    lc_duration linger = timers_are_due(worker) ? 0 : MAX(worker->options.linger, IDLE_MS);

    return MIN(linger, lc_worker_resumes_in_ms(worker));
}

/* All that was polled of these partitions is in the batch, or was in one before: O goes on to where they were read. */
static void
go_on(lc_batch *batch)
{
    for (guint i = 0; i < batch->shares->len; i++) {
        lc_share *share = lc_batch_share_at(batch, i);
        for (int topic = 0; topic < batch->worker->n_inputs && !is_wakeups_alone(share); topic++)
            share->next[topic] = MAX(share->next[topic], share->partition->read[topic]);
    }
}

static bool
carry_out(lc_batch *batch, GError **error)
{
    lc_batch_judge_facts(batch);
    return lc_batch_load_counters(batch, error) && lc_batch_publish(batch, error) && lc_batch_apply(batch, error);
}

static bool
gather(lc_batch *batch, GError **error)
{
    return claim(batch) ||
           (lc_batch_read_due(batch, error) && lc_batch_read_facts(batch, linger_of(batch->worker), error));
}

static bool
process(lc_batch *batch, GError **error)
{
    lc_worker *worker = batch->worker;

    if (!gather(batch, error))
        return false;
    /* Twice as many as before: once it was cut, batches grow again to what is configured. */
    if (worker->leads_at_once < UINT_MAX / 2)
        worker->leads_at_once *= 2;
    if (batch->shares->len > 0) {
        go_on(batch);
        if (!lc_batch_load_leads(batch, error) || !carry_out(batch, error))
            return false;
        settle(batch);
    } else if (!lc_batch_make_sure(batch, error)) {
        return false;
    }
    tell_safe_time(batch);
    return true;
}

bool
lc_batch_process(lc_batch *batch, GError **error)
{
    unsigned assignments = batch->worker->assignments;

    batch->loss = LC_RECOVERY_ABORTED;
    bool done = process(batch, error);

    if (!done)
        drop(batch, assignments);
    clear(batch);
    return done;
}
