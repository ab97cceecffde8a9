/* The registry over HTTP, against a real one. */
#include <leadclock/codec.h>
#include <leadclock/registry.h>

#include <curl/curl.h>

#include "asserting.h"

static const char *url;
static char *unique; /* part of the subjects of this run */

static char *
subject_of(const char *name)
{
    return g_strdup_printf("leads.%s-%s/%s", name, unique, name);
}

static lc_registry *
registry_at(const char *at)
{
    g_autoptr(GError) error = NULL;
    lc_registry *registry = lc_registry_new(&(lc_registry_options){.url = at}, &error);
    if (registry == NULL)
        fail_msg("%s", error->message);
    return registry;
}

/* A registry that has just started may be slow, or not able to answer yet. */
static bool
is_for_later(GError **error)
{
    static int tries;
    if (!g_error_matches(*error, LC_ERROR, LC_ERROR_RETRY) || ++tries > 100)
        return false;
    g_clear_error(error);
    return true;
}

static bool
register_one(lc_registry *registry, const char *subject, const char *schema, uint32_t *id, GError **error)
{
    const lc_registry_entry entry = {subject, schema};
    while (!lc_registry_register(registry, &entry, 1, id, error))
        if (!is_for_later(error))
            return false;
    return true;
}

static uint32_t
register_schema(lc_registry *registry, const char *subject, const char *schema)
{
    g_autoptr(GError) error = NULL;
    uint32_t id = 0;
    if (!register_one(registry, subject, schema, &id, &error))
        fail_msg("%s", error->message);
    return id;
}

static void
fetch(lc_registry *registry, const uint32_t *ids, size_t n, lc_registry_answer *answers)
{
    g_autoptr(GError) error = NULL;
    while (!lc_registry_fetch(registry, ids, n, answers, &error))
        if (!is_for_later(&error))
            fail_msg("%s", error->message);
}

static void
what_is_registered_is_read_back_byte_for_byte(void **state)
{
    (void)state;
    g_autoptr(lc_registry) registry = registry_at(url);
    uint32_t ids[LC_SCHEMAS + 1];
    lc_registry_answer answers[LC_SCHEMAS + 1];
    for (int i = 0; i < LC_SCHEMAS; i++) {
        g_autofree char *subject = subject_of(lc_schema_record_name((lc_schema)i));
        ids[i] = register_schema(registry, subject, lc_schema_text((lc_schema)i));
        assert_int_equal(register_schema(registry, subject, lc_schema_text((lc_schema)i)), ids[i]);
    }
    ids[LC_SCHEMAS] = INT32_MAX;
    fetch(registry, ids, LC_SCHEMAS + 1, answers);
    assert_int_equal(answers[LC_SCHEMAS].verdict, LC_REGISTRY_NO);
    for (int i = 0; i < LC_SCHEMAS; i++) {
        assert_int_equal(answers[i].verdict, LC_REGISTRY_HAS);
        g_autoptr(lc_plan) plan = lc_plan_new(answers[i].schema, NULL);
        assert_non_null(plan);
        assert_int_equal(lc_plan_schema(plan), i);
        assert_string_equal(answers[i].schema, lc_schema_text((lc_schema)i));
        lc_registry_answer_clear(&answers[i]);
    }
}

static void
many_ids_are_asked_for_together(void **state)
{
    (void)state;
    g_autoptr(lc_registry) registry = registry_at(url);
    uint32_t ids[500];
    lc_registry_answer answers[500];
    for (size_t i = 0; i < G_N_ELEMENTS(ids); i++)
        ids[i] = UINT32_MAX - (uint32_t)i;
    fetch(registry, ids, G_N_ELEMENTS(ids), answers);
    for (size_t i = 0; i < G_N_ELEMENTS(ids); i++) {
        assert_int_equal(answers[i].verdict, LC_REGISTRY_NO);
        lc_registry_answer_clear(&answers[i]);
    }
}

static void
a_wrong_path_makes_no_record_bad(void **state)
{
    (void)state;
    g_autofree char *wrong = g_strconcat(url, "/nowhere", NULL);
    g_autoptr(lc_registry) registry = registry_at(wrong);
    uint32_t id = 1;
    lc_registry_answer answer;
    g_autoptr(GError) error = NULL;
    assert_false(lc_registry_fetch(registry, &id, 1, &answer, &error));
    assert_error(&error, LC_ERROR_RETRY, "registry.url with its path");
    const lc_registry_entry entry = {"x", lc_schema_text(LC_SCHEMA_LEAD_ERASED)};
    assert_false(lc_registry_register(registry, &entry, 1, &id, &error));
    assert_error(&error, LC_ERROR_RETRY, "registry.url with its path");
}

static void
what_is_no_schema_is_refused(void **state)
{
    (void)state;
    g_autoptr(lc_registry) registry = registry_at(url);
    g_autofree char *subject = subject_of("broken");
    uint32_t id;
    g_autoptr(GError) error = NULL;
    assert_false(register_one(registry, subject, "{\"type\":\"record\"}", &id, &error));
    assert_error(&error, LC_ERROR_CONFIG, "does not take our schema");
}

static void
set_compatibility(const char *subject, const char *level)
{
    g_autofree char *escaped = g_uri_escape_string(subject, NULL, FALSE);
    g_autofree char *where = g_strdup_printf("%s/config/%s", url, escaped);
    g_autofree char *body = g_strdup_printf("{\"compatibility\":\"%s\"}", level);
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/vnd.schemaregistry.v1+json");
    CURL *handle = curl_easy_init();
    FILE *nowhere = fopen("/dev/null", "w");
    curl_easy_setopt(handle, CURLOPT_URL, where);
    curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, "PUT");
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(handle, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, nowhere);
    assert_int_equal(curl_easy_perform(handle), CURLE_OK);
    curl_easy_cleanup(handle);
    curl_slist_free_all(headers);
    fclose(nowhere);
}

static void
an_incompatible_schema_is_refused_with_what_to_do(void **state)
{
    (void)state;
    g_autoptr(lc_registry) registry = registry_at(url);
    g_autofree char *subject = subject_of("compatible");
    uint32_t id;
    g_autoptr(GError) error = NULL;
    register_schema(registry, subject, "{\"type\":\"record\",\"name\":\"R\",\"fields\":[]}");
    set_compatibility(subject, "BACKWARD");
    assert_false(register_one(registry, subject,
                              "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"x\",\"type\":\"int\"}]}",
                              &id, &error));
    assert_error(&error, LC_ERROR_CONFIG, "not compatible");
}

int
main(void)
{
    url = g_getenv("LC_TEST_REGISTRY_URL");
    if (url == NULL) {
        printf("LC_TEST_REGISTRY_URL is not set: tests/run.sh starts a registry\n");
        return 77;
    }
    unique = g_uuid_string_random();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_registered_is_read_back_byte_for_byte),
        cmocka_unit_test(many_ids_are_asked_for_together),
        cmocka_unit_test(a_wrong_path_makes_no_record_bad),
        cmocka_unit_test(what_is_no_schema_is_refused),
        cmocka_unit_test(an_incompatible_schema_is_refused_with_what_to_do),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    g_free(unique);
    return failed;
}
