/* file.c - a registry without a server: a JSON object of id to schema, each an object, its text, or what a server
 * answers for the id: {"schema": TEXT, "schemaType": "JSON"}. Read once. */
#include "backend.h"

typedef struct {
    lc_registry door;
    char *path;
    GHashTable *schemas; /* id -> json_t */
    uint32_t last_id;
} file_registry;

static bool refuse(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static bool
refuse(GError **error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_propagate_error(error, g_error_new_valist(LC_ERROR, LC_ERROR_CONFIG, format, arguments));
    va_end(arguments);
    return false;
}

/* The full name of a record's schema, or what stands for it. Caller frees. */
static char *
record_name(const json_t *schema)
{
    const char *name = json_string_value(json_object_get(schema, "name"));
    const char *namespace = json_string_value(json_object_get(schema, "namespace"));
    return namespace ? g_strconcat(namespace, ".", name, NULL) : g_strdup(name ? name : "a schema without a name");
}

static bool
find_schema(const file_registry *file, const lc_registry_entry *entry, uint32_t *id, GError **error)
{
    json_t *schema = json_loads(entry->schema_json, JSON_DECODE_ANY, NULL);
    GHashTableIter all;
    gpointer known_id, known;
    g_hash_table_iter_init(&all, file->schemas);
    bool found = false;
    while (!found && g_hash_table_iter_next(&all, &known_id, &known))
        found = json_equal(known, schema);
    if (found) {
        *id = GPOINTER_TO_UINT(known_id);
    } else {
        g_autofree char *name = record_name(schema);
        refuse(error,
               "%s: no id has the schema of %s (subject %s); add a line \"%u\": SCHEMA, where SCHEMA is the content of "
               "its .avsc file (docs/configuration.md has a line that makes the file of all of them)",
               file->path, name, entry->subject, file->last_id + 1);
    }
    json_decref(schema);
    return found;
}

static bool
file_register(lc_registry *registry, const lc_registry_entry *entries, size_t n, uint32_t *ids, GError **error)
{
    for (size_t i = 0; i < n; i++)
        if (!find_schema((file_registry *)registry, &entries[i], &ids[i], error))
            return false;
    return true;
}

static bool
file_fetch(lc_registry *registry, const uint32_t *ids, size_t n, lc_registry_answer *answers, GError **error)
{
    file_registry *file = (file_registry *)registry;
    (void)error;
    for (size_t i = 0; i < n; i++) {
        json_t *schema = g_hash_table_lookup(file->schemas, GUINT_TO_POINTER(ids[i]));
        json_t *type = json_object_get(schema, "schemaType");
        char *text = schema ? json_dumps(schema, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
        answers[i] = (lc_registry_answer){.verdict = text ? LC_REGISTRY_HAS : LC_REGISTRY_NO,
                                          .schema = g_strdup(text),
                                          .language = lc_registry_language_of(type)};
        free(text);
    }
    return true;
}

static void
file_free(lc_registry *registry)
{
    file_registry *file = (file_registry *)registry;
    g_hash_table_unref(file->schemas);
    g_free(file->path);
    g_free(file);
}

/* A schema of Avro that is given as its text, or as a server answers; NULL: any other. */
static const json_t *
text_of(const json_t *schema)
{
    const json_t *inner = json_object_get(schema, "schema");
    if (json_is_string(schema))
        return schema;
    bool is_avro = lc_registry_language_of(json_object_get(schema, "schemaType")) == LC_REGISTRY_AVRO;
    return is_avro && json_is_string(inner) ? inner : NULL;
}

static bool
take_schema(file_registry *file, const char *key, json_t *schema, GError **error)
{
    guint64 id;
    json_error_t problem;
    if (!g_ascii_string_to_unsigned(key, 10, 0, UINT32_MAX, &id, NULL))
        return refuse(error, "%s: \"%s\" is no schema id; ids are whole numbers from 0 to %u", file->path, key,
                      UINT32_MAX);
    const json_t *text = text_of(schema);
    json_t *parsed = text ? json_loads(json_string_value(text), JSON_DECODE_ANY, &problem) : json_incref(schema);
    if (parsed == NULL)
        return refuse(error, "%s: the text of schema %s is not JSON: %s", file->path, key, problem.text);
    g_hash_table_insert(file->schemas, GUINT_TO_POINTER((guint)id), parsed);
    file->last_id = MAX(file->last_id, (uint32_t)id);
    return true;
}

static bool
take_schemas(file_registry *file, json_t *object, GError **error)
{
    const char *key;
    json_t *schema;
    if (!json_is_object(object))
        return refuse(error, "%s: not a JSON object of schema id to schema, as {\"1\": {\"type\": \"record\", ...}}",
                      file->path);
    json_object_foreach(object, key, schema)
    {
        if (!take_schema(file, key, schema, error))
            return false;
    }
    return true;
}

static void
unref_json(gpointer json)
{
    json_decref(json);
}

lc_registry *
lc_file_registry_new(const char *path, GError **error)
{
    json_error_t problem;
    json_t *object = json_load_file(path, JSON_REJECT_DUPLICATES, &problem);
    if (object == NULL) {
        if (problem.line > 0)
            refuse(error, "%s:%d:%d: %s", path, problem.line, problem.column, problem.text);
        else
            refuse(error, "registry.file can't be read: %s", problem.text);
        return NULL;
    }
    file_registry *file = g_new0(file_registry, 1);
    file->door = (lc_registry){file_register, file_fetch, file_free, false};
    file->path = g_strdup(path);
    file->schemas = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, unref_json);
    bool is_taken = take_schemas(file, object, error);
    json_decref(object);
    if (is_taken)
        return &file->door;
    file_free(&file->door);
    return NULL;
}
