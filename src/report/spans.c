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

static group_of_spans *
group_at(const lc_spans *spans, uint32_t number)
{
    return g_hash_table_lookup(spans->groups, GUINT_TO_POINTER(number));
}

void
lc_spans_add(lc_spans *spans, uint32_t number, lc_duration duration)
{
    group_of_spans *group = group_at(spans, number);
    if (group == NULL) {
        group = g_new0(group_of_spans, 1);
        group->values = g_array_new(FALSE, FALSE, sizeof(lc_duration));
        g_hash_table_insert(spans->groups, GUINT_TO_POINTER(number), group);
    }
    g_array_append_val(group->values, duration);
    group->sorted = false;
}

static int
compare_durations(gconstpointer a, gconstpointer b)
{
    lc_duration one = *(const lc_duration *)a, other = *(const lc_duration *)b;
    return (one > other) - (one < other);
}

/* How many are at most so long. */
static size_t
within(group_of_spans *group, lc_duration most)
{
    if (!group->sorted)
        g_array_sort(group->values, compare_durations);
    group->sorted = true;
    guint low = 0, high = group->values->len;
    while (low < high) {
        guint middle = low + (high - low) / 2;
        if (g_array_index(group->values, lc_duration, middle) <= most)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t
lc_spans_within(lc_spans *spans, uint32_t number, lc_duration most)
{
    group_of_spans *group = group_at(spans, number);
    if (number)
        return group ? within(group, most) : 0;
    GHashTableIter iter;
    gpointer item;
    size_t n = 0;
    g_hash_table_iter_init(&iter, spans->groups);
    while (g_hash_table_iter_next(&iter, NULL, &item))
        n += within(item, most);
    return n;
}

size_t
lc_spans_count(const lc_spans *spans, uint32_t number)
{
    GHashTableIter iter;
    gpointer key, item;
    size_t n = 0;
    g_hash_table_iter_init(&iter, spans->groups);
    while (g_hash_table_iter_next(&iter, &key, &item))
        if (number == 0 || GPOINTER_TO_UINT(key) == number)
            n += ((const group_of_spans *)item)->values->len;
    return n;
}

/* Groups are sorted, all together are not: what is sought is found by how many are at most so long. */
lc_duration
lc_spans_percentile(lc_spans *spans, uint32_t number, unsigned percent)
{
    size_t n = lc_spans_count(spans, number), wanted = (n * percent + 99) / 100;
    if (n == 0)
        return LC_ABSENT;
    lc_duration low = INT64_MIN / 2, high = INT64_MAX / 2;
    while (low < high) {
        lc_duration middle = low + (high - low) / 2;
        if (lc_spans_within(spans, number, middle) >= wanted)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}
