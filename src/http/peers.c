/* peers.c - who is connected, and that nobody keeps a connection without asking for something. */
#include "parts.h"

#include <sys/socket.h>

#define LOOK_EVERY_US (G_USEC_PER_SEC / 4)
/* While it stops. */
#define LAST_PATIENCE_S 3

static int
now_s(void)
{
    return (int)(g_get_monotonic_time() / G_USEC_PER_SEC) + 1;
}

void
lc_http_peer_expect(lc_http_peer *peer)
{
    g_atomic_int_set(&peer->since_s, now_s());
}

void
lc_http_peer_rest(lc_http_peer *peer)
{
    g_atomic_int_set(&peer->since_s, 0);
}

lc_http_peer *
lc_http_peer_of(struct MHD_Connection *connection)
{
    return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* Its end is told before the socket is closed, so under the lock the sockets of all peers are theirs. */
void
lc_http_on_peer(void *data, struct MHD_Connection *connection, void **context, enum MHD_ConnectionNotificationCode what)
{
    lc_http *http = data;
    g_mutex_lock(&http->lock);
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        lc_http_peer *peer = g_new0(lc_http_peer, 1);
        peer->socket = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        lc_http_peer_expect(peer);
        g_hash_table_add(http->peers, peer);
        *context = peer;
    } else {
        g_hash_table_remove(http->peers, *context);
    }
    g_mutex_unlock(&http->lock);
}

void
lc_http_count_request(lc_http *http, lc_http_peer *peer, int n)
{
    g_atomic_int_add(&peer->requests, n);
    g_mutex_lock(&http->lock);
    http->n_requests += (unsigned)n;
    if (http->is_stopping)
        g_cond_broadcast(&http->changed);
    g_mutex_unlock(&http->lock);
}

bool
lc_http_is_stopping(lc_http *http)
{
    g_mutex_lock(&http->lock);
    bool is_stopping = http->is_stopping;
    g_mutex_unlock(&http->lock);
    return is_stopping;
}

static bool
is_to_go(const lc_http *http, lc_http_peer *peer)
{
    int since_s = g_atomic_int_get(&peer->since_s), patience_s = (int)(http->options.patience / LC_SECOND);
    if (since_s == 0)
        return false;
    if (http->is_stopping && g_atomic_int_get(&peer->requests) == 0)
        return true;
    return now_s() - since_s > (http->is_stopping ? MIN(patience_s, LAST_PATIENCE_S) : patience_s);
}

/* libmicrohttpd finds such a connection at its end, and closes it. */
static void
end_the_slow(lc_http *http)
{
    GHashTableIter iter;
    gpointer peer;
    g_hash_table_iter_init(&iter, http->peers);
    while (g_hash_table_iter_next(&iter, &peer, NULL))
        if (is_to_go(http, peer))
            shutdown(((lc_http_peer *)peer)->socket, SHUT_RDWR);
}

static void *
watch(void *data)
{
    lc_http *http = data;
    g_mutex_lock(&http->lock);
    while (!http->is_stopping || http->n_requests) {
        g_cond_wait_until(&http->changed, &http->lock, g_get_monotonic_time() + LOOK_EVERY_US);
        end_the_slow(http);
    }
    g_mutex_unlock(&http->lock);
    return NULL;
}

void
lc_http_peers_start(lc_http *http)
{
    g_mutex_init(&http->lock);
    g_cond_init(&http->changed);
    http->peers = g_hash_table_new_full(NULL, NULL, g_free, NULL);
    http->watch = g_thread_new("http-watch", watch, http);
}

void
lc_http_peers_drain(lc_http *http)
{
    g_mutex_lock(&http->lock);
    http->is_stopping = true;
    g_cond_broadcast(&http->changed);
    g_mutex_unlock(&http->lock);
    g_thread_join(http->watch);
}

void
lc_http_peers_stop(lc_http *http)
{
    g_hash_table_destroy(http->peers);
    g_cond_clear(&http->changed);
    g_mutex_clear(&http->lock);
}
