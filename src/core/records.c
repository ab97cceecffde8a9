/* records.c - the fields of facts and outcomes (sections 1 and 6), in the order in which they are written. */
#include "names.h"

#define FIELD LC_FIELD
#define OPTIONAL(text, of_kind, type, member, ...)                                                                     \
    LC_FIELD(text, of_kind, type, member, .is_optional = true, __VA_ARGS__)
#define COUNTED(text, of_kind, type, member, number, ...)                                                              \
    LC_FIELD(text, of_kind, type, member, .n_at = offsetof(type, number), __VA_ARGS__)
#define LEAD_ID                                                                                                        \
    {                                                                                                                  \
        LC_FIELD_NAMED("lead_id"), .kind = LC_FIELD_LEAD                                                               \
    }
#define RECORD LC_RECORD

/* ---- Items of lists ---- */

static const lc_record_field tenure_fields[] = {
    OPTIONAL("owner", TEXT, lc_tenure, owner),
    FIELD("held_ms", DURATION, lc_tenure, held_ms),
};
static const lc_record tenure = RECORD(tenure_fields, lc_tenure);

static const lc_record_field stage_fields[] = {
    FIELD("stage", TEXT, lc_stage_reached, stage),
    FIELD("at", INSTANT, lc_stage_reached, at),
};
static const lc_record stage = RECORD(stage_fields, lc_stage_reached);

static const lc_record_field explanation_fields[] = {
    FIELD("rule", TEXT, lc_explanation, rule),
    FIELD("kind", CHOICE, lc_explanation, is_signal, .names = lc_criterion_kind_names),
    FIELD("held", FLAG, lc_explanation, held),
    FIELD("points", NUMBER, lc_explanation, points),
};
const lc_record lc_explanation_record = RECORD(explanation_fields, lc_explanation);

/* ---- Facts ---- */

#define EVERY_FACT                                                                                                     \
    FIELD("event_id", TEXT, lc_fact, event_id), LEAD_ID, FIELD("occurred_at", INSTANT, lc_fact, occurred_at),          \
        OPTIONAL("recorded_at", INSTANT, lc_fact, recorded_at)
#define OWNER OPTIONAL("owner", TEXT, lc_fact, owner)
#define FOLLOW_UP_AT OPTIONAL("follow_up_at", INSTANT, lc_fact, follow_up_at)

static const lc_record_field created_fields[] = {
    EVERY_FACT,
    FIELD("channel", TEXT, lc_fact, channel),
    COUNTED("attributes", MAP, lc_fact, attributes, n_attributes),
    OPTIONAL("campaign", TEXT, lc_fact, campaign),
    OWNER,
    FOLLOW_UP_AT,
};
static const lc_record_field assigned_fields[] = {EVERY_FACT, FIELD("owner", TEXT, lc_fact, owner)};
static const lc_record_field contacted_fields[] = {
    EVERY_FACT,
    OWNER,
    FIELD("method", ENUM, lc_fact, method, .names = lc_method_names),
    FIELD("automated", FLAG, lc_fact, automated),
    FIELD("outcome", CHOICE, lc_fact, connected, .names = lc_contact_outcome_names),
    FOLLOW_UP_AT,
};
static const lc_record_field progressed_fields[] = {EVERY_FACT, FIELD("stage", TEXT, lc_fact, text), OWNER};
static const lc_record_field rejected_fields[] = {
    EVERY_FACT, OWNER, FIELD("reason", TEXT, lc_fact, text), OPTIONAL("note", TEXT, lc_fact, note), FOLLOW_UP_AT,
};
static const lc_record_field paused_fields[] = {
    EVERY_FACT,
    OPTIONAL("until", INSTANT, lc_fact, until),
    OPTIONAL("reason", TEXT, lc_fact, text),
    OWNER,
};
static const lc_record_field merged_fields[] = {EVERY_FACT, FIELD("into", TEXT, lc_fact, into)};
static const lc_record_field bare_fields[] = {EVERY_FACT};

const lc_record lc_fact_records[LC_FACT_TYPES] = {
    [LC_FACT_CREATED] = RECORD(created_fields, lc_fact),       [LC_FACT_RESUMED] = RECORD(bare_fields, lc_fact),
    [LC_FACT_ASSIGNED] = RECORD(assigned_fields, lc_fact),     [LC_FACT_CONTACTED] = RECORD(contacted_fields, lc_fact),
    [LC_FACT_PROGRESSED] = RECORD(progressed_fields, lc_fact), [LC_FACT_PAUSED] = RECORD(paused_fields, lc_fact),
    [LC_FACT_REJECTED] = RECORD(rejected_fields, lc_fact),     [LC_FACT_MERGED] = RECORD(merged_fields, lc_fact),
    [LC_FACT_ERASED] = RECORD(bare_fields, lc_fact),
};

/* ---- Outcomes ---- */

/* `member` of an outcome. */
#define OF(text, of_kind, ...) FIELD(text, of_kind, lc_outcome, __VA_ARGS__)
#define MAYBE(text, of_kind, ...) OPTIONAL(text, of_kind, lc_outcome, __VA_ARGS__)
#define LIST(text, member, number, of_items) COUNTED(text, LIST, lc_outcome, member, number, .items = &(of_items))
#define TEXTS(text, member, number) COUNTED(text, TEXTS, lc_outcome, member, number)
#define WHERE(has) .has_at = offsetof(lc_outcome, has)

