/* The dates of iCalendar files (3.5). */
#include <leadclock/calendar.h>

#include <stdio.h>

#include "asserting.h"

#define EVENT(lines) "BEGIN:VEVENT\r\n" lines "END:VEVENT\r\n"
#define FILE_OF(events) "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\n" events "END:VCALENDAR\r\n"

static const struct {
    const char *events;
    const char *dates; /* closed among those of 2026 and 2027: "0101 1225-1226", of the second year with + */
    unsigned n_unread;
} files[] = {
    {"", "", 0},
    {EVENT("UID:1\r\nDTSTART;VALUE=DATE:20261225\r\nDTEND;VALUE=DATE:20261227\r\n"), "1225-1226", 0},
    {EVENT("DTSTART;VALUE=DATE:20260101\r\nDTEND;VALUE=DATE:20260101\r\n"), "0101", 0},
    {EVENT("DTSTART;VALUE=DATE:20260101\r\nDTEND;VALUE=DATE:20251231\r\n"), "0101", 0},
    {EVENT("DTSTART;VALUE=DATE:20260101\r\n"), "0101", 0},
    {EVENT("DTSTART:20260101\r\n"), "0101", 0},
    {EVENT("DTSTART;VALUE=DATE:20260101\r\nDURATION:P1W\r\n"), "0101-0107", 0},
    {EVENT("DTSTART;VALUE=DATE:20260101\r\nTRANSP:TRANSPARENT\r\n"), "0101", 0},
    {EVENT("DTSTART;VALUE=DATE:20251230\r\nDTEND;VALUE=DATE:20260103\r\n"), "0101-0102", 0},
    /* Not all day, or not at all. */
    {EVENT("DTSTART:20260101T000000Z\r\nDTEND:20260102T000000Z\r\n"), "", 0},
    {EVENT("DTSTART;TZID=Europe/Stockholm:20260101T000000\r\n"), "", 0},
    {EVENT("DTSTART;VALUE=DATE:20260101\r\nSTATUS:CANCELLED\r\n"), "", 0},
    {EVENT("SUMMARY:never\r\n"), "", 0},
    {"BEGIN:VTODO\r\nDTSTART;VALUE=DATE:20260101\r\nEND:VTODO\r\n", "", 0},
    /* Rules. */
    {EVENT("DTSTART;VALUE=DATE:19200101\r\nRRULE:FREQ=YEARLY\r\n"), "0101 +0101", 0},
    {EVENT("DTSTART;VALUE=DATE:20201224\r\nDTEND;VALUE=DATE:20201227\r\nRRULE:FREQ=YEARLY\r\n"), "1224-1226 +1224-1226",
     0},
    {EVENT("DTSTART;VALUE=DATE:20200525\r\nRRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO\r\n"), "0525 +0531", 0},
    {EVENT("DTSTART;VALUE=DATE:20240229\r\nRRULE:FREQ=YEARLY\r\n"), "", 0},
    {EVENT("DTSTART;VALUE=DATE:20250101\r\nRRULE:FREQ=YEARLY;UNTIL=20260101\r\n"), "0101", 0},
    {EVENT("DTSTART;VALUE=DATE:20260101\r\nRRULE:FREQ=YEARLY;COUNT=1\r\n"), "0101", 0},
    {EVENT("DTSTART;VALUE=DATE:20260131\r\nRRULE:FREQ=MONTHLY;COUNT=3\r\n"), "0131 0331 0531", 0},
    {EVENT("DTSTART;VALUE=DATE:20260101\r\nRRULE:FREQ=YEARLY\r\nEXDATE;VALUE=DATE:20270101\r\n"), "0101", 0},
    {EVENT("DTSTART;VALUE=DATE:20260101\r\nRRULE:FREQ=YEARLY\r\nEXDATE:20270101T000000\r\n"), "0101", 0},
    {EVENT("DTSTART;VALUE=DATE:20260101\r\nRDATE;VALUE=DATE:20260301,20270401\r\n"), "0101 0301 +0401", 0},
    {EVENT("UID:a\r\nDTSTART;VALUE=DATE:20250606\r\nRRULE:FREQ=YEARLY\r\n")
         EVENT("UID:a\r\nRECURRENCE-ID;VALUE=DATE:20260606\r\nDTSTART;VALUE=DATE:20260608\r\n"),
     "0608 +0606", 0},
    {EVENT("UID:a\r\nDTSTART;VALUE=DATE:20250606\r\nRRULE:FREQ=YEARLY\r\n")
         EVENT("UID:a\r\nRECURRENCE-ID;VALUE=DATE:20260606\r\nDTSTART;VALUE=DATE:20260606\r\nSTATUS:CANCELLED\r\n"),
     "+0606", 0},
    /* What is wrong is counted, and the rest is read. */
    {EVENT("DTSTART;VALUE=DATE:20260230\r\n") EVENT("DTSTART;VALUE=DATE:20260301\r\n"), "0301", 1},
    {EVENT("DTSTART;VALUE=DATE:20260301\r\nRRULE:FREQ=SECONDLY\r\n"), "0301", 1},
    {EVENT("DTSTART;VALUE=DATE:20260301\r\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30\r\n"), "0301", 1},
    {EVENT("DTSTART;VALUE=DATE:20260301\r\nRRULE:FREQ=YEARLY;COUNT=x\r\n") "chance\r\n", "0301", 2},
    /* Two calendars in one file. */
    {EVENT("DTSTART;VALUE=DATE:20260301\r\n") "END:VCALENDAR\r\nBEGIN:VCALENDAR\r\n" EVENT(
         "DTSTART;VALUE=DATE:20260302\r\n"),
     "0301-0302", 0},
};

