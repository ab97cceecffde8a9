/* The engine does what architecture.md and commit-protocol.md say, on the memory log and store. */
#include "bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#ifdef __SANITIZE_ADDRESS__
/* GCC on Debian 12 brings no <sanitizer/allocator_interface.h>. */
size_t __sanitizer_get_current_allocated_bytes(void);
#else
#include <malloc.h>
#endif

static const char policy[] = BENCH_POLICY("10s");

static const char other_policy[] = BENCH_POLICY("20s");

static int
setup(void **state)
{
    *state = bench_new(policy);
    return 0;
}

static int
teardown(void **state)
{
    bench_free(*state);
    return 0;
}

static unsigned
breaches(bench *b)
{
    return bench_count(b, LC_OUTPUT_BREACHES, LC_SCHEMA_SLA_BREACHED);
}

static void
run(bench *b, lc_duration duration)
{
    bool stopped = bench_run(b, duration);
    if (b->error)
        print_error("%s\n", b->error->message);
    assert_true(stopped);
}

static void
hand_off(bench *b, const char *lead_id)
{
    lc_fact created = bench_created("created", b->manual.now);
    bench_publish(b, 0, lead_id, &created);
}

static void
a_breach_is_published_once_when_its_due_time_has_passed(void **state)
{
    bench *b = *state;
    hand_off(b, "lead");
    run(b, 9 * LC_SECOND);
    assert_int_equal(breaches(b), 0);
    assert_int_equal(bench_counter(b, "handed_off"), 1);
    run(b, 3 * LC_SECOND);
    assert_int_equal(breaches(b), 1);
    assert_int_equal(bench_counter(b, "first_contact_breached"), 1);
    run(b, LC_MINUTE);
    assert_int_equal(breaches(b), 1);
}

static void
a_contact_in_time_prevents_it(void **state)
{
    bench *b = *state;
    hand_off(b, "lead");
    run(b, 5 * LC_SECOND);
    lc_fact contacted = bench_contacted("contacted", b->manual.now);
    bench_publish(b, 1, "lead", &contacted);
    run(b, LC_MINUTE);
    assert_int_equal(breaches(b), 0);
    assert_int_equal(bench_counter(b, "first_contact_met"), 1);
}

static void
a_contact_that_comes_late_takes_the_breach_back(void **state)
{
    bench *b = *state;
    hand_off(b, "lead");
    lc_fact contacted = bench_contacted("contacted", b->manual.now + 5 * LC_SECOND);
    run(b, 15 * LC_SECOND);
    assert_int_equal(breaches(b), 1);
    bench_publish(b, 1, "lead", &contacted);
    run(b, LC_SECOND);
    assert_int_equal(bench_count(b, LC_OUTPUT_BREACHES, LC_SCHEMA_RETRACTED), 1);
    assert_int_equal(bench_counter(b, "first_contact_breached"), 0);
}

static void
lateness_is_waited_for(void **state)
{
    bench *b = *state;
    b->options.lateness = 5 * LC_SECOND;
    hand_off(b, "lead");
    run(b, 14 * LC_SECOND);
    assert_int_equal(breaches(b), 0);
    run(b, 3 * LC_SECOND);
    assert_int_equal(breaches(b), 1);
}

static void
a_backlog_is_read_before_any_timer_fires(void **state)
{
    bench *b = *state;
    b->options.batch_facts = 1;
    lc_instant began = b->manual.now;
    for (int i = 0; i < 50; i++) {
        g_autofree char *lead_id = g_strdup_printf("lead-%d", i);
        hand_off(b, lead_id);
    }
    lc_fact contacted = bench_contacted("contacted", began + LC_SECOND);
    for (int i = 0; i < 50; i++) {
        g_autofree char *lead_id = g_strdup_printf("lead-%d", i);
        bench_publish(b, 1, lead_id, &contacted);
    }
    b->manual.now += LC_HOUR;
    run(b, LC_MINUTE);
    assert_int_equal(bench_counter(b, "first_contact_met"), 50);
    assert_int_equal(breaches(b), 0);
}

static void
an_open_transaction_of_a_publisher_holds_time_back(void **state)
{
    bench *b = *state;
    int32_t partition = bench_partition_of("lead");
    lc_fact contacted = bench_contacted("contacted", b->manual.now + LC_SECOND);
    g_autoptr(GBytes) value = bench_encode("lead", &contacted);
    hand_off(b, "lead");
    lc_memory_append_open(b->broker, "publisher", 1, partition, LC_TEXT("lead"),
                          (lc_text){g_bytes_get_data(value, NULL), g_bytes_get_size(value)});
    run(b, 30 * LC_SECOND);
    assert_int_equal(breaches(b), 0);
    lc_memory_end_open(b->broker, "publisher", true);
    run(b, 10 * LC_SECOND);
    assert_int_equal(breaches(b), 0);
    assert_int_equal(bench_counter(b, "first_contact_met"), 1);
}

static void
a_transaction_that_is_aborted_lets_time_go_on(void **state)
{
    bench *b = *state;
    lc_memory_append_open(b->broker, "publisher", 1, bench_partition_of("lead"), LC_TEXT("lead"), LC_TEXT("x"));
    hand_off(b, "lead");
    run(b, 30 * LC_SECOND);
    assert_int_equal(breaches(b), 0);
    lc_memory_end_open(b->broker, "publisher", false);
    run(b, 5 * LC_SECOND);
    assert_int_equal(breaches(b), 1);
}

