/* verify.c - Redis against the changelogs. */
#include "progress.h"
#include "worker.h"

#include <inttypes.h>

#define DEFAULT_LIMIT 100

typedef struct {
    lc_cli_tool tool;
    int limit; /* differences to print; 0: all */
    uint64_t told;
    lc_progress progress;
} verify_command;

static const char *
kind_name(lc_difference_kind kind)
{
    static const char *const names[] = {"position", "lead", "wake-up", "counters"};

    return names[kind];
}

static void
print_difference(const lc_store_difference *difference, void *data)
{
    verify_command *command = data;

    if (command->limit && command->told++ >= (uint64_t)command->limit)
        return;
    lc_progress_clear(&command->progress);
    printf("partition %" PRId32 "\t%s\t%s\t%.*s\n", difference->partition, kind_name(difference->kind),
           difference->what, LC_TEXT_ARGS(difference->key));
}

static void
tell_progress(int32_t partition, int64_t at, int64_t end, void *data)
{
    verify_command *command = data;

    lc_progress_tell_partition(partition, at, end, &command->progress);
}

static int
print_summary(const verify_command *command, const lc_verified *verified)
{
    if (command->limit && verified->differences > (uint64_t)command->limit)
        printf("... and %" PRIu64 " more (--limit 0 prints all)\n", verified->differences - (uint64_t)command->limit);
    fprintf(stderr, "%" PRIu64 " leads and %" PRIu64 " populations compared: %" PRIu64 " differences%s\n",
            verified->leads, verified->populations, verified->differences,
            verified->differences ? "; 'leadclock rebuild' makes Redis anew from the changelogs" : "");
    return verified->differences ? EXIT_FOUND : EXIT_DONE;
}

static int
verify(verify_command *command)
{
    g_autoptr(GError) error = NULL;
    lc_verified verified;

    lc_progress_start(&command->progress, NULL, true);
    bool done = lc_worker_verify(command->tool.worker, print_difference, tell_progress, command, &verified, &error);
    lc_progress_clear(&command->progress);
    if (!done)
        return lc_cli_fail("verify", error);
    return print_summary(command, &verified);
}

static void
clear_command(verify_command *command)
{
    lc_cli_tool_clear(&command->tool);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(verify_command, clear_command)

static const char summary[] =
    "Compares what Redis holds (leads, wake-ups, counters, position) with the changelogs in Kafka.";
static const char more[] =
    "May run beside the live service. Each difference is a line: partition, what it is of, how it differs, its key.\n\n"
    "Exit codes: 0 nothing differs, 1 something does, 2 usage or configuration, 3 a server does not answer.\n\n"
    "Example:\n"
    "  leadclock verify --config leadclock.yaml\n";

int
lc_cli_verify(int argc, char **argv)
{
    g_auto(lc_cli_config_options) options = {0};
    g_auto(verify_command) command = {.limit = DEFAULT_LIMIT};
    const GOptionEntry entries[] = {
        {"limit", 'n', 0, G_OPTION_ARG_INT, &command.limit, "print at most N differences (default 100; 0: all)", "N"},
        {NULL},
    };
    if (!lc_cli_parse(&argc, &argv, NULL, summary, more, entries, &options) ||
        !lc_cli_check_arguments(argc, argv, 0, 0))
        return EXIT_USAGE;
    int code;
    return lc_cli_tool_open(&command.tool, "verify", &options, &code) ? verify(&command) : code;
}
