/* watch.c - prints what is published, as JSON Lines or at a glance. */
#include "avro_file.h"
#include "common.h"
#include "describe.h"
#include "topic_names.h"

#include <leadclock/calendar.h>
#include <stdlib.h>
#include <unistd.h>

#define LOOK_MS 200
#define LEAD_WIDTH 14
#define WHAT_WIDTH 12

typedef struct {
    lc_reader *reader;
    lc_registry *registry;
    lc_cli_schemas *schemas;
    char **topics;
    int dead_letters; /* index in topics, or -1 */
    bool *is_table;   /* by topic: its keys are Avro too */
    lc_cli_avro_file *avro;
    char *avro_path;
    GString *line, *json;
    gboolean from_beginning, until_caught_up, pretty, headers;
    bool colours;
} watch_command;

/* ---- Topics ---- */

static bool
is_table(const lc_config *config, const char *topic)
{
    for (int table = 0; table < LC_CONFIG_TABLES; table++)
        if (strcmp(config->tables.topics[table], topic) == 0)
            return true;
    return false;
}

static void
choose_topics(watch_command *command, const lc_config *config, char **arguments)
{
    const char *const usual[] = {config->topics.breaches, config->topics.warnings, config->topics.clawbacks,
                                 config->topics.routed,   config->topics.settled,  config->topics.dead_letters};
    g_autoptr(GStrvBuilder) names = g_strv_builder_new();
    for (char **name = arguments; *name; name++) {
        g_autofree char *full = lc_cli_topic_name(config, *name);
        g_strv_builder_add(names, full);
    }
    for (size_t i = 0; *arguments == NULL && i < G_N_ELEMENTS(usual); i++)
        g_strv_builder_add(names, usual[i]);
    command->topics = g_strv_builder_end(names);
    command->dead_letters = -1;
    command->is_table = g_new0(bool, g_strv_length(command->topics));
    for (int i = 0; command->topics[i]; i++) {
        command->is_table[i] = is_table(config, command->topics[i]);
        if (strcmp(command->topics[i], config->topics.dead_letters) == 0)
            command->dead_letters = i;
    }
}

/* ---- Values ---- */

/* The value as JSON into command->json, as it came where it is JSON. LC_ERROR_RECORD: it can't be read. */
static bool
read_value(watch_command *command, lc_text value, GError **error)
{
    g_autoptr(GError) problem = NULL;
    uint32_t id;
    g_string_truncate(command->json, 0);
    if (!lc_frame_read(value.data, value.size, &id)) {
        if (lc_json_compact(command->json, value.data, value.size, NULL))
            return true;
        g_set_error(error, LC_ERROR, LC_ERROR_RECORD, "neither Avro in Confluent's framing nor a JSON object");
        return false;
    }
    const lc_text body = {value.data + LC_FRAME_BYTES, value.size - LC_FRAME_BYTES};
    const lc_plan *plan = lc_cli_schemas_find(command->schemas, id, &problem);
    if (plan)
        return lc_plan_read_json(plan, body.data, body.size, command->json, error);
    if (lc_cli_schemas_is_json(command->schemas, id))
        return lc_json_compact(command->json, body.data, body.size, error);
    g_propagate_error(error, g_steal_pointer(&problem));
    return false;
}

static void
append_base64(GString *line, lc_text value)
{
    g_autofree char *text = g_base64_encode((const guchar *)value.data, value.size);
    g_string_append_printf(line, "\"%s\"", value.size ? text : "");
}

static const lc_header *
find_header(const lc_read_record *record, const char *name)
{
    for (size_t i = 0; i < record->n_headers; i++)
        if (lc_text_equal(record->headers[i].name, lc_text_of(name)))
            return &record->headers[i];
    return NULL;
}

/* ---- JSON Lines ---- */

static void
append_text_or_null(GString *line, const char *name, lc_text text)
{
    g_string_append_printf(line, ",\"%s\":", name);
    if (lc_text_is_absent(text))
        g_string_append(line, "null");
    else
        lc_json_write_text(line, text);
}

static void
append_headers(GString *line, const lc_read_record *record)
{
    g_string_append(line, ",\"headers\":{");
    for (size_t i = 0; i < record->n_headers; i++) {
        if (i)
            g_string_append_c(line, ',');
        lc_json_write_text(line, record->headers[i].name);
        g_string_append_c(line, ':');
        if (lc_text_is_absent(record->headers[i].value))
            g_string_append(line, "null");
        else
            lc_json_write_text(line, record->headers[i].value);
    }
    g_string_append_c(line, '}');
}

