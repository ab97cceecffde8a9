/* redis.c - strings, hashes and wake-ups, with WATCH and MULTI. */
#include "redis.h"

static void
counts_free(GHashTable *counts)
{
    g_hash_table_unref(counts);
}

static void
slot_init(lc_memory_slot *slot)
{
    *slot = (lc_memory_slot){
        .leads = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref,
                                       (GDestroyNotify)g_bytes_unref),
        .wakeups = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref,
                                         (GDestroyNotify)g_array_unref),
        .counters = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)counts_free)};
}

static void
slot_clear(lc_memory_slot *slot)
{
    g_clear_pointer(&slot->applied, g_bytes_unref);
    g_hash_table_unref(slot->leads);
    g_hash_table_unref(slot->wakeups);
    g_hash_table_unref(slot->counters);
}

static GHashTable *
copy_counts(GHashTable *counts)
{
    GHashTable *copy = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    GHashTableIter iter;
    gpointer metric, count;
    g_hash_table_iter_init(&iter, counts);
    while (g_hash_table_iter_next(&iter, &metric, &count))
        g_hash_table_insert(copy, g_strdup(metric), g_memdup2(count, sizeof(int64_t)));
    return copy;
}

static void
slot_copy(lc_memory_slot *to, const lc_memory_slot *from)
{
    GHashTableIter iter;
    gpointer key, value;

    g_hash_table_iter_init(&iter, from->leads);
    while (g_hash_table_iter_next(&iter, &key, &value))
        g_hash_table_insert(to->leads, g_bytes_ref(key), g_bytes_ref(value));
    g_hash_table_iter_init(&iter, from->wakeups);
    while (g_hash_table_iter_next(&iter, &key, &value))
        g_hash_table_insert(to->wakeups, g_bytes_ref(key), g_array_copy(value));
    g_hash_table_iter_init(&iter, from->counters);
    while (g_hash_table_iter_next(&iter, &key, &value))
        g_hash_table_insert(to->counters, g_strdup(key), copy_counts(value));
}

void
lc_memory_slot_set_applied(lc_memory_redis *redis, lc_memory_slot *slot, GBytes *applied)
{
    g_clear_pointer(&slot->applied, g_bytes_unref);
    slot->applied = applied;
    slot->version = ++redis->last_version;
}

lc_memory_redis *
lc_memory_redis_new(lc_memory_world *world, int32_t partitions)
{
    lc_memory_redis *redis = g_new0(lc_memory_redis, 1);
    redis->world = world;
    redis->connections = 1;
    redis->data = (lc_memory_snapshot){partitions, g_new0(lc_memory_slot, (gsize)partitions)};
    for (int32_t i = 0; i < partitions; i++)
        slot_init(&redis->data.slots[i]);
    return redis;
}

static void
data_clear(lc_memory_snapshot *data)
{
    for (int32_t i = 0; i < data->n_partitions; i++)
        slot_clear(&data->slots[i]);
    g_free(data->slots);
}

void
lc_memory_redis_free(lc_memory_redis *redis)
{
    if (redis == NULL)
        return;
    lc_memory_redis_rejoin(redis);
    g_clear_pointer(&redis->late, g_array_unref);
    data_clear(&redis->data);
    g_free(redis);
}

static void
slot_empty(lc_memory_redis *redis, lc_memory_slot *slot)
{
    lc_memory_slot_set_applied(redis, slot, NULL);
    g_hash_table_remove_all(slot->leads);
    g_hash_table_remove_all(slot->wakeups);
    g_hash_table_remove_all(slot->counters);
}

void
lc_memory_redis_empty(lc_memory_redis *redis)
{
    for (int32_t i = 0; i < redis->data.n_partitions; i++)
        slot_empty(redis, &redis->data.slots[i]);
}

lc_memory_snapshot *
lc_memory_redis_snapshot(const lc_memory_redis *redis)
{
    lc_memory_snapshot *snapshot = g_new0(lc_memory_snapshot, 1);
    *snapshot = (lc_memory_snapshot){redis->data.n_partitions, g_new0(lc_memory_slot, (gsize)redis->data.n_partitions)};
    for (int32_t i = 0; i < snapshot->n_partitions; i++) {
        const lc_memory_slot *slot = &redis->data.slots[i];
        slot_init(&snapshot->slots[i]);
        slot_copy(&snapshot->slots[i], slot);
        snapshot->slots[i].applied = slot->applied ? g_bytes_ref(slot->applied) : NULL;
    }
    return snapshot;
}

