/* The memory log and store keep the promises of servers.md that the engine builds on. */
#include "memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define N_INPUTS 2
#define N_PARTITIONS 2

typedef struct {
    lc_memory_manual manual;
    lc_memory_broker *broker;
    lc_memory_redis *redis;
} fixture;

static lc_duration marker_delay;

static lc_duration
delay(lc_memory_world *world, lc_memory_delay what)
{
    (void)world;
    return what == LC_MEMORY_DELAY_MARKER ? marker_delay : 0;
}

static int
setup(void **state)
{
    fixture *f = g_new0(fixture, 1);
    lc_memory_manual_init(&f->manual, 1000000);
    f->manual.world.delay = delay;
    marker_delay = 0;
    f->broker = lc_memory_broker_new(&f->manual.world, N_INPUTS, N_PARTITIONS);
    f->redis = lc_memory_redis_new(&f->manual.world, N_PARTITIONS);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    fixture *f = *state;
    lc_memory_broker_free(f->broker);
    lc_memory_redis_free(f->redis);
    g_free(f);
    return 0;
}

static lc_log_event
poll_event(lc_log *log)
{
    lc_log_event event;
    assert_true(lc_log_poll(log, 10, &event, NULL));
    return event;
}

/* A log that has its assignment and reads every partition from the beginning. */
static lc_log *
start_log(fixture *f, const char *name)
{
    static const int64_t zero[N_INPUTS];
    lc_log *log = lc_memory_log_new(f->broker, name, name);
    assert_true(lc_log_renew_producer(log, NULL));
    assert_true(lc_log_subscribe(log, NULL));
    assert_int_equal(poll_event(log).type, LC_LOG_ASSIGNED);
    size_t n;
    const int32_t *partitions = lc_log_assignment(log, &n);
    for (size_t i = 0; i < n; i++)
        assert_true(lc_log_seek(log, partitions[i], zero, NULL));
    return log;
}

static int64_t
produce(lc_log *log, const char *key, GError **error)
{
    int64_t offset = -1;
    lc_outgoing outgoing = {LC_OUTPUT_STATE, 0, lc_text_of(key), LC_TEXT("v"), NULL, 0, &offset, 0};
    assert_true(lc_log_produce(log, &outgoing, error));
    lc_log_flush(log, error);
    return offset;
}

static bool
send_offset(lc_log *log, int64_t offset, GError **error)
{
    int64_t offsets[N_INPUTS] = {offset, offset};
    lc_log_commit commit = {0, offsets, "m"};
    return lc_log_send_offsets(log, &commit, 1, error);
}

static bool
commit(lc_log *log)
{
    g_autoptr(GError) error = NULL;
    assert_true(lc_log_commit_begin(log, NULL));
    return lc_log_commit_end(log, &error) == LC_COMMIT_CLEAN;
}

static void
records_come_in_order_and_then_the_end_once(void **state)
{
    fixture *f = *state;
    lc_log *log = start_log(f, "a");
    for (int i = 0; i < 3; i++)
        lc_memory_append(f->broker, 0, 0, LC_TEXT("k"), LC_TEXT("v"), LC_ABSENT);
    int64_t next = 0;
    int ends = 0;
    for (int i = 0; i < 20; i++) {
        lc_log_event event = poll_event(log);
        if (event.type == LC_LOG_RECORD)
            assert_int_equal(event.offset, next++);
        ends += event.type == LC_LOG_END && event.topic == 0 && event.partition == 0 && event.offset == 3;
        lc_log_release_records(log);
    }
    assert_int_equal(next, 3);
    assert_int_equal(ends, 1);
    lc_log_free(log);
}

static void
a_transaction_is_seen_only_when_committed_and_its_marker_takes_an_offset(void **state)
{
    fixture *f = *state;
    lc_log *log = start_log(f, "a");
    assert_true(lc_log_begin(log, NULL));
    assert_int_equal(produce(log, "k", NULL), 0);
    assert_int_equal(lc_memory_stable_end(f->broker, LC_MEMORY_OUTPUT(LC_OUTPUT_STATE), 0), 0);
    assert_true(send_offset(log, 7, NULL));
    assert_int_equal(lc_memory_committed(f->broker, 0, 0, NULL), -1);
    assert_true(commit(log));
    assert_int_equal(lc_memory_stable_end(f->broker, LC_MEMORY_OUTPUT(LC_OUTPUT_STATE), 0), 2);
    assert_int_equal(lc_memory_committed(f->broker, 1, 0, NULL), 7);
    lc_log_free(log);
}

