/* The store on a real Redis: the one of LC_TEST_REDIS_URL, and for what would disturb others one of our own. */
#include <leadclock/redis.h>
#include <leadclock/text.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hiredis/hiredis.h>

#include "asserting.h"
#include "free_port.h"

#define PARTITIONS 4

/* ---- A Redis of our own, on a Unix socket in a folder of its own ---- */

typedef struct {
    char *folder, *url, *socket;
    pid_t pid;
} own_redis;

static void
own_redis_start(own_redis *redis, const char *const *options)
{
    g_autoptr(GPtrArray) argv = g_ptr_array_new();
    redis->socket = g_build_filename(redis->folder, "s", NULL);
    redis->url = g_strconcat("unix://", redis->socket, NULL);
    const char *const fixed[] = {"redis-server", "--port", "0",           "--save",    "",    "--unixsocket",
                                 redis->socket,  "--dir",  redis->folder, "--logfile", "log", NULL};
    for (const char *const *word = fixed; *word; word++)
        g_ptr_array_add(argv, (void *)*word);
    for (; options && *options; options++)
        g_ptr_array_add(argv, (void *)*options);
    g_ptr_array_add(argv, NULL);
    redis->pid = fork();
    if (redis->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves no server behind */
        execvp("redis-server", (char **)argv->pdata);
        _exit(127);
    }
    for (int i = 0; i < 200; i++) {
        redisContext *context = redisConnectUnix(redis->socket);
        bool up = context && !context->err;
        redisFree(context);
        if (up)
            return;
        g_usleep(20000);
    }
    fail_msg("redis-server did not come up in %s", redis->folder);
}

static void
own_redis_stop(own_redis *redis)
{
    if (redis->pid > 0) {
        kill(redis->pid, SIGKILL);
        waitpid(redis->pid, NULL, 0);
    }
    redis->pid = 0;
    g_clear_pointer(&redis->url, g_free);
    g_clear_pointer(&redis->socket, g_free);
}

static own_redis
own_redis_new(const char *const *options)
{
    own_redis redis = {.folder = g_dir_make_tmp("leadclock-redis-XXXXXX", NULL)};
    own_redis_start(&redis, options);
    return redis;
}

static void
own_redis_free(own_redis *redis)
{
    own_redis_stop(redis);
    g_autofree char *command = g_strdup_printf("rm -rf '%s'", redis->folder);
    assert_int_equal(system(command), 0);
    g_free(redis->folder);
}

/* ---- A store, and a second look at the same Redis ---- */

static const char *
test_url(void)
{
    return g_getenv("LC_TEST_REDIS_URL");
}

static lc_store *
new_store(const char *url, const char *name)
{
    GError *error = NULL;
    lc_redis_options options = {.url = url, .name = name};
    lc_store *store = lc_redis_store_new(&options, &error);
    if (store == NULL)
        fail_msg("%s", error->message);
    return store;
}

static lc_store *
open_store(const char *url, const char *name)
{
    GError *error = NULL;
    lc_store *store = new_store(url, name);
    if (!lc_store_open(store, PARTITIONS, &error))
        fail_msg("%s", error->message);
    return store;
}

static char *
new_name(void)
{
    return g_strdup_printf("test-%d-%u", getpid(), g_random_int());
}

static redisContext *
look(const char *url)
{
    if (g_str_has_prefix(url, "unix://"))
        return redisConnectUnix(url + strlen("unix://"));
    g_autoptr(GUri) uri = g_uri_parse(url, G_URI_FLAGS_NONE, NULL);
    redisContext *context = redisConnect(g_uri_get_host(uri), g_uri_get_port(uri));
    const char *database = g_uri_get_path(uri);
    if (strlen(database) > 1)
        freeReplyObject(redisCommand(context, "SELECT %s", database + 1));
    return context;
}

/* Does one thing beside the store; its answer as text. */
static char *
beside(const char *url, const char *format, ...)
{
    redisContext *context = look(url);
    va_list arguments;
    va_start(arguments, format);
    redisReply *reply = redisvCommand(context, format, arguments);
    va_end(arguments);
    assert_non_null(reply);
    char *text = reply->type == REDIS_REPLY_INTEGER ? g_strdup_printf("%lld", reply->integer) : g_strdup(reply->str);
    freeReplyObject(reply);
    redisFree(context);
    return text;
}

static char *
applied_key(const char *name, int32_t partition)
{
    g_autofree char *tag = lc_redis_tag(partition, PARTITIONS);
    return g_strdup_printf("%s:{%s}:applied", name, tag);
}

static bool
write_all(lc_store *store, lc_store_write *writes, size_t n, GError **error)
{
    return lc_store_write_begin(store, writes, n, error) && lc_store_write_end(store, error);
}

static bool
read_all(lc_store *store, lc_store_read *reads, size_t n, GError **error)
{
    return lc_store_read_begin(store, reads, n, error) && lc_store_read_end(store, error);
}

/* Moves a partition from `expected` to `next`, with one lead. */
static bool
move(lc_store *store, int32_t partition, const char *expected, const char *next, const char *lead, GError **error)
{
    lc_lead_change change = {.lead_id = lc_text_of(lead), .state = LC_TEXT("s"), .wake_at = 5, .wake_changed = true};
    lc_store_write write = {.partition = partition,
                            .expected = lc_text_of(expected),
                            .next = lc_text_of(next),
                            .leads = &change,
                            .n_leads = 1};
    return write_all(store, &write, 1, error) && write.written;
}

static void
assert_applied(lc_store *store, int32_t partition, const char *expected)
{
    GError *error = NULL;
    lc_store_read read = {.partition = partition, .due_before = LC_ABSENT};
    must(read_all(store, &read, 1, &error), error);
    assert_text(read.applied, expected);
}

/* ---- Reading and writing ---- */

static void
what_is_written_is_read(void **state)
{
    GError *error = NULL;
    g_autofree char *name = new_name();
    lc_store *store = open_store(test_url(), name);
    static const char binary[] = "a\0b\r\n";
    lc_lead_change leads[] = {
        {.lead_id = LC_TEXT("l1"), .state = {binary, 5}, .wake_at = 100, .wake_changed = true},
        {.lead_id = LC_TEXT("l2"), .state = LC_TEXT(""), .wake_at = LC_NEVER, .wake_changed = true},
        {.lead_id = LC_TEXT("l 3"), .state = LC_TEXT("x"), .wake_at = 7},
    };
    lc_stored_count counts[] = {{LC_TEXT("handoffs"), 3}, {LC_TEXT("won"), -1}};
    lc_counters_change counters[] = {{LC_TEXT("demo|2026-01"), counts, 2}, {LC_TEXT("x{y}|2026-02"), counts, 1}};
    lc_store_write write = {
        .partition = 1, .next = LC_TEXT("1:2:n"), .leads = leads, .n_leads = 3, .counters = counters, .n_counters = 2};
    (void)state;
    must(write_all(store, &write, 1, &error), error);
    assert_true(write.written);

    lc_text ids[] = {LC_TEXT("l2"), LC_TEXT("nobody"), LC_TEXT("l1"), LC_TEXT("l 3")};
    lc_text populations[] = {LC_TEXT("nothing|here"), LC_TEXT("demo|2026-01")};
    lc_store_read reads[] = {{.partition = 1,
                              .due_before = 112,
                              .max_due = 10,
                              .lead_ids = ids,
                              .n_leads = 4,
                              .populations = populations,
                              .n_populations = 2,
                              .all_populations = true,
                              .count_wakeups = true},
                             {.partition = 2, .due_before = 112, .max_due = 10, .count_wakeups = true}};
    must(read_all(store, reads, 2, &error), error);
    assert_text(reads[0].applied, "1:2:n");
    assert_text(reads[0].leads[0], "");
    assert_text(reads[0].leads[1], NULL);
    assert_true(lc_text_equal(reads[0].leads[2], (lc_text){binary, 5}));
    assert_text(reads[0].leads[3], "x");
    assert_int_equal(reads[0].n_due, 1);
    assert_text(reads[0].due[0], "l1");
    assert_int_equal(reads[0].n_wakeups, 1);
    assert_true(reads[0].next_wakeup == LC_NEVER);
    assert_int_equal(reads[0].n_counts[0], 0);
    assert_int_equal(reads[0].n_counts[1], 2);
    assert_int_equal(reads[0].counts[1][0].count + reads[0].counts[1][1].count, 2);
    assert_int_equal(reads[0].n_population_names, 2);
    assert_text(reads[1].applied, NULL);
    assert_int_equal(reads[1].n_due, 0);
    assert_int_equal(reads[1].n_wakeups, 0);
    assert_true(reads[1].next_wakeup == LC_NEVER);
    lc_store_free(store);
}

