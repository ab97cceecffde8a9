/* Section 7: counters are sums over cycles, each in the population of its own hand-off. */
#include "counters.h"

/* A counter goes up or down. */
typedef struct {
    lc_count count;
    unsigned order; /* among the counters of a population; those of one order are told apart by their names */
} change;

enum { ORDER_OF_STAGES = LC_METRICS, ORDER_OF_REASONS = ORDER_OF_STAGES + LC_STAGE_COUNTERS };

void
lc_counters_init(lc_counters *counters, const lc_policy_book *book)
{
    *counters = (lc_counters){
        .names = lc_counter_names_new(book),
        .changes = lc_array_new(change),
        .counts = lc_array_new(lc_count),
    };
}

void
lc_counters_clear(lc_counters *counters)
{
    lc_counter_names_free(counters->names);
    g_array_unref(counters->changes);
    g_array_unref(counters->counts);
}

/* ---- Changes ---- */

static void
add_change(lc_counters *counters, const lc_count *template, lc_text metric, unsigned order)
{
    change *added = lc_array_add(counters->changes, change);

    added->count = *template;
    added->count.metric = metric;
    added->order = order;
}

static void
count_plain(lc_counters *counters, const lc_count *template, uint64_t metrics)
{
    for (; metrics; metrics &= metrics - 1) {
        unsigned metric = (unsigned)__builtin_ctzll(metrics);
        add_change(counters, template, lc_metric_names[metric], metric);
    }
}

static void
count_stage(lc_counters *counters, const lc_count *template, const lc_policy *policy, unsigned stage,
            lc_stage_counter counter)
{
    add_change(counters, template, lc_counter_name_of_stage(counters->names, policy, stage, counter),
               ORDER_OF_STAGES + counter);
}

static void
count_reason(lc_counters *counters, const lc_count *template, const lc_cycle *cycle)
{
    if (cycle->rejected_as >= 0)
        add_change(counters, template,
                   lc_counter_name_of_reason(counters->names, cycle->policy, (unsigned)cycle->rejected_as),
                   ORDER_OF_REASONS);
}

/* The stages that are in this set but not in that (NULL: none), as words of bits. */
static inline void
count_stages(lc_counters *counters, const lc_count *template, lc_stage_counter counter, const lc_policy *policy,
             const uint64_t *these, const uint64_t *those)
{
    for (guint word = 0; word < lc_stage_words(policy); word++)
        for (uint64_t bits = these[word] & ~(those ? those[word] : 0); bits; bits &= bits - 1)
            count_stage(counters, template, policy, word * 64 + (guint)__builtin_ctzll(bits), counter);
}

static void
count_milestones(lc_counters *counters, const lc_count *template, const lc_policy *policy, const uint64_t *these,
                 const uint64_t *those)
{
    guint met = LC_STAGES_MET * lc_stage_words(policy), breached = LC_STAGES_BREACHED * lc_stage_words(policy);

    count_stages(counters, template, LC_STAGE_COUNTED_MET, policy, these + met, those ? those + met : NULL);
    count_stages(counters, template, LC_STAGE_COUNTED_BREACHED, policy, these + breached,
                 those ? those + breached : NULL);
}

/* By age too; besides where a gate held it back. */
static void
count_stage_reached(lc_counters *counters, const lc_count *template, const lc_replay *replay, const lc_cycle *cycle,
                    unsigned stage)
{
    unsigned age = lc_stage_age(cycle, lc_stage_reached_at(replay, cycle, stage));

    count_stage(counters, template, cycle->policy, stage, LC_STAGE_COUNTED_REACHED);
    count_stage(counters, template, cycle->policy, stage, LC_STAGE_COUNTED_AT_AGE + age);
    if (cycle->metrics & LC_METRICS_HELD_BACK)
        count_stage(counters, template, cycle->policy, stage, LC_STAGE_COUNTED_HELD_BACK);
}

static void
count_reached(lc_counters *counters, const lc_count *template, const lc_replay *replay, const lc_cycle *cycle)
{
    const uint64_t *reached = lc_cycle_stage_set(replay, cycle, LC_STAGES_REACHED);

    for (guint word = 0; cycle->n_stages && word < lc_stage_words(cycle->policy); word++)
        for (uint64_t bits = reached[word]; bits; bits &= bits - 1)
            count_stage_reached(counters, template, replay, cycle, word * 64 + (guint)__builtin_ctzll(bits));
}

static lc_count
template_of(const lc_cycle *cycle, int32_t delta)
{
    return (lc_count){.channel = cycle->created->channel,
                      .cohort = lc_zone_month(cycle->policy->reporting_zone, cycle->handoff_at),
                      .delta = delta};
}

static void
count_cycle(lc_counters *counters, const lc_replay *replay, const lc_cycle *cycle, int32_t delta)
{
    lc_count template = template_of(cycle, delta);

    count_plain(counters, &template, cycle->metrics);
    count_reached(counters, &template, replay, cycle);
    count_milestones(counters, &template, cycle->policy, lc_cycle_stage_set(replay, cycle, LC_STAGES_NAMED), NULL);
    count_reason(counters, &template, cycle);
}

