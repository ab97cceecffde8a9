#include "common.h"

lc_registry *
lc_cli_registry_new(const lc_config *config, GError **error)
{
    const lc_registry_options options = {
        .url = config->registry.url,
        .user = config->registry.user,
        .password = config->registry.password,
        .file = config->registry.file,
    };
    return lc_registry_new(&options, error);
}

/* What is known of an id. */
typedef struct {
    lc_plan *plan;
    char *problem; /* why there is no plan */
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
    g_autofree char *text = NULL;
    g_autoptr(GError) problem = NULL;
    if (!lc_registry_fetch(schemas->registry, &id, 1, &text, error))
        return NULL;
    known_schema *known = g_new0(known_schema, 1);
    if (text == NULL)
        known->problem = g_strdup_printf("the registry has no schema %u", id);
    else if ((known->plan = lc_plan_new(text, &problem)) == NULL)
        known->problem = g_strdup_printf("schema %u can't be read: %s", id, problem->message);
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
