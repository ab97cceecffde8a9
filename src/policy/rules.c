#include "read.h"

#define MOST_ATTEMPTS 1000000
#define LONGEST_CLAWBACK (30 * LC_DAY)
#define LONG_FIRST_CONTACT (24 * LC_HOUR)

/* ---- Clocks ---- */

/* On an office calendar "1d" could mean a day's open hours or 24 of them, so neither is taken (2.5). */
static void
check_unit(lc_reader *reader, const lc_yaml *node, bool has_days, const lc_clock_rule *clock)
{
    if (has_days && !lc_text_equal(clock->calendar_name, LC_TEXT("always")))
        lc_refuse(reader, node,
                  "\"%s\": d and w are not clear on the calendar \"%s\"; say hours of open time, for example 16h",
                  node->text.data, clock->calendar_name.data);
}

static void
read_target(lc_reader *reader, const char *what, const lc_field *field, lc_clock_rule *clock)
{
    bool has_days;
    g_autofree char *name = g_strdup_printf("%s.%s", what, field->name);
    if (!lc_read_duration(reader, field->value, name, &clock->target, &has_days))
        return;
    check_unit(reader, field->value, has_days, clock);
    if (clock->target == 0)
        lc_refuse(reader, field->value, "%s is zero; give the clock a length, for example 5m", name);
}

static bool
read_percentage(lc_reader *reader, const lc_yaml *node, const lc_clock_rule *clock, lc_duration *part)
{
    g_autofree char *digits = g_strndup(node->text.data, node->text.size - 1);
    guint64 percent;
    if (!g_ascii_string_to_unsigned(digits, 10, 0, G_MAXUINT64, &percent, NULL)) {
        lc_refuse(reader, node, "a percentage must be a whole number, for example \"50%%\"");
        return false;
    }
    if (percent < 1 || percent > 99) {
        lc_refuse(reader, node, "a warning at %s of the time lies outside its clock; take 1%% to 99%%",
                  node->text.data);
        return false;
    }
    *part = clock->target * (lc_duration)percent / 100;
    return true;
}

static bool
read_time_before(lc_reader *reader, const lc_yaml *node, const lc_clock_rule *clock, lc_duration *part)
{
    lc_duration before;
    bool has_days;
    char target[LC_DURATION_TEXT_BYTES];
    if (!lc_read_duration(reader, node, "a warning", &before, &has_days))
        return false;
    check_unit(reader, node, has_days, clock);
    *part = clock->target - before;
    if (clock->target == 0 || (before > 0 && *part > 0))
        return true;
    lc_refuse(reader, node, "a warning %s before the due time lies outside its clock of %s; take less than that%s",
              node->text.data, lc_duration_format(clock->target, target), before ? "" : ", but more than zero");
    return false;
}

static bool
read_warning(lc_reader *reader, const lc_yaml *node, const lc_clock_rule *clock, lc_warning *warning)
{
    if (node->kind == LC_YAML_NOTHING)
        lc_refuse(reader, node, "a warning is missing; write \"50%%\" of the time, or 1h before it is due");
    if (!lc_read_name(reader, node, "a warning", &warning->label))
        return false;
    return g_str_has_suffix(warning->label.data, "%") ? read_percentage(reader, node, clock, &warning->part)
                                                      : read_time_before(reader, node, clock, &warning->part);
}

static void
remark_same_moment(lc_reader *reader, const lc_yaml *node, const lc_warning *warnings, unsigned n)
{
    for (unsigned i = 0; i < n && i < 100; i++)
        if (warnings[i].part == warnings[n].part)
            lc_remark(reader, node, "the warnings %s and %s come at the same moment", warnings[i].label.data,
                      warnings[n].label.data);
}

static void
read_warnings(lc_reader *reader, const lc_yaml *node, lc_clock_rule *clock)
{
    if (!lc_read_list(reader, node, "warn", "[\"50%\", 1m]"))
        return;
    g_autoptr(GHashTable) seen = lc_names_new();
    lc_warning *warnings = lc_arena_new(reader->arena, lc_warning, node->n);
    for (size_t i = 0; i < node->n; i++) {
        if (!read_warning(reader, node->items[i], clock, &warnings[clock->n_warnings]) ||
            !lc_take_name(reader, seen, node->items[i], "warning"))
            continue;
        remark_same_moment(reader, node->items[i], warnings, clock->n_warnings);
        clock->n_warnings++;
    }
    clock->warnings = warnings;
}

