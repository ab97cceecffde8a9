/* The cache of leads: what was kept last is found, as long as there is room, and in its term only. */
#include "lead_cache.h"
#include "random.h"

#include <leadclock/text.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MANY_BYTES 100000

static lc_text
text_of(char *buffer, size_t size, const char *prefix, unsigned number)
{
    return (lc_text){buffer, (size_t)g_snprintf(buffer, (gulong)size, "%s%u", prefix, number)};
}

static void
assert_known(const lc_lead_cache *cache, uint32_t term, const char *id, const char *state)
{
    lc_text found;

    assert_true(lc_lead_cache_find(cache, term, lc_text_of(id), &found));
    assert_true(lc_text_equal(found, lc_text_of(state)));
}

static void
assert_unknown(const lc_lead_cache *cache, uint32_t term, const char *id)
{
    lc_text found;

    assert_false(lc_lead_cache_find(cache, term, lc_text_of(id), &found));
}

static void
what_was_kept_last_is_known(void **unused)
{
    (void)unused;
    lc_lead_cache *cache = lc_lead_cache_new(4096);
    uint32_t term = lc_lead_cache_begin(cache);

    assert_unknown(cache, term, "a");
    lc_lead_cache_keep(cache, term, LC_TEXT("a"), LC_TEXT("one"));
    lc_lead_cache_keep(cache, term, LC_TEXT("b"), LC_TEXT(""));
    assert_known(cache, term, "a", "one");
    assert_known(cache, term, "b", "");
    lc_lead_cache_keep(cache, term, LC_TEXT("a"), LC_TEXT("two, longer"));
    assert_known(cache, term, "a", "two, longer");
    lc_lead_cache_keep(cache, term, LC_TEXT("a"), LC_NO_TEXT);
    assert_known(cache, term, "a", NULL);
    assert_unknown(cache, term, "c");
    lc_lead_cache_free(cache);
}

static void
another_term_knows_nothing_of_it(void **unused)
{
    (void)unused;
    lc_lead_cache *cache = lc_lead_cache_new(4096);
    uint32_t one = lc_lead_cache_begin(cache), other = lc_lead_cache_begin(cache);

    lc_lead_cache_keep(cache, one, LC_TEXT("a"), LC_TEXT("of one"));
    lc_lead_cache_keep(cache, other, LC_TEXT("b"), LC_TEXT("of the other"));
    assert_unknown(cache, other, "a");
    assert_known(cache, one, "a", "of one");
    lc_lead_cache_keep(cache, other, LC_TEXT("a"), LC_TEXT("anew"));
    assert_unknown(cache, one, "a");
    assert_known(cache, other, "a", "anew");
    assert_known(cache, other, "b", "of the other");
    lc_lead_cache_free(cache);
}

static void
one_that_is_too_large_is_not_known_as_it_was_before(void **unused)
{
    (void)unused;
    g_autofree char *large = g_strnfill(2048, 'x');
    lc_lead_cache *cache = lc_lead_cache_new(4096);
    uint32_t term = lc_lead_cache_begin(cache);

    lc_lead_cache_keep(cache, term, LC_TEXT("a"), LC_TEXT("small"));
    lc_lead_cache_keep(cache, term, LC_TEXT("a"), lc_text_of(large));
    assert_unknown(cache, term, "a");
    lc_lead_cache_keep(cache, term, LC_TEXT("a"), LC_TEXT("small again"));
    assert_known(cache, term, "a", "small again");
    lc_lead_cache_free(cache);
}

static void
too_little_keeps_nothing(void **unused)
{
    (void)unused;
    lc_lead_cache *cache = lc_lead_cache_new(LC_LEAD_CACHE_LEAST - 1);
    uint32_t term = lc_lead_cache_begin(cache);

    lc_lead_cache_keep(cache, term, LC_TEXT("a"), LC_TEXT("one"));
    assert_unknown(cache, term, "a");
    assert_int_equal(lc_lead_cache_bytes(cache), 0);
    lc_lead_cache_free(cache);
}

