/* refill.c - what is applied, emptied where it must be, and filled from the changelogs: steps 3b to 3d. */
#include "refill.h"

#include "changelog.h"
#include "patience.h"
#include "report.h"
#include "schemas.h"

#include <inttypes.h>

#define PIECE_RECORDS LC_PIECE_LEADS
#define PIECE_BYTES ((size_t)32 * 1024 * 1024) /* also of records that later ones of the same key take the place of */
#define RECORD_BYTES 256                       /* of one, beside its key and value */

bool
lc_refill_ask_applied(lc_recovery *r, GError **error)
{
    lc_worker *worker = r->worker;
    lc_store_read read = {.partition = r->partition->number, .due_before = LC_ABSENT};

    /* After a lost connection the store is checked anew. */
    if (!worker->store_ready && !lc_store_open(worker->store, worker->partition_count, error))
        return false;
    worker->store_ready = true;
    if (!lc_store_read_begin(worker->store, &read, 1, error) || !lc_store_read_end(worker->store, error)) {
        worker->store_ready = false;
        return false;
    }
    lc_arena_reset(&r->applied_arena);
    r->applied_text = lc_arena_text(&r->applied_arena, read.applied);
    return true;
}

static bool
is_newer_than_committed(const lc_recovery *r)
{
    for (int i = 0; i < LC_CHANGELOGS; i++)
        if (r->applied.ends[i] > r->ends[i])
            return true;
    if (r->applied.kind == LC_APPLIED_WHOLE)
        for (int i = 0; i < r->worker->n_inputs; i++)
            if (r->applied.offsets[i] > r->offsets[i])
                return true;
    return false;
}

lc_step
lc_refill_read_applied(lc_recovery *r, GError **error)
{
    lc_step done = lc_recovery_ask(r, "Redis", lc_refill_ask_applied, error);

    if (done != LC_STEP_DONE)
        return done;
    if (!lc_applied_parse(r->applied_text, r->worker->options.input_names, r->worker->n_inputs, &r->applied_arena,
                          &r->applied))
        return lc_recovery_stop(r, error, "the position in Redis can't be read; 'leadclock rebuild' makes Redis anew");
    memcpy(r->reached, r->applied.sure, sizeof r->reached);
    memcpy(r->touched, r->applied.ends, sizeof r->touched);
    return LC_STEP_DONE;
}

static lc_step
stop_for_being_ahead(lc_recovery *r, GError **error)
{
    g_autofree char *committed = lc_applied_format(r->worker->options.input_names, r->offsets, r->ends, r->ends);
    g_autofree char *problem =
        g_strdup_printf("Redis is at \"%.*s\", ahead of Kafka, which has committed \"%s\": Kafka has lost data, or the "
                        "group was reset; "
                        "'leadclock rebuild' makes Redis anew from the changelogs, 'leadclock reset' starts anew",
                        LC_TEXT_ARGS(r->applied_text), committed);

    return lc_recovery_stop(r, error, problem);
}

lc_step
lc_refill_find_applied(lc_recovery *r, GError **error)
{
    if (r->was_newer && is_newer_than_committed(r))
        return stop_for_being_ahead(r, error);
    lc_step done = lc_refill_read_applied(r, error);
    if (done != LC_STEP_DONE)
        return done;
    r->was_newer = is_newer_than_committed(r);
    return r->was_newer ? LC_STEP_AGAIN : LC_STEP_DONE;
}

/* ---- Guarded writes ---- */

/* It may answer questions all the while: only what it does counts. */
lc_step
lc_refill_lose_store(lc_recovery *r, GError *problem, GError **error)
{
    r->worker->store_ready = false;
    if (r->refused_since_ms < 0)
        r->refused_since_ms = lc_worker_now_ms(r->worker);
    if (!lc_worker_may_wait(r->worker, problem, r->refused_since_ms)) {
        g_propagate_error(error, problem);
        return LC_STEP_FAILED;
    }
    r->partition->waits = true;
    lc_worker_complain(r->worker, "Redis", &problem);
    return LC_STEP_AGAIN;
}

lc_step
lc_refill_write_piece(lc_recovery *r, lc_store_write piece, char *next, GError **error)
{
    lc_store *store = r->worker->store;
    g_autofree char *position = next;
    GError *problem = NULL;

    piece.partition = r->partition->number;
    piece.expected = r->applied_text;
    piece.next = lc_text_of(position);
    piece.now = r->worker->time->wall(r->worker->time);
    if (!lc_store_write_begin(store, &piece, 1, &problem) || !lc_store_write_end(store, &problem))
        return lc_refill_lose_store(r, problem, error);
    if (!piece.written)
        return LC_STEP_AGAIN;
    g_free(r->written);
    r->written = g_steal_pointer(&position);
    r->applied_text = lc_text_of(r->written);
    return LC_STEP_DONE;
}

