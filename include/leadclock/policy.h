/* policy.h - policy documents: YAML in, a policy book out, with diagnostics that point at the line.
 *
 * Pure after loading: a book never changes and may be read from any thread. Uses calendar and libfyaml.
 * Rules: lead-policy.md, section 2. All structs and strings are owned by the book. */
#pragma once

#include <leadclock/base.h>
#include <leadclock/calendar.h>

typedef enum { LC_ROUTE_NURTURE, LC_ROUTE_SUPPRESS, LC_ROUTE_REASSIGN, LC_ROUTE_ENRICH } lc_route;

typedef struct {
    lc_route route;
    lc_text track; /* or absent */
} lc_destination;

typedef struct {
    lc_text key, value;
} lc_attribute;

typedef struct lc_condition lc_condition;

/* Rule 2.1. `any` holds always. Attribute keys are unique; their order does not matter. */
bool
lc_condition_holds(const lc_condition *condition, lc_text channel, const lc_attribute *attributes, size_t n_attributes);

typedef struct {
    lc_text label;    /* the policy's text: "50%", "24h" */
    lc_duration part; /* of the target after which it fires: calendar.add(start, part) (2.3); 0 < part < target */
} lc_warning;

/* What every clock has. On the calendar `always` where none is named. */
typedef struct {
    lc_duration target; /* first_contact.within, requested_time.late, a milestone's within, ..., clawback.after */
    const lc_calendar *calendar;
    lc_text calendar_name;      /* "always", "office" */
    const lc_warning *warnings; /* as listed */
    unsigned n_warnings;
} lc_clock_rule;

typedef struct {
    lc_clock_rule clock;
    unsigned stage; /* index in lc_policy.stages */
    lc_text name;   /* "milestone:SAL" */
} lc_milestone_rule;

typedef struct {
    lc_text name;
    const lc_condition *when;

    bool has_first_contact;
    lc_clock_rule first_contact;
    bool reassign; /* first_contact.reassign */

    bool has_requested_time;
    lc_clock_rule requested_time; /* its target is `late` */
    lc_duration early;

    const lc_milestone_rule *milestones; /* as listed */
    unsigned n_milestones;

    bool has_follow_up;
    lc_clock_rule follow_up;
    unsigned attempts;
    lc_destination follow_up_destination;

    lc_clock_rule clawback;
    bool clawback_from_last_activity;
    int clawback_until; /* index in lc_policy.stages, or -1 */
    lc_destination clawback_destination;
} lc_rule;

typedef enum { LC_STAGE_OPEN, LC_STAGE_WON, LC_STAGE_LOST } lc_stage_end;

typedef struct {
    lc_text name;
    lc_stage_end closes; /* LC_STAGE_OPEN: does not close */
} lc_stage;

typedef struct {
    lc_text name;
    lc_destination destination;
    lc_duration cooldown; /* 0: none */
} lc_reason;

typedef struct {
    lc_text name;
    const lc_condition *when;
    int64_t points; /* signals only */
} lc_criterion;

/* One document. */
typedef struct {
    lc_text name;
    lc_instant effective_from; /* LC_ABSENT for the earliest where it names none */
    lc_zone *reporting_zone;
    lc_text reporting_zone_name;
    bool contact_time_logged; /* contact_time: logged */
    lc_duration clock_skew;
    lc_duration retain;

    const lc_stage *stages; /* in order */
    unsigned n_stages;
    const lc_reason *reasons;
    unsigned n_reasons;
    unsigned other; /* index of the reason `other` */

    bool has_open_dialogue;
    lc_duration open_dialogue_within;
    lc_destination open_dialogue_destination;

    bool has_qualification;
    const lc_criterion *requires;
    unsigned n_requires;
    const lc_criterion *signals;
    unsigned n_signals;
    int64_t threshold;
    lc_destination not_qualified_destination;

    const lc_rule *rules; /* in order; the last holds always */
    unsigned n_rules;
} lc_policy;

/* The index, or -1. */
int lc_policy_stage(const lc_policy *policy, lc_text name);
int lc_policy_reason(const lc_policy *policy, lc_text name);
/* The first rule whose `when` holds; never NULL. */
const lc_rule *
lc_policy_rule(const lc_policy *policy, lc_text channel, const lc_attribute *attributes, size_t n_attributes);

typedef struct lc_policy_book lc_policy_book;

/* Loads documents from files and folders (of a folder, every *.yaml and *.yml in it, not deeper). A folder that
 * holds none, like every wrong document, is LC_ERROR_CONFIG; the message then lists every problem of every file as
 * "FILE:LINE:COLUMN: what is wrong; what would be right", each followed by the line and a caret. */
lc_policy_book *lc_policy_book_load(const char *const *paths, GError **error);
/* The same from text in memory; `name` stands for the file's name in diagnostics. For tests and fuzzing. */
lc_policy_book *lc_policy_book_parse(const char *name, const char *yaml, size_t size, GError **error);
void lc_policy_book_free(lc_policy_book *book);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_policy_book, lc_policy_book_free)

/* By effective_from. */
size_t lc_policy_book_size(const lc_policy_book *book);
const lc_policy *lc_policy_book_get(const lc_policy_book *book, size_t index);
/* The document in effect at an instant (the earliest covers all before it); never NULL. */
const lc_policy *lc_policy_book_at(const lc_policy_book *book, lc_instant instant);

/* SHA-256 in hex (caller frees) of the documents in effect at or before `now` (their text, in order):
 * it changes when a running promise may have changed, not when a later document is added. */
char *lc_policy_book_hash(const lc_policy_book *book, lc_instant now);

/* What the policy promises, in plain sentences, rule by rule. Caller frees. */
char *lc_policy_book_explain(const lc_policy_book *book);
/* What is legal but odd, one message a line with file, line and column; NULL: nothing. Caller frees. */
char *lc_policy_book_warnings(const lc_policy_book *book);

const char *lc_route_name(lc_route route); /* "NURTURE" */
