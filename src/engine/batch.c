#include "worker.h"

#include <inttypes.h>

#define LOOK_EVERY_MS 1000 /* the idle look of step 4 */

/* A lead of the batch, as it stands after the facts judged so far. */
struct lc_batch_lead {
    lc_lead lead;
    lc_instant stored_wake_at; /* what the store has */
    size_t state_bytes;        /* no less than its state will take */
    bool changed;
    size_t message; /* its state in the outbox */
    int64_t offset; /* its state in the changelog */
};

/* What the batch does to one partition. */
typedef struct {
    lc_partition *partition;
    lc_instant now;    /* safe time when the batch began */
    GHashTable *by_id; /* lc_text * -> lc_batch_lead * */
    GPtrArray *leads;  /* lc_batch_lead *, by first use */
    size_t n_due;      /* of them, due wake-ups: the first ones */
    bool has_facts;
    int64_t *next;               /* O after the batch, by input topic */
    int64_t ends[LC_CHANGELOGS]; /* C after the batch */
    char *metadata;
    lc_instant next_wakeup;
} lc_share;

struct lc_batch {
    lc_worker *worker;
    lc_arena arena;
    GArray *records;   /* lc_batch_record */
    GPtrArray *shares; /* lc_share *, of partitions that have anything to do */
    lc_outbox *outbox;
    lc_log_commit *commits; /* by share; in `arena` */
    lc_worker_tally tally;  /* what it adds once it is committed */
    bool transaction_is_open;
    lc_recovery_cause loss; /* why its partitions must be recovered, should it not come to its end */
};

static void
share_free(void *data)
{
    lc_share *share = data;

    g_hash_table_unref(share->by_id);
    g_ptr_array_unref(share->leads);
    g_free(share->metadata);
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
    batch->worker->log->ops->release_records(batch->worker->log);
    g_array_set_size(batch->records, 0);
    g_ptr_array_set_size(batch->shares, 0);
    lc_outbox_clear(batch->outbox);
    batch->tally = (lc_worker_tally){0};
    lc_arena_reset(&batch->arena);
}

static lc_batch_record *
record_at(const lc_batch *batch, guint index)
{
    return &g_array_index(batch->records, lc_batch_record, index);
}

static lc_share *
share_at(const lc_batch *batch, guint index)
{
    return batch->shares->pdata[index];
}

static lc_share *
share_of(lc_batch *batch, lc_partition *partition)
{
    for (guint i = 0; i < batch->shares->len; i++)
        if (share_at(batch, i)->partition == partition)
            return share_at(batch, i);

    lc_share *share = g_new0(lc_share, 1);
    int n_inputs = batch->worker->n_inputs;
    share->partition = partition;
    share->now = partition->safe.now;
    share->by_id = g_hash_table_new(lc_text_hash, lc_text_equal_pointers);
    share->leads = g_ptr_array_new();
    share->next = lc_arena_new(&batch->arena, int64_t, (size_t)n_inputs);
    memcpy(share->next, partition->offsets, sizeof(int64_t) * (size_t)n_inputs);
    memcpy(share->ends, partition->ends, sizeof share->ends);
    share->next_wakeup = partition->next_wakeup;
    g_ptr_array_add(batch->shares, share);
    return share;
}

/* The lead of the batch with this id; `id` must live as long as the batch. */
static lc_batch_lead *
lead_of(lc_batch *batch, lc_share *share, lc_text id)
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

/* ---- Reading facts ---- */

static void
take_record(lc_batch *batch, const lc_log_event *event)
{
    lc_partition *partition = lc_worker_partition(batch->worker, event->partition);

    /* Nothing is delivered of a partition that is not recovered; if it were, recovery would bring it again. */
    if (partition == NULL || partition->must_recover)
        return;
    partition->read[event->topic] = event->offset + 1;
    if (event->is_append_time)
        partition->read_append_at[event->topic] = event->timestamp;

    g_array_set_size(batch->records, batch->records->len + 1);
    lc_batch_record *record = record_at(batch, batch->records->len - 1);
    record->event = *event;
    record->refused = false;
    record->lead = NULL;
}

