/* test_calendar.c - open time: what is due when, zones, texts of instants and durations. */
#include <leadclock/calendar.h>

#include <stdio.h>

#include "asserting.h"

/* ---- Text ---- */

static const struct {
    const char *text;
    lc_instant instant;
} instants[] = {
    {"1970-01-01T00:00:00Z", 0},
    {"2026-02-02T09:00:00Z", 1770022800000},
    {"2026-02-02T10:00:00+01:00", 1770022800000},
    {"2026-02-02T04:00:00-0500", 1770022800000},
    {"2026-02-02T14:30:00+05:30", 1770022800000},
    {"2026-02-02T10:00:00.250+01", 1770022800250},
    {"2026-02-02T09:00:00.2509999Z", 1770022800250},
    {"2026-02-02T09:00:00,25Z", 1770022800250},
    {"2026-02-02 09:00Z", 1770022800000},
    {"2024-02-29T00:00:00Z", 1709164800000},
    {"1969-12-31T23:59:59.999Z", -1},
    {"1969-12-31T23:59:59.9999Z", -1},
    {"2016-12-31T23:59:60Z", 1483228800000},
    {"0000-01-01T00:00:00Z", -62167219200000},
    {"9999-12-31T23:59:59.999Z", 253402300799999},
};

static void
instants_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(instants); i++) {
        lc_instant instant = 42;
        print_message("%s\n", instants[i].text);
        assert_true(lc_instant_parse(instants[i].text, &instant));
        assert_int_equal(instant, instants[i].instant);
    }
}

static void
what_is_no_instant_is_refused_and_the_output_untouched(void **state)
{
    static const char *const wrong[] = {"",
                                        "2026",
                                        "2026-02-02",
                                        "2026-02-02T09:00:00",
                                        "2026-02-02T09:00:00Zx",
                                        "2026-02-30T00:00:00Z",
                                        "2025-02-29T00:00:00Z",
                                        "2026-13-01T00:00:00Z",
                                        "2026-00-01T00:00:00Z",
                                        "2026-01-00T00:00:00Z",
                                        "2026-01-01T24:00:00Z",
                                        "2026-01-01T09:60:00Z",
                                        "2026-01-01T09:00:61Z",
                                        "2026-01-01T09:00:00+25:00",
                                        "2026-01-01T09:00:00+01:0",
                                        "2026-01-01T09:00:00 01:00",
                                        "26-01-01T09:00:00Z",
                                        "2026-1-01T09:00:00Z",
                                        "+026-01-01T09:00:00Z",
                                        "2026-01-01T09:00:00+0160",
                                        "2026-01-01TT9:00:00Z",
                                        "2026-01-01T09Z"};
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        lc_instant instant = 42;
        print_message("%s\n", wrong[i]);
        assert_false(lc_instant_parse(wrong[i], &instant));
        assert_int_equal(instant, 42);
    }
}

static void
instants_are_written(void **state)
{
    static const struct {
        lc_instant instant;
        const char *text;
    } cases[] = {{0, "1970-01-01T00:00:00.000Z"},
                 {-1, "1969-12-31T23:59:59.999Z"},
                 {1770022800250, "2026-02-02T09:00:00.250Z"},
                 {253402300799999, "9999-12-31T23:59:59.999Z"},
                 {-62135596800001, "0000-12-31T23:59:59.999Z"},
                 {-62162121600000, "0000-02-29T00:00:00.000Z"},
                 {-62167219200001, "-1-12-31T23:59:59.999Z"},
                 {253402300800000, "+10000-01-01T00:00:00.000Z"},
                 {LC_NEVER, "+292278994-08-17T07:12:55.807Z"},
                 {LC_ABSENT, "-292275055-05-16T16:47:04.192Z"}};
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        char text[LC_INSTANT_TEXT_BYTES];
        assert_string_equal(lc_instant_format(cases[i].instant, text), cases[i].text);
    }
}

static int
days_of(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

static void
each_day_is_written_as_the_one_after_the_day_before(void **state)
{
    (void)state;
    char text[LC_INSTANT_TEXT_BYTES], expected[64];
    lc_instant instant;
    assert_true(lc_instant_parse("1200-01-01T23:59:59.999Z", &instant));
    for (int year = 1200; year <= 2800; year++)
        for (int month = 1; month <= 12; month++)
            for (int day = 1; day <= days_of(year, month); day++, instant += LC_DAY) {
                g_snprintf(expected, sizeof expected, "%04d-%02d-%02dT23:59:59.999Z", year, month, day);
                assert_string_equal(lc_instant_format(instant, text), expected);
            }
}

static const struct {
    const char *text;
    lc_duration duration;
    bool has_days;
} durations[] = {
    {"5m", 5 * LC_MINUTE, false},
    {"0s", 0, false},
    {"24h", 24 * LC_HOUR, false},
    {"1h30m", 90 * LC_MINUTE, false},
    {"1w2d3h4m5s", 9 * LC_DAY + 3 * LC_HOUR + 4 * LC_MINUTE + 5 * LC_SECOND, true},
    {"007d", 7 * LC_DAY, true},
    {"36525d", 36525 * LC_DAY, true},
};

static void
durations_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(durations); i++) {
        lc_duration duration;
        bool has_days;
        print_message("%s\n", durations[i].text);
        assert_true(lc_duration_parse(durations[i].text, &duration, &has_days));
        assert_int_equal(duration, durations[i].duration);
        assert_int_equal(has_days, durations[i].has_days);
        assert_true(lc_duration_parse(durations[i].text, &duration, NULL));
    }
}

