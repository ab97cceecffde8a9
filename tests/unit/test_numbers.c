/* Numbers in decimal: as printf writes them. */
#include <leadclock/text.h>

#include "asserting.h"
#include "random.h"

#include <inttypes.h>

#define NUMBERS 200000

static void
check(int64_t number)
{
    char wanted[32], found[LC_NUMBER_BYTES + 1];
    snprintf(wanted, sizeof wanted, "%" PRId64, number);
    found[LC_NUMBER_BYTES] = 'x';
    char *end = lc_put_number(found, number);
    assert_int_equal(end - found, strlen(wanted));
    assert_memory_equal(found, wanted, strlen(wanted));
    assert_int_equal(found[LC_NUMBER_BYTES], 'x');
}

static void
ends_and_powers_of_ten(void **unused)
{
    (void)unused;
    check(0);
    check(INT64_MIN);
    check(INT64_MAX);
    for (int64_t power = 1; power <= INT64_MAX / 10; power *= 10)
        for (int64_t near = -1; near <= 1; near++) {
            check(power + near);
            check(-power + near);
        }
}

/* Of every length. */
static void
numbers_by_chance(void **unused)
{
    (void)unused;
    lc_random random = {.state = 20260130};
    for (int i = 0; i < NUMBERS; i++)
        check((int64_t)lc_random_next(&random) >> lc_random_below(&random, 64));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends_and_powers_of_ten),
        cmocka_unit_test(numbers_by_chance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
