/* report.c - what happened, in tables: the whole first, then by channel. */
#include "summary.h"

#define ALL_CHANNELS LC_TEXT("(all)")

typedef struct {
    const lc_summary *sums;
    lc_tally *tally;
    GPtrArray *stages; /* char *: of all documents, in order, each once */
    GPtrArray *won;    /* char *: those that close as won */
    GPtrArray *tables;
} report;

static lc_table *
new_table(report *r, const char *name, const char *title)
{
    lc_table *table = lc_table_new(name, title);
    g_ptr_array_add(r->tables, table);
    return table;
}

/* ---- The whole ---- */

static void
add_line(lc_table *table, const char *what, int64_t count, int64_t whole)
{
    lc_table_text(table, lc_text_of(what));
    lc_table_count(table, count);
    lc_table_share(table, count, whole);
}

static void
add_totals(report *r, const lc_report_subject *subject)
{
    static const struct {
        const char *what, *metric;
    } held[] = {
        {"opened", "opened"},
        {"held back: cooldown", "cooled_down"},
        {"held back: open dialogue", "open_dialogue"},
        {"held back: not qualified", "not_qualified"},
        {"contacted", "contacted"},
        {"handed off again while open", "duplicate"},
        {"clawed back", "clawed_back"},
        {"unresponsive", "unresponsive"},
        {"rejected", "rejected"},
        {"rejected once settled", "rejected_late"},
        {"rejected, reason unknown", "reason_unknown"},
        {"completed", "completed"},
        {"erased", "erased"},
    };
    lc_table *table = new_table(r, "totals", "What happened");
    lc_table_column(table, LC_CELL_TEXT, "what", "");
    lc_table_column(table, LC_CELL_COUNT, "count", "count");
    lc_table_column(table, LC_CELL_SHARE, "share_of_handoffs", "of hand-offs");
    int64_t handed_off = lc_summary_get(r->sums, NULL, "handed_off");
    add_line(table, "facts", (int64_t)subject->facts, 0);
    if (subject->skipped)
        add_line(table, "facts skipped", (int64_t)subject->skipped, 0);
    add_line(table, "leads still kept at the end", (int64_t)subject->leads, 0);
    add_line(table, "hand-offs", handed_off, handed_off);
    for (size_t i = 0; i < G_N_ELEMENTS(held); i++)
        add_line(table, held[i].what, lc_summary_get(r->sums, NULL, held[i].metric), handed_off);
}

/* ---- Promises ---- */

/* `kind` begins the names of its metrics; `stage` is a milestone's, or absent. */
static void
add_promise(lc_table *table, const lc_summary *sums, const char *channel, const char *clock, const char *kind,
            lc_text stage)
{
    g_autofree char *met = g_strdup_printf("%s_met%s", kind, stage.data ? ":" : "");
    g_autofree char *breached = g_strdup_printf("%s_breached%s", kind, stage.data ? ":" : "");
    g_autofree char *early = g_strdup_printf("%s_early", kind);
    int64_t kept = lc_summary_get_named(sums, channel, met, stage);
    int64_t late = lc_summary_get_named(sums, channel, breached, stage);
    int64_t too_early = lc_summary_get(sums, channel, early);
    if (kept + late + too_early == 0)
        return;
    lc_table_text(table, channel ? lc_text_of(channel) : ALL_CHANNELS);
    lc_table_text(table, lc_text_of(clock));
    lc_table_count(table, kept);
    lc_table_count(table, late);
    lc_table_count(table, too_early);
    lc_table_share(table, kept, kept + late);
    lc_table_share(table, late, kept + late);
}