/* Facts that are there, and those that come within `linger`, up to a batch of them. */
static bool
read_facts(lc_batch *batch, lc_duration linger, GError **error)
{
    lc_worker *worker = batch->worker;
    int64_t deadline = lc_worker_now_ms(worker) + linger;
    lc_log_event event;
    int wait_ms = 0;

    worker->tended_ms = lc_worker_now_ms(worker);
    while (batch->records->len < worker->options.batch_facts && !lc_worker_is_stopping(worker)) {
        if (!worker->log->ops->poll(worker->log, wait_ms, &event, error))
            return false;
        if (event.type == LC_LOG_RECORD) {
            take_record(batch, &event);
            wait_ms = 0;
            continue;
        }
        if (!lc_worker_handle(worker, &event, error))
            return false;
        wait_ms = (int)CLAMP(deadline - lc_worker_now_ms(worker), 0, 1000);
        if (event.type == LC_LOG_NOTHING && wait_ms == 0)
            break;
    }
    return true;
}

/* Each record to its lead, or to the dead letters. */
static bool
sort_facts(lc_batch *batch, GError **error)
{
    lc_worker *worker = batch->worker;

    if (!lc_facts_decode(worker, (lc_batch_record *)(void *)batch->records->data, batch->records->len, &batch->arena,
                         error))
        return false;
    lc_share *share = NULL;
    for (guint i = 0; i < batch->records->len; i++) {
        lc_batch_record *record = record_at(batch, i);
        if (share == NULL || share->partition->number != record->event.partition)
            share = share_of(batch, lc_worker_partition(worker, record->event.partition));
        share->has_facts = true;
        share->next[record->event.topic] = record->event.offset + 1;
        if (!record->refused)
            record->lead = lead_of(batch, share, record->lead_id);
    }
    return true;
}

/* ---- Reading from the store (step 4) ---- */

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
read_store(lc_batch *batch, lc_store_read *reads, size_t n, GError **error)
{
    lc_store *store = batch->worker->store;

    if (n == 0 || (store->ops->read_begin(store, reads, n, error) && store->ops->read_end(store, error)))
        return true;
    batch->worker->store_ready = false;
    batch->loss = LC_RECOVERY_STORE;
    return false;
}

static bool
write_store(lc_batch *batch, lc_store_write *writes, size_t n, GError **error)
{
    lc_store *store = batch->worker->store;

    if (store->ops->write_begin(store, writes, n, error) && store->ops->write_end(store, error))
        return true;
    batch->worker->store_ready = false;
    batch->loss = LC_RECOVERY_STORE;
    return false;
}

static bool
needs_look(const lc_batch *batch, const lc_partition *partition)
{
    bool is_due = partition->safe.now != LC_ABSENT && partition->next_wakeup < partition->safe.now;

    return is_due || lc_worker_now_ms(batch->worker) - partition->looked_ms >= LOOK_EVERY_MS;
}

static void
take_due(lc_batch *batch, lc_partition *partition, const lc_store_read *read)
{
    partition->next_wakeup = read->next_wakeup;
    if (read->n_due == 0)
        return;
    lc_share *share = share_of(batch, partition);
    share->next_wakeup = read->next_wakeup;
    for (size_t i = 0; i < read->n_due; i++)
        lead_of(batch, share, lc_arena_text(&batch->arena, read->due[i].lead_id));
    share->n_due = share->leads->len;
}

/* The due wake-ups; and, once a second, whether the store is still what we think it is. */
static bool
read_due(lc_batch *batch, GError **error)
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
                                     .max_due = worker->options.batch_wakeups};
    }
    if (!read_store(batch, reads, n, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!check_applied(looked[i], reads[i].applied, error))
            return false;
        looked[i]->looked_ms = lc_worker_now_ms(worker);
        take_due(batch, looked[i], &reads[i]);
    }
    return true;
}

