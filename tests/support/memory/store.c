/* store.c - lc_store in memory. */
#include "redis.h"

#define FAR (4 * LC_SECOND)
#define NEAR (2 * LC_SECOND)

/* lc_store on the memory Redis. Each read is one MULTI; each write is WATCH and GET, then, a step later, MULTI. */

typedef struct {
    lc_store store; /* first */
    lc_memory_redis *redis;
    lc_memory_world *world;
    uint64_t connection; /* the redis->connections it was made under; 0: not connected */
    lc_arena arena;      /* of the last read or scan */
    lc_store_read *reads;
    size_t n_reads;
    lc_store_write *writes;
    size_t n_writes;
    GArray **due;          /* by partition: memory_wakeup that were due when last read */
    lc_instant *near_from; /* by partition: what is before comes near, as was last read */
    GBytes **known;        /* by partition: the position last seen, for LC_MEMORY_WEAKEN_READ_GUARD */
} memory_store;

/* A wake-up of a lead. */
typedef struct {
    GBytes *lead_id;
    lc_memory_wakeup wakeup;
} memory_wakeup;

/* ---- The connection ---- */

static bool
lose(memory_store *store, const char *what, GError **error)
{
    store->connection = 0;
    if (store->world->trace)
        store->world->trace(store->world, what);
    g_set_error(error, LC_ERROR, LC_ERROR_RETRY, "%s", what);
    return false;
}

static bool
has_fault(memory_store *store, lc_memory_fault fault)
{
    return store->world->fault && store->world->fault(store->world, fault);
}

static void
step(memory_store *store, const char *call)
{
    if (store->world->step)
        store->world->step(store->world, call);
}

/* One command, or one MULTI, arrives. */
static bool
arrive(memory_store *store, const char *call, GError **error)
{
    step(store, call);
    if (has_fault(store, LC_MEMORY_FAULT_STORE))
        return lose(store, "redis: connection lost", error);
    if (store->connection == 0)
        store->connection = store->redis->connections;
    if (!lc_memory_is_connected(store->redis, store->connection))
        return lose(store, store->redis->down ? "redis: down" : "redis: connection closed", error);
    return true;
}

static lc_memory_slot *
slot_of(const memory_store *store, int32_t partition)
{
    return lc_memory_slot_at(store->redis, store->connection, partition);
}

/* Whether the server of the partition takes what has arrived. */
static bool
is_taken(memory_store *store, int32_t partition, GError **error)
{
    if (lc_memory_is_asleep(store->redis, store->connection)) {
        store->world->wait(store->world, 1000);
        return lose(store, "redis: no answer in time", error);
    }
    if (!lc_memory_is_moving(store->redis, store->connection, partition))
        return true;
    g_set_error(error, LC_ERROR, LC_ERROR_RETRY, "redis: the slot of partition %d is being moved", partition);
    return false;
}

static bool
answer(memory_store *store, const char *call, GError **error)
{
    if (has_fault(store, LC_MEMORY_FAULT_STORE_REPLY))
        return lose(store, "redis: answer lost", error);
    step(store, call);
    return true;
}

static bool
open_store(lc_store *base, int32_t partitions, GError **error)
{
    memory_store *store = (memory_store *)base;
    g_assert(partitions == store->redis->data.n_partitions);
    store->connection = 0;
    return arrive(store, "store open", error);
}

/* ---- Reading ---- */

static lc_text
bytes_text(lc_arena *arena, GBytes *bytes)
{
    if (bytes == NULL)
        return LC_NO_TEXT;
    gsize size;
    const char *data = g_bytes_get_data(bytes, &size);
    return lc_arena_text(arena, (lc_text){data ? data : "", size});
}

static void
clear_wakeup(gpointer data)
{
    g_bytes_unref(((memory_wakeup *)data)->lead_id);
}

static memory_wakeup *
wakeup_at(GArray *wakeups, guint i)
{
    return &g_array_index(wakeups, memory_wakeup, i);
}

