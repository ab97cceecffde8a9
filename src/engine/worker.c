#include "worker.h"

#include <inttypes.h>
#include <time.h>

#define TEND_EVERY_MS 500 /* the group is polled at least so often while something is waited for */
#define COMPLAIN_EVERY_MS 10000
#define RETRY_AFTER_MS 200
#define MANY_TROUBLES 5     /* within COMPLAIN_EVERY_MS */
#define ASK_EVERY_MS 5000   /* for ends and partitions, when no timer asks sooner */
#define RIGHT_AFTER_MS 5000 /* a right that was refused is tried again; each try may cost a producer and a recovery */
#define ASK_AGAIN_MS 500    /* where that was not answered, or not as it must be */

/* ---- The machine's clocks ---- */

static int64_t
read_clock(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static lc_instant
system_wall(lc_time *time)
{
    (void)time;
    return read_clock(CLOCK_REALTIME);
}

/* Goes on while the machine sleeps, as the wall clock does. */
static int64_t
system_monotonic_ms(lc_time *time)
{
    (void)time;
    return read_clock(CLOCK_BOOTTIME);
}

static void
system_sleep_ms(lc_time *time, int ms)
{
    (void)time;
    g_usleep((gulong)ms * 1000);
}

lc_time lc_system_time = {system_wall, system_monotonic_ms, system_sleep_ms};

/* ---- Small things ---- */

int64_t
lc_worker_now_ms(const lc_worker *worker)
{
    return worker->time->monotonic_ms(worker->time);
}

bool
lc_worker_is_stopping(const lc_worker *worker)
{
    return atomic_load_explicit(&worker->stopping, memory_order_relaxed);
}

void
lc_worker_stop(lc_worker *worker)
{
    atomic_store(&worker->stopping, true);
}

void
lc_partition_free(void *data)
{
    lc_partition *partition = data;

    lc_recovery_free(partition->recovery);
    g_free(partition->offsets);
    g_free(partition->read);
    g_free(partition->read_append_at);
    g_free(partition->seen_ends);
    g_free(partition->expected);
    g_free(partition->policy_hash);
    lc_safe_time_clear(&partition->safe);
    lc_partition_counters_free(partition->counters);
    g_free(partition);
}

lc_partition *
lc_partition_new(const lc_worker *worker, int32_t number)
{
    lc_partition *partition = g_new0(lc_partition, 1);

    partition->number = number;
    partition->must_recover = partition->must_claim = true;
    partition->recovery_cause = LC_RECOVERY_ASSIGNED;
    partition->seen_ends = g_new(int64_t, worker->n_inputs);
    memset(partition->seen_ends, -1, sizeof(int64_t) * (size_t)worker->n_inputs);
    partition->offsets = g_new0(int64_t, worker->n_inputs);
    partition->read = g_new0(int64_t, worker->n_inputs);
    partition->read_append_at = g_new0(lc_instant, worker->n_inputs);
    partition->safe.now = LC_ABSENT;
    partition->next_wakeup = LC_NEVER;
    partition->counters = lc_partition_counters_new();
    return partition;
}

void
lc_partition_lose(lc_partition *partition, lc_recovery_cause cause)
{
    /* The first cause is the one; what follows from it is not another. */
    if (!partition->must_recover)
        partition->recovery_cause = cause;
    partition->must_recover = true;
}

lc_partition *
lc_worker_partition(const lc_worker *worker, int32_t number)
{
    for (guint i = 0; i < worker->partitions->len; i++) {
        lc_partition *partition = worker->partitions->pdata[i];
        if (partition->number == number)
            return partition;
    }
    return NULL;
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
    worker->judge = lc_judge_new(options->book);
    worker->partitions = g_ptr_array_new_with_free_func(lc_partition_free);
    worker->members = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    worker->fenced = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    worker->unfenceable = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    worker->poison = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    lc_wall_clock_init(&worker->wall_clock, options->max_future);
    worker->probed_ms = INT64_MIN / 2;
    worker->report.ahead_of_broker = LC_ABSENT;
    worker->complained_ms = worker->trouble_ms = INT64_MIN / 2;
    worker->report.turned_ms = worker->shared.turned_ms = lc_worker_now_ms(worker);
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
    lc_batch_free(worker->batch);
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

/* ---- The policy in effect ---- */

/* By a clock that is ahead a document would seem to be in effect that may still be changed. */
const char *
lc_worker_policy_hash(lc_worker *worker)
{
    lc_instant now =
        lc_wall_clock_checked(&worker->wall_clock, worker->time->wall(worker->time), lc_worker_now_ms(worker));

    if (worker->policy_hash && now >= worker->policy_hash_from && now < worker->policy_hash_until)
        return worker->policy_hash;
    g_free(worker->policy_hash);
    worker->policy_hash = lc_policy_book_hash(worker->options.book, now);
    worker->policy_hash_from = now;
    worker->policy_hash_until = LC_NEVER;
    for (size_t i = 0; i < lc_policy_book_size(worker->options.book); i++) {
        lc_instant from = lc_policy_book_get(worker->options.book, i)->effective_from;
        if (from > now)
            worker->policy_hash_until = MIN(worker->policy_hash_until, from);
    }
    return worker->policy_hash;
}

/* Which of them are in effect is not asked: their text is the same, so no promise was changed, and the clocks of two
 * owners differ. */
bool
lc_worker_knows_policy_hash(const lc_worker *worker, lc_text hash)
{
    for (size_t i = 0; i < lc_policy_book_size(worker->options.book); i++) {
        lc_instant from = lc_policy_book_get(worker->options.book, i)->effective_from;
        g_autofree char *known = lc_policy_book_hash(worker->options.book, MAX(from, 0));
        if (lc_text_equal(lc_text_of(known), hash))
            return true;
    }
    return false;
}

/* ---- The group ---- */

/* Topics that grew while it runs: keys lie elsewhere now, and there is no place for these partitions in the store. */
static bool
refuse_growth(const lc_worker *worker, int32_t partitions, GError **error)
{
    g_set_error(error, LC_ERROR, LC_ERROR_CONFIG,
                "the topics have %" PRId32 " partitions, and had %" PRId32 " when this started: " LC_AFTER_GROWTH,
                partitions, worker->partition_count);
    return false;
}

bool
lc_worker_confirm_partitions(lc_worker *worker, GError **error)
{
    int32_t partitions;

    if (!LC_CHECKS(LC_CHECK_GROWTH))
        return true;
    if (!lc_log_check_topics(worker->log, &partitions, error))
        return false;
    if (partitions != worker->partition_count)
        return refuse_growth(worker, partitions, error);
    if (worker->report.joined && !worker->group_checked)
        worker->group_checked = lc_log_check_group(worker->log, worker->partition_count, error);
    return !worker->report.joined || worker->group_checked;
}

static bool
take_assignment(lc_worker *worker, GError **error)
{
    size_t n;
    const int32_t *numbers = lc_log_assignment(worker->log, &n);
    g_autoptr(GString) list = g_string_new(NULL);

    worker->report.joined = true;
    worker->group_checked = false;
    g_hash_table_remove_all(worker->members);
    g_hash_table_remove_all(worker->fenced);
    g_hash_table_remove_all(worker->unfenceable);
    for (size_t i = 0; i < n; i++) {
        if (numbers[i] >= worker->partition_count)
            return refuse_growth(worker, numbers[n - 1] + 1, error);
        if (lc_worker_partition(worker, numbers[i]) == NULL)
            g_ptr_array_add(worker->partitions, lc_partition_new(worker, numbers[i]));
        g_string_append_printf(list, "%s%" PRId32, i ? "," : "", numbers[i]);
    }
    g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_INFO, "WORKER", worker->options.transactional_id, "PARTITIONS",
                     list->str, "MESSAGE", "partitions assigned");
    return true;
}

static void
give_up_assignment(lc_worker *worker)
{
    worker->assignments++;
    worker->report.joined = worker->denied = false;
    worker->left_ms = lc_worker_now_ms(worker);
    lc_batch_abort(worker->batch);
    g_ptr_array_set_size(worker->partitions, 0);
    lc_log_release_assignment(worker->log);
    g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_INFO, "WORKER", worker->options.transactional_id, "MESSAGE",
                     "partitions given up");
}

