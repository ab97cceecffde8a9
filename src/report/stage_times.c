/* stage_times.c - how long leads stay in each stage. */
#include "making.h"

#include <leadclock/calendar.h>
#include <leadclock/text.h>

/* The stages that progress named in a cycle. */
static GHashTable *
by_cycle(const lc_making *making)
{
    GHashTable *cycles = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_ptr_array_unref);
    GHashTableIter iter;
    gpointer item;
    g_hash_table_iter_init(&iter, making->ledger->stages);
    while (g_hash_table_iter_next(&iter, &item, NULL)) {
        const lc_ledger_stage *stage = item;
        lc_ledger_cycle *cycle = lc_ledger_find_cycle(making->ledger, &stage->cycle_id);
        if (!stage->named || cycle == NULL || !lc_cycle_is_asked_for(cycle, making->question))
            continue;
        GPtrArray *stages = g_hash_table_lookup(cycles, cycle);
        if (stages == NULL)
            g_hash_table_insert(cycles, cycle, stages = g_ptr_array_new());
        g_ptr_array_add(stages, (gpointer)stage);
    }
    return cycles;
}

/* When the cycle left the stage: by the next one that was named, or by its settlement, whichever came first after it;
 * LC_NEVER: it has not; LC_ABSENT: it was never in it (the stage closed the cycle, or was reached after it). */
static lc_instant
left_at(const lc_ledger_cycle *cycle, const GPtrArray *stages, const lc_ledger_stage *stage)
{
    lc_instant left = LC_NEVER;
    for (guint i = 0; i < stages->len; i++) {
        lc_instant at = ((const lc_ledger_stage *)stages->pdata[i])->reached_at;
        if (at > stage->reached_at)
            left = MIN(left, at);
    }
    if (cycle->open)
        return left;
    if (cycle->settled_at <= stage->reached_at)
        return LC_ABSENT;
    return MIN(left, cycle->settled_at);
}

static void
collect(const lc_making *making, lc_spans *times, lc_spans *still)
{
    g_autoptr(GHashTable) cycles = by_cycle(making);
    GHashTableIter iter;
    gpointer cycle, of;
    g_hash_table_iter_init(&iter, cycles);
    while (g_hash_table_iter_next(&iter, &cycle, &of)) {
        const GPtrArray *stages = of;
        for (guint i = 0; i < stages->len; i++) {
            const lc_ledger_stage *stage = stages->pdata[i];
            lc_instant left = left_at(cycle, stages, stage);
            if (left == LC_NEVER)
                lc_spans_add(still, stage->stage, MAX(0, making->question->at - stage->reached_at));
            else if (left != LC_ABSENT)
                lc_spans_add(times, stage->stage, left - stage->reached_at);
        }
    }
}

void
lc_report_add_stages(const lc_making *making)
{
    g_autoptr(lc_spans) times = lc_spans_new(), still = lc_spans_new();
    collect(making, times, still);
    lc_table *table =
        lc_report_add_table(making, "stage_times", "Time in each stage, until the next or the settlement");
    lc_table_column(table, LC_CELL_TEXT, "stage", "stage");
    lc_table_column(table, LC_CELL_COUNT, "left", "left it");
    lc_table_column(table, LC_CELL_DURATION, "median_ms", "median");
    lc_table_column(table, LC_CELL_DURATION, "p90_ms", "90th pct.");
    lc_table_column(table, LC_CELL_COUNT, "still", "still in it");
    lc_table_column(table, LC_CELL_DURATION, "still_median_ms", "so far (median)");
    for (guint i = 0; i < making->stages->len; i++) {
        lc_text name = lc_text_of(making->stages->pdata[i]);
        uint32_t stage = lc_texts_find(making->ledger->texts, name);
        if (lc_spans_count(times, stage) + lc_spans_count(still, stage) == 0)
            continue;
        lc_table_text(table, name);
        lc_table_count(table, (int64_t)lc_spans_count(times, stage));
        lc_table_duration(table, lc_spans_percentile(times, stage, 50));
        lc_table_duration(table, lc_spans_percentile(times, stage, 90));
        lc_table_count(table, (int64_t)lc_spans_count(still, stage));
        lc_table_duration(table, lc_spans_percentile(still, stage, 50));
    }
}
