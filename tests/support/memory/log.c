/* log.c - lc_log in memory: consuming and replaying. */
#include "broker.h"

/* The consumer half of lc_log, and the port itself. */

static bool
fail(lc_memory_log *log, GError **error, lc_error code, const char *what)
{
    lc_memory_trace(log->world, "%s", what);
    g_set_error(error, LC_ERROR, code, "%s", what);
    return false;
}

static void
step(lc_memory_log *log, const char *call)
{
    lc_memory_step(log->world, call);
    lc_memory_broker_tick(log->broker);
}

/* A request that a broker may leave unanswered. */
static bool
request(lc_memory_log *log, const char *call, GError **error)
{
    step(log, call);
    if (lc_memory_has_fault(log->world, LC_MEMORY_FAULT_DENIED))
        return fail(log, error, LC_ERROR_DENIED, "a right is refused");
    if (!lc_memory_has_fault(log->world, LC_MEMORY_FAULT_ENDS))
        return true;
    g_autofree char *what = g_strdup_printf("%s: timed out", call);
    return fail(log, error, LC_ERROR_RETRY, what);
}

static bool
check_topics(lc_log *base, int32_t *partitions, GError **error)
{
    lc_memory_log *log = (lc_memory_log *)base;
    if (!request(log, "check_topics", error))
        return false;
    if (log->broker->grown) {
        g_set_error(error, LC_ERROR, LC_ERROR_CONFIG, "the number of partitions differs: an input has grown");
        return false;
    }
    *partitions = log->broker->n_partitions;
    return true;
}

/* Twins are what the simulator is about. */
static bool
check_instance(lc_log *base, GError **error)
{
    (void)base, (void)error;
    return true;
}

static bool
subscribe(lc_log *base, GError **error)
{
    lc_memory_log *log = (lc_memory_log *)base;
    (void)error;
    step(log, "subscribe");
    g_assert(log->membership == LC_MEMORY_UNSUBSCRIBED);
    log->membership = LC_MEMORY_JOINING;
    lc_memory_group_join(log->broker, log);
    return true;
}

/* ---- The group ---- */

static void
take_assignment(lc_memory_log *log, const lc_memory_member *member)
{
    g_array_set_size(log->assignment, 0);
    g_array_set_size(log->cursors, 0);
    for (guint i = 0; i < member->assignment->len; i++) {
        int32_t partition = g_array_index(member->assignment, int32_t, i);
        g_array_append_val(log->assignment, partition);
        for (int topic = 0; topic < log->broker->n_inputs; topic++) {
            lc_memory_cursor cursor = {
                .topic = topic, .partition = partition, .stable_end = -1, .high_watermark = -1, .told_end = -1};
            g_array_append_val(log->cursors, cursor);
        }
    }
    log->generation = log->broker->group.generation;
    log->membership = LC_MEMORY_ASSIGNED;
}

static bool
poll_joining(lc_memory_log *log, const lc_memory_member *member, lc_log_event *event)
{
    if (member == NULL) {
        lc_memory_group_join(log->broker, log);
        return false;
    }
    if (log->broker->group.rebalancing) {
        lc_memory_group_join(log->broker, log);
        return false;
    }
    take_assignment(log, member);
    event->type = LC_LOG_ASSIGNED;
    return true;
}

static bool
poll_group(lc_memory_log *log, lc_log_event *event)
{
    const lc_memory_member *member = lc_memory_group_member(log->broker, log->member_id);
    const lc_memory_member *same = lc_memory_group_instance(log->broker, log->instance);
    if (log->membership == LC_MEMORY_UNSUBSCRIBED)
        return false;
    if (member == NULL && same) {
        event->type = LC_LOG_INSTANCE_FENCED;
        return true;
    }
    if (log->membership == LC_MEMORY_JOINING)
        return poll_joining(log, member, event);
    if (log->membership == LC_MEMORY_RELEASING)
        return false;
    if (member && !log->broker->group.rebalancing && log->generation == log->broker->group.generation)
        return false;
    log->membership = LC_MEMORY_RELEASING;
    event->type = LC_LOG_REVOKED;
    return true;
}

static const int32_t *
assignment(lc_log *base, size_t *n)
{
    lc_memory_log *log = (lc_memory_log *)base;
    *n = log->assignment->len;
    return (const int32_t *)(void *)log->assignment->data;
}

/* Members never differ here. */
static bool
check_group(lc_log *base, int32_t partitions, GError **error)
{
    (void)partitions;
    return request((lc_memory_log *)base, "check_group", error);
}

