/* Rule 5.9: after a miss the next owner has a first contact of their own to make. */
#include "clock.h"

static unsigned
count(G_GNUC_UNUSED const lc_policy *policy, const lc_rule *rule)
{
    return rule->reassign ? rule->again_times : 0;
}

static void
set_up(lc_clock_run *run, const lc_rule *rule, unsigned index)
{
    lc_clock_set_rule(run, &rule->again_contact);
    run->name = lc_again_names[index];
}

/* The one before it lies before it: first_contact, or the owner's before. */
static void
assigned(lc_replay *replay, lc_clock_run *run, lc_instant at)
{
    if (run->state == LC_RUN_IDLE && run[-1].state == LC_RUN_BREACHED)
        lc_clock_start(replay, run, at);
}

static void
counted(lc_replay *replay, lc_clock_run *run, bool met)
{
    replay->cycle->metrics |= LC_BIT(met ? LC_METRIC_AGAIN_MET : LC_METRIC_AGAIN_BREACHED);
    if (!met)
        replay->cycle->again_breached |= 1u << run->index;
}

const struct lc_clock_kind lc_again_kind = {
    .clock = LC_CLOCK_AGAIN,
    .count = count,
    .set_up = set_up,
    .contacted = lc_clock_contacted,
    .progressed = lc_clock_progressed,
    .assigned = assigned,
    .expired = lc_clock_breach_and_reassign,
    .counted = counted,
};
