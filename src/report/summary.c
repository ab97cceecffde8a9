/* summary.c - counters summed over cohorts. */
#include "summary.h"

struct lc_summary {
    GPtrArray *channels;    /* char * */
    GHashTable *by_channel; /* channel -> metric -> int64_t * */
    GHashTable *of_all;     /* metric -> int64_t * */
};

static GHashTable *
new_sums(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

static void
add(GHashTable *sums, const char *metric, int64_t count)
{
    int64_t *sum = g_hash_table_lookup(sums, metric);
    if (sum == NULL) {
        sum = g_new0(int64_t, 1);
        g_hash_table_insert(sums, g_strdup(metric), sum);
    }
    *sum += count;
}

static GHashTable *
sums_of(lc_summary *summary, lc_text channel)
{
    g_autofree char *name = g_strndup(channel.data, channel.size);
    GHashTable *sums = g_hash_table_lookup(summary->by_channel, name);
    if (sums == NULL) {
        sums = new_sums();
        g_ptr_array_add(summary->channels, g_strdup(name));
        g_hash_table_insert(summary->by_channel, g_steal_pointer(&name), sums);
    }
    return sums;
}

lc_summary *
lc_summary_new(const lc_counter_sums *counters)
{
    lc_summary *summary = g_new(lc_summary, 1);
    summary->channels = g_ptr_array_new_with_free_func(g_free);
    summary->by_channel = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_hash_table_unref);
    summary->of_all = new_sums();
    g_autoptr(GArray) sorted = lc_counter_sums_sorted(counters);
    for (guint i = 0; i < sorted->len; i++) {
        const lc_counter *counter = &g_array_index(sorted, lc_counter, i);
        g_autofree char *metric = g_strndup(counter->metric.data, counter->metric.size);
        add(sums_of(summary, counter->channel), metric, counter->count);
        add(summary->of_all, metric, counter->count);
    }
    return summary;
}

void
lc_summary_free(lc_summary *summary)
{
    g_ptr_array_unref(summary->channels);
    g_hash_table_unref(summary->by_channel);
    g_hash_table_unref(summary->of_all);
    g_free(summary);
}

const GPtrArray *
lc_summary_channels(const lc_summary *summary)
{
    return summary->channels;
}

int64_t
lc_summary_get(const lc_summary *summary, const char *channel, const char *metric)
{
    GHashTable *sums = channel ? g_hash_table_lookup(summary->by_channel, channel) : summary->of_all;
    int64_t *sum = sums ? g_hash_table_lookup(sums, metric) : NULL;
    return sum ? *sum : 0;
}

int64_t
lc_summary_get_named(const lc_summary *summary, const char *channel, const char *prefix, lc_text name)
{
    g_autofree char *metric = g_strdup_printf("%s%.*s", prefix, LC_TEXT_ARGS(name));
    return lc_summary_get(summary, channel, metric);
}

static int
compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

GPtrArray *
lc_summary_names(const lc_summary *summary, const char *prefix)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    GHashTableIter iter;
    gpointer metric;
    g_hash_table_iter_init(&iter, summary->of_all);
    while (g_hash_table_iter_next(&iter, &metric, NULL))
        if (g_str_has_prefix(metric, prefix))
            g_ptr_array_add(names, g_strdup((const char *)metric + strlen(prefix)));
    g_ptr_array_sort(names, compare_names);
    return names;
}
