/* core.h - facts in, outcomes and rows out: what happened to a lead, what follows from it, and how things stand.
 *
 * Pure: no I/O, no clock, no global; the same code in the service, the backtest and the simulator.
 * Uses calendar, policy, and nettle for SHA-1. Rules: lead-policy.md, sections 1, 4 to 8 and 10.
 *
 * A lead is a short log of facts. To judge it is to derive what holds from its facts at `now`, and to publish the
 * difference from what held when it was last judged. Nothing else is remembered. */
#pragma once

#include <leadclock/base.h>
#include <leadclock/policy.h>
#include <leadclock/record.h>

/* ---- Facts (section 1) ---- */

/* In the order of rule 1.3. */
typedef enum {
    LC_FACT_CREATED,
    LC_FACT_RESUMED,
    LC_FACT_ASSIGNED,
    LC_FACT_CONTACTED,
    LC_FACT_PROGRESSED,
    LC_FACT_PAUSED,
    LC_FACT_REJECTED,
    LC_FACT_MERGED,
    LC_FACT_ERASED
} lc_fact_type;
#define LC_FACT_TYPES 9

typedef enum { LC_METHOD_CALL, LC_METHOD_EMAIL, LC_METHOD_MEETING, LC_METHOD_MESSAGE, LC_METHOD_OTHER } lc_method;

/* Texts and attributes are borrowed. Members that a type has not are absent, zero or false. */
typedef struct {
    lc_fact_type type;
    lc_method method; /* contacted */
    bool automated;   /* contacted */
    bool connected;   /* contacted: outcome CONNECTED */
    lc_text event_id;
    lc_instant occurred_at;         /* 1970 or later */
    lc_instant recorded_at;         /* or LC_ABSENT */
    lc_instant published_at;        /* erased: when the log took it, which tells that its moment has come although
                                       safe time has not reached it (4.8); 0: not known */
    lc_instant follow_up_at;        /* created, contacted, rejected; or LC_ABSENT */
    lc_instant until;               /* paused; or LC_ABSENT */
    lc_text owner;                  /* all but resumed, merged and erased; absent where not named */
    lc_text channel;                /* created */
    lc_text campaign;               /* created; or absent */
    lc_text text;                   /* progressed: the stage; rejected, paused: the reason */
    lc_text into;                   /* merged: the lead that goes on */
    lc_text note;                   /* rejected; or absent. Only to be published: nothing is decided by it */
    const lc_attribute *attributes; /* created */
    size_t n_attributes;
} lc_fact;

/* The name of a type as in section 1: "LeadCreated". */
const char *lc_fact_type_name(lc_fact_type type);

/* ---- Leads ---- */

/* All that is kept of a lead. The facts are borrowed, in any order, event ids unique, without automated contacts. */
typedef struct {
    lc_text id;
    lc_instant judged_at; /* LC_ABSENT: never */
    lc_instant wake_at;   /* when it must be judged again (8.1), LC_NEVER: not by itself */
    lc_instant erased_at; /* LC_ABSENT: never; otherwise facts not after it are dropped (4.8) */
    lc_fact *facts;
    size_t n_facts;
    size_t max_facts; /* room in `facts` */
} lc_lead;

/* A lead of which nothing is known. `id` is borrowed. */
void lc_lead_init(lc_lead *lead, lc_text id);
/* Nothing is kept of it: no fact, no erasure. Its state is to be deleted. */
bool lc_lead_is_empty(const lc_lead *lead);

/* ---- Outcomes (section 6) ---- */

/* In the order of the table of section 6. */
typedef enum {
    LC_OUTCOME_WARNING,
    LC_OUTCOME_BREACHED,
    LC_OUTCOME_ESCALATED,
    LC_OUTCOME_BREACH_ENDED,
    LC_OUTCOME_CLAWED_BACK,
    LC_OUTCOME_ROUTED,
    LC_OUTCOME_SETTLED,
    LC_OUTCOME_RETRACTED
} lc_outcome_type;
#define LC_OUTCOME_TYPES 8

/* In the order of section 5 among clock instants at one time. */
typedef enum {
    LC_CLOCK_NONE = -1,
    LC_CLOCK_FIRST_CONTACT,
    LC_CLOCK_AGAIN, /* first_contact:2 and so on (5.9) */
    LC_CLOCK_RENEWED,
    LC_CLOCK_REQUESTED,
    LC_CLOCK_MILESTONE,
    LC_CLOCK_FOLLOW_UP,
    LC_CLOCK_NEXT_CONTACT,
    LC_CLOCK_CLAWBACK
} lc_clock;
#define LC_CLOCKS 8