static void
an_emptied_store_is_made_anew_from_the_changelogs(void **state)
{
    bench *b = *state;
    int32_t partition = bench_partition_of("lead");
    hand_off(b, "lead");
    run(b, 5 * LC_SECOND);
    g_autoptr(GBytes) before = g_bytes_ref(lc_memory_redis_lead(b->redis, partition, LC_TEXT("lead")));
    lc_instant wake_at = lc_memory_redis_wakeup(b->redis, partition, LC_TEXT("lead"));
    lc_memory_redis_empty(b->redis);
    run(b, 3 * LC_SECOND);
    GBytes *after = lc_memory_redis_lead(b->redis, partition, LC_TEXT("lead"));
    assert_non_null(after);
    assert_true(g_bytes_equal(before, after));
    assert_int_equal(lc_memory_redis_wakeup(b->redis, partition, LC_TEXT("lead")), wake_at);
    assert_int_equal(bench_counter(b, "handed_off"), 1);
    run(b, 10 * LC_SECOND);
    assert_int_equal(breaches(b), 1);
}

static void
a_store_that_is_down_is_waited_for(void **state)
{
    bench *b = *state;
    hand_off(b, "lead");
    lc_memory_redis_set_down(b->redis, true);
    run(b, 5 * LC_SECOND);
    assert_int_equal(lc_memory_committed(b->broker, 0, bench_partition_of("lead"), NULL), -1);
    lc_memory_redis_set_down(b->redis, false);
    run(b, 15 * LC_SECOND);
    assert_int_equal(breaches(b), 1);
}

static void
erase_after_a_minute(void *data)
{
    bench *b = data;
    if (b->manual.now < BENCH_BEGIN + LC_MINUTE)
        return;
    lc_memory_append(b->broker, 0, bench_partition_of("lead"), LC_TEXT("lead"), LC_NO_TEXT, LC_ABSENT);
    b->meanwhile = NULL;
}

static void
a_null_value_erases_the_lead(void **state)
{
    bench *b = *state;
    hand_off(b, "lead");
    b->meanwhile = erase_after_a_minute;
    run(b, 2 * LC_MINUTE);
    assert_int_equal(bench_counter(b, "erased"), 1);
    assert_int_equal(bench_count(b, LC_OUTPUT_SETTLED, LC_SCHEMA_LEAD_SETTLED), 1);
}

static void
an_erasure_in_a_backlog_settles_the_cycle(void **state)
{
    bench *b = *state;
    lc_fact created = bench_created("created", b->manual.now);
    bench_publish(b, 0, "lead", &created);
    b->manual.now += LC_MINUTE;
    lc_memory_append(b->broker, 0, bench_partition_of("lead"), LC_TEXT("lead"), LC_NO_TEXT, LC_ABSENT);
    run(b, LC_MINUTE);
    assert_int_equal(bench_counter(b, "handed_off"), 1);
    assert_int_equal(bench_counter(b, "erased"), 1);
    bench_publish(b, 0, "lead", &created);
    run(b, LC_MINUTE);
    assert_int_equal(bench_counter(b, "handed_off"), 1);
}

static void
the_same_fact_again_changes_nothing(void **state)
{
    bench *b = *state;
    lc_fact rejected = bench_rejected("rejected", b->manual.now + LC_SECOND, "who knows");
    hand_off(b, "lead");
    for (int i = 0; i < 3; i++)
        bench_publish(b, 1, "lead", &rejected);
    run(b, 5 * LC_SECOND);
    assert_int_equal(bench_count(b, LC_OUTPUT_SETTLED, LC_SCHEMA_LEAD_SETTLED), 1);
    assert_int_equal(bench_count(b, LC_OUTPUT_ROUTED, LC_SCHEMA_LEAD_ROUTED), 1);
    assert_int_equal(bench_counter(b, "rejected"), 1);
}

/* ---- Dead letters ---- */

static const struct {
    const char *reason;
    const char *key;
    const char *lead_id; /* of a fact; NULL: the value below */
    const char *value;
    size_t size;
    lc_duration ahead;
    int32_t shift; /* of the partition */
} hostile[] = {
    {"UNREADABLE", "a", NULL, "no frame at all", 15, 0, 0},
    {"UNREADABLE", "a", NULL, "\0\0\0\0\1\xff\xff\xff\xff\xff\xff\xff\xff\xff", 14, 0, 0},
    {"UNREADABLE", "a", NULL, "", 0, 0, 0},
    {"UNKNOWN_SCHEMA", "a", NULL, "\0\0\0\x27\x0f???", 8, 0, 0},
    {"UNKNOWN_TYPE", "a", NULL, "\0\0\0\0\12???", 8, 0, 0},
    {"BAD_FACT", "a", "a", NULL, 0, LC_DAY, 0},
    {"KEY_MISMATCH", "a", "b", NULL, 0, 0, 0},
    {"WRONG_PARTITION", "a", "a", NULL, 0, 0, 1},
};

static void
what_is_no_fact_goes_to_the_dead_letters_with_its_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(hostile); i++) {
        bench *b = bench_new(policy);
        lc_fact created = bench_created("created", b->manual.now + hostile[i].ahead);
        g_autoptr(GBytes) fact = bench_encode(hostile[i].lead_id ? hostile[i].lead_id : "a", &created);
        lc_text value = hostile[i].lead_id ? (lc_text){g_bytes_get_data(fact, NULL), g_bytes_get_size(fact)}
                                           : (lc_text){hostile[i].value, hostile[i].size};
        lc_memory_append(b->broker, 0, (bench_partition_of(hostile[i].key) + hostile[i].shift) % BENCH_PARTITIONS,
                         lc_text_of(hostile[i].key), value, LC_ABSENT);
        hand_off(b, "good");
        run(b, 10 * LC_SECOND);
        g_autofree char *reasons = bench_dead_letters(b);
        assert_string_equal(reasons, hostile[i].reason);
        assert_int_equal(bench_counter(b, "handed_off"), 1);
        bench_free(b);
    }
}