static void
offsets_without_their_marker_are_not_stable(void **state)
{
    fixture *f = *state;
    lc_log *log = start_log(f, "a");
    lc_arena arena = {0};
    lc_log_committed committed[N_INPUTS];
    marker_delay = 5000;
    assert_true(lc_log_begin(log, NULL));
    assert_true(send_offset(log, 7, NULL));
    assert_true(commit(log));
    assert_false(lc_log_get_committed(log, 0, committed, &arena, NULL));
    f->manual.now += 5000;
    assert_true(lc_log_get_committed(log, 0, committed, &arena, NULL));
    assert_int_equal(committed[0].offset, 7);
    lc_arena_clear(&arena);
    lc_log_free(log);
}

static void
a_new_producer_aborts_what_was_open_and_fences_the_old_one(void **state)
{
    fixture *f = *state;
    lc_log *old = start_log(f, "a");
    assert_true(lc_log_begin(old, NULL));
    produce(old, "k", NULL);
    lc_log *new = lc_memory_log_new(f->broker, "b", "a");
    assert_true(lc_log_renew_producer(new, NULL));
    size_t n;
    assert_int_equal(lc_memory_records(f->broker, LC_MEMORY_OUTPUT(LC_OUTPUT_STATE), 0, &n)[0]->status,
                     LC_MEMORY_ABORTED);
    g_autoptr(GError) error = NULL;
    produce(old, "k", &error);
    assert_true(g_error_matches(error, LC_ERROR, LC_ERROR_ABORT));
    lc_log_free(old);
    lc_log_free(new);
}

static void
a_transaction_times_out(void **state)
{
    fixture *f = *state;
    lc_log *log = start_log(f, "a");
    assert_true(lc_log_begin(log, NULL));
    produce(log, "k", NULL);
    f->manual.now += 61 * LC_SECOND;
    assert_false(send_offset(log, 7, NULL));
    lc_log_abort(log);
    assert_true(lc_memory_broker_is_settled(f->broker));
    lc_log_free(log);
}

static void
a_second_member_takes_its_share_and_an_old_generation_commits_nothing(void **state)
{
    fixture *f = *state;
    lc_log *first = start_log(f, "a");
    lc_log *second = lc_memory_log_new(f->broker, "b", "b");
    size_t n;
    assert_true(lc_log_renew_producer(second, NULL));
    assert_true(lc_log_subscribe(second, NULL));
    assert_int_equal(poll_event(second).type, LC_LOG_NOTHING);

    assert_true(lc_log_begin(first, NULL));
    lc_memory_log_suspend(first, true);
    f->manual.now += 20 * LC_SECOND;
    assert_int_equal(poll_event(second).type, LC_LOG_ASSIGNED);
    lc_log_assignment(second, &n);
    assert_int_equal(n, N_PARTITIONS);
    lc_memory_log_suspend(first, false);
    assert_false(send_offset(first, 7, NULL));
    lc_log_abort(first);

    assert_int_equal(poll_event(first).type, LC_LOG_REVOKED);
    lc_log_release_assignment(first);
    assert_int_equal(poll_event(second).type, LC_LOG_REVOKED);
    lc_log_release_assignment(second);
    assert_int_equal(poll_event(first).type, LC_LOG_ASSIGNED);
    assert_int_equal(poll_event(second).type, LC_LOG_ASSIGNED);
    assert_int_equal(lc_log_assignment(first, &n)[0], 0);
    assert_int_equal(n, 1);
    lc_log_free(first);
    lc_log_free(second);
}

static void
the_same_instance_again_takes_over_at_once_and_fences_the_other(void **state)
{
    fixture *f = *state;
    lc_log *old = start_log(f, "a");
    lc_log *new = start_log(f, "a");
    assert_int_equal(poll_event(old).type, LC_LOG_INSTANCE_FENCED);
    lc_log_free(old);
    lc_log_free(new);
}

static void
compaction_keeps_the_latest_of_each_key_and_the_offsets(void **state)
{
    fixture *f = *state;
    int state_topic = LC_MEMORY_OUTPUT(LC_OUTPUT_STATE);
    lc_log *log = start_log(f, "a");
    const char *keys[] = {"x", "y", "x"};
    for (int i = 0; i < 3; i++) {
        assert_true(lc_log_begin(log, NULL));
        produce(log, keys[i], NULL);
        assert_true(commit(log));
    }
    lc_memory_compact(f->broker, state_topic, 0, 0);
    size_t n;
    const lc_memory_record *const *records = lc_memory_records(f->broker, state_topic, 0, &n);
    assert_int_equal(n, 2);
    assert_int_equal(records[0]->offset, 2);
    assert_int_equal(records[1]->offset, 4);
    assert_int_equal(lc_memory_end(f->broker, state_topic, 0), 6);
    lc_log_free(log);
}

