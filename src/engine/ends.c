/* ends.c - time goes on: the ends of the inputs are asked for, and safe times follow. */
#include "ends.h"

#include "belief.h"
#include "growth.h"
#include "patience.h"

#include <inttypes.h>

#define ASK_EVERY_MS 5000 /* for ends and partitions, when no timer asks sooner */
#define ASK_AGAIN_MS 500  /* where that was not answered, or not as it must be */

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
        if (!lc_is_unanswered(partition->n_unanswered))
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
    if (lc_is_unanswered(worker->n_unanswered))
        lc_worker_complain(worker, "Kafka", &problem);
    else
        complain_of_silence(worker, &unanswered);
    return true;
}

/* Read the clock, then ask. */
bool
lc_worker_advance_time(lc_worker *worker, GError **error)
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
