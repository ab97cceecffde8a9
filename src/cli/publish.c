/* publish.c - sends JSON Lines facts as Avro to the input topics. */
#include "common.h"
#include "progress.h"

#include <leadclock/backtest.h>
#include <leadclock/ingest.h>
#include <leadclock/text.h>

typedef struct {
    lc_publisher *publisher;
    lc_fact_source *source;
    lc_inputs inputs;
    GByteArray *record;
    lc_duration max_future; /* the service's */
    uint64_t published, bad;
    lc_progress progress;
} publish_command;

/* ---- Topics ---- */

static int
find_type(const char *name, size_t length)
{
    for (int type = 0; type < LC_FACT_TYPES; type++) {
        const char *known = lc_fact_type_name((lc_fact_type)type);
        if (strlen(known) == length && strncmp(known, name, length) == 0)
            return type;
    }
    return -1;
}

/* A name as configured, or as it is after the prefix. */
static char *
full_topic_name(const lc_config *config, const char *name)
{
    g_autofree char *prefixed = g_strconcat(config->topics.prefix, name, NULL);
    if (g_strv_contains((const char *const *)config->topics.inputs, name))
        return g_strdup(name);
    return g_steal_pointer(&prefixed);
}

/* Caller frees. */
static char *
type_meant(const char *option)
{
    const char *names[LC_FACT_TYPES + 1] = {NULL};
    g_autofree char *written = g_strndup(option, strcspn(option, "="));

    for (int type = 0; type < LC_FACT_TYPES; type++)
        names[type] = lc_fact_type_name((lc_fact_type)type);
    return find_type(written, strlen(written)) < 0 ? lc_did_you_mean(written, names) : g_strdup("");
}

static bool
take_topic_option(publish_command *command, const lc_config *config, const char *option, GError **error)
{
    const char *equals = strchr(option, '=');
    int type = equals ? find_type(option, (size_t)(equals - option)) : -1;
    if (type < 0 || equals[1] == '\0') {
        g_autofree char *meant = type_meant(option);
        g_set_error(error, LC_ERROR, LC_ERROR_CONFIG,
                    "--topic %s: write TYPE=NAME, where TYPE is LeadCreated, LeadAssigned, LeadContacted, "
                    "LeadProgressed, LeadRejected, LeadPaused, LeadResumed, LeadMerged or LeadErased%s",
                    option, meant);
        return false;
    }
    g_free(command->inputs.topics[type]);
    command->inputs.topics[type] = full_topic_name(config, equals + 1);
    return true;
}

static bool
choose_topics(publish_command *command, const lc_config *config, char **options, GError **error)
{
    lc_inputs_choose(&command->inputs, (const char *const *)config->topics.inputs);
    for (; options && *options; options++)
        if (!take_topic_option(command, config, *options, error))
            return false;
    return true;
}

static bool
check_topics_exist(const publish_command *command, const lc_kafka_options *kafka, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    for (int type = 0; type < LC_FACT_TYPES; type++)
        if (command->inputs.topics[type])
            g_ptr_array_add(names, command->inputs.topics[type]);
    g_ptr_array_add(names, NULL);
    g_autoptr(GArray) found =
        lc_kafka_describe_topics(kafka, (const char *const *)names->pdata, false, LC_CLI_TIMEOUT_MS, error);
    if (found == NULL)
        return false;
    for (guint i = 0; i < found->len; i++) {
        const lc_topic_description *topic = &g_array_index(found, lc_topic_description, i);
        if (topic->partitions)
            continue;
        g_set_error(error, LC_ERROR, LC_ERROR_CONFIG,
                    "topic %s does not exist; 'leadclock topics --create' makes those that are missing", topic->name);
        return false;
    }
    return true;
}

static bool
register_schemas(publish_command *command, const lc_config *config, GError **error)
{
    g_autoptr(lc_registry) registry = lc_cli_registry_new(config, error);
    return registry && lc_inputs_register(&command->inputs, registry, lc_cli_register, error);
}

/* ---- Facts ---- */

static void
report_bad(publish_command *command, const char *what)
{
    command->bad++;
    lc_progress_clear(&command->progress);
    fprintf(stderr, "%s: %s; skipped\n", lc_fact_source_place(command->source), what);
}

/* The service would make a dead letter of it, by the broker's clock. */
static bool
refuse_future(publish_command *command, lc_instant occurred_at)
{
    char ahead[LC_DURATION_TEXT_BYTES], most[LC_DURATION_TEXT_BYTES];
    lc_duration future = occurred_at - g_get_real_time() / 1000;

    if (future <= command->max_future)
        return false;
    g_autofree char *what =
        g_strdup_printf("occurred_at is %s ahead of this machine's clock, and the service takes at "
                        "most %s (max_future) ahead of the brokers': one of them is wrong",
                        lc_duration_format(future, ahead), lc_duration_format(command->max_future, most));
    report_bad(command, what);
    return true;
}

/* False only where nothing more can be sent. */
static bool
publish_fact(publish_command *command, const lc_sourced_fact *sourced, GError **error)
{
    g_autoptr(GError) problem = NULL;
    const char *topic = command->inputs.topics[sourced->fact.type], *type = lc_fact_type_name(sourced->fact.type);
    if (topic == NULL) {
        g_autofree char *what = g_strdup_printf("no input topic is named after %s; say --topic %s=NAME", type, type);
        report_bad(command, what);
        return true;
    }
    if (refuse_future(command, sourced->fact.occurred_at))
        return true;
    g_byte_array_set_size(command->record, 0);
    if (!lc_inputs_encode(&command->inputs, command->record, sourced->lead_id, &sourced->fact, &problem)) {
        report_bad(command, problem->message);
        return true;
    }
    lc_text value = {(const char *)command->record->data, command->record->len};
    command->published++;
    return lc_publisher_send(command->publisher, topic, sourced->lead_id, value, NULL, 0, error);
}

