/* Rule 5.5: a stale lead is taken back. */
#include "clock.h"

static unsigned
count(G_GNUC_UNUSED const lc_policy *policy, G_GNUC_UNUSED const lc_rule *rule)
{
    return 1;
}

static void
set_up(lc_clock_run *run, const lc_rule *rule, G_GNUC_UNUSED unsigned index)
{
    lc_clock_set_rule(run, &rule->clawback);
    run->name = LC_TEXT("clawback");
}

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

static void
opened(lc_replay *replay, lc_clock_run *run, G_GNUC_UNUSED lc_instant follow_up_at)
{
    lc_clock_start(replay, run, base_of(replay->cycle));
}

/* It starts anew where its base has moved. */
static void
rebase(lc_replay *replay, lc_clock_run *run)
{
    lc_instant base = base_of(replay->cycle);

    if (lc_clock_is_running(run) && run->started_at != base)
        lc_clock_start(replay, run, base);
}

static void
after_contact(lc_replay *replay, lc_clock_run *run, G_GNUC_UNUSED const lc_moment *contact)
{
    rebase(replay, run);
}

static void
progressed(lc_replay *replay, lc_clock_run *run, unsigned stage, G_GNUC_UNUSED lc_instant at)
{
    int until = replay->cycle->rule->clawback_until;

    if (until >= 0 && lc_stage_shows(replay->cycle->policy, stage, (unsigned)until))
        lc_clock_stop(replay, run, LC_RUN_STOPPED);
    rebase(replay, run);
}

static bool
expired(lc_replay *replay, lc_clock_run *run, lc_settlement *settlement)
{
    const lc_cycle *cycle = replay->cycle;
    lc_finding *finding = lc_replay_find(replay, LC_OUTCOME_CLAWED_BACK, run->next);

    finding->due_at = lc_clock_due(replay, run);
    finding->by = (uint8_t)from_of(cycle, run->started_at);
    finding->clawed_back.last_activity_at = cycle->last_activity_at;
    finding->clawed_back.first_contact_at = cycle->first_contact_at;
    *settlement = (lc_settlement){.cause = LC_CAUSE_CLAWED_BACK,
                                  .at = run->next,
                                  .destination = &cycle->rule->clawback_destination,
                                  .resume_at = LC_ABSENT};
    return true;
}

const struct lc_clock_kind lc_clawback_kind = {
    .clock = LC_CLOCK_CLAWBACK,
    .count = count,
    .set_up = set_up,
    .opened = opened,
    .after_contact = after_contact,
    .progressed = progressed,
    .expired = expired,
};
