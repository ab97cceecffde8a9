/* registry.h - schema ids: a Confluent-compatible registry over HTTP, or a file.
 *
 * One a thread. No call blocks for longer than about 1 s: where the registry has not answered by then it is
 * LC_ERROR_RETRY, and the same call made again goes on with what was begun (another call drops it). So a registry that
 * is slow is waited for while the caller tends to other things. Uses http's client (http_client.h) and jansson. Caches
 * nothing: who asks keeps the answers (ids are for ever). */
#pragma once

#include <leadclock/base.h>

typedef struct lc_registry lc_registry;

typedef struct {
    const char *url;             /* "http://127.0.0.1:8081/apis/ccompat/v7" or where the API stands; or NULL */
    const char *user, *password; /* or NULL */
    const char *password_file;   /* holds it instead, read for each request; or NULL */
    /* TLS, PEM files, or NULL: the CAs that its certificate may be from (this machine's), our certificate and its key.
     */
    const char *ca, *certificate, *key;
    lc_duration timeout; /* a request has failed when it was not answered for so long; 0: 30 s */
    const char *file;    /* a file registry: a JSON object of id to schema; or NULL */
} lc_registry_options;

/* LC_ERROR_CONFIG: a wrong URL or file. Nothing is asked of the server yet. */
lc_registry *lc_registry_new(const lc_registry_options *options, GError **error);
void lc_registry_free(lc_registry *registry);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_registry, lc_registry_free)

typedef struct {
    const char *subject, *schema_json;
} lc_registry_entry;

/* Finds each schema under its subject, or else registers it there. LC_ERROR_RETRY: no answer (yet), no TLS, 5xx, 401,
 * 403, all of which may be mended while we wait;
 * LC_ERROR_CONFIG: refused (incompatible, or a file registry that has no such schema), with what to do. `ids` then hold
 * nothing. */
bool
lc_registry_register(lc_registry *registry, const lc_registry_entry *entries, size_t n, uint32_t *ids, GError **error);

/* What a registry says of an id. */
typedef enum {
    LC_REGISTRY_HAS,  /* the schema */
    LC_REGISTRY_NO,   /* it has none with this id, or none that it could give */
    LC_REGISTRY_FAILS /* neither, although it gives another schema at the same time: perhaps it never will */
} lc_registry_verdict;

/* What a schema is written in. */
typedef enum {
    LC_REGISTRY_AVRO, /* where nothing is said */
    LC_REGISTRY_JSON, /* JSON Schema */
    LC_REGISTRY_OTHER
} lc_registry_language;

typedef struct {
    lc_registry_verdict verdict;
    char *schema; /* its text; NULL unless HAS */
    char *why;    /* what it says instead, with "HTTP 500"; NULL: it has no such id */
    lc_registry_language language;
} lc_registry_answer;

void lc_registry_answer_clear(lc_registry_answer *answer);

/* Asks for `n` ids together; the caller clears the answers. LC_ERROR_RETRY: the registry does not answer (yet), or
 * nothing shows that what is wrong is only with some of the ids; then there are no answers. A thousand ids take several
 * calls. */
bool
lc_registry_fetch(lc_registry *registry, const uint32_t *ids, size_t n, lc_registry_answer *answers, GError **error);

/* After LC_ERROR_RETRY: what was asked is under way, and `timeout` says when it has failed. */
bool lc_registry_is_asking(const lc_registry *registry);