static bool
publish_all(publish_command *command, GError **error)
{
    lc_sourced_fact sourced;
    for (;;) {
        g_autoptr(GError) problem = NULL;
        switch (lc_fact_source_next(command->source, &sourced, &problem)) {
        case LC_SOURCE_FACT:
            if (!publish_fact(command, &sourced, error))
                return false;
            lc_progress_count(&command->progress, command->published, lc_fact_source_share(command->source));
            break;
        case LC_SOURCE_BAD:
            report_bad(command, problem->message);
            break;
        case LC_SOURCE_END:
            return true;
        case LC_SOURCE_BROKEN:
            g_propagate_error(error, g_steal_pointer(&problem));
            return false;
        }
    }
}

static void
say_done(const publish_command *command, size_t not_delivered)
{
    double seconds = MAX((double)(g_get_monotonic_time() - command->progress.started) / G_USEC_PER_SEC, 0.001);
    uint64_t delivered = command->published - MIN(command->published, not_delivered);
    fprintf(stderr, "%" G_GUINT64_FORMAT " facts published in %.1f s (%.0f/s)", delivered, seconds,
            (double)delivered / seconds);
    if (command->bad)
        fprintf(stderr, ", %" G_GUINT64_FORMAT " skipped", command->bad);
    fputc('\n', stderr);
}

static int
publish(publish_command *command)
{
    g_autoptr(GError) error = NULL, lost = NULL;
    lc_progress_start(&command->progress, "facts", true);
    bool ok = publish_all(command, &error);
    size_t not_delivered = lc_publisher_flush(command->publisher, &lost);
    lc_progress_clear(&command->progress);
    lc_fact_source_warn(command->source, "publish");
    if (ok || command->published)
        say_done(command, not_delivered);
    if (!ok)
        return lc_cli_fail("publish", error);
    if (not_delivered)
        return lc_cli_fail("publish", lost);
    return command->bad ? EXIT_FOUND : EXIT_DONE;
}

/* ---- The command ---- */

static void
clear_command(publish_command *command)
{
    lc_inputs_clear(&command->inputs);
    g_clear_pointer(&command->source, lc_fact_source_close);
    g_clear_pointer(&command->publisher, lc_publisher_free);
    g_clear_pointer(&command->record, g_byte_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(publish_command, clear_command)

static bool
start(publish_command *command, const lc_config *config, char **topics, const char *events, GError **error)
{
    lc_kafka_options kafka = lc_cli_kafka_options(config);
    command->max_future = config->max_future;
    command->record = g_byte_array_new();
    return choose_topics(command, config, topics, error) &&
           (command->source = lc_fact_source_open(events, error)) != NULL &&
           check_topics_exist(command, &kafka, error) && register_schemas(command, config, error) &&
           (command->publisher = lc_publisher_new(&kafka, error)) != NULL;
}

static const char summary[] = "Sends facts (JSON Lines, one a line) as Avro to the input topics, keyed by lead.";
static const char more[] =
    "EVENTS is a file, or - for standard input. A line that is no valid fact is named and skipped. A fact goes to the\n"
    "input topic that is named after its type (LeadCreated to the one that ends with \"created\"; LeadPaused and "
    "LeadResumed\n"
    "to the one with \"paused\"), to the only one where there is one, or to the one named by --topic, where TYPE is "
    "one of\n"
    "LeadCreated, LeadContacted, LeadRejected, LeadProgressed, LeadAssigned, LeadPaused, LeadResumed, LeadMerged and "
    "LeadErased.\n\n"
    "A fact that lies more than max_future ahead of this machine's clock is skipped: the service would refuse it.\n\n"
    "Exit codes: 0 done, 1 lines were skipped, 2 usage, configuration, or a file that holds something\n"
    "else (CSV, a JSON array, what is compressed), 3 Kafka or the registry does not answer.\n\n"
    "Example:\n"
    "  leadclock publish --config leadclock.yaml facts.jsonl\n"
    "  leadclock publish --config leadclock.yaml --topic LeadCreated=crm.leads - < facts.jsonl\n";

int
lc_cli_publish(int argc, char **argv)
{
    g_auto(lc_cli_config_options) options = {0};
    g_auto(GStrv) topics = NULL;
    const GOptionEntry entries[] = {
        {"topic", 't', 0, G_OPTION_ARG_STRING_ARRAY, &topics, "Where facts of one type go", "TYPE=NAME"},
        {NULL},
    };
    if (!lc_cli_parse(&argc, &argv, "EVENTS", summary, more, entries, &options) ||
        !lc_cli_check_arguments(argc, argv, 1, 1))
        return EXIT_USAGE;
    g_autoptr(lc_config) config = lc_cli_load_config("publish", &options);
    if (config == NULL)
        return EXIT_USAGE;
    g_auto(publish_command) command = {0};
    g_autoptr(GError) error = NULL;
    if (!start(&command, config, topics, argv[1], &error))
        return lc_cli_fail("publish", error);
    return publish(&command);
}
