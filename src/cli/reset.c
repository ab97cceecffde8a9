/* reset.c - the group begins anew. In an order that may be cut off anywhere: what is half done is refused by `run`, and
 * done by another reset. */
#include "worker.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#define GONE_TIMEOUT_US (30 * G_USEC_PER_SEC)
#define SESSION_MARGIN_MS 3000 /* a coordinator that is busy takes its time */
#define TELL_EVERY_MS 5000

typedef struct {
    lc_cli_tool tool;
    lc_kafka_options kafka;
    const char *changelogs[3]; /* NULL-terminated */
    lc_instant to_time;        /* LC_ABSENT: to the beginning */
    gboolean dry_run, yes;
    GArray *offsets; /* lc_group_lag: `committed` is where to go */
    GArray *topics;  /* lc_topic_description of the changelogs */
} reset_command;

/* ---- What will be done ---- */

static int
refuse_members(char **members, const char *why)
{
    fprintf(stderr, "leadclock reset: the group has members%s: stop them first:\n", why);
    for (char **member = members; *member; member++)
        fprintf(stderr, "  %s\n", *member);
    return EXIT_FOUND;
}

static void
tell_wait(char **members, int64_t left_ms, int64_t *told_ms)
{
    int64_t now_ms = lc_system_time.monotonic_ms(&lc_system_time);

    if (now_ms - *told_ms < TELL_EVERY_MS)
        return;
    *told_ms = now_ms;
    g_autofree char *names = g_strjoinv(", ", members);
    fprintf(stderr, "waiting for the group to forget who has ended, for up to %" PRId64 " s: %s\n",
            (left_ms + 999) / 1000, names);
}

/* Who ended, by SIGTERM too, stays a member for the session time-out. One whose process is seen to run is not waited
 * for. EXIT_DONE: the group is empty. */
static int
await_empty_group(const reset_command *command, GError **error)
{
    int64_t until_ms =
        lc_system_time.monotonic_ms(&lc_system_time) + lc_kafka_session_ms(&command->kafka) + SESSION_MARGIN_MS;
    int64_t told_ms = INT64_MIN / 2;

    for (;;) {
        bool runs_here;
        g_auto(GStrv) members = lc_kafka_group_members(&command->kafka, LC_CLI_TIMEOUT_MS, &runs_here, error);
        int64_t left_ms = until_ms - lc_system_time.monotonic_ms(&lc_system_time);
        if (members == NULL)
            return EXIT_USAGE; /* with `error` */
        if (*members == NULL)
            return EXIT_DONE;
        if (runs_here)
            return refuse_members(members, ", and one of them runs on this host");
        if (left_ms <= 0)
            return refuse_members(members, " that don't go away");
        tell_wait(members, left_ms, &told_ms);
        g_usleep(G_USEC_PER_SEC / 2);
    }
}

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
print_plan(const reset_command *command, const GArray *before)
{
    printf("The offsets of group %s:\n\n", command->kafka.group);
    print_offsets(command, before);
    printf("\nDeleted and made anew, empty: %s and %s (every lead's state, every counter).\n"
           "Removed from Redis: all leads, wake-ups and counters of %s.\n"
           "Downstream will see the outcomes of the facts that are read again once more, with the same event ids and "
           "not as\nrestated; counters begin at zero. Facts before these offsets are not judged again%s.\n",
           command->changelogs[0], command->changelogs[1], command->kafka.group,
           command->to_time == LC_ABSENT ? "" : ": a lead handed over before then is unknown");
}

/* ---- Doing it ---- */

