/* Section 6: an outcome in full. */
#include "outcome.h"

#include "open_time.h"

/* ---- Owners ---- */

/* Adds what the owner held; each is listed once, in order of first holding. */
static void
hold(lc_tenure *tenures, size_t *n_tenures, lc_text owner, lc_duration held_ms)
{
    for (size_t i = 0; i < *n_tenures; i++)
        if (lc_text_equal(tenures[i].owner, owner)) {
            tenures[i].held_ms += held_ms;
            return;
        }
    tenures[(*n_tenures)++] = (lc_tenure){owner, held_ms};
}

/* Who held it from `from` to `to`, on `calendar` (NULL: plain time). Who held it for no elapsed time is left out. */
static const lc_tenure *
list_owners(const lc_entry *entry, lc_instant from, lc_instant to, const lc_calendar *calendar, lc_pauses pauses,
            lc_arena *arena, size_t *n_owners)
{
    const lc_handover *handovers = lc_cycle_handovers(entry->replay, entry->cycle);
    guint n = entry->finding->n_handovers;
    lc_tenure *tenures = lc_arena_new(arena, lc_tenure, n);

    *n_owners = 0;
    for (guint i = 0; i < n; i++) {
        lc_instant begins = MAX(handovers[i].since, from), ends = i + 1 < n ? MIN(handovers[i + 1].since, to) : to;
        if (begins < ends)
            hold(tenures, n_owners, handovers[i].owner, lc_open_between(calendar, pauses, begins, ends));
    }
    return tenures;
}

static void
add_once(lc_text *texts, size_t *n_texts, lc_text text)
{
    for (size_t i = 0; i < *n_texts; i++)
        if (lc_text_equal(texts[i], text))
            return;
    if (!lc_text_is_absent(text))
        texts[(*n_texts)++] = text;
}

/* Rules 4.6 and 5.1: everyone who owned it so far, also for no time, then the one who rejected it. */
static const lc_text *
list_excluded(const lc_entry *entry, lc_arena *arena, size_t *n_owners)
{
    const lc_handover *handovers = lc_cycle_handovers(entry->replay, entry->cycle);
    guint n = entry->finding->n_handovers;
    lc_text *owners = lc_arena_new(arena, lc_text, n + 1);

    *n_owners = 0;
    for (guint i = 0; i < n; i++)
        add_once(owners, n_owners, handovers[i].owner);
    add_once(owners, n_owners, entry->finding->routed.rejected_by);
    return owners;
}

/* ---- Lists of a cycle ---- */

static const lc_explanation *
explain(const lc_cycle *cycle, lc_arena *arena, size_t *n_explanation)
{
    const lc_policy *policy = cycle->policy;
    unsigned n = policy->n_requires + policy->n_signals;
    lc_explanation *explanation = lc_arena_new(arena, lc_explanation, n);

    for (unsigned i = 0; i < n; i++) {
        bool is_signal = i >= policy->n_requires;
        const lc_criterion *criterion = is_signal ? &policy->signals[i - policy->n_requires] : &policy->requires[i];
        bool held = lc_condition_holds(criterion->when, cycle->created->channel, cycle->created->attributes,
                                       cycle->created->n_attributes);
        explanation[i] = (lc_explanation){.rule = criterion->name,
                                          .is_signal = is_signal,
                                          .held = held,
                                          .points = is_signal && held ? criterion->points : 0};
    }
    *n_explanation = n;
    return explanation;
}

static int
compare_texts(const void *text, const void *other, G_GNUC_UNUSED void *unused)
{
    return lc_text_compare(*(const lc_text *)text, *(const lc_text *)other);
}

