/* json_write.c - outcomes, facts and counters as lines of JSON (sections 1, 6 and 9). */
#include <leadclock/codec.h>

#include <leadclock/calendar.h>

#include "json_append.h"

/* Every member but the first begins with its comma: KEY("rule") is `,"rule":`. */
#define KEY(name) ",\"" name "\":"
#define APPEND(json, literal) lc_append_bytes((json), (literal), sizeof(literal) - 1)

static void
append_text(GString *json, lc_text text)
{
    if (lc_text_is_absent(text))
        APPEND(json, "null");
    else
        lc_json_write_text(json, text);
}

/* A word that needs no escape. */
static void
append_word(GString *json, const char *word)
{
    APPEND(json, "\"");
    lc_append_bytes(json, word, strlen(word));
    APPEND(json, "\"");
}

static void
append_instant(GString *json, lc_instant instant)
{
    char text[LC_INSTANT_TEXT_BYTES];
    if (instant == LC_ABSENT)
        APPEND(json, "null");
    else
        append_word(json, lc_instant_format(instant, text));
}

static void
append_integer(GString *json, int64_t integer)
{
    char digits[24], *at = digits + sizeof digits;
    uint64_t rest = integer < 0 ? -(uint64_t)integer : (uint64_t)integer;
    do {
        *--at = (char)('0' + rest % 10);
    } while (rest /= 10);
    if (integer < 0)
        *--at = '-';
    lc_append_bytes(json, at, (size_t)(digits + sizeof digits - at));
}

static void
append_optional_integer(GString *json, bool present, int64_t integer)
{
    if (present)
        append_integer(json, integer);
    else
        APPEND(json, "null");
}

static void
append_boolean(GString *json, bool boolean)
{
    if (boolean)
        APPEND(json, "true");
    else
        APPEND(json, "false");
}

static void
append_uuid(GString *json, const lc_uuid *uuid)
{
    char text[LC_UUID_TEXT_BYTES];
    append_word(json, lc_uuid_format(uuid, text));
}

static void
append_month(GString *json, int32_t month)
{
    char text[LC_MONTH_TEXT_BYTES];
    append_word(json, lc_month_format(month, text));
}

/* ---- Lists ---- */

static void
append_comma(GString *json, size_t index)
{
    if (index > 0)
        g_string_append_c(json, ',');
}

static void
append_owners(GString *json, const lc_tenure *owners, size_t n)
{
    APPEND(json, KEY("owners") "[");
    for (size_t i = 0; i < n; i++) {
        append_comma(json, i);
        APPEND(json, "{\"owner\":");
        append_text(json, owners[i].owner);
        APPEND(json, KEY("held_ms"));
        append_integer(json, owners[i].held_ms);
        g_string_append_c(json, '}');
    }
    g_string_append_c(json, ']');
}

static void
append_texts(GString *json, const lc_text *texts, size_t n)
{
    g_string_append_c(json, '[');
    for (size_t i = 0; i < n; i++) {
        append_comma(json, i);
        append_text(json, texts[i]);
    }
    g_string_append_c(json, ']');
}

static void
append_stages(GString *json, const lc_stage_reached *stages, size_t n)
{
    APPEND(json, KEY("stages") "[");
    for (size_t i = 0; i < n; i++) {
        append_comma(json, i);
        APPEND(json, "{\"stage\":");
        append_text(json, stages[i].stage);
        APPEND(json, KEY("at"));
        append_instant(json, stages[i].at);
        g_string_append_c(json, '}');
    }
    g_string_append_c(json, ']');
}

static void
append_explanation(GString *json, const lc_explanation *explanation, size_t n)
{
    APPEND(json, KEY("explanation") "[");
    for (size_t i = 0; i < n; i++) {
        append_comma(json, i);
        APPEND(json, "{\"rule\":");
        append_text(json, explanation[i].rule);
        APPEND(json, KEY("kind"));
        append_word(json, explanation[i].is_signal ? "SIGNAL" : "REQUIRE");
        APPEND(json, KEY("held"));
        append_boolean(json, explanation[i].held);
        APPEND(json, KEY("points"));
        append_integer(json, explanation[i].points);
        g_string_append_c(json, '}');
    }
    g_string_append_c(json, ']');
}

/* ---- Outcomes ---- */

static void
append_common(GString *json, lc_text lead_id, const lc_outcome *outcome)
{
    APPEND(json, "{\"type\":");
    append_word(json, lc_outcome_type_name(outcome->type));
    APPEND(json, KEY("event_id"));
    append_uuid(json, &outcome->event_id);
    APPEND(json, KEY("lead_id"));
    append_text(json, lead_id);
    APPEND(json, KEY("cycle"));
    append_integer(json, outcome->cycle);
}

