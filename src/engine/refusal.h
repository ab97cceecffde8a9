/* refusal.h - a record that is no fact, with a message that says what is wrong with it, and what to do. */
#pragma once

#include "facts.h"

void lc_fact_refuse(lc_batch_record *record, lc_dead_reason reason, lc_arena *arena, const char *format, ...)
    G_GNUC_PRINTF(4, 5);

/* It is not framed, or its schema is not known. */
void lc_refuse_frame(const lc_worker *worker, lc_batch_record *record, lc_arena *arena);
void lc_refuse_schema(const lc_worker *worker, lc_batch_record *record, uint32_t id, lc_arena *arena);
/* Its key is not its lead_id. */
void lc_refuse_key(lc_batch_record *record, lc_arena *arena);