static int
by_due(gconstpointer a, gconstpointer b)
{
    const memory_wakeup *x = a, *y = b;
    return x->wakeup.at != y->wakeup.at ? (x->wakeup.at > y->wakeup.at ? 1 : -1)
                                        : g_bytes_compare(x->lead_id, y->lead_id);
}

/* Of a slot, by time. */
static GArray *
all_wakeups(const lc_memory_slot *slot)
{
    GArray *all = g_array_new(FALSE, FALSE, sizeof(memory_wakeup));
    GHashTableIter iter;
    gpointer key, value;
    g_array_set_clear_func(all, clear_wakeup);
    g_hash_table_iter_init(&iter, slot->wakeups);
    while (g_hash_table_iter_next(&iter, &key, &value))
        for (guint i = 0; i < ((GArray *)value)->len; i++) {
            memory_wakeup one = {g_bytes_ref(key), g_array_index((GArray *)value, lc_memory_wakeup, i)};
            g_array_append_val(all, one);
        }
    g_array_sort(all, by_due);
    return all;
}

/* Those that are far are not given: they are to be put in order first. */
static void
read_wakeups(memory_store *store, const lc_memory_slot *slot, lc_store_read *read)
{
    g_autoptr(GArray) all = all_wakeups(slot);
    GArray *due = store->due[read->partition];
    g_array_set_size(due, 0);
    read->due = lc_arena_new(&store->arena, lc_text, all->len + 1);
    store->near_from[read->partition] = MIN(read->due_before, LC_NEVER - NEAR) + NEAR;
    for (guint i = 0; i < all->len; i++) {
        memory_wakeup *one = wakeup_at(all, i);
        if (one->wakeup.is_far && read->max_due && one->wakeup.at < store->near_from[read->partition])
            read->is_untidy = true;
        if (one->wakeup.is_far || read->n_due == read->max_due || one->wakeup.at >= read->due_before) {
            read->next_wakeup = MIN(read->next_wakeup, one->wakeup.at);
            continue;
        }
        memory_wakeup own = {g_bytes_ref(one->lead_id), one->wakeup};
        g_array_append_val(due, own);
        read->due[read->n_due++] = bytes_text(&store->arena, one->lead_id);
    }
}

static void
read_leads(memory_store *store, const lc_memory_slot *slot, lc_store_read *read)
{
    read->leads = lc_arena_new(&store->arena, lc_text, read->n_leads + 1);
    for (size_t i = 0; i < read->n_leads; i++) {
        g_autoptr(GBytes) key = g_bytes_new_static(read->lead_ids[i].data, read->lead_ids[i].size);
        read->leads[i] = bytes_text(&store->arena, g_hash_table_lookup(slot->leads, key));
    }
}

static lc_stored_count *
read_counts(memory_store *store, const lc_memory_slot *slot, lc_text population, size_t *n)
{
    g_autofree char *name = g_strndup(population.data, population.size);
    GHashTable *counts = g_hash_table_lookup(slot->counters, name);
    GHashTableIter iter;
    gpointer metric, count;
    size_t i = 0;
    *n = counts ? g_hash_table_size(counts) : 0;
    lc_stored_count *result = lc_arena_new(&store->arena, lc_stored_count, *n + 1);
    if (counts) {
        g_hash_table_iter_init(&iter, counts);
        while (g_hash_table_iter_next(&iter, &metric, &count))
            result[i++] = (lc_stored_count){lc_arena_text(&store->arena, lc_text_of(metric)), *(int64_t *)count};
    }
    return result;
}

static void
read_counters(memory_store *store, const lc_memory_slot *slot, lc_store_read *read)
{
    read->counts = lc_arena_new(&store->arena, lc_stored_count *, read->n_populations + 1);
    read->n_counts = lc_arena_new(&store->arena, size_t, read->n_populations + 1);
    for (size_t i = 0; i < read->n_populations; i++)
        read->counts[i] = read_counts(store, slot, read->populations[i], &read->n_counts[i]);
}

