/* common.c - what the subcommands share: options, configuration, errors as exit codes, tables. */
#include "common.h"

#include <leadclock/calendar.h>
#include <leadclock/http.h>
#include <leadclock/kafka.h>
#include <leadclock/redis.h>
#include <leadclock/text.h>

#include <sys/prctl.h>

static const char *
yes_or_no(bool can)
{
    return can ? "yes" : "no";
}

void
lc_cli_print_version(void)
{
    g_autofree char *zone_data = lc_zone_data_version();
    printf("leadclock %s (time zone data %s)\n", LC_VERSION, zone_data);
    printf("librdkafka %s, scram-with-kafka-4 %s, session-renewal %s\n", lc_kafka_library_version(),
           yes_or_no(lc_kafka_has_scram()), yes_or_no(lc_kafka_renews_sessions()));
    printf("hiredis %s, redis-tls %s\n", lc_redis_library_version(), yes_or_no(lc_redis_has_tls()));
    printf("libmicrohttpd %s, https %s\n", lc_http_library_version(), yes_or_no(lc_http_has_tls()));
}

/* ---- Options ---- */

void
lc_cli_config_options_clear(lc_cli_config_options *options)
{
    g_free(options->file);
    g_strfreev(options->overrides);
}

static void (*take_help)(const lc_cli_help *help, void *data);
static void *help_data;

void
lc_cli_describe_to(void (*take)(const lc_cli_help *help, void *data), void *data)
{
    take_help = take;
    help_data = data;
}

bool
lc_cli_parse(int *argc, char ***argv, const char *usage, const char *summary, const char *more,
             const GOptionEntry *entries, lc_cli_config_options *config)
{
    static lc_cli_config_options unused;
    lc_cli_config_options *into = config ? config : &unused;
    const GOptionEntry config_entries[] = {
        {"config", 'c', 0, G_OPTION_ARG_FILENAME, &into->file, "The configuration (docs/configuration.md)", "FILE"},
        {"set", 's', 0, G_OPTION_ARG_STRING_ARRAY, &into->overrides, "Overrides one key of it", "KEY=VALUE"},
        {NULL},
    };
    if (take_help) {
        take_help(&(lc_cli_help){usage, summary, more, config ? config_entries : NULL, entries}, help_data);
        return false;
    }
    g_autofree char *name = g_strdup_printf("leadclock %s", (*argv)[0]);
    g_autoptr(GError) error = NULL;
    g_autoptr(GOptionContext) context = g_option_context_new(usage);
    g_option_context_set_summary(context, summary);
    g_option_context_set_description(context, more);
    g_set_prgname(name);
    lc_config_check_properties_with(lc_kafka_check_property);
    if (config)
        g_option_context_add_main_entries(context, config_entries, NULL);
    if (entries)
        g_option_context_add_main_entries(context, entries, NULL);
    if (g_option_context_parse(context, argc, argv, &error))
        return true;
    fprintf(stderr, "%s: %s; '%s --help' tells how\n", name, error->message, name);
    return false;
}

bool
lc_cli_check_arguments(int argc, char **argv, int min, int max)
{
    const char *name = g_get_prgname();
    int n = argc - 1;
    if (n < min)
        fprintf(stderr, "%s: an argument is missing; '%s --help' tells which\n", name, name);
    if (n > max)
        fprintf(stderr, "%s: \"%s\" is one argument too many; '%s --help' tells which are taken\n", name, argv[max + 1],
                name);
    return n >= min && n <= max;
}

/* ---- Errors ---- */

int
lc_cli_exit_code(const GError *error)
{
    if (error->domain != LC_ERROR)
        return EXIT_USAGE;
    switch ((lc_error)error->code) {
    case LC_ERROR_CONFIG:
    case LC_ERROR_DENIED:
        return EXIT_USAGE;
    case LC_ERROR_RETRY:
        return EXIT_AWAY;
    default:
        return EXIT_FOUND;
    }
}

int
lc_cli_fail(const char *command, const GError *error)
{
    bool is_list = strchr(error->message, '\n') != NULL;
    if (is_list)
        fprintf(stderr, "%s\n", error->message);
    else
        fprintf(stderr, "leadclock %s: %s\n", command, error->message);
    return lc_cli_exit_code(error);
}

/* ---- From the configuration ---- */

static void
warn_if_public(const char *key, const char *path, void *data)
{
    (void)data;
    if (lc_secret_is_public(path))
        g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE",
                         "%s: everybody on this machine may read %s: chmod o-r, and a group for those who need it", key,
                         path);
}

