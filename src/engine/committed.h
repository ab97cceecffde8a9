/* committed.h - which pair (O, C) holds: step 3a, in stages. */
#pragma once

#include "recovery.h"

lc_step lc_committed_find(lc_recovery *r, GError **error);
lc_step lc_committed_find_watermarks(lc_recovery *r, GError **error);
/* (O, C) of all topics together. */
lc_step lc_committed_take_pair(lc_recovery *r, GError **error);
/* Nothing committed: a new group, unless a changelog says otherwise. */
lc_step lc_committed_prove_new_group(lc_recovery *r, GError **error);
/* A record of a changelog is committed together with a C above it: one seen before these offsets were fetched is below
 * their C. */
lc_step lc_committed_check_offsets(lc_recovery *r, GError **error);
/* A committed C was below the high watermark, which never goes back unless records are lost. */
lc_step lc_committed_check_changelogs(lc_recovery *r, GError **error);
