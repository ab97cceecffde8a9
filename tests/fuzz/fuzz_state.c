/* fuzz_state.c - any stored bytes are a lead or an error; a lead that is read is written and read back the same. */
#include <leadclock/codec.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static lc_plan *plan;
    if (plan == NULL)
        plan = lc_plan_new(lc_schema_text(LC_SCHEMA_LEAD_STATE), NULL);
    static lc_arena arena;
    lc_lead lead, again;
    lc_text lead_id;
    lc_instant wake_at;
    if (lc_plan_read_lead(plan, data, size, &arena, &lead, NULL)) {
        g_autoptr(GByteArray) first = g_byte_array_new();
        g_autoptr(GByteArray) second = g_byte_array_new();
        lc_encode_lead(first, &lead);
        g_assert_true(lc_plan_read_lead(plan, first->data, first->len, &arena, &again, NULL));
        g_assert_true(lc_plan_peek_lead(plan, first->data, first->len, &lead_id, &wake_at, NULL));
        g_assert_true(lc_text_equal(lead_id, lead.id) && wake_at == lead.wake_at);
        lc_encode_lead(second, &again);
        g_assert_true(first->len == second->len && memcmp(first->data, second->data, first->len) == 0);
    }
    lc_arena_reset(&arena);
    return 0;
}
