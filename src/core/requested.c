/* Rule 5.2: the prospect asked to be contacted at a time F: not before it, and soon after. */
#include "clock.h"

static unsigned
count(G_GNUC_UNUSED const lc_policy *policy, const lc_rule *rule)
{
    return rule->has_requested_time;
}

static void
set_up(lc_clock_run *run, const lc_rule *rule, G_GNUC_UNUSED unsigned index)
{
    lc_clock_set_rule(run, &rule->requested_time);
    run->name = LC_TEXT("requested");
}

static void
outrank_others(lc_replay *replay)
{
    for (guint i = 0; i < replay->runs->len; i++) {
        lc_clock_run *run = &g_array_index(replay->runs, lc_clock_run, i);
        if (run->kind->outranked)
            run->kind->outranked(replay, run);
    }
}

static void
set(lc_replay *replay, lc_clock_run *run, lc_instant at, lc_instant follow_up_at)
{
    lc_cycle *cycle = replay->cycle;

    if (!lc_clock_is_asked_for(replay, at, follow_up_at))
        return;
    lc_clock_start(replay, run, follow_up_at);
    run->opens_at = follow_up_at - cycle->rule->early;
    run->early = false;
    cycle->latest_requested = MAX(cycle->latest_requested, follow_up_at);
    outrank_others(replay);
}

static void
opened(lc_replay *replay, lc_clock_run *run, lc_instant follow_up_at)
{
    set(replay, run, replay->cycle->handoff_at, follow_up_at);
}

/* Once a clock. Contacts of one instant may each come too early for a clock of their own: they make one outcome, that
 * of the last, because their identities are the same (6.1). */
static void
breach_early(lc_replay *replay, lc_clock_run *run, lc_instant at)
{
    lc_finding *finding = lc_replay_find_early(replay, at);

    finding->clock = LC_CLOCK_REQUESTED;
    finding->waits = false;
    finding->clock_name = run->name;
    finding->rule = run->rule;
    finding->early = true;
    finding->due_at = run->opens_at;
    finding->breached.started_at = run->started_at;
    finding->breached.target = run->target;
    replay->cycle->metrics |= LC_BIT(LC_METRIC_REQUESTED_EARLY);
    run->early = true;
}

static void
contacted(lc_replay *replay, lc_clock_run *run, const lc_moment *contact)
{
    if (run->state != LC_RUN_RUNNING || contact->at >= run->opens_at)
        lc_clock_contacted(replay, run, contact);
    else if (!run->early)
        breach_early(replay, run, contact->at);
}

static void
after_contact(lc_replay *replay, lc_clock_run *run, const lc_moment *contact)
{
    set(replay, run, contact->at, contact->fact->follow_up_at);
}

static void
progressed(lc_replay *replay, lc_clock_run *run, unsigned stage, lc_instant at)
{
    if (run->state != LC_RUN_RUNNING || at >= run->opens_at)
        lc_clock_progressed(replay, run, stage, at);
}

static void
counted(lc_replay *replay, G_GNUC_UNUSED lc_clock_run *run, bool met)
{
    replay->cycle->metrics |= LC_BIT(met ? LC_METRIC_REQUESTED_MET : LC_METRIC_REQUESTED_BREACHED);
}

const struct lc_clock_kind lc_requested_kind = {
    .clock = LC_CLOCK_REQUESTED,
    .runs_in_pauses = true,
    .count = count,
    .set_up = set_up,
    .opened = opened,
    .contacted = contacted,
    .after_contact = after_contact,
    .progressed = progressed,
    .expired = lc_clock_breach,
    .counted = counted,
};
