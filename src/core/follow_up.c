/* Rule 5.4: sales tried and nobody answered: try again, some times, before giving up. */
#include "clock.h"

static unsigned
count(G_GNUC_UNUSED const lc_policy *policy, const lc_rule *rule)
{
    return rule->has_follow_up;
}

static void
set_up(lc_clock_run *run, const lc_rule *rule, G_GNUC_UNUSED unsigned index)
{
    lc_clock_set_rule(run, &rule->follow_up);
    run->name = LC_TEXT("follow_up");
}

static void
contacted(lc_replay *replay, lc_clock_run *run, const lc_moment *contact)
{
    if (contact->fact->connected)
        lc_clock_contacted(replay, run, contact);
    else
        run->attempts++;
}

static void
after_contact(lc_replay *replay, lc_clock_run *run, const lc_moment *contact)
{
    const lc_cycle *cycle = replay->cycle;

    if (run->state != LC_RUN_IDLE || cycle->connected || cycle->progressed ||
        lc_clock_is_running(lc_clock_find(replay, LC_CLOCK_REQUESTED)))
        return;
    lc_clock_start(replay, run, contact->at);
    run->attempts = 0;
}

/* It may start anew. */
static void
outranked(lc_replay *replay, lc_clock_run *run)
{
    if (lc_clock_is_running(run))
        lc_clock_stop(replay, run, LC_RUN_IDLE);
}

static void
counted(lc_replay *replay, G_GNUC_UNUSED lc_clock_run *run, bool met)
{
    replay->cycle->metrics |= LC_BIT(met ? LC_METRIC_FOLLOW_UP_MET : LC_METRIC_FOLLOW_UP_BREACHED);
}

static bool
expired(lc_replay *replay, lc_clock_run *run, lc_settlement *settlement)
{
    const lc_rule *rule = replay->cycle->rule;

    if (run->attempts < rule->attempts)
        return lc_clock_breach(replay, run, settlement);
    *settlement = (lc_settlement){.cause = LC_CAUSE_UNRESPONSIVE,
                                  .at = run->next,
                                  .destination = &rule->follow_up_destination,
                                  .resume_at = LC_ABSENT};
    counted(replay, run, true);
    lc_clock_stop(replay, run, LC_RUN_MET);
    return true;
}

const struct lc_clock_kind lc_follow_up_kind = {
    .clock = LC_CLOCK_FOLLOW_UP,
    .count = count,
    .set_up = set_up,
    .contacted = contacted,
    .after_contact = after_contact,
    .progressed = lc_clock_progressed,
    .outranked = outranked,
    .expired = expired,
    .counted = counted,
};
