/* json_write.c - outcomes, facts and counters as lines of JSON (sections 1, 6 and 9). */
#include <leadclock/codec.h>

#include <leadclock/calendar.h>

#include "json_put.h"
#include "wire.h"

/* Every member but the first begins with its comma: KEY("rule") is `,"rule":`. */
#define KEY(name) ",\"" name "\":"
#define PUT LC_JSON_PUT

/* ---- Values: each returns the end of what it wrote. Those that are texts make room (json_put.h) ---- */

static char *
put_text(GString *json, char *at, lc_text text)
{
    at = lc_json_room(json, at, text.size);
    return lc_text_is_absent(text) ? PUT(at, "null") : lc_json_put_text(at, text);
}

/* A word of few letters that needs no escape. */
static char *
put_word(char *at, const char *word)
{
    *at++ = '"';
    while (*word)
        *at++ = *word++;
    *at++ = '"';
    return at;
}

static char *
put_instant(char *at, lc_instant instant)
{
    if (instant == LC_ABSENT)
        return PUT(at, "null");
    *at++ = '"';
    at = lc_instant_put(at, instant);
    *at++ = '"';
    return at;
}

static char *
put_integer(char *at, int64_t integer)
{
    char digits[24], *first = digits + sizeof digits;
    uint64_t rest = integer < 0 ? -(uint64_t)integer : (uint64_t)integer;
    do {
        *--first = (char)('0' + rest % 10);
    } while (rest /= 10);
    if (integer < 0)
        *--first = '-';
    while (first < digits + sizeof digits)
        *at++ = *first++;
    return at;
}

static char *
put_optional_integer(char *at, bool present, int64_t integer)
{
    return present ? put_integer(at, integer) : PUT(at, "null");
}

static char *
put_boolean(char *at, bool boolean)
{
    return boolean ? PUT(at, "true") : PUT(at, "false");
}

static char *
put_uuid(char *at, const lc_uuid *uuid)
{
    *at++ = '"';
    at = lc_put_uuid(at, uuid);
    *at++ = '"';
    return at;
}

static char *
put_month(char *at, int32_t month)
{
    char text[LC_MONTH_TEXT_BYTES];
    return put_word(at, lc_month_format(month, text));
}

/* ---- Lists ---- */

static char *
put_comma(char *at, size_t index)
{
    if (index > 0)
        *at++ = ',';
    return at;
}

static char *
put_owners(GString *json, char *at, const lc_tenure *owners, size_t n)
{
    at = PUT(at, KEY("owners") "[");
    for (size_t i = 0; i < n; i++) {
        at = put_text(json, PUT(put_comma(at, i), "{\"owner\":"), owners[i].owner);
        at = put_integer(PUT(at, KEY("held_ms")), owners[i].held_ms);
        *at++ = '}';
    }
    *at++ = ']';
    return at;
}

static char *
put_texts(GString *json, char *at, const lc_text *texts, size_t n)
{
    *at++ = '[';
    for (size_t i = 0; i < n; i++)
        at = put_text(json, put_comma(at, i), texts[i]);
    *at++ = ']';
    return at;
}

static char *
put_stages(GString *json, char *at, const lc_stage_reached *stages, size_t n)
{
    at = PUT(at, KEY("stages") "[");
    for (size_t i = 0; i < n; i++) {
        at = put_text(json, PUT(put_comma(at, i), "{\"stage\":"), stages[i].stage);
        at = put_instant(PUT(at, KEY("at")), stages[i].at);
        *at++ = '}';
    }
    *at++ = ']';
    return at;
}

static char *
put_explanation(GString *json, char *at, const lc_explanation *explanation, size_t n)
{
    at = PUT(at, KEY("explanation") "[");
    for (size_t i = 0; i < n; i++) {
        at = put_text(json, PUT(put_comma(at, i), "{\"rule\":"), explanation[i].rule);
        at = put_word(PUT(at, KEY("kind")), explanation[i].is_signal ? "SIGNAL" : "REQUIRE");
        at = put_boolean(PUT(at, KEY("held")), explanation[i].held);
        at = put_integer(PUT(at, KEY("points")), explanation[i].points);
        *at++ = '}';
    }
    *at++ = ']';
    return at;
}

