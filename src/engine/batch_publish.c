/* batch_publish.c - one transaction (steps 5 to 8). */
#include "batch_publish.h"

#include "belief.h"
#include "patience.h"
#include "position.h"
#include "promise.h"
#include "report.h"
#include "told.h"

#include <inttypes.h>

#define LOST_TRIES 20 /* to tell that data was lost */
#define RENEW_AFTER_MS 200

void
lc_batch_add_counter_rows(lc_batch *batch, const lc_share *share, lc_text channel, int32_t cohort,
                          const lc_stored_count *counts, size_t n)
{
    int32_t partition = share->partition->number;

    if (batch->worker->options.output_names[lc_table_output(LC_TABLE_COUNTERS)] == NULL)
        return;
    for (size_t i = 0; i < n; i++) {
        lc_counter_row row = lc_counter_row_make(channel, cohort, counts[i].metric, partition, counts[i].count);
        size_t alone = 0; /* each counter is added once */
        lc_outbox_add_row(batch->outbox, partition, LC_TABLE_COUNTERS, &row, false, (lc_cause_of){.tag = LC_TAG_NONE},
                          &alone);
    }
}

static void
add_population(lc_batch *batch, const lc_share *share, lc_population *population)
{
    size_t n;
    const lc_stored_count *counts = lc_population_counts(population, &batch->arena, &n);

    population->offset = -1;
    lc_outbox_add_counters(batch->outbox, share->partition->number, population, counts, n, &batch->arena,
                           &population->offset);
    counts = lc_population_changes(population, &batch->arena, &n);
    lc_batch_add_counter_rows(batch, share, population->channel, population->cohort, counts, n);
}

static void
add_changed(lc_batch *batch, lc_share *share)
{
    GPtrArray *changed = share->partition->counters->changed;

    for (guint i = 0; i < share->leads->len; i++) {
        lc_batch_lead *lead = share->leads->pdata[i];
        if (lead->changed)
            lead->message = lc_outbox_add_state(batch->outbox, share->partition->number, &lead->lead, &lead->offset);
    }
    for (guint i = 0; i < changed->len; i++)
        add_population(batch, share, changed->pdata[i]);
}

/* Where one record of ours lies. What is committed ends at C, and so does the changelog, or later: a record below C is
 * where there was another. */
static bool
take_offset(lc_share *share, lc_changelog changelog, int64_t offset)
{
    int64_t committed_end = share->partition->ends[changelog];

    if (offset >= 0 && offset < committed_end && share->lost == NULL && LC_CHECKS(LC_CHECK_LOST_REWRITTEN))
        share->lost = g_strdup_printf("Kafka has lost records of a changelog (%s): it was committed up to %" PRId64
                                      ", and then went on at %" PRId64 "; 'leadclock reset' starts anew",
                                      changelog == LC_CHANGELOG_STATE ? "states" : "counters", committed_end, offset);
    share->ends[changelog] = MAX(share->ends[changelog], offset + 1);
    return share->lost == NULL;
}

static bool
find_ends(lc_share *share, GError **error)
{
    GPtrArray *changed = share->partition->counters->changed;
    bool whole = true;

    for (guint i = 0; i < share->leads->len; i++)
        whole &= take_offset(share, LC_CHANGELOG_STATE, ((const lc_batch_lead *)share->leads->pdata[i])->offset);
    for (guint i = 0; i < changed->len; i++)
        whole &= take_offset(share, LC_CHANGELOG_COUNTERS, ((const lc_population *)changed->pdata[i])->offset);
    if (!whole)
        g_set_error(error, LC_ERROR, LC_ERROR_FATAL, "partition %" PRId32 ": %s", share->partition->number,
                    share->lost);
    return whole;
}

static bool
find_all_ends(lc_batch *batch, GError **error)
{
    for (guint i = 0; i < batch->shares->len; i++)
        if (!find_ends(lc_batch_share_at(batch, i), error))
            return false;
    return true;
}

/* A call of an open transaction, again while the brokers are away; the group is tended meanwhile. A tool gives up. */
typedef bool (*transaction_call)(lc_batch *batch, GError **error);