static void
a_fact_whose_outcomes_are_refused_for_their_size_goes_to_the_dead_letters(void **state)
{
    bench *b = *state;
    lc_fact rejected = bench_rejected("rejected", b->manual.now + LC_SECOND, "who knows");
    lc_memory_broker_limits(b->broker)->max_record_bytes[LC_OUTPUT_SETTLED] = 20;
    hand_off(b, "lead");
    hand_off(b, "other");
    run(b, 2 * LC_SECOND);
    bench_publish(b, 1, "lead", &rejected);
    run(b, 10 * LC_SECOND);
    g_autofree char *reasons = bench_dead_letters(b);
    assert_string_equal(reasons, "LEAD_TOO_LARGE");
    assert_int_equal(bench_counter(b, "handed_off"), 2);
    assert_int_equal(bench_counter(b, "rejected"), 0);
}

static void
a_dead_letter_that_is_refused_for_its_size_is_sent_shorter(void **state)
{
    bench *b = *state;
    g_autofree char *huge = g_strnfill(300000, 'x');
    lc_memory_broker_limits(b->broker)->max_record_bytes[LC_OUTPUT_DEAD_LETTERS] = 200000;
    lc_memory_append(b->broker, 0, bench_partition_of("lead"), LC_TEXT("lead"), lc_text_of(huge), LC_ABSENT);
    hand_off(b, "lead");
    run(b, 10 * LC_SECOND);
    g_autofree char *reasons = bench_dead_letters(b);
    assert_string_equal(reasons, "BAD_FACT");
    assert_int_equal(bench_counter(b, "handed_off"), 1);
}

/* ---- What others see of it ---- */

typedef struct {
    bench *b;
    lc_memory_fault fault;
    lc_instant from;   /* of the fault */
    lc_duration quiet; /* the longest that the loop did not go round */
    char waiting_for[256];
    uint64_t transactions;
} onlooker;

static onlooker watching;

static bool
has_fault(lc_memory_world *world, lc_memory_fault fault)
{
    return fault == watching.fault && world->now(world) >= watching.from;
}

static void
look(void *data)
{
    bench *b = data;
    lc_worker_report report;
    if (b->worker == NULL)
        return;
    lc_worker_get_report(b->worker, &report);
    watching.quiet = MAX(watching.quiet, b->time.monotonic_ms(&b->time) - report.turned_ms);
    memcpy(watching.waiting_for, report.waiting_for, sizeof watching.waiting_for);
    watching.transactions = 0;
    for (int i = 0; i < LC_HISTOGRAM_BUCKETS; i++)
        watching.transactions += report.transaction_ms.counts[i];
    lc_worker_report_clear(&report);
}

static void
watch(bench *b, lc_memory_fault fault, lc_instant from)
{
    watching = (onlooker){.b = b, .fault = fault, .from = from};
    b->manual.world.fault = has_fault;
    b->meanwhile = look;
}

static void
a_recovery_that_waits_is_alive_and_says_so(void **state)
{
    bench *b = *state;
    hand_off(b, "lead");
    run(b, 2 * LC_SECOND);
    lc_memory_redis_empty(b->redis);
    watch(b, LC_MEMORY_FAULT_FETCH, 0);
    run(b, 5 * LC_MINUTE);
    assert_in_range(watching.quiet, 0, 30 * LC_SECOND);
    assert_non_null(strstr(watching.waiting_for, "changelog"));
}

static void
brokers_that_are_away_are_noticed_though_nothing_is_to_be_done(void **state)
{
    bench *b = *state;
    watch(b, LC_MEMORY_FAULT_ENDS, b->manual.now + 30 * LC_SECOND);
    run(b, 20 * LC_SECOND);
    assert_string_equal(watching.waiting_for, "");
    run(b, LC_MINUTE);
    assert_non_null(strstr(watching.waiting_for, "Kafka"));
}

static bool
join_nothing(lc_log *log, GError **error)
{
    (void)log, (void)error;
    return true;
}

static void
has_no_coordinator(lc_log *log)
{
    static lc_log_ops altered;
    altered = *log->ops;
    altered.subscribe = join_nothing;
    log->ops = &altered;
}

static void
a_group_that_gives_no_partitions_is_told(void **state)
{
    bench *b = *state;
    b->alter_log = has_no_coordinator;
    watch(b, LC_MEMORY_FAULT_FETCH, LC_NEVER);
    run(b, 5 * LC_SECOND);
    assert_string_equal(watching.waiting_for, "");
    run(b, LC_MINUTE);
    assert_non_null(strstr(watching.waiting_for, "partitions"));
}

static void
large_records_do_not_make_large_batches(void **state)
{
    bench *b = *state;
    g_autofree char *huge = g_strnfill(8000000, 'x');
    for (int i = 0; i < 20; i++)
        lc_memory_append(b->broker, 0, bench_partition_of("lead"), LC_TEXT("lead"), lc_text_of(huge), LC_ABSENT);
    watch(b, LC_MEMORY_FAULT_FETCH, LC_NEVER);
    run(b, 10 * LC_SECOND);
    assert_in_range(watching.transactions, 3, 10);
}

/* The bytes of states in the largest transaction. */
static size_t largest_transaction;

static void
weigh(lc_memory_world *world, const lc_memory_decided *decided)
{
    size_t bytes = 0;
    (void)world;
    for (size_t i = 0; i < decided->n_records; i++)
        if (decided->records[i].topic == LC_MEMORY_OUTPUT(LC_OUTPUT_STATE))
            bytes += decided->records[i].record->value.size;
    largest_transaction = MAX(largest_transaction, bytes);
}

