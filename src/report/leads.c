/* leads.c - the leads behind a number, and whose they are. */
#include "firsts.h"
#include "kinds.h"
#include "making.h"

#include <leadclock/calendar.h>

typedef struct {
    const lc_ledger *ledger;
    const lc_lead_filter *filter;
    lc_instant at;
    uint32_t stage; /* that they have reached; 0: any */
} choosing;

/* ---- Choosing ---- */

/* The empty text asks for none, too: who asks for no owner or no rule has no name for it. */
static bool
is_of(const choosing *c, uint32_t number, lc_text wanted)
{
    return lc_text_is_absent(wanted) || (number == 0 && wanted.size == 0) ||
           lc_text_equal(lc_ledger_text(c->ledger, number), wanted);
}

static bool
is_due(const choosing *c, const lc_open_cycle *open)
{
    const lc_lead_filter *filter = c->filter;
    return open && open->next_clock && open->next_due_at != LC_ABSENT && open->next_due_at >= filter->due_from &&
           open->next_due_at < filter->due_before && is_of(c, open->next_clock, filter->clock);
}

static bool
is_broken(const choosing *c, const lc_ledger_cycle *cycle)
{
    if (cycle->open == NULL || lc_text_is_absent(c->filter->clock))
        return cycle->open && cycle->open->broken > 0;
    LC_EACH_BREACH (breach, cycle)
        if (!breach->early && breach->ended_at == LC_ABSENT && is_of(c, breach->part.name, c->filter->clock))
            return true;
    return false;
}

static bool
has_kept(const lc_ledger_cycle *cycle, lc_text first_contact)
{
    static const char *const words[LC_CONTACTS] = {"none", "kept", "broken", "running", "stopped"};
    return lc_text_is_absent(first_contact) || lc_text_equal(lc_text_of(words[lc_cycle_contact(cycle)]), first_contact);
}

static bool
has_reached(const choosing *c, const lc_ledger_cycle *cycle)
{
    const lc_ledger_stage *stage = c->stage ? lc_cycle_stage(cycle, c->stage) : NULL;
    return c->stage == 0 || (stage && (c->filter->age < 0 || stage->age <= c->filter->age));
}

static bool
has_broken(const choosing *c, const lc_ledger_cycle *cycle, lc_text clock, bool early)
{
    if (lc_text_is_absent(clock))
        return true;
    LC_EACH_BREACH (breach, cycle)
        if (breach->early == early && lc_clock_is(lc_ledger_text(c->ledger, breach->part.name), clock) &&
            (early || is_of(c, breach->owner, c->filter->broke_by)))
            return true;
    return false;
}

static bool
was_routed(const choosing *c, const lc_ledger_cycle *cycle)
{
    const lc_lead_filter *filter = c->filter;
    if (lc_text_is_absent(filter->routed))
        return true;
    LC_EACH_ROUTE (route, cycle)
        if (lc_text_equal(lc_text_of(lc_cause_name((lc_cause)route->cause)), filter->routed) &&
            lc_text_equal(lc_text_of(lc_route_name((lc_route)route->route)), filter->route) &&
            lc_text_equal(lc_ledger_text(c->ledger, route->part.name), filter->onto))
            return true;
    return false;
}

static bool
is_of_month(const lc_ledger_cycle *cycle, lc_text month)
{
    return lc_text_is_absent(month) || lc_text_equal(lc_text_of(LC_MONTH(cycle->cohort)), month);
}

static bool
is_next(const choosing *c, const lc_ledger_cycle *cycle, lc_text clock)
{
    return lc_text_is_absent(clock) || (cycle->open && cycle->open->next_clock &&
                                        lc_clock_is(lc_ledger_text(c->ledger, cycle->open->next_clock), clock));
}

/* What happened to it once. */
static bool
has_happened(const choosing *c, const lc_ledger_cycle *cycle)
{
    const lc_lead_filter *filter = c->filter;
    return lc_cycle_is(cycle, filter->is) && is_next(c, cycle, filter->next) &&
           has_broken(c, cycle, filter->broke, false) && has_broken(c, cycle, filter->early, true) &&
           was_routed(c, cycle) && is_of_month(cycle, filter->month);
}

static bool
has_cause(const lc_ledger_cycle *cycle, lc_text cause)
{
    return lc_text_is_absent(cause) ||
           (cycle->open == NULL && lc_text_equal(lc_text_of(lc_cause_name((lc_cause)cycle->cause)), cause));
}

