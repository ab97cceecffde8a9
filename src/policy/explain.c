#include "read.h"

/* ---- Words ---- */

/* "5 min", "2 min 30 s", "24 h", "30 days". */
static void
append_duration(GString *text, lc_duration duration)
{
    static const struct {
        lc_duration size;
        const char *name;
    } units[] = {{LC_DAY, "days"}, {LC_HOUR, "h"}, {LC_MINUTE, "min"}, {LC_SECOND, "s"}, {1, "ms"}};
    bool in_hours = duration < 2 * LC_DAY || duration % LC_DAY != 0;
    const char *separator = "";
    for (size_t i = in_hours && duration < 3 * LC_DAY ? 1 : 0; i < G_N_ELEMENTS(units); i++) {
        lc_duration count = duration / units[i].size;
        duration %= units[i].size;
        if (count == 0)
            continue;
        g_string_append_printf(text, "%s%" G_GINT64_FORMAT " %s", separator, count, units[i].name);
        separator = " ";
    }
    if (*separator == '\0')
        g_string_append(text, "0 s");
}

static void
append_text(GString *text, lc_text part)
{
    g_string_append_len(text, part.data, (gssize)part.size);
}

/* What stands between item `i` of `n` and the one before it: "a, b or c". */
static const char *
separator(unsigned i, unsigned n, const char *last)
{
    return i == 0 ? "" : i + 1 < n ? ", " : last;
}

static void
append_values(GString *text, const lc_text *values, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        g_string_append(text, separator(i, n, " or "));
        append_text(text, values[i]);
    }
}

static void
append_condition(GString *text, const lc_condition *condition)
{
    const char *and = "";
    if (condition->n_channels) {
        g_string_append(text, "from ");
        append_values(text, condition->channels, condition->n_channels);
        and = ", ";
    }
    for (unsigned i = 0; i < condition->n_attributes; i++, and = ", ") {
        g_string_append_printf(text, "%swith %s ", and, condition->attributes[i].key.data);
        append_values(text, condition->attributes[i].values, condition->attributes[i].n_values);
    }
    for (unsigned i = 0; i < condition->n_bounds; i++, and = ", ")
        g_string_append_printf(text, "%swith %s at least %s", and, condition->bounds[i].key.data,
                               condition->bounds[i].bound.data);
    if (condition->any)
        g_string_append(text, "of any kind");
}

/* "NURTURE, track early". */
static void
append_destination(GString *text, const lc_destination *destination)
{
    g_string_append(text, lc_route_name(destination->route));
    if (!lc_text_is_absent(destination->track))
        g_string_append_printf(text, ", track %s", destination->track.data);
}

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
        g_string_append_printf(text, "%s", i ? separator(i, clock->n_warnings, " and ") : "; warned at ");
        append_duration(text, clock->warnings[i].part);
    }
}

/* "5 min, day and night; warned at 2 min 30 s". */
static void
append_clock(GString *text, const lc_clock_rule *clock)
{
    append_duration(text, clock->target);
    append_calendar(text, clock);
    append_warnings(text, clock);
}

/* ---- Rules ---- */

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
        append_duration(text, rule->early);
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
    append_destination(text, &rule->follow_up_destination);
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
    append_duration(text, rule->clawback.target);
    append_calendar(text, &rule->clawback);
    g_string_append(text, ", after ");
    append_base(text, rule);
    if (rule->clawback_until >= 0)
        g_string_append_printf(text, ", unless %s is reached", policy->stages[rule->clawback_until].name.data);
    append_warnings(text, &rule->clawback);
    g_string_append(text, "; it goes to ");
    append_destination(text, &rule->clawback_destination);
    g_string_append(text, ".\n");
}

static void
explain_rule(const lc_policy *policy, unsigned index, GString *text)
{
    const lc_rule *rule = &policy->rules[index];
    g_string_append_printf(text, "\n%u. %s. ", index + 1, rule->name.data);
    if (rule->when->any)
        g_string_append(text, index == 0 ? "All leads" : "All other leads");
    else {
        g_string_append(text, "Leads ");
        append_condition(text, rule->when);
    }
    g_string_append(text, ":\n");
    explain_first_contact(rule, text);
    explain_requested_time(rule, text);
    explain_milestones(policy, rule, text);
    explain_follow_up(rule, text);
    explain_clawback(policy, rule, text);
}