static void
what_is_no_duration_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",   "5",    "m", "5 m", "-5m", "5m ", "1.5h", "5ms", "36525d1s", "5218w", "99999999999999999999s",
        "5M", "1h30", "h5"};
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        lc_duration duration = 42;
        print_message("%s\n", wrong[i]);
        assert_false(lc_duration_parse(wrong[i], &duration, NULL));
        assert_int_equal(duration, 42);
    }
}

static void
durations_are_written(void **state)
{
    static const struct {
        lc_duration duration;
        const char *text, *open_time;
    } cases[] = {{0, "0s", "0s"},
                 {250, "250ms", "250ms"},
                 {LC_DAY + 2 * LC_HOUR + 30 * LC_MINUTE, "1d 2h 30m", "26h 30m"},
                 {52 * LC_HOUR + 10 * LC_MINUTE, "2d 4h 10m", "52h 10m"},
                 {-90 * LC_SECOND, "-1m 30s", "-1m 30s"},
                 {LC_NEVER, "106751991167d 7h 12m 55s 807ms", "2562047788015h 12m 55s 807ms"},
                 {LC_ABSENT, "-106751991167d 7h 12m 55s 808ms", "-2562047788015h 12m 55s 808ms"}};
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        char text[LC_DURATION_TEXT_BYTES];
        assert_string_equal(lc_duration_format(cases[i].duration, text), cases[i].text);
        assert_string_equal(lc_open_time_format(cases[i].duration, text), cases[i].open_time);
    }
}

/* ---- Zones ---- */

static void
only_names_of_the_zone_database_are_zones(void **state)
{
    static const char *const wrong[] = {"",
                                        "Europe/Stokholm",
                                        "europe/stockholm",
                                        "Europe",
                                        "/etc/localtime",
                                        "/usr/share/zoneinfo/UTC",
                                        ":Europe/Stockholm",
                                        ":x",
                                        "+01:00",
                                        "01:00",
                                        "Z",
                                        "localtime",
                                        "posixrules",
                                        "../zoneinfo/UTC",
                                        "posix/UTC",
                                        "right/UTC",
                                        "CET-1CEST",
                                        "CET-1CEST,M3.5.0,M10.5.0/3",
                                        "leapseconds",
                                        "tzdata.zi",
                                        "zone.tab",
                                        "Europe/Stockholm/",
                                        "Europe/Stockholm "};
    static const char *const right[] = {"UTC",       "Europe/Stockholm", "America/Argentina/Buenos_Aires",
                                        "Etc/GMT+5", "EST5EDT",          "Australia/Lord_Howe"};
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        print_message("%s\n", wrong[i]);
        assert_null(lc_zone_new(wrong[i]));
    }
    for (size_t i = 0; i < G_N_ELEMENTS(right); i++) {
        g_autoptr(lc_zone) zone = lc_zone_new(right[i]);
        print_message("%s\n", right[i]);
        assert_non_null(zone);
    }
}

static void
a_cohort_is_the_month_on_the_wall(void **state)
{
    static const struct {
        const char *zone, *instant, *month;
    } cases[] = {
        {"UTC", "2026-01-31T23:59:59.999Z", "2026-01"},
        {"UTC", "2026-02-01T00:00:00Z", "2026-02"},
        {"Europe/Stockholm", "2026-01-31T22:59:59.999Z", "2026-01"},
        {"Europe/Stockholm", "2026-01-31T23:00:00Z", "2026-02"},
        {"Europe/Stockholm", "2026-06-30T22:00:00Z", "2026-07"},
        {"America/New_York", "2026-01-01T04:59:59Z", "2025-12"},
        {"Pacific/Apia", "2011-12-30T09:59:59Z", "2011-12"},
        {"Pacific/Apia", "2011-12-31T10:00:00Z", "2012-01"},
        {"Asia/Tokyo", "2100-12-31T16:00:00Z", "2101-01"},
        {"UTC", "1969-12-31T23:59:59.999Z", "1969-12"},
    };
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(lc_zone) zone = lc_zone_new(cases[i].zone);
        char text[LC_MONTH_TEXT_BYTES];
        lc_instant instant;
        assert_true(lc_instant_parse(cases[i].instant, &instant));
        assert_string_equal(lc_month_format(lc_zone_month(zone, instant), text), cases[i].month);
    }
}

/* Clocks were put back at one in the night in Havana, and forward at midnight: that day begins at one. */
static void
a_day_is_that_of_the_zone(void **state)
{
    static const struct {
        const char *zone, *at, *date, *begins, *ends;
    } cases[] = {
        {"UTC", "2026-02-02T00:00:00Z", "2026-02-02", "2026-02-02T00:00:00Z", "2026-02-03T00:00:00Z"},
        {"Europe/Stockholm", "2026-02-02T22:59:59Z", "2026-02-02", "2026-02-01T23:00:00Z", "2026-02-02T23:00:00Z"},
        {"Europe/Stockholm", "2026-03-29T12:00:00Z", "2026-03-29", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"},
        {"America/Havana", "2024-03-10T12:00:00Z", "2024-03-10", "2024-03-10T05:00:00Z", "2024-03-11T04:00:00Z"},
        {"America/Havana", "2024-03-10T04:59:59Z", "2024-03-09", "2024-03-09T05:00:00Z", "2024-03-10T05:00:00Z"},
        {"America/Havana", "2024-11-03T04:30:00Z", "2024-11-03", "2024-11-03T04:00:00Z", "2024-11-04T05:00:00Z"},
        {"America/Havana", "2024-11-03T05:30:00Z", "2024-11-03", "2024-11-03T04:00:00Z", "2024-11-04T05:00:00Z"},
        {"Pacific/Kiritimati", "2026-02-02T09:59:59Z", "2026-02-02", "2026-02-01T10:00:00Z", "2026-02-02T10:00:00Z"},
    };
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(lc_zone) zone = lc_zone_new(cases[i].zone);
        char text[LC_DATE_TEXT_BYTES];
        lc_instant at, begins, ends, day_begins, day_ends;
        assert_true(lc_instant_parse(cases[i].at, &at) && lc_instant_parse(cases[i].begins, &begins) &&
                    lc_instant_parse(cases[i].ends, &ends));
        lc_zone_day(zone, at, &day_begins, &day_ends);
        assert_int_equal(day_begins, begins);
        assert_int_equal(day_ends, ends);
        assert_string_equal(lc_zone_date_format(zone, at, text), cases[i].date);
        assert_true(lc_zone_date_parse(zone, cases[i].date, &at));
        assert_int_equal(at, begins);
    }
}

