/* batch_apply.c - what was committed, to the store (step 9). */
#include "batch_apply.h"

#include "position.h"
#include "report.h"

#include <inttypes.h>

/* What the store must change for one partition. */
typedef struct {
    lc_share *share;
    lc_lead_change *leads;
    const lc_batch_lead **sources;
    size_t n_leads;
    lc_counters_change *counters;
    size_t n_counters;
    size_t n_written;            /* of the leads */
    int64_t sure[LC_CHANGELOGS]; /* up to here answers were looked at */
    int64_t ends[LC_CHANGELOGS]; /* up to here the piece under way reaches */
    char *next;                  /* its position */
    bool is_last;
} apply_state;

static void
collect_leads(lc_batch *batch, apply_state *apply)
{
    GPtrArray *leads = apply->share->leads;

    apply->leads = lc_arena_new(&batch->arena, lc_lead_change, leads->len);
    apply->sources = lc_arena_new(&batch->arena, const lc_batch_lead *, leads->len);
    for (guint i = 0; i < leads->len; i++) {
        lc_batch_lead *lead = leads->pdata[i];
        if (!lead->changed)
            continue;
        lc_instant wake_at = lc_lead_is_empty(&lead->lead) ? LC_NEVER : lead->lead.wake_at;
        apply->sources[apply->n_leads] = lead;
        apply->leads[apply->n_leads++] = (lc_lead_change){lead->lead.id, lc_outbox_value(batch->outbox, lead->message),
                                                          wake_at, wake_at != lead->stored_wake_at || lead->was_woken};
        apply->share->next_wakeup = MIN(apply->share->next_wakeup, wake_at);
    }
}

static void
collect_counters(lc_batch *batch, apply_state *apply)
{
    GPtrArray *changed = apply->share->partition->counters->changed;

    apply->counters = lc_arena_new(&batch->arena, lc_counters_change, changed->len);
    for (guint i = 0; i < changed->len; i++) {
        const lc_population *population = changed->pdata[i];
        lc_counters_change *change = &apply->counters[apply->n_counters++];
        change->population = population->name;
        change->counts = lc_population_counts(population, &batch->arena, &change->n_counts);
    }
}

/* What fails within a MULTI does not take the position with it: it is sure only of what was looked at before. A piece
 * that is nothing but its position can't fail in part. */
static const int64_t *
sure_with(apply_state *apply, const lc_store_write *piece)
{
    return piece->n_leads + piece->n_counters ? apply->sure : apply->ends;
}

/* Those of the first leads, which were loaded: what a cut batch left is still due. */
static size_t
count_taken(const lc_share *share)
{
    size_t n = 0;

    while (n < share->n_wakeups && (share->due[n]->is_loaded || !LC_CHECKS(LC_CHECK_TAKEN)))
        n++;
    return n;
}

/* The next piece: all that is left, with the whole position; or 5,000 leads, in the order of their changelog offsets,
 * with the position that recovery would have written there. */
static lc_store_write
next_piece(lc_batch *batch, apply_state *apply)
{
    lc_share *share = apply->share;
    size_t left = apply->n_leads - apply->n_written, n = MIN(left, LC_PIECE_LEADS);
    lc_store_write piece = {
        .partition = share->partition->number,
        .expected = lc_text_of(share->partition->expected),
        .leads = apply->leads + apply->n_written,
        .n_leads = n,
        .now = batch->worker->time->wall(batch->worker->time),
    };

    apply->is_last = n == left;
    /* With the last piece: what the leads wanted before is there as long as they stand so. */
    piece.takes_due = apply->is_last && share->n_wakeups > 0;
    piece.n_taken = piece.takes_due ? count_taken(share) : 0;
    g_free(apply->next);
    if (apply->is_last) {
        piece.counters = apply->counters;
        piece.n_counters = apply->n_counters;
        memcpy(apply->ends, share->ends, sizeof apply->ends);
        apply->next =
            lc_applied_format(batch->worker->options.input_names, share->next, sure_with(apply, &piece), apply->ends);
    } else {
        apply->ends[LC_CHANGELOG_STATE] = apply->sources[apply->n_written + n - 1]->offset + 1;
        apply->next = lc_applied_format_recovering(apply->sure, apply->ends);
    }
    piece.next = lc_text_of(apply->next);
    return piece;
}

static bool
finish_piece(apply_state *apply, const lc_store_write *piece, GError **error)
{
    lc_partition *partition = apply->share->partition;

    if (!piece->written) {
        lc_partition_lose(partition, LC_RECOVERY_STORE);
        g_set_error(error, LC_ERROR, LC_ERROR_RETRY,
                    "partition %" PRId32 ": the store's position changed while a batch was applied", partition->number);
        return false;
    }
    g_free(partition->expected);
    partition->expected = g_steal_pointer(&apply->next);
    partition->is_unsure = sure_with(apply, piece) != apply->ends;
    memcpy(apply->sure, apply->ends, sizeof apply->sure);
    apply->n_written += piece->n_leads;
    return true;
}

static bool
write_store(lc_batch *batch, lc_store_write *writes, size_t n, GError **error)
{
    lc_store *store = batch->worker->store;

    if (lc_store_write_begin(store, writes, n, error) && lc_store_write_end(store, error))
        return true;
    batch->worker->store_ready = false;
    batch->loss = LC_RECOVERY_STORE;
    return false;
}