static void
append_circumstances(GString *json, const lc_outcome *outcome)
{
    APPEND(json, KEY("handoff_at"));
    append_instant(json, outcome->handoff_at);
    APPEND(json, KEY("occurred_at"));
    append_instant(json, outcome->occurred_at);
    APPEND(json, KEY("policy"));
    append_text(json, outcome->policy);
    APPEND(json, KEY("rule"));
    append_text(json, outcome->rule);
    APPEND(json, KEY("channel"));
    append_text(json, outcome->channel);
    APPEND(json, KEY("owner"));
    append_text(json, outcome->owner);
    APPEND(json, KEY("restated"));
    append_boolean(json, outcome->restated);
}

static void
append_destination(GString *json, bool has_route, const lc_destination *destination)
{
    APPEND(json, KEY("route"));
    if (has_route)
        append_word(json, lc_route_name(destination->route));
    else
        APPEND(json, "null");
    APPEND(json, KEY("track"));
    append_text(json, has_route ? destination->track : LC_NO_TEXT);
}

static void
append_warning(GString *json, const lc_outcome *outcome)
{
    APPEND(json, KEY("clock"));
    append_text(json, outcome->clock_name);
    APPEND(json, KEY("label"));
    append_text(json, outcome->warning.label);
    APPEND(json, KEY("due_at"));
    append_instant(json, outcome->warning.due_at);
}

static void
append_breached(GString *json, const lc_outcome *outcome)
{
    APPEND(json, KEY("clock"));
    append_text(json, outcome->clock_name);
    APPEND(json, KEY("kind"));
    append_word(json, outcome->breached.early ? "EARLY" : "LATE");
    APPEND(json, KEY("due_at"));
    append_instant(json, outcome->breached.due_at);
    APPEND(json, KEY("target_ms"));
    append_integer(json, outcome->breached.target_ms);
    APPEND(json, KEY("attempts"));
    append_integer(json, outcome->breached.attempts);
    append_owners(json, outcome->breached.owners, outcome->breached.n_owners);
}

static void
append_breach_ended(GString *json, const lc_outcome *outcome)
{
    static const char *const ended_by[] = {"CONTACTED", "PROGRESSED", "SETTLED"};
    APPEND(json, KEY("clock"));
    append_text(json, outcome->clock_name);
    APPEND(json, KEY("breach_id"));
    append_uuid(json, &outcome->breach_ended.breach_id);
    APPEND(json, KEY("ended_by"));
    append_word(json, ended_by[outcome->breach_ended.ended_by]);
    APPEND(json, KEY("late_ms"));
    append_integer(json, outcome->breach_ended.late_ms);
}

static void
append_clawed_back(GString *json, const lc_outcome *outcome)
{
    static const char *const clock_from[] = {"HANDOFF", "LAST_ACTIVITY", "REQUESTED_TIME"};
    APPEND(json, KEY("due_at"));
    append_instant(json, outcome->clawed_back.due_at);
    APPEND(json, KEY("clock_from"));
    append_word(json, clock_from[outcome->clawed_back.clock_from]);
    APPEND(json, KEY("last_activity_at"));
    append_instant(json, outcome->clawed_back.last_activity_at);
    APPEND(json, KEY("first_contact_at"));
    append_instant(json, outcome->clawed_back.first_contact_at);
    APPEND(json, KEY("attempts"));
    append_integer(json, outcome->clawed_back.attempts);
}

static void
append_routed(GString *json, const lc_outcome *outcome)
{
    append_destination(json, true, &outcome->routed.destination);
    APPEND(json, KEY("cause"));
    append_word(json, lc_cause_name(outcome->routed.cause));
    APPEND(json, KEY("reason"));
    append_text(json, outcome->routed.reason);
    APPEND(json, KEY("resume_at"));
    append_instant(json, outcome->routed.resume_at);
    APPEND(json, KEY("to_owner"));
    append_text(json, outcome->routed.to_owner);
    APPEND(json, KEY("exclude_owners"));
    append_texts(json, outcome->routed.exclude_owners, outcome->routed.n_exclude_owners);
    APPEND(json, KEY("score"));
    append_optional_integer(json, outcome->routed.has_score, outcome->routed.score);
    append_explanation(json, outcome->routed.explanation, outcome->routed.n_explanation);
}

