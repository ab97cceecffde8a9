/* Rule 4.3: the gates, checked in this order at each hand-off by LeadCreated. */
#include "cycle.h"

static bool
cooldown(lc_replay *replay, lc_settlement *settlement)
{
    settlement->cause = LC_CAUSE_COOLDOWN;
    settlement->destination = replay->cooldown_destination;
    settlement->reason = replay->cooldown_reason;
    return replay->cycle->handoff_at < replay->cooldown_ends;
}

/* What waits when the gates are asked is what happened since the last settlement and is not given to this hand-off. */
static bool
open_dialogue(lc_replay *replay, lc_settlement *settlement)
{
    const lc_cycle *cycle = replay->cycle;
    const lc_policy *policy = cycle->policy;

    if (!policy->has_open_dialogue)
        return false;
    settlement->cause = LC_CAUSE_OPEN_DIALOGUE;
    settlement->destination = &policy->open_dialogue_destination;
    for (guint i = replay->waiting->len; i-- > 0;) {
        const lc_moment *moment = &g_array_index(replay->waiting, lc_moment, i);
        if (moment->fact->type != LC_FACT_CONTACTED || moment->at >= cycle->handoff_at - policy->clock_skew)
            continue;
        settlement->to_owner = moment->fact->owner;
        return moment->at >= cycle->handoff_at - policy->open_dialogue_within;
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
    settlement->cause = LC_CAUSE_NOT_QUALIFIED;
    settlement->destination = &policy->not_qualified_destination;
    return !qualified || cycle->score < policy->threshold;
}

bool
lc_gates_hold_back(lc_replay *replay, lc_settlement *settlement)
{
    static bool (*const gates[])(lc_replay *, lc_settlement *) = {cooldown, open_dialogue, qualification};

    for (size_t i = 0; i < G_N_ELEMENTS(gates); i++) {
        *settlement = (lc_settlement){.at = replay->cycle->handoff_at, .resume_at = LC_ABSENT};
        if (gates[i](replay, settlement))
            return true;
    }
    return false;
}
