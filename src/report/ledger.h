/* ledger.h - the rows that stand, as compactly as answers allow: texts by number, what only open cycles have apart.
 * Private to this room. */
#pragma once

#include "chains.h"
#include "texts.h"

#include <leadclock/report.h>

/* What only a cycle has that is open. */
typedef struct {
    lc_instant priority_at, next_due_at, broken_since, clawback_due_at, paused_since;
    uint32_t next_clock, broken, escalation;
} lc_open_cycle;

/* Texts are numbers of ledger->texts. */
typedef struct lc_ledger_cycle {
    lc_uuid id; /* first: how it is found */
    struct lc_ledger_cycle *next_of_lead;
    lc_open_cycle *open; /* NULL: settled */
    lc_instant handoff_at, assigned_at, settled_at, first_contact_at, first_contact_due_at;
    lc_duration response_ms, response_open_ms;
    uint32_t channel, rule, owner, reason, rejected_as, track, attempts, cycle;
    int32_t cohort;
    int16_t cause, route, first_contact_state;
    bool duplicate, was_paused;
    _Alignas(8) char lead_id[]; /* allocated with it; aligned, so that nothing of it is where the members end */
} lc_ledger_cycle;

typedef struct lc_ledger_breach {
    lc_uuid id, cycle_id;
    struct lc_ledger_breach *next_of_cycle;
    lc_instant due_at, breached_at, ended_at;
    lc_duration late_ms, target_ms;
    uint32_t clock, owner, level, attempts;
    int16_t ended_by;
    bool early;
} lc_ledger_breach;

typedef struct {
    lc_uuid cycle_id;
    uint32_t stage; /* with the cycle its key */
    uint8_t age;
    bool named;
    lc_instant reached_at;
} lc_ledger_stage;

typedef struct lc_ledger_route {
    lc_uuid id, cycle_id;
    struct lc_ledger_route *next_of_cycle;
    lc_instant routed_at;
    uint32_t track, rule, reason, why; /* why: the criteria of its score, in words; only where stories are kept */
    int16_t route, cause;
} lc_ledger_route;

typedef struct {
    lc_uuid cycle_id;
    uint32_t position; /* with the cycle its key */
    uint32_t owner;
    lc_instant from_at, to_at;
} lc_ledger_tenure;

typedef struct {
    uint32_t channel, metric;
    int32_t cohort, partition;
    int64_t value;
} lc_ledger_counter;

struct lc_ledger {
    lc_texts *texts;
    GHashTable *cycles, *breaches, *stages, *routes, *tenures, *counters; /* sets of the structs above */
    lc_chains by_lead, breaches_of, routes_of; /* cycles, and what is of a cycle; only where stories are kept */
    GHashTable *stage_names;                   /* numbers of texts: those that any cycle has reached */
    bool keeps_stories;                        /* tenures, and why routes were taken */
};

/* The first cycle of a lead, the others by lc_chains_next; NULL: none is known, or no stories are kept. */
lc_ledger_cycle *lc_ledger_find_lead(const lc_ledger *ledger, const char *lead_id);
/* NULL: not there. */
lc_ledger_cycle *lc_ledger_find_cycle(const lc_ledger *ledger, const lc_uuid *id);

static inline lc_text
lc_ledger_text(const lc_ledger *ledger, uint32_t number)
{
    return lc_texts_get(ledger->texts, number);
}

/* Is it one of the leads that are asked for? */
static inline bool
lc_cycle_is_asked_for(const lc_ledger_cycle *cycle, const lc_report_question *question)
{
    return cycle->handoff_at >= question->from && cycle->handoff_at < question->to;
}

/* A gate held it back. */
static inline bool
lc_cycle_was_held_back(const lc_ledger_cycle *cycle)
{
    return cycle->cause == LC_CAUSE_NOT_QUALIFIED || cycle->cause == LC_CAUSE_OPEN_DIALOGUE ||
           cycle->cause == LC_CAUSE_COOLDOWN;
}
