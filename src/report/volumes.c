/* volumes.c - how many leads, what became of them, and where they went. */
#include "making.h"

#include <leadclock/text.h>

/* ---- Rejections and endings ---- */

static void
add_rejections(const lc_making *making)
{
    g_autoptr(GPtrArray) reasons = lc_summary_names(making->sums, "rejected:");
    lc_table *table = lc_report_add_table(making, "rejections", "Rejections, by channel and reason");
    lc_table_column(table, LC_CELL_TEXT, "channel", "channel");
    lc_table_column(table, LC_CELL_TEXT, "reason", "reason");
    lc_table_column(table, LC_CELL_COUNT, "count", "count");
    lc_table_column(table, LC_CELL_SHARE, "share_of_rejected", "of rejected");
    const GPtrArray *channels = lc_summary_channels(making->sums);
    for (guint i = 0; i <= channels->len; i++) {
        const char *channel = i ? channels->pdata[i - 1] : NULL;
        for (guint j = 0; j < reasons->len; j++) {
            lc_text reason = lc_text_of(reasons->pdata[j]);
            int64_t count = lc_summary_get_named(making->sums, channel, "rejected:", reason);
            if (count == 0)
                continue;
            lc_table_text(table, channel ? lc_text_of(channel) : LC_ALL_CHANNELS);
            lc_table_text(table, reason);
            lc_table_count(table, count);
            lc_table_link(table, LC_LEADS_LINK(making, "cause", lc_cause_name(LC_CAUSE_REJECTED), "channel", channel,
                                               "reason", reason.data));
            lc_table_share(table, count, lc_summary_get(making->sums, channel, "rejected"));
        }
    }
}

/* ---- The funnel by channel ---- */

/* Rows tell neither what came after the settlement nor who was erased: that is no zero. */
static bool
is_told(const lc_making *making, const char *metric)
{
    return lc_summary_is_whole(making->sums) || (strcmp(metric, "rejected_late") != 0 && strcmp(metric, "erased") != 0);
}

/* A count that leads to its leads, where a cause, a kind or the hand-off tells which they are. */
static void
add_metric(const lc_making *making, lc_table *table, const char *channel, const char *metric)
{
    static const struct {
        const char *metric;
        lc_cause cause;
    } causes[] = {{"rejected", LC_CAUSE_REJECTED},
                  {"clawed_back", LC_CAUSE_CLAWED_BACK},
                  {"unresponsive", LC_CAUSE_UNRESPONSIVE},
                  {"completed", LC_CAUSE_COMPLETED},
                  {"merged", LC_CAUSE_MERGED},
                  {"cooled_down", LC_CAUSE_COOLDOWN},
                  {"open_dialogue", LC_CAUSE_OPEN_DIALOGUE},
                  {"not_qualified", LC_CAUSE_NOT_QUALIFIED}};
    static const char *const kinds[] = {"opened",    "contacted",      "duplicate", "paused",
                                        "escalated", "reason_unknown", NULL};
    const char *cause = NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(causes); i++)
        if (strcmp(causes[i].metric, metric) == 0)
            cause = lc_cause_name(causes[i].cause);
    int64_t count = lc_summary_get(making->sums, channel, metric);
    bool is_kind = g_strv_contains(kinds, metric);
    if (cause || is_kind || strcmp(metric, "handed_off") == 0)
        lc_report_count(table, count,
                        LC_LEADS_LINK(making, "channel", channel, "cause", cause, "is", is_kind ? metric : NULL));
    else if (is_told(making, metric))
        lc_table_count(table, count);
    else
        lc_table_nothing(table);
}

/* ---- The whole ---- */

static void
add_line(lc_table *table, const char *what, int64_t count)
{
    lc_table_text(table, lc_text_of(what));
    lc_table_count(table, count);
    lc_table_nothing(table);
}

static void
add_happened(const lc_making *making, lc_table *table, const char *what, const char *metric, int64_t whole)
{
    lc_table_text(table, lc_text_of(what));
    add_metric(making, table, NULL, metric);
    lc_table_share(table, lc_summary_get(making->sums, NULL, metric), is_told(making, metric) ? whole : 0);
}

