/* Section 4: cycles, owners, stages, rejections and settlements; and what counts in them (section 7). */
#include "cycle.h"

#include "clocks.h"
#include "gates.h"
#include "open_time.h"
#include "pause.h"

/* ---- Owners (4.5) ---- */

static void
hand_over(lc_replay *replay, lc_text owner, lc_instant at)
{
    *lc_array_add(replay->handovers, lc_handover) = (lc_handover){owner, at};
    replay->cycle->n_handovers++;
    replay->cycle->owner = owner;
}

/* ---- Stages (4.10) ---- */

/* In order of time, then as the policy lists them. */
static void
add_stage(lc_replay *replay, unsigned stage, lc_instant at)
{
    lc_cycle *cycle = replay->cycle;
    lc_stage_reached *place = lc_array_add(replay->stages, lc_stage_reached);

    for (guint i = 0; i < cycle->n_stages && place[-1].at == at; i++, place--) {
        if (lc_policy_stage(cycle->policy, place[-1].stage) < (int)stage)
            break;
        place[0] = place[-1];
    }
    *place = (lc_stage_reached){cycle->policy->stages[stage].name, at};
    cycle->n_stages++;
}

/* Also after the settlement (4.9). */
static void
reach(lc_replay *replay, unsigned stage, lc_instant at)
{
    const lc_policy *policy = replay->cycle->policy;
    uint64_t *named = lc_cycle_stage_set(replay, replay->cycle, LC_STAGES_NAMED);
    uint64_t *reached = lc_cycle_stage_set(replay, replay->cycle, LC_STAGES_REACHED);

    if (lc_stage_set_has(named, stage))
        return;
    lc_stage_set_add(named, stage);
    for (unsigned i = 0; i <= stage; i++)
        if (lc_stage_shows(policy, stage, i))
            lc_stage_set_add(reached, i);
    add_stage(replay, stage, at);
}

/* ---- Settlements ---- */

static const uint64_t metric_of_cause[] = {
    [LC_CAUSE_REJECTED] = LC_BIT(LC_METRIC_REJECTED),
    [LC_CAUSE_CLAWED_BACK] = LC_BIT(LC_METRIC_CLAWED_BACK),
    [LC_CAUSE_UNRESPONSIVE] = LC_BIT(LC_METRIC_UNRESPONSIVE),
    [LC_CAUSE_NOT_QUALIFIED] = LC_BIT(LC_METRIC_NOT_QUALIFIED),
    [LC_CAUSE_OPEN_DIALOGUE] = LC_BIT(LC_METRIC_OPEN_DIALOGUE),
    [LC_CAUSE_COOLDOWN] = LC_BIT(LC_METRIC_COOLED_DOWN),
    [LC_CAUSE_COMPLETED] = LC_BIT(LC_METRIC_COMPLETED),
    [LC_CAUSE_MERGED] = LC_BIT(LC_METRIC_MERGED),
    [LC_CAUSE_ERASED] = LC_BIT(LC_METRIC_ERASED),
};

static void
keep_first_contact(lc_replay *replay)
{
    const lc_clock_run *run = replay->keeps_due ? lc_clocks_first_contact(replay) : NULL;

    if (run == NULL || run->state == LC_RUN_IDLE)
        return;
    replay->cycle->first_contact_state = (lc_run_state)run->state;
    replay->cycle->first_contact_due_at = run->due_at;
}

static void
settle(lc_replay *replay, const lc_settlement *settlement)
{
    lc_cycle *cycle = replay->cycle;

    lc_clocks_settled(replay, settlement->at);
    keep_first_contact(replay);
    lc_pause_end(replay, settlement->at);
    if (settlement->destination)
        lc_replay_route(replay, settlement);
    lc_replay_find(replay, LC_OUTCOME_SETTLED, settlement->at);
    replay->open = false;
    cycle->cause = settlement->cause;
    cycle->settled_at = settlement->at;
    cycle->destination = settlement->destination;
    cycle->reason = settlement->reason;
    cycle->stage = settlement->stage;
    cycle->merged_into = settlement->into;
    cycle->metrics |= metric_of_cause[settlement->cause];
}

void
lc_cycle_fire(lc_replay *replay, lc_instant until)
{
    lc_settlement settlement;

    if (lc_clocks_advance(replay, until, &settlement))
        settle(replay, &settlement);
}

/* ---- Rejections (1.4, 4.6, 4.9) ---- */

