/* What was probably meant by a name that is none, and what surely was not. */
#include <leadclock/text.h>

#include "asserting.h"

static void
a_name_that_is_near_was_meant(void **state)
{
    static const char *const commands[] = {"backtest", "check",  "inspect", "report", "reset",    "run",
                                           "tables",   "topics", "verify",  "watch",  "worklist", NULL};
    static const struct {
        const char *written, *meant;
    } cases[] = {
        {"bakctest", "backtest"}, {"topic", "topics"},  {"Report", "report"}, {"reports", "report"},
        {"list", "worklist"},     {"recheck", "check"}, {"rnu", "run"},       {"work-list", "worklist"},
        {"prune", NULL}, /* has "run" within, and means something else */
        {"truncate", NULL},       {"delete", NULL},     {"", NULL},           {"x", NULL},
        {"report", NULL}, /* never what was written */
    };
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const char *near = lc_nearest_name(cases[i].written, commands);
        g_autofree char *said = lc_did_you_mean(cases[i].written, commands);
        g_autofree char *expected = cases[i].meant ? g_strdup_printf("; did you mean \"%s\"?", cases[i].meant) : NULL;
        if (g_strcmp0(near, cases[i].meant) != 0)
            fail_msg("%s: %s instead of %s", cases[i].written, near, cases[i].meant);
        assert_string_equal(said, expected ? expected : "");
    }
}

static void
names_whose_numbers_differ_are_not_near(void **state)
{
    static const char *const names[] = {"phase1", "GMT+0", NULL};
    (void)state;
    assert_null(lc_nearest_name("phase2", names));
    assert_null(lc_nearest_name("GMT+2", names));
    assert_string_equal(lc_nearest_name("phse1", names), "phase1");
}

static void
a_distance_counts_letters_and_swaps(void **state)
{
    static const struct {
        const char *one, *other;
        unsigned distance;
    } cases[] = {{"", "", 0},
                 {"", "abc", 3},
                 {"abc", "ABC", 0},
                 {"abcd", "acbd", 1},
                 {"occured", "occurred", 1},
                 {"deal", "lead", 2},
                 {"kitten", "sitting", 3},
                 {"ab", "ba", 1}};
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        assert_int_equal(lc_name_distance(cases[i].one, cases[i].other), cases[i].distance);
        assert_int_equal(lc_name_distance(cases[i].other, cases[i].one), cases[i].distance);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_that_is_near_was_meant),
        cmocka_unit_test(names_whose_numbers_differ_are_not_near),
        cmocka_unit_test(a_distance_counts_letters_and_swaps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
