/* wake_queue.h - the wake-ups of the leads of a backtest, in order.
 *
 * What comes soon is in a heap; what comes later lies unsorted in buckets, by the highest digit in which its instant
 * differs from that of the queue (a radix heap), and is only looked at when its time has come near. A lead whose
 * wake-up comes soon is fetched into the cache. */
#pragma once

#include <leadclock/base.h>

typedef struct lc_wake_queue lc_wake_queue;

/* `item_bytes`: of what an id is the beginning of, for the cache. */
lc_wake_queue *lc_wake_queue_new(size_t item_bytes);
void lc_wake_queue_free(lc_wake_queue *queue);

/* A slot for `id`, which is borrowed until it leaves: the beginning of what is to be waked. It has no wake-up yet. */
uint32_t lc_wake_queue_join(lc_wake_queue *queue, const lc_text *id);
void lc_wake_queue_leave(lc_wake_queue *queue, uint32_t slot);

/* The wake-up of this slot is at `at`; LC_NEVER: it has none. Never before a wake-up that was due already, nor before
 * `instant` once lc_wake_queue_due has found nothing before that. */
void lc_wake_queue_set(lc_wake_queue *queue, uint32_t slot, lc_instant at);
/* The id with the earliest wake-up before `instant`, of those at one instant the least in byte order; or NULL. */
const lc_text *lc_wake_queue_due(lc_wake_queue *queue, lc_instant instant);
/* What was found by other means is fetched into the cache too, with its slot. */
void lc_wake_queue_fetch(const lc_wake_queue *queue, uint32_t slot, const lc_text *id);
