/* asyncapi.c - all topics, what is on each, and how it is read, as an AsyncAPI 3 document: of the configuration and of
 * the schemas that are built in. */
#include "asyncapi.h"

#include <leadclock/ingest.h>

#include <jansson.h>

/* https://www.asyncapi.com/docs/reference/specification/v3.0.0, and the bindings of Kafka:
 * https://github.com/asyncapi/bindings/tree/master/kafka */
#define AVRO "application/vnd.apache.avro;version=1.9.0"
#define BINDINGS "0.5.0"

typedef enum { WE_READ = 1, WE_WRITE = 2 } direction;

typedef struct {
    const lc_config *config;
    json_t *channels, *operations, *messages;
} document;

static json_t *reference(const char *format, ...) G_GNUC_PRINTF(1, 2);

static json_t *
reference(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *to = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    return json_pack("{s:s}", "$ref", to);
}

/* ---- Messages ---- */

static json_t *
text_schema(const char *description)
{
    return json_pack("{s:s, s:s}", "type", "string", "description", description);
}

typedef struct {
    const char *name, *description;
} header;

static const header cloud_events[] = {
    {"ce_specversion", "1.0"},
    {"ce_id", "Unique for each message: the event_id, a dot, and what caused it."},
    {"ce_type", "The record's full name."},
    {"ce_source", "The name of the service."},
    {"ce_time", "When it happened (RFC 3339)."},
    {"content-type", "application/avro"},
    {NULL},
};

static const header of_dead_letters[] = {
    {"__connect.errors.topic", "Where the record was."},
    {"__connect.errors.partition", "Where the record was."},
    {"__connect.errors.offset", "Where the record was."},
    {"__connect.errors.exception.class.name", "The reason: BAD_FACT, KEY_MISMATCH, ..."},
    {"__connect.errors.exception.message", "What is wrong, and what to do."},
    {"leadclock.truncated", "The original size of a value that was cut."},
    {NULL},
};

static const header of_undelivered[] = {
    {"leadclock.webhook", "Which webhook refused it."},
    {"leadclock.status", "The status of its answer."},
    {"leadclock.message", "What it answered."},
    {"leadclock.record", "Where the outcome was: topic, partition and offset."},
    {NULL},
};

static json_t *
headers_schema(const header *headers)
{
    json_t *properties = json_object();
    for (; headers->name; headers++)
        json_object_set_new(properties, headers->name, text_schema(headers->description));
    return json_pack("{s:s, s:o}", "type", "object", "properties", properties);
}

static json_t *
schema_of(lc_schema schema)
{
    return json_loads(lc_schema_text(schema), 0, NULL);
}

static const char *
short_name(lc_schema schema)
{
    return strrchr(lc_schema_record_name(schema), '.') + 1;
}

/* Of a record of ours. `key`: the JSON Schema of the record's key; taken. */
static const char *
add_record(document *all, lc_schema schema, json_t *key, const char *strategy, const header *headers)
{
    const char *name = short_name(schema);
    if (json_object_get(all->messages, name)) {
        json_decref(key);
        return name;
    }
    json_t *avro = schema_of(schema), *doc = json_object_get(avro, "doc");
    json_t *message = json_pack("{s:s, s:s, s:s}", "name", lc_schema_record_name(schema), "title", name, "contentType",
                                "application/avro");
    if (doc)
        json_object_set(message, "summary", doc);
    if (headers)
        json_object_set_new(message, "headers", headers_schema(headers));
    json_object_set_new(message, "payload", json_pack("{s:s, s:o}", "schemaFormat", AVRO, "schema", avro));
    json_object_set_new(message, "bindings",
                        json_pack("{s:{s:o, s:s, s:s, s:s, s:s}}", "kafka", "key", key, "schemaIdLocation", "payload",
                                  "schemaIdPayloadEncoding", "confluent", "schemaLookupStrategy", strategy,
                                  "bindingVersion", BINDINGS));
    json_object_set_new(all->messages, name, message);
    return name;
}

/* Bytes as they came. */
static const char *
add_copy(document *all, const char *name, const char *summary, const header *headers)
{
    json_object_set_new(all->messages, name,
                        json_pack("{s:s, s:s, s:s, s:o, s:{s:s, s:s}}", "name", name, "summary", summary, "contentType",
                                  "application/octet-stream", "headers", headers_schema(headers), "payload",
                                  "description", "The record's value as it came.", "contentEncoding", "binary"));
    return name;
}

/* ---- Channels and operations ---- */

static json_t *
number_or_text(const char *value)
{
    gint64 number;
    return g_ascii_string_to_signed(value, 10, 0, G_MAXINT64, &number, NULL) ? json_integer(number)
                                                                             : json_string(value);
}

static json_t *
topic_configuration(const char *const *settings)
{
    json_t *configuration = json_object();
    for (; *settings; settings += 2)
        json_object_set_new(configuration, settings[0],
                            strcmp(settings[0], "cleanup.policy") == 0 ? json_pack("[s]", settings[1])
                                                                       : number_or_text(settings[1]));
    return configuration;
}