/* ---- The store ---- */

static bool
write_lead(lc_store *store, const char *expected, const char *next, lc_instant wake_at, GError **error)
{
    lc_lead_change change = {LC_TEXT("lead"), LC_TEXT("state"), wake_at, true};
    lc_store_write write = {
        .partition = 1, .expected = lc_text_of(expected), .next = lc_text_of(next), .leads = &change, .n_leads = 1};
    return lc_store_write_begin(store, &write, 1, error) && lc_store_write_end(store, error) && write.written;
}

static void
a_write_happens_only_at_the_position_expected(void **state)
{
    fixture *f = *state;
    lc_store *store = lc_memory_store_new(f->redis);
    assert_true(lc_store_open(store, N_PARTITIONS, NULL));
    assert_false(write_lead(store, "1", "2", 50, NULL));
    assert_true(write_lead(store, NULL, "1", 50, NULL));
    assert_false(write_lead(store, NULL, "2", 50, NULL));
    assert_true(write_lead(store, "1", "2", 50, NULL));

    lc_text id = LC_TEXT("lead");
    lc_store_read read = {
        .partition = 1, .due_before = 51, .max_due = 9, .lead_ids = &id, .n_leads = 1, .count_wakeups = true};
    assert_true(lc_store_read_begin(store, &read, 1, NULL) && lc_store_read_end(store, NULL));
    assert_true(lc_text_equal(read.applied, LC_TEXT("2")));
    assert_true(lc_text_equal(read.leads[0], LC_TEXT("state")));
    assert_int_equal(read.n_due, 2); /* those of both writes */
    assert_true(lc_text_equal(read.due[0], id));
    assert_int_equal(read.n_wakeups, 2);
    assert_int_equal(read.next_wakeup, LC_NEVER);
    lc_store_free(store);
}

static lc_memory_redis *touched;

static void
empty_before_exec(lc_memory_world *world, const char *call)
{
    (void)world;
    if (strcmp(call, "store exec") == 0)
        lc_memory_redis_empty(touched);
}

static void
a_position_that_changes_between_watch_and_exec_stops_the_write(void **state)
{
    fixture *f = *state;
    lc_store *store = lc_memory_store_new(f->redis);
    assert_true(write_lead(store, NULL, "1", 50, NULL));
    touched = f->redis;
    f->manual.world.step = empty_before_exec;
    assert_false(write_lead(store, "1", "2", 50, NULL));
    assert_null(lc_memory_redis_lead(f->redis, 1, LC_TEXT("lead")));
    lc_store_free(store);
}

static void
a_restored_snapshot_is_what_was_and_cuts_the_connection(void **state)
{
    fixture *f = *state;
    lc_store *store = lc_memory_store_new(f->redis);
    g_autoptr(GError) error = NULL;
    assert_true(write_lead(store, NULL, "1", 50, NULL));
    lc_memory_snapshot *snapshot = lc_memory_redis_snapshot(f->redis);
    assert_true(write_lead(store, "1", "2", 60, NULL));
    lc_memory_redis_restore(f->redis, snapshot, true);
    lc_memory_snapshot_free(snapshot);
    assert_false(write_lead(store, "2", "3", 70, &error));
    assert_true(g_error_matches(error, LC_ERROR, LC_ERROR_RETRY));
    assert_true(write_lead(store, "1", "3", 70, NULL));
    assert_int_equal(lc_memory_redis_wakeup(f->redis, 1, LC_TEXT("lead")), 70);
    lc_store_free(store);
}

static bool
has_wakeup(lc_store *store, lc_instant at)
{
    lc_text id = LC_TEXT("lead");
    lc_store_read read = {.partition = 1, .due_before = LC_ABSENT, .lead_ids = &id, .n_leads = 1, .wake_ats = &at};
    assert_true(lc_store_read_begin(store, &read, 1, NULL) && lc_store_read_end(store, NULL));
    return read.has_wakeup[0];
}

static void
promote_empty(fixture *f)
{
    g_autoptr(lc_memory_redis) other = lc_memory_redis_new(&f->manual.world, N_PARTITIONS);
    lc_memory_snapshot *nothing = lc_memory_redis_snapshot(other);
    lc_memory_redis_promote(f->redis, nothing);
    lc_memory_snapshot_free(nothing);
}