/* One piece of every partition at once, until none is left. */
static bool
write_pieces(lc_batch *batch, apply_state *applies, GError **error)
{
    lc_store_write *pieces = lc_arena_new(&batch->arena, lc_store_write, batch->shares->len);
    apply_state **owners = lc_arena_new(&batch->arena, apply_state *, batch->shares->len);

    for (;;) {
        size_t n = 0;
        for (guint i = 0; i < batch->shares->len; i++) {
            if (applies[i].is_last)
                continue;
            owners[n] = &applies[i];
            pieces[n++] = next_piece(batch, &applies[i]);
        }
        if (n == 0)
            return true;
        if (!write_store(batch, pieces, n, error))
            return false;
        for (size_t i = 0; i < n; i++)
            if (!finish_piece(owners[i], &pieces[i], error))
                return false;
    }
}

bool
lc_batch_apply(lc_batch *batch, GError **error)
{
    apply_state *applies = lc_arena_new(&batch->arena, apply_state, batch->shares->len);

    for (guint i = 0; i < batch->shares->len; i++) {
        applies[i] = (apply_state){.share = lc_batch_share_at(batch, i)};
        memcpy(applies[i].sure, applies[i].share->partition->ends, sizeof applies[i].sure);
        memcpy(applies[i].ends, applies[i].sure, sizeof applies[i].ends);
        collect_leads(batch, &applies[i]);
        collect_counters(batch, &applies[i]);
    }
    int64_t began_ms = lc_worker_now_ms(batch->worker);
    bool done = write_pieces(batch, applies, error);
    lc_histogram_add(&batch->worker->report.apply_ms, lc_worker_now_ms(batch->worker) - began_ms);
    for (guint i = 0; i < batch->shares->len; i++)
        g_free(applies[i].next);
    return done;
}

/* Where the store is now, without a doubt. */
static char *
position_of(const lc_worker *worker, const lc_partition *partition)
{
    return lc_applied_format(worker->options.input_names, partition->offsets, partition->ends, partition->ends);
}

static bool
take_sure(lc_partition *partition, const lc_store_write *write, char *position, GError **error)
{
    if (!write->written) {
        lc_partition_lose(partition, LC_RECOVERY_STORE);
        g_free(position);
        g_set_error(error, LC_ERROR, LC_ERROR_RETRY, "partition %" PRId32 ": the store's position changed",
                    partition->number);
        return false;
    }
    g_free(partition->expected);
    partition->expected = position;
    partition->is_unsure = false;
    return true;
}

/* Nothing of Kafka's changes. */
static bool
write_positions(lc_batch *batch, lc_partition **partitions, lc_store_write *writes, size_t n, GError **error)
{
    char **positions = lc_arena_new(&batch->arena, char *, n);

    for (size_t i = 0; i < n; i++) {
        positions[i] = position_of(batch->worker, partitions[i]);
        writes[i].partition = partitions[i]->number;
        writes[i].expected = lc_text_of(partitions[i]->expected);
        writes[i].next = lc_text_of(positions[i]);
        writes[i].now = batch->worker->time->wall(batch->worker->time);
    }
    bool done = n == 0 || write_store(batch, writes, n, error);
    for (size_t i = 0; i < n; i++) {
        if (done)
            done = take_sure(partitions[i], &writes[i], positions[i], error);
        else {
            lc_partition_lose(partitions[i], LC_RECOVERY_STORE);
            g_free(positions[i]);
        }
    }
    return done;
}

bool
lc_batch_make_sure(lc_batch *batch, GError **error)
{
    lc_worker *worker = batch->worker;
    lc_store_write *writes = lc_arena_new(&batch->arena, lc_store_write, worker->partitions->len);
    lc_partition **partitions = lc_arena_new(&batch->arena, lc_partition *, worker->partitions->len);
    size_t n = 0;

    for (guint i = 0; i < worker->partitions->len; i++) {
        lc_partition *partition = worker->partitions->pdata[i];
        if (partition->must_recover || !partition->is_unsure)
            continue;
        writes[n] = (lc_store_write){0};
        partitions[n++] = partition;
    }
    return write_positions(batch, partitions, writes, n, error);
}

bool
lc_batch_take_stale(lc_batch *batch, GError **error)
{
    lc_store_write *writes = lc_arena_new(&batch->arena, lc_store_write, batch->shares->len);
    lc_partition **partitions = lc_arena_new(&batch->arena, lc_partition *, batch->shares->len);

    for (guint i = 0; i < batch->shares->len; i++) {
        lc_share *share = lc_batch_share_at(batch, i);
        writes[i] = (lc_store_write){.takes_due = true, .n_taken = count_taken(share)};
        partitions[i] = share->partition;
    }
    return write_positions(batch, partitions, writes, batch->shares->len, error);
}

bool
lc_batch_tidy(lc_batch *batch, lc_partition **looked, const lc_store_read *reads, size_t n, GError **error)
{
    lc_store_write *writes = lc_arena_new(&batch->arena, lc_store_write, n);
    lc_partition **untidy = lc_arena_new(&batch->arena, lc_partition *, n);
    size_t n_untidy = 0;

    for (size_t i = 0; i < n; i++)
        if (reads[i].n_due == 0 && reads[i].is_untidy && LC_CHECKS(LC_CHECK_TIDY)) {
            writes[n_untidy] = (lc_store_write){.takes_due = true};
            untidy[n_untidy++] = looked[i];
        }
    if (!write_positions(batch, untidy, writes, n_untidy, error))
        return false;
    for (size_t i = 0; i < n_untidy; i++)
        untidy[i]->looked_ms = INT64_MIN / 2; /* there may be more: at once */
    return true;
}
