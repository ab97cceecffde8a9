/* restore.h - the order of a recovery: the stages that end in a store that shows what was committed. */
#pragma once

#include "committed.h"
#include "refill.h"

#define LC_RESTORE                                                                                                     \
    lc_committed_find, lc_committed_find_watermarks, lc_committed_take_pair, lc_committed_prove_new_group,             \
        lc_committed_check_offsets, lc_committed_check_changelogs, /* a */                                             \
        lc_refill_find_applied, lc_refill_empty_if_needed,         /* b */                                             \
        lc_refill_replay_states, lc_refill_replay_counters,        /* c, d */                                          \
        lc_refill_finish                                           /* d */

/* One stage after the other, as far as its turn goes. */
lc_step lc_recovery_advance(lc_recovery *r, const lc_recovery_stage *stages, GError **error);