static void
deleting_leaves_nothing_behind(void **state)
{
    GError *error = NULL;
    g_autofree char *name = new_name();
    lc_store *store = open_store(test_url(), name);
    lc_lead_change lead = {.lead_id = LC_TEXT("l1"), .state = LC_TEXT("x"), .wake_at = 7, .wake_changed = true};
    lc_stored_count counts[] = {{LC_TEXT("a"), 1}, {LC_TEXT("b"), 2}};
    lc_counters_change counters = {LC_TEXT("p|q"), counts, 2};
    lc_store_write write = {
        .partition = 0, .next = LC_TEXT("1"), .leads = &lead, .n_leads = 1, .counters = &counters, .n_counters = 1};
    (void)state;
    must(write_all(store, &write, 1, &error), error);

    counters.n_counts = 1;
    write.expected = LC_TEXT("1"), write.next = LC_TEXT("2");
    must(write_all(store, &write, 1, &error), error);
    lc_text population = LC_TEXT("p|q");
    lc_store_read read = {.partition = 0, .due_before = LC_ABSENT, .populations = &population, .n_populations = 1};
    must(read_all(store, &read, 1, &error), error);
    assert_int_equal(read.n_counts[0], 1);

    counters.n_counts = 0;
    lead = (lc_lead_change){.lead_id = LC_TEXT("l1"), .wake_at = LC_NEVER, .wake_changed = true};
    read = (lc_store_read){.partition = 0, .due_before = 100, .max_due = 10};
    must(read_all(store, &read, 1, &error), error);
    assert_int_equal(read.n_due, 2); /* those of both writes */
    write.expected = LC_TEXT("2"), write.next = LC_TEXT("3"), write.takes_due = true, write.n_taken = 2;
    must(write_all(store, &write, 1, &error), error);
    uint64_t cursor = 0;
    size_t total = 0;
    do {
        lc_text *keys;
        size_t n;
        must(lc_store_scan(store, 0, &cursor, &keys, &n, &error), error);
        total += n;
    } while (cursor);
    assert_int_equal(total, 1); /* that none wait */
    lc_store_free(store);
}

/* A list is of 16 ms. */
static void
wakeups_come_in_order_and_within_limits(void **state)
{
    static const struct {
        lc_instant before;
        unsigned max;
        const char *due;
        lc_instant next;
    } cases[] = {
        {0, 10, "", 1007},
        {1007, 10, "", 1007},
        {1008, 10, "a", 2015},
        {2016, 10, "a c b", 3007},
        {2016, 2, "a c", 2015},
        {2016, 1, "a", 1007},
        {5000, 4, "a c b d", LC_NEVER},
        {5000, 3, "a c b", 3007},
        {5000, 0, "", 1007},
        {1800000000001, 10, "a c b d", LC_NEVER},
    };
    GError *error = NULL;
    g_autofree char *name = new_name();
    lc_store *store = open_store(test_url(), name);
    lc_lead_change leads[] = {{LC_TEXT("d"), LC_TEXT("s"), 3000, true},
                              {LC_TEXT("a"), LC_TEXT("s"), 1000, true},
                              {LC_TEXT("c"), LC_TEXT("s"), 2000, true},
                              {LC_TEXT("b"), LC_TEXT("s"), 2000, true}};
    lc_store_write write = {.partition = 3, .next = LC_TEXT("1"), .leads = leads, .n_leads = 4};
    (void)state;
    must(write_all(store, &write, 1, &error), error);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        lc_store_read read = {.partition = 3, .due_before = cases[i].before, .max_due = cases[i].max};
        must(read_all(store, &read, 1, &error), error);
        g_autoptr(GString) due = g_string_new(NULL);
        for (size_t d = 0; d < read.n_due; d++)
            g_string_append_printf(due, "%s%.*s", d ? " " : "", LC_TEXT_ARGS(read.due[d]));
        assert_string_equal(due->str, cases[i].due);
        assert_true(read.next_wakeup == cases[i].next);
    }
    lc_store_free(store);
}

/* ---- Wake-ups over time ---- */

/* Some wake-ups of a partition, each of a lead of its own, and when they came. */
typedef struct {
    lc_store *store, *other; /* other: of one who takes over, and gives back; or NULL */
    lc_instant now;
    unsigned n_positions;
    char position[32];
    GArray *at;   /* lc_instant, by number of the lead */
    GArray *came; /* lc_instant; LC_NEVER: not yet */
    unsigned n_twice;
} timers;

static lc_instant
timer(const GArray *instants, guint i)
{
    return g_array_index(instants, lc_instant, i);
}

static void
write_timers(timers *t, lc_lead_change *leads, size_t n, bool takes_due, size_t n_taken)
{
    GError *error = NULL;
    char next[32];
    g_snprintf(next, sizeof next, "p%u", ++t->n_positions);
    lc_store_write write = {.partition = 1,
                            .expected = t->n_positions > 1 ? lc_text_of(t->position) : LC_NO_TEXT,
                            .next = lc_text_of(next),
                            .leads = leads,
                            .n_leads = n,
                            .now = t->now,
                            .takes_due = takes_due,
                            .n_taken = n_taken};
    must(write_all(t->store, &write, 1, &error), error);
    assert_true(write.written);
    g_strlcpy(t->position, next, sizeof t->position);
}

static void
set_timers(timers *t, unsigned n, lc_duration from, lc_duration within)
{
    g_autofree lc_lead_change *leads = g_new0(lc_lead_change, n);
    lc_arena arena = {0};
    for (unsigned i = 0; i < n; i++) {
        char id[16];
        lc_instant at = t->now + from + (lc_instant)(g_random_double() * (double)within), never = LC_NEVER;
        g_snprintf(id, sizeof id, "%u", t->at->len);
        leads[i] = (lc_lead_change){lc_arena_text(&arena, lc_text_of(id)), LC_TEXT("s"), at, true};
        g_array_append_val(t->at, at);
        g_array_append_val(t->came, never);
    }
    write_timers(t, leads, n, false, 0);
    lc_arena_clear(&arena);
}

static void
take_timer(timers *t, lc_text id)
{
    g_autofree char *text = g_strndup(id.data, id.size);
    guint i = (guint)atoi(text);
    assert_true(timer(t->at, i) < t->now);
    t->n_twice += timer(t->came, i) != LC_NEVER;
    g_array_index(t->came, lc_instant, i) = MIN(timer(t->came, i), t->now);
}

/* What each found before is of no use to it when it comes back. */
static void
change_hands(timers *t)
{
    lc_store *store = t->store;
    if (t->other == NULL || g_random_int_range(0, 4))
        return;
    t->store = t->other;
    t->other = store;
}

/* As a worker does, until nothing is left to be done; of the due ones some may be left. */
static void
fire_timers(timers *t, unsigned max, bool takes_all)
{
    GError *error = NULL;
    lc_store_read read = {.partition = 1, .due_before = t->now, .max_due = max, .count_wakeups = true};
    do {
        change_hands(t);
        must(read_all(t->store, &read, 1, &error), error);
        assert_text(read.applied, t->position);
        assert_true(read.n_due <= max && read.n_due <= read.n_wakeups);
        size_t n = takes_all ? read.n_due : read.n_due - read.n_due / 3;
        for (size_t i = 0; i < n; i++)
            take_timer(t, read.due[i]);
        if (read.is_untidy)
            write_timers(t, NULL, 0, true, n);
    } while (read.is_untidy || read.next_wakeup < t->now);
    for (guint i = 0; i < t->at->len; i++)
        if (timer(t->came, i) == LC_NEVER) {
            assert_true(timer(t->at, i) >= t->now - LC_DUE_GRAIN_MS);
            assert_true(timer(t->at, i) >= read.next_wakeup - LC_DUE_GRAIN_MS);
        }
}