/* As it is, or, of a row, what it says. */
static bool
append_key(watch_command *command, const lc_read_record *record, GError **error)
{
    g_autoptr(GError) problem = NULL;
    if (command->is_table[record->topic] && read_value(command, record->key, &problem)) {
        g_string_append_printf(command->line, ",\"key\":%s", command->json->str);
        return true;
    }
    if (problem && !g_error_matches(problem, LC_ERROR, LC_ERROR_RECORD)) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return false;
    }
    append_text_or_null(command->line, "key", record->key);
    return true;
}

static bool
append_place(watch_command *command, const lc_read_record *record, GError **error)
{
    char time[LC_INSTANT_TEXT_BYTES];
    g_string_append(command->line, "{\"topic\":");
    lc_json_write_text(command->line, lc_text_of(command->topics[record->topic]));
    g_string_append_printf(command->line, ",\"partition\":%d,\"offset\":%" G_GINT64_FORMAT, record->partition,
                           record->offset);
    if (!append_key(command, record, error))
        return false;
    append_text_or_null(command->line, "timestamp",
                        record->timestamp == LC_ABSENT ? LC_NO_TEXT
                                                       : lc_text_of(lc_instant_format(record->timestamp, time)));
    return true;
}

static void
append_dead_letter(watch_command *command, const lc_read_record *record)
{
    const lc_header *reason = find_header(record, "__connect.errors.exception.class.name");
    const lc_header *message = find_header(record, "__connect.errors.exception.message");
    append_text_or_null(command->line, "reason", reason ? reason->value : LC_NO_TEXT);
    append_text_or_null(command->line, "message", message ? message->value : LC_NO_TEXT);
    append_headers(command->line, record);
    g_string_append(command->line, ",\"value\":");
    if (lc_text_is_absent(record->value))
        g_string_append(command->line, "null");
    else
        append_base64(command->line, record->value);
}

static bool
append_value(watch_command *command, const lc_read_record *record, GError **error)
{
    g_autoptr(GError) problem = NULL;
    if (lc_text_is_absent(record->value)) {
        g_string_append(command->line, ",\"value\":null");
    } else if (read_value(command, record->value, &problem)) {
        g_string_append(command->line, ",\"value\":");
        g_string_append_len(command->line, command->json->str, (gssize)command->json->len);
    } else if (g_error_matches(problem, LC_ERROR, LC_ERROR_RECORD)) {
        append_text_or_null(command->line, "error", lc_text_of(problem->message));
        g_string_append(command->line, ",\"bytes\":");
        append_base64(command->line, record->value);
    } else {
        g_propagate_error(error, g_steal_pointer(&problem));
        return false;
    }
    return true;
}

static bool
format_json(watch_command *command, const lc_read_record *record, GError **error)
{
    if (!append_place(command, record, error))
        return false;
    if (record->topic == command->dead_letters) {
        append_dead_letter(command, record);
    } else {
        if (command->headers)
            append_headers(command->line, record);
        if (!append_value(command, record, error))
            return false;
    }
    g_string_append(command->line, "}\n");
    return true;
}

/* ---- At a glance ---- */

static void
append_padded(GString *line, const char *text, long width)
{
    g_string_append(line, text);
    for (long i = g_utf8_strlen(text, -1); i < width; i++)
        g_string_append_c(line, ' ');
    g_string_append(line, "  ");
}

static void
append_glance(watch_command *command, const char *time, lc_text key, lc_description description, const char *why)
{
    g_autofree char *lead = g_utf8_make_valid(key.data ? key.data : "-", key.data ? (gssize)key.size : -1);
    lc_cli_append_time(command->line, time);
    g_string_append(command->line, "  ");
    append_padded(command->line, lead, LEAD_WIDTH);
    if (command->colours)
        g_string_append(command->line, description.colour);
    append_padded(command->line, description.what, WHAT_WIDTH);
    if (command->colours && *description.colour)
        g_string_append(command->line, "\033[0m");
    g_string_append_printf(command->line, "%s\n", why);
}

