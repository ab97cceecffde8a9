/* When a cluster's map is asked for: on a real Redis Cluster of one node, and a clock that the test moves. */
#include <leadclock/redis.h>

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <hiredis/hiredis.h>

#include "asserting.h"
#include "free_port.h"

#define PARTITIONS 4
#define MINUTE_US (60 * G_USEC_PER_SEC)
#define JITTER_US (10 * G_USEC_PER_SEC)

/* ---- The clock: GLib's, as the store asks for it ---- */

static gint64 skipped_us;

gint64
g_get_monotonic_time(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return skipped_us + now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

static void
let_pass(gint64 us)
{
    skipped_us += us;
}

/* ---- A cluster of one node ---- */

typedef struct {
    char *folder;
    int port;
    pid_t pid;
    redisContext *beside; /* connected all the time */
    lc_store *store;
} cluster;

static void
run_redis(const cluster *one)
{
    g_autofree char *port = g_strdup_printf("%d", one->port), *bus = g_strdup_printf("%d", free_port());

    execlp("redis-server", "redis-server", "--port", port, "--cluster-enabled", "yes", "--cluster-port", bus, "--save",
           "", "--dir", one->folder, "--logfile", "log", NULL);
    _exit(127);
}

static char *
ask(const cluster *one, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    redisReply *reply = redisvCommand(one->beside, format, arguments);
    va_end(arguments);
    assert_non_null(reply);
    char *text = g_strdup(reply->str);
    freeReplyObject(reply);
    return text;
}

static void
await_connection(cluster *one)
{
    for (int i = 0; i < 500; i++) {
        one->beside = redisConnect("127.0.0.1", one->port);
        if (one->beside && !one->beside->err)
            return;
        g_clear_pointer(&one->beside, redisFree);
        g_usleep(20000);
    }
    fail_msg("redis-server did not come up in %s", one->folder);
}

static void
await_slots(const cluster *one)
{
    for (int i = 0; i < 1500; i++) {
        g_autofree char *info = ask(one, "CLUSTER INFO");
        if (strstr(info, "cluster_state:ok"))
            return;
        g_usleep(20000);
    }
    fail_msg("the slots are not served; see %s/log", one->folder);
}

static lc_store *
store_of(const cluster *one)
{
    g_autofree char *url = g_strdup_printf("redis+cluster://127.0.0.1:%d", one->port);
    lc_redis_options options = {.url = url, .name = "map"};
    GError *error = NULL;
    lc_store *store = lc_redis_store_new(&options, &error);

    must(store && lc_store_open(store, PARTITIONS, &error), error);
    return store;
}

static int
start(void **state)
{
    cluster *one = g_new0(cluster, 1);

    one->folder = g_dir_make_tmp("leadclock-map-XXXXXX", NULL);
    one->port = free_port();
    one->pid = fork();
    if (one->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves no server behind */
        run_redis(one);
    }
    await_connection(one);
    g_autofree char *done = ask(one, "CLUSTER ADDSLOTSRANGE 0 16383");
    assert_string_equal(done, "OK");
    await_slots(one);
    one->store = store_of(one);
    *state = one;
    return 0;
}

static int
stop(void **state)
{
    cluster *one = *state;
    g_autofree char *command = g_strdup_printf("rm -rf '%s'", one->folder);

    lc_store_free(one->store);
    redisFree(one->beside);
    kill(one->pid, SIGKILL);
    waitpid(one->pid, NULL, 0);
    assert_int_equal(system(command), 0);
    g_free(one->folder);
    g_free(one);
    return 0;
}

/* The number after `name` in what INFO says of this. */
static int
count_of(const cluster *one, const char *section, const char *name)
{
    g_autofree char *info = ask(one, "INFO %s", section);
    const char *at = strstr(info, name);

    return at ? atoi(at + strlen(name)) : 0;
}

static int
n_asked(const cluster *one)
{
    return count_of(one, "commandstats", "cmdstat_cluster|slots:calls=");
}

static int
n_refused(const cluster *one)
{
    return count_of(one, "stats", "rejected_connections:");
}

static bool
read_all(const cluster *one, GError **error)
{
    lc_store_read reads[PARTITIONS];

    for (int32_t p = 0; p < PARTITIONS; p++)
        reads[p] = (lc_store_read){.partition = p, .due_before = LC_ABSENT};
    return lc_store_read_begin(one->store, reads, PARTITIONS, error) && lc_store_read_end(one->store, error);
}

static void
must_read(const cluster *one)
{
    GError *error = NULL;

    must(read_all(one, &error), error);
}

typedef struct {
    gint64 not_yet;  /* when it was last not asked for; 0: it was at the first read */
    gint64 from, to; /* when it was, at the earliest and at the latest */
} asking;

/* Reads, every quarter of a second, until the map was asked for. */
static asking
read_until_asked(const cluster *one)
{
    int asked = n_asked(one);
    asking when = {0};

    for (int i = 0; i < 100; i++) {
        when.from = g_get_monotonic_time();
        must_read(one);
        when.to = g_get_monotonic_time();
        if (n_asked(one) != asked)
            return when;
        when.not_yet = when.from;
        let_pass(G_USEC_PER_SEC / 4);
    }
    fail_msg("the map is not asked for");
    return when;
}

/* ---- When ---- */

static void
it_is_asked_for_again_after_a_minute_and_at_most_ten_seconds(void **state)
{
    const cluster *one = *state;
    gint64 shortest = G_MAXINT64, longest = 0;

    let_pass(MINUTE_US + JITTER_US);
    asking when = read_until_asked(one);
    for (int round = 0; round < 20; round++) {
        asking last = when;
        int asked = n_asked(one);
        let_pass(MINUTE_US - 2 * G_USEC_PER_SEC);
        must_read(one);
        if (g_get_monotonic_time() - last.from < MINUTE_US) /* unless this machine stood still */
            assert_int_equal(n_asked(one), asked);
        when = read_until_asked(one);
        assert_true(when.to - last.from >= MINUTE_US);
        assert_true(when.not_yet - last.to <= MINUTE_US + JITTER_US);
        shortest = MIN(shortest, when.to - last.from);
        longest = MAX(longest, when.to - last.from);
    }
    /* That twenty lie within one of ten seconds comes once in 10^18 times. */
    assert_true(longest - shortest > G_USEC_PER_SEC);
}

static void
what_has_moved_is_seen_within_that_time_and_found_by_opening(void **state)
{
    const cluster *one = *state;
    GError *error = NULL;

    let_pass(MINUTE_US + JITTER_US);
    must_read(one);
    g_autofree char *moved = ask(one, "CONFIG SET cluster-announce-ip 127.0.0.2");
    assert_string_equal(moved, "OK");
    must_read(one);
    let_pass(MINUTE_US + JITTER_US);
    assert_false(read_all(one, &error));
    assert_error(&error, LC_ERROR_RETRY, "slots of the Redis cluster have moved");
    must(lc_store_open(one->store, PARTITIONS, &error), error);
    must_read(one);
    let_pass(MINUTE_US + JITTER_US);
    int asked = n_asked(one);
    must_read(one);
    assert_int_equal(n_asked(one), asked + 1);
}

static void
where_nobody_tells_it_reads_go_on_and_a_minute_later_it_is_asked_for_again(void **state)
{
    const cluster *one = *state;

    g_autofree char *full = ask(one, "CONFIG SET maxclients 1");
    assert_string_equal(full, "OK");
    let_pass(MINUTE_US + JITTER_US);
    int before = n_refused(one), asked = n_asked(one);
    must_read(one);
    int first = n_refused(one);
    assert_true(first > before);
    for (int i = 0; i < 10; i++)
        must_read(one);
    assert_int_equal(n_refused(one), first);
    let_pass(MINUTE_US + JITTER_US);
    must_read(one);
    assert_true(n_refused(one) > first);
    g_autofree char *again = ask(one, "CONFIG SET maxclients 100");
    assert_string_equal(again, "OK");
    assert_int_equal(n_asked(one), asked);
    let_pass(MINUTE_US + JITTER_US);
    must_read(one);
    assert_int_equal(n_asked(one), asked + 1);
}

static void
a_slot_that_nobody_serves_is_told_and_waited_for(void **state)
{
    static const struct {
        const char *coverage, *says;
    } cases[] = {
        {"yes",
         "says that the cluster is down (it serves 16383 of 16384 slots); `redis-cli --cluster check` says what"},
        {"no", " of the Redis cluster is served by no node; `redis-cli --cluster fix` gives it one"},
    };
    const cluster *one = *state;
    GError *error = NULL;
    g_autofree char *tag = lc_redis_tag(1, PARTITIONS);
    redisReply *slot = redisCommand(one->beside, "CLUSTER KEYSLOT %s", tag);

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *covers = ask(one, "CONFIG SET cluster-require-full-coverage %s", cases[i].coverage);
        g_autofree char *gone = ask(one, "CLUSTER DELSLOTS %lld", slot->integer);
        assert_string_equal(gone, "OK");
        assert_false(read_all(one, &error));
        assert_error(&error, LC_ERROR_RETRY, "CLUSTERDOWN");
        assert_false(lc_store_open(one->store, PARTITIONS, &error));
        assert_error(&error, LC_ERROR_RETRY, cases[i].says);
        g_autofree char *back = ask(one, "CLUSTER ADDSLOTS %lld", slot->integer);
        assert_string_equal(back, "OK");
        await_slots(one);
        must(lc_store_open(one->store, PARTITIONS, &error), error);
        must_read(one);
    }
    freeReplyObject(slot);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_asked_for_again_after_a_minute_and_at_most_ten_seconds),
        cmocka_unit_test(where_nobody_tells_it_reads_go_on_and_a_minute_later_it_is_asked_for_again),
        cmocka_unit_test(what_has_moved_is_seen_within_that_time_and_found_by_opening),
        cmocka_unit_test(a_slot_that_nobody_serves_is_told_and_waited_for),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
