/* fuzz_icalendar.c - any text is an iCalendar file or is refused, in bounded time; what it closes a calendar can take.
 */
#include <leadclock/calendar.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
    return 0;
}