static void
what_is_no_date_is_refused_and_the_output_untouched(void **state)
{
    static const char *const wrong[] = {
        "",      "2026-02-30",           "2026-13-01",  "2026-1-5", "05.01.2026", "2026-01-05 ",
        "today", "2026-01-05T00:00:00Z", "2026-01-05Z", "20260105"};
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        lc_instant begins = 7;
        assert_false(lc_zone_date_parse(NULL, wrong[i], &begins));
        assert_int_equal(begins, 7);
    }
    lc_instant begins, epoch;
    assert_true(lc_zone_date_parse(NULL, "1970-01-02", &begins) && lc_instant_parse("1970-01-02T00:00Z", &epoch));
    assert_int_equal(begins, epoch);
}

/* ---- Calendars: "DAY,DAY HH:MM-HH:MM HH:MM-HH:MM; DAY ..." ---- */

static lc_window
read_window(const char *text)
{
    int from_hour, from_minute, to_hour, to_minute;
    assert_int_equal(sscanf(text, "%d:%d-%d:%d", &from_hour, &from_minute, &to_hour, &to_minute), 4);
    int opens = from_hour * 60 + from_minute, closes = to_hour * 60 + to_minute;
    return (lc_window){(int16_t)opens, (int16_t)(closes <= opens ? closes + 1440 : closes)};
}

static void
read_days(lc_calendar_spec *spec, lc_window (*windows)[4], const char *text)
{
    static const char *const names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    g_auto(GStrv) words = g_strsplit(text, " ", -1);
    for (unsigned day = 0; day < 7; day++) {
        if (strcmp(words[0], "daily") != 0 && strstr(words[0], names[day]) == NULL)
            continue;
        unsigned n = 0;
        for (char **word = words + 1; *word; word++)
            windows[day][n++] = read_window(*word);
        spec->week[day] = (lc_day_windows){windows[day], n};
    }
}

/* With the days that `spec` names. */
static lc_calendar *
calendar_with(const char *zone_name, const char *week, lc_calendar_spec spec)
{
    g_autoptr(lc_zone) zone = lc_zone_new(zone_name);
    g_auto(GStrv) parts = g_strsplit(week, "; ", -1);
    lc_window windows[7][4];
    spec.zone = zone;
    assert_non_null(zone);
    for (char **part = parts; *part; part++)
        read_days(&spec, windows, *part);
    return lc_calendar_new(&spec);
}

static lc_calendar *
calendar_of(const char *zone_name, const char *week, const lc_special_day *special_days, unsigned n_special_days)
{
    return calendar_with(zone_name, week,
                         (lc_calendar_spec){.special_days = special_days, .n_special_days = n_special_days});
}

#define WEEKDAYS "mon,tue,wed,thu,fri 09:00-17:00"

