/* rules.c - the rules of a document, clock by clock, and what is odd in them together. */
#include "read.h"

#define MOST_ATTEMPTS 1000000
#define MOST_NEXT_OWNERS 9
/* At the least 30 days. */
#define MOST_CLAWBACK_WORKING_DAYS 30
#define LONGEST_CLAWBACK (30 * LC_DAY)
#define LONG_FIRST_CONTACT (24 * LC_HOUR)
/* Those on which clocks are looked at: all of a week, and of the holidays of a year. */
#define LOOKED_AT_DAYS 366
#define LAST_LOOKED_AT (120 * 365 * LC_DAY)

/* ---- The clocks of a rule ---- */

static void
read_reassign_word(lc_document_reader *reader, const lc_yaml *node, lc_rule *rule)
{
    bool is_word = node->kind == LC_YAML_SCALAR;
    rule->reassign = is_word && lc_text_equal(node->text, LC_TEXT("true"));
    bool is_known = rule->reassign || (is_word && lc_text_equal(node->text, LC_TEXT("false")));
    if (!is_known && node->kind != LC_YAML_NOTHING)
        lc_refuse(reader, node, "reassign must be true, false or a map of keys, for example {within: 10m, times: 2}");
}

/* 5.9: `true` is {}. */
static void
read_reassign(lc_document_reader *reader, const lc_yaml *node, lc_rule *rule)
{
    enum { WITHIN, TIMES };
    lc_map_key fields[] = {[WITHIN] = {"within"}, [TIMES] = {"times"}};
    int64_t times = 1;
    if (node && node->kind != LC_YAML_MAP)
        read_reassign_word(reader, node, rule);
    else if (lc_read_fields(reader, node, "reassign", fields, G_N_ELEMENTS(fields))) {
        rule->reassign = true;
        lc_read_integer(reader, fields[TIMES].value, "times", 1, MOST_NEXT_OWNERS, &times);
    }
    if (!rule->reassign)
        return;
    rule->again_times = (unsigned)times;
    lc_read_again_clock(reader, &fields[WITHIN], &rule->first_contact, &rule->again_contact);
}

static void
read_first_contact(lc_document_reader *reader, const lc_yaml *node, lc_rule *rule)
{
    enum { WITHIN, WARN, ESCALATE, CALENDAR, RENEW, REASSIGN };
    lc_map_key fields[] = {[WITHIN] = {"within", "within: 5m"}, [WARN] = {"warn"},   [ESCALATE] = {"escalate"},
                           [CALENDAR] = {"calendar"},           [RENEW] = {"renew"}, [REASSIGN] = {"reassign"}};
    if (!lc_read_fields(reader, node, "first_contact", fields, G_N_ELEMENTS(fields)))
        return;
    rule->has_first_contact = true;
    lc_read_clock(reader,
                  &(lc_clock_fields){"first_contact", &fields[WITHIN], fields[WARN].value, fields[ESCALATE].value,
                                     fields[CALENDAR].value},
                  &rule->first_contact);
    lc_read_boolean(reader, fields[RENEW].value, "renew", &rule->renew);
    read_reassign(reader, fields[REASSIGN].value, rule);
    if (rule->first_contact.target > LONG_FIRST_CONTACT)
        lc_remark(reader, fields[WITHIN].value, "first_contact within more than 24 h; leads cool off within minutes");
}

static void
read_requested_time(lc_document_reader *reader, const lc_yaml *node, lc_rule *rule)
{
    enum { LATE, EARLY, WARN, ESCALATE, CALENDAR };
    lc_map_key fields[] = {[LATE] = {"late", "late: 4h"},
                           [EARLY] = {"early"},
                           [WARN] = {"warn"},
                           [ESCALATE] = {"escalate"},
                           [CALENDAR] = {"calendar"}};
    if (!lc_read_fields(reader, node, "requested_time", fields, G_N_ELEMENTS(fields)))
        return;
    rule->has_requested_time = true;
    lc_read_clock(reader,
                  &(lc_clock_fields){"requested_time", &fields[LATE], fields[WARN].value, fields[ESCALATE].value,
                                     fields[CALENDAR].value},
                  &rule->requested_time);
    lc_read_duration(reader, fields[EARLY].value, "requested_time.early", &rule->early, NULL);
}

static void
remark_lost(lc_document_reader *reader, const lc_map_key *stage, const lc_map_key *escalate)
{
    lc_remark(reader, stage->value, "a milestone that is met when the lead is lost");
    if (escalate->value)
        lc_remark(reader, escalate->key,
                  "escalations of a clock that nobody can end but by losing the lead; leave them out");
}

