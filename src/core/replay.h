/* replay.h - a replay of a lead's facts with its clocks: where it stands, and what it has found. Inside the core only.
 *
 * What drives it is in derive.h. What it finds is kept as raw as it came (a finding): most findings held before and are
 * never published, so an outcome is made from a finding only when it is needed (outcome.h).
 *
 * Arrays are GArrays that are emptied and used again: once warm, a replay allocates nothing. They have room for a block
 * of elements, so that to add one seldom takes a call either (g_array_append_val divides to learn whether there is
 * room). */
#pragma once

#include <leadclock/core.h>

/* A fact at its effective time (1.2). */
typedef struct {
    lc_instant at;
    const lc_fact *fact;
} lc_moment;

/* From `since` on `owner` owned the cycle; absent: nobody. */
typedef struct {
    lc_text owner;
    lc_instant since;
} lc_handover;

/* From `from` on to `to` the cycle waits (4.12); LC_NEVER: still. */
typedef struct {
    lc_instant from, to;
} lc_pause;

#define LC_BIT(metric) (UINT64_C(1) << (metric))

/* The counters of section 7 that need no name of a stage or a reason. */
typedef enum {
    LC_METRIC_HANDED_OFF,
    LC_METRIC_OPENED,
    LC_METRIC_COOLED_DOWN,
    LC_METRIC_OPEN_DIALOGUE,
    LC_METRIC_NOT_QUALIFIED,
    LC_METRIC_DUPLICATE,
    LC_METRIC_CONTACTED,
    LC_METRIC_RESPONDED_1M, /* the nine of `responded`, quickest first */
    LC_METRIC_RESPONDED_LATER = LC_METRIC_RESPONDED_1M + 8,
    LC_METRIC_RESPONDED_OPEN_1M, /* the nine of `responded_open` */
    LC_METRIC_RESPONDED_OPEN_LATER = LC_METRIC_RESPONDED_OPEN_1M + 8,
    LC_METRIC_FIRST_CONTACT_MET,
    LC_METRIC_FIRST_CONTACT_BREACHED,
    LC_METRIC_AGAIN_MET,
    LC_METRIC_AGAIN_BREACHED,
    LC_METRIC_RENEWED_MET,
    LC_METRIC_RENEWED_BREACHED,
    LC_METRIC_REQUESTED_MET,
    LC_METRIC_REQUESTED_BREACHED,
    LC_METRIC_REQUESTED_EARLY,
    LC_METRIC_FOLLOW_UP_MET,
    LC_METRIC_FOLLOW_UP_BREACHED,
    LC_METRIC_NEXT_CONTACT_MET,
    LC_METRIC_NEXT_CONTACT_BREACHED,
    LC_METRIC_ESCALATED,
    LC_METRIC_PAUSED,
    LC_METRIC_REJECTED,
    LC_METRIC_REASON_UNKNOWN,
    LC_METRIC_REJECTED_LATE,
    LC_METRIC_CLAWED_BACK,
    LC_METRIC_UNRESPONSIVE,
    LC_METRIC_COMPLETED,
    LC_METRIC_MERGED,
    LC_METRIC_ERASED,
    LC_METRICS
} lc_metric;
G_STATIC_ASSERT(LC_METRICS <= 64);

/* Those of a cycle that a gate has held back. */
#define LC_METRICS_HELD_BACK                                                                                           \
    (LC_BIT(LC_METRIC_COOLED_DOWN) | LC_BIT(LC_METRIC_OPEN_DIALOGUE) | LC_BIT(LC_METRIC_NOT_QUALIFIED))

/* Sets of stages that a cycle keeps, as bits by their index in its document. */
typedef enum {
    LC_STAGES_NAMED,    /* by a progress */
    LC_STAGES_REACHED,  /* also by rule 4.10 */
    LC_STAGES_MET,      /* as a milestone */
    LC_STAGES_BREACHED, /* as a milestone */
    LC_STAGE_SETS
} lc_stage_set;

