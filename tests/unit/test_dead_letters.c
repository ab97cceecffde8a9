/* What is told of records that are no facts, and of facts that are odd: to their publisher, and to the log. */
#include "bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const char policy[] = BENCH_POLICY("10m");

/* ---- What the log says ---- */

static GString *warnings; /* message and fields, a line each */

static GLogWriterOutput
keep_warning(GLogLevelFlags level, const GLogField *fields, gsize n, gpointer data)
{
    (void)data;
    if ((level & G_LOG_LEVEL_WARNING) == 0)
        return G_LOG_WRITER_HANDLED;
    for (gsize i = 0; i < n; i++)
        g_string_append_printf(warnings, "%s=%s ", fields[i].key, (const char *)fields[i].value);
    g_string_append_c(warnings, '\n');
    return G_LOG_WRITER_HANDLED;
}

static unsigned
count_warnings(const char *part)
{
    unsigned n = 0;
    for (const char *at = warnings->str; (at = strstr(at, part)); at++)
        n++;
    return n;
}

/* The sum of a number in all warnings. */
static unsigned
sum_of(const char *field)
{
    unsigned sum = 0;
    for (const char *at = warnings->str; (at = strstr(at, field)); at++)
        sum += (unsigned)g_ascii_strtoull(at + strlen(field), NULL, 10);
    return sum;
}

static int
setup(void **state)
{
    *state = bench_new(policy);
    g_string_truncate(warnings, 0);
    return 0;
}

static int
teardown(void **state)
{
    bench_free(*state);
    return 0;
}

/* ---- Messages ---- */

#define KEY(text)                                                                                                      \
    {                                                                                                                  \
        text, sizeof text - 1                                                                                          \
    }

static const struct {
    const char *name;
    lc_text key;
    const char *lead_id; /* of a fact; NULL: the value below */
    lc_text value;
    const char *message;
} cases[] = {
    {"another key", KEY("a"), "b", KEY(""), "KEY_MISMATCH the record's key, \"a\", is not its lead_id, \"b\""},
    {"no key", {NULL, 0}, "b", KEY(""), "KEY_MISMATCH the record has no key; it must be its lead_id, \"b\""},
    {"an empty key", {"", 0}, "b", KEY(""), "KEY_MISMATCH the record's key, \"\", is not"},
    {"an Avro key", KEY("\0\0\0\0\7\4ab"), "ab", KEY(""),
     "\"ab\": it looks like Avro; publish keys with a StringSerializer"},
    {"a JSON key with a schema", KEY("\0\0\0\0\7\"ab\""), "ab", KEY(""),
     "\"ab\": it looks like JSON with a schema; publish keys with a StringSerializer"},
    {"a quoted key", KEY("\"ab\""), "ab", KEY(""),
     "\"ab\": it is quoted, as JSON is; publish keys with a StringSerializer"},
    {"a JSON key", KEY("{\"id\":\"ab\"}"), "ab", KEY(""), "\"ab\": it looks like JSON; publish the lead_id alone"},
    {"a long key", KEY("0123456789012345678901234567890123456789too long"), "b", KEY(""),
     "key, \"0123456789012345678901234567890123456789...\", is not"},
    {"bytes", KEY("\1\xff\n"), "b", KEY(""), "key, \".\xef\xbf\xbd.\", is not"},
    {"no lead_id", KEY("a"), "", KEY(""), "BAD_FACT lead_id is empty"},
    {"neither key nor value", {NULL, 0}, NULL, {NULL, 0}, "BAD_FACT the record has neither a value nor a key"},
    {"an eraser of nobody", {"", 0}, NULL, {NULL, 0}, "BAD_FACT lead_id is empty"},
    {"a list", KEY("a"), NULL, KEY("[{\"type\":\"LeadCreated\"}]"), "UNREADABLE byte 1: it looks like a list of JSON"},
    {"a text", KEY("a"), NULL, KEY("\"{\\\"type\\\":1}\""), "UNREADABLE byte 1: it looks like a string of JSON"},
    {"no frame", KEY("a"), NULL, KEY("what is this"), "UNREADABLE byte 1: neither Avro in the Confluent wire format"},
    {"a letter that is cut", KEY("a"), NULL, KEY("{\"type\":\"aüüüüüüüüüüüüüüüüüüüüüüü\"}"),
     "UNKNOWN_TYPE type: \"aüüüüüüüüüüüüüüüüüüü\xef\xbf\xbd\" is no fact"},
    {"an id of 8 bytes", KEY("a"), NULL, KEY("\0\0\0\0\0\0\0\1\x11 and the body"),
     "UNKNOWN_SCHEMA the schema's id seems to have 8 bytes (273), as Apicurio's"},
    {"no such id", KEY("a"), NULL, KEY("\0\0\0\x27\x0f and the body"),
     "UNKNOWN_SCHEMA the registry has no schema with id 9999"},
};

