/* pages.c - /metrics, /livez and /readyz: what the parts have done, and what keeps them from their work. */
#include "service.h"

#include <leadclock/service.h>

#define ALIVE_WITHIN_US (60 * G_USEC_PER_SEC)

static bool write_readiness(lc_alert *alert, GString *text);

/* ---- /metrics ---- */

/* A figure of one part, under its mutex. */
static double
figure(lc_part *part, const uint64_t *at)
{
    g_mutex_lock(&part->mutex);
    double value = (double)*at;
    g_mutex_unlock(&part->mutex);
    return value;
}

static lc_instant
instant(lc_part *part, const lc_instant *at)
{
    g_mutex_lock(&part->mutex);
    lc_instant value = *at;
    g_mutex_unlock(&part->mutex);
    return value;
}

static void
write_alertmanagers(lc_reconciler *r, GString *text)
{
    lc_metrics_family(text, "leadclock_alert_requests_total", "counter",
                      "Requests to an Alertmanager, by what became of them.");
    for (size_t i = 0; i < r->n_targets; i++) {
        lc_alertmanager *target = &r->targets[i];
        lc_metrics_sample(text, "leadclock_alert_requests_total", figure(&target->part, &target->succeeded), "url",
                          r->options->alertmanagers[i], "result", "taken", NULL);
        lc_metrics_sample(text, "leadclock_alert_requests_total", figure(&target->part, &target->failed), "url",
                          r->options->alertmanagers[i], "result", "failed", NULL);
    }
    lc_metrics_family(text, "leadclock_alert_last_success_timestamp_seconds", "gauge",
                      "When this Alertmanager was told last what holds; absent: never yet.");
    for (size_t i = 0; i < r->n_targets; i++) {
        lc_instant last = instant(&r->targets[i].part, &r->targets[i].last_success);
        if (last != LC_ABSENT)
            lc_metrics_sample(text, "leadclock_alert_last_success_timestamp_seconds", (double)last / 1000, "url",
                              r->options->alertmanagers[i], NULL);
    }
}

static void
write_reconciler(lc_reconciler *r, GString *text)
{
    g_mutex_lock(&r->part.mutex);
    double breaches = (double)r->open_breaches, alerts = (double)r->open_alerts;
    g_mutex_unlock(&r->part.mutex);
    lc_metrics_family(text, "leadclock_alert_open_breaches", "gauge", "Breaches that are open, as last told.");
    lc_metrics_sample(text, "leadclock_alert_open_breaches", breaches, NULL);
    lc_metrics_family(text, "leadclock_alert_open_groups", "gauge", "Alerts that they make, as last told.");
    lc_metrics_sample(text, "leadclock_alert_open_groups", alerts, NULL);
    write_alertmanagers(r, text);
}

static const struct {
    const char *name, *help;
    size_t at; /* in lc_webhook */
} webhook_counters[] = {
    {"leadclock_alert_delivered_total", "Outcomes that a webhook has taken.", offsetof(lc_webhook, delivered)},
    {"leadclock_alert_retries_total", "Deliveries that were tried again.", offsetof(lc_webhook, retries)},
    {"leadclock_alert_passed_over_total", "Outcomes older than max_age when their turn came.",
     offsetof(lc_webhook, passed_over)},
    {"leadclock_alert_undelivered_total", "Outcomes that a webhook has refused, put aside.",
     offsetof(lc_webhook, undelivered)},
};

static void
write_webhooks(const lc_alert *alert, GString *text)
{
    lc_instant now = g_get_real_time() / 1000;
    for (size_t k = 0; k < G_N_ELEMENTS(webhook_counters); k++) {
        lc_metrics_family(text, webhook_counters[k].name, "counter", webhook_counters[k].help);
        for (size_t i = 0; i < alert->n_webhooks; i++) {
            lc_webhook *webhook = &alert->webhooks[i];
            const uint64_t *at = (const uint64_t *)((const char *)webhook + webhook_counters[k].at);
            lc_metrics_sample(text, webhook_counters[k].name, figure(&webhook->part, at), "webhook", webhook->own->name,
                              NULL);
        }
    }
    lc_metrics_family(
        text, "leadclock_alert_oldest_undelivered_seconds", "gauge",
        "How long ago the oldest outcome happened whose delivery is under way or tried again; 0: none is.");
    for (size_t i = 0; i < alert->n_webhooks; i++) {
        lc_instant oldest = instant(&alert->webhooks[i].part, &alert->webhooks[i].oldest);
        lc_metrics_sample(text, "leadclock_alert_oldest_undelivered_seconds",
                          oldest == LC_ABSENT ? 0 : (double)(now - oldest) / 1000, "webhook",
                          alert->webhooks[i].own->name, NULL);
    }
}

