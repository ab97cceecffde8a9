/* lane.c - one partition of outcomes on its way to one webhook: read, tried until it is taken, committed. */
#include "lane.h"

#define PASSED_A_STEP 500
#define REGISTRY_AGAIN_US (G_USEC_PER_SEC / 2)
#define PUT_ASIDE_MS 500
#define ASIDE_AGAIN_US (5 * G_USEC_PER_SEC)

void
lc_lane_of_webhook_init(lc_lane_of_webhook *lane, lc_webhook *webhook, size_t number)
{
    *lane = (lc_lane_of_webhook){.webhook = webhook, .number = number};
}

static void
forget_event(lc_lane_of_webhook *lane)
{
    lc_outcome_event_clear(&lane->event);
    g_clear_pointer(&lane->exchange, lc_http_exchange_free);
    g_clear_pointer(&lane->refused_why, g_free);
    lane->has_record = lane->is_event = lane->is_refused = false;
    lane->failures = 0;
    lane->again_us = 0;
}

void
lc_lane_of_webhook_clear(void *data)
{
    lc_lane_of_webhook *lane = data;
    forget_event(lane);
    lc_arena_clear(&lane->bytes);
}

static void
count(lc_webhook *webhook, uint64_t *figure)
{
    g_mutex_lock(&webhook->part.mutex);
    ++*figure;
    g_mutex_unlock(&webhook->part.mutex);
}

/* ---- Taking a record ---- */

static void
keep_record(lc_lane_of_webhook *lane, const lc_read_record *record)
{
    lc_header *headers;
    lc_arena_reset(&lane->bytes);
    headers = lc_arena_new(&lane->bytes, lc_header, record->n_headers + 1);
    for (size_t i = 0; i < record->n_headers; i++)
        headers[i] = (lc_header){lc_arena_text(&lane->bytes, record->headers[i].name),
                                 lc_arena_text(&lane->bytes, record->headers[i].value)};
    lane->record = *record;
    lane->record.key = lc_arena_text(&lane->bytes, record->key);
    lane->record.value = lc_arena_text(&lane->bytes, record->value);
    lane->record.headers = headers;
    lane->has_record = true;
}

static void
refuse(lc_lane_of_webhook *lane, int status, const char *why)
{
    lane->is_refused = true;
    lane->refused_status = status;
    g_free(lane->refused_why);
    lane->refused_why = g_strdup(why);
}

/* What the record says. A registry that is slow is asked again. */
static void
read_event(lc_lane_of_webhook *lane)
{
    lc_webhook *webhook = lane->webhook;
    g_autoptr(GError) error = NULL;
    const lc_plan *plan = lc_plans_find(webhook->plans, lane->record.value, &error);
    if (plan && lc_outcome_event_make(&lane->event, &lane->record, webhook->topics[lane->record.topic], plan,
                                      webhook->options->kafka.group, &error)) {
        lane->is_event = true;
        if (lane->again_us) /* the registry was slow, and is no more */
            lc_part_is_well(&webhook->reading);
    } else if (g_error_matches(error, LC_ERROR, LC_ERROR_RETRY)) {
        lc_part_fails(&webhook->reading, "%s", error->message);
        lane->again_us = g_get_monotonic_time() + REGISTRY_AGAIN_US;
    } else {
        refuse(lane, 0, error->message);
    }
}

/* ---- The end of an event ---- */

static void
end_event(lc_lane_of_webhook *lane)
{
    lc_subscriber_commit(lane->webhook->subscriber, lane->number, lane->record.offset + 1);
    forget_event(lane);
}

/* Whether it was passed over: not wanted, or too old when its turn came. */
static bool
pass_over(lc_lane_of_webhook *lane)
{
    lc_webhook *webhook = lane->webhook;
    lc_instant now = g_get_real_time() / 1000;
    if (!lc_outcome_event_is_wanted(&lane->event, webhook->own->events)) {
        end_event(lane);
        return true;
    }
    if (lane->event.occurred_at == LC_ABSENT || now - lane->event.occurred_at <= webhook->own->max_age)
        return false;
    count(webhook, &webhook->passed_over);
    end_event(lane);
    return true;
}

static bool
send_aside(lc_lane_of_webhook *lane, GError **error)
{
    lc_webhook *webhook = lane->webhook;
    const lc_read_record *record = &lane->record;
    g_autofree char *status = g_strdup_printf("%d", lane->refused_status);
    g_autofree char *place =
        g_strdup_printf("%s/%d/%" G_GINT64_FORMAT, webhook->topics[record->topic], record->partition, record->offset);
    g_autofree lc_header *headers = g_new(lc_header, record->n_headers + 4);
    memcpy(headers, record->headers, record->n_headers * sizeof *headers);
    lc_header *more = headers + record->n_headers;
    more[0] = (lc_header){LC_TEXT("leadclock.webhook"), lc_text_of(webhook->own->name)};
    more[1] = (lc_header){LC_TEXT("leadclock.status"), lc_text_of(status)};
    more[2] = (lc_header){LC_TEXT("leadclock.message"), lc_text_of(lane->refused_why)};
    more[3] = (lc_header){LC_TEXT("leadclock.record"), lc_text_of(place)};
    return lc_publisher_send(webhook->publisher, webhook->options->undelivered, record->key, record->value, headers,
                             record->n_headers + 4, error);
}

