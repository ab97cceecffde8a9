/* fuzz_json.c - any line is a fact or an error; a fact that was read is written and read back the same. */
#include <leadclock/codec.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
    lc_fact fact;
    lc_text lead_id;
    lc_instant arrived_at;
} line;

static bool
read_line(const char *text, size_t size, lc_arena *arena, line *read)
{
    g_autoptr(GError) error = NULL;
    bool good = lc_json_read_fact(text, size, arena, &read->fact, &read->lead_id, &read->arrived_at, &error);
    g_assert_true(good == (error == NULL));
    return good;
}

static void
assert_read_back(const line *first, lc_arena *arena)
{
    line again;
    g_autoptr(GString) json = g_string_new(NULL), json_again = g_string_new(NULL);
    lc_json_write_fact(json, first->lead_id, &first->fact);
    g_assert_true(read_line(json->str, json->len, arena, &again));
    lc_json_write_fact(json_again, again.lead_id, &again.fact);
    g_assert_true(g_string_equal(json, json_again));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lc_arena arena = {0};
    line read;
    if (read_line((const char *)data, size, &arena, &read))
        assert_read_back(&read, &arena);
    lc_arena_clear(&arena);
    return 0;
}
