/* rebuild.c - Redis anew, from the changelogs: as many partitions at a time as there are workers. */
#include "progress.h"
#include "worker.h"

#include <inttypes.h>

/* One worker and its share of the partitions. */
typedef struct {
    char *instance;
    lc_worker *worker;
    int32_t number, of;
    lc_progress progress;
    bool done;
    uint64_t n_records;
    GError *error;
    GThread *thread;
} hand;

static bool
hire(hand *one, int32_t number, const lc_cli_tool *tool, GError **error)
{
    one->number = number;
    one->of = (int32_t)tool->config->workers;
    lc_progress_start(&one->progress, NULL, true);
    one->instance = g_strdup_printf("%s-%" PRId32, tool->instance, number);
    one->worker = lc_cli_worker_new(tool->config, one->instance, one->instance, tool->book, tool->told, true, error);
    if (one->worker)
        lc_worker_give_up_after(one->worker, LC_CLI_TIMEOUT_MS);
    return one->worker != NULL;
}

static void
dismiss(hand *one)
{
    g_clear_pointer(&one->worker, lc_worker_free);
    g_clear_error(&one->error);
    g_free(one->instance);
}

static void *
work(void *data)
{
    hand *one = data;

    one->done = lc_worker_rebuild(one->worker, one->number, one->of, lc_progress_tell_partition, &one->progress,
                                  &one->n_records, &one->error);
    return NULL;
}

/* All at once; the first error of any. */
static bool
work_together(hand *hands, unsigned n, uint64_t *n_records, GError **error)
{
    bool done = true;

    for (unsigned i = 0; i < n; i++)
        hands[i].thread = g_thread_new(hands[i].instance, work, &hands[i]);
    for (unsigned i = 0; i < n; i++)
        g_thread_join(hands[i].thread);
    for (unsigned i = 0; i < n; i++) {
        *n_records += hands[i].n_records;
        if (done && !hands[i].done && hands[i].error)
            g_propagate_error(error, g_steal_pointer(&hands[i].error));
        done = done && hands[i].done;
    }
    return done;
}

static bool
rebuild_all(const lc_cli_tool *tool, uint64_t *n_records, GError **error)
{
    unsigned n = tool->config->workers;
    g_autofree hand *hands = g_new0(hand, n);
    bool hired = true;

    for (unsigned i = 0; hired && i < n; i++)
        hired = hire(&hands[i], (int32_t)i, tool, error);
    bool done = hired && work_together(hands, n, n_records, error);
    if (n)
        lc_progress_clear(&hands[0].progress);
    for (unsigned i = 0; i < n; i++)
        dismiss(&hands[i]);
    return done;
}

static int
rebuild(const lc_cli_tool *tool)
{
    g_autoptr(GError) error = NULL;
    gint64 began = g_get_monotonic_time();
    uint64_t n_records = 0;
    bool done = rebuild_all(tool, &n_records, &error);
    double seconds = (double)(g_get_monotonic_time() - began) / G_USEC_PER_SEC;

    if (!done)
        return lc_cli_fail("rebuild", error);
    fprintf(stderr, "Redis was made anew from %" PRIu64 " changelog records in %.1f s (%.0f/s)\n", n_records, seconds,
            seconds > 0 ? (double)n_records / seconds : 0);
    return EXIT_DONE;
}

static const char summary[] = "Empties Redis and makes it anew from the changelogs in Kafka.";
static const char more[] =
    "Nothing is lost: all that Redis holds comes from the changelogs. May run beside the live service, which waits\n"
    "meanwhile; killed in the middle, it is finished by the service or by another run. As many partitions are rebuilt\n"
    "at a time as the configuration has `workers` (--set workers=4).\n\n"
    "Exit codes: 0 done, 1 the changelogs can't be read, 2 usage or configuration, 3 a server does not answer.\n\n"
    "Example:\n"
    "  leadclock rebuild --config leadclock.yaml\n";

int
lc_cli_rebuild(int argc, char **argv)
{
    g_auto(lc_cli_config_options) options = {0};
    g_auto(lc_cli_tool) tool = {0};
    int code;

    if (!lc_cli_parse(&argc, &argv, NULL, summary, more, NULL, &options) || !lc_cli_check_arguments(argc, argv, 0, 0))
        return EXIT_USAGE;
    lc_cli_keep_memory();
    return lc_cli_tool_open(&tool, "rebuild", &options, &code) ? rebuild(&tool) : code;
}
