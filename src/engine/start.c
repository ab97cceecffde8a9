/* start.c - before the loop: topics, schemas and the store are looked for. */
#include "start.h"

#include "growth.h"
#include "patience.h"
#include "schemas.h"

static bool
check_topics(lc_worker *worker, void *argument, GError **error)
{
    (void)argument;
    return lc_log_check_topics(worker->log, &worker->partition_count, error);
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