static void
large_leads_do_not_make_large_batches(void **state)
{
    bench *b = *state;
    enum { LEADS = 600 };
    size_t state_bytes = 0;
    for (int i = 0; i < LEADS; i++) {
        g_autofree char *lead_id = g_strdup_printf("lead-%d", i);
        hand_off(b, lead_id);
    }
    run(b, 2 * LC_SECOND);
    for (int32_t partition = 0; partition < BENCH_PARTITIONS; partition++) {
        GHashTableIter iter;
        gpointer value;
        g_hash_table_iter_init(&iter, lc_memory_redis_leads(b->redis, partition));
        while (g_hash_table_iter_next(&iter, NULL, &value))
            state_bytes += g_bytes_get_size(value);
    }
    /* All are due at once, and then all are contacted at once: a tenth has room. A read is of 128 leads. */
    b->options.batch_facts = b->options.batch_wakeups = LEADS;
    b->options.batch_bytes = state_bytes / 10;
    b->manual.world.decided = weigh;
    largest_transaction = 0;
    run(b, 15 * LC_SECOND);
    assert_int_equal(breaches(b), LEADS);
    assert_in_range(largest_transaction, 1, state_bytes / 10 + 2 * 128 * state_bytes / LEADS);
    largest_transaction = 0;
    for (int i = 0; i < LEADS; i++) {
        g_autofree char *lead_id = g_strdup_printf("lead-%d", i);
        lc_fact contacted = bench_contacted("contacted", b->manual.now);
        bench_publish(b, 1, lead_id, &contacted);
    }
    run(b, 15 * LC_SECOND);
    assert_in_range(largest_transaction, 1, state_bytes / 10 + 2 * 128 * state_bytes / LEADS);
    for (int32_t partition = 0; partition < BENCH_PARTITIONS; partition++)
        assert_int_equal(lc_memory_committed(b->broker, 1, partition, NULL), lc_memory_end(b->broker, 1, partition));
    assert_int_equal(bench_counter(b, "handed_off"), LEADS);
    assert_int_equal(bench_counter(b, "first_contact_met") + bench_counter(b, "first_contact_breached"), LEADS);
}

/* ---- Partitions by themselves ---- */

static unsigned n_fenced;

static void
count_fenced(lc_memory_world *world, const char *transactional_id)
{
    (void)world, (void)transactional_id;
    n_fenced++;
}

/* What is committed names an owner, as if it had been here before. */
static void
commit_as(bench *b, int32_t partition, const char *owner)
{
    g_autofree char *hash = lc_policy_book_hash(b->book, b->manual.now);
    g_autofree char *metadata = g_strdup_printf("3:%d:%d:0:0:%s:%s", BENCH_PARTITIONS, LC_POLICY_EDITION, hash, owner);
    for (int topic = 0; topic < BENCH_INPUTS; topic++)
        lc_memory_set_committed(b->broker, topic, partition, 0, metadata);
}

static void
nobody_is_fenced_but_workers_of_ours(void **state)
{
    static const struct {
        const char *owner;
        unsigned fenced; /* once an assignment */
    } cases[] = {{"reset", 0}, {"publisher-7", 0}, {"", 0}, {"worker-9", 1}};
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        bench *b = bench_new(policy);
        n_fenced = 0;
        b->manual.world.fenced = count_fenced;
        for (int32_t partition = 0; partition < BENCH_PARTITIONS; partition++)
            commit_as(b, partition, cases[i].owner);
        hand_off(b, "lead");
        run(b, 15 * LC_SECOND);
        assert_int_equal(n_fenced, cases[i].fenced);
        assert_int_equal(breaches(b), 1);
        bench_free(b);
    }
}

static bool
does_not_answer(lc_log *log, const char *transactional_id, bool *member, GError **error)
{
    (void)log, (void)transactional_id;
    *member = false;
    g_set_error(error, LC_ERROR, LC_ERROR_RETRY, "the coordinator does not answer");
    return false;
}

static void
asks_in_vain(lc_log *log)
{
    static lc_log_ops altered;
    altered = *log->ops;
    altered.is_member = does_not_answer;
    log->ops = &altered;
}

static void
an_owner_of_whom_nothing_is_known_is_not_fenced(void **state)
{
    (void)state;
    bench *b = bench_new(policy);
    n_fenced = 0;
    b->manual.world.fenced = count_fenced;
    b->alter_log = asks_in_vain;
    for (int32_t partition = 0; partition < BENCH_PARTITIONS; partition++)
        commit_as(b, partition, "worker-9");
    hand_off(b, "lead");
    run(b, 15 * LC_SECOND);
    assert_int_equal(n_fenced, 0);
    assert_int_equal(breaches(b), 1);
    bench_free(b);
}

static void
reset_commits_without_an_owner(void **state)
{
    g_autofree char *metadata = lc_reset_metadata("hash", 4, false);
    (void)state;
    g_autofree char *expected = g_strdup_printf("3:4:%d:0:0:hash:", LC_POLICY_EDITION);
    assert_string_equal(metadata, expected);
}

/* Two leads in different partitions. */
static void
two_leads(char *names[2])
{
    for (int32_t partition = 0; partition < 2; partition++)
        for (int i = 0; names[partition] == NULL; i++) {
            g_autofree char *name = g_strdup_printf("lead-%d", i);
            if (bench_partition_of(name) == partition)
                names[partition] = g_steal_pointer(&name);
        }
}

static const struct {
    bool holds_offsets; /* of the partition; otherwise a record in its changelog */
} holds[] = {{false}, {true}};

static void
a_partition_that_waits_for_a_dead_owner_holds_up_no_other(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(holds); i++) {
        bench *b = bench_new(policy);
        char *names[2] = {NULL, NULL};
        two_leads(names);
        lc_memory_broker_limits(b->broker)->may_not_fence = true;
        commit_as(b, 0, "worker-9");
        if (holds[i].holds_offsets)
            lc_memory_send_open(b->broker, "worker-9", 0, 0, 0);
        else
            lc_memory_append_open(b->broker, "worker-9", LC_MEMORY_OUTPUT(LC_OUTPUT_STATE), 0, LC_TEXT("x"),
                                  LC_TEXT("y"));
        hand_off(b, names[0]);
        hand_off(b, names[1]);
        watch(b, LC_MEMORY_FAULT_FETCH, LC_NEVER);
        run(b, 13 * LC_SECOND);
        assert_int_equal(breaches(b), 1); /* a fact and a timer, in time */
        assert_non_null(strstr(watching.waiting_for, "partition 0"));
        lc_memory_end_open(b->broker, "worker-9", false);
        run(b, 3 * LC_SECOND);
        assert_int_equal(breaches(b), 2);
        assert_string_equal(watching.waiting_for, "");
        g_free(names[0]);
        g_free(names[1]);
        bench_free(b);
    }
}