static lc_text
header_of(const lc_memory_record *record, const char *name)
{
    for (size_t i = 0; i < record->n_headers; i++)
        if (lc_text_equal(record->headers[i].name, lc_text_of(name)))
            return record->headers[i].value;
    return LC_NO_TEXT;
}

static const lc_memory_record *
only_dead_letter(bench *b)
{
    const lc_memory_record *found = NULL;
    for (int32_t partition = 0; partition < BENCH_PARTITIONS; partition++) {
        size_t n;
        const lc_memory_record *const *records =
            lc_memory_records(b->broker, LC_MEMORY_OUTPUT(LC_OUTPUT_DEAD_LETTERS), partition, &n);
        for (size_t i = 0; i < n; i++) {
            if (records[i]->status != LC_MEMORY_COMMITTED)
                continue;
            assert_null(found);
            found = records[i];
        }
    }
    return found;
}

/* "REASON message" of the only dead letter; NULL: there is none. Caller frees. */
static char *
told_of_dead_letter(bench *b)
{
    const lc_memory_record *found = only_dead_letter(b);
    if (found == NULL)
        return NULL;
    lc_text reason = header_of(found, "__connect.errors.exception.class.name");
    lc_text message = header_of(found, "__connect.errors.exception.message");
    return g_strdup_printf("%.*s %.*s", LC_TEXT_ARGS(reason), LC_TEXT_ARGS(message));
}

static void
a_publisher_is_told_what_is_wrong_and_what_to_do(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        bench *b = bench_new(policy);
        lc_fact created = bench_created("created", b->manual.now);
        g_autoptr(GBytes) fact = bench_encode(cases[i].lead_id ? cases[i].lead_id : "", &created);
        lc_text value =
            cases[i].lead_id ? (lc_text){g_bytes_get_data(fact, NULL), g_bytes_get_size(fact)} : cases[i].value;
        lc_memory_append(b->broker, 0, 0, cases[i].key, value, LC_ABSENT);
        assert_true(bench_run(b, 10 * LC_SECOND));
        g_autofree char *told = told_of_dead_letter(b);
        if (told == NULL || strstr(told, cases[i].message) == NULL)
            fail_msg("%s: \"%s\" does not say \"%s\"", cases[i].name, told ? told : "nothing", cases[i].message);
        bench_free(b);
    }
}

#define MEBIBYTE ((size_t)1024 * 1024)

static void
assert_header(const lc_memory_record *record, const char *name, const char *wanted)
{
    lc_text value = header_of(record, name);
    g_autofree char *found = g_strndup(value.data, value.size);
    assert_string_equal(found, wanted);
}

/* What it was is read from its headers: where it lies, and how much of it there is. */
static void
a_dead_letter_of_more_than_a_mebibyte_is_cut(void **state)
{
    bench *b = *state;
    g_autofree char *large = g_strnfill(MEBIBYTE + 3, 'x');
    lc_memory_append(b->broker, 0, 1, LC_TEXT("a"), (lc_text){large, MEBIBYTE + 3}, LC_ABSENT);
    assert_true(bench_run(b, 10 * LC_SECOND));
    const lc_memory_record *found = only_dead_letter(b);
    assert_non_null(found);
    assert_int_equal(found->value.size, MEBIBYTE);
    assert_header(found, "leadclock.truncated", "1048579");
    assert_header(found, "__connect.errors.partition", "1");
    assert_header(found, "__connect.errors.offset", "0");
}

/* ---- The log ---- */

static unsigned n_published;

/* One every 100 ms, for a while; of two reasons. */
static void
publish_rubbish(void *data)
{
    bench *b = data;
    if (b->manual.now < BENCH_BEGIN + 100 * n_published || n_published == 150)
        return;
    lc_text value = n_published % 3 ? LC_TEXT("rubbish") : LC_TEXT("\0\0\0\0\12???"); /* a warning is no fact */
    lc_memory_append(b->broker, 0, (int32_t)n_published % BENCH_PARTITIONS, LC_TEXT("a"), value, LC_ABSENT);
    n_published++;
}

