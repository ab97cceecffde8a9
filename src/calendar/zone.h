/* zone.h - what zones and calendars of this room share. */
#pragma once

#include <leadclock/calendar.h>

/* Calendars and the tables of zones cover [LC_FIRST_INSTANT, LC_LAST_INSTANT): the years 1970 to 2100 in UTC. */
#define LC_FIRST_INSTANT ((lc_instant)0)
#define LC_LAST_INSTANT ((lc_instant)4133980800000)

/* Days since 1970-01-01 of a date of the Gregorian calendar (month 1 to 12), and back. */
int64_t lc_days_from_date(int64_t year, int month, int day);
void lc_date_from_days(int64_t days, int64_t *year, int *month, int *day);

/* The instants that a wall-clock time (ms as if it were UTC) stands for: the same one twice; the first and the last
 * where the time repeats; the transition where it doesn't exist. */
typedef struct {
    lc_instant first, last;
} lc_wall_instants;

lc_wall_instants lc_zone_instants_of(const lc_zone *zone, int64_t wall);

/* The date on the wall at an instant, in days since 1970-01-01. */
int64_t lc_zone_date(const lc_zone *zone, lc_instant instant);

lc_zone *lc_zone_copy(const lc_zone *zone);
