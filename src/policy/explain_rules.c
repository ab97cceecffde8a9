/* explain_rules.c - what a rule promises, clock by clock. */
#include "explain.h"

/* ---- A clock ---- */

static void
append_calendar(GString *text, const lc_clock_rule *clock)
{
    if (lc_calendar_is_always(clock->calendar))
        g_string_append(text, ", day and night");
    else
        g_string_append_printf(text, " of open time (calendar %s)", clock->calendar_name.data);
}

static void
append_warnings(GString *text, const lc_clock_rule *clock)
{
    for (unsigned i = 0; i < clock->n_warnings; i++) {
        g_string_append_printf(text, "%s", i ? lc_separator(i, clock->n_warnings, " and ") : "; warned at ");
        lc_say_duration(text, clock->warnings[i].part);
    }
}

/* "5 min, day and night; warned at 2 min 30 s". */
static void
append_clock(GString *text, const lc_clock_rule *clock)
{
    lc_say_duration(text, clock->target);
    append_calendar(text, clock);
    append_warnings(text, clock);
}

/* ---- The clocks of a rule ---- */

static void
explain_first_contact(const lc_rule *rule, GString *text)
{
    if (!rule->has_first_contact)
        return;
    g_string_append(text, "  - first human contact within ");
    append_clock(text, &rule->first_contact);
    if (rule->reassign)
        g_string_append(text, "; then taken from everyone who had it and routed to REASSIGN");
    g_string_append(text, ".\n");
}

static void
explain_requested_time(const lc_rule *rule, GString *text)
{
    if (!rule->has_requested_time)
        return;
    g_string_append(text, "  - where the prospect asked for a time: contact not ");
    if (rule->early > 0) {
        g_string_append(text, "more than ");
        lc_say_duration(text, rule->early);
        g_string_append_c(text, ' ');
    }
    g_string_append(text, "before it, and after it within ");
    append_clock(text, &rule->requested_time);
    if (rule->has_first_contact)
        g_string_append(text, "; this replaces the first contact where the hand-off names the time");
    g_string_append(text, ".\n");
}

static void
explain_milestones(const lc_policy *policy, const lc_rule *rule, GString *text)
{
    for (unsigned i = 0; i < rule->n_milestones; i++) {
        const lc_milestone_rule *milestone = &rule->milestones[i];
        g_string_append_printf(text, "  - %s reached within ", policy->stages[milestone->stage].name.data);
        append_clock(text, &milestone->clock);
        g_string_append(text, ".\n");
    }
}

static void
explain_follow_up(const lc_rule *rule, GString *text)
{
    if (!rule->has_follow_up)
        return;
    g_string_append(text, "  - after a first attempt that reached nobody: an answer or progress within ");
    append_clock(text, &rule->follow_up);
    g_string_append(text, "; otherwise ");
    if (rule->attempts > 0)
        g_string_append_printf(text, "and after %u more %s ", rule->attempts,
                               rule->attempts == 1 ? "attempt" : "attempts");
    g_string_append(text, "the lead is unresponsive and goes to ");
    lc_say_destination(text, &rule->follow_up_destination);
    g_string_append(text, rule->attempts > 0 ? "; with fewer attempts this is broken.\n" : ".\n");
}

/* "the latest of the hand-off, the last contact or progress and the time asked for". */
static void
append_base(GString *text, const lc_rule *rule)
{
    bool activity = rule->clawback_from_last_activity, requested = rule->has_requested_time;
    g_string_append(text, activity || requested ? "the latest of the hand-off" : "the hand-off");
    if (activity)
        g_string_append_printf(text, "%s the last contact or progress", requested ? "," : " and");
    if (requested)
        g_string_append(text, " and the time asked for");
}

static void
explain_clawback(const lc_policy *policy, const lc_rule *rule, GString *text)
{
    g_string_append_printf(text, "  - taken back from sales ");
    lc_say_duration(text, rule->clawback.target);
    append_calendar(text, &rule->clawback);
    g_string_append(text, ", after ");
    append_base(text, rule);
    if (rule->clawback_until >= 0)
        g_string_append_printf(text, ", unless %s is reached", policy->stages[rule->clawback_until].name.data);
    append_warnings(text, &rule->clawback);
    g_string_append(text, "; it goes to ");
    lc_say_destination(text, &rule->clawback_destination);
    g_string_append(text, ".\n");
}

void
lc_explain_rule(const lc_policy *policy, unsigned index, GString *text)
{
    const lc_rule *rule = &policy->rules[index];
    g_string_append_printf(text, "\n%u. %s. ", index + 1, rule->name.data);
    if (rule->when->any)
        g_string_append(text, index == 0 ? "All leads" : "All other leads");
    else {
        g_string_append(text, "Leads ");
        lc_say_condition(text, rule->when);
    }
    g_string_append(text, ":\n");
    explain_first_contact(rule, text);
    explain_requested_time(rule, text);
    explain_milestones(policy, rule, text);
    explain_follow_up(rule, text);
    explain_clawback(policy, rule, text);
}