static void
add_totals(const lc_making *making)
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
    lc_table *table = lc_report_add_table(making, "totals", "What happened");
    lc_table_column(table, LC_CELL_TEXT, "what", "");
    lc_table_column(table, LC_CELL_COUNT, "count", "count");
    lc_table_column(table, LC_CELL_SHARE, "share_of_handoffs", "of hand-offs");
    int64_t handed_off = lc_summary_get(making->sums, NULL, "handed_off");
    if (making->question->facts)
        add_line(table, "facts", (int64_t)making->question->facts);
    if (making->question->skipped)
        add_line(table, "facts skipped", (int64_t)making->question->skipped);
    add_happened(making, table, "hand-offs", "handed_off", handed_off);
    for (size_t i = 0; i < G_N_ELEMENTS(held); i++)
        add_happened(making, table, held[i].what, held[i].metric, handed_off);
}

static void
add_funnel_of(const lc_making *making, lc_table *table, const char *channel)
{
    static const char *const metrics[] = {"handed_off", "opened",      "contacted",     "duplicate",    "paused",
                                          "escalated",  "cooled_down", "open_dialogue", "not_qualified"};
    int64_t won = 0;
    lc_table_text(table, channel ? lc_text_of(channel) : LC_ALL_CHANNELS);
    for (size_t i = 0; i < G_N_ELEMENTS(metrics); i++)
        add_metric(making, table, channel, metrics[i]);
    for (guint i = 0; i < making->stages->len; i++)
        lc_report_count(table,
                        lc_summary_get_named(making->sums, channel, "reached:", lc_text_of(making->stages->pdata[i])),
                        LC_LEADS_LINK(making, "channel", channel, "stage", making->stages->pdata[i]));
    for (guint i = 0; i < making->won->len; i++)
        won += lc_summary_get_named(making->sums, channel, "reached:", lc_text_of(making->won->pdata[i]));
    lc_table_share(table, won, lc_summary_get(making->sums, channel, "handed_off"));
}

static void
add_funnel(const lc_making *making)
{
    lc_table *table =
        lc_report_add_table(making, "channels", "By channel: hand-offs, what became of them, and how many were won");
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
    for (guint i = 0; i < making->stages->len; i++) {
        g_autofree char *name = g_strdup_printf("reached:%s", (char *)making->stages->pdata[i]);
        lc_table_column(table, LC_CELL_COUNT, name, making->stages->pdata[i]);
    }
    lc_table_column(table, LC_CELL_SHARE, "conversion", "conversion");
    const GPtrArray *channels = lc_summary_channels(making->sums);
    for (guint i = 0; i < channels->len; i++)
        add_funnel_of(making, table, channels->pdata[i]);
    add_funnel_of(making, table, NULL);
}

/* ---- How long it takes: stages by the age of the lead ---- */

#define MONTH_DAYS 30
#define OLDEST 24 /* K of section 7, all that is older included */

static int64_t
reached_at_age(const lc_making *making, const char *channel, const char *stage, unsigned age)
{
    g_autofree char *metric = g_strdup_printf("reached:%s@%u", stage, age);
    return lc_summary_get(making->sums, channel, metric);
}