bool
lc_worker_handle(lc_worker *worker, const lc_log_event *event, GError **error)
{
    lc_partition *partition;

    switch (event->type) {
    case LC_LOG_NOTHING:
    case LC_LOG_RECORD:
        return true;
    case LC_LOG_END:
        partition = lc_worker_partition(worker, event->partition);
        if (partition && !partition->must_recover)
            partition->read[event->topic] = MAX(partition->read[event->topic], event->offset);
        return true;
    case LC_LOG_ASSIGNED:
        return take_assignment(worker, error);
    case LC_LOG_REVOKED:
        give_up_assignment(worker);
        return false;
    case LC_LOG_OFFSET_LOST:
        partition = lc_worker_partition(worker, event->partition);
        if (partition)
            lc_partition_lose(partition, LC_RECOVERY_OFFSET_LOST);
        return true;
    case LC_LOG_INSTANCE_FENCED:
        g_set_error(error, LC_ERROR, LC_ERROR_CONFIG,
                    "another process runs as the same instance (%s): give each process its own `instance`",
                    worker->options.transactional_id);
        return false;
    }
    return true;
}

static void
pause_all(lc_worker *worker)
{
    if (worker->paused)
        return;
    for (guint i = 0; i < worker->partitions->len; i++)
        lc_log_pause(worker->log, ((lc_partition *)worker->partitions->pdata[i])->number);
    worker->paused = true;
}

