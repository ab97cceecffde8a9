/* summary.c - the counters of section 7, summed over cohorts. */
#include "summary.h"

#include "months.h"

#include <leadclock/text.h>

struct lc_summary {
    GPtrArray *channels;    /* char * */
    GHashTable *by_channel; /* channel -> metric -> int64_t * */
    GHashTable *of_all;     /* metric -> int64_t * */
    bool is_whole;
};

static GHashTable *
new_sums(void)
{
    return g_hash_table_new_full(lc_string_key_hash, g_str_equal, g_free, g_free);
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

void
lc_summary_add(lc_summary *summary, lc_text channel, const char *metric, int64_t count)
{
    add(sums_of(summary, channel), metric, count);
    add(summary->of_all, metric, count);
}

static void
add_counters(lc_summary *summary, const lc_ledger *ledger, int32_t first, int32_t end)
{
    GHashTableIter iter;
    gpointer item;
    g_hash_table_iter_init(&iter, ledger->counters);
    while (g_hash_table_iter_next(&iter, &item, NULL)) {
        const lc_ledger_counter *counter = item;
        if (counter->value && counter->cohort >= first && counter->cohort < end)
            lc_summary_add(summary, lc_ledger_text(ledger, counter->channel),
                           lc_ledger_text(ledger, counter->metric).data, counter->value);
    }
}

static int
compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

lc_summary *
lc_summary_new(const lc_ledger *ledger, const lc_report_question *question)
{
    lc_summary *summary = g_new0(lc_summary, 1);
    int32_t first, end;
    summary->channels = g_ptr_array_new_with_free_func(g_free);
    summary->by_channel =
        g_hash_table_new_full(lc_string_key_hash, g_str_equal, g_free, (GDestroyNotify)g_hash_table_unref);
    summary->of_all = new_sums();
    summary->is_whole = lc_months_between(question->book, question->from, question->to, &first, &end);
    if (summary->is_whole)
        add_counters(summary, ledger, first, end);
    else
        lc_summary_add_rows(summary, ledger, question);
    g_ptr_array_sort(summary->channels, compare_names);
    return summary;
}

bool
lc_summary_is_whole(const lc_summary *summary)
{
    return summary->is_whole;
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
