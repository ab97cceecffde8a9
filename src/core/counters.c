/* Section 7: counters are sums over cycles, each in the population of its own hand-off. */
#include "counters.h"

typedef enum { PLAIN, REACHED, REACHED_BY_AGE, HELD_BACK_REACHED, MILESTONE_MET, MILESTONE_BREACHED, REJECTED } family;

/* A counter goes up or down. */
typedef struct {
    lc_text channel;
    int32_t cohort;
    family family;
    lc_metric metric; /* PLAIN */
    lc_text suffix;   /* the others: the stage or the reason */
    unsigned age;     /* REACHED_BY_AGE */
    int32_t delta;
} change;

void
lc_counters_init(lc_counters *counters)
{
    *counters = (lc_counters){
        .changes = lc_array_new(change),
        .counts = lc_array_new(lc_count),
    };
}

void
lc_counters_clear(lc_counters *counters)
{
    g_array_unref(counters->changes);
    g_array_unref(counters->counts);
    lc_arena_clear(&counters->arena);
}

/* ---- Changes ---- */

static void
count_plain(lc_counters *counters, const change *template, uint64_t metrics)
{
    for (; metrics; metrics &= metrics - 1) {
        change *added = lc_array_add(counters->changes, change);
        *added = *template;
        added->metric = (lc_metric)__builtin_ctzll(metrics);
    }
}

static change *
count_suffixed(lc_counters *counters, const change *template, family family, lc_text suffix)
{
    change *added = lc_array_add(counters->changes, change);

    *added = *template;
    added->family = family;
    added->suffix = suffix;
    return added;
}

static void
count_reason(lc_counters *counters, const change *template, const lc_cycle *cycle)
{
    if (cycle->rejected_as >= 0)
        count_suffixed(counters, template, REJECTED, cycle->policy->reasons[cycle->rejected_as].name);
}

/* The stages that are in this set but not in that (NULL: none), as words of bits. */
static inline void
count_stages(lc_counters *counters, const change *template, family family, const lc_policy *policy,
             const uint64_t *these, const uint64_t *those)
{
    for (guint word = 0; word < lc_stage_words(policy); word++)
        for (uint64_t bits = these[word] & ~(those ? those[word] : 0); bits; bits &= bits - 1)
            count_suffixed(counters, template, family, policy->stages[word * 64 + (guint)__builtin_ctzll(bits)].name);
}

static void
count_milestones(lc_counters *counters, const change *template, const lc_policy *policy, const uint64_t *these,
                 const uint64_t *those)
{
    guint met = LC_STAGES_MET * lc_stage_words(policy), breached = LC_STAGES_BREACHED * lc_stage_words(policy);

    count_stages(counters, template, MILESTONE_MET, policy, these + met, those ? those + met : NULL);
    count_stages(counters, template, MILESTONE_BREACHED, policy, these + breached, those ? those + breached : NULL);
}

/* By age too; besides where a gate held it back. */
static void
count_stage_reached(lc_counters *counters, const change *template, const lc_replay *replay, const lc_cycle *cycle,
                    unsigned stage)
{
    lc_text name = cycle->policy->stages[stage].name;

    count_suffixed(counters, template, REACHED, name);
    count_suffixed(counters, template, REACHED_BY_AGE, name)->age =
        lc_stage_age(cycle, lc_stage_reached_at(replay, cycle, stage));
    if (cycle->metrics & LC_METRICS_HELD_BACK)
        count_suffixed(counters, template, HELD_BACK_REACHED, name);
}

static void
count_reached(lc_counters *counters, const change *template, const lc_replay *replay, const lc_cycle *cycle)
{
    const uint64_t *reached = lc_cycle_stage_set(replay, cycle, LC_STAGES_REACHED);

    for (guint word = 0; cycle->n_stages && word < lc_stage_words(cycle->policy); word++)
        for (uint64_t bits = reached[word]; bits; bits &= bits - 1)
            count_stage_reached(counters, template, replay, cycle, word * 64 + (guint)__builtin_ctzll(bits));
}