static void
resume_all(lc_worker *worker)
{
    if (!worker->paused)
        return;
    for (guint i = 0; i < worker->partitions->len; i++) {
        const lc_partition *partition = worker->partitions->pdata[i];
        if (!partition->must_recover)
            lc_log_resume(worker->log, partition->number);
    }
    worker->paused = false;
}

bool
lc_worker_tend(lc_worker *worker, int wait_ms, GError **error)
{
    lc_log_event event;

    if (lc_worker_is_stopping(worker))
        return false;
    if (wait_ms == 0 && lc_worker_now_ms(worker) - worker->tended_ms < TEND_EVERY_MS)
        return true;
    pause_all(worker);
    lc_worker_publish_report(worker);
    do {
        if (!lc_log_poll(worker->log, wait_ms, &event, error))
            return false;
        worker->tended_ms = lc_worker_now_ms(worker);
        if (event.type == LC_LOG_RECORD) {
            /* Not to be delivered while paused; what was polled now comes again after recovery. */
            lc_partition *partition = lc_worker_partition(worker, event.partition);
            if (partition)
                lc_partition_lose(partition, LC_RECOVERY_ABORTED);
        }
        if (!lc_worker_handle(worker, &event, error))
            return false;
        wait_ms = 0;
    } while (event.type != LC_LOG_NOTHING);
    return true;
}

/* ---- Waiting ---- */

void
lc_worker_complain(lc_worker *worker, const char *what, GError **error)
{
    int64_t now_ms = lc_worker_now_ms(worker);

    g_snprintf(worker->report.waiting_for, sizeof worker->report.waiting_for, "%s: %s", what,
               *error ? (*error)->message : "no answer yet");
    lc_worker_publish_report(worker);
    if (now_ms - worker->complained_ms >= COMPLAIN_EVERY_MS &&
        lc_told_may_say(worker->told, worker, what, now_ms, COMPLAIN_EVERY_MS)) {
        worker->complained_ms = now_ms;
        g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "WORKER", worker->options.transactional_id, "MESSAGE",
                         "waiting for %s: %s", what, *error ? (*error)->message : "no answer yet");
    }
    g_clear_error(error);
}

bool
lc_worker_may_say_once(lc_worker *worker, const char *what)
{
    return lc_told_may_say(worker->told, NULL, what, 0, INT64_MAX);
}

void
lc_worker_give_up_after(lc_worker *worker, lc_duration patience)
{
    worker->give_up_ms = patience;
}

static bool
is_denied(const GError *problem)
{
    return g_error_matches(problem, LC_ERROR, LC_ERROR_DENIED);
}

/* Is this an error that goes away by waiting, and is there time left to wait? Rights may be given while the service
 * waits; a tool ends. A registry that is slow is not away. */
static bool
may_wait(const lc_worker *worker, const GError *problem, int64_t began_ms)
{
    if (worker->give_up_ms == 0 && is_denied(problem))
        return true;
    return g_error_matches(problem, LC_ERROR, LC_ERROR_RETRY) &&
           (worker->give_up_ms == 0 || lc_schemas_is_asking(worker->schemas) ||
            lc_worker_now_ms(worker) - began_ms < worker->give_up_ms);
}

