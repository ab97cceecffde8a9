/* worker.c - the loop: one round after the other, until it must stop. */
#include "worker.h"

#include "batch.h"
#include "batch_apply.h"
#include "ends.h"
#include "facts.h"
#include "fill.h"
#include "patience.h"
#include "recover.h"
#include "report.h"
#include "schemas.h"
#include "start.h"
#include "told.h"

#define MANY_TROUBLES 5 /* within LC_COMPLAIN_EVERY_MS */
/* So long after many it is not ready: each try looks well, up to where the last one ended. */
#define STUCK_MS 3000

static void
drop_partition(void *data)
{
    lc_partition *partition = data;

    lc_recovery_free(partition->recovery);
    lc_partition_free(partition);
}

/* Judges with the rows that are published. */
static lc_judge *
make_judge(const lc_worker_options *options)
{
    lc_judge *judge = lc_judge_new(options->book);
    unsigned row_types = 0;

    for (unsigned type = 0; type < LC_ROW_TYPES; type++)
        if (options->output_names[lc_table_output((int)type)])
            row_types |= 1u << type;
    lc_judge_set_rows(judge, row_types);
    return judge;
}

lc_worker *
lc_worker_new(const lc_worker_options *options)
{
    lc_worker *worker = g_new0(lc_worker, 1);

    worker->options = *options;
    worker->log = options->log;
    worker->store = options->store;
    worker->time = options->time;
    worker->n_inputs = options->log->n_inputs;
    worker->own_told = options->told ? NULL : lc_told_new();
    worker->told = options->told ? options->told : worker->own_told;
    worker->schemas = lc_schemas_new(options->registry, options->registry_timeout, options->time, worker->told);
    worker->judge = make_judge(&worker->options);
    worker->partitions = g_ptr_array_new_with_free_func(drop_partition);
    worker->members = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    worker->fenced = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    worker->unfenceable = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    worker->differ_ms = LC_ABSENT;
    worker->poison = lc_facts_poison_new();
    lc_wall_clock_init(&worker->wall_clock, options->max_future);
    worker->probed_ms = INT64_MIN / 2;
    worker->report.ahead_of_broker = LC_ABSENT;
    worker->trouble_ms = worker->stuck_until_ms = INT64_MIN / 2;
    worker->report.turned_ms = worker->shared.turned_ms = lc_worker_now_ms(worker);
    worker->leads = lc_lead_cache_new(options->cache_bytes);
    worker->batch = lc_batch_new(worker);
    worker->leads_at_once = UINT_MAX / 2;
    worker->lead_bytes = 1024;
    if (worker->options.batch_bytes == 0)
        worker->options.batch_bytes = LC_BATCH_BYTES;
    g_mutex_init(&worker->shared_lock);
    return worker;
}

void
lc_worker_free(lc_worker *worker)
{
    lc_fill_free(worker->fill);
    lc_batch_free(worker->batch);
    lc_lead_cache_free(worker->leads);
    g_ptr_array_unref(worker->partitions);
    lc_log_free(worker->log);
    lc_store_free(worker->store);
    g_hash_table_unref(worker->members);
    g_hash_table_unref(worker->fenced);
    g_hash_table_unref(worker->unfenceable);
    g_hash_table_unref(worker->poison);
    lc_judge_free(worker->judge);
    lc_schemas_free(worker->schemas);
    lc_told_free(worker->own_told);
    g_free(worker->policy_hash);
    g_mutex_clear(&worker->shared_lock);
    lc_worker_report_clear(&worker->shared);
    g_free(worker);
}

/* A producer that was fenced may mean that its partitions are going to another: a rebalance under way comes first. */
static bool
make_producer(lc_worker *worker, GError **error)
{
    worker->producer_ready = lc_worker_tend(worker, LC_RETRY_AFTER_MS, error) &&
                             lc_worker_insist(worker, "Kafka's transactions", lc_worker_renew_producer, NULL, error);
    return worker->producer_ready;
}

/* Each by itself: one that waits is come back to, and the others go on meanwhile. By turns, because the group is to be
 * polled in between. */
static bool
recover_partitions(lc_worker *worker, GError **error)
{
    int64_t until_ms = lc_worker_now_ms(worker) + LC_TEND_EVERY_MS;
    guint n = worker->partitions->len;

    for (guint i = 0; i < n && lc_worker_now_ms(worker) < until_ms; i++) {
        lc_partition *partition = worker->partitions->pdata[worker->turn++ % n];
        if (partition->must_recover && lc_worker_now_ms(worker) >= partition->resume_ms &&
            !lc_recover(worker, partition, error))
            return false;
    }
    return true;
}

static bool
any_waits(const lc_worker *worker)
{
    for (guint i = 0; i < worker->partitions->len; i++) {
        const lc_partition *partition = worker->partitions->pdata[i];
        if (lc_is_unanswered(partition->n_unanswered) || (partition->must_recover && partition->waits))
            return true;
    }
    return false;
}

static bool
make_ready(lc_worker *worker, GError **error)
{
    if (!worker->producer_ready && !make_producer(worker, error))
        return false;
    if (!worker->store_ready &&
        !(worker->store_ready = lc_worker_insist(worker, "Redis", lc_worker_open_store, NULL, error)))
        return false;
    if (!recover_partitions(worker, error))
        return false;
    if (worker->fill == NULL)
        lc_worker_resume_all(worker);
    if (!any_waits(worker) && !lc_is_unanswered(worker->n_unanswered) && !worker->denied &&
        lc_worker_now_ms(worker) >= worker->stuck_until_ms)
        worker->report.waiting_for[0] = '\0';
    return true;
}

void
lc_worker_use_book(lc_worker *worker, const lc_policy_book *book)
{
    atomic_store(&worker->next_book, book);
}

