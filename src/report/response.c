/* response.c - how long leads wait: for the first contact, for an owner, and then for that owner. */
#include "making.h"

#include <leadclock/calendar.h>

static const struct {
    lc_duration most;
    const char *name, *title;
} within[] = {
    {5 * LC_MINUTE, "within_5m", "within 5m"},
    {15 * LC_MINUTE, "within_15m", "within 15m"},
    {LC_HOUR, "within_1h", "within 1h"},
    {LC_DAY, "within_24h", "within 24h"},
};

/* What is told of each channel. */
typedef struct {
    lc_spans *plain, *open, *to_owner, *to_contact;
    GHashTable *opened; /* channel -> how many; 0: all */
} waits;

static void
count(GHashTable *counts, uint32_t number)
{
    gpointer key = GUINT_TO_POINTER(number);
    g_hash_table_insert(counts, key, GUINT_TO_POINTER(GPOINTER_TO_UINT(g_hash_table_lookup(counts, key)) + 1));
}

static int64_t
counted(GHashTable *counts, uint32_t number)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(counts, GUINT_TO_POINTER(number)));
}

/* An owner who is named only after the first contact did not keep it waiting. */
static void
add_cycle(const waits *w, const lc_ledger_cycle *cycle)
{
    count(w->opened, 0);
    count(w->opened, cycle->channel);
    if (cycle->assigned_at != LC_ABSENT)
        lc_spans_add(w->to_owner, cycle->channel, cycle->assigned_at - cycle->handoff_at);
    if (cycle->response_ms == LC_ABSENT)
        return;
    lc_spans_add(w->plain, cycle->channel, cycle->response_ms);
    lc_spans_add(w->open, cycle->channel, cycle->response_open_ms);
    if (cycle->assigned_at != LC_ABSENT)
        lc_spans_add(w->to_contact, cycle->channel,
                     MAX(0, cycle->handoff_at + cycle->response_ms - cycle->assigned_at));
}

static void
add_percentiles(lc_table *table, lc_spans *spans, uint32_t channel)
{
    lc_table_duration(table, lc_spans_percentile(spans, channel, 50));
    lc_table_duration(table, lc_spans_percentile(spans, channel, 90));
    lc_table_duration(table, lc_spans_percentile(spans, channel, 95));
}

static void
add_percentile_columns(lc_table *table, lc_cell_kind kind)
{
    lc_table_column(table, kind, "median_ms", "median");
    lc_table_column(table, kind, "p90_ms", "90th pct.");
    lc_table_column(table, kind, "p95_ms", "95th pct.");
}

/* ---- Tables ---- */

static void
add_response_of(const lc_making *making, lc_table *table, const waits *w, lc_spans *spans, uint32_t channel)
{
    int64_t opened = counted(w->opened, channel);
    const char *name = channel ? lc_ledger_text(making->ledger, channel).data : NULL;
    lc_report_name(table, lc_ledger_text(making->ledger, channel), "(all)");
    lc_report_count(table, opened, LC_LEADS_LINK(making, "channel", name, "is", "opened"));
    lc_report_count(table, (int64_t)lc_spans_count(spans, channel),
                    LC_LEADS_LINK(making, "channel", name, "is", "contacted"));
    lc_table_share(table, (int64_t)lc_spans_count(spans, channel), opened);
    add_percentiles(table, spans, channel);
    for (size_t i = 0; i < G_N_ELEMENTS(within); i++)
        lc_table_share(table, (int64_t)lc_spans_within(spans, channel, within[i].most), opened);
}

static void
add_response(const lc_making *making, const waits *w, const GArray *channels, lc_spans *spans, lc_cell_kind kind,
             const char *name, const char *title)
{
    lc_table *table = lc_report_add_table(making, name, title);
    lc_table_column(table, LC_CELL_TEXT, "channel", "channel");
    lc_table_column(table, LC_CELL_COUNT, "opened", "opened");
    lc_table_column(table, LC_CELL_COUNT, "contacted", "contacted");
    lc_table_column(table, LC_CELL_SHARE, "contacted_share", "of opened");
    add_percentile_columns(table, kind);
    for (size_t i = 0; i < G_N_ELEMENTS(within); i++)
        lc_table_column(table, LC_CELL_SHARE, within[i].name, within[i].title);
    add_response_of(making, table, w, spans, 0);
    for (guint i = 0; i < channels->len; i++)
        add_response_of(making, table, w, spans, g_array_index(channels, uint32_t, i));
}