/* Until what failed is tried again. False: give up (see lc_worker_tend), or the assignment has changed. */
static bool
wait_to_retry(lc_worker *worker, bool denied, GError **error)
{
    unsigned assignments = worker->assignments;
    int64_t until_ms = lc_worker_now_ms(worker) + (denied ? RIGHT_AFTER_MS : RETRY_AFTER_MS);

    do
        if (!lc_worker_tend(worker, RETRY_AFTER_MS, error) || worker->assignments != assignments)
            return false;
    while (lc_worker_now_ms(worker) < until_ms);
    return true;
}

bool
lc_worker_insist(lc_worker *worker, const char *what, lc_worker_call call, void *argument, GError **error)
{
    int64_t began_ms = lc_worker_now_ms(worker);

    for (;;) {
        g_autoptr(GError) problem = NULL;
        if (call(worker, argument, &problem))
            return true;
        if (!may_wait(worker, problem, began_ms)) {
            g_propagate_error(error, g_steal_pointer(&problem));
            return false;
        }
        bool denied = is_denied(problem);
        lc_worker_complain(worker, what, &problem);
        if (!wait_to_retry(worker, denied, error))
            return false;
    }
}

/* Before the group is joined there is nothing to tend. */
static bool
insist_at_start(lc_worker *worker, const char *what, lc_worker_call call, GError **error)
{
    int64_t began_ms = lc_worker_now_ms(worker);

    while (!lc_worker_is_stopping(worker)) {
        g_autoptr(GError) problem = NULL;
        if (call(worker, NULL, &problem))
            return true;
        if (!may_wait(worker, problem, began_ms)) {
            g_propagate_error(error, g_steal_pointer(&problem));
            return false;
        }
        int64_t until_ms = lc_worker_now_ms(worker) + (is_denied(problem) ? RIGHT_AFTER_MS : RETRY_AFTER_MS);
        lc_worker_complain(worker, what, &problem);
        do
            worker->time->sleep_ms(worker->time, RETRY_AFTER_MS);
        while (lc_worker_now_ms(worker) < until_ms && !lc_worker_is_stopping(worker));
    }
    return false;
}

static bool
check_topics(lc_worker *worker, void *argument, GError **error)
{
    (void)argument;
    return lc_log_check_topics(worker->log, &worker->partition_count, error);
}

static bool
refuse_former_count(const lc_worker *worker, int32_t former, GError **error)
{
    g_set_error(error, LC_ERROR, LC_ERROR_CONFIG,
                "the group's offsets are of a time when the topics had %" PRId32 " partitions, and they have %" PRId32
                ": " LC_AFTER_GROWTH,
                former, worker->partition_count);
    return false;
}

bool
lc_worker_compare_count(const lc_worker *worker, const lc_metadata *metadata, GError **error)
{
    return metadata->partitions == 0 || metadata->partitions == worker->partition_count ||
           refuse_former_count(worker, metadata->partitions, error);
}

/* Metadata of version 1 does not say of how many partitions it is one. But who has run has committed something for each
 * partition that there was. */
static bool
compare_extent(const lc_worker *worker, const lc_text *metadata, GError **error)
{
    int32_t n = worker->partition_count;

    while (n > 0 && lc_text_is_absent(metadata[n - 1]))
        n--;
    for (int32_t p = 0; p < n; p++)
        if (!g_str_has_prefix(metadata[p].data ? metadata[p].data : "", "1:"))
            return true;
    return n == 0 || n == worker->partition_count || refuse_former_count(worker, n, error);
}

static bool
refuse_half_done(GError **error)
{
    g_set_error(error, LC_ERROR, LC_ERROR_FATAL, "%s", lc_reset_under_way + strlen(LC_METADATA_LOST));
    return false;
}

/* Before anything is made for another number of partitions than leads' states lie in. */
static bool
check_former_count(lc_worker *worker, void *argument, GError **error)
{
    lc_arena arena = {0};
    g_autofree lc_text *found = g_new0(lc_text, worker->partition_count);
    lc_metadata metadata;

    (void)argument;
    bool ok = lc_log_committed_metadata(worker->log, worker->partition_count, found, &arena, error);
    for (int32_t p = 0; ok && p < worker->partition_count; p++)
        ok = lc_text_equal(found[p], lc_text_of(lc_reset_under_way)) ? refuse_half_done(error)
             : lc_metadata_parse(found[p], &metadata)                ? lc_worker_compare_count(worker, &metadata, error)
                                                                     : true;
    ok = ok && compare_extent(worker, found, error);
    lc_arena_clear(&arena);
    return ok;
}

