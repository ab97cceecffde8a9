/* Rule 5.3: a stage of the funnel, reached in time. */
#include "clock.h"

static void
progressed(lc_replay *replay, lc_clock_run *run, unsigned stage, lc_instant at)
{
    if (lc_stage_shows(replay->cycle->policy, stage, run->stage))
        lc_clock_serve(replay, run, at, LC_ENDED_BY_PROGRESSED);
}

static void
count(lc_replay *replay, lc_clock_run *run, bool met)
{
    lc_stage_set_add(lc_cycle_stage_set(replay, replay->cycle, met ? LC_STAGES_MET : LC_STAGES_BREACHED), run->stage);
}

const struct lc_clock_kind lc_milestone_kind = {LC_CLOCK_MILESTONE, NULL, progressed, lc_clock_breach, count};
