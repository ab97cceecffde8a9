/* backend.h - the two kinds of registry behind the door. */
#pragma once

#include <leadclock/registry.h>

#include <jansson.h>

struct lc_registry {
    bool (*register_schemas)(lc_registry *registry, const lc_registry_entry *entries, size_t n, uint32_t *ids,
                             GError **error);
    bool (*fetch)(lc_registry *registry, const uint32_t *ids, size_t n, lc_registry_answer *answers, GError **error);
    void (*free)(lc_registry *registry);
    bool is_asking;
};

/* Of the `schemaType` of a registry's answer, or NULL. */
lc_registry_language lc_registry_language_of(const json_t *schema_type);

lc_registry *lc_http_registry_new(const lc_registry_options *options, GError **error);
lc_registry *lc_file_registry_new(const char *path, GError **error);
