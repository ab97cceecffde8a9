/* parts.h - the inside of the server: connections, requests, and what they share. */
#pragma once

#include <leadclock/http.h>

#include <microhttpd.h>

/* A connection, watched while something is awaited of whoever is at its other end. */
typedef struct {
    MHD_socket socket;
    int since_s;  /* atomic: monotonic seconds; 0: nothing is awaited */
    int requests; /* atomic: those under way */
} lc_http_peer;

struct lc_http {
    lc_http_options options; /* texts are not kept */
    struct MHD_Daemon *daemon;
    lc_http_pages pages; /* of lc_http_start_pages */
    void *pages_data;
    size_t body_bytes; /* atomic: of all requests that are not answered */
    GString *trouble;  /* while it is started: what libmicrohttpd says */

    GMutex lock;
    GCond changed;
    GHashTable *peers;   /* set of lc_http_peer */
    unsigned n_requests; /* under way */
    bool is_stopping;
    GThread *watch;
};

/* ---- peers.c ---- */

void lc_http_peers_start(lc_http *http);
/* Waits until no request is under way. */
void lc_http_peers_drain(lc_http *http);
void lc_http_peers_stop(lc_http *http);

void lc_http_on_peer(void *data, struct MHD_Connection *connection, void **context,
                     enum MHD_ConnectionNotificationCode what);
lc_http_peer *lc_http_peer_of(struct MHD_Connection *connection);
void lc_http_peer_expect(lc_http_peer *peer);
void lc_http_peer_rest(lc_http_peer *peer);
void lc_http_count_request(lc_http *http, lc_http_peer *peer, int n);
bool lc_http_is_stopping(lc_http *http);

/* ---- request.c: callbacks of libmicrohttpd ---- */

enum MHD_Result lc_http_on_request(void *data, struct MHD_Connection *connection, const char *path, const char *method,
                                   const char *version, const char *upload, size_t *upload_size, void **context);
void lc_http_on_end(void *data, struct MHD_Connection *connection, void **context, enum MHD_RequestTerminationCode why);
