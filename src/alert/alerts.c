/* alerts.c - open breaches as alerts for Alertmanager, and the ends of those that were told before. */
#include <leadclock/alert.h>

#include "breaches.h"
#include "group.h"

#include <leadclock/text.h>

/* An alert as it was told last. */
typedef struct {
    char *labels, *annotations;
    lc_instant starts_at;
    lc_instant ended_at; /* LC_ABSENT: open */
} told_alert;

struct lc_alerts {
    const lc_alerts_options *options;
    GPtrArray *told; /* told_alert: open ones by age, then those that have ended, the last first */
    size_t n_open;
};

static void
free_told(void *data)
{
    told_alert *told = data;
    g_free(told->labels);
    g_free(told->annotations);
    g_free(told);
}

lc_alerts *
lc_alerts_new(const lc_alerts_options *options)
{
    lc_alerts *alerts = g_new0(lc_alerts, 1);
    alerts->options = options;
    alerts->told = g_ptr_array_new_with_free_func(free_told);
    return alerts;
}

void
lc_alerts_free(lc_alerts *alerts)
{
    if (alerts)
        g_ptr_array_unref(alerts->told);
    g_free(alerts);
}

size_t
lc_alerts_open(const lc_alerts *alerts)
{
    return alerts->n_open;
}

/* ---- Grouping ---- */

/* In order of their longest breach. */
static GPtrArray *
make_groups(const lc_alerts *alerts, const GPtrArray *breaches)
{
    GPtrArray *groups = g_ptr_array_new_with_free_func(lc_alert_group_free);
    g_autoptr(GHashTable) by_labels = g_hash_table_new(lc_string_key_hash, g_str_equal);
    g_autoptr(GString) labels = g_string_new(NULL);
    for (guint i = 0; i < breaches->len; i++) {
        const lc_breach_row *row = breaches->pdata[i];
        g_string_truncate(labels, 0);
        lc_labels_write(alerts->options, row, row->level > 0, labels);
        lc_alert_group *group = g_hash_table_lookup(by_labels, labels->str);
        if (group == NULL) {
            group = lc_alert_group_new(g_strdup(labels->str));
            g_hash_table_insert(by_labels, group->labels, group);
            g_ptr_array_add(groups, group);
        }
        lc_alert_group_add(group, row);
    }
    return groups;
}

static told_alert *
tell(const lc_alerts *alerts, const lc_alert_group *group, const char *labels, guint more)
{
    g_autoptr(GString) annotations = g_string_new(NULL);
    told_alert *told = g_new0(told_alert, 1);
    lc_alert_group_write_annotations(group, more, alerts->options->dashboard_url, annotations);
    told->labels = g_strdup(labels);
    told->annotations = g_string_free(g_steal_pointer(&annotations), FALSE);
    told->starts_at = group->since;
    told->ended_at = LC_ABSENT;
    return told;
}

/* The breaches of the groups for which there is no alert of their own, as one. */
static told_alert *
tell_more(const lc_alerts *alerts, const GPtrArray *groups, const GPtrArray *breaches, GHashTable *shown)
{
    g_autoptr(GString) labels = g_string_new(NULL);
    lc_alert_group *rest = lc_alert_group_new(NULL);
    for (guint i = 0; i < breaches->len; i++) {
        const lc_breach_row *row = breaches->pdata[i];
        g_string_truncate(labels, 0);
        lc_labels_write(alerts->options, row, row->level > 0, labels);
        if (!g_hash_table_contains(shown, labels->str))
            lc_alert_group_add(rest, row);
    }
    g_string_truncate(labels, 0);
    lc_labels_write(alerts->options, NULL, rest->is_critical, labels);
    told_alert *told = tell(alerts, rest, labels->str, groups->len - alerts->options->max_alerts);
    lc_alert_group_free(rest);
    return told;
}

/* What is open now; `labels` gets the labels of all. */
static GPtrArray *
tell_open(const lc_alerts *alerts, lc_breaches *breaches, lc_instant now, GHashTable *labels)
{
    g_autoptr(GPtrArray) list = lc_breaches_list(breaches, now);
    g_autoptr(GPtrArray) groups = make_groups(alerts, list);
    GPtrArray *told = g_ptr_array_new_with_free_func(free_told);
    guint n = MIN(groups->len, alerts->options->max_alerts);
    for (guint i = 0; i < n; i++) {
        const lc_alert_group *group = groups->pdata[i];
        told_alert *one = tell(alerts, group, group->labels, 0);
        g_ptr_array_add(told, one);
        g_hash_table_add(labels, one->labels);
    }
    if (groups->len > n) {
        told_alert *more = tell_more(alerts, groups, list, labels);
        g_ptr_array_add(told, more);
        g_hash_table_add(labels, more->labels);
    }
    return told;
}

/* ---- Ends ---- */

/* Those that were told and are open no more. As many as there may be alerts: the others end by themselves. */
static void
keep_ended(lc_alerts *alerts, GPtrArray *told, lc_instant now, GHashTable *open)
{
    guint n = 0;
    for (guint i = 0; i < alerts->told->len && n <= alerts->options->max_alerts; i++) {
        told_alert *one = alerts->told->pdata[i];
        if (g_hash_table_contains(open, one->labels) ||
            (one->ended_at != LC_ABSENT && now - one->ended_at > LC_ALERT_RESOLVED_FOR))
            continue;
        if (one->ended_at == LC_ABSENT)
            one->ended_at = now;
        g_ptr_array_add(told, one);
        alerts->told->pdata[i] = g_new0(told_alert, 1);
        n++;
    }
}

/* ---- The request ---- */

static void
write_alert(const lc_alerts *alerts, const told_alert *told, lc_instant now, GString *json)
{
    bool is_open = told->ended_at == LC_ABSENT;
    lc_instant ends_at = is_open ? now + 4 * alerts->options->every : told->ended_at;
    g_string_append_printf(json, "{\"labels\":%s,\"annotations\":%s", told->labels, told->annotations);
    lc_member_write_instant(json, "startsAt", MIN(told->starts_at, ends_at - 1));
    lc_member_write_instant(json, "endsAt", ends_at);
    if (alerts->options->dashboard_url)
        lc_member_write(json, "generatorURL", lc_text_of(alerts->options->dashboard_url));
    g_string_append_c(json, '}');
}

void
lc_alerts_write(lc_alerts *alerts, lc_breaches *breaches, lc_instant now, GString *json)
{
    g_autoptr(GHashTable) open = g_hash_table_new(lc_string_key_hash, g_str_equal);
    GPtrArray *told = tell_open(alerts, breaches, now, open);
    alerts->n_open = told->len;
    keep_ended(alerts, told, now, open);
    g_ptr_array_unref(alerts->told);
    alerts->told = told;
    g_string_append_c(json, '[');
    for (guint i = 0; i < told->len; i++) {
        g_string_append(json, i ? "," : "");
        write_alert(alerts, told->pdata[i], now, json);
    }
    g_string_append_c(json, ']');
}