static int
find_reason(lc_replay *replay, lc_text text, bool *known)
{
    int reason = lc_policy_reason(replay->cycle->policy, text);

    *known = reason >= 0;
    return *known ? reason : (int)replay->cycle->policy->other;
}

static void
cool_down(lc_replay *replay, const lc_reason *reason, lc_text text, lc_instant at)
{
    lc_instant ends = lc_instant_after(at, reason->cooldown);

    if (reason->cooldown == 0 || ends <= replay->cooldown_ends)
        return;
    replay->cooldown_ends = ends;
    replay->cooldown_destination = &reason->destination;
    replay->cooldown_reason = text;
}

/* Rule 4.4: of a rejection given to a hand-off it counts if after H. */
static lc_instant
resume_at(const lc_moment *moment)
{
    bool given = moment->at > moment->fact->occurred_at;

    return given && moment->fact->follow_up_at <= moment->at ? LC_ABSENT : moment->fact->follow_up_at;
}

static void
reject(lc_replay *replay, const lc_moment *moment)
{
    lc_cycle *cycle = replay->cycle;
    bool known;
    int index = find_reason(replay, moment->fact->text, &known);
    const lc_reason *reason = &cycle->policy->reasons[index];

    cycle->rejected_as = index;
    if (!known)
        cycle->metrics |= LC_BIT(LC_METRIC_REASON_UNKNOWN);
    cool_down(replay, reason, moment->fact->text, moment->at);
    settle(replay, &(lc_settlement){.cause = LC_CAUSE_REJECTED,
                                    .at = moment->at,
                                    .destination = &reason->destination,
                                    .reason = moment->fact->text,
                                    .rejected_by = moment->fact->owner,
                                    .resume_at = resume_at(moment)});
}

/* After the settlement; before the first hand-off it means nothing. */
static void
reject_late(lc_replay *replay, const lc_moment *moment)
{
    bool known;

    if (replay->cycle == NULL)
        return;
    int index = find_reason(replay, moment->fact->text, &known);
    replay->cycle->metrics |= LC_BIT(LC_METRIC_REJECTED_LATE);
    cool_down(replay, &replay->cycle->policy->reasons[index], moment->fact->text, moment->at);
}

static void
reject_late_each(lc_replay *replay, const GArray *moments)
{
    for (guint i = 0; i < moments->len; i++) {
        const lc_moment *moment = &g_array_index(moments, lc_moment, i);
        if (moment->fact->type == LC_FACT_REJECTED)
            reject_late(replay, moment);
    }
}

/* Rule 4.4: to a cycle that is held back a rejection counts as late, and has no effect under 4.9: no cooldown. */
static void
count_given_rejections(lc_replay *replay)
{
    for (guint i = 0; i < replay->given->len; i++)
        if (g_array_index(replay->given, lc_moment, i).fact->type == LC_FACT_REJECTED)
            replay->cycle->metrics |= LC_BIT(LC_METRIC_REJECTED_LATE);
}

/* ---- Hand-offs (4.1 to 4.4, 4.11) ---- */

static void
open_cycle(lc_replay *replay, lc_instant at, const lc_policy *policy, const lc_fact *created, lc_text owner)
{
    lc_cycle *cycle = lc_array_add(replay->cycles, lc_cycle);

    *cycle = (lc_cycle){
        .handoff_at = at,
        .policy = policy,
        .created = created,
        .first_contact_at = LC_ABSENT,
        .last_activity_at = LC_ABSENT,
        .latest_requested = LC_ABSENT,
        .response_open_ms = LC_ABSENT,
        .priority_at = LC_ABSENT,
        .pause_ends = LC_ABSENT,
        .cause = LC_CAUSE_NONE,
        .metrics = LC_BIT(LC_METRIC_HANDED_OFF),
        .rejected_as = -1,
        .stage_sets = replay->stage_bits->len,
        .handovers = replay->handovers->len,
        .stages = replay->stages->len,
        .pauses = replay->pauses->len,
        .findings = replay->findings->len,
    };
    guint words = LC_STAGE_SETS * lc_stage_words(policy);
    lc_array_lengthen(replay->stage_bits, words);
    memset(&g_array_index(replay->stage_bits, uint64_t, cycle->stage_sets), 0, words * sizeof(uint64_t));
    lc_array_empty(replay->runs);
    replay->cycle = cycle;
    replay->open = true;
    hand_over(replay, owner, at);
}