static change
template_of(const lc_cycle *cycle, int32_t delta)
{
    return (change){.channel = cycle->created->channel,
                    .cohort = lc_zone_month(cycle->policy->reporting_zone, cycle->handoff_at),
                    .delta = delta};
}

static void
count_cycle(lc_counters *counters, const lc_replay *replay, const lc_cycle *cycle, int32_t delta)
{
    change template = template_of(cycle, delta);

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
    change up = template_of(is, 1), down = up;
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

    if (a->cohort != b->cohort)
        return a->cohort < b->cohort ? -1 : 1;
    if (a->family != b->family)
        return a->family < b->family ? -1 : 1;
    if (a->metric != b->metric)
        return a->metric < b->metric ? -1 : 1;
    if (a->age != b->age)
        return a->age < b->age ? -1 : 1;
    if ((order = lc_text_compare(a->suffix, b->suffix)) != 0)
        return order;
    return lc_text_compare(a->channel, b->channel);
}

/* At most 24 (section 7). */
static lc_text
age_of(const change *change)
{
    static const char ages[] = "@0@1@2@3@4@5@6@7@8@9@10@11@12@13@14@15@16@17@18@19@20@21@22@23@24";
    bool is_short = change->age < 10;

    if (change->family != REACHED_BY_AGE)
        return LC_NO_TEXT;
    return (lc_text){ages + (is_short ? 2 * change->age : 3 * change->age - 10), is_short ? 2 : 3};
}

static lc_text
join(lc_arena *arena, lc_text prefix, lc_text suffix, lc_text end)
{
    const lc_text parts[] = {prefix, suffix, end};
    size_t size = prefix.size + suffix.size + end.size;
    char *text = lc_arena_alloc(arena, size), *to = text;

    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        if (parts[i].size)
            memcpy(to, parts[i].data, parts[i].size);
        to += parts[i].size;
    }
    return (lc_text){text, size};
}

