#include <leadclock/cli.h>
#include <leadclock/policy.h>

#include <stdio.h>

#include "asserting.h"

#define HEAD "name: p\nreasons: {other: {track: t}}\n"
#define LAST "  - {name: last, when: any, clawback: {after: 30d}}\n"
/* 2026-11-29 */
#define NOW ((lc_instant)1795910400000)
#define EXAMPLES LC_SOURCE_DIR "/tests/examples/"

static const struct {
    const char *yaml, *warning; /* NULL: none */
} oddities[] = {
    {HEAD "rules:\n" LAST, NULL},
    {HEAD "rules:\n  - {name: a, when: {channel: [x]}, clawback: {after: 1d}}\n" LAST, NULL},
    {HEAD "rules:\n  - {name: a, when: any, clawback: {after: 1d}}\n" LAST,
     "policy.yaml:5:5: warning: rule \"last\" can never be reached: rule \"a\" before it takes all of its leads\n"},
    {HEAD "rules:\n  - {name: a, when: {channel: [x, y]}, clawback: {after: 1d}}\n"
          "  - {name: b, when: {channel: [y], attributes: {z: [\"1\"]}}, clawback: {after: 1d}}\n" LAST,
     "policy.yaml:5:5: warning: rule \"b\" can never be reached: rule \"a\" before it takes all of its leads\n"},
    {HEAD "rules:\n  - {name: a, when: {channel: [x], attributes: {z: [\"1\"]}}, clawback: {after: 1d}}\n"
          "  - {name: b, when: {channel: [x]}, clawback: {after: 1d}}\n" LAST,
     NULL},
    {HEAD "rules:\n  - {name: a, when: {at_least: {n: 100}}, clawback: {after: 1d}}\n"
          "  - {name: b, when: {at_least: {n: 200}}, clawback: {after: 1d}}\n" LAST,
     "policy.yaml:5:5: warning: rule \"b\" can never be reached: rule \"a\" before it takes all of its leads\n"},
    {HEAD "rules:\n  - {name: a, when: {at_least: {n: 200}}, clawback: {after: 1d}}\n"
          "  - {name: b, when: {at_least: {n: 100}}, clawback: {after: 1d}}\n" LAST,
     NULL},
    /* Taken by several rules together, or by what cannot be. */
    {HEAD "rules:\n  - {name: a, when: {channel: [x]}, clawback: {after: 1d}}\n"
          "  - {name: b, when: {channel: [y]}, clawback: {after: 1d}}\n"
          "  - {name: c, when: {channel: [x, y], attributes: {z: [\"1\"]}}, clawback: {after: 1d}}\n" LAST,
     "policy.yaml:6:5: warning: rule \"c\" can never be reached: the rules before it together take all of its leads\n"},
    {HEAD "rules:\n  - {name: a, when: {channel: [x]}, clawback: {after: 1d}}\n"
          "  - {name: b, when: {channel: [y], attributes: {z: [\"1\"]}}, clawback: {after: 1d}}\n"
          "  - {name: c, when: {channel: [x, y]}, clawback: {after: 1d}}\n" LAST,
     NULL},
    {HEAD "rules:\n  - {name: a, when: {at_least: {n: 100}}, clawback: {after: 1d}}\n"
          "  - {name: b, when: {attributes: {n: [\"150\", \"200\"]}}, clawback: {after: 1d}}\n" LAST,
     "policy.yaml:5:5: warning: rule \"b\" can never be reached: the rules before it together take all of its leads\n"},
    {HEAD "rules:\n  - {name: a, when: {attributes: {n: [\"100\"]}}, clawback: {after: 1d}}\n"
          "  - {name: b, when: {at_least: {n: 100}}, clawback: {after: 1d}}\n" LAST,
     NULL},
    {HEAD
     "rules:\n  - {name: a, when: {attributes: {n: [\"50\", few]}, at_least: {n: 100}}, clawback: {after: 1d}}\n" LAST,
     "policy.yaml:4:5: warning: rule \"a\" can never be reached: what its `when` asks for contradicts itself\n"},
    {HEAD "gates: {qualification: {require: [{name: q, when: {attributes: {n: [\"1\"]}, at_least: {n: "
          "2}}}]}}\nrules:\n" LAST,
     "policy.yaml:3:35: warning: \"q\" never holds: what its `when` asks for contradicts itself\n"},
    {HEAD "gates: {open_dialogue: {within: 2m}}\nrules:\n" LAST,
     "policy.yaml:3:33: warning: no contact is an open dialogue: those within clock_skew before the hand-off belong to "
     "it\n"},
    {"name: p\nreasons: {other: {}}\nrules:\n" LAST,
     "policy.yaml:2:11: warning: reason \"other\" goes to nurture without a track\n"},
    {HEAD "rules:\n  - {name: a, when: any, clawback: {after: 30d}, first_contact: {within: 25h}}\n",
     "policy.yaml:4:74: warning: first_contact within more than 24 h; leads cool off within minutes\n"},
    {HEAD "rules:\n  - {name: a, when: any, clawback: {after: 1h}, first_contact: {within: 1h}}\n",
     "policy.yaml:4:36: warning: clawback comes before first_contact is due\n"},
    {HEAD "rules:\n  - {name: a, when: any, clawback: {after: 30d, beyond_30_days: true}}\n",
     "policy.yaml:4:49: warning: beyond_30_days, but clawback.after is not\n"},
    {HEAD "rules:\n  - {name: a, when: any, clawback: {after: 31d, beyond_30_days: true}}\n", NULL},
    {HEAD "rules:\n  - {name: a, when: any, clawback: {after: 2m, warn: [1m, 50%]}}\n",
     "policy.yaml:4:59: warning: the warnings 1m and 50% come at the same moment\n"},
    {HEAD "gates: {qualification: {signals: [{name: s, when: any, points: 5}], threshold: 10}}\nrules:\n" LAST,
     "policy.yaml:3:80: warning: no lead can reach the threshold: all signals together give 5\n"},
    {HEAD "calendars: {office: {time_zone: UTC, week: {mon: [08:00-17:00]}}}\nrules:\n" LAST,
     "policy.yaml:3:13: warning: no clock uses calendar \"office\"\n"},
};

