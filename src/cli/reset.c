/* reset.c - the group begins anew. In an order that may be cut off anywhere: what is half done is refused by `run`, and
 * done by another reset. */
#include "reset.h"

#include "progress.h"
#include "worker.h"

#include <inttypes.h>
#include <stdlib.h>

#define GONE_TIMEOUT_US (30 * G_USEC_PER_SEC)

typedef struct {
    lc_cli_tool tool;
    lc_kafka_options kafka;
    const char *topics_anew[LC_OUTPUTS - LC_OUTPUT_STATE + 1]; /* both changelogs, then tables; NULL-terminated */
    int32_t partitions;                                        /* of the inputs */
    lc_instant to_time;                                        /* LC_ABSENT: to the beginning */
    gboolean dry_run, yes;
    gboolean republish;
    int32_t former; /* for how many partitions the group and Redis were made, where for others than there are; or 0 */
    bool resumes;   /* facts were republished already, and what followed was cut off */
    lc_progress progress;
    GArray *offsets; /* lc_group_lag: `committed` is where to go */
    GArray *topics;  /* lc_topic_description of them */
} reset_command;

/* ---- What will be done ---- */

static void
print_offsets(const reset_command *command, const GArray *before)
{
    g_autoptr(GPtrArray) cells = g_ptr_array_new_with_free_func(g_free);
    static const char *const heading[] = {"TOPIC", ">PARTITION", ">FROM", ">TO", ">READ AGAIN"};

    for (guint i = 0; i < G_N_ELEMENTS(heading); i++)
        g_ptr_array_add(cells, g_strdup(heading[i]));
    for (guint i = 0; i < before->len; i++) {
        const lc_group_lag *was = &g_array_index(before, lc_group_lag, i);
        const lc_group_lag *will = &g_array_index(command->offsets, lc_group_lag, i);
        int64_t again = was->committed < 0 ? 0 : MAX(was->committed - will->committed, 0);
        g_ptr_array_add(cells, g_strdup(was->topic));
        g_ptr_array_add(cells, g_strdup_printf("%" PRId32, was->partition));
        g_ptr_array_add(cells, was->committed < 0 ? g_strdup("-") : g_strdup_printf("%" PRId64, was->committed));
        g_ptr_array_add(cells, g_strdup_printf("%" PRId64, will->committed));
        g_ptr_array_add(cells, g_strdup_printf("%" PRId64, again));
    }
    lc_cli_print_table(stdout, cells, G_N_ELEMENTS(heading));
}

static void
print_republication(const reset_command *command)
{
    int64_t all = 0, gone = 0;

    for (guint i = 0; i < command->offsets->len; i++) {
        const lc_group_lag *one = &g_array_index(command->offsets, lc_group_lag, i);
        all += one->end - one->low;
        gone += one->low;
    }
    if (command->resumes) {
        printf("\nThe facts were published again already; what follows was cut off, and is finished.\n");
        return;
    }
    printf("\nPublished again first: the %" PRId64 " records that lie before these offsets, each to the one of %" PRId32
           " partitions where its key belongs.\nWhoever else reads the inputs sees them again, with the same event "
           "ids.\n",
           all, command->partitions);
    if (gone)
        printf("Gone already, deleted by retention: %" PRId64 " records. Of leads that only they told of nothing will "
               "be known.\n",
               gone);
}

/* A line that names them; empty: there are none. Caller frees. */
static char *
describe_tables(const reset_command *command)
{
    g_autofree char *names = g_strjoinv(", ", (char **)command->topics_anew + LC_CHANGELOGS);

    return *names ? g_strdup_printf("Likewise the tables of rows: %s.\n", names) : g_strdup("");
}

static void
print_plan(const reset_command *command, const GArray *before)
{
    g_autofree char *tables = describe_tables(command);

    printf("The offsets of group %s:\n\n", command->kafka.group);
    print_offsets(command, before);
    if (command->republish)
        print_republication(command);
    else if (command->former)
        printf("\nThe inputs had %" PRId32 " partitions: facts behind these offsets that lie where they belonged then "
               "become dead letters\n(WRONG_PARTITION).\n",
               command->former);
    printf("\nDeleted and made anew, empty: %s and %s (every lead's state, every counter).\n"
           "%s"
           "Removed from Redis: all leads, wake-ups and counters of %s.\n"
           "Downstream will see the outcomes of the facts that are read again once more, with the same event ids and "
           "not as\nrestated; counters begin at zero. Facts before these offsets are not judged again%s.\n",
           command->topics_anew[0], command->topics_anew[1], tables, command->kafka.group,
           command->republish              ? " where they lie now"
           : command->to_time == LC_ABSENT ? ""
                                           : ": a lead handed over before then is unknown");
}

