/* reach.c - whether a rule can be reached behind those before it. */
#include "read.h"

/* More leads of a condition, times rules before it, are not looked at. */
#define MOST_STEPS ((size_t)200000)

/* The leads that are hardest to take elsewhere: one for each choice among the values that a condition lists, with a
 * channel that no condition names where it lists none, with no attribute that it doesn't ask for, and with its own
 * bounds, written so that no list of values holds them. If one of these is left, the condition can be reached, and only
 * then: what an earlier condition asks for beyond this one, they lack. */
typedef struct {
    const lc_condition *condition;
    lc_attribute *attributes; /* those listed, then those with a bound alone */
    size_t n_attributes;
    GPtrArray *texts;
    size_t n; /* of leads; beyond MOST_STEPS any number */
} lc_hard_leads;

static bool
is_listed(const lc_condition *condition, lc_text key)
{
    for (unsigned i = 0; i < condition->n_attributes; i++)
        if (lc_text_equal(condition->attributes[i].key, key))
            return true;
    return false;
}

static size_t
count(const lc_condition *condition)
{
    size_t n = MAX(condition->n_channels, 1);
    for (unsigned i = 0; i < condition->n_attributes && n <= MOST_STEPS; i++)
        n *= MAX(condition->attributes[i].n_values, 1);
    return n;
}

static void
prepare(lc_hard_leads *leads, const lc_condition *condition)
{
    size_t room = condition->n_attributes + condition->n_bounds;
    *leads = (lc_hard_leads){.condition = condition,
                             .attributes = g_new(lc_attribute, room),
                             .n_attributes = condition->n_attributes,
                             .texts = g_ptr_array_new_with_free_func(g_free),
                             .n = count(condition)};
    for (unsigned i = 0; i < condition->n_bounds; i++) {
        const lc_bound_condition *bound = &condition->bounds[i];
        if (is_listed(condition, bound->key))
            continue;
        bool has_point = memchr(bound->bound.data, '.', bound->bound.size);
        char *value = g_strconcat(bound->bound.data, has_point ? "" : ".", "00000000", NULL);
        g_ptr_array_add(leads->texts, value);
        leads->attributes[leads->n_attributes++] = (lc_attribute){bound->key, lc_text_of(value)};
    }
}

static void
clear(lc_hard_leads *leads)
{
    g_free(leads->attributes);
    g_ptr_array_unref(leads->texts);
}

/* Puts the attributes of lead `number` in place; its channel. */
static lc_text
take_lead(lc_hard_leads *leads, size_t number)
{
    const lc_condition *condition = leads->condition;
    for (unsigned i = 0; i < condition->n_attributes; i++) {
        const lc_attribute_condition *part = &condition->attributes[i];
        size_t n_values = MAX(part->n_values, 1);
        leads->attributes[i] = (lc_attribute){part->key, part->n_values ? part->values[number % n_values] : LC_NO_TEXT};
        number /= n_values;
    }
    return condition->n_channels ? condition->channels[number] : LC_TEXT("\x01 a channel that no condition names");
}

static bool
is_taken(const lc_rule *earlier, unsigned n, lc_text channel, const lc_hard_leads *leads)
{
    for (unsigned i = 0; i < n; i++)
        if (lc_condition_holds(earlier[i].when, channel, leads->attributes, leads->n_attributes))
            return true;
    return false;
}

lc_reach
lc_condition_reach(const lc_condition *condition, const lc_rule *earlier, unsigned n)
{
    lc_hard_leads leads;
    bool possible = false, left = false;
    if (condition->any)
        return LC_REACHED;
    prepare(&leads, condition);
    bool too_many = leads.n > MOST_STEPS / (n + 1);
    for (size_t i = 0; i < leads.n && !too_many && !left; i++) {
        lc_text channel = take_lead(&leads, i);
        if (!lc_condition_holds(condition, channel, leads.attributes, leads.n_attributes))
            continue;
        possible = true;
        left = !is_taken(earlier, n, channel, &leads);
    }
    clear(&leads);
    return too_many || left ? LC_REACHED : possible ? LC_SHADOWED : LC_IMPOSSIBLE;
}