static bool
read_milestone(lc_document_reader *reader, const lc_yaml *node, GHashTable *seen, lc_milestone_rule *milestone)
{
    enum { STAGE, WITHIN, WARN, ESCALATE, CALENDAR };
    lc_map_key fields[] = {[STAGE] = {"stage", "stage: SAL"},
                           [WITHIN] = {"within", "within: 48h"},
                           [WARN] = {"warn"},
                           [ESCALATE] = {"escalate"},
                           [CALENDAR] = {"calendar"}};
    int stage;
    if (!lc_read_fields(reader, node, "a milestone", fields, G_N_ELEMENTS(fields)))
        return false;
    lc_read_clock(reader,
                  &(lc_clock_fields){"milestone", &fields[WITHIN], fields[WARN].value, fields[ESCALATE].value,
                                     fields[CALENDAR].value},
                  &milestone->clock);
    if (!lc_read_stage_name(reader, fields[STAGE].value, &stage) ||
        !lc_take_name(reader, seen, fields[STAGE].value, "the milestone of stage"))
        return false;
    g_autofree char *name = g_strconcat("milestone:", reader->policy->stages[stage].name.data, NULL);
    milestone->stage = (unsigned)stage;
    milestone->name = lc_arena_text(reader->arena, lc_text_of(name));
    if (reader->policy->stages[stage].closes == LC_STAGE_LOST)
        remark_lost(reader, &fields[STAGE], &fields[ESCALATE]);
    return true;
}

static void
read_milestones(lc_document_reader *reader, const lc_yaml *node, lc_rule *rule)
{
    if (!lc_read_list(reader, node, "milestones", "[{stage: SAL, within: 48h}]"))
        return;
    g_autoptr(GHashTable) seen = lc_names_new();
    lc_milestone_rule *milestones = lc_arena_new(reader->arena, lc_milestone_rule, node->n);
    for (size_t i = 0; i < node->n; i++)
        if (node->items[i]->kind == LC_YAML_NOTHING)
            lc_refuse(reader, node->items[i], "a milestone is missing; write for example {stage: SAL, within: 48h}");
        else if (read_milestone(reader, node->items[i], seen, &milestones[rule->n_milestones]))
            rule->n_milestones++;
    rule->milestones = milestones;
}

static void
read_follow_up(lc_document_reader *reader, const lc_yaml *node, lc_rule *rule)
{
    enum { ATTEMPTS, WITHIN, WARN, ESCALATE, CALENDAR, ROUTE, TRACK };
    lc_map_key fields[] = {[ATTEMPTS] = {"attempts", "attempts: 2"},
                           [WITHIN] = {"within", "within: 7d"},
                           [WARN] = {"warn"},
                           [ESCALATE] = {"escalate"},
                           [CALENDAR] = {"calendar"},
                           [ROUTE] = {"route"},
                           [TRACK] = {"track"}};
    int64_t attempts = 0;
    if (!lc_read_fields(reader, node, "follow_up", fields, G_N_ELEMENTS(fields)))
        return;
    rule->has_follow_up = true;
    lc_read_clock(reader,
                  &(lc_clock_fields){"follow_up", &fields[WITHIN], fields[WARN].value, fields[ESCALATE].value,
                                     fields[CALENDAR].value},
                  &rule->follow_up);
    if (lc_read_integer(reader, fields[ATTEMPTS].value, "attempts", 0, MOST_ATTEMPTS, &attempts) && attempts == 0)
        lc_remark(reader, fields[ATTEMPTS].value, "no further attempt: a lead is unresponsive after a single one");
    if (attempts == 0 && fields[ATTEMPTS].value && fields[ESCALATE].value)
        lc_remark(reader, fields[ESCALATE].key,
                  "escalations of a follow_up that is never broken: without further attempts the lead is unresponsive");
    rule->attempts = (unsigned)attempts;
    lc_read_destination(reader, fields[ROUTE].value, fields[TRACK].value, &rule->follow_up_destination);
}

/* Of a clock that runs again and again, or to the end: the stage from which on it doesn't. */
static void
read_until(lc_document_reader *reader, const lc_yaml *node, int *stage)
{
    if (lc_read_stage_name(reader, node, stage) && reader->policy->stages[*stage].closes != LC_STAGE_OPEN)
        lc_remark(reader, node, "stage \"%s\" closes the lead anyway; `until` adds nothing", node->text.data);
}

