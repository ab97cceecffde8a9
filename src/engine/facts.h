/* facts.h - records of the inputs -> facts, or dead letters. */
#pragma once

#include "partition.h"

#include <leadclock/engine.h>

typedef struct lc_batch_lead lc_batch_lead;

/* A record of the batch, and what became of it: a fact, or a dead letter. */
typedef struct {
    lc_log_event event;
    lc_fact fact;
    lc_text lead_id; /* equal to the key */
    bool refused;    /* a dead letter, for this reason; otherwise a fact */
    lc_dead_reason reason;
    const char *detail;
    lc_batch_lead *lead;
} lc_batch_record;

/* Decodes the records; asks the registry for schemas not seen yet, and waits for it. Details come from `arena`.
 * False: give up (see lc_worker_tend), or an error. */
bool lc_facts_decode(lc_worker *worker, lc_batch_record *records, size_t n, lc_arena *arena, GError **error);

/* Places of such facts, as lc_facts_poison keeps them. */
GHashTable *lc_facts_poison_new(void);
/* A fact whose outcomes Kafka refused for their size goes to the dead letters when it comes again. */
void lc_facts_poison(lc_worker *worker, const lc_log_event *record);
/* Of what the partition has committed: none of it comes again. */
void lc_facts_forget_poison(lc_worker *worker, const lc_partition *partition);
bool lc_facts_is_poison(const lc_worker *worker, const lc_log_event *record);
