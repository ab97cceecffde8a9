/* broker.c - topics, transactions and markers of the broker in memory. */
#include "broker.h"

/* ---- The world ---- */

lc_instant
lc_memory_now(lc_memory_world *world)
{
    return world->now(world);
}

void
lc_memory_wait(lc_memory_world *world, int ms)
{
    if (ms > 0)
        world->wait(world, ms);
}

void
lc_memory_step(lc_memory_world *world, const char *call)
{
    if (world->step)
        world->step(world, call);
}

bool
lc_memory_has_fault(lc_memory_world *world, lc_memory_fault fault)
{
    return world->fault && world->fault(world, fault);
}

lc_duration
lc_memory_delay_of(lc_memory_world *world, lc_memory_delay delay)
{
    return world->delay ? world->delay(world, delay) : 0;
}

uint32_t
lc_memory_pick(lc_memory_world *world, uint32_t n)
{
    return world->pick ? world->pick(world, n) : 0;
}

void
lc_memory_trace(lc_memory_world *world, const char *format, ...)
{
    if (world->trace == NULL)
        return;
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *line = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    world->trace(world, line);
}

static lc_instant
manual_now(lc_memory_world *world)
{
    return ((lc_memory_manual *)world)->now;
}

static void
manual_wait(lc_memory_world *world, int ms)
{
    ((lc_memory_manual *)world)->now += ms;
}

void
lc_memory_manual_init(lc_memory_manual *manual, lc_instant now)
{
    *manual = (lc_memory_manual){.world = {.now = manual_now, .wait = manual_wait}, .now = now};
}

/* ---- Records ---- */

static char *
put_text(char *memory, lc_text *text)
{
    if (text->data == NULL)
        return memory;
    if (text->size)
        memcpy(memory, text->data, text->size);
    text->data = memory;
    return memory + text->size + 1;
}

lc_memory_record *
lc_memory_record_copy(const lc_memory_record *record)
{
    size_t size =
        sizeof(lc_memory_record) + record->n_headers * sizeof(lc_header) + record->key.size + record->value.size + 2;
    for (size_t i = 0; i < record->n_headers; i++)
        size += record->headers[i].name.size + record->headers[i].value.size + 2;

    lc_memory_record *copy = g_malloc0(size);
    lc_header *headers = (lc_header *)(copy + 1);
    char *memory = (char *)(headers + record->n_headers);
    *copy = *record;
    copy->headers = headers;
    memory = put_text(memory, &copy->key);
    memory = put_text(memory, &copy->value);
    for (size_t i = 0; i < record->n_headers; i++) {
        headers[i] = record->headers[i];
        memory = put_text(memory, &headers[i].name);
        memory = put_text(memory, &headers[i].value);
    }
    return copy;
}

/* ---- Partitions ---- */

lc_memory_partition *
lc_memory_partition_at(lc_memory_broker *broker, int topic, int32_t partition)
{
    int index = topic >= 0 ? topic : broker->n_inputs + (-1 - topic);
    g_assert(index < broker->n_inputs + LC_OUTPUTS && partition >= 0 && partition < broker->n_partitions);
    return &broker->partitions[index * broker->n_partitions + partition];
}

int64_t
lc_memory_partition_stable_end(const lc_memory_partition *partition)
{
    int64_t end = partition->end;
    for (guint i = 0; i < partition->open->len; i++)
        end = MIN(end, g_array_index(partition->open, lc_memory_open, i).first_offset);
    return end;
}

size_t
lc_memory_partition_find(const lc_memory_partition *partition, int64_t offset)
{
    size_t first = 0, last = partition->records->len;
    while (first < last) {
        size_t middle = (first + last) / 2;
        const lc_memory_record *record = g_ptr_array_index(partition->records, middle);
        if (record->offset < offset)
            first = middle + 1;
        else
            last = middle;
    }
    return first;
}

lc_memory_record *
lc_memory_partition_append(lc_memory_broker *broker, lc_memory_partition *partition, const lc_memory_record *record)
{
    lc_memory_record *copy = lc_memory_record_copy(record);
    copy->offset = partition->end++;
    copy->is_append_time = record->timestamp == LC_ABSENT;
    if (copy->is_append_time)
        copy->timestamp = lc_memory_now(broker->world);
    g_ptr_array_add(partition->records, copy);
    return copy;
}

