/* recovery.c - a recovery: its life, how it waits, and the changelog that it reads. */
#include "recovery.h"

#include "changelog.h"
#include "patience.h"

#include <leadclock/text.h>

#include <inttypes.h>

#define SILENCE_MS 10000 /* of a changelog, before it is told */
#define DECIDED_MS 80000 /* the transaction time-out and 20 s (3e) */
#define ASK_AGAIN_MS 200
#define LISTEN_MS 10     /* for a changelog's records, where other partitions have something to do */
#define GIVE_WAY_MS 1000 /* a changelog of which nothing comes is put aside for another's */

lc_recovery *
lc_recovery_new(lc_worker *worker, lc_partition *partition)
{
    lc_recovery *r = g_new0(lc_recovery, 1);

    r->worker = worker;
    r->partition = partition;
    r->started_ms = lc_worker_now_ms(worker);
    r->waits_since_ms = r->refused_since_ms = -1;
    r->committed = lc_arena_new(&r->arena, lc_log_committed, (size_t)worker->n_inputs);
    r->offsets = lc_arena_new(&r->arena, int64_t, (size_t)worker->n_inputs);
    r->lows = lc_arena_new(&r->arena, int64_t, (size_t)worker->n_inputs);
    r->input_ends = lc_arena_new(&r->arena, int64_t, (size_t)worker->n_inputs);
    r->piece = g_hash_table_new(lc_text_key_hash, lc_text_key_equal);
    r->leads = g_array_new(FALSE, FALSE, sizeof(lc_lead_change));
    r->counters = g_array_new(FALSE, FALSE, sizeof(lc_counters_change));
    return r;
}

void
lc_recovery_forget_piece(lc_recovery *r)
{
    g_hash_table_remove_all(r->piece);
    g_array_set_size(r->leads, 0);
    g_array_set_size(r->counters, 0);
    r->piece_bytes = 0;
    r->has_untaken = false;
    lc_arena_reset(&r->piece_arena);
}

void
lc_recovery_stop_reading(lc_recovery *r)
{
    if (!r->has_replay)
        return;
    lc_recovery_forget_piece(r);
    lc_log_replay_close(r->worker->log);
    r->worker->is_replaying = r->has_replay = r->is_reading = false;
}

void
lc_recovery_free(lc_recovery *r)
{
    if (r == NULL)
        return;
    lc_recovery_stop_reading(r);
    g_hash_table_unref(r->piece);
    g_array_unref(r->leads);
    g_array_unref(r->counters);
    g_free(r->written);
    lc_arena_clear(&r->arena);
    lc_arena_clear(&r->pair_arena);
    lc_arena_clear(&r->applied_arena);
    lc_arena_clear(&r->piece_arena);
    g_free(r);
}

bool
lc_recovery_others_are_at_work(const lc_recovery *r)
{
    for (guint i = 0; i < r->worker->partitions->len; i++)
        if (!((const lc_partition *)r->worker->partitions->pdata[i])->must_recover)
            return true;
    return false;
}

bool
lc_recovery_is_turn_over(const lc_recovery *r)
{
    return lc_worker_now_ms(r->worker) >= r->turn_ends_ms;
}

lc_step
lc_recovery_put_off(lc_recovery *r, int delay_ms)
{
    r->delay_ms = delay_ms;
    return LC_STEP_LATER;
}

lc_step
lc_recovery_wait_for(lc_recovery *r, const char *what, GError *problem, GError **error)
{
    if (r->waits_since_ms < 0)
        r->waits_since_ms = lc_worker_now_ms(r->worker);
    if (!lc_worker_may_wait(r->worker, problem, r->waits_since_ms)) {
        g_propagate_error(error, problem);
        return LC_STEP_FAILED;
    }
    int delay_ms = lc_is_denied(problem) ? LC_RIGHT_AFTER_MS : ASK_AGAIN_MS;
    r->partition->waits = true;
    lc_worker_complain(r->worker, what, &problem);
    return lc_recovery_put_off(r, delay_ms);
}

