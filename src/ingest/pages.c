/* pages.c - /metrics, /livez and /readyz. */
#include "service.h"

#include <leadclock/service.h>

#define ALIVE_WITHIN_US (60 * G_USEC_PER_SEC)

static const int64_t bounds_ms[LC_INGEST_BUCKETS - 1] = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000};

static size_t
bucket_of(int64_t took_us)
{
    size_t bucket = 0;
    while (bucket < G_N_ELEMENTS(bounds_ms) && took_us > bounds_ms[bucket] * 1000)
        bucket++;
    return bucket;
}

void
lc_ingest_count(lc_ingest *ingest, const lc_http_end *end)
{
    lc_ingest_tally *tally = &ingest->tally;
    g_mutex_lock(&ingest->lock);
    tally->requests[MIN(end->status, LC_INGEST_STATUSES - 1)]++;
    tally->body_bytes += end->body_bytes;
    tally->took[bucket_of(end->took_us)]++;
    tally->took_ms += (double)end->took_us / 1000;
    g_mutex_unlock(&ingest->lock);
}

/* ---- /metrics ---- */

static void
write_one(GString *text, const char *name, const char *type, double value, const char *help)
{
    lc_metrics_family(text, name, type, help);
    lc_metrics_sample(text, name, value, NULL);
}

static void
write_requests(GString *text, const lc_ingest_tally *tally)
{
    lc_metrics_family(text, "leadclock_ingest_requests_total", "counter",
                      "Requests to /facts, by status; 0: the connection broke before the answer.");
    for (unsigned status = 0; status < LC_INGEST_STATUSES; status++)
        if (tally->requests[status] || status == 202)
            lc_metrics_sample(text, "leadclock_ingest_requests_total", (double)tally->requests[status], "status",
                              LC_NUMBER(status), NULL);
    lc_metrics_family(text, "leadclock_ingest_request_seconds", "histogram",
                      "Requests to /facts, from their headers to their answer.");
    lc_metrics_histogram(text, "leadclock_ingest_request_seconds", bounds_ms, tally->took, LC_INGEST_BUCKETS,
                         tally->took_ms);
    write_one(text, "leadclock_ingest_body_bytes_total", "counter", (double)tally->body_bytes,
              "Bytes of bodies sent to /facts, taken or not.");
}

/* The server answers already while it is started. */
static size_t
body_bytes(lc_ingest *ingest)
{
    lc_http *http = g_atomic_pointer_get(&ingest->http);
    return http ? lc_http_body_bytes(http) : 0;
}

static void
write_metrics(lc_ingest *ingest, GString *text)
{
    g_mutex_lock(&ingest->lock);
    const lc_ingest_tally tally = ingest->tally;
    bool is_ready = ingest->waiting_for == NULL;
    g_mutex_unlock(&ingest->lock);

    lc_metrics_build(text, NULL);
    lc_metrics_process(text);
    write_requests(text, &tally);
    lc_metrics_family(text, "leadclock_ingest_facts_total", "counter", "Facts that were answered 202, by type.");
    for (int i = 0; i < LC_FACT_TYPES; i++)
        lc_metrics_sample(text, "leadclock_ingest_facts_total", (double)tally.facts[i], "type",
                          lc_fact_type_name((lc_fact_type)i), NULL);
    write_one(text, "leadclock_ingest_in_flight_requests", "gauge", (double)tally.in_flight_requests,
              "Requests whose facts are not acknowledged yet.");
    write_one(text, "leadclock_ingest_in_flight_facts", "gauge", (double)tally.in_flight_facts,
              "Facts that are not acknowledged yet.");
    write_one(text, "leadclock_ingest_in_flight_bytes", "gauge", (double)body_bytes(ingest),
              "Bytes of bodies that are not answered yet; ingest.in_flight_bytes bounds them.");
    write_one(text, "leadclock_ingest_ready", "gauge", is_ready, "1: facts are taken.");
}

/* ---- The pages ---- */

static bool
write_life(lc_ingest *ingest, GString *text)
{
    g_mutex_lock(&ingest->lock);
    gint64 since_us = g_get_monotonic_time() - ingest->turned_us;
    g_mutex_unlock(&ingest->lock);
    if (since_us < ALIVE_WITHIN_US)
        g_string_append(text, "ok\n");
    else
        g_string_append_printf(text, "the watch has not gone round for %" G_GINT64_FORMAT " s\n",
                               since_us / G_USEC_PER_SEC);
    return since_us < ALIVE_WITHIN_US;
}

static bool
write_readiness(lc_ingest *ingest, GString *text)
{
    g_autofree char *waiting_for = lc_ingest_waiting_for(ingest);
    g_string_append_printf(text, "%s\n", waiting_for ? waiting_for : "ok");
    return waiting_for == NULL;
}

bool
lc_ingest_answer(const char *path, lc_http_answer *answer, void *data)
{
    lc_ingest *ingest = data;
    if (strcmp(path, "/metrics") == 0) {
        answer->content_type = LC_METRICS_CONTENT_TYPE;
        write_metrics(ingest, answer->body);
    } else if (strcmp(path, "/livez") == 0) {
        answer->status = write_life(ingest, answer->body) ? 200 : 503;
    } else if (strcmp(path, "/readyz") == 0) {
        answer->status = write_readiness(ingest, answer->body) ? 200 : 503;
    } else {
        return false;
    }
    return true;
}
