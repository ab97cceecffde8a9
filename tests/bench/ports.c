/* Measures the ports alone, on the servers of LC_TEST_BROKERS and LC_TEST_REDIS_URL: records polled and replayed,
 * messages committed, leads written and read. Usage: ports [RECORDS]. */
#include <leadclock/kafka.h>
#include <leadclock/redis.h>

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define PARTITIONS 4
#define INPUTS 2

static double
cpu_s(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

typedef struct {
    const char *what;
    gint64 start_us;
    double start_cpu_s;
} stopwatch;

static stopwatch
stopwatch_start(const char *what)
{
    return (stopwatch){what, g_get_monotonic_time(), cpu_s()};
}

static void
stopwatch_stop(const stopwatch *watch, unsigned n)
{
    double seconds = (double)(g_get_monotonic_time() - watch->start_us) / 1e6;
    printf("%-40s %9u in %6.2f s: %8.0f /s, %5.2f CPU s per million\n", watch->what, n, seconds, n / seconds,
           (cpu_s() - watch->start_cpu_s) * 1e6 / n);
    fflush(stdout);
}

static void
must(bool ok, GError *error)
{
    if (ok)
        return;
    fprintf(stderr, "%s\n", error ? error->message : "failed");
    exit(1);
}

/* Calls until it is not to be tried again. */
#define again(call, error)                                                                                             \
    do {                                                                                                               \
        while (!(call) && (error)->code == LC_ERROR_RETRY) {                                                           \
            g_clear_error(&(error));                                                                                   \
            g_usleep(1000);                                                                                            \
        }                                                                                                              \
        must((error) == NULL, (error));                                                                                \
    } while (0)

static void
produce_batch(lc_log *log, lc_output output, unsigned n, size_t value_bytes)
{
    GError *error = NULL;
    char value[512] = "";
    g_autofree char(*keys)[16] = g_malloc_n(n, sizeof *keys);
    g_autofree int64_t *offsets = g_new(int64_t, n);

    for (size_t i = 0; i < value_bytes; i++)
        value[i] = (char)g_random_int();
    must(lc_log_begin(log, &error), error);
    for (unsigned i = 0; i < n; i++) {
        int size = g_snprintf(keys[i], sizeof keys[i], "lead-%u", i);
        lc_outgoing outgoing = {.output = output,
                                .partition = output == LC_OUTPUT_STATE ? (int32_t)((uint64_t)i * PARTITIONS / n) : -1,
                                .key = {keys[i], (size_t)size},
                                .value = {value, value_bytes},
                                .offset = &offsets[i]};
        again(lc_log_produce(log, &outgoing, &error), error);
    }
    again(lc_log_flush(log, &error), error);
    must(lc_log_commit_begin(log, &error), error);
    lc_log_commit_end(log, &error);
    must(error == NULL, error);
}

static void
measure_log(unsigned n)
{
    GError *error = NULL;
    g_autofree char *prefix = g_strdup_printf("bench%d", getpid());
    g_autofree char *in0 = g_strconcat(prefix, ".in0", NULL), *in1 = g_strconcat(prefix, ".in1", NULL);
    const char *const inputs[] = {in0, in1, NULL};
    lc_kafka_options options = {
        .brokers = g_getenv("LC_TEST_BROKERS"), .group = prefix, .instance = "a", .inputs = inputs};
    for (int i = 0; i < LC_OUTPUTS; i++)
        options.outputs[i] = g_strdup_printf("%s.out%d", prefix, i);
    options.outputs[LC_OUTPUT_BREACHES] = in0; /* what is produced is what is read */
    for (int i = 0; i < INPUTS; i++)
        must(lc_kafka_create_topic(&options, inputs[i], PARTITIONS, 1, NULL, 20000, &error), error);
    for (int i = 1; i < LC_OUTPUTS; i++)
        must(lc_kafka_create_topic(&options, options.outputs[i], PARTITIONS, 1, NULL, 20000, &error), error);
    lc_log *log = lc_kafka_log_new(&options, &error);
    must(log, error);
    again(lc_log_renew_producer(log, &error), error);

    stopwatch watch = stopwatch_start("produced by key, 20,000 a transaction");
    for (unsigned left = n; left; left -= MIN(left, 20000))
        produce_batch(log, LC_OUTPUT_BREACHES, MIN(left, 20000), 150);
    stopwatch_stop(&watch, n);
    watch = stopwatch_start("produced to a changelog");
    for (unsigned left = n; left; left -= MIN(left, 20000))
        produce_batch(log, LC_OUTPUT_STATE, MIN(left, 20000), 150);
    stopwatch_stop(&watch, n);

    watch = stopwatch_start("replayed");
    unsigned replayed = 0;
    for (int32_t p = 0; p < PARTITIONS; p++) {
        lc_replayed record;
        lc_replay_result result;
        gint64 start = g_get_monotonic_time();
        again(lc_log_replay_open(log, LC_CHANGELOG_STATE, p, 0, &error), error);
        gint64 opened = g_get_monotonic_time(), first = 0;
        /* An end may come before the last marker is written. */
        while ((result = lc_log_replay_read(log, 1000, &record, &error)) != LC_REPLAY_END ||
               replayed < n / PARTITIONS * ((unsigned)p + 1)) {
            if (result != LC_REPLAY_RECORD)
                continue;
            replayed++;
            first = first ? first : g_get_monotonic_time();
            if (replayed % 20000 == 0)
                lc_log_replay_release(log);
        }
        gint64 read = g_get_monotonic_time();
        lc_log_replay_close(log);
        printf("  partition %d: opened in %d ms, first record after %d ms, read in %d ms, closed in %d ms\n", p,
               (int)(opened - start) / 1000, (int)(first - opened) / 1000, (int)(read - opened) / 1000,
               (int)(g_get_monotonic_time() - read) / 1000);
    }
    stopwatch_stop(&watch, replayed);

    again(lc_log_subscribe(log, &error), error);
    lc_log_event event = {LC_LOG_NOTHING};
    while (event.type != LC_LOG_ASSIGNED)
        must(lc_log_poll(log, 100, &event, &error), error);
    int64_t offsets[INPUTS] = {0};
    watch = stopwatch_start("polled");
    for (int32_t p = 0; p < PARTITIONS; p++)
        must(lc_log_seek(log, p, offsets, &error), error);
    for (unsigned polled = 0; polled < n;) {
        must(lc_log_poll(log, 100, &event, &error), error);
        polled += event.type == LC_LOG_RECORD;
        if (polled % 20000 == 0)
            lc_log_release_records(log);
    }
    stopwatch_stop(&watch, n);
    lc_log_release_records(log);
    lc_log_free(log);
}

static void
measure_store(unsigned batches)
{
    enum { N = 10000 };
    GError *error = NULL;
    g_autofree char *name = g_strdup_printf("bench-%d", getpid());
    lc_redis_options options = {.url = g_getenv("LC_TEST_REDIS_URL"), .name = name};
    lc_store *store = lc_redis_store_new(&options, &error);
    must(store, error);
    again(lc_store_open(store, 4, &error), error);
    g_autofree lc_lead_change *changes = g_new0(lc_lead_change, N);
    g_autofree lc_text *ids = g_new0(lc_text, N);
    lc_arena arena = {0};
    char state[100], applied[2][16] = {"", ""};
    memset(state, 's', sizeof state);
    stopwatch watch = stopwatch_start("written, 10,000 leads of 100 bytes");
    for (unsigned b = 0; b < batches; b++) {
        lc_arena_reset(&arena);
        for (unsigned i = 0; i < N; i++) {
            char id[48];
            g_snprintf(id, sizeof id, "lead-%08u", b * N + i);
            ids[i] = lc_arena_text(&arena, lc_text_of(id));
            changes[i] = (lc_lead_change){ids[i], {state, sizeof state}, 1700000000000 + i * 1000 + b, true};
        }
        g_snprintf(applied[b % 2], sizeof applied[0], "%u", b);
        lc_store_write write = {.partition = 1,
                                .expected = b ? lc_text_of(applied[(b + 1) % 2]) : LC_NO_TEXT,
                                .next = lc_text_of(applied[b % 2]),
                                .leads = changes,
                                .n_leads = N};
        must(lc_store_write_begin(store, &write, 1, &error) && lc_store_write_end(store, &error), error);
        must(write.written, NULL);
    }
    stopwatch_stop(&watch, batches * N);
    watch = stopwatch_start("read, 10,000 leads");
    for (unsigned b = 0; b < batches; b++) {
        lc_store_read read = {.partition = 1, .due_before = 1, .max_due = 10, .lead_ids = ids, .n_leads = N};
        must(lc_store_read_begin(store, &read, 1, &error) && lc_store_read_end(store, &error), error);
    }
    stopwatch_stop(&watch, batches * N);
    watch = stopwatch_start("due wake-ups read, 10,000");
    for (unsigned b = 0; b < batches; b++) {
        lc_store_read read = {.partition = 1, .due_before = LC_NEVER, .max_due = N};
        must(lc_store_read_begin(store, &read, 1, &error) && lc_store_read_end(store, &error), error);
        must(read.n_due == N, NULL);
    }
    stopwatch_stop(&watch, batches * N);
    lc_store_free(store);
    lc_arena_clear(&arena);
}

int
main(int argc, char **argv)
{
    unsigned n = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1000000;

    if (g_getenv("LC_TEST_BROKERS"))
        measure_log(n);
    if (g_getenv("LC_TEST_REDIS_URL"))
        measure_store(MAX(n / 10000, 1));
    return 0;
}