static void
read_next_contact(lc_document_reader *reader, const lc_yaml *node, lc_rule *rule)
{
    enum { WITHIN, UNTIL, WARN, ESCALATE, CALENDAR };
    lc_map_key fields[] = {[WITHIN] = {"within", "within: 5d"},
                           [UNTIL] = {"until"},
                           [WARN] = {"warn"},
                           [ESCALATE] = {"escalate"},
                           [CALENDAR] = {"calendar"}};
    if (!lc_read_fields(reader, node, "next_contact", fields, G_N_ELEMENTS(fields)))
        return;
    rule->has_next_contact = true;
    lc_read_clock(reader,
                  &(lc_clock_fields){"next_contact", &fields[WITHIN], fields[WARN].value, fields[ESCALATE].value,
                                     fields[CALENDAR].value},
                  &rule->next_contact);
    read_until(reader, fields[UNTIL].value, &rule->next_contact_until);
}

/* 4.12 */
static void
read_pause(lc_document_reader *reader, const lc_yaml *node, lc_rule *rule)
{
    enum { AT_MOST };
    lc_map_key fields[] = {[AT_MOST] = {"at_most", NULL, "at_most: 14d"}};
    if (!lc_read_fields(reader, node, "pause", fields, G_N_ELEMENTS(fields)))
        return;
    rule->has_pause = true;
    if (lc_read_duration(reader, fields[AT_MOST].value, "pause.at_most", &rule->pause_at_most, NULL) &&
        rule->pause_at_most == 0)
        lc_remark(reader, fields[AT_MOST].value, "a pause of no length never begins; leave `pause` out");
}

/* From where a clock that is started on a day, or a little later, takes least. */
static lc_instant
best_start(const lc_clock_rule *clock, lc_instant day)
{
    if (clock->working_days < 0)
        return lc_calendar_last(clock->calendar, day, 0);
    return clock->cutoff == LC_NO_CUTOFF ? lc_calendar_working_days(clock->calendar, day, 0, LC_NO_CUTOFF) - 1 : day;
}

/* LC_NEVER: it is not due. */
static lc_duration
elapsed_from(const lc_clock_rule *clock, lc_instant start)
{
    lc_instant due = clock->working_days < 0 ? lc_calendar_add(clock->calendar, start, clock->target)
                                             : lc_calendar_working_days(clock->calendar, start,
                                                                        (unsigned)clock->working_days, clock->cutoff);
    return due == LC_NEVER ? LC_NEVER : due - start;
}

/* Elapsed time from the starts that are looked at. A clock that is started between them may take a day less than the
 * shortest, and more than the longest. */
typedef struct {
    lc_duration shortest, longest;
} span;

static span
look_at(const lc_document_reader *reader, const lc_clock_rule *clock)
{
    lc_instant day = CLAMP(reader->policy->effective_from, 0, LAST_LOOKED_AT);
    span found = {LC_NEVER, 0};
    for (int i = 0; i < LOOKED_AT_DAYS; i++, day += LC_DAY) {
        found.shortest = MIN(found.shortest, elapsed_from(clock, best_start(clock, day)));
        found.longest = MAX(found.longest, elapsed_from(clock, day));
    }
    return found;
}

#define EXTREMELY_LOW "and the odds of converting a lead after 30 days are extremely low"

static void
check_clawback_length(lc_document_reader *reader, const lc_map_key *after, const lc_map_key *beyond,
                      const lc_clock_rule *clawback)
{
    bool allowed = false;
    bool is_long = clawback->target > LONGEST_CLAWBACK || clawback->working_days > MOST_CLAWBACK_WORKING_DAYS;
    lc_read_boolean(reader, beyond->value, "beyond_30_days", &allowed);
    if (is_long && !allowed)
        lc_refuse(reader, after->value,
                  "clawback.after is over 30 days, " EXTREMELY_LOW "; take %s, or add `beyond_30_days: true`",
                  clawback->working_days >= 0                                 ? "fewer working days"
                  : lc_text_equal(clawback->calendar_name, LC_TEXT("always")) ? "at most 30d"
                                                                              : "fewer hours of open time");
    if (is_long || !lc_problems_is_empty(reader->document->problems) ||
        (clawback->target == 0 && clawback->working_days < 0))
        return;
    const span takes = look_at(reader, clawback);
    if (!allowed && takes.shortest > LONGEST_CLAWBACK + LC_DAY && !lc_calendar_is_always(clawback->calendar))
        lc_remark(reader, after->value,
                  "clawback.after is over 30 days of elapsed time on calendar \"%s\", " EXTREMELY_LOW
                  "; take less, or add `beyond_30_days: true`",
                  clawback->calendar_name.data);
    if (allowed && takes.longest <= LONGEST_CLAWBACK)
        lc_remark(reader, beyond->key, "beyond_30_days, but clawback.after is not");
}