static void
add_delay_of(const lc_making *making, lc_table *table, const char *whose, const char *kind, lc_spans *spans,
             uint32_t channel)
{
    if (lc_spans_count(spans, channel) == 0)
        return;
    lc_report_name(table, lc_ledger_text(making->ledger, channel), "(all)");
    lc_table_text(table, lc_text_of(whose));
    lc_report_count(
        table, (int64_t)lc_spans_count(spans, channel),
        LC_LEADS_LINK(making, "channel", channel ? lc_ledger_text(making->ledger, channel).data : NULL, "is", kind));
    add_percentiles(table, spans, channel);
}

static void
add_delays_of(const lc_making *making, lc_table *table, const waits *w, uint32_t channel)
{
    add_delay_of(making, table, "system: hand-off to first owner", "assigned", w->to_owner, channel);
    add_delay_of(making, table, "people: owner to first contact", "answered", w->to_contact, channel);
}

static void
add_delays(const lc_making *making, const waits *w, const GArray *channels)
{
    lc_table *table = lc_report_add_table(making, "delay", "Whose delay it is, of the leads that have had an owner");
    lc_table_column(table, LC_CELL_TEXT, "channel", "channel");
    lc_table_column(table, LC_CELL_TEXT, "delay", "delay");
    lc_table_column(table, LC_CELL_COUNT, "leads", "leads");
    add_percentile_columns(table, LC_CELL_DURATION);
    add_delays_of(making, table, w, 0);
    for (guint i = 0; i < channels->len; i++)
        add_delays_of(making, table, w, g_array_index(channels, uint32_t, i));
}

/* ---- In words ---- */

static const char *
in_words(lc_duration duration, char *text)
{
    lc_duration unit = duration < LC_MINUTE ? LC_SECOND : duration < LC_DAY ? LC_MINUTE : LC_HOUR;
    return lc_duration_format(duration / unit * unit, text);
}

static void
say(const lc_making *making, const waits *w)
{
    char half[LC_DURATION_TEXT_BYTES], most[LC_DURATION_TEXT_BYTES];
    if (lc_spans_count(w->plain, 0) == 0)
        return;
    lc_report_say(making, "response",
                  "Of the leads that were contacted, half were contacted within %s of the hand-off, and nine in ten "
                  "within %s.",
                  in_words(lc_spans_percentile(w->plain, 0, 50), half),
                  in_words(lc_spans_percentile(w->plain, 0, 90), most));
    if (lc_spans_count(w->to_owner, 0) && lc_spans_count(w->to_contact, 0))
        lc_report_say(making, "delay",
                      "Until a lead has an owner takes %s (median): that is the systems' share. From the owner to the "
                      "first contact takes %s: that is the people's.",
                      in_words(lc_spans_percentile(w->to_owner, 0, 50), half),
                      in_words(lc_spans_percentile(w->to_contact, 0, 50), most));
}

void
lc_report_add_response(const lc_making *making)
{
    g_autoptr(lc_spans) plain = lc_spans_new(), open = lc_spans_new(), to_owner = lc_spans_new(),
                        to_contact = lc_spans_new();
    g_autoptr(GHashTable) opened = g_hash_table_new(NULL, NULL);
    g_autoptr(GHashTable) channels = g_hash_table_new(NULL, NULL);
    const waits w = {plain, open, to_owner, to_contact, opened};
    LC_EACH_CYCLE (cycle, making->ledger, making->question) {
        if (lc_cycle_was_held_back(cycle))
            continue;
        g_hash_table_add(channels, GUINT_TO_POINTER(cycle->channel));
        add_cycle(&w, cycle);
    }
    g_autoptr(GArray) sorted = lc_report_sorted(making->ledger, channels);
    say(making, &w);
    add_response(making, &w, sorted, plain, LC_CELL_DURATION, "response",
                 "First contact after the hand-off, by channel");
    add_response(making, &w, sorted, open, LC_CELL_OPEN_TIME, "response_open",
                 "The same in open time, by the calendar of the promise, by channel");
    add_delays(making, &w, sorted);
}
