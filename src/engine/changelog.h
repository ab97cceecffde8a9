/* changelog.h - what a record of a changelog says: for recovery, and to compare the store with it. */
#pragma once

#include <leadclock/codec.h>
#include <leadclock/log.h>
#include <leadclock/store.h>

lc_output lc_changelog_output(lc_changelog changelog);
/* The population of a key, "channel|cohort|partition": "channel|cohort". */
lc_text lc_changelog_population(lc_text key);
/* The wake-up of a lead's state. `plan` NULL: false, `error` is set already. */
bool lc_changelog_read_wake_at(const lc_plan *plan, lc_text state, lc_instant *wake_at, GError **error);
/* The counts of a population, from `arena`. `plan` as above. */
bool lc_changelog_read_counts(const lc_plan *plan, lc_text value, lc_arena *arena, const lc_stored_count **counts,
                              size_t *n, GError **error);
/* LC_ERROR_RETRY: nothing came of it for too long, and what is known of why. */
void lc_changelog_set_silent(GError **error, lc_log *log, int32_t partition);
