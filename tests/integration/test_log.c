/* The log on a real Kafka, with topics and a group of its own for each test. --seed N repeats a random test. */
#include <leadclock/kafka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <librdkafka/rdkafka.h>

#include "asserting.h"

#define INPUTS 2
#define PATIENCE_S 30

static guint32 seed;

static gint64
now_ms(void)
{
    return g_get_monotonic_time() / 1000;
}

/* ---- A world: topics of its own ---- */

typedef struct {
    char *prefix;
    char **inputs;
    char *outputs[LC_OUTPUTS];
    lc_kafka_options options;
} world;

static void
create(world *w, const char *name, int32_t partitions, const char *const *configs)
{
    GError *error = NULL;
    must(lc_kafka_create_topic(&w->options, name, partitions, 1, configs, 20000, &error), error);
}

static world *
world_named(void)
{
    static unsigned count;
    world *w = g_new0(world, 1);
    w->prefix = g_strdup_printf("t%d-%" G_GINT64_FORMAT "-%u", getpid(), g_get_real_time() / 1000000, count++);
    w->inputs = g_new0(char *, INPUTS + 1);
    for (int i = 0; i < INPUTS; i++)
        w->inputs[i] = g_strdup_printf("%s.in%d", w->prefix, i);
    w->options = (lc_kafka_options){.brokers = g_getenv("LC_TEST_BROKERS"),
                                    .group = w->prefix,
                                    .instance = "a",
                                    .inputs = (const char *const *)w->inputs};
    for (int i = 0; i < LC_OUTPUTS; i++)
        w->options.outputs[i] = w->outputs[i] = g_strdup_printf("%s.out%d", w->prefix, i);
    return w;
}

static world *
world_new(int32_t partitions)
{
    world *w = world_named();
    for (int i = 0; i < INPUTS; i++)
        create(w, w->inputs[i], partitions, NULL);
    for (int i = 0; i < LC_OUTPUTS; i++)
        create(w, w->outputs[i], partitions, NULL);
    return w;
}

static void
world_free(world *w)
{
    g_strfreev(w->inputs);
    for (int i = 0; i < LC_OUTPUTS; i++)
        g_free(w->outputs[i]);
    g_free(w->prefix);
    g_free(w);
}

/* ---- Producing beside the log ---- */

static rd_kafka_t *
producer_new(const world *w, const char *transactional_id)
{
    char reason[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", w->options.brokers, NULL, 0);
    rd_kafka_conf_set(conf, "linger.ms", "5", NULL, 0);
    rd_kafka_conf_set(conf, "queue.buffering.max.messages", "2000000", NULL, 0);
    if (transactional_id)
        rd_kafka_conf_set(conf, "transactional.id", transactional_id, NULL, 0);
    rd_kafka_t *producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
    assert_non_null(producer);
    if (transactional_id)
        assert_null(rd_kafka_init_transactions(producer, 20000));
    return producer;
}

static void
send_some(rd_kafka_t *producer, const char *topic, int32_t partition, int from, int n)
{
    rd_kafka_topic_t *handle = rd_kafka_topic_new(producer, topic, NULL);
    char text[128];
    memset(text, 'x', sizeof text);
    for (int i = from; i < from + n; i++) {
        int size = g_snprintf(text, sizeof text, "%d", i);
        assert_int_equal(
            rd_kafka_produce(handle, partition, RD_KAFKA_MSG_F_COPY, text, sizeof text, text, (size_t)size, NULL), 0);
    }
    assert_int_equal(rd_kafka_flush(producer, 30000), 0);
    rd_kafka_topic_destroy(handle);
}

/* Records with keys "0", "1", ... at the offsets 0, 1, ... of every partition. */
static void
fill(const world *w, int input, int32_t partitions, int n)
{
    rd_kafka_t *producer = producer_new(w, NULL);
    for (int32_t p = 0; p < partitions; p++)
        send_some(producer, w->inputs[input], p, 0, n);
    rd_kafka_destroy(producer);
}

/* Moves the beginning of a partition. */
static void
delete_before(const world *w, const char *topic, int32_t partition, int64_t offset)
{
    rd_kafka_t *client = producer_new(w, NULL);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, partition)->offset = offset;
    rd_kafka_DeleteRecords_t *what = rd_kafka_DeleteRecords_new(list);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_DeleteRecords(client, &what, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, 20000);
    assert_non_null(event);
    assert_int_equal(rd_kafka_event_error(event), 0);
    rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_DeleteRecords_destroy(what);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(client);
}

/* ---- Driving a log ---- */

#define again(call, error)                                                                                             \
    do {                                                                                                               \
        gint64 until_ms = now_ms() + PATIENCE_S * 1000;                                                                \
        while (!(call)) {                                                                                              \
            if ((error)->code != LC_ERROR_RETRY || now_ms() > until_ms)                                                \
                fail_msg("%s", (error)->message);                                                                      \
            g_clear_error(&(error));                                                                                   \
            g_usleep(2000);                                                                                            \
        }                                                                                                              \
    } while (0)

static lc_log *
log_new(const world *w, const char *instance)
{
    GError *error = NULL;
    lc_kafka_options options = w->options;
    options.instance = instance;
    lc_log *log = lc_kafka_log_new(&options, &error);
    must(log, error);
    return log;
}

