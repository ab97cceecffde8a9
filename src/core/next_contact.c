/* Rule 5.12: the prospect hears from sales again, until the lead is far enough. */
#include "clock.h"

static unsigned
count(G_GNUC_UNUSED const lc_policy *policy, const lc_rule *rule)
{
    return rule->has_next_contact;
}

static void
set_up(lc_clock_run *run, const lc_rule *rule, G_GNUC_UNUSED unsigned index)
{
    lc_clock_set_rule(run, &rule->next_contact);
    run->name = LC_TEXT("next_contact");
}

static void
start_anew(lc_replay *replay, lc_clock_run *run, lc_instant at)
{
    if (!run->barred && run->state != LC_RUN_RUNNING && run->state != LC_RUN_BREACHED &&
        !lc_clock_is_running(lc_clock_find(replay, LC_CLOCK_REQUESTED)))
        lc_clock_start(replay, run, at);
}

static void
after_contact(lc_replay *replay, lc_clock_run *run, const lc_moment *contact)
{
    start_anew(replay, run, contact->at);
}

static bool
reaches_until(const lc_replay *replay, unsigned stage)
{
    int until = replay->cycle->rule->next_contact_until;

    return until >= 0 && lc_stage_shows(replay->cycle->policy, stage, (unsigned)until);
}

static void
progressed(lc_replay *replay, lc_clock_run *run, unsigned stage, lc_instant at)
{
    if (lc_clock_is_running(run) && reaches_until(replay, stage))
        lc_clock_stop(replay, run, LC_RUN_STOPPED);
    else
        lc_clock_progressed(replay, run, stage, at);
}

static void
after_progress(lc_replay *replay, lc_clock_run *run, unsigned stage, lc_instant at)
{
    run->barred |= reaches_until(replay, stage);
    start_anew(replay, run, at);
}

static void
outranked(lc_replay *replay, lc_clock_run *run)
{
    if (lc_clock_is_running(run))
        lc_clock_stop(replay, run, LC_RUN_STOPPED);
}

static void
counted(lc_replay *replay, G_GNUC_UNUSED lc_clock_run *run, bool met)
{
    replay->cycle->metrics |= LC_BIT(met ? LC_METRIC_NEXT_CONTACT_MET : LC_METRIC_NEXT_CONTACT_BREACHED);
}

const struct lc_clock_kind lc_next_contact_kind = {
    .clock = LC_CLOCK_NEXT_CONTACT,
    .count = count,
    .set_up = set_up,
    .contacted = lc_clock_contacted,
    .after_contact = after_contact,
    .progressed = progressed,
    .after_progress = after_progress,
    .outranked = outranked,
    .expired = lc_clock_breach,
    .counted = counted,
};
