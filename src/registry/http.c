/* http.c - a Confluent-compatible registry over HTTP. */
#include "backend.h"
#include "exchange.h"

#include <leadclock/text.h>

#include <errno.h>
#include <unistd.h>

#define DEFAULT_TIMEOUT (30 * LC_SECOND)
#define AT_ONCE 16u

typedef struct {
    lc_registry door;
    lc_exchanges exchanges;
    char *url; /* without a slash at its end */
    bool knows_good_id;
    uint32_t good_id; /* has given a schema: whether it still does tells what is wrong */
} http_registry;

static bool fail(GError **error, lc_error code, const char *format, ...) G_GNUC_PRINTF(3, 4);

static bool
fail(GError **error, lc_error code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_propagate_error(error, g_error_new_valist(LC_ERROR, (gint)code, format, arguments));
    va_end(arguments);
    return false;
}

static void
begin_call(http_registry *http)
{
    lc_exchanges_begin(&http->exchanges);
}

static void
end_call(http_registry *http)
{
    lc_exchanges_end(&http->exchanges);
    http->door.is_asking = http->exchanges.is_unfinished;
}

/* ---- What answers mean ---- */

/* The member of a JSON object answered; NULL: there is none. Caller frees with json_decref. */
static json_t *
answer_member(const lc_exchange *x, const char *name)
{
    json_t *answer = json_loadb(x->http->answer->str, x->http->answer->len, 0, NULL);
    json_t *member = json_incref(json_object_get(answer, name));
    json_decref(answer);
    return member;
}

/* What a registry says in its errors, cut short; "" where it says nothing. Caller frees. */
static char *
answer_message(const lc_exchange *x)
{
    json_t *message = answer_member(x, "message");
    char *text = json_is_string(message) ? g_strdup_printf(": %.400s", json_string_value(message)) : g_strdup("");
    json_decref(message);
    return text;
}

static bool
has_answered(const lc_exchange *x, GError **error)
{
    if (x->http->result == LC_HTTP_ANSWERED)
        return true;
    if (x->http->result == LC_HTTP_TOO_LONG)
        return fail(error, LC_ERROR_RETRY, "registry %s: the answer is longer than %zu bytes", x->url,
                    LC_MAX_ANSWER_BYTES);
    if (x->http->tls_problem == LC_HTTP_TLS_ENDED)
        return fail(error, LC_ERROR_RETRY,
                    "registry %s does not answer: it ends the connection after TLS came about (%s); where it wants a "
                    "certificate of ours, look at registry.certificate and registry.key",
                    x->url, x->http->problem);
    const char *advice = lc_exchange_tls_advice(x->http->tls_problem);
    if (advice)
        return fail(error, LC_ERROR_RETRY, "registry %s: no TLS: %s (%s)", x->url, advice, x->http->problem);
    return fail(error, LC_ERROR_RETRY, "registry %s does not answer: %s%s", x->url, x->http->problem,
                x->http->result == LC_HTTP_TIMED_OUT ? " (registry.timeout)" : "");
}

/* Statuses that say something of the registry, and will be others. */
static bool
is_for_later(int status)
{
    return status == 401 || status == 408 || status == 429 || status >= 500;
}

/* Is what was refused final? Only a registry's own answer is, by its error_code: the status, and often two digits.
 * All else may be of a proxy before one that has yet to start; so may a 404 without those digits, of a path. */
static bool
is_final(const lc_exchange *x)
{
    json_t *member = answer_member(x, "error_code");
    json_int_t code = json_is_integer(member) ? json_integer_value(member) : 0;
    json_decref(member);
    return code / 100 == x->http->status || (code == x->http->status && code != 404);
}

/* What answers there is no registry, or not yet. */
static bool
fail_by_stranger(const http_registry *http, const lc_exchange *x, GError **error)
{
    if (x->http->status == 404)
        return fail(error, LC_ERROR_RETRY,
                    "registry %s: 404 from %s: is registry.url right? Where the registry has started, its API is "
                    "not there; give registry.url with its path, as http://HOST:PORT/apis/ccompat/v7 for Apicurio",
                    http->url, x->url);
    return fail(error, LC_ERROR_RETRY,
                "registry %s: HTTP %d from %s, which is no answer of a registry: it may be that of a proxy before one "
                "that starts; if it stays so, look at registry.url",
                http->url, x->http->status, x->url);
}

