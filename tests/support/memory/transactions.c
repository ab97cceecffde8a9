/* transactions.c - the transaction coordinator: epochs, time-outs, late requests. */
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
    if (coordinator->state < LC_MEMORY_TXN_COMMITTING)
        return;
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
    if (coordinator->markers->len == 0)
        coordinator->state = LC_MEMORY_TXN_EMPTY;
}

static void
add_marker(lc_memory_broker *broker, lc_memory_coordinator *coordinator, lc_memory_partition *partition)
{
    lc_memory_pending_marker marker = {partition, lc_memory_now(broker->world) +
                                                      lc_memory_delay_of(broker->world, LC_MEMORY_DELAY_MARKER)};
    g_array_append_val(coordinator->markers, marker);
}

/* Where the records of a transaction lie, and the offsets that are committed with it. */
static void
place_records(lc_memory_broker *broker, const lc_memory_coordinator *coordinator, GArray *placed)
{
    for (guint i = 0; i < coordinator->partitions->len; i++) {
        const lc_memory_partition *partition = g_ptr_array_index(coordinator->partitions, i);
        int index = (int)(partition - broker->partitions), topic = index / broker->n_partitions;
        lc_memory_placed place = {.topic = topic < broker->n_inputs ? topic : -1 - (topic - broker->n_inputs),
                                  .partition = index % broker->n_partitions};
        for (guint k = 0; k < partition->records->len; k++) {
            place.record = g_ptr_array_index(partition->records, k);
            if (place.record->transaction == coordinator->transaction && place.record->status == LC_MEMORY_OPEN)
                g_array_append_val(placed, place);
        }
    }
}

static void
tell_decided(lc_memory_broker *broker, const lc_memory_coordinator *coordinator, bool commit)
{
    if (broker->world->decided == NULL)
        return;
    g_autoptr(GArray) placed = g_array_new(FALSE, FALSE, sizeof(lc_memory_placed));
    g_autoptr(GArray) offsets = g_array_new(FALSE, FALSE, sizeof(lc_memory_sent_offset));
    place_records(broker, coordinator, placed);
    for (guint i = 0; i < coordinator->offsets->len; i++) {
        const lc_memory_offset *pending = &g_array_index(coordinator->offsets, lc_memory_offset, i);
        lc_memory_sent_offset offset = {pending->topic, pending->partition, pending->offset, pending->metadata};
        g_array_append_val(offsets, offset);
    }
    const lc_memory_decided decided = {
        .transactional_id = coordinator->id,
        .commit = commit,
        .records = (const lc_memory_placed *)(void *)placed->data,
        .n_records = placed->len,
        .offsets = (const lc_memory_sent_offset *)(void *)offsets->data,
        .n_offsets = offsets->len,
    };
    broker->world->decided(broker->world, &decided);
}

