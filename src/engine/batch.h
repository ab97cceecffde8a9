/* batch.h - one batch of the partitions that need no recovery: steps 4 to 9 of the commit protocol. */
#pragma once

#include "batch_parts.h"

/* False: give up (see lc_worker_tend), or an error; its partitions are marked to recover. */
bool lc_batch_process(lc_batch *batch, GError **error);

/* What of a partition is to be filled. */
typedef struct {
    lc_text name; /* "channel|cohort" */
    lc_text channel;
    int32_t cohort;
} lc_fill_population;

typedef struct {
    const lc_text *ids; /* of leads, each once */
    size_t n_ids;
    const lc_fill_population *populations;
    size_t n_populations;
} lc_fill_piece;

/* One transaction of rows and nothing else, with the offsets unchanged. Takes out of `piece` what was published, which
 * is less than all where leads are large. Adds the leads to `*n_leads`. False: as above. */
bool lc_batch_fill(lc_batch *batch, lc_partition *partition, lc_fill_piece *piece, uint64_t *n_leads, GError **error);