static void
add_promises_of(report *r, lc_table *table, const char *channel)
{
    add_promise(table, r->sums, channel, "first_contact", "first_contact", LC_NO_TEXT);
    add_promise(table, r->sums, channel, "again", "again", LC_NO_TEXT);
    add_promise(table, r->sums, channel, "renewed", "renewed", LC_NO_TEXT);
    add_promise(table, r->sums, channel, "requested", "requested", LC_NO_TEXT);
    for (guint i = 0; i < r->stages->len; i++) {
        g_autofree char *clock = g_strdup_printf("milestone:%s", (char *)r->stages->pdata[i]);
        add_promise(table, r->sums, channel, clock, "milestone", lc_text_of(r->stages->pdata[i]));
    }
    add_promise(table, r->sums, channel, "follow_up", "follow_up", LC_NO_TEXT);
    add_promise(table, r->sums, channel, "next_contact", "next_contact", LC_NO_TEXT);
}

static void
add_promises(report *r)
{
    lc_table *table = new_table(r, "promises", "Promises kept and broken, by channel and clock");
    lc_table_column(table, LC_CELL_TEXT, "channel", "channel");
    lc_table_column(table, LC_CELL_TEXT, "clock", "clock");
    lc_table_column(table, LC_CELL_COUNT, "kept", "kept");
    lc_table_column(table, LC_CELL_COUNT, "broken", "broken");
    lc_table_column(table, LC_CELL_COUNT, "early", "too early");
    lc_table_column(table, LC_CELL_SHARE, "kept_share", "kept");
    lc_table_column(table, LC_CELL_SHARE, "broken_share", "broken");
    add_promises_of(r, table, NULL);
    const GPtrArray *channels = lc_summary_channels(r->sums);
    for (guint i = 0; i < channels->len; i++)
        add_promises_of(r, table, channels->pdata[i]);
}

/* ---- Response times ---- */

static int64_t
responded_within(const lc_summary *sums, const char *channel, const char *const *buckets)
{
    int64_t sum = 0;
    for (; *buckets; buckets++)
        sum += lc_summary_get_named(sums, channel, "responded:", lc_text_of(*buckets));
    return sum;
}

static void
add_response_of(lc_table *table, const lc_summary *sums, const char *channel)
{
    static const char *const five_minutes[] = {"1m", "5m", NULL}, *const hour[] = {"1m", "5m", "15m", "1h", NULL},
                             *const day[] = {"1m", "5m", "15m", "1h", "4h", "24h", NULL}, *const week[] = {"1m",  "5m",
                                                                                                           "15m", "1h",
                                                                                                           "4h",  "24h",
                                                                                                           "48h", "7d",
                                                                                                           NULL};
    int64_t opened = lc_summary_get(sums, channel, "opened");
    lc_table_text(table, channel ? lc_text_of(channel) : ALL_CHANNELS);
    lc_table_count(table, opened);
    lc_table_share(table, lc_summary_get(sums, channel, "contacted"), opened);
    lc_table_share(table, responded_within(sums, channel, five_minutes), opened);
    lc_table_share(table, responded_within(sums, channel, hour), opened);
    lc_table_share(table, responded_within(sums, channel, day), opened);
    lc_table_share(table, responded_within(sums, channel, week), opened);
}

static void
add_response_shares(report *r)
{
    lc_table *table = new_table(r, "response", "First contact after the hand-off, share of the opened, by channel");
    lc_table_column(table, LC_CELL_TEXT, "channel", "channel");
    lc_table_column(table, LC_CELL_COUNT, "opened", "opened");
    lc_table_column(table, LC_CELL_SHARE, "contacted", "contacted");
    lc_table_column(table, LC_CELL_SHARE, "within_5m", "within 5m");
    lc_table_column(table, LC_CELL_SHARE, "within_1h", "within 1h");
    lc_table_column(table, LC_CELL_SHARE, "within_24h", "within 24h");
    lc_table_column(table, LC_CELL_SHARE, "within_7d", "within 7d");
    add_response_of(table, r->sums, NULL);
    const GPtrArray *channels = lc_summary_channels(r->sums);
    for (guint i = 0; i < channels->len; i++)
        add_response_of(table, r->sums, channels->pdata[i]);
}