/* No position, or one that somebody set who was about to empty the store and may not have come to the end of it. */
static bool
is_to_be_emptied(const lc_recovery *r)
{
    const int64_t *sure = r->applied.sure;

    if (!LC_CHECKS(LC_CHECK_PIECES))
        return false;
    return r->applied.kind == LC_APPLIED_NONE ||
           (LC_CHECKS(LC_CHECK_EMPTYING) && r->applied.kind == LC_APPLIED_RECOVERING && sure[LC_CHANGELOG_STATE] == 0 &&
            sure[LC_CHANGELOG_COUNTERS] == 0);
}

static lc_step
unlink_some(lc_recovery *r, GError **error)
{
    lc_store *store = r->worker->store;
    lc_text *keys;
    size_t n;
    GError *problem = NULL;

    if (!lc_store_scan(store, r->partition->number, &r->cursor, &keys, &n, &problem))
        return lc_refill_lose_store(r, problem, error);
    if (n == 0)
        return LC_STEP_DONE;
    lc_step done = lc_refill_write_piece(r, (lc_store_write){.unlink_keys = keys, .n_unlink_keys = n},
                                         lc_applied_format_recovering(r->reached, r->reached), error);
    if (done == LC_STEP_DONE && r->n_replayed == 0)
        r->refused_since_ms = -1;
    return done;
}

lc_step
lc_refill_empty_store(lc_recovery *r, GError **error)
{
    lc_step done = LC_STEP_DONE;

    if (!r->is_emptying) {
        r->cursor = 0;
        done =
            lc_refill_write_piece(r, (lc_store_write){0}, lc_applied_format_recovering(r->reached, r->reached), error);
        r->is_emptying = done == LC_STEP_DONE;
    }
    while (r->is_emptying) {
        if (lc_recovery_is_turn_over(r))
            return lc_recovery_put_off(r, 0);
        done = unlink_some(r, error);
        r->is_emptying = done == LC_STEP_DONE && r->cursor != 0;
    }
    memcpy(r->touched, r->reached, sizeof r->touched);
    return done;
}

lc_step
lc_refill_empty_if_needed(lc_recovery *r, GError **error)
{
    if (!r->is_emptying)
        r->emptied = is_to_be_emptied(r);
    return r->emptied ? lc_refill_empty_store(r, error) : LC_STEP_DONE;
}

/* ---- The changelogs ---- */

static char *
position_of_piece(const lc_recovery *r)
{
    if (LC_CHECKS(LC_CHECK_PIECES))
        return lc_applied_format_recovering(r->reached, r->touched);
    return lc_text_is_absent(r->applied_text) ? NULL : g_strndup(r->applied_text.data, r->applied_text.size);
}

/* Only what was never reached before: to empty the store and to fill it as far again is no progress. */
static void
note_progress(lc_recovery *r, lc_changelog changelog)
{
    if (r->reached[changelog] <= r->furthest[changelog])
        return;
    r->furthest[changelog] = r->reached[changelog];
    r->refused_since_ms = -1;
}

static lc_step
flush_piece(lc_recovery *r, lc_changelog changelog, int64_t end, GError **error)
{
    r->touched[changelog] = MAX(r->touched[changelog], end);
    lc_store_write piece = {
        .leads = (const lc_lead_change *)(const void *)r->leads->data,
        .n_leads = r->leads->len,
        .counters = (const lc_counters_change *)(const void *)r->counters->data,
        .n_counters = r->counters->len,
    };
    lc_step done = r->leads->len + r->counters->len == 0 ? LC_STEP_DONE
                                                         : lc_refill_write_piece(r, piece, position_of_piece(r), error);

    /* Only now: what fails within a MULTI does not take the position with it. */
    if (done == LC_STEP_DONE) {
        r->reached[changelog] = MAX(r->reached[changelog], end);
        note_progress(r, changelog);
    }
    lc_recovery_forget_piece(r);
    lc_log_replay_release(r->worker->log);
    return done;
}

