/* at_rest.c - what changes a group at rest asks first: is it at rest, and is it meant. */
#include "reset.h"

#include <inttypes.h>
#include <unistd.h>

#include <leadclock/engine.h>

#define SESSION_MARGIN_MS 3000 /* a coordinator that is busy takes its time */
#define TELL_EVERY_MS 5000

static int
refuse_members(const char *command, char **members, const char *why)
{
    fprintf(stderr, "leadclock %s: the group has members%s: stop them first:\n", command, why);
    for (char **member = members; *member; member++)
        fprintf(stderr, "  %s\n", *member);
    return EXIT_FOUND;
}

bool
lc_cli_count_inputs(const lc_kafka_options *kafka, int32_t *partitions, GError **error)
{
    g_autoptr(GArray) inputs = lc_kafka_describe_topics(kafka, kafka->inputs, false, LC_CLI_TIMEOUT_MS, error);

    if (inputs == NULL)
        return false;
    *partitions = g_array_index(inputs, lc_topic_description, 0).partitions;
    for (guint i = 0; i < inputs->len; i++) {
        const lc_topic_description *input = &g_array_index(inputs, lc_topic_description, i);
        if (input->partitions == *partitions && input->partitions > 0)
            continue;
        g_set_error(error, LC_ERROR, LC_ERROR_CONFIG,
                    "all inputs must exist and have the same number of partitions, and %s has %" PRId32 ", %s %" PRId32
                    "; nothing was done: 'leadclock topics' shows which differ, "
                    "kafka-topics.sh --alter --partitions gives a topic more",
                    kafka->inputs[0], *partitions, input->name, input->partitions);
        return false;
    }
    return true;
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

int
lc_cli_await_empty_group(const char *command, const lc_kafka_options *kafka, GError **error)
{
    int64_t session_ms = lc_kafka_member_number(kafka, "session.timeout.ms");
    int64_t until_ms = lc_system_time.monotonic_ms(&lc_system_time) + MAX(session_ms, 0) + SESSION_MARGIN_MS;
    int64_t told_ms = INT64_MIN / 2;

    for (;;) {
        bool runs_here;
        g_auto(GStrv) members = lc_kafka_group_members(kafka, LC_CLI_TIMEOUT_MS, &runs_here, error);
        int64_t left_ms = until_ms - lc_system_time.monotonic_ms(&lc_system_time);
        if (members == NULL)
            return EXIT_USAGE; /* with `error` */
        if (*members == NULL)
            return EXIT_DONE;
        if (runs_here)
            return refuse_members(command, members, ", and one of them runs on this host");
        if (left_ms <= 0)
            return refuse_members(command, members, " that don't go away");
        tell_wait(members, left_ms, &told_ms);
        g_usleep(G_USEC_PER_SEC / 2);
    }
}

bool
lc_cli_check_members(const lc_kafka_options *kafka, GError **error)
{
    bool runs_here;
    g_auto(GStrv) members = lc_kafka_group_members(kafka, LC_CLI_TIMEOUT_MS, &runs_here, error);

    if (members && *members)
        g_set_error(error, LC_ERROR, LC_ERROR_FATAL,
                    "%s joined the group meanwhile; stop it, and do this again: facts that are published twice count "
                    "once",
                    *members);
    return members && *members == NULL;
}

bool
lc_cli_confirm(const char *command, bool yes)
{
    char answer[8] = "";

    if (yes)
        return true;
    if (!isatty(STDIN_FILENO)) {
        fprintf(stderr, "leadclock %s: nothing was done; --yes does it without asking, --dry-run only says what\n",
                command);
        return false;
    }
    fprintf(stderr, "\nDo it? Type yes: ");
    return fgets(answer, sizeof answer, stdin) && strcmp(answer, "yes\n") == 0;
}
