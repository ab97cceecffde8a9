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

static uint32_t
register_schema(lc_registry *registry, const char *subject, const char *schema)
{
    g_autoptr(GError) error = NULL;
    uint32_t id;
    /* a registry that has just started may take longer than we wait */
    for (int tries = 0; tries < 20; tries++) {
        if (lc_registry_register(registry, subject, schema, &id, &error))
            return id;
        if (!g_error_matches(error, LC_ERROR, LC_ERROR_RETRY))
            break;
        g_clear_error(&error);
    }
    fail_msg("%s", error ? error->message : "no answer");
    return 0;
}

static void
what_is_registered_is_read_back_byte_for_byte(void **state)
{
    (void)state;
    g_autoptr(lc_registry) registry = registry_at(url);
    uint32_t ids[LC_SCHEMAS + 1];
    char *schemas[LC_SCHEMAS + 1];
    for (int i = 0; i < LC_SCHEMAS; i++) {
        g_autofree char *subject = subject_of(lc_schema_record_name((lc_schema)i));
        ids[i] = register_schema(registry, subject, lc_schema_text((lc_schema)i));
        assert_int_equal(register_schema(registry, subject, lc_schema_text((lc_schema)i)), ids[i]);
    }
    ids[LC_SCHEMAS] = INT32_MAX;
    assert_true(lc_registry_fetch(registry, ids, LC_SCHEMAS + 1, schemas, NULL));
    assert_null(schemas[LC_SCHEMAS]);
    for (int i = 0; i < LC_SCHEMAS; i++) {
        g_autoptr(lc_plan) plan = lc_plan_new(schemas[i], NULL);
        assert_non_null(plan);
        assert_int_equal(lc_plan_schema(plan), i);
        assert_string_equal(schemas[i], lc_schema_text((lc_schema)i));
        g_free(schemas[i]);
    }
}

static void
many_ids_are_asked_for_together(void **state)
{
    (void)state;
    g_autoptr(lc_registry) registry = registry_at(url);
    uint32_t ids[500];
    char *schemas[500];
    g_autoptr(GError) error = NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(ids); i++)
        ids[i] = INT32_MAX - (uint32_t)i;
    if (!lc_registry_fetch(registry, ids, G_N_ELEMENTS(ids), schemas, &error))
        fail_msg("%s", error->message);
    for (size_t i = 0; i < G_N_ELEMENTS(ids); i++)
        assert_null(schemas[i]);
}

static void
a_wrong_path_makes_no_record_bad(void **state)
{
    (void)state;
    g_autofree char *wrong = g_strconcat(url, "/nowhere", NULL);
    g_autoptr(lc_registry) registry = registry_at(wrong);
    uint32_t id = 1;
    char *schema;
    g_autoptr(GError) error = NULL;
    assert_false(lc_registry_fetch(registry, &id, 1, &schema, &error));
    assert_error(&error, LC_ERROR_RETRY, "registry.url with its path");
    assert_false(lc_registry_register(registry, "x", lc_schema_text(LC_SCHEMA_LEAD_ERASED), &id, &error));
    assert_error(&error, LC_ERROR_CONFIG, "registry.url with its path");
}

static void
what_is_no_schema_is_refused(void **state)
{
    (void)state;
    g_autoptr(lc_registry) registry = registry_at(url);
    g_autofree char *subject = subject_of("broken");
    uint32_t id;
    g_autoptr(GError) error = NULL;
    assert_false(lc_registry_register(registry, subject, "{\"type\":\"record\"}", &id, &error));
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
    assert_false(lc_registry_register(
        registry, subject, "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"x\",\"type\":\"int\"}]}", &id,
        &error));
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