/* Of the two partitions the ends of the first are never told. */
static bool
is_silent(lc_memory_world *world, lc_memory_fault fault)
{
    static unsigned n_asked;
    (void)world;
    return fault == LC_MEMORY_FAULT_ENDS_OF_ONE && n_asked++ % 2 == 0;
}

static void
a_partition_whose_ends_are_not_told_holds_up_no_timer_of_another(void **state)
{
    bench *b = *state;
    char *names[2] = {NULL, NULL};
    two_leads(names);
    hand_off(b, names[0]);
    hand_off(b, names[1]);
    watch(b, LC_MEMORY_FAULT_FETCH, LC_NEVER);
    b->manual.world.fault = is_silent;
    run(b, 13 * LC_SECOND);
    assert_int_equal(breaches(b), 1);
    assert_non_null(strstr(watching.waiting_for, "partition 0"));
    b->manual.world.fault = NULL;
    run(b, 3 * LC_SECOND);
    assert_int_equal(breaches(b), 2);
    g_free(names[0]);
    g_free(names[1]);
}

/* ---- Where it must stop ---- */

static void
assert_stops(bench *b, lc_error code, const char *word)
{
    assert_false(bench_run(b, LC_MINUTE));
    assert_true(g_error_matches(b->error, LC_ERROR, (int)code));
    if (strstr(b->error->message, word) == NULL)
        fail_msg("\"%s\" says nothing of %s", b->error->message, word);
}

static void
changelogs_without_committed_offsets_stop_it(void **state)
{
    bench *b = *state;
    hand_off(b, "lead");
    run(b, 2 * LC_SECOND);
    lc_memory_forget_group(b->broker);
    assert_stops(b, LC_ERROR_FATAL, "reset");
}

static void
a_store_ahead_of_kafka_stops_it(void **state)
{
    bench *b = *state;
    hand_off(b, "lead");
    run(b, 2 * LC_SECOND);
    lc_memory_broker_free(b->broker);
    b->broker = lc_memory_broker_new(&b->manual.world, BENCH_INPUTS, BENCH_PARTITIONS);
    assert_stops(b, LC_ERROR_FATAL, "rebuild");
}

static size_t
allocated_bytes(void)
{
#ifdef __SANITIZE_ADDRESS__
    return __sanitizer_get_current_allocated_bytes();
#else
    return mallinfo2().uordblks + mallinfo2().hblkhd;
#endif
}

static bool
refuse_write(lc_store *store, lc_store_write *writes, size_t n, GError **error)
{
    (void)store, (void)writes, (void)n;
    g_set_error(error, LC_ERROR, LC_ERROR_RETRY, "it has no room");
    return false;
}

static lc_store_ops refusing; /* otherwise as any other */
static const lc_store_ops *whole;
static size_t first_bytes, last_bytes;

static void
refuse_writes(void *data)
{
    bench *b = data;
    lc_store *store = b->options.store;
    if (store->ops != &refusing) {
        refusing = *store->ops;
        refusing.write_begin = refuse_write;
        store->ops = &refusing;
    }
    last_bytes = allocated_bytes();
    if (first_bytes == 0 && b->manual.now > BENCH_BEGIN + LC_MINUTE)
        first_bytes = last_bytes;
}

/* For days, perhaps: its memory is full, or its disk. */
static void
a_store_that_takes_no_writes_is_waited_for_in_as_much_memory(void **state)
{
    bench *b = *state;
    hand_off(b, "lead");
    run(b, 2 * LC_SECOND);
    lc_memory_redis_empty(b->redis);
    b->meanwhile = refuse_writes;
    run(b, LC_HOUR / 2);
    assert_true(first_bytes > 0);
    assert_in_range(last_bytes, 0, first_bytes + 512 * 1024);
}

/* As where a slot is being moved, and the position is still where it was. */
static bool
refuse_leads(lc_store *store, lc_store_read *reads, size_t n, GError **error)
{
    for (size_t i = 0; i < n; i++)
        if (reads[i].n_leads) {
            g_set_error(error, LC_ERROR, LC_ERROR_RETRY, "its leads are elsewhere");
            return false;
        }
    return whole->read_begin(store, reads, n, error);
}

static unsigned n_ready, n_waiting;

static void
refuse_all_leads(void *data)
{
    bench *b = data;
    lc_store *store = b->options.store;
    if (store->ops != &refusing) {
        whole = store->ops;
        refusing = *whole;
        refusing.read_begin = refuse_leads;
        store->ops = &refusing;
        n_ready = n_waiting = 0;
    }
    look(b);
    if (b->manual.now > BENCH_BEGIN + LC_MINUTE)
        *(watching.waiting_for[0] ? &n_waiting : &n_ready) += 1;
}

/* Each recovery looks well, and no batch after it does. */
static void
a_store_that_has_only_the_position_is_told_all_the_time(void **state)
{
    bench *b = *state;
    hand_off(b, "lead");
    run(b, 2 * LC_SECOND);
    hand_off(b, "other");
    b->meanwhile = refuse_all_leads;
    run(b, 3 * LC_MINUTE);
    assert_non_null(strstr(watching.waiting_for, "its leads are elsewhere"));
    assert_int_equal(n_ready, 0);
    assert_in_range(n_waiting, 1, UINT_MAX);
}

