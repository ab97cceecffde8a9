/* pending.h - whether a transaction that is still open has offsets of the group: asked for without waiting, because
 * rd_kafka_committed takes all of its time-out as long as one has. Private to this room.
 *
 * It only says when it is worth while to ask for the offsets themselves. */
#pragma once

#include "client.h"

typedef struct lc_pending lc_pending;

lc_pending *lc_pending_new(const lc_kafka_options *options); /* borrowed */
void lc_pending_free(lc_pending *pending);
/* Forgets what was asked. */
void lc_pending_clear(lc_pending *pending);

/* Begins to ask about a partition; goes on until its offsets are stable. */
void lc_pending_ask(lc_pending *pending, int32_t partition);

typedef enum {
    LC_PENDING_NOT_ASKED,
    LC_PENDING_OPEN,  /* or not answered yet */
    LC_PENDING_STABLE /* is said once: it is not asked any more */
} lc_pending_state;

lc_pending_state lc_pending_look(lc_pending *pending, int32_t partition);
/* Whether any partition is asked about. */
bool lc_pending_any(const lc_pending *pending);
