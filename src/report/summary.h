/* summary.h - the counters of section 7 summed over cohorts: a channel's, or all. Private to this room. */
#pragma once

#include "ledger.h"

typedef struct lc_summary lc_summary;

/* Of the leads that are asked for. Where those are whole months (or all) they are the counters, which also have the
 * leads that were erased since; otherwise what rows tell, without those that have no rows to be told by. */
lc_summary *lc_summary_new(const lc_ledger *ledger, const lc_report_question *question);
void lc_summary_free(lc_summary *summary);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_summary, lc_summary_free)

/* It has all metrics; otherwise clocks but first_contact are not known to be kept, nor what happened after the
 * settlement, nor erasures. */
bool lc_summary_is_whole(const lc_summary *summary);

/* In byte order; borrowed. */
const GPtrArray *lc_summary_channels(const lc_summary *summary); /* char * */

/* `channel` NULL: of all channels. */
int64_t lc_summary_get(const lc_summary *summary, const char *channel, const char *metric);
/* lc_summary_get of PREFIX + NAME. */
int64_t lc_summary_get_named(const lc_summary *summary, const char *channel, const char *prefix, lc_text name);

/* What follows `prefix` in the metrics that have it ("rejected:" -> "other", "student"), in byte order. Caller unrefs;
 * the texts are the caller's too. */
GPtrArray *lc_summary_names(const lc_summary *summary, const char *prefix);

/* ---- For who fills it ---- */

void lc_summary_add(lc_summary *summary, lc_text channel, const char *metric, int64_t count);
/* Every metric that the rows of a ledger tell. */
void lc_summary_add_rows(lc_summary *summary, const lc_ledger *ledger, const lc_report_question *question);