static const struct {
    const char *zone, *week, *start, *amount, *due;
} sums[] = {
    /* The table of section 3; 2026-01-05 is a Monday. */
    {"UTC", "daily 10:00-18:00", "2026-01-07T15:00:00Z", "10h", "2026-01-08T17:00:00Z"},
    {"UTC", "daily 10:00-18:00", "2026-01-07T20:00:00Z", "10h", "2026-01-09T12:00:00Z"},
    {"UTC", WEEKDAYS, "2026-01-09T16:30:00Z", "1h", "2026-01-12T09:30:00Z"},
    {"UTC", WEEKDAYS, "2026-01-09T16:00:00Z", "1h", "2026-01-09T17:00:00Z"},
    {"UTC", "daily 08:00-12:00 13:00-17:00", "2026-01-07T11:00:00Z", "1h", "2026-01-07T12:00:00Z"},
    {"UTC", "daily 08:00-12:00 13:00-17:00", "2026-01-07T11:00:00Z", "1h1s", "2026-01-07T13:00:01Z"},
    {"UTC", "sun 00:00-24:00", "2026-01-07T11:00:00Z", "25h", "2026-01-18T01:00:00Z"},
    {"UTC", "daily 00:00-24:00", "2026-01-07T11:00:00Z", "100h", "2026-01-11T15:00:00Z"},
    {"UTC", "daily 09:00-17:00", "2026-01-07T17:00:00Z", "0s", "2026-01-07T17:00:00Z"},
    /* Stockholm: 02:00 to 03:00 is missing on 2026-03-29 (01:00Z) and comes twice on 2026-10-25 (00:00Z, 01:00Z). */
    {"Europe/Stockholm", "daily 01:00-04:00", "2026-03-29T00:00:00Z", "2h", "2026-03-29T02:00:00Z"},
    {"Europe/Stockholm", "sun 02:00-03:00", "2026-03-28T12:00:00Z", "1s", "2026-04-05T00:00:01Z"},
    {"Europe/Stockholm", "sun 02:30-04:00", "2026-03-28T12:00:00Z", "1h", "2026-03-29T02:00:00Z"},
    {"Europe/Stockholm", "sun 01:00-02:30", "2026-03-28T12:00:00Z", "1h", "2026-03-29T01:00:00Z"},
    {"Europe/Stockholm", "sun 02:00-02:30", "2026-10-24T12:00:00Z", "90m", "2026-10-25T01:30:00Z"},
    {"Europe/Stockholm", "sun 01:00-02:00", "2026-10-24T12:00:00Z", "2h", "2026-10-25T01:00:00Z"},
    {"Europe/Stockholm", "sun 02:00-02:20 02:30-02:50", "2026-10-24T12:00:00Z", "110m", "2026-10-25T01:50:00Z"},
    {"Europe/Stockholm", "sun 03:00-04:00", "2026-10-24T12:00:00Z", "30m", "2026-10-25T02:30:00Z"},
    /* New York: 2026-03-08 07:00Z, 2026-11-01 06:00Z. */
    {"America/New_York", "sun 01:30-03:30", "2026-03-08T00:00:00Z", "1h", "2026-03-08T07:30:00Z"},
    {"America/New_York", "sun 01:30-01:45", "2026-11-01T00:00:00Z", "75m", "2026-11-01T06:45:00Z"},
    /* Dublin: winter time is the exception there, so zones are described the other way round. */
    {"Europe/Dublin", "sun 01:00-01:30", "2026-10-24T12:00:00Z", "90m", "2026-10-25T01:30:00Z"},
    {"Europe/Dublin", "sun 01:15-03:00", "2026-03-28T12:00:00Z", "1h", "2026-03-29T02:00:00Z"},
    {"Europe/Dublin", WEEKDAYS, "2050-01-03T12:00:00Z", "6h", "2050-01-04T10:00:00Z"},
    {"Europe/Dublin", WEEKDAYS, "2050-07-04T12:00:00Z", "6h", "2050-07-05T10:00:00Z"},
    {"Europe/London", WEEKDAYS, "2050-07-04T12:00:00Z", "6h", "2050-07-05T10:00:00Z"},
    {"Eire", "sun 00:30-03:00", "2050-03-26T12:00:00Z", "1h", "2050-03-27T01:30:00Z"},
    /* Moscow left summer time for good on 2014-10-26 at 02:00 (2014-10-25 22:00Z), an hour back. */
    {"Europe/Moscow", "sun 01:00-01:30", "2014-10-25T12:00:00Z", "90m", "2014-10-25T22:30:00Z"},
    {"Europe/Moscow", WEEKDAYS, "2014-10-24T12:00:00Z", "2h", "2014-10-27T07:00:00Z"},
    /* Lord Howe moves by half an hour: 2026-04-05 02:00 +11 (15:00Z the day before), 2026-10-04 02:00 +10:30. */
    {"Australia/Lord_Howe", "sun 01:30-01:45", "2026-04-04T12:00:00Z", "45m", "2026-04-04T15:15:00Z"},
    {"Australia/Lord_Howe", "sun 02:00-03:00", "2026-10-03T12:00:00Z", "30m", "2026-10-03T16:00:00Z"},
    /* Sao Paulo changed at midnight: 2018-11-04 had no 00:00 to 01:00 (03:00Z), 2018-02-17 had 23:00 twice. */
    {"America/Sao_Paulo", "sat 22:00-24:00; sun 00:00-02:00", "2018-11-03T12:00:00Z", "3h", "2018-11-04T04:00:00Z"},
    {"America/Sao_Paulo", "sat 23:00-24:00", "2018-02-17T12:00:00Z", "2h", "2018-02-18T03:00:00Z"},
    {"America/Sao_Paulo", "sun 00:00-01:00", "2018-02-17T12:00:00Z", "1h", "2018-02-18T04:00:00Z"},
    {"America/Sao_Paulo", "sun 00:00-00:30", "2018-11-03T12:00:00Z", "10m", "2018-11-11T02:10:00Z"},
    /* Havana repeated 00:00 to 01:00: 24:00 closes at the second (2024-11-03 05:00Z). */
    {"America/Havana", "sat 23:00-24:00", "2024-11-02T12:00:00Z", "2h", "2024-11-03T05:00:00Z"},
    /* Apia had no 2011-12-30, a Friday: it went from 24:00 on the 29th to 00:00 on the 31st (10:00Z). */
    {"Pacific/Apia", "daily 09:00-17:00", "2011-12-30T02:00:00Z", "2h", "2011-12-30T20:00:00Z"},
    {"Pacific/Apia", "fri 09:00-17:00", "2011-12-29T12:00:00Z", "1h", "2012-01-05T20:00:00Z"},
    {"Pacific/Apia", "thu,fri,sat 00:00-24:00", "2011-12-29T10:00:00Z", "48h", "2011-12-31T10:00:00Z"},
    /* Monrovia was 44 min 30 s behind until 1972-01-07. */
    {"Africa/Monrovia", "daily 09:00-17:00", "1971-06-01T00:00:00Z", "1m", "1971-06-01T09:45:30Z"},
    /* Over midnight; a window ends on the next day, also where none begins. 2026-02-13 is a Friday. */
    {"UTC", "fri 22:00-06:00", "2026-02-13T12:00:00Z", "8h", "2026-02-14T06:00:00Z"},
    {"UTC", "fri 22:00-06:00", "2026-02-14T05:00:00Z", "2h", "2026-02-20T23:00:00Z"},
    {"UTC", "fri 22:00-00:00", "2026-02-13T12:00:00Z", "3h", "2026-02-20T23:00:00Z"},
    {"UTC", "sun 22:00-06:00; mon 06:00-07:00", "2026-02-15T12:00:00Z", "9h", "2026-02-16T07:00:00Z"},
    {"Europe/Stockholm", "sat 22:00-04:00", "2026-03-28T12:00:00Z", "5h", "2026-03-29T02:00:00Z"},
    {"Europe/Stockholm", "sat 22:00-04:00", "2026-10-24T12:00:00Z", "7h", "2026-10-25T03:00:00Z"},
    {"Europe/Stockholm", "sat 22:00-02:30", "2026-10-24T12:00:00Z", "5h30m", "2026-10-25T01:30:00Z"},
    {"Europe/Stockholm", "sat 22:00-02:30", "2026-03-28T12:00:00Z", "4h", "2026-03-29T01:00:00Z"},
    {"America/Sao_Paulo", "sat 22:00-02:00", "2018-11-03T12:00:00Z", "3h", "2018-11-04T04:00:00Z"},
    {"America/Sao_Paulo", "sat 22:00-02:00", "2018-02-17T12:00:00Z", "5h", "2018-02-18T05:00:00Z"},
    /* A window that begins where there is no time, and one that is all missing, over midnight. */
    {"Pacific/Apia", "thu,fri 22:00-06:00", "2011-12-29T12:00:00Z", "2h", "2011-12-30T10:00:00Z"},
    {"Pacific/Apia", "fri 22:00-06:00", "2011-12-29T12:00:00Z", "6h", "2011-12-30T16:00:00Z"},
    /* Before 1970 nothing is open; after 2100 nothing is due. */
    {"UTC", "daily 10:00-18:00", "1950-01-01T00:00:00Z", "1h", "1970-01-01T11:00:00Z"},
    {"UTC", "daily 10:00-18:00", "2100-12-31T16:00:00Z", "2h", "2100-12-31T18:00:00Z"},
    {"UTC", "daily 10:00-18:00", "2100-12-31T16:00:00Z", "2h1s", NULL},
    {"UTC", "daily 00:00-24:00", "2100-12-31T23:00:00Z", "59m59s", "2100-12-31T23:59:59Z"},
    {"UTC", "daily 00:00-24:00", "2100-12-31T23:00:00Z", "1h", NULL},
    {"UTC", "daily 10:00-18:00", "2200-01-01T00:00:00Z", "1s", NULL},
    {"America/New_York", "daily 00:00-24:00", "2100-12-31T23:59:00Z", "2m", NULL},
};

