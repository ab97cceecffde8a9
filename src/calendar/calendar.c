#include "zone.h"

/* Windows follow each other without touching: closes[i] < opens[i + 1]. open_before[i] is the open time of all
 * windows before i; there are n_windows + 1 of them. */
struct lc_calendar {
    bool always;
    size_t n_windows;
    lc_instant *opens, *closes;
    lc_duration *open_before;
};

typedef struct {
    lc_instant opens, closes;
} lc_open_interval;

/* The instants before the first and after the last table day that a wall-clock day can still touch. */
#define LC_MARGIN_DAYS 2

static void
append_window(GArray *intervals, const lc_zone *zone, int64_t day, lc_window window)
{
    int64_t midnight = day * LC_DAY;
    lc_open_interval interval = {
        MAX(lc_zone_instants_of(zone, midnight + window.opens * LC_MINUTE).first, LC_FIRST_INSTANT),
        MIN(lc_zone_instants_of(zone, midnight + window.closes * LC_MINUTE).last, LC_LAST_INSTANT)};
    if (interval.opens < interval.closes)
        g_array_append_val(intervals, interval);
}

static GHashTable *
special_days_by_date(const lc_calendar_spec *spec)
{
    GHashTable *by_date = g_hash_table_new(NULL, NULL);
    for (unsigned i = 0; i < spec->n_special_days; i++)
        g_hash_table_insert(by_date, GINT_TO_POINTER(spec->special_days[i].date),
                            (gpointer)&spec->special_days[i].windows);
    return by_date;
}

static GArray *
intervals_of(const lc_calendar_spec *spec)
{
    GArray *intervals = g_array_sized_new(FALSE, FALSE, sizeof(lc_open_interval), 65536);
    g_autoptr(GHashTable) special_days = special_days_by_date(spec);
    int64_t last = LC_LAST_INSTANT / LC_DAY + LC_MARGIN_DAYS;
    for (int64_t day = LC_FIRST_INSTANT / LC_DAY - LC_MARGIN_DAYS; day <= last; day++) {
        /* 1970-01-01 was a Thursday. */
        const lc_day_windows *windows = &spec->week[(day + 3 + 7) % 7];
        const lc_day_windows *special = g_hash_table_lookup(special_days, GINT_TO_POINTER((int)day));
        windows = special ? special : windows;
        for (unsigned i = 0; i < windows->n_windows; i++)
            append_window(intervals, spec->zone, day, windows->windows[i]);
    }
    return intervals;
}

static int
compare_intervals(gconstpointer a, gconstpointer b)
{
    const lc_open_interval *left = a, *right = b;
    return (left->opens > right->opens) - (left->opens < right->opens);
}

/* Joins what touches or overlaps, so that time in two windows counts once (3.3). */
static size_t
merge(GArray *intervals)
{
    lc_open_interval *list = (lc_open_interval *)(void *)intervals->data;
    size_t merged = 0;
    for (size_t i = 0; i < intervals->len; i++) {
        if (merged > 0 && list[i].opens <= list[merged - 1].closes)
            list[merged - 1].closes = MAX(list[merged - 1].closes, list[i].closes);
        else
            list[merged++] = list[i];
    }
    return merged;
}

lc_calendar *
lc_calendar_new(const lc_calendar_spec *spec)
{
    g_autoptr(GArray) intervals = intervals_of(spec);
    /* A change of the clock can put the windows of one night out of order. */
    g_array_sort(intervals, compare_intervals);

    lc_calendar *calendar = g_new0(lc_calendar, 1);
    size_t n = calendar->n_windows = merge(intervals);
    calendar->opens = g_new(lc_instant, n + 1);
    calendar->closes = g_new(lc_instant, n + 1);
    calendar->open_before = g_new0(lc_duration, n + 1);
    for (size_t i = 0; i < n; i++) {
        lc_open_interval interval = g_array_index(intervals, lc_open_interval, i);
        calendar->opens[i] = interval.opens;
        calendar->closes[i] = interval.closes;
        calendar->open_before[i + 1] = calendar->open_before[i] + interval.closes - interval.opens;
    }
    return calendar;
}

lc_calendar *
lc_calendar_new_always(void)
{
    lc_calendar *calendar = g_new0(lc_calendar, 1);
    calendar->always = true;
    return calendar;
}

void
lc_calendar_free(lc_calendar *calendar)
{
    if (calendar == NULL)
        return;
    g_free(calendar->opens);
    g_free(calendar->closes);
    g_free(calendar->open_before);
    g_free(calendar);
}

bool
lc_calendar_is_always(const lc_calendar *calendar)
{
    return calendar->always;
}

/* How many of `sorted` are below `bound`. */
static size_t
count_below(const int64_t *sorted, size_t n, int64_t bound)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (sorted[middle] < bound)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The open time of all windows up to `instant`. */
static lc_duration
open_until(const lc_calendar *calendar, lc_instant instant)
{
    size_t begun = count_below(calendar->opens, calendar->n_windows, instant);
    if (begun == 0)
        return 0;
    lc_instant end = MIN(instant, calendar->closes[begun - 1]);
    return calendar->open_before[begun - 1] + end - calendar->opens[begun - 1];
}

static lc_instant
add_plain(lc_instant from, lc_duration amount)
{
    lc_instant sum;
    return __builtin_add_overflow(from, amount, &sum) || sum >= LC_LAST_INSTANT ? LC_NEVER : sum;
}

lc_instant
lc_calendar_add(const lc_calendar *calendar, lc_instant from, lc_duration amount)
{
    if (calendar->always || amount <= 0)
        return add_plain(from, MAX(amount, 0));
    lc_duration wanted;
    size_t n = calendar->n_windows;
    if (__builtin_add_overflow(open_until(calendar, from), amount, &wanted) || wanted > calendar->open_before[n])
        return LC_NEVER;
    /* Sums grow with every window: the first that reaches what is wanted ends the window where it runs out. */
    size_t window = count_below(calendar->open_before + 1, n, wanted);
    return add_plain(calendar->opens[window], wanted - calendar->open_before[window]);
}

lc_duration
lc_calendar_between(const lc_calendar *calendar, lc_instant from, lc_instant to)
{
    lc_duration difference;
    if (to <= from)
        return 0;
    if (!calendar->always)
        return open_until(calendar, to) - open_until(calendar, from);
    return __builtin_sub_overflow(to, from, &difference) ? LC_NEVER : difference;
}
