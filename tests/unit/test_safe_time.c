/* Patience: a timer fires on the brokers' record times only where an input has been behind for longer. */
#include "bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define PATIENCE (20 * LC_SECOND)

/* Input 1 never comes to its end. */
typedef struct {
    const char *name;
    bool is_open_transaction; /* only its high watermark is above what was read */
    bool is_create_time;      /* its record's time is not the broker's */
    lc_duration appended;     /* after the hand-off, which is due after 10 s */
    lc_duration runs_for;
    unsigned breaches;
} row;

static const row rows[] = {
    {"behind for less than patience", false, false, 15 * LC_SECOND, PATIENCE - 2 * LC_SECOND, 0},
    {"behind for longer, the last record after the due time", false, false, 15 * LC_SECOND, PATIENCE + LC_MINUTE, 1},
    {"behind for longer, the last record before the due time", false, false, 5 * LC_SECOND, PATIENCE + LC_MINUTE, 0},
    {"behind for longer, a record whose time is not the broker's", false, true, 15 * LC_SECOND, PATIENCE + LC_MINUTE,
     0},
    {"an open transaction for less than patience", true, false, 15 * LC_SECOND, PATIENCE - 2 * LC_SECOND, 0},
    {"an open transaction for longer, the last record after", true, false, 15 * LC_SECOND, PATIENCE + LC_MINUTE, 1},
    {"an open transaction for longer, the last record before", true, false, 5 * LC_SECOND, PATIENCE + LC_MINUTE, 0},
};

static const row *current;
static const lc_log_ops *real;

static bool
answer_ends(lc_log *log, const lc_log_end **ends, size_t *n, GError **error)
{
    static lc_log_end told[BENCH_INPUTS * BENCH_PARTITIONS];
    if (!real->ends(log, ends, n, error))
        return false;
    for (size_t i = 0; i < *n; i++) {
        told[i] = (*ends)[i];
        if (told[i].topic == 1 && current->is_open_transaction)
            told[i].high_watermark = told[i].stable_end + 1;
        else if (told[i].topic == 1)
            told[i].stable_end++;
    }
    *ends = told;
    return true;
}

static void
never_ends(lc_log *log)
{
    static lc_log_ops altered;
    real = log->ops;
    altered = *log->ops;
    altered.ends = answer_ends;
    log->ops = &altered;
}

static void
timers_fire_on_record_times_after_patience(void **state)
{
    static const char policy[] = BENCH_POLICY("10s");
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        current = &rows[i];
        bench *b = bench_new(policy);
        lc_fact created = bench_created("created", b->manual.now);
        int32_t partition = bench_partition_of("lead");
        b->options.patience = PATIENCE;
        b->alter_log = never_ends;
        bench_publish(b, 0, "lead", &created);
        b->manual.now += current->appended;
        lc_memory_append(b->broker, 1, partition, LC_TEXT("lead"), LC_TEXT("no Avro"),
                         current->is_create_time ? b->manual.now : LC_ABSENT);
        b->manual.now += 10 * LC_SECOND;
        if (!bench_run(b, current->runs_for))
            fail_msg("%s: %s", current->name, b->error->message);
        unsigned breaches = bench_count(b, LC_OUTPUT_BREACHES, LC_SCHEMA_SLA_BREACHED);
        if (breaches != current->breaches)
            fail_msg("%s: %u breaches, wanted %u", current->name, breaches, current->breaches);
        bench_free(b);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(timers_fire_on_record_times_after_patience)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