static void
decide(lc_memory_broker *broker, lc_memory_coordinator *coordinator, bool commit)
{
    lc_memory_trace(broker->world, "broker: %s %s transaction %" G_GUINT64_FORMAT, coordinator->id,
                    commit ? "commits" : "aborts", coordinator->transaction);
    tell_decided(broker, coordinator, commit);
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

/* ---- Requests that their producer has given up ---- */

void
lc_memory_late_request_clear(lc_memory_late_request *request)
{
    g_free(request->record);
    g_free(request->offset.metadata);
}

static void
add_late_request(lc_memory_broker *broker, lc_memory_late_request request)
{
    request.due = lc_memory_now(broker->world) + lc_memory_delay_of(broker->world, LC_MEMORY_DELAY_END);
    request.transaction = request.coordinator->transaction;
    request.awaits_next = lc_memory_pick(broker->world, 2);
    g_array_append_val(broker->late_requests, request);
}

void
lc_memory_txn_append_later(lc_memory_broker *broker, lc_memory_coordinator *coordinator, int64_t epoch,
                           lc_memory_partition *partition, const lc_memory_record *record)
{
    add_late_request(broker, (lc_memory_late_request){.coordinator = coordinator,
                                                      .epoch = epoch,
                                                      .partition = partition,
                                                      .record = lc_memory_record_copy(record)});
}

void
lc_memory_txn_offset_later(lc_memory_broker *broker, lc_memory_coordinator *coordinator, int64_t epoch, int topic,
                           int32_t partition, int64_t offset, const char *metadata)
{
    add_late_request(broker, (lc_memory_late_request){.coordinator = coordinator,
                                                      .epoch = epoch,
                                                      .offset = {topic, partition, offset, g_strdup(metadata)}});
}

/* KIP-890: who leads the partition asks the coordinator whether the transaction of this epoch goes on, and whether the
 * partition is part of it (a request that is late adds none to it). */
static bool
is_verified(const lc_memory_late_request *request)
{
    const lc_memory_coordinator *coordinator = request->coordinator;
    if (coordinator->state != LC_MEMORY_TXN_ONGOING || request->epoch != coordinator->epoch)
        return false;
    return request->partition ? g_ptr_array_find(coordinator->partitions, request->partition, NULL)
                              : coordinator->offsets->len > 0;
}

static void
take_late_request(lc_memory_broker *broker, lc_memory_late_request *request)
{
    lc_memory_coordinator *coordinator = request->coordinator;
    bool is_taken = is_verified(request) || ((broker->weakened & LC_MEMORY_WEAKEN_LATE_REQUESTS) &&
                                             coordinator->state == LC_MEMORY_TXN_ONGOING);
    lc_memory_trace(broker->world, "broker: a late %s of %s: %s", request->partition ? "record" : "offset",
                    coordinator->id, is_taken ? "taken" : "refused");
    if (!is_taken)
        return;
    if (request->partition)
        lc_memory_txn_append(broker, coordinator, coordinator->epoch, request->partition, request->record);
    else
        lc_memory_txn_offset(broker, coordinator, coordinator->epoch, request->offset.topic, request->offset.partition,
                             request->offset.offset, request->offset.metadata);
}

static bool
arrives(const lc_memory_late_request *request, lc_instant now)
{
    const lc_memory_coordinator *coordinator = request->coordinator;
    return request->due <= now || (request->awaits_next && coordinator->state == LC_MEMORY_TXN_ONGOING &&
                                   coordinator->transaction != request->transaction);
}

static void
deliver_late_requests(lc_memory_broker *broker)
{
    lc_instant now = lc_memory_now(broker->world);
    for (guint i = 0; i < broker->late_requests->len;) {
        lc_memory_late_request *request = &g_array_index(broker->late_requests, lc_memory_late_request, i);
        if (!arrives(request, now)) {
            i++;
            continue;
        }
        take_late_request(broker, request);
        g_array_remove_index(broker->late_requests, i);
    }
}

static void
expire(lc_memory_broker *broker, lc_memory_coordinator *coordinator)
{
    lc_instant expires_at = coordinator->started_at + broker->limits.transaction_timeout;
    if (expires_at > lc_memory_now(broker->world))
        return;
    lc_memory_trace(broker->world, "broker: the transaction of %s timed out", coordinator->id);
    coordinator->epoch++;
    decide(broker, coordinator, false);
}

void
lc_memory_transactions_tick(lc_memory_broker *broker)
{
    if (broker->late_ends->len)
        deliver_late_ends(broker);
    if (broker->late_requests->len)
        deliver_late_requests(broker);
    for (guint i = 0; i < broker->coordinators->len; i++) {
        lc_memory_coordinator *coordinator = g_ptr_array_index(broker->coordinators, i);
        if (coordinator->state == LC_MEMORY_TXN_ONGOING)
            expire(broker, coordinator);
        write_due_markers(broker, coordinator);
    }
}

bool
lc_memory_offsets_pending(lc_memory_broker *broker, int32_t partition)
{
    for (guint k = 0; k < broker->coordinators->len; k++) {
        GArray *offsets = ((lc_memory_coordinator *)g_ptr_array_index(broker->coordinators, k))->offsets;
        for (guint i = 0; i < offsets->len; i++)
            if (g_array_index(offsets, lc_memory_offset, i).partition == partition)
                return true;
    }
    return false;
}
