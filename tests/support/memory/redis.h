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

/* The one that was master, for those who are connected to it still. */
typedef struct {
    lc_memory_snapshot data;
    uint64_t connection; /* the number of theirs */
    bool is_asleep;
    GArray *late; /* of failover.c; NULL: none */
} lc_memory_old_master;

struct lc_memory_redis {
    lc_memory_world *world;
    lc_memory_snapshot data;
    uint64_t last_version;
    uint64_t connections; /* one more each time that all are cut; from 1 */
    bool down;
    unsigned weakened;
    /* failover.c */
    lc_memory_old_master *old; /* NULL: there is one master */
    bool is_asleep;
    GArray *late;
    uint64_t promotions;
    uint32_t moving; /* slots, by partition */
    lc_memory_seen seen;
};

/* One wake-up more, and one less where there is one. */
void lc_memory_slot_add_wakeup(lc_memory_slot *slot, GBytes *lead_id, lc_memory_wakeup wakeup);
void lc_memory_slot_remove_wakeup(lc_memory_slot *slot, GBytes *lead_id, lc_instant at);
bool lc_memory_slot_has_wakeup(const lc_memory_slot *slot, lc_text lead_id, lc_instant at);

/* The position changes, also to the same text. `applied` is handed over. */
void lc_memory_slot_set_applied(lc_memory_redis *redis, lc_memory_slot *slot, GBytes *applied);

/* failover.c: what a connection leads to. */
bool lc_memory_is_connected(const lc_memory_redis *redis, uint64_t connection);
bool lc_memory_is_asleep(const lc_memory_redis *redis, uint64_t connection);
bool lc_memory_is_moving(lc_memory_redis *redis, uint64_t connection, int32_t partition);
lc_memory_slot *lc_memory_slot_at(lc_memory_redis *redis, uint64_t connection, int32_t partition);
/* All that is there (lc_memory_snapshot_free). */
lc_memory_snapshot *lc_memory_copy_at(lc_memory_redis *redis, uint64_t connection);
/* A write was sent to a master that sleeps: done when it wakes, unless what was watched is another by then. `after`,
 * what there is then, is handed over. */
void lc_memory_keep_late(lc_memory_redis *redis, uint64_t connection, int32_t partition, uint64_t watched,
                         lc_memory_snapshot *after);
/* A write was done. */
void lc_memory_tell_applied(lc_memory_redis *redis, uint64_t connection, int32_t partition);
