/* test_policy.c - a document is read as it is written. */
#include <leadclock/policy.h>

#include <stdio.h>

#include "asserting.h"

#define EXAMPLES LC_SOURCE_DIR "/tests/examples/"

static lc_policy_book *
load(const char *const *paths)
{
    g_autoptr(GError) error = NULL;
    lc_policy_book *book = lc_policy_book_load(paths, &error);
    if (error)
        print_message("%s\n", error->message);
    assert_null(error);
    return book;
}

static void
assert_warnings(const lc_clock_rule *clock, const char *const *labels, const lc_duration *parts, unsigned n)
{
    assert_int_equal(clock->n_warnings, n);
    for (unsigned i = 0; i < n; i++) {
        assert_text(clock->warnings[i].label, labels[i]);
        assert_int_equal(clock->warnings[i].part, parts[i]);
    }
}

static void
the_card_policy_is_loaded(void **state)
{
    g_autoptr(lc_policy_book) book = load((const char *[]){EXAMPLES "card/feed/policy.yaml", NULL});
    const lc_policy *policy = lc_policy_book_get(book, 0);
    (void)state;
    assert_int_equal(lc_policy_book_size(book), 1);
    assert_text(policy->name, "card");
    assert_int_equal(policy->effective_from, LC_ABSENT);
    assert_false(policy->contact_time_logged);
    assert_int_equal(policy->clock_skew, 2 * LC_MINUTE);
    assert_int_equal(policy->retain, 365 * LC_DAY);
    assert_int_equal(lc_zone_month(policy->reporting_zone, 0), 1970 * 12);

    assert_int_equal(policy->n_stages, 4);
    assert_text(policy->stages[1].name, "OPPORTUNITY");
    assert_int_equal(policy->stages[1].closes, LC_STAGE_OPEN);
    assert_int_equal(policy->stages[2].closes, LC_STAGE_WON);
    assert_int_equal(policy->stages[3].closes, LC_STAGE_LOST);
    assert_int_equal(lc_policy_stage(policy, LC_TEXT("LOST")), 3);
    assert_int_equal(lc_policy_stage(policy, LC_TEXT("lost")), -1);

    assert_int_equal(policy->n_reasons, 5);
    assert_int_equal(policy->other, 4);
    assert_int_equal(lc_policy_reason(policy, LC_TEXT("student")), 1);
    assert_int_equal(lc_policy_reason(policy, LC_TEXT("")), -1);
    assert_int_equal(policy->reasons[1].destination.route, LC_ROUTE_SUPPRESS);
    assert_text(policy->reasons[1].destination.track, NULL);
    assert_int_equal(policy->reasons[1].cooldown, 180 * LC_DAY);
    assert_int_equal(policy->reasons[3].destination.route, LC_ROUTE_ENRICH);
    assert_text(policy->reasons[4].destination.track, "general");

    assert_false(policy->has_open_dialogue);
    assert_false(policy->has_qualification);
    assert_int_equal(policy->n_rules, 2);
}

static void
the_clocks_of_the_card_policy_are_loaded(void **state)
{
    g_autoptr(lc_policy_book) book = load((const char *[]){EXAMPLES "card/feed/policy.yaml", NULL});
    const lc_policy *policy = lc_policy_book_get(book, 0);
    const lc_rule *hot = lc_policy_rule(policy, LC_TEXT("quote"), NULL, 0);
    const lc_rule *standard = lc_policy_rule(policy, LC_TEXT("ads"), NULL, 0);
    (void)state;
    assert_ptr_equal(hot, &policy->rules[0]);
    assert_ptr_equal(standard, &policy->rules[1]);
    assert_text(hot->name, "hot");
    assert_true(hot->has_first_contact);
    assert_int_equal(hot->first_contact.target, 5 * LC_MINUTE);
    assert_true(hot->reassign);
    assert_true(lc_calendar_is_always(hot->first_contact.calendar));
    assert_text(hot->first_contact.calendar_name, "always");
    assert_warnings(&hot->first_contact, (const char *[]){"50%", "1m"}, (lc_duration[]){150 * LC_SECOND, 4 * LC_MINUTE},
                    2);
    assert_false(hot->has_requested_time);
    assert_false(hot->has_follow_up);
    assert_int_equal(hot->n_milestones, 0);
    assert_int_equal(hot->clawback.target, 14 * LC_DAY);
    assert_true(hot->clawback_from_last_activity);
    assert_int_equal(hot->clawback_until, 1);
    assert_int_equal(hot->clawback_destination.route, LC_ROUTE_NURTURE);
    assert_text(hot->clawback_destination.track, "re-engage");
    assert_warnings(&hot->clawback, (const char *[]){"24h"}, (lc_duration[]){13 * LC_DAY}, 1);
    assert_false(standard->reassign);
    assert_false(standard->clawback_from_last_activity);
}

