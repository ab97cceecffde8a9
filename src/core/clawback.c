/* Rule 5.5: a stale lead is taken back. */
#include "clock.h"

static lc_instant
base_of(const lc_cycle *cycle)
{
    lc_instant base = cycle->handoff_at;

    if (cycle->rule->clawback_from_last_activity)
        base = MAX(base, cycle->last_activity_at);
    return MAX(base, cycle->latest_requested);
}

static lc_clock_from
from_of(const lc_cycle *cycle, lc_instant base)
{
    if (base == cycle->handoff_at)
        return LC_FROM_HANDOFF;
    if (cycle->rule->clawback_from_last_activity && base == cycle->last_activity_at)
        return LC_FROM_LAST_ACTIVITY;
    return LC_FROM_REQUESTED_TIME;
}

void
lc_clawback_open(lc_replay *replay)
{
    lc_clock_start(lc_clock_clawback(replay), base_of(replay->cycle));
}

void
lc_clawback_rebase(lc_replay *replay)
{
    lc_clock_run *run = lc_clock_clawback(replay);
    lc_instant base = base_of(replay->cycle);

    if (run->state == LC_RUN_RUNNING && run->started_at != base)
        lc_clock_start(run, base);
}

static void
progressed(lc_replay *replay, lc_clock_run *run, unsigned stage, G_GNUC_UNUSED lc_instant at)
{
    int until = replay->cycle->rule->clawback_until;

    if (until >= 0 && lc_stage_shows(replay->cycle->policy, stage, (unsigned)until))
        lc_clock_stop(run, LC_RUN_DONE);
}

static void
due(lc_replay *replay, lc_clock_run *run)
{
    const lc_cycle *cycle = replay->cycle;
    lc_finding *finding = lc_replay_find(replay, LC_OUTCOME_CLAWED_BACK, run->due_at);

    finding->due_at = run->due_at;
    finding->by = (uint8_t)from_of(cycle, run->started_at);
    finding->clawed_back.last_activity_at = cycle->last_activity_at;
    finding->clawed_back.first_contact_at = cycle->first_contact_at;
    lc_cycle_settle(replay, &(lc_settlement){.cause = LC_CAUSE_CLAWED_BACK,
                                             .at = run->due_at,
                                             .destination = &cycle->rule->clawback_destination,
                                             .resume_at = LC_ABSENT});
}

const struct lc_clock_kind lc_clawback_kind = {LC_CLOCK_CLAWBACK, NULL, progressed, due, NULL};