static void
glance_at_dead_letter(watch_command *command, const char *time, const lc_read_record *record)
{
    const lc_header *reason = find_header(record, "__connect.errors.exception.class.name");
    const lc_header *message = find_header(record, "__connect.errors.exception.message");
    g_autofree char *why = g_strdup_printf("%.*s: %.*s", LC_TEXT_ARGS(reason ? reason->value : LC_TEXT("?")),
                                           LC_TEXT_ARGS(message ? message->value : LC_NO_TEXT));
    g_autofree char *valid = g_utf8_make_valid(why, -1);
    append_glance(command, time, record->key, (lc_description){"DEAD LETTER", "\033[31m"}, valid);
}

static void
glance_at_json(watch_command *command, const char *time, const lc_read_record *record)
{
    g_autoptr(GString) why = g_string_new(NULL);
    json_t *value = json_loadb(command->json->str, command->json->len, JSON_ALLOW_NUL, NULL);
    lc_description description = lc_cli_describe(value, why);
    const char *occurred_at = json_string_value(json_object_get(value, "occurred_at"));
    const char *lead_id = json_string_value(json_object_get(value, "lead_id"));
    lc_text key = !command->is_table[record->topic] ? record->key : lead_id ? lc_text_of(lead_id) : LC_NO_TEXT;
    append_glance(command, occurred_at ? occurred_at : time, key, description, why->str);
    json_decref(value);
}

static bool
format_glance(watch_command *command, const lc_read_record *record, GError **error)
{
    g_autoptr(GError) problem = NULL;
    char time[LC_INSTANT_TEXT_BYTES] = "";
    if (record->timestamp != LC_ABSENT)
        lc_instant_format(record->timestamp, time);
    if (record->topic == command->dead_letters) {
        glance_at_dead_letter(command, time, record);
    } else if (lc_text_is_absent(record->value)) {
        lc_text key = command->is_table[record->topic] ? LC_NO_TEXT : record->key;
        append_glance(command, time, key, (lc_description){"DELETED", "\033[2m"}, "");
    } else if (read_value(command, record->value, &problem)) {
        glance_at_json(command, time, record);
    } else if (g_error_matches(problem, LC_ERROR, LC_ERROR_RECORD)) {
        append_glance(command, time, record->key, (lc_description){"UNREADABLE", "\033[31m"}, problem->message);
    } else {
        g_propagate_error(error, g_steal_pointer(&problem));
        return false;
    }
    return true;
}

/* ---- The loop ---- */

/* What has no value, or none of Avro, is no record of a file. */
static bool
keep_record(watch_command *command, const lc_read_record *record, GError **error)
{
    uint32_t id;
    if (lc_text_is_absent(record->value) || !lc_frame_read(record->value.data, record->value.size, &id))
        return true;
    lc_text body = {record->value.data + LC_FRAME_BYTES, record->value.size - LC_FRAME_BYTES};
    g_autoptr(GError) problem = NULL;
    bool is_avro = lc_cli_schemas_find(command->schemas, id, &problem) != NULL;
    if (!is_avro && lc_cli_schemas_is_json(command->schemas, id))
        return true;
    if (!is_avro)
        g_propagate_error(error, g_steal_pointer(&problem));
    return is_avro && lc_cli_avro_file_add(command->avro, id, lc_cli_schemas_text(command->schemas, id), body, error);
}

static bool
print_record(watch_command *command, const lc_read_record *record, GError **error)
{
    if (command->avro)
        return keep_record(command, record, error);
    g_string_truncate(command->line, 0);
    if (!(command->pretty ? format_glance : format_json)(command, record, error))
        return false;
    return fwrite(command->line->str, 1, command->line->len, stdout) == command->line->len;
}

/* What was printed is seen at once wherever nothing more is waiting. */
static bool
show(watch_command *command, GError **error)
{
    if (command->avro)
        return lc_cli_avro_file_flush(command->avro, error);
    return fflush(stdout) == 0;
}

static int
read_next(watch_command *command, lc_read_record *record, GError **error)
{
    int result = lc_reader_read(command->reader, 0, record, error);
    if (result != 0)
        return result;
    if (!show(command, error))
        return -1;
    return lc_reader_read(command->reader, LOOK_MS, record, error);
}

static int
watch(watch_command *command)
{
    g_autoptr(GError) error = NULL;
    lc_read_record record;
    while (!command->until_caught_up || !lc_reader_is_caught_up(command->reader)) {
        int result = read_next(command, &record, &error);
        if (result == 0 || (result > 0 && print_record(command, &record, &error)))
            continue;
        show(command, NULL);
        return error ? lc_cli_fail("watch", error) : EXIT_FOUND;
    }
    if (show(command, &error))
        return EXIT_DONE;
    return error ? lc_cli_fail("watch", error) : EXIT_FOUND;
}