/* Rule 5.9: first_contact:2 to :10. */
enum { LC_AGAIN_CLOCKS = 9 };
extern const lc_text lc_again_names[LC_AGAIN_CLOCKS];

/* What has become of a clock. */
typedef enum {
    LC_RUN_IDLE,
    LC_RUN_RUNNING,
    LC_RUN_BREACHED,
    LC_RUN_MET,
    LC_RUN_ENDED,  /* it was breached, and the breach has ended */
    LC_RUN_STOPPED /* without either */
} lc_run_state;

/* One passage through sales (4.1). What is "so far" stands still once it is settled. */
typedef struct {
    lc_instant handoff_at;
    const lc_policy *policy; /* for the whole of it */
    const lc_rule *rule;     /* NULL: a gate held it back */
    const lc_fact *created;  /* whose channel and attributes it has; of an earlier cycle after 4.11 */

    lc_text owner;                /* so far */
    uint32_t attempts;            /* human contacts so far */
    lc_instant first_contact_at;  /* or LC_ABSENT */
    lc_instant last_activity_at;  /* or LC_ABSENT */
    lc_instant latest_requested;  /* the greatest F that set a requested clock, or LC_ABSENT (5.5) */
    lc_duration response_open_ms; /* or LC_ABSENT */
    bool connected, progressed;   /* a connected contact, a progress so far */
    bool duplicate;               /* 4.2 */
    bool has_score;
    int64_t score;
    lc_instant priority_at; /* 10.2; or LC_ABSENT */
    lc_instant pause_limit; /* when at_most ends the pause that runs (4.12) */
    lc_instant pause_ends;  /* that, or its `until`; LC_ABSENT: no pause runs */

    lc_cause cause; /* LC_CAUSE_NONE: open */
    lc_instant settled_at;
    const lc_destination *destination; /* NULL: no route */
    lc_text reason, stage, merged_into;

    uint64_t metrics;                 /* bits by lc_metric */
    uint32_t again_breached;          /* 5.9: bits by the index of the clock */
    lc_run_state first_contact_state; /* where it is settled: what became of first_contact */
    lc_instant first_contact_due_at;  /* and when it was due, or LC_NEVER */
    int rejected_as;                  /* index of a reason, or -1 */
    guint stage_sets;                 /* in lc_replay.stage_bits */

    /* Slices of the replay's arrays. */
    guint handovers, n_handovers;
    guint stages, n_stages; /* in the order of LeadSettled's */
    guint pauses, n_pauses;
    guint findings, n_findings;
} lc_cycle;

/* An outcome that holds, before it is spelled out. Everything is as of `occurred_at` (6.4). */
typedef struct {
    uint8_t type;  /* lc_outcome_type */
    uint8_t clock; /* lc_clock; only of types that have one */
    bool early;    /* breached: kind EARLY */
    bool waits;    /* where there is a clock: pauses are closed time for it */
    uint8_t by;    /* breach ended: lc_ended_by; clawed back: lc_clock_from; routed: lc_cause */
    bool matched;  /* found in both derivations */
    uint32_t attempts;
    guint n_handovers;
    lc_instant occurred_at;
    lc_instant due_at; /* where there is a clock */
    lc_text owner;
    const lc_clock_rule *rule; /* where there is a clock */
    lc_text clock_name;        /* where there is a clock */
    union {
        const lc_warning *warning;
        struct {
            lc_instant started_at;
            lc_duration target;
        } breached;
        struct {
            lc_instant breached_at;
            const lc_escalation *escalation; /* escalated */
        } breach;
        struct {
            lc_instant last_activity_at, first_contact_at;
        } clawed_back;
        struct {
            const lc_destination *destination;
            lc_text reason, to_owner, rejected_by;
            lc_instant resume_at;
        } routed;
    };
} lc_finding;

typedef struct lc_replay lc_replay;
typedef struct lc_clock_run lc_clock_run;
typedef struct lc_clocks_book lc_clocks_book; /* clocks.h */
typedef struct lc_rule_clocks lc_rule_clocks; /* clocks.c */

