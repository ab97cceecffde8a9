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
        {"paused", "paused"},
        {"escalated", "escalated"},
        {"clawed back", "clawed_back"},
        {"unresponsive", "unresponsive"},
        {"rejected", "rejected"},
        {"rejected once settled", "rejected_late"},
        {"rejected, reason unknown", "reason_unknown"},
        {"completed", "completed"},
        {"merged into another", "merged"},
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
    add_promise(table, r->sums, channel, "first_contact:again", "again", LC_NO_TEXT);
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

/* The buckets of section 7 but the last, which is all the rest of the contacted; and the columns: all up to there. */
static const struct {
    const char *bucket, *column, *title;
} responses[] = {
    {"1m", NULL, NULL}, {"5m", "within_5m", "within 5m"},    {"15m", NULL, NULL}, {"1h", "within_1h", "within 1h"},
    {"4h", NULL, NULL}, {"24h", "within_24h", "within 24h"}, {"48h", NULL, NULL}, {"7d", "within_7d", "within 7d"},
};

/* `prefix` begins the names of the buckets. */
static void
add_response_of(lc_table *table, const lc_summary *sums, const char *prefix, const char *channel)
{
    int64_t opened = lc_summary_get(sums, channel, "opened"), responded = 0;
    lc_table_text(table, channel ? lc_text_of(channel) : ALL_CHANNELS);
    lc_table_count(table, opened);
    lc_table_share(table, lc_summary_get(sums, channel, "contacted"), opened);
    for (size_t i = 0; i < G_N_ELEMENTS(responses); i++) {
        responded += lc_summary_get_named(sums, channel, prefix, lc_text_of(responses[i].bucket));
        if (responses[i].column)
            lc_table_share(table, responded, opened);
    }
}

static void
add_response_shares(report *r, const char *name, const char *title, const char *prefix)
{
    lc_table *table = new_table(r, name, title);
    lc_table_column(table, LC_CELL_TEXT, "channel", "channel");
    lc_table_column(table, LC_CELL_COUNT, "opened", "opened");
    lc_table_column(table, LC_CELL_SHARE, "contacted", "contacted");
    for (size_t i = 0; i < G_N_ELEMENTS(responses); i++)
        if (responses[i].column)
            lc_table_column(table, LC_CELL_SHARE, responses[i].column, responses[i].title);
    add_response_of(table, r->sums, prefix, NULL);
    const GPtrArray *channels = lc_summary_channels(r->sums);
    for (guint i = 0; i < channels->len; i++)
        add_response_of(table, r->sums, prefix, channels->pdata[i]);
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
    static const char *const metrics[] = {"handed_off", "opened",      "contacted",     "duplicate",    "paused",
                                          "escalated",  "cooled_down", "open_dialogue", "not_qualified"};
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
    lc_table_column(table, LC_CELL_COUNT, "paused", "paused");
    lc_table_column(table, LC_CELL_COUNT, "escalated", "escalated");
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

/* ---- How long it takes: stages by the age of the lead ---- */

#define MONTH_DAYS 30
#define OLDEST 24 /* K of section 7, all that is older included */

static int64_t
reached_at_age(const report *r, const char *channel, const char *stage, unsigned age)
{
    g_autofree char *metric = g_strdup_printf("reached:%s@%u", stage, age);
    return lc_summary_get(r->sums, channel, metric);
}

/* The greatest age at which any stage was reached. */
static unsigned
greatest_age(const report *r)
{
    for (unsigned age = OLDEST; age > 0; age--)
        for (guint i = 0; i < r->stages->len; i++)
            if (reached_at_age(r, NULL, r->stages->pdata[i], age))
                return age;
    return 0;
}

static void
add_age_columns(lc_table *table, unsigned last)
{
    for (unsigned age = 0; age <= last; age++) {
        g_autofree char *name = g_strdup_printf("age_%u", age);
        g_autofree char *title = age < OLDEST ? g_strdup_printf("<%ud", (age + 1) * MONTH_DAYS) : g_strdup("later");
        lc_table_column(table, LC_CELL_COUNT, name, title);
    }
}

static void
add_ages_of(const report *r, lc_table *table, const char *channel, unsigned last)
{
    for (guint i = 0; i < r->stages->len; i++) {
        const char *stage = r->stages->pdata[i];
        int64_t reached = lc_summary_get_named(r->sums, channel, "reached:", lc_text_of(stage));
        if (reached == 0)
            continue;
        lc_table_text(table, channel ? lc_text_of(channel) : ALL_CHANNELS);
        lc_table_text(table, lc_text_of(stage));
        lc_table_count(table, reached);
        for (unsigned age = 0; age <= last; age++)
            lc_table_count(table, reached_at_age(r, channel, stage, age));
    }
}

static void
add_ages(report *r)
{
    unsigned last = greatest_age(r);
    lc_table *table = new_table(r, "ages", "Stages reached, by time since the hand-off");
    lc_table_column(table, LC_CELL_TEXT, "channel", "channel");
    lc_table_column(table, LC_CELL_TEXT, "stage", "stage");
    lc_table_column(table, LC_CELL_COUNT, "reached", "reached");
    add_age_columns(table, last);
    add_ages_of(r, table, NULL, last);
    const GPtrArray *channels = lc_summary_channels(r->sums);
    for (guint i = 0; i < channels->len; i++)
        add_ages_of(r, table, channels->pdata[i], last);
}

/* ---- What gates cost ---- */

static void
add_held_back_of(report *r, lc_table *table, const char *channel)
{
    int64_t held_back = lc_summary_get(r->sums, channel, "handed_off") - lc_summary_get(r->sums, channel, "opened");
    if (held_back == 0)
        return;
    lc_table_text(table, channel ? lc_text_of(channel) : ALL_CHANNELS);
    lc_table_count(table, held_back);
    for (guint i = 0; i < r->stages->len; i++)
        lc_table_count(table,
                       lc_summary_get_named(r->sums, channel, "held_back_reached:", lc_text_of(r->stages->pdata[i])));
}

static void
add_held_back(report *r)
{
    lc_table *table = new_table(r, "held_back", "Held back by a gate, and the stages that they reached all the same");
    lc_table_column(table, LC_CELL_TEXT, "channel", "channel");
    lc_table_column(table, LC_CELL_COUNT, "held_back", "held back");
    for (guint i = 0; i < r->stages->len; i++) {
        g_autofree char *name = g_strdup_printf("held_back_reached:%s", (char *)r->stages->pdata[i]);
        lc_table_column(table, LC_CELL_COUNT, name, r->stages->pdata[i]);
    }
    add_held_back_of(r, table, NULL);
    const GPtrArray *channels = lc_summary_channels(r->sums);
    for (guint i = 0; i < channels->len; i++)
        add_held_back_of(r, table, channels->pdata[i]);
}

/* ---- How cycles ended ---- */

static void
add_endings_of(report *r, lc_table *table, const char *channel)
{
    static const char *const metrics[] = {"rejected",     "reason_unknown", "rejected_late", "clawed_back",
                                          "unresponsive", "completed",      "merged",        "erased"};
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
    lc_table_column(table, LC_CELL_COUNT, "merged", "merged");
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
    add_response_shares(&r, "response", "First contact after the hand-off, share of the opened, by channel",
                        "responded:");
    add_response_shares(&r, "response_open", "The same in open time, of the calendar of the promise",
                        "responded_open:");
    add_rejections(&r);
    add_clawbacks(&r);
    add_funnel(&r);
    add_ages(&r);
    add_held_back(&r);
    add_endings(&r);
    return r.tables;
}