/* ---- The command ---- */

static void
clear_command(watch_command *command)
{
    g_clear_pointer(&command->reader, lc_reader_free);
    g_clear_pointer(&command->schemas, lc_cli_schemas_free);
    g_clear_pointer(&command->registry, lc_registry_free);
    g_clear_pointer(&command->avro, lc_cli_avro_file_free);
    g_free(command->avro_path);
    g_free(command->is_table);
    g_strfreev(command->topics);
    if (command->line)
        g_string_free(command->line, TRUE);
    if (command->json)
        g_string_free(command->json, TRUE);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(watch_command, clear_command)

static bool
start(watch_command *command, const lc_config *config, GError **error)
{
    lc_kafka_options kafka = lc_cli_kafka_options(config);
    g_autoptr(GError) problem = NULL;
    command->line = g_string_new(NULL);
    command->json = g_string_new(NULL);
    command->colours = isatty(STDOUT_FILENO) && g_getenv("NO_COLOR") == NULL;
    command->registry = lc_cli_registry_new(config, error);
    if (command->registry == NULL)
        return false;
    if (command->avro_path && !(command->avro = lc_cli_avro_file_new(command->avro_path, error)))
        return false;
    command->schemas = lc_cli_schemas_new(command->registry);
    command->reader = lc_reader_new(&kafka, (const char *const *)command->topics, command->from_beginning, &problem);
    if (g_error_matches(problem, LC_ERROR, LC_ERROR_CONFIG))
        lc_cli_name_topic_meant(config, &kafka, (const char *const *)command->topics, &problem);
    if (problem)
        g_propagate_error(error, g_steal_pointer(&problem));
    return command->reader != NULL;
}

static const char summary[] =
    "Prints what is published, reading committed: outcomes, states, counters, rows, dead letters.";
static const char more[] =
    "TOPIC is a configured topic, with or without the prefix, or any other. Default: all outputs but the changelogs\n"
    "(counters and state) and the tables of rows, which can be named.\n\n"
    "A line is {\"topic\", \"partition\", \"offset\", \"key\", \"timestamp\", \"value\"}; \"value\" is the record with "
    "its \"type\"\n"
    "first, or null for a tombstone. A dead letter has \"reason\", \"message\", \"headers\", and as \"value\" its "
    "bytes in\n"
    "base64. What can't be read has \"error\" and \"bytes\" (base64) instead of \"value\". The \"key\" of a row is an "
    "object,\n"
    "as its \"value\" is. A file of --avro has the values as they came, of one schema: name one table.\n\n"
    "Exit codes: 0 done, 1 reading failed, 2 usage or configuration, 3 Kafka or the registry does not answer.\n\n"
    "Examples:\n"
    "  leadclock watch --config leadclock.yaml --pretty\n"
    "  leadclock watch --config leadclock.yaml --from-beginning --until-caught-up leads.breaches | jq .value.lead_id\n";

int
lc_cli_watch(int argc, char **argv)
{
    g_auto(lc_cli_config_options) options = {0};
    g_auto(watch_command) command = {0};
    const GOptionEntry entries[] = {
        {"from-beginning", 0, 0, G_OPTION_ARG_NONE, &command.from_beginning, "Not only what comes from now on", NULL},
        {"until-caught-up", 0, 0, G_OPTION_ARG_NONE, &command.until_caught_up,
         "Ends when all that was committed at the start is printed", NULL},
        {"pretty", 0, 0, G_OPTION_ARG_NONE, &command.pretty, "Time, lead, what and why, for people", NULL},
        {"headers", 0, 0, G_OPTION_ARG_NONE, &command.headers, "Also prints the records' headers", NULL},
        {"avro", 0, 0, G_OPTION_ARG_FILENAME, &command.avro_path,
         "Prints nothing, but writes the values to FILE, an Avro container file", "FILE"},
        {NULL},
    };
    if (!lc_cli_parse(&argc, &argv, "[TOPIC...]", summary, more, entries, &options))
        return EXIT_USAGE;
    g_autoptr(lc_config) config = lc_cli_load_config("watch", &options);
    if (config == NULL)
        return EXIT_USAGE;
    g_autoptr(GError) error = NULL;
    choose_topics(&command, config, argv + 1);
    if (!start(&command, config, &error))
        return lc_cli_fail("watch", error);
    return watch(&command);
}