static void
what_is_odd_is_a_warning(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(oddities); i++) {
        g_autoptr(lc_policy_book) book = policy_of(oddities[i].yaml);
        g_autofree char *warnings = lc_policy_book_warnings(book, NOW);
        print_message("%s\n", warnings ? warnings : "none");
        if (oddities[i].warning == NULL)
            assert_null(warnings);
        else
            assert_true(g_str_has_prefix(warnings, oddities[i].warning));
    }
}

static void
the_card_policy_is_explained(void **state)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(lc_policy_book) book =
        lc_policy_book_load((const char *[]){EXAMPLES "card/feed/policy.yaml", NULL}, &error);
    g_autofree char *text = book ? lc_policy_book_explain(book) : NULL;
    (void)state;
    assert_non_null(text);
    assert_string_equal(
        text,
        "Policy card, for leads handed off at any time.\n"
        "A cohort is the month of the hand-off in UTC. A contact counts at the time it happened. A contact, assignment "
        "or rejection up to 2 min before the hand-off counts for it. A settled lead is remembered for 365 days after "
        "the last that happened to it.\n"
        "Stages, in order: SAL, OPPORTUNITY, WON (closes as won), LOST (closes as lost). Reaching one is "
        "progress, "
        "which meets a promise of contact as a contact does.\n"
        "\n"
        "Held back at the hand-off:\n"
        "  - a lead whose rejection still asks for quiet goes where that rejection sent it.\n"
        "\n"
        "1. hot. Leads from demo or quote:\n"
        "  - first human contact within 5 min, day and night; warned at 2 min 30 s and 4 min; then taken from everyone "
        "who had it and routed to REASSIGN.\n"
        "  - taken back from sales 14 days, day and night, after the latest of the hand-off and the last contact or "
        "progress, unless OPPORTUNITY is "
        "reached; warned at 13 days; it goes to NURTURE, track re-engage.\n"
        "\n"
        "2. standard. All other leads:\n"
        "  - first human contact within 24 h, day and night; warned at 19 h 12 min.\n"
        "  - taken back from sales 30 days, day and night, after the hand-off, unless OPPORTUNITY is reached; warned "
        "at "
        "29 days; it goes to NURTURE, track re-engage.\n"
        "\n"
        "Rejected by sales:\n"
        "  - not_ready goes to NURTURE, track long-term.\n"
        "  - student goes to SUPPRESS; not handed off again for 180 days.\n"
        "  - wrong_territory goes to REASSIGN.\n"
        "  - bad_contact_data goes to ENRICH.\n"
        "  - other (and every reason not listed here) goes to NURTURE, track general.\n"
        "\n"
        "A lead that a rejection, a clawback or silence has sent to REASSIGN is handed off anew, past the gates, when "
        "it is assigned.\n");
}