static timers
new_timers(const char *name)
{
    return (timers){.store = open_store(test_url(), name),
                    .now = 1767225600123,
                    .at = g_array_new(FALSE, FALSE, sizeof(lc_instant)),
                    .came = g_array_new(FALSE, FALSE, sizeof(lc_instant))};
}

static void
timers_clear(timers *t)
{
    lc_store_free(t->store);
    if (t->other)
        lc_store_free(t->other);
    g_array_unref(t->at);
    g_array_unref(t->came);
}

/* However far away it was; once, unless another goes on where one ended: then some may come twice, and all come. */
static void
each_wakeup_comes_when_it_is_due(void **state)
{
    static const lc_duration steps[] = {7, 90, 900, 7 * LC_SECOND, 3 * LC_MINUTE, LC_HOUR};
    (void)state;
    for (int changes_hands = 0; changes_hands < 3; changes_hands++) {
        g_autofree char *name = new_name(), *tag = lc_redis_tag(1, PARTITIONS);
        timers t = new_timers(name);
        t.other = changes_hands == 2 ? open_store(test_url(), name) : NULL;
        set_timers(&t, 12000, LC_HOUR, 2 * LC_SECOND); /* more than are moved at once */
        set_timers(&t, 500, 0, LC_DAY);
        for (int round = 0; round < 400; round++) {
            change_hands(&t);
            set_timers(&t, g_random_int_range(0, 5), -LC_SECOND, 2 * LC_SECOND);
            set_timers(&t, g_random_int_range(0, 5), 0, steps[g_random_int_range(0, G_N_ELEMENTS(steps))] * 40);
            t.now += round % 100 < 90 ? steps[g_random_int_range(0, 4)] : steps[g_random_int_range(0, 6)];
            fire_timers(&t, round % 3 ? 1000 : 7, round % 5);
            if (changes_hands == 1 && round % 7 == 0) {
                lc_store_free(t.store);
                t.store = open_store(test_url(), name);
            }
        }
        t.now += 10 * LC_DAY;
        fire_timers(&t, 1000, true);
        for (guint i = 0; i < t.came->len; i++)
            assert_true(timer(t.came, i) != LC_NEVER);
        if (!changes_hands)
            assert_int_equal(t.n_twice, 0);
        g_autofree char *waiting = beside(test_url(), "GET %s:{%s}:waiting", name, tag);
        assert_string_equal(waiting, "0");
        g_autofree char *lists = beside(test_url(), "ZCARD %s:{%s}:wakeups", name, tag);
        assert_string_equal(lists, "0");
        timers_clear(&t);
    }
}

/* Between the read of due ones and the write that takes them others come into the same list: they are not lost. */
static void
what_comes_again_while_it_is_taken_stays(void **state)
{
    GError *error = NULL;
    g_autofree char *name = new_name();
    timers t = new_timers(name);
    (void)state;
    set_timers(&t, 3, 5, 1);
    t.now += 100;
    lc_store_read read = {.partition = 1, .due_before = t.now, .max_due = 10};
    must(read_all(t.store, &read, 1, &error), error);
    assert_int_equal(read.n_due, 3);
    set_timers(&t, 2, -95, 1);
    write_timers(&t, NULL, 0, true, 3);
    must(read_all(t.store, &read, 1, &error), error);
    assert_int_equal(read.n_due, 2);
    write_timers(&t, NULL, 0, true, 2);
    must(read_all(t.store, &read, 1, &error), error);
    assert_int_equal(read.n_due, 0);
    timers_clear(&t);
}

static void
many_leads_go_in_one_write(void **state)
{
    enum { N = 2500 };
    GError *error = NULL;
    g_autofree char *name = new_name();
    lc_store *store = open_store(test_url(), name);
    g_autofree lc_lead_change *leads = g_new0(lc_lead_change, N);
    g_autofree lc_text *ids = g_new0(lc_text, N);
    lc_arena arena = {0};
    (void)state;
    for (int i = 0; i < N; i++) {
        char id[16];
        g_snprintf(id, sizeof id, "lead-%d", i);
        ids[i] = lc_arena_text(&arena, lc_text_of(id));
        leads[i] = (lc_lead_change){ids[i], i % 5 ? ids[i] : LC_NO_TEXT, i % 3 ? i : LC_NEVER, true};
    }
    lc_store_write write = {.partition = 0, .next = LC_TEXT("1"), .leads = leads, .n_leads = N};
    must(write_all(store, &write, 1, &error), error);
    assert_true(write.written);
    lc_store_read read = {
        .partition = 0, .due_before = N + LC_DUE_GRAIN_MS, .max_due = N, .lead_ids = ids, .n_leads = N};
    must(read_all(store, &read, 1, &error), error);
    for (int i = 0; i < N; i++)
        assert_true(lc_text_equal(read.leads[i], i % 5 ? ids[i] : LC_NO_TEXT));
    assert_int_equal(read.n_due, N - (N + 2) / 3);
    lc_arena_clear(&arena);
    lc_store_free(store);
}

/* Ids of any form, each found again as it was, in one hash or in many; and states that say the id, or only seem to. */
static void
a_lead_is_found_whatever_its_id_and_its_state(void **state)
{
    static const char uuid[] = "0123abcd-89ab-4cde-8f01-23456789abcd";
    static const char binary[] = "\x01\x23\xab\xcd\x89\xab\x4c\xde\x8f\x01\x23\x45\x67\x89\xab\xcd";
    char longest[301] = "", escaped[201] = "";
    memset(longest, 'l', sizeof longest - 1);
    memset(escaped, '=', sizeof escaped - 1);
    const lc_text ids[] = {
        LC_TEXT("a"),
        lc_text_of(uuid),
        {binary, 16}, /* what the UUID is stored as */
        LC_TEXT("=0123456789abcdef"),
        LC_TEXT("=0123456789abcd"), /* with one letter more it is as long as a UUID's bytes */
        LC_TEXT("0123456789abcdef"),
        LC_TEXT("="),
        LC_TEXT("0123ABCD-89AB-4CDE-8F01-23456789ABCD"),
        LC_TEXT("0123abcd-89ab-4cde-8f01_23456789abcd"),
        LC_TEXT("0123abcd-89ab-4cde-8f01-23456789abcg"),
        LC_TEXT("0123abcd-89ab-4cde-8f01-23456789abco"),
        LC_TEXT("0123abcd-89ab-4cde-8f01-2345678\xb9zzzz"),
        LC_TEXT("01:3abcd-89ab-4cde-8f01-23456789abcd"),
        LC_TEXT("0123abcd-8/ab-4cde-8f01-23456789abcd"),
        lc_text_of(longest),
        lc_text_of(escaped),
    };
    enum { N = G_N_ELEMENTS(ids), WITHIN = 7 };
    static const char far[] = "0123456789012345678901234567890123456789012345678901234567890123"; /* 64 */
    static const char farther[] = "01234567890123456789012345678901234567890123456789012345678901234";
    static const char *const around[WITHIN][2] = {{NULL, NULL},  {"", ""},      {"frame", "rest"}, {"", "rest"},
                                                  {"frame", ""}, {far, "rest"}, {farther, "rest"}};
    GError *error = NULL;
    lc_arena arena = {0};
    (void)state;
    for (int a = 0; a < WITHIN; a++) {
        g_autofree char *name = new_name();
        lc_store *store = open_store(test_url(), name);
        lc_lead_change leads[N];
        for (size_t i = 0; i < N; i++) {
            g_autoptr(GString) text = g_string_new(around[a][0]);
            if (around[a][0]) { /* the id of another too: once, and in another place */
                g_string_append_len(text, ids[i].data, (gssize)ids[i].size);
                g_string_append(text, around[a][1]);
                g_string_append_len(text, ids[(i + 1) % N].data, (gssize)ids[(i + 1) % N].size);
            }
            lc_text copy = lc_arena_text(&arena, (lc_text){text->str, text->len});
            leads[i] = (lc_lead_change){ids[i], copy, (lc_instant)i + 1, true};
        }
        lc_store_write write = {.partition = 2, .next = LC_TEXT("1"), .leads = leads, .n_leads = N};
        must(write_all(store, &write, 1, &error), error);
        lc_instant wake_ats[N];
        for (size_t i = 0; i < N; i++)
            wake_ats[i] = (lc_instant)i + (i < N - 1); /* of the last one another */
        lc_store_read read = {
            .partition = 2, .due_before = 100, .max_due = N, .lead_ids = ids, .n_leads = N, .wake_ats = wake_ats};
        must(read_all(store, &read, 1, &error), error);
        assert_int_equal(read.n_due, N);
        for (size_t i = 0; i < N; i++) {
            assert_true(lc_text_equal(read.leads[i], leads[i].state));
            assert_true(lc_text_equal(read.due[i], ids[i]));
            assert_int_equal(read.has_wakeup[i], i < N - 1);
        }
        g_autoptr(GHashTable) found = g_hash_table_new(lc_text_key_hash, lc_text_key_equal);
        uint64_t cursor = 0;
        do {
            lc_text *some;
            size_t n;
            must(lc_store_scan_leads(store, 2, &cursor, &some, &n, &error), error);
            for (size_t i = 0; i < n; i++) {
                lc_text *key = lc_arena_new(&arena, lc_text, 1);
                *key = lc_arena_text(&arena, some[i]);
                g_hash_table_add(found, key);
            }
        } while (cursor);
        assert_int_equal(g_hash_table_size(found), N);
        for (size_t i = 0; i < N; i++)
            assert_true(g_hash_table_contains(found, &ids[i]));
        /* One is gone, the others of its hash stay. */
        lc_lead_change gone = {.lead_id = ids[1], .wake_at = LC_NEVER, .wake_changed = true};
        write = (lc_store_write){
            .partition = 2, .expected = LC_TEXT("1"), .next = LC_TEXT("2"), .leads = &gone, .n_leads = 1};
        must(write_all(store, &write, 1, &error), error);
        must(read_all(store, &read, 1, &error), error);
        for (size_t i = 0; i < N; i++)
            assert_true(lc_text_equal(read.leads[i], i == 1 ? LC_NO_TEXT : leads[i].state));
        lc_store_free(store);
    }
    lc_arena_clear(&arena);
}

