/* inspect.c - one lead, from Redis: its facts, its outcomes, how it stands, what runs. */
#include "common.h"
#include "describe.h"
#include "standing.h"
#include "worker.h"

#include <stdlib.h>

typedef struct {
    lc_config *config;
    lc_policy_book *book;
    lc_judge *judge;
    lc_store *store;
    lc_registry *registry;
    lc_cli_schemas *schemas;
    lc_arena arena;
    lc_text lead_id;
    int32_t partition, partitions;
    lc_lead lead;
    bool json;
} inspect_command;

/* ---- Finding the lead ---- */

static bool
find_partition(inspect_command *command, GError **error)
{
    const lc_kafka_options kafka = lc_cli_kafka_options(command->config);
    const char *const names[] = {command->config->topics.state, NULL};
    g_autoptr(GArray) found = lc_kafka_describe_topics(&kafka, names, false, LC_CLI_TIMEOUT_MS, error);
    if (found == NULL)
        return false;
    command->partitions = g_array_index(found, lc_topic_description, 0).partitions;
    if (command->partitions == 0) {
        g_set_error(error, LC_ERROR, LC_ERROR_CONFIG,
                    "topic %s does not exist; 'leadclock topics' tells what is missing", names[0]);
        return false;
    }
    command->partition = lc_log_partition_of(command->lead_id, command->partitions);
    return true;
}

static bool
open_store(inspect_command *command, GError **error)
{
    const lc_redis_options options = lc_cli_redis_options(command->config);
    command->store = lc_redis_store_new(&options, error);
    return command->store && lc_store_open(command->store, command->partitions, error);
}

/* The lead's framed state; absent where Redis has none. */
static bool
read_state(inspect_command *command, lc_text *state, GError **error)
{
    lc_store_read read = {
        .partition = command->partition,
        .due_before = LC_ABSENT,
        .lead_ids = &command->lead_id,
        .n_leads = 1,
    };
    if (!lc_store_read_begin(command->store, &read, 1, error) || !lc_store_read_end(command->store, error))
        return false;
    *state = lc_arena_text(&command->arena, read.leads[0]);
    return true;
}

static bool
decode_state(inspect_command *command, lc_text state, GError **error)
{
    uint32_t id;
    if (!lc_frame_read(state.data, state.size, &id)) {
        g_set_error(error, LC_ERROR, LC_ERROR_FATAL, "the state of this lead in Redis is damaged: it has no frame");
        return false;
    }
    const lc_plan *plan = lc_cli_schemas_find(command->schemas, id, error);
    return plan && lc_plan_read_lead(plan, state.data + LC_FRAME_BYTES, state.size - LC_FRAME_BYTES, &command->arena,
                                     &command->lead, error);
}

/* Rule 1.2. */
static lc_instant
effective_time(const lc_policy_book *book, const lc_fact *fact)
{
    bool logged = fact->type == LC_FACT_CONTACTED && fact->recorded_at != LC_ABSENT &&
                  lc_policy_book_at(book, fact->occurred_at)->contact_time_logged;
    return logged ? fact->recorded_at : fact->occurred_at;
}

/* Rule 1.3. */
static int
compare_facts(const void *left, const void *right, void *book)
{
    const lc_fact *a = left, *b = right;
    lc_instant at_a = effective_time(book, a), at_b = effective_time(book, b);
    if (at_a != at_b)
        return at_a < at_b ? -1 : 1;
    if (a->type != b->type)
        return a->type < b->type ? -1 : 1;
    return lc_text_compare(a->event_id, b->event_id);
}

/* ---- For people ---- */

static void
append_distance(GString *out, lc_duration distance)
{
    g_string_append(out, distance < 0 ? "" : "in ");
    lc_cli_append_duration(out, ABS(distance));
    g_string_append(out, distance < 0 ? " ago" : "");
}

