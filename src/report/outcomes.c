/* outcomes.c - how many outcomes hold, by rule and channel, as rows tell it. */
#include "ledger.h"

#include <leadclock/text.h>

static guint
group_hash(gconstpointer of)
{
    const lc_outcome_group *group = of;
    return (guint)lc_text_hash(lc_text_hash(lc_text_hash(group->type, group->rule), group->channel), group->what);
}

static gboolean
group_equal(gconstpointer a, gconstpointer b)
{
    const lc_outcome_group *one = a, *other = b;
    return one->type == other->type && lc_text_equal(one->rule, other->rule) &&
           lc_text_equal(one->channel, other->channel) && lc_text_equal(one->what, other->what);
}

static int
compare_groups(gconstpointer a, gconstpointer b)
{
    const lc_outcome_group *one = a, *other = b;
    int order = (one->type > other->type) - (one->type < other->type);
    if (order == 0)
        order = lc_text_compare(one->rule, other->rule);
    if (order == 0)
        order = lc_text_compare(one->channel, other->channel);
    return order ? order : lc_text_compare(one->what, other->what);
}

typedef struct {
    lc_ledger *ledger;
    GHashTable *groups; /* lc_outcome_group *, a set */
} counting;

static void
count(const counting *c, lc_outcome_type type, const lc_ledger_cycle *cycle, lc_text what)
{
    lc_outcome_group key = {.type = type,
                            .rule = lc_ledger_text(c->ledger, cycle->rule),
                            .channel = lc_ledger_text(c->ledger, cycle->channel),
                            .what = what};
    lc_outcome_group *group = g_hash_table_lookup(c->groups, &key);
    if (group == NULL) {
        group = g_memdup2(&key, sizeof key);
        g_hash_table_add(c->groups, group);
    }
    group->count++;
}

/* A text that is put together here lives with the ledger's. */
static lc_text
kept(const counting *c, const char *text)
{
    return lc_ledger_text(c->ledger, lc_texts_add(c->ledger->texts, lc_text_of(text)));
}

static void
count_settlement(const counting *c, const lc_ledger_cycle *cycle)
{
    if (cycle->open)
        return;
    count(c, LC_OUTCOME_SETTLED, cycle, kept(c, lc_cause_name((lc_cause)cycle->cause)));
    if (cycle->cause == LC_CAUSE_CLAWED_BACK)
        count(c, LC_OUTCOME_CLAWED_BACK, cycle, LC_NO_TEXT);
}

static void
count_breach(const counting *c, const lc_ledger_cycle *cycle, const lc_ledger_breach *breach)
{
    lc_text clock = lc_ledger_text(c->ledger, breach->part.name);
    g_autofree char *early = g_strdup_printf("%.*s:early", LC_TEXT_ARGS(clock));
    count(c, LC_OUTCOME_BREACHED, cycle, breach->early ? kept(c, early) : clock);
}

static void
count_route(const counting *c, const lc_ledger_cycle *cycle, const lc_ledger_route *route)
{
    g_autofree char *what =
        g_strdup_printf("%s to %s", lc_cause_name((lc_cause)route->cause), lc_route_name((lc_route)route->route));
    count(c, LC_OUTCOME_ROUTED, cycle, kept(c, what));
}

static void
count_cycle(const counting *c, const lc_ledger_cycle *cycle)
{
    count_settlement(c, cycle);
    LC_EACH_BREACH (breach, cycle)
        count_breach(c, cycle, breach);
    LC_EACH_ROUTE (route, cycle)
        count_route(c, cycle, route);
}

GArray *
lc_ledger_outcomes(lc_ledger *ledger)
{
    g_autoptr(GHashTable) groups = g_hash_table_new_full(group_hash, group_equal, g_free, NULL);
    const counting c = {ledger, groups};
    GArray *sorted = g_array_new(FALSE, FALSE, sizeof(lc_outcome_group));
    GHashTableIter iter;
    gpointer item;
    LC_EACH_CYCLE (cycle, ledger, NULL)
        count_cycle(&c, cycle);
    g_hash_table_iter_init(&iter, groups);
    while (g_hash_table_iter_next(&iter, &item, NULL))
        g_array_append_vals(sorted, item, 1);
    g_array_sort(sorted, compare_groups);
    return sorted;
}