static void
release_assignment(lc_log *base)
{
    lc_memory_log *log = (lc_memory_log *)base;
    step(log, "release_assignment");
    g_array_set_size(log->assignment, 0);
    g_array_set_size(log->cursors, 0);
    log->membership = LC_MEMORY_JOINING;
    /* Another process with our instance is told by the next poll. */
    if (lc_memory_group_member(log->broker, log->member_id) || !lc_memory_group_instance(log->broker, log->instance))
        lc_memory_group_join(log->broker, log);
}

/* ---- Reading ---- */

static void
fetch(lc_memory_cursor *cursor, const lc_memory_partition *partition)
{
    cursor->stable_end = lc_memory_partition_stable_end(partition);
    cursor->high_watermark = partition->end;
}

/* Moves the cursor past what a read-committed consumer does not see. NULL: to the end of what was fetched. */
static const lc_memory_record *
next_record(lc_memory_cursor *cursor, const lc_memory_partition *partition)
{
    for (size_t i = lc_memory_partition_find(partition, cursor->position); i < partition->records->len; i++) {
        const lc_memory_record *record = g_ptr_array_index(partition->records, i);
        if (record->offset >= cursor->stable_end)
            break;
        cursor->position = record->offset + 1;
        if (record->status == LC_MEMORY_COMMITTED)
            return record;
    }
    cursor->position = MAX(cursor->position, cursor->stable_end);
    return NULL;
}

static void
give_record(lc_memory_log *log, const lc_memory_cursor *cursor, const lc_memory_record *record, lc_log_event *event)
{
    lc_memory_record *copy = lc_memory_record_copy(record);
    g_ptr_array_add(log->polled, copy);
    *event = (lc_log_event){.type = LC_LOG_RECORD,
                            .topic = cursor->topic,
                            .partition = cursor->partition,
                            .offset = copy->offset,
                            .timestamp = copy->timestamp,
                            .is_append_time = copy->is_append_time,
                            .key = copy->key,
                            .value = copy->value,
                            .handle = copy};
}

static bool
give_end(lc_memory_cursor *cursor, lc_log_event *event)
{
    if (cursor->told_end == cursor->position)
        return false;
    cursor->told_end = cursor->position;
    *event = (lc_log_event){.type = LC_LOG_END,
                            .topic = cursor->topic,
                            .partition = cursor->partition,
                            .offset = cursor->position,
                            .timestamp = LC_ABSENT};
    return true;
}

static bool
poll_cursor(lc_memory_log *log, lc_memory_cursor *cursor, lc_log_event *event)
{
    const lc_memory_partition *partition = lc_memory_partition_at(log->broker, cursor->topic, cursor->partition);
    if (!cursor->sought || cursor->paused)
        return false;
    if (cursor->position < partition->low || cursor->position > partition->end) {
        *event = (lc_log_event){.type = LC_LOG_OFFSET_LOST,
                                .topic = cursor->topic,
                                .partition = cursor->partition,
                                .offset = cursor->position};
        cursor->sought = false;
        return true;
    }
    if (cursor->position >= cursor->stable_end) {
        if (lc_memory_has_fault(log->world, LC_MEMORY_FAULT_FETCH))
            return false;
        fetch(cursor, partition);
    }
    const lc_memory_record *record = next_record(cursor, partition);
    if (record == NULL)
        return give_end(cursor, event);
    give_record(log, cursor, record, event);
    return true;
}

static bool
poll_cursors(lc_memory_log *log, lc_log_event *event)
{
    guint n = log->cursors->len;
    if (n == 0)
        return false;
    log->turn += 1 + lc_memory_pick(log->world, n);
    for (guint i = 0; i < n; i++)
        if (poll_cursor(log, &g_array_index(log->cursors, lc_memory_cursor, (log->turn + i) % n), event))
            return true;
    return false;
}

static bool
poll_once(lc_memory_log *log, lc_log_event *event)
{
    *event = (lc_log_event){.type = LC_LOG_NOTHING, .timestamp = LC_ABSENT};
    return poll_group(log, event) || (log->membership == LC_MEMORY_ASSIGNED && poll_cursors(log, event));
}

static bool
poll_log(lc_log *base, int timeout_ms, lc_log_event *event, GError **error)
{
    lc_memory_log *log = (lc_memory_log *)base;
    (void)error;
    step(log, "poll");
    if (poll_once(log, event))
        return true;
    lc_memory_wait(log->world, timeout_ms);
    lc_memory_broker_tick(log->broker);
    poll_once(log, event);
    return true;
}

static bool
header(lc_log *base, const lc_log_event *record, const char *name, lc_text *value)
{
    const lc_memory_record *polled = record->handle;
    (void)base;
    for (size_t i = polled->n_headers; i > 0; i--)
        if (lc_text_equal(polled->headers[i - 1].name, lc_text_of(name))) {
            *value = polled->headers[i - 1].value;
            return true;
        }
    return false;
}

