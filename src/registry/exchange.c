/* exchange.c - requests to the registry under way, begun and continued. */
#include "exchange.h"

#define CALL_US G_USEC_PER_SEC /* a call that is not done after so long is made again */
#define MEDIA_TYPE "application/vnd.schemaregistry.v1+json"

/* ---- One exchange ---- */

static size_t
take_answer(char *bytes, size_t one, size_t size, void *data)
{
    lc_exchange *x = data;
    (void)one;
    if (x->answer->len + size > LC_MAX_ANSWER_BYTES)
        return CURL_WRITEFUNC_ERROR;
    g_string_append_len(x->answer, bytes, (gssize)size);
    return size;
}

static void
set_identity(const lc_exchanges *exchanges, CURL *handle)
{
    if (exchanges->user == NULL)
        return;
    curl_easy_setopt(handle, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    curl_easy_setopt(handle, CURLOPT_USERNAME, exchanges->user);
    curl_easy_setopt(handle, CURLOPT_PASSWORD, exchanges->password ? exchanges->password : "");
}

/* Takes url and body over. */
static lc_exchange *
exchange_new(lc_exchanges *exchanges, char *url, char *body)
{
    lc_exchange *x = g_new0(lc_exchange, 1);
    x->multi = exchanges->multi;
    x->handle = curl_easy_init();
    x->url = url;
    x->body = body;
    x->answer = g_string_new(NULL);
    x->began_us = g_get_monotonic_time();
    curl_easy_setopt(x->handle, CURLOPT_URL, url);
    curl_easy_setopt(x->handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(x->handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(x->handle, CURLOPT_TIMEOUT_MS, (long)exchanges->timeout);
    curl_easy_setopt(x->handle, CURLOPT_ERRORBUFFER, x->problem);
    curl_easy_setopt(x->handle, CURLOPT_WRITEFUNCTION, take_answer);
    curl_easy_setopt(x->handle, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(x->handle, CURLOPT_PRIVATE, x);
    curl_easy_setopt(x->handle, CURLOPT_HTTPHEADER, exchanges->headers);
    if (body)
        curl_easy_setopt(x->handle, CURLOPT_POSTFIELDS, body);
    set_identity(exchanges, x->handle);
    curl_multi_add_handle(exchanges->multi, x->handle);
    return x;
}

static void
exchange_free(void *data)
{
    lc_exchange *x = data;
    curl_multi_remove_handle(x->multi, x->handle);
    curl_easy_cleanup(x->handle);
    g_string_free(x->answer, TRUE);
    g_free(x->url);
    g_free(x->body);
    g_free(x);
}

/* Moves bytes, waits a little; exchanges that came to an end are marked. */
static void
move_on(lc_exchanges *exchanges)
{
    int running, left;
    size_t ended = 0;
    curl_multi_perform(exchanges->multi, &running);
    for (CURLMsg *message; (message = curl_multi_info_read(exchanges->multi, &left));) {
        lc_exchange *x;
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&x);
        curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &x->status);
        x->result = message->data.result;
        x->is_done = true;
        ended++;
    }
    if (ended == 0)
        curl_multi_poll(exchanges->multi, NULL, 0, 100, NULL);
}

/* ---- A call ---- */

static lc_exchange *
exchange_at(const lc_exchanges *exchanges, guint index)
{
    return exchanges->all->pdata[index];
}

void
lc_exchanges_begin(lc_exchanges *exchanges)
{
    exchanges->until_us = g_get_monotonic_time() + CALL_US;
    exchanges->is_unfinished = false;
    for (guint i = 0; i < exchanges->all->len; i++)
        exchange_at(exchanges, i)->is_wanted = false;
}

/* An unfinished call keeps what it has asked. What is left of another one, which was not made again, goes. */
void
lc_exchanges_end(lc_exchanges *exchanges)
{
    for (guint i = exchanges->all->len; i > 0; i--)
        if (!exchanges->is_unfinished || !exchange_at(exchanges, i - 1)->is_wanted)
            g_ptr_array_remove_index(exchanges->all, i - 1);
}

static lc_exchange *
find(const lc_exchanges *exchanges, const char *url, const char *body)
{
    for (guint i = 0; i < exchanges->all->len; i++) {
        lc_exchange *x = exchange_at(exchanges, i);
        if (strcmp(x->url, url) == 0 && g_strcmp0(x->body, body) == 0)
            return x;
    }
    return NULL;
}

const lc_exchange *
lc_exchanges_ask(lc_exchanges *exchanges, char *url, char *body)
{
    lc_exchange *x = find(exchanges, url, body);
    if (x == NULL) {
        x = exchange_new(exchanges, url, body);
        g_ptr_array_add(exchanges->all, x);
    } else {
        g_free(url);
        g_free(body);
    }
    x->is_wanted = true;
    return x;
}

static const lc_exchange *
first_open(const lc_exchanges *exchanges)
{
    for (guint i = 0; i < exchanges->all->len; i++) {
        const lc_exchange *x = exchange_at(exchanges, i);
        if (x->is_wanted && !x->is_done)
            return x;
    }
    return NULL;
}

bool
lc_exchanges_wait(lc_exchanges *exchanges, GError **error)
{
    for (const lc_exchange *open; (open = first_open(exchanges));) {
        gint64 now_us = g_get_monotonic_time();
        if (now_us < exchanges->until_us) {
            move_on(exchanges);
            continue;
        }
        exchanges->is_unfinished = true;
        g_set_error(error, LC_ERROR, LC_ERROR_RETRY,
                    "registry %s is slow: no answer in %.1f s so far (registry.timeout allows %.1f s)", open->url,
                    (double)(now_us - open->began_us) / G_USEC_PER_SEC, (double)exchanges->timeout / LC_SECOND);
        return false;
    }
    return true;
}

/* ---- All of them ---- */

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

void
lc_exchanges_init(lc_exchanges *exchanges, const char *user, const char *password, lc_duration timeout)
{
    start_curl();
    *exchanges = (lc_exchanges){.timeout = timeout};
    exchanges->multi = curl_multi_init();
    exchanges->all = g_ptr_array_new_with_free_func(exchange_free);
    exchanges->user = g_strdup(user);
    exchanges->password = g_strdup(password);
    exchanges->headers = curl_slist_append(NULL, "Content-Type: " MEDIA_TYPE);
    exchanges->headers = curl_slist_append(exchanges->headers, "Accept: " MEDIA_TYPE ", application/json");
}

void
lc_exchanges_clear(lc_exchanges *exchanges)
{
    g_ptr_array_unref(exchanges->all);
    curl_multi_cleanup(exchanges->multi);
    curl_slist_free_all(exchanges->headers);
    g_free(exchanges->user);
    g_free(exchanges->password);
}
