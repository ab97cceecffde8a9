/* topics.c - what is missing or different, and how far the group is. */
#include "asyncapi.h"

#define MONTH_MS "2592000000" /* delete.retention.ms of the changelogs: 30 days */
#define TWO_MIB "2097152"     /* max.message.bytes of what may be as large as a lead's state */
#define ONE_MIB "1048588"     /* of all others, Kafka's default: producers send batches of up to 1,000,000 bytes */
#define DEFAULT_PARTITIONS 4
#define SEEN_TIMEOUT_US (60 * G_USEC_PER_SEC)
#define TELL_AFTER_US (3 * G_USEC_PER_SEC)

typedef enum { SETTING_EXACTLY, SETTING_AT_LEAST } comparison;

typedef struct {
    const char *name, *value;
    comparison comparison;
} setting;

/* Inputs: what time is trusted; the changelogs: how the broker's clock is read; the others: brokers refuse what a clock
 * that is an hour ahead has stamped. */
#define APPEND_TIME                                                                                                    \
    {                                                                                                                  \
        "message.timestamp.type", "LogAppendTime", SETTING_EXACTLY                                                     \
    }

static const setting of_inputs[] = {APPEND_TIME, {"max.message.bytes", ONE_MIB, SETTING_AT_LEAST}, {NULL}};
static const setting of_outcomes[] = {APPEND_TIME, {"max.message.bytes", ONE_MIB, SETTING_AT_LEAST}, {NULL}};
static const setting of_dead_letters[] = {APPEND_TIME, {"max.message.bytes", TWO_MIB, SETTING_AT_LEAST}, {NULL}};
static const setting of_changelogs[] = {
    APPEND_TIME,
    {"cleanup.policy", "compact", SETTING_EXACTLY},
    {"delete.retention.ms", MONTH_MS, SETTING_AT_LEAST},
    {"max.message.bytes", TWO_MIB, SETTING_AT_LEAST},
    {NULL},
};

/* Tombstones stay long enough for whoever reads a table but now and then. */
static const setting of_tables[] = {
    APPEND_TIME,
    {"cleanup.policy", "compact", SETTING_EXACTLY},
    {"delete.retention.ms", MONTH_MS, SETTING_AT_LEAST},
    {"max.message.bytes", ONE_MIB, SETTING_AT_LEAST},
    {NULL},
};

/* What a topic must be. */
typedef struct {
    const char *name;
    bool same_partitions; /* as many partitions as all inputs, changelogs and tables */
    const setting *settings;
} wanted_topic;

typedef struct {
    lc_kafka_options kafka;
    GArray *wanted;  /* wanted_topic */
    char **names;    /* the same topics; not owned texts */
    GArray *found;   /* lc_topic_description, in that order */
    int partitions;  /* asked for; 0: not */
    int replication; /* -1: the broker's default */
    bool create, lag;
} topics_command;

static void
want(topics_command *command, const char *name, bool same_partitions, const setting *settings)
{
    wanted_topic wanted = {name, same_partitions, settings};
    g_array_append_val(command->wanted, wanted);
}

static void
list_wanted(topics_command *command, const lc_config *config)
{
    command->wanted = g_array_new(FALSE, FALSE, sizeof(wanted_topic));
    for (char **input = config->topics.inputs; *input; input++)
        want(command, *input, true, of_inputs);
    want(command, config->topics.breaches, false, of_outcomes);
    want(command, config->topics.warnings, false, of_outcomes);
    want(command, config->topics.clawbacks, false, of_outcomes);
    want(command, config->topics.routed, false, of_outcomes);
    want(command, config->topics.settled, false, of_outcomes);
    want(command, config->topics.counters, true, of_changelogs);
    want(command, config->topics.state, true, of_changelogs);
    want(command, config->topics.dead_letters, false, of_dead_letters);
    if (config->alert.webhooks && config->alert.webhooks->len)
        want(command, config->topics.undelivered, false, of_outcomes);
    for (int table = 0; table < LC_CONFIG_TABLES; table++)
        if (lc_cli_publishes(config, table))
            want(command, config->tables.topics[table], true, of_tables);
    command->names = g_new0(char *, command->wanted->len + 1);
    for (guint i = 0; i < command->wanted->len; i++)
        command->names[i] = (char *)g_array_index(command->wanted, wanted_topic, i).name;
}

static bool
describe(topics_command *command, GError **error)
{
    g_clear_pointer(&command->found, g_array_unref);
    command->found =
        lc_kafka_describe_topics(&command->kafka, (const char *const *)command->names, true, LC_CLI_TIMEOUT_MS, error);
    return command->found != NULL;
}