/* The slot of a key in the piece: the latest record of a key counts. */
static void *
piece_slot(lc_recovery *r, GArray *array, lc_text key)
{
    gpointer index = g_hash_table_lookup(r->piece, &key);

    if (index == NULL) {
        lc_text *own = lc_arena_new(&r->piece_arena, lc_text, 1);
        *own = key;
        g_array_set_size(array, array->len + 1);
        index = GUINT_TO_POINTER(array->len);
        g_hash_table_insert(r->piece, own, index);
    }
    return array->data + (GPOINTER_TO_UINT(index) - 1) * g_array_get_element_size(array);
}

static bool
take_state(lc_recovery *r, const lc_replayed *replayed, GError **error)
{
    lc_lead_change change = {replayed->key, replayed->value, LC_NEVER, true};

    if (!lc_text_is_absent(replayed->value) &&
        !lc_changelog_read_wake_at(lc_schemas_try(r->worker, replayed->value, error), replayed->value, &change.wake_at,
                                   error))
        return false;
    *(lc_lead_change *)piece_slot(r, r->leads, replayed->key) = change;
    return true;
}

static bool
take_counters(lc_recovery *r, const lc_replayed *replayed, GError **error)
{
    lc_counters_change change = {.population = lc_changelog_population(replayed->key)};

    if (!lc_text_is_absent(replayed->value) &&
        !lc_changelog_read_counts(lc_schemas_try(r->worker, replayed->value, error), replayed->value, &r->piece_arena,
                                  &change.counts, &change.n_counts, error))
        return false;
    *(lc_counters_change *)piece_slot(r, r->counters, replayed->key) = change;
    return true;
}

/* False: LC_ERROR_RETRY where its schema is not known yet. */
static bool
take_replayed(lc_recovery *r, lc_changelog changelog, const lc_replayed *replayed, GError **error)
{
    g_autoptr(GError) problem = NULL;
    bool taken =
        changelog == LC_CHANGELOG_STATE ? take_state(r, replayed, &problem) : take_counters(r, replayed, &problem);

    if (taken) {
        r->n_replayed++;
        r->piece_bytes += replayed->key.size + replayed->value.size + RECORD_BYTES;
        return true;
    }
    /* What can't be read in a changelog of ours is damage. */
    if (g_error_matches(problem, LC_ERROR, LC_ERROR_RECORD))
        problem->code = LC_ERROR_FATAL;
    if (g_error_matches(problem, LC_ERROR, LC_ERROR_FATAL))
        g_prefix_error(
            &problem, "changelog damaged: %s [%" PRId32 "], offset %" PRId64 " ('leadclock reset' starts anew): ",
            r->worker->options.output_names[lc_changelog_output(changelog)], r->partition->number, replayed->offset);
    g_propagate_error(error, g_steal_pointer(&problem));
    return false;
}

static void
tell_progress(lc_recovery *r, lc_changelog changelog, int64_t at)
{
    int64_t now_ms = lc_worker_now_ms(r->worker), end = r->ends[changelog];
    int64_t passed = at - r->replay_from, left = end - at;

    r->partition->rebuilt = at;
    r->partition->rebuild_end = end;
    r->partition->rebuild_left_ms = passed > 0 ? (now_ms - r->replay_began_ms) * left / passed : 0;
    lc_worker_publish_report(r->worker);
    if (r->worker->tell_rebuild)
        r->worker->tell_rebuild(r->partition->number, at, end, r->worker->rebuild_data);
    if (now_ms - r->told_ms < 2000)
        return;
    r->told_ms = now_ms;
    g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_INFO, "PARTITION", LC_NUMBER(r->partition->number), "RECORDS",
                     LC_NUMBER(r->n_replayed), "OFFSET", LC_NUMBER(at), "END", LC_NUMBER(end), "SECONDS_LEFT",
                     LC_NUMBER((r->partition->rebuild_left_ms + 999) / 1000), "MESSAGE",
                     "making Redis from the changelog");
}

/* What is at or above C is not of the pair that was fetched: nothing of it is written. Whose partition it is reads on
 * to the end, and so sees whether the pair is older than the changelog. */
static lc_step
take_or_cut(lc_recovery *r, lc_changelog changelog, GError **error)
{
    const lc_replayed *replayed = &r->untaken;
    GError *problem = NULL;

    if (replayed->offset < r->ends[changelog] || !LC_CHECKS(LC_CHECK_CUT)) {
        if (!take_replayed(r, changelog, replayed, &problem))
            return lc_recovery_wait_for(r, "the schema registry", problem, error);
    } else if (lc_recovery_is_ours(r) && LC_CHECKS(LC_CHECK_LOST_OFFSETS)) {
        r->beyond[changelog] = replayed->offset + 1;
    }
    r->has_untaken = false;
    lc_recovery_has_answer(r);
    return LC_STEP_DONE;
}

