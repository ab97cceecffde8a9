/* counters.h - the sums of section 7 over a backtest. */
#pragma once

#include <leadclock/core.h>

typedef struct lc_backtest_counters lc_backtest_counters;

lc_backtest_counters *lc_backtest_counters_new(void);
void lc_backtest_counters_free(lc_backtest_counters *counters);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_backtest_counters, lc_backtest_counters_free)

/* Texts are copied where they are new. */
void lc_backtest_counters_add(lc_backtest_counters *counters, const lc_count *count);

typedef struct {
    lc_text channel;
    int32_t cohort;
    lc_text metric;
    int64_t count; /* never 0 */
} lc_counter;

/* Sorted by channel, cohort and metric, in byte order; zeros are left out. Caller unrefs; texts are borrowed. */
GArray *lc_backtest_counters_sorted(const lc_backtest_counters *counters);
