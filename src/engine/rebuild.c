/* rebuild.c - tools on the store: it is emptied, and made anew from the changelogs. */
#include "committed.h"
#include "patience.h"
#include "refill.h"
#include "restore.h"
#include "start.h"

static lc_step
finish(lc_recovery *r, const lc_recovery_stage *stages, GError **error)
{
    lc_step done;

    r->stage = 0;
    while ((done = lc_recovery_advance(r, stages, error)) == LC_STEP_LATER)
        if (!lc_worker_tend(r->worker, r->delay_ms, error))
            return LC_STEP_FAILED;
    return done == LC_STEP_LAST ? LC_STEP_DONE : done;
}

/* Whatever the store's position is, from now on it says that nothing is applied: whoever recovers next empties it. */
static lc_step
disown(lc_recovery *r, GError **error)
{
    const int64_t nothing[LC_CHANGELOGS] = {0, 0};
    lc_step done = lc_recovery_ask(r, "Redis", lc_refill_ask_applied, error);

    return done == LC_STEP_DONE
               ? lc_refill_write_piece(r, (lc_store_write){0}, lc_applied_format_recovering(nothing, nothing), error)
               : done;
}

/* Since it was disowned the store can be whole again only by a recovery from nothing: that of a live service will do.
 */
static lc_step
look_whether_whole(lc_recovery *r, GError **error)
{
    lc_step done = lc_refill_read_applied(r, error);

    return done == LC_STEP_DONE && r->applied.kind == LC_APPLIED_WHOLE ? LC_STEP_LAST : done;
}

/* Before Redis is emptied: it may have what a damaged changelog has not. */
static lc_step
check_beginning(lc_recovery *r, lc_changelog changelog, GError **error)
{
    lc_step done = lc_recovery_start_reading(r, changelog, 0, error);

    if (done != LC_STEP_LATER)
        lc_recovery_stop_reading(r);
    return done;
}

static lc_step
check_beginning_of_states(lc_recovery *r, GError **error)
{
    return check_beginning(r, LC_CHANGELOG_STATE, error);
}

static lc_step
check_beginning_of_counters(lc_recovery *r, GError **error)
{
    return check_beginning(r, LC_CHANGELOG_COUNTERS, error);
}

static bool
rebuild_partition(lc_worker *worker, lc_partition *partition, uint64_t *n_records, GError **error)
{
    static const lc_recovery_stage checks[] = {check_beginning_of_states, check_beginning_of_counters, NULL};
    static const lc_recovery_stage disowning[] = {disown, NULL};
    static const lc_recovery_stage restoring[] = {look_whether_whole, LC_RESTORE, NULL};
    lc_recovery *r = lc_recovery_new(worker, partition);
    bool done = finish(r, checks, error) == LC_STEP_DONE && finish(r, disowning, error) == LC_STEP_DONE &&
                finish(r, restoring, error) == LC_STEP_DONE;

    *n_records += r->n_replayed;
    lc_recovery_free(r);
    return done;
}

static bool
empty_partition(lc_worker *worker, lc_partition *partition, GError **error)
{
    static const lc_recovery_stage stages[] = {disown, lc_refill_empty_store, NULL};
    lc_recovery *r = lc_recovery_new(worker, partition);
    bool done = finish(r, stages, error) == LC_STEP_DONE;

    lc_recovery_free(r);
    return done;
}

bool
lc_worker_rebuild(lc_worker *worker, int32_t first, int32_t step, lc_tell_progress tell, void *data,
                  uint64_t *n_records, GError **error)
{
    bool done = lc_worker_prepare(worker, error);

    *n_records = 0;
    worker->tell_rebuild = tell;
    worker->rebuild_data = data;
    for (int32_t number = first; done && number < worker->partition_count; number += step) {
        lc_partition *partition = lc_partition_new(worker, number);
        done = rebuild_partition(worker, partition, n_records, error);
        if (done)
            tell(number, 1, 1, data);
        lc_partition_free(partition);
    }
    return done;
}

bool
lc_worker_empty(lc_worker *worker, GError **error)
{
    bool done = lc_worker_prepare_to_empty(worker, error);

    for (int32_t number = 0; done && number < worker->partition_count; number++) {
        lc_partition *partition = lc_partition_new(worker, number);
        done = empty_partition(worker, partition, error);
        lc_partition_free(partition);
    }
    return done;
}