static bool
check_instance(lc_worker *worker, void *argument, GError **error)
{
    (void)argument;
    return lc_log_check_instance(worker->log, error);
}

static bool
register_schemas(lc_worker *worker, void *argument, GError **error)
{
    (void)argument;
    return lc_schemas_register(worker->schemas, worker->options.output_names, error);
}

static bool
open_store(lc_worker *worker, void *argument, GError **error)
{
    (void)argument;
    return lc_store_open(worker->store, worker->partition_count, error);
}

static bool
renew_producer(lc_worker *worker, void *argument, GError **error)
{
    (void)argument;
    return lc_log_renew_producer(worker->log, error);
}

/* ---- The loop ---- */

/* Once is nothing; from then on it is said. */
static bool
is_unanswered(unsigned n_questions)
{
    return n_questions >= 2;
}

static bool
wants_time(const lc_worker *worker, lc_instant wall)
{
    for (guint i = 0; i < worker->partitions->len; i++) {
        const lc_partition *partition = worker->partitions->pdata[i];
        if (!partition->must_recover && partition->next_wakeup != LC_NEVER &&
            partition->next_wakeup < wall - worker->options.lateness && partition->next_wakeup >= partition->safe.now)
            return true;
    }
    /* Lag is to be known although no timer is due; and who has no partitions is to notice that topics change, or that
     * brokers are away. */
    return lc_worker_now_ms(worker) - worker->asked_ms >= (worker->n_unanswered ? ASK_AGAIN_MS : ASK_EVERY_MS);
}

static void
take_end(lc_worker *worker, const lc_log_end *end, lc_instant wall, int64_t now_ms)
{
    lc_partition *partition = lc_worker_partition(worker, end->partition);

    if (partition == NULL)
        return;
    partition->n_unanswered = 0;
    /* Above the stable end there is an open transaction: it counts as behind until that is read too. */
    partition->seen_ends[end->topic] = end->stable_end;
    if (!partition->must_recover)
        lc_safe_time_asked(&partition->safe, end->topic, MAX(end->stable_end, end->high_watermark), wall, now_ms);
}

/* A partition whose ends are not told waits for them by itself. */
static void
complain_of_silence(lc_worker *worker, GError **problem)
{
    for (guint i = 0; i < worker->partitions->len; i++) {
        const lc_partition *partition = worker->partitions->pdata[i];
        if (!is_unanswered(partition->n_unanswered))
            continue;
        if (*problem == NULL)
            g_set_error(problem, LC_ERROR, LC_ERROR_RETRY,
                        "the ends of the inputs of partition %" PRId32 " are not told", partition->number);
        lc_worker_complain(worker, "Kafka", problem);
        return;
    }
}

static void
take_ends(lc_worker *worker, const lc_log_end *ends, size_t n, lc_instant wall, int64_t now_ms)
{
    for (guint i = 0; i < worker->partitions->len; i++)
        lc_safe_time_confirm(&((lc_partition *)worker->partitions->pdata[i])->safe);
    for (size_t i = 0; i < n; i++)
        take_end(worker, &ends[i], wall, now_ms);
}

/* Partitions after ends: what was published by `wall` is before these ends, or in a partition that is counted. False:
 * topics have grown, LC_ERROR_CONFIG. */
static bool
ask_ends(lc_worker *worker, lc_instant wall, int64_t now_ms, GError **error)
{
    const lc_log_end *ends;
    size_t n;
    g_autoptr(GError) problem = NULL, unanswered = NULL;

    worker->asked_ms = now_ms;
    for (guint i = 0; i < worker->partitions->len; i++)
        ((lc_partition *)worker->partitions->pdata[i])->n_unanswered++;
    bool told = lc_log_ends(worker->log, &ends, &n, &unanswered);
    bool counted = lc_worker_confirm_partitions(worker, &problem);
    if (g_error_matches(problem, LC_ERROR, LC_ERROR_CONFIG)) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return false;
    }
    worker->n_unanswered = counted ? 0 : worker->n_unanswered + 1;
    if (counted && told)
        take_ends(worker, ends, n, wall, now_ms);
    if (is_unanswered(worker->n_unanswered))
        lc_worker_complain(worker, "Kafka", &problem);
    else
        complain_of_silence(worker, &unanswered);
    return true;
}

