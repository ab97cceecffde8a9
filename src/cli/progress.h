/* progress.h - how far a command is that takes long. On a terminal a line that is written over and over; elsewhere, in
 * a log or what cron mails, a line every 10 s, so that what ends sooner says nothing. Private to this room. */
#pragma once

#include <leadclock/base.h>

typedef struct {
    const char *what;
    bool rewrites, tells;
    gint64 started, next; /* microseconds, monotonic */
} lc_progress;

/* `what` is counted: "facts", static; NULL where partitions alone are told of. `alone`: nothing else that it prints
 * meanwhile goes to the terminal of standard error; otherwise nothing is shown on one. */
void lc_progress_start(lc_progress *progress, const char *what, bool alone);
/* `done` so far; `share` negative: not known. */
void lc_progress_show(lc_progress *progress, uint64_t done, double share);
/* The same, cheap enough for every fact: looks at the clock now and then. */
void lc_progress_count(lc_progress *progress, uint64_t done, double share);
/* An lc_tell_progress, whose data is the lc_progress. */
void lc_progress_tell_partition(int32_t partition, int64_t at, int64_t end, void *progress);
/* Takes the line away, before something else is printed. */
void lc_progress_clear(lc_progress *progress);
