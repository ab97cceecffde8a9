/* row_records.c - the columns of rows (section 10), in their order, the key's first. */
#include "names.h"

#define RECORD(table, type, n_keys)                                                                                    \
    {                                                                                                                  \
        .fields = (table), .n_fields = G_N_ELEMENTS(table), .n_key_fields = (n_keys), .bytes = sizeof(type)            \
    }

/* ---- cycles ---- */

#define OF(name, kind, ...) LC_FIELD(name, kind, lc_cycle_row, __VA_ARGS__)
#define MAYBE(name, kind, member, ...) OF(name, kind, member, .is_optional = true, __VA_ARGS__)

static const lc_record_field cycle_fields[] = {
    OF("cycle_id", UUID, cycle_id),
    OF("lead_id", TEXT, lead_id),
    OF("cycle", COUNT, cycle),
    OF("handoff_at", INSTANT, handoff_at),
    OF("cohort", MONTH, cohort),
    OF("channel", TEXT, channel),
    MAYBE("campaign", TEXT, campaign),
    OF("policy", TEXT, policy),
    MAYBE("rule", TEXT, rule),
    OF("status", CHOICE, settled, .names = lc_cycle_status_names),
    MAYBE("owner", TEXT, owner),
    MAYBE("assigned_at", INSTANT, assigned_at),
    MAYBE("cause", NAME, cause, .names = lc_cause_names),
    MAYBE("reason", TEXT, reason),
    MAYBE("rejected_as", TEXT, rejected_as),
    MAYBE("route", NAME, route, .names = lc_route_names),
    MAYBE("track", TEXT, track),
    MAYBE("merged_into", TEXT, merged_into),
    MAYBE("settled_at", INSTANT, settled_at),
    MAYBE("stage", TEXT, stage),
    MAYBE("first_contact_at", INSTANT, first_contact_at),
    MAYBE("response_ms", DURATION, response_ms),
    MAYBE("response_open_ms", DURATION, response_open_ms),
    OF("attempts", COUNT, attempts),
    OF("connected", FLAG, connected),
    OF("duplicate", FLAG, duplicate),
    MAYBE("score", NUMBER, score, .has_at = offsetof(lc_cycle_row, has_score)),
    MAYBE("first_contact_due_at", INSTANT, first_contact_due_at),
    MAYBE("first_contact_state", NAME, first_contact_state, .names = lc_first_contact_state_names),
    MAYBE("next_clock", TEXT, next_clock),
    MAYBE("next_due_at", INSTANT, next_due_at),
    MAYBE("clawback_due_at", INSTANT, clawback_due_at),
    OF("breaches", COUNT, breaches),
    OF("broken", COUNT, broken),
    MAYBE("broken_since", INSTANT, broken_since),
    OF("escalation", COUNT, escalation),
    MAYBE("paused_since", INSTANT, paused_since),
    OF("paused_ms", DURATION, paused_ms),
    MAYBE("priority_at", INSTANT, priority_at),
};
#undef OF

/* ---- breaches ---- */

#define OF(name, kind, ...) LC_FIELD(name, kind, lc_breach_row, __VA_ARGS__)

static const lc_record_field breach_fields[] = {
    OF("event_id", UUID, event_id),
    OF("lead_id", TEXT, lead_id),
    OF("cycle_id", UUID, cycle_id),
    OF("cycle", COUNT, cycle),
    OF("policy", TEXT, policy),
    MAYBE("rule", TEXT, rule),
    OF("channel", TEXT, channel),
    MAYBE("owner", TEXT, owner),
    OF("clock", TEXT, clock),
    OF("kind", CHOICE, early, .names = lc_breach_kind_names),
    OF("due_at", INSTANT, due_at),
    OF("breached_at", INSTANT, breached_at),
    OF("target_ms", DURATION, target_ms),
    OF("attempts", COUNT, attempts),
    OF("level", COUNT, level),
    MAYBE("ended_at", INSTANT, ended_at),
    MAYBE("ended_by", NAME, ended_by, .names = lc_ended_by_names),
    MAYBE("late_ms", DURATION, late_ms),
};
#undef OF

/* ---- stages, tenures ---- */

#define OF(name, kind, ...) LC_FIELD(name, kind, lc_stage_row, __VA_ARGS__)

static const lc_record_field stage_fields[] = {
    OF("cycle_id", UUID, cycle_id), OF("stage", TEXT, stage),    OF("lead_id", TEXT, lead_id),
    OF("channel", TEXT, channel),   OF("cohort", MONTH, cohort), OF("reached_at", INSTANT, reached_at),
    OF("named", FLAG, named),       OF("age", COUNT, age),
};
#undef OF