static void
who_is_connected_to_the_old_master_reads_what_that_one_has(void **state)
{
    fixture *f = *state;
    lc_store *to_old = lc_memory_store_new(f->redis), *to_new = lc_memory_store_new(f->redis);
    assert_true(write_lead(to_old, NULL, "1", 50, NULL));
    promote_empty(f);
    assert_true(write_lead(to_old, "1", "2", 60, NULL));
    assert_true(write_lead(to_new, NULL, "1", 70, NULL));
    assert_true(has_wakeup(to_old, 50) && has_wakeup(to_old, 60));
    assert_false(has_wakeup(to_old, 70));
    assert_true(has_wakeup(to_new, 70));
    assert_false(has_wakeup(to_new, 50) || has_wakeup(to_new, 60));
    lc_store_free(to_old);
    lc_store_free(to_new);
}

static fixture *promoting;
static const char *promoted_at;

static void
promote_at(lc_memory_world *world, const char *call)
{
    (void)world;
    if (promoted_at && strcmp(call, promoted_at) == 0) {
        promoted_at = NULL;
        promote_empty(promoting);
    }
}

static void
a_promotion_between_watch_and_exec_is_counted_and_no_other(void **state)
{
    static const struct {
        const char *at;
        unsigned n;
    } cases[] = {{"store watch", 0}, {"store exec answered", 0}, {"store exec", 1}, {NULL, 0}};
    fixture *f = promoting = *state;
    f->manual.world.step = promote_at;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        unsigned before = lc_memory_redis_seen(f->redis)->between;
        lc_store *store = lc_memory_store_new(f->redis);
        lc_memory_redis_empty(f->redis);
        assert_true(write_lead(store, NULL, "1", 50, NULL));
        promoted_at = cases[i].at;
        assert_true(write_lead(store, "1", "2", 50, NULL)); /* to the one that was cut off, if it was */
        assert_int_equal(lc_memory_redis_seen(f->redis)->between - before, cases[i].n);
        lc_store_free(store);
    }
}

static void
a_slot_that_is_moved_is_met_by_who_asks_for_it_and_not_for_another(void **state)
{
    fixture *f = *state;
    lc_store *store = lc_memory_store_new(f->redis);
    g_autoptr(GError) error = NULL;
    lc_memory_redis_set_moving(f->redis, 0, true);
    assert_true(write_lead(store, NULL, "1", 50, NULL)); /* partition 1 */
    assert_int_equal(lc_memory_redis_seen(f->redis)->met_moving, 0);
    lc_memory_redis_set_moving(f->redis, 1, true);
    assert_false(write_lead(store, "1", "2", 50, &error));
    assert_true(g_error_matches(error, LC_ERROR, LC_ERROR_RETRY));
    lc_memory_redis_set_moving(f->redis, 1, false);
    assert_int_equal(lc_memory_redis_seen(f->redis)->met_moving, 1 << 1);
    lc_memory_redis_set_moving(f->redis, 1, true);
    assert_int_equal(lc_memory_redis_seen(f->redis)->met_moving, 0);
    lc_store_free(store);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(records_come_in_order_and_then_the_end_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_transaction_is_seen_only_when_committed_and_its_marker_takes_an_offset, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(offsets_without_their_marker_are_not_stable, setup, teardown),
        cmocka_unit_test_setup_teardown(a_new_producer_aborts_what_was_open_and_fences_the_old_one, setup, teardown),
        cmocka_unit_test_setup_teardown(a_transaction_times_out, setup, teardown),
        cmocka_unit_test_setup_teardown(a_second_member_takes_its_share_and_an_old_generation_commits_nothing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_same_instance_again_takes_over_at_once_and_fences_the_other, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(compaction_keeps_the_latest_of_each_key_and_the_offsets, setup, teardown),
        cmocka_unit_test_setup_teardown(a_write_happens_only_at_the_position_expected, setup, teardown),
        cmocka_unit_test_setup_teardown(a_position_that_changes_between_watch_and_exec_stops_the_write, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_restored_snapshot_is_what_was_and_cuts_the_connection, setup, teardown),
        cmocka_unit_test_setup_teardown(who_is_connected_to_the_old_master_reads_what_that_one_has, setup, teardown),
        cmocka_unit_test_setup_teardown(a_promotion_between_watch_and_exec_is_counted_and_no_other, setup, teardown),
        cmocka_unit_test_setup_teardown(a_slot_that_is_moved_is_met_by_who_asks_for_it_and_not_for_another, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
