/* explain_rules.c - what a rule promises, clock by clock. */
#include "explain.h"

/* ---- A clock ---- */

/* "5 min, day and night", "4 h of open time (calendar office)". */
static void
append_open_time(GString *text, const lc_clock_rule *clock)
{
    lc_say_time_of(text, clock, clock->target);
    if (lc_calendar_is_always(clock->calendar))
        g_string_append(text, ", day and night");
    else
        g_string_append_printf(text, " of open time (calendar %s)", clock->calendar_name.data);
}

/* "2 working days (calendar office), to the last closing time, what comes from 15:00 on as on the next". */
static void
append_working_days(GString *text, const lc_clock_rule *clock)
{
    if (clock->working_days == 0)
        g_string_append(text, "the working day itself");
    else
        g_string_append_printf(text, "%d working %s", clock->working_days, clock->working_days == 1 ? "day" : "days");
    g_string_append_printf(text, " (calendar %s), to its last closing time", clock->calendar_name.data);
    if (clock->cutoff != LC_NO_CUTOFF)
        g_string_append_printf(text, ", where what comes from %02d:%02d on counts for the next", clock->cutoff / 60,
                               clock->cutoff % 60);
}

static void
append_target(GString *text, const lc_clock_rule *clock)
{
    if (clock->working_days < 0)
        append_open_time(text, clock);
    else
        append_working_days(text, clock);
}

/* Of working days the time that passes before it is not known. */
static void
append_warning(GString *text, const lc_clock_rule *clock, const lc_warning *warning)
{
    if (warning->part > 0)
        lc_say_time_of(text, clock, warning->part);
    else if (warning->percent > 0)
        g_string_append_printf(text, "%u%% of the open time up to then", warning->percent);
    else {
        lc_say_time_of(text, clock, warning->before);
        g_string_append(text, " of open time before it");
    }
}

static void
append_warnings(GString *text, const lc_clock_rule *clock)
{
    for (unsigned i = 0; i < clock->n_warnings; i++) {
        g_string_append(text, i ? lc_separator(i, clock->n_warnings, " and ") : "; warned at ");
        append_warning(text, clock, &clock->warnings[i]);
    }
}

static void
append_escalations(GString *text, const lc_clock_rule *clock)
{
    for (unsigned i = 0; i < clock->n_escalations; i++) {
        g_string_append(text, i ? lc_separator(i, clock->n_escalations, " and ") : "; while it is broken escalated ");
        lc_say_time_of(text, clock, clock->escalations[i].after);
    }
    if (clock->n_escalations)
        g_string_append_printf(text, "%s after it was due",
                               lc_calendar_is_always(clock->calendar) ? "" : " of open time");
}

/* "5 min, day and night; warned at 2 min 30 s; while it is broken escalated 1 h after it was due". */
static void
append_clock(GString *text, const lc_clock_rule *clock)
{
    append_target(text, clock);
    append_warnings(text, clock);
    append_escalations(text, clock);
}

/* ---- The clocks of a rule ---- */

/* 5.9 */
static void
explain_again(const lc_rule *rule, GString *text)
{
    g_string_append_printf(text, "  - where that is broken and the lead gets another owner, the same within ");
    append_clock(text, &rule->again_contact);
    if (rule->again_times == 1)
        g_string_append(text, ", for one such owner.\n");
    else
        g_string_append_printf(text, ", for %u such owners in turn.\n", rule->again_times);
}

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
    if (rule->reassign)
        explain_again(rule, text);
    /* 5.10 */
    if (rule->renew)
        g_string_append(text,
                        "  - where a prospect asks again like this while an earlier lead of theirs is open: contact "
                        "within the same time from then on, unless it is due sooner anyway.\n");
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
explain_next_contact(const lc_policy *policy, const lc_rule *rule, GString *text)
{
    if (!rule->has_next_contact)
        return;
    g_string_append(text, "  - after each contact or progress the next one within ");
    append_clock(text, &rule->next_contact);
    if (rule->next_contact_until >= 0)
        g_string_append_printf(text, "; no more once %s is reached",
                               policy->stages[rule->next_contact_until].name.data);
    g_string_append(text, ".\n");
}

static void
explain_pause(const lc_rule *rule, GString *text)
{
    if (!rule->has_pause)
        return;
    g_string_append(text, "  - sales may pause it, ");
    if (rule->pause_at_most == LC_NEVER)
        g_string_append(text, "for as long as it takes");
    else {
        g_string_append(text, "for ");
        lc_say_duration(text, rule->pause_at_most);
        g_string_append(text, " in all");
    }
    g_string_append_printf(text, "; meanwhile no time passes%s.\n",
                           rule->has_requested_time ? " but towards a time that the prospect asked for" : "");
}

/* 10.2 */
static void
explain_head_start(const lc_rule *rule, GString *text)
{
    if (rule->head_start == 0)
        return;
    g_string_append(text, "  - worked through as if handed off ");
    lc_say_duration(text, rule->head_start);
    g_string_append(text, " later than it was: the latest come first.\n");
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
    append_target(text, &rule->clawback);
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
    explain_head_start(rule, text);
    explain_first_contact(rule, text);
    explain_requested_time(rule, text);
    explain_milestones(policy, rule, text);
    explain_next_contact(policy, rule, text);
    explain_follow_up(rule, text);
    explain_pause(rule, text);
    explain_clawback(policy, rule, text);
}
