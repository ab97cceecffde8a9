/* http.c - a Confluent-compatible registry over HTTP. */
#include "backend.h"

#include <curl/curl.h>

#define TIMEOUT_MS 1000L
#define MAX_ANSWER_BYTES ((size_t)4 * 1024 * 1024)
#define AT_ONCE 16u
#define MEDIA_TYPE "application/vnd.schemaregistry.v1+json"

typedef struct {
    lc_registry door;
    char *url; /* without a slash at its end */
    char *user, *password;
    CURLM *multi; /* keeps connections */
    struct curl_slist *headers;
} http_registry;

/* One request and its answer. */
typedef struct {
    CURL *handle;
    char *url;
    char *body; /* of a POST, or NULL */
    GString *answer;
    bool is_done;
    CURLcode result;
    long status; /* of HTTP */
    char problem[CURL_ERROR_SIZE];
} exchange;

/* ---- One exchange ---- */

static size_t
take_answer(char *bytes, size_t one, size_t size, void *data)
{
    exchange *x = data;
    (void)one;
    if (x->answer->len + size > MAX_ANSWER_BYTES)
        return CURL_WRITEFUNC_ERROR;
    g_string_append_len(x->answer, bytes, (gssize)size);
    return size;
}

static void
set_identity(const http_registry *http, CURL *handle)
{
    if (http->user == NULL)
        return;
    curl_easy_setopt(handle, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    curl_easy_setopt(handle, CURLOPT_USERNAME, http->user);
    curl_easy_setopt(handle, CURLOPT_PASSWORD, http->password ? http->password : "");
}

/* Takes url and body over; the exchange must stay where it is until exchange_end. */
static void
exchange_begin(http_registry *http, exchange *x, char *url, char *body)
{
    *x = (exchange){.handle = curl_easy_init(), .url = url, .body = body, .answer = g_string_new(NULL)};
    curl_easy_setopt(x->handle, CURLOPT_URL, url);
    curl_easy_setopt(x->handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(x->handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(x->handle, CURLOPT_TIMEOUT_MS, TIMEOUT_MS);
    curl_easy_setopt(x->handle, CURLOPT_ERRORBUFFER, x->problem);
    curl_easy_setopt(x->handle, CURLOPT_WRITEFUNCTION, take_answer);
    curl_easy_setopt(x->handle, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(x->handle, CURLOPT_PRIVATE, x);
    curl_easy_setopt(x->handle, CURLOPT_HTTPHEADER, http->headers);
    if (body)
        curl_easy_setopt(x->handle, CURLOPT_POSTFIELDS, body);
    set_identity(http, x->handle);
    curl_multi_add_handle(http->multi, x->handle);
}

static void
exchange_end(http_registry *http, exchange *x)
{
    if (x->handle == NULL)
        return;
    curl_multi_remove_handle(http->multi, x->handle);
    curl_easy_cleanup(x->handle);
    g_string_free(x->answer, TRUE);
    g_free(x->url);
    g_free(x->body);
    *x = (exchange){0};
}

/* Moves bytes, waits a little; exchanges that came to an end are marked. */
static void
move_on(http_registry *http)
{
    int running, left;
    size_t ended = 0;
    curl_multi_perform(http->multi, &running);
    for (CURLMsg *message; (message = curl_multi_info_read(http->multi, &left));) {
        exchange *x;
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&x);
        curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &x->status);
        x->result = message->data.result;
        x->is_done = true;
        ended++;
    }
    if (ended == 0)
        curl_multi_poll(http->multi, NULL, 0, 100, NULL);
}

/* ---- What answers mean ---- */

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

/* The member of a JSON object answered; NULL: there is none. Caller frees with json_decref. */
static json_t *
answer_member(const exchange *x, const char *name)
{
    json_t *answer = json_loadb(x->answer->str, x->answer->len, 0, NULL);
    json_t *member = json_incref(json_object_get(answer, name));
    json_decref(answer);
    return member;
}

/* What a registry says in its errors, cut short; "" where it says nothing. Caller frees. */
static char *
answer_message(const exchange *x)
{
    json_t *message = answer_member(x, "message");
    char *text = json_is_string(message) ? g_strdup_printf(": %.400s", json_string_value(message)) : g_strdup("");
    json_decref(message);
    return text;
}

/* A Confluent-compatible registry says no with an error_code; anything else that says 404 is no registry. */
static bool
is_a_no(const exchange *x)
{
    json_t *code = x->status == 404 ? answer_member(x, "error_code") : NULL;
    bool is_no = json_is_integer(code);
    json_decref(code);
    return is_no;
}

static bool
has_answered(const exchange *x, GError **error)
{
    if (x->result == CURLE_WRITE_ERROR)
        return fail(error, LC_ERROR_RETRY, "registry %s: the answer is longer than %zu bytes", x->url,
                    MAX_ANSWER_BYTES);
    return x->result == CURLE_OK || fail(error, LC_ERROR_RETRY, "registry %s does not answer: %s", x->url,
                                         x->problem[0] ? x->problem : curl_easy_strerror(x->result));
}

/* An answer that is neither 200 nor a no. `final`: the code of one that asking again will not change. */
static bool
fail_by_status(const http_registry *http, const exchange *x, lc_error final, GError **error)
{
    g_autofree char *message = answer_message(x);
    if (x->status == 401 || x->status == 403)
        return fail(error, LC_ERROR_RETRY, "registry %s refuses us (HTTP %ld)%s; check registry.user and .password",
                    http->url, x->status, message);
    if (x->status == 404)
        return fail(error, final,
                    "registry %s: no registry's API answers there (HTTP 404); give registry.url with its path, as "
                    "http://HOST:PORT/apis/ccompat/v7 for Apicurio",
                    http->url);
    if (x->status == 408 || x->status == 429 || x->status >= 500)
        return fail(error, LC_ERROR_RETRY, "registry %s is not able to answer (HTTP %ld)%s", http->url, x->status,
                    message);
    return fail(error, final, "registry %s refuses %s (HTTP %ld)%s", http->url, x->url, x->status, message);
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
fail_registration(const http_registry *http, const exchange *x, const char *subject, GError **error)
{
    g_autofree char *message = answer_message(x);
    if (x->status == 409)
        return fail(error, LC_ERROR_CONFIG,
                    "registry %s: our schema is not compatible with those of subject %s%s; set the subject's "
                    "compatibility to BACKWARD or NONE, or choose another topics.prefix",
                    http->url, subject, message);
    if (x->status == 422)
        return fail(error, LC_ERROR_CONFIG, "registry %s does not take our schema for subject %s%s", http->url, subject,
                    message);
    return fail_by_status(http, x, LC_ERROR_CONFIG, error);
}

static bool
take_id(const http_registry *http, const exchange *x, const char *subject, uint32_t *id, GError **error)
{
    if (!has_answered(x, error))
        return false;
    if (x->status != 200)
        return fail_registration(http, x, subject, error);
    json_t *member = answer_member(x, "id");
    json_int_t value = json_is_integer(member) ? json_integer_value(member) : -1;
    json_decref(member);
    if (value < 0 || value > UINT32_MAX)
        return fail(error, LC_ERROR_CONFIG, "registry %s: its answer has no id; is this a schema registry?", http->url);
    *id = (uint32_t)value;
    return true;
}

static bool
http_register(lc_registry *registry, const char *subject, const char *schema_json, uint32_t *id, GError **error)
{
    http_registry *http = (http_registry *)registry;
    g_autofree char *escaped = g_uri_escape_string(subject, NULL, FALSE);
    exchange x;
    exchange_begin(http, &x, g_strdup_printf("%s/subjects/%s/versions", http->url, escaped), schema_body(schema_json));
    while (!x.is_done)
        move_on(http);
    bool is_taken = take_id(http, &x, subject, id, error);
    exchange_end(http, &x);
    return is_taken;
}

/* ---- Fetching ---- */

/* `*schema` becomes NULL for a no. Caller frees. */
static bool
take_schema(const http_registry *http, const exchange *x, char **schema, GError **error)
{
    *schema = NULL;
    if (!has_answered(x, error))
        return false;
    if (is_a_no(x))
        return true;
    if (x->status != 200)
        return fail_by_status(http, x, LC_ERROR_RETRY, error);
    json_t *member = answer_member(x, "schema");
    *schema = g_strdup(json_string_value(member));
    json_decref(member);
    return *schema || fail(error, LC_ERROR_RETRY, "registry %s: its answer to %s has no schema", http->url, x->url);
}

typedef struct {
    exchange exchange;
    size_t index; /* of the id asked for */
} question;

/* Asks what is still to be asked, as far as there is room. */
static void
ask_more(http_registry *http, question *questions, const uint32_t *ids, size_t n, size_t *asked)
{
    for (size_t i = 0; i < AT_ONCE && *asked < n; i++)
        if (questions[i].exchange.handle == NULL) {
            char *url = g_strdup_printf("%s/schemas/ids/%u", http->url, ids[*asked]);
            questions[i].index = (*asked)++;
            exchange_begin(http, &questions[i].exchange, url, NULL);
        }
}

static bool
take_answers(http_registry *http, question *questions, char **schemas, size_t *answered, GError **error)
{
    for (size_t i = 0; i < AT_ONCE; i++) {
        exchange *x = &questions[i].exchange;
        if (!x->is_done)
            continue;
        if (!take_schema(http, x, &schemas[questions[i].index], error))
            return false;
        exchange_end(http, x);
        ++*answered;
    }
    return true;
}

static bool
http_fetch(lc_registry *registry, const uint32_t *ids, size_t n, char **schemas, GError **error)
{
    http_registry *http = (http_registry *)registry;
    question questions[AT_ONCE] = {0};
    g_autofree char **found = g_new0(char *, n);
    size_t asked = 0, answered = 0;
    bool is_well = true;
    while (is_well && answered < n) {
        ask_more(http, questions, ids, n, &asked);
        move_on(http);
        is_well = take_answers(http, questions, found, &answered, error);
    }
    for (size_t i = 0; i < AT_ONCE; i++)
        exchange_end(http, &questions[i].exchange);
    for (size_t i = 0; i < n; i++)
        if (is_well)
            schemas[i] = found[i];
        else
            g_free(found[i]);
    return is_well;
}

/* ---- The door ---- */

static void
http_free(lc_registry *registry)
{
    http_registry *http = (http_registry *)registry;
    curl_multi_cleanup(http->multi);
    curl_slist_free_all(http->headers);
    g_free(http->url);
    g_free(http->user);
    g_free(http->password);
    g_free(http);
}

static bool
has_part(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    bool is_there = curl_url_get(url, part, &text, 0) == CURLUE_OK;
    curl_free(text);
    return is_there;
}

static bool
url_check(const char *text, GError **error)
{
    CURLU *url = curl_url();
    const char *problem = NULL;
    if (curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK ||
        !(g_str_has_prefix(text, "http://") || g_str_has_prefix(text, "https://")))
        problem = "is not a URL as http://HOST:PORT/PATH";
    else if (has_part(url, CURLUPART_USER) || has_part(url, CURLUPART_PASSWORD))
        problem = "holds a user or password; they go to registry.user and registry.password";
    else if (has_part(url, CURLUPART_QUERY) || has_part(url, CURLUPART_FRAGMENT))
        problem = "holds a query or a fragment; it is where the API begins, as http://HOST:PORT/apis/ccompat/v7";
    curl_url_cleanup(url);
    return problem == NULL || fail(error, LC_ERROR_CONFIG, "registry.url %s", problem);
}

/* libcurl wants this before its first use, and not from two threads. */
static void
start_curl(void)
{
    static gsize started;
    if (g_once_init_enter(&started)) {
        curl_global_init(CURL_GLOBAL_DEFAULT);
        g_once_init_leave(&started, 1);
    }
}

lc_registry *
lc_http_registry_new(const lc_registry_options *options, GError **error)
{
    if (!url_check(options->url, error))
        return NULL;
    start_curl();
    http_registry *http = g_new0(http_registry, 1);
    http->door = (lc_registry){http_register, http_fetch, http_free};
    http->url = g_strdup(options->url);
    for (size_t size = strlen(http->url); size && http->url[size - 1] == '/'; size--)
        http->url[size - 1] = '\0';
    http->user = g_strdup(options->user);
    http->password = g_strdup(options->password);
    http->multi = curl_multi_init();
    http->headers = curl_slist_append(NULL, "Content-Type: " MEDIA_TYPE);
    http->headers = curl_slist_append(http->headers, "Accept: " MEDIA_TYPE ", application/json");
    return &http->door;
}
