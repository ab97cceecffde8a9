/* tables.c - the tables of rows: which are published, and filling those that were switched on later. */
#include "progress.h"
#include "reset.h"
#include "worker.h"

#include <leadclock/text.h>

#include <inttypes.h>
#include <unistd.h>

#define LOOK_EVERY_US (G_USEC_PER_SEC / 50)
#define STUCK_MS 60000

typedef struct {
    lc_config *config;
    lc_policy_book *book;
    char *instance, *transactional_id;
    lc_told *told;
    lc_worker *worker;
    gboolean fill;
    lc_progress progress;
    gint has_ended; /* of the thread that fills */
    bool done;
    uint64_t n_leads;
    GError *error;
} tables_command;

static int
print_tables(const lc_config *config)
{
    g_autoptr(GPtrArray) cells = g_ptr_array_new_with_free_func(g_free);
    static const char *const heading[] = {"TABLE", "TOPIC", "PUBLISHED"};

    for (guint i = 0; i < G_N_ELEMENTS(heading); i++)
        g_ptr_array_add(cells, g_strdup(heading[i]));
    for (int table = 0; table < LC_CONFIG_TABLES; table++) {
        g_ptr_array_add(cells, g_strdup(lc_config_tables[table]));
        g_ptr_array_add(cells, g_strdup(config->tables.topics[table]));
        g_ptr_array_add(cells, g_strdup(lc_cli_publishes(config, table) ? "yes" : "no"));
    }
    lc_cli_print_table(stdout, cells, G_N_ELEMENTS(heading));
    return EXIT_DONE;
}

/* ---- Filling ---- */

static bool
is_published(const lc_config *config, const char *name)
{
    if (g_strv_contains((const char *const *)config->tables.publish, name))
        return true;
    if (g_strv_contains(lc_config_tables, name)) {
        fprintf(stderr, "leadclock tables: \"%s\" is not published; add it to tables.publish\n", name);
        return false;
    }
    g_autofree char *meant = lc_did_you_mean(name, lc_config_tables);
    fprintf(stderr, "leadclock tables: \"%s\" is no table%s%s 'leadclock tables' lists them\n", name, meant,
            *meant ? "" : ";");
    return false;
}

/* Only those named, if any are. */
static bool
choose_tables(lc_config *config, char **names)
{
    for (char **name = names; *name; name++)
        if (!is_published(config, *name))
            return false;
    if (*names) {
        g_strfreev(config->tables.publish);
        config->tables.publish = g_strdupv(names);
    }
    if (*config->tables.publish == NULL)
        fprintf(stderr, "leadclock tables: no table is published; name some in tables.publish\n");
    return *config->tables.publish != NULL;
}

/* It keeps to the policy that leads were judged by, as `run` does. */
static bool
make_worker(tables_command *command, GError **error)
{
    const char *const paths[] = {command->config->policy, NULL};

    command->book = lc_policy_book_load(paths, error);
    if (command->book == NULL)
        return false;
    command->instance = g_strdup_printf("tables-%d", (int)getpid());
    command->transactional_id = lc_kafka_transactional_id(command->config->name, command->instance);
    command->told = lc_told_new();
    command->worker = lc_cli_guest_new(command->config, command->instance, command->transactional_id, command->book,
                                       command->told, error);
    if (command->worker)
        lc_worker_give_up_after(command->worker, LC_CLI_TIMEOUT_MS);
    return command->worker != NULL;
}

static void *
fill_in_thread(void *data)
{
    tables_command *command = data;

    command->done = lc_worker_fill(command->worker, lc_progress_tell_partition, &command->progress, &command->n_leads,
                                   &command->error);
    g_atomic_int_set(&command->has_ended, 1);
    return NULL;
}

/* While brokers are away librdkafka may not come back from a call (send_offsets_to_transaction keeps no time-out): then
 * there is nothing left but to end the process. */