static void
a_changelog_that_has_lost_its_end_stops_it(void **state)
{
    bench *b = *state;
    hand_off(b, "lead");
    run(b, 2 * LC_SECOND);
    lc_memory_lose_tail(b->broker, LC_MEMORY_OUTPUT(LC_OUTPUT_COUNTERS), bench_partition_of("lead"), 0);
    assert_stops(b, LC_ERROR_FATAL, "lost records of a changelog");
}

/* C was 1; what is written there now, and its marker, reach beyond. */
static void
lose_states(void *data)
{
    bench *b = data;
    if (b->manual.now < BENCH_BEGIN + 10 * LC_SECOND)
        return;
    lc_fact contacted = bench_contacted("contacted", b->manual.now);
    lc_memory_lose_tail(b->broker, LC_MEMORY_OUTPUT(LC_OUTPUT_STATE), bench_partition_of("lead"), 0);
    bench_publish(b, 1, "lead", &contacted);
    b->meanwhile = NULL;
}

static void
a_changelog_that_loses_its_end_stops_who_writes_there_and_who_comes_next(void **state)
{
    bench *b = *state;
    hand_off(b, "lead");
    run(b, 2 * LC_SECOND);
    b->meanwhile = lose_states;
    assert_stops(b, LC_ERROR_FATAL, "then went on at 0");
    assert_in_range(lc_memory_end(b->broker, LC_MEMORY_OUTPUT(LC_OUTPUT_STATE), bench_partition_of("lead")), 1, 10);
    assert_stops(b, LC_ERROR_FATAL, "then went on at 0");
    assert_stops(b, LC_ERROR_FATAL, "then went on at 0");
}

static void
committed_offsets_of_an_earlier_time_stop_it(void **state)
{
    bench *b = *state;
    int32_t partition = bench_partition_of("lead");
    const char *metadata;
    hand_off(b, "lead");
    run(b, 2 * LC_SECOND);
    int64_t offset = lc_memory_committed(b->broker, 0, partition, &metadata);
    g_autofree char *earlier = g_strdup(metadata);
    lc_fact contacted = bench_contacted("contacted", b->manual.now);
    bench_publish(b, 0, "lead", &contacted);
    run(b, 2 * LC_SECOND);
    lc_memory_set_committed(b->broker, 0, partition, offset, earlier);
    lc_memory_set_committed(b->broker, 1, partition, 0, earlier);
    lc_memory_redis_empty(b->redis);
    assert_stops(b, LC_ERROR_FATAL, "lost committed offsets");
    assert_stops(b, LC_ERROR_FATAL, "lost committed offsets");
}

static struct {
    lc_replay_result (*read)(lc_log *log, int timeout_ms, lc_replayed *replayed, GError **error);
    unsigned n_records;
} replaying;

static lc_replay_result
count_replayed(lc_log *log, int timeout_ms, lc_replayed *replayed, GError **error)
{
    lc_replay_result result = replaying.read(log, timeout_ms, replayed, error);
    replaying.n_records += result == LC_REPLAY_RECORD;
    return result;
}

static void
counts_what_it_replays(lc_log *log)
{
    static lc_log_ops altered;
    altered = *log->ops;
    replaying.read = altered.replay_read;
    replaying.n_records = 0;
    altered.replay_read = count_replayed;
    log->ops = &altered;
}

/* Each would stay in memory until the end of the changelog. */
static void
one_record_proves_that_offsets_are_of_an_earlier_time(void **state)
{
    bench *b = *state;
    int32_t partition = bench_partition_of("lead");
    const char *metadata;
    hand_off(b, "lead");
    run(b, 2 * LC_SECOND);
    int64_t offset = lc_memory_committed(b->broker, 0, partition, &metadata);
    g_autofree char *earlier = g_strdup(metadata);
    b->options.batch_facts = 1;
    for (int i = 0; i < 50; i++) {
        g_autofree char *event_id = g_strdup_printf("contacted-%d", i);
        lc_fact contacted = bench_contacted(event_id, b->manual.now + i);
        bench_publish(b, 0, "lead", &contacted);
    }
    run(b, 10 * LC_SECOND);
    lc_memory_set_committed(b->broker, 0, partition, offset, earlier);
    lc_memory_set_committed(b->broker, 1, partition, 0, earlier);
    lc_memory_redis_empty(b->redis);
    b->alter_log = counts_what_it_replays;
    assert_stops(b, LC_ERROR_FATAL, "lost committed offsets");
    assert_in_range(replaying.n_records, 1, 10);
}

static void
inputs_deleted_before_they_were_read_stop_it(void **state)
{
    bench *b = *state;
    int32_t partition = bench_partition_of("lead");
    hand_off(b, "lead");
    run(b, 2 * LC_SECOND);
    hand_off(b, "lead");
    hand_off(b, "lead");
    lc_memory_truncate(b->broker, 0, partition, 2);
    assert_stops(b, LC_ERROR_FATAL, "deleted");
}

static void
end_publishers_transaction(bench *b, int32_t partition)
{
    lc_memory_append_open(b->broker, "publisher", 0, partition, LC_TEXT("lead"), LC_TEXT("never to be seen"));
    lc_memory_end_open(b->broker, "publisher", false);
}

static void
deleted_input_that_held_no_fact_stops_nothing(void **state)
{
    bench *b = *state;
    int32_t partition = bench_partition_of("lead");
    hand_off(b, "lead");
    run(b, 2 * LC_SECOND);
    end_publishers_transaction(b, partition);
    run(b, 3 * LC_MINUTE);
    lc_memory_truncate(b->broker, 0, partition, lc_memory_end(b->broker, 0, partition));
    run(b, 2 * LC_SECOND);
    hand_off(b, "lead-2");
    run(b, 2 * LC_SECOND);
    assert_int_equal(bench_counter(b, "handed_off"), 2);
}