/* The stages that both named, and when. */
static bool
reached_alike(const lc_replay *before, const lc_cycle *was, const lc_replay *after, const lc_cycle *is)
{
    const lc_stage_reached *then = lc_cycle_stages(before, was), *now = lc_cycle_stages(after, is);

    if (was->n_stages != is->n_stages)
        return false;
    for (guint i = 0; i < is->n_stages; i++)
        if (then[i].at != now[i].at || !lc_text_equal(then[i].stage, now[i].stage))
            return false;
    return true;
}

/* Of one population and one document: only what differs; what changes both ways adds up to nothing. */
static bool
count_difference(lc_counters *counters, const lc_replay *before, const lc_cycle *was, const lc_replay *after,
                 const lc_cycle *is)
{
    const uint64_t *sets_then = lc_cycle_stage_set(before, was, LC_STAGES_NAMED);
    const uint64_t *sets_now = lc_cycle_stage_set(after, is, LC_STAGES_NAMED);
    gsize bytes = LC_STAGE_SETS * lc_stage_words(is->policy) * sizeof(uint64_t);
    bool same_sets = memcmp(sets_then, sets_now, bytes) == 0;
    bool same_reached = reached_alike(before, was, after, is) && !((was->metrics ^ is->metrics) & LC_METRICS_HELD_BACK);

    if (was->metrics == is->metrics && was->rejected_as == is->rejected_as && same_sets && same_reached)
        return false;
    lc_count up = template_of(is, 1), down = up;
    down.delta = -1;
    count_plain(counters, &down, was->metrics & ~is->metrics);
    count_plain(counters, &up, is->metrics & ~was->metrics);
    if (!same_sets) {
        count_milestones(counters, &down, is->policy, sets_then, sets_now);
        count_milestones(counters, &up, is->policy, sets_now, sets_then);
    }
    if (!same_reached) {
        count_reached(counters, &down, before, was);
        count_reached(counters, &up, after, is);
    }
    if (was->rejected_as != is->rejected_as) {
        count_reason(counters, &down, was);
        count_reason(counters, &up, is);
    }
    return !same_reached && was->n_stages > 0;
}

static const lc_cycle *
cycle_of(const lc_replay *replay, guint number)
{
    return number >= replay->first_number && number < replay->first_number + replay->cycles->len
               ? &g_array_index(replay->cycles, lc_cycle, number - replay->first_number)
               : NULL;
}

static bool
is_same_population(const lc_cycle *was, const lc_cycle *is)
{
    return was->policy == is->policy && was->created == is->created && was->handoff_at == is->handoff_at;
}

/* Whether a counter may have changed more than once. */
static bool
collect(lc_counters *counters, const lc_replay *before, const lc_replay *after)
{
    guint end = MAX(before->first_number + before->cycles->len, after->cycles->len);
    bool several = end > before->first_number + 1;

    for (guint number = before->first_number; number < end; number++) {
        const lc_cycle *was = cycle_of(before, number), *is = cycle_of(after, number);
        if (was && is && is_same_population(was, is)) {
            several |= count_difference(counters, before, was, after, is);
            continue;
        }
        several |= was != NULL;
        if (was)
            count_cycle(counters, before, was, -1);
        if (is)
            count_cycle(counters, after, is, 1);
    }
    return several;
}

/* ---- Adding up ---- */

static int
compare_changes(const void *one, const void *other, G_GNUC_UNUSED void *unused)
{
    const change *a = one, *b = other;
    int order;

    if (a->count.cohort != b->count.cohort)
        return a->count.cohort < b->count.cohort ? -1 : 1;
    if (a->order != b->order)
        return a->order < b->order ? -1 : 1;
    if ((order = lc_text_compare(a->count.metric, b->count.metric)) != 0)
        return order;
    return lc_text_compare(a->count.channel, b->count.channel);
}

/* No counter has changed twice. */
static void
tell_each(lc_counters *counters)
{
    for (guint i = 0; i < counters->changes->len; i++)
        *lc_array_add(counters->counts, lc_count) = g_array_index(counters->changes, change, i).count;
}

/* Changes of one counter lie side by side. */
static void
add_up(lc_counters *counters)
{
    change *changes = (change *)(void *)counters->changes->data;
    guint n = counters->changes->len;

    for (guint i = 0, next; i < n; i = next) {
        lc_count count = changes[i].count;
        for (next = i + 1; next < n && compare_changes(&changes[i], &changes[next], NULL) == 0; next++)
            count.delta += changes[next].count.delta;
        if (count.delta)
            *lc_array_add(counters->counts, lc_count) = count;
    }
}

void
lc_counters_make(lc_counters *counters, const lc_replay *before, const lc_replay *after)
{
    lc_array_empty(counters->changes);
    lc_array_empty(counters->counts);

    if (!collect(counters, before, after) || counters->changes->len <= 1) {
        tell_each(counters);
        return;
    }
    g_qsort_with_data(counters->changes->data, (gint)counters->changes->len, sizeof(change), compare_changes, NULL);
    add_up(counters);
}