/* One is proof enough, and there may be any number of them: the pair is fetched again at once. */
static bool
is_beyond(const lc_recovery *r, lc_changelog changelog)
{
    return r->beyond[changelog] > r->ends[changelog];
}

/* The position reaches C only when what lies above C has been seen too: who recovers next is to see it again. */
static lc_step
flush_full_piece(lc_recovery *r, lc_changelog changelog, int64_t at, GError **error)
{
    if (at >= r->ends[changelog] - 1 ||
        (r->leads->len + r->counters->len < PIECE_RECORDS && r->piece_bytes < PIECE_BYTES))
        return LC_STEP_DONE;
    lc_step done = flush_piece(r, changelog, at + 1, error);
    if (done == LC_STEP_DONE)
        tell_progress(r, changelog, at);
    return done;
}

/* One record, or an end. Complete at an end at C or later, and for others than the owner after a record at C-1 or
 * later; an end below C ends nothing, because a transaction is still being decided there. */
static lc_step
replay_one(lc_recovery *r, lc_changelog changelog, bool *complete, GError **error)
{
    bool cut = LC_CHECKS(LC_CHECK_CUT), to_the_end = lc_recovery_is_ours(r) && LC_CHECKS(LC_CHECK_LOST_OFFSETS);
    int64_t end = r->ends[changelog];
    lc_replayed *replayed = &r->untaken;
    lc_replay_result result = LC_REPLAY_RECORD;
    g_autoptr(GError) problem = NULL;

    if (!r->has_untaken)
        result = lc_recovery_read_replay(r, replayed, &problem);
    if (problem) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return LC_STEP_FAILED;
    }
    if (result == LC_REPLAY_RECORD) {
        r->has_untaken = true;
        r->silent_ms = 0;
        r->came_ms = lc_worker_now_ms(r->worker);
        lc_step done = take_or_cut(r, changelog, error);
        *complete = is_beyond(r, changelog) || (cut && !to_the_end && replayed->offset >= end - 1);
        return done == LC_STEP_DONE ? flush_full_piece(r, changelog, replayed->offset, error) : done;
    }
    if (result == LC_REPLAY_END) {
        *complete = replayed->offset >= end;
        r->ends[changelog] = cut ? end : replayed->offset;
    }
    return *complete ? LC_STEP_DONE : lc_recovery_bear_silence(r, error);
}

static lc_step
replay_records(lc_recovery *r, lc_changelog changelog, GError **error)
{
    bool complete = false;

    while (!complete) {
        lc_step done = replay_one(r, changelog, &complete, error);
        if (done != LC_STEP_DONE)
            return done;
        if (!complete && r->came_ms >= r->turn_ends_ms)
            return lc_recovery_put_off(r, 0);
    }
    return is_beyond(r, changelog) ? LC_STEP_AGAIN : flush_piece(r, changelog, r->ends[changelog], error);
}

/* Of an empty store nothing tells how far it was: also where nothing is to be replayed, nothing may lie there. */
static bool
looks_beyond(const lc_recovery *r)
{
    return r->emptied && lc_recovery_is_ours(r) && LC_CHECKS(LC_CHECK_LOST_OFFSETS);
}

static lc_step
replay(lc_recovery *r, lc_changelog changelog, GError **error)
{
    bool is_first = !r->is_reading;

    if (is_first && r->reached[changelog] >= r->ends[changelog] && !looks_beyond(r))
        return LC_STEP_DONE;
    lc_step done = lc_recovery_start_reading(r, changelog, r->reached[changelog], error);
    if (done != LC_STEP_DONE)
        return done;
    if (is_first) {
        r->replay_from = r->reached[changelog];
        r->replay_began_ms = r->told_ms = lc_worker_now_ms(r->worker);
    }
    done = replay_records(r, changelog, error);
    if (done != LC_STEP_LATER)
        lc_recovery_stop_reading(r);
    return done;
}

lc_step
lc_refill_replay_states(lc_recovery *r, GError **error)
{
    return replay(r, LC_CHANGELOG_STATE, error);
}

lc_step
lc_refill_replay_counters(lc_recovery *r, GError **error)
{
    return replay(r, LC_CHANGELOG_COUNTERS, error);
}

lc_step
lc_refill_finish(lc_recovery *r, GError **error)
{
    return lc_refill_write_piece(
        r, (lc_store_write){0}, lc_applied_format(r->worker->options.input_names, r->offsets, r->ends, r->ends), error);
}
