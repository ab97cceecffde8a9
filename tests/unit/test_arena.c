/* The arena: what it gives is whole until it is reset, and batches of the same kind don't make it grow. */
#include <leadclock/base.h>

#include "asserting.h"
#include "random.h"

#define ALLOCATIONS 3000
#define BATCHES 200
#define MIXED_BYTES (2 * LC_ARENA_LARGE_BYTES)

static size_t
bytes_of(const lc_arena_chunk *chunk)
{
    size_t bytes = 0;

    for (; chunk; chunk = chunk->next)
        bytes += chunk->size;
    return bytes;
}

static size_t
taken(const lc_arena *arena)
{
    return bytes_of(arena->first) + bytes_of(arena->large) + bytes_of(arena->spare);
}

static void
nothing_overlaps(void **state)
{
    lc_random random = {1};
    lc_arena arena = {0};
    unsigned char *given[ALLOCATIONS];
    size_t sizes[ALLOCATIONS];

    (void)state;
    for (int round = 0; round < 3; round++, lc_arena_reset(&arena)) {
        for (size_t i = 0; i < ALLOCATIONS; i++) {
            sizes[i] = (size_t)lc_random_below(&random, i % 100 ? 300 : MIXED_BYTES);
            given[i] = lc_arena_alloc(&arena, sizes[i]);
            assert_int_equal((uintptr_t)given[i] % LC_ARENA_ALIGNMENT, 0);
            memset(given[i], (int)(i % 251), sizes[i]);
        }
        for (size_t i = 0; i < ALLOCATIONS; i++)
            for (size_t k = 0; k < sizes[i]; k++)
                assert_int_equal(given[i][k], i % 251);
    }
    lc_arena_clear(&arena);
}

/* Some large arrays between many small things, in other sizes each time. */
static size_t
take_batch(lc_arena *arena, lc_random *random)
{
    size_t bytes = 0;

    for (size_t i = 0; i < ALLOCATIONS; i++) {
        size_t size = i % 500 == 0 ? LC_ARENA_CHUNK_BYTES + (size_t)lc_random_below(random, LC_ARENA_CHUNK_BYTES) : 640;
        lc_arena_alloc(arena, size);
        bytes += size;
    }
    return bytes;
}

static void
batches_of_one_kind_do_not_make_it_grow(void **state)
{
    lc_random random = {1};
    lc_arena arena = {0};
    size_t most = 0;

    (void)state;
    for (int i = 0; i < BATCHES; i++) {
        lc_arena_reset(&arena);
        size_t bytes = take_batch(&arena, &random);
        most = MAX(most, bytes);
        assert_true(taken(&arena) < most + most / 2);
    }
    lc_arena_clear(&arena);
}

static void
what_was_large_once_is_given_back(void **state)
{
    lc_arena arena = {0};

    (void)state;
    lc_arena_alloc(&arena, 1);
    size_t before = taken(&arena);
    lc_arena_alloc(&arena, 64 * LC_ARENA_CHUNK_BYTES);
    assert_true(taken(&arena) > 64 * LC_ARENA_CHUNK_BYTES);
    lc_arena_reset(&arena);
    lc_arena_reset(&arena);
    assert_int_equal(taken(&arena), before);
    lc_arena_clear(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_overlaps),
        cmocka_unit_test(batches_of_one_kind_do_not_make_it_grow),
        cmocka_unit_test(what_was_large_once_is_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
