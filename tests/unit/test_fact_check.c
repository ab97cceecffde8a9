/* test_fact_check.c - what makes a fact valid, by type and field. */
#include <leadclock/codec.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const lc_fact good = {
    .type = LC_FACT_CREATED,
    .event_id = {"e", 1},
    .occurred_at = 1767291907682,
    .recorded_at = LC_ABSENT,
    .follow_up_at = LC_ABSENT,
    .until = LC_ABSENT,
    .channel = {"demo", 4},
};

static void
text_is_utf8_as_rfc_3629_says(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        bool valid;
    } cases[] = {
        {"", 0, true},
        {"a\0b", 3, true},
        {"plain ascii, longer than a word", 31, true},
        {"\xc3\xa5", 2, true},
        {"\xe2\x82\xac", 3, true},
        {"\xf0\x9f\x98\x80", 4, true},
        {"\xf4\x8f\xbf\xbf", 4, true},
        {"12345678\xc3\xa5", 10, true},
        {"\x80", 1, false},
        {"\xc0\xaf", 2, false},
        {"\xc1\xbf", 2, false},
        {"\xc3", 1, false},
        {"\xe0\x9f\xbf", 3, false},
        {"\xed\xa0\x80", 3, false},
        {"\xe2\x82", 2, false},
        {"\xf0\x8f\xbf\xbf", 4, false},
        {"\xf4\x90\x80\x80", 4, false},
        {"\xf5\x80\x80\x80", 4, false},
        {"12345678\xff", 9, false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        if (lc_text_is_utf8((lc_text){cases[i].bytes, cases[i].size}) != cases[i].valid)
            fail_msg("case %zu", i);
    }
}

static void
json_text_is_escaped_and_bytes_that_are_no_utf8_are_replaced(void **state)
{
    (void)state;
    static const struct {
        lc_text text;
        const char *json;
    } cases[] = {
        {{"", 0}, "\"\""},
        {{"a\"b\\c/", 6}, "\"a\\\"b\\\\c/\""},
        {{"\0\n\x1f\x7f", 4}, "\"\\u0000\\u000a\\u001f\x7f\""},
        {{"\xc3\xa5\xff\xe2\x82.", 6}, "\"\xc3\xa5\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd.\""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GString) json = g_string_new(NULL);
        lc_json_write_text(json, cases[i].text);
        assert_string_equal(json->str, cases[i].json);
    }
}