static void
take_book(lc_worker *worker)
{
    const lc_policy_book *book = atomic_exchange(&worker->next_book, NULL);

    if (book == NULL)
        return;
    lc_judge_free(worker->judge);
    worker->options.book = book;
    worker->judge = make_judge(&worker->options);
    g_clear_pointer(&worker->policy_hash, g_free);
}

/* What nothing else would tell of: without partitions nothing is asked of brokers that are away, and who only reads
 * sees no more than that nothing comes. */
static void
tell_trouble(lc_worker *worker)
{
    g_autoptr(GError) problem = lc_log_trouble(worker->log);
    bool is_known = problem != NULL;
    bool left_out = !worker->report.joined && lc_worker_now_ms(worker) - worker->left_ms >= LC_COMPLAIN_EVERY_MS;

    if (!worker->report.joined && (left_out || is_known))
        lc_worker_complain(worker, "the group to give it partitions", &problem);
    else if (is_known)
        lc_worker_complain(worker, "facts", &problem);
}

static void
tell_of_oddities(lc_worker *worker, bool at_once)
{
    lc_told_tell(worker->told, worker->options.output_names[LC_OUTPUT_DEAD_LETTERS], lc_worker_now_ms(worker), at_once);
}

static bool
go_round(lc_worker *worker, GError **error)
{
    take_book(worker);
    if (!make_ready(worker, error))
        return false;
    if (!LC_CHECKS(LC_CHECK_APART) && lc_worker_resumes_in_ms(worker) != INT64_MAX)
        return lc_worker_tend(worker, LC_RETRY_AFTER_MS, error);
    tell_trouble(worker);
    if (!lc_worker_advance_time(worker, error))
        return false;
    lc_worker_publish_report(worker);
    tell_of_oddities(worker, false);
    /* The broker was asked for its clock: a new producer comes first. */
    if (!worker->producer_ready)
        return true;
    return worker->fill ? lc_fill_go_round(worker, error) : lc_batch_process(worker->batch, error);
}

/* One trouble is told, and tried again at once. Where they don't end, the log is not to be filled. */
static void
take_trouble(lc_worker *worker, GError **problem)
{
    int64_t now_ms = lc_worker_now_ms(worker);

    if (now_ms - worker->trouble_ms >= LC_COMPLAIN_EVERY_MS) {
        worker->trouble_ms = now_ms;
        worker->n_troubles = 0;
    }
    bool many = ++worker->n_troubles > MANY_TROUBLES;
    bool is_said = !lc_told_may_say(worker->told, worker, (*problem)->message, now_ms, LC_COMPLAIN_EVERY_MS);
    g_log_structured(G_LOG_DOMAIN, many || is_said ? G_LOG_LEVEL_DEBUG : G_LOG_LEVEL_WARNING, "WORKER",
                     worker->options.transactional_id, "MESSAGE", "%s; recovering", (*problem)->message);
    if (many) {
        worker->stuck_until_ms = now_ms + STUCK_MS;
        lc_worker_complain(worker, "its troubles to end", problem);
    }
    g_clear_error(problem);
    lc_worker_publish_report(worker);
    worker->time->sleep_ms(worker->time, many ? LC_TEND_EVERY_MS : 10);
}

/* A right that a transaction or a recovery lacks. Waited for with all given back, so that it is cheap to try again.
 * False: the worker must stop. */
static bool
bear_denial(lc_worker *worker, GError **problem)
{
    GError *denial = g_steal_pointer(problem);

    lc_worker_complain(worker, "a right", &denial);
    return lc_worker_wait_to_retry(worker, true, problem) || *problem == NULL;
}

/* A round that ended badly, and would end better by and by. A tool does not try for ever. */
static bool
may_try_again(const lc_worker *worker, GError *problem)
{
    if (!g_error_matches(problem, LC_ERROR, LC_ERROR_RETRY) && !g_error_matches(problem, LC_ERROR, LC_ERROR_ABORT))
        return false;
    if (!lc_worker_despairs(worker))
        return true;
    problem->code = LC_ERROR_RETRY;
    return false;
}

/* After a round that did not end well. False: the worker must stop. */
static bool
bear(lc_worker *worker, GError **problem)
{
    if (*problem == NULL)
        return true;
    if (lc_is_denied(*problem) && worker->give_up_ms == 0)
        return bear_denial(worker, problem);
    if (!may_try_again(worker, *problem))
        return false;
    if (g_error_matches(*problem, LC_ERROR, LC_ERROR_ABORT))
        worker->producer_ready = false;
    take_trouble(worker, problem);
    return true;
}

bool
lc_worker_run(lc_worker *worker, GError **error)
{
    g_autoptr(GError) problem = NULL;

    if (!lc_worker_start(worker, &problem)) {
        if (problem)
            g_propagate_error(error, g_steal_pointer(&problem));
        return lc_worker_is_stopping(worker);
    }
    bool is_well = true;
    lc_worker_got_on(worker);
    while (is_well && !lc_worker_is_stopping(worker))
        is_well = go_round(worker, &problem) || bear(worker, &problem);
    if (is_well && worker->store_ready)
        lc_batch_make_sure(worker->batch, NULL);
    tell_of_oddities(worker, true);
    if (!is_well)
        g_propagate_error(error, g_steal_pointer(&problem));
    return is_well;
}

bool
lc_worker_fill(lc_worker *worker, lc_tell_progress tell, void *data, uint64_t *n_leads, GError **error)
{
    *n_leads = 0;
    if (!lc_worker_prepare(worker, error))
        return false;
    worker->fill = lc_fill_new(worker, tell, data);
    return lc_worker_run(worker, error) && lc_fill_is_done(worker->fill, worker, n_leads);
}