/* ---- The guard ---- */

static void
only_the_expected_position_is_moved(void **state)
{
    static const struct {
        const char *there, *expected;
        bool written;
    } cases[] = {
        {NULL, NULL, true}, {NULL, "a", false}, {"a", NULL, false}, {"a", "a", true},  {"a", "b", false},
        {"a", "a ", false}, {"ab", "a", false}, {"", "", true},     {"", NULL, false},
    };
    GError *error = NULL;
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *name = new_name();
        g_autofree char *key = applied_key(name, 2);
        lc_store *store = open_store(test_url(), name);
        if (cases[i].there) {
            g_autofree char *set = beside(test_url(), "SET %s %s#3", key, cases[i].there);
        }
        lc_lead_change lead = {LC_TEXT("l"), LC_TEXT("s"), 5, true};
        lc_store_write write = {.partition = 2,
                                .expected = lc_text_of(cases[i].expected),
                                .next = LC_TEXT("next"),
                                .leads = &lead,
                                .n_leads = 1};
        must(write_all(store, &write, 1, &error), error);
        assert_int_equal(write.written, cases[i].written);
        lc_text id = LC_TEXT("l");
        lc_store_read read = {.partition = 2, .due_before = 16, .max_due = 5, .lead_ids = &id, .n_leads = 1};
        must(read_all(store, &read, 1, &error), error);
        assert_text(read.applied, cases[i].written ? "next" : cases[i].there);
        assert_text(read.leads[0], cases[i].written ? "s" : NULL);
        assert_int_equal(read.n_due, cases[i].written);
        lc_store_free(store);
    }
}

/* What another does between our look and our write. */
static void
whoever_comes_between_prevents_the_write(void **state)
{
    static const char *const between[] = {"SET %s other#3", "DEL %s", "SET %s 1#3" /* the same text: still a change */};
    GError *error = NULL;
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(between); i++) {
        g_autofree char *name = new_name();
        g_autofree char *key = applied_key(name, 0);
        lc_store *store = open_store(test_url(), name);
        assert_true(move(store, 0, NULL, "1", "a", &error));
        lc_lead_change lead = {LC_TEXT("b"), LC_TEXT("s"), 5, true};
        lc_store_write write = {
            .partition = 0, .expected = LC_TEXT("1"), .next = LC_TEXT("2"), .leads = &lead, .n_leads = 1};
        must(lc_store_write_begin(store, &write, 1, &error), error);
        g_usleep(30000);
        g_autofree char *answer = beside(test_url(), between[i], key);
        must(lc_store_write_end(store, &error), error);
        assert_false(write.written);
        lc_text id = LC_TEXT("b");
        lc_store_read read = {.partition = 0, .due_before = LC_ABSENT, .lead_ids = &id, .n_leads = 1};
        must(read_all(store, &read, 1, &error), error);
        assert_text(read.leads[0], NULL);
        assert_true(move(store, 1, NULL, "1", "c", &error)); /* the connection is good still */
        lc_store_free(store);
    }
}

static void
one_partition_does_not_hold_up_another(void **state)
{
    GError *error = NULL;
    g_autofree char *name = new_name();
    lc_store *store = open_store(test_url(), name);
    lc_store_write writes[PARTITIONS] = {0};
    (void)state;
    assert_true(move(store, 1, NULL, "theirs", "x", &error));
    for (int32_t p = 0; p < PARTITIONS; p++)
        writes[p] = (lc_store_write){.partition = p, .next = LC_TEXT("ours")};
    must(write_all(store, writes, PARTITIONS, &error), error);
    for (int32_t p = 0; p < PARTITIONS; p++) {
        assert_int_equal(writes[p].written, p != 1);
        assert_applied(store, p, p == 1 ? "theirs" : "ours");
    }
    lc_store_free(store);
}

static void
a_write_done_by_half_takes_the_position_away(void **state)
{
    GError *error = NULL;
    g_autofree char *name = new_name();
    lc_store *store = open_store(test_url(), name);
    g_autofree char *tag = lc_redis_tag(0, PARTITIONS);
    (void)state;
    assert_true(move(store, 0, NULL, "1", "a", &error));
    g_autofree char *one = beside(test_url(), "DEL %s:{%s}:wakeups", name, tag);
    g_autofree char *two = beside(test_url(), "SET %s:{%s}:wakeups text", name, tag);
    assert_false(move(store, 0, "1", "2", "b", &error));
    assert_error(&error, LC_ERROR_RETRY, "WRONGTYPE");
    must(lc_store_open(store, PARTITIONS, &error), error);
    assert_applied(store, 0, NULL);
    lc_store_free(store);
}

static void
a_write_that_redis_has_no_memory_for_changes_nothing(void **state)
{
    GError *error = NULL;
    own_redis redis = own_redis_new(NULL);
    lc_store *store = open_store(redis.url, "n");
    (void)state;
    assert_true(move(store, 0, NULL, "1", "a", &error));
    g_autofree char *less = beside(redis.url, "CONFIG SET maxmemory 1");
    assert_false(move(store, 0, "1", "2", "b", &error));
    assert_error(&error, LC_ERROR_RETRY, "OOM");
    g_autofree char *more = beside(redis.url, "CONFIG SET maxmemory 0");
    must(lc_store_open(store, PARTITIONS, &error), error);
    assert_applied(store, 0, "1");
    assert_true(move(store, 0, "1", "2", "b", &error));
    lc_store_free(store);
    own_redis_free(&redis);
}

/* ---- Connections ---- */