static void
end_if_stuck(const tables_command *command)
{
    lc_worker_report report;

    lc_worker_get_report(command->worker, &report);
    bool is_stuck = lc_system_time.monotonic_ms(&lc_system_time) - report.turned_ms >= STUCK_MS;
    lc_worker_report_clear(&report);
    if (!is_stuck || g_atomic_int_get(&command->has_ended))
        return;
    fprintf(stderr, "leadclock tables: Kafka does not let a transaction end; look whether the brokers run, and fill "
                    "the tables again\n");
    _exit(EXIT_AWAY);
}

static bool
fill_all(tables_command *command, GError **error)
{
    GThread *thread = g_thread_new("fill", fill_in_thread, command);

    while (!g_atomic_int_get(&command->has_ended)) {
        g_usleep(LOOK_EVERY_US);
        end_if_stuck(command);
    }
    g_thread_join(thread);
    if (command->error)
        g_propagate_error(error, g_steal_pointer(&command->error));
    return command->done;
}

static int
fill(tables_command *command)
{
    g_autoptr(GError) error = NULL;
    const lc_kafka_options kafka = lc_cli_kafka_options(command->config);
    int code = lc_cli_await_empty_group("tables", &kafka, &error);

    if (error)
        return lc_cli_fail("tables", error);
    if (code != EXIT_DONE)
        return code;
    lc_progress_start(&command->progress, NULL, true);
    bool done = make_worker(command, &error) && fill_all(command, &error);
    lc_progress_clear(&command->progress);
    if (!done)
        return lc_cli_fail("tables", error);
    g_autofree char *names = g_strjoinv(", ", command->config->tables.publish);
    fprintf(stderr, "filled %s with the rows of %" PRIu64 " leads\n", names, command->n_leads);
    return EXIT_DONE;
}

/* ---- The command ---- */

static void
clear_command(tables_command *command)
{
    g_clear_pointer(&command->worker, lc_worker_free);
    lc_told_free(command->told);
    g_free(command->instance);
    g_free(command->transactional_id);
    lc_policy_book_free(command->book);
    lc_config_free(command->config);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(tables_command, clear_command)

static const char summary[] = "Lists the tables of rows, or fills those that were switched on later.";
static const char more[] =
    "Filling publishes every row of every lead that is kept, from the changelogs, in transactions; rows that stand "
    "are\n"
    "the same afterwards. It refuses while members of the group are alive, because it is the only one meanwhile; one\n"
    "that has ended is waited for until the group has forgotten it. TABLE: those of `tables.publish` (default: all of\n"
    "them). A table that was off for a while may have rows that are no more: delete its topic first, and make it anew\n"
    "with 'leadclock topics --create'.\n\n"
    "Exit codes: 0 done, 1 members are alive, or it can't be done, 2 usage, configuration, a changed policy or a "
    "right\n"
    "that is missing, 3 a server does not answer.\n\n"
    "Examples:\n"
    "  leadclock tables --config leadclock.yaml\n"
    "  leadclock tables --config leadclock.yaml --fill cycles breaches\n";

int
lc_cli_tables(int argc, char **argv)
{
    g_auto(lc_cli_config_options) options = {0};
    g_auto(tables_command) command = {0};
    const GOptionEntry entries[] = {
        {"fill", 0, 0, G_OPTION_ARG_NONE, &command.fill, "publishes every row anew", NULL},
        {NULL},
    };

    if (!lc_cli_parse(&argc, &argv, "[TABLE...]", summary, more, entries, &options) ||
        !lc_cli_check_arguments(argc, argv, 0, command.fill ? LC_CONFIG_TABLES : 0))
        return EXIT_USAGE;
    command.config = lc_cli_load_config("tables", &options);
    if (command.config == NULL)
        return EXIT_USAGE;
    if (!command.fill)
        return print_tables(command.config);
    return choose_tables(command.config, argv + 1) ? fill(&command) : EXIT_USAGE;
}