/* ---- The broker ---- */

static void
partition_init(lc_memory_partition *partition)
{
    partition->records = g_ptr_array_new_with_free_func(g_free);
    partition->open = g_array_new(FALSE, FALSE, sizeof(lc_memory_open));
}

static void
partition_clear(lc_memory_partition *partition)
{
    g_ptr_array_unref(partition->records);
    g_array_unref(partition->open);
}

static void
offset_clear(lc_memory_offset *offset)
{
    g_free(offset->metadata);
}

static void
coordinator_free(lc_memory_coordinator *coordinator)
{
    g_free(coordinator->id);
    g_ptr_array_unref(coordinator->partitions);
    g_array_unref(coordinator->offsets);
    g_array_unref(coordinator->markers);
    g_free(coordinator);
}

lc_memory_coordinator *
lc_memory_coordinator_of(lc_memory_broker *broker, const char *transactional_id)
{
    for (guint i = 0; i < broker->coordinators->len; i++) {
        lc_memory_coordinator *known = g_ptr_array_index(broker->coordinators, i);
        if (strcmp(known->id, transactional_id) == 0)
            return known;
    }
    lc_memory_coordinator *coordinator = g_new0(lc_memory_coordinator, 1);
    coordinator->id = g_strdup(transactional_id);
    coordinator->partitions = g_ptr_array_new();
    coordinator->offsets = g_array_new(FALSE, FALSE, sizeof(lc_memory_offset));
    g_array_set_clear_func(coordinator->offsets, (GDestroyNotify)offset_clear);
    coordinator->markers = g_array_new(FALSE, FALSE, sizeof(lc_memory_pending_marker));
    g_ptr_array_add(broker->coordinators, coordinator);
    return coordinator;
}

static void
member_free(lc_memory_member *member)
{
    g_free(member->instance);
    g_free(member->transactional_id);
    g_array_unref(member->assignment);
    g_free(member);
}

lc_memory_broker *
lc_memory_broker_new(lc_memory_world *world, int n_inputs, int32_t partitions)
{
    lc_memory_broker *broker = g_new0(lc_memory_broker, 1);
    broker->world = world;
    broker->n_inputs = n_inputs;
    broker->n_partitions = partitions;
    broker->partitions = g_new0(lc_memory_partition, (gsize)(n_inputs + LC_OUTPUTS) * (gsize)partitions);
    for (int i = 0; i < (n_inputs + LC_OUTPUTS) * partitions; i++)
        partition_init(&broker->partitions[i]);
    broker->committed = g_new0(lc_memory_offset, (gsize)n_inputs * (gsize)partitions);
    for (int i = 0; i < n_inputs * partitions; i++)
        broker->committed[i].offset = -1;
    broker->coordinators = g_ptr_array_new_with_free_func((GDestroyNotify)coordinator_free);
    broker->late_requests = g_array_new(FALSE, FALSE, sizeof(lc_memory_late_request));
    g_array_set_clear_func(broker->late_requests, (GDestroyNotify)lc_memory_late_request_clear);
    broker->late_ends = g_array_new(FALSE, FALSE, sizeof(lc_memory_late_end));
    broker->group.members = g_ptr_array_new_with_free_func((GDestroyNotify)member_free);
    broker->limits = (lc_memory_limits){
        .transaction_timeout = 60 * LC_SECOND, .session_timeout = 15 * LC_SECOND, .rebalance_timeout = 300 * LC_SECOND};
    for (int i = 0; i < LC_OUTPUTS; i++)
        broker->limits.max_record_bytes[i] = (size_t)2 * 1024 * 1024;
    return broker;
}

void
lc_memory_broker_free(lc_memory_broker *broker)
{
    if (broker == NULL)
        return;
    for (int i = 0; i < (broker->n_inputs + LC_OUTPUTS) * broker->n_partitions; i++)
        partition_clear(&broker->partitions[i]);
    for (int i = 0; i < broker->n_inputs * broker->n_partitions; i++)
        offset_clear(&broker->committed[i]);
    g_free(broker->partitions);
    g_free(broker->committed);
    g_array_unref(broker->late_requests);
    g_ptr_array_unref(broker->coordinators);
    g_array_unref(broker->late_ends);
    g_ptr_array_unref(broker->group.members);
    g_free(broker);
}

