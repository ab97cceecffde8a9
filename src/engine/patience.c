/* patience.c - waiting for servers: the group is tended, what is waited for is told, and a tool gives up. */
#include "patience.h"

#include "assignment.h"
#include "report.h"
#include "told.h"

#define TRIES 4 /* of a tool, each of which may take as long as its patience */

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
        return lc_worker_take_assignment(worker, error);
    case LC_LOG_REVOKED:
        lc_worker_give_up_assignment(worker);
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

void
lc_worker_resume_all(lc_worker *worker)
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
    if (wait_ms == 0 && lc_worker_now_ms(worker) - worker->tended_ms < LC_TEND_EVERY_MS)
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

void
lc_worker_complain(lc_worker *worker, const char *what, GError **error)
{
    int64_t now_ms = lc_worker_now_ms(worker);

    g_snprintf(worker->report.waiting_for, sizeof worker->report.waiting_for, "%s: %s", what,
               *error ? (*error)->message : "no answer yet");
    lc_worker_publish_report(worker);
    /* By what is waited for, because one wait is not to hide that another has begun. */
    if (lc_told_may_say(worker->told, NULL, what, now_ms, LC_COMPLAIN_EVERY_MS))
        g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "WORKER", worker->options.transactional_id, "MESSAGE",
                         "waiting for %s: %s", what, *error ? (*error)->message : "no answer yet");
    g_clear_error(error);
}

void
lc_worker_give_up_after(lc_worker *worker, lc_duration patience)
{
    worker->give_up_ms = patience;
}

bool
lc_worker_gives_up(const lc_worker *worker, int64_t since_ms)
{
    return worker->give_up_ms && !lc_registry_is_asking(worker->options.registry) &&
           lc_worker_now_ms(worker) - since_ms >= worker->give_up_ms;
}

void
lc_worker_got_on(lc_worker *worker)
{
    worker->got_on_ms = lc_worker_now_ms(worker);
}

bool
lc_worker_despairs(const lc_worker *worker)
{
    return worker->give_up_ms && lc_worker_now_ms(worker) - worker->got_on_ms >= TRIES * worker->give_up_ms;
}

bool
lc_worker_may_wait(const lc_worker *worker, const GError *problem, int64_t began_ms)
{
    if (worker->give_up_ms == 0 && lc_is_denied(problem))
        return true;
    return g_error_matches(problem, LC_ERROR, LC_ERROR_RETRY) && !lc_worker_gives_up(worker, began_ms);
}

bool
lc_worker_wait_to_retry(lc_worker *worker, bool denied, GError **error)
{
    unsigned assignments = worker->assignments;
    int64_t until_ms = lc_worker_now_ms(worker) + (denied ? LC_RIGHT_AFTER_MS : LC_RETRY_AFTER_MS);

    do
        if (!lc_worker_tend(worker, LC_RETRY_AFTER_MS, error) || worker->assignments != assignments)
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
        if (!lc_worker_may_wait(worker, problem, began_ms)) {
            g_propagate_error(error, g_steal_pointer(&problem));
            return false;
        }
        bool denied = lc_is_denied(problem);
        lc_worker_complain(worker, what, &problem);
        if (!lc_worker_wait_to_retry(worker, denied, error))
            return false;
    }
}

/* Before the group is joined there is nothing to tend. */
bool
lc_worker_insist_at_start(lc_worker *worker, const char *what, lc_worker_call call, GError **error)
{
    int64_t began_ms = lc_worker_now_ms(worker);

    while (!lc_worker_is_stopping(worker)) {
        g_autoptr(GError) problem = NULL;
        if (call(worker, NULL, &problem))
            return true;
        if (!lc_worker_may_wait(worker, problem, began_ms)) {
            g_propagate_error(error, g_steal_pointer(&problem));
            return false;
        }
        int64_t until_ms = lc_worker_now_ms(worker) + (lc_is_denied(problem) ? LC_RIGHT_AFTER_MS : LC_RETRY_AFTER_MS);
        lc_worker_complain(worker, what, &problem);
        do
            worker->time->sleep_ms(worker->time, LC_RETRY_AFTER_MS);
        while (lc_worker_now_ms(worker) < until_ms && !lc_worker_is_stopping(worker));
    }
    return false;
}

void
lc_worker_stop(lc_worker *worker)
{
    atomic_store(&worker->stopping, true);
}