static void
the_full_policy_is_loaded(void **state)
{
    g_autoptr(lc_policy_book) book = load((const char *[]){EXAMPLES "full/feed/policy.yaml", NULL});
    const lc_policy *policy = lc_policy_book_get(book, 0);
    const lc_rule *hot = &policy->rules[0], *weekend = &policy->rules[1], *standard = &policy->rules[2];
    (void)state;
    assert_int_equal(policy->retain, 90 * LC_DAY);
    assert_int_equal(lc_zone_month(policy->reporting_zone, instant_of("2026-01-31T23:00:00Z")), 2026 * 12 + 1);

    assert_true(policy->has_open_dialogue);
    assert_int_equal(policy->open_dialogue_within, 14 * LC_DAY);
    assert_int_equal(policy->open_dialogue_destination.route, LC_ROUTE_REASSIGN);
    assert_true(policy->has_qualification);
    assert_int_equal(policy->n_requires, 1);
    assert_text(policy->requires[0].name, "not-a-competitor");
    assert_int_equal(policy->n_signals, 4);
    assert_text(policy->signals[1].name, "large");
    assert_int_equal(policy->signals[1].points, 30);
    assert_int_equal(policy->threshold, 20);
    assert_text(policy->not_qualified_destination.track, "early");

    assert_true(hot->has_requested_time);
    assert_int_equal(hot->early, 15 * LC_MINUTE);
    assert_int_equal(hot->requested_time.target, 4 * LC_HOUR);
    assert_text(hot->requested_time.calendar_name, "office");
    assert_int_equal(hot->n_milestones, 2);
    assert_text(hot->milestones[0].name, "milestone:SAL");
    assert_int_equal(hot->milestones[1].stage, 2);
    assert_warnings(&hot->milestones[0].clock, (const char *[]){"75%"}, (lc_duration[]){12 * LC_HOUR}, 1);
    assert_true(hot->has_follow_up);
    assert_int_equal(hot->attempts, 2);
    assert_text(hot->follow_up_destination.track, "unresponsive");
    assert_int_equal(weekend->clawback_until, -1);
    assert_ptr_not_equal(weekend->first_contact.calendar, hot->requested_time.calendar);
    assert_warnings(&standard->clawback, (const char *[]){"90%", "24h"}, (lc_duration[]){27 * LC_DAY, 29 * LC_DAY}, 2);
}

static void
calendars_are_those_of_the_document(void **state)
{
    g_autoptr(lc_policy_book) book = load((const char *[]){EXAMPLES "full/feed/policy.yaml", NULL});
    const lc_rule *rules = lc_policy_book_get(book, 0)->rules;
    const lc_calendar *office = rules[2].first_contact.calendar, *night_desk = rules[1].first_contact.calendar;
    static const struct {
        const char *from, *amount, *due;
    } cases[] = {
        {"2026-01-05T10:30:00Z", "1h", "2026-01-05T12:30:00Z"}, /* over lunch */
        {"2026-01-05T16:00:00Z", "1h", "2026-01-07T08:00:00Z"}, /* Epiphany is a holiday */
        {"2026-04-02T09:30:00Z", "1h", "2026-04-07T06:30:00Z"}, /* a half day, then Easter, in summer time */
    };
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        lc_duration amount;
        assert_true(lc_duration_parse(cases[i].amount, &amount, NULL));
        assert_int_equal(lc_calendar_add(office, instant_of(cases[i].from), amount), instant_of(cases[i].due));
    }
    assert_int_equal(lc_calendar_add(night_desk, instant_of("2026-01-09T12:00:00Z"), 54 * LC_HOUR),
                     instant_of("2026-01-12T11:00:00Z"));
}

static void
every_example_is_loaded(void **state)
{
    static const char *const kinds[] = {"card", "full"};
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autofree char *path = g_build_filename(EXAMPLES, kinds[i], NULL);
        g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
        const char *name;
        assert_non_null(folder);
        while ((name = g_dir_read_name(folder))) {
            g_autofree char *example = g_build_filename(path, name, NULL);
            g_autoptr(lc_policy_book) book = load((const char *[]){example, NULL});
            assert_int_equal(lc_policy_book_size(book), strcmp(name, "two-documents") == 0 ? 2 : 1);
        }
    }
}

