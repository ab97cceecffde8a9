/* Rule 10.2: how a cycle stands. */
#include "clock.h"
#include "open_time.h"
#include "pause.h"
#include "rows.h"

static lc_instant
or_absent(lc_instant instant)
{
    return instant == LC_NEVER ? LC_ABSENT : instant;
}

static lc_instant
first_assigned_at(const lc_row_side *side)
{
    const lc_handover *handovers = lc_cycle_handovers(side->replay, side->cycle);

    for (guint i = 0; i < side->cycle->n_handovers; i++)
        if (!lc_text_is_absent(handovers[i].owner))
            return handovers[i].since;
    return LC_ABSENT;
}

/* By the policy's order, of those that were named. */
static lc_text
furthest_stage(const lc_row_side *side)
{
    const lc_policy *policy = side->cycle->policy;
    const uint64_t *named = lc_cycle_stage_set(side->replay, side->cycle, LC_STAGES_NAMED);

    for (unsigned i = policy->n_stages; side->cycle->n_stages && i-- > 0;)
        if (lc_stage_set_has(named, i))
            return policy->stages[i].name;
    return LC_NO_TEXT;
}

/* ---- Settled ---- */

static void
tell_settlement(const lc_cycle *cycle, lc_cycle_row *row)
{
    row->settled = true;
    row->cause = cycle->cause;
    row->reason = cycle->reason;
    row->merged_into = cycle->merged_into;
    row->settled_at = cycle->settled_at;
    if (cycle->rejected_as >= 0)
        row->rejected_as = cycle->policy->reasons[cycle->rejected_as].name;
    if (cycle->destination) {
        row->route = (int)cycle->destination->route;
        row->track = cycle->destination->track;
    }
}

/* ---- First contact ---- */

static void
tell_first_contact(lc_run_state state, lc_instant due_at, lc_cycle_row *row)
{
    static const lc_first_contact_state states[] = {
        [LC_RUN_IDLE] = LC_FIRST_CONTACT_NONE,         [LC_RUN_RUNNING] = LC_FIRST_CONTACT_RUNNING,
        [LC_RUN_BREACHED] = LC_FIRST_CONTACT_BREACHED, [LC_RUN_MET] = LC_FIRST_CONTACT_MET,
        [LC_RUN_ENDED] = LC_FIRST_CONTACT_ENDED,       [LC_RUN_STOPPED] = LC_FIRST_CONTACT_CANCELLED,
    };

    row->first_contact_state = states[state];
    if (state != LC_RUN_IDLE)
        row->first_contact_due_at = or_absent(due_at);
}

/* ---- Open ---- */

static void
tell_breached(const lc_clock_run *run, lc_cycle_row *row)
{
    row->broken++;
    row->broken_since = row->broken_since == LC_ABSENT ? run->due_at : MIN(row->broken_since, run->due_at);
    row->escalation = MAX(row->escalation, run->level);
}

/* In a pause only a requested clock goes on. */
static void
tell_running(const lc_row_side *side, lc_clock_run *run, lc_cycle_row *row)
{
    if (run->waits && lc_is_paused(side->replay))
        return;
    lc_instant due_at = or_absent(lc_clock_due(side->replay, run));
    if (run->clock == LC_CLOCK_CLAWBACK) {
        row->clawback_due_at = due_at;
    } else if (due_at != LC_ABSENT && (row->next_due_at == LC_ABSENT || due_at < row->next_due_at)) {
        row->next_clock = run->name;
        row->next_due_at = due_at;
    }
}

static void
tell_clocks(const lc_row_side *side, lc_cycle_row *row)
{
    for (guint i = 0; i < side->replay->runs->len; i++) {
        lc_clock_run *run = &g_array_index(side->replay->runs, lc_clock_run, i);
        if (run->clock == LC_CLOCK_FIRST_CONTACT)
            tell_first_contact(run->state, run->state == LC_RUN_IDLE ? LC_NEVER : lc_clock_due(side->replay, run), row);
        if (run->state == LC_RUN_BREACHED)
            tell_breached(run, row);
        else if (run->state == LC_RUN_RUNNING)
            tell_running(side, run, row);
    }
}

/* Of the pauses that have ended the time, of the one that runs the beginning. */
static void
tell_pauses(const lc_row_side *side, lc_cycle_row *row)
{
    lc_pauses pauses = lc_pauses_of(side->replay, side->cycle);

    if (pauses.n && pauses.items[pauses.n - 1].to == LC_NEVER)
        row->paused_since = pauses.items[--pauses.n].from;
    row->paused_ms = lc_paused_ms(pauses, LC_NEVER);
}

void
lc_cycle_row_make(const lc_row_side *side, lc_text lead_id, uint32_t n_breaches, lc_cycle_row *row)
{
    const lc_cycle *cycle = side->cycle;

    *row = (lc_cycle_row){
        .lead_id = lead_id,
        .cycle = side->number,
        .handoff_at = cycle->handoff_at,
        .cohort = lc_zone_month(cycle->policy->reporting_zone, cycle->handoff_at),
        .channel = cycle->created->channel,
        .campaign = cycle->created->campaign,
        .policy = cycle->policy->name,
        .rule = cycle->rule ? cycle->rule->name : LC_NO_TEXT,
        .owner = cycle->owner,
        .assigned_at = first_assigned_at(side),
        .cause = LC_CAUSE_NONE,
        .route = -1,
        .settled_at = LC_ABSENT,
        .stage = furthest_stage(side),
        .first_contact_at = cycle->first_contact_at,
        .response_ms = cycle->first_contact_at == LC_ABSENT ? LC_ABSENT : cycle->first_contact_at - cycle->handoff_at,
        .response_open_ms = cycle->response_open_ms,
        .attempts = cycle->attempts,
        .connected = cycle->connected,
        .duplicate = cycle->duplicate,
        .has_score = cycle->has_score,
        .score = cycle->score,
        .first_contact_due_at = LC_ABSENT,
        .first_contact_state = LC_FIRST_CONTACT_NONE,
        .next_due_at = LC_ABSENT,
        .clawback_due_at = LC_ABSENT,
        .breaches = n_breaches,
        .broken_since = LC_ABSENT,
        .paused_since = LC_ABSENT,
        .priority_at = cycle->priority_at,
    };
    tell_pauses(side, row);
    if (cycle->cause == LC_CAUSE_NONE) {
        tell_clocks(side, row);
        return;
    }
    tell_settlement(cycle, row);
    tell_first_contact(cycle->first_contact_state, cycle->first_contact_due_at, row);
}