/* ---- Outcomes ---- */

static char *
put_common(GString *json, char *at, lc_text lead_id, const lc_outcome *outcome)
{
    at = put_word(PUT(at, "{\"type\":"), lc_outcome_type_name(outcome->type));
    at = put_uuid(PUT(at, KEY("event_id")), &outcome->event_id);
    at = put_text(json, PUT(at, KEY("lead_id")), lead_id);
    return put_integer(PUT(at, KEY("cycle")), outcome->cycle);
}

static char *
put_circumstances(GString *json, char *at, const lc_outcome *outcome)
{
    at = put_instant(PUT(at, KEY("handoff_at")), outcome->handoff_at);
    at = put_instant(PUT(at, KEY("occurred_at")), outcome->occurred_at);
    at = put_text(json, PUT(at, KEY("policy")), outcome->policy);
    at = put_text(json, PUT(at, KEY("rule")), outcome->rule);
    at = put_text(json, PUT(at, KEY("channel")), outcome->channel);
    at = put_text(json, PUT(at, KEY("owner")), outcome->owner);
    return put_boolean(PUT(at, KEY("restated")), outcome->restated);
}

static char *
put_destination(GString *json, char *at, bool has_route, const lc_destination *destination)
{
    at = PUT(at, KEY("route"));
    at = has_route ? put_word(at, lc_route_name(destination->route)) : PUT(at, "null");
    return put_text(json, PUT(at, KEY("track")), has_route ? destination->track : LC_NO_TEXT);
}

static char *
put_warning(GString *json, char *at, const lc_outcome *outcome)
{
    at = put_text(json, PUT(at, KEY("clock")), outcome->clock_name);
    at = put_text(json, PUT(at, KEY("label")), outcome->warning.label);
    return put_instant(PUT(at, KEY("due_at")), outcome->warning.due_at);
}

static char *
put_breached(GString *json, char *at, const lc_outcome *outcome)
{
    at = put_text(json, PUT(at, KEY("clock")), outcome->clock_name);
    at = put_word(PUT(at, KEY("kind")), outcome->breached.early ? "EARLY" : "LATE");
    at = put_instant(PUT(at, KEY("due_at")), outcome->breached.due_at);
    at = put_integer(PUT(at, KEY("target_ms")), outcome->breached.target_ms);
    at = put_integer(PUT(at, KEY("attempts")), outcome->breached.attempts);
    return put_owners(json, at, outcome->breached.owners, outcome->breached.n_owners);
}

static char *
put_escalated(GString *json, char *at, const lc_outcome *outcome)
{
    at = put_text(json, PUT(at, KEY("clock")), outcome->clock_name);
    at = put_text(json, PUT(at, KEY("label")), outcome->escalated.label);
    at = put_integer(PUT(at, KEY("level")), outcome->escalated.level);
    at = put_instant(PUT(at, KEY("due_at")), outcome->escalated.due_at);
    at = put_uuid(PUT(at, KEY("breach_id")), &outcome->escalated.breach_id);
    return put_integer(PUT(at, KEY("attempts")), outcome->escalated.attempts);
}

static char *
put_breach_ended(GString *json, char *at, const lc_outcome *outcome)
{
    static const char *const ended_by[] = {"CONTACTED", "PROGRESSED", "SETTLED"};
    at = put_text(json, PUT(at, KEY("clock")), outcome->clock_name);
    at = put_uuid(PUT(at, KEY("breach_id")), &outcome->breach_ended.breach_id);
    at = put_word(PUT(at, KEY("ended_by")), ended_by[outcome->breach_ended.ended_by]);
    return put_integer(PUT(at, KEY("late_ms")), outcome->breach_ended.late_ms);
}

