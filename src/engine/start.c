/* start.c - before the loop: topics, schemas and the store are looked for. */
#include "start.h"

#include "growth.h"
#include "patience.h"
#include "schemas.h"

#define DIFFER_FOR_MS (10 * LC_SECOND) /* a broker may hear so late of topics that grew, of one before the other */

/* A tool ends at once: who runs it sees, and runs it again. */
static bool
may_differ_still(lc_worker *worker)
{
    int64_t now_ms = lc_worker_now_ms(worker);

    if (worker->differ_ms == LC_ABSENT)
        worker->differ_ms = now_ms;
    return worker->give_up_ms == 0 && now_ms - worker->differ_ms < DIFFER_FOR_MS;
}

static bool
check_topics(lc_worker *worker, void *argument, GError **error)
{
    g_autoptr(GError) problem = NULL;

    (void)argument;
    if (lc_log_check_topics(worker->log, &worker->partition_count, &problem))
        return true;
    if (!g_error_matches(problem, LC_ERROR, LC_ERROR_CONFIG))
        worker->differ_ms = LC_ABSENT;
    else if (may_differ_still(worker))
        problem->code = LC_ERROR_RETRY;
    g_propagate_error(error, g_steal_pointer(&problem));
    return false;
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

bool
lc_worker_open_store(lc_worker *worker, void *argument, GError **error)
{
    (void)argument;
    return lc_store_open(worker->store, worker->partition_count, error);
}

bool
lc_worker_renew_producer(lc_worker *worker, void *argument, GError **error)
{
    (void)argument;
    return lc_log_renew_producer(worker->log, error);
}

bool
lc_worker_prepare(lc_worker *worker, GError **error)
{
    worker->store_ready =
        lc_worker_insist_at_start(worker, "Kafka's topics", check_topics, error) &&
        lc_worker_insist_at_start(worker, "the group's offsets", lc_worker_check_former_count, error) &&
        lc_worker_insist_at_start(worker, "the schema registry", register_schemas, error) &&
        lc_worker_insist_at_start(worker, "Redis", lc_worker_open_store, error);
    return worker->store_ready;
}

bool
lc_worker_prepare_to_empty(lc_worker *worker, GError **error)
{
    worker->store_ready = lc_worker_insist_at_start(worker, "Kafka's topics", check_topics, error) &&
                          lc_worker_insist_at_start(worker, "Redis", lc_worker_open_store, error);
    return worker->store_ready;
}

bool
lc_worker_start(lc_worker *worker, GError **error)
{
    worker->producer_ready = lc_worker_prepare(worker, error) &&
                             lc_worker_insist_at_start(worker, "its name in the group", check_instance, error) &&
                             lc_worker_insist_at_start(worker, "Kafka's transactions", lc_worker_renew_producer, error);
    worker->left_ms = lc_worker_now_ms(worker);
    return worker->producer_ready && lc_log_subscribe(worker->log, error);
}
