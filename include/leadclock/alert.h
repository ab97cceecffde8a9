/* alert.h - tells people: Alertmanager what is broken now, webhooks what happens.
 *
 * Reads the table of breaches and the outcomes from Kafka, and keeps no state of its own beyond what the webhooks'
 * groups have committed. Uses codec, kafka, registry, http, and service for metrics. Times are arguments, but for the
 * threads of the last section. */
#pragma once

#include <leadclock/base.h>
#include <leadclock/codec.h>
#include <leadclock/core.h>
#include <leadclock/http.h>
#include <leadclock/http_client.h>
#include <leadclock/kafka.h>
#include <leadclock/registry.h>

/* ---- The breaches that are open: LATE ones until they end, EARLY ones, which never end, for an hour ---- */

typedef struct lc_breaches lc_breaches;

lc_breaches *lc_breaches_new(void);
void lc_breaches_free(lc_breaches *breaches);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_breaches, lc_breaches_free)
/* The row stands, in place of what stood there; it is copied. */
void lc_breaches_take(lc_breaches *breaches, const lc_breach_row *row);
/* It stands no more. */
void lc_breaches_drop(lc_breaches *breaches, const lc_uuid *event_id);
/* Drops what is an hour old; how many are open. */
size_t lc_breaches_count(lc_breaches *breaches, lc_instant now);

/* ---- Alerts made of them ---- */

#define LC_ALERT_RESOLVED_FOR (15 * LC_MINUTE) /* so long the end of an alert is told */
#define LC_ALERT_EARLY_FOR LC_HOUR

typedef struct {
    const char *const *group_by; /* labels, NULL-terminated: policy, rule, clock, channel, severity, kind, lead_id,
                                    owner, due_at */
    const char *const *labels;   /* more for all of them: name, value, ..., NULL; or NULL */
    unsigned max_alerts;
    const char *dashboard_url; /* or NULL */
    lc_duration every;         /* an alert ends by itself four times as long after it was told */
} lc_alerts_options;

/* What was told last, so that its end can be told. */
typedef struct lc_alerts lc_alerts;

/* Options are borrowed. */
lc_alerts *lc_alerts_new(const lc_alerts_options *options);
void lc_alerts_free(lc_alerts *alerts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_alerts, lc_alerts_free)
/* What holds at `now` as the body of a POST to Alertmanager's /api/v2/alerts, into `json`: the open groups, and those
 * that have emptied in the last minutes. Appends. */
void lc_alerts_write(lc_alerts *alerts, lc_breaches *breaches, lc_instant now, GString *json);
/* As of the last write. */
size_t lc_alerts_open(const lc_alerts *alerts);

/* ---- Outcomes as CloudEvents (structured JSON) ---- */

typedef struct {
    GString *json;
    char *id, *type; /* webhook-id; "SlaBreached" */
    char *retracted_type;
    lc_instant occurred_at; /* LC_ABSENT: it has none */
} lc_outcome_event;

void lc_outcome_event_clear(lc_outcome_event *event);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(lc_outcome_event, lc_outcome_event_clear)
/* `plan` is that of the record's value; `source`: where its headers don't say it. LC_ERROR_RECORD: it can't be read. */
bool lc_outcome_event_make(lc_outcome_event *event, const lc_read_record *record, const char *topic,
                           const lc_plan *plan, const char *source, GError **error);
/* Whether it is, or retracts, one of these types (NULL-terminated; none: of any). */
bool lc_outcome_event_is_wanted(const lc_outcome_event *event, const char *const *types);

/* ---- What becomes of a delivery ---- */

typedef enum {
    LC_DELIVERY_DONE,
    LC_DELIVERY_AGAIN,   /* 408, 429, 5xx, no answer */
    LC_DELIVERY_REFUSED, /* any other answer: asking again would not change it; a redirect, too */
    LC_DELIVERY_GONE     /* 410: the webhook wants no more */
} lc_delivery;

lc_delivery lc_delivery_judge(lc_http_result result, int status);
/* How long to wait after so many failures (from 1) for one event: 1 s, doubled each time up to a minute, of which up to
 * half is left out at `random` (from 0 to below 1); or for as long as Retry-After says, up to a day. */
lc_duration lc_delivery_delay(unsigned failures, lc_duration retry_after, double random);

/* ---- The service ---- */

typedef struct {
    const char *name; /* empty: the only one */
    const char *url;
    const char *secret, *secret_file; /* one of both; the file is read at each call */
    const char *const *events;        /* NULL-terminated; none: all */
    lc_duration max_age;
} lc_webhook_options;

typedef struct {
    lc_kafka_options kafka; /* its group: NAME */
    lc_registry_options registry;
    const char *breaches;             /* the table's topic */
    const char *undelivered;          /* topic */
    const char *const *alertmanagers; /* URLs, NULL-terminated */
    const char *user, *password;      /* at all of them; or NULL */
    const char *password_file;        /* holds it instead, read for each request; or NULL */
    lc_alerts_options alerts;
    const lc_webhook_options *webhooks;
    size_t n_webhooks;
    const char *ca_file; /* or NULL */
    lc_duration timeout; /* of a request */
} lc_alert_options;

typedef struct lc_alert lc_alert;

/* Options are borrowed. Begins to work, in threads of its own, which wait for whatever is away. LC_ERROR_CONFIG: what
 * no waiting mends. */
lc_alert *lc_alert_start(const lc_alert_options *options, GError **error);
/* What is under way is finished, within the time-out of a request. */
void lc_alert_stop(lc_alert *alert);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_alert, lc_alert_stop)
/* Of /metrics, /livez and /readyz; `data` is an lc_alert. Any thread. */
bool lc_alert_answer(const char *path, lc_http_answer *answer, void *data);
