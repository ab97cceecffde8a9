/* Calendars against a slow model: every minute of some weeks is open or closed by the rules of section 3, and open time
 * is counted minute by minute. Wall-clock time comes from GTimeZone, one minute at a time.
 *
 * test_calendar_model [--seed N] [--cases N] */
#include <leadclock/calendar.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define DAYS 24
#define MINUTES (DAYS * 1440)
/* Windows are found within the model's weeks, so its first and last days are not asked about. */
#define MARGIN (3 * 1440)

/* Offsets of these are whole minutes since 1973. */
static const char *const zones[] = {
    "UTC",
    "Europe/Stockholm",
    "Europe/London",
    "Europe/Dublin",
    "Europe/Moscow",
    "America/New_York",
    "America/Havana",
    "America/Sao_Paulo",
    "America/Santiago",
    "America/St_Johns",
    "America/Asuncion",
    "Asia/Tehran",
    "Asia/Kathmandu",
    "Asia/Gaza",
    "Asia/Beirut",
    "Africa/Casablanca",
    "Africa/Cairo",
    "Australia/Sydney",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "Pacific/Apia",
    "Pacific/Kwajalein",
    "Pacific/Kiritimati",
    "Pacific/Chatham",
    "Antarctica/Troll",
    "America/Nuuk",
    "Atlantic/Azores",
};

static struct {
    gint64 seed;
    gint cases;
} options = {-1, 60};

typedef struct {
    lc_window windows[7][3];
    lc_special_day special_days[4];
    lc_yearly_day yearly_days[3];
    lc_window special_windows[4][2], yearly_windows[3][2];
    lc_closed_days closed_days[3];
    lc_calendar_spec spec;
    const char *zone;
    int64_t first;         /* minute since 1970 in UTC */
    int32_t wall[MINUTES]; /* minutes since `first` on the wall */
    bool open[MINUTES];
    int32_t open_before[MINUTES + 1];
    int last_closes[DAYS]; /* minute; -1: the date has no windows */
} lc_model;

/* ---- A random calendar ---- */

static unsigned
random_windows(GRand *random, lc_window *windows, unsigned most)
{
    unsigned n = 0;
    /* Half of the days are short windows in the hours at which clocks change. */
    bool night = g_rand_boolean(random);
    int at = g_rand_boolean(random) ? 0 : g_rand_int_range(random, 0, night ? 180 : 1200);
    while (n < most && at < 1440 && g_rand_int_range(random, 0, 8) > 0) {
        int length = night ? g_rand_int_range(random, 1, 90) : g_rand_int_range(random, 1, 9) * 60;
        /* Some of the last ones run over midnight. */
        int latest = g_rand_int_range(random, 0, 3) == 0 ? at + 1440 : 1440;
        int closes = g_rand_int_range(random, 0, 8) == 0 ? 1440 : MIN(at + length, latest);
        windows[n++] = (lc_window){(int16_t)at, (int16_t)closes};
        at = closes + (g_rand_boolean(random) ? 0 : g_rand_int_range(random, 0, night ? 60 : 300));
    }
    return n;
}

static void
random_special_days(GRand *random, lc_model *model)
{
    int32_t day = (int32_t)(model->first / 1440);
    for (unsigned i = 0; i < 4; i++) {
        day += g_rand_int_range(random, 1, 8);
        unsigned n = random_windows(random, model->special_windows[i], 2);
        model->special_days[i] = (lc_special_day){day, {model->special_windows[i], n}};
    }
    model->spec.special_days = model->special_days;
    model->spec.n_special_days = 4;
}

/* As 100 * month + day. */
static int
month_and_day(int64_t date)
{
    GDate day;
    g_date_set_julian(&day, (guint32)(date + 719163));
    return 100 * (int)g_date_get_month(&day) + g_date_get_day(&day);
}

static void
random_yearly_days(GRand *random, lc_model *model)
{
    int32_t day = (int32_t)(model->first / 1440);
    for (unsigned i = 0; i < 3; i++) {
        day += g_rand_int_range(random, 1, 9);
        unsigned n = random_windows(random, model->yearly_windows[i], 2);
        model->yearly_days[i] = (lc_yearly_day){month_and_day(day), {model->yearly_windows[i], n}};
    }
    model->spec.yearly_days = model->yearly_days;
    model->spec.n_yearly_days = (unsigned)g_rand_int_range(random, 0, 4);
}

static void
random_closed_days(GRand *random, lc_model *model)
{
    int32_t day = (int32_t)(model->first / 1440);
    for (unsigned i = 0; i < 3; i++) {
        bool yearly = g_rand_boolean(random);
        int32_t first = day + g_rand_int_range(random, 0, DAYS), last = first + g_rand_int_range(random, 0, 4);
        model->closed_days[i] =
            (lc_closed_days){yearly ? month_and_day(first) : first, yearly ? month_and_day(last) : last, yearly};
    }
    model->spec.closed_days = model->closed_days;
    model->spec.n_closed_days = (unsigned)g_rand_int_range(random, 0, 4);
}

