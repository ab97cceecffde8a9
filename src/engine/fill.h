/* fill.h - rows of all leads, for tables that were switched on later. */
#pragma once

#include "worker.h"

typedef struct lc_fill lc_fill;

lc_fill *lc_fill_new(const lc_worker *worker, lc_tell_progress tell, void *data);
void lc_fill_free(lc_fill *fill); /* or NULL */
/* One partition, or waiting for one; stops the worker when all are filled. False: give up, or an error. */
bool lc_fill_go_round(lc_worker *worker, GError **error);
bool lc_fill_is_done(const lc_fill *fill, const lc_worker *worker, uint64_t *n_leads);