/* ---- What holds for all rules ---- */

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
    append_duration(text, policy->clock_skew);
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
    append_duration(text, policy->retain);
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
        g_string_append_printf(text, "%s%s%s", separator(i, policy->n_stages, ", "), stage->name.data,
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
    append_duration(text, policy->open_dialogue_within);
    g_string_append(text, " before, after its last settlement, goes to ");
    append_destination(text, &policy->open_dialogue_destination);
    g_string_append(text, ", to the owner of the latest such contact.\n");
}

static void
explain_criteria(const lc_criterion *criteria, unsigned n, bool points, GString *text)
{
    for (unsigned i = 0; i < n; i++) {
        g_string_append(text, separator(i, n, " and "));
        if (points)
            g_string_append_printf(text, "%" G_GINT64_FORMAT " for ", criteria[i].points);
        g_string_append_printf(text, "%s (leads ", criteria[i].name.data);
        append_condition(text, criteria[i].when);
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
    append_destination(text, &policy->not_qualified_destination);
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
        append_destination(text, &reason->destination);
        if (reason->cooldown > 0) {
            g_string_append(text, "; not handed off again for ");
            append_duration(text, reason->cooldown);
        }
        g_string_append(text, ".\n");
    }
    if (may_be_reassigned(policy))
        g_string_append(
            text, "\nA lead that a rejection, a clawback or silence has sent to REASSIGN is handed off anew, past the "
                  "gates, when it is assigned.\n");
}

/* ---- Calendars ---- */

static bool
same_windows(const lc_day_windows *a, const lc_day_windows *b)
{
    return a->n_windows == b->n_windows &&
           (a->n_windows == 0 || memcmp(a->windows, b->windows, a->n_windows * sizeof *a->windows) == 0);
}

static void
append_windows(GString *text, const lc_day_windows *day)
{
    for (unsigned i = 0; i < day->n_windows; i++)
        g_string_append_printf(text, "%s%02d:%02d-%02d:%02d", i ? " and " : " ", day->windows[i].opens / 60,
                               day->windows[i].opens % 60, day->windows[i].closes / 60, day->windows[i].closes % 60);
}

/* Days with the same hours are told together: "Mon to Thu 08:00-12:00 and 13:00-17:00, Fri 08:00-16:00". */
static void
append_week(GString *text, const lc_day_windows *week)
{
    static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    const char *between = "";
    for (size_t first = 0, last; first < 7; first = last + 1) {
        last = first;
        while (last < 6 && same_windows(&week[first], &week[last + 1]))
            last++;
        if (week[first].n_windows == 0)
            continue;
        g_string_append_printf(text, "%s%s", between, days[first]);
        if (last > first)
            g_string_append_printf(text, "%s%s", last > first + 1 ? " to " : ", ", days[last]);
        append_windows(text, &week[first]);
        between = ", ";
    }
}

static void
explain_calendar(const lc_named_calendar *named, GString *text)
{
    unsigned closed = 0, special = 0;
    for (unsigned i = 0; i < named->spec.n_special_days; i++)
        if (named->spec.special_days[i].windows.n_windows == 0)
            closed++;
        else
            special++;
    g_string_append_printf(text, "  - %s: ", named->name);
    append_week(text, named->spec.week);
    g_string_append_printf(text, ", in %s", named->zone_name.data);
    if (closed)
        g_string_append_printf(text, "; closed on %u %s", closed, closed == 1 ? "date" : "dates");
    if (special)
        g_string_append_printf(text, "; other hours on %u %s", special, special == 1 ? "date" : "dates");
    g_string_append(text, ".\n");
}

static void
explain_calendars(const GArray *calendars, GString *text)
{
    if (calendars->len > 1)
        g_string_append(text, "\nOpen time:\n");
    /* The first is `always`. */
    for (guint i = 1; i < calendars->len; i++)
        explain_calendar(&g_array_index(calendars, lc_named_calendar, i), text);
}

void
lc_explain_document(const lc_document *document, const lc_policy *previous, const lc_policy *next, GString *text)
{
    const lc_policy *policy = &document->policy;
    if (text->len)
        g_string_append_c(text, '\n');
    explain_head(policy, previous, next, text);
    explain_stages(policy, text);
    explain_calendars(document->calendars, text);
    explain_gates(policy, text);
    for (unsigned i = 0; i < policy->n_rules; i++)
        explain_rule(policy, i, text);
    explain_reasons(policy, text);
}
