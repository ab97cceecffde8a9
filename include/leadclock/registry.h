/* registry.h - schema ids: a Confluent-compatible registry over HTTP, or a file.
 *
 * Blocking, with time-outs; one a thread. Uses libcurl (HTTP) and jansson. Caches nothing: who asks keeps the answers
 * (ids are for ever). */
#pragma once

#include <leadclock/base.h>

typedef struct lc_registry lc_registry;

typedef struct {
    const char *url;             /* "http://127.0.0.1:8081/apis/ccompat/v7" or where the API stands; or NULL */
    const char *user, *password; /* or NULL */
    const char *file;            /* a file registry: a JSON object of id to schema; or NULL */
} lc_registry_options;

/* LC_ERROR_CONFIG: a wrong URL or file. Nothing is asked of the server yet. */
lc_registry *lc_registry_new(const lc_registry_options *options, GError **error);
void lc_registry_free(lc_registry *registry);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_registry, lc_registry_free)

/* Registers `schema_json` under `subject` (or finds it there). LC_ERROR_RETRY: no answer, 5xx, 401 (at most about 1 s);
 * LC_ERROR_CONFIG: refused (incompatible, or a file registry that has no such schema), with what to do. */
bool
lc_registry_register(lc_registry *registry, const char *subject, const char *schema_json, uint32_t *id, GError **error);

/* The schemas of `n` ids, asked together. `schemas[i]` is the JSON text (caller frees), or NULL where the registry says
 * that it has no such id. LC_ERROR_RETRY: no answer for at least one (in about 1 s); then nothing is returned.
 * A thousand ids take some time, as long as answers come. */
bool lc_registry_fetch(lc_registry *registry, const uint32_t *ids, size_t n, char **schemas, GError **error);
