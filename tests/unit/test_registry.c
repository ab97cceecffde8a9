/* test_registry.c - schemas from a file instead of a server, and what is made of a server's answers. */
#include <leadclock/http.h>
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

typedef struct {
    unsigned status;
    const char *body;
    lc_error code;
    const char *says;
} told;

static void
reply(lc_http_request *request, void *data)
{
    const told *answer = *(const told **)data;
    lc_http_reply(request, answer->status, "text/html", lc_text_of(answer->body), NULL);
}

static void
assert_told(lc_registry *registry, const told *expected)
{
    g_autoptr(GError) error = NULL;
    uint32_t id;
    do
        g_clear_error(&error);
    while (!lc_registry_register(registry, &(lc_registry_entry){"s", CREATED}, 1, &id, &error) &&
           lc_registry_is_asking(registry));
    assert_non_null(error);
    if (error->code != (gint)expected->code || strstr(error->message, expected->says) == NULL)
        fail_msg("%u %s is told with code %d: %s", expected->status, expected->body, error->code, error->message);
}

/* A proxy answers before the registry that it stands for has started. */
static void
only_what_a_registry_says_itself_is_final(void **state)
{
    (void)state;
    static const told cases[] = {
        {404, "<html>default backend</html>", LC_ERROR_RETRY, "/api: 404 from http://127.0.0.1:"},
        {404, "<html>default backend</html>", LC_ERROR_RETRY, "/api/subjects/s/versions: is registry.url right?"},
        {404, "{\"error_code\": 404, \"message\": \"HTTP 404 Not Found\"}", LC_ERROR_RETRY, "is registry.url right?"},
        {404, "{\"error_code\": 40401, \"message\": \"Subject 's'\"}", LC_ERROR_CONFIG, "HTTP 404): Subject 's'"},
        {200, "<html>starting</html>", LC_ERROR_RETRY, "HTTP 200 from http://127.0.0.1:"},
        {200, "{\"status\": \"UP\"}", LC_ERROR_RETRY, "registry.url"},
        {302, "", LC_ERROR_RETRY, "HTTP 302 from"},
        {400, "<html>bad request</html>", LC_ERROR_RETRY, "HTTP 400 from"},
        {400, "{\"error_code\": 400, \"message\": \"no\"}", LC_ERROR_CONFIG, "HTTP 400): no"},
        {409, "<html>conflict</html>", LC_ERROR_RETRY, "HTTP 409 from"},
        {409, "{\"error_code\": 409, \"message\": \"no\"}", LC_ERROR_CONFIG, "not compatible"},
        {422, "[]", LC_ERROR_RETRY, "HTTP 422 from"},
        {422, "{\"error_code\": 42201, \"message\": \"no\"}", LC_ERROR_CONFIG, "does not take our schema"},
        {502, "<html>bad gateway</html>", LC_ERROR_RETRY, "HTTP 502 from http://127.0.0.1:"},
        {503, "{\"error_code\": 50301, \"message\": \"soon\"}", LC_ERROR_RETRY, "/s): soon"},
    };
    const told *answer = cases;
    g_autoptr(lc_http) http = lc_http_start(
        &(lc_http_options){
            .section = "http", .listen = "127.0.0.1:0", .body_bytes = 65536, .handle = reply, .data = &answer},
        NULL);
    assert_non_null(http);
    g_autofree char *url = g_strdup_printf("http://127.0.0.1:%u/api", lc_http_port(http));
    g_autoptr(lc_registry) registry = lc_registry_new(&(lc_registry_options){.url = url}, NULL);
    assert_non_null(registry);
    for (; answer < cases + G_N_ELEMENTS(cases); answer++)
        assert_told(registry, answer);
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
        cmocka_unit_test(only_what_a_registry_says_itself_is_final),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