static void
add_operation(document *all, const char *action, const char *topic, const char *const *messages)
{
    g_autofree char *name = g_strconcat(action, ".", topic, NULL);
    json_t *listed = json_array();
    for (; *messages; messages++)
        json_array_append_new(listed, reference("#/channels/%s/messages/%s", topic, *messages));
    json_object_set_new(all->operations, name,
                        json_pack("{s:s, s:o, s:o}", "action", action, "channel", reference("#/channels/%s", topic),
                                  "messages", listed));
}

static void
add_channel(document *all, const lc_cli_topic *topic, const char *description, unsigned directions,
            const GPtrArray *messages)
{
    json_t *listed = json_object();
    for (guint i = 0; i + 1 < messages->len; i++)
        json_object_set_new(listed, messages->pdata[i],
                            reference("#/components/messages/%s", (const char *)messages->pdata[i]));
    json_object_set_new(all->channels, topic->name,
                        json_pack("{s:s, s:s, s:o, s:{s:{s:s, s:o, s:s}}}", "address", topic->name, "description",
                                  description, "messages", listed, "bindings", "kafka", "topic", topic->name,
                                  "topicConfiguration", topic_configuration(topic->settings), "bindingVersion",
                                  BINDINGS));
    if (directions & WE_READ)
        add_operation(all, "receive", topic->name, (const char *const *)messages->pdata);
    if (directions & WE_WRITE)
        add_operation(all, "send", topic->name, (const char *const *)messages->pdata);
}

/* ---- What is on which topic ---- */

static json_t *
lead_key(void)
{
    return text_schema("The lead_id.");
}

static void
add_input(document *all, const lc_cli_topic *topic)
{
    g_auto(lc_inputs) inputs = {0};
    g_autoptr(GPtrArray) messages = g_ptr_array_new();
    lc_inputs_choose(&inputs, (const char *const *)all->config->topics.inputs);
    for (int type = 0; type < LC_FACT_TYPES; type++)
        if (g_strcmp0(inputs.topics[type], topic->name) == 0)
            g_ptr_array_add(messages, (char *)add_record(all, lc_fact_schema((lc_fact_type)type), lead_key(),
                                                         "TopicRecordNameStrategy", NULL));
    g_ptr_array_add(messages, NULL);
    add_channel(
        all, topic,
        "Facts. Partitioned by the key as Java does (murmur2). A fact may be JSON or a CloudEvent instead of Avro, "
        "and an empty value erases the lead (docs/events.md).",
        WE_READ, messages);
}

static void
add_outcomes(document *all, const lc_cli_topic *topic, const lc_outcome_type *types, size_t n)
{
    const header *headers = all->config->topics.cloud_events ? cloud_events : NULL;
    g_autoptr(GPtrArray) messages = g_ptr_array_new();
    for (size_t i = 0; i < n; i++)
        g_ptr_array_add(messages, (char *)add_record(all, lc_outcome_schema(types[i]), lead_key(),
                                                     "TopicRecordNameStrategy", headers));
    g_ptr_array_add(messages, NULL);
    add_channel(
        all, topic,
        "Outcomes, in transactions: read what is committed. Keep the latest of each event_id, and drop it when a "
        "Retracted names it.",
        WE_WRITE, messages);
}

static void
add_changelog(document *all, const lc_cli_topic *topic, lc_schema schema, const char *key, const char *description)
{
    g_autoptr(GPtrArray) messages = g_ptr_array_new();
    g_ptr_array_add(messages, (char *)add_record(all, schema, text_schema(key), "TopicRecordNameStrategy", NULL));
    g_ptr_array_add(messages, NULL);
    add_channel(all, topic, description, WE_READ | WE_WRITE, messages);
}

static void
add_table(document *all, const lc_cli_topic *topic, int table)
{
    g_autoptr(GPtrArray) messages = g_ptr_array_new();
    json_t *key = json_pack("{s:s, s:s}", "type", "object", "description",
                            "An Avro record, framed as the value is: x-avro-key of the message.");
    const char *name = add_record(all, lc_rows_schema(table), key, "TopicNameStrategy", NULL);
    json_object_set_new(json_object_get(all->messages, name), "x-avro-key", schema_of(lc_rows_key_schema(table)));
    g_ptr_array_add(messages, (char *)name);
    g_ptr_array_add(messages, NULL);
    add_channel(
        all, topic,
        "Rows, in transactions: read what is committed. The latest row of a key stands; one that is no more has "
        "deleted: true, or is a tombstone.",
        WE_WRITE, messages);
}

static void
add_copies(document *all, const lc_cli_topic *topic, const char *name, const char *summary, const header *headers)
{
    g_autoptr(GPtrArray) messages = g_ptr_array_new();
    g_ptr_array_add(messages, (char *)add_copy(all, name, summary, headers));
    g_ptr_array_add(messages, NULL);
    add_channel(all, topic, summary, WE_WRITE, messages);
}