static const lc_text *
list_breaches(const lc_entry *entry, lc_arena *arena, size_t *n_breaches)
{
    static const struct {
        lc_metric metric;
        lc_text name;
    } plain[] = {
        {LC_METRIC_FIRST_CONTACT_BREACHED, {"first_contact", 13}}, {LC_METRIC_FOLLOW_UP_BREACHED, {"follow_up", 9}},
        {LC_METRIC_NEXT_CONTACT_BREACHED, {"next_contact", 12}},   {LC_METRIC_RENEWED_BREACHED, {"renewed", 7}},
        {LC_METRIC_REQUESTED_BREACHED, {"requested", 9}},          {LC_METRIC_REQUESTED_EARLY, {"requested:early", 15}},
    };
    const lc_cycle *cycle = entry->cycle;
    const uint64_t *breached = lc_cycle_stage_set(entry->replay, cycle, LC_STAGES_BREACHED);
    unsigned n_milestones = cycle->rule ? cycle->rule->n_milestones : 0;
    lc_text *breaches = lc_arena_new(arena, lc_text, G_N_ELEMENTS(plain) + LC_AGAIN_CLOCKS + n_milestones);
    size_t n = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(plain); i++)
        if (cycle->metrics & LC_BIT(plain[i].metric))
            breaches[n++] = plain[i].name;
    for (unsigned i = 0; i < LC_AGAIN_CLOCKS; i++)
        if (cycle->again_breached >> i & 1)
            breaches[n++] = lc_again_names[i];
    for (unsigned i = 0; i < n_milestones; i++)
        if (lc_stage_set_has(breached, cycle->rule->milestones[i].stage))
            breaches[n++] = cycle->rule->milestones[i].name;
    g_qsort_with_data(breaches, (gint)n, sizeof *breaches, compare_texts, NULL);
    *n_breaches = n;
    return breaches;
}

/* ---- Each type ---- */

static lc_pauses
pauses_of(const lc_entry *entry)
{
    return entry->finding->waits ? lc_pauses_of(entry->replay, entry->cycle) : (lc_pauses){0};
}

static void
spell_out_breached(const lc_entry *entry, lc_arena *arena, lc_outcome *outcome)
{
    const lc_finding *finding = entry->finding;

    outcome->breached.early = finding->early;
    outcome->breached.due_at = finding->due_at;
    outcome->breached.target_ms = finding->breached.target;
    outcome->breached.attempts = finding->attempts;
    if (!finding->early)
        outcome->breached.owners =
            list_owners(entry, finding->breached.started_at, finding->occurred_at, finding->rule->calendar,
                        pauses_of(entry), arena, &outcome->breached.n_owners);
}

static void
spell_out_escalated(const lc_entry *entry, lc_namer *namer, lc_outcome *outcome)
{
    const lc_finding *finding = entry->finding;

    outcome->escalated.label = finding->breach.escalation->label;
    outcome->escalated.level = (uint32_t)(finding->breach.escalation - finding->rule->escalations) + 1;
    outcome->escalated.due_at = finding->due_at;
    outcome->escalated.breach_id = lc_breach_id(entry, namer);
    outcome->escalated.attempts = finding->attempts;
}

static void
spell_out_breach_ended(const lc_entry *entry, lc_namer *namer, lc_outcome *outcome)
{
    const lc_finding *finding = entry->finding;

    outcome->breach_ended.ended_by = (lc_ended_by)finding->by;
    outcome->breach_ended.late_ms =
        lc_open_between(finding->rule->calendar, pauses_of(entry), finding->due_at, finding->occurred_at);
    outcome->breach_ended.breach_id = lc_breach_id(entry, namer);
}

static void
spell_out_clawed_back(const lc_entry *entry, lc_outcome *outcome)
{
    const lc_finding *finding = entry->finding;

    outcome->clawed_back.due_at = finding->due_at;
    outcome->clawed_back.clock_from = (lc_clock_from)finding->by;
    outcome->clawed_back.last_activity_at = finding->clawed_back.last_activity_at;
    outcome->clawed_back.first_contact_at = finding->clawed_back.first_contact_at;
    outcome->clawed_back.attempts = finding->attempts;
}