void
lc_read_clock(lc_reader *reader, const char *what, const lc_field *target, const lc_yaml *warn, const lc_yaml *calendar,
              lc_clock_rule *clock)
{
    guint index = (guint)lc_find_calendar(reader, calendar);
    const lc_named_calendar *named = &g_array_index(reader->document->calendars, lc_named_calendar, index);
    *clock = (lc_clock_rule){.working_days = -1,
                             .cutoff = LC_NO_CUTOFF,
                             .calendar = named->calendar,
                             .calendar_name = lc_text_of(named->name)};
    read_target(reader, what, target, clock);
    read_warnings(reader, warn, clock);
}

/* ---- The clocks of a rule ---- */

static void
read_first_contact(lc_reader *reader, const lc_yaml *node, lc_rule *rule)
{
    enum { WITHIN, WARN, CALENDAR, REASSIGN };
    lc_field fields[] = {
        [WITHIN] = {"within", "within: 5m"}, [WARN] = {"warn"}, [CALENDAR] = {"calendar"}, [REASSIGN] = {"reassign"}};
    if (!lc_read_fields(reader, node, "first_contact", fields, G_N_ELEMENTS(fields)))
        return;
    rule->has_first_contact = true;
    lc_read_clock(reader, "first_contact", &fields[WITHIN], fields[WARN].value, fields[CALENDAR].value,
                  &rule->first_contact);
    lc_read_boolean(reader, fields[REASSIGN].value, "reassign", &rule->reassign);
    if (rule->first_contact.target > LONG_FIRST_CONTACT)
        lc_remark(reader, fields[WITHIN].value, "first_contact within more than 24 h; leads cool off within minutes");
}

static void
read_requested_time(lc_reader *reader, const lc_yaml *node, lc_rule *rule)
{
    enum { LATE, EARLY, WARN, CALENDAR };
    lc_field fields[] = {
        [LATE] = {"late", "late: 4h"}, [EARLY] = {"early"}, [WARN] = {"warn"}, [CALENDAR] = {"calendar"}};
    if (!lc_read_fields(reader, node, "requested_time", fields, G_N_ELEMENTS(fields)))
        return;
    rule->has_requested_time = true;
    lc_read_clock(reader, "requested_time", &fields[LATE], fields[WARN].value, fields[CALENDAR].value,
                  &rule->requested_time);
    lc_read_duration(reader, fields[EARLY].value, "requested_time.early", &rule->early, NULL);
}

static bool
read_milestone(lc_reader *reader, const lc_yaml *node, GHashTable *seen, lc_milestone_rule *milestone)
{
    enum { STAGE, WITHIN, WARN, CALENDAR };
    lc_field fields[] = {[STAGE] = {"stage", "stage: SAL"},
                         [WITHIN] = {"within", "within: 48h"},
                         [WARN] = {"warn"},
                         [CALENDAR] = {"calendar"}};
    int stage;
    if (!lc_read_fields(reader, node, "a milestone", fields, G_N_ELEMENTS(fields)))
        return false;
    lc_read_clock(reader, "milestone", &fields[WITHIN], fields[WARN].value, fields[CALENDAR].value, &milestone->clock);
    if (!lc_read_stage_name(reader, fields[STAGE].value, &stage) ||
        !lc_take_name(reader, seen, fields[STAGE].value, "the milestone of stage"))
        return false;
    g_autofree char *name = g_strconcat("milestone:", reader->policy->stages[stage].name.data, NULL);
    milestone->stage = (unsigned)stage;
    milestone->name = lc_arena_text(reader->arena, lc_text_of(name));
    if (reader->policy->stages[stage].closes == LC_STAGE_LOST)
        lc_remark(reader, fields[STAGE].value, "a milestone that is met when the lead is lost");
    return true;
}