/* How a cycle ends, or a route that ends nothing. */
typedef struct {
    lc_cause cause;
    lc_instant at;
    const lc_destination *destination; /* NULL: no route */
    lc_text reason, stage, into;       /* or absent */
    lc_text to_owner, rejected_by;     /* or absent */
    lc_instant resume_at;              /* or LC_ABSENT */
} lc_settlement;

/* In the order of section 5 among clock instants at one time. */
typedef enum { LC_INSTANT_WARNING, LC_INSTANT_EXPIRY, LC_INSTANT_ESCALATION } lc_instant_kind;

/* A clock of the open cycle.
 *
 * Most clocks are met long before they expire, so their instants are not computed before they matter: `next` is an
 * instant that the next one does not lie before, by plain time, until it is asked for (lc_clock_look). */
struct lc_clock_run {
    const struct lc_clock_kind *kind;
    lc_instant next;  /* the next instant that takes effect, LC_NEVER: none; or one before it */
    uint8_t next_is;  /* lc_instant_kind */
    bool is_exact;    /* `next` is that instant */
    uint8_t state;    /* lc_run_state */
    uint8_t clock;    /* lc_clock: the kind's */
    bool waits;       /* pauses are closed time for it */
    bool counts_days; /* the target is in working days */
    bool early;       /* requested: breached as too early, once */
    bool barred;      /* next_contact: it doesn't start any more */
    uint8_t index;    /* again: among those of its kind */
    lc_instant started_at;
    lc_duration target;
    /* Where the target is in working days, as of `started_at`: */
    lc_duration first_after;         /* so much open time after its start comes the first of its instants */
    const lc_warning *first_warning; /* NULL: it has none */
    const lc_clock_rule *rule;
    const lc_warning *warning; /* the next; NULL: none is left */
    lc_instant due_at;         /* LC_NEVER: not known while a pause runs, or beyond 2100; LC_ABSENT: not computed yet */
    lc_text name;
    lc_instant breached_at; /* where it is breached */
    lc_instant opens_at;    /* requested: F - early */
    unsigned stage;         /* milestone: which */
    uint32_t attempts;      /* follow_up: further ones since it started */
    unsigned level;         /* where it is breached: of the latest escalation, 0: none */
};

struct lc_replay {
    const lc_policy_book *book;
    const lc_clocks_book *clocks;
    lc_instant now;

    bool keeps_due; /* what first_contact was due is asked for also where it no longer runs: for rows */

    GArray *cycles;     /* lc_cycle */
    GArray *findings;   /* lc_finding, a cycle's in order of time */
    GArray *handovers;  /* lc_handover */
    GArray *stages;     /* lc_stage_reached */
    GArray *stage_bits; /* uint64_t; LC_STAGE_SETS sets a cycle */
    GArray *pauses;     /* lc_pause */

    guint first_number; /* the number of cycles[0] less one: those before it are in the replay that this was forked from
                         */
    lc_cycle *cycle;    /* the latest, or NULL */
    bool open;          /* it is open */
    const lc_rule_clocks *rule_clocks; /* of the open cycle */
    GArray *runs;                      /* lc_clock_run, of the open cycle, in the order of section 5 */
    GArray *waiting;                   /* lc_moment: facts outside any cycle, after the last settlement (4.3, 4.4) */
    GArray *given;                     /* lc_moment: those that a hand-off takes */

    lc_instant cooldown_ends; /* 4.6; LC_ABSENT: none */
    const lc_destination *cooldown_destination;
    lc_text cooldown_reason;

    lc_instant quiet_until; /* no clock instant lies before it */
    lc_instant wake_at;     /* 8.1, without the purge */
};

/* Both books are borrowed. */
void lc_replay_init(lc_replay *replay, const lc_policy_book *book, const lc_clocks_book *clocks);
void lc_replay_clear(lc_replay *replay);

/* Begins anew, with nothing. */
void lc_replay_begin(lc_replay *replay, lc_instant now);
/* Begins where `from` stands, so that both go on from there. `to` keeps the latest cycle only, and of that the owners,
 * stages and pauses, not the findings; and without its clocks, until these are forked too. */
