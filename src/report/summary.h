/* summary.h - counters summed over cohorts: a channel's, or all. */
#pragma once

#include <leadclock/report.h>

typedef struct lc_summary lc_summary;

lc_summary *lc_summary_new(const lc_counter_sums *counters);
void lc_summary_free(lc_summary *summary);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_summary, lc_summary_free)

/* In byte order; borrowed. */
const GPtrArray *lc_summary_channels(const lc_summary *summary); /* char * */

/* `channel` NULL: of all channels. */
int64_t lc_summary_get(const lc_summary *summary, const char *channel, const char *metric);
/* lc_summary_get of PREFIX + NAME. */
int64_t lc_summary_get_named(const lc_summary *summary, const char *channel, const char *prefix, lc_text name);

/* What follows `prefix` in the metrics that have it ("rejected:" -> "other", "student"), in byte order. Caller unrefs;
 * the texts are the caller's too. */
GPtrArray *lc_summary_names(const lc_summary *summary, const char *prefix);