lc_memory_limits *
lc_memory_broker_limits(lc_memory_broker *broker)
{
    return &broker->limits;
}

void
lc_memory_broker_weaken(lc_memory_broker *broker, unsigned mask)
{
    broker->weakened = mask;
}

void
lc_memory_broker_tick(lc_memory_broker *broker)
{
    lc_memory_transactions_tick(broker);
    lc_memory_group_tick(broker);
}

bool
lc_memory_broker_is_settled(lc_memory_broker *broker)
{
    lc_memory_broker_tick(broker);
    if (broker->late_ends->len || broker->late_requests->len || broker->group.rebalancing)
        return false;
    for (guint i = 0; i < broker->coordinators->len; i++)
        if (((lc_memory_coordinator *)g_ptr_array_index(broker->coordinators, i))->state != LC_MEMORY_TXN_EMPTY)
            return false;
    return true;
}

/* ---- What tests do to it, and see of it ---- */

int64_t
lc_memory_append(lc_memory_broker *broker, int topic, int32_t partition, lc_text key, lc_text value,
                 lc_instant timestamp)
{
    lc_memory_record record = {.timestamp = timestamp, .status = LC_MEMORY_COMMITTED, .key = key, .value = value};
    return lc_memory_partition_append(broker, lc_memory_partition_at(broker, topic, partition), &record)->offset;
}

int64_t
lc_memory_append_with_headers(lc_memory_broker *broker, int topic, int32_t partition, lc_text key, lc_text value,
                              const lc_header *headers, size_t n_headers)
{
    lc_memory_record record = {.timestamp = LC_ABSENT,
                               .status = LC_MEMORY_COMMITTED,
                               .key = key,
                               .value = value,
                               .headers = headers,
                               .n_headers = n_headers};
    return lc_memory_partition_append(broker, lc_memory_partition_at(broker, topic, partition), &record)->offset;
}

int64_t
lc_memory_append_open(lc_memory_broker *broker, const char *transactional_id, int topic, int32_t partition, lc_text key,
                      lc_text value)
{
    lc_memory_coordinator *coordinator = lc_memory_coordinator_of(broker, transactional_id);
    lc_memory_record record = {.timestamp = LC_ABSENT, .key = key, .value = value};
    lc_memory_answer answer = lc_memory_txn_append(broker, coordinator, coordinator->epoch,
                                                   lc_memory_partition_at(broker, topic, partition), &record);
    return answer == LC_MEMORY_DONE ? record.offset : -1;
}

void
lc_memory_send_open(lc_memory_broker *broker, const char *transactional_id, int topic, int32_t partition,
                    int64_t offset)
{
    lc_memory_coordinator *coordinator = lc_memory_coordinator_of(broker, transactional_id);
    lc_memory_txn_offset(broker, coordinator, coordinator->epoch, topic, partition, offset, "");
}

void
lc_memory_end_open(lc_memory_broker *broker, const char *transactional_id, bool commit)
{
    lc_memory_coordinator *coordinator = lc_memory_coordinator_of(broker, transactional_id);
    lc_memory_txn_end(broker, coordinator, coordinator->epoch, commit);
}

const lc_memory_record *const *
lc_memory_records(lc_memory_broker *broker, int topic, int32_t partition, size_t *n)
{
    GPtrArray *records = lc_memory_partition_at(broker, topic, partition)->records;
    *n = records->len;
    return (const lc_memory_record *const *)records->pdata;
}

int64_t
lc_memory_end(lc_memory_broker *broker, int topic, int32_t partition)
{
    return lc_memory_partition_at(broker, topic, partition)->end;
}

int64_t
lc_memory_stable_end(lc_memory_broker *broker, int topic, int32_t partition)
{
    return lc_memory_partition_stable_end(lc_memory_partition_at(broker, topic, partition));
}

int64_t
lc_memory_committed(lc_memory_broker *broker, int topic, int32_t partition, const char **metadata)
{
    const lc_memory_offset *committed = &broker->committed[topic * broker->n_partitions + partition];
    if (metadata)
        *metadata = committed->metadata;
    return committed->offset;
}

