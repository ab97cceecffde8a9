/* bench.c - an engine on the ports in memory, for unit tests. */
#include "bench.h"

#include <glib/gstdio.h>
#include <jansson.h>
#include <unistd.h>

#define SCHEMA_ID(schema) ((uint32_t)(schema) + 1)

static const char *const input_names[] = {"in-0", "in-1", NULL};

/* ---- Time ---- */

static bench *
bench_of(lc_time *time)
{
    return (bench *)((char *)time - offsetof(bench, time));
}

static lc_instant
wall(lc_time *time)
{
    return bench_of(time)->manual.now + bench_of(time)->wall_ahead;
}

static int64_t
monotonic_ms(lc_time *time)
{
    return bench_of(time)->manual.now - BENCH_BEGIN + 1000;
}

static void
sleep_ms(lc_time *time, int ms)
{
    bench_of(time)->manual.now += ms;
}

static void
stop_in_time(lc_memory_world *world, const char *call)
{
    bench *b = (bench *)world;
    (void)call;
    if (b->meanwhile)
        b->meanwhile(b);
    if (b->worker && b->manual.now >= b->run_until)
        lc_worker_stop(b->worker);
}

/* ---- The bench ---- */

static char *
write_registry_file(void)
{
    g_autoptr(GError) error = NULL;
    char *path = NULL;
    int file = g_file_open_tmp("leadclock-registry-XXXXXX.json", &path, &error);
    json_t *schemas = json_object();
    g_assert_no_error(error);
    close(file);
    for (int schema = 0; schema < LC_SCHEMAS; schema++) {
        g_autofree char *id = g_strdup_printf("%u", SCHEMA_ID(schema));
        json_object_set_new(schemas, id, json_loads(lc_schema_text((lc_schema)schema), 0, NULL));
    }
    json_object_set_new(schemas, G_STRINGIFY(BENCH_JSON_SCHEMA),
                        json_pack("{s:s, s:s}", "schema", "{}", "schemaType", "JSON"));
    json_object_set_new(schemas, G_STRINGIFY(BENCH_PROTOBUF_SCHEMA),
                        json_pack("{s:s, s:s}", "schema", "", "schemaType", "PROTOBUF"));
    json_dump_file(schemas, path, 0);
    json_decref(schemas);
    return path;
}

bench *
bench_new(const char *policy)
{
    g_autoptr(GError) error = NULL;
    bench *b = g_new0(bench, 1);
    lc_memory_manual_init(&b->manual, BENCH_BEGIN);
    b->manual.world.step = stop_in_time;
    b->time = (lc_time){wall, monotonic_ms, sleep_ms};
    b->broker = lc_memory_broker_new(&b->manual.world, BENCH_INPUTS, BENCH_PARTITIONS);
    b->redis = lc_memory_redis_new(&b->manual.world, BENCH_PARTITIONS);
    b->book = lc_policy_book_parse("policy.yaml", policy, strlen(policy), &error);
    g_assert_no_error(error);
    b->registry_file = write_registry_file();
    b->options = (lc_worker_options){
        .transactional_id = "worker",
        .source = "bench",
        .time = &b->time,
        .book = b->book,
        .input_names = input_names,
        .output_names = {"breaches", "warnings", "clawbacks", "routed", "settled", "dead-letters", "state", "counters"},
        .batch_facts = 100,
        .batch_wakeups = 100,
        .linger = 20,
        .patience = 5 * LC_MINUTE,
        .max_future = 10 * LC_MINUTE,
        .cloud_events = true,
    };
    return b;
}

void
bench_free(bench *b)
{
    lc_memory_broker_free(b->broker);
    lc_memory_redis_free(b->redis);
    lc_policy_book_free(b->book);
    g_unlink(b->registry_file);
    g_free(b->registry_file);
    g_clear_error(&b->error);
    g_free(b);
}

bool
bench_run(bench *b, lc_duration duration)
{
    const lc_registry_options registry = {.file = b->registry_file};
    b->options.log = lc_memory_log_new(b->broker, "instance", b->options.transactional_id);
    if (b->alter_log)
        b->alter_log(b->options.log);
    b->options.store = lc_memory_store_new(b->redis);
    b->options.registry = lc_registry_new(&registry, NULL);
    b->run_until = b->manual.now + duration;
    b->worker = lc_worker_new(&b->options);
    g_clear_error(&b->error);
    bool stopped = lc_worker_run(b->worker, &b->error);
    lc_worker_free(g_steal_pointer(&b->worker));
    return stopped;
}

