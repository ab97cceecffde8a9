/* partition.c - what is held of one partition: made, given up, found. */
#include "partition.h"

#include "worker.h"

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
lc_partition_free(lc_partition *partition)
{
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
