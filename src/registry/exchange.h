/* exchange.h - what is asked of the registry, and its answers, several at once, which outlive the call that made them.
 *
 * A call asks for what it needs, as if for the first time, and waits. What it has not got after 1 s goes on: the same
 * call, made again, finds it. */
#pragma once

#include <leadclock/http_client.h>
#include <leadclock/registry.h>

#define LC_MAX_ANSWER_BYTES ((size_t)4 * 1024 * 1024)

typedef struct {
    lc_http_client *client;
    lc_duration timeout;
    GPtrArray *all;     /* lc_exchange* of the call, also of one that is to be made again */
    gint64 until_us;    /* when the call returns in any case */
    bool is_unfinished; /* it is to be made again */
} lc_exchanges;

/* One question and its answer. */
typedef struct {
    char *url;
    char *body; /* of a POST, or NULL */
    lc_http_exchange *http;
    gint64 began_us;
    bool is_wanted; /* by the call under way */
} lc_exchange;

/* `timeout`: of one request. */
void lc_exchanges_init(lc_exchanges *exchanges, const lc_registry_options *options, lc_duration timeout);
void lc_exchanges_clear(lc_exchanges *exchanges);

/* A call begins. Each has an end. */
void lc_exchanges_begin(lc_exchanges *exchanges);
void lc_exchanges_end(lc_exchanges *exchanges);
/* A GET, or with a body a POST; takes both texts over. What is returned is good until the call ends. */
const lc_exchange *lc_exchanges_ask(lc_exchanges *exchanges, char *url, char *body);
/* Until all that the call has asked is answered, or has failed. LC_ERROR_RETRY: not yet, the call is to end and to be
 * made again. */
bool lc_exchanges_wait(lc_exchanges *exchanges, GError **error);
/* What is wrong with TLS, and what to do; NULL: nothing is known to be. */
const char *lc_exchange_tls_advice(lc_http_tls_problem problem);