static void
release_records(lc_log *base)
{
    g_ptr_array_set_size(((lc_memory_log *)base)->polled, 0);
}

static void
set_paused(lc_memory_log *log, int32_t partition, bool paused)
{
    for (guint i = 0; i < log->cursors->len; i++) {
        lc_memory_cursor *cursor = &g_array_index(log->cursors, lc_memory_cursor, i);
        if (cursor->partition == partition)
            cursor->paused = paused;
    }
}

static void
pause_partition(lc_log *base, int32_t partition)
{
    set_paused((lc_memory_log *)base, partition, true);
}

static void
resume_partition(lc_log *base, int32_t partition)
{
    set_paused((lc_memory_log *)base, partition, false);
}

static bool
seek(lc_log *base, int32_t partition, const int64_t *offsets, GError **error)
{
    lc_memory_log *log = (lc_memory_log *)base;
    if (!request(log, "seek", error))
        return false;
    for (guint i = 0; i < log->cursors->len; i++) {
        lc_memory_cursor *cursor = &g_array_index(log->cursors, lc_memory_cursor, i);
        if (cursor->partition != partition)
            continue;
        cursor->position = offsets[cursor->topic];
        cursor->sought = true;
        cursor->paused = false;
        cursor->stable_end = cursor->told_end = -1;
    }
    return true;
}

static void
tell_committed(lc_memory_log *log, int32_t partition, lc_log_committed *result, lc_arena *arena)
{
    for (int topic = 0; topic < log->broker->n_inputs; topic++) {
        const char *metadata;
        result[topic].offset = lc_memory_committed(log->broker, topic, partition, &metadata);
        result[topic].metadata = lc_arena_text(arena, lc_text_of(metadata));
    }
}

static bool
committed(lc_log *base, int32_t partition, lc_log_committed *result, lc_arena *arena, GError **error)
{
    lc_memory_log *log = (lc_memory_log *)base;
    if (!request(log, "committed", error))
        return false;
    bool stable_only = !(log->broker->weakened & LC_MEMORY_WEAKEN_STABLE_OFFSETS);
    if (stable_only && lc_memory_offsets_pending(log->broker, partition))
        return fail(log, error, LC_ERROR_RETRY, "committed: offsets are not stable");
    tell_committed(log, partition, result, arena);
    return true;
}

static bool
committed_before(lc_log *base, int32_t partition, lc_log_committed *result, lc_arena *arena, GError **error)
{
    lc_memory_log *log = (lc_memory_log *)base;
    if (!request(log, "committed_before", error))
        return false;
    tell_committed(log, partition, result, arena);
    return true;
}

static bool
committed_metadata(lc_log *base, int32_t partitions, lc_text *metadata, lc_arena *arena, GError **error)
{
    lc_memory_log *log = (lc_memory_log *)base;
    if (!request(log, "committed_metadata", error))
        return false;
    for (int32_t p = 0; p < partitions; p++)
        for (int topic = 0; topic < log->broker->n_inputs; topic++) {
            const char *text;
            if (lc_memory_committed(log->broker, topic, p, &text) >= 0)
                metadata[p] = lc_arena_text(arena, lc_text_of(text));
        }
    return true;
}

static const lc_memory_partition *
changelog_of(const lc_memory_log *log, lc_changelog changelog, int32_t number)
{
    static const lc_output outputs[] = {
        [LC_CHANGELOG_STATE] = LC_OUTPUT_STATE, [LC_CHANGELOG_COUNTERS] = LC_OUTPUT_COUNTERS};

    return lc_memory_partition_at(log->broker, LC_MEMORY_OUTPUT(outputs[changelog]), number);
}

static bool
is_unfinished(lc_log *base, int32_t number, bool *unfinished, GError **error)
{
    lc_memory_log *log = (lc_memory_log *)base;

    if (!request(log, "is_unfinished", error))
        return false;
    *unfinished = false;
    for (int i = 0; i < LC_CHANGELOGS; i++)
        *unfinished |= changelog_of(log, i, number)->open->len > 0;
    return true;
}

static bool
changelog_ends(lc_log *base, int32_t number, bool high, int64_t *ends, GError **error)
{
    lc_memory_log *log = (lc_memory_log *)base;

    if (!request(log, "changelog_ends", error))
        return false;
    for (int i = 0; i < LC_CHANGELOGS; i++) {
        const lc_memory_partition *changelog = changelog_of(log, i, number);
        ends[i] = high ? changelog->end : lc_memory_partition_stable_end(changelog);
    }
    return true;
}

