/* Rule 6.2: whether two outcomes of one identity say the same. */
#include "outcome.h"

static bool
same_tenures(const lc_tenure *a, size_t n_a, const lc_tenure *b, size_t n_b)
{
    if (n_a != n_b)
        return false;
    for (size_t i = 0; i < n_a; i++)
        if (a[i].held_ms != b[i].held_ms || !lc_text_equal(a[i].owner, b[i].owner))
            return false;
    return true;
}

static bool
same_texts(const lc_text *a, size_t n_a, const lc_text *b, size_t n_b)
{
    if (n_a != n_b)
        return false;
    for (size_t i = 0; i < n_a; i++)
        if (!lc_text_equal(a[i], b[i]))
            return false;
    return true;
}

static bool
same_stages(const lc_stage_reached *a, size_t n_a, const lc_stage_reached *b, size_t n_b)
{
    if (n_a != n_b)
        return false;
    for (size_t i = 0; i < n_a; i++)
        if (a[i].at != b[i].at || !lc_text_equal(a[i].stage, b[i].stage))
            return false;
    return true;
}

static bool
same_explanation(const lc_explanation *a, size_t n_a, const lc_explanation *b, size_t n_b)
{
    if (n_a != n_b)
        return false;
    for (size_t i = 0; i < n_a; i++)
        if (a[i].is_signal != b[i].is_signal || a[i].held != b[i].held || a[i].points != b[i].points ||
            !lc_text_equal(a[i].rule, b[i].rule))
            return false;
    return true;
}

static bool
same_destination(const lc_destination *a, const lc_destination *b)
{
    return a->route == b->route && lc_text_equal(a->track, b->track);
}

static bool
same_score(bool has_a, int64_t a, bool has_b, int64_t b)
{
    return has_a == has_b && (!has_a || a == b);
}

static bool
same_common(const lc_outcome *a, const lc_outcome *b)
{
    return a->type == b->type && a->cycle == b->cycle && a->handoff_at == b->handoff_at &&
           a->occurred_at == b->occurred_at && a->clock == b->clock && lc_text_equal(a->policy, b->policy) &&
           lc_text_equal(a->rule, b->rule) && lc_text_equal(a->channel, b->channel) &&
           lc_text_equal(a->owner, b->owner) && lc_text_equal(a->clock_name, b->clock_name);
}

static bool
same_breached(const lc_outcome *a, const lc_outcome *b)
{
    return a->breached.early == b->breached.early && a->breached.due_at == b->breached.due_at &&
           a->breached.target_ms == b->breached.target_ms && a->breached.attempts == b->breached.attempts &&
           same_tenures(a->breached.owners, a->breached.n_owners, b->breached.owners, b->breached.n_owners);
}

static bool
same_clawed_back(const lc_outcome *a, const lc_outcome *b)
{
    return a->clawed_back.due_at == b->clawed_back.due_at && a->clawed_back.clock_from == b->clawed_back.clock_from &&
           a->clawed_back.last_activity_at == b->clawed_back.last_activity_at &&
           a->clawed_back.first_contact_at == b->clawed_back.first_contact_at &&
           a->clawed_back.attempts == b->clawed_back.attempts;
}

static bool
same_routed(const lc_outcome *a, const lc_outcome *b)
{
    return a->routed.cause == b->routed.cause && a->routed.resume_at == b->routed.resume_at &&
           same_destination(&a->routed.destination, &b->routed.destination) &&
           lc_text_equal(a->routed.reason, b->routed.reason) && lc_text_equal(a->routed.to_owner, b->routed.to_owner) &&
           same_score(a->routed.has_score, a->routed.score, b->routed.has_score, b->routed.score) &&
           same_texts(a->routed.exclude_owners, a->routed.n_exclude_owners, b->routed.exclude_owners,
                      b->routed.n_exclude_owners) &&
           same_explanation(a->routed.explanation, a->routed.n_explanation, b->routed.explanation,
                            b->routed.n_explanation);
}

static bool
same_settled(const lc_outcome *a, const lc_outcome *b)
{
    return a->settled.cause == b->settled.cause && a->settled.has_route == b->settled.has_route &&
           (!a->settled.has_route || same_destination(&a->settled.destination, &b->settled.destination)) &&
           a->settled.cohort == b->settled.cohort && a->settled.first_contact_at == b->settled.first_contact_at &&
           a->settled.response_open_ms == b->settled.response_open_ms && a->settled.attempts == b->settled.attempts &&
           a->settled.duplicate == b->settled.duplicate &&
           same_score(a->settled.has_score, a->settled.score, b->settled.has_score, b->settled.score) &&
           lc_text_equal(a->settled.reason, b->settled.reason) && lc_text_equal(a->settled.stage, b->settled.stage) &&
           same_stages(a->settled.stages, a->settled.n_stages, b->settled.stages, b->settled.n_stages) &&
           same_texts(a->settled.breaches, a->settled.n_breaches, b->settled.breaches, b->settled.n_breaches) &&
           same_tenures(a->settled.owners, a->settled.n_owners, b->settled.owners, b->settled.n_owners);
}

bool
lc_outcome_equal(const lc_outcome *a, const lc_outcome *b)
{
    if (!same_common(a, b))
        return false;
    switch (a->type) {
    case LC_OUTCOME_WARNING:
        return a->warning.due_at == b->warning.due_at;
    case LC_OUTCOME_BREACHED:
        return same_breached(a, b);
    case LC_OUTCOME_BREACH_ENDED:
        return a->breach_ended.ended_by == b->breach_ended.ended_by &&
               a->breach_ended.late_ms == b->breach_ended.late_ms &&
               memcmp(&a->breach_ended.breach_id, &b->breach_ended.breach_id, sizeof(lc_uuid)) == 0;
    case LC_OUTCOME_CLAWED_BACK:
        return same_clawed_back(a, b);
    case LC_OUTCOME_ROUTED:
        return same_routed(a, b);
    case LC_OUTCOME_SETTLED:
        return same_settled(a, b);
    case LC_OUTCOME_ESCALATED:
    case LC_OUTCOME_RETRACTED:
        break;
    }
    return false;
}
