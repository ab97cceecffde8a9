/* report.c - how a worker stands, counted and shown to others. */
#include "report.h"

#include "worker.h"

#include <leadclock/codec.h>

const int64_t lc_histogram_bounds[LC_HISTOGRAM_BUCKETS - 1] = {1,   2,   5,    10,   20,   50,    100,
                                                               200, 500, 1000, 2000, 5000, 10000, 60000};

const char *
lc_dead_reason_name(lc_dead_reason reason)
{
    static const char *const names[LC_DEAD_REASONS] = {"UNREADABLE",     "UNKNOWN_TYPE",    "BAD_FACT",
                                                       "KEY_MISMATCH",   "WRONG_PARTITION", "TOO_MANY_FACTS",
                                                       "LEAD_TOO_LARGE", "UNKNOWN_SCHEMA"};
    return names[reason];
}

const char *
lc_recovery_cause_name(lc_recovery_cause cause)
{
    static const char *const names[LC_RECOVERY_CAUSES] = {"assigned", "store", "aborted", "unknown_commit",
                                                          "offset_lost"};
    return names[cause];
}

void
lc_histogram_add(lc_histogram *histogram, int64_t ms)
{
    size_t bucket = 0;

    while (bucket < LC_HISTOGRAM_BUCKETS - 1 && ms > lc_histogram_bounds[bucket])
        bucket++;
    histogram->counts[bucket]++;
    histogram->sum_ms += (uint64_t)MAX(ms, 0);
}

static void
tally_fact(lc_worker_tally *tally, const lc_fact *fact, lc_verdict verdict)
{
    switch (verdict) {
    case LC_VERDICT_TAKEN:
        tally->facts[fact->type]++;
        break;
    case LC_VERDICT_REPEATED:
        tally->repeated++;
        break;
    case LC_VERDICT_AUTOMATED:
        tally->automated++;
        break;
    case LC_VERDICT_FORGOTTEN:
        tally->forgotten++;
        break;
    case LC_VERDICT_TOO_MANY_FACTS:
    case LC_VERDICT_NOT_DUE:
        break;
    }
}

void
lc_tally_judgement(lc_worker_tally *tally, const lc_fact *fact, const lc_judgement *judgement)
{
    if (fact)
        tally_fact(tally, fact, judgement->verdict);
    if (fact && lc_fact_lacks_channel(fact) && judgement->verdict == LC_VERDICT_TAKEN)
        tally->without_channel++;
    if (fact == NULL)
        tally->wakeups++;
    for (size_t i = 0; i < judgement->n_outcomes; i++) {
        const lc_outcome *outcome = &judgement->outcomes[i];
        bool has_clock = outcome->type <= LC_OUTCOME_BREACH_ENDED && outcome->clock != LC_CLOCK_NONE;
        tally->outcomes[outcome->type][has_clock ? (int)outcome->clock : LC_CLOCKS]++;
    }
}

void
lc_tally_add(lc_worker_tally *sum, const lc_worker_tally *tally)
{
    for (int i = 0; i < LC_FACT_TYPES; i++)
        sum->facts[i] += tally->facts[i];
    for (int i = 0; i < LC_OUTCOME_TYPES; i++)
        for (int clock = 0; clock <= LC_CLOCKS; clock++)
            sum->outcomes[i][clock] += tally->outcomes[i][clock];
    for (int i = 0; i < LC_DEAD_REASONS; i++)
        sum->dead_letters[i] += tally->dead_letters[i];
    sum->without_channel += tally->without_channel;
    sum->repeated += tally->repeated;
    sum->automated += tally->automated;
    sum->forgotten += tally->forgotten;
    sum->wakeups += tally->wakeups;
}

static int64_t
partition_lag(const lc_worker *worker, const lc_partition *partition)
{
    int64_t lag = 0;

    for (int i = 0; i < worker->n_inputs; i++) {
        if (partition->seen_ends[i] < 0)
            return -1;
        lag += MAX(partition->seen_ends[i] - partition->read[i], 0);
    }
    return lag;
}

static GArray *
report_partitions(const lc_worker *worker)
{
    GArray *reports = g_array_sized_new(FALSE, FALSE, sizeof(lc_partition_report), worker->partitions->len);

    for (guint i = 0; i < worker->partitions->len; i++) {
        const lc_partition *partition = worker->partitions->pdata[i];
        lc_partition_report report = {
            .number = partition->number,
            .ready = !partition->must_recover,
            .safe_time = partition->safe.now,
            .next_wakeup = partition->next_wakeup,
            .n_wakeups = partition->n_wakeups,
            .lag = partition_lag(worker, partition),
            .wrong_partition = partition->wrong_partition,
            .rebuild_left_ms = partition->rebuild_left_ms,
            .rebuilt = partition->rebuilt,
            .rebuild_end = partition->rebuild_end,
        };
        g_array_append_val(reports, report);
    }
    return reports;
}

void
lc_worker_publish_report(lc_worker *worker)
{
    GArray *partitions = report_partitions(worker);

    worker->report.turned_ms = lc_worker_now_ms(worker);
    worker->report.cache_bytes = lc_lead_cache_bytes(worker->leads);
    g_mutex_lock(&worker->shared_lock);
    GArray *former = worker->shared.partitions;
    worker->shared = worker->report;
    worker->shared.partitions = partitions;
    g_mutex_unlock(&worker->shared_lock);
    g_clear_pointer(&former, g_array_unref);
}

void
lc_worker_get_report(lc_worker *worker, lc_worker_report *report)
{
    g_mutex_lock(&worker->shared_lock);
    *report = worker->shared;
    report->partitions = report->partitions ? g_array_copy(report->partitions) : NULL;
    g_mutex_unlock(&worker->shared_lock);
}

void
lc_worker_report_clear(lc_worker_report *report)
{
    g_clear_pointer(&report->partitions, g_array_unref);
}
