#include "zone.h"

/* `open_before`: the open time of all windows before it. */
typedef struct {
    lc_instant opens, closes;
    lc_duration open_before;
} lc_open_window;

/* For numbers that grow from window to window: of those in [0, size), the first `before[i]` windows lie below i * step.
 * So a search begins among the few windows of one step. */
typedef struct {
    int64_t step;
    size_t n_steps;
    uint32_t *before; /* n_steps + 1 */
} lc_steps;

/* Windows follow each other without touching: each closes before the next opens. */
struct lc_calendar {
    bool always;
    size_t n_windows;
    lc_open_window *windows;
    lc_duration open;      /* of all */
    lc_steps by_instant;   /* of `opens` */
    lc_steps by_open_time; /* of the open time up to the end of a window */
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

static int64_t
opens_at(const lc_open_window *window)
{
    return window->opens;
}

static int64_t
open_after(const lc_open_window *window)
{
    return window->open_before + window->closes - window->opens;
}

/* Of values below `size`; as many steps as windows. */
static lc_steps
make_steps(const lc_calendar *calendar, int64_t size, int64_t (*value)(const lc_open_window *window))
{
    lc_steps steps = {.step = size / (int64_t)MAX(calendar->n_windows, 1) + 1};
    steps.n_steps = (size_t)(size / steps.step) + 1;
    steps.before = g_new(uint32_t, steps.n_steps + 1);
    size_t window = 0;
    for (size_t i = 0; i <= steps.n_steps; i++) {
        while (window < calendar->n_windows && value(&calendar->windows[window]) < (int64_t)i * steps.step)
            window++;
        steps.before[i] = (uint32_t)window;
    }
    return steps;
}

lc_calendar *
lc_calendar_new(const lc_calendar_spec *spec)
{
    g_autoptr(GArray) intervals = intervals_of(spec);
    /* A change of the clock can put the windows of one night out of order. */
    g_array_sort(intervals, compare_intervals);

    lc_calendar *calendar = g_new0(lc_calendar, 1);
    size_t n = calendar->n_windows = merge(intervals);
    calendar->windows = g_new(lc_open_window, n);
    for (size_t i = 0; i < n; i++) {
        lc_open_interval interval = g_array_index(intervals, lc_open_interval, i);
        calendar->windows[i] = (lc_open_window){interval.opens, interval.closes, calendar->open};
        calendar->open += interval.closes - interval.opens;
    }
    calendar->by_instant = make_steps(calendar, LC_LAST_INSTANT, opens_at);
    calendar->by_open_time = make_steps(calendar, calendar->open, open_after);
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
    g_free(calendar->windows);
    g_free(calendar->by_instant.before);
    g_free(calendar->by_open_time.before);
    g_free(calendar);
}

bool
lc_calendar_is_always(const lc_calendar *calendar)
{
    return calendar->always;
}

/* How many windows have a value below `bound` (which is one of those that `steps` is made for). */
static inline size_t
count_below(const lc_calendar *calendar, const lc_steps *steps, int64_t bound,
            int64_t (*value)(const lc_open_window *window))
{
    size_t step = (size_t)(bound / steps->step), low = steps->before[step], high = steps->before[step + 1];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (value(&calendar->windows[middle]) < bound)
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
    if (instant <= LC_FIRST_INSTANT)
        return 0;
    if (instant >= LC_LAST_INSTANT)
        return calendar->open;
    size_t begun = count_below(calendar, &calendar->by_instant, instant, opens_at);
    if (begun == 0)
        return 0;
    const lc_open_window *window = &calendar->windows[begun - 1];
    return window->open_before + MIN(instant, window->closes) - window->opens;
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
    if (__builtin_add_overflow(open_until(calendar, from), amount, &wanted) || wanted > calendar->open)
        return LC_NEVER;
    /* The first window at whose end there was as much ends the wait. */
    const lc_open_window *window =
        &calendar->windows[count_below(calendar, &calendar->by_open_time, wanted, open_after)];
    return add_plain(window->opens, wanted - window->open_before);
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