static char *
put_clawed_back(char *at, const lc_outcome *outcome)
{
    static const char *const clock_from[] = {"HANDOFF", "LAST_ACTIVITY", "REQUESTED_TIME"};
    at = put_instant(PUT(at, KEY("due_at")), outcome->clawed_back.due_at);
    at = put_word(PUT(at, KEY("clock_from")), clock_from[outcome->clawed_back.clock_from]);
    at = put_instant(PUT(at, KEY("last_activity_at")), outcome->clawed_back.last_activity_at);
    at = put_instant(PUT(at, KEY("first_contact_at")), outcome->clawed_back.first_contact_at);
    return put_integer(PUT(at, KEY("attempts")), outcome->clawed_back.attempts);
}

static char *
put_routed(GString *json, char *at, const lc_outcome *outcome)
{
    at = put_destination(json, at, true, &outcome->routed.destination);
    at = put_word(PUT(at, KEY("cause")), lc_cause_name(outcome->routed.cause));
    at = put_text(json, PUT(at, KEY("reason")), outcome->routed.reason);
    at = put_instant(PUT(at, KEY("resume_at")), outcome->routed.resume_at);
    at = put_text(json, PUT(at, KEY("to_owner")), outcome->routed.to_owner);
    at = put_texts(json, PUT(at, KEY("exclude_owners")), outcome->routed.exclude_owners,
                   outcome->routed.n_exclude_owners);
    at = put_optional_integer(PUT(at, KEY("score")), outcome->routed.has_score, outcome->routed.score);
    return put_explanation(json, at, outcome->routed.explanation, outcome->routed.n_explanation);
}

static char *
put_settled(GString *json, char *at, const lc_outcome *outcome)
{
    at = put_word(PUT(at, KEY("cause")), lc_cause_name(outcome->settled.cause));
    at = put_text(json, PUT(at, KEY("reason")), outcome->settled.reason);
    at = put_text(json, PUT(at, KEY("stage")), outcome->settled.stage);
    at = put_destination(json, at, outcome->settled.has_route, &outcome->settled.destination);
    at = put_month(PUT(at, KEY("cohort")), outcome->settled.cohort);
    at = put_instant(PUT(at, KEY("first_contact_at")), outcome->settled.first_contact_at);
    at = put_optional_integer(PUT(at, KEY("response_open_ms")), outcome->settled.response_open_ms != LC_ABSENT,
                              outcome->settled.response_open_ms);
    at = put_integer(PUT(at, KEY("attempts")), outcome->settled.attempts);
    at = put_boolean(PUT(at, KEY("duplicate")), outcome->settled.duplicate);
    at = put_optional_integer(PUT(at, KEY("score")), outcome->settled.has_score, outcome->settled.score);
    at = put_stages(json, at, outcome->settled.stages, outcome->settled.n_stages);
    at = put_texts(json, PUT(at, KEY("breaches")), outcome->settled.breaches, outcome->settled.n_breaches);
    return put_owners(json, at, outcome->settled.owners, outcome->settled.n_owners);
}

static char *
put_retracted(char *at, const lc_outcome *outcome)
{
    at = put_instant(PUT(at, KEY("occurred_at")), outcome->occurred_at);
    at = put_uuid(PUT(at, KEY("retracts")), &outcome->retracted.retracts);
    return put_word(PUT(at, KEY("retracted_type")), lc_outcome_type_name(outcome->retracted.retracted_type));
}

static char *
put_own(GString *json, char *at, const lc_outcome *outcome)
{
    switch (outcome->type) {
    case LC_OUTCOME_WARNING:
        return put_warning(json, at, outcome);
    case LC_OUTCOME_BREACHED:
        return put_breached(json, at, outcome);
    case LC_OUTCOME_ESCALATED:
        return put_escalated(json, at, outcome);
    case LC_OUTCOME_BREACH_ENDED:
        return put_breach_ended(json, at, outcome);
    case LC_OUTCOME_CLAWED_BACK:
        return put_clawed_back(at, outcome);
    case LC_OUTCOME_ROUTED:
        return put_routed(json, at, outcome);
    case LC_OUTCOME_SETTLED:
        return put_settled(json, at, outcome);
    case LC_OUTCOME_RETRACTED:
        return put_retracted(at, outcome);
    }
    g_assert_not_reached();
}