static void
read_population_names(memory_store *store, const lc_memory_slot *slot, lc_store_read *read)
{
    GHashTableIter iter;
    gpointer name;
    read->population_names = lc_arena_new(&store->arena, lc_text, g_hash_table_size(slot->counters) + 1);
    read->n_population_names = 0;
    g_hash_table_iter_init(&iter, slot->counters);
    while (g_hash_table_iter_next(&iter, &name, NULL))
        read->population_names[read->n_population_names++] = lc_arena_text(&store->arena, lc_text_of(name));
}

static GBytes *
position_told(memory_store *store, const lc_store_read *read, const lc_memory_slot *slot)
{
    GBytes **known = &store->known[read->partition];
    bool is_look = read->n_leads == 0 && read->n_populations == 0 && read->due_before == LC_ABSENT;
    if ((store->redis->weakened & LC_MEMORY_WEAKEN_READ_GUARD) && !is_look && *known)
        return *known;
    g_clear_pointer(known, g_bytes_unref);
    *known = slot->applied ? g_bytes_ref(slot->applied) : NULL;
    return *known;
}

static void
find_wakeups(memory_store *store, const lc_memory_slot *slot, lc_store_read *read)
{
    read->has_wakeup = lc_arena_new(&store->arena, bool, read->n_leads + 1);
    for (size_t i = 0; i < read->n_leads; i++)
        read->has_wakeup[i] = lc_memory_slot_has_wakeup(slot, read->lead_ids[i], read->wake_ats[i]);
}

static size_t
count_wakeups(const lc_memory_slot *slot)
{
    g_autoptr(GArray) all = all_wakeups(slot);
    return all->len;
}

static size_t
bytes_read(const memory_store *store, const lc_store_read *end)
{
    size_t n = 0;
    for (const lc_store_read *read = store->reads; read < end; read++)
        for (size_t i = 0; !read->is_left_out && i < read->n_leads; i++)
            n += read->leads[i].size;
    return n;
}

static void
read_one(memory_store *store, lc_store_read *read)
{
    read->is_left_out = read->most_bytes && bytes_read(store, read) > read->most_bytes;
    if (read->is_left_out)
        return;
    const lc_memory_slot *slot = slot_of(store, read->partition);
    read->applied = bytes_text(&store->arena, position_told(store, read, slot));
    if (read->count_wakeups)
        read->n_wakeups = count_wakeups(slot);
    read->due = NULL;
    read->n_due = 0;
    read->is_untidy = false;
    read->next_wakeup = LC_NEVER;
    if (read->due_before != LC_ABSENT)
        read_wakeups(store, slot, read);
    read_leads(store, slot, read);
    if (read->wake_ats)
        find_wakeups(store, slot, read);
    read_counters(store, slot, read);
    if (read->all_populations)
        read_population_names(store, slot, read);
}

static bool
read_begin(lc_store *base, lc_store_read *reads, size_t n, GError **error)
{
    memory_store *store = (memory_store *)base;
    (void)error;
    lc_arena_clear(&store->arena);
    store->reads = reads;
    store->n_reads = n;
    return true;
}

static bool
read_end(lc_store *base, GError **error)
{
    memory_store *store = (memory_store *)base;
    for (size_t i = 0; i < store->n_reads; i++) {
        if (!arrive(store, "store read", error) || !is_taken(store, store->reads[i].partition, error))
            return false;
        read_one(store, &store->reads[i]);
    }
    return answer(store, "store read answered", error);
}

/* ---- Writing ---- */

static GBytes *
text_bytes(lc_text text)
{
    return text.data ? g_bytes_new(text.data, text.size) : NULL;
}

static bool
equals(GBytes *bytes, lc_text text)
{
    gsize size = 0;
    const char *data = bytes ? g_bytes_get_data(bytes, &size) : NULL;
    return lc_text_equal((lc_text){bytes && data == NULL ? "" : data, size}, text);
}