static bool
decode_lead(lc_batch *batch, lc_batch_lead *lead, lc_text state, GError **error)
{
    if (lc_text_is_absent(state))
        return true;
    /* The store's memory is reused by the next read. */
    state = lc_arena_text(&batch->arena, state);
    const lc_plan *plan = lc_schemas_need(batch->worker->schemas, state, error);
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
decode_leads(lc_batch *batch, lc_share *share, const lc_store_read *read, GError **error)
{
    for (guint i = 0; i < share->leads->len; i++)
        if (!decode_lead(batch, share->leads->pdata[i], read->leads[i], error))
            return false;
    return true;
}

/* The leads that the batch needs, in one round trip that also verifies the position applied. */
static bool
load_leads(lc_batch *batch, GError **error)
{
    lc_store_read *reads = lc_arena_new(&batch->arena, lc_store_read, batch->shares->len);

    for (guint i = 0; i < batch->shares->len; i++) {
        lc_share *share = share_at(batch, i);
        lc_text *ids = lc_arena_new(&batch->arena, lc_text, share->leads->len);
        for (guint k = 0; k < share->leads->len; k++)
            ids[k] = ((lc_batch_lead *)share->leads->pdata[k])->lead.id;
        reads[i] = (lc_store_read){.partition = share->partition->number,
                                   .due_before = LC_ABSENT,
                                   .lead_ids = ids,
                                   .n_leads = share->leads->len};
    }
    if (!read_store(batch, reads, batch->shares->len, error))
        return false;
    for (guint i = 0; i < batch->shares->len; i++) {
        lc_share *share = share_at(batch, i);
        if (!check_applied(share->partition, reads[i].applied, error))
            return false;
        share->partition->looked_ms = lc_worker_now_ms(batch->worker);
        if (!decode_leads(batch, share, &reads[i], error))
            return false;
    }
    return true;
}

/* Counters that judging has touched and that were not loaded before. */
static bool
load_counters(lc_batch *batch, GError **error)
{
    lc_store_read *reads = lc_arena_new(&batch->arena, lc_store_read, batch->shares->len);
    lc_share **shares = lc_arena_new(&batch->arena, lc_share *, batch->shares->len);
    lc_population ***missing = lc_arena_new(&batch->arena, lc_population **, batch->shares->len);
    size_t n = 0;

    for (guint i = 0; i < batch->shares->len; i++) {
        lc_share *share = share_at(batch, i);
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
            lc_counters_load(missing[i][k], reads[i].counts[k], reads[i].n_counts[k]);
    }
    return true;
}

/* ---- Judging ---- */

static void
take_judgement(lc_batch *batch, lc_share *share, lc_batch_lead *lead, const lc_fact *fact,
               const lc_judgement *judgement, lc_cause_of cause)
{
    lc_tally_judgement(&batch->tally, fact, judgement);
    for (size_t i = 0; i < judgement->n_outcomes; i++)
        lc_outbox_add_outcome(batch->outbox, lead->lead.id, &judgement->outcomes[i], cause);
    for (size_t i = 0; i < judgement->n_counts; i++)
        lc_counters_add(share->partition->counters, &judgement->counts[i]);
    if (judgement->verdict == LC_VERDICT_TAKEN)
        lead->changed = true;
}

static void
judge_due(lc_batch *batch, lc_share *share)
{
    lc_cause_of cause = {-1, share->partition->number, -1, share->now, LC_TAG_NONE};

    for (size_t i = 0; i < share->n_due; i++) {
        lc_batch_lead *lead = share->leads->pdata[i];
        take_judgement(batch, share, lead, NULL,
                       lc_lead_judge(batch->worker->judge, &lead->lead, NULL, share->now, &batch->arena), cause);
        /* The wake-up is used up even where nothing follows from it. */
        lead->changed = true;
    }
}

static bool
is_too_large(const lc_batch_lead *lead, const lc_batch_record *record)
{
    return record->fact.type != LC_FACT_ERASED &&
           lead->state_bytes + record->event.value.size > LC_MAX_LEAD_STATE_BYTES;
}

static void
judge_fact(lc_batch *batch, lc_share *share, lc_batch_record *record, lc_cause_of cause)
{
    lc_batch_lead *lead = record->lead;

    if (is_too_large(lead, record)) {
        lc_fact_refuse(record, LC_DEAD_LEAD_TOO_LARGE, &batch->arena, "the lead's state would take over %zu bytes",
                       LC_MAX_LEAD_STATE_BYTES);
        return;
    }
    const lc_judgement *judgement =
        lc_lead_judge(batch->worker->judge, &lead->lead, &record->fact, share->now, &batch->arena);
    if (judgement->verdict == LC_VERDICT_TOO_MANY_FACTS)
        lc_fact_refuse(record, LC_DEAD_TOO_MANY_FACTS, &batch->arena, "the lead has %zu facts", lead->lead.n_facts);
    if (judgement->verdict == LC_VERDICT_TAKEN)
        lead->state_bytes += record->event.value.size;
    take_judgement(batch, share, lead, &record->fact, judgement, cause);
}

static void
bury(lc_batch *batch, lc_share *share, const lc_batch_record *record, lc_cause_of cause)
{
    lc_outbox_add_dead_letter(batch->outbox, &record->event, record->reason, record->detail, cause);
    batch->tally.dead_letters[record->reason]++;
    if (record->reason == LC_DEAD_WRONG_PARTITION)
        share->partition->wrong_partition++;
}

static void
judge(lc_batch *batch)
{
    lc_share *share = NULL;

    for (guint i = 0; i < batch->shares->len; i++)
        judge_due(batch, share_at(batch, i));
    for (guint i = 0; i < batch->records->len; i++) {
        lc_batch_record *record = record_at(batch, i);
        lc_cause_of cause = {record->event.topic, record->event.partition, record->event.offset, LC_ABSENT, i};
        if (share == NULL || share->partition->number != record->event.partition)
            share = share_of(batch, lc_worker_partition(batch->worker, record->event.partition));
        if (!record->refused)
            judge_fact(batch, share, record, cause);
        if (record->refused)
            bury(batch, share, record, cause);
    }
}

/* ---- One transaction (steps 5 to 8) ---- */

static void
add_changed(lc_batch *batch, lc_share *share)
{
    GPtrArray *changed = share->partition->counters->changed;

    for (guint i = 0; i < share->leads->len; i++) {
        lc_batch_lead *lead = share->leads->pdata[i];
        if (lead->changed)
            lead->message = lc_outbox_add_state(batch->outbox, share->partition->number, &lead->lead, &lead->offset);
    }
    for (guint i = 0; i < changed->len; i++) {
        lc_population *population = changed->pdata[i];
        size_t n;
        const lc_stored_count *counts = lc_population_counts(population, &batch->arena, &n);
        population->offset = -1;
        lc_outbox_add_counters(batch->outbox, share->partition->number, population, counts, n, &batch->arena,
                               &population->offset);
    }
}

static void
find_ends(lc_share *share)
{
    GPtrArray *changed = share->partition->counters->changed;

    for (guint i = 0; i < share->leads->len; i++) {
        const lc_batch_lead *lead = share->leads->pdata[i];
        share->ends[LC_CHANGELOG_STATE] = MAX(share->ends[LC_CHANGELOG_STATE], lead->offset + 1);
    }
    for (guint i = 0; i < changed->len; i++) {
        const lc_population *population = changed->pdata[i];
        share->ends[LC_CHANGELOG_COUNTERS] = MAX(share->ends[LC_CHANGELOG_COUNTERS], population->offset + 1);
    }
}

/* A call of an open transaction, again while the brokers are away; the group is tended meanwhile. */
typedef bool (*transaction_call)(lc_batch *batch, GError **error);

static bool
insist(lc_batch *batch, transaction_call call, GError **error)
{
    for (;;) {
        g_autoptr(GError) problem = NULL;
        if (call(batch, &problem))
            return true;
        if (!g_error_matches(problem, LC_ERROR, LC_ERROR_RETRY)) {
            g_propagate_error(error, g_steal_pointer(&problem));
            return false;
        }
        lc_worker_complain(batch->worker, "the brokers", &problem);
        if (!lc_worker_tend(batch->worker, 0, error))
            return false;
    }
}

/* Waits for every delivery report, so that C is known. */
static bool
flush(lc_batch *batch, GError **error)
{
    return batch->worker->log->ops->flush(batch->worker->log, error);
}

/* A message refused for its size: its fact is to be a dead letter when it comes again. */
static bool
poison_refused(lc_batch *batch, GError **error)
{
    lc_worker *worker = batch->worker;
    int64_t tag = worker->log->ops->refused(worker->log);

    if (tag < 0)
        return true;
    if (tag < batch->records->len) {
        lc_facts_poison(worker, &record_at(batch, (guint)tag)->event);
        return true;
    }
    g_set_error(error, LC_ERROR, LC_ERROR_FATAL,
                "Kafka refuses a state, counters or an outcome of a wake-up for its size; raise max.message.bytes of "
                "the outputs to 2 MiB ('leadclock topics' shows which differ)");
    return false;
}

static bool
produce(lc_batch *batch, GError **error)
{
    lc_worker *worker = batch->worker;
    g_autoptr(GError) problem = NULL;

    for (guint i = 0; i < batch->shares->len; i++)
        add_changed(batch, share_at(batch, i));
    if (!worker->log->ops->begin(worker->log, error))
        return false;
    batch->transaction_is_open = true;
    if (lc_outbox_produce(batch->outbox, worker->log, &problem) && insist(batch, flush, &problem)) {
        for (guint i = 0; i < batch->shares->len; i++)
            find_ends(share_at(batch, i));
        return true;
    }
    if (!poison_refused(batch, error))
        return false;
    if (problem)
        g_propagate_error(error, g_steal_pointer(&problem));
    return false;
}

/* (O, C) for every partition of the batch, always: also where nothing of it changed. */
static void
make_commits(lc_batch *batch)
{
    lc_worker *worker = batch->worker;

    batch->commits = lc_arena_new(&batch->arena, lc_log_commit, batch->shares->len);
    for (guint i = 0; i < batch->shares->len; i++) {
        lc_share *share = share_at(batch, i);
        share->metadata =
            lc_metadata_format(share->ends, lc_worker_policy_hash(worker), worker->options.transactional_id);
        batch->commits[i] = (lc_log_commit){share->partition->number, share->next, share->metadata};
    }
}

static bool
send_offsets(lc_batch *batch, GError **error)
{
    lc_log *log = batch->worker->log;

    return log->ops->send_offsets(log, batch->commits, batch->shares->len, error);
}

static bool
commit(lc_batch *batch, GError **error)
{
    lc_log *log = batch->worker->log;

    if (!log->ops->commit_begin(log, error))
        return false;
    if (log->ops->commit_end(log, error) != LC_COMMIT_CLEAN) {
        batch->worker->producer_ready = false;
        batch->worker->report.unclean_commits++;
        batch->transaction_is_open = false;
        batch->loss = LC_RECOVERY_UNKNOWN_COMMIT;
        if (error && *error == NULL)
            g_set_error(error, LC_ERROR, LC_ERROR_RETRY, "a commit whose result is not known for certain");
        return false;
    }
    batch->transaction_is_open = false;
    return true;
}

static bool
publish(lc_batch *batch, GError **error)
{
    lc_worker *worker = batch->worker;
    int64_t began_ms = lc_worker_now_ms(worker);

    if (!produce(batch, error))
        return false;
    make_commits(batch);
    if (!insist(batch, send_offsets, error) || !commit(batch, error))
        return false;
    lc_tally_add(&worker->report.tally, &batch->tally);
    lc_histogram_add(&worker->report.transaction_ms, lc_worker_now_ms(worker) - began_ms);
    return true;
}

/* ---- Applying (step 9) ---- */

/* What the store must change for one partition. */
typedef struct {
    lc_share *share;
    lc_lead_change *leads;
    const lc_batch_lead **sources;
    size_t n_leads;
    lc_counters_change *counters;
    size_t n_counters;
    size_t n_written; /* of the leads */
    char *next;       /* the position of the piece under way */
    bool is_last;
} apply_state;

static void
collect_leads(lc_batch *batch, apply_state *apply)
{
    GPtrArray *leads = apply->share->leads;

    apply->leads = lc_arena_new(&batch->arena, lc_lead_change, leads->len);
    apply->sources = lc_arena_new(&batch->arena, const lc_batch_lead *, leads->len);
    for (guint i = 0; i < leads->len; i++) {
        lc_batch_lead *lead = leads->pdata[i];
        if (!lead->changed)
            continue;
        lc_instant wake_at = lc_lead_is_empty(&lead->lead) ? LC_NEVER : lead->lead.wake_at;
        apply->sources[apply->n_leads] = lead;
        apply->leads[apply->n_leads++] =
            (lc_lead_change){lead->lead.id, lc_outbox_value(batch->outbox, lead->message), wake_at,
                             wake_at != lead->stored_wake_at || i < apply->share->n_due};
        apply->share->next_wakeup = MIN(apply->share->next_wakeup, wake_at);
    }
}

static void
collect_counters(lc_batch *batch, apply_state *apply)
{
    GPtrArray *changed = apply->share->partition->counters->changed;

    apply->counters = lc_arena_new(&batch->arena, lc_counters_change, changed->len);
    for (guint i = 0; i < changed->len; i++) {
        const lc_population *population = changed->pdata[i];
        lc_counters_change *change = &apply->counters[apply->n_counters++];
        change->population = population->name;
        change->counts = lc_population_counts(population, &batch->arena, &change->n_counts);
    }
}

/* The next piece: all that is left, with the whole position; or 5,000 leads, in the order of their changelog offsets,
 * with the position that recovery would have written there. */
static lc_store_write
next_piece(lc_batch *batch, apply_state *apply)
{
    lc_share *share = apply->share;
    size_t left = apply->n_leads - apply->n_written, n = MIN(left, LC_PIECE_LEADS);
    lc_store_write piece = {
        .partition = share->partition->number,
        .expected = lc_text_of(share->partition->expected),
        .leads = apply->leads + apply->n_written,
        .n_leads = n,
    };

    apply->is_last = n == left;
    g_free(apply->next);
    if (apply->is_last) {
        piece.counters = apply->counters;
        piece.n_counters = apply->n_counters;
        apply->next = lc_applied_format(batch->worker->options.input_names, share->next, share->ends);
    } else {
        const int64_t ends[LC_CHANGELOGS] = {apply->sources[apply->n_written + n - 1]->offset + 1,
                                             share->partition->ends[LC_CHANGELOG_COUNTERS]};
        apply->next = lc_applied_format_recovering(ends);
    }
    piece.next = lc_text_of(apply->next);
    return piece;
}

static bool
finish_piece(apply_state *apply, const lc_store_write *piece, GError **error)
{
    lc_partition *partition = apply->share->partition;

    if (!piece->written) {
        lc_partition_lose(partition, LC_RECOVERY_STORE);
        g_set_error(error, LC_ERROR, LC_ERROR_RETRY,
                    "partition %" PRId32 ": the store's position changed while a batch was applied", partition->number);
        return false;
    }
    g_free(partition->expected);
    partition->expected = g_steal_pointer(&apply->next);
    apply->n_written += piece->n_leads;
    return true;
}

/* One piece of every partition at once, until none is left. */
static bool
write_pieces(lc_batch *batch, apply_state *applies, GError **error)
{
    lc_store_write *pieces = lc_arena_new(&batch->arena, lc_store_write, batch->shares->len);
    apply_state **owners = lc_arena_new(&batch->arena, apply_state *, batch->shares->len);

    for (;;) {
        size_t n = 0;
        for (guint i = 0; i < batch->shares->len; i++) {
            if (applies[i].is_last)
                continue;
            owners[n] = &applies[i];
            pieces[n++] = next_piece(batch, &applies[i]);
        }
        if (n == 0)
            return true;
        if (!write_store(batch, pieces, n, error))
            return false;
        for (size_t i = 0; i < n; i++)
            if (!finish_piece(owners[i], &pieces[i], error))
                return false;
    }
}

static bool
apply(lc_batch *batch, GError **error)
{
    apply_state *applies = lc_arena_new(&batch->arena, apply_state, batch->shares->len);

    for (guint i = 0; i < batch->shares->len; i++) {
        applies[i] = (apply_state){.share = share_at(batch, i)};
        collect_leads(batch, &applies[i]);
        collect_counters(batch, &applies[i]);
    }
    int64_t began_ms = lc_worker_now_ms(batch->worker);
    bool done = write_pieces(batch, applies, error);
    lc_histogram_add(&batch->worker->report.apply_ms, lc_worker_now_ms(batch->worker) - began_ms);
    for (guint i = 0; i < batch->shares->len; i++)
        g_free(applies[i].next);
    return done;
}

/* ---- The whole ---- */

/* The batch is committed and applied: the partition stands where it ends. */
static void
settle(lc_batch *batch)
{
    for (guint i = 0; i < batch->shares->len; i++) {
        lc_share *share = share_at(batch, i);
        lc_partition *partition = share->partition;
        memcpy(partition->offsets, share->next, sizeof(int64_t) * (size_t)batch->worker->n_inputs);
        memcpy(partition->ends, share->ends, sizeof share->ends);
        partition->next_wakeup = share->next_wakeup;
        partition->must_claim = false;
        partition->looked_ms = lc_worker_now_ms(batch->worker);
        lc_counters_settle(partition->counters);
    }
}

/* All that was polled is judged. */
static void
tell_safe_time(lc_batch *batch)
{
    lc_worker *worker = batch->worker;

    for (guint i = 0; i < worker->partitions->len; i++) {
        lc_partition *partition = worker->partitions->pdata[i];
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
    worker->log->ops->abort(worker->log);
    worker->producer_ready = false;
    batch->transaction_is_open = false;
}

/* What is held of the batch's partitions may be ahead of what was committed, or behind what was applied. */
static void
drop(lc_batch *batch, unsigned assignments)
{
    lc_worker *worker = batch->worker;

    lc_batch_abort(batch);
    if (worker->assignments != assignments)
        return;
    for (guint i = 0; i < batch->records->len; i++)
        lc_partition_lose(lc_worker_partition(worker, record_at(batch, i)->event.partition), batch->loss);
    for (guint i = 0; i < batch->shares->len; i++)
        lc_partition_lose(share_at(batch, i)->partition, batch->loss);
}

/* Partitions that are new to us: their first transaction is an empty one, so that committed metadata names the owner
 * before it can leave anything open. */
static bool
claim(lc_batch *batch)
{
    for (guint i = 0; i < batch->worker->partitions->len; i++) {
        lc_partition *partition = batch->worker->partitions->pdata[i];
        if (partition->must_claim)
            share_of(batch, partition);
    }
    return batch->shares->len > 0;
}

static bool
timers_are_due(const lc_worker *worker)
{
    for (guint i = 0; i < worker->partitions->len; i++) {
        const lc_partition *partition = worker->partitions->pdata[i];
        if (partition->safe.now != LC_ABSENT && partition->next_wakeup < partition->safe.now)
            return true;
    }
    return false;
}

static bool
carry_out(lc_batch *batch, GError **error)
{
    judge(batch);
    return load_counters(batch, error) && publish(batch, error) && apply(batch, error);
}

static bool
gather(lc_batch *batch, GError **error)
{
    lc_worker *worker = batch->worker;
    lc_duration linger = timers_are_due(worker) ? 0 : worker->options.linger;

    return claim(batch) || (read_due(batch, error) && read_facts(batch, linger, error) && sort_facts(batch, error));
}

static bool
process(lc_batch *batch, GError **error)
{
    if (!gather(batch, error))
        return false;
    if (batch->shares->len > 0) {
        if (!load_leads(batch, error) || !carry_out(batch, error))
            return false;
        settle(batch);
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