static void
read_clawback(lc_document_reader *reader, const lc_yaml *node, lc_rule *rule)
{
    enum { AFTER, FROM, WARN, CALENDAR, UNTIL, ROUTE, TRACK, BEYOND_30_DAYS };
    static const char *const bases[] = {"handoff", "last_activity"};
    lc_map_key fields[] = {[AFTER] = {"after", "after: 30d"},
                           [FROM] = {"from"},
                           [WARN] = {"warn"},
                           [CALENDAR] = {"calendar"},
                           [UNTIL] = {"until"},
                           [ROUTE] = {"route"},
                           [TRACK] = {"track"},
                           [BEYOND_30_DAYS] = {"beyond_30_days"}};
    int base = 0;
    if (!lc_read_fields(reader, node, "clawback", fields, G_N_ELEMENTS(fields)))
        return;
    lc_read_clock(reader,
                  &(lc_clock_fields){"clawback", &fields[AFTER], fields[WARN].value, NULL, fields[CALENDAR].value},
                  &rule->clawback);
    check_clawback_length(reader, &fields[AFTER], &fields[BEYOND_30_DAYS], &rule->clawback);
    lc_read_choice(reader, fields[FROM].value, "base", "clawback runs from", bases, G_N_ELEMENTS(bases), &base);
    rule->clawback_from_last_activity = base == 1;
    read_until(reader, fields[UNTIL].value, &rule->clawback_until);
    lc_read_destination(reader, fields[ROUTE].value, fields[TRACK].value, &rule->clawback_destination);
}

/* ---- Rules ---- */

enum {
    NAME,
    WHEN,
    HEAD_START,
    FIRST_CONTACT,
    REQUESTED_TIME,
    MILESTONES,
    NEXT_CONTACT,
    PAUSE,
    FOLLOW_UP,
    CLAWBACK,
    N_RULE_FIELDS
};

/* Whether the target of one clock has surely passed where `time` of the other has, both from one start; false where
 * that is not known. Open time takes no less than elapsed time. */
static bool
is_within(const lc_clock_rule *clock, const lc_clock_rule *other, lc_duration time)
{
    bool is_known = clock->calendar == other->calendar || lc_calendar_is_always(clock->calendar);
    return is_known && clock->working_days < 0 && other->working_days < 0 && clock->target <= time;
}

/* Whether what is first contacted in time at the last moment may be taken back before. */
static void
remark_order(lc_document_reader *reader, const lc_yaml *node, const lc_rule *rule)
{
    if (rule->has_first_contact && is_within(&rule->clawback, &rule->first_contact, rule->first_contact.target))
        lc_remark(reader, node, "clawback comes before first_contact is due");
}

/* A lead in a pause is not taken back, so one that lasts is a lead that is lost to marketing. */
static void
remark_pause(lc_document_reader *reader, const lc_map_key *pause, const lc_rule *rule)
{
    if (!rule->has_pause)
        return;
    if (rule->pause_at_most == LC_NEVER)
        lc_remark(reader, pause->key,
                  "a pause without at_most may last for ever, and keeps the lead from being taken back; add at_most, "
                  "less than clawback.after");
    else if (look_at(reader, &rule->clawback).shortest <= rule->pause_at_most)
        lc_remark(reader, pause->key, "pause.at_most is not below clawback.after%s; take less",
                  lc_calendar_is_always(rule->clawback.calendar) ? "" : ", which may be over sooner");
}

/* Of a clock that starts no earlier than clawback does. On another calendar than `always` an escalation at closing time
 * comes before what expires then. */
static void
remark_escalations(lc_document_reader *reader, const lc_yaml *node, const char *name, const lc_clock_rule *clock,
                   const lc_rule *rule)
{
    lc_duration earlier = lc_calendar_is_always(rule->clawback.calendar) ? 0 : 1;
    for (unsigned i = 0; i < clock->n_escalations; i++)
        if (is_within(&rule->clawback, clock, clock->target + clock->escalations[i].after - earlier))
            lc_remark(reader, node, "escalation %s of %s comes when the lead is taken back already",
                      clock->escalations[i].label.data, name);
}

/* Whether reaching `until`, which stops clawback, shows `stage`, too (4.10): what waits for the one waits for the other
 * no longer. */
static bool
until_shows(const lc_document_reader *reader, const lc_rule *rule, int stage)
{
    int until = rule->clawback_until;
    return until < 0 || until == stage ||
           (stage >= 0 && stage < until && reader->policy->stages[stage].closes == LC_STAGE_OPEN);
}

