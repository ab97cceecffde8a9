/* Rule 5.3: a stage of the funnel, reached in time. */
#include "clock.h"

static unsigned
count(G_GNUC_UNUSED const lc_policy *policy, const lc_rule *rule)
{
    return rule->n_milestones;
}

static void
set_up(lc_clock_run *run, const lc_rule *rule, unsigned index)
{
    const lc_milestone_rule *milestone = &rule->milestones[index];

    lc_clock_set_rule(run, &milestone->clock);
    run->name = milestone->name;
    run->stage = milestone->stage;
}

static void
opened(lc_replay *replay, lc_clock_run *run, G_GNUC_UNUSED lc_instant follow_up_at)
{
    lc_clock_start(replay, run, replay->cycle->handoff_at);
}

static void
progressed(lc_replay *replay, lc_clock_run *run, unsigned stage, lc_instant at)
{
    if (lc_stage_shows(replay->cycle->policy, stage, run->stage))
        lc_clock_progressed(replay, run, stage, at);
}

static void
counted(lc_replay *replay, lc_clock_run *run, bool met)
{
    lc_stage_set_add(lc_cycle_stage_set(replay, replay->cycle, met ? LC_STAGES_MET : LC_STAGES_BREACHED), run->stage);
}

const struct lc_clock_kind lc_milestone_kind = {
    .clock = LC_CLOCK_MILESTONE,
    .count = count,
    .set_up = set_up,
    .opened = opened,
    .progressed = progressed,
    .expired = lc_clock_breach,
    .counted = counted,
};
