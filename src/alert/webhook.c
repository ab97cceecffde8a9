/* webhook.c - calls one webhook: its group, its partitions side by side, and its end. */
#include "lane.h"

#include <leadclock/codec.h>
#include <leadclock/text.h>

#define IDLE_MS 50
#define BUSY_MS 10
#define OPEN_AGAIN_MS 2000
#define LOOK_EVERY_US (10 * G_USEC_PER_SEC)
#define MAX_ANSWER_BYTES ((size_t)64 * 1024)

/* ---- What is wanted ---- */

static const struct {
    lc_outcome_type type;
    lc_output output;
} places[] = {
    {LC_OUTCOME_WARNING, LC_OUTPUT_WARNINGS},      {LC_OUTCOME_BREACHED, LC_OUTPUT_BREACHES},
    {LC_OUTCOME_ESCALATED, LC_OUTPUT_BREACHES},    {LC_OUTCOME_BREACH_ENDED, LC_OUTPUT_BREACHES},
    {LC_OUTCOME_CLAWED_BACK, LC_OUTPUT_CLAWBACKS}, {LC_OUTCOME_ROUTED, LC_OUTPUT_ROUTED},
    {LC_OUTCOME_SETTLED, LC_OUTPUT_SETTLED},
};

/* What retracts an outcome lies where it does. */
static char **
topics_of(const lc_alert_options *options, const char *const *events)
{
    g_autoptr(GPtrArray) topics = g_ptr_array_new();
    for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
        const char *topic = options->kafka.outputs[places[i].output];
        bool is_wanted = events[0] == NULL || g_strv_contains(events, lc_outcome_type_name(places[i].type));
        if (is_wanted && !g_ptr_array_find_with_equal_func(topics, topic, g_str_equal, NULL))
            g_ptr_array_add(topics, (char *)topic);
    }
    g_ptr_array_add(topics, NULL);
    return g_strdupv((char **)topics->pdata);
}

/* ---- The group ---- */

static bool
open_group(lc_webhook *webhook)
{
    lc_kafka_options kafka = webhook->options->kafka;
    g_autoptr(GError) error = NULL;
    kafka.group = webhook->group;
    webhook->subscriber = lc_subscriber_new(&kafka, (const char *const *)webhook->topics, &error);
    if (webhook->subscriber == NULL)
        lc_part_fails(&webhook->reading, "%s", error->message);
    return webhook->subscriber != NULL;
}

static void
close_group(lc_webhook *webhook)
{
    g_array_set_size(webhook->lanes, 0);
    g_clear_pointer(&webhook->subscriber, lc_subscriber_free);
    g_clear_pointer(&webhook->publisher, lc_publisher_free);
    webhook->assignment = 0;
}

/* Those of another assignment are given up: whoever has them now goes on from what was committed. */
static void
take_lanes(lc_webhook *webhook)
{
    unsigned assignment;
    size_t n = lc_subscriber_lanes(webhook->subscriber, &assignment);
    if (assignment == webhook->assignment)
        return;
    webhook->assignment = assignment;
    g_array_set_size(webhook->lanes, 0);
    g_array_set_size(webhook->lanes, (guint)n);
    for (size_t i = 0; i < n; i++)
        lc_lane_of_webhook_init(&g_array_index(webhook->lanes, lc_lane_of_webhook, i), webhook, i);
    lc_part_is_well(&webhook->reading);
}

/* Brokers that are away say nothing. */
static void
look(lc_webhook *webhook)
{
    g_autoptr(GError) error = NULL;
    if (g_get_monotonic_time() < webhook->look_us)
        return;
    webhook->look_us = g_get_monotonic_time() + LOOK_EVERY_US;
    if (!lc_subscriber_look(webhook->subscriber, &error))
        lc_part_fails(&webhook->reading, "%s", error->message);
    else if (webhook->assignment)
        lc_part_is_well(&webhook->reading);
}

/* ---- Going round ---- */

static lc_lane_of_webhook *
lane_at(const lc_webhook *webhook, guint i)
{
    return &g_array_index(webhook->lanes, lc_lane_of_webhook, i);
}

static void
note_oldest(lc_webhook *webhook)
{
    lc_instant oldest = LC_NEVER;
    for (guint i = 0; i < webhook->lanes->len; i++)
        if (lane_at(webhook, i)->is_event && lane_at(webhook, i)->event.occurred_at != LC_ABSENT)
            oldest = MIN(oldest, lane_at(webhook, i)->event.occurred_at);
    g_mutex_lock(&webhook->part.mutex);
    webhook->oldest = oldest == LC_NEVER ? LC_ABSENT : oldest;
    g_mutex_unlock(&webhook->part.mutex);
}

static bool
is_busy(const lc_webhook *webhook)
{
    bool any = false;
    for (guint i = 0; i < webhook->lanes->len; i++)
        any |= lane_at(webhook, i)->exchange != NULL;
    return any;
}

static bool
step_lanes(lc_webhook *webhook, bool may_begin, GError **error)
{
    for (guint i = 0; i < webhook->lanes->len && !webhook->is_gone; i++)
        if (!lc_lane_of_webhook_step(lane_at(webhook, i), may_begin, error))
            return false;
    return true;
}