static void
sums_are_due(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(sums); i++) {
        g_autoptr(lc_calendar) calendar = calendar_of(sums[i].zone, sums[i].week, NULL, 0);
        lc_instant start = instant_of(sums[i].start), due = sums[i].due ? instant_of(sums[i].due) : LC_NEVER;
        char text[LC_INSTANT_TEXT_BYTES];
        lc_duration amount;
        assert_true(lc_duration_parse(sums[i].amount, &amount, NULL));
        lc_instant sum = lc_calendar_add(calendar, start, amount);
        print_message("%s %s: %s + %s = %s\n", sums[i].zone, sums[i].week, sums[i].start, sums[i].amount,
                      lc_instant_format(sum, text));
        assert_int_equal(sum, due);
        if (due != LC_NEVER && start >= 0)
            assert_int_equal(lc_calendar_between(calendar, start, due), amount);
    }
}

/* 3.2: `last` is the due time, or the next opening where that is a closing time. */
static const struct {
    const char *week, *start, *amount, *last;
} lasts[] = {
    {WEEKDAYS, "2026-01-09T16:00:00Z", "30m", "2026-01-09T16:30:00Z"},
    {WEEKDAYS, "2026-01-09T16:00:00Z", "1h", "2026-01-12T09:00:00Z"},
    {WEEKDAYS, "2026-01-09T16:00:00Z", "61m", "2026-01-12T09:01:00Z"},
    {WEEKDAYS, "2026-01-09T16:00:00Z", "0s", "2026-01-09T16:00:00Z"},
    {WEEKDAYS, "2026-01-09T17:00:00Z", "0s", "2026-01-12T09:00:00Z"},
    {WEEKDAYS, "2026-01-10T17:00:00Z", "0s", "2026-01-12T09:00:00Z"},
    {WEEKDAYS, "2026-01-10T17:00:00Z", "8h", "2026-01-13T09:00:00Z"},
    {"daily 08:00-12:00 13:00-17:00", "2026-01-09T11:00:00Z", "1h", "2026-01-09T13:00:00Z"},
    {"daily 08:00-12:00 12:00-17:00", "2026-01-09T11:00:00Z", "1h", "2026-01-09T12:00:00Z"},
    {"daily 00:00-24:00", "2026-01-09T11:00:00Z", "13h", "2026-01-10T00:00:00Z"},
    {"fri 22:00-06:00", "2026-01-09T11:00:00Z", "8h", "2026-01-16T22:00:00Z"},
    {"daily 10:00-18:00", "1950-01-01T00:00:00Z", "0s", "1970-01-01T10:00:00Z"},
    {"daily 10:00-18:00", "2100-12-31T16:00:00Z", "1h59m", "2100-12-31T17:59:00Z"},
    {"daily 10:00-18:00", "2100-12-31T16:00:00Z", "2h", NULL},
    {"daily 10:00-18:00", "2200-01-01T00:00:00Z", "0s", NULL},
};

