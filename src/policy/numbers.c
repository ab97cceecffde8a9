/* numbers.c - which attributes the conditions of a book compare as numbers. */
#include "read.h"

static bool
has_attribute(const GArray *numbers, lc_text attribute)
{
    for (guint i = 0; i < numbers->len; i++)
        if (lc_text_equal(g_array_index(numbers, lc_policy_number, i).attribute, attribute))
            return true;
    return false;
}

static void
add_bounds(GArray *numbers, const lc_condition *when, const char *kind, lc_text name)
{
    for (unsigned i = 0; when && i < when->n_bounds; i++) {
        const lc_policy_number added = {when->bounds[i].key, kind, name};
        if (!has_attribute(numbers, added.attribute))
            g_array_append_val(numbers, added);
    }
}

void
lc_policy_book_numbers(const lc_policy_book *book, GArray *numbers)
{
    for (size_t i = 0; i < lc_policy_book_size(book); i++) {
        const lc_policy *policy = lc_policy_book_get(book, i);
        for (unsigned j = 0; j < policy->n_requires; j++)
            add_bounds(numbers, policy->requires[j].when, "requirement", policy->requires[j].name);
        for (unsigned j = 0; j < policy->n_signals; j++)
            add_bounds(numbers, policy->signals[j].when, "signal", policy->signals[j].name);
        for (unsigned j = 0; j < policy->n_rules; j++)
            add_bounds(numbers, policy->rules[j].when, "rule", policy->rules[j].name);
    }
}

bool
lc_policy_is_number(lc_text value)
{
    lc_decimal number;
    return lc_decimal_read(value, &number);
}