/* Compaction never moves the beginning of a changelog. */
static void
a_changelog_whose_beginning_was_deleted_rebuilds_nothing(void **state)
{
    bench *b = *state;
    int32_t partition = bench_partition_of("lead");
    hand_off(b, "lead");
    run(b, 2 * LC_SECOND);
    lc_memory_truncate(b->broker, LC_MEMORY_OUTPUT(LC_OUTPUT_STATE), partition, 1);
    run(b, 2 * LC_SECOND);
    assert_int_equal(bench_counter(b, "handed_off"), 1);
    lc_memory_redis_empty(b->redis);
    assert_stops(b, LC_ERROR_FATAL, "reset");
}

static bool
say_one_partition(lc_log *log, int32_t *partitions, GError **error)
{
    (void)log, (void)error;
    *partitions = 1;
    return true;
}

static void
had_one_partition(lc_log *log)
{
    static lc_log_ops altered;
    altered = *log->ops;
    altered.check_topics = say_one_partition;
    log->ops = &altered;
}

static void
topics_that_grow_stop_it(void **state)
{
    bench *b = *state;
    lc_memory_redis_free(b->redis);
    b->redis = lc_memory_redis_new(&b->manual.world, 1);
    b->alter_log = had_one_partition;
    assert_stops(b, LC_ERROR_CONFIG, "had 1 when this started");
}

static lc_instant differ_until;          /* what a broker says that has not heard of all that grew */
static lc_instant away_from, away_until; /* none says anything */
static bench *differing;

static bool
say_that_they_differ(lc_log *log, int32_t *partitions, GError **error)
{
    (void)log;
    *partitions = BENCH_PARTITIONS;
    if (differing->manual.now >= differ_until)
        return true;
    if (differing->manual.now >= away_from && differing->manual.now < away_until) {
        g_set_error(error, LC_ERROR, LC_ERROR_RETRY, "no broker answers");
        return false;
    }
    g_set_error(error, LC_ERROR, LC_ERROR_CONFIG, "numbers of partitions differ");
    return false;
}

static void
is_told_that_they_differ(lc_log *log)
{
    static lc_log_ops altered;
    altered = *log->ops;
    altered.check_topics = say_that_they_differ;
    log->ops = &altered;
}

static void
topics_that_have_just_grown_may_differ_for_a_while(void **state)
{
    bench *b = *state;
    differing = b;
    differ_until = b->manual.now + 5 * LC_SECOND;
    b->alter_log = is_told_that_they_differ;
    hand_off(b, "lead");
    run(b, 20 * LC_SECOND);
    assert_int_equal(bench_counter(b, "handed_off"), 1);
    differ_until = LC_NEVER;
    assert_stops(b, LC_ERROR_CONFIG, "numbers of partitions differ");
}

/* Longer than that in all, but not at a stretch. */
static void
they_may_differ_anew_once_brokers_were_away(void **state)
{
    bench *b = *state;
    differing = b;
    away_from = b->manual.now + 8 * LC_SECOND;
    away_until = away_from + 4 * LC_SECOND;
    differ_until = away_until + 8 * LC_SECOND;
    b->alter_log = is_told_that_they_differ;
    hand_off(b, "lead");
    run(b, 40 * LC_SECOND);
    away_until = 0;
    assert_int_equal(bench_counter(b, "handed_off"), 1);
}

/* As if it had been committed by another: `beginning` in place of the first fields of our metadata. */
static void
rewrite_metadata(bench *b, int32_t partition, const char *beginning, unsigned dropped)
{
    for (int topic = 0; topic < BENCH_INPUTS; topic++) {
        const char *rest;
        int64_t offset = lc_memory_committed(b->broker, topic, partition, &rest);
        for (unsigned i = 0; i < dropped; i++)
            rest = strchr(rest, ':') + 1;
        g_autofree char *text = g_strconcat(beginning, rest, NULL);
        lc_memory_set_committed(b->broker, topic, partition, offset, text);
    }
}

static void
offsets_of_another_number_of_partitions_stop_it(void **state)
{
    bench *b = *state;
    hand_off(b, "lead");
    run(b, 2 * LC_SECOND);
    rewrite_metadata(b, 0, "3:7:", 2);
    assert_stops(b, LC_ERROR_CONFIG, "had 7 partitions");
    lc_memory_redis_empty(b->redis);
    assert_stops(b, LC_ERROR_CONFIG, "leadclock repartition");
}

static void
metadata_of_an_older_version_is_read(void **state)
{
    bench *b = *state;
    hand_off(b, "lead");
    run(b, 2 * LC_SECOND);
    for (int32_t p = 0; p < BENCH_PARTITIONS; p++)
        rewrite_metadata(b, p, "1:", 3);
    lc_memory_redis_empty(b->redis);
    assert_stops(b, LC_ERROR_CONFIG, "by edition 1");
    b->options.accept_policy_change = true;
    run(b, 30 * LC_SECOND);
    assert_int_equal(bench_counter(b, "first_contact_breached"), 1);
}

/* Version 1 does not say how many there were; but of each something was committed. */
static void
partitions_that_an_older_version_never_had_stop_it(void **state)
{
    bench *b = *state;
    run(b, 2 * LC_SECOND);
    rewrite_metadata(b, 0, "1:", 3);
    const char *text;
    int64_t offset = lc_memory_committed(b->broker, 0, 0, &text);
    g_autofree char *metadata = g_strdup(text);
    lc_memory_forget_group(b->broker);
    for (int topic = 0; topic < BENCH_INPUTS; topic++)
        lc_memory_set_committed(b->broker, topic, 0, offset, metadata);
    assert_stops(b, LC_ERROR_CONFIG, "had 1 partitions, and they have 2");
}

