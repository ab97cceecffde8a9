/* recover.c - step 3 of the commit protocol: the order of it, by turns. */
#include "recover.h"

#include "committed.h"
#include "patience.h"
#include "refill.h"
#include "restore.h"

#define AGAIN_MS 50 /* the store moved under us */

lc_step
lc_recovery_advance(lc_recovery *r, const lc_recovery_stage *stages, GError **error)
{
    r->turn_ends_ms = lc_worker_now_ms(r->worker) + LC_TURN_MS;
    while (stages[r->stage]) {
        lc_step done = stages[r->stage](r, error);
        if (done == LC_STEP_AGAIN) {
            lc_recovery_stop_reading(r);
            r->stage = 0;
            return lc_recovery_put_off(r, AGAIN_MS);
        }
        if (done != LC_STEP_DONE)
            return done;
        r->stage++;
        if (lc_recovery_is_turn_over(r) && stages[r->stage])
            return lc_recovery_put_off(r, 0);
    }
    return LC_STEP_DONE;
}

static lc_step
load_partition(lc_recovery *r, GError **error)
{
    lc_partition *partition = r->partition;
    lc_store *store = r->worker->store;
    lc_store_read read = {
        .partition = partition->number, .due_before = 0, .max_due = 0, .all_populations = true, .count_wakeups = true};
    GError *problem = NULL;

    if (!lc_store_read_begin(store, &read, 1, &problem) || !lc_store_read_end(store, &problem))
        return lc_refill_lose_store(r, problem, error);
    r->refused_since_ms = -1;
    if (!lc_text_equal(read.applied, r->applied_text))
        return LC_STEP_AGAIN;
    lc_partition_counters_free(partition->counters);
    partition->counters = lc_partition_counters_new();
    for (size_t i = 0; i < read.n_population_names; i++)
        lc_partition_counters_know(partition->counters, read.population_names[i]);
    partition->next_wakeup = read.next_wakeup;
    partition->n_wakeups = read.n_wakeups;
    return LC_STEP_DONE;
}

static bool
seek_inputs(lc_recovery *r, GError **error)
{
    return lc_log_seek(r->worker->log, r->partition->number, r->offsets, error);
}

static lc_step
run(lc_recovery *r, GError **error)
{
    lc_partition *partition = r->partition;
    lc_worker *worker = r->worker;
    lc_instant safe_now = partition->safe.now;

    lc_step done = lc_recovery_ask(r, "the inputs", seek_inputs, error);
    if (done != LC_STEP_DONE)
        return done;
    for (int i = 0; i < worker->n_inputs; i++) {
        partition->offsets[i] = partition->read[i] = r->offsets[i];
        partition->read_append_at[i] = LC_ABSENT;
    }
    memcpy(partition->ends, r->ends, sizeof r->ends);
    /* What was kept may not be what was committed: it is forgotten. */
    if (LC_CHECKS(LC_CHECK_FORGET) || partition->term == 0)
        partition->term = lc_lead_cache_begin(worker->leads);
    g_free(partition->expected);
    partition->expected = g_steal_pointer(&r->written);
    partition->looked_ms = partition->moved_ms = lc_worker_now_ms(worker);
    lc_safe_time_clear(&partition->safe);
    lc_safe_time_init(&partition->safe, worker->n_inputs, r->offsets);
    partition->safe.now = safe_now;
    partition->safe.republished = r->republished;
    partition->must_recover = partition->is_unsure = false;
    partition->rebuilt = partition->rebuild_end = partition->rebuild_left_ms = 0;
    worker->report.recoveries[partition->recovery_cause]++;
    /* Seek resumes; the others of a worker that waits are still paused. */
    if (worker->paused)
        lc_log_pause(worker->log, partition->number);
    return LC_STEP_DONE;
}

/* How long a partition waits before it asks again: what asking takes is taken from the others. */
static int64_t
pause_after(const lc_recovery *r, int64_t began_ms)
{
    int64_t took_ms = lc_worker_now_ms(r->worker) - began_ms;

    return r->partition->waits && lc_recovery_others_are_at_work(r) ? MAX(r->delay_ms, 4 * took_ms) : r->delay_ms;
}

/* Not each time that a right is tried again. */
static void
tell_recovered(const lc_recovery *r)
{
    g_log_structured(G_LOG_DOMAIN, r->worker->denied ? G_LOG_LEVEL_DEBUG : G_LOG_LEVEL_INFO, "PARTITION",
                     LC_NUMBER(r->partition->number), "RECORDS", LC_NUMBER(r->n_replayed), "MILLISECONDS",
                     LC_NUMBER(lc_worker_now_ms(r->worker) - r->started_ms), "MESSAGE", "recovered");
}

/* Why it can't be recovered (handed over). Who stood still may have looked at what another does by now: it counts only
 * where the partition is still ours. */
static bool
confirm(lc_worker *worker, GError *problem, GError **error)
{
    unsigned assignments = worker->assignments;
    g_autoptr(GError) kept = problem;

    if (!lc_worker_tend(worker, 1, error) || worker->assignments != assignments)
        return false;
    g_propagate_error(error, g_steal_pointer(&kept));
    return false;
}

bool
lc_recover(lc_worker *worker, lc_partition *partition, GError **error)
{
    static const lc_recovery_stage stages[] = {LC_RESTORE, load_partition, run, NULL};
    int64_t began_ms = lc_worker_now_ms(worker);
    GError *problem = NULL;

    if (partition->recovery == NULL) {
        partition->recovery = lc_recovery_new(worker, partition);
        lc_log_pause(worker->log, partition->number);
    }
    lc_recovery *r = partition->recovery;
    lc_step done = lc_recovery_advance(r, stages, &problem);
    if (done == LC_STEP_LATER) {
        partition->resume_ms = lc_worker_now_ms(worker) + pause_after(r, began_ms);
        return true;
    }
    if (done == LC_STEP_DONE) {
        lc_worker_got_on(worker);
        tell_recovered(r);
    }
    partition->waits = false;
    partition->resume_ms = 0;
    g_clear_pointer(&partition->recovery, lc_recovery_free);
    return done == LC_STEP_DONE || confirm(worker, problem, error);
}