static void
the_document_in_effect_decides(void **state)
{
    static const char *const paths[] = {EXAMPLES "full/two-documents/policy-2.yaml",
                                        EXAMPLES "full/two-documents/policy.yaml", NULL};
    g_autoptr(lc_policy_book) book = load(paths);
    lc_instant change = instant_of("2026-02-01T00:00:00Z");
    (void)state;
    assert_int_equal(lc_policy_book_get(book, 0)->effective_from, LC_ABSENT);
    assert_text(lc_policy_book_at(book, change - 1)->name, "2026-01");
    assert_text(lc_policy_book_at(book, LC_ABSENT)->name, "2026-01");
    assert_text(lc_policy_book_at(book, change)->name, "2026-02");
    assert_text(lc_policy_book_at(book, LC_NEVER)->name, "2026-02");
    assert_int_equal(lc_policy_book_at(book, change)->retain, 200 * LC_DAY);
    assert_true(lc_policy_book_get(book, 0)->contact_time_logged);
    assert_false(lc_policy_book_get(book, 1)->contact_time_logged);
}

static void
the_hash_changes_with_what_is_in_effect_only(void **state)
{
    static const char *const first[] = {EXAMPLES "full/two-documents/policy.yaml", NULL};
    static const char *const both[] = {EXAMPLES "full/two-documents/policy-2.yaml", first[0], NULL};
    g_autoptr(lc_policy_book) old = load(first), new = load(both);
    lc_instant change = instant_of("2026-02-01T00:00:00Z");
    g_autofree char *old_hash = lc_policy_book_hash(old, change - 1), *before = lc_policy_book_hash(new, change - 1);
    g_autofree char *later = lc_policy_book_hash(new, change);
    (void)state;
    assert_int_equal(strlen(old_hash), 64);
    assert_string_equal(old_hash, before);
    assert_string_not_equal(before, later);
}

/* ---- The second edition ---- */

#define OFFICE "calendars: {office: {time_zone: UTC, week: {mon: [08:00-12:00, 13:00-17:00], tue: [08:00-17:00]}}}\n"

static void
a_rule_of_the_second_edition_is_loaded(void **state)
{
    g_autoptr(lc_policy_book) book = policy_of(
        "name: p\nreasons: {other: {track: t}}\nstages: [SAL, SQL]\n" OFFICE "rules:\n"
        "  - name: hot\n"
        "    when: any\n"
        "    head_start: 2h\n"
        "    first_contact: {within: 8m, warn: [\"50%\", 1m, \"25%\"], escalate: [4h, 15m, 1h], renew: true,\n"
        "                    reassign: {within: 10m, times: 2}}\n"
        "    requested_time: {late: {working_days: 1}, calendar: office, escalate: [2h]}\n"
        "    milestones: [{stage: SAL, within: {working_days: 0, cutoff: \"15:00\"}, calendar: office,\n"
        "                  warn: [\"75%\", 2h]}]\n"
        "    next_contact: {within: 5d, until: SQL, escalate: [1d]}\n"
        "    pause: {at_most: 14d}\n"
        "    clawback: {after: 30d}\n");
    const lc_rule *rule = &lc_policy_book_get(book, 0)->rules[0];
    static const char *const lengths[] = {"15m", "1h", "4h"};
    (void)state;
    assert_int_equal(rule->head_start, 2 * LC_HOUR);
    assert_true(rule->renew && rule->reassign);
    assert_int_equal(rule->first_contact.n_escalations, 3);
    for (unsigned i = 0; i < 3; i++)
        assert_text(rule->first_contact.escalations[i].label, lengths[i]);
    assert_int_equal(rule->first_contact.escalations[1].after, LC_HOUR);

    assert_int_equal(rule->again_times, 2);
    assert_int_equal(rule->again_contact.target, 10 * LC_MINUTE);
    assert_warnings(&rule->again_contact, (const char *[]){"50%", "25%"},
                    (lc_duration[]){5 * LC_MINUTE, 150 * LC_SECOND}, 2);
    assert_int_equal(rule->again_contact.n_escalations, 3);

    assert_int_equal(rule->requested_time.working_days, 1);
    assert_int_equal(rule->requested_time.cutoff, LC_NO_CUTOFF);
    const lc_clock_rule *milestone = &rule->milestones[0].clock;
    assert_int_equal(milestone->working_days, 0);
    assert_int_equal(milestone->cutoff, 15 * 60);
    assert_int_equal(milestone->target, 0);
    assert_int_equal(milestone->warnings[0].percent, 75);
    assert_int_equal(milestone->warnings[1].before, 2 * LC_HOUR);

    assert_true(rule->has_next_contact && rule->has_pause);
    assert_int_equal(rule->next_contact.target, 5 * LC_DAY);
    assert_int_equal(rule->next_contact_until, 1);
    assert_int_equal(rule->pause_at_most, 14 * LC_DAY);
    assert_int_equal(rule->clawback.working_days, -1);
}