static void
write_lead(lc_memory_slot *slot, const lc_lead_change *change, lc_instant now)
{
    GBytes *key = text_bytes(change->lead_id);
    if (change->state.data)
        g_hash_table_replace(slot->leads, g_bytes_ref(key), text_bytes(change->state));
    else
        g_hash_table_remove(slot->leads, key);
    if (change->wake_changed && change->wake_at != LC_NEVER)
        lc_memory_slot_add_wakeup(slot, key,
                                  (lc_memory_wakeup){change->wake_at, now > 0 && change->wake_at >= now + FAR});
    g_bytes_unref(key);
}

static void
write_counters(lc_memory_slot *slot, const lc_counters_change *change)
{
    g_autofree char *name = g_strndup(change->population.data, change->population.size);
    if (change->n_counts == 0) {
        g_hash_table_remove(slot->counters, name);
        return;
    }
    GHashTable *counts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    for (size_t i = 0; i < change->n_counts; i++)
        g_hash_table_replace(counts, g_strndup(change->counts[i].metric.data, change->counts[i].metric.size),
                             g_memdup2(&change->counts[i].count, sizeof(int64_t)));
    g_hash_table_replace(slot->counters, g_steal_pointer(&name), counts);
}

static void
unlink_key(lc_memory_slot *slot, lc_text key)
{
    g_autofree char *name = g_strndup(key.data, key.size);
    if (g_str_has_prefix(name, "lead:")) {
        g_autoptr(GBytes) lead_id = g_bytes_new(key.data + 5, key.size - 5);
        g_hash_table_remove(slot->leads, lead_id);
    } else if (g_str_has_prefix(name, "counters:")) {
        g_hash_table_remove(slot->counters, name + 9);
    } else if (strcmp(name, "wakeups") == 0) {
        g_hash_table_remove_all(slot->wakeups);
    }
}

/* What was due, and what was far and came near. */
static void
take_due(memory_store *store, lc_memory_slot *slot, const lc_store_write *write)
{
    GHashTableIter iter;
    gpointer value;
    if (!write->takes_due)
        return;
    for (guint i = 0; i < write->n_taken; i++) {
        const memory_wakeup *one = wakeup_at(store->due[write->partition], i);
        lc_memory_slot_remove_wakeup(slot, one->lead_id, one->wakeup.at);
    }
    g_hash_table_iter_init(&iter, slot->wakeups);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        for (guint i = 0; i < ((GArray *)value)->len; i++) {
            lc_memory_wakeup *one = &g_array_index((GArray *)value, lc_memory_wakeup, i);
            one->is_far = one->is_far && one->at >= store->near_from[write->partition];
        }
}

static void
execute(memory_store *store, lc_memory_slot *slot, const lc_store_write *write)
{
    for (size_t i = 0; i < write->n_unlink_keys; i++)
        unlink_key(slot, write->unlink_keys[i]);
    take_due(store, slot, write);
    for (size_t i = 0; i < write->n_leads; i++)
        write_lead(slot, &write->leads[i], write->now);
    for (size_t i = 0; i < write->n_counters; i++)
        write_counters(slot, &write->counters[i]);
    lc_memory_slot_set_applied(store->redis, slot, text_bytes(write->next));
}

/* One of the commands fails; those after it are done all the same, the position's the last of them. */
static void
execute_in_part(memory_store *store, lc_memory_slot *slot, const lc_store_write *write)
{
    take_due(store, slot, write);
    for (size_t i = 0; i < write->n_leads / 2; i++)
        write_lead(slot, &write->leads[i], write->now);
    lc_memory_slot_set_applied(store->redis, slot, text_bytes(write->next));
}

/* What has more than one command besides that of the position. */
static bool
may_be_torn(const lc_store_write *write)
{
    return write->n_leads + write->n_counters + write->n_unlink_keys > 0 || write->takes_due;
}