#define OF(name, kind, ...) LC_FIELD(name, kind, lc_tenure_row, __VA_ARGS__)

static const lc_record_field tenure_fields[] = {
    OF("cycle_id", UUID, cycle_id), OF("position", COUNT, position), OF("lead_id", TEXT, lead_id),
    MAYBE("owner", TEXT, owner),    OF("from_at", INSTANT, from_at), MAYBE("to_at", INSTANT, to_at),
};
#undef OF

/* ---- routes ---- */

#define OF(name, kind, ...) LC_FIELD(name, kind, lc_route_row, __VA_ARGS__)
#define COUNTED(number) .n_at = offsetof(lc_route_row, number)

static const lc_record_field route_fields[] = {
    OF("event_id", UUID, event_id),
    OF("lead_id", TEXT, lead_id),
    OF("cycle_id", UUID, cycle_id),
    OF("cycle", COUNT, cycle),
    OF("policy", TEXT, policy),
    MAYBE("rule", TEXT, rule),
    OF("channel", TEXT, channel),
    MAYBE("owner", TEXT, owner),
    OF("routed_at", INSTANT, routed_at),
    OF("route", NAME, routed.destination.route, .names = lc_route_names),
    MAYBE("track", TEXT, routed.destination.track),
    OF("cause", NAME, routed.cause, .names = lc_cause_names),
    MAYBE("reason", TEXT, routed.reason),
    MAYBE("resume_at", INSTANT, routed.resume_at),
    MAYBE("to_owner", TEXT, routed.to_owner),
    OF("exclude_owners", TEXTS, routed.exclude_owners, COUNTED(routed.n_exclude_owners)),
    MAYBE("score", NUMBER, routed.score, .has_at = offsetof(lc_route_row, routed.has_score)),
    OF("explanation", LIST, routed.explanation, COUNTED(routed.n_explanation), .items = &lc_explanation_record),
};
#undef OF

const lc_record lc_row_records[LC_ROW_TYPES] = {
    [LC_ROW_CYCLE] = RECORD(cycle_fields, lc_cycle_row, 1), [LC_ROW_BREACH] = RECORD(breach_fields, lc_breach_row, 1),
    [LC_ROW_STAGE] = RECORD(stage_fields, lc_stage_row, 2), [LC_ROW_TENURE] = RECORD(tenure_fields, lc_tenure_row, 2),
    [LC_ROW_ROUTE] = RECORD(route_fields, lc_route_row, 1),
};

/* ---- counters ---- */

#define OF(name, kind, ...) LC_FIELD(name, kind, lc_counter_row, __VA_ARGS__)

static const lc_record_field counter_fields[] = {
    OF("channel", TEXT, channel),    OF("cohort", MONTH, cohort), OF("metric", TEXT, metric),
    OF("partition", INT, partition), OF("name", TEXT, name),      MAYBE("label", TEXT, label),
    MAYBE("age", INT, age),          OF("value", NUMBER, value),
};

const lc_record lc_counter_record = RECORD(counter_fields, lc_counter_row, 4);

/* What follows the last @, if that is a whole number of two digits at most; -1: no. `*label` loses it. */
static int
take_age(lc_text *label)
{
    const char *sign = label->size ? memrchr(label->data, '@', label->size) : NULL;
    size_t digits = sign ? (size_t)(label->data + label->size - sign) - 1 : 0;
    int age = 0;

    if (digits < 1 || digits > 2)
        return -1;
    for (size_t i = 1; i <= digits; i++) {
        if (!g_ascii_isdigit(sign[i]))
            return -1;
        age = 10 * age + (sign[i] - '0');
    }
    label->size -= digits + 1;
    return age;
}

lc_counter_row
lc_counter_row_make(lc_text channel, int32_t cohort, lc_text metric, int32_t partition, int64_t value)
{
    const char *colon = memchr(metric.data, ':', metric.size);
    size_t name_bytes = colon ? (size_t)(colon - metric.data) : metric.size;
    lc_counter_row row = {.channel = channel,
                          .cohort = cohort,
                          .metric = metric,
                          .partition = partition,
                          .name = {metric.data, name_bytes},
                          .label = colon ? (lc_text){colon + 1, metric.size - name_bytes - 1} : LC_NO_TEXT,
                          .age = -1,
                          .value = value};

    if (lc_text_equal(row.name, LC_TEXT("reached")))
        row.age = take_age(&row.label);
    return row;
}