/* A core file has all that is in memory, and goes where the machine is told to put it. */
void
lc_cli_leave_no_core(void)
{
    if (g_getenv("LEADCLOCK_CORE") == NULL)
        prctl(PR_SET_DUMPABLE, 0);
}

static void
warn(const lc_cli_config_options *options, const lc_config *config)
{
    const lc_kafka_options kafka = lc_cli_kafka_options(config);
    const char *warning = lc_kafka_warning(&kafka);

    if (warning)
        g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE", "%s", warning);
    g_autofree char *secret = lc_config_secret_override((const char *const *)options->overrides);
    if (secret)
        g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE",
                         "--set %s: everybody on this machine may see it (ps) as long as this runs; write it into the "
                         "configuration as ${NAME}, or into a file of its own",
                         secret);
    lc_config_secret_files(config, ~0u, warn_if_public, NULL);
    if (options->file && lc_config_tells_secrets(options->file))
        g_log_structured(
            G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE",
            "%s has passwords, and everybody on this machine may read it: chmod o-r, or take them from the "
            "environment (${NAME})",
            options->file);
}

lc_config *
lc_cli_load_config(const char *command, const lc_cli_config_options *options)
{
    g_autoptr(GError) error = NULL;
    lc_cli_leave_no_core();
    lc_config *config = lc_config_load(options->file, (const char *const *)options->overrides, &error);
    if (config == NULL) {
        lc_cli_fail(command, error);
        return NULL;
    }
    lc_logging_start(config->log.json, config->log.level);
    warn(options, config);
    return config;
}

G_STATIC_ASSERT(LC_CONFIG_TABLES == LC_OUTPUT_TABLES);

bool
lc_cli_publishes(const lc_config *config, int table)
{
    return g_strv_contains((const char *const *)config->tables.publish, lc_config_tables[table]);
}

lc_kafka_options
lc_cli_kafka_options(const lc_config *config)
{
    lc_kafka_options options = {
        .brokers = config->kafka.brokers,
        .properties = (const char *const *)config->kafka.properties,
        .password_file = config->kafka.password_file,
        .key_password_file = config->kafka.key_password_file,
        .group = config->name,
        .instance = config->instance,
        .inputs = (const char *const *)config->topics.inputs,
        .outputs =
            {
                [LC_OUTPUT_BREACHES] = config->topics.breaches,
                [LC_OUTPUT_WARNINGS] = config->topics.warnings,
                [LC_OUTPUT_CLAWBACKS] = config->topics.clawbacks,
                [LC_OUTPUT_ROUTED] = config->topics.routed,
                [LC_OUTPUT_SETTLED] = config->topics.settled,
                [LC_OUTPUT_DEAD_LETTERS] = config->topics.dead_letters,
                [LC_OUTPUT_STATE] = config->topics.state,
                [LC_OUTPUT_COUNTERS] = config->topics.counters,
            },
        .read_ahead = MAX(config->batch.facts / 2, 1),
    };
    for (int table = 0; table < LC_CONFIG_TABLES; table++)
        if (lc_cli_publishes(config, table))
            options.outputs[LC_OUTPUT_TABLE_CYCLES + table] = config->tables.topics[table];
    return options;
}

/* ---- Tables ---- */

void
lc_cli_print_table(FILE *file, const GPtrArray *cells, guint n_columns)
{
    g_autofree int *widths = g_new0(int, n_columns);
    for (guint i = 0; i < cells->len; i++) {
        const char *cell = g_ptr_array_index(cells, i);
        int is_marked = i < n_columns && *cell == '>';
        widths[i % n_columns] = MAX(widths[i % n_columns], (int)g_utf8_strlen(cell, -1) - is_marked);
    }
    for (guint i = 0; i < cells->len; i++) {
        guint column = i % n_columns;
        bool flush_right = *(const char *)g_ptr_array_index(cells, column) == '>', is_last = column == n_columns - 1;
        const char *cell = (const char *)g_ptr_array_index(cells, i) + (i < n_columns && flush_right);
        int padding = widths[column] - (int)g_utf8_strlen(cell, -1);
        fprintf(file, "%*s%s%*s%s", flush_right ? padding : 0, "", cell, flush_right || is_last ? 0 : padding, "",
                is_last ? "\n" : "  ");
    }
}

/* ---- Signals ---- */

void
lc_cli_block_signals(sigset_t *signals)
{
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(signals);
    sigaddset(signals, SIGINT);
    sigaddset(signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, signals, NULL);
}

void
lc_cli_block_signals_and_hangup(sigset_t *signals)
{
    lc_cli_block_signals(signals);
    sigaddset(signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, signals, NULL);
}
