#include "wire.h"

#include <leadclock/calendar.h>

/* More than the fields of a record take that are no texts and no list items. */
#define FIXED_BYTES ((size_t)512)
#define ITEM_BYTES ((size_t)32)

/* ---- Facts ---- */

static size_t
fact_room(lc_text lead_id, const lc_fact *fact)
{
    size_t room = FIXED_BYTES + lead_id.size + fact->event_id.size + fact->owner.size + fact->channel.size +
                  fact->campaign.size + fact->text.size + fact->note.size;
    for (size_t i = 0; i < fact->n_attributes; i++)
        room += ITEM_BYTES + fact->attributes[i].key.size + fact->attributes[i].value.size;
    return room;
}

static uint8_t *
put_attributes(uint8_t *to, const lc_fact *fact)
{
    if (fact->n_attributes) {
        to = lc_put_long(to, (int64_t)fact->n_attributes);
        for (size_t i = 0; i < fact->n_attributes; i++) {
            to = lc_put_text(to, fact->attributes[i].key);
            to = lc_put_text(to, fact->attributes[i].value);
        }
    }
    return lc_put_long(to, 0);
}

static uint8_t *
put_created(uint8_t *to, const lc_fact *fact)
{
    to = lc_put_text(to, fact->channel);
    to = put_attributes(to, fact);
    to = lc_put_optional_text(to, fact->campaign);
    to = lc_put_optional_text(to, fact->owner);
    return lc_put_optional_long(to, fact->follow_up_at, LC_ABSENT);
}

static uint8_t *
put_contacted(uint8_t *to, const lc_fact *fact)
{
    to = lc_put_optional_text(to, fact->owner);
    to = lc_put_long(to, fact->method);
    to = lc_put_bool(to, fact->automated);
    to = lc_put_long(to, fact->connected);
    return lc_put_optional_long(to, fact->follow_up_at, LC_ABSENT);
}

static uint8_t *
put_progressed(uint8_t *to, const lc_fact *fact)
{
    to = lc_put_text(to, fact->text);
    return lc_put_optional_text(to, fact->owner);
}

static uint8_t *
put_rejected(uint8_t *to, const lc_fact *fact)
{
    to = lc_put_optional_text(to, fact->owner);
    to = lc_put_text(to, fact->text);
    to = lc_put_optional_text(to, fact->note);
    return lc_put_optional_long(to, fact->follow_up_at, LC_ABSENT);
}

static uint8_t *
put_own_fields(uint8_t *to, const lc_fact *fact)
{
    switch (fact->type) {
    case LC_FACT_CREATED:
        return put_created(to, fact);
    case LC_FACT_ASSIGNED:
        return lc_put_text(to, fact->owner);
    case LC_FACT_CONTACTED:
        return put_contacted(to, fact);
    case LC_FACT_PROGRESSED:
        return put_progressed(to, fact);
    case LC_FACT_REJECTED:
        return put_rejected(to, fact);
    case LC_FACT_RESUMED:
    case LC_FACT_PAUSED:
    case LC_FACT_MERGED:
    case LC_FACT_ERASED:
        break;
    }
    return to;
}

void
lc_encode_fact(GByteArray *out, lc_text lead_id, const lc_fact *fact)
{
    uint8_t *to = lc_room_reserve(out, fact_room(lead_id, fact));
    to = lc_put_text(to, fact->event_id);
    to = lc_put_text(to, lead_id);
    to = lc_put_long(to, fact->occurred_at);
    to = lc_put_optional_long(to, fact->recorded_at, LC_ABSENT);
    lc_room_close(out, put_own_fields(to, fact));
}

/* ---- Outcomes ---- */

static size_t
tenures_room(const lc_tenure *owners, size_t n_owners)
{
    size_t room = 0;
    for (size_t i = 0; i < n_owners; i++)
        room += ITEM_BYTES + owners[i].owner.size;
    return room;
}

static size_t
texts_room(const lc_text *texts, size_t n_texts)
{
    size_t room = 0;
    for (size_t i = 0; i < n_texts; i++)
        room += ITEM_BYTES + texts[i].size;
    return room;
}

static size_t
routed_room(const lc_outcome *outcome)
{
    size_t room = outcome->routed.destination.track.size + outcome->routed.reason.size + outcome->routed.to_owner.size +
                  texts_room(outcome->routed.exclude_owners, outcome->routed.n_exclude_owners);
    for (size_t i = 0; i < outcome->routed.n_explanation; i++)
        room += ITEM_BYTES + outcome->routed.explanation[i].rule.size;
    return room;
}

static size_t
settled_room(const lc_outcome *outcome)
{
    size_t room = outcome->settled.reason.size + outcome->settled.stage.size + outcome->settled.destination.track.size +
                  texts_room(outcome->settled.breaches, outcome->settled.n_breaches) +
                  tenures_room(outcome->settled.owners, outcome->settled.n_owners);
    for (size_t i = 0; i < outcome->settled.n_stages; i++)
        room += ITEM_BYTES + outcome->settled.stages[i].stage.size;
    return room;
}