static const struct {
    const char *yaml, *sentence;
} sentences[] = {
    {HEAD "effective_from: 2026-01-01T00:00:00Z\nrules:\n" LAST, "Policy p, for leads handed off at any time.\n"},
    {HEAD "contact_time: logged\nclock_skew: 0s\nrules:\n" LAST,
     "A contact counts at the time it was logged, where that is known. A settled lead"},
    {HEAD "gates: {qualification: {require: [{name: big, when: {at_least: {n: 2}}}]}}\nrules:\n" LAST,
     "Held back at the hand-off, by the first of these that applies:\n"
     "  - a lead whose rejection still asks for quiet goes where that rejection sent it.\n"
     "  - a lead must be big (leads with n at least 2); otherwise it goes to NURTURE.\n"},
    {HEAD "gates: {qualification: {signals: [{name: bad, when: {channel: [x]}, points: -5}]}}\nrules:\n" LAST,
     "  - a lead must have at least 0 points: -5 for bad (leads from x); otherwise it goes to NURTURE.\n"},
    {HEAD "rules:\n  - {name: a, when: any, follow_up: {attempts: 0, within: 1d}, clawback: {after: 1d}}\n",
     "  - after a first attempt that reached nobody: an answer or progress within 24 h, day and night; otherwise the "
     "lead "
     "is unresponsive and goes to NURTURE.\n"},
    {HEAD
     "rules:\n  - {name: a, when: any, follow_up: {attempts: 1, within: 1d, warn: [1h], route: SUPPRESS}, clawback: "
     "{after: 1d}}\n",
     "within 24 h, day and night; warned at 23 h; otherwise and after 1 more attempt the lead is unresponsive and goes "
     "to SUPPRESS; with fewer attempts this is broken.\n"},
    {HEAD "rules:\n  - {name: a, when: any, requested_time: {late: 1h}, clawback: {after: 1d, route: REASSIGN}}\n",
     "  - where the prospect asked for a time: contact not before it, and after it within 1 h, day and night.\n"
     "  - taken back from sales 24 h, day and night, after the latest of the hand-off and the time asked for; it goes "
     "to "
     "REASSIGN.\n"},
    {HEAD "rules:\n  - {name: a, when: any, clawback: {after: 1d, route: REASSIGN}}\n",
     "A lead that a rejection, a clawback or silence has sent to REASSIGN is handed off anew, past the gates, when it "
     "is "
     "assigned.\n"},
};

static void
each_key_has_its_sentence(void **state)
{
    unsigned failed = 0;
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(sentences); i++) {
        g_autoptr(lc_policy_book) book = policy_of(sentences[i].yaml);
        g_autofree char *text = lc_policy_book_explain(book);
        if (strstr(text, sentences[i].sentence))
            continue;
        print_message("%s lacks: %s\n", text, sentences[i].sentence);
        failed++;
    }
    assert_int_equal(failed, 0);
}

