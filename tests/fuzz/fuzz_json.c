/* fuzz_json.c - any text is a fact or an error that says what it is about; a fact that was read is written and read
 * back the same, is the same whatever would stand in, and within a CloudEvent. Input: the text, and where a zero byte
 * follows, what stands in: type, id, time and subject, with zero bytes between. */
#include <leadclock/codec.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
read_text(lc_text text, const lc_stand_ins *stand_ins, lc_arena *arena, lc_json_fact *read, lc_json_problem *problem)
{
    g_autoptr(GError) error = NULL;
    bool good = lc_json_read(text.data, text.size, stand_ins, arena, read, problem, &error);
    g_assert_true(good == (error == NULL));
    if (good)
        return true;
    g_assert_true(g_error_matches(error, LC_ERROR, LC_ERROR_RECORD));
    g_assert_true(problem->fault <= LC_JSON_NO_FACT);
    g_assert_true((problem->field == NULL) == (problem->fault == LC_JSON_NO_JSON));
    return false;
}

static GString *
written(const lc_json_fact *read)
{
    GString *json = g_string_new(NULL);
    lc_json_write_fact(json, read->lead_id, &read->fact);
    return json;
}

static void
assert_same(const lc_json_fact *first, lc_text text, const lc_stand_ins *stand_ins, lc_arena *arena)
{
    lc_json_fact again;
    lc_json_problem problem;
    g_assert_true(read_text(text, stand_ins, arena, &again, &problem));
    g_autoptr(GString) json = written(first), json_again = written(&again);
    g_assert_true(g_string_equal(json, json_again));
}

/* All of it is said in the fact itself. */
static void
assert_same_in_every_form(const lc_json_fact *first, lc_arena *arena)
{
    static const lc_stand_ins others = {LC_TEXT("LeadErased"), LC_TEXT("x"), LC_TEXT("noon"), LC_TEXT("")};
    g_autoptr(GString) json = written(first), event = g_string_new("{\"data\":");
    g_string_append_printf(event, "%s,\"id\":\"\\u0000\",\"type\":\"x\",\"specversion\":\"1.0\"}", json->str);
    assert_same(first, (lc_text){json->str, json->len}, NULL, arena);
    assert_same(first, (lc_text){json->str, json->len}, &others, arena);
    assert_same(first, (lc_text){event->str, event->len}, &others, arena);
}

/* A line of the backtest is read as a text where nothing stands in. */
static void
assert_same_as_line(lc_text text, bool good, const lc_json_fact *read, lc_arena *arena)
{
    lc_json_fact line;
    g_autoptr(GError) error = NULL;
    g_assert_true(good ==
                  lc_json_read_fact(text.data, text.size, arena, &line.fact, &line.lead_id, &line.arrived_at, &error));
    g_assert_true(!good || lc_text_equal(line.lead_id, read->lead_id));
}

/* What is before the next zero byte, which it drops; absent where nothing is left. */
static lc_text
take(lc_text *rest)
{
    const char *end = rest->data ? memchr(rest->data, '\0', rest->size) : NULL;
    lc_text taken = end ? (lc_text){rest->data, (size_t)(end - rest->data)} : *rest;
    *rest = end ? (lc_text){end + 1, rest->size - taken.size - 1} : LC_NO_TEXT;
    return taken;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lc_arena arena = {0};
    lc_text rest = {(const char *)data, size}, text = take(&rest);
    bool stand_in = !lc_text_is_absent(rest);
    lc_stand_ins stand_ins;
    stand_ins.type = take(&rest);
    stand_ins.event_id = take(&rest);
    stand_ins.occurred_at = take(&rest);
    stand_ins.lead_id = take(&rest);
    lc_json_fact read;
    lc_json_problem problem;
    bool good = read_text(text, stand_in ? &stand_ins : NULL, &arena, &read, &problem);
    if (good)
        assert_same_in_every_form(&read, &arena);
    if (!stand_in)
        assert_same_as_line(text, good, &read, &arena);
    lc_arena_clear(&arena);
    return 0;
}