static lc_log_event
poll_for(lc_log *log, lc_log_event_type type, int seconds)
{
    GError *error = NULL;
    lc_log_event event = {LC_LOG_NOTHING};
    for (gint64 until = now_ms() + seconds * 1000; now_ms() < until && event.type != type;) {
        must(lc_log_poll(log, 100, &event, &error), error);
        lc_log_release_records(log);
    }
    if (event.type != type)
        fail_msg("no event of type %d within %d s", type, seconds);
    return event;
}

static void
join(lc_log *log)
{
    GError *error = NULL;
    int32_t partitions;
    again(lc_log_check_topics(log, &partitions, &error), error);
    again(lc_log_renew_producer(log, &error), error);
    again(lc_log_subscribe(log, &error), error);
}

static lc_log *
joined(const world *w, const char *instance)
{
    lc_log *log = log_new(w, instance);
    join(log);
    poll_for(log, LC_LOG_ASSIGNED, PATIENCE_S);
    return log;
}

static void
seek(lc_log *log, int32_t partition, int64_t first, int64_t second)
{
    GError *error = NULL;
    int64_t offsets[INPUTS] = {first, second};
    again(lc_log_seek(log, partition, offsets, &error), error);
}

static void
expect_nothing(lc_log *log, int ms)
{
    GError *error = NULL;
    for (gint64 until = now_ms() + ms; now_ms() < until;) {
        lc_log_event event;
        must(lc_log_poll(log, 20, &event, &error), error);
        if (event.type != LC_LOG_NOTHING)
            fail_msg("event %d, topic %d, partition %d, offset %" G_GINT64_FORMAT, event.type, event.topic,
                     event.partition, event.offset);
    }
}

/* ---- Start ---- */

static void
wrong_properties_are_named(void **state)
{
    static const struct {
        const char *properties[3];
        const char *says;
    } cases[] = {
        {{"no.such.thing", "1", NULL}, "kafka.properties: no.such.thing"},
        {{"linger.ms", "many", NULL}, "kafka.properties: linger.ms"},
        {{"isolation.level", "read_uncommitted", NULL}, "isolation.level is set by leadclock itself"},
        {{"bootstrap.servers", "x:1", NULL}, "bootstrap.servers is set by leadclock itself"},
    };
    GError *error = NULL;
    world *w = world_named();
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        lc_kafka_options options = w->options;
        options.properties = cases[i].properties;
        assert_null(lc_kafka_log_new(&options, &error));
        assert_error(&error, LC_ERROR_CONFIG, cases[i].says);
    }
    world_free(w);
}

static void
workers_of_two_services_share_no_transactional_id(void **state)
{
    static const struct {
        const char *group, *instance;
    } workers[] = {{"lead", "clock-x-1"}, {"lead-clock", "x-1"}, {"lead-clock-x", "1-1"},
                   {"lead", "x-1"},       {"lead", "x-11"},      {"lead", "x-1-1"}};
    g_autoptr(GHashTable) ids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(workers); i++) {
        char *id = lc_kafka_transactional_id(workers[i].group, workers[i].instance);
        g_autofree char *prefix = g_strconcat(workers[i].group, "-", NULL);
        assert_true(g_str_has_prefix(id, prefix)); /* what is allowed to the service is allowed to each worker */
        assert_true(g_hash_table_add(ids, id));
    }
}

/* Also of those of versions before, GROUP-INSTANCE. */
static void
only_workers_of_the_group_are_peers(void **state)
{
    static const struct {
        const char *id;
        bool is_peer;
    } cases[] = {
        {"lead-@crm-0-1", true},
        {"lead-crm-0-1", true},
        {"lead-crm-12", true},
        {"reset", false},
        {"", false},
        {"lead", false},
        {"lead-", false},
        {"lead-reset", false},
        {"lead-@", false},
        {"lead-1", false},
        {"lead-@-1", false},
        {"leads-@crm-1", false},
        {"other-crm-1", false},
        {"lead-crm-one", false},
        {"lead-crm-", false},
    };
    GError *error = NULL;
    world *w = world_named();
    (void)state;
    w->options.group = "lead";
    lc_log *log = lc_kafka_log_new(&w->options, &error);
    must(log, error);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        if (lc_log_is_peer(log, cases[i].id) != cases[i].is_peer)
            fail_msg("\"%s\"", cases[i].id);
    lc_log_free(log);
    world_free(w);
}

static void
a_broker_that_is_away_is_a_retry_within_a_second(void **state)
{
    GError *error = NULL;
    world *w = world_named();
    (void)state;
    w->options.brokers = "127.0.0.1:1";
    lc_log *log = log_new(w, "a");
    int32_t partitions;
    gint64 start = now_ms();
    assert_false(lc_log_check_topics(log, &partitions, &error));
    assert_error(&error, LC_ERROR_RETRY, "127.0.0.1:1");
    assert_false(lc_log_renew_producer(log, &error));
    assert_error(&error, LC_ERROR_RETRY, "metadata");
    assert_true(now_ms() - start < 3000);
    start = now_ms();
    lc_log_free(log);
    assert_true(now_ms() - start < 3000);
    world_free(w);
}

static void
topics_that_are_missing_or_differ_are_named(void **state)
{
    GError *error = NULL;
    world *w = world_named();
    int32_t partitions = -1;
    (void)state;
    lc_log *log = log_new(w, "a");
    for (int i = 0; i < INPUTS; i++)
        create(w, w->inputs[i], 3, NULL);
    assert_false(lc_log_check_topics(log, &partitions, &error));
    assert_error(&error, LC_ERROR_RETRY, w->outputs[0]);
    for (int i = 0; i < LC_OUTPUTS; i++)
        create(w, w->outputs[i], i == LC_OUTPUT_COUNTERS ? 2 : 3, NULL);
    for (gint64 until = now_ms() + 10000; now_ms() < until; g_clear_error(&error)) {
        assert_false(lc_log_check_topics(log, &partitions, &error));
        if (error->code != LC_ERROR_RETRY)
            break;
    }
    assert_error(&error, LC_ERROR_CONFIG, "out7 2");
    assert_int_equal(partitions, -1);
    lc_log_free(log);
    world_free(w);
}

