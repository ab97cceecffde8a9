/* changelog.c - what a record of a changelog says: for recovery, and to compare the store with it. */
#include "changelog.h"

#include <inttypes.h>

lc_output
lc_changelog_output(lc_changelog changelog)
{
    return changelog == LC_CHANGELOG_STATE ? LC_OUTPUT_STATE : LC_OUTPUT_COUNTERS;
}

lc_text
lc_changelog_population(lc_text key)
{
    const char *bar = key.size ? memrchr(key.data, '|', key.size) : NULL;

    return (lc_text){key.data, bar ? (size_t)(bar - key.data) : key.size};
}

bool
lc_changelog_read_wake_at(const lc_plan *plan, lc_text state, lc_instant *wake_at, GError **error)
{
    lc_text lead_id;

    return plan &&
           lc_plan_peek_lead(plan, state.data + LC_FRAME_BYTES, state.size - LC_FRAME_BYTES, &lead_id, wake_at, error);
}

bool
lc_changelog_read_counts(const lc_plan *plan, lc_text value, lc_arena *arena, const lc_stored_count **counts, size_t *n,
                         GError **error)
{
    lc_text channel;
    int32_t cohort, partition;
    lc_metric_count *read;

    if (plan == NULL || !lc_plan_read_counters(plan, value.data + LC_FRAME_BYTES, value.size - LC_FRAME_BYTES, arena,
                                               &channel, &cohort, &partition, &read, n, error))
        return false;
    lc_stored_count *stored = lc_arena_new(arena, lc_stored_count, *n);
    for (size_t i = 0; i < *n; i++)
        stored[i] = (lc_stored_count){read[i].metric, read[i].count};
    *counts = stored;
    return true;
}

void
lc_changelog_set_silent(GError **error, lc_log *log, int32_t partition)
{
    g_autoptr(GError) trouble = lc_log_trouble(log);

    g_set_error(error, LC_ERROR, LC_ERROR_RETRY, "partition %" PRId32 ": a changelog can't be read to its end%s%s",
                partition, trouble ? ": " : "; look whether the brokers run", trouble ? trouble->message : "");
}