static void
start_cycle(lc_replay *replay, lc_instant follow_up_at)
{
    lc_cycle *cycle = replay->cycle;

    cycle->metrics |= LC_BIT(LC_METRIC_OPENED);
    cycle->rule = lc_policy_rule(cycle->policy, cycle->created->channel, cycle->created->attributes,
                                 cycle->created->n_attributes);
    cycle->priority_at = lc_instant_after(cycle->handoff_at, cycle->rule->head_start);
    lc_clocks_open(replay, follow_up_at);
}

/* Rule 4.4: what happened shortly before the hand-off is given to it, as if at H; the rest keeps waiting. */
static void
give(lc_replay *replay, lc_instant handoff_at, lc_duration clock_skew)
{
    GArray *waiting = replay->waiting;
    guint kept = 0;

    lc_array_empty(replay->given);
    for (guint i = 0; i < waiting->len; i++) {
        lc_moment moment = g_array_index(waiting, lc_moment, i);
        if (moment.at >= handoff_at - clock_skew && moment.at < handoff_at) {
            moment.at = handoff_at;
            *lc_array_add(replay->given, lc_moment) = moment;
        } else {
            g_array_index(waiting, lc_moment, kept++) = moment;
        }
    }
    waiting->len = kept;
}

static void
hand_off(lc_replay *replay, const lc_moment *moment)
{
    const lc_fact *created = moment->fact;
    const lc_policy *policy = lc_policy_book_at(replay->book, moment->at);
    lc_settlement settlement;

    give(replay, moment->at, policy->clock_skew);
    reject_late_each(replay, replay->waiting);
    open_cycle(replay, moment->at, policy, created, created->owner);
    bool held_back = lc_gates_hold_back(replay, &settlement);
    lc_array_empty(replay->waiting);
    if (held_back) {
        settle(replay, &settlement);
        count_given_rejections(replay);
        return;
    }
    start_cycle(replay, created->follow_up_at);
    for (guint i = 0; i < replay->given->len; i++)
        lc_cycle_take(replay, &g_array_index(replay->given, lc_moment, i));
}

/* Rule 4.11. */
static bool
waits_for_new_owner(const lc_replay *replay)
{
    const lc_cycle *cycle = replay->cycle;

    return cycle && cycle->destination && cycle->destination->route == LC_ROUTE_REASSIGN &&
           (cycle->cause == LC_CAUSE_REJECTED || cycle->cause == LC_CAUSE_CLAWED_BACK ||
            cycle->cause == LC_CAUSE_UNRESPONSIVE);
}

static void
hand_off_to_new_owner(lc_replay *replay, const lc_moment *moment)
{
    reject_late_each(replay, replay->waiting);
    lc_array_empty(replay->waiting);
    open_cycle(replay, moment->at, lc_policy_book_at(replay->book, moment->at), replay->cycle->created,
               moment->fact->owner);
    start_cycle(replay, LC_ABSENT);
}

/* ---- Facts ---- */

/* Section 7: how many of the steps of `responded` it took from H to the first contact. */
static unsigned
response_step(lc_duration after)
{
    static const lc_duration at_most[] = {LC_MINUTE,   5 * LC_MINUTE, 15 * LC_MINUTE, LC_HOUR,
                                          4 * LC_HOUR, 24 * LC_HOUR,  48 * LC_HOUR,   7 * LC_DAY};
    unsigned i = 0;

    while (i < G_N_ELEMENTS(at_most) && after > at_most[i])
        i++;
    return i;
}

/* In open time on first_contact's calendar; plain where the rule has no such clock. */
static void
respond(lc_replay *replay, lc_instant at)
{
    lc_cycle *cycle = replay->cycle;
    const lc_calendar *calendar = cycle->rule->has_first_contact ? cycle->rule->first_contact.calendar : NULL;

    cycle->first_contact_at = at;
    cycle->response_open_ms = lc_open_between(calendar, lc_pauses_of(replay, cycle), cycle->handoff_at, at);
    cycle->metrics |= LC_BIT(LC_METRIC_CONTACTED) |
                      LC_BIT(LC_METRIC_RESPONDED_1M + response_step(at - cycle->handoff_at)) |
                      LC_BIT(LC_METRIC_RESPONDED_OPEN_1M + response_step(cycle->response_open_ms));
}