static void
append_settled(GString *json, const lc_outcome *outcome)
{
    APPEND(json, KEY("cause"));
    append_word(json, lc_cause_name(outcome->settled.cause));
    APPEND(json, KEY("reason"));
    append_text(json, outcome->settled.reason);
    APPEND(json, KEY("stage"));
    append_text(json, outcome->settled.stage);
    append_destination(json, outcome->settled.has_route, &outcome->settled.destination);
    APPEND(json, KEY("cohort"));
    append_month(json, outcome->settled.cohort);
    APPEND(json, KEY("first_contact_at"));
    append_instant(json, outcome->settled.first_contact_at);
    APPEND(json, KEY("response_open_ms"));
    append_optional_integer(json, outcome->settled.response_open_ms != LC_ABSENT, outcome->settled.response_open_ms);
    APPEND(json, KEY("attempts"));
    append_integer(json, outcome->settled.attempts);
    APPEND(json, KEY("duplicate"));
    append_boolean(json, outcome->settled.duplicate);
    APPEND(json, KEY("score"));
    append_optional_integer(json, outcome->settled.has_score, outcome->settled.score);
    append_stages(json, outcome->settled.stages, outcome->settled.n_stages);
    APPEND(json, KEY("breaches"));
    append_texts(json, outcome->settled.breaches, outcome->settled.n_breaches);
    append_owners(json, outcome->settled.owners, outcome->settled.n_owners);
}

static void
append_retracted(GString *json, const lc_outcome *outcome)
{
    APPEND(json, KEY("occurred_at"));
    append_instant(json, outcome->occurred_at);
    APPEND(json, KEY("retracts"));
    append_uuid(json, &outcome->retracted.retracts);
    APPEND(json, KEY("retracted_type"));
    append_word(json, lc_outcome_type_name(outcome->retracted.retracted_type));
}

void
lc_json_write_outcome(GString *json, lc_text lead_id, const lc_outcome *outcome)
{
    static void (*const append_own[LC_OUTCOME_TYPES])(GString *, const lc_outcome *) = {
        append_warning, append_breached, append_breach_ended, append_clawed_back,
        append_routed,  append_settled,  append_retracted,
    };
    append_common(json, lead_id, outcome);
    if (outcome->type != LC_OUTCOME_RETRACTED)
        append_circumstances(json, outcome);
    append_own[outcome->type](json, outcome);
    g_string_append_c(json, '}');
}

/* ---- Facts ---- */

static void
append_fact_text(GString *json, const char *key, lc_text text)
{
    if (lc_text_is_absent(text))
        return;
    g_string_append(json, key);
    lc_json_write_text(json, text);
}

static void
append_fact_instant(GString *json, const char *key, lc_instant instant)
{
    if (instant == LC_ABSENT)
        return;
    g_string_append(json, key);
    append_instant(json, instant);
}

static void
append_attributes(GString *json, const lc_fact *fact)
{
    APPEND(json, KEY("attributes") "{");
    for (size_t i = 0; i < fact->n_attributes; i++) {
        append_comma(json, i);
        lc_json_write_text(json, fact->attributes[i].key);
        g_string_append_c(json, ':');
        lc_json_write_text(json, fact->attributes[i].value);
    }
    g_string_append_c(json, '}');
}

static void
append_contact(GString *json, const lc_fact *fact)
{
    static const char *const methods[] = {"CALL", "EMAIL", "MEETING", "MESSAGE", "OTHER"};
    APPEND(json, KEY("method"));
    append_word(json, methods[fact->method]);
    APPEND(json, KEY("automated"));
    append_boolean(json, fact->automated);
    APPEND(json, KEY("outcome"));
    append_word(json, fact->connected ? "CONNECTED" : "ATTEMPTED");
}

/* The optional fields that a fact hasn't are left out. */
void
lc_json_write_fact(GString *json, lc_text lead_id, const lc_fact *fact)
{
    APPEND(json, "{\"type\":");
    append_word(json, lc_fact_type_name(fact->type));
    append_fact_text(json, KEY("event_id"), fact->event_id);
    append_fact_text(json, KEY("lead_id"), lead_id);
    append_fact_instant(json, KEY("occurred_at"), fact->occurred_at);
    append_fact_instant(json, KEY("recorded_at"), fact->recorded_at);
    append_fact_text(json, KEY("channel"), fact->channel);
    if (fact->type == LC_FACT_CREATED)
        append_attributes(json, fact);
    append_fact_text(json, KEY("campaign"), fact->campaign);
    append_fact_text(json, KEY("owner"), fact->owner);
    if (fact->type == LC_FACT_CONTACTED)
        append_contact(json, fact);
    if (fact->type == LC_FACT_PROGRESSED)
        append_fact_text(json, KEY("stage"), fact->text);
    if (fact->type == LC_FACT_REJECTED)
        append_fact_text(json, KEY("reason"), fact->text);
    append_fact_text(json, KEY("note"), fact->note);
    append_fact_instant(json, KEY("follow_up_at"), fact->follow_up_at);
    g_string_append_c(json, '}');
}

void
lc_json_write_count(GString *json, lc_text channel, int32_t cohort, lc_text metric, int64_t count)
{
    APPEND(json, "{\"channel\":");
    append_text(json, channel);
    APPEND(json, KEY("cohort"));
    append_month(json, cohort);
    APPEND(json, KEY("metric"));
    append_text(json, metric);
    APPEND(json, KEY("count"));
    append_integer(json, count);
    g_string_append_c(json, '}');
}
