/* exchange.c - requests to the registry under way, begun and continued. */
#include "exchange.h"

#define CALL_US G_USEC_PER_SEC /* a call that is not done after so long is made again */
#define MEDIA_TYPE "application/vnd.schemaregistry.v1+json"

/* ---- One exchange ---- */

/* Takes url and body over. */
static lc_exchange *
exchange_new(lc_exchanges *exchanges, char *url, char *body)
{
    lc_exchange *x = g_new0(lc_exchange, 1);
    x->url = url;
    x->body = body;
    x->began_us = g_get_monotonic_time();
    x->http = lc_http_client_send(exchanges->client, url, NULL, lc_text_of(body));
    return x;
}

static void
exchange_free(void *data)
{
    lc_exchange *x = data;
    lc_http_exchange_free(x->http);
    g_free(x->url);
    g_free(x->body);
    g_free(x);
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
        if (x->is_wanted && !x->http->is_done)
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
            lc_http_client_move(exchanges->client, 100);
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

void
lc_exchanges_init(lc_exchanges *exchanges, const lc_registry_options *options, lc_duration timeout)
{
    static const char *const headers[] = {"Content-Type: " MEDIA_TYPE, "Accept: " MEDIA_TYPE ", application/json",
                                          NULL};
    *exchanges = (lc_exchanges){.timeout = timeout};
    exchanges->client = lc_http_client_new(&(lc_http_client_options){.user = options->user,
                                                                     .password = options->password,
                                                                     .password_file = options->password_file,
                                                                     .ca_file = options->ca,
                                                                     .certificate_file = options->certificate,
                                                                     .key_file = options->key,
                                                                     .headers = headers,
                                                                     .timeout = timeout,
                                                                     .max_answer_bytes = LC_MAX_ANSWER_BYTES});
    exchanges->all = g_ptr_array_new_with_free_func(exchange_free);
}

void
lc_exchanges_clear(lc_exchanges *exchanges)
{
    g_ptr_array_unref(exchanges->all);
    lc_http_client_free(exchanges->client);
}

const char *
lc_exchange_tls_advice(lc_http_tls_problem problem)
{
    switch (problem) {
    case LC_HTTP_TLS_CA_UNKNOWN:
        return "its certificate is signed by a CA that is not known here; name the CA's certificate in registry.ca; "
               "where that is right, the server does not send the intermediate certificates, which belong to its own";
    case LC_HTTP_TLS_OUT_OF_DATE:
        return "its certificate has expired, or is not valid yet: it needs a new one; look at this machine's clock, "
               "too";
    case LC_HTTP_TLS_OTHER_NAME:
        return "its certificate is for another host; name the registry in registry.url as its certificate does";
    case LC_HTTP_TLS_REFUSES_US:
        return "it ends the connection: where it asks for a certificate, there is none of ours, or it does not accept "
               "it; look at registry.certificate and registry.key";
    case LC_HTTP_TLS_FILES:
        return "look at registry.ca, registry.certificate and registry.key: whether they are PEM, and the key is the "
               "certificate's";
    case LC_HTTP_TLS_NOT_SPOKEN:
        return "it speaks no TLS there; write http:// in registry.url, or take another port";
    default:
        return NULL;
    }
}
