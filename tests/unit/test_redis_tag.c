/* Hash tags: every partition's keys lie in its own share of the slots, so any cluster shares the load evenly. */
#include <leadclock/redis.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* The specification's other form of the same CRC: by bytes, without a table, so a slip in ours does not repeat here. */
static unsigned
crc16(const char *text)
{
    unsigned crc = 0;

    for (; *text; text++) {
        crc = ((crc >> 8) | (crc << 8)) & 0xffff;
        crc ^= (unsigned char)*text;
        crc ^= (crc & 0xff) >> 4;
        crc ^= (crc << 12) & 0xffff;
        crc ^= ((crc & 0xff) << 5) & 0xffff;
    }
    return crc;
}

static void
the_reference_knows_the_published_vectors(void **state)
{
    static const struct {
        const char *text;
        unsigned crc;
    } cases[] = {{"123456789", 0x31c3}, {"", 0}, {"foo", 44950}, {"A", 0x58e5}};

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        assert_int_equal(crc16(cases[i].text), cases[i].crc);
}

static void
the_slot_of_each_partition_lies_in_its_share(void **state)
{
    (void)state;
    for (int32_t partitions = 1; partitions <= 64; partitions++)
        for (int32_t p = 0; p < partitions; p++) {
            g_autofree char *tag = lc_redis_tag(p, partitions);
            unsigned slot = crc16(tag) % 16384;
            assert_true(slot >= (unsigned)p * 16384u / (unsigned)partitions);
            assert_true(slot < ((unsigned)p + 1) * 16384u / (unsigned)partitions);
        }
}

static void
a_tag_is_always_the_same(void **state)
{
    /* Written down: keys of yesterday must be found today. */
    static const struct {
        int32_t p, partitions;
        const char *tag;
    } cases[] = {{0, 1, "0-0"}, {0, 4, "0-0"}, {3, 4, "3-2"}, {11, 12, "11-1"}};

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *tag = lc_redis_tag(cases[i].p, cases[i].partitions);
        assert_string_equal(tag, cases[i].tag);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reference_knows_the_published_vectors),
        cmocka_unit_test(the_slot_of_each_partition_lies_in_its_share),
        cmocka_unit_test(a_tag_is_always_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