static size_t
outcome_room(lc_text lead_id, const lc_outcome *outcome)
{
    size_t room = FIXED_BYTES + lead_id.size + outcome->policy.size + outcome->rule.size + outcome->channel.size +
                  outcome->owner.size + outcome->clock_name.size;
    switch (outcome->type) {
    case LC_OUTCOME_WARNING:
        return room + outcome->warning.label.size;
    case LC_OUTCOME_BREACHED:
        return room + tenures_room(outcome->breached.owners, outcome->breached.n_owners);
    case LC_OUTCOME_ROUTED:
        return room + routed_room(outcome);
    case LC_OUTCOME_SETTLED:
        return room + settled_room(outcome);
    default:
        return room;
    }
}

static uint8_t *
put_uuid(uint8_t *to, const lc_uuid *uuid)
{
    to = lc_put_long(to, LC_UUID_TEXT_BYTES - 1);
    return (uint8_t *)lc_put_uuid((char *)to, uuid);
}

static uint8_t *
put_cohort(uint8_t *to, int32_t cohort)
{
    char text[LC_MONTH_TEXT_BYTES];
    return lc_put_text(to, lc_text_of(lc_month_format(cohort, text)));
}

static uint8_t *
put_tenures(uint8_t *to, const lc_tenure *owners, size_t n_owners)
{
    if (n_owners)
        to = lc_put_long(to, (int64_t)n_owners);
    for (size_t i = 0; i < n_owners; i++) {
        to = lc_put_optional_text(to, owners[i].owner);
        to = lc_put_long(to, owners[i].held_ms);
    }
    return lc_put_long(to, 0);
}

static uint8_t *
put_texts(uint8_t *to, const lc_text *texts, size_t n_texts)
{
    if (n_texts)
        to = lc_put_long(to, (int64_t)n_texts);
    for (size_t i = 0; i < n_texts; i++)
        to = lc_put_text(to, texts[i]);
    return lc_put_long(to, 0);
}

static uint8_t *
put_score(uint8_t *to, bool has_score, int64_t score)
{
    *to++ = has_score ? 2 : 0;
    return has_score ? lc_put_long(to, score) : to;
}

static uint8_t *
put_warning(uint8_t *to, const lc_outcome *outcome)
{
    to = lc_put_text(to, outcome->clock_name);
    to = lc_put_text(to, outcome->warning.label);
    return lc_put_long(to, outcome->warning.due_at);
}

static uint8_t *
put_breached(uint8_t *to, const lc_outcome *outcome)
{
    to = lc_put_text(to, outcome->clock_name);
    to = lc_put_long(to, outcome->breached.early);
    to = lc_put_long(to, outcome->breached.due_at);
    to = lc_put_long(to, outcome->breached.target_ms);
    to = lc_put_long(to, outcome->breached.attempts);
    return put_tenures(to, outcome->breached.owners, outcome->breached.n_owners);
}

static uint8_t *
put_breach_ended(uint8_t *to, const lc_outcome *outcome)
{
    to = lc_put_text(to, outcome->clock_name);
    to = put_uuid(to, &outcome->breach_ended.breach_id);
    to = lc_put_long(to, outcome->breach_ended.ended_by);
    return lc_put_long(to, outcome->breach_ended.late_ms);
}

static uint8_t *
put_clawed_back(uint8_t *to, const lc_outcome *outcome)
{
    to = lc_put_long(to, outcome->clawed_back.due_at);
    to = lc_put_long(to, outcome->clawed_back.clock_from);
    to = lc_put_optional_long(to, outcome->clawed_back.last_activity_at, LC_ABSENT);
    to = lc_put_optional_long(to, outcome->clawed_back.first_contact_at, LC_ABSENT);
    return lc_put_long(to, outcome->clawed_back.attempts);
}

static uint8_t *
put_explanation(uint8_t *to, const lc_explanation *explanation, size_t n_explanation)
{
    if (n_explanation)
        to = lc_put_long(to, (int64_t)n_explanation);
    for (size_t i = 0; i < n_explanation; i++) {
        to = lc_put_text(to, explanation[i].rule);
        to = lc_put_long(to, explanation[i].is_signal);
        to = lc_put_bool(to, explanation[i].held);
        to = lc_put_long(to, explanation[i].points);
    }
    return lc_put_long(to, 0);
}

static uint8_t *
put_routed(uint8_t *to, const lc_outcome *outcome)
{
    to = lc_put_long(to, outcome->routed.destination.route);
    to = lc_put_optional_text(to, outcome->routed.destination.track);
    to = lc_put_long(to, outcome->routed.cause);
    to = lc_put_optional_text(to, outcome->routed.reason);
    to = lc_put_optional_long(to, outcome->routed.resume_at, LC_ABSENT);
    to = lc_put_optional_text(to, outcome->routed.to_owner);
    to = put_texts(to, outcome->routed.exclude_owners, outcome->routed.n_exclude_owners);
    to = put_score(to, outcome->routed.has_score, outcome->routed.score);
    return put_explanation(to, outcome->routed.explanation, outcome->routed.n_explanation);
}

