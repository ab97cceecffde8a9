/* What is kept of facts whose outcomes Kafka has refused. */
#include "bench.h"
#include "worker.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static guint most, last;

static void
look(void *data)
{
    last = g_hash_table_size(((bench *)data)->worker->poison);
    most = MAX(most, last);
}

static void
what_was_committed_is_no_longer_kept(void **state)
{
    (void)state;
    bench *b = bench_new(BENCH_POLICY("1h"));
    lc_fact created = bench_created("created", b->manual.now), rejected;
    lc_memory_broker_limits(b->broker)->max_record_bytes[LC_OUTPUT_SETTLED] = 20;
    bench_publish(b, 0, "lead", &created);
    b->meanwhile = look;
    assert_true(bench_run(b, 2 * LC_SECOND));
    rejected = bench_rejected("rejected", b->manual.now, "who knows");
    bench_publish(b, 1, "lead", &rejected);
    assert_true(bench_run(b, 10 * LC_SECOND));
    g_autofree char *reasons = bench_dead_letters(b);
    assert_string_equal(reasons, "LEAD_TOO_LARGE");
    assert_int_equal(most, 1);
    assert_int_equal(last, 0);
    bench_free(b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_was_committed_is_no_longer_kept)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
