/* growth.c - the number of partitions that the topics have, and had when something was committed. */
#include "growth.h"

#include <inttypes.h>

/* Topics that grew while it runs: keys lie elsewhere now, and there is no place for these partitions in the store. */
bool
lc_worker_refuse_growth(const lc_worker *worker, int32_t partitions, GError **error)
{
    g_set_error(error, LC_ERROR, LC_ERROR_CONFIG,
                "the topics have %" PRId32 " partitions, and had %" PRId32 " when this started: " LC_AFTER_GROWTH,
                partitions, worker->partition_count);
    return false;
}

bool
lc_worker_confirm_partitions(lc_worker *worker, GError **error)
{
    int32_t partitions;

    if (!LC_CHECKS(LC_CHECK_GROWTH))
        return true;
    if (!lc_log_check_topics(worker->log, &partitions, error))
        return false;
    if (partitions != worker->partition_count)
        return lc_worker_refuse_growth(worker, partitions, error);
    if (worker->report.joined && !worker->group_checked)
        worker->group_checked = lc_log_check_group(worker->log, worker->partition_count, error);
    return !worker->report.joined || worker->group_checked;
}

static bool
refuse_former_count(const lc_worker *worker, int32_t former, GError **error)
{
    g_set_error(error, LC_ERROR, LC_ERROR_CONFIG,
                "the group's offsets are of a time when the topics had %" PRId32 " partitions, and they have %" PRId32
                ": " LC_AFTER_GROWTH,
                former, worker->partition_count);
    return false;
}

bool
lc_worker_compare_count(const lc_worker *worker, const lc_metadata *metadata, GError **error)
{
    return metadata->partitions == 0 || metadata->partitions == worker->partition_count ||
           refuse_former_count(worker, metadata->partitions, error);
}

/* Metadata of version 1 does not say of how many partitions it is one. But who has run has committed something for each
 * partition that there was. */
static bool
compare_extent(const lc_worker *worker, const lc_text *metadata, GError **error)
{
    int32_t n = worker->partition_count;

    while (n > 0 && lc_text_is_absent(metadata[n - 1]))
        n--;
    for (int32_t p = 0; p < n; p++)
        if (!g_str_has_prefix(metadata[p].data ? metadata[p].data : "", "1:"))
            return true;
    return n == 0 || n == worker->partition_count || refuse_former_count(worker, n, error);
}

static bool
refuse_half_done(GError **error)
{
    g_set_error(error, LC_ERROR, LC_ERROR_FATAL, "%s", lc_reset_under_way + strlen(LC_METADATA_LOST));
    return false;
}

/* Before anything is made for another number of partitions than leads' states lie in. */
bool
lc_worker_check_former_count(lc_worker *worker, void *argument, GError **error)
{
    lc_arena arena = {0};
    g_autofree lc_text *found = g_new0(lc_text, worker->partition_count);
    lc_metadata metadata;

    (void)argument;
    bool ok = lc_log_committed_metadata(worker->log, worker->partition_count, found, &arena, error);
    for (int32_t p = 0; ok && p < worker->partition_count; p++)
        ok = lc_text_equal(found[p], lc_text_of(lc_reset_under_way)) ? refuse_half_done(error)
             : lc_metadata_parse(found[p], &metadata)                ? lc_worker_compare_count(worker, &metadata, error)
                                                                     : true;
    ok = ok && compare_extent(worker, found, error);
    lc_arena_clear(&arena);
    return ok;
}