static void
what_is_due_at_closing_time_lasts_to_the_next_opening(void **state)
{
    g_autoptr(lc_calendar) always = lc_calendar_new_always();
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(lasts); i++) {
        g_autoptr(lc_calendar) calendar = calendar_of("UTC", lasts[i].week, NULL, 0);
        lc_duration amount;
        assert_true(lc_duration_parse(lasts[i].amount, &amount, NULL));
        print_message("%s: %s + %s\n", lasts[i].week, lasts[i].start, lasts[i].amount);
        assert_int_equal(lc_calendar_last(calendar, instant_of(lasts[i].start), amount),
                         lasts[i].last ? instant_of(lasts[i].last) : LC_NEVER);
    }
    assert_int_equal(lc_calendar_last(always, 1000, 5), 1005);
    assert_int_equal(lc_calendar_last(always, 1000, LC_NEVER), LC_NEVER);
}

#define OFFICE "mon,tue,wed,thu 08:00-12:00 13:00-17:00; fri 08:00-16:00"
#define NIGHTS "thu,fri 22:00-06:00; sun 00:00-04:00"

/* Rule 2.7; 2026-04-03 and 2026-04-06 are closed, 2026-04-02, a Thursday, at noon. */
static const struct {
    const char *zone, *week, *start;
    unsigned days;
    const char *cutoff, *due;
} working_days[] = {
    {"UTC", OFFICE, "2026-01-07T07:00:00Z", 0, NULL, "2026-01-07T17:00:00Z"},
    {"UTC", OFFICE, "2026-01-07T16:59:59Z", 0, NULL, "2026-01-07T17:00:00Z"},
    {"UTC", OFFICE, "2026-01-07T17:00:00Z", 0, NULL, "2026-01-08T17:00:00Z"},
    {"UTC", OFFICE, "2026-01-07T12:30:00Z", 1, NULL, "2026-01-08T17:00:00Z"},
    {"UTC", OFFICE, "2026-01-07T12:30:00Z", 2, NULL, "2026-01-09T16:00:00Z"},
    {"UTC", OFFICE, "2026-01-07T12:30:00Z", 3, NULL, "2026-01-12T17:00:00Z"},
    {"UTC", OFFICE, "2026-01-09T16:30:00Z", 1, NULL, "2026-01-13T17:00:00Z"},
    {"UTC", OFFICE, "2026-01-10T12:00:00Z", 0, NULL, "2026-01-12T17:00:00Z"},
    {"UTC", OFFICE, "2026-01-07T14:59:59Z", 0, "15:00", "2026-01-07T17:00:00Z"},
    {"UTC", OFFICE, "2026-01-07T15:00:00Z", 0, "15:00", "2026-01-08T17:00:00Z"},
    {"UTC", OFFICE, "2026-01-10T15:00:00Z", 0, "15:00", "2026-01-12T17:00:00Z"},
    {"UTC", OFFICE, "2026-01-07T00:00:00Z", 0, "00:00", "2026-01-08T17:00:00Z"},
    {"UTC", OFFICE, "2026-01-07T16:00:00Z", 0, "24:00", "2026-01-07T17:00:00Z"},
    {"UTC", OFFICE, "2026-04-02T11:00:00Z", 1, NULL, "2026-04-07T17:00:00Z"},
    {"UTC", OFFICE, "2026-04-02T12:00:00Z", 0, "15:00", "2026-04-07T17:00:00Z"},
    {"UTC", OFFICE, "2026-04-01T12:00:00Z", 1, NULL, "2026-04-02T12:00:00Z"},
    /* The date is that of the calendar's zone. */
    {"Europe/Stockholm", OFFICE, "2026-01-07T23:30:00Z", 0, NULL, "2026-01-08T16:00:00Z"},
    {"America/New_York", OFFICE, "2026-01-08T02:00:00Z", 0, NULL, "2026-01-08T22:00:00Z"},
    /* A day's end may lie on the next; the hours after midnight are of no day of their own. */
    {"UTC", NIGHTS, "2026-01-08T12:00:00Z", 0, NULL, "2026-01-09T06:00:00Z"},
    {"UTC", NIGHTS, "2026-01-09T05:00:00Z", 0, NULL, "2026-01-10T06:00:00Z"},
    {"UTC", NIGHTS, "2026-01-10T05:00:00Z", 0, NULL, "2026-01-11T04:00:00Z"},
    {"UTC", NIGHTS, "2026-01-09T23:00:00Z", 1, NULL, "2026-01-11T04:00:00Z"},
    {"UTC", NIGHTS, "2026-01-09T23:00:00Z", 0, "22:30", "2026-01-11T04:00:00Z"},
    /* A cutoff is a time like a window's end: where it comes twice the second counts, where it never does the change.
     */
    {"Europe/Stockholm", "daily 00:00-12:00", "2026-10-25T01:29:00Z", 0, "02:30", "2026-10-25T11:00:00Z"},
    {"Europe/Stockholm", "daily 00:00-12:00", "2026-10-25T01:30:00Z", 0, "02:30", "2026-10-26T11:00:00Z"},
    {"Europe/Stockholm", "daily 00:00-12:00", "2026-03-29T00:59:00Z", 0, "02:30", "2026-03-29T10:00:00Z"},
    {"Europe/Stockholm", "daily 00:00-12:00", "2026-03-29T01:00:00Z", 0, "02:30", "2026-03-30T10:00:00Z"},
    /* A window of times that don't exist makes no working day: the half hour in Stockholm, all of a Friday in Apia. */
    {"Europe/Stockholm", "sun 02:10-02:40", "2025-03-29T12:00:00Z", 0, NULL, "2025-04-06T00:40:00Z"},
    {"Europe/Stockholm", "sun 01:00-01:30 02:10-02:40", "2025-03-29T12:00:00Z", 0, NULL, "2025-03-30T00:30:00Z"},
    {"Pacific/Apia", "daily 09:00-17:00", "2011-12-29T20:00:00Z", 1, NULL, "2011-12-31T03:00:00Z"},
    {"Pacific/Apia", "daily 09:00-17:00", "2011-12-30T04:00:00Z", 0, NULL, "2011-12-31T03:00:00Z"},
    /* Sao Paulo has the evening of 2018-02-17 twice: at the second 23:30 the day is still that. */
    {"America/Sao_Paulo", "daily 22:00-24:00", "2018-02-18T02:30:00Z", 0, NULL, "2018-02-18T03:00:00Z"},
    {"UTC", OFFICE, "1950-01-01T00:00:00Z", 0, NULL, "1970-01-01T17:00:00Z"},
    {"UTC", OFFICE, "2100-12-31T12:00:00Z", 0, NULL, "2100-12-31T16:00:00Z"},
    {"UTC", OFFICE, "2100-12-31T12:00:00Z", 1, NULL, NULL},
    {"UTC", OFFICE, "2026-01-07T12:30:00Z", 4000000000, NULL, NULL},
    {"UTC", OFFICE, "2200-01-01T12:00:00Z", 0, NULL, NULL},
};

