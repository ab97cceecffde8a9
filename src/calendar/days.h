/* days.h - which windows begin on each date (3.5). */
#pragma once

#include <leadclock/calendar.h>

#include "zone.h"

/* The dates before the first and after the last instant that open time can still come from: a window over midnight
 * lasts to the end of the next one, and wall-clock time may be a day away. */
#define LC_MARGIN_DAYS 3
#define LC_FIRST_DATE (-LC_MARGIN_DAYS)
#define LC_DATES ((int)(LC_LAST_INSTANT / LC_DAY) + 2 * LC_MARGIN_DAYS)

/* The windows of LC_DATES dates from LC_FIRST_DATE on, borrowed from `spec`. Caller frees the array. */
const lc_day_windows **lc_days_new(const lc_calendar_spec *spec);
