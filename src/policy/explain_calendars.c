/* explain_calendars.c - when a calendar is open. */
#include "explain.h"

static bool
same_windows(const lc_day_windows *a, const lc_day_windows *b)
{
    return a->n_windows == b->n_windows &&
           (a->n_windows == 0 || memcmp(a->windows, b->windows, a->n_windows * sizeof *a->windows) == 0);
}

/* 24:00 of one day, 02:00 of the next. */
static void
append_windows(GString *text, const lc_day_windows *day)
{
    for (unsigned i = 0; i < day->n_windows; i++) {
        lc_window window = day->windows[i];
        int closes = window.closes > 1440 ? window.closes - 1440 : window.closes;
        g_string_append_printf(text, "%s%02d:%02d-%02d:%02d", i ? " and " : " ", window.opens / 60, window.opens % 60,
                               closes / 60, closes % 60);
    }
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

/* "2026-12-24", or "12-24". */
static void
append_date(GString *text, int32_t date, bool yearly)
{
    char instant[LC_INSTANT_TEXT_BYTES];
    if (yearly)
        g_string_append_printf(text, "%02d-%02d", date / 100, date % 100);
    else
        g_string_append_printf(text, "%.10s", lc_instant_format(date * LC_DAY, instant));
}

/* What is closed in ranges or every year is told one by one, of other dates how many. */
static void
append_closed_days(GString *text, const lc_closed_days *days)
{
    g_string_append(text, days->yearly ? "; closed every year " : "; closed ");
    g_string_append(text, days->first == days->last ? "on " : "from ");
    append_date(text, days->first, days->yearly);
    if (days->first == days->last)
        return;
    g_string_append(text, " to ");
    append_date(text, days->last, days->yearly);
}

static void
append_dates(GString *text, const char *what, unsigned n)
{
    if (n)
        g_string_append_printf(text, "; %s on %u %s", what, n, n == 1 ? "date" : "dates");
}

static void
append_special_days(GString *text, const lc_calendar_spec *spec)
{
    unsigned closed = 0;
    for (unsigned i = 0; i < spec->n_special_days; i++)
        closed += spec->special_days[i].windows.n_windows == 0;
    append_dates(text, "closed", closed);
    append_dates(text, "other hours", spec->n_special_days - closed);
    for (unsigned i = 0; i < spec->n_yearly_days; i++) {
        const lc_yearly_day *day = &spec->yearly_days[i];
        g_string_append_printf(text, "; every year on %02d-%02d", day->month_and_day / 100, day->month_and_day % 100);
        if (day->windows.n_windows)
            append_windows(text, &day->windows);
        else
            g_string_append(text, " closed");
    }
}

static void
append_files(GString *text, const lc_document *document, guint calendar)
{
    for (guint i = 0; i < document->holiday_files->len; i++) {
        const lc_holiday_file *file = &g_array_index(document->holiday_files, lc_holiday_file, i);
        char last[LC_INSTANT_TEXT_BYTES];
        if (file->calendar != calendar)
            continue;
        g_string_append_printf(text, "; closed on the all-day events of %s", file->node->text.data);
        if (file->last != LC_NO_HOLIDAY)
            g_string_append_printf(text, ", the last of them on %.10s", lc_instant_format(file->last * LC_DAY, last));
    }
}

static void
explain_calendar(const lc_document *document, guint index, GString *text)
{
    const lc_named_calendar *named = &g_array_index(document->calendars, lc_named_calendar, index);
    g_string_append_printf(text, "  - %s: ", named->name);
    append_week(text, named->spec.week);
    g_string_append_printf(text, ", in %s", named->zone_name.data);
    append_special_days(text, &named->spec);
    for (unsigned i = 0; i < named->n_listed_days; i++)
        append_closed_days(text, &named->spec.closed_days[i]);
    append_files(text, document, index);
    g_string_append(text, ".\n");
}

void
lc_explain_calendars(const lc_document *document, GString *text)
{
    guint n = document->calendars->len;
    if (n > 1)
        g_string_append(text, "\nOpen time:\n");
    /* The first is `always`. */
    for (guint i = 1; i < n; i++)
        explain_calendar(document, i, text);
}
