/* rows.h - the rows that stand (section 10), as they will be written. Private to this room. */
#pragma once

#include <leadclock/backtest.h>

typedef struct lc_kept_rows lc_kept_rows;

lc_kept_rows *lc_kept_rows_new(lc_rows_format format);
void lc_kept_rows_free(lc_kept_rows *kept);

/* New, changed and deleted ones. */
void lc_kept_rows_take(lc_kept_rows *kept, const lc_row *rows, size_t n);

/* Each table into a file of its own in `folder`, which is made where it is missing. LC_ERROR_FATAL. */
bool lc_kept_rows_write(const lc_kept_rows *kept, const lc_counter_sums *counters, const char *folder, GError **error);
