/* months.h - calendar months as cohorts: where they begin and end. Private to this room. */
#pragma once

#include <leadclock/policy.h>

/* When `month` (lc_zone_month) has ended for every lead: the latest of its ends in the zones of the documents. */
lc_instant lc_month_end(const lc_policy_book *book, int32_t month);

/* The months whose hand-offs lie from `from` to before `to` and nowhere else, the last one excluded; false: these
 * instants are no beginnings of months in every document's zone. LC_ABSENT and LC_NEVER: no bound. */
bool lc_months_between(const lc_policy_book *book, lc_instant from, lc_instant to, int32_t *first, int32_t *end);