/* Read the clock, then ask. */
static bool
advance_time(lc_worker *worker, GError **error)
{
    lc_instant wall = worker->time->wall(worker->time);
    int64_t now_ms = lc_worker_now_ms(worker);

    if (!lc_worker_believes(worker, wall, now_ms))
        return true;
    if (wants_time(worker, wall) && !ask_ends(worker, wall, now_ms, error))
        return false;
    for (guint i = 0; i < worker->partitions->len; i++) {
        lc_partition *partition = worker->partitions->pdata[i];
        if (!partition->must_recover)
            lc_safe_time_advance(&partition->safe, now_ms, worker->options.lateness, worker->options.patience);
    }
    return true;
}

/* A producer that was fenced may mean that its partitions are going to another: a rebalance under way comes first. */
static bool
make_producer(lc_worker *worker, GError **error)
{
    worker->producer_ready = lc_worker_tend(worker, RETRY_AFTER_MS, error) &&
                             lc_worker_insist(worker, "Kafka's transactions", renew_producer, NULL, error);
    return worker->producer_ready;
}

/* Each by itself: one that waits is come back to, and the others go on meanwhile. By turns, because the group is to be
 * polled in between. */
static bool
recover_partitions(lc_worker *worker, GError **error)
{
    int64_t until_ms = lc_worker_now_ms(worker) + TEND_EVERY_MS;
    guint n = worker->partitions->len;

    for (guint i = 0; i < n && lc_worker_now_ms(worker) < until_ms; i++) {
        lc_partition *partition = worker->partitions->pdata[worker->turn++ % n];
        if (partition->must_recover && lc_worker_now_ms(worker) >= partition->resume_ms &&
            !lc_recover(worker, partition, error))
            return false;
    }
    return true;
}

int64_t
lc_worker_resumes_in_ms(const lc_worker *worker)
{
    int64_t now_ms = lc_worker_now_ms(worker), in_ms = INT64_MAX;

    for (guint i = 0; i < worker->partitions->len; i++) {
        const lc_partition *partition = worker->partitions->pdata[i];
        if (partition->must_recover)
            in_ms = MIN(in_ms, MAX(partition->resume_ms - now_ms, 0));
    }
    return in_ms;
}

static bool
any_waits(const lc_worker *worker)
{
    for (guint i = 0; i < worker->partitions->len; i++) {
        const lc_partition *partition = worker->partitions->pdata[i];
        if (is_unanswered(partition->n_unanswered) || (partition->must_recover && partition->waits))
            return true;
    }
    return false;
}

static bool
make_ready(lc_worker *worker, GError **error)
{
    if (!worker->producer_ready && !make_producer(worker, error))
        return false;
    if (!worker->store_ready && !(worker->store_ready = lc_worker_insist(worker, "Redis", open_store, NULL, error)))
        return false;
    if (!recover_partitions(worker, error))
        return false;
    resume_all(worker);
    if (!any_waits(worker) && !is_unanswered(worker->n_unanswered) && !worker->denied)
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
    worker->judge = lc_judge_new(book);
    worker->options.book = book;
    g_clear_pointer(&worker->policy_hash, g_free);
}

/* What nothing else would tell of: without partitions nothing is asked of brokers that are away, and who only reads
 * sees no more than that nothing comes. */
static void
tell_trouble(lc_worker *worker)
{
    g_autofree char *trouble = lc_log_trouble(worker->log);
    GError *problem = trouble ? g_error_new_literal(LC_ERROR, LC_ERROR_RETRY, trouble) : NULL;
    bool left_out = !worker->report.joined && lc_worker_now_ms(worker) - worker->left_ms >= COMPLAIN_EVERY_MS;

    if (!worker->report.joined && (left_out || trouble))
        lc_worker_complain(worker, "the group to give it partitions", &problem);
    else if (trouble)
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
        return lc_worker_tend(worker, RETRY_AFTER_MS, error);
    tell_trouble(worker);
    if (!advance_time(worker, error))
        return false;
    lc_worker_publish_report(worker);
    tell_of_oddities(worker, false);
    /* The broker was asked for its clock: a new producer comes first. */
    return !worker->producer_ready || lc_batch_process(worker->batch, error);
}