static bool
is_recovery(const lc_store_write *write)
{
    return (write->next.size > 4 && memcmp(write->next.data, "rec:", 4) == 0) ||
           (write->expected.size > 4 && memcmp(write->expected.data, "rec:", 4) == 0);
}

static bool
is_unguarded(const memory_store *store, const lc_store_write *write)
{
    unsigned bit = is_recovery(write) ? LC_MEMORY_WEAKEN_RECOVERY_GUARD : LC_MEMORY_WEAKEN_APPLY_GUARD;
    return store->redis->weakened & bit;
}

/* What a WATCH saw. */
typedef struct {
    uint64_t version, connection, promotions;
} watched_slot;

/* False: the EXEC can't be sent by the connection of its WATCH. */
static bool
arrive_to_execute(memory_store *store, lc_store_write *write, watched_slot watched, GError **error)
{
    bool arrives = arrive(store, "store exec", error);
    store->redis->seen.between += store->redis->promotions != watched.promotions;
    if (!arrives) {
        if (!(store->redis->weakened & LC_MEMORY_WEAKEN_ONE_CONNECTION) || store->redis->down)
            return false;
        g_clear_error(error);
        store->connection = store->redis->connections;
    }
    if (lc_memory_is_asleep(store->redis, store->connection)) {
        lc_memory_snapshot *after = lc_memory_copy_at(store->redis, store->connection);
        execute(store, &after->slots[write->partition], write);
        lc_memory_keep_late(store->redis, store->connection, write->partition, watched.version, after);
    }
    return is_taken(store, write->partition, error);
}

static bool
write_one(memory_store *store, lc_store_write *write, GError **error)
{
    write->written = false;
    if (!arrive(store, "store watch", error) || !is_taken(store, write->partition, error))
        return false;
    lc_memory_slot *slot = slot_of(store, write->partition);
    const watched_slot watched = {slot->version, store->connection, store->redis->promotions};
    if (!equals(slot->applied, write->expected) && !is_unguarded(store, write))
        return true;
    if (!arrive_to_execute(store, write, watched, error))
        return false;
    slot = slot_of(store, write->partition);
    if (slot->version != watched.version && store->connection == watched.connection && !is_unguarded(store, write))
        return true;
    bool is_torn = may_be_torn(write) && has_fault(store, LC_MEMORY_FAULT_STORE_TORN);
    if (is_torn || (may_be_torn(write) && has_fault(store, LC_MEMORY_FAULT_STORE_EXEC))) {
        execute_in_part(store, slot, write);
        if (!is_torn)
            lc_memory_slot_set_applied(store->redis, slot, NULL);
        return lose(store, "redis: a command failed within a MULTI", error);
    }
    execute(store, slot, write);
    lc_memory_tell_applied(store->redis, store->connection, write->partition);
    write->written = true;
    return true;
}

static bool
write_begin(lc_store *base, lc_store_write *writes, size_t n, GError **error)
{
    memory_store *store = (memory_store *)base;
    (void)error;
    store->writes = writes;
    store->n_writes = n;
    return true;
}

static void
note_written(memory_store *store, const lc_store_write *write)
{
    GBytes **known = &store->known[write->partition];
    g_clear_pointer(known, g_bytes_unref);
    *known = text_bytes(write->next);
}

static bool
write_end(lc_store *base, GError **error)
{
    memory_store *store = (memory_store *)base;
    for (size_t i = 0; i < store->n_writes; i++) {
        if (!write_one(store, &store->writes[i], error))
            return false;
        if (store->writes[i].written)
            note_written(store, &store->writes[i]);
    }
    return answer(store, "store exec answered", error);
}

/* ---- Scanning ---- */

