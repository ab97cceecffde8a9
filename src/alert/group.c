/* group.c - one alert in the making: its labels, and what is said of its leads. */
#include "group.h"

#include <leadclock/calendar.h>
#include <leadclock/codec.h>
#include <leadclock/text.h>

#define NOBODY "nobody"

/* ---- JSON ---- */

void
lc_member_write(GString *json, const char *name, lc_text value)
{
    if (json->str[json->len - 1] != '{')
        g_string_append_c(json, ',');
    lc_json_write_text(json, lc_text_of(name));
    g_string_append_c(json, ':');
    lc_json_write_text(json, value);
}

void
lc_member_write_instant(GString *json, const char *name, lc_instant instant)
{
    char text[LC_INSTANT_TEXT_BYTES];
    lc_member_write(json, name, lc_text_of(lc_instant_format(instant, text)));
}

/* ---- Labels ---- */

static const struct {
    const char *name;
    size_t at; /* in lc_breach_row */
} text_labels[] = {
    {"policy", offsetof(lc_breach_row, policy)},   {"rule", offsetof(lc_breach_row, rule)},
    {"clock", offsetof(lc_breach_row, clock)},     {"channel", offsetof(lc_breach_row, channel)},
    {"lead_id", offsetof(lc_breach_row, lead_id)}, {"owner", offsetof(lc_breach_row, owner)},
};

static void
write_label(GString *json, const char *name, const lc_breach_row *row)
{
    if (strcmp(name, "kind") == 0)
        lc_member_write(json, name, lc_text_of(row->early ? "EARLY" : "LATE"));
    else if (strcmp(name, "due_at") == 0)
        lc_member_write_instant(json, name, row->due_at);
    for (size_t i = 0; i < G_N_ELEMENTS(text_labels); i++) {
        const lc_text *text = (const lc_text *)((const char *)row + text_labels[i].at);
        /* To Alertmanager an empty label is none. */
        if (strcmp(name, text_labels[i].name) == 0 && text->size)
            lc_member_write(json, name, *text);
    }
}

void
lc_labels_write(const lc_alerts_options *options, const lc_breach_row *row, bool is_critical, GString *json)
{
    g_string_append_c(json, '{');
    lc_member_write(json, "alertname", LC_TEXT("LeadSlaBreached"));
    for (const char *const *name = options->group_by; *name; name++)
        if (strcmp(*name, "severity") == 0)
            lc_member_write(json, *name, lc_text_of(is_critical ? "critical" : "warning"));
        else if (row)
            write_label(json, *name, row);
        else if (strcmp(*name, "lead_id") == 0)
            lc_member_write(json, *name, LC_TEXT("(more)"));
    if (row == NULL)
        lc_member_write(json, "more", LC_TEXT("true"));
    for (const char *const *pair = options->labels; pair && *pair; pair += 2)
        lc_member_write(json, pair[0], lc_text_of(pair[1]));
    g_string_append_c(json, '}');
}

/* ---- The leads of a group ---- */

lc_alert_group *
lc_alert_group_new(char *labels)
{
    lc_alert_group *group = g_new0(lc_alert_group, 1);
    group->labels = labels;
    group->since = LC_NEVER;
    group->longest = g_ptr_array_new();
    group->leads = g_hash_table_new(lc_text_key_hash, lc_text_key_equal);
    group->owners = g_hash_table_new(lc_text_key_hash, lc_text_key_equal);
    return group;
}

void
lc_alert_group_free(void *data)
{
    lc_alert_group *group = data;
    g_free(group->labels);
    g_ptr_array_unref(group->longest);
    g_hash_table_destroy(group->leads);
    g_hash_table_destroy(group->owners);
    g_free(group);
}

void
lc_alert_group_add(lc_alert_group *group, const lc_breach_row *row)
{
    guint n = GPOINTER_TO_UINT(g_hash_table_lookup(group->owners, &row->owner));
    g_hash_table_insert(group->owners, (void *)&row->owner, GUINT_TO_POINTER(n + 1));
    g_hash_table_add(group->leads, (void *)&row->lead_id);
    if (group->longest->len < LC_GROUP_NAMED)
        g_ptr_array_add(group->longest, (void *)row);
    /* An EARLY one is due later than it came. */
    group->since = MIN(group->since, MIN(row->due_at, row->breached_at));
    group->is_critical |= row->level > 0;
}