/* ---- Reading ---- */

static void
nothing_comes_before_the_first_seek(void **state)
{
    GError *error = NULL;
    world *w = world_new(2);
    (void)state;
    for (int i = 0; i < INPUTS; i++)
        fill(w, i, 2, 100);
    lc_log *log = joined(w, "a");
    size_t n;
    const int32_t *assigned = lc_log_assignment(log, &n);
    assert_int_equal(n, 2);
    assert_int_equal(assigned[0], 0);
    assert_int_equal(assigned[1], 1);
    expect_nothing(log, 1000);
    seek(log, 1, 0, 90);
    int64_t next[INPUTS] = {0, 90};
    bool ended[INPUTS] = {false};
    while (!ended[0] || !ended[1]) {
        lc_log_event event;
        must(lc_log_poll(log, 20000, &event, &error), error);
        assert_int_equal(event.partition, 1);
        assert_int_equal(event.offset, next[event.topic]);
        if (event.type == LC_LOG_END) {
            assert_int_equal(event.offset, 100);
            ended[event.topic] = true;
            continue;
        }
        assert_int_equal(event.type, LC_LOG_RECORD);
        char key[16];
        g_snprintf(key, sizeof key, "%" G_GINT64_FORMAT, event.offset);
        assert_true(lc_text_equal(event.key, lc_text_of(key)));
        assert_int_equal(event.value.size, 128);
        assert_true(event.timestamp > 1500000000000);
        assert_false(event.is_append_time);
        next[event.topic]++;
    }
    lc_log_release_records(log);
    expect_nothing(log, 300);
    lc_log_free(log);
    world_free(w);
}

/* Random pauses, seeks and resumes: after each, exactly the records that must come. */
static void
pauses_and_seeks_lose_and_repeat_nothing(void **state)
{
    enum { PARTITIONS = 3, N = 40000 };
    GError *error = NULL;
    world *w = world_new(PARTITIONS);
    GRand *random = g_rand_new_with_seed(seed);
    int64_t next[PARTITIONS][INPUTS] = {0};
    bool paused[PARTITIONS] = {false};
    unsigned delivered = 0, sought = 0;
    (void)state;
    for (int i = 0; i < INPUTS; i++)
        fill(w, i, PARTITIONS, N);
    lc_log *log = joined(w, "a");
    for (int32_t p = 0; p < PARTITIONS; p++)
        seek(log, p, 0, 0);
    for (int step = 0; step < 150; step++) {
        int32_t p = g_rand_int_range(random, 0, PARTITIONS);
        switch (g_rand_int_range(random, 0, 4)) {
        case 0:
            lc_log_pause(log, p);
            paused[p] = true;
            break;
        case 1:
            lc_log_resume(log, p);
            paused[p] = false;
            break;
        case 2:
            for (int i = 0; i < INPUTS; i++)
                next[p][i] = g_rand_int_range(random, 0, N);
            seek(log, p, next[p][0], next[p][1]);
            paused[p] = false;
            sought++;
            break;
        default:
            break;
        }
        for (int i = g_rand_int_range(random, 0, 2000); i > 0; i--) {
            lc_log_event event;
            must(lc_log_poll(log, 30, &event, &error), error);
            if (event.type == LC_LOG_NOTHING)
                break;
            assert_false(paused[event.partition]);
            assert_int_equal(event.offset, next[event.partition][event.topic]);
            if (event.type == LC_LOG_RECORD) {
                next[event.partition][event.topic]++;
                delivered++;
            }
        }
        lc_log_release_records(log);
    }
    for (int32_t p = 0; p < PARTITIONS; p++)
        seek(log, p, next[p][0], next[p][1]); /* so that the end is said of each */
    for (int left = PARTITIONS * INPUTS; left > 0;) {
        lc_log_event event;
        must(lc_log_poll(log, 5000, &event, &error), error);
        assert_int_equal(event.offset, next[event.partition][event.topic]);
        if (event.type == LC_LOG_END && next[event.partition][event.topic] == N)
            left--;
        else if (event.type == LC_LOG_RECORD)
            next[event.partition][event.topic]++;
        else
            fail_msg("event %d", event.type);
        lc_log_release_records(log);
    }
    assert_true(delivered > 1000 && sought > 10);
    g_rand_free(random);
    lc_log_free(log);
    world_free(w);
}

static const lc_log_end *
end_of(lc_log *log, int topic, int32_t partition)
{
    GError *error = NULL;
    const lc_log_end *ends;
    size_t n;
    again(lc_log_ends(log, &ends, &n, &error), error);
    for (size_t i = 0; i < n; i++)
        if (ends[i].topic == topic && ends[i].partition == partition)
            return &ends[i];
    fail_msg("no end of topic %d, partition %d", topic, partition);
    return NULL;
}

