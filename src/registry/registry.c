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
lc_registry_register(lc_registry *registry, const char *subject, const char *schema_json, uint32_t *id, GError **error)
{
    return registry->register_schema(registry, subject, schema_json, id, error);
}

bool
lc_registry_fetch(lc_registry *registry, const uint32_t *ids, size_t n, char **schemas, GError **error)
{
    return registry->fetch(registry, ids, n, schemas, error);
}