/* The greatest age at which any stage was reached. */
static unsigned
greatest_age(const lc_making *making)
{
    for (unsigned age = OLDEST; age > 0; age--)
        for (guint i = 0; i < making->stages->len; i++)
            if (reached_at_age(making, NULL, making->stages->pdata[i], age))
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
add_ages_of(const lc_making *making, lc_table *table, const char *channel, unsigned last)
{
    for (guint i = 0; i < making->stages->len; i++) {
        const char *stage = making->stages->pdata[i];
        int64_t reached = lc_summary_get_named(making->sums, channel, "reached:", lc_text_of(stage));
        if (reached == 0)
            continue;
        lc_table_text(table, channel ? lc_text_of(channel) : LC_ALL_CHANNELS);
        lc_table_text(table, lc_text_of(stage));
        lc_table_count(table, reached);
        for (unsigned age = 0; age <= last; age++)
            lc_table_count(table, reached_at_age(making, channel, stage, age));
    }
}

static void
add_ages(const lc_making *making)
{
    unsigned last = greatest_age(making);
    lc_table *table = lc_report_add_table(making, "ages", "Stages reached, by time since the hand-off");
    lc_table_column(table, LC_CELL_TEXT, "channel", "channel");
    lc_table_column(table, LC_CELL_TEXT, "stage", "stage");
    lc_table_column(table, LC_CELL_COUNT, "reached", "reached");
    add_age_columns(table, last);
    add_ages_of(making, table, NULL, last);
    const GPtrArray *channels = lc_summary_channels(making->sums);
    for (guint i = 0; i < channels->len; i++)
        add_ages_of(making, table, channels->pdata[i], last);
}

/* ---- What gates cost ---- */

static void
add_held_back_of(const lc_making *making, lc_table *table, const char *channel)
{
    int64_t held_back =
        lc_summary_get(making->sums, channel, "handed_off") - lc_summary_get(making->sums, channel, "opened");
    if (held_back == 0)
        return;
    lc_table_text(table, channel ? lc_text_of(channel) : LC_ALL_CHANNELS);
    lc_report_count(table, held_back, LC_LEADS_LINK(making, "channel", channel, "is", "held_back"));
    for (guint i = 0; i < making->stages->len; i++) {
        const char *stage = making->stages->pdata[i];
        lc_report_count(table, lc_summary_get_named(making->sums, channel, "held_back_reached:", lc_text_of(stage)),
                        LC_LEADS_LINK(making, "channel", channel, "is", "held_back", "stage", stage));
    }
}

static void
add_held_back(const lc_making *making)
{
    lc_table *table =
        lc_report_add_table(making, "held_back", "Held back by a gate, and the stages that they reached all the same");
    lc_table_column(table, LC_CELL_TEXT, "channel", "channel");
    lc_table_column(table, LC_CELL_COUNT, "held_back", "held back");
    for (guint i = 0; i < making->stages->len; i++) {
        g_autofree char *name = g_strdup_printf("held_back_reached:%s", (char *)making->stages->pdata[i]);
        lc_table_column(table, LC_CELL_COUNT, name, making->stages->pdata[i]);
    }
    add_held_back_of(making, table, NULL);
    const GPtrArray *channels = lc_summary_channels(making->sums);
    for (guint i = 0; i < channels->len; i++)
        add_held_back_of(making, table, channels->pdata[i]);
}

/* ---- How cycles ended ---- */

static void
add_endings_of(const lc_making *making, lc_table *table, const char *channel)
{
    static const char *const metrics[] = {"rejected",     "reason_unknown", "rejected_late", "clawed_back",
                                          "unresponsive", "completed",      "merged",        "erased"};
    lc_table_text(table, channel ? lc_text_of(channel) : LC_ALL_CHANNELS);
    for (size_t i = 0; i < G_N_ELEMENTS(metrics); i++)
        add_metric(making, table, channel, metrics[i]);
}

static void
add_endings(const lc_making *making)
{
    lc_table *table = lc_report_add_table(making, "endings", "By channel: how cycles ended");
    lc_table_column(table, LC_CELL_TEXT, "channel", "channel");
    lc_table_column(table, LC_CELL_COUNT, "rejected", "rejected");
    lc_table_column(table, LC_CELL_COUNT, "reason_unknown", "reason unknown");
    lc_table_column(table, LC_CELL_COUNT, "rejected_late", "rejected late");
    lc_table_column(table, LC_CELL_COUNT, "clawed_back", "clawed back");
    lc_table_column(table, LC_CELL_COUNT, "unresponsive", "unresponsive");
    lc_table_column(table, LC_CELL_COUNT, "completed", "completed");
    lc_table_column(table, LC_CELL_COUNT, "merged", "merged");
    lc_table_column(table, LC_CELL_COUNT, "erased", "erased");
    const GPtrArray *channels = lc_summary_channels(making->sums);
    for (guint i = 0; i < channels->len; i++)
        add_endings_of(making, table, channels->pdata[i]);
    add_endings_of(making, table, NULL);
}

/* ---- By rule and track ---- */

/* A group of texts and small numbers, and how often it occurs. */
typedef struct {
    uint32_t first, second;
    int32_t cause, route;
    int64_t count;
} group;

static guint
group_hash(gconstpointer of)
{
    return (guint)lc_text_hash(0, (lc_text){of, offsetof(group, count)});
}

static gboolean
group_equal(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, offsetof(group, count)) == 0;
}

