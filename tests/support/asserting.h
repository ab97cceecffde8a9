/* asserting.h - what several tests assert, beyond cmocka's own (included here with what it needs). */
#pragma once

#include <leadclock/policy.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The call is true, or the test fails with what `error` says. */
#define must(call, error)                                                                                              \
    do {                                                                                                               \
        if (!(call))                                                                                                   \
            fail_msg("%s", (error) ? (error)->message : "no error said");                                              \
    } while (0)

/* There is an error, of this code, and its message has this part; it is cleared. */
void assert_error(GError **error, lc_error code, const char *part);

/* NULL: the text is absent. */
void assert_text(lc_text text, const char *expected);

/* "2026-01-31T09:00:00Z". */
lc_instant instant_of(const char *text);

/* The policy book of one document, policy.yaml. */
lc_policy_book *policy_of(const char *yaml);
