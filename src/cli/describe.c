/* describe.c - a record in a few words, for people. */
#include "describe.h"

#include <leadclock/calendar.h>

#define RED "\033[31m"
#define GREEN "\033[32m"
#define YELLOW "\033[33m"
#define BLUE "\033[34m"
#define MAGENTA "\033[35m"
#define CYAN "\033[36m"
#define DIM "\033[2m"

/* ---- Fields ---- */

static const char *
text_of(const json_t *record, const char *name)
{
    return json_string_value(json_object_get(record, name));
}

/* What is shown of a duration is no smaller. */
static lc_duration
unit_for(lc_duration duration)
{
    return duration >= LC_HOUR ? LC_MINUTE : duration >= LC_SECOND ? LC_SECOND : 1;
}

static void
append_duration(GString *out, const json_t *record, const char *name)
{
    lc_cli_append_duration(out, json_integer_value(json_object_get(record, name)));
}

/* Of the clock's calendar. */
static void
append_open_time(GString *out, const json_t *record, const char *name)
{
    char text[LC_DURATION_TEXT_BYTES];
    lc_duration duration = json_integer_value(json_object_get(record, name)), unit = unit_for(duration);
    g_string_append(out, lc_open_time_format(duration / unit * unit, text));
}

/* A due time: "09:00:05" of "2026-02-02T09:00:05.000Z" where the record is of the same day; otherwise with its day. */
static void
append_due(GString *out, const json_t *record)
{
    const char *due = text_of(record, "due_at"), *at = text_of(record, "occurred_at");
    if (due && at && strlen(due) >= 19 && strncmp(due, at, strlen("2026-02-02")) == 0)
        g_string_append_len(out, due + 11, 8);
    else
        lc_cli_append_time(out, due);
}

/* BEFORE and the value, where there is one. */
static void
append_if(GString *out, const char *before, const json_t *record, const char *name)
{
    const char *text = text_of(record, name);
    if (text)
        g_string_append_printf(out, "%s%s", before, text);
}

static void
append_count(GString *out, const json_t *record, const char *name, const char *one, const char *many)
{
    json_int_t count = json_integer_value(json_object_get(record, name));
    g_string_append_printf(out, ", %" JSON_INTEGER_FORMAT " %s", count, count == 1 ? one : many);
}

void
lc_cli_append_duration(GString *out, lc_duration duration)
{
    char text[LC_DURATION_TEXT_BYTES];
    lc_duration unit = duration >= LC_DAY ? LC_HOUR : unit_for(duration);
    g_string_append(out, lc_duration_format(duration / unit * unit, text));
}

void
lc_cli_append_time(GString *out, const char *iso)
{
    if (iso == NULL || strlen(iso) < 19)
        g_string_append(out, "-");
    else
        g_string_append_printf(out, "%.10s %.8s", iso, iso + 11);
}

/* ---- Outcomes ---- */

static lc_description
describe_warning(const json_t *record, GString *why)
{
    append_if(why, "", record, "clock");
    append_if(why, " at ", record, "label");
    g_string_append(why, ", due ");
    append_due(why, record);
    append_if(why, ", owner ", record, "owner");
    return (lc_description){"WARNING", YELLOW};
}

static lc_description
describe_breach(const json_t *record, GString *why)
{
    bool early = g_strcmp0(text_of(record, "kind"), "EARLY") == 0;
    append_if(why, "", record, "clock");
    g_string_append(why, early ? ": contacted before " : ": not by ");
    append_due(why, record);
    if (!early) {
        g_string_append(why, " (");
        append_open_time(why, record, "target_ms");
        g_string_append_c(why, ')');
    }
    append_count(why, record, "attempts", "attempt", "attempts");
    append_if(why, ", owner ", record, "owner");
    return (lc_description){early ? "TOO EARLY" : "BREACHED", RED};
}

static lc_description
describe_escalation(const json_t *record, GString *why)
{
    append_if(why, "", record, "clock");
    g_string_append_printf(why, ": level %" JSON_INTEGER_FORMAT, json_integer_value(json_object_get(record, "level")));
    append_if(why, ", ", record, "label");
    g_string_append(why, " after it was due at ");
    append_due(why, record);
    append_count(why, record, "attempts", "attempt", "attempts");
    append_if(why, ", owner ", record, "owner");
    return (lc_description){"ESCALATED", RED};
}

static lc_description
describe_breach_end(const json_t *record, GString *why)
{
    append_if(why, "", record, "clock");
    append_if(why, ": ", record, "ended_by");
    g_string_append(why, ", ");
    append_open_time(why, record, "late_ms");
    g_string_append(why, " late");
    return (lc_description){"BREACH OVER", GREEN};
}

static lc_description
describe_clawback(const json_t *record, GString *why)
{
    append_if(why, "counted from ", record, "clock_from");
    append_count(why, record, "attempts", "attempt", "attempts");
    append_if(why, ", owner ", record, "owner");
    return (lc_description){"CLAWED BACK", MAGENTA};
}

static lc_description
describe_route(const json_t *record, GString *why)
{
    const json_t *excluded = json_object_get(record, "exclude_owners");
    append_if(why, "to ", record, "route");
    append_if(why, " ", record, "track");
    append_if(why, ": ", record, "cause");
    append_if(why, " ", record, "reason");
    append_if(why, ", for ", record, "to_owner");
    append_if(why, ", again at ", record, "resume_at");
    for (size_t i = 0; i < json_array_size(excluded); i++)
        g_string_append_printf(why, "%s%s", i ? ", " : ", not to ", json_string_value(json_array_get(excluded, i)));
    return (lc_description){"ROUTED", CYAN};
}

