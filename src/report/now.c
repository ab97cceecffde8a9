/* now.c - how things stand: what is due, what is broken, what came and what went today. */
#include "making.h"

#include <leadclock/calendar.h>
#include <leadclock/text.h>

#define SOON (15 * LC_MINUTE)
#define LONGEST_SHOWN 20
#define LATEST_SHOWN 10

/* ---- The day ---- */

static const lc_zone *
zone_of(const lc_policy_book *book)
{
    return lc_policy_book_get(book, 0)->reporting_zone;
}

void
lc_report_day(const lc_policy_book *book, lc_instant at, lc_instant *begins, lc_instant *ends)
{
    lc_zone_day(zone_of(book), at, begins, ends);
}

char *
lc_report_time(const lc_policy_book *book, lc_instant at, char *text)
{
    if (book)
        return lc_zone_time_format(zone_of(book), at, text);
    char utc[LC_INSTANT_TEXT_BYTES];
    lc_instant_format(at, utc);
    g_snprintf(text, LC_DATE_TEXT_BYTES, "%.10s %.8s", utc, utc + strlen("2026-02-02T"));
    return text;
}

lc_text
lc_report_zone_name(const lc_policy_book *book)
{
    return book ? lc_policy_book_get(book, 0)->reporting_zone_name : LC_TEXT("UTC");
}

/* ---- Promises, day by day ---- */

typedef struct {
    lc_instant begins, ends;
    int64_t kept, broken, running;
} day;

/* The latest first. */
static GArray *
last_days(const lc_policy_book *book, lc_instant at, unsigned n)
{
    GArray *days = g_array_new(FALSE, FALSE, sizeof(day));
    for (unsigned i = 0; i < n; i++) {
        day added = {0};
        lc_report_day(book, at, &added.begins, &added.ends);
        g_array_append_val(days, added);
        at = added.begins - 1;
    }
    return days;
}

/* NULL: it is before all of them, or after. */
static day *
day_of(const GArray *days, lc_instant at)
{
    guint low = 0, high = days->len; /* the first that begins no later than `at` */
    while (low < high) {
        guint middle = low + (high - low) / 2;
        if (g_array_index(days, day, middle).begins <= at)
            high = middle;
        else
            low = middle + 1;
    }
    if (low == days->len)
        return NULL;
    day *found = &g_array_index(days, day, low);
    return at < found->ends ? found : NULL;
}

static void
count_promise(day *of, lc_contact contact)
{
    of->kept += contact == LC_CONTACT_KEPT;
    of->broken += contact == LC_CONTACT_BROKEN;
    of->running += contact == LC_CONTACT_RUNNING;
}

static void
add_of_day(lc_table *table, const day *of, int64_t count, const char *state)
{
    char from[LC_INSTANT_TEXT_BYTES], to[LC_INSTANT_TEXT_BYTES];
    lc_report_count(table, count,
                    lc_link("/leads", "from", lc_instant_format(of->begins, from), "to",
                            lc_instant_format(of->ends, to), "first_contact", state, NULL));
}

static void
add_day(lc_table *table, const day *of, const lc_zone *zone)
{
    char date[LC_DATE_TEXT_BYTES];
    lc_table_text(table, lc_text_of(lc_zone_date_format(zone, of->begins, date)));
    add_of_day(table, of, of->kept, "kept");
    add_of_day(table, of, of->broken, "broken");
    add_of_day(table, of, of->running, "running");
    lc_table_share(table, of->kept, of->kept + of->broken);
}

void
lc_answers_add_days(lc_answers *report, const lc_ledger *ledger, const lc_policy_book *book, lc_instant at, unsigned n)
{
    g_autoptr(GArray) days = last_days(book, at, n);
    const lc_making making = {.ledger = ledger, .report = report};
    lc_table *table = lc_report_add_table(&making, "by_day", "The promise of a first contact, by day of the hand-off");
    LC_EACH_CYCLE (cycle, ledger, NULL) {
        day *of = day_of(days, cycle->handoff_at);
        if (of)
            count_promise(of, lc_cycle_contact(cycle));
    }
    lc_table_column(table, LC_CELL_TEXT, "day", "day");
    lc_table_column(table, LC_CELL_COUNT, "kept", "kept");
    lc_table_column(table, LC_CELL_COUNT, "broken", "broken");
    lc_table_column(table, LC_CELL_COUNT, "running", "running");
    lc_table_column(table, LC_CELL_SHARE, "kept_share", "share kept");
    for (guint i = 0; i < days->len; i++)
        add_day(table, &g_array_index(days, day, i), zone_of(book));
}

/* ---- Counting ---- */

typedef struct {
    uint32_t number; /* of a text: the clock, or the owner */
    int64_t soon, hour, today, later, broken;
    lc_instant since; /* of what is broken longest */
} tally;