static char *
position_of(lc_store *store, int32_t partition)
{
    GError *error = NULL;
    lc_store_read read = {.partition = partition, .due_before = LC_ABSENT};
    if (!lc_store_read_begin(store, &read, 1, &error) || !lc_store_read_end(store, &error))
        fail_msg("%s", error->message);
    return g_strndup(read.applied.data ? read.applied.data : "", read.applied.size);
}

static void
assert_position(lc_store *store, int32_t partition, const char *expected)
{
    g_autofree char *position = position_of(store, partition);
    assert_string_equal(position, expected);
}

static void
reads_beyond_the_bound_are_left_out(void **state)
{
    (void)state;
    g_autofree char *name = new_name();
    lc_store *store = open_store(test_url(), name);
    GError *error = NULL;
    g_autofree char *text = g_strnfill(1000, 's');
    const lc_text ids[] = {LC_TEXT("a"), LC_TEXT("b"), LC_TEXT("c")};
    lc_lead_change leads[3];
    lc_store_read reads[4];
    for (int i = 0; i < 3; i++)
        leads[i] = (lc_lead_change){ids[i], {text, 1000}, LC_NEVER, true};
    lc_store_write write = {.partition = 0, .next = LC_TEXT("one"), .leads = leads, .n_leads = 3};
    assert_true(lc_store_write_begin(store, &write, 1, &error) && lc_store_write_end(store, &error));
    for (int i = 0; i < 4; i++)
        reads[i] = (lc_store_read){.partition = 0,
                                   .due_before = LC_ABSENT,
                                   .lead_ids = &ids[i % 3],
                                   .n_leads = 1,
                                   .most_bytes = i == 3 ? 0 : 1500};
    assert_true(lc_store_read_begin(store, reads, 4, &error) && lc_store_read_end(store, &error));
    assert_false(reads[0].is_left_out);
    assert_false(reads[1].is_left_out); /* 1,000 bytes were less than the bound */
    assert_true(reads[2].is_left_out);
    assert_false(reads[3].is_left_out);
    assert_int_equal(reads[0].leads[0].size, 1000);
    assert_memory_equal(reads[1].leads[0].data, text, 1000);
    assert_memory_equal(reads[3].leads[0].data, text, 1000);
    assert_position(store, 0, "one");
    lc_store_free(store);
}

/* ---- Keys that were evicted ---- */

static void
ask(redisContext *redis, const char *words)
{
    redisReply *reply = redisCommand(redis, words);
    if (reply == NULL || reply->type == REDIS_REPLY_ERROR)
        fail_msg("%s: %s", words, reply ? reply->str : "no answer");
    freeReplyObject(reply);
}

/* Some keys are evicted, and the policy is right again before anybody looks. */
static void
evict(redisContext *redis)
{
    g_autofree char *large = g_strnfill(30000, 'x');
    redisReply *memory = redisCommand(redis, "INFO memory");
    const char *used = strstr(memory->str, "used_memory:") + strlen("used_memory:");
    g_autofree char *limit =
        g_strdup_printf("CONFIG SET maxmemory %" G_GINT64_FORMAT, g_ascii_strtoll(used, NULL, 10) - 20000);
    ask(redis, "CONFIG SET maxmemory-policy allkeys-random");
    ask(redis, limit);
    redisReply *reply = redisCommand(redis, "SET stranger %s", large);
    freeReplyObject(reply);
    ask(redis, "CONFIG SET maxmemory 0");
    ask(redis, "CONFIG SET maxmemory-policy noeviction");
    freeReplyObject(memory);
    memory = redisCommand(redis, "INFO stats");
    assert_null(strstr(memory->str, "evicted_keys:0"));
    freeReplyObject(memory);
}

static void
fill(lc_store *store, int32_t partition, const char *position)
{
    g_autofree lc_lead_change *leads = g_new0(lc_lead_change, 200);
    g_autofree char *state = g_strnfill(500, 's');
    GError *error = NULL;
    lc_arena arena = {0};
    for (unsigned i = 0; i < 200; i++) {
        char id[32];
        g_snprintf(id, sizeof id, "lead-%u", i);
        leads[i] = (lc_lead_change){lc_arena_text(&arena, lc_text_of(id)), lc_text_of(state), 1000 + i, true};
    }
    lc_store_write write = {.partition = partition, .next = lc_text_of(position), .leads = leads, .n_leads = 200};
    assert_true(lc_store_write_begin(store, &write, 1, &error) && lc_store_write_end(store, &error));
    assert_true(write.written);
    lc_arena_clear(&arena);
}

static void
keys_evicted_between_two_looks_cost_the_positions(void **state)
{
    (void)state;
    own_redis redis = own_redis_new(NULL);
    redisContext *context = look(redis.url);
    lc_store *store = open_store(redis.url, "evicting");
    GError *error = NULL;
    fill(store, 0, "one");
    fill(store, 1, "one");
    evict(context);
    lc_store_read read = {.partition = 0, .due_before = LC_ABSENT};
    assert_false(lc_store_read_begin(store, &read, 1, &error) && lc_store_read_end(store, &error));
    assert_error(&error, LC_ERROR_RETRY, "evicted");
    /* Also that of the partition nobody has looked at. */
    assert_position(store, 0, "");
    assert_position(store, 1, "");
    fill(store, 0, "two");
    assert_position(store, 0, "two");
    lc_store_free(store);
    /* What was made anew since is whole, for who comes next too. */
    store = open_store(redis.url, "evicting");
    assert_position(store, 0, "two");
    evict(context);
    lc_store_free(store);
    store = open_store(redis.url, "evicting");
    assert_position(store, 0, "");
    lc_store_free(store);
    redisFree(context);
    own_redis_free(&redis);
}

static void
a_restart_does_not_hide_what_a_redis_that_may_evict_has_done(void **state)
{
    (void)state;
    own_redis redis = own_redis_new(NULL);
    redisContext *context = look(redis.url);
    lc_store *store = open_store(redis.url, "evicting");
    GError *error = NULL;
    fill(store, 0, "one");
    ask(context, "CONFIG SET maxmemory-policy allkeys-lru");
    assert_false(lc_store_open(store, PARTITIONS, &error));
    assert_error(&error, LC_ERROR_CONFIG, "allkeys-lru");
    ask(context, "SAVE");
    redisFree(context);
    own_redis_stop(&redis);
    own_redis_start(&redis, NULL);
    lc_store_free(store);
    store = open_store(redis.url, "evicting");
    assert_position(store, 0, "");
    lc_store_free(store);
    own_redis_free(&redis);
}

static unsigned n_warnings;

static GLogWriterOutput
count_warnings(GLogLevelFlags level, const GLogField *fields, gsize n, gpointer data)
{
    (void)fields, (void)n, (void)data;
    n_warnings += (level & G_LOG_LEVEL_WARNING) != 0;
    return G_LOG_WRITER_HANDLED;
}

static void
a_redis_that_does_not_let_us_look_is_told_once(void **state)
{
    (void)state;
    static const char *const options[] = {"--user", "blind", "on", ">secret", "~*", "+@all", "-info", NULL};
    own_redis redis = own_redis_new(options);
    GError *error = NULL;
    lc_redis_options store_options = {.url = redis.url, .user = "blind", .password = "secret", .name = "blind"};
    g_log_set_writer_func(count_warnings, NULL, NULL);
    for (int i = 0; i < 3; i++) {
        lc_store *store = lc_redis_store_new(&store_options, &error);
        assert_true(lc_store_open(store, PARTITIONS, &error));
        assert_position(store, 0, "");
        lc_store_free(store);
    }
    assert_int_equal(n_warnings, 1);
    own_redis_free(&redis);
}

