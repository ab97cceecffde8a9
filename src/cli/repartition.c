/* repartition.c - leads to where they belong after the inputs got more partitions: their states within the changelog,
 * and the facts that were not read yet. In an order that may be cut off anywhere: until the last step `run` refuses,
 * and another call begins again. */
#include "reset.h"

#include "progress.h"
#include "worker.h"

#include <inttypes.h>

#define GROWN_TIMEOUT_US (30 * G_USEC_PER_SEC)

typedef struct {
    lc_config *config;
    lc_kafka_options kafka;
    gboolean dry_run, yes;
    int32_t partitions, former;
    int32_t halfway; /* where a call that was cut off before the inputs grew again was moving states to; 0: nowhere */
    GArray *unread;  /* lc_group_lag: `low` is where the group stands */
    int64_t *ends[LC_CHANGELOGS]; /* C, by former partition */
    const char **metadata;        /* by former partition; borrowed from `unread` */
    lc_progress progress;
} repartition_command;

/* ---- What is to be moved ---- */

static const lc_group_lag *
unread_at(const repartition_command *command, guint i)
{
    return &g_array_index(command->unread, lc_group_lag, i);
}

/* What was committed says it; an older version at least committed something for each partition. 0: nothing was. */
static int32_t
former_count(const repartition_command *command)
{
    int32_t told = 0, extent = 0;

    for (guint i = 0; i < command->unread->len; i++) {
        int32_t partitions = lc_metadata_partitions(unread_at(command, i)->metadata);
        if (partitions && (told == 0 || told == command->partitions))
            told = partitions;
        if (unread_at(command, i)->committed >= 0)
            extent = MAX(extent, unread_at(command, i)->partition + 1);
    }
    return told ? told : extent;
}

static bool
take_ends(repartition_command *command, const lc_group_lag *one, GError **error)
{
    int64_t ends[LC_CHANGELOGS];

    if (one->committed < 0 || one->partition >= command->former)
        return true;
    if (!lc_metadata_ends(one->metadata, ends)) {
        g_set_error(error, LC_ERROR, LC_ERROR_FATAL,
                    "the committed offset of %s [%" PRId32
                    "] says \"%s\", and not where its changelogs end; 'leadclock "
                    "reset --republish' begins anew",
                    one->topic, one->partition, one->metadata ? one->metadata : "");
        return false;
    }
    if (one->committed < one->low || one->committed > one->end) {
        g_set_error(error, LC_ERROR, LC_ERROR_FATAL,
                    "the committed offset %" PRId64 " of %s [%" PRId32 "] is out of range, there are %" PRId64
                    " to %" PRId64 "; 'leadclock reset --republish' goes on from what is there",
                    one->committed, one->topic, one->partition, one->low, one->end);
        return false;
    }
    for (int i = 0; i < LC_CHANGELOGS; i++)
        command->ends[i][one->partition] = MAX(command->ends[i][one->partition], ends[i]);
    command->metadata[one->partition] = one->metadata;
    return true;
}

static void
forget_ends(repartition_command *command)
{
    for (int i = 0; i < LC_CHANGELOGS; i++)
        g_clear_pointer(&command->ends[i], g_free);
    g_clear_pointer(&command->metadata, g_free);
}

static bool
find_ends(repartition_command *command, GError **error)
{
    forget_ends(command);
    for (int i = 0; i < LC_CHANGELOGS; i++)
        command->ends[i] = g_new0(int64_t, command->former);
    command->metadata = g_new0(const char *, command->former);
    for (guint i = 0; i < command->unread->len; i++)
        if (!take_ends(command, unread_at(command, i), error))
            return false;
    for (int32_t p = 0; p < command->former; p++)
        if (command->metadata[p] == NULL) {
            g_set_error(error, LC_ERROR, LC_ERROR_FATAL,
                        "the group has committed nothing of partition %" PRId32 ", one of %" PRId32
                        "; 'leadclock reset --republish' begins anew",
                        p, command->former);
            return false;
        }
    return true;
}

static bool
check_changelog(const repartition_command *command, const lc_topic_description *topic, GError **error)
{
    if (topic->partitions >= command->former && topic->partitions <= command->partitions)
        return true;
    g_set_error(error, LC_ERROR, LC_ERROR_CONFIG,
                "%s has %" PRId32 " partitions, and must have %" PRId32 " as before, or %" PRId32 " as the inputs now",
                topic->name, topic->partitions, command->former, command->partitions);
    return false;
}

static GArray *
describe_changelogs(const repartition_command *command, GError **error)
{
    const char *const names[] = {command->kafka.outputs[LC_OUTPUT_STATE], command->kafka.outputs[LC_OUTPUT_COUNTERS],
                                 NULL};

    return lc_kafka_describe_topics(&command->kafka, names, false, LC_CLI_TIMEOUT_MS, error);
}