typedef struct {
    const lc_making *making;
    lc_instant at, begins, ends;
    GHashTable *clocks, *owners, *causes; /* number -> tally; cause -> count */
    GPtrArray *broken, *latest;           /* lc_ledger_cycle */
    int64_t open, handed_off, settled;
} counting;

static tally *
tally_of(GHashTable *tallies, uint32_t number)
{
    tally *found = g_hash_table_lookup(tallies, GUINT_TO_POINTER(number));
    if (found == NULL) {
        found = g_new0(tally, 1);
        *found = (tally){.number = number, .since = LC_NEVER};
        g_hash_table_insert(tallies, GUINT_TO_POINTER(number), found);
    }
    return found;
}

static void
count_due(counting *c, const lc_open_cycle *open)
{
    if (open->next_clock == 0 || open->next_due_at == LC_ABSENT)
        return;
    tally *t = tally_of(c->clocks, open->next_clock);
    t->soon += open->next_due_at < c->at + SOON;
    t->hour += open->next_due_at < c->at + LC_HOUR;
    t->today += open->next_due_at < c->ends;
    t->later += open->next_due_at >= c->ends;
}

/* A promise that is broken, by its clock: cycles have only their number. */
static void
count_broken(counting *c, const lc_ledger_cycle *cycle)
{
    LC_EACH_BREACH (breach, cycle)
        if (!breach->early && breach->ended_at == LC_ABSENT)
            tally_of(c->clocks, breach->part.name)->broken++;
}

static void
count_open(counting *c, lc_ledger_cycle *cycle)
{
    c->open++;
    count_due(c, cycle->open);
    count_broken(c, cycle);
    if (cycle->open->broken == 0)
        return;
    tally *t = tally_of(c->owners, cycle->owner);
    t->broken++;
    t->since = MIN(t->since, cycle->open->broken_since);
    g_ptr_array_add(c->broken, cycle);
}

static void
count_cycle(counting *c, lc_ledger_cycle *cycle)
{
    if (cycle->open)
        count_open(c, cycle);
    if (cycle->handoff_at >= c->begins && cycle->handoff_at < c->ends) {
        c->handed_off++;
        g_ptr_array_add(c->latest, cycle);
    }
    if (cycle->open == NULL && cycle->settled_at >= c->begins && cycle->settled_at < c->ends) {
        gpointer cause = GINT_TO_POINTER(cycle->cause);
        c->settled++;
        g_hash_table_insert(c->causes, cause,
                            GUINT_TO_POINTER(GPOINTER_TO_UINT(g_hash_table_lookup(c->causes, cause)) + 1));
    }
}

static void
count_all(counting *c)
{
    LC_EACH_CYCLE (cycle, c->making->ledger, NULL)
        count_cycle(c, cycle);
}

/* ---- By clock ---- */

static int
compare_tallies(gconstpointer a, gconstpointer b, gpointer data)
{
    const lc_ledger *ledger = data;
    return lc_text_compare(lc_ledger_text(ledger, (*(tally *const *)a)->number),
                           lc_ledger_text(ledger, (*(tally *const *)b)->number));
}

static GPtrArray *
sorted_tallies(const counting *c, GHashTable *tallies, GCompareDataFunc compare)
{
    GPtrArray *sorted = g_ptr_array_new();
    GHashTableIter iter;
    gpointer item;
    g_hash_table_iter_init(&iter, tallies);
    while (g_hash_table_iter_next(&iter, NULL, &item))
        g_ptr_array_add(sorted, item);
    g_ptr_array_sort_with_data(sorted, compare, (gpointer)c->making->ledger);
    return sorted;
}

static void
add_clocks(const counting *c)
{
    g_autoptr(GPtrArray) sorted = sorted_tallies(c, c->clocks, compare_tallies);
    lc_table *table = lc_report_add_table(c->making, "due", "Open promises, by clock: due next, and broken");
    lc_table_column(table, LC_CELL_TEXT, "clock", "clock");
    lc_table_column(table, LC_CELL_COUNT, "broken", "broken now");
    lc_table_column(table, LC_CELL_COUNT, "within_15m", "within 15 min");
    lc_table_column(table, LC_CELL_COUNT, "within_1h", "within 1 h");
    lc_table_column(table, LC_CELL_COUNT, "today", "today");
    lc_table_column(table, LC_CELL_COUNT, "later", "later");
    lc_table_say_empty(table, "No clock runs: nothing is due, and nothing is broken.");
    for (guint i = 0; i < sorted->len; i++) {
        const tally *t = sorted->pdata[i];
        lc_text clock = lc_ledger_text(c->making->ledger, t->number);
        lc_table_text(table, clock);
        lc_report_count(table, t->broken, lc_link("/leads", "broken", clock.data, NULL));
        lc_report_count(table, t->soon, lc_link("/leads", "due", "15m", "clock", clock.data, NULL));
        lc_report_count(table, t->hour, lc_link("/leads", "due", "1h", "clock", clock.data, NULL));
        lc_report_count(table, t->today, lc_link("/leads", "due", "today", "clock", clock.data, NULL));
        lc_report_count(table, t->later, lc_link("/leads", "due", "later", "clock", clock.data, NULL));
    }
}

