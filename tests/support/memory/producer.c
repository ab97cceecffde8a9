/* producer.c - lc_log in memory: one transaction. */
#include "broker.h"

/* The producer half of lc_log. */

static void
queued_clear(lc_memory_queued *queued)
{
    g_free((void *)queued->record.key.data);
    g_free((void *)queued->record.value.data);
    for (size_t i = 0; i < queued->record.n_headers; i++) {
        g_free((void *)queued->record.headers[i].name.data);
        g_free((void *)queued->record.headers[i].value.data);
    }
    g_free((void *)queued->record.headers);
}

void
lc_memory_producer_clear(lc_memory_log *log)
{
    for (guint i = 0; log->queue && i < log->queue->len; i++)
        queued_clear(&g_array_index(log->queue, lc_memory_queued, i));
    if (log->queue)
        g_array_set_size(log->queue, 0);
    log->sent = 0;
    log->refused = -1;
    log->appended_at = LC_ABSENT;
    log->in_transaction = log->must_abort = log->is_ending = false;
}

static bool
fail(lc_memory_log *log, GError **error, lc_error code, const char *what)
{
    if (code == LC_ERROR_ABORT || code == LC_ERROR_DENIED)
        log->must_abort = true;
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

static bool
keeps_producer(const lc_memory_log *log)
{
    return (log->broker->weakened & LC_MEMORY_WEAKEN_KEEP_PRODUCER) && log->epoch == log->coordinator->epoch;
}

bool
lc_memory_renew_producer(lc_log *base, GError **error)
{
    lc_memory_log *log = (lc_memory_log *)base;
    lc_memory_producer_clear(log);
    if (keeps_producer(log))
        return true;
    log->epoch = -1;
    for (int tries = 0; tries < 4; tries++) {
        step(log, "renew_producer");
        if (lc_memory_has_fault(log->world, LC_MEMORY_FAULT_DENIED))
            return fail(log, error, LC_ERROR_DENIED, "init_transactions: a right is refused");
        if (lc_memory_has_fault(log->world, LC_MEMORY_FAULT_RENEW))
            return fail(log, error, LC_ERROR_RETRY, "init_transactions: timed out");
        if (lc_memory_init_producer(log->broker, log->coordinator, &log->epoch) == LC_MEMORY_DONE)
            return true;
        lc_memory_wait(log->world, 200);
    }
    return fail(log, error, LC_ERROR_RETRY, "init_transactions: concurrent transactions");
}

bool
lc_memory_begin(lc_log *base, GError **error)
{
    lc_memory_log *log = (lc_memory_log *)base;
    step(log, "begin");
    g_assert(!log->in_transaction && log->epoch >= 0);
    (void)error;
    lc_memory_producer_clear(log);
    log->in_transaction = true;
    return true;
}

static lc_text
own_text(lc_text text)
{
    if (text.data == NULL)
        return text;
    char *copy = g_malloc(text.size + 1);
    if (text.size)
        memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    return (lc_text){copy, text.size};
}

static lc_header *
own_headers(const lc_header *headers, size_t n)
{
    lc_header *copy = g_new0(lc_header, n);
    for (size_t i = 0; i < n; i++)
        copy[i] = (lc_header){own_text(headers[i].name), own_text(headers[i].value)};
    return copy;
}

static int32_t
partition_of(const lc_memory_log *log, const lc_outgoing *outgoing)
{
    if (outgoing->partition >= 0)
        return outgoing->partition;
    if (lc_text_is_absent(outgoing->key))
        return (int32_t)lc_memory_pick(log->world, (uint32_t)log->broker->n_partitions);
    return lc_log_partition_of(outgoing->key, log->broker->n_partitions);
}

bool
lc_memory_produce(lc_log *base, const lc_outgoing *outgoing, GError **error)
{
    lc_memory_log *log = (lc_memory_log *)base;
    g_assert(log->in_transaction && !log->is_ending);
    lc_memory_queued queued = {.partition = lc_memory_partition_at(log->broker, LC_MEMORY_OUTPUT(outgoing->output),
                                                                   partition_of(log, outgoing)),
                               .record = {.timestamp = LC_ABSENT,
                                          .key = own_text(outgoing->key),
                                          .value = own_text(outgoing->value),
                                          .headers = own_headers(outgoing->headers, outgoing->n_headers),
                                          .n_headers = outgoing->n_headers},
                               .offset = outgoing->offset,
                               .tag = outgoing->tag,
                               .max_bytes = log->broker->limits.max_record_bytes[outgoing->output]};
    g_array_append_val(log->queue, queued);
    (void)error;
    return true;
}

static bool
is_refused(lc_memory_log *log, const lc_memory_queued *queued)
{
    if (queued->record.key.size + queued->record.value.size <= queued->max_bytes)
        return false;
    log->refused = queued->tag;
    return true;
}

static bool
send_one(lc_memory_log *log, lc_memory_queued *queued, GError **error)
{
    if (is_refused(log, queued))
        return fail(log, error, LC_ERROR_ABORT, "produce: message size too large");
    if (lc_memory_has_fault(log->world, LC_MEMORY_FAULT_DENIED))
        return fail(log, error, LC_ERROR_DENIED, "produce: a right is refused");
    if (lc_memory_has_fault(log->world, LC_MEMORY_FAULT_FLUSH))
        return fail(log, error, LC_ERROR_ABORT, "produce: timed out");
    if (lc_memory_has_fault(log->world, LC_MEMORY_FAULT_FLUSH_LATE)) {
        lc_memory_txn_append_later(log->broker, log->coordinator, log->epoch, queued->partition, &queued->record);
        return fail(log, error, LC_ERROR_ABORT, "produce: timed out, and late");
    }
    for (int tries = 0; tries < 4; tries++) {
        lc_memory_answer answer =
            lc_memory_txn_append(log->broker, log->coordinator, log->epoch, queued->partition, &queued->record);
        if (answer == LC_MEMORY_FENCED)
            return fail(log, error, LC_ERROR_ABORT, "produce: fenced");
        if (answer == LC_MEMORY_DONE)
            return true;
        lc_memory_wait(log->world, 200);
        lc_memory_broker_tick(log->broker);
    }
    return fail(log, error, LC_ERROR_RETRY, "produce: concurrent transactions");
}

static bool
send_queue(lc_memory_log *log, const char *call, GError **error)
{
    for (; log->sent < log->queue->len; log->sent++) {
        step(log, call);
        lc_memory_queued *queued = &g_array_index(log->queue, lc_memory_queued, log->sent);
        if (!send_one(log, queued, error))
            return false;
        if (queued->offset) {
            *queued->offset = queued->record.offset;
            if (!log->broker->limits.outputs_have_create_time)
                log->appended_at = lc_memory_now(log->world);
        }
    }
    return true;
}

/* What a flush that does not wait could know: where the partition ends now. */
static void
guess_offsets(lc_memory_log *log)
{
    for (guint i = 0; i < log->queue->len; i++) {
        lc_memory_queued *queued = &g_array_index(log->queue, lc_memory_queued, i);
        if (queued->offset)
            *queued->offset = queued->partition->end;
        queued->offset = NULL;
    }
}

bool
lc_memory_flush(lc_log *base, GError **error)
{
    lc_memory_log *log = (lc_memory_log *)base;
    g_assert(log->in_transaction);
    step(log, "flush");
    if (log->broker->weakened & LC_MEMORY_WEAKEN_EARLY_OFFSETS) {
        guess_offsets(log);
        return true;
    }
    return send_queue(log, "deliver", error);
}

lc_instant
lc_memory_appended_at(lc_log *base)
{
    return ((lc_memory_log *)base)->appended_at;
}

int64_t
lc_memory_refused(lc_log *base)
{
    return ((lc_memory_log *)base)->refused;
}

static bool
is_known_to_group(lc_memory_log *log)
{
    lc_memory_broker *broker = log->broker;
    if (broker->weakened & LC_MEMORY_WEAKEN_GROUP_METADATA)
        return true;
    return lc_memory_group_member(broker, log->member_id) && broker->group.generation == log->generation;
}

static bool
is_unchanged(const lc_memory_log *log, const lc_log_commit *commit, int topic)
{
    return (log->broker->weakened & LC_MEMORY_WEAKEN_UNCHANGED_OFFSETS) &&
           lc_memory_committed(log->broker, topic, commit->partition, NULL) == commit->offsets[topic];
}

static lc_memory_answer
send_one_offset(lc_memory_log *log, const lc_log_commit *commit, int topic, bool is_known)
{
    if (!is_known && !is_unchanged(log, commit, topic))
        return LC_MEMORY_INVALID;
    return lc_memory_txn_offset(log->broker, log->coordinator, log->epoch, topic, commit->partition,
                                commit->offsets[topic], commit->metadata);
}

static lc_memory_answer
send_all_offsets(lc_memory_log *log, const lc_log_commit *commits, size_t n)
{
    bool is_known = is_known_to_group(log);
    for (size_t i = 0; i < n; i++)
        for (int topic = 0; topic < log->broker->n_inputs; topic++) {
            lc_memory_answer answer = send_one_offset(log, &commits[i], topic, is_known);
            if (answer != LC_MEMORY_DONE)
                return answer;
        }
    return LC_MEMORY_DONE;
}

static void
send_all_offsets_later(lc_memory_log *log, const lc_log_commit *commits, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (int topic = 0; topic < log->broker->n_inputs; topic++)
            lc_memory_txn_offset_later(log->broker, log->coordinator, log->epoch, topic, commits[i].partition,
                                       commits[i].offsets[topic], commits[i].metadata);
}

static bool
try_send_offsets(lc_memory_log *log, const lc_log_commit *commits, size_t n, GError **error)
{
    if (lc_memory_has_fault(log->world, LC_MEMORY_FAULT_DENIED))
        return fail(log, error, LC_ERROR_DENIED, "send_offsets: a right is refused");
    if (lc_memory_has_fault(log->world, LC_MEMORY_FAULT_SEND))
        return fail(log, error, LC_ERROR_ABORT, "send_offsets: timed out");
    if (lc_memory_has_fault(log->world, LC_MEMORY_FAULT_SEND_LATE)) {
        send_all_offsets_later(log, commits, n);
        return fail(log, error, LC_ERROR_ABORT, "send_offsets: timed out, and late");
    }
    for (int tries = 0;; tries++) {
        lc_memory_answer answer = send_all_offsets(log, commits, n);
        if (answer == LC_MEMORY_FENCED || answer == LC_MEMORY_INVALID)
            return fail(log, error, LC_ERROR_ABORT, "send_offsets: fenced");
        if (answer == LC_MEMORY_DONE)
            break;
        if (tries == 4)
            return fail(log, error, LC_ERROR_ABORT, "send_offsets: concurrent transactions");
        lc_memory_wait(log->world, 200);
        lc_memory_broker_tick(log->broker);
    }
    if (lc_memory_has_fault(log->world, LC_MEMORY_FAULT_SEND_REPLY))
        return fail(log, error, LC_ERROR_ABORT, "send_offsets: timed out, though done");
    return true;
}

bool
lc_memory_send_offsets(lc_log *base, const lc_log_commit *commits, size_t n, GError **error)
{
    lc_memory_log *log = (lc_memory_log *)base;
    g_assert(log->in_transaction);
    step(log, "send_offsets");
    if (try_send_offsets(log, commits, n, error))
        return true;
    if (!(log->broker->weakened & LC_MEMORY_WEAKEN_FAILED_SEND))
        return false;
    g_clear_error(error);
    log->must_abort = false;
    return true;
}

static void
end_transaction(lc_memory_log *log, bool commit)
{
    lc_memory_broker *broker = log->broker;
    log->result = LC_COMMIT_UNKNOWN;
    if (lc_memory_has_fault(log->world, LC_MEMORY_FAULT_END_LOST))
        return;
    if (lc_memory_has_fault(log->world, LC_MEMORY_FAULT_END_LATE)) {
        lc_memory_txn_end_later(broker, log->coordinator, log->epoch, commit);
        return;
    }
    lc_memory_answer answer = lc_memory_txn_end(broker, log->coordinator, log->epoch, commit);
    if (lc_memory_has_fault(log->world, LC_MEMORY_FAULT_END_REPLY))
        return;
    if (lc_memory_has_fault(log->world, LC_MEMORY_FAULT_END_TWICE)) {
        lc_memory_txn_end_later(broker, log->coordinator, log->epoch, commit);
        return;
    }
    if (answer == LC_MEMORY_DONE)
        log->result = LC_COMMIT_CLEAN;
}

bool
lc_memory_commit_begin(lc_log *base, GError **error)
{
    lc_memory_log *log = (lc_memory_log *)base;
    g_assert(log->in_transaction && !log->must_abort && !log->is_ending);
    if ((log->broker->weakened & LC_MEMORY_WEAKEN_EARLY_OFFSETS) && !send_queue(log, "deliver", error))
        return false;
    g_assert(log->sent == log->queue->len);
    step(log, "commit_begin");
    end_transaction(log, true);
    log->is_ending = true;
    return true;
}

lc_commit_result
lc_memory_commit_end(lc_log *base, GError **error)
{
    lc_memory_log *log = (lc_memory_log *)base;
    g_assert(log->is_ending);
    step(log, "commit_end");
    lc_commit_result result = log->result;
    if (result == LC_COMMIT_UNKNOWN)
        fail(log, error, LC_ERROR_RETRY, "commit: not known");
    lc_memory_producer_clear(log);
    return result;
}

void
lc_memory_abort(lc_log *base)
{
    lc_memory_log *log = (lc_memory_log *)base;
    step(log, "abort");
    if (log->epoch >= 0)
        end_transaction(log, false);
    lc_memory_producer_clear(log);
}
