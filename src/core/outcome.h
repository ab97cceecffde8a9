/* outcome.h - section 6: from what a replay found to an outcome in full, its identity and its place. Inside the core
 * only. */
#pragma once

#include "replay.h"

#include <nettle/sha1.h>

/* A finding, with what it takes to spell it out. */
typedef struct {
    const lc_replay *replay;
    const lc_cycle *cycle;
    const lc_finding *finding;
    uint32_t number; /* of the cycle */
    bool restated;
    lc_uuid id;
} lc_entry;

/* Makes the version 5 UUIDs of rule 6.1. */
typedef struct {
    struct sha1_ctx sha1; /* nothing taken yet */
    GString *text;        /* the namespace, then what is named */
    lc_text lead_id;
} lc_namer;

void lc_namer_init(lc_namer *namer);
void lc_namer_clear(lc_namer *namer);

/* Whether both have one identity (6.1); their cycles have one number. */
bool
lc_finding_same(const lc_cycle *cycle, const lc_finding *finding, const lc_cycle *other_cycle, const lc_finding *other);

void lc_entry_name(lc_entry *entry, lc_namer *namer);
/* Of the LeadSettled of a cycle, which may be open still. */
lc_uuid lc_cycle_id(uint32_t number, lc_instant handoff_at, lc_namer *namer);
/* Of the breach that an escalation or a breach ended is about. */
lc_uuid lc_breach_id(const lc_entry *entry, lc_namer *namer);
lc_uuid lc_retraction_id(const lc_uuid *retracted, lc_namer *namer);

/* The order of rule 6.2, by what is published or retracted. A GCompareDataFunc; their ids are named. */
int lc_entry_compare(const void *entry, const void *other, void *unused);

/* Lists come from `arena`. The id is the entry's. */
void lc_entry_spell_out(const lc_entry *entry, lc_namer *namer, lc_arena *arena, lc_outcome *outcome);