static const lc_topic_description *
found_at(const topics_command *command, guint i)
{
    return &g_array_index(command->found, lc_topic_description, i);
}

/* As many as were asked for, or as the first input, changelog or table has, or a few. */
static int32_t
wanted_partitions(const topics_command *command)
{
    if (command->partitions)
        return command->partitions;
    for (guint i = 0; i < command->wanted->len; i++)
        if (g_array_index(command->wanted, wanted_topic, i).same_partitions && found_at(command, i)->partitions)
            return found_at(command, i)->partitions;
    return DEFAULT_PARTITIONS;
}

/* ---- Comparing ---- */

static bool
setting_holds(const setting *setting, const char *value)
{
    if (value == NULL)
        return false;
    if (setting->comparison == SETTING_EXACTLY)
        return strcmp(value, setting->value) == 0;
    return g_ascii_strtoll(value, NULL, 10) >= g_ascii_strtoll(setting->value, NULL, 10);
}

/* What is wrong with a topic; empty: nothing. Caller frees. */
static char *
compare(const topics_command *command, guint i)
{
    const wanted_topic *wanted = &g_array_index(command->wanted, wanted_topic, i);
    const lc_topic_description *found = found_at(command, i);
    int32_t partitions = wanted_partitions(command);
    if (found->partitions == 0)
        return g_strdup("missing");
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    if (wanted->same_partitions && found->partitions != partitions)
        g_ptr_array_add(problems,
                        g_strdup_printf("has %d partitions, must have %d as all inputs, changelogs and tables",
                                        found->partitions, partitions));
    for (const setting *setting = wanted->settings; setting->name; setting++) {
        const char *value = g_hash_table_lookup(found->configs, setting->name);
        if (!setting_holds(setting, value))
            g_ptr_array_add(problems,
                            g_strdup_printf("%s is %s, must be %s%s", setting->name, value ? value : "unknown",
                                            setting->value, setting->comparison == SETTING_AT_LEAST ? " or more" : ""));
    }
    g_ptr_array_add(problems, NULL);
    return g_strjoinv("; ", (char **)problems->pdata);
}

/* The number of topics that are missing or different. */
static guint
print_comparison(const topics_command *command)
{
    g_autoptr(GPtrArray) cells = g_ptr_array_new_with_free_func(g_free);
    guint wrong = 0;
    g_ptr_array_add(cells, g_strdup("TOPIC"));
    g_ptr_array_add(cells, g_strdup(">PARTITIONS"));
    g_ptr_array_add(cells, g_strdup("STATE"));
    for (guint i = 0; i < command->wanted->len; i++) {
        char *problem = compare(command, i);
        int32_t partitions = found_at(command, i)->partitions;
        wrong += *problem != '\0';
        g_ptr_array_add(cells, g_strdup(found_at(command, i)->name));
        g_ptr_array_add(cells, partitions ? g_strdup_printf("%d", partitions) : g_strdup("-"));
        g_ptr_array_add(cells, *problem ? g_strdup(problem) : g_strdup("ok"));
        g_free(problem);
    }
    lc_cli_print_table(stdout, cells, 3);
    return wrong;
}

static guint
count_missing(const topics_command *command)
{
    guint missing = 0;
    for (guint i = 0; i < command->found->len; i++)
        missing += found_at(command, i)->partitions == 0;
    return missing;
}

/* ---- Creating ---- */

/* Name, value, ..., NULL. */
static GPtrArray *
pairs_of(const setting *settings)
{
    GPtrArray *pairs = g_ptr_array_new();
    for (const setting *setting = settings; setting->name; setting++) {
        g_ptr_array_add(pairs, (char *)setting->name);
        g_ptr_array_add(pairs, (char *)setting->value);
    }
    g_ptr_array_add(pairs, NULL);
    return pairs;
}

static bool
create_topic(const lc_kafka_options *kafka, const char *name, const setting *settings, int32_t partitions,
             int replication, GError **error)
{
    g_autoptr(GPtrArray) configs = pairs_of(settings);
    return lc_kafka_create_topic(kafka, name, partitions, replication, (const char *const *)configs->pdata,
                                 LC_CLI_TIMEOUT_MS, error);
}

bool
lc_cli_create_changelog(const lc_kafka_options *options, const char *name, int32_t partitions, GError **error)
{
    return create_topic(options, name, of_changelogs, partitions, -1, error);
}

bool
lc_cli_create_table(const lc_kafka_options *options, const char *name, int32_t partitions, GError **error)
{
    return create_topic(options, name, of_tables, partitions, -1, error);
}