/* One record: time, what, why. */
static void
add_row(GPtrArray *cells, const char *json)
{
    GString *time = g_string_new(NULL), *why = g_string_new(NULL);
    json_t *record = json_loads(json, 0, NULL);
    lc_description description = lc_cli_describe(record, why);
    lc_cli_append_time(time, json_string_value(json_object_get(record, "occurred_at")));
    g_ptr_array_add(cells, g_string_free(time, FALSE));
    g_ptr_array_add(cells, g_strdup(description.what));
    g_ptr_array_add(cells, g_string_free(why, FALSE));
    json_decref(record);
}

static GPtrArray *
new_table(const char *const *heading)
{
    GPtrArray *cells = g_ptr_array_new_with_free_func(g_free);
    for (; *heading; heading++)
        g_ptr_array_add(cells, g_strdup(*heading));
    return cells;
}

static void
print_facts(const inspect_command *command)
{
    static const char *const heading[] = {"WHEN", "FACT", "WHAT", NULL};
    g_autoptr(GPtrArray) cells = new_table(heading);
    g_autoptr(GString) json = g_string_new(NULL);
    for (size_t i = 0; i < command->lead.n_facts; i++) {
        g_string_truncate(json, 0);
        lc_json_write_fact(json, command->lead_id, &command->lead.facts[i]);
        add_row(cells, json->str);
    }
    printf("\n");
    lc_cli_print_table(stdout, cells, 3);
}

static void
print_outcomes(const inspect_command *command, const lc_judgement *judgement)
{
    static const char *const heading[] = {"WHEN", "OUTCOME", "WHY", NULL};
    g_autoptr(GPtrArray) cells = new_table(heading);
    g_autoptr(GString) json = g_string_new(NULL);
    for (size_t i = 0; i < judgement->n_outcomes; i++) {
        g_string_truncate(json, 0);
        lc_json_write_outcome(json, command->lead_id, &judgement->outcomes[i]);
        add_row(cells, json->str);
    }
    printf("\n");
    if (judgement->n_outcomes)
        lc_cli_print_table(stdout, cells, 3);
    else
        printf("No outcome yet.\n");
}

/* ---- What runs ---- */

static void
add_running(GPtrArray *cells, const lc_running_clock *clock, lc_instant now, const char *when_unknown)
{
    GString *since = g_string_new(NULL), *due = g_string_new(NULL), *distance = g_string_new(NULL);
    lc_cli_append_instant(since, "", clock->started_at);
    if (clock->due_at == LC_NEVER) {
        g_string_append(due, when_unknown);
    } else {
        lc_cli_append_instant(due, "", clock->due_at);
        append_distance(distance, clock->due_at - now);
    }
    g_ptr_array_add(cells, g_strndup(clock->clock_name.data, clock->clock_name.size));
    g_ptr_array_add(cells, g_string_free(since, FALSE));
    g_ptr_array_add(cells, g_string_free(due, FALSE));
    g_ptr_array_add(cells, g_string_free(distance, FALSE));
}

static void
print_running(const inspect_command *command, bool paused)
{
    static const char *const heading[] = {"CLOCK", "SINCE", "DUE", "", NULL};
    const lc_running_clock *clocks;
    size_t n = lc_lead_running_clocks(command->judge, &command->lead, command->lead.judged_at, &clocks);
    g_autoptr(GPtrArray) cells = new_table(heading);
    lc_instant now = g_get_real_time() / 1000;
    for (size_t i = 0; i < n; i++)
        add_running(cells, &clocks[i], now, paused ? "after the pause" : "never");
    printf("\n");
    if (n)
        lc_cli_print_table(stdout, cells, 4);
    else
        printf("No clock runs.\n");
}

static const lc_judgement *
derive(const inspect_command *command)
{
    return lc_lead_derive(command->judge, &command->lead, command->lead.judged_at);
}