static lc_text
key_of(lc_arena *arena, const char *prefix, const char *name, size_t size)
{
    size_t length = strlen(prefix);
    char *key = lc_arena_alloc(arena, length + size + 1);
    memcpy(key, prefix, length);
    if (size)
        memcpy(key + length, name, size);
    key[length + size] = '\0';
    return (lc_text){key, length + size};
}

/* NULL: it can't be looked at. */
static const lc_memory_slot *
begin_scan(memory_store *store, int32_t partition, uint64_t *cursor, GError **error)
{
    if (!arrive(store, "store scan", error) || !is_taken(store, partition, error))
        return NULL;
    lc_arena_clear(&store->arena);
    *cursor = 0;
    return slot_of(store, partition);
}

static bool
scan(lc_store *base, int32_t partition, uint64_t *cursor, lc_text **keys, size_t *n, GError **error)
{
    memory_store *store = (memory_store *)base;
    const lc_memory_slot *slot = begin_scan(store, partition, cursor, error);
    GHashTableIter iter;
    gpointer key;
    if (slot == NULL)
        return false;
    *keys =
        lc_arena_new(&store->arena, lc_text, g_hash_table_size(slot->leads) + g_hash_table_size(slot->counters) + 1);
    *n = 0;
    g_hash_table_iter_init(&iter, slot->leads);
    while (g_hash_table_iter_next(&iter, &key, NULL))
        (*keys)[(*n)++] = key_of(&store->arena, "lead:", g_bytes_get_data(key, NULL), g_bytes_get_size(key));
    g_hash_table_iter_init(&iter, slot->counters);
    while (g_hash_table_iter_next(&iter, &key, NULL))
        (*keys)[(*n)++] = key_of(&store->arena, "counters:", key, strlen(key));
    if (g_hash_table_size(slot->wakeups))
        (*keys)[(*n)++] = key_of(&store->arena, "wakeups", "", 0);
    return true;
}

static bool
scan_leads(lc_store *base, int32_t partition, uint64_t *cursor, lc_text **ids, size_t *n, GError **error)
{
    memory_store *store = (memory_store *)base;
    const lc_memory_slot *slot = begin_scan(store, partition, cursor, error);
    GHashTableIter iter;
    gpointer key;
    if (slot == NULL)
        return false;
    *ids = lc_arena_new(&store->arena, lc_text, g_hash_table_size(slot->leads) + 1);
    *n = 0;
    g_hash_table_iter_init(&iter, slot->leads);
    while (g_hash_table_iter_next(&iter, &key, NULL))
        (*ids)[(*n)++] = bytes_text(&store->arena, key);
    return true;
}

/* ---- The port ---- */

static void
store_free(lc_store *base)
{
    memory_store *store = (memory_store *)base;
    for (int32_t i = 0; i < store->redis->data.n_partitions; i++) {
        g_clear_pointer(&store->known[i], g_bytes_unref);
        g_array_unref(store->due[i]);
    }
    g_free(store->due);
    g_free(store->near_from);
    g_free(store->known);
    lc_arena_clear(&store->arena);
    g_free(store);
}

static const lc_store_ops ops = {
    .open = open_store,
    .read_begin = read_begin,
    .read_end = read_end,
    .write_begin = write_begin,
    .write_end = write_end,
    .scan = scan,
    .scan_leads = scan_leads,
    .free = store_free,
};

lc_store *
lc_memory_store_new(lc_memory_redis *redis)
{
    memory_store *store = g_new0(memory_store, 1);
    store->store.ops = &ops;
    store->redis = redis;
    store->world = redis->world;
    store->known = g_new0(GBytes *, redis->data.n_partitions);
    store->due = g_new0(GArray *, redis->data.n_partitions);
    store->near_from = g_new0(lc_instant, redis->data.n_partitions);
    for (int32_t i = 0; i < redis->data.n_partitions; i++) {
        store->due[i] = g_array_new(FALSE, FALSE, sizeof(memory_wakeup));
        g_array_set_clear_func(store->due[i], clear_wakeup);
    }
    return &store->store;
}
