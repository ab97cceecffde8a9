/* months.c - calendar months in the zones of a policy book. */
#include "months.h"

#include <leadclock/calendar.h>

/* No zone is further than this from UTC. */
#define FURTHEST (2 * LC_DAY)
/* Of 1970-01-01, as GDate counts days. */
#define FIRST_DAY 719163

static lc_instant
first_of_month_in_utc(int32_t month)
{
    GDate date;
    g_date_clear(&date, 1);
    g_date_set_dmy(&date, 1, (GDateMonth)(month % 12 + 1), (GDateYear)(month / 12));
    return ((lc_instant)g_date_get_julian(&date) - FIRST_DAY) * LC_DAY;
}

/* The first instant of a month after `month`. */
static lc_instant
end_in_zone(const lc_zone *zone, int32_t month)
{
    lc_instant before = first_of_month_in_utc(month + 1) - FURTHEST, after = before + 2 * FURTHEST;
    while (after - before > 1) {
        lc_instant middle = before + (after - before) / 2;
        if (lc_zone_month(zone, middle) > month)
            after = middle;
        else
            before = middle;
    }
    return after;
}

lc_instant
lc_month_end(const lc_policy_book *book, int32_t month)
{
    lc_instant end = LC_ABSENT;
    for (size_t i = 0; i < lc_policy_book_size(book); i++)
        end = MAX(end, end_in_zone(lc_policy_book_get(book, i)->reporting_zone, month));
    return end;
}

/* The month that begins at `instant` in every document's zone; -1: none does. */
static int32_t
month_that_begins(const lc_policy_book *book, lc_instant instant)
{
    int32_t begins = -1;
    for (size_t i = 0; i < lc_policy_book_size(book); i++) {
        const lc_zone *zone = lc_policy_book_get(book, i)->reporting_zone;
        int32_t month = lc_zone_month(zone, instant);
        if (lc_zone_month(zone, instant - 1) == month || (begins >= 0 && begins != month))
            return -1;
        begins = month;
    }
    return begins;
}

bool
lc_months_between(const lc_policy_book *book, lc_instant from, lc_instant to, int32_t *first, int32_t *end)
{
    *first = from == LC_ABSENT ? 0 : month_that_begins(book, from);
    *end = to == LC_NEVER ? INT32_MAX : month_that_begins(book, to);
    return *first >= 0 && *end >= 0;
}
