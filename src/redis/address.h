/* address.h - where Redis is: one server, a socket, the sentinels that know, or some nodes of a cluster. */
#pragma once

#include "tls.h"

typedef struct {
    char *host;
    int port;
} lc_redis_endpoint;

static inline bool
lc_redis_is_at(const lc_redis_endpoint *endpoint, const char *host, int port)
{
    return endpoint->port == port && strcmp(endpoint->host, host) == 0;
}

typedef struct {
    char *user, *password; /* or NULL */
    char *file;            /* that holds the password, read at each connection; or NULL */
} lc_redis_login;

typedef struct {
    GPtrArray *endpoints; /* lc_redis_endpoint *: the server's, the sentinels', some of a cluster's; none: a socket */
    bool is_cluster;
    char *path;   /* of the socket, or NULL */
    char *master; /* what the sentinels call it; NULL: there are none */
    int database;
    lc_redis_login login, sentinel_login;
    lc_redis_tls *tls; /* or NULL */
} lc_redis_address;

/* The address of one node, of a cluster that is at `cluster`. */
void lc_redis_address_of_node(lc_redis_address *address, const lc_redis_address *cluster, const char *host, int port);

/* LC_ERROR_CONFIG: a URL that can't be used. To be cleared in any case. */
bool lc_redis_address_init(lc_redis_address *address, const lc_redis_options *options, GError **error);
/* What a URL of one server that is reached in the same way begins with: by TLS or not. */
const char *lc_redis_address_scheme(const lc_redis_address *address);
void lc_redis_address_clear(lc_redis_address *address);