/* Workers are called so; what else has a producer is not ours. */
static bool
is_peer(const lc_log *base, const char *transactional_id)
{
    (void)base;
    return g_str_has_prefix(transactional_id, "worker");
}

static bool
is_member(lc_log *base, const char *transactional_id, bool *member, GError **error)
{
    lc_memory_log *log = (lc_memory_log *)base;
    const GPtrArray *members = log->broker->group.members;

    *member = false; /* also where there is no answer: nobody may read it then */
    if (!request(log, "is_member", error))
        return false;
    for (guint i = 0; i < members->len; i++) {
        const lc_memory_member *one = g_ptr_array_index(members, i);
        *member |= g_strcmp0(one->transactional_id, transactional_id) == 0;
    }
    return true;
}

static bool
fence(lc_log *base, const char *transactional_id, GError **error)
{
    lc_memory_log *log = (lc_memory_log *)base;
    int64_t epoch;
    if (!request(log, "fence", error))
        return false;
    if (log->broker->limits.may_not_fence)
        return fail(log, error, LC_ERROR_DENIED, "fence: transactional id authorization failed");
    lc_memory_coordinator *coordinator = lc_memory_coordinator_of(log->broker, transactional_id);
    if (lc_memory_init_producer(log->broker, coordinator, &epoch) == LC_MEMORY_DONE) {
        if (log->world->fenced)
            log->world->fenced(log->world, transactional_id);
        return true;
    }
    lc_memory_wait(log->world, 500);
    return fail(log, error, LC_ERROR_RETRY, "fence: concurrent transactions");
}

static bool
watermarks(lc_log *base, int32_t partition, int64_t *lows, int64_t *ends, GError **error)
{
    lc_memory_log *log = (lc_memory_log *)base;
    if (!request(log, "watermarks", error))
        return false;
    for (int topic = 0; topic < log->broker->n_inputs; topic++) {
        const lc_memory_partition *input = lc_memory_partition_at(log->broker, topic, partition);
        lows[topic] = input->low;
        ends[topic] = lc_memory_partition_stable_end(input);
    }
    return true;
}

static bool
ask_ends(lc_log *base, const lc_log_end **ends, size_t *n, GError **error)
{
    lc_memory_log *log = (lc_memory_log *)base;
    bool is_silent = false;
    if (!request(log, "ends", error))
        return false;
    g_array_set_size(log->ends, 0);
    for (guint i = 0; i < log->cursors->len; i++) {
        const lc_memory_cursor *cursor = &g_array_index(log->cursors, lc_memory_cursor, i);
        if (cursor->topic == 0)
            is_silent = lc_memory_has_fault(log->world, LC_MEMORY_FAULT_ENDS_OF_ONE);
        if (is_silent)
            continue;
        const lc_memory_partition *partition = lc_memory_partition_at(log->broker, cursor->topic, cursor->partition);
        lc_log_end end = {cursor->topic, cursor->partition, lc_memory_partition_stable_end(partition),
                          cursor->high_watermark};
        g_array_append_val(log->ends, end);
    }
    lc_memory_step(log->world, "ends answered");
    *ends = (const lc_log_end *)(void *)log->ends->data;
    *n = log->ends->len;
    return true;
}

/* ---- Replay ---- */

static bool
replay_open(lc_log *base, lc_changelog changelog, int32_t partition, int64_t offset, GError **error)
{
    lc_memory_log *log = (lc_memory_log *)base;
    if (!request(log, "replay_open", error))
        return false;
    int topic = LC_MEMORY_OUTPUT(changelog == LC_CHANGELOG_STATE ? LC_OUTPUT_STATE : LC_OUTPUT_COUNTERS);
    log->replaying = lc_memory_partition_at(log->broker, topic, partition);
    if (offset < log->replaying->low) {
        g_set_error(error, LC_ERROR, LC_ERROR_FATAL, "changelog damaged: records were deleted; 'leadclock reset'");
        return false;
    }
    log->replay = (lc_memory_cursor){.position = offset, .stable_end = -1, .told_end = -1};
    return true;
}

