/* Safe time, step by step: what is asked of the inputs, what is done of them, and how far time has passed. */
#include "safe_time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define PATIENCE (20 * LC_SECOND)
#define T G_GINT64_CONSTANT(1767600000000) /* 2026-01-05T08:00Z */

/* What is asked of, or done by, one of two inputs at a monotonic moment; then safe time is looked at. */
typedef struct {
    enum { ASKED, DONE, PASSES, DONE_UNCONFIRMED } what; /* the last: partitions were not counted since */
    int input;
    int64_t offset;
    lc_instant at; /* ASKED: the wall clock; DONE: LogAppendTime, or LC_ABSENT */
    int64_t ms;
    lc_instant now; /* safe time */
} stroke;

#define STROKES 12
static const struct {
    const char *name;
    stroke strokes[STROKES];
} courses[] = {
    {"an input that was never seen at its end holds time back",
     {{ASKED, 0, 0, T, 0, LC_ABSENT}, {ASKED, 1, 5, T, 0, LC_ABSENT}, {DONE, 1, 4, T + 50, 10, LC_ABSENT}}},
    {"behind for less than patience: the end that was seen counts",
     {{ASKED, 0, 0, T, 0, LC_ABSENT},
      {ASKED, 1, 0, T, 0, T},
      {ASKED, 0, 0, T + 1000, 1000, T},
      {ASKED, 1, 9, T + 1000, 1000, T},
      {DONE, 1, 3, T + 900, 2000, T},
      {PASSES, 0, 0, 0, 1000 + PATIENCE, T}}},
    {"behind for longer: the record's time counts, and time goes no further than the others",
     {{ASKED, 0, 0, T, 0, LC_ABSENT},
      {ASKED, 1, 0, T, 0, T},
      {ASKED, 0, 0, T + 1000, 1000, T},
      {ASKED, 1, 9, T + 1000, 1000, T},
      {DONE, 1, 3, T + 900, 2000, T},
      {PASSES, 0, 0, 0, 1001 + PATIENCE, T + 900},
      {DONE, 1, 4, T + 5000, 1002 + PATIENCE, T + 1000}}},
    {"behind for longer, without record times: only the end that was seen counts",
     {{ASKED, 0, 0, T + 1000, 0, LC_ABSENT},
      {ASKED, 1, 0, T, 0, T},
      {ASKED, 1, 9, T + 1000, 1000, T},
      {DONE, 1, 3, LC_ABSENT, 2000, T},
      {PASSES, 0, 0, 0, 5000 + PATIENCE, T}}},
    {"the end is reached after all: patience begins anew",
     {{ASKED, 0, 0, T + 90000, 0, LC_ABSENT},
      {ASKED, 1, 9, T, 0, LC_ABSENT},
      {DONE, 1, 3, T + 700, 1 + PATIENCE, T + 700},
      {DONE, 1, 9, T + 800, 2 + PATIENCE, T + 700},
      {ASKED, 1, 9, T + 1000, 3 + PATIENCE, T + 1000},
      {ASKED, 1, 12, T + 2000, 4 + PATIENCE, T + 1000},
      {DONE, 1, 10, T + 1500, 5 + PATIENCE, T + 1000},
      {PASSES, 0, 0, 0, 5 + 2 * PATIENCE, T + 1500}}},
    {"behind for longer: a record read since partitions were counted does not count",
     {{ASKED, 0, 0, T + 1000, 0, LC_ABSENT},
      {ASKED, 1, 0, T, 0, T},
      {ASKED, 1, 9, T + 1000, 1000, T},
      {DONE, 1, 3, T + 700, 2000, T},
      {DONE_UNCONFIRMED, 1, 4, T + 900, 1001 + PATIENCE, T + 700},
      {PASSES, 0, 0, 0, 1002 + PATIENCE, T + 900}}},
    {"it never goes back",
     {{ASKED, 0, 0, T + 1000, 0, LC_ABSENT},
      {ASKED, 1, 0, T + 1000, 0, T + 1000},
      {ASKED, 1, 0, T - 5000, 1, T + 1000},
      {ASKED, 1, 9, T - 5000, 2, T + 1000},
      {DONE, 1, 3, T - 4000, 3 + PATIENCE, T + 1000}}},
};

static void
take(lc_safe_time *safe, const stroke *one)
{
    if (one->what == ASKED)
        lc_safe_time_asked(safe, one->input, one->offset, one->at, one->ms);
    if (one->what == DONE || one->what == DONE_UNCONFIRMED)
        lc_safe_time_done(safe, one->input, one->offset, one->at);
    if (one->what != DONE_UNCONFIRMED)
        lc_safe_time_confirm(safe);
    lc_safe_time_advance(safe, one->ms, 0, PATIENCE);
}

static void
safe_time_follows_its_inputs(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(courses); i++) {
        const int64_t offsets[] = {0, 0};
        lc_safe_time safe;
        lc_safe_time_init(&safe, 2, offsets);
        for (size_t k = 0; k < STROKES && courses[i].strokes[k].now != 0; k++) {
            take(&safe, &courses[i].strokes[k]);
            if (safe.now != courses[i].strokes[k].now)
                fail_msg("%s: step %zu: %+" G_GINT64_FORMAT ", not %+" G_GINT64_FORMAT, courses[i].name, k + 1,
                         safe.now - T, courses[i].strokes[k].now - T);
        }
        lc_safe_time_clear(&safe);
    }
}

/* Their records' times are later than the facts they tell of. */
static void
republished_facts_have_no_time_until_all_inputs_were_at_their_ends(void **state)
{
    const int64_t offsets[] = {0, 0};
    lc_safe_time safe;
    (void)state;
    lc_safe_time_init(&safe, 2, offsets);
    safe.republished = true;
    take(&safe, &(stroke){ASKED, 0, 9, T, 0, 0});
    take(&safe, &(stroke){ASKED, 1, 9, T, 0, 0});
    take(&safe, &(stroke){DONE, 0, 9, T + 700, 1000, 0});
    take(&safe, &(stroke){DONE, 1, 3, T + 700, 2000 + PATIENCE, 0});
    assert_int_equal(safe.now, LC_ABSENT);
    take(&safe, &(stroke){DONE, 1, 9, T + 700, 3000 + PATIENCE, 0});
    assert_int_equal(safe.now, T);
    assert_false(safe.republished);
    lc_safe_time_clear(&safe);
}

static void
lateness_is_taken_off(void **state)
{
    const int64_t offsets[] = {0};
    lc_safe_time safe;
    (void)state;
    lc_safe_time_init(&safe, 1, offsets);
    lc_safe_time_asked(&safe, 0, 0, T, 0);
    lc_safe_time_advance(&safe, 0, 5 * LC_SECOND, PATIENCE);
    assert_int_equal(safe.now, T - 5 * LC_SECOND);
    lc_safe_time_clear(&safe);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(safe_time_follows_its_inputs),
        cmocka_unit_test(republished_facts_have_no_time_until_all_inputs_were_at_their_ends),
        cmocka_unit_test(lateness_is_taken_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
