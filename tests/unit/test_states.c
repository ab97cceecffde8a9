/* States that other versions wrote are read: tests/states/NAME.avsc is the schema that a version had, NAME.jsonl has
 * states that it wrote, and what it read in them. What is there never changes; a version whose schema differs adds its
 * own. */
#include <leadclock/codec.h>

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define STATES LC_SOURCE_DIR "/tests/states/"

static json_t *
lead_as_json(const lc_lead *lead)
{
    json_t *facts = json_array();
    for (size_t i = 0; i < lead->n_facts; i++) {
        g_autoptr(GString) fact = g_string_new(NULL);
        lc_json_write_fact(fact, lead->id, &lead->facts[i]);
        json_array_append_new(facts, json_loadb(fact->str, fact->len, JSON_ALLOW_NUL, NULL));
    }
    return json_pack("{s:s%, s:I, s:I, s:I, s:o}", "lead_id", lead->id.data, lead->id.size, "wake_at",
                     (json_int_t)lead->wake_at, "judged_at", (json_int_t)lead->judged_at, "erased_at",
                     (json_int_t)lead->erased_at, "facts", facts);
}

/* It says the same when it is written by this version and read again. */
static void
check_written_anew(const lc_lead *lead, const json_t *expected)
{
    lc_arena arena = {0};
    lc_lead again;
    g_autoptr(lc_plan) plan = lc_plan_new(lc_schema_text(LC_SCHEMA_LEAD_STATE), NULL);
    g_autoptr(GByteArray) body = g_byte_array_new();
    lc_encode_lead(body, lead);
    assert_true(lc_plan_read_lead(plan, body->data, body->len, &arena, &again, NULL));
    json_t *read = lead_as_json(&again);
    assert_true(json_equal(read, (json_t *)expected));
    json_decref(read);
    lc_arena_clear(&arena);
}

static void
check_state(const lc_plan *plan, const char *line)
{
    json_t *kept = json_loads(line, 0, NULL), *expected = json_object_get(kept, "lead");
    gsize size;
    g_autofree guchar *body = g_base64_decode(json_string_value(json_object_get(kept, "body")), &size);
    g_autoptr(GError) error = NULL;
    lc_arena arena = {0};
    lc_lead lead;
    if (!lc_plan_read_lead(plan, body, size, &arena, &lead, &error))
        fail_msg("%s: %s", line, error->message);
    json_t *read = lead_as_json(&lead);
    if (!json_equal(read, expected)) {
        g_autofree char *text = json_dumps(read, 0);
        fail_msg("%s: read as %s", line, text);
    }
    check_written_anew(&lead, expected);
    json_decref(read);
    json_decref(kept);
    lc_arena_clear(&arena);
}

static void
check_version(const char *schema_path, const char *states_path)
{
    g_autofree char *schema = NULL, *states = NULL;
    g_autoptr(GError) error = NULL;
    assert_true(g_file_get_contents(schema_path, &schema, NULL, NULL));
    assert_true(g_file_get_contents(states_path, &states, NULL, NULL));
    g_autoptr(lc_plan) plan = lc_plan_new(schema, &error);
    assert_non_null(plan);
    g_auto(GStrv) lines = g_strsplit(states, "\n", -1);
    for (char **line = lines; *line && **line; line++)
        check_state(plan, *line);
    assert_true(lines[0] && *lines[0]);
}

static void
states_of_the_first_edition_are_read(void **state)
{
    (void)state;
    check_version(STATES "first.avsc", STATES "first.jsonl");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_of_the_first_edition_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
