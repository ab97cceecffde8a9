/* progress.h - of a command that takes long, on a terminal: facts, rate, share done. Private to this room. */
#pragma once

#include <leadclock/base.h>

typedef struct {
    bool shown;
    gint64 started, next; /* microseconds, monotonic */
} lc_progress;

void lc_progress_start(lc_progress *progress, bool shown);
/* Cheap enough for every fact. `share` negative: not known. */
void lc_progress_show(lc_progress *progress, uint64_t facts, double share);
/* Takes the line away, before something else is printed. */
void lc_progress_clear(lc_progress *progress);
