#include "read.h"

void
lc_explain_policy(const lc_policy *policy, GString *text)
{
    g_string_append_printf(text, "Policy %.*s\n", LC_TEXT_ARGS(policy->name));
}
