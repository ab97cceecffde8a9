/* stage_times.c - how long leads stay in each stage. */
#include "making.h"

#include <leadclock/calendar.h>
#include <leadclock/text.h>

/* When the cycle left the stage: by the next one that was named, or by its settlement, whichever came first after it;
 * LC_NEVER: it has not; LC_ABSENT: it was never in it (the stage closed the cycle, or was reached after it). */
static lc_instant
left_at(const lc_ledger_cycle *cycle, const lc_ledger_stage *stage)
{
    lc_instant left = LC_NEVER;
    LC_EACH_STAGE (other, cycle)
        if (other->named && other->reached_at > stage->reached_at)
            left = MIN(left, other->reached_at);
    if (cycle->open)
        return left;
    if (cycle->settled_at <= stage->reached_at)
        return LC_ABSENT;
    return MIN(left, cycle->settled_at);
}

static void
collect_of(const lc_making *making, const lc_ledger_cycle *cycle, lc_spans *times, lc_spans *still)
{
    LC_EACH_STAGE (stage, cycle) {
        lc_instant left = stage->named ? left_at(cycle, stage) : LC_ABSENT;
        if (left == LC_NEVER)
            lc_spans_add(still, stage->part.name, MAX(0, making->question->at - stage->reached_at));
        else if (left != LC_ABSENT)
            lc_spans_add(times, stage->part.name, left - stage->reached_at);
    }
}

static void
collect(const lc_making *making, lc_spans *times, lc_spans *still)
{
    LC_EACH_CYCLE (cycle, making->ledger, making->question)
        collect_of(making, cycle, times, still);
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
