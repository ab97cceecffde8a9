/* outbox.h - outcomes, states, counters and dead letters on their way into one transaction. */
#pragma once

#include "counters.h"
#include "schemas.h"

/* Where a message comes from: ce_id says so, and a refusal for its size is traced to it. */
typedef struct {
    int topic; /* index of the input; -1: a wake-up */
    int32_t partition;
    int64_t offset; /* of the fact */
    lc_instant now; /* of the wake-up */
    uint32_t tag;   /* the record's index in the batch; LC_TAG_NONE: none */
} lc_cause_of;
#define LC_TAG_NONE UINT32_MAX

/* All that one transaction will produce, encoded, in order. */
typedef struct lc_outbox lc_outbox;

lc_outbox *lc_outbox_new(const lc_worker_options *options, const lc_schemas *schemas);
void lc_outbox_free(lc_outbox *outbox);
void lc_outbox_clear(lc_outbox *outbox);
/* Keys, reasons and record bytes are borrowed until the next clear; outcomes are encoded at once. */
void lc_outbox_add_outcome(lc_outbox *outbox, lc_text lead_id, const lc_outcome *outcome, lc_cause_of cause);
/* `*offset` is filled in by produce and flush. Returns what finds the encoded value again. */
size_t lc_outbox_add_state(lc_outbox *outbox, int32_t partition, const lc_lead *lead, int64_t *offset);
void lc_outbox_add_counters(lc_outbox *outbox, int32_t partition, const lc_population *population,
                            const lc_stored_count *counts, size_t n, lc_arena *arena, int64_t *offset);
/* `row` as for lc_encode_row. `*latest` is 0 at first, and strings the rows of one lead together: of those of one key
 * only the last one added is sent. */
void lc_outbox_add_row(lc_outbox *outbox, int32_t partition, int table, const void *row, bool deleted,
                       lc_cause_of cause, size_t *latest);
/* At most `most_bytes` of the value. */
void lc_outbox_add_dead_letter(lc_outbox *outbox, const lc_log_event *record, lc_dead_reason reason, const char *detail,
                               size_t most_bytes, lc_cause_of cause);
/* The value of a message, with its frame; absent: a tombstone. Good until something is added. */
lc_text lc_outbox_value(const lc_outbox *outbox, size_t message);
size_t lc_outbox_bytes(const lc_outbox *outbox);
bool lc_outbox_produce(const lc_outbox *outbox, lc_log *log, GError **error);
