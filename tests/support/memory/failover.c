/* failover.c - a Redis with a replica: another master, the old one cut off, one that sleeps, slots that are moved. */
#include "redis.h"

/* ---- Which of the two masters a connection leads to ---- */

static bool
leads_to_old(const lc_memory_redis *redis, uint64_t connection)
{
    return redis->old && redis->old->connection == connection;
}

bool
lc_memory_is_connected(const lc_memory_redis *redis, uint64_t connection)
{
    return leads_to_old(redis, connection) || (connection == redis->connections && !redis->down);
}

bool
lc_memory_is_asleep(const lc_memory_redis *redis, uint64_t connection)
{
    return leads_to_old(redis, connection) ? redis->old->is_asleep : redis->is_asleep;
}

static void
exchange_data(lc_memory_redis *redis)
{
    lc_memory_snapshot data = redis->data;
    redis->data = redis->old->data;
    redis->old->data = data;
}

lc_memory_slot *
lc_memory_slot_at(lc_memory_redis *redis, uint64_t connection, int32_t partition)
{
    return leads_to_old(redis, connection) ? &redis->old->data.slots[partition] : &redis->data.slots[partition];
}

void
lc_memory_tell_applied(lc_memory_redis *redis, uint64_t connection, int32_t partition)
{
    bool is_old = leads_to_old(redis, connection);
    redis->seen.written_to_old += is_old;
    if (redis->world->applied == NULL)
        return;
    /* Who is told looks at the master. */
    if (is_old)
        exchange_data(redis);
    redis->world->applied(redis->world, partition);
    if (is_old)
        exchange_data(redis);
}

lc_memory_snapshot *
lc_memory_copy_at(lc_memory_redis *redis, uint64_t connection)
{
    bool is_old = leads_to_old(redis, connection);
    if (is_old)
        exchange_data(redis);
    lc_memory_snapshot *copy = lc_memory_redis_snapshot(redis);
    if (is_old)
        exchange_data(redis);
    return copy;
}

/* ---- A master that sleeps ---- */

/* A write that was sent to it, and what there will be once it is done. */
typedef struct {
    int32_t partition;
    uint64_t watched;
    lc_memory_snapshot *after;
} late_write;

static void
late_write_clear(late_write *late)
{
    lc_memory_snapshot_free(late->after);
}

static GArray *
late_writes_new(void)
{
    GArray *writes = g_array_new(FALSE, FALSE, sizeof(late_write));
    g_array_set_clear_func(writes, (GDestroyNotify)late_write_clear);
    return writes;
}

void
lc_memory_keep_late(lc_memory_redis *redis, uint64_t connection, int32_t partition, uint64_t watched,
                    lc_memory_snapshot *after)
{
    late_write late = {partition, watched, after};
    GArray **writes = leads_to_old(redis, connection) ? &redis->old->late : &redis->late;
    if (*writes == NULL)
        *writes = late_writes_new();
    g_array_append_val(*writes, late);
}

/* What WATCH saw must still be there. */
static void
do_late(lc_memory_redis *redis, uint64_t connection, const late_write *late)
{
    lc_memory_slot *slot = lc_memory_slot_at(redis, connection, late->partition);
    lc_memory_slot *after = &late->after->slots[late->partition], before = *slot;
    if (slot->version != late->watched) {
        redis->seen.late_refused++;
        return;
    }
    *slot = *after;
    *after = before;
    slot->version = ++redis->last_version;
    redis->seen.late_done++;
    lc_memory_tell_applied(redis, connection, late->partition);
}

static void
do_all_late(lc_memory_redis *redis, uint64_t connection, GArray **writes)
{
    g_autoptr(GArray) late = g_steal_pointer(writes);
    for (guint i = 0; late && i < late->len; i++)
        do_late(redis, connection, &g_array_index(late, late_write, i));
}

void
lc_memory_redis_sleep(lc_memory_redis *redis)
{
    redis->is_asleep = true;
}

void
lc_memory_redis_wake(lc_memory_redis *redis)
{
    redis->is_asleep = false;
    if (redis->old)
        redis->old->is_asleep = false;
}

void
lc_memory_redis_do_late(lc_memory_redis *redis)
{
    do_all_late(redis, redis->connections, &redis->late);
    if (redis->old)
        do_all_late(redis, redis->old->connection, &redis->old->late);
}

/* ---- Another master ---- */

bool
lc_memory_redis_has_old(const lc_memory_redis *redis)
{
    return redis->old != NULL;
}

GBytes *
lc_memory_redis_old_applied(const lc_memory_redis *redis, int32_t partition)
{
    return redis->old->data.slots[partition].applied;
}

void
lc_memory_redis_promote(lc_memory_redis *redis, const lc_memory_snapshot *replica)
{
    lc_memory_redis_rejoin(redis);
    redis->promotions++;
    redis->old = g_new0(lc_memory_old_master, 1);
    *redis->old = (lc_memory_old_master){redis->data, redis->connections, redis->is_asleep, redis->late};
    redis->is_asleep = false;
    redis->late = NULL;
    g_autofree lc_memory_snapshot *copy = lc_memory_redis_snapshot(redis);
    redis->data = *copy;
    lc_memory_redis_restore(redis, replica, true);
}

void
lc_memory_redis_rejoin(lc_memory_redis *redis)
{
    if (redis->old == NULL)
        return;
    lc_memory_snapshot *data = g_new0(lc_memory_snapshot, 1);
    *data = redis->old->data;
    lc_memory_snapshot_free(data);
    g_clear_pointer(&redis->old->late, g_array_unref);
    g_clear_pointer(&redis->old, g_free);
}

/* ---- A slot that is moved ---- */

void
lc_memory_redis_set_moving(lc_memory_redis *redis, int32_t partition, bool is_moving)
{
    redis->moving = is_moving ? redis->moving | 1u << partition : redis->moving & ~(1u << partition);
    if (is_moving)
        redis->seen.met_moving &= ~(1u << partition);
    /* A key that comes or goes ends its WATCH. */
    redis->data.slots[partition].version = ++redis->last_version;
}

bool
lc_memory_is_moving(lc_memory_redis *redis, uint64_t connection, int32_t partition)
{
    bool is_moving = redis->moving & 1u << partition && !leads_to_old(redis, connection);
    redis->seen.met_moving |= (uint32_t)is_moving << partition;
    return is_moving;
}

const lc_memory_seen *
lc_memory_redis_seen(const lc_memory_redis *redis)
{
    return &redis->seen;
}
