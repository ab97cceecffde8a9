/* rebuild.c - Redis anew, from the changelogs. */
#include "worker.h"

#include <inttypes.h>
#include <unistd.h>

#define TELL_EVERY_US (G_USEC_PER_SEC / 2)

typedef struct {
    gint64 told_us;
    bool is_terminal;
} progress;

static void
tell_progress(int32_t partition, int64_t at, int64_t end, void *data)
{
    progress *shown = data;
    gint64 now = g_get_monotonic_time();

    if (!shown->is_terminal || now - shown->told_us < TELL_EVERY_US)
        return;
    shown->told_us = now;
    fprintf(stderr, "\rpartition %" PRId32 ": %3.0f %% ", partition, 100.0 * (double)at / (double)end);
}

static int
rebuild(lc_cli_tool *tool)
{
    g_autoptr(GError) error = NULL;
    progress shown = {0, isatty(STDERR_FILENO)};
    gint64 began = g_get_monotonic_time();
    uint64_t n_records;
    bool done = lc_worker_rebuild(tool->worker, tell_progress, &shown, &n_records, &error);
    double seconds = (double)(g_get_monotonic_time() - began) / G_USEC_PER_SEC;

    if (shown.told_us)
        fputc('\n', stderr);
    if (!done)
        return lc_cli_fail("rebuild", error);
    fprintf(stderr, "Redis was made anew from %" PRIu64 " changelog records in %.1f s (%.0f/s)\n", n_records, seconds,
            seconds > 0 ? (double)n_records / seconds : 0);
    return EXIT_DONE;
}

static const char summary[] = "Empties Redis and makes it anew from the changelogs in Kafka.";
static const char more[] =
    "Nothing is lost: all that Redis holds comes from the changelogs. May run beside the live service, which waits\n"
    "meanwhile; killed in the middle, it is finished by the service or by another run.\n\n"
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
    return lc_cli_tool_open(&tool, "rebuild", &options, &code) ? rebuild(&tool) : code;
}
