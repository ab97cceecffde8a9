/* Rule 5.10: the prospect has asked again, for something that has a sooner first contact. */
#include "clock.h"

static unsigned
count(const lc_policy *policy, G_GNUC_UNUSED const lc_rule *rule)
{
    for (unsigned i = 0; i < policy->n_rules; i++)
        if (policy->rules[i].renew)
            return 1;
    return 0;
}

/* Its rule is that of the latest duplicate. */
static void
set_up(lc_clock_run *run, const lc_rule *rule, G_GNUC_UNUSED unsigned index)
{
    lc_clock_set_rule(run, &rule->first_contact);
    run->name = LC_TEXT("renewed");
}

/* Whether sales is late with a first contact already, or has one to make no later than `due_at`. */
static bool
is_in_the_way(const lc_replay *replay, const lc_clock_run *run, lc_instant at, lc_instant due_at)
{
    if (run->clock > LC_CLOCK_RENEWED)
        return false;
    return run->state == LC_RUN_BREACHED ||
           (run->state == LC_RUN_RUNNING && lc_clock_due_after_pause(replay, run, at) <= due_at);
}

static void
duplicated(lc_replay *replay, lc_clock_run *run, lc_instant at, const lc_rule *rule)
{
    lc_clock_run renewed = *run;

    if (!rule->has_first_contact || !rule->renew)
        return;
    lc_clock_set_rule(&renewed, &rule->first_contact);
    lc_clock_start(replay, &renewed, at);
    lc_instant due_at = lc_clock_due_after_pause(replay, &renewed, at);
    for (guint i = 0; i < replay->runs->len; i++)
        if (is_in_the_way(replay, &g_array_index(replay->runs, lc_clock_run, i), at, due_at))
            return;
    *run = renewed;
}

static void
counted(lc_replay *replay, G_GNUC_UNUSED lc_clock_run *run, bool met)
{
    replay->cycle->metrics |= LC_BIT(met ? LC_METRIC_RENEWED_MET : LC_METRIC_RENEWED_BREACHED);
}

const struct lc_clock_kind lc_renewed_kind = {
    .clock = LC_CLOCK_RENEWED,
    .count = count,
    .set_up = set_up,
    .contacted = lc_clock_contacted,
    .progressed = lc_clock_progressed,
    .duplicated = duplicated,
    .expired = lc_clock_breach,
    .counted = counted,
};