static void
add_response_times(report *r)
{
    lc_table *table = new_table(r, "response_time", "Response time (hand-off to first contact, of the contacted)");
    lc_table_column(table, LC_CELL_COUNT, "contacted", "contacted");
    lc_table_column(table, LC_CELL_DURATION, "median_ms", "median");
    lc_table_column(table, LC_CELL_DURATION, "p90_ms", "90th percentile");
    lc_table_count(table, (int64_t)lc_tally_responses(r->tally));
    lc_table_duration(table, lc_tally_percentile(r->tally, 50));
    lc_table_duration(table, lc_tally_percentile(r->tally, 90));
}

/* ---- Rejections and endings ---- */

static void
add_rejections(report *r)
{
    g_autoptr(GPtrArray) reasons = lc_summary_names(r->sums, "rejected:");
    lc_table *table = new_table(r, "rejections", "Rejections, by channel and reason");
    lc_table_column(table, LC_CELL_TEXT, "channel", "channel");
    lc_table_column(table, LC_CELL_TEXT, "reason", "reason");
    lc_table_column(table, LC_CELL_COUNT, "count", "count");
    lc_table_column(table, LC_CELL_SHARE, "share_of_rejected", "of rejected");
    const GPtrArray *channels = lc_summary_channels(r->sums);
    for (guint i = 0; i <= channels->len; i++) {
        const char *channel = i ? channels->pdata[i - 1] : NULL;
        for (guint j = 0; j < reasons->len; j++) {
            lc_text reason = lc_text_of(reasons->pdata[j]);
            int64_t count = lc_summary_get_named(r->sums, channel, "rejected:", reason);
            if (count == 0)
                continue;
            lc_table_text(table, channel ? lc_text_of(channel) : ALL_CHANNELS);
            lc_table_text(table, reason);
            lc_table_count(table, count);
            lc_table_share(table, count, lc_summary_get(r->sums, channel, "rejected"));
        }
    }
}

static void
add_clawbacks(report *r)
{
    lc_table *table = new_table(r, "clawbacks", "Clawed back, by channel and rule");
    lc_table_column(table, LC_CELL_TEXT, "channel", "channel");
    lc_table_column(table, LC_CELL_TEXT, "rule", "rule");
    lc_table_column(table, LC_CELL_COUNT, "count", "count");
    g_autoptr(GPtrArray) groups = lc_tally_groups(r->tally);
    for (guint i = 0; i < groups->len; i++) {
        const lc_tally_group *group = groups->pdata[i];
        if (group->type != LC_OUTCOME_CLAWED_BACK)
            continue;
        lc_table_text(table, group->channel);
        lc_table_text(table, group->rule);
        lc_table_count(table, group->count);
    }
}

/* ---- The funnel by channel ---- */

static void
add_funnel_of(report *r, lc_table *table, const char *channel)
{
    static const char *const metrics[] = {"handed_off",  "opened",        "contacted",    "duplicate",
                                          "cooled_down", "open_dialogue", "not_qualified"};
    int64_t won = 0;
    lc_table_text(table, channel ? lc_text_of(channel) : ALL_CHANNELS);
    for (size_t i = 0; i < G_N_ELEMENTS(metrics); i++)
        lc_table_count(table, lc_summary_get(r->sums, channel, metrics[i]));
    for (guint i = 0; i < r->stages->len; i++)
        lc_table_count(table, lc_summary_get_named(r->sums, channel, "reached:", lc_text_of(r->stages->pdata[i])));
    for (guint i = 0; i < r->won->len; i++)
        won += lc_summary_get_named(r->sums, channel, "reached:", lc_text_of(r->won->pdata[i]));
    lc_table_share(table, won, lc_summary_get(r->sums, channel, "handed_off"));
}

