/* ledger.h - the rows that stand, as compactly as answers allow: texts by number, what only open cycles have apart.
 * Private to this room. */
#pragma once

#include "chains.h"
#include "slab.h"
#include "texts.h"

#include <leadclock/report.h>

typedef enum { LC_PART_BREACH, LC_PART_STAGE, LC_PART_ROUTE, LC_PART_TENURE } lc_part_kind;

/* What is a cycle's: each of the structs below begins so. Texts are numbers of ledger->texts. */
typedef struct lc_ledger_part {
    struct lc_ledger_part *next; /* of the same cycle */
    uint32_t name;               /* the clock, the stage, the track, the owner */
    uint8_t kind;                /* lc_part_kind */
} lc_ledger_part;

/* What only a cycle has that is open. */
typedef struct {
    lc_instant priority_at, next_due_at, broken_since, clawback_due_at, paused_since;
    uint32_t next_clock, broken, escalation;
} lc_open_cycle;

/* What has parts: a cycle, which begins so; or nothing but this, where they came before it, or are there still. */
typedef struct {
    lc_uuid id;            /* first: how it is found */
    lc_ledger_part *parts; /* in no order */
} lc_ledger_holder;

typedef struct lc_ledger_cycle {
    lc_ledger_holder as;
    struct lc_ledger_cycle *next_of_lead;
    lc_open_cycle *open; /* NULL: settled */
    lc_instant handoff_at, assigned_at, settled_at, first_contact_at, first_contact_due_at;
    lc_duration response_ms, response_open_ms;
    uint32_t channel, rule, owner, reason, rejected_as, track;
    uint16_t attempts, cycle;
    int16_t cohort;
    int8_t cause, route, first_contact_state;
    bool duplicate : 1, was_paused : 1;
    char lead_id[]; /* allocated with it */
} lc_ledger_cycle;

typedef struct {
    lc_ledger_part part; /* named by the clock */
    lc_ledger_holder *of;
    lc_uuid id;
    lc_instant due_at, breached_at, ended_at;
    lc_duration late_ms, target_ms;
    uint32_t owner;
    uint16_t attempts;
    uint8_t level;
    int8_t ended_by : 7;
    bool early : 1;
} lc_ledger_breach;

typedef struct {
    lc_ledger_part part; /* named by the stage */
    lc_instant reached_at;
    uint8_t age;
    bool named;
} lc_ledger_stage;

typedef struct {
    lc_ledger_part part; /* named by the track */
    lc_ledger_holder *of;
    lc_uuid id;
    lc_instant routed_at;
    uint32_t rule, reason, why; /* why: the criteria of its score, in words; only where stories are kept */
    int8_t route, cause;
} lc_ledger_route;

typedef struct {
    lc_ledger_part part; /* named by the owner */
    lc_instant from_at, to_at;
    uint32_t position;
} lc_ledger_tenure;

typedef struct {
    uint32_t channel, metric;
    int32_t cohort, partition;
    int64_t value;
} lc_ledger_counter;

struct lc_ledger {
    lc_texts *texts;
    GHashTable *cycles;            /* a set */
    GHashTable *awaited;           /* a set: holders that are no cycles */
    GHashTable *breaches, *routes; /* sets of their ids */
    GHashTable *counters;          /* a set */
    lc_slab parts[LC_PART_TENURE + 1], open, holders;
    lc_chains by_lead;           /* cycles; only where stories are kept */
    bool keeps_stories;          /* tenures, and why routes were taken */
    lc_instant forgotten_before; /* what was settled before is not all here; LC_ABSENT: all is */
};

/* The first cycle of a lead, the others by lc_chains_next; NULL: none is known, or no stories are kept. */
lc_ledger_cycle *lc_ledger_find_lead(const lc_ledger *ledger, const char *lead_id);

/* The first of this kind, from `part` on; NULL: there is none. */
static inline const void *
lc_part_of(const lc_ledger_part *part, lc_part_kind kind)
{
    while (part && part->kind != kind)
        part = part->next;
    return part;
}

#define LC_EACH_PART_OF(type, one, holder, kind)                                                                       \
    for (const type *one = lc_part_of((holder)->parts, (kind)); one; one = lc_part_of(one->part.next, (kind)))
#define LC_EACH_BREACH(one, cycle) LC_EACH_PART_OF (lc_ledger_breach, one, &(cycle)->as, LC_PART_BREACH)
#define LC_EACH_STAGE(one, cycle) LC_EACH_PART_OF (lc_ledger_stage, one, &(cycle)->as, LC_PART_STAGE)
#define LC_EACH_ROUTE(one, cycle) LC_EACH_PART_OF (lc_ledger_route, one, &(cycle)->as, LC_PART_ROUTE)
#define LC_EACH_TENURE(one, cycle) LC_EACH_PART_OF (lc_ledger_tenure, one, &(cycle)->as, LC_PART_TENURE)

/* NULL: it has not reached it. */
const lc_ledger_stage *lc_holder_stage(const lc_ledger_holder *holder, uint32_t stage);

static inline const lc_ledger_stage *
lc_cycle_stage(const lc_ledger_cycle *cycle, uint32_t stage)
{
    return lc_holder_stage(&cycle->as, stage);
}

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

static inline GHashTableIter
lc_cycles_begin(const lc_ledger *ledger)
{
    GHashTableIter iter;
    g_hash_table_iter_init(&iter, ledger->cycles);
    return iter;
}

static inline lc_ledger_cycle *
lc_cycles_next(GHashTableIter *iter, const lc_report_question *question)
{
    gpointer cycle = NULL;
    while (g_hash_table_iter_next(iter, &cycle, NULL))
        if (question == NULL || lc_cycle_is_asked_for(cycle, question))
            return cycle;
    return NULL;
}

/* Those that are asked for (NULL: all), in no order. */
#define LC_EACH_CYCLE(one, ledger, question)                                                                           \
    for (GHashTableIter one##_iter = lc_cycles_begin(ledger), *one##_at = &one##_iter; one##_at; one##_at = NULL)      \
        for (lc_ledger_cycle *one = lc_cycles_next(one##_at, (question)); one;                                         \
             one = lc_cycles_next(one##_at, (question)))

typedef enum {
    LC_CONTACT_NONE, /* nothing was promised */
    LC_CONTACT_KEPT,
    LC_CONTACT_BROKEN,
    LC_CONTACT_RUNNING,
    LC_CONTACT_STOPPED,
    LC_CONTACTS
} lc_contact;

/* How the promise of a first contact was kept. */
static inline lc_contact
lc_cycle_contact(const lc_ledger_cycle *cycle)
{
    switch (cycle->first_contact_state) {
    case LC_FIRST_CONTACT_MET:
        return LC_CONTACT_KEPT;
    case LC_FIRST_CONTACT_BREACHED:
    case LC_FIRST_CONTACT_ENDED:
        return LC_CONTACT_BROKEN;
    case LC_FIRST_CONTACT_RUNNING:
        return LC_CONTACT_RUNNING;
    case LC_FIRST_CONTACT_CANCELLED:
        return LC_CONTACT_STOPPED;
    default:
        return LC_CONTACT_NONE;
    }
}

/* A gate held it back. */
static inline bool
lc_cycle_was_held_back(const lc_ledger_cycle *cycle)
{
    return cycle->cause == LC_CAUSE_NOT_QUALIFIED || cycle->cause == LC_CAUSE_OPEN_DIALOGUE ||
           cycle->cause == LC_CAUSE_COOLDOWN;
}