/* ---- By owner ---- */

static int
compare_owners(gconstpointer a, gconstpointer b, gpointer data)
{
    const tally *one = *(tally *const *)a, *other = *(tally *const *)b;
    if (one->broken != other->broken)
        return one->broken > other->broken ? -1 : 1;
    return compare_tallies(a, b, data);
}

static void
add_owners(const counting *c)
{
    g_autoptr(GPtrArray) sorted = sorted_tallies(c, c->owners, compare_owners);
    lc_table *table = lc_report_add_table(c->making, "broken_by_owner", "Broken now, by owner");
    lc_table_column(table, LC_CELL_TEXT, "owner", "owner");
    lc_table_column(table, LC_CELL_COUNT, "leads", "leads");
    lc_table_column(table, LC_CELL_DURATION, "longest_ms", "longest for");
    lc_table_say_empty(table, "Nobody has a broken promise.");
    for (guint i = 0; i < sorted->len; i++) {
        const tally *t = sorted->pdata[i];
        lc_text owner = lc_ledger_text(c->making->ledger, t->number);
        lc_report_name(table, owner, "(nobody)");
        lc_table_link(table, lc_link("/worklist", LC_WHOSE(owner), NULL));
        lc_report_count(table, t->broken, lc_link("/leads", "broken", "any", LC_WHOSE(owner), NULL));
        lc_table_duration(table, t->since == LC_NEVER || t->since == LC_ABSENT
                                     ? LC_ABSENT
                                     : (c->at - t->since) / LC_SECOND * LC_SECOND);
    }
}

/* ---- Lead by lead ---- */

static int
compare_broken(gconstpointer a, gconstpointer b)
{
    const lc_ledger_cycle *one = *(lc_ledger_cycle *const *)a, *other = *(lc_ledger_cycle *const *)b;
    if (one->open->broken_since != other->open->broken_since)
        return one->open->broken_since < other->open->broken_since ? -1 : 1;
    return strcmp(one->lead_id, other->lead_id);
}

static int
compare_latest(gconstpointer a, gconstpointer b)
{
    const lc_ledger_cycle *one = *(lc_ledger_cycle *const *)a, *other = *(lc_ledger_cycle *const *)b;
    if (one->handoff_at != other->handoff_at)
        return one->handoff_at > other->handoff_at ? -1 : 1;
    return strcmp(one->lead_id, other->lead_id);
}

static void
add_longest(const counting *c)
{
    g_ptr_array_sort(c->broken, compare_broken);
    guint n = MIN(c->broken->len, LONGEST_SHOWN);
    g_autofree char *title = n < c->broken->len
                                 ? g_strdup_printf("Broken now, longest first: %u of %u", n, c->broken->len)
                                 : g_strdup("Broken now, longest first");
    lc_table *table = lc_report_add_table(c->making, "broken", title);
    lc_table_column(table, LC_CELL_TEXT, "lead_id", "lead");
    lc_table_column(table, LC_CELL_TEXT, "channel", "channel");
    lc_table_column(table, LC_CELL_TEXT, "owner", "owner");
    lc_table_column(table, LC_CELL_INSTANT, "broken_since", "since");
    lc_table_column(table, LC_CELL_DURATION, "broken_ms", "for");
    lc_table_column(table, LC_CELL_COUNT, "attempts", "attempts");
    lc_table_column(table, LC_CELL_COUNT, "escalation", "escalated to");
    lc_table_say_empty(table, "No promise is broken.");
    for (guint i = 0; i < n; i++) {
        const lc_ledger_cycle *cycle = c->broken->pdata[i];
        lc_instant since = cycle->open->broken_since;
        lc_table_text(table, lc_text_of(cycle->lead_id));
        lc_table_link(table, lc_report_lead_link(lc_text_of(cycle->lead_id)));
        lc_table_text(table, lc_ledger_text(c->making->ledger, cycle->channel));
        lc_report_name(table, lc_ledger_text(c->making->ledger, cycle->owner), "(nobody)");
        lc_table_instant(table, since);
        lc_table_duration(table, since == LC_ABSENT ? LC_ABSENT : (c->at - since) / LC_SECOND * LC_SECOND);
        lc_table_count(table, cycle->attempts);
        if (cycle->open->escalation)
            lc_table_count(table, cycle->open->escalation);
        else
            lc_table_nothing(table);
    }
}

