/* Rule 4.3: the gates, checked in this order at each hand-off by LeadCreated. */
#include "gates.h"

static void
hold_back(const lc_replay *replay, lc_cause cause, const lc_destination *destination, lc_settlement *settlement)
{
    *settlement = (lc_settlement){
        .cause = cause, .at = replay->cycle->handoff_at, .destination = destination, .resume_at = LC_ABSENT};
}

static bool
cooldown(lc_replay *replay, lc_settlement *settlement)
{
    if (replay->cycle->handoff_at >= replay->cooldown_ends)
        return false;
    hold_back(replay, LC_CAUSE_COOLDOWN, replay->cooldown_destination, settlement);
    settlement->reason = replay->cooldown_reason;
    return true;
}

/* What waits when the gates are asked is what happened since the last settlement and is not given to this hand-off. */
static bool
open_dialogue(lc_replay *replay, lc_settlement *settlement)
{
    const lc_cycle *cycle = replay->cycle;
    const lc_policy *policy = cycle->policy;

    if (!policy->has_open_dialogue)
        return false;
    for (guint i = replay->waiting->len; i-- > 0;) {
        const lc_moment *moment = &g_array_index(replay->waiting, lc_moment, i);
        if (moment->fact->type != LC_FACT_CONTACTED || moment->at >= cycle->handoff_at - policy->clock_skew)
            continue;
        if (moment->at < cycle->handoff_at - policy->open_dialogue_within)
            return false;
        hold_back(replay, LC_CAUSE_OPEN_DIALOGUE, &policy->open_dialogue_destination, settlement);
        settlement->to_owner = moment->fact->owner;
        return true;
    }
    return false;
}

static bool
holds(const lc_criterion *criterion, const lc_fact *created)
{
    return lc_condition_holds(criterion->when, created->channel, created->attributes, created->n_attributes);
}

static bool
qualification(lc_replay *replay, lc_settlement *settlement)
{
    lc_cycle *cycle = replay->cycle;
    const lc_policy *policy = cycle->policy;
    bool qualified = true;

    if (!policy->has_qualification)
        return false;
    for (unsigned i = 0; i < policy->n_requires; i++)
        qualified = qualified && holds(&policy->requires[i], cycle -> created);
    for (unsigned i = 0; i < policy->n_signals; i++)
        cycle->score += holds(&policy->signals[i], cycle->created) ? policy->signals[i].points : 0;
    cycle->has_score = true;
    if (qualified && cycle->score >= policy->threshold)
        return false;
    hold_back(replay, LC_CAUSE_NOT_QUALIFIED, &policy->not_qualified_destination, settlement);
    return true;
}

bool
lc_gates_hold_back(lc_replay *replay, lc_settlement *settlement)
{
    return cooldown(replay, settlement) || open_dialogue(replay, settlement) || qualification(replay, settlement);
}