static void
a_master_that_became_a_replica_is_a_retry_until_it_is_one_again(void **state)
{
    (void)state;
    own_redis redis = own_redis_new(NULL);
    lc_store *store = open_store(redis.url, "replica");
    static const char *const said[] = {"READONLY", "is a replica and takes no writes"};
    lc_store_write write = {.partition = 0, .next = LC_TEXT("1")};
    g_free(beside(redis.url, "REPLICAOF 127.0.0.1 1"));
    for (size_t i = 0; i < G_N_ELEMENTS(said); i++) {
        g_autoptr(GError) error = NULL;
        assert_false(lc_store_write_begin(store, &write, 1, &error) && lc_store_write_end(store, &error));
        assert_true(g_error_matches(error, LC_ERROR, LC_ERROR_RETRY));
        if (strstr(error->message, said[i]) == NULL)
            fail_msg("%s", error->message);
    }
    g_free(beside(redis.url, "REPLICAOF NO ONE"));
    assert_true(lc_store_write_begin(store, &write, 1, NULL) && lc_store_write_end(store, NULL) && write.written);
    lc_store_free(store);
    own_redis_free(&redis);
}

static void
a_cut_connection_is_a_retry_and_heals(void **state)
{
    GError *error = NULL;
    own_redis redis = own_redis_new(NULL);
    lc_store *store = open_store(redis.url, "n");
    (void)state;
    assert_true(move(store, 0, NULL, "1", "a", &error));
    for (int when = 0; when < 3; when++) {
        lc_store_write write = {.partition = 0, .expected = LC_TEXT("1"), .next = LC_TEXT("2")};
        if (when == 1)
            must(lc_store_write_begin(store, &write, 1, &error), error);
        g_usleep(20000);
        g_autofree char *killed = beside(redis.url, "CLIENT KILL TYPE normal SKIPME yes");
        bool ok = when == 1 ? lc_store_write_end(store, &error) : move(store, 0, "1", "2", "b", &error);
        assert_false(ok);
        assert_error(&error, LC_ERROR_RETRY, "Redis at");
        must(lc_store_open(store, PARTITIONS, &error), error);
        assert_applied(store, 0, "1");
    }
    lc_store_free(store);
    own_redis_free(&redis);
}

static void
a_redis_that_is_away_is_waited_for(void **state)
{
    GError *error = NULL;
    own_redis redis = own_redis_new(NULL);
    lc_store *store = open_store(redis.url, "n");
    lc_store_read read = {.partition = 0, .due_before = LC_ABSENT};
    (void)state;
    assert_true(move(store, 0, NULL, "1", "a", &error));
    own_redis_stop(&redis);
    for (int i = 0; i < 2; i++) {
        assert_false(read_all(store, &read, 1, &error));
        assert_error(&error, LC_ERROR_RETRY, "Redis at");
        assert_false(lc_store_open(store, PARTITIONS, &error));
        assert_error(&error, LC_ERROR_RETRY, "Redis at");
    }
    own_redis_start(&redis, NULL);
    must(lc_store_open(store, PARTITIONS, &error), error);
    assert_applied(store, 0, NULL);
    lc_store_free(store);
    own_redis_free(&redis);
}

static void
a_redis_that_hangs_is_left_after_a_second(void **state)
{
    GError *error = NULL;
    own_redis redis = own_redis_new(NULL);
    lc_store *store = open_store(redis.url, "n");
    lc_store_read read = {.partition = 0, .due_before = LC_ABSENT};
    (void)state;
    kill(redis.pid, SIGSTOP);
    gint64 start = g_get_monotonic_time();
    assert_false(read_all(store, &read, 1, &error));
    assert_error(&error, LC_ERROR_RETRY, "does not answer");
    assert_true(g_get_monotonic_time() - start < 1500000);
    kill(redis.pid, SIGCONT);
    must(lc_store_open(store, PARTITIONS, &error), error);
    assert_applied(store, 0, NULL);
    lc_store_free(store);
    own_redis_free(&redis);
}

/* ---- Scanning ---- */

static void
a_scan_finds_all_of_its_partition_and_nothing_else(void **state)
{
    static const char *const names[] = {"plain", "*", "a[b]?", "back\\slash"};
    GError *error = NULL;
    own_redis redis = own_redis_new(NULL);
    lc_arena arena = {0};
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        lc_store *store = open_store(redis.url, names[i]);
        assert_true(move(store, 0, NULL, "1", "a", &error));
        assert_true(move(store, 1, NULL, "1", "b", &error));
        lc_store_free(store);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        lc_store *store = open_store(redis.url, names[i]);
        g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(lc_text));
        uint64_t cursor = 0;
        do {
            lc_text *keys;
            size_t n;
            must(lc_store_scan(store, 0, &cursor, &keys, &n, &error), error);
            for (size_t k = 0; k < n; k++) {
                lc_text key = lc_arena_text(&arena, keys[k]);
                g_array_append_val(found, key);
            }
        } while (cursor);
        assert_int_equal(found->len, 4); /* the lead, the wake-up, the index of these, how many they are */
        lc_store_write write = {.partition = 0,
                                .expected = LC_TEXT("1"),
                                .next = LC_TEXT("2"),
                                .unlink_keys = (lc_text *)(void *)found->data,
                                .n_unlink_keys = found->len};
        must(write_all(store, &write, 1, &error), error);
        lc_text ids[] = {LC_TEXT("a"), LC_TEXT("b")};
        lc_store_read reads[] = {{.partition = 0, .due_before = 16, .max_due = 5, .lead_ids = ids, .n_leads = 2},
                                 {.partition = 1, .due_before = 16, .max_due = 5, .lead_ids = ids, .n_leads = 2}};
        must(read_all(store, reads, 2, &error), error);
        assert_text(reads[0].leads[0], NULL);
        assert_int_equal(reads[0].n_due, 0);
        assert_text(reads[1].leads[1], "s");
        assert_int_equal(reads[1].n_due, 1);
        lc_store_free(store);
    }
    lc_arena_clear(&arena);
    own_redis_free(&redis);
}

/* ---- Servers and settings that are refused ---- */

static void
a_redis_that_must_not_be_used_is_refused(void **state)
{
    static const struct {
        const char *options[5];
        const char *says;
    } cases[] = {
        {{"--maxmemory-policy", "allkeys-lru", NULL}, "maxmemory-policy is allkeys-lru"},
        {{"--requirepass", "secret", NULL}, "NOAUTH"},
        {{"--cluster-enabled", "yes", NULL}, "cluster"},
    };
    GError *error = NULL;
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        own_redis redis = own_redis_new(cases[i].options);
        lc_store *store = new_store(redis.url, "n");
        assert_false(lc_store_open(store, PARTITIONS, &error));
        assert_error(&error, LC_ERROR_CONFIG, cases[i].says);
        lc_store_free(store);
        own_redis_free(&redis);
    }
}

static void
a_password_opens(void **state)
{
    static const char *const options[] = {"--requirepass", "se/cr:et", NULL};
    GError *error = NULL;
    own_redis redis = own_redis_new(options);
    (void)state;
    const struct {
        const char *user, *password;
        bool good;
    } cases[] = {{NULL, "se/cr:et", true}, {"default", "se/cr:et", true}, {NULL, "wrong", false}};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        lc_redis_options with = {.url = redis.url, .user = cases[i].user, .password = cases[i].password, .name = "n"};
        lc_store *store = lc_redis_store_new(&with, &error);
        assert_int_equal(lc_store_open(store, PARTITIONS, &error), cases[i].good);
        if (!cases[i].good)
            assert_error(&error, LC_ERROR_CONFIG, "Redis says");
        lc_store_free(store);
    }
    own_redis_free(&redis);
}

static void
a_layout_for_other_partitions_is_refused(void **state)
{
    GError *error = NULL;
    g_autofree char *name = new_name();
    lc_store *store = open_store(test_url(), name);
    (void)state;
    must(lc_store_open(store, PARTITIONS, &error), error);
    assert_false(lc_store_open(store, PARTITIONS + 1, &error));
    assert_error(&error, LC_ERROR_CONFIG, "3:5");
    lc_store_free(store);
}

