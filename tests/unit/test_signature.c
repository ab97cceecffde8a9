/* test_signature.c - signatures of HTTP messages, against published examples. */
#include <leadclock/http.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const char secret[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
static const char id[] = "msg_p5jXN8AQM9LWM0D4loKWxJek";
static const char timestamp[] = "1614265330";
static const char body[] = "{\"test\": 2432232314}";
static const char signature[] = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
static const lc_instant then = 1614265330 * LC_SECOND;

static GBytes *
key_of(const char *text)
{
    g_autoptr(GError) error = NULL;
    GBytes *key = lc_signing_key(text, &error);
    assert_null(error);
    return key;
}

static void
the_standard_s_example_is_signed_as_it_says(void **state)
{
    (void)state;
    g_autoptr(GBytes) key = key_of(secret);
    g_autofree char *made = lc_webhook_signature(key, id, 1614265330, lc_text_of(body));
    assert_string_equal(made, signature);
}

static void
github_s_example_is_signed_as_it_says(void **state)
{
    (void)state;
    g_autoptr(GBytes) key = key_of("It's a Secret to Everybody");
    g_autofree char *made = lc_hub_signature(key, LC_TEXT("Hello, World!"));
    assert_string_equal(made, "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17");
    assert_true(lc_hub_is_signed(key, made, LC_TEXT("Hello, World!")));
    assert_true(lc_hub_is_signed(key, "sha256=757107EA0EB2509FC211221CCE984B8A37570B6D7586C22C46F4379C8B043E17",
                                 LC_TEXT("Hello, World!")));
    assert_false(lc_hub_is_signed(key, made, LC_TEXT("Hello, World?")));
    assert_false(lc_hub_is_signed(key, "sha256=", LC_TEXT("Hello, World!")));
    assert_false(lc_hub_is_signed(key, "", LC_TEXT("Hello, World!")));
    assert_false(lc_hub_is_signed(key, NULL, LC_TEXT("Hello, World!")));
}

static void
a_webhook_is_signed_only_if_all_of_it_is_as_it_was(void **state)
{
    (void)state;
    static const struct {
        const char *id, *timestamp, *signature, *body;
        lc_duration later;
        bool is_signed;
    } cases[] = {
        {id, timestamp, signature, body, 0, true},
        {id, timestamp, signature, body, 5 * LC_MINUTE, true},
        {id, timestamp, signature, body, -5 * LC_MINUTE, true},
        {id, timestamp, signature, body, 5 * LC_MINUTE + 1, false},
        {id, timestamp, signature, body, -5 * LC_MINUTE - 1, false},
        {id, timestamp, "v1,AAAA v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= v1a,x", body, 0, true},
        {id, timestamp, "v1,AAAA", body, 0, false},
        {id, timestamp, "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", body, 0, false},
        {id, timestamp, "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", body, 0, false},
        {id, timestamp, "", body, 0, false},
        {id, timestamp, NULL, body, 0, false},
        {id, "1614265331", signature, body, 0, false},
        {id, "01614265330", signature, body, 0, false},
        {id, "yesterday", signature, body, 0, false},
        {id, "-1", signature, body, 0, false},
        {id, "99999999999999999999999", signature, body, 0, false},
        {id, NULL, signature, body, 0, false},
        {"msg_other", timestamp, signature, body, 0, false},
        {NULL, timestamp, signature, body, 0, false},
        {id, timestamp, signature, "{\"test\": 2432232315}", 0, false},
        {id, timestamp, signature, "", 0, false},
    };
    g_autoptr(GBytes) key = key_of(secret), other = key_of("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const lc_webhook_headers headers = {cases[i].id, cases[i].timestamp, cases[i].signature};
        lc_text of = lc_text_of(cases[i].body);
        bool is_signed = lc_webhook_is_signed(key, &headers, of, then + cases[i].later);
        if (is_signed != cases[i].is_signed)
            fail_msg("case %zu: %d", i, is_signed);
        assert_false(lc_webhook_is_signed(other, &headers, of, then + cases[i].later));
    }
}

static void
a_secret_is_base64_after_whsec_or_itself(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "whsec_",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2La",
        "whsec_no base64!",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw MfKQ",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;
        if (lc_signing_key(wrong[i], &error) != NULL)
            fail_msg("\"%s\" is taken", wrong[i]);
        assert_int_equal(error->code, LC_ERROR_CONFIG);
    }
    g_autoptr(GBytes) key = key_of(secret), plain = key_of("whsec");
    assert_int_equal(g_bytes_get_size(key), 24);
    assert_int_equal(g_bytes_get_size(plain), 5);
}

static void
secrets_are_equal_when_all_bytes_are(void **state)
{
    (void)state;
    assert_true(lc_secret_equal(LC_TEXT("abc"), LC_TEXT("abc")));
    assert_false(lc_secret_equal(LC_TEXT("abc"), LC_TEXT("abd")));
    assert_false(lc_secret_equal(LC_TEXT("abc"), LC_TEXT("abcd")));
    assert_true(lc_secret_equal(LC_TEXT(""), LC_TEXT("")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_standard_s_example_is_signed_as_it_says),
        cmocka_unit_test(github_s_example_is_signed_as_it_says),
        cmocka_unit_test(a_webhook_is_signed_only_if_all_of_it_is_as_it_was),
        cmocka_unit_test(a_secret_is_base64_after_whsec_or_itself),
        cmocka_unit_test(secrets_are_equal_when_all_bytes_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