static void
read_milestones(lc_reader *reader, const lc_yaml *node, lc_rule *rule)
{
    if (!lc_read_list(reader, node, "milestones", "[{stage: SAL, within: 48h}]"))
        return;
    g_autoptr(GHashTable) seen = lc_names_new();
    lc_milestone_rule *milestones = lc_arena_new(reader->arena, lc_milestone_rule, node->n);
    for (size_t i = 0; i < node->n; i++)
        if (node->items[i]->kind == LC_YAML_NOTHING)
            lc_refuse(reader, node->items[i], "a milestone is missing; write {stage: SAL, within: 48h}");
        else if (read_milestone(reader, node->items[i], seen, &milestones[rule->n_milestones]))
            rule->n_milestones++;
    rule->milestones = milestones;
}

static void
read_follow_up(lc_reader *reader, const lc_yaml *node, lc_rule *rule)
{
    enum { ATTEMPTS, WITHIN, WARN, CALENDAR, ROUTE, TRACK };
    lc_field fields[] = {[ATTEMPTS] = {"attempts", "attempts: 2"},
                         [WITHIN] = {"within", "within: 7d"},
                         [WARN] = {"warn"},
                         [CALENDAR] = {"calendar"},
                         [ROUTE] = {"route"},
                         [TRACK] = {"track"}};
    int64_t attempts = 0;
    if (!lc_read_fields(reader, node, "follow_up", fields, G_N_ELEMENTS(fields)))
        return;
    rule->has_follow_up = true;
    lc_read_clock(reader, "follow_up", &fields[WITHIN], fields[WARN].value, fields[CALENDAR].value, &rule->follow_up);
    if (lc_read_integer(reader, fields[ATTEMPTS].value, "attempts", 0, MOST_ATTEMPTS, &attempts) && attempts == 0)
        lc_remark(reader, fields[ATTEMPTS].value, "no further attempt: a lead is unresponsive after a single one");
    rule->attempts = (unsigned)attempts;
    lc_read_destination(reader, fields[ROUTE].value, fields[TRACK].value, &rule->follow_up_destination);
}

static void
check_clawback_length(lc_reader *reader, const lc_field *after, const lc_field *beyond, const lc_rule *rule)
{
    bool allowed = false;
    lc_read_boolean(reader, beyond->value, "beyond_30_days", &allowed);
    if (rule->clawback.target > LONGEST_CLAWBACK && !allowed)
        lc_refuse(reader, after->value,
                  "clawback.after is over 30 days, and the odds of converting a lead after 30 days are extremely low; "
                  "take at most 30d, or add `beyond_30_days: true`");
    if (rule->clawback.target <= LONGEST_CLAWBACK && rule->clawback.target > 0 && allowed)
        lc_remark(reader, beyond->key, "beyond_30_days, but clawback.after is not");
}

static void
read_clawback(lc_reader *reader, const lc_yaml *node, lc_rule *rule)
{
    enum { AFTER, FROM, WARN, CALENDAR, UNTIL, ROUTE, TRACK, BEYOND_30_DAYS };
    static const char *const bases[] = {"handoff", "last_activity"};
    lc_field fields[] = {[AFTER] = {"after", "after: 30d"},
                         [FROM] = {"from"},
                         [WARN] = {"warn"},
                         [CALENDAR] = {"calendar"},
                         [UNTIL] = {"until"},
                         [ROUTE] = {"route"},
                         [TRACK] = {"track"},
                         [BEYOND_30_DAYS] = {"beyond_30_days"}};
    int base = 0;
    rule->clawback_until = -1;
    if (!lc_read_fields(reader, node, "clawback", fields, G_N_ELEMENTS(fields)))
        return;
    lc_read_clock(reader, "clawback", &fields[AFTER], fields[WARN].value, fields[CALENDAR].value, &rule->clawback);
    check_clawback_length(reader, &fields[AFTER], &fields[BEYOND_30_DAYS], rule);
    lc_read_choice(reader, fields[FROM].value, "base", "clawback runs from", bases, G_N_ELEMENTS(bases), &base);
    rule->clawback_from_last_activity = base == 1;
    if (lc_read_stage_name(reader, fields[UNTIL].value, &rule->clawback_until) &&
        reader->policy->stages[rule->clawback_until].closes != LC_STAGE_OPEN)
        lc_remark(reader, fields[UNTIL].value, "stage \"%s\" closes the lead anyway; `until` adds nothing",
                  fields[UNTIL].value->text.data);
    lc_read_destination(reader, fields[ROUTE].value, fields[TRACK].value, &rule->clawback_destination);
}