#define OUTCOMES(...)                                                                                                  \
    add_outcomes(all, topic, (const lc_outcome_type[]){__VA_ARGS__},                                                   \
                 sizeof((const lc_outcome_type[]){__VA_ARGS__}) / sizeof(lc_outcome_type))

static bool
is_input(const lc_config *config, const char *name)
{
    return g_strv_contains((const char *const *)config->topics.inputs, name);
}

static int
table_of(const lc_config *config, const char *name)
{
    int table = 0;
    while (table < LC_CONFIG_TABLES - 1 && strcmp(name, config->tables.topics[table]) != 0)
        table++;
    return table;
}

static void
add_topic(document *all, const lc_cli_topic *topic)
{
    const lc_config *config = all->config;
    const char *name = topic->name;
    if (strcmp(name, config->topics.breaches) == 0)
        OUTCOMES(LC_OUTCOME_BREACHED, LC_OUTCOME_ESCALATED, LC_OUTCOME_BREACH_ENDED, LC_OUTCOME_RETRACTED);
    else if (strcmp(name, config->topics.warnings) == 0)
        OUTCOMES(LC_OUTCOME_WARNING, LC_OUTCOME_RETRACTED);
    else if (strcmp(name, config->topics.clawbacks) == 0)
        OUTCOMES(LC_OUTCOME_CLAWED_BACK, LC_OUTCOME_RETRACTED);
    else if (strcmp(name, config->topics.routed) == 0)
        OUTCOMES(LC_OUTCOME_ROUTED, LC_OUTCOME_RETRACTED);
    else if (strcmp(name, config->topics.settled) == 0)
        OUTCOMES(LC_OUTCOME_SETTLED, LC_OUTCOME_RETRACTED);
    else if (strcmp(name, config->topics.counters) == 0)
        add_changelog(all, topic, LC_SCHEMA_CHANNEL_COUNTERS, "The channel and the cohort.",
                      "Counters by channel and month: the latest value of a key stands; add up the partitions.");
    else if (strcmp(name, config->topics.state) == 0)
        add_changelog(all, topic, LC_SCHEMA_LEAD_STATE, "The lead_id.",
                      "Leadclock's own: what it knows of each lead. It may change with any version.");
    else if (strcmp(name, config->topics.dead_letters) == 0)
        add_copies(all, topic, "DeadLetter", "Records that can't be a fact, key and value as they came.",
                   of_dead_letters);
    else if (strcmp(name, config->topics.undelivered) == 0)
        add_copies(all, topic, "Undelivered", "Outcomes that a webhook refused, as they came.", of_undelivered);
    else if (is_input(config, name))
        add_input(all, topic);
    else
        add_table(all, topic, table_of(config, name));
}

/* ---- The document ---- */

static bool
is_secure(const lc_config *config)
{
    for (char **property = config->kafka.properties; property && *property; property += 2)
        if (strcmp(property[0], "security.protocol") == 0)
            return g_ascii_strcasecmp(property[1], "plaintext") != 0 &&
                   g_ascii_strcasecmp(property[1], "sasl_plaintext") != 0;
    return false;
}

static json_t *
servers_of(const lc_config *config)
{
    json_t *servers = json_object();
    g_auto(GStrv) brokers = g_strsplit(config->kafka.brokers, ",", -1);
    for (int i = 0; brokers[i]; i++) {
        g_autofree char *name = g_strdup_printf("broker%d", i + 1);
        json_object_set_new(servers, name,
                            json_pack("{s:s, s:s}", "host", g_strstrip(brokers[i]), "protocol",
                                      is_secure(config) ? "kafka-secure" : "kafka"));
    }
    return servers;
}

void
lc_cli_write_asyncapi(const lc_config *config, const lc_cli_topic *topics, size_t n, FILE *file)
{
    document all = {config, json_object(), json_object(), json_object()};
    for (size_t i = 0; i < n; i++)
        add_topic(&all, &topics[i]);
    json_t *whole = json_pack(
        "{s:s, s:{s:s, s:s, s:s, s:{s:s, s:s}}, s:s, s:o, s:o, s:o, s:{s:o}}", "asyncapi", "3.0.0", "info", "title",
        config->name, "version", LC_VERSION, "description",
        "What Leadclock reads from and writes to Kafka: facts of leads in, broken promises, routes and rows out. "
        "docs/events.md explains every field.",
        "license", "name", "Apache-2.0", "url", "https://www.apache.org/licenses/LICENSE-2.0", "defaultContentType",
        "application/avro", "servers", servers_of(config), "channels", all.channels, "operations", all.operations,
        "components", "messages", all.messages);
    json_dumpf(whole, file, JSON_INDENT(2));
    fputc('\n', file);
    json_decref(whole);
}