/* ---- What is said of them ---- */

static lc_text
owner_name(lc_text owner)
{
    return lc_text_is_absent(owner) ? LC_TEXT(NOBODY) : owner;
}

static void
append_text(GString *line, lc_text text)
{
    g_string_append_len(line, text.data, (gssize)text.size);
}

static void
append_longest(const lc_alert_group *group, GString *line)
{
    char due[LC_INSTANT_TEXT_BYTES];
    for (guint i = 0; i < group->longest->len; i++) {
        const lc_breach_row *row = group->longest->pdata[i];
        g_string_append(line, i ? ", " : "");
        append_text(line, row->lead_id);
        g_string_append(line, " (");
        append_text(line, owner_name(row->owner));
        g_string_append_printf(line, ", due %s)", lc_instant_format(row->due_at, due));
    }
    guint n = g_hash_table_size(group->owners) ? g_hash_table_size(group->leads) : 0;
    if (n > group->longest->len)
        g_string_append_printf(line, ", and %u more", n - group->longest->len);
}

typedef struct {
    lc_text name;
    guint n;
} owner_count;

static gint
compare_owners(gconstpointer a, gconstpointer b)
{
    const owner_count *one = a, *other = b;
    return one->n == other->n ? lc_text_compare(one->name, other->name) : one->n > other->n ? -1 : 1;
}

static void
append_owners(const lc_alert_group *group, GString *line)
{
    g_autoptr(GArray) owners = g_array_new(FALSE, FALSE, sizeof(owner_count));
    GHashTableIter all;
    void *name, *n;
    g_hash_table_iter_init(&all, group->owners);
    while (g_hash_table_iter_next(&all, &name, &n)) {
        owner_count one = {owner_name(*(const lc_text *)name), GPOINTER_TO_UINT(n)};
        g_array_append_val(owners, one);
    }
    g_array_sort(owners, compare_owners);
    for (guint i = 0; i < MIN(owners->len, LC_GROUP_NAMED); i++) {
        const owner_count *one = &g_array_index(owners, owner_count, i);
        g_string_append(line, i ? ", " : "");
        append_text(line, one->name);
        g_string_append_printf(line, " %u", one->n);
    }
    if (owners->len > LC_GROUP_NAMED)
        g_string_append_printf(line, ", and %u more", owners->len - LC_GROUP_NAMED);
}

static void
append_summary(const lc_alert_group *group, guint more, GString *line)
{
    const lc_breach_row *first = group->longest->pdata[0];
    char since[LC_INSTANT_TEXT_BYTES];
    guint n = g_hash_table_size(group->leads);
    if (more) {
        g_string_append_printf(line, "%u more alerts like these, of %u leads", more, n);
    } else if (n == 1) {
        append_text(line, first->lead_id);
        g_string_append(line, ": ");
        append_text(line, first->clock);
        g_string_append(line, " is broken");
    } else {
        g_string_append_printf(line, "%u leads: ", n);
        append_text(line, first->clock);
        g_string_append(line, " is broken");
    }
    g_string_append_printf(line, ", since %s", lc_instant_format(group->since, since));
}

static void
write_line(GString *json, const char *name, GString *line)
{
    lc_member_write(json, name, (lc_text){line->str, line->len});
    g_string_truncate(line, 0);
}

void
lc_alert_group_write_annotations(const lc_alert_group *group, guint more, const char *dashboard_url, GString *json)
{
    g_autoptr(GString) line = g_string_new(NULL);
    g_string_append_c(json, '{');
    append_summary(group, more, line);
    write_line(json, "summary", line);
    g_string_append_printf(line, "%u", g_hash_table_size(group->leads));
    write_line(json, "leads", line);
    lc_member_write_instant(json, "since", group->since);
    append_longest(group, line);
    write_line(json, "longest", line);
    append_owners(group, line);
    write_line(json, "owners", line);
    if (dashboard_url)
        lc_member_write(json, "dashboard", lc_text_of(dashboard_url));
    g_string_append_c(json, '}');
}