/* ---- Facts ---- */

int32_t
bench_partition_of(const char *lead_id)
{
    return lc_log_partition_of(lc_text_of(lead_id), BENCH_PARTITIONS);
}

GBytes *
bench_encode(const char *lead_id, const lc_fact *fact)
{
    uint32_t id = SCHEMA_ID(lc_fact_schema(fact->type));
    const uint8_t frame[LC_FRAME_BYTES] = {0, (uint8_t)(id >> 24), (uint8_t)(id >> 16), (uint8_t)(id >> 8),
                                           (uint8_t)id};
    GByteArray *value = g_byte_array_new();
    g_byte_array_append(value, frame, sizeof frame);
    lc_encode_fact(value, lc_text_of(lead_id), fact);
    return g_byte_array_free_to_bytes(value);
}

void
bench_publish(bench *b, int topic, const char *lead_id, const lc_fact *fact)
{
    g_autoptr(GBytes) value = bench_encode(lead_id, fact);
    lc_memory_append(b->broker, topic, bench_partition_of(lead_id), lc_text_of(lead_id),
                     (lc_text){g_bytes_get_data(value, NULL), g_bytes_get_size(value)}, LC_ABSENT);
}

static lc_fact
fact_of(lc_fact_type type, const char *event_id, lc_instant at)
{
    return (lc_fact){.type = type,
                     .event_id = lc_text_of(event_id),
                     .occurred_at = at,
                     .recorded_at = LC_ABSENT,
                     .follow_up_at = LC_ABSENT};
}

lc_fact
bench_created(const char *event_id, lc_instant at)
{
    lc_fact fact = fact_of(LC_FACT_CREATED, event_id, at);
    fact.channel = LC_TEXT("demo");
    fact.owner = LC_TEXT("ann");
    return fact;
}

lc_fact
bench_contacted(const char *event_id, lc_instant at)
{
    return fact_of(LC_FACT_CONTACTED, event_id, at);
}

lc_fact
bench_rejected(const char *event_id, lc_instant at, const char *reason)
{
    lc_fact fact = fact_of(LC_FACT_REJECTED, event_id, at);
    fact.text = lc_text_of(reason);
    return fact;
}

/* ---- What came of it ---- */

typedef void (*record_visitor)(const lc_memory_record *record, void *data);

static void
visit(bench *b, lc_output output, record_visitor visitor, void *data)
{
    for (int32_t partition = 0; partition < BENCH_PARTITIONS; partition++) {
        size_t n;
        const lc_memory_record *const *records = lc_memory_records(b->broker, LC_MEMORY_OUTPUT(output), partition, &n);
        for (size_t i = 0; i < n; i++)
            if (records[i]->status == LC_MEMORY_COMMITTED)
                visitor(records[i], data);
    }
}

typedef struct {
    uint32_t schema_id;
    unsigned n;
} schema_count;

static void
count_schema(const lc_memory_record *record, void *data)
{
    schema_count *count = data;
    uint32_t id;
    if (lc_frame_read(record->value.data, record->value.size, &id) && id == count->schema_id)
        count->n++;
}

unsigned
bench_count(bench *b, lc_output output, lc_schema schema)
{
    schema_count count = {SCHEMA_ID(schema), 0};
    visit(b, output, count_schema, &count);
    return count.n;
}

static void
add_reason(const lc_memory_record *record, void *data)
{
    GString *reasons = data;
    for (size_t i = 0; i < record->n_headers; i++)
        if (lc_text_equal(record->headers[i].name, LC_TEXT("__connect.errors.exception.class.name")))
            g_string_append_printf(reasons, "%s%.*s", reasons->len ? " " : "", LC_TEXT_ARGS(record->headers[i].value));
}

char *
bench_dead_letters(bench *b)
{
    GString *reasons = g_string_new(NULL);
    visit(b, LC_OUTPUT_DEAD_LETTERS, add_reason, reasons);
    return g_string_free(reasons, FALSE);
}

int64_t
bench_counter(bench *b, const char *metric)
{
    int64_t sum = 0;
    for (int32_t partition = 0; partition < BENCH_PARTITIONS; partition++) {
        GHashTableIter iter;
        gpointer counts;
        g_hash_table_iter_init(&iter, lc_memory_redis_counters(b->redis, partition));
        while (g_hash_table_iter_next(&iter, NULL, &counts)) {
            const int64_t *count = g_hash_table_lookup(counts, metric);
            sum += count ? *count : 0;
        }
    }
    return sum;
}