static void
contacted(lc_replay *replay, const lc_moment *moment)
{
    lc_cycle *cycle = replay->cycle;

    cycle->attempts++;
    cycle->last_activity_at = moment->at;
    cycle->connected |= moment->fact->connected;
    if (cycle->first_contact_at == LC_ABSENT)
        respond(replay, moment->at);
    if (lc_text_is_absent(cycle->owner) && !lc_text_is_absent(moment->fact->owner))
        hand_over(replay, moment->fact->owner, moment->at);
    lc_clocks_contacted(replay, moment);
}

static void
progressed(lc_replay *replay, const lc_moment *moment, unsigned stage)
{
    lc_cycle *cycle = replay->cycle;

    reach(replay, stage, moment->at);
    if (!replay->open)
        return;
    cycle->progressed = true;
    cycle->last_activity_at = moment->at;
    lc_clocks_progressed(replay, stage, moment->at);
    if (cycle->policy->stages[stage].closes != LC_STAGE_OPEN)
        settle(replay, &(lc_settlement){.cause = LC_CAUSE_COMPLETED,
                                        .at = moment->at,
                                        .stage = cycle->policy->stages[stage].name,
                                        .resume_at = LC_ABSENT});
}

/* Rule 4.2; of its priority 10.2. */
static void
duplicate(lc_replay *replay, const lc_moment *moment)
{
    lc_cycle *cycle = replay->cycle;
    const lc_fact *created = moment->fact;
    const lc_rule *rule = lc_policy_rule(cycle->policy, created->channel, created->attributes, created->n_attributes);

    cycle->duplicate = true;
    cycle->metrics |= LC_BIT(LC_METRIC_DUPLICATE);
    cycle->priority_at = MAX(cycle->priority_at, lc_instant_after(moment->at, rule->head_start));
    lc_clocks_duplicated(replay, moment->at, rule);
}

static void
assigned(lc_replay *replay, const lc_moment *moment)
{
    bool changes = !lc_text_equal(moment->fact->owner, replay->cycle->owner);

    hand_over(replay, moment->fact->owner, moment->at);
    if (changes)
        lc_clocks_assigned(replay, moment->at);
}

static void
take_inside(lc_replay *replay, const lc_moment *moment)
{
    switch (moment->fact->type) {
    case LC_FACT_CREATED:
        duplicate(replay, moment);
        break;
    case LC_FACT_RESUMED:
        if (lc_pause_resume(replay, moment->at))
            lc_clocks_move(replay);
        break;
    case LC_FACT_ASSIGNED:
        assigned(replay, moment);
        break;
    case LC_FACT_CONTACTED:
        contacted(replay, moment);
        break;
    case LC_FACT_REJECTED:
        reject(replay, moment);
        break;
    case LC_FACT_ERASED:
        settle(replay, &(lc_settlement){.cause = LC_CAUSE_ERASED, .at = moment->at, .resume_at = LC_ABSENT});
        break;
    case LC_FACT_PAUSED:
        if (lc_pause_take(replay, moment))
            lc_clocks_move(replay);
        break;
    case LC_FACT_MERGED:
        settle(replay,
               &(lc_settlement){
                   .cause = LC_CAUSE_MERGED, .at = moment->at, .into = moment->fact->into, .resume_at = LC_ABSENT});
        break;
    case LC_FACT_PROGRESSED:
        g_assert_not_reached();
    }
}

static void
take_outside(lc_replay *replay, const lc_moment *moment)
{
    lc_fact_type type = moment->fact->type;

    if (type == LC_FACT_CREATED)
        hand_off(replay, moment);
    else if (type == LC_FACT_ASSIGNED && waits_for_new_owner(replay))
        hand_off_to_new_owner(replay, moment);
    else if (type == LC_FACT_ASSIGNED || type == LC_FACT_CONTACTED || type == LC_FACT_REJECTED)
        *lc_array_add(replay->waiting, lc_moment) = *moment;
}

void
lc_cycle_take(lc_replay *replay, const lc_moment *moment)
{
    if (moment->fact->type == LC_FACT_PROGRESSED) {
        int stage = replay->cycle ? lc_policy_stage(replay->cycle->policy, moment->fact->text) : -1;
        if (stage >= 0)
            progressed(replay, moment, (unsigned)stage);
    } else if (replay->open) {
        take_inside(replay, moment);
    } else {
        take_outside(replay, moment);
    }
}

void
lc_cycle_end(lc_replay *replay)
{
    reject_late_each(replay, replay->waiting);
}