static void
an_emptied_redis_gets_its_layout_back(void **state)
{
    GError *error = NULL;
    own_redis redis = own_redis_new(NULL);
    lc_store *store = open_store(redis.url, "n");
    (void)state;
    assert_true(move(store, 0, NULL, "1", "a", &error));
    g_autofree char *flushed = beside(redis.url, "FLUSHALL");
    assert_applied(store, 0, NULL);
    assert_true(move(store, 0, NULL, "1", "a", &error));
    g_autofree char *layout = beside(redis.url, "GET n:layout");
    assert_string_equal(layout, "3:4");
    lc_store_free(store);
    own_redis_free(&redis);
}

/* No position of it is read, whenever it is written; the first write notes ours. */
static void
an_earlier_layout_is_taken_for_nothing(void **state)
{
    GError *error = NULL;
    own_redis redis = own_redis_new(NULL);
    lc_store *writer = open_store(redis.url, "n");
    (void)state;
    for (int32_t p = 0; p < 2; p++) {
        g_autofree char *key = applied_key("n", p), *set = beside(redis.url, "SET %s old", key);
    }
    g_autofree char *earlier = beside(redis.url, "SET n:layout 2:4");
    lc_store *store = open_store(redis.url, "n"), *reader = open_store(redis.url, "n");
    assert_applied(store, 0, NULL);
    assert_applied(reader, 1, NULL);
    g_autofree char *untouched = beside(redis.url, "GET n:layout");
    assert_string_equal(untouched, "2:4");
    assert_false(move(store, 0, "old", "new", "b", &error));
    assert_null(error);
    assert_true(move(store, 0, NULL, "new", "b", &error));
    assert_applied(store, 0, "new");
    assert_applied(store, 1, NULL);
    g_autofree char *layout = beside(redis.url, "GET n:layout");
    assert_string_equal(layout, "3:4");
    /* One of the earlier version that still runs believes no position of ours, nor do we one of its. */
    g_autofree char *key = applied_key("n", 0), *ours = beside(redis.url, "GET %s", key);
    assert_string_equal(ours, "new#3");
    g_autofree char *theirs = beside(redis.url, "SET %s new", key);
    assert_applied(store, 0, NULL);
    lc_store_free(reader);
    lc_store_free(writer);
    lc_store_free(store);

    g_autofree char *later = beside(redis.url, "SET n:layout 4:4");
    store = new_store(redis.url, "n");
    assert_false(lc_store_open(store, PARTITIONS, &error));
    assert_error(&error, LC_ERROR_CONFIG, "4:4");
    lc_store_free(store);
    own_redis_free(&redis);
}

static void
a_url_that_cannot_be_used_is_refused(void **state)
{
    static const struct {
        const char *url, *name, *says;
    } cases[] = {
        {"http://localhost", "n", "unknown scheme"},
        {"localhost:6379", "n", "not a URL"},
        {"redis://localhost/x", "n", "the database must be a number"},
        {"redis:///0", "n", "no host"},
        {"redis://localhost:70000", "n", "a host is missing, or not one"},
        {"redis+sentinel://a,,b/m", "n", "a host is missing"},
        {"redis+sentinel://a,b", "n", "the name of the master is missing"},
        {"redis+sentinel://a,b/m/x", "n", "the database must be a number"},
        {"unix://relative", "n", "no path"},
        {"::", "n", "not a URL"},
        {"redis://localhost", "a{b", "can't start Redis keys"},
        {"redis://localhost", "", "can't start"},
    };
    GError *error = NULL;
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        lc_redis_options options = {.url = cases[i].url, .name = cases[i].name};
        assert_null(lc_redis_store_new(&options, &error));
        assert_error(&error, LC_ERROR_CONFIG, cases[i].says);
    }
}

/* ---- TLS ---- */

static void
run_in(const char *folder, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *what = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_autofree char *command = g_strdup_printf("cd '%s' && %s >/dev/null 2>&1", folder, what);
    if (system(command) != 0)
        fail_msg("failed: %s", command);
}

static void
make_authority(const char *folder, const char *name)
{
    run_in(folder,
           "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=%s "
           "-keyout %s.key -out %s.pem",
           name, name, name);
}

#define FOR_TWO_DAYS "-days 2"
/* OpenSSL from 3.4 on takes no negative days, and none before takes dates. */
#define EXPIRED                                                                                                        \
    "$(openssl x509 -help 2>&1 | grep -q not_before && echo '-not_before 20200101000000Z -not_after 20200102000000Z' " \
    "|| echo '-days -1')"

/* For "redis.test". */
static void
make_certificate(const char *folder, const char *name, const char *authority, const char *validity)
{
    run_in(folder,
           "openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=redis.test "
           "-addext subjectAltName=DNS:redis.test -keyout %s.key -out request.pem",
           name);
    run_in(folder,
           "openssl x509 -req -in request.pem -CA %s.pem -CAkey %s.key -CAcreateserial %s -copy_extensions copy "
           "-out %s.pem",
           authority, authority, validity, name);
}

static void
make_certificates(const char *folder)
{
    make_authority(folder, "ca");
    make_authority(folder, "stranger");
    make_certificate(folder, "certificate", "ca", FOR_TWO_DAYS);
    make_certificate(folder, "expired", "ca", EXPIRED);
    make_certificate(folder, "strange", "stranger", FOR_TWO_DAYS);
}

/* A Redis that wants TLS and a certificate at one port, and neither at the other. */
static own_redis
redis_by_tls(const char *folder, int port, int clear_port)
{
    g_autofree char *number = g_strdup_printf("%d", port), *clear = g_strdup_printf("%d", clear_port);
    g_autofree char *key = g_strdup_printf("%s/certificate.key", folder), *ca = g_strdup_printf("%s/ca.pem", folder);
    g_autofree char *certificate = g_strdup_printf("%s/certificate.pem", folder);
    const char *const with_tls[] = {"--tls-port",
                                    number,
                                    "--port",
                                    clear,
                                    "--bind",
                                    "127.0.0.1",
                                    "--tls-cert-file",
                                    certificate,
                                    "--tls-key-file",
                                    key,
                                    "--tls-ca-cert-file",
                                    ca,
                                    NULL};

    make_certificates(folder);
    return own_redis_new(with_tls);
}

/* `certificate`: of ours; NULL: none. */
static lc_store *
store_by_tls(const char *folder, int port, const char *ca, const char *server_name, const char *certificate)
{
    GError *error = NULL;
    g_autofree char *url = g_strdup_printf("rediss://127.0.0.1:%d", port);
    g_autofree char *ca_file = g_strdup_printf("%s/%s.pem", folder, ca);
    g_autofree char *key = g_strdup_printf("%s/%s.key", folder, certificate ? certificate : "");
    g_autofree char *file = g_strdup_printf("%s/%s.pem", folder, certificate ? certificate : "");
    lc_redis_options options = {.url = url,
                                .name = "tls",
                                .ca = ca_file,
                                .server_name = server_name,
                                .certificate = certificate ? file : NULL,
                                .key = certificate ? key : NULL};
    lc_store *store = lc_redis_store_new(&options, &error);
    must(store != NULL, error);
    return store;
}

/* The certificate that it shows, and the protocols that it speaks. */
static void
set_tls(const own_redis *redis, const char *folder, const char *certificate, const char *protocols)
{
    g_autofree char *file = g_strdup_printf("%s/%s.pem", folder, certificate);
    g_autofree char *key = g_strdup_printf("%s/%s.key", folder, certificate);
    g_autofree char *said =
        beside(redis->url, "CONFIG SET tls-cert-file %s tls-key-file %s tls-protocols %s", file, key, protocols);
    assert_string_equal(said, "OK");
}

