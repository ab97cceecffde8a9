/* fuzz_container.c - any bytes are an Avro file of facts, read to its end, or an error. */
#include <leadclock/codec.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GError) refused = NULL;
    g_autoptr(lc_container) container = lc_container_new(data, size, &refused);
    g_assert_true((container == NULL) == (refused != NULL));
    lc_container_result result = LC_CONTAINER_FACT;
    while (container && (result == LC_CONTAINER_FACT || result == LC_CONTAINER_BAD)) {
        g_autoptr(GError) error = NULL;
        lc_fact fact;
        lc_text lead_id;
        lc_instant arrived_at;
        result = lc_container_next(container, &fact, &lead_id, &arrived_at, &error);
        g_assert_true((error != NULL) == (result == LC_CONTAINER_BAD || result == LC_CONTAINER_BROKEN));
        g_assert_true(lc_container_position(container) <= size);
    }
    return 0;
}