static void
ends_are_the_stable_ones_and_are_reached(void **state)
{
    GError *error = NULL;
    world *w = world_new(2);
    g_autofree char *id = g_strconcat(w->prefix, "-beside", NULL);
    rd_kafka_t *producer = producer_new(w, id);
    (void)state;
    rd_kafka_begin_transaction(producer);
    send_some(producer, w->inputs[0], 0, 0, 10);
    assert_null(rd_kafka_commit_transaction(producer, 20000)); /* 0 to 9, and the marker at 10 */
    lc_log *log = joined(w, "a");
    for (int32_t p = 0; p < 2; p++)
        seek(log, p, 0, 0);
    bool ended[2][INPUTS] = {{false}};
    int records = 0;
    for (int left = 4; left;) {
        lc_log_event event;
        must(lc_log_poll(log, 5000, &event, &error), error);
        assert_int_not_equal(event.type, LC_LOG_NOTHING);
        records += event.type == LC_LOG_RECORD;
        if (event.type != LC_LOG_END || ended[event.partition][event.topic])
            continue;
        const lc_log_end *end = end_of(log, event.topic, event.partition);
        if (event.offset < end->stable_end)
            continue;
        assert_int_equal(end->stable_end, event.partition == 0 && event.topic == 0 ? 11 : 0);
        ended[event.partition][event.topic] = true;
        left--;
    }
    assert_int_equal(records, 10);

    rd_kafka_begin_transaction(producer);
    send_some(producer, w->inputs[0], 0, 10, 5);
    expect_nothing(log, 500);
    assert_int_equal(end_of(log, 0, 0)->stable_end, 11);
    assert_int_equal(end_of(log, 0, 0)->high_watermark, 16);
    assert_null(rd_kafka_abort_transaction(producer, 20000));
    lc_log_event event = poll_for(log, LC_LOG_END, 5);
    assert_int_equal(event.offset, 17);
    assert_int_equal(end_of(log, 0, 0)->stable_end, 17);

    int64_t lows[INPUTS], stable[INPUTS];
    delete_before(w, w->inputs[0], 0, 4);
    again(lc_log_watermarks(log, 0, lows, stable, &error), error);
    assert_int_equal(lows[0], 4);
    assert_int_equal(stable[0], 17);
    assert_int_equal(lows[1], 0);
    assert_int_equal(stable[1], 0);
    rd_kafka_destroy(producer);
    lc_log_free(log);
    world_free(w);
}

static void
a_lost_offset_is_said_and_a_seek_heals_it(void **state)
{
    GError *error = NULL;
    world *w = world_new(2);
    (void)state;
    fill(w, 0, 2, 100);
    delete_before(w, w->inputs[0], 1, 50);
    lc_log *log = joined(w, "a");
    seek(log, 0, 0, 0);
    seek(log, 1, 10, 0);
    lc_log_event event = poll_for(log, LC_LOG_OFFSET_LOST, 10);
    assert_int_equal(event.topic, 0);
    assert_int_equal(event.partition, 1);
    seek(log, 1, 50, 0);
    int64_t next = 50;
    while (next < 100) {
        must(lc_log_poll(log, 5000, &event, &error), error);
        assert_int_not_equal(event.type, LC_LOG_NOTHING);
        if (event.partition != 1 || event.topic != 0)
            continue;
        assert_int_equal(event.offset, next++);
    }
    lc_log_release_records(log);
    lc_log_free(log);
    world_free(w);
}

/* ---- Transactions ---- */

static void
produce(lc_log *log, lc_output output, int32_t partition, const char *key, int64_t *offset)
{
    GError *error = NULL;
    lc_header header = {LC_TEXT("name"), LC_TEXT("value")};
    lc_outgoing outgoing = {.output = output,
                            .partition = partition,
                            .key = lc_text_of(key),
                            .value = LC_TEXT("value"),
                            .headers = output < LC_OUTPUT_STATE ? &header : NULL,
                            .n_headers = output < LC_OUTPUT_STATE,
                            .offset = offset};
    must(lc_log_produce(log, &outgoing, &error), error);
}

static void
begin_and_flush(lc_log *log, const char *key, int64_t *offset)
{
    GError *error = NULL;
    must(lc_log_begin(log, &error), error);
    produce(log, LC_OUTPUT_STATE, 0, key, offset);
    produce(log, LC_OUTPUT_BREACHES, -1, key, NULL);
    again(lc_log_flush(log, &error), error);
}

static bool
send_offsets(lc_log *log, int64_t first, const char *metadata, GError **error)
{
    int64_t offsets[INPUTS] = {first, 7};
    lc_log_commit commit = {.partition = 0, .offsets = offsets, .metadata = metadata};
    return lc_log_send_offsets(log, &commit, 1, error);
}

static lc_commit_result
commit(lc_log *log, GError **error)
{
    must(lc_log_commit_begin(log, error), *error);
    return lc_log_commit_end(log, error);
}

/* The keys of a replay of partition 0 of the states, from an offset, in one text; and its end. */
static char *
replay(lc_log *log, int64_t from, int64_t *end)
{
    GError *error = NULL;
    GString *keys = g_string_new(NULL);
    again(lc_log_replay_open(log, LC_CHANGELOG_STATE, 0, from, &error), error);
    for (gint64 until = now_ms() + 10000; now_ms() < until;) {
        lc_replayed replayed;
        lc_replay_result result = lc_log_replay_read(log, 1000, &replayed, &error);
        must(error == NULL, error);
        if (result == LC_REPLAY_END) {
            *end = replayed.offset;
            break;
        }
        if (result == LC_REPLAY_RECORD)
            g_string_append_printf(keys, "%s%.*s", keys->len ? " " : "", LC_TEXT_ARGS(replayed.key));
    }
    lc_log_replay_release(log);
    lc_log_replay_close(log);
    return g_string_free(keys, FALSE);
}

