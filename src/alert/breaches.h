/* breaches.h - the inside of the set of open breaches, for those who make alerts of it. */
#pragma once

#include <leadclock/alert.h>

/* Those that are open at `now`, by due time, then by id; good until the set changes. */
GPtrArray *lc_breaches_list(lc_breaches *breaches, lc_instant now);
