/* ingest.c - the service: its start, its server, its end. */
#include "service.h"

#define PATH "/facts"
#define BODY_BYTES ((size_t)1024 * 1024)

static bool
is_facts(const lc_http_request *request)
{
    return strcmp(lc_http_path(request), PATH) == 0;
}

static void
on_begin(lc_http_request *request, void *data)
{
    if (is_facts(request))
        lc_ingest_begin(request, data);
    else /* no body that somebody sends there is kept */
        lc_http_reply_page(request, lc_ingest_page, data);
}

static void
on_handle(lc_http_request *request, void *data)
{
    lc_ingest_handle(request, data);
}

static void
on_end(const lc_http_end *end, void *data)
{
    if (strcmp(end->path, PATH) == 0)
        lc_ingest_count(data, end);
}

/* ---- Who may send ---- */

const lc_guard *
lc_ingest_guard(lc_ingest *ingest)
{
    return g_atomic_pointer_get(&ingest->guard);
}

static void
free_guard(void *guard)
{
    lc_guard_free(guard);
}

bool
lc_ingest_use_secrets(lc_ingest *ingest, const char *const *tokens, const char *const *secrets, GError **error)
{
    g_autoptr(lc_guard) guard = lc_guard_new(tokens, secrets, error);
    if (guard == NULL)
        return false;
    if (ingest->guard && lc_guard_is_open(guard) && !lc_guard_is_open(ingest->guard)) {
        g_set_error(error, LC_ERROR, LC_ERROR_CONFIG, "there is no token and no secret any more");
        return false;
    }
    g_ptr_array_add(ingest->guards, guard);
    g_atomic_pointer_set(&ingest->guard, g_steal_pointer(&guard));
    return true;
}

/* ---- The start ---- */

/* Without it anybody could invent leads. */
static bool
check_open(const lc_ingest *ingest, GError **error)
{
    const char *listen = ingest->options.listen;
    if (!lc_guard_is_open(ingest->guard) || lc_http_is_local(listen))
        return true;
    g_set_error(
        error, LC_ERROR, LC_ERROR_CONFIG,
        "ingest.listen: \"%s\" can be reached from elsewhere, and anybody could send facts; set ingest.tokens or "
        "ingest.secrets, or listen on 127.0.0.1",
        listen);
    return false;
}

/* Topics by index, each once. */
static bool
start_sender(lc_ingest *ingest, GError **error)
{
    g_autoptr(GPtrArray) topics = g_ptr_array_new();
    guint at;
    for (int type = 0; type < LC_FACT_TYPES; type++) {
        char *topic = ingest->inputs.topics[type];
        if (topic == NULL)
            continue;
        if (!g_ptr_array_find_with_equal_func(topics, topic, g_str_equal, &at)) {
            at = topics->len;
            g_ptr_array_add(topics, topic);
        }
        ingest->topic_of[type] = (int)at;
    }
    g_ptr_array_add(topics, NULL);
    ingest->sender = lc_sender_new(&ingest->options.kafka, (const char *const *)topics->pdata, ingest->options.timeout,
                                   lc_ingest_on_sent, error);
    return ingest->sender != NULL;
}

static bool
start_server(lc_ingest *ingest, GError **error)
{
    const lc_ingest_options *options = &ingest->options;
    const lc_http_options http = {
        .section = "ingest",
        .listen = options->listen,
        .certificate = options->certificate,
        .key = options->key,
        .threads = options->threads,
        .connections = options->connections,
        .body_bytes = BODY_BYTES,
        .all_body_bytes = options->in_flight_bytes,
        .patience = options->patience,
        .begin = on_begin,
        .handle = on_handle,
        .end = on_end,
        .data = ingest,
    };
    lc_http *started = lc_http_start(&http, error);
    g_atomic_pointer_set(&ingest->http, started);
    return started != NULL;
}

lc_ingest *
lc_ingest_start(const lc_ingest_options *options, GError **error)
{
    g_autoptr(lc_ingest) ingest = g_new0(lc_ingest, 1);
    ingest->options = *options;
    ingest->told_us = INT64_MIN / 2;
    g_mutex_init(&ingest->lock);
    g_cond_init(&ingest->changed);
    lc_inputs_choose(&ingest->inputs, options->kafka.inputs);
    ingest->guards = g_ptr_array_new_with_free_func(free_guard);
    if (!lc_ingest_use_secrets(ingest, options->tokens, options->secrets, error) || !check_open(ingest, error) ||
        !start_sender(ingest, error))
        return NULL;
    lc_ingest_watch_start(ingest);
    return start_server(ingest, error) ? g_steal_pointer(&ingest) : NULL;
}

bool
lc_ingest_failed(lc_ingest *ingest, GError **error)
{
    g_mutex_lock(&ingest->lock);
    bool has_failed = ingest->failure != NULL;
    if (has_failed)
        g_propagate_error(error, g_error_copy(ingest->failure));
    g_mutex_unlock(&ingest->lock);
    return has_failed;
}

void
lc_ingest_stop(lc_ingest *ingest)
{
    if (ingest == NULL)
        return;
    if (ingest->http)
        lc_http_stop(g_atomic_pointer_exchange(&ingest->http, NULL));
    lc_ingest_watch_stop(ingest);
    g_clear_pointer(&ingest->sender, lc_sender_free);
    g_clear_pointer(&ingest->guards, g_ptr_array_unref);
    lc_inputs_clear(&ingest->inputs);
    g_free(ingest->waiting_for);
    g_clear_error(&ingest->failure);
    g_cond_clear(&ingest->changed);
    g_mutex_clear(&ingest->lock);
    g_free(ingest);
}