/* `groups` is a set. */
static void
count_one(GHashTable *groups, const group *key)
{
    group *found = g_hash_table_lookup(groups, key);
    if (found == NULL) {
        found = g_memdup2(key, sizeof *key);
        g_hash_table_add(groups, found);
    }
    found->count++;
}

static int
compare_groups(gconstpointer a, gconstpointer b, gpointer data)
{
    const group *one = *(group *const *)a, *other = *(group *const *)b;
    const lc_ledger *ledger = data;
    int order = lc_text_compare(lc_ledger_text(ledger, one->first), lc_ledger_text(ledger, other->first));
    if (order == 0)
        order = lc_text_compare(lc_ledger_text(ledger, one->second), lc_ledger_text(ledger, other->second));
    if (order == 0)
        order = (one->cause > other->cause) - (one->cause < other->cause);
    return order ? order : (one->route > other->route) - (one->route < other->route);
}

static GPtrArray *
sorted_groups(const lc_making *making, GHashTable *groups)
{
    GPtrArray *sorted = g_ptr_array_new();
    GHashTableIter iter;
    gpointer item;
    g_hash_table_iter_init(&iter, groups);
    while (g_hash_table_iter_next(&iter, &item, NULL))
        g_ptr_array_add(sorted, item);
    g_ptr_array_sort_with_data(sorted, compare_groups, (gpointer)making->ledger);
    return sorted;
}

static void
add_clawbacks(const lc_making *making)
{
    g_autoptr(GHashTable) groups = g_hash_table_new_full(group_hash, group_equal, g_free, NULL);
    LC_EACH_CYCLE (cycle, making->ledger, making->question) {
        const group key = {.first = cycle->channel, .second = cycle->rule};
        if (cycle->cause == LC_CAUSE_CLAWED_BACK)
            count_one(groups, &key);
    }
    g_autoptr(GPtrArray) sorted = sorted_groups(making, groups);
    lc_table *table = lc_report_add_table(making, "clawbacks", "Clawed back, by channel and rule");
    lc_table_column(table, LC_CELL_TEXT, "channel", "channel");
    lc_table_column(table, LC_CELL_TEXT, "rule", "rule");
    lc_table_column(table, LC_CELL_COUNT, "count", "count");
    for (guint i = 0; i < sorted->len; i++) {
        const group *g = sorted->pdata[i];
        lc_table_text(table, lc_ledger_text(making->ledger, g->first));
        lc_table_text(table, lc_ledger_text(making->ledger, g->second));
        lc_report_count(table, g->count,
                        LC_LEADS_LINK(making, "channel", lc_ledger_text(making->ledger, g->first).data, "rule",
                                      lc_ledger_text(making->ledger, g->second).data, "cause",
                                      lc_cause_name(LC_CAUSE_CLAWED_BACK)));
    }
}