void
lc_memory_snapshot_free(lc_memory_snapshot *snapshot)
{
    if (snapshot == NULL)
        return;
    data_clear(snapshot);
    g_free(snapshot);
}

void
lc_memory_redis_restore(lc_memory_redis *redis, const lc_memory_snapshot *snapshot, bool cut_connections)
{
    g_assert(snapshot->n_partitions == redis->data.n_partitions);
    for (int32_t i = 0; i < snapshot->n_partitions; i++) {
        lc_memory_slot *slot = &redis->data.slots[i];
        slot_empty(redis, slot);
        slot_copy(slot, &snapshot->slots[i]);
        slot->applied = snapshot->slots[i].applied ? g_bytes_ref(snapshot->slots[i].applied) : NULL;
    }
    if (cut_connections)
        redis->connections++;
}

void
lc_memory_redis_set_down(lc_memory_redis *redis, bool down)
{
    redis->down = down;
    redis->connections++;
}

void
lc_memory_redis_weaken(lc_memory_redis *redis, unsigned mask)
{
    redis->weakened = mask;
}

GBytes *
lc_memory_snapshot_applied(const lc_memory_snapshot *snapshot, int32_t partition)
{
    return snapshot->slots[partition].applied;
}

GBytes *
lc_memory_redis_applied(const lc_memory_redis *redis, int32_t partition)
{
    return redis->data.slots[partition].applied;
}

GBytes *
lc_memory_redis_lead(const lc_memory_redis *redis, int32_t partition, lc_text lead_id)
{
    g_autoptr(GBytes) key = g_bytes_new_static(lead_id.data, lead_id.size);
    return g_hash_table_lookup(redis->data.slots[partition].leads, key);
}

static GArray *
wakeups_of(const lc_memory_slot *slot, lc_text lead_id)
{
    g_autoptr(GBytes) key = g_bytes_new_static(lead_id.data, lead_id.size);
    return g_hash_table_lookup(slot->wakeups, key);
}

lc_instant
lc_memory_redis_wakeup(const lc_memory_redis *redis, int32_t partition, lc_text lead_id)
{
    const GArray *wakeups = wakeups_of(&redis->data.slots[partition], lead_id);
    return wakeups ? g_array_index(wakeups, lc_memory_wakeup, wakeups->len - 1).at : LC_NEVER;
}

bool
lc_memory_slot_has_wakeup(const lc_memory_slot *slot, lc_text lead_id, lc_instant at)
{
    const GArray *wakeups = wakeups_of(slot, lead_id);
    for (guint i = 0; wakeups && i < wakeups->len; i++)
        if (g_array_index(wakeups, lc_memory_wakeup, i).at == at)
            return true;
    return false;
}

bool
lc_memory_redis_has_wakeup(const lc_memory_redis *redis, int32_t partition, lc_text lead_id, lc_instant at)
{
    return lc_memory_slot_has_wakeup(&redis->data.slots[partition], lead_id, at);
}

void
lc_memory_slot_add_wakeup(lc_memory_slot *slot, GBytes *lead_id, lc_memory_wakeup wakeup)
{
    GArray *wakeups = g_hash_table_lookup(slot->wakeups, lead_id);
    if (wakeups == NULL) {
        wakeups = g_array_new(FALSE, FALSE, sizeof(lc_memory_wakeup));
        g_hash_table_insert(slot->wakeups, g_bytes_ref(lead_id), wakeups);
    }
    g_array_append_val(wakeups, wakeup);
}

void
lc_memory_slot_remove_wakeup(lc_memory_slot *slot, GBytes *lead_id, lc_instant at)
{
    GArray *wakeups = g_hash_table_lookup(slot->wakeups, lead_id);
    for (guint i = 0; wakeups && i < wakeups->len; i++) {
        if (g_array_index(wakeups, lc_memory_wakeup, i).at != at)
            continue;
        g_array_remove_index(wakeups, i);
        if (wakeups->len == 0)
            g_hash_table_remove(slot->wakeups, lead_id);
        return;
    }
}

GHashTable *
lc_memory_redis_leads(const lc_memory_redis *redis, int32_t partition)
{
    return redis->data.slots[partition].leads;
}

GHashTable *
lc_memory_redis_wakeups(const lc_memory_redis *redis, int32_t partition)
{
    return redis->data.slots[partition].wakeups;
}

GHashTable *
lc_memory_redis_counters(const lc_memory_redis *redis, int32_t partition)
{
    return redis->data.slots[partition].counters;
}
