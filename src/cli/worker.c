/* worker.c - a worker from the configuration, and the tools that use one. */
#include "worker.h"

#include <malloc.h>
#include <unistd.h>

#define MIB ((size_t)1024 * 1024)

void
lc_cli_keep_memory(void)
{
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 32 * 1024 * 1024);
    mallopt(M_TRIM_THRESHOLD, 8 * 1024 * 1024);
    /* Messages are freed as they were made, in long rows: fast bins are only gone through once more. */
    mallopt(M_MXFAST, 0);
#endif
}

static lc_log *
new_log(const lc_config *config, const char *instance, bool is_guest, GError **error)
{
    lc_kafka_options options = lc_cli_kafka_options(config);
    options.instance = instance;
    options.is_guest = is_guest;
    return lc_kafka_log_new(&options, error);
}

lc_redis_options
lc_cli_redis_options(const lc_config *config)
{
    return (lc_redis_options){
        .url = config->redis.url,
        .user = config->redis.user,
        .password = config->redis.password,
        .password_file = config->redis.password_file,
        .sentinel_password_file = config->redis.sentinel_password_file,
        .sentinel_user = config->redis.sentinel_user,
        .sentinel_password = config->redis.sentinel_password,
        .ca = config->redis.ca,
        .certificate = config->redis.certificate,
        .key = config->redis.key,
        .server_name = config->redis.server_name,
        .name = config->name,
    };
}

static lc_store *
new_store(const lc_config *config, GError **error)
{
    const lc_redis_options options = lc_cli_redis_options(config);
    return lc_redis_store_new(&options, error);
}

/* lc_config_deletions are in the order of lc_deletion. */
static lc_deletion
deletion_of(const lc_config *config)
{
    int deletion = 0;

    while (strcmp(lc_config_deletions[deletion], config->tables.deletes) != 0)
        deletion++;
    return (lc_deletion)deletion;
}

static lc_worker *
new_worker(const lc_config *config, const char *instance, bool is_guest, const char *transactional_id,
           const lc_policy_book *book, lc_told *told, bool accept_policy_change, GError **error)
{
    lc_log *log = new_log(config, instance, is_guest, error);
    lc_store *store = log ? new_store(config, error) : NULL;
    lc_registry *registry = store ? lc_cli_registry_new(config, error) : NULL;

    if (registry == NULL) {
        if (store)
            lc_store_free(store);
        if (log)
            lc_log_free(log);
        return NULL;
    }
    const lc_kafka_options kafka = lc_cli_kafka_options(config);
    lc_worker_options options = {
        .transactional_id = transactional_id,
        .source = config->name,
        .log = log,
        .store = store,
        .registry = registry,
        .registry_timeout = config->registry.timeout,
        .time = &lc_system_time,
        .told = told,
        .book = book,
        .input_names = kafka.inputs,
        .batch_facts = config->batch.facts,
        .batch_wakeups = config->batch.wakeups,
        .cache_bytes = config->cache.leads * MIB / config->workers,
        .linger = config->batch.linger,
        .lateness = config->lateness,
        .patience = config->patience,
        .max_future = config->max_future,
        .cloud_events = config->topics.cloud_events,
        .deletion = deletion_of(config),
        .accept_policy_change = accept_policy_change,
    };
    memcpy(options.output_names, kafka.outputs, sizeof options.output_names);
    return lc_worker_new(&options);
}

lc_worker *
lc_cli_worker_new(const lc_config *config, const char *instance, const char *transactional_id,
                  const lc_policy_book *book, lc_told *told, bool accept_policy_change, GError **error)
{
    return new_worker(config, instance, false, transactional_id, book, told, accept_policy_change, error);
}

lc_worker *
lc_cli_guest_new(const lc_config *config, const char *instance, const char *transactional_id,
                 const lc_policy_book *book, lc_told *told, GError **error)
{
    return new_worker(config, instance, true, transactional_id, book, told, false, error);
}

static bool
make_tool_worker(lc_cli_tool *tool, GError **error)
{
    const char *const paths[] = {tool->config->policy, NULL};

    tool->book = lc_policy_book_load(paths, error);
    if (tool->book == NULL)
        return false;
    tool->instance = g_strdup_printf("%s-%d", tool->command, (int)getpid());
    tool->told = lc_told_new();
    tool->worker = lc_cli_worker_new(tool->config, tool->instance, tool->instance, tool->book, tool->told, true, error);
    if (tool->worker == NULL)
        return false;
    lc_worker_give_up_after(tool->worker, LC_CLI_TIMEOUT_MS);
    return true;
}

bool
lc_cli_tool_open(lc_cli_tool *tool, const char *command, const lc_cli_config_options *options, int *code)
{
    g_autoptr(GError) error = NULL;

    tool->command = command;
    tool->config = lc_cli_load_config(command, options);
    *code = EXIT_USAGE;
    if (tool->config == NULL)
        return false;
    if (make_tool_worker(tool, &error))
        return true;
    *code = lc_cli_fail(command, error);
    return false;
}

void
lc_cli_tool_clear(lc_cli_tool *tool)
{
    if (tool->worker)
        lc_worker_free(tool->worker);
    lc_told_free(tool->told);
    g_free(tool->instance);
    lc_policy_book_free(tool->book);
    lc_config_free(tool->config);
}
