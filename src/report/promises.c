/* promises.c - promises kept and broken: by clock and channel, by rule, by owner. */
#include "making.h"

#include <leadclock/text.h>

/* ---- First contacts, counted ---- */

typedef struct {
    int64_t kept, broken, running, stopped;
} tally;

/* Of one period. By the number of a text; 0: of none. */
typedef struct {
    GHashTable *rules, *owners, *channels;
    tally all;
} contacts;

static tally *
tally_of(GHashTable *tallies, uint32_t number)
{
    tally *found = g_hash_table_lookup(tallies, GUINT_TO_POINTER(number));
    if (found == NULL) {
        found = g_new0(tally, 1);
        g_hash_table_insert(tallies, GUINT_TO_POINTER(number), found);
    }
    return found;
}

static void
add_contact(tally *t, lc_contact contact)
{
    t->kept += contact == LC_CONTACT_KEPT;
    t->broken += contact == LC_CONTACT_BROKEN;
    t->running += contact == LC_CONTACT_RUNNING;
    t->stopped += contact == LC_CONTACT_STOPPED;
}

static void
collect_contacts(const lc_making *making, const lc_report_question *period, contacts *of)
{
    LC_EACH_CYCLE (cycle, making->ledger, period) {
        lc_contact contact = lc_cycle_contact(cycle);
        if (contact == LC_CONTACT_NONE)
            continue;
        add_contact(&of->all, contact);
        add_contact(tally_of(of->rules, cycle->rule), contact);
        add_contact(tally_of(of->owners, cycle->owner), contact);
        add_contact(tally_of(of->channels, cycle->channel), contact);
    }
}

static contacts
contacts_new(void)
{
    return (contacts){.rules = g_hash_table_new_full(NULL, NULL, NULL, g_free),
                      .owners = g_hash_table_new_full(NULL, NULL, NULL, g_free),
                      .channels = g_hash_table_new_full(NULL, NULL, NULL, g_free)};
}