static void
reassign_true_is_an_empty_mapping(void **state)
{
    static const char *const forms[] = {"true", "{}", "{times: 1}", "{within: 5m}"};
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(forms); i++) {
        g_autofree char *yaml = g_strdup_printf(
            "name: p\nreasons: {other: {track: t}}\nrules: [{name: r, when: any, clawback: {after: 1d}, first_contact: "
            "{within: 5m, reassign: %s}}]\n",
            forms[i]);
        g_autoptr(lc_policy_book) book = policy_of(yaml);
        const lc_rule *rule = &lc_policy_book_get(book, 0)->rules[0];
        assert_true(rule->reassign);
        assert_int_equal(rule->again_times, 1);
        assert_int_equal(rule->again_contact.target, 5 * LC_MINUTE);
    }
    g_autoptr(lc_policy_book) none =
        policy_of("name: p\nreasons: {other: {track: t}}\nrules: [{name: r, when: any, "
                  "pause: {}, clawback: {after: 1d}, first_contact: {within: 5m, reassign: "
                  "false}}]\n");
    const lc_rule *rule = &lc_policy_book_get(none, 0)->rules[0];
    assert_false(rule->reassign || rule->renew || rule->has_next_contact);
    assert_true(rule->has_pause);
    assert_int_equal(rule->pause_at_most, LC_NEVER);
    assert_int_equal(rule->next_contact_until, -1);
    assert_int_equal(rule->head_start, 0);
}

/* 2026-01-05 is a Monday. */
static void
targets_in_working_days_are_known_at_the_start(void **state)
{
    static const struct {
        const char *start, *target;
        lc_duration half, before; /* the parts of the warnings 50% and 4h; 0: left out */
    } cases[] = {
        {"2026-01-05T08:00:00Z", "8h", 4 * LC_HOUR, 4 * LC_HOUR},
        {"2026-01-05T12:30:00Z", "4h", 2 * LC_HOUR, 0},
        {"2026-01-05T16:00:00Z", "1h", LC_HOUR / 2, 0},
        {"2026-01-05T17:00:00Z", "9h", LC_HOUR * 9 / 2, 5 * LC_HOUR},
        {"2026-01-05T16:59:59.999Z", NULL, 0, 0}, /* a millisecond has no half */
    };
    g_autoptr(lc_policy_book) book =
        policy_of("name: p\nreasons: {other: {track: t}}\n" OFFICE
                  "rules: [{name: r, when: any, clawback: {after: 1d}, first_contact: {within: {working_days: 0}, "
                  "calendar: office, warn: [\"50%\", 4h], reassign: true}}]\n");
    const lc_rule *rule = &lc_policy_book_get(book, 0)->rules[0];
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        lc_duration expected = 1, target = lc_clock_rule_target(&rule->first_contact, instant_of(cases[i].start));
        print_message("%s\n", cases[i].start);
        assert_true(cases[i].target == NULL || lc_duration_parse(cases[i].target, &expected, NULL));
        assert_int_equal(target, expected);
        assert_int_equal(lc_warning_part(&rule->first_contact.warnings[0], target), cases[i].half);
        assert_int_equal(lc_warning_part(&rule->first_contact.warnings[1], target), cases[i].before);
    }
    assert_int_equal(rule->again_contact.working_days, 0);
    assert_int_equal(rule->again_contact.n_warnings, 1);
    assert_int_equal(lc_clock_rule_target(&rule->first_contact, instant_of("2101-01-01T00:00:00Z")), LC_NEVER);
}