static lc_replay_result
replay_once(lc_memory_log *log, lc_replayed *replayed)
{
    lc_memory_cursor *cursor = &log->replay;
    if (cursor->position >= cursor->stable_end) {
        if (lc_memory_has_fault(log->world, LC_MEMORY_FAULT_FETCH))
            return LC_REPLAY_NOTHING;
        fetch(cursor, log->replaying);
    }
    const lc_memory_record *record = next_record(cursor, log->replaying);
    if (record) {
        lc_memory_record *copy = lc_memory_record_copy(record);
        g_ptr_array_add(log->replayed, copy);
        *replayed = (lc_replayed){copy->offset, copy->key, copy->value};
        return LC_REPLAY_RECORD;
    }
    if (cursor->told_end == cursor->position)
        return LC_REPLAY_NOTHING;
    cursor->told_end = cursor->position;
    bool early = log->broker->weakened & LC_MEMORY_WEAKEN_EARLY_EOF;
    *replayed = (lc_replayed){.offset = early ? cursor->high_watermark : cursor->position};
    return LC_REPLAY_END;
}

static lc_replay_result
replay_read(lc_log *base, int timeout_ms, lc_replayed *replayed, GError **error)
{
    lc_memory_log *log = (lc_memory_log *)base;
    (void)error;
    g_assert(log->replaying);
    step(log, "replay_read");
    lc_replay_result result = replay_once(log, replayed);
    if (result != LC_REPLAY_NOTHING)
        return result;
    lc_memory_wait(log->world, timeout_ms);
    lc_memory_broker_tick(log->broker);
    return replay_once(log, replayed);
}

static void
replay_release(lc_log *base)
{
    g_ptr_array_set_size(((lc_memory_log *)base)->replayed, 0);
}

static void
replay_close(lc_log *base)
{
    lc_memory_log *log = (lc_memory_log *)base;
    replay_release(base);
    log->replaying = NULL;
}

/* ---- The port ---- */

static void
log_free(lc_log *base)
{
    lc_memory_log *log = (lc_memory_log *)base;
    lc_memory_group_forget(log->broker, log);
    lc_memory_producer_clear(log);
    g_array_unref(log->queue);
    g_array_unref(log->assignment);
    g_array_unref(log->cursors);
    g_array_unref(log->ends);
    g_ptr_array_unref(log->polled);
    g_ptr_array_unref(log->replayed);
    g_free(log->instance);
    g_free(log);
}

static GError *
trouble(lc_log *base)
{
    (void)base;
    return NULL;
}

static const lc_log_ops ops = {
    .check_topics = check_topics,
    .renew_producer = lc_memory_renew_producer,
    .check_instance = check_instance,
    .subscribe = subscribe,
    .poll = poll_log,
    .trouble = trouble,
    .header = header,
    .release_records = release_records,
    .assignment = assignment,
    .check_group = check_group,
    .release_assignment = release_assignment,
    .pause = pause_partition,
    .resume = resume_partition,
    .seek = seek,
    .committed = committed,
    .committed_before = committed_before,
    .committed_metadata = committed_metadata,
    .is_unfinished = is_unfinished,
    .changelog_ends = changelog_ends,
    .is_peer = is_peer,
    .is_member = is_member,
    .fence = fence,
    .watermarks = watermarks,
    .ends = ask_ends,
    .replay_open = replay_open,
    .replay_read = replay_read,
    .replay_release = replay_release,
    .replay_close = replay_close,
    .begin = lc_memory_begin,
    .produce = lc_memory_produce,
    .flush = lc_memory_flush,
    .appended_at = lc_memory_appended_at,
    .refused = lc_memory_refused,
    .send_offsets = lc_memory_send_offsets,
    .commit_begin = lc_memory_commit_begin,
    .commit_end = lc_memory_commit_end,
    .abort = lc_memory_abort,
    .free = log_free,
};

lc_log *
lc_memory_log_new(lc_memory_broker *broker, const char *instance, const char *transactional_id)
{
    lc_memory_log *log = g_new0(lc_memory_log, 1);
    log->log = (lc_log){&ops, broker->n_inputs};
    log->broker = broker;
    log->world = broker->world;
    log->instance = g_strdup(instance);
    log->assignment = g_array_new(FALSE, FALSE, sizeof(int32_t));
    log->cursors = g_array_new(FALSE, FALSE, sizeof(lc_memory_cursor));
    log->polled = g_ptr_array_new_with_free_func(g_free);
    log->ends = g_array_new(FALSE, FALSE, sizeof(lc_log_end));
    log->replayed = g_ptr_array_new_with_free_func(g_free);
    log->coordinator = lc_memory_coordinator_of(broker, transactional_id);
    log->epoch = log->refused = -1;
    log->queue = g_array_new(FALSE, FALSE, sizeof(lc_memory_queued));
    return &log->log;
}

void
lc_memory_log_suspend(lc_log *base, bool suspended)
{
    lc_memory_log *log = (lc_memory_log *)base;
    /* Its heartbeat of now counts, or that it is too late for one. */
    lc_memory_broker_tick(log->broker);
    log->suspended = suspended;
}