static void
print_for_people(const inspect_command *command)
{
    const lc_lead *lead = &command->lead;
    char judged[LC_INSTANT_TEXT_BYTES], wake[LC_INSTANT_TEXT_BYTES], erased[LC_INSTANT_TEXT_BYTES];
    printf("Lead %.*s, partition %d of %d. Times are UTC.\n", LC_TEXT_ARGS(command->lead_id), command->partition,
           command->partitions);
    if (lead->judged_at > 0)
        printf("Judged up to %s", lc_cli_format_instant(lead->judged_at, judged));
    else
        printf("Judged by its facts alone so far, because the partition's time was not known yet when they came");
    printf("; to be judged again after %s.\n", lc_cli_format_instant(lead->wake_at, wake));
    if (lead->erased_at != LC_ABSENT)
        printf("Erased at %s: nothing from before is kept.\n", lc_cli_format_instant(lead->erased_at, erased));
    if (lead->n_facts == 0)
        return;
    print_facts(command);
    const lc_judgement *judgement = derive(command);
    const lc_cycle_row *cycle = lc_cli_latest_cycle(judgement);
    bool paused = cycle && cycle->paused_since != LC_ABSENT;
    print_outcomes(command, judgement);
    if (cycle)
        lc_cli_print_standing(judgement, cycle);
    print_running(command, paused);
}

/* ---- As JSON ---- */

static void
append_instant(GString *json, const char *before, lc_instant at)
{
    char text[LC_INSTANT_TEXT_BYTES];
    if (at == LC_ABSENT || at == LC_NEVER)
        g_string_append_printf(json, "%snull", before);
    else
        g_string_append_printf(json, "%s\"%s\"", before, lc_instant_format(at, text));
}

static void
append_outcomes(GString *json, const inspect_command *command, const lc_judgement *judgement)
{
    for (size_t i = 0; i < judgement->n_outcomes; i++) {
        if (i)
            g_string_append_c(json, ',');
        lc_json_write_outcome(json, command->lead_id, &judgement->outcomes[i]);
    }
}

/* Rows of the table that its name says (section 10). */
static void
append_rows(GString *json, const lc_judgement *judgement, lc_row_type type)
{
    bool first = true;
    g_string_append_printf(json, ",\"%s\":[", lc_row_type_name(type));
    for (size_t i = 0; i < judgement->n_rows; i++) {
        if (judgement->rows[i].type != type)
            continue;
        g_string_append(json, first ? "" : ",");
        lc_json_write_row(json, (int)type, &judgement->rows[i].cycle);
        first = false;
    }
    g_string_append_c(json, ']');
}

static void
append_running(GString *json, const inspect_command *command)
{
    const lc_running_clock *clocks;
    size_t n = lc_lead_running_clocks(command->judge, &command->lead, command->lead.judged_at, &clocks);
    for (size_t i = 0; i < n; i++) {
        g_string_append(json, i ? ",{\"clock\":" : "{\"clock\":");
        lc_json_write_text(json, clocks[i].clock_name);
        append_instant(json, ",\"started_at\":", clocks[i].started_at);
        append_instant(json, ",\"due_at\":", clocks[i].due_at);
        g_string_append_c(json, '}');
    }
}

static void
print_json(const inspect_command *command)
{
    g_autoptr(GString) json = g_string_new("{\"lead_id\":");
    lc_json_write_text(json, command->lead_id);
    g_string_append_printf(json, ",\"partition\":%d", command->partition);
    append_instant(json, ",\"judged_at\":", command->lead.judged_at > 0 ? command->lead.judged_at : LC_ABSENT);
    append_instant(json, ",\"wake_at\":", command->lead.wake_at);
    append_instant(json, ",\"erased_at\":", command->lead.erased_at);
    g_string_append(json, ",\"facts\":[");
    for (size_t i = 0; i < command->lead.n_facts; i++) {
        if (i)
            g_string_append_c(json, ',');
        lc_json_write_fact(json, command->lead_id, &command->lead.facts[i]);
    }
    const lc_judgement *judgement = derive(command);
    g_string_append(json, "],\"outcomes\":[");
    append_outcomes(json, command, judgement);
    g_string_append_c(json, ']');
    append_rows(json, judgement, LC_ROW_CYCLE);
    append_rows(json, judgement, LC_ROW_BREACH);
    g_string_append(json, ",\"running\":[");
    append_running(json, command);
    g_string_append(json, "]}");
    printf("%s\n", json->str);
}