/* An answer that is neither 200 nor a no. `final`: the code of one that asking again will not change. */
static bool
fail_by_status(const http_registry *http, const lc_exchange *x, lc_error final, GError **error)
{
    g_autofree char *message = answer_message(x);
    if (x->http->status == 401)
        return fail(error, LC_ERROR_RETRY,
                    "registry %s does not let us in (HTTP 401)%s; look at registry.user and registry.password (or the "
                    "file that holds it)",
                    http->url, message);
    if (x->http->status == 403)
        return fail(error, LC_ERROR_RETRY,
                    "registry %s refuses us (HTTP 403)%s; give registry.user the right to read it", http->url, message);
    if (is_for_later(x->http->status))
        return fail(error, LC_ERROR_RETRY, "registry %s is not able to answer (HTTP %d from %s)%s", http->url,
                    x->http->status, x->url, message);
    if (!is_final(x))
        return fail_by_stranger(http, x, error);
    return fail(error, final, "registry %s refuses %s (HTTP %d)%s", http->url, x->url, x->http->status, message);
}

/* ---- Registering ---- */

static char *
schema_body(const char *schema_json)
{
    json_t *object = json_pack("{s:s}", "schema", schema_json);
    char *text = json_dumps(object, JSON_COMPACT);
    char *body = g_strdup(text);
    free(text);
    json_decref(object);
    return body;
}

static bool
fail_registration(const http_registry *http, const lc_exchange *x, const char *subject, GError **error)
{
    g_autofree char *message = answer_message(x);
    if (x->http->status == 403)
        return fail(error, LC_ERROR_RETRY,
                    "registry %s does not have our schema under subject %s, and does not let us register it (HTTP "
                    "403)%s; give registry.user the right to write that subject, or register it (schemas/*.avsc)",
                    http->url, subject, message);
    if (x->http->status == 409 && is_final(x))
        return fail(error, LC_ERROR_CONFIG,
                    "registry %s: our schema is not compatible with those of subject %s%s; set the subject's "
                    "compatibility to BACKWARD or NONE, or choose another topics.prefix",
                    http->url, subject, message);
    if (x->http->status == 422 && is_final(x))
        return fail(error, LC_ERROR_CONFIG, "registry %s does not take our schema for subject %s%s", http->url, subject,
                    message);
    return fail_by_status(http, x, LC_ERROR_CONFIG, error);
}

static bool
take_id(const http_registry *http, const lc_exchange *x, uint32_t *id, GError **error)
{
    json_t *member = answer_member(x, "id");
    json_int_t value = json_is_integer(member) ? json_integer_value(member) : -1;
    json_decref(member);
    if (value < 0 || value > UINT32_MAX)
        return fail_by_stranger(http, x, error);
    *id = (uint32_t)value;
    return true;
}

static const lc_exchange *
post(http_registry *http, const lc_registry_entry *entry, const char *below)
{
    g_autofree char *subject = g_uri_escape_string(entry->subject, NULL, FALSE);
    char *url = g_strconcat(http->url, "/subjects/", subject, below, NULL);
    return lc_exchanges_ask(&http->exchanges, url, schema_body(entry->schema_json));
}

/* To look a schema up is to read. Whatever else keeps us from looking may not keep us from registering. */
static bool
take_found(http_registry *http, const lc_exchange *x, bool *found, uint32_t *id, GError **error)
{
    if (!has_answered(x, error))
        return false;
    *found = x->http->status == 200;
    if (*found)
        return take_id(http, x, id, error);
    return !is_for_later(x->http->status) || fail_by_status(http, x, LC_ERROR_RETRY, error);
}

/* Looks all up together. */
static bool
look_up(http_registry *http, const lc_registry_entry *entries, size_t n, bool *found, uint32_t *ids, GError **error)
{
    g_autofree const lc_exchange **exchanges = g_new(const lc_exchange *, n);
    for (size_t i = 0; i < n; i++)
        exchanges[i] = post(http, &entries[i], "");
    if (!lc_exchanges_wait(&http->exchanges, error))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!take_found(http, exchanges[i], &found[i], &ids[i], error))
            return false;
    return true;
}

/* One after the other: several may be the same schema, which is to get one id. */
static bool
add(http_registry *http, const lc_registry_entry *entry, uint32_t *id, GError **error)
{
    const lc_exchange *x = post(http, entry, "/versions");
    if (!lc_exchanges_wait(&http->exchanges, error) || !has_answered(x, error))
        return false;
    return x->http->status == 200 ? take_id(http, x, id, error) : fail_registration(http, x, entry->subject, error);
}

/* Where all are registered no right to write is needed. */
static bool
find_or_add(http_registry *http, const lc_registry_entry *entries, size_t n, uint32_t *ids, GError **error)
{
    g_autofree bool *found = g_new0(bool, n);
    if (!look_up(http, entries, n, found, ids, error))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!found[i] && !add(http, &entries[i], &ids[i], error))
            return false;
    return true;
}