#define IDENTITY OF("event_id", UUID, event_id, .is_envelope = true), LEAD_ID, OF("cycle", COUNT, cycle)
#define COMMON                                                                                                         \
    IDENTITY, OF("handoff_at", INSTANT, handoff_at), OF("occurred_at", INSTANT, occurred_at),                          \
        OF("policy", TEXT, policy), MAYBE("rule", TEXT, rule), OF("channel", TEXT, channel),                           \
        MAYBE("owner", TEXT, owner), OF("restated", FLAG, restated, .is_envelope = true)
#define CLOCK OF("clock", TEXT, clock_name)

static const lc_record_field warning_fields[] = {
    COMMON,
    CLOCK,
    OF("label", TEXT, warning.label),
    OF("due_at", INSTANT, warning.due_at),
};
static const lc_record_field breached_fields[] = {
    COMMON,
    CLOCK,
    OF("kind", CHOICE, breached.early, .names = lc_breach_kind_names),
    OF("due_at", INSTANT, breached.due_at),
    OF("target_ms", DURATION, breached.target_ms),
    OF("attempts", COUNT, breached.attempts),
    LIST("owners", breached.owners, breached.n_owners, tenure),
};
static const lc_record_field escalated_fields[] = {
    COMMON,
    CLOCK,
    OF("label", TEXT, escalated.label),
    OF("level", COUNT, escalated.level),
    OF("due_at", INSTANT, escalated.due_at),
    OF("breach_id", UUID, escalated.breach_id),
    OF("attempts", COUNT, escalated.attempts),
};
static const lc_record_field breach_ended_fields[] = {
    COMMON,
    CLOCK,
    OF("breach_id", UUID, breach_ended.breach_id),
    OF("ended_by", ENUM, breach_ended.ended_by, .names = lc_ended_by_names),
    OF("late_ms", DURATION, breach_ended.late_ms),
};
static const lc_record_field clawed_back_fields[] = {
    COMMON,
    OF("due_at", INSTANT, clawed_back.due_at),
    OF("clock_from", ENUM, clawed_back.clock_from, .names = lc_clock_from_names),
    MAYBE("last_activity_at", INSTANT, clawed_back.last_activity_at),
    MAYBE("first_contact_at", INSTANT, clawed_back.first_contact_at),
    OF("attempts", COUNT, clawed_back.attempts),
};
static const lc_record_field routed_fields[] = {
    COMMON,
    OF("route", ENUM, routed.destination.route, .names = lc_route_names),
    MAYBE("track", TEXT, routed.destination.track),
    OF("cause", ENUM, routed.cause, .names = lc_cause_names),
    MAYBE("reason", TEXT, routed.reason),
    MAYBE("resume_at", INSTANT, routed.resume_at),
    MAYBE("to_owner", TEXT, routed.to_owner),
    TEXTS("exclude_owners", routed.exclude_owners, routed.n_exclude_owners),
    MAYBE("score", NUMBER, routed.score, WHERE(routed.has_score)),
    LIST("explanation", routed.explanation, routed.n_explanation, lc_explanation_record),
};
static const lc_record_field settled_fields[] = {
    COMMON,
    OF("cause", ENUM, settled.cause, .names = lc_cause_names),
    MAYBE("reason", TEXT, settled.reason),
    MAYBE("stage", TEXT, settled.stage),
    MAYBE("route", ENUM, settled.destination.route, .names = lc_route_names, WHERE(settled.has_route)),
    MAYBE("track", TEXT, settled.destination.track, WHERE(settled.has_route)),
    OF("cohort", MONTH, settled.cohort),
    MAYBE("first_contact_at", INSTANT, settled.first_contact_at),
    MAYBE("response_open_ms", DURATION, settled.response_open_ms),
    OF("attempts", COUNT, settled.attempts),
    OF("duplicate", FLAG, settled.duplicate),
    MAYBE("score", NUMBER, settled.score, WHERE(settled.has_score)),
    MAYBE("merged_into", TEXT, settled.merged_into),
    OF("paused_ms", DURATION, settled.paused_ms),
    LIST("stages", settled.stages, settled.n_stages, stage),
    TEXTS("breaches", settled.breaches, settled.n_breaches),
    LIST("owners", settled.owners, settled.n_owners, tenure),
};
static const lc_record_field retracted_fields[] = {
    IDENTITY,
    OF("occurred_at", INSTANT, occurred_at),
    OF("retracts", UUID, retracted.retracts),
    OF("retracted_type", NAME, retracted.retracted_type, .names = lc_outcome_type_names),
};

const lc_record lc_outcome_records[LC_OUTCOME_TYPES] = {
    [LC_OUTCOME_WARNING] = RECORD(warning_fields, lc_outcome),
    [LC_OUTCOME_BREACHED] = RECORD(breached_fields, lc_outcome),
    [LC_OUTCOME_ESCALATED] = RECORD(escalated_fields, lc_outcome),
    [LC_OUTCOME_BREACH_ENDED] = RECORD(breach_ended_fields, lc_outcome),
    [LC_OUTCOME_CLAWED_BACK] = RECORD(clawed_back_fields, lc_outcome),
    [LC_OUTCOME_ROUTED] = RECORD(routed_fields, lc_outcome),
    [LC_OUTCOME_SETTLED] = RECORD(settled_fields, lc_outcome),
    [LC_OUTCOME_RETRACTED] = RECORD(retracted_fields, lc_outcome),
};
