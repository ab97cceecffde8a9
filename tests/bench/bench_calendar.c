/* bench_calendar.c - calendar arithmetic takes O(log windows): adding 20 years of open time costs as much as adding
 * one. Prints nanoseconds an operation; exit code 1 where 20 years take more than three times as long as one. */
#include <leadclock/calendar.h>

#include <stdio.h>

#define OPERATIONS 2000000

/* What is computed is summed up, so that none of it is left out. */
static volatile int64_t sink;

static lc_calendar *
office(void)
{
    static const lc_window hours[] = {{8 * 60, 12 * 60}, {13 * 60, 17 * 60}};
    g_autoptr(lc_zone) zone = lc_zone_new("Europe/Stockholm");
    lc_calendar_spec spec = {.zone = zone ? zone : lc_zone_new("UTC")};
    for (int day = 0; day < 5; day++)
        spec.week[day] = (lc_day_windows){hours, 2};
    return lc_calendar_new(&spec);
}

static lc_instant
start(uint32_t i)
{
    return (lc_instant)1500000000000 + (lc_instant)(i * 2654435761u) * 100;
}

static double
add_ns(const lc_calendar *calendar, lc_duration amount)
{
    int64_t begin = g_get_monotonic_time();
    for (uint32_t i = 0; i < OPERATIONS; i++)
        sink += lc_calendar_add(calendar, start(i), amount);
    return (double)(g_get_monotonic_time() - begin) * 1000 / OPERATIONS;
}

static double
between_ns(const lc_calendar *calendar, lc_duration span)
{
    int64_t begin = g_get_monotonic_time();
    for (uint32_t i = 0; i < OPERATIONS; i++)
        sink += lc_calendar_between(calendar, start(i), start(i) + span);
    return (double)(g_get_monotonic_time() - begin) * 1000 / OPERATIONS;
}

int
main(void)
{
    static const int years[] = {1, 2, 5, 10, 20};
    int64_t begin = g_get_monotonic_time();
    g_autoptr(lc_calendar) calendar = office();
    double first_add = 0, last_add = 0, first_between = 0, last_between = 0;
    printf("made for 1970 to 2100 in %.1f ms\n%5s %8s %12s\n", (double)(g_get_monotonic_time() - begin) / 1000, "years",
           "add, ns", "between, ns");
    for (size_t i = 0; i < G_N_ELEMENTS(years); i++) {
        /* A year has some 2,080 open hours. */
        last_add = add_ns(calendar, years[i] * 2080 * LC_HOUR);
        last_between = between_ns(calendar, years[i] * 365 * LC_DAY);
        first_add = i ? first_add : last_add;
        first_between = i ? first_between : last_between;
        printf("%5d %8.0f %12.0f\n", years[i], last_add, last_between);
    }
    return last_add > 3 * first_add || last_between > 3 * first_between;
}