/* To the topic of what is undelivered; its partition goes on when the brokers have it. */
static bool
store_aside(lc_lane_of_webhook *lane, GError **error)
{
    lc_webhook *webhook = lane->webhook;
    g_autoptr(GError) problem = NULL;
    if (webhook->publisher == NULL && !(webhook->publisher = lc_publisher_new(&webhook->options->kafka, error)))
        return false;
    bool is_there = send_aside(lane, error);
    while (is_there && !lc_publisher_wait(webhook->publisher, PUT_ASIDE_MS, &problem)) {
        bool is_slow = g_error_matches(problem, LC_ERROR, LC_ERROR_RETRY);
        is_there = is_slow && !lc_stopper_is_stopping(webhook->stopper);
        lc_part_fails(&webhook->part, "%s: %s", webhook->options->undelivered, problem->message);
        lc_part_turn(&webhook->part);
        if (is_there)
            g_clear_error(&problem);
        else
            g_propagate_error(error, g_steal_pointer(&problem));
    }
    return is_there;
}

/* Where that can't be written now, it is tried again; other partitions go on meanwhile. */
static bool
put_aside(lc_lane_of_webhook *lane, GError **error)
{
    lc_webhook *webhook = lane->webhook;
    g_autoptr(GError) problem = NULL;
    if (!store_aside(lane, &problem)) {
        if (lc_stopper_is_stopping(webhook->stopper)) {
            g_propagate_error(error, g_steal_pointer(&problem));
            return false;
        }
        lc_part_fails(&webhook->part, "%s: %s", webhook->options->undelivered, problem->message);
        g_clear_pointer(&webhook->publisher, lc_publisher_free);
        lane->again_us = g_get_monotonic_time() + ASIDE_AGAIN_US;
        return true;
    }
    g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "TOPIC", webhook->options->undelivered, "MESSAGE",
                     "%s: %s refused, put aside: %s", webhook->part.name,
                     lane->event.type ? lane->event.type : "an outcome", lane->refused_why);
    count(webhook, &webhook->undelivered);
    end_event(lane);
    lc_part_is_well(&webhook->part);
    return true;
}

/* ---- Tries ---- */

static void
begin_try(lc_lane_of_webhook *lane)
{
    lc_webhook *webhook = lane->webhook;
    int64_t now = g_get_real_time() / G_USEC_PER_SEC;
    lc_text body = {lane->event.json->str, lane->event.json->len};
    g_autofree char *signature = lc_webhook_signature(lc_webhook_key(webhook), lane->event.id, now, body);
    g_autofree char *id = g_strdup_printf("webhook-id: %s", lane->event.id);
    g_autofree char *time = g_strdup_printf("webhook-timestamp: %" G_GINT64_FORMAT, now);
    g_autofree char *signed_by = g_strdup_printf("webhook-signature: %s", signature);
    const char *const headers[] = {id, time, signed_by, NULL};
    if (lane->failures)
        count(webhook, &webhook->retries);
    lane->exchange = lc_http_client_send(webhook->client, webhook->own->url, headers, body);
}

static void
fail_try(lc_lane_of_webhook *lane, const lc_http_exchange *x)
{
    lc_duration delay = lc_delivery_delay(++lane->failures, x->retry_after, g_random_double());
    lane->again_us = g_get_monotonic_time() + delay * 1000;
    if (x->status && x->result == LC_HTTP_ANSWERED)
        lc_part_fails(&lane->webhook->part, "answers HTTP %d; tried again", x->status);
    else
        lc_part_fails(&lane->webhook->part, "%s; tried again", x->problem);
}

static void
end_try(lc_lane_of_webhook *lane)
{
    lc_webhook *webhook = lane->webhook;
    g_autoptr(lc_http_exchange) x = g_steal_pointer(&lane->exchange);
    g_autofree char *why = g_strdup_printf("HTTP %d", x->status);
    switch (lc_delivery_judge(x->result, x->status)) {
    case LC_DELIVERY_DONE:
        count(webhook, &webhook->delivered);
        lc_part_is_well(&webhook->part);
        end_event(lane);
        break;
    case LC_DELIVERY_AGAIN:
        fail_try(lane, x);
        break;
    case LC_DELIVERY_REFUSED:
        refuse(lane, x->status, why);
        break;
    case LC_DELIVERY_GONE:
        webhook->is_gone = true;
        break;
    }
}

/* ---- A step ---- */

static bool
begin_record(lc_lane_of_webhook *lane, bool *any, GError **error)
{
    lc_read_record record;
    int result = lc_subscriber_read(lane->webhook->subscriber, lane->number, &record, error);
    *any = result > 0;
    if (*any)
        keep_record(lane, &record);
    return result >= 0;
}

/* Up to the first event that is to be delivered. */
static bool
find_event(lc_lane_of_webhook *lane, GError **error)
{
    bool any = true;
    for (int i = 0; i < PASSED_A_STEP && any; i++) {
        if (!lane->has_record && !begin_record(lane, &any, error))
            return false;
        if (lane->has_record)
            read_event(lane);
        if (lane->is_event && pass_over(lane))
            continue;
        any = false;
    }
    return true;
}

bool
lc_lane_of_webhook_step(lc_lane_of_webhook *lane, bool may_begin, GError **error)
{
    if (lane->exchange && lane->exchange->is_done)
        end_try(lane);
    if (lane->exchange || lane->webhook->is_gone)
        return true;
    if (g_get_monotonic_time() < lane->again_us)
        return true;
    if (lane->is_refused)
        return put_aside(lane, error);
    if (!may_begin)
        return true;
    if (!lane->is_event && !find_event(lane, error))
        return false;
    if (lane->is_event)
        begin_try(lane);
    return true;
}