/* A text of `size` bytes, `byte` at `place` among plain ones, and exactly so much memory. */
static void
check_byte_in_text(size_t size, size_t place, uint8_t byte)
{
    g_autofree char *text = g_malloc(size);
    g_autoptr(GString) json = g_string_new("before"), expected = g_string_new("before\"");
    for (size_t i = 0; i < size; i++) {
        text[i] = i == place ? (char)byte : (char)('a' + i % 26);
        if (i != place || (byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\'))
            g_string_append_c(expected, text[i]);
        else if (byte < 0x20)
            g_string_append_printf(expected, "\\u%04x", byte);
        else
            g_string_append_printf(expected, byte < 0x80 ? "\\%c" : "\xef\xbf\xbd", byte);
    }
    g_string_append_c(expected, '"');
    lc_json_write_text(json, (lc_text){text, size});
    assert_int_equal(json->len, expected->len);
    assert_string_equal(json->str, expected->str);
}

static void
each_byte_is_escaped_wherever_it_stands(void **state)
{
    (void)state;
    for (size_t size = 1; size <= 40; size++)
        for (size_t place = 0; place < size; place++)
            for (unsigned byte = 0; byte < 256; byte++)
                check_byte_in_text(size, place, (uint8_t)byte);
}

static void
assert_refused(const lc_fact *fact, lc_instant record_time, const char *message)
{
    g_autoptr(GError) error = NULL;
    if (lc_fact_check(fact, record_time, 600000, &error))
        fail_msg("accepted, but expected: %s", message);
    assert_true(g_error_matches(error, LC_ERROR, LC_ERROR_RECORD));
    if (strstr(error->message, message) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error->message, message);
}

static void
a_good_fact_is_accepted(void **state)
{
    (void)state;
    assert_true(lc_fact_check(&good, LC_ABSENT, 0, NULL));
    assert_true(lc_fact_check(&good, good.occurred_at - 600000, 600000, NULL));
    lc_fact empty_channel = good;
    empty_channel.channel = LC_TEXT("");
    assert_true(lc_fact_check(&empty_channel, LC_ABSENT, 0, NULL));
    assert_true(lc_fact_lacks_channel(&empty_channel));
    assert_false(lc_fact_lacks_channel(&good));
}

static void
what_is_missing_or_over_its_limit_is_named(void **state)
{
    (void)state;
    g_autofree char *long_text = g_strnfill(1025, 'x');
    lc_attribute attributes[65];
    for (size_t i = 0; i < G_N_ELEMENTS(attributes); i++)
        attributes[i] = (lc_attribute){LC_TEXT("key"), LC_TEXT("value")};
    lc_attribute long_key = {{long_text, 129}, LC_TEXT("")};
    lc_attribute long_value = {LC_TEXT(""), {long_text, 1025}};

#define REFUSED(message, ...)                                                                                          \
    {                                                                                                                  \
        lc_fact fact = good;                                                                                           \
        __VA_ARGS__;                                                                                                   \
        assert_refused(&fact, LC_ABSENT, message);                                                                     \
    }
    REFUSED("event_id is missing", fact.event_id = LC_NO_TEXT)
    REFUSED("event_id is empty", fact.event_id = LC_TEXT(""))
    REFUSED("event_id has 129 bytes; at most 128", fact.event_id = ((lc_text){long_text, 129}))
    REFUSED("event_id is not UTF-8", fact.event_id = LC_TEXT("\xff"))
    REFUSED("occurred_at is missing", fact.occurred_at = LC_ABSENT)
    REFUSED("occurred_at is 0 (1970-01-01T00:00:00.000Z), which is not from 1990 to before 2200", fact.occurred_at = 0)
    REFUSED("recorded_at is -1 (", fact.recorded_at = -1)
    REFUSED("channel is missing", fact.channel = LC_NO_TEXT)
    REFUSED("campaign has 256 bytes", fact.campaign = ((lc_text){long_text, 256}))
    REFUSED("owner is not UTF-8", fact.owner = LC_TEXT("\xc3"))
    REFUSED("attributes has 65 entries", fact.attributes = attributes; fact.n_attributes = 65)
    REFUSED("key of attributes has 129", fact.attributes = &long_key; fact.n_attributes = 1)
    REFUSED("value of attributes has 1025", fact.attributes = &long_value; fact.n_attributes = 1)
    REFUSED("owner is missing", fact.type = LC_FACT_ASSIGNED)
    REFUSED("stage is missing", fact.type = LC_FACT_PROGRESSED)
    REFUSED("reason is missing", fact.type = LC_FACT_REJECTED)
    REFUSED("into is missing", fact.type = LC_FACT_MERGED)
    REFUSED("into is empty", fact.type = LC_FACT_MERGED; fact.into = LC_TEXT(""))
    REFUSED("into has a NUL", fact.type = LC_FACT_MERGED; fact.into = LC_TEXT("a\0b"))
    REFUSED("reason has 256 bytes", fact.type = LC_FACT_PAUSED; fact.text = ((lc_text){long_text, 256}))
    REFUSED("until is 1", fact.type = LC_FACT_PAUSED; fact.until = 1)
#undef REFUSED
}

/* Rule 1.7. */
static void
times_are_from_1990_to_before_2200_in_milliseconds(void **state)
{
    (void)state;
    static const struct {
        lc_instant at;
        const char *problem; /* NULL: taken */
    } cases[] = {
        {631152000000, NULL},
        {631151999999,
         "(1989-12-31T23:59:59.999Z), which is not from 1990 to before 2200; it looks like a default that "
         "slipped through; times are in milliseconds since 1970"},
        {7258118399999, NULL},
        {7258118400000, "(2200-01-01T00:00:00.000Z), which is not from 1990"},
        {1770022800, "it looks like seconds, but times are in milliseconds since 1970"},
        {631152000, "looks like seconds"},
        {1770022800000000, "it looks like microseconds"},
        {1770022800000000000, "it looks like nanoseconds"},
        {0, "0 (1970-01-01T00:00:00.000Z), which is not from 1990 to before 2200; it looks like a default"},
        {-2208988800000, "(1900-01-01T00:00:00.000Z), which is not from 1990 to before 2200; it looks like a default"},
        {-62135596800000, "it looks like a default that slipped through"}, /* of .NET */
        {253402300799999, "it looks like a default that slipped through"},
        {LC_NEVER, "9223372036854775807"},
        {LC_ABSENT + 1, "-9223372036854775807"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        lc_fact fact = good;
        fact.follow_up_at = cases[i].at;
        if (cases[i].problem)
            assert_refused(&fact, LC_ABSENT, cases[i].problem);
        else
            assert_true(lc_fact_check(&fact, LC_ABSENT, 0, NULL));
    }
}

static void
follow_up_at_and_until_may_be_later_than_now(void **state)
{
    (void)state;
    lc_fact fact = good;
    fact.follow_up_at = fact.until = good.occurred_at + 100 * LC_DAY;
    assert_true(lc_fact_check(&fact, good.occurred_at, 600000, NULL));
    fact.type = LC_FACT_PAUSED;
    assert_true(lc_fact_check(&fact, good.occurred_at, 600000, NULL));
}

static void
a_fact_too_far_ahead_of_its_record_is_refused(void **state)
{
    (void)state;
    assert_refused(&good, good.occurred_at - 600001, "ahead of the record's timestamp");
}

static void
a_lead_id_has_1_to_255_bytes_of_utf8_without_a_nul(void **state)
{
    (void)state;
    g_autofree char *long_text = g_strnfill(256, 'x');
    assert_true(lc_lead_id_check(LC_TEXT("l"), NULL));
    assert_true(lc_lead_id_check((lc_text){long_text, 255}, NULL));
    assert_false(lc_lead_id_check((lc_text){long_text, 256}, NULL));
    assert_false(lc_lead_id_check(LC_TEXT(""), NULL));
    assert_false(lc_lead_id_check(LC_NO_TEXT, NULL));
    assert_false(lc_lead_id_check(LC_TEXT("\xfe"), NULL));
    assert_false(lc_lead_id_check(LC_TEXT("a\0b"), NULL));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_utf8_as_rfc_3629_says),
        cmocka_unit_test(json_text_is_escaped_and_bytes_that_are_no_utf8_are_replaced),
        cmocka_unit_test(each_byte_is_escaped_wherever_it_stands),
        cmocka_unit_test(a_good_fact_is_accepted),
        cmocka_unit_test(what_is_missing_or_over_its_limit_is_named),
        cmocka_unit_test(times_are_from_1990_to_before_2200_in_milliseconds),
        cmocka_unit_test(follow_up_at_and_until_may_be_later_than_now),
        cmocka_unit_test(a_fact_too_far_ahead_of_its_record_is_refused),
        cmocka_unit_test(a_lead_id_has_1_to_255_bytes_of_utf8_without_a_nul),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
