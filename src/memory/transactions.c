#include "broker.h"

/* The transaction coordinator: what KIP-98 promises, with the markers of each partition written on their own. */

static void
decide_records(lc_memory_partition *partition, uint64_t transaction, lc_memory_status status)
{
    for (guint i = partition->records->len; i-- > 0;) {
        lc_memory_record *record = g_ptr_array_index(partition->records, i);
        if (record->transaction == transaction && record->status == LC_MEMORY_OPEN)
            record->status = status;
    }
    for (guint i = 0; i < partition->open->len; i++)
        if (g_array_index(partition->open, lc_memory_open, i).transaction == transaction) {
            g_array_remove_index(partition->open, i);
            return;
        }
}

static void
commit_offsets(lc_memory_broker *broker, lc_memory_coordinator *coordinator)
{
    for (guint i = 0; i < coordinator->offsets->len; i++) {
        const lc_memory_offset *pending = &g_array_index(coordinator->offsets, lc_memory_offset, i);
        lc_memory_offset *committed = &broker->committed[pending->topic * broker->n_partitions + pending->partition];
        g_free(committed->metadata);
        *committed = *pending;
        committed->metadata = g_strdup(pending->metadata);
    }
}

static void
write_marker(lc_memory_broker *broker, lc_memory_coordinator *coordinator, lc_memory_partition *partition)
{
    bool commit = coordinator->state == LC_MEMORY_TXN_COMMITTING;
    if (partition) {
        lc_memory_record marker = {
            .timestamp = LC_ABSENT, .status = LC_MEMORY_MARKER, .transaction = coordinator->transaction};
        decide_records(partition, coordinator->transaction, commit ? LC_MEMORY_COMMITTED : LC_MEMORY_ABORTED);
        lc_memory_partition_append(broker, partition, &marker);
        return;
    }
    if (commit)
        commit_offsets(broker, coordinator);
    g_array_set_size(coordinator->offsets, 0);
}

static void
write_due_markers(lc_memory_broker *broker, lc_memory_coordinator *coordinator)
{
    lc_instant now = lc_memory_now(broker->world);
    for (guint i = 0; i < coordinator->markers->len;) {
        lc_memory_pending_marker marker = g_array_index(coordinator->markers, lc_memory_pending_marker, i);
        if (marker.due > now) {
            i++;
            continue;
        }
        write_marker(broker, coordinator, marker.partition);
        g_array_remove_index(coordinator->markers, i);
    }
    if (coordinator->markers->len == 0 && coordinator->state >= LC_MEMORY_TXN_COMMITTING)
        coordinator->state = LC_MEMORY_TXN_EMPTY;
}

static void
add_marker(lc_memory_broker *broker, lc_memory_coordinator *coordinator, lc_memory_partition *partition)
{
    lc_memory_pending_marker marker = {partition, lc_memory_now(broker->world) +
                                                      lc_memory_delay_of(broker->world, LC_MEMORY_DELAY_MARKER)};
    g_array_append_val(coordinator->markers, marker);
}

static void
decide(lc_memory_broker *broker, lc_memory_coordinator *coordinator, bool commit)
{
    lc_memory_trace(broker->world, "broker: %s %s transaction %" G_GUINT64_FORMAT, coordinator->id,
                    commit ? "commits" : "aborts", coordinator->transaction);
    coordinator->state = commit ? LC_MEMORY_TXN_COMMITTING : LC_MEMORY_TXN_ABORTING;
    for (guint i = 0; i < coordinator->partitions->len; i++)
        add_marker(broker, coordinator, g_ptr_array_index(coordinator->partitions, i));
    if (coordinator->offsets->len)
        add_marker(broker, coordinator, NULL);
    g_ptr_array_set_size(coordinator->partitions, 0);
    write_due_markers(broker, coordinator);
}

lc_memory_answer
lc_memory_init_producer(lc_memory_broker *broker, lc_memory_coordinator *coordinator, int64_t *epoch)
{
    if (coordinator->state == LC_MEMORY_TXN_ONGOING) {
        coordinator->epoch++;
        decide(broker, coordinator, false);
    }
    if (coordinator->state != LC_MEMORY_TXN_EMPTY)
        return LC_MEMORY_CONCURRENT;
    *epoch = ++coordinator->epoch;
    return LC_MEMORY_DONE;
}

