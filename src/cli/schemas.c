/* schemas.c - schemas by id, fetched when first seen. */
#include "common.h"

#define REGISTRY_PATIENCE_US (10 * G_USEC_PER_SEC)

lc_registry_options
lc_cli_registry_options(const lc_config *config)
{
    return (lc_registry_options){
        .url = config->registry.url,
        .user = config->registry.user,
        .password = config->registry.password,
        .password_file = config->registry.password_file,
        .ca = config->registry.ca,
        .certificate = config->registry.certificate,
        .key = config->registry.key,
        .timeout = config->registry.timeout,
        .file = config->registry.file,
    };
}

lc_registry *
lc_cli_registry_new(const lc_config *config, GError **error)
{
    const lc_registry_options options = lc_cli_registry_options(config);
    return lc_registry_new(&options, error);
}

/* Is the registry to be asked again? One that is slow is not away: it is waited for as long as its time-out says.
 * Takes the problem where it is not. */
static bool
may_ask_again(const lc_registry *registry, gint64 began_us, GError **problem, GError **error)
{
    bool is_asking = lc_registry_is_asking(registry);
    if (!g_error_matches(*problem, LC_ERROR, LC_ERROR_RETRY) ||
        (!is_asking && g_get_monotonic_time() - began_us >= REGISTRY_PATIENCE_US)) {
        g_propagate_error(error, g_steal_pointer(problem));
        return false;
    }
    g_clear_error(problem);
    fflush(stdout);
    if (!is_asking)
        g_usleep(G_USEC_PER_SEC / 2);
    return true;
}

bool
lc_cli_register(lc_registry *registry, const lc_registry_entry *entries, size_t n, uint32_t *ids, GError **error)
{
    gint64 began_us = g_get_monotonic_time();
    g_autoptr(GError) problem = NULL;
    while (!lc_registry_register(registry, entries, n, ids, &problem))
        if (!may_ask_again(registry, began_us, &problem, error))
            return false;
    return true;
}

/* Where it fails for this id alone, that is as good as a no in the end. */
static bool
fetch_patiently(lc_registry *registry, uint32_t id, lc_registry_answer *answer, GError **error)
{
    gint64 began_us = g_get_monotonic_time();
    for (;;) {
        g_autoptr(GError) problem = NULL;
        bool is_answered = lc_registry_fetch(registry, &id, 1, answer, &problem);
        if (is_answered && answer->verdict != LC_REGISTRY_FAILS)
            return true;
        if (is_answered)
            g_set_error_literal(&problem, LC_ERROR, LC_ERROR_RETRY, answer->why);
        if (!may_ask_again(registry, began_us, &problem, is_answered ? NULL : error))
            return is_answered;
        if (is_answered)
            lc_registry_answer_clear(answer);
    }
}

/* What is known of an id. */
typedef struct {
    lc_plan *plan;
    char *text;
    char *problem; /* why there is no plan */
    bool is_json;  /* then there is none */
} known_schema;

struct lc_cli_schemas {
    lc_registry *registry;
    GHashTable *known; /* id -> known_schema */
    uint32_t last_id;
    const lc_plan *last_plan;
};

static void
free_known(void *data)
{
    known_schema *known = data;
    lc_plan_free(known->plan);
    g_free(known->text);
    g_free(known->problem);
    g_free(known);
}

lc_cli_schemas *
lc_cli_schemas_new(lc_registry *registry)
{
    lc_cli_schemas *schemas = g_new0(lc_cli_schemas, 1);
    schemas->registry = registry;
    schemas->known = g_hash_table_new_full(NULL, NULL, NULL, free_known);
    return schemas;
}

void
lc_cli_schemas_free(lc_cli_schemas *schemas)
{
    if (schemas)
        g_hash_table_destroy(schemas->known);
    g_free(schemas);
}

static known_schema *
fetch(lc_cli_schemas *schemas, uint32_t id, GError **error)
{
    lc_registry_answer answer;
    g_autoptr(GError) problem = NULL;
    if (!fetch_patiently(schemas->registry, id, &answer, error))
        return NULL;
    known_schema *known = g_new0(known_schema, 1);
    if (answer.schema == NULL)
        known->problem = g_strdup_printf("the registry has no schema %u%s%s", id, answer.why ? ": " : "",
                                         answer.why ? answer.why : "");
    else if (answer.language == LC_REGISTRY_JSON)
        known->problem = g_strdup_printf("schema %u is one of JSON", id);
    else if ((known->plan = lc_plan_new(answer.schema, &problem)) == NULL)
        known->problem = g_strdup_printf("schema %u can't be read: %s", id, problem->message);
    known->is_json = answer.language == LC_REGISTRY_JSON;
    known->text = g_steal_pointer(&answer.schema);
    lc_registry_answer_clear(&answer);
    g_hash_table_insert(schemas->known, GUINT_TO_POINTER(id), known);
    return known;
}

const lc_plan *
lc_cli_schemas_find(lc_cli_schemas *schemas, uint32_t id, GError **error)
{
    if (schemas->last_plan && schemas->last_id == id)
        return schemas->last_plan;
    known_schema *known = g_hash_table_lookup(schemas->known, GUINT_TO_POINTER(id));
    if (known == NULL && (known = fetch(schemas, id, error)) == NULL)
        return NULL;
    if (known->plan == NULL) {
        g_set_error_literal(error, LC_ERROR, LC_ERROR_RECORD, known->problem);
        return NULL;
    }
    schemas->last_id = id;
    schemas->last_plan = known->plan;
    return known->plan;
}

bool
lc_cli_schemas_is_json(const lc_cli_schemas *schemas, uint32_t id)
{
    const known_schema *known = g_hash_table_lookup(schemas->known, GUINT_TO_POINTER(id));
    return known && known->is_json;
}

const char *
lc_cli_schemas_text(const lc_cli_schemas *schemas, uint32_t id)
{
    const known_schema *known = g_hash_table_lookup(schemas->known, GUINT_TO_POINTER(id));
    return known ? known->text : NULL;
}
