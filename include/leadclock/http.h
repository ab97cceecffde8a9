/* http.h - HTTP: a server that answers now or later, and signatures of what is sent by it.
 *
 * Uses libmicrohttpd and nettle. Knows nothing of leads. Whatever comes in is bounded: the bytes of a header and of a
 * body, those of all bodies together, connections, and the time that a request may take to come in. */
#pragma once

#include <leadclock/base.h>

/* Of libmicrohttpd: "0.9.75"; static. */
const char *lc_http_library_version(void);
bool lc_http_has_tls(void);

/* ---- A server ---- */

typedef struct lc_http lc_http;
typedef struct lc_http_request lc_http_request;

/* What has become of a request. */
typedef struct {
    const char *method, *path;
    unsigned status; /* 0: the connection broke before the answer was begun */
    size_t body_bytes;
    int64_t took_us; /* since its headers were here */
} lc_http_end;

typedef struct {
    const char *section;           /* of the configuration, for messages: "http" for http.listen */
    const char *listen;            /* "127.0.0.1:9464", "[::1]:9464", "*:9464" */
    const char *certificate, *key; /* PEM files, both or none: TLS */
    unsigned threads;              /* 0: 1 */
    unsigned connections;          /* at most, those beyond wait; 0: 32 */
    size_t header_bytes;           /* of a request, at most, or it is answered 431; 0: 32 KiB */
    size_t body_bytes;             /* of a request, at most, or it is answered 413; 0: bodies are passed over */
    size_t all_body_bytes;         /* of all that are not answered yet, at most, or one is answered 429; 0: any */
    lc_duration patience; /* a connection that brings no whole request, or takes no whole answer, for so long is ended;
                             0: 10 s */

    /* The headers of a request are here, its body is not. It may be answered already (a body is then passed over).
     * NULL: nothing to say. */
    void (*begin)(lc_http_request *request, void *data);
    /* All of it is here, and it has no answer yet: lc_http_reply is called now, or later from any thread. */
    void (*handle)(lc_http_request *request, void *data);
    /* Requests that this server has understood, however they ended. NULL: nobody asks. */
    void (*end)(const lc_http_end *end, void *data);
    /* All three are called from `threads` threads at once. */
    void *data;
} lc_http_options;

/* All options are copied. LC_ERROR_CONFIG: the address can't be had, or the certificate not used. */
lc_http *lc_http_start(const lc_http_options *options, GError **error);
/* Takes no more connections, waits for the answers under way (some seconds for those who are slow to ask), then ends.
 */
void lc_http_stop(lc_http *http);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_http, lc_http_stop)

/* The port that it listens on: where that of the address was 0, the one that was free. */
unsigned lc_http_port(lc_http *http);

/* Bytes of the bodies that are not answered yet: all_body_bytes bounds them. */
size_t lc_http_body_bytes(lc_http *http);

/* Whether only this machine can reach that address. False for one that is none. */
bool lc_http_is_local(const char *listen);

/* Of a request; good until it is answered. */
const char *lc_http_method(const lc_http_request *request);
const char *lc_http_path(const lc_http_request *request);
const char *lc_http_header(lc_http_request *request, const char *name); /* any case; NULL: it has none */
const char *lc_http_query(lc_http_request *request, const char *name);  /* "?name=value", unescaped; NULL: none */
lc_text lc_http_body(const lc_http_request *request);

/* Exactly once a request, which is then no longer the caller's. `body` is copied. `headers`: name, value, ..., NULL; or
 * NULL. */
void lc_http_reply(lc_http_request *request, unsigned status, const char *content_type, lc_text body,
                   const char *const *headers);

/* ---- Pages that are only read ---- */

typedef struct {
    unsigned status;          /* 200 */
    const char *content_type; /* static; plain text */
    GString *body;            /* empty when the function is called */
} lc_http_answer;

/* Answers a GET of `path` ("/metrics"). False: there is no such page. */
typedef bool (*lc_http_pages)(const char *path, lc_http_answer *answer, void *data);

/* A server of nothing but pages, which calls from one thread; `section` as above. */
lc_http *lc_http_start_pages(const char *section, const char *listen, lc_http_pages pages, void *data, GError **error);
/* The same as the answer to one request: 405 unless it is GET or HEAD, 404 where there is no such page. */
void lc_http_reply_page(lc_http_request *request, lc_http_pages pages, void *data);

/* ---- Signatures: HMAC-SHA256 ---- */

/* The key that a secret stands for: what `whsec_` is the base64 of (Standard Webhooks: 24 to 64 bytes), or else the
 * text itself. LC_ERROR_CONFIG: neither, in words that follow the name of what holds it. */
GBytes *lc_signing_key(const char *secret, GError **error);

/* https://github.com/standard-webhooks/standard-webhooks: what is sent in webhook-signature, "v1,BASE64", for what is
 * sent in webhook-id and (Unix seconds) webhook-timestamp. Caller frees. */
char *lc_webhook_signature(GBytes *key, const char *id, int64_t timestamp, lc_text body);

/* As they came; NULL: one is missing. */
typedef struct {
    const char *id, *timestamp, *signature; /* signatures, spaces between */
} lc_webhook_headers;

#define LC_WEBHOOK_TOLERANCE (5 * LC_MINUTE)
/* Whether one of the signatures is that of `key`, and the timestamp no further from `now` than the tolerance. */
bool lc_webhook_is_signed(GBytes *key, const lc_webhook_headers *headers, lc_text body, lc_instant now);

/* X-Hub-Signature-256: "sha256=HEX". Caller frees. */
char *lc_hub_signature(GBytes *key, lc_text body);
bool lc_hub_is_signed(GBytes *key, const char *signature, lc_text body);

/* Takes as long whatever the two are, as far as their lengths are the same. */
bool lc_secret_equal(lc_text one, lc_text other);
