/* tls.h - TLS to Redis, where hiredis has it (1.0 and later). */
#pragma once

#include <leadclock/redis.h>

#include <hiredis/hiredis.h>

typedef struct lc_redis_tls lc_redis_tls;

/* LC_ERROR_CONFIG: a file that can't be used, or a build without TLS. Counted references. */
lc_redis_tls *lc_redis_tls_new(const lc_redis_options *options, GError **error);
lc_redis_tls *lc_redis_tls_ref(lc_redis_tls *tls); /* NULL: none */
void lc_redis_tls_unref(lc_redis_tls *tls);

/* The handshake; the certificate must be of `host` (or of redis.server_name). NULL: done; else why not, and
 * what to do. */
const char *lc_redis_tls_start(lc_redis_tls *tls, redisContext *context, const char *host);
/* Sends all, without SIGPIPE. NULL: done; else why not. */
const char *lc_redis_tls_send(const lc_redis_tls *tls, redisContext *context, const char *bytes, size_t size);
/* After a connection was lost, the one that this thread used last: what the server said of that, and what to do; NULL:
 * nothing, or it is without TLS. */
const char *lc_redis_tls_refusal(const lc_redis_tls *tls);
