/* calendar.c - open time as windows in order, and arithmetic on it (3.1 to 3.4, 2.7). */
#include "days.h"

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

    lc_zone *zone;           /* for dates; NULL: always */
    lc_instant *last_closes; /* of the dates on which a window begins that is not empty (2.7), in order */
    uint32_t n_working_days;
    uint32_t *working_days_before; /* those before each of LC_DATES dates from LC_FIRST_DATE on */
};

typedef struct {
    lc_instant opens, closes;
} lc_open_interval;

static void
append_window(GArray *intervals, lc_instant opens, lc_instant closes)
{
    lc_open_interval interval = {MAX(opens, LC_FIRST_INSTANT), MIN(closes, LC_LAST_INSTANT)};
    if (interval.opens < interval.closes)
        g_array_append_val(intervals, interval);
}

/* The last closing time of the date; LC_ABSENT where no window begins on it but empty ones (3.3), or it lies before all
 * time. */
static lc_instant
append_date(GArray *intervals, const lc_zone *zone, int64_t date, const lc_day_windows *windows)
{
    lc_instant last = LC_ABSENT;
    for (unsigned i = 0; i < windows->n_windows; i++) {
        lc_window window = windows->windows[i];
        lc_instant opens = lc_zone_instants_of(zone, date * LC_DAY + window.opens * LC_MINUTE).first;
        lc_instant closes = lc_zone_instants_of(zone, date * LC_DAY + window.closes * LC_MINUTE).last;
        append_window(intervals, opens, closes);
        last = opens < closes && closes > LC_FIRST_INSTANT ? MAX(last, closes) : last;
    }
    return last;
}

/* All windows; and notes the working days. */
static GArray *
intervals_of(lc_calendar *calendar, const lc_calendar_spec *spec)
{
    GArray *intervals = g_array_sized_new(FALSE, FALSE, sizeof(lc_open_interval), 65536);
    g_autofree const lc_day_windows **days = lc_days_new(spec);
    calendar->last_closes = g_new(lc_instant, LC_DATES);
    calendar->working_days_before = g_new(uint32_t, LC_DATES);
    for (int i = 0; i < LC_DATES; i++) {
        lc_instant closes = append_date(intervals, spec->zone, LC_FIRST_DATE + i, days[i]);
        calendar->working_days_before[i] = calendar->n_working_days;
        if (closes != LC_ABSENT)
            calendar->last_closes[calendar->n_working_days++] = closes;
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
    lc_calendar *calendar = g_new0(lc_calendar, 1);
    calendar->zone = lc_zone_copy(spec->zone);
    g_autoptr(GArray) intervals = intervals_of(calendar, spec);
    /* A change of the clock, or a window over midnight, can put windows out of order. */
    g_array_sort(intervals, compare_intervals);

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
    g_free(calendar->last_closes);
    g_free(calendar->working_days_before);
    lc_zone_free(calendar->zone);
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

lc_instant
lc_calendar_last(const lc_calendar *calendar, lc_instant from, lc_duration amount)
{
    amount = MAX(amount, 0);
    if (calendar->always)
        return add_plain(from, amount);
    lc_duration allowed;
    if (__builtin_add_overflow(open_until(calendar, from), amount, &allowed) || allowed >= calendar->open)
        return LC_NEVER;
    /* The first window at whose end there was more is where it is used up, at its opening perhaps. */
    const lc_open_window *window =
        &calendar->windows[count_below(calendar, &calendar->by_open_time, allowed + 1, open_after)];
    return add_plain(window->opens, allowed - window->open_before);
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

static bool
is_before_cutoff(const lc_calendar *calendar, lc_instant instant, int64_t date, int cutoff)
{
    return cutoff == LC_NO_CUTOFF ||
           instant < lc_zone_instants_of(calendar->zone, date * LC_DAY + cutoff * LC_MINUTE).last;
}

/* The number of day 0 among the working days. */
static uint32_t
first_working_day(const lc_calendar *calendar, lc_instant from, int cutoff)
{
    int64_t date = lc_zone_date(calendar->zone, from);
    if (date < LC_FIRST_DATE)
        return 0;
    if (date >= LC_FIRST_DATE + LC_DATES - 1)
        return calendar->n_working_days;
    const uint32_t *before = &calendar->working_days_before[date - LC_FIRST_DATE];
    bool has_windows = before[1] > before[0];
    bool is_early =
        has_windows && from < calendar->last_closes[before[0]] && is_before_cutoff(calendar, from, date, cutoff);
    return has_windows && !is_early ? before[1] : before[0];
}

lc_instant
lc_calendar_working_days(const lc_calendar *calendar, lc_instant from, unsigned days, int cutoff)
{
    uint32_t first = first_working_day(calendar, from, cutoff);
    if (first >= calendar->n_working_days || days >= calendar->n_working_days - first)
        return LC_NEVER;
    return add_plain(calendar->last_closes[first + days], 0);
}