/* ---- The command ---- */

static bool
start(inspect_command *command, GError **error)
{
    const char *const policies[] = {command->config->policy, NULL};
    command->book = lc_policy_book_load(policies, error);
    if (command->book == NULL || (command->registry = lc_cli_registry_new(command->config, error)) == NULL)
        return false;
    command->judge = lc_judge_new(command->book);
    lc_judge_set_rows(command->judge, 1U << LC_ROW_CYCLE | 1U << LC_ROW_BREACH);
    command->schemas = lc_cli_schemas_new(command->registry);
    return find_partition(command, error) && open_store(command, error);
}

static int
inspect(inspect_command *command)
{
    g_autoptr(GError) error = NULL;
    lc_text state;
    if (!start(command, &error) || !read_state(command, &state, &error))
        return lc_cli_fail("inspect", error);
    if (lc_text_is_absent(state)) {
        fprintf(stderr, "leadclock inspect: nothing is kept of lead \"%.*s\" (group %s, partition %d)\n",
                LC_TEXT_ARGS(command->lead_id), command->config->name, command->partition);
        return EXIT_FOUND;
    }
    if (!decode_state(command, state, &error))
        return lc_cli_fail("inspect", error);
    if (command->lead.n_facts)
        qsort_r(command->lead.facts, command->lead.n_facts, sizeof(lc_fact), compare_facts, command->book);
    if (command->json)
        print_json(command);
    else
        print_for_people(command);
    return EXIT_DONE;
}

static void
clear_command(inspect_command *command)
{
    lc_judge_free(command->judge);
    lc_policy_book_free(command->book);
    lc_cli_schemas_free(command->schemas);
    lc_registry_free(command->registry);
    if (command->store)
        lc_store_free(command->store);
    lc_arena_clear(&command->arena);
    lc_config_free(command->config);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(inspect_command, clear_command)

static bool
take_format(const char *format, bool *json)
{
    if (format && strcmp(format, "json") != 0 && strcmp(format, "text") != 0) {
        fprintf(stderr, "leadclock inspect: --format \"%s\" is not known; allowed are: text, json\n", format);
        return false;
    }
    *json = g_strcmp0(format, "json") == 0;
    return true;
}

static const char summary[] =
    "Shows a lead as Redis keeps it: its facts, what followed, how it stands, and which clocks run.";
static const char more[] =
    "How it stands is said of the latest cycle: its owner, its priority, whether it is paused, and which promises are\n"
    "broken. As JSON \"cycles\" and \"breaches\" are the rows of these tables.\n\n"
    "Exit codes: 0 done, 1 nothing is kept of this lead, 2 usage or configuration, 3 a server does not answer.\n\n"
    "Examples:\n"
    "  leadclock inspect --config leadclock.yaml lead-4711\n"
    "  leadclock inspect --config leadclock.yaml --format json lead-4711 | jq .running\n";

int
lc_cli_inspect(int argc, char **argv)
{
    g_auto(lc_cli_config_options) options = {0};
    g_auto(inspect_command) command = {0};
    g_autofree char *format = NULL;
    const GOptionEntry entries[] = {
        {"format", 'f', 0, G_OPTION_ARG_STRING, &format, "text (default) or json", "FORMAT"},
        {NULL},
    };
    if (!lc_cli_parse(&argc, &argv, "LEAD_ID", summary, more, entries, &options) ||
        !lc_cli_check_arguments(argc, argv, 1, 1) || !take_format(format, &command.json))
        return EXIT_USAGE;
    command.config = lc_cli_load_config("inspect", &options);
    if (command.config == NULL)
        return EXIT_USAGE;
    command.lead_id = lc_text_of(argv[1]);
    g_autoptr(GError) wrong = NULL;
    if (!lc_lead_id_check(command.lead_id, &wrong)) {
        lc_cli_fail("inspect", wrong);
        return EXIT_USAGE;
    }
    return inspect(&command);
}
