/* scan.h - a changelog read up to an end at one go, as tools do it; a recovery reads by turns (recovery.h). */
#pragma once

#include "worker.h"

typedef struct {
    lc_changelog changelog;
    int32_t partition;
    int64_t from, end;
} lc_scan;

typedef bool (*lc_scan_taker)(void *data, const lc_replayed *record, GError **error);

/* Gives `take` each committed record at `from` or later and below `end`; its texts are good until it returns. Where
 * nothing comes, a tool gives up (LC_ERROR_RETRY). False without an error: as of lc_worker_tend, or the assignment has
 * changed. */
bool lc_scan_changelog(lc_worker *worker, const lc_scan *scan, lc_scan_taker take, void *data, GError **error);