static bool
create_missing(topics_command *command, GError **error)
{
    int32_t partitions = wanted_partitions(command);
    for (guint i = 0; i < command->wanted->len; i++) {
        const wanted_topic *wanted = &g_array_index(command->wanted, wanted_topic, i);
        if (found_at(command, i)->partitions == 0 &&
            !create_topic(&command->kafka, wanted->name, wanted->settings, partitions, command->replication, error))
            return false;
    }
    /* A broker may need a moment until it tells of a topic that it has just made. */
    int64_t began = g_get_monotonic_time();
    for (bool is_told = false;; g_usleep(100000)) {
        if (!describe(command, error))
            return false;
        int64_t waited = g_get_monotonic_time() - began;
        if (count_missing(command) == 0 || waited > SEEN_TIMEOUT_US)
            return true;
        if (waited > TELL_AFTER_US && !is_told)
            fprintf(stderr, "leadclock topics: waiting until the brokers tell of what they made\n");
        is_told = is_told || waited > TELL_AFTER_US;
    }
}

/* ---- Lag ---- */

static void
add_number(GPtrArray *cells, int64_t number)
{
    g_ptr_array_add(cells, number < 0 ? g_strdup("-") : g_strdup_printf("%" G_GINT64_FORMAT, number));
}

static bool
print_lag(const topics_command *command, GError **error)
{
    g_autoptr(GArray) lags = lc_kafka_group_lag(&command->kafka, LC_CLI_TIMEOUT_MS, error);
    g_autoptr(GPtrArray) cells = g_ptr_array_new_with_free_func(g_free);
    static const char *const heading[] = {"TOPIC", ">PARTITION", ">COMMITTED", ">END", ">LAG"};
    int64_t total = 0;
    if (lags == NULL)
        return false;
    for (guint i = 0; i < G_N_ELEMENTS(heading); i++)
        g_ptr_array_add(cells, g_strdup(heading[i]));
    for (guint i = 0; i < lags->len; i++) {
        const lc_group_lag *lag = &g_array_index(lags, lc_group_lag, i);
        int64_t behind = MAX(lag->end - MAX(lag->committed, lag->low), 0);
        total += behind;
        g_ptr_array_add(cells, g_strdup(lag->topic));
        add_number(cells, lag->partition);
        add_number(cells, lag->committed);
        add_number(cells, lag->end);
        add_number(cells, behind);
    }
    printf("\n");
    lc_cli_print_table(stdout, cells, G_N_ELEMENTS(heading));
    printf("\nGroup %s: %" G_GINT64_FORMAT " behind\n", command->kafka.group, total);
    return true;
}

/* ---- As AsyncAPI ---- */

static void
write_asyncapi(const topics_command *command, const lc_config *config)
{
    guint n = command->wanted->len;
    g_autoptr(GPtrArray) lists = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
    g_autofree lc_cli_topic *topics = g_new0(lc_cli_topic, n);
    for (guint i = 0; i < n; i++) {
        const wanted_topic *wanted = &g_array_index(command->wanted, wanted_topic, i);
        GPtrArray *pairs = pairs_of(wanted->settings);
        g_ptr_array_add(lists, pairs);
        topics[i] = (lc_cli_topic){wanted->name, (const char *const *)pairs->pdata};
    }
    lc_cli_write_asyncapi(config, topics, n, stdout);
}

/* ---- The command ---- */

static int
run(topics_command *command)
{
    g_autoptr(GError) error = NULL;
    if (!describe(command, &error) || (command->create && count_missing(command) && !create_missing(command, &error)))
        return lc_cli_fail("topics", error);
    guint wrong = print_comparison(command);
    if (command->lag && !print_lag(command, &error))
        return lc_cli_fail("topics", error);
    guint missing = count_missing(command);
    if (missing && command->create)
        fprintf(
            stderr,
            "leadclock topics: the brokers took what was to be made, and do not tell of %u of %u topics yet; they are "
            "busy: look again in a while\n",
            missing, command->wanted->len);
    else if (missing)
        fprintf(stderr,
                "leadclock topics: %u of %u topics are missing or different; --create makes those that are "
                "missing\n",
                wrong, command->wanted->len);
    else if (wrong)
        fprintf(stderr,
                "leadclock topics: %u of %u topics are different; Kafka's kafka-configs.sh --alter changes "
                "settings; how to change a number of partitions is in docs/operations.md, More partitions\n",
                wrong, command->wanted->len);
    return wrong ? EXIT_FOUND : EXIT_DONE;
}

static bool
check_numbers(const topics_command *command)
{
    if (command->partitions >= 0 && command->replication >= -1 && command->replication != 0)
        return true;
    fprintf(stderr, "leadclock topics: --partitions and --replication must be 1 or more\n");
    return false;
}

