/* batch.c - one batch, steps 4 to 9 of the commit protocol. */
#include "batch.h"

#include "assignment.h"
#include "batch_apply.h"
#include "batch_cut.h"
#include "batch_judge.h"
#include "batch_parts.h"
#include "batch_publish.h"
#include "batch_read.h"
#include "facts.h"

/* What was read but holds no facts (the markers of publishers' transactions) is committed so long after the last
 * commit: deleted before, it would look like facts that were never read. */
#define COMMIT_READ_AFTER_MS 60000

#define IDLE_MS 5 /* without facts it waits so long, even where none are to be waited for */

/* Such a share commits O unchanged (step 6). */
static bool
is_wakeups_alone(const lc_share *share)
{
    return share->n_due > 0 && !share->has_facts;
}

/* What the next batches need not read. */
static void
keep_leads(lc_batch *batch, const lc_share *share)
{
    for (guint i = 0; i < share->leads->len; i++) {
        const lc_batch_lead *lead = share->leads->pdata[i];
        if (lead->changed)
            lc_lead_cache_keep(batch->worker->leads, share->partition->term, lead->lead.id,
                               lc_outbox_value(batch->outbox, lead->message));
    }
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
        lc_facts_forget_poison(batch->worker, partition);
        partition->next_wakeup = share->next_wakeup;
        partition->must_claim = false;
        g_free(partition->policy_hash);
        partition->policy_hash = g_steal_pointer(&share->policy_hash);
        partition->wrong_partition += share->n_wrong_partition;
        partition->looked_ms = lc_worker_now_ms(batch->worker);
        keep_leads(batch, share);
        if (!is_wakeups_alone(share))
            partition->moved_ms = partition->looked_ms;
        lc_partition_counters_settle(partition->counters);
    }
}

/* Due wake-ups that no lead wants any more, and nothing else: Kafka need not know. */
static bool
is_stale(const lc_batch *batch)
{
    for (guint i = 0; i < batch->shares->len; i++) {
        const lc_share *share = lc_batch_share_at(batch, i);
        if (!is_wakeups_alone(share))
            return false;
        for (guint k = 0; k < share->leads->len; k++)
            if (((const lc_batch_lead *)share->leads->pdata[k])->changed)
                return false;
    }
    return batch->shares->len > 0;
}

static bool
take_stale(lc_batch *batch, GError **error)
{
    if (!lc_batch_take_stale(batch, error))
        return false;
    for (guint i = 0; i < batch->shares->len; i++)
        lc_batch_share_at(batch, i)->partition->next_wakeup = lc_batch_share_at(batch, i)->next_wakeup;
    return true;
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

/* What is held of the batch's partitions may be ahead of what was committed, or behind what was applied. */
static void
drop(lc_batch *batch, unsigned assignments)
{
    lc_worker *worker = batch->worker;

    lc_worker_abort(worker);
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
    guint n = lc_batch_judge_facts(batch);

    if (n < batch->records->len && !lc_batch_cut(batch, n, error))
        return false;
    if (!lc_batch_load_counters(batch, error) || !lc_batch_publish(batch, error) || !lc_batch_apply(batch, error))
        return false;
    settle(batch);
    return true;
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
        if (!lc_batch_load_leads(batch, error))
            return false;
        if (is_stale(batch) ? !take_stale(batch, error) : !carry_out(batch, error))
            return false;
    } else if (!lc_batch_make_sure(batch, error)) {
        return false;
    }
    tell_safe_time(batch);
    return true;
}

/* ---- Filling tables ---- */

/* How many leads have some: of one that is purged by now nothing is left. */
static uint64_t
derive_rows(lc_batch *batch, const lc_share *share)
{
    const lc_cause_of cause = {.tag = LC_TAG_NONE};
    uint64_t n = 0;

    for (guint i = 0; i < share->leads->len; i++) {
        lc_batch_lead *lead = share->leads->pdata[i];
        if (lc_lead_is_empty(&lead->lead))
            continue;
        lc_batch_add_rows(batch, share, lead,
                          lc_lead_derive(batch->worker->judge, &lead->lead, MAX(lead->lead.judged_at, 0)), cause);
        n++;
    }
    return n;
}

static bool
add_counts(lc_batch *batch, const lc_share *share, const lc_fill_piece *piece, GError **error)
{
    lc_text *names = lc_arena_new(&batch->arena, lc_text, piece->n_populations);
    lc_store_read read = {.partition = share->partition->number,
                          .due_before = LC_ABSENT,
                          .populations = names,
                          .n_populations = piece->n_populations};

    if (piece->n_populations == 0)
        return true;
    for (size_t i = 0; i < piece->n_populations; i++)
        names[i] = piece->populations[i].name;
    if (!lc_batch_read_counts(batch, share->partition, &read, error))
        return false;
    for (size_t i = 0; i < piece->n_populations; i++)
        lc_batch_add_counter_rows(batch, share, piece->populations[i].channel, piece->populations[i].cohort,
                                  read.counts[i], read.n_counts[i]);
    return true;
}

static bool
fill(lc_batch *batch, lc_partition *partition, lc_fill_piece *piece, uint64_t *n_leads, GError **error)
{
    lc_share *share = lc_batch_share_of(batch, partition);

    for (size_t i = 0; i < piece->n_ids; i++)
        lc_batch_lead_of(batch, share, piece->ids[i]);
    if (!lc_batch_load_leads(batch, error))
        return false;
    uint64_t n = derive_rows(batch, share);
    if (!add_counts(batch, share, piece, error) || !lc_batch_publish(batch, error) || !lc_batch_apply(batch, error))
        return false;
    *n_leads += n;
    piece->ids += share->leads->len;
    piece->n_ids -= share->leads->len;
    piece->n_populations = 0;
    settle(batch);
    return true;
}

bool
lc_batch_fill(lc_batch *batch, lc_partition *partition, lc_fill_piece *piece, uint64_t *n_leads, GError **error)
{
    unsigned assignments = batch->worker->assignments;

    batch->loss = LC_RECOVERY_ABORTED;
    bool done = fill(batch, partition, piece, n_leads, error);

    if (!done)
        drop(batch, assignments);
    lc_batch_clear(batch);
    return done;
}

bool
lc_batch_process(lc_batch *batch, GError **error)
{
    unsigned assignments = batch->worker->assignments;

    batch->loss = LC_RECOVERY_ABORTED;
    bool done = process(batch, error);

    if (!done)
        drop(batch, assignments);
    lc_batch_clear(batch);
    return done;
}