static uint8_t *
put_stages(uint8_t *to, const lc_stage_reached *stages, size_t n_stages)
{
    if (n_stages)
        to = lc_put_long(to, (int64_t)n_stages);
    for (size_t i = 0; i < n_stages; i++) {
        to = lc_put_text(to, stages[i].stage);
        to = lc_put_long(to, stages[i].at);
    }
    return lc_put_long(to, 0);
}

static uint8_t *
put_settled(uint8_t *to, const lc_outcome *outcome)
{
    bool has_route = outcome->settled.has_route;
    to = lc_put_long(to, outcome->settled.cause);
    to = lc_put_optional_text(to, outcome->settled.reason);
    to = lc_put_optional_text(to, outcome->settled.stage);
    to = lc_put_optional_long(to, has_route ? (int64_t)outcome->settled.destination.route : -1, -1);
    to = lc_put_optional_text(to, has_route ? outcome->settled.destination.track : LC_NO_TEXT);
    to = put_cohort(to, outcome->settled.cohort);
    to = lc_put_optional_long(to, outcome->settled.first_contact_at, LC_ABSENT);
    to = lc_put_optional_long(to, outcome->settled.response_open_ms, LC_ABSENT);
    to = lc_put_long(to, outcome->settled.attempts);
    to = lc_put_bool(to, outcome->settled.duplicate);
    to = put_score(to, outcome->settled.has_score, outcome->settled.score);
    to = put_stages(to, outcome->settled.stages, outcome->settled.n_stages);
    to = put_texts(to, outcome->settled.breaches, outcome->settled.n_breaches);
    return put_tenures(to, outcome->settled.owners, outcome->settled.n_owners);
}

static uint8_t *
put_retracted(uint8_t *to, const lc_outcome *outcome)
{
    to = lc_put_long(to, outcome->occurred_at);
    to = put_uuid(to, &outcome->retracted.retracts);
    return lc_put_text(to, lc_text_of(lc_outcome_type_name(outcome->retracted.retracted_type)));
}

/* The common fields after `cycle`, which Retracted has not. */
static uint8_t *
put_common(uint8_t *to, const lc_outcome *outcome)
{
    to = lc_put_long(to, outcome->handoff_at);
    to = lc_put_long(to, outcome->occurred_at);
    to = lc_put_text(to, outcome->policy);
    to = lc_put_optional_text(to, outcome->rule);
    to = lc_put_text(to, outcome->channel);
    to = lc_put_optional_text(to, outcome->owner);
    return lc_put_bool(to, outcome->restated);
}

void
lc_encode_outcome(GByteArray *out, lc_text lead_id, const lc_outcome *outcome)
{
    static uint8_t *(*const put_own[LC_OUTCOME_TYPES])(uint8_t * to, const lc_outcome *outcome) = {
        [LC_OUTCOME_WARNING] = put_warning,         [LC_OUTCOME_BREACHED] = put_breached,
        [LC_OUTCOME_ESCALATED] = put_breach_ended,  [LC_OUTCOME_BREACH_ENDED] = put_breach_ended,
        [LC_OUTCOME_CLAWED_BACK] = put_clawed_back, [LC_OUTCOME_ROUTED] = put_routed,
        [LC_OUTCOME_SETTLED] = put_settled,         [LC_OUTCOME_RETRACTED] = put_retracted,
    };
    uint8_t *to = lc_room_reserve(out, outcome_room(lead_id, outcome));
    to = put_uuid(to, &outcome->event_id);
    to = lc_put_text(to, lead_id);
    to = lc_put_long(to, outcome->cycle);
    if (outcome->type != LC_OUTCOME_RETRACTED)
        to = put_common(to, outcome);
    lc_room_close(out, put_own[outcome->type](to, outcome));
}

/* ---- Counters ---- */

void
lc_encode_counters(GByteArray *out, lc_text channel, int32_t cohort, int32_t partition, const lc_metric_count *counts,
                   size_t n_counts)
{
    size_t room = FIXED_BYTES + channel.size;
    int64_t not_zero = 0;
    for (size_t i = 0; i < n_counts; i++) {
        room += ITEM_BYTES + counts[i].metric.size;
        not_zero += counts[i].count != 0;
    }
    uint8_t *to = lc_room_reserve(out, room);
    to = lc_put_text(to, channel);
    to = put_cohort(to, cohort);
    to = lc_put_long(to, partition);
    if (not_zero)
        to = lc_put_long(to, not_zero);
    for (size_t i = 0; i < n_counts; i++)
        if (counts[i].count) {
            to = lc_put_text(to, counts[i].metric);
            to = lc_put_long(to, counts[i].count);
        }
    lc_room_close(out, lc_put_long(to, 0));
}