static void
add_funnel(report *r)
{
    lc_table *table = new_table(r, "channels", "By channel: hand-offs, what became of them, and how many were won");
    lc_table_column(table, LC_CELL_TEXT, "channel", "channel");
    lc_table_column(table, LC_CELL_COUNT, "handed_off", "hand-offs");
    lc_table_column(table, LC_CELL_COUNT, "opened", "opened");
    lc_table_column(table, LC_CELL_COUNT, "contacted", "contacted");
    lc_table_column(table, LC_CELL_COUNT, "duplicate", "again");
    lc_table_column(table, LC_CELL_COUNT, "cooled_down", "cooled down");
    lc_table_column(table, LC_CELL_COUNT, "open_dialogue", "in dialogue");
    lc_table_column(table, LC_CELL_COUNT, "not_qualified", "unqualified");
    for (guint i = 0; i < r->stages->len; i++) {
        g_autofree char *name = g_strdup_printf("reached:%s", (char *)r->stages->pdata[i]);
        lc_table_column(table, LC_CELL_COUNT, name, r->stages->pdata[i]);
    }
    lc_table_column(table, LC_CELL_SHARE, "conversion", "conversion");
    const GPtrArray *channels = lc_summary_channels(r->sums);
    for (guint i = 0; i < channels->len; i++)
        add_funnel_of(r, table, channels->pdata[i]);
    add_funnel_of(r, table, NULL);
}

static void
add_endings_of(report *r, lc_table *table, const char *channel)
{
    static const char *const metrics[] = {"rejected",     "reason_unknown", "rejected_late", "clawed_back",
                                          "unresponsive", "completed",      "erased"};
    lc_table_text(table, channel ? lc_text_of(channel) : ALL_CHANNELS);
    for (size_t i = 0; i < G_N_ELEMENTS(metrics); i++)
        lc_table_count(table, lc_summary_get(r->sums, channel, metrics[i]));
}

static void
add_endings(report *r)
{
    lc_table *table = new_table(r, "endings", "By channel: how cycles ended");
    lc_table_column(table, LC_CELL_TEXT, "channel", "channel");
    lc_table_column(table, LC_CELL_COUNT, "rejected", "rejected");
    lc_table_column(table, LC_CELL_COUNT, "reason_unknown", "reason unknown");
    lc_table_column(table, LC_CELL_COUNT, "rejected_late", "rejected late");
    lc_table_column(table, LC_CELL_COUNT, "clawed_back", "clawed back");
    lc_table_column(table, LC_CELL_COUNT, "unresponsive", "unresponsive");
    lc_table_column(table, LC_CELL_COUNT, "completed", "completed");
    lc_table_column(table, LC_CELL_COUNT, "erased", "erased");
    const GPtrArray *channels = lc_summary_channels(r->sums);
    for (guint i = 0; i < channels->len; i++)
        add_endings_of(r, table, channels->pdata[i]);
    add_endings_of(r, table, NULL);
}

/* ---- The report ---- */

static void
add_once(GPtrArray *names, lc_text name)
{
    g_autofree char *added = g_strndup(name.data, name.size);
    if (!g_ptr_array_find_with_equal_func(names, added, g_str_equal, NULL))
        g_ptr_array_add(names, g_steal_pointer(&added));
}

static void
find_stages(report *r, const lc_policy_book *book)
{
    for (size_t i = 0; i < lc_policy_book_size(book); i++) {
        const lc_policy *policy = lc_policy_book_get(book, i);
        for (unsigned j = 0; j < policy->n_stages; j++) {
            add_once(r->stages, policy->stages[j].name);
            if (policy->stages[j].closes == LC_STAGE_WON)
                add_once(r->won, policy->stages[j].name);
        }
    }
}

GPtrArray *
lc_report_make(const lc_report_subject *subject)
{
    g_autoptr(lc_summary) sums = lc_summary_new(subject->sums);
    g_autoptr(GPtrArray) stages = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) won = g_ptr_array_new_with_free_func(g_free);
    report r = {sums, subject->tally, stages, won, g_ptr_array_new_with_free_func((GDestroyNotify)lc_table_free)};
    find_stages(&r, subject->book);
    add_totals(&r, subject);
    add_response_times(&r);
    add_promises(&r);
    add_response_shares(&r);
    add_rejections(&r);
    add_clawbacks(&r);
    add_funnel(&r);
    add_endings(&r);
    return r.tables;
}