typedef enum {
    LC_CAUSE_NONE = -1,
    LC_CAUSE_REJECTED,
    LC_CAUSE_CLAWED_BACK,
    LC_CAUSE_UNRESPONSIVE,
    LC_CAUSE_NOT_QUALIFIED,
    LC_CAUSE_OPEN_DIALOGUE,
    LC_CAUSE_COOLDOWN,
    LC_CAUSE_BREACHED,  /* of a route only */
    LC_CAUSE_COMPLETED, /* of a settlement only, like the next two */
    LC_CAUSE_MERGED,
    LC_CAUSE_ERASED
} lc_cause;

typedef enum { LC_ENDED_BY_CONTACTED, LC_ENDED_BY_PROGRESSED, LC_ENDED_BY_SETTLED } lc_ended_by;
typedef enum { LC_FROM_HANDOFF, LC_FROM_LAST_ACTIVITY, LC_FROM_REQUESTED_TIME } lc_clock_from;

typedef struct {
    lc_text owner; /* absent: nobody */
    lc_duration held_ms;
} lc_tenure;

typedef struct {
    lc_text stage;
    lc_instant at;
} lc_stage_reached;

typedef struct {
    lc_text rule;   /* the criterion's name */
    bool is_signal; /* kind SIGNAL; otherwise REQUIRE */
    bool held;
    int64_t points; /* what it added */
} lc_explanation;

typedef struct {
    uint8_t bytes[16];
} lc_uuid;

#define LC_UUID_TEXT_BYTES 37
/* The 36 characters of a UUID, without an end; where they end. */
char *lc_put_uuid(char *to, const lc_uuid *uuid);
char *lc_uuid_format(const lc_uuid *uuid, char *text);

/* Where a lead goes, and why. */
typedef struct {
    lc_destination destination;
    lc_cause cause;
    lc_text reason;
    lc_instant resume_at;
    lc_text to_owner;
    const lc_text *exclude_owners;
    size_t n_exclude_owners;
    bool has_score;
    int64_t score;
    const lc_explanation *explanation;
    size_t n_explanation;
} lc_routed;

/* Optional texts are absent, optional instants LC_ABSENT, optional enumerations -1. */
typedef struct lc_outcome {
    lc_outcome_type type;
    bool restated;
    uint32_t cycle;   /* from 1 */
    lc_uuid event_id; /* rule 6.1; filled in what lc_lead_judge returns */
    lc_instant handoff_at;
    lc_instant occurred_at;
    lc_text policy;
    lc_text rule;
    lc_text channel;
    lc_text owner;
    lc_clock clock;     /* warning, breached, escalated, breach ended */
    lc_text clock_name; /* "first_contact", "first_contact:2", "renewed", "requested", "milestone:SAL", "follow_up",
                           "next_contact", "clawback" */
    union {
        struct {
            lc_text label;
            lc_instant due_at;
        } warning;
        struct {
            bool early; /* kind EARLY; otherwise LATE */
            lc_instant due_at;
            lc_duration target_ms;
            uint32_t attempts;
            const lc_tenure *owners;
            size_t n_owners;
        } breached;
        struct {
            lc_text label;
            uint32_t level; /* from 1 */
            lc_instant due_at;
            lc_uuid breach_id;
            uint32_t attempts;
        } escalated;
        struct {
            lc_uuid breach_id;
            lc_ended_by ended_by;
            lc_duration late_ms;
        } breach_ended;
        struct {
            lc_instant due_at;
            lc_clock_from clock_from;
            lc_instant last_activity_at, first_contact_at;
            uint32_t attempts;
        } clawed_back;
        lc_routed routed;
        struct {
            lc_cause cause;
            lc_text reason;
            lc_text stage;
            bool has_route; /* false: `route` is null */
            lc_destination destination;
            int32_t cohort; /* lc_zone_month */
            lc_instant first_contact_at;
            lc_duration response_open_ms; /* or LC_ABSENT */
            uint32_t attempts;
            bool duplicate;
            bool has_score;
            int64_t score;
            lc_text merged_into;   /* or absent */
            lc_duration paused_ms; /* plain time */
            const lc_stage_reached *stages;
            size_t n_stages;
            const lc_text *breaches; /* sorted */
            size_t n_breaches;
            const lc_tenure *owners;
            size_t n_owners;
        } settled;
        struct {
            lc_uuid retracts;
            lc_outcome_type retracted_type;
        } retracted;
    };
} lc_outcome;