static void
contacts_clear(contacts *of)
{
    g_hash_table_unref(of->rules);
    g_hash_table_unref(of->owners);
    g_hash_table_unref(of->channels);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(contacts, contacts_clear)

/* ---- What was kept of what was kept or broken, and before ---- */

static void
add_share_columns(const lc_making *making, lc_table *table)
{
    lc_table_column(table, LC_CELL_SHARE, "kept_share", "share kept");
    if (making->before == NULL)
        return;
    lc_table_column(table, LC_CELL_SHARE, "kept_share_before", "before");
    lc_table_column(table, LC_CELL_POINTS, "kept_points", "points");
}

static void
add_shares(const lc_making *making, lc_table *table, int64_t kept, int64_t whole, int64_t kept_before,
           int64_t whole_before)
{
    lc_table_share(table, kept, whole);
    if (making->before == NULL)
        return;
    lc_table_share(table, kept_before, whole_before);
    if (whole && whole_before)
        lc_table_ratio(table, (double)kept / (double)whole - (double)kept_before / (double)whole_before);
    else
        lc_table_nothing(table);
}

/* ---- By clock and channel ---- */

/* A first contact that has been broken, and those that follow it, are one promise to the reader. */
static const char *
clock_of(lc_text clock)
{
    return g_str_has_prefix(clock.data, "first_contact:") ? "first_contact:again" : clock.data;
}

typedef struct {
    int64_t pair; /* of a channel's number and a clock's; first: how it is found */
    int64_t count;
} pair_count;

/* A set. */
static GHashTable *
count_pairs(const lc_making *making)
{
    GHashTable *counts = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    LC_EACH_CYCLE (cycle, making->ledger, making->question) {
        if (cycle->open == NULL || cycle->open->next_clock == 0)
            continue;
        const pair_count one = {(int64_t)cycle->channel << 32 | cycle->open->next_clock, 0};
        pair_count *found = g_hash_table_lookup(counts, &one);
        if (found == NULL)
            g_hash_table_add(counts, found = g_memdup2(&one, sizeof one));
        found->count++;
    }
    return counts;
}

static void
add_next(GHashTable *next, const char *channel, const char *clock, int64_t count)
{
    g_autofree char *key = g_strdup_printf("%s%s\n%s", channel ? "=" : "", channel ? channel : "", clock);
    count += GPOINTER_TO_UINT(g_hash_table_lookup(next, key));
    g_hash_table_insert(next, g_steal_pointer(&key), GUINT_TO_POINTER((guint)count));
}

/* How many open cycles have which clock due next: "=CHANNEL\nCLOCK" -> count, also of all channels ("\nCLOCK"). */
static GHashTable *
find_next(const lc_making *making)
{
    g_autoptr(GHashTable) counts = count_pairs(making);
    GHashTable *next = g_hash_table_new_full(lc_string_key_hash, g_str_equal, g_free, NULL);
    GHashTableIter iter;
    gpointer item;
    g_hash_table_iter_init(&iter, counts);
    while (g_hash_table_iter_next(&iter, &item, NULL)) {
        const pair_count *one = item;
        const char *channel = lc_ledger_text(making->ledger, (uint32_t)(one->pair >> 32)).data;
        const char *clock = clock_of(lc_ledger_text(making->ledger, (uint32_t)one->pair));
        add_next(next, channel ? channel : "", clock, one->count);
        add_next(next, NULL, clock, one->count);
    }
    return next;
}

static int64_t
next_of(GHashTable *next, const char *channel, const char *clock)
{
    g_autofree char *key = g_strdup_printf("%s%s\n%s", channel ? "=" : "", channel ? channel : "", clock);
    return GPOINTER_TO_UINT(g_hash_table_lookup(next, key));
}

typedef struct {
    const lc_making *making;
    lc_table *table;
    GHashTable *next;
    const contacts *before;
} promises;

static char *
link_of(const promises *p, const char *channel, const char *name, const char *value)
{
    return LC_LEADS_LINK(p->making, "channel", channel, name, value);
}

static const tally *
contacts_before(const promises *p, const char *channel)
{
    static const tally nothing;
    if (channel == NULL)
        return &p->before->all;
    uint32_t number = lc_texts_find(p->making->ledger->texts, lc_text_of(channel));
    const tally *found = g_hash_table_lookup(p->before->channels, GUINT_TO_POINTER(number));
    return found ? found : &nothing;
}

/* `met` and `breached` begin the names of the metrics of its clock. Where the period before is no whole months, only
 * first contacts are known to be kept. */
static void
add_shares_of_clock(const promises *p, const char *channel, int64_t kept, int64_t whole, const char *met,
                    const char *breached, lc_text stage)
{
    const lc_summary *before = p->making->sums_before;
    if (before) {
        int64_t kept_before = lc_summary_get_named(before, channel, met, stage);
        add_shares(p->making, p->table, kept, whole, kept_before,
                   kept_before + lc_summary_get_named(before, channel, breached, stage));
        return;
    }
    const tally *then = contacts_before(p, channel);
    bool is_known = strcmp(met, "first_contact_met") == 0;
    add_shares(p->making, p->table, kept, whole, then->kept, is_known ? then->kept + then->broken : 0);
}

/* `kind` begins the names of its metrics; `stage` is a milestone's, or absent. */
static void
add_promise(const promises *p, const char *channel, const char *clock, const char *kind, lc_text stage)
{
    const lc_summary *sums = p->making->sums;
    g_autofree char *met = g_strdup_printf("%s_met%s", kind, stage.data ? ":" : "");
    g_autofree char *breached = g_strdup_printf("%s_breached%s", kind, stage.data ? ":" : "");
    g_autofree char *early = g_strdup_printf("%s_early", kind);
    int64_t kept = lc_summary_get_named(sums, channel, met, stage);
    int64_t late = lc_summary_get_named(sums, channel, breached, stage);
    int64_t too_early = lc_summary_get(sums, channel, early), next = next_of(p->next, channel, clock);
    bool is_known = lc_summary_is_whole(sums) || strcmp(kind, "first_contact") == 0;
    if (kept + late + too_early + next == 0)
        return;
    lc_table_text(p->table, channel ? lc_text_of(channel) : LC_ALL_CHANNELS);
    lc_table_text(p->table, lc_text_of(clock));
    bool is_first = strcmp(kind, "first_contact") == 0;
    if (is_first)
        lc_report_count(p->table, kept, link_of(p, channel, "first_contact", "kept"));
    else if (is_known)
        lc_table_count(p->table, kept);
    else
        lc_table_nothing(p->table);
    lc_report_count(p->table, late,
                    is_first ? link_of(p, channel, "first_contact", "broken") : link_of(p, channel, "broke", clock));
    lc_report_count(p->table, too_early, link_of(p, channel, "early", clock));
    lc_report_count(p->table, next, link_of(p, channel, "next", clock));
    add_shares_of_clock(p, channel, kept, is_known ? kept + late : 0, met, breached, stage);
}

static void
add_promises_of(const promises *p, const char *channel)
{
    add_promise(p, channel, "first_contact", "first_contact", LC_NO_TEXT);
    add_promise(p, channel, "first_contact:again", "again", LC_NO_TEXT);
    add_promise(p, channel, "renewed", "renewed", LC_NO_TEXT);
    add_promise(p, channel, "requested", "requested", LC_NO_TEXT);
    for (guint i = 0; i < p->making->stages->len; i++) {
        const char *stage = p->making->stages->pdata[i];
        g_autofree char *clock = g_strdup_printf("milestone:%s", stage);
        add_promise(p, channel, clock, "milestone", lc_text_of(stage));
    }
    add_promise(p, channel, "follow_up", "follow_up", LC_NO_TEXT);
    add_promise(p, channel, "next_contact", "next_contact", LC_NO_TEXT);
}

static void
add_by_clock(const lc_making *making, const contacts *before)
{
    g_autoptr(GHashTable) next = find_next(making);
    lc_table *table = lc_report_add_table(making, "promises", "Promises kept and broken, by channel and clock");
    const promises p = {making, table, next, before};
    lc_table_column(table, LC_CELL_TEXT, "channel", "channel");
    lc_table_column(table, LC_CELL_TEXT, "clock", "clock");
    lc_table_column(table, LC_CELL_COUNT, "kept", "kept");
    lc_table_column(table, LC_CELL_COUNT, "broken", "broken");
    lc_table_column(table, LC_CELL_COUNT, "early", "too early");
    lc_table_column(table, LC_CELL_COUNT, "due_next", "due next");
    add_share_columns(making, table);
    add_promises_of(&p, NULL);
    const GPtrArray *channels = lc_summary_channels(making->sums);
    for (guint i = 0; i < channels->len; i++)
        add_promises_of(&p, channels->pdata[i]);
}

/* ---- First contact by rule and by owner ---- */

/* The leads of an owner, or of a rule; absent: of none. */
static char *
link_of_tally(const lc_making *making, const char *column, lc_text name, const char *state)
{
    return strcmp(column, "owner") == 0
               ? LC_LEADS_LINK(making, "first_contact", state, LC_WHOSE(name))
               : LC_LEADS_LINK(making, "first_contact", state, column, name.data ? name.data : "");
}

static void
add_tally(const lc_making *making, lc_table *table, uint32_t number, const char *none, const char *column,
          const tally *t, const tally *before)
{
    lc_text name = lc_ledger_text(making->ledger, number);
    lc_report_name(table, name, none);
    if (number)
        lc_table_link(table, LC_LEADS_LINK(making, column, name.data));
    lc_report_count(table, t->kept, link_of_tally(making, column, name, "kept"));
    lc_report_count(table, t->broken, link_of_tally(making, column, name, "broken"));
    lc_report_count(table, t->running, link_of_tally(making, column, name, "running"));
    lc_report_count(table, t->stopped, link_of_tally(making, column, name, "stopped"));
    add_shares(making, table, t->kept, t->kept + t->broken, before->kept, before->kept + before->broken);
}

static void
add_tallies(const lc_making *making, GHashTable *tallies, GHashTable *before, const char *name, const char *title,
            const char *column, const char *none)
{
    static const tally nothing;
    g_autoptr(GArray) sorted = lc_report_sorted(making->ledger, tallies);
    lc_table *table = lc_report_add_table(making, name, title);
    lc_table_column(table, LC_CELL_TEXT, column, column);
    lc_table_column(table, LC_CELL_COUNT, "kept", "kept");
    lc_table_column(table, LC_CELL_COUNT, "broken", "broken");
    lc_table_column(table, LC_CELL_COUNT, "running", "running");
    lc_table_column(table, LC_CELL_COUNT, "stopped", "stopped");
    add_share_columns(making, table);
    for (guint i = 0; i < sorted->len; i++) {
        uint32_t number = g_array_index(sorted, uint32_t, i);
        const tally *then = g_hash_table_lookup(before, GUINT_TO_POINTER(number));
        add_tally(making, table, number, none, column, tally_of(tallies, number), then ? then : &nothing);
    }
}

static double
percent_kept(const tally *of)
{
    return of->kept + of->broken ? 100.0 * (double)of->kept / (double)(of->kept + of->broken) : 100.0;
}

static void
say_first_contact(const lc_making *making, const tally *all, const tally *before)
{
    if (all->kept + all->broken + all->running == 0)
        return;
    g_autofree char *then = before->kept + before->broken
                                ? g_strdup_printf(", %.1f %% in the period before", percent_kept(before))
                                : g_strdup("");
    lc_report_say(making, "promises",
                  "The promise of a first contact was kept for %s and broken for "
                  "%" G_GINT64_FORMAT " (%.1f %% kept%s); for %" G_GINT64_FORMAT " it is still running.",
                  LC_LEADS(all->kept), all->broken, percent_kept(all), then, all->running);
}

static void
add_first_contact(const lc_making *making, const contacts *before)
{
    g_auto(contacts) now = contacts_new();
    collect_contacts(making, making->question, &now);
    say_first_contact(making, &now.all, &before->all);
    add_tallies(making, now.rules, before->rules, "first_contact_by_rule", "The promise of a first contact, by rule",
                "rule", "(none)");
    add_tallies(making, now.owners, before->owners, "first_contact_by_owner",
                "The promise of a first contact, by who owns the lead now, or did at its settlement", "owner",
                "(nobody)");
}

/* ---- Broken promises by owner ---- */

typedef struct {
    uint32_t owner, clock;
    int64_t broken, not_ended;
    lc_spans *late;
} broken;

static void
free_broken(gpointer data)
{
    lc_spans_free(((broken *)data)->late);
    g_free(data);
}

static broken *
broken_of(GHashTable *all, uint32_t owner, uint32_t clock)
{
    int64_t key = (int64_t)owner << 32 | clock;
    broken *found = g_hash_table_lookup(all, &key);
    if (found == NULL) {
        found = g_new0(broken, 1);
        *found = (broken){.owner = owner, .clock = clock, .late = lc_spans_new()};
        g_hash_table_insert(all, g_memdup2(&key, sizeof key), found);
    }
    return found;
}

static void
add_breach(broken *to, const lc_ledger_breach *breach)
{
    to->broken++;
    to->not_ended += breach->ended_at == LC_ABSENT;
    if (breach->late_ms != LC_ABSENT)
        lc_spans_add(to->late, 0, breach->late_ms);
}

static void
collect_broken(const lc_making *making, GHashTable *all)
{
    LC_EACH_CYCLE (cycle, making->ledger, making->question)
        LC_EACH_BREACH (breach, cycle)
            if (!breach->early)
                add_breach(broken_of(all, breach->owner, breach->part.name), breach);
}

static int
compare_broken(gconstpointer a, gconstpointer b, gpointer data)
{
    const broken *one = *(broken *const *)a, *other = *(broken *const *)b;
    const lc_ledger *ledger = data;
    int order = lc_text_compare(lc_ledger_text(ledger, one->owner), lc_ledger_text(ledger, other->owner));
    return order ? order : lc_text_compare(lc_ledger_text(ledger, one->clock), lc_ledger_text(ledger, other->clock));
}

static void
add_broken(const lc_making *making)
{
    g_autoptr(GHashTable) all = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, free_broken);
    collect_broken(making, all);
    g_autoptr(GPtrArray) sorted = g_ptr_array_new();
    GHashTableIter iter;
    gpointer item;
    g_hash_table_iter_init(&iter, all);
    while (g_hash_table_iter_next(&iter, NULL, &item))
        g_ptr_array_add(sorted, item);
    g_ptr_array_sort_with_data(sorted, compare_broken, (gpointer)making->ledger);
    lc_table *table =
        lc_report_add_table(making, "broken_by_owner", "Broken promises, by who owned the lead then, and by clock");
    lc_table_column(table, LC_CELL_TEXT, "owner", "owner");
    lc_table_column(table, LC_CELL_TEXT, "clock", "clock");
    lc_table_column(table, LC_CELL_COUNT, "broken", "broken");
    lc_table_column(table, LC_CELL_COUNT, "not_ended", "still broken");
    lc_table_column(table, LC_CELL_OPEN_TIME, "late_median_ms", "late (median)");
    lc_table_column(table, LC_CELL_OPEN_TIME, "late_p90_ms", "late (90th pct.)");
    for (guint i = 0; i < sorted->len; i++) {
        const broken *b = sorted->pdata[i];
        lc_report_name(table, lc_ledger_text(making->ledger, b->owner), "(nobody)");
        lc_table_text(table, lc_ledger_text(making->ledger, b->clock));
        lc_report_count(table, b->broken,
                        LC_LEADS_LINK(making, "broke", lc_ledger_text(making->ledger, b->clock).data, "by",
                                      b->owner ? lc_ledger_text(making->ledger, b->owner).data : ""));
        lc_table_count(table, b->not_ended);
        lc_table_duration(table, lc_spans_percentile(b->late, 0, 50));
        lc_table_duration(table, lc_spans_percentile(b->late, 0, 90));
    }
}

void
lc_report_add_promises(const lc_making *making)
{
    g_auto(contacts) before = contacts_new();
    if (making->before)
        collect_contacts(making, making->before, &before);
    add_first_contact(making, &before);
    add_by_clock(making, &before);
    if (!lc_summary_is_whole(making->sums))
        lc_report_say(making, "promises",
                      "Of clocks other than first_contact it is counted by month how often they are kept: leads of "
                      "other times than whole months show only what was broken.");
    add_broken(making);
    lc_report_add_late(making);
    lc_report_add_unmatched(making);
}
