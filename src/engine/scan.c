/* scan.c - a changelog read up to an end at one go. */
#include "scan.h"

#include "changelog.h"
#include "patience.h"

#define READ_MS 100
#define RELEASE_EVERY 1000 /* records */

static bool
open_replay(lc_worker *worker, void *argument, GError **error)
{
    const lc_scan *scan = argument;

    return lc_log_replay_open(worker->log, scan->changelog, scan->partition, scan->from, error);
}

/* Step 3c: complete after a record at `end` - 1 or later, or an end at `end` or later. */
static bool
is_complete(const lc_scan *scan, lc_replay_result result, const lc_replayed *record)
{
    return (result == LC_REPLAY_RECORD && record->offset >= scan->end - 1) ||
           (result == LC_REPLAY_END && record->offset >= scan->end);
}

/* One record, an end, or nothing. */
static bool
read_one(lc_worker *worker, const lc_scan *scan, lc_scan_taker take, void *data, bool *complete, GError **error)
{
    lc_replayed record = {0};
    g_autoptr(GError) problem = NULL;
    lc_replay_result result = lc_log_replay_read(worker->log, READ_MS, &record, &problem);

    if (problem) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return false;
    }
    *complete = is_complete(scan, result, &record);
    if (result == LC_REPLAY_RECORD) {
        lc_worker_got_on(worker);
        return record.offset >= scan->end || take(data, &record, error);
    }
    if (!*complete && lc_worker_gives_up(worker, worker->got_on_ms)) {
        lc_changelog_set_silent(error, worker->log, scan->partition);
        return false;
    }
    return true;
}

static bool
read_all(lc_worker *worker, const lc_scan *scan, lc_scan_taker take, void *data, GError **error)
{
    unsigned assignments = worker->assignments;
    bool complete = false;

    lc_worker_got_on(worker);
    for (size_t n = 1; !complete; n++) {
        if (!read_one(worker, scan, take, data, &complete, error))
            return false;
        if (n % RELEASE_EVERY == 0)
            lc_log_replay_release(worker->log);
        if (!lc_worker_tend(worker, 0, error) || worker->assignments != assignments)
            return false;
    }
    return true;
}

bool
lc_scan_changelog(lc_worker *worker, const lc_scan *scan, lc_scan_taker take, void *data, GError **error)
{
    lc_scan place = *scan;
    bool done = lc_worker_insist(worker, "a changelog", open_replay, &place, error) &&
                read_all(worker, scan, take, data, error);

    lc_log_replay_close(worker->log);
    return done;
}