static void
only_what_was_committed_is_seen(void **state)
{
    GError *error = NULL;
    world *w = world_new(1);
    lc_log *log = joined(w, "a");
    int64_t offset = -1, end = -1;
    lc_arena arena = {0};
    lc_log_committed committed[INPUTS];
    (void)state;
    again(lc_log_get_committed(log, 0, committed, &arena, &error), error);
    assert_int_equal(committed[0].offset, -1);

    begin_and_flush(log, "one", &offset);
    assert_int_equal(offset, 0);
    again(send_offsets(log, 5, "1:1:0:h:id", &error), error);
    assert_int_equal(commit(log, &error), LC_COMMIT_CLEAN);
    again(lc_log_get_committed(log, 0, committed, &arena, &error), error);
    assert_int_equal(committed[0].offset, 5);
    assert_int_equal(committed[1].offset, 7);
    assert_true(lc_text_equal(committed[0].metadata, LC_TEXT("1:1:0:h:id")));

    begin_and_flush(log, "two", &offset);
    assert_int_equal(offset, 2); /* a marker at 1 */
    again(send_offsets(log, 6, "1:3:0:h:id", &error), error);
    assert_false(lc_log_get_committed(log, 0, committed, &arena, &error)); /* pending */
    assert_error(&error, LC_ERROR_RETRY, "committed offsets");
    lc_log_abort(log);
    again(lc_log_renew_producer(log, &error), error);
    again(lc_log_get_committed(log, 0, committed, &arena, &error), error);
    assert_int_equal(committed[0].offset, 5);

    /* Offsets alone, as a batch of wake-ups that changes nothing. */
    must(lc_log_begin(log, &error), error);
    again(lc_log_flush(log, &error), error);
    again(send_offsets(log, 9, "1:1:0:h:id", &error), error);
    assert_int_equal(commit(log, &error), LC_COMMIT_CLEAN);

    begin_and_flush(log, "three", &offset);
    again(send_offsets(log, 10, "1:5:0:h:id", &error), error);
    assert_int_equal(commit(log, &error), LC_COMMIT_CLEAN);
    g_autofree char *all = replay(log, 0, &end);
    assert_string_equal(all, "one three");
    assert_int_equal(end, offset + 2);
    g_autofree char *later = replay(log, 1, &end);
    assert_string_equal(later, "three");
    g_autofree char *none = replay(log, end, &end);
    assert_string_equal(none, "");
    lc_arena_clear(&arena);
    lc_log_free(log);
    world_free(w);
}

static void
a_damaged_changelog_is_said(void **state)
{
    GError *error = NULL;
    world *w = world_new(1);
    lc_log *log = joined(w, "a");
    rd_kafka_t *producer = producer_new(w, NULL);
    int64_t end = -1;
    (void)state;
    send_some(producer, w->outputs[LC_OUTPUT_STATE], 0, 0, 10);
    rd_kafka_destroy(producer);
    delete_before(w, w->outputs[LC_OUTPUT_STATE], 0, 5);
    static const int64_t deleted[] = {0, 3};
    for (size_t i = 0; i < G_N_ELEMENTS(deleted); i++) {
        assert_false(lc_log_replay_open(log, LC_CHANGELOG_STATE, 0, deleted[i], &error));
        assert_error(&error, LC_ERROR_FATAL, "changelog damaged");
    }
    g_autofree char *rest = replay(log, 5, &end);
    assert_string_equal(rest, "5 6 7 8 9");

    again(lc_log_replay_open(log, LC_CHANGELOG_STATE, 0, 12, &error), error);
    lc_replayed replayed;
    for (int i = 0; i < 100 && error == NULL; i++)
        assert_int_equal(lc_log_replay_read(log, 100, &replayed, &error), LC_REPLAY_NOTHING);
    assert_error(&error, LC_ERROR_FATAL, "offset 12");
    lc_log_replay_close(log);
    lc_log_free(log);
    world_free(w);
}

static void
a_message_refused_for_its_size_is_named(void **state)
{
    /* Too large for our producer; for the topic. */
    static const struct {
        lc_output output;
        size_t size;
    } cases[] = {{LC_OUTPUT_BREACHES, 3 << 20}, {LC_OUTPUT_WARNINGS, 1200 << 10}};
    GError *error = NULL;
    world *w = world_new(1);
    lc_log *log = joined(w, "a");
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *bytes = g_malloc(cases[i].size);
        for (size_t b = 0; b < cases[i].size; b++)
            bytes[b] = (char)g_random_int(); /* lz4 gains nothing */
        must(lc_log_begin(log, &error), error);
        produce(log, cases[i].output, 0, "small", NULL);
        lc_outgoing large = {
            .output = cases[i].output, .key = LC_TEXT("k"), .value = {bytes, cases[i].size}, .tag = 17};
        bool ok = lc_log_produce(log, &large, &error);
        if (ok) {
            while (!(ok = lc_log_flush(log, &error)) && error->code == LC_ERROR_RETRY)
                g_clear_error(&error);
        }
        assert_false(ok);
        assert_int_equal(error->code, LC_ERROR_ABORT);
        g_clear_error(&error);
        assert_int_equal(lc_log_refused(log), 17);
        lc_log_abort(log);
        again(lc_log_renew_producer(log, &error), error);
    }
    must(lc_log_begin(log, &error), error);
    assert_int_equal(lc_log_refused(log), -1);
    lc_log_abort(log);
    lc_log_free(log);
    world_free(w);
}

