/* days.c - which windows begin on each date: full dates before those of every year before ranges (3.5). */
#include "days.h"

static const lc_day_windows closed;

/* ---- Every year: a slot for each month and day ---- */

#define SLOTS 1232

typedef struct {
    const lc_day_windows *of[SLOTS]; /* by 100 * month + day; NULL: as any other day */
} lc_year;

static void
close_every_year(lc_year *year, const lc_closed_days *days)
{
    bool over_new_year = days->last < days->first;
    for (int32_t slot = 0; slot < SLOTS; slot++)
        if (over_new_year ? slot >= days->first || slot <= days->last : slot >= days->first && slot <= days->last)
            year->of[slot] = &closed;
}

static lc_year *
make_year(const lc_calendar_spec *spec)
{
    lc_year *year = g_new0(lc_year, 1);
    for (unsigned i = 0; i < spec->n_closed_days; i++)
        if (spec->closed_days[i].yearly)
            close_every_year(year, &spec->closed_days[i]);
    for (unsigned i = 0; i < spec->n_yearly_days; i++)
        year->of[spec->yearly_days[i].month_and_day] = &spec->yearly_days[i].windows;
    return year;
}

/* ---- Ranges: how many more of them there are on a date than on the one before ---- */

static int *
count_ranges(const lc_calendar_spec *spec)
{
    int *changes = g_new0(int, LC_DATES + 1);
    for (unsigned i = 0; i < spec->n_closed_days; i++) {
        const lc_closed_days *days = &spec->closed_days[i];
        if (days->yearly || days->last < LC_FIRST_DATE || days->first >= LC_FIRST_DATE + LC_DATES)
            continue;
        changes[MAX(days->first - LC_FIRST_DATE, 0)]++;
        changes[MIN(days->last - LC_FIRST_DATE, LC_DATES - 1) + 1]--;
    }
    return changes;
}

/* ---- All together ---- */

static const lc_day_windows *
windows_of(const lc_calendar_spec *spec, const lc_year *year, bool in_range, int date)
{
    int64_t number;
    int month, day;
    lc_date_from_days(date, &number, &month, &day);
    const lc_day_windows *of_year = year->of[100 * month + day];
    if (of_year && of_year != &closed)
        return of_year;
    if (of_year || in_range)
        return &closed;
    /* 1970-01-01 was a Thursday. */
    return &spec->week[(date + 3 + 7) % 7];
}

const lc_day_windows **
lc_days_new(const lc_calendar_spec *spec)
{
    const lc_day_windows **days = g_new(const lc_day_windows *, LC_DATES);
    g_autofree lc_year *year = make_year(spec);
    g_autofree int *changes = count_ranges(spec);
    int ranges = 0;
    for (int i = 0; i < LC_DATES; i++) {
        ranges += changes[i];
        days[i] = windows_of(spec, year, ranges > 0, LC_FIRST_DATE + i);
    }
    for (unsigned i = 0; i < spec->n_special_days; i++) {
        int at = spec->special_days[i].date - LC_FIRST_DATE;
        if (at >= 0 && at < LC_DATES)
            days[at] = &spec->special_days[i].windows;
    }
    return days;
}
