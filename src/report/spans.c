/* spans.c - durations of many, by group: percentiles, and shares within a time. */
#include "making.h"

struct lc_spans {
    GHashTable *groups; /* group -> group_of_spans */
};

typedef struct {
    GArray *values; /* lc_duration */
    bool sorted;
} group_of_spans;

static void
free_group(gpointer data)
{
    group_of_spans *group = data;
    g_array_unref(group->values);
    g_free(group);
}

lc_spans *
lc_spans_new(void)
{
    lc_spans *spans = g_new(lc_spans, 1);
    spans->groups = g_hash_table_new_full(NULL, NULL, NULL, free_group);
    return spans;
}

void
lc_spans_free(lc_spans *spans)
{
    g_hash_table_unref(spans->groups);
    g_free(spans);
}

static void
add_to(lc_spans *spans, uint32_t number, lc_duration duration)
{
    group_of_spans *group = g_hash_table_lookup(spans->groups, GUINT_TO_POINTER(number));
    if (group == NULL) {
        group = g_new0(group_of_spans, 1);
        group->values = g_array_new(FALSE, FALSE, sizeof(lc_duration));
        g_hash_table_insert(spans->groups, GUINT_TO_POINTER(number), group);
    }
    g_array_append_val(group->values, duration);
    group->sorted = false;
}

void
lc_spans_add(lc_spans *spans, uint32_t group, lc_duration duration)
{
    add_to(spans, 0, duration);
    if (group)
        add_to(spans, group, duration);
}

size_t
lc_spans_count(const lc_spans *spans, uint32_t group)
{
    const group_of_spans *found = g_hash_table_lookup(spans->groups, GUINT_TO_POINTER(group));
    return found ? found->values->len : 0;
}

static int
compare_durations(gconstpointer a, gconstpointer b)
{
    lc_duration one = *(const lc_duration *)a, other = *(const lc_duration *)b;
    return (one > other) - (one < other);
}

static const GArray *
sorted(lc_spans *spans, uint32_t number)
{
    group_of_spans *group = g_hash_table_lookup(spans->groups, GUINT_TO_POINTER(number));
    if (group && !group->sorted)
        g_array_sort(group->values, compare_durations);
    if (group)
        group->sorted = true;
    return group ? group->values : NULL;
}

lc_duration
lc_spans_percentile(lc_spans *spans, uint32_t group, unsigned percent)
{
    const GArray *values = sorted(spans, group);
    if (values == NULL || values->len == 0)
        return LC_ABSENT;
    return g_array_index(values, lc_duration, ((size_t)values->len * percent + 99) / 100 - 1);
}

size_t
lc_spans_within(lc_spans *spans, uint32_t group, lc_duration most)
{
    const GArray *values = sorted(spans, group);
    size_t n = 0;
    while (values && n < values->len && g_array_index(values, lc_duration, n) <= most)
        n++;
    return n;
}
