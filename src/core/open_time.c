/* Open time of a cycle, pauses aside. */
#include "open_time.h"

typedef lc_instant forward(const lc_calendar *calendar, lc_instant from, lc_duration amount);

/* Walks over the pauses: `go` without them, from the end of each with what is left. What ends at the beginning of one
 * ends there where `at_beginning`. */
static inline lc_instant
walk(forward *go, bool at_beginning, const lc_calendar *calendar, lc_pauses pauses, lc_instant from, lc_duration amount)
{
    for (const lc_pause *pause = pauses.items; pause < pauses.items + pauses.n; pause++) {
        if (pause->to <= from)
            continue;
        if (pause->from > from) {
            lc_instant end = go(calendar, from, amount);
            if (end < pause->from || (at_beginning && end == pause->from))
                return end;
            amount -= lc_calendar_between(calendar, from, pause->from);
        }
        if (pause->to == LC_NEVER)
            return LC_NEVER;
        from = pause->to;
    }
    return go(calendar, from, amount);
}

lc_instant
lc_open_due(const lc_calendar *calendar, lc_pauses pauses, lc_instant from, lc_duration amount)
{
    return walk(lc_calendar_add, true, calendar, pauses, from, amount);
}

lc_instant
lc_open_last(const lc_calendar *calendar, lc_pauses pauses, lc_instant from, lc_duration amount)
{
    return walk(lc_calendar_last, false, calendar, pauses, from, amount);
}

lc_instant
lc_open_moment(const lc_calendar *calendar, lc_pauses pauses, lc_instant from, lc_duration amount)
{
    return walk(lc_calendar_add, false, calendar, pauses, from, amount);
}

static lc_duration
between(const lc_calendar *calendar, lc_instant from, lc_instant to)
{
    return calendar ? lc_calendar_between(calendar, from, to) : MAX(to - from, 0);
}

lc_duration
lc_open_between(const lc_calendar *calendar, lc_pauses pauses, lc_instant from, lc_instant to)
{
    lc_duration open = between(calendar, from, to);

    for (const lc_pause *pause = pauses.items; pause < pauses.items + pauses.n; pause++)
        open -= between(calendar, MAX(from, pause->from), MIN(to, pause->to));
    return open;
}

lc_duration
lc_paused_ms(lc_pauses pauses, lc_instant until)
{
    lc_duration paused = 0;

    for (const lc_pause *pause = pauses.items; pause < pauses.items + pauses.n; pause++)
        paused += MAX(MIN(until, pause->to) - pause->from, 0);
    return paused;
}