static int
offset_minutes(GTimeZone *zone, int64_t minute)
{
    int interval = g_time_zone_find_interval(zone, G_TIME_TYPE_UNIVERSAL, minute * 60);
    return g_time_zone_get_offset(zone, interval) / 60;
}

/* Mostly such that the clock changes in the middle. */
static int64_t
random_start(GRand *random, const char *name, GTimeZone *zone)
{
    /* GTimeZone has Dublin wrong after 2037. */
    int years = strcmp(name, "Europe/Dublin") == 0 ? 64 : 128;
    int64_t start = (int64_t)g_rand_int_range(random, 365 * 4, 365 * years) * 1440;
    if (g_rand_int_range(random, 0, 4) == 0)
        return start;
    for (int day = 0; day < 400; day++)
        if (offset_minutes(zone, start + day * 1440) != offset_minutes(zone, start + (day + 1) * 1440))
            return start + (int64_t)(day - g_rand_int_range(random, 4, DAYS - 4)) * 1440;
    return start;
}

static void
random_calendar(GRand *random, lc_model *model, GTimeZone *zone)
{
    model->first = random_start(random, model->zone, zone);
    model->spec = (lc_calendar_spec){0};
    for (unsigned day = 0; day < 7; day++) {
        unsigned n = random_windows(random, model->windows[day], 3);
        model->spec.week[day] = (lc_day_windows){model->windows[day], n};
    }
    random_special_days(random, model);
    random_yearly_days(random, model);
    random_closed_days(random, model);
}

/* ---- The model ---- */

/* The first or the last minute at which the wall shows `wall`; where it never does, the one at which it passes it. */
static int
minute_of(const lc_model *model, int32_t wall, bool last)
{
    int found = -1, passed = -1;
    for (int i = 0; i < MINUTES; i++) {
        if (model->wall[i] == wall && (last || found < 0))
            found = i;
        if (i > 0 && model->wall[i - 1] < wall && model->wall[i] > wall)
            passed = i;
    }
    return found >= 0 ? found : passed;
}

static void
open_windows(lc_model *model, int32_t day, const lc_day_windows *windows)
{
    model->last_closes[day] = -1;
    for (unsigned i = 0; i < windows->n_windows; i++) {
        int from = minute_of(model, day * 1440 + windows->windows[i].opens, false);
        int to = minute_of(model, day * 1440 + windows->windows[i].closes, true);
        for (int minute = from; from >= 0 && minute < to; minute++)
            model->open[minute] = true;
        if (from >= 0 && from < to)
            model->last_closes[day] = MAX(model->last_closes[day], to);
    }
}

static bool
is_closed(const lc_closed_days *days, int64_t date)
{
    int64_t at = days->yearly ? month_and_day(date) : date;
    return days->last < days->first ? at >= days->first || at <= days->last : at >= days->first && at <= days->last;
}

/* Rule 3.5. */
static lc_day_windows
windows_of(const lc_calendar_spec *spec, int64_t date)
{
    for (unsigned i = 0; i < spec->n_special_days; i++)
        if (spec->special_days[i].date == date)
            return spec->special_days[i].windows;
    for (unsigned i = 0; i < spec->n_yearly_days; i++)
        if (spec->yearly_days[i].month_and_day == month_and_day(date))
            return spec->yearly_days[i].windows;
    for (unsigned i = 0; i < spec->n_closed_days; i++)
        if (is_closed(&spec->closed_days[i], date))
            return (lc_day_windows){NULL, 0};
    return spec->week[(date + 3) % 7];
}

static void
build_model(lc_model *model, GTimeZone *zone)
{
    int64_t first_day = model->first / 1440;
    memset(model->open, 0, sizeof model->open);
    for (int i = 0; i < MINUTES; i++)
        model->wall[i] = i + offset_minutes(zone, model->first + i);
    for (int32_t day = 1; day < DAYS - 1; day++) {
        lc_day_windows windows = windows_of(&model->spec, first_day + day);
        open_windows(model, day, &windows);
    }
    model->open_before[0] = 0;
    for (int i = 0; i < MINUTES; i++)
        model->open_before[i + 1] = model->open_before[i] + model->open[i];
}

static lc_duration
model_open_until(const lc_model *model, lc_instant instant)
{
    lc_duration since = instant - model->first * LC_MINUTE;
    int minute = (int)(since / LC_MINUTE);
    return model->open_before[minute] * LC_MINUTE + (model->open[minute] ? since % LC_MINUTE : 0);
}

static lc_instant
model_add(const lc_model *model, lc_instant from, lc_duration amount)
{
    lc_duration since = from - model->first * LC_MINUTE;
    for (int minute = (int)(since / LC_MINUTE); minute < MINUTES - MARGIN; minute++) {
        lc_duration here = model->open[minute] ? LC_MINUTE - since % LC_MINUTE : 0;
        if (here >= amount)
            return from + amount;
        amount -= here;
        from += LC_MINUTE - since % LC_MINUTE;
        since += LC_MINUTE - since % LC_MINUTE;
    }
    return LC_NEVER;
}

