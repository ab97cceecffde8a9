/* batch_read.c - facts from the log; due wake-ups, leads and counters from the store (step 4). */
#include "batch_read.h"

#include "batch_apply.h"
#include "batch_cut.h"
#include "batch_judge.h"
#include "growth.h"
#include "patience.h"
#include "schemas.h"

#include <inttypes.h>

#ifndef LC_READ_LEADS     /* the simulator reads fewer */
#define LC_READ_LEADS 128 /* leads of one read: whether it is taken is decided by what those before it took */
#endif

#define LOOK_EVERY_MS 1000 /* the idle look of step 4 */

static void
take_record(lc_batch *batch, const lc_log_event *event)
{
    lc_partition *partition = lc_worker_partition(batch->worker, event->partition);

    /* Nothing is delivered of a partition that is not recovered; if it were, recovery would bring it again. */
    if (partition == NULL || partition->must_recover)
        return;
    partition->read[event->topic] = event->offset + 1;
    /* Of a fact that was published again it is the first time: no later than the broker's. */
    if (event->is_append_time)
        partition->read_append_at[event->topic] = event->timestamp;

    g_array_set_size(batch->records, batch->records->len + 1);
    lc_batch_record *record = lc_batch_record_at(batch, batch->records->len - 1);
    record->event = *event;
    batch->record_bytes += event->key.size + event->value.size;
    record->refused = false;
    record->lead = NULL;
}

/* Facts that are there, and those that come within `linger`, up to a batch of them. */
static bool
poll_facts(lc_batch *batch, lc_duration linger, GError **error)
{
    lc_worker *worker = batch->worker;
    int64_t deadline = lc_worker_now_ms(worker) + linger;
    lc_log_event event;
    int wait_ms = 0;

    worker->tended_ms = lc_worker_now_ms(worker);
    while (batch->records->len < MIN(worker->options.batch_facts, worker->leads_at_once) &&
           batch->record_bytes < LC_BATCH_BYTES && !lc_worker_is_stopping(worker)) {
        if (!lc_log_poll(worker->log, wait_ms, &event, error))
            return false;
        if (event.type == LC_LOG_RECORD) {
            take_record(batch, &event);
            wait_ms = 0;
            continue;
        }
        if (event.type == LC_LOG_REVOKED)
            lc_batch_make_sure(batch, NULL);
        if (!lc_worker_handle(worker, &event, error))
            return false;
        wait_ms = (int)CLAMP(deadline - lc_worker_now_ms(worker), 0, 1000);
        if (event.type == LC_LOG_NOTHING && wait_ms == 0)
            break;
    }
    return true;
}

/* Is a fact in the wrong partition because the topics have got more of them since? Then it is no dead letter. */
static bool
confirm_misplaced(lc_batch *batch, GError **error)
{
    for (guint i = 0; i < batch->records->len; i++) {
        const lc_batch_record *record = lc_batch_record_at(batch, i);
        if (record->refused && record->reason == LC_DEAD_WRONG_PARTITION)
            return lc_worker_confirm_partitions(batch->worker, error);
    }
    return true;
}

/* Each record to its lead, or to the dead letters. */
static bool
sort_facts(lc_batch *batch, GError **error)
{
    lc_worker *worker = batch->worker;

    if (!lc_facts_decode(worker, (lc_batch_record *)(void *)batch->records->data, batch->records->len, &batch->arena,
                         error) ||
        !confirm_misplaced(batch, error))
        return false;
    lc_share *share = NULL;
    for (guint i = 0; i < batch->records->len; i++) {
        lc_batch_record *record = lc_batch_record_at(batch, i);
        if (share == NULL || share->partition->number != record->event.partition)
            share = lc_batch_share_of(batch, lc_worker_partition(worker, record->event.partition));
        share->has_facts = true;
        share->next[record->event.topic] = record->event.offset + 1;
        if (!record->refused)
            record->lead = lc_batch_lead_of(batch, share, record->lead_id);
    }
    return true;
}

bool
lc_batch_read_facts(lc_batch *batch, lc_duration linger, GError **error)
{
    return poll_facts(batch, linger, error) && sort_facts(batch, error);
}

/* ---- The store (step 4) ---- */

/* Has the store what we last saw there? If not, somebody else wrote, or Redis was emptied or rolled back. */
static bool
check_applied(lc_partition *partition, lc_text applied, GError **error)
{
    if (lc_text_equal(applied, lc_text_of(partition->expected)))
        return true;
    lc_partition_lose(partition, LC_RECOVERY_STORE);
    g_set_error(error, LC_ERROR, LC_ERROR_RETRY, "partition %" PRId32 ": the store is at \"%.*s\", not at \"%s\"",
                partition->number, LC_TEXT_ARGS(applied), partition->expected);
    return false;
}