/* One trouble is told, and tried again at once. Where they don't end, the log is not to be filled. */
static void
take_trouble(lc_worker *worker, const char *problem)
{
    int64_t now_ms = lc_worker_now_ms(worker);

    if (now_ms - worker->trouble_ms >= COMPLAIN_EVERY_MS) {
        worker->trouble_ms = now_ms;
        worker->n_troubles = 0;
    }
    bool many = ++worker->n_troubles > MANY_TROUBLES;
    bool is_said = !lc_told_may_say(worker->told, worker, problem, now_ms, COMPLAIN_EVERY_MS);
    g_log_structured(G_LOG_DOMAIN, many || is_said ? G_LOG_LEVEL_DEBUG : G_LOG_LEVEL_WARNING, "WORKER",
                     worker->options.transactional_id, "MESSAGE", "%s; recovering", problem);
    lc_worker_publish_report(worker);
    worker->time->sleep_ms(worker->time, many ? TEND_EVERY_MS : 10);
}

/* A right that a transaction or a recovery lacks. Waited for with all given back, so that it is cheap to try again.
 * False: the worker must stop. */
static bool
bear_denial(lc_worker *worker, GError **problem)
{
    GError *denial = g_steal_pointer(problem);

    lc_worker_complain(worker, "a right", &denial);
    return wait_to_retry(worker, true, problem) || *problem == NULL;
}

/* After a round that did not end well. False: the worker must stop. */
static bool
bear(lc_worker *worker, GError **problem)
{
    if (*problem == NULL)
        return true;
    if (is_denied(*problem))
        return bear_denial(worker, problem);
    if (!g_error_matches(*problem, LC_ERROR, LC_ERROR_RETRY) && !g_error_matches(*problem, LC_ERROR, LC_ERROR_ABORT))
        return false;
    if (g_error_matches(*problem, LC_ERROR, LC_ERROR_ABORT))
        worker->producer_ready = false;
    take_trouble(worker, (*problem)->message);
    g_clear_error(problem);
    return true;
}

bool
lc_worker_prepare(lc_worker *worker, GError **error)
{
    worker->store_ready = insist_at_start(worker, "Kafka's topics", check_topics, error) &&
                          insist_at_start(worker, "the group's offsets", check_former_count, error) &&
                          insist_at_start(worker, "the schema registry", register_schemas, error) &&
                          insist_at_start(worker, "Redis", open_store, error);
    return worker->store_ready;
}

static bool
start(lc_worker *worker, GError **error)
{
    worker->producer_ready = lc_worker_prepare(worker, error) &&
                             insist_at_start(worker, "its name in the group", check_instance, error) &&
                             insist_at_start(worker, "Kafka's transactions", renew_producer, error);
    worker->left_ms = lc_worker_now_ms(worker);
    return worker->producer_ready && lc_log_subscribe(worker->log, error);
}

bool
lc_worker_run(lc_worker *worker, GError **error)
{
    g_autoptr(GError) problem = NULL;

    if (!start(worker, &problem)) {
        if (problem)
            g_propagate_error(error, g_steal_pointer(&problem));
        return lc_worker_is_stopping(worker);
    }
    bool is_well = true;
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
lc_worker_rebuild(lc_worker *worker, int32_t first, int32_t step, lc_tell_rebuild tell, void *data, uint64_t *n_records,
                  GError **error)
{
    bool done = lc_worker_prepare(worker, error);

    *n_records = 0;
    worker->tell_rebuild = tell;
    worker->rebuild_data = data;
    for (int32_t number = first; done && number < worker->partition_count; number += step) {
        lc_partition *partition = lc_partition_new(worker, number);
        done = lc_rebuild(worker, partition, n_records, error);
        lc_partition_free(partition);
    }
    return done;
}

bool
lc_worker_empty(lc_worker *worker, GError **error)
{
    bool done = insist_at_start(worker, "Kafka's topics", check_topics, error) &&
                insist_at_start(worker, "Redis", open_store, error);

    worker->store_ready = done;

    for (int32_t number = 0; done && number < worker->partition_count; number++) {
        lc_partition *partition = lc_partition_new(worker, number);
        done = lc_empty(worker, partition, error);
        lc_partition_free(partition);
    }
    return done;
}