static bool
is_wanted(const choosing *c, const lc_ledger_cycle *cycle)
{
    const lc_lead_filter *filter = c->filter;
    return is_of(c, cycle->channel, filter->channel) && is_of(c, cycle->rule, filter->rule) &&
           is_of(c, cycle->owner, filter->owner) &&
           (is_of(c, cycle->reason, filter->reason) || is_of(c, cycle->rejected_as, filter->reason)) &&
           is_of(c, cycle->track, filter->track) && has_cause(cycle, filter->cause) &&
           has_kept(cycle, filter->first_contact) && has_reached(c, cycle) && has_happened(c, cycle) &&
           (!filter->is_unowned || cycle->owner == 0) && (!filter->is_broken || is_broken(c, cycle)) &&
           (filter->due_before == LC_ABSENT || is_due(c, cycle->open)) &&
           cycle->handoff_at >= filter->handed_off_from && cycle->handoff_at < filter->handed_off_before &&
           (filter->settled_from == LC_ABSENT || (cycle->open == NULL && cycle->settled_at >= filter->settled_from));
}

/* ---- The order ---- */

static int
compare_instants(lc_instant a, lc_instant b)
{
    return a < b ? -1 : a > b;
}

static int
compare_cycles(gconstpointer a, gconstpointer b, gpointer data)
{
    const lc_ledger_cycle *one = *(lc_ledger_cycle *const *)a, *other = *(lc_ledger_cycle *const *)b;
    const lc_lead_filter *filter = data;
    int order = 0;
    if (filter->is_broken)
        order = compare_instants(one->open->broken_since, other->open->broken_since);
    else if (filter->due_before != LC_ABSENT)
        order = compare_instants(one->open->next_due_at, other->open->next_due_at);
    else
        order = compare_instants(other->handoff_at, one->handoff_at);
    if (order == 0)
        order = strcmp(one->lead_id, other->lead_id);
    return order ? order : memcmp(&one->as.id, &other->as.id, sizeof one->as.id);
}

static GPtrArray *
choose(const choosing *c, size_t *n_all)
{
    lc_firsts firsts;
    lc_firsts_init(&firsts, LC_LEADS_SHOWN, compare_cycles, (gpointer)c->filter);
    LC_EACH_CYCLE (cycle, c->ledger, NULL)
        if (is_wanted(c, cycle))
            lc_firsts_add(&firsts, cycle);
    *n_all = firsts.n_all;
    return lc_firsts_end(&firsts);
}

/* ---- The table ---- */

static void
add_columns(lc_table *table)
{
    lc_table_column(table, LC_CELL_TEXT, "lead_id", "lead");
    lc_table_column(table, LC_CELL_TEXT, "channel", "channel");
    lc_table_column(table, LC_CELL_TEXT, "rule", "rule");
    lc_table_column(table, LC_CELL_TEXT, "owner", "owner");
    lc_table_column(table, LC_CELL_INSTANT, "handoff_at", "handed off");
    lc_table_column(table, LC_CELL_TEXT, "status", "status");
    lc_table_column(table, LC_CELL_TEXT, "next_clock", "due next");
    lc_table_column(table, LC_CELL_DURATION, "due_in_ms", "in");
    lc_table_column(table, LC_CELL_DURATION, "broken_ms", "broken for");
    lc_table_say_empty(table, "No lead is like that now.");
}

static void
add_standing(lc_table *table, const choosing *c, const lc_open_cycle *open)
{
    if (open == NULL) {
        lc_table_nothing(table);
        lc_table_nothing(table);
        lc_table_nothing(table);
        return;
    }
    lc_table_text(table, lc_ledger_text(c->ledger, open->next_clock));
    lc_table_duration(table, open->next_due_at == LC_ABSENT ? LC_ABSENT : open->next_due_at - c->at);
    lc_table_duration(table,
                      open->broken == 0 || open->broken_since == LC_ABSENT ? LC_ABSENT : c->at - open->broken_since);
}

