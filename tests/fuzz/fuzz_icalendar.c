/* fuzz_icalendar.c - any text is an iCalendar file or is refused, in bounded time; what it closes a calendar can take.
 */
#include <leadclock/calendar.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Wall-clock time is that of a zone without a file, so that what is slow is what was read. */
static void
close_days(const GArray *days)
{
    static const lc_window hours[] = {{8 * 60, 17 * 60}};
    g_autoptr(lc_zone) zone = lc_zone_new("UTC");
    lc_calendar_spec spec = {
        .zone = zone, .closed_days = (const lc_closed_days *)(const void *)days->data, .n_closed_days = days->len};
    for (unsigned day = 0; day < G_N_ELEMENTS(spec.week); day++)
        spec.week[day] = (lc_day_windows){hours, 1};
    g_autoptr(lc_calendar) calendar = lc_calendar_new(&spec);
    g_assert_true(lc_calendar_add(calendar, 1770022800000, LC_HOUR) > 1770022800000);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = g_malloc0(size + 1);
    unsigned n_unread;
    if (size)
        memcpy(text, data, size);
    g_autoptr(GArray) days = lc_icalendar_read(text, size, &n_unread, &error);
    g_assert_true((days == NULL) == (error != NULL));
    for (guint i = 0; days && i < days->len; i++) {
        lc_closed_days one = g_array_index(days, lc_closed_days, i);
        g_assert_true(one.first <= one.last && !one.yearly);
    }
    if (days)
        close_days(days);
    return 0;
}
