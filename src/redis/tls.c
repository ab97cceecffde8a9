/* tls.c - TLS to Redis by hiredis_ssl (OpenSSL), or its absence. */
#include "tls.h"

#ifdef LC_REDIS_TLS
#include <errno.h>
#include <hiredis/hiredis_ssl.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <signal.h>

struct lc_redis_tls {
    SSL_CTX *context;
    char *server_name;
    bool has_certificate; /* of ours */
};

/* ---- What to do ---- */

#define NO_ALERT (-1)
/* By which the server ended the connection that this thread used last. Without a certificate that is wanted the
 * handshake is done for us, in TLS 1.3, before the server says so. */
static _Thread_local int alert = NO_ALERT;
static _Thread_local char why[512];

#define UNKNOWN_CA                                                                                                     \
    "name the CA that signed it in redis.ca; where that is right, the server does not send the intermediate "          \
    "certificates, which belong to its own (tls-cert-file)"
#define OUT_OF_DATE "the server needs a new one; look at this machine's clock, too"
#define OTHER_NAME "set redis.server_name to a name in it, or call the server in redis.url as it does"

static const char *
certificate_advice(long problem)
{
    static const struct {
        long problem;
        const char *advice;
    } all[] = {
        {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, UNKNOWN_CA},
        {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, UNKNOWN_CA},
        {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, UNKNOWN_CA},
        {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, UNKNOWN_CA},
        {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, UNKNOWN_CA},
        {X509_V_ERR_CERT_SIGNATURE_FAILURE, UNKNOWN_CA}, /* a CA of the same name, and another key */
        {X509_V_ERR_CERT_HAS_EXPIRED, OUT_OF_DATE},
        {X509_V_ERR_CERT_NOT_YET_VALID, OUT_OF_DATE},
        {X509_V_ERR_HOSTNAME_MISMATCH, OTHER_NAME},
        {X509_V_ERR_IP_ADDRESS_MISMATCH, OTHER_NAME},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
        if (all[i].problem == problem)
            return all[i].advice;
    return "the server needs another one";
}

/* RFC 8446, 6.2. Whoever wants a certificate says so in TLS 1.3 by one alert, before by that of any handshake. */
static const char *
alert_advice(const lc_redis_tls *tls)
{
    switch (alert) {
    case SSL_AD_PROTOCOL_VERSION:
        return "it must speak TLS 1.2 or later (tls-protocols)";
    case SSL_AD_UNRECOGNIZED_NAME:
        return "set redis.server_name to a name that it knows";
    case SSL_AD_CERTIFICATE_REQUIRED:
    case SSL_AD_HANDSHAKE_FAILURE:
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_REVOKED:
    case SSL_AD_CERTIFICATE_EXPIRED:
    case SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_UNKNOWN_CA:
    case SSL_AD_ACCESS_DENIED:
    case SSL_AD_DECRYPT_ERROR:
        return tls->has_certificate
                   ? "it does not take our certificate: look whether redis.certificate is of a CA of its "
                     "(tls-ca-cert-file), with those in between, and has not expired"
                   : "it wants a certificate of ours: set redis.certificate and redis.key";
    default:
        return "its log says why";
    }
}

const char *
lc_redis_tls_refusal(const lc_redis_tls *tls)
{
    if (tls == NULL || alert == NO_ALERT)
        return NULL;
    g_snprintf(why, sizeof why, "it ends TLS with the alert \"%s\"; %s", SSL_alert_desc_string_long(alert),
               alert_advice(tls));
    alert = NO_ALERT;
    return why;
}

static void
note_alert(const SSL *ssl, int where, int value)
{
    (void)ssl;
    if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT && (value & 0xff) != SSL_AD_CLOSE_NOTIFY)
        alert = value & 0xff;
}

/* ---- The files ---- */

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
    SSL_CTX_set_info_callback(tls->context, note_alert);
    tls->has_certificate = options->certificate != NULL;
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

/* Of a handshake that failed. */
static const char *
reason_of(lc_redis_tls *tls, SSL *ssl, redisContext *context, bool timed_out)
{
    long verified = SSL_get_verify_result(ssl);

    if (verified != X509_V_OK)
        g_snprintf(why, sizeof why, "no TLS: its certificate is refused here (%s); %s",
                   X509_verify_cert_error_string(verified), certificate_advice(verified));
    else if (lc_redis_tls_refusal(tls) == NULL)
        g_snprintf(why, sizeof why, "no TLS: %s; look whether its port speaks TLS (tls-port), and redis.url names it",
                   timed_out ? "it does not answer" : context->errstr);
    return why;
}

const char *
lc_redis_tls_start(lc_redis_tls *tls, redisContext *context, const char *host)
{
    SSL *ssl = SSL_new(tls->context);

    expect_name(ssl, tls->server_name ? tls->server_name : host);
    alert = NO_ALERT;
    sigset_t before = hold_pipe_signal();
    errno = 0;                                    /* what is left of before would look like a time-out */
    int started = redisInitiateSSL(context, ssl); /* which owns it where this is done */
    bool timed_out = errno == EAGAIN;
    drop_pipe_signal(&before);
    if (started == REDIS_OK)
        return NULL;
    reason_of(tls, ssl, context, timed_out);
    SSL_free(ssl);
    return why;
}

/* A server that has ended the connection has said why, as a rule. */
static const char *
refusal_after(const lc_redis_tls *tls, redisContext *context)
{
    if (alert == NO_ALERT) {
        g_autofree char *said = g_strdup(context->errstr);
        context->err = 0; /* else nothing is read */
        redisBufferRead(context);
        g_strlcpy(context->errstr, said, sizeof context->errstr);
    }
    const char *refusal = lc_redis_tls_refusal(tls);
    return refusal ? refusal : context->errstr;
}

const char *
lc_redis_tls_send(const lc_redis_tls *tls, redisContext *context, const char *bytes, size_t size)
{
    int done = 0;

    if (size == 0)
        return NULL;
    if (redisAppendFormattedCommand(context, bytes, size) != REDIS_OK)
        return context->errstr;
    sigset_t before = hold_pipe_signal();
    errno = 0;
    while (!done && redisBufferWrite(context, &done) == REDIS_OK)
        ;
    bool timed_out = !done && errno == EAGAIN;
    drop_pipe_signal(&before);
    if (done)
        return NULL;
    return timed_out ? context->errstr : refusal_after(tls, context);
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
lc_redis_tls_refusal(const lc_redis_tls *tls)
{
    (void)tls;
    return NULL;
}

const char *
lc_redis_tls_send(const lc_redis_tls *tls, redisContext *context, const char *bytes, size_t size)
{
    (void)tls, (void)context, (void)bytes, (void)size;
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