/* What leads were judged by is said with the offsets; where it was not said, it was the first. */
static void
another_edition_of_the_rules_is_refused_unless_accepted(void **state)
{
    static const struct {
        const char *beginning;
        const char *edition;
    } cases[] = {{"1:", "edition 1"}, {"2:2:", "edition 1"}, {"3:2:1:", "edition 1"}, {"3:2:3:", "edition 3"}};
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        bench *b = bench_new(policy);
        hand_off(b, "lead");
        run(b, 2 * LC_SECOND);
        for (int32_t p = 0; p < BENCH_PARTITIONS; p++)
            rewrite_metadata(b, p, cases[i].beginning, 3);
        assert_stops(b, LC_ERROR_CONFIG, cases[i].edition);
        assert_stops(b, LC_ERROR_CONFIG, "--accept-policy-change");
        b->options.accept_policy_change = true;
        run(b, 2 * LC_SECOND);
        b->options.accept_policy_change = false;
        run(b, 30 * LC_SECOND);
        assert_int_equal(bench_counter(b, "first_contact_breached"), 1);
        bench_free(b);
    }
}

static void
a_changed_policy_is_refused_unless_accepted(void **state)
{
    bench *b = *state;
    hand_off(b, "lead");
    run(b, 2 * LC_SECOND);
    lc_policy_book *other = lc_policy_book_parse("policy.yaml", other_policy, strlen(other_policy), NULL);
    b->options.book = other;
    assert_stops(b, LC_ERROR_CONFIG, "--accept-policy-change");
    b->options.accept_policy_change = true;
    run(b, 30 * LC_SECOND);
    assert_int_equal(bench_counter(b, "first_contact_breached"), 1);
    b->options.accept_policy_change = false;
    run(b, LC_SECOND);
    lc_policy_book_free(other);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_breach_is_published_once_when_its_due_time_has_passed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_contact_in_time_prevents_it, setup, teardown),
        cmocka_unit_test_setup_teardown(a_contact_that_comes_late_takes_the_breach_back, setup, teardown),
        cmocka_unit_test_setup_teardown(lateness_is_waited_for, setup, teardown),
        cmocka_unit_test_setup_teardown(a_backlog_is_read_before_any_timer_fires, setup, teardown),
        cmocka_unit_test_setup_teardown(an_open_transaction_of_a_publisher_holds_time_back, setup, teardown),
        cmocka_unit_test_setup_teardown(a_transaction_that_is_aborted_lets_time_go_on, setup, teardown),
        cmocka_unit_test_setup_teardown(an_emptied_store_is_made_anew_from_the_changelogs, setup, teardown),
        cmocka_unit_test_setup_teardown(a_store_that_is_down_is_waited_for, setup, teardown),
        cmocka_unit_test_setup_teardown(a_null_value_erases_the_lead, setup, teardown),
        cmocka_unit_test_setup_teardown(an_erasure_in_a_backlog_settles_the_cycle, setup, teardown),
        cmocka_unit_test_setup_teardown(the_same_fact_again_changes_nothing, setup, teardown),
        cmocka_unit_test(what_is_no_fact_goes_to_the_dead_letters_with_its_reason),
        cmocka_unit_test_setup_teardown(a_fact_whose_outcomes_are_refused_for_their_size_goes_to_the_dead_letters,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_dead_letter_that_is_refused_for_its_size_is_sent_shorter, setup, teardown),
        cmocka_unit_test_setup_teardown(a_recovery_that_waits_is_alive_and_says_so, setup, teardown),
        cmocka_unit_test_setup_teardown(brokers_that_are_away_are_noticed_though_nothing_is_to_be_done, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_group_that_gives_no_partitions_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(large_records_do_not_make_large_batches, setup, teardown),
        cmocka_unit_test_setup_teardown(large_leads_do_not_make_large_batches, setup, teardown),
        cmocka_unit_test(nobody_is_fenced_but_workers_of_ours),
        cmocka_unit_test(an_owner_of_whom_nothing_is_known_is_not_fenced),
        cmocka_unit_test(reset_commits_without_an_owner),
        cmocka_unit_test(a_partition_that_waits_for_a_dead_owner_holds_up_no_other),
        cmocka_unit_test_setup_teardown(a_partition_whose_ends_are_not_told_holds_up_no_timer_of_another, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(changelogs_without_committed_offsets_stop_it, setup, teardown),
        cmocka_unit_test_setup_teardown(a_store_ahead_of_kafka_stops_it, setup, teardown),
        cmocka_unit_test_setup_teardown(a_store_that_takes_no_writes_is_waited_for_in_as_much_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(a_store_that_has_only_the_position_is_told_all_the_time, setup, teardown),
        cmocka_unit_test_setup_teardown(a_changelog_that_has_lost_its_end_stops_it, setup, teardown),
        cmocka_unit_test_setup_teardown(a_changelog_that_loses_its_end_stops_who_writes_there_and_who_comes_next, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(committed_offsets_of_an_earlier_time_stop_it, setup, teardown),
        cmocka_unit_test_setup_teardown(one_record_proves_that_offsets_are_of_an_earlier_time, setup, teardown),
        cmocka_unit_test_setup_teardown(inputs_deleted_before_they_were_read_stop_it, setup, teardown),
        cmocka_unit_test_setup_teardown(deleted_input_that_held_no_fact_stops_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_changelog_whose_beginning_was_deleted_rebuilds_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(topics_that_grow_stop_it, setup, teardown),
        cmocka_unit_test_setup_teardown(topics_that_have_just_grown_may_differ_for_a_while, setup, teardown),
        cmocka_unit_test_setup_teardown(they_may_differ_anew_once_brokers_were_away, setup, teardown),
        cmocka_unit_test_setup_teardown(offsets_of_another_number_of_partitions_stop_it, setup, teardown),
        cmocka_unit_test_setup_teardown(metadata_of_an_older_version_is_read, setup, teardown),
        cmocka_unit_test_setup_teardown(partitions_that_an_older_version_never_had_stop_it, setup, teardown),
        cmocka_unit_test(another_edition_of_the_rules_is_refused_unless_accepted),
        cmocka_unit_test_setup_teardown(a_changed_policy_is_refused_unless_accepted, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
