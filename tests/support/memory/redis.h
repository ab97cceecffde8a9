/* redis.h - the inside of the memory Redis. */
#pragma once

#include "memory.h"

typedef struct {
    GBytes *applied;  /* NULL: none */
    uint64_t version; /* of `applied`: what WATCH looks at */
    GHashTable *leads, *wakeups, *counters;
} lc_memory_slot;

struct lc_memory_snapshot {
    int32_t n_partitions;
    lc_memory_slot *slots;
};

struct lc_memory_redis {
    lc_memory_world *world;
    lc_memory_snapshot data;
    uint64_t last_version;
    uint64_t connections; /* one more each time that all are cut; from 1 */
    bool down;
    unsigned weakened;
};

/* One wake-up more, and one less where there is one. */
void lc_memory_slot_add_wakeup(lc_memory_slot *slot, GBytes *lead_id, lc_memory_wakeup wakeup);
void lc_memory_slot_remove_wakeup(lc_memory_slot *slot, GBytes *lead_id, lc_instant at);

/* The position changes, also to the same text. `applied` is handed over. */
void lc_memory_slot_set_applied(lc_memory_redis *redis, lc_memory_slot *slot, GBytes *applied);