/* One transaction of messages that go together; false: aborted, and the producer made anew. */
static bool
commit_together(lc_log *log, lc_output output, unsigned n, size_t size, GError **error)
{
    g_autofree char *bytes = g_malloc(n * size);
    for (size_t b = 0; b < n * size; b++)
        bytes[b] = (char)g_random_int(); /* lz4 gains nothing */
    must(lc_log_begin(log, error), *error);
    for (unsigned i = 0; i < n; i++) {
        lc_outgoing outgoing = {.output = output, .key = LC_TEXT("k"), .value = {bytes + i * size, size}, .tag = i};
        if (!lc_log_produce(log, &outgoing, error))
            return false;
    }
    bool ok;
    while (!(ok = lc_log_flush(log, error)) && (*error)->code == LC_ERROR_RETRY)
        g_clear_error(error);
    if (ok) {
        must(lc_log_commit_begin(log, error), *error);
        assert_int_equal(lc_log_commit_end(log, error), LC_COMMIT_CLEAN);
    }
    return ok;
}

static void
messages_that_are_too_large_only_together_are_not_refused(void **state)
{
    GError *error = NULL;
    unsigned n_aborted = 0;
    world *w = world_new(1);
    (void)state;
    g_autofree char *small = g_strconcat(w->prefix, ".small", NULL);
    const char *const limit[] = {"max.message.bytes", "50000", NULL};
    must(lc_kafka_create_topic(&w->options, small, 1, 1, limit, 20000, &error), error);
    w->options.outputs[LC_OUTPUT_ROUTED] = small;
    lc_log *log = joined(w, "a");
    while (!commit_together(log, LC_OUTPUT_ROUTED, 300, 1000, &error)) {
        assert_int_equal(error->code, LC_ERROR_ABORT);
        g_clear_error(&error);
        assert_int_equal(lc_log_refused(log), -1);
        assert_in_range(++n_aborted, 1, 3);
        lc_log_abort(log);
        again(lc_log_renew_producer(log, &error), error);
    }
    assert_in_range(n_aborted, 1, 3);
    assert_true(commit_together(log, LC_OUTPUT_ROUTED, 300, 1000, &error));
    /* What is too large by itself still is, and is named. */
    assert_false(commit_together(log, LC_OUTPUT_ROUTED, 1, 60000, &error));
    g_clear_error(&error);
    assert_int_equal(lc_log_refused(log), 0);
    lc_log_abort(log);
    lc_log_free(log);
    world_free(w);
}

/* What goes to one partition is handed to the client together, and of these its queue takes a part at a time. */
static void
messages_wait_for_room_in_their_order(void **state)
{
    enum { MESSAGES = 400 };
    static const char *const properties[] = {"queue.buffering.max.messages", "50", "linger.ms", "5", NULL};
    GError *error = NULL;
    char keys[MESSAGES][8];
    int64_t offsets[MESSAGES];
    world *w = world_new(1);
    (void)state;
    w->options.properties = properties;
    lc_log *log = joined(w, "a");
    must(lc_log_begin(log, &error), error);
    for (int i = 0; i < MESSAGES; i++) {
        g_snprintf(keys[i], sizeof keys[i], "%d", i);
        produce(log, LC_OUTPUT_STATE, 0, keys[i], &offsets[i]);
    }
    again(lc_log_flush(log, &error), error);
    for (int i = 0; i < MESSAGES; i++)
        assert_int_equal(offsets[i], i);
    assert_int_equal(commit(log, &error), LC_COMMIT_CLEAN);
    lc_log_free(log);
    world_free(w);
}

static void
brokers_see_who_a_client_is(void **state)
{
    const struct rd_kafka_group_list *groups;
    world *w = world_new(1);
    lc_log *log = joined(w, "a");
    rd_kafka_t *client = producer_new(w, NULL);
    g_autofree char *process = g_strdup_printf("leadclock.pid-%d.", (int)getpid());
    (void)state;
    assert_int_equal(rd_kafka_list_groups(client, w->prefix, &groups, 10000), 0);
    assert_int_equal(groups->group_cnt, 1);
    assert_int_equal(groups->groups[0].member_cnt, 1);
    assert_true(g_str_has_prefix(groups->groups[0].members[0].client_id, process));
    assert_true(g_str_has_suffix(groups->groups[0].members[0].client_id, g_get_host_name()));
    rd_kafka_group_list_destroy(groups);
    rd_kafka_destroy(client);
    lc_log_free(log);
    world_free(w);
}

static void
a_second_producer_fences_the_first(void **state)
{
    GError *error = NULL;
    world *w = world_new(1);
    lc_log *first = joined(w, "a");
    lc_log *second = log_new(w, "a");
    int64_t offset = -1;
    (void)state;
    begin_and_flush(first, "first", &offset);
    again(send_offsets(first, 5, "m", &error), error);
    again(lc_log_renew_producer(second, &error), error);
    assert_int_equal(commit(first, &error), LC_COMMIT_UNKNOWN);
    g_clear_error(&error);
    lc_log_abort(first);
    int64_t end;
    g_autofree char *keys = replay(first, 0, &end);
    assert_string_equal(keys, "");
    lc_log_free(second);
    lc_log_free(first);
    world_free(w);
}

