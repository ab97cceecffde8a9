/* explain_calendars.c - when a calendar is open. */
#include "explain.h"

static bool
same_windows(const lc_day_windows *a, const lc_day_windows *b)
{
    return a->n_windows == b->n_windows &&
           (a->n_windows == 0 || memcmp(a->windows, b->windows, a->n_windows * sizeof *a->windows) == 0);
}

static void
append_windows(GString *text, const lc_day_windows *day)
{
    for (unsigned i = 0; i < day->n_windows; i++)
        g_string_append_printf(text, "%s%02d:%02d-%02d:%02d", i ? " and " : " ", day->windows[i].opens / 60,
                               day->windows[i].opens % 60, day->windows[i].closes / 60, day->windows[i].closes % 60);
}

/* Days with the same hours are told together: "Mon to Thu 08:00-12:00 and 13:00-17:00, Fri 08:00-16:00". */
static void
append_week(GString *text, const lc_day_windows *week)
{
    static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    const char *between = "";
    for (size_t first = 0, last; first < 7; first = last + 1) {
        last = first;
        while (last < 6 && same_windows(&week[first], &week[last + 1]))
            last++;
        if (week[first].n_windows == 0)
            continue;
        g_string_append_printf(text, "%s%s", between, days[first]);
        if (last > first)
            g_string_append_printf(text, "%s%s", last > first + 1 ? " to " : ", ", days[last]);
        append_windows(text, &week[first]);
        between = ", ";
    }
}

static void
explain_calendar(const lc_named_calendar *named, GString *text)
{
    unsigned closed = 0, special = 0;
    for (unsigned i = 0; i < named->spec.n_special_days; i++)
        if (named->spec.special_days[i].windows.n_windows == 0)
            closed++;
        else
            special++;
    g_string_append_printf(text, "  - %s: ", named->name);
    append_week(text, named->spec.week);
    g_string_append_printf(text, ", in %s", named->zone_name.data);
    if (closed)
        g_string_append_printf(text, "; closed on %u %s", closed, closed == 1 ? "date" : "dates");
    if (special)
        g_string_append_printf(text, "; other hours on %u %s", special, special == 1 ? "date" : "dates");
    g_string_append(text, ".\n");
}

void
lc_explain_calendars(const lc_document *document, GString *text)
{
    const GArray *calendars = document->calendars;
    if (calendars->len > 1)
        g_string_append(text, "\nOpen time:\n");
    /* The first is `always`. */
    for (guint i = 1; i < calendars->len; i++)
        explain_calendar(&g_array_index(calendars, lc_named_calendar, i), text);
}
