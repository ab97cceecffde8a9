/* reconciler.c - what is broken now, from the table of breaches, told to every Alertmanager again and again. */
#include "reconciler.h"

#include <leadclock/codec.h>

#define OPEN_AGAIN_MS 2000
#define LOOK_MS 100
#define READ_ALL (5 * LC_SECOND)
#define REGISTRY_MS 500
#define MAX_ANSWER_BYTES ((size_t)64 * 1024)

static lc_instant
now(void)
{
    return g_get_real_time() / 1000;
}

/* ---- The table ---- */

static bool
open_table(lc_reconciler *r)
{
    const char *topics[LC_TABLES] = {[LC_ROW_BREACH] = r->options->breaches};
    g_autoptr(GError) error = NULL;
    r->tables = lc_tables_new(&r->options->kafka, r->registry, topics, &error);
    if (r->tables == NULL) {
        lc_part_fails(&r->part, "%s", error->message);
        return false;
    }
    g_clear_pointer(&r->coming, lc_breaches_free);
    r->coming = lc_breaches_new();
    return true;
}

static void
close_table(lc_reconciler *r, const GError *why)
{
    lc_part_fails(&r->part, "%s", why->message);
    g_clear_pointer(&r->tables, lc_tables_free);
}

static void
take_row(lc_reconciler *r, const lc_table_row *row)
{
    lc_breaches *breaches = r->coming ? r->coming : r->breaches;
    if (row->deleted)
        lc_breaches_drop(breaches, &row->breach.event_id);
    else
        lc_breaches_take(breaches, &row->breach);
}

/* Whether there was a row. */
static bool
read_row(lc_reconciler *r, int timeout_ms)
{
    g_autoptr(GError) error = NULL;
    lc_table_row row;
    int result = lc_tables_read(r->tables, timeout_ms, &row, &error);
    if (result > 0) {
        take_row(r, &row);
    } else if (result < 0 && g_error_matches(error, LC_ERROR, LC_ERROR_RETRY)) {
        lc_part_fails(&r->part, "%s", error->message);
        lc_stopper_wait(r->stopper, REGISTRY_MS);
    } else if (result < 0 && g_error_matches(error, LC_ERROR, LC_ERROR_RECORD)) {
        g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE", "passed over: %s", error->message);
    } else if (result < 0) {
        close_table(r, error);
    }
    return result > 0;
}

/* Up to its end, or for `limit`. */
static void
catch_up(lc_reconciler *r, lc_duration limit)
{
    gint64 until_us = g_get_monotonic_time() + limit * 1000;
    while (r->tables && !lc_tables_are_caught_up(r->tables) && !lc_stopper_is_stopping(r->stopper) &&
           g_get_monotonic_time() < until_us) {
        lc_part_turn(&r->part);
        read_row(r, LOOK_MS);
    }
}