/* ---- Doing it ---- */

static const lc_topic_description *
topic_at(const reset_command *command, guint i)
{
    return &g_array_index(command->topics, lc_topic_description, i);
}

/* What is made anew: the changelogs, and the tables that are published. */
static void
list_topics(reset_command *command)
{
    const char **name = command->topics_anew;

    for (int output = LC_OUTPUT_STATE; output < LC_OUTPUTS; output++)
        if (command->kafka.outputs[output])
            *name++ = command->kafka.outputs[output];
    *name = NULL;
}

static bool
describe_topics(reset_command *command, GError **error)
{
    list_topics(command);
    command->topics = lc_kafka_describe_topics(&command->kafka, command->topics_anew, true, LC_CLI_TIMEOUT_MS, error);
    return command->topics != NULL;
}

static char **
own_settings(const lc_topic_description *topic)
{
    GPtrArray *settings = g_ptr_array_new();
    GHashTableIter iter;
    gpointer name, value;

    if (topic->own_configs) {
        g_hash_table_iter_init(&iter, topic->own_configs);
        while (g_hash_table_iter_next(&iter, &name, &value)) {
            g_ptr_array_add(settings, g_strdup(name));
            g_ptr_array_add(settings, g_strdup(value));
        }
    }
    g_ptr_array_add(settings, NULL);
    return (char **)g_ptr_array_free(settings, FALSE);
}

/* Until the broker has let go of the name. */
static bool
create_again(const lc_kafka_options *kafka, const lc_topic_description *topic, int32_t partitions, GError **error)
{
    g_auto(GStrv) settings = own_settings(topic);
    gint64 give_up = g_get_monotonic_time() + GONE_TIMEOUT_US;
    const char *const names[] = {topic->name, NULL};

    for (;;) {
        g_autoptr(GArray) found = lc_kafka_describe_topics(kafka, names, false, LC_CLI_TIMEOUT_MS, error);
        if (found == NULL)
            return false;
        if (g_array_index(found, lc_topic_description, 0).partitions == 0)
            break;
        if (g_get_monotonic_time() > give_up) {
            g_set_error(error, LC_ERROR, LC_ERROR_RETRY, "topic %s is being deleted for 30 s; do this again",
                        topic->name);
            return false;
        }
        g_usleep(200000);
    }
    return lc_kafka_create_topic(kafka, topic->name, partitions, topic->replication, (const char *const *)settings,
                                 LC_CLI_TIMEOUT_MS, error);
}

bool
lc_cli_make_topic_anew(const lc_kafka_options *kafka, const lc_topic_description *topic, int32_t partitions,
                       GError **error)
{
    fprintf(stderr, "making %s anew\n", topic->name);
    return lc_kafka_delete_topic(kafka, topic->name, LC_CLI_TIMEOUT_MS, error) &&
           create_again(kafka, topic, partitions, error);
}

/* An earlier reset was cut off after it had deleted it. */
static bool
create_missing(const reset_command *command, guint i, GError **error)
{
    const char *name = topic_at(command, i)->name;
    int32_t partitions = 0;

    for (guint i = 0; i < command->offsets->len; i++)
        partitions = MAX(partitions, g_array_index(command->offsets, lc_group_lag, i).partition + 1);
    if (partitions == 0) {
        g_set_error(error, LC_ERROR, LC_ERROR_CONFIG,
                    "the input topics don't exist; 'leadclock topics --create' makes those that are missing");
        return false;
    }
    fprintf(stderr, "making %s, which is missing\n", name);
    return i < LC_CHANGELOGS ? lc_cli_create_changelog(&command->kafka, name, partitions, error)
                             : lc_cli_create_table(&command->kafka, name, partitions, error);
}

static bool
empty_topics(const reset_command *command, GError **error)
{
    for (guint i = 0; i < command->topics->len; i++) {
        const lc_topic_description *topic = topic_at(command, i);
        if (topic->partitions == 0) {
            if (!create_missing(command, i, error))
                return false;
            continue;
        }
        if (!lc_cli_make_topic_anew(&command->kafka, topic, command->partitions, error))
            return false;
    }
    return true;
}

static bool
empty_redis(const reset_command *command, GError **error)
{
    const lc_redis_options redis = lc_cli_redis_options(command->tool.config);

    fprintf(stderr, "emptying Redis\n");
    return lc_redis_forget(&redis, error) && lc_worker_empty(command->tool.worker, error);
}