static lc_duration
open_on(const lc_calendar *calendar, const char *date)
{
    g_autofree char *text = g_strconcat(date, "T00:00:00Z", NULL);
    return lc_calendar_between(calendar, instant_of(text), instant_of(text) + LC_DAY);
}

/* Also what 3.5 leaves open: dates of a file rank as ranges do (2028-12-26 against 12-26 of every year), and a range of
 * one day is a range (2026-03-03). */
static void
holidays_come_by_date_rule_and_file(void **state)
{
    static const struct {
        const char *date;
        int hours;
    } dates[] = {
        {"2026-12-25", 0}, {"2029-12-25", 8}, {"2026-04-06", 0}, {"2026-04-07", 8},
        {"2027-12-26", 4}, {"2028-12-26", 2}, {"2026-01-01", 0}, {"2040-01-01", 0},
        {"2026-07-10", 1}, {"2026-07-11", 0}, {"2028-12-30", 3}, {"2028-12-31", 0},
        {"2029-01-02", 0}, {"2029-01-03", 8}, {"2026-03-03", 5}, {"2026-03-04", 0},
    };
    g_autoptr(lc_policy_book) book = policy_of(
        "name: p\nreasons: {other: {track: t}}\n"
        "calendars:\n"
        "  office:\n"
        "    time_zone: UTC\n"
        "    week: {mon: &d [09:00-17:00], tue: *d, wed: *d, thu: *d, fri: *d, sat: *d, sun: *d}\n"
        "    holidays: [01-01, 2026-07-06..2026-07-24, 12-29..01-02, 2026-03-03..2026-03-03, 2026-03-04..2026-03-04]\n"
        "    holidays_from: [" LC_SOURCE_DIR "/tests/unit/holidays.ics]\n"
        "    special_days: {2026-07-10: [10:00-11:00], 12-30: [10:00-12:00, 11:00-13:00], 2027-12-26: [08:00-12:00],\n"
        "                   12-26: [08:00-10:00], 2026-03-03: [08:00-13:00]}\n"
        "rules: [{name: r, when: any, clawback: {after: 8h, calendar: office}}]\n");
    const lc_calendar *office = lc_policy_book_get(book, 0)->rules[0].clawback.calendar;
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(dates); i++) {
        print_message("%s\n", dates[i].date);
        assert_int_equal(open_on(office, dates[i].date), dates[i].hours * LC_HOUR);
    }
}

/* The file is named from the folder of the policy, and is part of it. */
static void
the_hash_changes_with_an_icalendar_file(void **state)
{
    static const char yaml[] =
        "name: p\nreasons: {other: {track: t}}\ncalendars: {office: {time_zone: UTC, week: {mon: "
        "[08:00-17:00]}, holidays_from: [days.ics]}}\nrules: [{name: r, when: any, clawback: "
        "{after: 9h, calendar: office}}]\n";
    static const char *const files[] = {"BEGIN:VCALENDAR\nEND:VCALENDAR\n",
                                        "BEGIN:VCALENDAR\nVERSION:2.0\nEND:VCALENDAR\n"};
    g_autofree char *folder = g_dir_make_tmp("leadclock-XXXXXX", NULL), *first = NULL;
    g_autofree char *policy = g_build_filename(folder, "p.yaml", NULL),
                    *days = g_build_filename(folder, "days.ics", NULL);
    (void)state;
    assert_true(g_file_set_contents(policy, yaml, -1, NULL));
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        assert_true(g_file_set_contents(days, files[i], -1, NULL));
        g_autoptr(lc_policy_book) book = load((const char *[]){policy, NULL});
        g_autofree char *hash = lc_policy_book_hash(book, 0);
        if (first)
            assert_string_not_equal(hash, first);
        g_free(first);
        first = g_steal_pointer(&hash);
    }
    remove(policy);
    remove(days);
    remove(folder);
}

/* ---- Conditions ---- */

#define MINIMAL "name: p\nreasons: {other: {track: t}}\n"
#define LAST_RULE "  - {name: last, when: any, clawback: {after: 30d}}\n"

