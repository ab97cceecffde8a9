/* service.h - the inside of the service: what its threads share. */
#pragma once

#include <leadclock/ingest.h>

#define LC_INGEST_STATUSES 600
#define LC_INGEST_BUCKETS 14

/* Of requests to /facts. */
typedef struct {
    uint64_t requests[LC_INGEST_STATUSES]; /* by status; 0: the connection broke before */
    uint64_t facts[LC_FACT_TYPES];         /* that were acknowledged */
    uint64_t body_bytes;
    uint64_t took[LC_INGEST_BUCKETS];
    double took_ms;
    int64_t in_flight_requests, in_flight_facts; /* being published */
} lc_ingest_tally;

struct lc_ingest {
    lc_ingest_options options;
    lc_inputs inputs;
    int topic_of[LC_FACT_TYPES]; /* the index among the sender's */
    lc_guard *guard;             /* atomic: the last of `guards` */
    GPtrArray *guards;           /* former ones too: requests may still use them */
    lc_sender *sender;
    lc_http *http;

    GMutex lock;
    GCond changed;
    lc_ingest_tally tally;
    char *waiting_for; /* why it is not ready; NULL: it is */
    gint64 turned_us;  /* when the watch last went round */
    gint64 told_us;    /* when the log last told of facts that were not taken */
    GError *failure;   /* why it can't go on; NULL: it can */
    bool is_stopping;
    GThread *watch;
};

/* ---- watch.c: whether it is ready ---- */

void lc_ingest_watch_start(lc_ingest *ingest);
void lc_ingest_watch_stop(lc_ingest *ingest);
/* NULL: it is ready. Caller frees. */
char *lc_ingest_waiting_for(lc_ingest *ingest);

const lc_guard *lc_ingest_guard(lc_ingest *ingest);

/* ---- facts.c: /facts ---- */

void lc_ingest_begin(lc_http_request *request, lc_ingest *ingest);
void lc_ingest_handle(lc_http_request *request, lc_ingest *ingest);
/* An lc_sender_tell. */
void lc_ingest_on_sent(void *ticket, const GError *why);

/* ---- pages.c ---- */

void lc_ingest_count(lc_ingest *ingest, const lc_http_end *end);
/* An lc_http_pages; `data` is an lc_ingest. */
bool lc_ingest_page(const char *path, lc_http_answer *answer, void *data);
