/* counters.c - absolute counters of a partition, from the changes that judging gives. */
#include "counters.h"

#include <leadclock/codec.h>
#include <leadclock/text.h>

#ifndef LC_KEPT_POPULATIONS /* the simulator keeps fewer */
#define LC_KEPT_POPULATIONS 20000
#endif

/* Counters are published and stored as absolute values (section 7); judging gives changes. */

typedef struct {
    lc_text metric;
    int64_t count;
    int64_t change; /* of it, by this batch */
} counter;          /* the metric's bytes follow */

static void
population_free(void *data)
{
    lc_population *population = data;

    g_hash_table_unref(population->counts);
    g_free((char *)population->name.data);
    g_free(population);
}

lc_partition_counters *
lc_partition_counters_new(void)
{
    lc_partition_counters *counters = g_new0(lc_partition_counters, 1);

    counters->populations = g_hash_table_new_full(lc_text_key_hash, lc_text_key_equal, NULL, population_free);
    counters->channels = g_hash_table_new_full(lc_text_key_hash, lc_text_key_equal, g_free, NULL);
    counters->changed = g_ptr_array_new();
    return counters;
}

void
lc_partition_counters_free(lc_partition_counters *counters)
{
    g_ptr_array_unref(counters->changed);
    g_hash_table_unref(counters->populations);
    g_hash_table_unref(counters->channels);
    g_free(counters);
}

/* A text and its bytes in one allocation. */
static lc_text *
text_copy(lc_text text)
{
    lc_text *copy = g_malloc(sizeof *copy + text.size);

    *copy = (lc_text){memcpy(copy + 1, text.data, text.size), text.size};
    return copy;
}

static void
know_channel(lc_partition_counters *counters, lc_text channel)
{
    if (!g_hash_table_contains(counters->channels, &channel))
        g_hash_table_add(counters->channels, text_copy(channel));
}

void
lc_partition_counters_know(lc_partition_counters *counters, lc_text population)
{
    const char *bar = population.size ? memrchr(population.data, '|', population.size) : NULL;

    if (bar)
        know_channel(counters, (lc_text){population.data, (size_t)(bar - population.data)});
}

/* The channel that it is counted under: one too many is "(other)". */
static lc_text
counted_channel(lc_partition_counters *counters, lc_text channel)
{
    if (g_hash_table_contains(counters->channels, &channel))
        return channel;
    if (g_hash_table_size(counters->channels) >= LC_MAX_CHANNELS)
        return LC_TEXT("(other)");
    know_channel(counters, channel);
    return channel;
}

static lc_population *
population_new(lc_text name, size_t channel_size, int32_t cohort)
{
    lc_population *population = g_new0(lc_population, 1);

    population->name = (lc_text){g_memdup2(name.data, name.size), name.size};
    population->channel = (lc_text){population->name.data, channel_size};
    population->cohort = cohort;
    population->counts = g_hash_table_new_full(lc_text_key_hash, lc_text_key_equal, NULL, g_free);
    return population;
}

static lc_population *
find_population(lc_partition_counters *counters, lc_text channel, int32_t cohort)
{
    lc_population *last = counters->last;
    if (last && last->cohort == cohort && lc_text_equal(last->channel, channel))
        return last;

    channel = counted_channel(counters, channel);
    char name[512];
    g_assert(channel.size + LC_MONTH_TEXT_BYTES + 1 <= sizeof name);
    memcpy(name, channel.data, channel.size);
    name[channel.size] = '|';
    lc_month_format(cohort, name + channel.size + 1);
    lc_text text = {name, channel.size + 1 + strlen(name + channel.size + 1)};

    lc_population *population = g_hash_table_lookup(counters->populations, &text);
    if (population == NULL) {
        population = population_new(text, channel.size, cohort);
        g_hash_table_insert(counters->populations, &population->name, population);
    }
    return counters->last = population;
}

static counter *
find_count(lc_population *population, lc_text metric)
{
    counter *found = g_hash_table_lookup(population->counts, &metric);

    if (found == NULL) {
        found = g_malloc(sizeof *found + metric.size);
        *found = (counter){.metric = {memcpy(found + 1, metric.data, metric.size), metric.size}};
        g_hash_table_insert(population->counts, &found->metric, found);
    }
    return found;
}

void
lc_partition_counters_add(lc_partition_counters *counters, const lc_count *count)
{
    lc_population *population = find_population(counters, count->channel, count->cohort);

    counter *counted = find_count(population, count->metric);

    counted->count += count->delta;
    counted->change += count->delta;
    if (!population->changed) {
        population->changed = true;
        g_ptr_array_add(counters->changed, population);
    }
}

void
lc_partition_counters_load(lc_population *population, const lc_stored_count *counts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        find_count(population, counts[i].metric)->count += counts[i].count;
    population->loaded = true;
}

static bool
is_not_zero(const counter *found)
{
    return found->count != 0;
}

static bool
is_changed(const counter *found)
{
    return found->change != 0;
}

static lc_stored_count *
select_counts(const lc_population *population, bool (*takes)(const counter *found), lc_arena *arena, size_t *n)
{
    lc_stored_count *counts = lc_arena_new(arena, lc_stored_count, g_hash_table_size(population->counts));
    GHashTableIter iter;
    gpointer value;

    *n = 0;
    g_hash_table_iter_init(&iter, population->counts);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const counter *found = value;
        if (takes(found))
            counts[(*n)++] = (lc_stored_count){found->metric, found->count};
    }
    return counts;
}

lc_stored_count *
lc_population_counts(const lc_population *population, lc_arena *arena, size_t *n)
{
    return select_counts(population, is_not_zero, arena, n);
}

lc_stored_count *
lc_population_changes(const lc_population *population, lc_arena *arena, size_t *n)
{
    return select_counts(population, is_changed, arena, n);
}

static void
settle_population(lc_population *population)
{
    GHashTableIter iter;
    gpointer value;

    population->changed = false;
    g_hash_table_iter_init(&iter, population->counts);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        ((counter *)value)->change = 0;
}

void
lc_partition_counters_settle(lc_partition_counters *counters)
{
    for (guint i = 0; i < counters->changed->len; i++)
        settle_population(counters->changed->pdata[i]);
    g_ptr_array_set_size(counters->changed, 0);
    /* Channels times months are without end; what is forgotten is loaded again. */
    if (g_hash_table_size(counters->populations) > LC_KEPT_POPULATIONS) {
        g_hash_table_remove_all(counters->populations);
        counters->last = NULL;
    }
}