static bool
commit_start(const reset_command *command, GError **error)
{
    if (command->to_time == LC_ABSENT && !command->republish)
        return true; /* no offset: from the beginning */
    /* nothing is judged yet, and this machine's clock may be ahead: the first document alone */
    g_autofree char *hash = lc_policy_book_hash(command->tool.book, 0);
    g_autofree char *metadata = lc_reset_metadata(hash, command->partitions, command->republish);
    return lc_kafka_commit_offsets(&command->kafka, command->offsets, metadata, LC_CLI_TIMEOUT_MS, error);
}

/* Before anything is deleted, or published again. */
static bool
may_commit(const reset_command *command, GError **error)
{
    bool commits = command->to_time != LC_ABSENT || command->republish;
    return !commits || lc_kafka_may_commit(&command->kafka, command->offsets, LC_CLI_TIMEOUT_MS, error);
}

/* Before anything is deleted. */
static bool
may_create(const reset_command *command, GError **error)
{
    for (const char *const *name = command->topics_anew; *name; name++)
        if (!lc_kafka_may_create(&command->kafka, *name, LC_CLI_TIMEOUT_MS, error))
            return false;
    return true;
}

static void
tell_republication(uint64_t done, uint64_t all, void *data)
{
    reset_command *command = data;

    lc_progress_show(&command->progress, done, (double)done / (double)all);
}

/* Cut off here, it begins again: only when all is published again, something is destroyed, and `run` refuses what is
 * half done. */
static bool
republish(reset_command *command, GError **error)
{
    if (command->resumes)
        return true;
    fprintf(stderr, "publishing the facts again\n");
    lc_progress_start(&command->progress, "facts", true);
    bool done =
        lc_kafka_republish(&command->kafka, command->offsets, command->partitions, tell_republication, command, error);
    lc_progress_clear(&command->progress);
    return done && lc_cli_check_members(&command->kafka, error) &&
           lc_kafka_commit_offsets(&command->kafka, command->offsets, lc_reset_under_way, LC_CLI_TIMEOUT_MS, error);
}

static bool
forget_offsets(const reset_command *command, GError **error)
{
    fprintf(stderr, "deleting the offsets of group %s\n", command->kafka.group);
    return lc_kafka_forget_group(&command->kafka, LC_CLI_TIMEOUT_MS, error);
}

static int
carry_out(reset_command *command)
{
    g_autoptr(GError) error = NULL;

    if (!may_create(command, &error) || !may_commit(command, &error) ||
        !(command->republish ? republish(command, &error) : forget_offsets(command, &error)) ||
        !empty_topics(command, &error) || !empty_redis(command, &error) || !commit_start(command, &error))
        return lc_cli_fail("reset", error);
    fprintf(stderr, "done: `leadclock run` begins anew\n");
    return EXIT_DONE;
}

/* Where to go: `committed` of each. */
static bool
find_offsets(reset_command *command, GArray **before, GError **error)
{
    *before = lc_kafka_group_lag(&command->kafka, LC_CLI_TIMEOUT_MS, error);
    command->offsets = *before ? lc_kafka_group_lag(&command->kafka, LC_CLI_TIMEOUT_MS, error) : NULL;
    if (command->offsets == NULL)
        return false;
    for (guint i = 0; i < command->offsets->len; i++) {
        lc_group_lag *one = &g_array_index(command->offsets, lc_group_lag, i);
        one->committed = command->republish ? one->end : one->low;
    }
    return command->to_time == LC_ABSENT ||
           lc_kafka_offsets_at(&command->kafka, command->offsets, command->to_time, LC_CLI_TIMEOUT_MS, error);
}

/* What the group's offsets say, or how far they go; otherwise Redis. */
static bool
find_former_count(reset_command *command, const GArray *before, GError **error)
{
    const lc_redis_options redis = lc_cli_redis_options(command->tool.config);
    int32_t in_redis, told = 0, extent = 0;
    guint under_way = 0;

    if (!lc_redis_partitions(&redis, &in_redis, error))
        return false;
    for (guint i = 0; i < before->len; i++) {
        const lc_group_lag *one = &g_array_index(before, lc_group_lag, i);
        int32_t partitions = lc_metadata_partitions(one->metadata);
        if (partitions && (told == 0 || told == command->partitions))
            told = partitions;
        under_way += g_strcmp0(one->metadata, lc_reset_under_way) == 0;
        if (one->committed >= 0)
            extent = MAX(extent, one->partition + 1);
    }
    command->resumes = before->len > 0 && under_way == before->len;
    /* What was published again lies behind these. */
    for (guint i = 0; command->resumes && i < before->len; i++)
        g_array_index(command->offsets, lc_group_lag, i).committed = g_array_index(before, lc_group_lag, i).committed;
    int32_t former = told ? told : under_way == 0 && extent ? extent : in_redis;
    command->former = former == command->partitions ? 0 : former;
    return true;
}