const char *lc_outcome_type_name(lc_outcome_type type); /* "SlaWarning" */
const char *lc_cause_name(lc_cause cause);              /* "REJECTED" */

/* ---- Rows (section 10) ---- */

typedef enum { LC_ROW_CYCLE, LC_ROW_BREACH, LC_ROW_STAGE, LC_ROW_TENURE, LC_ROW_ROUTE } lc_row_type;
#define LC_ROW_TYPES 5

typedef enum {
    LC_FIRST_CONTACT_NONE = -1,
    LC_FIRST_CONTACT_RUNNING,
    LC_FIRST_CONTACT_MET,
    LC_FIRST_CONTACT_BREACHED,
    LC_FIRST_CONTACT_ENDED,
    LC_FIRST_CONTACT_CANCELLED
} lc_first_contact_state;

/* Members are the columns of 10.2 to 10.6, in their order. Optional texts are absent, optional instants, durations and
 * ages LC_ABSENT or -1 as said, optional enumerations -1. */
typedef struct {
    lc_uuid cycle_id;
    lc_text lead_id;
    uint32_t cycle;
    lc_instant handoff_at;
    int32_t cohort; /* lc_zone_month */
    lc_text channel, campaign, policy, rule;
    bool settled; /* status SETTLED; otherwise OPEN */
    lc_text owner;
    lc_instant assigned_at;
    lc_cause cause;
    lc_text reason, rejected_as;
    int route; /* lc_route, or -1 */
    lc_text track, merged_into;
    lc_instant settled_at;
    lc_text stage;
    lc_instant first_contact_at;
    lc_duration response_ms, response_open_ms; /* or LC_ABSENT */
    uint32_t attempts;
    bool connected, duplicate, has_score;
    int64_t score;
    lc_instant first_contact_due_at;
    lc_first_contact_state first_contact_state;
    lc_text next_clock;
    lc_instant next_due_at, clawback_due_at;
    uint32_t breaches, broken;
    lc_instant broken_since;
    uint32_t escalation;
    lc_instant paused_since;
    lc_duration paused_ms;
    lc_instant priority_at;
} lc_cycle_row;

typedef struct {
    lc_uuid event_id;
    lc_text lead_id;
    lc_uuid cycle_id;
    uint32_t cycle;
    lc_text policy, rule, channel, owner, clock;
    bool early; /* kind EARLY; otherwise LATE */
    lc_instant due_at, breached_at;
    lc_duration target_ms;
    uint32_t attempts, level;
    lc_instant ended_at;
    int ended_by;        /* lc_ended_by, or -1 */
    lc_duration late_ms; /* or LC_ABSENT */
} lc_breach_row;

typedef struct {
    lc_uuid cycle_id;
    lc_text stage, lead_id, channel;
    int32_t cohort; /* lc_zone_month */
    lc_instant reached_at;
    bool named;
    uint32_t age;
} lc_stage_row;

typedef struct {
    lc_uuid cycle_id;
    uint32_t position; /* from 1 */
    lc_text lead_id, owner;
    lc_instant from_at, to_at;
} lc_tenure_row;

typedef struct {
    lc_uuid event_id;
    lc_text lead_id;
    lc_uuid cycle_id;
    uint32_t cycle;
    lc_text policy, rule, channel, owner;
    lc_instant routed_at;
    lc_routed routed;
} lc_route_row;

/* Made from counters by whoever adds them up: no judgement has them. */
typedef struct {
    lc_text channel;
    int32_t cohort;
    lc_text metric;
    int32_t partition;
    lc_text name, label; /* of the metric: "reached:SAL@2" is "reached", "SAL" and 2 */
    int age;             /* or -1 */
    int64_t value;
} lc_counter_row;

typedef struct {
    lc_row_type type;
    bool deleted; /* of its members only those of its key and lead_id say something */
    union {
        lc_cycle_row cycle;
        lc_breach_row breach;
        lc_stage_row stage;
        lc_tenure_row tenure;
        lc_route_row route;
    };
} lc_row;

/* Of a count; texts are borrowed, `name` and `label` point into the metric. */
lc_counter_row lc_counter_row_make(lc_text channel, int32_t cohort, lc_text metric, int32_t partition, int64_t value);