/* A breach that is escalated once the lead was taken back for certain is one that nobody can end any more. So only
 * what moves or stops clawback by a fact that ends the breach, too, is looked at; a time that was asked for may have
 * moved it before, and even further than the time that counts now. */
static void
remark_late_escalations(lc_document_reader *reader, const lc_map_key *fields, const lc_rule *rule)
{
    bool from_handoff = !rule->clawback_from_last_activity;
    /* `renewed` may run in a cycle of another rule (5.10). */
    if (rule->has_first_contact && !rule->renew)
        remark_escalations(reader, fields[FIRST_CONTACT].value, "first_contact", &rule->first_contact, rule);
    if (rule->has_requested_time)
        return;
    for (unsigned i = 0; i < rule->n_milestones && from_handoff; i++)
        if (until_shows(reader, rule, (int)rule->milestones[i].stage))
            remark_escalations(reader, fields[MILESTONES].value, rule->milestones[i].name.data,
                               &rule->milestones[i].clock, rule);
    /* Further attempts are activity, and end nothing. */
    if (rule->has_follow_up && from_handoff)
        remark_escalations(reader, fields[FOLLOW_UP].value, "follow_up", &rule->follow_up, rule);
    if (rule->has_next_contact && until_shows(reader, rule, rule->next_contact_until))
        remark_escalations(reader, fields[NEXT_CONTACT].value, "next_contact", &rule->next_contact, rule);
}

/* What is legal in each of its parts, and odd together. */
static void
remark_rule(lc_document_reader *reader, const lc_map_key *fields, const lc_rule *rule)
{
    remark_order(reader, fields[CLAWBACK].value, rule);
    remark_pause(reader, &fields[PAUSE], rule);
    remark_late_escalations(reader, fields, rule);
}

static bool
read_rule(lc_document_reader *reader, const lc_yaml *node, GHashTable *seen, lc_rule *rule, const lc_yaml **when)
{
    lc_map_key fields[] = {[NAME] = {"name", "name: standard"},   [WHEN] = {"when", "when: any"},
                           [HEAD_START] = {"head_start"},         [FIRST_CONTACT] = {"first_contact"},
                           [REQUESTED_TIME] = {"requested_time"}, [MILESTONES] = {"milestones"},
                           [NEXT_CONTACT] = {"next_contact"},     [PAUSE] = {"pause"},
                           [FOLLOW_UP] = {"follow_up"},           [CLAWBACK] = {"clawback", "clawback: {after: 30d}"}};
    *rule = (lc_rule){.next_contact_until = -1, .pause_at_most = LC_NEVER, .clawback_until = -1};
    if (!lc_read_fields(reader, node, "a rule", fields, N_RULE_FIELDS))
        return false;
    if (lc_read_name(reader, fields[NAME].value, "a rule's name", &rule->name))
        lc_take_name(reader, seen, fields[NAME].value, "rule");
    *when = fields[WHEN].value ? fields[WHEN].value : node;
    rule->when = lc_read_condition(reader, fields[WHEN].value);
    lc_read_duration(reader, fields[HEAD_START].value, "head_start", &rule->head_start, NULL);
    read_first_contact(reader, fields[FIRST_CONTACT].value, rule);
    read_requested_time(reader, fields[REQUESTED_TIME].value, rule);
    read_milestones(reader, fields[MILESTONES].value, rule);
    read_next_contact(reader, fields[NEXT_CONTACT].value, rule);
    read_pause(reader, fields[PAUSE].value, rule);
    read_follow_up(reader, fields[FOLLOW_UP].value, rule);
    read_clawback(reader, fields[CLAWBACK].value, rule);
    if (lc_problems_is_empty(reader->document->problems))
        remark_rule(reader, fields, rule);
    return true;
}

static void
remark_unreachable(lc_document_reader *reader, const lc_yaml *node, const lc_rule *rules, unsigned n)
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
lc_read_rules(lc_document_reader *reader, const lc_yaml *node)
{
    lc_policy *policy = reader->policy;
    if (!lc_read_list(reader, node, "rules", "[{name: standard, when: any, clawback: {after: 30d}}]"))
        return;
    g_autoptr(GHashTable) seen = lc_names_new();
    lc_rule *rules = lc_arena_new(reader->arena, lc_rule, node->n);
    const lc_yaml *when = node;
    for (size_t i = 0; i < node->n; i++) {
        if (node->items[i]->kind == LC_YAML_NOTHING)
            lc_refuse(reader, node->items[i],
                      "a rule is missing; write for example {name: standard, when: any, clawback: {after: 30d}}");
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
