/* test_registry.c - schemas from a file instead of a server. */
#include <leadclock/registry.h>

#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define CREATED "{\"type\":\"record\",\"name\":\"LeadCreated\",\"namespace\":\"leadclock\",\"fields\":[]}"

/* A file registry of such a text, or NULL and the error. */
static lc_registry *
registry_of(const char *text, GError **error)
{
    char path[] = "/tmp/leadclock-registry-XXXXXX";
    int file = g_mkstemp(path);
    assert_true(file >= 0);
    g_close(file, NULL);
    assert_true(g_file_set_contents(path, text, -1, NULL));
    lc_registry *registry = lc_registry_new(&(lc_registry_options){.file = path}, error);
    g_unlink(path);
    return registry;
}

static void
a_file_answers_by_id_and_knows_no_other(void **state)
{
    (void)state;
    g_autoptr(lc_registry) registry = registry_of(
        "{\"7\": {\"type\": \"long\"}, \"8\": \"{\\\"type\\\": \\\"int\\\"}\", \"0\": \"\\\"string\\\"\"}", NULL);
    lc_registry_answer answers[4];
    assert_non_null(registry);
    assert_true(lc_registry_fetch(registry, (uint32_t[]){7, 9, 8, 0}, 4, answers, NULL));
    assert_string_equal(answers[0].schema, "{\"type\":\"long\"}");
    assert_int_equal(answers[1].verdict, LC_REGISTRY_NO);
    assert_null(answers[1].schema);
    assert_string_equal(answers[2].schema, "{\"type\":\"int\"}");
    assert_string_equal(answers[3].schema, "\"string\"");
    for (size_t i = 0; i < G_N_ELEMENTS(answers); i++)
        lc_registry_answer_clear(&answers[i]);
}

static void
a_file_may_hold_what_a_server_answers(void **state)
{
    (void)state;
    g_autoptr(lc_registry) registry = registry_of(
        "{\"1\": {\"schema\": \"\\\"int\\\"\"}, \"2\": {\"schema\": \"\\\"int\\\"\", \"schemaType\": \"AVRO\"},"
        "\"3\": {\"schema\": \"{}\", \"schemaType\": \"JSON\"},"
        "\"4\": {\"schema\": \"syntax = \\\"proto3\\\";\", \"schemaType\": \"PROTOBUF\"}}",
        NULL);
    static const lc_registry_language languages[] = {LC_REGISTRY_AVRO, LC_REGISTRY_AVRO, LC_REGISTRY_JSON,
                                                     LC_REGISTRY_OTHER};
    lc_registry_answer answers[4];
    assert_non_null(registry);
    assert_true(lc_registry_fetch(registry, (uint32_t[]){1, 2, 3, 4}, 4, answers, NULL));
    assert_string_equal(answers[0].schema, "\"int\"");
    assert_string_equal(answers[1].schema, "\"int\"");
    for (size_t i = 0; i < G_N_ELEMENTS(answers); i++) {
        assert_int_equal(answers[i].verdict, LC_REGISTRY_HAS);
        assert_int_equal(answers[i].language, languages[i]);
        lc_registry_answer_clear(&answers[i]);
    }
}

static void
a_schema_is_found_whatever_its_layout(void **state)
{
    (void)state;
    g_autoptr(lc_registry) registry = registry_of(
        "{\"7\": \"\\\"string\\\"\", \"4294967295\": {\"fields\": [ ], \"namespace\": \"leadclock\", \"name\": "
        "\"LeadCreated\", \"type\": \"record\"}}",
        NULL);
    uint32_t id = 0;
    assert_non_null(registry);
    assert_true(lc_registry_register(registry, &(lc_registry_entry){"subject", CREATED}, 1, &id, NULL));
    assert_int_equal(id, UINT32_MAX);
}

static void
assert_says(GError *error, const char *part)
{
    assert_non_null(error);
    assert_true(g_error_matches(error, LC_ERROR, LC_ERROR_CONFIG));
    if (strstr(error->message, part) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error->message, part);
}

static void
a_schema_that_is_not_there_is_named_with_what_to_add(void **state)
{
    (void)state;
    g_autoptr(lc_registry) registry = registry_of("{\"7\": \"\\\"string\\\"\"}", NULL);
    g_autoptr(GError) error = NULL;
    uint32_t id = 5;
    assert_non_null(registry);
    assert_false(lc_registry_register(registry, &(lc_registry_entry){"leads.created-x", CREATED}, 1, &id, &error));
    assert_says(error, "leadclock.LeadCreated");
    assert_says(error, "leads.created-x");
    assert_says(error, "\"8\"");
    assert_int_equal(id, 5);
}

static void
a_wrong_file_is_refused_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"{", ":1:"},
        {"[]", "not a JSON object"},
        {"{\"x\": {}}", "\"x\" is no schema id"},
        {"{\"4294967296\": {}}", "no schema id"},
        {"{\"-1\": {}}", "no schema id"},
        {"{\"1\": \"{\"}", "the text of schema 1 is not JSON"},
        {"{\"1\": {}, \"1\": {}}", "duplicate"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        assert_null(registry_of(cases[i].text, &error));
        assert_says(error, cases[i].message);
    }
}

static void
wrong_options_are_refused(void **state)
{
    (void)state;
    static const struct {
        lc_registry_options options;
        const char *message;
    } cases[] = {
        {{0}, "neither"},
        {{.url = "http://x", .file = "y"}, "both"},
        {{.file = "/nonexistent/schemas.json"}, "/nonexistent/schemas.json"},
        {{.url = "x"}, "http://HOST:PORT"},
        {{.url = "ftp://x/"}, "http://HOST:PORT"},
        {{.url = "http://user:secret@x/"}, "registry.user"},
        {{.url = "http://x/?y=1"}, "query"},
        {{.url = "https://x", .ca = "/nonexistent/ca.pem"}, "registry.ca: /nonexistent/ca.pem: No such file"},
        {{.url = "https://x", .key = "/nonexistent/us.key"}, "registry.key: /nonexistent/us.key: No such file"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        assert_null(lc_registry_new(&cases[i].options, &error));
        assert_says(error, cases[i].message);
        assert_null(strstr(error->message, "secret"));
    }
}

static void
a_server_that_is_away_is_for_another_time(void **state)
{
    (void)state;
    /* port 1 of the loopback: nothing listens there */
    g_autoptr(lc_registry) registry = lc_registry_new(&(lc_registry_options){.url = "http://127.0.0.1:1"}, NULL);
    uint32_t ids[40] = {1, 2, 3}, id;
    lc_registry_answer answers[40];
    g_autoptr(GError) error = NULL;
    assert_non_null(registry);
    assert_false(lc_registry_register(registry, &(lc_registry_entry){"subject", CREATED}, 1, &id, &error));
    assert_true(g_error_matches(error, LC_ERROR, LC_ERROR_RETRY));
    g_clear_error(&error);
    assert_false(lc_registry_fetch(registry, ids, G_N_ELEMENTS(ids), answers, &error));
    assert_true(g_error_matches(error, LC_ERROR, LC_ERROR_RETRY));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_answers_by_id_and_knows_no_other),
        cmocka_unit_test(a_file_may_hold_what_a_server_answers),
        cmocka_unit_test(a_schema_is_found_whatever_its_layout),
        cmocka_unit_test(a_schema_that_is_not_there_is_named_with_what_to_add),
        cmocka_unit_test(a_wrong_file_is_refused_with_its_place),
        cmocka_unit_test(wrong_options_are_refused),
        cmocka_unit_test(a_server_that_is_away_is_for_another_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