static void
the_transaction_of_a_dead_owner_is_found_and_ended(void **state)
{
    GError *error = NULL;
    world *w = world_new(1);
    lc_log *dead = joined(w, "dead");
    lc_log *heir = log_new(w, "heir");
    g_autofree char *owner = lc_kafka_transactional_id(w->prefix, "dead");
    int64_t offset = -1, end = -1;
    bool unfinished = true;
    lc_arena arena = {0};
    lc_log_committed committed[INPUTS];
    (void)state;
    begin_and_flush(dead, "one", &offset);
    again(send_offsets(dead, 5, "first", &error), error);
    assert_int_equal(commit(dead, &error), LC_COMMIT_CLEAN);
    again(lc_log_is_unfinished(heir, 0, &unfinished, &error), error);
    assert_false(unfinished);
    begin_and_flush(dead, "two", &offset);
    again(lc_log_is_unfinished(heir, 0, &unfinished, &error), error);
    assert_true(unfinished);
    again(send_offsets(dead, 6, "second", &error), error);

    assert_false(lc_log_get_committed(heir, 0, committed, &arena, &error));
    assert_error(&error, LC_ERROR_RETRY, "committed offsets");
    again(lc_log_committed_before(heir, 0, committed, &arena, &error), error);
    assert_int_equal(committed[0].offset, 5);
    assert_true(lc_text_equal(committed[0].metadata, LC_TEXT("first")));
    gint64 start = now_ms();
    again(lc_log_fence(heir, owner, &error), error);
    again(lc_log_get_committed(heir, 0, committed, &arena, &error), error);
    again(lc_log_is_unfinished(heir, 0, &unfinished, &error), error);
    assert_false(unfinished);
    assert_true(now_ms() - start < 5000);
    assert_int_equal(committed[0].offset, 5);
    assert_int_equal(commit(dead, &error), LC_COMMIT_UNKNOWN);
    g_clear_error(&error);
    g_autofree char *keys = replay(heir, 0, &end);
    assert_string_equal(keys, "one");
    lc_arena_clear(&arena);
    lc_log_free(heir);
    lc_log_free(dead);
    world_free(w);
}

/* Who waits for them has other partitions to see to. */
static void
pending_offsets_are_waited_for_without_standing_still(void **state)
{
    GError *error = NULL;
    world *w = world_new(1);
    lc_log *owner = joined(w, "owner");
    lc_log *heir = log_new(w, "heir");
    int64_t offset = -1;
    lc_arena arena = {0};
    lc_log_committed committed[INPUTS];
    (void)state;
    begin_and_flush(owner, "one", &offset);
    again(send_offsets(owner, 5, "first", &error), error);
    assert_false(lc_log_get_committed(heir, 0, committed, &arena, &error));
    assert_error(&error, LC_ERROR_RETRY, "committed offsets");
    gint64 start = now_ms();
    for (int i = 0; i < 20; i++) {
        assert_false(lc_log_get_committed(heir, 0, committed, &arena, &error));
        assert_error(&error, LC_ERROR_RETRY, "still open");
        g_usleep(50000);
    }
    assert_true(now_ms() - start < 2000);
    assert_int_equal(commit(owner, &error), LC_COMMIT_CLEAN);
    again(lc_log_get_committed(heir, 0, committed, &arena, &error), error);
    assert_int_equal(committed[0].offset, 5);
    assert_true(lc_text_equal(committed[0].metadata, LC_TEXT("first")));
    lc_arena_clear(&arena);
    lc_log_free(heir);
    lc_log_free(owner);
    world_free(w);
}

/* ---- The group ---- */

static void
a_zombie_can_send_no_offsets(void **state)
{
    GError *error = NULL;
    world *w = world_new(2);
    lc_log *zombie = joined(w, "a");
    lc_log *heir = log_new(w, "a2");
    int64_t offset = -1;
    (void)state;
    begin_and_flush(zombie, "zombie", &offset);
    /* The heir comes with the same static id: from then on the zombie's membership is void. It did not poll. */
    lc_kafka_options options = w->options;
    lc_log_free(heir);
    options.instance = "a";
    heir = lc_kafka_log_new(&options, &error);
    must(heir, error);
    again(lc_log_subscribe(heir, &error), error);
    poll_for(heir, LC_LOG_ASSIGNED, PATIENCE_S);
    assert_false(send_offsets(zombie, 5, "m", &error));
    assert_int_equal(error->code, LC_ERROR_ABORT);
    g_clear_error(&error);
    lc_log_abort(zombie);
    poll_for(zombie, LC_LOG_INSTANCE_FENCED, PATIENCE_S);
    lc_log_free(zombie);
    lc_log_free(heir);
    world_free(w);
}

/* It stood still while the group went on without it, and knows nothing of it. */
static void
a_sleeper_can_send_no_offsets(void **state)
{
    static const char *const properties[] = {"session.timeout.ms", "6000", "max.poll.interval.ms", "6000", NULL};
    GError *error = NULL;
    world *w = world_new(2);
    (void)state;
    w->options.properties = properties;
    lc_log *sleeper = joined(w, "a");
    lc_log *other = log_new(w, "b");
    int64_t offset = -1;
    begin_and_flush(sleeper, "x", &offset);
    join(other);
    poll_for(other, LC_LOG_ASSIGNED, PATIENCE_S);
    assert_false(send_offsets(sleeper, 5, "m", &error));
    assert_int_equal(error->code, LC_ERROR_ABORT);
    g_clear_error(&error);
    lc_log_abort(sleeper);
    poll_for(sleeper, LC_LOG_REVOKED, PATIENCE_S);
    lc_log_free(sleeper);
    lc_log_free(other);
    world_free(w);
}