/* The minute at which `days` working days end (2.7); -1: not within the model's weeks. */
static int
model_working_days(const lc_model *model, int from, unsigned days, int cutoff)
{
    int day = model->wall[from] / 1440;
    bool is_late = model->last_closes[day] < 0 || from >= model->last_closes[day] ||
                   (cutoff != LC_NO_CUTOFF && from >= minute_of(model, day * 1440 + cutoff, true));
    for (day += is_late; day < DAYS - 2; day++)
        if (model->last_closes[day] >= 0 && days-- == 0)
            return model->last_closes[day];
    return -1;
}

/* ---- The property ---- */

static lc_instant
random_instant(GRand *random, const lc_model *model)
{
    int minute = g_rand_int_range(random, MARGIN, MINUTES - MARGIN);
    lc_instant instant = (model->first + minute) * LC_MINUTE;
    return g_rand_boolean(random) ? instant : instant + g_rand_int_range(random, 0, 60000);
}

static void
check_one(GRand *random, const lc_model *model, const lc_calendar *calendar)
{
    lc_instant a = random_instant(random, model), b = random_instant(random, model);
    lc_duration expected = MAX(0, model_open_until(model, MAX(a, b)) - model_open_until(model, a));
    assert_int_equal(lc_calendar_between(calendar, a, b), expected);

    lc_duration amount = g_rand_int_range(random, 1, 600) * (g_rand_boolean(random) ? LC_MINUTE : 777);
    lc_instant due = model_add(model, a, amount);
    if (due != LC_NEVER)
        assert_int_equal(lc_calendar_add(calendar, a, amount), due);
    if (b > a && expected > 0) {
        assert_int_equal(lc_calendar_add(calendar, a, expected), model_add(model, a, expected));
        assert_true(lc_calendar_add(calendar, a, expected) <= b);
    }
}

static void
check_last(GRand *random, const lc_model *model, const lc_calendar *calendar)
{
    lc_instant from = random_instant(random, model);
    lc_duration amount = g_rand_int_range(random, 0, 600) * (g_rand_boolean(random) ? LC_MINUTE : 777);
    lc_instant last = lc_calendar_last(calendar, from, amount);
    if (last == LC_NEVER)
        return;
    assert_true(last >= from && last >= lc_calendar_add(calendar, from, amount));
    assert_true(lc_calendar_between(calendar, from, last) <= amount);
    assert_true(lc_calendar_between(calendar, from, last + 1) > amount);
}

static void
check_working_days(GRand *random, const lc_model *model, const lc_calendar *calendar)
{
    lc_instant from = random_instant(random, model);
    unsigned days = (unsigned)g_rand_int_range(random, 0, 6);
    int cutoff = g_rand_boolean(random) ? LC_NO_CUTOFF : g_rand_int_range(random, 0, 1441);
    int minute = model_working_days(model, (int)(from / LC_MINUTE - model->first), days, cutoff);
    if (minute < 0)
        return;
    lc_instant due = (model->first + minute) * LC_MINUTE;
    assert_int_equal(lc_calendar_working_days(calendar, from, days, cutoff), due);
    assert_int_equal(lc_calendar_add(calendar, from, lc_calendar_between(calendar, from, due)), due);
}

static void
calendars_agree_with_a_minute_by_minute_model(void **state)
{
    g_autoptr(GRand) random = g_rand_new_with_seed((guint32)options.seed);
    g_autofree lc_model *model = g_new0(lc_model, 1);
    (void)state;
    for (int i = 0; i < options.cases; i++) {
        model->zone = zones[g_rand_int_range(random, 0, G_N_ELEMENTS(zones))];
        g_autoptr(GTimeZone) source = g_time_zone_new_identifier(model->zone);
        g_autoptr(lc_zone) zone = lc_zone_new(model->zone);
        char text[LC_INSTANT_TEXT_BYTES];
        assert_non_null(source);
        random_calendar(random, model, source);
        model->spec.zone = zone;
        print_message("%d: %s from %s\n", i, model->zone, lc_instant_format(model->first * LC_MINUTE, text));
        build_model(model, source);
        g_autoptr(lc_calendar) calendar = lc_calendar_new(&model->spec);
        for (int j = 0; j < 200; j++) {
            check_one(random, model, calendar);
            check_last(random, model, calendar);
        }
        for (int j = 0; j < 50; j++)
            check_working_days(random, model, calendar);
    }
}

int
main(int argc, char **argv)
{
    const GOptionEntry entries[] = {{"seed", 0, 0, G_OPTION_ARG_INT64, &options.seed, "Replay this seed", "N"},
                                    {"cases", 0, 0, G_OPTION_ARG_INT, &options.cases, "Calendars to try", "N"},
                                    {NULL}};
    const struct CMUnitTest tests[] = {cmocka_unit_test(calendars_agree_with_a_minute_by_minute_model)};
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, NULL))
        return 2;
    if (options.seed < 0)
        options.seed = g_random_int();
    printf("--seed %" G_GINT64_FORMAT "\n", options.seed);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