static bool
check_one_thing(bool acls, bool asyncapi, bool topics)
{
    if (acls + asyncapi + topics <= 1)
        return true;
    fprintf(stderr, "leadclock topics: --acls, --asyncapi, and --create or --lag: one of them\n");
    return false;
}

/* False: wrong usage, already said. `role`: of --acls alone; NULL: none. */
static bool
check_acls(bool acls, const char *role, const char *principal, const char *redis_user)
{
    if (acls || (role == NULL && principal == NULL && redis_user == NULL))
        return true;
    fprintf(stderr, "leadclock topics: a role, --principal and --redis-user go with --acls\n");
    return false;
}

static const char summary[] =
    "Shows which topics are missing or different from what leadclock needs, or makes them; or prints who needs which "
    "rights.";
static const char more[] =
    "All are made with LogAppendTime; states, counters and the tables of rows compacted, keeping tombstones for 30 "
    "days;\n"
    "states, counters and dead letters with room for 2 MiB, the others for 1 MiB. What exists is never changed.\n\n"
    "Exit codes: 0 all is right, 1 a topic is missing or different, 2 usage, configuration or a right that is "
    "missing, 3 Kafka does not answer.\n\n"
    "--acls asks no server. It prints, for sh, the kafka-acls.sh commands and the ACL SETUSER of Redis that give each "
    "role of\n"
    "this configuration what it needs, and no more; ROLE (service, publisher, ingest, alert, dashboard, tools, admin): "
    "that\n"
    "one's alone. docs/security.md tells which commands a role is for.\n\n"
    "Examples:\n  leadclock topics --config leadclock.yaml --create --partitions 12\n"
    "  leadclock topics --config leadclock.yaml --acls service\n"
    "  leadclock topics --config leadclock.yaml --asyncapi >asyncapi.json\n";

int
lc_cli_topics(int argc, char **argv)
{
    g_auto(lc_cli_config_options) options = {0};
    topics_command command = {.replication = -1};
    gboolean create = FALSE, lag = FALSE, acls = FALSE, asyncapi = FALSE;
    g_autofree char *principal = NULL, *redis_user = NULL;
    const GOptionEntry entries[] = {
        {"create", 0, 0, G_OPTION_ARG_NONE, &create, "Makes the topics that are missing", NULL},
        {"lag", 0, 0, G_OPTION_ARG_NONE, &lag, "Also shows, by partition, how far the group is", NULL},
        {"acls", 0, 0, G_OPTION_ARG_NONE, &acls, "Prints the ACLs that each role, or ROLE, needs", NULL},
        {"principal", 0, 0, G_OPTION_ARG_STRING, &principal,
         "With --acls ROLE: whose they are at Kafka (default: User:NAME-ROLE)", "TYPE:NAME"},
        {"redis-user", 0, 0, G_OPTION_ARG_STRING, &redis_user,
         "With --acls ROLE: whose they are at Redis (default: NAME-ROLE)", "USER"},
        {"asyncapi", 0, 0, G_OPTION_ARG_NONE, &asyncapi,
         "Asks no server: writes an AsyncAPI 3 document (JSON) of all topics and what is on them", NULL},
        {"partitions", 0, 0, G_OPTION_ARG_INT, &command.partitions,
         "How many partitions (default: as those that exist, or 4)", "N"},
        {"replication", 0, 0, G_OPTION_ARG_INT, &command.replication, "How many replicas (default: the broker's)", "N"},
        {NULL},
    };
    if (!lc_cli_parse(&argc, &argv, "[ROLE]", summary, more, entries, &options) ||
        !lc_cli_check_arguments(argc, argv, 0, 1) || !check_numbers(&command) ||
        !check_one_thing(acls, asyncapi, create || lag) || !check_acls(acls, argv[1], principal, redis_user))
        return EXIT_USAGE;
    g_autoptr(lc_config) config = lc_cli_load_config("topics", &options);
    if (config == NULL)
        return EXIT_USAGE;
    if (acls)
        return lc_cli_print_acls(config, argv[1], principal, redis_user) ? EXIT_DONE : EXIT_USAGE;
    command.create = create;
    command.lag = lag;
    command.kafka = lc_cli_kafka_options(config);
    list_wanted(&command, config);
    int code = EXIT_DONE;
    if (asyncapi)
        write_asyncapi(&command, config);
    else
        code = run(&command);
    g_array_unref(command.wanted);
    g_free(command.names);
    g_clear_pointer(&command.found, g_array_unref);
    return code;
}
