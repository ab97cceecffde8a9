/* system_time.c - the machine's clocks. */
#include <leadclock/engine.h>

#include <time.h>

static int64_t
read_clock(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static lc_instant
system_wall(lc_time *time)
{
    (void)time;
    return read_clock(CLOCK_REALTIME);
}

/* Goes on while the machine sleeps, as the wall clock does. */
static int64_t
system_monotonic_ms(lc_time *time)
{
    (void)time;
    return read_clock(CLOCK_BOOTTIME);
}

static void
system_sleep_ms(lc_time *time, int ms)
{
    (void)time;
    g_usleep((gulong)ms * 1000);
}

lc_time lc_system_time = {system_wall, system_monotonic_ms, system_sleep_ms};
