/* assignment.c - the partitions that the group gives the worker, and takes. */
#include "assignment.h"

#include "growth.h"

#include <inttypes.h>

bool
lc_worker_take_assignment(lc_worker *worker, GError **error)
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
            return lc_worker_refuse_growth(worker, numbers[n - 1] + 1, error);
        if (lc_worker_partition(worker, numbers[i]) == NULL)
            g_ptr_array_add(worker->partitions, lc_partition_new(worker, numbers[i]));
        g_string_append_printf(list, "%s%" PRId32, i ? "," : "", numbers[i]);
    }
    g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_INFO, "WORKER", worker->options.transactional_id, "PARTITIONS",
                     list->str, "MESSAGE", "partitions assigned");
    return true;
}

void
lc_worker_abort(lc_worker *worker)
{
    if (!worker->transaction_is_open)
        return;
    lc_log_abort(worker->log);
    worker->producer_ready = false;
    worker->transaction_is_open = false;
}

void
lc_worker_give_up_assignment(lc_worker *worker)
{
    worker->assignments++;
    worker->report.joined = worker->denied = false;
    worker->left_ms = lc_worker_now_ms(worker);
    lc_worker_abort(worker);
    g_ptr_array_set_size(worker->partitions, 0);
    lc_log_release_assignment(worker->log);
    g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_INFO, "WORKER", worker->options.transactional_id, "MESSAGE",
                     "partitions given up");
}