/* How many partitions the changelog of states has tells where they are being moved to. Some of them may lie there, and
 * nowhere else any more: that move is finished first. */
static void
find_halfway(repartition_command *command, const GArray *changelogs)
{
    int32_t n = g_array_index(changelogs, lc_topic_description, 0).partitions;

    command->halfway = n > command->former && n < command->partitions ? n : 0;
}

static bool
check_servers(repartition_command *command, GError **error)
{
    const lc_redis_options redis = lc_cli_redis_options(command->config);
    g_autoptr(GArray) changelogs = describe_changelogs(command, error);
    int32_t in_redis;

    for (guint i = 0; changelogs && i < changelogs->len; i++)
        if (!check_changelog(command, &g_array_index(changelogs, lc_topic_description, i), error))
            return false;
    if (changelogs)
        find_halfway(command, changelogs);
    return changelogs && lc_redis_partitions(&redis, &in_redis, error);
}

/* From where the group stands on. */
static void
cut_read(const repartition_command *command)
{
    for (guint i = 0; i < command->unread->len; i++) {
        lc_group_lag *one = &g_array_index(command->unread, lc_group_lag, i);
        one->low = one->committed >= 0 ? one->committed : one->low;
    }
}

/* ---- Where the group stands ---- */

/* What a transaction may still change is waited for. */
static bool
read_offsets(repartition_command *command, GError **error)
{
    g_autoptr(GArray) early = lc_kafka_group_lag(&command->kafka, LC_CLI_TIMEOUT_MS, error);

    g_clear_pointer(&command->unread, g_array_unref);
    if (early && lc_kafka_wait_for_offsets(&command->kafka, early, error))
        command->unread = lc_kafka_group_lag(&command->kafka, LC_CLI_TIMEOUT_MS, error);
    return command->unread != NULL;
}

/* Also once more. `former`: 0: nothing was committed. */
static bool
look(repartition_command *command, GError **error)
{
    if (!read_offsets(command, error))
        return false;
    command->former = former_count(command);
    if (command->former == 0 || command->former == command->partitions)
        return true;
    if (!find_ends(command, error))
        return false;
    cut_read(command);
    return true;
}

/* ---- The plan ---- */

static void
print_plan(const repartition_command *command)
{
    int64_t states = 0, facts = 0;

    for (int32_t p = 0; p < command->former; p++)
        states += command->ends[LC_CHANGELOG_STATE][p];
    for (guint i = 0; i < command->unread->len; i++)
        facts += unread_at(command, i)->end - unread_at(command, i)->low;
    printf("The inputs had %" PRId32 " partitions, and have %" PRId32 ".\n\n", command->former, command->partitions);
    if (command->halfway)
        printf("First: a call that was cut off is finished, as far as it moved states: to %" PRId32 " partitions.\n",
               command->halfway);
    printf(
        "Moved within %s: the states of leads that belong elsewhere now (%" PRId64 " records are looked at).\n"
        "Published again, each to the partition where its key belongs: %" PRId64 " records of the inputs that were "
        "not read yet.\n"
        "Removed from Redis: all of %s; `leadclock run` makes it anew from the changelogs.\n"
        "%s"
        "Nothing is judged again, and no outcome is published again.\n",
        command->kafka.outputs[LC_OUTPUT_STATE], states, facts, command->kafka.group,
        *command->config->tables.publish
            ? "Deleted and made anew, empty: the tables of rows; 'leadclock tables --fill' publishes their rows anew "
              "then, but\nthose of leads that were purged.\n"
            : "");
}

/* ---- Tables ---- */

/* The tables that are published, as they are now. */
static GArray *
describe_tables(const repartition_command *command, GError **error)
{
    const char *names[LC_OUTPUT_TABLES + 1];
    size_t n = 0;

    for (int output = LC_OUTPUT_TABLE_CYCLES; output < LC_OUTPUTS; output++)
        if (command->kafka.outputs[output])
            names[n++] = command->kafka.outputs[output];
    names[n] = NULL;
    return lc_kafka_describe_topics(&command->kafka, names, true, LC_CLI_TIMEOUT_MS, error);
}

/* Before any is deleted. */
static bool
may_create_tables(const repartition_command *command, GError **error)
{
    for (int output = LC_OUTPUT_TABLE_CYCLES; output < LC_OUTPUTS; output++)
        if (command->kafka.outputs[output] &&
            !lc_kafka_may_create(&command->kafka, command->kafka.outputs[output], LC_CLI_TIMEOUT_MS, error))
            return false;
    return true;
}