/* From the beginning, what lies where it belonged once would be lost. */
static bool
check_former_count(const reset_command *command)
{
    if (command->republish || command->to_time != LC_ABSENT)
        return true;
    if (command->resumes)
        fprintf(stderr, "leadclock reset: nothing was done: an earlier reset was cut off after it had published the "
                        "facts again; --republish finishes it\n");
    else if (command->former)
        fprintf(stderr,
                "leadclock reset: nothing was done: the inputs had %" PRId32 " partitions, and have %" PRId32
                ": facts that lie where they belonged then would become dead letters (WRONG_PARTITION); --republish "
                "publishes each again, to where it belongs now, and --to-time begins with what was published since\n",
                command->former, command->partitions);
    return !command->resumes && command->former == 0;
}

static int
reset(reset_command *command)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) before = NULL;

    command->kafka = lc_cli_kafka_options(command->tool.config);
    int code = lc_cli_await_empty_group("reset", &command->kafka, &error);
    if (error)
        return lc_cli_fail("reset", error);
    if (code != EXIT_DONE)
        return code;
    if (!lc_cli_count_inputs(&command->kafka, &command->partitions, &error) || !describe_topics(command, &error) ||
        !find_offsets(command, &before, &error) || !find_former_count(command, before, &error))
        return lc_cli_fail("reset", error);
    if (!check_former_count(command))
        return EXIT_USAGE;
    print_plan(command, before);
    if (command->dry_run)
        return EXIT_DONE;
    return lc_cli_confirm("reset", command->yes) ? carry_out(command) : EXIT_USAGE;
}

static void
clear_command(reset_command *command)
{
    g_clear_pointer(&command->offsets, g_array_unref);
    g_clear_pointer(&command->topics, g_array_unref);
    lc_cli_tool_clear(&command->tool);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(reset_command, clear_command)

static const char summary[] = "Makes the group begin anew: its offsets, the changelogs, the tables and Redis.";
static const char more[] =
    "Refuses while members of the group are alive; one that has ended is waited for until the group has forgotten it, "
    "up to\n"
    "the session time-out (15 s) later. First says what it will do, and what downstream will see again; "
    "then\n"
    "asks. Cut off in the middle, it is finished by another reset. Topics, offsets and Redis are looked at before\n"
    "anything is destroyed. After the inputs got more partitions, `leadclock repartition` moves the leads and\n"
    "publishes nothing twice; to begin anew from the facts instead takes --republish.\n\n"
    "Exit codes: 0 done, 1 members are alive, 2 usage, configuration, grown inputs, not confirmed or a right that is "
    "missing, 3 a server does "
    "not "
    "answer.\n\n"
    "Examples:\n"
    "  leadclock reset --config leadclock.yaml --dry-run\n"
    "  leadclock reset --config leadclock.yaml --to-time 2026-11-01T00:00:00Z\n";

static bool
take_time(const char *text, lc_instant *at)
{
    *at = LC_ABSENT;
    if (text == NULL || lc_instant_parse(text, at))
        return true;
    fprintf(stderr, "leadclock reset: --to-time \"%s\" is no time; write it as 2026-11-01T00:00:00Z\n", text);
    return false;
}

int
lc_cli_reset(int argc, char **argv)
{
    g_auto(lc_cli_config_options) options = {0};
    g_auto(reset_command) command = {0};
    g_autofree char *to_time = NULL;
    gboolean to_beginning = FALSE;
    const GOptionEntry entries[] = {
        {"to-beginning", 0, 0, G_OPTION_ARG_NONE, &to_beginning, "reads every fact again (default)", NULL},
        {"to-time", 0, 0, G_OPTION_ARG_STRING, &to_time, "reads again what was published at or after TIME", "TIME"},
        {"republish", 0, 0, G_OPTION_ARG_NONE, &command.republish,
         "first publishes every fact again, to the partition where its lead belongs now: after the inputs got more "
         "partitions",
         NULL},
        {"dry-run", 0, 0, G_OPTION_ARG_NONE, &command.dry_run, "says what would be done, and does nothing", NULL},
        {"yes", 0, 0, G_OPTION_ARG_NONE, &command.yes, "does not ask", NULL},
        {NULL},
    };
    int code;

    if (!lc_cli_parse(&argc, &argv, NULL, summary, more, entries, &options) ||
        !lc_cli_check_arguments(argc, argv, 0, 0) || !take_time(to_time, &command.to_time))
        return EXIT_USAGE;
    if ((to_beginning || command.republish) && to_time) {
        fprintf(stderr, "leadclock reset: either %s or --to-time\n",
                command.republish ? "--republish" : "--to-beginning");
        return EXIT_USAGE;
    }
    return lc_cli_tool_open(&command.tool, "reset", &options, &code) ? reset(&command) : code;
}
