/* policy.h - policy documents: YAML in, a policy book out, with diagnostics that point at the line.
 *
 * Pure after loading: a book never changes and may be read from any thread. Uses calendar and yaml.
 * Rules: lead-policy.md, section 2. All structs and strings are owned by the book. */
#pragma once

#include <leadclock/base.h>
#include <leadclock/calendar.h>

/* Of the rules of lead-policy.md, by which leads are judged (8.5). */
#define LC_POLICY_EDITION 2

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

/* Rule 2.3. It fires at calendar.add(start, lc_warning_part(warning, target)). */
typedef struct {
    lc_text label;      /* the policy's text: "50%", "24h" */
    unsigned percent;   /* of the target; 0: `before` */
    lc_duration before; /* the due time */
    lc_duration part;   /* of the target after which it fires, 0 < part < target; 0: the target is in working days */
} lc_warning;

/* Rule 5.11. It takes place at calendar.add(due, after). */
typedef struct {
    lc_text label; /* the policy's text: "1h" */
    lc_duration after;
} lc_escalation;

/* What every clock has. On the calendar `always` where none is named. */
typedef struct {
    lc_duration target; /* first_contact.within, requested_time.late, ..., clawback.after; 0: in working days */
    int working_days;   /* 2.7; -1: a duration */
    int cutoff;         /* minutes since midnight, or LC_NO_CUTOFF */
    const lc_calendar *calendar;
    lc_text calendar_name;      /* "always", "office" */
    const lc_warning *warnings; /* as listed */
    unsigned n_warnings;
    const lc_escalation *escalations; /* in order of length: the first has level 1 */
    unsigned n_escalations;
} lc_clock_rule;

/* The open time that the clock has from `start` on (2.7); LC_NEVER where it is never due. */
static inline lc_duration
lc_clock_rule_target(const lc_clock_rule *clock, lc_instant start)
{
    if (clock->working_days < 0)
        return clock->target;
    lc_instant due = lc_calendar_working_days(clock->calendar, start, (unsigned)clock->working_days, clock->cutoff);
    return due == LC_NEVER ? LC_NEVER : lc_calendar_between(clock->calendar, start, due);
}

/* The part of the target after which a warning fires; 0: not strictly between start and due, so it is left out (2.3,
 * of working days only). */
static inline lc_duration
lc_warning_part(const lc_warning *warning, lc_duration target)
{
    if (warning->part > 0)
        return warning->part;
    lc_duration percent = (lc_duration)warning->percent;
    lc_duration part = percent ? target / 100 * percent + target % 100 * percent / 100 : target - warning->before;
    return part < target ? MAX(part, 0) : 0;
}

typedef struct {
    lc_clock_rule clock;
    unsigned stage; /* index in lc_policy.stages */
    lc_text name;   /* "milestone:SAL" */
} lc_milestone_rule;

typedef struct {
    lc_text name;
    const lc_condition *when;
    lc_duration head_start; /* 10.2 */

    bool has_first_contact;
    lc_clock_rule first_contact;
    bool renew;    /* 5.10: `renewed` has the clock first_contact */
    bool reassign; /* 5.1; the next owners have the clock again_contact, at most `again_times` of them (5.9) */
    lc_clock_rule again_contact;
    unsigned again_times;

    bool has_requested_time;
    lc_clock_rule requested_time; /* its target is `late` */
    lc_duration early;

    const lc_milestone_rule *milestones; /* as listed */
    unsigned n_milestones;

    bool has_follow_up;
    lc_clock_rule follow_up;
    unsigned attempts;
    lc_destination follow_up_destination;

    bool has_next_contact; /* 5.12 */
    lc_clock_rule next_contact;
    int next_contact_until; /* index in lc_policy.stages, or -1 */

    bool has_pause;            /* 4.12 */
    lc_duration pause_at_most; /* LC_NEVER: no limit */

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

/* The reporting_time_zone that all documents have; NULL: they differ. */
const lc_zone *lc_policy_book_zone(const lc_policy_book *book);

/* An attribute that a condition compares as a number (`at_least`). */
typedef struct {
    lc_text attribute;
    const char *kind; /* "rule", "requirement" or "signal": whose condition it is */
    lc_text name;     /* of the first that does */
} lc_policy_number;

/* Appends those of all documents that are not among `numbers` (lc_policy_number) yet, each once. */
void lc_policy_book_numbers(const lc_policy_book *book, GArray *numbers);
/* Whether `at_least` can compare it (2.1); what it can't is below every bound. */
bool lc_policy_is_number(lc_text value);

/* SHA-256 in hex (caller frees) of the documents in effect at or before `now` (their text, and that of the iCalendar
 * files they name, in order):
 * it changes when a running promise may have changed, not when a later document is added. */
char *lc_policy_book_hash(const lc_policy_book *book, lc_instant now);

/* What the policy promises, in plain sentences, rule by rule. Caller frees. */
char *lc_policy_book_explain(const lc_policy_book *book);
/* What is legal but odd, as of `now`, each with file, line and column, the line and a caret; NULL: nothing. Caller
 * frees. */
char *lc_policy_book_warnings(const lc_policy_book *book, lc_instant now);

const char *lc_route_name(lc_route route); /* "NURTURE" */