bool
lc_memory_is_held(lc_memory_broker *broker, int32_t partition)
{
    static const int changelogs[] = {LC_MEMORY_OUTPUT(LC_OUTPUT_STATE), LC_MEMORY_OUTPUT(LC_OUTPUT_COUNTERS)};

    for (size_t i = 0; i < G_N_ELEMENTS(changelogs); i++)
        if (lc_memory_partition_at(broker, changelogs[i], partition)->open->len > 0)
            return true;
    return lc_memory_offsets_pending(broker, partition);
}

bool
lc_memory_is_open(lc_memory_broker *broker, const char *transactional_id)
{
    return lc_memory_coordinator_of(broker, transactional_id)->state != LC_MEMORY_TXN_EMPTY;
}

void
lc_memory_set_committed(lc_memory_broker *broker, int topic, int32_t partition, int64_t offset, const char *metadata)
{
    lc_memory_offset *committed = &broker->committed[topic * broker->n_partitions + partition];
    offset_clear(committed);
    *committed = (lc_memory_offset){topic, partition, offset, g_strdup(metadata)};
}

void
lc_memory_grow(lc_memory_broker *broker)
{
    broker->grown = true;
}

void
lc_memory_forget_group(lc_memory_broker *broker)
{
    for (int i = 0; i < broker->n_inputs * broker->n_partitions; i++) {
        offset_clear(&broker->committed[i]);
        broker->committed[i] = (lc_memory_offset){.offset = -1};
    }
}

static bool
is_superseded(const lc_memory_record *record, GHashTable *latest, int64_t tombstones_before)
{
    if (record->status != LC_MEMORY_COMMITTED)
        return true;
    g_autoptr(GBytes) key = g_bytes_new_static(record->key.data, record->key.size);
    if (g_hash_table_lookup(latest, key) != record)
        return true;
    return lc_text_is_absent(record->value) && record->offset < tombstones_before;
}

void
lc_memory_compact(lc_memory_broker *broker, int topic, int32_t partition, int64_t tombstones_before)
{
    lc_memory_partition *target = lc_memory_partition_at(broker, topic, partition);
    int64_t stable_end = lc_memory_partition_stable_end(target);
    g_autoptr(GHashTable) latest =
        g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL);
    g_autoptr(GPtrArray) left = g_ptr_array_new();
    for (guint i = 0; i < target->records->len; i++) {
        lc_memory_record *record = g_ptr_array_index(target->records, i);
        if (record->offset < stable_end && record->status == LC_MEMORY_COMMITTED)
            g_hash_table_replace(latest, g_bytes_new_static(record->key.data, record->key.size), record);
    }
    g_autoptr(GPtrArray) gone = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < target->records->len; i++) {
        lc_memory_record *record = g_ptr_array_index(target->records, i);
        bool drop = record->offset < stable_end && is_superseded(record, latest, tombstones_before);
        g_ptr_array_add(drop ? gone : left, record);
    }
    g_hash_table_remove_all(latest);
    g_ptr_array_set_free_func(target->records, NULL);
    g_ptr_array_unref(target->records);
    target->records = g_steal_pointer(&left);
    g_ptr_array_set_free_func(target->records, g_free);
}

void
lc_memory_truncate(lc_memory_broker *broker, int topic, int32_t partition, int64_t offset)
{
    lc_memory_partition *target = lc_memory_partition_at(broker, topic, partition);
    size_t index = lc_memory_partition_find(target, offset);
    if (index)
        g_ptr_array_remove_range(target->records, 0, (guint)index);
    target->low = MAX(target->low, MIN(offset, target->end));
}

void
lc_memory_lose_tail(lc_memory_broker *broker, int topic, int32_t partition, int64_t offset)
{
    lc_memory_partition *target = lc_memory_partition_at(broker, topic, partition);
    size_t index = lc_memory_partition_find(target, offset);
    if (index < target->records->len)
        g_ptr_array_remove_range(target->records, (guint)index, target->records->len - (guint)index);
    for (guint i = target->open->len; i-- > 0;)
        if (g_array_index(target->open, lc_memory_open, i).first_offset >= offset)
            g_array_remove_index(target->open, i);
    target->end = MIN(target->end, offset);
}
