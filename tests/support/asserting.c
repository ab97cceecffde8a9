/* asserting.c - assertions that show texts and outcomes. */
#include "asserting.h"

void
assert_error(GError **error, lc_error code, const char *part)
{
    assert_non_null(*error);
    if (!g_error_matches(*error, LC_ERROR, (int)code) || strstr((*error)->message, part) == NULL)
        fail_msg("code %d, \"%s\"; expected code %d and \"%s\"", (*error)->code, (*error)->message, (int)code, part);
    g_clear_error(error);
}

void
assert_text(lc_text text, const char *expected)
{
    if (!lc_text_equal(text, lc_text_of(expected)))
        fail_msg("\"%.*s\" is not \"%s\"", LC_TEXT_ARGS(text), expected ? expected : "(absent)");
}

lc_instant
instant_of(const char *text)
{
    lc_instant instant;
    assert_true(lc_instant_parse(text, &instant));
    return instant;
}

lc_policy_book *
policy_of(const char *yaml)
{
    GError *error = NULL;
    lc_policy_book *book = lc_policy_book_parse("policy.yaml", yaml, strlen(yaml), &error);
    must(book, error);
    return book;
}