/* ---- Rules ---- */

/* Whether what is first contacted in time at the last moment may be taken back before. */
static void
remark_order(lc_reader *reader, const lc_yaml *node, const lc_rule *rule)
{
    if (rule->has_first_contact && rule->first_contact.calendar == rule->clawback.calendar &&
        rule->clawback.target <= rule->first_contact.target)
        lc_remark(reader, node, "clawback comes before first_contact is due");
}

static bool
read_rule(lc_reader *reader, const lc_yaml *node, GHashTable *seen, lc_rule *rule, const lc_yaml **when)
{
    enum { NAME, WHEN, FIRST_CONTACT, REQUESTED_TIME, MILESTONES, FOLLOW_UP, CLAWBACK };
    lc_field fields[] = {[NAME] = {"name", "name: standard"},
                         [WHEN] = {"when", "when: any"},
                         [FIRST_CONTACT] = {"first_contact"},
                         [REQUESTED_TIME] = {"requested_time"},
                         [MILESTONES] = {"milestones"},
                         [FOLLOW_UP] = {"follow_up"},
                         [CLAWBACK] = {"clawback", "clawback: {after: 30d}"}};
    *rule = (lc_rule){.next_contact_until = -1, .pause_at_most = LC_NEVER, .clawback_until = -1};
    if (!lc_read_fields(reader, node, "a rule", fields, G_N_ELEMENTS(fields)))
        return false;
    if (lc_read_name(reader, fields[NAME].value, "a rule's name", &rule->name))
        lc_take_name(reader, seen, fields[NAME].value, "rule");
    *when = fields[WHEN].value ? fields[WHEN].value : node;
    rule->when = lc_read_condition(reader, fields[WHEN].value);
    read_first_contact(reader, fields[FIRST_CONTACT].value, rule);
    read_requested_time(reader, fields[REQUESTED_TIME].value, rule);
    read_milestones(reader, fields[MILESTONES].value, rule);
    read_follow_up(reader, fields[FOLLOW_UP].value, rule);
    read_clawback(reader, fields[CLAWBACK].value, rule);
    remark_order(reader, fields[CLAWBACK].value, rule);
    return true;
}

static void
remark_unreachable(lc_reader *reader, const lc_yaml *node, const lc_rule *rules, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (lc_condition_covers(rules[i].when, rules[n].when)) {
            lc_remark(reader, node, "rule \"%s\" can never be reached: rule \"%s\" before it takes all of its leads",
                      rules[n].name.data, rules[i].name.data);
            return;
        }
    switch (lc_condition_reach(rules[n].when, rules, n)) {
    case LC_REACHED:
        break;
    case LC_SHADOWED:
        lc_remark(reader, node, "rule \"%s\" can never be reached: the rules before it together take all of its leads",
                  rules[n].name.data);
        break;
    case LC_IMPOSSIBLE:
        lc_remark(reader, node, "rule \"%s\" can never be reached: what its `when` asks for contradicts itself",
                  rules[n].name.data);
    }
}

void
lc_read_rules(lc_reader *reader, const lc_yaml *node)
{
    lc_policy *policy = reader->policy;
    if (!lc_read_list(reader, node, "rules", "[{name: standard, when: any, clawback: {after: 30d}}]"))
        return;
    g_autoptr(GHashTable) seen = lc_names_new();
    lc_rule *rules = lc_arena_new(reader->arena, lc_rule, node->n);
    const lc_yaml *when = node;
    for (size_t i = 0; i < node->n; i++) {
        if (node->items[i]->kind == LC_YAML_NOTHING)
            lc_refuse(reader, node->items[i], "a rule is missing; write {name: standard, when: any, ...}");
        if (!read_rule(reader, node->items[i], seen, &rules[policy->n_rules], &when))
            continue;
        if (lc_problems_is_empty(reader->document->problems))
            remark_unreachable(reader, node->items[i], rules, policy->n_rules);
        policy->n_rules++;
    }
    policy->rules = rules;
    if (policy->n_rules == 0 || !rules[policy->n_rules - 1].when->any)
        lc_refuse(reader, when, "the last rule must say `when: any`, so that every lead has one; add such a rule");
}
