/* progress.c - the line that shows how far a long command is. */
#include "progress.h"

#include <stdio.h>

#define LOOK_EVERY 1024
#define SHOW_EVERY_US (G_USEC_PER_SEC / 5)

void
lc_progress_start(lc_progress *progress, bool shown)
{
    progress->shown = shown;
    progress->started = g_get_monotonic_time();
    progress->next = progress->started + SHOW_EVERY_US;
}

void
lc_progress_show(lc_progress *progress, uint64_t facts, double share)
{
    if (!progress->shown || facts % LOOK_EVERY != 0)
        return;
    gint64 now = g_get_monotonic_time();
    if (now < progress->next)
        return;
    progress->next = now + SHOW_EVERY_US;
    double rate = (double)facts * G_USEC_PER_SEC / (double)(now - progress->started);
    fprintf(stderr, "\r\033[K%" G_GUINT64_FORMAT " facts, %.0f/s", facts, rate);
    if (share >= 0)
        fprintf(stderr, ", %.0f %%", share * 100);
    fflush(stderr);
}

void
lc_progress_clear(lc_progress *progress)
{
    if (!progress->shown)
        return;
    fprintf(stderr, "\r\033[K");
    fflush(stderr);
}