static bool
insist(lc_batch *batch, transaction_call call, GError **error)
{
    int64_t began_ms = lc_worker_now_ms(batch->worker);

    for (;;) {
        g_autoptr(GError) problem = NULL;
        if (call(batch, &problem))
            return true;
        if (!g_error_matches(problem, LC_ERROR, LC_ERROR_RETRY) || lc_worker_gives_up(batch->worker, began_ms)) {
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
    return lc_log_flush(batch->worker->log, error);
}

/* A message refused for its size: its fact is to be a dead letter when it comes again, its dead letter a shorter one.
 */
static bool
poison_refused(lc_batch *batch, GError **error)
{
    lc_worker *worker = batch->worker;
    int64_t tag = lc_log_refused(worker->log);

    if (tag < 0)
        return true;
    if (tag < batch->records->len) {
        const lc_batch_record *record = lc_batch_record_at(batch, (guint)tag);
        bool is_again = record->refused && lc_facts_is_poison(worker, &record->event);
        lc_facts_poison(worker, &record->event);
        if (!is_again)
            return true;
        g_set_error(error, LC_ERROR, LC_ERROR_FATAL,
                    "Kafka refuses a dead letter for its size, even cut short; raise max.message.bytes of %s to 2 MiB",
                    worker->options.output_names[LC_OUTPUT_DEAD_LETTERS]);
        return false;
    }
    g_set_error(error, LC_ERROR, LC_ERROR_FATAL,
                "Kafka refuses a state, counters or an outcome of a wake-up for its size; raise max.message.bytes of "
                "the outputs to 2 MiB ('leadclock topics' shows which differ)");
    return false;
}

/* Also of a flush that failed: a broker may refuse what a wrong clock has stamped. */
static void
take_append_time(lc_batch *batch, int64_t began_ms, bool is_flushed)
{
    bool has_states = false;

    for (guint i = 0; is_flushed && i < batch->shares->len; i++) {
        const lc_share *share = lc_batch_share_at(batch, i);
        for (guint k = 0; !has_states && k < share->leads->len; k++)
            has_states = ((const lc_batch_lead *)share->leads->pdata[k])->changed;
    }
    lc_worker_take_append_time(batch->worker, began_ms, has_states);
}

/* The broker's clock was read after the wall clock that these leads were judged by: had that been right, it could not
 * be ahead. */
static bool
prove_time(lc_batch *batch, GError **error)
{
    for (guint i = 0; i < batch->shares->len; i++)
        if (!lc_worker_proves(batch->worker, lc_batch_share_at(batch, i)->now, error))
            return false;
    return true;
}

static bool
produce(lc_batch *batch, GError **error)
{
    lc_worker *worker = batch->worker;
    int64_t began_ms = lc_worker_now_ms(worker);
    g_autoptr(GError) problem = NULL;

    for (guint i = 0; i < batch->shares->len; i++)
        add_changed(batch, lc_batch_share_at(batch, i));
    if (!lc_log_begin(worker->log, error))
        return false;
    batch->worker->transaction_is_open = true;
    bool done = lc_outbox_produce(batch->outbox, worker->log, &problem) && insist(batch, flush, &problem);
    take_append_time(batch, began_ms, done);
    if (done)
        return find_all_ends(batch, error) && prove_time(batch, error);
    if (!poison_refused(batch, error))
        return false;
    if (problem)
        g_propagate_error(error, g_steal_pointer(&problem));
    return false;
}

/* The documents that leads were judged by. Where none was judged that is as before (the broker's clock may not be known
 * yet): those of the last commit, or the first one alone; unless a change of theirs was accepted. */
static char *
policy_hash_of(lc_worker *worker, const lc_share *share)
{
    const char *former = share->partition->policy_hash;

    if (!share->has_facts && share->n_due == 0 && former == NULL)
        return lc_policy_book_hash(worker->options.book, 0);
    if (!share->has_facts && share->n_due == 0 && lc_worker_knows_policy_hash(worker, lc_text_of(former)))
        return g_strdup(former);
    return g_strdup(lc_worker_policy_hash(worker));
}

/* (O, C) for every partition of the batch, always: also where nothing of it changed. */
static void
make_commits(lc_batch *batch)
{
    lc_worker *worker = batch->worker;

    batch->commits = lc_arena_new(&batch->arena, lc_log_commit, batch->shares->len);
    for (guint i = 0; i < batch->shares->len; i++) {
        lc_share *share = lc_batch_share_at(batch, i);
        share->policy_hash = policy_hash_of(worker, share);
        lc_metadata metadata = {
            .partitions = worker->partition_count,
            .republished = share->partition->safe.republished,
            .edition = LC_POLICY_EDITION,
            .policy_hash = lc_text_of(share->policy_hash),
            .transactional_id = lc_text_of(worker->options.transactional_id),
        };
        memcpy(metadata.ends, share->ends, sizeof metadata.ends);
        share->metadata = lc_metadata_format(&metadata);
        batch->commits[i] = (lc_log_commit){share->partition->number, share->next, share->metadata};
    }
}

static bool
send_offsets(lc_batch *batch, GError **error)
{
    lc_log *log = batch->worker->log;

    return lc_log_send_offsets(log, batch->commits, batch->shares->len, error);
}

/* What was lost is hidden by what lies there now, also from the next owner: instead of C the metadata says so. */
void
lc_batch_tell_lost(lc_batch *batch, lc_share *share)
{
    lc_worker *worker = batch->worker;
    lc_log *log = worker->log;
    g_autofree char *metadata = g_strconcat(LC_METADATA_LOST, share->lost, NULL);
    lc_log_commit commit = {share->partition->number, share->partition->offsets, metadata};
    GError *unimportant = NULL; /* we stop in any case */
    bool ready = false;

    for (int tries = 0; tries < LOST_TRIES && !ready && lc_worker_tend(worker, RENEW_AFTER_MS, NULL); tries++)
        ready = lc_log_renew_producer(log, NULL);
    if (!ready || !lc_log_begin(log, NULL))
        return;
    bool sent = lc_log_send_offsets(log, &commit, 1, NULL) && lc_log_commit_begin(log, NULL);
    if (sent)
        lc_log_commit_end(log, &unimportant);
    else
        lc_log_abort(log);
    g_clear_error(&unimportant);
}

static bool
commit(lc_batch *batch, GError **error)
{
    lc_log *log = batch->worker->log;

    if (!lc_log_commit_begin(log, error))
        return false;
    if (lc_log_commit_end(log, error) != LC_COMMIT_CLEAN) {
        batch->worker->producer_ready = false;
        batch->worker->report.unclean_commits++;
        batch->worker->transaction_is_open = false;
        batch->loss = LC_RECOVERY_UNKNOWN_COMMIT;
        if (error && *error == NULL)
            g_set_error(error, LC_ERROR, LC_ERROR_RETRY, "a commit whose result is not known for certain");
        return false;
    }
    batch->worker->transaction_is_open = false;
    return true;
}

static bool
transact(lc_batch *batch, GError **error)
{
    if (!produce(batch, error))
        return false;
    make_commits(batch);
    return insist(batch, send_offsets, error) && commit(batch, error);
}

/* Where a record lies. Caller frees. */
static char *
describe_place(const lc_batch *batch, const lc_batch_record *record)
{
    return g_strdup_printf("%s [%" PRId32 "], offset %" PRId64, batch->worker->options.input_names[record->event.topic],
                           record->event.partition, record->event.offset);
}

/* The last of those that are told as a number; NULL: there is none. Caller frees. */
static char *
describe_last_refused(const lc_batch *batch)
{
    for (guint i = batch->records->len; i > 0; i--) {
        const lc_batch_record *record = lc_batch_record_at(batch, i - 1);
        if (!record->refused || record->reason == LC_DEAD_TOO_MANY_FACTS)
            continue;
        g_autofree char *place = describe_place(batch, record);
        return g_strdup_printf("%s: %s, %s", place, lc_dead_reason_name(record->reason), record->detail);
    }
    return NULL;
}

static char *
describe_last_without_channel(const lc_batch *batch)
{
    for (guint i = batch->records->len; i > 0; i--) {
        const lc_batch_record *record = lc_batch_record_at(batch, i - 1);
        if (!record->refused && lc_fact_lacks_channel(&record->fact))
            return describe_place(batch, record);
    }
    return NULL;
}

/* Rule 8.4: once a lead. Each costs its publisher thousands of facts, so there are few. */
static void
tell_of_too_many_facts(const lc_batch *batch)
{
    for (guint i = 0; i < batch->records->len; i++) {
        const lc_batch_record *record = lc_batch_record_at(batch, i);
        if (!record->refused || record->reason != LC_DEAD_TOO_MANY_FACTS)
            continue;
        g_autofree char *place = describe_place(batch, record);
        g_autofree char *lead = g_strdup_printf("too many facts of lead %.*s", LC_TEXT_ARGS(record->lead_id));
        if (lc_told_may_say_once(batch->worker->told, lead))
            g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE",
                             "%s: from here on its facts go to %s (%s, %s), which is said only once: %s", lead,
                             batch->worker->options.output_names[LC_OUTPUT_DEAD_LETTERS],
                             lc_dead_reason_name(record->reason), record->detail, place);
    }
}

static void
tell_of_oddities(const lc_batch *batch)
{
    uint64_t refused = 0, too_many = batch->tally.dead_letters[LC_DEAD_TOO_MANY_FACTS];

    for (int i = 0; i < LC_DEAD_REASONS; i++)
        refused += batch->tally.dead_letters[i];
    if (refused > too_many || batch->tally.without_channel)
        lc_told_add(batch->worker->told, &batch->tally, refused > too_many ? describe_last_refused(batch) : NULL,
                    batch->tally.without_channel ? describe_last_without_channel(batch) : NULL);
    if (too_many)
        tell_of_too_many_facts(batch);
}

bool
lc_batch_publish(lc_batch *batch, GError **error)
{
    lc_worker *worker = batch->worker;
    int64_t began_ms = lc_worker_now_ms(worker);
    bool done = transact(batch, error);

    worker->denied = !done && error && g_error_matches(*error, LC_ERROR, LC_ERROR_DENIED);
    if (!done)
        return false;
    lc_tally_add(&worker->report.tally, &batch->tally);
    tell_of_oddities(batch);
    lc_histogram_add(&worker->report.transaction_ms, lc_worker_now_ms(worker) - began_ms);
    return true;
}