static bool
describe_changelogs(reset_command *command, GError **error)
{
    g_clear_pointer(&command->topics, g_array_unref);
    command->topics = lc_kafka_describe_topics(&command->kafka, command->changelogs, true, LC_CLI_TIMEOUT_MS, error);
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
create_again(const reset_command *command, const lc_topic_description *topic, GError **error)
{
    g_auto(GStrv) settings = own_settings(topic);
    gint64 give_up = g_get_monotonic_time() + GONE_TIMEOUT_US;
    const char *const names[] = {topic->name, NULL};

    for (;;) {
        g_autoptr(GArray) found = lc_kafka_describe_topics(&command->kafka, names, false, LC_CLI_TIMEOUT_MS, error);
        if (found == NULL)
            return false;
        if (g_array_index(found, lc_topic_description, 0).partitions == 0)
            break;
        if (g_get_monotonic_time() > give_up) {
            g_set_error(error, LC_ERROR, LC_ERROR_RETRY, "topic %s is being deleted for 30 s; run reset again",
                        topic->name);
            return false;
        }
        g_usleep(200000);
    }
    return lc_kafka_create_topic(&command->kafka, topic->name, topic->partitions, topic->replication,
                                 (const char *const *)settings, LC_CLI_TIMEOUT_MS, error);
}

static bool
empty_changelogs(const reset_command *command, GError **error)
{
    for (guint i = 0; i < command->topics->len; i++) {
        const lc_topic_description *topic = &g_array_index(command->topics, lc_topic_description, i);
        /* Missing: an earlier reset was cut off; `topics --create` makes it. */
        if (topic->partitions == 0)
            continue;
        fprintf(stderr, "making %s anew\n", topic->name);
        if (!lc_kafka_delete_topic(&command->kafka, topic->name, LC_CLI_TIMEOUT_MS, error) ||
            !create_again(command, topic, error))
            return false;
    }
    return true;
}

static bool
commit_time(const reset_command *command, GError **error)
{
    if (command->to_time == LC_ABSENT)
        return true; /* no offset: from the beginning */
    g_autofree char *hash = lc_policy_book_hash(command->tool.book, lc_system_time.wall(&lc_system_time));
    g_autofree char *metadata = lc_reset_metadata(hash);
    return lc_kafka_commit_offsets(&command->kafka, command->offsets, metadata, LC_CLI_TIMEOUT_MS, error);
}

static int
carry_out(reset_command *command)
{
    g_autoptr(GError) error = NULL;

    fprintf(stderr, "deleting the offsets of group %s\n", command->kafka.group);
    if (!lc_kafka_forget_group(&command->kafka, LC_CLI_TIMEOUT_MS, &error) || !empty_changelogs(command, &error))
        return lc_cli_fail("reset", error);
    fprintf(stderr, "emptying Redis\n");
    if (!lc_worker_empty(command->tool.worker, &error) || !commit_time(command, &error))
        return lc_cli_fail("reset", error);
    fprintf(stderr, "done: `leadclock run` begins anew\n");
    return EXIT_DONE;
}

static bool
is_confirmed(const reset_command *command)
{
    char answer[8] = "";

    if (command->yes)
        return true;
    if (!isatty(STDIN_FILENO)) {
        fprintf(stderr, "leadclock reset: nothing was done; --yes does it without asking, --dry-run only says what\n");
        return false;
    }
    fprintf(stderr, "\nDo it? Type yes: ");
    return fgets(answer, sizeof answer, stdin) && strcmp(answer, "yes\n") == 0;
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
        one->committed = one->low;
    }
    return command->to_time == LC_ABSENT ||
           lc_kafka_offsets_at(&command->kafka, command->offsets, command->to_time, LC_CLI_TIMEOUT_MS, error);
}

static int
reset(reset_command *command)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) before = NULL;

    command->kafka = lc_cli_kafka_options(command->tool.config);
    command->changelogs[0] = command->tool.config->topics.state;
    command->changelogs[1] = command->tool.config->topics.counters;
    int code = await_empty_group(command, &error);
    if (error)
        return lc_cli_fail("reset", error);
    if (code != EXIT_DONE)
        return code;
    if (!describe_changelogs(command, &error) || !find_offsets(command, &before, &error))
        return lc_cli_fail("reset", error);
    print_plan(command, before);
    if (command->dry_run)
        return EXIT_DONE;
    return is_confirmed(command) ? carry_out(command) : EXIT_USAGE;
}

static void
clear_command(reset_command *command)
{
    g_clear_pointer(&command->offsets, g_array_unref);
    g_clear_pointer(&command->topics, g_array_unref);
    lc_cli_tool_clear(&command->tool);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(reset_command, clear_command)

static const char summary[] = "Makes the group begin anew: its offsets, the changelogs and Redis.";
static const char more[] =
    "Refuses while members of the group are alive; one that has ended is waited for until the group has forgotten it, "
    "up to\n"
    "the session time-out (15 s) later. First says what it will do, and what downstream will see again; "
    "then\n"
    "asks. Cut off in the middle, it is finished by another reset.\n\n"
    "Exit codes: 0 done, 1 members are alive, 2 usage, configuration or not confirmed, 3 a server does not answer.\n\n"
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
        {"dry-run", 0, 0, G_OPTION_ARG_NONE, &command.dry_run, "says what would be done, and does nothing", NULL},
        {"yes", 0, 0, G_OPTION_ARG_NONE, &command.yes, "does not ask", NULL},
        {NULL},
    };
    int code;

    if (!lc_cli_parse(&argc, &argv, NULL, summary, more, entries, &options) ||
        !lc_cli_check_arguments(argc, argv, 0, 0) || !take_time(to_time, &command.to_time))
        return EXIT_USAGE;
    if (to_beginning && to_time) {
        fprintf(stderr, "leadclock reset: either --to-beginning or --to-time\n");
        return EXIT_USAGE;
    }
    return lc_cli_tool_open(&command.tool, "reset", &options, &code) ? reset(&command) : code;
}