/* A row says whose it is only as long as it stands, so rows can't be moved: they are published anew. */
static bool
empty_tables(const repartition_command *command, GError **error)
{
    g_autoptr(GArray) tables = describe_tables(command, error);

    for (guint i = 0; tables && i < tables->len; i++) {
        const lc_topic_description *table = &g_array_index(tables, lc_topic_description, i);
        bool done = table->partitions == 0
                        ? lc_cli_create_table(&command->kafka, table->name, command->partitions, error)
                        : lc_cli_make_topic_anew(&command->kafka, table, command->partitions, error);
        if (!done)
            return false;
    }
    return tables != NULL;
}

/* ---- Moving ---- */

static void
tell_progress(uint64_t done, uint64_t all, void *data)
{
    repartition_command *command = data;

    lc_progress_show(&command->progress, done, (double)done / (double)MAX(all, 1));
}

static bool
has_grown(const repartition_command *command, bool *grown, GError **error)
{
    g_autoptr(GArray) changelogs = describe_changelogs(command, error);

    *grown = true;
    for (guint i = 0; changelogs && i < changelogs->len; i++)
        *grown &= g_array_index(changelogs, lc_topic_description, i).partitions == command->partitions;
    return changelogs != NULL;
}

/* Returns when brokers tell of it. */
static bool
grow_changelogs(const repartition_command *command, GError **error)
{
    gint64 give_up = g_get_monotonic_time() + GROWN_TIMEOUT_US;
    g_autoptr(GArray) changelogs = describe_changelogs(command, error);
    bool grown = false;

    for (guint i = 0; changelogs && i < changelogs->len; i++) {
        const lc_topic_description *topic = &g_array_index(changelogs, lc_topic_description, i);
        if (topic->partitions < command->partitions &&
            !lc_kafka_grow_topic(&command->kafka, topic->name, command->partitions, LC_CLI_TIMEOUT_MS, error))
            return false;
    }
    while (changelogs && !grown) {
        if (!has_grown(command, &grown, error))
            return false;
        if (!grown && g_get_monotonic_time() > give_up) {
            g_set_error(error, LC_ERROR, LC_ERROR_RETRY,
                        "Kafka does not tell of the changelogs' new partitions; do it "
                        "again");
            return false;
        }
        g_usleep(100000);
    }
    return grown;
}

static bool
move_states(repartition_command *command, GError **error)
{
    fprintf(stderr, "moving states\n");
    lc_progress_start(&command->progress, "states", true);
    bool done = lc_kafka_move_states(&command->kafka, command->ends[LC_CHANGELOG_STATE], command->former,
                                     command->partitions, tell_progress, command, error);
    lc_progress_clear(&command->progress);
    return done;
}

static bool
republish_unread(repartition_command *command, GError **error)
{
    fprintf(stderr, "publishing unread facts again\n");
    lc_progress_start(&command->progress, "facts", true);
    bool done =
        lc_kafka_republish(&command->kafka, command->unread, command->partitions, tell_progress, command, error);
    lc_progress_clear(&command->progress);
    return done;
}

static bool
empty_redis(const repartition_command *command, GError **error)
{
    const lc_redis_options redis = lc_cli_redis_options(command->config);

    fprintf(stderr, "emptying Redis\n");
    return lc_redis_forget(&redis, error);
}

/* With the changelogs as they are now. New partitions have the policy of the first. `published_again`: behind what was;
 * else all that was not read is still to be read. */
static bool
commit(repartition_command *command, bool published_again, GError **error)
{
    g_autofree int64_t *states = g_new(int64_t, command->partitions), *counters = g_new(int64_t, command->partitions);

    if (!lc_kafka_topic_ends(&command->kafka, command->kafka.outputs[LC_OUTPUT_STATE], command->partitions, states,
                             LC_CLI_TIMEOUT_MS, error) ||
        !lc_kafka_topic_ends(&command->kafka, command->kafka.outputs[LC_OUTPUT_COUNTERS], command->partitions, counters,
                             LC_CLI_TIMEOUT_MS, error))
        return false;
    g_autoptr(GPtrArray) former = g_ptr_array_new_with_free_func(g_free);
    for (int32_t p = 0; p < command->former; p++)
        g_ptr_array_add(former, g_strdup(command->metadata[p]));
    for (guint i = command->unread->len; i-- > 0;) {
        lc_group_lag *one = &g_array_index(command->unread, lc_group_lag, i);
        if (one->partition >= command->partitions) {
            g_array_remove_index(command->unread, i);
            continue;
        }
        const int64_t ends[LC_CHANGELOGS] = {
            [LC_CHANGELOG_STATE] = states[one->partition], [LC_CHANGELOG_COUNTERS] = counters[one->partition]};
        const char *before = former->pdata[one->partition < command->former ? one->partition : 0];
        g_free(one->metadata);
        one->metadata = lc_moved_metadata(before, command->partitions, ends);
        one->committed = published_again ? one->end : one->low;
    }
    return lc_kafka_commit_offsets(&command->kafka, command->unread, NULL, LC_CLI_TIMEOUT_MS, error);
}

