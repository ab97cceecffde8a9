/* explain.c - what a document promises, in plain sentences. */
#include "explain.h"

/* The earliest document (`previous` NULL) also covers all before it. */
static void
append_period(GString *text, const lc_policy *policy, const lc_policy *previous, const lc_policy *next)
{
    char instant[LC_INSTANT_TEXT_BYTES];
    if (previous)
        g_string_append_printf(text, "from %s on", lc_instant_format(policy->effective_from, instant));
    if (next)
        g_string_append_printf(text, "%sbefore %s", previous ? " and " : "",
                               lc_instant_format(next->effective_from, instant));
    if (previous == NULL && next == NULL)
        g_string_append(text, "at any time");
}

static void
explain_skew(const lc_policy *policy, GString *text)
{
    if (policy->clock_skew == 0)
        return;
    g_string_append(text, " A contact, assignment or rejection up to ");
    lc_say_duration(text, policy->clock_skew);
    g_string_append(text, " before the hand-off counts for it.");
}

static void
explain_head(const lc_policy *policy, const lc_policy *previous, const lc_policy *next, GString *text)
{
    g_string_append_printf(text, "Policy %s, for leads handed off ", policy->name.data);
    append_period(text, policy, previous, next);
    g_string_append_printf(text, ".\nA cohort is the month of the hand-off in %s. A contact counts at the time it %s.",
                           policy->reporting_zone_name.data,
                           policy->contact_time_logged ? "was logged, where that is known" : "happened");
    explain_skew(policy, text);
    g_string_append(text, " A settled lead is remembered for ");
    lc_say_duration(text, policy->retain);
    g_string_append(text, " after the last that happened to it.\n");
}

/* "SAL, SQL, WON (closes as won)". */
static void
explain_stages(const lc_policy *policy, GString *text)
{
    if (policy->n_stages == 0)
        return;
    g_string_append(text, "Stages, in order: ");
    for (unsigned i = 0; i < policy->n_stages; i++) {
        const lc_stage *stage = &policy->stages[i];
        g_string_append_printf(text, "%s%s%s", lc_separator(i, policy->n_stages, ", "), stage->name.data,
                               stage->closes == LC_STAGE_WON    ? " (closes as won)"
                               : stage->closes == LC_STAGE_LOST ? " (closes as lost)"
                                                                : "");
    }
    g_string_append(text, ". Reaching one is progress, which meets a promise of contact as a contact does.\n");
}

static void
explain_open_dialogue(const lc_policy *policy, GString *text)
{
    if (!policy->has_open_dialogue)
        return;
    g_string_append(text, "  - a lead that sales was in touch with in the ");
    lc_say_duration(text, policy->open_dialogue_within);
    g_string_append(text, " before, after its last settlement, goes to ");
    lc_say_destination(text, &policy->open_dialogue_destination);
    g_string_append(text, ", to the owner of the latest such contact.\n");
}

static void
explain_criteria(const lc_criterion *criteria, unsigned n, bool points, GString *text)
{
    for (unsigned i = 0; i < n; i++) {
        g_string_append(text, lc_separator(i, n, " and "));
        if (points)
            g_string_append_printf(text, "%" G_GINT64_FORMAT " for ", criteria[i].points);
        g_string_append_printf(text, "%s (leads ", criteria[i].name.data);
        lc_say_condition(text, criteria[i].when);
        g_string_append_c(text, ')');
    }
}

static void
explain_qualification(const lc_policy *policy, GString *text)
{
    if (!policy->has_qualification)
        return;
    bool scored = policy->n_signals || policy->threshold > 0;
    g_string_append(text, "  - a lead must ");
    if (policy->n_requires) {
        g_string_append(text, "be ");
        explain_criteria(policy->requires, policy->n_requires, false, text);
        g_string_append(text, scored ? ", and " : "");
    }
    if (scored || policy->n_requires == 0)
        g_string_append_printf(text, "have at least %" G_GINT64_FORMAT " points", policy->threshold);
    if (policy->n_signals) {
        g_string_append(text, ": ");
        explain_criteria(policy->signals, policy->n_signals, true, text);
    }
    g_string_append(text, "; otherwise it goes to ");
    lc_say_destination(text, &policy->not_qualified_destination);
    g_string_append(text, ".\n");
}

static void
explain_gates(const lc_policy *policy, GString *text)
{
    bool several = policy->has_open_dialogue || policy->has_qualification;
    g_string_append_printf(text, "\nHeld back at the hand-off%s:\n",
                           several ? ", by the first of these that applies" : "");
    g_string_append(text, "  - a lead whose rejection still asks for quiet goes where that rejection sent it.\n");
    explain_open_dialogue(policy, text);
    explain_qualification(policy, text);
}

/* Rule 4.11. */
static bool
may_be_reassigned(const lc_policy *policy)
{
    bool any = false;
    for (unsigned i = 0; i < policy->n_reasons; i++)
        any |= policy->reasons[i].destination.route == LC_ROUTE_REASSIGN;
    for (unsigned i = 0; i < policy->n_rules; i++)
        any |= policy->rules[i].clawback_destination.route == LC_ROUTE_REASSIGN ||
               (policy->rules[i].has_follow_up && policy->rules[i].follow_up_destination.route == LC_ROUTE_REASSIGN);
    return any;
}

static void
explain_reasons(const lc_policy *policy, GString *text)
{
    g_string_append(text, "\nRejected by sales:\n");
    for (unsigned i = 0; i < policy->n_reasons; i++) {
        const lc_reason *reason = &policy->reasons[i];
        g_string_append_printf(text, "  - %s%s goes to ", reason->name.data,
                               i == policy->other ? " (and every reason not listed here)" : "");
        lc_say_destination(text, &reason->destination);
        if (reason->cooldown > 0) {
            g_string_append(text, "; not handed off again for ");
            lc_say_duration(text, reason->cooldown);
        }
        g_string_append(text, ".\n");
    }
    if (may_be_reassigned(policy))
        g_string_append(
            text, "\nA lead that a rejection, a clawback or silence has sent to REASSIGN is handed off anew, past the "
                  "gates, when it is assigned.\n");
}

void
lc_explain_document(const lc_document *document, const lc_policy *previous, const lc_policy *next, GString *text)
{
    const lc_policy *policy = &document->policy;
    if (text->len)
        g_string_append_c(text, '\n');
    explain_head(policy, previous, next, text);
    explain_stages(policy, text);
    lc_explain_calendars(document, text);
    explain_gates(policy, text);
    for (unsigned i = 0; i < policy->n_rules; i++)
        lc_explain_rule(policy, i, text);
    explain_reasons(policy, text);
}
