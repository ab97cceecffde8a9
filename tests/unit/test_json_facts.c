/* Records whose value is JSON: each form is a fact, and what is none is told with its place. */
#include "bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const char policy[] = BENCH_POLICY("10m");

#define BYTES(text)                                                                                                    \
    {                                                                                                                  \
        text, sizeof text - 1                                                                                          \
    }
#define JSON_FRAME "\0\0\0\1\0"
#define PROTOBUF_FRAME "\0\0\0\1\1"

#define HEAD "\"lead_id\":\"a\",\"event_id\":\"e\",\"occurred_at\":\"2026-01-05T08:00:00Z\""
#define CHANNEL "\"channel\":\"demo\""
#define ATTRIBUTES                                                                                                     \
    "\"specversion\":\"1.0\",\"source\":\"/crm\",\"type\":\"leadclock.LeadCreated\",\"id\":\"e\","                     \
    "\"time\":\"2026-01-05T08:00:00Z\",\"subject\":\"a\""

typedef struct {
    lc_text key, value;
    const char *type, *id, *time, *subject; /* the headers; NULL: none */
    int topic;                              /* 0 carries hand-offs, 1 is not named after a type */
    const char *told;                       /* reason and message; NULL: it is a hand-off */
} record_case;

static const record_case cases[] = {
    {BYTES("a"), BYTES("{\"type\":\"LeadCreated\"," HEAD "," CHANNEL "}"), .topic = 1},
    {BYTES("a"), BYTES(" \t\r\n{\"type\":\"leadclock.LeadCreated\"," HEAD "," CHANNEL "}\n"), .topic = 1},
    {BYTES("a"), BYTES(JSON_FRAME "{\"type\":\"LeadCreated\"," HEAD "," CHANNEL "}"), .topic = 1},
    {BYTES("a"), BYTES("{" HEAD "," CHANNEL "}"), .topic = 0},
    {BYTES("a"), BYTES("{" HEAD "," CHANNEL "}"), .type = "LeadCreated", .topic = 1},
    {BYTES("a"), BYTES("{\"type\":\"LeadCreated\"," HEAD "," CHANNEL "}"), .type = "com.crm.lead", .topic = 0},
    {BYTES("a"), BYTES("{" ATTRIBUTES ",\"data\":{" CHANNEL "}}"), .topic = 1},
    {BYTES("a"), BYTES(JSON_FRAME " {" ATTRIBUTES ",\"data\":{" CHANNEL "}}"), .type = "LeadErased", .topic = 1},
    {BYTES("a"), BYTES("{" CHANNEL "}"), "leadclock.LeadCreated", "e", "2026-01-05T08:00:00Z", "a", 1},
    {BYTES("a"), BYTES("{\"lead_id\":\"a\"," CHANNEL "}"), "LeadCreated", "e", "2026-01-05T08:00:00Z", "b", 1},
    {BYTES("a"), BYTES(JSON_FRAME "{" CHANNEL "}"), "LeadCreated", "e", "2026-01-05T08:00:00Z", "a", 1},

    {BYTES("a"), BYTES("{" HEAD "," CHANNEL "}"), .topic = 1, .told = "UNKNOWN_TYPE type: missing"},
    {BYTES("a"), BYTES("{" HEAD "," CHANNEL "}"), .type = "com.crm.lead",
     .told = "UNKNOWN_TYPE ce_type: \"com.crm.lead\""},
    {BYTES("a"), BYTES("{\"type\":\"SlaBreached\"," HEAD "}"), .told = "UNKNOWN_TYPE type: \"SlaBreached\" is no fact"},
    {BYTES("a"), BYTES(PROTOBUF_FRAME "{" HEAD "," CHANNEL "}"), .told = "UNKNOWN_TYPE schema 257 can't be read"},
    {BYTES("a"), BYTES("{\"type\":\"LeadCreated\"\n, \"lead_id\" }"), .told = "UNREADABLE line 2, column 13: not JSON"},
    {BYTES("a"), BYTES("{" HEAD "," CHANNEL), .told = "UNREADABLE column "},
    {BYTES("a"), BYTES("{} {}"), .told = "UNREADABLE column 4: not JSON: something follows"},
    {BYTES("a"), BYTES(JSON_FRAME "\2a\2e"), .told = "UNREADABLE column 1: not JSON: expected an object"},
    {BYTES("a"), BYTES("{\"a\":\"\xff\"}"), .told = "UNREADABLE column 7: not JSON: bytes that are no UTF-8"},
    {BYTES("a"), BYTES("{\"event_id\":\"e\",\"occurred_at\":\"2026-01-05T08:00:00Z\"," CHANNEL "}"),
     .told = "BAD_FACT lead_id is missing"},
    {BYTES("a"), BYTES("{" HEAD "}"), .told = "BAD_FACT channel is missing"},
    {BYTES("a"), BYTES("{" HEAD ",\"channel\":5}"), .told = "BAD_FACT channel: 5, but it must be a string"},
    {BYTES("a"), BYTES("{" CHANNEL "}"), "LeadCreated", "e", "today", "a", 1, "BAD_FACT ce_time: \"today\" is no time"},
    {BYTES("a"), BYTES("{" CHANNEL "}"), "LeadCreated", "", "2026-01-05T08:00:00Z", "a", 1,
     "BAD_FACT event_id is empty"},
    {BYTES("a"), BYTES("{" CHANNEL "}"), "LeadCreated", "e", "2026-01-06T08:00:00Z", "a", 1,
     "BAD_FACT occurred_at is 1d ahead of"},
    /* What came as a text is told as one. */
    {BYTES("a"), BYTES("{" CHANNEL "}"), "LeadCreated", "e", "0001-01-01T00:00:00Z", "a", 1,
     "BAD_FACT ce_time is 0001-01-01T00:00:00.000Z, which is not from 1990 to before 2200; it looks like a default "
     "that "
     "slipped through"},
    {BYTES("a"), BYTES("{\"lead_id\":\"a\",\"event_id\":\"e\",\"occurred_at\":\"1970-01-21T11:40:22.8Z\"," CHANNEL "}"),
     .told = "BAD_FACT occurred_at is 1970-01-21T11:40:22.800Z, which is not from 1990 to before 2200; it looks like "
             "seconds that were taken for milliseconds"},
    {BYTES("a"), BYTES("{\"lead_id\":\"a\",\"event_id\":\"e\",\"occurred_at\":0," CHANNEL "}"),
     .told = "BAD_FACT occurred_at is 0 (1970-01-01T00:00:00.000Z), which is not from 1990 to before 2200; it looks "
             "like a default that slipped through; times are in milliseconds since 1970"},
    {BYTES("a"), BYTES("{" ATTRIBUTES "}"), .told = "BAD_FACT data: missing"},
    {BYTES("a"), BYTES("{" ATTRIBUTES ",\"data_base64\":\"e30=\"}"), .told = "BAD_FACT data_base64: a fact in base64"},
    {BYTES("b"), BYTES("{" HEAD "," CHANNEL "}"),
     .told = "KEY_MISMATCH the record's key, \"b\", is not its lead_id, \"a\""},
    {BYTES("\"a\""), BYTES("{" HEAD "," CHANNEL "}"), .told = "KEY_MISMATCH the record's key, \"\"a\"\""},
    {{NULL, 0}, BYTES("{" HEAD "," CHANNEL "}"), .told = "KEY_MISMATCH the record has no key"},
};