static void
spell_out_routed(const lc_entry *entry, lc_arena *arena, lc_outcome *outcome)
{
    const lc_finding *finding = entry->finding;
    lc_cause cause = (lc_cause)finding->by;

    outcome->routed.destination = *finding->routed.destination;
    outcome->routed.cause = cause;
    outcome->routed.reason = finding->routed.reason;
    outcome->routed.resume_at = finding->routed.resume_at;
    outcome->routed.to_owner = finding->routed.to_owner;
    outcome->routed.has_score = entry->cycle->has_score;
    outcome->routed.score = entry->cycle->score;
    if (cause == LC_CAUSE_REJECTED || cause == LC_CAUSE_BREACHED)
        outcome->routed.exclude_owners = list_excluded(entry, arena, &outcome->routed.n_exclude_owners);
    if (cause == LC_CAUSE_NOT_QUALIFIED)
        outcome->routed.explanation = explain(entry->cycle, arena, &outcome->routed.n_explanation);
}

static void
spell_out_settled(const lc_entry *entry, lc_arena *arena, lc_outcome *outcome)
{
    const lc_cycle *cycle = entry->cycle;

    outcome->settled.cause = cycle->cause;
    outcome->settled.reason = cycle->reason;
    outcome->settled.stage = cycle->stage;
    outcome->settled.has_route = cycle->destination != NULL;
    if (cycle->destination)
        outcome->settled.destination = *cycle->destination;
    outcome->settled.cohort = lc_zone_month(cycle->policy->reporting_zone, cycle->handoff_at);
    outcome->settled.first_contact_at = cycle->first_contact_at;
    outcome->settled.response_open_ms = cycle->response_open_ms;
    outcome->settled.attempts = cycle->attempts;
    outcome->settled.duplicate = cycle->duplicate;
    outcome->settled.has_score = cycle->has_score;
    outcome->settled.score = cycle->score;
    outcome->settled.merged_into = cycle->merged_into;
    outcome->settled.paused_ms = lc_paused_ms(lc_pauses_of(entry->replay, cycle), cycle->settled_at);
    outcome->settled.stages = &g_array_index(entry->replay->stages, lc_stage_reached, cycle->stages);
    outcome->settled.n_stages = cycle->n_stages;
    outcome->settled.breaches = list_breaches(entry, arena, &outcome->settled.n_breaches);
    outcome->settled.owners = list_owners(entry, cycle->handoff_at, cycle->settled_at, NULL, (lc_pauses){0}, arena,
                                          &outcome->settled.n_owners);
}

void
lc_entry_spell_out(const lc_entry *entry, lc_namer *namer, lc_arena *arena, lc_outcome *outcome)
{
    const lc_finding *finding = entry->finding;
    const lc_cycle *cycle = entry->cycle;

    *outcome = (lc_outcome){
        .type = (lc_outcome_type)finding->type,
        .restated = entry->restated,
        .cycle = entry->number,
        .event_id = entry->id,
        .handoff_at = cycle->handoff_at,
        .occurred_at = finding->occurred_at,
        .policy = cycle->policy->name,
        .rule = cycle->rule ? cycle->rule->name : LC_NO_TEXT,
        .channel = cycle->created->channel,
        .owner = finding->owner,
        .clock = LC_CLOCK_NONE,
    };
    if (finding->type <= LC_OUTCOME_BREACH_ENDED) {
        outcome->clock = (lc_clock)finding->clock;
        outcome->clock_name = finding->clock_name;
    }
    switch (outcome->type) {
    case LC_OUTCOME_WARNING:
        outcome->warning.label = finding->warning->label;
        outcome->warning.due_at = finding->due_at;
        break;
    case LC_OUTCOME_BREACHED:
        spell_out_breached(entry, arena, outcome);
        break;
    case LC_OUTCOME_ESCALATED:
        spell_out_escalated(entry, namer, outcome);
        break;
    case LC_OUTCOME_BREACH_ENDED:
        spell_out_breach_ended(entry, namer, outcome);
        break;
    case LC_OUTCOME_CLAWED_BACK:
        spell_out_clawed_back(entry, outcome);
        break;
    case LC_OUTCOME_ROUTED:
        spell_out_routed(entry, arena, outcome);
        break;
    case LC_OUTCOME_SETTLED:
        spell_out_settled(entry, arena, outcome);
        break;
    case LC_OUTCOME_RETRACTED:
        g_assert_not_reached();
    }
}