static void
calendars_are_explained(void **state)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(lc_policy_book) book =
        lc_policy_book_load((const char *[]){EXAMPLES "full/feed/policy.yaml", NULL}, &error);
    g_autofree char *text = book ? lc_policy_book_explain(book) : NULL;
    (void)state;
    assert_non_null(text);
    assert_non_null(
        strstr(text, "Open time:\n"
                     "  - office: Mon to Thu 08:00-12:00 and 13:00-17:00, Fri 08:00-12:00 and 13:00-16:00, in "
                     "Europe/Stockholm; closed on 4 dates; other hours on 1 date.\n"
                     "  - night_desk: Mon 00:00-06:00 and 20:00-24:00, Sat, Sun 00:00-24:00, in America/New_York.\n"));
}

static void
the_policy_of_the_documentation_is_taken(void **state)
{
    g_autofree char *text = NULL;
    (void)state;
    assert_true(g_file_get_contents(LC_SOURCE_DIR "/docs/lead-policy.md", &text, NULL, NULL));
    char *start = strstr(text, "```yaml\n"), *end = start ? strstr(start + 3, "```") : NULL;
    assert_non_null(end);
    *end = '\0';
    g_autoptr(lc_policy_book) book = policy_of(start + strlen("```yaml\n"));
    assert_int_equal(lc_policy_book_size(book), 1);
}

/* ---- The subcommand ---- */

static int
check(const char *arguments)
{
    g_autofree char *line = g_strconcat("check ", arguments, NULL);
    g_auto(GStrv) argv = g_strsplit(line, " ", -1);
    g_autofree char **copy = g_memdup2(argv, (g_strv_length(argv) + 1) * sizeof *argv);
    print_message("leadclock %s\n", line);
    return lc_cli_check((int)g_strv_length(argv), copy);
}

static void
check_exits_with_2_where_something_is_refused(void **state)
{
    g_autofree char *folder = g_dir_make_tmp("leadclock-XXXXXX", NULL);
    g_autofree char *wrong = g_build_filename(folder, "wrong.yaml", NULL);
    g_autofree char *odd = g_build_filename(folder, "odd.yaml", NULL);
    static const char card[] = EXAMPLES "card/feed/policy.yaml";
    (void)state;
    assert_true(g_file_set_contents(wrong, "name: [", -1, NULL));
    assert_true(g_file_set_contents(odd, "name: odd\nreasons: {other: {}}\nrules:\n" LAST, -1, NULL));
    const struct {
        char *arguments;
        int code;
    } cases[] = {
        {g_strdup_printf("--policy %s", card), 0},
        {g_strdup_printf("--policy %s --explain", card), 0},
        {g_strdup_printf("--policy %s", wrong), 2},
        {g_strdup_printf("--policy %s --policy %s", card, wrong), 2},
        {g_strdup_printf("--policy %s %s", card, wrong), 2},
        {g_strdup_printf("--policy %s", odd), 0},
        {g_strdup_printf("--policy %s --strict", odd), 1},
        {g_strdup_printf("--policy %s", folder), 2},
        {g_strdup("--policy /nowhere"), 2},
        {g_strdup("--config /nowhere"), 2},
        {g_strdup("--unknown"), 2},
        {g_strdup_printf("%s", card), 2},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        assert_int_equal(check(cases[i].arguments), cases[i].code);
        g_free(cases[i].arguments);
    }
    remove(wrong);
    remove(odd);
    remove(folder);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_odd_is_a_warning),
        cmocka_unit_test(the_card_policy_is_explained),
        cmocka_unit_test(each_key_has_its_sentence),
        cmocka_unit_test(calendars_are_explained),
        cmocka_unit_test(the_policy_of_the_documentation_is_taken),
        cmocka_unit_test(check_exits_with_2_where_something_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