static bool
lose_store(lc_batch *batch)
{
    batch->worker->store_ready = false;
    batch->loss = LC_RECOVERY_STORE;
    return false;
}

static bool
begin_read(lc_batch *batch, lc_store_read *reads, size_t n, GError **error)
{
    lc_store *store = batch->worker->store;

    return n == 0 || lc_store_read_begin(store, reads, n, error) || lose_store(batch);
}

static bool
end_read(lc_batch *batch, size_t n, GError **error)
{
    lc_store *store = batch->worker->store;

    return n == 0 || lc_store_read_end(store, error) || lose_store(batch);
}

static bool
read_store(lc_batch *batch, lc_store_read *reads, size_t n, GError **error)
{
    return begin_read(batch, reads, n, error) && end_read(batch, n, error);
}

static bool
needs_look(const lc_batch *batch, const lc_partition *partition)
{
    bool is_due = partition->safe.now != LC_ABSENT && partition->next_wakeup < partition->safe.now;

    if (partition->must_recover)
        return false;
    return is_due ||
           (LC_CHECKS(LC_CHECK_LOOK) && lc_worker_now_ms(batch->worker) - partition->looked_ms >= LOOK_EVERY_MS);
}

static void
take_due(lc_batch *batch, lc_partition *partition, const lc_store_read *read)
{
    lc_instant due_from = partition->next_wakeup;

    partition->next_wakeup = read->next_wakeup;
    if (read->n_due == 0)
        return;
    lc_share *share = lc_batch_share_of(batch, partition);
    share->due_from = due_from;
    share->next_wakeup = read->next_wakeup;
    share->due = lc_arena_new(&batch->arena, lc_batch_lead *, read->n_due);
    share->n_wakeups = read->n_due;
    for (size_t i = 0; i < read->n_due; i++)
        share->due[i] = lc_batch_lead_of(batch, share, lc_arena_text(&batch->arena, read->due[i]));
    share->n_due = share->leads->len;
}

/* The due wake-ups; and, once a second, whether the store is still what we think it is. */
bool
lc_batch_read_due(lc_batch *batch, GError **error)
{
    lc_worker *worker = batch->worker;
    lc_store_read *reads = lc_arena_new(&batch->arena, lc_store_read, worker->partitions->len);
    lc_partition **looked = lc_arena_new(&batch->arena, lc_partition *, worker->partitions->len);
    size_t n = 0;

    for (guint i = 0; i < worker->partitions->len; i++) {
        lc_partition *partition = worker->partitions->pdata[i];
        if (!needs_look(batch, partition))
            continue;
        looked[n] = partition;
        reads[n++] = (lc_store_read){.partition = partition->number,
                                     .due_before = MAX(partition->safe.now, 0),
                                     .max_due = MIN(worker->options.batch_wakeups, worker->leads_at_once),
                                     .count_wakeups = true};
    }
    if (!read_store(batch, reads, n, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!check_applied(looked[i], reads[i].applied, error))
            return false;
        looked[i]->looked_ms = lc_worker_now_ms(worker);
        looked[i]->n_wakeups = reads[i].n_wakeups;
        take_due(batch, looked[i], &reads[i]);
    }
    return lc_batch_tidy(batch, looked, reads, n, error);
}

/* ---- Leads: a few thousand at a time, because while the store looks for some, those before are judged ---- */

typedef struct {
    lc_share *share;
    guint first, end;   /* of its leads */
    size_t known_bytes; /* of those that were kept */
} lead_read;

typedef struct {
    lead_read *what;
    lc_store_read *reads; /* side by side with `what` */
    size_t n, n_asked, n_taken;
    bool is_cut; /* the reads from `n` on were left out */
} lead_reads;

/* Which of them were kept. */
static void
find_kept(lc_batch *batch, const lc_share *share)
{
    guint n = share->leads->len;
    lc_lead_sought *sought = lc_arena_new(&batch->arena, lc_lead_sought, n);

    for (guint i = 0; i < n; i++)
        sought[i].id = ((const lc_batch_lead *)share->leads->pdata[i])->lead.id;
    lc_lead_cache_find(batch->worker->leads, share->partition->term, sought, n);
    for (guint i = 0; i < n; i++) {
        lc_batch_lead *lead = share->leads->pdata[i];
        lead->is_known = sought[i].is_known;
        if (lead->is_known)
            lead->state = sought[i].state;
    }
}

