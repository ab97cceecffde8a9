/* Rule 5.4: sales tried and nobody answered: try again, some times, before giving up. */
#include "clock.h"

void
lc_follow_up_consider(lc_replay *replay, const lc_moment *contact)
{
    const lc_cycle *cycle = replay->cycle;
    lc_clock_run *run = lc_clock_follow_up(replay);

    if (!cycle->rule->has_follow_up || run->state != LC_RUN_IDLE || cycle->connected || cycle->progressed ||
        lc_clock_requested(replay)->state == LC_RUN_RUNNING)
        return;
    lc_clock_start(run, contact->at);
    run->attempts = 0;
}

static void
contacted(lc_replay *replay, lc_clock_run *run, const lc_moment *contact)
{
    if (contact->fact->connected)
        lc_clock_serve(replay, run, contact->at, LC_ENDED_BY_CONTACTED);
    else
        run->attempts++;
}

static void
progressed(lc_replay *replay, lc_clock_run *run, G_GNUC_UNUSED unsigned stage, lc_instant at)
{
    lc_clock_serve(replay, run, at, LC_ENDED_BY_PROGRESSED);
}

static void
due(lc_replay *replay, lc_clock_run *run)
{
    const lc_rule *rule = replay->cycle->rule;

    if (run->attempts < rule->attempts) {
        lc_clock_breach(replay, run);
        return;
    }
    lc_clock_serve(replay, run, run->due_at, LC_ENDED_BY_CONTACTED);
    lc_cycle_settle(replay, &(lc_settlement){.cause = LC_CAUSE_UNRESPONSIVE,
                                             .at = run->due_at,
                                             .destination = &rule->follow_up_destination,
                                             .resume_at = LC_ABSENT});
}

static void
count(lc_replay *replay, G_GNUC_UNUSED lc_clock_run *run, bool met)
{
    replay->cycle->metrics |= LC_BIT(met ? LC_METRIC_FOLLOW_UP_MET : LC_METRIC_FOLLOW_UP_BREACHED);
}

const struct lc_clock_kind lc_follow_up_kind = {LC_CLOCK_FOLLOW_UP, contacted, progressed, due, count};
