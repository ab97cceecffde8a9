/* counters.c - the counters of section 7, summed. */
#include <leadclock/report.h>

#include <leadclock/text.h>

/* A power of two. */
#define RECENT ((size_t)1024)

struct lc_counter_sums {
    GHashTable *sums;           /* lc_counter * -> itself */
    lc_counter *recent[RECENT]; /* by recent_place; or NULL */
};

static guint
counter_hash(gconstpointer key)
{
    const lc_counter *counter = key;
    uint64_t hash = lc_text_hash(lc_text_hash((uint64_t)counter->cohort, counter->channel), counter->metric);
    return (guint)hash;
}

static gboolean
counter_equal(gconstpointer a, gconstpointer b)
{
    const lc_counter *one = a, *other = b;
    return one->cohort == other->cohort && lc_text_equal(one->metric, other->metric) &&
           lc_text_equal(one->channel, other->channel);
}

lc_counter_sums *
lc_counter_sums_new(void)
{
    lc_counter_sums *counters = g_new0(lc_counter_sums, 1);
    counters->sums = g_hash_table_new_full(counter_hash, counter_equal, g_free, NULL);
    return counters;
}

void
lc_counter_sums_free(lc_counter_sums *counters)
{
    g_hash_table_unref(counters->sums);
    g_free(counters);
}

static lc_counter *
add_counter(lc_counter_sums *counters, const lc_counter *key)
{
    lc_counter *counter = g_malloc(sizeof *counter + key->channel.size + key->metric.size);
    char *texts = (char *)(counter + 1);
    memcpy(texts, key->channel.data, key->channel.size);
    memcpy(texts + key->channel.size, key->metric.data, key->metric.size);
    *counter = (lc_counter){{texts, key->channel.size}, key->cohort, {texts + key->channel.size, key->metric.size}, 0};
    g_hash_table_add(counters->sums, counter);
    return counter;
}

static lc_counter *
find_counter(lc_counter_sums *counters, const lc_counter *key)
{
    lc_counter *counter = g_hash_table_lookup(counters->sums, key);
    return counter ? counter : add_counter(counters, key);
}

/* Where a counter with this key may lie at hand: a name of a metric nearly always lies where it lay the last time, and
 * its address is hashed sooner than its letters. */
static lc_counter **
recent_place(lc_counter_sums *counters, const lc_counter *key)
{
    uint64_t hash = lc_text_hash((uint64_t)(uintptr_t)key->metric.data ^ (uint64_t)key->cohort << 48, key->channel);
    return &counters->recent[hash % RECENT];
}

void
lc_counter_sums_add(lc_counter_sums *counters, const lc_count *count)
{
    const lc_counter key = {count->channel, count->cohort, count->metric, 0};
    lc_counter **recent = recent_place(counters, &key);
    if (*recent == NULL || !counter_equal(*recent, &key))
        *recent = find_counter(counters, &key);
    (*recent)->count += count->delta;
}

static int
compare_counters(gconstpointer a, gconstpointer b)
{
    const lc_counter *one = a, *other = b;
    int order = lc_text_compare(one->channel, other->channel);
    if (order == 0)
        order = (one->cohort > other->cohort) - (one->cohort < other->cohort);
    return order ? order : lc_text_compare(one->metric, other->metric);
}

GArray *
lc_counter_sums_sorted(const lc_counter_sums *counters)
{
    GArray *sorted = g_array_new(FALSE, FALSE, sizeof(lc_counter));
    GHashTableIter iter;
    gpointer counter;
    g_hash_table_iter_init(&iter, counters->sums);
    while (g_hash_table_iter_next(&iter, &counter, NULL))
        if (((lc_counter *)counter)->count != 0)
            g_array_append_vals(sorted, counter, 1);
    g_array_sort(sorted, compare_counters);
    return sorted;
}