static void
write_metrics(lc_alert *alert, GString *text)
{
    g_autoptr(GString) words = g_string_new(NULL);
    lc_metrics_build(text, NULL);
    lc_metrics_process(text);
    lc_metrics_family(text, "leadclock_alert_ready", "gauge", "1: what is to be told is told.");
    lc_metrics_sample(text, "leadclock_alert_ready", write_readiness(alert, words), NULL);
    if (alert->has_reconciler)
        write_reconciler(&alert->reconciler, text);
    if (alert->n_webhooks)
        write_webhooks(alert, text);
}

/* ---- /livez: threads go round ---- */

static bool
is_alive(lc_part *part, GString *text)
{
    g_mutex_lock(&part->mutex);
    gint64 since_us = part->turned_us && !part->is_over ? g_get_monotonic_time() - part->turned_us : 0;
    g_mutex_unlock(&part->mutex);
    if (since_us < ALIVE_WITHIN_US)
        return true;
    g_string_append_printf(text, "%s: has not gone round for %" G_GINT64_FORMAT " s\n", part->name,
                           since_us / G_USEC_PER_SEC);
    return false;
}

static bool
write_life(lc_alert *alert, GString *text)
{
    bool alive = !alert->has_reconciler || is_alive(&alert->reconciler.part, text);
    for (size_t i = 0; i < alert->n_webhooks; i++)
        alive &= is_alive(&alert->webhooks[i].part, text);
    if (alive)
        g_string_append(text, "ok\n");
    return alive;
}

/* ---- /readyz: what is to be told is told ---- */

static bool
is_ready(lc_part *part, const char *note, GString *text)
{
    g_autofree char *problem = lc_part_problem(part);
    if (problem)
        g_string_append_printf(text, "%s%s: %s\n", note, part->name, problem);
    return problem == NULL;
}

/* One of several Alertmanagers may be away: they tell each other. */
static bool
are_told(lc_reconciler *r, GString *text)
{
    g_autoptr(GString) problems = g_string_new(NULL);
    size_t n = 0;
    for (size_t i = 0; i < r->n_targets; i++)
        n += is_ready(&r->targets[i].part, r->n_targets > 1 ? "note: " : "", problems);
    g_string_append(text, problems->str);
    return n > 0;
}

static bool
write_readiness(lc_alert *alert, GString *text)
{
    bool ready = true;
    if (alert->has_reconciler) {
        ready &= is_ready(&alert->reconciler.part, "", text);
        ready &= are_told(&alert->reconciler, text);
    }
    for (size_t i = 0; i < alert->n_webhooks; i++) {
        ready &= is_ready(&alert->webhooks[i].part, "", text);
        ready &= is_ready(&alert->webhooks[i].reading, "", text);
    }
    if (ready)
        g_string_append(text, "ok\n");
    return ready;
}

bool
lc_alert_answer(const char *path, lc_http_answer *answer, void *data)
{
    lc_alert *alert = data;
    if (strcmp(path, "/metrics") == 0) {
        answer->content_type = LC_METRICS_CONTENT_TYPE;
        write_metrics(alert, answer->body);
        return true;
    }
    if (strcmp(path, "/livez") == 0)
        answer->status = write_life(alert, answer->body) ? 200 : 503;
    else if (strcmp(path, "/readyz") == 0)
        answer->status = write_readiness(alert, answer->body) ? 200 : 503;
    else
        return false;
    return true;
}