static void
dead_letters_are_told_as_a_number_now_and_then(void **state)
{
    bench *b = *state;
    n_published = 0;
    b->meanwhile = publish_rubbish;
    assert_true(bench_run(b, 60 * LC_SECOND));
    assert_int_equal(n_published, 150);
    assert_int_equal(sum_of("DEAD_LETTERS="), 150);
    assert_in_range(count_warnings("DEAD_LETTERS="), 2, 4);
    assert_true(count_warnings("UNREADABLE ") > 0 && count_warnings("UNKNOWN_TYPE ") > 0);
    assert_true(count_warnings("offset ") > 0 && count_warnings("went to dead-letters") > 0);
}

static void
what_is_left_is_told_in_the_end(void **state)
{
    bench *b = *state;
    n_published = 0;
    b->meanwhile = publish_rubbish;
    assert_true(bench_run(b, 5 * LC_SECOND));
    unsigned read = sum_of("DEAD_LETTERS=");
    assert_in_range(read, n_published - 3, n_published);
}

#define MOST_FACTS 4096

static void
publish_assigned(bench *b, unsigned number)
{
    g_autofree char *id = g_strdup_printf("%05u", number);
    lc_fact assigned = bench_created(id, b->manual.now);
    assigned.type = LC_FACT_ASSIGNED;
    bench_publish(b, 0, "busy", &assigned);
}

/* One more every second, for a while. */
static void
publish_one_more(void *data)
{
    bench *b = data;
    if (b->manual.now < BENCH_BEGIN + 1000 * n_published || n_published == 15)
        return;
    publish_assigned(b, MOST_FACTS + n_published++);
}

/* Rule 8.4. */
static void
a_lead_with_too_many_facts_is_told_once(void **state)
{
    bench *b = *state;
    n_published = 0;
    for (unsigned i = 0; i < MOST_FACTS; i++)
        publish_assigned(b, i);
    b->meanwhile = publish_one_more;
    assert_true(bench_run(b, 30 * LC_SECOND));
    assert_int_equal(n_published, 15);
    assert_int_equal(count_warnings("too many facts of lead busy"), 1);
    assert_int_equal(count_warnings("offset 4096"), 1);
    assert_int_equal(count_warnings("DEAD_LETTERS="), 0);
}

static void
an_empty_channel_is_counted_and_told(void **state)
{
    bench *b = *state;
    lc_fact created = bench_created("created", b->manual.now);
    created.channel = LC_TEXT("");
    bench_publish(b, 0, "lead", &created);
    created.channel = LC_TEXT("demo");
    bench_publish(b, 0, "other", &created);
    assert_true(bench_run(b, 2 * LC_SECOND));
    assert_int_equal(bench_counter(b, "handed_off"), 2);
    assert_null(only_dead_letter(b));
    assert_int_equal(sum_of("FACTS="), 1);
    assert_true(count_warnings("empty channel") == 1 && count_warnings("offset 0") == 1);
}

static void
several_workers_say_a_thing_once(void **state)
{
    (void)state;
    lc_told *told = lc_told_new();
    int one, other;
    assert_true(lc_told_may_say(told, &one, "waiting", 0, 1000));
    assert_false(lc_told_may_say(told, &other, "waiting", 999, 1000));
    assert_true(lc_told_may_say(told, &one, "waiting", 500, 1000));
    assert_true(lc_told_may_say(told, &other, "something else", 500, 1000));
    assert_true(lc_told_may_say(told, &other, "waiting", 1500, 1000));
    assert_false(lc_told_may_say(told, &one, "waiting", 2000, 1000));
    assert_true(lc_told_may_say(told, NULL, "once", 0, INT64_MAX));
    assert_false(lc_told_may_say(told, NULL, "once", 0, INT64_MAX));
    lc_told_free(told);
}

int
main(void)
{
    warnings = g_string_new(NULL);
    g_log_set_writer_func(keep_warning, NULL, NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_publisher_is_told_what_is_wrong_and_what_to_do),
        cmocka_unit_test_setup_teardown(a_dead_letter_of_more_than_a_mebibyte_is_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(dead_letters_are_told_as_a_number_now_and_then, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_left_is_told_in_the_end, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lead_with_too_many_facts_is_told_once, setup, teardown),
        cmocka_unit_test_setup_teardown(an_empty_channel_is_counted_and_told, setup, teardown),
        cmocka_unit_test(several_workers_say_a_thing_once),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    g_string_free(warnings, TRUE);
    return failed;
}