const char *lc_row_type_name(lc_row_type type); /* the table: "cycles" */
/* "RUNNING" */

/* ---- Counters (section 7) ---- */

/* A change of one counter of one population. `metric` is the whole name, as "reached:SAL". */
typedef struct {
    lc_text channel;
    int32_t cohort; /* lc_zone_month */
    lc_text metric;
    int32_t delta; /* never 0 */
} lc_count;

/* ---- Judging ---- */

typedef enum {
    LC_VERDICT_TAKEN,          /* the fact (or the wake-up) was judged: the lead has changed */
    LC_VERDICT_REPEATED,       /* an event_id that the lead has: nothing changes */
    LC_VERDICT_AUTOMATED,      /* an automated contact (1.1): nothing changes */
    LC_VERDICT_FORGOTTEN,      /* not after the lead's erasure (4.8): nothing changes */
    LC_VERDICT_TOO_MANY_FACTS, /* rule 8.4: nothing changes, the record goes to the dead letters */
    LC_VERDICT_NOT_DUE         /* a wake-up with nothing due: nothing changes */
} lc_verdict;

typedef struct {
    lc_verdict verdict;
    const lc_outcome *outcomes; /* to publish, in the order of rule 6.2 */
    size_t n_outcomes;
    const lc_count *counts; /* to add */
    size_t n_counts;
    const lc_row *rows; /* new, changed or deleted (10.1), by type, then by key; none where none are asked for */
    size_t n_rows;
} lc_judgement;

/* Judges leads by one book; holds scratch memory. One a thread. */
typedef struct lc_judge lc_judge;

/* `book` is borrowed and must outlive the judge. */
lc_judge *lc_judge_new(const lc_policy_book *book);
void lc_judge_free(lc_judge *judge);
/* From now on its judgements have the rows of these types too: bits by lc_row_type; at first none. */
void lc_judge_set_rows(lc_judge *judge, unsigned row_types);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_judge, lc_judge_free)

/* Takes `fact` into `lead` (NULL: a wake-up, nothing is added) and judges it at the later of `now` and
 * lead->judged_at. Updates the lead: facts, judged_at, wake_at, erased_at; after an erasure or a purge the facts are
 * gone (lc_lead_is_empty says when nothing is left at all).
 *
 * `now` LC_ABSENT: time is unknown (8.2); the lead is judged at its own judged_at, or where it has none as of 1970.
 *
 * Memory: the fact's texts are borrowed, not copied, and must live as long as the lead is used. Where lead->facts has
 * no room it is replaced by a larger array from `arena` (the old one is not freed). The judgement is good until the
 * next call with this judge; its texts point into the facts, the book and the judge. */
const lc_judgement *lc_lead_judge(lc_judge *judge, lc_lead *lead, const lc_fact *fact, lc_instant now, lc_arena *arena);

/* For inspect, tests and reports: all that holds at `now`, as lc_lead_judge would publish it for a lead never judged
 * before (no retraction, warnings whatever their due time), the counts, and the rows that are asked for. The lead is
 * not changed. Same lifetime. */
const lc_judgement *lc_lead_derive(lc_judge *judge, const lc_lead *lead, lc_instant now);

/* A clock that runs at `now`, for inspect. */
typedef struct {
    lc_clock clock;
    lc_text clock_name;
    lc_instant started_at, due_at; /* due_at LC_NEVER: beyond 2100, or not known in a pause */
} lc_running_clock;

/* The clocks that run after deriving at `now`; their number. Same lifetime. */
size_t lc_lead_running_clocks(lc_judge *judge, const lc_lead *lead, lc_instant now, const lc_running_clock **clocks);

/* ---- Tables of fields (record.h): what every writer of records walks ---- */

extern const lc_record lc_fact_records[LC_FACT_TYPES];       /* of lc_fact */
extern const lc_record lc_outcome_records[LC_OUTCOME_TYPES]; /* of lc_outcome */
extern const lc_record lc_row_records[LC_ROW_TYPES];         /* of lc_cycle_row, lc_breach_row and so on */
extern const lc_record lc_counter_record;                    /* of lc_counter_row */

/* The names that are theirs, by value and NULL-terminated. */
extern const char *const lc_fact_type_names[];
extern const char *const lc_method_names[];
extern const char *const lc_contact_outcome_names[]; /* of `connected` */

/* Whether two records of one kind say the same, whatever is of their messages alone (is_envelope). */
bool lc_record_equal(const lc_record *record, const void *a, const void *b);