static void
remember_good(http_registry *http, uint32_t id)
{
    http->knows_good_id = true;
    http->good_id = id;
}

static bool
http_register(lc_registry *registry, const lc_registry_entry *entries, size_t n, uint32_t *ids, GError **error)
{
    http_registry *http = (http_registry *)registry;
    begin_call(http);
    bool is_taken = find_or_add(http, entries, n, ids, error);
    end_call(http);
    if (is_taken && n > 0)
        remember_good(http, ids[0]);
    return is_taken;
}

/* ---- Fetching ---- */

/* Statuses that say something of what was asked for: asking again won't help. */
static bool
is_about_the_id(int status)
{
    return status == 400 || status == 404 || status == 410 || status == 413 || status == 414 || status == 422;
}

/* A Confluent-compatible registry says no with an error_code. What else says 404 may be no registry. */
static bool
is_coded_no(const lc_exchange *x)
{
    json_t *code =
        x->http->result == LC_HTTP_ANSWERED && is_about_the_id(x->http->status) ? answer_member(x, "error_code") : NULL;
    bool is_no = json_is_integer(code);
    json_decref(code);
    return is_no;
}

static bool
is_too_long(const lc_exchange *x)
{
    return x->http->result == LC_HTTP_TOO_LONG && x->http->status == 200;
}

/* The schema of an answer; NULL: it holds none. Caller frees. */
static char *
answer_schema(const lc_exchange *x, lc_registry_language *language)
{
    if (x->http->result != LC_HTTP_ANSWERED || x->http->status != 200)
        return NULL;
    json_t *answer = json_loadb(x->http->answer->str, x->http->answer->len, 0, NULL);
    char *schema = g_strdup(json_string_value(json_object_get(answer, "schema")));
    *language = lc_registry_language_of(json_object_get(answer, "schemaType"));
    json_decref(answer);
    return schema;
}

/* What is wrong with an answer that is neither a schema nor a coded no. */
static bool
fail_by_answer(const http_registry *http, const lc_exchange *x, GError **error)
{
    if (!has_answered(x, error))
        return false;
    if (x->http->status == 200)
        return fail(error, LC_ERROR_RETRY, "registry %s: its answer has no schema", x->url);
    return fail_by_status(http, x, LC_ERROR_RETRY, error);
}

/* What an answer says that holds no schema, without where it was asked. Caller frees. */
static char *
describe(const lc_exchange *x)
{
    if (is_too_long(x))
        return g_strdup_printf("its schema is longer than %zu bytes", LC_MAX_ANSWER_BYTES);
    if (x->http->result != LC_HTTP_ANSWERED)
        return g_strdup(x->http->problem);
    if (x->http->status == 200)
        return g_strdup("an answer without a schema");
    g_autofree char *message = answer_message(x);
    return g_strdup_printf("HTTP %d%s", x->http->status, message);
}

static const lc_exchange *
ask_for_id(http_registry *http, uint32_t id)
{
    return lc_exchanges_ask(&http->exchanges, g_strdup_printf("%s/schemas/ids/%u", http->url, id), NULL);
}

/* Some at a time. */
static bool
ask_for_ids(http_registry *http, const uint32_t *ids, size_t n, const lc_exchange **exchanges, GError **error)
{
    for (size_t i = 0; i < n; i++) {
        exchanges[i] = ask_for_id(http, ids[i]);
        if ((i + 1) % AT_ONCE == 0 && !lc_exchanges_wait(&http->exchanges, error))
            return false;
    }
    return lc_exchanges_wait(&http->exchanges, error);
}

/* False: neither a schema nor a no. */
static bool
take_answer_of_id(http_registry *http, const lc_exchange *x, uint32_t id, lc_registry_answer *answer)
{
    *answer = (lc_registry_answer){.verdict = LC_REGISTRY_FAILS};
    answer->schema = answer_schema(x, &answer->language);
    if (answer->schema) {
        answer->verdict = LC_REGISTRY_HAS;
        remember_good(http, id);
    } else if (is_coded_no(x) || is_too_long(x)) {
        answer->verdict = LC_REGISTRY_NO;
        if (x->http->status != 404)
            answer->why = describe(x);
    }
    return answer->verdict != LC_REGISTRY_FAILS;
}

/* Is it that id, or the registry? One that has given a schema is asked whether it still does. False: it is the
 * registry, or it can't be told. */