static void
tell_progress(lc_reconciler *r)
{
    uint64_t done, all;
    lc_tables_progress(r->tables, &done, &all);
    lc_part_fails(&r->part, "reading the breaches: %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " records", done, all);
}

/* The whole table: the first time nothing is told before; later, what was known before is told meanwhile. */
static void
read_all(lc_reconciler *r)
{
    catch_up(r, r->breaches ? MIN(r->options->alerts.every, READ_ALL) : READ_ALL);
    if (r->tables == NULL)
        return;
    if (!lc_tables_are_caught_up(r->tables)) {
        tell_progress(r);
        return;
    }
    g_clear_pointer(&r->breaches, lc_breaches_free);
    r->breaches = g_steal_pointer(&r->coming);
    lc_part_is_well(&r->part);
}

/* What came until now. While brokers are away, what was read last is what is known, and silence would say that all was
 * mended. */
static void
read_news(lc_reconciler *r)
{
    g_autoptr(GError) error = NULL;
    if (lc_tables_look(r->tables, &error)) {
        catch_up(r, r->options->alerts.every);
        if (r->tables && lc_tables_are_caught_up(r->tables))
            lc_part_is_well(&r->part);
    } else if (g_error_matches(error, LC_ERROR, LC_ERROR_RETRY)) {
        lc_part_fails(&r->part, "%s", error->message);
    } else {
        close_table(r, error);
    }
}

/* ---- Telling ---- */

static void
take_answer(lc_alertmanager *target, const lc_http_exchange *x)
{
    bool is_taken = lc_delivery_judge(x->result, x->status) == LC_DELIVERY_DONE;
    if (is_taken)
        lc_part_is_well(&target->part);
    else if (x->status && x->result == LC_HTTP_ANSWERED)
        lc_part_fails(&target->part, "answers HTTP %d: %.300s", x->status, x->answer->str);
    else
        lc_part_fails(&target->part, "%s", x->problem);
    g_mutex_lock(&target->part.mutex);
    target->succeeded += is_taken;
    target->failed += !is_taken;
    if (is_taken)
        target->last_success = now();
    g_mutex_unlock(&target->part.mutex);
}

static bool
are_done(GPtrArray *exchanges)
{
    for (guint i = 0; i < exchanges->len; i++)
        if (!((const lc_http_exchange *)exchanges->pdata[i])->is_done)
            return false;
    return true;
}

/* All at once. One that does not answer is given up before the next round. */
static void
post(lc_reconciler *r, lc_text body)
{
    g_autoptr(GPtrArray) exchanges = g_ptr_array_new_with_free_func((GDestroyNotify)lc_http_exchange_free);
    for (size_t i = 0; i < r->n_targets; i++)
        g_ptr_array_add(exchanges, lc_http_client_send(r->client, r->targets[i].url, NULL, body));
    while (!are_done(exchanges) && !lc_stopper_is_stopping(r->stopper)) {
        lc_part_turn(&r->part);
        lc_http_client_move(r->client, LOOK_MS);
    }
    for (size_t i = 0; i < r->n_targets; i++)
        if (((const lc_http_exchange *)exchanges->pdata[i])->is_done)
            take_answer(&r->targets[i], exchanges->pdata[i]);
}

static void
tell(lc_reconciler *r)
{
    g_autoptr(GString) json = g_string_new(NULL);
    lc_instant at = now();
    lc_alerts_write(r->alerts, r->breaches, at, json);
    g_mutex_lock(&r->part.mutex);
    r->open_breaches = lc_breaches_count(r->breaches, at);
    r->open_alerts = lc_alerts_open(r->alerts);
    g_mutex_unlock(&r->part.mutex);
    post(r, (lc_text){json->str, json->len});
}

/* ---- The thread ---- */

static void
go_round(lc_reconciler *r, gint64 *next_us)
{
    gint64 left_us = *next_us - g_get_monotonic_time();
    lc_part_turn(&r->part);
    if (r->tables == NULL && !open_table(r))
        lc_stopper_wait(r->stopper, OPEN_AGAIN_MS);
    else if (r->coming)
        read_all(r);
    else if (left_us > 0)
        read_row(r, (int)MIN(left_us / 1000 + 1, LOOK_MS));
    else
        read_news(r);
    if (r->breaches && left_us <= 0) {
        *next_us = MAX(*next_us + r->options->alerts.every * 1000, g_get_monotonic_time());
        tell(r);
    }
}

void *
lc_reconciler_run(void *data)
{
    lc_reconciler *r = data;
    gint64 next_us = g_get_monotonic_time();
    while (!lc_stopper_is_stopping(r->stopper))
        go_round(r, &next_us);
    return NULL;
}

static lc_http_client *
new_client(const lc_alert_options *options)
{
    static const char *const headers[] = {"Content-Type: application/json", "Accept: application/json", NULL};
    return lc_http_client_new(&(lc_http_client_options){.user = options->user,
                                                        .password = options->password,
                                                        .password_file = options->password_file,
                                                        .ca_file = options->ca_file,
                                                        .headers = headers,
                                                        .timeout = MIN(options->timeout, options->alerts.every),
                                                        .max_answer_bytes = MAX_ANSWER_BYTES});
}

static void
init_target(lc_alertmanager *target, const char *url)
{
    size_t size = strlen(url);
    lc_part_init(&target->part, g_strconcat("alertmanager ", url, NULL));
    while (size && url[size - 1] == '/')
        size--;
    target->url = g_strdup_printf("%.*s/api/v2/alerts", (int)size, url);
    target->last_success = LC_ABSENT;
}

bool
lc_reconciler_init(lc_reconciler *r, const lc_alert_options *options, lc_stopper *stopper, GError **error)
{
    *r = (lc_reconciler){.options = options, .stopper = stopper};
    lc_part_init(&r->part, g_strdup("breaches"));
    r->n_targets = g_strv_length((char **)options->alertmanagers);
    r->targets = g_new0(lc_alertmanager, r->n_targets);
    for (size_t i = 0; i < r->n_targets; i++)
        init_target(&r->targets[i], options->alertmanagers[i]);
    r->alerts = lc_alerts_new(&options->alerts);
    r->client = new_client(options);
    r->registry = lc_registry_new(&options->registry, error);
    return r->registry != NULL;
}

void
lc_reconciler_clear(lc_reconciler *r)
{
    g_clear_pointer(&r->tables, lc_tables_free);
    g_clear_pointer(&r->registry, lc_registry_free);
    g_clear_pointer(&r->breaches, lc_breaches_free);
    g_clear_pointer(&r->coming, lc_breaches_free);
    g_clear_pointer(&r->alerts, lc_alerts_free);
    g_clear_pointer(&r->client, lc_http_client_free);
    for (size_t i = 0; i < r->n_targets; i++) {
        lc_part_clear(&r->targets[i].part);
        g_free(r->targets[i].url);
    }
    g_free(r->targets);
    lc_part_clear(&r->part);
}
