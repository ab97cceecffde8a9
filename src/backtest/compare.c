/* compare.c - what would change under another policy: net outcomes of both, side by side. */
#include "side.h"

typedef struct {
    lc_outcome_group key; /* texts borrowed */
    int64_t counts[2];
} pair;

/* Which members of a group make a row of a table. */
typedef struct {
    const char *name, *title;
    bool by_rule, by_channel;
} grouping;

static const grouping groupings[] = {
    {"by_what", "What would change, in outcomes", false, false},
    {"by_rule", "What would change, by rule", true, false},
    {"by_channel", "What would change, by channel", false, true},
};

static int
compare_pairs(gconstpointer a, gconstpointer b)
{
    const pair *one = a, *other = b;
    int order = lc_text_compare(one->key.rule, other->key.rule);
    if (order == 0)
        order = lc_text_compare(one->key.channel, other->key.channel);
    if (order == 0)
        order = (one->key.type > other->key.type) - (one->key.type < other->key.type);
    return order ? order : lc_text_compare(one->key.what, other->key.what);
}

static pair *
find_pair(GArray *pairs, const pair *wanted)
{
    for (guint i = 0; i < pairs->len; i++)
        if (compare_pairs(&g_array_index(pairs, pair, i), wanted) == 0)
            return &g_array_index(pairs, pair, i);
    g_array_append_vals(pairs, wanted, 1);
    return &g_array_index(pairs, pair, pairs->len - 1);
}

static void
add_groups(GArray *pairs, const grouping *g, const lc_backtest_side *side, int index)
{
    g_autoptr(GArray) groups = lc_ledger_outcomes(lc_backtest_side_ledger(side));
    for (guint i = 0; i < groups->len; i++) {
        const lc_outcome_group *group = &g_array_index(groups, lc_outcome_group, i);
        if (group->type == LC_OUTCOME_SETTLED && g->by_rule)
            continue;
        pair wanted = {.key = *group};
        wanted.key.rule = g->by_rule ? group->rule : LC_NO_TEXT;
        wanted.key.channel = g->by_channel ? group->channel : LC_NO_TEXT;
        find_pair(pairs, &wanted)->counts[index] += group->count;
    }
}

static void
add_columns(lc_table *table, const grouping *g)
{
    if (g->by_rule)
        lc_table_column(table, LC_CELL_TEXT, "rule", "rule");
    if (g->by_channel)
        lc_table_column(table, LC_CELL_TEXT, "channel", "channel");
    lc_table_column(table, LC_CELL_TEXT, "outcome", "outcome");
    lc_table_column(table, LC_CELL_TEXT, "what", "what");
    lc_table_column(table, LC_CELL_COUNT, "policy", "policy");
    lc_table_column(table, LC_CELL_COUNT, "other", "other");
    lc_table_column(table, LC_CELL_CHANGE, "change", "change");
}

static const char *
outcome_word(lc_outcome_type type)
{
    switch (type) {
    case LC_OUTCOME_BREACHED:
        return "breached";
    case LC_OUTCOME_CLAWED_BACK:
        return "clawed back";
    case LC_OUTCOME_ROUTED:
        return "routed";
    default:
        return "settled";
    }
}

static void
add_row(lc_table *table, const grouping *g, const pair *row)
{
    if (g->by_rule)
        lc_table_text(table, lc_text_is_absent(row->key.rule) ? LC_TEXT("(held back)") : row->key.rule);
    if (g->by_channel)
        lc_table_text(table, row->key.channel);
    lc_table_text(table, lc_text_of(outcome_word(row->key.type)));
    lc_table_text(table, lc_text_is_absent(row->key.what) ? LC_TEXT("") : row->key.what);
    lc_table_count(table, row->counts[0]);
    lc_table_count(table, row->counts[1]);
    lc_table_count(table, row->counts[1] - row->counts[0]);
}

static lc_table *
make_table(const grouping *g, const lc_backtest_side *one, const lc_backtest_side *other)
{
    g_autoptr(GArray) pairs = g_array_new(FALSE, TRUE, sizeof(pair));
    add_groups(pairs, g, one, 0);
    add_groups(pairs, g, other, 1);
    g_array_sort(pairs, compare_pairs);
    lc_table *table = lc_table_new(g->name, g->title);
    add_columns(table, g);
    for (guint i = 0; i < pairs->len; i++)
        add_row(table, g, &g_array_index(pairs, pair, i));
    return table;
}

static lc_table *
make_legend(const lc_backtest_side *one, const lc_backtest_side *other)
{
    lc_table *table = lc_table_new("policies", "Compared, over the same facts");
    lc_table_column(table, LC_CELL_TEXT, "name", "");
    lc_table_column(table, LC_CELL_TEXT, "files", "");
    lc_table_text(table, LC_TEXT("policy"));
    lc_table_text(table, lc_text_of(lc_backtest_side_name(one)));
    lc_table_text(table, LC_TEXT("other"));
    lc_table_text(table, lc_text_of(lc_backtest_side_name(other)));
    return table;
}

lc_answers *
lc_backtest_compare(const lc_backtest_side *one, const lc_backtest_side *other)
{
    GPtrArray *tables = g_ptr_array_new_with_free_func((GDestroyNotify)lc_table_free);
    g_ptr_array_add(tables, make_legend(one, other));
    for (size_t i = 0; i < G_N_ELEMENTS(groupings); i++)
        g_ptr_array_add(tables, make_table(&groupings[i], one, other));
    return lc_answers_of_tables("What would change under another policy", "Net outcomes, over the same facts.", tables);
}