static const struct {
    const char *when, *channel, *attributes; /* "a=1,b=2" */
    bool holds;
} conditions[] = {
    {"any", "demo", "", true},
    {"{channel: [demo, quote]}", "quote", "", true},
    {"{channel: [demo, quote]}", "quot", "", false},
    {"{channel: [demo, quote]}", "", "", false},
    {"{channel: [2026]}", "2026", "", true},
    {"{attributes: {region: [north, south]}}", "demo", "size=1,region=south", true},
    {"{attributes: {region: [north, south]}}", "demo", "region=East", false},
    {"{attributes: {region: [north, south]}}", "demo", "", false},
    {"{attributes: {region: [\"\"]}}", "demo", "region=", true},
    {"{attributes: {region: [\"\"]}}", "demo", "", false},
    {"{attributes: {region: [north], size: [1]}}", "demo", "region=north,size=2", false},
    {"{channel: [demo], attributes: {region: [north]}}", "ads", "region=north", false},
    {"{at_least: {employees: 200}}", "demo", "employees=200", true},
    {"{at_least: {employees: 200}}", "demo", "employees=0200.0", true},
    {"{at_least: {employees: 200}}", "demo", "employees=199.999999999999999999999999", false},
    {"{at_least: {employees: 200}}", "demo", "employees=200.000000000000000000000001", true},
    {"{at_least: {employees: 200}}", "demo", "employees=1000", true},
    {"{at_least: {employees: 200}}", "demo", "employees=99999999999999999999999999", true},
    {"{at_least: {employees: 200}}", "demo", "employees=-300", false},
    {"{at_least: {employees: 200}}", "demo", "employees=+300", false},
    {"{at_least: {employees: 200}}", "demo", "employees=3e2", false},
    {"{at_least: {employees: 200}}", "demo", "employees= 300", false},
    {"{at_least: {employees: 200}}", "demo", "employees=300.", false},
    {"{at_least: {employees: 200}}", "demo", "employees=.5", false},
    {"{at_least: {employees: 200}}", "demo", "employees=", false},
    {"{at_least: {employees: 200}}", "demo", "", false},
    {"{at_least: {score: -1.5}}", "demo", "score=-1.50", true},
    {"{at_least: {score: -1.5}}", "demo", "score=-1.51", false},
    {"{at_least: {score: -1.5}}", "demo", "score=-1", true},
    {"{at_least: {score: -1.5}}", "demo", "score=0", true},
    {"{at_least: {score: 0}}", "demo", "score=-0.0", true},
    {"{at_least: {score: -0}}", "demo", "score=0", true},
    {"{at_least: {score: 0.5}}", "demo", "score=0.45", false},
    {"{at_least: {a: 1, b: 2}}", "demo", "a=1,b=1", false},
};

static size_t
read_attributes(char **words, lc_attribute *attributes)
{
    size_t n = 0;
    for (char **word = words; *word && **word; word++, n++) {
        char *equals = strchr(*word, '=');
        attributes[n] = (lc_attribute){{*word, (size_t)(equals - *word)}, lc_text_of(equals + 1)};
    }
    return n;
}

static void
conditions_hold(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(conditions); i++) {
        g_autofree char *yaml = g_strdup_printf(
            MINIMAL "rules:\n  - {name: first, when: %s, clawback: {after: 1h}}\n" LAST_RULE, conditions[i].when);
        g_autoptr(lc_policy_book) book = policy_of(yaml);
        g_auto(GStrv) words = g_strsplit(conditions[i].attributes, ",", -1);
        lc_attribute attributes[4];
        size_t n = read_attributes(words, attributes);
        print_message("%s: %s %s\n", conditions[i].when, conditions[i].channel, conditions[i].attributes);
        const lc_policy *policy = lc_policy_book_get(book, 0);
        const lc_rule *rule = lc_policy_rule(policy, lc_text_of(conditions[i].channel), attributes, n);
        assert_ptr_equal(rule, &policy->rules[conditions[i].holds ? 0 : 1]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_card_policy_is_loaded),
        cmocka_unit_test(the_clocks_of_the_card_policy_are_loaded),
        cmocka_unit_test(the_full_policy_is_loaded),
        cmocka_unit_test(calendars_are_those_of_the_document),
        cmocka_unit_test(every_example_is_loaded),
        cmocka_unit_test(the_document_in_effect_decides),
        cmocka_unit_test(the_hash_changes_with_what_is_in_effect_only),
        cmocka_unit_test(a_rule_of_the_second_edition_is_loaded),
        cmocka_unit_test(reassign_true_is_an_empty_mapping),
        cmocka_unit_test(targets_in_working_days_are_known_at_the_start),
        cmocka_unit_test(holidays_come_by_date_rule_and_file),
        cmocka_unit_test(the_hash_changes_with_an_icalendar_file),
        cmocka_unit_test(conditions_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
