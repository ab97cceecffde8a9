/* health.c - /metrics, /livez and /readyz of the dashboard. */
#include "service.h"

#include <leadclock/service.h>

#define ALIVE_WITHIN_US (60 * G_USEC_PER_SEC)

/* ---- /metrics ---- */

static void
write_one(GString *text, const char *name, const char *type, double value, const char *help)
{
    lc_metrics_family(text, name, type, help);
    lc_metrics_sample(text, name, value, NULL);
}

static void
write_requests(lc_dashboard *dashboard, GString *text)
{
    lc_metrics_family(text, "leadclock_dashboard_requests_total", "counter",
                      "Requests, by status; 0: the connection broke before the answer.");
    for (unsigned status = 0; status < LC_DASHBOARD_STATUSES; status++) {
        gsize n = g_atomic_pointer_get(&dashboard->requests[status]);
        if (n || status == 200)
            lc_metrics_sample(text, "leadclock_dashboard_requests_total", (double)n, "status", LC_NUMBER(status), NULL);
    }
}

static void
write_metrics(lc_dashboard *dashboard, GString *text)
{
    lc_following *following = &dashboard->following;
    g_autofree char *problem = lc_pages_problem(following->pages);
    lc_instant fresh_at = lc_pages_fresh_at(following->pages);
    g_mutex_lock(&following->mutex);
    uint64_t rows = following->rows;
    g_mutex_unlock(&following->mutex);

    lc_metrics_build(text, NULL);
    lc_metrics_process(text);
    write_one(text, "leadclock_dashboard_ready", "gauge", problem == NULL, "1: all tables are shown as they stand.");
    write_requests(dashboard, text);
    write_one(text, "leadclock_dashboard_pages_made_total", "counter", (double)lc_pages_made(following->pages),
              "Pages that were made, each for all who asked for it within a second.");
    write_one(text, "leadclock_dashboard_rows_read_total", "counter", (double)rows, "Rows read from the tables.");
    lc_metrics_family(text, "leadclock_dashboard_fresh_timestamp_seconds", "gauge",
                      "As of when all tables were read, in Unix time; absent: never yet.");
    if (fresh_at != LC_ABSENT)
        lc_metrics_sample(text, "leadclock_dashboard_fresh_timestamp_seconds", (double)fresh_at / 1000, NULL);
}

/* ---- The pages ---- */

static bool
write_life(lc_dashboard *dashboard, GString *text)
{
    lc_following *following = &dashboard->following;
    g_mutex_lock(&following->mutex);
    gint64 since_us = g_get_monotonic_time() - following->turned_us;
    g_mutex_unlock(&following->mutex);
    if (since_us < ALIVE_WITHIN_US)
        g_string_append(text, "ok\n");
    else
        g_string_append_printf(text, "the reader of the tables has not gone round for %" G_GINT64_FORMAT " s\n",
                               since_us / G_USEC_PER_SEC);
    return since_us < ALIVE_WITHIN_US;
}

static bool
write_readiness(lc_dashboard *dashboard, GString *text)
{
    g_autofree char *problem = lc_pages_problem(dashboard->following.pages);
    g_string_append_printf(text, "%s\n", problem ? problem : "ok");
    return problem == NULL;
}

bool
lc_dashboard_answer(const char *path, lc_http_answer *answer, void *data)
{
    lc_dashboard *dashboard = data;
    if (strcmp(path, "/metrics") == 0) {
        answer->content_type = LC_METRICS_CONTENT_TYPE;
        write_metrics(dashboard, answer->body);
    } else if (strcmp(path, "/livez") == 0) {
        answer->status = write_life(dashboard, answer->body) ? 200 : 503;
    } else if (strcmp(path, "/readyz") == 0) {
        answer->status = write_readiness(dashboard, answer->body) ? 200 : 503;
    } else {
        return false;
    }
    return true;
}