/* The next leads of a share, as many as one read takes: those that are known are not asked for. */
static void
plan_lead_read(lc_batch *batch, lead_reads *plan, lc_share *share)
{
    lead_read what = {.share = share, .first = share->n_planned};
    lc_text *ids = lc_arena_new(&batch->arena, lc_text, MIN(share->leads->len - what.first, LC_READ_LEADS));
    size_t n = 0;

    for (; share->n_planned < share->leads->len && share->n_planned - what.first < LC_READ_LEADS; share->n_planned++) {
        lc_batch_lead *lead = share->leads->pdata[share->n_planned];
        if (lead->is_known)
            what.known_bytes += lead->state.size;
        else
            ids[n++] = lead->lead.id;
    }
    what.end = share->n_planned;
    plan->what[plan->n] = what;
    plan->reads[plan->n++] = (lc_store_read){.partition = share->partition->number,
                                             .due_before = LC_ABSENT,
                                             .lead_ids = ids,
                                             .n_leads = n,
                                             .count_wakeups = true};
}

/* A share without a lead to be read is read too: for the position. By turns: where there is no room for all, each gets
 * some. */
static lead_reads
plan_lead_reads(lc_batch *batch)
{
    size_t max = 0, former = 0;
    lead_reads plan = {0};

    for (guint i = 0; i < batch->shares->len; i++) {
        find_kept(batch, lc_batch_share_at(batch, i));
        max += 1 + lc_batch_share_at(batch, i)->leads->len / LC_READ_LEADS;
    }
    plan.what = lc_arena_new(&batch->arena, lead_read, max);
    plan.reads = lc_arena_new(&batch->arena, lc_store_read, max);
    for (guint i = 0; i < batch->shares->len; i++)
        plan_lead_read(batch, &plan, lc_batch_share_at(batch, i));
    while (former < plan.n) {
        former = plan.n;
        for (guint i = 0; i < batch->shares->len; i++)
            if (lc_batch_share_at(batch, i)->n_planned < lc_batch_share_at(batch, i)->leads->len)
                plan_lead_read(batch, &plan, lc_batch_share_at(batch, i));
    }
    return plan;
}

/* As many as there is room for, if they are like those before; what turns out to be too much is left out. */
static size_t
leads_to_ask(const lc_batch *batch)
{
    size_t most = batch->worker->options.batch_bytes;
    size_t room = most > batch->state_bytes ? most - batch->state_bytes : 0;

    return CLAMP(room / MAX(batch->worker->lead_bytes, 1), 1, LC_PIECE_LEADS);
}

/* The next reads, for a few thousand leads together, in one round trip. */
static bool
ask_for_leads(lc_batch *batch, lead_reads *plan, GError **error)
{
    size_t from = plan->n_asked, n_leads = 0, most_leads = leads_to_ask(batch);
    size_t most = batch->worker->options.batch_bytes, bytes = batch->state_bytes;

    /* Of the first something is always taken: the batch is to get on. */
    if (plan->n_asked > 0 && batch->state_bytes > most && plan->n_asked < plan->n) {
        plan->n = plan->n_asked;
        plan->is_cut = true;
    }
    for (; plan->n_asked < plan->n && n_leads < most_leads; plan->n_asked++) {
        const lead_read *what = &plan->what[plan->n_asked];
        plan->reads[plan->n_asked].most_bytes = MAX(most - MIN(bytes, most), 1);
        n_leads += what->end - what->first;
        bytes += what->known_bytes;
    }
    return begin_read(batch, plan->reads + from, plan->n_asked - from, error);
}

/* The states are copied: the store's memory is reused by the next read. What was kept stays where it is until the
 * batch is applied. */
static void
take_states(lc_batch *batch, const lead_read *what, const lc_store_read *read)
{
    lc_worker *worker = batch->worker;
    size_t bytes = 0, n = what->end - what->first, n_read = 0;

    for (guint i = what->first; i < what->end; i++) {
        lc_batch_lead *lead = what->share->leads->pdata[i];
        if (!lead->is_known)
            lead->state = lc_arena_text(&batch->arena, read->leads[n_read++]);
        lead->is_loaded = true;
        bytes += lead->state.size;
    }
    what->share->is_read = true;
    batch->state_bytes += bytes;
    worker->report.leads_read += n_read;
    worker->report.leads_known += n - n_read;
    if (n)
        worker->lead_bytes = bytes / n;
}