void lc_replay_fork(lc_replay *to, const lc_replay *from, lc_instant now);
void lc_replay_fork_clocks(lc_replay *to, const lc_replay *from);

/* When a stage that the cycle has reached was first reached; its age in section 7. */
lc_instant lc_stage_reached_at(const lc_replay *replay, const lc_cycle *cycle, unsigned stage);
enum { LC_STAGE_AGES = 25 };
unsigned lc_stage_age(const lc_cycle *cycle, lc_instant reached_at);

/* What the latest cycle has found; filled in with what is common. Good until the next. */
lc_finding *lc_replay_find(lc_replay *replay, lc_outcome_type type, lc_instant at);
/* The same for a breach of kind EARLY: one of that kind at that instant is found again. */
lc_finding *lc_replay_find_early(lc_replay *replay, lc_instant at);
/* The latest cycle is routed. */
void lc_replay_route(lc_replay *replay, const lc_settlement *settlement);

/* Arrays grow by blocks of so many elements: an array has room up to the end of the block that its next element lies
 * in. */
#define LC_ARRAY_BLOCK 32

#define lc_array_new(type) (g_array_sized_new(FALSE, FALSE, sizeof(type), LC_ARRAY_BLOCK))

/* Makes room up to the end of the block that element `len` lies in. Cold: so that its calls lie apart from what runs
 * for each fact, which with them was more than a first-level instruction cache holds. */
void lc_array_grow(GArray *array, guint len) __attribute__((cold));

/* Makes it `n` elements longer; they are not initialised. Of an array made by lc_array_new only. */
static inline void
lc_array_lengthen(GArray *array, guint n)
{
    guint len = array->len + n;

    if (G_UNLIKELY(len / LC_ARRAY_BLOCK != array->len / LC_ARRAY_BLOCK))
        lc_array_grow(array, len);
    array->len = len;
}

/* A new element at its end, not initialised. */
#define lc_array_add(array, type) (lc_array_lengthen((array), 1), &g_array_index((array), type, (array)->len - 1))

/* Its memory is kept. (g_array_set_size would move what is not there.) */
static inline void
lc_array_empty(GArray *array)
{
    array->len = 0;
}

/* The instant `duration` after `from`, LC_NEVER where it can't be said. */
static inline lc_instant
lc_instant_after(lc_instant from, lc_duration duration)
{
    return from > LC_NEVER - duration ? LC_NEVER : from + duration;
}

static inline lc_handover *
lc_cycle_handovers(const lc_replay *replay, const lc_cycle *cycle)
{
    return &g_array_index(replay->handovers, lc_handover, cycle->handovers);
}

static inline guint
lc_stage_words(const lc_policy *policy)
{
    return (policy->n_stages + 63) / 64;
}

static inline uint64_t *
lc_cycle_stage_set(const lc_replay *replay, const lc_cycle *cycle, lc_stage_set set)
{
    return &g_array_index(replay->stage_bits, uint64_t, cycle->stage_sets) + set * lc_stage_words(cycle->policy);
}

static inline const lc_stage_reached *
lc_cycle_stages(const lc_replay *replay, const lc_cycle *cycle)
{
    return &g_array_index(replay->stages, lc_stage_reached, cycle->stages);
}

static inline bool
lc_stage_set_has(const uint64_t *set, unsigned stage)
{
    return set[stage / 64] >> (stage % 64) & 1;
}

static inline void
lc_stage_set_add(uint64_t *set, unsigned stage)
{
    set[stage / 64] |= UINT64_C(1) << (stage % 64);
}

/* Rule 4.10: whether reaching the stage `reached` shows that `stage` was reached. */
static inline bool
lc_stage_shows(const lc_policy *policy, unsigned reached, unsigned stage)
{
    return stage == reached || (stage < reached && policy->stages[reached].closes != LC_STAGE_LOST &&
                                policy->stages[stage].closes == LC_STAGE_OPEN);
}