static void
a_revoked_assignment_can_send_no_offsets(void **state)
{
    GError *error = NULL;
    world *w = world_new(2);
    lc_log *log = joined(w, "a");
    lc_log *other = log_new(w, "b");
    int64_t offset = -1;
    (void)state;
    begin_and_flush(log, "x", &offset);
    join(other);
    for (lc_log_event event = {LC_LOG_NOTHING}; event.type != LC_LOG_REVOKED;) {
        must(lc_log_poll(other, 50, &event, &error), error);
        must(lc_log_poll(log, 50, &event, &error), error);
    }
    lc_log_abort(log);
    lc_log_release_assignment(log);
    again(lc_log_renew_producer(log, &error), error);
    begin_and_flush(log, "y", &offset);
    assert_false(send_offsets(log, 5, "m", &error));
    assert_error(&error, LC_ERROR_ABORT, "given up");
    lc_log_abort(log);
    lc_log_free(other);
    lc_log_free(log);
    world_free(w);
}

static void
two_logs_share_the_partitions(void **state)
{
    GError *error = NULL;
    world *w = world_new(4);
    lc_log *logs[2] = {joined(w, "a"), log_new(w, "b")};
    bool assigned[2] = {true, false};
    size_t n[2] = {0};
    (void)state;
    fill(w, 0, 4, 10);
    for (int32_t p = 0; p < 4; p++)
        seek(logs[0], p, 0, 0);
    join(logs[1]);
    for (gint64 until = now_ms() + PATIENCE_S * 1000; now_ms() < until && n[0] + n[1] + (n[0] == 4) != 4;)
        for (int i = 0; i < 2; i++) {
            lc_log_event event;
            must(lc_log_poll(logs[i], 20, &event, &error), error);
            lc_log_release_records(logs[i]);
            if (event.type == LC_LOG_REVOKED) {
                expect_nothing(logs[i], 50); /* not even before it is given up */
                lc_log_release_assignment(logs[i]);
                assigned[i] = false;
            }
            if (event.type == LC_LOG_ASSIGNED)
                assigned[i] = true;
            lc_log_assignment(logs[i], &n[i]);
            if (!assigned[i])
                assert_int_equal(n[i], 0);
        }
    assert_int_equal(n[0], 2);
    assert_int_equal(n[1], 2);
    int seen = 0;
    for (int i = 0; i < 2; i++) {
        const int32_t *partitions = lc_log_assignment(logs[i], &n[i]);
        for (size_t k = 0; k < n[i]; k++)
            seen |= 1 << partitions[k];
        int32_t mine = partitions[0];
        seek(logs[i], mine, 3, 0);
        lc_log_event event = poll_for(logs[i], LC_LOG_RECORD, 10);
        assert_int_equal(event.partition, mine);
        assert_int_equal(event.offset, 3);
    }
    assert_int_equal(seen, 15);
    for (int i = 0; i < 2; i++)
        lc_log_free(logs[i]);
    world_free(w);
}

static void
a_restart_of_the_same_instance_takes_no_time(void **state)
{
    world *w = world_new(2);
    lc_log *log = joined(w, "a");
    (void)state;
    seek(log, 0, 0, 0);
    lc_log_free(log);
    gint64 start = now_ms();
    log = joined(w, "a");
    gint64 took = now_ms() - start;
    print_message("assigned again after %d ms\n", (int)took);
    assert_true(took < 3000);
    lc_log_free(log);
    world_free(w);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_properties_are_named),
        cmocka_unit_test(workers_of_two_services_share_no_transactional_id),
        cmocka_unit_test(only_workers_of_the_group_are_peers),
        cmocka_unit_test(a_broker_that_is_away_is_a_retry_within_a_second),
        cmocka_unit_test(topics_that_are_missing_or_differ_are_named),
        cmocka_unit_test(nothing_comes_before_the_first_seek),
        cmocka_unit_test(pauses_and_seeks_lose_and_repeat_nothing),
        cmocka_unit_test(ends_are_the_stable_ones_and_are_reached),
        cmocka_unit_test(a_lost_offset_is_said_and_a_seek_heals_it),
        cmocka_unit_test(only_what_was_committed_is_seen),
        cmocka_unit_test(a_damaged_changelog_is_said),
        cmocka_unit_test(a_message_refused_for_its_size_is_named),
        cmocka_unit_test(messages_that_are_too_large_only_together_are_not_refused),
        cmocka_unit_test(messages_wait_for_room_in_their_order),
        cmocka_unit_test(brokers_see_who_a_client_is),
        cmocka_unit_test(a_second_producer_fences_the_first),
        cmocka_unit_test(the_transaction_of_a_dead_owner_is_found_and_ended),
        cmocka_unit_test(pending_offsets_are_waited_for_without_standing_still),
        cmocka_unit_test(a_zombie_can_send_no_offsets),
        cmocka_unit_test(a_sleeper_can_send_no_offsets),
        cmocka_unit_test(a_revoked_assignment_can_send_no_offsets),
        cmocka_unit_test(two_logs_share_the_partitions),
        cmocka_unit_test(a_restart_of_the_same_instance_takes_no_time),
    };
    if (g_getenv("LC_TEST_BROKERS") == NULL) {
        fprintf(stderr, "LC_TEST_BROKERS is not set: tests/run.sh starts the servers and sets it\n");
        return 77;
    }
    seed = argc == 3 && strcmp(argv[1], "--seed") == 0 ? (guint32)strtoul(argv[2], NULL, 10) : g_random_int();
    if (argc == 2)
        cmocka_set_test_filter(argv[1]);
    printf("--seed %u\n", seed);
    fflush(stdout);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