/* Waits for all that was asked. */
static bool
receive_leads(lc_batch *batch, lead_reads *plan, GError **error)
{
    if (!end_read(batch, plan->n_asked - plan->n_taken, error))
        return false;
    for (size_t i = plan->n_taken; i < plan->n_asked; i++) {
        lc_partition *partition = plan->what[i].share->partition;
        lc_store_read *read = &plan->reads[i];
        if (read->is_left_out) {
            plan->n = plan->n_asked = i;
            plan->is_cut = true;
            break;
        }
        if (!check_applied(partition, read->applied, error))
            return false;
        partition->looked_ms = lc_worker_now_ms(batch->worker);
        partition->n_wakeups = read->n_wakeups;
        take_states(batch, &plan->what[i], read);
    }
    return true;
}

static bool
decode_lead(lc_batch *batch, lc_batch_lead *lead, GError **error)
{
    lc_text state = lead->state;

    if (lc_text_is_absent(state))
        return true;
    const lc_plan *plan = lc_schemas_need(batch->worker, state, error);
    if (plan == NULL)
        return false;
    lc_text own_id = lead->lead.id;
    if (!lc_plan_read_lead(plan, state.data + LC_FRAME_BYTES, state.size - LC_FRAME_BYTES, &batch->arena, &lead->lead,
                           error)) {
        (*error)->code = LC_ERROR_FATAL;
        return false;
    }
    lead->lead.id = own_id;
    lead->stored_wake_at = lead->lead.wake_at;
    lead->state_bytes = state.size;
    return true;
}

static bool
take_leads(lc_batch *batch, const lead_read *what, GError **error)
{
    for (guint i = what->first; i < what->end; i++)
        if (!decode_lead(batch, what->share->leads->pdata[i], error))
            return false;
    lc_batch_judge_due(batch, what->share, what->first, what->end);
    return true;
}

/* What was received, up to the `end`th read. */
static bool
take_reads(lc_batch *batch, lead_reads *plan, size_t end, GError **error)
{
    for (; plan->n_taken < end; plan->n_taken++)
        if (!take_leads(batch, &plan->what[plan->n_taken], error))
            return false;
    return true;
}

/* The answer to a read under way is not to be taken for that of the next one. */
static bool
abandon_read(lc_batch *batch, size_t n)
{
    end_read(batch, n, NULL);
    return false;
}

/* The leads that the batch needs, in steps that each verify the position applied too; and judges those that are due. */
bool
lc_batch_load_leads(lc_batch *batch, GError **error)
{
    lead_reads plan = plan_lead_reads(batch);

    if (!ask_for_leads(batch, &plan, error))
        return false;
    while (plan.n_taken < plan.n) {
        if (!receive_leads(batch, &plan, error))
            return false;
        size_t received = plan.n_asked;
        if (!ask_for_leads(batch, &plan, error))
            return false;
        if (!take_reads(batch, &plan, received, error))
            return abandon_read(batch, plan.n_asked - received);
    }
    return !plan.is_cut || lc_batch_cut(batch, batch->records->len, error);
}

/* ---- Counters ---- */

bool
lc_batch_read_counts(lc_batch *batch, lc_partition *partition, lc_store_read *read, GError **error)
{
    return read_store(batch, read, 1, error) && check_applied(partition, read->applied, error);
}

/* Counters that judging has touched and that were not loaded before. */
bool
lc_batch_load_counters(lc_batch *batch, GError **error)
{
    lc_store_read *reads = lc_arena_new(&batch->arena, lc_store_read, batch->shares->len);
    lc_share **shares = lc_arena_new(&batch->arena, lc_share *, batch->shares->len);
    lc_population ***missing = lc_arena_new(&batch->arena, lc_population **, batch->shares->len);
    size_t n = 0;

    for (guint i = 0; i < batch->shares->len; i++) {
        lc_share *share = lc_batch_share_at(batch, i);
        GPtrArray *changed = share->partition->counters->changed;
        lc_text *names = lc_arena_new(&batch->arena, lc_text, changed->len);
        lc_population **populations = lc_arena_new(&batch->arena, lc_population *, changed->len);
        size_t n_missing = 0;
        for (guint k = 0; k < changed->len; k++) {
            lc_population *population = changed->pdata[k];
            if (population->loaded)
                continue;
            names[n_missing] = population->name;
            populations[n_missing++] = population;
        }
        if (n_missing == 0)
            continue;
        shares[n] = share;
        missing[n] = populations;
        reads[n++] = (lc_store_read){.partition = share->partition->number,
                                     .due_before = LC_ABSENT,
                                     .populations = names,
                                     .n_populations = n_missing};
    }
    if (!read_store(batch, reads, n, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!check_applied(shares[i]->partition, reads[i].applied, error))
            return false;
        for (size_t k = 0; k < reads[i].n_populations; k++)
            lc_partition_counters_load(missing[i][k], reads[i].counts[k], reads[i].n_counts[k]);
    }
    return true;
}