void
lc_json_write_outcome(GString *json, lc_text lead_id, const lc_outcome *outcome)
{
    char *at = put_common(json, lc_json_open(json), lead_id, outcome);
    if (outcome->type != LC_OUTCOME_RETRACTED)
        at = put_circumstances(json, at, outcome);
    at = put_own(json, at, outcome);
    *at++ = '}';
    lc_json_close(json, at);
}

/* ---- Facts: the optional fields that one hasn't are left out ---- */

static char *
put_fact_text(GString *json, char *at, const char *key, lc_text text)
{
    return lc_text_is_absent(text) ? at : put_text(json, stpcpy(at, key), text);
}

static char *
put_fact_instant(char *at, const char *key, lc_instant instant)
{
    return instant == LC_ABSENT ? at : put_instant(stpcpy(at, key), instant);
}

static char *
put_attributes(GString *json, char *at, const lc_fact *fact)
{
    at = PUT(at, KEY("attributes") "{");
    for (size_t i = 0; i < fact->n_attributes; i++) {
        at = put_text(json, put_comma(at, i), fact->attributes[i].key);
        *at++ = ':';
        at = put_text(json, at, fact->attributes[i].value);
    }
    *at++ = '}';
    return at;
}

static char *
put_contact(char *at, const lc_fact *fact)
{
    static const char *const methods[] = {"CALL", "EMAIL", "MEETING", "MESSAGE", "OTHER"};
    at = put_word(PUT(at, KEY("method")), methods[fact->method]);
    at = put_boolean(PUT(at, KEY("automated")), fact->automated);
    return put_word(PUT(at, KEY("outcome")), fact->connected ? "CONNECTED" : "ATTEMPTED");
}

static char *
put_own_fields(GString *json, char *at, const lc_fact *fact)
{
    switch (fact->type) {
    case LC_FACT_CONTACTED:
        return put_contact(at, fact);
    case LC_FACT_PROGRESSED:
        return put_fact_text(json, at, KEY("stage"), fact->text);
    case LC_FACT_REJECTED:
        return put_fact_text(json, at, KEY("reason"), fact->text);
    default:
        return at;
    }
}

void
lc_json_write_fact(GString *json, lc_text lead_id, const lc_fact *fact)
{
    char *at = put_word(PUT(lc_json_open(json), "{\"type\":"), lc_fact_type_name(fact->type));
    at = put_fact_text(json, at, KEY("event_id"), fact->event_id);
    at = put_fact_text(json, at, KEY("lead_id"), lead_id);
    at = put_fact_instant(at, KEY("occurred_at"), fact->occurred_at);
    at = put_fact_instant(at, KEY("recorded_at"), fact->recorded_at);
    at = put_fact_text(json, at, KEY("channel"), fact->channel);
    if (fact->type == LC_FACT_CREATED)
        at = put_attributes(json, at, fact);
    at = put_fact_text(json, at, KEY("campaign"), fact->campaign);
    at = put_fact_text(json, at, KEY("owner"), fact->owner);
    at = put_own_fields(json, at, fact);
    at = put_fact_text(json, at, KEY("note"), fact->note);
    at = put_fact_instant(at, KEY("follow_up_at"), fact->follow_up_at);
    *at++ = '}';
    lc_json_close(json, at);
}

void
lc_json_write_count(GString *json, lc_text channel, int32_t cohort, lc_text metric, int64_t count)
{
    char *at = put_text(json, PUT(lc_json_open(json), "{\"channel\":"), channel);
    at = put_month(PUT(at, KEY("cohort")), cohort);
    at = put_text(json, PUT(at, KEY("metric")), metric);
    at = put_integer(PUT(at, KEY("count")), count);
    *at++ = '}';
    lc_json_close(json, at);
}