static lc_text
name_of(lc_counters *counters, const change *change)
{
    static const lc_text plain[LC_METRICS] = {
        [LC_METRIC_HANDED_OFF] = LC_TEXT("handed_off"),
        [LC_METRIC_OPENED] = LC_TEXT("opened"),
        [LC_METRIC_COOLED_DOWN] = LC_TEXT("cooled_down"),
        [LC_METRIC_OPEN_DIALOGUE] = LC_TEXT("open_dialogue"),
        [LC_METRIC_NOT_QUALIFIED] = LC_TEXT("not_qualified"),
        [LC_METRIC_DUPLICATE] = LC_TEXT("duplicate"),
        [LC_METRIC_CONTACTED] = LC_TEXT("contacted"),
        [LC_METRIC_RESPONDED_1M] = LC_TEXT("responded:1m"),
        LC_TEXT("responded:5m"),
        LC_TEXT("responded:15m"),
        LC_TEXT("responded:1h"),
        LC_TEXT("responded:4h"),
        LC_TEXT("responded:24h"),
        LC_TEXT("responded:48h"),
        LC_TEXT("responded:7d"),
        LC_TEXT("responded:later"),
        [LC_METRIC_RESPONDED_OPEN_1M] = LC_TEXT("responded_open:1m"),
        LC_TEXT("responded_open:5m"),
        LC_TEXT("responded_open:15m"),
        LC_TEXT("responded_open:1h"),
        LC_TEXT("responded_open:4h"),
        LC_TEXT("responded_open:24h"),
        LC_TEXT("responded_open:48h"),
        LC_TEXT("responded_open:7d"),
        LC_TEXT("responded_open:later"),
        [LC_METRIC_FIRST_CONTACT_MET] = LC_TEXT("first_contact_met"),
        [LC_METRIC_FIRST_CONTACT_BREACHED] = LC_TEXT("first_contact_breached"),
        [LC_METRIC_AGAIN_MET] = LC_TEXT("again_met"),
        [LC_METRIC_AGAIN_BREACHED] = LC_TEXT("again_breached"),
        [LC_METRIC_RENEWED_MET] = LC_TEXT("renewed_met"),
        [LC_METRIC_RENEWED_BREACHED] = LC_TEXT("renewed_breached"),
        [LC_METRIC_REQUESTED_MET] = LC_TEXT("requested_met"),
        [LC_METRIC_REQUESTED_BREACHED] = LC_TEXT("requested_breached"),
        [LC_METRIC_REQUESTED_EARLY] = LC_TEXT("requested_early"),
        [LC_METRIC_FOLLOW_UP_MET] = LC_TEXT("follow_up_met"),
        [LC_METRIC_FOLLOW_UP_BREACHED] = LC_TEXT("follow_up_breached"),
        [LC_METRIC_NEXT_CONTACT_MET] = LC_TEXT("next_contact_met"),
        [LC_METRIC_NEXT_CONTACT_BREACHED] = LC_TEXT("next_contact_breached"),
        [LC_METRIC_ESCALATED] = LC_TEXT("escalated"),
        [LC_METRIC_PAUSED] = LC_TEXT("paused"),
        [LC_METRIC_REJECTED] = LC_TEXT("rejected"),
        [LC_METRIC_REASON_UNKNOWN] = LC_TEXT("reason_unknown"),
        [LC_METRIC_REJECTED_LATE] = LC_TEXT("rejected_late"),
        [LC_METRIC_CLAWED_BACK] = LC_TEXT("clawed_back"),
        [LC_METRIC_UNRESPONSIVE] = LC_TEXT("unresponsive"),
        [LC_METRIC_COMPLETED] = LC_TEXT("completed"),
        [LC_METRIC_MERGED] = LC_TEXT("merged"),
        [LC_METRIC_ERASED] = LC_TEXT("erased"),
    };
    static const lc_text prefixes[] = {[REACHED] = LC_TEXT("reached:"),
                                       [REACHED_BY_AGE] = LC_TEXT("reached:"),
                                       [HELD_BACK_REACHED] = LC_TEXT("held_back_reached:"),
                                       [MILESTONE_MET] = LC_TEXT("milestone_met:"),
                                       [MILESTONE_BREACHED] = LC_TEXT("milestone_breached:"),
                                       [REJECTED] = LC_TEXT("rejected:")};

    if (change->family == PLAIN)
        return plain[change->metric];
    return join(&counters->arena, prefixes[change->family], change->suffix, age_of(change));
}

static void
add_count(lc_counters *counters, const change *change, int32_t delta)
{
    lc_count *added = lc_array_add(counters->counts, lc_count);

    *added = (lc_count){change->channel, change->cohort, name_of(counters, change), delta};
}

/* No counter has changed twice. */
static void
tell_each(lc_counters *counters)
{
    for (guint i = 0; i < counters->changes->len; i++) {
        const change *one = &g_array_index(counters->changes, change, i);
        add_count(counters, one, one->delta);
    }
}

/* Changes of one counter lie side by side. */
static void
add_up(lc_counters *counters)
{
    change *changes = (change *)(void *)counters->changes->data;
    guint n = counters->changes->len;

    for (guint i = 0, next; i < n; i = next) {
        int32_t delta = changes[i].delta;
        for (next = i + 1; next < n && compare_changes(&changes[i], &changes[next], NULL) == 0; next++)
            delta += changes[next].delta;
        if (delta)
            add_count(counters, &changes[i], delta);
    }
}

void
lc_counters_make(lc_counters *counters, const lc_replay *before, const lc_replay *after)
{
    lc_array_empty(counters->changes);
    lc_array_empty(counters->counts);
    lc_arena_reset(&counters->arena);

    if (!collect(counters, before, after) || counters->changes->len <= 1) {
        tell_each(counters);
        return;
    }
    g_qsort_with_data(counters->changes->data, (gint)counters->changes->len, sizeof(change), compare_changes, NULL);
    add_up(counters);
}