static void
by_tls_all_is_as_without(void **state)
{
    GError *error = NULL;
    (void)state;
    if (!lc_redis_has_tls()) {
        lc_redis_options options = {.url = "rediss://localhost", .name = "n"};
        assert_null(lc_redis_store_new(&options, &error));
        assert_error(&error, LC_ERROR_CONFIG, "this build has no TLS to Redis");
        return;
    }
    g_autofree char *folder = g_dir_make_tmp("leadclock-tls-XXXXXX", NULL);
    int port = free_port();
    own_redis redis = redis_by_tls(folder, port, 0);

    lc_store *store = store_by_tls(folder, port, "ca", "redis.test", "certificate");
    must(lc_store_open(store, PARTITIONS, &error), error);
    assert_true(move(store, 0, NULL, "1", "l1", &error));
    assert_applied(store, 0, "1");
    /* More than a TLS record and a socket buffer hold. */
    enum { MANY = 20000 };
    g_autofree lc_lead_change *changes = g_new0(lc_lead_change, MANY);
    g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
    for (int i = 0; i < MANY; i++) {
        g_ptr_array_add(ids, g_strdup_printf("lead-%d", i));
        changes[i] = (lc_lead_change){.lead_id = lc_text_of(ids->pdata[i]),
                                      .state = lc_text_of(ids->pdata[i]),
                                      .wake_at = i,
                                      .wake_changed = true};
    }
    lc_store_write write = {.partition = 1, .next = LC_TEXT("2"), .leads = changes, .n_leads = MANY};
    must(write_all(store, &write, 1, &error), error);
    assert_true(write.written);
    assert_applied(store, 1, "2");
    lc_store_free(store);

    own_redis_free(&redis);
    run_in("/", "rm -r '%s'", folder);
}

#define ANY "TLSv1.2 TLSv1.3"
#define IT_NEEDS_ANOTHER "the server needs a new one; look at this machine's clock"
#define WANTS_OURS "it wants a certificate of ours: set redis.certificate and redis.key"
#define TAKES_NOT_OURS "it does not take our certificate: look whether redis.certificate is of a CA of its"

static void
by_tls_each_refusal_says_what_to_do(void **state)
{
    static const struct {
        const char *shows;     /* of the server; NULL: it is the port in the clear */
        const char *protocols; /* that it speaks */
        const char *ca, *name, *certificate, *says;
    } cases[] = {
        {"certificate", ANY, "ca", NULL, "certificate", "IP address mismatch); set redis.server_name to a name in it"},
        {"certificate", ANY, "ca", "other.test", "certificate",
         "hostname mismatch); set redis.server_name to a name in it"},
        {"certificate", ANY, "stranger", "redis.test", "certificate", "); name the CA that signed it in redis.ca"},
        {"certificate", ANY, "ca", "redis.test", NULL, WANTS_OURS},
        {"certificate", "TLSv1.2", "ca", "redis.test", NULL, WANTS_OURS},
        {"certificate", ANY, "ca", "redis.test", "strange", TAKES_NOT_OURS},
        {"certificate", ANY, "ca", "redis.test", "expired", TAKES_NOT_OURS},
        {"certificate", "TLSv1.2", "ca", "redis.test", "strange", TAKES_NOT_OURS},
        {"certificate", "TLSv1.1", "ca", "redis.test", "certificate", "it must speak TLS 1.2 or later (tls-protocols)"},
        {"expired", ANY, "ca", "redis.test", "certificate", "certificate has expired); " IT_NEEDS_ANOTHER},
        {NULL, ANY, "ca", "redis.test", "certificate",
         "look whether its port speaks TLS (tls-port), and redis.url names it"},
    };
    GError *error = NULL;
    (void)state;
    if (!lc_redis_has_tls())
        skip();
    g_autofree char *folder = g_dir_make_tmp("leadclock-tls-XXXXXX", NULL);
    int port = free_port(), clear_port = free_port();
    own_redis redis = redis_by_tls(folder, port, clear_port);

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        int its_port = cases[i].shows ? port : clear_port;
        set_tls(&redis, folder, cases[i].shows ? cases[i].shows : "certificate", cases[i].protocols);
        lc_store *store = store_by_tls(folder, its_port, cases[i].ca, cases[i].name, cases[i].certificate);
        g_autofree char *at = g_strdup_printf("Redis at 127.0.0.1:%d: ", its_port);
        assert_false(lc_store_open(store, PARTITIONS, &error));
        assert_true(g_str_has_prefix(error->message, at));
        assert_error(&error, LC_ERROR_RETRY, cases[i].says);
        lc_store_free(store);
    }
    /* It was not the server that was away. */
    set_tls(&redis, folder, "certificate", ANY);
    lc_store *store = store_by_tls(folder, port, "ca", "redis.test", "certificate");
    must(lc_store_open(store, PARTITIONS, &error), error);
    lc_store_free(store);
    own_redis_free(&redis);
    run_in("/", "rm -r '%s'", folder);
}

static void
in_the_clear_to_a_port_of_tls_says_what_to_do(void **state)
{
    GError *error = NULL;
    (void)state;
    g_autofree char *folder = g_dir_make_tmp("leadclock-tls-XXXXXX", NULL);
    int port = free_port(), clear_port = free_port();
    own_redis redis = redis_by_tls(folder, port, clear_port);
    g_autofree char *url = g_strdup_printf("redis://127.0.0.1:%d", port);
    g_autofree char *clear_url = g_strdup_printf("redis://127.0.0.1:%d", clear_port);
    lc_redis_options options = {.url = url, .name = "clear"}, clear_options = {.url = clear_url, .name = "clear"};

    lc_store *store = lc_redis_store_new(&options, &error);
    must(store != NULL, error);
    assert_false(lc_store_open(store, PARTITIONS, &error));
    assert_error(&error, LC_ERROR_RETRY, "; where it takes TLS only, redis.url must begin with rediss");
    lc_store_free(store);
    /* One that has answered goes away. */
    store = lc_redis_store_new(&clear_options, &error);
    must(store != NULL, error);
    must(lc_store_open(store, PARTITIONS, &error), error);
    own_redis_free(&redis);
    assert_false(move(store, 0, NULL, "1", "l1", &error));
    assert_non_null(error);
    assert_null(strstr(error->message, "TLS"));
    g_clear_error(&error);
    lc_store_free(store);
    run_in("/", "rm -r '%s'", folder);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_the_clear_to_a_port_of_tls_says_what_to_do),
        cmocka_unit_test(by_tls_all_is_as_without),
        cmocka_unit_test(by_tls_each_refusal_says_what_to_do),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(deleting_leaves_nothing_behind),
        cmocka_unit_test(wakeups_come_in_order_and_within_limits),
        cmocka_unit_test(each_wakeup_comes_when_it_is_due),
        cmocka_unit_test(what_comes_again_while_it_is_taken_stays),
        cmocka_unit_test(many_leads_go_in_one_write),
        cmocka_unit_test(a_lead_is_found_whatever_its_id_and_its_state),
        cmocka_unit_test(only_the_expected_position_is_moved),
        cmocka_unit_test(whoever_comes_between_prevents_the_write),
        cmocka_unit_test(one_partition_does_not_hold_up_another),
        cmocka_unit_test(a_write_done_by_half_takes_the_position_away),
        cmocka_unit_test(a_write_that_redis_has_no_memory_for_changes_nothing),
        cmocka_unit_test(reads_beyond_the_bound_are_left_out),
        cmocka_unit_test(keys_evicted_between_two_looks_cost_the_positions),
        cmocka_unit_test(a_restart_does_not_hide_what_a_redis_that_may_evict_has_done),
        cmocka_unit_test(a_redis_that_does_not_let_us_look_is_told_once),
        cmocka_unit_test(a_master_that_became_a_replica_is_a_retry_until_it_is_one_again),
        cmocka_unit_test(a_cut_connection_is_a_retry_and_heals),
        cmocka_unit_test(a_redis_that_is_away_is_waited_for),
        cmocka_unit_test(a_redis_that_hangs_is_left_after_a_second),
        cmocka_unit_test(a_scan_finds_all_of_its_partition_and_nothing_else),
        cmocka_unit_test(a_redis_that_must_not_be_used_is_refused),
        cmocka_unit_test(a_password_opens),
        cmocka_unit_test(a_layout_for_other_partitions_is_refused),
        cmocka_unit_test(an_emptied_redis_gets_its_layout_back),
        cmocka_unit_test(an_earlier_layout_is_taken_for_nothing),
        cmocka_unit_test(a_url_that_cannot_be_used_is_refused),
    };
    if (test_url() == NULL) {
        fprintf(stderr, "LC_TEST_REDIS_URL is not set: tests/run.sh starts the servers and sets it\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