/* Waits where there is something to wait for: answers, or records. */
static bool
go_round(lc_webhook *webhook, bool may_begin, GError **error)
{
    bool was_busy = is_busy(webhook);
    lc_part_turn(&webhook->part);
    if (was_busy)
        lc_http_client_move(webhook->client, BUSY_MS);
    if (!lc_subscriber_poll(webhook->subscriber, was_busy ? 0 : IDLE_MS, error))
        return false;
    take_lanes(webhook);
    look(webhook);
    bool ok = step_lanes(webhook, may_begin, error);
    note_oldest(webhook);
    return ok;
}

static void
work(lc_webhook *webhook)
{
    g_autoptr(GError) error = NULL;
    if (webhook->subscriber == NULL && !open_group(webhook)) {
        lc_stopper_wait(webhook->stopper, OPEN_AGAIN_MS);
    } else if (!go_round(webhook, true, &error)) {
        lc_part_fails(&webhook->reading, "%s", error->message);
        close_group(webhook);
        lc_stopper_wait(webhook->stopper, OPEN_AGAIN_MS);
    }
}

/* What is under way has until its time-out; what is not taken by then is delivered again at the next start. */
static void
finish(lc_webhook *webhook)
{
    while (webhook->subscriber && is_busy(webhook) && !webhook->is_gone && go_round(webhook, false, NULL))
        continue;
    close_group(webhook);
}

void *
lc_webhook_run(void *data)
{
    lc_webhook *webhook = data;
    while (!lc_stopper_is_stopping(webhook->stopper) && !webhook->is_gone)
        work(webhook);
    if (webhook->is_gone) {
        lc_part_is_well(&webhook->reading); /* nothing is to be read any more */
        lc_part_fails(&webhook->part,
                      "answers HTTP 410: it wants no more calls, and gets none until a restart; take it "
                      "out of alert.webhooks");
    }
    finish(webhook);
    g_mutex_lock(&webhook->part.mutex);
    webhook->part.is_over = true;
    g_mutex_unlock(&webhook->part.mutex);
    return NULL;
}

/* ---- Start ---- */

static lc_http_client *
new_client(const lc_alert_options *options)
{
    static const char *const headers[] = {"Content-Type: application/cloudevents+json; charset=utf-8",
                                          "User-Agent: leadclock/" LC_VERSION, NULL};
    return lc_http_client_new(&(lc_http_client_options){.ca_file = options->ca_file,
                                                        .headers = headers,
                                                        .timeout = options->timeout,
                                                        .max_answer_bytes = MAX_ANSWER_BYTES});
}

static GBytes *
read_key(const lc_webhook_options *own, GError **error)
{
    char *secret = own->secret_file ? lc_secret_read(own->secret_file, error) : g_strdup(own->secret);
    GBytes *key = secret ? lc_signing_key(secret, error) : NULL;
    if (secret && key == NULL && own->secret_file)
        g_prefix_error(error, "what %s holds ", own->secret_file);
    lc_secret_free(secret);
    if (key == NULL)
        g_prefix_error(error, own->secret_file ? "alert.webhooks.secret_file: " : "alert.webhooks.secret ");
    return key;
}

/* Once, however often it is tried. NULL: nothing is wrong. */
static void
tell(lc_webhook *webhook, const char *problem)
{
    if (problem && g_strcmp0(problem, webhook->told) != 0)
        g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE", "%s: %s; the secret from before is kept",
                         webhook->part.name, problem);
    g_free(webhook->told);
    webhook->told = g_strdup(problem);
}

GBytes *
lc_webhook_key(lc_webhook *webhook)
{
    g_autoptr(GError) error = NULL;
    GBytes *key = webhook->own->secret_file ? read_key(webhook->own, &error) : NULL;
    tell(webhook, error ? error->message : NULL);
    if (key) {
        g_bytes_unref(webhook->key);
        webhook->key = key;
    }
    return webhook->key;
}

bool
lc_webhook_init(lc_webhook *webhook, const lc_alert_options *options, const lc_webhook_options *own,
                lc_stopper *stopper, GError **error)
{
    bool has_name = *own->name != '\0';
    *webhook = (lc_webhook){.options = options, .own = own, .stopper = stopper, .oldest = LC_ABSENT};
    lc_part_init(&webhook->part, g_strconcat("webhook", has_name ? " " : "", own->name, NULL));
    lc_part_init(&webhook->reading, g_strconcat("outcomes for webhook", has_name ? " " : "", own->name, NULL));
    lc_part_is_well(&webhook->part);
    webhook->group = g_strconcat(options->kafka.group, "-alert", has_name ? "-" : "", own->name, NULL);
    webhook->topics = topics_of(options, own->events);
    webhook->lanes = g_array_new(FALSE, TRUE, sizeof(lc_lane_of_webhook));
    g_array_set_clear_func(webhook->lanes, lc_lane_of_webhook_clear);
    webhook->client = new_client(options);
    if ((webhook->key = read_key(own, error)) == NULL)
        return false;
    webhook->registry = lc_registry_new(&options->registry, error);
    webhook->plans = webhook->registry ? lc_plans_new(webhook->registry) : NULL;
    return webhook->registry != NULL;
}

void
lc_webhook_clear(lc_webhook *webhook)
{
    close_group(webhook);
    g_array_unref(webhook->lanes);
    g_clear_pointer(&webhook->plans, lc_plans_free);
    g_clear_pointer(&webhook->registry, lc_registry_free);
    g_clear_pointer(&webhook->client, lc_http_client_free);
    g_clear_pointer(&webhook->key, g_bytes_unref);
    g_strfreev(webhook->topics);
    g_free(webhook->group);
    g_free(webhook->told);
    lc_part_clear(&webhook->part);
    lc_part_clear(&webhook->reading);
}
