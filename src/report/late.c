/* late.c - how late broken promises were ended, by who owned the lead when they were broken. */
#include "making.h"

/* A group of lc_spans is never 0, which is all of them; an owner's number is, of nobody. */
static uint32_t
group_of(uint32_t owner)
{
    return owner + 1;
}

static lc_spans *
collect(const lc_making *making, GHashTable *owners)
{
    lc_spans *late = lc_spans_new();
    LC_EACH_CYCLE (cycle, making->ledger, making->question)
        LC_EACH_BREACH (breach, cycle)
            if (!breach->early && breach->late_ms != LC_ABSENT) {
                g_hash_table_add(owners, GUINT_TO_POINTER(breach->owner));
                lc_spans_add(late, group_of(breach->owner), breach->late_ms);
            }
    return late;
}

static void
add_row(lc_table *table, lc_text owner, const char *none, lc_spans *late, uint32_t group)
{
    lc_report_name(table, owner, none);
    lc_table_count(table, (int64_t)lc_spans_count(late, group));
    lc_table_duration(table, lc_spans_percentile(late, group, 50));
    lc_table_duration(table, lc_spans_percentile(late, group, 90));
}

void
lc_report_add_late(const lc_making *making)
{
    g_autoptr(GHashTable) owners = g_hash_table_new(NULL, NULL);
    g_autoptr(lc_spans) late = collect(making, owners);
    g_autoptr(GArray) sorted = lc_report_sorted(making->ledger, owners);
    lc_table *table =
        lc_report_add_table(making, "late_by_owner", "How late broken promises were ended, by who owned the lead then");
    lc_table_column(table, LC_CELL_TEXT, "owner", "owner");
    lc_table_column(table, LC_CELL_COUNT, "ended", "ended");
    lc_table_column(table, LC_CELL_OPEN_TIME, "late_median_ms", "late (median)");
    lc_table_column(table, LC_CELL_OPEN_TIME, "late_p90_ms", "late (90th pct.)");
    if (sorted->len)
        add_row(table, LC_NO_TEXT, "(all)", late, 0);
    for (guint i = 0; i < sorted->len; i++) {
        uint32_t owner = g_array_index(sorted, uint32_t, i);
        add_row(table, lc_ledger_text(making->ledger, owner), "(nobody)", late, group_of(owner));
    }
}