static bool
gives_another(http_registry *http, bool *gives, GError **error)
{
    *gives = false;
    if (!http->knows_good_id)
        return true;
    const lc_exchange *x = ask_for_id(http, http->good_id);
    if (!lc_exchanges_wait(&http->exchanges, error))
        return false;
    lc_registry_language language;
    g_autofree char *schema = answer_schema(x, &language);
    *gives = schema != NULL;
    return true;
}

/* What is wrong is with the id alone. Too many requests never are. */
static bool
blame_id(const http_registry *http, const lc_exchange *x, lc_registry_answer *answer, GError **error)
{
    if (x->http->result == LC_HTTP_ANSWERED && (x->http->status == 408 || x->http->status == 429))
        return fail_by_answer(http, x, error);
    answer->verdict =
        x->http->result == LC_HTTP_ANSWERED && is_about_the_id(x->http->status) ? LC_REGISTRY_NO : LC_REGISTRY_FAILS;
    answer->why = describe(x);
    return true;
}

static bool
take_answers(http_registry *http, const uint32_t *ids, size_t n, const lc_exchange *const *exchanges,
             lc_registry_answer *answers, GError **error)
{
    size_t n_doubtful = 0;
    bool gives = false;
    for (size_t i = 0; i < n; i++)
        n_doubtful += !take_answer_of_id(http, exchanges[i], ids[i], &answers[i]);
    if (n_doubtful && !gives_another(http, &gives, error))
        return false;
    for (size_t i = 0; i < n && n_doubtful; i++)
        if (answers[i].verdict == LC_REGISTRY_FAILS &&
            !(gives ? blame_id(http, exchanges[i], &answers[i], error) : fail_by_answer(http, exchanges[i], error)))
            return false;
    return true;
}

static bool
http_fetch(lc_registry *registry, const uint32_t *ids, size_t n, lc_registry_answer *answers, GError **error)
{
    http_registry *http = (http_registry *)registry;
    g_autofree const lc_exchange **exchanges = g_new(const lc_exchange *, n);
    g_autofree lc_registry_answer *found = g_new0(lc_registry_answer, n);
    begin_call(http);
    bool is_well = ask_for_ids(http, ids, n, exchanges, error) && take_answers(http, ids, n, exchanges, found, error);
    end_call(http);
    for (size_t i = 0; i < n; i++)
        if (is_well)
            answers[i] = found[i];
        else
            lc_registry_answer_clear(&found[i]);
    return is_well;
}

/* ---- The door ---- */

static void
http_free(lc_registry *registry)
{
    http_registry *http = (http_registry *)registry;
    lc_exchanges_clear(&http->exchanges);
    g_free(http->url);
    g_free(http);
}

static bool
url_check(const char *url, GError **error)
{
    unsigned traits = lc_http_url_look(url);
    const char *problem = NULL;
    if (traits & LC_HTTP_URL_IS_NONE)
        problem = "is not a URL as http://HOST:PORT/PATH";
    else if (traits & LC_HTTP_URL_HAS_IDENTITY)
        problem = "holds a user or password; they go to registry.user and registry.password";
    else if (traits & LC_HTTP_URL_HAS_QUERY)
        problem = "holds a query or a fragment; it is where the API begins, as http://HOST:PORT/apis/ccompat/v7";
    return problem == NULL || fail(error, LC_ERROR_CONFIG, "registry.url %s", problem);
}

/* libcurl tells of them at the first connection only. */
static bool
file_check(const char *key, const char *path, GError **error)
{
    if (path == NULL || access(path, R_OK) == 0)
        return true;
    return fail(error, LC_ERROR_CONFIG, "%s: %s: %s; it must be a PEM file that this process may read", key, path,
                g_strerror(errno));
}

/* The password's file once now: later it is waited for. */
static bool
options_check(const lc_registry_options *options, GError **error)
{
    return url_check(options->url, error) && lc_secret_check("registry.password_file", options->password_file, error) &&
           file_check("registry.ca", options->ca, error) &&
           file_check("registry.certificate", options->certificate, error) &&
           file_check("registry.key", options->key, error);
}

lc_registry *
lc_http_registry_new(const lc_registry_options *options, GError **error)
{
    if (!options_check(options, error))
        return NULL;
    http_registry *http = g_new0(http_registry, 1);
    http->door = (lc_registry){http_register, http_fetch, http_free, false};
    http->url = g_strdup(options->url);
    for (size_t size = strlen(http->url); size && http->url[size - 1] == '/'; size--)
        http->url[size - 1] = '\0';
    lc_exchanges_init(&http->exchanges, options, options->timeout ? options->timeout : DEFAULT_TIMEOUT);
    return &http->door;
}
