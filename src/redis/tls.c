/* tls.c - TLS to Redis by hiredis_ssl (OpenSSL), or its absence. */
#include "tls.h"

#ifdef LC_REDIS_TLS
#include <hiredis/hiredis_ssl.h>
#include <openssl/ssl.h>
#include <signal.h>

struct lc_redis_tls {
    SSL_CTX *context;
    char *server_name;
};

static bool
refuse(GError **error, const char *what, const char *file)
{
    g_set_error(error, LC_ERROR, LC_ERROR_CONFIG, "%s: %s can't be used; look whether it is there, readable and PEM",
                what, file);
    return false;
}

static bool
load(SSL_CTX *context, const lc_redis_options *options, GError **error)
{
    if (options->ca && SSL_CTX_load_verify_locations(context, options->ca, NULL) != 1)
        return refuse(error, "redis.ca", options->ca);
    if (options->ca == NULL)
        SSL_CTX_set_default_verify_paths(context);
    if (options->certificate && SSL_CTX_use_certificate_chain_file(context, options->certificate) != 1)
        return refuse(error, "redis.certificate", options->certificate);
    if (options->key && SSL_CTX_use_PrivateKey_file(context, options->key, SSL_FILETYPE_PEM) != 1)
        return refuse(error, "redis.key", options->key);
    return true;
}

lc_redis_tls *
lc_redis_tls_new(const lc_redis_options *options, GError **error)
{
    lc_redis_tls *tls = g_atomic_rc_box_new0(lc_redis_tls);

    tls->server_name = options->server_name && *options->server_name ? g_strdup(options->server_name) : NULL;
    tls->context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(tls->context, TLS1_2_VERSION);
    SSL_CTX_set_verify(tls->context, SSL_VERIFY_PEER, NULL);
    if (load(tls->context, options, error))
        return tls;
    lc_redis_tls_unref(tls);
    return NULL;
}

lc_redis_tls *
lc_redis_tls_ref(lc_redis_tls *tls)
{
    return tls ? g_atomic_rc_box_acquire(tls) : NULL;
}

static void
clear(void *data)
{
    lc_redis_tls *tls = data;

    SSL_CTX_free(tls->context);
    g_free(tls->server_name);
}

void
lc_redis_tls_unref(lc_redis_tls *tls)
{
    if (tls)
        g_atomic_rc_box_release_full(tls, clear);
}

/* What is written to a peer that is gone would kill us. */
static sigset_t
hold_pipe_signal(void)
{
    sigset_t pipe, before;

    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, &before);
    return before;
}

static void
drop_pipe_signal(const sigset_t *before)
{
    const struct timespec none = {0};
    sigset_t pipe;

    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    if (!sigismember(before, SIGPIPE))
        sigtimedwait(&pipe, NULL, &none);
    pthread_sigmask(SIG_SETMASK, before, NULL);
}

static void
expect_name(SSL *ssl, const char *name)
{
    if (g_hostname_is_ip_address(name)) {
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name);
        return;
    }
    SSL_set1_host(ssl, name);
    SSL_set_tlsext_host_name(ssl, name);
}

const char *
lc_redis_tls_start(lc_redis_tls *tls, redisContext *context, const char *host)
{
    static _Thread_local char why[256];
    SSL *ssl = SSL_new(tls->context);

    expect_name(ssl, tls->server_name ? tls->server_name : host);
    sigset_t before = hold_pipe_signal();
    int started = redisInitiateSSL(context, ssl); /* which owns it where this is done */
    drop_pipe_signal(&before);
    if (started == REDIS_OK)
        return NULL;
    long verified = SSL_get_verify_result(ssl);
    g_snprintf(why, sizeof why, "no TLS: %s; look at redis.ca, redis.server_name and whether its port speaks TLS",
               verified == X509_V_OK ? context->errstr : X509_verify_cert_error_string(verified));
    SSL_free(ssl);
    return why;
}

const char *
lc_redis_tls_send(redisContext *context, const char *bytes, size_t size)
{
    int done = 0;

    if (size == 0)
        return NULL;
    if (redisAppendFormattedCommand(context, bytes, size) != REDIS_OK)
        return context->errstr;
    sigset_t before = hold_pipe_signal();
    while (!done && redisBufferWrite(context, &done) == REDIS_OK)
        ;
    drop_pipe_signal(&before);
    return done ? NULL : context->errstr;
}

#else

lc_redis_tls *
lc_redis_tls_new(const lc_redis_options *options, GError **error)
{
    (void)options;
    g_set_error(
        error, LC_ERROR, LC_ERROR_CONFIG,
        "redis.url: this build has no TLS to Redis (hiredis before 1.0 lacks it, as Debian 12's: use Debian 13, or a "
        "TLS proxy beside Redis)");
    return NULL;
}

lc_redis_tls *
lc_redis_tls_ref(lc_redis_tls *tls)
{
    return tls;
}

void
lc_redis_tls_unref(lc_redis_tls *tls)
{
    (void)tls;
}

const char *
lc_redis_tls_start(lc_redis_tls *tls, redisContext *context, const char *host)
{
    (void)tls, (void)context, (void)host;
    return "no TLS in this build";
}

const char *
lc_redis_tls_send(redisContext *context, const char *bytes, size_t size)
{
    (void)context, (void)bytes, (void)size;
    return "no TLS in this build";
}

#endif

bool
lc_redis_has_tls(void)
{
#ifdef LC_REDIS_TLS
    return true;
#else
    return false;
#endif
}

const char *
lc_redis_library_version(void)
{
    return G_STRINGIFY(HIREDIS_MAJOR) "." G_STRINGIFY(HIREDIS_MINOR) "." G_STRINGIFY(HIREDIS_PATCH);
}
