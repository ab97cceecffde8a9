/* Rule 5.2: the prospect asked to be contacted at a time F: not before it, and soon after. */
#include "clock.h"

void
lc_requested_set(lc_replay *replay, lc_instant at, lc_instant follow_up_at)
{
    lc_cycle *cycle = replay->cycle;
    lc_clock_run *run = lc_clock_requested(replay), *follow_up = lc_clock_follow_up(replay);

    if (!cycle->rule->has_requested_time || follow_up_at <= at)
        return;
    lc_clock_start(run, follow_up_at);
    run->opens_at = follow_up_at - cycle->rule->early;
    run->early = false;
    cycle->latest_requested = MAX(cycle->latest_requested, follow_up_at);
    if (follow_up->state == LC_RUN_RUNNING)
        lc_clock_stop(follow_up, LC_RUN_IDLE);
}

/* Once a clock. Contacts of one instant may each come too early for a clock of their own: they make one outcome, that
 * of the last, because their identities are the same (6.1). */
static void
breach_early(lc_replay *replay, lc_clock_run *run, lc_instant at)
{
    lc_finding *finding = lc_replay_find_early(replay, at);

    finding->clock = LC_CLOCK_REQUESTED;
    finding->clock_name = run->name;
    finding->rule = run->rule;
    finding->early = true;
    finding->due_at = run->opens_at;
    finding->started_at = run->started_at;
    replay->cycle->metrics |= LC_BIT(LC_METRIC_REQUESTED_EARLY);
    run->early = true;
}

static void
contacted(lc_replay *replay, lc_clock_run *run, const lc_moment *contact)
{
    if (run->state != LC_RUN_RUNNING || contact->at >= run->opens_at)
        lc_clock_serve(replay, run, contact->at, LC_ENDED_BY_CONTACTED);
    else if (!run->early)
        breach_early(replay, run, contact->at);
}

static void
progressed(lc_replay *replay, lc_clock_run *run, G_GNUC_UNUSED unsigned stage, lc_instant at)
{
    if (run->state != LC_RUN_RUNNING || at >= run->opens_at)
        lc_clock_serve(replay, run, at, LC_ENDED_BY_PROGRESSED);
}

static void
count(lc_replay *replay, G_GNUC_UNUSED lc_clock_run *run, bool met)
{
    replay->cycle->metrics |= LC_BIT(met ? LC_METRIC_REQUESTED_MET : LC_METRIC_REQUESTED_BREACHED);
}

const struct lc_clock_kind lc_requested_kind = {LC_CLOCK_REQUESTED, contacted, progressed, lc_clock_breach, count};