static size_t
list_headers(const record_case *record, lc_header headers[4])
{
    const struct {
        const char *name, *value;
    } all[] = {
        {"ce_type", record->type}, {"ce_id", record->id}, {"ce_time", record->time}, {"ce_subject", record->subject}};
    size_t n = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
        if (all[i].value)
            headers[n++] = (lc_header){lc_text_of(all[i].name), lc_text_of(all[i].value)};
    return n;
}

static void
publish(bench *b, const record_case *record, int32_t partition)
{
    lc_header headers[4];
    size_t n = list_headers(record, headers);
    lc_memory_append_with_headers(b->broker, record->topic, partition, record->key, record->value, headers, n);
}

/* "REASON message" of the dead letters. */
static char *
told(bench *b)
{
    GString *text = g_string_new(NULL);
    for (int32_t partition = 0; partition < BENCH_PARTITIONS; partition++) {
        size_t n;
        const lc_memory_record *const *records =
            lc_memory_records(b->broker, LC_MEMORY_OUTPUT(LC_OUTPUT_DEAD_LETTERS), partition, &n);
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; records[i]->status == LC_MEMORY_COMMITTED && k < records[i]->n_headers; k++)
                if (g_str_has_prefix(records[i]->headers[k].name.data, "__connect.errors.exception"))
                    g_string_append_printf(text, "%s%.*s", text->len ? " " : "",
                                           LC_TEXT_ARGS(records[i]->headers[k].value));
    }
    return g_string_free(text, FALSE);
}