static void
add_latest(const counting *c)
{
    g_ptr_array_sort(c->latest, compare_latest);
    lc_table *table = lc_report_add_table(c->making, "latest", "Handed off today, the latest");
    lc_table_column(table, LC_CELL_TEXT, "lead_id", "lead");
    lc_table_column(table, LC_CELL_TEXT, "channel", "channel");
    lc_table_column(table, LC_CELL_TEXT, "rule", "rule");
    lc_table_column(table, LC_CELL_TEXT, "owner", "owner");
    lc_table_column(table, LC_CELL_DURATION, "age_ms", "ago");
    lc_table_say_empty(table, "Nothing was handed off today.");
    for (guint i = 0; i < MIN(c->latest->len, LATEST_SHOWN); i++) {
        const lc_ledger_cycle *cycle = c->latest->pdata[i];
        lc_table_text(table, lc_text_of(cycle->lead_id));
        lc_table_link(table, lc_report_lead_link(lc_text_of(cycle->lead_id)));
        lc_table_text(table, lc_ledger_text(c->making->ledger, cycle->channel));
        lc_table_text(table, lc_ledger_text(c->making->ledger, cycle->rule));
        lc_report_name(table, lc_ledger_text(c->making->ledger, cycle->owner), "(nobody)");
        lc_table_duration(table, (c->at - cycle->handoff_at) / LC_SECOND * LC_SECOND);
    }
}

/* ---- Today ---- */

static void
add_today(const counting *c)
{
    lc_table *table = lc_report_add_table(c->making, "today", "Today");
    lc_table_column(table, LC_CELL_TEXT, "what", "what");
    lc_table_column(table, LC_CELL_COUNT, "leads", "leads");
    lc_table_text(table, LC_TEXT("handed off"));
    lc_report_count(table, c->handed_off, lc_link("/leads", "handed_off", "today", NULL));
    lc_table_text(table, LC_TEXT("settled"));
    lc_report_count(table, c->settled, lc_link("/leads", "settled", "today", NULL));
    for (int cause = 0; lc_cause_name((lc_cause)cause); cause++) {
        guint count = GPOINTER_TO_UINT(g_hash_table_lookup(c->causes, GINT_TO_POINTER(cause)));
        if (count == 0)
            continue;
        const char *name = lc_cause_name((lc_cause)cause);
        g_autofree char *what = g_strdup_printf("of these %s", name);
        lc_table_text(table, lc_text_of(what));
        lc_report_count(table, count, lc_link("/leads", "settled", "today", "cause", name, NULL));
    }
}

static void
say_standing(const counting *c)
{
    char longest[LC_DURATION_TEXT_BYTES];
    lc_report_say(c->making, "now", "%" G_GINT64_FORMAT " lead%s open, %u of them with a broken promise.", c->open,
                  c->open == 1 ? " is" : "s are", c->broken->len);
    if (c->broken->len == 0)
        return;
    const lc_ledger_cycle *first = c->broken->pdata[0];
    lc_duration since = (c->at - first->open->broken_since) / LC_MINUTE * LC_MINUTE;
    if (first->open->broken_since != LC_ABSENT && since > 0)
        lc_report_say(c->making, "now", "The longest has been broken for %s: lead %s.",
                      lc_duration_format(since, longest), first->lead_id);
}

static char *
about_now(const counting *c, const lc_policy_book *book)
{
    char at[LC_DATE_TEXT_BYTES];
    return g_strdup_printf("As of %s in %.*s, whose day is today.", lc_report_time(book, c->at, at),
                           LC_TEXT_ARGS(lc_report_zone_name(book)));
}

static void
clear_counting(counting *c)
{
    g_hash_table_unref(c->clocks);
    g_hash_table_unref(c->owners);
    g_hash_table_unref(c->causes);
    g_ptr_array_unref(c->broken);
    g_ptr_array_unref(c->latest);
}

lc_answers *
lc_answers_of_now(const lc_ledger *ledger, const lc_policy_book *book, lc_instant at)
{
    counting c = {.at = at,
                  .clocks = g_hash_table_new_full(NULL, NULL, NULL, g_free),
                  .owners = g_hash_table_new_full(NULL, NULL, NULL, g_free),
                  .causes = g_hash_table_new(NULL, NULL),
                  .broken = g_ptr_array_new(),
                  .latest = g_ptr_array_new()};
    lc_report_day(book, at, &c.begins, &c.ends);
    lc_answers *report = lc_report_new(book, "Now", about_now(&c, book));
    const lc_making making = {.ledger = ledger, .report = report};
    c.making = &making;
    count_all(&c);
    add_clocks(&c);
    add_owners(&c);
    add_longest(&c);
    add_today(&c);
    add_latest(&c);
    say_standing(&c);
    clear_counting(&c);
    return report;
}
