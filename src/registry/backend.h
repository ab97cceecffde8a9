/* backend.h - the two kinds of registry behind the door. */
#pragma once

#include <leadclock/registry.h>

#include <jansson.h>

struct lc_registry {
    bool (*register_schema)(lc_registry *registry, const char *subject, const char *schema_json, uint32_t *id,
                            GError **error);
    bool (*fetch)(lc_registry *registry, const uint32_t *ids, size_t n, char **schemas, GError **error);
    void (*free)(lc_registry *registry);
};

lc_registry *lc_http_registry_new(const lc_registry_options *options, GError **error);
lc_registry *lc_file_registry_new(const char *path, GError **error);
