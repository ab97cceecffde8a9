/* verify.c - Redis against the changelogs. */
#include "worker.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#define DEFAULT_LIMIT 100

typedef struct {
    lc_config *config;
    lc_policy_book *book;
    char *instance;
    lc_worker *worker;
    int limit; /* differences to print; 0: all */
    uint64_t told;
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
    printf("partition %" PRId32 "\t%s\t%s\t%.*s\n", difference->partition, kind_name(difference->kind),
           difference->what, LC_TEXT_ARGS(difference->key));
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
    const char *const paths[] = {command->config->policy, NULL};

    command->book = lc_policy_book_load(paths, &error);
    if (command->book == NULL)
        return lc_cli_fail("verify", error);
    command->instance = g_strdup_printf("verify-%d", (int)getpid());
    command->worker =
        lc_cli_worker_new(command->config, command->instance, command->instance, command->book, true, &error);
    if (command->worker == NULL)
        return lc_cli_fail("verify", error);
    lc_worker_give_up_after(command->worker, LC_CLI_TIMEOUT_MS);
    if (!lc_worker_verify(command->worker, print_difference, command, &verified, &error))
        return lc_cli_fail("verify", error);
    return print_summary(command, &verified);
}

static void
clear_command(verify_command *command)
{
    if (command->worker)
        lc_worker_free(command->worker);
    g_free(command->instance);
    lc_policy_book_free(command->book);
    lc_config_free(command->config);
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
    command.config = lc_cli_load_config("verify", &options);
    return command.config ? verify(&command) : EXIT_USAGE;
}