lc_step
lc_recovery_ask(lc_recovery *r, const char *what, lc_recovery_question asked, GError **error)
{
    GError *problem = NULL;

    if (!asked(r, &problem))
        return lc_recovery_wait_for(r, what, problem, error);
    lc_recovery_has_answer(r);
    return LC_STEP_DONE;
}

void
lc_recovery_has_answer(lc_recovery *r)
{
    r->waits_since_ms = -1;
    r->partition->waits = r->refused_since_ms >= 0;
}

lc_step
lc_recovery_stop(lc_recovery *r, GError **error, const char *problem)
{
    g_set_error(error, LC_ERROR, LC_ERROR_FATAL, "partition %" PRId32 ": %s", r->partition->number, problem);
    return LC_STEP_FAILED;
}

bool
lc_recovery_is_ours(const lc_recovery *r)
{
    return lc_worker_partition(r->worker, r->partition->number) == r->partition;
}

/* ---- The changelogs, one at a time ---- */

static bool
open_replay(lc_recovery *r, lc_changelog changelog, int64_t from, GError **error)
{
    lc_log *log = r->worker->log;

    return lc_log_replay_open(log, changelog, r->partition->number, from, error);
}

/* The log replays one changelog at a time: one of which nothing comes is put aside where another is wanted. */
static lc_step
take_replay(lc_recovery *r)
{
    if (!r->has_replay && r->worker->is_replaying) {
        r->worker->replay_is_wanted = true;
        return lc_recovery_put_off(r, LISTEN_MS);
    }
    if (!r->has_replay) {
        r->worker->is_replaying = r->has_replay = true;
        r->worker->replay_is_wanted = false;
        r->taken_ms = lc_worker_now_ms(r->worker);
        r->came_ms = r->taken_ms - r->silent_ms;
    }
    return LC_STEP_DONE;
}

static lc_step
give_way(lc_recovery *r, lc_step otherwise)
{
    int64_t now_ms = lc_worker_now_ms(r->worker);

    if (!r->worker->replay_is_wanted || now_ms - MAX(r->came_ms, r->taken_ms) < GIVE_WAY_MS)
        return otherwise;
    r->silent_ms = now_ms - r->came_ms;
    lc_recovery_stop_reading(r);
    return lc_recovery_put_off(r, GIVE_WAY_MS);
}

lc_step
lc_recovery_start_reading(lc_recovery *r, lc_changelog changelog, int64_t from, GError **error)
{
    GError *problem = NULL;
    lc_step done = take_replay(r);

    if (done != LC_STEP_DONE || r->is_reading)
        return done;
    if (!open_replay(r, changelog, from, &problem)) {
        done = lc_recovery_wait_for(r, "a changelog", problem, error);
        return done == LC_STEP_LATER ? give_way(r, done) : done;
    }
    r->is_reading = true;
    r->waits_since_ms = -1;
    return LC_STEP_DONE;
}

lc_replay_result
lc_recovery_read_replay(lc_recovery *r, lc_replayed *replayed, GError **error)
{
    lc_log *log = r->worker->log;

    return lc_log_replay_read(log, lc_recovery_others_are_at_work(r) ? LISTEN_MS : LC_TURN_MS, replayed, error);
}

lc_step
lc_recovery_bear_silence(lc_recovery *r, GError **error)
{
    lc_worker *worker = r->worker;
    int64_t now_ms = lc_worker_now_ms(worker);

    if (lc_worker_gives_up(worker, r->came_ms)) {
        lc_changelog_set_silent(error, worker->log, r->partition->number);
        return LC_STEP_FAILED;
    }
    if (now_ms - r->came_ms >= SILENCE_MS) {
        r->partition->waits = true;
        lc_worker_complain(worker,
                           now_ms - r->started_ms > DECIDED_MS ? "a transaction on a changelog to be decided"
                                                               : "a changelog to be read to its end",
                           &(GError *){NULL});
    }
    return give_way(r, lc_recovery_put_off(r, LISTEN_MS));
}
