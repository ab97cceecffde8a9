/* Rule 5.1: the first human contact (or a progress) after the hand-off. */
#include "clock.h"

static unsigned
count(G_GNUC_UNUSED const lc_policy *policy, const lc_rule *rule)
{
    return rule->has_first_contact;
}

static void
set_up(lc_clock_run *run, const lc_rule *rule, G_GNUC_UNUSED unsigned index)
{
    lc_clock_set_rule(run, &rule->first_contact);
    run->name = LC_TEXT("first_contact");
}

/* A time that LeadCreated asks for takes its place. */
static void
opened(lc_replay *replay, lc_clock_run *run, lc_instant follow_up_at)
{
    lc_instant handoff_at = replay->cycle->handoff_at;

    if (!lc_clock_is_asked_for(replay, handoff_at, follow_up_at))
        lc_clock_start(replay, run, handoff_at);
}

static void
counted(lc_replay *replay, G_GNUC_UNUSED lc_clock_run *run, bool met)
{
    replay->cycle->metrics |= LC_BIT(met ? LC_METRIC_FIRST_CONTACT_MET : LC_METRIC_FIRST_CONTACT_BREACHED);
}

const struct lc_clock_kind lc_first_contact_kind = {
    .clock = LC_CLOCK_FIRST_CONTACT,
    .count = count,
    .set_up = set_up,
    .opened = opened,
    .contacted = lc_clock_contacted,
    .progressed = lc_clock_progressed,
    .expired = lc_clock_breach_and_reassign,
    .counted = counted,
};