static bench *
new_bench(void)
{
    static const char *const inputs[] = {"crm.leads.Created", "crm.leads.paused", NULL};
    bench *b = bench_new(policy);
    b->options.input_names = inputs;
    return b;
}

static void
each_form_is_a_fact_or_is_told_with_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        bench *b = new_bench();
        publish(b, &cases[i], bench_partition_of("a"));
        assert_true(bench_run(b, 10 * LC_SECOND));
        g_autofree char *letters = told(b);
        const char *wanted = cases[i].told ? cases[i].told : "";
        if (cases[i].told ? !g_str_has_prefix(letters, wanted) : *letters != '\0')
            fail_msg("%.*s: \"%s\", not \"%s\"", LC_TEXT_ARGS(cases[i].value), letters, wanted);
        assert_int_equal(bench_counter(b, "handed_off"), cases[i].told == NULL);
        bench_free(b);
    }
}

static void
json_in_the_wrong_partition_is_a_dead_letter(void **state)
{
    (void)state;
    bench *b = new_bench();
    publish(b, &cases[0], (bench_partition_of("a") + 1) % BENCH_PARTITIONS);
    assert_true(bench_run(b, 10 * LC_SECOND));
    g_autofree char *letters = told(b);
    assert_true(g_str_has_prefix(letters, "WRONG_PARTITION "));
    bench_free(b);
}

static void
json_over_64_kib_is_a_bad_fact(void **state)
{
    (void)state;
    bench *b = new_bench();
    g_autofree char *filler = g_strnfill(LC_MAX_RECORD_BYTES, 'x');
    g_autofree char *value = g_strdup_printf("{\"type\":\"LeadCreated\"," HEAD "," CHANNEL ",\"x\":\"%s\"}", filler);
    lc_memory_append(b->broker, 0, bench_partition_of("a"), LC_TEXT("a"), lc_text_of(value), LC_ABSENT);
    assert_true(bench_run(b, 10 * LC_SECOND));
    g_autofree char *letters = told(b);
    assert_true(g_str_has_prefix(letters, "BAD_FACT a record of "));
    bench_free(b);
}

/* Told twice under one event_id in two forms: the first stands. */
static void
a_fact_in_another_form_is_the_same_fact(void **state)
{
    (void)state;
    bench *b = new_bench();
    lc_fact created = bench_created("e", BENCH_BEGIN);
    bench_publish(b, 0, "a", &created);
    for (size_t i = 0; cases[i].told == NULL; i++)
        publish(b, &cases[i], bench_partition_of("a"));
    assert_true(bench_run(b, 10 * LC_SECOND));
    g_autofree char *letters = told(b);
    assert_string_equal(letters, "");
    assert_int_equal(bench_counter(b, "handed_off"), 1);
    assert_int_equal(bench_counter(b, "duplicate"), 0);
    bench_free(b);
}

static void
the_only_topic_names_no_type(void **state)
{
    (void)state;
    static const char *const inputs[] = {"leads.created", NULL};
    bench *b = bench_new(policy);
    lc_memory_broker_free(b->broker);
    b->broker = lc_memory_broker_new(&b->manual.world, 1, BENCH_PARTITIONS);
    b->options.input_names = inputs;
    lc_text value = BYTES("{" HEAD "," CHANNEL "}");
    lc_memory_append(b->broker, 0, bench_partition_of("a"), LC_TEXT("a"), value, LC_ABSENT);
    assert_true(bench_run(b, 10 * LC_SECOND));
    g_autofree char *letters = told(b);
    assert_true(g_str_has_prefix(letters, "UNKNOWN_TYPE type: missing"));
    bench_free(b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_is_a_fact_or_is_told_with_its_place),
        cmocka_unit_test(json_in_the_wrong_partition_is_a_dead_letter),
        cmocka_unit_test(json_over_64_kib_is_a_bad_fact),
        cmocka_unit_test(a_fact_in_another_form_is_the_same_fact),
        cmocka_unit_test(the_only_topic_names_no_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