/* Ids in the order in which they were kept last: the last one is known, and none as it was before. */
static void
check_known(const lc_lead_cache *cache, uint32_t term, const GArray *last, GHashTable *states)
{
    for (guint i = 0; i < last->len; i++) {
        unsigned number = g_array_index(last, unsigned, i);
        char buffer[32];
        lc_text found;
        bool is_known = lc_lead_cache_find(cache, term, text_of(buffer, sizeof buffer, "lead-", number), &found);
        assert_true(is_known || i + 1 < last->len);
        if (!is_known)
            continue;
        const char *state = g_hash_table_lookup(states, GUINT_TO_POINTER(number + 1));
        assert_true(lc_text_equal(found, lc_text_of(state)));
    }
}

static void
keep_any(lc_lead_cache *cache, uint32_t term, sim_random *random, GArray *last, GHashTable *states)
{
    unsigned number = sim_random_below(random, 120);
    g_autofree char *state = g_strnfill(sim_random_below(random, 200), (char)('a' + sim_random_below(random, 26)));
    char buffer[32];

    lc_lead_cache_keep(cache, term, text_of(buffer, sizeof buffer, "lead-", number), lc_text_of(state));
    for (guint i = 0; i < last->len; i++)
        if (g_array_index(last, unsigned, i) == number) {
            g_array_remove_index(last, i);
            break;
        }
    g_array_append_val(last, number);
    g_hash_table_insert(states, GUINT_TO_POINTER(number + 1), g_steal_pointer(&state));
}

static void
what_is_known_is_never_old(void **unused)
{
    (void)unused;
    sim_random random = {20};

    for (size_t bytes = 2048; bytes < 40000; bytes = bytes * 3 / 2 + 7) {
        lc_lead_cache *cache = lc_lead_cache_new(bytes);
        uint32_t term = lc_lead_cache_begin(cache);
        g_autoptr(GArray) last = g_array_new(FALSE, FALSE, sizeof(unsigned));
        g_autoptr(GHashTable) states = g_hash_table_new_full(NULL, NULL, NULL, g_free);
        for (unsigned i = 0; i < 600; i++) {
            keep_any(cache, term, &random, last, states);
            assert_true(lc_lead_cache_bytes(cache) <= bytes);
            check_known(cache, term, last, states);
        }
        lc_lead_cache_free(cache);
    }
}

/* Each takes 128 bytes with its head and its id; some lines of the index are full before. */
static void
there_is_room_for_as_many_as_the_bytes_say(void **unused)
{
    (void)unused;
    g_autofree char *state = g_strnfill(100, 's');
    lc_lead_cache *cache = lc_lead_cache_new(MANY_BYTES);
    uint32_t term = lc_lead_cache_begin(cache);
    char buffer[32];
    lc_text found;
    unsigned n = 0;

    for (unsigned i = 0; i < 2 * MANY_BYTES / 128; i++)
        lc_lead_cache_keep(cache, term, text_of(buffer, sizeof buffer, "id-", 1000000 + i), lc_text_of(state));
    for (unsigned i = 0; i < 2 * MANY_BYTES / 128; i++)
        n += lc_lead_cache_find(cache, term, text_of(buffer, sizeof buffer, "id-", 1000000 + i), &found);
    assert_in_range(n, MANY_BYTES / 128 * 3 / 4, MANY_BYTES / 16 * 15 / 128);
    lc_lead_cache_free(cache);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_kept_last_is_known),
        cmocka_unit_test(another_term_knows_nothing_of_it),
        cmocka_unit_test(one_that_is_too_large_is_not_known_as_it_was_before),
        cmocka_unit_test(too_little_keeps_nothing),
        cmocka_unit_test(there_is_room_for_as_many_as_the_bytes_say),
        cmocka_unit_test(what_is_known_is_never_old),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
