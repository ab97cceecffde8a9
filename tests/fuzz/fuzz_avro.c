/* fuzz_avro.c - any schema with any framed value is a record or an error. Input: the schema's text, a zero byte, the
 * value. A fact that is read and checked is written by our schema and read back the same. */
#include <leadclock/codec.h>

#include <jansson.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static lc_text
fact_json(GString *json, lc_text lead_id, const lc_fact *fact)
{
    lc_json_write_fact(json, lead_id, fact);
    return (lc_text){json->str, json->len};
}

static void
assert_read_back(lc_text lead_id, const lc_fact *fact, lc_arena *arena)
{
    lc_fact again;
    lc_text again_id;
    const char *defect;
    g_autoptr(GByteArray) body = g_byte_array_new();
    g_autoptr(GString) first = g_string_new(NULL);
    g_autoptr(GString) second = g_string_new(NULL);
    g_autoptr(lc_plan) plan = lc_plan_new(lc_schema_text(lc_fact_schema(fact->type)), NULL);
    lc_encode_fact(body, lead_id, fact);
    g_assert_true(lc_plan_read_fact(plan, body->data, body->len, arena, &again, &again_id, &defect, NULL));
    g_assert_null(defect);
    g_assert_true(lc_text_equal(fact_json(first, lead_id, fact), fact_json(second, again_id, &again)));
}

static void
read_as_fact(const lc_plan *plan, const uint8_t *body, size_t size, lc_arena *arena)
{
    lc_fact fact;
    lc_text lead_id;
    const char *defect = NULL;
    g_autoptr(GError) error = NULL;
    bool good = lc_plan_read_fact(plan, body, size, arena, &fact, &lead_id, &defect, &error);
    g_assert_true(good == (error == NULL));
    if (good && defect == NULL && lc_lead_id_check(lead_id, NULL) && lc_fact_check(&fact, LC_ABSENT, 0, NULL))
        assert_read_back(lead_id, &fact, arena);
}

static void
read_as_json(const lc_plan *plan, const uint8_t *body, size_t size)
{
    g_autoptr(GString) json = g_string_new(NULL);
    if (!lc_plan_read_json(plan, body, size, json, NULL))
        return;
    json_error_t wrong;
    json_t *parsed = json_loadb(json->str, json->len, JSON_ALLOW_NUL, &wrong);
    /* valid JSON, but jansson can't hold such a key */
    g_assert_true(parsed || json_error_code(&wrong) == json_error_null_byte_in_key);
    json_decref(parsed);
}

static void
read_value(const lc_plan *plan, const uint8_t *value, size_t size)
{
    static lc_arena arena;
    uint32_t id;
    lc_text text;
    lc_instant wake_at;
    lc_lead lead;
    int32_t cohort, partition;
    lc_metric_count *counts;
    size_t n_counts;
    if (lc_frame_read(value, size, &id)) {
        const uint8_t *body = value + LC_FRAME_BYTES;
        size -= LC_FRAME_BYTES;
        read_as_fact(plan, body, size, &arena);
        read_as_json(plan, body, size);
        lc_plan_read_lead(plan, body, size, &arena, &lead, NULL);
        lc_plan_peek_lead(plan, body, size, &text, &wake_at, NULL);
        lc_plan_read_counters(plan, body, size, &arena, &text, &cohort, &partition, &counts, &n_counts, NULL);
    }
    lc_arena_reset(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size ? memchr(data, 0, size) : NULL;
    if (end == NULL)
        return 0;
    g_autoptr(GError) error = NULL;
    g_autoptr(lc_plan) plan = lc_plan_new((const char *)data, &error);
    g_assert_true((plan == NULL) == (error != NULL));
    if (plan)
        read_value(plan, end + 1, size - (size_t)(end + 1 - data));
    return 0;
}
