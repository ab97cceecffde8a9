/* wake_heap.h - who is to be woken, the earliest first; at one instant the least id in byte order.
 *
 * Setting a time touches the heap and a small table of places, but nothing of those it moves: what they belong to lies
 * anywhere in memory, and fetching that took longer than all else. */
#pragma once

#include <leadclock/base.h>

typedef struct lc_wake_heap lc_wake_heap;

lc_wake_heap *lc_wake_heap_new(void);
void lc_wake_heap_free(lc_wake_heap *heap);

/* A slot for the owner of this id, which is borrowed until it leaves. Slots are used again. */
uint32_t lc_wake_heap_join(lc_wake_heap *heap, const lc_text *id);
void lc_wake_heap_leave(lc_wake_heap *heap, uint32_t slot);

/* When to wake it; LC_NEVER: not at all. */
void lc_wake_heap_set(lc_wake_heap *heap, uint32_t slot, lc_instant at);

/* The id, as it was given, of the first to be woken before `instant`; or NULL. */
const lc_text *lc_wake_heap_due(const lc_wake_heap *heap, lc_instant instant);