static void
add_routes(const lc_making *making)
{
    g_autoptr(GHashTable) groups = g_hash_table_new_full(group_hash, group_equal, g_free, NULL);
    LC_EACH_CYCLE (cycle, making->ledger, making->question)
        LC_EACH_ROUTE (route, cycle) {
            const group key = {.first = route->part.name, .cause = route->cause, .route = route->route};
            count_one(groups, &key);
        }
    g_autoptr(GPtrArray) sorted = sorted_groups(making, groups);
    lc_table *table = lc_report_add_table(making, "routes", "Routed, by track and cause");
    lc_table_column(table, LC_CELL_TEXT, "track", "track");
    lc_table_column(table, LC_CELL_TEXT, "route", "route");
    lc_table_column(table, LC_CELL_TEXT, "cause", "cause");
    lc_table_column(table, LC_CELL_COUNT, "count", "count");
    for (guint i = 0; i < sorted->len; i++) {
        const group *g = sorted->pdata[i];
        lc_report_name(table, lc_ledger_text(making->ledger, g->first), "(no track)");
        lc_table_text(table, lc_text_of(lc_route_name((lc_route)g->route)));
        lc_table_text(table, lc_text_of(lc_cause_name((lc_cause)g->cause)));
        lc_report_count(table, g->count,
                        LC_LEADS_LINK(making, "routed", lc_cause_name((lc_cause)g->cause), "route",
                                      lc_route_name((lc_route)g->route), "onto",
                                      lc_ledger_text(making->ledger, g->first).data));
    }
}

/* ---- In words ---- */

/* Counters keep what rows forget (4.8, 10.8): where both are told, they differ by that, and the reader is to know. */
static void
say_erased(const lc_making *making, int64_t all)
{
    int64_t kept = 0;
    LC_EACH_CYCLE (cycle, making->ledger, making->question)
        kept++;
    if (kept < all)
        lc_report_say(making, "erased",
                      "Of these leads %" G_GINT64_FORMAT
                      " %s erased since: still counted by channel and month, but not "
                      "in what is told by rule, owner, stage or response time.",
                      all - kept, LC_WERE(all - kept));
}

static void
say_volumes(const lc_making *making)
{
    const lc_summary *sums = making->sums;
    int64_t all = lc_summary_get(sums, NULL, "handed_off"), opened = lc_summary_get(sums, NULL, "opened");
    int64_t again = lc_summary_get(sums, NULL, "duplicate"), completed = lc_summary_get(sums, NULL, "completed");
    if (all == 0) {
        lc_report_say(making, "volumes", "No leads were handed off in this time.");
        return;
    }
    lc_report_say(making, "volumes",
                  "%s %s handed off to sales; %" G_GINT64_FORMAT " %s opened and %" G_GINT64_FORMAT
                  " held back by a gate. %" G_GINT64_FORMAT " %s handed off again while still open.",
                  LC_LEADS(all), LC_WERE(all), opened, LC_WERE(opened), all - opened, again, LC_WERE(again));
    lc_report_say(making, "endings",
                  "So far %" G_GINT64_FORMAT " %s completed, %" G_GINT64_FORMAT " rejected, %" G_GINT64_FORMAT
                  " clawed back because nothing came of them in time, and %" G_GINT64_FORMAT " did not respond.",
                  completed, LC_WERE(completed), lc_summary_get(sums, NULL, "rejected"),
                  lc_summary_get(sums, NULL, "clawed_back"), lc_summary_get(sums, NULL, "unresponsive"));
    say_erased(making, all);
}

static void
say_rejections(const lc_making *making)
{
    g_autoptr(GPtrArray) reasons = lc_summary_names(making->sums, "rejected:");
    int64_t all = lc_summary_get(making->sums, NULL, "rejected"), most = 0;
    const char *first = NULL;
    for (guint i = 0; i < reasons->len; i++) {
        int64_t count = lc_summary_get_named(making->sums, NULL, "rejected:", lc_text_of(reasons->pdata[i]));
        if (count > most) {
            most = count;
            first = reasons->pdata[i];
        }
    }
    if (first)
        lc_report_say(making, "rejections",
                      "Sales rejects most often for \"%s\": %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " rejections.",
                      first, most, all);
}

void
lc_report_add_volumes(const lc_making *making)
{
    say_volumes(making);
    say_rejections(making);
    add_totals(making);
    add_funnel(making);
    add_endings(making);
    add_rejections(making);
    add_routes(making);
    add_clawbacks(making);
    add_held_back(making);
    add_ages(making);
}
