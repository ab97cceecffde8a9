/* http_client.h - requests over HTTP and their answers, several at once: the client's half of the room http.
 *
 * Uses libcurl. It follows no redirect, and believes TLS only by a certificate that it can verify. A client belongs to
 * one thread. */
#pragma once

#include <leadclock/base.h>

#define LC_HTTP_PROBLEM_BYTES 256

typedef struct {
    const char *user, *password;             /* HTTP basic; user NULL: none */
    const char *password_file;               /* holds it instead, read for each request; or NULL */
    const char *ca_file;                     /* certificates to be believed, PEM; NULL: those of this machine */
    const char *certificate_file, *key_file; /* our own and its key, PEM; NULL: none. Read at each new connection */
    const char *const *headers;              /* "Name: value" of every request, NULL-terminated; or NULL */
    lc_duration timeout;                     /* of one request, from connecting to the end of its answer */
    size_t max_answer_bytes;
} lc_http_client_options;

typedef enum {
    LC_HTTP_ANSWERED, /* as a whole */
    LC_HTTP_TOO_LONG, /* more than max_answer_bytes; there is a status */
    LC_HTTP_TIMED_OUT,
    LC_HTTP_FAILED /* no answer, one that was cut off, or one that is not HTTP */
} lc_http_result;

/* Why TLS did not come about, or may have ended. */
typedef enum {
    LC_HTTP_TLS_WELL,        /* or there is none */
    LC_HTTP_TLS_CA_UNKNOWN,  /* who signed the server's certificate is not believed here */
    LC_HTTP_TLS_OUT_OF_DATE, /* it has expired, or is not valid yet */
    LC_HTTP_TLS_OTHER_NAME,  /* it is for another host */
    LC_HTTP_TLS_REFUSES_US, /* the server ends the connection: most often it wants a certificate of ours, or another one
                             */
    LC_HTTP_TLS_ENDED,      /* it came about; then the server ended the connection without an answer or a word why */
    LC_HTTP_TLS_FILES,      /* ca_file, certificate_file or key_file can't be used */
    LC_HTTP_TLS_NOT_SPOKEN  /* the server speaks none there */
} lc_http_tls_problem;

/* One request and its answer, of which nothing says anything before `is_done`. */
typedef struct {
    bool is_done;
    lc_http_result result;
    int status;              /* of HTTP; 0: none came */
    GString *answer;         /* its body, as far as it came */
    lc_duration retry_after; /* what Retry-After says, as seconds or as a date; 0: nothing */
    lc_http_tls_problem tls_problem;
    char problem[LC_HTTP_PROBLEM_BYTES]; /* why there is no answer; without a secret of the URL's path */
} lc_http_exchange;

typedef struct lc_http_client lc_http_client;

/* All options are copied. */
lc_http_client *lc_http_client_new(const lc_http_client_options *options);
/* After all of its exchanges. */
void lc_http_client_free(lc_http_client *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_http_client, lc_http_client_free)

/* Begins a GET, or with a body (not absent) a POST; copies all. `headers`: more of them, NULL-terminated; or NULL. */
lc_http_exchange *
lc_http_client_send(lc_http_client *client, const char *url, const char *const *headers, lc_text body);
/* One that is under way is given up. */
void lc_http_exchange_free(lc_http_exchange *exchange);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_http_exchange, lc_http_exchange_free)

/* Moves bytes; where none can be moved, waits for some, for at most `wait_ms`. Whether an exchange is done now. */
bool lc_http_client_move(lc_http_client *client, int wait_ms);

/* What a URL is, and holds: bits. */
typedef enum {
    LC_HTTP_URL_IS_NONE = 1,      /* nothing that this client could ask */
    LC_HTTP_URL_HAS_IDENTITY = 2, /* a user or a password */
    LC_HTTP_URL_HAS_QUERY = 4     /* or a fragment */
} lc_http_url_traits;

unsigned lc_http_url_look(const char *url);