/* As if the inputs had as many partitions as the changelog has, but for facts, which are read or published again later.
 */
static bool
move_halfway(repartition_command *command, GError **error)
{
    int32_t partitions = command->partitions;

    fprintf(stderr, "finishing the move to %" PRId32 " partitions\n", command->halfway);
    command->partitions = command->halfway;
    bool done = grow_changelogs(command, error) && move_states(command, error) &&
                lc_cli_check_members(&command->kafka, error) && empty_redis(command, error) &&
                commit(command, false, error);
    command->partitions = partitions;
    return done;
}

static bool
finish_halfway(repartition_command *command, GError **error)
{
    return command->halfway == 0 || (move_halfway(command, error) && look(command, error));
}

static int
carry_out(repartition_command *command)
{
    g_autoptr(GError) error = NULL;

    if (!may_create_tables(command, &error) ||
        !lc_kafka_may_commit(&command->kafka, command->unread, LC_CLI_TIMEOUT_MS, &error) ||
        !finish_halfway(command, &error) || !grow_changelogs(command, &error) || !empty_tables(command, &error) ||
        !move_states(command, &error) || !republish_unread(command, &error) ||
        !lc_cli_check_members(&command->kafka, &error) || !empty_redis(command, &error) ||
        !commit(command, true, &error))
        return lc_cli_fail("repartition", error);
    if (*command->config->tables.publish)
        fprintf(stderr, "now `leadclock tables --fill` publishes the rows of the tables anew\n");
    fprintf(stderr, "done: `leadclock run` goes on with %" PRId32 " partitions\n", command->partitions);
    return EXIT_DONE;
}

/* ---- The command ---- */

static int
repartition(repartition_command *command)
{
    g_autoptr(GError) error = NULL;

    command->kafka = lc_cli_kafka_options(command->config);
    int code = lc_cli_await_empty_group("repartition", &command->kafka, &error);
    if (error)
        return lc_cli_fail("repartition", error);
    if (code != EXIT_DONE)
        return code;
    if (!lc_cli_count_inputs(&command->kafka, &command->partitions, &error) || !look(command, &error))
        return lc_cli_fail("repartition", error);
    if (command->former == 0 || command->former == command->partitions) {
        fprintf(stderr, "nothing is to be moved: the group has %s\n",
                command->former ? "run with as many partitions as there are" : "committed nothing");
        return EXIT_DONE;
    }
    if (!check_servers(command, &error))
        return lc_cli_fail("repartition", error);
    print_plan(command);
    if (command->dry_run)
        return EXIT_DONE;
    return lc_cli_confirm("repartition", command->yes) ? carry_out(command) : EXIT_USAGE;
}

static void
clear_command(repartition_command *command)
{
    forget_ends(command);
    g_clear_pointer(&command->unread, g_array_unref);
    g_clear_pointer(&command->config, lc_config_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(repartition_command, clear_command)

static const char summary[] = "Moves leads to where they belong after all inputs got more partitions.";
static const char more[] =
    "First: stop every `leadclock run` of the group, give all inputs the same new number of partitions\n"
    "(kafka-topics.sh --alter), and restart the publishers. Then states move within their changelog, facts that were\n"
    "not read yet are published again to where they belong, and Redis is emptied, which `run` makes anew. The tables "
    "of\n"
    "rows are made anew, empty: `leadclock tables --fill` comes next, before `run`. Nothing is\n"
    "judged again or published twice. First says what it will do; then asks. Cut off in the middle, it is finished by\n"
    "another call; until then `run` refuses.\n\n"
    "Exit codes: 0 done, 1 members are alive or it can't be done, 2 usage, configuration or not confirmed, 3 a server\n"
    "does not answer.\n\n"
    "Example:\n"
    "  leadclock repartition --config leadclock.yaml --dry-run\n";

int
lc_cli_repartition(int argc, char **argv)
{
    g_auto(lc_cli_config_options) options = {0};
    g_auto(repartition_command) command = {0};
    const GOptionEntry entries[] = {
        {"dry-run", 0, 0, G_OPTION_ARG_NONE, &command.dry_run, "says what would be done, and does nothing", NULL},
        {"yes", 0, 0, G_OPTION_ARG_NONE, &command.yes, "does not ask", NULL},
        {NULL},
    };

    if (!lc_cli_parse(&argc, &argv, NULL, summary, more, entries, &options) ||
        !lc_cli_check_arguments(argc, argv, 0, 0))
        return EXIT_USAGE;
    command.config = lc_cli_load_config("repartition", &options);
    return command.config ? repartition(&command) : EXIT_USAGE;
}
