/* registry.c - the door: a server or a file. */
#include "backend.h"

lc_registry *
lc_registry_new(const lc_registry_options *options, GError **error)
{
    if (options->url && options->file) {
        g_set_error(error, LC_ERROR, LC_ERROR_CONFIG, "registry: both url and file are given; keep one of them");
        return NULL;
    }
    if (options->file)
        return lc_file_registry_new(options->file, error);
    if (options->url)
        return lc_http_registry_new(options, error);
    g_set_error(error, LC_ERROR, LC_ERROR_CONFIG, "registry: neither url nor file is given");
    return NULL;
}

void
lc_registry_free(lc_registry *registry)
{
    if (registry)
        registry->free(registry);
}

bool
lc_registry_register(lc_registry *registry, const lc_registry_entry *entries, size_t n, uint32_t *ids, GError **error)
{
    return registry->register_schemas(registry, entries, n, ids, error);
}

void
lc_registry_answer_clear(lc_registry_answer *answer)
{
    g_clear_pointer(&answer->schema, g_free);
    g_clear_pointer(&answer->why, g_free);
}

lc_registry_language
lc_registry_language_of(const json_t *schema_type)
{
    const char *name = json_string_value(schema_type);
    return name == NULL || strcmp(name, "AVRO") == 0 ? LC_REGISTRY_AVRO
           : strcmp(name, "JSON") == 0               ? LC_REGISTRY_JSON
                                                     : LC_REGISTRY_OTHER;
}

bool
lc_registry_fetch(lc_registry *registry, const uint32_t *ids, size_t n, lc_registry_answer *answers, GError **error)
{
    return registry->fetch(registry, ids, n, answers, error);
}

bool
lc_registry_is_asking(const lc_registry *registry)
{
    return registry->is_asking;
}