/* Takes part in the transaction that is open, or opens one. */
static lc_memory_answer
enter(lc_memory_broker *broker, lc_memory_coordinator *coordinator, int64_t epoch)
{
    if (epoch != coordinator->epoch)
        return LC_MEMORY_FENCED;
    if (coordinator->state == LC_MEMORY_TXN_ONGOING)
        return LC_MEMORY_DONE;
    if (coordinator->state != LC_MEMORY_TXN_EMPTY)
        return LC_MEMORY_CONCURRENT;
    coordinator->state = LC_MEMORY_TXN_ONGOING;
    coordinator->transaction = ++broker->last_transaction;
    coordinator->started_at = lc_memory_now(broker->world);
    return LC_MEMORY_DONE;
}

lc_memory_answer
lc_memory_txn_append(lc_memory_broker *broker, lc_memory_coordinator *coordinator, int64_t epoch,
                     lc_memory_partition *partition, lc_memory_record *record)
{
    lc_memory_answer answer = enter(broker, coordinator, epoch);
    if (answer != LC_MEMORY_DONE)
        return answer;
    record->status = LC_MEMORY_OPEN;
    record->transaction = coordinator->transaction;
    record->offset = lc_memory_partition_append(broker, partition, record)->offset;
    if (!g_ptr_array_find(coordinator->partitions, partition, NULL)) {
        lc_memory_open open = {coordinator->transaction, record->offset};
        g_array_append_val(partition->open, open);
        g_ptr_array_add(coordinator->partitions, partition);
    }
    return LC_MEMORY_DONE;
}

lc_memory_answer
lc_memory_txn_offset(lc_memory_broker *broker, lc_memory_coordinator *coordinator, int64_t epoch, int topic,
                     int32_t partition, int64_t offset, const char *metadata)
{
    lc_memory_answer answer = enter(broker, coordinator, epoch);
    if (answer != LC_MEMORY_DONE)
        return answer;
    lc_memory_offset pending = {topic, partition, offset, g_strdup(metadata)};
    g_array_append_val(coordinator->offsets, pending);
    return LC_MEMORY_DONE;
}

lc_memory_answer
lc_memory_txn_end(lc_memory_broker *broker, lc_memory_coordinator *coordinator, int64_t epoch, bool commit)
{
    if (epoch != coordinator->epoch)
        return LC_MEMORY_FENCED;
    if (coordinator->state != LC_MEMORY_TXN_ONGOING)
        return LC_MEMORY_INVALID;
    decide(broker, coordinator, commit);
    return LC_MEMORY_DONE;
}

void
lc_memory_txn_end_later(lc_memory_broker *broker, lc_memory_coordinator *coordinator, int64_t epoch, bool commit)
{
    lc_memory_late_end end = {coordinator, epoch, commit,
                              lc_memory_now(broker->world) + lc_memory_delay_of(broker->world, LC_MEMORY_DELAY_END)};
    g_array_append_val(broker->late_ends, end);
}

static void
deliver_late_ends(lc_memory_broker *broker)
{
    lc_instant now = lc_memory_now(broker->world);
    for (guint i = 0; i < broker->late_ends->len;) {
        lc_memory_late_end end = g_array_index(broker->late_ends, lc_memory_late_end, i);
        if (end.due > now) {
            i++;
            continue;
        }
        g_array_remove_index(broker->late_ends, i);
        lc_memory_answer answer = lc_memory_txn_end(broker, end.coordinator, end.epoch, end.commit);
        lc_memory_trace(broker->world, "broker: a late EndTxn of %s: %s", end.coordinator->id,
                        answer == LC_MEMORY_DONE ? "done" : "ignored");
    }
}

static void
expire(lc_memory_broker *broker, lc_memory_coordinator *coordinator)
{
    lc_instant expires_at = coordinator->started_at + broker->limits.transaction_timeout;
    if (coordinator->state != LC_MEMORY_TXN_ONGOING || expires_at > lc_memory_now(broker->world))
        return;
    lc_memory_trace(broker->world, "broker: the transaction of %s timed out", coordinator->id);
    coordinator->epoch++;
    decide(broker, coordinator, false);
}

void
lc_memory_transactions_tick(lc_memory_broker *broker)
{
    deliver_late_ends(broker);
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, broker->coordinators);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        expire(broker, value);
        write_due_markers(broker, value);
    }
}

bool
lc_memory_offsets_pending(lc_memory_broker *broker, int32_t partition)
{
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, broker->coordinators);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        GArray *offsets = ((lc_memory_coordinator *)value)->offsets;
        for (guint i = 0; i < offsets->len; i++)
            if (g_array_index(offsets, lc_memory_offset, i).partition == partition)
                return true;
    }
    return false;
}
