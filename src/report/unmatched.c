/* unmatched.c - rules that no lead came under: what they promise was promised to nobody. */
#include "making.h"

#include "table.h"

#define NAMES_SAID 10

/* By lc_rule, and by lc_policy of those that leads came under at all. */
typedef struct {
    GHashTable *rules, *policies;
} matched;

static const lc_rule *
find_rule(const lc_policy *policy, lc_text name)
{
    for (unsigned i = 0; i < policy->n_rules; i++)
        if (lc_text_equal(policy->rules[i].name, name))
            return &policy->rules[i];
    return NULL;
}

static void
collect(const lc_making *making, const matched *found)
{
    LC_EACH_CYCLE (cycle, making->ledger, making->question) {
        if (cycle->rule == 0)
            continue;
        const lc_policy *policy = lc_policy_book_at(making->question->book, cycle->handoff_at);
        const lc_rule *rule = find_rule(policy, lc_ledger_text(making->ledger, cycle->rule));
        g_hash_table_add(found->policies, (gpointer)policy);
        if (rule)
            g_hash_table_add(found->rules, (gpointer)rule);
    }
}

static void
add_rules_of(lc_table *table, const lc_policy *policy, bool is_only, const matched *found, GString *names)
{
    for (unsigned i = 0; i < policy->n_rules; i++) {
        const lc_rule *rule = &policy->rules[i];
        if (g_hash_table_contains(found->rules, rule))
            continue;
        guint n = lc_table_rows(table);
        lc_table_text(table, policy->name);
        lc_table_text(table, rule->name);
        if (n >= NAMES_SAID)
            continue;
        g_string_append_printf(names, "%s%.*s", n ? ", " : "", LC_TEXT_ARGS(rule->name));
        if (!is_only)
            g_string_append_printf(names, " (%.*s)", LC_TEXT_ARGS(policy->name));
    }
}

static void
say(const lc_making *making, guint n, guint n_rules, GString *names)
{
    if (n > NAMES_SAID)
        g_string_append_printf(names, " and %u more", n - NAMES_SAID);
    if (n)
        lc_report_say(making, "rules_without_leads", "No lead came under %u of %u rules: %s.", n, n_rules, names->str);
}

void
lc_report_add_unmatched(const lc_making *making)
{
    const lc_policy_book *book = making->question->book;
    g_autoptr(GHashTable) rules = g_hash_table_new(NULL, NULL);
    g_autoptr(GHashTable) policies = g_hash_table_new(NULL, NULL);
    g_autoptr(GString) names = g_string_new(NULL);
    const matched found = {rules, policies};
    guint n_rules = 0;
    lc_table *table = lc_report_add_table(making, "rules_without_leads", "Rules that no lead of this time came under");
    lc_table_column(table, LC_CELL_TEXT, "policy", "policy");
    lc_table_column(table, LC_CELL_TEXT, "rule", "rule");
    lc_table_say_empty(table, "Each rule has leads.");
    collect(making, &found);
    for (size_t i = 0; i < lc_policy_book_size(book); i++) {
        const lc_policy *policy = lc_policy_book_get(book, i);
        if (!g_hash_table_contains(policies, policy))
            continue;
        add_rules_of(table, policy, lc_policy_book_size(book) == 1, &found, names);
        n_rules += policy->n_rules;
    }
    say(making, lc_table_rows(table), n_rules, names);
}
