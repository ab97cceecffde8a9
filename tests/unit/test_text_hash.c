/* The hash of texts: whoever chooses texts can't choose where they go. */
#include <leadclock/codec.h>
#include <leadclock/text.h>

#include "asserting.h"
#include "random.h"

#include <time.h>

#define WORST_TEXTS 51200
#define ATTRIBUTES_A_FACT LC_MAX_ATTRIBUTES
#define FACTS (WORST_TEXTS / ATTRIBUTES_A_FACT)
#define TEXT_BYTES 16
#define TOP_BITS ((uint64_t)0x8080808080808080u)

/* ---- Texts that collide ---- */

#define OLD_FACTOR 0x9e3779b97f4a7c15u

static uint64_t
old_step(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * OLD_FACTOR;
    return hash ^ hash >> 32;
}

static bool
is_ascii(uint64_t word)
{
    return (word & TOP_BITS) == 0;
}

/* Texts of two words that all had one value of the hash that was here before: its seed was always 0, so that from the
 * first word follows which second word takes the hash back to one place. Only ASCII, as a publisher may send it. */
static void
make_colliding(lc_random *random, char (*texts)[TEXT_BYTES])
{
    const uint64_t place = lc_random_next(random);
    for (size_t n = 0; n < WORST_TEXTS;) {
        uint64_t first = lc_random_next(random) & ~TOP_BITS;
        uint64_t second = old_step(TEXT_BYTES, first) ^ place;
        if (!is_ascii(second))
            continue;
        memcpy(texts[n], &first, sizeof first);
        memcpy(texts[n++] + sizeof first, &second, sizeof second);
    }
}

static void
make_ordinary(lc_random *random, char (*texts)[TEXT_BYTES])
{
    for (size_t n = 0; n < WORST_TEXTS; n++)
        for (size_t i = 0; i < TEXT_BYTES; i++)
            texts[n][i] = (char)(' ' + lc_random_below(random, 95));
}

/* ---- What they cost ---- */

static double
seconds_on_core(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* A lead whose hand-offs have these texts as values of their attributes. */
static double
seconds_to_encode(char (*texts)[TEXT_BYTES])
{
    static lc_attribute attributes[FACTS][ATTRIBUTES_A_FACT];
    static lc_fact facts[FACTS];
    lc_lead lead = {.id = LC_TEXT("7"),
                    .judged_at = LC_ABSENT,
                    .wake_at = LC_NEVER,
                    .erased_at = LC_ABSENT,
                    .facts = facts,
                    .n_facts = FACTS};
    g_autoptr(GByteArray) body = g_byte_array_new();
    for (size_t i = 0; i < WORST_TEXTS; i++)
        attributes[i / ATTRIBUTES_A_FACT][i % ATTRIBUTES_A_FACT] = (lc_attribute){LC_TEXT("a"), {texts[i], TEXT_BYTES}};
    for (size_t i = 0; i < FACTS; i++)
        facts[i] = (lc_fact){.event_id = LC_TEXT("e"),
                             .occurred_at = 1,
                             .recorded_at = LC_ABSENT,
                             .follow_up_at = LC_ABSENT,
                             .until = LC_ABSENT,
                             .attributes = attributes[i],
                             .n_attributes = ATTRIBUTES_A_FACT};
    double began = seconds_on_core();
    lc_encode_lead(body, &lead);
    return seconds_on_core() - began;
}

static void
texts_made_to_collide_cost_as_much_as_others(void **state)
{
    (void)state;
    static char texts[WORST_TEXTS][TEXT_BYTES];
    lc_random random = {1};
    double ordinary = 1, worst = 1;
    for (int i = 0; i < 3; i++) {
        make_ordinary(&random, texts);
        ordinary = MIN(ordinary, seconds_to_encode(texts));
        make_colliding(&random, texts);
        worst = MIN(worst, seconds_to_encode(texts));
    }
    print_message("a lead with %d texts that collided before: %.1f ms; with ordinary ones: %.1f ms\n", WORST_TEXTS,
                  worst * 1e3, ordinary * 1e3);
    assert_true(worst < 10 * ordinary);
}

/* ---- What it tells apart ---- */

static void
every_byte_and_the_size_count(void **state)
{
    (void)state;
    static const char zeros[40] = {0};
    char text[40] = {0};
    for (size_t size = 0; size < sizeof text; size++) {
        assert_true(lc_text_hash(0, (lc_text){zeros, size}) != lc_text_hash(0, (lc_text){zeros, size + 1}));
        for (size_t i = 0; i < size; i++) {
            text[i] = 1;
            assert_true(lc_text_hash(0, (lc_text){text, size}) != lc_text_hash(0, (lc_text){zeros, size}));
            text[i] = 0;
        }
    }
}

/* Two words changed so that the second takes back what the first did, for whatever keys: that worked before. */
static void
no_change_takes_another_back(void **state)
{
    (void)state;
    const uint64_t first_change = (uint64_t)1 << 63, second_change = (uint64_t)1 << 63 | (uint64_t)1 << 31;
    uint64_t words[2] = {0x6161616161616161, 0x6262626262626262};
    uint64_t changed[2] = {words[0] ^ first_change, words[1] ^ second_change};
    assert_true(old_step(old_step(7, words[0]), words[1]) == old_step(old_step(7, changed[0]), changed[1]));
    for (uint64_t seed = 0; seed < 1000; seed++) {
        lc_text_hash_set_keys(seed);
        assert_true(lc_text_hash(0, (lc_text){(char *)words, sizeof words}) !=
                    lc_text_hash(0, (lc_text){(char *)changed, sizeof changed}));
    }
}

/* Of 1,000 texts in 65,536 slots some 8 pairs share one. */
static void
low_bits_are_as_good_as_others(void **state)
{
    (void)state;
    static uint16_t taken[65536];
    unsigned collisions = 0;
    lc_text_hash_set_keys(3);
    for (int i = 0; i < 1000; i++) {
        char text[16];
        int size = g_snprintf(text, sizeof text, "lead-%d", i);
        collisions += taken[lc_text_hash(0, (lc_text){text, (size_t)size}) & 65535]++;
    }
    assert_true(collisions < 40);
}

static void
keys_are_random(void **state)
{
    (void)state;
    assert_true(lc_text_hash_keys[0] != 0 && lc_text_hash_keys[1] > 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_random), /* the first: others set them */
        cmocka_unit_test(texts_made_to_collide_cost_as_much_as_others),
        cmocka_unit_test(every_byte_and_the_size_count),
        cmocka_unit_test(no_change_takes_another_back),
        cmocka_unit_test(low_bits_are_as_good_as_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
