/* A wall clock that is wrong fires no timer, is named with the broker's, and when it is right again timers go on. */
#include "bench.h"

#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const char policy[] = BENCH_POLICY("10m");

/* What the wall clock does while a lead's ten minutes run; the worker runs for twenty. */
typedef struct {
    const char *name;
    lc_duration ahead, then;  /* of the broker's clock: from the start, and from `at` on */
    lc_duration at;           /* since the start */
    bool outputs_create_time; /* the broker's clock can't be read */
    unsigned breaches_after_8m, breaches_after_20m;
    const char *problem; /* part of what was wrong at any time; NULL: nothing was */
} row;

static const row rows[] = {
    {"right", 0, 0, 0, false, 0, 1, NULL},
    {"a little ahead", 9 * LC_MINUTE, 9 * LC_MINUTE, 0, false, 1, 1, NULL},
    {"far ahead from the start", 2 * LC_HOUR, 2 * LC_HOUR, 0, false, 0, 0, "2h ahead, more than 10m (max_future)"},
    {"far ahead, then right", 2 * LC_HOUR, 0, 9 * LC_MINUTE, false, 0, 1, "2h ahead"},
    {"far ahead, not known", 2 * LC_HOUR, 2 * LC_HOUR, 0, true, 1, 1, NULL},
    {"jumps ahead", 0, 2 * LC_HOUR, LC_MINUTE, false, 0, 0, "2h ahead"},
    {"jumps ahead by less than max_future", 0, 9 * LC_MINUTE, 2 * LC_MINUTE, false, 0, 0,
     "9m ahead, more than 1m in a"},
    {"jumps ahead, not known", 0, 2 * LC_HOUR, LC_MINUTE, true, 0, 0, "has jumped ahead by 2h"},
    {"behind, then right", -2 * LC_HOUR, 0, LC_MINUTE, false, 0, 1, NULL},
    {"behind, then right, not known", -2 * LC_HOUR, 0, LC_MINUTE, true, 0, 0, "if it is right now, restart"},
    {"goes back", 0, -2 * LC_HOUR, LC_MINUTE, false, 0, 0, NULL},
};

static const row *current;
static char problem[256];

static void
move_clock(void *data)
{
    bench *b = data;
    lc_worker_report report;

    b->wall_ahead = b->manual.now - BENCH_BEGIN >= current->at ? current->then : current->ahead;
    if (b->worker == NULL)
        return;
    lc_worker_get_report(b->worker, &report);
    if (report.clock_problem[0])
        g_strlcpy(problem, report.clock_problem, sizeof problem);
    lc_worker_report_clear(&report);
}

static bench *
start(const row *row, lc_duration published_before)
{
    bench *b = bench_new(policy);
    lc_fact created = bench_created("created", b->manual.now);

    current = row;
    problem[0] = '\0';
    lc_memory_broker_limits(b->broker)->outputs_have_create_time = row->outputs_create_time;
    bench_publish(b, 0, "lead", &created);
    b->manual.now += published_before;
    b->meanwhile = move_clock;
    move_clock(b);
    return b;
}

static unsigned
breaches_after(bench *b, lc_duration duration)
{
    bool stopped = bench_run(b, duration);

    if (b->error)
        print_error("%s\n", b->error->message);
    assert_true(stopped);
    return bench_count(b, LC_OUTPUT_BREACHES, LC_SCHEMA_SLA_BREACHED);
}

static void
timers_fire_by_a_clock_that_is_believed(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        print_message("%s\n", rows[i].name);
        bench *early = start(&rows[i], 0);
        assert_int_equal(breaches_after(early, 8 * LC_MINUTE), rows[i].breaches_after_8m);
        bench_free(early);
        bench *b = start(&rows[i], 0);
        assert_int_equal(breaches_after(b, 20 * LC_MINUTE), rows[i].breaches_after_20m);
        if (rows[i].problem == NULL)
            assert_string_equal(problem, "");
        else if (!strstr(problem, rows[i].problem))
            fail_msg("\"%s\" does not say \"%s\"", problem, rows[i].problem);
        assert_int_equal(bench_counter(b, "handed_off"), 1);
        bench_free(b);
    }
}