static void
working_days_end_at_the_last_closing_time(void **state)
{
    static const lc_window morning[] = {{8 * 60, 12 * 60}};
    /* 2026-04-02, 03 and 06. */
    static const lc_special_day easter[] = {{20545, {morning, 1}}, {20546, {NULL, 0}}, {20549, {NULL, 0}}};
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(working_days); i++) {
        g_autoptr(lc_calendar) calendar = calendar_of(working_days[i].zone, working_days[i].week, easter, 3);
        lc_instant start = instant_of(working_days[i].start);
        int cutoff = LC_NO_CUTOFF, hour, minute;
        char text[LC_INSTANT_TEXT_BYTES];
        if (working_days[i].cutoff && sscanf(working_days[i].cutoff, "%d:%d", &hour, &minute) == 2)
            cutoff = hour * 60 + minute;
        lc_instant due = lc_calendar_working_days(calendar, start, working_days[i].days, cutoff);
        print_message("%s %s: %s + %u days = %s\n", working_days[i].zone, working_days[i].week, working_days[i].start,
                      working_days[i].days, lc_instant_format(due, text));
        assert_int_equal(due, working_days[i].due ? instant_of(working_days[i].due) : LC_NEVER);
        if (due != LC_NEVER && start >= 0)
            assert_int_equal(lc_calendar_add(calendar, start, lc_calendar_between(calendar, start, due)), due);
    }
}

static lc_duration
open_on(const lc_calendar *calendar, const char *date)
{
    g_autofree char *text = g_strconcat(date, "T00:00:00Z", NULL);
    return lc_calendar_between(calendar, instant_of(text), instant_of(text) + LC_DAY);
}

static void
a_full_date_wins_over_every_year_and_that_over_ranges(void **state)
{
    static const lc_window hour[] = {{10 * 60, 11 * 60}}, hours[] = {{8 * 60, 12 * 60}};
    /* 2026-12-25, closed, 2026-12-24 and 2026-07-10. */
    static const lc_special_day full[] = {{20812, {NULL, 0}}, {20811, {hours, 1}}, {20644, {hour, 1}}};
    static const lc_yearly_day yearly[] = {{1230, {hour, 1}}, {501, {NULL, 0}}, {1225, {hours, 1}}};
    static const lc_closed_days closed[] = {
        {1224, 1224, true}, {1229, 102, true}, {20640, 20658, false}, /* 2026-07-06 to 24 */
        {501, 503, true},   {229, 229, true},  {20650, 20660, false}, {-999999, -2, false}, {99999, 999999, false},
    };
    static const struct {
        const char *date;
        int hours;
    } dates[] = {
        {"2026-12-24", 4}, {"2027-12-24", 0}, {"2026-12-25", 0}, {"2028-12-25", 4}, {"2026-12-28", 8},
        {"2026-12-29", 0}, {"2026-12-30", 1}, {"2026-12-31", 0}, {"2027-01-01", 0}, {"2029-01-02", 0},
        {"2029-01-03", 8}, {"2026-07-03", 8}, {"2026-07-06", 0}, {"2026-07-10", 1}, {"2026-07-24", 0},
        {"2026-07-26", 0}, {"2026-07-27", 8}, {"2027-07-06", 8}, {"2028-05-01", 0}, {"2028-05-02", 0},
        {"2028-05-04", 8}, {"2028-02-29", 0}, {"2028-02-28", 8}, {"2027-03-01", 8}, {"1970-01-05", 8},
    };
    g_autoptr(lc_calendar) calendar = calendar_with("UTC", "daily 09:00-17:00",
                                                    (lc_calendar_spec){.special_days = full,
                                                                       .n_special_days = G_N_ELEMENTS(full),
                                                                       .yearly_days = yearly,
                                                                       .n_yearly_days = G_N_ELEMENTS(yearly),
                                                                       .closed_days = closed,
                                                                       .n_closed_days = G_N_ELEMENTS(closed)});
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(dates); i++) {
        print_message("%s\n", dates[i].date);
        assert_int_equal(open_on(calendar, dates[i].date), dates[i].hours * LC_HOUR);
    }
}

