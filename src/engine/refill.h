/* refill.h - what is applied, emptied where it must be, and filled from the changelogs: steps 3b to 3d. */
#pragma once

#include "recovery.h"

/* Stages. */
/* The store may be newer than what was fetched before it was read, never than what is fetched after. */
lc_step lc_refill_find_applied(lc_recovery *r, GError **error);
lc_step lc_refill_empty_if_needed(lc_recovery *r, GError **error);
lc_step lc_refill_replay_states(lc_recovery *r, GError **error);
lc_step lc_refill_replay_counters(lc_recovery *r, GError **error);
lc_step lc_refill_finish(lc_recovery *r, GError **error);

/* Parts of them. */
/* Whatever there is of the partition is not to be trusted. */
lc_step lc_refill_empty_store(lc_recovery *r, GError **error);
bool lc_refill_ask_applied(lc_recovery *r, GError **error);
/* Into `applied`. */
lc_step lc_refill_read_applied(lc_recovery *r, GError **error);
/* Writes `piece` and moves the position to `next` (handed over). A lost connection or another position: from a. */
lc_step lc_refill_write_piece(lc_recovery *r, lc_store_write piece, char *next, GError **error);
/* It may be anywhere now: from a. */
lc_step lc_refill_lose_store(lc_recovery *r, GError *problem, GError **error);