static bool
is_closed(const GArray *days, int32_t date)
{
    for (guint i = 0; i < days->len; i++) {
        lc_closed_days one = g_array_index(days, lc_closed_days, i);
        assert_false(one.yearly);
        if (one.first <= date && date <= one.last)
            return true;
    }
    return false;
}

/* As `files` writes them. */
static char *
dates_of(const GArray *days)
{
    GString *text = g_string_new(NULL);
    const int32_t first = 20454; /* 2026-01-01 */
    for (int32_t date = first, begin = 0; date < first + 730; date++) {
        if (!is_closed(days, date))
            continue;
        begin = date > first && is_closed(days, date - 1) ? begin : date;
        if (is_closed(days, date + 1) && date + 1 < first + 730)
            continue;
        char from[LC_INSTANT_TEXT_BYTES], to[LC_INSTANT_TEXT_BYTES];
        lc_instant_format(begin * LC_DAY, from);
        lc_instant_format(date * LC_DAY, to);
        g_string_append_printf(text, "%s%s%.2s%.2s", text->len ? " " : "", from[3] == '7' ? "+" : "", from + 5,
                               from + 8);
        if (date > begin)
            g_string_append_printf(text, "-%.2s%.2s", to + 5, to + 8);
    }
    return g_string_free(text, FALSE);
}

static void
all_day_events_close_their_dates(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *text = g_strconcat("\xef\xbb\xbf" FILE_OF(""), NULL);
        g_autoptr(GError) error = NULL;
        unsigned n_unread = 99;
        g_free(text);
        text = g_strdup_printf("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n%sEND:VCALENDAR\r\n", files[i].events);
        print_message("%s\n", text);
        g_autoptr(GArray) days = lc_icalendar_read(text, strlen(text), &n_unread, &error);
        assert_null(error);
        g_autofree char *dates = dates_of(days);
        assert_string_equal(dates, files[i].dates);
        assert_int_equal(n_unread, files[i].n_unread);
    }
}

static void
what_is_no_icalendar_file_is_refused(void **state)
{
    static const char *const wrong[] = {"",
                                        "<html></html>",
                                        "BEGIN:VCALENDAR\r\n",
                                        "2026-12-25\n",
                                        "BEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20260101\r\nEND:VEVENT\r\n",
                                        "END:VEVENT\r\nBEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"};
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;
        unsigned n_unread;
        print_message("%s\n", wrong[i]);
        assert_null(lc_icalendar_read(wrong[i], strlen(wrong[i]), &n_unread, &error));
        assert_true(g_error_matches(error, LC_ERROR, LC_ERROR_CONFIG));
        assert_true(g_str_has_prefix(error->message, "no iCalendar file; "));
    }
    static const char cut[] = FILE_OF(EVENT("DTSTART;VALUE=DATE:20260101\r\n")) "\0more";
    g_autoptr(GError) error = NULL;
    unsigned n_unread;
    assert_null(lc_icalendar_read(cut, sizeof cut - 1, &n_unread, &error));
}

static void
files_of_too_many_dates_are_refused_quickly(void **state)
{
    static const char one[] = EVENT("DTSTART;VALUE=DATE:19710101\r\nRRULE:FREQ=DAILY\r\n");
    static const char slow[] = EVENT("DTSTART;VALUE=DATE:00010101\r\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29\r\n");
    g_autoptr(GString) text = g_string_new("BEGIN:VCALENDAR\r\n");
    g_autoptr(GError) error = NULL;
    unsigned n_unread;
    gint64 begin = g_get_monotonic_time();
    (void)state;
    for (int i = 0; i < 1000; i++)
        g_string_append(text, i % 2 ? slow : one);
    g_string_append(text, "END:VCALENDAR\r\n");
    assert_null(lc_icalendar_read(text->str, text->len, &n_unread, &error));
    assert_true(g_str_has_prefix(error->message, "more than 100000 dates long; "));
    print_message("%.1f s\n", (double)(g_get_monotonic_time() - begin) / 1e6);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_day_events_close_their_dates),
        cmocka_unit_test(what_is_no_icalendar_file_is_refused),
        cmocka_unit_test(files_of_too_many_dates_are_refused_quickly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