static void
a_holiday_takes_the_windows_that_begin_on_it(void **state)
{
    static const lc_window late[] = {{20 * 60, 26 * 60}};
    /* 2026-02-14, a Saturday, is closed, and 2026-02-20, a Friday, has a window over midnight of its own. */
    static const lc_special_day days[] = {{20498, {NULL, 0}}, {20504, {late, 1}}};
    g_autoptr(lc_calendar) calendar = calendar_of("UTC", "fri 22:00-06:00; sat 03:00-05:00 22:00-06:00", days, 2);
    (void)state;
    /* The night before runs on into the holiday; two windows at once count once. */
    assert_int_equal(open_on(calendar, "2026-02-13"), 2 * LC_HOUR);
    assert_int_equal(open_on(calendar, "2026-02-14"), 6 * LC_HOUR);
    assert_int_equal(open_on(calendar, "2026-02-15"), 0);
    assert_int_equal(open_on(calendar, "2026-02-20"), 4 * LC_HOUR);
    assert_int_equal(open_on(calendar, "2026-02-21"), 2 * LC_HOUR + 2 * LC_HOUR + 2 * LC_HOUR);
    assert_int_equal(open_on(calendar, "2026-02-28"), 6 * LC_HOUR + 2 * LC_HOUR);
}

static void
special_days_replace_the_week_and_holidays_are_closed(void **state)
{
    static const lc_window half_day[] = {{8 * 60, 12 * 60}};
    /* 2026-12-24 is a Thursday, 2026-12-25 a Friday, 2026-12-26 a Saturday. */
    static const lc_special_day days[] = {{20812, {NULL, 0}}, {20811, {half_day, 1}}, {20813, {half_day, 1}}};
    g_autoptr(lc_calendar) calendar = calendar_of("UTC", WEEKDAYS, days, G_N_ELEMENTS(days));
    (void)state;
    assert_int_equal(
        lc_calendar_between(calendar, instant_of("2026-12-24T00:00:00Z"), instant_of("2026-12-25T00:00:00Z")),
        4 * LC_HOUR);
    assert_int_equal(
        lc_calendar_between(calendar, instant_of("2026-12-25T00:00:00Z"), instant_of("2026-12-26T00:00:00Z")), 0);
    assert_int_equal(lc_calendar_add(calendar, instant_of("2026-12-24T11:00:00Z"), 2 * LC_HOUR),
                     instant_of("2026-12-26T09:00:00Z"));
}

static void
always_is_plain_time(void **state)
{
    g_autoptr(lc_calendar) always = lc_calendar_new_always();
    g_autoptr(lc_calendar) office = calendar_of("UTC", WEEKDAYS, NULL, 0);
    (void)state;
    assert_true(lc_calendar_is_always(always));
    assert_false(lc_calendar_is_always(office));
    assert_int_equal(lc_calendar_add(always, 1000, 5), 1005);
    assert_int_equal(lc_calendar_between(always, 1000, 1005), 5);
    assert_int_equal(lc_calendar_between(always, 1005, 1000), 0);
    assert_int_equal(lc_calendar_add(always, instant_of("2100-12-31T23:59:59.999Z"), 1), LC_NEVER);
    assert_int_equal(lc_calendar_add(always, instant_of("2100-12-31T23:59:59.998Z"), 1),
                     instant_of("2100-12-31T23:59:59.999Z"));
}

static void
nothing_overflows(void **state)
{
    static const lc_instant ends[] = {LC_ABSENT, LC_ABSENT + 1, -1, 0, 1, LC_NEVER - 1, LC_NEVER};
    g_autoptr(lc_calendar) always = lc_calendar_new_always();
    g_autoptr(lc_calendar) office = calendar_of("Asia/Kathmandu", WEEKDAYS, NULL, 0);
    g_autoptr(lc_zone) zone = lc_zone_new("Asia/Kathmandu");
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(ends); i++)
        for (size_t j = 0; j < G_N_ELEMENTS(ends); j++) {
            assert_true(lc_calendar_between(always, ends[i], ends[j]) >= 0);
            assert_true(lc_calendar_between(office, ends[i], ends[j]) >= 0);
            assert_true(lc_calendar_add(always, ends[i], ends[j]) >= ends[i]);
            assert_true(lc_calendar_add(office, ends[i], ends[j]) >= ends[i]);
            lc_zone_month(zone, ends[i]);
        }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instants_are_read),
        cmocka_unit_test(a_day_is_that_of_the_zone),
        cmocka_unit_test(what_is_no_date_is_refused_and_the_output_untouched),
        cmocka_unit_test(what_is_no_instant_is_refused_and_the_output_untouched),
        cmocka_unit_test(instants_are_written),
        cmocka_unit_test(each_day_is_written_as_the_one_after_the_day_before),
        cmocka_unit_test(durations_are_read),
        cmocka_unit_test(what_is_no_duration_is_refused),
        cmocka_unit_test(durations_are_written),
        cmocka_unit_test(only_names_of_the_zone_database_are_zones),
        cmocka_unit_test(a_cohort_is_the_month_on_the_wall),
        cmocka_unit_test(sums_are_due),
        cmocka_unit_test(what_is_due_at_closing_time_lasts_to_the_next_opening),
        cmocka_unit_test(working_days_end_at_the_last_closing_time),
        cmocka_unit_test(a_full_date_wins_over_every_year_and_that_over_ranges),
        cmocka_unit_test(a_holiday_takes_the_windows_that_begin_on_it),
        cmocka_unit_test(special_days_replace_the_week_and_holidays_are_closed),
        cmocka_unit_test(always_is_plain_time),
        cmocka_unit_test(nothing_overflows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