static lc_description
describe_settlement(const json_t *record, GString *why)
{
    append_if(why, "", record, "cause");
    append_if(why, " ", record, "reason");
    append_if(why, " ", record, "stage");
    append_if(why, " into ", record, "merged_into");
    append_count(why, record, "attempts", "attempt", "attempts");
    if (json_integer_value(json_object_get(record, "paused_ms")) > 0) {
        g_string_append(why, ", paused for ");
        append_duration(why, record, "paused_ms");
    }
    if (json_is_integer(json_object_get(record, "response_open_ms"))) {
        g_string_append(why, ", first contact after ");
        append_open_time(why, record, "response_open_ms");
    }
    append_if(why, ", owner ", record, "owner");
    return (lc_description){"SETTLED", BLUE};
}

static lc_description
describe_retraction(const json_t *record, GString *why)
{
    append_if(why, "", record, "retracted_type");
    g_string_append(why, " no longer holds");
    return (lc_description){"RETRACTED", DIM};
}

/* ---- Changelogs ---- */

static lc_description
describe_counters(const json_t *record, GString *why)
{
    const char *metric;
    json_t *count;
    bool is_first = true;
    json_object_foreach(json_object_get(record, "counts"), metric, count)
    {
        g_string_append_printf(why, "%s%s %" JSON_INTEGER_FORMAT, is_first ? "" : ", ", metric,
                               json_integer_value(count));
        is_first = false;
    }
    return (lc_description){"COUNTED", ""};
}

static lc_description
describe_state(const json_t *record, GString *why)
{
    size_t n = json_array_size(json_object_get(record, "facts"));
    g_string_append_printf(why, "%zu %s", n, n == 1 ? "fact" : "facts");
    return (lc_description){"STATE", DIM};
}

/* ---- Rows: all that they say, in few words ---- */

static lc_description
describe_cycle(const json_t *record, GString *why)
{
    append_if(why, "", record, "status");
    append_if(why, " ", record, "cause");
    append_if(why, ", stage ", record, "stage");
    append_if(why, ", owner ", record, "owner");
    append_if(why, ", next ", record, "next_clock");
    if (json_integer_value(json_object_get(record, "broken")))
        append_count(why, record, "broken", "broken promise", "broken promises");
    return (lc_description){"CYCLE", ""};
}

static lc_description
describe_breach_row(const json_t *record, GString *why)
{
    append_if(why, "", record, "clock");
    append_if(why, " ", record, "kind");
    append_if(why, ", ended by ", record, "ended_by");
    return (lc_description){"BREACH", RED};
}

static lc_description
describe_stage_row(const json_t *record, GString *why)
{
    append_if(why, "", record, "stage");
    return (lc_description){"STAGE", ""};
}

static lc_description
describe_tenure(const json_t *record, GString *why)
{
    append_if(why, "owner ", record, "owner");
    append_if(why, " from ", record, "from_at");
    append_if(why, " to ", record, "to_at");
    return (lc_description){"TENURE", ""};
}

static lc_description
describe_route_row(const json_t *record, GString *why)
{
    append_if(why, "", record, "route");
    append_if(why, " ", record, "track");
    append_if(why, ", ", record, "cause");
    append_if(why, " ", record, "reason");
    return (lc_description){"ROUTE", MAGENTA};
}

static lc_description
describe_counter_row(const json_t *record, GString *why)
{
    append_if(why, "", record, "channel");
    append_if(why, " ", record, "cohort");
    append_if(why, " ", record, "metric");
    g_string_append_printf(why, " %" JSON_INTEGER_FORMAT, json_integer_value(json_object_get(record, "value")));
    return (lc_description){"COUNTER", ""};
}

/* ---- Facts, and what else may come ---- */

static lc_description
describe_fact(const json_t *record, GString *why)
{
    static const char *const fields[] = {"channel", "campaign", "method", "outcome", "stage",
                                         "into",    "reason",   "owner",  "until",   "follow_up_at"};
    for (size_t i = 0; i < G_N_ELEMENTS(fields); i++)
        if (text_of(record, fields[i]))
            g_string_append_printf(why, "%s%s %s", why->len ? ", " : "", fields[i], text_of(record, fields[i]));
    if (json_is_true(json_object_get(record, "automated")))
        g_string_append(why, ", automated");
    return (lc_description){text_of(record, "type"), ""};
}

static const struct {
    const char *type;
    lc_description (*describe)(const json_t *record, GString *why);
} kinds[] = {
    {"SlaWarning", describe_warning},       {"SlaBreached", describe_breach},
    {"SlaEscalated", describe_escalation},  {"SlaBreachEnded", describe_breach_end},
    {"LeadClawedBack", describe_clawback},  {"LeadRouted", describe_route},
    {"LeadSettled", describe_settlement},   {"Retracted", describe_retraction},
    {"ChannelCounters", describe_counters}, {"LeadState", describe_state},
    {"CycleRow", describe_cycle},           {"BreachRow", describe_breach_row},
    {"StageRow", describe_stage_row},       {"TenureRow", describe_tenure},
    {"RouteRow", describe_route_row},       {"CounterRow", describe_counter_row},
};

lc_description
lc_cli_describe(const json_t *record, GString *why)
{
    const char *type = text_of(record, "type");
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (g_strcmp0(kinds[i].type, type) != 0)
            continue;
        if (json_is_true(json_object_get(record, "deleted")))
            return (lc_description){"ROW DELETED", DIM};
        lc_description description = kinds[i].describe(record, why);
        if (json_is_true(json_object_get(record, "restated")))
            g_string_append(why, " (restated)");
        return description;
    }
    lc_description description = describe_fact(record, why);
    return description.what ? description : (lc_description){"RECORD", ""};
}