static void
add_lead(lc_table *table, const choosing *c, const lc_ledger_cycle *cycle)
{
    lc_table_text(table, lc_text_of(cycle->lead_id));
    lc_table_link(table, lc_report_lead_link(lc_text_of(cycle->lead_id)));
    lc_table_text(table, lc_ledger_text(c->ledger, cycle->channel));
    lc_report_name(table, lc_ledger_text(c->ledger, cycle->rule), "(held back)");
    lc_report_name(table, lc_ledger_text(c->ledger, cycle->owner), "(nobody)");
    lc_table_instant(table, cycle->handoff_at);
    if (cycle->open == NULL)
        lc_table_text(table, lc_text_of(lc_cause_name((lc_cause)cycle->cause)));
    else if (cycle->open->broken)
        lc_table_text(table, LC_TEXT("open, broken"));
    else
        lc_table_text(table, cycle->open->paused_since == LC_ABSENT ? LC_TEXT("open") : LC_TEXT("open, paused"));
    add_standing(table, c, cycle->open);
}

lc_answers *
lc_answers_of_leads(const lc_ledger *ledger, const lc_policy_book *book, const lc_lead_filter *filter, lc_instant at)
{
    const choosing c = {
        .ledger = ledger, .filter = filter, .at = at, .stage = lc_texts_find(ledger->texts, filter->stage)};
    size_t n_all;
    g_autoptr(GPtrArray) chosen = choose(&c, &n_all);
    g_autoptr(GString) about = g_string_new(NULL);
    g_string_append_printf(about, "%s: %s. Times are those of %.*s.", LC_LEADS((int64_t)n_all), filter->about,
                           LC_TEXT_ARGS(lc_report_zone_name(book)));
    if (chosen->len < n_all)
        g_string_append_printf(about, " The first %u are shown.", chosen->len);
    lc_answers *report = lc_report_new(book, "Leads", g_string_free(g_steal_pointer(&about), FALSE));
    const lc_making making = {.ledger = ledger, .report = report};
    lc_table *table = lc_report_add_table(&making, "leads", "Cycles");
    add_columns(table);
    for (guint i = 0; i < chosen->len; i++)
        add_lead(table, &c, chosen->pdata[i]);
    return report;
}

/* ---- By owner ---- */

typedef struct {
    int64_t open, broken;
} owner_count;

static void
count_owners(const lc_ledger *ledger, GHashTable *counts, GHashTable *owners)
{
    LC_EACH_CYCLE (cycle, ledger, NULL) {
        gpointer key = GUINT_TO_POINTER(cycle->owner);
        if (cycle->open == NULL)
            continue;
        owner_count *count = g_hash_table_lookup(counts, key);
        if (count == NULL) {
            count = g_new0(owner_count, 1);
            g_hash_table_insert(counts, key, count);
        }
        count->open++;
        count->broken += cycle->open->broken > 0;
        if (cycle->owner)
            g_hash_table_add(owners, key);
    }
}

static void
add_owner(lc_table *table, lc_text owner, const owner_count *count)
{
    lc_report_name(table, owner, "(nobody)");
    lc_table_link(table, lc_link("/worklist", LC_WHOSE(owner), NULL));
    lc_report_count(table, count->open, lc_link("/leads", "is", "open", LC_WHOSE(owner), NULL));
    lc_report_count(table, count->broken, lc_link("/leads", "broken", "any", LC_WHOSE(owner), NULL));
}

void
lc_answers_add_owners(lc_answers *report, const lc_ledger *ledger)
{
    g_autoptr(GHashTable) counts = g_hash_table_new_full(NULL, NULL, NULL, g_free),
                          owners = g_hash_table_new(NULL, NULL);
    const lc_making making = {.ledger = ledger, .report = report};
    lc_table *table = lc_report_add_table(&making, "owners", "Whose leads are open: each has a list of their own");
    lc_table_column(table, LC_CELL_TEXT, "owner", "owner");
    lc_table_column(table, LC_CELL_COUNT, "open", "open");
    lc_table_column(table, LC_CELL_COUNT, "broken", "with a broken promise");
    count_owners(ledger, counts, owners);
    const owner_count *unowned = g_hash_table_lookup(counts, GUINT_TO_POINTER(0));
    if (unowned)
        add_owner(table, LC_NO_TEXT, unowned);
    g_autoptr(GArray) sorted = lc_report_sorted(ledger, owners);
    for (guint i = 0; i < sorted->len; i++) {
        uint32_t owner = g_array_index(sorted, uint32_t, i);
        add_owner(table, lc_ledger_text(ledger, owner), g_hash_table_lookup(counts, GUINT_TO_POINTER(owner)));
    }
}
