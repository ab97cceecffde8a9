/* progress.c - the line that shows how far a long command is. */
#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define LOOK_EVERY 64 /* done: few enough where they come slowly */
#define REWRITE_EVERY_US (G_USEC_PER_SEC / 5)
#define TELL_EVERY_US (10 * G_USEC_PER_SEC)

static gint64
interval(const lc_progress *progress)
{
    return progress->rewrites ? REWRITE_EVERY_US : TELL_EVERY_US;
}

void
lc_progress_start(lc_progress *progress, const char *what, bool alone)
{
    bool on_terminal = isatty(STDERR_FILENO);

    progress->what = what;
    progress->rewrites = on_terminal && alone;
    progress->tells = !on_terminal || alone;
    progress->started = g_get_monotonic_time();
    progress->next = progress->started + interval(progress);
}

static bool
is_time(lc_progress *progress, gint64 now)
{
    if (!progress->tells || now < progress->next)
        return false;
    progress->next = now + interval(progress);
    return true;
}

static void
say(const lc_progress *progress, const char *line)
{
    fprintf(stderr, progress->rewrites ? "\r\033[K%s" : "%s\n", line);
    fflush(stderr);
}

void
lc_progress_show(lc_progress *progress, uint64_t done, double share)
{
    gint64 now = g_get_monotonic_time();
    if (!is_time(progress, now))
        return;
    g_autoptr(GString) line = g_string_new(NULL);
    double rate = (double)done * G_USEC_PER_SEC / (double)(now - progress->started);
    g_string_printf(line, "%" PRIu64 " %s, %.0f/s", done, progress->what, rate);
    if (share >= 0)
        g_string_append_printf(line, ", %.0f %%", share * 100);
    say(progress, line->str);
}

void
lc_progress_count(lc_progress *progress, uint64_t done, double share)
{
    if (done % LOOK_EVERY == 0)
        lc_progress_show(progress, done, share);
}

void
lc_progress_tell_partition(int32_t partition, int64_t at, int64_t end, void *data)
{
    lc_progress *progress = data;
    char line[64];

    if (!is_time(progress, g_get_monotonic_time()))
        return;
    g_snprintf(line, sizeof line, "partition %" PRId32 ": %.0f %%", partition,
               100.0 * (double)at / (double)MAX(end, 1));
    say(progress, line);
}

void
lc_progress_clear(lc_progress *progress)
{
    if (!progress->rewrites)
        return;
    fprintf(stderr, "\r\033[K");
    fflush(stderr);
}