/* What the broker said long ago, or of records published long ago, is no reason to doubt. */
static void
no_idle_topic_and_no_backlog_raises_doubt(void **state)
{
    static const row right = {.name = "right"};
    (void)state;
    bench *b = start(&right, 3 * LC_DAY);
    assert_int_equal(breaches_after(b, LC_MINUTE), 1);
    b->manual.now += 2 * LC_DAY;
    assert_int_equal(breaches_after(b, 2 * LC_HOUR), 1);
    lc_fact contacted = bench_contacted("contacted", b->manual.now);
    bench_publish(b, 1, "lead", &contacted);
    assert_int_equal(breaches_after(b, LC_MINUTE), 1);
    assert_string_equal(problem, "");
    bench_free(b);
}

/* A book of two documents, the second in effect five minutes after the beginning, or another text of it. */
static lc_policy_book *
book_of_two(const char *within)
{
    g_autofree char *folder = g_dir_make_tmp("leadclock-policies-XXXXXX", NULL);
    g_autofree char *first = g_build_filename(folder, "first.yaml", NULL);
    g_autofree char *second = g_build_filename(folder, "second.yaml", NULL);
    g_autofree char *text = g_strdup_printf("%s    # %s\neffective_from: 2026-01-05T08:05:00Z\n", policy, within);
    char *named = strstr(text, "name: test");
    g_autoptr(GError) error = NULL;

    memcpy(named, "name: next", strlen("name: next"));
    assert_true(g_file_set_contents(first, policy, -1, NULL) && g_file_set_contents(second, text, -1, NULL));
    lc_policy_book *book = lc_policy_book_load((const char *[]){folder, NULL}, &error);
    if (book == NULL)
        fail_msg("%s", error->message);
    g_unlink(first);
    g_unlink(second);
    g_rmdir(folder);
    return book;
}

/* A document that is not in effect yet may be changed, whatever the clock of the last owner said; one that is may not.
 */
static void
a_clock_that_is_ahead_puts_no_document_into_effect(void **state)
{
    static const struct {
        row clock;
        bool has_facts;
        lc_duration waits; /* before it is changed */
        bool may_change;
    } cases[] = {
        {{.name = "right"}, true, 0, true},
        {{.name = "right, in effect"}, true, 6 * LC_MINUTE, false},
        {{.name = "9 m ahead", .ahead = 9 * LC_MINUTE, .then = 9 * LC_MINUTE}, true, 0, true},
        {{.name = "9 m ahead, nothing to judge", .ahead = 9 * LC_MINUTE, .then = 9 * LC_MINUTE}, false, 0, true},
        {{.name = "9 m ahead, in effect", .ahead = 9 * LC_MINUTE, .then = 9 * LC_MINUTE}, true, 6 * LC_MINUTE, false},
        {{.name = "2 h ahead", .ahead = 2 * LC_HOUR, .then = 2 * LC_HOUR}, true, 0, true},
    };
    static const row right = {.name = "right"};
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        print_message("%s\n", cases[i].clock.name);
        g_autoptr(lc_policy_book) book = book_of_two("10m"), unchanged = book_of_two("10m"),
                                  changed = book_of_two("20m");
        bench *b = bench_new(policy);
        lc_fact created = bench_created("created", b->manual.now);
        current = &cases[i].clock;
        b->meanwhile = move_clock;
        b->options.book = book;
        move_clock(b);
        assert_true(bench_run(b, LC_SECOND));
        b->manual.now += cases[i].waits;
        if (cases[i].has_facts)
            bench_publish(b, 0, "lead", &created);
        assert_true(bench_run(b, LC_SECOND));
        current = &right;
        b->options.book = unchanged;
        assert_true(bench_run(b, LC_SECOND));
        b->options.book = changed;
        assert_int_equal(bench_run(b, LC_SECOND), cases[i].may_change);
        bench_free(b);
    }
}

/* The next owner's clock is behind, or right where the last one's was ahead. */
static void
a_clock_that_is_behind_takes_no_document_out_of_effect(void **state)
{
    static const row right = {.name = "right"}, behind = {.name = "behind", .ahead = -LC_HOUR, .then = -LC_HOUR};
    (void)state;
    g_autoptr(lc_policy_book) book = book_of_two("10m");
    bench *b = start(&right, 0);
    b->options.book = book;
    b->manual.now += 6 * LC_MINUTE;
    assert_true(bench_run(b, LC_SECOND));
    current = &behind;
    assert_true(bench_run(b, LC_SECOND));
    bench_free(b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_fire_by_a_clock_that_is_believed),
        cmocka_unit_test(no_idle_topic_and_no_backlog_raises_doubt),
        cmocka_unit_test(a_clock_that_is_ahead_puts_no_document_into_effect),
        cmocka_unit_test(a_clock_that_is_behind_takes_no_document_out_of_effect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
